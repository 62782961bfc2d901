/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct sock_calls posix_sock = {0};
