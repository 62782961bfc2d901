/* SPDX-License-Identifier: MIT */
/* Schedules as text, and the shorter ones that do as well. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "race/play.h"

/* "0.14.1", "0.14.k1" or "0.14.b1", at the beginning of the text; NULL: neither. */
static const char *read_directive(const char *text, struct schedule *schedule)
{
	unsigned actor, to;
	unsigned long done;
	int size = 0;
	unsigned from;

	if (sscanf(text, "%u.%lu.%n", &actor, &done, &size) != 2 || !size || done > UINT32_MAX ||
	    (actor >= RACE_ROLES_MAX && actor != NOBODY))
		return NULL;
	text += size;
	from = *text == 'k' ? DEATH_FROM : *text == 'b' ? BUFFER_FROM : 0;
	text += from > 0;
	if (sscanf(text, "%u%n", &to, &size) != 1 || to >= RACE_ROLES_MAX ||
	    schedule->count == DIRECTIVES_MAX)
		return NULL;
	schedule->shadowed |= from > 0;
	schedule->directives[schedule->count++] =
		(struct directive){(uint8_t)actor, (uint8_t)(from + to), (uint32_t)done};
	return text + size;
}

bool race_schedule_read(const char *text, struct schedule *schedule)
{
	schedule->count = 0;
	schedule->shadowed = false;
	if (strcmp(text, "-") == 0)
		return true;
	for (;;) {
		text = read_directive(text, schedule);
		if (!text)
			return false;
		if (!*text)
			return true;
		if (*text++ != ',')
			return false;
	}
}

enum { SHORTER_RUNS = 1000, SHORTER_BOUND = 2, SHORTER_SECONDS = 2 };

/* Whether the outcome comes of it with fewer switches: then those are the tally's. */
static bool take_if_shorter(const struct race *race, const struct race_wish *wish,
			    struct race_tally *tally, struct race_tally *trial)
{
	race_play(race, wish, trial);
	if (!trial->forbidden || strcmp(trial->outcome, tally->outcome) != 0 ||
	    trial->schedule.count >= tally->schedule.count)
		return false;
	tally->schedule = trial->schedule;
	memcpy(tally->story, trial->story, sizeof(tally->story));
	tally->steps = trial->steps;
	return true;
}

static void leave_out_switches(const struct race *race, const struct race_wish *as,
			       struct race_tally *tally, struct race_tally *trial,
			       struct schedule *shorter)
{
	const struct race_wish wish = {.engine = ENGINE_REPLAY,
				       .at_accesses = as->at_accesses,
				       .kills = as->kills,
				       .runs = 1,
				       .seconds = SHORTER_SECONDS,
				       .schedule = shorter};

	for (uint32_t i = tally->schedule.count; i-- > 0;) {
		if (i >= tally->schedule.count)
			continue; /* more than one has gone */
		*shorter = tally->schedule;
		memmove(&shorter->directives[i], &shorter->directives[i + 1],
			(shorter->count - i - 1) * sizeof(shorter->directives[0]));
		shorter->count--;
		take_if_shorter(race, &wish, tally, trial);
	}
}

void race_shorten(const struct race *race, const struct race_wish *as, struct race_tally *tally)
{
	struct race_tally *trial = race_tally_make();
	struct schedule *shorter = malloc(sizeof(*shorter));
	char outcome[RACE_OUTCOME_MAX];

	memcpy(outcome, tally->outcome, sizeof(outcome));
	for (unsigned bound = 1; trial && bound <= SHORTER_BOUND; bound++) {
		const struct race_wish wish = {.engine = ENGINE_BOUNDED,
					       .at_accesses = as->at_accesses,
					       .kills = as->kills,
					       .runs = SHORTER_RUNS,
					       .seconds = SHORTER_SECONDS,
					       .ends_at_first = true,
					       .outcome = outcome,
					       .bound = bound};

		if (tally->schedule.count > bound && take_if_shorter(race, &wish, tally, trial))
			break;
	}
	if (trial && shorter)
		leave_out_switches(race, as, tally, trial, shorter);
	free(shorter);
	if (trial)
		race_tally_free(trial);
}
