/* SPDX-License-Identifier: MIT */
#include "fault/campaign/campaign.h"
#include "fault/campaign/world.h"

enum { SIZE = 10000, LARGE = 800000, NEW = O_RDWR | O_CREAT | O_EXCL };

static long long has_segment(const char *s, const long long *n)
{
	bool is_there = impl->shm->shmget(key_of(s), 0, 0) >= 0;

	(void)n;
	must(is_there || errno == ENOENT);
	return is_there;
}

/* Whether there is a segment of this identifier, with a key or without. */
static long long exists(const char *s, const long long *n)
{
	struct shmid_ds status;
	bool is_there = impl->shm->shmctl((int)handle_number(s), IPC_STAT, &status) == 0;

	(void)n;
	must(is_there || errno == EINVAL || errno == EIDRM);
	return is_there;
}

static long long has_object(const char *o, const long long *n)
{
	int number = impl->shm->shm_open(name_of(o), O_RDWR, 0);

	(void)n;
	must(number >= 0 || errno == ENOENT);
	return number >= 0 && impl->fd->close(number) == 0;
}

static long long count_segments(const char *text, const long long *n)
{
	union {
		struct shm_info info;
		struct shmid_ds status;
	} all;

	(void)text;
	(void)n;
	return impl->shm->shmctl(0, SHM_INFO, &all.status) < 0 ? -1 : all.info.used_ids;
}

static void make(actor *a)
{
	does(a, shm.get("s", SIZE, IPC_CREAT | IPC_EXCL | 0600));
}

/* What one writes the other reads; and then nobody is attached. */
static void share(actor *a, actor *other)
{
	does(a, shm.attach("s", "m", 0));
	does(other, shm.attach("s", "n", 0));
	does_give(a, shm.nattch("s"), 2);
	does(a, shm.write("m", SIZE - 5, "hello"));
	does_give(other, shm.read("n", SIZE - 5, 5), "hello");
	does(a, shm.detach("m"));
	does(other, shm.detach("n"));
	does_give(a, shm.nattch("s"), 0);
}

/* -- segments --------------------------------------------------------------------------------- */

CAMPAIGN(shm, make, "a segment that is made is there and empty, or isn't")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");

	suffers(victim, shm.get("s", SIZE, IPC_CREAT | IPC_EXCL | 0600));
	bool is_there = happened(alice, call(has_segment, "s", 0, 0, 0), 0, 1);
	does(alice, shm.get("s", SIZE, is_there ? 0 : IPC_CREAT | IPC_EXCL | 0600));
	does(bob, shm.get("s", SIZE, 0));
	does_give(alice, shm.field("s", SEGMENT_SIZE), SIZE);
	share(alice, bob);
	does(alice, shm.remove("s"));
	leaves_nothing(alice);
}

CAMPAIGN(shm, find, "a segment is found, or it stays as it is for who comes later")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");

	make(alice);
	suffers(victim, shm.get("s", SIZE, 0));
	does(bob, shm.get("s", SIZE, 0));
	share(alice, bob);
	does(alice, shm.remove("s"));
	leaves_nothing(alice);
}

CAMPAIGN(shm, attach, "who attaches is counted as long as he is attached, and never else")
{
	actor *alice = cast_alone("alice");

	make(alice);
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	suffers(victim, shm.attach("s", "m", 0));
	/* it is not known that there is a lock in it */
	must(refusal() != ENOLCK);
	if (happened(alice, shm.nattch("s"), 0, 1)) {
		does_give(alice, shm.field("s", SEGMENT_LPID), pid_of(victim));
		does_give(victim, shm.is_zero("m", 0, SIZE), 1);
		does(victim, shm.detach("m"));
	}
	share(alice, bob);
	does(alice, shm.remove("s"));
	leaves_nothing(alice);
}

CAMPAIGN(shm, attach_at, "who attaches at an address has it there, or what was there before")
{
	actor *alice = cast_alone("alice");

	make(alice);
	actor *victim = forks(alice, "victim");
	does(victim, shm.attach("s", "m", 0));
	does(victim, shm.write("m", 0, "hello"));
	suffers(victim, shm.attach_at("s", "m", 0, SHM_REMAP));
	does_give(alice, shm.nattch("s"), ending() == DIED ? 0 : 1);
	if (ending() != DIED) {
		does_give(victim, shm.read("m", 0, 5), "hello");
		does(victim, shm.detach("m"));
	}
	does(alice, shm.remove("s"));
	leaves_nothing(alice);
}

CAMPAIGN(shm, detach, "who detaches is counted no more")
{
	actor *alice = cast_alone("alice");

	make(alice);
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	does(victim, shm.attach("s", "m", 0));
	suffers(victim, shm.detach("m"));
	happened(alice, shm.nattch("s"), 1, 0);
	does_give(alice, shm.nattch("s"), 0);
	share(alice, bob);
	does(alice, shm.remove("s"));
	leaves_nothing(alice);
}

CAMPAIGN(shm, detach_last, "a segment that was removed is gone with the last who was attached")
{
	actor *alice = cast_alone("alice");

	make(alice);
	actor *victim = forks(alice, "victim");
	does(victim, shm.attach("s", "m", 0));
	does(alice, shm.remove("s"));
	does_give(alice, call(exists, "s", 0, 0, 0), 1);
	suffers(victim, shm.detach("m"));
	happened(alice, call(exists, "s", 0, 0, 0), 1, 0);
	does_give(alice, call(exists, "s", 0, 0, 0), 0);
	leaves_nothing(alice);
}

CAMPAIGN(shm, remove, "a segment that is removed is no more")
{
	actor *alice = cast_alone("alice");

	make(alice);
	actor *victim = forks(alice, "victim");
	suffers(victim, shm.remove("s"));
	if (!happened(alice, call(has_segment, "s", 0, 0, 0), 1, 0)) {
		/* with its memory */
		does(alice, shm.attach("s", "m", 0));
		does(alice, shm.write("m", 0, "hello"));
		does(alice, shm.detach("m"));
		does(alice, shm.remove("s"));
	}
	does_give(alice, call(exists, "s", 0, 0, 0), 0);
	leaves_nothing(alice);
	make(alice);
	does_give(alice, shm.nattch("s"), 0);
}

CAMPAIGN(shm, remove_attached, "a segment that is removed has no key, and stays while it is used")
{
	actor *alice = cast_alone("alice");

	make(alice);
	actor *victim = forks(alice, "victim"), *bob = forks(alice, "bob");
	does(bob, shm.attach("s", "m", 0));
	does(bob, shm.write("m", 0, "hello"));
	suffers(victim, shm.remove("s"));
	if (!happened(alice, call(has_segment, "s", 0, 0, 0), 1, 0))
		does(alice, shm.remove("s"));
	does_give(alice, shm.nattch("s"), 1);
	does(alice, shm.attach("s", "n", 0));
	does_give(alice, shm.read("n", 0, 5), "hello");
	does(alice, shm.detach("n"));
	does(bob, shm.detach("m"));
	does_give(alice, call(exists, "s", 0, 0, 0), 0);
	leaves_nothing(alice);
}

CAMPAIGN(shm, inherit,
	 "what the last heir of a removed segment leaves, the next to come clears away")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	make(alice);
	actor *heir = forks(alice, "heir");
	does(heir, shm.attach("s", "m", 0));
	does(alice, shm.remove("s"));
	dies(heir);
	suffers(victim, shm.get("t", SIZE, IPC_CREAT | IPC_EXCL | 0600));
	if (happened(alice, call(has_segment, "t", 0, 0, 0), 0, 1))
		does(alice, shm.get("t", SIZE, 0));
	else
		does(alice, shm.get("t", SIZE, IPC_CREAT | IPC_EXCL | 0600));
	does(alice, shm.remove("t"));
	does_give(alice, call(exists, "s", 0, 0, 0), 0);
	leaves_nothing(alice);
}

CAMPAIGN(shm, make_in_little_room, "the memory that only the dead have is had by who needs it")
{
	/* for the registry and one segment */
	actor *alice = cast_confined("alice", 1500000);
	actor *victim = forks(alice, "victim");

	does(alice, shm.get("s", LARGE, IPC_CREAT | IPC_EXCL | 0600));
	actor *heir = forks(alice, "heir");
	does(heir, shm.attach("s", "m", 0));
	does(alice, shm.remove("s"));
	does_fail(victim, shm.get("t", LARGE, IPC_CREAT | IPC_EXCL | 0600), ENOMEM);
	does_give(alice, call(has_segment, "t", 0, 0, 0), 0);
	dies(heir);
	suffers(victim, shm.get("t", LARGE, IPC_CREAT | IPC_EXCL | 0600));
	bool is_there = happened(alice, call(has_segment, "t", 0, 0, 0), 0, 1);
	does(alice, shm.get("t", LARGE, is_there ? 0 : IPC_CREAT | IPC_EXCL | 0600));
	does(alice, shm.attach("t", "m", 0));
	does_give(alice, shm.is_zero("m", 0, LARGE), 1);
	does(alice, shm.detach("m"));
	does(alice, shm.remove("t"));
	leaves_nothing(alice);
}

CAMPAIGN(shm, stat, "who looks is told how many are attached, or nothing, and changes nothing")
{
	actor *alice = cast_alone("alice");

	make(alice);
	actor *victim = forks(alice, "victim");
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.remove("s"));
	suffers(victim, shm.nattch("s"));
	must(ending() != SUCCEEDED || outcome_of(victim)->value == 1);
	does_give(alice, shm.nattch("s"), 1);
	does(alice, shm.detach("m"));
	does_give(alice, call(exists, "s", 0, 0, 0), 0);
	leaves_nothing(alice);
}

CAMPAIGN(shm, usage, "how many segments there are is told as it is, or not at all")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	make(alice);
	suffers(victim, call(count_segments, "", 0, 0, 0));
	must(ending() != SUCCEEDED || !impl->enter || outcome_of(victim)->value == 1);
	does(alice, shm.remove("s"));
	leaves_nothing(alice);
}

CAMPAIGN(shm, set_mode, "the mode of a segment is changed, or as it was")
{
	actor *alice = cast("alice");

	make(alice);
	actor *victim = forks(alice, "victim");
	suffers(victim, shm.set("s", geteuid(), getegid(), 0640));
	if (!happened(alice, shm.field("s", SEGMENT_MODE), 0600, 0640))
		does(alice, shm.set("s", geteuid(), getegid(), 0640));
	does_give(alice, shm.field("s", SEGMENT_MODE), 0640);
}

/* -- objects ---------------------------------------------------------------------------------- */

CAMPAIGN(shm, open, "an object that is made by name is there, or isn't")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	suffers(victim, shm.open("o", NEW));
	bool is_there = happened(alice, call(has_object, "o", 0, 0, 0), 0, 1);
	does(alice, shm.open("o", is_there ? O_RDWR : NEW));
	does_give(alice, shm.size("o"), 0);
	does(alice, shm.resize("o", SIZE));
	does(alice, shm.unlink("o"));
	leaves_nothing(alice);
}

CAMPAIGN(shm, unlink, "an object has its name, or has none; who has it open goes on with it")
{
	actor *alice = cast_alone("alice");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", SIZE));
	actor *victim = forks(alice, "victim");
	suffers(victim, shm.unlink("o"));
	if (!happened(alice, call(has_object, "o", 0, 0, 0), 1, 0))
		does(alice, shm.unlink("o"));
	leaves_nothing(alice);
	does_give(alice, shm.size("o"), SIZE);
}
