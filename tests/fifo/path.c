/* SPDX-License-Identifier: MIT */
/* The ways to a FIFO: links, loops, directories, and names that change hands. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "stage/story.h"

/* A symbolic link to text, called "link". */
static long long point_to(const char *text, const long long *n)
{
	(void)n;
	return symlink(text, path_of("link"));
}

static void make_link(actor *a, const char *to)
{
	begin(a, call(point_to, to, 0, 0, 0));
	returns(a);
	if (outcome_of(a)->value == -1)
		skip("this file system has no symbolic links");
}

TEST(fifo, loop_of_links_is_refused)
{
	actor *a = cast("alice");

	make_link(a, "link");
	does_fail(a, fifo.make("link/f"), ELOOP);
	does_fail(a, fifo.open("link/f", O_RDONLY | O_NONBLOCK), ELOOP);
	does_fail(a, fifo.open("link", O_RDONLY | O_NONBLOCK), ELOOP);
	does_fail(a, fifo.make("link"), EEXIST);
}

/* A relative link leads from where it is. */
static long long link_beside(const char *text, const long long *n)
{
	const char *path = path_of(text), *slash = strrchr(path, '/');

	(void)n;
	return symlink(slash ? slash + 1 : path, path_of("link"));
}

static void make_link_to_fifo(actor *a)
{
	does(a, fifo.make("f"));
	begin(a, call(link_beside, "f", 0, 0, 0));
	returns(a);
	if (outcome_of(a)->value == -1)
		skip("this file system has no symbolic links");
}

TEST(fifo, symbolic_link_leads_to_it)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	make_link_to_fifo(reader);
	begin(reader, fifo.open("link", O_RDONLY));
	blocks(reader);
	does(writer, fifo.open("f", O_WRONLY));
	succeeds(reader);
	does(writer, fd.write("f", "through a link"));
	does_give(reader, fd.read("link", 100), "through a link");
}

TEST(fifo, link_is_not_followed)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	make_link_to_fifo(reader);
	begin(reader, fifo.open("f", O_RDONLY));
	blocks(reader);
	does_fail(writer, fifo.open("link", O_WRONLY | O_NOFOLLOW), ELOOP);
	blocks(reader);
	does(writer, fifo.open("f", O_WRONLY | O_NOFOLLOW));
	succeeds(reader);
}

static long long open_with_slash(const char *text, const long long *n)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/", path_of(text));
	return impl->fifo->open(path, (int)n[0], 0);
}

TEST(fifo, trailing_slash_is_refused)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	does_fail(a, call(open_with_slash, "f", O_RDONLY, 0, 0), ENOTDIR);
	does_fail(a, call(open_with_slash, "f", O_WRONLY, 0, 0), ENOTDIR);
}

/* A directory with this mode, made, or changed to have it. */
static long long make_directory(const char *text, const long long *n)
{
	const char *path = path_of(text);

	return n[0] ? chmod(path, (mode_t)n[1]) : mkdir(path, (mode_t)n[1]);
}

enum { USER_BASE = 1730000000 };

/* Root becomes a user whom modes concern, and who owns the directory. */
static long long be_subject_to_modes(const char *text, const long long *n)
{
	uid_t user = (uid_t)(USER_BASE + impl->sig->getpid());

	(void)n;
	if (geteuid() != 0)
		return 0;
	if (chown(path_of(text), user, user) < 0 || setresgid(user, user, user) < 0 ||
	    impl->sig->setresuid(user, user, user) < 0)
		skip("there's no other user here");
	return 0;
}

/* From now on in a directory that another user may search too. */
static long long enter(const char *text, const long long *n)
{
	(void)n;
	must_be(mkdir(path_of(text), 0755), 0);
	return chdir(path_of(text));
}

TEST(fifo, unsearchable_directory_is_refused)
{
	actor *a = cast("alice");

	does(a, call(enter, "w", 0, 0, 0));
	does(a, call(make_directory, "d", 0, 0700, 0));
	does(a, fifo.make("d/f"));
	does(a, call(be_subject_to_modes, "d", 0, 0, 0));
	does(a, fifo.mode("d/f"));
	does(a, call(make_directory, "d", 1, 0600, 0));
	does_fail(a, fifo.open("d/f", O_RDONLY), EACCES);
	does_fail(a, fifo.make("d/g"), EACCES);
	does_fail(a, fifo.mode("d/f"), EACCES);
	does(a, call(make_directory, "d", 1, 0700, 0));
}

/* -- from a directory ---------------------------------------------------------------------------
 */

enum { CLOSED, A_FIFO, NO_NUMBER };

static long long make_from(const char *text, const long long *n)
{
	int from = -1;

	if (n[0] != NO_NUMBER) {
		from = impl->fifo->open(path_of("g"), O_RDONLY | O_NONBLOCK, 0);
		must(from >= 0);
	}
	if (n[0] == CLOSED)
		must_be(impl->fd->close(from), 0);
	return impl->fifo->mkfifoat(from, text, 0600);
}

static const struct place {
	const char *name;
	int from, error;
} places[] = {
	{"closed", CLOSED, EBADF}, {"no-directory", A_FIFO, ENOTDIR}, {"-1", NO_NUMBER, EBADF}};

TEST_EACH(fifo, mkfifoat_checks_its_directory, places)
{
	actor *a = cast("alice");

	does(a, fifo.make("g"));
	does_fail(a, call(make_from, "f", row->from, 0, 0), row->error);
	does_fail(a, fifo.mode("f"), ENOENT);
}

static long long make_absolute(const char *text, const long long *n)
{
	char path[PATH_MAX], directory[PATH_MAX / 2];
	const char *relative = path_of(text);

	(void)n;
	must(getcwd(directory, sizeof(directory)) != NULL);
	snprintf(path, sizeof(path), "%s/%s", directory, relative);
	return impl->fifo->mkfifoat(-1, *relative == '/' ? relative : path, 0600);
}

TEST(fifo, absolute_path_needs_no_directory)
{
	actor *a = cast("alice");

	does(a, call(make_absolute, "f", 0, 0, 0));
	does_give(a, fifo.mode("f"), S_IFIFO | 0600);
}

/* -- names that change hands --------------------------------------------------------------------
 */

TEST(fifo, rename_replaces_it)
{
	actor *old = cast("old"), *new = cast("new"), *peer = cast("peer");

	does(old, fifo.make("f"));
	does(old, fifo.make("g"));
	begin(old, fifo.open("g", O_RDONLY));
	blocks(old);
	begin(new, fifo.open("f", O_RDONLY));
	blocks(new);
	does(peer, fifo.rename("f", "g"));
	does(peer, fifo.open("g", O_WRONLY));
	succeeds(new);
	blocks(old);
	does_fail(peer, fifo.mode("f"), ENOENT);
	does(peer, fd.write("g", "to the new"));
	does_give(new, fd.read("f", 20), "to the new");
}
