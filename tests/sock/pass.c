/* SPDX-License-Identifier: MIT */
/* Descriptors that travel over sockets. */
#include <string.h>

#include "contract/kinds.h"
#include "stage/story.h"

/* The last receive: how many descriptors, and whether some were lost. */
static void took(const actor *a, long long descriptors, bool truncated)
{
	const outcome *out = outcome_of(a);

	must_be(out->n[TAKEN_DESCRIPTORS], descriptors);
	must_be((out->n[TAKEN_FLAGS] & MSG_CTRUNC) != 0, truncated);
	must_be(out->n[TAKEN_FLAGS] & MSG_TRUNC, 0);
}

TEST_EACH(sock, passed_descriptor_is_the_same_file, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(alice, pipes.make("p"));
	does_give(alice, sock.pass("s:a", "here", "p:r"), 4);
	does_give(bob, sock.take("s:b", 100, "got", 1, 0), "here");
	took(bob, 1, false);
	does(alice, fd.write("p:w", "through the pipe"));
	does_give(bob, fd.read("got", 100), "through the pipe");
	does(alice, fd.set_flags("p:r", O_NONBLOCK));
	does_fail(bob, fd.read("got", 1), EAGAIN);
}

TEST_EACH(sock, stranger_gets_a_descriptor, unix_kinds)
{
	actor *alice = cast("alice"), *stranger = cast_stranger("stranger");
	const char *from = "s";

	does(stranger, sock.serve("s", row->kind, 5));
	does(alice, sock.reach("c", row->kind, "s", 0));
	if (row->kind != UNIX_DGRAM) {
		does(stranger, sock.accept("s", "accepted"));
		from = "accepted";
	}
	does(alice, pipes.make("p"));
	does(alice, sock.pass("c", "an end", "p:w"));
	does_give(stranger, sock.take(from, 100, "got", 1, 0), "an end");
	does(stranger, fd.write("got", "from the stranger"));
	does_give(alice, fd.read("p:r", 100), "from the stranger");
}

TEST_EACH(sock, passed_descriptor_outlives_the_senders, unix_kinds)
{
	actor *bob = cast("bob");

	does(bob, sock.pair("s", row->kind));
	actor *alice = forks(bob, "alice");
	does(alice, pipes.make("p"));
	does(alice, fd.write("p:w", "kept"));
	does(alice, sock.pass("s:a", "1", "p:r"));
	does(alice, fd.close("p:r"));
	does_give(bob, sock.take("s:b", 1, "got", 1, 0), "1");
	does_give(bob, fd.read("got", 100), "kept");
	does(alice, pipes.make("q"));
	does(alice, fd.write("q:w", "kept too"));
	does(alice, sock.pass("s:a", "2", "q:r"));
	dies(alice);
	does_give(bob, sock.take("s:b", 1, "got", 1, 0), "2");
	took(bob, 1, false);
	does_give(bob, fd.read("got", 100), "kept too");
	does_give(bob, fd.read("got", 100), "");
}

TEST(sock, descriptor_goes_from_hand_to_hand)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("first", UNIX_STREAM));
	does(alice, sock.pair("second", UNIX_STREAM));
	actor *bob = forks(alice, "bob"), *carl = forks(alice, "carl");
	does(alice, pipes.make("p"));
	does(alice, sock.pass("first:a", "x", "p:r"));
	does(bob, sock.take("first:b", 1, "got", 1, 0));
	does(bob, sock.pass("second:a", "y", "got"));
	dies(bob);
	does(carl, sock.take("second:b", 1, "mine", 1, 0));
	does(alice, fd.write("p:w", "at last"));
	does_give(carl, fd.read("mine", 100), "at last");
}

TEST_VARIANT(sock, descriptor_goes_from_hand_to_hand, nested)
{
	actor *bob = cast("bob");

	does(bob, sock.pair("s", UNIX_STREAM));
	actor *alice = forks(bob, "alice");
	does(alice, pipes.make("p"));
	does(alice, fd.write("p:w", "deep"));
	does(alice, sock.pair("inner", UNIX_DGRAM));
	does(alice, sock.pass("inner:a", "a pipe", "p:r"));
	does(alice, sock.pass("s:a", "a socket", "inner:b"));
	dies(alice);
	does_give(bob, sock.take("s:b", 100, "inner", 1, 0), "a socket");
	does_give(bob, sock.take("inner", 100, "pipe", 1, 0), "a pipe");
	does_give(bob, fd.read("pipe", 100), "deep");
}

TEST_EACH(sock, passed_socket_works, unix_connections)
{
	actor *bob = cast("bob");

	does(bob, sock.pair("s", row->kind));
	actor *alice = forks(bob, "alice");
	does(alice, sock.serve("l", row->kind, 5));
	does(alice, sock.reach("c", row->kind, "l", 0));
	does(alice, sock.pass("s:a", "listener", "l"));
	does(alice, fd.close("l"));
	does(bob, sock.take("s:b", 100, "listener", 1, 0));
	does(bob, sock.accept("listener", "accepted"));
	does(alice, sock.send("c", "served by another", 0));
	does_give(bob, sock.receive("accepted", 100, 0), "served by another");
	does(bob, sock.pass("s:b", "connection", "accepted"));
	does(bob, fd.close("accepted"));
	does(alice, sock.take("s:a", 100, "back", 1, 0));
	does(alice, sock.send("c", "by myself", 0));
	does_give(alice, sock.receive("back", 100, 0), "by myself");
}

/* Several in one message, each of which brings descriptors in its turn. */
TEST_VARIANT(sock, passed_socket_works, several)
{
	static const char *const got[] = {"got", "got/1", "got/2"};
	actor *bob = cast("bob");

	does(bob, sock.pair("s", UNIX_STREAM));
	does(bob, sock.pair("t", UNIX_STREAM));
	actor *alice = forks(bob, "alice");
	does(alice, pipes.make("p"));
	does(alice, sock.pass_many("s:a", "three", "t:a", 3));
	does(bob, sock.take("s:b", 100, "got", 3, 0));
	took(bob, 3, false);
	for (int i = 0; i < 3; i++) {
		does(bob, sock.pass(got[i], "an end", "s:a"));
		does_give(alice, sock.take("t:b", 100, "end", 1, 0), "an end");
		took(alice, 1, false);
	}
}

/* Where there is room for it and no more. */
TEST_VARIANT(sock, passed_socket_works, in_the_last_room)
{
	actor *bob = cast("bob");

	does(bob, sock.pair("s", UNIX_STREAM));
	actor *alice = forks(bob, "alice");
	does(alice, sock.pair("t", UNIX_STREAM));
	does(alice, sock.pass("s:a", "one", "t:a"));
	does_give(bob, fd.leave_room(1), 1);
	does_give(bob, sock.take("s:b", 100, "got", 1, 0), "one");
	took(bob, 1, false);
	does(bob, sock.send("got", "hello", 0));
	does_give(alice, sock.receive("t:b", 100, 0), "hello");
}

TEST_EACH(sock, duplicate_receives_descriptors, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, pipes.make("p"));
	does(alice, sock.pass("s:a", "one", "p:r"));
	does(alice, fd.dup("s:b", "copy"));
	does(alice, fd.close("s:b"));
	does_give(alice, sock.take("copy", 100, "got", 1, 0), "one");
	took(alice, 1, false);
	does(alice, sock.pass("copy", "back", "p:w"));
	does_give(alice, sock.take("s:a", 100, "w", 1, 0), "back");
	took(alice, 1, false);
	/* in the place of something else */
	does(alice, fd.dup_onto("copy", "p:r"));
	does(alice, fd.close("copy"));
	does(alice, sock.pass("s:a", "two", "w"));
	does_give(alice, sock.take("p:r", 100, "too", 1, 0), "two");
	took(alice, 1, false);
}

TEST_EACH(sock, exec_keeps_descriptors_on_their_way, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(alice, fd.close("s:b"));
	does(alice, pipes.make("p"));
	does(alice, sock.pass("s:a", "before", "p:w"));
	execs(bob);
	does_give(bob, sock.take("s:b", 100, "got", 1, 0), "before");
	took(bob, 1, false);
	does(bob, fd.write("got", "from beyond"));
	does_give(alice, fd.read("p:r", 100), "from beyond");
	does(alice, sock.pass("s:a", "after", "p:w"));
	does_give(bob, sock.take("s:b", 100, "too", 1, 0), "after");
	took(bob, 1, false);
}

static const struct {
	const char *name;
	int count;
} counts[] = {{"0", 0}, {"1", 1}, {"2", 2}, {"3", 3}, {"64", 64}, {"252", 252}, {"253", 253}};

TEST_EACH(sock, many_descriptors_pass_at_once, counts)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, pipes.make("p"));
	begin(alice, sock.pass_many("s:a", "x", "p:r", row->count));
	returns(alice);
	if (outcome_of(alice)->error == EMFILE || outcome_of(alice)->error == ETOOMANYREFS)
		skip("this user may not have %d descriptors on their way", row->count);
	must_be(outcome_of(alice)->value, 1);
	does_give(alice, sock.take("s:b", 10, "got", 300, 0), "x");
	took(alice, row->count, false);
}

TEST(sock, too_many_descriptors_are_refused)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, pipes.make("p"));
	does_fail(alice, sock.pass_many("s:a", "x", "p:r", 254), EINVAL);
	does_fail(alice, sock.receive("s:b", 1, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, bad_descriptor_is_not_passed, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, pipes.make("p"));
	does(alice, fd.close("p:r"));
	does_fail(alice, sock.pass("s:a", "x", "p:r"), EBADF);
	does_fail(alice, sock.receive("s:b", 1, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, close_on_exec_is_not_passed, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, pipes.make_with("p", O_CLOEXEC));
	does(alice, sock.pass("s:a", "x", "p:r"));
	does(alice, sock.take("s:b", 1, "plain", 1, 0));
	does_give(alice, fd.cloexec("plain"), 0);
	does(alice, sock.pass("s:a", "x", "plain"));
	does(alice, sock.take("s:b", 1, "closing", 1, MSG_CMSG_CLOEXEC));
	does_give(alice, fd.cloexec("closing"), 1);
	does_give(alice, fd.cloexec("plain"), 0);
}

/* -- those that don't fit --------------------------------------------------------------------- */

/*
 * Bob has been sent count times the write end of a pipe, which nobody else holds any more: alice's
 * read of the pipe tells by its end whether one is left anywhere.
 */
static actor *send_ends(actor *alice, int kind, int count)
{
	does(alice, sock.pair("s", kind));
	actor *bob = forks(alice, "bob");
	does(alice, pipes.make("p"));
	does(alice, sock.pass_many("s:a", "x", "p:w", count));
	does(alice, fd.close("p:w"));
	return bob;
}

static const struct {
	const char *name;
	int kind, sent, room;
} rooms[] = {
	{"unix_stream_1_of_2", UNIX_STREAM, 2, 1},
	{"unix_stream_3_of_5", UNIX_STREAM, 5, 3},
	{"unix_stream_none_of_1", UNIX_STREAM, 1, 0},
	{"unix_seqpacket_1_of_2", UNIX_SEQPACKET, 2, 1},
	{"unix_dgram_1_of_2", UNIX_DGRAM, 2, 1},
	{"unix_dgram_none_of_4", UNIX_DGRAM, 4, 0},
};

TEST_EACH(sock, descriptors_beyond_the_room_are_closed, rooms)
{
	actor *alice = cast("alice"), *bob = send_ends(alice, row->kind, row->sent);
	const char *const names[] = {"got", "got/1", "got/2"};

	does_give(bob, sock.take("s:b", 10, "got", row->room, 0), "x");
	took(bob, row->room, true);
	for (int i = 0; i < row->room; i++)
		does(bob, fd.close(names[i]));
	does_give(alice, fd.read("p:r", 1), "");
}

/* Credentials come first, and these leave no room. */
TEST_VARIANT(sock, descriptors_beyond_the_room_are_closed, beside_credentials)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, sock.set_option("s:b", SOL_SOCKET, SO_PASSCRED, 1));
	does(alice, pipes.make("p"));
	does(alice, sock.pass("s:a", "x", "p:w"));
	does(alice, fd.close("p:w"));
	does_give(alice, sock.take("s:b", 10, "got", 3, 0), "x");
	took(alice, 0, true);
	must_be(outcome_of(alice)->n[TAKEN_PID], pid_of(alice));
	does_give(alice, fd.read("p:r", 1), "");
}

TEST_EACH(sock, no_truncation_no_flag, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "x", 0));
	does(alice, sock.take("s:b", 1, "none", 0, 0));
	took(alice, 0, false);
	must_be(outcome_of(alice)->n[TAKEN_MESSAGES], 0);
	does(alice, sock.send("s:a", "y", 0));
	does(alice, sock.take("s:b", 1, "none", 3, 0));
	took(alice, 0, false);
	must_be(outcome_of(alice)->n[TAKEN_MESSAGES], 0);
	does(alice, sock.pass("s:a", "z", "s:a"));
	does(alice, sock.take("s:b", 1, "got", 1, 0));
	took(alice, 1, false);
	must_be(outcome_of(alice)->n[TAKEN_MESSAGES], 1);
}

static const struct {
	const char *name;
	int kind, sent, left;
} limits[] = {
	{"unix_stream_2_of_5", UNIX_STREAM, 5, 2},
	{"unix_stream_none_of_3", UNIX_STREAM, 3, 0},
	{"unix_seqpacket_1_of_2", UNIX_SEQPACKET, 2, 1},
	{"unix_dgram_3_of_4", UNIX_DGRAM, 4, 3},
};

TEST_EACH(sock, descriptors_beyond_the_limit_are_closed, limits)
{
	actor *alice = cast("alice"), *bob = send_ends(alice, row->kind, row->sent);
	const char *const names[] = {"got", "got/1", "got/2"};

	does_give(bob, fd.leave_room(row->left), row->left);
	does_give(bob, sock.take("s:b", 10, "got", 10, 0), "x");
	took(bob, row->left, true);
	for (int i = 0; i < row->left; i++)
		does(bob, fd.close(names[i]));
	does_give(alice, fd.read("p:r", 1), "");
	/* there is room again, and as much as there was */
	for (int i = 0; i < row->left; i++)
		does(bob, fd.dup("s:b", names[i]));
	does_fail(bob, fd.dup("s:b", "more"), EMFILE);
}

TEST_EACH(sock, plain_receive_drops_descriptors, unix_kinds)
{
	actor *alice = cast("alice"), *bob = send_ends(alice, row->kind, 2);

	does_give(bob, sock.receive("s:b", 10, 0), "x");
	does_give(alice, fd.read("p:r", 1), "");
}

TEST_VARIANT(sock, plain_receive_drops_descriptors, read)
{
	actor *alice = cast("alice"), *bob = send_ends(alice, UNIX_STREAM, 1);

	does_give(bob, fd.read("s:b", 10), "x");
	does_give(alice, fd.read("p:r", 1), "");
}

TEST_EACH(sock, unreceived_descriptors_are_closed, unix_kinds)
{
	actor *alice = cast("alice"), *bob = send_ends(alice, row->kind, 3);

	does(alice, fd.close("s:b"));
	begin(alice, fd.read("p:r", 1));
	blocks(alice);
	does(bob, fd.close("s:b"));
	gives(alice, "");
}

TEST_VARIANT(sock, unreceived_descriptors_are_closed, death)
{
	actor *alice = cast("alice"), *bob = send_ends(alice, UNIX_STREAM, 3);

	does(alice, fd.close("s:b"));
	begin(alice, fd.read("p:r", 1));
	blocks(alice);
	dies(bob);
	gives(alice, "");
}

/* -- boundaries ------------------------------------------------------------------------------- */

TEST(sock, receive_stops_after_descriptors)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, pipes.make("p"));
	does(alice, sock.send("s:a", "four", 0));
	does(alice, sock.pass("s:a", "1", "p:r"));
	does(alice, sock.send("s:a", "more", 0));
	does_give(alice, sock.take("s:b", 20, "got", 3, 0), "four1");
	took(alice, 1, false);
	does_give(alice, sock.take("s:b", 20, "none", 3, 0), "more");
	took(alice, 0, false);
}

TEST_VARIANT(sock, receive_stops_after_descriptors, two_in_a_row)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, pipes.make("p"));
	does(alice, sock.pass("s:a", "reading", "p:r"));
	does(alice, sock.pass("s:a", "writing", "p:w"));
	does_give(alice, sock.take("s:b", 100, "r", 9, MSG_WAITALL), "reading");
	took(alice, 1, false);
	does_give(alice, sock.take("s:b", 100, "w", 9, 0), "writing");
	took(alice, 1, false);
	does(alice, fd.write("w", "each with its own"));
	does_give(alice, fd.read("r", 100), "each with its own");
}

TEST_VARIANT(sock, receive_stops_after_descriptors, read)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, sock.pass("s:a", "one", "s:a"));
	does(alice, sock.pass("s:a", "two", "s:a"));
	does_give(alice, fd.read("s:b", 100), "one");
	does_give(alice, fd.read("s:b", 100), "two");
}

TEST_EACH(sock, descriptors_go_with_their_message, unix_messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, pipes.make("p"));
	does(alice, sock.send("s:a", "without", 0));
	does(alice, sock.pass("s:a", "with", "p:w"));
	does(alice, sock.send("s:a", "without again", 0));
	does_give(alice, sock.take("s:b", 100, "none", 3, 0), "without");
	took(alice, 0, false);
	does_give(alice, sock.take("s:b", 100, "w", 3, 0), "with");
	took(alice, 1, false);
	does_give(alice, sock.take("s:b", 100, "none", 3, 0), "without again");
	took(alice, 0, false);
	does(alice, fd.write("w", "x"));
	does_give(alice, fd.read("p:r", 9), "x");
}

TEST(sock, empty_receive_takes_descriptors)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_DGRAM));
	does(alice, pipes.make("p"));
	does(alice, sock.pass("s:a", "dropped", "p:w"));
	does(alice, sock.send("s:a", "next", 0));
	does_give(alice, sock.take("s:b", 0, "got", 1, 0), 0);
	must_be(outcome_of(alice)->n[TAKEN_DESCRIPTORS], 1);
	does(alice, fd.write("got", "x"));
	does_give(alice, fd.read("p:r", 9), "x");
	does_give(alice, sock.receive("s:b", 100, 0), "next");
}

static const struct {
	const char *name;
	int kind, count;
} together[] = {
	{"unix_stream_1", UNIX_STREAM, 1},	 {"unix_stream_2", UNIX_STREAM, 2},
	{"unix_stream_3", UNIX_STREAM, 3},	 {"unix_dgram_1", UNIX_DGRAM, 1},
	{"unix_seqpacket_1", UNIX_SEQPACKET, 1}, {"unix_stream_5", UNIX_STREAM, 5},
};

TEST_EACH(sock, descriptors_and_credentials_come_together, together)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.set_option("s:b", SOL_SOCKET, SO_PASSCRED, 1));
	does(alice, pipes.make("p"));
	does(alice, sock.pass_many("s:a", "x", "p:w", row->count));
	does(alice, fd.close("p:w"));
	/* room for more descriptors than come is room for credentials too */
	does_give(alice, sock.take("s:b", 10, "got", row->count + 20, 0), "x");
	took(alice, row->count, false);
	must_be(outcome_of(alice)->n[TAKEN_MESSAGES], 2);
	must_be(outcome_of(alice)->n[TAKEN_PID], pid_of(alice));
	does(alice, fd.write("got", "y"));
	does_give(alice, fd.read("p:r", 9), "y");
}

TEST_EACH(sock, peeking_leaves_the_descriptors, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, pipes.make("p"));
	does(alice, sock.pass("s:a", "look", "p:w"));
	does(alice, fd.close("p:w"));
	for (int i = 0; i < 3; i++) {
		does_give(alice, sock.take("s:b", 100, "peeked", 1, MSG_PEEK), "look");
		/* whether looking gives a descriptor is nobody's promise */
		if (outcome_of(alice)->n[TAKEN_DESCRIPTORS])
			does(alice, fd.close("peeked"));
	}
	does_give(alice, sock.take("s:b", 100, "got", 1, 0), "look");
	took(alice, 1, false);
	does(alice, fd.write("got", "x"));
	does(alice, fd.close("got"));
	does_give(alice, fd.read("p:r", 9), "x");
	does_give(alice, fd.read("p:r", 9), "");
}

#ifdef SO_PEEK_OFF
TEST(sock, peeked_bytes_come_with_no_others_descriptors)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	begin(alice, sock.set_option("s:b", SOL_SOCKET, SO_PEEK_OFF, 1));
	returns(alice);
	if (outcome_of(alice)->error)
		skip("SO_PEEK_OFF can't be set");
	does(alice, pipes.make("p"));
	does(alice, pipes.make("q"));
	does(alice, sock.pass("s:a", "a", "p:w"));
	does(alice, sock.pass("s:a", "b", "q:w"));
	does_give(alice, sock.take("s:b", 100, "peeked", 1, MSG_PEEK), "b");
	if (outcome_of(alice)->n[TAKEN_DESCRIPTORS]) {
		does(alice, fd.write("peeked", "x"));
		does_give(alice, fd.readable_bytes("p:r"), 0);
		does_give(alice, fd.readable_bytes("q:r"), 1);
	}
	does_give(alice, sock.take("s:b", 1, "got", 1, 0), "a");
	took(alice, 1, false);
	does(alice, fd.write("got", "y"));
	does_give(alice, fd.read("p:r", 9), "y");
}
#endif

/* -- with no byte ----------------------------------------------------------------------------- */

TEST(sock, descriptor_comes_with_an_empty_datagram)
{
	actor *alice = cast("alice"), *bob = send_ends(alice, UNIX_DGRAM, 1);

	does(bob, sock.take("s:b", 10, "first", 1, 0));
	does_give(bob, sock.pass("s:a", "", "first"), 0);
	does(bob, fd.close("first"));
	does_give(bob, sock.take("s:b", 10, "got", 1, 0), "");
	took(bob, 1, false);
	does(bob, fd.write("got", "from nothing"));
	does_give(alice, fd.read("p:r", 100), "from nothing");
}

TEST(sock, stream_without_a_byte_brings_no_descriptor)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, pipes.make("p"));
	begin(alice, sock.pass("s:a", "", "p:w"));
	returns(alice);
	does(alice, fd.close("p:w"));
	does_fail(alice, sock.receive("s:b", 10, MSG_DONTWAIT), EAGAIN);
	does_give(alice, fd.read("p:r", 1), "");
	does(alice, sock.send("s:a", "x", 0));
	does_give(alice, sock.take("s:b", 10, "none", 3, 0), "x");
	took(alice, 0, false);
}
