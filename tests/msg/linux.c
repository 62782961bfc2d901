/* SPDX-License-Identifier: MIT */
/* What Linux adds: looking into a queue, and into the system's table of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage/story.h"

static actor *with_three(void)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send("q", 3, "three"));
	does(a, msg.send("q", 1, "one"));
	does(a, msg.send("q", 2, "two"));
	return a;
}

TEST(msg, copy_leaves_the_message)
{
	actor *a = with_three(), *bob = forks(a, "bob");
	long long before[MSG_STATUS_NUMBERS];

	does(a, msg.status("q"));
	memcpy(before, outcome_of(a)->n, sizeof(before));
	does_give(bob, msg.receive("q", 100, 1, MSG_COPY | IPC_NOWAIT), "one");
	must_be(outcome_of(bob)->n[0], 1);
	does_give(bob, msg.receive("q", 100, 0, MSG_COPY | IPC_NOWAIT), "three");
	must_be(outcome_of(bob)->n[0], 3);
	does_give(bob, msg.receive("q", 100, 2, MSG_COPY | IPC_NOWAIT), "two");
	does(a, msg.status("q"));
	for (int i = 0; i < MSG_STATUS_NUMBERS; i++)
		must_be(outcome_of(a)->n[i], before[i]);
	does_give(a, msg.receive("q", 100, 0, IPC_NOWAIT), "three");
	does_give(a, msg.receive("q", 100, 0, IPC_NOWAIT), "one");
	does_give(a, msg.receive("q", 100, 0, IPC_NOWAIT), "two");
}

TEST(msg, copy_beyond_the_end)
{
	actor *a = with_three();

	does_fail(a, msg.receive("q", 100, 3, MSG_COPY | IPC_NOWAIT), ENOMSG);
	does_fail(a, msg.receive("q", 100, 1000, MSG_COPY | IPC_NOWAIT), ENOMSG);
	does_give(a, msg.count("q"), 3);
}

TEST(msg, copy_needs_nowait)
{
	actor *a = with_three();

	does_give(a, msg.receive("q", 100, 1, MSG_COPY | IPC_NOWAIT), "one");
	does_fail(a, msg.receive("q", 100, 1, MSG_COPY), EINVAL);
	does_fail(a, msg.receive("q", 100, 9, MSG_COPY), EINVAL);
	does_fail(a, msg.receive("q", 100, 1, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT), EINVAL);
	does_give(a, msg.count("q"), 3);
}

TEST(msg, copy_respects_the_room)
{
	actor *a = with_three();

	does_fail(a, msg.receive("q", 4, 0, MSG_COPY | IPC_NOWAIT), E2BIG);
	does_fail(a, msg.receive("q", 0, 0, MSG_COPY | IPC_NOWAIT), E2BIG);
	does_give(a, msg.receive("q", 5, 0, MSG_COPY | IPC_NOWAIT), "three");
	does_give(a, msg.count("q"), 3);
}

/* A message of type n is n bytes of one letter, which its number tells. */
struct even {
	long type;
	char text[64];
};

/* Shared words: copies made, and that there'll be no more messages. */
enum { COPIES, OVER, ROUNDS = 300 };

static long long exchanges(const char *text, const long long *n)
{
	int id = (int)handle_number("q");
	struct even message;

	(void)text;
	(void)n;
	for (int i = 0; i < ROUNDS || !shared()[COPIES]; i++) {
		message.type = 1 + i % 60;
		memset(message.text, 'a' + (int)message.type % 26, sizeof(message.text));
		must_be(impl->msg->msgsnd(id, &message, (size_t)message.type, 0), 0);
		must_be(impl->msg->msgrcv(id, &message, sizeof(message.text), 0, 0), message.type);
	}
	shared()[OVER] = 1;
	return 0;
}

static long long copies(const char *text, const long long *n)
{
	int id = (int)handle_number("q");
	struct even message;

	(void)text;
	(void)n;
	while (!shared()[OVER]) {
		ssize_t size = impl->msg->msgrcv(id, &message, sizeof(message.text), 0,
						 MSG_COPY | IPC_NOWAIT);

		if (size < 0 && errno == ENOMSG)
			continue;
		must(size > 0);
		must_be(size, message.type);
		for (int i = 0; i < size; i++)
			must_be(message.text[i], 'a' + message.type % 26);
		shared()[COPIES]++;
	}
	return 0;
}

TEST(msg, copy_is_of_one_message)
{
	actor *alice = cast("alice");

	does(alice, msg.make("q"));
	actor *bob = forks(alice, "bob");
	does_fail(bob, msg.receive("q", 100, 0, MSG_COPY | IPC_NOWAIT), ENOMSG);
	begin(bob, call(copies, NULL, 0, 0, 0));
	begin(alice, call(exchanges, NULL, 0, 0, 0));
	succeeds(alice);
	succeeds(bob);
	does_give(alice, msg.count("q"), 0);
}

TEST(msg, limits_are_told)
{
	actor *a = cast("alice");

	begin(a, msg.limits());
	succeeds(a);
	const long long *n = outcome_of(a)->n;
	must_be(n[MSG_LIMIT_SIZE], system_setting("kernel/msgmax"));
	must_be(n[MSG_LIMIT_CAPACITY], system_setting("kernel/msgmnb"));
	must_be(n[MSG_LIMIT_QUEUES], system_setting("kernel/msgmni"));
}

TEST(msg, usage_is_told)
{
	actor *a = with_three();

	does(a, msg.make("p"));
	does(a, msg.send("p", 1, "1234567"));
	does(a, msg.usage());
	const long long *n = outcome_of(a)->n;
	/* others may have queues too */
	must(n[MSG_USED_QUEUES] >= 2);
	must(n[MSG_USED_MESSAGES] >= 4);
	must(n[MSG_USED_BYTES] >= 18);
	must(n[MSG_USED_QUEUES] <= 1000000);
}

static const struct command {
	const char *name;
	int command;
} commands[] = {{"stat", MSG_STAT}, {"stat_any", MSG_STAT_ANY}};

TEST_EACH(msg, status_by_index, commands)
{
	actor *a = with_three();
	long long status[MSG_STATUS_NUMBERS];

	does(a, msg.status("q"));
	memcpy(status, outcome_of(a)->n, sizeof(status));
	begin(a, msg.status_by_index("q", row->command));
	returns(a);
	if (outcome_of(a)->error == EINVAL && row->command == MSG_STAT_ANY)
		skip("no MSG_STAT_ANY: Linux has it since 4.17");
	must(outcome_of(a)->value >= 0);
	for (int i = 0; i < MSG_STATUS_NUMBERS; i++)
		must_be(outcome_of(a)->n[i], status[i]);
}

/* /proc/sysvipc/msg, read so many bytes at a time. */
static char *table(size_t piece)
{
	enum { TABLE_MAX = 1 << 20 };
	char *text = malloc(TABLE_MAX);
	size_t used = 0, n;
	FILE *file = fopen("/proc/sysvipc/msg", "r");

	if (!file)
		skip("no /proc/sysvipc/msg");
	must(text);
	setvbuf(file, NULL, _IOFBF, piece);
	while (used + piece < TABLE_MAX && (n = fread(text + used, 1, piece, file)) > 0)
		used += n;
	text[used] = '\0';
	fclose(file);
	return text;
}

/* How many lines are of this key; the first one's second column on is copied. */
static int lines_of(const char *text, key_t key, char *line, size_t size)
{
	int count = 0;

	for (const char *s = strchr(text, '\n'); s && s[1]; s = strchr(s + 1, '\n')) {
		if (strtoll(s + 1, NULL, 10) != key)
			continue;
		if (count++ == 0)
			snprintf(line, size, "%.*s", (int)strcspn(s + 1, "\n"), s + 1);
	}
	return count;
}

static long long shows_in_proc(const char *object, const long long *n)
{
	char line[256] = "", *text = table(4096);
	long long key, id, mode, bytes, count, sender, receiver;

	must_be(lines_of(text, key_of(object), line, sizeof(line)), 1);
	free(text);
	must_be(sscanf(line, "%lld %lld %llo %lld %lld %lld %lld", &key, &id,
		       (unsigned long long *)&mode, &bytes, &count, &sender, &receiver),
		7);
	must_be(id, n[0]);
	must_be(mode, 0600);
	must_be(bytes, 11);
	must_be(count, 3);
	must_be(sender, n[1]);
	must_be(receiver, 0);
	return 0;
}

TEST(msg, proc_tells_the_queue)
{
	actor *a = with_three();

	does(a, msg.id("q"));
	does(a, call(shows_in_proc, "q", outcome_of(a)->value, pid_of(a), 0));
}

/* All queues of this test are there once, and in the same order. */
static long long shows_all_once(const char *object, const long long *n)
{
	char name[32], line[256], *text = table((size_t)n[0]);

	for (int i = 0; i < n[1]; i++) {
		snprintf(name, sizeof(name), "%s%d", object, i);
		must_be(lines_of(text, key_of(name), line, sizeof(line)), 1);
	}
	free(text);
	return 0;
}

static const struct piece {
	const char *name;
	int size;
} pieces[] = {{"16_bytes", 16}, {"a_line", 118}, {"100_bytes", 100}, {"all", 65536}};

TEST_EACH(msg, proc_is_the_same_in_small_pieces, pieces)
{
	enum { MANY = 6 };
	actor *a = cast("alice");
	char name[16];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "q%d", i);
		does(a, msg.make(name));
	}
	does(a, call(shows_all_once, "q", row->size, MANY, 0));
}

static long long shows_owner_and_times(const char *object, const long long *n)
{
	char line[256] = "", *text = table(4096);
	struct msqid_ds status;
	long long tail[7];

	(void)n;
	must_be(impl->msg->msgctl((int)handle_number(object), IPC_STAT, &status), 0);
	must_be(lines_of(text, key_of(object), line, sizeof(line)), 1);
	free(text);
	must_be(sscanf(line, "%*d %*d %*o %*d %*d %*d %*d %lld %lld %lld %lld %lld %lld %lld",
		       &tail[0], &tail[1], &tail[2], &tail[3], &tail[4], &tail[5], &tail[6]),
		7);
	must_be(tail[0], status.msg_perm.uid);
	must_be(tail[1], status.msg_perm.gid);
	must_be(tail[2], status.msg_perm.cuid);
	must_be(tail[3], status.msg_perm.cgid);
	must_be(tail[4], status.msg_stime);
	must_be(tail[5], status.msg_rtime);
	must_be(tail[6], status.msg_ctime);
	return 0;
}

TEST(msg, proc_tells_owner_and_times)
{
	actor *a = with_three();

	does(a, msg.receive("q", 100, 1, IPC_NOWAIT));
	does(a, call(shows_owner_and_times, "q", 0, 0, 0));
}

static long long counts_its_lines(const char *object, const long long *n)
{
	char line[256], *text = table(4096);
	int count = lines_of(text, key_of(object), line, sizeof(line));

	(void)n;
	free(text);
	return count;
}

TEST(msg, proc_forgets_the_removed)
{
	actor *a = with_three();

	does_give(a, call(counts_its_lines, "q", 0, 0, 0), 1);
	does(a, msg.remove("q"));
	does_give(a, call(counts_its_lines, "q", 0, 0, 0), 0);
}

static const struct address {
	const char *name;
	int what;
} addresses[] = {{"send", 's'}, {"receive", 'r'}, {"status", '?'}, {"set", '!'}};

static long long uses_a_bad_address(const char *text, const long long *n)
{
	int id = (int)handle_number("q");
	/* A page that may not be touched: an address out of all bounds would stop at a sanitizer's
	   wrapper of the function, before the function. */
	struct msqid_ds *nowhere =
		impl->shm->mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)text;
	if (nowhere == MAP_FAILED)
		return -1;
	switch ((int)n[0]) {
	case 's':
		return impl->msg->msgsnd(id, nowhere, 4, IPC_NOWAIT);
	case 'r':
		return impl->msg->msgrcv(id, nowhere, 100, 0, IPC_NOWAIT);
	case '?':
		return impl->msg->msgctl(id, IPC_STAT, nowhere);
	default:
		return impl->msg->msgctl(id, IPC_SET, nowhere);
	}
}

TEST_EACH(msg, bad_address_is_refused, addresses)
{
	/* it converts the times in it, so that no system call ever sees the address */
	if (sizeof(long) == 4 && (row->what == '?' || row->what == '!'))
		skip("where a long has 32 bits libc itself looks at the structure");
	actor *a = with_three();

	does_fail(a, call(uses_a_bad_address, NULL, row->what, 0, 0), EFAULT);
	begin(a, msg.count("q"));
	returns(a);
	if (row->what == 'r') /* Linux takes it off the queue before it copies */
		must(outcome_of(a)->value >= 2);
	else
		must_be(outcome_of(a)->value, 3);
}
