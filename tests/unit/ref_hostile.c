/* SPDX-License-Identifier: MIT */
/* Lives with hostile peers, who write what they like into an object or cut it off. */
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/mq.h"
#include "tests/unit/ref_lives.h"

/* A peer cuts the file off: there is no object any more, and no signal. */
void live_with_a_file_cut_off(void)
{
	struct mq_attr attributes;
	char name[32];
	int id;
	int queue = (int)ipcref_mq_open("/q", O_RDWR | O_CREAT, 0600, NULL);

	MUST(queue >= 0 && ipcref_mq_send(queue, "a", 1, 0) == 0);
	MUST(truncate(file_of("mq.q"), 0) == 0);
	MUST_FAIL(ipcref_mq_send(queue, "b", 1, 0), EBADMSG);
	MUST_FAIL(ipcref_mq_send(queue, "b", 1, 0), EBADMSG);
	MUST_FAIL(ipcref_mq_getattr(queue, &attributes), EBADMSG);
	MUST(ipcref_mq_unlink("/q") == 0);

	MUST((id = ipcref_shmget(IPC_PRIVATE, 1 << 20, 0600)) >= 0);
	snprintf(name, sizeof(name), "shm.%d", id);
	MUST(truncate(file_of(name), 1 << 16) == 0);
	MUST(ipcref_shmat(id, NULL, 0) == MAP_FAILED && errno == EBADMSG);
	MUST(ipcref_shmctl(id, IPC_RMID, NULL) == 0);
}

/* A peer says that the journal is longer than the file. */
void live_with_a_journal_beyond_the_end(void)
{
	int queue = (int)ipcref_mq_open("/q", O_RDWR | O_CREAT, 0600, NULL);
	int fd = open(file_of("mq.q"), O_RDWR);
	struct object *peers =
		mmap(NULL, sizeof(*peers), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct stat status;

	MUST(queue >= 0 && fd >= 0 && peers != MAP_FAILED && ipcref_mq_close((mqd_t)queue) == 0);
	MUST(fstat(fd, &status) == 0);
	/* by far, and by less than the file has bytes */
	const uint32_t counts[] = {1 << 30, (uint32_t)status.st_size / 2};
	for (unsigned i = 0; i < 2; i++) {
		peers->more_words = counts[i];
		MUST((queue = (int)ipcref_mq_open("/q", O_RDWR)) >= 0);
		atomic_store(&peers->journal_count, counts[i] / 2);
		atomic_store(&peers->lock.word, LOCK_OWNER_DIED);
		ipcref_mq_send(queue, "a", 1, 0);
		MUST(ipcref_mq_close((mqd_t)queue) == 0);
	}
	MUST(ipcref_mq_unlink("/q") == 0);
}

/* Who is stopped as he waits for a message has it: it counts as one that is there no more. */
void live_with_a_stopped_receiver(void)
{
	int queue = (int)ipcref_mq_open("/q", O_RDWR | O_CREAT, 0600, NULL);
	int fd = open(file_of("mq.q"), O_RDWR), status;
	struct mq_queue *peers =
		mmap(NULL, sizeof(*peers), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct mq_attr attributes;
	char bytes[8192];
	pid_t pid;

	MUST(queue >= 0 && fd >= 0 && peers != MAP_FAILED);
	if ((pid = forks()) == 0) {
		have_patience(PATIENCE_SECONDS);
		_exit(ipcref_mq_receive(queue, bytes, sizeof(bytes), NULL) == 1 ? 0 : 1);
	}
	while (*(volatile uint32_t *)&peers->receivers.count == 0)
		sched_yield();
	/* it has given back the lock that it counted itself in under, and that is done: whoever
	 * dies with the lock takes nothing of it back */
	while (lock_is_taken(&peers->object.lock))
		sched_yield();
	atomic_store(&peers->object.lock.word, LOCK_OWNER_DIED);
	MUST(ipcref_mq_getattr(queue, &attributes) == 0);
	MUST(*(volatile uint32_t *)&peers->receivers.count == 1);
	MUST(kill(pid, SIGSTOP) == 0 && waitpid(pid, &status, WUNTRACED) == pid);
	MUST(ipcref_mq_send(queue, "a", 1, 0) == 0 && ipcref_mq_send(queue, "b", 1, 0) == 0);
	MUST(ipcref_mq_getattr(queue, &attributes) == 0 && attributes.mq_curmsgs == 1);
	MUST(kill(pid, SIGCONT) == 0 && waitpid(pid, &status, 0) == pid && status == 0);
	MUST(ipcref_mq_getattr(queue, &attributes) == 0 && attributes.mq_curmsgs == 1);
	MUST(ipcref_mq_unlink("/q") == 0);
}

/* A peer writes what it likes: the answer is an error. */
void live_with_a_list_that_leads_nowhere(void)
{
	struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 8};
	int queue = (int)ipcref_mq_open("/q", O_RDWR | O_CREAT, 0600, &attributes);
	int fd = open(file_of("mq.q"), O_RDWR);
	char bytes[8];

	MUST(queue >= 0 && fd >= 0);
	struct mq_queue *peers =
		mmap(NULL, sizeof(*peers), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(peers != MAP_FAILED && ipcref_mq_send(queue, "a", 1, 0) == 0);
	peers->first = 99999;
	MUST_FAIL(ipcref_mq_receive(queue, bytes, sizeof(bytes), NULL), EBADMSG);
	peers->last = 0;
	MUST_FAIL(ipcref_mq_send(queue, "b", 1, 0), EBADMSG);
	peers->first = 0;
	MUST_FAIL(ipcref_mq_receive(queue, bytes, sizeof(bytes), NULL), EBADMSG);
	peers->message_size = 99999;
	MUST_FAIL(ipcref_read(queue, bytes, sizeof(bytes)), EBADMSG);
	MUST(ipcref_mq_unlink("/q") == 0);
}

/* What somebody has broken its owner may remove, and root. */
void live_with_a_broken_object(void)
{
	enum { NOBODY = 61237 };
	char name[32];
	int id;

	if (geteuid() == 0)
		MUST(chmod(getenv("IPCREF_NAMESPACE"), 0777) == 0 && seteuid(NOBODY) == 0);
	MUST((id = ipcref_msgget(IPC_PRIVATE, 0600)) >= 0);
	snprintf(name, sizeof(name), "msg.%d", id);
	MUST(truncate(file_of(name), 0) == 0);
	if (getuid() == 0)
		MUST(seteuid(0) == 0);
	MUST(ipcref_msgctl(id, IPC_RMID, NULL) == 0);
	MUST(access(file_of(name), F_OK) == -1 && errno == ENOENT);

	/* and who only looks removes nothing */
	struct shmid_ds status;
	MUST((id = ipcref_shmget(IPC_PRIVATE, 1, 0600)) >= 0);
	snprintf(name, sizeof(name), "shm.%d", id);
	MUST(truncate(file_of(name), 0) == 0);
	MUST_FAIL(ipcref_shmctl(id, IPC_STAT, &status), EBADMSG);
	MUST(access(file_of(name), F_OK) == 0);
	MUST(ipcref_shmctl(id, IPC_RMID, NULL) == 0);
	MUST(access(file_of(name), F_OK) == -1 && errno == ENOENT);
}
