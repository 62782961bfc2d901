/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <poll.h>

#include "contract/kinds.h"
#include "fault/campaign/transfer.h"

/* What is said at one end is heard at the other, and nothing else is. */
static void talk(actor *a, const char *from, actor *b, const char *to)
{
	does_give(a, sock.send(from, "talk", 0), 4);
	does_give(b, sock.receive(to, 100, 0), "talk");
	does_fail(b, sock.receive(to, 100, MSG_DONTWAIT), EAGAIN);
}

/* A descriptor goes the same way, and is gone when whoever got it has closed it. */
static void hand_over(actor *a, const char *from, actor *b, const char *to)
{
	does(a, pipes.make("handed"));
	does_give(a, sock.pass(from, "take", "handed:w"), 4);
	does(a, fd.close("handed:w"));
	does_give(b, sock.take(to, 100, "taken", 1, 0), "take");
	does(b, fd.write("taken", "hello"));
	does(b, fd.close("taken"));
	does_give(a, fd.read("handed:r", 100), "hello");
	does_give(a, fd.read("handed:r", 100), "");
}

/* -- pairs ------------------------------------------------------------------------------------ */

static void makes_pair(int kind)
{
	actor *victim = cast("victim");

	suffers(victim, sock.pair("s", kind));
	if (ending() == REFUSED)
		does(victim, sock.pair("s", kind));
	if (ending() == DIED)
		return;
	talk(victim, "s:a", victim, "s:b");
	hand_over(victim, "s:b", victim, "s:a");
}

static void sends(int kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", kind));
	actor *victim = forks(alice, "victim");
	suffers(victim, sock.send("s:a", "hello", 0));
	if (happened(alice, fd.readable_bytes("s:b"), 0, 5))
		does_give(alice, sock.receive("s:b", 100, 0), "hello");
	talk(alice, "s:a", alice, "s:b");
}

static void receives(int kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", kind));
	does(alice, sock.send("s:a", "hello", 0));
	actor *victim = forks(alice, "victim");
	suffers(victim, sock.receive("s:b", 100, 0));
	if (!happened(alice, fd.readable_bytes("s:b"), 5, 0))
		does_give(alice, sock.receive("s:b", 100, 0), "hello");
	talk(alice, "s:a", alice, "s:b");
}

static void waits(int kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", kind));
	actor *victim = forks(alice, "victim"), *sender = forks(alice, "sender");
	suffers_beside(victim, sock.receive("s:b", 100, 0), sender, sock.send("s:a", "hello", 0));
	gives(sender, 5);
	if (!happened(alice, fd.readable_bytes("s:b"), 5, 0))
		does_give(alice, sock.receive("s:b", 100, 0), "hello");
	talk(alice, "s:a", alice, "s:b");
}

static void wakes(int kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", kind));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, sock.receive("s:b", 100, 0));
	blocks(waiter);
	suffers(victim, sock.send("s:a", "hello", 0));
	if (ending() != SUCCEEDED)
		does(alice, sock.send("s:a", "hello", 0));
	returns(waiter);
	must(outcome_of(waiter)->value == 5 ||
	     (ending() == DIED && kind == UNIX_STREAM && outcome_of(waiter)->value == 10));
}

#define OF_EACH_KIND(verb, story, promise)                                                         \
	CAMPAIGN(sock, verb##_stream, promise)                                                     \
	{                                                                                          \
		story(UNIX_STREAM);                                                                \
	}                                                                                          \
	CAMPAIGN(sock, verb##_seqpacket, promise)                                                  \
	{                                                                                          \
		story(UNIX_SEQPACKET);                                                             \
	}                                                                                          \
	CAMPAIGN(sock, verb##_dgram, promise)                                                      \
	{                                                                                          \
		story(UNIX_DGRAM);                                                                 \
	}

OF_EACH_KIND(pair, makes_pair, "a pair that is made is whole, or costs nothing")
OF_EACH_KIND(send, sends, "what is sent is there whole, or isn't")
OF_EACH_KIND(receive, receives, "what is received is received once, or stays")
OF_EACH_KIND(wait, waits, "who waits has what is sent, or leaves it to others")
OF_EACH_KIND(wake, wakes, "a send wakes who waits for it, or the next does")

CAMPAIGN(sock, wait_for_room, "who waits for room sends whole when there is some, or not at all")
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_SEQPACKET));
	begin(alice, fd.fill("s:a", 4096));
	succeeds(alice);
	long long records = outcome_of(alice)->value / 4096;
	actor *victim = forks(alice, "victim"), *reader = forks(alice, "reader");
	suffers_beside(victim, sock.send("s:a", "hello", 0), reader, fd.drain("s:b"));
	succeeds(reader);
	if (ending() == REFUSED)
		must_be(outcome_of(reader)->value, records * 4096);
	does(alice, fd.drain("s:b"));
	talk(alice, "s:a", alice, "s:b");
}

CAMPAIGN(sock, urgent, "the urgent byte is received once, or stays, and the stream around it too")
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, sock.send("s:a", "before!", MSG_OOB));
	does(alice, sock.send("s:a", "after", 0));
	actor *victim = forks(alice, "victim");
	suffers(victim, sock.receive("s:b", 1, MSG_OOB));
	if (!happened(alice, fd.readable_bytes("s:b"), 12, 11))
		does_give(alice, sock.receive("s:b", 1, MSG_OOB), "!");
	does_give(alice, sock.receive("s:b", 100, 0), "before");
	does_give(alice, sock.receive("s:b", 100, 0), "after");
	talk(alice, "s:a", alice, "s:b");
}

CAMPAIGN(sock, shutdown, "who waits hears the end of a stream that is shut, or of the next")
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	begin(waiter, sock.receive("s:b", 100, 0));
	blocks(waiter);
	suffers(victim, sock.shutdown("s:a", SHUT_WR));
	if (ending() != SUCCEEDED)
		does(alice, sock.shutdown("s:a", SHUT_WR));
	gives(waiter, "");
	does_fail(alice, sock.send("s:a", "more", MSG_NOSIGNAL), EPIPE);
	talk(alice, "s:b", alice, "s:a");
}

CAMPAIGN(sock, close, "the peer hears of an end that is closed, or whose owner dies of it")
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	actor *waiter = forks(alice, "waiter"), *victim = forks(alice, "victim");
	does(alice, fd.close("s:a"));
	does(waiter, fd.close("s:a"));
	begin(waiter, sock.receive("s:b", 100, 0));
	blocks(waiter);
	suffers(victim, fd.close("s:a"));
	gives(waiter, "");
	does_fail(alice, sock.send("s:b", "more", MSG_NOSIGNAL), EPIPE);
}

/* -- descriptors ------------------------------------------------------------------------------ */

/* Nobody has the end of the pipe that was on its way. */
static void is_nowhere(actor *alice)
{
	begin(alice, sock.receive("s:b", 100, MSG_DONTWAIT));
	returns(alice);
	does_give(alice, fd.read("p:r", 100), "");
}

CAMPAIGN(sock, pass, "a descriptor is sent with its message, or stays with its sender alone")
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	does(alice, pipes.make("p"));
	actor *victim = forks(alice, "victim");
	does(alice, fd.close("p:w"));
	suffers(victim, sock.pass("s:a", "here", "p:w"));
	if (happened(alice, fd.readable_bytes("s:b"), 0, 4)) {
		does_give(alice, sock.take("s:b", 100, "got", 1, 0), "here");
		does_give(alice, fd.write("got", "hello"), 5);
		does_give(alice, fd.read("p:r", 100), "hello");
		does(alice, fd.close("got"));
	}
	if (ending() != DIED)
		does(victim, fd.close("p:w"));
	is_nowhere(alice);
	hand_over(alice, "s:a", alice, "s:b");
}

CAMPAIGN(sock, take, "a descriptor comes with its message, or is nobody's any more")
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_SEQPACKET));
	actor *victim = forks(alice, "victim");
	does(alice, pipes.make("p"));
	does(alice, sock.pass("s:a", "here", "p:w"));
	does(alice, fd.close("p:w"));
	suffers(victim, sock.take("s:b", 100, "got", 1, 0));
	/* who was killed with the descriptor in hand had taken the message before */
	if (!happened(alice, fd.readable_bytes("s:b"), 4, 0)) {
		does_give(alice, sock.take("s:b", 100, "got", 1, 0), "here");
		must_be(outcome_of(alice)->n[TAKEN_DESCRIPTORS], 1);
		does_give(alice, fd.write("got", "hello"), 5);
		does_give(alice, fd.read("p:r", 100), "hello");
		does(alice, fd.close("got"));
	}
	if (ending() == SUCCEEDED) {
		does_give(victim, fd.write("got", "hello"), 5);
		does_give(alice, fd.read("p:r", 100), "hello");
		does(victim, fd.close("got"));
	}
	is_nowhere(alice);
	hand_over(alice, "s:a", alice, "s:b");
}

CAMPAIGN(sock, pass_to_name, "a descriptor goes with a datagram to whom a name leads, or stays")
{
	actor *alice = cast("alice"), *victim = cast("victim");

	does(alice, sock.serve("s:b", UNIX_DGRAM, 0));
	does(victim, sock.reach("c", UNIX_DGRAM, "s:b", 0));
	does(victim, pipes.make("p"));
	suffers(victim, sock.pass("c", "here", "p:w"));
	if (!happened(alice, fd.readable_bytes("s:b"), 0, 4)) {
		if (ending() == DIED)
			return;
		does_give(victim, sock.pass("c", "here", "p:w"), 4);
	}
	does_give(alice, sock.take("s:b", 100, "got", 1, 0), "here");
	if (ending() == DIED)
		return;
	does(victim, fd.close("p:w"));
	does_give(alice, fd.write("got", "hello"), 5);
	does(alice, fd.close("got"));
	does_give(victim, fd.read("p:r", 100), "hello");
	does_give(victim, fd.read("p:r", 100), "");
}

/* -- names and connections -------------------------------------------------------------------- */

static void makes(int kind)
{
	actor *victim = cast("victim"), *alice = cast("alice");

	suffers(victim, sock.make("s", kind));
	if (ending() == REFUSED)
		does(victim, sock.make("s", kind));
	if (ending() != DIED)
		does(victim, sock.bind("s", "name"));
	else
		does(alice, sock.serve("name", kind, 5));
}

CAMPAIGN(sock, make_stream, "a socket that is made is one, or costs nothing")
{
	makes(UNIX_STREAM);
}

CAMPAIGN(sock, make_dgram, "a socket that is made is one, or costs nothing")
{
	makes(UNIX_DGRAM);
}

/* Who listens at the name hears who comes by it, and gets what is handed over. */
static void serves(actor *server, const char *name)
{
	actor *client = cast("client");

	does(client, sock.make("c", UNIX_STREAM));
	does(client, sock.connect("c", name));
	does(server, sock.accept("s", "accepted"));
	talk(client, "c", server, "accepted");
	hand_over(client, "c", server, "accepted");
	hand_over(server, "accepted", client, "c");
	does(server, fd.set_flags("s", O_NONBLOCK));
	does_fail(server, sock.accept("s", "another"), EAGAIN);
}

static void binds(const char *name)
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", UNIX_STREAM));
	actor *victim = forks(alice, "victim");
	suffers(victim, sock.bind("s", name));
	if (ending() == REFUSED) {
		does(alice, sock.bind("s", name));
	} else if (ending() == DIED) {
		begin(alice, sock.bind("s", name));
		returns(alice);
		must(outcome_of(alice)->value == 0 || outcome_of(alice)->error == EINVAL ||
		     outcome_of(alice)->error == EADDRINUSE);
	}
	does(alice, sock.listen("s", 5));
	serves(alice, name);
}

CAMPAIGN(sock, bind, "a socket has its name, which leads to it, or none")
{
	binds("name");
}

CAMPAIGN(sock, bind_abstract, "a socket has its abstract name, which leads to it, or none")
{
	binds("@name");
}

CAMPAIGN(sock, bind_dgram, "a socket of datagrams has its name, which leads to it, or none")
{
	actor *alice = cast("alice"), *victim = cast("victim");

	does(victim, sock.make("s", UNIX_DGRAM));
	does(alice, sock.make("c", UNIX_DGRAM));
	suffers(victim, sock.bind("s", "@name"));
	if (ending() == DIED) {
		does(alice, sock.bind("c", "@name"));
		return;
	}
	if (ending() == REFUSED)
		does(victim, sock.bind("s", "@name"));
	does(alice, sock.connect("c", "@name"));
	talk(alice, "c", victim, "s");
	hand_over(alice, "c", victim, "s");
}

CAMPAIGN(sock, bind_to_the_deads, "an abstract name whose owner is dead is free")
{
	actor *owner = cast("owner"), *victim = cast("victim"), *alice = cast("alice");

	does(owner, sock.make("s", UNIX_STREAM));
	does(owner, sock.bind("s", "@name"));
	does(owner, sock.listen("s", 5));
	dies(owner);
	does(victim, sock.make("s", UNIX_STREAM));
	does(alice, sock.make("s", UNIX_STREAM));
	suffers(victim, sock.bind("s", "@name"));
	actor *server = ending() == DIED ? alice : victim;
	if (ending() != SUCCEEDED)
		does(server, sock.bind("s", "@name"));
	else
		does_fail(alice, sock.bind("s", "@name"), EADDRINUSE);
	does(server, sock.listen("s", 5));
	serves(server, "@name");
}

CAMPAIGN(sock, close_named, "an abstract name is free when its owner closes, or dies of it")
{
	actor *victim = cast("victim"), *alice = cast("alice");

	does(victim, sock.make("s", UNIX_STREAM));
	does(victim, sock.bind("s", "@name"));
	does(victim, sock.listen("s", 5));
	does(alice, sock.make("c", UNIX_STREAM));
	does(alice, sock.connect("c", "@name"));
	begin(alice, sock.receive("c", 100, 0));
	blocks(alice);
	suffers(victim, fd.close("s"));
	fails(alice, ECONNRESET);
	does(alice, sock.make("s", UNIX_STREAM));
	does(alice, sock.bind("s", "@name"));
	does(alice, sock.listen("s", 5));
	serves(alice, "@name");
}

CAMPAIGN(sock, listen, "a socket listens, or can be made to")
{
	actor *alice = cast("alice");

	does(alice, sock.make("s", UNIX_STREAM));
	does(alice, sock.bind("s", "name"));
	actor *victim = forks(alice, "victim");
	suffers(victim, sock.listen("s", 5));
	if (ending() != SUCCEEDED)
		does(alice, sock.listen("s", 5));
	serves(ending() == SUCCEEDED ? victim : alice, "name");
}

CAMPAIGN(sock, connect, "a connection is made, and accepted once, or isn't")
{
	actor *server = cast("server"), *alice = cast("alice");

	does(server, sock.serve("s", UNIX_STREAM, 5));
	does(alice, sock.make("c", UNIX_STREAM));
	actor *victim = forks(alice, "victim");
	suffers(victim, sock.connect("c", "s"));
	if (ending() == REFUSED) {
		does(victim, sock.connect("c", "s"));
	} else if (ending() == DIED) {
		begin(alice, sock.connect("c", "s"));
		returns(alice);
		must(outcome_of(alice)->value == 0 || outcome_of(alice)->error == EISCONN);
	}
	does(server, sock.accept("s", "accepted"));
	talk(alice, "c", server, "accepted");
	talk(server, "accepted", alice, "c");
	if (ending() != DIED)
		hand_over(victim, "c", server, "accepted");
	does(server, fd.set_flags("s", O_NONBLOCK));
	does_fail(server, sock.accept("s", "another"), EAGAIN);
}

CAMPAIGN(sock, connect_when_full,
	 "who waits for a place in the queue has it, or leaves it to others")
{
	actor *server = cast("server"), *alice = cast("alice");

	does(server, sock.serve("s", UNIX_STREAM, 0));
	does(alice, sock.reach("first", UNIX_STREAM, "s", 0));
	does(alice, sock.make("c", UNIX_STREAM));
	actor *victim = forks(alice, "victim");
	suffers_beside(victim, sock.connect("c", "s"), server, sock.accept("s", "accepted"));
	succeeds(server);
	if (ending() != SUCCEEDED) /* it may have to wait, even to hear that it is connected */
		begin(alice, sock.connect("c", "s"));
	does(server, sock.accept("s", "next"));
	if (ending() != SUCCEEDED) {
		returns(alice);
		must(outcome_of(alice)->value == 0 ||
		     (ending() == DIED && outcome_of(alice)->error == EISCONN));
	}
	talk(alice, "first", server, "accepted");
	talk(alice, "c", server, "next");
}

CAMPAIGN(sock, connect_dgram, "a socket of datagrams has a peer, or none")
{
	actor *server = cast("server"), *alice = cast("alice");

	does(server, sock.serve("s", UNIX_DGRAM, 0));
	does(alice, sock.make("c", UNIX_DGRAM));
	actor *victim = forks(alice, "victim");
	suffers(victim, sock.connect("c", "s"));
	if (ending() != SUCCEEDED)
		does(alice, sock.connect("c", "s"));
	talk(alice, "c", server, "s");
}

CAMPAIGN(sock, connect_dgram_again,
	 "a socket of datagrams that gets another peer has one of the two")
{
	actor *server = cast("server"), *alice = cast("alice");

	does(server, sock.serve("the_first", UNIX_DGRAM, 0));
	does(server, sock.serve("another", UNIX_DGRAM, 0));
	does(alice, sock.reach("c", UNIX_DGRAM, "the_first", 0));
	actor *victim = forks(alice, "victim");
	suffers(victim, sock.connect("c", "another"));
	bool is_another = happened(alice, sock.peer_name("c"), "the_first", "another");
	talk(alice, "c", server, is_another ? "another" : "the_first");
}

/* One connection is pending: who accepts it has it; else the next, or its peer is told. */
static void is_accepted(actor *server, actor *victim, actor *client)
{
	if (ending() == SUCCEEDED) {
		talk(client, "c", victim, "accepted");
		hand_over(client, "c", victim, "accepted");
		return;
	}
	does(server, fd.set_flags("s", O_NONBLOCK));
	begin(server, sock.accept("s", "accepted"));
	returns(server);
	if (outcome_of(server)->value != -1) {
		talk(client, "c", server, "accepted");
	} else {
		must(ending() == DIED && outcome_of(server)->error == EAGAIN);
		begin(client, sock.receive("c", 100, 0));
		returns(client);
		must(outcome_of(client)->value == 0 || outcome_of(client)->error == ECONNRESET);
	}
	if (ending() == REFUSED)
		hand_over(client, "c", server, "accepted");
}

CAMPAIGN(sock, accept, "a connection is accepted, or stays for the next")
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", UNIX_STREAM, 5));
	does(client, sock.reach("c", UNIX_STREAM, "s", 0));
	actor *victim = forks(server, "victim");
	suffers(victim, sock.accept("s", "accepted"));
	is_accepted(server, victim, client);
}

CAMPAIGN(sock, accept_wait, "who waits for a connection has it, or leaves it to others")
{
	actor *server = cast("server"), *client = cast("client");

	does(server, sock.serve("s", UNIX_STREAM, 5));
	actor *victim = forks(server, "victim");
	suffers_beside(victim, sock.accept("s", "accepted"), client,
		       sock.reach("c", UNIX_STREAM, "s", 0));
	succeeds(client);
	is_accepted(server, victim, client);
}

CAMPAIGN(sock, poll, "who polls a socket is told that something came, or the next is")
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	actor *victim = forks(alice, "victim"), *sender = forks(alice, "sender");
	suffers_beside(victim, fd.poll("s:b", POLLIN, -1), sender, sock.send("s:a", "hello", 0));
	gives(sender, 5);
	does_give(alice, fd.poll("s:b", POLLIN, -1), POLLIN);
	does_give(alice, sock.receive("s:b", 100, 0), "hello");
}

/* -- long ones -------------------------------------------------------------------------------- */

TRANSFER(sock, write_long_stream, "of a long write the first bytes are there, as many as it tells")
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	writes_long(alice, forks(alice, "victim"), "s:a", "s:b");
	talk(alice, "s:a", alice, "s:b");
}

TRANSFER(sock, read_long_stream, "of a long read the first bytes are taken, and the others stay")
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", UNIX_STREAM));
	reads_long(alice, forks(alice, "victim"), "s:a", "s:b");
	talk(alice, "s:a", alice, "s:b");
}
