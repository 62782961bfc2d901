/* SPDX-License-Identifier: MIT */
#include "fault/campaign/trace_cost.h"

#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALLS = 2000 };

static double ns_of_a_call(void)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) /
	       CALLS;
}

#ifdef PTRACE_GET_SYSCALL_INFO
/* At each call before it is made and after, as for a campaign.  False: it may not be traced. */
static bool follow(pid_t pid)
{
	struct __ptrace_syscall_info info;
	bool is_traced = false;
	int status;

	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		is_traced = ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) >= 0;
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	}
	return is_traced && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
#else
static bool follow(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return false;
}
#endif

bool trace_cost(double *plain, double *traced)
{
	double *told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);

	if (told == MAP_FAILED)
		return false;
	pid_t pid = fork();

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(1);
		raise(SIGSTOP);
		*told = ns_of_a_call();
		_exit(0);
	}
	bool is_known = pid > 0 && follow(pid);

	*plain = ns_of_a_call();
	*traced = *told;
	munmap(told, sizeof(*told));
	return is_known;
}
