/* SPDX-License-Identifier: MIT */
/* The rendezvous: who opens one end waits for the other. */
#include "stage/story.h"

TEST(fifo, open_for_writing_waits_for_a_reader)
{
	actor *writer = cast("writer"), *reader = cast_stranger("reader");

	does(writer, fifo.make("f"));
	begin(writer, fifo.open("f", O_WRONLY));
	blocks(writer);
	begin(reader, fifo.open("f", O_RDONLY));
	succeeds(reader);
	succeeds(writer);
}

TEST(fifo, open_for_reading_waits_for_a_writer)
{
	actor *reader = cast("reader"), *writer = cast_stranger("writer");

	does(reader, fifo.make("f"));
	begin(reader, fifo.open("f", O_RDONLY));
	blocks(reader);
	begin(writer, fifo.open("f", O_WRONLY));
	succeeds(writer);
	succeeds(reader);
}
