/* SPDX-License-Identifier: MIT */
/* Signals as messages. */
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include "stage/story.h"

/* SFD_NONBLOCK and SFD_CLOEXEC have these values by definition. */
enum { NONBLOCK = O_NONBLOCK, CLOEXEC = O_CLOEXEC };

static actor *sender, *receiver;

static void cast_receiver(long long set, int flags)
{
	sender = cast("sender");
	receiver = cast("receiver");
	does(receiver, sig.block(set));
	does(receiver, sig.signalfd("s", set, flags));
}

TEST(sig, a_signalfd_gives_what_is_pending)
{
	cast_receiver(SIGNALS(SIGUSR1, SIGRTMIN), NONBLOCK);
	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	does(sender, sig.queue(pid_of(receiver), SIGRTMIN, 42));
	does(sender, sig.uid());
	long long user = outcome_of(sender)->value;
	does_give(receiver, sig.read_signalfd("s"), SIGUSR1);
	must_be(outcome_of(receiver)->n[INFO_CODE], SI_USER);
	must_be(outcome_of(receiver)->n[INFO_PID], pid_of(sender));
	must_be(outcome_of(receiver)->n[INFO_UID], user);
	does_give(receiver, sig.pending(), SIGNALS(SIGRTMIN));
	does_give(receiver, sig.read_signalfd("s"), SIGRTMIN);
	must_be(outcome_of(receiver)->n[INFO_CODE], SI_QUEUE);
	must_be(outcome_of(receiver)->n[INFO_PID], pid_of(sender));
	must_be(outcome_of(receiver)->n[INFO_UID], user);
	must_be(outcome_of(receiver)->n[INFO_VALUE], 42);
	does_give(receiver, sig.pending(), NO_SIGNALS);
}

TEST(sig, reading_a_signalfd_waits)
{
	cast_receiver(SIGNALS(SIGUSR1), 0);
	begin(receiver, sig.read_signalfd("s"));
	blocks(receiver);
	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	gives(receiver, SIGUSR1);
}

TEST_VARIANT(sig, reading_a_signalfd_waits, unless_it_may_not)
{
	cast_receiver(SIGNALS(SIGUSR1), NONBLOCK);
	does_fail(receiver, sig.read_signalfd("s"), EAGAIN);
	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	does_give(receiver, sig.read_signalfd("s"), SIGUSR1);
	does_fail(receiver, sig.read_signalfd("s"), EAGAIN);
}

TEST(sig, a_signalfd_is_readable_while_one_is_pending)
{
	cast_receiver(SIGNALS(SIGUSR1), 0);
	does_give(receiver, fd.poll("s", POLLIN, 0), 0);
	begin(receiver, fd.poll("s", POLLIN, -1));
	blocks(receiver);
	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	gives(receiver, POLLIN);
	does_give(receiver, fd.poll("s", POLLIN, 0), POLLIN);
	does_give(receiver, sig.read_signalfd("s"), SIGUSR1);
	does_give(receiver, fd.poll("s", POLLIN, 0), 0);
}

static long long reads_several(const char *text, const long long *n)
{
	struct signalfd_message messages[4];

	(void)n;
	if (!impl->sig->signalfd_read)
		skip("no signalfd");
	must_be(entry(sig, signalfd_read)(handle_fd(text), messages, 4), 3);
	must_be(messages[0].signo, SIGRTMIN);
	must_be(messages[0].value, 2);
	must_be(messages[1].signo, SIGRTMIN);
	must_be(messages[1].value, 3);
	must_be(messages[2].signo, SIGRTMIN + 1);
	must_be(messages[2].value, 1);
	return 0;
}

TEST(sig, a_signalfd_gives_several_at_once)
{
	cast_receiver(SIGNALS(SIGRTMIN, SIGRTMIN + 1), NONBLOCK);
	does(sender, sig.queue(pid_of(receiver), SIGRTMIN + 1, 1));
	does(sender, sig.queue(pid_of(receiver), SIGRTMIN, 2));
	does(sender, sig.queue(pid_of(receiver), SIGRTMIN, 3));
	does(receiver, call(reads_several, "s", 0, 0, 0));
	does_fail(receiver, sig.read_signalfd("s"), EAGAIN);
}

TEST(sig, a_signalfd_needs_room_for_one)
{
	cast_receiver(SIGNALS(SIGUSR1), NONBLOCK);
	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	does_fail(receiver, fd.read("s", 64), EINVAL);
	does_give(receiver, sig.read_signalfd("s"), SIGUSR1);
}

TEST(sig, a_signalfds_set_can_be_changed)
{
	cast_receiver(SIGNALS(SIGUSR1, SIGUSR2), NONBLOCK);
	does(receiver, sig.change_signalfd("s", SIGNALS(SIGUSR2)));
	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	does_fail(receiver, sig.read_signalfd("s"), EAGAIN);
	does(sender, sig.kill(pid_of(receiver), SIGUSR2));
	does_give(receiver, sig.read_signalfd("s"), SIGUSR2);
	does_give(receiver, sig.pending(), SIGNALS(SIGUSR1));
}

TEST(sig, a_childs_signalfd_gives_its_own_signals)
{
	cast_receiver(SIGNALS(SIGUSR1), NONBLOCK);
	actor *child = forks(receiver, "child");

	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	does_fail(child, sig.read_signalfd("s"), EAGAIN);
	does(sender, sig.kill(pid_of(child), SIGUSR1));
	does_give(child, sig.read_signalfd("s"), SIGUSR1);
	does_give(receiver, sig.read_signalfd("s"), SIGUSR1);
}

TEST(sig, a_signalfd_tells_of_children)
{
	cast_receiver(SIGNALS(SIGCHLD), 0);
	actor *child = forks(receiver, "child");

	exits(child, 5);
	does_give(receiver, sig.read_signalfd("s"), SIGCHLD);
	must_be(outcome_of(receiver)->n[INFO_CODE], CLD_EXITED);
	must_be(outcome_of(receiver)->n[INFO_PID], pid_of(child));
	must_be(outcome_of(receiver)->n[INFO_STATUS], 5);
	does_give(receiver, sig.reap(pid_of(child), 0), "exited 5");
}

TEST(sig, a_signalfd_is_closed_by_exec_if_so_made)
{
	cast_receiver(SIGNALS(SIGUSR1), CLOEXEC);
	does_give(receiver, fd.cloexec("s"), 1);
	does(receiver, sig.signalfd("open", SIGNALS(SIGUSR1), 0));
	does_give(receiver, fd.cloexec("open"), 0);
}

static long long changes_nothing(const char *text, const long long *n)
{
	sigset_t set;

	(void)text, (void)n;
	if (!impl->sig->signalfd)
		skip("no signalfd");
	entry(sig, sigemptyset)(&set);
	/* no process of a test has that many */
	return entry(sig, signalfd)(1000000, &set, 0);
}

TEST(sig, a_signalfd_needs_one_to_be_changed)
{
	cast_receiver(SIGNALS(SIGUSR1), NONBLOCK);
	does(receiver, pipes.make("p"));
	does_fail(receiver, sig.change_signalfd("p:r", SIGNALS(SIGUSR1)), EINVAL);
	does_fail(receiver, call(changes_nothing, "", 0, 0, 0), EBADF);
}

TEST(sig, a_signalfd_refuses_unknown_flags)
{
	cast_receiver(SIGNALS(SIGUSR1), NONBLOCK);
	does_fail(receiver, sig.signalfd("t", SIGNALS(SIGUSR1), 0x40000000), EINVAL);
}

TEST(sig, a_signalfd_does_not_hold_back_sigkill)
{
	cast_receiver(SIGNALS(SIGUSR1), 0);
	does(receiver, sig.change_signalfd("s", SIGNALS(SIGKILL, SIGSTOP, SIGUSR1)));
	begin(receiver, sig.read_signalfd("s"));
	blocks(receiver);
	does(sender, sig.kill(pid_of(receiver), SIGKILL));
	is_killed_by(receiver, SIGKILL);
}

TEST(sig, a_signal_is_read_from_one_signalfd)
{
	cast_receiver(SIGNALS(SIGUSR1, SIGUSR2), NONBLOCK);
	does(receiver, sig.signalfd("t", SIGNALS(SIGUSR1), NONBLOCK));
	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	does_give(receiver, fd.poll("s", POLLIN, 0), POLLIN);
	does_give(receiver, fd.poll("t", POLLIN, 0), POLLIN);
	does_give(receiver, sig.read_signalfd("t"), SIGUSR1);
	does_fail(receiver, sig.read_signalfd("s"), EAGAIN);
	does(sender, sig.kill(pid_of(receiver), SIGUSR2));
	does_give(receiver, fd.poll("t", POLLIN, 0), 0);
	does_give(receiver, sig.read_signalfd("s"), SIGUSR2);
}

TEST(sig, a_signalfd_survives_exec)
{
	cast_receiver(SIGNALS(SIGUSR1), NONBLOCK);
	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	execs(receiver);
	does_give(receiver, sig.read_signalfd("s"), SIGUSR1);
	must_be(outcome_of(receiver)->n[INFO_PID], pid_of(sender));
	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	does_give(receiver, sig.read_signalfd("s"), SIGUSR1);
}

TEST(sig, a_signalfd_gives_a_threads_signals_to_it)
{
	cast_receiver(SIGNALS(SIGUSR1, SIGUSR2), NONBLOCK);
	actor *thread = cast_thread(receiver, "thread");

	does(thread, sig.self("t"));
	does(receiver, sig.kill_thread("t", SIGUSR1));
	does_fail(receiver, sig.read_signalfd("s"), EAGAIN);
	does(sender, sig.kill(pid_of(receiver), SIGUSR2));
	does_give(thread, sig.read_signalfd("s"), SIGUSR1);
	does_give(thread, sig.read_signalfd("s"), SIGUSR2);
	does_fail(thread, sig.read_signalfd("s"), EAGAIN);
}

TEST(sig, a_signalfd_passed_on_gives_the_takers_signals)
{
	cast_receiver(SIGNALS(SIGUSR1), NONBLOCK);
	does(receiver, event.pair("p", SOCK_STREAM));
	actor *taker = forks(receiver, "taker");

	does(receiver, sig.signalfd("t", SIGNALS(SIGUSR1), NONBLOCK));
	does(receiver, sock.pass("p:w", "x", "t"));
	does(taker, sock.take("p:r", 1, "got", 1, 0));
	does(sender, sig.kill(pid_of(receiver), SIGUSR1));
	does_fail(taker, sig.read_signalfd("got"), EAGAIN);
	does(sender, sig.kill(pid_of(taker), SIGUSR1));
	does_give(taker, sig.read_signalfd("got"), SIGUSR1);
	does_give(receiver, sig.pending(), SIGNALS(SIGUSR1));
}

TEST(sig, a_signalfd_needs_a_free_descriptor)
{
	cast_receiver(SIGNALS(SIGUSR1), NONBLOCK);
	does(receiver, fd.leave_room(0));
	does_fail(receiver, sig.signalfd("t", SIGNALS(SIGUSR1), 0), EMFILE);
	/* to change one takes none */
	does(receiver, sig.change_signalfd("s", SIGNALS(SIGUSR2)));
	does(receiver, fd.leave_room(1));
	does(receiver, sig.signalfd("t", SIGNALS(SIGUSR1), 0));
}
