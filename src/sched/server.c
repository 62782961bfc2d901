/* SPDX-License-Identifier: MIT */
#include "sched/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched/arena.h"
#include "sched/futex.h"
#include "sched/real.h"

/* A run that nobody watches any more ends by itself: seconds of processor time. */
enum { PROCESSOR_SECONDS = 120, LOOKS_EVERY_SECONDS = 2 };

static void set_state(enum server_state state)
{
	atomic_store(&arena->server, state);
	futex_rouse(&arena->server);
	atomic_store(&arena->explorer, 1);
	futex_rouse(&arena->explorer);
}

static void await_question(void)
{
	struct timespec timeout = {LOOKS_EVERY_SECONDS, 0};

	while (atomic_load(&arena->server) != SERVER_ASKED) {
		futex_sleep(&arena->server, SERVER_IDLE, &timeout);
		if (getppid() != atomic_load(&arena->explorer_pid))
			REAL(_exit)(0);
	}
}

/* All of the run's processes: those whose parents are gone come here. */
static void collect(pid_t first)
{
	pid_t pid;
	int status;

	while ((pid = REAL(waitpid)(-1, &status, 0)) > 0 || (pid < 0 && errno == EINTR))
		if (pid == first)
			arena->actor[0].status = status;
}

void serve_runs(void)
{
	struct rlimit limit = {PROCESSOR_SECONDS, PROCESSOR_SECONDS};

	atomic_store(&arena->server_pid, getpid());
	if (arena->solo) {
		atomic_store(&arena->actor[0].pid, getpid());
		set_state(SERVER_BUSY);
		return;
	}
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (;;) {
		set_state(SERVER_IDLE);
		await_question();
		pid_t pid = REAL(fork)();
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			setpgid(0, 0);
			setrlimit(RLIMIT_CPU, &limit);
			atomic_store(&arena->actor[0].pid, getpid());
			set_state(SERVER_BUSY);
			return;
		}
		if (pid < 0) {
			set_state(SERVER_REFUSED);
			await_question();
			continue;
		}
		collect(pid);
	}
}
