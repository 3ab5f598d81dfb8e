/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/err.h"
#include "base/mem.h"
#include "host/block/block.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- a loop of the test's own: everything posted runs in drain() ---- */

#define QUEUE 64

struct posted {
	void (*work)(void *arg);
	void (*fn)(void *arg);
	void *arg;
};

static struct posted queue[QUEUE];
static unsigned head, tail;

static void
env_run(void *ctx, void (*work)(void *arg), void (*done)(void *arg), void *arg)
{
	queue[tail++ % QUEUE] = (struct posted){ work, done, arg };
}

static void
env_post(void *ctx, void (*fn)(void *arg), void *arg)
{
	env_run(ctx, NULL, fn, arg);
}

static const struct block_env env = { NULL, env_post, env_run };

static void
drain(void)
{
	while (head != tail) {
		struct posted p = queue[head++ % QUEUE];

		if (p.work)
			p.work(p.arg);
		p.fn(p.arg);
	}
}

static void
on_done(struct block_req *r, int result)
{
	int *p = r->ctx;

	*p = *p == 1 ? result : -9999; /* 1: not completed yet */
}

static int
do_io(struct block *b, enum block_op op, uint64_t off, void *buf, size_t len)
{
	int result = 1;
	size_t part = len / 3;
	uint8_t none[1] = { 0 }, *at = buf ? buf : none;
	struct iovec iov[3] = { { at, part }, { at + part, part },
		{ at + 2 * part, len - 2 * part } };
	struct block_req r = { .op = op,
		.off = off,
		.len = len,
		.iov = iov,
		.niov = 3,
		.done = on_done,
		.ctx = &result };

	block_submit(b, &r);
	if (result != 1)
		return -8888; /* completed from inside submit */
	drain();
	return result;
}

static int
temp_fd(size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	return fd >= 0 && ftruncate(fd, (off_t)size) ? -1 : fd;
}

static void
exercise(struct block *b, uint64_t size)
{
	uint8_t w[4096], r[4096];

	CHECK_EQ(b->info.size, size);
	for (unsigned i = 0; i < sizeof(w); i++)
		w[i] = (uint8_t)(i * 7 + (i >> 8));
	CHECK_EQ(do_io(b, BLOCK_WRITE, 512, w, sizeof(w)), 0);
	CHECK_EQ(do_io(b, BLOCK_READ, 512, r, sizeof(r)), 0);
	CHECK(!memcmp(w, r, sizeof(r)));
	CHECK_EQ(do_io(b, BLOCK_READ, 0, r, 1024), 0);
	CHECK_EQ(r[0], 0);
	CHECK(!memcmp(w, r + 512, 512));
	CHECK_EQ(do_io(b, BLOCK_FLUSH, 0, NULL, 0), 0);
	CHECK_EQ(do_io(b, BLOCK_WRITE_ZEROES, 1024, NULL, 512), 0);
	CHECK_EQ(do_io(b, BLOCK_READ, 512, r, 1536), 0);
	CHECK(!memcmp(w, r, 512));
	CHECK_EQ(r[512] | r[700] | r[1023], 0);
	CHECK(!memcmp(w + 1024, r + 1024, 512));
	CHECK_EQ(do_io(b, BLOCK_READ, size - 512, r, 512), 0);
	CHECK_EQ(do_io(b, BLOCK_READ, size - 512, r, 1024), (unsigned long long)-EIO);
	CHECK_EQ(do_io(b, BLOCK_WRITE, size, r, 512), (unsigned long long)-EIO);
	CHECK_EQ(do_io(b, BLOCK_READ, UINT64_MAX - 511, r, 1024), (unsigned long long)-EIO);
	CHECK_EQ(do_io(b, BLOCK_READ, 1, r, 512), (unsigned long long)-EINVAL);
	CHECK_EQ(do_io(b, BLOCK_READ, 0, r, 100), (unsigned long long)-EINVAL);
	CHECK_EQ(b->inflight, 0);
}

TEST(mem_reads_writes_and_keeps_bounds)
{
	struct block *b = block_mem_open(&env, NULL, 65536, false);

	exercise(b, 65536);
	block_close(b);
}

TEST(raw_reads_writes_and_keeps_bounds)
{
	struct err e = { 0 };
	struct block *b = block_raw_open(&env, temp_fd(65536), false, &e);

	CHECK(b);
	exercise(b, 65536);
	block_close(b);
}

TEST(raw_rounds_up_an_odd_size_and_pads_with_zeros)
{
	struct err e = { 0 };
	int fd = temp_fd(1000);
	uint8_t r[512];
	struct block *b;

	CHECK_EQ(pwrite(fd, "xyz", 3, 997), 3);
	b = block_raw_open(&env, fd, true, &e);
	CHECK(b);
	CHECK_EQ(b->info.size, 1024);
	memset(r, 0xee, sizeof(r));
	CHECK_EQ(do_io(b, BLOCK_READ, 512, r, 512), 0);
	CHECK(!memcmp(r + 485, "xyz\0\0", 5));
	CHECK_EQ(r[511], 0);
	block_close(b);
}

TEST(read_only_refuses_every_kind_of_write)
{
	struct err e = { 0 };
	struct block *b = block_raw_open(&env, temp_fd(4096), true, &e);
	uint8_t w[512] = { 1 };

	CHECK_EQ(do_io(b, BLOCK_WRITE, 0, w, 512), (unsigned long long)-EROFS);
	CHECK_EQ(do_io(b, BLOCK_DISCARD, 0, NULL, 0), (unsigned long long)-EROFS);
	CHECK_EQ(do_io(b, BLOCK_WRITE_ZEROES, 0, NULL, 0), (unsigned long long)-EROFS);
	CHECK_EQ(do_io(b, BLOCK_FLUSH, 0, NULL, 0), 0);
	block_close(b);
}

TEST(raw_refuses_what_is_not_an_image)
{
	struct err e = { 0 };
	int p[2];

	CHECK_EQ(pipe(p), 0);
	CHECK(!block_raw_open(&env, p[0], true, &e));
	CHECK(strstr(e.msg, "neither"));
	(void)close(p[1]);
	CHECK(!block_raw_open(&env, temp_fd(0), true, &e));
	CHECK(strstr(e.msg, "empty"));
}

/* ---- overlay against a plain array ---- */

#define DISK (20 * MIB)

static uint64_t rng_state = 88172645463325252ull;

static uint64_t
rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

TEST(overlay_equals_a_model_and_leaves_the_base_alone)
{
	struct err e = { 0 };
	uint8_t *base = xalloc(DISK), *model = xalloc(DISK), *buf = xalloc(64 * KIB);
	struct block *below, *b;

	for (uint64_t i = 0; i < DISK; i += 8)
		put_le64(base + i, rng());
	memcpy(model, base, DISK);
	below = block_mem_open(&env, base, DISK, true);
	b = block_overlay_open(&env, below, temp_fd(0), &e);
	CHECK(b && !b->info.read_only);
	for (unsigned n = 0; n < 3000; n++) {
		uint64_t len = (1 + rng() % 128) * 512;
		uint64_t off = rng() % ((DISK - len) / 512 + 1) * 512;
		unsigned what = rng() % 8;

		if (rng() % 4 == 0) /* around the border of two bitmap pages */
			off = 8 * MIB - 32 * KIB + rng() % 64 * 512;
		if (what < 3) {
			for (uint64_t i = 0; i < len; i += 8)
				put_le64(buf + i, rng());
			CHECK_EQ(do_io(b, BLOCK_WRITE, off, buf, len), 0);
			memcpy(model + off, buf, len);
		} else if (what == 3) {
			int result = 1;
			struct block_req r = { .op = n & 1 ? BLOCK_DISCARD : BLOCK_WRITE_ZEROES,
				.off = off,
				.len = len,
				.done = on_done,
				.ctx = &result };

			block_submit(b, &r);
			drain();
			CHECK_EQ(result, 0);
			memset(model + off, 0, len);
		} else {
			CHECK_EQ(do_io(b, BLOCK_READ, off, buf, len), 0);
			CHECK(!memcmp(buf, model + off, len));
		}
	}
	for (uint64_t off = 0; off < DISK; off += 64 * KIB) {
		CHECK_EQ(do_io(b, BLOCK_READ, off, buf, 64 * KIB), 0);
		CHECK(!memcmp(buf, model + off, 64 * KIB));
		CHECK_EQ(do_io(below, BLOCK_READ, off, buf, 64 * KIB), 0);
		CHECK(!memcmp(buf, base + off, 64 * KIB));
	}
	CHECK_EQ(do_io(b, BLOCK_FLUSH, 0, NULL, 0), 0);
	block_close(b);
	mem_free(base);
	mem_free(model);
	mem_free(buf);
}

/* ---- errors come through ---- */

static void
broken_run(void *arg)
{
	block_complete(arg, -ENXIO);
}

static void
broken_submit(struct block *b, struct block_req *r)
{
	env_post(NULL, broken_run, r);
}

static void
broken_close(struct block *b)
{
}

static const struct block_type broken_type = { "broken", broken_submit, broken_close };

TEST(errors_from_below_reach_the_caller)
{
	struct err e = { 0 };
	struct block broken = { .type = &broken_type, .info = { .size = 65536 }, .env = &env };
	struct block *b = block_overlay_open(&env, &broken, temp_fd(0), &e);
	uint8_t buf[2048] = { 0 };

	CHECK_EQ(do_io(b, BLOCK_READ, 0, buf, 512), (unsigned long long)-ENXIO);
	CHECK_EQ(do_io(b, BLOCK_WRITE, 0, buf, 512), 0);
	CHECK_EQ(do_io(b, BLOCK_READ, 0, buf, 512), 0);
	CHECK_EQ(do_io(b, BLOCK_READ, 0, buf, 1024), (unsigned long long)-ENXIO);
	CHECK_EQ(b->inflight, 0);
	CHECK_EQ(broken.inflight, 0);
	block_close(b);
	block_close(NULL);
}

TEST_MAIN()
