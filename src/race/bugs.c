/* SPDX-License-Identifier: MIT */
/*
 * Classic bugs of programs that share memory, each as small as it can be: what engines are measured
 * by (ipcts race --detection).  Each access to what is shared is a point, by SEE; the outcomes that
 * are listed are those that the program's author had in mind.
 */
#include "race/race.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_futex
#define SYS_futex SYS_futex_time64
#endif
/* As <linux/futex.h> has it, which not every libc comes with. */
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, ALL = 1 << 30 };

struct page {
	_Atomic uint32_t lock, other_lock, third_lock, cond;
	_Atomic int ready, waiters, top, readers;
	int a, b, count, holders;
	int slots[4], next[4];
	int id;
};

/* Another may go first; compilers aren't to know better. */
#define SEE(place) (*(race_step(#place), (volatile __typeof__(place) *)&(place)))

static bool make(void *world)
{
	(void)world;
	return true;
}

static void sleep_while(_Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void rouse(_Atomic uint32_t *word, int count)
{
	syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

/* These are right. */
static void hold(_Atomic uint32_t *lock)
{
	race_step("locks");
	while (atomic_exchange(lock, 1))
		sleep_while(lock, 1);
}

static void let_go(_Atomic uint32_t *lock)
{
	race_step("unlocks");
	atomic_store(lock, 0);
	rouse(lock, 1);
}

static void await_cond(struct page *page)
{
	uint32_t seen = atomic_load(&page->cond);

	let_go(&page->lock);
	sleep_while(&page->cond, seen);
	hold(&page->lock);
}

static void tell(struct page *page, int count)
{
	atomic_fetch_add(&page->cond, 1);
	rouse(&page->cond, count);
}

/* All is as it was at first. */
static long long clear(struct page *page, long long result)
{
	memset(page, 0, sizeof(*page));
	return result;
}

static long long count_and_clear(void *world)
{
	struct page *page = world;

	return clear(page, page->count);
}

static long long only_clear(void *world)
{
	return clear(world, 0);
}

#define BUG(identifier)                                                                            \
	static struct race bug_##identifier;                                                       \
	__attribute__((constructor)) static void register_##identifier(void)                       \
	{                                                                                          \
		bug_##identifier.name = "bug." #identifier;                                        \
		bug_##identifier.file = __FILE__;                                                  \
		bug_##identifier.line = __LINE__;                                                  \
		bug_##identifier.is_bug = true;                                                    \
		bug_##identifier.world = sizeof(struct page);                                      \
		if (!bug_##identifier.make)                                                        \
			bug_##identifier.make = make;                                              \
		if (!bug_##identifier.after)                                                       \
			bug_##identifier.after = only_clear;                                       \
		race_register(&bug_##identifier);                                                  \
	}                                                                                          \
	static struct race bug_##identifier

/* -- what isn't done as one ------------------------------------------------------------------- */

static long long add(void *world)
{
	struct page *page = world;
	int seen = SEE(page->count);

	SEE(page->count) = seen + 1;
	return 0;
}

BUG(lost_update) = {
	.text = "two add by a load and a store",
	.roles = {{"alice", add}, {"bob", add}},
	.after = count_and_clear,
	.outcomes = {{"0 0 | 2", ALLOWED, "one after the other"}},
};

/* There is room for one. */
static long long check_then_act(void *world)
{
	struct page *page = world;

	if (SEE(page->a) >= 1)
		return 0;
	race_step("acts");
	__atomic_fetch_add(&page->a, 1, __ATOMIC_SEQ_CST);
	return 1;
}

BUG(check_then_act) = {
	.text = "two look whether there is room, and then take it",
	.roles = {{"alice", check_then_act}, {"bob", check_then_act}},
	.outcomes = {{"1 0 | 0", ALLOWED, "alice"}, {"0 1 | 0", ALLOWED, "bob"}},
};

static long long enter_by_test(void *world)
{
	struct page *page = world;
	int others;

	if (SEE(page->ready))
		return 0;
	SEE(page->ready) = 1;
	others = __atomic_fetch_add(&page->holders, 1, __ATOMIC_SEQ_CST);
	race_step("inside");
	__atomic_fetch_sub(&page->holders, 1, __ATOMIC_SEQ_CST);
	SEE(page->ready) = 0;
	return others;
}

BUG(test_then_set) = {
	.text = "a lock that is looked at first, and then taken",
	.roles = {{"alice", enter_by_test}, {"bob", enter_by_test}},
	.outcomes = {{"0 0 | 0", ALLOWED, "one of them, or one after the other"}},
};

static long long write_pair(void *world)
{
	struct page *page = world;

	SEE(page->a) = 1;
	SEE(page->b) = 1;
	return 0;
}

static long long read_pair(void *world)
{
	struct page *page = world;
	int one = SEE(page->a);

	return one - SEE(page->b);
}

BUG(torn_pair) = {
	.text = "two words that belong together are read without a lock",
	.roles = {{"writer", write_pair}, {"reader", read_pair}},
	.outcomes = {{"0 0 | 0", ALLOWED, "both, or none"}},
};

/* -- publication ------------------------------------------------------------------------------ */

static long long publish_too_early(void *world)
{
	struct page *page = world;

	SEE(page->ready) = 1;
	SEE(page->a) = 1;
	return 0;
}

/* What is there, once there is something. */
static long long look(void *world)
{
	struct page *page = world;

	return SEE(page->ready) ? SEE(page->a) : 1;
}

BUG(broken_publication) = {
	.text = "the flag is set before the message",
	.roles = {{"writer", publish_too_early}, {"reader", look}},
	.outcomes = {{"0 1 | 0", ALLOWED, "nothing yet, or all"}},
};

static long long initialise_once(void *world)
{
	struct page *page = world;

	if (!SEE(page->ready)) {
		hold(&page->lock);
		if (!SEE(page->ready)) {
			SEE(page->ready) = 1;
			SEE(page->a) = 1;
		}
		let_go(&page->lock);
	}
	return SEE(page->a);
}

BUG(double_checked_initialisation) = {
	.text = "who finds it ready without the lock finds it unfinished",
	.roles = {{"alice", initialise_once}, {"bob", initialise_once}},
	.outcomes = {{"1 1 | 0", ALLOWED, "it is initialised"}},
};

static long long put_in_ring(void *world)
{
	struct page *page = world;
	int slot = atomic_fetch_add(&page->top, 1);

	SEE(page->slots[slot]) = 7;
	return 0;
}

static long long take_from_ring(void *world)
{
	struct page *page = world;

	return SEE(page->top) ? SEE(page->slots[0]) : 7;
}

BUG(unpublished_slot) = {
	.text = "a slot counts before it is filled",
	.roles = {{"alice", put_in_ring}, {"bob", put_in_ring}, {"taker", take_from_ring}},
	.outcomes = {{"0 0 7 | 0", ALLOWED, "nothing yet, or what was put"}},
};

static long long claim_slot(void *world)
{
	struct page *page = world;
	int slot = SEE(page->top);

	SEE(page->slots[slot]) = slot + 1;
	SEE(page->top) = slot + 1;
	return slot;
}

BUG(two_producers_one_slot) = {
	.text = "a ring of one producer, with two",
	.roles = {{"alice", claim_slot}, {"bob", claim_slot}},
	.outcomes = {{"0 1 | 0", ALLOWED, "alice first"}, {"1 0 | 0", ALLOWED, "bob first"}},
};

static bool make_set_key(void *world)
{
	struct page *page = world;

	page->id = (int)race_key();
	return true;
}

/* W. R. Stevens 1999: the creator initialises what others have found already. */
static long long open_set(void *world)
{
	struct page *page = world;
	key_t key = (key_t)page->id;
	int id = impl->semset->semget(key, 1, IPC_CREAT | IPC_EXCL | 0600);

	if (id >= 0) {
		race_step("initialises");
		impl->semset->semctl(id, 0, SETVAL, (union semset_argument){.val = 1});
		return 1;
	}
	id = impl->semset->semget(key, 1, 0);
	race_step("uses");
	return impl->semset->semctl(id, 0, GETVAL, (union semset_argument){.val = 0});
}

static long long remove_set(void *world)
{
	struct page *page = world;
	int id = impl->semset->semget((key_t)page->id, 0, 0);

	return answer(impl->semset->semctl(id, 0, IPC_RMID, (union semset_argument){.val = 0}));
}

BUG(uninitialised_semaphore) = {
	.text = "a set that another has made has no value yet",
	.make = make_set_key,
	.roles = {{"alice", open_set}, {"bob", open_set}},
	.after = remove_set,
	.outcomes = {{"1 1 | 0", ALLOWED, "it has a value"}},
};

/* -- seqlocks --------------------------------------------------------------------------------- */

static long long write_seqlock(void *world)
{
	struct page *page = world;

	SEE(page->count)++;
	SEE(page->a) = 1;
	SEE(page->b) = 1;
	SEE(page->count)++;
	return 0;
}

static long long read_seqlock_once(void *world)
{
	struct page *page = world;

	if (SEE(page->count) % 2)
		return 0; /* being written */
	return read_pair(world);
}

BUG(seqlock_without_retry) = {
	.text = "the reader looks at the count before it reads, and not after it",
	.roles = {{"writer", write_seqlock}, {"reader", read_seqlock_once}},
	.outcomes = {{"0 0 | 0", ALLOWED, "both, or none"}},
};

static long long write_unmarked(void *world)
{
	struct page *page = world;

	SEE(page->a) = 1;
	SEE(page->b) = 1;
	SEE(page->count) += 2;
	return 0;
}

static long long read_seqlock(void *world)
{
	struct page *page = world;
	int before = SEE(page->count);
	long long difference = read_pair(world);

	return before % 2 || before != SEE(page->count) ? 0 : difference;
}

BUG(seqlock_without_mark) = {
	.text = "the writer counts only when it is done",
	.roles = {{"writer", write_unmarked}, {"reader", read_seqlock}},
	.outcomes = {{"0 0 | 0", ALLOWED, "both, none, or seen to change"}},
};

/* -- sleeping --------------------------------------------------------------------------------- */

static long long sleep_if_not_ready(void *world)
{
	struct page *page = world;

	if (!SEE(page->ready)) {
		SEE(page->waiters) = 1;
		while (atomic_load(&page->cond) == 0)
			sleep_while(&page->cond, 0);
	}
	return 0;
}

static long long wake_if_waited_for(void *world)
{
	struct page *page = world;

	SEE(page->ready) = 1;
	if (SEE(page->waiters)) {
		atomic_store(&page->cond, 1);
		rouse(&page->cond, 1);
	}
	return 0;
}

BUG(lost_wakeup) = {
	.text = "one looks and then says that he waits; the other says and then looks, too early",
	.roles = {{"waiter", sleep_if_not_ready}, {"waker", wake_if_waited_for}},
	.outcomes = {{"0 0 | 0", ALLOWED, "he didn't wait, or was woken"}},
};

/* Takes one, if there is one after all. */
static long long consume_with_if(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	if (SEE(page->count) == 0)
		await_cond(page);
	int left = --SEE(page->count);
	let_go(&page->lock);
	return left < 0 ? -1 : 0;
}

static long long produce(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	SEE(page->count)++;
	tell(page, 1);
	let_go(&page->lock);
	return 0;
}

static long long produce_two(void *world)
{
	return produce(world) + produce(world);
}

BUG(if_for_while) = {
	.text = "who is woken doesn't look again, and another was quicker",
	.roles = {{"alice", consume_with_if}, {"bob", consume_with_if}, {"carol", produce_two}},
	.outcomes = {{"0 0 0 | 0", ALLOWED, "each has one"}},
};

static long long consume(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	while (SEE(page->count) == 0)
		await_cond(page);
	SEE(page->count)--;
	let_go(&page->lock);
	return 0;
}

/* W. R. Stevens 1999 has it right; many had it so. */
static long long produce_two_told_once(void *world)
{
	struct page *page = world;

	for (int i = 0; i < 2; i++) {
		hold(&page->lock);
		if (SEE(page->count)++ == 0)
			tell(page, 1);
		let_go(&page->lock);
	}
	return 0;
}

BUG(told_only_when_it_was_empty) = {
	.text = "a signal only when the queue was empty, and two who wait",
	.roles = {{"alice", consume}, {"bob", consume}, {"carol", produce_two_told_once}},
	.outcomes = {{"0 0 0 | 0", ALLOWED, "each has one"}},
};

static long long produce_untold(void *world)
{
	struct page *page = world;

	SEE(page->count)++;
	tell(page, 1);
	return 0;
}

static long long consume_unlocked_look(void *world)
{
	struct page *page = world;

	while (SEE(page->count) == 0) {
		race_step("goes to sleep");
		uint32_t seen = atomic_load(&page->cond);

		sleep_while(&page->cond, seen);
	}
	return 0;
}

BUG(signal_without_the_lock) = {
	.text = "the condition changes between the look and the sleep",
	.roles = {{"consumer", consume_unlocked_look}, {"producer", produce_untold}},
	.outcomes = {{"0 0 | 0", ALLOWED, "he has it"}},
};

/* Two conditions, one variable. */
static long long await_a(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	while (!SEE(page->a))
		await_cond(page);
	let_go(&page->lock);
	return 0;
}

static long long await_b(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	while (!SEE(page->b))
		await_cond(page);
	let_go(&page->lock);
	return 0;
}

static long long raise_both(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	SEE(page->a) = 1;
	tell(page, 1);
	let_go(&page->lock);
	hold(&page->lock);
	SEE(page->b) = 1;
	tell(page, 1);
	let_go(&page->lock);
	return 0;
}

BUG(signal_for_broadcast) = {
	.text = "who is told waits for something else",
	.roles = {{"alice", await_a}, {"bob", await_b}, {"carol", raise_both}},
	.outcomes = {{"0 0 0 | 0", ALLOWED, "each was told"}},
};

/* A barrier whose round is known by its count. */
static long long come_twice(void *world)
{
	struct page *page = world;

	for (int round = 0; round < 2; round++) {
		uint32_t here = atomic_fetch_add(&page->cond, 1) + 1;

		race_step("has come");
		if (here % 2 == 0) {
			atomic_store(&page->cond, 0);
			rouse(&page->cond, ALL);
		}
		while (here % 2 && (here = atomic_load(&page->cond)) != 0) {
			race_step("waits at the barrier");
			sleep_while(&page->cond, here);
		}
	}
	return 0;
}

BUG(barrier_without_rounds) = {
	.text = "who is quick comes again before the slow one has left",
	.roles = {{"alice", come_twice}, {"bob", come_twice}},
	.outcomes = {{"0 0 | 0", ALLOWED, "both were by, twice"}},
};

/* -- locks ------------------------------------------------------------------------------------ */

static long long hold_in_order(struct page *page, _Atomic uint32_t *first, _Atomic uint32_t *second)
{
	hold(first);
	hold(second);
	page->count++;
	let_go(second);
	let_go(first);
	return 0;
}

static long long hold_forwards(void *world)
{
	struct page *page = world;

	return hold_in_order(page, &page->lock, &page->other_lock);
}

static long long hold_backwards(void *world)
{
	struct page *page = world;

	return hold_in_order(page, &page->other_lock, &page->lock);
}

BUG(lock_order) = {
	.text = "two locks, in one order and in the other",
	.roles = {{"alice", hold_forwards}, {"bob", hold_backwards}},
	.after = count_and_clear,
	.outcomes = {{"0 0 | 2", ALLOWED, "one after the other"}},
};

static long long eat_0(void *world)
{
	struct page *page = world;

	return hold_in_order(page, &page->lock, &page->other_lock);
}

static long long eat_1(void *world)
{
	struct page *page = world;

	return hold_in_order(page, &page->other_lock, &page->third_lock);
}

static long long eat_2(void *world)
{
	struct page *page = world;

	return hold_in_order(page, &page->third_lock, &page->lock);
}

BUG(dining_philosophers) = {
	.text = "three who take the left fork first",
	.roles = {{"alice", eat_0}, {"bob", eat_1}, {"carol", eat_2}},
	.outcomes = {{"0 0 0 | 0", ALLOWED, "one after the other"}},
};

static bool make_two_permits(void *world)
{
	struct page *page = world;

	page->id = impl->semset->semget(race_key(), 1, IPC_CREAT | IPC_EXCL | 0600);
	return page->id >= 0 &&
	       impl->semset->semctl(page->id, 0, SETVAL, (union semset_argument){.val = 2}) == 0;
}

static void remove_permits(void *world)
{
	struct page *page = world;

	impl->semset->semctl(page->id, 0, IPC_RMID, (union semset_argument){.val = 0});
}

static long long pass(void *world)
{
	struct page *page = world;
	int others;

	impl->semset->semop(page->id, &(struct sembuf){0, -1, 0}, 1);
	others = __atomic_fetch_add(&page->holders, 1, __ATOMIC_SEQ_CST);
	race_step("inside");
	__atomic_fetch_sub(&page->holders, 1, __ATOMIC_SEQ_CST);
	impl->semset->semop(page->id, &(struct sembuf){0, 1, 0}, 1);
	return others;
}

static long long nothing_left(void *world)
{
	(void)world;
	return 0;
}

BUG(one_permit_too_many) = {
	.text = "a semaphore that is to be a lock begins with two",
	.make = make_two_permits,
	.roles = {{"alice", pass}, {"bob", pass}, {"carol", pass}},
	.after = nothing_left,
	.remove = remove_permits,
	.outcomes = {{"0 0 0 | 0", ALLOWED, "one after the other"}},
};

static long long write_if_nobody_reads(void *world)
{
	struct page *page = world;

	if (SEE(page->readers))
		return 0;
	SEE(page->a) = 1;
	SEE(page->b) = 1;
	return 0;
}

static long long read_counted(void *world)
{
	struct page *page = world;

	race_step("counts as a reader");
	atomic_fetch_add(&page->readers, 1);
	long long difference = read_pair(world);
	atomic_fetch_sub(&page->readers, 1);
	return difference;
}

BUG(reader_not_excluded) = {
	.text = "a writer looks whether anybody reads, and doesn't keep readers out",
	.roles = {{"writer", write_if_nobody_reads}, {"reader", read_counted}},
	.outcomes = {{"0 0 | 0", ALLOWED, "both, or none"}},
};

/* Lets go even if it was refused. */
static long long try_and_let_go(void *world)
{
	struct page *page = world;
	int others = 0;

	race_step("tries");
	if (atomic_exchange(&page->lock, 1) == 0) {
		others = __atomic_fetch_add(&page->holders, 1, __ATOMIC_SEQ_CST);
		race_step("inside");
		__atomic_fetch_sub(&page->holders, 1, __ATOMIC_SEQ_CST);
	}
	let_go(&page->lock);
	return others;
}

BUG(unlocks_what_another_has) = {
	.text = "who was refused the lock unlocks it",
	.roles = {{"alice", try_and_let_go}, {"bob", try_and_let_go}, {"carol", try_and_let_go}},
	.outcomes = {{"0 0 0 | 0", ALLOWED, "nobody saw another"}},
};

/* Peterson 1981, but the turn is given away before the wish is told. */
static long long enter_by_turn(struct page *page, int self)
{
	SEE(page->top) = !self;
	SEE(page->slots[self]) = 1;
	for (int looks = 0; looks < 20; looks++)
		if (!SEE(page->slots[!self]) || SEE(page->top) == self) {
			int others = __atomic_fetch_add(&page->holders, 1, __ATOMIC_SEQ_CST);

			race_step("inside");
			__atomic_fetch_sub(&page->holders, 1, __ATOMIC_SEQ_CST);
			SEE(page->slots[self]) = 0;
			return others;
		}
	return 0; /* had no patience */
}

static long long enter_0(void *world)
{
	return enter_by_turn(world, 0);
}

static long long enter_1(void *world)
{
	return enter_by_turn(world, 1);
}

BUG(peterson_in_the_wrong_order) = {
	.text = "a lock of two flags and a turn, which is given too early",
	.roles = {{"alice", enter_0}, {"bob", enter_1}},
	.outcomes = {{"0 0 | 0", ALLOWED, "nobody saw another"}},
};

/* Dekker's: right where memory is sequentially consistent, and only there. */
static long long wish_and_look(struct page *page, int self)
{
	atomic_store_explicit((_Atomic int *)&page->slots[self], 1, memory_order_relaxed);
	race_step("has wished");
	return !atomic_load_explicit((_Atomic int *)&page->slots[!self], memory_order_relaxed);
}

static long long wish_0(void *world)
{
	return wish_and_look(world, 0);
}

static long long wish_1(void *world)
{
	return wish_and_look(world, 1);
}

BUG(missing_fence) = {
	.text = "each says that he comes, and looks whether the other does: without a fence",
	.roles = {{"alice", wish_0}, {"bob", wish_1}},
	.outcomes = {{"0 0 | 0", ALLOWED, "both saw the other"},
		     {"0 1 | 0", ALLOWED, "bob was first"},
		     {"1 0 | 0", ALLOWED, "alice was first"}},
};

/* -- those that are gone ---------------------------------------------------------------------- */

static bool make_dead_owner(void *world)
{
	struct page *page = world;

	page->a = 99; /* its owner, of whom nobody knows */
	return true;
}

static long long dead_again(void *world)
{
	clear(world, 0);
	make_dead_owner(world);
	return 0;
}

/* Who finds the owner dead takes the lock from him: as does another. */
static long long take_from_dead(struct page *page, int self)
{
	if (SEE(page->a) != 99)
		return 0;
	SEE(page->a) = self;
	return __atomic_fetch_add(&page->holders, 1, __ATOMIC_SEQ_CST);
}

static long long inherit_1(void *world)
{
	return take_from_dead(world, 1);
}

static long long inherit_2(void *world)
{
	return take_from_dead(world, 2);
}

BUG(stale_owner) = {
	.text = "two find that the owner of a lock has died, and both take it",
	.make = make_dead_owner,
	.roles = {{"alice", inherit_1}, {"bob", inherit_2}},
	.after = dead_again,
	.outcomes = {{"0 0 | 0", ALLOWED, "one has it"}},
};

static bool make_unfinished(void *world)
{
	struct page *page = world;

	page->ready = 1; /* the last owner died with the lock */
	page->a = 1;	 /* in the middle of a change */
	return true;
}

static long long unfinished_again(void *world)
{
	clear(world, 0);
	make_unfinished(world);
	return 0;
}

/* Is told of the death, lets go to look at it in peace, and others aren't told any more. */
static long long recover_late(void *world)
{
	struct page *page = world;

	hold(&page->lock);
	bool has_died = atomic_exchange(&page->ready, 0);
	if (has_died) {
		let_go(&page->lock);
		hold(&page->lock);
		SEE(page->b) = SEE(page->a);
	}
	long long difference = SEE(page->a) - SEE(page->b);
	let_go(&page->lock);
	return difference;
}

BUG(not_made_consistent) = {
	.text = "who inherits a lock lets go of it before he has repaired what it protects",
	.make = make_unfinished,
	.roles = {{"alice", recover_late}, {"bob", recover_late}},
	.after = unfinished_again,
	.outcomes = {{"0 0 | 0", ALLOWED, "nobody saw what was unfinished"}},
};

static bool make_two_references(void *world)
{
	struct page *page = world;

	page->count = 2;
	return true;
}

static long long two_references_again(void *world)
{
	clear(world, 0);
	make_two_references(world);
	return 0;
}

/* Whether it was the last. */
static long long drop_reference(void *world)
{
	struct page *page = world;

	SEE(page->count)--;
	return SEE(page->count) == 0;
}

BUG(reference_count) = {
	.text = "two drop their reference by a load and a store, and look",
	.make = make_two_references,
	.roles = {{"alice", drop_reference}, {"bob", drop_reference}},
	.after = two_references_again,
	.outcomes = {{"1 0 | 0", ALLOWED, "alice was the last"},
		     {"0 1 | 0", ALLOWED, "bob was the last"}},
};

static bool make_one_reference(void *world)
{
	struct page *page = world;

	page->count = 1;
	return true;
}

static long long one_reference_again(void *world)
{
	clear(world, 0);
	make_one_reference(world);
	return 0;
}

/* Whether it has one of what is being freed. */
static long long revive(void *world)
{
	struct page *page = world;

	if (SEE(page->count) == 0)
		return 0;
	race_step("takes a reference");
	return __atomic_fetch_add(&page->count, 1, __ATOMIC_SEQ_CST) == 0;
}

static long long drop_atomically(void *world)
{
	struct page *page = world;

	race_step("drops its reference");
	__atomic_fetch_sub(&page->count, 1, __ATOMIC_SEQ_CST);
	return 0;
}

BUG(revived_reference) = {
	.text = "one sees that there is a reference, which is dropped before he takes his",
	.make = make_one_reference,
	.roles = {{"alice", revive}, {"bob", drop_atomically}},
	.after = one_reference_again,
	.outcomes = {{"0 0 | 0", ALLOWED, "he has it in time, or not at all"}},
};

/* A stack of cells 1, 2 and 3, the topmost first. */
static bool make_stack(void *world)
{
	struct page *page = world;

	page->top = 1;
	page->next[1] = 2;
	page->next[2] = 3;
	return true;
}

static int pop(struct page *page)
{
	for (;;) {
		int top = SEE(page->top);

		if (!top)
			return 0;
		int next = SEE(page->next[top]);
		race_step("exchanges the top");
		if (atomic_compare_exchange_strong(&page->top, &top, next))
			return top;
	}
}

static void push(struct page *page, int cell)
{
	int top = SEE(page->top);

	do
		SEE(page->next[cell]) = top;
	while (!atomic_compare_exchange_strong(&page->top, &top, cell));
}

static long long pop_one(void *world)
{
	struct page *page = world;

	page->slots[0] = pop(page);
	return 0;
}

static long long pop_two_push_one(void *world)
{
	struct page *page = world;
	int first = pop(page);

	page->slots[1] = pop(page);
	push(page, first);
	return 0;
}

/* Whether somebody has what is in the stack, too. */
static long long stack_again(void *world)
{
	struct page *page = world;
	int twice = page->slots[0] && page->slots[0] == page->slots[1];

	for (int cell = page->top, steps = 0; cell && steps < 4; cell = page->next[cell], steps++)
		twice |= cell == page->slots[0] || cell == page->slots[1];
	clear(page, 0);
	make_stack(page);
	return twice;
}

BUG(aba) = {
	.text = "the top of a stack is the same again, and what is beneath it isn't",
	.make = make_stack,
	.roles = {{"alice", pop_one}, {"bob", pop_two_push_one}},
	.after = stack_again,
	.outcomes = {{"0 0 | 0", ALLOWED, "each cell has one owner"}},
};
