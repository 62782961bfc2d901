/* SPDX-License-Identifier: MIT */
/* Other users: who may open a FIFO, and who has it open already. */
#include <stdio.h>

#include "stage/story.h"

/* From now on in a directory that anybody may search, as root made it. */
static long long enter(const char *text, const long long *n)
{
	(void)n;
	if (geteuid() != 0)
		skip("only root can become another user");
	mkdir(path_of(text), 0755);
	return chdir(path_of(text));
}

enum { USER_BASE = 1720000000 };

/* A user nobody else is. */
static void becomes_another(actor *a)
{
	uid_t user = (uid_t)(USER_BASE + pid_of(a));

	becomes_user(a, user, user);
}

static const struct permission {
	const char *name;
	int mode, flags, error;
} permissions[] = {
	{"0600-reading", 0600, O_RDONLY, EACCES},
	{"0600-writing", 0600, O_WRONLY, EACCES},
	{"0644-writing", 0644, O_WRONLY | O_NONBLOCK, EACCES},
	{"0622-reading", 0622, O_RDONLY | O_NONBLOCK, EACCES},
	{"0644-reading", 0644, O_RDONLY | O_NONBLOCK, 0},
	{"0622-writing", 0622, O_WRONLY | O_NONBLOCK, ENXIO},
};

TEST_EACH(fifo, permissions_are_checked, permissions)
{
	actor *owner = cast("owner"), *other = cast("other");

	does(owner, call(enter, "d", 0, 0, 0));
	does(other, call(enter, "d", 0, 0, 0));
	does(owner, fifo.make("f"));
	does(owner, fifo.chmod("f", row->mode));
	becomes_another(other);
	if (row->error) {
		does_fail(other, fifo.open("f", row->flags), row->error);
		begin(owner, fifo.open("f", O_WRONLY));
		blocks(owner);
		return;
	}
	does(other, fifo.open("f", row->flags));
	does(owner, fifo.open("f", O_WRONLY));
	does(owner, fd.write("f", "to another user"));
	does_give(other, fd.read("f", 100), "to another user");
}

/* The FIFO exists, and the two have it open. */
static void meet(actor *reader, actor *writer)
{
	does(reader, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	does(writer, fifo.open("f", O_WRONLY));
	succeeds(reader);
}

TEST(fifo, change_of_mode_leaves_open_ends)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	meet(reader, writer);
	does(reader, fifo.chmod("f", 0));
	does(writer, fd.write("f", "still"));
	does_give(reader, fd.read("f", 10), "still");
	does_give(reader, fifo.mode("f"), S_IFIFO);
}

TEST(fifo, unwritable_directory_is_refused)
{
	actor *a = cast("alice");

	does(a, call(enter, "d", 0, 0, 0));
	does(a, fifo.make("mine"));
	becomes_another(a);
	does_fail(a, fifo.make("theirs"), EACCES);
	does_fail(a, fifo.unlink("mine"), EACCES);
}

TEST(fifo, change_of_user_leaves_open_ends)
{
	actor *reader = cast("reader"), *writer = cast("writer");

	does(reader, call(enter, "d", 0, 0, 0));
	does(writer, call(enter, "d", 0, 0, 0));
	meet(reader, writer);
	becomes_another(reader);
	becomes_another(writer);
	does_fail(writer, fifo.open("f:2", O_WRONLY | O_NONBLOCK), EACCES);
	does(writer, fd.write("f", "still"));
	does_give(reader, fd.read("f", 10), "still");
	does(writer, fd.close("f"));
	does_give(reader, fd.read("f", 10), 0);
}

/* The FIFO's owner is the user, its group the user's second or nobody's; nothing but the bits
 * counts. */
static const struct class
{
	const char *name;
	bool owns, belongs;
	int mode, error;
} classes[] = {
	{"owner-without", true, true, 0077, EACCES},	{"owner-with", true, false, 0400, 0},
	{"group-without", false, true, 0707, EACCES},	{"group-with", false, true, 0040, 0},
	{"others-without", false, false, 0770, EACCES}, {"others-with", false, false, 0004, 0},
};

/* n: owns, belongs, mode.  The FIFO is made by root and given away. */
static long long give_away(const char *text, const long long *n)
{
	uid_t user = (uid_t)(USER_BASE + impl->sig->getpid());
	const char *path = path_of(text);

	must_be(impl->fifo->mkfifo(path, 0600), 0);
	if (chown(path, n[0] ? user : user + 1, n[1] ? user : user + 1) < 0)
		skip("there's no other user here");
	return impl->fifo->chmod(path, (mode_t)n[2]);
}

TEST_EACH(fifo, each_class_has_its_own_permission, classes)
{
	actor *a = cast("alice");

	does(a, call(enter, "d", 0, 0, 0));
	does(a, call(give_away, "f", row->owns, row->belongs, row->mode));
	becomes_another(a);
	if (row->error)
		does_fail(a, fifo.open("f", O_RDONLY | O_NONBLOCK), row->error);
	else
		does(a, fifo.open("f", O_RDONLY | O_NONBLOCK));
}
