/* SPDX-License-Identifier: MIT */
#ifndef IPCTS_CONTRACT_EVENT_H
#define IPCTS_CONTRACT_EVENT_H

struct event_calls {
	char none;
};

#endif
