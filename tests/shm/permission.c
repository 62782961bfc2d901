/* SPDX-License-Identifier: MIT */
/* Who may do what with whose shared memory. */
#include <sched.h>
#include <time.h>

#include "stage/story.h"

enum { NEW = IPC_CREAT | IPC_EXCL, NOBODY = 65534 };

/* An actor that has no more rights than any user. */
static actor *cast_user(const char *name)
{
	actor *a = cast(name);

	renounces(a);
	return a;
}

static void require_root(void)
{
	if (geteuid() != 0)
		skip("two users are needed, and only root can be both");
}

/* -- one's own segments ----------------------------------------------------------------------- */

static const struct {
	const char *name;
	int mode, flags;
	bool may_attach;
} attaches[] = {
	{"0600_to_write", 0600, 0, true},	   {"0600_to_read", 0600, SHM_RDONLY, true},
	{"0400_to_write", 0400, 0, false},	   {"0400_to_read", 0400, SHM_RDONLY, true},
	{"0200_to_write", 0200, 0, false},	   {"0200_to_read", 0200, SHM_RDONLY, false},
	{"0000_to_read", 0000, SHM_RDONLY, false}, {"0066_to_write", 0066, 0, false},
	{"0044_to_read", 0044, SHM_RDONLY, false},
};

TEST_EACH(shm, attaching_needs_the_permission, attaches)
{
	actor *alice = cast_user("alice");

	does(alice, shm.get("s", 100, NEW | row->mode));
	if (row->may_attach)
		does(alice, shm.attach("s", "m", row->flags));
	else
		does_fail(alice, shm.attach("s", "m", row->flags), EACCES);
	if (row->mode & 0400)
		does_give(alice, shm.nattch("s"), row->may_attach);
}

TEST(shm, asking_needs_read_permission)
{
	actor *alice = cast_user("alice");

	does(alice, shm.get("s", 100, NEW | 0200));
	does_fail(alice, shm.stat("s"), EACCES);
	does(alice, shm.remove("s"));
}

static const struct {
	const char *name;
	int has, wants;
} gets[] = {
	{"0400_for_0600", 0400, 0600},
	{"0200_for_0400", 0200, 0400},
	{"0000_for_0200", 0000, 0200},
};

TEST_EACH(shm, getting_more_than_allowed_is_refused, gets)
{
	actor *alice = cast_user("alice");

	does(alice, shm.get("s", 100, NEW | row->has));
	long long id = outcome_of(alice)->value;
	does_fail(alice, shm.get("s", 0, row->wants), EACCES);
	does_give(alice, shm.get("s", 0, row->has), id);
	does_give(alice, shm.get("s", 0, 0), id);
}

TEST(shm, permission_is_asked_for_when_attaching)
{
	actor *alice = cast_user("alice");

	does(alice, shm.get("s", 100, NEW | 0600));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.stat("s"));
	outcome is = *outcome_of(alice);
	does(alice, shm.set("s", is.n[SEGMENT_UID], is.n[SEGMENT_GID], 0400));
	does(alice, shm.write("m", 0, "attached before"));
	does_fail(alice, shm.attach("s", "n", 0), EACCES);
	does(alice, shm.attach("s", "n", SHM_RDONLY));
	does_give(alice, shm.read("n", 0, 15), "attached before");
}

/* -- IPC_SET ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	int mode, becomes;
} settings[] = {{"0640", 0640, 0640}, {"0777", 0777, 0777}, {"only_nine_bits", 07420, 0420}};

TEST_EACH(shm, IPC_SET_sets_the_mode_and_nothing_else, settings)
{
	actor *alice = cast("alice");
	time_t before = time(NULL);

	does(alice, shm.get("s", 100, NEW | 0600));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.stat("s"));
	outcome was = *outcome_of(alice);
	does(alice, shm.set("s", was.n[SEGMENT_UID], was.n[SEGMENT_GID], row->mode));
	does(alice, shm.stat("s"));
	const long long *is = outcome_of(alice)->n;
	must_be(is[SEGMENT_MODE], row->becomes);
	must(is[SEGMENT_CTIME] >= (long long)before - 1);
	for (int i = SEGMENT_SIZE; i < SEGMENT_CTIME; i++)
		if (i != SEGMENT_MODE)
			must_be(is[i], was.n[i]);
}

TEST(shm, IPC_SET_gives_a_segment_away)
{
	actor *alice = cast("alice");

	require_root();
	does(alice, shm.get("s", 100, NEW | 0600));
	actor *bob = cast_user("bob");
	does(bob, shm.get("s", 0, 0));
	does_fail(bob, shm.attach("s", "m", 0), EACCES);
	does(alice, shm.stat("s"));
	outcome was = *outcome_of(alice);
	does(alice, shm.set("s", NOBODY, NOBODY, 0600));
	does(bob, shm.attach("s", "m", 0));
	does(bob, shm.stat("s"));
	must_be(outcome_of(bob)->n[SEGMENT_UID], NOBODY);
	must_be(outcome_of(bob)->n[SEGMENT_GID], NOBODY);
	must_be(outcome_of(bob)->n[SEGMENT_CUID], was.n[SEGMENT_CUID]);
	must_be(outcome_of(bob)->n[SEGMENT_CGID], was.n[SEGMENT_CGID]);
	does(bob, shm.set("s", NOBODY, NOBODY, 0640));
	does_give(bob, shm.field("s", SEGMENT_MODE), 0640);
	does(bob, shm.remove("s"));
}

/* -- other users' segments -------------------------------------------------------------------- */

static const struct {
	const char *name;
	int mode, flags;
	bool may_attach;
} strangers[] = {
	{"0600_to_write", 0600, 0, false},	   {"0600_to_read", 0600, SHM_RDONLY, false},
	{"0604_to_write", 0604, 0, false},	   {"0604_to_read", 0604, SHM_RDONLY, true},
	{"0606_to_write", 0606, 0, true},	   {"0602_to_write", 0602, 0, false},
	{"0660_to_read", 0660, SHM_RDONLY, false},
};

TEST_EACH(shm, others_have_the_last_three_bits, strangers)
{
	actor *alice = cast("alice");

	require_root();
	does(alice, shm.get("s", 100, NEW | row->mode));
	does(alice, shm.attach("s", "a", 0));
	does(alice, shm.write("a", 0, "alice's"));
	actor *bob = cast_user("bob");
	does(bob, shm.get("s", 0, 0));
	if (row->may_attach) {
		does(bob, shm.attach("s", "m", row->flags));
		does_give(bob, shm.read("m", 0, 7), "alice's");
	} else {
		does_fail(bob, shm.attach("s", "m", row->flags), EACCES);
	}
	does_give(alice, shm.nattch("s"), 1 + row->may_attach);
}

static const struct {
	const char *name;
	int mode, flags;
	bool may_attach;
} members[] = {
	{"0640_to_read", 0640, SHM_RDONLY, true},  {"0640_to_write", 0640, 0, false},
	{"0660_to_write", 0660, 0, true},	   {"0620_to_read", 0620, SHM_RDONLY, false},
	{"0604_to_read", 0604, SHM_RDONLY, false}, {"0606_to_write", 0606, 0, false},
};

TEST_EACH(shm, the_group_has_the_middle_three_bits, members)
{
	actor *alice = cast("alice");

	require_root();
	does(alice, shm.get("s", 100, NEW | 0600));
	does(alice, shm.field("s", SEGMENT_UID));
	does(alice, shm.set("s", outcome_of(alice)->value, NOBODY, row->mode));
	actor *bob = cast_user("bob");
	does(bob, shm.get("s", 0, 0));
	if (row->may_attach)
		does(bob, shm.attach("s", "m", row->flags));
	else
		does_fail(bob, shm.attach("s", "m", row->flags), EACCES);
	does_give(alice, shm.nattch("s"), row->may_attach);
}

TEST(shm, only_the_owner_locks_a_segment)
{
	actor *alice = cast("alice");

	require_root();
	does(alice, shm.get("s", 100, NEW | 0666));
	actor *bob = cast_user("bob");
	does(bob, shm.get("s", 0, 0));
	does_fail(bob, shm.control("s", SHM_LOCK), EPERM);
	does_give(alice, shm.field("s", SEGMENT_MODE), 0666);
	begin(alice, shm.control("s", SHM_LOCK));
	returns(alice);
	if (outcome_of(alice)->error)
		skip("no memory may be locked here");
	does_fail(bob, shm.control("s", SHM_UNLOCK), EPERM);
	does_give(alice, shm.field("s", SEGMENT_MODE), SHM_LOCKED | 0666);
}

static long long rule_a_namespace(const char *text, const long long *n)
{
	(void)text;
	(void)n;
#ifdef CLONE_NEWIPC
	if (unshare(CLONE_NEWUSER | CLONE_NEWIPC) == 0)
		return 0;
#endif
	skip("no namespace of one's own to be had here");
}

TEST(shm, the_privileged_are_asked_for_no_permission)
{
	actor *alice = cast("alice");

	does(alice, call(rule_a_namespace, "", 0, 0, 0));
	does(alice, shm.get("s", 100, NEW | 0));
	does(alice, shm.get("s", 0, 0600));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "by right"));
	does_give(alice, shm.field("s", SEGMENT_MODE), 0);
}

TEST(shm, SHM_EXEC_needs_the_permission)
{
	actor *alice = cast_user("alice");

	does(alice, shm.get("s", 100, NEW | 0600));
	does_fail(alice, shm.attach("s", "m", SHM_EXEC), EACCES);
	does_fail(alice, shm.attach("s", "m", SHM_EXEC | SHM_RDONLY), EACCES);
	does_give(alice, shm.nattch("s"), 0);
	does(alice, shm.get("t", 100, NEW | 0700));
	does(alice, shm.attach("t", "n", SHM_EXEC));
	does(alice, shm.write("n", 0, "code"));
	does_give(alice, shm.read("n", 0, 4), "code");
}

TEST(shm, only_the_owner_removes_a_segment)
{
	actor *alice = cast("alice");

	require_root();
	does(alice, shm.get("s", 100, NEW | 0666));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.write("m", 0, "mine"));
	actor *bob = cast_user("bob");
	does(bob, shm.get("s", 0, 0));
	does_fail(bob, shm.remove("s"), EPERM);
	does_give(alice, shm.field("s", SEGMENT_MODE), 0666);
	does(bob, shm.get("s", 0, 0));
	does_give(alice, shm.read("m", 0, 4), "mine");
	does(alice, shm.remove("s"));
	does_fail(bob, shm.get("s", 0, 0), ENOENT);
}

TEST(shm, only_the_owner_changes_a_segment)
{
	actor *alice = cast("alice");

	require_root();
	does(alice, shm.get("s", 100, NEW | 0666));
	does(alice, shm.stat("s"));
	outcome was = *outcome_of(alice);
	actor *bob = cast_user("bob");
	does(bob, shm.get("s", 0, 0));
	does_fail(bob, shm.set("s", NOBODY, NOBODY, 0777), EPERM);
	does(bob, shm.stat("s"));
	for (int i = SEGMENT_SIZE; i <= SEGMENT_CTIME; i++)
		must_be(outcome_of(bob)->n[i], was.n[i]);
}

TEST(shm, the_creator_stays_powerful)
{
	require_root();
	actor *alice = cast_user("alice"), *root = cast("root");

	does(alice, shm.get("s", 100, NEW | 0600));
	does(root, shm.get("s", 0, 0));
	does(root, shm.set("s", 1, 1, 0600));
	does_give(alice, shm.field("s", SEGMENT_UID), 1);
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.remove("s"));
}

/* -- objects ---------------------------------------------------------------------------------- */

/* The user makes an object, if the system lets users do so at all. */
static void makes_object(actor *a, const char *name, int mode)
{
	begin(a, shm.open_mode(name, O_RDWR | O_CREAT | O_EXCL, mode));
	returns(a);
	if (outcome_of(a)->error == EACCES)
		skip("only root may make objects here");
	must_be(outcome_of(a)->error, 0);
}

static const struct {
	const char *name;
	int mode, flags;
	bool may_open;
} opens[] = {
	{"0600_to_write", 0600, O_RDWR, true},
	{"0400_to_write", 0400, O_RDWR, false},
	{"0400_to_read", 0400, O_RDONLY, true},
	{"0200_to_read", 0200, O_RDONLY, false},
	{"0200_to_write", 0200, O_RDWR, false},
	{"0000_to_read", 0000, O_RDONLY, false},
	{"0400_to_truncate", 0400, O_RDWR | O_TRUNC, false},
};

TEST_EACH(shm, opening_needs_the_permission, opens)
{
	actor *alice = cast_user("alice");

	makes_object(alice, "o:first", row->mode);
	does(alice, shm.resize("o:first", 100));
	if (row->may_open)
		does(alice, shm.open("o", row->flags));
	else
		does_fail(alice, shm.open("o", row->flags), EACCES);
	does_give(alice, shm.size("o:first"), 100);
}

TEST(shm, the_creating_descriptor_may_write_whatever_the_mode)
{
	actor *alice = cast_user("alice");

	makes_object(alice, "o", 0);
	does(alice, shm.resize("o", 100));
	does(alice, shm.map("o", "m", 100));
	does(alice, shm.write("m", 0, "it is mine"));
	does_fail(alice, shm.open("o:again", O_RDONLY), EACCES);
}

static const struct {
	const char *name;
	int mode, flags;
	bool may_open;
} foreign_opens[] = {
	{"0600_to_read", 0600, O_RDONLY, false},
	{"0604_to_read", 0604, O_RDONLY, true},
	{"0604_to_write", 0604, O_RDWR, false},
	{"0660_to_read", 0660, O_RDONLY, false},
};

TEST_EACH(shm, others_open_what_the_mode_allows, foreign_opens)
{
	actor *alice = cast("alice");

	require_root();
	does(alice, shm.open_mode("o", O_RDWR | O_CREAT | O_EXCL, row->mode));
	actor *bob = cast_user("bob");
	if (row->may_open)
		does(bob, shm.open("o", row->flags));
	else
		does_fail(bob, shm.open("o", row->flags), EACCES);
}

TEST(shm, only_the_owner_unlinks_an_object)
{
	actor *alice = cast("alice");

	require_root();
	does(alice, shm.open_mode("o", O_RDWR | O_CREAT | O_EXCL, 0644));
	actor *bob = cast_user("bob");
	does_fail(bob, shm.unlink("o"), EACCES);
	does(bob, shm.open("o", O_RDONLY));
	does(alice, shm.unlink("o"));
	does_fail(bob, shm.open("o", O_RDONLY), ENOENT);
}

TEST(shm, an_open_object_stays_open_when_its_mode_changes)
{
	actor *alice = cast_user("alice");

	makes_object(alice, "o", 0600);
	does(alice, shm.resize("o", 100));
	does(alice, shm.map("o", "m", 100));
	does(alice, shm.change_mode("o", 0400));
	does_give(alice, shm.mode("o"), 0400);
	does_fail(alice, shm.open("o:again", O_RDWR), EACCES);
	does(alice, shm.open("o:read", O_RDONLY));
	does(alice, shm.write("m", 0, "still mine"));
	does(alice, shm.resize("o", 200));
	does(alice, shm.map("o", "n", 200));
	does(alice, shm.store("n", 100, 7));
	does_give(alice, shm.size("o:read"), 200);
}

TEST(shm, an_object_can_be_given_away)
{
	actor *alice = cast("alice");

	require_root();
	does(alice, shm.open("o", O_RDWR | O_CREAT | O_EXCL));
	actor *bob = cast_user("bob");
	does_fail(bob, shm.open("o", O_RDWR), EACCES);
	does(alice, shm.change_owner("o", NOBODY, NOBODY));
	does_give(alice, shm.owner("o"), NOBODY);
	does(bob, shm.open("o", O_RDWR));
	does(bob, shm.resize("o", 100));
	does(bob, shm.change_mode("o", 0640));
	does_give(alice, shm.mode("o"), 0640);
	does(bob, shm.unlink("o"));
}

TEST(shm, only_the_owner_changes_an_objects_mode)
{
	actor *alice = cast("alice");

	require_root();
	does(alice, shm.open("o", O_RDWR | O_CREAT | O_EXCL));
	does(alice, shm.change_mode("o", 0666));
	actor *bob = cast_user("bob");
	does(bob, shm.open("o", O_RDWR));
	does_fail(bob, shm.change_mode("o", 0777), EPERM);
	does_give(alice, shm.mode("o"), 0666);
}
