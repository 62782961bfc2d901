/* SPDX-License-Identifier: MIT */
/* Tables of the kinds of sockets, for what each kind must keep. */
#ifndef IPCTS_CONTRACT_KINDS_H
#define IPCTS_CONTRACT_KINDS_H

#include "contract/sock.h"

struct kind {
	const char *name;
	int kind;
};

static const struct kind any_kind[] = {
	{"unix_stream", UNIX_STREAM},
	{"unix_seqpacket", UNIX_SEQPACKET},
	{"unix_dgram", UNIX_DGRAM},
	{"tcp4", TCP4},
	{"tcp6", TCP6},
	{"udp4", UDP4},
	{"udp6", UDP6},
};

static const struct kind connections[] = {
	{"unix_stream", UNIX_STREAM},
	{"unix_seqpacket", UNIX_SEQPACKET},
	{"tcp4", TCP4},
	{"tcp6", TCP6},
};

static const struct kind streams[] = {
	{"unix_stream", UNIX_STREAM},
	{"tcp4", TCP4},
	{"tcp6", TCP6},
};

static const struct kind messages[] = {
	{"unix_seqpacket", UNIX_SEQPACKET},
	{"unix_dgram", UNIX_DGRAM},
	{"udp4", UDP4},
	{"udp6", UDP6},
};

static const struct kind datagrams[] = {
	{"unix_dgram", UNIX_DGRAM},
	{"udp4", UDP4},
	{"udp6", UDP6},
};

static const struct kind unix_kinds[] = {
	{"unix_stream", UNIX_STREAM},
	{"unix_seqpacket", UNIX_SEQPACKET},
	{"unix_dgram", UNIX_DGRAM},
};

static const struct kind unix_connections[] = {
	{"unix_stream", UNIX_STREAM},
	{"unix_seqpacket", UNIX_SEQPACKET},
};

static const struct kind unix_messages[] = {
	{"unix_seqpacket", UNIX_SEQPACKET},
	{"unix_dgram", UNIX_DGRAM},
};

static const struct kind internet_kinds[] = {
	{"tcp4", TCP4},
	{"tcp6", TCP6},
	{"udp4", UDP4},
	{"udp6", UDP6},
};

static const struct kind tcp_kinds[] = {
	{"tcp4", TCP4},
	{"tcp6", TCP6},
};

static const struct kind udp_kinds[] = {
	{"udp4", UDP4},
	{"udp6", UDP6},
};

#endif
