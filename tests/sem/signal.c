/* SPDX-License-Identifier: MIT */
/* Signals that come while somebody waits. */
#include "stage/story.h"

enum { LONG = 100000 };

struct wait_kind {
	const char *name;
	op (*wait)(const char *s, long milliseconds);
};

static op plain_wait(const char *s, long milliseconds)
{
	(void)milliseconds;
	return sem.wait(s);
}

static op timed_wait(const char *s, long milliseconds)
{
	return sem.timedwait(s, milliseconds);
}

static op clock_wait(const char *s, long milliseconds)
{
	return sem.clockwait(s, milliseconds);
}

static const struct wait_kind kinds[] = {
	{"wait", plain_wait},
	{"timedwait", timed_wait},
	{"clockwait", clock_wait},
};

TEST_EACH(sem, handler_interrupts_a_wait, kinds)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, 0));
	begin(bob, row->wait("s", LONG));
	blocks(bob);
	poke(bob, SIGUSR1);
	fails(bob, EINTR);
	must_be(caught(bob, SIGUSR1), 1);
	does(alice, sem.post("s"));
	does_give(alice, sem.value("s"), 1);
	does(bob, row->wait("s", LONG));
}

TEST(sem, restarting_handler_lets_the_wait_go_on)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, SA_RESTART));
	begin(bob, sem.wait("s"));
	blocks(bob);
	poke(bob, SIGUSR1);
	catches(bob, SIGUSR1, 1);
	blocks(bob);
	does(alice, sem.post("s"));
	succeeds(bob);
	does_give(alice, sem.value("s"), 0);
}

TEST_EACH(sem, ignored_signal_does_not_end_a_wait, kinds)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *bob = forks(alice, "bob");
	does(bob, sig.ignore(SIGUSR1));
	begin(bob, row->wait("s", LONG));
	blocks(bob);
	poke(bob, SIGUSR1);
	blocks(bob);
	does(alice, sem.post("s"));
	succeeds(bob);
}

static sem_t *posted;

static void post_in_handler(int number)
{
	int error = errno;

	impl->sem->sem_post(posted);
	errno = error;
	stage_note_signal(number);
}

static long long post_on_signal(const char *text, const long long *n)
{
	struct sigaction action = {.sa_handler = post_in_handler, .sa_flags = SA_RESTART};

	posted = handle_pointer(text);
	return impl->sig->sigaction((int)n[0], &action, NULL);
}

/* Whether the call had to be interrupted for it or not, the handler's post is there. */
static long long wait_through(const char *text, const long long *n)
{
	(void)n;
	while (impl->sem->sem_wait(handle_pointer(text)) < 0)
		must_be(errno, EINTR);
	return 0;
}

TEST(sem, handler_may_post)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	does(alice, call(post_on_signal, "s", SIGUSR1, 0, 0));
	for (int i = 0; i < 20; i++) {
		begin(alice, call(wait_through, "s", 0, 0, 0));
		blocks(alice);
		poke(alice, SIGUSR1);
		succeeds(alice);
	}
	does_give(alice, sem.value("s"), 0);
	does_give(alice, sem.value("s"), 0);
}

enum { POSTS = 2000, POKES = 100 };

static long long post_all(const char *text, const long long *n)
{
	for (long long i = 0; i < n[0]; i++)
		must_be(impl->sem->sem_post(handle_pointer(text)), 0);
	return 0;
}

/* Takes so many, interrupted or not. */
static long long take_all(const char *text, const long long *n)
{
	for (long long taken = 0; taken < n[0];) {
		if (impl->sem->sem_wait(handle_pointer(text)) == 0)
			taken++;
		else
			must_be(errno, EINTR);
	}
	return 0;
}

TEST(sem, count_survives_a_storm_of_signals)
{
	actor *alice = cast("alice");

	does(alice, sem.make("s", 0));
	actor *bob = forks(alice, "bob");
	does(bob, sig.handle(SIGUSR1, 0));
	begin(bob, call(take_all, "s", POSTS, 0, 0));
	for (unsigned i = 1; i <= POKES; i++) {
		begin(alice, call(post_all, "s", POSTS / POKES, 0, 0));
		poke(bob, SIGUSR1);
		succeeds(alice);
		catches(bob, SIGUSR1, i);
	}
	succeeds(bob);
	does_give(alice, sem.value("s"), 0);
}
