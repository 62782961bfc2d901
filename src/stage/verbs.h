/* SPDX-License-Identifier: MIT */
/* What the verbs of the director share: verdicts, waiting, orders. */
#ifndef IPCTS_STAGE_VERBS_H
#define IPCTS_STAGE_VERBS_H

#include "stage/scene.h"
#include "stage/story.h"

/* In turns of TURN_MS: how long an operation may take. */
enum { RETURN_PATIENCE = 2000 };
/* And how long it takes to believe in what can't be seen. */
enum { BLIND_TURNS = 20 };

/* Turns, stretched for a slow platform and cut for a test that is brief. */
unsigned patience(unsigned turns);

/* The end of the story: every actor, then every object, then the director. */
_Noreturn void end_story(void);
void end_if_judged(void);
_Noreturn void end_failed(enum how how, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The harness or the test is wrong. */
_Noreturn void end_in_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An actor that has ended unasked has broken its operation, or been broken by it. */
_Noreturn void end_failed_of_end(actor *a);
/* What is not there is neither right nor wrong. */
void skip_if_absent(actor *a);

/* The process an actor lives in: itself, or a thread's. */
actor *process_of(actor *a);
/* The status of a child of ours that has ended; false: it lives, or is no child of ours. */
bool take_status(actor *a);
/* Ends the story if the actor has ended unasked, or if a verdict is there. */
void check_life(actor *a);
void describe_end(int status, char *text, size_t size);

/* What there is to wait for about an actor. */
typedef bool condition(actor *a, unsigned n);
/* False: it never became true, for so many turns in which nothing else happened either. */
bool wait_until(actor *a, condition *is_true, unsigned n, unsigned turns);
/* The same for what only a system call tells: looks often at first. */
bool look_until(actor *a, condition *is_true, unsigned n);
bool is_done(actor *a, unsigned n);
bool has_entered(actor *a, unsigned n);
/* Asleep in one place, look after look.  False: not so, or it can't be seen. */
bool is_asleep(actor *a);
/* Its process is gone, with all it had. */
bool has_ended(actor *a, unsigned n);
bool is_stopped_now(actor *a, unsigned stopped);
/* The begun operation is done, or blocked: false: neither, it runs on and on. */
bool settles(actor *a);

/* An error of the test, unless the actor is free for an order, or has begun one. */
void require_free(const actor *a, const char *verb);
void require_busy(const actor *a, const char *verb);
void give_order(actor *a, op o);
/* An order of the stage's own, of which the transcript tells nothing: the value. */
long long ask(actor *a, op o);

#endif
