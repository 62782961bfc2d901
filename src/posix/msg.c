/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct msg_calls posix_msg = {
	.ftok = ftok,
	.msgget = msgget,
	.msgsnd = msgsnd,
	.msgrcv = msgrcv,
	.msgctl = msgctl,
};
