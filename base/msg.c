/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Messages with descriptors; unix(7), cmsg(3).  On the wire: type, body length,
 * body, in the host's byte order (both ends are on one host).  The length is
 * redundant with the datagram's and is there to be checked.
 */
#include "base/msg.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

struct wire_head {
	uint32_t type, len;
};

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int) * MSG_MAX_FDS)];
};

static void
control_set(struct msghdr *mh, union control *c, const int *fds, unsigned nfds)
{
	struct cmsghdr *cm;

	memset(c, 0, sizeof(*c));
	mh->msg_control = c->space;
	mh->msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
	cm = CMSG_FIRSTHDR(mh);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
	memcpy(CMSG_DATA(cm), fds, sizeof(int) * nfds);
}

int
msg_send(int sock, uint32_t type, const void *body, size_t len, const int *fds, unsigned nfds)
{
	struct wire_head head = { .type = type, .len = (uint32_t)len };
	struct iovec iov[2] = { { .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = len } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = len ? 2 : 1 };
	union control c;

	if (len > MSG_MAX || nfds > MSG_MAX_FDS)
		return -EMSGSIZE;
	if (nfds)
		control_set(&mh, &c, fds, nfds);
	while (sendmsg(sock, &mh, MSG_NOSIGNAL) < 0) {
		struct pollfd p = { .fd = sock, .events = POLLOUT };

		if (errno != EINTR && errno != EAGAIN)
			return -errno;
		if (errno == EAGAIN && poll(&p, 1, -1) < 0 && errno != EINTR)
			return -errno;
	}
	return 0;
}

/* Collects every descriptor that came, whatever else is wrong with the message. */
static void
take_fds(struct msg *m, struct msghdr *mh)
{
	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		size_t n;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int), sizeof(int));
			if (m->nfds < MSG_MAX_FDS)
				m->fds[m->nfds++] = fd;
			else
				close(fd);
		}
	}
}

int
msg_recv(int sock, struct msg *ret_msg)
{
	struct wire_head head = { 0 };
	struct iovec iov[2] = { { .iov_base = &head, .iov_len = sizeof(head) },
		{ .iov_base = ret_msg->body, .iov_len = sizeof(ret_msg->body) } };
	union control c;
	struct msghdr mh = { .msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = c.space,
		.msg_controllen = sizeof(c.space) };
	ssize_t n;

	do
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	ret_msg->nfds = 0;
	ret_msg->len = 0;
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	take_fds(ret_msg, &mh);
	if (n == 0 && !ret_msg->nfds)
		return 0;
	if ((mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || (size_t)n < sizeof(head) ||
	    head.len != (size_t)n - sizeof(head)) {
		msg_close_fds(ret_msg);
		return -EPROTO;
	}
	ret_msg->type = head.type;
	ret_msg->len = head.len;
	return 1;
}

void
msg_close_fds(struct msg *m)
{
	for (unsigned i = 0; i < m->nfds; i++) {
		if (m->fds[i] >= 0)
			close(m->fds[i]);
		m->fds[i] = -1;
	}
	m->nfds = 0;
}
