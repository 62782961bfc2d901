/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include "ref/ipcref.h"

const struct msg_calls ref_msg = {
	.ftok = ftok,
	.msgget = ipcref_msgget,
	.msgsnd = ipcref_msgsnd,
	.msgrcv = ipcref_msgrcv,
	.msgctl = ipcref_msgctl,
};
