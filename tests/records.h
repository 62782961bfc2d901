/* SPDX-License-Identifier: MIT */
/* Records of at most PIPE_BUF bytes that are written to a pipe, or to a FIFO, and read from it. */
#ifndef IPCTS_TESTS_RECORDS_H
#define IPCTS_TESTS_RECORDS_H

#include "history.h"

/* Of a size that doesn't divide a pipe's, so that there may be room for a part of one. */
enum { AGAIN = 12 };
struct record {
	int64_t value, again[AGAIN];
};

static inline long long write_records(const char *p, const long long *n)
{
	int number = handle_fd(p);

	begin_round(n);
	for (long long i = 0; i < n[1]; i++) {
		struct record record = {.value = value_of((unsigned)n[0], n[2] + i)};
		struct event *noted;

		for (int j = 0; j < AGAIN; j++)
			record.again[j] = record.value;
		noted = recorder_invoke(recorder, (unsigned)n[0], EVENT_PUT, record.value, 0);
		if (impl->fd->write(number, &record, sizeof(record)) != sizeof(record))
			return -1;
		recorder_return(noted);
	}
	return 0;
}

/* All of a record; 0: there's nothing yet, -1: it isn't one. */
static inline int read_record(int number, struct record *record)
{
	size_t size = 0;

	while (size < sizeof(*record)) {
		ssize_t more =
			impl->fd->read(number, (char *)record + size, sizeof(*record) - size);

		if (more < 0 && errno == EAGAIN && size == 0)
			return 0;
		if (more == 0 || (more < 0 && errno != EAGAIN))
			return -1;
		size += more > 0 ? (size_t)more : 0;
	}
	for (int j = 0; j < AGAIN; j++)
		must_be(record->again[j], record->value);
	return 1;
}

static inline long long read_records(const char *p, const long long *n)
{
	int number = handle_fd(p);
	long long failures = n[1] / 2;

	begin_round(n);

	for (long long i = 0; i < n[1];) {
		struct event *noted = recorder_invoke(recorder, (unsigned)n[0], EVENT_TAKE, 0, 0);
		struct record record;
		int found = read_record(number, &record);

		if (found < 0)
			return -1;
		if (!found) {
			note_failure(noted, EVENT_EMPTY, &failures);
			continue;
		}
		noted->value = record.value;
		recorder_return(noted);
		i++;
	}
	return 0;
}

#endif
