/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/mem.h"
#include "dev/ioapic.h"
#include "dev/types.h"

static struct fake_env *
start(const struct dev_type *t)
{
	struct fake_env *f = xalloc(sizeof(*f));

	fake_init(f, t);
	fake_start(f);
	return f;
}

static void
stop(struct fake_env *f)
{
	fake_fini(f);
	mem_free(f);
}

static uint32_t
in(struct fake_env *f, unsigned index)
{
	fake_write(f, 0, 0, 4, index);
	return (uint32_t)fake_read(f, 0, 0x10, 4);
}

static void
out(struct fake_env *f, unsigned index, uint32_t val)
{
	fake_write(f, 0, 0, 4, index);
	fake_write(f, 0, 0x10, 4, val);
}

TEST(ioapic_registers)
{
	struct fake_env *f = start(&ioapic_type);

	CHECK_EQ(in(f, 1), 0x00170020);
	CHECK_EQ(in(f, 0x10), 0x00010000);
	out(f, 0, 0xffffffff);
	CHECK_EQ(in(f, 0), 0x0f000000);
	out(f, 0x12, 0xffffffff);
	out(f, 0x13, 0xffffffff);
	CHECK_EQ(in(f, 0x12), 0x0001afff);
	CHECK_EQ(in(f, 0x13), 0xff000000);
	CHECK_EQ(in(f, 0x40), 0);
	stop(f);
}

TEST(ioapic_edges)
{
	struct fake_env *f = start(&ioapic_type);

	CHECK(ioapic_input(&f->dev, 4, true)); /* masked: no interrupt, and nobody misses it */
	out(f, 0x18, 0x34);
	CHECK_EQ(f->msis, 0);
	ioapic_input(&f->dev, 4, false);
	CHECK(ioapic_input(&f->dev, 4, true));
	CHECK(ioapic_input(&f->dev, 4, true));
	CHECK_EQ(f->msis, 1);
	stop(f);
}

TEST(ioapic_levels_wait_for_their_end)
{
	struct fake_env *f = start(&ioapic_type);

	out(f, 0x30, 0x8041); /* pin 16 */
	ioapic_input(&f->dev, 16, true);
	CHECK_EQ(f->msis, 1);
	CHECK_EQ(in(f, 0x30), 0xc041);
	ioapic_eoi(&f->dev, 0x42);
	CHECK_EQ(f->msis, 1);
	ioapic_eoi(&f->dev, 0x41); /* still asserted: again */
	CHECK_EQ(f->msis, 2);
	ioapic_input(&f->dev, 16, false);
	fake_write(f, 0, 0x40, 4, 0x41); /* EOI register */
	CHECK_EQ(f->msis, 2);
	CHECK_EQ(in(f, 0x30), 0x8041);
	out(f, 0x30, 0x18041);
	ioapic_input(&f->dev, 16, true);
	CHECK_EQ(f->msis, 2);
	out(f, 0x30, 0x8041); /* unmasking a waiting level */
	CHECK_EQ(f->msis, 3);
	out(f, 0x30, 0x0041); /* edge clears remote IRR */
	CHECK_EQ(in(f, 0x30), 0x0041);
	stop(f);
}

/* ---- HPET ---- */

enum { IRQ0, IRQ8, GSI20, LEGACY = GSI20 + 4 };

static void
hset(struct fake_env *f, unsigned off, uint64_t v)
{
	fake_write(f, 0, off, 4, v);
}

TEST(hpet_counts)
{
	struct fake_env *f = start(&hpet_type);

	CHECK_EQ(fake_read(f, 0, 0, 8), 0x009896808086a201);
	CHECK_EQ(fake_read(f, 0, 0xf0, 8), 0);
	hset(f, 0x10, 1);
	fake_advance(f, 1000);
	CHECK_EQ(fake_read(f, 0, 0xf0, 8), 100);
	hset(f, 0x10, 0);
	fake_advance(f, 1000);
	CHECK_EQ(fake_read(f, 0, 0xf0, 4), 100);
	fake_write(f, 0, 0xf0, 8, 0xfffffffff0);
	CHECK_EQ(fake_read(f, 0, 0xf4, 4), 0xff);
	stop(f);
}

TEST(hpet_one_shot_and_level)
{
	struct fake_env *f = start(&hpet_type);

	hset(f, 0x10, 1);
	hset(f, 0x100, 0x4 | 20 << 9);
	hset(f, 0x108, 100000); /* 1 ms */
	hset(f, 0x10c, 0);
	fake_advance(f, 990000);
	CHECK_EQ(f->rises[GSI20], 0);
	fake_advance(f, 20000);
	CHECK_EQ(f->rises[GSI20], 1);
	CHECK(!f->outputs[GSI20]);     /* an edge is a pulse */
	hset(f, 0x120, 0x6 | 21 << 9); /* level */
	hset(f, 0x128, 200000);
	hset(f, 0x12c, 0);
	fake_advance(f, 2000000);
	CHECK(f->outputs[GSI20 + 1]);
	CHECK_EQ(fake_read(f, 0, 0x20, 4), 2);
	hset(f, 0x20, 2);
	CHECK(!f->outputs[GSI20 + 1]);
	stop(f);
}

static void
periodic(struct fake_env *f, uint32_t period)
{
	hset(f, 0x100, 0x14c); /* 32 bits wide */
	hset(f, 0x108, period);
	hset(f, 0x108, period);
	hset(f, 0x10, 3);
}

TEST(hpet_legacy_ticks)
{
	struct fake_env *f = start(&hpet_type);

	periodic(f, 100000);
	CHECK(f->outputs[LEGACY]);
	fake_advance(f, 10500000);
	CHECK_EQ(f->rises[IRQ0], 10);
	hset(f, 0x10, 1);
	CHECK(!f->outputs[LEGACY]);
	stop(f);
}

TEST(hpet_brings_lost_ticks_again)
{
	struct fake_env *f = start(&hpet_type);

	periodic(f, 100000);
	f->lose[IRQ0] = true;
	fake_advance(f, 5500000);
	f->lose[IRQ0] = false;
	f->rises[IRQ0] = 0;
	fake_advance(f, 20000000);
	CHECK_EQ(f->rises[IRQ0], 25); /* 20 and the 5 lost ones */
	f->rises[IRQ0] = 0;
	f->now_ns += 3000000000; /* stopped for 3 s: at most one comes back */
	fake_advance(f, 3000000000);
	CHECK(f->rises[IRQ0] >= 3990 && f->rises[IRQ0] <= 4010);
	stop(f);
}

TEST(hpet_survives_silly_periods)
{
	struct fake_env *f = start(&hpet_type);

	periodic(f, 1);
	fake_advance(f, 10000000);
	CHECK(!f->storm);
	CHECK(f->rises[IRQ0] <= 1001);
	periodic(f, 0);
	fake_advance(f, 10000000);
	CHECK(!f->storm);
	stop(f);
}

TEST_MAIN()
