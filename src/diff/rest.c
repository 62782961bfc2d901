/* SPDX-License-Identifier: MIT */
#include "diff/rest.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/verbs.h"
#include "stage/wait.h"

/* How long before the next look at somebody who runs. */
enum { LOOK_US = 60, LOOKS = 50000 };
/* In turns: how long who should come back may be busy; who has slept so long is late. */
enum { LATE_BUSY = 300, SLEPT_ON = 10 };

/* Whether /proc tells how long somebody ran, and where he sleeps. */
static bool sees_sleep;

void rest_open(void)
{
	enum { TRIES = 1000 };
	pid_t pid = fork();

	if (pid < 0)
		return;
	if (pid == 0)
		for (;;)
			pause();
	for (int i = 0; i < TRIES && !sees_sleep && can_look(); i++) {
		nap(100);
		sees_sleep = exactly_ran(pid, pid) && sleeps_at_a_place(pid, pid);
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/*
 * Who is about to sleep, or has just been woken to look again and is kept from it by others on a
 * loaded machine, looks asleep, but the kernel knows of no place where it sleeps.
 */
static bool is_seen_asleep(const actor *a, struct look *look)
{
	*look = look_at(a->pid, a->tid);
	return look->state == 'S' && look->exact && sleeps_at_a_place(a->pid, a->tid);
}

/* It has not been awake since. */
static bool sleeps_on(const struct sleeper *s)
{
	return s->is_known && exactly_ran(s->actor->pid, s->actor->tid) == s->asleep.ran &&
	       sleeps_at_a_place(s->actor->pid, s->actor->tid);
}

/* Waits until it has returned or fallen asleep.  False: it runs on and on. */
static bool settle(struct sleeper *s)
{
	actor *a = s->actor;

	s->is_known = false;
	if (!sees_sleep)
		return settles(a);
	for (unsigned look = 0; look < LOOKS; look++) {
		uint32_t news = scene->news;

		if (is_done(a, 0))
			return true;
		if (has_entered(a, 0) && is_seen_asleep(a, &s->asleep)) {
			s->is_known = true;
			return true;
		}
		word_wait_us(&scene->news, news, LOOK_US);
		if (scene->news == news)
			check_life(a);
	}
	return is_done(a, 0);
}

/*
 * Round after round, until one in which nobody has moved since the last: then all slept at once.
 * Where sleep can't be seen for sure, there is one round, and each has been patiently waited for.
 */
const actor *come_to_rest(struct sleeper *const sleepers[], int count)
{
	bool has_returned[DIFF_ACTORS] = {false}, is_moving = true;

	while (is_moving) {
		is_moving = false;
		for (int i = 0; i < count; i++) {
			if (has_returned[i] || sleeps_on(sleepers[i]))
				continue;
			if (!settle(sleepers[i]))
				return sleepers[i]->actor;
			has_returned[i] = is_done(sleepers[i]->actor, 0);
			is_moving = count > 1 && sees_sleep;
		}
	}
	return NULL;
}

bool comes_back_late(actor *a, unsigned turns_asleep, bool *is_late)
{
	struct look before = look_at(a->pid, a->tid);

	for (unsigned turn = 0; turn < patience(LATE_BUSY); turn++) {
		uint32_t news = scene->news;

		if (is_done(a, 0)) {
			*is_late = turn >= SLEPT_ON;
			return true;
		}
		word_wait(&scene->news, news, TURN_MS);
		struct look now = look_at(a->pid, a->tid);
		if (turn >= patience(turns_asleep) && now.state == 'S' && now.exact &&
		    now.ran == before.ran)
			break;
	}
	return is_done(a, 0);
}
