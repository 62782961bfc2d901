/* SPDX-License-Identifier: MIT */
#include "fault/campaign/campaign.h"

CAMPAIGN(semset, operate, "the operations of one semop happen all, or none")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "3 1"));
	actor *victim = forks(alice, "victim");
	suffers(victim, semset.op("s", "0-2 1-1"));
	if (!happened(alice, semset.values("s"), "3 1", "1 0"))
		does(alice, semset.op("s", "0-2 1-1"));
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

CAMPAIGN(semset, remove, "a set that is removed is no more, for all who wait too")
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, semset.op("s", "0-1"));
	blocks(waiter);
	suffers(victim, semset.remove("s"));
	begin(alice, semset.remove("s"));
	returns(alice);
	must(ending() != SUCCEEDED || outcome_of(alice)->value == -1);
	fails(waiter, EIDRM);
	does_fail(alice, semset.get("s", 1, 0), ENOENT);
	does(alice, semset.make("s", "7"));
	does_give(alice, semset.values("s"), "7");
}

CAMPAIGN(semset, make, "a set that is made is there with all its semaphores, or isn't")
{
	actor *victim = cast("victim"), *alice = cast("alice");

	suffers(victim, semset.get("s", 3, IPC_CREAT | IPC_EXCL | 0600));
	begin(alice, semset.get("s", 3, 0));
	returns(alice);
	must(ending() != SUCCEEDED || outcome_of(alice)->value != -1);
	must(ending() != REFUSED || outcome_of(alice)->value == -1);
	does(alice, semset.get("s", 3, IPC_CREAT | 0600));
	does_give(alice, semset.values("s"), "0 0 0");
	does(alice, semset.op("s", "0+1 2+1"));
}
