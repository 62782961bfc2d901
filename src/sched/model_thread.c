/* SPDX-License-Identifier: MIT */
/*
 * Threads are actors as processes are: who goes is decided wherever they synchronise, and where
 * they touch memory that processes share.  Memory of their process alone is not looked at.
 */
#include <pthread.h>

#include "sched/model.h"
#include "sched/schedule.h"

enum { OBJECT_THREAD = 16 };

static pthread_t threads[ACTORS_MAX];
static pthread_key_t at_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint64_t key_of(unsigned actor)
{
	return key_of_object(OBJECT_THREAD, 0, actor);
}

/* However it ends. */
static void end(void *self)
{
	(void)self;
	if (!MODELLED)
		return;
	model_mask_all();
	schedule_thread_ends(key_of(runtime_self()));
}

static void make_key(void)
{
	pthread_key_create(&at_end, end);
}

unsigned model_thread_prepare(const void *pc)
{
	struct operation creates =
		model_operation(OPERATION_THREAD_CREATE, key_of(runtime_self()), pc);

	pthread_once(&once, make_key);
	model_mask_again();
	sched_point(&creates);
	unsigned actor = arena_enter(runtime_self());
	if (actor == NOBODY)
		schedule_end(ENDING_TROUBLE, runtime_self(),
			     "more than %u processes and threads at a time", arena_actors_max());
	else
		arena->actor[actor].process = arena->actor[runtime_self()].process;
	return actor;
}

void model_thread_made(unsigned actor, pthread_t thread, bool made)
{
	struct actor *other = &arena->actor[actor];

	if (!made) {
		other->collected = true;
		atomic_store(&other->state, ACTOR_GONE);
		return;
	}
	threads[actor] = thread;
	atomic_store(&other->pid, atomic_load(&arena->actor[runtime_self()].pid));
	schedule_admit(actor);
}

void model_thread_begins(unsigned actor)
{
	schedule_become(actor);
	model_thread_masks();
	pthread_setspecific(at_end, &arena->actor[actor]);
	schedule_enter();
}

/* The first thread of a process is the process itself. */
unsigned model_thread_actor(pthread_t thread)
{
	if (pthread_equal(thread, pthread_self()))
		return runtime_self();
	for (unsigned actor = 0; actor < ACTORS_MAX; actor++)
		if (threads[actor] && pthread_equal(threads[actor], thread))
			return actor;
	return arena->actor[runtime_self()].process;
}

void model_thread_join(const void *pc, pthread_t thread)
{
	unsigned actor = model_thread_actor(thread);
	struct operation joins = model_operation(OPERATION_THREAD_JOIN, key_of(actor), pc);

	joins.access = ACCESS_READ;
	if (!threads[actor])
		return;
	sched_point(&joins);
	while (atomic_load(&arena->actor[actor].state) != ACTOR_GONE)
		sched_block(&joins, FOREVER);
	threads[actor] = 0;
}
