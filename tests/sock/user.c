/* SPDX-License-Identifier: MIT */
/* Other users: what they may, and how they are told from one another. */
#include <sys/stat.h>
#include <unistd.h>

#include "contract/kinds.h"
#include "stage/story.h"

enum { NOBODY = 65534 };

static bool is_root(actor *a)
{
	does(a, sig.uid());
	return outcome_of(a)->value == 0;
}

/* A process of another user, that of an actor who is somebody. */
static actor *cast_another(actor *somebody)
{
	actor *another = forks(somebody, "another");

	becomes_user(another, NOBODY, NOBODY);
	return another;
}

/* -- paths ------------------------------------------------------------------------------------ */

/* Where the paths of this process are from now on, and other users can find them. */
static long long enter(const char *text, const long long *n)
{
	(void)n;
	must_be(mkdir(path_of(text), 0755), 0);
	return chdir(path_of(text));
}

/* Of anybody but root: who may write a socket file of alice's only if its mode says so. */
static actor *cast_bound(actor *alice)
{
	does(alice, call(enter, "d", 0, 0, 0));
	actor *bob = forks(alice, "bob");
	/* root may write everything, and anybody else not even all of his own */
	renounces(bob);
	return bob;
}

TEST_EACH(sock, connect_needs_write_permission, unix_kinds)
{
	actor *alice = cast("alice"), *bob = cast_bound(alice);

	does(alice, sock.serve("s", row->kind, 5));
	does(alice, sock.change_mode("s", 0555));
	does_fail(bob, sock.reach("c", row->kind, "s", 0), EACCES);
	does_fail(bob, sock.peer_name("c"), ENOTCONN);
	does(alice, sock.change_mode("s", 0222));
	does(bob, sock.connect("c", "s"));
}

TEST(sock, sending_to_a_path_needs_write_permission)
{
	actor *alice = cast("alice"), *bob = cast_bound(alice);

	does(alice, sock.serve("s", UNIX_DGRAM, 0));
	does(alice, sock.change_mode("s", 0555));
	does(bob, sock.make("c", UNIX_DGRAM));
	does_fail(bob, sock.send_to("c", "x", "s", 0), EACCES);
	does_fail(alice, sock.receive("s", 9, MSG_DONTWAIT), EAGAIN);
	does(alice, sock.change_mode("s", 0222));
	does(bob, sock.send_to("c", "y", "s", 0));
	does_give(alice, sock.receive("s", 9, 0), "y");
}

TEST_EACH(sock, permission_is_asked_for_once, unix_kinds)
{
	actor *alice = cast("alice"), *bob = cast_bound(alice);
	const char *from = row->kind == UNIX_DGRAM ? "s" : "accepted";

	does(alice, sock.serve("s", row->kind, 5));
	does(alice, sock.change_mode("s", 0222));
	does(bob, sock.reach("c", row->kind, "s", 0));
	does(alice, sock.change_mode("s", 0));
	if (row->kind != UNIX_DGRAM)
		does(alice, sock.accept("s", "accepted"));
	does(bob, sock.send("c", "once is enough", 0));
	does_give(alice, sock.receive(from, 100, 0), "once is enough");
}

TEST_EACH(sock, bind_needs_a_directory_to_write_in, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, call(enter, "d", 0, 0, 0));
	actor *bob = cast_another(alice);
	does(bob, sock.make("s", row->kind));
	does_fail(bob, sock.bind("s", "s"), EACCES);
	does_fail(alice, sock.mode("s"), ENOENT);
	/* and it isn't bound to anything */
	does(bob, sock.bind("s", "@s"));
}

TEST_EACH(sock, abstract_names_are_open_to_all, unix_kinds)
{
	actor *alice = cast("alice"), *bob = cast_another(alice);

	does(alice, sock.make("s", row->kind));
	does(alice, sock.bind("s", "@name"));
	if (row->kind != UNIX_DGRAM)
		does(alice, sock.listen("s", 5));
	does(bob, sock.make("c", row->kind));
	does(bob, sock.connect("c", "@name"));
	does(bob, sock.send("c", "from anybody", 0));
	if (row->kind != UNIX_DGRAM)
		does(alice, sock.accept("s", "s"));
	does_give(alice, sock.receive("s", 100, 0), "from anybody");
}

/* -- who it is -------------------------------------------------------------------------------- */

static void peer_is(actor *a, const char *h, pid_t pid, long long user)
{
	does(a, sock.peer_credentials(h));
	must_be(outcome_of(a)->n[0], pid);
	must_be(outcome_of(a)->n[1], user);
}

TEST_EACH(sock, peers_user_is_that_of_the_moment, unix_connections)
{
	actor *alice = cast("alice"), *server = cast_another(alice),
	      *client = forks(alice, "client");

	does(server, sock.make("s", row->kind));
	does(server, sock.bind("s", "@name"));
	does(server, sock.listen("s", 5));
	does(client, sock.make("c", row->kind));
	does(client, sock.connect("c", "@name"));
	peer_is(client, "c", pid_of(server), NOBODY);
	becomes_user(client, NOBODY, NOBODY);
	does(server, sock.accept("s", "accepted"));
	peer_is(server, "accepted", pid_of(client), 0);
	does(client, sock.make("d", row->kind));
	does(client, sock.connect("d", "@name"));
	does(server, sock.accept("s", "second"));
	peer_is(server, "second", pid_of(client), NOBODY);
	peer_is(server, "accepted", pid_of(client), 0);
}

TEST_EACH(sock, message_tells_its_senders_user, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.set_option("s:b", SOL_SOCKET, SO_PASSCRED, 1));
	actor *bob = cast_another(alice);
	does(bob, sock.send("s:a", "from bob", 0));
	does_give(alice, sock.take_credentials("s:b", 100, 0), "from bob");
	must_be(outcome_of(alice)->n[TAKEN_PID], pid_of(bob));
	must_be(outcome_of(alice)->n[TAKEN_UID], NOBODY);
	does(alice, sock.send("s:a", "from alice", 0));
	does_give(bob, sock.take_credentials("s:b", 100, 0), "from alice");
	must_be(outcome_of(bob)->n[TAKEN_PID], pid_of(alice));
	must_be(outcome_of(bob)->n[TAKEN_UID], 0);
}

TEST_EACH(sock, privilege_may_claim_to_be_another, unix_kinds)
{
	actor *alice = cast("alice"), *bob = cast_another(alice);

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.set_option("s:b", SOL_SOCKET, SO_PASSCRED, 1));
	begin(alice, sock.pass_claim("s:a", "as bob", pid_of(bob), NOBODY, NOBODY));
	returns(alice);
	if (outcome_of(alice)->error == EPERM)
		skip("root has no such privilege here");
	must_be(outcome_of(alice)->value, 6);
	does_give(alice, sock.take_credentials("s:b", 100, 0), "as bob");
	must_be(outcome_of(alice)->n[TAKEN_PID], pid_of(bob));
	must_be(outcome_of(alice)->n[TAKEN_UID], NOBODY);
	must_be(outcome_of(alice)->n[TAKEN_GID], NOBODY);
	/* nobody, as who there is no process */
	does_fail(alice, sock.pass_claim("s:a", "x", 0x7FFFFFFF, 0, 0), ESRCH);
}

TEST(sock, low_ports_need_privilege)
{
	actor *alice = cast("alice");

	if (!is_root(alice))
		skip("not root: who makes a machine has every privilege there");
	/* a machine of our own has the limit that it is made with */
	does(alice, machine.start(HERE));
	does(alice, sock.make("s", TCP4));
	does_give(alice, sock.bind_port("s", TCP4, 7), 7);
	becomes_user(alice, NOBODY, NOBODY);
	does(alice, sock.make("t", TCP4));
	does_fail(alice, sock.bind_port("t", TCP4, 9), EACCES);
	does(alice, sock.bind_port("t", TCP4, 0));
	must(outcome_of(alice)->value >= 1024);
}

/* -- how much one user may have on its way ---------------------------------------------------- */

TEST(sock, descriptors_on_their_way_are_bounded)
{
	actor *alice = cast("alice");

	renounces(alice);
	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, pipes.make("p"));
	does(alice, fd.leave_room(2));
	/* other processes of this user may have some on their way, too */
	begin(alice, sock.pass_many("s:a", "x", "p:w", 50));
	returns(alice);
	if (!outcome_of(alice)->error)
		does_fail(alice, sock.pass_many("s:a", "y", "p:w", 1), ETOOMANYREFS);
	else
		must_be(outcome_of(alice)->error, ETOOMANYREFS);
	does(alice, fd.drain("s:b"));
	does_fail(alice, sock.receive("s:b", 1, MSG_DONTWAIT), EAGAIN);
}
