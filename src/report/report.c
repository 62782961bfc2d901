/* SPDX-License-Identifier: MIT */
/* What all formats have in common: fates, the count of them, order, and writing that is checked. */
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "report/sheet.h"

const char *const verdict_names[VERDICT_COUNT] = {"none", "pass", "fail", "skip", "error"};
const char *const how_names[HOW_COUNT] = {
	"plain", "hang", "crash", "absent", "denied", "environment",
};

/* -- what a result means ---------------------------------------------------------------------- */

enum fate fate_of(const struct planned *planned, const struct result *result)
{
	int verdict = result->verdict;

	switch (verdict) {
	case PASS:
		return planned->known ? SURPRISED : PASSED;
	case FAIL:
		return reason_known(planned) ? KNOWN : FAILED;
	case SKIP:
		return SKIPPED;
	default:
		return BROKEN;
	}
}

const char *reason_known(const struct planned *planned)
{
	if (planned->known)
		return planned->known;
	return planned->rule->grade == MAY ? "MAY: recorded, never failed" : NULL;
}

void tally_add(struct tally *tally, const struct planned *planned, const struct result *result)
{
	tally->seen++;
	tally->fates[fate_of(planned, result)]++;
	tally->processes += result->processes;
	tally->faults += result->faults;
	tally->survived += result->faults - (result->faults && result->verdict != PASS);
}

int tally_status(const struct tally *tally)
{
	if (tally->interrupted)
		return 128 + tally->interrupted;
	if (tally->fates[BROKEN] || tally->seen != tally->planned)
		return 2;
	return tally->fates[FAILED] ? 1 : 0;
}

double report_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

const struct reporter *reporter_named(const char *name)
{
	static const struct reporter *const reporters[] = {
		&human_reporter,
		&tap_reporter,
		&junit_reporter,
		&json_reporter,
	};

	for (size_t i = 0; i < sizeof(reporters) / sizeof(reporters[0]); i++)
		if (strcmp(reporters[i]->name, name) == 0)
			return reporters[i];
	return NULL;
}

/* -- writing ---------------------------------------------------------------------------------- */

/* A descriptor somebody made non-blocking is waited for as if it were not. */
static bool worth_another_try(void)
{
	if (errno == EINTR)
		return true;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return false;
	nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
	return true;
}

/* at < 0: where the file stands. */
static void write_all(struct report *report, const char *bytes, size_t size, long long at)
{
	while (size && !report->error) {
		ssize_t n = at < 0 ? write(report->fd, bytes, size)
				   : pwrite(report->fd, bytes, size, (off_t)at);
		if (n < 0) {
			if (!worth_another_try())
				report->error = errno;
			continue;
		}
		bytes += n;
		size -= (size_t)n;
		if (at >= 0)
			at += n;
	}
}

static void sheet_out(struct report *report, struct sheet *sheet, long long at)
{
	if (sheet->error && !report->error)
		report->error = sheet->error;
	write_all(report, sheet->bytes, sheet->size, at);
	sheet_free(sheet);
}

void report_place(struct report *report, struct sheet *sheet, long long at)
{
	sheet_out(report, sheet, report->base + at);
}

void report_restore(struct report *report, const char *bytes, size_t size, long long at)
{
	off_t place = (off_t)(report->base + at);

	if (pwrite(report->fd, bytes, size, place) == (ssize_t)size &&
	    ftruncate(report->fd, place + (off_t)size) < 0)
		report->error = errno;
}

static void sheet_append(struct report *report, struct sheet *sheet)
{
	sheet_out(report, sheet, -1);
}

/* -- a report's life -------------------------------------------------------------------------- */

static int file_open(const struct reporter *reporter, const char *path)
{
	int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY;

	if (strcmp(path, "-") == 0)
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	/* several processes write to it: each write at the end, whoever makes it */
	if (reporter->as_plays)
		flags |= O_APPEND;
	return open(path, flags, 0666);
}

static bool file_is_regular(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && lseek(fd, 0, SEEK_CUR) >= 0;
}

struct report *report_new(const struct reporter *reporter, const char *path, bool append)
{
	struct report *report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		return NULL;

	int fd = file_open(reporter, path);
	if (fd < 0) {
		int error = errno;

		munmap(report, sizeof(*report));
		errno = error;
		return NULL;
	}
	report->reporter = reporter;
	report->path = path;
	report->fd = fd;
	report->goes_on = append;
	report->regular = file_is_regular(fd);
	return report;
}

/*
 * Only now, when nothing can refuse the run any more, does an older report go.  Standard output is
 * not ours to empty: what is before us stays.
 */
static void file_begin(struct report *report)
{
	bool appends = fcntl(report->fd, F_GETFL) & O_APPEND;

	if (!report->regular)
		return;
	if (!report->goes_on && strcmp(report->path, "-") != 0 && ftruncate(report->fd, 0) < 0)
		report->error = errno;
	report->base = lseek(report->fd, 0, appends ? SEEK_END : SEEK_CUR);
	/* where all writing is appending, nothing can be rewritten */
	report->regular = report->reporter->as_plays || !appends;
}

void report_open(struct report *report, const struct plan *plan)
{
	struct sheet sheet = {0};

	report->plan = plan;
	report->results = calloc(plan->count + 1, sizeof(*report->results));
	report->started = calloc(plan->count + 1, sizeof(*report->started));
	if (!report->results || !report->started) {
		report->error = ENOMEM;
		return;
	}
	file_begin(report);
	if (report->reporter->open)
		report->reporter->open(report, &sheet);
	sheet_append(report, &sheet);
}

bool report_as_plays(const struct report *report)
{
	return report->reporter->as_plays && report->regular;
}

static void tell_start(struct report *report, struct sheet *sheet, size_t number)
{
	if (report->started[number])
		return;
	report->started[number] = true;
	if (report->reporter->start)
		report->reporter->start(report, sheet, number);
}

static void tell_result(struct report *report, struct sheet *sheet, size_t number)
{
	report->seen++;
	if (report->reporter->result)
		report->reporter->result(report, sheet, number, report->results[number]);
}

/* What has waited for its turn and has it now. */
static void tell_held(struct report *report, struct sheet *sheet)
{
	while (report->next < report->plan->count && report->results[report->next])
		tell_result(report, sheet, report->next++);
}

void report_start(struct report *report, size_t number)
{
	struct sheet sheet = {0};

	if (!report->started)
		return;
	tell_start(report, &sheet, number);
	sheet_append(report, &sheet);
}

void report_result(struct report *report, size_t number, const struct result *result)
{
	struct sheet sheet = {0};

	if (!report->results || report->results[number])
		return;
	report->results[number] = result;
	if (!report_as_plays(report))
		tell_start(report, &sheet, number);
	if (report->reporter->in_order)
		tell_held(report, &sheet);
	else
		tell_result(report, &sheet, number);
	sheet_append(report, &sheet);
	if (report_as_plays(report))
		fdatasync(report->fd);
}

void report_turn(struct report *report, size_t number, const struct result *result, size_t start)
{
	struct sheet sheet = {0};

	if (!report->results)
		return;
	if (result) {
		report->results[number] = result;
		tell_result(report, &sheet, number);
	}
	if (start < report->plan->count)
		tell_start(report, &sheet, start);
	sheet_append(report, &sheet);
	/* not every file can be synchronised, and a report is no worse for it */
	fdatasync(report->fd);
}

void report_resumed(struct report *report, size_t number, const struct result *result)
{
	if (!report->goes_on)
		report_result(report, number, result);
	else if (report->results)
		report->results[number] = result;
}

void report_abandoned(struct report *report, size_t number)
{
	struct sheet sheet = {0};

	if (report->results && report->reporter->abandoned)
		report->reporter->abandoned(report, &sheet, number);
	sheet_append(report, &sheet);
}

/* After an early end there are gaps. */
static void tell_remaining(struct report *report, struct sheet *sheet)
{
	for (; report->next < report->plan->count; report->next++)
		if (report->results[report->next])
			tell_result(report, sheet, report->next);
}

int report_close(struct report *report, const struct tally *tally)
{
	struct sheet sheet = {0};

	if (report->results) {
		if (report->reporter->in_order)
			tell_remaining(report, &sheet);
		if (report->reporter->close)
			report->reporter->close(report, &sheet, tally);
	}
	sheet_append(report, &sheet);
	if (close(report->fd) < 0 && !report->error)
		report->error = errno;

	int error = report->error;
	free(report->results);
	free(report->started);
	munmap(report, sizeof(*report));
	return error;
}
