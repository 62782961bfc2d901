/* SPDX-License-Identifier: MIT */
/* What IPC_STAT tells of a segment, after each operation. */
#include <string.h>
#include <time.h>

#include "stage/story.h"

enum { NEW = IPC_CREAT | IPC_EXCL | 0600 };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* -- what IPC_STAT says ----------------------------------------------------------------------- */

static const struct {
	const char *name;
	int mode;
} modes[] = {{"0600", 0600}, {"0640", 0640}, {"0444", 0444}, {"0777", 0777}, {"0421", 0421}};

TEST_EACH(shm, a_new_segment_has_the_mode_asked_for, modes)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, IPC_CREAT | IPC_EXCL | row->mode));
	does_give(alice, shm.field("s", SEGMENT_MODE), row->mode);
}

TEST(shm, mode_is_not_cut_by_the_umask)
{
	actor *alice = cast("alice");

	/* an actor's umask is 022 */
	does(alice, shm.get("s", 100, IPC_CREAT | IPC_EXCL | 0666));
	does_give(alice, shm.field("s", SEGMENT_MODE), 0666);
}

static const struct {
	const char *name;
	size_t size;
} sizes[] = {{"1", 1}, {"4095", 4095}, {"4096", 4096}, {"65537", 65537}, {"1000001", 1000001}};

TEST_EACH(shm, the_size_told_is_the_size_asked_for, sizes)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", row->size, NEW));
	does_give(alice, shm.field("s", SEGMENT_SIZE), (long long)row->size);
	does(alice, shm.attach("s", "m", 0));
	does_give(alice, shm.is_zero("m", 0, row->size), 1);
	does(alice, shm.write("m", (long long)row->size - 1, "."));
	does_give(alice, shm.read("m", (long long)row->size - 1, 1), ".");
}

TEST(shm, memory_comes_in_whole_pages)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 1, NEW));
	does(alice, shm.attach("s", "m", 0));
	actor *bob = forks(alice, "bob");
	does_give(alice, shm.is_zero("m", 0, page()), 1);
	does(alice, shm.write("m", (long long)page() - 4, "tail"));
	does_give(bob, shm.read("m", (long long)page() - 4, 4), "tail");
}

static long long my_ids(const char *text, const long long *n)
{
	(void)text;
	return n[0] ? (long long)getegid() : (long long)geteuid();
}

static const struct {
	const char *name;
	enum segment_field field;
	enum { ZERO, MY_PID, MY_UID, MY_GID, NOW } expected;
} births[] = {
	{"nattch", SEGMENT_NATTCH, ZERO}, {"lpid", SEGMENT_LPID, ZERO},
	{"atime", SEGMENT_ATIME, ZERO},	  {"dtime", SEGMENT_DTIME, ZERO},
	{"cpid", SEGMENT_CPID, MY_PID},	  {"uid", SEGMENT_UID, MY_UID},
	{"cuid", SEGMENT_CUID, MY_UID},	  {"gid", SEGMENT_GID, MY_GID},
	{"cgid", SEGMENT_CGID, MY_GID},	  {"ctime", SEGMENT_CTIME, NOW},
};

/* Seconds of the system's clock, which others may read a tick later: around now. */
static void is_about(long long seconds, time_t before)
{
	must(seconds >= (long long)before - 1);
	must(seconds <= (long long)time(NULL) + 1);
}

TEST_EACH(shm, a_new_segment_says_who_made_it_and_when, births)
{
	actor *alice = cast("alice");
	time_t before = time(NULL);

	does(alice, shm.get("s", 100, NEW));
	does(alice, call(my_ids, "", row->expected == MY_GID, 0, 0));
	long long id = outcome_of(alice)->value;
	does(alice, shm.field("s", (int)row->field));
	long long value = outcome_of(alice)->value;
	if (row->expected == NOW)
		is_about(value, before);
	else if (row->expected == MY_PID)
		must_be(value, pid_of(alice));
	else
		must_be(value, row->expected == ZERO ? 0 : id);
}

TEST(shm, attaching_is_told)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	time_t before = time(NULL);

	does(alice, shm.get("s", 100, NEW));
	does(bob, shm.get("s", 100, 0));
	does(bob, shm.attach("s", "m", 0));
	does(alice, shm.stat("s"));
	must_be(outcome_of(alice)->n[SEGMENT_NATTCH], 1);
	must_be(outcome_of(alice)->n[SEGMENT_LPID], pid_of(bob));
	must_be(outcome_of(alice)->n[SEGMENT_CPID], pid_of(alice));
	must_be(outcome_of(alice)->n[SEGMENT_DTIME], 0);
	is_about(outcome_of(alice)->n[SEGMENT_ATIME], before);
	does(alice, shm.attach("s", "m", 0));
	does_give(bob, shm.field("s", SEGMENT_LPID), pid_of(alice));
	does_give(bob, shm.nattch("s"), 2);
}

TEST(shm, detaching_is_told)
{
	actor *alice = cast("alice"), *bob = cast("bob");
	time_t before = time(NULL);

	does(alice, shm.get("s", 100, NEW));
	does(bob, shm.get("s", 100, 0));
	does(bob, shm.attach("s", "m", 0));
	does(alice, shm.attach("s", "m", 0));
	does(bob, shm.detach("m"));
	does(alice, shm.stat("s"));
	must_be(outcome_of(alice)->n[SEGMENT_NATTCH], 1);
	must_be(outcome_of(alice)->n[SEGMENT_LPID], pid_of(bob));
	is_about(outcome_of(alice)->n[SEGMENT_DTIME], before);
}

TEST(shm, asking_changes_nothing)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.stat("s"));
	outcome first = *outcome_of(alice);
	does(alice, shm.get("s", 50, 0));
	does(alice, shm.stat("s"));
	for (int i = SEGMENT_SIZE; i <= SEGMENT_CTIME; i++)
		must_be(outcome_of(alice)->n[i], first.n[i]);
}

TEST(shm, failed_attach_is_not_counted)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.detach("m"));
	does(alice, shm.stat("s"));
	outcome first = *outcome_of(alice);
	does_fail(alice, shm.attach_at("s", "m", 1, 0), EINVAL);
	does_fail(alice, shm.detach("m"), EINVAL);
	does(alice, shm.stat("s"));
	for (int i = SEGMENT_SIZE; i <= SEGMENT_CTIME; i++)
		must_be(outcome_of(alice)->n[i], first.n[i]);
}

/* -- each operation, each field --------------------------------------------------------------- */

static void nothing(actor *a, actor *b)
{
	(void)b;
	does(a, shm.stat("s"));
}

static void gets_again(actor *a, actor *b)
{
	(void)a;
	does(b, shm.get("s", 50, IPC_CREAT | 0600));
}

static void attaches(actor *a, actor *b)
{
	(void)a;
	does(b, shm.attach("s", "n", 0));
}

static void attaches_to_read(actor *a, actor *b)
{
	(void)a;
	does(b, shm.attach("s", "n", SHM_RDONLY));
}

static void is_refused_an_attach(actor *a, actor *b)
{
	(void)a;
	does_fail(b, shm.attach_at("s", "m", 1, 0), EINVAL);
}

static void detaches(actor *a, actor *b)
{
	(void)a;
	does(b, shm.detach("m"));
}

static void is_refused_a_detach(actor *a, actor *b)
{
	(void)a;
	does_fail(b, shm.detach_at("m", (long long)page()), EINVAL);
}

static void changes_the_mode(actor *a, actor *b)
{
	does(a, shm.stat("s"));
	outcome is = *outcome_of(a);
	does(b, shm.set("s", is.n[SEGMENT_UID], is.n[SEGMENT_GID], 0640));
}

static void removes(actor *a, actor *b)
{
	(void)a;
	does(b, shm.remove("s"));
}

static void stores(actor *a, actor *b)
{
	(void)a;
	does(b, shm.write("m", 0, "stored"));
}

static void forks_a_child(actor *a, actor *b)
{
	(void)a;
	forks(b, "child");
}

static void dies_attached(actor *a, actor *b)
{
	(void)a;
	dies(b);
}

static void asks_for_an_unknown_thing(actor *a, actor *b)
{
	(void)a;
	does_fail(b, shm.control("s", 0x5EED), EINVAL);
}

#define F(field) (1 << SEGMENT_##field)
enum { ATTACHING = F(NATTCH) | F(LPID) | F(ATIME), DETACHING = F(NATTCH) | F(LPID) | F(DTIME) };

static const struct {
	const char *name;
	void (*act)(actor *a, actor *b);
	int may_change; /* a set of fields */
	int attached;	/* more than before */
} acts[] = {
	{"stat", nothing, 0, 0},
	{"get", gets_again, 0, 0},
	{"attach", attaches, ATTACHING, 1},
	{"attach_read_only", attaches_to_read, ATTACHING, 1},
	{"refused_attach", is_refused_an_attach, 0, 0},
	{"detach", detaches, DETACHING, -1},
	{"refused_detach", is_refused_a_detach, 0, 0},
	{"set", changes_the_mode, F(MODE) | F(CTIME), 0},
	{"remove", removes, F(MODE) | F(CTIME), 0},
	{"unknown_command", asks_for_an_unknown_thing, 0, 0},
	{"store", stores, 0, 0},
	/* whether a child's attach is one that lpid and the times tell of is left open */
	{"fork", forks_a_child, ATTACHING, 1},
	{"death", dies_attached, DETACHING, -1},
};

TEST_EACH(shm, each_operation_changes_its_fields_alone, acts)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.attach("s", "m", 0));
	actor *bob = forks(alice, "bob");
	does(alice, shm.stat("s"));
	outcome was = *outcome_of(alice);
	row->act(alice, bob);
	does(alice, shm.stat("s"));
	const long long *is = outcome_of(alice)->n;
	for (int i = SEGMENT_SIZE; i <= SEGMENT_CTIME; i++)
		if (!(row->may_change & 1 << i))
			must_be(is[i], was.n[i]);
	must_be(is[SEGMENT_NATTCH], was.n[SEGMENT_NATTCH] + row->attached);
	if (row->may_change == ATTACHING && row->act != forks_a_child)
		must_be(is[SEGMENT_LPID], pid_of(bob));
}

/* -- the key ---------------------------------------------------------------------------------- */

/* The key that IPC_STAT tells. */
static long long key_told(const char *text, const long long *n)
{
	struct shmid_ds data;

	(void)n;
	memset(&data, 0xEE, sizeof(data));
	if (impl->shm->shmctl((int)handle_number(text), IPC_STAT, &data) < 0)
		return -1;
	/* -1 would be taken for a failure */
	return (long long)(uint32_t)data.shm_perm.__key;
}

TEST(shm, a_segment_tells_its_key)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does_give(alice, call(key_told, "s", 0, 0, 0), (uint32_t)key_of("s"));
	does(alice, shm.make_private("t", 100, 0600));
	does_give(alice, call(key_told, "t", 0, 0, 0), (uint32_t)IPC_PRIVATE);
}

/* -- addresses of nothing --------------------------------------------------------------------- */

static const struct {
	const char *name;
	int command;
} commands[] = {{"IPC_STAT", IPC_STAT},
		{"IPC_SET", IPC_SET},
		{"IPC_INFO", IPC_INFO},
		{"SHM_INFO", SHM_INFO}};

static long long control_at_nowhere(const char *text, const long long *n)
{
	/* a page that may not be touched: an address out of all bounds would stop at a sanitizer */
	void *nowhere = impl->shm->mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(nowhere != MAP_FAILED);
	return impl->shm->shmctl((int)handle_number(text), (int)n[0], nowhere);
}

TEST_EACH(shm, a_bad_address_for_the_answer_is_refused, commands)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", 100, NEW));
	does(alice, shm.stat("s"));
	outcome was = *outcome_of(alice);
	does_fail(alice, call(control_at_nowhere, "s", row->command, 0, 0), EFAULT);
	does(alice, shm.stat("s"));
	for (int i = SEGMENT_SIZE; i <= SEGMENT_CTIME; i++)
		must_be(outcome_of(alice)->n[i], was.n[i]);
}
