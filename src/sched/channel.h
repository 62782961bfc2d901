/* SPDX-License-Identifier: MIT */
/* What flows between descriptors, and by the names of files, as edges for the detector. */
#ifndef IPCTS_SCHED_CHANNEL_H
#define IPCTS_SCHED_CHANNEL_H

#include <sys/socket.h>
#include <sys/types.h>

/* Before something is sent (or the end is closed), and after something was received: got as read.
 */
void channel_sends(int fd, const struct sockaddr *to, socklen_t length);
void channel_received(int fd, ssize_t got);
/* A file was opened, which for a FIFO takes two. */
void channel_opened(int fd);

/* Sockets: the two of a pair; before listen, before and after connect, after accept. */
void channel_pair(const int ends[2]);
void channel_offers(int fd);
void channel_calls(const struct sockaddr *to, socklen_t length);
void channel_called(const struct sockaddr *to, socklen_t length);
void channel_accepted(int fd);

/* A name is made, or taken away, so that others may find it, or make it; and it was found or made.
 */
void name_given(const char *path);
void name_found(const char *path);
/* It wasn't there: of a process, it is dead. */
void name_missing(const char *path);

/* Record locks, OFD locks and flock: of the whole file, whatever part it was. */
void lock_of_file_acquired(int fd);
void lock_of_file_released(int fd);

#endif
