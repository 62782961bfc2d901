/* SPDX-License-Identifier: MIT */
/* Pipes that several write to and read from at once. */
#include "race/race.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

struct pipes {
	int ends[2];
};

static bool make(void *world)
{
	struct pipes *it = world;

	return impl->pipe->pipe(it->ends) == 0;
}

static void remove_pipe(void *world)
{
	struct pipes *it = world;

	impl->fd->close(it->ends[0]);
	impl->fd->close(it->ends[1]);
}

static long long put(void *world, const char *text)
{
	struct pipes *it = world;

	return answer(impl->fd->write(it->ends[1], text, strlen(text)));
}

static long long put_a(void *world)
{
	return put(world, "aaa");
}

static long long put_b(void *world)
{
	return put(world, "bbb");
}

/* The first letter of each of two records: "ab" is 12. */
static long long take_two(void *world)
{
	struct pipes *it = world;
	char text[7] = "";
	size_t size = 0;

	while (size < 6) {
		ssize_t n = impl->fd->read(it->ends[0], text + size, 6 - size);

		if (n <= 0)
			return answer(-1);
		size += (size_t)n;
	}
	return strcmp(text, "aaabbb") == 0 ? 12 : strcmp(text, "bbbaaa") == 0 ? 21 : 0;
}

RACE(pipe, records_do_not_mix) = {
	.text = "what two write at once comes one after the other",
	.world = sizeof(struct pipes),
	.make = make,
	.roles = {{"alice", put_a}, {"bob", put_b}, {"reader", take_two}},
	.remove = remove_pipe,
	.outcomes = {{"3 3 12", ALLOWED, "alice was the first"},
		     {"3 3 21", ALLOWED, "bob was the first"}},
};

static long long put_one(void *world)
{
	return put(world, "x");
}

static long long take_one(void *world)
{
	struct pipes *it = world;
	char byte;

	return answer(impl->fd->read(it->ends[0], &byte, 1));
}

RACE(pipe, each_of_two_readers_is_woken) = {
	.text = "two who read and two who write a byte each: nobody waits for ever",
	.world = sizeof(struct pipes),
	.make = make,
	.roles = {{"alice", take_one}, {"bob", take_one}, {"carol", put_one}, {"dave", put_one}},
	.remove = remove_pipe,
	.outcomes = {{"1 1 1 1", ALLOWED, "each has a byte"}},
};

/* -- full ------------------------------------------------------------------------------------- */

enum { MUCH = 65536 };

static void fill(struct pipes *it)
{
	static const char zeros[4096];
	int flags = impl->fd->fcntl(it->ends[1], F_GETFL, 0);

	impl->fd->fcntl(it->ends[1], F_SETFL, flags | O_NONBLOCK);
	while (impl->fd->write(it->ends[1], zeros, sizeof(zeros)) > 0)
		continue;
	while (impl->fd->write(it->ends[1], zeros, 1) > 0)
		continue;
	impl->fd->fcntl(it->ends[1], F_SETFL, flags);
}

static bool make_full(void *world)
{
	if (!make(world))
		return false;
	fill(world);
	return true;
}

/* All that there is. */
static long long take_much(void *world)
{
	struct pipes *it = world;
	static char bytes[MUCH];

	return impl->fd->read(it->ends[0], bytes, sizeof(bytes)) > 0 ? 0 : answer(-1);
}

static long long fill_again(void *world)
{
	fill(world);
	return 0;
}

RACE(pipe, who_waits_for_room_is_woken) = {
	.text = "two who write to a full pipe go on once it is read",
	.world = sizeof(struct pipes),
	.make = make_full,
	.roles = {{"alice", put_one}, {"bob", put_one}, {"reader", take_much}},
	.after = fill_again,
	.remove = remove_pipe,
	.outcomes = {{"1 1 0 | 0", ALLOWED, "both have written"}},
};

/* -- little room ------------------------------------------------------------------------------- */

enum { RECORD = 200, ROOM = 300 };

static bool make_little_room(void *world)
{
	struct pipes *it = world;
	char bytes[ROOM];

	return make_full(world) &&
	       impl->fd->read(it->ends[0], bytes, sizeof(bytes)) == sizeof(bytes);
}

static long long put_record(void *world, char letter)
{
	struct pipes *it = world;
	char record[RECORD];

	memset(record, letter, sizeof(record));
	return answer(impl->fd->write(it->ends[1], record, sizeof(record)));
}

static long long put_record_a(void *world)
{
	return put_record(world, 'a');
}

static long long put_record_b(void *world)
{
	return put_record(world, 'b');
}

/* How often one letter follows another, until both records have come. */
static long long take_records(void *world)
{
	struct pipes *it = world;
	static char bytes[MUCH];
	unsigned letters = 0, changes = 0;
	char last = 0;

	while (letters < 2 * RECORD) {
		ssize_t n = impl->fd->read(it->ends[0], bytes, sizeof(bytes));

		if (n <= 0)
			return answer(-1);
		for (ssize_t i = 0; i < n; i++) {
			if (!bytes[i])
				continue;
			changes += bytes[i] != last;
			last = bytes[i];
			letters++;
		}
	}
	return changes;
}

static long long leave_little_room(void *world)
{
	struct pipes *it = world;
	char bytes[ROOM];

	fill(it);
	return impl->fd->read(it->ends[0], bytes, sizeof(bytes)) == sizeof(bytes) ? 0 : answer(-1);
}

RACE(pipe, a_record_that_does_not_fit_waits) = {
	.text = "where there is room for one of two records, the other waits for room for all of "
		"it",
	.world = sizeof(struct pipes),
	.make = make_little_room,
	.roles = {{"alice", put_record_a}, {"bob", put_record_b}, {"reader", take_records}},
	.after = leave_little_room,
	.remove = remove_pipe,
	.outcomes = {{"200 200 2 | 0", ALLOWED, "one after the other"}},
};

/* -- deaths ----------------------------------------------------------------------------------- */

/* A record: 1 is alice's. */
static long long take_record(void *world)
{
	struct pipes *it = world;
	char text[4] = "";

	if (impl->fd->read(it->ends[0], text, 3) != 3)
		return answer(-1);
	return strcmp(text, "aaa") == 0 ? 1 : strcmp(text, "bbb") == 0 ? 2 : 0;
}

/* How many bytes are left, which are taken away. */
static long long take_rest(void *world)
{
	struct pipes *it = world;
	struct pollfd readable = {it->ends[0], POLLIN, 0};
	long long count = 0;
	char byte;

	while (impl->fd->poll(&readable, 1, 0) == 1 && impl->fd->read(it->ends[0], &byte, 1) == 1)
		count++;
	return count;
}

RACE(pipe, who_dies_has_written_all_or_nothing) = {
	.text = "of two who write a record one is killed: his is there whole, or not at all",
	.world = sizeof(struct pipes),
	.make = make,
	.roles = {{"victim", put_a}, {"bob", put_b}, {"reader", take_record}},
	.mortals = 1,
	.after = take_rest,
	.remove = remove_pipe,
	.outcomes = {{"3 3 [12] | 3", ALLOWED, "nobody died"},
		     {"killed 3 1 | 3", ALLOWED, "the victim had written first"},
		     {"killed 3 2 | [03]", ALLOWED, "the victim may have written"}},
};

RACE(pipe, who_dies_has_read_or_not) = {
	.text = "of two who read a byte one is killed: he has his or not, and the other has one",
	.world = sizeof(struct pipes),
	.make = make,
	.roles = {{"victim", take_one}, {"alice", take_one}, {"carol", put_one}, {"dave", put_one}},
	.mortals = 1,
	.after = take_rest,
	.remove = remove_pipe,
	.outcomes = {{"1 1 1 1 | 0", ALLOWED, "nobody died"},
		     {"killed 1 1 1 | [01]", ALLOWED, "the victim may have had his"}},
};
