/* SPDX-License-Identifier: MIT */
/* The end of the stream, told to readers, and the broken pipe, told to writers. */
#include <stdio.h>

#include "stage/story.h"

TEST(pipe, end_is_told_after_the_data)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	actor *writer = forks(reader, "writer");
	does(reader, fd.close("p:w"));
	does(writer, fd.write("p:w", "last words"));
	does(writer, fd.close("p:w"));
	does_give(reader, fd.read("p:r", 4), "last");
	does_give(reader, fd.read("p:r", 100), " words");
	does_give(reader, fd.read("p:r", 100), 0);
	does_give(reader, fd.read("p:r", 100), 0);
	does_give(reader, fd.readable_bytes("p:r"), 0);
}

TEST_VARIANT(pipe, end_is_told_after_the_data, to_one_who_was_asleep)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	actor *writer = forks(reader, "writer");
	does(reader, fd.close("p:w"));
	begin(reader, fd.read("p:r", 100));
	blocks(reader);
	freeze(reader);
	does(writer, fd.write("p:w", "last"));
	dies(writer);
	thaw(reader);
	gives(reader, "last");
	does_give(reader, fd.read("p:r", 100), 0);
}

TEST(pipe, duplicate_keeps_the_stream_open)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	actor *writer = forks(reader, "writer");
	does(reader, fd.close("p:w"));
	does(writer, fd.dup("p:w", "p:w2"));
	does(writer, fd.close("p:w"));
	begin(reader, fd.read("p:r", 10));
	blocks(reader);
	does(writer, fd.write("p:w2", "still here"));
	gives(reader, "still here");
	begin(reader, fd.read("p:r", 10));
	blocks(reader);
	does(writer, fd.close("p:w2"));
	gives(reader, 0);
}

TEST_VARIANT(pipe, duplicate_keeps_the_stream_open, of_a_child)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	actor *parent = forks(reader, "parent");
	does(reader, fd.close("p:w"));
	actor *child = forks(parent, "child");
	begin(reader, fd.read("p:r", 10));
	blocks(reader);
	does(parent, fd.close("p:w"));
	blocks(reader);
	exits(child, 0);
	gives(reader, 0);
}

TEST_VARIANT(pipe, duplicate_keeps_the_stream_open, in_the_reader_itself)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	actor *writer = forks(reader, "writer");
	does(writer, fd.close("p:w"));
	begin(reader, fd.read("p:r", 10));
	blocks(reader);
}

static long long look_at_write_end(const char *text, const long long *n)
{
	char path[64];
	struct stat status;

	(void)text;
	(void)n;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", handle_fd("p:w"));
	if (impl->fifo->stat(path, &status) < 0)
		skip("%s can't be looked at", path);
	must(S_ISFIFO(status.st_mode));
	return 0;
}

TEST(pipe, look_at_a_descriptor_keeps_no_reference)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(look_at_write_end, NULL, 0, 0, 0));
	does(a, fd.close("p:w"));
	does_give(a, fd.read("p:r", 1), 0);
}

/* Makes pipes, one of them with a child that inherits what is open, until told to stop. */
static long long make_and_close(const char *text, const long long *n)
{
	int ends[2];

	(void)text;
	(void)n;
	for (shared()[1]++; !shared()[0];) {
		must_be(impl->pipe->pipe(ends), 0);
		must_be(impl->fd->close(ends[1]), 0);
		must_be(impl->fd->close(ends[0]), 0);
	}
	return 0;
}

/* Sends a byte through a pipe of its own, n[0] times, and reads to the end. */
static long long meet_the_end(const char *text, const long long *n)
{
	(void)text;
	for (long long i = 0; i < n[0]; i++) {
		int ends[2];
		char bytes[2];

		must_be(impl->pipe->pipe(ends), 0);
		must_be(impl->fd->write(ends[1], "x", 1), 1);
		must_be(impl->fd->close(ends[1]), 0);
		must_be(impl->fd->read(ends[0], bytes, 2), 1);
		must_be(impl->fd->read(ends[0], bytes, 2), 0);
		must_be(impl->fd->close(ends[0]), 0);
	}
	return 0;
}

TEST(pipe, closing_while_others_open_keeps_the_end)
{
	actor *reader = cast("reader");
	actor *thread = cast_thread(reader, "thread"), *other = cast("other");

	begin(thread, call(make_and_close, NULL, 0, 0, 0));
	begin(other, call(make_and_close, NULL, 0, 0, 0));
	awaits(&shared()[1], 2);
	does(reader, call(meet_the_end, NULL, 300, 0, 0));
	shared()[0] = 1;
	succeeds(thread);
	succeeds(other);
}

/* -- nobody to read -----------------------------------------------------------------------------
 */

TEST(pipe, write_without_a_reader_fails)
{
	actor *a = cast("alice");

	does(a, sig.ignore(SIGPIPE));
	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "lost"));
	does(a, fd.close("p:r"));
	does_fail(a, fd.write("p:w", "x"), EPIPE);
	does_fail(a, fd.write_pattern("p:w", 0, 200000), EPIPE);
	does_fail(a, fd.writev("p:w", "abc", 1, 1), EPIPE);
	does(a, fd.set_flags("p:w", O_NONBLOCK));
	does_fail(a, fd.write("p:w", "x"), EPIPE);
}

TEST(pipe, broken_pipe_kills_by_default)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.close("p:r"));
	begin(a, fd.write("p:w", "x"));
	is_killed_by(a, SIGPIPE);
}

TEST_VARIANT(pipe, broken_pipe_kills_by_default, who_waits)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	does(reader, fd.fill("p:w", 4096));
	actor *parent = forks(reader, "parent");
	does(parent, fd.close("p:r"));
	actor *writer = forks(parent, "writer");
	begin(writer, fd.write("p:w", "x"));
	blocks(writer);
	does(reader, fd.close("p:r"));
	is_killed_by(writer, SIGPIPE);
}

TEST(pipe, broken_pipe_signals_each_write)
{
	actor *a = cast("alice");

	does(a, sig.handle(SIGPIPE, 0));
	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "x"));
	must_be(caught(a, SIGPIPE), 0);
	does(a, fd.close("p:r"));
	for (unsigned i = 1; i <= 3; i++) {
		does_fail(a, fd.write("p:w", "x"), EPIPE);
		must_be(caught(a, SIGPIPE), i);
	}
}

static long long block_sigpipe(const char *text, const long long *n)
{
	sigset_t set;

	(void)text;
	(void)n;
	impl->sig->sigemptyset(&set);
	impl->sig->sigaddset(&set, SIGPIPE);
	return impl->sig->pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static long long sigpipe_is_pending(const char *text, const long long *n)
{
	sigset_t set;

	(void)text;
	(void)n;
	impl->sig->sigemptyset(&set);
	must_be(impl->sig->sigpending(&set), 0);
	return impl->sig->sigismember(&set, SIGPIPE);
}

TEST(pipe, broken_pipe_signals_the_thread)
{
	actor *main = cast("main");

	does(main, call(block_sigpipe, NULL, 0, 0, 0));
	actor *writer = cast_thread(main, "writer"), *other = cast_thread(main, "other");
	does(main, pipes.make("p"));
	does(main, fd.close("p:r"));
	does_fail(writer, fd.write("p:w", "x"), EPIPE);
	does_give(writer, call(sigpipe_is_pending, NULL, 0, 0, 0), 1);
	does_give(other, call(sigpipe_is_pending, NULL, 0, 0, 0), 0);
	does_give(main, call(sigpipe_is_pending, NULL, 0, 0, 0), 0);
}

/* -- signals ------------------------------------------------------------------------------------
 */

static op a_read(void)
{
	return fd.read("p:r", 10);
}

static op a_readv(void)
{
	return fd.readv("p:r", 1, 2, 3);
}

static op a_write(void)
{
	return fd.write("p:w", "xyz");
}

static op a_writev(void)
{
	return fd.writev("p:w", "xyz", 1, 1);
}

static const struct wait {
	const char *name;
	op (*waits)(void);
	bool is_write;
} waits[] = {
	{"read", a_read, false},
	{"readv", a_readv, false},
	{"write", a_write, true},
	{"writev", a_writev, true},
};

/* Who waits as the row says, with a handler. */
static actor *waiter(actor *helper, const struct wait *row, int flags)
{
	does(helper, pipes.make("p"));
	if (row->is_write)
		does(helper, fd.fill("p:w", 64));
	actor *a = forks(helper, "waiter");
	begin(a, sig.handle(SIGUSR1, flags));
	succeeds(a);
	begin(a, row->waits());
	blocks(a);
	return a;
}

TEST_EACH(pipe, signal_interrupts, waits)
{
	actor *helper = cast("helper"), *a = waiter(helper, row, 0);

	does(helper, fd.readable_bytes("p:r"));
	long long before = outcome_of(helper)->value;
	poke(a, SIGUSR1);
	fails(a, EINTR);
	must_be(caught(a, SIGUSR1), 1);
	does_give(helper, fd.readable_bytes("p:r"), before);
	does(helper, fd.drain("p:r"));
	does(helper, fd.write("p:w", "after"));
	does_give(a, fd.read("p:r", 10), "after");
}

TEST_EACH(pipe, signal_with_restart_does_not_interrupt, waits)
{
	actor *helper = cast("helper"), *a = waiter(helper, row, SA_RESTART);

	poke(a, SIGUSR1);
	catches(a, SIGUSR1, 1);
	blocks(a);
	if (row->is_write) {
		does(helper, fd.readable_bytes("p:r"));
		long long before = outcome_of(helper)->value;
		does(helper, fd.read_pattern("p:r", 0, before));
		long long taken = outcome_of(helper)->value;
		gives(a, 3);
		does_give(helper, fd.readable_bytes("p:r"), before - taken + 3);
	} else {
		does(helper, fd.write("p:w", "xyz"));
		gives(a, "xyz");
	}
}

static const struct restart {
	const char *name;
	int flags;
} restarts[] = {{"without-restart", 0}, {"with-restart", SA_RESTART}};

TEST_EACH(pipe, interrupted_write_tells_its_part, restarts)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	does(reader, fd.fill("p:w", 4096));
	long long capacity = outcome_of(reader)->value;
	does(reader, fd.drain("p:r"));
	actor *writer = forks(reader, "writer");
	does(writer, sig.handle(SIGUSR1, row->flags));
	begin(writer, fd.write_pattern("p:w", 0, 2 * capacity));
	blocks(writer);
	poke(writer, SIGUSR1);
	succeeds(writer);
	long long part = outcome_of(writer)->value;
	must(part > 0 && part < 2 * capacity);
	does_give(reader, fd.readable_bytes("p:r"), part);
	does_give(reader, fd.read_pattern("p:r", 0, 2 * capacity), part);
}

/* -- a storm of signals -------------------------------------------------------------------------
 */

enum { OVER, READY, STREAM = 1500000 };

static unsigned char byte_at(long long place)
{
	return (unsigned char)((place * 5 + place / 256) & 0xFF);
}

/* Writes the stream, n[0] bytes a call, by what write says it has written, and closes. */
static long long write_among_signals(const char *text, const long long *n)
{
	static unsigned char piece[70000];
	long long sent = 0;

	(void)text;
	shared()[READY]++;
	while (sent < STREAM) {
		size_t size = (size_t)(STREAM - sent < n[0] ? STREAM - sent : n[0]);

		for (size_t i = 0; i < size; i++)
			piece[i] = byte_at(sent + (long long)i);
		ssize_t written = impl->fd->write(handle_fd("p:w"), piece, size);
		must(written > 0 || (written == -1 && errno == EINTR));
		sent += written > 0 ? written : 0;
	}
	must_be(impl->fd->close(handle_fd("p:w")), 0);
	return sent;
}

static long long read_among_signals(const char *text, const long long *n)
{
	static unsigned char piece[70000];
	long long received = 0;
	ssize_t size;

	(void)text;
	shared()[READY]++;
	while ((size = impl->fd->read(handle_fd("p:r"), piece, (size_t)n[0])) != 0) {
		must(size > 0 || (size == -1 && errno == EINTR));
		for (ssize_t i = 0; i < size; i++)
			must_be(piece[i], byte_at(received + i));
		received += size > 0 ? size : 0;
	}
	shared()[OVER] = 1;
	return received;
}

/* Signals the two processes, in turns, until the reader has met the end. */
static long long storm(const char *text, const long long *n)
{
	(void)text;
	for (unsigned i = 0; !shared()[OVER]; i++)
		if (impl->sig->kill((pid_t)n[i % 2], SIGUSR1) < 0)
			break;
	return 0;
}

TEST_EACH(pipe, no_byte_is_lost_among_signals, restarts)
{
	actor *pest = cast("pest"), *reader = cast("reader");

	does(reader, pipes.make("p"));
	does(reader, sig.handle(SIGUSR1, row->flags));
	actor *writer = forks(reader, "writer");
	does(reader, fd.close("p:w"));
	begin(writer, call(write_among_signals, NULL, 66000, 0, 0));
	begin(reader, call(read_among_signals, NULL, 30000, 0, 0));
	awaits(&shared()[READY], 2);
	begin(pest, call(storm, NULL, pid_of(writer), pid_of(reader), 0));
	gives(reader, STREAM);
	gives(writer, STREAM);
	succeeds(pest);
}
