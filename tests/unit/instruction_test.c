/* SPDX-License-Identifier: MIT */
/*
 * A victim that waits is roused, and those who wait in vain are not waited for, whether one waits
 * here by sleeping or by napping again and again.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "posix/posix.h"
#include "stage/instruction.h"
#include "stage/play.h"
#include "stage/scene.h"
#include "stage/story.h"
#include "stage/wait.h"

/* -- something to take ------------------------------------------------------------------------ */

static struct shelf {
	_Atomic uint32_t things;
} * shelf;

static pid_t waiter;

static void make_shelf(const char *text)
{
	(void)text;
	shelf = mmap(NULL, sizeof(*shelf), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	must(shelf != MAP_FAILED);
}

static void clear(void)
{
	shelf->things = 0;
}

static void put(void)
{
	shelf->things++;
	word_wake(&shelf->things);
}

static bool has_taken(void)
{
	uint32_t things = shelf->things;

	while (things > 0)
		if (atomic_compare_exchange_weak(&shelf->things, &things, things - 1))
			return true;
	return false;
}

enum { LONG_MS = 100000, NAP_US = 300 };

static int sleep_for_it(void)
{
	while (!has_taken())
		word_wait(&shelf->things, 0, LONG_MS);
	return 0;
}

static int nap_for_it(void)
{
	while (!has_taken())
		nap(NAP_US);
	return 0;
}

/* -- what becomes of the victims -------------------------------------------------------------- */

/* Words of shared(): how many did which. */
enum { DIED_EARLY, DIED_AFTERWARDS, CAME_THROUGH };

static void count(const struct death *death)
{
	shared()[death->came_through ? CAME_THROUGH
				     : (death->was_roused ? DIED_AFTERWARDS : DIED_EARLY)]++;
}

static const char *audit(const struct death *death)
{
	count(death);
	return shelf->things <= 1 ? NULL : "there are more than were put";
}

/* Nobody gives anything. */
static void rouse_in_vain(void)
{
}

static void nap_beside_and_put(void)
{
	waiter = bystander(nap_for_it);
	put();
}

/* Who has been held till now has what the victim did not take. */
static const char *audit_bystander(const struct death *death)
{
	if (!death->was_roused)
		return audit(death);
	if (shelf->things == 0)
		put();
	return bystander_returns(waiter) == 0 ? audit(death) : "the bystander never returns";
}

#define WAITING(how, who, then)                                                                    \
	{                                                                                          \
		.name = #how, .enter = make_shelf, .prepare = clear, .act = how, .rouse = who,     \
		.audit = then                                                                      \
	}

static const struct last_act waits_of[] = {
	WAITING(sleep_for_it, put, audit),
	WAITING(nap_for_it, put, audit),
};
static const struct last_act wait_with_another =
	WAITING(nap_for_it, nap_beside_and_put, audit_bystander);
static const struct last_act waits_in_vain_of[] = {
	WAITING(sleep_for_it, rouse_in_vain, audit),
	WAITING(nap_for_it, rouse_in_vain, audit),
};

static const struct last_act *act;

static void story(size_t row)
{
	(void)row;
	is_killed_after_each_instruction(cast("alice"), "", act);
}

/* -- playing it ------------------------------------------------------------------------------- */

static struct result result;

/* False: no process is stepped here, or nobody can see it asleep. */
static bool is_played(const struct last_act *what)
{
	const struct stage_settings settings = {
		.implementation = &posix_implementation,
		.seed = 7,
		.timeout_scale = 1,
		.program = "/proc/self/exe",
	};
	const struct test test = {
		.rule = &rules[RULE_pipe_data_flows_one_way], .file = "here", .run = story};

	act = what;
	ck_assert_ptr_null(stage_open(&settings));
	stage_enter_worker(0);
	stage_play(&test, 0, false, &result);
	bool is_here = result.verdict != SKIP || strstr(result.message, "instructions");

	/* under a tool that is itself what is stepped */
	if (result.verdict == SKIP && getenv("WRAP") && *getenv("WRAP"))
		is_here = false;
	if (is_here)
		ck_assert_msg(result.verdict == PASS, "%s: %s\n%s", verdict_names[result.verdict],
			      result.message, result.transcript);
	return is_here;
}

/* One victim shows the way; how many of the others there is time for is another matter. */
START_TEST(who_waits_is_roused)
{
	if (is_played(&waits_of[_i]))
		ck_assert_uint_ge(scene->words[CAME_THROUGH], 1);
	stage_close();
}
END_TEST

/* Whoever of the two has it, the other is seen to wait, and has the next. */
START_TEST(who_naps_beside_comes_back)
{
	is_played(&wait_with_another);
	stage_close();
}
END_TEST

START_TEST(who_waits_in_vain_is_left)
{
	if (is_played(&waits_in_vain_of[_i])) {
		ck_assert_uint_ge(scene->words[DIED_AFTERWARDS], 1);
		ck_assert_uint_eq(scene->words[CAME_THROUGH], 0);
	}
	stage_close();
}
END_TEST

int main(void)
{
	TCase *cases = tcase_create("instruction");
	Suite *suite = suite_create("instruction");

	tcase_set_timeout(cases, 60);
	tcase_add_loop_test(cases, who_waits_is_roused, 0, sizeof(waits_of) / sizeof(waits_of[0]));
	tcase_add_test(cases, who_naps_beside_comes_back);
	tcase_add_loop_test(cases, who_waits_in_vain_is_left, 0,
			    sizeof(waits_in_vain_of) / sizeof(waits_in_vain_of[0]));
	suite_add_tcase(suite, cases);

	SRunner *runner = srunner_create(suite);

	srunner_set_fork_status(runner, CK_FORK);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
