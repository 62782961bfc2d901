/* SPDX-License-Identifier: MIT */
/* Named semaphores and users: who may open, use and unlink them. */
#include <sys/stat.h>
#include <unistd.h>

#include "stage/story.h"

enum { NOBODY = 65534 };

TEST(sem, permissions_are_kept)
{
	actor *owner = cast("owner"), *anybody = cast("anybody");

	does(owner, sem.open_with("s", O_CREAT | O_EXCL, 0, 1));
	renounces(anybody);
	does_fail(anybody, sem.open("s"), EACCES);
	does_fail(anybody, sem.open_with("s", O_CREAT, 0666, 1), EACCES);
	does_give(owner, sem.value("s"), 1);
}

static long long set_umask(const char *text, const long long *n)
{
	(void)text;
	umask((mode_t)n[0]);
	return 0;
}

struct cut {
	const char *name;
	int umask, mode, error;
};

static const struct cut cuts[] = {
	{"all", 0777, 0666, EACCES},
	{"none", 0, 0666, 0},
};

TEST_EACH(sem, mode_is_cut_by_the_umask, cuts)
{
	actor *owner = cast("owner"), *anybody = cast("anybody");

	does(owner, call(set_umask, NULL, row->umask, 0, 0));
	does(owner, sem.open_with("s", O_CREAT | O_EXCL, row->mode, 1));
	renounces(anybody);
	if (row->error)
		does_fail(anybody, sem.open("s"), row->error);
	else
		does(anybody, sem.open("s"));
}

TEST(sem, only_the_owner_unlinks_a_name)
{
	actor *owner = cast("owner"), *other = cast("other"), *stranger = cast_stranger("stranger");

	does(owner, sem.open_with("s", O_CREAT | O_EXCL, 0600, 1));
	becomes_user(other, NOBODY, NOBODY);
	does_fail(other, sem.unlink("s"), EACCES);
	does(stranger, sem.open("s"));
	does(owner, sem.unlink("s"));
	does_fail(stranger, sem.open("s"), ENOENT);
}

TEST(sem, opened_one_serves_another_user)
{
	actor *owner = cast("owner"), *other = cast("other");

	does(owner, sem.open_with("s", O_CREAT | O_EXCL, 0600, 0));
	does(other, sem.open("s"));
	becomes_user(other, NOBODY, NOBODY);
	begin(other, sem.wait("s"));
	blocks(other);
	does(owner, sem.post("s"));
	succeeds(other);
	does(other, sem.post("s"));
	does_give(owner, sem.value("s"), 1);
	does(other, sem.close("s"));
	does_fail(other, sem.open("s"), EACCES);
}
