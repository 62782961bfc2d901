/* SPDX-License-Identifier: MIT */
#include "fault/campaign/campaign.h"
#include "fault/campaign/world.h"

static long long has_set(const char *s, const long long *n)
{
	bool is_there = impl->semset->semget(key_of(s), 0, 0) >= 0;

	(void)n;
	must(is_there || errno == ENOENT);
	return is_there;
}

static long long mode_of(const char *s, const long long *n)
{
	struct semid_ds status;
	union semset_argument argument = {.buf = &status};

	(void)n;
	if (impl->semset->semctl((int)handle_number(s), 0, IPC_STAT, argument) < 0)
		return -1;
	return status.sem_perm.mode;
}

static long long count_semaphores(const char *text, const long long *n)
{
	struct seminfo info;
	union semset_argument argument = {.info = &info};

	(void)text;
	(void)n;
	return impl->semset->semctl(0, 0, SEM_INFO, argument) < 0 ? -1 : info.semaem;
}

CAMPAIGN(semset, operate, "the operations of one semop happen all, or none")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 1"));
	actor *victim = forks(alice, "victim");
	suffers(victim, semset.op("s", "0-2 1-1"));
	if (!happened(alice, semset.values("s"), "3 1", "1 0"))
		does(alice, semset.op("s", "0-2 1-1"));
	else
		does_give(alice, semset.pid("s", 1), pid_of(victim));
	does_give(alice, semset.values("s"), "1 0");
}

CAMPAIGN(semset, undo, "what is done with SEM_UNDO and not given back is given back by the end")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 1"));
	actor *victim = forks(alice, "victim");
	suffers(victim, semset.op("s", "0-2u 1-1u"));
	if (ending() == SUCCEEDED)
		does_give(alice, semset.values("s"), "1 0");
	if (ending() != DIED)
		dies(victim);
	does_give(alice, semset.values("s"), "3 1");
}

CAMPAIGN(semset, undo_at_exit, "who is killed while others give back for him has given back once")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 1"));
	actor *holder = forks(alice, "holder"), *victim = forks(alice, "victim");
	does(holder, semset.op("s", "0-2u 1-1u"));
	dies(holder);
	suffers(victim, semset.op("s", "0-1"));
	if (!happened(alice, semset.values("s"), "3 1", "2 1"))
		does(alice, semset.op("s", "0-1"));
	does_give(alice, semset.values("s"), "2 1");
}

CAMPAIGN(semset, wait, "who waits gets what he waits for, or leaves no trace")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 1"));
	actor *victim = forks(alice, "victim"), *giver = forks(alice, "giver");
	suffers_beside(victim, semset.op("s", "0-1 1-1"), giver, semset.op("s", "0+1"));
	succeeds(giver);
	if (!happened(alice, semset.values("s"), "1 1", "0 0"))
		does(alice, semset.op("s", "0-1 1-1"));
	does_give(alice, semset.values("s"), "0 0");
	does_give(alice, semset.waiting("s", 0), 0);
}

CAMPAIGN(semset, wait_and_give, "who waits gives what others wait for when he goes on, or nothing")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 0"));
	actor *victim = forks(alice, "victim"), *giver = forks(alice, "giver");
	actor *next = forks(alice, "next");
	begin(next, semset.op("s", "1-1"));
	blocks(next);
	suffers_beside(victim, semset.op("s", "0-1 1+1"), giver, semset.op("s", "0+1"));
	succeeds(giver);
	if (!happened(alice, semset.value("s", 0), 1, 0))
		does(alice, semset.op("s", "0-1 1+1"));
	succeeds(next);
	does_give(alice, semset.values("s"), "0 0");
	does_give(alice, semset.waiting("s", 1), 0);
}

CAMPAIGN(semset, serve, "who is served by another's operation is served once, and he is woken")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 0"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, semset.op("s", "0-2"));
	blocks(waiter);
	suffers(victim, semset.op("s", "0+2 1+1"));
	if (!happened(alice, semset.value("s", 1), 0, 1))
		does(alice, semset.op("s", "0+2 1+1"));
	succeeds(waiter);
	does_give(alice, semset.values("s"), "0 1");
}

CAMPAIGN(semset, set_all, "the values of a set are set together, and who waits is served")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0 3 5"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, semset.op("s", "0-1"));
	blocks(waiter);
	suffers(victim, semset.set_all("s", "1 8 9"));
	if (!happened(alice, semset.value("s", 2), 5, 9))
		does(alice, semset.set_all("s", "1 8 9"));
	succeeds(waiter);
	does_give(alice, semset.values("s"), "0 8 9");
}

CAMPAIGN(semset, set, "a value is set, and whoever waits for zero is served")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "2 0"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, semset.op("s", "0=0 1+1"));
	blocks(waiter);
	suffers(victim, semset.set("s", 0, 0));
	if (!happened(alice, semset.value("s", 0), 2, 0))
		does(alice, semset.set("s", 0, 0));
	succeeds(waiter);
	does_give(alice, semset.values("s"), "0 1");
}

CAMPAIGN(semset, count, "who counts those who wait changes nothing")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 0"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, semset.op("s", "0-2 1-1"));
	blocks(waiter);
	suffers(victim, semset.waiting("s", 1));
	must(ending() != SUCCEEDED || outcome_of(victim)->value == 1);
	does_give(alice, semset.waiting("s", 1), 1);
	does_give(alice, semset.waiting_for_zero("s", 1), 0);
	does_give(alice, semset.values("s"), "3 0");
	does(alice, semset.op("s", "1+1"));
	succeeds(waiter);
	does_give(alice, semset.values("s"), "1 0");
	does_give(alice, semset.waiting("s", 1), 0);
}

CAMPAIGN(semset, remove, "a set that is removed is no more, for all who wait too")
{
	actor *alice = cast_alone("alice");

	does(alice, semset.make("s", "0"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, semset.op("s", "0-1"));
	blocks(waiter);
	suffers(victim, semset.remove("s"));
	if (!happened(alice, call(has_set, "s", 0, 0, 0), 1, 0))
		does(alice, semset.remove("s"));
	fails(waiter, EIDRM);
	leaves_nothing(alice);
	does(alice, semset.make("s", "7"));
	does_give(alice, semset.values("s"), "7");
}

CAMPAIGN(semset, make, "a set that is made is there with all its semaphores, or isn't")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	suffers(victim, semset.get("s", 3, IPC_CREAT | IPC_EXCL | 0600));
	bool is_there = happened(alice, call(has_set, "s", 0, 0, 0), 0, 1);
	does(alice, semset.get("s", 3, is_there ? 0 : IPC_CREAT | IPC_EXCL | 0600));
	does_give(alice, semset.values("s"), "0 0 0");
	does(alice, semset.op("s", "0+1 2+1"));
	does(alice, semset.remove("s"));
	leaves_nothing(alice);
}

CAMPAIGN(semset, make_in_little_room, "a set for which there is no room is made when there is some")
{
	/* for the registry and one set */
	actor *alice = cast_confined("alice", 1300000);
	actor *victim = forks(alice, "victim");

	does(alice, semset.get("r", 1000, IPC_CREAT | IPC_EXCL | 0600));
	does_fail(victim, semset.get("s", 1000, IPC_CREAT | IPC_EXCL | 0600), ENOMEM);
	does_give(alice, call(has_set, "s", 0, 0, 0), 0);
	does(alice, semset.remove("r"));
	suffers(victim, semset.get("s", 1000, IPC_CREAT | IPC_EXCL | 0600));
	bool is_there = happened(alice, call(has_set, "s", 0, 0, 0), 0, 1);
	does(alice, semset.get("s", 1000, is_there ? 0 : IPC_CREAT | IPC_EXCL | 0600));
	does(alice, semset.op("s", "0+1 999+1"));
	does(alice, semset.remove("s"));
	leaves_nothing(alice);
}

CAMPAIGN(semset, find, "a set is found, or it stays as it is for who comes later")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	does(alice, semset.make("s", "3 1"));
	suffers(victim, semset.get("s", 2, 0));
	if (ending() == REFUSED)
		does(victim, semset.get("s", 2, 0));
	if (ending() != DIED)
		does(victim, semset.op("s", "0-1"));
	does_give(alice, semset.values("s"), ending() == DIED ? "3 1" : "2 1");
	does(alice, semset.remove("s"));
	leaves_nothing(alice);
}

CAMPAIGN(semset, usage, "how many semaphores there are is told as it is, or not at all")
{
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	does(alice, semset.make("s", "3 1"));
	suffers(victim, call(count_semaphores, "", 0, 0, 0));
	must(ending() != SUCCEEDED || !impl->enter || outcome_of(victim)->value == 2);
	does(alice, semset.remove("s"));
	leaves_nothing(alice);
}

CAMPAIGN(semset, set_mode, "the mode of a set is changed, or as it was")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 1"));
	actor *victim = forks(alice, "victim");
	suffers(victim, semset.set_mode("s", 0640));
	if (!happened(alice, call(mode_of, "s", 0, 0, 0), 0600, 0640))
		does(alice, semset.set_mode("s", 0640));
	does_give(alice, call(mode_of, "s", 0, 0, 0), 0640);
	does(alice, semset.op("s", "0-1"));
	does_give(alice, semset.values("s"), "2 1");
}
