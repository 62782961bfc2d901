/* SPDX-License-Identifier: MIT */
/* Who called whom, and stacks that have a number which all processes understand. */
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sched/real.h"
#include "sched/shadow.h"

enum { PROBES = 64 };

uint32_t stack_own_image;

static int add_module(struct dl_phdr_info *info, size_t size, void *data)
{
	struct image *it = data;
	unsigned count = atomic_load(&it->modules);

	(void)size;
	if (count == MODULES)
		return 1;
	struct module *module = &it->module[count];

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uint64_t start = info->dlpi_addr + part->p_vaddr, end = start + part->p_memsz;

		if (part->p_type != PT_LOAD || !(part->p_flags & PF_X))
			continue;
		if (!module->start || start < module->start)
			module->start = start;
		if (end > module->end)
			module->end = end;
	}
	if (!module->start)
		return 0;
	module->bias = info->dlpi_addr;
	if (info->dlpi_name && *info->dlpi_name) {
		snprintf(module->path, sizeof(module->path), "%s", info->dlpi_name);
	} else {
		ssize_t length = readlink("/proc/self/exe", module->path, sizeof(module->path) - 1);

		module->path[length < 0 ? 0 : length] = 0;
	}
	atomic_store(&it->modules, count + 1);
	return 0;
}

static void read_command(char *text, size_t room)
{
	int fd = REAL(open)("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : REAL(read)(fd, text, room - 1);

	if (fd >= 0)
		REAL(close)(fd);
	for (ssize_t i = 0; i + 1 < length; i++)
		if (!text[i] || text[i] == '\n')
			text[i] = ' ';
	text[length < 0 ? 0 : length] = 0;
}

void stack_start(void)
{
	if (!world)
		return;
	stack_own_image = atomic_fetch_add(&world->images, 1) % IMAGES;
	struct image *it = &world->image[stack_own_image];

	/* More programs than can be remembered: the oldest's stacks are told by the newest's names.
	 */
	memset(it->module, 0, sizeof(it->module));
	atomic_store(&it->modules, 0);
	read_command(it->command, sizeof(it->command));
	dl_iterate_phdr(add_module, it);
	atomic_store(&it->state, 1);
}

static bool fill(struct stack *stack, uint64_t hash, const void *pc)
{
	uint64_t empty = 0;

	if (!atomic_compare_exchange_strong(&stack->hash, &empty, hash))
		return empty == hash;
	uint32_t depth = 0;

	stack->image = stack_own_image;
	stack->pc[depth++] = (uintptr_t)pc;
	for (uint32_t i = self.depth < DEPTH_MAX ? self.depth : DEPTH_MAX; i && depth < FRAMES;)
		stack->pc[depth++] = (uintptr_t)self.frame[--i].pc;
	atomic_store_explicit(&stack->depth, depth, memory_order_release);
	return true;
}

uint32_t stack_enter(const void *pc, uint64_t hash)
{
	unsigned at = (unsigned)(hash >> 48) % STACKS_KNOWN;
	size_t index = (size_t)(hash >> 20) % (STACKS - 1);
	uint32_t found = 0;

	for (unsigned probes = 0; probes < PROBES && !found; probes++) {
		/* 0 is the stack that there was no room for */
		uint32_t number = (uint32_t)((index + probes) % (STACKS - 1)) + 1;

		if (fill(&world->stack[number], hash, pc))
			found = number;
	}
	self.known[at].hash = hash;
	self.known[at].stack = found;
	return found;
}
