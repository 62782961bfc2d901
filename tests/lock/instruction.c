/* SPDX-License-Identifier: MIT */
/* Robust mutexes, and whoever is killed after whatever instruction of locking or unlocking one. */
#include "stage/instruction.h"

#include <string.h>

#include "stage/story.h"

/* A page: the mutex in question, and others that the victim has besides. */
static struct hall {
	pthread_mutex_t mutex, earlier, later;
} * hall;

static pid_t waiter;

static void enter(const char *text)
{
	hall = handle_pointer(text);
}

/* -- the mutex is of this type -------------------------------------------------------------- */

static void make_mutex(pthread_mutex_t *mutex, int type, int protocol)
{
	pthread_mutexattr_t attributes;

	memset(mutex, 0, sizeof(*mutex));
	must_be(entry(lock, pthread_mutexattr_init)(&attributes), 0);
	must_be(entry(lock, pthread_mutexattr_setpshared)(&attributes, PTHREAD_PROCESS_SHARED), 0);
	must_be(entry(lock, pthread_mutexattr_setrobust)(&attributes, PTHREAD_MUTEX_ROBUST), 0);
	must_be(entry(lock, pthread_mutexattr_settype)(&attributes, type), 0);
	if (protocol == PTHREAD_PRIO_INHERIT &&
	    entry(lock, pthread_mutexattr_setprotocol)(&attributes, protocol) == ENOTSUP)
		skip_lacking("PTHREAD_PRIO_INHERIT");
	int error = entry(lock, pthread_mutex_init)(mutex, &attributes);
	if (error == ENOTSUP && protocol == PTHREAD_PRIO_INHERIT)
		skip_lacking("PTHREAD_PRIO_INHERIT");
	must_be(error, 0);
	impl->lock->pthread_mutexattr_destroy(&attributes);
}

static void make_three(int type, int protocol)
{
	make_mutex(&hall->mutex, type, protocol);
	make_mutex(&hall->earlier, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE);
	make_mutex(&hall->later, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE);
}

static void make_normal(void)
{
	make_three(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE);
}

static void make_errorcheck(void)
{
	make_three(PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE);
}

static void make_recursive(void)
{
	make_three(PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE);
}

static void make_inheriting(void)
{
	make_three(PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT);
}

/* -- what is done with it ------------------------------------------------------------------- */

static int lock_it(void)
{
	return impl->lock->pthread_mutex_lock(&hall->mutex);
}

static int try_it(void)
{
	return impl->lock->pthread_mutex_trylock(&hall->mutex);
}

/* A day that no test lives to see. */
static const struct timespec far_away = {2000000000, 0};

static int lock_it_in_time(void)
{
	return impl->lock->pthread_mutex_timedlock(&hall->mutex, &far_away);
}

static int unlock_it(void)
{
	return impl->lock->pthread_mutex_unlock(&hall->mutex);
}

static int make_it_consistent(void)
{
	return impl->lock->pthread_mutex_consistent(&hall->mutex);
}

/* Whoever waits: what it comes back with, 0 for all that is right. */
static int lock_and_unlock(void)
{
	int error = lock_it();

	if (error == EOWNERDEAD)
		error = make_it_consistent();
	return error ? error : unlock_it();
}

/* -- where the victim is -------------------------------------------------------------------- */

static void have_earlier(void)
{
	must_be(impl->lock->pthread_mutex_lock(&hall->earlier), 0);
}

/* The one in question was locked between two others. */
static void have_three(void)
{
	have_earlier();
	must_be(lock_it(), 0);
	must_be(impl->lock->pthread_mutex_lock(&hall->later), 0);
}

static void have_three_after_a_death(void)
{
	have_earlier();
	must_be(lock_it(), EOWNERDEAD);
	must_be(impl->lock->pthread_mutex_lock(&hall->later), 0);
}

static void have_three_made_consistent(void)
{
	have_three_after_a_death();
	must_be(make_it_consistent(), 0);
}

static void have_it_twice(void)
{
	have_three();
	must_be(lock_it(), 0);
}

static void leave_to_the_dead(void)
{
	make_normal();
	must_be(child_returns(lock_it), 0);
}

static void leave_inheriting_to_the_dead(void)
{
	make_inheriting();
	must_be(child_returns(lock_it), 0);
}

/* -- what must be afterwards ---------------------------------------------------------------- */

/* It can be had, told of a death or not, and is as good as new afterwards. */
static const char *recover(pthread_mutex_t *mutex, int *told)
{
	*told = impl->lock->pthread_mutex_trylock(mutex);
	if (*told == EBUSY)
		return "the dead one has it for ever";
	if (*told != 0 && *told != EOWNERDEAD)
		return "the next one gets neither the mutex nor EOWNERDEAD";
	if (*told == EOWNERDEAD && impl->lock->pthread_mutex_consistent(mutex) != 0)
		return "it can't be made consistent";
	if (impl->lock->pthread_mutex_unlock(mutex) != 0)
		return "the next one can't unlock it";
	if (impl->lock->pthread_mutex_trylock(mutex) != 0)
		return "the one after him doesn't get it";
	if (impl->lock->pthread_mutex_unlock(mutex) != 0)
		return "the one after him can't unlock it";
	return NULL;
}

static const char *be_told(pthread_mutex_t *mutex)
{
	int told;
	const char *complaint = recover(mutex, &told);

	if (complaint || told == EOWNERDEAD)
		return complaint;
	return "of another mutex that the dead one had nobody is told";
}

/* The victim had three of them at last, and has none or one at the end of the act. */
static const char *audit_three(const struct death *death, int expected_result, int expected_told)
{
	int told;
	const char *complaint = recover(&hall->mutex, &told);

	if (complaint)
		return complaint;
	if (death->came_through && death->result != expected_result)
		return "what it returned is wrong";
	if (death->came_through && told != expected_told)
		return expected_told ? "nobody is told that its holder died"
				     : "a death is told of a mutex that nobody held";
	return be_told(&hall->earlier);
}

static const char *audit_lock(const struct death *death)
{
	return audit_three(death, 0, EOWNERDEAD);
}

static const char *audit_lock_of_the_dead(const struct death *death)
{
	return audit_three(death, EOWNERDEAD, EOWNERDEAD);
}

static const char *audit_unlock(const struct death *death)
{
	const char *complaint = audit_three(death, 0, 0);

	return complaint ? complaint : be_told(&hall->later);
}

static const char *audit_still_held(const struct death *death)
{
	const char *complaint = audit_three(death, 0, EOWNERDEAD);

	return complaint ? complaint : be_told(&hall->later);
}

/* Unlocked as it was: nobody has said that its state is whole. */
static const char *audit_loss(const struct death *death)
{
	int told = try_it();

	if (told != ENOTRECOVERABLE && (told != EOWNERDEAD || death->came_through))
		return "it is neither lost nor left by a dead one";
	const char *complaint = be_told(&hall->earlier);
	return complaint ? complaint : be_told(&hall->later);
}

struct row {
	const char *name;
	struct last_act act;
};

#define LOCKING(called, make, how)                                                                 \
	{                                                                                          \
		.name = called, .enter = enter, .prepare = make, .approach = have_earlier,         \
		.act = how, .audit = audit_lock                                                    \
	}
#define LOCKING_OF_THE_DEAD(called, make, how)                                                     \
	{                                                                                          \
		.name = called, .enter = enter, .prepare = make, .approach = have_earlier,         \
		.act = how, .audit = audit_lock_of_the_dead                                        \
	}
#define HOLDING(called, make, before, how, after)                                                  \
	{                                                                                          \
		.name = called, .enter = enter, .prepare = make, .approach = before, .act = how,   \
		.audit = after                                                                     \
	}

static const struct row mutexes[] = {
	{"lock", LOCKING("pthread_mutex_lock", make_normal, lock_it)},
	{"lock_errorcheck", LOCKING("pthread_mutex_lock", make_errorcheck, lock_it)},
	{"lock_recursive", LOCKING("pthread_mutex_lock", make_recursive, lock_it)},
	{"lock_inheriting", LOCKING("pthread_mutex_lock", make_inheriting, lock_it)},
	{"trylock", LOCKING("pthread_mutex_trylock", make_normal, try_it)},
	{"trylock_inheriting", LOCKING("pthread_mutex_trylock", make_inheriting, try_it)},
	{"timedlock", LOCKING("pthread_mutex_timedlock", make_normal, lock_it_in_time)},
	{"timedlock_inheriting",
	 LOCKING("pthread_mutex_timedlock", make_inheriting, lock_it_in_time)},
	{"lock_left_by_the_dead",
	 LOCKING_OF_THE_DEAD("pthread_mutex_lock", leave_to_the_dead, lock_it)},
	{"trylock_left_by_the_dead",
	 LOCKING_OF_THE_DEAD("pthread_mutex_trylock", leave_to_the_dead, try_it)},
	{"lock_inheriting_left_by_the_dead",
	 LOCKING_OF_THE_DEAD("pthread_mutex_lock", leave_inheriting_to_the_dead, lock_it)},
	{"lock_again",
	 HOLDING("pthread_mutex_lock", make_recursive, have_three, lock_it, audit_still_held)},
	{"unlock_once_of_twice", HOLDING("pthread_mutex_unlock", make_recursive, have_it_twice,
					 unlock_it, audit_still_held)},
	{"unlock",
	 HOLDING("pthread_mutex_unlock", make_normal, have_three, unlock_it, audit_unlock)},
	{"unlock_errorcheck",
	 HOLDING("pthread_mutex_unlock", make_errorcheck, have_three, unlock_it, audit_unlock)},
	{"unlock_recursive",
	 HOLDING("pthread_mutex_unlock", make_recursive, have_three, unlock_it, audit_unlock)},
	{"unlock_inheriting",
	 HOLDING("pthread_mutex_unlock", make_inheriting, have_three, unlock_it, audit_unlock)},
	{"consistent", HOLDING("pthread_mutex_consistent", leave_to_the_dead,
			       have_three_after_a_death, make_it_consistent, audit_still_held)},
	{"unlock_made_consistent", HOLDING("pthread_mutex_unlock", leave_to_the_dead,
					   have_three_made_consistent, unlock_it, audit_unlock)},
	{"unlock_for_ever", HOLDING("pthread_mutex_unlock", leave_to_the_dead,
				    have_three_after_a_death, unlock_it, audit_loss)},
};

TEST_EACH(lock, robust_mutex_survives_a_kill_after_any_instruction, mutexes)
{
	actor *alice = cast("alice");

	does(alice, lock.map("m"));
	is_killed_after_each_instruction(alice, "m", &row->act);
}

/* -- somebody waits for it ------------------------------------------------------------------ */

static void let_wait(void)
{
	waiter = bystander(lock_and_unlock);
}

static const char *audit_waiter(const struct death *death)
{
	int told;

	(void)death;
	if (bystander_returns(waiter) != 0)
		return "who waited for it never got it";
	return recover(&hall->mutex, &told);
}

#define UNLOCKING_BESIDE(make, before)                                                             \
	{                                                                                          \
		.name = "pthread_mutex_unlock", .enter = enter, .prepare = make,                   \
		.approach = before, .beside = let_wait, .act = unlock_it, .audit = audit_waiter    \
	}

static const struct row unlockings[] = {
	{"normal", UNLOCKING_BESIDE(make_normal, have_three)},
	{"recursive", UNLOCKING_BESIDE(make_recursive, have_three)},
	{"inheriting", UNLOCKING_BESIDE(make_inheriting, have_three)},
	{"made_consistent", UNLOCKING_BESIDE(leave_to_the_dead, have_three_made_consistent)},
};

TEST_EACH(lock, unlocker_killed_after_any_instruction_lets_the_waiter_in, unlockings)
{
	actor *alice = cast("alice");

	does(alice, lock.map("m"));
	is_killed_after_each_instruction(alice, "m", &row->act);
}

/* The actor has it; the victim waits, and behind him another. */
static void have_normal(void)
{
	make_normal();
	must_be(lock_it(), 0);
}

static void have_inheriting(void)
{
	make_inheriting();
	must_be(lock_it(), 0);
}

static void let_wait_and_unlock(void)
{
	let_wait();
	must_be(unlock_it(), 0);
}

static const char *audit_woken(const struct death *death)
{
	if (!death->was_roused)
		let_wait_and_unlock();
	return audit_waiter(death);
}

#define WAITING(called, make, how)                                                                 \
	{                                                                                          \
		.name = called, .enter = enter, .prepare = make, .approach = have_earlier,         \
		.act = how, .rouse = let_wait_and_unlock, .audit = audit_woken                     \
	}

static const struct row waits[] = {
	{"lock", WAITING("pthread_mutex_lock", have_normal, lock_it)},
	{"lock_inheriting", WAITING("pthread_mutex_lock", have_inheriting, lock_it)},
	{"timedlock", WAITING("pthread_mutex_timedlock", have_normal, lock_it_in_time)},
	{"timedlock_inheriting",
	 WAITING("pthread_mutex_timedlock", have_inheriting, lock_it_in_time)},
};

TEST_EACH(lock, waiter_killed_after_any_instruction_leaves_the_mutex_to_the_next, waits)
{
	actor *alice = cast("alice");

	does(alice, lock.map("m"));
	is_killed_after_each_instruction(alice, "m", &row->act);
}
