/* SPDX-License-Identifier: MIT */
/* All roles at once, in many worlds one after the other. */
#include <sched.h>
#include <time.h>
#include <unistd.h>

#include "race/hook.h"
#include "race/stand.h"
#include "sched/engine.h"

enum {
	PATIENCE_MS = 5000, /* without any progress: it is for ever */
	SPINS = 300,
	PATIENCE_TURNS = 300, /* looks at whether others have come, too */
};

/* Who waits for a long while, without a kernel's help: nanoseconds, more and more of them. */
static void wait_a_little(unsigned *looks)
{
	struct timespec pause = {0, 50000};

	if (++*looks < SPINS)
		sched_yield();
	else
		nanosleep(&pause, NULL);
}

/* Whoever doesn't run can't be met. */
static void meet(struct stand *stand, uint32_t instance, unsigned *patience)
{
	for (unsigned looks = 0; looks < *patience; looks++) {
		unsigned here = 0;

		for (unsigned role = 0; role < stand->roles; role++)
			here += atomic_load_explicit(&stand->at[role].instance,
						     memory_order_relaxed) >= instance;
		if (here == stand->roles)
			return;
	}
	*patience = 0;
}

void stand_play_at_once(struct stand *stand, unsigned role)
{
	uint64_t noise = stand->wish->way == BY_NOISE
				 ? (stand->wish->seed + role + 1) * UINT64_C(0x9e3779b97f4a7c15)
				 : 0;

	stand_be_harmless();
	race_hook_points(false, noise);
	for (uint32_t batch = 1;; batch++) {
		unsigned looks = 0, patience = PATIENCE_TURNS;

		while (atomic_load(&stand->batch) != batch)
			wait_a_little(&looks);
		for (uint32_t i = 0; i < stand->worlds; i++) {
			atomic_store(&stand->at[role].instance, i + 1);
			meet(stand, i + 1, &patience);
			race_step("begins");
			stand->answers[i][role] = stand->race->roles[role].play(world_of(stand, i));
		}
		atomic_fetch_add(&stand->arrived, 1);
	}
}

static uint64_t progress_of(const struct stand *stand)
{
	uint64_t sum = 0;

	for (unsigned role = 0; role < stand->roles; role++)
		sum += atomic_load(&stand->at[role].instance);
	return sum + atomic_load(&stand->arrived);
}

/* Until all have played the batch.  False: somebody waits for ever, or (*dead) has died. */
static bool await_batch(struct stand *stand, const pid_t *workers, unsigned *dead)
{
	unsigned wished = stand->wish->patience_ms;
	double since = now(), patience = (wished ? wished : PATIENCE_MS) * time_scale();
	uint64_t progress = progress_of(stand);
	unsigned looks = 0;

	*dead = NOBODY;
	while (atomic_load(&stand->arrived) < stand->roles) {
		uint64_t further;

		wait_a_little(&looks);
		if (looks < SPINS || looks % SPINS)
			continue;
		if ((*dead = stand_find_dead(workers, stand->roles)) != NOBODY)
			return false;
		further = progress_of(stand);
		if (further != progress)
			since = now();
		else if ((now() - since) * 1e3 > patience)
			return false;
		progress = further;
	}
	return true;
}

/* Of a batch that has come to no end: those before the first unfinished one were as they were. */
static void count_broken_batch(struct stand *stand, unsigned dead)
{
	for (unsigned i = 0; i < stand->worlds; i++) {
		bool is_whole = true;

		for (unsigned role = 0; role < stand->roles; role++)
			is_whole &= stand->answers[i][role] != NO_ANSWER;
		if (is_whole)
			continue;
		for (unsigned role = 0; role < stand->roles; role++)
			if (stand->answers[i][role] == NO_ANSWER)
				stand->answers[i][role] = role == dead ? DIED : NEVER;
		stand_count(stand, stand->answers[i], NULL, false);
		return;
	}
}

static bool count_batch(struct stand *stand)
{
	bool is_good = true;

	for (unsigned i = 0; i < stand->worlds; i++) {
		long long after = 0;

		stand->is_after = true;
		if (stand->race->after)
			after = stand->race->after(world_of(stand, i));
		stand->is_after = false;
		is_good &= !stand_count(stand, stand->answers[i], &after, false);
	}
	return is_good;
}

enum box_end stand_run_at_once(struct stand *stand, const pid_t *workers)
{
	const double begin = stand->began;

	for (uint32_t batch = 1;; batch++) {
		unsigned dead;

		alarm(box_seconds());
		for (unsigned i = 0; i < stand->worlds; i++)
			for (unsigned role = 0; role < stand->roles; role++)
				stand->answers[i][role] = NO_ANSWER;
		for (unsigned role = 0; role < stand->roles; role++)
			atomic_store(&stand->at[role].instance, 0);
		atomic_store(&stand->arrived, 0);
		atomic_store(&stand->batch, batch);

		bool is_whole = await_batch(stand, workers, &dead);
		bool is_good = is_whole && count_batch(stand);
		if (!is_whole)
			count_broken_batch(stand, dead);
		stand->tally->seconds = now() - begin;
		if (!stand_is_wanted(stand, begin))
			return BOX_DONE;
		if (!is_good)
			return BOX_AGAIN;
	}
}
