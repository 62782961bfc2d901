/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include <stdlib.h>
#include <string.h>

/* Why an entry is null: what user space can't have. */
static const char *lacks(const char *operation)
{
	static const struct {
		const char *operation, *reason;
	} reasons[] = {
		{"shm.mlock", "a sanitizer has functions that do nothing in its place"},
		{"shm.munlock", "a sanitizer has functions that do nothing in its place"},
		{"lock.fcntl", "a file's locks are the kernel's"},
		{"lock.flock", "a file's locks are the kernel's"},
		{"lock.futex", "the futex is the kernel's: what the others sleep on"},
		{"lock.futex_waitv", "the futex is the kernel's: what the others sleep on"},
		{"lock.lockf", "a file's locks are the kernel's"},
		{"lock.pthread_mutexattr_setprioceiling", "priorities are the kernel's to lend"},
		{"lock.pthread_mutexattr_getprioceiling", "priorities are the kernel's to lend"},
		{"lock.pthread_mutex_setprioceiling", "priorities are the kernel's to lend"},
		{"lock.pthread_mutex_getprioceiling", "priorities are the kernel's to lend"},
		{"lock.pthread_setschedparam", "priorities are the kernel's to lend"},
		{"lock.pthread_getschedparam", "priorities are the kernel's to lend"},
		{"pipe.splice", "pages move between files only in the kernel"},
		{"pipe.tee", "pages move between files only in the kernel"},
		{"pipe.vmsplice", "pages move between files only in the kernel"},
		{"pipe.sendfile", "pages move between files only in the kernel"},
		{"sock.pass",
		 "the platform has no socket that could carry it, or the end came by exec"},
		{"event.epoll_create1", "left to Linux: poll and select wait for many here"},
		{"event.epoll_ctl", "left to Linux: poll and select wait for many here"},
		{"event.epoll_wait", "left to Linux: poll and select wait for many here"},
		{"event.epoll_pwait", "left to Linux: poll and select wait for many here"},
		{"event.timerfd_create", "left to Linux: a timer is no communication"},
		{"event.timerfd_settime", "left to Linux: a timer is no communication"},
		{"event.timerfd_gettime", "left to Linux: a timer is no communication"},
		{"mq.limit_bytes", "a user's share of memory is the kernel's to count"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(operation, reasons[i].operation) == 0)
			return reasons[i].reason;
	if (strncmp(operation, "sig.", strlen("sig.")) == 0)
		return "only queued signals that are waited for are ours: the rest is the kernel's";
	return NULL;
}

/* What a user has chosen stays. */
static void enter(const char *directory)
{
	setenv("IPCREF_NAMESPACE", directory, 0);
}

extern const struct implementation posix_implementation, ref_implementation;

const struct implementation ref_implementation = {
	.name = "ref",
	.lacks = lacks,
	.enter = enter,
	.means = &posix_implementation,
	.fd = &ref_fd,
	.pipe = &ref_pipe,
	.fifo = &ref_fifo,
	.mq = &ref_mq,
	.msg = &ref_msg,
	.shm = &ref_shm,
	.sem = &ref_sem,
	.semset = &ref_semset,
	.sock = &ref_sock,
	.lock = &ref_lock,
	.event = &ref_event,
	.sig = &ref_sig,
};
