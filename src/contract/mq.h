/* SPDX-License-Identifier: MIT */
#ifndef IPCTS_CONTRACT_MQ_H
#define IPCTS_CONTRACT_MQ_H

struct mq_calls {
	char none;
};

#endif
