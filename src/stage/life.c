/* SPDX-License-Identifier: MIT */
/* An actor's life: cast, sent signals, stopped and continued, ended. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/actor.h"
#include "stage/adversary.h"
#include "stage/observe.h"
#include "stage/tell.h"
#include "stage/transcript.h"
#include "stage/verbs.h"
#include "stage/wait.h"

/* -- casting ---------------------------------------------------------------------------------- */

static actor *new_actor(const char *name, enum kin kin, const actor *parent)
{
	if (scene->actor_count == ACTOR_MAX)
		end_in_error("more than %d actors", ACTOR_MAX);

	actor *a = &scene->actors[scene->actor_count];
	snprintf(a->name, sizeof(a->name), "%s", name);
	a->kin = kin;
	a->host = kin == KIN_THREAD ? parent->host : scene->actor_count;
	a->parent = parent ? (int)(parent - scene->actors) : -1;
	a->status = -1;
	scene->actor_count++;
	return a;
}

static actor *cast_process(const char *name, enum kin kin)
{
	actor *a = new_actor(name, kin, NULL);
	int index = (int)(a - scene->actors);
	pid_t pid = fork();

	if (pid < 0) {
		scene->actor_count--;
		end_in_error("no process for %s: %s", name, strerror(errno));
	}
	if (pid == 0) {
		if (kin == KIN_STRANGER)
			actor_become_stranger(index);
		actor_live(a);
	}
	a->pid = pid;
	return a;
}

actor *cast(const char *name)
{
	return cast_process(name, KIN_CHILD);
}

actor *cast_stranger(const char *name)
{
	return cast_process(name, KIN_STRANGER);
}

actor *forks(actor *parent, const char *name)
{
	require_free(parent, "forks");
	actor *a = new_actor(name, KIN_FORKED, parent);
	long long pid = ask(parent, stage.fork(name, a - scene->actors));

	if (pid < 0)
		end_in_error("no process for %s: %s", name, strerror(parent->outcome.error));
	a->pid = (pid_t)pid;
	transcript_act(parent, "forks");
	return a;
}

actor *cast_thread(actor *host, const char *name)
{
	require_free(host, "cast_thread");
	actor *a = new_actor(name, KIN_THREAD, host);

	if (ask(host, stage.thread(name, a - scene->actors)) < 0)
		end_in_error("no thread for %s: %s", name, strerror(host->outcome.error));
	a->pid = process_of(host)->pid;
	return a;
}

void stage_becomes_user(actor *a, uid_t user, gid_t group)
{
	char text[64];

	require_free(a, "becomes_user");
	if (geteuid() != 0)
		skip("not root: there's no second user");
	if (ask(a, stage.become(user, group)) < 0)
		skip("there's no second user here");
	snprintf(text, sizeof(text), "is user %lld, group %lld", (long long)user, (long long)group);
	transcript_act(a, text);
}

void stage_renounces(actor *a)
{
	enum { ANYBODY = 65534 };

	if (geteuid() == 0)
		stage_becomes_user(a, ANYBODY, ANYBODY);
}

actor *cast_as(const char *name, uid_t user, gid_t group)
{
	actor *a = cast(name);

	stage_becomes_user(a, user, group);
	return a;
}

actor *cast_apart(const char *name)
{
	actor *a = cast(name);

	if (ask(a, stage.leave()) < 0)
		skip("no namespace of one's own to be had here");
	transcript_act(a, "has an IPC namespace of its own");
	return a;
}

void stage_execs(actor *a)
{
	require_free(a, "execs");
	transcript_act(a, "executes this program anew");
	ask(a, stage.exec());
}

pid_t pid_of(const actor *a)
{
	return a->pid;
}

/* -- what is done to an actor ----------------------------------------------------------------- */

static void send_signal(actor *a, int number)
{
	int failed = a->kin == KIN_THREAD ? (int)syscall(SYS_tgkill, a->pid, a->tid, number)
					  : kill(a->pid, number);

	if (failed)
		end_in_error("%s can't be sent %s: %s", a->name, signal_name(number),
			     strerror(errno));
}

static bool is_in_state(actor *a, const char *states)
{
	char state = look_at(a->pid, a->pid).state;

	return strchr(states, state) != NULL;
}

/* A child of ours tells by waitpid; others by /proc; where there's none, by having had its time. */
bool is_stopped_now(actor *a, unsigned stopped)
{
	if (can_look())
		return is_in_state(a, "Tt") == !!stopped;
	int status;
	if (a->kin == KIN_FORKED)
		return true;
	if (waitpid(a->pid, &status, WNOHANG | WUNTRACED | WCONTINUED) != a->pid)
		return false;
	return stopped ? WIFSTOPPED(status) : WIFCONTINUED(status);
}

void stage_freeze(actor *a)
{
	actor *process = process_of(a);

	adversaries_leave();
	send_signal(process, SIGSTOP);
	if (!look_until(process, is_stopped_now, 1))
		end_in_error("%s can't be stopped", a->name);
	a->is_frozen = true;
	transcript_act(a, "is frozen");
}

void stage_thaw(actor *a)
{
	actor *process = process_of(a);

	send_signal(process, SIGCONT);
	if (!look_until(process, is_stopped_now, 0))
		end_in_error("%s can't be continued", a->name);
	a->is_frozen = false;
	transcript_act(a, "is thawed");
}

void stage_is_stopped(actor *a, int stopped)
{
	actor *process = process_of(a);

	if (!look_until(process, is_stopped_now, stopped != 0))
		end_failed(HOW_PLAIN, "%s was to %s", a->name,
			   stopped ? "be stopped" : "run again");
	transcript_act(a, stopped ? "is stopped" : "runs again");
}

void stage_poke(actor *a, int number)
{
	char text[64];

	end_if_judged();
	snprintf(text, sizeof(text), "is sent %s", signal_name(number));
	transcript_act(a, text);
	adversaries_leave();
	send_signal(a, number);
}

unsigned caught(const actor *a, int number)
{
	return scene->actors[a->host].caught[number];
}

static int awaited_signal;

static bool has_caught(actor *a, unsigned times)
{
	return caught(a, awaited_signal) >= times;
}

void stage_catches(actor *a, int number, unsigned times)
{
	char text[64];

	awaited_signal = number;
	if (!wait_until(a, has_caught, times, patience(RETURN_PATIENCE)))
		end_failed(HOW_HANG, "%s was to catch %s %u times, but did %u times", a->name,
			   signal_name(number), times, caught(a, number));
	snprintf(text, sizeof(text), "has caught %s", signal_name(number));
	transcript_act(a, text);
}

/* -- ends of actors --------------------------------------------------------------------------- */

static bool parent_is_idle(const actor *a)
{
	const actor *parent = a->parent < 0 ? NULL : &scene->actors[a->parent];

	return parent && !parent->gone && !is_busy(parent) && !parent->is_frozen;
}

/*
 * Gone is who has no memory, descriptor or lock any more; its parent may not have asked for its
 * status yet, and that stays for the parent to ask.
 */
bool has_ended(actor *a, unsigned n)
{
	(void)n;
	if (a->gone)
		return true;
	if (a->kin != KIN_FORKED)
		return take_status(a);
	if (parent_is_idle(a)) {
		long long status = ask(&scene->actors[a->parent], stage.peek(a->pid));

		a->status = status >= 0 ? (int)status : -1;
		a->gone = status >= 0 || scene->actors[a->parent].outcome.error == ECHILD;
	} else if (can_look()) {
		a->gone = is_in_state(a, "ZX-");
	} else {
		a->gone = kill(a->pid, 0) < 0 && errno == ESRCH;
	}
	return a->gone;
}

/* Threads end with their process. */
static void mark_threads(const actor *process)
{
	for (int i = 0; i < scene->actor_count; i++)
		if (scene->actors[i].kin == KIN_THREAD &&
		    &scene->actors[scene->actors[i].host] == process)
			scene->actors[i].gone = true;
}

static void await_end(actor *a, const char *how)
{
	if (!look_until(a, has_ended, 0))
		end_failed(HOW_HANG, "%s was to %s, but lives", a->name, how);
	mark_threads(a);
	a->judged = a->ordered;
}

void stage_dies(actor *a)
{
	end_if_judged();
	if (a->kin == KIN_THREAD)
		end_in_error("dies: %s is a thread", a->name);
	if (take_status(a))
		end_failed_of_end(a);
	transcript_beginnings(NULL);
	send_signal(a, SIGKILL);
	if (a->kin == KIN_FORKED && !can_look() && !parent_is_idle(a)) {
		/* nobody can be asked; what SIGKILL does takes no longer than this */
		nap(BLIND_TURNS * TURN_MS * 1000);
		a->gone = true;
	}
	await_end(a, "die");
	transcript_act(a, "is killed by SIGKILL");
}

void stage_exits(actor *a, int status)
{
	char text[64];

	end_if_judged();
	require_free(a, "exits");
	give_order(a, stage.exit(status));
	a->begun_told = true;
	await_end(a, "exit");
	if (a->status >= 0 &&
	    (!WIFEXITED(a->status) || WEXITSTATUS(a->status) != (status & 0xFF))) {
		describe_end(a->status, text, sizeof(text));
		end_failed(HOW_PLAIN, "%s was to exit with status %d, but %s", a->name, status,
			   text);
	}
	snprintf(text, sizeof(text), "exits with status %d", status);
	transcript_act(a, text);
}

/* What the implementation lacks has killed nobody. */
static bool has_ended_or_lacks(actor *a, unsigned nothing)
{
	return has_ended(a, nothing) || (is_done(a, 0) && a->outcome.absent[0]);
}

void stage_is_killed_by(actor *a, int number)
{
	char text[64];

	end_if_judged();
	transcript_beginnings(NULL);
	if (look_until(a, has_ended_or_lacks, 0) && a->outcome.absent[0])
		skip("%s", a->outcome.absent);
	await_end(a, "be killed");
	if (a->status < 0)
		end_in_error("is_killed_by: nobody knows how %s ended", a->name);
	describe_end(a->status, text, sizeof(text));
	transcript_act(a, text);
	if (!WIFSIGNALED(a->status) || WTERMSIG(a->status) != number)
		end_failed(HOW_PLAIN, "%s was to be killed by %s, but %s", a->name,
			   signal_name(number), text);
}
