/* SPDX-License-Identifier: MIT */
#include "race/turns.h"

#include <sys/mman.h>
#include <time.h>

#include "sched/futex.h"
#include "sched/store_buffer.h"

struct turns *turns;
static unsigned self = NOBODY;
static bool is_on;

/* What a role is given the turn for. */
enum { GOES_ON = 1, IS_SEEN = 2 };

/* It is this one's turn, or the run is over. */
static void give(_Atomic uint32_t *turn, uint32_t what)
{
	atomic_store(turn, what);
	futex_rouse(turn);
}

static uint64_t bit(unsigned role)
{
	return UINT64_C(1) << role;
}

/* -- who goes next ---------------------------------------------------------------------------- */

static uint64_t in_state(enum turns_state state)
{
	uint64_t set = 0;

	for (unsigned role = 0; role < turns->count; role++)
		if (turns->role[role].state == state)
			set |= bit(role);
	return set;
}

static uint64_t eligible(void)
{
	uint64_t ready = in_state(TURNS_READY);

	for (unsigned role = 0; role < turns->count; role++)
		if (turns->role[role].buffered > turns->role[role].bears)
			ready &= ~bit(role);
	return (ready & ~turns->yielding ? ready & ~turns->yielding : ready) | turns->unseen;
}

static void wake(unsigned role, bool timed_out)
{
	turns->role[role].state = TURNS_READY;
	turns->role[role].timed_out = timed_out;
}

/* Nobody can go: time passes, to where the first of them has slept long enough. */
static bool pass_time(void)
{
	unsigned first = NOBODY;

	for (unsigned i = 0; i < turns->count; i++) {
		const struct turns_role *role = &turns->role[i];

		if (role->state != TURNS_BLOCKED || role->deadline < 0)
			continue;
		if (first == NOBODY || role->deadline < turns->role[first].deadline)
			first = i;
	}
	if (first == NOBODY || turns->passes++ == TURNS_PASSES)
		return false;
	turns->is_late |= !turns->is_bereft; /* a death may well be found by looking only */
	wake(first, true);
	return true;
}

static uint64_t mortals(void)
{
	uint64_t set = 0;

	for (unsigned role = 0; turns->kills > 0 && role < turns->count; role++)
		if (turns->role[role].is_mortal && turns->role[role].state != TURNS_OVER &&
		    !turns->role[role].buffered) /* what it has stored is seen before it dies */
			set |= bit(DEATH_FROM + role);
	return set;
}

/* NOBODY: the run is over. */
static unsigned decide(unsigned running)
{
	struct moment moment = {.next = turns->next, .running = running};

	turns->running = running;
	if (in_state(TURNS_OVER) == bit(turns->count) - 1)
		return NOBODY;
	while (!(moment.eligible = eligible()))
		if (!pass_time()) {
			turns->is_stuck = true;
			return NOBODY;
		}
	if (turns->steps >= TURNS_BUDGET) {
		turns->is_stuck = true;
		return NOBODY;
	}
	moment.mortal = mortals();
	moment.done = running == NOBODY ? 0 : turns->role[running].done++;

	unsigned chosen = engine_decide(&turns->engine, &moment, &turns->taken);
	return chosen;
}

static void trace_of(unsigned role, const char *what, const void *pc)
{
	turns->steps++;
	if (turns->traced < TRACE_MAX)
		turns->trace[turns->traced++] = (struct turns_step){what, pc, role};
}

static void pass_turn(unsigned chosen)
{
	if (turns->engine.shadowed && chosen >= DEATH_FROM && chosen != NOBODY) {
		turns->victim = chosen - DEATH_FROM;
		turns->kills--;
		trace_of(turns->victim, "is killed", NULL);
		give(&turns->is_over, true);
	} else if (chosen == NOBODY)
		give(&turns->is_over, true);
	else if (turns->engine.shadowed && chosen >= BUFFER_FROM)
		give(&turns->role[chosen - BUFFER_FROM].turn, IS_SEEN);
	else
		give(&turns->role[chosen].turn, GOES_ON);
}

/* -- stores that others don't see yet ---------------------------------------------------------- */

/* What others know of them. */
static void publish_buffer(void)
{
	turns->role[self].buffered = store_buffer_collect();

	const struct operation *oldest = store_buffer_oldest();
	if (oldest) {
		turns->next[BUFFER_FROM + self] = *oldest;
		turns->unseen |= bit(BUFFER_FROM + self);
	} else
		turns->unseen &= ~bit(BUFFER_FROM + self);
}

/* Memory is as this role sees it, or else as all others do. */
static void show_oldest(bool in_view)
{
	store_buffer_flush(in_view);
	publish_buffer();
	turns->yielding = 0;
	trace_of(self, "has its store seen", NULL);
}

static void await_turn(void)
{
	uint32_t what;

	for (;;) {
		while (!(what = atomic_exchange(&turns->role[self].turn, 0)))
			futex_sleep(&turns->role[self].turn, 0, NULL);
		if (what == GOES_ON)
			break;
		show_oldest(false);
		pass_turn(decide(turns->running));
	}
	if (turns->stores)
		store_buffer_enter();
}

static void hand_over(void)
{
	unsigned chosen;

	if (turns->stores)
		publish_buffer();
	while ((chosen = decide(self)) == BUFFER_FROM + self && turns->stores)
		show_oldest(true);
	if (chosen == self)
		return;
	if (turns->stores)
		store_buffer_leave();
	pass_turn(chosen);
	await_turn();
}

static void trace(const char *what)
{
	trace_of(self, what, NULL);
}

/* -- who plays -------------------------------------------------------------------------------- */

bool turns_are_on(void)
{
	return is_on;
}

void turns_become(unsigned role)
{
	self = role;
}

void turns_enter(void)
{
	await_turn();
	is_on = true;
	trace("begins");
}

void turns_leave(void)
{
	if (turns->stores)
		turns_point(OPERATION_EXIT, 1, "is about to be done");
	trace("is done");
	is_on = false;
	turns->yielding &= ~bit(self);
	turns->role[self].state = TURNS_OVER;
	pass_turn(decide(self));
}

static void announce(enum operation_kind kind, uint64_t key)
{
	turns->next[self] = (struct operation){
		.key = key, .kind = (uint8_t)kind, .access = ACCESS_READ | ACCESS_WRITE};
}

void turns_point(enum operation_kind kind, uint64_t key, const char *what)
{
	announce(kind, key);
	hand_over();
	turns->yielding = 0;
	trace(what);
}

void turns_access(uint64_t key, unsigned access, const char *what, const void *pc)
{
	turns->next[self] =
		(struct operation){.key = key, .kind = OPERATION_ACCESS, .access = (uint8_t)access};
	hand_over();
	turns->yielding = 0;
	trace_of(self, what, pc);
}

static struct operation of_eight_bytes(uint64_t key, unsigned access)
{
	return (struct operation){
		.key = key | 7, .kind = OPERATION_ACCESS, .access = (uint8_t)access};
}

void turns_store(void *address, size_t size, uint64_t key, const char *what)
{
	struct operation store = of_eight_bytes(key, ACCESS_WRITE);
	bool is_delayed = turns->stores && ((uintptr_t)address & 7) + size <= 8;

	store.within = (uintptr_t)address & 7;
	store.size = (uint8_t)size;
	if (is_delayed)
		store.access |= ACCESS_DELAYED;
	turns->next[self] = store;
	turns->role[self].bears = is_delayed ? turns->stores - 1 : 0;
	hand_over();
	turns->role[self].bears = 0;
	turns->yielding = 0;
	trace(what);
	if (is_delayed)
		store_buffer_announce(address, &store);
}

void turns_load(uint64_t key, const char *what)
{
	turns->next[self] = of_eight_bytes(key, ACCESS_READ);
	turns->role[self].bears = turns->stores;
	hand_over();
	turns->role[self].bears = 0;
	turns->yielding = 0;
	trace(what);
}

void turns_yield(const char *what)
{
	announce(OPERATION_YIELD, 1);
	turns->yielding |= bit(self);
	hand_over();
	turns->yielding &= ~bit(self);
	trace(what);
}

bool turns_sleep(uint64_t key, int64_t deadline, const char *what)
{
	struct turns_role *role = &turns->role[self];

	trace(what);
	announce(OPERATION_FUTEX_WAIT, key);
	role->key = key;
	role->since = turns->sleeps++;
	role->deadline = deadline;
	role->state = TURNS_BLOCKED;
	hand_over();
	trace(role->timed_out ? "has slept long enough" : "is woken");
	return !role->timed_out;
}

static unsigned longest_sleeper(uint64_t key)
{
	unsigned first = NOBODY;

	for (unsigned i = 0; i < turns->count; i++)
		if (turns->role[i].state == TURNS_BLOCKED && turns->role[i].key == key &&
		    (first == NOBODY || turns->role[i].since < turns->role[first].since))
			first = i;
	return first;
}

unsigned turns_wake(uint64_t key, unsigned count)
{
	unsigned woken = 0;

	for (unsigned role; woken < count && (role = longest_sleeper(key)) != NOBODY; woken++)
		wake(role, false);
	return woken;
}

unsigned turns_move(uint64_t key, unsigned count, uint64_t other)
{
	unsigned moved = 0;

	for (unsigned role; moved < count && (role = longest_sleeper(key)) != NOBODY; moved++) {
		turns->role[role].key = other;
		turns->role[role].since = turns->sleeps++; /* behind those who are there */
	}
	return moved;
}

/* -- who has them played ---------------------------------------------------------------------- */

struct turns *turns_make(void)
{
	turns = mmap(NULL, sizeof(*turns), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (turns == MAP_FAILED)
		turns = NULL;
	return turns;
}

void turns_begin(unsigned count, unsigned mortal)
{
	turns->count = count;
	turns->steps = turns->passes = turns->traced = 0;
	turns->sleeps = turns->yielding = turns->unseen = 0;
	turns->is_stuck = turns->is_late = turns->is_bereft = false;
	turns->victim = NOBODY;
	turns->kills = turns->engine.kills;
	turns->taken.count = 0;
	turns->taken.shadowed = turns->engine.shadowed;
	atomic_store(&turns->is_over, 0);
	for (unsigned i = 0; i < count; i++) {
		struct turns_role *role = &turns->role[i];

		atomic_store(&role->turn, 0);
		role->state = TURNS_READY;
		role->done = 0;
		role->timed_out = false;
		role->buffered = role->bears = 0;
		role->is_mortal = mortal >> i & 1;
		turns->next[i] = (struct operation){.kind = OPERATION_START};
		turns->next[DEATH_FROM + i] = (struct operation){.kind = OPERATION_DIE};
	}
	engine_begin(&turns->engine);
	pass_turn(decide(NOBODY));
}

bool turns_wait(int milliseconds)
{
	struct timespec timeout = {milliseconds / 1000, milliseconds % 1000 * 1000000L};

	if (!atomic_load(&turns->is_over))
		futex_sleep(&turns->is_over, 0, &timeout);
	return atomic_load(&turns->is_over);
}

unsigned turns_victim(void)
{
	return turns->victim;
}

void turns_bury(unsigned victim, bool (*is_orphan)(uint64_t key))
{
	uint64_t woken = 0;

	turns->victim = NOBODY;
	turns->is_bereft = true;
	turns->yielding &= ~bit(victim);
	turns->role[victim].state = TURNS_OVER;
	for (unsigned i = 0; i < turns->count; i++)
		if (turns->role[i].state == TURNS_BLOCKED &&
		    longest_sleeper(turns->role[i].key) == i && is_orphan(turns->role[i].key))
			woken |= bit(i);
	for (; woken; woken &= woken - 1)
		wake((unsigned)__builtin_ctzll(woken), false);
	atomic_store(&turns->is_over, 0);
	pass_turn(decide(turns->running));
}
