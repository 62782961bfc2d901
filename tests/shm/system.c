/* SPDX-License-Identifier: MIT */
/* What Linux tells of all segments: limits, sums, indices, and the list. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stage/story.h"

enum { NEW = IPC_CREAT | IPC_EXCL | 0600, FILL = 0xEE };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
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
	char path[64];
	snprintf(path, sizeof(path), "/proc/sys/kernel/%s", row->name);
	FILE *file = fopen(path, "r");
	unsigned long long limit = 0;

	if (!file || fscanf(file, "%llu", &limit) != 1)
		skip("%s can't be read", path);
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
		must_be(data.shm_cpid, n[2]);
		must(data.shm_atime > 0 && data.shm_ctime > 0);
		return (long long)data.shm_segsz;
	}
	errno = ENOENT;
	return -1;
}

TEST(shm, SHM_STAT_finds_a_segment_by_index)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 12345, NEW));
	long long id = outcome_of(alice)->value;
	does(alice, shm.attach("s", "m", 0));
	does_give(alice, call(look_through, "", SHM_STAT, id, pid_of(alice)), 12345);
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
	renounces(bob);
	does_give(bob, call(look_through, "", SHM_STAT_ANY, id, pid_of(alice)), 12345);
}

TEST(shm, SHM_STAT_asks_for_read_permission)
{
	actor *alice = cast("alice");

	if (geteuid() != 0)
		skip("two users are needed, and only root can be both");
	does(alice, shm.get("s", 12345, NEW));
	long long id = outcome_of(alice)->value;
	actor *bob = cast("bob");
	renounces(bob);
	does_fail(bob, call(look_through, "", SHM_STAT, id, pid_of(alice)), ENOENT);
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

enum { LIST_LINE = 512, LISTED = 14 };

/* The line of the list that tells of the segment, as numbers; false: there's none. */
static bool find_in_the_list(int id, long long *number)
{
	FILE *list = fopen("/proc/sysvipc/shm", "r");
	char line[LIST_LINE];
	bool found = false;

	if (!list)
		skip("/proc/sysvipc/shm can't be read");
	while (!found && fgets(line, sizeof(line), list)) {
		char *at = line;
		for (int i = 0; i < LISTED; i++)
			number[i] = strtoll(at, &at, i == 2 ? 8 : 10);
		found = number[1] == id;
	}
	fclose(list);
	return found;
}

static long long compare_with_the_list(const char *text, const long long *n)
{
	struct shmid_ds data;
	int id = (int)handle_number(text);
	long long number[LISTED];

	(void)n;
	memset(&data, FILL, sizeof(data));
	must_be(impl->shm->shmctl(id, IPC_STAT, &data), 0);
	must(find_in_the_list(id, number));
	must_be((key_t)number[0], data.shm_perm.__key);
	must_be(number[2], data.shm_perm.mode);
	must_be(number[3], data.shm_segsz);
	must_be(number[4], data.shm_cpid);
	must_be(number[5], data.shm_lpid);
	must_be(number[6], data.shm_nattch);
	must_be(number[7], data.shm_perm.uid);
	must_be(number[8], data.shm_perm.gid);
	must_be(number[9], data.shm_perm.cuid);
	must_be(number[10], data.shm_perm.cgid);
	must_be(number[11], data.shm_atime);
	must_be(number[12], data.shm_dtime);
	must_be(number[13], data.shm_ctime);
	return 0;
}

TEST(shm, the_list_says_what_IPC_STAT_says)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.get("s", 12345, IPC_CREAT | IPC_EXCL | 0640));
	does(alice, call(compare_with_the_list, "s", 0, 0, 0));
	does(bob, shm.get("s", 0, 0));
	does(bob, shm.attach("s", "m", 0));
	does(alice, call(compare_with_the_list, "s", 0, 0, 0));
	does(alice, shm.attach("s", "m", 0));
	does(bob, shm.detach("m"));
	does(alice, call(compare_with_the_list, "s", 0, 0, 0));
	does(alice, shm.remove("s"));
	does(alice, call(compare_with_the_list, "s", 0, 0, 0));
}

/* -- indices, in a namespace where nobody else is --------------------------------------------- */

/* What IPC_INFO, SHM_INFO (n[0]) or SHM_STAT returns for this index (n[1]). */
static long long ask_by_number(const char *text, const long long *n)
{
	union {
		struct shmid_ds data;
		struct shminfo limits;
		struct shm_info use;
	} answer;

	(void)text;
	memset(&answer, FILL, sizeof(answer));
	return impl->shm->shmctl((int)n[1], (int)n[0], &answer.data);
}

TEST(shm, the_highest_index_is_told)
{
	actor *alice = cast_apart("alice");

	for (int i = 0; i < 3; i++) {
		char name[] = {(char)('s' + i), '\0'};
		does(alice, shm.get(name, 100, NEW));
		long long id = outcome_of(alice)->value;
		does(alice, call(ask_by_number, "", IPC_INFO, 0, 0));
		long long highest = outcome_of(alice)->value;
		must(highest >= i);
		does_give(alice, call(ask_by_number, "", SHM_INFO, 0, 0), highest);
		does_give(alice, call(ask_by_number, "", SHM_STAT, highest, 0), id);
		does_fail(alice, call(ask_by_number, "", SHM_STAT, highest + 1, 0), EINVAL);
	}
}

TEST(shm, an_index_of_nothing_is_invalid)
{
	actor *alice = cast_apart("alice");

	does_fail(alice, call(ask_by_number, "", SHM_STAT, 0, 0), EINVAL);
	does(alice, shm.get("s", 100, NEW));
	does(alice, call(ask_by_number, "", SHM_INFO, 0, 0));
	long long index = outcome_of(alice)->value;
	does(alice, call(ask_by_number, "", SHM_STAT, index, 0));
	does_fail(alice, call(ask_by_number, "", SHM_STAT, -1, 0), EINVAL);
	does_fail(alice, call(ask_by_number, "", SHM_STAT, 100000, 0), EINVAL);
	does(alice, shm.remove("s"));
	does_fail(alice, call(ask_by_number, "", SHM_STAT, index, 0), EINVAL);
}

/* Pages of SHM_INFO: of all segments (n[0] is 0), or those that are somewhere by now. */
static long long pages_told(const char *text, const long long *n)
{
	struct shm_info info;

	(void)text;
	memset(&info, FILL, sizeof(info));
	if (impl->shm->shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info) < 0)
		return -1;
	return (long long)(n[0] ? info.shm_rss + info.shm_swp : info.shm_tot);
}

TEST(shm, SHM_INFO_counts_pages)
{
	actor *alice = cast_apart("alice");

	does(alice, shm.get("s", 7 * page(), NEW));
	does(alice, shm.get("t", page() + 1, NEW));
	does_give(alice, call(pages_told, "", 0, 0, 0), 9);
	does_give(alice, call(pages_told, "", 1, 0, 0), 0);
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.store("m", 0, 1));
	does(alice, shm.store("m", 3 * (long long)page(), 1));
	does(alice, call(pages_told, "", 1, 0, 0));
	must(outcome_of(alice)->value >= 2);
	does(alice, shm.remove("t"));
	does_give(alice, call(pages_told, "", 0, 0, 0), 7);
}

/* -- identifiers by order --------------------------------------------------------------------- */

/* Reads the setting, or (n[0]) makes it n[1]. */
static long long next_identifier(const char *text, const long long *n)
{
	FILE *file = fopen("/proc/sys/kernel/shm_next_id", n[0] ? "w" : "r");
	long long value = 0;
	bool done = file &&
		    (n[0] ? fprintf(file, "%lld", n[1]) > 0 : fscanf(file, "%lld", &value) == 1);

	(void)text;
	if ((file && fclose(file) != 0) || !done)
		skip("shm_next_id can't be used here");
	return value + 1; /* for it is -1 as long as nothing is ordered */
}

static const struct {
	const char *name;
	long long id;
} orders[] = {{"0", 0},
	      {"5", 5},
	      {"32767", 32767},
	      {"32768", 32768},
	      {"16777216", 1 << 24},
	      {"highest", INT_MAX}};

TEST_EACH(shm, an_identifier_by_order_is_valid, orders)
{
	actor *alice = cast_apart("alice");

	does(alice, call(next_identifier, "", 1, row->id, 0));
	begin(alice, shm.get("s", 100, NEW));
	returns(alice);
	if (outcome_of(alice)->error) {
		must_be(outcome_of(alice)->error, EINVAL);
		return;
	}
	long long id = outcome_of(alice)->value;
	must(id >= 0);
	does_give(alice, call(next_identifier, "", 0, 0, 0), 0);
	does_give(alice, shm.get("s", 0, 0), id);
	does(alice, shm.attach("s", "m", 0));
	does_give(alice, shm.nattch("s"), 1);
	does(alice, shm.get("t", 100, NEW));
	must(outcome_of(alice)->value != id && outcome_of(alice)->value >= 0);
	does(alice, shm.detach("m"));
	does(alice, shm.remove("s"));
	does_fail(alice, shm.stat("s"), EINVAL);
}
