/* SPDX-License-Identifier: MIT */
/*
 * Those whom an actor starts around one act (instruction.h), and how it sees what they do: the
 * bystanders, whose part for tests is declared there, and what the victim has in common with them.
 */
#ifndef IPCTS_STAGE_BYSTANDER_H
#define IPCTS_STAGE_BYSTANDER_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

/* Before all others: what is played is called so. */
void attend(const char *act);

/* A child that the actor waits for itself, so that the box needs no note of thousands. */
pid_t fork_unlisted(void);
/* wait4, whatever handlers run meanwhile; usage may be NULL. */
pid_t wait_for_child(pid_t pid, int *status, int options, struct rusage *usage);
void end_child(pid_t pid);
/* False: it did not end within patience, and has been made an end of. */
bool child_ends(pid_t pid, int *status);

/* Skips the test where nobody can be seen. */
void require_sight(void);
/* Between two looks: soon at first, then turn by turn.  False: there have been enough. */
bool look_goes_on(unsigned *looks);

/* Somebody who may be waiting, and how often it had slept, or stopped, before one looks for that.
 */
struct sleeper {
	pid_t pid;
	unsigned long long before;
};
struct sleeper sleeper_from_now(pid_t pid);
/* Who has looked so often between two naps is in its wait, or has looked in vain. */
enum { FEW_NAPS = 2, MANY_NAPS = 4 };
/* It is asleep, or naps again and again. */
bool waits(const struct sleeper *sleeper);
/* It was roused, perhaps, and waits still: not for long, if it naps, but for many naps. */
bool waits_in_vain(const struct sleeper *sleeper);
/* Of the first who waits, and whom nobody rouses meanwhile: how one does it here. */
void see_how_one_sleeps(pid_t pid);

/*
 * A victim that is stepped comes too late for whatever a bystander looks for between two naps; so
 * that one, if it naps, stands still, till the victim is gone.  One who sleeps stays as it is, for
 * to be stopped is to be woken.
 */
void hold_who_naps(void);
void let_go_whom_one_holds(void);

#endif
