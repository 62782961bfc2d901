/* SPDX-License-Identifier: MIT */
#include "stage/perform.h"

unsigned remove_semset_key(key_t key)
{
	(void)key;
	return 0;
}

unsigned remove_semset(int id, bool is_ours_for_sure)
{
	(void)id;
	(void)is_ours_for_sure;
	return 0;
}
