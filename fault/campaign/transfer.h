/* SPDX-License-Identifier: MIT */
/* Long writes and reads of streams, of which some bytes may have been moved: as many as is told. */
#ifndef FAULT_CAMPAIGN_TRANSFER_H
#define FAULT_CAMPAIGN_TRANSFER_H

#include "fault/campaign/campaign.h"

/* More than is ever moved at once, and less than there is room for. */
enum { LONG = 40000 };

/*
 * The victim, which has both ends as alice has them, writes to one, or reads from the other what
 * alice has written; what is moved is nobody else's, and what isn't is still there.
 */
void writes_long(actor *alice, actor *victim, const char *to, const char *from);
void reads_long(actor *alice, actor *victim, const char *to, const char *from);

#endif
