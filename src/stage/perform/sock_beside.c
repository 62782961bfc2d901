/* SPDX-License-Identifier: MIT */
/* Sockets of Linux: what a message tells of its way, its time, its failure and its process. */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "stage/perform.h"

union control {
	struct cmsghdr header; /* for its alignment */
	unsigned char bytes[512];
};

/* A message and all that comes with it. */
struct received {
	struct sockaddr_storage from;
	struct iovec part;
	struct msghdr message;
	union control control; /* last, for its header's end is open */
};

static bool receive(const op *o, outcome *out, int flags, struct received *r)
{
	size_t size = (size_t)o->n[0];

	memset(r, POISON, sizeof(*r));
	memset(out->bytes, POISON, size < OUTCOME_BYTES ? size : OUTCOME_BYTES);
	memset(&r->message, 0, sizeof(r->message));
	r->part = (struct iovec){out->bytes, size};
	r->message.msg_name = &r->from;
	r->message.msg_namelen = sizeof(r->from);
	r->message.msg_iov = &r->part;
	r->message.msg_iovlen = 1;
	r->message.msg_control = &r->control;
	r->message.msg_controllen = sizeof(r->control);
	r->message.msg_flags = (int)0xEEEEEEEE;
	if (!CALL(sock, recvmsg, handle_fd(o->handle), &r->message, flags))
		return false;
	outcome_has_bytes(out, (size_t)out->value < size ? (size_t)out->value : size);
	must(r->message.msg_controllen <= sizeof(r->control));
	must_be(r->message.msg_flags & MSG_CTRUNC, 0);
	return true;
}

static bool is_of(const struct cmsghdr *header, int level, int type)
{
	return header->cmsg_level == level && header->cmsg_type == type;
}

/* What it brings, which must be so long, or longer if what is behind matters. */
static void copy(void *to, size_t size, const struct cmsghdr *header)
{
	must(header->cmsg_len >= CMSG_LEN(size));
	memcpy(to, CMSG_DATA(header), size);
}

/* -- way and time -------------------------------------------------------------------------------
 */

static long long interface_of(unsigned index)
{
	if (index == if_nametoindex("lo"))
		return BY_LOOPBACK;
	return index == machine_cable() ? BY_CABLE : BY_ANOTHER;
}

static void take_way(outcome *out, const struct cmsghdr *header)
{
#ifdef IP_PKTINFO
	if (is_of(header, IPPROTO_IP, IP_PKTINFO)) {
		struct in_pktinfo way;

		copy(&way, sizeof(way), header);
		out->n[ARRIVAL_HOST] = host_of(AF_INET, &way.ipi_addr);
		out->n[ARRIVAL_INTERFACE] = interface_of((unsigned)way.ipi_ifindex);
	}
#endif
#ifdef IPV6_PKTINFO
	if (is_of(header, IPPROTO_IPV6, IPV6_PKTINFO)) {
		struct in6_pktinfo way;

		copy(&way, sizeof(way), header);
		out->n[ARRIVAL_HOST] = host_of(AF_INET6, &way.ipi6_addr);
		out->n[ARRIVAL_INTERFACE] = interface_of(way.ipi6_ifindex);
	}
#endif
}

static void take_time(outcome *out, const struct cmsghdr *header)
{
#ifdef SO_TIMESTAMP
	if (is_of(header, SOL_SOCKET, SO_TIMESTAMP)) {
		struct timeval time;

		must_be(header->cmsg_len, CMSG_LEN(sizeof(time)));
		copy(&time, sizeof(time), header);
		must(time.tv_usec >= 0 && time.tv_usec < 1000000);
		out->n[ARRIVAL_TIME] =
			(long long)time.tv_sec * 1000000000 + (long long)time.tv_usec * 1000;
	}
#endif
#ifdef SO_TIMESTAMPNS
	if (is_of(header, SOL_SOCKET, SO_TIMESTAMPNS)) {
		struct timespec time;

		must_be(header->cmsg_len, CMSG_LEN(sizeof(time)));
		copy(&time, sizeof(time), header);
		must(time.tv_nsec >= 0 && time.tv_nsec < 1000000000);
		out->n[ARRIVAL_TIME] = (long long)time.tv_sec * 1000000000 + time.tv_nsec;
	}
#endif
}

PERFORM(sock, take_arrival)
{
	struct received r;

	out->n[ARRIVAL_HOST] = out->n[ARRIVAL_INTERFACE] = out->n[ARRIVAL_TIME] = -1;
	if (!receive(o, out, (int)o->n[1], &r))
		return;
	out->n[ARRIVAL_FLAGS] = r.message.msg_flags;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&r.message); header;
	     header = CMSG_NXTHDR(&r.message, header)) {
		take_way(out, header);
		take_time(out, header);
	}
}

/* -- failure ------------------------------------------------------------------------------------
 */

#if defined(MSG_ERRQUEUE) && defined(IP_RECVERR) && defined(IPV6_RECVERR)
/* struct sock_extended_err of ip(7), which not every library has; behind it, who tells. */
struct failure {
	uint32_t error;
	uint8_t origin, type, code, pad;
	uint32_t information, data;
};

union teller {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static const void *host_in(const union teller *a)
{
	return a->any.sa_family == AF_INET ? (const void *)&a->in.sin_addr : &a->in6.sin6_addr;
}

static void take_failure(outcome *out, const struct cmsghdr *header)
{
	struct failure failure;
	union teller teller;
	size_t size =
		is_of(header, IPPROTO_IP, IP_RECVERR) ? sizeof(teller.in) : sizeof(teller.in6);

	copy(&failure, sizeof(failure), header);
	out->n[FAILURE_ERRNO] = failure.error;
	out->n[FAILURE_ORIGIN] = failure.origin;
	memset(&teller, 0, sizeof(teller));
	must(header->cmsg_len >= CMSG_LEN(sizeof(failure) + size));
	memcpy(&teller, CMSG_DATA(header) + sizeof(failure), size);
	if (teller.any.sa_family == AF_INET || teller.any.sa_family == AF_INET6)
		out->n[FAILURE_TELLER] = host_of(teller.any.sa_family, host_in(&teller));
}

PERFORM(sock, take_failure)
{
	struct received r;
	union teller to;

	out->n[FAILURE_ERRNO] = out->n[FAILURE_TELLER] = out->n[FAILURE_HOST] = -1;
	if (!receive(o, out, MSG_ERRQUEUE | MSG_DONTWAIT, &r))
		return;
	out->n[FAILURE_FLAGS] = r.message.msg_flags;
	memcpy(&to, &r.from, sizeof(to));
	if (to.any.sa_family == AF_INET || to.any.sa_family == AF_INET6) {
		out->n[FAILURE_HOST] = host_of(to.any.sa_family, host_in(&to));
		out->n[FAILURE_PORT] =
			ntohs(to.any.sa_family == AF_INET ? to.in.sin_port : to.in6.sin6_port);
	}
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&r.message); header;
	     header = CMSG_NXTHDR(&r.message, header))
		if (is_of(header, IPPROTO_IP, IP_RECVERR) ||
		    is_of(header, IPPROTO_IPV6, IPV6_RECVERR))
			take_failure(out, header);
}
#else
PERFORM(sock, take_failure)
{
	outcome_lacks(out, "MSG_ERRQUEUE");
}
#endif

/* -- interfaces ---------------------------------------------------------------------------------
 */

#ifdef SO_BINDTODEVICE
PERFORM(sock, bind_to_device)
{
	char name[IF_NAMESIZE] = "";

	must(o->size < sizeof(name));
	memcpy(name, o->bytes, o->size);
	CALL(sock, setsockopt, handle_fd(o->handle), SOL_SOCKET, SO_BINDTODEVICE, name,
	     (socklen_t)o->size + 1);
}

PERFORM(sock, device)
{
	char name[IF_NAMESIZE];
	socklen_t size = sizeof(name);

	memset(name, POISON, sizeof(name));
	if (!CALL(sock, getsockopt, handle_fd(o->handle), SOL_SOCKET, SO_BINDTODEVICE, name, &size))
		return;
	must(size <= sizeof(name) && (size == 0 || name[size - 1] == '\0'));
	memcpy(out->bytes, name, size);
	outcome_has_bytes(out, size ? size - 1 : 0);
}
#else
PERFORM(sock, bind_to_device)
{
	outcome_lacks(out, "SO_BINDTODEVICE");
}

PERFORM(sock, device)
{
	outcome_lacks(out, "SO_BINDTODEVICE");
}
#endif

/* -- processes ----------------------------------------------------------------------------------
 */

#if defined(SO_PEERPIDFD) && defined(SCM_PIDFD) && defined(SCM_CREDENTIALS)
PERFORM(sock, peer_process)
{
	int process = -1;
	socklen_t size = sizeof(process);

	if (CALL(sock, getsockopt, handle_fd(o->handle), SOL_SOCKET, SO_PEERPIDFD, &process,
		 &size)) {
		must_be(size, sizeof(process));
		must(process >= 0);
		set_handle(o->other, process, NULL);
	} else if (out->error == ENOPROTOOPT) {
		outcome_lacks(out, "SO_PEERPIDFD");
	}
}

PERFORM(sock, take_process)
{
	struct received r;

	out->n[PROCESS_PID] = -1;
	if (!receive(o, out, (int)o->n[1], &r))
		return;
	out->n[PROCESS_FLAGS] = r.message.msg_flags;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&r.message); header;
	     header = CMSG_NXTHDR(&r.message, header)) {
		out->n[PROCESS_MESSAGES]++;
		if (is_of(header, SOL_SOCKET, SCM_PIDFD)) {
			int process = -1;

			must_be(header->cmsg_len, CMSG_LEN(sizeof(process)));
			copy(&process, sizeof(process), header);
			must(process >= 0);
			set_handle(o->other, process, NULL);
		} else if (is_of(header, SOL_SOCKET, SCM_CREDENTIALS)) {
			struct ucred sender;

			copy(&sender, sizeof(sender), header);
			out->n[PROCESS_PID] = sender.pid;
		}
	}
}
#else
PERFORM(sock, peer_process)
{
	outcome_lacks(out, "SO_PEERPIDFD");
}

PERFORM(sock, take_process)
{
	outcome_lacks(out, "SCM_PIDFD");
}
#endif
