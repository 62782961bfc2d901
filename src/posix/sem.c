/* SPDX-License-Identifier: MIT */
#include "posix/posix.h"

const struct sem_calls posix_sem = {0};
