/* SPDX-License-Identifier: MIT */
/* Spin locks in shared memory. */
#include "stage/story.h"

struct table {
	pthread_spinlock_t spin;
	volatile unsigned long counter;
};

static long long add_up(const char *text, const long long *n)
{
	struct table *table = handle_pointer(text);

	atomic_fetch_add(&shared()[0], 1);
	awaits(&shared()[0], 2);
	for (long long i = 0; i < n[0]; i++) {
		must_be(impl->lock->pthread_spin_lock(&table->spin), 0);
		unsigned long seen = table->counter;
		for (volatile int pause = 0; pause < 100; pause++)
			continue;
		table->counter = seen + 1;
		must_be(impl->lock->pthread_spin_unlock(&table->spin), 0);
	}
	must_be(impl->lock->pthread_spin_lock(&table->spin), 0);
	long long sum = (long long)table->counter;

	must_be(impl->lock->pthread_spin_unlock(&table->spin), 0);
	return sum;
}

TEST(lock, spin_lock_keeps_one_holder_at_a_time)
{
	enum { ADDITIONS = 10000 };
	actor *alice = cast("alice");

	does(alice, lock.make_spin("s"));
	actor *bob = forks(alice, "bob");
	begin(alice, call(add_up, "s", ADDITIONS, 0, 0));
	begin(bob, call(add_up, "s", ADDITIONS, 0, 0));
	succeeds(alice);
	succeeds(bob);
	does_give(alice, call(add_up, "s", 0, 0, 0), 2 * ADDITIONS);
}

/* Tells when it comes, takes the lock and tells what it finds. */
static long long take_and_tell(const char *text, const long long *n)
{
	struct table *table = handle_pointer(text);

	shared()[0] = 1;
	must_be(impl->lock->pthread_spin_lock(&table->spin), 0);
	long long found = (long long)table->counter;
	must_be(impl->lock->pthread_spin_unlock(&table->spin), 0);
	return found + n[0];
}

/* Changes what is under the lock, which it has, and lets go. */
static long long change_and_leave(const char *text, const long long *n)
{
	struct table *table = handle_pointer(text);

	table->counter = (unsigned long)n[0];
	return impl->lock->pthread_spin_unlock(&table->spin);
}

TEST(lock, spin_lock_waits)
{
	actor *alice = cast("alice");

	does(alice, lock.make_spin("s"));
	actor *bob = forks(alice, "bob");
	does(alice, lock.spin_lock("s"));
	begin(bob, call(take_and_tell, "s", 0, 0, 0));
	awaits(&shared()[0], 1);
	does_give(alice, call(change_and_leave, "s", 7, 0, 0), 0);
	gives(bob, 7);
}

TEST(lock, spin_trylock_never_waits)
{
	actor *alice = cast("alice");

	does(alice, lock.make_spin("s"));
	actor *bob = forks(alice, "bob");
	does(alice, lock.spin_trylock("s"));
	does_fail(bob, lock.spin_trylock("s"), EBUSY);
	does_fail(alice, lock.spin_trylock("s"), EBUSY);
	does(alice, lock.spin_unlock("s"));
	does(bob, lock.spin_trylock("s"));
	does_fail(alice, lock.spin_trylock("s"), EBUSY);
}

TEST(lock, spin_lock_can_be_made_again)
{
	actor *alice = cast("alice");

	does(alice, lock.make_spin("s"));
	actor *bob = forks(alice, "bob");
	does(bob, lock.spin_lock("s"));
	does(bob, lock.spin_unlock("s"));
	does(alice, lock.spin_destroy("s"));
	does(alice, lock.fill("s", 0xA5));
	dies(bob);
	does_give(alice, lock.is_full_of("s", 0xA5), 1);
	does(alice, lock.make_spin("s"));
	does(alice, lock.spin_trylock("s"));
}

static long long make_private_spin(const char *text, const long long *n)
{
	(void)n;
	return impl->lock->pthread_spin_init(handle_pointer(text), PTHREAD_PROCESS_PRIVATE);
}

TEST(lock, spin_lock_serves_threads)
{
	enum { ADDITIONS = 10000 };
	actor *alice = cast("alice");

	does(alice, lock.map("s"));
	does_give(alice, call(make_private_spin, "s", 0, 0, 0), 0);
	actor *thread = cast_thread(alice, "thread");
	does(alice, lock.spin_lock("s"));
	does_fail(thread, lock.spin_trylock("s"), EBUSY);
	does(alice, lock.spin_unlock("s"));
	begin(alice, call(add_up, "s", ADDITIONS, 0, 0));
	begin(thread, call(add_up, "s", ADDITIONS, 0, 0));
	succeeds(alice);
	succeeds(thread);
	does_give(alice, call(add_up, "s", 0, 0, 0), 2 * ADDITIONS);
}

TEST(lock, spin_lock_in_a_file_serves_strangers)
{
	actor *alice = cast_stranger("alice"), *bob = cast_stranger("bob");

	does(alice, lock.map_file("s", "f"));
	does(alice, lock.make_spin("s"));
	does(bob, lock.map("other"));
	does(bob, lock.map_file("s", "f"));
	does(alice, lock.spin_lock("s"));
	does_fail(bob, lock.spin_trylock("s"), EBUSY);
	does(alice, lock.spin_unlock("s"));
	does(bob, lock.spin_trylock("s"));
	does_fail(alice, lock.spin_trylock("s"), EBUSY);
}
