/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mem/space.h"

#include "base/buf.h"
#include "base/err.h"
#include "tests/unit/test.h"

struct fixture {
	struct mem_arena arena;
	struct mem_space s;
	uint64_t last_off, last_val;
	unsigned last_size, accesses, changes;
	uint64_t code_aoff;
	size_t code_len;
};

static uint64_t
rd(void *ctx, uint64_t off, unsigned size)
{
	struct fixture *f = ctx;

	f->accesses++;
	f->last_off = off;
	f->last_size = size;
	return 0x8877665544332211ull >> (off % 8 * 8);
}

static void
wr(void *ctx, uint64_t off, unsigned size, uint64_t v)
{
	struct fixture *f = ctx;

	f->accesses++;
	f->last_off = off;
	f->last_size = size;
	f->last_val = v;
}

static unsigned
rd_many(void *ctx, uint64_t off, unsigned size, void *dst, unsigned n)
{
	memset(dst, 0x5a, (size_t)size * n);
	return n;
}

static const struct mem_io byte_io = { .read = rd, .write = wr, .access_min = 1, .access_max = 1 };
static const struct mem_io any_io = { .read = rd, .write = wr, .access_min = 1, .access_max = 8 };
static const struct mem_io dword_io = { .read = rd, .write = wr, .access_min = 4, .access_max = 4 };
static const struct mem_io many_io = {
	.read = rd, .write = wr, .access_min = 1, .access_max = 4, .read_many = rd_many
};

static void
changed(void *ctx)
{
	((struct fixture *)ctx)->changes++;
}

static void
code_written(void *ctx, uint64_t aoff, size_t len)
{
	struct fixture *f = ctx;

	f->code_aoff = aoff;
	f->code_len = len;
}

static void
setup(struct fixture *f)
{
	struct err e;

	memset(f, 0, sizeof(*f));
	if (mem_arena_init(&f->arena, -1, 1 << 20, &e))
		test_fail(__FILE__, __LINE__, "%s", e.msg);
	f->arena.code_written = code_written;
	f->arena.code_ctx = f;
	mem_space_init(&f->s, "memory", &f->arena, NULL);
	f->s.changed = changed;
	f->s.changed_ctx = f;
}

static void
teardown(struct fixture *f)
{
	mem_space_fini(&f->s);
	mem_arena_fini(&f->arena);
}

TEST(holes_float_and_swallow)
{
	struct fixture f;
	struct mem_range r;

	setup(&f);
	CHECK_EQ(mem_space_read(&f.s, 0x1234, 4), 0xffffffff);
	mem_space_write(&f.s, 0x1234, 4, 1);
	r = mem_space_find(&f.s, 0x1234);
	CHECK_EQ(r.kind, MEM_NONE);
	CHECK_EQ(r.start, 0);
	CHECK_EQ(r.end, UINT64_MAX);
	teardown(&f);
}

TEST(priority_decides_and_unmapping_uncovers)
{
	struct fixture f;
	uint64_t low, high;
	struct mem_region *a, *b;

	setup(&f);
	CHECK_EQ(mem_arena_alloc(&f.arena, 0x10000, &low, NULL), 0);
	CHECK_EQ(mem_arena_alloc(&f.arena, 0x1000, &high, NULL), 0);
	a = mem_space_add_ram(&f.s, "ram", low, 0x10000, true, 0);
	b = mem_space_add_ram(&f.s, "rom", high, 0x1000, false, 1);
	mem_region_map(a, 0);
	mem_region_map(b, 0x4000);
	CHECK_EQ(f.changes, 2);
	f.arena.base[high] = 0xaa;
	f.arena.base[low + 0x4000] = 0xbb;
	CHECK_EQ(mem_space_read(&f.s, 0x4000, 1), 0xaa);
	mem_space_write(&f.s, 0x4000, 1, 1); /* ROM: dropped */
	CHECK_EQ(f.arena.base[high], 0xaa);
	/* the second half of the RAM continues with the right arena offset */
	mem_space_write(&f.s, 0x5000, 2, 0x1234);
	CHECK_EQ(f.arena.base[low + 0x5000], 0x34);
	mem_region_unmap(b);
	CHECK_EQ(mem_space_read(&f.s, 0x4000, 1), 0xbb);
	CHECK_EQ(mem_space_find(&f.s, 0x4000).end, 0x10000); /* one piece again */
	teardown(&f);
}

TEST(sizes_are_split_and_widened)
{
	struct fixture f;
	struct mem_region *r;

	setup(&f);
	r = mem_space_add_io(&f.s, "bytes", &byte_io, &f, 0x10, 0);
	mem_region_map(r, 0x100);
	CHECK_EQ(mem_space_read(&f.s, 0x100, 4), 0x44332211);
	CHECK_EQ(f.accesses, 4);
	mem_space_write(&f.s, 0x102, 2, 0xabcd);
	CHECK_EQ(f.last_off, 3);
	CHECK_EQ(f.last_val, 0xab);
	mem_region_unmap(r);

	r = mem_space_add_io(&f.s, "dwords", &dword_io, &f, 0x10, 0);
	mem_region_map(r, 0x200);
	f.accesses = 0;
	CHECK_EQ(mem_space_read(&f.s, 0x202, 1), 0x33);
	CHECK_EQ(f.last_off, 0);
	CHECK_EQ(f.last_size, 4);
	mem_space_write(&f.s, 0x202, 1, 1); /* narrower than it takes */
	CHECK_EQ(f.accesses, 1);
	CHECK_EQ(mem_space_read(&f.s, 0x200, 8), 0x8877665544332211ull);
	teardown(&f);
}

TEST(access_across_two_regions_goes_byte_by_byte)
{
	struct fixture f;
	uint64_t aoff;
	struct mem_region *a, *b;

	setup(&f);
	CHECK_EQ(mem_arena_alloc(&f.arena, 0x1000, &aoff, NULL), 0);
	a = mem_space_add_ram(&f.s, "ram", aoff, 0x1000, true, 0);
	b = mem_space_add_io(&f.s, "io", &any_io, &f, 0x10, 0);
	mem_region_map(a, 0);
	mem_region_map(b, 0x1000);
	f.arena.base[aoff + 0xffe] = 1;
	f.arena.base[aoff + 0xfff] = 2;
	CHECK_EQ(mem_space_read(&f.s, 0xffe, 4), 0x22110201);
	teardown(&f);
}

TEST(copies_stop_at_nothing_and_say_so)
{
	struct fixture f;
	uint64_t aoff;
	struct mem_region *a;
	uint8_t buf[16];

	setup(&f);
	CHECK_EQ(mem_arena_alloc(&f.arena, 0x1000, &aoff, NULL), 0);
	a = mem_space_add_ram(&f.s, "ram", aoff, 0x1000, true, 0);
	mem_region_map(a, 0);
	memset(buf, 7, sizeof(buf));
	CHECK(mem_space_copy_to(&f.s, 0xff0, buf, 16));
	CHECK(!mem_space_copy_to(&f.s, 0xff8, buf, 16));
	CHECK(!mem_space_copy_from(&f.s, 0xff8, buf, 16));
	CHECK_EQ(buf[7], 7);
	CHECK_EQ(buf[8], 0xff);
	CHECK(!mem_space_copy_from(&f.s, UINT64_MAX - 3, buf, 16));
	teardown(&f);
}

TEST(rom_is_loadable_but_not_writable_by_dma)
{
	struct fixture f;
	uint64_t aoff;
	struct mem_region *a;

	setup(&f);
	CHECK_EQ(mem_arena_alloc(&f.arena, 0x1000, &aoff, NULL), 0);
	a = mem_space_add_ram(&f.s, "rom", aoff, 0x1000, false, 0);
	mem_region_map(a, 0);
	CHECK(!mem_space_copy_to(&f.s, 0, "x", 1));
	CHECK_EQ(f.arena.base[aoff], 0);
	CHECK(mem_space_load(&f.s, 0, "x", 1));
	CHECK_EQ(f.arena.base[aoff], 'x');
	teardown(&f);
}

TEST(stores_over_code_are_reported)
{
	struct fixture f;
	uint64_t aoff;
	struct mem_region *a;

	setup(&f);
	CHECK_EQ(mem_arena_alloc(&f.arena, 0x2000, &aoff, NULL), 0);
	a = mem_space_add_ram(&f.s, "ram", aoff, 0x2000, true, 0);
	mem_region_map(a, 0x10000);
	CHECK(mem_space_copy_to(&f.s, 0x11004, "abc", 3));
	CHECK_EQ(f.code_len, 0);
	f.arena.code[(aoff + 0x1000) / MEM_PAGE] = 1;
	CHECK(mem_space_copy_to(&f.s, 0x11004, "abc", 3));
	CHECK_EQ(f.code_aoff, aoff + 0x1004);
	CHECK_EQ(f.code_len, 3);
	teardown(&f);
}

TEST(batched_port_io)
{
	struct fixture f;
	struct mem_region *r;
	uint16_t w[4] = { 0 };

	setup(&f);
	r = mem_space_add_io(&f.s, "many", &many_io, &f, 8, 0);
	mem_region_map(r, 0x1f0);
	CHECK_EQ(mem_space_read_many(&f.s, 0x1f0, 2, w, 4), 4);
	CHECK_EQ(w[3], 0x5a5a);
	/* no batch for writes: one at a time */
	CHECK_EQ(mem_space_write_many(&f.s, 0x1f0, 2, w, 4), 1);
	CHECK_EQ(f.last_val, 0x5a5a);
	teardown(&f);
}

TEST(remapping_for_ever_uses_bounded_memory_and_one_notice_per_batch)
{
	struct fixture f;
	struct mem_region *r;

	setup(&f);
	r = mem_space_add_io(&f.s, "bar", &any_io, &f, 0x1000, 0);
	for (unsigned i = 0; i < 10000; i++)
		mem_region_map(r, (uint64_t)i << 12);
	CHECK_EQ(f.changes, 10000);
	mem_space_begin(&f.s);
	mem_region_map(r, 0);
	mem_region_map(r, 0x5000);
	CHECK_EQ(f.changes, 10000);
	mem_space_commit(&f.s);
	CHECK_EQ(f.changes, 10001);
	mem_region_map(r, UINT64_MAX - 0x10); /* would wrap: not there */
	CHECK_EQ(mem_space_find(&f.s, UINT64_MAX - 0x10).kind, MEM_NONE);
	teardown(&f);
}

TEST(arena_refuses_what_does_not_fit)
{
	struct fixture f;
	uint64_t aoff;
	struct err e;

	setup(&f);
	CHECK(mem_arena_alloc(&f.arena, 2 << 20, &aoff, &e) < 0);
	CHECK_STR(e.msg, "guest memory arena is full");
	teardown(&f);
}

TEST_MAIN()
