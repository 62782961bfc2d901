/* SPDX-License-Identifier: MIT */
/* Removing segments: the name goes at once, the memory when nobody uses it any more. */
#include "stage/story.h"

enum { NEW = IPC_CREAT | IPC_EXCL | 0600 };

static op attempt_attach(void)
{
	return shm.attach("s", "m", 0);
}

static op attempt_stat(void)
{
	return shm.stat("s");
}

static op attempt_set(void)
{
	return shm.set("s", 0, 0, 0600);
}

static op attempt_remove(void)
{
	return shm.remove("s");
}

static const struct {
	const char *name;
	op (*attempt)(void);
} attempts[] = {
	{"attach", attempt_attach},
	{"stat", attempt_stat},
	{"set", attempt_set},
	{"remove", attempt_remove},
};

TEST_EACH(shm, a_removed_identifier_is_invalid, attempts)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.remove("s"));
	does_fail(alice, row->attempt(), EINVAL);
}

TEST(shm, a_removed_key_leads_nowhere)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.remove("s"));
	does_fail(alice, shm.get("s", 0, 0), ENOENT);
}

TEST(shm, a_key_is_free_after_removal)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	long long id = outcome_of(alice)->value;
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "old"));
	does(alice, shm.detach("m"));
	does(alice, shm.remove("s"));
	does(alice, shm.get("s", 200, NEW));
	must(outcome_of(alice)->value != id);
	does_give(alice, shm.field("s", SEGMENT_SIZE), 200);
	does(alice, shm.attach("s", "m", 0));
	does_give(alice, shm.is_zero("m", 0, 200), 1);
}

TEST(shm, removal_waits_for_the_last_detach)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	actor *bob = forks(alice, "bob");
	does(alice, shm.remove("s"));
	does(alice, shm.write("m", 0, "still shared"));
	does_give(bob, shm.read("m", 0, 12), "still shared");
	does_give(alice, shm.nattch("s"), 2);
	does(alice, shm.detach("m"));
	does_give(alice, shm.nattch("s"), 1);
	does_give(bob, shm.read("m", 0, 12), "still shared");
	does(bob, shm.detach("m"));
	does_fail(alice, shm.stat("s"), EINVAL);
}

TEST(shm, a_doomed_segment_is_marked)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.remove("s"));
	does_give(alice, shm.field("s", SEGMENT_MODE), SHM_DEST | 0600);
}

TEST(shm, a_doomed_segment_gives_up_its_key)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	does(alice, shm.get("s", 100, NEW));
	long long id = outcome_of(alice)->value;
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "old"));
	does(alice, shm.remove("s"));
	does_fail(bob, shm.get("s", 0, 0), ENOENT);
	does(bob, shm.get("s", 100, NEW));
	must(outcome_of(bob)->value != id);
	does(bob, shm.attach("s", "m", 0));
	does_give(bob, shm.is_zero("m", 0, 100), 1);
	does(bob, shm.write("m", 0, "new"));
	does_give(alice, shm.read("m", 0, 3), "old");
}

TEST(shm, a_doomed_segment_can_be_attached_by_identifier)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.get("s", 100, NEW));
	does(bob, shm.get("s", 0, 0));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "come in"));
	does(alice, shm.remove("s"));
	does(bob, shm.attach("s", "m", 0));
	does_give(bob, shm.read("m", 0, 7), "come in");
	does_give(bob, shm.nattch("s"), 2);
}

TEST(shm, a_doomed_segment_is_inherited)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.remove("s"));
	actor *bob = forks(alice, "bob");
	does_give(alice, shm.nattch("s"), 2);
	does(alice, shm.write("m", 0, "heritage"));
	does(alice, shm.detach("m"));
	does_give(bob, shm.read("m", 0, 8), "heritage");
	does_give(bob, shm.nattch("s"), 1);
}

static const struct {
	const char *name;
	enum { EXIT, KILL, EXEC } end;
} ends[] = {{"exit", EXIT}, {"kill", KILL}, {"exec", EXEC}};

TEST_EACH(shm, a_doomed_segment_goes_with_its_last_user, ends)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.get("s", 100, NEW));
	does(bob, shm.get("s", 0, 0));
	does(bob, shm.attach("s", "m", 0));
	does(alice, shm.remove("s"));
	does_give(alice, shm.nattch("s"), 1);
	if (row->end == EXIT)
		exits(bob, 0);
	else if (row->end == KILL)
		dies(bob);
	else
		execs(bob);
	does_fail(alice, shm.stat("s"), EINVAL);
}

TEST(shm, removing_again_takes_nothing_from_its_users)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "mine"));
	does(alice, shm.remove("s"));
	for (int i = 0; i < 3; i++) {
		begin(alice, shm.remove("s"));
		returns(alice);
	}
	does(alice, shm.make_private("t", 100, 0600));
	does(alice, shm.attach("t", "n", 0));
	does(alice, shm.write("n", 0, "other"));
	does_give(alice, shm.read("m", 0, 4), "mine");
	actor *bob = forks(alice, "bob");
	does(bob, shm.write("m", 0, "ours"));
	does_give(alice, shm.read("m", 0, 4), "ours");
	does_give(alice, shm.read("n", 0, 5), "other");
}

TEST(shm, who_is_frozen_keeps_its_memory)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(bob, shm.get("s", 0, 0));
	does(bob, shm.attach("s", "m", 0));
	freeze(bob);
	does(alice, shm.write("m", 0, "for later"));
	does(alice, shm.remove("s"));
	does(alice, shm.detach("m"));
	does_give(alice, shm.nattch("s"), 1);
	thaw(bob);
	does_give(bob, shm.read("m", 0, 9), "for later");
}

/* -- storms ----------------------------------------------------------------------------------- */

enum { STORMS = 150 };

static void meet(uint64_t count)
{
	shared()[0]++;
	while (shared()[0] < count)
		continue;
}

/* Makes, attaches, writes, checks, detaches and removes, again and again. */
static long long make_and_use(const char *text, const long long *n)
{
	meet((uint64_t)n[0]);
	for (int i = 0; i < STORMS; i++) {
		int id = impl->shm->shmget(key_of(text), 100, IPC_CREAT | 0600);
		must(id >= 0);
		char *memory = impl->shm->shmat(id, NULL, 0);
		if (memory != (char *)-1) {
			memory[n[1]] = (char)i;
			must_be(memory[n[1]], (char)i);
			must_be(impl->shm->shmdt(memory), 0);
		} else {
			/* the other has removed it */
			must(errno == EINVAL || errno == EIDRM);
		}
		if (impl->shm->shmctl(id, IPC_RMID, NULL) < 0)
			must(errno == EINVAL || errno == EIDRM);
	}
	return 0;
}

TEST(shm, makers_and_removers_get_ahead_together)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	begin(alice, call(make_and_use, "s", 2, 0, 0));
	begin(bob, call(make_and_use, "s", 2, 1, 0));
	succeeds(alice);
	succeeds(bob);
	does_fail(alice, shm.get("s", 0, 0), ENOENT);
}

static long long attach_and_detach(const char *text, const long long *n)
{
	int id = (int)handle_number(text);
	char *keeper = impl->shm->shmat(id, NULL, 0);

	must(keeper != (char *)-1);
	meet((uint64_t)n[0]);
	for (int i = 0; i < STORMS; i++) {
		char *memory = impl->shm->shmat(id, NULL, i % 2 ? SHM_RDONLY : 0);
		must(memory != (char *)-1);
		must_be(memory[0], 0);
		must_be(impl->shm->shmdt(memory), 0);
	}
	return impl->shm->shmdt(keeper);
}

TEST(shm, counting_attaches_loses_none)
{
	actor *alice = cast("alice"), *users[3];

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	for (int i = 0; i < 3; i++) {
		users[i] = forks(alice, "user");
		begin(users[i], call(attach_and_detach, "s", 3, 0, 0));
	}
	for (int i = 0; i < 3; i++)
		succeeds(users[i]);
	does_give(alice, shm.nattch("s"), 4);
	for (int i = 0; i < 3; i++)
		dies(users[i]);
	does_give(alice, shm.nattch("s"), 1);
	does(alice, shm.remove("s"));
	does(alice, shm.detach("m"));
	does_fail(alice, shm.stat("s"), EINVAL);
}
