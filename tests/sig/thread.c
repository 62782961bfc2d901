/* SPDX-License-Identifier: MIT */
/* Signals and the threads of a process. */
#include "stage/story.h"

/* A process of two threads, and somebody else. */
static actor *host, *thread, *other;

static void cast_threads(void)
{
	host = cast("host");
	other = cast("other");
	thread = cast_thread(host, "thread");
	does(thread, sig.self("t"));
	does(host, sig.self("h"));
}

static void both_block(long long set)
{
	does(host, sig.thread_block(set));
	does(thread, sig.thread_block(set));
}

TEST(sig, a_signal_to_a_thread_is_handled_there)
{
	cast_threads();
	does(host, sig.handle(SIGUSR1, 0));
	does(host, sig.kill_thread("t", SIGUSR1));
	catches(host, SIGUSR1, 1);
	does_give(host, sig.caught_by(SIGUSR1), "thread");
	does(thread, sig.kill_thread("h", SIGUSR1));
	catches(host, SIGUSR1, 2);
	does_give(host, sig.caught_by(SIGUSR1), "host");
}

TEST(sig, a_signal_to_a_thread_interrupts_only_it)
{
	cast_threads();
	actor *boss = cast_thread(host, "boss");

	does(host, sig.handle(SIGUSR1, 0));
	begin(host, sig.pause());
	begin(thread, sig.pause());
	blocks(host);
	blocks(thread);
	does(boss, sig.kill_thread("t", SIGUSR1));
	fails(thread, EINTR);
	blocks(host);
	does(boss, sig.kill_thread("h", SIGUSR1));
	fails(host, EINTR);
}

TEST(sig, a_threads_pending_signals_are_its_own)
{
	cast_threads();
	both_block(SIGNALS(SIGUSR1));
	does(host, sig.kill_thread("t", SIGUSR1));
	does_give(host, sig.pending(), NO_SIGNALS);
	does_give(thread, sig.pending(), SIGNALS(SIGUSR1));
	does_fail(host, sig.timed_wait(SIGNALS(SIGUSR1), 0), EAGAIN);
	does_give(thread, sig.wait(SIGNALS(SIGUSR1)), SIGUSR1);
	does_give(thread, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_processs_pending_signals_are_all_threads)
{
	cast_threads();
	both_block(SIGNALS(SIGUSR1));
	does(other, sig.kill(pid_of(host), SIGUSR1));
	does_give(host, sig.pending(), SIGNALS(SIGUSR1));
	does_give(thread, sig.pending(), SIGNALS(SIGUSR1));
	does_give(thread, sig.wait(SIGNALS(SIGUSR1)), SIGUSR1);
	does_give(host, sig.pending(), NO_SIGNALS);
	does_give(thread, sig.pending(), NO_SIGNALS);
}

TEST(sig, each_thread_has_its_mask)
{
	cast_threads();
	does(host, sig.thread_block(SIGNALS(SIGUSR1)));
	does(thread, sig.thread_block(SIGNALS(SIGUSR2)));
	does_give(host, sig.thread_mask(), SIGNALS(SIGUSR1));
	does_give(thread, sig.thread_mask(), SIGNALS(SIGUSR2));
	does(thread, sig.thread_unblock(SIGNALS(SIGUSR1, SIGUSR2)));
	does_give(host, sig.thread_mask(), SIGNALS(SIGUSR1));
	does_give(thread, sig.thread_mask(), NO_SIGNALS);
}

TEST(sig, a_thread_begins_with_its_creators_mask)
{
	host = cast("host");
	does(host, sig.self("h"));
	does(host, sig.thread_block(SIGNALS(SIGUSR1, SIGTERM)));
	does(host, sig.kill_thread("h", SIGUSR1));
	thread = cast_thread(host, "thread");
	does_give(thread, sig.thread_mask(), SIGNALS(SIGUSR1, SIGTERM));
	does_give(thread, sig.pending(), NO_SIGNALS);
	does_give(host, sig.pending(), SIGNALS(SIGUSR1));
}

TEST(sig, threads_share_what_signals_do)
{
	cast_threads();
	does(thread, sig.handle(SIGUSR1, SA_RESTART));
	does_give(host, sig.disposition(SIGUSR1), IS_HANDLED);
	must_be(outcome_of(host)->n[ACTION_FLAGS], SA_RESTART);
	does(host, sig.ignore(SIGUSR1));
	does_give(thread, sig.disposition(SIGUSR1), IS_IGNORED);
}

TEST(sig, a_thread_that_lets_it_in_gets_it)
{
	cast_threads();
	does(host, sig.handle(SIGUSR1, 0));
	does(host, sig.thread_block(SIGNALS(SIGUSR1)));
	does(other, sig.kill(pid_of(host), SIGUSR1));
	catches(host, SIGUSR1, 1);
	does_give(host, sig.caught_by(SIGUSR1), "thread");
	does(thread, sig.thread_block(SIGNALS(SIGUSR1)));
	does(host, sig.thread_unblock(SIGNALS(SIGUSR1)));
	does(other, sig.kill(pid_of(host), SIGUSR1));
	catches(host, SIGUSR1, 2);
	does_give(host, sig.caught_by(SIGUSR1), "host");
}

TEST(sig, a_thread_that_waits_gets_it)
{
	cast_threads();
	both_block(SIGNALS(SIGUSR1));
	begin(thread, sig.wait(SIGNALS(SIGUSR1)));
	blocks(thread);
	does(other, sig.kill(pid_of(host), SIGUSR1));
	gives(thread, SIGUSR1);
	begin(host, sig.wait(SIGNALS(SIGUSR1)));
	blocks(host);
	does(other, sig.kill(pid_of(host), SIGUSR1));
	gives(host, SIGUSR1);
}

/*
 * n: who waits.  The shared words: how many have got it, and who was the last.  (Not by
 * sigwaitinfo: Linux may wake the others as well, and they fail with EINTR; sigwait may not.)
 */
static long long waits_for_one(const char *text, const long long *n)
{
	int signal = 0;
	sigset_t set;

	(void)text;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	must_be(impl->sig->sigwait(&set, &signal), 0);
	shared()[1] = (uint64_t)n[0];
	shared()[0]++;
	return signal;
}

TEST(sig, of_several_waiting_threads_one_gets_it)
{
	enum { HOST, THREAD };
	cast_threads();
	both_block(SIGNALS(SIGUSR1));
	begin(host, call(waits_for_one, "", HOST, 0, 0));
	begin(thread, call(waits_for_one, "", THREAD, 0, 0));
	blocks(host);
	blocks(thread);
	does(other, sig.kill(pid_of(host), SIGUSR1));
	awaits(&shared()[0], 1);
	actor *first = shared()[1] == HOST ? host : thread;
	actor *second = first == host ? thread : host;
	gives(first, SIGUSR1);
	blocks(second);
	does(other, sig.kill(pid_of(host), SIGUSR1));
	gives(second, SIGUSR1);
	does_give(host, sig.pending(), NO_SIGNALS);
}

TEST(sig, signal_zero_asks_for_a_thread)
{
	cast_threads();
	does(thread, sig.thread_block(ALL_SIGNALS));
	does_give(host, sig.kill_thread("t", 0), 0);
	does_give(thread, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_thread_gets_no_such_signal)
{
	cast_threads();
	does(thread, sig.thread_block(ALL_SIGNALS));
	does_fail(host, sig.kill_thread("t", -1), EINVAL);
	does_fail(host, sig.kill_thread("t", 1000), EINVAL);
	does_give(thread, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_signal_to_a_thread_ends_the_process)
{
	cast_threads();
	begin(host, sig.pause());
	blocks(host);
	/* the sender may be stopped before its call returns */
	begin(thread, sig.kill_thread("h", SIGSTOP));
	is_stopped(host, 1);
	does(other, sig.kill(pid_of(host), SIGCONT));
	is_stopped(host, 0);
	succeeds(thread);
	begin(thread, sig.kill_thread("t", SIGTERM));
	is_killed_by(host, SIGTERM);
}

TEST(sig, a_child_of_a_thread_has_its_mask)
{
	cast_threads();
	does(host, sig.thread_block(SIGNALS(SIGUSR2)));
	does(thread, sig.thread_block(SIGNALS(SIGUSR1)));
	does(host, sig.kill_thread("t", SIGUSR1));
	actor *child = forks(thread, "child");
	does_give(child, sig.mask(), SIGNALS(SIGUSR1));
	does_give(child, sig.pending(), NO_SIGNALS);
	does_give(child, sig.parent(), pid_of(host));
}
