/* SPDX-License-Identifier: MIT */
/* Locks that an open file description has: F_OFD_SETLK. */
#include "stage/story.h"

/* -- OFD locks -------------------------------------------------------------------------------- */

static void opens(actor *a, int flags)
{
	does(a, lock.open("f", flags));
	begin(a, lock.ofd_bars_writer("f", 0, 0));
	returns(a);
	if (outcome_of(a)->error == EINVAL)
		skip("locks of open file descriptions are not known here");
	must_be(outcome_of(a)->value, 0);
}

TEST(lock, ofd_lock_keeps_others_out)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	opens(alice, O_RDWR);
	does(alice, lock.open("f:2", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	does_fail(bob, lock.ofd_read("f", 0, 10), EAGAIN);
	does_fail(alice, lock.ofd_read("f:2", 9, 1), EAGAIN);
	does(alice, lock.ofd_read("f:2", 10, 10));
	does(bob, lock.ofd_read("f", 10, 10));
	does_fail(alice, lock.ofd_write("f", 0, 11), EAGAIN);
	does(alice, lock.ofd_clear("f", 0, 10));
	does(alice, lock.ofd_write("f:2", 0, 5));
	does(bob, lock.ofd_write("f", 5, 5));
}

TEST_VARIANT(lock, ofd_lock_keeps_others_out, threads)
{
	actor *alice = cast("alice");

	opens(alice, O_RDWR);
	does(alice, lock.open("f:thread", O_RDWR));
	actor *thread = cast_thread(alice, "thread");
	does(alice, lock.ofd_write("f", 0, 0));
	does_fail(thread, lock.ofd_write("f:thread", 0, 1), EAGAIN);
	begin(thread, lock.ofd_write_wait("f:thread", 0, 1));
	blocks(thread);
	does(alice, lock.ofd_clear("f", 0, 0));
	succeeds(thread);
	does_fail(alice, lock.ofd_read("f", 0, 0), EAGAIN);
}

TEST(lock, ofd_lock_is_shared_with_child_and_duplicate)
{
	actor *parent = cast("parent"), *bob = cast("bob");

	opens(parent, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(parent, lock.ofd_write("f", 0, 10));
	does(parent, fd.dup("f", "f:2"));
	actor *child = forks(parent, "child");
	does(child, lock.ofd_write("f", 0, 10));
	does(parent, lock.ofd_write("f:2", 0, 10));
	does_fail(bob, lock.ofd_write("f", 0, 10), EAGAIN);
	does(child, lock.ofd_clear("f", 0, 10));
	does(bob, lock.ofd_write("f", 0, 10));
	does_fail(parent, lock.ofd_write("f", 0, 10), EAGAIN);
}

TEST(lock, ofd_lock_goes_with_the_last_descriptor)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(alice, lock.open("f:other", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	does(alice, fd.dup("f", "f:2"));
	does(alice, fd.close("f:other"));
	does_fail(bob, lock.ofd_write("f", 0, 10), EAGAIN);
	does(alice, fd.close("f"));
	begin(bob, lock.ofd_write_wait("f", 0, 10));
	blocks(bob);
	does(alice, fd.close("f:2"));
	succeeds(bob);
}

TEST(lock, ofd_lock_goes_with_its_processes)
{
	actor *parent = cast("parent"), *bob = cast("bob");

	opens(parent, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(parent, lock.ofd_write("f", 0, 10));
	actor *child = forks(parent, "child");
	begin(bob, lock.ofd_write_wait("f", 0, 10));
	blocks(bob);
	dies(child);
	blocks(bob);
	dies(parent);
	succeeds(bob);
}

TEST(lock, ofd_lock_outlives_exec)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	execs(alice);
	does_fail(bob, lock.ofd_write("f", 0, 10), EAGAIN);
	does(alice, lock.ofd_clear("f", 0, 0));
	does(bob, lock.ofd_write("f", 0, 10));
}

TEST_VARIANT(lock, ofd_lock_outlives_exec, not_if_closed)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR | O_CLOEXEC);
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	execs(alice);
	does(bob, lock.ofd_write("f", 0, 10));
}

TEST(lock, ofd_waits)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	begin(bob, lock.ofd_read_wait("f", 0, 10));
	begin(carol, lock.ofd_read_wait("f", 0, 1));
	blocks(bob);
	blocks(carol);
	freeze(bob);
	does(alice, lock.ofd_clear("f", 0, 10));
	succeeds(carol);
	thaw(bob);
	succeeds(bob);
}

TEST_VARIANT(lock, ofd_waits, interrupted)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(bob, sig.handle(SIGUSR1, 0));
	does(alice, lock.ofd_write("f", 0, 10));
	begin(bob, lock.ofd_write_wait("f", 0, 10));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	does(alice, lock.ofd_clear("f", 0, 10));
	does_give(alice, lock.ofd_bars_writer("f", 0, 0), 0);
}

TEST(lock, ofd_and_process_locks_exclude)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	does_fail(bob, lock.read("f", 0, 10), EAGAIN);
	does_fail(alice, lock.read("f", 0, 10), EAGAIN);
	does(bob, lock.write("f", 10, 10));
	does_fail(alice, lock.ofd_write("f", 0, 20), EAGAIN);
	does(alice, lock.ofd_clear("f", 0, 10));
	does(alice, lock.write("f", 0, 10));
	does_fail(alice, lock.ofd_read("f", 0, 10), EAGAIN);
}

TEST(lock, ofd_holder_has_no_process)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_read("f", 5, 10));
	does(bob, lock.ofd_bars_writer("f", 0, 0));
	must_be(outcome_of(bob)->n[REGION_TYPE], F_RDLCK);
	must_be(outcome_of(bob)->n[REGION_WHENCE], SEEK_SET);
	must_be(outcome_of(bob)->n[REGION_START], 5);
	must_be(outcome_of(bob)->n[REGION_LENGTH], 10);
	must_be(outcome_of(bob)->n[REGION_PID], -1);
	does_give(alice, lock.ofd_bars_writer("f", 0, 0), 0);
	/* to who asks for a process's lock the number is told the same way */
	begin(bob, lock.bars_writer("f", 0, 0));
	returns(bob);
	must_be(outcome_of(bob)->error, 0);
	must_be(outcome_of(bob)->n[REGION_PID], -1);
}

TEST(lock, ofd_lock_takes_no_process)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does_fail(alice, lock.ofd_write_as("f", pid_of(alice)), EINVAL);
	does(bob, lock.ofd_write("f", 0, 0));
}

TEST(lock, ofd_has_no_deadlock_detection)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 1));
	does(bob, lock.ofd_write("f", 1, 1));
	begin(alice, lock.ofd_write_wait("f", 1, 1));
	blocks(alice);
	begin(bob, lock.ofd_write_wait("f", 0, 1));
	blocks(bob);
	dies(bob);
	succeeds(alice);
}

TEST(lock, ofd_read_locks_are_shared)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(alice, lock.open("f:2", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_read("f", 0, 10));
	does(alice, lock.ofd_read("f:2", 0, 10));
	does(bob, lock.ofd_read("f", 0, 10));
	does(alice, fd.close("f:2"));
	does_fail(bob, lock.ofd_write("f", 0, 10), EAGAIN);
	does(alice, lock.ofd_clear("f", 0, 10));
	does(bob, lock.ofd_write("f", 0, 10));
}

TEST(lock, ofd_unlocking_lets_all_readers_in)
{
	enum { READERS = 3 };
	actor *alice = cast("alice"), *reader[READERS];

	opens(alice, O_RDWR);
	does(alice, lock.ofd_write("f", 0, 0));
	for (int i = 0; i < READERS; i++) {
		reader[i] = cast("reader");
		does(reader[i], lock.open("f", O_RDWR));
		begin(reader[i], lock.ofd_read_wait("f", 0, 1));
	}
	for (int i = 0; i < READERS; i++)
		blocks(reader[i]);
	freeze(reader[0]);
	does(alice, lock.ofd_clear("f", 0, 0));
	for (int i = 1; i < READERS; i++)
		succeeds(reader[i]);
	thaw(reader[0]);
	succeeds(reader[0]);
}

TEST(lock, ofd_killed_waiter_leaves_no_lock)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	begin(bob, lock.ofd_write_wait("f", 0, 10));
	blocks(bob);
	begin(carol, lock.ofd_write_wait("f", 0, 10));
	blocks(carol);
	dies(bob);
	does(alice, lock.ofd_clear("f", 0, 10));
	succeeds(carol);
}

TEST(lock, ofd_unlocking_the_middle_leaves_both_ends)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	opens(alice, O_RDWR);
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 30));
	does(alice, lock.ofd_read("f", 0, 5));
	does(alice, lock.ofd_clear("f", 10, 10));
	does(bob, lock.ofd_write("f", 10, 10));
	does(bob, lock.ofd_read("f", 0, 5));
	does_fail(bob, lock.ofd_read("f", 5, 5), EAGAIN);
	does_fail(bob, lock.ofd_read("f", 20, 1), EAGAIN);
}

TEST(lock, ofd_lock_travels_with_its_descriptor)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	actor *bob = forks(alice, "bob"), *carol = cast("carol");
	opens(alice, O_RDWR);
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.ofd_write("f", 0, 10));
	does(alice, sock.pass("s:a", "f", "f"));
	dies(alice);
	/* in flight nobody has it, and it is locked all the same */
	does_fail(carol, lock.ofd_write("f", 0, 10), EAGAIN);
	does_give(bob, sock.take("s:b", 10, "f:got", 1, 0), "f");
	does(bob, lock.ofd_write("f:got", 0, 10));
	begin(carol, lock.ofd_write_wait("f", 0, 10));
	blocks(carol);
	does(bob, fd.close("f:got"));
	succeeds(carol);
}
