/* SPDX-License-Identifier: MIT */
/* How a program built by ipcts-cc begins: as the server of its own runs, or as what was executed in
 * one. */
#include "sched/runtime.h"

#include <link.h>
#include <stdlib.h>
#include <unistd.h>

#include "sched/detect.h"
#include "sched/mark.h"
#include "sched/model.h"
#include "sched/real.h"
#include "sched/schedule.h"
#include "sched/server.h"
#include "sched/store_buffer.h"

const char runtime_mark[] __attribute__((used)) = RUNTIME_MARK_FIRST RUNTIME_MARK_SECOND;

static uintptr_t base;
static bool started;

static int take_base(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size, (void)unused;
	base = info->dlpi_addr;
	return 1; /* the first is the program itself */
}

static unsigned own_module(void)
{
	char path[MODULE_PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[length < 0 ? 0 : length] = '\0';
	dl_iterate_phdr(take_base, NULL);
	return arena_module(path);
}

uint64_t runtime_pc(const void *pc)
{
	return (uintptr_t)pc - base;
}

static unsigned actor_of(pid_t pid)
{
	for (unsigned actor = 0; actor < atomic_load(&arena->actors); actor++)
		if (atomic_load(&arena->actor[actor].pid) == pid &&
		    atomic_load(&arena->actor[actor].state) != ACTOR_GONE)
			return actor;
	return NOBODY;
}

/* Who is spawned may begin before it is said who it is. */
static unsigned own_actor(void)
{
	bool spawns;
	unsigned actor;

	do {
		spawns = atomic_load(&arena->spawns);
		actor = actor_of(getpid());
	} while (actor == NOBODY && spawns && REAL(sched_yield)() == 0);
	return actor;
}

void runtime_start(void)
{
	if (started)
		return;
	started = true;
	detect_start();
	if (!arena_join()) {
		if (getenv(ARENA_ENVIRONMENT)) /* one that it doesn't understand */
			REAL(_exit)(ARENA_REFUSED);
		return;
	}

	unsigned module = own_module();
	unsigned actor = own_actor();
	if (actor != NOBODY) {
		runtime_mode |= arena->mode;
		arena->actor[actor].module = (uint8_t)module;
		schedule_become(actor);
		model_executed();
		if (arena->actor[actor].spawned) {
			arena->actor[actor].spawned = false;
			schedule_enter();
		} /* or it executed another program, and has the turn */
	} else if (atomic_load(&arena->server) == SERVER_STARTING) {
		serve_runs();
		detect_renew();
		runtime_mode |= arena->mode;
		arena->actor[0].module = (uint8_t)module;
		schedule_become(0);
		if (arena->mode & MODE_SCHEDULED)
			schedule_enter();
	} else if (!(arena->mode & MODE_SCHEDULED)) {
		runtime_mode |= arena->mode; /* nobody has a turn */
	} else {
		schedule_end(ENDING_TROUBLE, NOBODY,
			     "a process that was made by neither fork nor posix_spawn takes part");
	}
}

__attribute__((constructor(101))) static void start(void)
{
	runtime_start();
}

void runtime_dies(void)
{
	struct operation exits = {.kind = OPERATION_EXIT, .module = arena ? runtime_module() : 0};

	if (!(runtime_mode & MODE_SCHEDULED) || runtime_self() == NOBODY)
		return;
	schedule_awaits_stores(arena->actor[runtime_self()].process);
	sched_point(&exits);
	schedule_dies();
	runtime_mode &= ~(unsigned)MODE_SCHEDULED; /* what libc still does on the way */
}

__attribute__((destructor(101))) static void end(void)
{
	runtime_dies();
}

void runtime_begets(void)
{
	if (runtime_mode & (MODE_SCHEDULED | MODE_NOISY))
		arena->shared = true;
}

unsigned runtime_module(void)
{
	return runtime_self() == NOBODY ? 0 : arena->actor[runtime_self()].module;
}

/* As x86 has it: a store that is sequentially consistent is an exchange, or has a fence behind it.
 */
static bool is_delayed(const struct operation *store, int order)
{
	return arena->stores && order != __ATOMIC_SEQ_CST &&
	       (store->access & (ACCESS_READ | ACCESS_WRITE)) == ACCESS_WRITE && store->size &&
	       store_buffer_takes(store) <= arena->stores;
}

void runtime_access(const struct place *place, const void *address, size_t size, unsigned access,
		    int order, const void *pc)
{
	struct operation operation = {
		.key = key_of_place(place),
		.pc = runtime_pc(pc),
		.kind = OPERATION_ACCESS,
		.access = (uint8_t)access,
		.size = size > 255 ? 0 : (uint8_t)size,
		.module = (uint8_t)runtime_module(),
		.within = place->offset & 7,
	};
	bool delayed = is_delayed(&operation, order);

	if (delayed)
		operation.access |= ACCESS_DELAYED;
	arena->shared = true;
	sched_point(&operation);
	if (delayed)
		store_buffer_announce((void *)(uintptr_t)address, &operation);
}

void runtime_fence(const void *pc)
{
	struct operation fence = {
		.pc = runtime_pc(pc),
		.kind = OPERATION_FENCE,
		.module = (uint8_t)runtime_module(),
	};

	if ((runtime_mode & MODE_SCHEDULED) && schedule_has_stores())
		sched_point(&fence);
}

void runtime_drain(void)
{
	if (runtime_mode & MODE_SCHEDULED)
		schedule_drain();
}
