/* SPDX-License-Identifier: MIT */
/*
 * The stage, as a test sees it.  A test is one linear story: it casts actors (processes), tells
 *each what to do, and states what must come of it.
 *
 *	TEST(fifo, open_for_writing_waits_for_a_reader)
 *	{
 *		actor *writer = cast("writer"), *reader = cast_stranger("reader");
 *
 *		does(writer, fifo.make("f"));
 *		begin(writer, fifo.open("f", O_WRONLY));
 *		blocks(writer);
 *		begin(reader, fifo.open("f", O_RDONLY));
 *		succeeds(reader);
 *		succeeds(writer);
 *	}
 *
 * The function runs in a process of its own, the director, which never performs an operation itself
 * and so never blocks.  A statement that doesn't hold ends the test, says which actor, where and
 * why, and the transcript tells all that came before.  Waiting is bounded by patience, which is
 * counted in the director's own turns and so stretches on a loaded machine (and is scaled by
 * IPCTS_TIMEOUT_SCALE); no test waits for time to pass.
 */
#ifndef IPCTS_STAGE_STAGE_H
#define IPCTS_STAGE_STAGE_H

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "contract/implementation.h"
#include "contract/op.h"
#include "contract/rule.h"

typedef struct mailbox actor;
struct result;
struct test;

/* -- tests ---------------------------------------------------------------------------------- */

/* What plays a test again and again, each time in a box of its own: NULL for what is played once.
 */
struct repetition {
	/* In the worker, before each play, the first of which is turn 0; the scene is clear. */
	void (*begins)(const struct test *test, size_t row, unsigned turn);
	/* After it; whether there's a further one.  What it found may be corrected. */
	bool (*goes_on)(const struct test *test, size_t row, unsigned turn, struct result *result);
};

struct test {
	const struct rule *rule;
	const char *variant; /* a second test of the same rule; NULL for the first */
	const char *file;
	int line;
	void (*run)(size_t row);
	const char *rows; /* a table's first row, whose first member is its name; NULL: no table */
	size_t row_size, row_count;
	const struct repetition *repetition;
	struct test *next; /* the stage's */
};

void stage_register(struct test *test);

#define STAGE_REGISTER(mechanism, rulename, function, variantname, table, size, count)             \
	__attribute__((constructor)) static void register_##function(void)                         \
	{                                                                                          \
		static struct test it = {                                                          \
			.rule = &rules[RULE_##mechanism##_##rulename],                             \
			.variant = variantname,                                                    \
			.file = __FILE__,                                                          \
			.line = __LINE__,                                                          \
			.run = run_##function,                                                     \
			.rows = table,                                                             \
			.row_size = size,                                                          \
			.row_count = count,                                                        \
		};                                                                                 \
		stage_register(&it);                                                               \
	}

/* The test of a rule: mechanism and name as in <mechanism>.rules. */
#define TEST(mechanism, rulename)                                                                  \
	static void mechanism##_##rulename##_(void);                                               \
	static void run_##mechanism##_##rulename(size_t row)                                       \
	{                                                                                          \
		(void)row;                                                                         \
		mechanism##_##rulename##_();                                                       \
	}                                                                                          \
	STAGE_REGISTER(mechanism, rulename, mechanism##_##rulename, NULL, NULL, 0, 0)              \
	static void mechanism##_##rulename##_(void)

/* A further test of a rule that has one: its name is "mechanism.rulename/variant". */
#define TEST_VARIANT(mechanism, rulename, variant)                                                 \
	static void mechanism##_##rulename##_##variant##_(void);                                   \
	static void run_##mechanism##_##rulename##_##variant(size_t row)                           \
	{                                                                                          \
		(void)row;                                                                         \
		mechanism##_##rulename##_##variant##_();                                           \
	}                                                                                          \
	STAGE_REGISTER(mechanism, rulename, mechanism##_##rulename##_##variant, #variant, NULL, 0, \
		       0)                                                                          \
	static void mechanism##_##rulename##_##variant##_(void)

/*
 * One test a row of a table: an array of structures whose first member is the row's name; each is
 * "mechanism.rulename/row" and has its own verdict.  The body has a parameter, row.
 */
#define TEST_EACH(mechanism, rulename, table)                                                      \
	static void mechanism##_##rulename##_(const __typeof__((table)[0]) *row);                  \
	static void run_##mechanism##_##rulename(size_t row)                                       \
	{                                                                                          \
		mechanism##_##rulename##_(&(table)[row]);                                          \
	}                                                                                          \
	STAGE_REGISTER(mechanism, rulename, mechanism##_##rulename, NULL, (const char *)(table),   \
		       sizeof((table)[0]), sizeof(table) / sizeof((table)[0]))                     \
	static void mechanism##_##rulename##_(const __typeof__((table)[0]) *row)

/* -- who acts --------------------------------------------------------------------------------- */

/* A child of the director: it inherits nothing but what no actor has made. */
actor *cast(const char *name);
/* A process that has executed this program anew: no kinship, no memory, no descriptor in common. */
actor *cast_stranger(const char *name);
/* A child of an idle actor: it inherits its descriptors, mappings, handles and signal dispositions.
 */
actor *forks(actor *parent, const char *name);
/* A thread of an idle actor's process: the same descriptors, memory and handles. */
actor *cast_thread(actor *host, const char *name);
/* cast and becomes_user in one. */
actor *cast_as(const char *name, uid_t user, gid_t group);
/* The idle actor becomes another user, of one group and no more, whose files have the very modes
 * they are made with; where it can't be had, the test is skipped. */
#define becomes_user(a, user, group) HERE(stage_becomes_user(a, user, group))
/* The idle actor has no more rights than anybody: root becomes another user, who is not root stays.
 */
#define renounces(a) HERE(stage_renounces(a))
/* A child of the director that, with its children, has an IPC namespace of its own, and the right
 * to change the settings of it; where it can't be had, the test is skipped. */
actor *cast_apart(const char *name);
/* The idle actor executes this program anew: descriptors without close-on-exec stay, memory goes.
 */
#define execs(a) HERE(stage_execs(a))

pid_t pid_of(const actor *a);

/* -- what is done, what must come of it ------------------------------------------------------- */

/* Each of these marks its place, so that a failure names the line of the test. */
#define HERE(statement) (stage_at(__FILE__, __LINE__), statement)

/* The actor, which must be idle, starts the operation; the story goes on at once. */
#define begin(a, operation) HERE(stage_begin(a, operation))
/* The begun operation is blocked: entered, asleep in the kernel and staying so. */
#define blocks(a) HERE(stage_blocks(a))
/* The begun operation returns (whatever it gives). */
#define returns(a) HERE(stage_returns(a))
/* ... and does not fail. */
#define succeeds(a) HERE(stage_succeeds(a))
/* ... and fails with this errno (value -1). */
#define fails(a, error) HERE(stage_fails(a, error))
/* ... and gives this number, or these bytes (a string). */
#define gives(a, expected)                                                                         \
	HERE(_Generic((expected), char *: stage_gives_text, const char *: stage_gives_text,        \
		      default: stage_gives)(a, expected))
#define gives_bytes(a, bytes, size) HERE(stage_gives_bytes(a, bytes, size))
/* begin and succeeds, gives or fails, in one. */
#define does(a, operation) HERE(stage_does(a, operation))
#define does_give(a, operation, expected) (begin(a, operation), gives(a, expected))
#define does_fail(a, operation, error) (begin(a, operation), fails(a, error))
/* The last outcome, for what the verbs don't say. */
const outcome *outcome_of(const actor *a);

/* SIGSTOP and SIGCONT, each waited for.  (Some calls of Linux fail with EINTR after that:
 * signal(7).) */
#define freeze(a) HERE(stage_freeze(a))
#define thaw(a) HERE(stage_thaw(a))
/* Sends a signal to the actor (to its thread, if it is one). */
#define poke(a, signal) HERE(stage_poke(a, signal))
/* How often the handler set by sig.handle has run for the signal in this actor's process. */
unsigned caught(const actor *a, int signal);
/* Waits until it has run that often. */
#define catches(a, signal, times) HERE(stage_catches(a, signal, times))
/* SIGKILL, and the process is gone (its descriptors, mappings and locks too). */
#define dies(a) HERE(stage_dies(a))
/* The actor calls _exit(status), and is gone. */
#define exits(a, status) HERE(stage_exits(a, status))
/* The actor is killed by this signal, sent by somebody else, within patience. */
#define is_killed_by(a, signal) HERE(stage_is_killed_by(a, signal))
/* The actor is stopped (1) or running again (0), within patience. */
#define is_stopped(a, stopped) HERE(stage_is_stopped(a, stopped))

/* A test of what this platform, or this user, does not have ends here: printf-like. */
_Noreturn void skip(const char *reason, ...) __attribute__((format(printf, 1, 2)));

/* The implementation has broken the rule, as this proves; in the director: printf-like. */
_Noreturn void refute(const char *proof, ...) __attribute__((format(printf, 1, 2)));

/* What there is to say whatever comes of the test, one line; in the director: printf-like. */
void remark(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A function of the implementation, for what no vocabulary can say: entry(sig, kill)(pid, SIGHUP).
 * Where it lacks that, the test is skipped with the reason.
 */
#define entry(mechanism, function)                                                                 \
	(impl->mechanism && impl->mechanism->function ? (void)0                                    \
						      : skip_lacking(#mechanism "." #function),    \
	 impl->mechanism->function)
_Noreturn void skip_lacking(const char *name);

/*
 * From here on patience is a twentieth: for a rule that nobody has to keep, and which common
 * platforms are known not to keep by never returning.  So it is in a test that is known to fail.
 */
void is_brief(void);

/* -- plain functions in an actor, for what the vocabulary can't say ---------------------------- */

/*
 * begin(a, call(function, "text", 1, 2, 3)): the function runs in the actor; what it returns is the
 * operation's value (with errno, if -1).  It uses impl-> for every call under test and states what
 * must hold with must and must_be.
 */
typedef long long function(const char *text, const long long *n);
#define call(f, text, a, b, c) stage.call(#f, stage_function_number(f), text, a, b, c)
long long stage_function_number(function *f);

/* The implementation under test. */
extern const struct implementation *impl;

/* In a director, an actor, or any descendant of one: what must hold, or the test has failed. */
#define must(condition) ((condition) ? (void)0 : stage_must(__FILE__, __LINE__, #condition))
#define must_be(actual, expected)                                                                  \
	stage_must_be(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))

/* In an actor's function: what a handle stands for there. */
int handle_fd(const char *handle); /* a descriptor; ends the test as an error if there's none */
void *handle_pointer(const char *handle);    /* a mapping, a semaphore ... */
long long handle_number(const char *handle); /* an identifier: System V, or any other number */
void set_handle(const char *handle, long long number, void *pointer);
bool has_handle(const char *handle);
/* A System V object without a key exists from now on, and is to be removed after the test. */
enum private_kind { PRIVATE_MSG, PRIVATE_SEMSET, PRIVATE_SEGMENT };
void keep_private(enum private_kind kind, int id);

/* Names of the system for an object of the story; unique to run and test, removed after it. */
const char *path_of(const char *object); /* a path, relative to the actors' directory */
const char *name_of(const char *object); /* "/ipcts..." for mq_open, sem_open, shm_open */
key_t key_of(const char *object);	 /* a System V key */

/* What a file below /proc/sys holds, in the director or a function; the test is skipped if there's
 * no such file. */
long long system_setting(const char *path);
/* From now on it holds n[0]: call(changes_setting, path, number, 0, 0). */
long long changes_setting(const char *path, const long long *n);

/* Zeroed memory that all actors and the director share: 512 words (and not what is under test).
 * They are of a size that no processor takes a lock for, which other processes would not see. */
_Atomic(unsigned long) *shared(void);
enum { SHARED_WORDS = 512 };
/* Waits, in the director or a function, until a shared word is at least this; fails if it never is.
 */
#define awaits(word, value) HERE(stage_awaits(word, value))

/* In an actor's function: whoever else can run may do so now. */
void give_way(void);

/* The handler that sig.handle installs: counts for caught() and catches(). */
void stage_note_signal(int signal);

/* The seconds of the alarm(2) this process was born with, by fork or exec, until the stage set its
 * own; 0: it had none. */
unsigned stage_alarm_found(void);

/* The seed of this test, for its choices; printed with the run. */
uint64_t test_seed(void);
/* The name of this test. */
const char *own_name(void);

/* -- what the macros above call -----------------------------------------------------------------
 */

void stage_at(const char *file, int line);
void stage_becomes_user(actor *a, uid_t user, gid_t group);
void stage_renounces(actor *a);
void stage_execs(actor *a);
void stage_begin(actor *a, op o);
void stage_blocks(actor *a);
void stage_returns(actor *a);
void stage_succeeds(actor *a);
void stage_fails(actor *a, int error);
void stage_gives(actor *a, long long expected);
void stage_gives_text(actor *a, const char *expected);
void stage_gives_bytes(actor *a, const void *bytes, size_t size);
void stage_does(actor *a, op o);
void stage_freeze(actor *a);
void stage_thaw(actor *a);
void stage_poke(actor *a, int signal);
void stage_catches(actor *a, int signal, unsigned times);
void stage_dies(actor *a);
void stage_exits(actor *a, int status);
void stage_is_killed_by(actor *a, int signal);
void stage_is_stopped(actor *a, int stopped);
void stage_awaits(_Atomic(unsigned long) *word, unsigned long value);
_Noreturn void stage_must(const char *file, int line, const char *condition);
void stage_must_be(const char *file, int line, const char *what, long long actual,
		   long long expected);

#endif
