/* SPDX-License-Identifier: MIT */
#include "ref/handle.h"

#include <errno.h>
#include <stdlib.h>

/* Those nobody uses any more: not freed, for whoever comes too late must find something. */
enum { SPARES = 1024 };
static struct handle *spare[SPARES];
static unsigned spares;
static pthread_mutex_t spare_mutex = PTHREAD_MUTEX_INITIALIZER;

static _Atomic(struct handle *) *place_of(struct handle_table *table, int number, bool is_made)
{
	if (number < 0 || number >= HANDLE_CHUNK * HANDLE_CHUNKS)
		return NULL;
	_Atomic(struct handle *) *chunk =
		atomic_load_explicit(&table->chunks[number / HANDLE_CHUNK], memory_order_acquire);

	if (!chunk && is_made) {
		_Atomic(struct handle *) *none = NULL,
					 *fresh = calloc(HANDLE_CHUNK, sizeof(*fresh));

		if (atomic_compare_exchange_strong(&table->chunks[number / HANDLE_CHUNK], &none,
						   fresh)) {
			chunk = fresh;
		} else {
			free(fresh);
			chunk = none;
		}
	}
	return chunk ? &chunk[number % HANDLE_CHUNK] : NULL;
}

struct handle *handle_make(int fd, const struct object_class *class)
{
	struct handle *h;

	pthread_mutex_lock(&spare_mutex);
	h = spares ? spare[--spares] : malloc(sizeof(*h));
	pthread_mutex_unlock(&spare_mutex);
	if (!h)
		return NULL;
	h->class = class;
	h->mapping.repair = class->repair;
	h->end = 0;
	h->id = -1;
	atomic_init(&h->users, 1);
	if (object_map_head(&h->mapping, fd, class->kind, class->least,
			    class->most ? class->most : SIZE_MAX))
		return h;
	h->mapping.object = NULL;
	handle_put(h);
	return NULL;
}

void handle_put(struct handle *h)
{
	if (atomic_fetch_sub(&h->users, 1) > 1)
		return;
	int saved = errno;

	if (h->mapping.object)
		object_unmap(&h->mapping);
	pthread_mutex_lock(&spare_mutex);
	if (spares < SPARES)
		spare[spares++] = h;
	pthread_mutex_unlock(&spare_mutex);
	errno = saved;
}

struct handle *handle_get(struct handle_table *table, int number)
{
	_Atomic(struct handle *) *place = place_of(table, number, false);

	for (;;) {
		struct handle *h = place ? atomic_load(place) : NULL;

		if (!h) {
			int saved = errno;

			pthread_mutex_lock(&table->mutex);
			place = place_of(table, number, false);
			if (!place || !atomic_load(place)) {
				h = table->find_out ? table->find_out(number) : NULL;
				if (h && handle_enter(table, number, h))
					place = place_of(table, number, false);
			}
			h = place ? atomic_load(place) : NULL;
			pthread_mutex_unlock(&table->mutex);
			errno = saved;
			if (!h)
				return NULL;
		}
		/* it may have become another number's between the look and this */
		atomic_fetch_add(&h->users, 1);
		if (atomic_load(place) == h)
			return h;
		handle_put(h);
	}
}

bool handle_enter(struct handle_table *table, int number, struct handle *h)
{
	_Atomic(struct handle *) *place = place_of(table, number, true);

	if (place) {
		struct handle *old = atomic_exchange(place, h);

		if (old)
			handle_put(old);
		return true;
	}
	handle_put(h);
	errno = ENOMEM;
	return false;
}

void handle_forget(struct handle_table *table, int number)
{
	_Atomic(struct handle *) *place = place_of(table, number, false);
	struct handle *h = place ? atomic_exchange(place, NULL) : NULL;

	if (h)
		handle_put(h);
}

void handle_forget_this(struct handle_table *table, int number, struct handle *h)
{
	_Atomic(struct handle *) *place = place_of(table, number, false);

	if (place && atomic_compare_exchange_strong(place, &(struct handle *){h}, NULL))
		handle_put(h);
}
