/* SPDX-License-Identifier: MIT */
/* What processes add to a counter and take from it at once is what one counter can have given. */
#include "../history.h"

enum { ADDERS = 3 };

/* n: which actor, how many. */
static long long add_many(const char *c, const long long *n)
{
	int number = handle_fd(c);
	unsigned who = (unsigned)n[0];

	for (long long i = 0; i < n[1]; i++) {
		uint64_t count = 1 + (uint64_t)i % 5, invoked = recorder_clock();

		if (impl->fd->write(number, &count, sizeof(count)) != sizeof(count))
			return -1;
		recorder_note(recorder, who, EVENT_PUT, (int64_t)count, 0, invoked);
	}
	return 0;
}

/* Until it has so many. */
static long long take_all(const char *c, const long long *n)
{
	int number = handle_fd(c);
	unsigned who = (unsigned)n[0];

	for (long long left = n[1]; left > 0;) {
		uint64_t count = 0, invoked = recorder_clock();

		if (impl->fd->read(number, &count, sizeof(count)) != sizeof(count))
			return -1;
		must(count > 0);
		left -= (long long)count;
		recorder_note(recorder, who, EVENT_TAKE, (int64_t)count, 0, invoked);
	}
	return 0;
}

TEST(event, what_happens_at_once_is_as_one_after_the_other)
{
	long long count = operations_of(ADDERS + 1) / 5 * 5;
	actor *adders[ADDERS];

	recorder = recorder_new(ADDERS + 1, (size_t)(ADDERS * count + 1));
	if (!recorder)
		skip("no memory for the history");
	actor *alice = cast("alice");
	does(alice, event.counter("c", 0, 0));
	actor *taker = forks(alice, "taker");
	for (unsigned i = 0; i < ADDERS; i++)
		adders[i] = forks(alice, "adder");
	begin(taker, call(take_all, "c", ADDERS, ADDERS * count * 3, 0));
	for (unsigned i = 0; i < ADDERS; i++)
		begin(adders[i], call(add_many, "c", i, count, 0));
	for (unsigned i = 0; i < ADDERS; i++)
		gives(adders[i], 0);
	gives(taker, 0);
	does(alice, fd.set_flags("c", O_NONBLOCK));
	does_fail(alice, event.take("c"), EAGAIN);
	must_be_of_a_counter(0);
}
