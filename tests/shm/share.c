/* SPDX-License-Identifier: MIT */
/* What shared memory is for: several address spaces, one memory. */
#include "stage/story.h"

enum kind { SEGMENT, OBJECT, MAPPED_FILE, ANONYMOUS, MEMFD };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* The actor makes a page of shared memory of some kind, and has it as "m". */
static void makes(actor *a, enum kind kind)
{
	if (kind == SEGMENT) {
		does(a, shm.get("s", page(), IPC_CREAT | IPC_EXCL | 0600));
		does(a, shm.attach("s", "m", 0));
		return;
	}
	if (kind == ANONYMOUS) {
		does(a, shm.map_anonymous("m", page(), MAP_SHARED));
		return;
	}
	if (kind == OBJECT)
		does(a, shm.open("o", O_RDWR | O_CREAT | O_EXCL));
	else if (kind == MAPPED_FILE)
		does(a, shm.open_file("o", O_RDWR | O_CREAT | O_EXCL));
	else
		does(a, shm.memfd("o", 0));
	does(a, shm.resize("o", (long long)page()));
	does(a, shm.map("o", "m", page()));
}

/* A stranger finds it by its name or key, and has it as "m". */
static void finds(actor *a, enum kind kind)
{
	if (kind == SEGMENT) {
		does(a, shm.get("s", 0, 0));
		does(a, shm.attach("s", "m", 0));
		return;
	}
	if (kind == OBJECT)
		does(a, shm.open("o", O_RDWR));
	else
		does(a, shm.open_file("o", O_RDWR));
	does(a, shm.map("o", "m", page()));
}

static const struct {
	const char *name;
	enum kind kind;
} kinds[] = {
	{"segment", SEGMENT},	  {"object", OBJECT}, {"file", MAPPED_FILE},
	{"anonymous", ANONYMOUS}, {"memfd", MEMFD},
};

static const struct {
	const char *name;
	enum kind kind;
} named_kinds[] = {{"segment", SEGMENT}, {"object", OBJECT}, {"file", MAPPED_FILE}};

TEST_EACH(shm, two_address_spaces_map_the_same_memory, kinds)
{
	actor *alice = cast("alice");

	makes(alice, row->kind);
	actor *bob = forks(alice, "bob");
	does(alice, shm.write("m", 0, "from alice"));
	does_give(bob, shm.read("m", 0, 10), "from alice");
	does(bob, shm.write("m", 0, "now by bob"));
	does_give(alice, shm.read("m", 0, 10), "now by bob");
	does(bob, shm.write("m", (long long)page() - 4, "last"));
	does_give(alice, shm.read("m", (long long)page() - 4, 4), "last");
}

TEST_EACH(shm, strangers_share_by_name_or_key, named_kinds)
{
	actor *alice = cast("alice"), *bob = cast_stranger("bob");

	makes(alice, row->kind);
	does(alice, shm.write("m", 0, "to whom it may concern"));
	finds(bob, row->kind);
	does_give(bob, shm.read("m", 0, 22), "to whom it may concern");
	does(bob, shm.write("m", 0, "thanks"));
	does_give(alice, shm.read("m", 0, 6), "thanks");
}

TEST_EACH(shm, new_memory_is_zero, kinds)
{
	actor *alice = cast("alice");

	makes(alice, row->kind);
	does_give(alice, shm.is_zero("m", 0, page()), 1);
}

TEST_EACH(shm, memory_outlives_its_writer, kinds)
{
	actor *alice = cast("alice");

	makes(alice, row->kind);
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, shm.write("m", 0, "testament"));
	dies(bob);
	does_give(carol, shm.read("m", 0, 9), "testament");
	dies(alice);
	does(carol, shm.write("m", 0, "the heirs"));
	actor *dave = forks(carol, "dave");
	does_give(dave, shm.read("m", 0, 9), "the heirs");
}

TEST_EACH(shm, named_memory_waits_for_the_next_user, named_kinds)
{
	actor *alice = cast("alice");

	makes(alice, row->kind);
	does(alice, shm.write("m", 0, "see you"));
	exits(alice, 0);
	actor *bob = cast("bob");
	finds(bob, row->kind);
	does_give(bob, shm.read("m", 0, 7), "see you");
}

TEST_EACH(shm, one_process_may_map_it_twice, named_kinds)
{
	actor *alice = cast("alice");

	makes(alice, row->kind);
	long long first = outcome_of(alice)->value;
	does(alice, shm.write("m", 0, "abc"));
	finds(alice, row->kind);
	must(outcome_of(alice)->value != first);
	does_give(alice, shm.read("m", 0, 3), "abc");
}

TEST(shm, threads_share_what_one_of_them_maps)
{
	actor *alice = cast("alice"), *thread = cast_thread(alice, "thread");

	makes(thread, OBJECT);
	does(thread, shm.write("m", 0, "by the thread"));
	does_give(alice, shm.read("m", 0, 13), "by the thread");
	does(alice, shm.unmap("m", 0, page()));
	actor *bob = forks(alice, "bob");
	begin(bob, shm.load("m", 0));
	is_killed_by(bob, SIGSEGV);
}

/* -- one counter, several hands --------------------------------------------------------------- */

/* An increment that stops its process between the load and the store. */
static long long increment_with_a_stop(const char *text, const long long *n)
{
	volatile uint32_t *counter = handle_pointer(text);
	uint32_t value = *counter;

	(void)n;
	must_be(impl->sig->kill(getpid(), SIGSTOP), 0);
	*counter = value + 1;
	return 0;
}

TEST_EACH(shm, unprotected_counter_loses_updates, kinds)
{
	actor *alice = cast("alice");

	makes(alice, row->kind);
	actor *bob = forks(alice, "bob");
	begin(alice, call(increment_with_a_stop, "m", 0, 0, 0));
	is_stopped(alice, 1);
	does(bob, shm.increment("m", 0));
	does(bob, shm.increment("m", 0));
	does_give(bob, shm.load("m", 0), 2);
	thaw(alice);
	succeeds(alice);
	does_give(bob, shm.load("m", 0), 1);
}

TEST_VARIANT(shm, unprotected_counter_loses_updates, threads)
{
	actor *alice = cast("alice"), *thread = cast_thread(alice, "thread");

	makes(alice, ANONYMOUS);
	does_give(alice, shm.load("m", 0), 0);
	does_give(thread, shm.load("m", 0), 0);
	does(thread, shm.store("m", 0, 0 + 1));
	does(alice, shm.store("m", 0, 0 + 1));
	does_give(thread, shm.load("m", 0), 1);
}

enum { ROUNDS = 20000 };

/* Atomics of another size take a lock, which no other process sees. */
#if ATOMIC_LLONG_LOCK_FREE == 2
typedef uint64_t wide;
#else
typedef unsigned long wide;
#endif

/* The counters of a page, on lines of their own. */
struct counters {
	_Alignas(64) _Atomic(uint32_t) atomic32;
	_Alignas(64) _Atomic(wide) atomic64;
	_Alignas(64) volatile uint64_t plain;
	_Alignas(64) atomic_flag is_taken;
};

typedef void step(struct counters *counters);

static void add_32(struct counters *counters)
{
	atomic_fetch_add(&counters->atomic32, 1);
}

static void add_64(struct counters *counters)
{
	atomic_fetch_add(&counters->atomic64, 1);
}

static void exchange_32(struct counters *counters)
{
	uint32_t value = atomic_load_explicit(&counters->atomic32, memory_order_relaxed);

	while (!atomic_compare_exchange_weak(&counters->atomic32, &value, value + 1))
		continue;
}

static void under_a_flag(struct counters *counters)
{
	while (atomic_flag_test_and_set_explicit(&counters->is_taken, memory_order_acquire))
		continue;
	counters->plain = counters->plain + 1;
	atomic_flag_clear_explicit(&counters->is_taken, memory_order_release);
}

static const struct {
	const char *name;
	step *step;
	size_t offset;
	bool is_plain;
} steps[] = {
	{"add_32", add_32, offsetof(struct counters, atomic32), false},
	{"add_64", add_64, offsetof(struct counters, atomic64), false},
	{"compare_and_exchange", exchange_32, offsetof(struct counters, atomic32), false},
	{"flag_around_a_plain_one", under_a_flag, offsetof(struct counters, plain), true},
};

/* ROUNDS steps, begun when the n[1] actors are all there. */
static long long count_together(const char *text, const long long *n)
{
	struct counters *counters = handle_pointer(text);

	shared()[0]++;
	awaits(&shared()[0], (uint64_t)n[1]);
	for (int i = 0; i < ROUNDS; i++)
		steps[n[0]].step(counters);
	return 0;
}

static long long count_of(const char *text, const long long *n)
{
	struct counters *counters = handle_pointer(text);

	if (steps[n[0]].offset == offsetof(struct counters, atomic32))
		return (long long)counters->atomic32;
	return steps[n[0]].is_plain ? (long long)counters->plain : (long long)counters->atomic64;
}

TEST_EACH(shm, atomic_counter_loses_no_update, steps)
{
	actor *alice = cast("alice");
	long long which = row - steps;

	if (row->step == add_64 && sizeof(wide) < sizeof(uint64_t))
		skip("this processor has no atomics of 64 bits");
	makes(alice, OBJECT);
	actor *bob = forks(alice, "bob");
	/* bob has it at another address */
	does(bob, shm.map("o", "there", page()));
	does(bob, shm.unmap("m", 0, page()));
	begin(alice, call(count_together, "m", which, 2, 0));
	begin(bob, call(count_together, "there", which, 2, 0));
	succeeds(alice);
	succeeds(bob);
	does_give(alice, call(count_of, "m", which, 0, 0), 2 * ROUNDS);
}

TEST_VARIANT(shm, atomic_counter_loses_no_update, threads)
{
	actor *alice = cast("alice"), *thread = cast_thread(alice, "thread");

	makes(alice, ANONYMOUS);
	begin(alice, call(count_together, "m", 0, 2, 0));
	begin(thread, call(count_together, "m", 0, 2, 0));
	succeeds(alice);
	succeeds(thread);
	does_give(alice, call(count_of, "m", 0, 0, 0), 2 * ROUNDS);
}

TEST(shm, addresses_may_differ_between_processes)
{
	actor *alice = cast("alice");

	makes(alice, OBJECT);
	long long here = outcome_of(alice)->value;
	actor *bob = forks(alice, "bob");
	does(bob, shm.map("o", "there", page()));
	must(outcome_of(bob)->value != here);
	does(bob, shm.unmap("m", 0, page()));
	does(bob, shm.write("there", 7, "elsewhere"));
	does_give(alice, shm.read("m", 7, 9), "elsewhere");
	does_give(alice, shm.add("m", 64, 40), 0);
	does_give(bob, shm.add("there", 64, 2), 40);
	does_give(alice, shm.load("m", 64), 42);
}

/* -- messages in memory ----------------------------------------------------------------------- */

enum { SLOTS = 512 };

struct slots {
	struct {
		uint64_t payload, check;
		_Atomic(uint32_t) is_full;
	} at[SLOTS];
};

static long long fill_slots(const char *text, const long long *n)
{
	struct slots *slots = handle_pointer(text);

	(void)n;
	shared()[0]++;
	awaits(&shared()[0], 2);
	for (uint64_t i = 0; i < SLOTS; i++) {
		slots->at[i].payload = i * 0x9E3779B97F4A7C15u;
		slots->at[i].check = ~slots->at[i].payload;
		atomic_store_explicit(&slots->at[i].is_full, 1, memory_order_release);
	}
	return 0;
}

static long long empty_slots(const char *text, const long long *n)
{
	struct slots *slots = handle_pointer(text);

	(void)n;
	shared()[0]++;
	awaits(&shared()[0], 2);
	for (uint64_t i = 0; i < SLOTS; i++) {
		while (!atomic_load_explicit(&slots->at[i].is_full, memory_order_acquire))
			continue;
		must_be(slots->at[i].payload, i * 0x9E3779B97F4A7C15u);
		must_be(slots->at[i].check, ~slots->at[i].payload);
	}
	return SLOTS;
}

TEST(shm, data_released_is_there_for_who_acquires)
{
	actor *writer = cast("writer");

	does(writer, shm.map_anonymous("m", sizeof(struct slots), MAP_SHARED));
	actor *reader = forks(writer, "reader");
	begin(reader, call(empty_slots, "m", 0, 0, 0));
	begin(writer, call(fill_slots, "m", 0, 0, 0));
	succeeds(writer);
	gives(reader, SLOTS);
}
