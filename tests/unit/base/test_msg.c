/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/mem.h"
#include "base/msg.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int sock[2];
static struct msg *m;

static bool
open_pair(void)
{
	m = xalloc(sizeof(*m));
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) == 0;
}

static void
close_pair(void)
{
	close(sock[0]);
	close(sock[1]);
	mem_free(m);
}

static unsigned
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

TEST(msg_carries_type_body_and_descriptors)
{
	int fds[2];
	char got[2] = { 0 };

	CHECK(open_pair());
	CHECK_EQ(pipe2(fds, O_CLOEXEC), 0);
	CHECK_EQ(msg_send(sock[0], 7, "body", 4, fds, 2), 0);
	CHECK_EQ(msg_recv(sock[1], m), 1);
	CHECK_EQ(m->type, 7);
	CHECK_EQ(m->len, 4);
	CHECK(!memcmp(m->body, "body", 4));
	CHECK_EQ(m->nfds, 2);
	CHECK(fcntl(m->fds[0], F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(write(m->fds[1], "z", 1), 1);
	CHECK_EQ(read(fds[0], got, 1), 1);
	CHECK_EQ(got[0], 'z');
	msg_close_fds(m);
	CHECK_EQ(m->nfds, 0);
	close(fds[0]);
	close(fds[1]);
	close_pair();
}

TEST(msg_empty_and_largest_bodies_pass)
{
	uint8_t *big = xalloc(MSG_MAX + 1);

	CHECK(open_pair());
	CHECK_EQ(msg_send(sock[0], 1, NULL, 0, NULL, 0), 0);
	CHECK_EQ(msg_recv(sock[1], m), 1);
	CHECK_EQ(m->len, 0);
	big[MSG_MAX - 1] = 5;
	CHECK_EQ(msg_send(sock[0], 2, big, MSG_MAX, NULL, 0), 0);
	CHECK_EQ(msg_recv(sock[1], m), 1);
	CHECK_EQ(m->len, MSG_MAX);
	CHECK_EQ(m->body[MSG_MAX - 1], 5);
	CHECK_EQ(msg_send(sock[0], 2, big, MSG_MAX + 1, NULL, 0), -EMSGSIZE);
	CHECK_EQ(msg_send(sock[0], 2, big, 1, NULL, MSG_MAX_FDS + 1), -EMSGSIZE);
	mem_free(big);
	close_pair();
}

TEST(msg_end_and_empty_are_told_apart)
{
	CHECK(open_pair());
	fcntl(sock[1], F_SETFL, O_NONBLOCK);
	CHECK_EQ(msg_recv(sock[1], m), -EAGAIN);
	shutdown(sock[0], SHUT_WR);
	CHECK_EQ(msg_recv(sock[1], m), 0);
	close(sock[1]);
	CHECK_EQ(msg_send(sock[0], 1, NULL, 0, NULL, 0), -EPIPE);
	sock[1] = -1;
	close_pair();
}

/* Sends raw bytes with one descriptor many times over. */
static void
send_raw(const void *data, size_t len, unsigned nfds)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int) * 128)];
	} c;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = c.space };
	struct cmsghdr *cm = &c.align;
	int fd = sock[0];

	memset(&c, 0, sizeof(c));
	mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
	for (unsigned i = 0; i < nfds; i++)
		memcpy(CMSG_DATA(cm) + i * sizeof(int), &fd, sizeof(int));
	if (sendmsg(sock[0], &mh, 0) < 0)
		test_fail(__FILE__, __LINE__, "sendmsg: %s", strerror(errno));
}

TEST(msg_malformed_ones_are_refused_without_leaks)
{
	uint32_t bad_len[3] = { 1, 400, 0 }, good[3] = { 1, 4, 0 };
	uint8_t *big = xalloc(MSG_MAX + 100);
	unsigned before;

	CHECK(open_pair());
	before = open_fds();
	send_raw("abc", 3, 1);
	CHECK_EQ(msg_recv(sock[1], m), -EPROTO);
	send_raw(bad_len, sizeof(bad_len), 2);
	CHECK_EQ(msg_recv(sock[1], m), -EPROTO);
	send_raw(big, MSG_MAX + 100, 3); /* truncated */
	CHECK_EQ(msg_recv(sock[1], m), -EPROTO);
	send_raw(good, sizeof(good), MSG_MAX_FDS + 1); /* too many descriptors */
	CHECK_EQ(msg_recv(sock[1], m), -EPROTO);
	CHECK_EQ(m->nfds, 0);
	CHECK_EQ(open_fds(), before);
	send_raw(good, sizeof(good), 1); /* and the stream goes on */
	CHECK_EQ(msg_recv(sock[1], m), 1);
	CHECK_EQ(m->nfds, 1);
	msg_close_fds(m);
	CHECK_EQ(open_fds(), before);
	mem_free(big);
	close_pair();
}

TEST(msg_refused_when_descriptors_run_out)
{
	struct rlimit old, tight;
	unsigned before;

	CHECK(open_pair());
	before = open_fds();
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
	send_raw((uint32_t[]){ 1, 0 }, 8, 4);
	tight = old;
	tight.rlim_cur = (rlim_t)sock[1] + 2;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
	CHECK_EQ(msg_recv(sock[1], m), -EPROTO);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &old), 0);
	CHECK_EQ(open_fds(), before);
	close_pair();
}

TEST_MAIN()
