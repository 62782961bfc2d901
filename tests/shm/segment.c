/* SPDX-License-Identifier: MIT */
/* Segments of System V: getting, attaching, detaching. */
#include "../shortage.h"
#include "stage/story.h"

enum { NEW = IPC_CREAT | IPC_EXCL | 0600 };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* -- shmget ----------------------------------------------------------------------------------- */

TEST(shm, a_key_names_one_segment)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	does(alice, shm.get("s", 100, NEW));
	long long id = outcome_of(alice)->value;
	does_give(bob, shm.get("s", 100, 0), id);
	does_give(bob, shm.get("s", 100, IPC_CREAT | 0600), id);
	does(bob, shm.get("t", 100, NEW));
	must(outcome_of(bob)->value != id);
}

TEST(shm, a_private_segment_is_always_new)
{
	actor *alice = cast("alice");

	does(alice, shm.make_private("s", 100, 0600));
	long long id = outcome_of(alice)->value;
	does(alice, shm.make_private("t", 100, 0600));
	must(outcome_of(alice)->value != id);
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.attach("t", "n", 0));
	does(alice, shm.write("m", 0, "mine"));
	does_give(alice, shm.is_zero("n", 0, 100), 1);
}

static long long get_private(const char *text, const long long *n)
{
	int id = impl->shm->shmget(IPC_PRIVATE, 100, (int)n[0]);

	if (id >= 0) {
		keep_private(PRIVATE_SEGMENT, id);
		set_handle(text, id, NULL);
	}
	return id;
}

static const struct {
	const char *name;
	int flags;
} private_flags[] = {{"plain", 0600}, {"exclusive", IPC_EXCL | 0600}};

TEST_EACH(shm, a_private_segment_needs_no_IPC_CREAT, private_flags)
{
	actor *alice = cast("alice");

	does(alice, call(get_private, "s", row->flags, 0, 0));
	does(alice, call(get_private, "t", row->flags, 0, 0));
	does_give(alice, shm.field("s", SEGMENT_SIZE), 100);
	does_give(alice, shm.field("t", SEGMENT_MODE), 0600);
}

TEST(shm, existing_segment_is_got_by_any_smaller_size)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 1000, NEW));
	long long id = outcome_of(alice)->value;
	does_give(alice, shm.get("s", 1000, 0), id);
	does_give(alice, shm.get("s", 1, 0), id);
	does_give(alice, shm.get("s", 0, 0), id);
	does_give(alice, shm.field("s", SEGMENT_SIZE), 1000);
}

static const struct {
	const char *name;
	bool exists;
	size_t size;
	int flags;
	int error;
} refusals[] = {
	{"exclusive_but_there", true, 100, NEW, EEXIST},
	{"exclusive_but_there_and_smaller", true, 1, NEW, EEXIST},
	{"not_there", false, 100, 0600, ENOENT},
	{"exclusive_without_create", false, 100, IPC_EXCL | 0600, ENOENT},
	{"larger_than_the_existing", true, 101, 0, EINVAL},
	{"larger_than_the_existing_with_create", true, 101, IPC_CREAT | 0600, EINVAL},
	{"larger_by_pages", true, 1 << 24, 0, EINVAL},
	{"new_of_no_byte", false, 0, NEW, EINVAL},
};

TEST_EACH(shm, shmget_refuses_what_it_cannot_get, refusals)
{
	actor *alice = cast("alice");

	if (row->exists)
		does(alice, shm.get("s", 100, NEW));
	does_fail(alice, shm.get("s", row->size, row->flags), row->error);
	if (!row->exists)
		does_fail(alice, shm.get("s", 0, 0), ENOENT);
	else
		does_give(alice, shm.field("s", SEGMENT_SIZE), 100);
}

TEST(shm, create_alone_gets_the_existing)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	long long id = outcome_of(alice)->value;
	does_give(alice, shm.get("s", 100, IPC_CREAT | 0666), id);
	does_give(alice, shm.field("s", SEGMENT_MODE), 0600);
	does_give(alice, shm.get("s", 100, IPC_EXCL), id);
}

/* Comes back with whether it has made the segment. */
static long long race_to_create(const char *text, const long long *n)
{
	shared()[0]++;
	while (shared()[0] < (uint64_t)n[0])
		continue;
	int id = impl->shm->shmget(key_of(text), 100, NEW);
	must(id >= 0 || errno == EEXIST);
	return id >= 0;
}

TEST(shm, one_of_many_creates_a_segment)
{
	actor *racers[4];
	long long winners = 0;

	for (int i = 0; i < 4; i++)
		racers[i] = cast("racer");
	for (int i = 0; i < 4; i++)
		begin(racers[i], call(race_to_create, "s", 4, 0, 0));
	for (int i = 0; i < 4; i++) {
		succeeds(racers[i]);
		winners += outcome_of(racers[i])->value;
	}
	must_be(winners, 1);
}

/* -- shmat ------------------------------------------------------------------------------------ */

TEST(shm, each_attach_is_an_address_of_its_own)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	long long first = outcome_of(alice)->value;
	does(alice, shm.attach("s", "n", 0));
	must(outcome_of(alice)->value != first);
	does_give(alice, shm.nattch("s"), 2);
	does(alice, shm.detach("m"));
	does_give(alice, shm.nattch("s"), 1);
	does(alice, shm.write("n", 0, "still"));
	does_give(alice, shm.read("n", 0, 5), "still");
}

/* Free room is at "m" from now on; how far from there the next multiple of SHMLBA is. */
static long long finds_room(actor *a)
{
	does(a, shm.map_anonymous("m", 4 * (size_t)SHMLBA, MAP_PRIVATE));
	long long address = outcome_of(a)->n[0];
	does(a, shm.unmap("m", 0, 4 * (size_t)SHMLBA));
	return (long long)SHMLBA - address % (long long)SHMLBA;
}

TEST(shm, a_chosen_address_is_taken)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	long long offset = finds_room(alice);
	does(alice, shm.attach_at("s", "m", offset, 0));
	long long address = outcome_of(alice)->value;
	must_be(outcome_of(alice)->n[0] % (long long)SHMLBA, 0);
	does(alice, shm.write("m", 0, "here"));
	does(alice, shm.detach("m"));
	does_give(alice, shm.attach_at("s", "m", 0, 0), address);
	does_give(alice, shm.read("m", 0, 4), "here");
}

TEST(shm, SHM_RND_rounds_the_address_down)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	long long offset = finds_room(alice);
	does(alice, shm.attach_at("s", "m", offset + 1, SHM_RND));
	long long address = outcome_of(alice)->value;
	must_be(outcome_of(alice)->n[0] % (long long)SHMLBA, 0);
	does(alice, shm.detach("m"));
	does_give(alice, shm.attach_at("s", "m", (long long)SHMLBA - 1, SHM_RND), address);
	does(alice, shm.detach("m"));
	does_give(alice, shm.attach_at("s", "m", 0, SHM_RND), address);
}

static const struct {
	const char *name;
	int flags;
	long long address; /* a small one; 0: the segment's last address and 1 */
} bad_addresses[] = {
	{"between_pages", 0, 0},
	{"remap_of_nowhere", SHM_REMAP, -1},
	{"remap_rounded_to_nowhere", SHM_REMAP | SHM_RND, 1},
};

TEST_EACH(shm, shmat_refuses_an_impossible_address, bad_addresses)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	long long address = outcome_of(alice)->value;
	does(alice, shm.detach("m"));
	long long wanted = row->address == 0 ? address + 1 : row->address < 0 ? 0 : row->address;
	does_fail(alice, shm.attach_at("s", "m", wanted - address, row->flags), EINVAL);
	does_give(alice, shm.nattch("s"), 0);
}

TEST(shm, an_address_in_use_is_refused)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", page(), NEW));
	does(alice, shm.get("t", page(), NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "in use"));
	does_fail(alice, shm.attach_at("t", "m", 0, 0), EINVAL);
	does_give(alice, shm.read("m", 0, 6), "in use");
	does_give(alice, shm.nattch("t"), 0);
}

TEST(shm, SHM_REMAP_replaces_what_is_mapped)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", page(), NEW));
	does(alice, shm.get("t", page(), NEW));
	does(alice, shm.attach("s", "m", 0));
	long long address = outcome_of(alice)->value;
	does(alice, shm.write("m", 0, "old"));
	does_give(alice, shm.attach_at("t", "m", 0, SHM_REMAP), address);
	does_give(alice, shm.is_zero("m", 0, page()), 1);
	does_give(alice, shm.nattch("s"), 0);
	does_give(alice, shm.nattch("t"), 1);
}

/* Those beside it stay, whichever was attached first. */
TEST_VARIANT(shm, SHM_REMAP_replaces_what_is_mapped, among_others)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", page(), NEW));
	does(alice, shm.get("t", page(), NEW));
	does(alice, shm.attach("s", "before", 0));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.attach("s", "after", 0));
	does(alice, shm.attach_at("t", "m", 0, SHM_REMAP));
	does_give(alice, shm.nattch("s"), 2);
	does_give(alice, shm.nattch("t"), 1);
	does(alice, shm.detach("before"));
	does(alice, shm.detach("m"));
	does(alice, shm.detach("after"));
	does_give(alice, shm.nattch("s"), 0);
	does_give(alice, shm.nattch("t"), 0);
}

static const struct {
	const char *name;
	long long id;
} bad_ids[] = {{"minus_one", -1}, {"lowest", INT32_MIN}, {"highest", INT32_MAX}};

TEST_EACH(shm, an_identifier_of_nothing_is_invalid, bad_ids)
{
	actor *alice = cast("alice");

	does(alice, shm.pretend("s", row->id));
	does_fail(alice, shm.attach("s", "m", 0), EINVAL);
	does_fail(alice, shm.stat("s"), EINVAL);
	does_fail(alice, shm.set("s", 0, 0, 0600), EINVAL);
	does_fail(alice, shm.remove("s"), EINVAL);
}

TEST(shm, an_unknown_command_is_invalid)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does_fail(alice, shm.control("s", 0x5EED), EINVAL);
	does_give(alice, shm.nattch("s"), 0);
}

TEST(shm, read_only_attach_reads)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.attach("s", "r", SHM_RDONLY));
	does(alice, shm.write("m", 0, "read this"));
	does_give(alice, shm.read("r", 0, 9), "read this");
	does_give(alice, shm.nattch("s"), 2);
}

TEST(shm, read_only_attach_kills_who_writes)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.store("m", 0, 7));
	does(bob, shm.get("s", 100, 0));
	does(bob, shm.attach("s", "m", SHM_RDONLY));
	begin(bob, shm.store("m", 0, 8));
	is_killed_by(bob, SIGSEGV);
	does_give(alice, shm.load("m", 0), 7);
	does_give(alice, shm.nattch("s"), 1);
}

/* -- shmdt ------------------------------------------------------------------------------------ */

TEST(shm, detached_memory_is_out_of_reach)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	actor *bob = forks(alice, "bob");
	does(bob, shm.detach("m"));
	begin(bob, shm.load("m", 0));
	is_killed_by(bob, SIGSEGV);
	does_give(alice, shm.is_zero("m", 0, 100), 1);
}

TEST(shm, content_survives_the_last_detach)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "kept"));
	does(alice, shm.detach("m"));
	does_give(alice, shm.nattch("s"), 0);
	does(alice, shm.attach("s", "m", 0));
	does_give(alice, shm.read("m", 0, 4), "kept");
}

static const struct {
	const char *name;
	enum { TWICE, WITHIN, BEFORE, UNALIGNED } where;
} bad_detaches[] = {
	{"detached_already", TWICE},
	{"second_page", WITHIN},
	{"page_before", BEFORE},
	{"between_pages", UNALIGNED},
};

TEST_EACH(shm, shmdt_refuses_what_is_not_attached_there, bad_detaches)
{
	static const char *const known[] = {"m", "n"};
	actor *alice = cast("alice");
	long long offsets[] = {0, (long long)page(), -(long long)page(), 1};

	does(alice, shm.get("s", 2 * page(), NEW));
	does(alice, shm.attach("s", "n", 0));
	does(alice, shm.attach("s", "m", 0));
	if (row->where == BEFORE) /* it may be n's last page, but is nothing's first */
		does(alice, shm.detach("n"));
	if (row->where == TWICE)
		does(alice, shm.detach("m"));
	does(alice, shm.nattch("s"));
	long long attached = outcome_of(alice)->value;
	does_fail(alice, shm.detach_at("m", offsets[row->where]), EINVAL);
	does_give(alice, shm.nattch("s"), attached);
	does(alice, shm.detach(known[row->where == TWICE]));
}

TEST(shm, shmdt_refuses_other_mappings)
{
	actor *alice = cast("alice");

	does(alice, shm.map_anonymous("m", page(), MAP_SHARED));
	does(alice, shm.write("m", 0, "mapped"));
	does_fail(alice, shm.detach("m"), EINVAL);
	does_give(alice, shm.read("m", 0, 6), "mapped");
}

/* -- few descriptors -------------------------------------------------------------------------- */

TEST(shm, few_descriptors_make_no_half_segment)
{
	actor *alice = cast("alice"), *poor = cast("poor");

	for (int room = 0; lacks_descriptors(poor, room, shm.get("s", 100, NEW)); room++)
		does_fail(alice, shm.get("s", 100, 0), ENOENT);
	does(alice, shm.get("s", 100, 0));
	does_give(alice, shm.nattch("s"), 0);
}

TEST(shm, few_descriptors_attach_nobody_by_half)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, IPC_CREAT | IPC_EXCL | 0600));
	actor *poor = forks(alice, "poor");
	for (int room = 0; lacks_descriptors(poor, room, shm.attach("s", "m", 0)); room++)
		does_give(alice, shm.nattch("s"), 0);
	does_give(alice, shm.nattch("s"), 1);
	does(poor, shm.write("m", 0, "hello"));
	does(alice, shm.attach("s", "n", 0));
	does_give(alice, shm.read("n", 0, 5), "hello");
}
