/* SPDX-License-Identifier: MIT */
/* What processes move between semaphores at once is moved whole, and never seen in between. */
#include "../history.h"

enum { MOVERS = 2, TOKENS = 2 };

/* From the first semaphore to the second and back; n: which actor, how many. */
static long long move_many(const char *s, const long long *n)
{
	int id = (int)handle_number(s);
	unsigned who = (unsigned)n[0];

	for (long long i = 0; i < n[1]; i++) {
		struct sembuf move[2] = {{(unsigned short)(i % 2), -1, 0},
					 {(unsigned short)(1 - i % 2), 1, 0}};
		uint64_t invoked = recorder_clock();

		if (impl->semset->semop(id, move, 2) < 0)
			return -1;
		/* of the first semaphore */
		recorder_note(recorder, who, i % 2 ? EVENT_PUT : EVENT_TAKE, 1, 0, invoked);
	}
	return 0;
}

static long long look_often(const char *s, const long long *n)
{
	int id = (int)handle_number(s);

	for (long long i = 0; i < n[1]; i++) {
		unsigned short values[2] = {0xEEEE, 0xEEEE};

		if (impl->semset->semctl(id, 0, GETALL, (union semset_argument){.array = values}) <
		    0)
			return -1;
		must_be(values[0] + values[1], TOKENS);
	}
	return 0;
}

TEST(semset, what_happens_at_once_is_as_one_after_the_other)
{
	long long count = operations_of(MOVERS + 1) / 2 * 2;
	actor *movers[MOVERS];

	begin_history(MOVERS);
	actor *alice = cast("alice");
	does(alice, semset.make("s", "2 0"));
	actor *watcher = forks(alice, "watcher");
	for (unsigned i = 0; i < MOVERS; i++)
		movers[i] = forks(alice, "mover");
	begin(watcher, call(look_often, "s", 0, count, 0));
	for (unsigned i = 0; i < MOVERS; i++)
		begin(movers[i], call(move_many, "s", i, count, 0));
	for (unsigned i = 0; i < MOVERS; i++)
		gives(movers[i], 0);
	gives(watcher, 0);
	does_give(alice, semset.values("s"), "2 0");
	must_be_of_a_counter(TOKENS);
}
