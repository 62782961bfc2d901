/* SPDX-License-Identifier: MIT */
/* Keys that files stand for: ftok. */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stage/story.h"

static long long key_of_the_file(actor *a, const char *file, int id)
{
	does(a, msg.key(file, id));
	return outcome_of(a)->value;
}

static long long names_it_otherwise(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	if (link(path_of("f"), path_of("hard")) < 0 || symlink(path_of("f"), path_of("soft")) < 0)
		skip("links can't be made here");
	return 0;
}

TEST(msg, one_file_gives_one_key)
{
	actor *alice = cast("alice"), *stranger = cast_stranger("stranger");

	does(alice, fifo.make("f"));
	long long key = key_of_the_file(alice, "f", 'q');
	does_give(alice, msg.key("f", 'q'), key);
	does_give(stranger, msg.key("f", 'q'), key);
	does(alice, call(names_it_otherwise, NULL, 0, 0, 0));
	does_give(alice, msg.key("hard", 'q'), key);
	does_give(alice, msg.key("soft", 'q'), key);
}

static long long all_ids_differ(const char *text, const long long *n)
{
	key_t keys[256];

	(void)n;
	for (int id = 1; id < 256; id++) {
		keys[id] = impl->msg->ftok(path_of(text), id);
		must(keys[id] != (key_t)-1);
		for (int other = 1; other < id; other++)
			must(keys[other] != keys[id]);
	}
	return 0;
}

TEST(msg, ids_give_different_keys)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	key_of_the_file(a, "f", 1);
	does(a, call(all_ids_differ, "f", 0, 0, 0));
}

TEST(msg, eight_bits_of_the_id_count)
{
	actor *a = cast("alice");

	does(a, fifo.make("f"));
	long long key = key_of_the_file(a, "f", 'q');
	does_give(a, msg.key("f", 0x100 + 'q'), key);
	does_give(a, msg.key("f", 0x7E5A5A00 + 'q'), key);
}

/* A key is shorter than what tells files apart, so that two may agree by chance; four don't. */
TEST(msg, files_give_different_keys)
{
	actor *a = cast("alice");
	const char *const files[] = {"e", "f", "g", "h"};
	int others = 0;

	for (int i = 0; i < 4; i++)
		does(a, fifo.make(files[i]));
	long long first = key_of_the_file(a, files[0], 'q');
	for (int i = 1; i < 4; i++)
		others += key_of_the_file(a, files[i], 'q') != first;
	must(others > 0);
}

enum { MISSING, EMPTY, NO_DIRECTORY, LOOP, TOO_LONG, LOCKED };

static const struct no_file {
	const char *name;
	int what, error;
} no_files[] = {
	{"missing", MISSING, ENOENT},
	{"empty", EMPTY, ENOENT},
	{"through_a_file", NO_DIRECTORY, ENOTDIR},
	{"loop", LOOP, ELOOP},
	{"too_long", TOO_LONG, ENAMETOOLONG},
	{"through_a_locked_directory", LOCKED, EACCES},
};

/* Makes what is in the way, and says how the path goes on from there. */
static const char *obstacle(int what)
{
	static char longer[600];

	switch (what) {
	case NO_DIRECTORY:
		return "/below";
	case LOOP:
		must_be(symlink(path_of("f"), path_of("f")), 0);
		return "";
	case TOO_LONG:
		memset(longer, 'n', sizeof(longer) - 1);
		return longer;
	case LOCKED:
		must_be(mkdir(path_of("f"), 0), 0);
		return "/below";
	default:
		return "";
	}
}

static long long asks_for_a_key(const char *text, const long long *n)
{
	char path[1024];

	(void)text;
	strcpy(path, path_of("f"));
	strcat(path, obstacle((int)n[0]));
	long long key = impl->msg->ftok(n[0] == EMPTY ? "" : path, 'q');
	int error = errno;
	if (n[0] == LOCKED)
		rmdir(path_of("f"));
	errno = error;
	return key;
}

TEST_EACH(msg, no_file_gives_no_key, no_files)
{
	actor *a = cast("alice");

	does(a, fifo.make("probe"));
	key_of_the_file(a, "probe", 'q');
	if (row->what == NO_DIRECTORY)
		does(a, fifo.make("f"));
	if (row->what == LOCKED && geteuid() == 0)
		skip("nothing is locked for root");
	does_fail(a, call(asks_for_a_key, NULL, row->what, 0, 0), row->error);
}
