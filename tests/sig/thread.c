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
	entry(sig, sigemptyset)(&set);
	entry(sig, sigaddset)(&set, SIGUSR1);
	must_be(entry(sig, sigwait)(&set, &signal), 0);
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
	/* the whole process may be stopped before the call is back */
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

TEST(sig, raise_signals_the_calling_thread)
{
	cast_threads();
	both_block(SIGNALS(SIGUSR1));
	does(thread, sig.raise(SIGUSR1));
	does_give(host, sig.pending(), NO_SIGNALS);
	does_give(thread, sig.pending(), SIGNALS(SIGUSR1));
}

TEST(sig, suspension_is_the_threads_own)
{
	cast_threads();
	both_block(SIGNALS(SIGUSR1));
	does(host, sig.handle(SIGUSR1, 0));
	begin(thread, sig.suspend(NO_SIGNALS));
	blocks(thread);
	does_give(host, sig.thread_mask(), SIGNALS(SIGUSR1));
	does(other, sig.kill(pid_of(host), SIGUSR1));
	fails(thread, EINTR);
	does_give(host, sig.caught_by(SIGUSR1), "thread");
	does_give(thread, sig.thread_mask(), SIGNALS(SIGUSR1));
}

TEST(sig, continuing_discards_stops_of_threads)
{
	cast_threads();
	both_block(SIGNALS(SIGTSTP, SIGUSR1));
	does(host, sig.kill_thread("t", SIGTSTP));
	does(host, sig.kill_thread("t", SIGUSR1));
	does_give(thread, sig.pending(), SIGNALS(SIGTSTP, SIGUSR1));
	does(other, sig.kill(pid_of(host), SIGCONT));
	does_give(thread, sig.pending(), SIGNALS(SIGUSR1));
}

TEST(sig, stopping_discards_continues_of_threads)
{
	cast_threads();
	both_block(SIGNALS(SIGCONT, SIGTSTP));
	does(host, sig.kill_thread("t", SIGCONT));
	does_give(thread, sig.pending(), SIGNALS(SIGCONT));
	does(other, sig.kill(pid_of(host), SIGTSTP));
	does_give(thread, sig.pending(), SIGNALS(SIGTSTP));
}

/* Takes one signal, with its value, which is counted in the shared words. */
static long long takes_one_value(const char *text, const long long *n)
{
	siginfo_t info;
	sigset_t set;

	(void)text, (void)n;
	entry(sig, sigemptyset)(&set);
	entry(sig, sigaddset)(&set, SIGRTMIN);
	/* Linux may wake more than one, and those in vain get EINTR */
	while (entry(sig, sigwaitinfo)(&set, &info) < 0)
		must_be(errno, EINTR);
	must(info.si_value.sival_int >= 0 && info.si_value.sival_int < SHARED_WORDS);
	shared()[info.si_value.sival_int]++;
	return 0;
}

TEST(sig, every_waiting_thread_takes_one)
{
	enum { WAITERS = 4 };
	actor *waiters[WAITERS];

	cast_threads();
	both_block(SIGNALS(SIGRTMIN));
	waiters[0] = host;
	waiters[1] = thread;
	waiters[2] = cast_thread(host, "third");
	waiters[3] = cast_thread(host, "fourth");
	for (int i = 0; i < WAITERS; i++)
		begin(waiters[i], call(takes_one_value, "", 0, 0, 0));
	for (int i = 0; i < WAITERS; i++)
		blocks(waiters[i]);
	freeze(host);
	for (int i = 0; i < WAITERS; i++)
		does(other, sig.queue(pid_of(host), SIGRTMIN, i));
	thaw(host);
	for (int i = 0; i < WAITERS; i++)
		succeeds(waiters[i]);
	for (int i = 0; i < WAITERS; i++)
		must_be(shared()[i], 1);
	does_give(host, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_thread_of_any_process_is_signalled_by_number)
{
	cast_threads();
	does(host, sig.handle(SIGUSR1, SA_SIGINFO));
	does(thread, sig.thread_number());
	does(other, sig.kill_thread_of(pid_of(host), outcome_of(thread)->value, SIGUSR1));
	catches(host, SIGUSR1, 1);
	does_give(host, sig.caught_by(SIGUSR1), "thread");
	does_give(host, sig.info(SIGUSR1), SIGUSR1);
	must_be(outcome_of(host)->n[INFO_CODE], SI_TKILL);
	must_be(outcome_of(host)->n[INFO_PID], pid_of(other));
}

TEST(sig, a_thread_is_found_in_its_process_only)
{
	cast_threads();
	does(thread, sig.thread_block(ALL_SIGNALS));
	does(thread, sig.thread_number());
	long long number = outcome_of(thread)->value;
	does_fail(other, sig.kill_thread_of(pid_of(other), number, SIGUSR1), ESRCH);
	does_fail(other, sig.kill_thread_of(pid_of(host), -1, SIGUSR1), EINVAL);
	does_fail(other, sig.kill_thread_of(pid_of(host), number, 1000), EINVAL);
	does_give(thread, sig.pending(), NO_SIGNALS);
}
