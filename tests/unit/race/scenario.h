/* SPDX-License-Identifier: MIT */
/*
 * Programs of two processes for the detector of races: each is right, with one kind of
 * synchronisation, and wrong when "broken" leaves that away.  Whether it is found depends on no
 * timing: what isn't ordered is a race whoever comes first.
 */
#ifndef IPCTS_TESTS_UNIT_RACE_SCENARIO_H
#define IPCTS_TESTS_UNIT_RACE_SCENARIO_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#if defined __SIZEOF_INT128__ && (defined __x86_64__ || defined __aarch64__)
#define HAVE_WIDE 1
__extension__ typedef unsigned __int128 wide;
struct two_words {
	_Alignas(16) unsigned long first;
	unsigned long second;
};
#else
#define HAVE_WIDE 0
#endif

/* What two processes share; all of it is there for each scenario. */
struct shared {
	int data;
	int more[64];
	_Atomic int flag, turn, third;
	_Atomic unsigned ticket, serving;
	int plain_flag;
	pthread_mutex_t mutex, other_mutex, robust;
	pthread_cond_t cond;
	pthread_rwlock_t rwlock;
	pthread_barrier_t barrier;
	pthread_spinlock_t spin;
	sem_t sem, permits;
	_Atomic int futex;
	struct {
		unsigned one : 3, other : 5;
	} bits;
	char text[256];
#if HAVE_WIDE
	wide wide;
	struct two_words two_words;
#endif
};
extern struct shared *shared;

/* The edge isn't there. */
extern bool broken;
/* Who the other is. */
extern pid_t child;
/* Made before the fork, for all; ends of pipes and pairs. */
extern int channel[2], pair[2], event_fd, file_fd;
extern char directory[128];

struct scenario {
	const char *name, *text;
	bool racy;			   /* there is no right form of it */
	void (*one)(void), (*other)(void); /* the parent's part, the child's */
	struct scenario *next;
};
void add_scenario(struct scenario *scenario);

#define ADD(name_, text_, racy_)                                                                   \
	static void name_##_one(void);                                                             \
	static void name_##_other(void);                                                           \
	__attribute__((constructor)) static void name_##_add(void)                                 \
	{                                                                                          \
		static struct scenario scenario = {.name = #name_,                                 \
						   .text = text_,                                  \
						   .racy = racy_,                                  \
						   .one = name_##_one,                             \
						   .other = name_##_other};                        \
		add_scenario(&scenario);                                                           \
	}
/* SCENARIO(name, text) { the parent's part } OTHER(name) { the child's } */
#define SCENARIO(name, text) ADD(name, text, false) static void name##_one(void)
#define RACY(name, text) ADD(name, text, true) static void name##_one(void)
#define OTHER(name) static void name##_other(void)

/* Stops the program with a line if it doesn't hold: the scenario could not be played. */
void must_(bool holds, const char *what, int line);
#define must(expression) must_(expression, #expression, __LINE__)

/* The child is done, and nothing of it is known. */
void await_flag(_Atomic int *flag, int value);

#endif
