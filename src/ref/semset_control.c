/* SPDX-License-Identifier: MIT */
/* semctl: looking at semaphore sets and their values, setting and removing them. */
#include "ref/semset.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "ref/ipcref.h"

#if defined(SEM_STAT) && !defined(SEM_STAT_ANY)
#define SEM_STAT_ANY 20
#endif

/* -- looking at values, and setting them ------------------------------------------------------ */

/* How many wait for this semaphore, to increase or to be zero; the set is locked. */
static int count_waiters(const struct semset_view *view, uint32_t number, bool for_zero)
{
	int count = 0;

	for (unsigned i = 0; i < SEMSET_MOST_WAITERS; i++) {
		struct semset_waiter *waiter = &view->set->waiters[i];
		struct semset_request request;
		uint32_t stopped;

		if (!waiter->ticket || waiter->outcome != SEMSET_MUST_WAIT)
			continue;
		semset_read_request(waiter, &request);
		if (semset_attempt(view, &request, &stopped) != SEMSET_MUST_WAIT) {
			mapping_undo(view->mapping);
			continue;
		}
		const struct sembuf *operation = &request.operations[stopped];

		if (operation->sem_num == number && (operation->sem_op == 0) == for_zero &&
		    semset_lives(&request.who))
			count++;
	}
	return count;
}

/* What is told of one semaphore. */
static int tell(const struct semset_view *view, int number, int command)
{
	const struct semset_semaphore *semaphore = &view->set->semaphores[number];
	int result;

	if (!semset_lock(view))
		return -1;
	switch (command) {
	case GETVAL:
		result = (int)(semaphore->value & SEMSET_GREATEST_VALUE);
		break;
	case GETPID:
		result = (int)semaphore->process;
		break;
	default:
		result = count_waiters(view, (uint32_t)number, command == GETZCNT);
	}
	mapping_unlock(view->mapping);
	return result;
}

static int set_value(const struct semset_view *view, int number, int value)
{
	if (!semset_lock(view))
		return -1;
	for (unsigned i = 0; i < SEMSET_MOST_UNDOERS; i++) {
		int16_t *adjustment = &semset_undoer_at(view, i)->adjustments[number];

		if (semset_undoer_at(view, i)->process && *adjustment)
			CHANGE(view->mapping, *adjustment, 0);
	}
	CHANGE(view->mapping, view->set->semaphores[number],
	       ((struct semset_semaphore){(uint32_t)value, semset_myself()->process}));
	CHANGE(view->mapping, view->set->ipc.changed_at, time(NULL));
	semset_publish(view);
	mapping_unlock(view->mapping);
	return 0;
}

static int get_values(const struct semset_view *view, unsigned short *values)
{
	if (!semset_lock(view))
		return -1;
	for (uint32_t i = 0; i < view->count; i++)
		values[i] = view->set->semaphores[i].value & SEMSET_GREATEST_VALUE;
	mapping_unlock(view->mapping);
	return 0;
}

static int set_values(const struct semset_view *view, const unsigned short *values)
{
	for (uint32_t i = 0; i < view->count; i++)
		if (values[i] > SEMSET_GREATEST_VALUE) {
			errno = ERANGE;
			return -1;
		}
	if (!semset_lock(view))
		return -1;
	for (unsigned i = 0; i < SEMSET_MOST_UNDOERS; i++)
		if (semset_undoer_at(view, i)->process)
			CHANGE(view->mapping, semset_undoer_at(view, i)->process, 0);
	CHANGE(view->mapping, view->set->undoers, 0);
	for (uint32_t i = 0; i < view->count; i++)
		CHANGE(view->mapping, view->set->semaphores[i],
		       ((struct semset_semaphore){values[i], semset_myself()->process}));
	CHANGE(view->mapping, view->set->ipc.changed_at, time(NULL));
	semset_publish(view);
	mapping_unlock(view->mapping);
	return 0;
}

/* -- the set as a whole ----------------------------------------------------------------------- */

static int get_status(const struct semset_view *view, struct semid_ds *status)
{
	if (!semset_lock(view))
		return -1;
	memset(status, 0, sizeof(*status));
	ipc_stat(view->handle, &status->sem_perm);
	status->sem_nsems = view->count;
	status->sem_otime = view->set->operated_at;
	status->sem_ctime = view->set->ipc.changed_at;
	mapping_unlock(view->mapping);
	return 0;
}

static int set_status(const struct semset_view *view, const struct semid_ds *status)
{
	if (!semset_lock(view))
		return -1;
	int result = ipc_set(&semset_class, view->handle, &status->sem_perm);
	int error = errno;

	mapping_unlock(view->mapping);
	errno = error;
	return result;
}

static void ring(struct handle *h)
{
	bell_ring(&((struct semset *)h->mapping.object)->changed, &h->mapping);
}

union argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

/* The commands that only the owner may give. */
static int control_as_owner(const struct semset_view *view, int command, union argument argument)
{
	if (!ipc_is_owner(view->handle))
		return -1;
	if (command == IPC_SET)
		return set_status(view, argument.buf);
	return ipc_remove(&semset_class, view->handle, ring);
}

static int control(const struct semset_view *view, int number, int command, union argument argument)
{
	bool is_of_one = command == GETVAL || command == SETVAL || command == GETPID ||
			 command == GETNCNT || command == GETZCNT;
	bool alters = command == SETVAL || command == SETALL;

	if (command == IPC_RMID || command == IPC_SET)
		return control_as_owner(view, command, argument);
	if (!ipc_permits(view->handle, alters ? 02 : 04))
		return -1;
	if (is_of_one && (number < 0 || (uint32_t)number >= view->count)) {
		errno = EINVAL;
		return -1;
	}
	switch (command) {
	case IPC_STAT:
		return get_status(view, argument.buf);
	case SETVAL:
		return set_value(view, number, argument.val);
	case GETALL:
		return get_values(view, argument.array);
	case SETALL:
		return set_values(view, argument.array);
	default:
		return tell(view, number, command);
	}
}

/* -- all sets --------------------------------------------------------------------------------- */

#ifdef IPC_INFO
/* How many semaphores there are in the sets that this process may use; -1 with errno. */
static int count_semaphores(int highest)
{
	int sum = 0;

	for (int place = 0; place <= highest; place++) {
		int id = ipc_at(&semset_class, place);
		struct semset_view view;

		if (id >= 0 && semset_find(&view, id)) {
			sum += (int)view.count;
			handle_put(view.handle);
		} else if (ipc_is_shortage(errno)) {
			return -1;
		}
	}
	return sum;
}

static int inform(int command, struct seminfo *info)
{
	int saved = errno;
	unsigned sets;
	int highest = ipc_highest(&semset_class, &sets);

	if (highest < 0)
		return -1;
	*info = (struct seminfo){
		.semmap = SEMSET_MOST_SEMAPHORES * REGISTRY_PLACES,
		.semmni = REGISTRY_PLACES,
		.semmns = SEMSET_MOST_SEMAPHORES * REGISTRY_PLACES,
		.semmnu = SEMSET_MOST_UNDOERS * REGISTRY_PLACES,
		.semmsl = SEMSET_MOST_SEMAPHORES,
		.semopm = SEMSET_MOST_OPERATIONS,
		.semume = SEMSET_MOST_SEMAPHORES,
		.semusz = (int)semset_undoer_size(SEMSET_MOST_SEMAPHORES),
		.semvmx = SEMSET_GREATEST_VALUE,
		.semaem = SEMSET_GREATEST_ADJUSTMENT,
	};
	if (command == SEM_INFO) {
		info->semusz = (int)sets;
		info->semaem = count_semaphores(highest);
		if (info->semaem < 0)
			return -1;
	}
	errno = saved;
	return highest;
}

/* The status of the set at this place, and its identifier. */
static int get_status_at(int place, int command, struct semid_ds *status)
{
	int id = ipc_at(&semset_class, place), result = -1;
	struct semset_view view;

	if (id < 0 || !semset_find(&view, id))
		return -1;
	if (command == SEM_STAT_ANY || ipc_permits(view.handle, 04))
		result = get_status(&view, status);
	handle_put(view.handle);
	return result < 0 ? -1 : id;
}
#endif

/* Whether there is such a command, and it has what it needs; else errno. */
static bool is_command(int command, union argument argument)
{
	switch (command) {
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
	case IPC_RMID:
		return true;
	case SETVAL:
		errno = ERANGE;
		return argument.val >= 0 && argument.val <= SEMSET_GREATEST_VALUE;
	case GETALL:
	case SETALL:
	case IPC_STAT:
	case IPC_SET:
#ifdef IPC_INFO
	case IPC_INFO:
	case SEM_INFO:
	case SEM_STAT:
	case SEM_STAT_ANY:
#endif
		errno = EFAULT;
		return argument.buf;
	default:
		errno = EINVAL;
		return false;
	}
}

static bool has_argument(int command)
{
	return command != GETVAL && command != GETPID && command != GETNCNT && command != GETZCNT &&
	       command != IPC_RMID;
}

int ipcref_semctl(int id, int number, int command, ...)
{
	union argument argument = {0};
	struct semset_view view;

	if (has_argument(command)) {
		va_list rest;

		va_start(rest, command);
		argument = va_arg(rest, union argument);
		va_end(rest);
	}
	if (!is_command(command, argument))
		return -1;
#ifdef IPC_INFO
	if (command == IPC_INFO || command == SEM_INFO)
		return inform(command, argument.info);
	if (command == SEM_STAT || command == SEM_STAT_ANY)
		return get_status_at(id, command, argument.buf);
#endif
	if (!semset_find(&view, id)) {
		if (errno == EBADMSG && command == IPC_RMID)
			return ipc_remove_broken(&semset_class, id);
		/* whose set can't even be looked at isn't its owner */
		if (errno == EACCES && (command == IPC_RMID || command == IPC_SET))
			errno = EPERM;
		return -1;
	}
	int result = control(&view, number, command, argument);

	handle_put(view.handle);
	return result;
}
