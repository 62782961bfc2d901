/* SPDX-License-Identifier: MIT */
/* Record locks by lockf. */
#include "stage/story.h"

static void both_open(actor *alice, actor *bob)
{
	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
}

TEST(lock, lockf_keeps_others_out)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	both_open(alice, bob);
	does(alice, fd.seek("f", 10));
	does(alice, lock.lockf("f", F_LOCK, 10));
	does(bob, lock.lockf("f", F_TEST, 10));
	does_fail(bob, lock.lockf("f", F_TEST, 11), EAGAIN);
	does_fail(bob, lock.lockf("f", F_TLOCK, 0), EAGAIN);
	does(alice, lock.lockf("f", F_TEST, 10));
	does(bob, fd.seek("f", 20));
	does(bob, lock.lockf("f", F_TLOCK, 0));
	does_fail(bob, lock.lockf("f", F_TEST, -1), EAGAIN);
	does(alice, lock.lockf("f", F_ULOCK, 10));
	does(bob, lock.lockf("f", F_TEST, -10));
}

TEST(lock, lockf_waits)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	both_open(alice, bob);
	does(alice, lock.lockf("f", F_LOCK, 0));
	begin(bob, lock.lockf("f", F_LOCK, 10));
	blocks(bob);
	does(alice, lock.lockf("f", F_ULOCK, 0));
	succeeds(bob);
	does_fail(alice, lock.lockf("f", F_TLOCK, 0), EAGAIN);
}

TEST(lock, lockf_and_record_locks_are_one)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	both_open(alice, bob);
	does(alice, lock.lockf("f", F_LOCK, 10));
	does_give(bob, lock.bars_reader("f", 0, 10), pid_of(alice));
	must_be(outcome_of(bob)->n[REGION_TYPE], F_WRLCK);
	does(bob, lock.read("f", 10, 10));
	does_fail(alice, lock.lockf("f", F_TLOCK, 11), EAGAIN);
}

/* -- sections --------------------------------------------------------------------------------- */

struct section {
	const char *name;
	long long offset, size, from, length; /* from offset so many, hence these bytes */
};

static const struct section sections[] = {
	{"forwards", 10, 10, 10, 10},
	{"backwards", 20, -10, 10, 10},
	{"to_the_end", 10, 0, 10, 0},
	{"one_byte_back", 11, -1, 10, 1},
};

TEST_EACH(lock, lockf_section_counts_from_the_offset, sections)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	both_open(alice, bob);
	does(alice, fd.seek("f", row->offset));
	does(alice, lock.lockf("f", F_TLOCK, row->size));
	does_give(bob, lock.bars_reader("f", 0, 0), pid_of(alice));
	must_be(outcome_of(bob)->n[REGION_START], row->from);
	must_be(outcome_of(bob)->n[REGION_LENGTH], row->length);
	does(alice, lock.lockf("f", F_ULOCK, row->size));
	does_give(bob, lock.bars_writer("f", 0, 0), 0);
}

TEST(lock, lockf_unlocks_a_part)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	both_open(alice, bob);
	does(alice, lock.lockf("f", F_LOCK, 30));
	does(alice, fd.seek("f", 10));
	does(alice, lock.lockf("f", F_ULOCK, 10));
	does(bob, lock.write("f", 10, 10));
	does_fail(bob, lock.write("f", 9, 1), EAGAIN);
	does_fail(bob, lock.write("f", 20, 1), EAGAIN);
}

TEST(lock, lockf_refuses_to_lock_what_can_not_be_written)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	both_open(alice, bob);
	does(alice, lock.open("f:r", O_RDONLY));
	does_fail(alice, lock.lockf("f:r", F_LOCK, 10), EBADF);
	does_fail(alice, lock.lockf("f:r", F_TLOCK, 10), EBADF);
	does_give(bob, lock.bars_writer("f", 0, 0), 0);
	does(alice, fd.close("f"));
	does_fail(alice, lock.lockf("f", F_LOCK, 10), EBADF);
	does_fail(alice, lock.lockf("f", F_ULOCK, 10), EBADF);
	does_fail(alice, lock.lockf("f", F_TEST, 10), EBADF);
}

TEST(lock, lockf_refuses_nonsense)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	both_open(alice, bob);
	does_fail(alice, lock.lockf("f", 99, 10), EINVAL);
	does_fail(alice, lock.lockf("f", F_LOCK, -1), EINVAL);
	does(alice, fd.seek("f", 5));
	does_fail(alice, lock.lockf("f", F_TLOCK, -6), EINVAL);
	does_give(bob, lock.bars_writer("f", 0, 0), 0);
}

/* -- waiting ---------------------------------------------------------------------------------- */

TEST(lock, lockf_is_interrupted)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	both_open(alice, bob);
	does(bob, sig.handle(SIGUSR1, 0));
	does(alice, lock.lockf("f", F_LOCK, 10));
	begin(bob, lock.lockf("f", F_LOCK, 20));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	must_be(caught(bob, SIGUSR1), 1);
	does(alice, lock.lockf("f", F_TLOCK, 0));
	does(bob, sig.handle(SIGUSR1, SA_RESTART));
	begin(bob, lock.lockf("f", F_LOCK, 20));
	blocks(bob);
	poke(bob, SIGUSR1);
	catches(bob, SIGUSR1, 2);
	blocks(bob);
	does(alice, lock.lockf("f", F_ULOCK, 0));
	succeeds(bob);
}

TEST(lock, deadlock_of_lockf_is_refused)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	both_open(alice, bob);
	does(alice, lock.lockf("f", F_LOCK, 1));
	does(bob, fd.seek("f", 1));
	does(bob, lock.lockf("f", F_LOCK, 1));
	does(bob, fd.seek("f", 0));
	begin(bob, lock.lockf("f", F_LOCK, 1));
	blocks(bob);
	does(alice, fd.seek("f", 1));
	does_fail(alice, lock.lockf("f", F_LOCK, 1), EDEADLK);
	blocks(bob);
	does(alice, fd.seek("f", 0));
	does(alice, lock.lockf("f", F_ULOCK, 1));
	succeeds(bob);
}

/* -- ends ------------------------------------------------------------------------------------- */

static const struct end {
	const char *name;
	bool close, dies;
} ends[] = {{"closed", true, false}, {"killed", false, true}, {"exited", false, false}};

TEST_EACH(lock, lockf_section_goes_with_its_process, ends)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	both_open(alice, bob);
	does(alice, lock.open("f:2", O_RDONLY));
	does(alice, lock.lockf("f", F_LOCK, 0));
	begin(bob, lock.lockf("f", F_LOCK, 10));
	blocks(bob);
	if (row->close)
		does(alice, fd.close("f:2"));
	else if (row->dies)
		dies(alice);
	else
		exits(alice, 0);
	succeeds(bob);
}

TEST(lock, child_inherits_no_lockf_section)
{
	actor *parent = cast("parent"), *bob = cast("bob");

	both_open(parent, bob);
	does(parent, lock.lockf("f", F_LOCK, 10));
	actor *child = forks(parent, "child");
	does_fail(child, lock.lockf("f", F_TLOCK, 10), EAGAIN);
	does(child, lock.lockf("f", F_ULOCK, 10));
	dies(child);
	does_fail(bob, lock.lockf("f", F_TEST, 1), EAGAIN);
}
