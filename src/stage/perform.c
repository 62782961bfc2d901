/* SPDX-License-Identifier: MIT */
#include "stage/perform.h"

#include <stdio.h>
#include <string.h>

#include "stage/restart.h"
#include "stage/scene.h"

static void (*const performers[OP_COUNT])(const op *o, outcome *out) = {
#define OP(mechanism, word, ...) [OP_##mechanism##_##word] = perform_##mechanism##_##word,
#include "contract/all.ops"
#undef OP
};

void perform_with(const struct implementation *judged)
{
	static struct implementation calls;

	calls = *judged;
	if (judged->means && strncmp(scene->test_name, "sig.", strlen("sig.")) != 0)
		calls.sig = judged->means->sig;
	if (scene->adversaries)
		restart_calls(&calls);
	impl = &calls;
}

void perform(const op *o, outcome *out)
{
	performers[o->code](o, out);
}

bool outcome_is(outcome *out, long long value)
{
	out->value = value;
	out->error = value == -1 ? errno : 0;
	return value != -1;
}

bool outcome_is_error(outcome *out, int error)
{
	out->value = error ? -1 : 0;
	out->error = error;
	return !error;
}

bool outcome_lacks(outcome *out, const char *entry)
{
	const char *why = impl->lacks ? impl->lacks(entry) : NULL;

	snprintf(out->absent, sizeof(out->absent), "%s%s%s", entry, why ? ": " : " is not there",
		 why ? why : "");
	out->value = -1;
	out->error = ENOSYS;
	return false;
}

void outcome_has_bytes(outcome *out, size_t size)
{
	out->has_bytes = true;
	out->size = size < OUTCOME_BYTES ? size : OUTCOME_BYTES;
}

struct timespec from_now(clockid_t clock, long long milliseconds)
{
	struct timespec time;

	clock_gettime(clock, &time);
	long long nanoseconds = time.tv_nsec + milliseconds % 1000 * 1000000;
	time.tv_sec += (time_t)(milliseconds / 1000);
	if (nanoseconds >= 1000000000)
		time.tv_sec++, nanoseconds -= 1000000000;
	else if (nanoseconds < 0)
		time.tv_sec--, nanoseconds += 1000000000;
	time.tv_nsec = (long)nanoseconds;
	return time;
}

void check_deadline(clockid_t clock, const struct timespec *deadline, const outcome *out)
{
	struct timespec now;

	if (out->error != ETIMEDOUT)
		return;
	clock_gettime(clock, &now);
	bool timed_out_before_the_deadline =
		now.tv_sec < deadline->tv_sec ||
		(now.tv_sec == deadline->tv_sec && now.tv_nsec < deadline->tv_nsec);
	must(!timed_out_before_the_deadline);
}
