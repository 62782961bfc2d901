/* SPDX-License-Identifier: MIT */
/* Who waits for a record lock: whom an unlock lets in, what ends the wait, circles of waiters. */
#include "stage/story.h"

TEST(lock, unlocking_lets_all_readers_in)
{
	enum { READERS = 5 };
	actor *writer = cast("writer"), *reader[READERS];

	does(writer, lock.open("f", O_RDWR));
	for (int i = 0; i < READERS; i++)
		reader[i] = forks(writer, "reader");
	does(writer, lock.write("f", 0, 10));
	for (int i = 0; i < READERS; i++)
		begin(reader[i], lock.read_wait("f", i, 1));
	for (int i = 0; i < READERS; i++)
		blocks(reader[i]);
	does(writer, lock.clear("f", 0, 10));
	for (int i = 0; i < READERS; i++)
		succeeds(reader[i]);
}

/* Takes the byte, notes how many had it and lets it go again. */
static long long pass_through(const char *text, const long long *n)
{
	struct flock byte = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

	if (!impl->lock->fcntl)
		skip("no record locks");
	must_be(impl->lock->fcntl(handle_fd(text), F_SETLKW, &byte), 0);
	must_be(atomic_fetch_add(&shared()[0], 1), 0);
	atomic_fetch_add(&shared()[1], 1);
	atomic_fetch_sub(&shared()[0], 1);
	byte.l_type = F_UNLCK;
	must_be(impl->lock->fcntl(handle_fd(text), F_SETLK, &byte), 0);
	return n[0];
}

TEST(lock, unlocking_lets_one_writer_in)
{
	enum { WRITERS = 4 };
	actor *alice = cast("alice"), *writer[WRITERS];

	does(alice, lock.open("f", O_RDWR));
	for (int i = 0; i < WRITERS; i++)
		writer[i] = forks(alice, "writer");
	does(alice, lock.write("f", 0, 1));
	for (int i = 0; i < WRITERS; i++)
		begin(writer[i], call(pass_through, "f", 0, 0, 0));
	for (int i = 0; i < WRITERS; i++)
		blocks(writer[i]);
	does(alice, lock.clear("f", 0, 1));
	for (int i = 0; i < WRITERS; i++)
		succeeds(writer[i]);
	must_be(shared()[1], WRITERS);
}

TEST(lock, frozen_waiters_get_the_lock_when_thawed)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 1));
	begin(bob, lock.read_wait("f", 0, 1));
	begin(carol, lock.read_wait("f", 0, 1));
	blocks(bob);
	blocks(carol);
	freeze(bob);
	freeze(carol);
	does(alice, lock.clear("f", 0, 1));
	thaw(carol);
	succeeds(carol);
	thaw(bob);
	succeeds(bob);
}

TEST(lock, signal_ends_the_wait_for_a_record_lock)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, lock.read("f", 20, 1));
	does(alice, lock.write("f", 0, 10));
	begin(bob, lock.write_wait("f", 0, 10));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	does(alice, lock.clear("f", 0, 10));
	does_give(carol, lock.bars_writer("f", 0, 10), 0);
	does_give(carol, lock.bars_writer("f", 0, 0), pid_of(bob));
}

TEST(lock, restarting_signal_keeps_the_wait_for_a_record_lock)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(bob, sig.handle(SIGUSR1, SA_RESTART));
	does(alice, lock.write("f", 0, 10));
	begin(bob, lock.write_wait("f", 0, 10));
	blocks(bob);
	poke(bob, SIGUSR1);
	catches(bob, SIGUSR1, 1);
	blocks(bob);
	does(alice, lock.clear("f", 0, 10));
	succeeds(bob);
}

/* -- circles ---------------------------------------------------------------------------------- */

TEST(lock, deadlock_of_record_locks_is_refused)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 1));
	does(bob, lock.write("f", 1, 1));
	begin(alice, lock.write_wait("f", 1, 1));
	blocks(alice);
	does_fail(bob, lock.write_wait("f", 0, 1), EDEADLK);
	blocks(alice);
	does(bob, lock.clear("f", 1, 1));
	succeeds(alice);
}

TEST_VARIANT(lock, deadlock_of_record_locks_is_refused, three_in_a_circle_of_two_files)
{
	actor *alice = cast("alice");

	does(alice, lock.open("f", O_RDWR));
	does(alice, lock.open("g", O_RDWR));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(alice, lock.write("f", 0, 1));
	does(bob, lock.write("g", 0, 1));
	does(carol, lock.write("f", 7, 1));
	begin(alice, lock.read_wait("g", 0, 0));
	blocks(alice);
	begin(bob, lock.write_wait("f", 5, 5));
	blocks(bob);
	does_fail(carol, lock.read_wait("f", 0, 1), EDEADLK);
	does(carol, lock.clear("f", 7, 1));
	succeeds(bob);
	does(bob, lock.clear("g", 0, 1));
	succeeds(alice);
}

TEST_VARIANT(lock, deadlock_of_record_locks_is_refused, two_upgrades)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.read("f", 0, 1));
	does(bob, lock.read("f", 0, 1));
	begin(alice, lock.write_wait("f", 0, 1));
	blocks(alice);
	does_fail(bob, lock.write_wait("f", 0, 1), EDEADLK);
	does(bob, lock.clear("f", 0, 1));
	succeeds(alice);
}

TEST(lock, no_deadlock_is_seen_where_there_is_none)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 1));
	does(bob, lock.write("f", 1, 1));
	begin(bob, lock.write_wait("f", 0, 1));
	blocks(bob);
	begin(carol, lock.write_wait("f", 1, 1));
	blocks(carol);
	does_fail(alice, lock.write("f", 1, 1), EAGAIN);
	does(alice, lock.write_wait("f", 2, 1));
	does(alice, lock.clear("f", 0, 1));
	succeeds(bob);
	does(bob, lock.clear("f", 0, 0));
	succeeds(carol);
}
