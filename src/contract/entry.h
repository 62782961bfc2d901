/* SPDX-License-Identifier: MIT */
/* The entries of an implementation's tables by name, to tell which it lacks. */
#ifndef IPCTS_CONTRACT_ENTRY_H
#define IPCTS_CONTRACT_ENTRY_H

#include <stdbool.h>
#include <stddef.h>

struct implementation;

struct entry {
	const char *table; /* "mq" */
	const char *name;  /* "mq.mq_send", as lacks() is asked for it */
	size_t table_offset, offset;
};

/* All of all tables, each table's together; one without a name ends them. */
extern const struct entry entries[];

bool has_table(const struct implementation *implementation, const struct entry *entry);
bool has_entry(const struct implementation *implementation, const struct entry *entry);

#endif
