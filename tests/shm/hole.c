/* SPDX-License-Identifier: MIT */
/* Holes in memory: what was stored there is gone, and nothing else. */
#include "stage/story.h"

enum { NEW = O_RDWR | O_CREAT | O_EXCL };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* Where the hole begins and ends: so many pages, and so many bytes more, from the start. */
static const struct {
	const char *name;
	bool is_memfd;
	int from_page, from_byte, to_page, to_byte;
} holes[] = {
	{"a_page", true, 1, 0, 2, 0},
	{"pages", true, 0, 0, 2, 0},
	{"part_of_a_page", true, 1, 100, 1, 200},
	{"across_pages", true, 0, 100, 2, 50},
	{"to_the_end", true, 2, 1, 3, 0},
	{"beyond_the_end", true, 2, 0, 5, 0},
	{"a_page_of_an_object", false, 1, 0, 2, 0},
	{"across_pages_of_an_object", false, 0, 100, 2, 50},
};

/* Every byte of the handle's n[0] is told from a hole. */
static long long fill(const char *text, const long long *n)
{
	unsigned char *bytes = handle_pointer(text);

	for (long long i = 0; i < n[0]; i++)
		bytes[i] = 0xAB;
	return 0;
}

/* How many of the handle's n[0] bytes are not what fill and a hole from n[1] to n[2] make them. */
static long long wrong_bytes(const char *text, const long long *n)
{
	const unsigned char *bytes = handle_pointer(text);
	long long wrong = 0;

	for (long long i = 0; i < n[0]; i++)
		wrong += bytes[i] != (i >= n[1] && i < n[2] ? 0 : 0xAB);
	return wrong;
}

TEST_EACH(shm, a_punched_hole_is_zero_and_takes_no_size, holes)
{
	long long one = (long long)page(), size = 3 * one;
	long long from = row->from_page * one + row->from_byte;
	long long to = row->to_page * one + row->to_byte;
	actor *alice = cast("alice");

	does(alice, row->is_memfd ? shm.memfd("o", 0) : shm.open("o", NEW));
	does(alice, shm.resize("o", size));
	does(alice, shm.map("o", "m", (size_t)size));
	does(alice, call(fill, "m", size, 0, 0));
	actor *bob = forks(alice, "bob");
	begin(bob, shm.punch("o", from, to - from));
	returns(bob);
	if (outcome_of(bob)->error == EOPNOTSUPP)
		skip("no holes can be punched into memory here");
	must_be(outcome_of(bob)->error, 0);
	does_give(alice, shm.size("o"), size);
	does_give(alice, call(wrong_bytes, "m", size, from, to), 0);
	does_give(bob, call(wrong_bytes, "m", size, from, to), 0);
	does(alice, shm.store("m", from / 4 * 4, 7));
	does_give(bob, shm.load("m", from / 4 * 4), 7);
}
