/* SPDX-License-Identifier: MIT */
/*
 * What compilers call where code built with -fsanitize=thread reads and writes, but for atomics: of
 * each size, of ranges, and for the functions that clang knows.  The names and their arguments are
 * theirs; what becomes of an access is the includer's:
 *
 *	NOTE_READ(address, size), NOTE_WRITE(address, size), NOTE_UPDATE(address, size)
 *	NOTE_RANGE(address, size, access)	access: bits of sched/operation.h
 *
 * REAL(memcpy), REAL(memmove) and REAL(memset) are what moves the memory.
 */
#define PLAIN_OF(name, size, note)                                                                 \
	void __tsan_##name##size(void *address);                                                   \
	void __tsan_##name##size(void *address)                                                    \
	{                                                                                          \
		note(address, size);                                                               \
	}

#define PLAIN(size)                                                                                \
	PLAIN_OF(read, size, NOTE_READ)                                                            \
	PLAIN_OF(unaligned_read, size, NOTE_READ)                                                  \
	PLAIN_OF(write, size, NOTE_WRITE)                                                          \
	PLAIN_OF(unaligned_write, size, NOTE_WRITE)                                                \
	PLAIN_OF(read_write, size, NOTE_UPDATE)                                                    \
	PLAIN_OF(unaligned_read_write, size, NOTE_UPDATE)                                          \
	PLAIN_OF(volatile_read, size, NOTE_READ)                                                   \
	PLAIN_OF(unaligned_volatile_read, size, NOTE_READ)                                         \
	PLAIN_OF(volatile_write, size, NOTE_WRITE)                                                 \
	PLAIN_OF(unaligned_volatile_write, size, NOTE_WRITE)

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_read_range(void *address, size_t size);
void __tsan_read_range(void *address, size_t size)
{
	NOTE_RANGE(address, size, ACCESS_READ);
}

void __tsan_write_range(void *address, size_t size);
void __tsan_write_range(void *address, size_t size)
{
	NOTE_RANGE(address, size, ACCESS_WRITE);
}

void *__tsan_memcpy(void *to, const void *from, size_t size);
void *__tsan_memcpy(void *to, const void *from, size_t size)
{
	NOTE_RANGE(from, size, ACCESS_READ);
	NOTE_RANGE(to, size, ACCESS_WRITE);
	return REAL(memcpy)(to, from, size);
}

void *__tsan_memmove(void *to, const void *from, size_t size);
void *__tsan_memmove(void *to, const void *from, size_t size)
{
	NOTE_RANGE(from, size, ACCESS_READ);
	NOTE_RANGE(to, size, ACCESS_WRITE);
	return REAL(memmove)(to, from, size);
}

void *__tsan_memset(void *to, int byte, size_t size);
void *__tsan_memset(void *to, int byte, size_t size)
{
	NOTE_RANGE(to, size, ACCESS_WRITE);
	return REAL(memset)(to, byte, size);
}
