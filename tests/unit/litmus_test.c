/* SPDX-License-Identifier: MIT */
/*
 * Litmus shapes: what the models allow is what is known of them, what machines of theirs do step by
 * step, and less than what the language allows; and what a broken memory does is seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "litmus/model.h"
#include "litmus/play.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* -- what is known ---------------------------------------------------------------------------- */

enum {
	TSO = 1 << MODEL_TSO,
	ARM = 1 << MODEL_ARMV8,
	RISCV = 1 << MODEL_RISCV,
	C11 = 1 << MODEL_C11
};
enum { PROCESSORS = TSO | ARM | RISCV, RELAXED = ARM | RISCV | C11, EVERY = PROCESSORS | C11 };

/* The weak outcomes of each shape, and who allows them, as the literature has it; no others are. */
static const struct {
	const char *shape, *outcome;
	unsigned models;
} known[] = {
	{"SB", "0:r0=0; 1:r0=0;", EVERY},
	{"SB+rel-acq", "0:r0=0; 1:r0=0;", EVERY},
	{"SB+fence-one", "0:r0=0; 1:r0=0;", EVERY},
	{"SB+fence", NULL, 0},
	{"SB+sc", NULL, 0},
	{"SB+add", "0:r0=0; 0:r1=0; 1:r0=0; 1:r1=0;", RELAXED},
	{"SB+own", "0:r0=1; 0:r1=0; 1:r0=1; 1:r1=0;", EVERY},
	{"MP", "1:r0=1; 1:r1=0;", RELAXED},
	{"MP+rel", "1:r0=1; 1:r1=0;", RELAXED},
	{"MP+acq", "1:r0=1; 1:r1=0;", RELAXED},
	{"MP+rel-acq", NULL, 0},
	{"MP+fence", NULL, 0},
	{"MP+rel-add-acq", NULL, 0},
	{"LB", "0:r0=1; 1:r0=1;", RELAXED},
	{"LB+rel", "0:r0=1; 1:r0=1;", C11},
	{"LB+acq-rel", NULL, 0},
	{"LB+fence", NULL, 0},
	{"IRIW", "1:r0=1; 1:r1=0; 3:r0=1; 3:r1=0;", RELAXED},
	{"IRIW+acq", "1:r0=1; 1:r1=0; 3:r0=1; 3:r1=0;", C11},
	{"IRIW+fence", NULL, 0},
	{"IRIW+sc", NULL, 0},
	{"2+2W", "x=1; y=1;", RELAXED},
	{"2+2W+rel", "x=1; y=1;", C11},
	{"2+2W+fence", NULL, 0},
	{"2+2W+sc", NULL, 0},
	{"S", "1:r0=1; x=2;", RELAXED},
	{"S+rel-acq", NULL, 0},
	{"R", "1:r0=0; y=2;", EVERY},
	{"R+fence", NULL, 0},
	{"WRC", "1:r0=1; 2:r0=1; 2:r1=0;", RELAXED},
	{"WRC+rel-acq", NULL, 0},
	{"ISA2+rel-acq", NULL, 0},
	{"RWC", "1:r0=1; 1:r1=0; 2:r0=0;", EVERY},
	{"RWC+fence", NULL, 0},
	{"CoRR", NULL, 0},
	{"CoRR2", NULL, 0},
	{"CoWW", NULL, 0},
	{"CoWR", NULL, 0},
	{"CoRW1", NULL, 0},
	{"CoRW2", NULL, 0},
	{"INC", NULL, 0},
	{"INC3", NULL, 0},
	{"INC+store", NULL, 0},
	{"UPDATE", NULL, 0},
};

static void must_be_known(const struct shape *shape, unsigned outcome, unsigned models)
{
	struct sheet text = {0};
	bool found = false;

	shape_say_outcome(shape, outcome, &text);
	for (size_t i = 0; i < COUNT(known) && !found; i++)
		found = strcmp(known[i].shape, shape->name) == 0 && known[i].outcome &&
			strcmp(known[i].outcome, text.bytes) == 0 && known[i].models == models;
	if (!found)
		fail_msg("%s: %s is allowed by the models %#x", shape->name, text.bytes, models);
	sheet_free(&text);
}

static unsigned weak_outcomes_of(const struct shape *shape)
{
	static bool allowed[MODELS][OUTCOMES];
	unsigned count = 0;

	for (int model = 0; model < MODELS; model++)
		model_outcomes((enum model)model, shape, allowed[model]);
	for (unsigned outcome = 0; outcome < OUTCOMES; outcome++) {
		unsigned models = 0;

		for (int model = 0; model < MODELS; model++)
			models |= (unsigned)allowed[model][outcome] << model;
		if (models == 0 || models & 1 << MODEL_SC)
			continue;
		must_be_known(shape, outcome, models);
		count++;
	}
	return count;
}

static void grades_are_those_of_the_literature(void **state)
{
	(void)state;
	assert_int_equal(COUNT(known), shape_count);
	for (size_t i = 0; i < shape_count; i++) {
		assert_string_equal(shapes[i].name, known[i].shape);
		if (weak_outcomes_of(&shapes[i]) != (known[i].outcome != NULL))
			fail_msg("%s: has not as many weak outcomes as is known", shapes[i].name);
	}
}

/* How many outcomes there are, counted by hand. */
static void sequential_outcomes_are_as_many_as_there_are(void **state)
{
	static const struct {
		const char *shape;
		unsigned count;
	} counted[] = {{"SB", 3}, {"MP", 3}, {"LB", 3},	  {"IRIW", 15}, {"2+2W", 3},
		       {"R", 3},  {"S", 3},  {"CoRR", 3}, {"INC", 2},	{"INC3", 6}};
	static bool allowed[OUTCOMES];

	(void)state;
	for (size_t i = 0; i < shape_count; i++)
		for (size_t j = 0; j < COUNT(counted); j++) {
			unsigned count = 0;

			if (strcmp(shapes[i].name, counted[j].shape) != 0)
				continue;
			model_outcomes(MODEL_SC, &shapes[i], allowed);
			for (unsigned outcome = 0; outcome < OUTCOMES; outcome++)
				count += allowed[outcome];
			if (count != counted[j].count)
				fail_msg("%s: %u", shapes[i].name, count);
		}
}

/* -- machines, step by step ------------------------------------------------------------------- */

struct buffered {
	enum location location;
	unsigned value;
};

/* Roles with a store buffer each, or none, before one memory; all that can be next is tried. */
struct machine {
	const struct shape *shape;
	bool has_buffers;
	bool *reached;
	unsigned next[ROLES_MAX], registers[ROLES_MAX], memory[LOCATIONS];
	struct buffered buffers[ROLES_MAX][INSTRUCTIONS_MAX];
	unsigned buffered[ROLES_MAX];
};

static void run(const struct machine *machine);

static void drain_one(struct machine *machine, unsigned role)
{
	struct buffered *buffer = machine->buffers[role];

	machine->memory[buffer[0].location] = buffer[0].value;
	memmove(buffer, buffer + 1, --machine->buffered[role] * sizeof(*buffer));
}

static unsigned look(const struct machine *machine, unsigned role, enum location location)
{
	for (unsigned i = machine->buffered[role]; i > 0; i--)
		if (machine->buffers[role][i - 1].location == location)
			return machine->buffers[role][i - 1].value;
	return machine->memory[location];
}

static void keep(struct machine *machine, unsigned role, const struct instruction *instruction,
		 unsigned value)
{
	machine->registers[role] |= value << instruction->to * VALUE_BITS;
}

static void store(struct machine *machine, unsigned role, const struct instruction *instruction)
{
	if (machine->has_buffers)
		machine->buffers[role][machine->buffered[role]++] =
			(struct buffered){instruction->location, instruction->value};
	else
		machine->memory[instruction->location] = instruction->value;
}

/*
 * As a processor of x86 does what C11 is compiled to.  A sequentially consistent store, an addition
 * and a fence wait for the buffer to be empty: the first one afterwards.
 */
static void step(struct machine machine, unsigned role)
{
	const struct instruction *instruction = &machine.shape->roles[role][machine.next[role]];
	bool is_empty = machine.buffered[role] == 0;

	switch (instruction->kind) {
	case INSTRUCTION_STORE:
		store(&machine, role, instruction);
		if (instruction->order == memory_order_seq_cst)
			while (machine.buffered[role])
				drain_one(&machine, role);
		break;
	case INSTRUCTION_LOAD:
		keep(&machine, role, instruction, look(&machine, role, instruction->location));
		break;
	case INSTRUCTION_ADD:
		if (!is_empty)
			return;
		keep(&machine, role, instruction, machine.memory[instruction->location]++);
		break;
	default:
		if (instruction->order == memory_order_seq_cst && !is_empty)
			return;
	}
	machine.next[role]++;
	run(&machine);
}

static void run(const struct machine *machine)
{
	bool is_over = true;

	for (unsigned role = 0; role < shape_roles(machine->shape); role++) {
		unsigned next = machine->next[role];

		if (machine->buffered[role]) {
			struct machine drained = *machine;

			is_over = false;
			drain_one(&drained, role);
			run(&drained);
		}
		if (next < INSTRUCTIONS_MAX && machine->shape->roles[role][next].kind) {
			is_over = false;
			step(*machine, role);
		}
	}
	if (is_over)
		machine->reached[shape_outcome(machine->shape, machine->registers,
					       machine->memory)] = true;
}

static void must_agree(const struct shape *shape, enum model model)
{
	static bool allowed[OUTCOMES], reached[OUTCOMES];
	struct sheet text = {0};

	memset(reached, 0, sizeof(reached));
	model_outcomes(model, shape, allowed);
	run(&(struct machine){
		.shape = shape, .has_buffers = model == MODEL_TSO, .reached = reached});
	for (unsigned outcome = 0; outcome < OUTCOMES; outcome++) {
		if (allowed[outcome] == reached[outcome])
			continue;
		shape_say(shape, "", &text);
		shape_say_outcome(shape, outcome, &text);
		fail_msg("%s\n%s: the axioms of %s say %d, and a machine does %d", shape->name,
			 text.bytes, model_names[model], allowed[outcome], reached[outcome]);
	}
}

static void axioms_say_what_machines_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < shape_count; i++) {
		must_agree(&shapes[i], MODEL_SC);
		must_agree(&shapes[i], MODEL_TSO);
	}
}

/* -- shapes at random ------------------------------------------------------------------------- */

static uint32_t chance;

static unsigned roll(unsigned sides)
{
	chance = chance * 1664525 + 1013904223;
	return (chance >> 16) % sides;
}

static struct instruction random_instruction(unsigned *registers, bool *has_added)
{
	static const memory_order stores[] = {memory_order_relaxed, memory_order_release,
					      memory_order_seq_cst},
				  loads[] = {memory_order_relaxed, memory_order_acquire,
					     memory_order_seq_cst},
				  others[] = {memory_order_relaxed, memory_order_acquire,
					      memory_order_release, memory_order_acq_rel,
					      memory_order_seq_cst};
	enum location location = (enum location)roll(2);

	if (roll(6) == 0)
		return (struct instruction){INSTRUCTION_FENCE, location, 0, 0, others[1 + roll(4)]};
	if (*registers == REGISTERS_MAX || roll(2))
		return (struct instruction){INSTRUCTION_STORE, location, 1 + roll(2), 0,
					    stores[roll(3)]};
	if (*has_added || roll(4))
		return (struct instruction){INSTRUCTION_LOAD, location, 0, (*registers)++,
					    loads[roll(3)]};
	*has_added = true; /* more than one might not fit into VALUE_BITS */
	return (struct instruction){INSTRUCTION_ADD, location, 0, (*registers)++, others[roll(5)]};
}

/* Of two roles of three instructions, or of three of two. */
static struct shape random_shape(void)
{
	struct shape shape = {.name = "at random"};
	unsigned roles = 2 + roll(2);
	bool has_added = false;

	for (unsigned role = 0; role < roles; role++) {
		unsigned registers = 0;

		for (unsigned i = 0; i < 5 - roles; i++)
			shape.roles[role][i] = random_instruction(&registers, &has_added);
	}
	if (roles == 2)
		shape.seen = SEES_x | SEES_y;
	return shape;
}

static void must_be_within(const struct shape *shape, enum model one, enum model other)
{
	static bool inner[OUTCOMES], outer[OUTCOMES];
	struct sheet text = {0};

	model_outcomes(one, shape, inner);
	model_outcomes(other, shape, outer);
	for (unsigned outcome = 0; outcome < OUTCOMES; outcome++) {
		if (!inner[outcome] || outer[outcome])
			continue;
		shape_say(shape, "", &text);
		shape_say_outcome(shape, outcome, &text);
		fail_msg("%s: %s allows it, %s doesn't", text.bytes, model_names[one],
			 model_names[other]);
	}
}

/*
 * Machines do what the axioms say of any shape, and none does what the language forbids: or else
 * its mapping to the machine would be wrong.
 */
static void models_agree_about_shapes_at_random(void **state)
{
	static const enum model pairs[][2] = {{MODEL_SC, MODEL_TSO},	{MODEL_TSO, MODEL_RISCV},
					      {MODEL_SC, MODEL_ARMV8},	{MODEL_TSO, MODEL_C11},
					      {MODEL_ARMV8, MODEL_C11}, {MODEL_RISCV, MODEL_C11}};

	(void)state;
	chance = 7;
	for (int i = 0; i < 400; i++) {
		struct shape shape = random_shape();

		must_agree(&shape, MODEL_SC);
		must_agree(&shape, MODEL_TSO);
		for (size_t j = 0; j < COUNT(pairs); j++)
			must_be_within(&shape, pairs[j][0], pairs[j][1]);
	}
}

/* -- playing ---------------------------------------------------------------------------------- */

static const struct shape *shape_named(const char *name)
{
	for (size_t i = 0; i < shape_count; i++)
		if (strcmp(shapes[i].name, name) == 0)
			return &shapes[i];
	fail_msg("%s: no such shape", name);
	abort();
}

/* Memory that isn't shared at all, though all have it. */
static bool make_private(struct shared_memory *memory)
{
	void *bytes = mmap(NULL, memory->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	for (unsigned i = 0; i < memory->count; i++)
		memory->views[i] = bytes;
	return bytes != MAP_FAILED;
}

static void unmap(struct shared_memory *memory, unsigned view)
{
	if (view == 0)
		munmap((void *)memory->views[0], memory->size);
}

/* Each has memory of its own; and who gives the others' away is killed over it. */
static pid_t maker;

static bool make_deadly(struct shared_memory *memory)
{
	maker = getpid();
	for (unsigned i = 0; i < memory->count; i++) {
		void *bytes = mmap(NULL, memory->size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (bytes == MAP_FAILED)
			return false;
		memory->views[i] = bytes;
	}
	return true;
}

static void unmap_deadly(struct shared_memory *memory, unsigned view)
{
	if (getpid() != maker)
		raise(SIGKILL);
	munmap((void *)memory->views[view], memory->size);
}

static bool make_none(struct shared_memory *memory)
{
	snprintf(memory->trouble, sizeof(memory->trouble), "there is none");
	return false;
}

static uint64_t times_forbidden(const struct shape *shape, const struct played *played)
{
	static bool allowed[OUTCOMES];
	uint64_t times = 0;

	model_outcomes(MODEL_C11, shape, allowed);
	for (unsigned outcome = 0; outcome < OUTCOMES; outcome++)
		times += allowed[outcome] ? 0 : played->counts[outcome];
	return times;
}

static void memory_that_is_not_shared_is_found_out(void **state)
{
	const struct memory_kind private = {"private", "", make_private, unmap};
	static struct played played;

	(void)state;
	play_shape(shape_named("INC"), &private, BY_PROCESSES, 2000, 1, &played);
	assert_string_equal(played.trouble, "");
	assert_int_equal(times_forbidden(shape_named("INC"), &played), played.instances);
	/* but it is to threads */
	play_shape(shape_named("INC"), &private, BY_THREADS, 2000, 1, &played);
	assert_int_equal(times_forbidden(shape_named("INC"), &played), 0);
}

static void who_dies_is_told_and_not_waited_for(void **state)
{
	const struct memory_kind deadly = {"deadly", "", make_deadly, unmap_deadly};
	static struct played played;

	(void)state;
	play_shape(shape_named("SB"), &deadly, BY_PROCESSES, 2000, 1, &played);
	assert_true(played.is_broken);
	assert_non_null(strstr(played.trouble, "killed by signal 9"));
}

static void what_there_is_not_is_no_failure(void **state)
{
	const struct memory_kind none = {"none", "", make_none, unmap};
	static struct played played;

	(void)state;
	play_shape(shape_named("SB"), &none, BY_PROCESSES, 2000, 1, &played);
	assert_false(played.is_broken);
	assert_string_equal(played.trouble, "there is none");
}

/* Each instance has one outcome. */
static void all_instances_are_counted(void **state)
{
	static struct played played;

	(void)state;
	for (int actors = 0; actors < ACTORS; actors++) {
		uint64_t counted = 0;

		play_shape(shape_named("2+2W"), &memory_kinds[0], (enum actors)actors, 2000, 1,
			   &played);
		for (unsigned outcome = 0; outcome < OUTCOMES; outcome++)
			counted += played.counts[outcome];
		assert_true(played.instances >= 2000);
		assert_int_equal(counted, played.instances);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grades_are_those_of_the_literature),
		cmocka_unit_test(sequential_outcomes_are_as_many_as_there_are),
		cmocka_unit_test(axioms_say_what_machines_do),
		cmocka_unit_test(models_agree_about_shapes_at_random),
		cmocka_unit_test(memory_that_is_not_shared_is_found_out),
		cmocka_unit_test(who_dies_is_told_and_not_waited_for),
		cmocka_unit_test(what_there_is_not_is_no_failure),
		cmocka_unit_test(all_instances_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
