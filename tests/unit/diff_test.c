/* SPDX-License-Identifier: MIT */
/* The differential: it finds a planted bug, shrinks it to what matters, and comes back by its seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#undef skip /* the stage has one of its own */

#include "diff/diff.h"
#include "posix/posix.h"
#include "report/sheet.h"

/* -- an implementation that takes the newest message first --------------------------------------
 */

enum { MESSAGES = 16, SIZE = 64 };

/* Those before the last are taken out and put back; nobody waits to send where there is room. */
static ssize_t receive_newest(mqd_t queue, char *bytes, size_t size, unsigned *priority)
{
	static char texts[MESSAGES][SIZE];
	ssize_t sizes[MESSAGES];
	unsigned priorities[MESSAGES];
	struct mq_attr attributes;
	long count;

	if (mq_getattr(queue, &attributes) < 0 || (fcntl(queue, F_GETFL) & O_ACCMODE) != O_RDWR ||
	    attributes.mq_curmsgs < 2 || attributes.mq_curmsgs > MESSAGES ||
	    attributes.mq_curmsgs == attributes.mq_maxmsg || attributes.mq_msgsize > SIZE ||
	    size < (size_t)attributes.mq_msgsize)
		return mq_receive(queue, bytes, size, priority);
	count = attributes.mq_curmsgs;
	for (long i = 0; i < count; i++)
		sizes[i] = mq_receive(queue, texts[i], SIZE, &priorities[i]);
	for (long i = 0; i < count - 1; i++)
		mq_send(queue, texts[i], (size_t)sizes[i], priorities[i]);
	memcpy(bytes, texts[count - 1], (size_t)sizes[count - 1]);
	*priority = priorities[count - 1];
	return sizes[count - 1];
}

static struct mq_calls newest_mq, mute_mq;
static struct implementation newest = {.name = "newest"}, mute = {.name = "mute"};
static const struct implementation *const known[] = {&posix_implementation, &newest, &mute, NULL};

static void make_implementations(void)
{
	newest = mute = posix_implementation;
	newest_mq = mute_mq = posix_mq;
	newest_mq.mq_receive = receive_newest;
	mute_mq.mq_notify = NULL;
	newest.name = "newest";
	newest.mq = &newest_mq;
	mute.name = "mute";
	mute.mq = &mute_mq;
}

/* -- the stage -----------------------------------------------------------------------------------
 */

static bool is_left_out[OP_COUNT];
static struct baseline baseline;

static void open_diff(const struct implementation *other)
{
	const struct stage_settings judged = {.implementation = &posix_implementation,
					      .seed = 7,
					      .timeout_scale = 1,
					      .program = "/proc/self/exe"};
	const struct diff_settings settings = {.implementations = {&posix_implementation, other},
					       .actors = 3,
					       .least = 40,
					       .most = 60,
					       .is_left_out = is_left_out,
					       .known = &baseline};

	memset(is_left_out, 0, sizeof(is_left_out));
	assert_null(stage_open(&judged));
	stage_enter_worker(0);
	assert_true(diff_open(&settings));
}

/* The first of some seeds that gives this verdict. */
static enum diff_verdict seek(enum diff_verdict wanted)
{
	enum diff_verdict verdict = DIFF_SAME;

	for (uint64_t seed = 1; seed < 60 && verdict != wanted; seed++)
		verdict = diff_generate(menu_of(MECHANISM_mq), seed);
	return verdict;
}

static bool differs_by_receive(const struct script *script, void *context)
{
	(void)context;
	return diff_replay(menu_of(MECHANISM_mq), script) == DIFF_DIVERGES &&
	       strncmp(diff_divergence()->name, "mq.receive/", strlen("mq.receive/")) == 0;
}

/* -- tests ---------------------------------------------------------------------------------------
 */

static bool has_both(const struct script *script, void *context)
{
	int found = 0;

	++*(int *)context;
	for (int i = 0; i < script->count; i++)
		found |= script->acts[i].actor == 1 ? 1 : script->acts[i].actor == 2 ? 2 : 0;
	return found == 3;
}

static void what_matters_is_left(void **state)
{
	static struct script script;
	int attempts = 0;

	(void)state;
	script.count = 200;
	for (int i = 0; i < script.count; i++)
		script.acts[i] = (struct act){.kind = ACT_POKE};
	script.acts[33].actor = 1;
	script.acts[170].actor = 2;
	script_shrink(&script, has_both, &attempts, 1000);
	assert_int_equal(script.count, 2);
	assert_int_equal(script.acts[0].actor, 1);
	assert_int_equal(script.acts[1].actor, 2);
	assert_true(attempts < 200);
}

static void attempts_are_counted(void **state)
{
	static struct script script;
	int attempts = 0;

	(void)state;
	script.count = 200;
	for (int i = 0; i < script.count; i++)
		script.acts[i] = (struct act){.kind = ACT_POKE, .actor = 1 + i % 2};
	script_shrink(&script, has_both, &attempts, 5);
	assert_int_equal(attempts, 5);
}

static void an_operation_is_told_as_it_is_written(void **state)
{
	char text[200];
	op o = mq.send("q", "a \"b\"\n", 3);

	(void)state;
	constructor_text(&o, text, sizeof(text));
	assert_string_equal(text, "mq.send(\"q\", \"a \\\"b\\\"\\012\", 3)");
	o = mq.create("q:b", O_RDWR | O_NONBLOCK, 0600, 2, 8);
	constructor_text(&o, text, sizeof(text));
	assert_string_equal(text, "mq.create(\"q:b\", O_RDWR | O_NONBLOCK, 0600, 2, 8)");
	o = mq.priority_limit();
	constructor_text(&o, text, sizeof(text));
	assert_string_equal(text, "mq.priority_limit()");
	o = pipes.make("p");
	constructor_text(&o, text, sizeof(text));
	assert_string_equal(text, "pipes.make(\"p\")");
	o = msg.send_bytes("q", 5, "\1", 1, 0);
	constructor_text(&o, text, sizeof(text));
	assert_string_equal(text, "msg.send_bytes(\"q\", 5, \"\\001\", 1, 0)");
	o = fd.dup("q", "r");
	constructor_text(&o, text, sizeof(text));
	assert_string_equal(text, "fd.dup(\"q\", \"r\")");
	o = sig.queue(1, SIGUSR2, 7); /* to the second actor */
	constructor_text(&o, text, sizeof(text));
	assert_string_equal(text, "sig.queue(pid_of(bob), SIGUSR2, 7)");
	o = sig.wait(SIGNALS(SIGTERM, SIGUSR2, SIGRTMIN + 1));
	constructor_text(&o, text, sizeof(text));
	assert_non_null(strstr(text, "sig.wait(SIGNALS(SIG"));
	assert_non_null(strstr(text, "SIGRTMIN + 1))"));
	o = sig.block(NO_SIGNALS);
	constructor_text(&o, text, sizeof(text));
	assert_string_equal(text, "sig.block(NO_SIGNALS)");
}

/* The lock menu's choice of an operation. */
static const struct choice *choice_of(enum op_code code)
{
	const struct menu *menu = menu_of(MECHANISM_lock);
	size_t i = 0;

	while (menu->choices[i].code != code)
		i++;
	return &menu->choices[i];
}

static void play_does(struct standing *standings, int who, op o)
{
	hold_changes(menu_of(MECHANISM_lock), choice_of(o.code), &o, &standings[who].holding);
}

static bool play_may(const struct standing *standings, int who, op o)
{
	return can_do(menu_of(MECHANISM_lock), choice_of(o.code), &o, standings, who);
}

static void nothing_undefined_is_done_to_a_lock(void **state)
{
	struct standing standings[DIFF_ACTORS] = {{.is_cast = true, .handles = ~0u},
						  {.is_cast = true, .handles = ~0u}};

	(void)state;
	assert_false(play_may(standings, 0, lock.rwlock_unlock("r")));
	assert_true(play_may(standings, 0, lock.wrlock("r")));
	play_does(standings, 0, lock.rdlock("r"));
	play_does(standings, 0, lock.rdlock("r"));
	assert_true(hold_spares(&standings[0]));
	assert_false(play_may(standings, 0, lock.wrlock("r")));
	assert_true(play_may(standings, 0, lock.trywrlock("r")));
	assert_false(play_may(standings, 1, lock.rwlock_unlock("r")));
	assert_true(play_may(standings, 1, lock.wrlock("r")));
	standings[1].is_blocked = standings[1].is_locked = true;
	assert_true(hold_spares(&standings[1]));
	assert_false(play_may(standings, 0, lock.rdlock("r")));
	assert_true(play_may(standings, 0, lock.timedrdlock("r", 2)));
	play_does(standings, 0, lock.rwlock_unlock("r"));
	assert_true(play_may(standings, 0, lock.rwlock_unlock("r")));
	play_does(standings, 0, lock.rwlock_unlock("r"));
	assert_false(play_may(standings, 0, lock.rwlock_unlock("r")));
	assert_false(hold_spares(&standings[0]));

	play_does(standings, 0, lock.spin_lock("s"));
	assert_false(play_may(standings, 0, lock.spin_lock("s")));
	standings[1].is_blocked = false;
	assert_false(play_may(standings, 1, lock.spin_lock("s")));
	assert_true(play_may(standings, 1, lock.spin_trylock("s")));
	assert_false(play_may(standings, 1, lock.spin_unlock("s")));
	play_does(standings, 0, lock.spin_unlock("s"));
	assert_true(play_may(standings, 1, lock.spin_lock("s")));
}

static void a_seed_brings_the_same_again(void **state)
{
	static struct script first;

	(void)state;
	open_diff(&posix_implementation);
	for (uint64_t seed = 100; seed < 104; seed++) {
		const struct script *second = diff_script();

		assert_int_equal(diff_generate(menu_of(MECHANISM_mq), seed), DIFF_SAME);
		first = *diff_script();
		assert_int_equal(diff_generate(menu_of(MECHANISM_mq), seed), DIFF_SAME);
		assert_int_equal(first.count, second->count);
		assert_memory_equal(first.acts, second->acts,
				    (size_t)first.count * sizeof(struct act));
	}
	stage_close();
}

static void a_planted_bug_is_found_and_shrunk(void **state)
{
	static struct script script;
	const char *const names[2] = {"posix", "newest"};
	struct sheet sheet = {0};

	(void)state;
	open_diff(&newest);
	assert_int_equal(seek(DIFF_DIVERGES), DIFF_DIVERGES);
	script = *diff_script();
	script.count = diff_divergence()->step + 1;
	assert_true(differs_by_receive(&script, NULL));
	script_shrink(&script, differs_by_receive, NULL, 300);
	/* somebody, a queue, two messages, and one of them received */
	assert_true(script.count <= 6);
	assert_true(differs_by_receive(&script, NULL));
	script_print(&sheet, menu_of(MECHANISM_mq), &script, diff_trace(0), diff_trace(1),
		     diff_divergence(), names);
	stage_close();
	sheet_add(&sheet, "");
	assert_non_null(strstr(sheet.bytes, "TEST(mq, "));
	assert_non_null(strstr(sheet.bytes, "/* newest: mq.receive(\""));
	sheet_free(&sheet);
}

static void what_is_explained_is_no_divergence(void **state)
{
	struct deviation deviation = {.glob = "mq.receive/*", .reason = "it is planted"};

	(void)state;
	baseline = (struct baseline){&deviation, 1};
	open_diff(&newest);
	assert_int_equal(seek(DIFF_EXPLAINED), DIFF_EXPLAINED);
	assert_true(diff_count().explained > 0);
	baseline = (struct baseline){0};
	stage_close();
}

static void what_one_lacks_is_named(void **state)
{
	(void)state;
	open_diff(&mute);
	assert_int_equal(seek(DIFF_ABSENT), DIFF_ABSENT);
	assert_non_null(strstr(diff_trace(1)->absent, "mq_notify"));
	assert_int_equal(strncmp(op_descriptions[diff_trace(1)->absent_operation].name, "mq.notify",
				 strlen("mq.notify")),
			 0);
	stage_close();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_matters_is_left),
		cmocka_unit_test(attempts_are_counted),
		cmocka_unit_test(an_operation_is_told_as_it_is_written),
		cmocka_unit_test(nothing_undefined_is_done_to_a_lock),
		cmocka_unit_test(a_seed_brings_the_same_again),
		cmocka_unit_test(a_planted_bug_is_found_and_shrunk),
		cmocka_unit_test(what_is_explained_is_no_divergence),
		cmocka_unit_test(what_one_lacks_is_named),
	};

	make_implementations();
	if (argc > 1 && strcmp(argv[1], ACTOR_OPTION) == 0)
		actor_main(argc, argv, known);
	/* what it plays with must be there */
	if (mq_unlink("/ipcts-none") < 0 && errno == ENOSYS)
		return 77;
	cmocka_set_message_output(CM_OUTPUT_STDOUT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
