/* SPDX-License-Identifier: MIT */
/*
 * threads [locks | channels | tables | GAME]...: plays them, or all, and says how each went, as
 * TAP.
 */
#include "fault/threads.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ref/step.h"

enum { SECONDS = 60 }; /* of a game, at most; IPCTS_TIMEOUT_SCALE has so many times as much */

/* The points are nothing here. */
struct ipcref_hook ipcref_hook;

static const struct group {
	const char *name;
	const struct game *games;
} groups[] = {
	{"locks", lock_games}, {"channels", channel_games}, {"tables", table_games}, {NULL, NULL}};
static const struct game *game;
static int played;

/* Of objects that have names, and only of these threads. */
static char folder[64];

static void make_folder(void)
{
	static const char *const parents[] = {"/dev/shm", "/tmp"};

	for (size_t i = 0; i < sizeof(parents) / sizeof(parents[0]); i++) {
		snprintf(folder, sizeof(folder), "%s/threads-XXXXXX", parents[i]);
		if (mkdtemp(folder)) {
			setenv("IPCREF_NAMESPACE", folder, 1);
			return;
		}
	}
	perror("threads: mkdtemp");
	exit(2);
}

static void remove_folder(void)
{
	DIR *stream = opendir(folder);
	const struct dirent *entry;

	while (stream && (entry = readdir(stream)))
		unlinkat(dirfd(stream), entry->d_name, 0);
	if (stream)
		closedir(stream);
	rmdir(folder);
}

static void is_late(int number)
{
	(void)number;
	remove_folder();
	(void)!write(STDOUT_FILENO, "Bail out! it takes too long\n", 28);
	_exit(1);
}

void fail(const char *file, int line, const char *what, int error)
{
	printf("not ok %d - %s\n# %s:%d: %s (%s)\n", played + 1, game->name, file, line, what,
	       strerror(error));
	fflush(stdout);
	remove_folder();
	_exit(1);
}

static void *play(void *number)
{
	game->play((unsigned)(uintptr_t)number);
	return NULL;
}

static unsigned most_seconds(void)
{
	const char *scale = getenv("IPCTS_TIMEOUT_SCALE");
	double times = scale ? strtod(scale, NULL) : 1;

	return (unsigned)(SECONDS * (times > 1 ? times : 1));
}

static void play_game(void)
{
	pthread_t threads[THREADS];

	alarm(most_seconds());
	if (game->begin)
		game->begin();
	for (unsigned i = 0; i < THREADS; i++)
		MUST_BE_0(pthread_create(&threads[i], NULL, play, (void *)(uintptr_t)i));
	for (unsigned i = 0; i < THREADS; i++)
		MUST_BE_0(pthread_join(threads[i], NULL));
	if (game->end)
		game->end();
	alarm(0);
}

/* By its own name, by its group's, or because nobody is named. */
static bool is_wanted(const struct group *group, const struct game *one, char **wanted)
{
	bool any = *wanted != NULL;

	for (; *wanted; wanted++)
		if (strcmp(*wanted, group->name) == 0 || strcmp(*wanted, one->name) == 0)
			return true;
	return !any;
}

static bool is_known(char *name)
{
	char *wanted[] = {name, NULL};

	for (const struct group *group = groups; group->name; group++)
		for (const struct game *one = group->games; one->name; one++)
			if (is_wanted(group, one, wanted))
				return true;
	return false;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!is_known(argv[i])) {
			fprintf(stderr, "threads: %s: no such game\n", argv[i]);
			return 2;
		}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGALRM, is_late);
	make_folder();
	for (const struct group *group = groups; group->name; group++)
		for (game = group->games; game->name; game++) {
			if (!is_wanted(group, game, argv + 1))
				continue;
			play_game();
			printf("ok %d - %s\n", ++played, game->name);
		}
	printf("1..%d\n", played);
	remove_folder();
	return 0;
}
