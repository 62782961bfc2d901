/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include "ref/ipcref.h"

static mqd_t mq_open_all(const char *name, int flags, mode_t mode, struct mq_attr *attributes)
{
	return ipcref_mq_open(name, flags, mode, attributes);
}

static long priority_limit(void)
{
	return 32768;
}

const struct mq_calls ref_mq = {
	.mq_open = mq_open_all,
	.mq_close = ipcref_mq_close,
	.mq_unlink = ipcref_mq_unlink,
	.mq_send = ipcref_mq_send,
	.mq_timedsend = ipcref_mq_timedsend,
	.mq_receive = ipcref_mq_receive,
	.mq_timedreceive = ipcref_mq_timedreceive,
	.mq_getattr = ipcref_mq_getattr,
	.mq_setattr = ipcref_mq_setattr,
	.mq_notify = ipcref_mq_notify,
	.priority_limit = priority_limit,
};
