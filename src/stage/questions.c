/* SPDX-License-Identifier: MIT */
#include "stage/questions.h"

#include <string.h>

#include "stage/perform.h"

void ask_questions(actor *a, const struct question *questions, size_t count)
{
	if (count > QUESTIONS_MAX)
		end_in_error("%zu questions at a time: at most %d", count, QUESTIONS_MAX);
	give_order(a, stage.answer(questions, count * sizeof(*questions)));
	a->begun_told = true;
}

struct answer *answers_of(actor *a)
{
	return (struct answer *)(void *)a->outcome_bytes;
}

/* What one question gives, into room for any operation's bytes. */
static void answer(const struct question *question, unsigned char *room, struct answer *given)
{
	const op o = {.code = question->code,
		      .handle = question->handle,
		      .n = {question->n[0], question->n[1], question->n[2], question->n[3],
			    question->n[4], question->n[5]}};
	outcome out = {.bytes = room};

	perform(&o, &out);
	must(out.size <= ANSWER_BYTES);
	memcpy(given->bytes, room, out.size);
	out.bytes = NULL; /* of this process */
	given->outcome = out;
}

PERFORM(stage, answer)
{
	static unsigned char room[OUTCOME_BYTES];
	const struct question *questions = o->bytes;
	struct answer *answers = (struct answer *)(void *)out->bytes;
	size_t count = o->size / sizeof(*questions);

	for (size_t i = 0; i < count; i++)
		answer(&questions[i], room, &answers[i]);
	outcome_is(out, (long long)count);
}
