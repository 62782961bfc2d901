/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>

#include "fault/campaign/transfer.h"

enum { WHOLE = 4096 /* PIPE_BUF */ };

/* What was written is there as a whole, or nothing of it is. */
static void has_whole(actor *a, const char *read_end, long long size)
{
	if (happened(a, fd.readable_bytes(read_end), 0, size))
		does_give(a, fd.read_pattern(read_end, 0, size), size);
}

/* Bytes go through, and nothing else was in it. */
static void carries(actor *a)
{
	does_give(a, fd.write("p:w", "carried"), 7);
	does_give(a, fd.read("p:r", 100), "carried");
	does_give(a, fd.readable_bytes("p:r"), 0);
}

CAMPAIGN(pipe, make, "a pipe that is made has two ends, or costs nothing")
{
	actor *victim = cast("victim");

	suffers(victim, pipes.make("p"));
	if (ending() == REFUSED)
		does(victim, pipes.make("p"));
	if (ending() != DIED)
		carries(victim);
}

CAMPAIGN(pipe, write, "no more than PIPE_BUF bytes are written whole, or not at all")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	actor *victim = forks(alice, "victim");
	suffers(victim, fd.write_pattern("p:w", 0, WHOLE));
	has_whole(alice, "p:r", WHOLE);
	carries(alice);
}

CAMPAIGN(pipe, packet, "a packet is written whole and stays one, or isn't there")
{
	actor *alice = cast("alice");

	does(alice, pipes.make_with("p", O_DIRECT));
	actor *victim = forks(alice, "victim");
	suffers(victim, fd.write("p:w", "packet"));
	bool is_there = happened(alice, fd.readable_bytes("p:r"), 0, 6);
	does(alice, fd.write("p:w", "next"));
	if (is_there)
		does_give(alice, fd.read("p:r", 100), "packet");
	does_give(alice, fd.read("p:r", 100), "next");
	does_give(alice, fd.readable_bytes("p:r"), 0);
}

CAMPAIGN(pipe, read, "what is read is read once, or stays")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	does(alice, fd.write("p:w", "hello"));
	actor *victim = forks(alice, "victim");
	suffers(victim, fd.read("p:r", 100));
	if (!happened(alice, fd.readable_bytes("p:r"), 5, 0))
		does_give(alice, fd.read("p:r", 100), "hello");
	carries(alice);
}

TRANSFER(pipe, write_long, "of a long write the first bytes are there, as many as it tells")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	writes_long(alice, forks(alice, "victim"), "p:w", "p:r");
	carries(alice);
}

TRANSFER(pipe, read_long, "of a long read the first bytes are taken, and the others stay")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	reads_long(alice, forks(alice, "victim"), "p:w", "p:r");
	carries(alice);
}

CAMPAIGN(pipe, wait, "who waits for bytes has them, or leaves them to others")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	actor *victim = forks(alice, "victim"), *writer = forks(alice, "writer");
	suffers_beside(victim, fd.read("p:r", 100), writer, fd.write("p:w", "hello"));
	succeeds(writer);
	if (!happened(alice, fd.readable_bytes("p:r"), 5, 0))
		does_give(alice, fd.read("p:r", 100), "hello");
	carries(alice);
}

CAMPAIGN(pipe, wait_for_room, "who waits for room writes whole when there is some, or not at all")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	begin(alice, fd.fill("p:w", WHOLE));
	succeeds(alice);
	long long full = outcome_of(alice)->value;
	actor *victim = forks(alice, "victim"), *reader = forks(alice, "reader");
	suffers_beside(victim, fd.write_pattern("p:w", 0, WHOLE), reader,
		       fd.read_pattern("p:r", 0, WHOLE));
	gives(reader, WHOLE);
	bool is_there = happened(alice, fd.readable_bytes("p:r"), full - WHOLE, full);
	while ((full -= WHOLE) > 0)
		does(alice, fd.read("p:r", WHOLE));
	if (is_there)
		does_give(alice, fd.read_pattern("p:r", 0, WHOLE), WHOLE);
	carries(alice);
}

CAMPAIGN(pipe, wake, "a write wakes who waits for it, or the next does")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, fd.read("p:r", 5));
	blocks(waiter);
	suffers(victim, fd.write("p:w", "hello"));
	if (ending() != SUCCEEDED)
		does(alice, fd.write("p:w", "hello"));
	gives(waiter, "hello");
	begin(alice, fd.readable_bytes("p:r"));
	succeeds(alice);
	must(outcome_of(alice)->value == 0 || (ending() == DIED && outcome_of(alice)->value == 5));
}

CAMPAIGN(pipe, make_room, "a read wakes who waits for room, or the next does")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	does(alice, fd.fill("p:w", WHOLE));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, fd.write("p:w", "hello"));
	blocks(waiter);
	suffers(victim, fd.read("p:r", WHOLE));
	if (ending() != SUCCEEDED)
		does(alice, fd.read("p:r", WHOLE));
	gives(waiter, 5);
}

CAMPAIGN(pipe, end, "a reader hears the end when the last writer closes or dies")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	actor *reader = forks(alice, "reader"), *victim = forks(alice, "victim");
	does(alice, fd.close("p:w"));
	does(reader, fd.close("p:w"));
	begin(reader, fd.read("p:r", 100));
	blocks(reader);
	suffers(victim, fd.close("p:w"));
	gives(reader, "");
	does_give(alice, fd.read("p:r", 100), "");
}

CAMPAIGN(pipe, broken, "a writer hears of it when the last reader closes or dies")
{
	actor *alice = cast("alice");

	does(alice, sig.ignore(SIGPIPE));
	does(alice, pipes.make("p"));
	does(alice, fd.fill("p:w", WHOLE));
	actor *writer = forks(alice, "writer"), *victim = forks(alice, "victim");
	does(alice, fd.close("p:r"));
	does(writer, fd.close("p:r"));
	begin(writer, fd.write("p:w", "hello"));
	blocks(writer);
	suffers(victim, fd.close("p:r"));
	fails(writer, EPIPE);
	does_fail(alice, fd.write("p:w", "hello"), EPIPE);
}

CAMPAIGN(pipe, close_under_another, "who is in a call when another thread closes goes on, and ends")
{
	actor *victim = cast("victim");

	does(victim, pipes.make("p"));
	actor *writer = forks(victim, "writer");
	actor *waiter = cast_thread(victim, "waiter");
	begin(waiter, fd.read("p:r", 5));
	blocks(waiter);
	suffers(victim, fd.close("p:r"));
	if (ending() == DIED)
		return;
	does(writer, fd.write("p:w", "hello"));
	returns(waiter);
	must(outcome_of(waiter)->value == 5 || outcome_of(waiter)->error == EBADF);
	must(ending() != REFUSED);
}

CAMPAIGN(pipe, dup, "a descriptor is duplicated, or there is none more")
{
	actor *victim = cast("victim");

	does(victim, pipes.make("p"));
	suffers(victim, fd.dup("p:w", "copy"));
	if (ending() == DIED)
		return;
	if (ending() == REFUSED)
		does(victim, fd.dup("p:w", "copy"));
	does(victim, fd.close("p:w"));
	does_give(victim, fd.write("copy", "hello"), 5);
	does_give(victim, fd.read("p:r", 100), "hello");
	does(victim, fd.close("copy"));
	does_give(victim, fd.read("p:r", 100), "");
}

CAMPAIGN(pipe, resize, "a pipe's capacity is changed with all that is in it, or as it was")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	does(alice, fd.write_pattern("p:w", 0, LONG));
	actor *victim = forks(alice, "victim");
	suffers(victim, pipes.set_capacity("p:w", 1 << 18));
	if (!happened(alice, pipes.capacity("p:r"), 1 << 16, 1 << 18))
		does(alice, pipes.set_capacity("p:w", 1 << 18));
	does_give(alice, fd.write_pattern("p:w", LONG, LONG), LONG);
	does_give(alice, fd.readable_bytes("p:r"), 2 * LONG);
	does_give(alice, fd.read_pattern("p:r", 0, 2 * LONG), 2 * LONG);
	carries(alice);
}

CAMPAIGN(pipe, grow, "who waits for room has it in a pipe that has grown")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	does(alice, fd.fill("p:w", WHOLE));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, fd.write("p:w", "hello"));
	blocks(waiter);
	suffers(victim, pipes.set_capacity("p:w", 1 << 18));
	if (ending() != SUCCEEDED)
		does(alice, pipes.set_capacity("p:w", 1 << 19));
	gives(waiter, 5);
}

CAMPAIGN(pipe, poll, "who polls a pipe is told that there are bytes, or the next is")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	actor *victim = forks(alice, "victim"), *writer = forks(alice, "writer");
	suffers_beside(victim, fd.poll("p:r", POLLIN, -1), writer, fd.write("p:w", "hello"));
	gives(writer, 5);
	does_give(alice, fd.poll("p:r", POLLIN, -1), POLLIN);
	does_give(alice, fd.read("p:r", 100), "hello");
}

CAMPAIGN(pipe, tell_poller, "who writes wakes who polls, or the next does")
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, event.select("p:r", POLLIN, -1));
	blocks(waiter);
	suffers(victim, fd.write("p:w", "hello"));
	if (ending() != SUCCEEDED)
		does(alice, fd.write("p:w", "hello"));
	succeeds(waiter);
}
