/* SPDX-License-Identifier: MIT */
#include "diff/diff.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "diff/nature.h"
#include "diff/rest.h"
#include "stage/questions.h"
#include "stage/scene.h"
#include "stage/tell.h"
#include "stage/verbs.h"
#include "stage/wait.h"

const char *const diff_actor_names[DIFF_ACTORS] = {"alice", "bob", "carol", "dave"};

/* In turns of TURN_MS: how long who should come back may sleep. */
enum { LATE_ASLEEP = 60, HURRIED_ASLEEP = 30, TIMED = 1000 };
enum { NUMBERED_MAX = 64 };

/* What the directors write and the command reads. */
static struct shared_play {
	struct script script;
	struct trace traces[2];
	struct divergence divergence;
	unsigned explained, late;
} * play;

static struct diff_settings settings;
static struct generator generator;
static bool generates;
static int acts; /* to be generated */
static int side; /* which implementation plays */
static char message[MESSAGE_MAX];
static unsigned late_asleep = LATE_ASLEEP;

/* The director's own. */
static actor *actors[DIFF_ACTORS];
static struct standing standings[DIFF_ACTORS];
static op orders[DIFF_ACTORS]; /* what who is blocked has begun ... */
static const struct choice *choices[DIFF_ACTORS];
static struct sleeper sleepers[DIFF_ACTORS]; /* ... and how it sleeps */
static long long numbered[NUMBERED_MAX];
static int numbered_count;

bool diff_open(const struct diff_settings *given)
{
	void *memory = mmap(NULL, sizeof(*play), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	settings = *given;
	play = memory == MAP_FAILED ? NULL : memory;
	rest_open();
	return play != NULL;
}

const struct script *diff_script(void)
{
	return &play->script;
}

const struct trace *diff_trace(int implementation)
{
	return &play->traces[implementation];
}

const struct divergence *diff_divergence(void)
{
	return &play->divergence;
}

const char *diff_message(void)
{
	return message;
}

void diff_hurry(bool hurried)
{
	late_asleep = hurried ? HURRIED_ASLEEP : LATE_ASLEEP;
}

struct diff_count diff_count(void)
{
	struct diff_count count = {.explained = play->explained, .late = play->late};

	for (int i = 0; i < play->traces[1].count; i++) {
		const struct step *step = &play->traces[1].steps[i];

		count.steps += step->performed;
		if (!step->performed || play->script.acts[i].kind != ACT_DO)
			continue;
		count.failed += step->seen[0].error != 0;
		count.blocked += step->seen[0].how == SEEN_BLOCKED;
	}
	return count;
}

/* -- what is seen ----------------------------------------------------------------------------- */

static long long number_of(long long number)
{
	for (int i = 0; i < numbered_count; i++)
		if (numbered[i] == number)
			return i + 1;
	if (numbered_count < NUMBERED_MAX)
		numbered[numbered_count++] = number;
	return numbered_count;
}

static long long process_of_actor(long long pid)
{
	for (int i = 0; i < DIFF_ACTORS; i++)
		if (actors[i] && pid_of(actors[i]) == pid)
			return i + 1;
	return pid ? -1 : 0;
}

static long long natural(enum op_code code, int which, long long number)
{
	const struct nature *nature = nature_of(code, which);

	if (!nature)
		return number;
	switch (nature->how) {
	case NUMBERED:
		return number_of(number);
	case A_PROCESS:
		return process_of_actor(number);
	case ITS_FLAGS:
		return number & (O_ACCMODE | O_NONBLOCK | O_APPEND | O_DIRECT);
	case WHETHER_ZERO:
		return number != 0;
	default:
		return 0;
	}
}

static uint64_t hash_of(const unsigned char *bytes, size_t size)
{
	uint64_t hash = 0xCBF29CE484222325u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001B3u;
	return hash;
}

static void note_outcome(struct seen *seen, const outcome *out, const struct choice *choice)
{
	enum op_code code = seen->o.code;

	seen->how = SEEN_RETURNED;
	seen->error = out->value == -1 ? out->error : 0;
	if (seen->error || (choice && choice->does & SAYS_LITTLE)) {
		seen->value = seen->error ? -1 : 0;
		return;
	}
	seen->value = natural(code, THE_VALUE, out->value);
	for (int i = 0; i < OUTCOME_NUMBERS; i++)
		seen->n[i] = natural(code, i, out->n[i]);
	seen->has_bytes = out->has_bytes;
	if (out->has_bytes) {
		seen->size = out->size;
		seen->hash = hash_of(out->bytes, out->size);
		memcpy(seen->bytes, out->bytes, out->size < SHOWN_BYTES ? out->size : SHOWN_BYTES);
	}
}

static struct seen *add_seen(struct step *step, int who, const op *o, bool is_audit)
{
	if (step->count == SEEN_MAX)
		end_in_error("more than %d things to be seen at a time", SEEN_MAX);
	struct seen *seen = &step->seen[step->count++];
	*seen = (struct seen){.actor = who, .how = SEEN_BLOCKED, .is_audit = is_audit, .o = *o};
	return seen;
}

static void note_return(struct seen *seen, const outcome *out, const struct choice *choice)
{
	struct trace *trace = &play->traces[side];

	if (out->absent[0] || (out->value == -1 && out->error == ENOSYS)) {
		snprintf(trace->absent, sizeof(trace->absent), "%s",
			 out->absent[0] ? out->absent : "ENOSYS");
		trace->absent_operation = (int)seen->o.code;
	}
	note_outcome(seen, out, choice);
}

/* Judges what the actor came back with. */
static struct seen *note(struct step *step, int who, const op *o, const struct choice *choice,
			 bool is_back)
{
	struct seen *seen = add_seen(step, who, o, false);

	if (is_back) {
		actors[who]->judged = actors[who]->done;
		note_return(seen, outcome_of(actors[who]), choice);
	}
	return seen;
}

/* -- comparing -------------------------------------------------------------------------------- */

enum { WHAT_MAX = 48 };

static const char *name_of_error(int error)
{
	return error ? error_name(error) : "none";
}

/* False: they are alike. */
static bool is_different(const struct seen *a, const struct seen *b, char what[WHAT_MAX])
{
	const char *word = NULL;
	int n = 0;

	while (n < OUTCOME_NUMBERS && a->n[n] == b->n[n])
		n++;
	if (a->how != b->how)
		word = "blocking";
	else if (a->error != b->error)
		word = "error";
	else if (a->has_bytes != b->has_bytes || a->size != b->size || a->hash != b->hash)
		word = "bytes";
	else if (n < OUTCOME_NUMBERS)
		word = "number";
	else if (a->value != b->value)
		word = "value";
	if (!word)
		return false;
	snprintf(what, WHAT_MAX, "%s%s", a->is_audit ? "audit-" : "", word);
	size_t length = strlen(what);
	int error = a->error ? a->error : b->error;
	if (strcmp(word, "blocking") == 0 && error)
		snprintf(what + length, WHAT_MAX - length, ":%s", error_name(error));
	if (strcmp(word, "number") == 0)
		snprintf(what + length, WHAT_MAX - length, "%d", n);
	if (strcmp(word, "error") == 0)
		snprintf(what + length, WHAT_MAX - length, ":%s:%s", name_of_error(a->error),
			 name_of_error(b->error));
	return true;
}

static const struct seen *expected_at(int step, int place)
{
	const struct step *expected = &play->traces[0].steps[step];

	if (side == 0 || place >= expected->count)
		return NULL;
	return &expected->seen[place];
}

/* "mq.open/error:EINVAL:none", "mq.fd.poll/audit-number0": mechanism, operation, and what differs.
 */
static void found(const struct seen *seen, const char *what, int step, int place)
{
	struct divergence *divergence = &play->divergence;
	const char *mechanism = mechanism_names[generator.menu->mechanism];
	const char *operation = op_descriptions[seen->o.code].name;
	size_t length = strlen(mechanism);
	bool is_its_own = strncmp(operation, mechanism, length) == 0 && operation[length] == '.';

	*divergence = (struct divergence){.found = true, .step = step, .place = place};
	snprintf(divergence->name, sizeof(divergence->name), "%s%s%s/%s",
		 is_its_own ? "" : mechanism, is_its_own ? "" : ".", operation, what);
	divergence->explained =
		settings.known && baseline_reason(settings.known, divergence->name) != NULL;
}

static int returned(const struct step *step)
{
	int count = 0;

	for (int i = 0; i < step->count; i++)
		count += !step->seen[i].is_audit && step->seen[i].how == SEEN_RETURNED;
	return count;
}

/* True: the script can't go on.  What is explained and leaves nothing behind is passed over. */
static bool compare(int number)
{
	const struct step *a = &play->traces[0].steps[number], *b = &play->traces[1].steps[number];

	for (int i = 0; i < a->count && i < b->count; i++) {
		const struct seen *one = &a->seen[i], *other = &b->seen[i];
		char what[WHAT_MAX];

		if (!is_different(one, other, what))
			continue;
		/* as many come back, but others: who is first of those who wait */
		if (one->how != other->how && returned(a) == returned(b))
			snprintf(what, sizeof(what), "order");
		found(one, what, number, i);
		if (!play->divergence.explained)
			return true;
		play->explained++;
		if (!one->is_audit && !(one->error && other->error))
			return true;
		play->divergence.found = false;
	}
	if (a->count != b->count)
		end_in_error("%d things are seen here, and %d there", a->count, b->count);
	return false;
}

/* -- who comes back --------------------------------------------------------------------------- */

static bool is_awaited(const struct seen *expected)
{
	return expected && expected->how == SEEN_RETURNED;
}

/* Those of a set of actors come to rest. */
static void settle(unsigned set)
{
	struct sleeper *some[DIFF_ACTORS];
	int count = 0;

	for (int i = 0; i < DIFF_ACTORS; i++)
		if (set & 1u << i)
			some[count++] = &sleepers[i];
	const actor *runaway = come_to_rest(some, count);
	if (runaway)
		end_failed(HOW_HANG, "%s runs on and on", runaway->name);
}

/* Of an actor at rest: whether it is back, or comes when it is expected to. */
static bool comes_back(int who, const struct seen *expected)
{
	bool is_late = false, is_back = is_done(actors[who], 0);

	if (!is_back && is_awaited(expected))
		is_back = comes_back_late(actors[who], late_asleep, &is_late);
	play->late += is_late;
	return is_back;
}

static void succeeded(struct standing *standing, const struct choice *choice, const op *o)
{
	standing->handles = handles_after(generator.menu, choice, o, standing->handles);
	hold_changes(generator.menu, choice, o, &standing->holding);
}

/* Notes of each who was blocked before the act how it stands now. */
static void note_waiting(struct step *step, int number, unsigned waiting)
{
	settle(waiting);
	for (int i = 0; i < DIFF_ACTORS; i++) {
		if (!(waiting & 1u << i))
			continue;
		bool is_back = comes_back(i, expected_at(number, step->count));
		const struct seen *seen = note(step, i, &orders[i], choices[i], is_back);

		if (!is_back)
			continue;
		standings[i].is_blocked = false;
		if (!seen->error)
			succeeded(&standings[i], choices[i], &orders[i]);
	}
}

/* -- acts ------------------------------------------------------------------------------------- */

/* By the platform, for it is the play's and not judged. */
static long long minds_pokes(const char *text, const long long *n)
{
	struct sigaction action = {.sa_handler = stage_note_signal};

	(void)text;
	(void)n;
	return sigaction(SIGUSR1, &action, NULL);
}

static void prepare(actor *a)
{
	ask(a, call(minds_pokes, "", 0, 0, 0));
	if (generator.menu->ignores_sigpipe)
		ask(a, sig.ignore(SIGPIPE));
	if (generator.menu->blocks)
		ask(a, sig.block(*generator.menu->blocks));
}

static void enter(const struct act *act)
{
	struct standing *standing = &standings[act->actor];
	const char *name = diff_actor_names[act->actor];

	if (act->kind == ACT_FORK) {
		actors[act->actor] = forks(actors[act->parent], name);
		standing->handles = standings[act->parent].handles;
	} else {
		actors[act->actor] = act->kind == ACT_STRANGER ? cast_stranger(name) : cast(name);
		prepare(actors[act->actor]);
	}
	standing->is_cast = true;
}

static bool is_idle(int who)
{
	const struct standing *s = &standings[who];

	return s->is_cast && !s->is_gone && !s->is_blocked;
}

static bool can_be_performed(const struct act *act)
{
	const struct standing *s = &standings[act->actor];

	switch (act->kind) {
	case ACT_CAST:
	case ACT_STRANGER:
		return !s->is_cast;
	case ACT_FORK:
		return !s->is_cast && is_idle(act->parent);
	case ACT_EXEC:
		return is_idle(act->actor);
	case ACT_DO:
		return is_idle(act->actor) &&
		       can_do(generator.menu, act->choice, &act->o, standings, act->actor);
	case ACT_POKE:
		return s->is_cast && !s->is_gone && s->is_blocked;
	default:
		return s->is_cast && !s->is_gone && !hold_spares(s);
	}
}

/* Who is named by his number in the script is a process on the stage. */
static op meant(const struct act *act)
{
	op o = act->o;

	if (act->choice->does & TO_ACTOR)
		o.n[0] = pid_of(actors[o.n[0]]);
	return o;
}

static void do_operation(const struct act *act, struct step *step, int number, unsigned waiting)
{
	struct standing *standing = &standings[act->actor];
	actor *a = actors[act->actor];

	stage_begin(a, meant(act));
	sleepers[act->actor] = (struct sleeper){.actor = a};
	if (act->choice->does & COMES_BACK)
		wait_until(a, is_done, 0, patience(TIMED));
	settle(waiting | 1u << act->actor);
	bool is_back = comes_back(act->actor, expected_at(number, 0));
	const struct seen *seen = note(step, act->actor, &act->o, act->choice, is_back);
	if (is_back) {
		if (!seen->error)
			succeeded(standing, act->choice, &act->o);
		return;
	}
	standing->is_blocked = true;
	standing->is_poked = false;
	standing->is_locked = (act->choice->does & (SHARES | EXCLUDES)) != 0;
	standing->is_alone = (act->choice->does & ALONE) != 0;
	standing->since = (unsigned)number;
	orders[act->actor] = act->o;
	choices[act->actor] = act->choice;
}

/* What an audit asks of an idle actor, all of it in one order. */
struct inquiry {
	size_t count;
	const struct choice *audits[QUESTIONS_MAX];
	const char *handles[QUESTIONS_MAX];
	struct question questions[QUESTIONS_MAX];
};

static void inquire(struct inquiry *inquiry, const struct choice *audit, const char *handle)
{
	struct question *question = &inquiry->questions[inquiry->count];

	if (inquiry->count == QUESTIONS_MAX)
		end_in_error("an audit of more than %d questions", QUESTIONS_MAX);
	question->code = audit->code;
	snprintf(question->handle, sizeof(question->handle), "%s", handle);
	for (int i = 0; i < OP_NUMBERS; i++)
		question->n[i] = audit->n[i].count ? audit->n[i].numbers[0] : 0;
	inquiry->audits[inquiry->count] = audit;
	inquiry->handles[inquiry->count++] = handle;
}

static void inquire_of(struct inquiry *inquiry, uint32_t handles)
{
	const struct menu *menu = generator.menu;

	for (size_t j = 0; j < menu->audit_count; j++) {
		const struct choice *audit = &menu->audits[j];

		if (settings.is_left_out[audit->code])
			continue;
		if (!audit->handles)
			inquire(inquiry, audit, "");
		for (const char *const *h = audit->handles; h && *h; h++)
			if (handle_bit(menu, *h) & handles)
				inquire(inquiry, audit, *h);
	}
}

static void note_answers(struct step *step, int who, const struct inquiry *inquiry)
{
	struct answer *answers = answers_of(actors[who]);

	if (!wait_until(actors[who], is_done, 0, patience(TIMED)))
		end_in_error("an audit does not come back");
	actors[who]->judged = actors[who]->done;
	for (size_t i = 0; i < inquiry->count; i++) {
		op o = {.code = inquiry->questions[i].code, .handle = inquiry->handles[i]};

		memcpy(o.n, inquiry->questions[i].n, sizeof(o.n));
		answers[i].outcome.bytes = answers[i].bytes;
		note_return(add_seen(step, who, &o, true), &answers[i].outcome, inquiry->audits[i]);
	}
}

/* All are asked before any is heard, for they answer at the same time. */
static void audit(struct step *step)
{
	static struct inquiry inquiries[DIFF_ACTORS];

	for (int i = 0; i < DIFF_ACTORS; i++) {
		inquiries[i].count = 0;
		if (!is_idle(i))
			continue;
		inquire_of(&inquiries[i], standings[i].handles);
		if (inquiries[i].count)
			ask_questions(actors[i], inquiries[i].questions, inquiries[i].count);
	}
	for (int i = 0; i < DIFF_ACTORS; i++)
		if (inquiries[i].count)
			note_answers(step, i, &inquiries[i]);
}

/* Where among what is seen of those who wait this one is. */
static int place_of(int who, unsigned waiting)
{
	int place = 0;

	for (int i = 0; i < who; i++)
		place += (waiting & 1u << i) != 0;
	return place;
}

/*
 * Who sleeps in short sleeps may be awake between two of them when the signal comes, and then it is
 * as if it had come before the call: so it comes once more, which hardly happens twice.
 */
static void poke_blocked(int who, const struct seen *expected)
{
	stage_poke(actors[who], SIGUSR1);
	settle(1u << who);
	if (!comes_back(who, expected) && is_awaited(expected))
		stage_poke(actors[who], SIGUSR1);
}

static void perform_act(const struct act *act, int number)
{
	struct step *step = &play->traces[side].steps[number];
	unsigned waiting = 0;

	step->performed = false;
	step->count = 0;
	if (!can_be_performed(act))
		return;
	step->performed = true;
	for (int i = 0; i < DIFF_ACTORS; i++)
		if (standings[i].is_blocked)
			waiting |= 1u << i;
	switch (act->kind) {
	case ACT_DO:
		do_operation(act, step, number, waiting);
		break;
	case ACT_EXEC:
		stage_execs(actors[act->actor]);
		prepare(actors[act->actor]);
		if (!generator.menu->outlives_exec)
			standings[act->actor].handles = 0;
		break;
	case ACT_POKE:
		standings[act->actor].is_poked = true;
		poke_blocked(act->actor, expected_at(number, place_of(act->actor, waiting)));
		break;
	case ACT_KILL:
		stage_dies(actors[act->actor]);
		standings[act->actor].is_gone = true;
		standings[act->actor].is_blocked = false;
		waiting &= ~(1u << act->actor);
		break;
	default:
		enter(act);
	}
	note_waiting(step, number, waiting);
	audit(step);
}

static bool next_act(int number)
{
	struct script *script = &play->script;

	if (!generates)
		return number < script->count;
	if (number >= acts || !generate(&generator, standings, &script->acts[number]))
		return false;
	script->count = number + 1;
	return true;
}

/* Of the stage's director. */
static void story(size_t row)
{
	struct trace *trace = &play->traces[side];

	(void)row;
	for (int i = 0; next_act(i); i++) {
		perform_act(&play->script.acts[i], i);
		trace->count = i + 1;
		if (trace->absent[0] || (side == 1 && compare(i)))
			break;
	}
	end_story();
}

/* -- both ------------------------------------------------------------------------------------- */

static const struct rule *a_rule_of(enum mechanism mechanism)
{
	int rule = 0;

	while (rules[rule].mechanism != mechanism)
		rule++;
	return &rules[rule];
}

/* What the acts themselves did not say, the stage does: a broken promise, a crash, an end. */
static enum diff_verdict verdict_of(const struct result *result)
{
	int step = play->traces[side].count;

	snprintf(message, sizeof(message), "%s", result->message);
	if (play->traces[side].absent[0])
		return DIFF_ABSENT;
	if (result->verdict == SKIP)
		return DIFF_SKIPPED;
	if (result->verdict == ERROR || (result->verdict == FAIL && step >= play->script.count))
		return DIFF_TROUBLE;
	if (result->verdict == FAIL) {
		struct seen seen = {.o = play->script.acts[step].o};

		play->traces[side].steps[step] = (struct step){.performed = true};
		found(&seen, "failed", step, 0);
	}
	if (!play->divergence.found)
		return DIFF_SAME;
	return play->divergence.explained ? DIFF_EXPLAINED : DIFF_DIVERGES;
}

static enum diff_verdict play_on(int implementation, const struct menu *menu)
{
	static struct result result;
	const struct test test = {
		.rule = a_rule_of(menu->mechanism), .variant = "diff", .file = "", .run = story};

	side = implementation;
	memset(&play->traces[side], 0, offsetof(struct trace, steps));
	play->traces[side].absent[0] = '\0';
	memset(&result, 0, sizeof(result));
	stage_judge(settings.implementations[side]);
	stage_play(&test, 0, false, &result);
	return verdict_of(&result);
}

static enum diff_verdict play_both(const struct menu *menu)
{
	play->divergence = (struct divergence){0};
	play->explained = play->late = 0;
	play->traces[1].count = 0;
	enum diff_verdict verdict = play_on(0, menu);
	if (verdict != DIFF_SAME)
		return verdict;
	generates = false;
	return play_on(1, menu);
}

enum diff_verdict diff_generate(const struct menu *menu, uint64_t seed)
{
	generator = (struct generator){.menu = menu,
				       .state = seed,
				       .actors = settings.actors,
				       .is_left_out = settings.is_left_out};
	play->script.count = 0;
	acts = settings.least +
	       (int)(draw(&generator.state) % (uint64_t)(settings.most - settings.least + 1));
	generates = true;
	return play_both(menu);
}

enum diff_verdict diff_replay(const struct menu *menu, const struct script *script)
{
	generator.menu = menu;
	if (script != &play->script)
		play->script = *script;
	generates = false;
	return play_both(menu);
}
