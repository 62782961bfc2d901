/* SPDX-License-Identifier: MIT */
/* Signals sent, handled, masked; waiting for them is in sig_wait.c, processes in sig_process.c. */
#include "stage/perform/sig.h"

#include <stdio.h>
#include <string.h>

#include "stage/actor.h"
#include "stage/tell.h"

/* -- sets ---------------------------------------------------------------------------------------
 */

const sigset_t *set_of(long long packed)
{
	static _Thread_local sigset_t set;

	if (packed == ALL_SIGNALS) {
		sigfillset(&set);
		return &set;
	}
	sigemptyset(&set);
	for (unsigned long long rest = (unsigned long long)packed; rest; rest >>= 8)
		must_be(sigaddset(&set, (int)(rest & 0xFF)), 0);
	return &set;
}

/* More than SET_MAX signals are all that a number tells of. */
static long long packed_of(const sigset_t *set)
{
	int signals[SET_MAX];
	size_t count = 0;

	for (int s = 1; s <= SIGRTMAX; s++) {
		if (sigismember(set, s) != 1)
			continue;
		if (count == SET_MAX)
			return ALL_SIGNALS;
		signals[count++] = s;
	}
	return signal_set(signals, count);
}

/* -- what is told -------------------------------------------------------------------------------
 */

void add_text(outcome *out, const char *text)
{
	size_t length = strlen(text);

	if (out->size + length > OUTCOME_BYTES)
		return;
	memcpy(out->bytes + out->size, text, length);
	outcome_has_bytes(out, out->size + length);
}

void tell_siginfo(outcome *out, const siginfo_t *info)
{
	out->n[INFO_SIGNO] = info->si_signo;
	out->n[INFO_CODE] = info->si_code;
	out->n[INFO_PID] = info->si_pid;
	out->n[INFO_UID] = info->si_uid;
	out->n[INFO_VALUE] = info->si_value.sival_int;
	out->n[INFO_STATUS] = info->si_status;
	out->n[INFO_POINTER] = (long long)(intptr_t)info->si_value.sival_ptr;
	out->n[INFO_ERRNO] = info->si_errno;
}

/* -- what handlers take note of ------------------------------------------------------------------
 */

enum { LOG_MAX = 2048 };

enum entry_kind { CAUGHT, BEGINS, ENDS };

static struct entry {
	enum entry_kind kind;
	pid_t pid; /* whose: a forked child starts with a copy of its parent's */
	int signal;
	bool has_info;
	siginfo_t info;
	const struct mailbox *actor;
} entries[LOG_MAX];

static atomic_uint entry_count;
static int raises[SIGNAL_MAX];

static void log_entry(enum entry_kind kind, int signal, const siginfo_t *info)
{
	unsigned i = entry_count++;

	if (i >= LOG_MAX)
		return;
	entries[i].kind = kind;
	entries[i].pid = getpid();
	entries[i].signal = signal;
	entries[i].has_info = info != NULL;
	if (info)
		entries[i].info = *info;
	entries[i].actor = current_actor();
}

static void note(int signal)
{
	log_entry(CAUGHT, signal, NULL);
	stage_note_signal(signal);
}

static void note_info(int signal, siginfo_t *info, void *context)
{
	(void)context;
	log_entry(CAUGHT, signal, info);
	stage_note_signal(signal);
}

static void note_and_raise(int signal)
{
	int error = errno, raised = raises[signal];

	log_entry(BEGINS, signal, NULL);
	raises[signal] = 0;
	if (raised)
		impl->sig->raise(raised);
	log_entry(ENDS, signal, NULL);
	stage_note_signal(signal);
	errno = error;
}

static unsigned entries_now(void)
{
	return entry_count < LOG_MAX ? entry_count : LOG_MAX;
}

static const struct entry *last_entry(int signal)
{
	for (unsigned i = entries_now(); i > 0; i--)
		if (entries[i - 1].signal == signal && entries[i - 1].pid == getpid())
			return &entries[i - 1];
	return NULL;
}

static void tell_entry(const struct entry *entry, char *text, size_t size)
{
	int s = entry->signal;
	size_t used = 0;

	if (entry->kind == ENDS) {
		snprintf(text, size, "}");
		return;
	}
	if (s >= SIGRTMIN && s <= SIGRTMAX)
		used = (size_t)snprintf(text, size, "RT%d", s - SIGRTMIN);
	else
		used = (size_t)snprintf(text, size, "%s", signal_name(s));
	if (entry->kind == BEGINS)
		snprintf(text + used, size - used, "{");
	else if (entry->has_info && entry->info.si_code == SI_QUEUE)
		snprintf(text + used, size - used, ":%d", entry->info.si_value.sival_int);
}

PERFORM(sig, log)
{
	char text[64];

	outcome_is(out, 0);
	outcome_has_bytes(out, 0);
	for (unsigned i = 0; i < entries_now(); i++) {
		if (entries[i].pid != getpid())
			continue;
		tell_entry(&entries[i], text, sizeof(text));
		if (out->size)
			add_text(out, " ");
		add_text(out, text);
	}
}

PERFORM(sig, info)
{
	const struct entry *entry = last_entry((int)o->n[0]);

	if (entry && entry->has_info) {
		tell_siginfo(out, &entry->info);
		outcome_is(out, entry->signal);
	}
}

PERFORM(sig, caught_by)
{
	const struct entry *entry = last_entry((int)o->n[0]);

	outcome_has_bytes(out, 0);
	if (entry)
		add_text(out, entry->actor ? entry->actor->name : "nobody");
}

/* -- sending ------------------------------------------------------------------------------------
 */

PERFORM(sig, kill)
{
	/* everybody (-1) is none of a test's business */
	must(o->n[0] != -1);
	CALL(sig, kill, (pid_t)o->n[0], (int)o->n[1]);
}

PERFORM(sig, kill_group)
{
	must(o->n[0] != 1);
	CALL(sig, killpg, (pid_t)o->n[0], (int)o->n[1]);
}

PERFORM(sig, raise)
{
	CALL(sig, raise, (int)o->n[0]);
}

PERFORM(sig, queue)
{
	union sigval value;

	memset(&value, 0, sizeof(value));
	value.sival_int = (int)o->n[2];
	CALL(sig, sigqueue, (pid_t)o->n[0], (int)o->n[1], value);
}

PERFORM(sig, queue_pointer)
{
	union sigval value = {.sival_ptr = (void *)(intptr_t)o->n[2]};

	CALL(sig, sigqueue, (pid_t)o->n[0], (int)o->n[1], value);
}

PERFORM(sig, self)
{
	if (!impl->sig || !impl->sig->pthread_self) {
		outcome_lacks(out, "sig.pthread_self");
		return;
	}
	pthread_t self = impl->sig->pthread_self();

	_Static_assert(sizeof(self) <= sizeof(void *), "a thread fits a handle");
	set_handle(o->handle, 0, (void *)(uintptr_t)self);
	outcome_is(out, 0);
}

PERFORM(sig, kill_thread)
{
	CALL_ERROR(sig, pthread_kill, (pthread_t)(uintptr_t)handle_pointer(o->handle),
		   (int)o->n[0]);
}

PERFORM(sig, abort)
{
	if (!impl->sig || !impl->sig->abort)
		outcome_lacks(out, "sig.abort");
	else
		impl->sig->abort();
}

/* -- dispositions -------------------------------------------------------------------------------
 */

static void act(outcome *out, int signal, struct sigaction *action)
{
	CALL(sig, sigaction, signal, action, NULL);
}

PERFORM(sig, handle)
{
	struct sigaction action = {.sa_flags = (int)o->n[1]};

	sigemptyset(&action.sa_mask);
	if (action.sa_flags & SA_SIGINFO)
		action.sa_sigaction = note_info;
	else
		action.sa_handler = note;
	act(out, (int)o->n[0], &action);
}

PERFORM(sig, handle_masking)
{
	struct sigaction action = {.sa_flags = (int)o->n[1], .sa_mask = *set_of(o->n[2])};

	if (action.sa_flags & SA_SIGINFO)
		action.sa_sigaction = note_info;
	else
		action.sa_handler = note;
	act(out, (int)o->n[0], &action);
}

PERFORM(sig, handle_raising)
{
	struct sigaction action = {.sa_handler = note_and_raise,
				   .sa_flags = (int)o->n[1],
				   .sa_mask = *set_of(o->n[2])};

	raises[o->n[0]] = (int)o->n[3];
	act(out, (int)o->n[0], &action);
}

static void act_simply(outcome *out, int signal, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigemptyset(&action.sa_mask);
	act(out, signal, &action);
}

PERFORM(sig, ignore)
{
	act_simply(out, (int)o->n[0], SIG_IGN);
}

PERFORM(sig, restore)
{
	act_simply(out, (int)o->n[0], SIG_DFL);
}

/* A handler must be the one that was set, or a platform that answers with garbage would pass. */
static int disposition_of(const struct sigaction *action)
{
	if (action->sa_flags & SA_SIGINFO) {
		must(action->sa_sigaction == note_info);
		return IS_HANDLED;
	}
	if (action->sa_handler == SIG_DFL)
		return IS_DEFAULT;
	if (action->sa_handler == SIG_IGN)
		return IS_IGNORED;
	must(action->sa_handler == note || action->sa_handler == note_and_raise);
	return IS_HANDLED;
}

PERFORM(sig, disposition)
{
	/* flags of the library's own, such as SA_RESTORER, are none of ours */
	static const int known =
		SA_NOCLDSTOP | SA_NOCLDWAIT | SA_NODEFER | SA_RESETHAND | SA_RESTART | SA_SIGINFO;
	struct sigaction action;

	memset(&action, POISON, sizeof(action));
	if (!CALL(sig, sigaction, (int)o->n[0], NULL, &action))
		return;
	outcome_is(out, disposition_of(&action));
	out->n[ACTION_FLAGS] = action.sa_flags & known;
	out->n[ACTION_MASK] = packed_of(&action.sa_mask);
}

/* -- masks --------------------------------------------------------------------------------------
 */

PERFORM(sig, block)
{
	CALL(sig, sigprocmask, SIG_BLOCK, set_of(o->n[0]), NULL);
}

PERFORM(sig, unblock)
{
	CALL(sig, sigprocmask, SIG_UNBLOCK, set_of(o->n[0]), NULL);
}

PERFORM(sig, set_mask)
{
	CALL(sig, sigprocmask, SIG_SETMASK, set_of(o->n[0]), NULL);
}

PERFORM(sig, change_mask)
{
	CALL(sig, sigprocmask, (int)o->n[0], set_of(o->n[1]), NULL);
}

PERFORM(sig, mask)
{
	sigset_t set;

	memset(&set, POISON, sizeof(set));
	if (CALL(sig, sigprocmask, SIG_BLOCK, NULL, &set))
		out->n[0] = out->value = packed_of(&set);
}

PERFORM(sig, thread_block)
{
	CALL_ERROR(sig, pthread_sigmask, SIG_BLOCK, set_of(o->n[0]), NULL);
}

PERFORM(sig, thread_unblock)
{
	CALL_ERROR(sig, pthread_sigmask, SIG_UNBLOCK, set_of(o->n[0]), NULL);
}

PERFORM(sig, thread_mask)
{
	sigset_t set;

	memset(&set, POISON, sizeof(set));
	if (CALL_ERROR(sig, pthread_sigmask, SIG_BLOCK, NULL, &set))
		out->n[0] = out->value = packed_of(&set);
}

PERFORM(sig, pending)
{
	sigset_t set;

	memset(&set, POISON, sizeof(set));
	if (CALL(sig, sigpending, &set)) {
		must_be(out->value, 0);
		out->n[0] = out->value = packed_of(&set);
	}
}
