/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct shm_calls posix_shm = {0};
