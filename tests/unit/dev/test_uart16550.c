/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/bits.h"
#include "dev/types.h"

static struct fake_env f;
static struct chardev *chr;

static void
start(bool fast, size_t room)
{
	chr = chardev_mem_open(room);
	fake_init(&f, &uart16550_type);
	fake_backend(&f, "chardev", chr);
	fake_param(&f, "fast", fast);
	fake_start(&f);
}

static void
stop(void)
{
	fake_fini(&f);
	chardev_close(chr);
}

static unsigned
rd(unsigned r)
{
	return (unsigned)fake_read(&f, 0, r, 1);
}

static void
wr(unsigned r, unsigned v)
{
	fake_write(&f, 0, r, 1, v);
}

TEST(a_probe_finds_a_16550a)
{
	start(true, 100);
	wr(1, 0);
	CHECK_EQ(rd(1), 0);
	wr(1, 0xff);
	CHECK_EQ(rd(1), 0x0f);
	wr(1, 0);
	wr(7, 0x5a);
	CHECK_EQ(rd(7), 0x5a);
	CHECK_EQ(rd(2), 0x01);
	wr(2, 0xe7);
	CHECK_EQ(rd(2), 0xc1);
	wr(3, 0x83);
	wr(0, 0x01);
	wr(1, 0x00);
	CHECK_EQ(rd(0), 1);
	wr(3, 0x03);
	CHECK_EQ(rd(1), 0);
	CHECK_EQ(rd(5), 0x60);
	CHECK_EQ(rd(6) & 0xf0, 0xb0);
	/* Loopback of the modem lines, as probes do. */
	wr(4, 0x1a);
	CHECK_EQ(rd(6) & 0xf0, 0x90);
	wr(4, 0x15);
	CHECK_EQ(rd(6) & 0xf0, 0x60);
	CHECK_EQ(rd(6) & 0x0f, 0);
	wr(4, 0x11);
	CHECK_EQ(rd(6), 0x24); /* trailing edge of RI */
	stop();
}

TEST(output_is_paced_by_the_divisor)
{
	size_t n;

	start(false, 100);
	wr(3, 0x83);
	wr(0, 1); /* 115200 8n1: 86.8 µs a character */
	wr(1, 0);
	wr(3, 0x03);
	wr(0, 'a');
	CHECK_EQ(rd(5), 0x20); /* in the shift register */
	wr(0, 'b');
	CHECK_EQ(rd(5), 0x00);
	fake_advance(&f, 80000);
	CHECK_EQ(rd(5), 0x00);
	fake_advance(&f, 10000);
	CHECK_EQ(rd(5), 0x20);
	fake_advance(&f, 90000);
	CHECK_EQ(rd(5), 0x60);
	CHECK(!memcmp(chardev_mem_data(chr, &n), "ab", 2));
	CHECK_EQ(n, 2);
	stop();
}

TEST(transmit_interrupt_comes_when_the_fifo_is_empty)
{
	size_t n;

	start(true, 100);
	wr(2, 0x07);
	wr(4, 0x08);
	wr(1, 0x02); /* enabled while empty: at once */
	CHECK(f.outputs[0]);
	CHECK_EQ(rd(2), 0xc2);
	CHECK(!f.outputs[0]); /* reading IIR took it */
	CHECK_EQ(rd(2), 0xc1);
	for (unsigned i = 0; i < 17; i++)
		wr(0, 'A' + i);
	CHECK(!f.outputs[0]);
	fake_advance(&f, 150000);
	CHECK(!f.outputs[0]);
	fake_advance(&f, 20000);
	CHECK(f.outputs[0]);
	CHECK_EQ(chardev_mem_data(chr, &n)[16], 'Q');
	CHECK_EQ(n, 17);
	wr(4, 0); /* OUT2 gates the interrupt */
	CHECK(!f.outputs[0]);
	stop();
}

TEST(receive_interrupts_at_the_trigger_and_after_the_timeout)
{
	uint8_t in[20] = "0123456789abcdefghi";

	start(true, 100);
	wr(2, 0x81); /* trigger 8 */
	wr(1, 0x01);
	wr(4, 0x0b);
	CHECK_EQ(chardev_mem_feed(chr, in, 7), 7);
	CHECK(!f.outputs[0]);
	CHECK_EQ(rd(2), 0xc1);
	CHECK_EQ(chardev_mem_feed(chr, in + 7, 1), 1);
	CHECK(f.outputs[0]);
	CHECK_EQ(rd(2), 0xc4);
	CHECK_EQ(rd(0), '0');
	CHECK(!f.outputs[0]);
	fake_advance(&f, 30000);
	CHECK(!f.outputs[0]);
	fake_advance(&f, 20000);
	CHECK(f.outputs[0]);
	CHECK_EQ(rd(2), 0xcc);
	CHECK_EQ(rd(0), '1');
	CHECK(!f.outputs[0]);                            /* a read begins the wait anew */
	CHECK_EQ(chardev_mem_feed(chr, in + 8, 12), 10); /* no more than fits */
	CHECK_EQ(rd(5) & 1, 1);
	for (unsigned i = 2; i < 18; i++)
		CHECK_EQ(rd(0), in[i]);
	CHECK_EQ(rd(5) & 3, 0);
	stop();
}

TEST(without_fifo_one_character_waits)
{
	start(true, 100);
	wr(1, 0x01);
	wr(4, 0x08);
	CHECK_EQ(chardev_mem_feed(chr, (const uint8_t *)"xy", 2), 1);
	CHECK(f.outputs[0]);
	CHECK_EQ(rd(2), 0x04);
	CHECK_EQ(rd(0), 'x');
	CHECK(!f.outputs[0]);
	CHECK_EQ(chardev_mem_feed(chr, (const uint8_t *)"y", 1), 1);
	stop();
}

TEST(loopback_returns_data_overruns_and_breaks)
{
	start(true, 100);
	wr(4, 0x10);
	wr(3, 0x03);
	wr(0, 0x42);
	CHECK_EQ(rd(5) & 1, 0);
	fake_advance(&f, 20000);
	CHECK_EQ(rd(5) & 1, 1);
	wr(0, 0x43);
	fake_advance(&f, 20000);
	CHECK_EQ(rd(5) & 3, 3); /* overrun: the new one replaced the old */
	CHECK_EQ(rd(5) & 2, 0);
	CHECK_EQ(rd(0), 0x43);
	wr(1, 0x04);
	wr(4, 0x18);
	wr(3, 0x43);
	CHECK(f.outputs[0]);
	CHECK_EQ(rd(2), 0x06);
	CHECK_EQ(rd(5) & 0x11, 0x11);
	CHECK(!f.outputs[0]);
	CHECK_EQ(rd(0), 0);
	/* Five data bits. */
	wr(3, 0x00);
	wr(0, 0xff);
	fake_advance(&f, 20000);
	CHECK_EQ(rd(0), 0x1f);
	stop();
}

TEST(a_full_back_end_stalls_for_a_second_and_then_drops)
{
	size_t n;

	start(true, 2);
	wr(2, 0x01);
	for (unsigned i = 0; i < 4; i++) {
		wr(0, 'a' + i);
		fake_advance(&f, 20000);
	}
	CHECK_EQ(rd(5) & 0x60, 0); /* busy */
	fake_advance(&f, 900000000);
	CHECK_EQ(rd(5) & 0x60, 0);
	fake_advance(&f, 200000000);
	CHECK_EQ(rd(5) & 0x60, 0x60);
	wr(0, 'z'); /* no second wait */
	fake_advance(&f, 20000);
	CHECK_EQ(rd(5) & 0x60, 0x60);
	chardev_mem_data(chr, &n);
	CHECK_EQ(n, 2);
	stop();
}

TEST_MAIN()
