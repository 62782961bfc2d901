/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stage/perform.h"

enum { VALUES_MAX = 4096, OPERATIONS_MAX = 1024 };

static const union semset_argument nothing = {0};

/* -- removal ---------------------------------------------------------------------------------- */

static bool can_remove(void)
{
	return impl->semset && impl->semset->semget && impl->semset->semctl;
}

unsigned remove_semset_key(key_t key)
{
	int id = can_remove() ? impl->semset->semget(key, 0, 0) : -1;

	return id >= 0 && impl->semset->semctl(id, 0, IPC_RMID, nothing) == 0;
}

static bool is_private_and_mine(int id)
{
	struct semid_ds status;
	union semset_argument argument = {.buf = &status};

	return impl->semset->semctl(id, 0, IPC_STAT, argument) == 0 &&
	       status.sem_perm.__key == IPC_PRIVATE && status.sem_perm.uid == geteuid();
}

unsigned remove_semset(int id, bool is_ours_for_sure)
{
	return can_remove() && (is_ours_for_sure || is_private_and_mine(id)) &&
	       impl->semset->semctl(id, 0, IPC_RMID, nothing) == 0;
}

/* -- what a story writes ---------------------------------------------------------------------- */

/* "1 0 5": how many there are. */
static int read_values(const char *text, size_t size, unsigned short *values)
{
	char copy[VALUES_MAX];
	int count = 0;

	snprintf(copy, sizeof(copy), "%.*s", (int)size, text);
	for (char *s = copy, *end; count < VALUES_MAX; s = end) {
		unsigned long value = strtoul(s, &end, 10);

		if (end == s)
			break;
		values[count++] = (unsigned short)value;
	}
	return count;
}

/* "0-1 2+3u 1=0n": how many there are. */
static size_t read_operations(const char *text, size_t size, struct sembuf *operations)
{
	char copy[VALUES_MAX];
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%.*s", (int)size, text);
	for (char *s = copy; *s && count < OPERATIONS_MAX; count++) {
		struct sembuf *operation = &operations[count];

		operation->sem_num = (unsigned short)strtoul(s, &s, 10);
		int sign = *s++ == '-' ? -1 : 1;
		operation->sem_op = (short)(sign * (int)strtoul(s, &s, 10));
		operation->sem_flg = 0;
		for (; *s && *s != ' '; s++)
			operation->sem_flg |= *s == 'u' ? SEM_UNDO : IPC_NOWAIT;
		s += strspn(s, " ");
	}
	return count;
}

/* -- making a set ----------------------------------------------------------------------------- */

static bool get(const char *s, key_t key, long long count, long long flags, outcome *out)
{
	if (!CALL(semset, semget, key, (int)count, (int)flags))
		return false;
	if (key == IPC_PRIVATE)
		keep_private(PRIVATE_SEMSET, (int)out->value);
	set_handle(s, out->value, NULL);
	return true;
}

PERFORM(semset, get)
{
	get(o->handle, key_of(o->handle), o->n[0], o->n[1], out);
}

PERFORM(semset, get_private)
{
	get(o->handle, IPC_PRIVATE, o->n[0], o->n[1], out);
}

PERFORM(semset, adopt)
{
	set_handle(o->handle, o->n[0], NULL);
	outcome_is(out, 0);
}

static void set_all(const op *o, outcome *out)
{
	unsigned short values[VALUES_MAX];
	union semset_argument argument = {.array = values};

	read_values(o->bytes, o->size, values);
	CALL(semset, semctl, (int)handle_number(o->handle), 0, SETALL, argument);
}

static void make(const op *o, key_t key, outcome *out)
{
	unsigned short values[VALUES_MAX];
	int count = read_values(o->bytes, o->size, values);

	if (get(o->handle, key, count, IPC_CREAT | IPC_EXCL | 0600, out))
		set_all(o, out);
}

PERFORM(semset, make)
{
	make(o, key_of(o->handle), out);
}

PERFORM(semset, make_private)
{
	make(o, IPC_PRIVATE, out);
}

PERFORM(semset, remove)
{
	CALL(semset, semctl, (int)handle_number(o->handle), 0, IPC_RMID, nothing);
}

/* -- operating on it -------------------------------------------------------------------------- */

PERFORM(semset, op)
{
	struct sembuf operations[OPERATIONS_MAX];
	size_t count = read_operations(o->bytes, o->size, operations);

	CALL(semset, semop, (int)handle_number(o->handle), operations, count);
}

PERFORM(semset, op_times)
{
	struct sembuf once[OPERATIONS_MAX];
	size_t count = read_operations(o->bytes, o->size, once), times = (size_t)o->n[0];
	struct sembuf *all = calloc(count * times + 1, sizeof(*all));

	for (size_t i = 0; all && i < times; i++)
		memcpy(all + i * count, once, count * sizeof(*once));
	CALL(semset, semop, (int)handle_number(o->handle), all, count * times);
	free(all);
}

static bool has_nowait(const struct sembuf *operations, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (operations[i].sem_flg & IPC_NOWAIT)
			return true;
	return false;
}

static double milliseconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

PERFORM(semset, timed_op)
{
	struct sembuf operations[OPERATIONS_MAX];
	size_t count = read_operations(o->bytes, o->size, operations);
	struct timespec timeout = {(time_t)(o->n[0] / 1000), (long)(o->n[0] % 1000 * 1000000)};
	double began = milliseconds_now();

	CALL(semset, semtimedop, (int)handle_number(o->handle), operations, count, &timeout);
	bool timed_out = out->error == EAGAIN && !has_nowait(operations, count);
	bool timed_out_early = timed_out && milliseconds_now() - began < (double)o->n[0];
	must(!timed_out_early);
}

PERFORM(semset, timed_op_for_ever)
{
	struct sembuf operations[OPERATIONS_MAX];
	size_t count = read_operations(o->bytes, o->size, operations);

	CALL(semset, semtimedop, (int)handle_number(o->handle), operations, count, NULL);
}

/* -- its values ------------------------------------------------------------------------------- */

PERFORM(semset, value)
{
	CALL(semset, semctl, (int)handle_number(o->handle), (int)o->n[0], GETVAL, nothing);
}

/* How many semaphores the set has; 0: it can't be told. */
static size_t size_of(int id)
{
	struct semid_ds status;
	union semset_argument argument = {.buf = &status};

	if (!impl->semset || !impl->semset->semctl ||
	    impl->semset->semctl(id, 0, IPC_STAT, argument) < 0)
		return 0;
	return (size_t)status.sem_nsems < VALUES_MAX ? (size_t)status.sem_nsems : VALUES_MAX;
}

PERFORM(semset, values)
{
	unsigned short values[VALUES_MAX + 1];
	union semset_argument argument = {.array = values};
	int id = (int)handle_number(o->handle);
	size_t count = size_of(id);

	memset(values, POISON, sizeof(values));
	if (!CALL(semset, semctl, id, 0, GETALL, argument))
		return;
	must_be(values[count], POISON << 8 | POISON);
	int used = 0;
	for (size_t i = 0; i < count; i++)
		used += snprintf((char *)out->bytes + used, (size_t)(OUTCOME_BYTES - used), "%s%u",
				 i ? " " : "", values[i]);
	outcome_has_bytes(out, (size_t)used);
}

PERFORM(semset, set)
{
	union semset_argument argument = {.val = (int)o->n[1]};

	CALL(semset, semctl, (int)handle_number(o->handle), (int)o->n[0], SETVAL, argument);
}

PERFORM(semset, set_all)
{
	set_all(o, out);
}

PERFORM(semset, set_to_maximum)
{
	int good = 0, bad = 1 << 20;

	while (bad - good > 1) {
		union semset_argument argument = {.val = good + (bad - good) / 2};

		if (CALL(semset, semctl, (int)handle_number(o->handle), (int)o->n[0], SETVAL,
			 argument))
			good = argument.val;
		else if (out->error == ERANGE)
			bad = argument.val;
		else
			return;
	}
	union semset_argument argument = {.val = good};
	if (CALL(semset, semctl, (int)handle_number(o->handle), (int)o->n[0], SETVAL, argument))
		out->value = good;
}

PERFORM(semset, waiting)
{
	CALL(semset, semctl, (int)handle_number(o->handle), (int)o->n[0], GETNCNT, nothing);
}

PERFORM(semset, waiting_for_zero)
{
	CALL(semset, semctl, (int)handle_number(o->handle), (int)o->n[0], GETZCNT, nothing);
}

PERFORM(semset, pid)
{
	CALL(semset, semctl, (int)handle_number(o->handle), (int)o->n[0], GETPID, nothing);
}

PERFORM(semset, control)
{
	union semset_argument argument = {.val = (int)o->n[2]};

	CALL(semset, semctl, (int)handle_number(o->handle), (int)o->n[0], (int)o->n[1], argument);
}

/* -- what is kept about it -------------------------------------------------------------------- */

static bool get_status(const op *o, struct semid_ds *status, outcome *out)
{
	union semset_argument argument = {.buf = status};

	memset(status, POISON, sizeof(*status));
	return CALL(semset, semctl, (int)handle_number(o->handle), 0, IPC_STAT, argument);
}

static const char *whose(uid_t uid, gid_t gid, char *text, size_t size)
{
	if (uid == geteuid() && gid == getegid())
		return "me";
	snprintf(text, size, "%lu:%lu", (unsigned long)uid, (unsigned long)gid);
	return text;
}

PERFORM(semset, stat)
{
	struct semid_ds s;
	char owner[48], creator[48];

	if (!get_status(o, &s, out))
		return;
	int size =
		snprintf((char *)out->bytes, OUTCOME_BYTES, "%lu of mode %lo, owner %s, creator %s",
			 (unsigned long)s.sem_nsems, (unsigned long)s.sem_perm.mode,
			 whose(s.sem_perm.uid, s.sem_perm.gid, owner, sizeof(owner)),
			 whose(s.sem_perm.cuid, s.sem_perm.cgid, creator, sizeof(creator)));
	outcome_has_bytes(out, (size_t)size);
}

/* Never, or within the time that a test takes, or something else. */
static const char *when(long long time, char *text, size_t size)
{
	struct timespec now;

	if (time == 0)
		return "never";
	clock_gettime(CLOCK_REALTIME, &now);
	if (time <= (long long)now.tv_sec && time >= (long long)now.tv_sec - 600)
		return "recently";
	snprintf(text, size, "at %lld", time);
	return text;
}

PERFORM(semset, times)
{
	struct semid_ds s;
	char operated[32], changed[32];

	if (!get_status(o, &s, out))
		return;
	int size = snprintf((char *)out->bytes, OUTCOME_BYTES, "operated %s, changed %s",
			    when((long long)s.sem_otime, operated, sizeof(operated)),
			    when((long long)s.sem_ctime, changed, sizeof(changed)));
	outcome_has_bytes(out, (size_t)size);
}

static void set_status(const op *o, uid_t uid, gid_t gid, int mode, outcome *out)
{
	struct semid_ds status;
	union semset_argument argument = {.buf = &status};

	memset(&status, POISON, sizeof(status));
	status.sem_perm.uid = uid;
	status.sem_perm.gid = gid;
	status.sem_perm.mode = (unsigned short)mode;
	CALL(semset, semctl, (int)handle_number(o->handle), 0, IPC_SET, argument);
}

PERFORM(semset, set_mode)
{
	set_status(o, geteuid(), getegid(), (int)o->n[0], out);
}

PERFORM(semset, give)
{
	set_status(o, (uid_t)o->n[0], (gid_t)o->n[1], 0600, out);
}
