/* SPDX-License-Identifier: MIT */
/* All that a test includes: the verbs of the stage and the vocabulary of the mechanisms. */
#ifndef IPCTS_STAGE_STORY_H
#define IPCTS_STAGE_STORY_H

#include "contract/vocabulary.h"
#include "stage/stage.h"

#endif
