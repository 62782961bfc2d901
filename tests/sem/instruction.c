/* SPDX-License-Identifier: MIT */
/* Semaphores, and whoever is killed after whatever instruction of a wait or a post. */
#include "stage/instruction.h"

#include <string.h>

#include "stage/story.h"

enum { FEW = 3 };

static sem_t *semaphore;
static int first; /* the value that the victim finds */
static pid_t waiter;

static void enter(const char *text)
{
	semaphore = handle_pointer(text);
}

static void make(int value)
{
	memset(semaphore, 0, sizeof(*semaphore));
	must_be(entry(sem, sem_init)(semaphore, 1, (unsigned)value), 0);
	first = value;
}

static void make_few(void)
{
	make(FEW);
}

static void make_one(void)
{
	make(1);
}

static void make_none(void)
{
	make(0);
}

/* -- what is done with it ------------------------------------------------------------------- */

static int wait_for_it(void)
{
	return impl->sem->sem_wait(semaphore);
}

static int try_it(void)
{
	return impl->sem->sem_trywait(semaphore);
}

static int wait_for_it_in_time(void)
{
	static const struct timespec far_away = {2000000000, 0};

	return impl->sem->sem_timedwait(semaphore, &far_away);
}

static int post_it(void)
{
	return impl->sem->sem_post(semaphore);
}

static int value(void)
{
	int it = -1;

	must_be(impl->sem->sem_getvalue(semaphore, &it), 0);
	return it;
}

/* -- what must be afterwards ---------------------------------------------------------------- */

/* There are as many as its value says, which is one of the two; and it counts on. */
static const char *audit_count(int low, int high)
{
	int told = value(), had = 0;

	while (had <= high && try_it() == 0)
		had++;
	if (had < low || had > high)
		return "its count is neither what it was nor what it was to be";
	if (had != told)
		return "its value is not how often it can be had";
	if (post_it() != 0 || value() != 1 || try_it() != 0 || value() != 0)
		return "it does not count any more";
	return NULL;
}

static const char *audit_wait(const struct death *death)
{
	if (death->came_through && (death->result != 0 || value() != first - 1))
		return "the wait has not taken one";
	return audit_count(first - 1, first);
}

static const char *audit_post(const struct death *death)
{
	if (death->came_through && (death->result != 0 || value() != first + 1))
		return "the post has not given one";
	return audit_count(first, first + 1);
}

struct row {
	const char *name;
	struct last_act act;
};

/* -- nobody else is there ------------------------------------------------------------------- */

#define ALONE(called, make, how, after)                                                            \
	{                                                                                          \
		.name = called, .enter = enter, .prepare = make, .act = how, .audit = after        \
	}

/* -- others wait ---------------------------------------------------------------------------- */

static void let_wait(void)
{
	waiter = bystander(wait_for_it);
}

/* One more than the victim may have posted, so that the waiter surely comes back. */
static const char *audit_post_beside(const struct death *death)
{
	if (!death->came_through && post_it() != 0)
		return "the next can't post";
	if (bystander_returns(waiter) != 0)
		return "who waited does not come back when another posts";
	return audit_count(0, death->came_through ? 0 : 1);
}

/* The victim waits, another behind it, and somebody posts: one of them has that. */
static void let_wait_and_post(void)
{
	let_wait();
	must_be(post_it(), 0);
}

/* And if it is not the living one, then the next post is his. */
static const char *audit_woken(const struct death *death)
{
	if (!death->was_roused)
		let_wait_and_post();
	else if (post_it() != 0)
		return "the next can't post";
	if (bystander_returns(waiter) != 0)
		return "who waited does not come back when another posts";
	return audit_count(0, death->was_roused && !death->came_through ? 1 : 0);
}

static const struct row acts[] = {
	{"wait", ALONE("sem_wait", make_few, wait_for_it, audit_wait)},
	{"wait_for_the_last", ALONE("sem_wait", make_one, wait_for_it, audit_wait)},
	{"trywait", ALONE("sem_trywait", make_one, try_it, audit_wait)},
	{"timedwait", ALONE("sem_timedwait", make_one, wait_for_it_in_time, audit_wait)},
	{"post", ALONE("sem_post", make_few, post_it, audit_post)},
	{"first_post", ALONE("sem_post", make_none, post_it, audit_post)},
	{"post_to_a_waiter",
	 {.name = "sem_post",
	  .enter = enter,
	  .prepare = make_none,
	  .beside = let_wait,
	  .act = post_it,
	  .audit = audit_post_beside}},
	{"wait_with_another",
	 {.name = "sem_wait",
	  .enter = enter,
	  .prepare = make_none,
	  .act = wait_for_it,
	  .rouse = let_wait_and_post,
	  .audit = audit_woken}},
	{"timedwait_with_another",
	 {.name = "sem_timedwait",
	  .enter = enter,
	  .prepare = make_none,
	  .act = wait_for_it_in_time,
	  .rouse = let_wait_and_post,
	  .audit = audit_woken}},
};

TEST_EACH(sem, count_survives_a_kill_after_any_instruction, acts)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	is_killed_after_each_instruction(alice, "s", &row->act);
}

/* -- what is there is had by who waits ------------------------------------------------------ */

static const char *audit_post_is_had(const struct death *death)
{
	/* one that is there is his, though who gave it is dead; else he may wait still, or be awake
	 */
	if (value() == 0 && !death->came_through)
		must_be(post_it(), 0);
	if (bystander_returns(waiter) != 0)
		return "who waits for it sleeps on, though it could be had";
	return audit_count(0, death->came_through ? 0 : 1);
}

static const char *audit_what_is_left_is_had(const struct death *death)
{
	if (!death->was_roused)
		let_wait_and_post();
	else if (value() == 0)
		must_be(post_it(), 0); /* the dead one has taken it */
	if (bystander_returns(waiter) != 0)
		return "who waits for it sleeps on, though it could be had";
	return audit_count(0, 1);
}

static const struct row wakes[] = {
	{"post",
	 {.name = "sem_post",
	  .enter = enter,
	  .prepare = make_none,
	  .beside = let_wait,
	  .act = post_it,
	  .audit = audit_post_is_had}},
	{"wait",
	 {.name = "sem_wait",
	  .enter = enter,
	  .prepare = make_none,
	  .act = wait_for_it,
	  .rouse = let_wait_and_post,
	  .audit = audit_what_is_left_is_had}},
};

TEST_EACH(sem, wakeup_survives_a_kill_after_any_instruction, wakes)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	is_killed_after_each_instruction(alice, "s", &row->act);
}
