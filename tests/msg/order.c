/* SPDX-License-Identifier: MIT */
/* Which message is next: types and their order. */
#include <limits.h>
#include <stdio.h>

#include "stage/story.h"

TEST(msg, messages_of_a_type_keep_their_order)
{
	actor *sender = cast("sender");
	char text[16];

	does(sender, msg.make("q"));
	actor *receiver = forks(sender, "receiver");
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "%d", i);
		does(sender, msg.send("q", 1 + i % 2, text));
	}
	for (int type = 2; type >= 1; type--)
		for (int i = type - 1; i < 20; i += 2) {
			snprintf(text, sizeof(text), "%d", i);
			does_give(receiver, msg.receive("q", 100, type, IPC_NOWAIT), text);
		}
}

/* The queue is always: type 5 "a", 2 "b", 9 "c", 2 "d", 5 "e". */
static actor *with_five(void)
{
	static const long types[] = {5, 2, 9, 2, 5};
	static const char *const texts[] = {"a", "b", "c", "d", "e"};
	actor *a = cast("alice");

	does(a, msg.make("q"));
	for (int i = 0; i < 5; i++)
		does(a, msg.send("q", types[i], texts[i]));
	return a;
}

static const struct selection {
	const char *name;
	long type;
	const char *text; /* NULL: none */
	long its_type;
} selections[] = {
	{"zero", 0, "a", 5},
	{"first_of_its_type", 5, "a", 5},
	{"in_the_middle", 2, "b", 2},
	{"behind_others", 9, "c", 9},
	{"absent", 1, NULL, 0},
	{"absent_between", 7, NULL, 0},
	{"absent_above", LONG_MAX, NULL, 0},
	{"negative_below_all", -1, NULL, 0},
	{"negative_equal_to_the_lowest", -2, "b", 2},
	{"negative_between", -4, "b", 2},
	{"negative_equal_to_another", -5, "b", 2},
	{"negative_above_all", -100, "b", 2},
	{"negative_largest", -LONG_MAX, "b", 2},
};

TEST_EACH(msg, selection_follows_the_type, selections)
{
	actor *a = with_five();

	begin(a, msg.receive("q", 100, row->type, IPC_NOWAIT));
	if (!row->text) {
		fails(a, ENOMSG);
		does_give(a, msg.count("q"), 5);
		return;
	}
	gives(a, row->text);
	must_be(outcome_of(a)->n[0], row->its_type);
	does_give(a, msg.count("q"), 4);
}

TEST_VARIANT(msg, selection_follows_the_type, negative_takes_all_in_order)
{
	static const char *const sorted[] = {"b", "d", "a", "e"};
	actor *a = with_five();

	for (int i = 0; i < 4; i++)
		does_give(a, msg.receive("q", 100, -8, IPC_NOWAIT), sorted[i]);
	does_fail(a, msg.receive("q", 100, -8, IPC_NOWAIT), ENOMSG);
	does_give(a, msg.receive("q", 100, 0, IPC_NOWAIT), "c");
}

/* The first is of another length than the others, so that no room decides instead of the type. */
TEST_EACH(msg, truncating_changes_no_selection, selections)
{
	static const long types[] = {5, 2, 9, 2, 5};
	static const char *const texts[] = {"aaaaaaaa", "bbbb", "c", "dd", "eee"};
	actor *a = cast("alice");

	does(a, msg.make("q"));
	for (int i = 0; i < 5; i++)
		does(a, msg.send("q", types[i], texts[i]));
	begin(a, msg.receive("q", 1, row->type, MSG_NOERROR | IPC_NOWAIT));
	if (!row->text) {
		fails(a, ENOMSG);
		return;
	}
	gives(a, row->text);
	must_be(outcome_of(a)->n[0], row->its_type);
	does_give(a, msg.count("q"), 4);
}

static const struct taking {
	const char *name;
	long type;
	const char *rest;
} takings[] = {
	{"the_first", 5, "bcde"},
	{"from_the_midst", 9, "abde"},
	{"the_lowest", -9, "acde"},
};

TEST_EACH(msg, others_keep_their_places, takings)
{
	actor *a = with_five();
	char text[2] = "?";

	does(a, msg.receive("q", 100, row->type, IPC_NOWAIT));
	for (int i = 0; i < 4; i++) {
		text[0] = row->rest[i];
		does_give(a, msg.receive("q", 100, 0, IPC_NOWAIT), text);
	}
}

static const struct kept_type {
	const char *name;
	long type;
} kept_types[] = {
	{"one", 1},
	{"a_byte", 255},
	{"more_than_a_byte", 256},
	{"more_than_a_short", 65536},
	{"largest_int", INT_MAX},
	{"largest_int_less_one", INT_MAX - 1},
	{"largest", LONG_MAX},
	{"largest_less_one", LONG_MAX - 1},
	{"more_than_an_int", LONG_MAX / 3},
};

TEST_EACH(msg, type_is_kept, kept_types)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send("q", row->type, "typed"));
	does_give(a, msg.receive("q", 100, 0, IPC_NOWAIT), "typed");
	must_be(outcome_of(a)->n[0], row->type);
	does(a, msg.send("q", row->type, "again"));
	does_give(a, msg.receive("q", 100, row->type, IPC_NOWAIT), "again");
	must_be(outcome_of(a)->n[0], row->type);
}

TEST(msg, lowest_long_takes_any_type)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send("q", LONG_MAX, "largest"));
	does(a, msg.send("q", 7, "seven"));
	does_give(a, msg.receive("q", 100, LONG_MIN, IPC_NOWAIT), "seven");
	does_give(a, msg.receive("q", 100, LONG_MIN, IPC_NOWAIT), "largest");
}

static const struct kept_type no_types[] = {
	{"zero", 0},
	{"minus_one", -1},
	{"most_negative", LONG_MIN},
};

TEST_EACH(msg, type_below_one_is_refused, no_types)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does_fail(a, msg.send("q", row->type, "untyped"), EINVAL);
	does_give(a, msg.count("q"), 0);
}

TEST(msg, except_takes_the_first_other)
{
	actor *a = cast("alice");

	does(a, msg.make("q"));
	does(a, msg.send("q", 2, "first two"));
	does(a, msg.send("q", 3, "three"));
	does(a, msg.send("q", 2, "second two"));
	does(a, msg.send("q", 1, "one"));
	does_give(a, msg.receive("q", 100, 2, MSG_EXCEPT | IPC_NOWAIT), "three");
	must_be(outcome_of(a)->n[0], 3);
	does_give(a, msg.receive("q", 100, 2, MSG_EXCEPT | IPC_NOWAIT), "one");
	does_fail(a, msg.receive("q", 100, 2, MSG_EXCEPT | IPC_NOWAIT), ENOMSG);
	does_give(a, msg.count("q"), 2);
}

TEST(msg, except_waits_for_another_type)
{
	actor *sender = cast("sender");

	does(sender, msg.make("q"));
	actor *receiver = forks(sender, "receiver");
	does(sender, msg.send("q", 2, "there before"));
	begin(receiver, msg.receive("q", 100, 2, MSG_EXCEPT));
	blocks(receiver);
	does(sender, msg.send("q", 2, "excepted"));
	blocks(receiver);
	does(sender, msg.send("q", 5, "other"));
	gives(receiver, "other");
	does_give(sender, msg.count("q"), 2);
}
