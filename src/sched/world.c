/* SPDX-License-Identifier: MIT */
#include "sched/world.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched/options.h"
#include "sched/real.h"

/* How often one looks at what another is entering. */
enum { GLANCES = 1 << 20 };

struct world *world;
static int world_fd = -1;

/* High, so that the program's own descriptors have the numbers they always have. */
static int out_of_the_way(int fd)
{
	struct rlimit limit;
	int least = 900, high;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < 1024)
		least = (int)limit.rlim_cur / 2;
	high = REAL(fcntl)(fd, F_DUPFD, least);
	if (high < 0)
		return fd;
	REAL(close)(fd);
	return high;
}

static bool map_world(int fd)
{
	void *memory = REAL(mmap)(NULL, sizeof(struct world), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (memory == MAP_FAILED)
		return false;
	madvise(memory, sizeof(struct world), MADV_DONTDUMP);
	world = memory;
	world_fd = fd;
	return true;
}

/* Nothing but these words needs a beginning: all else is zero. */
static void begin_world(void)
{
	world->version = WORLD_VERSION;
	world->size = sizeof(*world);
	atomic_store(&world->magic, WORLD_MAGIC);
}

static bool is_a_world(int fd)
{
	struct stat status;

	return !fstat(fd, &status) && (uint64_t)status.st_size == sizeof(struct world);
}

/* For those who are exec'd; by /proc, if what execs them has closed the descriptor. */
static void export_world(void)
{
	char text[64];

	snprintf(text, sizeof(text), "%d,/proc/%ld/fd/%d", world_fd, (long)getpid(), world_fd);
	setenv(WORLD_ENVIRONMENT, text, 1);
}

/* As large as a world is, though the program may write no file that long: it is sparse. */
static bool grow(int fd)
{
	struct rlimit limit, raised;

	if (getrlimit(RLIMIT_FSIZE, &limit))
		return false;
	raised = limit;
	raised.rlim_cur = limit.rlim_max;
	if (limit.rlim_max < sizeof(struct world)) {
		errno = EFBIG;
		return false;
	}
	if (limit.rlim_cur < sizeof(struct world) && setrlimit(RLIMIT_FSIZE, &raised))
		return false;
	bool grown = !ftruncate(fd, sizeof(struct world));

	if (limit.rlim_cur < sizeof(struct world))
		setrlimit(RLIMIT_FSIZE, &limit);
	return grown;
}

static bool make_world(void)
{
	int fd = (int)REAL(syscall)(SYS_memfd_create, "ipcts-race", 0);

	if (fd < 0 || !grow(fd))
		return false;
	if (!map_world(out_of_the_way(fd)))
		return false;
	begin_world();
	export_world();
	return true;
}

static bool adopt(int fd)
{
	if (fd < 0 || !is_a_world(fd) || !map_world(fd))
		return false;
	if (atomic_load(&world->magic) == WORLD_MAGIC && world->version == WORLD_VERSION)
		return true;
	REAL(munmap)(world, sizeof(struct world));
	world = NULL;
	return false;
}

static bool join_world(const char *text)
{
	char *path;
	long fd = strtol(text, &path, 10);

	if (*path != ',' || fd < 0)
		return false;
	if (adopt((int)fd))
		return true;
	int found = REAL(open)(path + 1, O_RDWR);

	if (found < 0)
		return false;
	found = out_of_the_way(found);
	if (adopt(found))
		return true;
	REAL(close)(found);
	return false;
}

static bool anybody_lives(void)
{
	unsigned parties = atomic_load(&world->parties);

	for (unsigned i = 0; i < parties && i < PARTIES; i++)
		if (atomic_load(&world->party[i].state) == PARTY_ALIVE &&
		    world_lives(&world->party[i].now))
			return true;
	return false;
}

/* Of programs that are no kin: a file.  The first of them finds it as others left it. */
static bool meet_at(const char *path)
{
	int fd = REAL(open)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || REAL(flock)(fd, LOCK_EX)) {
		fprintf(stderr, "ipcts-race: IPCTS_RACE_OPTIONS: world: %s: %s\n", path,
			strerror(errno));
		_exit(2);
	}
	struct stat status;

	if (fstat(fd, &status) || (status.st_size && !is_a_world(fd))) {
		fprintf(stderr,
			"ipcts-race: IPCTS_RACE_OPTIONS: world: %s: made by something else\n",
			path);
		_exit(2);
	}
	bool fits = grow(fd) && map_world(fd);

	if (fits && !anybody_lives()) {
		fits = !ftruncate(fd, 0) && grow(fd);
		if (fits)
			begin_world();
	}
	REAL(flock)(fd, LOCK_UN);
	if (fits)
		world_fd = out_of_the_way(fd);
	return fits;
}

void world_start(void)
{
	const char *text;

	if (world)
		return;
	if (race_options.world[0]) {
		if (meet_at(race_options.world))
			return;
	} else {
		text = getenv(WORLD_ENVIRONMENT);
		if ((text && join_world(text)) || make_world())
			return;
	}
	fprintf(stderr, "ipcts-race: no shared memory to detect races with: %s\n", strerror(errno));
	_exit(2);
}

void world_renew(void)
{
	if (!world)
		return;
	REAL(munmap)(world, sizeof(struct world));
	REAL(close)(world_fd);
	world = NULL;
	world_fd = -1;
	if (!make_world()) {
		fprintf(stderr, "ipcts-race: no shared memory to detect races with: %s\n",
			strerror(errno));
		_exit(2);
	}
}

void world_give_up(const char *why)
{
	if (!world || atomic_exchange(&world->lost, 1))
		return;
	char text[256];
	int length = snprintf(text, sizeof(text),
			      "ipcts-race: %s; from here on no races are detected\n", why);

	if (length > 0 && REAL(write)(STDERR_FILENO, text, (size_t)length) < 0)
		return;
}

uint64_t world_fresh(void)
{
	return world ? atomic_fetch_add(&world->fresh, 1) + 1 : 0;
}

bool world_remembers(const struct occupant *occupant)
{
	int pid = atomic_load(&occupant->pid), tid = atomic_load(&occupant->tid);

	if (!pid)
		return false;
	long result =
		tid && tid != pid ? REAL(syscall)(SYS_tgkill, pid, tid, 0) : REAL(kill)(pid, 0);

	return !result || errno != ESRCH;
}

enum { EXITING = 4 }; /* Linux's PF_EXITING */

/*
 * Dead, but not waited for; or about to be: what the kernel does for the dead, such as giving back
 * their locks, it does before.
 */
static bool is_done_for(const struct occupant *occupant)
{
	char path[64], text[512], state;
	unsigned flags;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", atomic_load(&occupant->pid),
		 atomic_load(&occupant->tid));
	int fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? 0 : REAL(read)(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		REAL(close)(fd);
	text[length < 0 ? 0 : length] = 0;
	/* behind the name, which may have any characters in it */
	const char *end = strrchr(text, ')');

	if (!end || sscanf(end, ") %c %*d %*d %*d %*d %*d %u", &state, &flags) != 2)
		return false;
	return state == 'Z' || state == 'X' || flags & EXITING;
}

bool world_lives(const struct occupant *occupant)
{
	int saved = errno;
	bool lives = world_remembers(occupant) && !is_done_for(occupant);

	errno = saved;
	return lives;
}

static bool is_it(const struct identity *entry, const struct segment_identity *identity)
{
	return entry->kind == identity->kind && entry->device == identity->device &&
	       entry->inode == identity->number;
}

/* What another is entering is looked at for a while; who was killed over it leaves a hole. */
static uint32_t number_of(const struct identity *entry)
{
	uint32_t number = 0;

	for (unsigned glance = 0; !number && glance < GLANCES; glance++)
		number = atomic_load_explicit(&entry->number, memory_order_acquire);
	return number;
}

static uint32_t enter_identity(const struct segment_identity *identity)
{
	uint64_t mixed = identity->number * 0x9e3779b97f4a7c15 ^ identity->device << 8;
	uint64_t hash = (mixed ^ identity->kind) | 1;
	size_t at = (size_t)(hash * 0xff51afd7ed558ccd >> 40) % (2 * SEGMENTS);

	for (size_t probes = 0; probes < SEGMENTS; probes++, at = (at + 1) % (2 * SEGMENTS)) {
		struct identity *entry = &world->identity[at];
		uint64_t found = 0;

		if (atomic_compare_exchange_strong(&entry->hash, &found, hash)) {
			entry->kind = identity->kind;
			entry->device = identity->device;
			entry->inode = identity->number;
			uint32_t number = atomic_fetch_add(&world->segments, 1);

			atomic_store_explicit(&entry->number, number + 1, memory_order_release);
			return number;
		}
		if (found != hash)
			continue;
		uint32_t number = number_of(entry);

		if (number && is_it(entry, identity))
			return number - 1;
	}
	return SEGMENTS;
}

uint32_t world_segment(const struct segment_identity *identity, const char *name)
{
	if (!world)
		return 0;
	uint32_t number = enter_identity(identity);

	if (number >= SEGMENTS) {
		world_give_up("there are more shared segments than can be followed");
		return 0;
	}
	struct segment *segment = &world->segment[number];

	if (name && !atomic_exchange(&segment->named, 1))
		snprintf(segment->name, sizeof(segment->name), "%s", name);
	return number;
}

/* ---- shadow -------------------------------------------------------------------------------- */

static void announce(uint32_t segment, unsigned party, struct block *block)
{
	if (atomic_load_explicit(&block->announced, memory_order_relaxed))
		return;
	atomic_fetch_or(&world->segment[segment].users[party / 64], UINT64_C(1) << party % 64);
	atomic_fetch_add(&world->segment[segment].generation, 1);
	atomic_store(&block->announced, 1);
}

struct words *world_block(uint32_t segment, unsigned party, uint64_t number, bool make)
{
	uint64_t key = (number << 24 | (uint64_t)segment << 8 | party) + 1;
	size_t at = (size_t)(key * 0x9e3779b97f4a7c15 >> 40) % BLOCKS;

	for (size_t probes = 0; probes < BLOCKS / 2; probes++, at = (at + 1) % BLOCKS) {
		struct block *block = &world->block[at];
		uint64_t found = atomic_load_explicit(&block->key, memory_order_acquire);

		if (!found) {
			if (!make)
				return NULL;
			if (atomic_compare_exchange_strong(&block->key, &found, key))
				found = key;
		}
		if (found == key) {
			if (make)
				announce(segment, party, block);
			return world->shadow[at];
		}
	}
	if (make)
		world_give_up("there is more shared memory than can be followed");
	return NULL;
}
