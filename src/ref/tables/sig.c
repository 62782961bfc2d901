/* SPDX-License-Identifier: MIT */
/* Queued signals that are waited for.  Sets of signals are libc's; the rest is the kernel's. */
#include "ref/tables/tables.h"

#include "ref/ipcref.h"

const struct sig_calls ref_sig = {
	.sigqueue = ipcref_sigqueue,
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
