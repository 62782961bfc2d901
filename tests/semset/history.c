/* SPDX-License-Identifier: MIT */
/* What processes move between semaphores at once is moved whole, and never seen in between. */
#include "../history.h"

enum { SEMAPHORES = 3, ACTORS = 3, TOKENS = 2 };

static long long operate(int id, unsigned who, const signed char changes[COUNTERS], short flags,
			 long long *failures)
{
	struct sembuf operations[SEMAPHORES];
	size_t count = 0;

	for (unsigned i = 0; i < SEMAPHORES; i++)
		if (changes[i])
			operations[count++] = (struct sembuf){
				(unsigned short)i,
				(short)(changes[i] == MUST_BE_ZERO ? 0 : changes[i]), flags};
	struct event *noted = recorder_invoke(recorder, who, EVENT_CHANGE, changes_of(changes), 0);

	if (impl->semset->semop(id, operations, count) == 0)
		recorder_return(noted);
	else if (errno == EAGAIN)
		note_failure(noted, EVENT_REFUSED, failures);
	else
		return -1;
	return noted->kind == EVENT_CHANGE;
}

/* From one semaphore to another and back; waited for, or tried if a third one is zero. */
static long long move_many(const char *s, const long long *n)
{
	int id = (int)handle_number(s);
	long long failures = n[1] / 2;
	uint64_t seed = begin_round(n);

	for (long long i = 0; i < n[1]; i++) {
		unsigned from = choose(&seed, SEMAPHORES), to = (from + 1) % SEMAPHORES;
		signed char changes[COUNTERS] = {0};

		changes[from] = -1;
		changes[to] = 1;
		if (choose(&seed, 3) == 0)
			changes[(from + 2) % SEMAPHORES] = MUST_BE_ZERO;
		if (operate(id, (unsigned)n[0], changes, IPC_NOWAIT, &failures) < 0)
			return -1;
	}
	return 0;
}

/* Two at once, and back: who has them has all there are. */
static long long take_both(const char *s, const long long *n)
{
	int id = (int)handle_number(s);
	long long failures = 0;

	begin_round(n);
	for (long long i = 0; i < n[1] / 2; i++) {
		const signed char take[COUNTERS] = {-1, -1}, give[COUNTERS] = {1, 1};

		if (operate(id, (unsigned)n[0], take, 0, &failures) != 1 ||
		    operate(id, (unsigned)n[0], give, 0, &failures) != 1)
			return -1;
	}
	return 0;
}

static long long look_often(const char *s, const long long *n)
{
	int id = (int)handle_number(s);

	begin_round(n);
	for (long long i = 0; i < n[1]; i++) {
		unsigned short values[SEMAPHORES] = {0};
		struct event *noted = recorder_invoke(recorder, (unsigned)n[0], EVENT_READ, 0, 0);
		signed char seen[COUNTERS] = {0};

		if (impl->semset->semctl(id, 0, GETALL, (union semset_argument){.array = values}) <
		    0)
			return -1;
		for (unsigned j = 0; j < SEMAPHORES; j++)
			seen[j] = (signed char)values[j];
		noted->value = changes_of(seen);
		recorder_return(noted);
	}
	return 0;
}

static const struct choice {
	const char *name, *initial, *function;
	function *does;
	signed char counters[COUNTERS];
} choices[] = {
	{"moved", "2 0 0", "move_many", move_many, {TOKENS}},
	{"both", "1 1 0", "take_both", take_both, {1, 1}},
};

TEST_EACH(semset, what_happens_at_once_is_as_one_after_the_other, choices)
{
	long long count = operations_of(ACTORS, FEW);
	struct player players[ACTORS + 1];

	begin_history(ACTORS + 1, count);
	actor *alice = cast("alice");
	does(alice, semset.make("s", row->initial));
	for (unsigned i = 0; i < ACTORS; i++)
		players[i] =
			(struct player){forks(alice, "actor"), row->function, row->does, "s", 1};
	players[ACTORS] = PLAYER(forks(alice, "watcher"), look_often, "s");
	play(players, ACTORS + 1, count);
	must_be_of(MODEL_COUNTERS, changes_of(row->counters));
}
