/* SPDX-License-Identifier: MIT */
/*
 * The calls that block, synchronise or tell the time, as they are under the scheduler: with the
 * same results and errors as libc's, but nothing ever really blocks.  A call that would is tried,
 * by its form that doesn't wait, and waits for its turn until somebody has changed what it is
 * about.  What has no such form (condition variables, futexes, barriers, time) is played in the
 * arena.
 *
 * The first argument is where the program calls it.  Only under MODE_SCHEDULED.
 */
#ifndef IPCTS_SCHED_MODEL_H
#define IPCTS_SCHED_MODEL_H

#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

#include "sched/arena.h"
#include "sched/runtime.h"

/* "MODELLED ? model_f(HERE, ...) : REAL(f)(...)" */
#define MODELLED (runtime_mode & MODE_SCHEDULED)
/* Also where all go at once: what is made is noted. */
#define EXPLORED (runtime_mode & (MODE_SCHEDULED | MODE_NOISY))

/* An operation of the program at that place; by default it changes what it is about. */
struct operation model_operation(enum operation_kind kind, uint64_t key, const void *pc);
/* Nanoseconds until a moment of a clock as the program sees it; 0 if it is past. */
int64_t model_until(clockid_t clock, const struct timespec *moment);

/* The run ends here, and with it the search: that call can't be explored. */
_Noreturn int model_refuse(const void *pc, const char *call);

/* model_process.c */
pid_t model_fork(const void *pc);
/* spawn: posix_spawn or posix_spawnp. */
int model_spawn(const void *pc, __typeof__(posix_spawn) *spawn, pid_t *pid, const char *path,
		const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
		char *const arguments[], char *const environment[]);
pid_t model_waitpid(const void *pc, pid_t pid, int *status, int options);
int model_waitid(const void *pc, idtype_t type, id_t id, siginfo_t *info, int options);
void model_assert(const char *assertion, const char *file, unsigned line);

/* model_thread.c: before a thread is made, after, and in it. */
unsigned model_thread_prepare(const void *pc);
void model_thread_made(unsigned actor, pthread_t thread, bool made);
void model_thread_begins(unsigned actor);
void model_thread_join(const void *pc, pthread_t thread);
unsigned model_thread_actor(pthread_t thread);

/* model_signal.c */
int model_kill(const void *pc, pid_t pid, int signal);
int model_sigqueue(const void *pc, pid_t pid, int signal, union sigval value);
int model_pthread_kill(const void *pc, pthread_t thread, int signal);
/* After it was done. */
void model_sigaction(int signal, const struct sigaction *action);
int model_sigprocmask(int how, const sigset_t *set, sigset_t *old);
/* mask: NULL as for pause. */
int model_sigsuspend(const void *pc, const sigset_t *mask);
int model_sigtimedwait(const void *pc, const sigset_t *set, siginfo_t *info,
		       const struct timespec *timeout);
void model_take_signals(void);
/* Of this thread, after its process handles others; as it begins: what who made it has masked; and
 * at its end. */
void model_mask_again(void);
void model_thread_masks(void);
void model_mask_all(void);
/* Another program has begun in this process: handlers are gone, what it masks isn't. */
void model_executed(void);

/* model_sem.c; timeout: an absolute time of CLOCK_REALTIME, NULL: none */
int model_sem_wait(const void *pc, sem_t *sem, clockid_t clock, const struct timespec *timeout);
int model_sem_trywait(const void *pc, sem_t *sem);
int model_sem_post(const void *pc, sem_t *sem);
int model_sem_getvalue(const void *pc, sem_t *sem, int *value);

/* model_lock.c */
int model_mutex_lock(const void *pc, pthread_mutex_t *mutex, clockid_t clock,
		     const struct timespec *timeout);
int model_mutex_trylock(const void *pc, pthread_mutex_t *mutex);
int model_mutex_unlock(const void *pc, pthread_mutex_t *mutex);
int model_cond_wait(const void *pc, pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
		    const struct timespec *timeout);
int model_cond_signal(const void *pc, pthread_cond_t *cond);
int model_cond_broadcast(const void *pc, pthread_cond_t *cond);
int model_rwlock_rdlock(const void *pc, pthread_rwlock_t *lock, clockid_t clock,
			const struct timespec *timeout);
int model_rwlock_wrlock(const void *pc, pthread_rwlock_t *lock, clockid_t clock,
			const struct timespec *timeout);
int model_rwlock_tryrdlock(const void *pc, pthread_rwlock_t *lock);
int model_rwlock_trywrlock(const void *pc, pthread_rwlock_t *lock);
int model_rwlock_unlock(const void *pc, pthread_rwlock_t *lock);
int model_spin_lock(const void *pc, pthread_spinlock_t *lock);
int model_spin_trylock(const void *pc, pthread_spinlock_t *lock);
int model_spin_unlock(const void *pc, pthread_spinlock_t *lock);
/* Beside libc's own: the model has to know how many it takes. */
void model_barrier_init(pthread_barrier_t *barrier, unsigned count);
int model_barrier_wait(const void *pc, pthread_barrier_t *barrier);

/* model_futex.c: the system call, whatever it asks for. */
long model_futex(const void *pc, uint32_t *word, int operation, uint32_t value,
		 const struct timespec *timeout, uint32_t *other, uint32_t value3);

/* model_time.c */
int model_clock_gettime(clockid_t clock, struct timespec *now);
int model_clock_nanosleep(const void *pc, clockid_t clock, int flags,
			  const struct timespec *request, struct timespec *left);
int model_sched_yield(const void *pc);

/* model_timer.c: of ITIMER_REAL */
int model_setitimer(const struct itimerval *timer, struct itimerval *old);
void model_getitimer(struct itimerval *old);

/* model_sysv.c */
int model_semtimedop(const void *pc, int id, struct sembuf *operations, size_t count,
		     const struct timespec *timeout);
int model_msgsnd(const void *pc, int id, const void *message, size_t size, int flags);
ssize_t model_msgrcv(const void *pc, int id, void *message, size_t size, long type, int flags);
/* After a semctl or msgctl that may have changed something: those who wait look again. */
void model_sysv_point(const void *pc, enum operation_kind kind, int id);
void model_sysv_changed(enum operation_kind kind, int id);

/* model_mq.c; timeout: absolute, NULL: none */
int model_mq_send(const void *pc, mqd_t queue, const char *message, size_t size, unsigned priority,
		  const struct timespec *timeout);
ssize_t model_mq_receive(const void *pc, mqd_t queue, char *message, size_t size,
			 unsigned *priority, const struct timespec *timeout);

/* model_get.c: what is found or made under a key or a name, which is removed after a failed run.
 * Whenever EXPLORED. */
int model_semget(const void *pc, key_t key, int count, int flags);
int model_msgget(const void *pc, key_t key, int flags);
int model_shmget(const void *pc, key_t key, size_t size, int flags);
int model_shm_open(const void *pc, const char *name, int flags, mode_t mode);
sem_t *model_sem_open(const void *pc, const char *name, int flags, mode_t mode, unsigned value);
mqd_t model_mq_open(const void *pc, const char *name, int flags, mode_t mode,
		    struct mq_attr *attributes);

/* After it was removed, or not: the result. */
int model_removed(enum leftover_kind kind, int id, const char *name, int result);

/*
 * model_file.c.  A call on a descriptor, in two halves: before it, the turn is waited for and then
 * until the call wouldn't block (false: it is to fail, with errno); after it, others look again.
 */
bool model_file_before(const void *pc, enum operation_kind kind, int fd, short events);
ssize_t model_file_after(int fd, ssize_t result);
/* A write that may be longer than there is room for. */
ssize_t model_write(const void *pc, int fd, const void *buffer, size_t size);
int model_close(const void *pc, int fd);
/* Whatever waits for descriptors: 0 of try is "none is ready". */
int model_await_files(const void *pc, int (*try)(void *argument), void *argument, int64_t timeout);
int model_poll(const void *pc, struct pollfd *fds, nfds_t count, int milliseconds);
int model_flock(const void *pc, int fd, int operation);
int model_fcntl_lock(const void *pc, int fd, int command, struct flock *lock);
int model_lockf(const void *pc, int fd, int command, off_t length);
int model_open(const void *pc, int directory, const char *path, int flags, mode_t mode);
/* Before a call that looks for a name, or changes one; and after the latter: its result. */
void model_name_point(const void *pc, enum operation_kind kind, bool changes);
int model_name_changed(int result);

#endif
