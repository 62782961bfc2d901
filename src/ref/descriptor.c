/* SPDX-License-Identifier: MIT */
#include "ref/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/step.h"

/* It came by exec or from another process: what it is, the file tells. */
static struct handle *find_out(int fd)
{
	struct handle *h = NULL;
	struct stat status;

	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
	    status.st_size < (off_t)sizeof(struct object))
		return NULL;
	for (int kind = 0; !h && kind < OBJECT_KINDS; kind++)
		if (object_classes[kind])
			h = handle_make(fd, object_classes[kind]);
	if (h) {
		off_t end = lseek(fd, 0, SEEK_CUR);

		h->end = end < 0 ? 0 : (unsigned)end;
	}
	return h;
}

static struct handle_table table = HANDLE_TABLE(find_out);

struct handle *descriptor_get(int fd, enum object_kind kind)
{
	struct handle *h = handle_get(&table, fd);

	if (h && (kind == OBJECT_ANY || h->class->kind == kind))
		return h;
	if (h)
		handle_put(h);
	errno = EBADF;
	return NULL;
}

int descriptor_adopt(int fd, enum object_kind kind, unsigned end)
{
	struct handle *h = NULL;

	if (fd < 0)
		return -1;
	if (lseek(fd, (off_t)end, SEEK_SET) >= 0)
		h = handle_make(fd, object_classes[kind]);
	if (h) {
		h->end = end;
		if (handle_enter(&table, fd, h))
			return fd;
	}
	close_keeping_errno(fd);
	return -1;
}

int descriptor_adopt_both(int made[2], bool is_done, enum object_kind kind, unsigned first,
			  unsigned second, int ends[2])
{
	if (is_done) {
		made[0] = descriptor_adopt(made[0], kind, first);
		made[1] = descriptor_adopt(made[1], kind, second);
	}
	if (is_done && made[0] >= 0 && made[1] >= 0) {
		ends[0] = made[0];
		ends[1] = made[1];
		return 0;
	}
	int error = errno;
	for (int i = 0; i < 2; i++)
		if (made[i] >= 0)
			ipcref_close(made[i]);
	errno = error;
	return -1;
}

struct handle *descriptor_leave(int fd)
{
	struct handle *h = descriptor_get(fd, OBJECT_ANY);

	if (!h)
		return NULL;
	if (handle_is_shared(h) && h->kept < 0 && !FAULT("descriptor/close/keep", EMFILE))
		h->kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (h->class->closing)
		h->class->closing(fd, h);
	handle_forget(&table, fd);
	return h;
}

void descriptor_left(int fd, struct handle *h)
{
	int saved = errno;

	if (!h)
		return;
	/* what another thread may have found out meanwhile is void, and easily found out again */
	handle_forget(&table, fd);
	if (h->class->closed)
		h->class->closed(h);
	handle_put(h);
	errno = saved;
}

void descriptor_is_new(int fd)
{
	handle_forget(&table, fd);
}

void descriptor_is_copy(int fd, int copy)
{
	int saved = errno;

	descriptor_is_new(copy);
	struct handle *h = descriptor_get(fd, OBJECT_ANY);
	if (h && h->class->copied)
		h->class->copied(h, copy);
	if (h)
		handle_put(h);
	errno = saved;
}

/* -- ends ------------------------------------------------------------------------------------- */

#ifdef F_OFD_SETLK
static struct flock byte_of(unsigned end, short type)
{
	return (struct flock){
		.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)end, .l_len = 1};
}

bool descriptor_take_end(int fd, unsigned ends)
{
	if (FAULT("descriptor/take-end/lock", ENOLCK))
		return false;
	for (unsigned end = 1; end <= ends; end <<= 1) {
		struct flock lock = byte_of(end, F_RDLCK);

		if (!(ends & end) || fcntl(fd, F_OFD_SETLK, &lock) == 0)
			continue;
		if (errno == EINVAL) /* of a kernel that has no such locks */
			errno = ENOSYS;
		return false;
	}
	return true;
}

int descriptor_has_others(int fd, unsigned end)
{
	struct flock lock = byte_of(end, F_WRLCK);

	return fcntl(fd, F_OFD_GETLK, &lock) < 0 ? -1 : lock.l_type != F_UNLCK;
}
#else
bool descriptor_take_end(int fd, unsigned ends)
{
	(void)fd;
	(void)ends;
	errno = ENOSYS;
	return false;
}

int descriptor_has_others(int fd, unsigned end)
{
	(void)fd;
	(void)end;
	errno = ENOSYS;
	return -1;
}
#endif

void close_keeping_errno(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
}

/* -- of an open one --------------------------------------------------------------------------- */

int descriptor_number(int fd, const struct handle *h)
{
	int kept = atomic_load(&h->kept);

	return kept < 0 ? fd : kept;
}

bool descriptor_mustnt_wait(int fd, struct handle *h)
{
	bool is_nonblocking = descriptor_is_nonblocking(descriptor_number(fd, h));

	atomic_store_explicit(&h->waits, !is_nonblocking, memory_order_relaxed);
	return is_nonblocking;
}

bool descriptor_is_nonblocking(int fd)
{
	int saved = errno, flags = fcntl(fd, F_GETFL);

	errno = saved;
	return flags >= 0 && (flags & O_NONBLOCK);
}
