/* SPDX-License-Identifier: MIT */
/* IPCTS_RACE_OPTIONS: "name=value" and again, with a colon between. */
#ifndef IPCTS_SCHED_OPTIONS_H
#define IPCTS_SCHED_OPTIONS_H

#include <stdbool.h>

enum { OPTION_PATH_ROOM = 512 };

struct race_options {
	bool detect;	    /* detect=0: the program runs as it is */
	bool halt_on_error; /* the first race is the end */
	bool symbolize;	    /* symbolize=0: addresses do, addr2line isn't asked */
	int exitcode;	    /* of a program with a race; 0: its own */
	char suppressions[OPTION_PATH_ROOM];
	char log_path[OPTION_PATH_ROOM]; /* reports go to PATH.PID */
	char world[OPTION_PATH_ROOM];	 /* where programs that are no kin meet */
};
extern struct race_options race_options;

/* Reads them, and the file of suppressions; what can't be read is one line and exit status 2. */
void options_read(void);

#endif
