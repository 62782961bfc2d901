/* SPDX-License-Identifier: MIT */
/* What those who know a FIFO by its name write and read at once is what one queue can have done. */
#include "../records.h"

enum { WRITERS = 3 };

TEST(fifo, what_happens_at_once_is_as_one_after_the_other)
{
	long long count = operations_of(2 * WRITERS, FEW);
	struct player players[WRITERS + 1];

	begin_history(WRITERS + 1, WRITERS * count);
	actor *reader = cast("reader");
	does(reader, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	for (unsigned i = 0; i < WRITERS; i++) {
		actor *writer = cast("writer");

		does(writer, fifo.open("f", O_WRONLY));
		players[i] = PLAYER(writer, write_records, "f");
	}
	succeeds(reader);
	players[WRITERS] = PLAYER(reader, read_records, "f");
	players[WRITERS].share = WRITERS;
	play(players, WRITERS + 1, count);
	must_be_of(MODEL_QUEUE, 0);
}
