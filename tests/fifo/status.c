/* SPDX-License-Identifier: MIT */
/* What stat tells of a FIFO: whose it is, how many names it has, and its times. */
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "stage/story.h"

static struct stat status_of(const char *path)
{
	struct stat status;

	memset(&status, 0xEE, sizeof(status));
	must_be(impl->fifo->stat(path, &status), 0);
	return status;
}

/* Both times of a file long ago. */
enum { LONG_AGO = 1000000 };

static void age(const char *path)
{
	const struct timespec old[2] = {{.tv_sec = LONG_AGO}, {.tv_sec = LONG_AGO}};

	if (utimensat(AT_FDCWD, path, old, 0) < 0)
		skip("times can't be set here");
}

static long long check_group(const char *text, const long long *n)
{
	gid_t group = status_of(path_of(text)).st_gid;

	(void)n;
	must(group == getegid() || group == status_of(".").st_gid);
	return 0;
}

TEST(fifo, group_is_ours_or_the_directorys)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	does(a, call(check_group, "f", 0, 0, 0));
}

/* The clock of files may be a tick behind, or that of another machine: a minute is enough. */
static bool is_now(const struct timespec *marked)
{
	time_t now = time(NULL);

	return marked->tv_sec >= now - 60 && marked->tv_sec <= now + 60;
}

static long long check_times(const char *text, const long long *n)
{
	struct stat status = status_of(path_of(text));

	(void)n;
	must(is_now(&status.st_atim));
	must(is_now(&status.st_mtim));
	must(is_now(&status.st_ctim));
	return 0;
}

TEST(fifo, new_fifo_has_the_time_of_its_making)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	does(a, call(check_times, "f", 0, 0, 0));
}

static long long make_in_old_directory(const char *text, const long long *n)
{
	(void)n;
	must_be(mkdir(path_of("d"), 0700), 0);
	age(path_of("d"));
	must_be(status_of(path_of("d")).st_mtime, LONG_AGO);
	must_be(impl->fifo->mkfifo(path_of(text), 0600), 0);
	return status_of(path_of("d")).st_mtime > LONG_AGO;
}

TEST(fifo, making_marks_the_directory)
{
	actor *a = cast("alice");

	does_give(a, call(make_in_old_directory, "d/f", 0, 0, 0), 1);
}

#ifndef ST_NOATIME
#define ST_NOATIME 1024
#endif

static long long age_if_marked(const char *text, const long long *n)
{
	struct statvfs system;

	(void)n;
	if (statvfs(path_of(text), &system) == 0 && (system.f_flag & ST_NOATIME))
		skip("the file system is mounted with noatime");
	age(path_of(text));
	return 0;
}

static long long access_is_marked(const char *text, const long long *n)
{
	(void)n;
	return status_of(path_of(text)).st_atime > LONG_AGO;
}

TEST(fifo, reading_marks_its_time)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(reader, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	does(writer, fifo.open("f", O_WRONLY));
	succeeds(reader);
	does(writer, fd.write("f", "x"));
	does(reader, call(age_if_marked, "f", 0, 0, 0));
	does_give(reader, call(access_is_marked, "f", 0, 0, 0), 0);
	does_give(reader, fd.read("f", 10), "x");
	does_give(reader, call(access_is_marked, "f", 0, 0, 0), 1);
}

static long long compare(const char *text, const long long *n)
{
	struct stat named = status_of(path_of(text)), other = status_of(path_of("g")), open;

	(void)n;
	memset(&open, 0xEE, sizeof(open));
	must_be(impl->fd->fstat(handle_fd(text), &open), 0);
	must(open.st_ino == named.st_ino && open.st_dev == named.st_dev);
	must(other.st_ino != named.st_ino || other.st_dev != named.st_dev);
	must_be(open.st_mode, named.st_mode);
	must_be(open.st_uid, named.st_uid);
	return 0;
}

TEST(fifo, descriptor_and_name_are_one_file)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	does(a, fifo.make("g"));
	does(a, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does(a, call(compare, "f", 0, 0, 0));
}

static long long links(const char *text, const long long *n)
{
	struct stat status;

	(void)n;
	memset(&status, 0xEE, sizeof(status));
	must_be(impl->fd->fstat(handle_fd(text), &status), 0);
	return (long long)status.st_nlink;
}

TEST(fifo, links_are_counted)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	does(a, fifo.open("f", O_RDONLY | O_NONBLOCK));
	does_give(a, call(links, "f", 0, 0, 0), 1);
	begin(a, fifo.link("f", "g"));
	returns(a);
	if (outcome_of(a)->value == -1)
		skip("this file system has no links");
	does_give(a, call(links, "f", 0, 0, 0), 2);
	does(a, fifo.unlink("f"));
	does_give(a, call(links, "f", 0, 0, 0), 1);
	does(a, fifo.unlink("g"));
	does_give(a, call(links, "f", 0, 0, 0), 0);
}
