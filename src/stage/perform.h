/* SPDX-License-Identifier: MIT */
/*
 * From operations to calls.  perform/<mechanism>.c has one PERFORM a line of <mechanism>.ops: it
 * takes what the operation says, makes the call through the implementation's table and writes the
 * outcome.  This is the only place where operations become calls.
 */
#ifndef IPCTS_STAGE_PERFORM_H
#define IPCTS_STAGE_PERFORM_H

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "stage/stage.h"

/* Runs in an actor; o points to what was ordered, out is zeroed but for bytes, which has room. */
#define PERFORM(mechanism, word)                                                                   \
	void perform_##mechanism##_##word(const op *o __attribute__((unused)), outcome *out)

/*
 * The call itself, through the implementation's table: CALL(fifo, open, path, flags).  What it
 * returns becomes the outcome's value, and errno its error if that is -1.  A null entry makes the
 * outcome absent.  True: it was made and did not fail.
 */
#define CALL(mechanism, function, ...)                                                             \
	(impl->mechanism && impl->mechanism->function                                              \
		 ? (errno = 0, outcome_is(out, (long long)impl->mechanism->function(__VA_ARGS__))) \
		 : outcome_lacks(out, #mechanism "." #function))

/* The same for functions that return an error number instead of setting errno. */
#define CALL_ERROR(mechanism, function, ...)                                                       \
	(impl->mechanism && impl->mechanism->function                                              \
		 ? outcome_is_error(out, impl->mechanism->function(__VA_ARGS__))                   \
		 : outcome_lacks(out, #mechanism "." #function))

bool outcome_is(outcome *out, long long value);
bool outcome_is_error(outcome *out, int error);
bool outcome_lacks(outcome *out, const char *entry);
/* The outcome's bytes are the first size of out->bytes. */
void outcome_has_bytes(outcome *out, size_t size);

/* So long from now, or before it. */
struct timespec from_now(clockid_t clock, long long milliseconds);
/* Nobody may say that a time has passed before it has. */
void check_deadline(clockid_t clock, const struct timespec *deadline, const outcome *out);

/* The endless pattern of a stream: no two neighbouring pages are alike. */
unsigned char pattern(long long at);
/* The first count bytes of it from there on; to be freed. */
unsigned char *pattern_from(long long from, long long count);

/* What every out-structure is filled with before a call. */
enum { POISON = 0xEE };

/* This process's machine: its number, and the index of its end of the cable. */
int machine_number(void);
unsigned machine_cable(void);
/* Which host has that address, an in_addr or in6_addr: enum sock_host; -1: no such. */
int host_of(int family, const void *address);

#define OP(mechanism, word, ...) PERFORM(mechanism, word);
#include "contract/all.ops"
#undef OP

/* What the running test judges, and with whose means, as the table of all calls (impl). */
void perform_with(const struct implementation *judged);

/* Performs an order, whichever it is. */
void perform(const op *o, outcome *out);

/*
 * Removal, through the implementation, of what a test has created; each answers how many objects
 * there were.  By identifier, an object that may belong to somebody else by now (not for sure ours)
 * goes only if it has no key and is this user's.
 */
unsigned remove_mq(const char *name);
unsigned remove_sem(const char *name);
unsigned remove_shm(const char *name);
unsigned remove_msg_key(key_t key);
unsigned remove_semset_key(key_t key);
unsigned remove_segment_key(key_t key);
unsigned remove_msg(int id, bool is_ours_for_sure);
unsigned remove_semset(int id, bool is_ours_for_sure);
unsigned remove_segment(int id, bool is_ours_for_sure);

#endif
