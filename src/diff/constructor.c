/* SPDX-License-Identifier: MIT */
/* An operation, back in the words of a test: the vocabulary tells where each argument has gone. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "contract/sig.h"
#include "diff/script.h"
#include "stage/tell.h"

static const struct constructor {
	const char *name, *parameters, *shows, *fields;
} constructors[OP_COUNT] = {
#define OP(mechanism, word, parameters, shows, ...)                                                \
	[OP_##mechanism##_##word] = {#mechanism "." #word, #parameters, shows, "" #__VA_ARGS__},
#include "contract/all.ops"
#undef OP
};

struct text {
	char *bytes;
	size_t size, used;
};

static void add(struct text *text, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size && text->used + 1 < text->size; i++)
		text->bytes[text->used++] = bytes[i];
	text->bytes[text->used] = '\0';
}

static void add_string(struct text *text, const char *string, size_t size)
{
	char escaped[8];

	add(text, "\"", 1);
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)string[i];

		if (c == '"' || c == '\\')
			snprintf(escaped, sizeof(escaped), "\\%c", c);
		else if (isprint(c))
			snprintf(escaped, sizeof(escaped), "%c", c);
		else
			snprintf(escaped, sizeof(escaped), "\\%03o", c);
		add(text, escaped, strlen(escaped));
	}
	add(text, "\"", 1);
}

static void add_flags(struct text *text, int flags)
{
	static const struct {
		int flag;
		const char *name;
	} names[] = {
		{O_CREAT, " | O_CREAT"},     {O_EXCL, " | O_EXCL"},   {O_NONBLOCK, " | O_NONBLOCK"},
		{O_CLOEXEC, " | O_CLOEXEC"}, {O_TRUNC, " | O_TRUNC"}, {O_APPEND, " | O_APPEND"},
	};
	static const char *const accesses[] = {"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"};
	char rest[24];

	add(text, accesses[flags & O_ACCMODE], strlen(accesses[flags & O_ACCMODE]));
	flags &= ~O_ACCMODE;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((flags & names[i].flag) != names[i].flag)
			continue;
		add(text, names[i].name, strlen(names[i].name));
		flags &= ~names[i].flag;
	}
	if (flags) {
		snprintf(rest, sizeof(rest), " | %#o", (unsigned)flags);
		add(text, rest, strlen(rest));
	}
}

/* The letter of the n-th number in what is shown: %d, %f ... */
static char letter_of(const char *shows, int n)
{
	for (const char *s = shows; *s && strncmp(s, " -> ", 4) != 0; s++)
		if (*s == '%' && *++s && !strchr("hob", *s) && n-- == 0)
			return *s;
	return 'd';
}

static void add_signal(struct text *text, int number)
{
	const char *name = signal_name(number);
	char digits[16];

	if (strncmp(name, "SIG", 3) != 0) {
		snprintf(digits, sizeof(digits), "%d", number);
		name = digits;
	}
	add(text, name, strlen(name));
}

/* As one number has it, a byte each. */
static void add_signals(struct text *text, long long set)
{
	if (set == NO_SIGNALS || set == ALL_SIGNALS) {
		const char *name = set == NO_SIGNALS ? "NO_SIGNALS" : "ALL_SIGNALS";

		add(text, name, strlen(name));
		return;
	}
	bool is_first = true;

	add(text, "SIGNALS(", 8);
	for (int i = SET_MAX - 1; i >= 0; i--) {
		int number = (int)((unsigned long long)set >> 8 * i & 0xFF);

		if (number == 0)
			continue;
		if (!is_first)
			add(text, ", ", 2);
		add_signal(text, number);
		is_first = false;
	}
	add(text, ")", 1);
}

/* An actor, by the number that scripts know it by. */
static void add_process(struct text *text, long long actor)
{
	char process[32];

	snprintf(process, sizeof(process), "pid_of(%s)", diff_actor_names[actor]);
	add(text, process, strlen(process));
}

static void add_number(struct text *text, char letter, long long number)
{
	char digits[32];

	switch (letter) {
	case 'f':
		add_flags(text, (int)number);
		return;
	case 's':
		add_signal(text, (int)number);
		return;
	case 'm':
		add_signals(text, number);
		return;
	case 'p':
		add_process(text, number);
		return;
	}
	snprintf(digits, sizeof(digits), letter == 'x' && number >= 0 ? "%#llo" : "%lld", number);
	add(text, digits, strlen(digits));
}

/* Whether the expression of this size ends with the name. */
static bool ends_with(const char *expression, size_t size, const char *name, size_t length)
{
	if (size < length || strncmp(expression + size - length, name, length) != 0)
		return false;
	return size == length || !(isalnum((unsigned char)expression[size - length - 1]) ||
				   expression[size - length - 1] == '_');
}

static bool is_in(const char *fields, const char *field, const char *name, size_t length)
{
	const char *at = strstr(fields, field);

	if (!at)
		return false;
	at += strlen(field);
	return ends_with(at, strcspn(at, ","), name, length);
}

/* Which number the parameter has become; -1: none. */
static int number_of(const char *fields, const char *name, size_t length)
{
	const char *at = strstr(fields, ".n = {");
	int n = 0;

	for (at = at ? at + strlen(".n = {") : ""; *at; n++) {
		size_t size = strcspn(at, ",}");

		if (ends_with(at, size, name, length))
			return n;
		at += size;
		if (*at == '}')
			break;
		at += strspn(at, ", ");
	}
	return -1;
}

static void add_argument(struct text *text, const struct constructor *c, const op *o,
			 const char *name, size_t length)
{
	size_t size = o->bytes && o->size == 0 && !o->empty ? strlen(o->bytes) : o->size;
	int n = number_of(c->fields, name, length);

	if (is_in(c->fields, ".handle = ", name, length))
		add_string(text, o->handle, strlen(o->handle));
	else if (is_in(c->fields, ".other = ", name, length))
		add_string(text, o->other, strlen(o->other));
	else if (is_in(c->fields, ".bytes = ", name, length))
		add_string(text, o->bytes, size);
	else if (is_in(c->fields, ".size = ", name, length))
		add_number(text, 'd', (long long)size);
	else if (n >= 0)
		add_number(text, letter_of(c->shows, n), o->n[n]);
}

void constructor_text(const op *o, char *bytes, size_t size)
{
	const struct constructor *c = &constructors[o->code];
	struct text text = {bytes, size, 0};

	/* pipe(2) owns the name */
	if (strncmp(c->name, "pipe.", 5) == 0)
		add(&text, "pipes", 5), add(&text, c->name + 4, strlen(c->name + 4));
	else
		add(&text, c->name, strlen(c->name));
	add(&text, "(", 1);
	for (const char *at = c->parameters + 1; *at && strcmp(c->parameters, "(void)") != 0;) {
		size_t whole = strcspn(at, ",)"), name = whole;

		while (name > 0 && (isalnum((unsigned char)at[name - 1]) || at[name - 1] == '_'))
			name--;
		add_argument(&text, c, o, at + name, whole - name);
		at += whole;
		if (*at != ',')
			break;
		add(&text, ", ", 2);
		at++;
	}
	add(&text, ")", 1);
}
