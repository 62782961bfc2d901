/* SPDX-License-Identifier: MIT */
#include "stage/actor.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stage/adversary.h"
#include "stage/estate.h"
#include "stage/perform.h"
#include "stage/play.h"
#include "stage/wait.h"

enum { IDLE_TURN_MS = 500, ALARM_SECONDS = 600, CPU_SECONDS = 60 };

const struct implementation *impl;

static _Thread_local struct mailbox *me;
static int process_index = -1; /* of the actor whose process this is */

struct mailbox *current_actor(void)
{
	return me;
}

/* -- surroundings ----------------------------------------------------------------------------- */

static unsigned scaled(unsigned seconds)
{
	return 1 + (unsigned)(seconds * scene->timeout_scale);
}

/* Nobody leaves a core file but who asks for it. */
static void limit_core(void)
{
	struct rlimit core = {0, 0};

	getrlimit(RLIMIT_CORE, &core);
	core.rlim_cur = 0;
	setrlimit(RLIMIT_CORE, &core);
}

/* Against whatever runs away or hangs when nobody is left to end it. */
static void set_limits(void)
{
	struct rlimit cpu = {scaled(CPU_SECONDS), scaled(CPU_SECONDS) + 5};

	setrlimit(RLIMIT_CPU, &cpu);
	limit_core();
#ifdef RLIMIT_RTTIME
	struct rlimit realtime = {5000000, 5000000};
	setrlimit(RLIMIT_RTTIME, &realtime);
#endif
}

static void reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < SIGNAL_MAX; i++) {
		struct sigaction action = {.sa_handler = SIG_DFL};

		sigaction(i, &action, NULL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_range_of(int from, int to)
{
#ifdef SYS_close_range
	if (from > to || syscall(SYS_close_range, from, to, 0) == 0)
		return;
#endif
	for (int fd = from; fd <= to && fd < 1024; fd++)
		close(fd);
}

/* Reports and whatever the caller had open are none of a test's business. */
static void close_descriptors(void)
{
	int a = scene->fd, b = estate_fd(), low = a < b ? a : b, high = a < b ? b : a;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
	}
	if (low < 3) {
		close_range_of(3, high - 1);
	} else {
		close_range_of(3, low - 1);
		close_range_of(low + 1, high - 1);
	}
	close_range_of(high < 3 ? 3 : high + 1, 0x7FFFFFFF);
}

static unsigned alarm_found;

unsigned stage_alarm_found(void)
{
	return alarm_found;
}

static void enlist_child(void)
{
	scene_enlist();
	alarm_found = alarm(scaled(ALARM_SECONDS));
}

void actor_surroundings(void)
{
	reset_signals();
	set_limits();
	close_descriptors();
	umask(022);
	alarm(scaled(ALARM_SECONDS));
	if (scene->directory[0] && chdir(scene->directory) < 0)
		scene_end(ERROR, HOW_ENVIRONMENT, "%s: %s", scene->directory, strerror(errno));
	pthread_atfork(NULL, NULL, enlist_child);
}

/* -- taking orders ---------------------------------------------------------------------------- */

/* Nobody commands any more: this process must not outlive the test. */
static void leave_if_over(void)
{
	if (scene->over || !scene_is_own() || (kill(scene->director, 0) < 0 && errno == ESRCH))
		_exit(0);
}

/* The pointers of an order, in this process. */
static op order_of(struct mailbox *mailbox)
{
	op o = mailbox->order;

	o.handle = mailbox->has_handle ? mailbox->handle : NULL;
	o.other = mailbox->has_other ? mailbox->other : NULL;
	o.bytes = mailbox->has_bytes ? mailbox->order_bytes : NULL;
	return o;
}

static void acknowledge(struct mailbox *mailbox)
{
	if (!scene_is_own())
		_exit(0);
	mailbox->done++;
	scene_news();
}

static void serve(struct mailbox *mailbox)
{
	uint32_t done = mailbox->done;

	while (mailbox->ordered == done) {
		word_wait(&mailbox->ordered, done, IDLE_TURN_MS);
		if (mailbox->ordered == done)
			leave_if_over();
	}
	if (!scene_is_own())
		_exit(0);

	op o = order_of(mailbox);
	outcome *out = &mailbox->outcome;

	memset(out, 0, sizeof(*out));
	out->bytes = mailbox->outcome_bytes;
	mailbox->entered++;
	adversaries_begin(o.code);
	perform(&o, out);
	adversaries_end();
	acknowledge(mailbox);
}

void actor_live(struct mailbox *mailbox)
{
	me = mailbox;
	if (mailbox->kin != KIN_THREAD) {
		process_index = (int)(mailbox - scene->actors);
		mailbox->pid = getpid();
	}
	mailbox->tid = (int)syscall(SYS_gettid);
	if (mailbox->kin == KIN_CHILD || mailbox->kin == KIN_STRANGER)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	leave_if_over();
	adversaries_meet();
	for (;;)
		serve(mailbox);
}

/* -- executing this program anew -------------------------------------------------------------- */

static void execute(int index)
{
	char scene_text[16], estate_text[16], index_text[16], serial_text[24];
	char *const arguments[] = {scene->program, (char *)ACTOR_OPTION, scene_text, estate_text,
				   index_text,	   serial_text,		 NULL};
	extern char **environ;

	snprintf(scene_text, sizeof(scene_text), "%d", scene->fd);
	snprintf(estate_text, sizeof(estate_text), "%d", estate_fd());
	snprintf(index_text, sizeof(index_text), "%d", index);
	snprintf(serial_text, sizeof(serial_text), "%lld", scene->serial);
	fcntl(scene->fd, F_SETFD, 0);
	if (estate_fd() >= 0)
		fcntl(estate_fd(), F_SETFD, 0);
	execve(scene->program, arguments, environ);

	int error = errno;
	fcntl(scene->fd, F_SETFD, FD_CLOEXEC);
	if (estate_fd() >= 0)
		fcntl(estate_fd(), F_SETFD, FD_CLOEXEC);
	errno = error;
}

static void require_exec(void)
{
	if (scene->fd < 0)
		scene_end(SKIP, HOW_ENVIRONMENT,
			  "no memory here that a program executed anew can find");
}

void actor_become_stranger(int index)
{
	require_exec();
	execute(index);
	scene_end(SKIP, HOW_ENVIRONMENT, "this program can't execute itself anew: %s",
		  strerror(errno));
}

_Noreturn void actor_main(int argc, char **argv, const struct implementation *const *known)
{
	if (argc != 6 || !scene_attach(atoi(argv[2])))
		_exit(2);
	scene_join(atoll(argv[5]));
	estate_attach(atoi(argv[3]));
	for (; *known && !impl; known++)
		if (strcmp((*known)->name, scene->implementation) == 0)
			impl = *known;
	if (!impl)
		_exit(2);
	perform_with(impl);
	pthread_atfork(NULL, NULL, enlist_child);
	alarm_found = alarm(scaled(ALARM_SECONDS));

	struct mailbox *mailbox = &scene->actors[atoi(argv[4])];
	handles_restore(mailbox);
	/* the operation in hand, if there's one, was to execute us */
	if (mailbox->entered != mailbox->done)
		acknowledge(mailbox);
	actor_live(mailbox);
}

/* -- what the stage itself asks of an actor --------------------------------------------------- */

PERFORM(stage, fork)
{
	struct mailbox *child = &scene->actors[o->n[0]];
	pid_t pid = fork();

	if (pid == 0)
		actor_live(child);
	outcome_is(out, pid);
}

static void *live_in_thread(void *mailbox)
{
	actor_live(mailbox);
}

PERFORM(stage, thread)
{
	pthread_t thread;

	outcome_is_error(out,
			 pthread_create(&thread, NULL, live_in_thread, &scene->actors[o->n[0]]));
	if (!out->error)
		pthread_detach(thread);
}

PERFORM(stage, exec)
{
	require_exec();
	handles_keep(me);
	execute((int)(me - scene->actors));
	scene_end(SKIP, HOW_ENVIRONMENT, "this program can't execute itself anew: %s",
		  strerror(errno));
	(void)out;
}

PERFORM(stage, exit)
{
	(void)out;
	_exit((int)o->n[0]);
}

/* A function's place is told from a fixed one: the same in every image of this program. */
long long stage_function_number(function *f)
{
	return (long long)((intptr_t)f - (intptr_t)&stage_function_number);
}

PERFORM(stage, call)
{
	function *f = (function *)((intptr_t)&stage_function_number + (intptr_t)o->n[0]);

	errno = 0;
	outcome_is(out, f(o->bytes, &o->n[1]));
}

void give_way(void)
{
	sched_yield();
}

PERFORM(stage, become)
{
	umask(0);
	outcome_is(out, setgroups(0, NULL) < 0 || setgid((gid_t)o->n[1]) < 0 ||
					setuid((uid_t)o->n[0]) < 0
				? -1
				: 0);
}

/* Away from the System V objects and queues of all others. */
PERFORM(stage, leave)
{
#ifdef CLONE_NEWIPC
	outcome_is(out, unshare(CLONE_NEWIPC) == 0 ? 0 : unshare(CLONE_NEWUSER | CLONE_NEWIPC));
#else
	outcome_is(out, -1);
#endif
}

/* The raw status of a child that has ended, which stays to be waited for; -1: it lives. */
PERFORM(stage, peek)
{
	siginfo_t info = {0};

	if (!outcome_is(out, waitid(P_PID, (id_t)o->n[0], &info, WEXITED | WNOHANG | WNOWAIT)))
		return;
	if (info.si_pid == 0)
		out->value = -1;
	else if (info.si_code == CLD_EXITED)
		out->value = (info.si_status & 0xFF) << 8;
	else
		out->value = info.si_status & 0x7F;
}

void stage_note_signal(int number)
{
	int error = errno;

	if (process_index >= 0 && number > 0 && number < SIGNAL_MAX)
		scene->actors[process_index].caught[number]++;
	scene_news();
	errno = error;
}

/* -- what must hold --------------------------------------------------------------------------- */

static const char *role(void)
{
	if (me)
		return me->name;
	return getpid() == scene->director ? "the story" : "a process";
}

void stage_must(const char *file, int line, const char *condition)
{
	scene_end(FAIL, HOW_PLAIN, "%s: must: %s (%s:%d)", role(), condition, file, line);
}

void stage_must_be(const char *file, int line, const char *what, long long actual,
		   long long expected)
{
	int error = errno;

	if (actual == expected)
		return;
	if (actual == -1 && error == ENOSYS)
		scene_end(SKIP, HOW_ABSENT, "%s: ENOSYS", what);
	if (actual == -1)
		scene_end(FAIL, HOW_PLAIN, "%s: %s was to be %lld, but is -1, errno %d: %s (%s:%d)",
			  role(), what, expected, error, strerror(error), file, line);
	scene_end(FAIL, HOW_PLAIN, "%s: %s was to be %lld, but is %lld (%s:%d)", role(), what,
		  expected, actual, file, line);
}
