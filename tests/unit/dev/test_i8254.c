/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/mem.h"
#include "dev/types.h"

#define HZ 1193182ull

static struct fake_env f;

static void
start(bool all)
{
	fake_init(&f, &i8254_type);
	fake_param(&f, "all_outputs", all);
	fake_start(&f);
}

/* To the middle of tick t from power-on: no rounding matters there. */
static void
to_tick(uint64_t t)
{
	int64_t ns = (int64_t)((__int128)(2 * t + 1) * 1000000000 / (2 * HZ));

	fake_advance(&f, ns - f.now_ns);
}

static void
program(unsigned i, unsigned mode, uint16_t count)
{
	fake_write(&f, 0, 3, 1, i << 6 | 0x30 | mode << 1);
	fake_write(&f, 0, i, 1, count & 0xff);
	fake_write(&f, 0, i, 1, count >> 8);
}

static unsigned
count(unsigned i)
{
	unsigned v;

	fake_write(&f, 0, 3, 1, i << 6);
	v = (unsigned)fake_read(&f, 0, i, 1);
	return v | (unsigned)fake_read(&f, 0, i, 1) << 8;
}

static unsigned
status(unsigned i)
{
	fake_write(&f, 0, 3, 1, 0xe0 | 2u << i);
	return (unsigned)fake_read(&f, 0, i, 1);
}

TEST(mode_0_raises_out_after_n_plus_1_ticks)
{
	start(false);
	to_tick(1000);
	program(0, 0, 10);
	CHECK(!f.outputs[0]);
	CHECK_EQ(status(0) & 0x40, 0x40);
	to_tick(1001);
	CHECK_EQ(status(0) & 0x40, 0);
	CHECK_EQ(count(0), 10);
	to_tick(1010);
	CHECK_EQ(count(0), 1);
	CHECK(!f.outputs[0]);
	to_tick(1011);
	CHECK(f.outputs[0]);
	CHECK_EQ(count(0), 0);
	to_tick(1012);
	CHECK_EQ(count(0), 0xffff);
	CHECK(f.outputs[0]);
	fake_write(&f, 0, 0, 1, 5); /* the first byte lowers OUT and stops */
	CHECK(!f.outputs[0]);
	to_tick(2000);
	CHECK_EQ(count(0), 0xffff);
	fake_write(&f, 0, 0, 1, 0);
	to_tick(2006);
	CHECK(f.outputs[0]);
	fake_fini(&f);
}

TEST(mode_0_pauses_while_the_gate_is_low)
{
	start(true);
	fake_write(&f, 1, 0, 1, 1);
	program(2, 0, 100);
	to_tick(51);
	CHECK_EQ(count(2), 50);
	fake_write(&f, 1, 0, 1, 0);
	to_tick(500);
	CHECK_EQ(count(2), 50);
	fake_write(&f, 1, 0, 1, 1);
	to_tick(549);
	CHECK(!f.outputs[2]);
	CHECK_EQ(fake_read(&f, 1, 0, 1) & 0x20, 0);
	to_tick(550);
	CHECK(f.outputs[2]);
	CHECK_EQ(fake_read(&f, 1, 0, 1) & 0x20, 0x20);
	fake_fini(&f);
}

TEST(mode_1_is_a_retriggerable_one_shot)
{
	start(true);
	program(2, 1, 20);
	to_tick(100);
	CHECK(f.outputs[2]);
	fake_write(&f, 1, 0, 1, 1);
	to_tick(101);
	CHECK(!f.outputs[2]);
	to_tick(110);
	fake_write(&f, 1, 0, 1, 0);
	fake_write(&f, 1, 0, 1, 1);
	to_tick(130);
	CHECK(!f.outputs[2]);
	to_tick(131);
	CHECK(f.outputs[2]);
	fake_fini(&f);
}

TEST(mode_2_is_low_for_the_last_tick_of_each_period)
{
	start(true);
	fake_write(&f, 1, 0, 1, 1);
	program(2, 2, 4);
	for (unsigned t = 1; t < 20; t++) {
		static const unsigned want[] = { 4, 3, 2, 1 };

		to_tick(t);
		CHECK_EQ(count(2), want[(t - 1) % 4]);
		CHECK_EQ(f.outputs[2], (t - 1) % 4 != 3);
	}
	fake_write(&f, 1, 0, 1, 0); /* gate low: OUT high, stopped */
	CHECK(f.outputs[2]);
	to_tick(40);
	CHECK(f.outputs[2]);
	fake_write(&f, 1, 0, 1, 1); /* reloads */
	to_tick(41);
	CHECK_EQ(count(2), 4);
	/* A new count waits for the end of the period. */
	to_tick(42);
	fake_write(&f, 0, 2, 1, 6);
	fake_write(&f, 0, 2, 1, 0);
	CHECK_EQ(status(2) & 0x40, 0x40);
	to_tick(44);
	CHECK_EQ(count(2), 1);
	to_tick(45);
	CHECK_EQ(count(2), 6);
	CHECK_EQ(status(2) & 0x40, 0);
	to_tick(50);
	CHECK(!f.outputs[2]);
	to_tick(51);
	CHECK_EQ(count(2), 6);
	fake_fini(&f);
}

TEST(mode_3_square_wave_even_and_odd)
{
	static const unsigned even[] = { 4, 2, 4, 2 }, odd[] = { 4, 2, 0, 4, 2 };

	start(true);
	fake_write(&f, 1, 0, 1, 1);
	program(2, 3, 4);
	for (unsigned t = 1; t < 18; t++) {
		to_tick(t);
		CHECK_EQ(count(2), even[(t - 1) % 4]);
		CHECK_EQ(f.outputs[2], (t - 1) % 4 < 2);
	}
	program(2, 3, 5); /* at tick 17 */
	for (unsigned t = 18; t < 40; t++) {
		to_tick(t);
		CHECK_EQ(count(2), odd[(t - 18) % 5]);
		CHECK_EQ(f.outputs[2], (t - 18) % 5 < 3);
	}
	fake_fini(&f);
}

TEST(mode_3_takes_a_new_count_at_the_half_period)
{
	start(true);
	fake_write(&f, 1, 0, 1, 1);
	program(2, 3, 100); /* loaded at 1: high 1..50, low 51..100 */
	to_tick(20);
	fake_write(&f, 0, 2, 1, 10);
	fake_write(&f, 0, 2, 1, 0);
	to_tick(50);
	CHECK(f.outputs[2]);
	to_tick(51); /* the low half is of the new count */
	CHECK(!f.outputs[2]);
	CHECK_EQ(count(2), 10);
	to_tick(55);
	CHECK(!f.outputs[2]);
	to_tick(56);
	CHECK(f.outputs[2]);
	fake_fini(&f);
}

TEST(mode_4_and_5_strobe_for_one_tick)
{
	start(true);
	fake_write(&f, 1, 0, 1, 1);
	program(2, 4, 10);
	to_tick(10);
	CHECK(f.outputs[2]);
	to_tick(11);
	CHECK(!f.outputs[2]);
	to_tick(12);
	CHECK(f.outputs[2]);
	CHECK_EQ(count(2), 0xffff);
	program(2, 5, 10);
	to_tick(100);
	CHECK(f.outputs[2]);
	fake_write(&f, 1, 0, 1, 0);
	fake_write(&f, 1, 0, 1, 1);
	to_tick(110);
	CHECK(f.outputs[2]);
	to_tick(111);
	CHECK(!f.outputs[2]);
	to_tick(112);
	CHECK(f.outputs[2]);
	fake_fini(&f);
}

TEST(bcd_counts_in_decimal)
{
	start(false);
	fake_write(&f, 0, 3, 1, 0x31);
	fake_write(&f, 0, 0, 1, 0x00);
	fake_write(&f, 0, 0, 1, 0x12);
	to_tick(2);
	CHECK_EQ(count(0), 0x1199);
	to_tick(1202);
	CHECK_EQ(count(0), 0x9999);
	CHECK(f.outputs[0]);
	fake_fini(&f);
}

TEST(latches_hold_until_read_and_status_comes_first)
{
	start(false);
	program(0, 2, 1000);
	to_tick(101);
	fake_write(&f, 0, 3, 1, 0xc2); /* read-back: count and status of counter 0 */
	to_tick(201);
	fake_write(&f, 0, 3, 1, 0x00); /* ignored: a latch is there */
	CHECK_EQ(fake_read(&f, 0, 0, 1), 0x80 | 0x34);
	CHECK_EQ(fake_read(&f, 0, 0, 1), 900 & 0xff);
	CHECK_EQ(fake_read(&f, 0, 0, 1), 900 >> 8);
	CHECK_EQ(fake_read(&f, 0, 0, 1), 800 & 0xff); /* live again */
	CHECK_EQ(fake_read(&f, 0, 0, 1), 800 >> 8);
	fake_write(&f, 0, 3, 1, 0x14); /* low byte only */
	fake_write(&f, 0, 0, 1, 50);
	to_tick(202);
	CHECK_EQ(fake_read(&f, 0, 0, 1), 50);
	CHECK_EQ(fake_read(&f, 0, 0, 1), 50);
	fake_write(&f, 0, 3, 1, 0x24); /* high byte only */
	fake_write(&f, 0, 0, 1, 2);
	to_tick(203);
	CHECK_EQ(fake_read(&f, 0, 0, 1), 2);
	CHECK_EQ(fake_read(&f, 0, 3, 1), 0xff);
	fake_fini(&f);
}

TEST(ticks_come_at_the_exact_rate)
{
	start(false);
	program(0, 2, 0); /* 18.2 Hz */
	for (int i = 0; i < 3600; i++)
		fake_advance(&f, 1000000000);
	CHECK_EQ(f.rises[0], 1 + 3600 * HZ / 65536);
	fake_fini(&f);
	start(false);
	program(0, 3, 11932);
	fake_advance(&f, 100ll * 1000000000);
	CHECK_EQ(f.rises[0], 1 + 100 * HZ / 11932);
	fake_fini(&f);
}

/* A guest that takes an edge only every third period, then is quick again. */
static unsigned taken;
static bool waiting, slow;

static void
guest(struct fake_env *fe, unsigned line, bool level)
{
	if (line || !level)
		return;
	fe->lose[0] = waiting;
	if (!waiting && !slow)
		taken++;
	waiting = slow;
}

TEST(lost_ticks_come_again_at_twice_the_rate)
{
	start(false);
	f.on_output = guest;
	taken = 0;
	waiting = slow = false;
	program(0, 2, 1193); /* 1 kHz */
	fake_advance(&f, 100000000);
	CHECK(taken >= 99 && taken <= 100);
	slow = true; /* 50 ms with interrupts off: one edge is kept, the others lost */
	fake_advance(&f, 50000000);
	slow = false;
	if (waiting)
		taken++;
	waiting = false;
	fake_advance(&f, 20000000);
	CHECK(taken < 150); /* not all at once */
	fake_advance(&f, 130000000);
	CHECK(taken >= 299 && taken <= 301);
	fake_advance(&f, 100000000);
	CHECK(taken >= 399 && taken <= 401);
	fake_fini(&f);
}

TEST(a_late_host_is_made_up_for_but_bounded)
{
	unsigned before;

	start(false);
	program(0, 2, 1193);
	fake_advance(&f, 10000000);
	before = f.rises[0];
	f.now_ns += 30000000; /* nobody ran the timer for 30 ms */
	fake_advance(&f, 100000000);
	CHECK(f.rises[0] - before >= 129 && f.rises[0] - before <= 131);
	before = f.rises[0];
	f.now_ns += 60ll * 1000000000; /* a stopped machine whose clock ran on */
	fake_advance(&f, 5ll * 1000000000);
	CHECK(f.rises[0] - before >= 5990 && f.rises[0] - before <= 6010);
	fake_fini(&f);
}

TEST(a_saved_and_loaded_timer_gives_no_burst)
{
	struct fake_env *g = xalloc(sizeof(*g));
	struct buf b, r;

	start(false);
	program(0, 2, 1193);
	fake_advance(&f, 10500000);
	buf_init(&b, 1 << 20);
	dev_save(&f.dev, &b);
	fake_init(g, &i8254_type);
	fake_start(g);
	g->now_ns = f.now_ns; /* guest time stands still while saved */
	buf_reader(&r, b.data, b.len);
	CHECK_EQ(dev_load(&g->dev, &r, NULL), 0);
	fake_advance(&f, 100000000);
	fake_advance(g, 100000000);
	CHECK_EQ(g->rises[0], f.rises[0] - 10);
	buf_fini(&b);
	fake_fini(g);
	mem_free(g);
	fake_fini(&f);
}

TEST(absurd_rates_do_not_flood_the_host)
{
	start(false);
	program(0, 2, 2);
	fake_advance(&f, 100000000);
	CHECK(f.rises[0] > 1000 && f.rises[0] < 6000);
	fake_fini(&f);
}

TEST(port61_shows_gate_refresh_and_out2)
{
	unsigned changes = 0, old = 0;

	start(false);
	fake_write(&f, 1, 0, 1, 0xff);
	CHECK_EQ(fake_read(&f, 1, 0, 1) & 0x0f, 0x0f);
	CHECK_EQ(fake_read(&f, 1, 0, 1) & 0xc0, 0);
	program(1, 2, 18);
	for (unsigned t = 0; t < 1800; t += 9) {
		unsigned v;

		to_tick(t);
		v = (unsigned)fake_read(&f, 1, 0, 1) & 0x10;
		changes += v != old;
		old = v;
	}
	CHECK(changes >= 98 && changes <= 100);
	fake_fini(&f);
}

TEST_MAIN()
