/* SPDX-License-Identifier: MIT */
#include "sched/channel.h"
#include "sched/runtime.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sched/clock.h"
#include "sched/real.h"

/* Which way, and what for, at one address. */
enum side { TO_THE_NAMED, TO_THE_NAMELESS, CALLS, OFFERS, OPENINGS };

enum { DOMAIN_PAIR = -1 };

/* A socket's address, as far as it matters who is meant. */
union address {
	struct sockaddr any;
	struct sockaddr_un unix_;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_storage room;
};

static uint64_t hash_of(const void *bytes, size_t size)
{
	const unsigned char *byte = bytes;
	uint64_t hash = 0xcbf29ce484222325;

	while (size--)
		hash = (hash ^ *byte++) * 0x100000001b3;
	return hash;
}

/* 0: it has none. Of the internet's only the port counts: who is bound to any address has all. */
static uint64_t name_of(const struct sockaddr *address, socklen_t length)
{
	if (length < sizeof(address->sa_family))
		return 0;
	switch (address->sa_family) {
	case AF_UNIX: {
		const char *path = ((const struct sockaddr_un *)address)->sun_path;
		size_t size = length - offsetof(struct sockaddr_un, sun_path);

		if (length <= offsetof(struct sockaddr_un, sun_path))
			return 0;
		return hash_of(path, *path ? strnlen(path, size) : size) | 1;
	}
	case AF_INET:
		return (uint64_t)((const struct sockaddr_in *)address)->sin_port << 1 | 1;
	case AF_INET6:
		return (uint64_t)((const struct sockaddr_in6 *)address)->sin6_port << 1 | 1;
	default:
		return 1;
	}
}

static uint64_t key_at(uint64_t name, enum side side)
{
	return sync_key(SYNC_SOCKET, name, side);
}

static uint64_t inode_key(const struct stat *status)
{
	return sync_key(SYNC_SOCKET, (uint64_t)DOMAIN_PAIR, status->st_ino);
}

void channel_pair(const int ends[2])
{
	for (int i = 0; i < 2 && self.party; i++) {
		struct stat mine, other;

		if (fstat(ends[i], &mine) || fstat(ends[!i], &other))
			return;
		struct sync_object *object = sync_find(inode_key(&mine), SYNC_SOCKET, true);

		if (object)
			atomic_store(&object->peer, other.st_ino);
	}
}

/* The keys of what comes in and what goes out. */
static void socket_keys(int fd, const struct stat *status, uint64_t *in, uint64_t *out)
{
	struct sync_object *object = sync_find(inode_key(status), SYNC_SOCKET, false);
	uint64_t peer_inode = object ? atomic_load(&object->peer) : 0;

	if (peer_inode) {
		*in = sync_key(SYNC_SOCKET, status->st_ino, TO_THE_NAMED);
		*out = sync_key(SYNC_SOCKET, peer_inode, TO_THE_NAMED);
		return;
	}
	union address address;
	socklen_t length = sizeof(address);
	uint64_t local = getsockname(fd, &address.any, &length) ? 0 : name_of(&address.any, length);

	length = sizeof(address);
	uint64_t peer = getpeername(fd, &address.any, &length) ? 0 : name_of(&address.any, length);

	*in = local ? key_at(local, TO_THE_NAMED) : key_at(peer, TO_THE_NAMELESS);
	*out = peer ? key_at(peer, TO_THE_NAMED) : key_at(local, TO_THE_NAMELESS);
}

static uint64_t file_key(const struct stat *status)
{
	enum sync_kind kind = S_ISFIFO(status->st_mode)	 ? SYNC_PIPE
			      : S_ISREG(status->st_mode) ? SYNC_FILE
							 : SYNC_EVENT;

	return sync_key(kind, status->st_dev, status->st_ino);
}

static enum sync_kind kind_of(const struct stat *status)
{
	return S_ISSOCK(status->st_mode)   ? SYNC_SOCKET
	       : S_ISFIFO(status->st_mode) ? SYNC_PIPE
	       : S_ISREG(status->st_mode)  ? SYNC_FILE
					   : SYNC_EVENT;
}

void channel_sends(int fd, const struct sockaddr *to, socklen_t length)
{
	struct stat status;
	uint64_t in, out;
	int saved = errno;

	runtime_drain();
	if (!self.party || fstat(fd, &status)) {
		errno = saved;
		return;
	}
	if (!S_ISSOCK(status.st_mode)) {
		out = file_key(&status);
	} else {
		socket_keys(fd, &status, &in, &out);
		if (to && length)
			out = key_at(name_of(to, length), TO_THE_NAMED);
	}
	sync_release(out, kind_of(&status));
	errno = saved;
}

/* Who reads there may learn of whoever is dead. */
static bool is_of_processes(const struct stat *status)
{
	static dev_t processes;
	struct stat root;

	if (!processes)
		processes = stat("/proc/self", &root) ? (dev_t)-1 : root.st_dev;
	return status->st_dev == processes;
}

void channel_received(int fd, ssize_t got)
{
	struct stat status;
	uint64_t in, out;
	int saved = errno;

	if (!self.party || got < 0 || fstat(fd, &status)) {
		errno = saved;
		return;
	}
	in = file_key(&status);
	if (S_ISSOCK(status.st_mode))
		socket_keys(fd, &status, &in, &out);
	sync_acquire(in, kind_of(&status));
	/* The end: all who could have written have closed it, or are dead. */
	if ((!got && !S_ISREG(status.st_mode)) || is_of_processes(&status))
		party_join_dead();
	if (kind_of(&status) == SYNC_EVENT)
		signal_taken();
	errno = saved;
}

void channel_opened(int fd)
{
	struct stat status;
	int saved = errno;

	if (self.party && !fstat(fd, &status) && S_ISFIFO(status.st_mode)) {
		uint64_t key = sync_key(SYNC_PIPE, status.st_dev ^ OPENINGS, status.st_ino);

		sync_release(key, SYNC_PIPE);
		sync_acquire(key, SYNC_PIPE);
	}
	errno = saved;
}

void channel_offers(int fd)
{
	union address address;
	socklen_t length = sizeof(address);

	if (self.party && !getsockname(fd, &address.any, &length))
		sync_release(key_at(name_of(&address.any, length), OFFERS), SYNC_SOCKET);
}

void channel_calls(const struct sockaddr *to, socklen_t length)
{
	if (self.party)
		sync_release(key_at(name_of(to, length), CALLS), SYNC_SOCKET);
}

void channel_called(const struct sockaddr *to, socklen_t length)
{
	if (self.party)
		sync_acquire(key_at(name_of(to, length), OFFERS), SYNC_SOCKET);
}

void channel_accepted(int fd)
{
	union address address;
	socklen_t length = sizeof(address);
	int saved = errno;

	if (self.party && !getsockname(fd, &address.any, &length))
		sync_acquire(key_at(name_of(&address.any, length), CALLS), SYNC_SOCKET);
	errno = saved;
}

/* ---- names --------------------------------------------------------------------------------------
 */

/* By the last part, for a directory has many names. */
static uint64_t name_key(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return sync_key(SYNC_FILE, OPENINGS, hash_of(name, strlen(name)));
}

void name_given(const char *path)
{
	if (self.party && path)
		sync_release(name_key(path), SYNC_FILE);
}

void name_found(const char *path)
{
	if (self.party && path)
		sync_acquire(name_key(path), SYNC_FILE);
}

void name_missing(const char *path)
{
	if (self.party && path && !strncmp(path, "/proc/", 6)) {
		int saved = errno;

		party_join_dead();
		errno = saved;
	}
}

/* ---- locks --------------------------------------------------------------------------------------
 */

static bool lock_key(int fd, uint64_t *key)
{
	struct stat status;
	int saved = errno;
	bool found = self.party && !fstat(fd, &status) && S_ISREG(status.st_mode);

	if (found)
		*key = sync_key(SYNC_FILE_LOCK, status.st_dev, status.st_ino);
	errno = saved;
	return found;
}

void lock_of_file_acquired(int fd)
{
	uint64_t key;

	if (!lock_key(fd, &key))
		return;
	sync_acquire_kept(key, SYNC_FILE_LOCK);
	sync_keep(key, SYNC_FILE_LOCK);
}

void lock_of_file_released(int fd)
{
	uint64_t key;

	if (lock_key(fd, &key) && sync_find(key, SYNC_FILE_LOCK, false))
		sync_release(key, SYNC_FILE_LOCK);
}
