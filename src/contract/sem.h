/* SPDX-License-Identifier: MIT */
#ifndef IPCTS_CONTRACT_SEM_H
#define IPCTS_CONTRACT_SEM_H

struct sem_calls {
	char none;
};

#endif
