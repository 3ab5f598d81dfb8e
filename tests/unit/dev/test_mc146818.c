/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "dev/mc146818.h"
#include "dev/types.h"

#define MS 1000000ll
#define S  1000000000ll

static struct fake_env f;

static void
start(int64_t base)
{
	fake_init(&f, &mc146818_type);
	fake_param(&f, "base_time", (uint64_t)base);
	fake_start(&f);
}

static unsigned
rd(unsigned r)
{
	fake_write(&f, 0, 0, 1, r);
	return (unsigned)fake_read(&f, 0, 1, 1);
}

static void
wr(unsigned r, unsigned v)
{
	fake_write(&f, 0, 0, 1, r);
	fake_write(&f, 0, 1, 1, v);
}

static bool
time_is(unsigned century, unsigned y, unsigned mo, unsigned d, unsigned h, unsigned mi, unsigned s)
{
	return rd(0x32) == century && rd(9) == y && rd(8) == mo && rd(7) == d && rd(4) == h &&
	       rd(2) == mi && rd(0) == s;
}

TEST(shows_the_date_in_each_format)
{
	start(951827696); /* Tue 2000-02-29 12:34:56 UTC */
	CHECK_EQ(rd(0xd), 0x80);
	CHECK(time_is(0x20, 0x00, 0x02, 0x29, 0x12, 0x34, 0x56));
	CHECK_EQ(rd(6), 3);
	wr(0xb, 0x06);
	CHECK(time_is(20, 0, 2, 29, 12, 34, 56));
	wr(0xb, 0x00);
	CHECK_EQ(rd(4), 0x92);
	fake_advance(&f, 12ll * 3600 * S);
	CHECK_EQ(rd(4), 0x12);
	CHECK_EQ(rd(7), 0x01);
	CHECK_EQ(rd(8), 0x03);
	wr(0xb, 0x04);
	fake_advance(&f, 13ll * 3600 * S);
	CHECK_EQ(rd(4), 0x81);
	fake_fini(&f);
	start(-1);
	CHECK(time_is(0x19, 0x69, 0x12, 0x31, 0x23, 0x59, 0x59));
	fake_fini(&f);
}

TEST(a_time_set_under_set_runs_on_from_there)
{
	start(0);
	fake_advance(&f, 300 * MS);
	wr(0xb, 0x82);
	wr(0x32, 0x19);
	wr(9, 0x99);
	wr(8, 0x12);
	wr(7, 0x31);
	wr(6, 0x06);
	wr(4, 0x23);
	wr(2, 0x59);
	wr(0, 0x58);
	fake_advance(&f, 5 * S); /* held */
	CHECK_EQ(rd(0), 0x58);
	wr(0xb, 0x02);
	CHECK(time_is(0x19, 0x99, 0x12, 0x31, 0x23, 0x59, 0x58));
	CHECK_EQ(rd(6), 6);
	fake_advance(&f, 690 * MS);
	CHECK_EQ(rd(0), 0x58);
	fake_advance(&f, 20 * MS); /* the divider was not touched: still .3 of a second */
	CHECK_EQ(rd(0), 0x59);
	fake_advance(&f, 1 * S);
	CHECK(time_is(0x20, 0x00, 0x01, 0x01, 0x00, 0x00, 0x00));
	CHECK_EQ(rd(6), 7);
	wr(2, 0x30); /* without SET */
	CHECK(time_is(0x20, 0x00, 0x01, 0x01, 0x00, 0x30, 0x00));
	fake_fini(&f);
}

TEST(years_up_to_9999_run_on)
{
	start(0);
	wr(0x32, 0x99);
	wr(9, 0x99);
	wr(8, 0x12);
	wr(7, 0x30);
	wr(0xb, 0x32);
	fake_advance(&f, 86400 * S);
	CHECK_EQ(rd(7), 0x31);
	CHECK_EQ(rd(0x32), 0x99);
	CHECK_EQ(rd(9), 0x99);
	fake_fini(&f);
}

TEST(the_divider_starts_half_a_second_before_an_update)
{
	start(0);
	wr(0xa, 0x76);
	wr(0, 0x10);
	fake_advance(&f, 3 * S);
	CHECK_EQ(rd(0), 0x10);
	wr(0xa, 0x26);
	fake_advance(&f, 499 * MS);
	CHECK_EQ(rd(0), 0x10);
	fake_advance(&f, 2 * MS);
	CHECK_EQ(rd(0), 0x11);
	fake_fini(&f);
}

TEST(update_in_progress_precedes_the_change)
{
	start(0);
	CHECK_EQ(rd(0xa), 0x26);
	fake_advance(&f, 997 * MS);
	CHECK_EQ(rd(0xa) & 0x80, 0);
	fake_advance(&f, 1 * MS);
	CHECK_EQ(rd(0xa) & 0x80, 0x80);
	wr(0xb, 0x82);
	CHECK_EQ(rd(0xa) & 0x80, 0);
	wr(0xb, 0x02);
	fake_advance(&f, 2 * MS);
	CHECK_EQ(rd(0xa) & 0x80, 0);
	CHECK_EQ(rd(0), 1);
	fake_fini(&f);
}

TEST(update_ended_flags_and_interrupts_each_second)
{
	start(0);
	fake_advance(&f, 1100 * MS);
	CHECK_EQ(rd(0xc) & 0x10, 0x10); /* the flag comes without the enable */
	CHECK_EQ(rd(0xc), 0);
	CHECK(!f.outputs[0]);
	wr(0xb, 0x12);
	fake_advance(&f, 800 * MS);
	CHECK(!f.outputs[0]);
	fake_advance(&f, 200 * MS);
	CHECK(f.outputs[0]);
	CHECK_EQ(rd(0xc) & 0x90, 0x90);
	CHECK(!f.outputs[0]);
	wr(0xb, 0x92); /* SET clears UIE */
	CHECK_EQ(rd(0xb), 0x82);
	fake_fini(&f);
}

TEST(alarm_matches_exactly_or_any)
{
	start(0);
	wr(1, 0x05);
	wr(3, 0x01);
	wr(5, 0x00);
	wr(0xb, 0x22);
	fake_advance(&f, 64500 * MS);
	CHECK(!f.outputs[0]);
	fake_advance(&f, 1 * S);
	CHECK(f.outputs[0]);
	CHECK_EQ(rd(0xc) & 0xa0, 0xa0);
	fake_advance(&f, 3600 * S);
	CHECK(!f.outputs[0]);
	wr(5, 0xc0);
	wr(3, 0xff);
	wr(1, 0x30);
	for (unsigned i = 0; i < 5; i++) {
		fake_advance(&f, 60 * S);
		CHECK_EQ(rd(0xc) & 0xa0, 0xa0);
	}
	fake_fini(&f);
}

static unsigned ticks;

static void
read_c_at_once(struct fake_env *fe, unsigned line, bool level)
{
	if (line == 0 && level)
		ticks++;
}

/* Runs for a while, reading C after each interrupt. */
static void
serve(int64_t ns)
{
	int64_t end = f.now_ns + ns;

	while (f.now_ns < end) {
		fake_advance(&f, MS / 10);
		if (f.outputs[0])
			rd(0xc);
	}
}

TEST(periodic_interrupt_has_the_rate_of_register_a)
{
	start(0);
	f.on_output = read_c_at_once;
	ticks = 0;
	wr(0xb, 0x42);
	serve(1 * S);
	CHECK(ticks >= 1023 && ticks <= 1024);
	wr(0xa, 0x2f);
	ticks = 0;
	serve(10 * S);
	CHECK(ticks >= 19 && ticks <= 20);
	wr(0xa, 0x21);
	ticks = 0;
	serve(1 * S);
	CHECK(ticks >= 255 && ticks <= 256);
	wr(0xa, 0x20);
	ticks = 0;
	serve(1 * S);
	CHECK_EQ(ticks, 0);
	fake_fini(&f);
}

TEST(lost_periodic_ticks_come_again_and_are_bounded)
{
	start(0);
	f.on_output = read_c_at_once;
	ticks = 0;
	wr(0xa, 0x2a); /* 64 Hz */
	wr(0xb, 0x42);
	serve(1 * S);
	fake_advance(&f, 500 * MS); /* nobody serves */
	serve(200 * MS);
	CHECK(ticks < 64 + 32);
	serve(2300 * MS);
	CHECK(ticks >= 253 && ticks <= 257);
	ticks = 0;
	fake_advance(&f, 100 * S);
	serve(5 * S);
	CHECK(ticks >= 5 * 64 + 60 && ticks <= 5 * 64 + 66);
	fake_fini(&f);
}

TEST(ram_and_time_survive_reset_and_interrupts_do_not)
{
	start(100);
	mc146818_set_cmos(&f.dev, 0x10, 0x44);
	mc146818_set_cmos(&f.dev, 0x0b, 0xff); /* refused: not RAM */
	wr(0x38, 0x55);
	fake_write(&f, 1, 0, 1, 0x10);
	fake_write(&f, 1, 1, 1, 0x99);
	wr(0xb, 0x72);
	fake_write(&f, 0, 0, 1, 0x80 | 0x10);
	CHECK(f.outputs[1]);
	fake_reset(&f, DEV_RESET_COLD);
	CHECK(!f.outputs[1]);
	CHECK_EQ(rd(0xb), 0x02);
	CHECK_EQ(rd(0x10), 0x44);
	CHECK_EQ(rd(0x38), 0x55);
	CHECK_EQ(rd(0), 0x40);
	fake_write(&f, 1, 0, 1, 0x10);
	CHECK_EQ(fake_read(&f, 1, 1, 1), 0x99);
	CHECK_EQ(fake_read(&f, 0, 0, 1), 0xff);
	fake_fini(&f);
}

TEST_MAIN()
