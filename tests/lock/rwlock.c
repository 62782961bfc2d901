/* SPDX-License-Identifier: MIT */
/* Read-write locks in shared memory. */
#include "stage/story.h"

/* A page: the lock, and two numbers that are always the same under it. */
struct picture {
	pthread_rwlock_t rwlock;
	volatile unsigned long left, right;
};

/* Changes both numbers so many times, as a writer. */
static long long paint(const char *text, const long long *n)
{
	struct picture *picture = handle_pointer(text);

	atomic_fetch_add(&shared()[0], 1);
	awaits(&shared()[0], (uint64_t)n[1]);
	for (long long i = 0; i < n[0]; i++) {
		must_be(impl->lock->pthread_rwlock_wrlock(&picture->rwlock), 0);
		picture->left++;
		picture->right++;
		must_be(impl->lock->pthread_rwlock_unlock(&picture->rwlock), 0);
	}
	return 0;
}

/* Looks at both so many times, as a reader. */
static long long look(const char *text, const long long *n)
{
	struct picture *picture = handle_pointer(text);

	atomic_fetch_add(&shared()[0], 1);
	awaits(&shared()[0], (uint64_t)n[1]);
	for (long long i = 0; i < n[0]; i++) {
		must_be(impl->lock->pthread_rwlock_rdlock(&picture->rwlock), 0);
		unsigned long left = picture->left;
		must_be(picture->right, left);
		must_be(impl->lock->pthread_rwlock_unlock(&picture->rwlock), 0);
	}
	return 0;
}

static long long left_of(const char *text, const long long *n)
{
	(void)n;
	return (long long)((struct picture *)handle_pointer(text))->left;
}

static actor *with_rwlock(const char *name)
{
	actor *a = cast(name);

	does(a, lock.make_rwlock("r", 1));
	return a;
}

TEST(lock, readers_share_the_rwlock)
{
	actor *alice = with_rwlock("alice");
	actor *bob = forks(alice, "bob"), *writer = forks(alice, "writer");

	does(alice, lock.rdlock("r"));
	does(bob, lock.rdlock("r"));
	does_fail(writer, lock.trywrlock("r"), EBUSY);
	does(alice, lock.rwlock_unlock("r"));
	does_fail(writer, lock.trywrlock("r"), EBUSY);
	does(alice, lock.tryrdlock("r"));
	does(alice, lock.rwlock_unlock("r"));
	does(bob, lock.rwlock_unlock("r"));
	does(writer, lock.trywrlock("r"));
}

TEST_VARIANT(lock, readers_share_the_rwlock, threads)
{
	actor *alice = cast("alice");

	does(alice, lock.make_rwlock("r", 0));
	actor *thread = cast_thread(alice, "thread");
	does(alice, lock.rdlock("r"));
	does(thread, lock.rdlock("r"));
	does(alice, lock.rwlock_unlock("r"));
	does_fail(alice, lock.trywrlock("r"), EBUSY);
	begin(alice, lock.wrlock("r"));
	blocks(alice);
	does(thread, lock.rwlock_unlock("r"));
	succeeds(alice);
	does_fail(thread, lock.tryrdlock("r"), EBUSY);
}

TEST(lock, writer_has_the_rwlock_alone)
{
	actor *alice = with_rwlock("alice"), *bob = forks(alice, "bob");

	does(alice, lock.wrlock("r"));
	does_fail(bob, lock.tryrdlock("r"), EBUSY);
	does_fail(bob, lock.trywrlock("r"), EBUSY);
	begin(bob, lock.wrlock("r"));
	blocks(bob);
	does(alice, lock.rwlock_unlock("r"));
	succeeds(bob);
	begin(alice, lock.rdlock("r"));
	blocks(alice);
	does(bob, lock.rwlock_unlock("r"));
	succeeds(alice);
	does_fail(bob, lock.trywrlock("r"), EBUSY);
}

TEST(lock, rwlock_keeps_the_picture_whole)
{
	enum { CHANGES = 3000 };
	actor *alice = with_rwlock("alice");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol"),
	      *dave = forks(alice, "dave");

	begin(alice, call(paint, "r", CHANGES, 4, 0));
	begin(bob, call(look, "r", CHANGES, 4, 0));
	begin(carol, call(paint, "r", CHANGES, 4, 0));
	begin(dave, call(look, "r", CHANGES, 4, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
	succeeds(dave);
	does_give(bob, call(left_of, "r", 0, 0, 0), 2 * CHANGES);
}

TEST(lock, writers_unlock_lets_all_readers_in)
{
	enum { READERS = 4 };
	actor *writer = with_rwlock("writer"), *reader[READERS];

	for (int i = 0; i < READERS; i++)
		reader[i] = forks(writer, "reader");
	does(writer, lock.wrlock("r"));
	for (int i = 0; i < READERS; i++)
		begin(reader[i], lock.rdlock("r"));
	for (int i = 0; i < READERS; i++)
		blocks(reader[i]);
	freeze(reader[0]);
	does(writer, lock.rwlock_unlock("r"));
	for (int i = 1; i < READERS; i++)
		succeeds(reader[i]);
	thaw(reader[0]);
	succeeds(reader[0]);
}

TEST(lock, last_readers_unlock_lets_the_writer_in)
{
	actor *alice = with_rwlock("alice");
	actor *bob = forks(alice, "bob"), *writer = forks(alice, "writer");

	does(alice, lock.rdlock("r"));
	does(bob, lock.rdlock("r"));
	begin(writer, lock.wrlock("r"));
	blocks(writer);
	does(alice, lock.rwlock_unlock("r"));
	blocks(writer);
	does(bob, lock.rwlock_unlock("r"));
	succeeds(writer);
	does_fail(alice, lock.tryrdlock("r"), EBUSY);
}

TEST(lock, every_writer_gets_the_rwlock)
{
	enum { OF_EACH = 3 };
	actor *alice = with_rwlock("alice"), *writer[OF_EACH], *reader[OF_EACH];

	for (int i = 0; i < OF_EACH; i++) {
		writer[i] = forks(alice, "writer");
		reader[i] = forks(alice, "reader");
	}
	does(alice, lock.wrlock("r"));
	for (int i = 0; i < OF_EACH; i++) {
		begin(writer[i], call(paint, "r", 1, 0, 0));
		begin(reader[i], call(look, "r", 1, 0, 0));
	}
	for (int i = 0; i < OF_EACH; i++) {
		blocks(writer[i]);
		blocks(reader[i]);
	}
	does(alice, lock.rwlock_unlock("r"));
	for (int i = 0; i < OF_EACH; i++) {
		succeeds(writer[i]);
		succeeds(reader[i]);
	}
	does_give(alice, call(left_of, "r", 0, 0, 0), OF_EACH);
}

TEST(lock, read_locks_are_counted)
{
	actor *alice = with_rwlock("alice"), *bob = forks(alice, "bob");

	for (int i = 0; i < 3; i++)
		does(alice, lock.rdlock("r"));
	for (int i = 0; i < 3; i++) {
		does_fail(bob, lock.trywrlock("r"), EBUSY);
		does(alice, lock.rwlock_unlock("r"));
	}
	does(bob, lock.trywrlock("r"));
}

/* -- time ------------------------------------------------------------------------------------- */

TEST(lock, rwlock_times_out)
{
	actor *alice = with_rwlock("alice"), *bob = forks(alice, "bob");

	does(alice, lock.wrlock("r"));
	does_fail(bob, lock.timedrdlock("r", 15), ETIMEDOUT);
	does_fail(bob, lock.timedwrlock("r", 15), ETIMEDOUT);
	does(alice, lock.rwlock_unlock("r"));
	does(alice, lock.rdlock("r"));
	does_fail(bob, lock.timedwrlock("r", 15), ETIMEDOUT);
	does(bob, lock.timedrdlock("r", 15));
}

enum { LONG = 100000 };

TEST(lock, timed_out_writer_keeps_nobody_out)
{
	actor *alice = with_rwlock("alice");
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol"),
	      *dave = forks(alice, "dave");

	does(alice, lock.rdlock("r"));
	begin(bob, lock.timedwrlock("r", 30));
	/* it may have to wait as long as the writer does */
	begin(carol, lock.rdlock("r"));
	fails(bob, ETIMEDOUT);
	succeeds(carol);
	does(dave, lock.tryrdlock("r"));
	does(alice, lock.rwlock_unlock("r"));
	does(carol, lock.rwlock_unlock("r"));
	does(dave, lock.rwlock_unlock("r"));
	does(bob, lock.trywrlock("r"));
}

TEST(lock, past_deadline_takes_a_free_rwlock)
{
	actor *alice = with_rwlock("alice"), *bob = forks(alice, "bob");

	does(alice, lock.timedrdlock("r", -1000));
	does(bob, lock.timedrdlock("r", -1000));
	does_fail(bob, lock.timedwrlock("r", -1000), ETIMEDOUT);
	does(alice, lock.rwlock_unlock("r"));
	does(bob, lock.rwlock_unlock("r"));
	does(alice, lock.timedwrlock("r", -1000));
	does_fail(bob, lock.timedrdlock("r", -1000), ETIMEDOUT);
}

TEST(lock, rwlock_waits_on_the_monotonic_clock)
{
	actor *alice = with_rwlock("alice"), *bob = forks(alice, "bob");

	does(alice, lock.clockwrlock("r", -1000));
	does_fail(bob, lock.clockrdlock("r", 15), ETIMEDOUT);
	does_fail(bob, lock.clockwrlock("r", 15), ETIMEDOUT);
	begin(bob, lock.clockrdlock("r", LONG));
	blocks(bob);
	does(alice, lock.rwlock_unlock("r"));
	succeeds(bob);
}

/* Read or write, with a deadline of so many milliseconds from now on the real-time clock. */
static long long lock_until(const char *text, const long long *n)
{
	struct timespec deadline;
	pthread_rwlock_t *rwlock = handle_pointer(text);

	if (!impl->lock->pthread_rwlock_clockrdlock || !impl->lock->pthread_rwlock_clockwrlock)
		skip("no pthread_rwlock_clockrdlock");
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += (time_t)n[1];
	int error =
		n[0] ? impl->lock->pthread_rwlock_clockwrlock(rwlock, CLOCK_REALTIME, &deadline)
		     : impl->lock->pthread_rwlock_clockrdlock(rwlock, CLOCK_REALTIME, &deadline);
	errno = error;
	return error ? -1 : 0;
}

TEST(lock, rwlock_waits_on_the_real_time_clock)
{
	actor *alice = with_rwlock("alice"), *reader = forks(alice, "reader"),
	      *writer = forks(alice, "writer");

	does(alice, call(lock_until, "r", true, -10, 0));
	does_fail(reader, call(lock_until, "r", false, -10, 0), ETIMEDOUT);
	does_fail(writer, call(lock_until, "r", true, 0, 0), ETIMEDOUT);
	begin(reader, call(lock_until, "r", false, LONG, 0));
	blocks(reader);
	does(alice, lock.rwlock_unlock("r"));
	succeeds(reader);
	begin(writer, call(lock_until, "r", true, LONG, 0));
	blocks(writer);
	does(reader, lock.rwlock_unlock("r"));
	succeeds(writer);
}

TEST(lock, invalid_deadline_of_a_rwlock_is_refused)
{
	actor *alice = with_rwlock("alice"), *bob = forks(alice, "bob");

	does(alice, lock.wrlock("r"));
	does_fail(bob, lock.timedrdlock_at("r", 1, -1), EINVAL);
	does_fail(bob, lock.timedrdlock_at("r", 1, 1000000000), EINVAL);
	does_fail(bob, lock.timedwrlock_at("r", 1, -1), EINVAL);
	does_fail(bob, lock.timedwrlock_at("r", 1, 1000000000), EINVAL);
	does(alice, lock.rwlock_unlock("r"));
	does(bob, lock.rdlock("r"));
	does_fail(alice, lock.timedwrlock_at("r", 1, 1000000000), EINVAL);
	does(bob, lock.rwlock_unlock("r"));
	does(alice, lock.trywrlock("r"));
}

TEST(lock, timed_out_reader_keeps_nobody_out)
{
	actor *alice = with_rwlock("alice"), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");

	does(alice, lock.wrlock("r"));
	does_fail(bob, lock.timedrdlock("r", 10), ETIMEDOUT);
	begin(carol, lock.wrlock("r"));
	blocks(carol);
	does(alice, lock.rwlock_unlock("r"));
	succeeds(carol);
	does(carol, lock.rwlock_unlock("r"));
	does(bob, lock.trywrlock("r"));
}

struct part {
	const char *name;
	bool writes;
};

static const struct part parts[] = {{"reader", false}, {"writer", true}};

TEST_EACH(lock, rwlock_is_had_before_the_deadline, parts)
{
	actor *alice = with_rwlock("alice"), *bob = forks(alice, "bob");

	does(alice, lock.wrlock("r"));
	begin(bob, row->writes ? lock.timedwrlock("r", LONG) : lock.timedrdlock("r", LONG));
	blocks(bob);
	does(alice, lock.rwlock_unlock("r"));
	succeeds(bob);
	does_fail(alice, lock.trywrlock("r"), EBUSY);
}

TEST_EACH(lock, killed_waiter_leaves_the_rwlock, parts)
{
	actor *alice = with_rwlock("alice"), *bob = forks(alice, "bob"),
	      *carol = forks(alice, "carol");

	does(alice, lock.wrlock("r"));
	begin(bob, row->writes ? lock.wrlock("r") : lock.rdlock("r"));
	blocks(bob);
	dies(bob);
	begin(carol, lock.rdlock("r"));
	blocks(carol);
	does(alice, lock.rwlock_unlock("r"));
	succeeds(carol);
	does(alice, lock.rdlock("r"));
	does(alice, lock.rwlock_unlock("r"));
	does(carol, lock.rwlock_unlock("r"));
	does(alice, lock.wrlock("r"));
}

TEST(lock, signal_does_not_end_the_wait_for_a_rwlock)
{
	actor *alice = with_rwlock("alice");

	does(alice, lock.make_rwlock("w", 1));
	does(alice, sig.handle(SIGUSR1, 0));
	actor *reader = forks(alice, "reader"), *writer = forks(alice, "writer");
	does(alice, lock.wrlock("r"));
	does(alice, lock.rdlock("w"));
	begin(reader, lock.rdlock("r"));
	begin(writer, lock.wrlock("w"));
	for (unsigned i = 1; i <= 2; i++) {
		blocks(reader);
		blocks(writer);
		poke(reader, SIGUSR1);
		poke(writer, SIGUSR1);
		catches(reader, SIGUSR1, i);
		catches(writer, SIGUSR1, i);
	}
	blocks(reader);
	blocks(writer);
	does(alice, lock.rwlock_unlock("r"));
	does(alice, lock.rwlock_unlock("w"));
	succeeds(reader);
	succeeds(writer);
}

TEST(lock, rwlock_in_a_file_serves_strangers)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, lock.map_file("r", "f"));
	does(alice, lock.make_rwlock("r", 1));
	does(bob, lock.map("other"));
	does(bob, lock.map_file("r", "f"));
	does(alice, lock.wrlock("r"));
	does_fail(bob, lock.tryrdlock("r"), EBUSY);
	begin(bob, lock.rdlock("r"));
	blocks(bob);
	does(alice, lock.rwlock_unlock("r"));
	succeeds(bob);
	does(alice, lock.rdlock("r"));
	does_fail(alice, lock.trywrlock("r"), EBUSY);
}

TEST(lock, rwlock_can_be_made_again)
{
	actor *alice = with_rwlock("alice"), *bob = forks(alice, "bob");

	does(bob, lock.wrlock("r"));
	does(bob, lock.rwlock_unlock("r"));
	does(alice, lock.rwlock_destroy("r"));
	does(alice, lock.fill("r", 0xA5));
	dies(bob);
	does_give(alice, lock.is_full_of("r", 0xA5), 1);
	does(alice, lock.make_rwlock("r", 1));
	does(alice, lock.trywrlock("r"));
}
