/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct mq_calls posix_mq = {0};
