/* SPDX-License-Identifier: MIT */
#ifndef IPCTS_CONTRACT_SHM_H
#define IPCTS_CONTRACT_SHM_H

struct shm_calls {
	char none;
};

#endif
