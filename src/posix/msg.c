/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct msg_calls posix_msg = {0};
