/* SPDX-License-Identifier: MIT */
/* Alternate stacks for handlers. */
#include <string.h>

#include "stage/story.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* Enough for the largest frame of any machine, and a handler's own needs. */
enum { STACK_SIZE = 256 * 1024 };
static _Alignas(64) char stack[STACK_SIZE], other_stack[STACK_SIZE];

static void is_on_no_stack_yet(void)
{
	if (SANITIZED)
		skip("the sanitizer gives every thread an alternate stack");
}

static stack_t current(void)
{
	stack_t now;

	memset(&now, 0xEE, sizeof(now));
	must_be(entry(sig, sigaltstack)(NULL, &now), 0);
	return now;
}

static int set_stack(void *memory, size_t size, int flags)
{
	stack_t new = {.ss_sp = memory, .ss_size = size, .ss_flags = flags};

	return entry(sig, sigaltstack)(&new, NULL);
}

/* What the handler saw. */
static volatile sig_atomic_t was_on_stack;
static stack_t seen;
static int change_error;

static void notes_its_stack(int signal)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	(void)signal;
	was_on_stack = here >= (uintptr_t)stack && here < (uintptr_t)stack + STACK_SIZE;
	seen = current();
	change_error = set_stack(other_stack, STACK_SIZE, 0) < 0 ? errno : 0;
}

static void catches_one(int flags)
{
	struct sigaction action = {.sa_handler = notes_its_stack, .sa_flags = flags};

	entry(sig, sigemptyset)(&action.sa_mask);
	must_be(entry(sig, sigaction)(SIGUSR1, &action, NULL), 0);
	must_be(entry(sig, raise)(SIGUSR1), 0);
}

/* n: the flags of the action, and whether the stack is disabled before the signal comes. */
static long long catches_on_a_stack(const char *text, const long long *n)
{
	(void)text;
	must_be(set_stack(stack, STACK_SIZE, 0), 0);
	if (n[1])
		must_be(set_stack(NULL, 0, SS_DISABLE), 0);
	catches_one((int)n[0]);
	return was_on_stack;
}

TEST(sig, a_handler_runs_on_the_alternate_stack)
{
	actor *alice = cast("alice");

	does_give(alice, call(catches_on_a_stack, "", SA_ONSTACK, 0, 0), 1);
}

TEST(sig, without_onstack_a_handler_stays_on_its_stack)
{
	actor *alice = cast("alice");

	does_give(alice, call(catches_on_a_stack, "", 0, 0, 0), 0);
}

TEST(sig, a_disabled_stack_is_not_used)
{
	actor *alice = cast("alice");

	does_give(alice, call(catches_on_a_stack, "", SA_ONSTACK, 1, 0), 0);
}

static long long tells_the_stack(const char *text, const long long *n)
{
	stack_t new = {.ss_sp = other_stack, .ss_size = STACK_SIZE / 2}, old;

	(void)text, (void)n;
	must_be(set_stack(stack, STACK_SIZE, 0), 0);
	memset(&old, 0xEE, sizeof(old));
	must_be(entry(sig, sigaltstack)(&new, &old), 0);
	must(old.ss_sp == stack);
	must_be(old.ss_size, STACK_SIZE);
	must_be(old.ss_flags, 0);
	old = current();
	must(old.ss_sp == other_stack);
	must_be(old.ss_size, STACK_SIZE / 2);
	must_be(set_stack(NULL, 0, SS_DISABLE), 0);
	must_be(current().ss_flags, SS_DISABLE);
	return 0;
}

TEST(sig, the_alternate_stack_is_told)
{
	actor *alice = cast("alice");

	does(alice, call(tells_the_stack, "", 0, 0, 0));
}

static long long looks_from_the_stack(const char *text, const long long *n)
{
	catches_on_a_stack(text, n);
	must_be(seen.ss_flags, SS_ONSTACK);
	must(seen.ss_sp == stack);
	must_be(seen.ss_size, STACK_SIZE);
	must_be(current().ss_flags, 0);
	return 0;
}

TEST(sig, a_stack_in_use_says_so)
{
	actor *alice = cast("alice");

	does(alice, call(looks_from_the_stack, "", SA_ONSTACK, 0, 0));
}

static long long changes_from_the_stack(const char *text, const long long *n)
{
	catches_on_a_stack(text, n);
	must_be(change_error, EPERM);
	must(current().ss_sp == stack);
	return 0;
}

TEST(sig, a_stack_in_use_is_not_changed)
{
	actor *alice = cast("alice");

	does(alice, call(changes_from_the_stack, "", SA_ONSTACK, 0, 0));
}

/* n: size, flags, the error. */
static long long is_refused_a_stack(const char *text, const long long *n)
{
	(void)text;
	must_be(set_stack(stack, STACK_SIZE, 0), 0);
	must_be(set_stack(other_stack, (size_t)n[0], (int)n[1]), -1);
	must_be(errno, n[2]);
	must(current().ss_sp == stack);
	return 0;
}

TEST(sig, a_stack_too_small_is_refused)
{
	actor *alice = cast("alice");

	does(alice, call(is_refused_a_stack, "", 1, 0, ENOMEM));
}

TEST(sig, a_stack_of_unknown_flags_is_refused)
{
	actor *alice = cast("alice");

	does(alice, call(is_refused_a_stack, "", STACK_SIZE, 0x4000, EINVAL));
}

/* -- whose it is --------------------------------------------------------------------------------
 */

static long long makes_a_stack(const char *text, const long long *n)
{
	(void)text, (void)n;
	return set_stack(stack, STACK_SIZE, 0);
}

static long long has_a_stack(const char *text, const long long *n)
{
	stack_t now = current();

	(void)text, (void)n;
	return now.ss_flags == SS_DISABLE ? 0 : now.ss_sp == stack ? 1 : -2;
}

TEST(sig, a_thread_begins_without_an_alternate_stack)
{
	is_on_no_stack_yet();
	actor *host = cast("host");

	does(host, call(makes_a_stack, "", 0, 0, 0));
	actor *thread = cast_thread(host, "thread");
	does_give(thread, call(has_a_stack, "", 0, 0, 0), 0);
	does_give(host, call(has_a_stack, "", 0, 0, 0), 1);
}

TEST(sig, a_child_inherits_the_alternate_stack)
{
	actor *parent = cast("parent");

	does(parent, call(makes_a_stack, "", 0, 0, 0));
	actor *child = forks(parent, "child");
	does_give(child, call(has_a_stack, "", 0, 0, 0), 1);
	does_give(child, call(catches_on_a_stack, "", SA_ONSTACK, 0, 0), 1);
}

TEST(sig, a_new_program_has_no_alternate_stack)
{
	is_on_no_stack_yet();
	actor *bob = cast("bob");

	does(bob, call(makes_a_stack, "", 0, 0, 0));
	does_give(bob, call(has_a_stack, "", 0, 0, 0), 1);
	execs(bob);
	does_give(bob, call(has_a_stack, "", 0, 0, 0), 0);
}
