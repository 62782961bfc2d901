/* SPDX-License-Identifier: MIT */
/* Processes are born at a point, and are gone only once they are dead. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sched/model.h"
#include "sched/real.h"
#include "sched/schedule.h"

int REAL(waitid)(idtype_t type, id_t id, siginfo_t *info, int options);

/* Of objects, for what has no other number. */
enum { OBJECT_CHILDREN = 1 };

static uint64_t children_of(unsigned actor)
{
	return key_of_object(OBJECT_CHILDREN, 0, actor);
}

static void fork_point(const void *pc)
{
	struct operation forks = model_operation(OPERATION_FORK, children_of(runtime_self()), pc);

	sched_point(&forks);
}

static unsigned enter_child(void)
{
	unsigned child = arena_enter(runtime_self());

	if (child == NOBODY) {
		schedule_end(ENDING_TROUBLE, runtime_self(), "more than %u processes at a time",
			     arena_actors_max());
		errno = EAGAIN;
	}
	return child;
}

static void disown(unsigned child)
{
	arena->actor[child].collected = true;
	atomic_store(&arena->actor[child].state, ACTOR_GONE);
}

pid_t model_fork(const void *pc)
{
	fork_point(pc);
	unsigned child = enter_child();
	if (child == NOBODY)
		return -1;
	pid_t pid = REAL(fork)();
	if (pid == 0) {
		schedule_become(child);
		schedule_enter();
	} else if (pid < 0) {
		disown(child);
	} else {
		atomic_store(&arena->actor[child].pid, pid);
		schedule_admit(child);
	}
	return pid;
}

/* What it masks once its program begins, before which nobody looks. */
static void inherit_mask(unsigned child, const posix_spawnattr_t *attributes)
{
	short flags = 0;
	sigset_t mask;

	if (!attributes || posix_spawnattr_getflags(attributes, &flags) ||
	    !(flags & POSIX_SPAWN_SETSIGMASK))
		return;
	posix_spawnattr_getsigmask(attributes, &mask);
	arena->actor[child].masked = 0;
	for (int signal = 1; signal <= 64; signal++)
		if (sigismember(&mask, signal) == 1)
			arena->actor[child].masked |= UINT64_C(1) << (signal - 1);
}

/* The kernel makes the child: it finds who it is by its number, and waits for its turn. */
int model_spawn(const void *pc, __typeof__(posix_spawn) *spawn, pid_t *pid, const char *path,
		const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
		char *const arguments[], char *const environment[])
{
	pid_t own;

	fork_point(pc);
	unsigned child = enter_child();
	if (child == NOBODY)
		return EAGAIN;
	inherit_mask(child, attributes);
	arena->actor[child].spawned = true;
	atomic_store(&arena->spawns, true);
	int error = spawn(&own, path, actions, attributes, arguments, environment);
	if (error)
		disown(child);
	else
		atomic_store(&arena->actor[child].pid, own);
	atomic_store(&arena->spawns, false);
	if (error)
		return error;
	if (pid)
		*pid = own;
	schedule_admit(child);
	return 0;
}

static void collected(pid_t pid)
{
	for (unsigned actor = 0; actor < atomic_load(&arena->actors); actor++)
		if (atomic_load(&arena->actor[actor].pid) == pid &&
		    atomic_load(&arena->actor[actor].state) == ACTOR_GONE)
			arena->actor[actor].collected = true;
}

/*
 * A child whose end has been seen though its parent was not told of it: a debugger is told first.
 * pid: as waitpid has it, but for groups.  0: there is none.
 */
static pid_t ended_child(pid_t pid)
{
	for (unsigned actor = 0; actor < atomic_load(&arena->actors); actor++) {
		const struct actor *other = &arena->actor[actor];
		pid_t its = atomic_load(&other->pid);

		if (other->parent < ACTORS_MAX && (pid == -1 || pid == its) && !other->collected &&
		    atomic_load(&other->state) == ACTOR_GONE &&
		    atomic_load(&arena->actor[other->parent].pid) == getpid())
			return its;
	}
	return 0;
}

/* 0: nobody has ended of whom one is told. */
static pid_t collect(pid_t pid, int *status, int options)
{
	pid_t found = REAL(waitpid)(pid, status, options | WNOHANG), ended;

	if (found != 0 || !(ended = ended_child(pid)))
		return found;
	while ((found = REAL(waitpid)(ended, status, options & ~WNOHANG)) < 0 && errno == EINTR)
		continue;
	return found < 0 ? 0 : found;
}

/* The same; 0 and no si_pid. */
static int collect_as(idtype_t type, id_t id, siginfo_t *info, int options)
{
	int result = REAL(waitid)(type, id, info, options | WNOHANG);
	pid_t ended = 0;

	if (result < 0 || info->si_pid)
		return result;
	if (type == P_ALL || type == P_PID)
		ended = ended_child(type == P_ALL ? -1 : (pid_t)id);
	if (!ended)
		return 0;
	while ((result = REAL(waitid)(P_PID, (id_t)ended, info, options & ~WNOHANG)) < 0 &&
	       errno == EINTR)
		continue;
	if (result < 0)
		info->si_pid = 0;
	return 0;
}

pid_t model_waitpid(const void *pc, pid_t pid, int *status, int options)
{
	struct operation waits =
		model_operation(OPERATION_AWAIT_CHILD, children_of(runtime_self()), pc);
	pid_t found;

	sched_point(&waits);
	while ((found = collect(pid, status, options)) == 0) {
		if (options & WNOHANG)
			return 0;
		if (sched_block(&waits, FOREVER) == INTERRUPTED) {
			errno = EINTR;
			return -1;
		}
	}
	if (found > 0)
		collected(found);
	return found;
}

int model_waitid(const void *pc, idtype_t type, id_t id, siginfo_t *info, int options)
{
	struct operation waits =
		model_operation(OPERATION_AWAIT_CHILD, children_of(runtime_self()), pc);
	siginfo_t own;

	if (!info)
		info = &own;
	sched_point(&waits);
	for (;;) {
		info->si_pid = 0;
		int result = collect_as(type, id, info, options);
		if (result < 0 || info->si_pid || (options & WNOHANG))
			break;
		if (sched_block(&waits, FOREVER) == INTERRUPTED) {
			errno = EINTR;
			return -1;
		}
	}
	if (info->si_pid && !(options & WNOWAIT))
		collected(info->si_pid);
	return info->si_pid || (options & WNOHANG) ? 0 : -1;
}

void model_assert(const char *assertion, const char *file, unsigned line)
{
	const char *slash = strrchr(file, '/');

	schedule_end(ENDING_ASSERTION, runtime_self(),
		     "process %u: assertion \"%s\" failed at %s:%u", runtime_self(), assertion,
		     slash ? slash + 1 : file, line);
}
