/* SPDX-License-Identifier: MIT */
/* Duplicates of an end: which number they get, what they close, and what they have in common. */
#include "stage/story.h"

TEST(pipe, dup_onto_closes_what_was_there)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	does(reader, pipes.make("q"));
	actor *writer = forks(reader, "writer");
	does(reader, fd.close("p:w"));
	begin(reader, fd.read("p:r", 10));
	blocks(reader);
	does(writer, fd.dup_onto("q:w", "p:w"));
	gives(reader, 0);
	does(writer, fd.close("q:w"));
	does(writer, fd.write("p:w", "to q"));
	does_give(reader, fd.read("q:r", 10), "to q");
}

static long long onto_itself(const char *text, const long long *n)
{
	int end = handle_fd(text);

	(void)n;
	must_be(impl->fd->dup2(end, end), end);
	return 0;
}

TEST(pipe, dup_onto_itself_keeps_it)
{
	actor *a = cast("alice");

	does(a, pipes.make_with("p", O_CLOEXEC));
	does(a, fd.set_cloexec("p:r", 0));
	does(a, call(onto_itself, "p:w", 0, 0, 0));
	does(a, call(onto_itself, "p:r", 0, 0, 0));
	does_give(a, fd.cloexec("p:w"), 1);
	does_give(a, fd.cloexec("p:r"), 0);
	does(a, fd.write("p:w", "open"));
	does_give(a, fd.read("p:r", 10), "open");
}

TEST(pipe, dup_onto_clears_close_on_exec)
{
	actor *a = cast("alice");

	does(a, pipes.make_with("p", O_CLOEXEC));
	does(a, pipes.make_with("q", O_CLOEXEC));
	does(a, fd.dup_onto("p:w", "q:w"));
	does_give(a, fd.cloexec("q:w"), 0);
	does_give(a, fd.cloexec("p:w"), 1);
}

TEST(pipe, failing_dup_onto_closes_nothing)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make_with("q", O_CLOEXEC));
	does(a, fd.close("p:w"));
	does_fail(a, fd.dup_onto("p:w", "q:w"), EBADF);
	does_give(a, fd.cloexec("q:w"), 1);
	does(a, fd.write("q:w", "still here"));
	does_give(a, fd.read("q:r", 20), "still here");
}

/* Beyond what this process may have (told by a limit of its own), or below what anybody can. */
static const struct number {
	const char *name;
	bool beyond;
} numbers[] = {{"negative", false}, {"beyond-the-limit", true}};

static long long impossible(bool beyond)
{
	return beyond ? sysconf(_SC_OPEN_MAX) : -1;
}

static long long dup_onto_number(const char *text, const long long *n)
{
	return impl->fd->dup2(handle_fd(text), (int)impossible(n[0]));
}

static long long dup_from_number(const char *text, const long long *n)
{
	return impl->fd->fcntl(handle_fd(text), F_DUPFD, (long)impossible(n[0]));
}

TEST_EACH(pipe, impossible_number_is_refused, numbers)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	if (row->beyond)
		does(a, fd.leave_room(1));
	does_fail(a, call(dup_onto_number, "p:w", row->beyond, 0, 0), EBADF);
}

TEST_EACH(pipe, impossible_lowest_number_is_refused, numbers)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	if (row->beyond)
		does(a, fd.leave_room(1));
	does_fail(a, call(dup_from_number, "p:w", row->beyond, 0, 0), EINVAL);
}

/* p:w onto q:w, with flags. */
static long long dup3_onto(const char *text, const long long *n)
{
	int as = handle_fd(text);

	must_be(impl->pipe->dup3(handle_fd("p:w"), as, (int)n[0]), as);
	return 0;
}

TEST(pipe, dup3_sets_close_on_exec)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does(a, call(dup3_onto, "q:w", O_CLOEXEC, 0, 0));
	does_give(a, fd.cloexec("q:w"), 1);
	does_give(a, fd.cloexec("p:w"), 0);
	does_give(a, fd.read("q:r", 10), 0);
	does(a, call(dup3_onto, "q:w", 0, 0, 0));
	does_give(a, fd.cloexec("q:w"), 0);
	does(a, fd.write("q:w", "to p"));
	does_give(a, fd.read("p:r", 10), "to p");
}

static const struct refused {
	const char *name, *onto;
	int flags;
} refused[] = {{"onto-itself", "p:w", O_CLOEXEC}, {"unknown-flag", "q:w", O_APPEND}};

static long long dup3_refused(const char *text, const long long *n)
{
	return impl->pipe->dup3(handle_fd("p:w"), handle_fd(text), (int)n[0]);
}

TEST_EACH(pipe, dup3_refuses_what_dup2_takes, refused)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does_fail(a, call(dup3_refused, row->onto, row->flags, 0, 0), EINVAL);
	does(a, fd.write("p:w", "p"));
	does(a, fd.write("q:w", "q"));
	does_give(a, fd.read("p:r", 10), "p");
	does_give(a, fd.read("q:r", 10), "q");
}

static int lowest_from(int number)
{
	while (impl->fd->fcntl(number, F_GETFD, 0) >= 0)
		number++;
	return number;
}

enum { FROM = 40 };

static long long dup_from(const char *text, const long long *n)
{
	int end = handle_fd(text), first = lowest_from(FROM);

	(void)n;
	must_be(impl->fd->fcntl(end, F_DUPFD, FROM), first);
	int second = lowest_from(FROM);
	must_be(impl->fd->fcntl(end, F_DUPFD, FROM), second);
	must_be(impl->fd->close(first), 0);
	must_be(impl->fd->fcntl(end, F_DUPFD, FROM), first);
	must_be(impl->fd->write(second, "x", 1), 1);
	return 0;
}

TEST(pipe, duplicate_takes_the_lowest_number_from)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(dup_from, "p:w", 0, 0, 0));
	does_give(a, fd.read("p:r", 10), "x");
}

static long long dup_by_command(const char *text, const long long *n)
{
	int end = impl->fd->fcntl(handle_fd(text), (int)n[0], 0);

	must(end >= 0);
	set_handle("p:2", end, NULL);
	return 0;
}

TEST(pipe, duplicate_can_have_close_on_exec)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, call(dup_by_command, "p:w", F_DUPFD_CLOEXEC, 0, 0));
	does_give(a, fd.cloexec("p:2"), 1);
	does_give(a, fd.cloexec("p:w"), 0);
	does(a, call(dup_by_command, "p:2", F_DUPFD, 0, 0));
	does_give(a, fd.cloexec("p:2"), 0);
}

TEST(pipe, duplicates_run_out)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, pipes.make("q"));
	does_give(a, fd.leave_room(1), 1);
	does(a, fd.dup("p:w", "p:2"));
	does_fail(a, fd.dup("p:w", "p:3"), EMFILE);
	does_fail(a, fd.fcntl("p:w", F_DUPFD, 0), EMFILE);
	does_fail(a, fd.fcntl("p:w", F_DUPFD_CLOEXEC, 0), EMFILE);
	does(a, fd.dup_onto("p:w", "q:w"));
	does(a, fd.write("q:w", "works on"));
	does_give(a, fd.read("p:r", 20), "works on");
}

TEST(pipe, access_mode_cannot_be_changed)
{
	actor *a = cast("alice");

	does(a, pipes.make("p"));
	does(a, fd.set_flags("p:r", O_RDWR | O_NONBLOCK));
	does(a, fd.set_flags("p:w", O_RDONLY | O_NONBLOCK));
	does_give(a, fd.access_mode("p:r"), O_RDONLY);
	does_give(a, fd.access_mode("p:w"), O_WRONLY);
	does_give(a, fd.is_nonblocking("p:r"), 1);
	does(a, fd.write("p:w", "x"));
	does_give(a, fd.read("p:r", 10), "x");
}

/* -- close while somebody waits -----------------------------------------------------------------
 */

TEST(pipe, closing_under_a_waiting_call_leaves_it)
{
	actor *reader = cast("reader");

	does(reader, pipes.make("p"));
	actor *writer = forks(reader, "writer"), *closer = cast_thread(reader, "closer");
	begin(reader, fd.read("p:r", 10));
	blocks(reader);
	does(closer, fd.close("p:r"));
	blocks(reader);
	does(writer, fd.write("p:w", "in time"));
	gives(reader, "in time");
	does_fail(reader, fd.read("p:r", 10), EBADF);
}

TEST_VARIANT(pipe, closing_under_a_waiting_call_leaves_it, who_writes)
{
	actor *writer = cast("writer");

	does(writer, pipes.make("p"));
	does(writer, fd.fill("p:w", 64));
	long long full = outcome_of(writer)->value;
	actor *reader = forks(writer, "reader"), *closer = cast_thread(writer, "closer");
	does(reader, fd.close("p:w"));
	begin(writer, fd.write("p:w", "last"));
	blocks(writer);
	does(closer, fd.close("p:w"));
	blocks(writer);
	does(reader, fd.drain("p:r"));
	long long drained = outcome_of(reader)->value;
	gives(writer, 4);
	does_give(reader, fd.drain("p:r"), full + 4 - drained);
	does_give(reader, fd.read("p:r", 10), 0);
}
