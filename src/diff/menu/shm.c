/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "diff/generate.h"

/* Segments s and t, attached as m and n; objects o and x.  Only what is there is looked at. */
static const char *const all[] = {"s",	"t", "p",   "bad", "m",	 "n",
				  "ro", "o", "o:b", "x",   "om", NULL};
#define SEGMENTS NAMES("s", "t", "p", "bad")
#define KEYED NAMES("s", "t")
#define MEMORY NAMES("m", "n")
#define OBJECTS NAMES("o", "o:b", "x")

static const struct choice choices[] = {
	{OP_shm_get, 14, MAKES, .handles = KEYED,
	 .n = {NUMBERS(4096, 100, 0, 8192),
	       NUMBERS(IPC_CREAT | 0600, 0, IPC_CREAT | IPC_EXCL | 0600, IPC_EXCL)}},
	{OP_shm_make_private, 3, MAKES, .handles = NAMES("p"),
	 .n = {NUMBERS(4096, 1, 0), NUMBERS(0600, 0)}},
	{OP_shm_pretend, 1, MAKES, .handles = NAMES("bad"), .n = {NUMBERS(-1)}},
	{OP_shm_attach, 14, NEEDS | MAKES_OTHER, .handles = SEGMENTS, .others = MEMORY,
	 .n = {NUMBERS(0)}},
	{OP_shm_attach, 3, NEEDS | MAKES_OTHER, .handles = SEGMENTS, .others = NAMES("ro"),
	 .n = {NUMBERS(SHM_RDONLY)}},
	{OP_shm_detach, 5, NEEDS | DROPS, .handles = NAMES("m", "n", "ro")},
	{OP_shm_write, 10, NEEDS, .handles = MEMORY, .texts = NAMES("one", "two", "three"),
	 .n = {NUMBERS(0, 4, 90)}},
	{OP_shm_read, 6, NEEDS, .handles = NAMES("m", "n", "ro"),
	 .n = {NUMBERS(0, 4, 90), NUMBERS(8, 0, 1)}},
	{OP_shm_add, 4, NEEDS, .handles = MEMORY, .n = {NUMBERS(64), NUMBERS(1, -1)}},
	{OP_shm_load, 3, NEEDS, .handles = MEMORY, .n = {NUMBERS(64)}},
	{OP_shm_set, 2, NEEDS, .handles = SEGMENTS,
	 .n = {NUMBERS(0), NUMBERS(0), NUMBERS(0600, 0400, 0777)}},
	{OP_shm_remove, 2, NEEDS, .handles = SEGMENTS},
	{OP_shm_open, 10, MAKES, .handles = OBJECTS,
	 .n = {NUMBERS(O_RDWR | O_CREAT, O_RDWR, O_RDONLY, O_RDWR | O_CREAT | O_EXCL,
		       O_RDWR | O_TRUNC),
	       NUMBERS(0600)}},
	{OP_shm_open_mode, 3, MAKES, .handles = OBJECTS,
	 .n = {NUMBERS(O_RDWR | O_CREAT), NUMBERS(0640, 0777, 0)}},
	{OP_shm_unlink, 2, 0, .handles = NAMES("o", "x")},
	{OP_shm_resize, 6, NEEDS, .handles = OBJECTS, .n = {NUMBERS(4096, 0, 100, -1)}},
	{OP_shm_reserve, 2, NEEDS, .handles = OBJECTS, .n = {NUMBERS(4096, 0, 8192, -1)}},
	{OP_shm_change_mode, 1, NEEDS, .handles = OBJECTS, .n = {NUMBERS(0600, 0644)}},
	{OP_fd_pwrite, 4, NEEDS, .handles = OBJECTS, .texts = NAMES("one", "three"),
	 .n = {NUMBERS(0, 10)}},
	{OP_fd_pread, 4, NEEDS, .handles = OBJECTS, .n = {NUMBERS(8, 1), NUMBERS(0, 10)}},
	{OP_fd_close, 3, NEEDS | DROPS, .handles = OBJECTS},
	/* never looked into, for who looks beyond the object's end is killed, which ends a story */
	{OP_shm_map, 6, NEEDS | MAKES_OTHER, .handles = OBJECTS, .others = NAMES("om"),
	 .n = {NUMBERS(4096, 0)}},
	{OP_shm_map_with, 2, NEEDS | MAKES_OTHER, .handles = OBJECTS, .others = NAMES("om"),
	 .n = {NUMBERS(4096), NUMBERS(PROT_READ | PROT_WRITE, PROT_READ),
	       NUMBERS(MAP_SHARED, MAP_PRIVATE), NUMBERS(0, 4096, 100)}},
	{OP_shm_sync, 1, NEEDS, .handles = NAMES("om"),
	 .n = {NUMBERS(0, 1), NUMBERS(4096), NUMBERS(MS_SYNC, MS_ASYNC, MS_SYNC | MS_ASYNC)}},
	{OP_shm_unmap, 2, NEEDS | DROPS, .handles = NAMES("om"), .n = {NUMBERS(0), NUMBERS(4096)}},
};

static const struct choice audits[] = {
	{OP_shm_stat, .handles = SEGMENTS},
	{OP_shm_size, .handles = OBJECTS},
	{OP_shm_mode, .handles = OBJECTS},
	{OP_shm_read, .handles = NAMES("m"), .n = {NUMBERS(0), NUMBERS(16)}},
};

const struct menu shm_menu = {MECHANISM_shm,
			      all,
			      choices,
			      audits,
			      sizeof(choices) / sizeof(choices[0]),
			      sizeof(audits) / sizeof(audits[0]),
			      .waiters = 3};
