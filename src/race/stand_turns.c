/* SPDX-License-Identifier: MIT */
/* One role at a time: who goes next is the engine's to say. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "race/hook.h"
#include "race/stand.h"
#include "race/turns.h"

enum { LOOK_MS = 50 }; /* between two looks after the dead */

void stand_play_turns(struct stand *stand, unsigned role)
{
	stand_be_harmless();
	race_hook_points(stand->wish->at_accesses, 0);
	turns_become(role);
	for (;;) {
		turns_enter();
		long long value = stand->race->roles[role].play(world_of(stand, 0));
		stand->answers[0][role] = value;
		turns_leave();
	}
}

/* What it leaves behind is there once it is dead. */
static void kill_role(struct stand *stand, pid_t *workers, unsigned role)
{
	kill(workers[role], SIGKILL);
	waitpid(workers[role], NULL, 0);
	workers[role] = 0;
	stand->answers[0][role] = KILLED;
	turns_bury(role, race_hook_is_orphan);
}

/* Until the run is over, or a role has died of itself. */
static unsigned watch_turns(struct stand *stand, pid_t *workers)
{
	unsigned dead = NOBODY;

	while (dead == NOBODY) {
		if (!turns_wait(LOOK_MS))
			dead = stand_find_dead(workers, stand->roles);
		else if (turns_victim() != NOBODY)
			kill_role(stand, workers, turns_victim());
		else
			break;
	}
	return dead;
}

static unsigned mortals_of(const struct race *race)
{
	return (1u << race->mortals) - 1;
}

/* One run.  False: the world, or those who play, are no good for another. */
static bool run_once(struct stand *stand, pid_t *workers)
{
	long long after = 0;

	for (unsigned role = 0; role < stand->roles; role++)
		stand->answers[0][role] = NO_ANSWER;
	turns_begin(stand->roles, mortals_of(stand->race));
	unsigned dead = watch_turns(stand, workers);
	if (dead != NOBODY) {
		stand->answers[0][dead] = DIED;
		stand_count(stand, stand->answers[0], NULL, true);
		return false;
	}
	if (turns->is_stuck) {
		for (unsigned role = 0; role < stand->roles; role++)
			if (turns->role[role].state != TURNS_OVER)
				stand->answers[0][role] = NEVER;
		stand_count(stand, stand->answers[0], NULL, true);
		return false;
	}
	stand->is_after = true;
	if (stand->race->after)
		after = stand->race->after(world_of(stand, 0));
	stand->is_after = false;
	return !stand_count(stand, stand->answers[0], &after, true) && !turns->is_bereft;
}

enum box_end stand_run_turns(struct stand *stand, pid_t *workers)
{
	const double begin = stand->began;

	for (;;) {
		alarm(box_seconds());
		bool is_good = run_once(stand, workers);
		bool is_next = engine_next(&turns->engine);

		stand->tally->seconds = now() - begin;
		if (!is_next || !stand_is_wanted(stand, begin))
			return BOX_DONE;
		if (!is_good)
			return BOX_AGAIN;
	}
}
