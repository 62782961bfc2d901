/* SPDX-License-Identifier: MIT */
#include "stage/bystander.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/actor.h"
#include "stage/instruction.h"
#include "stage/observe.h"
#include "stage/scene.h"
#include "stage/verbs.h"
#include "stage/wait.h"

/* In turns of TURN_MS: a bystander comes back, somebody falls asleep. */
enum { BYSTANDER_PATIENCE = 300 };
/* Looks without a pause between them: who is about to do something mostly does it at once. */
enum { QUICK_LOOKS = 200 };
/* Who sleeps is seen in the same sleep a turn later, in one of so many turns. */
enum { TURNS_OF_A_SLEEP = 3 };

/* Whether a bystander is in what it does. */
enum { BYSTANDER_WORD = SHARED_WORDS - 4 };

static const char *act;

/* The last bystander, until it is asked for; 0: none. */
static pid_t latest;
static bool is_held;

/* -- children ------------------------------------------------------------------------------- */

pid_t fork_unlisted(void)
{
	pid_t parent = getpid();

	scene_enlists(false);
	pid_t pid = fork();
	scene_enlists(true);
	if (pid < 0)
		scene_end(ERROR, HOW_ENVIRONMENT, "no process can be started: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

pid_t wait_for_child(pid_t pid, int *status, int options, struct rusage *usage)
{
	pid_t result;

	while ((result = wait4(pid, status, options, usage)) < 0 && errno == EINTR)
		continue;
	return result;
}

void end_child(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	while (wait_for_child(pid, &status, 0, NULL) == pid && WIFSTOPPED(status))
		continue;
}

/* -- who sleeps ----------------------------------------------------------------------------- */

/*
 * Without a futex one waits by napping again and again, a millisecond at most.  A nap is over soon
 * whether somebody is to go on or not, and is seldom seen where others have the processor
 * meanwhile; but naps are counted.  All who wait in an act do it in the same way.
 */
static enum { UNKNOWN, SLEEP, NAP } habit;

/* Whether one and the same sleep lasts from now to the end of this. */
static bool sleeps_during(pid_t pid, void (*pause)(void))
{
	struct look first = look_at(pid, pid);

	if (first.state != 'S')
		return false;
	pause();
	struct look second = look_at(pid, pid);

	return second.state == 'S' && second.ran == first.ran;
}

static void wait_a_turn(void)
{
	nap(TURN_MS * 1000);
}

void see_how_one_sleeps(pid_t pid)
{
	if (habit != UNKNOWN)
		return;
	habit = NAP;
	for (int i = 0; i < TURNS_OF_A_SLEEP && habit == NAP; i++)
		if (sleeps_during(pid, wait_a_turn))
			habit = SLEEP;
}

struct sleeper sleeper_from_now(pid_t pid)
{
	return (struct sleeper){.pid = pid, .before = times_slept(pid, pid)};
}

static bool has_napped(const struct sleeper *sleeper, unsigned times)
{
	return times_slept(sleeper->pid, sleeper->pid) >= sleeper->before + times;
}

bool waits(const struct sleeper *sleeper)
{
	return sleeps_during(sleeper->pid, give_way) || has_napped(sleeper, FEW_NAPS);
}

bool waits_in_vain(const struct sleeper *sleeper)
{
	if (habit == NAP && sleeper->before)
		return has_napped(sleeper, MANY_NAPS);
	return sleeps_during(sleeper->pid, give_way);
}

void require_sight(void)
{
	if (!can_look())
		skip("without /proc nobody can tell who is asleep");
}

bool look_goes_on(unsigned *looks)
{
	if (++*looks < QUICK_LOOKS)
		give_way();
	else
		wait_a_turn();
	return *looks < QUICK_LOOKS + patience(BYSTANDER_PATIENCE);
}

/* -- bystanders ----------------------------------------------------------------------------- */

pid_t bystander(int (*part)(void))
{
	unsigned looks = 0;
	int status;

	require_sight();
	shared()[BYSTANDER_WORD] = 0;
	pid_t pid = fork_unlisted();

	if (pid == 0) {
		shared()[BYSTANDER_WORD] = 1;
		_exit(part());
	}
	struct sleeper sleeper = {.pid = pid};
	while (!shared()[BYSTANDER_WORD] || !waits(&sleeper)) {
		if (wait_for_child(pid, &status, WNOHANG, NULL) == pid)
			scene_end(FAIL, HOW_PLAIN, "%s: who was to wait beside it did not", act);
		if (!look_goes_on(&looks))
			scene_end(FAIL, HOW_PLAIN, "%s: who was to wait beside it runs on and on",
				  act);
	}
	see_how_one_sleeps(pid);
	latest = pid;
	is_held = false;
	return pid;
}

void hold_who_naps(void)
{
	is_held = habit == NAP && latest && kill(latest, SIGSTOP) == 0;
}

void let_go_whom_one_holds(void)
{
	if (is_held)
		kill(latest, SIGCONT);
	is_held = false;
}

bool child_ends(pid_t pid, int *status)
{
	unsigned looks = 0;

	do {
		if (wait_for_child(pid, status, WNOHANG, NULL) == pid)
			return true;
	} while (look_goes_on(&looks));
	end_child(pid);
	return false;
}

int bystander_returns(pid_t pid)
{
	int status;

	if (pid == latest)
		latest = 0;
	return child_ends(pid, &status) && WIFEXITED(status) ? WEXITSTATUS(status) : NEVER;
}

bool bystander_is_through(pid_t pid)
{
	struct sleeper sleeper = sleeper_from_now(pid);
	unsigned looks = 0;

	while (look_at(pid, pid).state != 'Z') {
		if (waits_in_vain(&sleeper))
			return false;
		if (!look_goes_on(&looks))
			scene_end(FAIL, HOW_PLAIN, "%s: who waits beside it runs on and on", act);
	}
	return true;
}

int child_returns(int (*part)(void))
{
	pid_t pid = fork_unlisted();

	if (pid == 0)
		_exit(part());
	return bystander_returns(pid);
}

void attend(const char *to)
{
	act = to;
	habit = UNKNOWN;
	latest = 0;
	is_held = false;
}
