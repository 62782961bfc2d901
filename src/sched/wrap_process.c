/* SPDX-License-Identifier: MIT */
/* Processes that begin, become other programs, end, and are waited for. */
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched/clock.h"
#include "sched/detect.h"
#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

extern char **environ;

_Noreturn void __wrap__exit(int status);

/* ---- birth --------------------------------------------------------------------------------- */

static pid_t fork_at(const void *pc)
{
	unsigned child = party_prepare();

	runtime_begets();
	pid_t pid = MODELLED ? model_fork(pc) : REAL(fork)();

	if (pid == 0)
		detect_forked(child);
	else if (pid < 0)
		party_abandon(child);
	return pid;
}

WRAP(pid_t, fork, (void))
{
	return fork_at(HERE);
}

/* It is allowed to be as fork is, and a wrapper of the other kind could not return. */
WRAP(pid_t, vfork, (void))
{
	return fork_at(HERE);
}

/* Without memory or anything else in common it is a fork that goes on elsewhere. */
int __real_clone(int (*play)(void *), void *stack, int flags, void *argument, ...);
int __wrap_clone(int (*play)(void *), void *stack, int flags, void *argument, ...);
int __wrap_clone(int (*play)(void *), void *stack, int flags, void *argument, ...)
{
	va_list rest;

	if (MODELLED && flags != SIGCHLD)
		return model_refuse(HERE, "clone with other flags than SIGCHLD");
	if (MODELLED) {
		pid_t pid = fork_at(HERE);

		if (pid == 0)
			__wrap__exit(play(argument));
		return pid;
	}
	va_start(rest, argument);
	pid_t *parent = va_arg(rest, pid_t *);
	void *tls = va_arg(rest, void *);
	pid_t *child = va_arg(rest, pid_t *);

	va_end(rest);
	runtime_begets();
	return REAL(clone)(play, stack, flags, argument, parent, tls, child);
}

/* ---- exec: who gives an environment of its own still takes part ---------------------------------
 */

static size_t count_of(char *const list[])
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

/* What leads to the detector's world, and to the explorer's arena. */
static const char *const handed_on[] = {WORLD_ENVIRONMENT, ARENA_ENVIRONMENT};
enum { HANDED_ON = sizeof(handed_on) / sizeof(handed_on[0]), HANDED_ON_ROOM = 128 };

static bool has_variable(char *const environment[], const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; environment && environment[i]; i++)
		if (!strncmp(environment[i], name, length) && environment[i][length] == '=')
			return true;
	return false;
}

/* text and room are the caller's, who may be a child of vfork or a handler: nothing is allocated.
 */
#define WITH_WORLD(environment)                                                                    \
	char *extended[count_of(environment) + HANDED_ON + 1];                                     \
	char texts[HANDED_ON][HANDED_ON_ROOM];                                                     \
	environment = with_world(environment, extended, texts)

static char *const *with_world(char *const environment[], char **extended,
			       char texts[HANDED_ON][HANDED_ON_ROOM])
{
	size_t count = count_of(environment);

	if (!world)
		return environment;
	for (size_t i = 0; i < count; i++)
		extended[i] = environment[i];
	for (size_t i = 0; i < HANDED_ON; i++) {
		const char *value = getenv(handed_on[i]);

		if (!value || has_variable(environment, handed_on[i]))
			continue;
		snprintf(texts[i], HANDED_ON_ROOM, "%s=%s", handed_on[i], value);
		extended[count++] = texts[i];
	}
	extended[count] = NULL;
	return extended;
}

WRAP(int, execve, (const char *path, char *const arguments[], char *const environment[]))
{
	WITH_WORLD(environment);
	runtime_drain();
	return REAL(execve)(path, arguments, environment);
}

/* Of a call with arguments one by one, those and what follows them. */
#define ARGUMENTS_ONE_BY_ONE(first, rest)                                                          \
	size_t argument_count = 1;                                                                 \
                                                                                                   \
	va_start(rest, first);                                                                     \
	while (va_arg(rest, char *))                                                               \
		argument_count++;                                                                  \
	va_end(rest);                                                                              \
	char *arguments[argument_count + 1];                                                       \
                                                                                                   \
	arguments[0] = (char *)first;                                                              \
	va_start(rest, first);                                                                     \
	for (size_t i = 1; i <= argument_count; i++)                                               \
	arguments[i] = va_arg(rest, char *)

int __wrap_execle(const char *path, const char *first, ...);
int __wrap_execle(const char *path, const char *first, ...)
{
	va_list rest;

	ARGUMENTS_ONE_BY_ONE(first, rest);
	char *const *environment = va_arg(rest, char *const *);

	va_end(rest);
	return __wrap_execve(path, arguments, environment);
}

WRAP(int, execvpe, (const char *file, char *const arguments[], char *const environment[]))
{
	WITH_WORLD(environment);
	runtime_drain();
	return REAL(execvpe)(file, arguments, environment);
}

WRAP(int, fexecve, (int fd, char *const arguments[], char *const environment[]))
{
	WITH_WORLD(environment);
	runtime_drain();
	return REAL(fexecve)(fd, arguments, environment);
}

WRAP(int, posix_spawn,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]))
{
	WITH_WORLD(environment);
	runtime_drain();
	party_spawns();
	runtime_begets();
	return MODELLED ? model_spawn(HERE, REAL(posix_spawn), pid, path, actions, attributes,
				      arguments, environment)
			: REAL(posix_spawn)(pid, path, actions, attributes, arguments, environment);
}

WRAP(int, posix_spawnp,
     (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]))
{
	WITH_WORLD(environment);
	runtime_drain();
	party_spawns();
	runtime_begets();
	return MODELLED
		       ? model_spawn(HERE, REAL(posix_spawnp), pid, file, actions, attributes,
				     arguments, environment)
		       : REAL(posix_spawnp)(pid, file, actions, attributes, arguments, environment);
}

/* ---- death --------------------------------------------------------------------------------- */

_Noreturn void __wrap__exit(int status)
{
	status = detect_status(status);
	runtime_dies();
	party_end();
	REAL(_exit)(status);
}

_Noreturn void __wrap__Exit(int status);
_Noreturn void __wrap__Exit(int status)
{
	__wrap__exit(status);
}

/* libc's own would raise the signal without a word to the explorer. */
_Noreturn void __real___assert_fail(const char *assertion, const char *file, unsigned line,
				    const char *function);
_Noreturn void __wrap___assert_fail(const char *assertion, const char *file, unsigned line,
				    const char *function);
_Noreturn void __wrap___assert_fail(const char *assertion, const char *file, unsigned line,
				    const char *function)
{
	if (arena)
		model_assert(assertion, file, line);
	REAL(__assert_fail)(assertion, file, line, function);
}

/* ---- and what is known of it ------------------------------------------------------------------
 */

static pid_t waited(pid_t pid, const int *status)
{
	if (pid > 0 && !(status && (WIFSTOPPED(*status) || WIFCONTINUED(*status))))
		party_join_process(pid);
	return pid;
}

static pid_t wait_for(const void *pc, pid_t pid, int *status, int options)
{
	int own;
	pid_t found = MODELLED ? model_waitpid(pc, pid, status ? status : &own, options)
			       : REAL(waitpid)(pid, status ? status : &own, options);

	return waited(found, status ? status : &own);
}

WRAP(pid_t, waitpid, (pid_t pid, int *status, int options))
{
	return wait_for(HERE, pid, status, options);
}

WRAP(pid_t, wait, (int *status))
{
	return wait_for(HERE, -1, status, 0);
}

WRAP(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage))
{
	int own;
	pid_t found = MODELLED ? model_waitpid(HERE, pid, status ? status : &own, options)
			       : REAL(wait4)(pid, status ? status : &own, options, usage);

	return waited(found, status ? status : &own);
}

WRAP(pid_t, wait3, (int *status, int options, struct rusage *usage))
{
	return __wrap_wait4(-1, status, options, usage);
}

WRAP(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options))
{
	siginfo_t own = {0};

	if (!info)
		info = &own;
	info->si_pid = 0;
	int result = MODELLED ? model_waitid(HERE, type, id, info, options)
			      : REAL(waitid)(type, id, info, options);

	if (!result && info->si_pid &&
	    (info->si_code == CLD_EXITED || info->si_code == CLD_KILLED ||
	     info->si_code == CLD_DUMPED))
		party_join_process(info->si_pid);
	return result;
}
