/* SPDX-License-Identifier: MIT */
#include "fault/campaign/transfer.h"

static long long waiting_at(actor *alice, const char *from)
{
	begin(alice, fd.readable_bytes(from));
	succeeds(alice);
	return outcome_of(alice)->value;
}

void writes_long(actor *alice, actor *victim, const char *to, const char *from)
{
	suffers(victim, fd.write_pattern(to, 0, LONG));
	long long count = waiting_at(alice, from);

	if (ending() == SUCCEEDED)
		must_be(count, outcome_of(victim)->value);
	must(ending() == REFUSED ? count == 0 : count <= LONG);
	if (count)
		does_give(alice, fd.read_pattern(from, 0, count), count);
	/* the rest of it follows */
	if (ending() == SUCCEEDED && count < LONG) {
		does_give(victim, fd.write_pattern(to, count, LONG - count), LONG - count);
		does_give(alice, fd.read_pattern(from, count, LONG - count), LONG - count);
	}
}

void reads_long(actor *alice, actor *victim, const char *to, const char *from)
{
	does_give(alice, fd.write_pattern(to, 0, LONG), LONG);
	suffers(victim, fd.read_pattern(from, 0, LONG));
	long long left = waiting_at(alice, from);

	if (ending() == SUCCEEDED)
		must_be(left + outcome_of(victim)->value, LONG);
	must(ending() == REFUSED ? left == LONG : left <= LONG);
	if (left)
		does_give(alice, fd.read_pattern(from, LONG - left, left), left);
}
