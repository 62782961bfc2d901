/* SPDX-License-Identifier: MIT */
/* Record locks of bytes: ranges, types, and who is told to be in the way. */
#include "stage/story.h"

/* The observer is told of this lock, and nothing else, as the first in the way of a writer. */
static void is_told(actor *observer, long long from, int type, long long start, long long length,
		    actor *holder)
{
	begin(observer, lock.bars_writer("f", from, 0));
	gives(observer, pid_of(holder));
	must_be(outcome_of(observer)->n[REGION_TYPE], type);
	must_be(outcome_of(observer)->n[REGION_WHENCE], SEEK_SET);
	must_be(outcome_of(observer)->n[REGION_START], start);
	must_be(outcome_of(observer)->n[REGION_LENGTH], length);
}

struct overlap {
	const char *name;
	long long start, length;
	bool overlaps;
};

static const struct overlap overlaps[] = {
	{"before", 0, 10, false},
	{"behind", 20, 10, false},
	{"far_behind", 1000, 0, false},
	{"same", 10, 10, true},
	{"first_byte", 0, 11, true},
	{"last_byte", 19, 1, true},
	{"inside", 14, 2, true},
	{"around", 0, 100, true},
	{"to_the_end", 0, 0, true},
	{"backwards", 11, -1, true},
	{"backwards_before", 10, -10, false},
};

TEST_EACH(lock, bytes_apart_do_not_exclude, overlaps)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 10, 10));
	if (row->overlaps)
		does_fail(bob, lock.read("f", row->start, row->length), EAGAIN);
	else
		does(bob, lock.write("f", row->start, row->length));
}

TEST(lock, length_zero_reaches_beyond_any_end)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	/* the greatest offset of 32 bits, which all have */
	const long long far = 0x7FFFFFFF;

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 10, 0));
	does_fail(bob, lock.read("f", far, 1), EAGAIN);
	does(bob, fd.write("f", "a longer file than it was before"));
	does_fail(bob, lock.read("f", 30, 1), EAGAIN);
	does(bob, lock.read("f", 0, 10));
	is_told(bob, 0, F_WRLCK, 10, 0, alice);
}

TEST(lock, negative_length_reaches_backwards)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 20, -10));
	does(bob, lock.write("f", 20, 1));
	does(bob, lock.write("f", 0, 10));
	is_told(bob, 0, F_WRLCK, 10, 10, alice);
	does_fail(bob, lock.write("f", 11, -1), EAGAIN);
}

struct whence {
	const char *name;
	int whence;
	long long start, locks;
};

static const struct whence whences[] = {
	{"from_the_beginning", SEEK_SET, 4, 4}, {"from_the_offset", SEEK_CUR, 4, 7},
	{"before_the_offset", SEEK_CUR, -2, 1}, {"from_the_end", SEEK_END, 4, 14},
	{"before_the_end", SEEK_END, -4, 6},
};

TEST_EACH(lock, start_counts_from_whence, whences)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, fd.write("f", "0123456789"));
	does(alice, fd.seek("f", 3));
	does(alice, lock.region("f", F_SETLK, F_WRLCK, row->whence, row->start, 2));
	is_told(bob, 0, F_WRLCK, row->locks, 2, alice);
	does(alice, lock.region("f", F_SETLK, F_UNLCK, row->whence, row->start, 2));
	does_give(bob, lock.bars_writer("f", 0, 0), 0);
}

TEST(lock, bytes_beyond_the_end_can_be_locked)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 1000000, 10));
	is_told(bob, 0, F_WRLCK, 1000000, 10, alice);
	does_give(bob, fd.read("f", 1), "");
}

TEST(lock, unlocking_the_middle_leaves_both_ends)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 10, 30));
	does(alice, lock.clear("f", 20, 10));
	is_told(bob, 0, F_WRLCK, 10, 10, alice);
	is_told(bob, 20, F_WRLCK, 30, 10, alice);
	does(bob, lock.write("f", 20, 10));
	does_fail(bob, lock.read("f", 19, 1), EAGAIN);
	does_fail(bob, lock.read("f", 30, 1), EAGAIN);
}

TEST_VARIANT(lock, unlocking_the_middle_leaves_both_ends, every_other_byte)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 20));
	for (int i = 1; i < 20; i += 2)
		does(alice, lock.clear("f", i, 1));
	for (int i = 0; i < 20; i++) {
		if (i % 2)
			does(bob, lock.write("f", i, 1));
		else
			does_fail(bob, lock.write("f", i, 1), EAGAIN);
	}
}

TEST(lock, neighbouring_locks_become_one)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 10, 10));
	does(alice, lock.write("f", 30, 10));
	is_told(bob, 0, F_WRLCK, 10, 10, alice);
	does(alice, lock.write("f", 20, 10));
	is_told(bob, 0, F_WRLCK, 10, 30, alice);
	does(alice, lock.write("f", 5, 20));
	is_told(bob, 0, F_WRLCK, 5, 35, alice);
	does(alice, lock.write("f", 0, 0));
	is_told(bob, 0, F_WRLCK, 0, 0, alice);
}

TEST(lock, new_type_replaces_the_old_one)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 30));
	does(alice, lock.read("f", 10, 10));
	is_told(bob, 0, F_WRLCK, 0, 10, alice);
	is_told(bob, 10, F_RDLCK, 10, 10, alice);
	is_told(bob, 20, F_WRLCK, 20, 10, alice);
	does(bob, lock.read("f", 10, 10));
	does_fail(alice, lock.write("f", 10, 1), EAGAIN);
	does(alice, lock.clear("f", 0, 30));
	does(bob, lock.write("f", 0, 30));
}

TEST(lock, freed_part_lets_in_who_needs_no_more)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(carol, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 0, 20));
	begin(bob, lock.write_wait("f", 0, 10));
	begin(carol, lock.write_wait("f", 10, 10));
	blocks(bob);
	blocks(carol);
	does(alice, lock.clear("f", 0, 15));
	succeeds(bob);
	blocks(carol);
	does(alice, lock.clear("f", 15, 5));
	succeeds(carol);
}

TEST(lock, downgrade_lets_readers_in)
{
	actor *alice = cast("alice");

	does(alice, lock.open("f", O_RDWR));
	actor *reader = forks(alice, "reader"), *other = forks(alice, "other"),
	      *writer = forks(alice, "writer");
	does(alice, lock.write("f", 0, 10));
	begin(reader, lock.read_wait("f", 0, 10));
	begin(other, lock.read_wait("f", 9, 1));
	blocks(reader);
	blocks(other);
	does(alice, lock.read("f", 0, 10));
	succeeds(reader);
	succeeds(other);
	does_fail(writer, lock.write("f", 0, 1), EAGAIN);
	is_told(writer, 0, F_RDLCK, 0, 10, alice);
}

TEST(lock, upgrade_waits_for_the_other_reader)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.read("f", 0, 10));
	does(bob, lock.read("f", 5, 10));
	does_fail(alice, lock.write("f", 0, 10), EAGAIN);
	does_fail(bob, lock.write("f", 0, 1), EAGAIN);
	does_fail(bob, lock.write("f", 9, 1), EAGAIN);
	does_give(bob, lock.bars_reader("f", 0, 10), 0);
	begin(alice, lock.write_wait("f", 0, 10));
	blocks(alice);
	does(bob, lock.clear("f", 0, 0));
	succeeds(alice);
	does_fail(bob, lock.read("f", 0, 1), EAGAIN);
	does_fail(bob, lock.read("f", 9, 1), EAGAIN);
}

TEST(lock, refused_lock_leaves_the_old_one)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 20, 10));
	does(bob, lock.read("f", 0, 5));
	does_fail(bob, lock.write("f", 0, 25), EAGAIN);
	is_told(alice, 0, F_RDLCK, 0, 5, bob);
	does_give(alice, lock.bars_writer("f", 5, 0), 0);
}

TEST(lock, test_tells_who_bars_the_lock)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *observer = cast("observer");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(observer, lock.open("f", O_RDWR));
	does(alice, lock.read("f", 100, 50));
	is_told(observer, 0, F_RDLCK, 100, 50, alice);
	is_told(observer, 149, F_RDLCK, 100, 50, alice);
	does(bob, lock.write("f", 200, 0));
	is_told(observer, 150, F_WRLCK, 200, 0, bob);
	does_give(observer, lock.bars_reader("f", 300, 10), pid_of(bob));
	is_told(bob, 0, F_RDLCK, 100, 50, alice);
}

static void changes_the_type_only(actor *a, op test)
{
	does_give(a, test, 0);
	must_be(outcome_of(a)->n[REGION_CHANGED], 0);
}

TEST(lock, test_of_a_free_range_changes_the_type_only)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.write("f", 100, 50));
	changes_the_type_only(bob, lock.bars_writer("f", 0, 100));
	changes_the_type_only(bob, lock.bars_reader("f", 150, 0));
	changes_the_type_only(bob, lock.bars_writer("f", 100, -1));
}

TEST(lock, own_locks_are_not_in_the_way)
{
	actor *alice = cast("alice");

	does(alice, lock.open("f", O_RDWR));
	does(alice, lock.open("f:2", O_RDWR));
	does(alice, lock.write("f", 0, 10));
	does_give(alice, lock.bars_writer("f", 0, 10), 0);
	does_give(alice, lock.bars_writer("f:2", 0, 10), 0);
	does(alice, lock.write("f:2", 5, 10));
	does(alice, lock.read_wait("f", 0, 20));
}

TEST(lock, reader_is_not_barred_by_readers)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, lock.read("f", 0, 10));
	does_give(bob, lock.bars_reader("f", 0, 10), 0);
	does_give(bob, lock.bars_writer("f", 0, 10), pid_of(alice));
}

struct beyond {
	const char *name;
	int whence;
	long long offset, start, length;
};

static const long long greatest = 0x7FFFFFFFFFFFFFFF;

static const struct beyond beyonds[] = {
	{"length", SEEK_SET, 0, 0x7FFFFFFFFFFFFFFF, 2},
	{"start", SEEK_CUR, 10, 0x7FFFFFFFFFFFFFFF, 1},
};

TEST_EACH(lock, range_beyond_the_greatest_offset_is_refused, beyonds)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	if (sizeof(off_t) != sizeof(greatest))
		skip("offsets have not 64 bits");
	does(alice, lock.open("f", O_RDWR));
	does(bob, lock.open("f", O_RDWR));
	does(alice, fd.seek("f", row->offset));
	does_fail(alice, lock.region("f", F_SETLK, F_WRLCK, row->whence, row->start, row->length),
		  EOVERFLOW);
	does_give(bob, lock.bars_writer("f", 0, 0), 0);
	/* while the last byte there can be is a byte like any other */
	does(alice, lock.write("f", greatest, 1));
	does_fail(bob, lock.write("f", greatest, 1), EAGAIN);
	does(bob, lock.write("f", greatest - 1, 1));
}
