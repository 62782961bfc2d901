/* SPDX-License-Identifier: MIT */
/*
 * A campaign is a story with one operation that a fault befalls: at its first point, in another box
 * at its second, and so on until it comes to its end without one.  It is played so for each kind of
 * fault, and says what must be true after any of them.
 *
 *	CAMPAIGN(semset, operate, "the operations of one semop happen all, or none")
 *	{
 *		actor *alice = cast("alice");
 *
 *		does(alice, semset.make("s", "3 1"));
 *		actor *victim = forks(alice, "victim");
 *		suffers(victim, semset.op("s", "0-2 1-1"));
 *		if (!happened(alice, semset.values("s"), "3 1", "1 0"))
 *			does(alice, semset.op("s", "0-2 1-1"));
 *		does_give(alice, semset.values("s"), "1 0");
 *	}
 */
#ifndef FAULT_CAMPAIGN_H
#define FAULT_CAMPAIGN_H

#include "fault/campaign/trace.h"
#include "stage/injection.h"
#include "stage/story.h"

/* Each is a row of every campaign: "semset.operate/kill". */
#define FAULT_KINDS(K)                                                                             \
	K(kill)	    /* SIGKILL */                                                                  \
	K(recovery) /* SIGKILL, and SIGKILL to who puts right what that has left */                \
	K(signal)   /* a handler runs */                                                           \
	K(stop)	    /* SIGSTOP, and SIGCONT when others have gone on as far as they can */         \
	K(delay)    /* nothing, for a while */                                                     \
	K(refuse)   /* the world says no, with each errno that it may say here, and once */        \
	K(famine)   /* and from then on always */                                                  \
	K(short)    /* a transfer moves less than it was to, which is told: of TRANSFER alone */

enum fault_kind {
	NO_FAULT,
#define K(name) FAULT_##name,
	FAULT_KINDS(K)
#undef K
};

/* How long a delay is, whoever makes it. */
enum { DELAY_US = 2000 };

struct fault_kind_row {
	const char *name;
};
extern const struct fault_kind_row fault_kinds[];
extern const struct repetition campaign_repetition;
enum {
	FAULT_KIND_COUNT = 0
#define K(name) +1
	FAULT_KINDS(K)
#undef K
};

#define CAMPAIGN(mechanism, campaign, promise)                                                     \
	CAMPAIGN_OF(mechanism, campaign, promise, FAULT_KIND_COUNT - 1)
/* One whose operation moves bytes of a stream, and may come to its end when some are moved. */
#define TRANSFER(mechanism, campaign, promise)                                                     \
	CAMPAIGN_OF(mechanism, campaign, promise, FAULT_KIND_COUNT)
#define CAMPAIGN_OF(mechanism, campaign, promise, kinds)                                           \
	static void mechanism##_##campaign##_(void);                                               \
	static void run_##mechanism##_##campaign(size_t row)                                       \
	{                                                                                          \
		(void)row;                                                                         \
		mechanism##_##campaign##_();                                                       \
	}                                                                                          \
	__attribute__((constructor)) static void register_##mechanism##_##campaign(void)           \
	{                                                                                          \
		static const struct rule rule = {                                                  \
			MECHANISM_##mechanism, OURS,	#mechanism "." #campaign,                  \
			"survival of faults",  promise, ""};                                       \
		static struct test it = {                                                          \
			.rule = &rule,                                                             \
			.file = __FILE__,                                                          \
			.line = __LINE__,                                                          \
			.run = run_##mechanism##_##campaign,                                       \
			.rows = (const char *)fault_kinds,                                         \
			.row_size = sizeof(struct fault_kind_row),                                 \
			.row_count = kinds,                                                        \
			.repetition = &campaign_repetition,                                        \
		};                                                                                 \
		stage_register(&it);                                                               \
	}                                                                                          \
	static void mechanism##_##campaign##_(void)

/* Whether it is what the world answers to who asks, and not what befalls who passes. */
bool is_an_answer(enum fault_kind kind);

/* -- verbs ------------------------------------------------------------------------------------ */

/* What has become of the operation that suffered. */
enum ending {
	SUCCEEDED,
	REFUSED, /* it failed, with the errno it was refused with, or interrupted by a handler */
	DIED,	 /* and its actor is gone */
};

/*
 * The idle actor does the operation, and is befallen by the fault of this turn.  It must come to an
 * end in one of the three ways; if it is refused, no descriptor and no memory may be left over.
 */
#define suffers(victim, operation) HERE(campaign_suffers(victim, operation, NULL, (op){0}))
/*
 * The same of one that waits for another's, which is begun when the first is asleep, stopped or
 * gone, and is to be judged afterwards.  To be asleep is a point too, and so is what a thread does
 * meanwhile that the implementation has started, so the operation must not end before that has.
 */
#define suffers_beside(victim, operation, other, others)                                           \
	HERE(campaign_suffers(victim, operation, other, others))
/*
 * The idle actor begins the operation and is stopped at its first point, whatever the turn does to
 * others; SIGCONT has it go on.  False: nothing was begun, for points of calls are not of that use.
 */
#define halts(a, operation) HERE(campaign_halts(a, operation))
/* Whether the begun operation has returned; if not, it is blocked. */
#define rests(a) HERE(campaign_rests(a))
/* Whether the fault of this turn is a death. */
bool is_deadly(void);
/* How the last that suffered ended. */
enum ending ending(void);
/* And the errno of one that was refused; else 0. */
int refusal(void);

/*
 * Somebody else looks: the probe must give one or the other, and what agrees with how the operation
 * ended.  True: it has happened.
 */
#define happened(witness, probe, before, after)                                                    \
	HERE(_Generic((before), char *: campaign_happened_text, const char *                       \
		      : campaign_happened_text, default                                            \
		      : campaign_happened)(witness, probe, before, after))

enum ending campaign_suffers(actor *victim, op o, actor *other, op others);
bool campaign_halts(actor *a, op o);
bool campaign_rests(actor *a);
bool campaign_happened(actor *witness, op probe, long long before, long long after);
bool campaign_happened_text(actor *witness, op probe, const char *before, const char *after);

/* -- the campaign as a whole ------------------------------------------------------------------ */

/* Plays that one turn only: of a name "semset.operate/kill:7" or "...recovery:7,2", what's behind
 * the colon; 0 is the story without a fault.  False: it is none. */
bool campaign_replay(const char *turn);
/* Plays no turn whose point has had this kind of fault already, in whatever campaign. */
void campaign_smoke(void);
/* Points are these, and not those of the source. */
void campaign_trace(enum trace_mode mode);
/* Only points that match count. False: no point does. */
bool campaign_only_at(const char *glob);

/* Points of the reference: how many there are, and were passed by somebody who suffered. */
size_t point_count(void);
size_t points_passed(void);
const char *point_name(size_t number);
bool point_is_passed(size_t number);

/* Before any worker is there.  False: no memory. */
bool campaign_open(void);

/* The number of a point; point_count() if it's unknown. */
size_t point_number(const char *name);
bool point_is_chosen(size_t number);
/* The order passes a point, or one that has no number (INJECTION_NAMELESS), that counts so many
 * times: which of them is due, from 0, or -1. */
int campaign_due(struct injection *injection, size_t point, unsigned times);

#endif
