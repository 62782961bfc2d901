/* SPDX-License-Identifier: MIT */
/*
 * Shared memory.  A segment of System V is a file: a head, which all who use it have mapped, and
 * from the next page on the memory, which they attach.
 *
 * Who is attached, the kernel tells, for it alone hears of every death.  Each attachment has a
 * mark: a byte of the file that is locked (F_OFD_SETLK), and shm_nattch is how many there are.  The
 * lock belongs to an open file description, and that lives as long as something is mapped by it:
 * here a page nobody touches, so that no descriptor is kept open.  The page, and with it the mark,
 * goes with shmdt, with exec and with the process, however it ends.  A child inherits the memory
 * but not the page: it gets a page, and a mark, of its own, made before the fork, for it is
 * attached from its first instant on.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "ref/ipcref.h"
#include "ref/namespace.h"
#include "ref/registry.h"
#include "ref/step.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

struct segment {
	struct ipc_object ipc; /* its mode has SHM_DEST and SHM_LOCKED, too */
	uint64_t size;	       /* in bytes, as it was asked for */
	int64_t attached_at, detached_at;
	int32_t creator, last; /* process ids */
};

static struct ipc_class shm_class = {
	.class = {.kind = OBJECT_SEGMENT,
		  .least = sizeof(struct segment),
		  .most = sizeof(struct segment)},
	.name = "shm",
	.most = REGISTRY_PLACES,
	.handles = HANDLE_TABLE(NULL),
};

/* As Linux has it if nobody says otherwise: the file system alone sets a limit. */
static const size_t largest_size = SIZE_MAX - (1 << 24);

static struct segment *segment_of(const struct handle *h)
{
	return (struct segment *)h->mapping.object;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t whole_pages(size_t size)
{
	return (size + page_size() - 1) / page_size() * page_size();
}

/* Where in the file the memory begins. */
static size_t start_of_memory(void)
{
	return whole_pages(sizeof(struct segment));
}

static int close_with(int fd, int error)
{
	close(fd);
	errno = error;
	return -1;
}

/* -- marks ------------------------------------------------------------------------------------ */

/* The bytes of a file that may be locked, for the locks alone: whatever they hold. */
enum { MARKS = 1 << 16 };

static struct flock lock_of(off_t from, off_t end)
{
	return (struct flock){
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = from, .l_len = end - from};
}

/* Locks a byte that nobody else has. */
static bool set_mark(int fd)
{
	off_t first = getpid() % MARKS; /* others begin elsewhere */

	for (off_t i = 0; i < MARKS; i++) {
		off_t byte = (first + i) % MARKS;
		struct flock lock = lock_of(byte, byte + 1);

		if (!FAULT("shm/mark/lock", ENOLCK) && fcntl(fd, F_OFD_SETLK, &lock) == 0)
			return true;
		if (errno == EINVAL) /* of a kernel that has no such locks */
			errno = ENOSYS;
		if (errno == ENOLCK) /* the kernel lacks memory for one more */
			errno = ENOMEM;
		if (errno != EAGAIN && errno != EACCES)
			return false;
	}
	errno = ENOMEM;
	return false;
}

/* A descriptor of the segment with a mark; -1 and errno. */
static int open_marked(int id)
{
	int fd = ipc_open(&shm_class, id, O_RDWR);

	return fd < 0 || set_mark(fd) ? fd : close_with(fd, errno);
}

/* Closes it, and keeps its mark: as long as the page is mapped, which is MAP_FAILED if none is. */
static void *keep_mark(int fd)
{
	void *page = FAULT("shm/mark/map", ENOMEM)
			     ? MAP_FAILED
			     : mmap(NULL, page_size(), PROT_NONE, MAP_SHARED, fd, 0);

	close_with(fd, errno);
	return page;
}

static void drop_mark(void *page)
{
	if (page != MAP_FAILED)
		munmap(page, page_size());
}

/*
 * The first locked byte from this one on, and where its lock ends; MARKS: there is none; -1 with
 * errno: it can't be told.
 */
static off_t find_mark(int fd, off_t from, off_t *end)
{
	off_t first = MARKS;

	*end = MARKS;
	/* the kernel tells of any in the range: perhaps there is another before it */
	while (from < first) {
		struct flock lock = lock_of(from, first);

		/* of a kernel that has no such locks nobody can be attached */
		if (FAULT("shm/count/look", ENOMEM) || fcntl(fd, F_OFD_GETLK, &lock) < 0)
			return errno == EINVAL ? MARKS : -1;
		if (lock.l_type == F_UNLCK)
			break;
		first = lock.l_start > from ? lock.l_start : from;
		*end = lock.l_len > 0 && lock.l_len < MARKS - lock.l_start
			       ? lock.l_start + lock.l_len
			       : MARKS;
	}
	return first;
}

/* How many attachments the segment has; -1 with errno if it can't be told. */
static int count_marks(int id)
{
	int fd = ipc_open(&shm_class, id, O_RDWR), count = 0;
	off_t at, end = 0;

	if (fd < 0)
		return -1;
	while ((at = find_mark(fd, end, &end)) >= 0 && at < MARKS)
		count += (int)(end - at);
	if (at < 0)
		return close_with(fd, errno);
	close(fd);
	return count;
}

/* -- finding one, and the end of one ---------------------------------------------------------- */

static bool is_doomed(const struct handle *h)
{
	return segment_of(h)->ipc.mode & SHM_DEST;
}

/*
 * Nobody is attached, nor will be: the memory goes at once, and not when the last who has once
 * looked at the segment has forgotten its head.  False: it stays, for want of a descriptor.
 */
static bool free_memory(int id)
{
	int fd = ipc_open(&shm_class, id, O_RDWR);

	if (fd < 0)
		return false;
	bool is_freed = ftruncate(fd, (off_t)start_of_memory()) == 0;

	close(fd);
	return is_freed;
}

/* Of a locked segment: it was removed, or is now, for it is doomed and nobody is attached. */
static bool is_over(const struct handle *h)
{
	if (segment_of(h)->ipc.is_removed)
		return true;
	if (!is_doomed(h) || count_marks(h->id) != 0 || !free_memory(h->id))
		return false;
	STEP("shm/destroy/emptied");
	segment_of(h)->ipc.is_removed = 1;
	return true;
}

/* Unlocks a segment.  True: it is no more. */
static bool unlock_or_destroy(struct handle *h)
{
	bool is_no_more = is_over(h);

	mapping_unlock(&h->mapping);
	STEP("shm/destroy/marked");
	if (is_no_more)
		ipc_removed(&shm_class, h);
	return is_no_more;
}

/*
 * As ipc_find.  If the last who was attached to a doomed segment has died, this is the one who
 * comes next.
 */
static struct handle *find(int id)
{
	struct handle *h = ipc_find(&shm_class, id);

	if (!h || !is_doomed(h))
		return h;
	mapping_lock(&h->mapping);
	if (!unlock_or_destroy(h))
		return h;
	handle_put(h);
	errno = EINVAL;
	return NULL;
}

/*
 * Whether it is still there now that it is locked; else it is unlocked, and errno tells.  Since it
 * was found somebody may have died who was destroying it, and left it without its memory.
 */
static bool lock_if_there(struct handle *h)
{
	mapping_lock(&h->mapping);
	int error = !object_is_there(&h->mapping) ? EBADMSG : is_over(h) ? EINVAL : 0;

	if (!error)
		return true;
	mapping_unlock(&h->mapping);
	if (error == EINVAL)
		ipc_removed(&shm_class, h);
	errno = error;
	return false;
}

/*
 * Calls it with each segment that this process may open; what is to be destroyed is destroyed.  The
 * highest place, or -1 with errno: they can't all be looked at.
 */
static int for_each_segment(void (*call)(const struct handle *h, void *data), void *data)
{
	unsigned count;
	int highest = ipc_highest(&shm_class, &count);

	for (int place = 0; place <= highest; place++) {
		int id = ipc_at(&shm_class, place);
		struct handle *h = id < 0 ? NULL : find(id);

		if (!h && ipc_is_shortage(errno))
			return -1;
		if (h && call)
			call(h, data);
		if (h)
			handle_put(h);
	}
	return highest;
}

/* -- shmget ----------------------------------------------------------------------------------- */

static void make_segment(struct object *object, const void *wish)
{
	struct segment *segment = (struct segment *)object;

	segment->size = *(const size_t *)wish;
	segment->creator = (int32_t)getpid();
}

/*
 * A doomed segment leads nowhere by its key: if who has doomed it died before he could say so, this
 * does.  True: there was one.
 */
static bool hide_doomed(int id)
{
	struct handle *h = id < 0 ? NULL : find(id);
	bool is_hidden = h ? is_doomed(h) : errno == EINVAL;

	if (h && is_hidden)
		ipc_hide(&shm_class, id);
	if (h)
		handle_put(h);
	return id >= 0 && is_hidden;
}

static bool is_large_enough(int id, size_t size)
{
	struct handle *h = size ? find(id) : NULL;
	bool is = !h || size <= segment_of(h)->size;

	if (h)
		handle_put(h);
	return is;
}

int ipcref_shmget(key_t key, size_t size, int flags)
{
	struct ipc_wish wish = {.make = make_segment, .wish = &size};
	bool is_new, is_swept = false;

	if (size > 0 && size <= largest_size)
		wish.size = start_of_memory() + whole_pages(size);
	for (;;) {
		int id = ipc_get(&shm_class, key, flags, &wish, &is_new);
		int error = errno;

		if (id >= 0 && is_new)
			return id;
		if ((error == ENOSPC || error == ENOMEM) && id < 0 && !is_swept) {
			/* perhaps those of the dead have the place, or the memory */
			for_each_segment(NULL, NULL);
			is_swept = true;
			continue;
		}
		bool is_there = id >= 0 || error == EEXIST || error == EACCES;

		if (is_there && key != IPC_PRIVATE &&
		    hide_doomed(id >= 0 ? id : ipc_get(&shm_class, key, 0, &wish, &is_new)))
			continue;
		if (id >= 0 && is_large_enough(id, size))
			return id;
		errno = id >= 0 || error == EFBIG ? EINVAL : error;
		return -1;
	}
}

/* -- what this process has attached ----------------------------------------------------------- */

struct attachment {
	struct attachment *next;
	char *address;
	size_t size; /* in whole pages */
	struct handle *h;
	void *mark, *mark_of_child; /* pages; MAP_FAILED: none */
};

static struct attachment *attachments;
/* Taken before any segment is locked. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void keep_from_children(void *mark)
{
#ifdef MADV_DONTFORK
	if (mark != MAP_FAILED)
		madvise(mark, page_size(), MADV_DONTFORK);
#else
	(void)mark;
#endif
}

/* A child for which no mark can be had (a descriptor too few) isn't counted. */
static void before_fork(void)
{
	int saved = errno;

	pthread_mutex_lock(&mutex);
	for (struct attachment *a = attachments; a; a = a->next) {
		int fd = open_marked(a->h->id);

		a->mark_of_child = fd < 0 ? MAP_FAILED : keep_mark(fd);
	}
	errno = saved;
}

static void after_fork_in_parent(void)
{
	for (struct attachment *a = attachments; a; a = a->next)
		drop_mark(a->mark_of_child);
	pthread_mutex_unlock(&mutex);
}

static void after_fork_in_child(void)
{
	for (struct attachment *a = attachments; a; a = a->next) {
#ifndef MADV_DONTFORK
		drop_mark(a->mark);
#endif
		a->mark = a->mark_of_child;
		keep_from_children(a->mark);
	}
	pthread_mutex_unlock(&mutex);
}

static void watch_forks(void)
{
	handle_watch_forks();
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

/* -- shmat ------------------------------------------------------------------------------------ */

/* False with errno EINVAL: nothing can be attached at this address. */
static bool choose_address(uintptr_t *address, int flags)
{
	bool is_chosen = *address != 0;

	if (flags & SHM_RND)
		*address -= *address % (uintptr_t)SHMLBA;
	if (is_chosen ? *address && *address % (uintptr_t)SHMLBA == 0 : !(flags & SHM_REMAP))
		return true;
	errno = EINVAL;
	return false;
}

/* The size of the memory, as far as there is a file to hold it; 0 with errno, mostly EBADMSG. */
static size_t size_of_memory(const struct handle *h, int fd)
{
	uint64_t size = *(volatile uint64_t *)&segment_of(h)->size;
	struct stat status;

	if (FAULT("shm/attach/stat", ENOMEM) || fstat(fd, &status) < 0)
		return 0;
	if (size > 0 && size <= largest_size &&
	    whole_pages((size_t)size) + start_of_memory() <= (uintmax_t)status.st_size)
		return whole_pages((size_t)size);
	errno = EBADMSG;
	return 0;
}

static void *map_at(uintptr_t address, size_t size, int flags, int fd)
{
	int protection = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) |
			 (flags & SHM_EXEC ? PROT_EXEC : 0);
	int how = MAP_SHARED;
	void *wish = (void *)address; /* a hint, where the system takes it for nothing more */

	if (address && (flags & SHM_REMAP))
		how |= MAP_FIXED;
#ifdef MAP_FIXED_NOREPLACE
	else if (address)
		how |= MAP_FIXED_NOREPLACE;
#endif
	if (address && size > UINTPTR_MAX - address) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	void *place = FAULT("shm/attach/map", ENOMEM)
			      ? MAP_FAILED
			      : mmap(wish, size, protection, how, fd, (off_t)start_of_memory());

	if (place == MAP_FAILED && errno == EEXIST) {
		errno = EINVAL; /* there is something at the address */
	} else if (place != MAP_FAILED && address && place != wish) {
		munmap(place, size);
		place = MAP_FAILED;
		errno = EINVAL;
	}
	return place;
}

/* Maps the memory: by a description of its own, which a child inherits, and which can't do more
 * than was asked for.  False with errno. */
static bool map_memory(struct attachment *a, uintptr_t address, int flags)
{
	int fd = ipc_open(&shm_class, a->h->id, flags & SHM_RDONLY ? O_RDONLY : O_RDWR);
	void *place = MAP_FAILED;

	if (fd < 0)
		return false;
	a->size = size_of_memory(a->h, fd);
	if (a->size)
		place = map_at(address, a->size, flags, fd);
	close_with(fd, errno);
	a->address = place;
	return place != MAP_FAILED;
}

/* The segment is locked, and there. */
static bool mark_and_map(struct attachment *a, uintptr_t address, int flags)
{
	int fd = open_marked(a->h->id);

	if (fd < 0)
		return false;
	/* last the memory, for what was at its address (SHM_REMAP) isn't to be had back */
	a->mark = keep_mark(fd);
	if (a->mark == MAP_FAILED)
		return false;
	keep_from_children(a->mark);
	STEP("shm/attach/marked");
	if (!map_memory(a, address, flags)) {
		int error = errno;

		drop_mark(a->mark);
		errno = error;
		return false;
	}
	STEP("shm/attach/mapped");
	return true;
}

static struct attachment *attach(struct handle *h, uintptr_t address, int flags)
{
	unsigned rights = (flags & SHM_RDONLY ? 04 : 06) | (flags & SHM_EXEC ? 01 : 0);
	struct segment *segment = segment_of(h);
	struct attachment *a;

	if (!ipc_permits(h, rights))
		return NULL;
	a = FAULT("shm/attach/memory", ENOMEM) ? NULL : malloc(sizeof(*a));
	if (!a || !lock_if_there(h)) {
		free(a);
		return NULL;
	}
	a->h = h;
	if (!mark_and_map(a, address, flags)) {
		mapping_unlock(&h->mapping);
		free(a);
		return NULL;
	}
	CHANGE(&h->mapping, segment->attached_at, time(NULL));
	CHANGE(&h->mapping, segment->last, (int32_t)getpid());
	mapping_unlock(&h->mapping);
	return a;
}

/* -- shmdt ------------------------------------------------------------------------------------ */

/* Whether anything is mapped where it is: it may have been unmapped or moved by other calls. */
static bool is_mapped(const struct attachment *a)
{
	bool is = false;

	for (size_t at = 0; !is && at < a->size; at += page_size()) {
		unsigned char in_core;

		is = mincore(a->address + at, page_size(), &in_core) == 0;
	}
	return is;
}

/* It ends, and so does its memory, unless something else is there already. */
static void detach(struct attachment **link, bool is_replaced)
{
	struct attachment *a = *link;
	struct handle *h = a->h;
	struct segment *segment = segment_of(h);

	*link = a->next;
	mapping_lock(&h->mapping);
	if (!is_replaced)
		munmap(a->address, a->size);
	STEP("shm/detach/unmapped");
	drop_mark(a->mark);
	STEP("shm/detach/unmarked");
	CHANGE(&h->mapping, segment->detached_at, time(NULL));
	CHANGE(&h->mapping, segment->last, (int32_t)getpid());
	unlock_or_destroy(h);
	handle_release(h);
	free(a);
}

int ipcref_shmdt(const void *address)
{
	struct attachment **link = &attachments;
	int saved = errno;

	pthread_mutex_lock(&mutex);
	while (*link && ((*link)->address != address || !is_mapped(*link)))
		link = &(*link)->next;
	bool is_found = *link;

	if (is_found)
		detach(link, false);
	pthread_mutex_unlock(&mutex);
	errno = is_found ? saved : EINVAL;
	return is_found ? 0 : -1;
}

/* What was attached where the new one is now (SHM_REMAP). */
static void detach_replaced(const struct attachment *new)
{
	struct attachment **link = &attachments;

	while (*link) {
		const struct attachment *a = *link;

		if (a->address >= new->address && a->size <= new->size &&
		    (size_t)(a->address - new->address) <= new->size - a->size)
			detach(link, true);
		else
			link = &(*link)->next;
	}
}

void *ipcref_shmat(int id, const void *address, int flags)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	uintptr_t wish = (uintptr_t)address;
	struct attachment *a = NULL;

	if (!choose_address(&wish, flags))
		return MAP_FAILED;
	pthread_once(&once, watch_forks);
	pthread_mutex_lock(&mutex);
	struct handle *h = find(id);

	if (h)
		a = attach(h, wish, flags);
	if (a) {
		handle_retain(h);
		if (flags & SHM_REMAP)
			detach_replaced(a);
		a->next = attachments;
		attachments = a;
	} else if (h) {
		handle_put(h);
	}
	pthread_mutex_unlock(&mutex);
	return a ? a->address : MAP_FAILED;
}

/* -- shmctl ----------------------------------------------------------------------------------- */

/* The caller's structure is touched while nothing is locked: it may be where no memory is. */
static int stat_segment(struct handle *h, struct shmid_ds *status)
{
	const struct segment *segment = segment_of(h);
	struct shmid_ds told;

	if (!lock_if_there(h))
		return -1;
	int count = count_marks(h->id), error = errno;

	memset(&told, 0, sizeof(told));
	ipc_stat(h, &told.shm_perm);
	told.shm_segsz = (size_t)segment->size;
	told.shm_atime = (time_t)segment->attached_at;
	told.shm_dtime = (time_t)segment->detached_at;
	told.shm_ctime = (time_t)segment->ipc.changed_at;
	told.shm_cpid = segment->creator;
	told.shm_lpid = segment->last;
	told.shm_nattch = (shmatt_t)count;
	mapping_unlock(&h->mapping);
	errno = error;
	if (count < 0)
		return -1;
	*status = told;
	return 0;
}

static int set(struct handle *h, const struct shmid_ds *status)
{
	const struct ipc_perm wish = status->shm_perm;

	if (!ipc_is_owner(h) || !lock_if_there(h))
		return -1;
	int result = ipc_set(&shm_class, h, &wish), error = errno;

	mapping_unlock(&h->mapping);
	errno = error;
	return result;
}

/* Its key is free at once, the memory when nobody is attached any more. */
static int doom(struct handle *h)
{
	struct segment *segment = segment_of(h);
	int saved = errno;

	if (!ipc_is_owner(h) || !lock_if_there(h))
		return -1;
	CHANGE(&h->mapping, segment->ipc.mode, segment->ipc.mode | SHM_DEST);
	CHANGE(&h->mapping, segment->ipc.key, IPC_PRIVATE);
	/* for its memory doesn't come back when who destroys it dies */
	mapping_commit(&h->mapping);
	if (!unlock_or_destroy(h)) {
		STEP("shm/remove/doomed");
		ipc_hide(&shm_class, h->id);
	}
	errno = saved;
	return 0;
}

/* Its pages are a file's, which only the kernel could lock for good: it is noted and no more. */
static int note_lock(struct handle *h, bool is_locked)
{
	struct segment *segment = segment_of(h);
	struct rlimit limit;

	if (!ipc_is_owner(h))
		return -1;
	if (is_locked && geteuid() != 0 && getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	    limit.rlim_cur == 0) {
		errno = EPERM;
		return -1;
	}
	if (!lock_if_there(h))
		return -1;
	CHANGE(&h->mapping, segment->ipc.mode,
	       (segment->ipc.mode & ~(uint32_t)SHM_LOCKED) | (is_locked ? SHM_LOCKED : 0));
	mapping_unlock(&h->mapping);
	return 0;
}

static int control(struct handle *h, int command, struct shmid_ds *status)
{
	switch (command) {
	case IPC_STAT:
	case SHM_STAT:
		return ipc_permits(h, 04) ? stat_segment(h, status) : -1;
	case SHM_STAT_ANY:
		return stat_segment(h, status);
	case IPC_SET:
		return set(h, status);
	case IPC_RMID:
		return doom(h);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return note_lock(h, command == SHM_LOCK);
	default:
		errno = EINVAL;
		return -1;
	}
}

static int tell_limits(struct shminfo *info)
{
	unsigned count;

	memset(info, 0, sizeof(*info));
	info->shmmax = info->shmall = largest_size;
	info->shmmin = 1;
	info->shmmni = info->shmseg = shm_class.most;
	return ipc_highest(&shm_class, &count);
}

/* All pages were made with their segment (object_create): none is swapped that is known of. */
static void add_pages(const struct handle *h, void *data)
{
	struct shm_info *info = data;
	uint64_t size = *(volatile uint64_t *)&segment_of(h)->size;
	unsigned long pages = size > largest_size ? 0 : whole_pages((size_t)size) / page_size();

	info->used_ids++;
	info->shm_tot += pages;
	info->shm_rss += pages;
}

/* Whether the command is one that reads or fills a structure. */
static bool needs_status(int command)
{
	return command == IPC_STAT || command == IPC_SET || command == IPC_INFO ||
	       command == SHM_INFO || command == SHM_STAT || command == SHM_STAT_ANY;
}

int ipcref_shmctl(int id, int command, struct shmid_ds *status)
{
	if (needs_status(command) && !status) {
		errno = EFAULT;
		return -1;
	}
	if (command == IPC_INFO)
		return tell_limits((struct shminfo *)(void *)status);
	if (command == SHM_INFO) {
		memset(status, 0, sizeof(struct shm_info));
		return for_each_segment(add_pages, status);
	}

	bool is_place = command == SHM_STAT || command == SHM_STAT_ANY;
	struct handle *h;

	if (is_place && (id = ipc_at(&shm_class, id)) < 0)
		return -1;
	h = find(id);
	if (!h && errno == EBADMSG && command == IPC_RMID)
		return ipc_remove_broken(&shm_class, id);
	if (!h)
		return -1;
	int result = control(h, command, status);

	handle_put(h);
	return is_place && result == 0 ? id : result;
}

/* -- objects of POSIX ------------------------------------------------------------------------- */

/* They are files and nothing else; the calls for files do all the rest. */
static bool object_path(char path[PATH_MAX], const char *name)
{
	if (*name && strchr(name + 1, '/')) {
		errno = EINVAL;
		return false;
	}
	return namespace_posix_path(path, "memory", name);
}

int ipcref_shm_open(const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];

	if (!object_path(path, name) || FAULT("shm/open/open", EMFILE, ENFILE, ENOSPC, ENOMEM))
		return -1;
	int fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW, mode);

	STEP("shm/open/opened");
	return fd;
}

int ipcref_shm_unlink(const char *name)
{
	char path[PATH_MAX];

	if (!object_path(path, name))
		return -1;
	if (!FAULT("shm/unlink/unlink", ENOMEM, EROFS) && unlink(path) == 0) {
		STEP("shm/unlink/unlinked");
		return 0;
	}
	if (errno == EPERM) /* the directory is everybody's, and the file another's */
		errno = EACCES;
	return -1;
}
