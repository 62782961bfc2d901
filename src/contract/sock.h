/* SPDX-License-Identifier: MIT */
/* Sockets: two-way talk between processes, related or not, on one machine or over its loopback. */
#ifndef IPCTS_CONTRACT_SOCK_H
#define IPCTS_CONTRACT_SOCK_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

/* Linux, for libraries that are older than it; where the number is another one, there's none. */
#if defined(__linux__) && !defined(__hppa__) && !defined(__sparc__)
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif
#endif

struct sock_calls {
	int (*socket)(int domain, int type, int protocol);
	int (*socketpair)(int domain, int type, int protocol, int ends[2]);
	int (*bind)(int fd, const struct sockaddr *address, socklen_t size);
	int (*listen)(int fd, int backlog);
	int (*accept)(int fd, struct sockaddr *address, socklen_t *size);
	int (*accept4)(int fd, struct sockaddr *address, socklen_t *size, int flags);
	int (*connect)(int fd, const struct sockaddr *address, socklen_t size);
	int (*getsockname)(int fd, struct sockaddr *address, socklen_t *size);
	int (*getpeername)(int fd, struct sockaddr *address, socklen_t *size);
	int (*getsockopt)(int fd, int level, int option, void *value, socklen_t *size);
	int (*setsockopt)(int fd, int level, int option, const void *value, socklen_t size);
	int (*shutdown)(int fd, int how);
	int (*sockatmark)(int fd);
	ssize_t (*send)(int fd, const void *buffer, size_t size, int flags);
	ssize_t (*recv)(int fd, void *buffer, size_t size, int flags);
	ssize_t (*sendto)(int fd, const void *buffer, size_t size, int flags,
			  const struct sockaddr *address, socklen_t address_size);
	ssize_t (*recvfrom)(int fd, void *buffer, size_t size, int flags, struct sockaddr *address,
			    socklen_t *address_size);
	ssize_t (*sendmsg)(int fd, const struct msghdr *message, int flags);
	ssize_t (*recvmsg)(int fd, struct msghdr *message, int flags);
#ifdef MSG_WAITFORONE
	int (*sendmmsg)(int fd, struct mmsghdr *messages, unsigned count, int flags);
	int (*recvmmsg)(int fd, struct mmsghdr *messages, unsigned count, int flags,
			struct timespec *timeout);
#endif
	int (*stat)(const char *path, struct stat *status);
	int (*chmod)(const char *path, mode_t mode);
	int (*rename)(const char *from, const char *to);
	int (*unlink)(const char *path);
};

/* The kinds of sockets a story has: family and type in one word. */
enum sock_kind { UNIX_STREAM, UNIX_SEQPACKET, UNIX_DGRAM, TCP4, TCP6, UDP4, UDP6, SOCK_KIND_COUNT };

/*
 * A port is one of loopback, unless a host is told with it: AT(THERE, port).  HERE, THERE and LATE
 * are the machines' numbers (machine.ops); whoever is LATE is not there yet.
 */
enum sock_host {
	LOOPBACK,
	HERE,
	THERE,
	LATE,
	BROADCAST = 255, /* all on the cable */
	MULTICAST,	 /* who has joined it */
	ANYWHERE,	 /* the wildcard address */
	NO_ROUTE,	 /* no way leads there */
	MAPPED_LOOPBACK, /* IPv4's loopback, in IPv6 */
};
#define AT(host, port) ((int)(host) << 16 | (int)(port))

/* What an outcome of sock.take tells besides its bytes. */
enum {
	TAKEN_FLAGS,	   /* msg_flags */
	TAKEN_DESCRIPTORS, /* how many */
	TAKEN_PID,	   /* of the credentials; -1: there were none */
	TAKEN_UID,
	TAKEN_GID,
	TAKEN_MESSAGES /* how many control messages */
};

/* What an outcome of sock.take_process tells. */
enum { PROCESS_FLAGS, PROCESS_MESSAGES, PROCESS_PID };

/* What an outcome of sock.take_arrival tells; -1 of what wasn't told. */
enum {
	ARRIVAL_HOST, /* that it was sent to: enum sock_host */
	ARRIVAL_INTERFACE,
	ARRIVAL_TIME, /* since the epoch */
	ARRIVAL_FLAGS /* msg_flags */
};
enum sock_interface { BY_LOOPBACK, BY_CABLE, BY_ANOTHER };

/* What an outcome of sock.take_failure tells: of a datagram that nobody received. */
enum {
	FAILURE_ERRNO,
	FAILURE_ORIGIN, /* enum sock_origin */
	FAILURE_TELLER, /* which host has told */
	FAILURE_HOST,	/* where it had been sent */
	FAILURE_PORT,
	FAILURE_FLAGS /* msg_flags */
};
enum sock_origin { BY_LOCAL = 1, BY_ICMP, BY_ICMP6 };

/* What an outcome that is an address tells besides its name. */
enum { ADDRESS_SIZE, ADDRESS_FAMILY, ADDRESS_PORT };

#endif
