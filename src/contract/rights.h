/* SPDX-License-Identifier: MIT */
/* Whose bits of a mode count: the owner's, or the group's, or the others', and none besides. */
#ifndef IPCTS_CONTRACT_RIGHTS_H
#define IPCTS_CONTRACT_RIGHTS_H

#include <stdbool.h>

/* The owner's user and group, and those of somebody else. */
enum { OWNER = 65534, GROUP = 65533, OTHER = 65532, OTHER_GROUP = 65531 };

struct right {
	const char *name;
	int mode;
	bool may_read, may_write;
};

static const struct right owners[] = {
	{"0600", 0600, true, true},   {"0400", 0400, true, false},  {"0200", 0200, false, true},
	{"0066", 0066, false, false}, {"0466", 0466, true, false},  {"0266", 0266, false, true},
	{"0666", 0666, true, true},   {"0000", 0000, false, false},
};

static const struct right members[] = {
	{"0660", 0660, true, true},   {"0640", 0640, true, false},  {"0620", 0620, false, true},
	{"0606", 0606, false, false}, {"0646", 0646, true, false},  {"0626", 0626, false, true},
	{"0666", 0666, true, true},   {"0600", 0600, false, false},
};

static const struct right others[] = {
	{"0606", 0606, true, true},   {"0604", 0604, true, false},  {"0602", 0602, false, true},
	{"0660", 0660, false, false}, {"0664", 0664, true, false},  {"0662", 0662, false, true},
	{"0666", 0666, true, true},   {"0600", 0600, false, false},
};

#endif
