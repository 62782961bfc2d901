/* SPDX-License-Identifier: MIT */
/* Linux: the process at the other end, as a descriptor. */
#include "contract/kinds.h"
#include "stage/story.h"

/* The descriptor "p" of a is of that process, which it survives. */
static void is_process(actor *a, actor *other)
{
	does_give(a, fd.cloexec("p"), 1);
	does_give(a, fd.poll("p", POLLIN, 0), 0);
	does(a, sig.pidfd_send("p", SIGUSR1));
	catches(other, SIGUSR1, 1);
	begin(a, fd.poll("p", POLLIN, -1));
	blocks(a);
	dies(other);
	/* and of its being waited for, if that has come to pass: HUP */
	succeeds(a);
	must(outcome_of(a)->value & POLLIN);
}

TEST_EACH(sock, peers_process_can_be_had, unix_connections)
{
	actor *server = cast("server"), *client = cast("client");

	does(client, sig.handle(SIGUSR1, 0));
	does(server, sock.serve("s", row->kind, 5));
	does(client, sock.reach("c", row->kind, "s", 0));
	does(server, sock.accept("s", "accepted"));
	does(server, sock.peer_process("accepted", "p"));
	is_process(server, client);
}

TEST_VARIANT(sock, peers_process_can_be_had, of_the_listener)
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sig.handle(SIGUSR1, 0));
	does(server, sock.serve("s", UNIX_STREAM, 5));
	does(client, sock.reach("c", UNIX_STREAM, "s", 0));
	does(client, sock.peer_process("c", "p"));
	is_process(client, server);
}

TEST_VARIANT(sock, peers_process_can_be_had, of_a_pair)
{
	actor *alice = cast("alice");

	does(alice, sig.handle(SIGUSR1, 0));
	does(alice, sock.pair("s", UNIX_DGRAM));
	actor *bob = forks(alice, "bob");
	does(bob, sock.peer_process("s:b", "p"));
	is_process(bob, alice);
}

#ifdef SO_PASSPIDFD
/* Whether messages to the handle come with processes from now on. */
static void pass_processes(actor *a, const char *h)
{
	begin(a, sock.set_option(h, SOL_SOCKET, SO_PASSPIDFD, 1));
	returns(a);
	if (outcome_of(a)->error == ENOPROTOOPT)
		skip("SO_PASSPIDFD is not there");
	must_be(outcome_of(a)->error, 0);
	does_give(a, sock.option(h, SOL_SOCKET, SO_PASSPIDFD), 1);
}

TEST_EACH(sock, message_brings_its_senders_process, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	pass_processes(alice, "s:b");
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, sock.send("s:a", "from bob", 0));
	does_give(alice, sock.take_process("s:b", 100, "p", 0), "from bob");
	must_be(outcome_of(alice)->n[PROCESS_MESSAGES], 1);
	is_process(alice, bob);
}

TEST_VARIANT(sock, message_brings_its_senders_process, and_credentials)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	pass_processes(alice, "s:b");
	does(alice, sock.set_option("s:b", SOL_SOCKET, SO_PASSCRED, 1));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, 0));
	does(bob, sock.send("s:a", "from bob", 0));
	does_give(alice, sock.take_process("s:b", 100, "p", 0), "from bob");
	must_be(outcome_of(alice)->n[PROCESS_MESSAGES], 2);
	must_be(outcome_of(alice)->n[PROCESS_PID], pid_of(bob));
	is_process(alice, bob);
}

TEST_VARIANT(sock, message_brings_its_senders_process, only_if_asked_for)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	pass_processes(alice, "s:b");
	does(alice, sock.set_option("s:b", SOL_SOCKET, SO_PASSPIDFD, 0));
	does(alice, sock.send("s:a", "x", 0));
	does_give(alice, sock.take_process("s:b", 100, "p", 0), "x");
	must_be(outcome_of(alice)->n[PROCESS_MESSAGES], 0);
}

TEST_EACH(sock, plain_receive_opens_no_process, unix_kinds)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	pass_processes(alice, "s:b");
	does_give(alice, fd.leave_room(1), 1);
	does(alice, sock.send("s:a", "x", 0));
	does_give(alice, sock.receive("s:b", 100, 0), "x");
	does(alice, sock.send("s:a", "y", 0));
	does_give(alice, sock.take("s:b", 100, "none", 0, 0), "y");
	must_be(outcome_of(alice)->n[TAKEN_MESSAGES], 0);
	does(alice, fd.dup("s:a", "one"));
	does_fail(alice, fd.dup("s:a", "two"), EMFILE);
}
#endif
