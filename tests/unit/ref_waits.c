/* SPDX-License-Identifier: MIT */
/* Lives of processes that wait: what wakes them, and what they leave behind. */
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/futex.h"
#include "ref/ipcref.h"
#include "ref/kernel.h"
#include "ref/mq.h"
#include "ref/pipe.h"
#include "tests/unit/ref_lives.h"

static const struct timespec past = {.tv_sec = 1};

/* -- queues ----------------------------------------------------------------------------------- */

static int make_queue(long messages, long size)
{
	struct mq_attr attributes = {.mq_maxmsg = messages, .mq_msgsize = size};

	ipcref_mq_unlink("/w"); /* of a life that has failed */
	int queue = (int)ipcref_mq_open("/w", O_RDWR | O_CREAT | O_EXCL, 0600, &attributes);

	MUST(queue >= 0);
	return queue;
}

/* It stays where it is as long as the descriptor is open. */
static struct mq_queue *queue_at(int fd)
{
	struct handle *h = descriptor_get(fd, OBJECT_MQ);

	MUST(h);
	struct mq_queue *queue = (struct mq_queue *)h->mapping.object;

	handle_put(h);
	return queue;
}

static void remove_queue(int queue)
{
	MUST(ipcref_mq_close((mqd_t)queue) == 0 && ipcref_mq_unlink("/w") == 0);
}

static void receives(int queue, char *room, size_t size, char expected)
{
	MUST(ipcref_mq_receive(queue, room, size, NULL) == 1 && *room == expected);
}

static void has_succeeded(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0) == pid && status == 0);
}

static pid_t dead_process(void)
{
	pid_t pid = forks();

	if (pid == 0)
		_exit(0);
	has_succeeded(pid);
	return pid;
}

/* -- what ends a wait ------------------------------------------------------------------------- */

static struct bell *rung;

static void rings(int number)
{
	(void)number;
	atomic_fetch_add(&rung->rings, 2);
}

/* A ring and a handler at once: if the ring was for another, the handler ends the wait. */
void live_with_a_handler_that_rings(void)
{
	struct sigaction action = {.sa_handler = rings};
	int queue = make_queue(1, 8);
	pid_t parent = getpid();
	char bytes[8];

	rung = &queue_at(queue)->receivers.bell;
	MUST(sigaction(SIGUSR1, &action, NULL) == 0);
	pid_t pid = forks();
	if (pid == 0) {
		await_sleep(parent);
		_exit(kill(parent, SIGUSR1) == 0 ? 0 : 1);
	}
	MUST_FAIL(ipcref_mq_receive(queue, bytes, sizeof(bytes), NULL), EINTR);
	has_succeeded(pid);
	/* which is told once */
	MUST_FAIL(ipcref_mq_timedreceive(queue, bytes, sizeof(bytes), NULL, &past), ETIMEDOUT);
	remove_queue(queue);
}

#ifdef __linux__
/* From now on this process runs here alone.  The processor as say_where has it; 0: not to be had.
 */
static uint32_t stay_here(void)
{
	int number = sched_getcpu();
	cpu_set_t set;

	if (number < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET((size_t)number, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)number + 1 : 0;
}

static void rings_again(void)
{
	rings(0);
}

/*
 * Whoever looks out for one who rings, here or on another processor, does so without the lock; and
 * if there is nothing he stops looking out, however often it rings.
 */
void live_beside_who_rings(void)
{
	int queue = make_queue(1, 8);
	struct bell *bell = &queue_at(queue)->receivers.bell;
	uint32_t here = stay_here();
	char bytes[8];

	/* from now on it is known that it waits */
	MUST_FAIL(ipcref_mq_timedreceive(queue, bytes, sizeof(bytes), NULL, &past), ETIMEDOUT);
	rung = bell;
	for (uint32_t where = here; here && where <= here + 1; where++) {
		atomic_store(&bell->rung_on, where);
		when_asked_where = rings_again;
		MUST_FAIL(ipcref_mq_timedreceive(queue, bytes, sizeof(bytes), NULL, &past),
			  ETIMEDOUT);
		when_asked_where = NULL;
		MUST_FAIL(ipcref_mq_timedreceive(queue, bytes, sizeof(bytes), NULL, &past),
			  ETIMEDOUT);
	}
	remove_queue(queue);
}

static int ends[2];
static char bytes_of_pipe[PIPE_CAPACITY];

static void writes_one(void)
{
	when_asked_where = when_it_asks = NULL;
	MUST(ipcref_write(ends[1], "a", 1) == 1);
}

static void reads_all(void)
{
	when_asked_where = when_it_asks = NULL;
	MUST(ipcref_read(ends[0], bytes_of_pipe, PIPE_CAPACITY) == PIPE_CAPACITY);
}

/* At the next such moment the other side moves while one is about to wait for that. */
static void sees_moves(void (**moment)(void))
{
	char byte;

	*moment = writes_one;
	MUST(ipcref_read(ends[0], &byte, 1) == 1 && byte == 'a' && !*moment);
	MUST(ipcref_write(ends[1], bytes_of_pipe, PIPE_CAPACITY) == PIPE_CAPACITY);
	*moment = reads_all;
	MUST(ipcref_write(ends[1], "b", 1) == 1 && !*moment);
	MUST(ipcref_read(ends[0], &byte, 1) == 1 && byte == 'b');
}

static void is_asked(void)
{
	when_it_asks = NULL;
}

/* What the other side does while one looks out for it, or asks whether one may wait, is seen. */
void live_with_a_move_just_now(void)
{
	uint32_t elsewhere = stay_here() + 1;

	MUST(ipcref_pipe(ends) == 0);
	struct handle *h = descriptor_get(ends[0], OBJECT_PIPE);
	MUST(h);
	struct pipe *pipe = pipe_of(&h->mapping);
	/* where fcntl has another name, that isn't noticed */
	when_it_asks = is_asked;
	descriptor_is_nonblocking(ends[0]);
	if (!when_it_asks)
		sees_moves(&when_it_asks);
	when_it_asks = NULL;
	atomic_store(&pipe->readers.woken_on, elsewhere);
	atomic_store(&pipe->writers.woken_on, elsewhere);
	handle_put(h);
	if (elsewhere > 1)
		sees_moves(&when_asked_where);
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
}

/* Where somebody was is told of every processor, the first as well. */
void live_on_each_processor(void)
{
	_Atomic uint32_t where;
	cpu_set_t all, one;

	if (sched_getcpu() < 0 || sched_getaffinity(0, sizeof(all), &all) < 0)
		return;
	for (size_t number = 0; number < CPU_SETSIZE; number++) {
		CPU_ZERO(&one);
		CPU_SET(number, &one);
		if (!CPU_ISSET(number, &all) || sched_setaffinity(0, sizeof(one), &one) < 0)
			continue;
		say_where(&where);
		MUST(is_here(&where) && !is_elsewhere(&where));
		atomic_fetch_add(&where, 1);
		MUST(!is_here(&where) && is_elsewhere(&where));
	}
}
#else
void live_beside_who_rings(void)
{
}
void live_with_a_move_just_now(void)
{
}
void live_on_each_processor(void)
{
}
#endif

/* Whichever of two words has changed already, nobody waits for the other. */
static void wait_for_no_word(void)
{
	_Atomic uint32_t word = 0;

	have_patience(PATIENCE_SECONDS);
	for (uint32_t changed = 0; changed < 2; changed++) {
		const struct waited_word words[2] = {{&word, changed == 0}, {&word, changed == 1}};

		futex_wait_any(words, 2, INT_MAX);
	}
}

/* Who is to poll does so, and nobody else. */
void live_as_told_to_wait(void)
{
	static const char *const ways[] = {"poll", "otherwise"};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		pid_t pid = forks();

		if (pid == 0) {
			_Atomic uint32_t stays = 0;
			uint32_t word = 0;
			bool is_there = false;
			int cancelling;

			MUST(setenv("IPCREF_WAIT", ways[i], 1) == 0);
#ifdef SYS_futex
			is_there = syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0;
#endif
			MUST(futex_is_there() == (is_there && i > 0));
			wait_for_no_word();
			/* who has waited can be cancelled as before */
			futex_wait(&stays, 0, 1);
			MUST(pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &cancelling) == 0);
			MUST(cancelling == PTHREAD_CANCEL_ENABLE);
			_exit(0);
		}
		has_succeeded(pid);
	}
}

/* -- the line --------------------------------------------------------------------------------- */

static bool is_empty(const struct mq_line *line)
{
	for (int i = 0; i < MQ_WAITERS; i++)
		if (line->waiters[i].thread || line->waiters[i].message || line->waiters[i].sends)
			return false;
	return line->count == 0;
}

/* Whose time was up leaves nothing in the line. */
void live_after_waits_in_vain(void)
{
	int queue = make_queue(1, 8);
	const struct mq_queue *object = queue_at(queue);
	char bytes[8];

	for (int i = 0; i < 2; i++)
		MUST_FAIL(ipcref_mq_timedreceive(queue, bytes, sizeof(bytes), NULL, &past),
			  ETIMEDOUT);
	MUST(is_empty(&object->receivers) && ipcref_mq_send(queue, "a", 1, 0) == 0);
	for (int i = 0; i < 2; i++)
		MUST_FAIL(ipcref_mq_timedsend(queue, "b", 1, 0, &past), ETIMEDOUT);
	MUST(is_empty(&object->senders));
	receives(queue, bytes, sizeof(bytes), 'a');
	/* and nobody is said to sleep for the bell when all have been woken */
	pid_t pid = forks();
	if (pid == 0)
		_exit(ipcref_mq_receive(queue, bytes, sizeof(bytes), NULL) == 1 ? 0 : 1);
	await_sleep(pid);
	MUST(atomic_load(&object->receivers.bell.is_waited_for));
	MUST(ipcref_mq_send(queue, "c", 1, 0) == 0);
	has_succeeded(pid);
	MUST(is_empty(&object->receivers));
	MUST(!atomic_load(&object->receivers.bell.is_waited_for));
	remove_queue(queue);
}

/* If all places in the line are those of the dead, one who comes has the first of them. */
void live_in_a_line_of_the_dead(void)
{
	int queue = make_queue(1, 8);
	struct mq_line *line = &queue_at(queue)->receivers;
	pid_t dead = dead_process();
	char bytes[8];

	for (uint32_t i = 0; i < MQ_WAITERS; i++)
		line->waiters[i] =
			(struct mq_waiter){.thread = (uint32_t)dead, .birth = 1, .ticket = i + 1};
	line->count = MQ_WAITERS;
	line->last_ticket = MQ_WAITERS;
	pid_t pid = forks();
	if (pid == 0)
		_exit(ipcref_mq_receive(queue, bytes, sizeof(bytes), NULL) == 1 ? 0 : 1);
	await_sleep(pid);
	MUST(line->waiters[0].thread == (uint32_t)pid && line->count == MQ_WAITERS);
	MUST(ipcref_mq_send(queue, "a", 1, 0) == 0);
	has_succeeded(pid);
	remove_queue(queue);
}

/* A receiver who is stopped as he waits. */
static pid_t stopped_receiver(int queue, char expected)
{
	char bytes[8];
	int status;
	pid_t pid = forks();

	if (pid == 0) {
		receives(queue, bytes, sizeof(bytes), expected);
		_exit(0);
	}
	await_sleep(pid);
	MUST(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
	return pid;
}

/* The object, locked. */
static struct handle *look_into(int queue, struct mq_view *view)
{
	struct handle *h = descriptor_get(queue, OBJECT_MQ);

	MUST(h && mq_see(view, &h->mapping));
	mapping_lock(view->mapping);
	return h;
}

static void look_no_more(struct handle *h)
{
	mapping_unlock(&h->mapping);
	handle_put(h);
}

/* A message is of who waits for it already, though somebody looks for it sooner. */
void live_behind_a_stopped_receiver(void)
{
	int queue = make_queue(1, 8);
	pid_t receiver = stopped_receiver(queue, 'a');
	struct mq_view view;

	MUST(ipcref_mq_send(queue, "a", 1, 0) == 0);
	struct handle *h = look_into(queue, &view);
	struct mq_line *line = &view.queue->receivers;
	struct mq_waiter *self = mq_begin_to_wait(&view, line);

	MUST(self && mq_messages_for(&view, self) == 0 && mq_messages_for(&view, NULL) == 0);
	mq_end_to_wait(&view, line, self);
	look_no_more(h);
	MUST(kill(receiver, SIGCONT) == 0);
	has_succeeded(receiver);
	remove_queue(queue);
}

/* How many messages are nobody's. */
static uint32_t count_free(const struct mq_view *view)
{
	uint32_t count = 0;

	for (uint32_t number = view->queue->free; number; count++) {
		size_t at = (number - 1) * mq_room(view->message_size);

		MUST(number <= view->numbers && count < view->numbers);
		number = ((const struct mq_message *)(view->queue->messages + at))->next;
	}
	return count;
}

/* Who dies while he waits to send leaves his place and his message to others, however many do. */
void live_after_many_dead_senders(void)
{
	int queue = make_queue(1, 8);
	struct mq_view view;
	struct handle *h = look_into(queue, &view);

	for (uint32_t i = 0; i < 3 * view.numbers; i++) {
		struct mq_waiter *waiter = mq_begin_to_wait(&view, &view.queue->senders);

		MUST(waiter && mq_offer(&view, waiter, "a", 1, 0));
		waiter->birth++; /* another's, who has gone */
		mapping_commit(view.mapping);
	}
	mq_forget_dead_senders(&view);
	MUST(count_free(&view) == view.numbers && is_empty(&view.queue->senders));
	look_no_more(h);
	remove_queue(queue);
}

/* As large as a queue may be at most, and a bit larger. */
void live_with_the_largest_queue(void)
{
	const uint32_t size = (1 << 20) - offsetof(struct mq_message, bytes);

	MUST(mq_room(size) * mq_numbers(1023, size) == 1 << 30);
	MUST(mq_size(1023, size) == sizeof(struct mq_queue) + (1 << 30));
	MUST(mq_size(1023, size + 1) == 0 && mq_size(1024, size) == 0);
}

/* Whoever comes takes away what was a receiver's who died before he had it. */
void live_with_a_gift_to_the_dead(void)
{
	int queue = make_queue(1, 8);
	const struct mq_queue *object = queue_at(queue);
	struct mq_attr attributes;

	pid_t receiver = stopped_receiver(queue, 'a');
	MUST(ipcref_mq_send(queue, "a", 1, 0) == 0);
	MUST(ipcref_mq_getattr(queue, &attributes) == 0 && attributes.mq_curmsgs == 0);
	MUST(object->count == 1 && mq_given(&(struct mq_view){.queue = queue_at(queue)}) == 1);
	MUST(kill(receiver, SIGKILL) == 0 && waitpid(receiver, NULL, 0) == receiver);
	MUST(ipcref_mq_getattr(queue, &attributes) == 0 && attributes.mq_curmsgs == 0);
	MUST(object->count == 0 && mq_given(&(struct mq_view){.queue = queue_at(queue)}) == 0);
	remove_queue(queue);
}

/*
 * A message that is a stopped receiver's takes no room: who waits for that sends, and goes on, as
 * soon as anybody has looked.
 */
void live_with_room_made_by_a_gift(void)
{
	int queue = make_queue(1, 8);
	pid_t receiver = stopped_receiver(queue, 'a');
	struct mq_attr attributes;
	char bytes[8];

	MUST(ipcref_mq_send(queue, "a", 1, 0) == 0);
	pid_t sender = forks();
	if (sender == 0)
		_exit(ipcref_mq_send(queue, "b", 1, 0) == 0 ? 0 : 1);
	await_sleep(sender);
	MUST(ipcref_mq_getattr(queue, &attributes) == 0 && attributes.mq_curmsgs == 1);
	has_succeeded(sender);
	MUST(kill(receiver, SIGCONT) == 0);
	has_succeeded(receiver);
	receives(queue, bytes, sizeof(bytes), 'b');
	remove_queue(queue);
}

/* Who waits to send a message that there is no memory for beside others harms none of these. */
void live_with_little_room_for_offers(void)
{
	enum { LARGE = 200000 };
	int queue = make_queue(1, LARGE);
	struct mq_queue *object = queue_at(queue);
	char *room = malloc(LARGE);
	pid_t pids[2];

	/* also when all is made anew, after a death */
	MUST(room && mq_numbers(1, LARGE) == 2);
	atomic_store(&object->object.lock.word, LOCK_OWNER_DIED);
	MUST(ipcref_mq_send(queue, "a", 1, 0) == 0);
	for (int i = 0; i < 2; i++) {
		if ((pids[i] = forks()) == 0)
			_exit(ipcref_mq_send(queue, i ? "c" : "b", 1, 0) == 0 ? 0 : 1);
		await_sleep(pids[i]);
	}
	for (char expected = 'a'; expected <= 'c'; expected++)
		receives(queue, room, LARGE, expected);
	has_succeeded(pids[0]);
	has_succeeded(pids[1]);
	free(room);
	remove_queue(queue);
}

/* -- who is to be notified -------------------------------------------------------------------- */

/* The last place for a registration is as good as the others. */
void live_with_all_registrations(void)
{
	const struct sigevent event = {.sigev_notify = SIGEV_NONE};
	int queue = make_queue(1, 8);
	struct mq_queue *object = queue_at(queue);

	/* from now on the process has hold of its number */
	MUST(ipcref_mq_notify(queue, &event) == 0 && ipcref_mq_notify(queue, NULL) == 0);
	/* the others are of some who have yet to see that they were notified */
	for (int i = 0; i < MQ_REGISTRATIONS - 1; i++)
		object->registrations[i] =
			(struct mq_registration){.state = 2, .pid = (uint32_t)getpid()};
	MUST(ipcref_mq_notify(queue, &event) == 0 && object->registered == MQ_REGISTRATIONS);
	MUST(ipcref_mq_send(queue, "a", 1, 0) == 0 && object->registered == 0);
	object->registrations[MQ_REGISTRATIONS - 1] = object->registrations[0];
	MUST_FAIL(ipcref_mq_notify(queue, &event), EBUSY);
	remove_queue(queue);
}

/* In another PID namespace there may be one of the same number, who is registered. */
void live_with_anothers_number(void)
{
	const struct sigevent event = {.sigev_notify = SIGEV_NONE};
	struct flock byte = {.l_type = F_WRLCK,
			     .l_whence = SEEK_SET,
			     .l_start = (off_t)(1 << 30) + (getpid() & 0x3fffffff),
			     .l_len = 1};
	_Atomic int *is_held = share(sizeof(*is_held));
	int queue = make_queue(1, 8);
	pid_t pid = forks();

	if (pid == 0) {
		MUST(fcntl(open(file_of("mq.w"), O_RDWR), F_SETLK, &byte) == 0);
		atomic_store(is_held, 1);
		for (;;)
			pause();
	}
	while (!atomic_load(is_held))
		sched_yield();
	MUST_FAIL(ipcref_mq_notify(queue, &event), EBUSY);
	MUST(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	MUST(ipcref_mq_notify(queue, &event) == 0);
	remove_queue(queue);
}

/*
 * Who has closed the queue's file by the platform's own means is registered no more, and isn't
 * notified of what another is who has his place since.
 */
void live_with_a_registration_lost(void)
{
	const struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	int queue = make_queue(1, 8), status;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	MUST(ipcref_mq_notify(queue, &event) == 0);
	MUST(close(open(file_of("mq.w"), O_RDONLY)) == 0);
	pid_t pid = forks();
	if (pid == 0) {
		MUST(ipcref_mq_notify(queue, &event) == 0);
		raise(SIGSTOP);
		_exit(0);
	}
	/* stopped, lest it is he who is told first */
	MUST(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	MUST(ipcref_mq_send(queue, "a", 1, 0) == 0);
	MUST(sigpending(&set) == 0 && !sigismember(&set, SIGUSR1));
	MUST(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	remove_queue(queue);
}
