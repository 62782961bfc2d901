/* SPDX-License-Identifier: MIT */
/* What is asked of a semaphore set: all of it is done or nothing, now or when it is possible. */
#include "ref/semset.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* -- a request: all of it or nothing ---------------------------------------------------------- */

/* One operation: 0, SEMSET_MUST_WAIT or an error. */
static int operate(const struct semset_view *view, const struct semset_who *who,
		   const struct sembuf *operation)
{
	if (operation->sem_num >= view->count)
		return EFBIG;
	struct semset_semaphore *semaphore = &view->set->semaphores[operation->sem_num];
	int amount = operation->sem_op, value = (int)(semaphore->value & SEMSET_GREATEST_VALUE);

	if (amount == 0 ? value != 0 : value + amount < 0)
		return operation->sem_flg & IPC_NOWAIT ? EAGAIN : SEMSET_MUST_WAIT;
	if (value + amount > SEMSET_GREATEST_VALUE)
		return ERANGE;
	CHANGE(view->mapping, *semaphore,
	       ((struct semset_semaphore){(uint32_t)(value + amount), who->process}));
	STEP("semset/operate/changed");
	return amount && (operation->sem_flg & SEM_UNDO) ? semset_remember(view, who, operation)
							 : 0;
}

int semset_attempt(const struct semset_view *view, const struct semset_request *request,
		   uint32_t *stopped)
{
	bool has_undo = false;

	for (uint32_t i = 0; i < request->count; i++) {
		const struct sembuf *operation = &request->operations[i];
		int result = operate(view, &request->who, operation);

		if (result != 0) {
			mapping_undo(view->mapping);
			*stopped = i;
			return result;
		}
		has_undo |= (operation->sem_flg & SEM_UNDO) != 0;
	}
	if (has_undo)
		semset_forget_if_balanced(view, &request->who);
	CHANGE(view->mapping, view->set->operated_at, time(NULL));
	return 0;
}

/* -- those who wait --------------------------------------------------------------------------- */

void semset_read_request(const struct semset_waiter *waiter, struct semset_request *request)
{
	memcpy(request, &waiter->request, sizeof(*request));
	atomic_signal_fence(memory_order_seq_cst);
	if (request->count > SEMSET_MOST_OPERATIONS)
		request->count = 0;
}

/* The next to come after this ticket, which becomes his; NULL: nobody. */
static struct semset_waiter *next_waiter(const struct semset_view *view, uint64_t *ticket)
{
	struct semset_waiter *next = NULL;
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < SEMSET_MOST_WAITERS; i++) {
		struct semset_waiter *waiter = &view->set->waiters[i];
		uint64_t his = *(volatile uint64_t *)&waiter->ticket;

		if (his > *ticket && his < least && waiter->outcome == SEMSET_MUST_WAIT) {
			next = waiter;
			least = his;
		}
	}
	*ticket = least;
	return next;
}

static bool changes_nothing(const struct semset_request *request)
{
	for (unsigned i = 0; i < request->count; i++)
		if (request->operations[i].sem_op != 0)
			return false;
	return true;
}

/*
 * Whether the waiter needs to wait no more, and how he was served is committed; only of those who
 * change nothing, if so said.
 */
static bool serve(const struct semset_view *view, struct semset_waiter *waiter,
		  bool only_who_changes_nothing)
{
	struct semset_request request;
	uint32_t stopped;

	semset_read_request(waiter, &request);
	if (only_who_changes_nothing && !changes_nothing(&request))
		return false;
	int outcome = semset_attempt(view, &request, &stopped);
	if (outcome == SEMSET_MUST_WAIT)
		return false;
	bool lives = semset_lives(&request.who);
	if (lives) {
		CHANGE(view->mapping, waiter->outcome, outcome);
		STEP("semset/serve/done");
		bell_ring(&view->set->changed, view->mapping);
	} else {
		/* lest he is looked after again by every call to come */
		mapping_undo(view->mapping);
		CHANGE(view->mapping, waiter->ticket, 0);
	}
	mapping_commit(view->mapping);
	return lives;
}

static bool serve_first(const struct semset_view *view, bool only_who_changes_nothing)
{
	uint64_t ticket = 0;
	struct semset_waiter *waiter;

	/* a peer who scribbles may make tickets that never end */
	for (unsigned i = 0; i < SEMSET_MOST_WAITERS && (waiter = next_waiter(view, &ticket)); i++)
		if (serve(view, waiter, only_who_changes_nothing))
			return true;
	return false;
}

/*
 * All who can go on now, also by what those do who go on before them.  First those who only wait
 * for zero: nobody takes it from them.
 */
static void serve_all(const struct semset_view *view)
{
	for (unsigned i = 0; i < SEMSET_MOST_WAITERS; i++)
		if (!serve_first(view, true) && !serve_first(view, false))
			break;
}

void semset_publish(const struct semset_view *view)
{
	bell_ring(&view->set->changed, view->mapping);
	STEP("semset/publish/rung");
	mapping_commit(view->mapping);
	serve_all(view);
}

void semset_repair(struct mapping *mapping)
{
	struct semset_view view;

	if (semset_see(&view, mapping))
		serve_all(&view);
}

/* A place to wait in, perhaps that of somebody who is dead; NULL: there is none. */
static struct semset_waiter *find_room(const struct semset_view *view)
{
	struct semset_waiter *waiters = view->set->waiters;

	for (unsigned i = 0; i < SEMSET_MOST_WAITERS; i++)
		if (!waiters[i].ticket)
			return &waiters[i];
	for (unsigned i = 0; i < SEMSET_MOST_WAITERS; i++)
		if (!semset_lives(&waiters[i].request.who))
			return &waiters[i];
	return NULL;
}

struct semset_waiter *semset_enter(const struct semset_view *view,
				   const struct semset_request *request, uint64_t *ticket)
{
	/* it isn't told: who has no room waits uncounted */
	struct semset_waiter *waiter = FAULT("semset/enter/room", ENOSPC) ? NULL : find_room(view);

	*ticket = view->set->last_ticket + 1;
	if (!waiter)
		return NULL;
	CHANGE(view->mapping, waiter->ticket, 0);
	mapping_commit(view->mapping);
	/* nobody else looks at a free place */
	waiter->request = *request;
	waiter->outcome = SEMSET_MUST_WAIT;
	STEP("semset/enter/written");
	CHANGE(view->mapping, view->set->last_ticket, *ticket);
	CHANGE(view->mapping, waiter->ticket, *ticket);
	return waiter;
}
