/* SPDX-License-Identifier: MIT */
/* What the names of a story stand for: handles in one process, and objects in the system. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "stage/actor.h"
#include "stage/estate.h"
#include "stage/scene.h"

static struct handle handles[HANDLES_MAX];
static unsigned handle_count;
static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER; /* between an actor's threads */

static struct handle *find(const char *name)
{
	for (unsigned i = 0; i < handle_count; i++)
		if (strcmp(handles[i].name, name) == 0)
			return &handles[i];
	return NULL;
}

static struct handle require(const char *name)
{
	struct handle copy = {0};

	pthread_mutex_lock(&handles_lock);
	const struct handle *handle = find(name);
	bool found = handle != NULL;
	if (found)
		copy = *handle;
	pthread_mutex_unlock(&handles_lock);
	if (!found)
		scene_end(ERROR, HOW_PLAIN, "%s has no handle \"%s\"",
			  current_actor() ? current_actor()->name : "a function", name);
	return copy;
}

int handle_fd(const char *name)
{
	return (int)require(name).number;
}

long long handle_number(const char *name)
{
	return require(name).number;
}

void *handle_pointer(const char *name)
{
	return require(name).pointer;
}

bool has_handle(const char *name)
{
	pthread_mutex_lock(&handles_lock);
	bool found = find(name) != NULL;
	pthread_mutex_unlock(&handles_lock);
	return found;
}

void set_handle(const char *name, long long number, void *pointer)
{
	pthread_mutex_lock(&handles_lock);
	struct handle *handle = find(name);
	if (!handle && handle_count < HANDLES_MAX)
		handle = &handles[handle_count++];
	if (handle) {
		snprintf(handle->name, sizeof(handle->name), "%s", name);
		handle->number = number;
		handle->pointer = pointer;
	}
	pthread_mutex_unlock(&handles_lock);
	if (!handle)
		scene_end(ERROR, HOW_PLAIN, "more than %d handles", HANDLES_MAX);
}

void handles_keep(struct mailbox *mailbox)
{
	memcpy(mailbox->kept, handles, handle_count * sizeof(handles[0]));
	mailbox->kept_count = handle_count;
}

void handles_restore(const struct mailbox *mailbox)
{
	memcpy(handles, mailbox->kept, mailbox->kept_count * sizeof(handles[0]));
	handle_count = mailbox->kept_count;
}

void handles_forget(void)
{
	handle_count = 0;
}

/* -- names of the system ---------------------------------------------------------------------- */

/* Several names may be in use at a time. */
static char *next_buffer(void)
{
	static _Thread_local char buffers[8][OBJECT_NAME_MAX];
	static _Thread_local unsigned next;

	return buffers[next++ % 8];
}

/* "f:reader" is a descriptor of the object "f". */
static int object_length(const char *name)
{
	return (int)strcspn(name, ":");
}

const char *path_of(const char *object)
{
	char *path = next_buffer();

	if (!scene->directory[0])
		scene_end(SKIP, HOW_ENVIRONMENT, "%s", scene->no_directory);
	scene->uses_paths = 1;
	snprintf(path, OBJECT_NAME_MAX, "%.*s", object_length(object), object);
	return path;
}

const char *name_of(const char *object)
{
	char *name = next_buffer();

	snprintf(name, OBJECT_NAME_MAX, "/ipcts-%s-%u-%lld-%.*s", scene->run_name, scene->worker,
		 scene->serial, object_length(object), object);
	estate_add(OBJECT_NAME, 0, name);
	return name;
}

key_t key_of(const char *object)
{
	char name[128];
	uint32_t hash = 2166136261u;

	snprintf(name, sizeof(name), "%s-%u-%lld-%.*s", scene->run_name, scene->worker,
		 scene->serial, object_length(object), object);
	for (const char *s = name; *s; s++)
		hash = (hash ^ (unsigned char)*s) * 16777619u;
	hash = (hash ^ hash >> 15) * 0x2C1B3C6Du;
	key_t key = (key_t)((hash ^ hash >> 13) & 0x7FFFFFFF) | 1; /* never IPC_PRIVATE */
	estate_add(OBJECT_KEY, (int)key, "");
	return key;
}

void keep_private(enum private_kind kind, int id)
{
	static const enum object_kind kinds[] = {
		[PRIVATE_MSG] = OBJECT_MSG,
		[PRIVATE_SEMSET] = OBJECT_SEMSET,
		[PRIVATE_SEGMENT] = OBJECT_SEGMENT,
	};

	estate_add(kinds[kind], id, "");
}

_Atomic(unsigned long) *shared(void)
{
	return scene->words;
}

const char *own_name(void)
{
	return scene->test_name;
}

uint64_t test_seed(void)
{
	return scene->seed;
}
