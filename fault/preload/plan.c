/* SPDX-License-Identifier: MIT */
/*
 * libfiu decides whether a point fails: by its name, always or by chance, by who calls.  What it
 * doesn't know is kept here: how many failures go by before the first that is done, what kind of
 * failure it is, and whether a name, an errno or a number makes sense.
 *
 * So fiu_rc_string(), by which every command comes (from FIU_ENABLE, by fiu-ctrl, or from a program
 * itself), is defined here: the commands for our points become plans, and their failinfo is the
 * plan.  A pattern is expanded into the points that it matches, because libfiu allocates memory
 * whenever it looks up a name that only a pattern matches, and may be asked in a signal handler.
 */
#define FIU_ENABLE 1 /* the prototypes of fiu.h */
#include "fault/preload/plan.h"

#include <dlfcn.h>
#include <errno.h>
#include <fiu-control.h>
#include <fiu.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fault/preload/point.h"

#define VISIBLE __attribute__((visibility("default")))

__thread int own_calls __attribute__((tls_model("initial-exec")));

/* -- a plan ----------------------------------------------------------------------------------- */

/* Of one command.  Shared by all points that it enables: "the third" is the third of any. */
struct plan {
	struct plan *older; /* none is ever freed: a thread may just be asking it */
	enum kind kind;
	unsigned nth; /* the first failure that is done */
	bool once;    /* and the only one */
	long info;    /* an errno, bytes or milliseconds; 0 is the default */
	_Atomic unsigned failures;
};

static struct plan *plans;

/* Makes a change of plans one that no fork can catch half done. */
static pthread_mutex_t planning = PTHREAD_MUTEX_INITIALIZER;

static void begin_planning(void)
{
	own_calls++;
	pthread_mutex_lock(&planning);
}

static void end_planning(void)
{
	pthread_mutex_unlock(&planning);
	own_calls--;
}

/* -- what becomes of a call ------------------------------------------------------------------- */

static const struct plan *plan_due(int point, enum kind kind)
{
	unsigned failure;
	struct plan *plan;

	if (!(attention[point] & 1u << kind) || !fiu_fail(points[point].names[kind]))
		return NULL;
	plan = fiu_failinfo();
	failure = ++plan->failures;
	return failure == plan->nth || (failure > plan->nth && !plan->once) ? plan : NULL;
}

_Noreturn void die(void)
{
	own_calls++;
	for (;;)
		kill(getpid(), SIGKILL);
}

/* Not to be cut short: neither by a signal, nor by cancellation where the function is no point of
 * it. */
static void delay(long milliseconds)
{
	struct timespec left = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
	pthread_setcancelstate(state, NULL);
}

enum {
	DEFAULT_DELAY = 10 /* milliseconds */
};

struct faults strike(int point)
{
	struct faults faults = {.limit = NO_LIMIT};
	int saved = errno;
	const struct plan *plan;
	long milliseconds = 0;

	own_calls++;
	if (plan_due(point, KILL))
		die();
	if ((plan = plan_due(point, DELAY)))
		milliseconds = plan->info ? plan->info : DEFAULT_DELAY;
	if ((plan = plan_due(point, REFUSE)))
		faults.error = plan->info ? (int)plan->info : points[point].errnos[0];
	if ((plan = plan_due(point, SHORTEN)))
		faults.limit = (size_t)plan->info;
	faults.dies_after = plan_due(point, KILL_AFTER);
	own_calls--;

	if (milliseconds)
		delay(milliseconds);
	errno = saved;
	return faults;
}

/* -- commands --------------------------------------------------------------------------------- */

/* What a command says. */
struct command {
	char text[512]; /* cut to pieces */
	const char *verb;
	const char *name;
	const char *failnum, *failinfo, *probability, *function, *position;
	bool once;
};

/* Why the last command couldn't be done. */
static char reason[1024];

__attribute__((format(printf, 1, 2))) static int because(const char *format, ...)
{
	va_list rest;

	va_start(rest, format);
	vsnprintf(reason, sizeof(reason), format, rest);
	va_end(rest);
	return -1;
}

static int read_parameter(struct command *command, char *parameter)
{
	char *value = strchr(parameter, '=');
	const struct {
		const char *name;
		const char **value;
	} known[] = {
		{"name", &command->name},	   {"failnum", &command->failnum},
		{"failinfo", &command->failinfo},  {"probability", &command->probability},
		{"func_name", &command->function}, {"pos_in_stack", &command->position},
	};

	if (strcmp(parameter, "onetime") == 0) {
		command->once = true;
		return 0;
	}
	if (value)
		*value++ = '\0';
	for (size_t i = 0; value && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(parameter, known[i].name) == 0) {
			*known[i].value = value;
			return 0;
		}
	}
	return because("no such parameter: %s", parameter);
}

static int read_command(struct command *command, const char *text)
{
	char *verb, *parameter, *rest;

	*command = (struct command){.verb = ""};
	if (strlen(text) >= sizeof(command->text))
		return because("too long");
	strcpy(command->text, text);
	verb = strtok_r(command->text, " \t", &rest);
	if (verb)
		command->verb = verb;
	while ((parameter = strtok_r(NULL, ", \t", &rest)))
		if (read_parameter(command, parameter) != 0)
			return -1;
	return 0;
}

/* Whether all of the text is a number in that range; no text is the least. */
static bool is_number(const char *text, long least, long most, long *number)
{
	char *end;

	*number = least;
	if (!text)
		return true;
	errno = 0;
	*number = strtol(text, &end, 10);
	return errno == 0 && end != text && !*end && *number >= least && *number <= most;
}

static bool is_probability(const char *text, float *probability)
{
	char *end;

	*probability = text ? strtof(text, &end) : 1;
	return !text || (end != text && !*end && *probability >= 0 && *probability <= 1);
}

/* EIO or whatever it is; where libc can't tell, its description. */
static const char *name_of_errno(int error)
{
#ifdef HAVE_STRERRORNAME_NP
	return strerrorname_np(error);
#else
	return strerror(error);
#endif
}

static long errno_of_name(const char *name)
{
	enum {
		ERRNOS = 256 /* more than there are */
	};

	for (int error = 1; error < ERRNOS; error++) {
		const char *known = name_of_errno(error);

		if (known && strcmp(known, name) == 0)
			return error;
	}
	return -1;
}

/* libfiu's patterns: a name, or its beginning and a star. */
static bool matches(const char *pattern, const char *name)
{
	size_t length = strlen(pattern);

	if (length && pattern[length - 1] == '*')
		return strncmp(pattern, name, length - 1) == 0;
	return strcmp(pattern, name) == 0;
}

static bool may_fail_with(const struct point *point, long error)
{
	for (const int *may = point->errnos; *may; may++)
		if (*may == error)
			return true;
	return error == 0;
}

/* Whether the plan makes sense of the point: a pattern's other points are left alone. */
static bool suits(const struct plan *plan, const struct point *point)
{
	switch (plan->kind) {
	case REFUSE:
		return may_fail_with(point, plan->info);
	case SHORTEN:
		return point->may_be_short;
	default:
		return true;
	}
}

/* The kind of points that the pattern matches, or KINDS.  More than one would be an accident. */
static enum kind kind_of_pattern(const char *pattern)
{
	enum kind found = KINDS;

	for (enum kind kind = 0; kind < KINDS; kind++) {
		for (int i = 0; i < POINTS; i++) {
			if (!matches(pattern, points[i].names[kind]))
				continue;
			if (found != KINDS && found != kind) {
				because("%s: matches several kinds of failures", pattern);
				return KINDS;
			}
			found = kind;
		}
	}
	if (found == KINDS)
		because("no such point of failure: %s", pattern);
	return found;
}

/* Whatever a plan doesn't suit: it could have been meant for one point only. */
static int tell_unsuited(const struct plan *plan, const char *pattern, const char *failinfo)
{
	size_t length;

	if (plan->kind != REFUSE)
		return because("%s: never transfers less than asked", pattern);
	because("%s: cannot fail with errno %s", pattern, failinfo);
	for (int i = 0; i < POINTS; i++) {
		if (strcmp(pattern, points[i].names[REFUSE]) != 0)
			continue;
		for (const int *may = points[i].errnos; *may; may++) {
			length = strlen(reason);
			snprintf(reason + length, sizeof(reason) - length, "%s %s",
				 may == points[i].errnos ? "; but with" : ",", name_of_errno(*may));
		}
	}
	return -1;
}

static int read_plan(struct plan *plan, const struct command *command)
{
	const char *info = command->failinfo;
	long number;

	plan->kind = kind_of_pattern(command->name);
	if (plan->kind == KINDS)
		return -1;
	if (!is_number(command->failnum, 1, INT_MAX, &number))
		return because("failnum=%s: not a number from 1 on", command->failnum);
	plan->nth = (unsigned)number;
	plan->once = command->once;
	if (is_number(info, 0, INT_MAX, &plan->info))
		return 0;
	if (plan->kind == REFUSE && (plan->info = errno_of_name(info)) > 0)
		return 0;
	return because("failinfo=%s: %s", info,
		       plan->kind == REFUSE ? "no errno" : "not a number from 0 on");
}

/* Has libfiu fail the point whenever the command says. */
static int enable_point(const struct command *command, const char *name, struct plan *plan)
{
	float probability;

	fiu_disable(name); /* or libfiu 1.1 loses some memory of what it is to forget */
	if (strcmp(command->verb, "enable") == 0)
		return fiu_enable(name, 1, plan, 0);
	if (strcmp(command->verb, "enable_stack_by_name") == 0)
		return fiu_enable_stack_by_name(name, 1, plan, 0, command->function, -1);
	is_probability(command->probability, &probability);
	return fiu_enable_random(name, 1, plan, 0, probability);
}

static int enable(const struct command *command)
{
	struct plan *plan = calloc(1, sizeof(*plan));
	int enabled = 0;

	if (!plan)
		return because("no memory");
	plan->older = plans;
	plans = plan;
	if (read_plan(plan, command) != 0)
		return -1;
	for (int i = 0; i < POINTS; i++) {
		const char *name = points[i].names[plan->kind];

		if (!matches(command->name, name) || !suits(plan, &points[i]))
			continue;
		if (enable_point(command, name, plan) != 0)
			return because("libfiu cannot enable %s", name);
		attention[i] |= 1u << plan->kind;
		enabled++;
	}
	return enabled ? 0 : tell_unsuited(plan, command->name, command->failinfo);
}

static int disable(const struct command *command)
{
	enum kind kind = kind_of_pattern(command->name);

	if (kind == KINDS)
		return -1;
	for (int i = 0; i < POINTS; i++) {
		if (attention[i] & 1u << kind && matches(command->name, points[i].names[kind])) {
			attention[i] &= ~(1u << kind);
			fiu_disable(points[i].names[kind]);
		}
	}
	return 0;
}

static int perform(const struct command *command)
{
	float probability;

	if (strcmp(command->verb, "disable") == 0)
		return disable(command);
	if (strcmp(command->verb, "enable") == 0)
		return enable(command);
	if (strcmp(command->verb, "enable_random") == 0) {
		if (!command->probability || !is_probability(command->probability, &probability))
			return because("enable_random wants a probability from 0 to 1");
		return enable(command);
	}
	if (strcmp(command->verb, "enable_stack_by_name") == 0) {
		if (!command->function)
			return because("enable_stack_by_name wants a func_name");
		if (command->position && strcmp(command->position, "-1") != 0)
			return because("pos_in_stack=%s: libfiu knows only -1", command->position);
		return enable(command);
	}
	return because("no such command: %s", command->verb);
}

/* -- where commands come from ----------------------------------------------------------------- */

/* The same of libfiu. */
static void *find_next(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

static int next_fiu_rc_string(const char *text, char **const error)
{
	static int (*function)(const char *, char **const);
	void *found = find_next("fiu_rc_string");

	memcpy(&function, &found, sizeof(function));
	return function(text, error);
}

static int next_fiu_rc_fifo(const char *base)
{
	static int (*function)(const char *);
	void *found = find_next("fiu_rc_fifo");

	memcpy(&function, &found, sizeof(function));
	return function(base);
}

/* Points of others, whose name doesn't begin as ours do, are libfiu's to know. */
static bool is_for_us(const char *text)
{
	const char *name = strstr(text, "name=ipc");

	return name && strchr("/-*", name[8]) != NULL; /* or nothing follows */
}

static int obey(const char *text, char **const error)
{
	struct command command;
	int result;

	text += strspn(text, " \t");
	if (!is_for_us(text)) {
		because("libfiu does not understand it");
		return next_fiu_rc_string(text, error);
	}
	begin_planning();
	result = read_command(&command, text) == 0 ? perform(&command) : -1;
	end_planning();
	if (result != 0)
		*error = reason;
	return result;
}

static bool has_begun;

static _Noreturn void give_up(const char *command)
{
	fprintf(stderr, "libipcts-fault: %s: %s\n", command, reason);
	_exit(2);
}

VISIBLE int fiu_rc_string(const char *text, char **const error)
{
	int result = obey(text, error);

	if (result != 0 && !has_begun)
		give_up(text + strspn(text, " \t"));
	return result;
}

/* fiu_run_preload.so may be there too, and would have a second thread read the same FIFO. */
VISIBLE int fiu_rc_fifo(const char *base)
{
	static char *known;
	int result = 0;

	own_calls++;
	if (!known || strcmp(known, base) != 0) {
		result = next_fiu_rc_fifo(base);
		if (result == 0)
			known = strdup(base);
	}
	own_calls--;
	return result;
}

/* One command a line. */
static void obey_all(const char *text)
{
	char *copy = strdup(text), *line, *rest = NULL, *error;

	for (line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (line[strspn(line, " \t")])
			fiu_rc_string(line, &error);
	free(copy);
}

void plan_begin(void)
{
	const char *commands = getenv("FIU_ENABLE"), *base = getenv("FIU_CTRL_FIFO");

	own_calls++;
	fiu_init(0);
	pthread_atfork(begin_planning, end_planning, end_planning);
	if (commands)
		obey_all(commands);
	if (base && *base && fiu_rc_fifo(base) != 0)
		fprintf(stderr, "libipcts-fault: FIU_CTRL_FIFO: %s: %s\n", base, strerror(errno));
	has_begun = true;
	own_calls--;
}
