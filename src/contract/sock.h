/* SPDX-License-Identifier: MIT */
#ifndef IPCTS_CONTRACT_SOCK_H
#define IPCTS_CONTRACT_SOCK_H

struct sock_calls {
	char none;
};

#endif
