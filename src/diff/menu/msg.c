/* SPDX-License-Identifier: MIT */
#include <sys/ipc.h>
#include <sys/msg.h>

#include "diff/generate.h"

static const char *const all[] = {"q", "r", "p", "bad", NULL};
#define ANY NAMES("q", "r", "p", "bad")
#define KEYED NAMES("q", "r")
#define TEXTS NAMES("one", "", "12345678", "2", "seventeen letters")
#define TYPES NUMBERS(1, 2, 3, 1, 0, -1)

static const struct choice choices[] = {
	{OP_msg_make, 6, MAKES, .handles = KEYED, .n = {NUMBERS(0600)}},
	{OP_msg_make_private, 2, MAKES, .handles = NAMES("p")},
	{OP_msg_find, 6, MAKES, .handles = KEYED},
	{OP_msg_get, 4, MAKES, .handles = KEYED,
	 .n = {NUMBERS(0, IPC_CREAT | 0600, IPC_CREAT | IPC_EXCL | 0600, IPC_EXCL)}},
	{OP_msg_suppose, 1, MAKES, .handles = NAMES("bad"), .n = {NUMBERS(-1)}},
	{OP_msg_remove, 2, NEEDS | DROPS, .handles = ANY},
	{OP_msg_send, 20, NEEDS | ALONE, .handles = ANY, .texts = TEXTS, .n = {TYPES}},
	{OP_msg_send_now, 8, NEEDS, .handles = ANY, .texts = TEXTS, .n = {TYPES}},
	{OP_msg_send_bytes, 4, NEEDS | ALONE, .handles = ANY, .texts = TEXTS,
	 .n = {TYPES, NUMBERS(IPC_NOWAIT, 0)}},
	{OP_msg_receive, 15, NEEDS, .handles = ANY,
	 .n = {NUMBERS(64, 3, 0), NUMBERS(0, 1, 2, -2, -1, 3),
	       NUMBERS(0, 0, IPC_NOWAIT, MSG_NOERROR, MSG_NOERROR | IPC_NOWAIT)}},
	{OP_msg_receive, 5, NEEDS, .handles = ANY,
	 .n = {NUMBERS(64), NUMBERS(1, 2, 0),
	       NUMBERS(020000 | IPC_NOWAIT, 020000, 040000, 040000 | IPC_NOWAIT)}},
	{OP_msg_set_capacity, 4, NEEDS | FEW, .handles = ANY, .n = {NUMBERS(16, 4, 0, 1000)}},
	{OP_msg_set_mode, 1, NEEDS | FEW, .handles = ANY, .n = {NUMBERS(0600, 0400, 0777)}},
	{OP_msg_count, 1, NEEDS, .handles = ANY},
};

static const struct choice audits[] = {
	{OP_msg_status, .handles = ANY},
	{OP_msg_owner, .handles = NAMES("q", "r")},
};

const struct menu msg_menu = {MECHANISM_msg,
			      all,
			      choices,
			      audits,
			      sizeof(choices) / sizeof(choices[0]),
			      sizeof(audits) / sizeof(audits[0]),
			      .waiters = 3,
			      .outlives_exec = true};
