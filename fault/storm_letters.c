/* SPDX-License-Identifier: MIT */
#include "fault/storm_letters.h"

#include <stddef.h>
#include <time.h>

enum { RECEIVES = 1 };

/* What has been sent and received, in the round. */
static struct traffic {
	_Atomic uint32_t begun[LIVES], sent[LIVES];
	_Atomic uint32_t taken_by_dead; /* at most */
	_Atomic unsigned char received[LIVES][MOST_SENT];
} * traffic;

void begin_letters(void)
{
	traffic = share(sizeof(*traffic));
}

bool is_sender(const struct worker *me)
{
	return me->slot % 2 == 0;
}

static unsigned char byte_at(const struct letter *letter, unsigned i)
{
	return (unsigned char)(letter->life * 31 + letter->number * 7 + i);
}

/* False: this worker has written all that can be counted. */
static bool write_letter(struct worker *me, struct letter *letter, bool is_of_one_size)
{
	uint32_t number = atomic_load(&traffic->begun[me->life]);

	if (number >= MOST_SENT)
		return false;
	letter->life = me->life;
	letter->number = number;
	letter->lane = chance(LANES);
	letter->size = (uint32_t)offsetof(struct letter, bytes) +
		       (is_of_one_size ? sizeof(letter->bytes) : chance(sizeof(letter->bytes)));
	for (unsigned i = 0; i < letter->size - offsetof(struct letter, bytes); i++)
		letter->bytes[i] = byte_at(letter, i);
	return true;
}

void send_by(struct worker *me, bool is_of_one_size, bool (*give)(const struct letter *letter))
{
	struct letter letter;

	if (!write_letter(me, &letter, is_of_one_size)) {
		nanosleep(&(struct timespec){0, 1000000}, NULL);
		return;
	}
	atomic_store(&traffic->begun[me->life], letter.number + 1);
	if (give(&letter))
		atomic_store(&traffic->sent[me->life], letter.number + 1);
	else /* it wasn't sent, and its number is another's */
		atomic_store(&traffic->begun[me->life], letter.number);
}

void check_letter(const struct letter *letter, ssize_t size)
{
	if (size < (ssize_t)offsetof(struct letter, bytes) || letter->size != (uint32_t)size ||
	    letter->life >= LIVES || letter->number >= MOST_SENT || letter->lane >= LANES) {
		fail("a message of %zd bytes isn't whole", size);
		return;
	}
	for (unsigned i = 0; i < letter->size - offsetof(struct letter, bytes); i++)
		if (letter->bytes[i] != byte_at(letter, i)) {
			fail("byte %u of %u of a message is wrong", i, letter->size);
			return;
		}
	if (letter->number >= atomic_load(&traffic->begun[letter->life]))
		fail("message %u of %u was never sent", letter->number, letter->life);
	if (atomic_fetch_add(&traffic->received[letter->life][letter->number], 1))
		fail("message %u of %u comes twice", letter->number, letter->life);
}

/* What one receiver takes of one sender and one lane comes in its order. */
static void check_order(const struct letter *letter)
{
	static uint32_t next[LIVES][LANES];

	if (letter->number < next[letter->life][letter->lane])
		fail("message %u of %u comes after %u", letter->number, letter->life,
		     next[letter->life][letter->lane] - 1);
	next[letter->life][letter->lane] = letter->number + 1;
}

void receive_by(struct worker *me, ssize_t (*take)(struct letter *letter))
{
	struct letter letter;

	atomic_store(&me->doing, RECEIVES);
	ssize_t size = take(&letter);

	if (size >= 0)
		check_letter(&letter, size);
	atomic_store(&me->doing, 0);
	if (size >= 0)
		check_order(&letter);
}

void account_for(struct worker *dead)
{
	if (atomic_load(&dead->doing) == RECEIVES)
		atomic_fetch_add(&traffic->taken_by_dead, 1);
}

void check_all_came(void)
{
	unsigned lost = 0;

	for (unsigned life = 0; life < LIVES; life++)
		for (uint32_t i = 0; i < atomic_load(&traffic->sent[life]); i++)
			lost += !atomic_load(&traffic->received[life][i]);
	if (lost > atomic_load(&traffic->taken_by_dead))
		fail("%u messages are lost, and %u receivers", lost,
		     atomic_load(&traffic->taken_by_dead));
}
