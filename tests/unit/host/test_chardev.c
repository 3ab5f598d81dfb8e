/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "base/loop.h"
#include "host/char/chardev.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct front {
	uint8_t got[4096];
	unsigned n, room, hangups, connects;
	int depth, max_depth;
};

static unsigned
front_room(void *ctx)
{
	struct front *f = ctx;

	return f->room;
}

static void
front_receive(void *ctx, const uint8_t *data, unsigned len)
{
	struct front *f = ctx;

	for (unsigned i = 0; i < len && f->n < sizeof(f->got); i++)
		f->got[f->n++] = data[i];
	f->room -= len;
}

static void
front_hangup(void *ctx, bool connected)
{
	struct front *f = ctx;

	if (connected)
		f->connects++;
	else
		f->hangups++;
}

static void
attach(struct chardev *c, struct front *f)
{
	struct chardev_front cf = { front_room, front_receive, front_hangup, f };

	chardev_attach(c, &cf);
}

static void
lock(void *ctx)
{
	struct front *f = ctx;

	f->depth++;
	if (f->depth > f->max_depth)
		f->max_depth = f->depth;
}

static void
unlock(void *ctx)
{
	struct front *f = ctx;

	f->depth--;
}

static struct chardev_env
env_for(struct loop *l, struct front *f)
{
	return (struct chardev_env){ l, f, lock, unlock };
}

static void
turns(struct loop *l, int n)
{
	while (n--)
		loop_turn(l, 0);
}

TEST(null_takes_everything)
{
	struct chardev *c = chardev_null_open();

	CHECK_EQ(chardev_write(c, (const uint8_t *)"hello", 5), 5);
	chardev_close(c);
	chardev_close(NULL);
}

TEST(mem_is_bounded_and_feeds_only_what_fits)
{
	struct chardev *c = chardev_mem_open(4);
	struct front f = { .room = 2 };
	size_t n;

	attach(c, &f);
	CHECK_EQ(chardev_write(c, (const uint8_t *)"hello", 5), 4);
	CHECK_EQ(chardev_write(c, (const uint8_t *)"x", 1), 0);
	CHECK(!memcmp(chardev_mem_data(c, &n), "hell", 4));
	CHECK_EQ(n, 4);
	CHECK_EQ(chardev_mem_feed(c, (const uint8_t *)"abc", 3), 2);
	CHECK(!memcmp(f.got, "ab", 2));
	chardev_close(c);
}

TEST(fd_moves_both_ways_and_stops_when_the_front_is_full)
{
	struct front f = { .room = 3 };
	struct loop *l = loop_create();
	struct chardev_env env = env_for(l, &f);
	struct chardev *c;
	char buf[16];
	int sv[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	c = chardev_fd_open(&env, sv[0], sv[0]);
	CHECK(c);
	attach(c, &f);
	CHECK_EQ(chardev_write(c, (const uint8_t *)"out", 3), 3);
	turns(l, 3);
	CHECK_EQ(read(sv[1], buf, sizeof(buf)), 3);
	CHECK(!memcmp(buf, "out", 3));
	CHECK_EQ(write(sv[1], "abcdef", 6), 6);
	turns(l, 5);
	CHECK_EQ(f.n, 3);
	f.room = 10;
	chardev_kick(c);
	turns(l, 3);
	CHECK_EQ(f.n, 6);
	CHECK(!memcmp(f.got, "abcdef", 6));
	CHECK_EQ(f.depth, 0);
	CHECK(f.max_depth > 0);
	close(sv[1]);
	turns(l, 3);
	CHECK_EQ(f.hangups, 1);
	CHECK_EQ(chardev_write(c, (const uint8_t *)"gone", 4), 4);
	turns(l, 2);
	chardev_close(c);
	turns(l, 1);
	loop_destroy(l);
}

TEST(a_reader_that_does_not_read_fills_a_bounded_queue)
{
	struct front f = { 0 };
	struct loop *l = loop_create();
	struct chardev_env env = env_for(l, &f);
	uint8_t block[4096], back[4096];
	size_t sent = 0, got = 0;
	struct chardev *c;
	ssize_t n;
	int p[2];

	CHECK(!pipe(p));
	(void)fcntl(p[0], F_SETFL, O_NONBLOCK);
	c = chardev_fd_open(&env, -1, p[1]);
	CHECK(c);
	for (int i = 0; i < 1000; i++) {
		unsigned took;

		for (unsigned j = 0; j < sizeof(block); j++)
			block[j] = (uint8_t)((sent + j) % 251);
		took = chardev_write(c, block, sizeof(block));
		sent += took;
		turns(l, 1);
		if (took < sizeof(block) && i > 100)
			break;
	}
	CHECK(sent < 1024 * 1024);
	CHECK_EQ(chardev_write(c, block, 1), 0);
	for (int i = 0; i < 200; i++) {
		while ((n = read(p[0], back, sizeof(back))) > 0) {
			for (ssize_t j = 0; j < n; j++)
				CHECK_EQ(back[j], (got + (size_t)j) % 251);
			got += (size_t)n;
		}
		turns(l, 1);
	}
	CHECK_EQ(got, sent);
	CHECK_EQ(chardev_write(c, block, 1), 1);
	chardev_close(c);
	turns(l, 1);
	close(p[0]);
	loop_destroy(l);
}

TEST(close_sends_the_rest_and_gives_back_the_flags)
{
	struct front f = { 0 };
	struct loop *l = loop_create();
	struct chardev_env env = env_for(l, &f);
	struct chardev *c;
	char buf[8];
	int p[2], keep_in, keep_out;

	CHECK(!pipe(p));
	keep_out = dup(p[1]);
	keep_in = dup(keep_out); /* "input" of the same open file, as on a terminal */
	c = chardev_fd_open(&env, keep_in, p[1]);
	CHECK(c);
	CHECK(fcntl(keep_out, F_GETFL) & O_NONBLOCK);
	CHECK_EQ(chardev_write(c, (const uint8_t *)"end", 3), 3);
	chardev_close(c);
	CHECK_EQ(read(p[0], buf, sizeof(buf)), 3);
	CHECK(!(fcntl(keep_out, F_GETFL) & O_NONBLOCK));
	turns(l, 2);
	loop_destroy(l);
	close(p[0]);
	close(keep_out);
}

static int
connect_to(const struct sockaddr_un *a, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (connect(fd, (const struct sockaddr *)a, len))
		return -1;
	return fd;
}

TEST(listen_serves_one_client_after_the_other)
{
	struct front f = { .room = 100 };
	struct loop *l = loop_create();
	struct chardev_env env = env_for(l, &f);
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(a.sun_family);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), c1, c2;
	struct chardev *c;
	char buf[8];

	CHECK(!bind(fd, (struct sockaddr *)&a, len)); /* autobind: an abstract name */
	CHECK(!listen(fd, 4));
	len = sizeof(a);
	CHECK(!getsockname(fd, (struct sockaddr *)&a, &len));
	c = chardev_listen_open(&env, fd);
	CHECK(c);
	attach(c, &f);
	CHECK_EQ(chardev_write(c, (const uint8_t *)"lost", 4), 4);
	c1 = connect_to(&a, len);
	c2 = connect_to(&a, len);
	CHECK(c1 >= 0 && c2 >= 0);
	turns(l, 3);
	CHECK_EQ(f.connects, 1);
	chardev_write(c, (const uint8_t *)"one", 3);
	turns(l, 2);
	CHECK_EQ(read(c1, buf, sizeof(buf)), 3);
	CHECK_EQ(write(c1, "in", 2), 2);
	turns(l, 2);
	CHECK_EQ(f.n, 2);
	close(c1);
	turns(l, 4);
	CHECK_EQ(f.hangups, 1);
	CHECK_EQ(f.connects, 2);
	chardev_write(c, (const uint8_t *)"two!", 4);
	turns(l, 2);
	CHECK_EQ(read(c2, buf, sizeof(buf)), 4);
	chardev_close(c);
	turns(l, 1);
	CHECK_EQ(read(c2, buf, sizeof(buf)), 0);
	close(c2);
	loop_destroy(l);
}

TEST_MAIN()
