/* SPDX-License-Identifier: MIT */
/* Deaths that leave a core file, and those that don't. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "stage/story.h"

enum { CORE_BYTES = 1 << 20 };

static const struct {
	const char *name;
	int number;
	const char *told;
} dumping[] = {
	{"SIGQUIT", SIGQUIT, "killed by SIGQUIT"},
	{"SIGABRT", SIGABRT, "killed by SIGABRT"},
};

static actor *parent, *child;

/* Files in the directory of who dies are the test's to find and the stage's to remove: no others.
 */
static void cores_stay_here(void)
{
	char pattern[256] = "";
	FILE *file = fopen("/proc/sys/kernel/core_pattern", "r");

	bool is_told = file && fgets(pattern, sizeof(pattern), file);
	if (file)
		fclose(file);
	if (!is_told)
		skip("where core files go isn't told here");
	pattern[strcspn(pattern, "\n")] = '\0';
	if (pattern[0] == '|' || pattern[0] == '@' || strchr(pattern, '/'))
		skip("core files go elsewhere: %s", pattern);
}

/* A directory of its own, in which nothing else is. */
static long long moves_away(const char *text, const long long *n)
{
	(void)n;
	must_be(mkdir(path_of(text), 0700), 0);
	return chdir(path_of(text));
}

static long long files_in(const char *text, const long long *n)
{
	DIR *stream = opendir(path_of(text));
	int count = 0;

	(void)n;
	must(stream != NULL);
	for (const struct dirent *entry; (entry = readdir(stream));)
		count += entry->d_name[0] != '.';
	closedir(stream);
	return count;
}

static void cast_family_with_cores_of(long bytes)
{
	cores_stay_here();
	parent = cast("parent");
	child = forks(parent, "child");
	does(parent, sig.handle(SIGCHLD, SA_SIGINFO));
	does(child, call(moves_away, "d", 0, 0, 0));
	begin(child, sig.limit_core(bytes));
	returns(child);
	if (outcome_of(child)->value == -1)
		skip("core files can't be had here");
}

/* SIGCHLD, waitid and waitpid are asked, in this order, and must tell the same. */
static int told_of_the_death(int signal, const char *told)
{
	does(parent, sig.kill(pid_of(child), signal));
	catches(parent, SIGCHLD, 1);
	does_give(parent, sig.info(SIGCHLD), SIGCHLD);
	int code = (int)outcome_of(parent)->n[INFO_CODE];

	must_be(outcome_of(parent)->n[INFO_STATUS], signal);
	does_give(parent, sig.reap_id(P_PID, pid_of(child), WEXITED | WNOWAIT), told);
	must_be(outcome_of(parent)->n[INFO_CODE], code);
	does_give(parent, sig.reap(pid_of(child), 0), told);
	must_be(!!WCOREDUMP((int)outcome_of(parent)->n[INFO_STATUS]), code == CLD_DUMPED);
	return code;
}

TEST_EACH(sig, a_core_file_is_told, dumping)
{
	cast_family_with_cores_of(CORE_BYTES);
	int code = told_of_the_death(row->number, row->told);

	does(parent, call(files_in, "d", 0, 0, 0));
	long long files = outcome_of(parent)->value;
	must_be(code, files ? CLD_DUMPED : CLD_KILLED);
	if (!files)
		skip("no core file is made here");
}

TEST_EACH(sig, a_limit_of_zero_leaves_no_core, dumping)
{
	cast_family_with_cores_of(0);
	must_be(told_of_the_death(row->number, row->told), CLD_KILLED);
	does_give(parent, call(files_in, "d", 0, 0, 0), 0);
}
