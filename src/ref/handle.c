/* SPDX-License-Identifier: MIT */
#include "ref/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ref/step.h"

/* Those nobody uses any more: not freed, for whoever comes too late must find something. */
enum { SPARES = 1024 };
static struct handle *spare[SPARES];
static unsigned spares;
static struct handle *all; /* that were ever made */
static pthread_mutex_t spare_mutex = PTHREAD_MUTEX_INITIALIZER;
/* Who finds out about a number. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* -- the end of one --------------------------------------------------------------------------- */

static void release(struct handle *h)
{
	int saved = errno;

	if (h->class->released)
		h->class->released(h);
	if (h->kept >= 0)
		close(h->kept);
	if (h->mapping.object)
		object_unmap(&h->mapping);
	pthread_mutex_lock(&spare_mutex);
	if (spares < SPARES)
		spare[spares++] = h;
	pthread_mutex_unlock(&spare_mutex);
	errno = saved;
}

void handle_stop_using(struct handle *h)
{
	if (atomic_fetch_sub(&h->users, 1) == 1)
		release(h);
}

/* The table keeps it no more, if nobody has hold of it: to be asked by all who let go of it. */
void handle_leave_if_unheld(struct handle *h)
{
	bool was_left = true;

	/* of two who let go at once, one must see that the other has done so */
	atomic_thread_fence(memory_order_seq_cst);
	if (!hold_is_own(h) && !hold_is_elsewhere(h) &&
	    atomic_compare_exchange_strong(&h->is_left, &was_left, false))
		handle_stop_using(h);
}

/* It was in a table. */
static void put_back(struct handle *h)
{
	h->is_entered = false;
	atomic_store(&h->is_left, true);
	/* without having looked, rather kept for ever than gone while somebody uses it */
	if (hold_look())
		handle_leave_if_unheld(h);
}

void handle_keep(struct handle *h)
{
	atomic_fetch_add(&h->users, 1);
}

void handle_retain(struct handle *h)
{
	handle_keep(h);
	h->lasting++;
	handle_put(h);
}

void handle_release(struct handle *h)
{
	h->lasting--;
	handle_stop_using(h);
}

bool handle_is_shared(struct handle *h)
{
	unsigned known = hold_is_own(h) ? 1 : 2;

	return atomic_load(&h->users) > known || hold_is_elsewhere(h);
}

/* -- over fork -------------------------------------------------------------------------------- */

static void before_fork(void)
{
	pthread_mutex_lock(&mutex);
	pthread_mutex_lock(&spare_mutex);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&spare_mutex);
	pthread_mutex_unlock(&mutex);
}

/* A child has none of the threads that were in a call. */
static void forget_users(void)
{
	after_fork();
	hold_forget_others();
	for (struct handle *h = all; h; h = h->next) {
		if (atomic_load(&h->users) == 0)
			continue;
		atomic_store(&h->is_left, false);
		atomic_store(&h->users, 1 + h->is_entered + h->lasting);
		handle_stop_using(h);
	}
}

static void watch_forks(void)
{
	pthread_atfork(before_fork, after_fork, forget_users);
}

void handle_watch_forks(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, watch_forks);
}

/* A new one, or one that nobody uses any more, in no table; NULL: no memory. */
static struct handle *new_handle(void)
{
	struct handle *h;

	handle_watch_forks();
	pthread_mutex_lock(&spare_mutex);
	h = spares ? spare[--spares] : NULL;
	if (!h && !FAULT("handle/make/memory", ENOMEM) && (h = calloc(1, sizeof(*h)))) {
		h->next = all;
		all = h;
	}
	pthread_mutex_unlock(&spare_mutex);
	return h;
}

/* -- tables ----------------------------------------------------------------------------------- */

/* The same, which is made where it isn't there yet; NULL: no memory, or no such number. */
static _Atomic(struct handle *) *make_place(struct handle_table *table, int number)
{
	_Atomic(struct handle *) *place = handle_place(table, number);

	if (place || number < 0 || number >= HANDLE_CHUNK * HANDLE_CHUNKS)
		return place;
	_Atomic(struct handle *) *none = NULL, *fresh = NULL;

	if (!FAULT("handle/enter/memory", ENOMEM))
		fresh = calloc(HANDLE_CHUNK, sizeof(*fresh));
	if (!atomic_compare_exchange_strong(&table->chunks[number / HANDLE_CHUNK], &none, fresh))
		free(fresh);
	return handle_place(table, number);
}

/*
 * A mapping keeps the description open that it was made by, and so its locks, which tell that
 * somebody has this end: it is made anew by a description of its own, where one can be had.
 */
static void remap(struct mapping *mapping, int fd, const struct object_class *class)
{
	struct mapping fresh;
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	int own = FAULT("handle/remap/open", EMFILE, ENFILE, ENOMEM)
			  ? -1
			  : open(self, O_RDWR | O_CLOEXEC);
	if (own < 0)
		return;
	if (object_map(&fresh, own, class->kind, class->least)) {
		fresh.repair = mapping->repair;
		object_unmap(mapping);
		*mapping = fresh;
	}
	close(own);
}

struct handle *handle_make(int fd, const struct object_class *class)
{
	struct handle *h = new_handle();

	if (!h)
		return NULL;
	h->class = class;
	h->mapping.repair = class->repair;
	h->end = 0;
	h->id = -1;
	h->waits = false;
	h->notes = (struct pipe_notes){.settings = UINT32_MAX};
	atomic_init(&h->carrier, NULL);
	h->lasting = 0;
	atomic_init(&h->kept, -1);
	atomic_init(&h->users, 1);
	if (object_map_head(&h->mapping, fd, class->kind, class->least,
			    class->most ? class->most : SIZE_MAX)) {
		if (class->closed)
			remap(&h->mapping, fd, class);
		return h;
	}
	handle_stop_using(h);
	return NULL;
}

struct handle *handle_find(struct handle_table *table, int number)
{
	_Atomic(struct handle *) *place = handle_place(table, number);

	for (;;) {
		struct handle *h = place ? atomic_load(place) : NULL;

		if (!h) {
			int saved = errno;

			handle_watch_forks();
			pthread_mutex_lock(&mutex);
			place = handle_place(table, number);
			if (!place || !atomic_load(place)) {
				h = table->find_out ? table->find_out(number) : NULL;
				if (h && handle_enter(table, number, h))
					place = handle_place(table, number);
			}
			h = place ? atomic_load(place) : NULL;
			pthread_mutex_unlock(&mutex);
			errno = saved;
			if (!h)
				return NULL;
		}
		/* it may have become another number's between the look and this */
		handle_keep(h);
		if (atomic_load(place) == h)
			return h;
		handle_stop_using(h);
	}
}

bool handle_enter(struct handle_table *table, int number, struct handle *h)
{
	_Atomic(struct handle *) *place = make_place(table, number);

	if (place) {
		h->is_entered = true;
		struct handle *old = atomic_exchange(place, h);

		if (old)
			put_back(old);
		return true;
	}
	handle_put(h);
	errno = ENOMEM;
	return false;
}

void handle_forget(struct handle_table *table, int number)
{
	_Atomic(struct handle *) *place = handle_place(table, number);
	struct handle *h = place ? atomic_exchange(place, NULL) : NULL;

	if (h)
		put_back(h);
}

void handle_forget_this(struct handle_table *table, int number, struct handle *h)
{
	_Atomic(struct handle *) *place = handle_place(table, number);

	if (place && atomic_compare_exchange_strong(place, &(struct handle *){h}, NULL))
		put_back(h);
}
