/* SPDX-License-Identifier: MIT */
/*
 * Blocked or not: the proof is a sleep in which nothing runs, look after look; where a platform
 * shows less of a process, more looks, and in the end patience.
 */
#include <string.h>

#include "stage/observe.h"
#include "stage/transcript.h"
#include "stage/verbs.h"
#include "stage/wait.h"

/* Looks that all show the same sleep. */
enum { LOOKS = 3, LOOK_US = 300, COARSE_LOOKS = 12, COARSE_LOOK_US = 1000 };
/* Turns in which who waits by polling is seen asleep again and again. */
enum { POLLER_TURNS = 30 };

_Noreturn static void fail_of_return(actor *a)
{
	char what[256], result[256];

	transcript_return(a);
	a->judged = a->done;
	if (a->outcome.absent[0]) {
		scene_verdict(SKIP, HOW_ABSENT, "%s", a->outcome.absent);
		end_story();
	}
	skip_if_absent(a);
	describe_order(a, what, sizeof(what));
	describe_outcome(a, result, sizeof(result));
	end_failed(HOW_PLAIN, "%s: %s was to block, but %s", a->name, what, result);
}

/* Asleep in one place, look after look: the proof.  False: not so, or it can't be seen. */
bool is_asleep(actor *a)
{
	struct look first = look_at(a->pid, a->tid);
	int looks = first.exact ? LOOKS : COARSE_LOOKS;

	for (int i = 1; i < looks && first.state == 'S'; i++) {
		nap(first.exact ? LOOK_US : COARSE_LOOK_US);
		struct look look = look_at(a->pid, a->tid);

		if (look.state != 'S' || look.ran != first.ran || is_done(a, 0))
			return false;
	}
	return first.state == 'S' && !is_done(a, 0);
}

/*
 * The long way: who waits by polling is seen asleep at times, and runs little; who can't be seen at
 * all is believed to be blocked when it isn't back for a while.
 */
static bool is_blocked(actor *a)
{
	struct look before = look_at(a->pid, a->tid);
	unsigned turns = patience(before.state == '?' ? BLIND_TURNS : POLLER_TURNS);
	unsigned asleep = 0;
	double began = seconds_now();

	for (unsigned turn = 0; turn < turns; turn++) {
		if (is_done(a, 0) || (before.state != '?' && is_asleep(a)))
			return true;
		check_life(a);
		asleep += look_at(a->pid, a->tid).state == 'S';
		nap(TURN_MS * 1000);
	}
	struct look after = look_at(a->pid, a->tid);
	double ran = (double)(after.ran - before.ran) / 1e9;

	/* who spins is never seen asleep, and who polls not always, if others want the processor */
	return before.state == '?' || (asleep > turns / 8 && ran < (seconds_now() - began) / 5);
}

/*
 * An operation with a timeout may be over before anybody has looked, on a loaded machine: that it
 * waited is then told by its time.
 */
static bool has_had_its_time(const actor *a)
{
	const char *shows = op_descriptions[a->order.code].shows, *end = strstr(shows, " -> ");
	size_t number = 0;

	for (const char *s = shows; *s && s != end; s++) {
		if (*s != '%' || !*++s || strchr("hob", *s))
			continue;
		if (*s == 't')
			return a->order.n[number] >= 0 &&
			       seconds_now() - a->begun >= (double)a->order.n[number] / 1e3;
		number++;
	}
	return false;
}

bool settles(actor *a)
{
	if (!look_until(a, has_entered, 0))
		end_in_error("%s never began its operation", a->name);

	/* a loaded machine may keep somebody from falling asleep */
	for (unsigned tries = 0; tries < 30; tries++)
		if (is_blocked(a))
			return true;
	return false;
}

void stage_blocks(actor *a)
{
	char what[256];

	end_if_judged();
	require_busy(a, "blocks");
	if (a->is_frozen)
		end_in_error("blocks: %s is frozen, and nothing can be told of it", a->name);
	if (!settles(a)) {
		describe_order(a, what, sizeof(what));
		end_failed(HOW_PLAIN, "%s: %s was to block, but runs on and on", a->name, what);
	}
	if (is_done(a, 0) && !has_had_its_time(a))
		fail_of_return(a);
	a->watched = true;
	transcript_act(a, is_done(a, 0) ? "... has had its time" : "... is blocked");
}
