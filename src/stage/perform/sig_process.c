/* SPDX-License-Identifier: MIT */
/* Processes: their groups, sessions, terminals and limits, and how parents learn of their end. */
#include <stdio.h>
#include <string.h>

#include "stage/perform/sig.h"
#include "stage/tell.h"

/* -- who is who ---------------------------------------------------------------------------------
 */

PERFORM(sig, pid)
{
	CALL(sig, getpid, );
}

PERFORM(sig, parent)
{
	CALL(sig, getppid, );
}

PERFORM(sig, uid)
{
	CALL(sig, getuid, );
}

PERFORM(sig, become)
{
	CALL(sig, setresuid, (uid_t)o->n[0], (uid_t)o->n[1], (uid_t)o->n[2]);
}

PERFORM(sig, group)
{
	CALL(sig, getpgrp, );
}

PERFORM(sig, group_of)
{
	CALL(sig, getpgid, (pid_t)o->n[0]);
}

PERFORM(sig, set_group)
{
	CALL(sig, setpgid, (pid_t)o->n[0], (pid_t)o->n[1]);
}

PERFORM(sig, new_session)
{
	CALL(sig, setsid, );
}

PERFORM(sig, session_of)
{
	CALL(sig, getsid, (pid_t)o->n[0]);
}

/* -- terminals ----------------------------------------------------------------------------------
 */

PERFORM(sig, make_terminal)
{
	char name[HANDLE_MAX + 3];
	int ends[2];

	if (!CALL(sig, make_terminal, ends))
		return;
	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "%s:%c", o->handle, "ms"[i]);
		set_handle(name, ends[i], NULL);
	}
}

PERFORM(sig, foreground)
{
	CALL(sig, tcgetpgrp, handle_fd(o->handle));
}

PERFORM(sig, set_foreground)
{
	CALL(sig, tcsetpgrp, handle_fd(o->handle), (pid_t)o->n[0]);
}

PERFORM(sig, terminals_session)
{
	CALL(sig, tcgetsid, handle_fd(o->handle));
}

/* -- limits -------------------------------------------------------------------------------------
 */

PERFORM(sig, limit_pending)
{
	CALL(sig, limit_pending, (rlim_t)o->n[0]);
}

PERFORM(sig, limit_processes)
{
	CALL(sig, limit_processes, (rlim_t)o->n[0]);
}

PERFORM(sig, limit_core)
{
	CALL(sig, limit_core, (rlim_t)o->n[0]);
}

/* -- waiting for children ------------------------------------------------------------------------
 */

static void add_end(outcome *out, const char *what, int signal)
{
	char text[64];

	snprintf(text, sizeof(text), "%s by %s", what, signal_name(signal));
	add_text(out, text);
}

static void add_exit(outcome *out, int status)
{
	char text[32];

	snprintf(text, sizeof(text), "exited %d", status);
	add_text(out, text);
}

/* Each of the four must say no where another says yes. */
static void tell_status(outcome *out, int status)
{
	must_be(!!WIFEXITED(status) + !!WIFSIGNALED(status) + !!WIFSTOPPED(status) +
			!!WIFCONTINUED(status),
		1);
	if (WIFEXITED(status))
		add_exit(out, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		add_end(out, "killed", WTERMSIG(status));
	else if (WIFSTOPPED(status))
		add_end(out, "stopped", WSTOPSIG(status));
	else
		add_text(out, "continued");
	out->n[INFO_STATUS] = status;
}

static void tell_child(outcome *out, int status)
{
	if (out->value == 0)
		add_text(out, "nothing");
	else if (out->value > 0)
		tell_status(out, status);
	out->n[INFO_PID] = out->value;
}

PERFORM(sig, reap)
{
	int status;

	memset(&status, POISON, sizeof(status));
	if (CALL(sig, waitpid, (pid_t)o->n[0], &status, (int)o->n[1]))
		tell_child(out, status);
}

PERFORM(sig, reap_any)
{
	int status;

	memset(&status, POISON, sizeof(status));
	if (CALL(sig, wait, &status))
		tell_child(out, status);
}

/* si_status stands beside the code that says what it is. */
static void tell_change(outcome *out, const siginfo_t *info)
{
	static const struct {
		int code;
		const char *what;
	} ends[] = {{CLD_KILLED, "killed"}, {CLD_DUMPED, "killed"}, {CLD_STOPPED, "stopped"}};

	tell_siginfo(out, info);
	out->value = info->si_pid;
	if (info->si_pid == 0 && info->si_signo == 0)
		add_text(out, "nothing");
	else if (info->si_code == CLD_EXITED)
		add_exit(out, info->si_status);
	else if (info->si_code == CLD_CONTINUED)
		add_text(out, "continued");
	for (size_t i = 0; i < 3; i++)
		if (info->si_pid && info->si_code == ends[i].code)
			add_end(out, ends[i].what, info->si_status);
	must(out->size > 0);
}

PERFORM(sig, reap_id)
{
	siginfo_t info;

	memset(&info, POISON, sizeof(info));
	if (CALL(sig, waitid, (idtype_t)o->n[0], (id_t)o->n[1], &info, (int)o->n[2]))
		tell_change(out, &info);
}

/* -- processes as descriptors (Linux) -----------------------------------------------------------
 */

PERFORM(sig, pidfd)
{
	if (CALL(sig, pidfd_open, (pid_t)o->n[0], (unsigned)o->n[1]))
		set_handle(o->handle, out->value, NULL);
}

PERFORM(sig, pidfd_send)
{
	CALL(sig, pidfd_send_signal, handle_fd(o->handle), (int)o->n[0], NULL, 0);
}

PERFORM(sig, pidfd_queue)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = (int)o->n[0];
	info.si_code = SI_QUEUE;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = (int)o->n[1];
	CALL(sig, pidfd_send_signal, handle_fd(o->handle), (int)o->n[0], &info, 0);
}

PERFORM(sig, reap_pidfd)
{
	enum { P_PIDFD_OF_LINUX = 3 };
	siginfo_t info;

	memset(&info, POISON, sizeof(info));
	if (CALL(sig, waitid, (idtype_t)P_PIDFD_OF_LINUX, (id_t)handle_fd(o->handle), &info,
		 (int)o->n[0]))
		tell_change(out, &info);
}

PERFORM(sig, take_descriptor)
{
	if (CALL(sig, pidfd_getfd, handle_fd(o->handle), (int)o->n[0], 0))
		set_handle(o->other, out->value, NULL);
}

/* -- threads by number (Linux) ------------------------------------------------------------------
 */

PERFORM(sig, thread_number)
{
	CALL(sig, gettid, );
}

PERFORM(sig, kill_thread_of)
{
	CALL(sig, tgkill, (pid_t)o->n[0], (pid_t)o->n[1], (int)o->n[2]);
}

/* -- when a parent has ended (Linux) ------------------------------------------------------------
 */

PERFORM(sig, death_signal)
{
	CALL(sig, set_death_signal, (int)o->n[0]);
}

PERFORM(sig, death_signal_set)
{
	int signal = -1;

	if (CALL(sig, death_signal, &signal))
		out->value = signal;
}

PERFORM(sig, adopt_orphans)
{
	CALL(sig, set_subreaper, (int)o->n[0]);
}

PERFORM(sig, adopts_orphans)
{
	int on = -1;

	if (CALL(sig, is_subreaper, &on))
		out->value = on;
}
