/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "posix/posix.h"

/* Functions that take any address: where a library declares them for a union of the known kinds. */
static int posix_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	return bind(fd, address, size);
}

static int posix_accept(int fd, struct sockaddr *address, socklen_t *size)
{
	return accept(fd, address, size);
}

static int posix_accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	return accept4(fd, address, size, flags);
}

static int posix_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	return connect(fd, address, size);
}

static int posix_getsockname(int fd, struct sockaddr *address, socklen_t *size)
{
	return getsockname(fd, address, size);
}

static int posix_getpeername(int fd, struct sockaddr *address, socklen_t *size)
{
	return getpeername(fd, address, size);
}

static ssize_t posix_sendto(int fd, const void *buffer, size_t size, int flags,
			    const struct sockaddr *address, socklen_t address_size)
{
	return sendto(fd, buffer, size, flags, address, address_size);
}

static ssize_t posix_recvfrom(int fd, void *buffer, size_t size, int flags,
			      struct sockaddr *address, socklen_t *address_size)
{
	return recvfrom(fd, buffer, size, flags, address, address_size);
}

#ifdef MSG_WAITFORONE
/* Libraries disagree about the type of the flags. */
static int posix_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	return sendmmsg(fd, messages, count, (unsigned)flags);
}

static int posix_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
			  struct timespec *timeout)
{
	return recvmmsg(fd, messages, count, (unsigned)flags, timeout);
}
#endif

const struct sock_calls posix_sock = {
	.socket = socket,
	.socketpair = socketpair,
	.bind = posix_bind,
	.listen = listen,
	.accept = posix_accept,
	.accept4 = posix_accept4,
	.connect = posix_connect,
	.getsockname = posix_getsockname,
	.getpeername = posix_getpeername,
	.getsockopt = getsockopt,
	.setsockopt = setsockopt,
	.shutdown = shutdown,
	.sockatmark = sockatmark,
	.send = send,
	.recv = recv,
	.sendto = posix_sendto,
	.recvfrom = posix_recvfrom,
	.sendmsg = sendmsg,
	.recvmsg = recvmsg,
#ifdef MSG_WAITFORONE
	.sendmmsg = posix_sendmmsg,
	.recvmmsg = posix_recvmmsg,
#endif
	.stat = stat,
	.chmod = chmod,
	.rename = rename,
	.unlink = unlink,
};
