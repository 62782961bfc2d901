/* SPDX-License-Identifier: MIT */
#include "fault/campaign/campaign.h"

CAMPAIGN(sem, post, "a post counts once, or not at all")
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 1));
	actor *victim = forks(alice, "victim");
	suffers(victim, sem.post("s"));
	if (!happened(alice, sem.value("s"), 1, 2))
		does(alice, sem.post("s"));
	does(alice, sem.trywait("s"));
	does(alice, sem.trywait("s"));
	does_fail(alice, sem.trywait("s"), EAGAIN);
}

CAMPAIGN(sem, trywait, "what is taken without waiting is taken once, or not at all")
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 1));
	actor *victim = forks(alice, "victim");
	suffers(victim, sem.trywait("s"));
	if (!happened(alice, sem.value("s"), 1, 0))
		does(alice, sem.trywait("s"));
	does_fail(alice, sem.trywait("s"), EAGAIN);
	does(alice, sem.post("s"));
	does_give(alice, sem.value("s"), 1);
}

CAMPAIGN(sem, wait, "who waits takes what is posted, or leaves it to others")
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *victim = forks(alice, "victim"), *giver = forks(alice, "giver");
	suffers_beside(victim, sem.wait("s"), giver, sem.post("s"));
	succeeds(giver);
	if (!happened(alice, sem.value("s"), 1, 0))
		does(alice, sem.wait("s"));
	does_give(alice, sem.value("s"), 0);
}

CAMPAIGN(sem, wake, "a post that is cut short wakes whoever waits, or the next post does")
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, sem.wait("s"));
	blocks(waiter);
	suffers(victim, sem.post("s"));
	if (ending() == DIED)
		does(alice, sem.post("s"));
	succeeds(waiter);
}

CAMPAIGN(sem, open, "a semaphore that is made by name is there with its value, or isn't")
{
	actor *victim = cast("victim"), *alice = cast("alice");

	suffers(victim, sem.create("s", 3));
	if (ending() == SUCCEEDED)
		does(alice, sem.open("s"));
	else
		does(alice, sem.open_with("s", O_CREAT, 0600, 3));
	does_give(alice, sem.value("s"), 3);
	does(alice, sem.wait("s"));
	does(alice, sem.unlink("s"));
	does_fail(alice, sem.open("s"), ENOENT);
}
