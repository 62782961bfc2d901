/* SPDX-License-Identifier: MIT */
/*
 * Inter-process communication in user space, as POSIX.1-2024 and Linux have it: each function is
 * the one of its name without ipcref_, with the same arguments, results and errors.  ipcref(3)
 * lists them, ipcref(7) tells what differs and why.
 */
#ifndef IPCREF_H
#define IPCREF_H

#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* -- descriptors: of our objects, and all others, which go to the platform ------------------------
 */

ssize_t ipcref_read(int fd, void *buffer, size_t size);
ssize_t ipcref_write(int fd, const void *buffer, size_t size);
ssize_t ipcref_readv(int fd, const struct iovec *vector, int count);
ssize_t ipcref_writev(int fd, const struct iovec *vector, int count);
ssize_t ipcref_pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t ipcref_pwrite(int fd, const void *buffer, size_t size, off_t offset);
off_t ipcref_lseek(int fd, off_t offset, int whence);
int ipcref_close(int fd);
int ipcref_dup(int fd);
int ipcref_dup2(int fd, int as);
int ipcref_dup3(int fd, int as, int flags);
int ipcref_fcntl(int fd, int command, ... /* int, long or a pointer */);
int ipcref_ioctl(int fd, unsigned long request, ... /* a pointer */);
int ipcref_fstat(int fd, struct stat *status);
int ipcref_fsync(int fd);
int ipcref_ftruncate(int fd, off_t size);
void *ipcref_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int ipcref_posix_fadvise(int fd, off_t offset, off_t size, int advice);
int ipcref_posix_fallocate(int fd, off_t offset, off_t size);

/* Any mix of ours and the platform's. */
int ipcref_poll(struct pollfd *descriptors, nfds_t count, int milliseconds);
int ipcref_ppoll(struct pollfd *descriptors, nfds_t count, const struct timespec *timeout,
		 const sigset_t *mask);
int ipcref_select(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
		  struct timeval *timeout);
int ipcref_pselect(int count, fd_set *readable, fd_set *writable, fd_set *exceptional,
		   const struct timespec *timeout, const sigset_t *mask);

/* -- pipes ------------------------------------------------------------------------------------- */

int ipcref_pipe(int ends[2]);
int ipcref_pipe2(int ends[2], int flags);

/* A path that isn't a FIFO of ours goes to the platform. */
int ipcref_mkfifo(const char *path, mode_t mode);
int ipcref_mkfifoat(int directory, const char *path, mode_t mode);
int ipcref_mknod(const char *path, mode_t mode, dev_t device);
int ipcref_open(const char *path, int flags, ... /* mode_t mode */);
int ipcref_stat(const char *path, struct stat *status);
int ipcref_chmod(const char *path, mode_t mode);

/* -- System V message queues --------------------------------------------------------------------
 */

int ipcref_msgget(key_t key, int flags);
int ipcref_msgsnd(int id, const void *message, size_t size, int flags);
ssize_t ipcref_msgrcv(int id, void *message, size_t size, long type, int flags);
int ipcref_msgctl(int id, int command, struct msqid_ds *status);

/* -- POSIX message queues -----------------------------------------------------------------------
 */

mqd_t ipcref_mq_open(const char *name, int flags,
		     ... /* mode_t mode, struct mq_attr *attributes */);
int ipcref_mq_close(mqd_t queue);
int ipcref_mq_unlink(const char *name);
int ipcref_mq_send(mqd_t queue, const char *bytes, size_t size, unsigned priority);
int ipcref_mq_timedsend(mqd_t queue, const char *bytes, size_t size, unsigned priority,
			const struct timespec *deadline);
ssize_t ipcref_mq_receive(mqd_t queue, char *bytes, size_t size, unsigned *priority);
ssize_t ipcref_mq_timedreceive(mqd_t queue, char *bytes, size_t size, unsigned *priority,
			       const struct timespec *deadline);
int ipcref_mq_getattr(mqd_t queue, struct mq_attr *attributes);
int ipcref_mq_setattr(mqd_t queue, const struct mq_attr *attributes, struct mq_attr *old);
int ipcref_mq_notify(mqd_t queue, const struct sigevent *event);

/* -- shared memory ------------------------------------------------------------------------------
 */

int ipcref_shmget(key_t key, size_t size, int flags);
void *ipcref_shmat(int id, const void *address, int flags);
int ipcref_shmdt(const void *address);
int ipcref_shmctl(int id, int command, struct shmid_ds *status);
int ipcref_shm_open(const char *name, int flags, mode_t mode);
int ipcref_shm_unlink(const char *name);

/* -- POSIX semaphores ---------------------------------------------------------------------------
 */

int ipcref_sem_init(sem_t *sem, int pshared, unsigned value);
int ipcref_sem_destroy(sem_t *sem);
sem_t *ipcref_sem_open(const char *name, int flags, ... /* mode_t mode, unsigned value */);
int ipcref_sem_close(sem_t *sem);
int ipcref_sem_unlink(const char *name);
int ipcref_sem_wait(sem_t *sem);
int ipcref_sem_trywait(sem_t *sem);
int ipcref_sem_timedwait(sem_t *sem, const struct timespec *deadline);
int ipcref_sem_clockwait(sem_t *sem, clockid_t clock, const struct timespec *deadline);
int ipcref_sem_post(sem_t *sem);
int ipcref_sem_getvalue(sem_t *sem, int *value);

/* -- System V semaphore sets --------------------------------------------------------------------
 */

int ipcref_semget(key_t key, int count, int flags);
int ipcref_semop(int id, struct sembuf *operations, size_t count);
int ipcref_semtimedop(int id, struct sembuf *operations, size_t count,
		      const struct timespec *timeout);
int ipcref_semctl(int id, int number, int command, ... /* union semun */);

/* -- sockets, of AF_UNIX; others go to the platform ----------------------------------------------
 */

int ipcref_socket(int domain, int type, int protocol);
int ipcref_socketpair(int domain, int type, int protocol, int ends[2]);
int ipcref_bind(int fd, const struct sockaddr *address, socklen_t size);
int ipcref_listen(int fd, int backlog);
int ipcref_accept(int fd, struct sockaddr *address, socklen_t *size);
int ipcref_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags);
int ipcref_connect(int fd, const struct sockaddr *address, socklen_t size);
int ipcref_getsockname(int fd, struct sockaddr *address, socklen_t *size);
int ipcref_getpeername(int fd, struct sockaddr *address, socklen_t *size);
int ipcref_getsockopt(int fd, int level, int option, void *value, socklen_t *size);
int ipcref_setsockopt(int fd, int level, int option, const void *value, socklen_t size);
int ipcref_shutdown(int fd, int how);
int ipcref_sockatmark(int fd);
ssize_t ipcref_send(int fd, const void *buffer, size_t size, int flags);
ssize_t ipcref_recv(int fd, void *buffer, size_t size, int flags);
ssize_t ipcref_sendto(int fd, const void *buffer, size_t size, int flags,
		      const struct sockaddr *address, socklen_t address_size);
ssize_t ipcref_recvfrom(int fd, void *buffer, size_t size, int flags, struct sockaddr *address,
			socklen_t *address_size);
ssize_t ipcref_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t ipcref_recvmsg(int fd, struct msghdr *message, int flags);
#ifdef MSG_WAITFORONE
struct mmsghdr; /* <sys/socket.h> has it for who defines _GNU_SOURCE */
int ipcref_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);
int ipcref_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
		    struct timespec *timeout);
#endif

/* -- signals: queued, and taken by who waits for them --------------------------------------------
 */

int ipcref_sigqueue(pid_t pid, int signal, const union sigval value);
int ipcref_sigpending(sigset_t *set);
int ipcref_sigwait(const sigset_t *set, int *signal);
int ipcref_sigwaitinfo(const sigset_t *set, siginfo_t *info);
int ipcref_sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout);

/* -- events -------------------------------------------------------------------------------------
 */

int ipcref_eventfd(unsigned initial, int flags);

/* -- locks, process-shared and of threads: in the types of <pthread.h> ----------------------------
 */

int ipcref_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes);
int ipcref_mutex_destroy(pthread_mutex_t *mutex);
int ipcref_mutex_lock(pthread_mutex_t *mutex);
int ipcref_mutex_trylock(pthread_mutex_t *mutex);
int ipcref_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *deadline);
int ipcref_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock,
			   const struct timespec *deadline);
int ipcref_mutex_unlock(pthread_mutex_t *mutex);
int ipcref_mutex_consistent(pthread_mutex_t *mutex);

int ipcref_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes);
int ipcref_cond_destroy(pthread_cond_t *cond);
int ipcref_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int ipcref_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
			  const struct timespec *deadline);
int ipcref_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
			  const struct timespec *deadline);
int ipcref_cond_signal(pthread_cond_t *cond);
int ipcref_cond_broadcast(pthread_cond_t *cond);

int ipcref_rwlock_init(pthread_rwlock_t *rwlock, const pthread_rwlockattr_t *attributes);
int ipcref_rwlock_destroy(pthread_rwlock_t *rwlock);
int ipcref_rwlock_rdlock(pthread_rwlock_t *rwlock);
int ipcref_rwlock_tryrdlock(pthread_rwlock_t *rwlock);
int ipcref_rwlock_timedrdlock(pthread_rwlock_t *rwlock, const struct timespec *deadline);
int ipcref_rwlock_clockrdlock(pthread_rwlock_t *rwlock, clockid_t clock,
			      const struct timespec *deadline);
int ipcref_rwlock_wrlock(pthread_rwlock_t *rwlock);
int ipcref_rwlock_trywrlock(pthread_rwlock_t *rwlock);
int ipcref_rwlock_timedwrlock(pthread_rwlock_t *rwlock, const struct timespec *deadline);
int ipcref_rwlock_clockwrlock(pthread_rwlock_t *rwlock, clockid_t clock,
			      const struct timespec *deadline);
int ipcref_rwlock_unlock(pthread_rwlock_t *rwlock);

int ipcref_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attributes,
			unsigned count);
int ipcref_barrier_destroy(pthread_barrier_t *barrier);
int ipcref_barrier_wait(pthread_barrier_t *barrier);

int ipcref_spin_init(pthread_spinlock_t *spin, int pshared);
int ipcref_spin_destroy(pthread_spinlock_t *spin);
int ipcref_spin_lock(pthread_spinlock_t *spin);
int ipcref_spin_trylock(pthread_spinlock_t *spin);
int ipcref_spin_unlock(pthread_spinlock_t *spin);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
