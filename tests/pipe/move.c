/* SPDX-License-Identifier: MIT */
/* Linux: splice, vmsplice and sendfile with offsets, with no room, and with what is no pipe. */
#include <string.h>

#include "stage/story.h"

/* Linux's: no other system has them, nor an implementation that is no kernel. */
static void need(bool is_there, const char *call)
{
	if (!is_there)
		skip("no %s", call);
}

/* Opens "file" with these flags, holding text. */
static long long open_file(const char *text, const long long *n)
{
	const char *path = path_of("file");
	int file = impl->fifo->open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	must(file >= 0);
	must_be(impl->fd->write(file, text, strlen(text)), strlen(text));
	must_be(impl->fd->close(file), 0);
	file = impl->fifo->open(path, (int)n[0], 0);
	must(file >= 0);
	set_handle("file", file, NULL);
	return 0;
}

/* Between a file at an offset and a pipe: n[1] bytes; gives what the offset has become. */
static long long splice_at(const char *text, const long long *n)
{
	off_t offset = (off_t)n[0];
	bool out = strcmp(text, "file") == 0;
	int file = handle_fd("file");

	need(impl->pipe->splice, "splice");
	must_be(impl->pipe->splice(out ? file : handle_fd(text), out ? &offset : NULL,
				   out ? handle_fd("p:w") : file, out ? NULL : &offset,
				   (size_t)n[1], 0),
		n[1]);
	return offset;
}

TEST(pipe, splice_keeps_to_the_given_offset)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(open_file, "0123456789", O_RDWR, 0, 0));
	does(a, fd.seek("file", 1));
	does_give(a, call(splice_at, "file", 4, 3, 0), 7);
	does_give(a, fd.read("p:r", 10), "456");
	does(a, fd.write("p:w", "ab"));
	does_give(a, call(splice_at, "p:r", 8, 2, 0), 10);
	does_give(a, fd.read("file", 20), "1234567ab");
}

static long long splice_pipes_at(const char *text, const long long *n)
{
	off_t offset = 0;
	bool first = strcmp(text, "first") == 0;

	need(impl->pipe->splice, "splice");
	long long result = impl->pipe->splice(handle_fd("p:r"), first ? &offset : NULL,
					      handle_fd("q:w"), first ? NULL : &offset, 4, 0);

	(void)n;
	return result;
}

static const struct side {
	const char *name;
} sides[] = {{"first"}, {"second"}};

TEST_EACH(pipe, pipe_has_no_offset, sides)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, fd.write("p:w", "here"));
	does_fail(a, call(splice_pipes_at, row->name, 0, 0, 0), ESPIPE);
	does_give(a, fd.readable_bytes("q:r"), 0);
	does_give(a, fd.read("p:r", 10), "here");
}

TEST(pipe, splice_does_not_append)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(open_file, "old", O_RDWR | O_APPEND, 0, 0));
	does(a, fd.write("p:w", "new"));
	does_fail(a, pipes.splice("p:r", "file", 3, 0), EINVAL);
	does_give(a, fd.pread("file", 10, 0), "old");
	does_give(a, fd.read("p:r", 10), "new");
}

TEST(pipe, splice_keeps_to_o_nonblock)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, fd.set_flags("p:r", O_NONBLOCK));
	does_fail(a, pipes.splice("p:r", "q:w", 10, 0), EAGAIN);
	does(a, fd.set_flags("p:r", 0));
	does(a, fd.set_flags("q:w", O_NONBLOCK));
	does(a, fd.fill("q:w", 4096));
	does(a, fd.write("p:w", "stays"));
	does_fail(a, pipes.splice("p:r", "q:w", 10, 0), EAGAIN);
	does_give(a, fd.read("p:r", 10), "stays");
}

static long long open_null(const char *text, const long long *n)
{
	int device = impl->fifo->open("/dev/null", O_WRONLY, 0);

	(void)n;
	if (device < 0)
		skip("no null device");
	set_handle(text, device, NULL);
	return 0;
}

TEST(pipe, splice_reaches_the_null_device)
{
	actor *mover = cast("mover");

	does(mover, pipes.make("p"));
	does(mover, call(open_null, "null", 0, 0, 0));
	actor *writer = forks(mover, "writer");
	does(mover, fd.close("p:w"));
	does_fail(mover, pipes.splice("p:r", "null", 100, SPLICE_F_NONBLOCK), EAGAIN);
	begin(mover, pipes.splice("p:r", "null", 100, 0));
	blocks(mover);
	does(writer, fd.write("p:w", "data"));
	gives(mover, 4);
	does(writer, fd.write("p:w", "more"));
	does(writer, fd.close("p:w"));
	does_give(mover, pipes.splice("p:r", "null", 3, 0), 3);
	does_give(mover, pipes.splice("p:r", "null", 100, 0), 1);
	does_give(mover, pipes.splice("p:r", "null", 100, 0), 0);
}

/* Of a full pipe the first piece is read, which leaves less room than there is to be moved. */
TEST(pipe, splice_fills_what_is_left)
{
	actor *a = cast("alice");
	long page = sysconf(_SC_PAGESIZE);

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, fd.fill("q:w", page));
	long long full = outcome_of(a)->value;
	does_give(a, fd.read_pattern("q:r", 0, page), page);
	does_give(a, fd.write_pattern("p:w", 0, 3 * page), 3 * page);
	does(a, pipes.splice("p:r", "q:w", (size_t)(3 * page), 0));
	long long moved = outcome_of(a)->value;
	must(moved > 0 && moved <= 3 * page);
	does_give(a, fd.readable_bytes("q:r"), full - page + moved);
	does_give(a, fd.readable_bytes("p:r"), 3 * page - moved);
	does_fail(a, pipes.splice("p:r", "q:w", (size_t)page, SPLICE_F_NONBLOCK), EAGAIN);
}

TEST(pipe, interrupted_splice_loses_nothing)
{
	actor *mover = cast("mover");

	does(mover, pipes.make("p"));
	does(mover, pipes.make("q"));
	actor *writer = forks(mover, "writer");
	does(mover, sig.handle(SIGUSR1, 0));
	begin(mover, pipes.splice("p:r", "q:w", 100, 0));
	blocks(mover);
	poke(mover, SIGUSR1);
	catches(mover, SIGUSR1, 1);
	does(writer, fd.write("p:w", "whole"));
	returns(mover);
	if (outcome_of(mover)->value == -1) {
		must_be(outcome_of(mover)->error, EINTR);
		does_give(mover, pipes.splice("p:r", "q:w", 100, 0), 5);
	}
	does_give(writer, fd.readable_bytes("p:r"), 0);
	does_give(writer, fd.read("q:r", 100), "whole");
}

/* -- vmsplice -----------------------------------------------------------------------------------
 */

/* The memory is left alone afterwards, for the pipe may refer to it. */
static long long vmsplice_three(const char *text, const long long *n)
{
	static char one[] = "one ", two[] = "two ", three[] = "three";
	const struct iovec vector[3] = {{one, 4}, {two, 4}, {three, 5}};

	need(impl->pipe->vmsplice, "vmsplice");
	return impl->pipe->vmsplice(handle_fd(text), vector, 3, (unsigned)n[0]);
}

TEST(pipe, vmsplice_gathers)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_give(a, call(vmsplice_three, "p:w", 0, 0, 0), 13);
	does_give(a, fd.read("p:r", 100), "one two three");
}

TEST(pipe, vmsplice_can_refuse_to_wait)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.fill("p:w", 4096));
	long long full = outcome_of(a)->value;
	does_fail(a, call(vmsplice_three, "p:w", SPLICE_F_NONBLOCK, 0, 0), EAGAIN);
	does_give(a, fd.readable_bytes("p:r"), full);
}

TEST(pipe, vmsplice_needs_a_pipe)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(open_file, "file", O_RDWR, 0, 0));
	does_fail(a, call(vmsplice_three, "file", 0, 0, 0), EBADF);
	does(a, fd.close("p:w"));
	does_fail(a, call(vmsplice_three, "p:w", 0, 0, 0), EBADF);
}

static long long vmsplice_out(const char *text, const long long *n)
{
	char bytes[16];
	const struct iovec vector[2] = {{bytes, 3}, {bytes + 3, 8}};

	(void)n;
	need(impl->pipe->vmsplice, "vmsplice");
	memset(bytes, 0xEE, sizeof(bytes));
	long long size = impl->pipe->vmsplice(handle_fd(text), vector, 2, 0);
	if (size < 0)
		return size;
	must(size == 6 && memcmp(bytes, "abcdef", 6) == 0);
	must_be((unsigned char)bytes[6], 0xEE);
	return size;
}

TEST(pipe, vmsplice_takes_out)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "abcdef"));
	does_give(a, call(vmsplice_out, "p:r", 0, 0, 0), 6);
	does_give(a, fd.readable_bytes("p:r"), 0);
}

/* -- sendfile -----------------------------------------------------------------------------------
 */

static long long sendfile_at(const char *text, const long long *n)
{
	off_t offset = (off_t)n[0];

	need(impl->pipe->sendfile, "sendfile");
	must_be(impl->pipe->sendfile(handle_fd(text), handle_fd("file"), &offset, (size_t)n[1]),
		n[1]);
	return offset;
}

TEST(pipe, sendfile_keeps_to_the_given_offset)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(open_file, "0123456789", O_RDONLY, 0, 0));
	does(a, fd.seek("file", 1));
	does_give(a, call(sendfile_at, "p:w", 4, 3, 0), 7);
	does_give(a, fd.read("p:r", 10), "456");
	does_give(a, fd.read("file", 2), "12");
}

TEST(pipe, sendfile_takes_from_no_pipe)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(open_file, "old", O_RDWR, 0, 0));
	does(a, fd.write("p:w", "stays"));
	does_fail(a, pipes.sendfile("file", "p:r", 5), EINVAL);
	does_give(a, fd.read("p:r", 10), "stays");
	does_give(a, fd.pread("file", 10, 0), "old");
}
