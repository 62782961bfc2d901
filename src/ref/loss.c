/* SPDX-License-Identifier: MIT */
#include "ref/loss.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* What is mapped beyond so many objects isn't looked after. */
enum { PLACES = 16384 };

static struct {
	_Atomic uintptr_t begin; /* 0: the place is free; TAKEN: it isn't any more */
	_Atomic size_t size;
} places[PLACES];
static const uintptr_t TAKEN = 1;

static struct sigaction before;

/* Where the object of this address is.  False: it is no object's. */
static bool find(uintptr_t address, uintptr_t *begin, uintptr_t *end)
{
	for (int i = 0; i < PLACES; i++) {
		*begin = atomic_load(&places[i].begin);
		*end = *begin + atomic_load(&places[i].size);
		if (*begin > TAKEN && address >= *begin && address < *end)
			return true;
	}
	return false;
}

/* The object is empty memory from there on, and so there's no object any more. */
static bool empty(uintptr_t from, uintptr_t begin, uintptr_t end)
{
	if (mmap((void *)from, end - from, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		return false;
	/* which may be gone too, and then it is here once more (SA_NODEFER) */
	*(volatile uint32_t *)begin = 0;
	return true;
}

static bool is_mended(uintptr_t address)
{
	uintptr_t gone = address - address % (uintptr_t)sysconf(_SC_PAGESIZE), begin, end;

	return find(address, &begin, &end) && empty(gone, begin, end);
}

static void on_loss(int number, siginfo_t *info, void *context)
{
	int saved = errno;
	bool is_done = info->si_code == BUS_ADRERR && is_mended((uintptr_t)info->si_addr);

	errno = saved;
	if (is_done)
		return;
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(number, info, context);
	} else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(number);
	} else if (before.sa_handler == SIG_DFL || info->si_code > 0) {
		/* as if there were no handler, when this one has returned */
		signal(number, SIG_DFL);
		raise(number);
	}
}

static void watch(void)
{
	struct sigaction action = {.sa_sigaction = on_loss,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER};

	sigemptyset(&action.sa_mask);
	sigaction(SIGBUS, &action, &before);
}

int loss_watch(void *memory, size_t size)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static _Atomic unsigned next;
	unsigned first = atomic_fetch_add(&next, 1);

	pthread_once(&once, watch);
	for (unsigned i = 0; i < PLACES; i++) {
		unsigned place = (first + i) % PLACES;
		uintptr_t none = 0;

		if (!atomic_compare_exchange_strong(&places[place].begin, &none, TAKEN))
			continue;
		atomic_store(&places[place].size, size);
		atomic_store(&places[place].begin, (uintptr_t)memory);
		return (int)place;
	}
	return -1;
}

void loss_forget(int place)
{
	if (place >= 0)
		atomic_store(&places[place].begin, 0);
}

void loss_declare(const void *memory)
{
	uintptr_t begin, end;
	int saved = errno;

	if (find((uintptr_t)memory, &begin, &end))
		empty(begin, begin, end);
	errno = saved;
}
