/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct event_calls posix_event = {0};
