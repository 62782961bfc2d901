/* SPDX-License-Identifier: MIT */
/* A pipe as a stream of bytes from one process to another. */
#include "stage/story.h"

TEST(pipe, data_flows_one_way)
{
	actor *parent = cast("parent");

	does(parent, pipes.make("p"));
	actor *child = forks(parent, "child");
	does_give(parent, fd.write("p:w", "one"), 3);
	does_give(parent, fd.write("p:w", "two"), 3);
	does_give(child, fd.read("p:r", 100), "onetwo");
	does_give(child, fd.readable_bytes("p:r"), 0);
}

TEST(pipe, two_way_talk_needs_two_pipes)
{
	actor *alice = cast("alice");

	does(alice, pipes.make("there"));
	does(alice, pipes.make("back"));
	actor *bob = forks(alice, "bob");
	begin(bob, fd.read("there:r", 10));
	blocks(bob);
	does(alice, fd.write("there:w", "ping"));
	gives(bob, "ping");
	begin(alice, fd.read("back:r", 10));
	blocks(alice);
	does(bob, fd.write("back:w", "pong"));
	gives(alice, "pong");
}

TEST(pipe, kinship_shares_the_ends)
{
	actor *parent = cast("parent");

	does(parent, pipes.make("p"));
	actor *elder = forks(parent, "elder"), *younger = forks(parent, "younger");
	does(elder, fd.write("p:w", "to my brother"));
	does_give(younger, fd.read("p:r", 100), "to my brother");
}

TEST(pipe, strangers_have_no_end)
{
	actor *parent = cast("parent"), *stranger = cast_stranger("stranger");

	does(parent, pipes.make("p"));
	does(stranger, pipes.make("own"));
	does(stranger, fd.write("own:w", "mine"));
	does_give(parent, fd.readable_bytes("p:r"), 0);
	does_give(stranger, fd.read("own:r", 10), "mine");
}

TEST(pipe, read_end_refuses_writing)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_fail(a, fd.write("p:r", "back"), EBADF);
	does_give(a, fd.readable_bytes("p:r"), 0);
}

TEST(pipe, write_end_refuses_reading)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	does_fail(a, fd.read("p:w", 1), EBADF);
	does_give(a, fd.readable_bytes("p:r"), 1);
}
