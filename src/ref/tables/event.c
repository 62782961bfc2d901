/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include "ref/ipcref.h"

const struct event_calls ref_event = {
	.ppoll = ipcref_ppoll,
	.select = ipcref_select,
	.pselect = ipcref_pselect,
	.eventfd = ipcref_eventfd,
	.socketpair = ipcref_socketpair,
	.shutdown = ipcref_shutdown,
};
