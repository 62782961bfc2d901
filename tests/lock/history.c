/* SPDX-License-Identifier: MIT */
/* Who has a lock has it while nobody else does who must not. */
#include "../history.h"

enum { ACTORS = 3 };

/* It isn't had: it is busy, or the time is over. */
static bool is_refusal(int error)
{
	return error == EBUSY || error == ETIMEDOUT;
}

static int get_mutex(pthread_mutex_t *mutex, unsigned how)
{
	static const struct timespec long_ago = {1, 0};

	if (how == 1)
		return impl->lock->pthread_mutex_trylock(mutex);
	if (how == 2)
		return impl->lock->pthread_mutex_timedlock(mutex, &long_ago);
	return impl->lock->pthread_mutex_lock(mutex);
}

static long long hold_in_turn(const char *m, const long long *n, unsigned ways)
{
	pthread_mutex_t *mutex = handle_pointer(m);
	unsigned who = (unsigned)n[0];
	long long failures = n[1] / 2;
	uint64_t seed = begin_round(n);

	for (long long i = 0; i < n[1] / 2; i++) {
		struct event *noted = recorder_invoke(recorder, who, EVENT_HOLD, 0, 0);

		while ((errno = get_mutex(mutex, choose(&seed, ways)))) {
			if (!is_refusal(errno))
				return -1;
			note_failure(noted, EVENT_BUSY, &failures);
			noted = recorder_invoke(recorder, who, EVENT_HOLD, 0, 0);
		}
		recorder_return(noted);
		dwell(&seed);
		noted = recorder_invoke(recorder, who, EVENT_DROP, 0, 0);
		if ((errno = impl->lock->pthread_mutex_unlock(mutex)))
			return -1;
		recorder_return(noted);
	}
	return 0;
}

static long long hold_often(const char *m, const long long *n)
{
	return hold_in_turn(m, n, 1);
}

static long long try_and_hold(const char *m, const long long *n)
{
	return hold_in_turn(m, n, 3);
}

/* A reader may be refused for a writer who waits, so that says nothing. */
static long long share_often(const char *r, const long long *n)
{
	pthread_rwlock_t *rwlock = handle_pointer(r);
	unsigned who = (unsigned)n[0];
	long long failures = n[1] / 2;
	uint64_t seed = begin_round(n);

	for (long long i = 0; i < n[1] / 2; i++) {
		unsigned how = choose(&seed, 5);
		bool is_alone = how < 2;
		struct event *noted =
			recorder_invoke(recorder, who, is_alone ? EVENT_HOLD : EVENT_SHARE, 0, 0);

		while ((errno = how == 0   ? impl->lock->pthread_rwlock_wrlock(rwlock)
				: how == 1 ? impl->lock->pthread_rwlock_trywrlock(rwlock)
				: how == 2 ? impl->lock->pthread_rwlock_tryrdlock(rwlock)
					   : impl->lock->pthread_rwlock_rdlock(rwlock))) {
			long long none = 0;

			if (errno != EBUSY)
				return -1;
			note_failure(noted, EVENT_BUSY, is_alone ? &failures : &none);
			how = (is_alone ? 0 : 2) + choose(&seed, 2); /* or nobody comes to an end */
			noted = recorder_invoke(recorder, who, is_alone ? EVENT_HOLD : EVENT_SHARE,
						0, 0);
		}
		recorder_return(noted);
		dwell(&seed);
		noted = recorder_invoke(recorder, who, EVENT_DROP, 0, 0);
		if ((errno = impl->lock->pthread_rwlock_unlock(rwlock)))
			return -1;
		recorder_return(noted);
	}
	return 0;
}

static const struct choice {
	const char *name, *handle, *function;
	function *does;
} choices[] = {
	{"mutex", "m", "hold_often", hold_often},
	{"tried", "m", "try_and_hold", try_and_hold},
	{"shared", "r", "share_often", share_often},
};

TEST_EACH(lock, what_happens_at_once_is_as_one_after_the_other, choices)
{
	long long count = operations_of(ACTORS, MANY);
	struct player players[ACTORS];

	begin_history(ACTORS, count);
	actor *alice = cast("alice");
	if (row->handle[0] == 'm')
		does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, MUTEX_ROBUST));
	else
		does(alice, lock.make_rwlock("r", PTHREAD_PROCESS_SHARED));
	for (unsigned i = 0; i < ACTORS; i++)
		players[i] = (struct player){forks(alice, "actor"), row->function, row->does,
					     row->handle, 1};
	play(players, ACTORS, count);
	must_be_of(MODEL_LOCK, 0);
}
