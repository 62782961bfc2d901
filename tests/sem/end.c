/* SPDX-License-Identifier: MIT */
/* The end of a semaphore: its memory is another's as soon as who has waited for it says so. */
#include <string.h>

#include "stage/instruction.h"
#include "stage/story.h"

/* -- while the poster is anywhere in sem_post ------------------------------------------------- */

enum { OF_ANOTHER = 0x5a };

static sem_t *semaphore;
static pid_t waiter;
static bool is_of_another;

static void enter(const char *text)
{
	semaphore = handle_pointer(text);
}

static void make(void)
{
	memset(semaphore, 0, sizeof(*semaphore));
	must_be(impl->sem->sem_init(semaphore, 1, 0), 0);
	is_of_another = false;
}

static int post(void)
{
	return impl->sem->sem_post(semaphore);
}

/* The same memory, for what is no semaphore: a late write by the poster shows there. */
static void destroy_and_use_otherwise(void)
{
	must_be(impl->sem->sem_destroy(semaphore), 0);
	memset(semaphore, OF_ANOTHER, sizeof(*semaphore));
}

static int wait_and_use_otherwise(void)
{
	must_be(impl->sem->sem_wait(semaphore), 0);
	destroy_and_use_otherwise();
	return 0;
}

static void let_wait(void)
{
	waiter = bystander(wait_and_use_otherwise);
}

/* It may sleep still: the post has not come so far. */
static void see_it_through(void)
{
	bystander_is_through(waiter);
}

static void take_if_there(void)
{
	is_of_another = impl->sem->sem_trywait(semaphore) == 0;
	if (is_of_another)
		destroy_and_use_otherwise();
}

static const char *audit_memory(const struct death *death)
{
	const unsigned char *bytes = (const unsigned char *)semaphore;

	for (size_t i = 0; i < sizeof(*semaphore); i++)
		if (bytes[i] != OF_ANOTHER)
			return "it has written where the semaphore had been";
	return death->result == 0 ? NULL : "the post has failed";
}

static const char *audit_waiters(const struct death *death)
{
	return bystander_returns(waiter) == 0 ? audit_memory(death)
					      : "who waited does not come back";
}

static const char *audit_takers(const struct death *death)
{
	if (!is_of_another)
		take_if_there();
	return is_of_another ? audit_memory(death) : "what was posted can't be had";
}

static const struct row {
	const char *name;
	struct last_act act; /* nameless: threads race, by chance */
} ends[] = {
	{"asleep",
	 {.name = "sem_post",
	  .enter = enter,
	  .prepare = make,
	  .beside = let_wait,
	  .act = post,
	  .meanwhile = see_it_through,
	  .audit = audit_waiters}},
	{"awake",
	 {.name = "sem_post",
	  .enter = enter,
	  .prepare = make,
	  .act = post,
	  .meanwhile = take_if_there,
	  .audit = audit_takers}},
	{.name = "unmapped"},
};

/* -- by chance, and unmapped ------------------------------------------------------------------ */

enum { UNMAP_ROUNDS = 500 };

/* Maps a semaphore a round, shows it, and posts to it. */
static long long post_to_the_doomed(const char *text, const long long *n)
{
	sem_t *shown = handle_pointer("shown"), *taken = handle_pointer("taken");

	(void)text;
	for (int i = 0; i < UNMAP_ROUNDS; i++) {
		void *page = impl->sem->mmap(NULL, (size_t)n[0], PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		must(page != MAP_FAILED);
		must_be(impl->sem->sem_init(page, 1, 0), 0);
		shared()[0] = (uint64_t)(uintptr_t)page;
		must_be(impl->sem->sem_post(shown), 0);
		must_be(impl->sem->sem_post(page), 0);
		must_be(impl->sem->sem_wait(taken), 0);
	}
	return 0;
}

/* Waits, and makes an end of it. */
static long long wait_and_unmap(const char *text, const long long *n)
{
	sem_t *shown = handle_pointer("shown"), *taken = handle_pointer("taken");

	(void)text;
	for (int i = 0; i < UNMAP_ROUNDS; i++) {
		must_be(impl->sem->sem_wait(shown), 0);
		sem_t *doomed = (sem_t *)(uintptr_t)shared()[0];
		must_be(impl->sem->sem_wait(doomed), 0);
		must_be(impl->sem->sem_destroy(doomed), 0);
		must_be(impl->sem->munmap(doomed, (size_t)n[0]), 0);
		must_be(impl->sem->sem_post(taken), 0);
	}
	return 0;
}

TEST_EACH(sem, waiter_may_unmap_after_its_wait, ends)
{
	actor *poster = cast("poster");

	if (row->act.name) {
		does(poster, sem.make("s", 0));
		is_held_after_each_instruction(poster, "s", &row->act);
		return;
	}
	does(poster, sem.make_private("shown", 0));
	does(poster, sem.make_private("taken", 0));
	actor *thread = cast_thread(poster, "waiter");
	begin(thread, call(wait_and_unmap, NULL, 65536, 0, 0));
	begin(poster, call(post_to_the_doomed, NULL, 65536, 0, 0));
	succeeds(poster);
	succeeds(thread);
}
