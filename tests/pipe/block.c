/* SPDX-License-Identifier: MIT */
/* Who waits at a pipe, and what wakes whom, how many of them. */
#include <stdio.h>
#include <sys/resource.h>

#include "stage/story.h"

enum { CROWD_MAX = 27 };

static const struct crowd {
	const char *name;
	int count;
} crowds[] = {{"2", 2}, {"10", 10}, {"27", 27}};

/* So many children, which have what the parent has by now. */
static void gather(actor **crowd, int count, actor *parent, const char *what)
{
	char name[24];

	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s%d", what, i + 1);
		crowd[i] = forks(parent, name);
	}
}

TEST(pipe, read_waits_for_data)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	actor *writer = forks(reader, "writer");
	begin(reader, fd.read("p:r", 10));
	blocks(reader);
	does(writer, fd.write("p:w", "x"));
	gives(reader, "x");
}

/* Reads until so many bytes have come, and not one more. */
static long long read_so_many(const char *text, const long long *n)
{
	static char bytes[65536];
	long long left = n[0];

	(void)text;
	while (left > 0) {
		size_t most = left < (long long)sizeof(bytes) ? (size_t)left : sizeof(bytes);
		ssize_t size = impl->fd->read(handle_fd("p:r"), bytes, most);

		must(size > 0 && size <= left);
		left -= size;
	}
	return 0;
}

TEST(pipe, write_waits_for_room)
{
	actor *writer = cast("writer");

	does(writer, pipes.make("p"));
	actor *reader = forks(writer, "reader");
	does(writer, fd.fill("p:w", 64));
	long long before = outcome_of(writer)->value;
	begin(writer, fd.write("p:w", "late"));
	blocks(writer);
	does(reader, call(read_so_many, NULL, before, 0, 0));
	gives(writer, 4);
	does_give(reader, fd.read("p:r", 10), "late");
}

TEST(pipe, long_write_is_whole)
{
	actor *writer = cast("writer");

	does(writer, pipes.make("p"));
	actor *reader = forks(writer, "reader");
	does(writer, fd.fill("p:w", 4096));
	long long size = outcome_of(writer)->value * 3;
	does(reader, fd.drain("p:r"));
	begin(writer, fd.write_pattern("p:w", 0, size));
	for (long long place = 0; place < size; place += outcome_of(reader)->value) {
		begin(reader, fd.read_pattern("p:r", place, size));
		succeeds(reader);
		must(outcome_of(reader)->value > 0);
	}
	gives(writer, size);
	does_give(reader, fd.readable_bytes("p:r"), 0);
}

/* A full pipe in which less than PIPE_BUF bytes have been read. */
TEST(pipe, small_write_waits_for_room_for_all)
{
	actor *writer = cast("writer");
	long whole = 4096;

	does(writer, pipes.make("p"));
	actor *reader = forks(writer, "reader");
	does(writer, pipes.capacity("p:w"));
	long long capacity = outcome_of(writer)->value;
	does_give(writer, fd.fill("p:w", whole), capacity);
	begin(writer, fd.write_pattern("p:w", capacity, whole));
	blocks(writer);
	does_give(reader, fd.read_pattern("p:r", 0, whole - 1), whole - 1);
	blocks(writer);
	does_give(reader, fd.readable_bytes("p:r"), capacity - whole + 1);
	does(reader, call(read_so_many, NULL, capacity - whole + 1, 0, 0));
	gives(writer, whole);
	does_give(reader, fd.read_pattern("p:r", capacity, 2 * whole), whole);
}

/* -- how many are woken -------------------------------------------------------------------------
 */

TEST_EACH(pipe, enough_data_wakes_every_reader, crowds)
{
	actor *parent = cast("parent"), *readers[CROWD_MAX];

	does(parent, pipes.make("p"));
	gather(readers, row->count, parent, "reader");
	for (int i = 0; i < row->count; i++)
		begin(readers[i], fd.read("p:r", 1));
	for (int i = 0; i < row->count; i++)
		blocks(readers[i]);
	does(parent, fd.write_bytes("p:w", "xxxxxxxxxxxxxxxxxxxxxxxxxxx", (size_t)row->count));
	for (int i = 0; i < row->count; i++)
		gives(readers[i], "x");
	does_give(parent, fd.readable_bytes("p:r"), 0);
}

TEST(pipe, every_write_wakes_a_reader)
{
	actor *writer = cast("writer");

	does(writer, pipes.make("p"));
	actor *alice = forks(writer, "alice"), *bob = forks(writer, "bob");
	begin(alice, fd.read("p:r", 1));
	begin(bob, fd.read("p:r", 1));
	blocks(alice);
	blocks(bob);
	freeze(alice);
	freeze(bob);
	does(writer, fd.write("p:w", "x"));
	does(writer, fd.write("p:w", "x"));
	thaw(alice);
	thaw(bob);
	gives(alice, "x");
	gives(bob, "x");
}

/* Tells the story, by its own number, that a byte came. */
static long long read_one(const char *text, const long long *n)
{
	char byte = 0;

	(void)text;
	must_be(impl->fd->read(handle_fd("p:r"), &byte, 1), 1);
	shared()[1] = (uint64_t)n[0];
	shared()[0]++;
	return byte;
}

TEST(pipe, one_byte_satisfies_one_reader)
{
	actor *writer = cast("writer"), *readers[2];

	does(writer, pipes.make("p"));
	gather(readers, 2, writer, "reader");
	for (int i = 0; i < 2; i++) {
		begin(readers[i], call(read_one, NULL, i, 0, 0));
		blocks(readers[i]);
	}
	does(writer, fd.write("p:w", "1"));
	awaits(&shared()[0], 1);
	actor *first = readers[shared()[1]], *second = readers[1 - shared()[1]];
	gives(first, '1');
	blocks(second);
	does(writer, fd.write("p:w", "2"));
	gives(second, '2');
}

/* Each may take up a page of the pipe for its one byte, so the reader goes on reading. */
TEST_EACH(pipe, enough_room_wakes_every_writer, crowds)
{
	actor *parent = cast("parent"), *writers[CROWD_MAX];

	does(parent, pipes.make("p"));
	gather(writers, row->count, parent, "writer");
	does(parent, fd.fill("p:w", 64));
	long long before = outcome_of(parent)->value;
	for (int i = 0; i < row->count; i++)
		begin(writers[i], fd.write("p:w", "x"));
	for (int i = 0; i < row->count; i++)
		blocks(writers[i]);
	does(parent, call(read_so_many, NULL, before + row->count, 0, 0));
	for (int i = 0; i < row->count; i++)
		gives(writers[i], 1);
	does_give(parent, fd.readable_bytes("p:r"), 0);
}

/* Readers that have no write end, and somebody else who has the last one. */
static actor *readers_of_one_writer(actor **readers, int count)
{
	actor *parent = cast("parent");

	does(parent, pipes.make("p"));
	actor *writer = forks(parent, "writer");
	does(parent, fd.close("p:w"));
	gather(readers, count, parent, "reader");
	for (int i = 0; i < count; i++)
		begin(readers[i], fd.read("p:r", 1));
	for (int i = 0; i < count; i++)
		blocks(readers[i]);
	return writer;
}

TEST_EACH(pipe, last_close_wakes_every_reader, crowds)
{
	actor *readers[CROWD_MAX], *writer = readers_of_one_writer(readers, row->count);

	does(writer, fd.close("p:w"));
	for (int i = 0; i < row->count; i++)
		gives(readers[i], 0);
}

TEST_EACH(pipe, last_writers_death_wakes_every_reader, crowds)
{
	actor *readers[CROWD_MAX], *writer = readers_of_one_writer(readers, row->count);

	dies(writer);
	for (int i = 0; i < row->count; i++)
		gives(readers[i], 0);
}

/* Writers to a full pipe that have no read end, and somebody else who has the last one. */
static actor *writers_of_one_reader(actor **writers, int count)
{
	actor *parent = cast("parent");

	does(parent, pipes.make("p"));
	does(parent, sig.ignore(SIGPIPE));
	does(parent, fd.fill("p:w", 64));
	actor *reader = forks(parent, "reader");
	does(parent, fd.close("p:r"));
	gather(writers, count, parent, "writer");
	for (int i = 0; i < count; i++)
		begin(writers[i], fd.write("p:w", "x"));
	for (int i = 0; i < count; i++)
		blocks(writers[i]);
	return reader;
}

TEST_EACH(pipe, last_close_fails_every_writer, crowds)
{
	actor *writers[CROWD_MAX], *reader = writers_of_one_reader(writers, row->count);

	does(reader, fd.close("p:r"));
	for (int i = 0; i < row->count; i++)
		fails(writers[i], EPIPE);
}

TEST_EACH(pipe, last_readers_death_fails_every_writer, crowds)
{
	actor *writers[CROWD_MAX], *reader = writers_of_one_reader(writers, row->count);

	dies(reader);
	for (int i = 0; i < row->count; i++)
		fails(writers[i], EPIPE);
}

/* -- death while waiting ------------------------------------------------------------------------
 */

TEST(pipe, killed_reader_takes_nothing)
{
	actor *writer = cast("writer");

	does(writer, pipes.make("p"));
	actor *first = forks(writer, "first"), *second = forks(writer, "second");
	begin(first, fd.read("p:r", 10));
	blocks(first);
	begin(second, fd.read("p:r", 10));
	blocks(second);
	freeze(first);
	does(writer, fd.write("p:w", "one"));
	dies(first);
	gives(second, "one");
	does(writer, fd.write("p:w", "two"));
	does_give(second, fd.read("p:r", 10), "two");
}

TEST(pipe, killed_writer_leaves_its_part)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	actor *writer = forks(reader, "writer");
	does(reader, fd.fill("p:w", 4096));
	long long size = outcome_of(reader)->value * 2;
	does(reader, fd.drain("p:r"));
	does(reader, fd.close("p:w"));
	begin(writer, fd.write_pattern("p:w", 0, size));
	blocks(writer);
	dies(writer);
	does(reader, fd.readable_bytes("p:r"));
	long long left = outcome_of(reader)->value;
	must(left > 0 && left < size);
	for (long long place = 0; place < left; place += outcome_of(reader)->value) {
		does(reader, fd.read_pattern("p:r", place, left));
		must(outcome_of(reader)->value > 0);
	}
	does_give(reader, fd.read("p:r", 10), 0);
}

/* In microseconds. */
static long long processor_time(void)
{
	struct rusage used;

	must_be(getrusage(RUSAGE_SELF, &used), 0);
	return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000LL + used.ru_utime.tv_usec +
	       used.ru_stime.tv_usec;
}

/* What waiting for a byte takes. */
static long long cost_of_reading(const char *text, const long long *n)
{
	long long before = processor_time();
	char byte;

	(void)text;
	(void)n;
	must_be(impl->fd->read(handle_fd("p:r"), &byte, 1), 1);
	return processor_time() - before;
}

/* Where a busy machine lies under the kernel, a wait may be charged with what it took away: not
 * every time. */
TEST(pipe, waiting_takes_no_processor)
{
	actor *writer = cast("writer"), *readers[2];
	enum { MILLISECONDS = 60, LITTLE = MILLISECONDS * 1000 / 4, TIMES = 5 };
	long long cost = LITTLE;

	does(writer, pipes.make("p"));
	does(writer, pipes.make("clock"));
	gather(readers, 2, writer, "reader");
	for (int i = 0; i < TIMES && cost >= LITTLE; i++) {
		for (int k = 0; k < 2; k++)
			begin(readers[k], call(cost_of_reading, NULL, 0, 0, 0));
		for (int k = 0; k < 2; k++)
			blocks(readers[k]);
		does_give(writer, fd.poll("clock:r", POLLIN, MILLISECONDS), 0);
		does(writer, fd.write("p:w", "12"));
		cost = 0;
		for (int k = 0; k < 2; k++) {
			succeeds(readers[k]);
			if (outcome_of(readers[k])->value > cost)
				cost = outcome_of(readers[k])->value;
		}
	}
	must(cost < LITTLE);
}
