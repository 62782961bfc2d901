/* SPDX-License-Identifier: MIT */
#include "sched/story.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched/arena.h"

/* Lines at the beginning and at the end of a long story. */
enum { TOLD_FIRST = 60, TOLD_LAST = 140 };

static const char *const names[OPERATION_KINDS] = {
#define OPERATION(kind, name) [OPERATION_##kind] = name,
	OPERATIONS(OPERATION)
#undef OPERATION
};

/* ---- places in the source ---- */

/* Each address of a module is asked for once. */
struct place_in_source {
	uint64_t pc;
	unsigned module;
	char text[STORY_PLACE_MAX];
};

static struct place_in_source *places;
static size_t place_count;

static int by_module_and_pc(const void *left, const void *right)
{
	const struct place_in_source *one = left, *other = right;

	if (one->module != other->module)
		return one->module < other->module ? -1 : 1;
	return one->pc < other->pc ? -1 : one->pc > other->pc;
}

static struct place_in_source *find_place(unsigned module, uint64_t pc)
{
	struct place_in_source wanted = {.pc = pc, .module = module};

	return places ? bsearch(&wanted, places, place_count, sizeof(wanted), by_module_and_pc)
		      : NULL;
}

static void gather(size_t steps)
{
	size_t count = 0;

	places = calloc(steps ? steps : 1, sizeof(*places));
	place_count = 0;
	if (!places)
		return;
	for (size_t index = 0; index < steps; index++) {
		const struct operation *operation = &arena->trace[index].operation;
		if (operation->pc)
			places[count++] = (struct place_in_source){.pc = operation->pc,
								   .module = operation->module};
	}
	qsort(places, count, sizeof(*places), by_module_and_pc);
	for (size_t index = 0; index < count; index++)
		if (index == 0 || by_module_and_pc(&places[index], &places[place_count - 1]) != 0)
			places[place_count++] = places[index];
}

/* "/path/to/counter.c:12 (discriminator 3)" is "counter.c:12". */
static void shorten(char *line, char *text)
{
	char *slash, *end = strpbrk(line, " \n");

	if (end)
		*end = '\0';
	slash = strrchr(line, '/');
	line = slash ? slash + 1 : line;
	if (line[0] != '?' && strstr(line, ":?") == NULL)
		snprintf(text, STORY_PLACE_MAX, "%.*s", STORY_PLACE_MAX - 1, line);
}

static FILE *ask_addr2line(const char *module, FILE **questions, pid_t *pid)
{
	int to[2], from[2];

	if (pipe2(to, O_CLOEXEC) < 0)
		return NULL;
	if (pipe2(from, O_CLOEXEC) < 0) {
		close(to[0]);
		close(to[1]);
		return NULL;
	}
	*pid = fork();
	if (*pid == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		execlp("addr2line", "addr2line", "-e", module, (char *)NULL);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	*questions = fdopen(to[1], "w");
	return fdopen(from[0], "r");
}

/* One question, one answer: neither pipe can fill up. */
static void ask(unsigned module)
{
	FILE *questions = NULL, *answers;
	pid_t pid = -1;
	char line[1024];

	answers = ask_addr2line(arena->module[module].path, &questions, &pid);
	for (size_t index = 0; answers && questions && index < place_count; index++) {
		if (places[index].module != module)
			continue;
		/* the call, not what it returns to */
		fprintf(questions, "%" PRIx64 "\n", places[index].pc - 1);
		if (fflush(questions) != 0 || !fgets(line, sizeof(line), answers))
			break;
		shorten(line, places[index].text);
	}
	if (questions)
		fclose(questions);
	if (answers)
		fclose(answers);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

void story_place(const struct operation *operation, char *text)
{
	struct place_in_source only = {.pc = operation->pc, .module = operation->module};

	places = &only;
	place_count = 1;
	ask(only.module);
	places = NULL;
	if (only.text[0])
		memcpy(text, only.text, STORY_PLACE_MAX);
	else
		snprintf(text, STORY_PLACE_MAX, "at 0x%" PRIx64, operation->pc);
}

/* ---- what happened ---- */

static const char *size_words(const struct operation *operation, char *text, size_t size)
{
	if (operation->size == 0)
		return "many bytes";
	snprintf(text, size, operation->size == 1 ? "%u byte" : "%u bytes", operation->size);
	return text;
}

static uint64_t offset_of(const struct operation *operation)
{
	return (operation->key & ((UINT64_C(1) << 40) - 1)) << 3 | operation->within;
}

static void tell_operation(FILE *file, const struct operation *operation)
{
	static const char *const verbs[] = {
		[ACCESS_READ] = "reads",
		[ACCESS_WRITE] = "writes",
		[ACCESS_READ | ACCESS_WRITE] = "changes",
		[ACCESS_READ | ACCESS_ATOMIC] = "loads",
		[ACCESS_WRITE | ACCESS_ATOMIC] = "stores",
		[ACCESS_READ | ACCESS_WRITE | ACCESS_ATOMIC] = "updates",
	};
	char text[32], what[96];

	if (operation->kind == OPERATION_ACCESS)
		snprintf(what, sizeof(what), "%s %s of %" PRIu64 "+%" PRIu64 "%s",
			 verbs[operation->access & 7] ? verbs[operation->access & 7] : "uses",
			 size_words(operation, text, sizeof(text)), (operation->key >> 40) - 1,
			 offset_of(operation),
			 operation->access & ACCESS_DELAYED ? ", unseen" : "");
	else if (operation->kind == OPERATION_FLUSH)
		snprintf(what, sizeof(what), "its store of %s to %" PRIu64 "+%" PRIu64 " is seen",
			 size_words(operation, text, sizeof(text)), (operation->key >> 40) - 1,
			 offset_of(operation));
	else if (operation->key && !(operation->key >> 62))
		snprintf(what, sizeof(what), "%s of %" PRIu64 "+%" PRIu64, names[operation->kind],
			 (operation->key >> 40) - 1, offset_of(operation));
	else
		snprintf(what, sizeof(what), "%s", names[operation->kind]);
	fprintf(file, "%-40s", what);
}

static void tell_step(FILE *file, const char *prefix, size_t number, size_t repeated)
{
	const struct step *step = &arena->trace[number];
	const struct place_in_source *place =
		find_place(step->operation.module, step->operation.pc);

	unsigned actor = arena->engine.shadowed ? step->actor % SHADOWED_MAX : step->actor;

	fprintf(file, "%s%5zu  %*sprocess %u  ", prefix, number, 2 * ((int)actor % 8), "", actor);
	tell_operation(file, &step->operation);
	if (place && place->text[0])
		fprintf(file, " %s", place->text);
	else if (step->operation.pc)
		fprintf(file, " at 0x%" PRIx64, step->operation.pc);
	if (repeated)
		fprintf(file, " (%zu times)", repeated + 1);
	fputc('\n', file);
}

static bool is_same(const struct step *one, const struct step *other)
{
	return one->actor == other->actor && one->operation.pc == other->operation.pc &&
	       one->operation.key == other->operation.key &&
	       one->operation.kind == other->operation.kind &&
	       one->operation.access == other->operation.access;
}

static size_t repetitions(size_t number, size_t steps)
{
	size_t repeated = 0;

	while (number + repeated + 1 < steps &&
	       is_same(&arena->trace[number], &arena->trace[number + repeated + 1]))
		repeated++;
	return repeated;
}

static void tell_waiting(FILE *file, const char *prefix)
{
	for (unsigned actor = 0; actor < arena->actors; actor++) {
		enum actor_state state = atomic_load(&arena->actor[actor].state);
		const struct operation *next = &arena->next[actor];
		const struct place_in_source *place = find_place(next->module, next->pc);

		if (state != ACTOR_BLOCKED && state != ACTOR_SPINNING)
			continue;
		fprintf(file, "%s       %*sprocess %u  ", prefix, 2 * ((int)actor % 8), "", actor);
		tell_operation(file, next);
		fprintf(file, " %s ... %s\n", place ? place->text : "",
			state == ACTOR_BLOCKED ? "waits for ever" : "reads for ever");
	}
}

void story_tell(FILE *file, const char *prefix)
{
	size_t steps = arena->steps < STEPS_MAX ? arena->steps : STEPS_MAX, lines = 0, told = 0;

	for (size_t number = 0; number < steps; number += repetitions(number, steps) + 1)
		lines++;
	gather(steps);
	for (unsigned module = 0; places && module < arena->modules; module++)
		ask(module);
	for (size_t number = 0; number < steps; told++) {
		size_t repeated = repetitions(number, steps);
		if (lines <= TOLD_FIRST + TOLD_LAST || told < TOLD_FIRST ||
		    told >= lines - TOLD_LAST)
			tell_step(file, prefix, number, repeated);
		else if (told == TOLD_FIRST)
			fprintf(file, "%s  ...  (%zu steps)\n", prefix,
				lines - TOLD_FIRST - TOLD_LAST);
		number += repeated + 1;
	}
	tell_waiting(file, prefix);
	free(places);
	places = NULL;
}
