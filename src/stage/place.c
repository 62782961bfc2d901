/* SPDX-License-Identifier: MIT */
#include "stage/place.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#if defined(__x86_64__)
#include <sys/user.h>
#endif

#ifdef PTRACE_GET_SYSCALL_INFO
uintptr_t stopped_at(pid_t victim)
{
	struct __ptrace_syscall_info info;

	return ptrace(PTRACE_GET_SYSCALL_INFO, victim, (void *)sizeof(info), &info) > 0
		       ? (uintptr_t)info.instruction_pointer
		       : 0;
}
#else
uintptr_t stopped_at(pid_t victim)
{
	(void)victim;
	return 0;
}
#endif

void describe_place(uintptr_t place, char *text, size_t size)
{
	char line[512], path[256];
	uintptr_t begin, end, offset;
	FILE *maps = place ? fopen("/proc/self/maps", "re") : NULL;

	snprintf(text, size, "an unknown place");
	while (maps && fgets(line, sizeof(line), maps)) {
		path[0] = '\0';
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %" SCNxPTR " %*s %*s %255s", &begin,
			   &end, &offset, path) < 3 ||
		    place < begin || place >= end)
			continue;
		const char *slash = strrchr(path, '/');

		snprintf(text, size, "%s+0x%" PRIxPTR, slash ? slash + 1 : path,
			 place - begin + offset);
		break;
	}
	if (maps)
		fclose(maps);
}

/* -- a way to an instruction without a stop at all those before it -------------------------- */

#if defined(__x86_64__)
enum { BREAKPOINT = 0xCC, BREAKPOINT_MASK = 0xFF };

bool put_breakpoint(pid_t victim, uintptr_t place, long *was)
{
	errno = 0;
	*was = ptrace(PTRACE_PEEKTEXT, victim, (void *)place, NULL);
	return errno == 0 && ptrace(PTRACE_POKETEXT, victim, (void *)place,
				    (void *)((*was & ~(long)BREAKPOINT_MASK) | BREAKPOINT)) == 0;
}

bool take_breakpoint(pid_t victim, uintptr_t place, long was)
{
	void *counter = (void *)offsetof(struct user, regs.rip);

	return ptrace(PTRACE_POKETEXT, victim, (void *)place, (void *)was) == 0 &&
	       ptrace(PTRACE_PEEKUSER, victim, counter, NULL) == (long)place + 1 &&
	       ptrace(PTRACE_POKEUSER, victim, counter, (void *)place) == 0;
}
#else
bool put_breakpoint(pid_t victim, uintptr_t place, long *was)
{
	(void)victim, (void)place, (void)was;
	return false;
}

bool take_breakpoint(pid_t victim, uintptr_t place, long was)
{
	(void)victim, (void)place, (void)was;
	return false;
}
#endif
