/* SPDX-License-Identifier: MIT */
/*
 * Runs a command where nothing can be traced, or where a tracer can't ask which call it sees:
 *
 *	deny ptrace|syscall-info COMMAND [ARGUMENT]...
 *
 * 77: it can't be had here.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/filter.h>
#include <linux/seccomp.h>
#endif

enum { UNAVAILABLE = 77, GET_SYSCALL_INFO = 0x420e };

#if defined(__linux__) && defined(SECCOMP_MODE_FILTER)
enum {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	LOW_WORD = 0
#else
	LOW_WORD = sizeof(unsigned)
#endif
};

static int deny(int request_only)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + LOW_WORD),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, GET_SYSCALL_INFO, 0,
			 (unsigned char)(request_only ? 1 : 0)),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO | (unsigned)(request_only ? EIO : EPERM)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]), filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}
#else
static int deny(int request_only)
{
	(void)request_only;
	errno = ENOSYS;
	return -1;
}
#endif

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	if (deny(strcmp(argv[1], "syscall-info") == 0) < 0) {
		fprintf(stderr, "no filter of system calls: %s\n", strerror(errno));
		return UNAVAILABLE;
	}
	execv(argv[2], argv + 2);
	fprintf(stderr, "%s: %s\n", argv[2], strerror(errno));
	return UNAVAILABLE;
}
