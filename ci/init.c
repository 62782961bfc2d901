/* SPDX-License-Identifier: MIT */
/*
 * The first process of a kernel that ci/kernel.sh boots: makes the system that a program expects,
 * with the modules that are in /modules, runs /command (its words, each ended by a NUL), says how
 * that ended, and powers off.
 *
 * The console is the only way out, and the kernel's own messages come in between.  So what the
 * program says gets a mark at the beginning of each line: "1" for standard output, "2" for standard
 * error, then " ", or "+" if the line goes on.  The last line is "= STATUS BYTES", with the number
 * of bytes it said: nothing can be lost unnoticed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { WORDS_MAX = 256, COMMAND_MAX = 65536 };

static unsigned long long bytes;

static void complain(const char *what)
{
	printf("init: %s: %s\n", what, strerror(errno));
}

static void mount_at(const char *type, const char *at, const char *options)
{
	mkdir(at, 0755);
	if (mount(type, at, type, 0, options) == -1)
		complain(at);
}

static void link_at(const char *target, const char *at)
{
	if (symlink(target, at) == -1)
		complain(at);
}

/* Bytes are to arrive as they were written. */
static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);
	struct termios settings;

	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
	if (tcgetattr(1, &settings) == 0) {
		settings.c_oflag &= ~(tcflag_t)OPOST;
		tcsetattr(1, TCSANOW, &settings);
	}
}

static void raise_loopback(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (ioctl(fd, SIOCSIFFLAGS, &lo) == -1)
		complain("lo");
	close(fd);
}

/* In the order of their names: who needs another comes after it. */
static void load_modules(void)
{
	struct dirent **modules;
	int count = scandir("/modules", &modules, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];

		if (modules[i]->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/modules/%s", modules[i]->d_name);
		int fd = open(path, O_RDONLY);
		if (syscall(SYS_finit_module, fd, "", 0) == -1)
			complain(path);
		close(fd);
	}
}

static void make_system(void)
{
	mount_at("devtmpfs", "/dev", NULL);
	open_console();
	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	mount_at("devpts", "/dev/pts", "mode=620,ptmxmode=666");
	mount_at("tmpfs", "/tmp", "mode=1777");
	mount_at("tmpfs", "/dev/shm", "mode=1777");
	mount_at("mqueue", "/dev/mqueue", NULL);
	link_at("/proc/self/fd", "/dev/fd");
	link_at("/proc/self/fd/0", "/dev/stdin");
	link_at("/proc/self/fd/1", "/dev/stdout");
	link_at("/proc/self/fd/2", "/dev/stderr");
	load_modules();
	raise_loopback();
}

static void read_command(char **words)
{
	static char text[COMMAND_MAX];
	int fd = open("/command", O_RDONLY);
	ssize_t length = read(fd, text, sizeof(text) - 1);
	int count = 0;

	for (char *word = text; word < text + length; word += strlen(word) + 1)
		if (count < WORDS_MAX - 1)
			words[count++] = word;
	words[count] = NULL;
	close(fd);
}

static void execute(char **words, int out, int err)
{
	sigset_t none;

	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(out, 1);
	dup2(err, 2);
	for (int fd = 3; fd < 16; fd++)
		close(fd);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execv(words[0], words);
	complain(words[0]);
	_exit(127);
}

/* Passes on what there is; false at the end, or if there's nothing. */
static bool relay(char mark, int end)
{
	char text[4096];
	ssize_t length = read(end, text, sizeof(text));
	const char *piece = text;

	while (piece < text + length) {
		size_t left = (size_t)(text + length - piece);
		const char *newline = memchr(piece, '\n', left);
		size_t size = newline ? (size_t)(newline - piece) : left;

		printf("%c%c", mark, newline ? ' ' : '+');
		fwrite(piece, 1, size, stdout);
		putchar('\n');
		piece += size + (newline != NULL);
		bytes += size;
	}
	fflush(stdout);
	return length > 0;
}

static void nothing(int number)
{
	(void)number;
}

/* Gives what waitpid has to say of the program, and reaps whoever else ends meanwhile. */
static int attend(pid_t program, int out, int err)
{
	struct pollfd ends[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
	sigset_t none;
	pid_t pid = 0;
	int status = 0;

	sigemptyset(&none);
	while (pid != program) {
		if (ppoll(ends, 2, NULL, &none) > 0)
			for (int i = 0; i < 2; i++)
				if (ends[i].revents && !relay((char)('1' + i), ends[i].fd))
					ends[i].fd = -1;
		do
			pid = waitpid(-1, &status, WNOHANG);
		while (pid > 0 && pid != program);
	}
	return status;
}

/* What it said last.  Who was left behind may keep the pipe open: that is not waited for. */
static void drain(char mark, int end)
{
	fcntl(end, F_SETFL, O_NONBLOCK);
	while (relay(mark, end))
		;
}

int main(void)
{
	char *words[WORDS_MAX];
	sigset_t child;
	int out[2], err[2], status;
	pid_t program;

	make_system();
	putchar('\n'); /* ends whatever the machine said before */
	read_command(words);

	signal(SIGCHLD, nothing);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	if (pipe(out) == -1 || pipe(err) == -1 || (program = fork()) == -1) {
		complain("init");
	} else if (program == 0) {
		execute(words, out[1], err[1]);
	} else {
		close(out[1]);
		close(err[1]);
		status = attend(program, out[0], err[0]);
		drain('1', out[0]);
		drain('2', err[0]);
		printf("= %d %llu\n",
		       WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), bytes);
	}
	fflush(stdout);
	tcdrain(1);
	reboot(RB_POWER_OFF);
	return 1;
}
