/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct lock_calls posix_lock = {0};
