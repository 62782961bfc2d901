/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct msg_calls posix_msg = {
	.msgget = msgget,
	.msgsnd = msgsnd,
	.msgrcv = msgrcv,
	.msgctl = msgctl,
};
