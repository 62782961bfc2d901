/* SPDX-License-Identifier: MIT */
/* System V message queues: of each type the messages sent come before those received. */
#include <string.h>
#include <sys/msg.h>

#include "sched/clock.h"
#include "sched/instrument.h"
#include "sched/model.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

static uint64_t key_of(int id, long type)
{
	return sync_key(SYNC_MSG, (uint64_t)id, (uint64_t)type);
}

static long type_of(const void *message)
{
	long type;

	REAL(memcpy)(&type, message, sizeof(type));
	return type;
}

WRAP(int, msgsnd, (int id, const void *message, size_t size, int flags))
{
	instrument_range(message, size + sizeof(long), ACCESS_READ, HERE);
	sync_release(key_of(id, type_of(message)), SYNC_MSG);
	return MODELLED ? model_msgsnd(HERE, id, message, size, flags)
			: REAL(msgsnd)(id, message, size, flags);
}

WRAP(ssize_t, msgrcv, (int id, void *message, size_t size, long type, int flags))
{
	ssize_t got = MODELLED ? model_msgrcv(HERE, id, message, size, type, flags)
			       : REAL(msgrcv)(id, message, size, type, flags);

	if (got >= 0) {
		sync_acquire(key_of(id, type_of(message)), SYNC_MSG);
		instrument_filled(message, (size_t)got + sizeof(long), HERE);
	}
	return got;
}

/* Who waits learns of a queue's end, and of new limits. */
WRAP(int, msgctl, (int id, int command, struct msqid_ds *status))
{
	if (MODELLED)
		model_sysv_point(HERE, OPERATION_MSGCTL, id);
	int result = REAL(msgctl)(id, command, status);

	if (EXPLORED && command == IPC_RMID)
		model_removed(LEFTOVER_MSG, id, "", result);
	if (MODELLED)
		model_sysv_changed(OPERATION_MSGCTL, id);
	return result;
}

WRAP(int, msgget, (key_t key, int flags))
{
	return EXPLORED ? model_msgget(HERE, key, flags) : REAL(msgget)(key, flags);
}
