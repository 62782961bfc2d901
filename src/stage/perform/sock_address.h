/* SPDX-License-Identifier: MIT */
/* What the operations of sockets share: kinds, addresses, and what a platform may lack of both. */
#ifndef IPCTS_STAGE_PERFORM_SOCK_ADDRESS_H
#define IPCTS_STAGE_PERFORM_SOCK_ADDRESS_H

#include "stage/perform.h"

/* By enum sock_kind. */
struct family_and_type {
	int domain, type;
};
extern const struct family_and_type kinds[SOCK_KIND_COUNT];

/* Room for any, and some more, to see what is written behind. */
struct address {
	socklen_t size;
	union {
		struct sockaddr any;
		struct sockaddr_un local;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		unsigned char bytes[160];
	} of;
};

/* "@name" is an abstract name, all else a path. */
struct address local_address(const char *name);
/* The place is a port of loopback, or AT(host, port). */
struct address internet_address(int domain, int place);
/* Poison, for a call to write its answer over. */
struct address unknown_address(void);
/* 0: it has none. */
int port_in(const struct address *a);
void tell_address(outcome *out, const struct address *a);
/* An address is a handle: its length, and where it is. */
void keep_address(const char *handle, const struct address *a);

/* Without the protocol, or with no loopback (a new network namespace has it down), there's no test.
 */
void is_there(outcome *out, int domain);
/* A host that can't be reached is no lack of this platform, but what a test wants to see. */
void is_at(outcome *out, int domain, int place);

#endif
