/* SPDX-License-Identifier: MIT */
/* Getting a semaphore set, and operating on it. */
#include "ref/semset.h"

#include <errno.h>
#include <string.h>

#include "ref/futex.h"
#include "ref/ipcref.h"

/* How soon a sleeper in a vigil notices a death whose undo would let him go on, and a signal. */
enum { LOOK_MS = 20 };

struct ipc_class semset_class = {
	.class = {.kind = OBJECT_SEMSET, .least = sizeof(struct semset), .repair = semset_repair},
	.name = "sem",
	.most = REGISTRY_PLACES,
	.handles = HANDLE_TABLE(NULL),
};

bool semset_find(struct semset_view *view, int id)
{
	struct handle *h = ipc_find(&semset_class, id);

	if (!h)
		return false;
	view->handle = h;
	if (semset_see(view, &h->mapping))
		return true;
	handle_put(h);
	errno = EBADMSG;
	return false;
}

bool semset_lock(const struct semset_view *view)
{
	mapping_lock(view->mapping);
	if (view->set->ipc.is_removed) {
		mapping_unlock(view->mapping);
		errno = EIDRM;
		return false;
	}
	semset_look_after_the_dead(view);
	return true;
}

/* -- getting ---------------------------------------------------------------------------------- */

static void make_set(struct object *object, const void *wish)
{
	struct semset *set = (struct semset *)object;

	set->count = *(const uint32_t *)wish;
	object->more_words = semset_journal_words(set->count);
}

/* A set of any size, which must be there. */
static int get_existing(key_t key, int flags)
{
	bool is_new;
	int id = -1;

	errno = ENOENT;
	if (key != IPC_PRIVATE)
		id = ipc_get(&semset_class, key, flags & ~IPC_CREAT, NULL, &is_new);
	if (id >= 0 && (flags & IPC_CREAT) && (flags & IPC_EXCL))
		errno = EEXIST;
	else if (id >= 0)
		return id;
	else if (errno == ENOENT && (key == IPC_PRIVATE || (flags & IPC_CREAT)))
		errno = EINVAL; /* none can be made of no semaphores */
	return -1;
}

int ipcref_semget(key_t key, int count, int flags)
{
	uint32_t wished = (uint32_t)count;
	struct semset_view view;
	bool is_new;

	if (count < 0 || count > SEMSET_MOST_SEMAPHORES) {
		errno = EINVAL;
		return -1;
	}
	if (count == 0)
		return get_existing(key, flags);

	const struct ipc_wish wish = {semset_size(wished), make_set, &wished};
	int id = ipc_get(&semset_class, key, flags, &wish, &is_new);

	if (id < 0 || is_new || !semset_find(&view, id))
		return id;
	handle_put(view.handle);
	if (wished <= view.count)
		return id;
	errno = EINVAL;
	return -1;
}

/* -- operating -------------------------------------------------------------------------------- */

/* Whether the set has all the semaphores, and this process may do it; else errno. */
static bool may_operate(const struct semset_view *view, const struct semset_request *request)
{
	unsigned bits = 04;

	for (uint32_t i = 0; i < request->count; i++) {
		if (request->operations[i].sem_num >= view->count) {
			errno = EFBIG;
			return false;
		}
		if (request->operations[i].sem_op)
			bits = 02;
	}
	return ipc_permits(view->handle, bits);
}

/*
 * Sleeps until something has changed; 0 or an error.  Who has an eye on the dead, or was woken in
 * vain, keeps a vigil: a handler that runs between two sleeps is not to be missed.
 */
static int sleep_in(const struct semset_view *view, const struct timespec *deadline,
		    struct vigil *vigil, bool is_first)
{
	struct bell *changed = &view->set->changed;
	struct sleep sleep = {
		.deadline = deadline,
		.clock = CLOCK_MONOTONIC,
		.when_interrupted = SLEEP_ENDS,
	};

	if (is_first && !view->set->undoers)
		return bell_sleep(changed, view->mapping, &sleep);
	sleep.looks_every = LOOK_MS;
	return bell_sleep_in_vigil(changed, view->mapping, &sleep, vigil);
}

/*
 * Sleeps until the request is done, by whomever: 0 or an error.  The set is locked, and the vigil
 * ends with that.
 */
static int await(const struct semset_view *view, const struct semset_request *request,
		 const struct timespec *deadline, struct vigil *vigil)
{
	uint64_t ticket;
	uint32_t stopped;
	struct semset_waiter *waiter = semset_enter(view, request, &ticket);
	int outcome = SEMSET_MUST_WAIT, error;
	bool is_first = true;

	do {
		error = sleep_in(view, deadline, vigil, is_first);
		is_first = false;
		bool is_removed = view->set->ipc.is_removed;

		if (!is_removed)
			semset_look_after_the_dead(view);
		if (waiter && waiter->ticket != ticket)
			return EBADMSG;
		if (waiter)
			outcome = waiter->outcome;
		else if (!is_removed)
			outcome = semset_attempt(view, request, &stopped);
		if (is_removed && !error)
			error = EIDRM;
	} while (outcome == SEMSET_MUST_WAIT && !error);

	if (waiter)
		CHANGE(view->mapping, waiter->ticket, 0);
	else if (outcome == 0)
		semset_publish(view);
	if (outcome != SEMSET_MUST_WAIT)
		return outcome;
	return error == ETIMEDOUT ? EAGAIN : error;
}

static int operate_all(const struct semset_view *view, const struct semset_request *request,
		       const struct timespec *deadline)
{
	struct vigil vigil;
	uint32_t stopped;

	if (!may_operate(view, request) || !semset_lock(view))
		return -1;
	int error = semset_attempt(view, request, &stopped);

	vigil.is_kept = false;
	if (error == SEMSET_MUST_WAIT)
		error = await(view, request, deadline, &vigil);
	else if (error == 0)
		semset_publish(view);
	mapping_unlock(view->mapping);
	vigil_end(&vigil);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

int ipcref_semtimedop(int id, struct sembuf *operations, size_t count,
		      const struct timespec *timeout)
{
	struct timespec end;
	struct semset_request request;
	struct semset_view view;

	if (count < 1 || id < 0)
		errno = EINVAL;
	else if (count > SEMSET_MOST_OPERATIONS)
		errno = E2BIG;
	else if (!operations)
		errno = EFAULT;
	else if (timeout && !duration_is_valid(timeout))
		errno = EINVAL;
	else if (semset_find(&view, id)) {
		request.who = *semset_myself();
		request.count = (uint32_t)count;
		memcpy(request.operations, operations, count * sizeof(*operations));
		int result = operate_all(&view, &request, end_of_duration(timeout, &end));

		handle_put(view.handle);
		return result;
	}
	return -1;
}

int ipcref_semop(int id, struct sembuf *operations, size_t count)
{
	return ipcref_semtimedop(id, operations, count, NULL);
}
