/* SPDX-License-Identifier: MIT */
/* The command: the only file that names implementations. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "command/command.h"
#include "stage/play.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

extern const struct implementation posix_implementation, ref_implementation;

const struct implementation *const implementations[] = {
	&posix_implementation,
	&ref_implementation,
	NULL,
};

/*
 * A descriptor that was closed must not become a report's, or a test's.  It is opened the wrong way
 * round, so that using it is an error as before.
 */
static void fill_standard_descriptors(void)
{
	for (int number = 0; number <= STDERR_FILENO; number++)
		if (fcntl(number, F_GETFD) < 0 &&
		    open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY) != number)
			return;
}

static int print_version(void)
{
	struct sheet sheet = {0};

	sheet_add(&sheet, "ipcts " PACKAGE_VERSION "\n");
	return print(&sheet);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], ACTOR_OPTION) == 0)
		actor_main(argc, argv, implementations);

	fill_standard_descriptors();
	if (argc < 2)
		refuse("run, list, explain, diff, bench, fault, stress, explore, litmus or race? "
		       "(ipcts "
		       "--help tells more)");

	const char *command = argv[1];
	if (strcmp(command, "run") == 0)
		return run_command(argc - 1, argv + 1, argv[0]);
	if (strcmp(command, "list") == 0)
		return list_command(argc - 1, argv + 1);
	if (strcmp(command, "explain") == 0)
		return explain_command(argc - 1, argv + 1, argv[0]);
	if (strcmp(command, "diff") == 0)
		return diff_command(argc - 1, argv + 1, argv[0]);
	if (strcmp(command, "bench") == 0)
		return bench_command(argc - 1, argv + 1);
	if (strcmp(command, "fault") == 0)
		return fault_command(argc - 1, argv + 1);
	if (strcmp(command, "stress") == 0)
		return stress_command(argc - 1, argv + 1, argv[0]);
	if (strcmp(command, "explore") == 0)
		return explore_command(argc - 1, argv + 1);
	if (strcmp(command, "litmus") == 0)
		return litmus_command(argc - 1, argv + 1);
	if (strcmp(command, "race") == 0)
		return race_command(argc - 1, argv + 1);
	if (strcmp(command, "--version") == 0)
		return print_version();
	if (strcmp(command, "--help") == 0 || strcmp(command, "-h") == 0)
		print_help();
	refuse("%s: not run, list, explain, diff, bench, fault, stress, explore, litmus or race "
	       "(ipcts --help tells more)",
	       command);
}
