/* SPDX-License-Identifier: MIT */
/* Linux: moving between pipes, and between a pipe and a file, without copying. */
#include <string.h>

#include "stage/story.h"

TEST(pipe, splice_moves)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, fd.write("p:w", "abcdef"));
	does_give(a, pipes.splice("p:r", "q:w", 4, 0), 4);
	does_give(a, fd.readable_bytes("p:r"), 2);
	does_give(a, fd.read("q:r", 10), "abcd");
	does_give(a, pipes.splice("p:r", "q:w", 100, 0), 2);
	does_give(a, fd.read("q:r", 10), "ef");
}

/* What splice and tee have in common: from p to q, where tee leaves in p what it has copied. */
typedef op moving(const char *from, const char *to, size_t size, unsigned flags);

static void waits_for_data(moving *moves, bool leaves)
{
	actor *mover = cast("mover");

	does(mover, pipes.make("p"));
	does(mover, pipes.make("q"));
	actor *writer = forks(mover, "writer");
	does(mover, fd.close("p:w"));
	begin(mover, moves("p:r", "q:w", 100, 0));
	blocks(mover);
	does(writer, fd.write("p:w", "data"));
	gives(mover, 4);
	does_give(writer, fd.read("q:r", 10), "data");
	if (leaves)
		does_give(mover, fd.read("p:r", 10), "data");
	begin(mover, moves("p:r", "q:w", 100, 0));
	blocks(mover);
	does(writer, fd.close("p:w"));
	gives(mover, 0);
}

TEST(pipe, splice_waits_for_data)
{
	waits_for_data(pipes.splice, false);
}

TEST(pipe, tee_waits_for_data)
{
	waits_for_data(pipes.tee, true);
}

TEST(pipe, splice_waits_for_room)
{
	actor *mover = cast("mover");

	does(mover, pipes.make("p"));
	does(mover, pipes.make("q"));
	actor *reader = forks(mover, "reader");
	does(mover, fd.fill("q:w", 4096));
	does(mover, fd.write("p:w", "late"));
	begin(mover, pipes.splice("p:r", "q:w", 100, 0));
	blocks(mover);
	does(reader, fd.drain("q:r"));
	gives(mover, 4);
	does_give(reader, fd.readable_bytes("p:r"), 0);
}

static void can_refuse_to_wait(moving *moves)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does_fail(a, moves("p:r", "q:w", 100, SPLICE_F_NONBLOCK), EAGAIN);
	does(a, fd.fill("q:w", 4096));
	long long full = outcome_of(a)->value;
	does(a, fd.write("p:w", "stays"));
	does_fail(a, moves("p:r", "q:w", 100, SPLICE_F_NONBLOCK), EAGAIN);
	does_give(a, fd.readable_bytes("q:r"), full);
	does_give(a, fd.readable_bytes("p:r"), 5);
	does_give(a, fd.read("p:r", 10), "stays");
}

TEST(pipe, splice_can_refuse_to_wait)
{
	can_refuse_to_wait(pipes.splice);
}

TEST(pipe, tee_can_refuse_to_wait)
{
	can_refuse_to_wait(pipes.tee);
}

/* text is the file's content; its handle is "file". */
static long long make_file(const char *text, const long long *n)
{
	const char *path = path_of("file");
	int file = impl->fifo->open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	must(file >= 0);
	must_be(impl->fd->write(file, text, strlen(text)), strlen(text));
	if (n[0]) {
		must_be(impl->fd->close(file), 0);
		must_be(impl->fifo->chmod(path, 0444), 0);
		file = impl->fifo->open(path, O_RDONLY, 0);
		must(file >= 0);
	}
	must_be(impl->fd->lseek(file, 0, SEEK_SET), 0);
	set_handle("file", file, NULL);
	return 0;
}

static const struct error {
	const char *name, *from, *to;
	int error;
	bool tees;
} errors[] = {
	{"splice-to-the-same-pipe", "p:r", "p:w", EINVAL, false},
	{"splice-from-a-write-end", "p:w", "q:w", EBADF, false},
	{"splice-to-a-read-end", "p:r", "q:r", EBADF, false},
	{"splice-without-a-pipe", "file", "file", EINVAL, false},
	{"tee-to-the-same-pipe", "p:r", "p:w", EINVAL, true},
	{"tee-to-a-file", "p:r", "file", EINVAL, true},
};

TEST_EACH(pipe, splice_errors, errors)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, call(make_file, "content", 0, 0, 0));
	does(a, fd.write("p:w", "here"));
	does_fail(a,
		  row->tees ? pipes.tee(row->from, row->to, 2, 0)
			    : pipes.splice(row->from, row->to, 2, 0),
		  row->error);
	does_give(a, fd.readable_bytes("p:r"), 4);
	does_give(a, fd.readable_bytes("q:r"), 0);
}

static unsigned char byte_at(long long place)
{
	return (unsigned char)((place * 13 + place / 256) & 0xFF);
}

static long long send_all(const char *text, const long long *n)
{
	static unsigned char piece[5000];

	(void)text;
	for (long long sent = 0; sent < n[0]; sent += (long long)sizeof(piece)) {
		for (size_t i = 0; i < sizeof(piece); i++)
			piece[i] = byte_at(sent + (long long)i);
		must_be(impl->fd->write(handle_fd("p:w"), piece, sizeof(piece)), sizeof(piece));
	}
	return impl->fd->close(handle_fd("p:w"));
}

static long long hand_on(const char *text, const long long *n)
{
	ssize_t size;
	long long sum = 0;

	(void)text;
	while ((size = impl->pipe->splice(handle_fd("p:r"), NULL, handle_fd("q:w"), NULL,
					  (size_t)n[0], 0)) > 0)
		sum += size;
	must_be(size, 0);
	must_be(impl->fd->close(handle_fd("q:w")), 0);
	return sum;
}

static long long receive_all(const char *text, const long long *n)
{
	static unsigned char piece[7000];
	long long received = 0;
	ssize_t size;

	(void)text;
	(void)n;
	while ((size = impl->fd->read(handle_fd("q:r"), piece, sizeof(piece))) > 0) {
		for (ssize_t i = 0; i < size; i++)
			must_be(piece[i], byte_at(received + i));
		received += size;
	}
	must_be(size, 0);
	return received;
}

TEST(pipe, spliced_stream_is_whole)
{
	actor *parent = cast("parent");
	enum { STREAM = 500000 };

	does(parent, pipes.make("p"));
	does(parent, pipes.make("q"));
	does(parent, pipes.make("probe"));
	does(parent, fd.write("probe:w", "x"));
	does(parent, pipes.splice("probe:r", "probe:w", 0, 0)); /* absent: no further */
	actor *writer = forks(parent, "writer");
	does(parent, fd.close("p:w"));
	actor *mover = forks(parent, "mover");
	does(parent, fd.close("q:w"));
	does(writer, fd.close("q:w"));
	begin(writer, call(send_all, NULL, STREAM, 0, 0));
	begin(mover, call(hand_on, NULL, 3000, 0, 0));
	does_give(parent, call(receive_all, NULL, 0, 0, 0), STREAM);
	succeeds(writer);
	gives(mover, STREAM);
}

TEST(pipe, tee_copies)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, fd.write("p:w", "abcdef"));
	does_give(a, pipes.tee("p:r", "q:w", 4, 0), 4);
	does_give(a, fd.read("q:r", 10), "abcd");
	does_give(a, pipes.tee("p:r", "q:w", 100, 0), 6);
	does(a, fd.write("q:w", "!"));
	does_give(a, fd.read("p:r", 10), "abcdef");
	does_give(a, fd.read("q:r", 10), "abcdef!");
	does_fail(a, pipes.tee("p:r", "q:w", 1, SPLICE_F_NONBLOCK), EAGAIN);
}

TEST(pipe, vmsplice_gives_memory)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "one "));
	does_give(a, pipes.vmsplice("p:w", "two"), 3);
	does_give(a, fd.read("p:r", 10), "one two");
}

TEST(pipe, sendfile_reaches_a_pipe)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(make_file, "content of a file", 0, 0, 0));
	does_give(a, pipes.sendfile("p:w", "file", 7), 7);
	does_give(a, pipes.sendfile("p:w", "file", 100), 10);
	does_give(a, pipes.sendfile("p:w", "file", 100), 0);
	does_give(a, fd.read("p:r", 100), "content of a file");
}

TEST(pipe, file_reaches_a_pipe_and_back)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(make_file, "content", 0, 0, 0));
	does_give(a, pipes.splice("file", "p:w", 3, 0), 3);
	does_give(a, fd.read("p:r", 10), "con");
	does(a, fd.write("p:w", "back"));
	does(a, fd.seek("file", 2));
	does_give(a, pipes.splice("p:r", "file", 100, 0), 4);
	does_give(a, fd.pread("file", 100, 0), "cobackt");
}

TEST(pipe, writing_behind_a_spliced_file_leaves_it)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(make_file, "content", 1, 0, 0));
	does(a, fd.fill("p:w", 4096));
	does(a, fd.drain("p:r"));
	does_give(a, pipes.splice("file", "p:w", 1, 0), 1);
	does(a, fd.write("p:w", "XYZ"));
	does_give(a, fd.pread("file", 100, 0), "content");
	does_give(a, fd.read("p:r", 10), "cXYZ");
}
