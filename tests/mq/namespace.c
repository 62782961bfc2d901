/* SPDX-License-Identifier: MIT */
/* Limits, and queues as files, in an IPC namespace of one's own. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stage/story.h"

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	bool done = file && fputs(text, file) >= 0;

	if ((file && fclose(file) != 0) || !done)
		skip("no namespace of users to be had here");
}

/* A map of this user or group only. */
static const char *itself(long id)
{
	static char map[64];

	snprintf(map, sizeof(map), "%ld %ld 1", id, id);
	return map;
}

/* Who isn't privileged needs a namespace of users first, where it stays who it is. */
static bool leaves(int which)
{
#ifdef CLONE_NEWUSER
	long user = geteuid(), group = getegid();

	if (unshare(which) == 0)
		return true;
	if (unshare(CLONE_NEWUSER | which) < 0)
		return false;
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", itself(user));
	write_file("/proc/self/gid_map", itself(group));
	return true;
#else
	(void)which;
	return false;
#endif
}

/* With more than a name it mounts the queues there, where nobody else sees it. */
static long long leaves_for_its_own(const char *mountpoint, const long long *n)
{
	(void)n;
#if defined(CLONE_NEWIPC) && defined(CLONE_NEWNS)
	if (!leaves(CLONE_NEWIPC | (mountpoint ? CLONE_NEWNS : 0)))
		skip("no namespace of one's own to be had here");
	if (!mountpoint)
		return 0;
	must_be(mkdir(path_of(mountpoint), 0700), 0);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("mqueue", path_of(mountpoint), "mqueue", 0, NULL) < 0) {
		rmdir(path_of(mountpoint));
		skip("the filesystem of queues can't be mounted");
	}
	return 0;
#else
	(void)mountpoint;
	skip("no namespaces");
#endif
}

/* An actor, and its children, with all the queues that there are. */
static actor *cast_alone(const char *name, const char *mountpoint)
{
	actor *a = cast(name);

	does(a, mq.make("probe", 1, 1));
	does(a, call(leaves_for_its_own, mountpoint, 0, 0, 0));
	return a;
}

TEST(mq, namespace_has_its_own_queues)
{
	actor *alice = cast("alice"), *bob = cast_alone("bob", NULL);

	does(alice, mq.make("q", 2, 16));
	does(alice, mq.send("q", "alice's", 0));
	does_fail(bob, mq.open("q", O_RDWR), ENOENT);
	does(bob, mq.make("q", 2, 16));
	does_give(bob, mq.count("q"), 0);
	does(bob, mq.unlink("q"));
	does(alice, mq.open("q:again", O_RDWR));
	does_give(alice, mq.receive("q:again"), "alice's");
}

TEST(mq, count_of_queues_is_limited)
{
	actor *a = cast_alone("alice", NULL);

	does(a, call(changes_setting, "fs/mqueue/queues_max", 2, 0, 0));
	does(a, mq.make("p", 1, 16));
	does(a, mq.make("q", 1, 16));
	begin(a, mq.create("r", O_RDWR, 0600, 1, 16));
	returns(a);
	if (outcome_of(a)->value != -1)
		skip("who is privileged has no limit of queues here");
	must_be(outcome_of(a)->error, ENOSPC);
	does(a, mq.create("q", O_RDWR, 0600, 1, 16)); /* nothing new is needed for it */
	does(a, mq.close("p"));
	does(a, mq.unlink("p"));
	does(a, mq.create("r", O_RDWR, 0600, 1, 16));
}

TEST(mq, defaults_follow_their_settings)
{
	actor *a = cast_alone("alice", NULL);

	does(a, call(changes_setting, "fs/mqueue/msg_default", 3, 0, 0));
	does(a, call(changes_setting, "fs/mqueue/msgsize_default", 200, 0, 0));
	does(a, mq.create_default("q", O_RDWR, 0600));
	does(a, mq.attributes("q"));
	must_be(outcome_of(a)->n[MQ_MESSAGES], 3);
	must_be(outcome_of(a)->n[MQ_SIZE], 200);
}

/* -- the queue's state ------------------------------------------------------------------------ */

/* What a new descriptor of the queue reads: in two parts, of which the first is short. */
static long long reads_state(const char *q, const long long *n)
{
	char line[200], first[7];
	struct iovec parts[2] = {{first, sizeof(first)}, {line + sizeof(first), 100}};

	memset(line, 0, sizeof(line));
	must(impl->fd->readv(handle_fd(q), parts, 2) > (ssize_t)sizeof(first));
	memcpy(line, first, sizeof(first));
	const char *pid = strstr(line, "NOTIFY_PID:");
	must(strncmp(line, "QSIZE:", 6) == 0 && pid != NULL);
	must_be(strtoll(line + 6, NULL, 10), n[0]);
	must_be(strtoll(pid + 11, NULL, 10), n[1]);
	return 0;
}

TEST(mq, descriptor_reads_as_its_state)
{
	actor *a = cast("alice");

	does(a, mq.make("q", 2, 16));
	does(a, mq.open("q:empty", O_RDONLY));
	does(a, mq.open("q:full", O_RDONLY));
	does(a, mq.open("q:w", O_WRONLY));
	does(a, call(reads_state, "q:empty", 0, 0, 0));
	does(a, mq.send("q", "three", 0));
	does(a, mq.send("q", "four", 5));
	does(a, mq.notify_none("q"));
	does(a, call(reads_state, "q:full", 9, pid_of(a), 0));
	does_fail(a, fd.read("q:w", 10), EBADF);
}

/* -- the queue's file ------------------------------------------------------------------------- */

static const char *file_of(const char *q)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s%s", path_of("m"), name_of(q));
	return path;
}

/* What the file tells of something, or -1. */
static long long told(const char *q, const char *what)
{
	char line[200] = "";
	FILE *file = fopen(file_of(q), "r");

	must(file != NULL);
	must(fgets(line, sizeof(line), file) != NULL);
	fclose(file);
	const char *at = strstr(line, what);
	return at ? strtoll(at + strlen(what), NULL, 10) : -1;
}

static long long tells_bytes(const char *q, const long long *n)
{
	must_be(told(q, "QSIZE:"), n[0]);
	return 0;
}

static long long tells_registration(const char *q, const long long *n)
{
	must_be(told(q, " NOTIFY:"), n[0]);
	must_be(told(q, "SIGNO:"), n[1]);
	must_be(told(q, "NOTIFY_PID:"), n[2]);
	return 0;
}

static long long mode_of_file(const char *q, const long long *n)
{
	struct stat status;

	(void)n;
	return stat(file_of(q), &status) < 0 ? -1 : (long long)(status.st_mode & 0777);
}

static long long removes_file(const char *q, const long long *n)
{
	(void)n;
	return unlink(file_of(q));
}

/* The directory under the mountpoint is the world's. */
static actor *cast_beside_files(void)
{
	actor *a = cast_alone("alice", "m");

	does(a, mq.make("q", 4, 64));
	return a;
}

TEST(mq, file_tells_bytes)
{
	actor *a = cast_beside_files();

	does(a, call(tells_bytes, "q", 0, 0, 0));
	does(a, mq.send("q", "three", 0));
	does(a, mq.send("q", "four", 5));
	does(a, call(tells_bytes, "q", 9, 0, 0));
	does(a, mq.receive("q"));
	does(a, call(tells_bytes, "q", 5, 0, 0));
	does(a, mq.receive("q"));
	does(a, call(tells_bytes, "q", 0, 0, 0));
}

/* Another process reads it, for with any closing of the queue its process is no longer registered.
 */
TEST(mq, file_tells_the_registration)
{
	actor *a = cast_beside_files(), *reader = forks(a, "reader");

	does(reader, call(tells_registration, "q", 0, 0, 0));
	does(a, sig.block(SIGNALS(SIGUSR1)));
	does(a, mq.notify_signal("q", SIGUSR1, 0));
	does(reader, call(tells_registration, "q", SIGEV_SIGNAL, SIGUSR1, pid_of(a)));
	does(a, mq.send("q", "x", 0));
	does(reader, call(tells_registration, "q", 0, 0, 0));
	does(a, mq.notify_none("q"));
	does(reader, call(tells_registration, "q", SIGEV_NONE, 0, pid_of(a)));
	does(a, mq.notify_remove("q"));
	does(reader, call(tells_registration, "q", 0, 0, 0));
}

TEST(mq, file_and_queue_are_one)
{
	actor *a = cast_beside_files();

	does_give(a, call(mode_of_file, "q", 0, 0, 0), 0600);
	does(a, mq.send("q", "kept", 0));
	does(a, call(removes_file, "q", 0, 0, 0));
	does_fail(a, mq.open("q:again", O_RDWR), ENOENT);
	does_give(a, mq.receive("q"), "kept");
	does(a, mq.make("r", 1, 16));
	does_give(a, call(mode_of_file, "r", 0, 0, 0), 0600);
	does(a, mq.unlink("r"));
	does_fail(a, call(mode_of_file, "r", 0, 0, 0), ENOENT);
}
