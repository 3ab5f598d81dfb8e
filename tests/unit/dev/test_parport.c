/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "dev/types.h"

static struct fake_env f;
static struct chardev *chr;

static void
start(size_t room)
{
	chr = chardev_mem_open(room);
	fake_init(&f, &parport_type);
	fake_backend(&f, "chardev", chr);
	fake_start(&f);
}

static unsigned
rd(unsigned r)
{
	return (unsigned)fake_read(&f, 0, r, 1);
}

static void
print(uint8_t b, unsigned control)
{
	fake_write(&f, 0, 0, 1, b);
	fake_write(&f, 0, 2, 1, control | 1);
	fake_write(&f, 0, 2, 1, control);
}

TEST(a_strobe_prints_and_is_acknowledged)
{
	size_t n;

	start(10);
	CHECK_EQ(rd(1), 0xdf);
	print('A', 0x0c);
	CHECK_EQ(rd(1) & 0x80, 0); /* busy */
	CHECK_EQ(rd(1) & 0x40, 0x40);
	fake_advance(&f, 6000);
	CHECK_EQ(rd(1) & 0xc0, 0); /* acknowledge */
	fake_advance(&f, 6000);
	CHECK_EQ(rd(1) & 0xc4, 0xc0);
	CHECK_EQ(rd(1) & 0x04, 0x04);
	CHECK(!memcmp(chardev_mem_data(chr, &n), "A", 1));
	CHECK_EQ(n, 1);
	CHECK(!f.outputs[0]);
	CHECK_EQ(rd(0), 'A');
	CHECK_EQ(rd(2), 0xcc);
	fake_fini(&f);
	chardev_close(chr);
}

TEST(irq_7_follows_the_acknowledge_when_enabled)
{
	start(10);
	print('A', 0x1c);
	fake_advance(&f, 9000);
	CHECK(!f.outputs[0]);
	fake_advance(&f, 2000);
	CHECK(f.outputs[0]);
	rd(1);
	CHECK(!f.outputs[0]);
	fake_fini(&f);
	chardev_close(chr);
}

TEST(a_full_back_end_keeps_it_busy_for_a_second)
{
	start(0);
	print('A', 0x0c);
	fake_advance(&f, 900000000);
	CHECK_EQ(rd(1) & 0x80, 0);
	fake_advance(&f, 200000000);
	CHECK_EQ(rd(1) & 0x80, 0x80);
	print('B', 0x0c);
	fake_advance(&f, 20000);
	CHECK_EQ(rd(1) & 0x80, 0x80);
	fake_fini(&f);
	chardev_close(chr);
}

TEST(without_a_printer_it_is_off_line)
{
	fake_init(&f, &parport_type);
	fake_start(&f);
	CHECK_EQ(rd(1) & 0x90, 0);
	fake_fini(&f);
}

TEST_MAIN()
