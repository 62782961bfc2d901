/* SPDX-License-Identifier: MIT */
/* Who waits for a signal, and who reads it as a message. */
#include <string.h>

#include "stage/perform/sig.h"
#include "stage/wait.h"

/* -- waiting for a signal ------------------------------------------------------------------------
 */

PERFORM(sig, wait)
{
	int signal = -77;

	if (CALL_ERROR(sig, sigwait, set_of(o->n[0]), &signal))
		out->n[0] = out->value = signal;
}

PERFORM(sig, wait_info)
{
	siginfo_t info;

	memset(&info, POISON, sizeof(info));
	if (CALL(sig, sigwaitinfo, set_of(o->n[0]), &info))
		tell_siginfo(out, &info);
}

static struct timespec milliseconds(long long ms)
{
	/* a negative time is an invalid one, for the implementation to refuse */
	if (ms < 0)
		return (struct timespec){.tv_nsec = (long)ms};
	return (struct timespec){.tv_sec = (time_t)(ms / 1000),
				 .tv_nsec = (long)(ms % 1000) * 1000000};
}

PERFORM(sig, timed_wait)
{
	siginfo_t info;
	struct timespec timeout = milliseconds(o->n[1]);
	double began = seconds_now();

	memset(&info, POISON, sizeof(info));
	if (CALL(sig, sigtimedwait, set_of(o->n[0]), &info, &timeout))
		tell_siginfo(out, &info);
	out->n[INFO_US] = (long long)((seconds_now() - began) * 1e6 + 0.5);
}

PERFORM(sig, suspend)
{
	CALL(sig, sigsuspend, set_of(o->n[0]));
}

PERFORM(sig, pause)
{
	if (!impl->sig || !impl->sig->pause)
		outcome_lacks(out, "sig.pause");
	else
		CALL(sig, pause, );
}

PERFORM(sig, sleep)
{
	struct timespec time = milliseconds(o->n[0]), left;
	double began = seconds_now();

	memset(&left, POISON, sizeof(left));
	CALL(sig, nanosleep, &time, &left);
	if (out->error == EINTR)
		out->n[0] = (long long)left.tv_sec * 1000 + left.tv_nsec / 1000000;
	out->n[INFO_US] = (long long)((seconds_now() - began) * 1e6 + 0.5);
}

/* -- signals as messages (Linux) ----------------------------------------------------------------
 */

PERFORM(sig, signalfd)
{
	if (CALL(sig, signalfd, -1, set_of(o->n[0]), (int)o->n[1]))
		set_handle(o->handle, out->value, NULL);
}

PERFORM(sig, change_signalfd)
{
	CALL(sig, signalfd, handle_fd(o->handle), set_of(o->n[0]), 0);
}

PERFORM(sig, read_signalfd)
{
	struct signalfd_message message;

	memset(&message, POISON, sizeof(message));
	if (!CALL(sig, signalfd_read, handle_fd(o->handle), &message, 1))
		return;
	must_be(out->value, 1);
	outcome_is(out, message.signo);
	out->n[INFO_SIGNO] = message.signo;
	out->n[INFO_CODE] = message.code;
	out->n[INFO_PID] = message.pid;
	out->n[INFO_UID] = message.uid;
	out->n[INFO_VALUE] = message.value;
	out->n[INFO_STATUS] = message.status;
	out->n[INFO_ERRNO] = message.error;
}
