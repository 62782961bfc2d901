/* SPDX-License-Identifier: MIT */
#include "fault/campaign/trace.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <sys/user.h>
#endif

#include "fault/campaign/campaign.h"
#include "stage/scene.h"
#include "stage/tell.h"
#include "stage/verbs.h"
#include "stage/wait.h"

enum { ERRORS_MAX = 6 };
enum { TRACER_BEGINS, TRACER_IS_READY, TRACER_IS_DENIED, TRACER_IS_BLIND, TRACER_IS_OVER };

/* -- system calls ----------------------------------------------------------------------------- */

/* Those that are told by name, and what the world may say to them. */
static const struct system_call {
	long number;
	const char *name;
	int errors[ERRORS_MAX + 1];
} system_calls[] = {
#define CALL_OF(name, ...) {SYS_##name, #name, {__VA_ARGS__}},
#include "fault/campaign/calls.def"
#undef CALL_OF
};

static const struct system_call *system_call(long number)
{
	static const struct system_call other = {-1, "a call", {0}};

	for (size_t i = 0; i < sizeof(system_calls) / sizeof(system_calls[0]); i++)
		if (system_calls[i].number == number)
			return &system_calls[i];
	return &other;
}

/* -- registers -------------------------------------------------------------------------------- */

/* At its beginning: the call is not made.  False: it isn't known how, on this processor. */
static bool suppress_call(pid_t tid)
{
#if defined(__x86_64__)
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &registers) < 0)
		return false;
	registers.orig_rax = (unsigned long long)-1;
	return ptrace(PTRACE_SETREGS, tid, NULL, &registers) == 0;
#elif defined(__aarch64__)
	int none = -1;
	struct iovec set = {&none, sizeof(none)};

	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_ARM_SYSTEM_CALL, &set) == 0;
#else
	(void)tid;
	return false;
#endif
}

/* At its end: what it gives. */
static void give_result(pid_t tid, long result)
{
#if defined(__x86_64__)
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &registers) < 0)
		return;
	registers.rax = (unsigned long long)result;
	ptrace(PTRACE_SETREGS, tid, NULL, &registers);
#elif defined(__aarch64__)
	unsigned long long registers[34];
	struct iovec set = {registers, sizeof(registers)};

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &set) < 0)
		return;
	registers[0] = (unsigned long long)result;
	ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &set);
#else
	(void)tid;
	(void)result;
#endif
}

/* At its beginning: one argument of the call is another.  False: it isn't known how. */
static bool set_argument(pid_t tid, unsigned which, unsigned long long value)
{
#if defined(__x86_64__)
	struct user_regs_struct registers;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &registers) < 0)
		return false;
	/* glibc and musl have another type for the same */
	__typeof__(&registers.rdi)
		const arguments[] = {&registers.rdi, &registers.rsi, &registers.rdx,
				     &registers.r10, &registers.r8,  &registers.r9};
	*arguments[which] = value;
	return ptrace(PTRACE_SETREGS, tid, NULL, &registers) == 0;
#elif defined(__aarch64__)
	unsigned long long registers[34];
	struct iovec set = {registers, sizeof(registers)};

	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &set) < 0)
		return false;
	registers[which] = value;
	return ptrace(PTRACE_SETREGSET, tid, (void *)NT_PRSTATUS, &set) == 0;
#else
	(void)tid;
	(void)which;
	(void)value;
	return false;
#endif
}

/* -- the tracer ------------------------------------------------------------------------------- */

static struct tracer {
	pid_t pid; /* of the tracer; 0: there's none */
	actor *traced;
	pid_t tid;
	enum trace_mode mode;
	long refused_with; /* the call that is being made; 0: it isn't refused */
	const char *call;  /* its name */
} tracer;

static bool is_in_operation(void)
{
	const actor *a = tracer.traced;

	return a->entered == scene->injection.order && a->done != scene->injection.order;
}

static void note(const char *when, const char *name)
{
	struct injection *injection = &scene->injection;

	snprintf(injection->point, sizeof(injection->point), "%s%s", when, name);
	injection->injected++;
}

/* Held until the director lets it go. */
static void hold(void)
{
	scene->injection.held = 1;
	scene_news();
	while (scene->injection.held)
		word_wait(&scene->injection.held, 1, TURN_MS);
}

/* A signal that it is to be continued with, or 0; -1: it is dead. */
static int befall(void)
{
	switch (scene->injection.does) {
	case FAULT_kill:
		kill(tracer.traced->pid, SIGKILL);
		return -1;
	case FAULT_signal:
		syscall(SYS_tgkill, tracer.traced->pid, tracer.tid, SIGUSR1);
		return 0;
	case FAULT_stop:
		hold();
		return 0;
	default:
		nap(DELAY_US);
		return 0;
	}
}

static bool refuses(void)
{
	return scene->injection.does == FAULT_refuse || scene->injection.does == FAULT_famine;
}

static bool answers(void)
{
	return is_an_answer((enum fault_kind)scene->injection.does);
}

/* The point counts so many times; which of them is due, or -1. */
static int due(unsigned times)
{
	return campaign_due(&scene->injection, INJECTION_NAMELESS, times);
}

static int pass(const char *when, const char *name)
{
	if (answers() || due(1) < 0)
		return 0;
	note(when, name);
	return befall();
}

static void refuse_call(const struct system_call *call)
{
	unsigned count = 0;

	while (call->errors[count])
		count++;
	int which = due(count);

	if (count == 0 || which < 0 || !suppress_call(tracer.tid))
		return;
	note("", call->name);
	tracer.refused_with = call->errors[which];
	scene->injection.errors[call->errors[which]] = 1;
}

/* Calls that move as many bytes as they can of so many: which of their arguments tells that. */
static const struct transfer {
	long number;
	unsigned count;
} transfers[] = {
	{SYS_read, 2},	   {SYS_write, 2},  {SYS_sendto, 2},
	{SYS_recvfrom, 2}, {SYS_splice, 4}, {SYS_tee, 2},
};

/* Half of it, so that there is something to tell and something left. */
static void shorten_call(const char *name, long number, const unsigned long long *arguments)
{
	for (size_t i = 0; i < sizeof(transfers) / sizeof(transfers[0]); i++) {
		unsigned which = transfers[i].count;

		if (transfers[i].number == number && arguments[which] > 1 && due(1) >= 0 &&
		    set_argument(tracer.tid, which, arguments[which] / 2))
			note("", name);
	}
}

#ifdef PTRACE_GET_SYSCALL_INFO
/* Only locks are refused to fcntl: the other commands want for nothing. */
static bool may_be_refused(long number, long command)
{
	return number != SYS_fcntl || (command != F_GETFD && command != F_SETFD &&
				       command != F_GETFL && command != F_SETFL);
}

static int at_call(void)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tracer.tid, (void *)sizeof(info), &info) < 0)
		return 0;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		const struct system_call *call = system_call((long)info.entry.nr);

		tracer.call = call->name;
		tracer.refused_with = 0;
		if (refuses() && may_be_refused((long)info.entry.nr, (long)info.entry.args[1]))
			refuse_call(call);
		if (scene->injection.does == FAULT_short) {
			unsigned long long arguments[6];

			for (int i = 0; i < 6; i++)
				arguments[i] = info.entry.args[i];
			shorten_call(call->name, (long)info.entry.nr, arguments);
		}
		return pass("before ", call->name);
	}
	if (tracer.refused_with)
		give_result(tracer.tid, -tracer.refused_with);
	tracer.refused_with = 0;
	return pass("after ", tracer.call);
}
#else
static int at_call(void)
{
	return 0;
}
#endif

/* What the stage does with an operation is nobody's point; only where it's the platform's code that
 * is judged is that told apart. */
static bool is_our_own(void)
{
#ifdef PTRACE_GET_SYSCALL_INFO
	extern const char __executable_start[], etext[];
	struct __ptrace_syscall_info info;

	return strcmp(impl->name, "posix") == 0 &&
	       ptrace(PTRACE_GET_SYSCALL_INFO, tracer.tid, (void *)sizeof(info), &info) >= 0 &&
	       info.instruction_pointer >= (uintptr_t)__executable_start &&
	       info.instruction_pointer < (uintptr_t)etext;
#else
	return false;
#endif
}

/* What it is to be continued with, or -1. */
static int at_stop(int status)
{
	const int call = SIGTRAP | 0x80;

	if (status >> 16) /* an event, as of being seized */
		return 0;
	if (WSTOPSIG(status) == call)
		return is_in_operation() ? at_call() : 0;
	if (WSTOPSIG(status) != SIGTRAP)
		return WSTOPSIG(status);
	return is_in_operation() && !is_our_own() ? pass("", "an instruction") : 0;
}

/* An operation's calls can be told from the stage's, and have names. */
static bool sees_calls(void)
{
#ifdef PTRACE_GET_SYSCALL_INFO
	struct __ptrace_syscall_info info;

	return ptrace(PTRACE_GET_SYSCALL_INFO, tracer.tid, (void *)sizeof(info), &info) >= 0;
#else
	errno = ENOSYS;
	return false;
#endif
}

static void answer(uint32_t word)
{
	scene->injection.tracer = word;
	word_wake(&scene->injection.tracer);
}

/* With the reason in errno. */
_Noreturn static void give_up(uint32_t word)
{
	scene->injection.denied = errno;
	answer(word);
	_exit(0);
}

_Noreturn static void trace(void)
{
	int status, signal = 0;

	if (ptrace(PTRACE_SEIZE, tracer.tid, NULL, (void *)PTRACE_O_TRACESYSGOOD) < 0 ||
	    ptrace(PTRACE_INTERRUPT, tracer.tid, NULL, NULL) < 0)
		give_up(TRACER_IS_DENIED);
	for (bool is_first = true; waitpid(tracer.tid, &status, __WALL) == tracer.tid;
	     is_first = false) {
		if (!WIFSTOPPED(status))
			break;
		if (scene->injection.tracer == TRACER_IS_OVER) {
			ptrace(PTRACE_DETACH, tracer.tid, NULL, NULL);
			break;
		}
		if (status >> 16 == PTRACE_EVENT_STOP && WSTOPSIG(status) == SIGSTOP) {
			ptrace(PTRACE_LISTEN, tracer.tid, NULL, NULL); /* and stays stopped */
			continue;
		}
		if (is_first && !sees_calls())
			give_up(TRACER_IS_BLIND);
		signal = at_stop(status);
		if (signal < 0)
			continue;
		ptrace(tracer.mode == TRACE_INSTRUCTIONS ? PTRACE_SINGLESTEP : PTRACE_SYSCALL,
		       tracer.tid, NULL, (void *)(intptr_t)signal);
		if (is_first)
			answer(TRACER_IS_READY);
	}
	_exit(0);
}

/* -- for the director ------------------------------------------------------------------------- */

static bool calls_can_be_changed(void)
{
#if defined(__x86_64__) || defined(__aarch64__)
	return true;
#else
	return false;
#endif
}

static long long may_be_traced(const char *text, const long long *n)
{
	(void)text;
	(void)n;
#ifdef PR_SET_PTRACER
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
#endif
	return 0;
}

void trace_begin(actor *a, enum trace_mode mode)
{
	if (!calls_can_be_changed() && is_an_answer((enum fault_kind)scene->injection.kind))
		skip("no tracer changes a system call of this processor");
	ask(a, call(may_be_traced, "", 0, 0, 0));
	scene->injection.tracer = TRACER_BEGINS;
	scene->injection.held = 0;
	tracer = (struct tracer){.traced = a, .tid = a->tid, .mode = mode, .call = ""};
	pid_t pid = fork();

	if (pid == 0)
		trace();
	if (pid < 0)
		end_in_error("no process for the tracer: %s", strerror(errno));
	tracer.pid = pid;
	while (scene->injection.tracer == TRACER_BEGINS)
		word_wait(&scene->injection.tracer, TRACER_BEGINS, TURN_MS);
	if (scene->injection.tracer == TRACER_IS_DENIED)
		skip("no process can be traced here: ptrace fails with %s",
		     error_name(scene->injection.denied));
	if (scene->injection.tracer == TRACER_IS_BLIND)
		skip("no tracer sees system calls here: PTRACE_GET_SYSCALL_INFO fails with %s",
		     error_name(scene->injection.denied));
}

void trace_end(void)
{
	if (!tracer.pid)
		return;
	scene->injection.tracer = TRACER_IS_OVER;
	kill(tracer.pid, SIGKILL);
	waitpid(tracer.pid, NULL, 0);
	tracer.pid = 0;
}

bool trace_holds(void)
{
	return tracer.pid && scene->injection.held;
}

void trace_release(void)
{
	scene->injection.held = 0;
	word_wake(&scene->injection.held);
}
