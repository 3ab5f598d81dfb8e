/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages with descriptors over a SOCK_SEQPACKET socket: a type, a body of at
 * most MSG_MAX bytes (see base/buf.h for writing and reading one), and up to
 * MSG_MAX_FDS descriptors.
 */
#ifndef LODGE_BASE_MSG_H
#define LODGE_BASE_MSG_H

#include <stddef.h>
#include <stdint.h>

#define MSG_MAX     (64 * 1024)
#define MSG_MAX_FDS 64

/* 0 or -errno. Descriptors stay the caller's. Blocks while the socket is full. */
int msg_send(int sock, uint32_t type, const void *body, size_t len, const int *fds, unsigned nfds);

struct msg {
	uint32_t type;
	size_t len;
	uint8_t body[MSG_MAX];
	int fds[MSG_MAX_FDS]; /* the receiver's; close-on-exec */
	unsigned nfds;
};

/* 1 = got one, 0 = the peer has closed, -EAGAIN when non-blocking and empty, or
 * -errno; a malformed message is -EPROTO with its descriptors closed. */
int msg_recv(int sock, struct msg *ret_msg);
void msg_close_fds(struct msg *m); /* those not yet taken (taken ones are set to -1) */

#endif
