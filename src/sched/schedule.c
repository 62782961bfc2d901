/* SPDX-License-Identifier: MIT */
/* Whose turn it is, who can go at all, and how a run ends. */
#include "sched/schedule.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sched/futex.h"
#include "sched/leftover.h"
#include "sched/noise.h"
#include "sched/runtime.h"
#include "sched/store_buffer.h"

enum { LOOKS_EVERY_SECONDS = 2 };

unsigned runtime_mode;
static __thread unsigned self_number = NOBODY;
static __thread struct actor *self;

unsigned runtime_self(void)
{
	return self_number;
}

static uint64_t bit(unsigned actor)
{
	return UINT64_C(1) << actor;
}

static uint64_t signal_bit(int signal)
{
	return UINT64_C(1) << (signal - 1);
}

static unsigned lowest(uint64_t set)
{
	return (unsigned)__builtin_ctzll(set);
}

static enum actor_state state_of(unsigned actor)
{
	return atomic_load_explicit(&arena->actor[actor].state, memory_order_relaxed);
}

/* Which tells what its threads have in common. */
static struct actor *process_of(const struct actor *actor)
{
	return &arena->actor[actor->process];
}

static void set_state(unsigned actor, enum actor_state state)
{
	atomic_store_explicit(&arena->actor[actor].state, state, memory_order_relaxed);
	if (state == ACTOR_READY)
		arena->ready |= bit(actor);
	else
		arena->ready &= ~bit(actor);
	if (state == ACTOR_SPINNING)
		arena->spinning |= bit(actor);
	else
		arena->spinning &= ~bit(actor);
}

/* ---- the end of a run ---- */

static void call_explorer(void)
{
	atomic_store(&arena->explorer, 1);
	futex_rouse(&arena->explorer);
}

void schedule_end(enum ending ending, unsigned actor, const char *format, ...)
{
	uint32_t none = ENDING_NONE;
	va_list rest;

	if (atomic_load(&arena->ending) != ENDING_NONE)
		return;
	va_start(rest, format);
	vsnprintf(arena->reason, sizeof(arena->reason), format, rest);
	va_end(rest);
	atomic_store(&arena->ended_by, actor);
	atomic_store(&arena->holder, NOBODY);
	atomic_compare_exchange_strong(&arena->ending, &none, ending);
	call_explorer();
}

/* Nobody can go, and nothing will change that. */
static void end_stuck(unsigned running)
{
	unsigned actors = arena->actors, stuck = 0, who = NOBODY;

	for (unsigned actor = 0; actor < actors; actor++)
		if (state_of(actor) == ACTOR_BLOCKED || state_of(actor) == ACTOR_SPINNING ||
		    (arena->stopped & bit(actor))) {
			stuck++;
			who = actor;
		}
	if (stuck == 0)
		schedule_end(ENDING_DONE, running, "all have ended");
	else if (arena->spinning)
		schedule_end(
			ENDING_LIVELOCK, lowest(arena->spinning),
			"process %u reads the same for ever: nobody is left who would change it",
			lowest(arena->spinning));
	else
		schedule_end(ENDING_DEADLOCK, who,
			     stuck == 1 ? "one process waits, and nobody is left"
					: "%u processes wait for each other",
			     stuck);
}

/* ---- what was done ---- */

static void trace(const struct operation *operation, unsigned actor)
{
	uint32_t number = arena->steps++;
	uint64_t what = operation->key ^ (uint64_t)operation->kind << 56 ^
			(uint64_t)operation->access << 52 ^ (uint64_t)actor << 44;

	arena->hash = (arena->hash ^ what) * UINT64_C(0x100000001b3);
	arena->hash ^= arena->hash >> 29;
	if (number < STEPS_MAX)
		arena->trace[number] =
			(struct step){.operation = *operation, .actor = (uint8_t)actor};
}

/* Those who read over and over what nobody wrote look again, for somebody has. */
static void let_spinners_look(void)
{
	arena->writes++;
	arena->patience = 0;
	for (uint64_t spinning = arena->spinning; spinning; spinning &= spinning - 1)
		set_state(lowest(spinning), ACTOR_READY);
}

/* False: that was one step too many. */
static bool is_within_budget(void)
{
	if (arena->steps < arena->budget)
		return true;
	schedule_end(ENDING_STEPS, self_number, "no end after %u steps", arena->steps);
	return false;
}

/* ---- the store buffer ---- */

static void await_turn(void);

/* What others know of it. */
static void publish_buffer(unsigned count)
{
	const struct operation *oldest = store_buffer_oldest();

	self->buffered = count;
	if (oldest) {
		arena->next[BUFFER_FROM + self_number] = *oldest;
		arena->ready |= bit(BUFFER_FROM + self_number);
	} else
		arena->ready &= ~bit(BUFFER_FROM + self_number);
}

/* This actor's oldest store reaches memory.  False: the run ends here. */
static bool flush(bool in_view)
{
	struct operation store = *store_buffer_oldest();

	store_buffer_flush(in_view);
	publish_buffer(self->buffered - 1);
	trace(&store, BUFFER_FROM + self_number);
	let_spinners_look();
	return is_within_budget();
}

void schedule_drain(void)
{
	if (!self || !arena->stores)
		return;
	publish_buffer(store_buffer_collect());
	while (self->buffered)
		if (!flush(true))
			await_turn();
}

void schedule_awaits_stores(unsigned process)
{
	self->emptied = 0;
	for (unsigned actor = 0; arena->stores && actor < arena->actors; actor++)
		if (process == NOBODY || arena->actor[actor].process == process)
			self->emptied |= bit(actor);
}

bool schedule_has_stores(void)
{
	if (!self || !arena->stores)
		return false;
	publish_buffer(store_buffer_collect());
	return self->buffered;
}

/* A delayed store needs room for itself, a load nothing; whatever else there is waits until the
 * buffer is empty. */
static unsigned bears(const struct operation *next)
{
	if (next->access & ACCESS_DELAYED)
		return arena->stores - store_buffer_takes(next);
	if (next->kind == OPERATION_ACCESS && !(next->access & ACCESS_WRITE))
		return arena->stores;
	return 0;
}

/* Code that isn't seen has stored over what the buffer holds: then all of it is in memory. */
static void prepare_buffer(const struct operation *next)
{
	publish_buffer(store_buffer_collect());
	if (self->buffered && store_buffer_is_overtaken())
		schedule_drain();
	self->bears = bears(next);
}

/* A handler may have stored something meanwhile. */
static void make_room(const struct operation *next)
{
	publish_buffer(store_buffer_collect());
	if (self->buffered > bears(next))
		schedule_drain();
}

/* ---- who goes next ---- */

enum course_of_time { TIME_STANDS, TIME_PASSES, TIME_KILLS };

static int64_t sooner(int64_t earliest, int64_t deadline)
{
	return deadline >= 0 && deadline < earliest ? deadline : earliest;
}

static bool is_alive(unsigned actor)
{
	enum actor_state state = state_of(actor);

	return state == ACTOR_READY || state == ACTOR_BLOCKED || state == ACTOR_SPINNING;
}

static bool has_alarm(unsigned actor)
{
	return arena->actor[actor].alarm >= 0 && is_alive(actor) && !(arena->stopped & bit(actor));
}

bool schedule_all_mask(unsigned actor, int signal)
{
	unsigned process = arena->actor[actor].process;

	for (unsigned other = 0; other < arena->actors; other++)
		if (arena->actor[other].process == process && is_alive(other) &&
		    !(arena->actor[other].masked & signal_bit(signal)))
			return false;
	return true;
}

/* The explorer goes on once it is dead: see schedule_kills. */
static void die_by(unsigned actor, int signal)
{
	set_state(actor, ACTOR_DYING);
	atomic_store(&arena->holder, NOBODY);
	call_explorer();
	REAL(syscall)(SYS_kill, (long)atomic_load(&arena->actor[actor].pid), (long)signal);
}

/* The time of its alarm has come.  False: it dies by that, or the run has ended. */
static bool ring(unsigned actor)
{
	const struct operation rings = {.kind = OPERATION_ALARM,
					.module = arena->actor[actor].module};
	struct actor *other = &arena->actor[actor];
	uint64_t alarm = signal_bit(SIGALRM);

	other->alarm = other->interval ? arena->now + other->interval : FOREVER;
	trace(&rings, actor);
	if (!is_within_budget())
		return false;
	if (other->ignored & alarm)
		return true;
	if (!(other->handled & alarm) && !schedule_all_mask(actor, SIGALRM)) {
		die_by(actor, SIGALRM);
		return false;
	}
	REAL(syscall)(SYS_kill, (long)atomic_load(&other->pid), (long)SIGALRM);
	schedule_signal_process(actor, SIGALRM);
	return true;
}

/* Time passes when nobody has anything else to do: to the earliest deadline, or alarm. */
static enum course_of_time pass_time(void)
{
	int64_t earliest = INT64_MAX;
	unsigned actors = arena->actors;

	for (unsigned actor = 0; actor < actors; actor++) {
		const struct actor *other = &arena->actor[actor];
		if (state_of(actor) == ACTOR_BLOCKED)
			earliest = sooner(earliest, other->deadline);
		if (has_alarm(actor))
			earliest = sooner(earliest, other->alarm);
	}
	if (earliest == INT64_MAX)
		return TIME_STANDS;
	if (earliest > arena->now)
		arena->now = earliest;
	for (unsigned actor = 0; actor < actors; actor++) {
		struct actor *other = &arena->actor[actor];
		if (state_of(actor) == ACTOR_BLOCKED && other->deadline >= 0 &&
		    other->deadline <= arena->now) {
			other->timed_out = true;
			set_state(actor, ACTOR_READY);
		}
	}
	for (unsigned actor = 0; actor < actors; actor++)
		if (has_alarm(actor) && arena->actor[actor].alarm <= arena->now && !ring(actor))
			return TIME_KILLS;
	return TIME_PASSES;
}

/*
 * It may only have looked as if it waited: one after the other looks again, so often that a loop
 * that gives up by itself does.
 */
static bool be_patient(void)
{
	uint64_t spinning = arena->spinning & ~arena->stopped;

	if (!spinning ||
	    arena->patience >= SPIN_PATIENCE * (unsigned)__builtin_popcountll(spinning))
		return false;
	for (unsigned skip = arena->patience++ % (unsigned)__builtin_popcountll(spinning); skip;
	     skip--)
		spinning &= spinning - 1;
	struct actor *other = &arena->actor[lowest(spinning)];
	memset(other->reads, 0, sizeof(other->reads));
	set_state(lowest(spinning), ACTOR_READY);
	return true;
}

/* Of those of whom only some are woken one has gone: if it was the last, the others wait as before.
 */
static void count_wake(unsigned actor)
{
	struct actor *woken = &arena->actor[actor];
	uint64_t key = woken->wake_key;

	woken->chosen = false;
	for (unsigned index = 0; index < ACTORS_MAX; index++) {
		if (arena->wake[index].key != key || --arena->wake[index].left > 0)
			continue;
		arena->wake[index].key = 0;
		for (uint64_t rest = arena->ready; rest; rest &= rest - 1) {
			struct actor *other = &arena->actor[lowest(rest)];
			if (other->chosen && other->wake_key == key) {
				other->chosen = false;
				set_state(lowest(rest), ACTOR_BLOCKED);
			}
		}
	}
}

/* Stores have to reach memory before it goes on. */
static bool is_held_back(unsigned actor)
{
	const struct actor *other = &arena->actor[actor];

	if (other->buffered > other->bears)
		return true;
	for (uint64_t rest = other->emptied & ~bit(actor); rest; rest &= rest - 1)
		if (arena->actor[lowest(rest)].buffered)
			return true;
	return false;
}

static uint64_t eligible(void)
{
	uint64_t set = arena->ready & ~arena->stopped;

	if (arena->stores)
		for (uint64_t rest = set & (bit(BUFFER_FROM) - 1); rest; rest &= rest - 1)
			if (is_held_back(lowest(rest)))
				set &= ~bit(lowest(rest));
	return set;
}

/* Processes but the first. What they have stored reaches memory before they die. */
static uint64_t mortal(void)
{
	uint64_t set = 0, unfit = 0;

	for (unsigned number = 1; number < arena->actors; number++) {
		const struct actor *actor = &arena->actor[number];

		if (!is_alive(number))
			continue;
		if (actor->process == number && atomic_load(&actor->pid) > 0)
			set |= bit(number);
		if (actor->buffered)
			unfit |= bit(actor->process);
	}
	return (set & ~unfit) << DEATH_FROM;
}

/* NOBODY: the run has ended. */
static unsigned decide(unsigned running)
{
	struct moment moment = {.next = arena->next, .running = running};

	while (!(moment.eligible = eligible()))
		switch (pass_time()) {
		case TIME_PASSES:
			break;
		case TIME_KILLS:
			return NOBODY; /* whoever buries the dead decides */
		case TIME_STANDS:
			if (be_patient())
				break;
			end_stuck(running);
			return NOBODY;
		}
	if (arena->kills)
		moment.mortal = mortal();
	moment.done = running < ACTORS_MAX ? arena->actor[running].done++ : 0;

	unsigned chosen = engine_decide(&arena->engine, &moment, &arena->taken);
	if (arena->actor[chosen].chosen)
		count_wake(chosen);
	return chosen;
}

static bool is_of(unsigned chosen, unsigned from)
{
	return arena->engine.shadowed && chosen >= from && chosen < from + SHADOWED_MAX;
}

static void put_to_death(unsigned actor)
{
	trace(&arena->next[DEATH_FROM + actor], DEATH_FROM + actor);
	arena->kills--;
	die_by(actor, SIGKILL);
}

static void hand(unsigned actor, enum turn turn)
{
	atomic_store(&arena->holder, actor);
	atomic_store(&arena->actor[actor].turn, turn);
	futex_rouse(&arena->actor[actor].turn);
}

static void give_turn(unsigned chosen)
{
	if (is_of(chosen, DEATH_FROM)) {
		put_to_death(chosen - DEATH_FROM);
	} else if (is_of(chosen, BUFFER_FROM)) {
		hand(chosen - BUFFER_FROM, TURN_FLUSHES);
	} else {
		arena->running = chosen;
		hand(chosen, TURN_GOES_ON);
	}
}

static enum turn await_some_turn(void)
{
	static const struct timespec timeout = {LOOKS_EVERY_SECONDS, 0};
	enum turn turn;

	while (!(turn = atomic_exchange(&self->turn, TURN_NONE))) {
		futex_sleep(&self->turn, TURN_NONE, &timeout);
		/* after the timeout: whoever would clear the run away may be gone */
		if (!atomic_load(&self->turn) &&
		    REAL(syscall)(SYS_kill, (long)atomic_load(&arena->explorer_pid), 0L) < 0 &&
		    errno == ESRCH)
			REAL(syscall)(SYS_exit_group, 2L);
	}
	return turn;
}

void model_mask_again(void) __attribute__((weak));

static void mask_again(void)
{
	if (model_mask_again)
		model_mask_again();
	atomic_store(&self->masks, 0);
	futex_rouse(&self->masks);
}

/* Meanwhile memory is as all see it; a store of one's own that is to reach it is written then. */
static void await_turn(void)
{
	enum turn turn;

	while ((turn = await_some_turn()) != TURN_GOES_ON)
		if (turn == TURN_MASKS)
			mask_again();
		else if (flush(false))
			schedule_go_on(arena->running);
	if (arena->stores)
		store_buffer_enter();
}

void schedule_go_on(unsigned running)
{
	unsigned chosen = decide(running);

	if (chosen != NOBODY)
		give_turn(chosen);
}

/* The turn goes to whoever the engine chooses, and comes back. */
static void hand_over(void)
{
	unsigned chosen;

	while ((chosen = decide(self_number)) == BUFFER_FROM + self_number && arena->stores)
		if (!flush(true))
			break;
	if (chosen == self_number)
		return;
	int saved = errno; /* a point is nothing that the program has called */
	if (arena->stores)
		store_buffer_leave();
	if (chosen != NOBODY && atomic_load(&arena->ending) == ENDING_NONE)
		give_turn(chosen);
	await_turn();
	errno = saved;
}

/* ---- spinning ---- */

/* Whether the same was read so often, with no write by anybody, that it looks like waiting. */
static bool reads_again(const struct operation *operation, uint32_t enough)
{
	uint64_t hash =
		(operation->key ^ operation->pc * 0x9e3779b97f4a7c15u) * 0xd1342543de82ef95u;

	if (self->writes_seen != arena->writes) {
		self->writes_seen = arena->writes;
		memset(self->reads, 0, sizeof(self->reads));
	}
	__typeof__(&self->reads[0]) read = &self->reads[hash >> 60];
	if (read->key != operation->key || read->pc != operation->pc || read->times == 0) {
		read->key = operation->key;
		read->pc = operation->pc;
		read->times = 0;
	}
	return ++read->times > enough;
}
_Static_assert(SPIN_READS == 16, "the upper four bits of a hash choose one");

static bool is_update(const struct operation *operation)
{
	return operation->access == (ACCESS_READ | ACCESS_WRITE | ACCESS_ATOMIC);
}

/* What the last operation has done is known now. */
static void settle(void)
{
	if (self->updated) {
		self->updated = false;
		let_spinners_look();
	}
}

void runtime_unchanged(void)
{
	if (self && self->updated)
		self->updated = false;
}

/* ---- points ---- */

/* It is done now: nobody else runs before this process's next point. */
static void does(const struct operation *operation)
{
	trace(operation, self_number);
	if (is_update(operation))
		self->updated = true;
	else if ((operation->access & (ACCESS_WRITE | ACCESS_DELAYED)) == ACCESS_WRITE)
		let_spinners_look();
	if (!is_within_budget())
		await_turn();
}

static uint64_t noise;

static void make_noise(void)
{
	struct timespec delay;

	if (!noise_comes(&noise, &delay))
		return;
	if (delay.tv_nsec)
		REAL(syscall)(SYS_nanosleep, &delay, NULL);
	else
		REAL(syscall)(SYS_sched_yield);
}

/* Signals that others have sent are taken here: see model_signal.c. */
void model_take_signals(void) __attribute__((weak));

static void take_signals(void)
{
	uint64_t sent = atomic_load_explicit(&self->signals, memory_order_relaxed) |
			atomic_load_explicit(&process_of(self)->common, memory_order_relaxed);

	if (sent && model_take_signals)
		model_take_signals();
}

void sched_point(const struct operation *next)
{
	if (runtime_mode & MODE_NOISY)
		make_noise();
	if (!(runtime_mode & MODE_SCHEDULED) || !self)
		return;

	bool only_reads = !(next->access & ACCESS_WRITE);
	bool waits = false;
	if (next->kind == OPERATION_YIELD)
		waits = reads_again(next, YIELD_TIMES);
	else if (only_reads || self->updated == false)
		waits = next->key && (only_reads || is_update(next)) &&
			reads_again(next, SPIN_TIMES);
	settle();
	if (arena->stores)
		prepare_buffer(next);
	arena->next[self_number] = *next;
	if (waits) {
		arena->spun = true;
		set_state(self_number, ACTOR_SPINNING);
	}
	hand_over();
	take_signals();
	if (arena->stores) {
		make_room(next);
		self->emptied = 0;
	}
	does(next);
}

enum wakening sched_block(const struct operation *next, int64_t timeout)
{
	self->updated = false; /* what waits hasn't been done */
	if (arena->stores)
		prepare_buffer(next);
	arena->next[self_number] = *next;
	self->blocked_on = next->key;
	self->deadline = timeout < 0 ? FOREVER : arena->now + timeout;
	self->timed_out = self->interrupted = false;
	set_state(self_number, ACTOR_BLOCKED);
	hand_over();
	self->deadline = FOREVER;
	bool interrupted = self->interrupted;
	take_signals();
	return self->timed_out ? TIMED_OUT : interrupted ? INTERRUPTED : WOKEN;
}

static bool waits_for(unsigned actor, uint64_t key)
{
	return state_of(actor) == ACTOR_BLOCKED && arena->actor[actor].blocked_on == key;
}

unsigned sched_wake(uint64_t key)
{
	return sched_wake_some(key, ACTORS_MAX);
}

static struct wake *wake_of(uint64_t key)
{
	struct wake *empty = NULL;

	for (unsigned index = 0; index < ACTORS_MAX; index++)
		if (arena->wake[index].key == key)
			return &arena->wake[index];
		else if (!arena->wake[index].key)
			empty = &arena->wake[index];
	return empty;
}

/* One of those of whom some have been woken, and it isn't said yet whether it is one. */
static bool may_be_woken(unsigned actor, uint64_t key)
{
	const struct actor *other = &arena->actor[actor];

	return state_of(actor) == ACTOR_READY && other->chosen && other->wake_key == key;
}

/*
 * If all can be woken, they are.  Otherwise each may go on, and who really does is said when the
 * engine lets one go: so the choice is one of schedules, and of nothing else.
 */
unsigned sched_wake_some(uint64_t key, unsigned count)
{
	unsigned actors, waiting = 0, hoping = 0;

	if (!(runtime_mode & MODE_SCHEDULED) || count == 0)
		return 0;
	actors = arena->actors;
	for (unsigned actor = 0; actor < actors; actor++) {
		waiting += waits_for(actor, key);
		hoping += may_be_woken(actor, key);
	}
	struct wake *wake = waiting + hoping ? wake_of(key) : NULL;
	if (!wake)
		return 0;
	unsigned left = wake->key == key ? wake->left : 0;
	unsigned woken = count < waiting + hoping - left ? count : waiting + hoping - left;
	bool all = left + woken == waiting + hoping;

	wake->key = all ? 0 : key;
	wake->left = left + woken;
	for (unsigned actor = 0; actor < actors; actor++)
		if (waits_for(actor, key) || may_be_woken(actor, key)) {
			arena->actor[actor].chosen = !all;
			arena->actor[actor].wake_key = key;
			set_state(actor, ACTOR_READY);
		}
	return woken;
}

int64_t sched_now(void)
{
	return arena->now += 1000; /* so that a loop that only looks at the clock ends */
}

/* ---- those who are explored ---- */

void schedule_become(unsigned actor)
{
	self_number = actor;
	self = &arena->actor[actor];
	if (arena->stores)
		publish_buffer(store_buffer_collect());
	noise = arena->engine.seed ^ (actor + 1) * UINT64_C(0x9e3779b97f4a7c15) ^
		arena->engine.run * UINT64_C(0xd1342543de82ef95);
}

void schedule_enter(void)
{
	await_turn();
	take_signals();
	does(&arena->next[self_number]);
}

void schedule_leave(void)
{
	settle();
	set_state(self_number, ACTOR_IDLE);
	schedule_go_on(self_number);
}

/* Calls that begin anew after a handler that says SA_RESTART. */
static bool begins_anew(enum operation_kind kind)
{
	return kind != OPERATION_SLEEP && kind != OPERATION_SEMOP && kind != OPERATION_MSGSND &&
	       kind != OPERATION_MSGRCV && kind != OPERATION_POLL && kind != OPERATION_AWAIT_SIGNAL;
}

static bool wants(const struct actor *actor, int signal)
{
	uint64_t handled = process_of(actor)->handled & ~actor->masked;

	return (handled | actor->awaited) & signal_bit(signal);
}

static void interrupt(unsigned actor, int signal)
{
	struct actor *other = &arena->actor[actor];

	if (state_of(actor) != ACTOR_BLOCKED || !wants(other, signal))
		return;
	other->interrupted = other->awaited & signal_bit(signal) ||
			     !(process_of(other)->restarts & signal_bit(signal)) ||
			     !begins_anew(arena->next[actor].kind);
	set_state(actor, ACTOR_READY);
}

void schedule_signal(unsigned actor, int signal)
{
	atomic_fetch_or(&arena->actor[actor].signals, signal_bit(signal));
	interrupt(actor, signal);
}

/* As Linux has it, the first thread that wants it is interrupted, and then whoever goes on first
 * takes it. */
void schedule_signal_process(unsigned actor, int signal)
{
	unsigned process = arena->actor[actor].process;

	atomic_fetch_or(&arena->actor[process].common, signal_bit(signal));
	for (unsigned other = 0; other < arena->actors; other++)
		if (arena->actor[other].process == process && is_alive(other) &&
		    wants(&arena->actor[other], signal)) {
			interrupt(other, signal);
			return;
		}
}

void schedule_masks(void)
{
	static const struct timespec timeout = {LOOKS_EVERY_SECONDS, 0};

	for (unsigned other = 0; other < arena->actors; other++) {
		struct actor *thread = &arena->actor[other];

		if (other == self_number || thread->process != self->process || !is_alive(other))
			continue;
		atomic_store(&thread->masks, 1);
		atomic_store(&thread->turn, TURN_MASKS);
		futex_rouse(&thread->turn);
		while (atomic_load(&thread->masks))
			futex_sleep(&thread->masks, 1, &timeout);
	}
}

void schedule_stop(unsigned actor, bool stops)
{
	unsigned process = arena->actor[actor].process;

	for (unsigned other = 0; other < arena->actors; other++)
		if (arena->actor[other].process == process)
			arena->stopped =
				stops ? arena->stopped | bit(other) : arena->stopped & ~bit(other);
	if (process == self->process)
		hand_over();
}

void schedule_kills(unsigned actor)
{
	set_state(actor, ACTOR_DYING);
	atomic_store(&arena->holder, NOBODY);
	call_explorer();
	await_turn();
}

void schedule_thread_ends(uint64_t key)
{
	schedule_drain();
	settle();
	set_state(self_number, ACTOR_GONE);
	self->collected = true;
	sched_wake(key);
	schedule_go_on(self_number);
	self = NULL;
}

void schedule_stays(void)
{
	for (;;)
		await_turn();
}

void schedule_dies(void)
{
	schedule_drain();
	settle();
	set_state(self_number, ACTOR_DYING);
	atomic_store(&arena->holder, NOBODY);
	call_explorer();
}

/* ---- those who explore ---- */

void schedule_reset(void)
{
	memset(arena->objects, 0, sizeof(arena->objects));
	atomic_store(&arena->fresh, 0);
	atomic_store(&arena->holder, NOBODY);
	atomic_store(&arena->explorer, 0);
	atomic_store(&arena->ending, ENDING_NONE);
	atomic_store(&arena->ended_by, NOBODY);
	arena->reason[0] = '\0';
	arena->steps = 0;
	arena->hash = 0;
	arena->ready = arena->stopped = arena->spinning = 0;
	arena->writes = 0;
	arena->now = 0;
	arena->spun = arena->shared = arena->locks_files = false;
	arena->patience = 0;
	memset(arena->wake, 0, sizeof(arena->wake));
	memset(arena->barrier, 0, sizeof(arena->barrier));
	leftover_forget_all();
	arena->taken.count = 0;
	arena->taken.shadowed = arena->engine.shadowed;
	arena->kills = arena->engine.kills;
	for (unsigned actor = 0; actor < ACTORS_MAX; actor++) {
		struct actor *other = &arena->actor[actor];
		other->done = 0;
		other->handled = other->restarts = other->ignored = 0;
		other->masked = other->awaited = 0;
		other->updated = other->timed_out = other->interrupted = other->chosen = false;
		atomic_store(&other->turn, 0);
		atomic_store(&other->signals, 0);
		atomic_store(&other->common, 0);
		atomic_store(&other->masks, 0);
		other->writes_seen = 0;
		memset(other->reads, 0, sizeof(other->reads));
	}
}

void schedule_admit(unsigned actor)
{
	arena->next[actor] =
		(struct operation){.kind = OPERATION_START, .module = arena->actor[actor].module};
	set_state(actor, ACTOR_READY);
}

bool schedule_watch(int64_t nanoseconds)
{
	struct timespec timeout = {nanoseconds / 1000000000, nanoseconds % 1000000000};

	if (!atomic_exchange(&arena->explorer, 0))
		futex_sleep(&arena->explorer, 0, &timeout);
	else
		return true;
	return atomic_exchange(&arena->explorer, 0);
}

/* What waits for a death, and for what a death may set free; others are only woken by somebody. */
static bool death_may_help(unsigned actor)
{
	enum operation_kind kind = arena->next[actor].kind;

	return state_of(actor) == ACTOR_BLOCKED && kind != OPERATION_FUTEX_WAIT &&
	       kind != OPERATION_COND_WAIT && kind != OPERATION_SLEEP &&
	       kind != OPERATION_BARRIER_WAIT;
}

/* What its buffer held has reached memory: memory was as it saw it when it died. */
static void is_gone(unsigned actor)
{
	set_state(actor, ACTOR_GONE);
	arena->actor[actor].buffered = 0;
	if (arena->engine.shadowed)
		arena->ready &= ~bit(BUFFER_FROM + actor);
}

void schedule_buried(unsigned actor)
{
	unsigned parent = arena->actor[actor].parent;

	pid_t pid = atomic_load(&arena->actor[actor].pid);

	for (unsigned other = 0; other < arena->actors; other++)
		if (atomic_load(&arena->actor[other].pid) == pid && state_of(other) != ACTOR_GONE)
			is_gone(other); /* its threads too */
	if (parent < ACTORS_MAX)
		schedule_signal_process(parent, SIGCHLD);
	for (unsigned other = 0; other < arena->actors; other++)
		if (death_may_help(other))
			set_state(other, ACTOR_READY);
}
