/* SPDX-License-Identifier: MIT */
/* Sockets: pairs, and those that are connected to by name. */
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fault/fuzz.h"

static int object;

static struct address {
	struct sockaddr_un name;
	socklen_t size;
} addresses[2];

static const struct sockaddr *name_of(unsigned which)
{
	return (const struct sockaddr *)&addresses[which].name;
}

/* One that has an abstract name, which is "a" or "b". */
static int named_socket(unsigned which, int type)
{
	int fd = ipcref_socket(AF_UNIX, type | SOCK_NONBLOCK, 0);

	addresses[which] = (struct address){{AF_UNIX, {0, (char)('a' + which)}},
					    offsetof(struct sockaddr_un, sun_path) + 2};
	ipcref_bind(fd, name_of(which), addresses[which].size);
	return fd;
}

static void ask_socket(int fd, unsigned which)
{
	static const int names[] = {SO_ERROR, SO_PEERCRED, SO_SNDBUF, SO_RCVLOWAT, SO_ACCEPTCONN};
	static const int wishes[] = {SO_SNDBUF, SO_RCVLOWAT, SO_PEEK_OFF, SO_PASSCRED,
				     SO_TIMESTAMP};
	struct pollfd poll = {.fd = fd, .events = POLLIN | POLLOUT | POLLPRI};
	int value = (int)(which * 37 % 5000);
	struct sockaddr_un name;
	socklen_t size = sizeof(name);

	switch (which % 8) {
	case 0:
	case 1:
		ipcref_poll(&poll, 1, 0);
		break;
	case 2:
		ipcref_getsockname(fd, (struct sockaddr *)&name, &size);
		break;
	case 3:
		ipcref_getpeername(fd, (struct sockaddr *)&name, &size);
		break;
	case 4:
		ipcref_ioctl(fd, FIONREAD, &value);
		ipcref_sockatmark(fd);
		break;
	case 5:
		ipcref_getsockopt(fd, SOL_SOCKET, names[which / 8 % 5], text, &size);
		break;
	default:
		ipcref_setsockopt(fd, SOL_SOCKET, wishes[which / 8 % 5], &value, sizeof(value));
	}
}

/* What has been passed is closed. */
static void close_passed(struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= header->cmsg_len;
		     at += sizeof(int)) {
			int passed;

			memcpy(&passed, (char *)header + at, sizeof(passed));
			ipcref_close(passed);
		}
	}
}

/* The descriptor itself, with one byte. */
static void pass_itself(int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr header;
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)),
				.cmsg_level = SOL_SOCKET,
				.cmsg_type = SCM_RIGHTS}};
	struct iovec part = {text, 1};
	const struct msghdr message = {.msg_iov = &part,
				       .msg_iovlen = 1,
				       .msg_control = &control,
				       .msg_controllen = sizeof(control)};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	ipcref_sendmsg(fd, &message, MSG_DONTWAIT);
}

static void receive_somehow(int fd, unsigned which)
{
	static const int flags[] = {0, MSG_PEEK, MSG_WAITALL, MSG_OOB, MSG_TRUNC};
	_Alignas(struct cmsghdr) char control[128];
	struct sockaddr_un name;
	struct iovec parts[] = {{text, which * 7}, {text + 4096, which * 61 % 4096}};
	struct msghdr message = {.msg_name = &name,
				 .msg_namelen = sizeof(name),
				 .msg_iov = parts,
				 .msg_iovlen = 1 + which % 2,
				 .msg_control = control,
				 .msg_controllen = which % 3 * 40};

	if (ipcref_recvmsg(fd, &message, MSG_DONTWAIT | flags[which % 5]) >= 0)
		close_passed(&message);
}

/* Of a pair or a connection. */
static void speak(int here, int there, unsigned which)
{
	switch (which % 8) {
	case 0:
	case 1:
		ipcref_send(there, text, which * 61, which & 8 ? MSG_OOB : 0);
		break;
	case 2:
		if (which & 8)
			pass_itself(which & 16 ? here : there);
		else
			ipcref_send(here, text, which, 0);
		break;
	case 3:
	case 4:
		receive_somehow(here, which / 8);
		break;
	case 5:
		receive_somehow(there, which / 8);
		break;
	case 6:
		ask_socket(which & 8 ? here : there, which / 16);
		break;
	default:
		if (which >= 192)
			ipcref_shutdown(which & 8 ? here : there, (int)(which / 16 % 3));
	}
}

static int stream_begin(void)
{
	int type = next_byte() % 2 ? SOCK_SEQPACKET : SOCK_STREAM;

	if (ipcref_socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, ends) < 0)
		return -1;
	return file_of(ends[0]);
}

static void stream_operate(unsigned which)
{
	speak(ends[0], ends[1], which);
}

/* Whose the file is that is scribbled over, that of who has the name "a", sends and receives. */
static int datagram_begin(void)
{
	ends[0] = named_socket(0, SOCK_DGRAM);
	ends[1] = named_socket(1, SOCK_DGRAM);
	return file_of(ends[0]);
}

static void datagram_operate(unsigned which)
{
	unsigned from = which & 1, size = which * 61 % 5000;

	switch (which / 2 % 8) {
	case 0:
	case 1:
		ipcref_sendto(ends[from], text, size, 0, name_of(!from), addresses[!from].size);
		break;
	case 2:
		if (which & 128)
			pass_itself(ends[from]);
		else
			ipcref_send(ends[from], text, size, 0);
		break;
	case 3:
	case 4:
		receive_somehow(ends[from], which / 16);
		break;
	case 5:
		ipcref_connect(ends[from], name_of(!from), addresses[!from].size);
		break;
	default:
		ask_socket(ends[from], which / 16);
	}
}

/* The listener's file is; who connects, and is accepted, is ends[0] and ends[1]. */
static int listener_begin(void)
{
	object = named_socket(0, next_byte() % 2 ? SOCK_SEQPACKET : SOCK_STREAM);
	ipcref_listen(object, 3);
	ends[0] = ends[1] = -1;
	return file_of(object);
}

static void close_end(unsigned which)
{
	if (ends[which] >= 0)
		ipcref_close(ends[which]);
	ends[which] = -1;
}

static void connect_anew(void)
{
	int type;
	socklen_t size = sizeof(type);

	close_end(0);
	if (ipcref_getsockopt(object, SOL_SOCKET, SO_TYPE, &type, &size) < 0)
		return;
	ends[0] = named_socket(1, type);
	ipcref_connect(ends[0], name_of(0), addresses[0].size);
}

static void listener_operate(unsigned which)
{
	switch (which % 8) {
	case 0:
	case 1:
		connect_anew();
		break;
	case 2:
	case 3:
		close_end(1);
		ends[1] = ipcref_accept4(object, NULL, NULL, SOCK_NONBLOCK);
		break;
	case 4:
		close_end(which / 8 & 1);
		break;
	case 5:
		ipcref_listen(object, (int)which / 8 - 1);
		break;
	case 6:
		ask_socket(which & 8 ? object : ends[which / 16 & 1], which / 32);
		break;
	default:
		speak(ends[0], ends[1], which / 8);
	}
}

static void listener_end(void)
{
	close_end(0);
	close_end(1);
	ipcref_close(object);
}

const struct kind fuzz_stream = {
	.name = "stream", .begin = stream_begin, .operate = stream_operate, .end = close_ends};
const struct kind fuzz_datagram = {.name = "datagram",
				   .begin = datagram_begin,
				   .operate = datagram_operate,
				   .end = close_ends};
const struct kind fuzz_listener = {.name = "listener",
				   .begin = listener_begin,
				   .operate = listener_operate,
				   .end = listener_end};
