/* SPDX-License-Identifier: MIT */
/* What processes add to a counter and take from it at once is what one counter can have given. */
#include "../history.h"

enum { ADDERS = 2, TAKERS = 2, MOST = 5, MEAN = 3 };

static long long add_many(const char *c, const long long *n)
{
	int number = handle_fd(c);

	begin_round(n);
	for (long long i = 0; i < n[1]; i++) {
		uint64_t count = 1 + (uint64_t)(n[2] + i) % MOST;
		struct event *noted =
			recorder_invoke(recorder, (unsigned)n[0], EVENT_PUT, (int64_t)count, 0);

		if (impl->fd->write(number, &count, sizeof(count)) != sizeof(count))
			return -1;
		recorder_return(noted);
	}
	return 0;
}

/* One by one, or all that there is; 0: there's nothing, -1: something is wrong. */
static long long take(int number, unsigned who, enum event_kind kind, long long *failures)
{
	struct event *noted = recorder_invoke(recorder, who, kind, 1, 0);
	uint64_t count = 0;
	ssize_t size = impl->fd->read(number, &count, sizeof(count));

	if (size < 0 && errno == EAGAIN) {
		note_failure(noted, EVENT_EMPTY, failures);
		return 0;
	}
	if (size != sizeof(count))
		return -1;
	must(count > 0);
	noted->value = (int64_t)count;
	recorder_return(noted);
	return (long long)count;
}

/* As much as its share of what is added. */
static long long take_one_by_one(const char *c, const long long *n)
{
	long long failures = 0;

	begin_round(n);
	for (long long i = 0; i < n[1] * MEAN; i++)
		if (take(handle_fd(c), (unsigned)n[0], EVENT_TAKE, &failures) != 1)
			return -1;
	return 0;
}

static long long drain_often(const char *c, const long long *n)
{
	long long failures = n[1] / 2;

	begin_round(n);
	for (long long i = 0; i < n[1]; i++)
		if (take(handle_fd(c), (unsigned)n[0], EVENT_DRAIN, &failures) < 0)
			return -1;
	return 0;
}

/* Until it has all that is added. */
static long long drain_all(const char *c, const long long *n)
{
	long long failures = 0, part;

	begin_round(n);
	for (long long left = n[1] * ADDERS * MEAN; left > 0; left -= part)
		if ((part = take(handle_fd(c), (unsigned)n[0], EVENT_DRAIN, &failures)) <= 0)
			return -1;
	return 0;
}

static const struct choice {
	const char *name;
	int flags;
	unsigned takers;
	unsigned parts; /* of all operations, how many parts are an adder's */
	const char *function;
	function *does;
} choices[] = {
	{"all", 0, 1, ADDERS, "drain_all", drain_all},
	{"one_by_one", EFD_SEMAPHORE, TAKERS, ADDERS + TAKERS *MEAN, "take_one_by_one",
	 take_one_by_one},
	{"trying", EFD_NONBLOCK, TAKERS, ADDERS + 1, "drain_often", drain_often},
};

TEST_EACH(event, what_happens_at_once_is_as_one_after_the_other, choices)
{
	long long count = (operations_of(row->parts, FEW) + MOST - 1) / MOST * MOST;
	struct player players[ADDERS + TAKERS];

	/* whoever takes one by one does so the more often */
	begin_history(ADDERS + TAKERS, ADDERS * count * MEAN);
	actor *alice = cast("alice");
	does(alice, event.counter("c", 0, row->flags));
	for (unsigned i = 0; i < ADDERS; i++)
		players[i] = PLAYER(forks(alice, "adder"), add_many, "c");
	for (unsigned i = ADDERS; i < ADDERS + row->takers; i++)
		players[i] =
			(struct player){forks(alice, "taker"), row->function, row->does, "c", 1};
	play(players, ADDERS + row->takers, count);
	does(alice, fd.set_flags("c", O_NONBLOCK));
	if (!(row->flags & EFD_NONBLOCK))
		does_fail(alice, event.take("c"), EAGAIN);
	must_be_of(MODEL_COUNTER, 0);
}
