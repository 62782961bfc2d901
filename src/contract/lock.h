/* SPDX-License-Identifier: MIT */
#ifndef IPCTS_CONTRACT_LOCK_H
#define IPCTS_CONTRACT_LOCK_H

struct lock_calls {
	char none;
};

#endif
