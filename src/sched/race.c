/* SPDX-License-Identifier: MIT */
/* A race in words: who, where, what, and what would have ordered it. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sched/clock.h"
#include "sched/options.h"
#include "sched/real.h"
#include "sched/suppress.h"
#include "sched/symbol.h"

enum { TEXT_ROOM = 16384, RELEASES_TOLD = 3 };

/* One report at a time in this process; and it is too much for a stack. */
static atomic_flag busy = ATOMIC_FLAG_INIT;
static struct {
	char text[TEXT_ROOM];
	size_t length;
	struct symbol here[CALLS_MAX], there[CALLS_MAX];
} report;

__attribute__((format(printf, 1, 2))) static void tell(const char *format, ...)
{
	va_list rest;
	size_t room = sizeof(report.text) - report.length;

	va_start(rest, format);
	int length = vsnprintf(report.text + report.length, room, format, rest);

	va_end(rest);
	if (length > 0)
		report.length += (size_t)length < room ? (size_t)length : room - 1;
}

static void send_off(void)
{
	int fd = STDERR_FILENO;
	size_t done = 0;

	if (race_options.log_path[0]) {
		char path[OPTION_PATH_ROOM + 16];

		snprintf(path, sizeof(path), "%s.%d", race_options.log_path, (int)getpid());
		int found = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

		if (found >= 0)
			fd = found;
	}
	while (done < report.length) {
		ssize_t written = REAL(write)(fd, report.text + done, report.length - done);

		if (written <= 0 && errno != EINTR)
			break;
		done += written > 0 ? (size_t)written : 0;
	}
	if (fd != STDERR_FILENO)
		REAL(close)(fd);
}

/* ---- who ----------------------------------------------------------------------------------- */

/* Who had the place at that time. */
static const struct occupant *occupant_at(const struct accessor *accessor)
{
	const struct party *party = &world->party[accessor->party];
	const struct occupant *found = &party->now;

	if (atomic_load(&found->since) <= accessor->when)
		return found;
	for (unsigned i = 0; i < PAST; i++) {
		const struct occupant *past = &party->past[i];
		uint64_t since = atomic_load(&past->since);

		if (since && since <= accessor->when &&
		    (found == &party->now || since > atomic_load(&found->since)))
			found = past;
	}
	return found;
}

static int pid_at(const struct accessor *accessor)
{
	return atomic_load(&occupant_at(accessor)->pid);
}

static void tell_who(const struct accessor *accessor)
{
	const struct occupant *occupant = occupant_at(accessor);
	int pid = atomic_load(&occupant->pid), tid = atomic_load(&occupant->tid);

	tell("process %d", pid);
	if (tid != pid)
		tell(" (thread %d)", tid);
	tell(" [slot %u], %s", accessor->party,
	     world->image[atomic_load(&occupant->image) % IMAGES].command);
}

/* ---- what ---------------------------------------------------------------------------------- */

static const char *name_of_kind(enum shadow_kind kind)
{
	static const char *const names[] = {"read", "write", "atomic read", "atomic write"};

	return names[kind];
}

static bool is_atomic(enum shadow_kind kind)
{
	return kind == ATOMIC_READ || kind == ATOMIC_WRITE;
}

static void tell_access(const char *when, const struct accessor *accessor, uint64_t granule)
{
	unsigned first = (unsigned)__builtin_ctz(accessor->mask);
	unsigned size = (unsigned)__builtin_popcount(accessor->mask);

	tell("  %s%s of %u byte%s at offset 0x%llx by ", when, name_of_kind(accessor->kind), size,
	     size == 1 ? "" : "s", (unsigned long long)(granule + first));
	tell_who(accessor);
	tell(":\n");
}

static void tell_stack(const struct symbol *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tell("    #%zu %s %s\n", i, calls[i].function[0] ? calls[i].function : "??",
		     calls[i].place);
	if (!count)
		tell("    (where isn't known any more)\n");
}

/* ---- what would have ordered it -------------------------------------------------------------- */

static const char *const sync_words[] = {
#define SYNC_KIND(name, words) words,
	SYNC_KINDS(SYNC_KIND)
#undef SYNC_KIND
};

static void tell_object(uint64_t key, const struct sync_object *object)
{
	struct place place;

	tell("%s", sync_words[atomic_load(&object->kind) % SYNC_KIND_COUNT]);
	if (sync_place(key, &place))
		tell(" (segment %u, offset 0x%llx)", place.segment,
		     (unsigned long long)place.offset);
}

/* Did the first give away what it did by something that the second could have taken? */
static unsigned tell_releases(const struct race *race)
{
	unsigned told = 0;

	for (unsigned i = 0; i < SYNC_OBJECTS && told < RELEASES_TOLD; i++) {
		uint64_t key = atomic_load_explicit(&world->sync_key[i], memory_order_relaxed);
		const struct sync_object *object = &world->sync[i];

		if (!key || atomic_load(&object->clock[race->there.party]) < race->there.when)
			continue;
		tell(told ? " or " : "    process %d has released ", pid_at(&race->there));
		tell_object(key, object);
		told++;
	}
	if (told)
		tell(" since; process %d would have had to acquire it before its %s.\n",
		     pid_at(&race->here), name_of_kind(race->here.kind));
	return told;
}

/* A store that publishes nothing, after what it was to publish. */
static bool tell_relaxed(const struct race *race)
{
	const struct party *party = &world->party[race->there.party];
	uint64_t place = atomic_load(&party->relaxed_place);
	const struct stack *stack = &world->stack[atomic_load(&party->relaxed_stack) % STACKS];
	struct symbol call;

	if (!place || race->there.when < atomic_load(&party->now.since))
		return false;
	tell("    process %d has stored to segment %u, offset 0x%llx", pid_at(&race->there),
	     (unsigned)(place >> 40), (unsigned long long)(place & ((UINT64_C(1) << 40) - 1)));
	if (symbolise(stack, &call, 1))
		tell(" (%s %s)", call.function, call.place);
	tell(" by an atomic that releases nothing: memory_order_release there, and an acquire by "
	     "who reads it.\n");
	return true;
}

static void tell_remedy(const struct race *race)
{
	tell("  Nothing orders them: process %d knows nothing of what process %d did after its "
	     "epoch "
	     "%llu, and that was in %llu. What would have:\n",
	     pid_at(&race->here), pid_at(&race->there),
	     (unsigned long long)atomic_load(&self.clock[race->there.party]),
	     (unsigned long long)race->there.when);
	if (is_atomic(race->here.kind) != is_atomic(race->there.kind))
		tell("    one of them is atomic and the other is not: both atomic are no race.\n");
	unsigned told = tell_releases(race);

	if (!tell_relaxed(race) && !told)
		tell("    process %d has released nothing since: a lock that both hold, or a "
		     "release "
		     "(unlock, post, send, store-release) after its %s that process %d acquires "
		     "before its %s.\n",
		     pid_at(&race->there), name_of_kind(race->there.kind), pid_at(&race->here),
		     name_of_kind(race->here.kind));
}

/* ---- whether -------------------------------------------------------------------------------- */

/* Enters it among what was reported; true if it was there. */
static bool entered_before(uint64_t what)
{
	size_t at = (size_t)(what * 0x9e3779b97f4a7c15 >> 40) % REPORTED;

	for (unsigned probes = 0; probes < REPORTED; probes++, at = (at + 1) % REPORTED) {
		uint64_t found = 0;

		if (atomic_compare_exchange_strong(&world->reported[at], &found, what))
			return false;
		if (found == what)
			return true;
	}
	return true;
}

/*
 * The same two places in the code are one race, whoever runs them and however often, and so is the
 * same place in memory, whatever code goes on to race there.
 */
static bool told_before(const struct race *race)
{
	uint64_t one = race->here.stack, other = race->there.stack;
	uint64_t code = (one < other ? one << 32 | other : other << 32 | one) << 1 | 1;
	uint64_t memory = ((uint64_t)race->segment + 1) << 48 | race->offset << 1;

	return entered_before(code) || entered_before(memory);
}

static bool suppressed(const struct symbol *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (suppressed_frame(calls[i].function, calls[i].place, calls[i].module))
			return true;
	return false;
}

static const char *suppression_of(const struct symbol *calls, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (calls[i].function[0])
			return calls[i].function;
	return count ? calls[0].place : "*";
}

static void report_it(const struct race *race)
{
	size_t here = symbolise(&world->stack[race->here.stack], report.here, CALLS_MAX);
	size_t there = symbolise(&world->stack[race->there.stack], report.there, CALLS_MAX);
	const char *name = world->segment[race->segment].name;
	uint64_t granule = race->offset / GRANULE * GRANULE;

	if (suppressed_segment(name) || suppressed(report.here, here) ||
	    suppressed(report.there, there))
		return;
	atomic_fetch_add(&world->reports, 1);
	report.length = 0;
	tell("==================\nipcts-race: data race between processes %d and %d on segment %u "
	     "(%s), offset 0x%llx\n",
	     pid_at(&race->here), pid_at(&race->there), race->segment, *name ? name : "anonymous",
	     (unsigned long long)race->offset);
	tell_access("", &race->here, granule);
	tell_stack(report.here, here);
	tell_access("and before that ", &race->there, granule);
	tell_stack(report.there, there);
	tell_remedy(race);
	tell("  To suppress it: race:%s\n==================\n", suppression_of(report.here, here));
	send_off();
}

void race_report(const struct race *race)
{
	if (told_before(race) || atomic_flag_test_and_set(&busy))
		return;
	int saved = errno;

	report_it(race);
	errno = saved;
	atomic_flag_clear(&busy);
	if (race_options.halt_on_error && atomic_load(&world->reports))
		REAL(_exit)(race_options.exitcode);
}
