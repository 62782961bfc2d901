/* SPDX-License-Identifier: MIT */
/*
 * The POSIX semaphore: one word in the bytes of the sem_t, the value and whether somebody sleeps
 * for it.  There is no lock, for sem_post may be called in a handler, and nothing is touched after
 * it, for whoever is let through may take the memory away at once.  (A second word only helps who
 * waits to guess whether looking out is worth it.)
 *
 * A post wakes one and forgets that there are sleepers.  The woken one, when it takes, says again
 * that there may be others, and wakes the next if there is more to take.  If the poster is killed
 * before it woke anybody, or the woken one before it took, the others find out when they look
 * again: their sleep is a doze (futex.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ref/bell.h"
#include "ref/futex.h"
#include "ref/ipcref.h"
#include "ref/namespace.h"
#include "ref/object.h"
#include "ref/step.h"

struct semaphore {
	_Atomic uint32_t word;
	_Atomic uint32_t posted_on; /* say_where, by who last woke somebody */
};
#define VALUE 0x7fffffffu
#define IS_WAITED_FOR 0x80000000u

_Static_assert(sizeof(struct semaphore) <= sizeof(sem_t), "a semaphore is in the bytes of a sem_t");
_Static_assert(SEM_VALUE_MAX <= VALUE, "a value leaves a bit");

static struct semaphore *semaphore_of(sem_t *sem)
{
	return (struct semaphore *)(void *)sem;
}

static bool is_value(unsigned value)
{
	if (value <= SEM_VALUE_MAX)
		return true;
	errno = EINVAL;
	return false;
}

/* -- up and down ------------------------------------------------------------------------------ */

int ipcref_sem_post(sem_t *sem)
{
	struct semaphore *s = semaphore_of(sem);
	uint32_t word = atomic_load_explicit(&s->word, memory_order_relaxed);

	do {
		if ((word & VALUE) == SEM_VALUE_MAX) {
			errno = EOVERFLOW;
			return -1;
		}
		if (word & IS_WAITED_FOR)
			say_where(&s->posted_on); /* before it is let through who may remove it */
	} while (!atomic_compare_exchange_weak(&s->word, &word, (word & VALUE) + 1));
	STEP("sem/post/added");
	if (word & IS_WAITED_FOR)
		futex_wake(&s->word, 1);
	return 0;
}

/* has_slept: there may be others, who sleep on. */
static bool take(struct semaphore *s, bool has_slept)
{
	uint32_t word = atomic_load_explicit(&s->word, memory_order_relaxed), next;

	do {
		if (!(word & VALUE))
			return false;
		next = (word - 1) | (has_slept ? IS_WAITED_FOR : 0);
	} while (!atomic_compare_exchange_weak(&s->word, &word, next));
	STEP("sem/wait/taken");
	if (has_slept && (next & VALUE))
		futex_wake(&s->word, 1);
	return true;
}

int ipcref_sem_trywait(sem_t *sem)
{
	if (take(semaphore_of(sem), false))
		return 0;
	errno = EAGAIN;
	return -1;
}

/* Before the first sleep; true: there may be something to take. */
static bool look_out(struct semaphore *s)
{
	struct outlook outlook = {0};

	if (!is_elsewhere(&s->posted_on))
		return false;
	while (!(atomic_load_explicit(&s->word, memory_order_relaxed) & VALUE))
		if (!outlook_goes_on(&outlook))
			return false;
	return true;
}

/* A wait that has found nothing to take. */
struct waiting {
	clockid_t clock;
	const struct timespec *deadline;
	unsigned sleeps;
	bool has_dozed; /* to the end of a doze */
	struct vigil vigil;
};

/*
 * Who is woken in vain, or by nobody, could miss a handler that runs before his next sleep.  So he
 * keeps a vigil (bell.h) from the second sleep on; but, since handlers are late then, not for the
 * sake of none that would end the wait.
 */
static bool needs_vigil(const struct waiting *w)
{
	if (w->vigil.is_kept)
		return true;
	return w->sleeps > 0 && (!w->has_dozed || some_handler_interrupts());
}

/* Sleeps while there is nothing to take: 0, ETIMEDOUT or EINTR. */
static int sleep_for(struct semaphore *s, struct waiting *w)
{
	static const struct sleep sleep = {.when_interrupted = SLEEP_RESTARTS};
	uint32_t none = 0;
	int result = 0;

	if (!atomic_compare_exchange_strong(&s->word, &none, IS_WAITED_FOR) &&
	    none != IS_WAITED_FOR)
		return 0;
	STEP("sem/wait/told");
	if (needs_vigil(w) && vigil_look(&w->vigil, &sleep, &result))
		return result;
	result = futex_doze_cancellably(&s->word, IS_WAITED_FOR, w->clock, w->deadline);
	w->sleeps++;
	w->has_dozed = result == EAGAIN;
	/* the kernel would have gone on after these handlers, had there been no limit */
	if (result == EAGAIN || (result == EINTR && !some_handler_interrupts()))
		return 0;
	return result;
}

static void end_waiting(void *waiting)
{
	vigil_end(&((struct waiting *)waiting)->vigil);
}

/* Sleeps until it has taken; 0 or an error. */
static int await(struct semaphore *s, clockid_t clock, const struct timespec *deadline)
{
	struct waiting waiting = {.clock = clock, .deadline = deadline};
	bool is_taken;
	int error;

	pthread_cleanup_push(end_waiting, &waiting);
	do {
		error = sleep_for(s, &waiting);
		is_taken = take(s, true);
	} while (!is_taken && !error);
	pthread_cleanup_pop(1);
	return is_taken ? 0 : error;
}

int ipcref_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *deadline)
{
	struct semaphore *s = semaphore_of(sem);
	int error;

	do
		if (take(s, false))
			return 0;
	while (look_out(s));
	if (deadline && !moment_is_valid(clock, deadline))
		error = EINVAL;
	else
		error = await(s, clock, deadline);
	if (!error)
		return 0;
	errno = error;
	return -1;
}

int ipcref_sem_timedwait(sem_t *sem, const struct timespec *deadline)
{
	return ipcref_sem_clockwait(sem, CLOCK_REALTIME, deadline);
}

int ipcref_sem_wait(sem_t *sem)
{
	return ipcref_sem_clockwait(sem, CLOCK_MONOTONIC, NULL);
}

int ipcref_sem_getvalue(sem_t *sem, int *value)
{
	*value = (int)(atomic_load(&semaphore_of(sem)->word) & VALUE);
	return 0;
}

/* -- unnamed ones ----------------------------------------------------------------------------- */

int ipcref_sem_init(sem_t *sem, int pshared, unsigned value)
{
	(void)pshared; /* what serves processes serves threads */
	if (!is_value(value))
		return -1;
	atomic_init(&semaphore_of(sem)->word, value);
	atomic_init(&semaphore_of(sem)->posted_on, 0);
	return 0;
}

int ipcref_sem_destroy(sem_t *sem)
{
	(void)sem;
	return 0;
}

/* -- named ones ------------------------------------------------------------------------------- */

struct named {
	struct object object;
	_Alignas(16) sem_t sem;
};

/* What this process has open: each object once, however often it was opened. */
struct opening {
	struct opening *next;
	struct mapping mapping;
	dev_t device;
	ino_t file; /* isn't used again while it is mapped */
	unsigned count;
};
static struct opening *openings;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* The list is whole, and nobody's, also in a child. */
static void before_fork(void)
{
	pthread_mutex_lock(&mutex);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&mutex);
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}

static sem_t *sem_of(const struct opening *opening)
{
	return &((struct named *)opening->mapping.object)->sem;
}

static void make_named(struct object *object, const void *wish)
{
	const unsigned *value = wish;

	atomic_init(&semaphore_of(&((struct named *)object)->sem)->word, *value);
}

static struct opening *find_opening(const struct stat *status)
{
	struct opening *o = openings;

	while (o && (o->device != status->st_dev || o->file != status->st_ino))
		o = o->next;
	return o;
}

static struct opening *map_opening(int fd, const struct stat *status)
{
	struct opening *o = FAULT("sem/open/memory", ENOMEM) ? NULL : calloc(1, sizeof(*o));

	if (o && object_map(&o->mapping, fd, OBJECT_SEM, sizeof(struct named))) {
		o->device = status->st_dev;
		o->file = status->st_ino;
		o->next = openings;
		openings = o;
		return o;
	}
	free(o);
	return NULL;
}

static bool identify(int fd, struct stat *status)
{
	return !FAULT("sem/open/stat", ENOMEM) && fstat(fd, status) == 0;
}

static void close_unused(struct opening *opening)
{
	struct opening **link = &openings;
	int saved = errno;

	if (opening->count)
		return;
	while (*link != opening)
		link = &(*link)->next;
	*link = opening->next;
	object_unmap(&opening->mapping);
	free(opening);
	errno = saved;
}

/* Its file is nobody's yet but this call's: mapped first, who can't do all of that leaves no name.
 */
static struct opening *make_opening(int fd, const char *nameless, const char *path, mode_t mode,
				    unsigned value)
{
	struct stat status;

	if (!object_lessen(fd, &mode) || !object_widen(fd, mode) ||
	    !object_write(fd, OBJECT_SEM, sizeof(struct named), mode, make_named, &value) ||
	    !identify(fd, &status))
		return NULL;
	struct opening *o = map_opening(fd, &status);

	if (!o || object_name(fd, nameless, AT_FDCWD, path))
		return o;
	close_unused(o);
	return NULL;
}

static struct opening *create(const char *path, mode_t mode, unsigned value)
{
	char nameless[PATH_MAX];
	int fd = is_value(value) ? object_begin(AT_FDCWD, path, mode, nameless) : -1;

	if (fd < 0)
		return NULL;
	struct opening *o = make_opening(fd, nameless, path, mode, value);
	int error = errno;

	if (*nameless)
		unlink(nameless);
	close(fd);
	errno = error;
	return o;
}

/* What is named must be read and written by all who use it. */
static bool is_permitted(const struct opening *o, const struct stat *status)
{
	if (object_permits(o->mapping.object->mode, status->st_uid, status->st_gid, 06))
		return true;
	errno = EACCES;
	return false;
}

/* What is there; NULL with errno ENOENT: nothing. */
static struct opening *open_existing(const char *path)
{
	struct opening *o = NULL;
	struct stat status;
	int fd = FAULT("sem/open/open", EMFILE, ENFILE, ENOMEM) ? -1
								: open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (identify(fd, &status)) {
		o = find_opening(&status);
		if (!o)
			o = map_opening(fd, &status);
	}
	if (o && !is_permitted(o, &status)) {
		close_unused(o);
		o = NULL;
	}
	int error = errno;

	close(fd);
	errno = error;
	return o;
}

/* Who comes second to create, opens; who finds it gone then, creates. */
static struct opening *open_or_create(const char *path, int flags, mode_t mode, unsigned value)
{
	bool is_exclusive = (flags & O_CREAT) && (flags & O_EXCL);
	struct opening *o = NULL;

	do {
		if (!is_exclusive)
			o = open_existing(path);
		if (o || !(flags & O_CREAT) || (!is_exclusive && errno != ENOENT))
			break;
		o = create(path, mode & 0777, value);
	} while (!o && errno == EEXIST && !is_exclusive);
	return o;
}

sem_t *ipcref_sem_open(const char *name, int flags, ...)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	sem_t *sem = SEM_FAILED;
	char path[PATH_MAX];
	unsigned value = 0;
	mode_t mode = 0;

	if (flags & O_CREAT) {
		va_list rest;

		va_start(rest, flags);
		mode = (mode_t)va_arg(rest, unsigned);
		value = va_arg(rest, unsigned);
		va_end(rest);
	}
	if (!namespace_posix_path(path, "sem", name))
		return SEM_FAILED;
	pthread_once(&once, watch_forks);
	pthread_mutex_lock(&mutex);
	struct opening *o = open_or_create(path, flags, mode, value);
	if (o) {
		o->count++;
		sem = sem_of(o);
	}
	pthread_mutex_unlock(&mutex);
	return sem;
}

int ipcref_sem_close(sem_t *sem)
{
	struct opening *o;
	int result = -1;

	pthread_mutex_lock(&mutex);
	for (o = openings; o && sem_of(o) != sem;)
		o = o->next;
	if (o) {
		o->count--;
		close_unused(o);
		result = 0;
	}
	pthread_mutex_unlock(&mutex);
	if (result < 0)
		errno = EINVAL;
	return result;
}

int ipcref_sem_unlink(const char *name)
{
	char path[PATH_MAX];

	if (!namespace_posix_path(path, "sem", name))
		return -1;
	if (!FAULT("sem/unlink/unlink", ENOMEM, EROFS) && unlink(path) == 0) {
		STEP("sem/unlink/unlinked");
		return 0;
	}
	/* a directory in which only owners unlink says EPERM, the standard EACCES */
	if (errno == EPERM)
		errno = EACCES;
	return -1;
}
