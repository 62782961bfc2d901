/* SPDX-License-Identifier: MIT */
#include <sys/ipc.h>

#include "diff/generate.h"

static const char *const all[] = {"s", "t", "p", "bad", NULL};
#define ANY NAMES("s", "t", "p", "bad")
#define KEYED NAMES("s", "t")
#define OPERATIONS                                                                                 \
	NAMES("0-1", "0+1", "0=0", "0-1n", "0=0n", "0+1u", "0-1u", "0-2", "1-1", "1+1", "0-1 1-1", \
	      "0=0 0+1", "1+2u 0-1", "0-1 1=0n", "0+32767", "0+32768n", "7-1", "0-1u 1+1u")
#define SEMAPHORES NUMBERS(0, 1, 2, -1)

static const struct choice choices[] = {
	{OP_semset_make, 6, MAKES, .handles = KEYED,
	 .texts = NAMES("1 0", "0", "2 1 0", "32767 0")},
	{OP_semset_make_private, 2, MAKES, .handles = NAMES("p"), .texts = NAMES("1 0", "0")},
	{OP_semset_get, 8, MAKES, .handles = KEYED,
	 .n = {NUMBERS(2, 0, 1, 3, -1),
	       NUMBERS(0, IPC_CREAT | 0600, IPC_CREAT | IPC_EXCL | 0600, IPC_EXCL)}},
	{OP_semset_adopt, 1, MAKES, .handles = NAMES("bad"), .n = {NUMBERS(-1)}},
	{OP_semset_op, 40, NEEDS, .handles = ANY, .texts = OPERATIONS},
	{OP_semset_timed_op, 6, NEEDS | COMES_BACK, .handles = ANY, .texts = OPERATIONS,
	 .n = {NUMBERS(0, 2)}},
	{OP_semset_timed_op, 3, NEEDS, .handles = ANY, .texts = OPERATIONS,
	 .n = {NUMBERS(3600000)}},
	{OP_semset_timed_op_for_ever, 4, NEEDS, .handles = ANY, .texts = OPERATIONS},
	{OP_semset_value, 1, NEEDS, .handles = ANY, .n = {SEMAPHORES}},
	{OP_semset_set, 5, NEEDS, .handles = ANY,
	 .n = {SEMAPHORES, NUMBERS(1, 0, 2, 32767, 32768, -1)}},
	{OP_semset_set_all, 2, NEEDS, .handles = KEYED, .texts = NAMES("1 0 0", "0 0 0", "5 5 5")},
	{OP_semset_waiting, 1, NEEDS, .handles = ANY, .n = {SEMAPHORES}},
	{OP_semset_waiting_for_zero, 1, NEEDS, .handles = ANY, .n = {SEMAPHORES}},
	{OP_semset_set_mode, 1, NEEDS, .handles = ANY, .n = {NUMBERS(0600, 0400, 0)}},
	{OP_semset_remove, 1, NEEDS | DROPS, .handles = ANY},
};

static const struct choice audits[] = {
	{OP_semset_values, .handles = ANY},
	{OP_semset_waiting, .handles = ANY, .n = {NUMBERS(0)}},
	{OP_semset_waiting_for_zero, .handles = ANY, .n = {NUMBERS(0)}},
	{OP_semset_waiting, .handles = NAMES("s"), .n = {NUMBERS(1)}},
	{OP_semset_pid, .handles = ANY, .n = {NUMBERS(0)}},
	{OP_semset_pid, .handles = NAMES("s"), .n = {NUMBERS(1)}},
	{OP_semset_stat, .handles = NAMES("s", "p")},
};

const struct menu semset_menu = {MECHANISM_semset,
				 all,
				 choices,
				 audits,
				 sizeof(choices) / sizeof(choices[0]),
				 sizeof(audits) / sizeof(audits[0]),
				 .waiters = 3,
				 .outlives_exec = true};
