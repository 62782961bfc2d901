/* SPDX-License-Identifier: MIT */
#include "diff/nature.h"

#include <stddef.h>

#include "contract/msg.h"
#include "contract/shm.h"
#include "contract/sig.h"

static const char descriptor[] = "a descriptor", identifier[] = "an identifier",
		  process[] = "a process", moment[] = "a time", address[] = "an address";

const struct nature natures[] = {
	{OP_fd_dup, THE_VALUE, LEFT_OUT, descriptor},
	{OP_fd_dup_onto, THE_VALUE, LEFT_OUT, descriptor},

	{OP_fd_flags, THE_VALUE, ITS_FLAGS, "how large its files may be is no matter of IPC"},

	{OP_sig_wait_info, INFO_PID, A_PROCESS, process},
	{OP_sig_timed_wait, INFO_PID, A_PROCESS, process},
	{OP_sig_timed_wait, INFO_US, LEFT_OUT, moment},

	{OP_mq_make, THE_VALUE, LEFT_OUT, descriptor},
	{OP_mq_open, THE_VALUE, LEFT_OUT, descriptor},
	{OP_mq_create, THE_VALUE, LEFT_OUT, descriptor},
	{OP_mq_create_default, THE_VALUE, LEFT_OUT, descriptor},

	{OP_msg_make, THE_VALUE, NUMBERED, identifier},
	{OP_msg_make_mode, THE_VALUE, NUMBERED, identifier},
	{OP_msg_make_private, THE_VALUE, NUMBERED, identifier},
	{OP_msg_find, THE_VALUE, NUMBERED, identifier},
	{OP_msg_get, THE_VALUE, NUMBERED, identifier},
	{OP_msg_id, THE_VALUE, NUMBERED, identifier},
	{OP_msg_status, MSG_LAST_SENDER, A_PROCESS, process},
	{OP_msg_status, MSG_LAST_RECEIVER, A_PROCESS, process},
	{OP_msg_status, MSG_SENT_AT, WHETHER_ZERO, moment},
	{OP_msg_status, MSG_RECEIVED_AT, WHETHER_ZERO, moment},
	{OP_msg_status, MSG_CHANGED_AT, WHETHER_ZERO, moment},

	{OP_semset_make, THE_VALUE, NUMBERED, identifier},
	{OP_semset_make_private, THE_VALUE, NUMBERED, identifier},
	{OP_semset_get, THE_VALUE, NUMBERED, identifier},
	{OP_semset_get_private, THE_VALUE, NUMBERED, identifier},
	{OP_semset_pid, THE_VALUE, A_PROCESS, process},

	{OP_shm_get, THE_VALUE, NUMBERED, identifier},
	{OP_shm_make_private, THE_VALUE, NUMBERED, identifier},
	{OP_shm_attach, THE_VALUE, LEFT_OUT, address},
	{OP_shm_attach, 0, LEFT_OUT, address},
	{OP_shm_map, THE_VALUE, LEFT_OUT, address},
	{OP_shm_map, 0, LEFT_OUT, address},
	{OP_shm_map_with, THE_VALUE, LEFT_OUT, address},
	{OP_shm_map_with, 0, LEFT_OUT, address},
	{OP_shm_open, THE_VALUE, LEFT_OUT, descriptor},
	{OP_shm_open_mode, THE_VALUE, LEFT_OUT, descriptor},
	{OP_shm_stat, SEGMENT_CPID, A_PROCESS, process},
	{OP_shm_stat, SEGMENT_LPID, A_PROCESS, process},
	{OP_shm_stat, SEGMENT_ATIME, WHETHER_ZERO, moment},
	{OP_shm_stat, SEGMENT_DTIME, WHETHER_ZERO, moment},
	{OP_shm_stat, SEGMENT_CTIME, WHETHER_ZERO, moment},

	{OP_sem_map, THE_VALUE, LEFT_OUT, address},
	{OP_sem_make, THE_VALUE, LEFT_OUT, address},
	{OP_sem_open, THE_VALUE, LEFT_OUT, address},
	{OP_sem_create, THE_VALUE, LEFT_OUT, address},
	{OP_sem_open_with, THE_VALUE, LEFT_OUT, address},

	{OP_fifo_open, THE_VALUE, LEFT_OUT, descriptor},

	{OP_event_counter, THE_VALUE, LEFT_OUT, descriptor},
	{OP_event_epoll, THE_VALUE, LEFT_OUT, descriptor},

	{OP_lock_open, THE_VALUE, LEFT_OUT, descriptor},
	{OP_lock_map, THE_VALUE, LEFT_OUT, address},
	{OP_lock_bars_reader, THE_VALUE, A_PROCESS, process},
	{OP_lock_bars_writer, THE_VALUE, A_PROCESS, process},
	{OP_lock_ofd_bars_writer, THE_VALUE, A_PROCESS, process},
	{OP_lock_ofd_bars_writer, 4, A_PROCESS, process},
	{OP_lock_bars_reader, 4, A_PROCESS, process},
	{OP_lock_bars_writer, 4, A_PROCESS, process},

	{OP_sock_make, THE_VALUE, LEFT_OUT, descriptor},
	{OP_sock_accept, THE_VALUE, LEFT_OUT, descriptor},
	{OP_sock_reach, THE_VALUE, LEFT_OUT, descriptor},

	{.which = NO_MORE},
};

const struct nature *nature_of(enum op_code code, int which)
{
	for (const struct nature *nature = natures; nature->which != NO_MORE; nature++)
		if (nature->code == code && nature->which == which)
			return nature;
	return NULL;
}
