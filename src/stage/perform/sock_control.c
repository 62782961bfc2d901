/* SPDX-License-Identifier: MIT */
/* Sockets: what goes beside the bytes, several messages by one call, options. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "stage/perform.h"

/* -- descriptors and credentials -------------------------------------------------------------- */

enum { CONTROL_MAX = 4096, DESCRIPTORS_MAX = 512 };

union control {
	struct cmsghdr header; /* for its alignment */
	unsigned char bytes[CONTROL_MAX];
};

static void pass(const op *o, outcome *out, int type, const void *data, size_t size)
{
	union control control = {0};
	struct iovec part = {(void *)(uintptr_t)o->bytes, o->size};
	struct msghdr message = {0};

	message.msg_iov = &part;
	message.msg_iovlen = 1;
	message.msg_control = &control;
	message.msg_controllen = CMSG_SPACE(size);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = type;
	header->cmsg_len = CMSG_LEN(size);
	if (size)
		memcpy(CMSG_DATA(header), data, size);
	CALL(sock, sendmsg, handle_fd(o->handle), &message, 0);
	if (out->error == ENOSYS && type == SCM_RIGHTS)
		outcome_lacks(out, "sock.pass");
}

PERFORM(sock, pass)
{
	int fd = handle_fd(o->other);

	pass(o, out, SCM_RIGHTS, &fd, sizeof(fd));
}

PERFORM(sock, pass_many)
{
	int fds[DESCRIPTORS_MAX], count = (int)o->n[0];

	must(count <= DESCRIPTORS_MAX);
	for (int i = 0; i < count; i++)
		fds[i] = handle_fd(o->other);
	pass(o, out, SCM_RIGHTS, fds, (size_t)count * sizeof(fds[0]));
}

PERFORM(sock, pass_claim)
{
#ifdef SCM_CREDENTIALS
	struct ucred claim = {(pid_t)o->n[0], (uid_t)o->n[1], (gid_t)o->n[2]};

	pass(o, out, SCM_CREDENTIALS, &claim, sizeof(claim));
#else
	outcome_lacks(out, "SCM_CREDENTIALS");
#endif
}

static void take_descriptors(const op *o, outcome *out, const struct cmsghdr *header)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	char name[HANDLE_MAX + 8];

	for (size_t i = 0; i < count; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof(fd), sizeof(fd));
		must(fd >= 0 && impl->fd->fcntl(fd, F_GETFD, 0) >= 0);
		snprintf(name, sizeof(name), i ? "%s/%zu" : "%s", o->other, i);
		/* of a large number, those that have no name in the story are open all the same */
		if (i < 8)
			set_handle(name, fd, NULL);
	}
	out->n[TAKEN_DESCRIPTORS] += (long long)count;
}

static void take_control(const op *o, outcome *out, struct msghdr *message)
{
	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
	     header = CMSG_NXTHDR(message, header)) {
		out->n[TAKEN_MESSAGES]++;
		must_be(header->cmsg_level, SOL_SOCKET);
		if (header->cmsg_type == SCM_RIGHTS) {
			take_descriptors(o, out, header);
			continue;
		}
#ifdef SCM_CREDENTIALS
		struct ucred sender;

		must_be(header->cmsg_type, SCM_CREDENTIALS);
		must_be(header->cmsg_len, CMSG_LEN(sizeof(sender)));
		memcpy(&sender, CMSG_DATA(header), sizeof(sender));
		out->n[TAKEN_PID] = sender.pid;
		out->n[TAKEN_UID] = sender.uid;
		out->n[TAKEN_GID] = sender.gid;
#endif
	}
}

/* With exactly so much room for control messages, and not a byte written behind. */
static void take(const op *o, outcome *out, size_t room, int flags)
{
	union control control;
	size_t size = (size_t)o->n[0];
	struct iovec part = {out->bytes, size};
	struct msghdr message = {0};

	memset(&control, POISON, sizeof(control));
	memset(out->bytes, POISON, size < OUTCOME_BYTES ? size : OUTCOME_BYTES);
	message.msg_iov = &part;
	message.msg_iovlen = 1;
	message.msg_control = room ? &control : NULL;
	message.msg_controllen = room;
	message.msg_flags = (int)0xEEEEEEEE;
	out->n[TAKEN_PID] = out->n[TAKEN_UID] = out->n[TAKEN_GID] = -1;
	if (!CALL(sock, recvmsg, handle_fd(o->handle), &message, flags))
		return;
	outcome_has_bytes(out, (size_t)out->value < size ? (size_t)out->value : size);
	out->n[TAKEN_FLAGS] = message.msg_flags;
	must(message.msg_controllen <= room);
	must_be(control.bytes[room], POISON);
	take_control(o, out, &message);
}

PERFORM(sock, take)
{
	int count = (int)o->n[1];

	take(o, out, count ? CMSG_LEN((size_t)count * sizeof(int)) : 0, (int)o->n[2]);
}

PERFORM(sock, take_credentials)
{
#ifdef SCM_CREDENTIALS
	take(o, out, CMSG_SPACE(sizeof(struct ucred)), (int)o->n[1]);
#else
	outcome_lacks(out, "SCM_CREDENTIALS");
#endif
}

PERFORM(sock, peer_credentials)
{
#ifdef SO_PEERCRED
	struct ucred peer;
	socklen_t size = sizeof(peer);

	memset(&peer, POISON, sizeof(peer));
	if (!CALL(sock, getsockopt, handle_fd(o->handle), SOL_SOCKET, SO_PEERCRED, &peer, &size))
		return;
	must_be(size, sizeof(peer));
	out->n[0] = peer.pid;
	out->n[1] = peer.uid;
	out->n[2] = peer.gid;
#else
	outcome_lacks(out, "SO_PEERCRED");
#endif
}

/* -- options ---------------------------------------------------------------------------------- */

PERFORM(sock, option)
{
	int value;
	socklen_t size = sizeof(value);

	memset(&value, POISON, sizeof(value));
	if (CALL(sock, getsockopt, handle_fd(o->handle), (int)o->n[0], (int)o->n[1], &value,
		 &size)) {
		must_be(size, sizeof(value));
		out->value = value;
	}
}

PERFORM(sock, set_option)
{
	int value = (int)o->n[2];

	CALL(sock, setsockopt, handle_fd(o->handle), (int)o->n[0], (int)o->n[1], &value,
	     sizeof(value));
}

PERFORM(sock, set_timeout)
{
	struct timeval value = {(time_t)(o->n[1] / 1000), (suseconds_t)(o->n[1] % 1000 * 1000)};

	CALL(sock, setsockopt, handle_fd(o->handle), SOL_SOCKET, (int)o->n[0], &value,
	     sizeof(value));
}

PERFORM(sock, set_linger)
{
	struct linger value = {(int)o->n[0], (int)o->n[1]};

	CALL(sock, setsockopt, handle_fd(o->handle), SOL_SOCKET, SO_LINGER, &value, sizeof(value));
}

/* -- several messages ------------------------------------------------------------------------- */

#ifdef MSG_WAITFORONE
enum { WORDS_MAX = 16, WORD_MAX = 64 };

struct words {
	struct mmsghdr messages[WORDS_MAX];
	struct iovec parts[WORDS_MAX];
	char bytes[WORDS_MAX][WORD_MAX];
};

static void lay_out(struct words *words, size_t size)
{
	memset(words, 0, sizeof(*words));
	for (int i = 0; i < WORDS_MAX; i++) {
		words->parts[i] = (struct iovec){words->bytes[i], size};
		words->messages[i].msg_hdr.msg_iov = &words->parts[i];
		words->messages[i].msg_hdr.msg_iovlen = 1;
		words->messages[i].msg_len = 0xEEEEEEEE;
	}
}

/* What has gone is told in the length of each message, and nothing of the others. */
PERFORM(sock, send_words)
{
	const char *rest = o->bytes;
	unsigned count = 0;
	struct words words;

	lay_out(&words, 0);
	while (*rest) {
		size_t size = strcspn(rest, " ");

		must(count < WORDS_MAX && size <= WORD_MAX);
		memcpy(words.bytes[count], rest, size);
		words.parts[count++].iov_len = size;
		rest += size + (rest[size] == ' ');
	}
	if (!CALL(sock, sendmmsg, handle_fd(o->handle), words.messages, count, (int)o->n[0]))
		return;
	for (unsigned i = 0; i < count; i++)
		must_be(words.messages[i].msg_len,
			i < out->value ? words.parts[i].iov_len : 0xEEEEEEEE);
}

PERFORM(sock, receive_words)
{
	size_t used = 0, size = (size_t)o->n[1];
	struct words words;

	must(o->n[0] <= WORDS_MAX && size <= WORD_MAX);
	lay_out(&words, size);
	if (!CALL(sock, recvmmsg, handle_fd(o->handle), words.messages, (unsigned)o->n[0],
		  (int)o->n[2], NULL))
		return;
	for (long long i = 0; i < out->value; i++) {
		must(words.messages[i].msg_len <= size);
		if (i)
			out->bytes[used++] = ' ';
		memcpy(out->bytes + used, words.bytes[i], words.messages[i].msg_len);
		used += words.messages[i].msg_len;
	}
	for (long long i = out->value; i < o->n[0]; i++)
		must_be(words.messages[i].msg_len, 0xEEEEEEEE);
	outcome_has_bytes(out, used);
}
#else
PERFORM(sock, send_words)
{
	outcome_lacks(out, "sendmmsg");
}

PERFORM(sock, receive_words)
{
	outcome_lacks(out, "recvmmsg");
}
#endif
