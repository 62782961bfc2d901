/* SPDX-License-Identifier: MIT */
/* Keys that are made of files. */
#include <stdio.h>
#include <unistd.h>

#include "../shortage.h"
#include "stage/story.h"

/* The key of a path beneath the actors' directory. */
static long long key_of_file(const char *text, const long long *n)
{
	if (!impl->semset->ftok)
		skip("no ftok");
	return impl->semset->ftok(path_of(text), (int)n[0]);
}

/* Another name for the file "f": a link "hard" or "soft". */
static long long link_to_f(const char *text, const long long *n)
{
	char other[4096], base[4096];

	snprintf(other, sizeof(other), "%s", path_of(text));
	snprintf(base, sizeof(base), "%s", path_of("f"));
	return n[0] ? symlink(base, other) : link(base, other);
}

static long long key_from(actor *a, const char *file, int id)
{
	does(a, call(key_of_file, file, id, 0, 0));
	return outcome_of(a)->value;
}

TEST(semset, one_file_has_one_key)
{
	actor *alice = cast("alice"), *stranger = cast_stranger("stranger");

	does(alice, lock.open("f", O_RDWR));
	long long key = key_from(alice, "f", 7);
	must_be(key_from(alice, "f", 7), key);
	must_be(key_from(stranger, "f", 7), key);
	does(alice, fd.close("f"));
	does(alice, call(link_to_f, "hard", false, 0, 0));
	does(alice, call(link_to_f, "soft", true, 0, 0));
	must_be(key_from(stranger, "hard", 7), key);
	must_be(key_from(stranger, "soft", 7), key);
	/* eight bits of the number count */
	must_be(key_from(alice, "f", 7 | 0x100), key);
}

TEST(semset, another_number_makes_another_key)
{
	actor *alice = cast("alice");

	does(alice, lock.open("f", O_RDWR));
	must(key_from(alice, "f", 1) != key_from(alice, "f", 2));
	must(key_from(alice, "f", 2) != key_from(alice, "f", 255));
}

TEST(semset, no_file_has_no_key)
{
	actor *alice = cast("alice");

	does_fail(alice, call(key_of_file, "none", 7, 0, 0), ENOENT);
	does(alice, lock.open("f", O_RDWR));
	does(alice, lock.unlink("f"));
	does_fail(alice, call(key_of_file, "f", 7, 0, 0), ENOENT);
}

TEST(semset, few_descriptors_make_no_half_set)
{
	actor *alice = cast("alice"), *poor = cast("poor");

	for (int room = 0;
	     lacks_descriptors(poor, room, semset.get("s", 3, IPC_CREAT | IPC_EXCL | 0600)); room++)
		does_fail(alice, semset.get("s", 3, 0), ENOENT);
	does(alice, semset.get("s", 3, 0));
	does(poor, semset.op("s", "0+1 2+1"));
	does_give(alice, semset.values("s"), "1 0 1");
}
