/* SPDX-License-Identifier: MIT */
/*
 * The director's side of the stage: the verbs.  It performs no operation itself, so it never blocks
 * in one; what it waits for is counted in its own turns, so that a machine which stands still, or
 * which is shared with many others, makes it wait longer instead of accusing anybody.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/actor.h"
#include "stage/director.h"
#include "stage/estate.h"
#include "stage/observe.h"
#include "stage/scene.h"
#include "stage/story.h"
#include "stage/tell.h"
#include "stage/wait.h"

/* In turns of TURN_MS: how long an operation may take; and asleep in one place, not moving at all.
 */
enum { RETURN_PATIENCE = 2000, SLEEP_PATIENCE = 500, COARSE_SLEEP_PATIENCE = 800, LOOK_TURNS = 50 };
/* What proves that somebody is blocked: looks that all show the same sleep. */
enum { LOOKS = 3, LOOK_US = 300, COARSE_LOOKS = 12, COARSE_LOOK_US = 1000 };
/* Of turns: asleep again and again, as who polls is; or simply not back, where nothing can be seen.
 */
enum { POLLER_TURNS = 30, BLIND_TURNS = 20 };
enum { BRIEFER = 20 };

static const char *here_file = "?";
static int here_line;

void stage_at(const char *file, int line)
{
	here_file = file;
	here_line = line;
}

/* What patience is divided by. */
static unsigned briefer(void)
{
	return scene->is_brief ? BRIEFER : 1;
}

static unsigned scaled(unsigned turns)
{
	return (unsigned)(turns * scene->timeout_scale / briefer()) + 1;
}

void is_brief(void)
{
	scene->is_brief = true;
}

/* -- the transcript --------------------------------------------------------------------------- */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void note(const char *format, ...)
{
	size_t used = scene->transcript_size, room = sizeof(scene->transcript) - used;
	va_list arguments;

	if (scene->transcript_full)
		return;
	int n = snprintf(scene->transcript + used, room, "%8.3f  ", seconds_now() - scene->began);
	va_start(arguments, format);
	if ((size_t)n < room)
		n += vsnprintf(scene->transcript + used + n, room - (size_t)n, format, arguments);
	va_end(arguments);
	if ((size_t)n + 8 >= room) {
		/* the beginning of a story tells more than its thousandth line */
		scene->transcript_full = true;
		snprintf(scene->transcript + used, room, "...\n");
		return;
	}
	memcpy(scene->transcript + used + n, "\n", 2);
	scene->transcript_size = used + (size_t)n + 1;
}

/* The order as it may be told by the director. */
static op order_of(const actor *a)
{
	op o = a->order;

	o.handle = a->has_handle ? a->handle : NULL;
	o.other = a->has_other ? a->other : NULL;
	o.bytes = a->has_bytes ? a->order_bytes : NULL;
	return o;
}

static void op_text(const actor *a, char *text, size_t size)
{
	op o = order_of(a);

	tell_op(&o, text, size);
}

static void outcome_text(actor *a, char *text, size_t size)
{
	op o = order_of(a);

	tell_outcome(&o, outcome_of(a), text, size);
}

static bool is_busy(const actor *a)
{
	return a->ordered != a->judged;
}

/* Who has begun something says so before anything else is told. */
static void tell_beginnings(const actor *except)
{
	char text[256];

	for (int i = 0; i < scene->actor_count; i++) {
		actor *a = &scene->actors[i];

		if (a == except || !is_busy(a) || a->begun_told)
			continue;
		op_text(a, text, sizeof(text));
		note("%-8s %s ...", a->name, text);
		a->begun_told = true;
	}
}

static void tell_act(const actor *a, const char *what)
{
	tell_beginnings(NULL);
	note("%-8s %s", a->name, what);
}

static void tell_return(actor *a)
{
	char text[256], result[256];

	tell_beginnings(a);
	op_text(a, text, sizeof(text));
	outcome_text(a, result, sizeof(result));
	note("%-8s %s %s", a->name, text, result);
}

/* -- the end ---------------------------------------------------------------------------------- */

/* The status of a child of ours that has ended; false: it lives, or is no child of ours. */
static bool take_status(actor *a)
{
	int status;

	if (a->gone || a->kin == KIN_FORKED || a->kin == KIN_THREAD)
		return false;
	if (waitpid(a->pid, &status, WNOHANG) != a->pid)
		return false;
	a->gone = true;
	a->status = status;
	return true;
}

/*
 * A number that has been reaped may be somebody else's by now: ours is what waitpid can still give
 * us, or what is seen to be its parent's child still.
 */
static bool is_ours(const actor *a)
{
	if (a->gone || a->kin == KIN_THREAD)
		return false;
	return a->kin != KIN_FORKED || parent_of(a->pid) == scene->actors[a->parent].pid;
}

/* Children first: where there's no subreaper, nobody knows whose orphans are. */
static void kill_all(void)
{
	for (int i = scene->actor_count - 1; i >= 0; i--)
		if (is_ours(&scene->actors[i]))
			kill(scene->actors[i].pid, SIGKILL);
	for (int i = 0; i < scene->actor_count; i++) {
		actor *a = &scene->actors[i];

		if (!a->gone && (a->kin == KIN_CHILD || a->kin == KIN_STRANGER))
			waitpid(a->pid, NULL, 0);
	}
}

_Noreturn static void end_story(void)
{
	kill_all();
	estate_clear();
	scene->over = 1;
	word_wake(&scene->over);
	_exit(0);
}

/* What must be said of the actor's order, in a message. */
static void describe(actor *a, char *text, size_t size)
{
	op_text(a, text, size);
}

_Noreturn static void fail(enum how how, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void fail(enum how how, const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	tell_beginnings(NULL);
	scene_verdict(FAIL, how, "%s (%s:%d)", text, here_file, here_line);
	end_story();
}

_Noreturn static void error(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void error(const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	scene_verdict(ERROR, HOW_PLAIN, "%s (%s:%d)", text, here_file, here_line);
	end_story();
}

void skip(const char *reason, ...)
{
	char text[MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, reason);
	vsnprintf(text, sizeof(text), reason, arguments);
	va_end(arguments);
	if (getpid() != scene->director)
		scene_end(SKIP, HOW_PLAIN, "%s", text);
	scene_verdict(SKIP, HOW_PLAIN, "%s", text);
	end_story();
}

static void end_if_judged(void)
{
	if (scene_has_verdict()) {
		tell_beginnings(NULL);
		end_story();
	}
}

static void describe_end(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "was killed by %s", signal_name(WTERMSIG(status)));
	else
		snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
}

/* An actor that has ended unasked has broken its operation, or been broken by it. */
_Noreturn static void fail_of_end(actor *a)
{
	char end[64], what[256];

	end_if_judged();
	describe_end(a->status, end, sizeof(end));
	describe(a, what, sizeof(what));
	tell_act(a, end);
	if (a->ordered == a->done || a->tid == 0)
		error("%s %s outside any operation", a->name, end);
	if (WIFSIGNALED(a->status) && WTERMSIG(a->status) == SIGSYS) {
		scene_verdict(SKIP, HOW_DENIED, "%s: refused with SIGSYS", what);
		end_story();
	}
	fail(HOW_CRASH, "%s %s in %s", a->name, end, what);
}

static actor *process_of(actor *a)
{
	return &scene->actors[a->host];
}

static void check_life(actor *a)
{
	end_if_judged();
	if (take_status(process_of(a)))
		fail_of_end(a);
}

void director_open(void)
{
	scene->director = getpid();
	scene_join(scene->serial);
}

void director_close(void)
{
	end_if_judged();
	for (int i = 0; i < scene->actor_count; i++) {
		actor *a = &scene->actors[i];
		char what[256];

		if (a->gone)
			continue;
		if (take_status(a))
			fail_of_end(a);
		if (is_busy(a) && !a->watched) {
			describe(a, what, sizeof(what));
			error("%s: %s was begun and never judged", a->name, what);
		}
	}
	end_story();
}

/* -- waiting ---------------------------------------------------------------------------------- */

/* What there is to wait for about an actor. */
typedef bool condition(actor *a, unsigned n);

/* False: it never became true, for so many turns in which nothing else happened either. */
static bool wait_until(actor *a, condition *is_true, unsigned n, unsigned turns)
{
	for (unsigned turn = 0; turn < turns;) {
		uint32_t news = scene->news;

		if (is_true(a, n))
			return true;
		end_if_judged();
		word_wait(&scene->news, news, TURN_MS);
		if (scene->news == news) {
			check_life(a);
			turn++;
		}
	}
	return is_true(a, n);
}

/* Looks often at first: what is waited for costs a system call or two. */
static bool look_until(actor *a, condition *is_true, unsigned n)
{
	unsigned turns = scaled(RETURN_PATIENCE);

	for (unsigned i = 0; i < 50; i++) {
		if (is_true(a, n))
			return true;
		nap(100);
	}
	for (unsigned turn = 0; turn < turns; turn++) {
		if (is_true(a, n))
			return true;
		end_if_judged();
		nap(TURN_MS * 1000);
	}
	return false;
}

static bool is_done(actor *a, unsigned n)
{
	(void)n;
	return a->done == a->ordered;
}

static bool has_entered(actor *a, unsigned n)
{
	(void)n;
	return a->entered == a->ordered || a->done == a->ordered;
}

/*
 * Waits for the operation's return.  Who sleeps in one place for SLEEP_PATIENCE turns and has not
 * run in between, as far as can be seen, waits for what will not come; whoever moves may take
 * longer.
 */
static bool wait_for_return(actor *a)
{
	struct look last = look_at(a->pid, a->tid);
	const unsigned look_turns = LOOK_TURNS / briefer();
	unsigned asleep = 0;

	for (unsigned waited = 0; waited < scaled(RETURN_PATIENCE); waited += look_turns) {
		if (wait_until(a, is_done, 0, look_turns))
			return true;
		struct look look = look_at(a->pid, a->tid);
		bool same = look.state == 'S' && last.state == 'S' && look.ran == last.ran;

		asleep = same ? asleep + look_turns : 0;
		if (asleep >= scaled(look.exact ? SLEEP_PATIENCE : COARSE_SLEEP_PATIENCE))
			return is_done(a, 0);
		last = look;
	}
	return false;
}

_Noreturn static void fail_of_hang(actor *a)
{
	char what[256];

	for (int i = 0; i < scene->actor_count; i++) {
		actor *b = &scene->actors[i];

		if (b->gone || !is_busy(b) || b->done == b->ordered)
			continue;
		describe(b, what, sizeof(what));
		tell_beginnings(b);
		note("%-8s %s -> %s", b->name, what,
		     b->is_frozen ? "not returned, for it is frozen" : "never returned");
	}
	describe(a, what, sizeof(what));
	fail(HOW_HANG, "%s: %s never returned", a->name, what);
}

static void require_free(const actor *a, const char *verb)
{
	char what[256];

	if (a->gone)
		error("%s: %s is gone", verb, a->name);
	if (!is_busy(a))
		return;
	op_text(a, what, sizeof(what));
	error("%s: %s still has %s to be judged", verb, a->name, what);
}

static void require_busy(const actor *a, const char *verb)
{
	if (a->gone)
		error("%s: %s is gone", verb, a->name);
	if (!is_busy(a))
		error("%s: %s has nothing begun", verb, a->name);
}

/* -- casting ---------------------------------------------------------------------------------- */

static actor *new_actor(const char *name, enum kin kin, const actor *parent)
{
	if (scene->actor_count == ACTOR_MAX)
		error("more than %d actors", ACTOR_MAX);

	actor *a = &scene->actors[scene->actor_count];
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->kin = kin;
	a->host = kin == KIN_THREAD ? parent->host : scene->actor_count;
	a->parent = parent ? (int)(parent - scene->actors) : -1;
	a->status = -1;
	scene->actor_count++;
	return a;
}

static actor *cast_process(const char *name, enum kin kin)
{
	actor *a = new_actor(name, kin, NULL);
	int index = (int)(a - scene->actors);
	pid_t pid = fork();

	if (pid < 0) {
		scene->actor_count--;
		error("no process for %s: %s", name, strerror(errno));
	}
	if (pid == 0) {
		if (kin == KIN_STRANGER)
			actor_become_stranger(index);
		actor_live(a);
	}
	a->pid = pid;
	return a;
}

actor *cast(const char *name)
{
	return cast_process(name, KIN_CHILD);
}

actor *cast_stranger(const char *name)
{
	return cast_process(name, KIN_STRANGER);
}

static void order(actor *a, op o);

/* An order of the stage's own, of which the transcript tells nothing: the value. */
static long long ask(actor *a, op o)
{
	order(a, o);
	a->begun_told = true;
	if (!wait_for_return(a))
		error("%s does not answer the stage", a->name);
	a->judged = a->done;
	return a->outcome.value;
}

actor *forks(actor *parent, const char *name)
{
	require_free(parent, "forks");
	actor *a = new_actor(name, KIN_FORKED, parent);
	long long pid = ask(parent, stage.fork(name, a - scene->actors));

	if (pid < 0)
		error("no process for %s: %s", name, strerror(parent->outcome.error));
	a->pid = (pid_t)pid;
	tell_act(parent, "forks");
	return a;
}

actor *cast_thread(actor *host, const char *name)
{
	require_free(host, "cast_thread");
	actor *a = new_actor(name, KIN_THREAD, host);

	if (ask(host, stage.thread(name, a - scene->actors)) < 0)
		error("no thread for %s: %s", name, strerror(host->outcome.error));
	a->pid = process_of(host)->pid;
	return a;
}

void stage_execs(actor *a)
{
	require_free(a, "execs");
	tell_act(a, "executes this program anew");
	ask(a, stage.exec());
}

pid_t pid_of(const actor *a)
{
	return a->pid;
}

/* -- orders and their outcomes ---------------------------------------------------------------- */

static bool copy_name(const char *from, char *to)
{
	if (!from)
		return false;
	if (strlen(from) >= HANDLE_MAX)
		error("the name %s is too long", from);
	strcpy(to, from);
	return true;
}

static void order(actor *a, op o)
{
	if (o.bytes && o.size == 0 && !o.empty)
		o.size = strlen(o.bytes);
	if (o.size > OUTCOME_BYTES)
		error("an operation with %zu bytes: at most %d", o.size, OUTCOME_BYTES);
	a->has_handle = copy_name(o.handle, a->handle);
	a->has_other = copy_name(o.other, a->other);
	a->has_bytes = o.bytes != NULL;
	if (o.bytes)
		memcpy(a->order_bytes, o.bytes, o.size);
	a->order_bytes[o.bytes ? o.size : 0] = '\0'; /* call() takes them for a text */
	a->order = o;
	a->watched = false;
	a->begun_told = false;
	a->begun = seconds_now();
	a->ordered++;
	word_wake(&a->ordered);
}

void stage_begin(actor *a, op o)
{
	end_if_judged();
	require_free(a, "begin");
	order(a, o);
}

const outcome *outcome_of(const actor *a)
{
	/* the pointer an actor wrote is one of its own memory */
	((actor *)a)->outcome.bytes = ((actor *)a)->outcome_bytes;
	return &a->outcome;
}

/* The begun operation comes back; the outcome is there. */
static const outcome *come_back(actor *a, const char *verb)
{
	end_if_judged();
	require_busy(a, verb);
	if (!wait_for_return(a))
		fail_of_hang(a);
	tell_return(a);
	a->judged = a->done;

	const outcome *out = outcome_of(a);
	if (out->absent[0]) {
		scene_verdict(SKIP, HOW_ABSENT, "%s", out->absent);
		end_story();
	}
	return out;
}

/* What is not there is neither right nor wrong. */
static void skip_if_absent(actor *a)
{
	char what[256];

	if (a->outcome.value != -1 || a->outcome.error != ENOSYS)
		return;
	describe(a, what, sizeof(what));
	scene_verdict(SKIP, HOW_ABSENT, "%s: ENOSYS", what);
	end_story();
}

_Noreturn static void fail_of_outcome(actor *a, const char *expected)
{
	char what[256], result[256];

	skip_if_absent(a);
	describe(a, what, sizeof(what));
	outcome_text(a, result, sizeof(result));
	fail(HOW_PLAIN, "%s: %s was to give %s, but %s", a->name, what, expected, result);
}

void stage_returns(actor *a)
{
	come_back(a, "returns");
	skip_if_absent(a);
}

void stage_succeeds(actor *a)
{
	const outcome *out = come_back(a, "succeeds");

	if (out->value == -1 && out->error)
		fail_of_outcome(a, "no error");
}

void stage_fails(actor *a, int expected)
{
	const outcome *out = come_back(a, "fails");
	bool same = out->error == expected || ((expected == EAGAIN || expected == EWOULDBLOCK) &&
					       (out->error == EAGAIN || out->error == EWOULDBLOCK));

	if (out->value != -1 || !same)
		fail_of_outcome(a, error_name(expected));
}

void stage_gives(actor *a, long long expected)
{
	const outcome *out = come_back(a, "gives");
	char text[32];

	snprintf(text, sizeof(text), "%lld", expected);
	if (out->value != expected || (expected == -1 && out->error))
		fail_of_outcome(a, text);
}

void stage_gives_bytes(actor *a, const void *bytes, size_t size)
{
	const outcome *out = come_back(a, "gives");
	char text[128];

	tell_bytes(bytes, size, text, sizeof(text));
	if ((out->value == -1 && out->error) || !out->has_bytes || out->size != size ||
	    memcmp(out->bytes, bytes, size) != 0)
		fail_of_outcome(a, text);
}

void stage_gives_text(actor *a, const char *expected)
{
	stage_gives_bytes(a, expected, strlen(expected));
}

void stage_does(actor *a, op o)
{
	stage_begin(a, o);
	stage_succeeds(a);
}

/* -- blocked or not --------------------------------------------------------------------------- */

_Noreturn static void fail_of_return(actor *a)
{
	char what[256], result[256];

	tell_return(a);
	a->judged = a->done;
	if (a->outcome.absent[0]) {
		scene_verdict(SKIP, HOW_ABSENT, "%s", a->outcome.absent);
		end_story();
	}
	skip_if_absent(a);
	describe(a, what, sizeof(what));
	outcome_text(a, result, sizeof(result));
	fail(HOW_PLAIN, "%s: %s was to block, but %s", a->name, what, result);
}

/* Asleep in one place, look after look: the proof.  False: not so, or it can't be seen. */
static bool is_asleep(actor *a)
{
	struct look first = look_at(a->pid, a->tid);
	int looks = first.exact ? LOOKS : COARSE_LOOKS;

	for (int i = 1; i < looks && first.state == 'S'; i++) {
		nap(first.exact ? LOOK_US : COARSE_LOOK_US);
		struct look look = look_at(a->pid, a->tid);

		if (look.state != 'S' || look.ran != first.ran || is_done(a, 0))
			return false;
	}
	return first.state == 'S' && !is_done(a, 0);
}

/*
 * The long way: who waits by polling is seen asleep at times, and runs little; who can't be seen at
 * all is believed to be blocked when it isn't back for a while.
 */
static bool is_blocked(actor *a)
{
	struct look before = look_at(a->pid, a->tid);
	unsigned turns = scaled(before.state == '?' ? BLIND_TURNS : POLLER_TURNS);
	unsigned asleep = 0;
	double began = seconds_now();

	for (unsigned turn = 0; turn < turns; turn++) {
		if (is_done(a, 0) || (before.state != '?' && is_asleep(a)))
			return true;
		check_life(a);
		asleep += look_at(a->pid, a->tid).state == 'S';
		nap(TURN_MS * 1000);
	}
	struct look after = look_at(a->pid, a->tid);
	double ran = (double)(after.ran - before.ran) / 1e9;

	return before.state == '?' || (asleep > turns / 2 && ran < (seconds_now() - began) / 5);
}

/*
 * An operation with a timeout may be over before anybody has looked, on a loaded machine: that it
 * waited is then told by its time.
 */
static bool has_had_its_time(const actor *a)
{
	const char *shows = op_descriptions[a->order.code].shows, *end = strstr(shows, " -> ");
	size_t number = 0;

	for (const char *s = shows; *s && s != end; s++) {
		if (*s != '%' || !*++s || strchr("hob", *s))
			continue;
		if (*s == 't')
			return a->order.n[number] >= 0 &&
			       seconds_now() - a->begun >= (double)a->order.n[number] / 1e3;
		number++;
	}
	return false;
}

void stage_blocks(actor *a)
{
	char what[256];

	end_if_judged();
	require_busy(a, "blocks");
	if (a->is_frozen)
		error("blocks: %s is frozen, and nothing can be told of it", a->name);
	if (!look_until(a, has_entered, 0))
		error("%s never began its operation", a->name);

	/* a loaded machine may keep somebody from falling asleep */
	for (unsigned tries = 0; !is_blocked(a); tries++) {
		describe(a, what, sizeof(what));
		if (tries == 30)
			fail(HOW_PLAIN, "%s: %s was to block, but runs on and on", a->name, what);
	}
	if (is_done(a, 0) && !has_had_its_time(a))
		fail_of_return(a);
	a->watched = true;
	tell_act(a, is_done(a, 0) ? "... has had its time" : "... is blocked");
}

/* -- what is done to an actor ----------------------------------------------------------------- */

static void send_signal(actor *a, int number)
{
	int failed = a->kin == KIN_THREAD ? (int)syscall(SYS_tgkill, a->pid, a->tid, number)
					  : kill(a->pid, number);

	if (failed)
		error("%s can't be sent %s: %s", a->name, signal_name(number), strerror(errno));
}

static bool is_in_state(actor *a, const char *states)
{
	char state = look_at(a->pid, a->pid).state;

	return strchr(states, state) != NULL;
}

/* A child of ours tells by waitpid; others by /proc; where there's none, by having had its time. */
static bool is_stopped_now(actor *a, unsigned stopped)
{
	if (can_look())
		return is_in_state(a, "Tt") == !!stopped;
	int status;
	if (a->kin == KIN_FORKED)
		return true;
	if (waitpid(a->pid, &status, WNOHANG | WUNTRACED | WCONTINUED) != a->pid)
		return false;
	return stopped ? WIFSTOPPED(status) : WIFCONTINUED(status);
}

void stage_freeze(actor *a)
{
	actor *process = process_of(a);

	send_signal(process, SIGSTOP);
	if (!look_until(process, is_stopped_now, 1))
		error("%s can't be stopped", a->name);
	a->is_frozen = true;
	tell_act(a, "is frozen");
}

void stage_thaw(actor *a)
{
	actor *process = process_of(a);

	send_signal(process, SIGCONT);
	if (!look_until(process, is_stopped_now, 0))
		error("%s can't be continued", a->name);
	a->is_frozen = false;
	tell_act(a, "is thawed");
}

void stage_is_stopped(actor *a, int stopped)
{
	actor *process = process_of(a);

	if (!look_until(process, is_stopped_now, stopped != 0))
		fail(HOW_PLAIN, "%s was to %s", a->name, stopped ? "be stopped" : "run again");
	tell_act(a, stopped ? "is stopped" : "runs again");
}

void stage_poke(actor *a, int number)
{
	char text[64];

	end_if_judged();
	snprintf(text, sizeof(text), "is sent %s", signal_name(number));
	tell_act(a, text);
	send_signal(a, number);
}

unsigned caught(const actor *a, int number)
{
	return scene->actors[a->host].caught[number];
}

static int awaited_signal;

static bool has_caught(actor *a, unsigned times)
{
	return caught(a, awaited_signal) >= times;
}

void stage_catches(actor *a, int number, unsigned times)
{
	char text[64];

	awaited_signal = number;
	if (!wait_until(a, has_caught, times, scaled(RETURN_PATIENCE)))
		fail(HOW_HANG, "%s was to catch %s %u times, but did %u times", a->name,
		     signal_name(number), times, caught(a, number));
	snprintf(text, sizeof(text), "has caught %s", signal_name(number));
	tell_act(a, text);
}

/* -- ends of actors --------------------------------------------------------------------------- */

static bool parent_is_idle(const actor *a)
{
	const actor *parent = a->parent < 0 ? NULL : &scene->actors[a->parent];

	return parent && !parent->gone && !is_busy(parent) && !parent->is_frozen;
}

/*
 * Gone is who has no memory, descriptor or lock any more; its parent may not have asked for its
 * status yet, and that stays for the parent to ask.
 */
static bool has_ended(actor *a, unsigned n)
{
	(void)n;
	if (a->gone)
		return true;
	if (a->kin != KIN_FORKED)
		return take_status(a);
	if (parent_is_idle(a)) {
		long long status = ask(&scene->actors[a->parent], stage.peek(a->pid));

		a->status = status >= 0 ? (int)status : -1;
		a->gone = status >= 0 || scene->actors[a->parent].outcome.error == ECHILD;
	} else if (can_look()) {
		a->gone = is_in_state(a, "ZX-");
	} else {
		a->gone = kill(a->pid, 0) < 0 && errno == ESRCH;
	}
	return a->gone;
}

/* Threads end with their process. */
static void mark_threads(const actor *process)
{
	for (int i = 0; i < scene->actor_count; i++)
		if (scene->actors[i].kin == KIN_THREAD &&
		    &scene->actors[scene->actors[i].host] == process)
			scene->actors[i].gone = true;
}

static void await_end(actor *a, const char *how)
{
	if (!look_until(a, has_ended, 0))
		fail(HOW_HANG, "%s was to %s, but lives", a->name, how);
	mark_threads(a);
	a->judged = a->ordered;
}

void stage_dies(actor *a)
{
	end_if_judged();
	if (a->kin == KIN_THREAD)
		error("dies: %s is a thread", a->name);
	if (take_status(a))
		fail_of_end(a);
	tell_beginnings(NULL);
	send_signal(a, SIGKILL);
	if (a->kin == KIN_FORKED && !can_look() && !parent_is_idle(a)) {
		/* nobody can be asked; what SIGKILL does takes no longer than this */
		nap(BLIND_TURNS * TURN_MS * 1000);
		a->gone = true;
	}
	await_end(a, "die");
	tell_act(a, "is killed by SIGKILL");
}

void stage_exits(actor *a, int status)
{
	char text[64];

	end_if_judged();
	require_free(a, "exits");
	order(a, stage.exit(status));
	a->begun_told = true;
	await_end(a, "exit");
	if (a->status >= 0 &&
	    (!WIFEXITED(a->status) || WEXITSTATUS(a->status) != (status & 0xFF))) {
		describe_end(a->status, text, sizeof(text));
		fail(HOW_PLAIN, "%s was to exit with status %d, but %s", a->name, status, text);
	}
	snprintf(text, sizeof(text), "exits with status %d", status);
	tell_act(a, text);
}

void stage_is_killed_by(actor *a, int number)
{
	char text[64];

	end_if_judged();
	tell_beginnings(NULL);
	await_end(a, "be killed");
	if (a->status < 0)
		error("is_killed_by: nobody knows how %s ended", a->name);
	describe_end(a->status, text, sizeof(text));
	tell_act(a, text);
	if (!WIFSIGNALED(a->status) || WTERMSIG(a->status) != number)
		fail(HOW_PLAIN, "%s was to be killed by %s, but %s", a->name, signal_name(number),
		     text);
}

/* -- shared words ----------------------------------------------------------------------------- */

void stage_awaits(_Atomic(uint64_t) *word, uint64_t value)
{
	unsigned turns = scaled(RETURN_PATIENCE);

	for (unsigned i = 0; i < 200 && *word < value; i++)
		nap(100);
	for (unsigned turn = 0; turn < turns && *word < value; turn++) {
		if (scene_has_verdict() && getpid() != scene->director)
			_exit(1);
		if (getpid() == scene->director)
			end_if_judged();
		nap(TURN_MS * 1000);
	}
	if (*word >= value)
		return;
	if (getpid() != scene->director)
		scene_end(FAIL, HOW_HANG, "a shared word was to become %llu, but is %llu (%s:%d)",
			  (unsigned long long)value, (unsigned long long)*word, here_file,
			  here_line);
	fail(HOW_HANG, "a shared word was to become %llu, but is %llu", (unsigned long long)value,
	     (unsigned long long)*word);
}
