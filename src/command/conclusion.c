/* SPDX-License-Identifier: MIT */
/* Figures are kept as they come, for what follows compares cells with each other. */
#include "command/conclusion.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct figure {
	struct cell cell;
	const struct implementation *impl; /* NULL: a limit */
	enum limit limit;
	const char *name; /* of the way or of what was done */
	double median;
};

static struct figure *figures;
static size_t figure_count;

void conclusion_keep(const struct cell *cell, const struct runner *runners, size_t count)
{
	struct figure *more = realloc(figures, (figure_count + count) * sizeof(*more));

	if (!more)
		return;
	figures = more;
	for (size_t i = 0; i < count; i++) {
		const struct runner *r = &runners[i];

		if (r->trouble)
			continue;
		figures[figure_count++] =
			(struct figure){*cell, r->impl, r->limit,
					cell->solo ? cell->solo->name : r->way->name, r->median};
	}
}

/* -- finding one ----------------------------------------------------------------------------------
 */

/* What was measured: by an implementation, or (NULL) a limit. */
struct wanted {
	enum motion motion;
	unsigned processors;
	size_t size;
	const char *name; /* a limit's isn't looked at */
	const char *impl;
	enum limit limit;
};

/* Its median; 0: it wasn't measured. */
static double find(const struct wanted *w)
{
	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *f = &figures[i];

		if (f->cell.motion != w->motion || f->cell.processors != w->processors ||
		    f->cell.size != w->size)
			continue;
		if (w->impl ? f->impl && strcmp(f->impl->name, w->impl) == 0 &&
				      strcmp(f->name, w->name) == 0
			    : !f->impl && f->limit == w->limit)
			return f->median;
	}
	return 0;
}

static double ratio(const struct wanted *ours, const struct wanted *theirs)
{
	double to = find(theirs);

	return to > 0 ? find(ours) / to : 0;
}

static struct wanted by_way(enum motion motion, unsigned processors, size_t size, const char *name,
			    const char *impl)
{
	return (struct wanted){motion, processors, size, name, impl, LIMIT_CALL};
}

static const char *where(unsigned processors)
{
	return processors > 1 ? "two processors" : "one processor";
}

/* -- what follows ---------------------------------------------------------------------------------
 */

enum { LINE = 256 };

static void say_talk(say_line *say, void *to, const char *impl, unsigned processors, size_t size)
{
	struct wanted pipe = by_way(ROUND_TRIP, processors, size, "pipe", impl);
	struct wanted shared = by_way(ROUND_TRIP, processors, size, "shm+sem", impl);
	const struct wanted line = {ROUND_TRIP, processors, size, NULL, NULL, LIMIT_LINE};
	double to_shared = ratio(&pipe, &shared), to_line = ratio(&pipe, &line);
	char text[LINE], more[LINE / 2] = "";

	if (to_shared <= 0)
		return;
	if (to_line > 0)
		snprintf(more, sizeof(more), ", and %.3g times a cache line's", to_line);
	snprintf(text, sizeof(text),
		 "%s, %s: a round trip of %zu bytes takes a pipe %.3g times as long as shared "
		 "memory "
		 "with semaphores%s",
		 impl, where(processors), size, to_shared, more);
	say(to, text);
}

static void say_copies(say_line *say, void *to, const char *impl, const char *queue,
		       unsigned processors)
{
	static const size_t sizes[] = {64, 65536, 1 << 20};
	char text[LINE];
	int length = snprintf(text, sizeof(text), "%s, %s: a byte through %s costs", impl,
			      where(processors), queue);
	bool is_any = false;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct wanted queued = by_way(ONE_WAY, processors, sizes[i], queue, impl);
		struct wanted shared = by_way(ONE_WAY, processors, sizes[i], "shm+sem", impl);
		double times = ratio(&queued, &shared);

		if (times <= 0)
			continue;
		length += snprintf(text + length, sizeof(text) - (size_t)length,
				   "%s %.3g ns in messages of %zu (%.3g times shared memory's)",
				   is_any ? "," : "", find(&queued) / (double)sizes[i], sizes[i],
				   times);
		is_any = true;
	}
	if (is_any)
		say(to, text);
}

static void say_fastest(say_line *say, void *to, const char *impl, const struct cell *cell)
{
	const struct figure *first = NULL, *second = NULL;
	char text[LINE];

	for (size_t i = 0; i < figure_count; i++) {
		const struct figure *f = &figures[i];

		if (!f->impl || strcmp(f->impl->name, impl) != 0 ||
		    f->cell.motion != cell->motion || f->cell.processors != cell->processors ||
		    f->cell.size != cell->size)
			continue;
		if (!first || f->median < first->median) {
			second = first;
			first = f;
		} else if (!second || f->median < second->median) {
			second = f;
		}
	}
	if (!second)
		return;
	snprintf(text, sizeof(text),
		 "%s, %s: the fastest %s for %zu bytes is %s; the next is %s, %.3g times as slow",
		 impl, where(cell->processors), cell->motion == ONE_WAY ? "way" : "round trip",
		 cell->size, first->name, second->name, second->median / first->median);
	say(to, text);
}

/* Whether the i-th figure is the first of its implementation, in its cell if is_of_cell. */
static bool is_new(size_t i, bool is_of_cell)
{
	for (size_t j = 0; j < i; j++)
		if (figures[j].impl == figures[i].impl &&
		    (!is_of_cell ||
		     memcmp(&figures[j].cell, &figures[i].cell, sizeof(figures[i].cell)) == 0))
			return false;
	return true;
}

void conclusion_say_what_follows(say_line *say, void *to)
{
	static const char *const queues[] = {"mq", "msg"};

	for (size_t i = 0; i < figure_count; i++) {
		const char *impl = figures[i].impl ? figures[i].impl->name : NULL;

		if (!impl || !is_new(i, false))
			continue;
		for (unsigned processors = 1; processors <= 2; processors++) {
			say_talk(say, to, impl, processors, 64);
			for (int q = 0; q < 2; q++)
				say_copies(say, to, impl, queues[q], processors);
		}
	}
	for (size_t i = 0; i < figure_count; i++)
		if (figures[i].impl && !figures[i].cell.solo && is_new(i, true))
			say_fastest(say, to, figures[i].impl->name, &figures[i].cell);
}

/* -- targets of the reference ---------------------------------------------------------------------
 */

static const struct target {
	const char *what;
	struct wanted ours, theirs;
	double most; /* of their time */
} targets[] = {
#define SOLO(name, impl)                                                                           \
	{                                                                                          \
		ALONE, 1, 0, name, impl, LIMIT_CALL                                                \
	}
#define WAY(motion, processors, size, name, impl)                                                  \
	{                                                                                          \
		motion, processors, size, name, impl, LIMIT_CALL                                   \
	}
#define LIMIT(motion, processors, size, limit)                                                     \
	{                                                                                          \
		motion, processors, size, NULL, NULL, limit                                        \
	}
	{"P and V alone, to the platform's", SOLO("sem_wait, sem_post", "ref"),
	 SOLO("sem_wait, sem_post", "posix"), 1.25},
	{"P and V alone, to its semop", SOLO("sem_wait, sem_post", "ref"),
	 SOLO("semop -1, +1, UNDO", "posix"), 1 / 20.},
	{"mq alone, to its robust mutex", SOLO("mq: send, receive", "ref"),
	 SOLO("robust mutex", "posix"), 3},
	{"pipe, 64 bytes, two processors, to a bare ring", WAY(ONE_WAY, 2, 64, "pipe", "ref"),
	 LIMIT(ONE_WAY, 2, 64, LIMIT_RING), 2},
	{"pipe, 64 bytes, one processor, to its pipe", WAY(ONE_WAY, 1, 64, "pipe", "ref"),
	 WAY(ONE_WAY, 1, 64, "pipe", "posix"), 1 / 30.},
	{"pipe, 4 KiB, two processors, to a bare ring", WAY(ONE_WAY, 2, 4096, "pipe", "ref"),
	 LIMIT(ONE_WAY, 2, 4096, LIMIT_RING), 1 / .8},
	{"pipe, 1 MiB, two processors, to vmsplice", WAY(ONE_WAY, 2, 1 << 20, "pipe", "ref"),
	 LIMIT(ONE_WAY, 2, 1 << 20, LIMIT_SPLICE), 1},
	{"mq, 64 bytes, two processors, to its mq", WAY(ONE_WAY, 2, 64, "mq", "ref"),
	 WAY(ONE_WAY, 2, 64, "mq", "posix"), 1 / 10.},
	{"mq, 64 bytes, one processor, to its mq", WAY(ONE_WAY, 1, 64, "mq", "ref"),
	 WAY(ONE_WAY, 1, 64, "mq", "posix"), 1 / 2.},
	{"pipe round trip, both running, to a cache line", WAY(ROUND_TRIP, 2, 64, "pipe", "ref"),
	 LIMIT(ROUND_TRIP, 2, 64, LIMIT_LINE), 2},
	{"pipe round trip, both asleep, to its pipe", WAY(ROUND_TRIP, 1, 64, "pipe", "ref"),
	 WAY(ROUND_TRIP, 1, 64, "pipe", "posix"), 1.1},
};

void conclusion_say_targets(say_line *say, void *to)
{
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		const struct target *t = &targets[i];
		double now = ratio(&t->ours, &t->theirs);
		char text[LINE];

		if (now > 0)
			snprintf(text, sizeof(text), "%-48s %8.3g of at most %6.3g  %s", t->what,
				 now, t->most, now <= t->most ? "met" : "not met");
		else
			snprintf(text, sizeof(text), "%-48s not measured", t->what);
		say(to, text);
	}
}
