/* SPDX-License-Identifier: MIT */
/*
 * Death after every instruction.  A victim, a child of an actor, performs one operation and is
 * killed after the first instruction of it; the next victim after the second, and so on, until one
 * has come through.  No source is needed for that, only a processor that goes step by step
 * (ptrace(2)).  What must be true after any such death is for the audit to say.  Or it is not
 *killed, but held there while others go on, and lives.
 *
 *	static const struct last_act posting = {
 *		.name = "sem_post", .enter = find, .prepare = make, .act = post, .audit = count};
 *
 *	TEST(sem, count_survives_a_kill_after_any_instruction)
 *	{
 *		actor *alice = cast("alice");
 *
 *		does(alice, sem.make("s", 1));
 *		is_killed_after_each_instruction(alice, "s", &posting);
 *	}
 */
#ifndef IPCTS_STAGE_INSTRUCTION_H
#define IPCTS_STAGE_INSTRUCTION_H

#include "stage/stage.h"

/* How far the victim came. */
struct death {
	bool came_through; /* the act was done, with this result, before it was killed */
	int result;
	bool was_roused;
};

/* One operation, and what is around it.  All but what the victim does happens in the actor. */
struct last_act {
	const char *name;
	/* Once: finds what the act is about; NULL: nothing. */
	void (*enter)(const char *text);
	/* All is as it was at first, whatever the last victim has left. */
	void (*prepare)(void);
	/* The victim, before anybody kills it; NULL: nothing. */
	void (*approach)(void);
	/* When the victim is about to act: sends for bystanders; NULL: nobody. */
	void (*beside)(void);
	/* The victim, at each instruction of this. */
	int (*act)(void);
	/* The victim is asleep: lets it go on.  NULL: it never sleeps. */
	void (*rouse)(void);
	/* The victim stands still after an instruction, and lives on after this; NULL: it is
	 * killed. */
	void (*meanwhile)(void);
	/* What isn't as it has to be, as a clause of the message; NULL: nothing. */
	const char *(*audit)(const struct death *death);
};

/*
 * Plays the act in an idle actor, each time with another victim; text is for enter.  Where no
 * process can be stepped the test is skipped.  Where the act is long and the time short, it is not
 * each instruction but a number of them, spread over all.
 */
#define is_killed_after_each_instruction(a, text, act)                                             \
	HERE(stage_is_stopped_after_each_instruction(a, text, act))
#define is_held_after_each_instruction(a, text, act)                                               \
	HERE(stage_is_stopped_after_each_instruction(a, text, act))
void stage_is_stopped_after_each_instruction(actor *a, const char *text,
					     const struct last_act *act);

/* -- bystanders, in the functions of an act ------------------------------------------------- */

/* A child that does this and is asleep in it; if it can't be seen to be, the test is skipped. */
pid_t bystander(int (*part)(void));
/* What came of it, within patience; NEVER: nothing, and it lives no more. */
enum { NEVER = -1 };
int bystander_returns(pid_t pid);
/* It has come to its end, which is still to be asked for; false: it is asleep in what it does. */
bool bystander_is_through(pid_t pid);
/* The same as bystander_returns for a child that need not wait: what it does may never return. */
int child_returns(int (*part)(void));

#endif
