/* SPDX-License-Identifier: MIT */
/* How much of each page of each document has become a rule, and a test. */
#include "command/command.h"

#include <stdlib.h>
#include <string.h>

/* Where a promise is written down. */
enum document { POSIX_1, LINUX_PAGES, NOWHERE, DOCUMENT_COUNT };

static const char *const document_names[DOCUMENT_COUNT] = {
	[POSIX_1] = "POSIX.1-2024",
	[LINUX_PAGES] = "Linux manual pages",
	[NOWHERE] = "no standard",
};

struct page {
	enum document document;
	char name[48];
	size_t rules, tested, untestable;
};

struct pages {
	struct page *pages;
	size_t count;
};

/* "mq_send: ERRORS" is of mq_send; "pipe(7): PIPE_BUF" of pipe(7). */
static size_t page_length(const char *clause)
{
	return strcspn(clause, ":,;");
}

static enum document document_of(enum grade grade, const char *clause)
{
	if (grade == OURS)
		return NOWHERE;
	return memchr(clause, '(', page_length(clause)) ? LINUX_PAGES : POSIX_1;
}

static struct page *page_of(struct pages *pages, enum grade grade, const char *clause)
{
	enum document document = document_of(grade, clause);
	char name[sizeof(pages->pages->name)] = "";

	strncat(name, clause,
		page_length(clause) < sizeof(name) - 1 ? page_length(clause) : sizeof(name) - 1);
	for (size_t i = 0; i < pages->count; i++)
		if (pages->pages[i].document == document && strcmp(pages->pages[i].name, name) == 0)
			return &pages->pages[i];

	struct page *more = realloc(pages->pages, (pages->count + 1) * sizeof(*more));
	if (!more)
		refuse("no memory for the pages");
	pages->pages = more;
	struct page *page = &more[pages->count++];
	*page = (struct page){.document = document};
	strcpy(page->name, name);
	return page;
}

static int compare(const void *one, const void *other)
{
	const struct page *a = one, *b = other;

	return a->document != b->document ? (int)a->document - (int)b->document
					  : strcmp(a->name, b->name);
}

static void count_pages(struct pages *pages, const struct selection *selection)
{
	for (int rule = 0; rule < RULE_COUNT; rule++) {
		if (!is_listed(selection, rules[rule].grade, rules[rule].name))
			continue;
		struct page *page = page_of(pages, rules[rule].grade, rules[rule].clause);

		page->rules++;
		page->tested += tests_of((enum rule_id)rule) > 0;
	}
	for (const struct untestable *it = untestables; it->name; it++) {
		if (!is_listed(selection, it->grade, it->name))
			continue;
		struct page *page = page_of(pages, it->grade, it->clause);

		page->rules++;
		page->untestable++;
	}
	qsort(pages->pages, pages->count, sizeof(*pages->pages), compare);
}

static void add_line(struct sheet *sheet, const char *name, const struct page *page)
{
	sheet_printf(sheet, "%-40s %5zu rules %5zu tested %5zu untestable\n", name, page->rules,
		     page->tested, page->untestable);
}

static void add_document(struct sheet *sheet, const struct pages *pages, enum document document,
			 struct page *whole)
{
	struct page sum = {0};

	for (size_t i = 0; i < pages->count; i++) {
		const struct page *page = &pages->pages[i];

		if (page->document != document)
			continue;
		if (!sum.rules)
			sheet_printf(sheet, "%s\n", document_names[document]);
		sum.rules += page->rules;
		sum.tested += page->tested;
		sum.untestable += page->untestable;
		sheet_add(sheet, "  ");
		add_line(sheet, page->name, page);
	}
	if (sum.rules) {
		sheet_add(sheet, "  ");
		add_line(sheet, "together", &sum);
	}
	whole->rules += sum.rules;
	whole->tested += sum.tested;
	whole->untestable += sum.untestable;
}

void list_coverage(struct sheet *sheet, const struct selection *selection)
{
	struct pages pages = {0};
	struct page whole = {0};

	count_pages(&pages, selection);
	for (int document = 0; document < DOCUMENT_COUNT; document++)
		add_document(sheet, &pages, (enum document)document, &whole);
	add_line(sheet, "all", &whole);
	free(pages.pages);
}
