/* SPDX-License-Identifier: MIT */
/* Notification by a thread: SIGEV_THREAD. */
#include <dirent.h>
#include <string.h>

#include "stage/story.h"

/* Shared words: the sum of the values notified, how often, messages received. */
enum { SUM, TIMES, RECEIVED };

static void notes(union sigval value)
{
	shared()[SUM] += (uint64_t)value.sival_int;
	shared()[TIMES]++;
}

static int register_function(const char *h, void (*called)(union sigval), int value,
			     pthread_attr_t *attributes)
{
	struct sigevent how;

	memset(&how, 0, sizeof(how));
	how.sigev_notify = SIGEV_THREAD;
	how.sigev_notify_function = called;
	how.sigev_notify_attributes = attributes;
	how.sigev_value.sival_int = value;
	int result = impl->mq->mq_notify((mqd_t)handle_number(h), &how);
	int error = errno;
	memset(&how, 0xEE, sizeof(how));
	errno = error;
	return result;
}

static long long registers(const char *h, const long long *n)
{
	return register_function(h, notes, (int)n[0], NULL);
}

static actor *receiver, *sender;

static void cast_both(void)
{
	receiver = cast("receiver");
	does(receiver, mq.make("q", 4, 16));
	sender = forks(receiver, "sender");
}

TEST(mq, notification_starts_a_thread)
{
	cast_both();
	does(receiver, call(registers, "q", 42, 0, 0));
	does_fail(sender, mq.notify_none("q"), EBUSY);
	must_be(shared()[TIMES], 0);
	does(sender, mq.send("q", "x", 0));
	awaits(&shared()[TIMES], 1);
	must_be(shared()[SUM], 42);
	does(sender, mq.notify_none("q"));
	does(receiver, mq.receive("q"));
	does(sender, mq.send("q", "y", 0));
	must_be(shared()[TIMES], 1);
}

/* First registers, then empties the queue: nothing that comes can be missed. */
static void registers_and_empties(union sigval value)
{
	char bytes[16];

	if (register_function("q", registers_and_empties, value.sival_int, NULL) < 0 &&
	    errno != EBUSY)
		stage_must(__FILE__, __LINE__, "the notified thread registers again");
	while (impl->mq->mq_receive((mqd_t)handle_number("q"), bytes, sizeof(bytes), NULL) >= 0)
		shared()[RECEIVED]++;
	must_be(errno, EAGAIN);
	shared()[TIMES]++;
}

static long long registers_for_ever(const char *h, const long long *n)
{
	(void)n;
	return register_function(h, registers_and_empties, 0, NULL);
}

TEST(mq, notified_thread_registers_again)
{
	cast_both();
	does(receiver, mq.set_nonblock("q", 1));
	does(receiver, call(registers_for_ever, "q", 0, 0, 0));
	for (uint64_t i = 1; i <= 5; i++) {
		does(sender, mq.send("q", "x", 0));
		does(sender, mq.send("q", "y", 0));
		awaits(&shared()[RECEIVED], 2 * i);
	}
	does_give(sender, mq.count("q"), 0);
}

static long long registers_attributed(const char *h, const long long *n)
{
	pthread_attr_t attributes;

	must_be(pthread_attr_init(&attributes), 0);
	must_be(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED), 0);
	must_be(pthread_attr_setstacksize(&attributes, 1 << 18), 0);
	int result = register_function(h, notes, (int)n[0], &attributes), error = errno;
	pthread_attr_destroy(&attributes);
	memset(&attributes, 0xEE, sizeof(attributes));
	errno = error;
	return result;
}

TEST(mq, thread_attributes_may_go)
{
	cast_both();
	does(receiver, call(registers_attributed, "q", 3, 0, 0));
	does(sender, mq.send("q", "x", 0));
	awaits(&shared()[TIMES], 1);
	must_be(shared()[SUM], 3);
	does_give(receiver, mq.receive("q"), "x");
}

enum { STACK = 1 << 18 };

/* Shared words, beside those above: the stack's bounds, as seen in the process. */
enum { BOTTOM = 3, INSIDE };

static void looks_where_it_is(union sigval value)
{
	uint64_t here = (uint64_t)(uintptr_t)&value, bottom = shared()[BOTTOM];

	shared()[INSIDE] = here >= bottom && here < bottom + STACK;
	shared()[TIMES]++;
}

static long long registers_with_a_stack(const char *h, const long long *n)
{
	pthread_attr_t attributes;
	void *stack = impl->shm->mmap(NULL, STACK, PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)n;
	must(stack != MAP_FAILED);
	shared()[BOTTOM] = (uint64_t)(uintptr_t)stack;
	must_be(pthread_attr_init(&attributes), 0);
	must_be(pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED), 0);
	must_be(pthread_attr_setstack(&attributes, stack, STACK), 0);
	int result = register_function(h, looks_where_it_is, 0, &attributes), error = errno;
	pthread_attr_destroy(&attributes);
	errno = error;
	return result;
}

TEST(mq, thread_has_its_attributes)
{
	cast_both();
	does(receiver, call(registers_with_a_stack, "q", 0, 0, 0));
	does(sender, mq.send("q", "x", 0));
	awaits(&shared()[TIMES], 1);
	must_be(shared()[INSIDE], 1);
}

/*
 * The library's thread, if it has one, was made while the signal was not blocked.  (The thread that
 * calls the function may be one that doesn't block it.)
 */
TEST(mq, helper_takes_no_signals)
{
	cast_both();
	does(receiver, sig.block(SIGNALS(SIGUSR1)));
	/* in the first round it may not run yet that waits */
	for (int round = 1; round <= 8; round++) {
		does(receiver, call(registers, "q", 4, 0, 0));
		does(sender, sig.kill(pid_of(receiver), SIGUSR1));
		does_give(receiver, sig.pending(), SIGNALS(SIGUSR1));
		does_give(receiver, sig.wait(SIGNALS(SIGUSR1)), SIGUSR1);
		does(sender, mq.send("q", "x", 0));
		awaits(&shared()[TIMES], round);
		must_be(shared()[SUM], 4 * round);
		does_give(receiver, mq.receive("q"), "x");
	}
}

TEST(mq, armed_thread_can_be_removed)
{
	cast_both();
	for (int i = 0; i < 3; i++) {
		does(receiver, call(registers_attributed, "q", 1, 0, 0));
		does(receiver, mq.notify_remove("q"));
	}
	does(sender, mq.send("q", "x", 0));
	does_give(receiver, mq.receive("q"), "x");
	must_be(shared()[TIMES], 0);
	does(receiver, call(registers, "q", 9, 0, 0));
	does(sender, mq.send("q", "y", 0));
	awaits(&shared()[TIMES], 1);
	must_be(shared()[SUM], 9);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int i = 0; i < 256; i++)
		count += impl->fd->fcntl(i, F_GETFD, 0) >= 0;
	return count;
}

static long long registers_in_vain(const char *h, const long long *n)
{
	/* a library may open something of its own, the first time */
	if (register_function(h, notes, 1, NULL) == -1 && errno == ENOSYS)
		return -1;
	int before = open_descriptors();

	for (int i = 0; i < 20; i++) {
		must_be(register_function(h, notes, 1, NULL), -1);
		must_be(errno, n[0]);
	}
	must_be(open_descriptors(), before);
	return 0;
}

static const struct reason {
	const char *name;
	bool is_closed;
	int error;
} reasons[] = {{"busy", false, EBUSY}, {"closed", true, EBADF}};

TEST_EACH(mq, registering_in_vain_leaves_no_descriptor, reasons)
{
	cast_both();
	does(sender, mq.notify_none("q"));
	if (row->is_closed)
		does(receiver, mq.close("q"));
	does(receiver, call(registers_in_vain, "q", row->error, 0, 0));
	does_give(sender, mq.count("q"), 0);
}

/* -1: nobody can tell. */
static int threads(void)
{
	DIR *directory = opendir("/proc/self/task");
	int count = -1;

	if (!directory)
		return -1;
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

static long long leaves_no_threads(const char *h, const long long *n)
{
	enum { TIMES_TRIED = 20 };
	int before = threads();

	(void)n;
	if (before < 0)
		skip("no /proc/self/task");
	for (int i = 0; i < TIMES_TRIED; i++) {
		must_be(register_function(h, notes, 1, NULL), -1);
		must_be(errno, EBUSY);
	}
	/* one may be about to end, and a library may keep one */
	must(threads() < before + TIMES_TRIED / 2);
	return 0;
}

TEST(mq, registering_in_vain_leaves_no_thread)
{
	cast_both();
	does(sender, mq.notify_none("q"));
	does(receiver, call(leaves_no_threads, "q", 0, 0, 0));
}

enum { ROUNDS = 60 };

/* Registers in one way or another; it may be the other's turn. */
static void register_somehow(const char *h, int round)
{
	struct sigevent how;

	memset(&how, 0, sizeof(how));
	how.sigev_notify = round % 2 ? SIGEV_NONE : SIGEV_SIGNAL;
	how.sigev_signo = SIGURG; /* ignored, unless somebody handles it */
	int result = round % 3 ? impl->mq->mq_notify((mqd_t)handle_number(h), &how)
			       : register_function(h, notes, 0, NULL);
	if (result < 0 && errno == ENOSYS)
		skip("mq_notify: ENOSYS");
	must(result == 0 || errno == EBUSY);
}

static long long comes_and_goes(const char *h, const long long *n)
{
	const char *name = name_of(h);

	(void)n;
	for (int i = 0; i < ROUNDS; i++) {
		register_somehow(h, i);
		if (i % 2)
			must_be(impl->mq->mq_notify((mqd_t)handle_number(h), NULL), 0);
		must_be(impl->mq->mq_close((mqd_t)handle_number(h)), 0);
		mqd_t again = impl->mq->mq_open(name, O_RDWR | O_NONBLOCK, 0, NULL);
		must(again != (mqd_t)-1);
		set_handle(h, (long long)again, NULL);
	}
	return 0;
}

static long long sends_and_empties(const char *h, const long long *n)
{
	mqd_t queue = (mqd_t)handle_number(h);
	char bytes[16];

	(void)n;
	for (int i = 0; i < 3 * ROUNDS; i++) {
		must_be(impl->mq->mq_send(queue, "x", 1, 0), 0);
		must_be(impl->mq->mq_receive(queue, bytes, sizeof(bytes), NULL), 1);
	}
	return 0;
}

TEST(mq, registrations_come_and_go)
{
	cast_both();
	actor *other = forks(sender, "other");
	begin(receiver, call(comes_and_goes, "q", 0, 0, 0));
	begin(other, call(comes_and_goes, "q", 0, 0, 0));
	begin(sender, call(sends_and_empties, "q", 0, 0, 0));
	succeeds(sender);
	succeeds(other);
	succeeds(receiver);
	does(other, mq.close("q"));
	does(receiver, mq.close("q"));
	does(sender, sig.handle(SIGUSR1, 0));
	does(sender, mq.notify_signal("q", SIGUSR1, 0));
	does(sender, mq.send("q", "the last", 0));
	catches(sender, SIGUSR1, 1);
	does_give(sender, mq.receive("q"), "the last");
}
