/* SPDX-License-Identifier: MIT */
/*
 * Many operations in one order, for whoever looks often and at much: each of them returns at once,
 * and what it gives is short.
 */
#ifndef IPCTS_STAGE_QUESTIONS_H
#define IPCTS_STAGE_QUESTIONS_H

#include "stage/verbs.h"

enum { QUESTIONS_MAX = 96, ANSWER_BYTES = 512 };

struct question {
	enum op_code code;
	char handle[HANDLE_MAX];
	long long n[OP_NUMBERS];
};

struct answer {
	outcome outcome; /* its bytes are those below */
	unsigned char bytes[ANSWER_BYTES];
};

_Static_assert(QUESTIONS_MAX * sizeof(struct answer) <= OUTCOME_BYTES, "all answers find room");

/* Orders them; they are copied. */
void ask_questions(actor *a, const struct question *questions, size_t count);
/* Once the actor has come back: the answers, one a question. */
struct answer *answers_of(actor *a);

#endif
