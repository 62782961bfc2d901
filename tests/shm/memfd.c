/* SPDX-License-Identifier: MIT */
/* Memory without a name that travels as a descriptor, and the seals on it. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "stage/story.h"

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The actor makes a sealable memfd "o" of a page. */
static void makes(actor *a)
{
	does(a, shm.memfd("o", MFD_ALLOW_SEALING));
	does(a, shm.resize("o", (long long)page()));
}

TEST(shm, a_memfd_is_new_and_empty)
{
	actor *alice = cast("alice");

	does(alice, shm.memfd("o", 0));
	does(alice, fd.write("o", "full"));
	does(alice, fd.dup("o", "old"));
	does(alice, shm.memfd("o", 0));
	does_give(alice, shm.size("o"), 0);
	does_give(alice, fd.pread("old", 10, 0), "full");
}

static const struct {
	const char *name;
	unsigned flags;
	bool stays;
} execs_of[] = {
	{"plain", 0, true},
	{"close_on_exec", MFD_CLOEXEC, false},
	{"sealable", MFD_ALLOW_SEALING, true},
};

TEST_EACH(shm, a_memfd_passes_through_exec, execs_of)
{
	actor *alice = cast("alice");

	does(alice, shm.memfd("o", row->flags));
	does_give(alice, fd.cloexec("o"), !row->stays);
	does(alice, shm.resize("o", (long long)page()));
	does(alice, shm.map("o", "m", page()));
	does(alice, shm.write("m", 0, "luggage"));
	actor *bob = forks(alice, "bob");
	execs(bob);
	does_give(bob, fd.is_open("o"), row->stays);
	if (!row->stays)
		return;
	does(bob, shm.map("o", "n", page()));
	does_give(bob, shm.read("n", 0, 7), "luggage");
	does(bob, shm.write("n", 0, "arrived"));
	does_give(alice, shm.read("m", 0, 7), "arrived");
}

TEST(shm, a_memfd_lives_while_somebody_has_it)
{
	actor *alice = cast("alice");

	makes(alice);
	does(alice, shm.map("o", "m", page()));
	actor *bob = forks(alice, "bob");
	does(alice, shm.write("m", 0, "kept"));
	dies(alice);
	does(bob, fd.close("o"));
	does_give(bob, shm.read("m", 0, 4), "kept");
}

static long long make_named(const char *text, const long long *n)
{
	(void)n;
	return impl->shm->memfd_create ? impl->shm->memfd_create(text, 0) : (errno = ENOSYS, -1);
}

TEST(shm, memfd_create_refuses_unknown_flags_and_long_names)
{
	actor *alice = cast("alice");
	char name[251] = "";

	memset(name, 'n', sizeof(name) - 2);
	does(alice, call(make_named, name, 0, 0, 0));
	name[249] = 'n';
	does_fail(alice, call(make_named, name, 0, 0, 0), EINVAL);
	does_fail(alice, shm.memfd("o", 0x800000), EINVAL);
}

TEST(shm, a_memfd_is_open_to_read_and_write)
{
	actor *alice = cast("alice");

	does(alice, shm.memfd("o", MFD_CLOEXEC));
	does_give(alice, fd.access_mode("o"), O_RDWR);
	does_give(alice, fd.write("o", "to and fro"), 10);
	does_give(alice, fd.pread("o", 10, 0), "to and fro");
}

/* What the link of the descriptor in /proc shows. */
static long long shows_name(const char *text, const long long *n)
{
	char path[64], target[64] = "", wanted[64];

	(void)n;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", handle_fd(text));
	if (readlink(path, target, sizeof(target) - 1) < 0)
		skip("%s can't be read", path);
	snprintf(wanted, sizeof(wanted), "memfd:%s", text);
	return strstr(target, wanted) != NULL;
}

TEST(shm, a_memfd_shows_its_name)
{
	actor *alice = cast("alice");

	does(alice, shm.memfd("note", 0));
	does_give(alice, call(shows_name, "note", 0, 0, 0), 1);
}

static long long allow_no_descriptor(const char *text, const long long *n)
{
	struct rlimit limit;

	(void)text;
	(void)n;
	must_be(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 0;
	return setrlimit(RLIMIT_NOFILE, &limit);
}

static long long make_nowhere_named(const char *text, const long long *n)
{
	char *nowhere = impl->shm->mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)text;
	must(nowhere != MAP_FAILED);
	return make_named(nowhere, n);
}

TEST(shm, without_a_free_descriptor_there_is_no_memfd)
{
	actor *alice = cast("alice");

	does(alice, shm.memfd("o", 0));
	long long first = outcome_of(alice)->value;
	does(alice, fd.close("o"));
	does(alice, call(allow_no_descriptor, "", 0, 0, 0));
	does_fail(alice, shm.memfd("o", 0), EMFILE);
	does(alice, fd.leave_room(1));
	does_give(alice, shm.memfd("o", 0), first);
}

TEST(shm, a_memfd_needs_a_name_that_can_be_read)
{
	actor *alice = cast("alice");

	does_fail(alice, call(make_nowhere_named, "", 0, 0, 0), EFAULT);
}

/* -- the execute bits ------------------------------------------------------------------------- */

/* The actor makes a memfd "o" with a flag that an old kernel may not know. */
static void makes_with(actor *a, unsigned flag)
{
	begin(a, shm.memfd("o", MFD_CLOEXEC | MFD_ALLOW_SEALING | flag));
	returns(a);
	if (outcome_of(a)->error == EINVAL)
		skip("memfd_create knows no flags of the execute bits here");
	if (outcome_of(a)->error == EACCES && flag == MFD_EXEC)
		skip("no memfd may be executable here (vm.memfd_noexec)");
	must_be(outcome_of(a)->error, 0);
}

static int execute_bits(actor *a)
{
	does(a, shm.mode("o"));
	return (int)outcome_of(a)->value & 0111;
}

TEST(shm, MFD_NOEXEC_SEAL_takes_execution_away)
{
	static const int more[] = {0700, 0610, 0601, 0777};
	actor *alice = cast("alice");

	makes_with(alice, MFD_NOEXEC_SEAL);
	must_be(execute_bits(alice), 0);
	does_give(alice, fd.fcntl("o", F_GET_SEALS, 0), F_SEAL_EXEC);
	does(alice, shm.change_mode("o", 0600));
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
		does_fail(alice, shm.change_mode("o", more[i]), EPERM);
		does_give(alice, shm.mode("o"), 0600);
	}
	does(alice, shm.change_mode("o", 0640));
	does_give(alice, shm.mode("o"), 0640);
	does_give(alice, fd.write("o", "data"), 4);
}

TEST(shm, MFD_EXEC_makes_an_executable_memfd)
{
	actor *alice = cast("alice");

	makes_with(alice, MFD_EXEC);
	must_be(execute_bits(alice), 0111);
	does_give(alice, fd.fcntl("o", F_GET_SEALS, 0), 0);
	does(alice, shm.change_mode("o", 0600));
	must_be(execute_bits(alice), 0);
	does(alice, shm.change_mode("o", 0711));
	must_be(execute_bits(alice), 0111);
}

/* -- seals ------------------------------------------------------------------------------------ */

enum act {
	WRITE,
	WRITE_BEYOND,
	PUNCH,
	SHRINK,
	GROW,
	ALLOCATE,
	ALLOCATE_BEYOND,
	MAP_TO_WRITE,
	MAP_TO_READ,
	MAP_PRIVATELY,
	SEAL_MORE
};

static op attempt(enum act act)
{
	int both = PROT_READ | PROT_WRITE;

	switch (act) {
	case WRITE:
		return fd.pwrite("o", "x", 0);
	case WRITE_BEYOND:
		return fd.pwrite("o", "x", (long long)page());
	case PUNCH:
		return shm.punch("o", 0, (long long)page());
	case ALLOCATE:
		return shm.allocate("o", 0, (long long)page());
	case ALLOCATE_BEYOND:
		return shm.allocate("o", 0, (long long)page() * 2);
	case SHRINK:
		return shm.resize("o", (long long)page() / 2);
	case GROW:
		return shm.resize("o", (long long)page() * 2);
	case MAP_TO_WRITE:
		return shm.map("o", "n", page());
	case MAP_TO_READ:
		return shm.map_with("o", "n", page(), PROT_READ, MAP_SHARED, 0);
	case MAP_PRIVATELY:
		return shm.map_with("o", "n", page(), both, MAP_PRIVATE, 0);
	default:
		return fd.fcntl("o", F_ADD_SEALS, F_SEAL_SHRINK);
	}
}

static const struct {
	const char *name;
	int seals;
	enum act act;
	bool is_refused;
} seals[] = {
	{"none_write", 0, WRITE, false},
	{"none_punch", 0, PUNCH, false},
	{"none_shrink", 0, SHRINK, false},
	{"none_grow", 0, GROW, false},
	{"none_allocate_beyond", 0, ALLOCATE_BEYOND, false},
	{"none_map_to_write", 0, MAP_TO_WRITE, false},
	{"none_seal_more", 0, SEAL_MORE, false},
	{"shrink_write", F_SEAL_SHRINK, WRITE, false},
	{"shrink_punch", F_SEAL_SHRINK, PUNCH, false},
	{"shrink_shrink", F_SEAL_SHRINK, SHRINK, true},
	{"shrink_grow", F_SEAL_SHRINK, GROW, false},
	{"grow_write", F_SEAL_GROW, WRITE, false},
	{"grow_write_beyond", F_SEAL_GROW, WRITE_BEYOND, true},
	{"grow_punch", F_SEAL_GROW, PUNCH, false},
	{"grow_allocate", F_SEAL_GROW, ALLOCATE, false},
	{"grow_allocate_beyond", F_SEAL_GROW, ALLOCATE_BEYOND, true},
	{"grow_shrink", F_SEAL_GROW, SHRINK, false},
	{"grow_grow", F_SEAL_GROW, GROW, true},
	{"write_write", F_SEAL_WRITE, WRITE, true},
	{"write_punch", F_SEAL_WRITE, PUNCH, true},
	{"write_allocate_beyond", F_SEAL_WRITE, ALLOCATE_BEYOND, false},
	{"write_map_to_write", F_SEAL_WRITE, MAP_TO_WRITE, true},
	{"write_map_privately", F_SEAL_WRITE, MAP_PRIVATELY, false},
	{"write_shrink", F_SEAL_WRITE, SHRINK, false},
	{"future_write", F_SEAL_FUTURE_WRITE, WRITE, true},
	{"future_write_punch", F_SEAL_FUTURE_WRITE, PUNCH, true},
	{"future_write_map_to_write", F_SEAL_FUTURE_WRITE, MAP_TO_WRITE, true},
	{"future_write_map_to_read", F_SEAL_FUTURE_WRITE, MAP_TO_READ, false},
	{"seal_write", F_SEAL_SEAL, WRITE, false},
	{"seal_grow", F_SEAL_SEAL, GROW, false},
	{"seal_seal_more", F_SEAL_SEAL, SEAL_MORE, true},
};

/* Adds seals, which an old kernel may not know. */
static void seals_it(actor *a, int which)
{
	begin(a, fd.fcntl("o", F_ADD_SEALS, which));
	returns(a);
	if (outcome_of(a)->error == EINVAL && which == F_SEAL_FUTURE_WRITE)
		skip("F_SEAL_FUTURE_WRITE is not known here");
	must_be(outcome_of(a)->error, 0);
}

TEST_EACH(shm, a_seal_forbids_one_thing, seals)
{
	actor *alice = cast("alice");

	makes(alice);
	does(alice, fd.pwrite("o", "content", 0));
	seals_it(alice, row->seals);
	if (row->is_refused) {
		does_fail(alice, attempt(row->act), EPERM);
		does_give(alice, shm.size("o"), (long long)page());
		does_give(alice, fd.pread("o", 7, 0), "content");
		does_give(alice, fd.fcntl("o", F_GET_SEALS, 0), row->seals);
	} else {
		does(alice, attempt(row->act));
	}
}

TEST(shm, a_memfd_is_not_sealable_unless_asked_for)
{
	actor *alice = cast("alice");

	does(alice, shm.memfd("o", 0));
	does_give(alice, fd.fcntl("o", F_GET_SEALS, 0), F_SEAL_SEAL);
	does_fail(alice, fd.fcntl("o", F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	does_give(alice, fd.write("o", "free"), 4);
}

TEST(shm, seals_are_added_and_never_lost)
{
	actor *alice = cast("alice");

	makes(alice);
	actor *bob = forks(alice, "bob");
	does_give(alice, fd.fcntl("o", F_GET_SEALS, 0), 0);
	does(bob, fd.fcntl("o", F_ADD_SEALS, F_SEAL_GROW));
	does_give(alice, fd.fcntl("o", F_GET_SEALS, 0), F_SEAL_GROW);
	does(alice, fd.fcntl("o", F_ADD_SEALS, F_SEAL_SHRINK));
	does(alice, fd.fcntl("o", F_ADD_SEALS, F_SEAL_SHRINK));
	does_give(bob, fd.fcntl("o", F_GET_SEALS, 0), F_SEAL_GROW | F_SEAL_SHRINK);
	dies(bob);
	does_fail(alice, shm.resize("o", 1), EPERM);
	does_fail(alice, shm.resize("o", 3 * (long long)page()), EPERM);
}

/* The same memory through /proc, as a descriptor that may only read. */
static long long reopen_to_read(const char *text, const long long *n)
{
	char path[64];

	(void)n;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", handle_fd(text));
	int again = impl->shm->open(path, O_RDONLY, 0);
	if (again < 0)
		skip("%s can't be opened", path);
	set_handle("r", again, NULL);
	return 0;
}

TEST(shm, only_who_may_write_adds_seals)
{
	actor *alice = cast("alice");

	makes(alice);
	does(alice, call(reopen_to_read, "o", 0, 0, 0));
	does_fail(alice, fd.fcntl("r", F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	does_give(alice, fd.fcntl("r", F_GET_SEALS, 0), 0);
	does(alice, fd.fcntl("o", F_ADD_SEALS, F_SEAL_WRITE));
	does_give(alice, fd.fcntl("r", F_GET_SEALS, 0), F_SEAL_WRITE);
}

TEST(shm, unknown_seals_are_invalid)
{
	actor *alice = cast("alice");

	makes(alice);
	does_fail(alice, fd.fcntl("o", F_ADD_SEALS, 0x10000), EINVAL);
	does_give(alice, fd.fcntl("o", F_GET_SEALS, 0), 0);
}

TEST(shm, a_pipe_has_no_seals)
{
	actor *alice = cast("alice");

	does(alice, pipes.make("p"));
	does_fail(alice, fd.fcntl("p:w", F_GET_SEALS, 0), EINVAL);
	does_fail(alice, fd.fcntl("p:w", F_ADD_SEALS, F_SEAL_WRITE), EINVAL);
}

TEST(shm, future_writes_are_sealed_but_not_present_ones)
{
	actor *alice = cast("alice");

	makes(alice);
	does(alice, shm.map("o", "m", page()));
	actor *bob = forks(alice, "bob");
	seals_it(alice, F_SEAL_FUTURE_WRITE);
	does(alice, shm.write("m", 0, "by the old map"));
	does_fail(bob, fd.pwrite("o", "x", 0), EPERM);
	does(bob, shm.map_with("o", "n", page(), PROT_READ, MAP_SHARED, 0));
	does_give(bob, shm.read("n", 0, 14), "by the old map");
	does_fail(bob, shm.protect("n", 0, page(), PROT_READ | PROT_WRITE), EACCES);
}

static const struct {
	const char *name;
	int sharing, seals;
	bool is_refused;
} mapped[] = {
	{"shared_write", MAP_SHARED, F_SEAL_WRITE, true},
	{"shared_write_and_more", MAP_SHARED, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SEAL, true},
	{"shared_others", MAP_SHARED, F_SEAL_GROW | F_SEAL_SHRINK, false},
	{"private_write", MAP_PRIVATE, F_SEAL_WRITE, false},
};

TEST_EACH(shm, writing_is_sealed_when_nobody_has_it_mapped, mapped)
{
	actor *alice = cast("alice");
	int both = PROT_READ | PROT_WRITE;

	makes(alice);
	actor *bob = forks(alice, "bob");
	does(bob, shm.map_with("o", "m", page(), both, row->sharing, 0));
	if (row->is_refused)
		does_fail(alice, fd.fcntl("o", F_ADD_SEALS, row->seals), EBUSY);
	else
		does(alice, fd.fcntl("o", F_ADD_SEALS, row->seals));
	does_give(alice, fd.fcntl("o", F_GET_SEALS, 0), row->is_refused ? 0 : row->seals);
	does(bob, shm.store("m", 0, 0x07070707));
	does(alice, fd.pread("o", 1, 0));
	must_be(outcome_of(alice)->bytes[0], row->sharing == MAP_SHARED ? 7 : 0);
	does(bob, shm.unmap("m", 0, page()));
	if (row->is_refused)
		does(alice, fd.fcntl("o", F_ADD_SEALS, row->seals));
}

static const struct {
	const char *name;
	enum { UNMAP, EXIT, KILL, EXEC } end;
} ends[] = {{"munmap", UNMAP}, {"exit", EXIT}, {"kill", KILL}, {"exec", EXEC}};

/* The seal on writing asks whether anybody, anywhere, has the memory mapped to write. */
TEST_EACH(shm, no_mapping_is_left_after, ends)
{
	actor *alice = cast("alice"), *bob;

	makes(alice);
	bob = forks(alice, "bob");
	does(bob, shm.map("o", "m", page()));
	does(bob, shm.store("m", 0, 7));
	does_fail(alice, fd.fcntl("o", F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	does_give(alice, fd.fcntl("o", F_GET_SEALS, 0), 0);
	if (row->end == UNMAP)
		does(bob, shm.unmap("m", 0, page()));
	else if (row->end == EXIT)
		exits(bob, 0);
	else if (row->end == KILL)
		dies(bob);
	else
		execs(bob);
	does(alice, fd.fcntl("o", F_ADD_SEALS, F_SEAL_WRITE));
	does(alice, shm.map_with("o", "p", page(), PROT_READ, MAP_PRIVATE, 0));
	does_give(alice, shm.load("p", 0), 7);
}
