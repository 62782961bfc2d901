/* SPDX-License-Identifier: MIT */
/*
 * A pipe: a ring of bytes in a file.  Its ends are open file descriptions of the file; which end,
 * the position tells, and whether anybody has an end, a lock of the description (descriptor.h).  A
 * FIFO is a pipe whose file has a name.
 *
 * Those who read and those who write are two sides, each with a lock of its own and a position in
 * the stream, which only it moves.  So one who reads and one who writes don't wait for each other:
 *
 *   - to move a position is one store, and all there is to commit: nothing is to be undone after a
 *     death, and no journal needed;
 *   - the other side's position is looked at only when what was seen of it the last time isn't
 *     enough, for it costs the way to the other processor;
 *   - the other side is woken only if it has said that it sleeps.
 *
 * pipe.c makes pipes and tells what they are, pipe_stream.c reads and writes, pipe_peer.c looks
 * after the other side and waits for it, pipe_size.c changes the capacity.
 */
#ifndef IPCREF_PIPE_H
#define IPCREF_PIPE_H

#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "ref/descriptor.h"
#include "ref/eventcount.h"

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

/* Those who read, or those who write.  What is theirs alone is on lines that they alone change. */
struct pipe_side {
	_Alignas(CACHE_LINE) struct lock lock;
	_Atomic uint32_t seen; /* the other side's position, the last time they looked */
	/* Bytes that have ever been read, or written; modulo the capacity, their place. */
	_Alignas(CACHE_LINE) _Atomic uint32_t position;
	/* Where they sleep until the other side moves, which is what the event says. */
	_Alignas(CACHE_LINE) struct eventcount moved;
	_Atomic uint32_t woken_on; /* say_where, the last time that one was woken */
	struct lock sleeper;	   /* marked while one sleeps: of this side there is somebody */
};

/*
 * Where the ring is, in one word, so that it moves by one store: the capacity, a power of two, and
 * in the bits below which of the two halves it is in, and how often it has moved.
 */
enum { RING_HALF = 1, RING_MOVE = 2, RING_BITS = PIPE_ATOMIC - 1 };

struct pipe {
	struct object object;
	struct pipe_side readers, writers;
	/* What hardly ever changes. */
	_Alignas(CACHE_LINE) _Atomic uint32_t ring;
	/* Ends that were closed, by whoever lived to tell, and moves of the ring. */
	_Atomic uint32_t changes;
	_Atomic uint32_t settings; /* of O_NONBLOCK or O_DIRECT, on any description, ever */
	/* Openers there have ever been of each end, and who waits for them; of a FIFO. */
	_Atomic uint32_t readers_seen, writers_seen;
	struct bell opened;
	uint32_t is_named;
	/*
	 * Packets that have ever been read and written.  One that begins before the reader's
	 * position has been read, and one that begins at the writer's was never finished: so the
	 * positions alone commit what is done with these, too.
	 */
	_Atomic uint32_t packets_read, packets_written;
	struct packet packet[PIPE_PACKETS];
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

/* All that was not read is gone; nobody has an end. */
void pipe_discard(struct pipe *pipe);

/* -- between the rooms ------------------------------------------------------------------------ */

static inline struct pipe *pipe_of(const struct mapping *mapping)
{
	return (struct pipe *)mapping->object;
}
/* Of a ring: PIPE_MOST at most, and a power of two from PIPE_ATOMIC on, or it is broken. */
static inline uint32_t pipe_capacity(uint32_t ring)
{
	return ring & ~(uint32_t)RING_BITS;
}
static inline bool pipe_is_capacity(uint32_t size)
{
	return size >= PIPE_ATOMIC && size <= PIPE_MOST && (size & (size - 1)) == 0;
}
/*
 * What is in the pipe, at one moment: how many bytes, how many there could be, and how many packets
 * begin there.  False: EBADMSG.
 */
struct pipe_content {
	uint32_t used, capacity, packets;
};
bool pipe_look_inside(const struct mapping *mapping, struct pipe_content *content);

/* A read or write that is going on. */
struct pipe_call {
	int fd;
	struct handle *h;
	struct pipe *pipe;
	struct vigil vigil;
	uint32_t changes; /* of the pipe, when what the call goes by was so */
	unsigned sleeps;  /* so many there were */
};
/* Whether there are readers, for a write, which has the writers' lock: 1 or 0, or -1 with errno. */
int pipe_has_readers(struct pipe_call *call);
/* Whether anybody has this end, as the kernel tells. */
int pipe_has(int fd, const struct handle *h, unsigned end);
/* What this side waits for has happened: wakes all of it that sleep, and who polls. */
void pipe_wake(struct mapping *mapping, struct pipe_side *side);
/*
 * Waits until the other side isn't at this position any more, or it's time to look.  0 or an error:
 * EAGAIN, if the call mustn't wait.  One that has_moved something is ended by every handler, for it
 * can't be restarted.
 */
int pipe_await_writers(struct pipe_call *call, uint32_t position);
int pipe_await_readers(struct pipe_call *call, uint32_t position, bool has_moved);
/* What await_writers gives when there are none any more: the end of the stream. */
enum { PIPE_END = -1 };

ssize_t pipe_readv(int fd, struct handle *h, const struct iovec *vector, int count);
ssize_t pipe_writev(int fd, struct handle *h, const struct iovec *vector, int count);

/* What the end's description is set to. */
bool pipe_waits(int fd, struct handle *h);
bool pipe_is_in_packets(int fd, struct handle *h);

/* Marks that it was read or written, if it has a name. */
void pipe_mark_time(int fd, const struct handle *h, bool is_read);

/* Takes it, and drops what a writer that died with it has left behind. */
void pipe_lock_writers(struct pipe *pipe);

/* F_SETPIPE_SZ: the capacity there is now, or -1 with errno. */
int pipe_resize(int fd, struct handle *h, unsigned long size);

/* What a moment is told by where the clock takes too long (pipe_peer.c). */
static inline uint64_t pipe_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
#endif
}

#endif
