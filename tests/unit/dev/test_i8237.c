/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "dev/i8237.h"
#include "dev/types.h"

enum { DMA1, DMA2, PAGE };

static struct fake_env f;

static void
start(void)
{
	fake_init(&f, &i8237_type);
	fake_start(&f);
	fake_write(&f, DMA2, 0x16, 1, 0xc0); /* channel 4: cascade, */
	fake_write(&f, DMA2, 0x14, 1, 0x00); /* not masked */
}

static void
setup2(uint8_t mode, uint32_t addr, uint16_t count)
{
	fake_write(&f, DMA1, 0x0a, 1, 0x06);
	fake_write(&f, DMA1, 0x0c, 1, 0);
	fake_write(&f, DMA1, 0x0b, 1, mode | 2);
	fake_write(&f, DMA1, 0x04, 1, addr & 0xff);
	fake_write(&f, DMA1, 0x04, 1, addr >> 8 & 0xff);
	fake_write(&f, PAGE, 1, 1, addr >> 16);
	fake_write(&f, DMA1, 0x05, 1, count & 0xff);
	fake_write(&f, DMA1, 0x05, 1, count >> 8);
	fake_write(&f, DMA1, 0x0a, 1, 0x02);
}

static unsigned
word(unsigned region, unsigned reg)
{
	unsigned lo = (unsigned)fake_read(&f, region, reg, 1);

	return lo | (unsigned)fake_read(&f, region, reg, 1) << 8;
}

/* The device hands over n bytes. */
static unsigned
give(unsigned chan, const char *bytes, unsigned n, bool *ret_tc)
{
	uint8_t buf[16];

	memcpy(buf, bytes, n);
	return i8237_transfer(&f.dev, chan, buf, n, true, ret_tc);
}

TEST(writes_to_memory_until_terminal_count_and_masks)
{
	bool tc;

	start();
	setup2(0x44, 0x51234, 5);
	CHECK_EQ(give(2, "abcd", 4, &tc), 4);
	CHECK(!tc);
	CHECK_EQ(word(DMA1, 4), 0x1238);
	CHECK_EQ(word(DMA1, 5), 1);
	CHECK_EQ(give(2, "efgh", 4, &tc), 2);
	CHECK(tc);
	CHECK(!memcmp(f.mem + 0x51234, "abcdef\0", 7));
	CHECK_EQ(word(DMA1, 5), 0xffff);
	CHECK_EQ(give(2, "x", 1, &tc), 0);
	CHECK_EQ(fake_read(&f, DMA1, 8, 1), 0x04);
	CHECK_EQ(fake_read(&f, DMA1, 8, 1), 0);
	CHECK_EQ(fake_read(&f, DMA1, 0xf, 1) & 4, 4);
	fake_fini(&f);
}

TEST(reads_memory_downwards_and_reloads_by_itself)
{
	uint8_t buf[8];
	bool tc;

	start();
	memcpy(f.mem + 0x20000, "01234567", 8);
	setup2(0x78, 0x20003, 3);
	CHECK_EQ(i8237_transfer(&f.dev, 2, buf, 8, false, &tc), 4);
	CHECK(tc);
	CHECK(!memcmp(buf, "3210", 4));
	CHECK_EQ(i8237_transfer(&f.dev, 2, buf, 2, false, &tc), 2);
	CHECK(!tc);
	CHECK(!memcmp(buf, "32", 2));
	fake_fini(&f);
}

TEST(addresses_wrap_within_64_kib)
{
	bool tc;

	start();
	setup2(0x44, 0x3fffe, 3);
	CHECK_EQ(give(2, "abcd", 4, &tc), 4);
	CHECK(!memcmp(f.mem + 0x3fffe, "ab", 2));
	CHECK(!memcmp(f.mem + 0x30000, "cd", 2));
	CHECK_EQ(f.mem[0x40000], 0);
	fake_fini(&f);
}

TEST(verify_counts_without_memory)
{
	bool tc;

	start();
	setup2(0x40, 0x1000, 3);
	CHECK_EQ(give(2, "abcd", 4, &tc), 4);
	CHECK(tc);
	CHECK_EQ(f.mem[0x1000], 0);
	fake_fini(&f);
}

TEST(words_on_the_second_controller)
{
	bool tc;

	start();
	fake_write(&f, DMA2, 0x18, 1, 0);
	fake_write(&f, DMA2, 0x16, 1, 0x45);
	fake_write(&f, DMA2, 0x04, 1, 0x00);
	fake_write(&f, DMA2, 0x04, 1, 0x80);
	fake_write(&f, PAGE, 0xb, 1, 0x05); /* the lowest bit does not count */
	fake_write(&f, DMA2, 0x06, 1, 1);
	fake_write(&f, DMA2, 0x06, 1, 0);
	fake_write(&f, DMA2, 0x14, 1, 1);
	CHECK_EQ(give(5, "abcdef", 3, &tc), 2);
	CHECK_EQ(give(5, "cdef", 4, &tc), 2);
	CHECK(tc);
	CHECK(!memcmp(f.mem + 0x50000, "abcd\0", 5));
	CHECK_EQ(fake_read(&f, DMA2, 0x10, 1), 2);
	CHECK_EQ(give(4, "ab", 2, &tc), 0);
	CHECK_EQ(give(9, "ab", 2, &tc), 0);
	fake_fini(&f);
}

TEST(masks_disable_and_cascade_hold_transfers)
{
	bool tc;

	start();
	setup2(0x44, 0x1000, 100);
	fake_write(&f, DMA1, 8, 1, 4);
	CHECK_EQ(give(2, "a", 1, &tc), 0);
	fake_write(&f, DMA1, 8, 1, 0);
	fake_write(&f, DMA2, 0x14, 1, 4);
	CHECK_EQ(give(2, "a", 1, &tc), 0);
	fake_write(&f, DMA2, 0x1c, 1, 0);
	CHECK_EQ(give(2, "a", 1, &tc), 1);
	fake_write(&f, DMA1, 0xf, 1, 4);
	CHECK_EQ(give(2, "a", 1, &tc), 0);
	fake_input(&f, 2, true);
	CHECK_EQ(fake_read(&f, DMA1, 8, 1), 0x40);
	fake_write(&f, DMA1, 0xd, 1, 0);
	CHECK_EQ(fake_read(&f, DMA1, 0xf, 1), 0xff);
	fake_fini(&f);
}

TEST(software_requests_run_in_block_mode)
{
	start();
	setup2(0x84, 0x1000, 9);
	fake_write(&f, DMA1, 9, 1, 6);
	CHECK_EQ(fake_read(&f, DMA1, 8, 1), 0x04);
	CHECK_EQ(f.mem[0x1009], 0xff);
	CHECK_EQ(f.mem[0x100a], 0);
	setup2(0x44, 0x1000, 9);
	fake_write(&f, DMA1, 9, 1, 6);
	CHECK_EQ(fake_read(&f, DMA1, 8, 1), 0x40); /* single mode: it only waits */
	fake_fini(&f);
}

TEST(unused_page_registers_are_bytes)
{
	start();
	fake_write(&f, PAGE, 0, 1, 0x55);
	CHECK_EQ(fake_read(&f, PAGE, 0, 1), 0x55);
	fake_fini(&f);
}

TEST_MAIN()
