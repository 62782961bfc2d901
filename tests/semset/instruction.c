/* SPDX-License-Identifier: MIT */
/* Semaphore sets, and whoever is killed after whatever instruction of semop. */
#include "stage/instruction.h"

#include "stage/story.h"

/* What there is at first: three units of the one, none of the other. */
enum { UNITS = 3 };

static int id;
static pid_t waiter;

static void enter(const char *text)
{
	id = (int)handle_number(text);
}

static void set(unsigned short one, unsigned short other)
{
	unsigned short values[] = {one, other};

	must_be(entry(semset, semctl)(id, 0, SETALL, (union semset_argument){.array = values}), 0);
}

static void set_units(void)
{
	set(UNITS, 0);
}

static void set_one(void)
{
	set(1, 0);
}

static void set_none(void)
{
	set(0, 0);
}

static bool has(unsigned short one, unsigned short other)
{
	unsigned short values[] = {0xEEEE, 0xEEEE};

	must_be(entry(semset, semctl)(id, 0, GETALL, (union semset_argument){.array = values}), 0);
	return values[0] == one && values[1] == other;
}

/* -- what is done with it ------------------------------------------------------------------- */

static int operate(short by, short by_other, short flags)
{
	struct sembuf both[] = {{0, by, flags}, {1, by_other, flags}};

	return entry(semset, semop)(id, both, by_other ? 2 : 1) == 0 ? 0 : errno;
}

static int take(void)
{
	return operate(-1, 0, SEM_UNDO);
}

static int give(void)
{
	return operate(1, 0, SEM_UNDO);
}

static int move(void)
{
	return operate(-1, 1, SEM_UNDO);
}

static int move_for_good(void)
{
	return operate(-1, 1, 0);
}

static int take_for_good(void)
{
	return operate(-1, 0, 0);
}

static void have_one(void)
{
	must_be(take(), 0);
}

static void have_moved_one(void)
{
	must_be(move(), 0);
}

/* -- what must be afterwards ---------------------------------------------------------------- */

static const char *complain_of_values(void)
{
	return "its values are not what they have to be";
}

static const char *audit_undone(const struct death *death)
{
	if (death->came_through && death->result != 0)
		return "the operation failed";
	return has(UNITS, 0) ? NULL : complain_of_values();
}

/* Without SEM_UNDO it has happened, both at once, or it hasn't. */
static const char *audit_whole(const struct death *death)
{
	if (death->came_through && death->result != 0)
		return "the operation failed";
	if (has(UNITS - 1, 1) || (!death->came_through && has(UNITS, 0)))
		return NULL;
	return complain_of_values();
}

struct row {
	const char *name;
	struct last_act act;
};

#define ALONE(before, how)                                                                         \
	{                                                                                          \
		.name = "semop", .enter = enter, .prepare = set_units, .approach = before,         \
		.act = how, .audit = audit_undone                                                  \
	}

static const struct row undone[] = {
	{"take", ALONE(NULL, take)},	      {"give", ALONE(NULL, give)},
	{"move", ALONE(NULL, move)},	      {"take_again", ALONE(have_one, take)},
	{"give_back", ALONE(have_one, give)}, {"move_again", ALONE(have_moved_one, move)},
};

TEST_EACH(semset, undo_is_exact_after_a_kill_at_any_instruction, undone)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 0"));
	is_killed_after_each_instruction(alice, "s", &row->act);
}

TEST(semset, operations_are_whole_after_a_kill_at_any_instruction)
{
	static const struct last_act act = {
		.name = "semop",
		.enter = enter,
		.prepare = set_units,
		.act = move_for_good,
		.audit = audit_whole,
	};
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 0"));
	is_killed_after_each_instruction(alice, "s", &act);
}

/* -- somebody waits ------------------------------------------------------------------------- */

static void let_wait(void)
{
	waiter = bystander(take_for_good);
}

/* There is one unit, and it is his who lives. */
static const char *audit_waiter(const struct death *death)
{
	if (death->came_through && death->result != 0)
		return "the operation failed";
	if (bystander_returns(waiter) != 0)
		return "who waited for the unit never got it";
	return has(0, 0) ? NULL : complain_of_values();
}

static void let_wait_and_give(void)
{
	let_wait();
	must_be(operate(1, 0, 0), 0);
}

static const char *audit_woken(const struct death *death)
{
	if (!death->was_roused)
		let_wait_and_give();
	return audit_waiter(death);
}

static const struct row waited_for[] = {
	{"give_back",
	 {.name = "semop",
	  .enter = enter,
	  .prepare = set_one,
	  .approach = have_one,
	  .beside = let_wait,
	  .act = give,
	  .audit = audit_waiter}},
	{"take",
	 {.name = "semop",
	  .enter = enter,
	  .prepare = set_none,
	  .act = take,
	  .rouse = let_wait_and_give,
	  .audit = audit_woken}},
};

TEST_EACH(semset, unit_of_the_dead_is_the_waiters_after_a_kill_at_any_instruction, waited_for)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 0"));
	is_killed_after_each_instruction(alice, "s", &row->act);
}
