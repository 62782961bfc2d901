/* SPDX-License-Identifier: MIT */
/* Who is at the other end. */
#include "contract/kinds.h"
#include "stage/story.h"

static long long user_of(actor *a)
{
	does(a, sig.uid());
	return outcome_of(a)->value;
}

/* The peer of h, as seen by a, is that process, and of our user and group. */
static void peer_is(actor *a, const char *h, pid_t pid)
{
	long long user = user_of(a);

	does(a, sock.peer_credentials(h));
	must_be(outcome_of(a)->n[0], pid);
	must_be(outcome_of(a)->n[1], user);
}

TEST_EACH(sock, peer_is_who_made_the_pair, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	peer_is(alice, "s:a", pid_of(alice));
	peer_is(bob, "s:a", pid_of(alice));
	peer_is(bob, "s:b", pid_of(alice));
}

TEST_EACH(sock, peers_are_who_connected_and_listened, unix_connections)
{
	actor *server = cast("server"), *client = cast_stranger("client");

	does(server, sock.serve("s", row->kind, 5));
	actor *child = forks(server, "child");
	does(client, sock.reach("c", row->kind, "s", 0));
	does(child, sock.accept("s", "accepted"));
	peer_is(child, "accepted", pid_of(client));
	peer_is(client, "c", pid_of(server));
}

TEST_EACH(sock, credentials_outlive_the_peer, unix_connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", row->kind, 5));
	does(client, sock.reach("c", row->kind, "s", 0));
	pid_t pid = pid_of(client);
	does(server, sock.accept("s", "accepted"));
	execs(client);
	peer_is(server, "accepted", pid);
	forks(client, "child");
	dies(client);
	peer_is(server, "accepted", pid);
}

/* The last message received by a came from that process, of our user. */
static void sender_was(actor *a, pid_t pid)
{
	long long got = outcome_of(a)->n[TAKEN_PID], user = outcome_of(a)->n[TAKEN_UID];

	must_be(outcome_of(a)->n[TAKEN_FLAGS] & MSG_CTRUNC, 0);
	must_be(got, pid);
	must_be(user, user_of(a));
}

TEST_EACH(sock, message_tells_its_sender, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.set_option("s:b", SOL_SOCKET, SO_PASSCRED, 1));
	does_give(alice, sock.option("s:b", SOL_SOCKET, SO_PASSCRED), 1);
	actor *bob = forks(alice, "bob");
	does(alice, sock.send("s:a", "from alice", 0));
	does_give(bob, sock.take_credentials("s:b", 100, 0), "from alice");
	sender_was(bob, pid_of(alice));
	does(bob, fd.write("s:a", "from bob"));
	does_give(bob, sock.take_credentials("s:b", 100, MSG_PEEK), "from bob");
	sender_was(bob, pid_of(bob));
	does_give(alice, sock.take_credentials("s:b", 100, 0), "from bob");
	sender_was(alice, pid_of(bob));
}

TEST_EACH(sock, no_credentials_unless_asked_for, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, sock.option("s:b", SOL_SOCKET, SO_PASSCRED), 0);
	does(alice, sock.send("s:a", "x", 0));
	does_give(alice, sock.take_credentials("s:b", 100, 0), "x");
	must_be(outcome_of(alice)->n[TAKEN_MESSAGES], 0);
	must_be(outcome_of(alice)->n[TAKEN_FLAGS] & MSG_CTRUNC, 0);
}

TEST(sock, bytes_of_two_senders_stay_apart)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, sock.set_option("s:b", SOL_SOCKET, SO_PASSCRED, 1));
	actor *bob = forks(alice, "bob");
	does(alice, sock.send("s:a", "alice", 0));
	does(alice, sock.send("s:a", " again", 0));
	does(bob, sock.send("s:a", "bob", 0));
	does_give(bob, sock.take_credentials("s:b", 100, 0), "alice again");
	sender_was(bob, pid_of(alice));
	does_give(bob, sock.take_credentials("s:b", 100, 0), "bob");
	sender_was(bob, pid_of(bob));
}

TEST_EACH(sock, own_credentials_can_be_claimed, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.set_option("s:b", SOL_SOCKET, SO_PASSCRED, 1));
	does(alice, sock.peer_credentials("s:a"));
	long long user = outcome_of(alice)->n[1], group = outcome_of(alice)->n[2];
	does_give(alice, sock.pass_claim("s:a", "mine", pid_of(alice), user, group), 4);
	does_give(alice, sock.take_credentials("s:b", 100, 0), "mine");
	sender_was(alice, pid_of(alice));
}

enum { NOBODY = 65534 };

TEST_EACH(sock, foreign_credentials_are_refused, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.set_option("s:b", SOL_SOCKET, SO_PASSCRED, 1));
	actor *bob = forks(alice, "bob");
	does(alice, sock.peer_credentials("s:a"));
	long long user = outcome_of(alice)->n[1], group = outcome_of(alice)->n[2];
	if (user == 0) {
		user = NOBODY;
		begin(alice, sig.become(user, user, user));
		returns(alice);
		if (outcome_of(alice)->error)
			skip("root may claim to be anybody, and can't become somebody else here");
	}
	does(alice, sock.pass_claim("s:a", "mine", pid_of(alice), user, group));
	does_give(alice, sock.receive("s:b", 100, 0), "mine");
	does_fail(alice, sock.pass_claim("s:a", "his", pid_of(bob), user, group), EPERM);
	begin(alice, sock.pass_claim("s:a", "root", pid_of(alice), 0, group));
	returns(alice);
	/* a user namespace need not have a root, and who isn't there is EINVAL */
	must(outcome_of(alice)->error == EPERM || outcome_of(alice)->error == EINVAL);
	does_fail(alice, sock.receive("s:b", 100, MSG_DONTWAIT), EAGAIN);
}
