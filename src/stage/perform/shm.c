/* SPDX-License-Identifier: MIT */
#include "stage/perform.h"

unsigned remove_shm(const char *name)
{
	(void)name;
	return 0;
}

unsigned remove_segment_key(key_t key)
{
	(void)key;
	return 0;
}

unsigned remove_segment(int id, bool is_ours_for_sure)
{
	(void)id;
	(void)is_ours_for_sure;
	return 0;
}
