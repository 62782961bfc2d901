/* SPDX-License-Identifier: MIT */
/* What processes post and take at once is what one counter can have given. */
#include "../history.h"

enum { ACTORS = 3, INITIAL = 1 };

/* n: which actor, how many. */
static long long take_and_post(const char *s, const long long *n)
{
	sem_t *semaphore = handle_pointer(s);
	unsigned who = (unsigned)n[0];

	for (long long i = 0; i < n[1] / 2; i++) {
		uint64_t invoked = recorder_clock();

		if (impl->sem->sem_wait(semaphore) < 0)
			return -1;
		recorder_note(recorder, who, EVENT_TAKE, 1, 0, invoked);
		invoked = recorder_clock();
		if (impl->sem->sem_post(semaphore) < 0)
			return -1;
		recorder_note(recorder, who, EVENT_PUT, 1, 0, invoked);
	}
	return 0;
}

TEST(sem, what_happens_at_once_is_as_one_after_the_other)
{
	long long count = operations_of(ACTORS);
	actor *actors[ACTORS];

	begin_history(ACTORS);
	actor *alice = cast("alice");
	does(alice, sem.make("s", INITIAL));
	for (unsigned i = 0; i < ACTORS; i++)
		actors[i] = forks(alice, "actor");
	for (unsigned i = 0; i < ACTORS; i++)
		begin(actors[i], call(take_and_post, "s", i, count, 0));
	for (unsigned i = 0; i < ACTORS; i++)
		gives(actors[i], 0);
	does_give(alice, sem.value("s"), INITIAL);
	must_be_of_a_counter(INITIAL);
}
