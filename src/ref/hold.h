/* SPDX-License-Identifier: MIT */
/*
 * What a thread has hold of at the moment: one thing, written down where only this thread writes,
 * so that a call needs no atomic operation for it.  The price is paid by who wants to make an end
 * of the thing: he has all threads that run pass a barrier (membarrier(2)) before he looks what
 * they have.
 */
#ifndef IPCREF_HOLD_H
#define IPCREF_HOLD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct hold {
	_Alignas(64) const void *_Atomic held; /* NULL: nothing */
	_Atomic bool is_taken;		       /* by a thread */
};
/* This thread's; NULL: it has none yet. */
extern _Thread_local struct hold *hold_own;

/* Gets this thread one; where it can't have one, it gets one that has hold of something. */
struct hold *hold_begin(void);

/* False: this thread can't, for it has hold of something already. */
static inline bool hold_take(const void *thing)
{
	struct hold *own = hold_own ? hold_own : hold_begin();

	if (atomic_load_explicit(&own->held, memory_order_relaxed))
		return false;
	atomic_store_explicit(&own->held, thing, memory_order_relaxed);
	/* for the processor, hold_look lets it pass the barrier */
	atomic_signal_fence(memory_order_seq_cst);
	return true;
}

static inline bool hold_is_own(const void *thing)
{
	return hold_own && atomic_load_explicit(&hold_own->held, memory_order_relaxed) == thing;
}

/* False: this thread has no hold of it.  Who has let go of it must look whether it is at its end.
 */
static inline bool hold_drop(const void *thing)
{
	struct hold *own = hold_own;

	if (!hold_is_own(thing))
		return false;
	atomic_store_explicit(&own->held, NULL, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	return true;
}

/*
 * From now on hold_is_elsewhere sees who took hold of something and has yet to look whether it is
 * still what it was, and who let go of something sees what was written before this.  False: the
 * barrier is refused all of a sudden.
 */
bool hold_look(void);
/* Whether another thread has hold of it. */
bool hold_is_elsewhere(const void *thing);
/* In a child that has only this thread: nobody else has hold of anything. */
void hold_forget_others(void);

#endif
