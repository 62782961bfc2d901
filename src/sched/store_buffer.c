/* SPDX-License-Identifier: MIT */
#include "sched/store_buffer.h"

enum { WORD = 8 };

/* One store within eight aligned bytes. */
struct entry {
	struct operation operation;
	unsigned char *address;
	unsigned char stored[WORD], before[WORD]; /* what it covers, as all others see it */
};

static _Thread_local struct entry entries[STORES_MAX];
static _Thread_local unsigned first, count;

static _Thread_local struct {
	unsigned char *address;
	struct operation operation;
	unsigned char before[STORES_MAX * WORD];
} announced;

static struct entry *entry_at(unsigned index)
{
	return &entries[(first + index) % STORES_MAX];
}

/* Not by memcpy, which is the program's: it would be seen. */
static void copy(void *to, const void *from, size_t size)
{
	volatile unsigned char *target = to;
	const volatile unsigned char *source = from;

	for (size_t at = 0; at < size; at++)
		target[at] = source[at];
}

unsigned store_buffer_takes(const struct operation *store)
{
	return (store->within + store->size + WORD - 1u) / WORD;
}

void store_buffer_announce(void *address, const struct operation *store)
{
	announced.address = address;
	announced.operation = *store;
	copy(announced.before, address, store->size);
}

/* A longer store is as many as there are words in it: whole is only what a processor keeps whole.
 */
unsigned store_buffer_collect(void)
{
	const struct operation *whole = &announced.operation;
	unsigned char *address = announced.address;

	if (!address)
		return count;
	announced.address = NULL;
	for (unsigned done = 0, part; done < whole->size; done += part) {
		struct entry *entry = entry_at(count++);
		unsigned within = (whole->within + done) % WORD;

		part = WORD - within < whole->size - done ? WORD - within : whole->size - done;
		entry->operation = *whole;
		entry->operation.kind = OPERATION_FLUSH;
		entry->operation.access &= (uint8_t)~ACCESS_DELAYED;
		entry->operation.key += (whole->within + done) / WORD;
		entry->operation.within = (uint8_t)within;
		entry->operation.size = (uint8_t)part;
		entry->address = address + done;
		copy(entry->stored, entry->address, part);
		copy(entry->before, announced.before + done, part);
	}
	return count;
}

const struct operation *store_buffer_oldest(void)
{
	return count ? &entry_at(0)->operation : NULL;
}

void store_buffer_flush(bool in_view)
{
	struct entry *oldest = entry_at(0);

	if (!in_view)
		copy(oldest->address, oldest->stored, oldest->operation.size);
	first = (first + 1) % STORES_MAX;
	count--;
}

/* Of a byte, the newest store is the one that is to be seen. */
static bool is_covered(unsigned index, const unsigned char *byte)
{
	for (unsigned newer = index + 1; newer < count; newer++) {
		const struct entry *entry = entry_at(newer);

		if (byte >= entry->address && byte < entry->address + entry->operation.size)
			return true;
	}
	return false;
}

bool store_buffer_is_overtaken(void)
{
	for (unsigned index = 0; index < count; index++) {
		const struct entry *entry = entry_at(index);

		for (unsigned at = 0; at < entry->operation.size; at++)
			if (entry->address[at] != entry->stored[at] &&
			    !is_covered(index, entry->address + at))
				return true;
	}
	return false;
}

void store_buffer_leave(void)
{
	for (unsigned index = count; index-- > 0;) {
		const struct entry *entry = entry_at(index);

		copy(entry->address, entry->before, entry->operation.size);
	}
}

void store_buffer_enter(void)
{
	for (unsigned index = 0; index < count; index++) {
		struct entry *entry = entry_at(index);

		copy(entry->before, entry->address, entry->operation.size);
		copy(entry->address, entry->stored, entry->operation.size);
	}
}
