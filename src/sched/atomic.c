/* SPDX-License-Identifier: MIT */
/*
 * The atomics of a program: performed, and what they order by the memory order they name.  An
 * object in memory carries what its last release knew, as the value does that was written with it:
 * both change under the object's lock, and a load takes them as of one version.
 */
#include <limits.h>

#include "sched/clock.h"
#include "sched/instrument.h"
#include "sched/real.h"

#define HERE __builtin_return_address(0)

static bool acquires(int order)
{
	return order == __ATOMIC_ACQUIRE || order == __ATOMIC_CONSUME ||
	       order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

static bool releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

/* Others go first, and the access is noted; false: nobody else has the atomic. */
static bool begin(const volatile void *memory, size_t size, int order, unsigned access,
		  uint64_t *key, const void *pc)
{
	const void *address = (const void *)memory;

	if (instrument_scheduled())
		instrument_point(address, size, access | ACCESS_ATOMIC, order, pc);
	if (!self.party)
		return false;
	/* a write conflicts with whatever a read does */
	shadow_access(address, size, access & ACCESS_WRITE ? ATOMIC_WRITE : ATOMIC_READ, pc);
	*key = sync_key_of(address);
	return *key;
}

/*
 * What the atomic carries, or NULL.  A store that gives nothing leaves it at that if there is
 * nothing yet; an update doesn't, for somebody may be about to give.
 */
static struct sync_object *begin_write(const volatile void *memory, size_t size, int order,
				       bool updates, const void *pc)
{
	uint64_t key;

	if (!begin(memory, size, order, ACCESS_WRITE | (updates ? ACCESS_READ : 0), &key, pc))
		return NULL;
	return sync_find(key, SYNC_ATOMIC, updates || releases(order) || self.has_fence_released);
}

/* ---- what a load learns -------------------------------------------------------------------- */

static void fence_pending(struct sync_object *object)
{
	if (!self.has_fence_pending)
		for (unsigned i = 0; i < PARTIES; i++)
			atomic_store_explicit(&self.fence_pending[i], 0, memory_order_relaxed);
	self.has_fence_pending = true;
	sync_learn(object, self.fence_pending);
}

static void learn(struct sync_object *object, int order)
{
	if (acquires(order))
		sync_learn(object, self.clock);
	else
		fence_pending(object);
}

/* Of an object and its version, and whether it was learned in full or only until a fence. */
static uint64_t seen_as(const struct sync_object *object, uint32_t version, bool in_full)
{
	return (uint64_t)(object - world->sync + 1) << 33 | (uint64_t)version << 1 | in_full;
}

/* True if the object was the same all the while since sync_read_begin, or isn't there. */
static bool loaded(struct sync_object *object, uint32_t version, int order, uint64_t key)
{
	if (!object)
		return !sync_find(key, SYNC_ATOMIC, false);
	_Atomic uint64_t *seen = &self.seen[(object - world->sync) % SEEN];
	uint64_t known = atomic_load_explicit(seen, memory_order_relaxed);

	if (known == seen_as(object, version, true) ||
	    (!acquires(order) && known == seen_as(object, version, false)))
		return version == atomic_load(&object->version);
	learn(object, order);
	atomic_thread_fence(memory_order_acquire);
	if (version != atomic_load_explicit(&object->version, memory_order_relaxed))
		return false;
	atomic_store_explicit(seen, seen_as(object, version, acquires(order)),
			      memory_order_relaxed);
	return true;
}

/*
 * A robust futex that was given back by the death of its owner, whoever that was: the kernel has
 * written FUTEX_OWNER_DIED, and perhaps FUTEX_WAITERS.
 */
static void learn_of_death(uint64_t value, size_t size, int order)
{
	if (size == sizeof(uint32_t) && (value & ~UINT64_C(0x80000000)) == 0x40000000 &&
	    self.party && acquires(order))
		party_join_dead();
}

/* ---- what a store gives to know ------------------------------------------------------------ */

static void remember_relaxed(const volatile void *address, const void *pc)
{
	struct place place;

	if (!shadow_place((const void *)address, &place))
		return;
	struct party *party = &world->party[self.number];

	atomic_store_explicit(&party->relaxed_place, (uint64_t)place.segment << 40 | place.offset,
			      memory_order_relaxed);
	self.busy = true;
	atomic_store_explicit(&party->relaxed_stack, stack_here(pc), memory_order_relaxed);
	self.busy = false;
}

/* A store begins anew; but what follows a release of one's own goes on with it (C11 5.1.2.4). */
static void stored(struct sync_object *object, int order)
{
	if (releases(order)) {
		sync_assign(object, self.clock);
		atomic_store(&object->writer, self.number + 1);
	} else if (atomic_load(&object->writer) == self.number + 1) {
		if (self.has_fence_released)
			sync_join(object, self.fence_released);
	} else {
		atomic_store(&object->writer, 0);
		if (self.has_fence_released)
			sync_assign(object, self.fence_released);
		else
			sync_clear(object);
	}
}

/* An update goes on with the release it read from, whoever's that was. */
static void updated(struct sync_object *object, int order)
{
	learn(object, order);
	if (releases(order))
		sync_join(object, self.clock);
	else if (self.has_fence_released)
		sync_join(object, self.fence_released);
}

static void finish(struct sync_object *object, bool locked, int order)
{
	if (locked)
		sync_unlock(object);
	if (object && releases(order))
		party_advance();
}

#define STORE(bits, type)                                                                          \
	void __tsan_atomic##bits##_store(volatile type *at, type value, int order);                \
	void __tsan_atomic##bits##_store(volatile type *at, type value, int order)                 \
	{                                                                                          \
		struct sync_object *object = begin_write(at, sizeof(type), order, false, HERE);    \
		bool locked = object && sync_lock(object);                                         \
                                                                                                   \
		if (object)                                                                        \
			stored(object, order);                                                     \
		__atomic_store_n(at, value, __ATOMIC_SEQ_CST);                                     \
		finish(object, locked, order);                                                     \
		if (self.party && !releases(order))                                                \
			remember_relaxed(at, HERE);                                                \
	}

#define LOAD(bits, type)                                                                           \
	type __tsan_atomic##bits##_load(const volatile type *at, int order);                       \
	type __tsan_atomic##bits##_load(const volatile type *at, int order)                        \
	{                                                                                          \
		uint64_t key;                                                                      \
		bool matters = begin(at, sizeof(type), order, ACCESS_READ, &key, HERE);            \
		struct sync_object *object;                                                        \
		uint32_t version;                                                                  \
		type value;                                                                        \
                                                                                                   \
		do {                                                                               \
			object = matters ? sync_find(key, SYNC_ATOMIC, false) : NULL;              \
			version = object ? sync_read_begin(object) : 0;                            \
			value = __atomic_load_n(at, __ATOMIC_SEQ_CST);                             \
		} while (matters && !loaded(object, version, order, key));                         \
		learn_of_death(value, sizeof(value), order);                                       \
		return value;                                                                      \
	}

#define UPDATE(bits, type, name, operation)                                                        \
	type __tsan_atomic##bits##_##name(volatile type *at, type value, int order);               \
	type __tsan_atomic##bits##_##name(volatile type *at, type value, int order)                \
	{                                                                                          \
		struct sync_object *object = begin_write(at, sizeof(type), order, true, HERE);     \
		bool locked = object && sync_lock(object);                                         \
		type before = operation(at, value, __ATOMIC_SEQ_CST);                              \
                                                                                                   \
		if (object)                                                                        \
			updated(object, order);                                                    \
		finish(object, locked, order);                                                     \
		learn_of_death(before, sizeof(before), order);                                     \
		if (instrument_scheduled() && __atomic_load_n(at, __ATOMIC_RELAXED) == before)     \
			runtime_unchanged();                                                       \
		return before;                                                                     \
	}

#define COMPARE(bits, type)                                                                        \
	static bool compare_exchange_##bits(volatile type *at, type *expected, type value,         \
					    int order, int failure, const void *pc)                \
	{                                                                                          \
		struct sync_object *object = begin_write(at, sizeof(type), order, true, pc);       \
		bool locked = object && sync_lock(object);                                         \
		bool done = __atomic_compare_exchange_n(at, expected, value, false,                \
							__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);       \
                                                                                                   \
		if (object && done)                                                                \
			updated(object, order);                                                    \
		else if (object)                                                                   \
			learn(object, failure);                                                    \
		finish(object, locked, done ? order : __ATOMIC_RELAXED);                           \
		learn_of_death(*expected, sizeof(type), done ? order : failure);                   \
		if (!done && instrument_scheduled())                                               \
			runtime_unchanged();                                                       \
		return done;                                                                       \
	}                                                                                          \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile type *at, type *expected,       \
							  type value, int order, int failure);     \
	int __tsan_atomic##bits##_compare_exchange_strong(volatile type *at, type *expected,       \
							  type value, int order, int failure)      \
	{                                                                                          \
		return compare_exchange_##bits(at, expected, value, order, failure, HERE);         \
	}                                                                                          \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile type *at, type *expected,         \
							type value, int order, int failure);       \
	int __tsan_atomic##bits##_compare_exchange_weak(volatile type *at, type *expected,         \
							type value, int order, int failure)        \
	{                                                                                          \
		return compare_exchange_##bits(at, expected, value, order, failure, HERE);         \
	}                                                                                          \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected,          \
							type value, int order, int failure);       \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *at, type expected,          \
							type value, int order, int failure)        \
	{                                                                                          \
		compare_exchange_##bits(at, &expected, value, order, failure, HERE);               \
		return expected;                                                                   \
	}

#define ATOMICS(bits, type)                                                                        \
	STORE(bits, type)                                                                          \
	LOAD(bits, type)                                                                           \
	UPDATE(bits, type, exchange, __atomic_exchange_n)                                          \
	UPDATE(bits, type, fetch_add, __atomic_fetch_add)                                          \
	UPDATE(bits, type, fetch_sub, __atomic_fetch_sub)                                          \
	UPDATE(bits, type, fetch_and, __atomic_fetch_and)                                          \
	UPDATE(bits, type, fetch_or, __atomic_fetch_or)                                            \
	UPDATE(bits, type, fetch_xor, __atomic_fetch_xor)                                          \
	UPDATE(bits, type, fetch_nand, __atomic_fetch_nand)                                        \
	COMPARE(bits, type)

/* clang-format off */
ATOMICS(8, unsigned char)
ATOMICS(16, unsigned short)
ATOMICS(32, unsigned int)
ATOMICS(64, unsigned long long)
/* clang-format on */

/* ---- fences -------------------------------------------------------------------------------- */

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (order == __ATOMIC_SEQ_CST)
		runtime_fence(HERE);
	if (!self.party)
		return;
	if (acquires(order) && self.has_fence_pending) {
		for (unsigned i = 0; i < PARTIES; i++)
			epoch_learn(&self.clock[i], atomic_load(&self.fence_pending[i]));
		self.has_fence_pending = false;
	}
	if (releases(order)) {
		for (unsigned i = 0; i < PARTIES; i++)
			atomic_store(&self.fence_released[i], atomic_load(&self.clock[i]));
		self.has_fence_released = true;
		party_advance();
	}
}

void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order)
{
	(void)order;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}
