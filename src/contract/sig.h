/* SPDX-License-Identifier: MIT */
#ifndef IPCTS_CONTRACT_SIG_H
#define IPCTS_CONTRACT_SIG_H

struct sig_calls {
	char none;
};

#endif
