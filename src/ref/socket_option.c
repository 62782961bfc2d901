/* SPDX-License-Identifier: MIT */
/* The options of sockets of AF_UNIX. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/socket.h"

/* Options that are on or off. */
static const struct {
	int option;
	uint32_t bit;
} switches[] = {
	{SO_KEEPALIVE, SWITCH_KEEPALIVE},    {SO_BROADCAST, SWITCH_BROADCAST},
	{SO_REUSEADDR, SWITCH_REUSEADDR},    {SO_OOBINLINE, SWITCH_INLINE},
	{SO_DONTROUTE, SWITCH_DONTROUTE},
#ifdef SO_PASSCRED
	{SO_PASSCRED, SWITCH_CREDENTIALS},
#endif
#if defined(SO_PASSPIDFD) && defined(SYS_pidfd_open)
	{SO_PASSPIDFD, SWITCH_PROCESS},
#endif
	{SO_TIMESTAMP, SWITCH_TIME},
#ifdef SO_TIMESTAMPNS
	{SO_TIMESTAMPNS, SWITCH_EXACT_TIME},
#endif
};

static uint32_t switch_of(int option)
{
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (switches[i].option == option)
			return switches[i].bit;
	return 0;
}

/* -- getting ---------------------------------------------------------------------------------- */

/* The value cut to the room for it. */
static int give(void *value, socklen_t *size, const void *given, size_t given_size)
{
	if (*size > given_size)
		*size = (socklen_t)given_size;
	memcpy(value, given, *size);
	return 0;
}

static int give_int(void *value, socklen_t *size, int given)
{
	return give(value, size, &given, sizeof(given));
}

static int give_timeout(void *value, socklen_t *size, uint32_t milliseconds)
{
	const struct timeval given = {(time_t)(milliseconds / 1000),
				      (suseconds_t)(milliseconds % 1000 * 1000)};

	return give(value, size, &given, sizeof(given));
}

static int give_linger(void *value, socklen_t *size, int32_t seconds)
{
	const struct linger given = {seconds >= 0, seconds >= 0 ? seconds : 0};

	return give(value, size, &given, sizeof(given));
}

/* Whom SO_PEERCRED tells of; NULL: of nobody. */
static const struct socket_person *peer_of(int fd, struct handle *h)
{
	const struct socket *socket = socket_of(&h->mapping);

	if (!has_both_ends(socket) || !socket_is_connected(fd, h))
		return NULL;
	return &socket->ends[!end_of(h)].person;
}

static int give_peer(int fd, struct handle *h, void *value, socklen_t *size)
{
#ifdef SO_PEERCRED
	const struct socket_person *peer = peer_of(fd, h);
	struct ucred given = {0, (uid_t)-1, (gid_t)-1};

	if (peer)
		given = (struct ucred){(pid_t)peer->pid, peer->uid, peer->gid};
	return give(value, size, &given, sizeof(given));
#else
	(void)fd, (void)h, (void)value, (void)size;
	return ENOPROTOOPT;
#endif
}

static int give_peers_process(int fd, struct handle *h, void *value, socklen_t *size)
{
#ifdef SYS_pidfd_open
	const struct socket_person *peer = peer_of(fd, h);

	if (!peer)
		return ENODATA;
	/* another process may have its number by now */
	if (!process_lives(peer->pid, peer->birth))
		return ESRCH;
	int process = (int)syscall(SYS_pidfd_open, (pid_t)peer->pid, 0);
	if (process < 0)
		return errno;
	descriptor_is_new(process);
	return give_int(value, size, process);
#else
	(void)fd, (void)h, (void)value, (void)size;
	return ENOPROTOOPT;
#endif
}

/* The error is told once. */
static int take_error(int fd, struct handle *h)
{
	struct socket *socket = socket_of(&h->mapping);
	bool is_gone = has_connections(socket) && socket_is_connected(fd, h) &&
		       socket_has_peer(fd, h) == 0;

	mapping_lock(&h->mapping);
	if (is_gone)
		socket_notice_end(h);
	int error = (int)socket->ends[end_of(h)].error;
	CHANGE(&h->mapping, socket->ends[end_of(h)].error, 0);
	mapping_unlock(&h->mapping);
	return error;
}

/* 0 or an error. */
static int get_option(int fd, struct handle *h, int option, void *value, socklen_t *size)
{
	const struct socket *socket = socket_of(&h->mapping);
	const struct socket_end *own = &socket->ends[end_of(h)];
	uint32_t bit = switch_of(option);

	if (bit)
		return give_int(value, size, (own->switches & bit) != 0);
	switch (option) {
	case SO_TYPE:
		return give_int(value, size, (int)socket->type);
	case SO_ACCEPTCONN:
		return give_int(value, size, socket->state == SOCKET_LISTENS);
	case SO_ERROR:
		return give_int(value, size, take_error(fd, h));
#ifdef SO_DOMAIN
	case SO_DOMAIN:
		return give_int(value, size, AF_UNIX);
	case SO_PROTOCOL:
		return give_int(value, size, 0);
#endif
	case SO_SNDBUF:
		return give_int(value, size, (int)own->send_size);
	case SO_RCVBUF:
		return give_int(value, size, (int)own->receive_size);
	case SO_RCVLOWAT:
		return give_int(value, size, (int)own->least);
	case SO_SNDLOWAT:
		return give_int(value, size, 1);
	case SO_RCVTIMEO:
		return give_timeout(value, size, own->receive_timeout);
	case SO_SNDTIMEO:
		return give_timeout(value, size, own->send_timeout);
	case SO_LINGER:
		return give_linger(value, size, own->lingers);
#ifdef SO_PEEK_OFF
	case SO_PEEK_OFF:
		return give_int(value, size, own->peeks_at);
#endif
#ifdef SO_PEERCRED
	case SO_PEERCRED:
		return give_peer(fd, h, value, size);
#endif
#ifdef SO_PEERPIDFD
	case SO_PEERPIDFD:
		return give_peers_process(fd, h, value, size);
#endif
	default:
		return ENOPROTOOPT;
	}
}

int ipcref_getsockopt(int fd, int level, int option, void *value, socklen_t *size)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);

	if (!is_ours)
		return getsockopt(fd, level, option, value, size);
	if (!h)
		return -1;
	int error = level == SOL_SOCKET ? get_option(fd, h, option, value, size) : EOPNOTSUPP;
	handle_put(h);
	if (!error)
		return 0;
	errno = error;
	return -1;
}

/* -- setting ---------------------------------------------------------------------------------- */

/* Twice the wish, as Linux has it, whose own data take up room too. */
static uint32_t size_for(int wish)
{
	if (wish < 0 || wish > SOCKET_SIZE_MOST / 2)
		return SOCKET_SIZE_MOST;
	return wish * 2 < SOCKET_SIZE_LEAST ? SOCKET_SIZE_LEAST : (uint32_t)wish * 2;
}

static int set_timeout(_Atomic uint32_t *timeout, const void *value, socklen_t size)
{
	enum { MOST_SECONDS = INT_MAX / 1000 - 1 };
	struct timeval wish;

	if (size < sizeof(wish))
		return EINVAL;
	memcpy(&wish, value, sizeof(wish));
	if (wish.tv_usec < 0 || wish.tv_usec >= 1000000)
		return EDOM;
	if (wish.tv_sec < 0)
		wish = (struct timeval){0, 1};
	if (wish.tv_sec > MOST_SECONDS)
		wish.tv_sec = MOST_SECONDS;
	*timeout = (uint32_t)wish.tv_sec * 1000 + ((uint32_t)wish.tv_usec + 999) / 1000;
	return 0;
}

static int set_linger(_Atomic int32_t *lingers, const void *value, socklen_t size)
{
	struct linger wish;

	if (size < sizeof(wish))
		return EINVAL;
	memcpy(&wish, value, sizeof(wish));
	*lingers = wish.l_onoff ? wish.l_linger & INT_MAX : -1;
	return 0;
}

/* 0 or an error. */
static int set_number(struct handle *h, int option, int wish)
{
	struct socket *socket = socket_of(&h->mapping);
	struct socket_end *own = &socket->ends[end_of(h)];
	uint32_t bit = switch_of(option);

	if (bit) {
		if (wish)
			own->switches |= bit;
		else
			own->switches &= ~bit;
		return 0;
	}
	switch (option) {
	case SO_SNDBUF:
		own->send_size = size_for(wish);
		return 0;
	case SO_RCVBUF:
		own->receive_size = size_for(wish);
		return 0;
	case SO_RCVLOWAT:
		own->least = wish < 0 ? INT_MAX : wish ? (uint32_t)wish : 1;
		return 0;
#ifdef SO_PEEK_OFF
	case SO_PEEK_OFF:
		own->peeks_at = wish < 0 ? -1 : wish;
		return 0;
#endif
	default:
		return ENOPROTOOPT;
	}
}

static int set_option(struct handle *h, int option, const void *value, socklen_t size)
{
	struct socket_end *own = &socket_of(&h->mapping)->ends[end_of(h)];
	int wish;

	switch (option) {
	case SO_RCVTIMEO:
		return set_timeout(&own->receive_timeout, value, size);
	case SO_SNDTIMEO:
		return set_timeout(&own->send_timeout, value, size);
	case SO_LINGER:
		return set_linger(&own->lingers, value, size);
	default:
		if (size < sizeof(wish))
			return EINVAL;
		memcpy(&wish, value, sizeof(wish));
		return set_number(h, option, wish);
	}
}

int ipcref_setsockopt(int fd, int level, int option, const void *value, socklen_t size)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);

	if (!is_ours)
		return setsockopt(fd, level, option, value, size);
	if (!h)
		return -1;
	int error = level == SOL_SOCKET ? set_option(h, option, value, size) : EOPNOTSUPP;
	handle_put(h);
	if (!error)
		return 0;
	errno = error;
	return -1;
}
