/* SPDX-License-Identifier: MIT */
#ifndef IPCTS_CONTRACT_MSG_H
#define IPCTS_CONTRACT_MSG_H

struct msg_calls {
	char none;
};

#endif
