/* SPDX-License-Identifier: MIT */
/* Condition variables: who notifies, whom a notification reaches, and waiters that are cancelled.
 */
#include "stage/story.h"

static actor *with_mutex(const char *name)
{
	actor *a = cast(name);

	does(a, lock.make_mutex("m", PTHREAD_MUTEX_NORMAL, 0));
	return a;
}

static void waits(actor *a, const char *condition)
{
	does(a, lock.mutex_lock("m"));
	begin(a, lock.cond_wait(condition, "m"));
	blocks(a);
}

static void goes_on(actor *a)
{
	succeeds(a);
	does(a, lock.mutex_unlock("m"));
}

static const struct manner {
	const char *name;
	bool broadcast;
} manners[] = {{"signal", false}, {"broadcast", true}};

static op notification(const struct manner *manner, const char *condition)
{
	return manner->broadcast ? lock.cond_broadcast(condition) : lock.cond_signal(condition);
}

TEST_EACH(lock, notifier_needs_no_mutex, manners)
{
	actor *alice = with_mutex("alice");

	does(alice, lock.make_cond("c", CLOCK_REALTIME));
	actor *bob = forks(alice, "bob");
	waits(bob, "c");
	does(alice, notification(row, "c"));
	goes_on(bob);
}

TEST_EACH(lock, notification_goes_to_its_own_condition, manners)
{
	actor *alice = with_mutex("alice");

	does(alice, lock.make_cond("c", CLOCK_REALTIME));
	does(alice, lock.make_cond("other", CLOCK_REALTIME));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	waits(bob, "c");
	waits(carol, "other");
	does(alice, notification(row, "other"));
	goes_on(carol);
	does(alice, notification(row, "c"));
	goes_on(bob);
}

TEST(lock, one_condition_may_have_one_mutex_after_another)
{
	actor *alice = with_mutex("alice");

	does(alice, lock.make_mutex("other", PTHREAD_MUTEX_NORMAL, 0));
	does(alice, lock.make_cond("c", CLOCK_REALTIME));
	actor *bob = forks(alice, "bob");
	waits(bob, "c");
	does(alice, lock.cond_signal("c"));
	goes_on(bob);
	does(bob, lock.mutex_lock("other"));
	begin(bob, lock.cond_wait("c", "other"));
	blocks(bob);
	does(alice, lock.cond_signal("c"));
	succeeds(bob);
	does_fail(alice, lock.mutex_trylock("other"), EBUSY);
	does(alice, lock.mutex_trylock("m"));
}

TEST(lock, condition_can_be_made_again)
{
	actor *alice = with_mutex("alice");

	does(alice, lock.make_cond("c", CLOCK_REALTIME));
	actor *bob = forks(alice, "bob");
	waits(bob, "c");
	does(alice, lock.cond_signal("c"));
	goes_on(bob);
	does(alice, lock.cond_destroy("c"));
	does(alice, lock.fill("c", 0xA5));
	dies(bob);
	does_give(alice, lock.is_full_of("c", 0xA5), 1);
	does(alice, lock.make_cond("c", CLOCK_MONOTONIC));
	does(alice, lock.mutex_lock("m"));
	does_fail(alice, lock.cond_timedwait("c", "m", CLOCK_MONOTONIC, 10), ETIMEDOUT);
}

/* -- cancellation ----------------------------------------------------------------------------- */

/* Threads of one process: who waits for a thing, and who has come to wait. */
struct place {
	pthread_mutex_t mutex;
	pthread_cond_t things, comings;
	int waiting, thing_count, leaving, held;
	bool timed;
};

static void init_place(struct place *place, bool timed)
{
	pthread_mutexattr_t attributes;

	*place = (struct place){.timed = timed};
	must_be(impl->lock->pthread_mutexattr_init(&attributes), 0);
	must_be(impl->lock->pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK), 0);
	must_be(impl->lock->pthread_mutex_init(&place->mutex, &attributes), 0);
	must_be(impl->lock->pthread_cond_init(&place->things, NULL), 0);
	must_be(impl->lock->pthread_cond_init(&place->comings, NULL), 0);
}

/* Who doesn't hold the mutex can't unlock it. */
static void leave(void *text)
{
	struct place *place = text;

	place->leaving++;
	if (impl->lock->pthread_mutex_unlock(&place->mutex) == 0)
		place->held++;
}

static void *wait_for_a_thing(void *text)
{
	static const struct timespec far = {0x7FFFFFF0, 0};
	struct place *place = text;

	must_be(impl->lock->pthread_mutex_lock(&place->mutex), 0);
	pthread_cleanup_push(leave, place);
	place->waiting++;
	must_be(impl->lock->pthread_cond_signal(&place->comings), 0);
	while (place->thing_count == 0)
		must_be(place->timed ? impl->lock->pthread_cond_timedwait(&place->things,
									  &place->mutex, &far)
				     : impl->lock->pthread_cond_wait(&place->things, &place->mutex),
			0);
	place->thing_count--;
	pthread_cleanup_pop(1);
	return NULL;
}

/* When so many threads wait, holds the mutex. */
static void lock_when_waiting(struct place *place, int count)
{
	must_be(impl->lock->pthread_mutex_lock(&place->mutex), 0);
	while (place->waiting < count)
		must_be(impl->lock->pthread_cond_wait(&place->comings, &place->mutex), 0);
}

static long long cancel_the_waiter(const char *text, const long long *n)
{
	static struct place place;
	pthread_t thread;
	void *result;

	(void)text;
	init_place(&place, n[0] != 0);
	must_be(pthread_create(&thread, NULL, wait_for_a_thing, &place), 0);
	lock_when_waiting(&place, 1);
	must_be(pthread_cancel(thread), 0);
	must_be(place.leaving, 0);
	must_be(impl->lock->pthread_mutex_unlock(&place.mutex), 0);
	must_be(pthread_join(thread, &result), 0);
	must(result == PTHREAD_CANCELED);
	must_be(place.leaving, 1);
	must_be(place.held, 1);
	return 0;
}

static const struct waiting {
	const char *name;
	bool timed;
} waitings[] = {{"wait", false}, {"timedwait", true}};

TEST_EACH(lock, cancelled_waiter_has_the_mutex_again, waitings)
{
	actor *alice = cast("alice");

	does(alice, call(cancel_the_waiter, NULL, row->timed, 0, 0));
}

/* One of two waiters is cancelled, and one thing is there: the other must have it. */
static long long cancel_and_signal(const char *text, const long long *n)
{
	static struct place place;
	pthread_t cancelled, other;
	void *result;

	(void)text;
	init_place(&place, n[0] != 0);
	must_be(pthread_create(&cancelled, NULL, wait_for_a_thing, &place), 0);
	lock_when_waiting(&place, 1);
	must_be(impl->lock->pthread_mutex_unlock(&place.mutex), 0);
	must_be(pthread_create(&other, NULL, wait_for_a_thing, &place), 0);
	lock_when_waiting(&place, 2);
	must_be(pthread_cancel(cancelled), 0);
	place.thing_count = 1;
	must_be(impl->lock->pthread_cond_signal(&place.things), 0);
	must_be(impl->lock->pthread_mutex_unlock(&place.mutex), 0);
	must_be(pthread_join(cancelled, &result), 0);
	if (result == PTHREAD_CANCELED) {
		must_be(pthread_join(other, NULL), 0);
	} else {
		/* it had been woken before it was cancelled */
		must_be(pthread_cancel(other), 0);
		must_be(pthread_join(other, NULL), 0);
	}
	must_be(place.thing_count, 0);
	must_be(place.held, 2);
	return 0;
}

TEST_EACH(lock, cancelled_waiter_takes_no_notification, waitings)
{
	actor *alice = cast("alice");

	for (int i = 0; i < 20; i++)
		does(alice, call(cancel_and_signal, NULL, row->timed, 0, 0));
}
