/* SPDX-License-Identifier: MIT */
/* select's sets and times, and what poll and ppoll refuse. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "stage/story.h"

/* -- sets ---------------------------------------------------------------------------------------
 */

enum { READABLE, WRITABLE, EXCEPTIONAL, SETS };

static long long select_by(bool with_mask, int count, fd_set *sets, long milliseconds)
{
	struct timeval coarse = {.tv_usec = milliseconds * 1000};
	struct timespec fine = {.tv_nsec = milliseconds * 1000000};

	if (with_mask)
		return impl->event->pselect(count, &sets[READABLE], &sets[WRITABLE],
					    &sets[EXCEPTIONAL], milliseconds < 0 ? NULL : &fine,
					    NULL);
	return impl->event->select(count, &sets[READABLE], &sets[WRITABLE], &sets[EXCEPTIONAL],
				   milliseconds < 0 ? NULL : &coarse);
}

static const struct way {
	const char *name;
	bool with_mask;
} ways[] = {{"select", false}, {"pselect", true}};

static void put(const char *handle, fd_set *set)
{
	must(handle_fd(handle) < FD_SETSIZE);
	FD_SET(handle_fd(handle), set);
}

static int count_for(const char *handle)
{
	return handle_fd(handle) + 1;
}

/* Waits for p:r, which is empty, and for room in q:w, which is full. */
static long long select_and_wait(const char *text, const long long *n)
{
	fd_set sets[SETS], before[SETS];

	(void)text;
	memset(sets, 0, sizeof(sets));
	put("p:r", &sets[READABLE]);
	put("q:w", &sets[WRITABLE]);
	put("p:r", &sets[EXCEPTIONAL]);
	memcpy(before, sets, sizeof(sets));
	long long result = select_by(n[0], count_for("q:w"), sets, (long)n[1]);
	int error = errno;
	if (result < 0)
		must(memcmp(before, sets, sizeof(sets)) == 0);
	if (result == 0)
		for (int i = 0; i < SETS; i++)
			must(!FD_ISSET(handle_fd("p:r"), &sets[i]) &&
			     !FD_ISSET(handle_fd("q:w"), &sets[i]));
	errno = error;
	return result;
}

static void make_both(actor *a)
{
	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, fd.fill("q:w", 512));
}

/* q:w is closed. */
TEST_EACH(event, failed_select_leaves_the_sets, ways)
{
	actor *a = cast("alice");

	make_both(a);
	does(a, fd.close("q:w"));
	does_fail(a, call(select_and_wait, NULL, row->with_mask, -1, 0), EBADF);
}

TEST_VARIANT(event, failed_select_leaves_the_sets, by_a_signal)
{
	actor *a = cast("alice");

	make_both(a);
	does(a, sig.handle(SIGUSR1, 0));
	for (int i = 0; i < 2; i++) {
		begin(a, call(select_and_wait, NULL, i, -1, 0));
		blocks(a);
		poke(a, SIGUSR1);
		fails(a, EINTR);
	}
}

TEST_EACH(event, select_timeout_empties_the_sets, ways)
{
	actor *a = cast("alice");

	make_both(a);
	does_give(a, call(select_and_wait, NULL, row->with_mask, 10, 0), 0);
	does_give(a, call(select_and_wait, NULL, row->with_mask, 0, 0), 0);
}

/* p:r has data and p:w has room; q:r has none, q:w hasn't; and of q:2 nobody asks. */
static long long select_many(const char *text, const long long *n)
{
	fd_set sets[SETS];

	memset(sets, 0, sizeof(sets));
	put("p:r", &sets[READABLE]);
	put("r:r", &sets[READABLE]);
	put("p:w", &sets[WRITABLE]);
	put("q:w", &sets[WRITABLE]);
	long long result = select_by(n[0], FD_SETSIZE, sets, -1);
	must(FD_ISSET(handle_fd("p:r"), &sets[READABLE]));
	must(!FD_ISSET(handle_fd("r:r"), &sets[READABLE]));
	must(!FD_ISSET(handle_fd("q:r"), &sets[READABLE]));
	must(FD_ISSET(handle_fd("p:w"), &sets[WRITABLE]));
	must(!FD_ISSET(handle_fd("q:w"), &sets[WRITABLE]));
	(void)text;
	return result;
}

TEST_EACH(event, select_tells_each_of_many, ways)
{
	actor *a = cast("alice");

	make_both(a);
	does(a, pipes.make("r"));
	does(a, fd.write("p:w", "x"));
	does_give(a, call(select_many, NULL, row->with_mask, 0, 0), 2);
}

/* q:w is closed and q:r ready, both beyond the count, which ends with p:r. */
static long long select_below(const char *text, const long long *n)
{
	fd_set sets[SETS];

	(void)text;
	memset(sets, 0, sizeof(sets));
	must(handle_fd("q:r") > handle_fd("p:r") && handle_fd("q:w") > handle_fd("p:r"));
	put("p:r", &sets[READABLE]);
	put("q:r", &sets[READABLE]);
	put("q:w", &sets[READABLE]);
	return select_by(n[0], count_for("p:r"), sets, 0);
}

TEST_EACH(event, select_looks_below_its_count, ways)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, fd.write("q:w", "x"));
	does(a, fd.close("q:w"));
	does_give(a, call(select_below, NULL, row->with_mask, 0, 0), 0);
	does(a, fd.write("p:w", "x"));
	does_give(a, call(select_below, NULL, row->with_mask, 0, 0), 1);
}

/* -- times --------------------------------------------------------------------------------------
 */

enum { PPOLL, PSELECT };

static long long wait_and_compare(const char *text, const long long *n)
{
	struct timespec time = {.tv_nsec = 12345678}, before = time;
	struct pollfd polled = {.fd = handle_fd(text), .events = POLLIN};
	long long result;
	fd_set set;

	FD_ZERO(&set);
	put(text, &set);
	if (n[0] == PPOLL)
		result = impl->event->ppoll(&polled, 1, &time, NULL);
	else
		result = impl->event->pselect(count_for(text), &set, NULL, NULL, &time, NULL);
	must(time.tv_sec == before.tv_sec && time.tv_nsec == before.tv_nsec);
	return result;
}

static const struct timed {
	const char *name;
	int call;
} timed[] = {{"ppoll", PPOLL}, {"pselect", PSELECT}};

TEST_EACH(event, timeouts_are_left_alone, timed)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_give(a, call(wait_and_compare, "p:r", row->call, 0, 0), 0);
	does(a, fd.write("p:w", "x"));
	does_give(a, call(wait_and_compare, "p:r", row->call, 0, 0), 1);
}

static const struct bad_time {
	const char *name;
	int seconds, nanoseconds;
} bad_times[] = {
	{"negative-seconds", -1, 0},
	{"negative-nanoseconds", 0, -1},
	{"a-second-of-nanoseconds", 0, 1000000000},
};

static long long ppoll_with(const char *text, const long long *n)
{
	struct timespec time = {.tv_sec = (time_t)n[0], .tv_nsec = (long)n[1]};
	struct pollfd polled = {.fd = handle_fd(text), .events = POLLIN};

	return impl->event->ppoll(&polled, 1, &time, NULL);
}

TEST_EACH(event, ppoll_refuses_bad_times, bad_times)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_fail(a, call(ppoll_with, "p:r", row->seconds, row->nanoseconds, 0), EINVAL);
}

/* -- lists --------------------------------------------------------------------------------------
 */

/* As many as may be open, and n[0] more, all of them to be ignored. */
static long long poll_many(const char *text, const long long *n)
{
	long count = sysconf(_SC_OPEN_MAX) + (long)n[0];
	struct pollfd *polled = malloc((size_t)count * sizeof(*polled));

	(void)text;
	must(polled != NULL);
	for (long i = 0; i < count; i++)
		polled[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	long long result = impl->fd->poll(polled, (nfds_t)count, 0);
	int error = errno;
	free(polled);
	errno = error;
	return result;
}

TEST(event, poll_refuses_too_many)
{
	actor *a = cast("alice");

	does(a, fd.leave_room(1));
	does_give(a, call(poll_many, NULL, 0, 0, 0), 0);
	does_fail(a, call(poll_many, NULL, 1, 0, 0), EINVAL);
}

/* A page that may not be touched. */
static long long poll_nowhere(const char *text, const long long *n)
{
	void *nowhere = impl->shm->mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)text;
	(void)n;
	must(nowhere != MAP_FAILED);
	return impl->fd->poll(nowhere, 1, 0);
}

TEST(event, bad_place_for_the_list_is_refused)
{
	actor *a = cast("alice");

	does_fail(a, call(poll_nowhere, NULL, 0, 0, 0), EFAULT);
}
