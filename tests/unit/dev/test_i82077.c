/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "dev/i82077.h"
#include "dev/types.h"

#include <errno.h>

#define MS                1000000ll
#define SECTOR            512u
#define LBA(c, h, r, spt) ((((c)*2u + (h)) * (spt) + (r)-1u) * SECTOR)

enum { DOR = 2, MSR = 4, FIFO = 5 };

static struct fake_env f;
static struct fake_block *disk;
static uint8_t res[12];

static void
out(unsigned reg, uint8_t v)
{
	fake_write(&f, 0, reg, 1, v);
}

static unsigned
in(unsigned reg)
{
	return (unsigned)fake_read(&f, 0, reg, 1);
}

/* Sends a command; false when the controller does not take it. */
static bool
send(const uint8_t *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if ((in(MSR)&0xc0) != 0x80)
			return false;
		out(FIFO, bytes[i]);
	}
	return true;
}

#define SEND(...) send((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* Reads the result phase; how many bytes it had. */
static unsigned
result(void)
{
	unsigned n = 0;

	while ((in(MSR)&0xd0) == 0xd0 && n < sizeof(res))
		res[n++] = (uint8_t)in(FIFO);
	return n;
}

static bool
wait_irq(void)
{
	for (unsigned i = 0; i < 2000 && !f.outputs[0]; i++)
		fake_advance(&f, MS / 10);
	return f.outputs[0];
}

static void
start_with(size_t size, bool read_only)
{
	fake_init(&f, &i82077_type);
	disk = fake_block(&f, "drive0", size, read_only);
	for (size_t i = 0; i < size; i++)
		disk->data[i] = (uint8_t)(i / SECTOR * 7 + i);
	fake_start(&f);
	out(DOR, 0x1c);
	wait_irq();
	for (unsigned i = 0; i < 4; i++) {
		SEND(0x08);
		result();
	}
	SEND(0x03, 0xdf, 0x02);
	fake_write(&f, 1, 0, 1, 0); /* 500 kbit/s */
}

static void
start(void)
{
	start_with(1474560, false);
}

static void
dma(unsigned len)
{
	f.dma_pos = 0;
	f.dma_len = len;
	memset(f.dma_buf, 0xee, len);
}

static bool
seek(uint8_t cyl)
{
	return SEND(0x0f, 0x00, cyl) && wait_irq() && SEND(0x08) && result() == 2;
}

TEST(reset_interrupts_and_needs_four_sense_interrupts)
{
	fake_init(&f, &i82077_type);
	fake_start(&f);
	CHECK_EQ(in(MSR), 0);
	out(DOR, 0x0c);
	CHECK_EQ(in(MSR), 0x80);
	CHECK(wait_irq());
	for (unsigned i = 0; i < 4; i++) {
		CHECK(SEND(0x08));
		CHECK_EQ(result(), 2);
		CHECK_EQ(res[0], 0xc0 | i);
		CHECK(!f.outputs[0]);
	}
	CHECK(SEND(0x08));
	CHECK_EQ(result(), 1);
	CHECK_EQ(res[0], 0x80);
	CHECK(SEND(0x10));
	CHECK_EQ(result(), 1);
	CHECK_EQ(res[0], 0x90);
	CHECK(SEND(0x1b)); /* no such command */
	CHECK_EQ(result(), 1);
	CHECK_EQ(res[0], 0x80);
	out(MSR, 0x80); /* software reset */
	CHECK(wait_irq());
	fake_fini(&f);
}

TEST(seek_recalibrate_and_drive_status)
{
	start();
	CHECK_EQ(fake_read(&f, 1, 0, 1), 0x80); /* changed since power-on */
	CHECK(SEND(0x0f, 0x04, 40));
	CHECK_EQ(in(MSR), 0x81); /* drive 0 is busy, the controller is not */
	CHECK(wait_irq());
	CHECK(SEND(0x08));
	CHECK_EQ(result(), 2);
	CHECK_EQ(res[0], 0x24);
	CHECK_EQ(res[1], 40);
	CHECK_EQ(in(MSR), 0x80);
	CHECK_EQ(fake_read(&f, 1, 0, 1), 0);
	CHECK(SEND(0x04, 0x00));
	CHECK_EQ(result(), 1);
	CHECK_EQ(res[0], 0x28);
	CHECK(SEND(0xcf, 0x00, 2)); /* relative, inwards */
	wait_irq();
	SEND(0x08);
	result();
	CHECK_EQ(res[1], 42);
	CHECK(SEND(0x07, 0x00));
	CHECK(wait_irq());
	SEND(0x08);
	result();
	CHECK_EQ(res[0], 0x20);
	CHECK_EQ(res[1], 0);
	SEND(0x04, 0x00);
	result();
	CHECK_EQ(res[0], 0x38);
	CHECK(SEND(0x07, 0x01)); /* there is no drive 1: track 0 never comes */
	CHECK(wait_irq());
	SEND(0x08);
	result();
	CHECK_EQ(res[0], 0x71);
	fake_fini(&f);
}

TEST(reads_sectors_by_dma_until_terminal_count)
{
	start();
	CHECK(seek(3));
	dma(3 * SECTOR);
	CHECK(SEND(0xe6, 0x04, 3, 1, 5, 2, 18, 0x1b, 0xff));
	CHECK_EQ(in(MSR), 0x10);
	CHECK(wait_irq());
	CHECK_EQ(in(MSR), 0xd0);
	CHECK_EQ(result(), 7);
	CHECK(!f.outputs[0]);
	CHECK(!memcmp(res, (const uint8_t[]){ 0x04, 0, 0, 3, 1, 8, 2 }, 7));
	CHECK(!memcmp(f.dma_buf, disk->data + LBA(3, 1, 5, 18), 3 * SECTOR));
	fake_fini(&f);
}

TEST(multitrack_goes_on_on_the_other_side_and_ends_on_the_next_cylinder)
{
	start();
	CHECK(seek(3));
	dma(3 * SECTOR);
	CHECK(SEND(0xe6, 0x00, 3, 0, 17, 2, 18, 0x1b, 0xff));
	CHECK(wait_irq());
	result();
	CHECK(!memcmp(res, (const uint8_t[]){ 0x04, 0, 0, 3, 1, 2, 2 }, 7));
	CHECK(!memcmp(f.dma_buf, disk->data + LBA(3, 0, 17, 18), 3 * SECTOR));
	dma(18 * SECTOR);
	CHECK(SEND(0xe6, 0x04, 3, 1, 1, 2, 18, 0x1b, 0xff));
	CHECK(wait_irq());
	result();
	CHECK(!memcmp(res, (const uint8_t[]){ 0x00, 0, 0, 4, 0, 1, 2 }, 7));
	/* Without terminal count the end of the track is an error. */
	dma(60000);
	CHECK(SEND(0x46, 0x00, 3, 0, 18, 2, 18, 0x1b, 0xff));
	CHECK(wait_irq());
	result();
	CHECK(!memcmp(res, (const uint8_t[]){ 0x40, 0x80, 0, 4, 0, 1, 2 }, 7));
	CHECK_EQ(f.dma_pos, SECTOR);
	fake_fini(&f);
}

TEST(writes_verify_and_format)
{
	start();
	CHECK(seek(2));
	dma(2 * SECTOR);
	for (unsigned i = 0; i < 2 * SECTOR; i++)
		f.dma_buf[i] = (uint8_t)(i * 3);
	CHECK(SEND(0x45, 0x00, 2, 0, 9, 2, 18, 0x1b, 0xff));
	CHECK(wait_irq());
	result();
	CHECK(!memcmp(res, (const uint8_t[]){ 0x00, 0, 0, 2, 0, 11, 2 }, 7));
	CHECK(!memcmp(disk->data + LBA(2, 0, 9, 18), f.dma_buf, 2 * SECTOR));
	dma(10); /* terminal count within the sector: the rest is zeros */
	CHECK(SEND(0x45, 0x00, 2, 0, 9, 2, 18, 0x1b, 0xff));
	CHECK(wait_irq());
	result();
	CHECK_EQ(disk->data[LBA(2, 0, 9, 18) + 9], 0xee);
	CHECK_EQ(disk->data[LBA(2, 0, 9, 18) + 10], 0);
	CHECK_EQ(disk->data[LBA(2, 0, 9, 18) + 511], 0);
	CHECK(SEND(0xd6, 0x80, 2, 0, 1, 2, 18, 0x1b, 4)); /* verify 4 sectors */
	CHECK(wait_irq());
	result();
	CHECK(!memcmp(res, (const uint8_t[]){ 0x00, 0, 0, 2, 0, 5, 2 }, 7));
	dma(18 * 4);
	for (unsigned i = 0; i < 18; i++)
		memcpy(f.dma_buf + 4 * i, (const uint8_t[]){ 2, 1, (uint8_t)(i + 1), 2 }, 4);
	CHECK(SEND(0x4d, 0x04, 2, 18, 0x54, 0xf6));
	CHECK(wait_irq());
	CHECK_EQ(result(), 7);
	CHECK_EQ(res[0], 0x04);
	for (unsigned i = 0; i < 18 * SECTOR; i++)
		CHECK_EQ(disk->data[LBA(2, 1, 1, 18) + i], 0xf6);
	CHECK(disk->data[LBA(3, 0, 1, 18)] != 0xf6 || disk->data[LBA(3, 0, 1, 18) + 1] != 0xf6);
	fake_fini(&f);
}

TEST(scans_compare_with_the_host)
{
	start();
	CHECK(seek(0));
	dma(18 * SECTOR);
	memset(f.dma_buf, 0xff, 18 * SECTOR);
	memset(f.dma_buf, 1, 1);
	disk->data[LBA(0, 0, 1, 18)] = 2;
	disk->data[LBA(0, 0, 2, 18)] = 3;
	CHECK(SEND(0x51, 0x00, 0, 0, 1, 2, 18, 0x1b, 1));
	CHECK(wait_irq());
	result(); /* the first byte of sector 1 differs; sector 2 is compared with FFs */
	CHECK(!memcmp(res, (const uint8_t[]){ 0x00, 0, 0x08, 0, 0, 2, 2 }, 7));
	dma(SECTOR);
	memset(f.dma_buf, 0xff, SECTOR);
	f.dma_buf[0] = 1;
	CHECK(SEND(0x5d, 0x00, 0, 0, 1, 2, 18, 0x1b, 1)); /* high or equal */
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[2], 0);
	dma(SECTOR);
	memset(f.dma_buf, 0xff, SECTOR);
	f.dma_buf[0] = 1;
	CHECK(SEND(0x59, 0x00, 0, 0, 1, 2, 1, 0x1b, 1)); /* low or equal: no */
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[2], 0x04);
	fake_fini(&f);
}

TEST(errors_have_their_status_bits)
{
	start();
	CHECK(seek(2));
	dma(SECTOR);
	CHECK(SEND(0x46, 0x00, 3, 0, 1, 2, 18, 0x1b, 0xff)); /* wrong cylinder */
	CHECK(wait_irq());
	result();
	CHECK(!memcmp(res, (const uint8_t[]){ 0x40, 0x04, 0x10, 3, 0, 1, 2 }, 7));
	CHECK(SEND(0x46, 0x00, 2, 0, 19, 2, 19, 0x1b, 0xff)); /* no such sector */
	CHECK(wait_irq());
	result();
	CHECK(!memcmp(res, (const uint8_t[]){ 0x40, 0x04, 0x00, 2, 0, 19, 2 }, 7));
	fake_write(&f, 1, 0, 1, 2); /* wrong rate: no address marks */
	CHECK(SEND(0x4a, 0x00));
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[0], 0x40);
	CHECK_EQ(res[1], 0x01);
	fake_write(&f, 1, 0, 1, 0);
	CHECK(SEND(0x4a, 0x04));
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[0], 0x04);
	CHECK(res[3] == 2 && res[4] == 1 && res[5] >= 1 && res[5] <= 18 && res[6] == 2);
	disk->fail = -EIO;
	CHECK(SEND(0x46, 0x00, 2, 0, 1, 2, 18, 0x1b, 0xff));
	CHECK(wait_irq());
	result();
	CHECK(!memcmp(res, (const uint8_t[]){ 0x40, 0x20, 0x20, 2, 0, 1, 2 }, 7));
	disk->fail = 0;
	dma(0); /* the DMA controller never answers */
	CHECK(SEND(0x46, 0x00, 2, 0, 1, 2, 18, 0x1b, 0xff));
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[1], 0x10);
	out(DOR, 0x0c); /* motor off */
	CHECK(SEND(0x4a, 0x00));
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[1], 0x01);
	fake_fini(&f);
	start_with(1474560, true);
	dma(SECTOR);
	CHECK(SEND(0x45, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff));
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[0], 0x40);
	CHECK_EQ(res[1], 0x02);
	SEND(0x04, 0x00);
	result();
	CHECK_EQ(res[0] & 0x40, 0x40);
	fake_fini(&f);
}

TEST(deleted_data_and_read_track)
{
	start();
	dma(18 * SECTOR);
	CHECK(SEND(0x4c, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff)); /* one normal sector, then stop */
	CHECK(wait_irq());
	result();
	CHECK(!memcmp(res, (const uint8_t[]){ 0x00, 0, 0x40, 0, 0, 2, 2 }, 7));
	CHECK_EQ(f.dma_pos, SECTOR);
	dma(18 * SECTOR);
	CHECK(SEND(0x6c, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff)); /* skips them all */
	CHECK(wait_irq());
	result();
	CHECK_EQ(f.dma_pos, 0);
	CHECK_EQ(res[2], 0x40);
	dma(60000);
	CHECK(SEND(0x42, 0x00, 0, 0, 7, 2, 18, 0x1b, 0xff)); /* from the index hole */
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[0], 0);
	CHECK_EQ(f.dma_pos, 18 * SECTOR);
	CHECK(!memcmp(f.dma_buf, disk->data, 18 * SECTOR));
	fake_fini(&f);
}

TEST(without_dma_bytes_go_through_the_fifo)
{
	start();
	CHECK(SEND(0x03, 0xdf, 0x03));
	CHECK(SEND(0x46, 0x00, 0, 0, 18, 2, 18, 0x1b, 0xff));
	CHECK_EQ(in(MSR), 0x30);
	CHECK(wait_irq());
	for (unsigned i = 0; i < SECTOR; i++) {
		CHECK_EQ(in(MSR), 0xf0);
		CHECK_EQ(in(FIFO), disk->data[LBA(0, 0, 18, 18) + i]);
	}
	CHECK(wait_irq());
	CHECK_EQ(result(), 7);
	CHECK_EQ(res[1], 0x80);
	CHECK(SEND(0x45, 0x00, 0, 0, 18, 2, 18, 0x1b, 0xff));
	CHECK(wait_irq());
	for (unsigned i = 0; i < SECTOR; i++) {
		CHECK_EQ(in(MSR), 0xb0);
		out(FIFO, (uint8_t)~i);
	}
	CHECK(!f.outputs[0]);
	CHECK(wait_irq());
	CHECK_EQ(result(), 7);
	CHECK_EQ(disk->data[LBA(0, 0, 18, 18) + 1], 0xfe);
	fake_fini(&f);
}

TEST(configure_lock_dumpreg_and_implied_seek)
{
	start();
	CHECK(SEND(0x13, 0x00, 0x57, 0x05));
	CHECK(SEND(0x12, 0x94));
	CHECK(SEND(0x94));
	CHECK_EQ(result(), 1);
	CHECK_EQ(res[0], 0x10);
	dma(SECTOR);
	CHECK(SEND(0x46, 0x00, 11, 0, 1, 2, 18, 0x1b, 0xff));
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[0], 0);
	CHECK(!memcmp(f.dma_buf, disk->data + LBA(11, 0, 1, 18), SECTOR));
	CHECK(SEND(0x0e));
	CHECK_EQ(result(), 10);
	CHECK(!memcmp(res, (const uint8_t[]){ 11, 0, 0, 0, 0xdf, 0x02, 18, 0x94, 0x57, 0x05 }, 10));
	out(DOR, 0x18);
	out(DOR, 0x1c);
	wait_irq();
	CHECK(SEND(0x0e));
	result();
	CHECK_EQ(res[8], 0x07); /* locked: the FIFO's bits stay, the others do not */
	CHECK_EQ(res[9], 0x05);
	fake_fini(&f);
}

TEST(changed_media_set_the_line_and_end_the_command)
{
	struct fake_block *other;

	start();
	CHECK(seek(1));
	CHECK_EQ(fake_read(&f, 1, 0, 1), 0);
	other = fake_block_make(&f, 737280, false);
	CHECK(!i82077_set_media(&f.dev, 1, &other->block)); /* no such drive */
	dma(SECTOR);
	CHECK(SEND(0x46, 0x00, 1, 0, 1, 2, 18, 0x1b, 0xff));
	CHECK(i82077_set_media(&f.dev, 0, &other->block));
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[0], 0x40);
	CHECK_EQ(fake_read(&f, 1, 0, 1), 0x80);
	CHECK(seek(2));
	CHECK_EQ(fake_read(&f, 1, 0, 1), 0);
	fake_write(&f, 1, 0, 1, 2);
	memset(other->data + LBA(2, 1, 9, 9), 0x5a, SECTOR);
	dma(SECTOR);
	CHECK(SEND(0x46, 0x04, 2, 1, 9, 2, 9, 0x1b, 0xff));
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[0], 0x04);
	CHECK_EQ(f.dma_buf[511], 0x5a);
	CHECK(i82077_set_media(&f.dev, 0, NULL));
	CHECK(seek(3));
	CHECK_EQ(fake_read(&f, 1, 0, 1), 0x80); /* empty: stays */
	other->block.info.size = 12345678;
	CHECK(!i82077_set_media(&f.dev, 0, &other->block));
	fake_fini(&f);
}

TEST(formats_by_image_size)
{
	static const struct {
		unsigned bytes;
		uint8_t c, h, s, rate;
	} want[] = {
		{ 163840, 40, 1, 8, 2 },
		{ 184320, 40, 1, 9, 2 },
		{ 327680, 40, 2, 8, 2 },
		{ 368640, 40, 2, 9, 2 },
		{ 737280, 80, 2, 9, 2 },
		{ 1228800, 80, 2, 15, 0 },
		{ 1474560, 80, 2, 18, 0 },
		{ 1638400, 80, 2, 20, 0 },
		{ 1720320, 80, 2, 21, 0 },
		{ 1763328, 82, 2, 21, 0 },
		{ 1784832, 83, 2, 21, 0 },
		{ 2949120, 80, 2, 36, 3 },
		{ 1966080, 80, 2, 24, 0 },
		{ 839680, 82, 2, 10, 2 },
		{ 430080, 42, 2, 10, 2 },
		{ 512, 40, 1, 8, 2 },
		{ 1000000, 80, 2, 15, 0 },
		{ 1474048, 80, 2, 18, 0 },
	};
	struct i82077_format fmt;

	for (unsigned i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		CHECK(i82077_find_format(want[i].bytes, &fmt));
		CHECK_EQ(fmt.cylinders, want[i].c);
		CHECK_EQ(fmt.heads, want[i].h);
		CHECK_EQ(fmt.sectors, want[i].s);
		CHECK_EQ(fmt.rate, want[i].rate);
	}
	CHECK(!i82077_find_format(0, &fmt));
	CHECK(!i82077_find_format(10 << 20, &fmt));
}

TEST(a_360k_disk_in_a_high_density_drive_needs_double_steps)
{
	fake_init(&f, &i82077_type);
	fake_param(&f, "type0", I82077_1200K);
	disk = fake_block(&f, "drive0", 368640, false);
	memset(disk->data + LBA(5, 0, 1, 9), 0x77, SECTOR);
	fake_start(&f);
	out(DOR, 0x1c);
	wait_irq();
	SEND(0x03, 0xdf, 0x02);
	CHECK_EQ(i82077_drive_type(&f.dev, 0), I82077_1200K);
	CHECK_EQ(i82077_drive_type(&f.dev, 1), I82077_NONE);
	fake_write(&f, 1, 0, 1, 1); /* 300 kbit/s */
	CHECK(seek(10));
	dma(SECTOR);
	CHECK(SEND(0x46, 0x00, 5, 0, 1, 2, 9, 0x1b, 0xff));
	CHECK(wait_irq());
	result();
	CHECK_EQ(res[0], 0);
	CHECK_EQ(f.dma_buf[0], 0x77);
	fake_fini(&f);
}

TEST_MAIN()
