/* SPDX-License-Identifier: MIT */
/* What the end of a process is to undo, and who does it. */
#include "ref/semset.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const struct semset_who *semset_myself(void)
{
	static _Thread_local struct semset_who me;

	if (me.thread != thread_id() || me.life.birth != thread_life().birth) {
		uint32_t process = (uint32_t)getpid();

		me = (struct semset_who){process, thread_id(), thread_birth(process),
					 thread_life()};
	}
	return &me;
}

bool semset_lives(const struct semset_who *who)
{
	return life_goes_on(who->thread, who->life);
}

/* -- what is to be undone --------------------------------------------------------------------- */

/* The place of this process, or of none (0), which is a free one. */
static struct semset_undoer *find_place(const struct semset_view *view, uint32_t process,
					uint64_t birth)
{
	for (unsigned i = 0; i < SEMSET_MOST_UNDOERS; i++) {
		struct semset_undoer *undoer = semset_undoer_at(view, i);

		if (undoer->process == process && (!process || undoer->birth == birth))
			return undoer;
	}
	return NULL;
}

static struct semset_undoer *find_undoer(const struct semset_view *view,
					 const struct semset_who *who)
{
	return find_place(view, who->process, who->process_birth);
}

static struct semset_undoer *new_undoer(const struct semset_view *view,
					const struct semset_who *who)
{
	struct semset_undoer *undoer = find_place(view, 0, 0);

	if (!undoer)
		return NULL;
	/* nobody else looks at a free place */
	memset(undoer, 0, semset_undoer_size(view->count));
	undoer->birth = who->process_birth;
	CHANGE(view->mapping, undoer->process, who->process);
	CHANGE(view->mapping, view->set->undoers, view->set->undoers + 1);
	return undoer;
}

static void free_undoer(const struct semset_view *view, struct semset_undoer *undoer)
{
	CHANGE(view->mapping, undoer->process, 0);
	CHANGE(view->mapping, view->set->undoers, view->set->undoers - 1);
}

int semset_remember(const struct semset_view *view, const struct semset_who *who,
		    const struct sembuf *operation)
{
	struct semset_undoer *undoer = find_undoer(view, who);

	if (!undoer && !FAULT("semset/undo/room", ENOSPC))
		undoer = new_undoer(view, who);
	if (!undoer)
		return ENOSPC;
	int16_t *adjustment = &undoer->adjustments[operation->sem_num];
	int sum = *adjustment - operation->sem_op;

	if (sum > SEMSET_GREATEST_ADJUSTMENT || sum < -SEMSET_GREATEST_ADJUSTMENT - 1)
		return ERANGE;
	CHANGE(view->mapping, *adjustment, (int16_t)sum);
	return 0;
}

void semset_forget_if_balanced(const struct semset_view *view, const struct semset_who *who)
{
	struct semset_undoer *undoer = find_undoer(view, who);

	if (!undoer)
		return;
	for (uint32_t i = 0; i < view->count; i++)
		if (undoer->adjustments[i])
			return;
	free_undoer(view, undoer);
}

/* -- the dead --------------------------------------------------------------------------------- */

/* Does what the end of its process was to do. */
static void undo_all_of(const struct semset_view *view, struct semset_undoer *undoer)
{
	for (uint32_t i = 0; i < view->count; i++) {
		struct semset_semaphore *semaphore = &view->set->semaphores[i];
		int adjustment = undoer->adjustments[i];
		int value = (int)(semaphore->value & SEMSET_GREATEST_VALUE) + adjustment;

		if (!adjustment)
			continue;
		if (value < 0)
			value = 0;
		if (value > SEMSET_GREATEST_VALUE)
			value = SEMSET_GREATEST_VALUE;
		CHANGE(view->mapping, *semaphore,
		       ((struct semset_semaphore){(uint32_t)value, undoer->process}));
	}
	free_undoer(view, undoer);
	CHANGE(view->mapping, view->set->operated_at, time(NULL));
	STEP("semset/undo/changed");
	semset_publish(view);
}

void semset_look_after_the_dead(const struct semset_view *view)
{
	const struct semset_who *me = semset_myself();
	uint32_t left = view->set->undoers;

	for (unsigned i = 0; i < SEMSET_MOST_UNDOERS && left; i++) {
		struct semset_undoer *undoer = semset_undoer_at(view, i);
		uint32_t process = undoer->process;

		if (!process)
			continue;
		left--;
		/* of one's own life nobody need tell */
		if ((process != me->process || undoer->birth != me->process_birth) &&
		    !process_lives(process, undoer->birth))
			undo_all_of(view, undoer);
	}
}
