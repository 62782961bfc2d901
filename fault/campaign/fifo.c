/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "fault/campaign/transfer.h"

/* Two who come now meet, and nobody else is there. */
static void serves(actor *alice, actor *bob)
{
	begin(alice, fifo.open("f:alice", O_RDONLY));
	blocks(alice);
	does(bob, fifo.open("f:bob", O_WRONLY));
	succeeds(alice);
	does_give(bob, fd.write("f:bob", "hello"), 5);
	does_give(alice, fd.read("f:alice", 100), "hello");
	does(bob, fd.close("f:bob"));
	does_give(alice, fd.read("f:alice", 100), "");
	does(alice, fd.close("f:alice"));
}

CAMPAIGN(fifo, make, "a FIFO that is made is one, or there is nothing")
{
	actor *victim = cast("victim"), *alice = cast("alice"), *bob = cast("bob");

	suffers(victim, fifo.make("f"));
	begin(alice, fifo.make("f"));
	returns(alice);
	bool was_there = outcome_of(alice)->value == -1;
	must(!was_there || outcome_of(alice)->error == EEXIST);
	must(ending() == DIED || was_there == (ending() == SUCCEEDED));
	does_give(alice, fifo.mode("f"), S_IFIFO | 0600);
	serves(alice, bob);
	does(bob, fifo.unlink("f"));
	does_fail(bob, fifo.open("f", O_RDONLY | O_NONBLOCK), ENOENT);
}

CAMPAIGN(fifo, chmod, "a FIFO has its new mode, or the one before")
{
	actor *alice = cast("alice");

	does(alice, fifo.make("f"));
	actor *victim = forks(alice, "victim");
	suffers(victim, fifo.chmod("f", 0440));
	if (!happened(alice, fifo.mode("f"), S_IFIFO | 0600, S_IFIFO | 0440))
		does(alice, fifo.chmod("f", 0440));
	does_give(alice, fifo.mode("f"), S_IFIFO | 0440);
}

/* Who opens one end, and who comes for the other, meet; or the other meets the next. */
static void meets(int flags, int others)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, fifo.make("f"));
	actor *victim = forks(alice, "victim"), *other = forks(alice, "other");
	suffers_beside(victim, fifo.open("f:victim", flags), other, fifo.open("f:other", others));
	if (ending() != SUCCEEDED)
		does(bob, fifo.open("f:bob", O_RDWR));
	succeeds(other);
	does(other, fd.close("f:other"));
	if (ending() != SUCCEEDED)
		does(bob, fd.close("f:bob"));
	else
		does(victim, fd.close("f:victim"));
	serves(alice, bob);
}

CAMPAIGN(fifo, open_to_read, "a reader meets a writer, or leaves no end behind")
{
	meets(O_RDONLY, O_WRONLY);
}

CAMPAIGN(fifo, open_to_write, "a writer meets a reader, or leaves no end behind")
{
	meets(O_WRONLY, O_RDONLY);
}

CAMPAIGN(fifo, open_both, "who opens both ends has them, or none, and what nobody had is gone")
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, fifo.make("f"));
	does(alice, fifo.open("f", O_RDWR));
	does(alice, fd.write("f", "nobody's"));
	does(alice, fd.close("f"));
	actor *victim = forks(alice, "victim");
	suffers(victim, fifo.open("f", O_RDWR));
	if (ending() == SUCCEEDED) {
		does_give(victim, fd.readable_bytes("f"), 0);
		does(victim, fd.close("f"));
	}
	serves(alice, bob);
}

CAMPAIGN(fifo, open_to_serve, "a reader who doesn't wait is there for those who come, or isn't")
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, fifo.make("f"));
	actor *victim = forks(alice, "victim");
	suffers(victim, fifo.open("f", O_RDONLY | O_NONBLOCK));
	if (ending() == SUCCEEDED) {
		does_give(victim, fd.poll("f", POLLIN, 0), 0);
		does(alice, fifo.open("f", O_WRONLY | O_NONBLOCK));
		does(alice, fd.write("f", "hello"));
		does(alice, fd.close("f"));
		does_give(victim, fd.read("f", 100), "hello");
		does(victim, fd.close("f"));
	}
	does_fail(bob, fifo.open("f", O_WRONLY | O_NONBLOCK), ENXIO);
	serves(alice, bob);
}

CAMPAIGN(fifo, wake, "who opens wakes who waits for him, or the next does")
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, fifo.make("f"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, fifo.open("f", O_RDONLY));
	blocks(waiter);
	suffers(victim, fifo.open("f", O_WRONLY));
	if (ending() != SUCCEEDED)
		does(bob, fifo.open("f", O_WRONLY));
	succeeds(waiter);
	does(ending() == SUCCEEDED ? victim : bob, fd.write("f", "hello"));
	does_give(waiter, fd.read("f", 100), "hello");
	does(ending() == SUCCEEDED ? victim : bob, fd.close("f"));
	does_give(waiter, fd.read("f", 100), "");
}

CAMPAIGN(fifo, close, "the other end hears of one that is closed, or dies of it")
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, fifo.make("f"));
	does(alice, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does(alice, fd.set_flags("f", 0));
	actor *victim = cast("victim");
	does(victim, fifo.open("f", O_WRONLY));
	does(victim, fd.write("f", "last"));
	suffers(victim, fd.close("f"));
	does_give(alice, fd.read("f", 100), "last");
	does_give(alice, fd.read("f", 100), "");
	does(alice, fd.close("f"));
	serves(alice, bob);
}

TRANSFER(fifo, write_long, "of a long write the first bytes are there, as many as it tells")
{
	actor *alice = cast("alice");

	does(alice, fifo.make("f"));
	does(alice, fifo.open("f", O_RDWR));
	writes_long(alice, forks(alice, "victim"), "f", "f");
}

TRANSFER(fifo, read_long, "of a long read the first bytes are taken, and the others stay")
{
	actor *alice = cast("alice");

	does(alice, fifo.make("f"));
	does(alice, fifo.open("f", O_RDWR));
	reads_long(alice, forks(alice, "victim"), "f", "f");
}
