/* SPDX-License-Identifier: MIT */
#include "litmus/model.h"

#include <string.h>

const char *const model_names[MODELS] = {"sc", "tso", "armv8", "riscv", "c11"};

enum model model_here(void)
{
#if defined(__x86_64__) || defined(__i386__)
	return MODEL_TSO;
#elif defined(__aarch64__)
	return MODEL_ARMV8;
#elif defined(__riscv)
	return MODEL_RISCV;
#else
	return MODEL_C11;
#endif
}

/* -- relations -------------------------------------------------------------------------------- */

enum { EVENTS_MAX = 32, WRITES_MAX = 8 };

/* Of events; to[a] has the bit b if a comes before b. */
struct relation {
	uint32_t to[EVENTS_MAX];
};

static void relate(struct relation *relation, unsigned a, unsigned b)
{
	relation->to[a] |= UINT32_C(1) << b;
}

static bool are_related(const struct relation *relation, unsigned a, unsigned b)
{
	return relation->to[a] >> b & 1;
}

static struct relation joined(struct relation one, const struct relation *other)
{
	for (unsigned a = 0; a < EVENTS_MAX; a++)
		one.to[a] |= other->to[a];
	return one;
}

/* From one event by the one and on by the other. */
static struct relation composed(const struct relation *one, const struct relation *other)
{
	struct relation result = {{0}};

	for (unsigned a = 0; a < EVENTS_MAX; a++)
		for (unsigned b = 0; b < EVENTS_MAX; b++)
			if (are_related(one, a, b))
				result.to[a] |= other->to[b];
	return result;
}

static struct relation transitive(struct relation relation)
{
	for (unsigned b = 0; b < EVENTS_MAX; b++)
		for (unsigned a = 0; a < EVENTS_MAX; a++)
			if (are_related(&relation, a, b))
				relation.to[a] |= relation.to[b];
	return relation;
}

static struct relation reflexive(struct relation relation)
{
	for (unsigned a = 0; a < EVENTS_MAX; a++)
		relate(&relation, a, a);
	return relation;
}

static bool is_irreflexive(const struct relation *relation)
{
	for (unsigned a = 0; a < EVENTS_MAX; a++)
		if (are_related(relation, a, a))
			return false;
	return true;
}

static bool is_acyclic(const struct relation *relation)
{
	struct relation closed = transitive(*relation);

	return is_irreflexive(&closed);
}

/* -- candidate executions --------------------------------------------------------------------- */

enum event_kind { EVENT_READ, EVENT_WRITE, EVENT_FENCE };

/* An addition is two of them, a read and a write. */
struct event {
	enum event_kind kind;
	int role; /* -1: the write of zero before all begins */
	enum location location;
	unsigned value; /* that a write stores, if it's no half of an addition */
	unsigned to;
	memory_order order;
	int other_half; /* -1: it's no half */
	int source;	/* of a read: the write whose value it has */
};

struct execution {
	const struct shape *shape;
	enum model model;
	bool *allowed;
	unsigned count;
	struct event events[EVENTS_MAX];
	/* The writes of each location, in their order once it is chosen; the first is of zero. */
	unsigned writes[LOCATIONS][WRITES_MAX], write_count[LOCATIONS];
};

static unsigned add_event(struct execution *x, enum event_kind kind, int role,
			  const struct instruction *instruction)
{
	struct event *event = &x->events[x->count];

	*event = (struct event){kind,
				role,
				instruction->location,
				instruction->value,
				instruction->to,
				instruction->order,
				-1,
				-1};
	if (kind == EVENT_WRITE)
		x->writes[event->location][x->write_count[event->location]++] = x->count;
	return x->count++;
}

static void add_instruction(struct execution *x, int role, const struct instruction *instruction)
{
	unsigned read, write;

	switch (instruction->kind) {
	case INSTRUCTION_STORE:
		add_event(x, EVENT_WRITE, role, instruction);
		break;
	case INSTRUCTION_LOAD:
		add_event(x, EVENT_READ, role, instruction);
		break;
	case INSTRUCTION_ADD:
		read = add_event(x, EVENT_READ, role, instruction);
		write = add_event(x, EVENT_WRITE, role, instruction);
		x->events[read].other_half = (int)write;
		x->events[write].other_half = (int)read;
		break;
	default:
		add_event(x, EVENT_FENCE, role, instruction);
	}
}

static bool is_half(const struct event *event)
{
	return event->other_half >= 0;
}

/*
 * What the write stores; -1, if it goes back to itself, which nothing has (it is out of thin air).
 */
static int value_of(const struct execution *x, unsigned write)
{
	int value = 0;

	for (unsigned steps = 0; steps <= x->count; steps++) {
		const struct event *event = &x->events[write];

		if (!is_half(event))
			return value + (int)event->value;
		value++;
		write = (unsigned)x->events[event->other_half].source;
	}
	return -1;
}

/* False: it has none, for some value is out of thin air. */
static bool outcome_of(const struct execution *x, unsigned *outcome)
{
	unsigned registers[ROLES_MAX] = {0}, last[LOCATIONS];

	for (unsigned a = 0; a < x->count; a++) {
		const struct event *event = &x->events[a];

		if (event->kind != EVENT_READ)
			continue;
		int value = value_of(x, (unsigned)event->source);

		if (value < 0)
			return false;
		registers[event->role] |= (unsigned)value << event->to * VALUE_BITS;
	}
	for (unsigned location = 0; location < LOCATIONS; location++) {
		int value = value_of(x, x->writes[location][x->write_count[location] - 1]);

		if (value < 0)
			return false;
		last[location] = (unsigned)value;
	}
	*outcome = shape_outcome(x->shape, registers, last);
	return true;
}

/* What every model speaks of. */
struct relations {
	struct relation program_order; /* also from the first writes to all */
	struct relation same_location; /* accesses of one */
	struct relation reads_from, coherence, from_read;
	struct relation external; /* of different roles */
};

static void find_relations(const struct execution *x, struct relations *r)
{
	unsigned place[EVENTS_MAX] = {0};

	memset(r, 0, sizeof(*r));
	for (unsigned location = 0; location < LOCATIONS; location++)
		for (unsigned i = 0; i < x->write_count[location]; i++)
			place[x->writes[location][i]] = i;
	for (unsigned a = 0; a < x->count; a++) {
		const struct event *one = &x->events[a];

		for (unsigned b = 0; b < x->count; b++) {
			const struct event *other = &x->events[b];

			if (one->role != other->role)
				relate(&r->external, a, b);
			if (a < b && (one->role == other->role ? one->role >= 0 : one->role < 0))
				relate(&r->program_order, a, b);
			if (one->kind == EVENT_FENCE || other->kind == EVENT_FENCE ||
			    one->location != other->location)
				continue;
			relate(&r->same_location, a, b);
			if (other->kind == EVENT_READ && other->source == (int)a)
				relate(&r->reads_from, a, b);
			if (other->kind != EVENT_WRITE)
				continue;
			if (one->kind == EVENT_WRITE && place[a] < place[b])
				relate(&r->coherence, a, b);
			if (one->kind == EVENT_READ && place[one->source] < place[b])
				relate(&r->from_read, a, b);
		}
	}
}

static struct relation within(const struct relation *relation, const struct relation *limit)
{
	struct relation result;

	for (unsigned a = 0; a < EVENTS_MAX; a++)
		result.to[a] = relation->to[a] & limit->to[a];
	return result;
}

/* No write comes between the halves of an addition. */
static bool is_atomic(const struct execution *x, const struct relations *r)
{
	struct relation between = composed(&r->from_read, &r->coherence);

	for (unsigned a = 0; a < x->count; a++)
		if (x->events[a].kind == EVENT_READ && is_half(&x->events[a]) &&
		    are_related(&between, a, (unsigned)x->events[a].other_half))
			return false;
	return true;
}

/* Each location by itself is sequentially consistent. */
static bool is_coherent(const struct relations *r)
{
	struct relation all = within(&r->program_order, &r->same_location);

	all = joined(all, &r->reads_from);
	all = joined(all, &r->coherence);
	all = joined(all, &r->from_read);
	return is_acyclic(&all);
}

/* -- processors whose stores reach all others at once ----------------------------------------- */

static bool acquires(memory_order order)
{
	return order == memory_order_acquire || order == memory_order_acq_rel ||
	       order == memory_order_seq_cst;
}

static bool releases(memory_order order)
{
	return order == memory_order_release || order == memory_order_acq_rel ||
	       order == memory_order_seq_cst;
}

static bool is_read(const struct event *event, bool (*has)(memory_order order))
{
	return event->kind == EVENT_READ && has(event->order);
}

static bool is_write(const struct event *event, bool (*has)(memory_order order))
{
	return event->kind == EVENT_WRITE && has(event->order);
}

static bool is_sequential(memory_order order)
{
	return order == memory_order_seq_cst;
}

/* Whether a fence between two accesses, as the model's C11 fences are compiled, keeps their order.
 */
static bool fence_orders(enum model model, memory_order order, const struct event *one,
			 const struct event *other)
{
	if (order == memory_order_seq_cst)
		return true;
	if (model == MODEL_TSO)
		return false; /* nothing is compiled, and nothing needed */
	if (model == MODEL_ARMV8 && releases(order))
		return true; /* dmb ish is all there is for stores */
	return (acquires(order) && one->kind == EVENT_READ) ||
	       (releases(order) && other->kind == EVENT_WRITE);
}

/* Whether the model keeps the program's order of two accesses of one role. */
static bool keeps_order(const struct execution *x, unsigned a, unsigned b)
{
	const struct event *one = &x->events[a], *other = &x->events[b];

	if (x->model == MODEL_SC || one->other_half == (int)b)
		return true;
	for (unsigned c = a + 1; c < b; c++)
		if (x->events[c].kind == EVENT_FENCE &&
		    fence_orders(x->model, x->events[c].order, one, other))
			return true;
	if (x->model == MODEL_TSO)
		return one->kind == EVENT_READ || other->kind == EVENT_WRITE || is_half(one) ||
		       is_half(other) || is_sequential(one->order);
	if (other->kind == EVENT_WRITE && one->location == other->location)
		return true;
	if (one->kind == EVENT_WRITE && is_half(one) && other->source == (int)a &&
	    (x->model == MODEL_RISCV || is_read(other, acquires)))
		return true; /* what an addition has written is read by nobody before it is done */
	return is_read(one, acquires) || is_write(other, releases) ||
	       (is_write(one, is_sequential) && is_read(other, is_sequential));
}

/*
 * What the processors of SC, TSO, ARMv8 and RISC-V agree about: there is one order in which
 * accesses take effect for all.
 */
static bool has_one_order(const struct execution *x, const struct relations *r)
{
	struct relation all = joined(r->reads_from, &r->coherence);

	all = joined(all, &r->from_read);
	all = within(&all, &r->external);
	for (unsigned a = 0; a < x->count; a++)
		for (unsigned b = a + 1; b < x->count; b++)
			if (x->events[a].role == x->events[b].role &&
			    x->events[a].kind != EVENT_FENCE && x->events[b].kind != EVENT_FENCE &&
			    keeps_order(x, a, b))
				relate(&all, a, b);
	return is_acyclic(&all);
}

/* -- the language ----------------------------------------------------------------------------- */

/* All events that are so, each with itself. */
static struct relation those(const struct execution *x,
			     bool (*are)(const struct event *event, bool (*has)(memory_order)),
			     bool (*has)(memory_order order))
{
	struct relation result = {{0}};

	for (unsigned a = 0; a < x->count; a++)
		if (x->events[a].role >= 0 && are(&x->events[a], has))
			relate(&result, a, a);
	return result;
}

static bool is_fence(const struct event *event, bool (*has)(memory_order order))
{
	return event->kind == EVENT_FENCE && has(event->order);
}

static bool is_access(const struct event *event, bool (*has)(memory_order order))
{
	return event->kind != EVENT_FENCE && has(event->order);
}

static bool any(memory_order order)
{
	(void)order;
	return true;
}

/*
 * A release, or what follows a fence that is one, is read, perhaps by way of additions, by an
 * acquire, or by what a fence follows that is one.
 */
static struct relation synchronises_with(const struct execution *x, const struct relations *r)
{
	struct relation release_fences = those(x, is_fence, releases),
			acquire_fences = those(x, is_fence, acquires),
			releasing = those(x, is_write, releases),
			acquiring = those(x, is_read, acquires), reads = those(x, is_read, any),
			writes = those(x, is_write, any), additions = {{0}};

	for (unsigned a = 0; a < x->count; a++)
		if (x->events[a].kind == EVENT_READ && is_half(&x->events[a]))
			relate(&additions, a, (unsigned)x->events[a].other_half);

	struct relation hop = composed(&r->reads_from, &additions);
	struct relation sequence = reflexive(transitive(hop));

	struct relation before = composed(&release_fences, &r->program_order);
	before = composed(&before, &writes);
	before = joined(before, &releasing);

	struct relation after = composed(&reads, &r->program_order);
	after = composed(&after, &acquire_fences);
	after = joined(after, &acquiring);

	struct relation result = composed(&before, &sequence);
	result = composed(&result, &r->reads_from);
	return composed(&result, &after);
}

static bool is_of_c11(const struct execution *x, const struct relations *r)
{
	struct relation synchronised = synchronises_with(x, r);
	struct relation happens_before = transitive(joined(r->program_order, &synchronised));
	struct relation communicates = joined(r->reads_from, &r->coherence);

	communicates = transitive(joined(communicates, &r->from_read));

	/* coherence */
	struct relation maybe = reflexive(communicates);
	struct relation contradiction = composed(&happens_before, &maybe);

	if (!is_irreflexive(&contradiction))
		return false;

	/* one order of all that is sequentially consistent */
	struct relation elsewhere = r->program_order;
	for (unsigned a = 0; a < EVENTS_MAX; a++)
		elsewhere.to[a] &= ~r->same_location.to[a];

	struct relation before = composed(&elsewhere, &happens_before);
	before = composed(&before, &elsewhere);
	before = joined(before, &r->program_order);
	struct relation same = within(&happens_before, &r->same_location);
	before = joined(before, &same);
	before = joined(before, &r->coherence);
	before = joined(before, &r->from_read);

	struct relation accesses = those(x, is_access, is_sequential),
			fences = those(x, is_fence, is_sequential),
			perhaps_before = reflexive(happens_before);
	struct relation into = composed(&fences, &perhaps_before);
	into = joined(into, &accesses);
	struct relation out_of = composed(&perhaps_before, &fences);
	out_of = joined(out_of, &accesses);
	struct relation order = composed(&into, &before);
	order = composed(&order, &out_of);

	struct relation through = composed(&happens_before, &communicates);
	through = composed(&through, &happens_before);
	through = joined(through, &happens_before);
	through = composed(&fences, &through);
	through = composed(&through, &fences);
	order = joined(order, &through);
	return is_acyclic(&order);
}

/* -- all candidates --------------------------------------------------------------------------- */

static void judge(const struct execution *x)
{
	struct relations r;
	unsigned outcome;

	find_relations(x, &r);
	if (outcome_of(x, &outcome) && !x->allowed[outcome] && is_coherent(&r) &&
	    is_atomic(x, &r) && (x->model == MODEL_C11 ? is_of_c11(x, &r) : has_one_order(x, &r)))
		x->allowed[outcome] = true;
}

/* The writes of the location from the index on in every order, and those of the next ones. */
static void order_writes(struct execution *x, unsigned location, unsigned index)
{
	if (location == LOCATIONS) {
		judge(x);
		return;
	}
	if (index >= x->write_count[location]) {
		order_writes(x, location + 1, 1);
		return;
	}
	unsigned *writes = x->writes[location], was = writes[index];

	for (unsigned i = index; i < x->write_count[location]; i++) {
		writes[index] = writes[i];
		writes[i] = was;
		order_writes(x, location, index + 1);
		writes[i] = writes[index];
		writes[index] = was;
	}
}

/* The reads from the event on have every source. */
static void choose_sources(struct execution *x, unsigned a)
{
	while (a < x->count && x->events[a].kind != EVENT_READ)
		a++;
	if (a == x->count) {
		order_writes(x, 0, 1);
		return;
	}
	const unsigned *writes = x->writes[x->events[a].location];

	for (unsigned i = 0; i < x->write_count[x->events[a].location]; i++) {
		x->events[a].source = (int)writes[i];
		choose_sources(x, a + 1);
	}
}

void model_outcomes(enum model model, const struct shape *shape, bool allowed[OUTCOMES])
{
	struct execution x = {.shape = shape, .model = model, .allowed = allowed};

	memset(allowed, 0, OUTCOMES * sizeof(*allowed));
	for (unsigned location = 0; location < LOCATIONS; location++)
		add_event(&x, EVENT_WRITE, -1,
			  &(struct instruction){INSTRUCTION_STORE, (enum location)location, 0, 0,
						memory_order_relaxed});
	for (unsigned role = 0; role < shape_roles(shape); role++)
		for (unsigned i = 0; i < INSTRUCTIONS_MAX && shape->roles[role][i].kind; i++)
			add_instruction(&x, (int)role, &shape->roles[role][i]);
	choose_sources(&x, 0);
}
