/* SPDX-License-Identifier: MIT */
#include "report/platform.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

static void fact_add(struct platform *platform, const char *name, bool number, const char *format,
		     ...) __attribute__((format(printf, 4, 5)));

static void fact_add(struct platform *platform, const char *name, bool number, const char *format,
		     ...)
{
	if (platform->count == FACT_MAX)
		return;

	struct fact *fact = &platform->facts[platform->count++];
	va_list arguments;

	fact->name = name;
	fact->number = number;
	va_start(arguments, format);
	vsnprintf(fact->value, sizeof(fact->value), format, arguments);
	va_end(arguments);
}

/* What a program can tell of the library it was built with; musl leaves no mark but its own types.
 */
static void libc_name(char *name, size_t size)
{
#if defined(__GLIBC__)
	snprintf(name, size, "glibc %s", gnu_get_libc_version());
#elif defined(__BIONIC__)
	snprintf(name, size, "bionic");
#elif defined(__UCLIBC__)
	snprintf(name, size, "uClibc");
#elif defined(__DEFINED_size_t)
	snprintf(name, size, "musl");
#else
	snprintf(name, size, "unknown libc");
#endif
}

static bool is_big_endian(void)
{
	const uint16_t one = 1;
	unsigned char first;

	memcpy(&first, &one, 1);
	return first == 0;
}

static void read_system(struct platform *platform)
{
	struct utsname system = {0};
	char libc[64];

	uname(&system);
	libc_name(libc, sizeof(libc));
	fact_add(platform, "system", false, "%s", system.sysname);
	fact_add(platform, "kernel", false, "%s", system.release);
	fact_add(platform, "kernel_version", false, "%s", system.version);
	fact_add(platform, "arch", false, "%s", system.machine);
	fact_add(platform, "libc", false, "%s", libc);
	fact_add(platform, "endian", false, "%s", is_big_endian() ? "big" : "little");
	fact_add(platform, "pointer_bits", true, "%zu", sizeof(void *) * CHAR_BIT);
	fact_add(platform, "long_bits", true, "%zu", sizeof(long) * CHAR_BIT);
	snprintf(platform->summary, sizeof(platform->summary), "%s %s, %s, %s-endian, %zu bits, %s",
		 system.sysname, system.release, system.machine, is_big_endian() ? "big" : "little",
		 sizeof(void *) * CHAR_BIT, libc);
}

static void read_sysconf(struct platform *platform)
{
	static const struct {
		const char *name;
		int key;
	} keys[] = {
		{"page_size", _SC_PAGESIZE},	      {"mq_open_max", _SC_MQ_OPEN_MAX},
		{"mq_prio_max", _SC_MQ_PRIO_MAX},     {"sem_nsems_max", _SC_SEM_NSEMS_MAX},
		{"sem_value_max", _SC_SEM_VALUE_MAX}, {"sigqueue_max", _SC_SIGQUEUE_MAX},
		{"rtsig_max", _SC_RTSIG_MAX},	      {"iov_max", _SC_IOV_MAX},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		long value = sysconf(keys[i].key);

		if (value >= 0)
			fact_add(platform, keys[i].name, true, "%ld", value);
	}

	cpu_set_t cpus;
	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
		fact_add(platform, "cpus", true, "%d", CPU_COUNT(&cpus));
	fact_add(platform, "root", false, "%s", geteuid() == 0 ? "yes" : "no");
}

/* The first line of a small file; false if it can't be read. */
static bool read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;

	ssize_t n = read(fd, line, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	for (char *tab = line; (tab = strchr(tab, '\t'));)
		*tab = ' ';
	return true;
}

static void read_limits(struct platform *platform)
{
	static const struct {
		const char *name, *path;
	} files[] = {
		{"msgmax", "/proc/sys/kernel/msgmax"},
		{"msgmnb", "/proc/sys/kernel/msgmnb"},
		{"msgmni", "/proc/sys/kernel/msgmni"},
		{"sem", "/proc/sys/kernel/sem"},
		{"shmmax", "/proc/sys/kernel/shmmax"},
		{"shmall", "/proc/sys/kernel/shmall"},
		{"shmmni", "/proc/sys/kernel/shmmni"},
		{"mqueue_msg_max", "/proc/sys/fs/mqueue/msg_max"},
		{"mqueue_msgsize_max", "/proc/sys/fs/mqueue/msgsize_max"},
		{"mqueue_queues_max", "/proc/sys/fs/mqueue/queues_max"},
		{"pipe_max_size", "/proc/sys/fs/pipe-max-size"},
		{"pipe_user_pages_soft", "/proc/sys/fs/pipe-user-pages-soft"},
		{"pipe_user_pages_hard", "/proc/sys/fs/pipe-user-pages-hard"},
		{"max_dgram_qlen", "/proc/sys/net/unix/max_dgram_qlen"},
		{"somaxconn", "/proc/sys/net/core/somaxconn"},
		{"wmem_max", "/proc/sys/net/core/wmem_max"},
		{"protected_fifos", "/proc/sys/fs/protected_fifos"},
	};
	char line[128];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!read_line(files[i].path, line, sizeof(line)))
			continue;
		bool number = line[0] && line[strspn(line, "0123456789")] == '\0';
		fact_add(platform, files[i].name, number, "%s", line);
	}
}

static void read_rlimits(struct platform *platform)
{
	static const struct {
		const char *name;
		int resource;
	} limits[] = {
		{"rlimit_nofile", RLIMIT_NOFILE},     {"rlimit_nproc", RLIMIT_NPROC},
		{"rlimit_msgqueue", RLIMIT_MSGQUEUE}, {"rlimit_sigpending", RLIMIT_SIGPENDING},
		{"rlimit_memlock", RLIMIT_MEMLOCK},   {"rlimit_as", RLIMIT_AS},
		{"rlimit_fsize", RLIMIT_FSIZE},	      {"rlimit_stack", RLIMIT_STACK},
		{"rlimit_cpu", RLIMIT_CPU},
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit limit;

		if (getrlimit(limits[i].resource, &limit) < 0)
			continue;
		if (limit.rlim_cur == RLIM_INFINITY)
			fact_add(platform, limits[i].name, false, "unlimited");
		else
			fact_add(platform, limits[i].name, true, "%ju", (uintmax_t)limit.rlim_cur);
	}
}

void platform_read(struct platform *platform)
{
	platform->count = 0;
	read_system(platform);
	read_sysconf(platform);
	read_limits(platform);
	read_rlimits(platform);
}
