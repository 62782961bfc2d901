/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct sig_calls posix_sig = {0};
