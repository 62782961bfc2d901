/* SPDX-License-Identifier: MIT */
/* Carries out, in the actor it is meant for, the fault of the turn: at the points of the reference.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "fault/campaign/campaign.h"
#include "ref/step.h"
#include "stage/actor.h"
#include "stage/scene.h"
#include "stage/wait.h"

/*
 * NULL: it isn't for this thread, in this operation.  What a thread does that the implementation
 * has started may be a part of it.
 */
static struct injection *injection_here(void)
{
	const actor *a = current_actor();
	int number = scene->injection.actor;

	if (!a && number >= 0 && scene->injection.counts_threads &&
	    scene->actors[number].pid == getpid())
		a = &scene->actors[number];
	if (!a || a - scene->actors != number || a->ordered != scene->injection.order)
		return NULL;
	return &scene->injection;
}

/* The point counts so many times; the how many-th of them is due, from 0, or -1. */
static int due(struct injection *injection, const char *point, unsigned times)
{
	size_t number = point_number(point);

	if (number == point_count())
		scene_end(ERROR, HOW_PLAIN, "%s: a point that nobody knows", point);
	if (injection->seen[number] == POINT_UNSEEN)
		injection->seen[number] = POINT_PASSED;
	if (!point_is_chosen(number) || injection->is_traced)
		return -1;
	return campaign_due(injection, number, times);
}

static void note(struct injection *injection, const char *point)
{
	injection->seen[point_number(point)] = POINT_HIT;
	snprintf(injection->point, sizeof(injection->point), "%s", point);
	injection->injected++;
}

static void step(const char *point)
{
	struct injection *injection = injection_here();
	int error = errno;

	if (!injection || is_an_answer((enum fault_kind)injection->does) ||
	    due(injection, point, 1) < 0)
		return;
	note(injection, point);
	switch (injection->does) {
	case FAULT_kill:
		kill(getpid(), SIGKILL);
		for (;;)
			pause();
	case FAULT_signal:
		pthread_kill(pthread_self(), SIGUSR1);
		break;
	case FAULT_stop:
		kill(getpid(), SIGSTOP);
		break;
	default:
		nap(DELAY_US);
	}
	errno = error;
}

/* True: the transfer ends here. */
static bool is_short(struct injection *injection, const char *point)
{
	if (injection->does != FAULT_short || due(injection, point, 1) < 0)
		return false;
	note(injection, point);
	return true;
}

/* True with errno: refused. */
static bool fault(const char *point, const int *errors)
{
	struct injection *injection = injection_here();
	unsigned count = 0;

	if (injection && !errors[0])
		return is_short(injection, point);
	if (!injection || (injection->does != FAULT_refuse && injection->does != FAULT_famine))
		return false;
	while (errors[count])
		count++;
	int which = due(injection, point, count);

	if (which < 0)
		return false;
	note(injection, point);
	injection->errors[errors[which]] = 1;
	errno = errors[which];
	return true;
}

struct ipcref_hook ipcref_hook = {.step = step, .fault = fault};
