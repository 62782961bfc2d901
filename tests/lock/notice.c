/* SPDX-License-Identifier: MIT */
/* Condition variables, and whoever is killed after whatever instruction of using one. */
#include <string.h>

#include "stage/instruction.h"
#include "stage/story.h"

/* A page: things to take, under a robust mutex, and those who wait for one. */
static struct room {
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	volatile int things;
} * room;

static pid_t waiter;

static void enter(const char *text)
{
	room = handle_pointer(text);
}

static void make(void)
{
	pthread_mutexattr_t mutex;
	pthread_condattr_t cond;

	memset(room, 0, sizeof(*room));
	must_be(entry(lock, pthread_mutexattr_init)(&mutex), 0);
	must_be(entry(lock, pthread_mutexattr_setpshared)(&mutex, PTHREAD_PROCESS_SHARED), 0);
	must_be(entry(lock, pthread_mutexattr_setrobust)(&mutex, PTHREAD_MUTEX_ROBUST), 0);
	must_be(entry(lock, pthread_mutex_init)(&room->mutex, &mutex), 0);
	must_be(entry(lock, pthread_condattr_init)(&cond), 0);
	must_be(entry(lock, pthread_condattr_setpshared)(&cond, PTHREAD_PROCESS_SHARED), 0);
	must_be(entry(lock, pthread_cond_init)(&room->cond, &cond), 0);
	impl->lock->pthread_mutexattr_destroy(&mutex);
	impl->lock->pthread_condattr_destroy(&cond);
}

/* What a mutex gave is all right, be it that its holder died. */
static int recover(int error)
{
	return error == EOWNERDEAD ? impl->lock->pthread_mutex_consistent(&room->mutex) : error;
}

static int lock_it(void)
{
	return recover(impl->lock->pthread_mutex_lock(&room->mutex));
}

static int unlock_it(void)
{
	return impl->lock->pthread_mutex_unlock(&room->mutex);
}

static int put_thing(void)
{
	int error = lock_it();

	if (error)
		return error;
	room->things++;
	return unlock_it();
}

static int take_thing(void)
{
	int error = lock_it();

	while (!error && room->things == 0)
		error = recover(impl->lock->pthread_cond_wait(&room->cond, &room->mutex));
	if (error)
		return error;
	room->things--;
	return unlock_it();
}

static int signal_it(void)
{
	return impl->lock->pthread_cond_signal(&room->cond);
}

static int broadcast_it(void)
{
	return impl->lock->pthread_cond_broadcast(&room->cond);
}

static int wait_for_it(void)
{
	return impl->lock->pthread_cond_wait(&room->cond, &room->mutex);
}

static int wait_for_it_in_time(void)
{
	static const struct timespec far_away = {2000000000, 0};

	return impl->lock->pthread_cond_timedwait(&room->cond, &room->mutex, &far_away);
}

/* After whatever deaths: somebody waits, somebody notifies, and both come back. */
static const char *be_used(int (*notify)(void))
{
	waiter = bystander(take_thing);
	if (child_returns(put_thing) != 0)
		return "nobody gets the mutex any more";
	if (child_returns(notify) != 0)
		return "who notifies never returns";
	return bystander_returns(waiter) == 0 ? NULL : "who waits later is not woken";
}

struct row {
	const char *name;
	struct last_act act;
};

/* -- who notifies --------------------------------------------------------------------------- */

/* Another has found nothing and waits; now there is something, and he isn't told yet. */
static void let_wait(void)
{
	waiter = bystander(take_thing);
	must_be(put_thing(), 0);
}

static const char *audit_notifier(const struct death *death)
{
	if (!death->came_through && child_returns(broadcast_it) != 0)
		return "who notifies next never returns";
	if (bystander_returns(waiter) != 0)
		return "who waited is not woken";
	const char *complaint = be_used(signal_it);
	return complaint ? complaint : be_used(broadcast_it);
}

static const struct row notifiers[] = {
	{"signal",
	 {.name = "pthread_cond_signal",
	  .enter = enter,
	  .prepare = make,
	  .beside = let_wait,
	  .act = signal_it,
	  .audit = audit_notifier}},
	{"broadcast",
	 {.name = "pthread_cond_broadcast",
	  .enter = enter,
	  .prepare = make,
	  .beside = let_wait,
	  .act = broadcast_it,
	  .audit = audit_notifier}},
};

TEST_EACH(lock, condition_survives_a_notifier_killed_after_any_instruction, notifiers)
{
	actor *alice = cast("alice");

	does(alice, lock.map("m"));
	is_killed_after_each_instruction(alice, "m", &row->act);
}

/* -- who waits ------------------------------------------------------------------------------ */

static void have_mutex(void)
{
	must_be(lock_it(), 0);
}

static void notify(void)
{
	must_be(child_returns(put_thing), 0);
	must_be(child_returns(signal_it), 0);
}

static const char *audit_waiter(const struct death *death)
{
	(void)death;
	room->things = 0; /* nobody else is there */
	const char *complaint = be_used(broadcast_it);
	return complaint ? complaint : be_used(signal_it);
}

static const struct row waiters[] = {
	{"wait",
	 {.name = "pthread_cond_wait",
	  .enter = enter,
	  .prepare = make,
	  .approach = have_mutex,
	  .act = wait_for_it,
	  .rouse = notify,
	  .audit = audit_waiter}},
	{"timedwait",
	 {.name = "pthread_cond_timedwait",
	  .enter = enter,
	  .prepare = make,
	  .approach = have_mutex,
	  .act = wait_for_it_in_time,
	  .rouse = notify,
	  .audit = audit_waiter}},
};

TEST_EACH(lock, condition_survives_a_waiter_killed_after_any_instruction, waiters)
{
	actor *alice = cast("alice");

	does(alice, lock.map("m"));
	is_killed_after_each_instruction(alice, "m", &row->act);
}
