/* SPDX-License-Identifier: MIT */
/* What Linux tells of all segments and their limits, and keeping to the limits. */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "stage/story.h"

enum { NEW = IPC_CREAT | IPC_EXCL | 0600, FILL = 0xEE, NOBODY = 65534 };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static const char *limit_path(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", name);
	return path;
}

/* -- what is told ----------------------------------------------------------------------------- */

static const struct {
	const char *name;
} limits[] = {{"shmmax"}, {"shmall"}, {"shmmni"}};

/* The number IPC_INFO gives for a limit by its name; 0: for the smallest segment. */
static long long ipc_info(const char *text, const long long *n)
{
	struct shminfo info;

	(void)n;
	memset(&info, FILL, sizeof(info));
	if (impl->shm->shmctl(0, IPC_INFO, (struct shmid_ds *)(void *)&info) < 0)
		return -1;
	if (strcmp(text, "shmmax") == 0)
		return (long long)info.shmmax;
	if (strcmp(text, "shmall") == 0)
		return (long long)info.shmall;
	return strcmp(text, "shmmni") == 0 ? (long long)info.shmmni : (long long)info.shmmin;
}

TEST_EACH(shm, IPC_INFO_tells_the_limits, limits)
{
	actor *alice = cast("alice");
	FILE *file = fopen(limit_path(row->name), "r");
	unsigned long long limit = 0;

	if (!file || fscanf(file, "%llu", &limit) != 1)
		skip("%s can't be read", limit_path(row->name));
	fclose(file);
	if (limit > LONG_MAX && sizeof(long) < sizeof(limit))
		skip("the limit is larger than a number here");
	does_give(alice, call(ipc_info, row->name, 0, 0, 0), (long long)limit);
}

TEST(shm, the_smallest_segment_has_one_byte)
{
	actor *alice = cast("alice");

	does_give(alice, call(ipc_info, "shmmin", 0, 0, 0), 1);
	does(alice, shm.get("s", 1, NEW));
}

/* Pages of all segments, or (n[0]) how many there are. */
static long long shm_info(const char *text, const long long *n)
{
	struct shm_info info;

	(void)text;
	memset(&info, FILL, sizeof(info));
	if (impl->shm->shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info) < 0)
		return -1;
	return n[0] ? (long long)info.used_ids : (long long)info.shm_tot;
}

TEST(shm, SHM_INFO_counts_all_segments)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 3 * page(), NEW));
	does(alice, shm.get("t", 1, NEW));
	does(alice, call(shm_info, "", 1, 0, 0));
	must(outcome_of(alice)->value >= 2 && outcome_of(alice)->value < INT_MAX / 2);
	does(alice, call(shm_info, "", 0, 0, 0));
	must(outcome_of(alice)->value >= 4 && outcome_of(alice)->value < LONG_MAX / 2);
}

/* Looks at all indices by this command for the segment: its size, or -1. */
static long long look_through(const char *text, const long long *n)
{
	struct shmid_ds data;
	int id = (int)n[1], command = (int)n[0];
	int highest = impl->shm->shmctl(0, SHM_INFO, memset(&data, FILL, sizeof(data)));

	(void)text;
	for (int i = 0; i <= highest; i++) {
		memset(&data, FILL, sizeof(data));
		if (impl->shm->shmctl(i, command, &data) != id)
			continue;
		must_be(data.shm_nattch, 1);
		must_be(data.shm_perm.mode, 0600);
		return (long long)data.shm_segsz;
	}
	errno = ENOENT;
	return -1;
}

static long long become_nobody(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	if (geteuid() == 0 && setuid(NOBODY) < 0)
		skip("no other user to become here");
	return 0;
}

TEST(shm, SHM_STAT_finds_a_segment_by_index)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 12345, NEW));
	long long id = outcome_of(alice)->value;
	does(alice, shm.attach("s", "m", 0));
	does_give(alice, call(look_through, "", SHM_STAT, id, 0), 12345);
}

TEST(shm, SHM_STAT_ANY_asks_for_no_permission)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 12345, NEW));
	long long id = outcome_of(alice)->value;
	does(alice, shm.attach("s", "m", 0));
	actor *bob = forks(alice, "bob");
	does(alice, shm.nattch("s"));
	does(bob, shm.detach("m"));
	does(bob, call(become_nobody, "", 0, 0, 0));
	does_give(bob, call(look_through, "", SHM_STAT_ANY, id, 0), 12345);
}

TEST(shm, SHM_STAT_asks_for_read_permission)
{
	actor *alice = cast("alice");

	if (geteuid() != 0)
		skip("two users are needed, and only root can be both");
	does(alice, shm.get("s", 12345, NEW));
	long long id = outcome_of(alice)->value;
	actor *bob = cast("bob");
	does(bob, call(become_nobody, "", 0, 0, 0));
	does_fail(bob, call(look_through, "", SHM_STAT, id, 0), ENOENT);
}

/* -- /proc/sysvipc/shm ------------------------------------------------------------------------ */

enum { LIST_MAX = 1 << 18 };

/* The list, read in pieces of size bytes; NULL: there's none. */
static char *read_list(size_t size)
{
	int file = impl->shm->open("/proc/sysvipc/shm", O_RDONLY, 0);
	char *list = calloc(1, LIST_MAX);
	size_t used = 0;
	ssize_t count;

	if (file < 0 || !list)
		return NULL;
	while (used + size < LIST_MAX && (count = impl->fd->read(file, list + used, size)) > 0)
		used += (size_t)count;
	impl->fd->close(file);
	return list;
}

/* How many lines tell of the segment; what they say must be right. */
static int count_lines(char *list, int id, long long size, long long attached)
{
	int count = 0;

	for (char *line = strtok(list, "\n"); line; line = strtok(NULL, "\n")) {
		long long key, listed, perms, bytes, creator, last, users;

		if (sscanf(line, "%lld %lld %llo %lld %lld %lld %lld", &key, &listed,
			   (unsigned long long *)&perms, &bytes, &creator, &last, &users) != 7 ||
		    listed != id)
			continue;
		must_be(bytes, size);
		must_be(users, attached);
		must_be(perms, 0600);
		count++;
	}
	return count;
}

/* Reads the list in pieces of n[0] bytes, in which each of n[1] segments must be once. */
static long long list_segments(const char *text, const long long *n)
{
	(void)text;
	for (int i = 0; i < n[1]; i++) {
		char name[16], *list = read_list((size_t)n[0]);

		if (!list)
			skip("/proc/sysvipc/shm can't be read");
		snprintf(name, sizeof(name), "s%d", i);
		must_be(count_lines(list, (int)handle_number(name), 1000 + i, i == 0), 1);
		free(list);
	}
	return 0;
}

static const struct {
	const char *name;
	size_t piece;
} pieces[] = {{"at_once", 65536}, {"line_by_line", 200}, {"by_forty_bytes", 40}};

TEST_EACH(shm, the_list_has_each_segment_once, pieces)
{
	actor *alice = cast("alice");
	char name[16];

	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		does(alice, shm.get(name, 1000 + (size_t)i, NEW));
	}
	does(alice, shm.attach("s0", "m", 0));
	does(alice, call(list_segments, "", (long long)row->piece, 5, 0));
}

/* -- locking ---------------------------------------------------------------------------------- */

TEST(shm, a_segment_can_be_locked_in_memory)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	begin(alice, shm.control("s", SHM_LOCK));
	returns(alice);
	if (outcome_of(alice)->error == EPERM || outcome_of(alice)->error == ENOMEM)
		skip("no memory may be locked here");
	must_be(outcome_of(alice)->error, 0);
	does_give(alice, shm.field("s", SEGMENT_MODE), SHM_LOCKED | 0600);
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "locked"));
	does(alice, shm.control("s", SHM_UNLOCK));
	does_give(alice, shm.field("s", SEGMENT_MODE), 0600);
	does_give(alice, shm.read("m", 0, 6), "locked");
}

static long long allow_no_locking(const char *text, const long long *n)
{
	struct rlimit none = {0, 0};

	must_be(setrlimit(RLIMIT_MEMLOCK, &none), 0);
	return become_nobody(text, n);
}

TEST(shm, who_may_lock_no_memory_locks_no_segment)
{
	actor *alice = cast("alice");

	does(alice, call(allow_no_locking, "", 0, 0, 0));
	does(alice, shm.get("s", 100, NEW));
	does_fail(alice, shm.control("s", SHM_LOCK), EPERM);
	does_give(alice, shm.field("s", SEGMENT_MODE), 0600);
}

/* -- address space ---------------------------------------------------------------------------- */

static long long allow_no_more_addresses(const char *text, const long long *n)
{
	struct rlimit limit;

	(void)text;
	(void)n;
	must_be(getrlimit(RLIMIT_AS, &limit), 0);
	limit.rlim_cur = (rlim_t)page();
	return setrlimit(RLIMIT_AS, &limit);
}

TEST(shm, without_addresses_nothing_is_attached)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.get("s", 16 * page(), NEW));
	does(bob, shm.get("s", 0, 0));
	does(alice, call(allow_no_more_addresses, "", 0, 0, 0));
	does_fail(alice, shm.attach("s", "m", 0), ENOMEM);
	does_give(bob, shm.nattch("s"), 0);
}

TEST(shm, without_addresses_nothing_is_mapped)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", O_RDWR | O_CREAT | O_EXCL));
	does(alice, shm.resize("o", 16 * (long long)page()));
	does(alice, call(allow_no_more_addresses, "", 0, 0, 0));
	does_fail(alice, shm.map("o", "m", 16 * page()), ENOMEM);
	does_fail(alice, shm.map_anonymous("m", 16 * page(), MAP_SHARED), ENOMEM);
	does_give(alice, shm.size("o"), 16 * (long long)page());
}

/* -- limits, in a namespace of one's own ------------------------------------------------------ */

static long long leave_for_own_namespace(const char *text, const long long *n)
{
	(void)text;
	(void)n;
#ifdef CLONE_NEWIPC
	if (unshare(CLONE_NEWIPC) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWIPC) == 0)
		return 0;
#endif
	skip("no namespace of one's own to be had here");
}

static long long set_limit(const char *text, const long long *n)
{
	FILE *file = fopen(limit_path(text), "w");
	bool done = file && fprintf(file, "%lld", n[0]) > 0;

	if ((file && fclose(file) != 0) || !done)
		skip("%s can't be changed", limit_path(text));
	return 0;
}

static actor *cast_alone(const char *name)
{
	actor *a = cast(name);

	does(a, call(leave_for_own_namespace, "", 0, 0, 0));
	return a;
}

TEST(shm, a_namespace_has_its_own_keys)
{
	actor *alice = cast("alice"), *bob = cast_alone("bob");

	does(alice, shm.get("s", 100, NEW));
	does_fail(bob, shm.get("s", 0, 0), ENOENT);
	does(bob, shm.get("s", 200, NEW));
	does_give(alice, shm.field("s", SEGMENT_SIZE), 100);
	does_give(bob, shm.field("s", SEGMENT_SIZE), 200);
}

TEST(shm, no_segment_beyond_shmmni)
{
	actor *alice = cast_alone("alice");

	does(alice, call(set_limit, "shmmni", 2, 0, 0));
	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.get("t", 100, NEW));
	does_fail(alice, shm.get("u", 100, NEW), ENOSPC);
	does(alice, shm.get("t", 0, 0));
	does(alice, shm.remove("s"));
	does(alice, shm.get("u", 100, NEW));
}

TEST(shm, no_page_beyond_shmall)
{
	actor *alice = cast_alone("alice");

	does(alice, call(set_limit, "shmall", 4, 0, 0));
	does(alice, shm.get("s", 3 * page(), NEW));
	does_fail(alice, shm.get("t", 2 * page(), NEW), ENOSPC);
	does_fail(alice, shm.get("t", 0, 0), ENOENT);
	does(alice, shm.get("t", page(), NEW));
	does_fail(alice, shm.get("u", 1, NEW), ENOSPC);
	does(alice, shm.remove("s"));
	does(alice, shm.get("u", 2 * page(), NEW));
}

TEST(shm, no_segment_larger_than_shmmax)
{
	actor *alice = cast_alone("alice");

	does(alice, call(set_limit, "shmmax", 10000, 0, 0));
	does(alice, shm.get("s", 10000, NEW));
	does_fail(alice, shm.get("t", 10001, NEW), EINVAL);
	does_fail(alice, shm.get("t", 0, 0), ENOENT);
}

TEST(shm, an_attached_doomed_segment_counts_to_the_limit)
{
	actor *alice = cast_alone("alice");

	does(alice, call(set_limit, "shmmni", 1, 0, 0));
	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.remove("s"));
	does_fail(alice, shm.get("t", 100, NEW), ENOSPC);
	does(alice, shm.detach("m"));
	does(alice, shm.get("t", 100, NEW));
}

TEST(shm, shm_rmid_forced_removes_what_nobody_uses)
{
	actor *alice = cast_alone("alice");

	does(alice, call(set_limit, "shm_rmid_forced", 1, 0, 0));
	actor *bob = forks(alice, "bob");
	does(bob, shm.get("s", 100, NEW));
	does(bob, shm.get("t", 100, NEW));
	does(alice, shm.get("t", 0, 0));
	does(alice, shm.attach("t", "m", 0));
	exits(bob, 0);
	does_fail(alice, shm.get("s", 0, 0), ENOENT);
	does_give(alice, shm.nattch("t"), 1);
	does(alice, shm.write("m", 0, "in use"));
	does(alice, shm.detach("m"));
	does_fail(alice, shm.stat("t"), EINVAL);
}
