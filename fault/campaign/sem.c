/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "fault/campaign/campaign.h"
#include "fault/campaign/world.h"

static long long has_name(const char *s, const long long *n)
{
	sem_t *opened = impl->sem->sem_open(name_of(s), 0, 0, 0);

	(void)n;
	must(opened != SEM_FAILED || errno == ENOENT);
	return opened != SEM_FAILED && impl->sem->sem_close(opened) == 0;
}

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

/*
 * A libc makes the file of a semaphore under a name of its own first: who is killed then leaves it,
 * and nobody knows that name.
 */
static void makes_no_stray(void)
{
	if (is_deadly() && strcmp(impl->name, "posix") == 0)
		skip("a file of libc's own would be left behind");
}

CAMPAIGN(sem, create, "a semaphore that is made by name is there with its value, or isn't")
{
	makes_no_stray();
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	suffers(victim, sem.create("s", 3));
	if (happened(alice, call(has_name, "s", 0, 0, 0), 0, 1))
		does(alice, sem.open("s"));
	else
		does(alice, sem.create("s", 3));
	does_give(alice, sem.value("s"), 3);
	does(alice, sem.wait("s"));
	does(alice, sem.unlink("s"));
	leaves_nothing(alice);
}

CAMPAIGN(sem, create_in_little_room,
	 "a semaphore for which there is no room is made when there is some")
{
	/* a page: for one */
	actor *alice = cast_confined("alice", (size_t)sysconf(_SC_PAGESIZE));
	actor *victim = forks(alice, "victim");

	does(alice, sem.create("r", 1));
	does_fail(victim, sem.create("s", 3), ENOSPC);
	does_fail(alice, sem.open("s"), ENOENT);
	does(alice, sem.unlink("r"));
	does(alice, sem.close("r"));
	suffers(victim, sem.create("s", 3));
	if (happened(alice, call(has_name, "s", 0, 0, 0), 0, 1))
		does(alice, sem.open("s"));
	else
		does(alice, sem.create("s", 3));
	does_give(alice, sem.value("s"), 3);
	does(alice, sem.unlink("s"));
	leaves_nothing(alice);
}

CAMPAIGN(sem, open, "a semaphore is opened, or it stays as it is for who comes later")
{
	makes_no_stray();
	actor *alice = cast_alone("alice");
	actor *victim = forks(alice, "victim");

	does(alice, sem.create("s", 3));
	suffers(victim, sem.open_with("s", O_CREAT, 0600, 7));
	if (ending() == REFUSED)
		does(victim, sem.open("s"));
	if (ending() != DIED)
		does(victim, sem.wait("s"));
	does_give(alice, sem.value("s"), ending() == DIED ? 3 : 2);
	does(alice, sem.unlink("s"));
	leaves_nothing(alice);
}

CAMPAIGN(sem, unlink, "a semaphore has its name, or has none; who has it open goes on with it")
{
	actor *alice = cast_alone("alice");

	does(alice, sem.create("s", 3));
	actor *victim = forks(alice, "victim");
	suffers(victim, sem.unlink("s"));
	if (!happened(alice, call(has_name, "s", 0, 0, 0), 1, 0))
		does(alice, sem.unlink("s"));
	leaves_nothing(alice);
	does(alice, sem.wait("s"));
	does_give(alice, sem.value("s"), 2);
	does(alice, sem.create("s:new", 5));
	does_give(alice, sem.value("s"), 2);
}
