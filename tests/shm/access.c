/* SPDX-License-Identifier: MIT */
/* What a descriptor's access, or an attach's, lets its mappings do. */
#include "stage/story.h"

enum { NEW = O_RDWR | O_CREAT | O_EXCL, BOTH = PROT_READ | PROT_WRITE };

static size_t page(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* A file, for objects are never open only to write. */
static const struct {
	const char *name;
	int access, flags, protection;
	int error;
} mappings[] = {
	{"read_only_shared_none", O_RDONLY, MAP_SHARED, PROT_NONE, 0},
	{"read_only_shared_read", O_RDONLY, MAP_SHARED, PROT_READ, 0},
	{"read_only_shared_write", O_RDONLY, MAP_SHARED, PROT_WRITE, EACCES},
	{"read_only_shared_both", O_RDONLY, MAP_SHARED, BOTH, EACCES},
	{"read_only_private_none", O_RDONLY, MAP_PRIVATE, PROT_NONE, 0},
	{"read_only_private_read", O_RDONLY, MAP_PRIVATE, PROT_READ, 0},
	{"read_only_private_write", O_RDONLY, MAP_PRIVATE, PROT_WRITE, 0},
	{"read_only_private_both", O_RDONLY, MAP_PRIVATE, BOTH, 0},
	{"write_only_shared_none", O_WRONLY, MAP_SHARED, PROT_NONE, EACCES},
	{"write_only_shared_read", O_WRONLY, MAP_SHARED, PROT_READ, EACCES},
	{"write_only_shared_write", O_WRONLY, MAP_SHARED, PROT_WRITE, EACCES},
	{"write_only_shared_both", O_WRONLY, MAP_SHARED, BOTH, EACCES},
	{"write_only_private_none", O_WRONLY, MAP_PRIVATE, PROT_NONE, EACCES},
	{"write_only_private_read", O_WRONLY, MAP_PRIVATE, PROT_READ, EACCES},
	{"write_only_private_write", O_WRONLY, MAP_PRIVATE, PROT_WRITE, EACCES},
	{"write_only_private_both", O_WRONLY, MAP_PRIVATE, BOTH, EACCES},
	{"read_write_shared_none", O_RDWR, MAP_SHARED, PROT_NONE, 0},
	{"read_write_shared_read", O_RDWR, MAP_SHARED, PROT_READ, 0},
	{"read_write_shared_write", O_RDWR, MAP_SHARED, PROT_WRITE, 0},
	{"read_write_shared_both", O_RDWR, MAP_SHARED, BOTH, 0},
	{"read_write_private_both", O_RDWR, MAP_PRIVATE, BOTH, 0},
};

TEST_EACH(shm, a_mapping_needs_the_access_of_its_descriptor, mappings)
{
	actor *alice = cast("alice");

	does(alice, shm.open_file("f", NEW));
	does(alice, shm.resize("f", (long long)page()));
	does(alice, shm.open_file("f:own", row->access));
	op map = shm.map_with("f:own", "m", page(), row->protection, row->flags, 0);
	if (row->error) {
		does_fail(alice, map, row->error);
		return;
	}
	does(alice, map);
	if (row->protection & PROT_WRITE)
		does(alice, shm.store("m", 0, 7));
	if (row->protection & PROT_READ)
		does_give(alice, shm.load("m", 0), row->protection == BOTH ? 7 : 0);
}

static const struct {
	const char *name;
	int access, flags;
	int error;
} protections[] = {
	{"shared_of_read_only", O_RDONLY, MAP_SHARED, EACCES},
	{"private_of_read_only", O_RDONLY, MAP_PRIVATE, 0},
	{"shared_of_read_write", O_RDWR, MAP_SHARED, 0},
	{"private_of_read_write", O_RDWR, MAP_PRIVATE, 0},
};

TEST_EACH(shm, protection_goes_as_far_as_the_descriptor_did, protections)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", (long long)page()));
	does(alice, shm.open("o:own", row->access));
	does(alice, shm.map_with("o:own", "m", page(), PROT_READ, row->flags, 0));
	does(alice, fd.close("o:own"));
	if (row->error) {
		does_fail(alice, shm.protect("m", 0, page(), BOTH), row->error);
		return;
	}
	does(alice, shm.protect("m", 0, page(), BOTH));
	does(alice, shm.store("m", 0, 7));
	does(alice, shm.map("o", "n", page()));
	does_give(alice, shm.load("n", 0), row->flags == MAP_SHARED ? 7 : 0);
}

TEST(shm, a_read_only_attach_stays_read_only)
{
	actor *alice = cast("alice");

	does(alice, shm.get("s", page(), IPC_CREAT | IPC_EXCL | 0600));
	does(alice, shm.attach("s", "m", 0));
	does(alice, shm.attach("s", "r", SHM_RDONLY));
	does_fail(alice, shm.protect("r", 0, page(), BOTH), EACCES);
	does(alice, shm.store("m", 0, 7));
	does_give(alice, shm.load("r", 0), 7);
	does(alice, shm.protect("m", 0, page(), PROT_READ));
	does(alice, shm.protect("m", 0, page(), BOTH));
	does(alice, shm.store("m", 0, 8));
}

/* -- objects and their descriptors ------------------------------------------------------------ */

TEST(shm, a_descriptor_has_the_access_asked_for)
{
	actor *alice = cast("alice"), *bob = cast("bob");

	does(alice, shm.open("o:write", NEW));
	does(alice, shm.open("o:read", O_RDONLY | O_CREAT));
	does(bob, shm.open("o", O_RDONLY));
	does_give(alice, fd.access_mode("o:write"), O_RDWR);
	does_give(alice, fd.access_mode("o:read"), O_RDONLY);
	does_give(bob, fd.access_mode("o"), O_RDONLY);
	does(alice, shm.resize("o:write", 100));
	does_fail(alice, shm.map("o:read", "m", 100), EACCES);
}

TEST(shm, an_object_passes_through_exec_if_told_to)
{
	actor *alice = cast("alice");

	does(alice, shm.open("o", NEW));
	does(alice, shm.resize("o", (long long)page()));
	does(alice, shm.map("o", "m", page()));
	does(alice, shm.write("m", 0, "luggage"));
	does(alice, shm.unlink("o"));
	actor *bob = forks(alice, "bob");
	does(bob, fd.set_cloexec("o", 0));
	execs(bob);
	does_give(bob, shm.size("o"), (long long)page());
	does(bob, shm.map("o", "m", page()));
	does_give(bob, shm.read("m", 0, 7), "luggage");
	does(bob, shm.write("m", 0, "arrived"));
	does_give(alice, shm.read("m", 0, 7), "arrived");
}

/* -- memory that travels ---------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum { OBJECT, MAPPED_FILE, MEMFD } kind;
} kinds[] = {{"object", OBJECT}, {"file", MAPPED_FILE}, {"memfd", MEMFD}};

/* From alice to bob to carol, who has no name for it; those it came from are gone by then. */
TEST_EACH(shm, memory_travels_with_its_descriptor, kinds)
{
	actor *alice = cast("alice");

	does(alice, row->kind == OBJECT	       ? shm.open("o", NEW)
		    : row->kind == MAPPED_FILE ? shm.open_file("o", NEW)
					       : shm.memfd("o", 0));
	does(alice, shm.resize("o", (long long)page()));
	does(alice, shm.map("o", "m", page()));
	does(alice, shm.write("m", 0, "from alice"));
	does(alice, sock.pair("s", UNIX_STREAM));
	actor *bob = forks(alice, "bob"), *carol = forks(alice, "carol");
	does(bob, fd.close("o"));
	does(carol, fd.close("o"));
	does(carol, shm.unmap("m", 0, page()));
	does(alice, sock.pass("s:a", ".", "o"));
	dies(alice);
	does_give(bob, sock.take("s:b", 1, "o", 1, 0), ".");
	does(bob, sock.pass("s:a", ".", "o"));
	dies(bob);
	does_give(carol, sock.take("s:b", 1, "o", 1, 0), ".");
	does_give(carol, shm.size("o"), (long long)page());
	does(carol, shm.map("o", "m", page()));
	does_give(carol, shm.read("m", 0, 10), "from alice");
	does(carol, shm.write("m", 0, "to myself!"));
	does_give(carol, shm.read("m", 0, 10), "to myself!");
}
