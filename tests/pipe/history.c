/* SPDX-License-Identifier: MIT */
/* What writers and a reader of whole records see at once is what one queue can have done. */
#include "../history.h"

enum { WRITERS = 3 };

struct record {
	int64_t value, again[15];
};

static long long write_many(const char *p, const long long *n)
{
	int number = handle_fd(p);
	unsigned who = (unsigned)n[0];

	for (long long i = 0; i < n[1]; i++) {
		struct record record = {.value = value_of(who, i)};
		uint64_t invoked;

		for (int j = 0; j < 15; j++)
			record.again[j] = record.value;
		invoked = recorder_clock();
		if (impl->fd->write(number, &record, sizeof(record)) != sizeof(record))
			return -1;
		recorder_note(recorder, who, EVENT_PUT, record.value, 0, invoked);
	}
	return 0;
}

static long long read_many(const char *p, const long long *n)
{
	int number = handle_fd(p);

	for (long long i = 0; i < n[1]; i++) {
		struct record record;
		size_t size = 0;
		uint64_t invoked = recorder_clock();

		while (size < sizeof(record)) {
			ssize_t more = impl->fd->read(number, (char *)&record + size,
						      sizeof(record) - size);

			if (more <= 0)
				return -1;
			size += (size_t)more;
		}
		for (int j = 0; j < 15; j++)
			must_be(record.again[j], record.value);
		recorder_note(recorder, (unsigned)n[0], EVENT_TAKE, record.value, 0, invoked);
	}
	return 0;
}

TEST(pipe, what_happens_at_once_is_as_one_after_the_other)
{
	long long count = operations_of(2 * WRITERS);
	actor *writers[WRITERS];

	recorder = recorder_new(WRITERS + 1, (size_t)(WRITERS * count + 1));
	if (!recorder)
		skip("no memory for the history");
	actor *alice = cast("alice");
	does(alice, pipes.make("p"));
	actor *reader = forks(alice, "reader");
	for (unsigned i = 0; i < WRITERS; i++)
		writers[i] = forks(alice, "writer");
	begin(reader, call(read_many, "p:r", WRITERS, WRITERS * count, 0));
	for (unsigned i = 0; i < WRITERS; i++)
		begin(writers[i], call(write_many, "p:w", i, count, 0));
	for (unsigned i = 0; i < WRITERS; i++)
		gives(writers[i], 0);
	gives(reader, 0);
	must_be_of_a_queue(2 * WRITERS * count);
}
