/* SPDX-License-Identifier: MIT */
/*
 * Letters: messages of which all is known, so that each is seen to be whole, in the order of its
 * sender, there once, and lost only with a receiver that was killed when it had taken it.
 */
#ifndef FAULT_STORM_LETTERS_H
#define FAULT_STORM_LETTERS_H

#include "fault/storm.h"

enum { LANES = 4, MOST_SENT = 1 << 15, LARGEST = 512 };

struct letter {
	uint32_t life, number, lane, size; /* the size is that of all of it */
	unsigned char bytes[LARGEST - 16];
};

/* Nothing has been sent yet in this round. */
void begin_letters(void);
/* Half of the workers are. */
bool is_sender(const struct worker *me);
/* Writes the next letter and has it given, unless it wasn't (false). */
void send_by(struct worker *me, bool is_of_one_size, bool (*give)(const struct letter *letter));
/* Has a letter taken, and checks it; less than 0: there was none. */
void receive_by(struct worker *me, ssize_t (*take)(struct letter *letter));
/* What a letter must be that somebody wrote, and that comes for the first time. */
void check_letter(const struct letter *letter, ssize_t size);
/* A receiver that died may have taken one. */
void account_for(struct worker *dead);
/* Nothing is under way any more: all that were sent have come. */
void check_all_came(void);

#endif
