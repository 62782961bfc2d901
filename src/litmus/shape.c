/* SPDX-License-Identifier: MIT */
#include "litmus/shape.h"

#include <string.h>

/* -- as code ---------------------------------------------------------------------------------- */

/* No compiler is to exchange what the machine is asked about. */
#define AS_TOLD atomic_signal_fence(memory_order_seq_cst);

#define STORE(location, value, order)                                                              \
	atomic_store_explicit(location, value, memory_order_##order);                              \
	AS_TOLD
#define LOAD(to, location, order)                                                                  \
	r[to] = atomic_load_explicit(location, memory_order_##order);                              \
	AS_TOLD
#define ADD(to, location, order)                                                                   \
	r[to] = atomic_fetch_add_explicit(location, 1, memory_order_##order);                      \
	AS_TOLD
#define FENCE(order)                                                                               \
	atomic_thread_fence(memory_order_##order);                                                 \
	AS_TOLD
#define ROLE(number, ...)                                                                          \
	case number:                                                                               \
		__VA_ARGS__                                                                        \
		break;
#define SHAPE(identifier, name, text, seen, ...)                                                   \
	static unsigned perform_##identifier(unsigned role, _Atomic uint32_t *instance)            \
	{                                                                                          \
		_Atomic uint32_t *const x = instance + LOCATION_x * WORDS_OF_LINE;                 \
		_Atomic uint32_t *const y = instance + LOCATION_y * WORDS_OF_LINE;                 \
		_Atomic uint32_t *const z = instance + LOCATION_z * WORDS_OF_LINE;                 \
		uint32_t r[REGISTERS_MAX] = {0};                                                   \
                                                                                                   \
		(void)x, (void)y, (void)z;                                                         \
		AS_TOLD                                                                            \
		switch (role) {                                                                    \
			__VA_ARGS__                                                                \
		}                                                                                  \
		return r[0] | r[1] << VALUE_BITS;                                                  \
	}
#include "litmus/shapes.def"
#undef STORE
#undef LOAD
#undef ADD
#undef FENCE
#undef ROLE
#undef SHAPE

/* -- as data ---------------------------------------------------------------------------------- */

#define STORE(location, value, order)                                                              \
	{INSTRUCTION_STORE, LOCATION_##location, value, 0, memory_order_##order},
#define LOAD(to, location, order)                                                                  \
	{INSTRUCTION_LOAD, LOCATION_##location, 0, to, memory_order_##order},
#define ADD(to, location, order)                                                                   \
	{INSTRUCTION_ADD, LOCATION_##location, 0, to, memory_order_##order},
#define FENCE(order) {INSTRUCTION_FENCE, LOCATION_x, 0, 0, memory_order_##order},
#define ROLE(number, ...) [number] = {__VA_ARGS__},
#define SHAPE(identifier, name, text, seen, ...)                                                   \
	{name, text, {__VA_ARGS__}, seen, perform_##identifier},
const struct shape shapes[] = {
#include "litmus/shapes.def"
};
const size_t shape_count = sizeof(shapes) / sizeof(shapes[0]);

/* -- outcomes --------------------------------------------------------------------------------- */

unsigned shape_roles(const struct shape *shape)
{
	unsigned count = 0;

	while (count < ROLES_MAX && shape->roles[count][0].kind)
		count++;
	return count;
}

unsigned shape_registers(const struct shape *shape, unsigned role)
{
	unsigned count = 0;

	for (unsigned i = 0; i < INSTRUCTIONS_MAX; i++) {
		const struct instruction *instruction = &shape->roles[role][i];

		if ((instruction->kind == INSTRUCTION_LOAD ||
		     instruction->kind == INSTRUCTION_ADD) &&
		    instruction->to >= count)
			count = instruction->to + 1;
	}
	return count;
}

unsigned shape_observed(const struct shape *shape)
{
	unsigned count = 0;

	for (unsigned role = 0; role < shape_roles(shape); role++)
		count += shape_registers(shape, role);
	for (unsigned location = 0; location < LOCATIONS; location++)
		count += shape->seen >> location & 1;
	return count;
}

unsigned shape_outcome(const struct shape *shape, const unsigned registers[ROLES_MAX],
		       const unsigned last[LOCATIONS])
{
	unsigned outcome = 0, shift = 0;

	for (unsigned role = 0; role < ROLES_MAX && shape->roles[role][0].kind; role++) {
		outcome |= registers[role] << shift;
		shift += shape_registers(shape, role) * VALUE_BITS;
	}
	for (unsigned location = 0; location < LOCATIONS; location++) {
		if (!(shape->seen >> location & 1))
			continue;
		outcome |= last[location] << shift;
		shift += VALUE_BITS;
	}
	return outcome;
}

static unsigned next_value(unsigned *outcome)
{
	unsigned value = *outcome & ((1 << VALUE_BITS) - 1);

	*outcome >>= VALUE_BITS;
	return value;
}

void shape_say_outcome(const struct shape *shape, unsigned outcome, struct sheet *sheet)
{
	const char *blank = "";

	for (unsigned role = 0; role < shape_roles(shape); role++)
		for (unsigned i = 0; i < shape_registers(shape, role); i++, blank = " ")
			sheet_printf(sheet, "%s%u:r%u=%u;", blank, role, i, next_value(&outcome));
	for (unsigned location = 0; location < LOCATIONS; location++) {
		if (!(shape->seen >> location & 1))
			continue;
		sheet_printf(sheet, "%s%c=%u;", blank, "xyz"[location], next_value(&outcome));
		blank = " ";
	}
}

/* -- what it is ------------------------------------------------------------------------------- */

static const char *name_of_order(memory_order order)
{
	switch (order) {
	case memory_order_acquire:
		return "acquire";
	case memory_order_release:
		return "release";
	case memory_order_acq_rel:
		return "acq_rel";
	case memory_order_seq_cst:
		return "seq_cst";
	default:
		return "";
	}
}

static void say_instruction(const struct instruction *instruction, struct sheet *sheet)
{
	const char *order = name_of_order(instruction->order);
	char location = "xyz"[instruction->location];

	switch (instruction->kind) {
	case INSTRUCTION_STORE:
		sheet_printf(sheet, "%c = %u", location, instruction->value);
		break;
	case INSTRUCTION_LOAD:
		sheet_printf(sheet, "r%u = %c", instruction->to, location);
		break;
	case INSTRUCTION_ADD:
		sheet_printf(sheet, "r%u = %c++", instruction->to, location);
		break;
	default:
		sheet_add(sheet, "fence");
	}
	if (order[0])
		sheet_printf(sheet, " (%s)", order);
	sheet_add(sheet, ";");
}

void shape_say(const struct shape *shape, const char *prefix, struct sheet *sheet)
{
	for (unsigned role = 0; role < shape_roles(shape); role++) {
		sheet_printf(sheet, "%s%u:", prefix, role);
		for (unsigned i = 0; i < INSTRUCTIONS_MAX && shape->roles[role][i].kind; i++) {
			sheet_add(sheet, " ");
			say_instruction(&shape->roles[role][i], sheet);
		}
		sheet_add(sheet, "\n");
	}
}
