/* SPDX-License-Identifier: MIT */
/* Many senders and receivers at once. */
#include <stdlib.h>
#include <string.h>

#include "stage/story.h"

enum { SENDERS = 3, EACH = 200, LAST = 1000 };

/* What is sent: who it is from and which it is. */
struct numbered {
	long type;
	struct {
		int sender, number;
	} text;
};

static bool is_interrupted(long long value)
{
	return value == -1 && errno == EINTR;
}

static long long sends_many(const char *text, const long long *n)
{
	int id = (int)handle_number("q");

	(void)text;
	for (int i = 0; i < EACH;) {
		struct numbered message = {1, {(int)n[0], i}};
		long long value = impl->msg->msgsnd(id, &message, sizeof(message.text), 0);

		if (is_interrupted(value))
			continue;
		must_be(value, 0);
		i++;
	}
	return 0;
}

/* Until somebody says that it's the last; shared word sender * EACH + number counts what comes. */
static long long receives_many(const char *text, const long long *n)
{
	int id = (int)handle_number("q"), last[SENDERS] = {-1, -1, -1};
	long long count = 0;

	(void)text;
	(void)n;
	for (;;) {
		struct numbered message;
		long long value = impl->msg->msgrcv(id, &message, sizeof(message.text), 0, 0);

		if (is_interrupted(value))
			continue;
		must_be(value, sizeof(message.text));
		if (message.type == LAST)
			return count;
		must(message.text.sender >= 0 && message.text.sender < SENDERS);
		must(message.text.number > last[message.text.sender]);
		last[message.text.sender] = message.text.number;
		shared()[message.text.sender] += (uint64_t)message.text.number + 1;
		count++;
	}
}

static actor *boss, *senders[SENDERS], *receivers[2];

static void cast_all(void)
{
	boss = cast("boss");
	does(boss, msg.make("q"));
	does(boss, msg.set_capacity("q", 5 * (long long)sizeof(((struct numbered *)0)->text)));
	for (int i = 0; i < 2; i++)
		receivers[i] = forks(boss, "receiver");
	for (int i = 0; i < SENDERS; i++)
		senders[i] = forks(boss, "sender");
}

static void begin_all(void)
{
	for (int i = 0; i < 2; i++)
		begin(receivers[i], call(receives_many, NULL, 0, 0, 0));
	for (int i = 0; i < SENDERS; i++)
		begin(senders[i], call(sends_many, NULL, i, 0, 0));
}

static void end_all(void)
{
	long long count = 0;

	for (int i = 0; i < SENDERS; i++)
		succeeds(senders[i]);
	for (int i = 0; i < 2; i++)
		does(boss, msg.send("q", LAST, "the last"));
	for (int i = 0; i < 2; i++) {
		succeeds(receivers[i]);
		count += outcome_of(receivers[i])->value;
	}
	must_be(count, SENDERS * EACH);
	for (int i = 0; i < SENDERS; i++)
		must_be(shared()[i], EACH * (EACH + 1) / 2);
	does_give(boss, msg.count("q"), 0);
	does_give(boss, msg.bytes("q"), 0);
}

TEST(msg, nothing_is_lost_or_doubled)
{
	cast_all();
	begin_all();
	end_all();
}

TEST(msg, nothing_is_lost_under_signals)
{
	cast_all();
	for (int i = 0; i < 2; i++)
		does(receivers[i], sig.handle(SIGUSR1, 0));
	for (int i = 0; i < SENDERS; i++)
		does(senders[i], sig.handle(SIGUSR1, 0));
	begin_all();
	for (int i = 0; i < 60; i++) {
		poke(receivers[i % 2], SIGUSR1);
		poke(senders[i % SENDERS], SIGUSR1);
	}
	end_all();
}

/* Of a queue of one message's room: what there is, and then nothing. */
static void must_be_sound(void)
{
	does(boss, msg.count("q"));
	long long count = outcome_of(boss)->value;
	must(count == 0 || count == 1);
	does_give(boss, msg.bytes("q"), 4 * count);
	if (count)
		does_give(boss, msg.receive("q", 100, 0, IPC_NOWAIT), "four");
	does_fail(boss, msg.receive("q", 100, 0, IPC_NOWAIT), ENOMSG);
}

/* Each round, one who waits is killed just when it may be served: it was, or it wasn't. */
TEST(msg, deaths_leave_the_queue_sound)
{
	boss = cast("boss");
	does(boss, msg.make("q"));
	does(boss, msg.set_capacity("q", 4));
	for (int i = 0; i < 5; i++) {
		actor *receiver = forks(boss, "receiver"), *sender = forks(boss, "sender");
		begin(receiver, msg.receive("q", 100, 0, 0));
		blocks(receiver);
		begin(boss, msg.send("q", 1, "four"));
		dies(receiver);
		succeeds(boss);
		must_be_sound();
		does(boss, msg.send("q", 1, "four"));
		begin(sender, msg.send("q", 1, "four"));
		blocks(sender);
		begin(boss, msg.receive("q", 100, 0, 0));
		dies(sender);
		gives(boss, "four");
		must_be_sound();
	}
}
