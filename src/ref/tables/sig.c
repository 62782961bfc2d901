/* SPDX-License-Identifier: MIT */
/*
 * Queued signals that are waited for.  Sets of signals are libc's, and so are masks, which keep
 * none of ours away: they come to nobody who doesn't wait.  The rest is the kernel's.
 */
#include "ref/tables/tables.h"

#include "ref/ipcref.h"

const struct sig_calls ref_sig = {
	.sigqueue = ipcref_sigqueue,
	.sigprocmask = sigprocmask,
	.pthread_sigmask = pthread_sigmask,
	.sigpending = ipcref_sigpending,
	.sigwait = ipcref_sigwait,
	.sigwaitinfo = ipcref_sigwaitinfo,
	.sigtimedwait = ipcref_sigtimedwait,
	.sigemptyset = sigemptyset,
	.sigfillset = sigfillset,
	.sigaddset = sigaddset,
	.sigdelset = sigdelset,
	.sigismember = sigismember,
	.getpid = getpid,
	.getppid = getppid,
	.getuid = getuid,
};
