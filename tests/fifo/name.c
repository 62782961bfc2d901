/* SPDX-License-Identifier: MIT */
/* The name of a FIFO: making, finding, moving and protecting it. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "stage/story.h"

static long long set_mask(const char *text, const long long *n)
{
	(void)text;
	umask((mode_t)n[0]);
	return 0;
}

static const struct mode {
	const char *name;
	int mode, mask;
} modes[] = {
	{"0666-mask-022", 0666, 022},	{"0600-mask-0", 0600, 0},
	{"0777-mask-077", 0777, 077},	{"0-mask-0", 0, 0},
	{"0222-mask-0111", 0222, 0111}, {"0644-mask-0777", 0644, 0777},
};

TEST_EACH(fifo, mode_is_masked, modes)
{
	actor *a = cast("alice");

	does(a, call(set_mask, NULL, row->mask, 0, 0));
	does(a, fifo.make_mode("f", row->mode));
	does_give(a, fifo.mode("f"), S_IFIFO | (row->mode & ~row->mask));
}

enum { FIFO_THERE, FILE_THERE, DIRECTORY_THERE, LINK_THERE };

/* Puts something where the FIFO is to be. */
static long long put(const char *text, const long long *n)
{
	const char *path = path_of(text);

	if (n[0] == DIRECTORY_THERE)
		return mkdir(path, 0700);
	if (n[0] == LINK_THERE)
		return symlink("nowhere", path);
	int file = impl->fifo->open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
	must(file >= 0);
	return impl->fd->close(file);
}

static const struct there {
	const char *name;
	int what;
	mode_t type; /* of what stays; 0: can't be told through stat */
} theres[] = {
	{"a-fifo", FIFO_THERE, S_IFIFO},
	{"a-file", FILE_THERE, S_IFREG},
	{"a-directory", DIRECTORY_THERE, S_IFDIR},
	{"a-dangling-link", LINK_THERE, 0},
};

TEST_EACH(fifo, existing_name_is_refused, theres)
{
	actor *a = cast("alice");

	if (row->what == FIFO_THERE)
		does(a, fifo.make("f"));
	else
		does(a, call(put, "f", row->what, 0, 0));
	does_fail(a, fifo.make("f"), EEXIST);
	if (!row->type) {
		does_fail(a, fifo.mode("f"), ENOENT);
		return;
	}
	does(a, fifo.mode("f"));
	must_be(outcome_of(a)->value & S_IFMT, row->type);
}

/* A name of n[0] bytes, or of text. */
static long long make_named(const char *text, const long long *n)
{
	char name[8192];

	if (n[0] > 0) {
		memset(name, 'x', (size_t)n[0]);
		name[n[0]] = '\0';
	}
	path_of("f"); /* paths are in use */
	return impl->fifo->mkfifo(n[0] > 0 ? name : text, 0600);
}

static const struct impossible {
	const char *name, *path;
	int length, error;
} impossibles[] = {
	{"no-directory", "nowhere/f", 0, ENOENT},
	{"empty", "", 0, ENOENT},
	{"below-a-fifo", "g/f", 0, ENOTDIR},
	{"too-long", "", 5000, ENAMETOOLONG},
};

TEST_EACH(fifo, impossible_name_is_refused, impossibles)
{
	actor *a = cast("alice");

	does(a, fifo.make("g"));
	does_fail(a, call(make_named, row->path, row->length, 0, 0), row->error);
}

TEST(fifo, open_of_no_name_fails)
{
	actor *a = cast("alice");

	does_fail(a, fifo.open("f", O_RDONLY), ENOENT);
	does_fail(a, fifo.open("f", O_WRONLY), ENOENT);
	does(a, fifo.make("f"));
	does(a, fifo.unlink("f"));
	does_fail(a, fifo.open("f", O_RDONLY | O_NONBLOCK), ENOENT);
}

TEST(fifo, exclusive_open_is_refused)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	does_fail(a, fifo.open("f", O_RDONLY | O_CREAT | O_EXCL), EEXIST);
}

TEST(fifo, fifo_is_no_directory)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	does_fail(a, fifo.open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
}

TEST(fifo, mknod_makes_one_too)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(reader, fifo.make_node("f", 0640));
	does_give(reader, fifo.mode("f"), S_IFIFO | 0640);
	begin(reader, fifo.open("f", O_RDONLY));
	blocks(reader);
	does(writer, fifo.open("f", O_WRONLY));
	succeeds(reader);
	does(writer, fd.write("f", "x"));
	does_give(reader, fd.read("f", 10), "x");
}

static long long make_at(const char *text, const long long *n)
{
	(void)n;
	must_be(mkdir(path_of("d"), 0700), 0);
	int directory = impl->fifo->open(path_of("d"), O_RDONLY | O_DIRECTORY, 0);
	must(directory >= 0);
	must_be(impl->fifo->mkfifoat(directory, text, 0600), 0);
	must_be(impl->fifo->mkfifoat(directory, text, 0600), -1);
	must_be(errno, EEXIST);
	must_be(impl->fd->close(directory), 0);
	must_be(impl->fifo->mkfifoat(AT_FDCWD, "here", 0600), 0);
	return 0;
}

TEST(fifo, mkfifoat_makes_it_in_a_directory)
{
	actor *a = cast("alice");

	does(a, call(make_at, "f", 0, 0, 0));
	does_give(a, fifo.mode("d/f"), S_IFIFO | 0600);
	does_give(a, fifo.mode("here"), S_IFIFO | 0600);
	does_fail(a, fifo.mode("f"), ENOENT);
}

static long long check_status(const char *text, const long long *n)
{
	struct stat status;

	(void)n;
	memset(&status, 0xEE, sizeof(status));
	must_be(impl->fifo->stat(path_of(text), &status), 0);
	must_be(status.st_uid, geteuid());
	must_be(status.st_nlink, 1);
	return 0;
}

TEST(fifo, new_fifo_is_ours_and_empty)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	does(a, call(check_status, "f", 0, 0, 0));
	does(a, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does_give(a, fd.read("f", 10), 0);
}

/* Both times are set to a day in 1970, or told: whether the modification is later. */
static long long age(const char *text, const long long *n)
{
	const struct timespec old[2] = {{.tv_sec = 1000000}, {.tv_sec = 1000000}};
	struct stat status;

	if (n[0])
		return utimensat(AT_FDCWD, path_of(text), old, 0);
	memset(&status, 0xEE, sizeof(status));
	must_be(impl->fifo->stat(path_of(text), &status), 0);
	return status.st_mtime > 1000000;
}

TEST(fifo, writing_marks_its_time)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(reader, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	does(writer, fifo.open("f", O_WRONLY));
	succeeds(reader);
	/* what is mapped may be marked by the first store into it, and not by another soon after */
	does(writer, fd.write("f", "x"));
	does_give(reader, fd.read("f", 10), "x");
	does(writer, call(age, "f", 1, 0, 0));
	does_give(writer, call(age, "f", 0, 0, 0), 0);
	does(writer, fd.write("f", "y"));
	does_give(reader, fd.read("f", 10), "y");
	does_give(reader, call(age, "f", 0, 0, 0), 1);
}

/* -- other names, and the same one again --------------------------------------------------------
 */

static void meet(actor *reader, actor *writer, const char *f)
{
	begin(reader, fifo.open(f, O_RDONLY));
	does(writer, fifo.open(f, O_WRONLY));
	succeeds(reader);
}

TEST(fifo, unlinked_fifo_works_on)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(reader, fifo.make("f"));
	meet(reader, writer, "f");
	does(writer, fd.write("f", "before, "));
	does(reader, fifo.unlink("f"));
	does_fail(writer, fifo.open("f:2", O_WRONLY), ENOENT);
	does(writer, fd.write("f", "after"));
	does_give(reader, fd.read("f", 100), "before, after");
	does(writer, fd.close("f"));
	does_give(reader, fd.read("f", 100), 0);
}

TEST(fifo, new_fifo_of_the_name_is_another)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *old = cast("old"), *late = cast("late");

	does(alice, fifo.make("f"));
	does(alice, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does(bob, fifo.open("f", O_WRONLY));
	does(bob, fd.write("f", "in the old one"));
	does(alice, fd.close("f"));
	begin(old, fifo.open("f", O_WRONLY));
	blocks(old);
	does(bob, fifo.unlink("f"));
	does(bob, fifo.make("f"));
	does_fail(late, fifo.open("f", O_WRONLY | O_NONBLOCK), ENXIO);
	does(late, fifo.open("f:r", O_RDONLY | O_NONBLOCK));
	does_give(late, fd.read("f:r", 100), 0);
	blocks(old);
}

TEST(fifo, renamed_fifo_is_the_same)
{
	actor *reader = cast("reader"), *writer = cast("writer"), *late = cast("late");

	does(writer, fifo.make("f"));
	begin(writer, fifo.open("f", O_WRONLY));
	blocks(writer);
	does(late, fifo.rename("f", "g"));
	does(reader, fifo.open("g", O_RDONLY));
	succeeds(writer);
	does(late, fifo.rename("g", "h"));
	does(late, fifo.open("h", O_WRONLY));
	does(writer, fd.write("f", "one "));
	does(late, fd.write("h", "two"));
	does_give(reader, fd.read("g", 100), "one two");
	does_fail(late, fifo.mode("f"), ENOENT);
}

TEST(fifo, hard_link_is_the_same)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(reader, fifo.make("f"));
	begin(reader, fifo.link("f", "g"));
	returns(reader);
	if (outcome_of(reader)->value == -1)
		skip("this file system has no links");
	begin(reader, fifo.open("f", O_RDONLY));
	blocks(reader);
	does(writer, fifo.open("g", O_WRONLY));
	succeeds(reader);
	does(writer, fd.write("g", "x"));
	does_give(reader, fd.read("f", 10), "x");
}
