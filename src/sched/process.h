/* SPDX-License-Identifier: MIT */
/* What can be seen of a process from outside. */
#ifndef IPCTS_SCHED_PROCESS_H
#define IPCTS_SCHED_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Dead, whether or not its parent has noticed; status: as waitpid tells it, if the kernel lets see.
 */
bool process_is_dead(pid_t pid, int *status);
/* Waits until it is; false: not within so many milliseconds. */
bool process_await_death(pid_t pid, int milliseconds, int *status);
/* The letter of its state: 'R', 'S' ...; 0: it can't be seen. */
char process_state(pid_t pid);
/* The call it is in: "poll", or "system call 7". */
void process_call(pid_t pid, char *name, size_t size);
/* Kills each child of that process. */
void process_kill_children(pid_t parent);

#endif
