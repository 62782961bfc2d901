/* SPDX-License-Identifier: MIT */
#ifndef IPCTS_CONTRACT_SEMSET_H
#define IPCTS_CONTRACT_SEMSET_H

struct semset_calls {
	char none;
};

#endif
