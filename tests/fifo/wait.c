/* SPDX-License-Identifier: MIT */
/* Who waits to read from a FIFO or write to it, is interrupted, refuses to wait, or writes for
 * nobody. */
#include <limits.h>

#include "stage/story.h"

#ifndef PIPE_BUF
#define PIPE_BUF 512
#endif

/* The FIFO exists, and the two have it open. */
static void meet(actor *reader, actor *writer)
{
	does(reader, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	does(writer, fifo.open("f", O_WRONLY));
	succeeds(reader);
}

static actor *reader, *writer;

/* One of the two waits, to read or to write 4 bytes; gives how many bytes are in the FIFO. */
static long long wait_by(bool writes, int flags)
{
	long long full = 0;

	reader = cast("reader");
	writer = cast("writer");
	meet(reader, writer);
	actor *waiter = writes ? writer : reader;
	does(waiter, sig.handle(SIGUSR1, flags));
	if (writes) {
		does(writer, fd.fill("f", 64));
		full = outcome_of(writer)->value;
	}
	begin(waiter, writes ? fd.write("f", "late") : fd.read("f", 10));
	blocks(waiter);
	poke(waiter, SIGUSR1);
	return full;
}

TEST(fifo, signal_interrupts)
{
	wait_by(false, 0);
	fails(reader, EINTR);
	must_be(caught(reader, SIGUSR1), 1);
	does(writer, fd.write("f", "now"));
	does_give(reader, fd.read("f", 10), "now");
}

TEST_VARIANT(fifo, signal_interrupts, who_writes)
{
	long long full = wait_by(true, 0);

	fails(writer, EINTR);
	must_be(caught(writer, SIGUSR1), 1);
	does_give(reader, fd.drain("f"), full);
	does(writer, fd.write("f", "now"));
	does_give(reader, fd.read("f", 10), "now");
}

TEST(fifo, signal_with_restart_does_not_interrupt)
{
	wait_by(false, SA_RESTART);
	catches(reader, SIGUSR1, 1);
	blocks(reader);
	does(writer, fd.write("f", "late"));
	gives(reader, "late");
}

TEST_VARIANT(fifo, signal_with_restart_does_not_interrupt, who_writes)
{
	long long full = wait_by(true, SA_RESTART);

	catches(writer, SIGUSR1, 1);
	blocks(writer);
	does(reader, fd.drain("f"));
	long long drained = outcome_of(reader)->value;
	gives(writer, 4);
	does_give(reader, fd.drain("f"), full + 4 - drained);
}

TEST(fifo, nonblocking_write)
{
	actor *a = cast("reader"), *b = cast("writer");

	meet(a, b);
	does(b, fd.set_flags("f", O_NONBLOCK));
	does_give(b, fd.write_pattern("f", 0, PIPE_BUF), PIPE_BUF);
	does_give(a, fd.drain("f"), PIPE_BUF);
	does(b, fd.fill("f", 64));
	long long full = outcome_of(b)->value;
	does_fail(b, fd.write("f", "x"), EAGAIN);
	does_fail(b, fd.write_pattern("f", 0, PIPE_BUF), EAGAIN);
	does_give(a, fd.drain("f"), full);
}

TEST(fifo, broken_fifo_kills_by_default)
{
	actor *a = cast("reader"), *b = cast("writer");

	meet(a, b);
	does(a, fd.close("f"));
	begin(b, fd.write("f", "x"));
	is_killed_by(b, SIGPIPE);
}
