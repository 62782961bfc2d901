/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#ifdef __linux__
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#endif

#include "posix/posix.h"

static int limit(int resource, rlim_t count)
{
	struct rlimit now;

	if (getrlimit(resource, &now) < 0)
		return -1;
	now.rlim_cur = count;
	return setrlimit(resource, &now);
}

#ifdef RLIMIT_SIGPENDING
static int posix_limit_pending(rlim_t count)
{
	return limit(RLIMIT_SIGPENDING, count);
}
#endif

#ifdef RLIMIT_NPROC
static int posix_limit_processes(rlim_t count)
{
	return limit(RLIMIT_NPROC, count);
}
#endif

static int posix_limit_core(rlim_t bytes)
{
	return limit(RLIMIT_CORE, bytes);
}

/* Opening one makes it the controlling terminal of a session that has none; some ask for more. */
static int open_as_controlling(const char *name)
{
	int fd = name ? open(name, O_RDWR) : -1;

#ifdef TIOCSCTTY
	if (fd >= 0)
		ioctl(fd, TIOCSCTTY, 0);
#endif
	return fd;
}

static int posix_make_terminal(int ends[2])
{
	ends[0] = posix_openpt(O_RDWR | O_NOCTTY);
	if (ends[0] < 0)
		return -1;
	if (grantpt(ends[0]) == 0 && unlockpt(ends[0]) == 0) {
		ends[1] = open_as_controlling(ptsname(ends[0]));
		if (ends[1] >= 0)
			return 0;
	}
	close(ends[0]);
	return -1;
}

#ifdef SYS_pidfd_open
static int posix_pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}
#endif

#ifdef SYS_pidfd_send_signal
static int posix_pidfd_send_signal(int fd, int signal, siginfo_t *info, unsigned flags)
{
	return (int)syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}
#endif

#ifdef SYS_pidfd_getfd
static int posix_pidfd_getfd(int pidfd, int fd, unsigned flags)
{
	return (int)syscall(SYS_pidfd_getfd, pidfd, fd, flags);
}
#endif

#ifdef SYS_tgkill
static pid_t posix_gettid(void)
{
	return (pid_t)syscall(SYS_gettid);
}

static int posix_tgkill(pid_t process, pid_t thread, int signal)
{
	return (int)syscall(SYS_tgkill, process, thread, signal);
}
#endif

#ifdef __linux__
enum { MESSAGES_MAX = 16 };

/* As read(2) on a signalfd, but counts messages. */
static ssize_t posix_signalfd_read(int fd, struct signalfd_message *messages, size_t count)
{
	struct signalfd_siginfo read_[MESSAGES_MAX];

	memset(read_, 0xEE, sizeof(read_));
	if (count > MESSAGES_MAX)
		count = MESSAGES_MAX;
	ssize_t n = read(fd, read_, count * sizeof(read_[0]));
	if (n < 0)
		return n;
	for (size_t i = 0; i < (size_t)n / sizeof(read_[0]); i++)
		messages[i] = (struct signalfd_message){
			.signo = read_[i].ssi_signo,
			.pid = read_[i].ssi_pid,
			.uid = read_[i].ssi_uid,
			.status = (unsigned)read_[i].ssi_status,
			.code = read_[i].ssi_code,
			.error = read_[i].ssi_errno,
			.value = read_[i].ssi_int,
		};
	return n / (ssize_t)sizeof(read_[0]);
}

static int posix_set_death_signal(int signal)
{
	return prctl(PR_SET_PDEATHSIG, signal);
}

static int posix_death_signal(int *signal)
{
	return prctl(PR_GET_PDEATHSIG, signal);
}

static int posix_set_subreaper(int on)
{
	return prctl(PR_SET_CHILD_SUBREAPER, on);
}

static int posix_is_subreaper(int *on)
{
	return prctl(PR_GET_CHILD_SUBREAPER, on);
}
#endif

const struct sig_calls posix_sig = {
	.kill = kill,
	.killpg = killpg,
	.raise = raise,
	.sigqueue = sigqueue,
	.pthread_kill = pthread_kill,
	.pthread_self = pthread_self,
	.abort = abort,
	.sigaction = sigaction,
	.sigprocmask = sigprocmask,
	.pthread_sigmask = pthread_sigmask,
	.sigpending = sigpending,
	.signal = signal,
	.sigaltstack = sigaltstack,
	.sigemptyset = sigemptyset,
	.sigfillset = sigfillset,
	.sigaddset = sigaddset,
	.sigdelset = sigdelset,
	.sigismember = sigismember,
	.sigwait = sigwait,
	.sigwaitinfo = sigwaitinfo,
	.sigtimedwait = sigtimedwait,
	.sigsuspend = sigsuspend,
	.pause = pause,
	.nanosleep = nanosleep,
	.alarm = alarm,
	.timer_create = timer_create,
	.timer_settime = timer_settime,
	.timer_gettime = timer_gettime,
	.timer_getoverrun = timer_getoverrun,
	.timer_delete = timer_delete,
	.fork = fork,
	.exit = _exit,
	.wait = wait,
	.waitpid = waitpid,
	.waitid = waitid,
	.getpid = getpid,
	.getppid = getppid,
	.getpgrp = getpgrp,
	.getpgid = getpgid,
	.setpgid = setpgid,
	.getsid = getsid,
	.setsid = setsid,
	.make_terminal = posix_make_terminal,
	.tcgetpgrp = tcgetpgrp,
	.tcsetpgrp = tcsetpgrp,
	.tcgetsid = tcgetsid,
	.getuid = getuid,
	.setresuid = setresuid,
#ifdef RLIMIT_SIGPENDING
	.limit_pending = posix_limit_pending,
#endif
#ifdef RLIMIT_NPROC
	.limit_processes = posix_limit_processes,
#endif
	.limit_core = posix_limit_core,
#ifdef SYS_pidfd_open
	.pidfd_open = posix_pidfd_open,
#endif
#ifdef SYS_pidfd_send_signal
	.pidfd_send_signal = posix_pidfd_send_signal,
#endif
#ifdef SYS_pidfd_getfd
	.pidfd_getfd = posix_pidfd_getfd,
#endif
#ifdef SYS_tgkill
	.gettid = posix_gettid,
	.tgkill = posix_tgkill,
#endif
#ifdef __linux__
	.signalfd = signalfd,
	.signalfd_read = posix_signalfd_read,
	.set_death_signal = posix_set_death_signal,
	.death_signal = posix_death_signal,
	.set_subreaper = posix_set_subreaper,
	.is_subreaper = posix_is_subreaper,
#endif
};
