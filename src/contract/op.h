/* SPDX-License-Identifier: MIT */
/*
 * An operation is a value: what to do, to which object, with which arguments.  The same value is
 * performed by an actor, told in a transcript, and later generated, modelled and replayed.
 *
 * Operations are written in <mechanism>.ops, one call of OP each:
 *
 *	OP(mq, send, (const char *q, const char *text, unsigned priority),
 *	   "%h, %b, priority %d", .handle = q, .bytes = text, .n = {priority})
 *
 * mechanism, word, the parameters of its constructor, how it is told, how they are stored.  This
 *makes the enumerator OP_mq_send and the constructor mq.send(...); the stage's PERFORM(mq, send)
 *makes the call.
 *
 * How it is told: %h handle, %o other handle, %b bytes (or their count); each of the following
 * takes the next number: %d decimal, %x hexadecimal, %f open flags, %s signal, %m set of signals,
 * %t milliseconds, %p process (negative: process group).
 * After " -> " the same letters tell the outcome: %b bytes, %v its value, the rest its numbers.
 */
#ifndef IPCTS_CONTRACT_OP_H
#define IPCTS_CONTRACT_OP_H

#include <stdbool.h>
#include <stddef.h>

enum op_code {
#define OP(mechanism, word, parameters, ...) OP_##mechanism##_##word,
#include "contract/all.ops"
#undef OP
	OP_COUNT
};

enum { OP_NUMBERS = 6, OUTCOME_NUMBERS = 12, HANDLE_MAX = 24 };

typedef struct op {
	enum op_code code;
	const char *handle; /* a name in the story ("q", "p:r"), never one of the system */
	const char *other;  /* a second one, where the operation has two */
	const void *bytes;  /* size bytes, borrowed until the operation is begun; NULL: none */
	size_t size;	    /* 0 with bytes: the length of the string */
	bool empty;	    /* with size 0: really no byte */
	long long n[OP_NUMBERS];
} op;

/* What came of an operation. */
typedef struct outcome {
	long long value; /* what the call returned */
	int error;	 /* errno if value is -1, else 0 */
	long long n[OUTCOME_NUMBERS];
	size_t size;	      /* of bytes */
	bool has_bytes;	      /* the operation answers with bytes */
	unsigned char *bytes; /* room for OUTCOME_BYTES */
	char absent[96];      /* not empty: the implementation lacks the operation, and why */
} outcome;

enum { OUTCOME_BYTES = 128 * 1024 };

struct op_description {
	const char *name;  /* "mq.send" */
	const char *shows; /* how it is told */
};
extern const struct op_description op_descriptions[OP_COUNT];

#endif
