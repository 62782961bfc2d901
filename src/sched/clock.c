/* SPDX-License-Identifier: MIT */
#include "sched/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/real.h"

enum { PATIENCE = 256, LONG_ENOUGH = PATIENCE << 13, SEGMENT_SHIFT = 48, ANCESTORS = 16 };

_Thread_local struct self self;

static unsigned party_count(void)
{
	unsigned count = atomic_load_explicit(&world->parties, memory_order_relaxed);

	return count < PARTIES ? count : PARTIES;
}

static bool is_alive(unsigned number)
{
	struct party *party = &world->party[number];

	return atomic_load(&party->state) == PARTY_ALIVE && world_lives(&party->now);
}

/* ---- sync objects -------------------------------------------------------------------------- */

static uint64_t mixed(uint64_t value)
{
	value ^= value >> 32;
	value *= 0x9e3779b97f4a7c15;
	return value ^ value >> 29;
}

uint64_t sync_key(enum sync_kind kind, uint64_t device, uint64_t number)
{
	return mixed(mixed(mixed(device) + number) + kind + 1) | 1;
}

uint64_t sync_key_of(const void *address)
{
	struct place place;

	if (!self.party)
		return 0;
	if (shadow_place(address, &place))
		return ((uint64_t)place.segment + 1) << SEGMENT_SHIFT | place.offset << 1;
	return runtime_threads ? sync_key(SYNC_KIND_COUNT, (uint64_t)self.pid, (uintptr_t)address)
			       : 0;
}

bool sync_place(uint64_t key, struct place *place)
{
	if (key & 1)
		return false;
	place->segment = (uint32_t)(key >> SEGMENT_SHIFT) - 1;
	place->offset = (key & ((UINT64_C(1) << SEGMENT_SHIFT) - 1)) >> 1;
	return true;
}

struct sync_object *sync_find(uint64_t key, enum sync_kind kind, bool make)
{
	size_t at = (size_t)(key * 0x9e3779b97f4a7c15 >> 40) % SYNC_OBJECTS;

	for (size_t probes = 0; probes < SYNC_OBJECTS / 2; probes++, at = (at + 1) % SYNC_OBJECTS) {
		uint64_t found = atomic_load_explicit(&world->sync_key[at], memory_order_acquire);

		if (!found) {
			if (!make)
				return NULL;
			if (atomic_compare_exchange_strong(&world->sync_key[at], &found, key)) {
				atomic_store(&world->sync[at].kind, kind);
				return &world->sync[at];
			}
		}
		if (found == key)
			return &world->sync[at];
	}
	if (make)
		world_give_up("there are more locks, semaphores and atomics than can be followed");
	return NULL;
}

bool sync_lock(struct sync_object *object)
{
	uint32_t mine = self.number + 1;

	for (unsigned tries = 1;; tries++) {
		uint32_t holder = 0;

		if (atomic_compare_exchange_weak_explicit(&object->holder, &holder, mine,
							  memory_order_acquire,
							  memory_order_relaxed))
			break;
		if (holder == mine)
			return false; /* a handler has interrupted it */
		if (tries % PATIENCE || !holder)
			continue;
		/* who was killed with it, or left it by longjmp from a handler */
		if ((!is_alive(holder - 1) || tries > LONG_ENOUGH) &&
		    atomic_compare_exchange_strong(&object->holder, &holder, mine))
			break;
		REAL(sched_yield)();
	}
	atomic_fetch_or_explicit(&object->version, 1, memory_order_acq_rel);
	return true;
}

void sync_unlock(struct sync_object *object)
{
	atomic_fetch_add_explicit(&object->version, 1, memory_order_release);
	atomic_store_explicit(&object->holder, 0, memory_order_release);
}

static inline epoch known(const _Atomic epoch *clock)
{
	return atomic_load_explicit(clock, memory_order_relaxed);
}

/* Never less: a handler that comes in between may have learnt more. */
void epoch_learn(_Atomic epoch *clock, epoch when)
{
	epoch before = known(clock);

	while (before < when &&
	       !atomic_compare_exchange_weak_explicit(clock, &before, when, memory_order_relaxed,
						      memory_order_relaxed))
		;
}

static void join(_Atomic epoch *to, const _Atomic epoch *from)
{
	unsigned count = party_count();

	for (unsigned i = 0; i < count; i++)
		epoch_learn(&to[i], known(&from[i]));
}

void sync_assign(struct sync_object *object, const _Atomic epoch *clock)
{
	unsigned count = party_count();

	for (unsigned i = 0; i < count; i++)
		atomic_store_explicit(&object->clock[i], known(&clock[i]), memory_order_relaxed);
}

void sync_clear(struct sync_object *object)
{
	unsigned count = party_count();

	for (unsigned i = 0; i < count; i++)
		atomic_store_explicit(&object->clock[i], 0, memory_order_relaxed);
}

void sync_join(struct sync_object *object, const _Atomic epoch *clock)
{
	join(object->clock, clock);
}

void sync_learn(struct sync_object *object, _Atomic epoch *clock)
{
	join(clock, object->clock);
}

uint32_t sync_read_begin(struct sync_object *object)
{
	for (unsigned tries = 1;; tries++) {
		uint32_t version = atomic_load_explicit(&object->version, memory_order_acquire);

		if (!(version & 1))
			return version;
		uint32_t holder = atomic_load(&object->holder);

		if (holder == self.number + 1)
			return version;
		if (tries % PATIENCE)
			continue;
		if ((!holder || !is_alive(holder - 1) || tries > LONG_ENOUGH) && sync_lock(object))
			sync_unlock(object);
		else
			REAL(sched_yield)();
	}
}

void party_advance(void)
{
	epoch_learn(&self.clock[self.number], __atomic_add_fetch(&self.now, 1, __ATOMIC_RELAXED));
}

void sync_acquire(uint64_t key, enum sync_kind kind)
{
	if (!self.party || !key)
		return;
	struct sync_object *object = sync_find(key, kind, false);
	uint32_t version;

	if (!object)
		return;
	do {
		version = sync_read_begin(object);
		sync_learn(object, self.clock);
		atomic_thread_fence(memory_order_acquire);
	} while (version != atomic_load_explicit(&object->version, memory_order_relaxed));
}

void sync_release(uint64_t key, enum sync_kind kind)
{
	if (!self.party || !key)
		return;
	struct sync_object *object = sync_find(key, kind, true);

	if (!object)
		return;
	bool locked = sync_lock(object);

	sync_join(object, self.clock);
	if (locked)
		sync_unlock(object);
	party_advance();
}

void sync_keep(uint64_t key, enum sync_kind kind)
{
	struct sync_object *object = self.party ? sync_find(key, kind, true) : NULL;

	if (object)
		atomic_fetch_or(&object->keepers[self.number / 64], UINT64_C(1)
									    << self.number % 64);
}

void sync_acquire_kept(uint64_t key, enum sync_kind kind)
{
	sync_acquire(key, kind);
	struct sync_object *object = self.party ? sync_find(key, kind, false) : NULL;

	for (unsigned i = 0; object && i < PARTIES / 64; i++) {
		uint64_t keepers = atomic_load(&object->keepers[i]);

		for (; keepers; keepers &= keepers - 1) {
			unsigned keeper = i * 64 + (unsigned)__builtin_ctzll(keepers);

			if (keeper == self.number || is_alive(keeper))
				continue;
			party_join(keeper);
			atomic_fetch_and(&object->keepers[i], ~(UINT64_C(1) << keeper % 64));
		}
	}
}

/* ---- parties ------------------------------------------------------------------------------- */

/* Who has been there since then; by now it may be another. */
static void mark_ended(unsigned number, uint64_t since)
{
	struct party *party = &world->party[number];
	uint32_t alive = PARTY_ALIVE;

	if (!atomic_compare_exchange_strong(&party->state, &alive, PARTY_CLAIMED))
		return;
	if (atomic_load(&party->now.since) != since) {
		atomic_store(&party->state, PARTY_ALIVE);
		return;
	}
	atomic_store(&world->ended[number], known(&party->clock[number]));
	atomic_store(&party->turn, atomic_fetch_add(&world->ends, 1));
	atomic_store(&party->state, PARTY_ENDED);
}

/* Nobody is going to ask any more what it knew: its maker has, or is gone, too. */
static bool is_forgotten(const struct party *party)
{
	uint32_t maker = atomic_load(&party->maker);

	if (world_remembers(&party->now))
		return false;
	if (!maker)
		return true;
	const struct party *it = &world->party[maker - 1];

	return atomic_load(&it->state) != PARTY_ALIVE ||
	       atomic_load(&it->now.since) != atomic_load(&party->maker_since) ||
	       !world_lives(&it->now);
}

/* A place to be used again; in need also of those whose makers never ask. */
static unsigned longest_dead(bool in_need)
{
	for (;;) {
		unsigned found = PARTIES, turn = 0;

		for (unsigned i = 0; i < party_count(); i++) {
			struct party *party = &world->party[i];

			if (atomic_load(&party->state) == PARTY_ENDED &&
			    (found == PARTIES || atomic_load(&party->turn) < turn) &&
			    (in_need ? !world_remembers(&party->now) : is_forgotten(party))) {
				found = i;
				turn = atomic_load(&party->turn);
			}
		}
		uint32_t ended = PARTY_ENDED;

		if (found == PARTIES || atomic_compare_exchange_strong(&world->party[found].state,
								       &ended, PARTY_CLAIMED))
			return found;
	}
}

static unsigned new_place(void)
{
	unsigned count = atomic_load(&world->parties);

	while (count < PARTIES)
		if (atomic_compare_exchange_weak(&world->parties, &count, count + 1)) {
			atomic_store(&world->party[count].state, PARTY_CLAIMED);
			return count;
		}
	return PARTIES;
}

static unsigned claim(void)
{
	unsigned number = PARTIES;

	if (atomic_load(&world->parties) >= PARTIES_BEFORE_REUSE)
		number = longest_dead(false);
	if (number == PARTIES)
		number = new_place();
	if (number == PARTIES) {
		for (unsigned i = 0; i < party_count(); i++)
			if (!is_alive(i))
				mark_ended(i, atomic_load(&world->party[i].now.since));
		number = longest_dead(true);
	}
	if (number == PARTIES)
		world_give_up("more processes and threads at once than can be followed");
	return number;
}

/* Who it was goes into the past, so that what it did isn't told of its heir. */
static void bury(struct party *party)
{
	if (!atomic_load(&party->now.since))
		return;
	struct occupant *past = &party->past[atomic_fetch_add(&party->past_count, 1) % PAST];

	atomic_store(&past->since, 0);
	atomic_store(&past->pid, atomic_load(&party->now.pid));
	atomic_store(&past->tid, atomic_load(&party->now.tid));
	atomic_store(&past->image, atomic_load(&party->now.image));
	atomic_store(&past->since, atomic_load(&party->now.since));
}

/* The occupant begins with what its maker knows, who is NULL if there is none. */
static void prepare(unsigned number, const _Atomic epoch *maker)
{
	struct party *party = &world->party[number];
	epoch last = known(&party->clock[number]);

	bury(party);
	for (unsigned i = 0; i < PARTIES; i++)
		atomic_store_explicit(&party->clock[i], maker ? known(&maker[i]) : 0,
				      memory_order_relaxed);
	atomic_store(&party->clock[number], last + 1);
	atomic_store(&party->relaxed_place, 0);
	atomic_store(&party->first, !maker);
	atomic_store(&party->spawned, 0);
	atomic_store(&party->maker, 0);
	atomic_store(&party->now.pid, 0);
	atomic_store(&party->now.since, last + 1);
	atomic_store(&world->ended[number], UINT64_MAX);
}

unsigned party_prepare(void)
{
	if (!world || !self.party)
		return PARTIES;
	unsigned child = claim();

	if (child < PARTIES) {
		prepare(child, self.clock);
		atomic_store(&world->party[child].maker_since,
			     atomic_load(&world->party[self.number].now.since));
		atomic_store(&world->party[child].maker, self.number + 1);
		party_advance();
	}
	return child;
}

void party_spawns(void)
{
	if (!self.party)
		return;
	atomic_store(&world->party[self.number].spawned, self.now);
	party_advance();
}

void party_abandon(unsigned child)
{
	struct party *party = &world->party[child % PARTIES];

	if (child >= PARTIES)
		return;
	atomic_store(&party->maker, 0);
	atomic_store(&party->state, PARTY_ALIVE);
	mark_ended(child, atomic_load(&party->now.since));
}

static void take(unsigned number)
{
	struct party *party = &world->party[number];

	memset((void *)self.seen, 0, sizeof(self.seen));
	self.has_fence_released = self.has_fence_pending = false;
	self.number = number;
	self.clock = party->clock;
	self.now = known(&party->clock[number]);
	self.generation = 0;
	memset(self.view, 0, sizeof(self.view));
	atomic_store(&party->now.image, stack_own_image);
	atomic_store(&party->now.tid, (int)REAL(syscall)(SYS_gettid));
	self.pid = getpid();
	atomic_store(&party->now.pid, self.pid);
	atomic_store(&party->state, PARTY_ALIVE);
	self.party = true;
}

void party_become(unsigned child)
{
	self.party = false;
	if (child < PARTIES)
		take(child);
}

static unsigned party_of(pid_t pid)
{
	for (unsigned i = 0; i < party_count(); i++)
		if (atomic_load(&world->party[i].state) == PARTY_ALIVE &&
		    atomic_load(&world->party[i].now.pid) == pid)
			return i;
	return PARTIES;
}

static pid_t parent_of(pid_t pid)
{
	char path[32], text[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	int fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : REAL(read)(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		REAL(close)(fd);
	text[length < 0 ? 0 : length] = 0;
	const char *end = strrchr(text, ')');
	int parent;

	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

/* Between a program and who had it begun there may be others: a shell. */
static unsigned nearest_ancestor(void)
{
	pid_t pid = getppid();
	unsigned found = party_of(pid);

	for (int steps = 0; found == PARTIES && pid > 1 && steps < ANCESTORS; steps++) {
		pid = parent_of(pid);
		found = party_of(pid);
	}
	return found;
}

/*
 * A program begins: exec'd by a party, which it goes on to be; or by a process that this one's
 * parent made without telling (posix_spawn, system), which knew what the parent knew.
 */
void party_begin(void)
{
	if (!world || self.party)
		return;
	unsigned number = party_of(getpid());

	if (number < PARTIES) {
		take(number);
		/* of several threads one has exec'd, and no other is left */
		party_join_process(self.pid);
		party_advance();
		return;
	}
	number = claim();
	if (number == PARTIES)
		return;
	unsigned parent = nearest_ancestor();

	prepare(number, parent < PARTIES ? world->party[parent].clock : NULL);
	/* what the parent did since isn't known to it */
	if (parent < PARTIES && atomic_load(&world->party[parent].spawned))
		atomic_store(&world->party[number].clock[parent],
			     atomic_load(&world->party[parent].spawned));
	take(number);
}

void party_end(void)
{
	if (!self.party)
		return;
	self.party = false;
	mark_ended(self.number, atomic_load(&world->party[self.number].now.since));
}

void party_join(unsigned other)
{
	if (self.party && other < PARTIES)
		join(self.clock, world->party[other].clock);
}

/* All it knew; then its place may be another's. */
static void join_last(unsigned number, uint64_t since)
{
	struct party *party = &world->party[number];

	party_join(number);
	mark_ended(number, since);
	if (atomic_load(&party->maker) == self.number + 1 &&
	    atomic_load(&party->now.since) == since)
		atomic_store(&party->maker, 0);
}

void party_join_dead(void)
{
	for (unsigned i = 0; self.party && i < party_count(); i++) {
		struct party *party = &world->party[i];
		uint64_t since = atomic_load(&party->now.since);
		uint32_t state = atomic_load(&party->state);

		if (i != self.number &&
		    (state == PARTY_ENDED || (state == PARTY_ALIVE && !is_alive(i)))) {
			party_join(i);
			mark_ended(i, since);
		}
	}
}

void party_join_process(pid_t pid)
{
	for (unsigned i = 0; self.party && i < party_count(); i++) {
		struct party *party = &world->party[i];

		uint64_t since = atomic_load(&party->now.since);

		if (since && atomic_load(&party->now.pid) == pid && i != self.number)
			join_last(i, since);
	}
}
