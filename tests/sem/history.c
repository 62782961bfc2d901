/* SPDX-License-Identifier: MIT */
/* What processes post and take at once is what one counter can have given. */
#include "../history.h"

enum { ACTORS = 3 };

/* Waited for, or tried: without a time, or with one that is over. */
static int take(sem_t *semaphore, unsigned how)
{
	static const struct timespec long_ago = {1, 0};

	if (how == 1)
		return impl->sem->sem_trywait(semaphore);
	if (how == 2)
		return impl->sem->sem_timedwait(semaphore, &long_ago);
	return impl->sem->sem_wait(semaphore);
}

static long long take_and_post_in_turn(const char *s, const long long *n, unsigned ways)
{
	sem_t *semaphore = handle_pointer(s);
	unsigned who = (unsigned)n[0];
	long long failures = n[1] / 2;
	uint64_t seed = begin_round(n);

	for (long long i = 0; i < n[1] / 2; i++) {
		struct event *noted = recorder_invoke(recorder, who, EVENT_TAKE, 1, 0);

		while (take(semaphore, choose(&seed, ways)) < 0) {
			if (errno != EAGAIN && errno != ETIMEDOUT)
				return -1;
			note_failure(noted, EVENT_EMPTY, &failures);
			noted = recorder_invoke(recorder, who, EVENT_TAKE, 1, 0);
		}
		recorder_return(noted);
		dwell(&seed);
		noted = recorder_invoke(recorder, who, EVENT_PUT, 1, 0);
		if (impl->sem->sem_post(semaphore) < 0)
			return -1;
		recorder_return(noted);
	}
	return 0;
}

static long long take_and_post(const char *s, const long long *n)
{
	return take_and_post_in_turn(s, n, 1);
}

static long long try_and_post(const char *s, const long long *n)
{
	return take_and_post_in_turn(s, n, 3);
}

static const struct choice {
	const char *name;
	bool is_trying;
	unsigned initial;
} choices[] = {{"waiting", false, 1}, {"trying", true, 1}, {"enough_for_all", true, ACTORS}};

TEST_EACH(sem, what_happens_at_once_is_as_one_after_the_other, choices)
{
	long long count = operations_of(ACTORS, MANY);
	struct player players[ACTORS];

	begin_history(ACTORS, count);
	actor *alice = cast("alice");
	does(alice, sem.make("s", row->initial));
	for (unsigned i = 0; i < ACTORS; i++)
		players[i] = row->is_trying ? PLAYER(forks(alice, "actor"), try_and_post, "s")
					    : PLAYER(forks(alice, "actor"), take_and_post, "s");
	play(players, ACTORS, count);
	does_give(alice, sem.value("s"), row->initial);
	must_be_of(MODEL_COUNTER, row->initial);
}
