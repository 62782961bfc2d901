/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stage/perform.h"

struct message {
	long type;
	char text[];
};

/* Beyond the room for a message's text, where nobody may write. */
enum { GUARD = 16 };

unsigned remove_msg_key(key_t key)
{
	int id = impl->msg && impl->msg->msgget ? impl->msg->msgget(key, 0) : -1;

	return id >= 0 && impl->msg->msgctl(id, IPC_RMID, NULL) == 0;
}

static bool is_private_of_mine(int id)
{
	struct msqid_ds status;

	return impl->msg->msgctl(id, IPC_STAT, &status) == 0 &&
	       status.msg_perm.__key == IPC_PRIVATE && status.msg_perm.uid == geteuid() &&
	       status.msg_perm.cuid == geteuid();
}

unsigned remove_msg(int id, bool is_ours_for_sure)
{
	if (!impl->msg || !impl->msg->msgctl || (!is_ours_for_sure && !is_private_of_mine(id)))
		return 0;
	return impl->msg->msgctl(id, IPC_RMID, NULL) == 0;
}

static int id_of(const op *o)
{
	return (int)handle_number(o->handle);
}

/* -- getting and removing --------------------------------------------------------------------- */

static void get(const op *o, outcome *out, key_t key, int flags)
{
	if (!CALL(msg, msgget, key, flags))
		return;
	if (key == IPC_PRIVATE)
		keep_private(PRIVATE_MSG, (int)out->value);
	set_handle(o->handle, out->value, NULL);
}

PERFORM(msg, make)
{
	get(o, out, key_of(o->handle), IPC_CREAT | IPC_EXCL | (int)o->n[0]);
}

PERFORM(msg, make_mode)
{
	get(o, out, key_of(o->handle), IPC_CREAT | IPC_EXCL | (int)o->n[0]);
}

PERFORM(msg, make_private)
{
	get(o, out, IPC_PRIVATE, IPC_CREAT | 0600);
}

PERFORM(msg, find)
{
	get(o, out, key_of(o->handle), 0);
}

PERFORM(msg, get)
{
	get(o, out, key_of(o->handle), (int)o->n[0]);
}

PERFORM(msg, key)
{
	CALL(msg, ftok, path_of(o->handle), (int)o->n[0]);
}

PERFORM(msg, id)
{
	outcome_is(out, id_of(o));
}

PERFORM(msg, suppose)
{
	outcome_is(out, 0);
	set_handle(o->handle, o->n[0], NULL);
}

PERFORM(msg, remove)
{
	CALL(msg, msgctl, id_of(o), IPC_RMID, NULL);
}

/* -- sending and receiving -------------------------------------------------------------------- */

/* Size may be absurd: it is what the system is told. */
static struct message *message_of(long long size, int fill)
{
	size_t room = size >= 0 && size < OUTCOME_BYTES ? (size_t)size : OUTCOME_BYTES;
	struct message *message = malloc(sizeof(*message) + room + GUARD);

	must(message);
	memset(message, fill, sizeof(*message) + room + GUARD);
	return message;
}

static void send_message(const op *o, outcome *out, int flags)
{
	struct message *message = message_of((long long)o->size, POISON);

	message->type = (long)o->n[0];
	if (o->size)
		memcpy(message->text, o->bytes, o->size);
	CALL(msg, msgsnd, id_of(o), message, o->size, flags);
	free(message);
}

PERFORM(msg, send)
{
	send_message(o, out, 0);
}

PERFORM(msg, send_now)
{
	send_message(o, out, IPC_NOWAIT);
}

PERFORM(msg, send_bytes)
{
	send_message(o, out, (int)o->n[1]);
}

PERFORM(msg, send_sized)
{
	struct message *message = message_of(o->n[1], 0);

	message->type = (long)o->n[0];
	for (long long i = 0; i < o->n[1] && i < OUTCOME_BYTES; i++)
		message->text[i] = (char)('a' + i % 26);
	CALL(msg, msgsnd, id_of(o), message, (size_t)o->n[1], (int)o->n[2]);
	free(message);
}

static void must_keep_off(const unsigned char *guard)
{
	for (int i = 0; i < GUARD; i++)
		must_be(guard[i], POISON);
}

PERFORM(msg, receive)
{
	struct message *message = message_of(o->n[0], POISON);

	if (CALL(msg, msgrcv, id_of(o), message, (size_t)o->n[0], (long)o->n[1], (int)o->n[2])) {
		must(out->value >= 0 && out->value <= o->n[0] && out->value <= OUTCOME_BYTES);
		memcpy(out->bytes, message->text, (size_t)out->value);
		outcome_has_bytes(out, (size_t)out->value);
		out->n[0] = message->type;
	}
	if (o->n[0] >= 0 && o->n[0] < OUTCOME_BYTES)
		must_keep_off((unsigned char *)message->text + o->n[0]);
	free(message);
}

/* -- status ----------------------------------------------------------------------------------- */

static bool read_status(int id, int command, struct msqid_ds *status, outcome *out)
{
	memset(status, POISON, sizeof(*status));
	return CALL(msg, msgctl, id, command, status);
}

static void tell_status(const struct msqid_ds *status, outcome *out)
{
	out->n[MSG_COUNT] = (long long)status->msg_qnum;
	out->n[MSG_BYTES] = (long long)status->msg_cbytes;
	out->n[MSG_CAPACITY] = (long long)status->msg_qbytes;
	out->n[MSG_LAST_SENDER] = status->msg_lspid;
	out->n[MSG_LAST_RECEIVER] = status->msg_lrpid;
	out->n[MSG_SENT_AT] = status->msg_stime;
	out->n[MSG_RECEIVED_AT] = status->msg_rtime;
	out->n[MSG_CHANGED_AT] = status->msg_ctime;
}

PERFORM(msg, status)
{
	struct msqid_ds status;

	if (read_status(id_of(o), IPC_STAT, &status, out))
		tell_status(&status, out);
}

PERFORM(msg, owner)
{
	struct msqid_ds status;

	if (!read_status(id_of(o), IPC_STAT, &status, out))
		return;
	out->n[MSG_UID] = status.msg_perm.uid;
	out->n[MSG_GID] = status.msg_perm.gid;
	out->n[MSG_CREATOR_UID] = status.msg_perm.cuid;
	out->n[MSG_CREATOR_GID] = status.msg_perm.cgid;
	out->n[MSG_MODE] = status.msg_perm.mode;
}

PERFORM(msg, count)
{
	struct msqid_ds status;

	if (read_status(id_of(o), IPC_STAT, &status, out))
		out->value = (long long)status.msg_qnum;
}

PERFORM(msg, bytes)
{
	struct msqid_ds status;

	if (read_status(id_of(o), IPC_STAT, &status, out))
		out->value = (long long)status.msg_cbytes;
}

PERFORM(msg, capacity)
{
	struct msqid_ds status;

	if (read_status(id_of(o), IPC_STAT, &status, out))
		out->value = (long long)status.msg_qbytes;
}

PERFORM(msg, set_capacity)
{
	struct msqid_ds status;

	if (!read_status(id_of(o), IPC_STAT, &status, out))
		return;
	status.msg_qbytes = (msglen_t)o->n[0];
	CALL(msg, msgctl, id_of(o), IPC_SET, &status);
}

PERFORM(msg, set_mode)
{
	struct msqid_ds status;

	if (!read_status(id_of(o), IPC_STAT, &status, out))
		return;
	/* unsigned short in one library, mode_t in another */
	status.msg_perm.mode = (__typeof__(status.msg_perm.mode))o->n[0];
	CALL(msg, msgctl, id_of(o), IPC_SET, &status);
}

PERFORM(msg, set_owner)
{
	struct msqid_ds status;

	if (!read_status(id_of(o), IPC_STAT, &status, out))
		return;
	status.msg_perm.uid = (uid_t)o->n[0];
	status.msg_perm.gid = (gid_t)o->n[1];
	CALL(msg, msgctl, id_of(o), IPC_SET, &status);
}

PERFORM(msg, control)
{
	struct msqid_ds status;

	read_status(id_of(o), (int)o->n[0], &status, out);
}

/* -- Linux ------------------------------------------------------------------------------------ */

#ifdef MSG_INFO
/* The kernel writes a msginfo where the prototype says msqid_ds. */
union status_or_info {
	struct msqid_ds status;
	struct msginfo info;
};

PERFORM(msg, limits)
{
	union status_or_info it;

	if (!read_status(0, IPC_INFO, &it.status, out))
		return;
	out->n[MSG_LIMIT_SIZE] = it.info.msgmax;
	out->n[MSG_LIMIT_CAPACITY] = it.info.msgmnb;
	out->n[MSG_LIMIT_QUEUES] = it.info.msgmni;
}

PERFORM(msg, usage)
{
	union status_or_info it;

	if (!read_status(0, MSG_INFO, &it.status, out))
		return;
	out->n[MSG_USED_QUEUES] = it.info.msgpool;
	out->n[MSG_USED_MESSAGES] = it.info.msgmap;
	out->n[MSG_USED_BYTES] = it.info.msgtql;
}

/* EINVAL: no index at all is known to this command. */
PERFORM(msg, status_by_index)
{
	union status_or_info it;
	struct msqid_ds status;
	int error = EINVAL;

	if (!read_status(0, IPC_INFO, &it.status, out))
		return;
	int highest = (int)out->value;
	for (int i = 0; i <= highest; i++) {
		bool found = read_status(i, (int)o->n[0], &status, out);

		if (found && out->value == id_of(o)) {
			tell_status(&status, out);
			return;
		}
		if (found || out->error != EINVAL)
			error = found ? ENOENT : out->error;
	}
	errno = error;
	outcome_is(out, -1);
}
#else
PERFORM(msg, limits)
{
	outcome_lacks(out, "IPC_INFO");
}

PERFORM(msg, usage)
{
	outcome_lacks(out, "MSG_INFO");
}

PERFORM(msg, status_by_index)
{
	outcome_lacks(out, "MSG_STAT");
}
#endif
