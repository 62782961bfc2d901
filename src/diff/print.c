/* SPDX-License-Identifier: MIT */
/* A script as a test of the corpus, with what the first implementation gave as what must come. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "diff/generate.h"
#include "diff/nature.h"
#include "diff/script.h"
#include "report/sheet.h"
#include "stage/tell.h"

static const char *mechanism_of(const struct script *script, char *name, size_t size)
{
	for (int i = 0; i < script->count; i++) {
		const struct act *act = &script->acts[i];
		if (act->kind != ACT_DO)
			continue;
		const char *word = op_descriptions[act->o.code].name;
		snprintf(name, size, "%.*s", (int)strcspn(word, "."), word);
		if (strcmp(name, "fd") != 0)
			break;
	}
	return name;
}

static bool is_text(const struct seen *seen)
{
	for (size_t i = 0; i < seen->size && i < SHOWN_BYTES; i++)
		if (!isprint((unsigned char)seen->bytes[i]))
			return false;
	return seen->has_bytes && seen->size < SHOWN_BYTES;
}

void seen_text(const struct seen *seen, char *text, size_t size)
{
	char bytes[128] = "";
	int used, last = OUTCOME_NUMBERS;

	if (seen->how == SEEN_BLOCKED) {
		snprintf(text, size, "blocked");
		return;
	}
	if (seen->error) {
		snprintf(text, size, "-> %s", error_name(seen->error));
		return;
	}
	if (seen->has_bytes)
		tell_bytes(seen->bytes, seen->size < SHOWN_BYTES ? seen->size : SHOWN_BYTES, bytes,
			   sizeof(bytes));
	used = snprintf(text, size, "-> %lld%s%s", seen->value, *bytes ? " " : "", bytes);
	while (last > 0 && seen->n[last - 1] == 0)
		last--;
	for (int i = 0; i < last && used < (int)size; i++)
		used += snprintf(text + used, size - (size_t)used, "%s%lld",
				 i ? ", " : ", numbers ", seen->n[i]);
}

/* What the actor's operation must give; begun: by an earlier statement. */
static void print_return(struct sheet *sheet, const struct seen *seen, bool begun)
{
	const char *name = diff_actor_names[seen->actor];
	char operation[400];

	constructor_text(&seen->o, operation, sizeof(operation));
	if (seen->error) {
		if (begun)
			sheet_printf(sheet, "\tfails(%s, %s);\n", name, error_name(seen->error));
		else
			sheet_printf(sheet, "\tdoes_fail(%s, %s, %s);\n", name, operation,
				     error_name(seen->error));
		return;
	}
	if (is_text(seen)) {
		char bytes[128];

		tell_bytes(seen->bytes, seen->size, bytes, sizeof(bytes));
		sheet_printf(sheet, begun ? "\tgives(%s, %s%s);\n" : "\tdoes_give(%s, %s, %s);\n",
			     name, begun ? "" : operation, bytes);
	} else if (seen->has_bytes || nature_of(seen->o.code, THE_VALUE)) {
		sheet_printf(sheet, begun ? "\tsucceeds(%s%s);\n" : "\tdoes(%s, %s);\n", name,
			     begun ? "" : operation);
	} else {
		char number[32];

		snprintf(number, sizeof(number), "%lld", seen->value);
		sheet_printf(sheet, begun ? "\tgives(%s, %s%s);\n" : "\tdoes_give(%s, %s, %s);\n",
			     name, begun ? "" : operation, number);
	}
	for (int i = 0; i < OUTCOME_NUMBERS; i++)
		if (seen->n[i] && !nature_of(seen->o.code, i))
			sheet_printf(sheet, "\tmust_be(outcome_of(%s)->n[%d], %lld);\n", name, i,
				     seen->n[i]);
}

static void print_seen(struct sheet *sheet, const struct seen *seen, bool begun)
{
	char operation[400];

	if (seen->how == SEEN_RETURNED) {
		print_return(sheet, seen, begun);
		return;
	}
	if (!begun) {
		constructor_text(&seen->o, operation, sizeof(operation));
		sheet_printf(sheet, "\tbegin(%s, %s);\n", diff_actor_names[seen->actor], operation);
	}
	sheet_printf(sheet, "\tblocks(%s);\n", diff_actor_names[seen->actor]);
}

static void print_act(struct sheet *sheet, const struct act *act)
{
	const char *name = diff_actor_names[act->actor];

	if (act->kind == ACT_FORK)
		sheet_printf(sheet, "\t%s = forks(%s, \"%s\");\n", name,
			     diff_actor_names[act->parent], name);
	else if (act->kind == ACT_EXEC)
		sheet_printf(sheet, "\texecs(%s);\n\tdoes(%s, sig.handle(SIGUSR1, 0));\n", name,
			     name);
	else if (act->kind == ACT_POKE)
		sheet_printf(sheet, "\tpoke(%s, SIGUSR1);\n", name);
	else if (act->kind == ACT_KILL)
		sheet_printf(sheet, "\tdies(%s);\n", name);
}

/* What the play has all do that are cast; who is forked is as his parent. */
static void print_preparation(struct sheet *sheet, const struct menu *menu, const char *name,
			      bool is_poked)
{
	char operation[400];

	if (is_poked)
		sheet_printf(sheet, "\tdoes(%s, sig.handle(SIGUSR1, 0));\n", name);
	if (menu->ignores_sigpipe)
		sheet_printf(sheet, "\tdoes(%s, sig.ignore(SIGPIPE));\n", name);
	if (menu->blocks) {
		const op block = {.code = OP_sig_block, .n = {*menu->blocks}};

		constructor_text(&block, operation, sizeof(operation));
		sheet_printf(sheet, "\tdoes(%s, %s);\n", name, operation);
	}
}

static void print_cast(struct sheet *sheet, const struct menu *menu, const struct script *script,
		       const struct trace *trace)
{
	bool any = false, poked = false;

	for (int i = 0; i < script->count && i < trace->count; i++) {
		const struct act *act = &script->acts[i];
		const char *name = diff_actor_names[act->actor];

		poked |= act->kind == ACT_POKE;
		if (act->kind > ACT_FORK || !trace->steps[i].performed)
			continue;
		sheet_add(sheet, any ? ", *" : "\tactor *");
		any = true;
		if (act->kind == ACT_FORK)
			sheet_add(sheet, name);
		else
			sheet_printf(sheet, "%s = %s(\"%s\")", name,
				     act->kind == ACT_STRANGER ? "cast_stranger" : "cast", name);
	}
	if (any)
		sheet_add(sheet, ";\n\n");
	for (int i = 0; i < script->count && i < trace->count; i++)
		if (script->acts[i].kind <= ACT_STRANGER && trace->steps[i].performed)
			print_preparation(sheet, menu, diff_actor_names[script->acts[i].actor],
					  poked);
}

static void print_difference(struct sheet *sheet, const struct trace *first,
			     const struct trace *second, const struct divergence *divergence,
			     const char *const names[2])
{
	const struct step *steps[2] = {&first->steps[divergence->step],
				       &second->steps[divergence->step]};
	char text[256], operation[400];

	for (int i = 0; i < 2; i++) {
		if (divergence->place >= steps[i]->count)
			continue;
		const struct seen *seen = &steps[i]->seen[divergence->place];

		seen_text(seen, text, sizeof(text));
		constructor_text(&seen->o, operation, sizeof(operation));
		sheet_printf(sheet, "\t/* %s: %s, by %s %s */\n", names[i], operation,
			     diff_actor_names[seen->actor], text);
	}
}

void script_print(struct sheet *sheet, const struct menu *menu, const struct script *script,
		  const struct trace *first, const struct trace *second,
		  const struct divergence *divergence, const char *const names[2])
{
	char mechanism[16] = "";

	sheet_printf(sheet, "TEST(%s, name_of_the_rule)\n{\n",
		     mechanism_of(script, mechanism, sizeof(mechanism)));
	print_cast(sheet, menu, script, first);
	for (int i = 0; i <= divergence->step && i < script->count; i++) {
		const struct act *act = &script->acts[i];
		const struct step *step = &first->steps[i];

		if (i >= first->count && act->kind == ACT_DO) {
			char operation[400];

			constructor_text(&act->o, operation, sizeof(operation));
			sheet_printf(sheet, "\tdoes(%s, %s);\n", diff_actor_names[act->actor],
				     operation);
			break;
		}
		if (!step->performed)
			continue;
		print_act(sheet, act);
		for (int j = 0; j < step->count; j++) {
			const struct seen *seen = &step->seen[j];
			bool is_it = i == divergence->step && j == divergence->place;
			bool is_own = act->kind == ACT_DO && j == 0;

			if (is_it)
				print_difference(sheet, first, second, divergence, names);
			if (is_own || is_it || (!seen->is_audit && seen->how == SEEN_RETURNED))
				print_seen(sheet, seen, !is_own && !seen->is_audit);
		}
	}
	sheet_add(sheet, "}\n");
}
