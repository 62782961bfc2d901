/* SPDX-License-Identifier: MIT */
/* Processes as descriptors. */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "stage/story.h"

static actor *parent, *child;

static void cast_family(void)
{
	parent = cast("parent");
	child = forks(parent, "child");
	does(parent, sig.pidfd("c", pid_of(child), 0));
}

TEST(sig, a_pidfd_signals_its_process)
{
	cast_family();
	does(child, sig.block(SIGNALS(SIGUSR1)));
	does(parent, sig.pidfd_send("c", SIGUSR1));
	does_give(child, sig.wait_info(SIGNALS(SIGUSR1)), SIGUSR1);
	must_be(outcome_of(child)->n[INFO_CODE], SI_USER);
	must_be(outcome_of(child)->n[INFO_PID], pid_of(parent));
	does_give(parent, sig.pidfd_send("c", 0), 0);
	does_give(child, sig.pending(), NO_SIGNALS);
	does(parent, sig.pidfd_send("c", SIGTERM));
	does_give(parent, sig.reap(pid_of(child), 0), "killed by SIGTERM");
}

TEST_VARIANT(sig, a_pidfd_signals_its_process, with_a_value)
{
	cast_family();
	does(child, sig.block(SIGNALS(SIGRTMIN)));
	for (int i = 1; i <= 2; i++)
		does(parent, sig.pidfd_queue("c", SIGRTMIN, i));
	for (int i = 1; i <= 2; i++) {
		does_give(child, sig.wait_info(SIGNALS(SIGRTMIN)), SIGRTMIN);
		must_be(outcome_of(child)->n[INFO_CODE], SI_QUEUE);
		must_be(outcome_of(child)->n[INFO_VALUE], i);
	}
}

TEST(sig, a_pidfd_needs_a_process)
{
	parent = cast("parent");
	child = forks(parent, "child");
	exits(child, 0);
	does(parent, sig.reap(pid_of(child), 0));
	does_fail(parent, sig.pidfd("c", pid_of(child), 0), ESRCH);
	does_fail(parent, sig.pidfd("c", 0, 0), EINVAL);
	does_fail(parent, sig.pidfd("c", -pid_of(parent), 0), EINVAL);
	does_fail(parent, sig.pidfd("c", pid_of(parent), 0x40000000), EINVAL);
}

TEST(sig, a_pidfd_is_never_somebody_elses)
{
	cast_family();
	exits(child, 0);
	does(parent, sig.reap(pid_of(child), 0));
	does_fail(parent, sig.pidfd_send("c", 0), ESRCH);
	does_fail(parent, sig.pidfd_send("c", SIGTERM), ESRCH);
}

TEST(sig, a_pidfd_can_be_had_of_a_zombie)
{
	cast_family();
	exits(child, 7);
	does(parent, sig.pidfd("again", pid_of(child), 0));
	does_give(parent, sig.pidfd_send("again", SIGKILL), 0);
	does_give(parent, sig.pidfd_send("c", SIGKILL), 0);
	does_give(parent, sig.reap(pid_of(child), 0), "exited 7");
}

TEST(sig, a_pidfd_is_readable_at_the_end)
{
	actor *boss = cast("boss");

	cast_family();
	does_give(parent, fd.poll("c", POLLIN, 0), 0);
	begin(parent, fd.poll("c", POLLIN, -1));
	blocks(parent);
	does(boss, sig.kill(pid_of(child), SIGSTOP));
	is_stopped(child, 1);
	blocks(parent);
	does(boss, sig.kill(pid_of(child), SIGKILL));
	gives(parent, POLLIN);
	does_give(parent, sig.reap_pidfd("c", WEXITED), "killed by SIGKILL");
}

TEST(sig, a_child_is_waited_for_by_pidfd)
{
	cast_family();
	actor *brother = forks(parent, "brother");

	does(brother, sig.pidfd("sibling", pid_of(child), 0));
	exits(child, 6);
	does_fail(brother, sig.reap_pidfd("sibling", WEXITED), ECHILD);
	does_give(parent, sig.reap_pidfd("c", WEXITED), "exited 6");
	must_be(outcome_of(parent)->n[INFO_PID], pid_of(child));
	must_be(outcome_of(parent)->n[INFO_STATUS], 6);
	does_fail(parent, sig.reap_pidfd("c", WEXITED), ECHILD);
	does_give(parent, sig.reap(pid_of(brother), WNOHANG), "nothing");
}

TEST(sig, a_pidfd_is_closed_by_exec)
{
	cast_family();
	does_give(parent, fd.cloexec("c"), 1);
}

TEST(sig, a_pidfd_serves_a_child_too)
{
	cast_family();
	actor *brother = forks(parent, "brother");

	does(child, sig.handle(SIGUSR1, SA_SIGINFO));
	does(brother, sig.pidfd_send("c", SIGUSR1));
	catches(child, SIGUSR1, 1);
	does_give(child, sig.info(SIGUSR1), SIGUSR1);
	must_be(outcome_of(child)->n[INFO_PID], pid_of(brother));
}

TEST(sig, what_is_no_pidfd_does_not_signal)
{
	parent = cast("parent");
	does(parent, pipes.make("p"));
	does_fail(parent, sig.pidfd_send("p:r", SIGUSR1), EBADF);
}

TEST(sig, a_pidfd_sends_no_such_signal)
{
	cast_family();
	does(child, sig.block(ALL_SIGNALS));
	does_fail(parent, sig.pidfd_send("c", -1), EINVAL);
	does_fail(parent, sig.pidfd_send("c", 1000), EINVAL);
	does_give(child, sig.pending(), NO_SIGNALS);
}

/* n: the code that the sender claims, the signal it says, flags; SIGRTMIN is what it sends. */
static long long forges(const char *text, const long long *n)
{
	siginfo_t info;

	if (!impl->sig->pidfd_send_signal)
		skip("no pidfd_send_signal");
	memset(&info, 0, sizeof(info));
	info.si_code = (int)n[0];
	info.si_signo = (int)n[1];
	info.si_pid = 1;
	return entry(sig, pidfd_send_signal)(handle_fd(text), SIGRTMIN, &info, (unsigned)n[2]);
}

TEST(sig, a_pidfd_sends_no_forged_signal)
{
	cast_family();
	does(child, sig.block(ALL_SIGNALS));
	/* as if the system had sent it, kill, or the process itself */
	does_fail(parent, call(forges, "c", SI_USER, SIGRTMIN, 0), EPERM);
	does_fail(parent, call(forges, "c", 0x80, SIGRTMIN, 0), EPERM);
	does_fail(parent, call(forges, "c", SI_TKILL, SIGRTMIN, 0), EPERM);
	does_give(child, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_pidfd_is_sent_by_without_unknown_flags)
{
	cast_family();
	does(child, sig.block(ALL_SIGNALS));
	does_fail(parent, call(forges, "c", SI_QUEUE, SIGRTMIN, 0x40000000), EINVAL);
	does_give(child, sig.pending(), NO_SIGNALS);
}

TEST(sig, a_nonblocking_pidfd_does_not_wait)
{
	enum { NONBLOCK = O_NONBLOCK }; /* PIDFD_NONBLOCK is that by definition */

	cast_family();
	begin(parent, sig.pidfd("n", pid_of(child), NONBLOCK));
	returns(parent);
	if (outcome_of(parent)->error == EINVAL)
		skip("PIDFD_NONBLOCK is not known here");
	does_fail(parent, sig.reap_pidfd("n", WEXITED), EAGAIN);
	exits(child, 4);
	does_give(parent, sig.reap_pidfd("n", WEXITED), "exited 4");
}

TEST(sig, a_pidfd_tells_strangers_of_the_end)
{
	actor *stranger = cast_stranger("stranger");

	cast_family();
	does(stranger, sig.pidfd("c", pid_of(child), 0));
	begin(stranger, fd.poll("c", POLLIN, -1));
	blocks(stranger);
	exits(child, 0);
	gives(stranger, POLLIN);
	/* nobody has waited for the child yet */
	does_give(parent, sig.reap(pid_of(child), 0), "exited 0");
	does_fail(stranger, sig.pidfd_send("c", 0), ESRCH);
}

TEST(sig, nothing_can_be_read_from_a_pidfd)
{
	cast_family();
	does_fail(parent, fd.read("c", 64), EINVAL);
}

TEST(sig, a_pidfd_is_passed_on)
{
	parent = cast("parent");
	does(parent, event.pair("s", SOCK_STREAM));
	child = forks(parent, "child");
	actor *third = forks(parent, "third");

	does(parent, sig.pidfd("c", pid_of(child), 0));
	does(parent, sock.pass("s:w", "x", "c"));
	does(third, sock.take("s:r", 1, "got", 1, 0));
	does(child, sig.block(SIGNALS(SIGUSR1)));
	does(parent, fd.close("c"));
	does(third, sig.pidfd_send("got", SIGUSR1));
	does_give(child, sig.wait_info(SIGNALS(SIGUSR1)), SIGUSR1);
	must_be(outcome_of(child)->n[INFO_PID], pid_of(third));
}

/* -- descriptors of other processes -------------------------------------------------------------
 */

static long long number_of(const char *text, const long long *n)
{
	(void)n;
	return handle_fd(text);
}

/* The child has a pipe that the parent hasn't; its number there. */
static long long cast_owner(void)
{
	cast_family();
	does(child, pipes.make("p"));
	does(child, call(number_of, "p:r", 0, 0, 0));
	return outcome_of(child)->value;
}

static void takes(long long number)
{
	begin(parent, sig.take_descriptor("c", (int)number, "taken"));
	returns(parent);
	if (outcome_of(parent)->error == EPERM)
		skip("not allowed to look into a child here");
	must_be(outcome_of(parent)->error, 0);
}

TEST(sig, a_descriptor_is_taken_from_a_process)
{
	takes(cast_owner());
	does(child, fd.write("p:w", "hello"));
	does_give(parent, fd.read("taken", 10), "hello");
	/* it is the same open file: flags are shared */
	does(parent, fd.set_flags("taken", O_NONBLOCK));
	does_give(child, fd.is_nonblocking("p:r"), 1);
	does_fail(child, fd.read("p:r", 1), EAGAIN);
}

TEST(sig, a_descriptor_taken_is_closed_by_exec)
{
	takes(cast_owner());
	does_give(parent, fd.cloexec("taken"), 1);
	does_give(child, fd.cloexec("p:r"), 0);
}

TEST(sig, a_descriptor_taken_keeps_the_file_open)
{
	takes(cast_owner());
	does(child, fd.write("p:w", "last"));
	exits(child, 0);
	does_give(parent, fd.read("taken", 10), "last");
	does_give(parent, fd.read("taken", 10), "");
}

TEST(sig, no_descriptor_is_taken_that_is_not_open)
{
	takes(cast_owner());
	does_fail(parent, sig.take_descriptor("c", 100000, "none"), EBADF);
	does_fail(parent, sig.take_descriptor("taken", 0, "none"), EBADF);
	exits(child, 0);
	does(parent, sig.reap(pid_of(child), 0));
	does_fail(parent, sig.take_descriptor("c", 0, "none"), ESRCH);
}

TEST(sig, a_pidfd_needs_a_free_descriptor)
{
	cast_family();
	does(parent, fd.leave_room(0));
	does_fail(parent, sig.pidfd("again", pid_of(child), 0), EMFILE);
	does(parent, fd.leave_room(1));
	does(parent, sig.pidfd("again", pid_of(child), 0));
}

TEST(sig, taking_a_descriptor_needs_a_free_one)
{
	long long number = cast_owner();

	takes(number);
	does(parent, fd.leave_room(0));
	does_fail(parent, sig.take_descriptor("c", (int)number, "more"), EMFILE);
	does(parent, fd.leave_room(1));
	does(parent, sig.take_descriptor("c", (int)number, "more"));
}
