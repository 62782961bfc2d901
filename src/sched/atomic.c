/* SPDX-License-Identifier: MIT */
/*
 * The atomics of a program: performed, and what they order by the memory order they name.  An
 * object in memory carries what its last release knew, as the value does that was written with it:
 * both change under the object's lock, and a load takes them as of one version.
 */
#include <limits.h>
#include <stdio.h>

#include "sched/clock.h"
#include "sched/instrument.h"
#include "sched/real.h"
#include "sched/wide.h"

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

/* How each is done: as the compiler does it, or by wide.h. */
#define narrow_load(at) __atomic_load_n(at, __ATOMIC_SEQ_CST)
#define narrow_store(at, value) __atomic_store_n(at, value, __ATOMIC_SEQ_CST)
#define narrow_exchange(at, value) __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST)
#define narrow_fetch_add(at, value) __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST)
#define narrow_fetch_sub(at, value) __atomic_fetch_sub(at, value, __ATOMIC_SEQ_CST)
#define narrow_fetch_and(at, value) __atomic_fetch_and(at, value, __ATOMIC_SEQ_CST)
#define narrow_fetch_or(at, value) __atomic_fetch_or(at, value, __ATOMIC_SEQ_CST)
#define narrow_fetch_xor(at, value) __atomic_fetch_xor(at, value, __ATOMIC_SEQ_CST)
#define narrow_fetch_nand(at, value) __atomic_fetch_nand(at, value, __ATOMIC_SEQ_CST)
#define narrow_compare_exchange(at, expected, value)                                               \
	__atomic_compare_exchange_n(at, expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)

#define STORE(bits, type, how)                                                                     \
	static inline void store_##bits(volatile type *at, type value, int order, const void *pc)  \
	{                                                                                          \
		struct sync_object *object = begin_write(at, sizeof(type), order, false, pc);      \
		bool locked = object && sync_lock(object);                                         \
                                                                                                   \
		if (object)                                                                        \
			stored(object, order);                                                     \
		how##_store(at, value);                                                            \
		finish(object, locked, order);                                                     \
		if (self.party && !releases(order))                                                \
			remember_relaxed(at, pc);                                                  \
	}                                                                                          \
	void __tsan_atomic##bits##_store(volatile type *at, type value, int order);                \
	void __tsan_atomic##bits##_store(volatile type *at, type value, int order)                 \
	{                                                                                          \
		store_##bits(at, value, order, HERE);                                              \
	}

#define LOAD(bits, type, how)                                                                      \
	static inline type load_##bits(const volatile type *at, int order, const void *pc)         \
	{                                                                                          \
		uint64_t key;                                                                      \
		bool matters = begin(at, sizeof(type), order, ACCESS_READ, &key, pc);              \
		struct sync_object *object;                                                        \
		uint32_t version;                                                                  \
		type value;                                                                        \
                                                                                                   \
		do {                                                                               \
			object = matters ? sync_find(key, SYNC_ATOMIC, false) : NULL;              \
			version = object ? sync_read_begin(object) : 0;                            \
			value = how##_load(at);                                                    \
		} while (matters && !loaded(object, version, order, key));                         \
		learn_of_death((uint64_t)value, sizeof(value), order);                             \
		return value;                                                                      \
	}                                                                                          \
	type __tsan_atomic##bits##_load(const volatile type *at, int order);                       \
	type __tsan_atomic##bits##_load(const volatile type *at, int order)                        \
	{                                                                                          \
		return load_##bits(at, order, HERE);                                               \
	}

#define UPDATE(bits, type, how, name)                                                              \
	static inline type name##_##bits(volatile type *at, type value, int order, const void *pc) \
	{                                                                                          \
		struct sync_object *object = begin_write(at, sizeof(type), order, true, pc);       \
		bool locked = object && sync_lock(object);                                         \
		type before = how##_##name(at, value);                                             \
                                                                                                   \
		if (object)                                                                        \
			updated(object, order);                                                    \
		finish(object, locked, order);                                                     \
		learn_of_death((uint64_t)before, sizeof(before), order);                           \
		if (instrument_scheduled() && how##_load(at) == before)                            \
			runtime_unchanged();                                                       \
		return before;                                                                     \
	}                                                                                          \
	type __tsan_atomic##bits##_##name(volatile type *at, type value, int order);               \
	type __tsan_atomic##bits##_##name(volatile type *at, type value, int order)                \
	{                                                                                          \
		return name##_##bits(at, value, order, HERE);                                      \
	}

#define COMPARE(bits, type, how)                                                                   \
	static bool compare_exchange_##bits(volatile type *at, type *expected, type value,         \
					    int order, int failure, const void *pc)                \
	{                                                                                          \
		struct sync_object *object = begin_write(at, sizeof(type), order, true, pc);       \
		bool locked = object && sync_lock(object);                                         \
		bool done = how##_compare_exchange(at, expected, value);                           \
                                                                                                   \
		if (object && done)                                                                \
			updated(object, order);                                                    \
		else if (object)                                                                   \
			learn(object, failure);                                                    \
		finish(object, locked, done ? order : __ATOMIC_RELAXED);                           \
		learn_of_death((uint64_t)*expected, sizeof(type), done ? order : failure);         \
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

#define ATOMICS(bits, type, how)                                                                   \
	STORE(bits, type, how)                                                                     \
	LOAD(bits, type, how)                                                                      \
	UPDATE(bits, type, how, exchange)                                                          \
	UPDATE(bits, type, how, fetch_add)                                                         \
	UPDATE(bits, type, how, fetch_sub)                                                         \
	UPDATE(bits, type, how, fetch_and)                                                         \
	UPDATE(bits, type, how, fetch_or)                                                          \
	UPDATE(bits, type, how, fetch_xor)                                                         \
	UPDATE(bits, type, how, fetch_nand)                                                        \
	COMPARE(bits, type, how)

/* clang-format off */
ATOMICS(8, unsigned char, narrow)
ATOMICS(16, unsigned short, narrow)
ATOMICS(32, unsigned int, narrow)
ATOMICS(64, unsigned long long, narrow)
#if HAVE_WIDE
ATOMICS(128, wide, wide)
#endif
/* clang-format on */

/* ---- those of libatomic -------------------------------------------------------------------- */

/*
 * Compilers that don't expect a processor to have them call it by its size, or for any.  Of another
 * size the latter has locks, of each process its own: the program's libatomic does that, if there
 * is one.
 */
#if HAVE_WIDE
static bool is_wide(size_t size, const volatile void *at)
{
	return size == sizeof(wide) && (uintptr_t)at % sizeof(wide) == 0;
}

static wide wide_of(const void *value)
{
	wide copy;

	REAL(memcpy)(&copy, value, sizeof(copy));
	return copy;
}

static void put_wide(void *to, wide value)
{
	REAL(memcpy)(to, &value, sizeof(value));
}

WRAP(wide, __atomic_load_16, (const volatile void *at, int order))
{
	return load_128(at, order, HERE);
}

WRAP(void, __atomic_store_16, (volatile void *at, wide value, int order))
{
	store_128(at, value, order, HERE);
}

WRAP(bool, __atomic_compare_exchange_16,
     (volatile void *at, void *expected, wide value, int order, int failure))
{
	wide known = wide_of(expected);
	bool done = compare_exchange_128(at, &known, value, order, failure, HERE);

	put_wide(expected, known);
	return done;
}

#define WIDE_WRAP(name)                                                                            \
	WRAP(wide, __atomic_##name##_16, (volatile void *at, wide value, int order))               \
	{                                                                                          \
		return name##_128(at, value, order, HERE);                                         \
	}

/* clang-format off */
WIDE_WRAP(exchange)
WIDE_WRAP(fetch_add)
WIDE_WRAP(fetch_sub)
WIDE_WRAP(fetch_and)
WIDE_WRAP(fetch_or)
WIDE_WRAP(fetch_xor)
WIDE_WRAP(fetch_nand)
/* clang-format on */

#pragma weak __real___atomic_load
#pragma weak __real___atomic_store
#pragma weak __real___atomic_exchange
#pragma weak __real___atomic_compare_exchange

static void need(bool there, const char *name, size_t size)
{
	if (there)
		return;
	fprintf(stderr, "ipcts-race: %s of %zu bytes: not without -latomic\n", name, size);
	REAL(_exit)(2);
}

WRAP(void, __atomic_load, (size_t size, const volatile void *at, void *value, int order))
{
	if (is_wide(size, at)) {
		put_wide(value, load_128(at, order, HERE));
		return;
	}
	need(REAL(__atomic_load), "__atomic_load", size);
	REAL(__atomic_load)(size, at, value, order);
}

WRAP(void, __atomic_store, (size_t size, volatile void *at, const void *value, int order))
{
	if (is_wide(size, at)) {
		store_128(at, wide_of(value), order, HERE);
		return;
	}
	need(REAL(__atomic_store), "__atomic_store", size);
	REAL(__atomic_store)(size, at, value, order);
}

WRAP(void, __atomic_exchange,
     (size_t size, volatile void *at, const void *value, void *before, int order))
{
	if (is_wide(size, at)) {
		put_wide(before, exchange_128(at, wide_of(value), order, HERE));
		return;
	}
	need(REAL(__atomic_exchange), "__atomic_exchange", size);
	REAL(__atomic_exchange)(size, at, value, before, order);
}

WRAP(bool, __atomic_compare_exchange,
     (size_t size, volatile void *at, void *expected, const void *value, int order, int failure))
{
	if (is_wide(size, at)) {
		wide known = wide_of(expected);
		bool done = compare_exchange_128(at, &known, wide_of(value), order, failure, HERE);

		put_wide(expected, known);
		return done;
	}
	need(REAL(__atomic_compare_exchange), "__atomic_compare_exchange", size);
	return REAL(__atomic_compare_exchange)(size, at, expected, value, order, failure);
}
#endif

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
