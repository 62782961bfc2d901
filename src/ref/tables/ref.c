/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include <string.h>

/* Why an entry is null: what user space can't have. */
static const char *lacks(const char *operation)
{
	static const struct {
		const char *operation, *reason;
	} reasons[] = {
		{"event.epoll_create1", "left to Linux: poll and select wait for many here"},
		{"event.timerfd_create", "left to Linux: a timer is no communication"},
		{"mq.limit_bytes", "a user's share of memory is the kernel's to count"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(operation, reasons[i].operation) == 0)
			return reasons[i].reason;
	return NULL;
}

extern const struct implementation posix_implementation, ref_implementation;

const struct implementation ref_implementation = {
	.name = "ref",
	.lacks = lacks,
	.means = &posix_implementation,
	.fd = &ref_fd,
	.mq = &ref_mq,
	.event = &ref_event,
};
