/* SPDX-License-Identifier: MIT */
/* What comes of touching memory that is not there, or not allowed: signals, and what they tell. */
#include <setjmp.h>

#include "stage/story.h"

enum { NEW = O_RDWR | O_CREAT | O_EXCL };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* -- states of the second of three pages "m" -------------------------------------------------- */

enum state {
	UNMAPPED,
	NEVER_THERE, /* nothing is mapped there, for the mapping was shrunk */
	NO_ACCESS,
	READ_ONLY,
	BEYOND_THE_END,
	CUT_OFF,
	EMPTY,
	DETACHED,
	ATTACHED_READ_ONLY,
};

static void maps(actor *a, bool is_file, size_t pages)
{
	does(a, is_file ? shm.open_file("o", NEW) : shm.open("o", NEW));
	does(a, shm.resize("o", (long long)(pages * page())));
	does(a, shm.map("o", "m", 3 * page()));
}

static void attaches(actor *a, int flags)
{
	does(a, shm.get("s", 3 * page(), IPC_CREAT | IPC_EXCL | 0600));
	does(a, shm.attach("s", "m", flags));
}

static void brings_about(actor *a, enum state state, bool is_file)
{
	long long one = (long long)page();

	if (state == DETACHED || state == ATTACHED_READ_ONLY)
		attaches(a, state == DETACHED ? 0 : SHM_RDONLY);
	else
		maps(a, is_file, state == EMPTY ? 0 : state == BEYOND_THE_END ? 1 : 3);
	if (state == UNMAPPED)
		does(a, shm.unmap("m", one, page()));
	if (state == NEVER_THERE)
		does(a, shm.unmap("m", one, 2 * page()));
	if (state == NO_ACCESS)
		does(a, shm.protect("m", one, page(), PROT_NONE));
	if (state == READ_ONLY)
		does(a, shm.protect("m", one, page(), PROT_READ));
	if (state == DETACHED)
		does(a, shm.detach("m"));
	if (state == CUT_OFF) {
		does(a, shm.store("m", one, 1));
		actor *other = forks(a, "other");
		does(other, shm.resize("o", one));
	}
}

/* -- what the signal tells -------------------------------------------------------------------- */

static sigjmp_buf before_the_fault;
static siginfo_t told;

static void leave(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	told = *info;
	siglongjmp(before_the_fault, 1);
}

/* Loads, or stores (n[1]), n[0] bytes after the handle: gives the signal, 0 if there was none. */
static long long touch(const char *text, const long long *n)
{
	struct sigaction action = {.sa_sigaction = leave, .sa_flags = SA_SIGINFO};
	volatile uint32_t *number = (void *)((char *)handle_pointer(text) + n[0]);

	must_be(impl->sig->sigaction(SIGSEGV, &action, NULL), 0);
	must_be(impl->sig->sigaction(SIGBUS, &action, NULL), 0);
	if (sigsetjmp(before_the_fault, 1) == 0) {
		if (n[1])
			*number = 1;
		else
			(void)*number;
		return 0;
	}
	return told.si_signo;
}

static long long code_told(const char *text, const long long *n)
{
	(void)text;
	(void)n;
	return told.si_code;
}

/* How many pages after the handle's the address is that was told. */
static long long page_told(const char *text, const long long *n)
{
	(void)n;
	return ((char *)told.si_addr - (char *)handle_pointer(text)) / (long long)page();
}

static const struct {
	const char *name;
	enum state state;
	bool stores;
	int code;
} violations[] = {
	{"load_from_unmapped", UNMAPPED, false, SEGV_MAPERR},
	{"store_to_unmapped", UNMAPPED, true, SEGV_MAPERR},
	{"load_after_the_mapping", NEVER_THERE, false, SEGV_MAPERR},
	{"load_from_detached", DETACHED, false, SEGV_MAPERR},
	{"store_to_detached", DETACHED, true, SEGV_MAPERR},
	{"load_from_no_access", NO_ACCESS, false, SEGV_ACCERR},
	{"store_to_no_access", NO_ACCESS, true, SEGV_ACCERR},
	{"store_to_read_only", READ_ONLY, true, SEGV_ACCERR},
	{"store_to_attached_read_only", ATTACHED_READ_ONLY, true, SEGV_ACCERR},
};

TEST_EACH(shm, a_segmentation_fault_tells_why, violations)
{
	actor *alice = cast("alice");

	brings_about(alice, row->state, false);
	does_give(alice, call(touch, "m", (long long)page(), row->stores, 0), SIGSEGV);
	does_give(alice, call(code_told, "", 0, 0, 0), row->code);
}

static const struct {
	const char *name;
	enum state state;
	bool is_file, stores;
} absences[] = {
	{"load_beyond_the_object", BEYOND_THE_END, false, false},
	{"store_beyond_the_object", BEYOND_THE_END, false, true},
	{"load_beyond_the_file", BEYOND_THE_END, true, false},
	{"store_beyond_the_file", BEYOND_THE_END, true, true},
	{"load_where_it_was_cut_off", CUT_OFF, false, false},
	{"store_where_it_was_cut_off", CUT_OFF, false, true},
	{"store_where_the_file_was_cut_off", CUT_OFF, true, true},
	{"load_from_an_empty_object", EMPTY, false, false},
};

TEST_EACH(shm, a_bus_error_tells_why, absences)
{
	actor *alice = cast("alice");

	brings_about(alice, row->state, row->is_file);
	does_give(alice, call(touch, "m", (long long)page(), row->stores, 0), SIGBUS);
	does_give(alice, call(code_told, "", 0, 0, 0), BUS_ADRERR);
}

static const struct {
	const char *name;
	enum state state;
	bool stores;
	long long offset; /* in the second page */
} places[] = {
	{"start_of_unmapped", UNMAPPED, false, 0},
	{"within_no_access", NO_ACCESS, false, 1000},
	{"end_of_read_only", READ_ONLY, true, -4},
	{"start_beyond_the_end", BEYOND_THE_END, true, 0},
	{"end_beyond_the_end", BEYOND_THE_END, false, -4},
};

TEST_EACH(shm, a_fault_tells_where, places)
{
	actor *alice = cast("alice");
	long long offset = (row->offset < 0 ? 2 : 1) * (long long)page() + row->offset;

	brings_about(alice, row->state, false);
	does(alice, call(touch, "m", offset, row->stores, 0));
	/* some machines know the page alone */
	does_give(alice, call(page_told, "m", 0, 0, 0), 1);
}

/* A process that has handled the fault sees what the rest of its memory holds. */
TEST(shm, who_handles_a_fault_goes_on)
{
	actor *alice = cast("alice");
	long long one = (long long)page();

	brings_about(alice, CUT_OFF, false);
	does(alice, shm.store("m", 0, 7));
	does_give(alice, call(touch, "m", one, 1, 0), SIGBUS);
	does_give(alice, call(touch, "m", one, 0, 0), SIGBUS);
	does_give(alice, shm.load("m", 0), 7);
	does(alice, shm.resize("o", 3 * one));
	does_give(alice, call(touch, "m", one, 1, 0), 0);
	does_give(alice, shm.load("m", one), 1);
}

/* -- calls that are given such memory --------------------------------------------------------- */

/* read into (n[1]), or write from, the handle and n[0] bytes more. */
static long long pass_to_the_pipe(const char *text, const long long *n)
{
	char *memory = (char *)handle_pointer(text) + n[0];

	return n[1] ? (long long)impl->fd->read(handle_fd("p:r"), memory, 4)
		    : (long long)impl->fd->write(handle_fd("p:w"), memory, 4);
}

static const struct {
	const char *name;
	enum state state;
	bool stores;
} passed[] = {
	{"write_from_unmapped", UNMAPPED, false},
	{"write_from_no_access", NO_ACCESS, false},
	{"write_from_beyond_the_end", BEYOND_THE_END, false},
	{"write_from_detached", DETACHED, false},
	{"read_into_unmapped", UNMAPPED, true},
	{"read_into_no_access", NO_ACCESS, true},
	{"read_into_read_only", READ_ONLY, true},
	{"read_into_beyond_the_end", BEYOND_THE_END, true},
	{"read_into_attached_read_only", ATTACHED_READ_ONLY, true},
};

TEST_EACH(shm, calls_respect_protection, passed)
{
	actor *alice = cast("alice");

	brings_about(alice, row->state, false);
	does(alice, pipes.make("p"));
	if (row->stores)
		does(alice, fd.write("p:w", "data"));
	does_fail(alice, call(pass_to_the_pipe, "m", (long long)page(), row->stores, 0), EFAULT);
	if (!row->stores)
		does_give(alice, fd.readable_bytes("p:r"), 0);
}
