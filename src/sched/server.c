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

int REAL(waitid)(idtype_t type, id_t id, siginfo_t *info, int options);

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
		if (getppid() != atomic_load(&arena->guardian_pid))
			REAL(_exit)(0);
	}
}

/* As waitpid tells it. */
static int status_of(const siginfo_t *info)
{
	return info->si_code == CLD_EXITED ? info->si_status << 8 : info->si_status;
}

/* All of the run's processes: those whose parents are gone come here. */
static void collect(void)
{
	siginfo_t info = {0};

	for (;;) {
		if (REAL(waitid)(P_ALL, 0, &info, WEXITED | WNOWAIT) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		/* the explorer may look for it when nothing is left of the process */
		for (unsigned actor = 0; actor < atomic_load(&arena->actors); actor++)
			if (atomic_load(&arena->actor[actor].pid) == info.si_pid)
				arena->actor[actor].status = status_of(&info);
		REAL(waitpid)(info.si_pid, NULL, 0);
	}
}

void serve_runs(void)
{
	struct rlimit limit = {PROCESSOR_SECONDS, PROCESSOR_SECONDS};

	atomic_store(&arena->server_pid, getpid());
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
		collect();
	}
}
