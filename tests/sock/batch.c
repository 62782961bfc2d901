/* SPDX-License-Identifier: MIT */
/* Several messages by one call. */
#include "contract/kinds.h"
#include "stage/story.h"

TEST_EACH(sock, several_messages_go_at_once, messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does_give(alice, sock.send_words("s:a", "one two three", 0), 3);
	does_give(alice, sock.receive("s:b", 100, 0), "one");
	does_give(alice, sock.receive("s:b", 100, 0), "two");
	does_give(alice, sock.receive("s:b", 100, 0), "three");
	does_fail(alice, sock.receive("s:b", 100, MSG_DONTWAIT), EAGAIN);
	does_give(alice, sock.send_words("s:a", "", 0), 0);
	does_fail(alice, sock.receive("s:b", 100, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, several_messages_come_at_once, messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send_words("s:a", "one two three four", 0));
	does_give(alice, sock.receive_words("s:b", 3, 4, 0), "one two thre");
	must_be(outcome_of(alice)->value, 3);
	does_give(alice, sock.receive("s:b", 100, 0), "four");
	does_fail(alice, sock.receive_words("s:b", 3, 4, MSG_DONTWAIT), EAGAIN);
}

TEST_EACH(sock, empty_messages_count_too, messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send("s:a", "", 0));
	does(alice, sock.send("s:a", "one", 0));
	does_give(alice, sock.receive_words("s:b", 2, 4, 0), " one");
	must_be(outcome_of(alice)->value, 2);
}

TEST_EACH(sock, all_messages_are_waited_for, messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	begin(bob, sock.receive_words("s:b", 3, 10, 0));
	blocks(bob);
	does(alice, sock.send("s:a", "one", 0));
	blocks(bob);
	does(alice, sock.send_words("s:a", "two three four", 0));
	gives(bob, "one two three");
	does_give(bob, sock.receive("s:b", 100, 0), "four");
}

#ifdef MSG_WAITFORONE
TEST_EACH(sock, one_message_is_waited_for, messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	begin(bob, sock.receive_words("s:b", 3, 10, MSG_WAITFORONE));
	blocks(bob);
	does(alice, sock.send("s:a", "one", 0));
	gives(bob, "one");
	must_be(outcome_of(bob)->value, 1);
	does(alice, sock.send_words("s:a", "two three", 0));
	does_give(bob, sock.receive_words("s:b", 3, 10, MSG_WAITFORONE), "two three");
}
#endif

TEST_EACH(sock, messages_that_came_are_not_lost, unix_messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, 0));
	begin(bob, sock.receive_words("s:b", 3, 10, 0));
	blocks(bob);
	does(alice, sock.send_words("s:a", "one two", 0));
	blocks(bob);
	poke(bob, SIGUSR1);
	gives(bob, "one two");
	must_be(outcome_of(bob)->value, 2);
}

static long long receive_until(const char *h, const long long *n)
{
	char byte;
	struct iovec part = {&byte, 1};
	struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
	struct timespec timeout = {.tv_sec = (time_t)n[0], .tv_nsec = (long)n[1]};

	if (impl->sock->recvmmsg)
		return impl->sock->recvmmsg(handle_fd(h), &message, 1, MSG_DONTWAIT, &timeout);
	errno = ENOSYS;
	return -1;
}

TEST_EACH(sock, invalid_time_receives_nothing, messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, sock.send_words("s:a", "one", 0));
	does_fail(alice, call(receive_until, "s:b", 0, 1000000000, 0), EINVAL);
	does_fail(alice, call(receive_until, "s:b", 0, -1, 0), EINVAL);
	does_fail(alice, call(receive_until, "s:b", -1, 0, 0), EINVAL);
	does_give(alice, sock.receive("s:b", 100, MSG_DONTWAIT), "one");
}

TEST(sock, batches_need_a_socket)
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	does(alice, fd.write("p:w", "whole"));
	does_fail(alice, sock.receive_words("p:r", 1, 4, MSG_DONTWAIT), ENOTSOCK);
	does_fail(alice, sock.send_words("p:w", "one", MSG_DONTWAIT), ENOTSOCK);
	does_give(alice, fd.read("p:r", 100), "whole");
	does(alice, fd.close("p:r"));
	does_fail(alice, sock.receive_words("p:r", 1, 4, MSG_DONTWAIT), EBADF);
	does(alice, fd.close("p:w"));
	does_fail(alice, sock.send_words("p:w", "one", MSG_DONTWAIT), EBADF);
}

/* There is room for some of the messages. */
TEST_EACH(sock, messages_that_went_are_counted, unix_messages)
{
	actor *alice = cast("alice");

	does(alice, sock.pair("s", row->kind));
	does(alice, fd.fill("s:a", 10));
	does_fail(alice, sock.send_words("s:a", "one two three", MSG_DONTWAIT), EAGAIN);
	does_give(alice, sock.receive("s:b", 100, 0), 10);
	begin(alice, sock.send_words("s:a", "a b c d e f g h i j k l m n o p", MSG_DONTWAIT));
	returns(alice);
	if (outcome_of(alice)->error == EAGAIN)
		skip("room for one message is no room yet");
	must(outcome_of(alice)->value >= 1 && outcome_of(alice)->value <= 16);
}
