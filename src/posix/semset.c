/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct semset_calls posix_semset = {0};
