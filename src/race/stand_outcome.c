/* SPDX-License-Identifier: MIT */
/* What has come of a run, in words, and whether that is in the list. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "race/stand.h"
#include "race/turns.h"
#include "report/baseline.h"

static size_t say_answer(char *text, size_t room, long long value)
{
	static const struct {
		int number;
		const char *name;
	} errors[] = {
		{EAGAIN, "EAGAIN"},
		{EBADF, "EBADF"},
		{EBUSY, "EBUSY"},
		{EEXIST, "EEXIST"},
		{EIDRM, "EIDRM"},
		{EINTR, "EINTR"},
		{EINVAL, "EINVAL"},
		{ENOENT, "ENOENT"},
		{ENOMSG, "ENOMSG"},
		{ENXIO, "ENXIO"},
		{EPIPE, "EPIPE"},
		{ETIMEDOUT, "ETIMEDOUT"},
		{ECONNREFUSED, "ECONNREFUSED"},
		{EBADMSG, "EBADMSG"},
	};

	if (value == NEVER)
		return (size_t)snprintf(text, room, "never");
	if (value == DIED)
		return (size_t)snprintf(text, room, "died");
	if (value == KILLED)
		return (size_t)snprintf(text, room, "killed");
	if (value == NO_ANSWER)
		return (size_t)snprintf(text, room, "?");
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (value == -errors[i].number)
			return (size_t)snprintf(text, room, "-%s", errors[i].name);
	return (size_t)snprintf(text, room, "%lld", value);
}

/* One who waits for ever, or has died, leaves nothing behind that could be asked for. */
static void say_outcome(const struct race *race, const long long *answers, unsigned roles,
			const long long *after, bool is_late, char text[RACE_OUTCOME_MAX])
{
	size_t size = 0;

	text[0] = '\0';
	for (unsigned role = 0; role < roles && size + 24 < RACE_OUTCOME_MAX; role++) {
		if (role)
			text[size++] = ' ';
		size += say_answer(text + size, RACE_OUTCOME_MAX - size, answers[role]);
	}
	if (race->after && after && size + 28 < RACE_OUTCOME_MAX) {
		size += (size_t)snprintf(text + size, RACE_OUTCOME_MAX - size, " | ");
		size += say_answer(text + size, RACE_OUTCOME_MAX - size, *after);
	}
	if (is_late)
		snprintf(text + size, RACE_OUTCOME_MAX - size, " late");
}

static struct race_seen *find_outcome(const struct race *race, struct race_tally *tally,
				      const char *outcome)
{
	struct race_seen *seen = tally->seen;

	while (seen < tally->seen + tally->seen_count && strcmp(seen->outcome, outcome) != 0)
		seen++;
	if (seen < tally->seen + tally->seen_count)
		return seen;
	if (tally->seen_count == RACE_SEEN_MAX) { /* the last stands for all others */
		seen = &tally->seen[RACE_SEEN_MAX - 1];
		seen->grade = FORBIDDEN;
		return seen;
	}
	tally->seen_count++;
	*seen = (struct race_seen){.run = tally->runs};
	snprintf(seen->outcome, sizeof(seen->outcome), "%s", outcome);
	for (unsigned i = 0; i < RACE_OUTCOMES_MAX && race->outcomes[i].outcome; i++)
		if (glob_matches(race->outcomes[i].outcome, outcome)) {
			seen->grade = race->outcomes[i].grade;
			seen->why = race->outcomes[i].why;
			break;
		}
	return seen;
}

static void keep_story(struct race_tally *tally)
{
	tally->schedule = turns->taken;
	tally->steps = 0;
	for (unsigned i = 0; i < turns->traced && tally->steps < RACE_STORY_MAX; i++)
		tally->story[tally->steps++] = (struct race_step){
			turns->trace[i].what, turns->trace[i].pc, turns->trace[i].role};
}

static bool is_looked_for(const struct race_wish *wish, const char *outcome)
{
	return wish->outcome && strcmp(wish->outcome, outcome) == 0;
}

bool stand_count(struct stand *stand, const long long *answers, const long long *after,
		 bool by_turns)
{
	struct race_tally *tally = stand->tally;
	char outcome[RACE_OUTCOME_MAX];

	say_outcome(stand->race, answers, stand->roles, after, by_turns && turns->is_late, outcome);
	tally->runs++;

	struct race_seen *seen = find_outcome(stand->race, tally, outcome);
	seen->times++;
	if (seen->grade != FORBIDDEN)
		return false;
	if (tally->forbidden++ > 0 && !is_looked_for(stand->wish, outcome))
		return true;
	snprintf(tally->outcome, sizeof(tally->outcome), "%s", outcome);
	if (by_turns)
		keep_story(tally);
	return true;
}

bool stand_is_wanted(const struct stand *stand, double begin)
{
	const struct race_wish *wish = stand->wish;
	const struct race_tally *tally = stand->tally;

	if (wish->ends_at_first && tally->forbidden &&
	    (!wish->outcome || is_looked_for(wish, tally->outcome)))
		return false;
	return tally->runs < wish->runs && now() - begin < wish->seconds;
}
