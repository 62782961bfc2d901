/* SPDX-License-Identifier: MIT */
/* Threads are parties as processes are. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "sched/clock.h"
#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

enum { THREADS = PARTIES };

struct start {
	void *(*run)(void *);
	void *argument;
	unsigned party, actor;
};

/* Who is which party, until somebody joins it. */
static struct {
	_Atomic uint32_t used;
	pthread_t thread;
	unsigned party;
} threads[THREADS];

static void remember(pthread_t thread, unsigned party)
{
	for (unsigned i = 0; i < THREADS; i++) {
		uint32_t unused = 0;

		if (!atomic_compare_exchange_strong(&threads[i].used, &unused, 1))
			continue;
		threads[i].thread = thread;
		threads[i].party = party;
		atomic_store(&threads[i].used, 2);
		return;
	}
}

static unsigned forget(pthread_t thread)
{
	for (unsigned i = 0; i < THREADS; i++)
		if (atomic_load(&threads[i].used) == 2 &&
		    pthread_equal(threads[i].thread, thread)) {
			unsigned party = threads[i].party;

			atomic_store(&threads[i].used, 0);
			return party;
		}
	return PARTIES;
}

static void *begin(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	if (start.actor != NOBODY)
		model_thread_begins(start.actor);
	party_become(start.party);
	return start.run(start.argument);
}

WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument))
{
	struct start *start = malloc(sizeof(*start));

	if (!start)
		return EAGAIN;
	runtime_threads = true;
	runtime_begets();
	*start = (struct start){run, argument, party_prepare(), NOBODY};
	unsigned party = start->party, actor = NOBODY;
	if (MODELLED)
		start->actor = actor = model_thread_prepare(HERE);
	int result = REAL(pthread_create)(thread, attributes, begin, start);

	if (actor != NOBODY)
		model_thread_made(actor, *thread, result == 0);
	if (result) {
		party_abandon(party);
		free(start);
	} else if (party < PARTIES) {
		remember(*thread, party);
	}
	return result;
}

static int joined(pthread_t thread, int result)
{
	unsigned party = result ? PARTIES : forget(thread);

	if (party < PARTIES) {
		party_join(party);
		party_abandon(party);
	}
	return result;
}

WRAP(int, pthread_join, (pthread_t thread, void **value))
{
	if (MODELLED)
		model_thread_join(HERE, thread);
	return joined(thread, REAL(pthread_join)(thread, value));
}

WRAP(int, pthread_tryjoin_np, (pthread_t thread, void **value))
{
	return joined(thread, REAL(pthread_tryjoin_np)(thread, value));
}

WRAP(int, pthread_timedjoin_np, (pthread_t thread, void **value, const struct timespec *until))
{
	return joined(thread, REAL(pthread_timedjoin_np)(thread, value, until));
}

WRAP(int, pthread_detach, (pthread_t thread))
{
	forget(thread);
	return REAL(pthread_detach)(thread);
}

WRAP(int, pthread_once, (pthread_once_t * once, void (*routine)(void)))
{
	int result = REAL(pthread_once)(once, routine);

	/* whoever comes back from it releases no more than all know: it is as good as done */
	uint64_t key = sync_key_of(once);

	sync_release(key, SYNC_ONCE);
	sync_acquire(key, SYNC_ONCE);
	return result;
}
