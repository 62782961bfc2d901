/* SPDX-License-Identifier: MIT */
/*
 * Signals that are queued, and taken by who waits for them.  What they do besides, to interrupt, to
 * stop and to end, is the kernel's, and so are those that kill(2) sends.
 *
 * Each process has a mailbox, from its first wait or sigpending on, or from the first signal that
 * is queued to it.  It is the process's also after exec, and not its children's.  A number may be
 * used again, so the mailbox tells when its owner was born.  One whose owner was killed is taken
 * away by who makes another.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ref/bell.h"
#include "ref/futex.h"
#include "ref/ipcref.h"
#include "ref/lock.h"
#include "ref/namespace.h"
#include "ref/object.h"
#include "ref/step.h"

/* Signals a mailbox holds: SIGQUEUE_MAX, but the receiver's. */
enum { LETTERS = 256 };

struct letter {
	uint64_t number; /* the lower, the earlier */
	uint64_t value;
	int32_t sender;
	uint32_t user;
	uint32_t signal; /* 0: there is none */
};

struct mailbox {
	struct object object;
	struct bell sent;
	uint64_t birth; /* the owner's */
	uint64_t next_number;
	struct letter letters[LETTERS];
};

static struct mailbox *mailbox_of(const struct mapping *mapping)
{
	return (struct mailbox *)mapping->object;
}

/* -- mailboxes -------------------------------------------------------------------------------- */

static bool path_of(pid_t pid, char path[PATH_MAX])
{
	char name[16];

	snprintf(name, sizeof(name), "%ld", (long)pid);
	return namespace_path(path, "sig", name);
}

/* Maps the mailbox of this path, and tells which file it is; false with errno. */
static bool map_mailbox(struct mapping *mapping, const char *path, struct stat *file)
{
	if (FAULT("sig/mailbox/open", EMFILE, ENFILE))
		return false;
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return false;
	bool is_mapped = fstat(fd, file) == 0 &&
			 object_map(mapping, fd, OBJECT_MAILBOX, sizeof(struct mailbox));
	int error = errno;

	close(fd);
	mapping->repair = NULL;
	errno = error == EINVAL ? EBADMSG : error;
	return is_mapped;
}

/* Maps the mailbox of that process.  False with errno ENOENT: it has none, or a predecessor's. */
static bool open_mailbox(struct mapping *mapping, pid_t pid)
{
	char path[PATH_MAX];
	struct stat file;

	if (!path_of(pid, path) || !map_mailbox(mapping, path, &file))
		return false;
	if (mailbox_of(mapping)->birth == thread_birth((uint32_t)pid))
		return true;
	object_unmap(mapping);
	errno = ENOENT;
	return false;
}

static void write_birth(struct object *object, const void *birth)
{
	((struct mailbox *)object)->birth = *(const uint64_t *)birth;
}

/* Takes away the mailbox of a process that is no more, or of this one's predecessor. */
static void bury(const char *name)
{
	pid_t pid = (pid_t)strtol(name, NULL, 10);
	struct mapping mapping;
	char path[PATH_MAX];
	struct stat file;

	if (!path_of(pid, path) || !map_mailbox(&mapping, path, &file))
		return;
	mapping_lock(&mapping);
	if (!process_lives((uint32_t)pid, mailbox_of(&mapping)->birth) &&
	    namespace_leads_to(path, &file)) {
		unlink(path);
		STEP("sig/bury/gone");
	}
	mapping_unlock(&mapping);
	object_unmap(&mapping);
}

/* Who may send is who may write the file: the process's user, and root. */
static bool give_to(int fd, pid_t pid)
{
	char path[32];
	struct stat process;

	snprintf(path, sizeof(path), "/proc/%ld", (long)pid);
	return geteuid() != 0 || pid == getpid() || stat(path, &process) < 0 ||
	       fchown(fd, process.st_uid, process.st_gid) == 0;
}

static bool make_mailbox(pid_t pid)
{
	uint64_t birth = thread_birth((uint32_t)pid);
	char path[PATH_MAX];

	if (!path_of(pid, path))
		return false;
	namespace_each("sig", bury);
	int fd = object_create_exactly(path, false, OBJECT_MAILBOX, sizeof(struct mailbox), 0600,
				       write_birth, &birth);
	if (fd < 0)
		return errno == EEXIST; /* somebody else has */
	STEP("sig/mailbox/made");
	bool is_given = give_to(fd, pid);
	int error = errno;

	close(fd);
	errno = error;
	return is_given;
}

/* As open_mailbox; it is made if there is none. */
static bool find_or_make_mailbox(struct mapping *mapping, pid_t pid)
{
	return open_mailbox(mapping, pid) ||
	       (errno == ENOENT && make_mailbox(pid) && open_mailbox(mapping, pid));
}

/* This process's. */
static struct mapping own;
static pid_t owner;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void remove_own(void)
{
	char path[PATH_MAX];

	if (owner == getpid() && path_of(owner, path))
		unlink(path);
}

static void before_fork(void)
{
	pthread_mutex_lock(&mutex);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&mutex);
}

static void watch(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
	atexit(remove_own);
}

static bool find_or_make_own(void)
{
	if (owner != 0)
		object_unmap(&own); /* the parent's */
	owner = 0;
	if (!find_or_make_mailbox(&own, getpid()))
		return false;
	owner = getpid();
	return true;
}

/* Once it is there, it stays as long as the process: nobody unmaps it.  NULL with errno. */
static struct mapping *own_mailbox(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch);
	pthread_mutex_lock(&mutex);
	bool is_there = owner == getpid() || find_or_make_own();
	pthread_mutex_unlock(&mutex);
	return is_there ? &own : NULL;
}

/* -- sending ---------------------------------------------------------------------------------- */

/* Adds it to a mailbox that is locked.  Only real-time signals queue; the others pend once. */
static bool post(struct mapping *mapping, int signal, union sigval value)
{
	struct mailbox *mailbox = mailbox_of(mapping);
	struct letter *place = NULL;

	for (unsigned i = 0; i < LETTERS; i++) {
		struct letter *letter = &mailbox->letters[i];

		if (letter->signal == 0 && !place)
			place = letter;
		if (letter->signal == (uint32_t)signal && signal < SIGRTMIN)
			return true;
	}
	if (!place)
		return false;
	/* nobody looks at it before it has a signal */
	place->number = mailbox->next_number;
	place->value = 0;
	memcpy(&place->value, &value, sizeof(value));
	place->sender = (int32_t)getpid();
	place->user = getuid();
	CHANGE(mapping, mailbox->next_number, place->number + 1);
	CHANGE(mapping, place->signal, (uint32_t)signal);
	STEP("sig/queue/written");
	bell_ring(&mailbox->sent, mapping);
	return true;
}

int ipcref_sigqueue(pid_t pid, int signal, const union sigval value)
{
	struct mapping mailbox;
	int saved = errno;

	if (signal < 0 || signal > SIGRTMAX) {
		errno = EINVAL;
		return -1;
	}
	if (pid <= 0) {
		errno = ESRCH;
		return -1;
	}
	/* the leave that is needed is kill's, which asks by signal 0 */
	if (FAULT("sig/queue/leave", EPERM) || kill(pid, 0) < 0)
		return -1;
	if (signal == 0)
		return 0;
	if (signal == SIGKILL || signal == SIGSTOP) /* nobody can wait for them */
		return kill(pid, signal);

	if (pid == getpid() && !own_mailbox())
		return -1;
	if (!find_or_make_mailbox(&mailbox, pid)) {
		errno = errno == ENOENT ? ESRCH : errno == EACCES ? EPERM : errno;
		return -1;
	}
	mapping_lock(&mailbox);
	bool is_posted = post(&mailbox, signal, value);

	mapping_unlock(&mailbox);
	object_unmap(&mailbox);
	errno = is_posted ? saved : EAGAIN;
	return is_posted ? 0 : -1;
}

/* -- waiting ---------------------------------------------------------------------------------- */

/* Takes the lowest signal of the set, and of its kind the earliest, if there is one. */
static bool take(struct mapping *mapping, const sigset_t *set, siginfo_t *info)
{
	struct mailbox *mailbox = mailbox_of(mapping);
	struct letter *best = NULL;
	uint32_t lowest = 0;

	for (unsigned i = 0; i < LETTERS; i++) {
		struct letter *letter = &mailbox->letters[i];
		uint32_t signal = *(volatile uint32_t *)&letter->signal;

		if (signal == 0 || signal > (uint32_t)SIGRTMAX ||
		    sigismember(set, (int)signal) != 1)
			continue;
		if (best &&
		    (signal > lowest || (signal == lowest && letter->number > best->number)))
			continue;
		best = letter;
		lowest = signal;
	}
	if (!best)
		return false;
	memset(info, 0, sizeof(*info));
	info->si_signo = (int)lowest;
	info->si_code = SI_QUEUE;
	info->si_pid = best->sender;
	info->si_uid = best->user;
	memcpy(&info->si_value, &best->value, sizeof(info->si_value));
	CHANGE(mapping, best->signal, 0);
	STEP("sig/wait/taken");
	return true;
}

/* The signal; -1 with errno, of a wait that may end: EINTR, ETIMEDOUT. */
static int wait_for(const sigset_t *set, siginfo_t *info, const struct sleep *sleep)
{
	struct mapping *mailbox = own_mailbox();
	siginfo_t taken;
	bool is_taken;
	int error = 0;

	if (!mailbox)
		return -1;
	mapping_lock(mailbox);
	/* one that came just when the sleep ended is taken, and no error then */
	while (!(is_taken = take(mailbox, set, &taken)) && !error)
		error = bell_sleep(&mailbox_of(mailbox)->sent, mailbox, sleep);
	mapping_unlock(mailbox);
	if (!is_taken) {
		errno = error;
		return -1;
	}
	if (info)
		*info = taken;
	return taken.si_signo;
}

int ipcref_sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
	return wait_for(set, info, &(struct sleep){.when_interrupted = SLEEP_ENDS});
}

int ipcref_sigwait(const sigset_t *set, int *signal)
{
	int saved = errno, result;

	do
		result = wait_for(set, NULL, &(struct sleep){.when_interrupted = SLEEP_RESTARTS});
	while (result < 0 && errno == EINTR);
	int error = result < 0 ? errno : 0;

	errno = saved;
	if (!error)
		*signal = result;
	return error;
}

int ipcref_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
	struct sleep sleep = {.clock = CLOCK_MONOTONIC, .when_interrupted = SLEEP_ENDS};
	struct timespec end;

	if (timeout && !moment_is_valid(CLOCK_MONOTONIC, timeout)) {
		errno = EINVAL;
		return -1;
	}
	sleep.deadline = end_of_duration(timeout, &end);
	int result = wait_for(set, info, &sleep);

	if (result < 0 && errno == ETIMEDOUT)
		errno = EAGAIN;
	return result;
}

int ipcref_sigpending(sigset_t *set)
{
	struct mapping *mailbox = own_mailbox();

	if (!mailbox || sigpending(set) < 0)
		return -1;
	mapping_lock(mailbox);
	for (unsigned i = 0; i < LETTERS; i++) {
		uint32_t signal = *(volatile uint32_t *)&mailbox_of(mailbox)->letters[i].signal;

		if (signal > 0 && signal <= (uint32_t)SIGRTMAX)
			sigaddset(set, (int)signal);
	}
	mapping_unlock(mailbox);
	return 0;
}
