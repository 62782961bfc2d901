/* SPDX-License-Identifier: MIT */
/* What writers and a reader of whole records see at once is what one queue can have done. */
#include "../records.h"

enum { WRITERS = 3 };

static const struct choice {
	const char *name;
	int flags; /* of the reading end */
} choices[] = {{"waiting", 0}, {"trying", O_NONBLOCK}};

TEST_EACH(pipe, what_happens_at_once_is_as_one_after_the_other, choices)
{
	long long count = operations_of(2 * WRITERS, FEW);
	struct player players[WRITERS + 1];

	begin_history(WRITERS + 1, WRITERS * count);
	actor *alice = cast("alice");
	does(alice, pipes.make("p"));
	does(alice, fd.set_flags("p:r", row->flags));
	players[WRITERS] = PLAYER(forks(alice, "reader"), read_records, "p:r");
	players[WRITERS].share = WRITERS;
	for (unsigned i = 0; i < WRITERS; i++)
		players[i] = PLAYER(forks(alice, "writer"), write_records, "p:w");
	play(players, WRITERS + 1, count);
	must_be_of(MODEL_QUEUE, 0);
}
