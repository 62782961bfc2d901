/* SPDX-License-Identifier: MIT */
/* What is kept about a set, how it is found, and what is refused. */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "stage/story.h"

static const struct mode {
	const char *name;
	int mode;
} modes[] = {{"600", 0600}, {"640", 0640}, {"466", 0466}, {"777", 0777}};

TEST_EACH(semset, new_set_is_described_exactly, modes)
{
	actor *alice = cast("alice");
	char expected[80];

	snprintf(expected, sizeof(expected), "3 of mode %o, owner me, creator me",
		 (unsigned)row->mode);
	does(alice, semset.get("s", 3, IPC_CREAT | IPC_EXCL | row->mode));
	does_give(alice, semset.stat("s"), expected);
	does_give(alice, semset.times("s"), "operated never, changed recently");
}

TEST_VARIANT(semset, new_set_is_described_exactly, private)
{
	actor *alice = cast("alice");

	does(alice, semset.get_private("s", 1, 0640));
	does_give(alice, semset.stat("s"), "1 of mode 640, owner me, creator me");
	does_give(alice, semset.times("s"), "operated never, changed recently");
}

TEST(semset, new_values_are_zero)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "9 9 9"));
	does(alice, semset.remove("s"));
	does(alice, semset.get("s", 3, IPC_CREAT | IPC_EXCL | 0600));
	does_give(alice, semset.values("s"), "0 0 0");
	for (int i = 0; i < 3; i++) {
		does_give(alice, semset.waiting("s", i), 0);
		does_give(alice, semset.waiting_for_zero("s", i), 0);
		does_give(alice, semset.pid("s", i), 0);
	}
}

TEST_EACH(semset, mode_can_be_changed, modes)
{
	actor *alice = cast("alice");
	char expected[80];

	snprintf(expected, sizeof(expected), "2 of mode %o, owner me, creator me",
		 (unsigned)row->mode);
	does(alice, semset.make("s", "1 2"));
	does(alice, semset.set_mode("s", row->mode));
	does_give(alice, semset.stat("s"), expected);
	does_give(alice, semset.times("s"), "operated never, changed recently");
	does_give(alice, semset.values("s"), "1 2");
}

#ifdef SEM_STAT
/* The set's status, found by its index: -1 if this platform has no such command. */
static long long find_by_index(const char *text, const long long *n)
{
	int id = (int)handle_number(text), command = (int)n[0];
	struct seminfo info = {0};
	struct semid_ds status;
	union semset_argument argument = {.info = &info};
	int last = impl->semset->semctl(0, 0, SEM_INFO, argument);
	int refused = 0;

	for (int index = 0; index <= last; index++) {
		memset(&status, 0xEE, sizeof(status));
		argument.buf = &status;
		int found = impl->semset->semctl(index, 0, command, argument);
		if (found != id) {
			refused += found < 0 && errno == EINVAL;
			continue;
		}
		must_be(status.sem_nsems, 3);
		must_be(status.sem_perm.mode, 0640);
		must_be(status.sem_perm.uid, geteuid());
		must_be(status.sem_perm.gid, getegid());
		must_be(status.sem_perm.cuid, geteuid());
		must_be(status.sem_perm.cgid, getegid());
		must_be(status.sem_otime, 0);
		return 0;
	}
	if (refused > last)
		skip("no such command of semctl");
	return -1;
}

static const struct command {
	const char *name;
	int command;
} commands[] = {{"SEM_STAT", SEM_STAT}, {"SEM_STAT_ANY", SEM_STAT_ANY}};

TEST_EACH(semset, status_is_filled_by_index, commands)
{
	actor *alice = cast("alice");

	does(alice, semset.get("s", 3, IPC_CREAT | IPC_EXCL | 0640));
	does_give(alice, call(find_by_index, "s", row->command, 0, 0), 0);
}
#endif

#ifdef IPC_INFO
static long long compare_limits(const char *text, const long long *n)
{
	struct seminfo info;
	union semset_argument argument = {.info = &info};
	FILE *file = fopen("/proc/sys/kernel/sem", "r");
	int msl, mns, opm, mni;

	(void)text;
	if (!file || fscanf(file, "%d %d %d %d", &msl, &mns, &opm, &mni) != 4)
		skip("no /proc/sys/kernel/sem");
	fclose(file);
	memset(&info, 0xEE, sizeof(info));
	must(impl->semset->semctl(0, 0, IPC_INFO, argument) >= 0);
	must_be(info.semmsl, msl);
	must_be(info.semmns, mns);
	must_be(info.semopm, opm);
	must_be(info.semmni, mni);
	must_be(info.semvmx, n[0]);
	return 0;
}

TEST(semset, limits_are_told)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "0"));
	begin(alice, semset.set_to_maximum("s", 0));
	returns(alice);
	long long maximum = outcome_of(alice)->value;
	does(alice, call(compare_limits, NULL, maximum, 0, 0));
}
#endif

#ifdef SEM_INFO
static long long look_at_usage(const char *text, const long long *n)
{
	struct seminfo info;
	union semset_argument argument = {.info = &info};

	(void)text;
	memset(&info, 0xEE, sizeof(info));
	must(impl->semset->semctl(0, 0, SEM_INFO, argument) >= 0);
	/* others may have sets as well */
	must(info.semusz >= n[0] && info.semusz <= info.semmni);
	must(info.semaem >= n[1] && info.semaem <= info.semmns);
	return 0;
}

TEST(semset, usage_is_told)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 2 3 4 5 6 7"));
	does(alice, semset.make_private("other", "1 2 3"));
	does(alice, call(look_at_usage, NULL, 2, 10, 0));
}
#endif

static const struct value {
	const char *name;
	int value;
	const char *text;
} values[] = {
	{"0", 0, "0 0"},
	{"1", 1, "1 1"},
	{"255", 255, "255 255"},
	{"256", 256, "256 256"},
	{"4660", 4660, "4660 4660"},
	{"32767", 32767, "32767 32767"},
};

TEST_EACH(semset, value_survives_the_union, values)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "7 7"));
	does(alice, semset.set("s", 1, row->value));
	does_give(alice, semset.value("s", 1), row->value);
	does_give(alice, semset.value("s", 0), 7);
	does(alice, semset.set_all("s", row->text));
	does_give(alice, semset.values("s"), row->text);
	does_give(alice, semset.value("s", 0), row->value);
}

TEST(semset, large_set_keeps_every_value)
{
	actor *alice = cast("alice");
	char text[1024];
	size_t used = 0;

	for (int i = 0; i < 200; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d", i ? " " : "",
					 i * 7 % 100);
	does(alice, semset.make("s", text));
	does_give(alice, semset.values("s"), text);
	does(alice, semset.op("s", "199+900 0+1"));
	does_give(alice, semset.value("s", 199), 199 * 7 % 100 + 900);
	does_give(alice, semset.value("s", 198), 198 * 7 % 100);
	does_fail(alice, semset.op("s", "200+1"), EFBIG);
}

/* -- keys ------------------------------------------------------------------------------------- */

static long long id_of(actor *a, op get)
{
	begin(a, get);
	succeeds(a);
	return outcome_of(a)->value;
}

TEST(semset, same_key_gives_the_same_identifier)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, semset.make("s", "1 2 3"));
	does(alice, semset.make("t", "1"));
	long long s = id_of(alice, semset.get("s", 3, 0));
	must_be(id_of(bob, semset.get("s", 3, 0)), s);
	must_be(id_of(bob, semset.get("s", 1, 0)), s);
	must_be(id_of(bob, semset.get("s", 0, 0)), s);
	must_be(id_of(bob, semset.get("s", 2, IPC_CREAT | 0600)), s);
	must(id_of(bob, semset.get("t", 1, 0)) != s);
	does(bob, semset.get("s", 0, 0));
	does_give(bob, semset.values("s"), "1 2 3");
}

TEST(semset, private_sets_are_all_different)
{
	actor *alice = cast("alice");

	long long first = id_of(alice, semset.get_private("s", 1, 0600));
	long long second = id_of(alice, semset.get_private("t", 1, 0600));
	long long third = id_of(alice, semset.get_private("u", 1, IPC_CREAT | IPC_EXCL | 0600));
	must(first != second && second != third && first != third);
	does(alice, semset.set("s", 0, 5));
	does(alice, semset.set("t", 0, 6));
	does_give(alice, semset.value("s", 0), 5);
}

TEST(semset, exclusive_creation_refuses_what_exists)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, semset.make("s", "3 4"));
	does_fail(bob, semset.get("s", 2, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	does_give(alice, semset.values("s"), "3 4");
	does(bob, semset.get("s", 2, IPC_EXCL));
	does_give(bob, semset.values("s"), "3 4");
}

enum { CREATORS = 3, ROUNDS = 30 };

static void meet(uint64_t times)
{
	shared()[0]++;
	awaits(shared(), CREATORS * times);
}

/* Each creates; one succeeds; all then agree on the identifier; one removes. */
static long long create(const char *text, const long long *n)
{
	union semset_argument nothing = {0};
	key_t key = key_of(text);
	uint64_t meetings = 0;

	for (int round = 0; round < ROUNDS; round++) {
		_Atomic(unsigned long) *winners = &shared()[1 + 2 * round], *id = winners + 1;
		int mine = impl->semset->semget(key, 1, IPC_CREAT | (int)n[0] | 0600);

		if (mine < 0)
			must_be(errno, EEXIST);
		else if (++*winners && !*id)
			*id = (uint64_t)mine + 1;
		meet(++meetings);
		must_be(*winners, n[0] ? 1 : CREATORS);
		must(mine < 0 || *id == (uint64_t)mine + 1);
		meet(++meetings);
		if (n[1])
			must_be(impl->semset->semctl((int)*id - 1, 0, IPC_RMID, nothing), 0);
		meet(++meetings);
	}
	return 0;
}

static const struct race {
	const char *name;
	int flags;
} races[] = {{"exclusive", IPC_EXCL}, {"shared", 0}};

TEST_EACH(semset, one_of_racing_creators_wins, races)
{
	actor *alice = cast("alice"), *bob = cast("bob"), *carol = cast("carol");

	does_fail(alice, semset.get("s", 1, 0), ENOENT);
	begin(alice, call(create, "s", row->flags, 1, 0));
	begin(bob, call(create, "s", row->flags, 0, 0));
	begin(carol, call(create, "s", row->flags, 0, 0));
	succeeds(alice);
	succeeds(bob);
	succeeds(carol);
}

/* -- what is refused -------------------------------------------------------------------------- */

static const struct bad_get {
	const char *name;
	int count, flags, error;
	bool exists; /* a set of two */
} bad_gets[] = {
	{"missing", 1, 0600, ENOENT, false},
	{"missing_exclusive", 1, IPC_EXCL | 0600, ENOENT, false},
	{"no_semaphore", 0, IPC_CREAT | 0600, EINVAL, false},
	{"negative", -1, IPC_CREAT | 0600, EINVAL, false},
	{"beyond_all_limits", INT_MAX, IPC_CREAT | 0600, EINVAL, false},
	{"more_than_it_has", 3, 0, EINVAL, true},
	{"more_than_it_has_creating", 3, IPC_CREAT | 0600, EINVAL, true},
};

TEST_EACH(semset, get_refuses, bad_gets)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	if (row->exists)
		does(alice, semset.make("s", "1 2"));
	does_fail(bob, semset.get("s", row->count, row->flags), row->error);
	if (row->exists)
		does_give(alice, semset.values("s"), "1 2");
	else
		does_fail(alice, semset.get("s", 0, 0), ENOENT);
}

enum { THE_SET = -2 };

static const struct bad_operation {
	const char *name;
	const char *operations;
	long long id;
	int error;
} bad_operations[] = {
	{"first_number_beyond", "2-1", THE_SET, EFBIG},
	{"greatest_number", "65535+1", THE_SET, EFBIG},
	{"zero_at_a_bad_number", "2=0", THE_SET, EFBIG},
	{"bad_number_without_waiting", "2-1n", THE_SET, EFBIG},
	{"negative_identifier", "0+1", -1, EINVAL},
	{"greatest_identifier", "0+1", INT_MAX, EINVAL},
	{"least_identifier", "0+1", INT_MIN, EINVAL},
};

TEST_EACH(semset, operate_refuses, bad_operations)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 2"));
	if (row->id == THE_SET) {
		does_fail(alice, semset.op("s", row->operations), row->error);
	} else {
		does(alice, semset.adopt("none", row->id));
		does_fail(alice, semset.op("none", row->operations), row->error);
	}
	does_give(alice, semset.values("s"), "1 2");
}

static const struct bad_control {
	const char *name;
	int number, command, value;
	long long id;
	int error;
} bad_controls[] = {
	{"GETVAL_beyond", 2, GETVAL, 0, THE_SET, EINVAL},
	{"GETVAL_negative", -1, GETVAL, 0, THE_SET, EINVAL},
	{"SETVAL_beyond", 2, SETVAL, 1, THE_SET, EINVAL},
	{"SETVAL_negative", -1, SETVAL, 1, THE_SET, EINVAL},
	{"GETPID_beyond", 2, GETPID, 0, THE_SET, EINVAL},
	{"GETNCNT_beyond", 2, GETNCNT, 0, THE_SET, EINVAL},
	{"GETZCNT_beyond", 2, GETZCNT, 0, THE_SET, EINVAL},
	{"unknown_command", 0, 9999, 0, THE_SET, EINVAL},
	{"SETVAL_minus_one", 0, SETVAL, -1, THE_SET, ERANGE},
	{"SETVAL_too_great", 0, SETVAL, INT_MAX, THE_SET, ERANGE},
	{"GETVAL_of_no_set", 0, GETVAL, 0, -1, EINVAL},
	{"SETVAL_of_no_set", 0, SETVAL, 1, -1, EINVAL},
	{"GETPID_of_no_set", 0, GETPID, 0, -1, EINVAL},
	{"GETNCNT_of_no_set", 0, GETNCNT, 0, INT_MAX, EINVAL},
	{"GETZCNT_of_no_set", 0, GETZCNT, 0, INT_MAX, EINVAL},
	{"IPC_RMID_of_no_set", 0, IPC_RMID, 0, INT_MAX, EINVAL},
};

TEST_EACH(semset, control_refuses, bad_controls)
{
	actor *alice = cast("alice");
	const char *handle = row->id == THE_SET ? "s" : "none";

	does(alice, semset.make("s", "1 2"));
	does(alice, semset.adopt("none", row->id));
	does_fail(alice, semset.control(handle, row->number, row->command, row->value), row->error);
	does_give(alice, semset.values("s"), "1 2");
}

TEST(semset, refused_values_set_none)
{
	static const char *const too_great[] = {"65535 7 8", "7 65535 8", "7 8 65535"};
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 2 3"));
	begin(alice, semset.set_to_maximum("s", 2));
	returns(alice);
	if (outcome_of(alice)->value >= USHRT_MAX)
		skip("no value is too great for SETALL");
	does(alice, semset.set("s", 2, 3));
	for (size_t i = 0; i < sizeof(too_great) / sizeof(too_great[0]); i++) {
		does_fail(alice, semset.set_all("s", too_great[i]), ERANGE);
		does_give(alice, semset.values("s"), "1 2 3");
	}
}

TEST(semset, no_operation_is_refused)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1"));
	does_fail(alice, semset.op_times("s", "0+1", 0), EINVAL);
	does_give(alice, semset.value("s", 0), 1);
}

static long long use_bad_addresses(const char *text, const long long *n)
{
	int id = (int)handle_number(text);
	union semset_argument nowhere = {.array = NULL};

	(void)n;
	must_be(impl->semset->semop(id, NULL, 1), -1);
	must_be(errno, EFAULT);
	must_be(impl->semset->semctl(id, 0, GETALL, nowhere), -1);
	must_be(errno, EFAULT);
	must_be(impl->semset->semctl(id, 0, SETALL, nowhere), -1);
	must_be(errno, EFAULT);
	return 0;
}

TEST(semset, bad_address_is_told)
{
	actor *alice = cast("alice");

	does(alice, semset.make("s", "1 2"));
	does(alice, call(use_bad_addresses, "s", 0, 0, 0));
	does_give(alice, semset.values("s"), "1 2");
}
