/* SPDX-License-Identifier: MIT */
/* Locks of files; those in memory are in lock.c. */
#include <string.h>

#include "stage/perform.h"

/* Commands that nobody has, where there are no locks of open file descriptions. */
#ifndef F_OFD_SETLK
#define F_OFD_GETLK (-1)
#define F_OFD_SETLK (-2)
#define F_OFD_SETLKW (-3)
#endif

PERFORM(lock, open)
{
	if (CALL(lock, open, path_of(o->handle), (int)o->n[0] | O_CREAT, 0600))
		set_handle(o->handle, out->value, NULL);
}

PERFORM(lock, unlink)
{
	CALL(lock, unlink, path_of(o->handle));
}

/* Both errors mean that somebody else holds what was asked for. */
static void tell_refusal(outcome *out)
{
	if (out->value == -1 && out->error == EACCES)
		out->error = EAGAIN;
}

static bool ask_fcntl(const op *o, outcome *out, int command, struct flock *region)
{
	if (command < 0)
		return outcome_lacks(out, "F_OFD_SETLK");
	return CALL(lock, fcntl, handle_fd(o->handle), command, region);
}

static void set_region(const op *o, outcome *out, int command, int type)
{
	struct flock region = {.l_type = (short)type,
			       .l_whence = SEEK_SET,
			       .l_start = (off_t)o->n[0],
			       .l_len = (off_t)o->n[1]};

	ask_fcntl(o, out, command, &region);
	tell_refusal(out);
}

/* Who bars a lock of this type: every field over poison, but those that ask. */
static void test_region(const op *o, outcome *out, int command, int type, bool of_process)
{
	struct flock region;

	memset(&region, POISON, sizeof(region));
	region.l_type = (short)type;
	region.l_whence = SEEK_SET;
	region.l_start = (off_t)o->n[0];
	region.l_len = (off_t)o->n[1];
	if (!of_process)
		region.l_pid = 0;
	pid_t asked = region.l_pid;
	if (!ask_fcntl(o, out, command, &region))
		return;
	out->n[REGION_TYPE] = region.l_type;
	out->n[REGION_WHENCE] = region.l_whence;
	out->n[REGION_START] = region.l_start;
	out->n[REGION_LENGTH] = region.l_len;
	out->n[REGION_PID] = region.l_pid;
	if (region.l_type != F_UNLCK) {
		out->value = region.l_pid;
		return;
	}
	out->n[REGION_CHANGED] = region.l_whence != SEEK_SET || region.l_start != o->n[0] ||
				 region.l_len != o->n[1] || region.l_pid != asked;
	out->n[REGION_PID] = out->value = 0;
}

/* An operation and its twin, of whose locks belong to the open file description. */
#define SETS(word, command, type)                                                                  \
	PERFORM(lock, word)                                                                        \
	{                                                                                          \
		set_region(o, out, F_##command, type);                                             \
	}                                                                                          \
	PERFORM(lock, ofd_##word)                                                                  \
	{                                                                                          \
		set_region(o, out, F_OFD_##command, type);                                         \
	}

SETS(read, SETLK, F_RDLCK)
SETS(write, SETLK, F_WRLCK)
SETS(clear, SETLK, F_UNLCK)
SETS(read_wait, SETLKW, F_RDLCK)
SETS(write_wait, SETLKW, F_WRLCK)

PERFORM(lock, bars_reader)
{
	test_region(o, out, F_GETLK, F_RDLCK, true);
}

PERFORM(lock, bars_writer)
{
	test_region(o, out, F_GETLK, F_WRLCK, true);
}

PERFORM(lock, region)
{
	struct flock region = {.l_type = (short)o->n[1],
			       .l_whence = (short)o->n[2],
			       .l_start = (off_t)o->n[3],
			       .l_len = (off_t)o->n[4]};

	CALL(lock, fcntl, handle_fd(o->handle), (int)o->n[0], &region);
	tell_refusal(out);
}

PERFORM(lock, ofd_bars_writer)
{
	test_region(o, out, F_OFD_GETLK, F_WRLCK, false);
	/* the process is told as -1, which is no failure */
	if (out->value == -1 && !out->error)
		out->value = 1;
}

PERFORM(lock, ofd_write_as)
{
	struct flock region = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_pid = (pid_t)o->n[0]};

	ask_fcntl(o, out, F_OFD_SETLK, &region);
}

PERFORM(lock, flock)
{
	CALL(lock, flock, handle_fd(o->handle), (int)o->n[0]);
}

PERFORM(lock, lockf)
{
	CALL(lock, lockf, handle_fd(o->handle), (int)o->n[0], (off_t)o->n[1]);
	tell_refusal(out);
}
