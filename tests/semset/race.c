/* SPDX-License-Identifier: MIT */
/* Semaphore sets that several operate on at once. */
#include "race/race.h"

#include <sys/ipc.h>
#include <sys/sem.h>

struct set {
	key_t key;
	int id;
};

static int set_all(const struct set *set, unsigned short one, unsigned short other)
{
	unsigned short values[] = {one, other};

	return impl->semset->semctl(set->id, 0, SETALL, (union semset_argument){.array = values});
}

static bool make(struct set *set, unsigned short one, unsigned short other)
{
	set->id = impl->semset->semget(race_key(), 2, IPC_CREAT | IPC_EXCL | 0600);
	return set->id >= 0 && set_all(set, one, other) == 0;
}

static bool make_forks(void *world)
{
	return make(world, 1, 1);
}

static void remove_set(void *world)
{
	struct set *set = world;

	impl->semset->semctl(set->id, 0, IPC_RMID, (union semset_argument){0});
}

static long long operate(void *world, unsigned short first, short one, unsigned short second,
			 short other)
{
	struct set *set = world;
	struct sembuf operations[] = {{first, one, 0}, {second, other, 0}};

	return answer(impl->semset->semop(set->id, operations, 2));
}

static long long eat(void *world, unsigned short first, unsigned short second)
{
	long long failure = operate(world, first, -1, second, -1);

	return failure ? failure : operate(world, first, 1, second, 1);
}

static long long eat_with_left(void *world)
{
	return eat(world, 0, 1);
}

static long long eat_with_right(void *world)
{
	return eat(world, 1, 0);
}

static long long values(void *world)
{
	struct set *set = world;
	unsigned short all[2] = {9, 9};

	impl->semset->semctl(set->id, 0, GETALL, (union semset_argument){.array = all});
	return all[0] * 10 + all[1];
}

RACE(semset, two_forks_are_taken_at_once) = {
	.text = "who takes two at once, in whatever order, never has one and waits for the other",
	.world = sizeof(struct set),
	.make = make_forks,
	.roles = {{"alice", eat_with_left}, {"bob", eat_with_right}, {"carol", eat_with_left}},
	.after = values,
	.remove = remove_set,
	.outcomes = {{"0 0 0 | 11", ALLOWED, "one after the other"}},
};

/* -- waits for zero ---------------------------------------------------------------------------- */

static bool make_two(void *world)
{
	return make(world, 2, 0);
}

static long long await_zero(void *world)
{
	struct set *set = world;

	return answer(impl->semset->semop(set->id, &(struct sembuf){0, 0, 0}, 1));
}

static long long take_one(void *world)
{
	struct set *set = world;

	return answer(impl->semset->semop(set->id, &(struct sembuf){0, -1, 0}, 1));
}

static long long values_and_again(void *world)
{
	long long result = values(world);

	set_all(world, 2, 0);
	return result;
}

RACE(semset, who_waits_for_zero_is_woken) = {
	.text = "two take what there is, and who waits for zero goes on",
	.world = sizeof(struct set),
	.make = make_two,
	.roles = {{"waiter", await_zero}, {"alice", take_one}, {"bob", take_one}},
	.after = values_and_again,
	.remove = remove_set,
	.outcomes = {{"0 0 0 | 0", ALLOWED, "it is zero"}},
};

/* -- one lets the next go on ------------------------------------------------------------------- */

static bool make_none(void *world)
{
	return make(world, 0, 0);
}

static long long pass_on(void *world)
{
	return operate(world, 0, -1, 1, 1);
}

static long long take_other(void *world)
{
	struct set *set = world;

	return answer(impl->semset->semop(set->id, &(struct sembuf){1, -1, 0}, 1));
}

static long long give_one(void *world)
{
	struct set *set = world;

	return answer(impl->semset->semop(set->id, &(struct sembuf){0, 1, 0}, 1));
}

RACE(semset, who_goes_on_lets_the_next_go_on) = {
	.text = "one waits for what another gives as soon as he gets what he waits for",
	.world = sizeof(struct set),
	.make = make_none,
	.roles = {{"last", take_other}, {"middle", pass_on}, {"first", give_one}},
	.after = values,
	.remove = remove_set,
	.outcomes = {{"0 0 0 | 0", ALLOWED, "all went on"}},
};

/* -- making ------------------------------------------------------------------------------------ */

static bool make_key(void *world)
{
	struct set *set = world;

	set->key = race_key();
	return true;
}

static long long get_new(void *world)
{
	struct set *set = world;

	return impl->semset->semget(set->key, 1, IPC_CREAT | IPC_EXCL | 0600) < 0 ? answer(-1) : 0;
}

static long long remove_key(void *world)
{
	struct set *set = world;
	int id = impl->semset->semget(set->key, 0, 0);

	if (id < 0)
		return answer(-1);
	return answer(impl->semset->semctl(id, 0, IPC_RMID, (union semset_argument){0}));
}

RACE(semset, one_of_two_gets_a_new_set) = {
	.text = "of two who make a key's set exclusively one does",
	.world = sizeof(struct set),
	.make = make_key,
	.roles = {{"alice", get_new}, {"bob", get_new}},
	.after = remove_key,
	.outcomes = {{"0 -EEXIST | 0", ALLOWED, "alice did"},
		     {"-EEXIST 0 | 0", ALLOWED, "bob did"}},
};

/* -- deaths ------------------------------------------------------------------------------------ */

/* What is undone is told by the whole set: 11, if all is as it was. */
static long long hold_for_a_while(void *world)
{
	struct set *set = world;
	struct sembuf take[] = {{0, -1, SEM_UNDO}, {1, -1, SEM_UNDO}};
	struct sembuf give[] = {{0, 1, SEM_UNDO}, {1, 1, SEM_UNDO}};

	if (impl->semset->semop(set->id, take, 2) < 0)
		return answer(-1);
	race_step("holds both");
	return answer(impl->semset->semop(set->id, give, 2));
}

RACE(semset, what_the_dead_have_taken_comes_back) = {
	.text = "with SEM_UNDO whoever dies has taken all or nothing, and others get it",
	.world = sizeof(struct set),
	.make = make_forks,
	.roles = {{"victim", hold_for_a_while},
		  {"alice", hold_for_a_while},
		  {"bob", eat_with_left}},
	.mortals = 1,
	.after = values,
	.remove = remove_set,
	.outcomes = {{"0 0 0 | 11", ALLOWED, "one after the other"},
		     {"killed 0 0 | 11", ALLOWED, "what the victim had is there again"}},
};
