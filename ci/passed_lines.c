/* SPDX-License-Identifier: MIT */
/*
 * What code was passed, also by those who are killed: the compiler calls this at each basic block
 * (-fsanitize-coverage=trace-pc), and it marks where it was called from in the file IPCTS_REACH,
 * which all processes of a run share.  A mark is a byte, as far into the file as into the program.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

extern const char __executable_start[], etext[];
void __sanitizer_cov_trace_pc(void);

static unsigned char *marks;
static uintptr_t size;

__attribute__((constructor)) static void open_marks(void)
{
	const char *path = getenv("IPCTS_REACH");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	size = (uintptr_t)etext - (uintptr_t)__executable_start;
	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0) {
		void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (mapped != MAP_FAILED)
			marks = mapped;
	}
	if (fd >= 0)
		close(fd);
}

void __sanitizer_cov_trace_pc(void)
{
	uintptr_t here = (uintptr_t)__builtin_return_address(0) - (uintptr_t)__executable_start;

	if (marks && here < size)
		marks[here] = 1;
}
