/* SPDX-License-Identifier: MIT */
/* Messages, which stay whole. */
#include <string.h>

#include "contract/kinds.h"
#include "stage/story.h"

static void boundaries_are_kept(int kind)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", kind));
	does_give(alice, sock.send("s:a", "one", 0), 3);
	does_give(alice, sock.send("s:a", "three", 0), 5);
	does_give(alice, sock.receive("s:b", 100, 0), "one");
	does_give(alice, sock.receive("s:b", 100, 0), "three");
	does_fail(alice, sock.receive("s:b", 100, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, datagram_keeps_its_boundaries, datagrams)
{
	boundaries_are_kept(row->kind);
}

TEST(sock, seqpacket_keeps_boundaries)
{
	boundaries_are_kept(UNIX_SEQPACKET);
}

TEST(sock, unix_datagrams_keep_their_order)
{
	actor *alice = cast("alice");
	const char *const texts[] = {"1", "22", "333", "4444", "55555", "666666", "7777777"};
	enum { COUNT = sizeof(texts) / sizeof(texts[0]) };

	does(alice, sock.pair("s", UNIX_DGRAM));
	for (int i = 0; i < COUNT; i++)
		does(alice, sock.send("s:a", texts[i], 0));
	for (int i = 0; i < COUNT; i++)
		does_give(alice, sock.receive("s:b", 100, 0), texts[i]);
}

TEST_EACH(sock, longer_message_is_cut, messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "longer than that", 0));
	does(alice, sock.send("s:a", "next", 0));
	does_give(alice, sock.receive("s:b", 6, 0), "longer");
	does_give(alice, sock.receive("s:b", 100, 0), "next");
	does(alice, sock.send("s:a", "longer than that", 0));
	does_give(alice, fd.read("s:b", 6), "longer");
	does_fail(alice, sock.receive("s:b", 100, MSG_DONTWAIT), EAGAIN);
}

static void is_cut(actor *a, bool cut)
{
	must_be((outcome_of(a)->n[TAKEN_FLAGS] & MSG_TRUNC) != 0, cut);
}

TEST_EACH(sock, cut_message_is_told, messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "longer", 0));
	does(alice, sock.send("s:a", "exact", 0));
	does(alice, sock.send("s:a", "less", 0));
	does_give(alice, sock.take("s:b", 5, "none", 0, MSG_PEEK), "longe");
	is_cut(alice, true);
	does_give(alice, sock.take("s:b", 5, "none", 0, 0), "longe");
	is_cut(alice, true);
	does_give(alice, sock.take("s:b", 5, "none", 0, 0), "exact");
	is_cut(alice, false);
	does_give(alice, sock.take("s:b", 5, "none", 0, 0), "less");
	is_cut(alice, false);
}

TEST_EACH(sock, trunc_gives_the_real_length, datagrams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "sixteen letters!", 0));
	does(alice, sock.send("s:a", "next", 0));
	does_give(alice, sock.receive("s:b", 7, MSG_TRUNC), 16);
	does_give(alice, sock.receive("s:b", 7, MSG_TRUNC), 4);
}

TEST_EACH(sock, peek_gives_the_length_beforehand, datagrams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "sixteen letters!", 0));
	does_give(alice, sock.receive("s:b", 0, MSG_PEEK | MSG_TRUNC), 16);
	does_give(alice, sock.receive("s:b", 16, 0), "sixteen letters!");
}

TEST_EACH(sock, empty_datagram_is_a_message, datagrams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	begin(bob, sock.receive("s:b", 100, 0));
	blocks(bob);
	does_give(alice, sock.send_nothing("s:a", 0), 0);
	gives(bob, "");
	does(alice, sock.send_nothing("s:a", 0));
	does(alice, sock.send("s:a", "next", 0));
	does_give(bob, sock.receive("s:b", 100, 0), "");
	does_give(bob, sock.receive("s:b", 100, 0), "next");
	does_fail(bob, sock.receive("s:b", 100, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, receive_of_no_byte_takes_the_message, datagrams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "dropped", 0));
	does(alice, sock.send("s:a", "next", 0));
	does_give(alice, sock.receive("s:b", 0, 0), 0);
	does_give(alice, sock.receive("s:b", 100, 0), "next");
}

TEST_EACH(sock, receive_of_no_byte_waits_for_a_message, datagrams)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does_fail(bob, sock.receive("s:b", 0, MSG_DONTWAIT), EAGAIN);
	begin(bob, sock.receive("s:b", 0, 0));
	blocks(bob);
	does(alice, sock.send("s:a", "x", 0));
	gives(bob, 0);
}

TEST_EACH(sock, too_long_message_is_refused, messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	/* what bounds a message of AF_UNIX; those of UDP are bounded by 65535 bytes a packet */
	does(alice, sock.set_option("s:a", SOL_SOCKET, SO_SNDBUF, 30000));
	does_fail(alice, sock.send_pattern("s:a", 100000, 0), EMSGSIZE);
	does_fail(alice, sock.receive("s:b", 1, MSG_DONTWAIT), EAGAIN);
	does(alice, sock.send("s:a", "short enough", 0));
	does_give(alice, sock.receive("s:b", 100, 0), "short enough");
}

TEST_EACH(sock, long_datagram_arrives_whole, messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, sock.send_pattern("s:a", 60000, 0), 60000);
	does_give(alice, fd.read_pattern("s:b", 0, 100000), 60000);
}

enum { SENDERS = 3, RECORDS = 60 };

/* Record i of a sender: as long as i tells, and of nothing but the sender's letter. */
static long long send_records(const char *text, const long long *n)
{
	unsigned char record[2 + RECORDS * 7];

	(void)n;
	memset(record, text[0], sizeof(record));
	for (int i = 0; i < RECORDS; i++) {
		size_t size = 2 + (size_t)i * 7;

		record[1] = (unsigned char)i;
		must_be(impl->sock->send(handle_fd("s:a"), record, size, 0), size);
	}
	return 0;
}

static long long receive_records(const char *text, const long long *n)
{
	unsigned char record[1000];
	int next[SENDERS] = {0};

	(void)text, (void)n;
	for (int i = 0; i < SENDERS * RECORDS; i++) {
		ssize_t size = impl->sock->recv(handle_fd("s:b"), record, sizeof(record), 0);
		int sender = record[0] - 'A';

		must(sender >= 0 && sender < SENDERS);
		must_be(record[1], next[sender]++);
		must_be(size, 2 + record[1] * 7);
		for (ssize_t at = 2; at < size; at++)
			must_be(record[at], record[0]);
	}
	return impl->sock->recv(handle_fd("s:b"), record, 1, MSG_DONTWAIT);
}

TEST_EACH(sock, datagrams_of_many_senders_stay_whole, unix_messages)
{
	actor *receiver = cast("receiver"), *senders[SENDERS];
	const char *const letters[SENDERS] = {"A", "B", "C"};

	does(receiver, sock.pair("s", row->kind));
	for (int i = 0; i < SENDERS; i++)
		senders[i] = forks(receiver, letters[i]);
	for (int i = 0; i < SENDERS; i++)
		begin(senders[i], call(send_records, letters[i], 0, 0, 0));
	begin(receiver, call(receive_records, "", 0, 0, 0));
	for (int i = 0; i < SENDERS; i++)
		succeeds(senders[i]);
	fails(receiver, EAGAIN);
}
