/* SPDX-License-Identifier: MIT */
/*
 * What a memory model allows: which outcomes of a shape have a candidate execution (who reads from
 * which write, and in which order the writes of a location come) that the model's axioms let pass.
 * All candidates are looked at, for there are few.
 */
#ifndef IPCTS_LITMUS_MODEL_H
#define IPCTS_LITMUS_MODEL_H

#include <stdbool.h>

#include "litmus/shape.h"

enum model {
	MODEL_SC,    /* sequential consistency: one after the other */
	MODEL_TSO,   /* x86: stores are buffered, and others are in order (Owens et al. 2009) */
	MODEL_ARMV8, /* the Arm architecture, without dependencies (Pulte et al. 2018) */
	MODEL_RISCV, /* RVWMO, without dependencies: what all mappings of C11 to it have */
	MODEL_C11, /* the language's guarantee: RC11 (Lahav et al. 2017), but with load buffering */
	MODELS
};

extern const char *const model_names[MODELS];
/* That of the processor this was compiled for; MODEL_C11, if it's none of these. */
enum model model_here(void);

/* allowed[outcome], for all of them. */
void model_outcomes(enum model model, const struct shape *shape, bool allowed[OUTCOMES]);

#endif
