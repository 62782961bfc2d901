/* SPDX-License-Identifier: MIT */
/* System V message queues: messages of a type, found by a key, that wait until somebody wants them.
 */
#ifndef IPCTS_CONTRACT_MSG_H
#define IPCTS_CONTRACT_MSG_H

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/types.h>

/* Linux has them, whether the library names them or not. */
#ifndef MSG_EXCEPT
#define MSG_EXCEPT 020000
#endif
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_STAT
#define MSG_STAT 11
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

struct msg_calls {
	key_t (*ftok)(const char *path, int id);
	int (*msgget)(key_t key, int flags);
	int (*msgsnd)(int id, const void *message, size_t size, int flags);
	ssize_t (*msgrcv)(int id, void *message, size_t size, long type, int flags);
	int (*msgctl)(int id, int command, struct msqid_ds *status);
};

/* What msg.status, msg.owner, msg.limits and msg.usage answer: the outcome's numbers. */
enum msg_status_number {
	MSG_COUNT,
	MSG_BYTES,
	MSG_CAPACITY,
	MSG_LAST_SENDER,
	MSG_LAST_RECEIVER,
	MSG_SENT_AT,
	MSG_RECEIVED_AT,
	MSG_CHANGED_AT,
	MSG_STATUS_NUMBERS
};
enum msg_owner_number { MSG_UID, MSG_GID, MSG_CREATOR_UID, MSG_CREATOR_GID, MSG_MODE };
enum msg_limits_number { MSG_LIMIT_SIZE, MSG_LIMIT_CAPACITY, MSG_LIMIT_QUEUES };
enum msg_usage_number { MSG_USED_QUEUES, MSG_USED_MESSAGES, MSG_USED_BYTES };

#endif
