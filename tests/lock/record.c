/* SPDX-License-Identifier: MIT */
/* A process's record locks: what they are for, what ends them, who inherits them, errors. */
#include "stage/story.h"

TEST(lock, write_lock_keeps_others_out)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 10));
	does_fail(bob, lock.write("f", 0, 10), EAGAIN);
	does_fail(bob, lock.read("f", 0, 10), EAGAIN);
	does(alice, lock.clear("f", 0, 10));
	does(bob, lock.write("f", 0, 10));
	does_fail(alice, lock.read("f", 0, 10), EAGAIN);
}

TEST(lock, read_locks_are_shared)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *writer = cast("writer");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(writer, lock.open("f", O_RDWR));
	does(alice, lock.read("f", 0, 10));
	does(bob, lock.read("f", 0, 10));
	does_fail(writer, lock.write("f", 0, 10), EAGAIN);
	does(alice, lock.clear("f", 0, 10));
	does_fail(writer, lock.write("f", 0, 10), EAGAIN);
	does(bob, lock.clear("f", 0, 10));
	does(writer, lock.write("f", 0, 10));
}

enum { ADDITIONS = 2000 };

/* Adds one so many times, by reading and then writing, each time under the write lock. */
static long long add_up(const char *text, const long long *n)
{
	struct flock whole = {.l_whence = SEEK_SET};
	_Atomic(unsigned long) *counter = shared();
	int file = handle_fd(text);

	if (!impl->lock->fcntl)
		skip("no record locks");
	atomic_fetch_add(&counter[1], 1);
	awaits(&counter[1], (uint64_t)n[1]);
	for (long long i = 0; i < n[0]; i++) {
		whole.l_type = F_WRLCK;
		must_be(impl->lock->fcntl(file, F_SETLKW, &whole), 0);
		uint64_t seen = *counter;
		*counter = seen + 1;
		whole.l_type = F_UNLCK;
		must_be(impl->lock->fcntl(file, F_SETLK, &whole), 0);
	}
	return 0;
}

TEST(lock, record_lock_keeps_one_holder_at_a_time)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	does(alice, lock.open("f", O_RDWR));
	actor *child = forks(alice, "child");
	does(bob, lock.open("f", O_RDWR));
	begin(alice, call(add_up, "f", ADDITIONS, 3, 0));
	begin(bob, call(add_up, "f", ADDITIONS, 3, 0));
	begin(child, call(add_up, "f", ADDITIONS, 3, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(child);
	must_be(shared()[0], 3 * ADDITIONS);
}

TEST(lock, strangers_exclude_each_other_by_path)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 0));
	does(bob, lock.open("f", O_RDWR));
	does_fail(bob, lock.read("f", 0, 1), EAGAIN);
	does_give(bob, lock.bars_reader("f", 0, 1), pid_of(alice));
	begin(bob, lock.write_wait("f", 0, 0));
	blocks(bob);
	does(alice, lock.clear("f", 0, 0));
	succeeds(bob);
}

TEST(lock, waiting_lock_waits_until_it_is_free)
{
	actor *alice = cast("alice"), *writer = cast("writer"), *reader = cast("reader");

	does(alice, lock.open("f", O_RDWR));
	does(writer, lock.open("f", O_RDWR));
	does(reader, lock.open("f", O_RDWR));
	does(alice, lock.read("f", 0, 10));
	does(reader, lock.read_wait("f", 0, 10));
	begin(writer, lock.write_wait("f", 0, 10));
	blocks(writer);
	does(alice, lock.clear("f", 0, 10));
	blocks(writer);
	does(reader, lock.clear("f", 0, 10));
	succeeds(writer);
	does_give(alice, lock.bars_reader("f", 0, 10), pid_of(writer));
}

TEST(lock, unlocking_lets_the_waiter_in)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 1));
	for (int i = 0; i < 3; i++) {
		begin(bob, lock.write_wait("f", 0, 1));
		blocks(bob);
		does(alice, lock.clear("f", 0, 1));
		succeeds(bob);
		begin(alice, lock.write_wait("f", 0, 1));
		blocks(alice);
		does(bob, lock.clear("f", 0, 1));
		succeeds(alice);
	}
}

TEST(lock, close_of_any_descriptor_drops_the_locks)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.open("f:other", O_RDONLY));
	does(alice, lock.write("f", 0, 10));
	does(alice, lock.read("f", 20, 10));
	begin(bob, lock.write_wait("f", 0, 0));
	blocks(bob);
	does(alice, fd.close("f:other"));
	succeeds(bob);
}

TEST_VARIANT(lock, close_of_any_descriptor_drops_the_locks, a_duplicate)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, fd.dup("f", "f:2"));
	does(alice, lock.write("f", 0, 10));
	does(alice, fd.close("f:2"));
	does(bob, lock.write("f", 0, 10));
}

TEST_VARIANT(lock, close_of_any_descriptor_drops_the_locks, replaced_by_dup2)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(alice, lock.open("f:2", O_RDONLY));
	does(alice, lock.open("g", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 10));
	does(alice, fd.dup_onto("g", "f:2"));
	does(bob, lock.write("f", 0, 10));
}

TEST(lock, close_of_another_file_keeps_the_locks)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(alice, lock.open("g", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 10));
	does(alice, lock.write("g", 0, 10));
	does(alice, fd.close("g"));
	does_give(bob, lock.bars_reader("f", 0, 10), pid_of(alice));
}

TEST(lock, exit_drops_the_locks)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 10));
	begin(bob, lock.write_wait("f", 0, 10));
	blocks(bob);
	exits(alice, 0);
	succeeds(bob);
}

TEST(lock, killed_holder_lets_the_waiter_in)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 10));
	begin(bob, lock.write_wait("f", 0, 5));
	begin(carol, lock.read_wait("f", 5, 5));
	blocks(bob);
	blocks(carol);
	dies(alice);
	succeeds(bob);
	succeeds(carol);
}

TEST_VARIANT(lock, killed_holder_lets_the_waiter_in, frozen)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 10));
	begin(bob, lock.write_wait("f", 0, 10));
	blocks(bob);
	freeze(alice);
	dies(alice);
	succeeds(bob);
}

TEST(lock, killed_waiter_leaves_no_lock)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 10));
	begin(bob, lock.write_wait("f", 0, 10));
	blocks(bob);
	dies(bob);
	does(alice, lock.clear("f", 0, 10));
	does_give(carol, lock.bars_writer("f", 0, 0), 0);
	does(carol, lock.write("f", 0, 10));
}

TEST(lock, child_inherits_no_record_lock)
{
	actor *parent = cast("parent");

	does(parent, lock.open("f", O_RDWR));
	does(parent, lock.write("f", 0, 10));
	actor *child = forks(parent, "child");
	does_fail(child, lock.write("f", 0, 10), EAGAIN);
	does_give(child, lock.bars_writer("f", 0, 10), pid_of(parent));
	begin(child, lock.write_wait("f", 0, 10));
	blocks(child);
	does(parent, lock.clear("f", 0, 10));
	succeeds(child);
}

TEST(lock, exit_of_the_child_keeps_the_parents_locks)
{
	actor *parent = cast("parent"), *bob = cast("bob");

	does(parent, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(parent, lock.write("f", 0, 10));
	actor *child = forks(parent, "child"), *other = forks(parent, "other");
	does(child, fd.close("f"));
	does_give(bob, lock.bars_writer("f", 0, 10), pid_of(parent));
	exits(other, 0);
	does_give(bob, lock.bars_writer("f", 0, 10), pid_of(parent));
}

TEST(lock, record_locks_outlive_exec)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 10));
	execs(alice);
	does_fail(bob, lock.write("f", 0, 10), EAGAIN);
	does(alice, lock.clear("f", 0, 10));
	does(bob, lock.write("f", 0, 10));
}

TEST_VARIANT(lock, record_locks_outlive_exec, not_if_closed)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR | O_CLOEXEC));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 10));
	begin(bob, lock.write_wait("f", 0, 10));
	blocks(bob);
	execs(alice);
	succeeds(bob);
}

TEST(lock, threads_share_the_record_locks)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	actor *thread = cast_thread(alice, "thread");
	does(alice, lock.write("f", 0, 10));
	does(thread, lock.write("f", 0, 10));
	does_give(bob, lock.bars_writer("f", 0, 10), pid_of(alice));
	does(thread, lock.clear("f", 0, 10));
	does(bob, lock.write("f", 0, 10));
}

/* -- errors ----------------------------------------------------------------------------------- */

TEST(lock, record_lock_needs_the_access_it_asks_for)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f:r", O_RDONLY));
	does(alice, lock.open("f:w", O_WRONLY));
	does(bob, lock.open("f", O_RDWR));
	does_fail(alice, lock.write("f:r", 0, 1), EBADF);
	does_fail(alice, lock.read("f:w", 0, 1), EBADF);
	does_fail(alice, lock.write_wait("f:r", 0, 1), EBADF);
	does_fail(alice, lock.read_wait("f:w", 0, 1), EBADF);
	does_give(bob, lock.bars_writer("f", 0, 0), 0);
	does(alice, lock.read("f:r", 0, 1));
	does(alice, lock.write("f:w", 1, 1));
}

struct nonsense {
	const char *name;
	int type, whence;
	long long start, length;
};

static const struct nonsense nonsense[] = {
	{"type", 77, SEEK_SET, 0, 1},
	{"whence", F_WRLCK, 77, 0, 1},
	{"start", F_WRLCK, SEEK_SET, -1, 1},
	{"length", F_WRLCK, SEEK_SET, 5, -6},
	{"start_from_end", F_WRLCK, SEEK_END, -11, 1},
	{"start_from_offset", F_RDLCK, SEEK_CUR, -4, 1},
};

TEST_EACH(lock, nonsense_is_refused, nonsense)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, fd.write("f", "0123456789"));
	does(alice, fd.seek("f", 3));
	does_fail(alice, lock.region("f", F_SETLK, row->type, row->whence, row->start, row->length),
		  EINVAL);
	does_give(bob, lock.bars_writer("f", 0, 0), 0);
}

TEST(lock, closed_descriptor_can_not_lock)
{
	actor *alice = cast("alice");

	does(alice, lock.open("f", O_RDWR));
	does(alice, fd.close("f"));
	does_fail(alice, lock.read("f", 0, 1), EBADF);
	does_fail(alice, lock.write_wait("f", 0, 1), EBADF);
	does_fail(alice, lock.clear("f", 0, 1), EBADF);
	does_fail(alice, lock.bars_writer("f", 0, 1), EBADF);
	does_fail(alice, lock.lockf("f", F_TLOCK, 0), EBADF);
}

TEST(lock, lock_belongs_to_the_file_not_its_name)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 1));
	does(alice, lock.unlink("f"));
	does_fail(bob, lock.write("f", 0, 1), EAGAIN);
	does(bob, lock.open("f:new", O_RDWR));
	does(bob, lock.write("f:new", 0, 1));
	does(bob, fd.close("f:new"));
	does_give(bob, lock.bars_writer("f", 0, 1), pid_of(alice));
}

/* -- what they do not do ---------------------------------------------------------------------- */

TEST(lock, record_locks_are_advisory)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 0));
	does_give(bob, fd.pwrite("f", "past the lock", 0), 13);
	does_give(bob, fd.pread("f", 100, 0), "past the lock");
	does_give(alice, fd.pread("f", 100, 0), "past the lock");
	does_fail(bob, lock.read("f", 0, 1), EAGAIN);
}

TEST(lock, passed_descriptor_brings_no_record_lock)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	actor *bob = forks(alice, "bob"), *carol = cast("carol");
	does(alice, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 10));
	does(alice, sock.pass("s:a", "f", "f"));
	does_give(bob, sock.take("s:b", 10, "f:got", 1, 0), "f");
	does_fail(bob, lock.write("f:got", 0, 10), EAGAIN);
	does(bob, lock.clear("f:got", 0, 10));
	does(bob, fd.close("f:got"));
	does_give(carol, lock.bars_writer("f", 0, 10), pid_of(alice));
	dies(alice);
	does(carol, lock.write("f", 0, 10));
}
