/* SPDX-License-Identifier: MIT */
#include "contract/entry.h"

#include <string.h>

#include "contract/implementation.h"

const struct entry entries[] = {
#define ENTRY(table, function)                                                                     \
	{#table, #table "." #function, offsetof(struct implementation, table),                     \
	 offsetof(struct table##_calls, function)},
#include "contract/all.entries"
#undef ENTRY
	{.name = NULL},
};

enum {
	LISTED = sizeof(entries) / sizeof(entries[0]) - 1,
	THERE_ARE =
		(sizeof(struct event_calls) + sizeof(struct fd_calls) + sizeof(struct fifo_calls) +
		 sizeof(struct lock_calls) + sizeof(struct mq_calls) + sizeof(struct msg_calls) +
		 sizeof(struct pipe_calls) + sizeof(struct sem_calls) +
		 sizeof(struct semset_calls) + sizeof(struct shm_calls) + sizeof(struct sig_calls) +
		 sizeof(struct sock_calls)) /
		sizeof(void (*)(void)),
};
_Static_assert(LISTED == THERE_ARE, "all.entries lists all functions of all tables");

static const void *table_of(const struct implementation *implementation, const struct entry *entry)
{
	const void *table;

	memcpy(&table, (const char *)implementation + entry->table_offset, sizeof(table));
	return table;
}

bool has_table(const struct implementation *implementation, const struct entry *entry)
{
	return table_of(implementation, entry);
}

bool has_entry(const struct implementation *implementation, const struct entry *entry)
{
	const void *table = table_of(implementation, entry);
	void (*function)(void) = NULL;

	if (table)
		memcpy(&function, (const char *)table + entry->offset, sizeof(function));
	return function;
}
