/* SPDX-License-Identifier: MIT */
/* Linux: a pipe whose writes are packets, and one whose data sends a signal. */
#include "stage/story.h"

/* -- packets ------------------------------------------------------------------------------------
 */

static void make_for_packets(actor *a)
{
	begin(a, pipes.make_with("p", O_DIRECT));
	returns(a);
	if (outcome_of(a)->error == EINVAL)
		skip("no packets here");
	must_be(outcome_of(a)->value, 0);
}

TEST(pipe, packet_is_read_alone)
{
	actor *writer = cast("writer");

	make_for_packets(writer);
	actor *reader = forks(writer, "reader");
	does(writer, fd.write("p:w", "one"));
	does(writer, fd.write("p:w", "two"));
	does_give(reader, fd.readable_bytes("p:r"), 6);
	does_give(reader, fd.read("p:r", 100), "one");
	does_give(reader, fd.read("p:r", 100), "two");
	begin(reader, fd.read("p:r", 100));
	blocks(reader);
	does(writer, fd.write("p:w", "three"));
	gives(reader, "three");
}

TEST(pipe, rest_of_a_packet_is_lost)
{
	actor *a = cast("alice");

	make_for_packets(a);
	does(a, fd.write("p:w", "one"));
	does(a, fd.write("p:w", "two"));
	does_give(a, fd.read("p:r", 2), "on");
	does_give(a, fd.read("p:r", 2), "tw");
	does_give(a, fd.readable_bytes("p:r"), 0);
}

TEST(pipe, long_write_makes_several_packets)
{
	actor *a = cast("alice");
	long page = sysconf(_SC_PAGESIZE), whole = 2 * page + 1, place = 0;

	make_for_packets(a);
	does_give(a, fd.write_pattern("p:w", 0, whole), whole);
	for (int packets = 0; packets < 3; packets++) {
		does(a, fd.read_pattern("p:r", place, whole));
		must(outcome_of(a)->value > 0 && outcome_of(a)->value <= page);
		place += (long)outcome_of(a)->value;
	}
	must_be(place, whole);
	does_give(a, fd.readable_bytes("p:r"), 0);
}

TEST(pipe, pipe_full_of_packets_is_not_ready)
{
	enum { MOST = 100000 };
	actor *alice = cast("alice");
	int packets = 0;

	make_for_packets(alice);
	actor *bob = forks(alice, "bob");
	does(alice, fd.set_flags("p:w", O_NONBLOCK | O_DIRECT));
	do {
		begin(alice, fd.write("p:w", "x"));
		returns(alice);
	} while (!outcome_of(alice)->error && ++packets < MOST);
	must_be(outcome_of(alice)->error, EAGAIN);
	does_give(alice, fd.poll("p:w", POLLOUT, 0), 0);
	begin(bob, fd.poll("p:w", POLLOUT, -1));
	blocks(bob);
	does_give(alice, fd.read("p:r", 100), "x");
	gives(bob, POLLOUT);
	does_give(alice, fd.write("p:w", "x"), 1);
}

TEST(pipe, packet_mode_can_be_changed)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	begin(a, fd.set_flags("p:w", O_DIRECT));
	returns(a);
	does(a, fd.flags("p:w"));
	if (!(outcome_of(a)->value & O_DIRECT))
		skip("no packets here");
	does(a, fd.write("p:w", "one"));
	does(a, fd.write("p:w", "two"));
	does(a, fd.set_flags("p:w", 0));
	does(a, fd.write("p:w", "three"));
	does(a, fd.write("p:w", "four"));
	does_give(a, fd.read("p:r", 100), "one");
	does_give(a, fd.read("p:r", 100), "two");
	does_give(a, fd.read("p:r", 100), "threefour");
}

/* -- signals ------------------------------------------------------------------------------------
 */

/* The owner gets signals for data; but where that can't be set the test is over. */
static void ask_for_signals(actor *owner)
{
	does(owner, fd.fcntl("p:r", F_SETOWN, pid_of(owner)));
	does(owner, fd.set_flags("p:r", O_ASYNC));
	does(owner, fd.flags("p:r"));
	if (!(outcome_of(owner)->value & O_ASYNC))
		skip("no O_ASYNC here");
}

TEST(pipe, data_signals_the_owner)
{
	actor *owner = cast("owner");

	does(owner, pipes.make("p"));
	actor *writer = forks(owner, "writer");
	does(owner, sig.handle(SIGIO, SA_RESTART));
	does(writer, fd.write("p:w", "before"));
	ask_for_signals(owner);
	must_be(caught(owner, SIGIO), 0);
	does(writer, fd.write("p:w", "x"));
	catches(owner, SIGIO, 1);
	does_give(owner, fd.read("p:r", 10), "beforex");
	does(writer, fd.write("p:w", "y"));
	catches(owner, SIGIO, 2);
	does(owner, fd.set_flags("p:r", 0));
	unsigned before = caught(owner, SIGIO);
	does(writer, fd.write("p:w", "z"));
	does_give(owner, fd.read("p:r", 10), "yz");
	must_be(caught(owner, SIGIO), before);
}

TEST(pipe, signal_for_data_can_be_chosen)
{
	actor *owner = cast("owner");

	does(owner, pipes.make("p"));
	actor *writer = forks(owner, "writer");
	does(owner, sig.handle(SIGIO, SA_RESTART));
	does(owner, sig.handle(SIGUSR1, SA_RESTART | SA_SIGINFO));
	does(owner, fd.fcntl("p:r", F_SETSIG, SIGUSR1));
	ask_for_signals(owner);
	does(writer, fd.write("p:w", "x"));
	catches(owner, SIGUSR1, 1);
	does(owner, sig.info(SIGUSR1));
	must_be(outcome_of(owner)->n[INFO_CODE], POLL_IN);
	must_be(caught(owner, SIGIO), 0);
}

TEST(pipe, owner_is_told)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_give(a, fd.fcntl("p:r", F_GETOWN, 0), 0);
	does_give(a, fd.fcntl("p:r", F_GETSIG, 0), 0);
	does(a, fd.fcntl("p:r", F_SETOWN, pid_of(a)));
	does(a, fd.fcntl("p:r", F_SETSIG, SIGUSR1));
	does(a, fd.dup("p:r", "p:2"));
	does_give(a, fd.fcntl("p:2", F_GETOWN, 0), pid_of(a));
	does_give(a, fd.fcntl("p:2", F_GETSIG, 0), SIGUSR1);
	does_give(a, fd.fcntl("p:w", F_GETOWN, 0), 0);
}
