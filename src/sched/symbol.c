/* SPDX-License-Identifier: MIT */
/*
 * addr2line knows; it is run once for each module of a stack, as a child of which neither wait nor
 * SIGCHLD tells the program.  Without it there is the name of the module, and the address within.
 */
#include "sched/symbol.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched/options.h"
#include "sched/real.h"

enum { OUTPUT_ROOM = 16384, ADDRESS_ROOM = 20 };

static const struct module *module_of(const struct image *image, uint64_t pc)
{
	unsigned count = atomic_load(&image->modules);

	for (unsigned i = 0; i < count && i < MODULES; i++)
		if (pc >= image->module[i].start && pc < image->module[i].end)
			return &image->module[i];
	return NULL;
}

_Noreturn static void become(char *const command[], int output)
{
	int nothing = REAL(open)("/dev/null", O_RDWR);

	REAL(syscall)(SYS_dup3, nothing, STDIN_FILENO, 0);
	REAL(syscall)(SYS_dup3, output, STDOUT_FILENO, 0);
	REAL(syscall)(SYS_dup3, nothing, STDERR_FILENO, 0);
	execvp(command[0], command);
	REAL(_exit)(127);
}

/* What a command writes; its length. */
static size_t output_of(char *const command[], char *text, size_t room)
{
	int ends[2];
	size_t length = 0;

	text[0] = 0;
	if (REAL(syscall)(SYS_pipe2, ends, O_CLOEXEC))
		return 0;
	long child = REAL(syscall)(SYS_clone, 0, 0, 0, 0, 0);

	if (child == 0)
		become(command, ends[1]);
	REAL(close)(ends[1]);
	while (child > 0 && length + 1 < room) {
		ssize_t got = REAL(read)(ends[0], text + length, room - 1 - length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	REAL(close)(ends[0]);
	while (child > 0 && REAL(syscall)(SYS_wait4, child, NULL, __WALL, NULL) < 0 &&
	       errno == EINTR)
		;
	text[length] = 0;
	return length;
}

static char *next_line(char **rest)
{
	char *line = *rest, *end;

	if (!line || !*line)
		return NULL;
	end = strchr(line, '\n');
	if (end)
		*end++ = 0;
	*rest = end;
	return line;
}

static void set_text(char *to, const char *text)
{
	snprintf(to, SYMBOL_ROOM, "%s", text);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void set_call(struct symbol *call, const struct module *module, uint64_t address,
		     const char *function, const char *place)
{
	char *discriminator;

	call->module = module ? module->path : "";
	set_text(call->function, *function == '?' ? "" : function);
	set_text(call->place, place);
	discriminator = strstr(call->place, " (discriminator");
	if (discriminator)
		*discriminator = 0;
	if (*place == '?')
		snprintf(call->place, SYMBOL_ROOM, "%.120s+0x%llx",
			 module ? base_name(module->path) : "?", (unsigned long long)address);
}

/* The address of the call, of which the stack has where it returns to. */
static uint64_t call_at(const struct stack *stack, unsigned i, const struct module *module)
{
	return stack->pc[i] - 1 - (module ? module->bias : 0);
}

/* Reads "0xADDRESS", then for each function that is inlined there its name and place. */
static size_t read_calls(char *text, const struct module *module, struct symbol *calls, size_t room)
{
	size_t count = 0;
	char *rest = text, *function, *place;
	uint64_t address = 0;

	while (count < room && (function = next_line(&rest))) {
		if (!strncmp(function, "0x", 2)) {
			address = strtoull(function, NULL, 16);
			continue;
		}
		place = next_line(&rest);
		if (!place)
			break;
		set_call(&calls[count++], module, address, function, place);
	}
	return count;
}

/* Those of the frames from first on that are of the same module. */
static size_t symbolise_run(const struct stack *stack, const struct module *module, unsigned first,
			    unsigned end, struct symbol *calls, size_t room)
{
	static char text[OUTPUT_ROOM];
	char address[FRAMES][ADDRESS_ROOM];
	char *command[7 + FRAMES + 1] = {"addr2line", "-a", "-f", "-C", "-i", "-e"};
	char path[PATH_ROOM];
	unsigned words = 6;

	snprintf(path, sizeof(path), "%s", module->path);
	command[words++] = path;
	for (unsigned i = first; i < end; i++) {
		snprintf(address[i - first], ADDRESS_ROOM, "0x%llx",
			 (unsigned long long)call_at(stack, i, module));
		command[words++] = address[i - first];
	}
	command[words] = NULL;
	if (race_options.symbolize && output_of(command, text, sizeof(text)))
		return read_calls(text, module, calls, room);

	size_t count = 0;

	for (unsigned i = first; i < end && count < room; i++)
		set_call(&calls[count++], module, call_at(stack, i, module), "?", "?");
	return count;
}

size_t symbolise(const struct stack *stack, struct symbol *calls, size_t room)
{
	const struct image *image = &world->image[stack->image];
	unsigned depth = atomic_load_explicit(&stack->depth, memory_order_acquire);
	size_t count = 0;

	for (unsigned i = 0, end; i < depth && count < room; i = end) {
		const struct module *module = module_of(image, stack->pc[i] - 1);

		for (end = i + 1; end < depth && module_of(image, stack->pc[end] - 1) == module;)
			end++;
		/* what called main is of no interest */
		if (i && module && !strncmp(base_name(module->path), "libc.", 5))
			continue;
		if (module)
			count += symbolise_run(stack, module, i, end, calls + count, room - count);
		else
			set_call(&calls[count++], NULL, stack->pc[i], "?", "?");
	}
	return count;
}
