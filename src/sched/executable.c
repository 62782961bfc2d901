/* SPDX-License-Identifier: MIT */
/* What can be known of a program without running it. */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sched/explore.h"
#include "sched/mark.h"

struct contents {
	const char *bytes;
	size_t size;
};

static bool map_file(const char *path, struct contents *contents)
{
	struct stat status;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	contents->size =
		fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? (size_t)status.st_size : 0;
	contents->bytes = contents->size ? mmap(NULL, contents->size, PROT_READ, MAP_PRIVATE, fd, 0)
					 : MAP_FAILED;
	close(fd);
	return contents->bytes != MAP_FAILED;
}

static uint64_t digest(uint64_t hash, const char *bytes, size_t size)
{
	for (size_t index = 0; index < size; index++)
		hash = (hash ^ (unsigned char)bytes[index]) * UINT64_C(0x100000001b3);
	return hash;
}

/* The segments that are executed; all of a file that has none. */
static uint64_t code_of(const struct contents *contents)
{
	const ElfW(Ehdr) *header = (const void *)contents->bytes;
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	bool found = false;

	if (contents->size < sizeof(*header) || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_phentsize != sizeof(ElfW(Phdr)) || header->e_phoff > contents->size ||
	    header->e_phnum > (contents->size - header->e_phoff) / sizeof(ElfW(Phdr)))
		return digest(hash, contents->bytes, contents->size);
	const ElfW(Phdr) *segments = (const void *)(contents->bytes + header->e_phoff);
	for (unsigned index = 0; index < header->e_phnum; index++) {
		const ElfW(Phdr) *segment = &segments[index];
		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) ||
		    segment->p_offset > contents->size ||
		    segment->p_filesz > contents->size - segment->p_offset)
			continue;
		found = true;
		hash = digest(hash, contents->bytes + segment->p_offset, segment->p_filesz);
	}
	return found ? hash : digest(hash, contents->bytes, contents->size);
}

bool executable_code(const char *path, uint64_t *code)
{
	struct contents contents;

	if (!map_file(path, &contents))
		return false;
	*code = code_of(&contents);
	munmap((void *)(uintptr_t)contents.bytes, contents.size);
	return true;
}

bool executable_is_ours(const char *path)
{
	struct contents contents;

	if (!map_file(path, &contents))
		return false;
	char mark[64];
	snprintf(mark, sizeof(mark), "%s%s", RUNTIME_MARK_FIRST, RUNTIME_MARK_SECOND);
	bool found = memmem(contents.bytes, contents.size, mark, strlen(mark)) != NULL;
	munmap((void *)(uintptr_t)contents.bytes, contents.size);
	return found;
}

static bool is_program(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

bool executable_path(const char *name, char *path)
{
	const char *directories = getenv("PATH");

	if (strchr(name, '/')) {
		snprintf(path, MODULE_PATH_MAX, "%s", name);
		return is_program(path);
	}
	while (directories && *directories) {
		size_t length = strcspn(directories, ":");
		snprintf(path, MODULE_PATH_MAX, "%.*s/%s", length ? (int)length : 1,
			 length ? directories : ".", name);
		if (is_program(path))
			return true;
		directories += length + (directories[length] == ':');
	}
	return false;
}
