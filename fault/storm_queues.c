/* SPDX-License-Identifier: MIT */
/*
 * Messages: whole, in the order of each sender, none twice, and none lost but what a receiver that
 * was killed had taken.  Half of the workers send, the others receive.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "fault/storm.h"
#include "ref/ipcref.h"

enum { LANES = 4, MOST_SENT = 1 << 15, LARGEST = 512 };
enum { SENDS = 1, RECEIVES };

struct letter {
	uint32_t life, number, lane, size; /* the size is that of all of it */
	unsigned char bytes[LARGEST - 16];
};

/* What has been sent and received, in the round. */
static struct traffic {
	_Atomic uint32_t begun[LIVES], sent[LIVES];
	_Atomic uint32_t taken_by_dead; /* at most */
	_Atomic unsigned char received[LIVES][MOST_SENT];
} * traffic;

static bool is_sender(const struct worker *me)
{
	return me->slot % 2 == 0;
}

static unsigned char byte_at(const struct letter *letter, unsigned i)
{
	return (unsigned char)(letter->life * 31 + letter->number * 7 + i);
}

/* False: this worker has written all that can be counted. */
static bool write_letter(struct worker *me, struct letter *letter, bool is_of_one_size)
{
	uint32_t number = atomic_load(&traffic->begun[me->life]);

	if (number >= MOST_SENT)
		return false;
	letter->life = me->life;
	letter->number = number;
	letter->lane = chance(LANES);
	letter->size = (uint32_t)offsetof(struct letter, bytes) +
		       (is_of_one_size ? sizeof(letter->bytes) : chance(sizeof(letter->bytes)));
	for (unsigned i = 0; i < letter->size - offsetof(struct letter, bytes); i++)
		letter->bytes[i] = byte_at(letter, i);
	return true;
}

static void send_by(struct worker *me, bool is_of_one_size,
		    bool (*give)(const struct letter *letter))
{
	struct letter letter;

	if (!write_letter(me, &letter, is_of_one_size)) {
		nanosleep(&(struct timespec){0, 1000000}, NULL);
		return;
	}
	atomic_store(&traffic->begun[me->life], letter.number + 1);
	if (give(&letter))
		atomic_store(&traffic->sent[me->life], letter.number + 1);
	else /* it wasn't sent, and its number is another's */
		atomic_store(&traffic->begun[me->life], letter.number);
}

/* The letter is what somebody wrote, and comes for the first time. */
static void check_letter(const struct letter *letter, ssize_t size)
{
	if (size < (ssize_t)offsetof(struct letter, bytes) || letter->size != (uint32_t)size ||
	    letter->life >= LIVES || letter->number >= MOST_SENT || letter->lane >= LANES) {
		fail("a message of %zd bytes isn't whole", size);
		return;
	}
	for (unsigned i = 0; i < letter->size - offsetof(struct letter, bytes); i++)
		if (letter->bytes[i] != byte_at(letter, i)) {
			fail("byte %u of %u of a message is wrong", i, letter->size);
			return;
		}
	if (letter->number >= atomic_load(&traffic->begun[letter->life]))
		fail("message %u of %u was never sent", letter->number, letter->life);
	if (atomic_fetch_add(&traffic->received[letter->life][letter->number], 1))
		fail("message %u of %u comes twice", letter->number, letter->life);
}

/* What one receiver takes of one sender and one lane comes in its order. */
static void check_order(const struct letter *letter)
{
	static uint32_t next[LIVES][LANES];

	if (letter->number < next[letter->life][letter->lane])
		fail("message %u of %u comes after %u", letter->number, letter->life,
		     next[letter->life][letter->lane] - 1);
	next[letter->life][letter->lane] = letter->number + 1;
}

static void receive_by(struct worker *me, ssize_t (*take)(struct letter *letter))
{
	struct letter letter;

	atomic_store(&me->doing, RECEIVES);
	ssize_t size = take(&letter);

	if (size >= 0)
		check_letter(&letter, size);
	atomic_store(&me->doing, 0);
	if (size >= 0)
		check_order(&letter);
}

static void account(struct worker *dead)
{
	if (atomic_load(&dead->doing) == RECEIVES)
		atomic_fetch_add(&traffic->taken_by_dead, 1);
}

/* Nothing is in the queue any more: all that were sent have come. */
static void check_traffic(void)
{
	unsigned lost = 0;

	for (unsigned life = 0; life < LIVES; life++)
		for (uint32_t i = 0; i < atomic_load(&traffic->sent[life]); i++)
			lost += !atomic_load(&traffic->received[life][i]);
	if (lost > atomic_load(&traffic->taken_by_dead))
		fail("%u messages are lost, and %u receivers", lost,
		     atomic_load(&traffic->taken_by_dead));
}

/* -- POSIX message queues -----------------------------------------------------------------------
 */

static mqd_t mq = (mqd_t)-1;

static struct timespec soon(void)
{
	struct timespec moment;

	clock_gettime(CLOCK_REALTIME, &moment);
	moment.tv_nsec += (long)chance(3000000);
	if (moment.tv_nsec >= 1000000000) {
		moment.tv_sec++;
		moment.tv_nsec -= 1000000000;
	}
	return moment;
}

static void mq_begin(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 8, .mq_msgsize = LARGEST};

	traffic = share(sizeof(*traffic));
	mq = ipcref_mq_open("/storm", O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
	MUST(mq >= 0);
}

static void mq_join(struct worker *me)
{
	(void)me;
	/* one that came by fork, or one of its own */
	if (chance(2)) {
		MUST(ipcref_mq_close(mq) == 0);
		mq = ipcref_mq_open("/storm", O_RDWR);
		MUST(mq >= 0);
	}
}

static bool mq_give(const struct letter *letter)
{
	struct timespec moment = soon();
	const struct timespec *deadline = chance(2) ? &moment : NULL;

	if (ipcref_mq_timedsend(mq, (const char *)letter, letter->size, letter->lane, deadline) ==
	    0)
		return true;
	MUST(errno == ETIMEDOUT);
	return false;
}

static ssize_t mq_take(struct letter *letter)
{
	struct timespec moment = soon();
	const struct timespec *deadline = chance(2) ? &moment : NULL;
	unsigned priority;
	ssize_t size =
		ipcref_mq_timedreceive(mq, (char *)letter, sizeof(*letter), &priority, deadline);

	MUST(size >= 0 || errno == ETIMEDOUT);
	MUST(size < 0 || priority == letter->lane);
	return size;
}

/* Now and then somebody is to be notified, of which he wants to know nothing. */
static void mq_notify_once(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGURG};

	if (chance(2))
		event.sigev_notify = SIGEV_NONE;
	MUST(ipcref_mq_notify(mq, chance(3) ? &event : NULL) == 0 || errno == EBUSY);
}

static void mq_work(struct worker *me)
{
	struct mq_attr attributes;

	if (is_sender(me))
		send_by(me, false, mq_give);
	else
		receive_by(me, mq_take);
	if (chance(50) == 0)
		mq_notify_once();
	if (chance(50) == 0)
		MUST(ipcref_mq_getattr(mq, &attributes) == 0 && attributes.mq_curmsgs >= 0 &&
		     attributes.mq_curmsgs <= 8);
}

static void mq_end(void)
{
	struct mq_attr attributes = {.mq_flags = O_NONBLOCK};
	struct letter letter;
	long count = 0;
	ssize_t size;

	MUST(ipcref_mq_setattr(mq, &attributes, NULL) == 0);
	MUST(ipcref_mq_getattr(mq, &attributes) == 0);
	while ((size = ipcref_mq_receive(mq, (char *)&letter, sizeof(letter), NULL)) >= 0) {
		check_letter(&letter, size);
		count++;
	}
	MUST(errno == EAGAIN);
	MUST(attributes.mq_curmsgs == count);
	check_traffic();
	for (int i = 0; i < 8; i++)
		MUST(ipcref_mq_send(mq, "", 0, 0) == 0);
	MUST(ipcref_mq_send(mq, "", 0, 0) < 0 && errno == EAGAIN);
	MUST(ipcref_mq_close(mq) == 0);
	MUST(ipcref_mq_unlink("/storm") == 0);
}

const struct mechanism storm_mq = {"mq", mq_begin, mq_join, mq_work, account, mq_end};

/* -- System V message queues --------------------------------------------------------------------
 */

static int msg;

struct mail {
	long type;
	struct letter letter;
};

static void msg_begin(void)
{
	struct msqid_ds status;

	traffic = share(sizeof(*traffic));
	msg = ipcref_msgget(IPC_PRIVATE, 0600);
	MUST(msg >= 0);
	MUST(ipcref_msgctl(msg, IPC_STAT, &status) == 0);
	status.msg_qbytes = 8 * LARGEST; /* often full */
	MUST(ipcref_msgctl(msg, IPC_SET, &status) == 0);
}

static bool msg_give(const struct letter *letter)
{
	struct mail mail = {.type = (long)letter->lane + 1};

	memcpy(&mail.letter, letter, letter->size);
	if (ipcref_msgsnd(msg, &mail, letter->size, chance(2) ? IPC_NOWAIT : 0) == 0)
		return true;
	MUST(errno == EAGAIN);
	return false;
}

/* Who waits for one type only could wait for ever. */
static ssize_t msg_take(struct letter *letter)
{
	static const long any[] = {0, -LANES};
	bool waits = chance(2);
	long type = waits ? any[chance(2)] : (long)chance(LANES + 1);
	struct mail mail;
	ssize_t size = ipcref_msgrcv(msg, &mail, sizeof(mail.letter), type, waits ? 0 : IPC_NOWAIT);

	MUST(size >= 0 || errno == ENOMSG);
	if (size >= 0) {
		memcpy(letter, &mail.letter, (size_t)size);
		MUST(mail.type == (long)letter->lane + 1);
	}
	return size;
}

static void msg_work(struct worker *me)
{
	if (is_sender(me))
		send_by(me, false, msg_give);
	else
		receive_by(me, msg_take);
}

static void msg_end(void)
{
	struct msqid_ds status;
	size_t count = 0, bytes = 0;
	struct mail mail;
	ssize_t size;

	MUST(ipcref_msgctl(msg, IPC_STAT, &status) == 0);
	while ((size = ipcref_msgrcv(msg, &mail, sizeof(mail.letter), 0, IPC_NOWAIT)) >= 0) {
		check_letter(&mail.letter, size);
		count++;
		bytes += (size_t)size;
	}
	MUST(errno == ENOMSG);
	MUST(status.msg_qnum == count);
	MUST(status.__msg_cbytes == bytes);
	check_traffic();
	/* none of its blocks is lost either */
	mail.type = 1;
	for (int i = 0; i < 8; i++)
		MUST(ipcref_msgsnd(msg, &mail, LARGEST, IPC_NOWAIT) == 0);
	MUST(ipcref_msgctl(msg, IPC_RMID, NULL) == 0);
}

const struct mechanism storm_msg = {"msg", msg_begin, NULL, msg_work, account, msg_end};

/* -- pipes, and FIFOs: letters of one size, which are written and read at once --------------------
 */

static int ends[2];

static void pipe_begin(void)
{
	traffic = share(sizeof(*traffic));
	signal(SIGPIPE, SIG_IGN);
	MUST(ipcref_pipe2(ends, chance(2) ? O_DIRECT : 0) == 0); /* each letter a packet */
	MUST(ipcref_fcntl(ends[1], F_SETPIPE_SZ, 4096) > 0);
}

static bool pipe_give(const struct letter *letter)
{
	MUST(ipcref_write(ends[1], letter, sizeof(*letter)) == sizeof(*letter));
	return true;
}

static ssize_t pipe_take(struct letter *letter)
{
	ssize_t size = ipcref_read(ends[0], letter, sizeof(*letter));

	MUST(size == sizeof(*letter));
	return size;
}

static void pipe_work(struct worker *me)
{
	int there;

	if (is_sender(me))
		send_by(me, true, pipe_give);
	else
		receive_by(me, pipe_take);
	if (chance(100) == 0)
		MUST(ipcref_ioctl(ends[0], FIONREAD, &there) == 0 && there % LARGEST == 0);
	if (chance(200) == 0)
		MUST(ipcref_fcntl(ends[1], F_SETPIPE_SZ, 4096 << chance(3)) > 0 || errno == EBUSY);
}

/* Nobody writes any more, but this process could. */
static void pipe_drain(void)
{
	struct letter letter;
	int there = 0, count = 0;

	MUST(ipcref_ioctl(ends[0], FIONREAD, &there) == 0);
	for (ssize_t size; (size = ipcref_read(ends[0], &letter, sizeof(letter))) > 0; count++)
		check_letter(&letter, size);
	MUST(there == count * LARGEST);
	check_traffic();
}

static void pipe_end(void)
{
	/* the dead have no end any more */
	MUST(ipcref_close(ends[1]) == 0);
	pipe_drain();
	MUST(ipcref_close(ends[0]) == 0);
}

const struct mechanism storm_pipe = {"pipe", pipe_begin, NULL, pipe_work, account, pipe_end};

static void fifo_begin(void)
{
	traffic = share(sizeof(*traffic));
	signal(SIGPIPE, SIG_IGN);
	MUST(ipcref_mkfifo(storm_path("fifo"), 0600) == 0);
	/* whoever opens it meets somebody, and nothing is discarded */
	ends[0] = ipcref_open(storm_path("fifo"), O_RDONLY | O_NONBLOCK);
	ends[1] = ipcref_open(storm_path("fifo"), O_WRONLY);
	MUST(ends[0] >= 0 && ends[1] >= 0);
}

static void fifo_open(struct worker *me)
{
	int which = is_sender(me) ? 1 : 0;

	ends[which] = ipcref_open(storm_path("fifo"), which ? O_WRONLY : O_RDONLY);
	MUST(ends[which] >= 0);
}

static void fifo_join(struct worker *me)
{
	MUST(ipcref_close(ends[0]) == 0 && ipcref_close(ends[1]) == 0);
	fifo_open(me);
}

static void fifo_work(struct worker *me)
{
	if (is_sender(me))
		send_by(me, true, pipe_give);
	else
		receive_by(me, pipe_take);
	if (chance(50) == 0) {
		MUST(ipcref_close(ends[is_sender(me) ? 1 : 0]) == 0);
		fifo_open(me);
	}
}

static void fifo_end(void)
{
	pipe_end();
	/* the next finds it new */
	int fd = ipcref_open(storm_path("fifo"), O_RDWR), there = -1;
	MUST(fd >= 0 && ipcref_ioctl(fd, FIONREAD, &there) == 0 && there == 0);
	MUST(ipcref_close(fd) == 0);
	MUST(unlink(storm_path("fifo")) == 0);
}

const struct mechanism storm_fifo = {"fifo", fifo_begin, fifo_join, fifo_work, account, fifo_end};
