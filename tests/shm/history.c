/* SPDX-License-Identifier: MIT */
/* What processes load from shared words, store in them and exchange at once is as of one memory. */
#include "../history.h"

enum { ACTORS = 4, WORDS = 3 };

/* Two operations: a look, and a change of what was seen, or of whatever is there. */
static void look_and_change(_Atomic(uint64_t) *words, const long long *n, long long number,
			    uint64_t *seed)
{
	uint8_t object = (uint8_t)choose(seed, WORDS);
	_Atomic(uint64_t) *word = &words[object];
	uint64_t next = (uint64_t)value_of((unsigned)n[0], number);
	struct event *noted = recorder_invoke(recorder, (unsigned)n[0], EVENT_READ, 0, 0);

	noted->object = object;
	uint64_t seen = atomic_load(word);
	noted->value = (int64_t)seen;
	recorder_return(noted);

	noted = recorder_invoke(recorder, (unsigned)n[0], EVENT_WRITE, (int64_t)next, 0);
	noted->object = object;
	switch (choose(seed, 3)) {
	case 0:
		atomic_store(word, next);
		break;
	case 1:
		noted->kind = EVENT_SWAP;
		noted->asked = (int64_t)atomic_exchange(word, next);
		break;
	default:
		noted->kind = EVENT_SWAP;
		noted->asked = (int64_t)seen;
		if (!atomic_compare_exchange_strong(word, &seen, next)) {
			noted->kind = EVENT_READ;
			noted->value = (int64_t)seen;
		}
	}
	recorder_return(noted);
}

static long long change_words(const char *m, const long long *n)
{
	_Atomic(uint64_t) *words = handle_pointer(m);
	uint64_t seed = begin_round(n);

	for (long long i = 0; i < n[1] / 2; i++)
		look_and_change(words, n, n[2] + i, &seed);
	return 0;
}

enum kind { SEGMENT, OBJECT, MAPPED_FILE, ANONYMOUS };

static const struct choice {
	const char *name;
	enum kind kind;
} choices[] = {
	{"segment", SEGMENT}, {"object", OBJECT}, {"file", MAPPED_FILE}, {"anonymous", ANONYMOUS}};

/* Each sees it at an address of its own, unless it can only be inherited. */
static void map(actor *a, enum kind kind, bool makes)
{
	const int flags = makes ? O_RDWR | O_CREAT | O_EXCL : O_RDWR;
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);

	if (kind == SEGMENT) {
		does(a, shm.get("s", makes ? size : 0, makes ? IPC_CREAT | IPC_EXCL | 0600 : 0));
		does(a, shm.attach("s", "m", 0));
		return;
	}
	does(a, kind == OBJECT ? shm.open("o", flags) : shm.open_file("o", flags));
	if (makes)
		does(a, shm.resize("o", (long long)size));
	does(a, shm.map("o", "m", size));
}

TEST_EACH(shm, what_happens_at_once_is_as_one_after_the_other, choices)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	long long count = operations_of(ACTORS, MANY);
	struct player players[ACTORS];
	actor *alice = NULL;

	if (!ATOMIC_LLONG_LOCK_FREE)
		skip("no atomic word of 64 bits here");
	begin_history(ACTORS, count);
	if (row->kind == ANONYMOUS) {
		alice = cast("alice");
		does(alice, shm.map_anonymous("m", size, MAP_SHARED));
	}
	for (unsigned i = 0; i < ACTORS; i++) {
		actor *one = alice ? forks(alice, "actor") : cast("actor");

		if (!alice)
			map(one, row->kind, i == 0);
		players[i] = PLAYER(one, change_words, "m");
	}
	play(players, ACTORS, count);
	must_be_of(MODEL_REGISTER, 0);
}
