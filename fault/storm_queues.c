/* SPDX-License-Identifier: MIT */
/* Messages of POSIX and System V, pipes and FIFOs: half of the workers send, the others receive. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "fault/storm_letters.h"
#include "ref/ipcref.h"

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

	begin_letters();
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
	check_all_came();
	for (int i = 0; i < 8; i++)
		MUST(ipcref_mq_send(mq, "", 0, 0) == 0);
	MUST(ipcref_mq_send(mq, "", 0, 0) < 0 && errno == EAGAIN);
	MUST(ipcref_mq_close(mq) == 0);
	MUST(ipcref_mq_unlink("/storm") == 0);
}

const struct mechanism storm_mq = {"mq", mq_begin, mq_join, mq_work, account_for, mq_end};

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

	begin_letters();
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
	check_all_came();
	/* none of its blocks is lost either */
	mail.type = 1;
	for (int i = 0; i < 8; i++)
		MUST(ipcref_msgsnd(msg, &mail, LARGEST, IPC_NOWAIT) == 0);
	MUST(ipcref_msgctl(msg, IPC_RMID, NULL) == 0);
}

const struct mechanism storm_msg = {"msg", msg_begin, NULL, msg_work, account_for, msg_end};

/* -- pipes, and FIFOs: letters of one size, which are written and read at once --------------------
 */

static int ends[2];

static void pipe_begin(void)
{
	begin_letters();
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
	check_all_came();
}

static void pipe_end(void)
{
	/* the dead have no end any more */
	MUST(ipcref_close(ends[1]) == 0);
	pipe_drain();
	MUST(ipcref_close(ends[0]) == 0);
}

const struct mechanism storm_pipe = {"pipe", pipe_begin, NULL, pipe_work, account_for, pipe_end};

static void fifo_begin(void)
{
	begin_letters();
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

const struct mechanism storm_fifo = {"fifo",	fifo_begin,  fifo_join,
				     fifo_work, account_for, fifo_end};
