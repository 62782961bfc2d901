/* SPDX-License-Identifier: MIT */
/*
 * A pipe: a ring of bytes in a file.  Its ends are open file descriptions of the file; which end,
 * the position tells (descriptor.h), and whether anybody has an end, a lock of the description
 * (F_OFD_SETLK) that goes with its last descriptor, whoever dies.  A FIFO is a pipe whose file has
 * a name.
 */
#ifndef IPCREF_PIPE_H
#define IPCREF_PIPE_H

#include <sys/stat.h>

#include "ref/descriptor.h"

enum {
	PIPE_CAPACITY = 65536, /* of a new one */
	PIPE_MOST = 1 << 20,   /* that it can grow to */
	PIPE_ATOMIC = 4096,    /* bytes that are written together: PIPE_BUF */
	PIPE_PACKETS = PIPE_MOST / PIPE_ATOMIC,
};

/* A descriptor's end: the rights as of a mode, and beyond. */
enum pipe_end {
	PIPE_WRITES = 02,
	PIPE_READS = 04,
	PIPE_IN_PACKETS = 01, /* each write is a packet: O_DIRECT */
	/* above: how many writers there had been when it was opened without waiting for one */
	PIPE_SEEN_SHIFT = 3,
	PIPE_SEEN = 0x0fffffff,
};

/* What one write of packet mode wrote, or a part of that. */
struct packet {
	_Atomic uint32_t start, size;
};

struct pipe {
	struct object object;
	/* The ring is in one of two halves, so that it can move to the other when it is resized. */
	_Atomic uint32_t half, capacity;
	/* Bytes that have ever been read and written; modulo the capacity, their place. */
	_Atomic uint32_t head, tail;
	/* each has a line, for only one side rings it, and does so every time */
	_Alignas(CACHE_LINE) struct bell read;
	_Alignas(CACHE_LINE) struct bell written;
	_Alignas(CACHE_LINE) _Atomic uint32_t closings; /* of ends, by whoever lived to tell */
	/* Packets that are in the ring: their count, and which is the first. */
	_Atomic uint32_t packets, first_packet;
	struct packet packet[PIPE_PACKETS];
	_Atomic uint32_t
		mode_has_changed; /* so a description's mode is to be looked up each time */
	/* Openers there have ever been of each end, and who waits for them; of a FIFO. */
	_Atomic uint32_t readers_seen, writers_seen;
	struct bell opened;
	uint32_t is_named;
	char halves[2][PIPE_MOST];
};

extern const struct object_class pipe_class;

/* Makes this new file a pipe, its mode told by it.  False with errno. */
bool pipe_write(int fd, mode_t mode, bool is_named);
/*
 * The length of the file tells, to those who may not open it, that it is a pipe, and its mode,
 * which the file's own is wider than.
 */
off_t pipe_length(mode_t mode);
mode_t pipe_file_mode(mode_t mode);
/* If it is a pipe's file, its status becomes what a pipe's is, and the answer is true. */
bool pipe_tells(struct stat *status);

/* This description takes an end, or both; false with errno. */
bool pipe_take_end(int fd, unsigned ends);
/* Whether any description but this one has this end; -1 with errno if it can't be told. */
int pipe_has_others(int fd, unsigned end);

#endif
