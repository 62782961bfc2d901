/* SPDX-License-Identifier: MIT */
/* Who has a lock has it while nobody else does who must not. */
#include "../history.h"

enum { ACTORS = 3 };

/* n: which actor, how many. */
static long long hold_often(const char *m, const long long *n)
{
	pthread_mutex_t *mutex = handle_pointer(m);
	unsigned who = (unsigned)n[0];

	for (long long i = 0; i < n[1] / 2; i++) {
		uint64_t invoked = recorder_clock();

		if ((errno = impl->lock->pthread_mutex_lock(mutex)))
			return -1;
		recorder_note(recorder, who, EVENT_HOLD, 0, 0, invoked);
		invoked = recorder_clock();
		if ((errno = impl->lock->pthread_mutex_unlock(mutex)))
			return -1;
		recorder_note(recorder, who, EVENT_DROP, 0, 0, invoked);
	}
	return 0;
}

static long long share_often(const char *r, const long long *n)
{
	pthread_rwlock_t *rwlock = handle_pointer(r);
	unsigned who = (unsigned)n[0];

	for (long long i = 0; i < n[1] / 2; i++) {
		bool is_alone = i % 4 == who % 4;
		uint64_t invoked = recorder_clock();

		errno = is_alone ? impl->lock->pthread_rwlock_wrlock(rwlock)
				 : impl->lock->pthread_rwlock_rdlock(rwlock);
		if (errno)
			return -1;
		recorder_note(recorder, who, is_alone ? EVENT_HOLD : EVENT_SHARE, 0, 0, invoked);
		invoked = recorder_clock();
		if ((errno = impl->lock->pthread_rwlock_unlock(rwlock)))
			return -1;
		recorder_note(recorder, who, EVENT_DROP, 0, 0, invoked);
	}
	return 0;
}

static void compete(actor *alice, function *often, const char *name)
{
	long long count = operations_of(ACTORS);
	actor *actors[ACTORS];
	struct violation violation;

	for (unsigned i = 0; i < ACTORS; i++)
		actors[i] = forks(alice, "actor");
	for (unsigned i = 0; i < ACTORS; i++)
		begin(actors[i], call(often, name, i, count, 0));
	for (unsigned i = 0; i < ACTORS; i++)
		gives(actors[i], 0);
	struct history history = read_history();
	if (!judge_lock(&history, &violation))
		refute("%s", violation.proof);
}

TEST(lock, what_happens_at_once_is_as_one_after_the_other)
{
	begin_history(ACTORS);
	actor *alice = cast("alice");
	does(alice, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, MUTEX_ROBUST));
	compete(alice, hold_often, "m");
}

TEST_VARIANT(lock, what_happens_at_once_is_as_one_after_the_other, shared)
{
	begin_history(ACTORS);
	actor *alice = cast("alice");
	does(alice, lock.make_rwlock("r", PTHREAD_PROCESS_SHARED));
	compete(alice, share_often, "r");
}
