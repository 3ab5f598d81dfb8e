/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "dev/i8259.h"
#include "dev/types.h"

enum { M, S, ELCR };

static struct fake_env f;

/* As a PC's firmware does: vectors 08h and 70h. */
static void
init_pc(uint8_t icw4)
{
	fake_init(&f, &i8259_type);
	fake_start(&f);
	fake_write(&f, M, 0, 1, 0x11);
	fake_write(&f, M, 1, 1, 0x08);
	fake_write(&f, M, 1, 1, 0x04);
	fake_write(&f, M, 1, 1, icw4);
	fake_write(&f, S, 0, 1, 0x11);
	fake_write(&f, S, 1, 1, 0x70);
	fake_write(&f, S, 1, 1, 0x02);
	fake_write(&f, S, 1, 1, 0x01);
}

static void
pulse(unsigned irq)
{
	fake_input(&f, irq, false);
	fake_input(&f, irq, true);
}

static uint8_t
read_irr(unsigned chip)
{
	fake_write(&f, chip, 0, 1, 0x0a);
	return (uint8_t)fake_read(&f, chip, 0, 1);
}

static uint8_t
read_isr(unsigned chip)
{
	fake_write(&f, chip, 0, 1, 0x0b);
	return (uint8_t)fake_read(&f, chip, 0, 1);
}

TEST(pic_takes_requests_in_order_of_priority)
{
	init_pc(1);
	CHECK(!f.outputs[0]);
	pulse(3);
	pulse(1);
	CHECK(f.outputs[0]);
	CHECK_EQ(read_irr(M), 0x0a);
	CHECK_EQ(i8259_ack(&f.dev), 0x09);
	CHECK(!f.outputs[0]);
	CHECK_EQ(read_isr(M), 0x02);
	CHECK_EQ(read_irr(M), 0x08);
	pulse(0);
	CHECK(f.outputs[0]);
	CHECK_EQ(i8259_ack(&f.dev), 0x08);
	CHECK_EQ(read_isr(M), 0x03);
	fake_write(&f, M, 0, 1, 0x20);
	CHECK_EQ(read_isr(M), 0x02);
	CHECK(!f.outputs[0]);
	fake_write(&f, M, 0, 1, 0x61);
	CHECK_EQ(read_isr(M), 0);
	CHECK(f.outputs[0]);
	CHECK_EQ(i8259_ack(&f.dev), 0x0b);
	fake_fini(&f);
}

TEST(pic_cascades_the_second_chip)
{
	init_pc(1);
	pulse(12);
	CHECK_EQ(read_irr(M), 0x04);
	CHECK_EQ(read_irr(S), 0x10);
	CHECK_EQ(i8259_ack(&f.dev), 0x74);
	CHECK_EQ(read_isr(M), 0x04);
	CHECK_EQ(read_isr(S), 0x10);
	/* Fully nested: a better slave request waits for the master's EOI. */
	pulse(8);
	CHECK(!f.outputs[0]);
	CHECK_EQ(read_irr(M), 0x04);
	fake_write(&f, M, 0, 1, 0x20);
	CHECK(f.outputs[0]);
	CHECK_EQ(i8259_ack(&f.dev), 0x70);
	/* IRQ 3 is below the cascade, IRQ 1 above it. */
	pulse(3);
	CHECK(!f.outputs[0]);
	pulse(1);
	CHECK(f.outputs[0]);
	fake_fini(&f);
}

TEST(pic_special_fully_nested_lets_better_slave_requests_in)
{
	init_pc(0x11);
	pulse(12);
	CHECK_EQ(i8259_ack(&f.dev), 0x74);
	pulse(3); /* still blocked by the level in service */
	CHECK(!f.outputs[0]);
	pulse(13);
	CHECK(!f.outputs[0]);
	pulse(9);
	CHECK(f.outputs[0]);
	CHECK_EQ(i8259_ack(&f.dev), 0x71);
	fake_fini(&f);
}

TEST(pic_masks_and_unmasks)
{
	init_pc(1);
	fake_write(&f, M, 1, 1, 0xff);
	CHECK_EQ(fake_read(&f, M, 1, 1), 0xff);
	pulse(4);
	CHECK(!f.outputs[0]);
	CHECK_EQ(read_irr(M), 0x10);
	fake_write(&f, M, 1, 1, 0xef);
	CHECK(f.outputs[0]);
	CHECK_EQ(i8259_ack(&f.dev), 0x0c);
	fake_fini(&f);
}

/* A timer's pulse may be over before the host lets the processor look. */
TEST(pic_keeps_an_edge_whose_line_has_fallen)
{
	init_pc(1);
	pulse(5);
	fake_input(&f, 5, false);
	CHECK(f.outputs[0]);
	CHECK_EQ(read_irr(M), 0x20);
	CHECK_EQ(i8259_ack(&f.dev), 0x0d);
	CHECK_EQ(read_irr(M), 0);
	fake_fini(&f);
}

TEST(pic_gives_irq7_when_the_request_has_gone)
{
	init_pc(1);
	pulse(5);
	fake_write(&f, M, 1, 1, 0x20); /* masked between request and acknowledge */
	CHECK(!f.outputs[0]);
	CHECK_EQ(i8259_ack(&f.dev), 0x0f);
	CHECK_EQ(read_isr(M), 0);
	fake_fini(&f);
}

TEST(pic_edge_needs_a_new_edge_and_level_does_not)
{
	init_pc(1);
	fake_write(&f, ELCR, 1, 1, 0xff);
	CHECK_EQ(fake_read(&f, ELCR, 1, 1), 0xde);
	fake_write(&f, ELCR, 0, 1, 0xff);
	CHECK_EQ(fake_read(&f, ELCR, 0, 1), 0xf8);
	fake_input(&f, 11, true);
	CHECK_EQ(i8259_ack(&f.dev), 0x73);
	fake_write(&f, S, 0, 1, 0x20);
	fake_write(&f, M, 0, 1, 0x20);
	CHECK(f.outputs[0]); /* level: still there */
	fake_input(&f, 11, false);
	CHECK(!f.outputs[0]);
	fake_input(&f, 1, true);
	CHECK_EQ(i8259_ack(&f.dev), 0x09);
	fake_write(&f, M, 0, 1, 0x20);
	CHECK(!f.outputs[0]); /* edge: the line is high, but was taken */
	fake_input(&f, 1, true);
	CHECK(!f.outputs[0]);
	pulse(1);
	CHECK(f.outputs[0]);
	fake_fini(&f);
}

TEST(pic_rotates_priorities)
{
	init_pc(1);
	fake_write(&f, M, 0, 1, 0xc3); /* set priority: 3 lowest, 4 highest */
	pulse(3);
	pulse(5);
	CHECK_EQ(i8259_ack(&f.dev), 0x0d);
	fake_write(&f, M, 0, 1, 0xa0); /* rotate on non-specific EOI: 5 lowest */
	CHECK_EQ(read_isr(M), 0);
	pulse(5);
	pulse(6);
	CHECK_EQ(i8259_ack(&f.dev), 0x0e);
	fake_write(&f, M, 0, 1, 0xe6); /* rotate on specific EOI */
	CHECK_EQ(i8259_ack(&f.dev), 0x0b);
	fake_fini(&f);
}

TEST(pic_rotates_on_aeoi)
{
	init_pc(3);
	fake_write(&f, M, 0, 1, 0x80);
	pulse(0);
	pulse(1);
	CHECK_EQ(i8259_ack(&f.dev), 0x08);
	CHECK_EQ(read_isr(M), 0);
	pulse(0);
	CHECK_EQ(i8259_ack(&f.dev), 0x09); /* 0 is the lowest now */
	CHECK_EQ(i8259_ack(&f.dev), 0x08);
	fake_fini(&f);
}

TEST(pic_special_mask_mode_lets_lower_levels_in)
{
	init_pc(1);
	pulse(1);
	CHECK_EQ(i8259_ack(&f.dev), 0x09);
	pulse(6);
	CHECK(!f.outputs[0]);
	fake_write(&f, M, 1, 1, 0x02);
	fake_write(&f, M, 0, 1, 0x68);
	CHECK(f.outputs[0]);
	CHECK_EQ(i8259_ack(&f.dev), 0x0e);
	fake_write(&f, M, 0, 1, 0x20); /* clears 6, not the masked 1 */
	CHECK_EQ(read_isr(M), 0x02);
	fake_write(&f, M, 0, 1, 0x48);
	pulse(7);
	CHECK(!f.outputs[0]);
	fake_fini(&f);
}

TEST(pic_poll_acknowledges)
{
	init_pc(1);
	fake_write(&f, M, 0, 1, 0x0c);
	CHECK_EQ(fake_read(&f, M, 0, 1) & 0x80, 0);
	pulse(4);
	fake_write(&f, M, 0, 1, 0x0c);
	CHECK_EQ(fake_read(&f, M, 0, 1), 0x84);
	CHECK(!f.outputs[0]);
	CHECK_EQ(read_isr(M), 0x10);
	fake_fini(&f);
}

TEST(pic_asks_for_nothing_before_icw1)
{
	fake_init(&f, &i8259_type);
	fake_start(&f);
	pulse(0);
	pulse(8);
	CHECK(!f.outputs[0]);
	CHECK(!i8259_intr(&f.dev));
	fake_fini(&f);
	init_pc(1);
	pulse(0);
	CHECK(f.outputs[0]);
	fake_fini(&f);
}

TEST(pic_icw1_clears_masks_service_and_old_edges)
{
	init_pc(1);
	fake_write(&f, M, 1, 1, 0xfb);
	pulse(4);
	fake_write(&f, M, 0, 1, 0x11);
	fake_write(&f, M, 1, 1, 0x20);
	fake_write(&f, M, 1, 1, 0x04);
	fake_write(&f, M, 1, 1, 0x01);
	CHECK_EQ(fake_read(&f, M, 1, 1), 0);
	CHECK(!f.outputs[0]); /* the line is high: a low-to-high change is needed */
	pulse(4);
	CHECK_EQ(i8259_ack(&f.dev), 0x24);
	/* Single mode without ICW4: two bytes only. */
	fake_write(&f, M, 0, 1, 0x12);
	fake_write(&f, M, 1, 1, 0x40);
	fake_write(&f, M, 1, 1, 0x55);
	CHECK_EQ(fake_read(&f, M, 1, 1), 0x55);
	fake_fini(&f);
}

TEST(pic_knows_edges_that_nobody_took)
{
	init_pc(1);
	CHECK(!i8259_pending(&f.dev, 0));
	pulse(0);
	CHECK(i8259_pending(&f.dev, 0));
	fake_input(&f, 0, false);
	CHECK(i8259_pending(&f.dev, 0)); /* it was for nothing */
	fake_input(&f, 0, true);
	CHECK_EQ(i8259_ack(&f.dev), 0x08);
	CHECK(!i8259_pending(&f.dev, 0));
	fake_write(&f, M, 1, 1, 1);
	pulse(0);
	CHECK(!i8259_pending(&f.dev, 0)); /* masked: nobody misses it */
	fake_write(&f, M, 1, 1, 4);
	pulse(8);
	CHECK(!i8259_pending(&f.dev, 8));
	fake_write(&f, M, 1, 1, 0);
	CHECK(i8259_pending(&f.dev, 8));
	fake_fini(&f);
}

TEST_MAIN()
