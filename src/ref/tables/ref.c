/* SPDX-License-Identifier: MIT */
#include "ref/tables/tables.h"

#include <stdlib.h>
#include <string.h>

/* Why an entry is null: what user space can't have. */
static const char *lacks(const char *operation)
{
	static const struct {
		const char *operation, *reason;
	} reasons[] = {
		{"mq.limit_bytes", "a user's share of memory is the kernel's to count"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(operation, reasons[i].operation) == 0)
			return reasons[i].reason;
	return NULL;
}

/* What a user has chosen stays. */
static void enter(const char *directory)
{
	setenv("IPCREF_NAMESPACE", directory, 0);
}

extern const struct implementation posix_implementation, ref_implementation;

const struct implementation ref_implementation = {
	.name = "ref",
	.lacks = lacks,
	.enter = enter,
	.means = &posix_implementation,
	.fd = &ref_fd,
	.mq = &ref_mq,
	.shm = &ref_shm,
};
