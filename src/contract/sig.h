/* SPDX-License-Identifier: MIT */
/*
 * Signals as control between processes: they synchronise, exclude, terminate, suspend and resume;
 * and the ways in which processes learn of each other's end.
 */
#ifndef IPCTS_CONTRACT_SIG_H
#define IPCTS_CONTRACT_SIG_H

#include <signal.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What a signalfd answers with, in our own words (the platform's structure has no standard name).
 */
struct signalfd_message {
	unsigned signo, pid, uid, status;
	int code, error, value;
};

struct sig_calls {
	int (*kill)(pid_t pid, int signal);
	int (*killpg)(pid_t group, int signal);
	int (*raise)(int signal);
	int (*sigqueue)(pid_t pid, int signal, const union sigval value);
	int (*pthread_kill)(pthread_t thread, int signal);
	pthread_t (*pthread_self)(void);
	void (*abort)(void);

	int (*sigaction)(int signal, const struct sigaction *action, struct sigaction *old);
	int (*sigprocmask)(int how, const sigset_t *set, sigset_t *old);
	int (*pthread_sigmask)(int how, const sigset_t *set, sigset_t *old);
	int (*sigpending)(sigset_t *set);
	void (*(*signal)(int signal, void (*handler)(int)))(int);
	int (*sigaltstack)(const stack_t *stack, stack_t *old);

	int (*sigemptyset)(sigset_t *set);
	int (*sigfillset)(sigset_t *set);
	int (*sigaddset)(sigset_t *set, int signal);
	int (*sigdelset)(sigset_t *set, int signal);
	int (*sigismember)(const sigset_t *set, int signal);

	int (*sigwait)(const sigset_t *set, int *signal);
	int (*sigwaitinfo)(const sigset_t *set, siginfo_t *info);
	int (*sigtimedwait)(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);
	int (*sigsuspend)(const sigset_t *set);
	int (*pause)(void);
	int (*nanosleep)(const struct timespec *time, struct timespec *left);

	unsigned (*alarm)(unsigned seconds);
	int (*timer_create)(clockid_t clock, struct sigevent *event, timer_t *timer);
	int (*timer_settime)(timer_t timer, int flags, const struct itimerspec *value,
			     struct itimerspec *old);
	int (*timer_gettime)(timer_t timer, struct itimerspec *value);
	int (*timer_getoverrun)(timer_t timer);
	int (*timer_delete)(timer_t timer);

	pid_t (*fork)(void);
	void (*exit)(int status);
	pid_t (*wait)(int *status);
	pid_t (*waitpid)(pid_t pid, int *status, int options);
	int (*waitid)(idtype_t type, id_t id, siginfo_t *info, int options);

	pid_t (*getpid)(void);
	pid_t (*getppid)(void);
	pid_t (*getpgrp)(void);
	pid_t (*getpgid)(pid_t pid);
	int (*setpgid)(pid_t pid, pid_t group);
	pid_t (*getsid)(pid_t pid);
	pid_t (*setsid)(void);

	int (*make_terminal)(int ends[2]); /* posix_openpt; the second is the caller's own */
	pid_t (*tcgetpgrp)(int fd);
	int (*tcsetpgrp)(int fd, pid_t group);
	pid_t (*tcgetsid)(int fd);

	uid_t (*getuid)(void);
	int (*setresuid)(uid_t real, uid_t effective, uid_t saved);
	int (*limit_pending)(rlim_t count);   /* RLIMIT_SIGPENDING */
	int (*limit_processes)(rlim_t count); /* RLIMIT_NPROC */
	int (*limit_core)(rlim_t bytes);      /* RLIMIT_CORE */

	/* Linux */
	int (*pidfd_open)(pid_t pid, unsigned flags);
	int (*pidfd_send_signal)(int fd, int signal, siginfo_t *info, unsigned flags);
	int (*pidfd_getfd)(int pidfd, int fd, unsigned flags);
	pid_t (*gettid)(void);
	int (*tgkill)(pid_t process, pid_t thread, int signal);
	int (*signalfd)(int fd, const sigset_t *set, int flags);
	ssize_t (*signalfd_read)(int fd, struct signalfd_message *messages, size_t count);
	int (*set_death_signal)(int signal); /* PR_SET_PDEATHSIG */
	int (*death_signal)(int *signal);    /* PR_GET_PDEATHSIG */
	int (*set_subreaper)(int on);	     /* PR_SET_CHILD_SUBREAPER */
	int (*is_subreaper)(int *on);	     /* PR_GET_CHILD_SUBREAPER */
};

/*
 * A set of at most eight signals as one number, a byte each in ascending order, so that an
 * operation can carry it and a test can compare it: SIGNALS(SIGUSR1, SIGTERM).
 */
#define SIGNALS(...)                                                                               \
	signal_set((const int[]){__VA_ARGS__}, sizeof((int[]){__VA_ARGS__}) / sizeof(int))
enum { NO_SIGNALS = 0, ALL_SIGNALS = -1, SET_MAX = 8 };

static inline long long signal_set(const int *signals, size_t count)
{
	unsigned long long set = 0;

	/* selection: signals are few */
	for (int last = 0, next;; last = next) {
		next = 256;
		for (size_t i = 0; i < count; i++)
			if (signals[i] > last && signals[i] < next)
				next = signals[i];
		if (next == 256)
			return (long long)set;
		set = set << 8 | (unsigned)next;
	}
}

/* The numbers of an outcome that tells of a signal or a child. */
enum {
	INFO_SIGNO,
	INFO_CODE,
	INFO_PID,
	INFO_UID,
	INFO_VALUE, /* si_value.sival_int */
	INFO_STATUS,
	INFO_POINTER, /* si_value.sival_ptr */
	INFO_ERRNO,
	INFO_US, /* how long the call took, in microseconds */
};

/* What sig.disposition gives; its further numbers: */
enum { IS_DEFAULT, IS_IGNORED, IS_HANDLED };
enum { ACTION_FLAGS, ACTION_MASK };

#endif
