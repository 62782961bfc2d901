/* SPDX-License-Identifier: MIT */
/*
 * Names of sockets.  A path is a link to the socket's file, whose length tells its mode.  On
 * another file system, where no link can lead, it is a signpost: a file like a socket's, but of no
 * type, with the socket's number.  An abstract name is a link in the namespace, which anybody takes
 * away when the socket is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ref/descriptor.h"
#include "ref/ipcref.h"
#include "ref/namespace.h"
#include "ref/socket.h"
#include "ref/step.h"

enum { PATH_AT = offsetof(struct sockaddr_un, sun_path) };

/* -- files ------------------------------------------------------------------------------------ */

bool socket_open(struct socket_file *file, const char *path)
{
	file->fd = FAULT("sock/find/open", EMFILE, ENFILE, ENOMEM) ? -1
								   : open(path, O_RDWR | O_CLOEXEC);
	if (file->fd < 0)
		return false;
	if (object_map(&file->mapping, file->fd, OBJECT_SOCKET, sizeof(struct socket))) {
		file->mapping.repair = NULL;
		return true;
	}
	close_keeping_errno(file->fd);
	return false;
}

bool socket_open_number(struct socket_file *file, uint64_t number)
{
	char path[PATH_MAX];

	return socket_path_of(path, number) && socket_open(file, path);
}

void socket_close(struct socket_file *file)
{
	int saved = errno;

	object_unmap(&file->mapping);
	close(file->fd);
	errno = saved;
}

bool socket_is_held(const struct socket_file *file)
{
	return descriptor_has_others(file->fd, SOCKET_A) != 0;
}

bool socket_path_of(char path[PATH_MAX], uint64_t number)
{
	char name[32];

	snprintf(name, sizeof(name), "%016llx", (unsigned long long)number);
	return namespace_path(path, "sock", name);
}

uint64_t socket_new_number(void)
{
	static _Atomic uint32_t counter;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t moment = (uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec;
	uint64_t number = moment * 0x9E3779B97F4A7C15 + ((uint64_t)getpid() << 32) + ++counter;
	return number ? number : 1;
}

bool socket_tells(struct stat *status)
{
	off_t mode = status->st_size - (off_t)sizeof(struct socket);

	if (!S_ISREG(status->st_mode) || mode < 0 || mode > 0777)
		return false;
	status->st_mode = S_IFSOCK | (mode_t)mode;
	status->st_size = 0;
	status->st_blocks = 0;
	return true;
}

static bool set_mode(int fd, mode_t mode)
{
	return ftruncate(fd, (off_t)sizeof(struct socket) + (off_t)(mode & 0777)) == 0;
}

bool socket_chmod(const char *path, mode_t mode, int *result)
{
	struct stat status;

	if (stat(path, &status) < 0 || !socket_tells(&status))
		return false;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	*result = -1;
	if (fd < 0)
		return true;
	/* refused to anybody but the owner */
	if (fchmod(fd, 0666) == 0 && set_mode(fd, mode))
		*result = 0;
	int error = errno;

	close(fd);
	errno = error;
	return true;
}

/* -- addresses -------------------------------------------------------------------------------- */

int socket_parse(struct sockaddr_un *to, const struct sockaddr *address, socklen_t size)
{
	if (size < PATH_AT || size > sizeof(*to))
		return EINVAL;
	memset(to, 0, sizeof(*to));
	memcpy(to, address, size);
	return to->sun_family == AF_UNIX ? 0 : EINVAL;
}

static bool is_abstract(const struct sockaddr_un *address, socklen_t size)
{
	return size > PATH_AT && address->sun_path[0] == '\0';
}

/* The file of an abstract name: its bytes in hexadecimal. */
static bool abstract_path(char path[PATH_MAX], const char *bytes, size_t size)
{
	char name[2 * sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1] = "";

	for (size_t i = 0; i < size; i++)
		snprintf(name + 2 * i, 3, "%02x", (unsigned char)bytes[i]);
	return namespace_path(path, "sockname", name);
}

/* The path that the address leads to, with a zero at its end. */
static bool path_of(char path[PATH_MAX], const struct sockaddr_un *address, socklen_t size)
{
	if (is_abstract(address, size))
		return abstract_path(path, address->sun_path + 1, size - PATH_AT - 1);
	snprintf(path, PATH_MAX, "%.*s", (int)sizeof(address->sun_path), address->sun_path);
	return true;
}

static void keep_name(struct socket_name *name, const struct sockaddr_un *address, socklen_t size)
{
	if (size > PATH_AT && !is_abstract(address, size)) {
		size = PATH_AT + (socklen_t)strnlen(address->sun_path, sizeof(name->path)) + 1;
		if (size > sizeof(*address))
			size = sizeof(*address);
	}
	memcpy(name->path, address->sun_path, size - PATH_AT);
	name->size = size;
}

void socket_copy_name(struct socket_name *to, const struct socket_name *from)
{
	uint32_t size = from->size;

	if (size < PATH_AT || size > PATH_AT + sizeof(to->path))
		size = PATH_AT; /* scribbled by a peer */
	memcpy(to->path, from->path, size - PATH_AT);
	to->size = size;
}

void socket_tell(const struct socket_name *name, struct sockaddr *address, socklen_t *size)
{
	struct sockaddr_un whole = {.sun_family = AF_UNIX};
	struct socket_name copy = {.size = PATH_AT};

	if (!address || !size)
		return;
	socket_copy_name(&copy, name);
	memcpy(whole.sun_path, copy.path, sizeof(whole.sun_path));
	memcpy(address, &whole, *size < copy.size ? *size : copy.size);
	*size = copy.size;
}

/* -- finding ---------------------------------------------------------------------------------- */

/* Whether the file of the path may be written to, if it is a socket's. */
static bool is_permitted(const struct socket_file *file)
{
	struct stat status;

	return fstat(file->fd, &status) == 0 && socket_tells(&status) &&
	       object_permits(status.st_mode & 0777, status.st_uid, status.st_gid, 02);
}

static bool is_signpost(const struct socket_file *file)
{
	return socket_of(&file->mapping)->type == 0;
}

static int check_found(const struct socket_file *file, uint32_t type)
{
	if (!socket_is_held(file))
		return ECONNREFUSED;
	return socket_of(&file->mapping)->type == type ? 0 : EPROTOTYPE;
}

bool socket_find(struct socket_file *file, const struct sockaddr_un *to, socklen_t size,
		 uint32_t type)
{
	char path[PATH_MAX];
	int error = 0;

	if (size <= PATH_AT) {
		errno = EINVAL;
		return false;
	}
	if (!path_of(path, to, size))
		return false;
	if (!socket_open(file, path)) {
		/* what is no socket, and an abstract name that isn't there, refuse */
		if (errno == EINVAL || errno == EISDIR ||
		    (errno == ENOENT && is_abstract(to, size)))
			errno = ECONNREFUSED;
		return false;
	}
	if (!is_abstract(to, size) && !is_permitted(file))
		error = EACCES;
	if (!error && is_signpost(file)) {
		uint64_t number = socket_of(&file->mapping)->number;

		socket_close(file);
		if (!socket_open_number(file, number)) {
			if (errno == ENOENT)
				errno = ECONNREFUSED;
			return false;
		}
	}
	if (!error)
		error = check_found(file, type);
	if (!error)
		return true;
	socket_close(file);
	errno = error;
	return false;
}

/* -- what is left of the dead -----------------------------------------------------------------
 */

/* Whether nobody has it, nor will. */
static bool is_dead(const struct socket_file *file)
{
	return !socket_is_held(file) && descriptor_has_others(file->fd, SOCKET_B) == 0;
}

/*
 * Who takes a dead socket's name away has locked it: so it is still that socket's, for another's
 * can't come to its place before.  The number's is the last of them: by it those that are left are
 * found, if whoever buries it dies.
 */
static void unlink_names(struct socket_file *file)
{
	const struct socket *socket = socket_of(&file->mapping);
	uint64_t number = socket->number;
	struct socket_name name;
	struct stat status;
	char path[PATH_MAX], carrier[PATH_MAX];

	if (fstat(file->fd, &status) < 0)
		return;
	socket_copy_name(&name, &socket->ends[0].name);
	if (name.size > PATH_AT && name.path[0] == '\0' &&
	    abstract_path(path, name.path + 1, name.size - PATH_AT - 1) &&
	    namespace_leads_to(path, &status))
		unlink(path);
	STEP("sock/bury/unnamed");
	if (!socket_path_of(path, number) || !namespace_leads_to(path, &status))
		return;
	if (rights_path_of(carrier, number))
		unlink(carrier);
	STEP("sock/bury/without-carrier");
	unlink(path);
}

/* Whether it was buried. */
static bool bury(struct socket_file *file)
{
	bool is_buried;

	if (!is_dead(file) || socket_is_awaited(&file->mapping))
		return false;
	mapping_lock(&file->mapping);
	is_buried = is_dead(file); /* not accepted meanwhile */
	if (is_buried)
		unlink_names(file);
	mapping_unlock(&file->mapping);
	return is_buried;
}

void socket_bury(uint64_t number)
{
	int saved = errno;
	struct socket_file file;

	if (socket_open_number(&file, number)) {
		bury(&file);
		socket_close(&file);
	}
	errno = saved;
}

/* A name is in use: 0 if it isn't any more, or EADDRINUSE, also if that can't be told. */
static int clear_away(const char *path)
{
	struct socket_file file;
	bool is_buried;

	if (!socket_open(&file, path))
		return errno == ENOENT ? 0 : EADDRINUSE;
	is_buried = bury(&file);
	socket_close(&file);
	return is_buried ? 0 : EADDRINUSE;
}

/* -- binding ---------------------------------------------------------------------------------- */

/* A path where the umask leaves this of all permissions, and where a file can be made at all. */
static bool mode_at(const char *path, mode_t *mode)
{
	char nameless[PATH_MAX];
	struct stat status;
	int fd = object_begin(AT_FDCWD, path, 0777, nameless);

	if (fd < 0)
		return false;
	bool is_told = fstat(fd, &status) == 0;
	int error = errno;

	if (*nameless)
		unlink(nameless);
	close(fd);
	errno = error;
	*mode = status.st_mode & 0777;
	return is_told;
}

/* The path leads to the socket, too.  0 or an error. */
static int link_to(const struct socket *socket, const char *path)
{
	char own[PATH_MAX];

	if (FAULT("sock/bind/link", ENOSPC) || !socket_path_of(own, socket->number))
		return errno;
	if (link(own, path) < 0)
		return errno == EEXIST ? EADDRINUSE : errno;
	STEP("sock/bind/linked");
	return 0;
}

static void make_signpost(struct object *object, const void *number)
{
	((struct socket *)object)->number = *(const uint64_t *)number;
}

/* 0 or an error. */
static int put_signpost(uint64_t number, const char *path, mode_t mode)
{
	char nameless[PATH_MAX];
	int fd = object_begin(AT_FDCWD, path, 0666, nameless);

	if (fd < 0)
		return errno;
	bool is_put = fchmod(fd, 0666) == 0 &&
		      object_write(fd, OBJECT_SOCKET, offsetof(struct socket, rings), 0666,
				   make_signpost, &number) &&
		      set_mode(fd, mode) && object_name(fd, nameless, AT_FDCWD, path);
	int error = is_put ? 0 : errno == EEXIST ? EADDRINUSE : errno;

	if (*nameless)
		unlink(nameless);
	close(fd);
	return error;
}

/* 0 or an error; the socket is locked. */
static int link_path(int fd, struct socket *socket, const char *path)
{
	mode_t mode;

	if (!mode_at(path, &mode) || !set_mode(fd, mode))
		return errno;
	int error = link_to(socket, path);

	return error == EXDEV ? put_signpost(socket->number, path, mode) : error;
}

/* Whether the path leads to this socket, by a link or a signpost. */
static bool leads_here(int fd, const struct socket *socket, const char *path)
{
	struct socket_file file;
	struct stat status;

	if (fstat(fd, &status) == 0 && namespace_leads_to(path, &status))
		return true;
	if (!socket_open(&file, path))
		return false;
	bool is_here = is_signpost(&file) && socket_of(&file.mapping)->number == socket->number;

	socket_close(&file);
	return is_here;
}

static void set_binding(struct handle *h, bool is_on)
{
	struct socket_end *own = &socket_of(&h->mapping)->ends[0];

	if (is_on)
		own->switches |= SWITCH_BINDING;
	else
		own->switches &= ~(uint32_t)SWITCH_BINDING;
}

void socket_settle_name(int fd, struct handle *h)
{
	struct socket *socket = socket_of(&h->mapping);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct socket_name name;
	char path[PATH_MAX];

	if (end_of(h) == 1 || !(socket->ends[0].switches & SWITCH_BINDING))
		return;
	socket_copy_name(&name, &socket->ends[0].name);
	memcpy(address.sun_path, name.path, name.size - PATH_AT);
	/* if there is no name yet, the empty path leads nowhere */
	if (path_of(path, &address, name.size) && leads_here(fd, socket, path))
		unlink(path);
	socket->ends[0].name.size = PATH_AT;
	set_binding(h, false);
}

/*
 * The name is known before it leads here: so it goes with the socket, whoever dies meanwhile; and
 * is told to be only when it does.
 */
static int bind_to(int fd, struct handle *h, const struct sockaddr_un *address, socklen_t size,
		   const char *path)
{
	struct socket *socket = socket_of(&h->mapping);
	struct socket_name *name = &socket->ends[0].name;
	int error = has_connections(socket) ? 0 : rights_name(h);

	if (error)
		return error;
	set_binding(h, true);
	keep_name(name, address, size);
	STEP("sock/bind/named");
	error = is_abstract(address, size) ? link_to(socket, path) : link_path(fd, socket, path);
	if (error) {
		name->size = PATH_AT;
		rights_unname(h);
	}
	set_binding(h, false);
	return error;
}

/* To an abstract name of five digits that nobody has. */
static int bind_by_itself(int fd, struct handle *h)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	uint64_t own = socket_of(&h->mapping)->number;
	uint32_t number = (uint32_t)(own ^ own >> 20);
	const socklen_t size = PATH_AT + 6;
	char path[PATH_MAX], digits[8];
	int error = EADDRINUSE;

	for (unsigned i = 0; error == EADDRINUSE && i < 1 << 20; i++) {
		snprintf(digits, sizeof(digits), "%05x", (number + i) & 0xfffff);
		memcpy(address.sun_path + 1, digits, 5);
		if (!path_of(path, &address, size))
			return errno;
		error = bind_to(fd, h, &address, size, path);
	}
	return error;
}

static int bind_locked(int fd, struct handle *h, const struct sockaddr_un *address, socklen_t size,
		       const char *path)
{
	struct socket *socket = socket_of(&h->mapping);

	socket_settle_name(fd, h);
	if (end_of(h) == 1 || socket->ends[0].name.size > PATH_AT)
		return EINVAL;
	if (socket->number == 0)
		return EOPNOTSUPP;
	return size == PATH_AT ? bind_by_itself(fd, h) : bind_to(fd, h, address, size, path);
}

static int bind_ours(int fd, struct handle *h, const struct sockaddr *address, socklen_t size)
{
	struct sockaddr_un to;
	char path[PATH_MAX];
	int error = socket_parse(&to, address, size);

	if (error)
		return error;
	if (!path_of(path, &to, size))
		return errno;
	for (;;) {
		mapping_lock(&h->mapping);
		error = bind_locked(fd, h, &to, size, path);
		mapping_unlock(&h->mapping);
		if (error != EADDRINUSE || !is_abstract(&to, size))
			return error;
		error = clear_away(path);
		if (error)
			return error;
	}
}

int ipcref_bind(int fd, const struct sockaddr *address, socklen_t size)
{
	bool is_ours;
	struct handle *h = socket_get(fd, &is_ours);

	if (!is_ours)
		return bind(fd, address, size);
	if (!h)
		return -1;
	int error = FAULT("sock/bind/enter", EIO, ENOBUFS, ENOMEM, EROFS)
			    ? errno
			    : bind_ours(fd, h, address, size);
	handle_put(h);
	if (!error)
		return 0;
	errno = error;
	return -1;
}
