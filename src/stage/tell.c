/* SPDX-License-Identifier: MIT */
#include "stage/tell.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stage/scene.h"

/* A number of bytes up to which they are shown. */
enum { SHOWN_MAX = 40 };

/* -- names ------------------------------------------------------------------------------------ */

struct number_name {
	int number;
	const char *name;
};

#define N(name)                                                                                    \
	{                                                                                          \
		name, #name                                                                        \
	}
static const struct number_name errors[] = {
	N(EPERM),	 N(ENOENT),	     N(ESRCH),	      N(EINTR),
	N(EIO),		 N(ENXIO),	     N(E2BIG),	      N(ENOEXEC),
	N(EBADF),	 N(ECHILD),	     N(EAGAIN),	      N(ENOMEM),
	N(EACCES),	 N(EFAULT),	     N(EBUSY),	      N(EEXIST),
	N(EXDEV),	 N(ENODEV),	     N(ENOTDIR),      N(EISDIR),
	N(EINVAL),	 N(ENFILE),	     N(EMFILE),	      N(ENOTTY),
	N(EFBIG),	 N(ENOSPC),	     N(ESPIPE),	      N(EROFS),
	N(EMLINK),	 N(EPIPE),	     N(EDOM),	      N(ERANGE),
	N(EDEADLK),	 N(ENAMETOOLONG),    N(ENOLCK),	      N(ENOSYS),
	N(ENOTEMPTY),	 N(ELOOP),	     N(ENOMSG),	      N(EIDRM),
	N(EOVERFLOW),	 N(EBADMSG),	     N(EPROTO),	      N(ENOTSOCK),
	N(EDESTADDRREQ), N(EMSGSIZE),	     N(EPROTOTYPE),   N(ENOPROTOOPT),
	N(EOPNOTSUPP),	 N(EAFNOSUPPORT),    N(EADDRINUSE),   N(EADDRNOTAVAIL),
	N(ENETDOWN),	 N(ENETUNREACH),     N(ECONNABORTED), N(ECONNRESET),
	N(ENOBUFS),	 N(EISCONN),	     N(ENOTCONN),     N(ETIMEDOUT),
	N(ECONNREFUSED), N(EHOSTUNREACH),    N(EALREADY),     N(EINPROGRESS),
	N(EOWNERDEAD),	 N(ENOTRECOVERABLE), N(ECANCELED),    N(EPROTONOSUPPORT),
	N(ENOTSUP),	 N(ETXTBSY),
};

static const struct number_name signals[] = {
	N(SIGHUP),  N(SIGINT),	N(SIGQUIT), N(SIGILL),	N(SIGTRAP), N(SIGABRT), N(SIGBUS),
	N(SIGFPE),  N(SIGKILL), N(SIGUSR1), N(SIGSEGV), N(SIGUSR2), N(SIGPIPE), N(SIGALRM),
	N(SIGTERM), N(SIGCHLD), N(SIGCONT), N(SIGSTOP), N(SIGTSTP), N(SIGTTIN), N(SIGTTOU),
	N(SIGURG),  N(SIGXCPU), N(SIGXFSZ), N(SIGSYS),
};

static const struct number_name open_flags[] = {
	N(O_CREAT), N(O_EXCL), N(O_NONBLOCK), N(O_CLOEXEC), N(O_TRUNC), N(O_APPEND),
};
#undef N

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *name_in(const struct number_name *names, size_t count, int number)
{
	for (size_t i = 0; i < count; i++)
		if (names[i].number == number)
			return names[i].name;
	return NULL;
}

static const char *numbered(const char *kind, int number)
{
	static _Thread_local char buffers[4][24];
	static _Thread_local unsigned next;
	char *buffer = buffers[next++ % COUNT(buffers)];

	snprintf(buffer, sizeof(buffers[0]), "%s %d", kind, number);
	return buffer;
}

const char *error_name(int error)
{
	const char *name = name_in(errors, COUNT(errors), error);

	return name ? name : numbered("errno", error);
}

const char *signal_name(int number)
{
	const char *name = name_in(signals, COUNT(signals), number);

	if (!name && number >= SIGRTMIN && number <= SIGRTMAX)
		return numbered("SIGRTMIN +", number - SIGRTMIN);
	return name ? name : numbered("signal", number);
}

/* -- text ------------------------------------------------------------------------------------- */

struct text {
	char *bytes;
	size_t size, used;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
	va_list arguments;

	if (text->used + 1 >= text->size)
		return;
	va_start(arguments, format);
	int n = vsnprintf(text->bytes + text->used, text->size - text->used, format, arguments);
	va_end(arguments);
	if (n > 0)
		text->used += (size_t)n;
	if (text->used >= text->size)
		text->used = text->size - 1;
}

static bool is_readable(const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isprint(bytes[i]) || bytes[i] == '"')
			return false;
	return true;
}

static void add_bytes(struct text *text, const void *bytes, size_t count)
{
	if (count <= SHOWN_MAX && is_readable(bytes, count))
		add(text, "\"%.*s\"", (int)count, (const char *)bytes);
	else
		add(text, "%zu bytes", count);
}

void tell_bytes(const void *bytes, size_t count, char *text, size_t size)
{
	struct text t = {text, size, 0};

	text[0] = '\0';
	add_bytes(&t, bytes, count);
}

static void add_open_flags(struct text *text, int flags)
{
	static const char *const accesses[] = {"O_RDONLY", "O_WRONLY", "O_RDWR"};

	add(text, "%s", (flags & O_ACCMODE) < 3 ? accesses[flags & O_ACCMODE] : "O_ACCMODE");
	for (size_t i = 0; i < COUNT(open_flags); i++)
		if (flags & open_flags[i].number)
			add(text, "|%s", open_flags[i].name);
}

/* A process by its actor's name; a negative number names a group. */
static void add_process(struct text *text, long long pid)
{
	long long number = pid < 0 ? -pid : pid;

	if (pid < 0)
		add(text, "group ");
	for (int i = 0; scene && i < scene->actor_count; i++) {
		if (scene->actors[i].pid == number && scene->actors[i].kin != KIN_THREAD) {
			add(text, "%s", scene->actors[i].name);
			return;
		}
	}
	add(text, "%lld", number);
}

/* A set of signals as one number, a byte each. */
static void add_signals(struct text *text, long long set)
{
	if (set == -1) {
		add(text, "{all}");
		return;
	}
	add(text, "{");
	for (unsigned long long rest = (unsigned long long)set; rest; rest >>= 8)
		add(text, "%s%s", signal_name((int)(rest & 0xFF)), rest >> 8 ? " " : "");
	add(text, "}");
}

/* What both an operation and an outcome can be told by. */
static void add_number(struct text *text, char letter, long long n)
{
	switch (letter) {
	case 'x':
		add(text, "%#llx", n);
		break;
	case 'f':
		add_open_flags(text, (int)n);
		break;
	case 's':
		add(text, "%s", signal_name((int)n));
		break;
	case 'p':
		add_process(text, n);
		break;
	case 'm':
		add_signals(text, n);
		break;
	case 't':
		if (n < 0)
			add(text, "for ever");
		else
			add(text, "%lld ms", n);
		break;
	default:
		add(text, "%lld", n);
		break;
	}
}

void tell_op(const op *o, char *text, size_t size)
{
	const struct op_description *description = &op_descriptions[o->code];
	struct text t = {text, size, 0};
	size_t number = 0;

	text[0] = '\0';
	add(&t, "%s(", description->name);
	for (const char *s = description->shows; *s && strncmp(s, " -> ", 4) != 0; s++) {
		if (*s != '%')
			add(&t, "%c", *s);
		else if (*++s == 'h')
			add(&t, "%s", o->handle ? o->handle : "NULL");
		else if (*s == 'o')
			add(&t, "%s", o->other ? o->other : "NULL");
		else if (*s == 'b')
			add_bytes(&t, o->bytes ? o->bytes : "", o->bytes ? o->size : 0);
		else
			add_number(&t, *s, number < OP_NUMBERS ? o->n[number++] : 0);
	}
	add(&t, ")");
}

void tell_outcome(const op *o, const outcome *out, char *text, size_t size)
{
	const char *shows = strstr(op_descriptions[o->code].shows, " -> ");
	struct text t = {text, size, 0};
	size_t number = 0;

	text[0] = '\0';
	add(&t, "-> ");
	if (out->absent[0])
		add(&t, "%s", out->absent);
	else if (out->value == -1 && out->error)
		add(&t, "%s", error_name(out->error));
	else if (!shows)
		add(&t, "%lld", out->value);
	for (const char *s = shows && t.used == 3 ? shows + 4 : ""; *s; s++) {
		if (*s != '%')
			add(&t, "%c", *s);
		else if (*++s == 'v')
			add(&t, "%lld", out->value);
		else if (*s == 'b')
			add_bytes(&t, out->bytes, out->has_bytes ? out->size : 0);
		else
			add_number(&t, *s, number < OUTCOME_NUMBERS ? out->n[number++] : 0);
	}
}
