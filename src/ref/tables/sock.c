/* SPDX-License-Identifier: MIT */
/* Sockets of AF_UNIX are the reference's; all others are the platform's, by the same functions. */
#include "ref/tables/tables.h"

#include <stdio.h>
#include <unistd.h>

#include "ref/ipcref.h"

const struct sock_calls ref_sock = {
	.socket = ipcref_socket,
	.socketpair = ipcref_socketpair,
	.bind = ipcref_bind,
	.listen = ipcref_listen,
	.accept = ipcref_accept,
	.accept4 = ipcref_accept4,
	.connect = ipcref_connect,
	.getsockname = ipcref_getsockname,
	.getpeername = ipcref_getpeername,
	.getsockopt = ipcref_getsockopt,
	.setsockopt = ipcref_setsockopt,
	.shutdown = ipcref_shutdown,
	.sockatmark = ipcref_sockatmark,
	.send = ipcref_send,
	.recv = ipcref_recv,
	.sendto = ipcref_sendto,
	.recvfrom = ipcref_recvfrom,
	.sendmsg = ipcref_sendmsg,
	.recvmsg = ipcref_recvmsg,
#ifdef MSG_WAITFORONE
	.sendmmsg = ipcref_sendmmsg,
	.recvmmsg = ipcref_recvmmsg,
#endif
	.stat = ipcref_stat,
	.chmod = ipcref_chmod,
	/* a socket's file is a file as any other */
	.rename = rename,
	.unlink = unlink,
};
