/* SPDX-License-Identifier: MIT */
/* Segments that several make, attach and remove at once. */
#include "race/race.h"

#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

struct object {
	char name[RACE_NAME_MAX];
	key_t key;
	int id;
};

static bool make_name(void *world)
{
	struct object *object = world;

	race_name(object->name);
	object->key = race_key();
	return true;
}

static long long create(void *world)
{
	struct object *object = world;
	int fd = impl->shm->shm_open(object->name, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0)
		return answer(-1);
	impl->fd->close(fd);
	return 0;
}

static long long unlink_it(void *world)
{
	struct object *object = world;

	return answer(impl->shm->shm_unlink(object->name));
}

RACE(shm, one_of_two_creates_it) = {
	.text = "of two who create a name exclusively one does",
	.world = sizeof(struct object),
	.make = make_name,
	.roles = {{"alice", create}, {"bob", create}},
	.after = unlink_it,
	.outcomes = {{"0 -EEXIST | 0", ALLOWED, "alice did"},
		     {"-EEXIST 0 | 0", ALLOWED, "bob did"}},
};

static long long get_new(void *world)
{
	struct object *object = world;

	return impl->shm->shmget(object->key, 4096, IPC_CREAT | IPC_EXCL | 0600) < 0 ? answer(-1)
										     : 0;
}

static long long remove_key(void *world)
{
	struct object *object = world;
	int id = impl->shm->shmget(object->key, 0, 0);

	return id < 0 ? answer(-1) : answer(impl->shm->shmctl(id, IPC_RMID, NULL));
}

RACE(shm, one_of_two_gets_a_new_segment) = {
	.text = "of two who make a key's segment exclusively one does",
	.world = sizeof(struct object),
	.make = make_name,
	.roles = {{"alice", get_new}, {"bob", get_new}},
	.after = remove_key,
	.outcomes = {{"0 -EEXIST | 0", ALLOWED, "alice did"},
		     {"-EEXIST 0 | 0", ALLOWED, "bob did"}},
};

/* -- what is removed while others come and go -------------------------------------------------- */

static bool make_segment(void *world)
{
	struct object *object = world;

	object->id = impl->shm->shmget(race_key(), 4096, IPC_CREAT | IPC_EXCL | 0600);
	return object->id >= 0;
}

static void remove_segment(void *world)
{
	struct object *object = world;

	if (object->id >= 0)
		impl->shm->shmctl(object->id, IPC_RMID, NULL);
}

static long long attach(void *world)
{
	struct object *object = world;
	void *memory = impl->shm->shmat(object->id, NULL, 0);

	if (memory == (void *)-1)
		return answer(-1);
	long long *word = memory;
	*word = 1;
	race_step("attached");
	long long seen = *word;
	return impl->shm->shmdt(memory) < 0 ? answer(-1) : seen;
}

static long long remove_it(void *world)
{
	struct object *object = world;

	return answer(impl->shm->shmctl(object->id, IPC_RMID, NULL));
}

/* Nothing is, once all have detached; and there is another one. */
static long long is_there(void *world)
{
	struct object *object = world;
	struct shmid_ds status;
	long long result = answer(impl->shm->shmctl(object->id, IPC_STAT, &status));

	return make_segment(world) ? result : 1;
}

RACE(shm, what_is_attached_outlives_its_removal) = {
	.text = "who attaches a segment that is being removed has it, or is refused",
	.world = sizeof(struct object),
	.make = make_segment,
	.roles = {{"alice", attach}, {"bob", remove_it}},
	.after = is_there,
	.remove = remove_segment,
	.outcomes = {{"1 0 | -EINVAL", ALLOWED, "she came before, or while it was being removed"},
		     {"1 0 | -EIDRM", ALLOWED, "she came before, or while it was being removed"},
		     {"-EINVAL 0 | -EINVAL", ALLOWED, "she came after"},
		     {"-EIDRM 0 | -E*", ALLOWED, "she came after"},
		     {"-EINVAL 0 | -EIDRM", ALLOWED, "she came after"}},
};

/* -- deaths ----------------------------------------------------------------------------------- */

RACE(shm, who_dies_has_created_it_or_not) = {
	.text = "of two who create a name exclusively one is killed: one has, and it can be "
		"removed",
	.world = sizeof(struct object),
	.make = make_name,
	.roles = {{"victim", create}, {"alice", create}},
	.mortals = 1,
	.after = unlink_it,
	.outcomes = {{"0 -EEXIST | 0", ALLOWED, "nobody died"},
		     {"-EEXIST 0 | 0", ALLOWED, "nobody died"},
		     {"killed 0 | 0", ALLOWED, "alice did"},
		     {"killed -EEXIST | 0", ALLOWED, "the victim had"}},
};

RACE(shm, who_dies_has_got_a_segment_or_not) = {
	.text = "of two who make a key's segment one is killed: one has, and it can be removed",
	.world = sizeof(struct object),
	.make = make_name,
	.roles = {{"victim", get_new}, {"alice", get_new}},
	.mortals = 1,
	.after = remove_key,
	.outcomes = {{"0 -EEXIST | 0", ALLOWED, "nobody died"},
		     {"-EEXIST 0 | 0", ALLOWED, "nobody died"},
		     {"killed 0 | 0", ALLOWED, "alice did"},
		     {"killed -EEXIST | 0", ALLOWED, "the victim had"}},
};
