/* SPDX-License-Identifier: MIT */
/* Keys of System V, made of a file and a number. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "stage/story.h"

enum { NEW = O_RDWR | O_CREAT | O_EXCL };

/* Makes another name, which leads to the file: a link (n[0]), or a symbolic one. */
static long long name_it(const char *text, const long long *n)
{
	char path[64];

	snprintf(path, sizeof(path), "%s", path_of("f"));
	int made = n[0] ? link(path, path_of(text)) : symlink(path, path_of(text));
	if (made < 0)
		skip("no links can be made here");
	return 0;
}

static const struct {
	const char *name;
	bool is_hard;
} names[] = {{"link", true}, {"symbolic_link", false}};

TEST_EACH(shm, all_names_of_a_file_give_one_key, names)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	does(alice, shm.open_file("f", NEW));
	does(alice, shm.key("f", 'k'));
	long long key = outcome_of(alice)->value;
	does_give(alice, shm.key("f", 'k'), key);
	does(alice, call(name_it, "g", row->is_hard, 0, 0));
	does_give(alice, shm.key("g", 'k'), key);
	does_give(bob, shm.key("f", 'k'), key);
}

TEST(shm, another_id_gives_another_key)
{
	actor *alice = cast("alice");
	long long keys[5];

	does(alice, shm.open_file("f", NEW));
	for (int i = 0; i < 5; i++) {
		does(alice, shm.key("f", i < 4 ? 1 << (2 * i) : 0xFE));
		keys[i] = outcome_of(alice)->value;
		for (int j = 0; j < i; j++)
			must(keys[i] != keys[j]);
	}
}

TEST(shm, eight_bits_of_the_id_count)
{
	actor *alice = cast("alice");

	does(alice, shm.open_file("f", NEW));
	does(alice, shm.key("f", 0x41));
	long long key = outcome_of(alice)->value;
	does_give(alice, shm.key("f", 0x141), key);
	does_give(alice, shm.key("f", 0x7FFFFF41), key);
}

TEST_VARIANT(shm, all_names_of_a_file_give_one_key, when_it_has_changed)
{
	actor *alice = cast("alice");

	does(alice, shm.open_file("f", NEW));
	does(alice, shm.key("f", 'k'));
	long long key = outcome_of(alice)->value;
	does(alice, fd.write("f", "grown"));
	does(alice, shm.change_mode("f", 0400));
	does_give(alice, shm.key("f", 'k'), key);
}

/* Paths that lead to nothing: the file "f", what follows it, and what came of that. */
static const struct {
	const char *name, *path;
	int error;
} nowheres[] = {
	{"missing", "nowhere", ENOENT},	  {"empty", "", ENOENT},
	{"below_a_file", "f/x", ENOTDIR}, {"name_too_long", "long", ENAMETOOLONG},
	{"loop", "loop", ELOOP},
};

static long long key_of_nowhere(const char *text, const long long *n)
{
	char path[NAME_MAX + 8];

	(void)n;
	if (strcmp(text, "long") == 0) {
		memset(path, 'n', NAME_MAX + 1);
		path[NAME_MAX + 1] = '\0';
	} else if (strcmp(text, "f/x") == 0) {
		snprintf(path, sizeof(path), "%s/x", path_of("f"));
	} else {
		snprintf(path, sizeof(path), "%s", *text ? path_of(text) : "");
	}
	if (strcmp(text, "loop") == 0 && symlink(path, path) < 0)
		skip("no symbolic links can be made here");
	return (long long)impl->shm->ftok(path, 'k');
}

TEST_EACH(shm, ftok_refuses_what_leads_to_no_file, nowheres)
{
	actor *alice = cast("alice");

	does(alice, shm.open_file("f", NEW));
	does_fail(alice, call(key_of_nowhere, row->path, 0, 0, 0), row->error);
}
