/* SPDX-License-Identifier: MIT */
#include <fcntl.h>

#include "diff/generate.h"

static const char *const all[] = {"m", "n", "n:b", NULL};
#define ANY NAMES("m", "n", "n:b")
#define NAMED NAMES("n", "n:b")
#define VALUES NUMBERS(0, 1, 2, 2147483647, 2147483648)

static const struct choice choices[] = {
	{OP_sem_make, 6, MAKES | ONCE, .handles = NAMES("m"), .n = {VALUES}},
	{OP_sem_open, 6, MAKES | ONCE, .handles = NAMED},
	{OP_sem_create, 6, MAKES | ONCE, .handles = NAMED, .n = {VALUES}},
	{OP_sem_open_with, 4, MAKES | ONCE, .handles = NAMED,
	 .n = {NUMBERS(O_CREAT, 0, O_CREAT | O_EXCL, O_EXCL), NUMBERS(0600, 0400, 0), VALUES}},
	{OP_sem_close, 2, NEEDS | DROPS, .handles = NAMED},
	{OP_sem_unlink, 1, 0, .handles = NAMES("n")},
	{OP_sem_wait, 18, NEEDS, .handles = ANY},
	{OP_sem_trywait, 6, NEEDS, .handles = ANY},
	{OP_sem_timedwait, 5, NEEDS | COMES_BACK, .handles = ANY, .n = {NUMBERS(-1000, 0, 2)}},
	{OP_sem_timedwait, 3, NEEDS, .handles = ANY, .n = {NUMBERS(3600000)}},
	{OP_sem_timedwait_at, 3, NEEDS | COMES_BACK, .handles = ANY,
	 .n = {NUMBERS(0, 1, -1), NUMBERS(0, 999999999, 1000000000, -1)}},
	{OP_sem_clockwait, 3, NEEDS | COMES_BACK, .handles = ANY, .n = {NUMBERS(-1000, 0, 2)}},
	{OP_sem_post, 22, NEEDS, .handles = ANY},
	{OP_sem_value, 1, NEEDS, .handles = ANY},
	{OP_sem_same, 1, NEEDS | NEEDS_OTHER, .handles = NAMES("n"), .others = NAMES("n:b")},
};

static const struct choice audits[] = {
	{OP_sem_value, .handles = ANY},
};

const struct menu sem_menu = {MECHANISM_sem,
			      all,
			      choices,
			      audits,
			      sizeof(choices) / sizeof(choices[0]),
			      sizeof(audits) / sizeof(audits[0]),
			      .waiters = 3};
