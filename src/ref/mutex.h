/* SPDX-License-Identifier: MIT */
/* A mutex in the bytes of a pthread_mutex_t: what condition variables need of it. */
#ifndef IPCREF_MUTEX_H
#define IPCREF_MUTEX_H

#include <pthread.h>
#include <stdbool.h>

/* False: it is one that only its holder may unlock, and this thread isn't that. */
bool mutex_may_be_unlocked(pthread_mutex_t *mutex);

#endif
