/* SPDX-License-Identifier: MIT */
/*
 * The director: orders, their outcomes, and the end.  It performs no operation itself, so it never
 * blocks in one; what it waits for is counted in its own turns, so that a machine which stands
 * still, or which is shared with many others, makes it wait longer instead of accusing anybody.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/adversary.h"
#include "stage/director.h"
#include "stage/estate.h"
#include "stage/observe.h"
#include "stage/tell.h"
#include "stage/transcript.h"
#include "stage/verbs.h"
#include "stage/wait.h"

/* In turns of TURN_MS: asleep in one place, not moving at all. */
enum { SLEEP_PATIENCE = 500, COARSE_SLEEP_PATIENCE = 800, LOOK_TURNS = 50 };
/* What patience is divided by where nothing is to be hoped for. */
enum { BRIEFER = 20 };

static const char *here_file = "?";
static int here_line;

void stage_at(const char *file, int line)
{
	here_file = file;
	here_line = line;
}

static unsigned briefer(void)
{
	return scene->is_brief ? BRIEFER : 1;
}

unsigned patience(unsigned turns)
{
	return (unsigned)(turns * scene->timeout_scale / briefer()) + 1;
}

void is_brief(void)
{
	scene->is_brief = true;
}

/* -- the end ---------------------------------------------------------------------------------- */

bool take_status(actor *a)
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

_Noreturn void end_story(void)
{
	kill_all();
	estate_clear();
	scene->over = 1;
	word_wake(&scene->over);
	_exit(0);
}

void end_failed(enum how how, const char *format, ...)
{
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	transcript_beginnings(NULL);
	scene_verdict(FAIL, how, "%s (%s:%d)", text, here_file, here_line);
	end_story();
}

void end_in_error(const char *format, ...)
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

void refute(const char *proof, ...)
{
	char text[MESSAGE_MAX];
	va_list arguments;

	va_start(arguments, proof);
	vsnprintf(text, sizeof(text), proof, arguments);
	va_end(arguments);
	scene_verdict(FAIL, HOW_PLAIN, "%s", text);
	end_story();
}

void remark(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(scene->remark, sizeof(scene->remark), format, arguments);
	va_end(arguments);
}

void skip_lacking(const char *name)
{
	const char *why = impl->lacks ? impl->lacks(name) : NULL;

	skip("%s%s%s", name, why ? ": " : " is not there", why ? why : "");
}

void end_if_judged(void)
{
	if (scene_has_verdict()) {
		transcript_beginnings(NULL);
		end_story();
	}
}

void describe_end(int status, char *text, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(text, size, "was killed by %s", signal_name(WTERMSIG(status)));
	else
		snprintf(text, size, "exited with status %d", WEXITSTATUS(status));
}

_Noreturn void end_failed_of_end(actor *a)
{
	char end[64], what[256];

	end_if_judged();
	describe_end(a->status, end, sizeof(end));
	describe_order(a, what, sizeof(what));
	transcript_act(a, end);
	if (a->ordered == a->done || a->tid == 0)
		end_in_error("%s %s outside any operation", a->name, end);
	if (WIFSIGNALED(a->status) && WTERMSIG(a->status) == SIGSYS) {
		scene_verdict(SKIP, HOW_DENIED, "%s: refused with SIGSYS", what);
		end_story();
	}
	end_failed(HOW_CRASH, "%s %s in %s", a->name, end, what);
}

actor *process_of(actor *a)
{
	return &scene->actors[a->host];
}

/* How an actor that another has forked ended is its parent's to know, but not that it did. */
static bool has_ended_apart(const actor *a)
{
	return a->kin == KIN_FORKED && !a->gone && can_look() &&
	       strchr("ZX-", look_at(a->pid, a->pid).state);
}

void check_life(actor *a)
{
	char what[256];

	end_if_judged();
	if (take_status(process_of(a)))
		end_failed_of_end(a);
	if (!has_ended_apart(process_of(a)))
		return;
	describe_order(a, what, sizeof(what));
	end_failed(HOW_CRASH, "%s ended in %s", a->name, what);
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
			end_failed_of_end(a);
		if (is_busy(a) && !a->watched) {
			describe_order(a, what, sizeof(what));
			end_in_error("%s: %s was begun and never judged", a->name, what);
		}
	}
	end_story();
}

/* -- waiting ---------------------------------------------------------------------------------- */

bool wait_until(actor *a, condition *is_true, unsigned n, unsigned turns)
{
	for (unsigned turn = 0; turn < turns;) {
		uint32_t news = scene->news;

		if (is_true(a, n))
			return true;
		end_if_judged();
		adversaries_turn();
		word_wait(&scene->news, news, TURN_MS);
		if (scene->news == news) {
			check_life(a);
			turn++;
		}
	}
	return is_true(a, n);
}

bool look_until(actor *a, condition *is_true, unsigned n)
{
	unsigned turns = patience(RETURN_PATIENCE);

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

bool is_done(actor *a, unsigned n)
{
	(void)n;
	return a->done == a->ordered;
}

bool has_entered(actor *a, unsigned n)
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

	for (unsigned waited = 0; waited < patience(RETURN_PATIENCE); waited += look_turns) {
		if (wait_until(a, is_done, 0, look_turns))
			return true;
		struct look look = look_at(a->pid, a->tid);
		bool same = look.state == 'S' && last.state == 'S' && look.ran == last.ran;

		asleep = same ? asleep + look_turns : 0;
		if (asleep >= patience(look.exact ? SLEEP_PATIENCE : COARSE_SLEEP_PATIENCE))
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
		describe_order(b, what, sizeof(what));
		transcript_beginnings(b);
		transcript_note("%-8s %s -> %s", b->name, what,
				b->is_frozen ? "not returned, for it is frozen" : "never returned");
	}
	describe_order(a, what, sizeof(what));
	end_failed(HOW_HANG, "%s: %s never returned", a->name, what);
}

void require_free(const actor *a, const char *verb)
{
	char what[256];

	if (a->gone)
		end_in_error("%s: %s is gone", verb, a->name);
	if (!is_busy(a))
		return;
	describe_order(a, what, sizeof(what));
	end_in_error("%s: %s still has %s to be judged", verb, a->name, what);
}

void require_busy(const actor *a, const char *verb)
{
	if (a->gone)
		end_in_error("%s: %s is gone", verb, a->name);
	if (!is_busy(a))
		end_in_error("%s: %s has nothing begun", verb, a->name);
}

/* -- orders and their outcomes ---------------------------------------------------------------- */

static bool copy_name(const char *from, char *to)
{
	if (!from)
		return false;
	if (strlen(from) >= HANDLE_MAX)
		end_in_error("the name %s is too long", from);
	strcpy(to, from);
	return true;
}

void give_order(actor *a, op o)
{
	if (o.bytes && o.size == 0 && !o.empty)
		o.size = strlen(o.bytes);
	if (o.size > OUTCOME_BYTES)
		end_in_error("an operation with %zu bytes: at most %d", o.size, OUTCOME_BYTES);
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
	if (is_of_signals(o.code))
		adversaries_leave();
	a->ordered++;
	word_wake(&a->ordered);
	adversaries_turn();
}

/* Where nothing is to be hoped for of the platform, the stage still wants its own answers. */
long long ask(actor *a, op o)
{
	bool was_brief = scene->is_brief;

	scene->is_brief = false;
	give_order(a, o);
	a->begun_told = true;
	if (!wait_for_return(a))
		end_in_error("%s does not answer the stage", a->name);
	scene->is_brief = was_brief;
	a->judged = a->done;
	return a->outcome.value;
}

void stage_begin(actor *a, op o)
{
	end_if_judged();
	require_free(a, "begin");
	give_order(a, o);
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
	transcript_return(a);
	a->judged = a->done;

	const outcome *out = outcome_of(a);
	if (out->absent[0]) {
		scene_verdict(SKIP, HOW_ABSENT, "%s", out->absent);
		end_story();
	}
	return out;
}

void skip_if_absent(actor *a)
{
	char what[256];

	if (a->outcome.value != -1 || a->outcome.error != ENOSYS)
		return;
	describe_order(a, what, sizeof(what));
	scene_verdict(SKIP, HOW_ABSENT, "%s: ENOSYS", what);
	end_story();
}

_Noreturn static void fail_of_outcome(actor *a, const char *expected)
{
	char what[256], result[256];

	skip_if_absent(a);
	describe_order(a, what, sizeof(what));
	describe_outcome(a, result, sizeof(result));
	end_failed(HOW_PLAIN, "%s: %s was to give %s, but %s", a->name, what, expected, result);
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

/* -- shared words ----------------------------------------------------------------------------- */

void stage_awaits(_Atomic(unsigned long) *word, unsigned long value)
{
	unsigned turns = patience(RETURN_PATIENCE);

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
		scene_end(FAIL, HOW_HANG, "a shared word was to become %lu, but is %lu (%s:%d)",
			  value, *word, here_file, here_line);
	end_failed(HOW_HANG, "a shared word was to become %lu, but is %lu", value, *word);
}
