/* SPDX-License-Identifier: MIT */
/* How a pipe is made, what it is, and what becomes of its ends over fork and exec. */
#include <string.h>
#include <sys/resource.h>

#include "stage/story.h"

TEST(pipe, new_pipe_is_blocking_and_inherited)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_give(a, fd.is_nonblocking("p:r"), 0);
	does_give(a, fd.is_nonblocking("p:w"), 0);
	does_give(a, fd.cloexec("p:r"), 0);
	does_give(a, fd.cloexec("p:w"), 0);
}

static const struct flags {
	const char *name;
	int flags;
} flags[] = {
	{"none", 0},
	{"O_NONBLOCK", O_NONBLOCK},
	{"O_CLOEXEC", O_CLOEXEC},
	{"O_NONBLOCK-O_CLOEXEC", O_NONBLOCK | O_CLOEXEC},
};

TEST_EACH(pipe, flags_are_set_on_both_ends, flags)
{
	actor *a = cast("alice");

	does(a, pipes.make_with("p", row->flags));
	does_give(a, fd.is_nonblocking("p:r"), (row->flags & O_NONBLOCK) != 0);
	does_give(a, fd.is_nonblocking("p:w"), (row->flags & O_NONBLOCK) != 0);
	does_give(a, fd.cloexec("p:r"), (row->flags & O_CLOEXEC) != 0);
	does_give(a, fd.cloexec("p:w"), (row->flags & O_CLOEXEC) != 0);
	does(a, fd.write("p:w", "works"));
	does_give(a, fd.read("p:r", 10), "works");
}

/* The lowest descriptor that is free. */
static int lowest(void)
{
	int ends[2];

	must_be(impl->pipe->pipe(ends), 0);
	must_be(impl->fd->close(ends[0]), 0);
	must_be(impl->fd->close(ends[1]), 0);
	return ends[0] < ends[1] ? ends[0] : ends[1];
}

static long long make_with_unknown_flag(const char *text, const long long *n)
{
	int free_before = lowest(), ends[2] = {-7, -8};

	(void)text;
	must_be(impl->pipe->pipe2(ends, (int)n[0]), -1);
	int error = errno;
	must(ends[0] == -7 && ends[1] == -8);
	must_be(lowest(), free_before);
	errno = error;
	return -1;
}

static const struct flags unknown[] = {
	{"O_CREAT", O_CREAT},
	{"O_APPEND", O_APPEND},
	{"O_TRUNC-O_CLOEXEC", O_TRUNC | O_CLOEXEC},
};

TEST_EACH(pipe, unknown_flag_is_refused, unknown)
{
	actor *a = cast("alice");

	does_fail(a, call(make_with_unknown_flag, NULL, row->flags, 0, 0), EINVAL);
}

TEST(pipe, ends_have_their_access_mode)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_give(a, fd.access_mode("p:r"), O_RDONLY);
	does_give(a, fd.access_mode("p:w"), O_WRONLY);
}

/* Frees two descriptors of six in a row, and makes a pipe of them. */
static long long make_in_gaps(const char *text, const long long *n)
{
	int ends[3][2], made[2];

	(void)text;
	(void)n;
	for (int i = 0; i < 3; i++)
		must_be(impl->pipe->pipe(ends[i]), 0);
	must_be(impl->fd->close(ends[0][1]), 0);
	must_be(impl->fd->close(ends[2][0]), 0);
	must_be(impl->pipe->pipe(made), 0);
	int low = ends[0][1] < ends[2][0] ? ends[0][1] : ends[2][0];
	must(made[0] == low || made[1] == low);
	must_be(made[0] + made[1], ends[0][1] + ends[2][0]);
	return 0;
}

TEST(pipe, lowest_descriptors_are_taken)
{
	actor *a = cast("alice");

	does(a, call(make_in_gaps, NULL, 0, 0, 0));
}

/* With so many descriptors left as n[0], of two that a pipe takes. */
static long long make_without_room(const char *text, const long long *n)
{
	int ends[2] = {-7, -8}, free_before = lowest();
	struct rlimit old, limit;

	(void)text;
	must_be(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = old;
	limit.rlim_cur = (rlim_t)(free_before + n[0]);
	must_be(setrlimit(RLIMIT_NOFILE, &limit), 0);
	must_be(impl->pipe->pipe(ends), -1);
	int error = errno;
	must_be(setrlimit(RLIMIT_NOFILE, &old), 0);
	must(ends[0] == -7 && ends[1] == -8);
	must_be(lowest(), free_before);
	errno = error;
	return -1;
}

static const struct left {
	const char *name;
	int count;
} left[] = {{"none-left", 0}, {"one-left", 1}};

TEST_EACH(pipe, failing_to_make_one_makes_nothing, left)
{
	actor *a = cast("alice");

	does_fail(a, call(make_without_room, NULL, row->count, 0, 0), EMFILE);
}

static long long make_nowhere(const char *text, const long long *n)
{
	int free_before = lowest();

	(void)text;
	(void)n;
	must_be(impl->pipe->pipe((int *)(intptr_t)-4096), -1);
	int error = errno;
	must_be(lowest(), free_before);
	errno = error;
	return -1;
}

TEST(pipe, bad_place_for_the_ends_is_refused)
{
	actor *a = cast("alice");

	does_fail(a, call(make_nowhere, NULL, 0, 0, 0), EFAULT);
}

TEST(pipe, each_pipe_is_its_own)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, fd.write("p:w", "to p"));
	does_give(a, fd.readable_bytes("q:r"), 0);
	does(a, fd.write("q:w", "to q"));
	does_give(a, fd.read("p:r", 10), "to p");
	does_give(a, fd.read("q:r", 10), "to q");
}

/* -- what it is ---------------------------------------------------------------------------------
 */

static const struct end {
	const char *name, *handle;
} ends[] = {{"read-end", "p:r"}, {"write-end", "p:w"}};

TEST_EACH(pipe, pipe_cannot_seek, ends)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "here"));
	does_fail(a, fd.seek(row->handle, 0), ESPIPE);
	does_fail(a, fd.seek("p:r", 2), ESPIPE);
	if (strcmp(row->handle, "p:r") == 0)
		does_fail(a, fd.pread("p:r", 2, 0), ESPIPE);
	else
		does_fail(a, fd.pwrite("p:w", "x", 0), ESPIPE);
	does_give(a, fd.read("p:r", 10), "here");
}

/* Poisoned, so that what isn't filled in shows. */
static struct stat status_of(const char *handle)
{
	struct stat status;

	memset(&status, 0xEE, sizeof(status));
	must_be(impl->fd->fstat(handle_fd(handle), &status), 0);
	return status;
}

static long long check_owner(const char *text, const long long *n)
{
	struct stat status = status_of(text);

	(void)n;
	must(S_ISFIFO(status.st_mode));
	must(!S_ISSOCK(status.st_mode) && !S_ISREG(status.st_mode) && !S_ISCHR(status.st_mode));
	must_be(status.st_uid, geteuid());
	must_be(status.st_gid, getegid());
	return 0;
}

TEST_EACH(pipe, pipe_is_of_type_fifo, ends)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(check_owner, row->handle, 0, 0, 0));
}

static long long check_identity(const char *text, const long long *n)
{
	struct stat r = status_of("p:r"), w = status_of("p:w"), q = status_of("q:r");

	(void)text;
	(void)n;
	must(r.st_ino == w.st_ino && r.st_dev == w.st_dev);
	must(r.st_ino != q.st_ino || r.st_dev != q.st_dev);
	return 0;
}

TEST(pipe, both_ends_are_one_file)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, call(check_identity, NULL, 0, 0, 0));
}

static op a_read(const char *h)
{
	return fd.read(h, 1);
}

static op a_readv(const char *h)
{
	return fd.readv(h, 1, 1, 1);
}

static op a_write(const char *h)
{
	return fd.write(h, "x");
}

static op a_writev(const char *h)
{
	return fd.writev(h, "xyz", 1, 1);
}

static op a_dup(const char *h)
{
	return fd.dup(h, "p:2");
}

static op flags_told(const char *h)
{
	return fd.flags(h);
}

static op a_mode(const char *h)
{
	return fd.mode(h);
}

static op a_close(const char *h)
{
	return fd.close(h);
}

static const struct bad {
	const char *name, *handle, *other;
	op (*operation)(const char *h);
} bads[] = {
	{"read", "p:r", "p:w", a_read},	  {"readv", "p:r", "p:w", a_readv},
	{"write", "p:w", "p:r", a_write}, {"writev", "p:w", "p:r", a_writev},
	{"dup", "p:r", "p:w", a_dup},	  {"fcntl", "p:w", "p:r", flags_told},
	{"fstat", "p:r", "p:w", a_mode},  {"close", "p:w", "p:r", a_close},
	{"FIONREAD", "p:r", "p:w", NULL},
};

TEST_EACH(pipe, closed_end_is_bad, bads)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.close(row->handle));
	does_fail(a, row->operation ? row->operation(row->handle) : fd.readable_bytes(row->handle),
		  EBADF);
	does_give(a, fd.is_open(row->other), 1);
}

/* -- over exec ----------------------------------------------------------------------------------
 */

TEST(pipe, exec_keeps_the_ends)
{
	actor *parent = cast("parent");

	does(parent, pipes.make("p"));
	actor *child = forks(parent, "child");
	does(parent, fd.write("p:w", "before"));
	execs(child);
	does_give(child, fd.read("p:r", 10), "before");
	does(child, fd.write("p:w", "after"));
	does_give(parent, fd.read("p:r", 10), "after");
}

TEST(pipe, close_on_exec_closes)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	actor *writer = forks(reader, "writer");
	does(reader, fd.close("p:w"));
	does(writer, fd.set_cloexec("p:w", 1));
	begin(reader, fd.read("p:r", 10));
	blocks(reader);
	execs(writer);
	gives(reader, 0);
	does_give(writer, fd.is_open("p:w"), 0);
	does_give(writer, fd.is_open("p:r"), 1);
}

TEST(pipe, close_on_exec_is_of_the_descriptor)
{
	actor *a = cast("alice");

	does(a, pipes.make_with("p", O_CLOEXEC));
	does(a, fd.dup("p:w", "p:2"));
	does_give(a, fd.cloexec("p:2"), 0);
	does_give(a, fd.cloexec("p:w"), 1);
	does(a, fd.set_cloexec("p:r", 0));
	does_give(a, fd.cloexec("p:w"), 1);
	execs(a);
	does_give(a, fd.is_open("p:w"), 0);
	does(a, fd.write("p:2", "by the copy"));
	does_give(a, fd.read("p:r", 20), "by the copy");
}
