/* SPDX-License-Identifier: MIT */
/* What a pipe is asked that only a file can do, and what it's asked with the wrong arguments. */
#include <limits.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "stage/story.h"

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

/* Those that give an error's number give it as errno. */
static long long by_number(int error)
{
	errno = error;
	return error ? -1 : 0;
}

enum { MAP, SYNCHRONISE, ADVISE, ALLOCATE, TRUNCATE };

static long long ask(const char *text, const long long *n)
{
	int end = handle_fd(text);

	switch (n[0]) {
	case MAP:
		return impl->shm->mmap(NULL, 1, PROT_READ, MAP_SHARED, end, 0) == MAP_FAILED ? -1
											     : 0;
	case SYNCHRONISE:
		return impl->pipe->fsync(end);
	case ADVISE:
		return by_number(impl->pipe->posix_fadvise(end, 0, 1, POSIX_FADV_NORMAL));
	case ALLOCATE:
		return by_number(impl->pipe->posix_fallocate(end, 0, 1));
	default:
		return impl->pipe->ftruncate(end, 0);
	}
}

/* The question fails, and what was in the pipe still is. */
static void refuses(const char *end, int question, int error)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "stays"));
	does_fail(a, call(ask, end, question, 0, 0), error);
	does_give(a, fd.read("p:r", 10), "stays");
}

TEST(pipe, pipe_cannot_be_mapped)
{
	refuses("p:r", MAP, ENODEV);
}

TEST(pipe, pipe_cannot_be_synchronised)
{
	refuses("p:w", SYNCHRONISE, EINVAL);
}

TEST(pipe, pipe_takes_no_advice)
{
	refuses("p:r", ADVISE, ESPIPE);
}

TEST(pipe, pipe_cannot_be_allocated)
{
	refuses("p:w", ALLOCATE, ESPIPE);
}

TEST(pipe, pipe_cannot_be_truncated)
{
	refuses("p:w", TRUNCATE, EINVAL);
}

static long long seek_from(const char *text, const long long *n)
{
	return impl->fd->lseek(handle_fd(text), 0, (int)n[0]);
}

TEST_VARIANT(pipe, pipe_cannot_seek, from_here_and_from_the_end)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "here"));
	does_fail(a, call(seek_from, "p:r", SEEK_CUR, 0, 0), ESPIPE);
	does_fail(a, call(seek_from, "p:w", SEEK_CUR, 0, 0), ESPIPE);
	does_fail(a, call(seek_from, "p:r", SEEK_END, 0, 0), ESPIPE);
	does_give(a, fd.read("p:r", 10), "here");
}

static long long limit_files_to_nothing(const char *text, const long long *n)
{
	const struct rlimit none = {0, 0};

	(void)text;
	(void)n;
	return setrlimit(RLIMIT_FSIZE, &none);
}

TEST(pipe, file_size_limit_is_not_for_pipes)
{
	actor *parent = cast("parent");

	does(parent, pipes.make("p"));
	actor *child = forks(parent, "child");
	does(child, call(limit_files_to_nothing, NULL, 0, 0, 0));
	does_give(child, fd.write("p:w", "no file"), 7);
	does_give(parent, fd.read("p:r", 10), "no file");
}

/* -- vectors ------------------------------------------------------------------------------------
 */

static const struct vector {
	const char *name;
	bool writes;
	int count; /* of buffers; 0: more than IOV_MAX */
} vectors[] = {
	{"readv-negative", false, -1},
	{"readv-too-many", false, 0},
	{"writev-negative", true, -1},
	{"writev-too-many", true, 0},
};

static long long move_vector(const struct iovec *vector, int count, bool writes)
{
	if (writes)
		return impl->fd->writev(handle_fd("p:w"), vector, count);
	return impl->fd->readv(handle_fd("p:r"), vector, count);
}

static long long move_many(const char *text, const long long *n)
{
	static struct iovec vector[IOV_MAX + 1];
	static char byte;

	(void)text;
	for (int i = 0; i <= IOV_MAX; i++)
		vector[i] = (struct iovec){&byte, 1};
	return move_vector(vector, n[1] ? (int)n[1] : IOV_MAX + 1, n[0]);
}

TEST_EACH(pipe, vector_count_is_checked, vectors)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "stays"));
	does_fail(a, call(move_many, NULL, row->writes, row->count, 0), EINVAL);
	does_give(a, fd.read("p:r", 2000), "stays");
}

/* One byte, and then more than a ssize_t can count. */
static long long move_too_much(const char *text, const long long *n)
{
	static char bytes[16];
	const struct iovec vector[2] = {{bytes, 1}, {bytes, SIZE_MAX}};

	(void)text;
	return move_vector(vector, 2, n[0]);
}

static const struct direction {
	const char *name;
	bool writes;
} directions[] = {{"readv", false}, {"writev", true}};

TEST_EACH(pipe, vector_of_too_much_is_refused, directions)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.write("p:w", "stays"));
	does_fail(a, call(move_too_much, NULL, row->writes, 0, 0), EINVAL);
	does_give(a, fd.read("p:r", 10), "stays");
}

/* -- nothing ------------------------------------------------------------------------------------
 */

TEST_VARIANT(pipe, read_of_nothing_returns_at_once, by_a_vector_and_at_the_end)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does_give(a, fd.readv("p:r", 0, 0, 0), 0);
	does(a, fd.write("p:w", "x"));
	does_give(a, fd.readv("p:r", 0, 0, 0), 0);
	does(a, fd.close("p:w"));
	does_give(a, fd.read("p:r", 0), 0);
	does_give(a, fd.read("p:r", 10), "x");
	does_give(a, fd.read("p:r", 0), 0);
}

TEST_VARIANT(pipe, write_of_nothing_adds_nothing, nor_waits_at_a_full_pipe)
{
	actor *a = cast("alice");

	is_brief();
	does(a, pipes.make("p"));
	does(a, fd.fill("p:w", 64));
	long long full = outcome_of(a)->value;
	does_give(a, fd.write_bytes("p:w", "", 0), 0);
	does_give(a, fd.readable_bytes("p:r"), full);
}
