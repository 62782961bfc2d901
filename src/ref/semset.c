/* SPDX-License-Identifier: MIT */
/*
 * The System V semaphore set: values that are changed together or not at all.
 *
 * Who can't go on leaves his request in the set and sleeps.  Whoever changes a value then does,
 * in the order of their coming, all requests that have become possible, whoever's they are: so no
 * value that would have let somebody go on passes unseen, and who is counted is who waits.
 *
 * What a dead process's SEM_UNDO gives back no kernel does here: whoever comes next does it, and
 * whoever sleeps meanwhile looks now and then.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ref/futex.h"
#include "ref/ipcref.h"
#include "ref/registry.h"
#include "ref/step.h"

#if defined(SEM_STAT) && !defined(SEM_STAT_ANY)
#define SEM_STAT_ANY 20
#endif

enum {
	MOST_SEMAPHORES = 1024, /* of a set */
	MOST_OPERATIONS = 100,	/* of one call */
	GREATEST_VALUE = 32767,
	GREATEST_ADJUSTMENT = 32767,
	MOST_UNDOERS = 256, /* processes that have something to be undone in one set */
	MOST_WAITERS = 128, /* of a set; who comes later waits without being counted */
};
/* How soon a sleeper notices the death of one whose undo would let him go on. */
enum { LOOK_MS = 50 };
/* What is no error: the request can't be done yet. */
enum { MUST_WAIT = -1 };

/* -- what a set consists of ------------------------------------------------------------------- */

/* One word of the journal. */
struct semaphore {
	uint32_t value;
	uint32_t process; /* the last that operated on it */
};

/* A thread and its process, and what tells them from others of the same ids. */
struct who {
	uint32_t process, thread;
	uint64_t process_birth;
	struct life life; /* of the thread: what exec makes of it waits no more */
};

struct request {
	struct who who;
	uint32_t count;
	struct sembuf operations[MOST_OPERATIONS];
};

struct waiter {
	uint64_t ticket; /* in the order of coming; 0: the place is free */
	int32_t outcome; /* MUST_WAIT, 0 or an error */
	struct request request;
};

/* What a process's end does to each of the semaphores. */
struct undoer {
	uint32_t process; /* 0: the place is free */
	uint64_t birth;
	int16_t adjustments[];
};

struct set {
	struct ipc_object ipc;
	uint32_t count;
	uint32_t undoers;    /* places in use */
	int64_t operated_at; /* sem_otime */
	uint64_t last_ticket;
	struct bell changed;
	struct waiter waiters[MOST_WAITERS];
	_Alignas(8) struct semaphore semaphores[]; /* and behind them the undoers */
};

static size_t undoer_size(uint32_t count)
{
	return (sizeof(struct undoer) + count * sizeof(int16_t) + 7) / 8 * 8;
}

/* The longest changes: a large request with undo, all values at once, a whole undo. */
static uint32_t journal_words(uint32_t count)
{
	return 2 * MOST_OPERATIONS + count + MOST_UNDOERS;
}

static size_t set_size(uint32_t count)
{
	return sizeof(struct set) + count * sizeof(struct semaphore) +
	       MOST_UNDOERS * undoer_size(count) + journal_words(count) * sizeof(struct old_word);
}

/* -- what a process goes by ------------------------------------------------------------------- */

static void repair(struct mapping *mapping);

static struct ipc_class semset_class = {
	.class = {.kind = OBJECT_SEMSET, .least = sizeof(struct set), .repair = repair},
	.name = "sem",
	.most = REGISTRY_PLACES,
	.handles = HANDLE_TABLE(NULL),
};

/* A set as this process has it; the count is read once and checked against what is mapped. */
struct view {
	struct handle *handle;
	struct mapping *mapping;
	struct set *set;
	uint32_t count;
};

static bool see(struct view *view, struct mapping *mapping)
{
	view->mapping = mapping;
	view->set = (struct set *)mapping->object;
	view->count = *(volatile uint32_t *)&view->set->count;
	return object_is_there(mapping) && view->count > 0 && view->count <= MOST_SEMAPHORES &&
	       set_size(view->count) <= mapping->size;
}

/* The set of this identifier, to be put back; false with errno. */
static bool find(struct view *view, int id)
{
	struct handle *h = ipc_find(&semset_class, id);

	if (!h)
		return false;
	view->handle = h;
	if (see(view, &h->mapping))
		return true;
	handle_put(h);
	errno = EBADMSG;
	return false;
}

static struct undoer *undoer_at(const struct view *view, unsigned place)
{
	char *first = (char *)&view->set->semaphores[view->count];

	return (struct undoer *)(first + place * undoer_size(view->count));
}

/* This thread. */
static const struct who *myself(void)
{
	static _Thread_local struct who me;

	if (me.thread != thread_id() || me.life.birth != thread_life().birth) {
		uint32_t process = (uint32_t)getpid();

		me = (struct who){process, thread_id(), thread_birth(process), thread_life()};
	}
	return &me;
}

static bool lives(const struct who *who)
{
	return life_goes_on(who->thread, who->life);
}

/* -- a request: all of it or nothing ---------------------------------------------------------- */

static struct undoer *find_undoer(const struct view *view, const struct who *who)
{
	for (unsigned i = 0; i < MOST_UNDOERS; i++) {
		struct undoer *undoer = undoer_at(view, i);

		if (undoer->process == who->process && undoer->birth == who->process_birth)
			return undoer;
	}
	return NULL;
}

static struct undoer *new_undoer(const struct view *view, const struct who *who)
{
	for (unsigned i = 0; i < MOST_UNDOERS; i++) {
		struct undoer *undoer = undoer_at(view, i);

		if (undoer->process)
			continue;
		/* nobody else looks at a free place */
		memset(undoer, 0, undoer_size(view->count));
		undoer->birth = who->process_birth;
		CHANGE(view->mapping, undoer->process, who->process);
		CHANGE(view->mapping, view->set->undoers, view->set->undoers + 1);
		return undoer;
	}
	return NULL;
}

static void free_undoer(const struct view *view, struct undoer *undoer)
{
	CHANGE(view->mapping, undoer->process, 0);
	CHANGE(view->mapping, view->set->undoers, view->set->undoers - 1);
}

/* Remembers that the end of this process is to undo the operation; 0 or an error. */
static int remember(const struct view *view, const struct who *who, const struct sembuf *operation)
{
	struct undoer *undoer = find_undoer(view, who);

	if (!undoer)
		undoer = new_undoer(view, who);
	if (!undoer)
		return ENOSPC;
	int16_t *adjustment = &undoer->adjustments[operation->sem_num];
	int sum = *adjustment - operation->sem_op;

	if (sum > GREATEST_ADJUSTMENT || sum < -GREATEST_ADJUSTMENT - 1)
		return ERANGE;
	CHANGE(view->mapping, *adjustment, (int16_t)sum);
	return 0;
}

/* Who has given back all that he took has nothing to be undone. */
static void forget_if_balanced(const struct view *view, const struct who *who)
{
	struct undoer *undoer = find_undoer(view, who);

	if (!undoer)
		return;
	for (uint32_t i = 0; i < view->count; i++)
		if (undoer->adjustments[i])
			return;
	free_undoer(view, undoer);
}

/* One operation: 0, MUST_WAIT or an error. */
static int operate(const struct view *view, const struct who *who, const struct sembuf *operation)
{
	if (operation->sem_num >= view->count)
		return EFBIG;
	struct semaphore *semaphore = &view->set->semaphores[operation->sem_num];
	int amount = operation->sem_op, value = (int)(semaphore->value & GREATEST_VALUE);

	if (amount == 0 ? value != 0 : value + amount < 0)
		return operation->sem_flg & IPC_NOWAIT ? EAGAIN : MUST_WAIT;
	if (value + amount > GREATEST_VALUE)
		return ERANGE;
	CHANGE(view->mapping, *semaphore,
	       ((struct semaphore){(uint32_t)(value + amount), who->process}));
	STEP("semset/operate/changed");
	return amount && (operation->sem_flg & SEM_UNDO) ? remember(view, who, operation) : 0;
}

/*
 * Does all operations in their order, and leaves it to the caller to commit them; or none, and
 * answers why not (*stopped is the operation that can't be done).
 */
static int attempt(const struct view *view, const struct request *request, uint32_t *stopped)
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
		forget_if_balanced(view, &request->who);
	CHANGE(view->mapping, view->set->operated_at, time(NULL));
	return 0;
}

/* -- those who wait --------------------------------------------------------------------------- */

/* A waiter's request as it is now, for a peer may change it while it is looked at. */
static void read_request(const struct waiter *waiter, struct request *request)
{
	memcpy(request, &waiter->request, sizeof(*request));
	atomic_signal_fence(memory_order_seq_cst);
	if (request->count > MOST_OPERATIONS)
		request->count = 0;
}

/* The next to come after this ticket, which becomes his; NULL: nobody. */
static struct waiter *next_waiter(const struct view *view, uint64_t *ticket)
{
	struct waiter *next = NULL;
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < MOST_WAITERS; i++) {
		struct waiter *waiter = &view->set->waiters[i];
		uint64_t his = *(volatile uint64_t *)&waiter->ticket;

		if (his > *ticket && his < least && waiter->outcome == MUST_WAIT) {
			next = waiter;
			least = his;
		}
	}
	*ticket = least;
	return next;
}

static bool changes_nothing(const struct request *request)
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
static bool serve(const struct view *view, struct waiter *waiter, bool only_who_changes_nothing)
{
	struct request request;
	uint32_t stopped;

	read_request(waiter, &request);
	if (only_who_changes_nothing && !changes_nothing(&request))
		return false;
	int outcome = attempt(view, &request, &stopped);
	if (outcome == MUST_WAIT)
		return false;
	if (!lives(&request.who)) {
		mapping_undo(view->mapping);
		CHANGE(view->mapping, waiter->ticket, 0);
		mapping_commit(view->mapping);
		return false;
	}
	CHANGE(view->mapping, waiter->outcome, outcome);
	STEP("semset/serve/done");
	bell_ring(&view->set->changed, view->mapping);
	mapping_commit(view->mapping);
	return true;
}

static bool serve_first(const struct view *view, bool only_who_changes_nothing)
{
	uint64_t ticket = 0;
	struct waiter *waiter;

	/* a peer who scribbles may make tickets that never end */
	for (unsigned i = 0; i < MOST_WAITERS && (waiter = next_waiter(view, &ticket)); i++)
		if (serve(view, waiter, only_who_changes_nothing))
			return true;
	return false;
}

/*
 * All who can go on now, also by what those do who go on before them.  First those who only wait
 * for zero: nobody takes it from them.
 */
static void serve_all(const struct view *view)
{
	for (unsigned i = 0; i < MOST_WAITERS; i++)
		if (!serve_first(view, true) && !serve_first(view, false))
			break;
}

/*
 * Values have changed: commits that.  All waiters are told before, for if this process dies now one
 * of them must come to do what it has left to do.
 */
static void publish(const struct view *view)
{
	bell_ring(&view->set->changed, view->mapping);
	STEP("semset/publish/rung");
	mapping_commit(view->mapping);
	serve_all(view);
}

/* Who died with the lock may have served some and not others. */
static void repair(struct mapping *mapping)
{
	struct view view;

	if (see(&view, mapping))
		serve_all(&view);
}

/* A place to wait in, perhaps that of somebody who is dead; NULL: there is none. */
static struct waiter *find_room(const struct view *view)
{
	struct waiter *waiters = view->set->waiters;

	for (unsigned i = 0; i < MOST_WAITERS; i++)
		if (!waiters[i].ticket)
			return &waiters[i];
	for (unsigned i = 0; i < MOST_WAITERS; i++)
		if (!lives(&waiters[i].request.who))
			return &waiters[i];
	return NULL;
}

static struct waiter *enter(const struct view *view, const struct request *request,
			    uint64_t *ticket)
{
	struct waiter *waiter = find_room(view);

	*ticket = view->set->last_ticket + 1;
	if (!waiter)
		return NULL;
	CHANGE(view->mapping, waiter->ticket, 0);
	mapping_commit(view->mapping);
	/* nobody else looks at a free place */
	waiter->request = *request;
	waiter->outcome = MUST_WAIT;
	STEP("semset/enter/written");
	CHANGE(view->mapping, view->set->last_ticket, *ticket);
	CHANGE(view->mapping, waiter->ticket, *ticket);
	mapping_commit(view->mapping);
	return waiter;
}

/* -- the dead --------------------------------------------------------------------------------- */

/* Does what the end of its process was to do. */
static void undo_all_of(const struct view *view, struct undoer *undoer)
{
	for (uint32_t i = 0; i < view->count; i++) {
		struct semaphore *semaphore = &view->set->semaphores[i];
		int adjustment = undoer->adjustments[i];
		int value = (int)(semaphore->value & GREATEST_VALUE) + adjustment;

		if (!adjustment)
			continue;
		if (value < 0)
			value = 0;
		if (value > GREATEST_VALUE)
			value = GREATEST_VALUE;
		CHANGE(view->mapping, *semaphore,
		       ((struct semaphore){(uint32_t)value, undoer->process}));
	}
	free_undoer(view, undoer);
	CHANGE(view->mapping, view->set->operated_at, time(NULL));
	STEP("semset/undo/changed");
	publish(view);
}

static void look_after_the_dead(const struct view *view)
{
	const struct who *me = myself();
	uint32_t left = view->set->undoers;

	for (unsigned i = 0; i < MOST_UNDOERS && left; i++) {
		struct undoer *undoer = undoer_at(view, i);
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

/* Locks it as it is to be seen; false with errno: it is removed. */
static bool lock_set(const struct view *view)
{
	mapping_lock(view->mapping);
	if (view->set->ipc.is_removed) {
		mapping_unlock(view->mapping);
		errno = EIDRM;
		return false;
	}
	look_after_the_dead(view);
	return true;
}

/* -- getting ---------------------------------------------------------------------------------- */

static void make_set(struct object *object, const void *wish)
{
	struct set *set = (struct set *)object;

	set->count = *(const uint32_t *)wish;
	object->more_words = journal_words(set->count);
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
	struct view view;
	bool is_new;

	if (count < 0 || count > MOST_SEMAPHORES) {
		errno = EINVAL;
		return -1;
	}
	if (count == 0)
		return get_existing(key, flags);

	const struct ipc_wish wish = {set_size(wished), make_set, &wished};
	int id = ipc_get(&semset_class, key, flags, &wish, &is_new);

	if (id < 0 || is_new || !find(&view, id))
		return id;
	handle_put(view.handle);
	if (wished <= view.count)
		return id;
	errno = EINVAL;
	return -1;
}

/* -- operating -------------------------------------------------------------------------------- */

/* Whether the set has all the semaphores, and this process may do it; else errno. */
static bool may_operate(const struct view *view, const struct request *request)
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

/* Sleeps until the request is done, by whomever: 0 or an error.  The set is locked. */
static int await(const struct view *view, const struct request *request,
		 const struct timespec *deadline)
{
	uint64_t ticket;
	uint32_t stopped;
	struct waiter *waiter = enter(view, request, &ticket);
	int outcome = MUST_WAIT, error;

	do {
		const struct sleep sleep = {
			.deadline = deadline,
			.clock = CLOCK_MONOTONIC,
			.when_interrupted = SLEEP_ENDS,
			.looks_every = view->set->undoers ? LOOK_MS : 0,
		};

		error = bell_sleep(&view->set->changed, view->mapping, &sleep);
		bool is_removed = view->set->ipc.is_removed;

		if (!is_removed)
			look_after_the_dead(view);
		if (waiter && waiter->ticket != ticket)
			return EBADMSG;
		if (waiter)
			outcome = waiter->outcome;
		else if (!is_removed)
			outcome = attempt(view, request, &stopped);
		if (is_removed && !error)
			error = EIDRM;
	} while (outcome == MUST_WAIT && !error);

	if (waiter)
		CHANGE(view->mapping, waiter->ticket, 0);
	else if (outcome == 0)
		publish(view);
	if (outcome != MUST_WAIT)
		return outcome;
	return error == ETIMEDOUT ? EAGAIN : error;
}

static int operate_all(const struct view *view, const struct request *request,
		       const struct timespec *deadline)
{
	uint32_t stopped;

	if (!may_operate(view, request) || !lock_set(view))
		return -1;
	int error = attempt(view, request, &stopped);

	if (error == MUST_WAIT)
		error = await(view, request, deadline);
	else if (error == 0)
		publish(view);
	mapping_unlock(view->mapping);
	if (error == 0)
		return 0;
	errno = error;
	return -1;
}

/* The moment at which so much time has passed; NULL: never, or so late that it is the same. */
static const struct timespec *end_of(const struct timespec *timeout, struct timespec *moment)
{
	if (!timeout || timeout->tv_sec > INT32_MAX / 2)
		return NULL;
	clock_gettime(CLOCK_MONOTONIC, moment);
	moment->tv_sec += timeout->tv_sec;
	moment->tv_nsec += timeout->tv_nsec;
	if (moment->tv_nsec >= 1000000000) {
		moment->tv_sec++;
		moment->tv_nsec -= 1000000000;
	}
	return moment;
}

static bool is_valid(const struct timespec *timeout)
{
	return !timeout ||
	       (timeout->tv_sec >= 0 && timeout->tv_nsec >= 0 && timeout->tv_nsec < 1000000000);
}

int ipcref_semtimedop(int id, struct sembuf *operations, size_t count,
		      const struct timespec *timeout)
{
	struct timespec moment;
	struct request request;
	struct view view;

	if (count < 1 || id < 0)
		errno = EINVAL;
	else if (count > MOST_OPERATIONS)
		errno = E2BIG;
	else if (!operations)
		errno = EFAULT;
	else if (!is_valid(timeout))
		errno = EINVAL;
	else if (find(&view, id)) {
		request.who = *myself();
		request.count = (uint32_t)count;
		memcpy(request.operations, operations, count * sizeof(*operations));
		int result = operate_all(&view, &request, end_of(timeout, &moment));

		handle_put(view.handle);
		return result;
	}
	return -1;
}

int ipcref_semop(int id, struct sembuf *operations, size_t count)
{
	return ipcref_semtimedop(id, operations, count, NULL);
}

/* -- looking at values, and setting them ------------------------------------------------------ */

/* How many wait for this semaphore, to increase or to be zero; the set is locked. */
static int count_waiters(const struct view *view, uint32_t number, bool for_zero)
{
	int count = 0;

	for (unsigned i = 0; i < MOST_WAITERS; i++) {
		struct waiter *waiter = &view->set->waiters[i];
		struct request request;
		uint32_t stopped;

		if (!waiter->ticket || waiter->outcome != MUST_WAIT)
			continue;
		read_request(waiter, &request);
		if (attempt(view, &request, &stopped) != MUST_WAIT) {
			mapping_undo(view->mapping);
			continue;
		}
		const struct sembuf *operation = &request.operations[stopped];

		if (operation->sem_num == number && (operation->sem_op == 0) == for_zero &&
		    lives(&request.who))
			count++;
	}
	return count;
}

/* What is told of one semaphore. */
static int tell(const struct view *view, int number, int command)
{
	const struct semaphore *semaphore = &view->set->semaphores[number];
	int result;

	if (!lock_set(view))
		return -1;
	switch (command) {
	case GETVAL:
		result = (int)(semaphore->value & GREATEST_VALUE);
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

static int set_value(const struct view *view, int number, int value)
{
	if (!lock_set(view))
		return -1;
	for (unsigned i = 0; i < MOST_UNDOERS; i++) {
		int16_t *adjustment = &undoer_at(view, i)->adjustments[number];

		if (undoer_at(view, i)->process && *adjustment)
			CHANGE(view->mapping, *adjustment, 0);
	}
	CHANGE(view->mapping, view->set->semaphores[number],
	       ((struct semaphore){(uint32_t)value, myself()->process}));
	CHANGE(view->mapping, view->set->ipc.changed_at, time(NULL));
	publish(view);
	mapping_unlock(view->mapping);
	return 0;
}

static int get_values(const struct view *view, unsigned short *values)
{
	if (!lock_set(view))
		return -1;
	for (uint32_t i = 0; i < view->count; i++)
		values[i] = view->set->semaphores[i].value & GREATEST_VALUE;
	mapping_unlock(view->mapping);
	return 0;
}

static int set_values(const struct view *view, const unsigned short *values)
{
	for (uint32_t i = 0; i < view->count; i++)
		if (values[i] > GREATEST_VALUE) {
			errno = ERANGE;
			return -1;
		}
	if (!lock_set(view))
		return -1;
	for (unsigned i = 0; i < MOST_UNDOERS; i++)
		if (undoer_at(view, i)->process)
			CHANGE(view->mapping, undoer_at(view, i)->process, 0);
	CHANGE(view->mapping, view->set->undoers, 0);
	for (uint32_t i = 0; i < view->count; i++)
		CHANGE(view->mapping, view->set->semaphores[i],
		       ((struct semaphore){values[i], myself()->process}));
	CHANGE(view->mapping, view->set->ipc.changed_at, time(NULL));
	publish(view);
	mapping_unlock(view->mapping);
	return 0;
}

/* -- the set as a whole ----------------------------------------------------------------------- */

static int get_status(const struct view *view, struct semid_ds *status)
{
	if (!lock_set(view))
		return -1;
	memset(status, 0, sizeof(*status));
	ipc_stat(view->handle, &status->sem_perm);
	status->sem_nsems = view->count;
	status->sem_otime = view->set->operated_at;
	status->sem_ctime = view->set->ipc.changed_at;
	mapping_unlock(view->mapping);
	return 0;
}

static int set_status(const struct view *view, const struct semid_ds *status)
{
	if (!lock_set(view))
		return -1;
	int result = ipc_set(&semset_class, view->handle, &status->sem_perm);
	int error = errno;

	mapping_unlock(view->mapping);
	errno = error;
	return result;
}

static void ring(struct handle *h)
{
	bell_ring(&((struct set *)h->mapping.object)->changed, &h->mapping);
}

union argument {
	int val;
	struct semid_ds *buf;
	unsigned short *array;
	struct seminfo *info;
};

/* The commands that only the owner may give. */
static int control_as_owner(const struct view *view, int command, union argument argument)
{
	if (!ipc_is_owner(view->handle))
		return -1;
	if (command == IPC_SET)
		return set_status(view, argument.buf);
	return ipc_remove(&semset_class, view->handle, ring);
}

static int control(const struct view *view, int number, int command, union argument argument)
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
/* How many semaphores there are in the sets that this process may use. */
static int count_semaphores(int highest)
{
	int sum = 0;

	for (int place = 0; place <= highest; place++) {
		struct view view;

		if (find(&view, ipc_at(&semset_class, place))) {
			sum += (int)view.count;
			handle_put(view.handle);
		}
	}
	return sum;
}

static int inform(int command, struct seminfo *info)
{
	unsigned sets;
	int highest = ipc_highest(&semset_class, &sets);

	*info = (struct seminfo){
		.semmap = MOST_SEMAPHORES * REGISTRY_PLACES,
		.semmni = REGISTRY_PLACES,
		.semmns = MOST_SEMAPHORES * REGISTRY_PLACES,
		.semmnu = MOST_UNDOERS * REGISTRY_PLACES,
		.semmsl = MOST_SEMAPHORES,
		.semopm = MOST_OPERATIONS,
		.semume = MOST_SEMAPHORES,
		.semusz = (int)undoer_size(MOST_SEMAPHORES),
		.semvmx = GREATEST_VALUE,
		.semaem = GREATEST_ADJUSTMENT,
	};
	if (command == SEM_INFO) {
		info->semusz = (int)sets;
		info->semaem = count_semaphores(highest);
	}
	return highest;
}

/* The status of the set at this place, and its identifier. */
static int get_status_at(int place, int command, struct semid_ds *status)
{
	int id = ipc_at(&semset_class, place), result = -1;
	struct view view;

	if (id < 0 || !find(&view, id))
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
		return argument.val >= 0 && argument.val <= GREATEST_VALUE;
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
	struct view view;

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
	if (!find(&view, id)) {
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
