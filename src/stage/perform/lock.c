/* SPDX-License-Identifier: MIT */
#include "stage/perform.h"
