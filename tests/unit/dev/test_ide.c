/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ATA disks and ATAPI CD drives as a driver sees them. */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/mem.h"
#include "dev/ide.h"
#include "dev/ide_channel.h"
#include "dev/types.h"

#include <errno.h>

#define DISK_BYTES (8u * 1024 * 1024)
#define CD_BYTES   (700u * 2048)
#define BSY        0x80
#define DRQ        0x08
#define ERR        0x01

static struct fake_block *disk, *cd;

/* drive0 a disk, drive2 a CD, drive3 an empty CD drive. */
static struct fake_env *
start(void)
{
	struct fake_env *f = xalloc(sizeof(*f));

	fake_init(f, &ide_piix3_type);
	disk = fake_block(f, "drive0", DISK_BYTES, false);
	cd = fake_block(f, "drive2", CD_BYTES, true);
	fake_param_str(f, "drive0_serial", "SN1");
	fake_param_str(f, "drive2_type", "cd");
	fake_param_str(f, "drive3_type", "cd");
	if (fake_start(f))
		test_fail(__FILE__, __LINE__, "create failed");
	for (unsigned i = 0; i < DISK_BYTES; i++)
		disk->data[i] = (uint8_t)(i ^ (i >> 9) * 5);
	for (unsigned i = 0; i < CD_BYTES; i++)
		cd->data[i] = (uint8_t)(i * 3 ^ (i >> 11));
	pci_config_write(&f->dev, 4, 2, 5);
	return f;
}

static void
stop(struct fake_env *f)
{
	fake_fini(f);
	mem_free(f);
}

static unsigned
reg(struct fake_env *f, unsigned c, unsigned off)
{
	return (unsigned)fake_read(f, c ? IDE_REGION_CMD1 : IDE_REGION_CMD0, off, 1);
}

static void
put(struct fake_env *f, unsigned c, unsigned off, unsigned v)
{
	fake_write(f, c ? IDE_REGION_CMD1 : IDE_REGION_CMD0, off, 1, v);
}

static unsigned
alt(struct fake_env *f, unsigned c)
{
	return (unsigned)fake_read(f, c ? IDE_REGION_CTL1 : IDE_REGION_CTL0, 0, 1);
}

static unsigned
wait_ready(struct fake_env *f, unsigned c)
{
	for (unsigned i = 0; i < 100 && (alt(f, c) & BSY); i++)
		fake_advance(f, 1000);
	return alt(f, c);
}

static void
take(struct fake_env *f, unsigned c, void *dst, unsigned bytes)
{
	unsigned r = c ? IDE_REGION_CMD1 : IDE_REGION_CMD0, n = bytes / 2;
	uint8_t *p = dst;

	while (n) {
		unsigned got = ide_piix3_type.regions[r].read_many(&f->dev, 0, 2, p, n);

		p += 2 * got;
		n -= got;
	}
}

static void
give(struct fake_env *f, unsigned c, const void *src, unsigned bytes)
{
	unsigned r = c ? IDE_REGION_CMD1 : IDE_REGION_CMD0, n = bytes / 2;
	const uint8_t *p = src;

	while (n) {
		unsigned got = ide_piix3_type.regions[r].write_many(&f->dev, 0, 2, p, n);

		p += 2 * got;
		n -= got;
	}
}

static void
command(struct fake_env *f, unsigned cmd, uint32_t lba, unsigned count)
{
	put(f, 0, 6, 0xe0 | lba >> 24);
	put(f, 0, 2, count);
	put(f, 0, 3, lba);
	put(f, 0, 4, lba >> 8);
	put(f, 0, 5, lba >> 16);
	put(f, 0, 7, cmd);
}

static void
command_ext(struct fake_env *f, unsigned cmd, uint64_t lba, unsigned count)
{
	put(f, 0, 6, 0xe0);
	put(f, 0, 2, count >> 8);
	put(f, 0, 3, (unsigned)(lba >> 24));
	put(f, 0, 4, (unsigned)(lba >> 32));
	put(f, 0, 5, (unsigned)(lba >> 40));
	put(f, 0, 2, count);
	put(f, 0, 3, (unsigned)lba);
	put(f, 0, 4, (unsigned)(lba >> 8));
	put(f, 0, 5, (unsigned)(lba >> 16));
	put(f, 0, 7, cmd);
}

TEST(drives_are_found_by_signature_and_echo)
{
	struct fake_env *f = start();

	CHECK_EQ(f->map_addr[IDE_REGION_CMD0], 0x1f0);
	CHECK_EQ(f->map_addr[IDE_REGION_CTL1], 0x376);
	fake_write(f, IDE_REGION_CTL0, 0, 1, 0x04);
	CHECK_EQ(alt(f, 0), BSY);
	fake_write(f, IDE_REGION_CTL0, 0, 1, 0x00);
	CHECK_EQ(reg(f, 0, 7), 0x50);
	CHECK_EQ(reg(f, 0, 1), 1);
	CHECK_EQ(reg(f, 0, 2), 1);
	CHECK_EQ(reg(f, 0, 3), 1);
	CHECK_EQ(reg(f, 0, 4) | reg(f, 0, 5), 0);
	put(f, 0, 2, 0x55);
	put(f, 0, 3, 0xaa);
	CHECK_EQ(reg(f, 0, 2), 0x55);
	CHECK_EQ(reg(f, 0, 3), 0xaa);
	put(f, 0, 6, 0xb0); /* nobody there */
	CHECK_EQ(reg(f, 0, 7), 0);
	CHECK_EQ(reg(f, 0, 2), 0);
	put(f, 0, 7, 0xec);
	CHECK_EQ(reg(f, 0, 7), 0);
	CHECK(!f->outputs[IDE_OUT_IRQ14]);
	CHECK_EQ(reg(f, 1, 4), 0x14);
	CHECK_EQ(reg(f, 1, 5), 0xeb);
	CHECK_EQ(reg(f, 1, 7), 0);
	stop(f);
}

TEST(identify_tells_geometry_size_and_names)
{
	struct fake_env *f = start();
	uint8_t id[512];

	put(f, 0, 6, 0xa0);
	put(f, 0, 7, 0xec);
	CHECK(f->outputs[IDE_OUT_IRQ14]);
	CHECK_EQ(reg(f, 0, 7) & (BSY | DRQ | ERR), DRQ);
	CHECK(!f->outputs[IDE_OUT_IRQ14]); /* reading the status acknowledges */
	take(f, 0, id, 512);
	CHECK_EQ(reg(f, 0, 7), 0x50);
	CHECK_EQ(get_le16(id + 2), DISK_BYTES / 512 / (16 * 63));
	CHECK_EQ(get_le16(id + 6), 16);
	CHECK_EQ(get_le16(id + 12), 63);
	CHECK(!memcmp(id + 20, "NS 1", 4));
	CHECK_EQ(get_le32(id + 120), DISK_BYTES / 512);
	CHECK_EQ(get_le64(id + 200), DISK_BYTES / 512);
	CHECK_EQ(get_le16(id + 98) & 0x0300, 0x0300);
	CHECK_EQ(get_le16(id + 2 * 83) & 0x0400, 0x0400);
	stop(f);
}

TEST(pio_reads_give_a_block_and_an_interrupt_at_a_time)
{
	struct fake_env *f = start();
	uint8_t *b = xalloc(256 * 512);

	command(f, 0x20, 5, 3);
	CHECK_EQ(alt(f, 0), BSY);
	for (unsigned i = 0; i < 3; i++) {
		CHECK_EQ(wait_ready(f, 0) & (BSY | DRQ | ERR), DRQ);
		CHECK(f->outputs[IDE_OUT_IRQ14]);
		reg(f, 0, 7);
		take(f, 0, b, 512);
		CHECK(!memcmp(b, disk->data + (5 + i) * 512, 512));
	}
	CHECK_EQ(reg(f, 0, 7), 0x50);
	CHECK(!f->outputs[IDE_OUT_IRQ14]);
	CHECK_EQ(disk->requests, 1);
	CHECK_EQ(reg(f, 0, 2), 0);
	CHECK_EQ(reg(f, 0, 3), 7); /* the last sector */
	command_ext(f, 0x24, 1000, 256);
	for (unsigned i = 0; i < 256; i++) {
		CHECK_EQ(wait_ready(f, 0) & (BSY | DRQ | ERR), DRQ);
		take(f, 0, b + i * 512, 512);
	}
	CHECK(!memcmp(b, disk->data + 512000, 256 * 512));
	CHECK_EQ(disk->requests, 3);
	mem_free(b);
	stop(f);
}

TEST(multiple_moves_larger_blocks)
{
	struct fake_env *f = start();
	uint8_t b[40 * 512];
	unsigned rises;

	command(f, 0xc4, 0, 4); /* not yet set */
	CHECK_EQ(reg(f, 0, 7) & ERR, ERR);
	CHECK_EQ(reg(f, 0, 1), 0x04);
	command(f, 0xc6, 0, 16);
	CHECK_EQ(reg(f, 0, 7), 0x50);
	rises = f->rises[0];
	command(f, 0xc4, 3, 40);
	for (unsigned i = 0; i < 40; i += 16) {
		unsigned n = i == 32 ? 8 : 16;

		CHECK_EQ(wait_ready(f, 0) & (BSY | DRQ), DRQ);
		reg(f, 0, 7);
		take(f, 0, b + i * 512, n * 512);
	}
	CHECK_EQ(f->rises[0] - rises, 3);
	CHECK_EQ(reg(f, 0, 7), 0x50);
	CHECK(!memcmp(b, disk->data + 3 * 512, sizeof(b)));
	stop(f);
}

TEST(pio_writes_reach_the_disk)
{
	struct fake_env *f = start();
	uint8_t b[300 * 512];

	for (unsigned i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 11 + (i >> 8));
	command_ext(f, 0x34, 77, 300);
	CHECK(!f->outputs[IDE_OUT_IRQ14]); /* none for the first block */
	for (unsigned i = 0; i < 300; i++) {
		CHECK_EQ(wait_ready(f, 0) & (BSY | DRQ | ERR), DRQ);
		reg(f, 0, 7);
		give(f, 0, b + i * 512, 512);
	}
	CHECK_EQ(wait_ready(f, 0), 0x50);
	CHECK(f->outputs[IDE_OUT_IRQ14]);
	CHECK(!memcmp(b, disk->data + 77 * 512, sizeof(b)));
	command(f, 0xe7, 0, 0);
	CHECK_EQ(wait_ready(f, 0), 0x50);
	stop(f);
}

static void
prd(struct fake_env *f, unsigned at, uint32_t addr, unsigned len, bool last)
{
	put_le32(f->mem + at, addr);
	put_le16(f->mem + at + 4, (uint16_t)len);
	put_le16(f->mem + at + 6, last ? 0x8000 : 0);
}

static unsigned
bm_status(struct fake_env *f)
{
	return (unsigned)fake_read(f, IDE_REGION_BM, 2, 1);
}

TEST(dma_scatters_over_descriptors)
{
	struct fake_env *f = start();

	prd(f, 0x1000, 0x20000, 0, false); /* 64 KiB */
	prd(f, 0x1008, 0x40002, 510, false);
	prd(f, 0x1010, 0x50000, 65536 - 510, true);
	fake_write(f, IDE_REGION_BM, 4, 4, 0x1000);
	command_ext(f, 0x25, 9, 256);
	CHECK_EQ(wait_ready(f, 0) & BSY, 0);
	CHECK(!f->outputs[IDE_OUT_IRQ14]); /* waits for the bus master */
	fake_write(f, IDE_REGION_BM, 0, 1, 0x09);
	CHECK_EQ(bm_status(f) & 7, 1);
	CHECK_EQ(wait_ready(f, 0), 0x50);
	CHECK(f->outputs[IDE_OUT_IRQ14]);
	CHECK_EQ(bm_status(f) & 7, 4);
	CHECK(!memcmp(f->mem + 0x20000, disk->data + 9 * 512, 65536));
	CHECK(!memcmp(f->mem + 0x40002, disk->data + 9 * 512 + 65536, 510));
	CHECK(!memcmp(f->mem + 0x50000, disk->data + 9 * 512 + 65536 + 510, 65536 - 510));
	fake_write(f, IDE_REGION_BM, 0, 1, 0);
	fake_write(f, IDE_REGION_BM, 2, 1, 0x04);
	CHECK_EQ(bm_status(f) & 7, 0);
	stop(f);
}

TEST(dma_writes_and_ends_as_the_document_says)
{
	struct fake_env *f = start();

	memset(f->mem + 0x8000, 0x5a, 4096);
	prd(f, 0x1000, 0x8000, 4096, true); /* more memory than data */
	fake_write(f, IDE_REGION_BM, 4, 4, 0x1000);
	command(f, 0xca, 20, 4);
	fake_write(f, IDE_REGION_BM, 0, 1, 0x01);
	CHECK_EQ(wait_ready(f, 0), 0x50);
	CHECK_EQ(bm_status(f) & 7, 5); /* interrupt and still active */
	CHECK_EQ(disk->data[20 * 512], 0x5a);
	CHECK_EQ(disk->data[24 * 512 - 1], 0x5a);
	CHECK(disk->data[24 * 512] != 0x5a);
	fake_write(f, IDE_REGION_BM, 0, 1, 0);
	fake_write(f, IDE_REGION_BM, 2, 1, 4);
	prd(f, 0x1000, 0x8000, 512, true); /* less memory than data: stuck, no interrupt */
	reg(f, 0, 7);
	command(f, 0xc8, 20, 4);
	fake_write(f, IDE_REGION_BM, 0, 1, 0x09);
	fake_advance(f, 100000);
	CHECK_EQ(bm_status(f) & 7, 0);
	CHECK(!f->outputs[IDE_OUT_IRQ14]);
	fake_write(f, IDE_REGION_BM, 0, 1, 0);
	prd(f, 0x1000, FAKE_MEM, 512, true); /* outside memory */
	fake_write(f, IDE_REGION_BM, 0, 1, 0x09);
	CHECK_EQ(bm_status(f) & 7, 2);
	fake_write(f, IDE_REGION_CTL0, 0, 1, 4);
	fake_write(f, IDE_REGION_CTL0, 0, 1, 0);
	CHECK_EQ(reg(f, 0, 7), 0x50);
	stop(f);
}

TEST(addresses_beyond_the_end_and_chs)
{
	struct fake_env *f = start();
	uint8_t b[512];

	command(f, 0x20, DISK_BYTES / 512 - 1, 2);
	CHECK_EQ(reg(f, 0, 7) & ERR, ERR);
	CHECK_EQ(reg(f, 0, 1), 0x10);
	put(f, 0, 6, 0xa3); /* head 3 */
	put(f, 0, 2, 1);
	put(f, 0, 3, 5);
	put(f, 0, 4, 2);
	put(f, 0, 5, 0);
	put(f, 0, 7, 0x20);
	CHECK_EQ(wait_ready(f, 0) & DRQ, DRQ);
	take(f, 0, b, 512);
	CHECK(!memcmp(b, disk->data + ((2 * 16 + 3) * 63 + 4) * 512, 512));
	CHECK_EQ(reg(f, 0, 3), 5);
	CHECK_EQ(reg(f, 0, 6), 0xa3);
	put(f, 0, 3, 0); /* sectors count from 1 */
	put(f, 0, 2, 1);
	put(f, 0, 7, 0x20);
	CHECK_EQ(reg(f, 0, 1), 0x10);
	put(f, 0, 6, 0xa7); /* 8 heads, 32 sectors */
	put(f, 0, 2, 32);
	put(f, 0, 7, 0x91);
	put(f, 0, 6, 0xa1);
	put(f, 0, 2, 1);
	put(f, 0, 3, 32);
	put(f, 0, 4, 0);
	put(f, 0, 7, 0x20);
	wait_ready(f, 0);
	take(f, 0, b, 512);
	CHECK(!memcmp(b, disk->data + 63 * 512, 512));
	stop(f);
}

TEST(back_end_errors_are_reported_with_the_sector)
{
	struct fake_env *f = start();

	disk->fail = -EIO;
	command(f, 0x20, 5, 8);
	CHECK_EQ(wait_ready(f, 0) & (DRQ | ERR), ERR);
	CHECK_EQ(reg(f, 0, 1), 0x40);
	CHECK_EQ(reg(f, 0, 3), 5);
	CHECK(f->rises[0] == 1);
	command(f, 0x30, 5, 1);
	give(f, 0, disk->data, 512);
	CHECK_EQ(wait_ready(f, 0) & (0x20 | ERR), 0x20 | ERR);
	disk->fail = 0;
	put(f, 0, 1, 0xda); /* SMART: still healthy */
	command(f, 0xb0, 0xc24f00, 0);
	CHECK_EQ(reg(f, 0, 7), 0x50);
	CHECK_EQ(reg(f, 0, 4), 0x4f);
	stop(f);
}

TEST(reset_while_busy_leaves_a_clean_channel)
{
	struct fake_env *f = start();
	uint8_t id[512];

	disk->delay_ns = 1000000;
	command(f, 0x20, 5, 8);
	fake_write(f, IDE_REGION_CTL0, 0, 1, 4);
	fake_write(f, IDE_REGION_CTL0, 0, 1, 0);
	CHECK_EQ(reg(f, 0, 7), 0x50);
	put(f, 0, 7, 0xec); /* has to wait: the buffer is in use */
	CHECK_EQ(alt(f, 0), BSY);
	fake_advance(f, 2000000);
	CHECK_EQ(alt(f, 0) & (BSY | DRQ | ERR), DRQ);
	take(f, 0, id, 512);
	CHECK_EQ(get_le16(id), 0x40);
	CHECK(!ide_piix3_type.busy(&f->dev));
	stop(f);
}

TEST(features_power_and_odd_commands)
{
	struct fake_env *f = start();

	command(f, 0x00, 0, 0); /* NOP always aborts */
	CHECK_EQ(reg(f, 0, 1), 4);
	command(f, 0xa1, 0, 0);
	CHECK_EQ(reg(f, 0, 1), 4);
	put(f, 0, 1, 0x03);
	command(f, 0xef, 0, 0x45); /* Ultra DMA 5 */
	CHECK_EQ(reg(f, 0, 7), 0x50);
	put(f, 0, 1, 0x03);
	command(f, 0xef, 0, 0x46);
	CHECK_EQ(reg(f, 0, 1), 4);
	command(f, 0xe0, 0, 0);
	command(f, 0xe5, 0, 0);
	CHECK_EQ(reg(f, 0, 2), 0x00);
	command(f, 0x27, 0, 0);
	CHECK_EQ(reg(f, 0, 3) | reg(f, 0, 4) << 8, DISK_BYTES / 512 - 1);
	command(f, 0x40, 0, 0); /* verify 256 sectors */
	CHECK_EQ(wait_ready(f, 0), 0x50);
	put(f, 0, 7, 0x90);
	CHECK_EQ(reg(f, 0, 1), 1);
	put(f, 0, 2, 0x12);
	put(f, 0, 2, 0x34);
	fake_write(f, IDE_REGION_CTL0, 0, 1, 0x80);
	CHECK_EQ(reg(f, 0, 2), 0x12);
	fake_write(f, IDE_REGION_CTL0, 0, 1, 0x02); /* nIEN */
	CHECK_EQ(reg(f, 0, 2), 0x34);
	reg(f, 0, 7);
	command(f, 0x10, 0, 0);
	CHECK(!f->outputs[IDE_OUT_IRQ14]);
	fake_write(f, IDE_REGION_CTL0, 0, 1, 0);
	CHECK(f->outputs[IDE_OUT_IRQ14]);
	stop(f);
}

TEST(trim_discards_ranges)
{
	struct fake_env *f = start();

	memset(f->mem + 0x3000, 0, 512);
	put_le64(f->mem + 0x3000, 100 | 4ull << 48);
	put_le64(f->mem + 0x3008, 200 | 1ull << 48);
	prd(f, 0x1000, 0x3000, 512, true);
	fake_write(f, IDE_REGION_BM, 4, 4, 0x1000);
	put(f, 0, 1, 1);
	command_ext(f, 0x06, 0, 1);
	fake_write(f, IDE_REGION_BM, 0, 1, 1);
	CHECK_EQ(wait_ready(f, 0), 0x50);
	CHECK_EQ(disk->data[100 * 512] | disk->data[104 * 512 - 1], 0);
	CHECK_EQ(disk->data[200 * 512 + 5], 0);
	CHECK(disk->data[104 * 512 + 1] && disk->data[99 * 512 + 1]);
	CHECK_EQ(disk->requests, 2);
	stop(f);
}

/* ---- CD ---- */

static unsigned
packet(struct fake_env *f, unsigned unit, const uint8_t *cdb, bool dma, unsigned limit)
{
	put(f, 1, 6, 0xa0 | unit << 4);
	put(f, 1, 1, dma);
	put(f, 1, 4, limit & 0xff);
	put(f, 1, 5, limit >> 8);
	put(f, 1, 7, 0xa0);
	if ((alt(f, 1) & (BSY | DRQ)) != DRQ || reg(f, 1, 2) != 1)
		return 0xdead;
	give(f, 1, cdb, 12);
	return wait_ready(f, 1);
}

/* Reads a whole PIO answer; the last status is left. */
static unsigned
answer(struct fake_env *f, uint8_t *dst, unsigned max)
{
	unsigned n = 0;

	while ((wait_ready(f, 1) & (BSY | DRQ)) == DRQ) {
		unsigned len = reg(f, 1, 4) | reg(f, 1, 5) << 8;

		if (reg(f, 1, 2) != 2 || n + len > max)
			return 0xdead;
		take(f, 1, dst + n, (len + 1) & ~1u);
		n += len;
	}
	return n;
}

static void
clear_attention(struct fake_env *f, unsigned unit)
{
	static const uint8_t tur[12];

	packet(f, unit, tur, false, 0);
}

TEST(cd_reports_reset_then_is_ready)
{
	struct fake_env *f = start();
	static const uint8_t tur[12], sense[12] = { 3, 0, 0, 0, 18 };
	uint8_t b[64];

	CHECK_EQ(packet(f, 0, tur, false, 0) & ERR, ERR);
	CHECK_EQ(reg(f, 1, 1), 0x64);
	packet(f, 0, sense, false, 0xffff);
	CHECK_EQ(answer(f, b, sizeof(b)), 18);
	CHECK_EQ(b[2], 6);
	CHECK_EQ(b[12], 0x29);
	CHECK_EQ(packet(f, 0, tur, false, 0) & ERR, 0);
	CHECK_EQ(reg(f, 1, 2), 3);
	CHECK(f->outputs[IDE_OUT_IRQ15]);
	clear_attention(f, 1);
	CHECK_EQ(packet(f, 1, tur, false, 0) & ERR, ERR);
	packet(f, 1, sense, false, 0xffff);
	answer(f, b, sizeof(b));
	CHECK_EQ(b[2], 2);
	CHECK_EQ(b[12], 0x3a);
	stop(f);
}

TEST(cd_reads_by_pio_in_limited_blocks)
{
	struct fake_env *f = start();
	static const uint8_t read[12] = { 0x28, 0, 0, 0, 0, 10, 0, 0, 60 };
	uint8_t *b = xalloc(60 * 2048);

	clear_attention(f, 0);
	CHECK_EQ(packet(f, 0, read, false, 2048 * 3) & DRQ, DRQ);
	CHECK_EQ(reg(f, 1, 4) | reg(f, 1, 5) << 8, 2048 * 3);
	CHECK_EQ(answer(f, b, 60 * 2048), 60 * 2048);
	CHECK(!memcmp(b, cd->data + 10 * 2048, 60 * 2048));
	CHECK_EQ(alt(f, 1), 0x50);
	CHECK_EQ(cd->requests, 3);
	mem_free(b);
	stop(f);
}

TEST(cd_reads_by_dma)
{
	struct fake_env *f = start();
	static const uint8_t read[12] = { 0xa8, 0, 0, 0, 0, 3, 0, 0, 0, 16 };

	clear_attention(f, 0);
	prd(f, 0x1000, 0x20000, 32768, true);
	fake_write(f, IDE_REGION_BM, 12, 4, 0x1000);
	packet(f, 0, read, true, 0);
	fake_write(f, IDE_REGION_BM, 8, 1, 9);
	CHECK_EQ(wait_ready(f, 1), 0x50);
	CHECK_EQ(fake_read(f, IDE_REGION_BM, 10, 1) & 7, 4);
	CHECK(!memcmp(f->mem + 0x20000, cd->data + 3 * 2048, 32768));
	stop(f);
}

TEST(cd_medium_changes_are_noticed)
{
	struct fake_env *f = start();
	static const uint8_t tur[12], cap[12] = { 0x25 };
	static const uint8_t event[12] = { 0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8 };
	static const uint8_t lock[12] = { 0x1e, 0, 0, 0, 1 };
	static const uint8_t eject[12] = { 0x1b, 0, 0, 0, 2 };
	struct fake_block *other = fake_block_make(f, 100 * 2048, true);
	uint8_t b[8];

	clear_attention(f, 0);
	CHECK_EQ(ide_set_media(&f->dev, 0, NULL), -EINVAL);
	CHECK_EQ(ide_set_media(&f->dev, 2, &other->block), 0);
	CHECK_EQ(packet(f, 0, event, false, 8) & DRQ, DRQ);
	answer(f, b, sizeof(b));
	CHECK_EQ(b[4], 2);
	CHECK_EQ(packet(f, 0, tur, false, 0) & ERR, ERR);
	CHECK_EQ(reg(f, 1, 1) >> 4, 6);
	packet(f, 0, cap, false, 8);
	answer(f, b, sizeof(b));
	CHECK_EQ(get_be32(b), 99);
	CHECK_EQ(get_be32(b + 4), 2048);
	packet(f, 0, lock, false, 0);
	CHECK(ide_media_locked(&f->dev, 2));
	CHECK_EQ(packet(f, 0, eject, false, 0) & ERR, ERR);
	CHECK_EQ(ide_set_media(&f->dev, 2, NULL), 0); /* the operator can */
	clear_attention(f, 0);
	CHECK_EQ(packet(f, 0, tur, false, 0) & ERR, ERR);
	CHECK_EQ(reg(f, 1, 1) >> 4, 2);
	stop(f);
}

TEST(cd_is_no_disk)
{
	struct fake_env *f = start();
	uint8_t id[512];

	put(f, 1, 6, 0xa0);
	put(f, 1, 7, 0xec);
	CHECK_EQ(reg(f, 1, 7) & ERR, ERR);
	CHECK_EQ(reg(f, 1, 4) | reg(f, 1, 5) << 8, 0xeb14);
	put(f, 1, 7, 0xa1);
	CHECK_EQ(reg(f, 1, 7) & DRQ, DRQ);
	take(f, 1, id, 512);
	CHECK_EQ(get_le16(id), 0x85c0);
	put(f, 1, 7, 0x08);
	CHECK_EQ(reg(f, 1, 7), 0);
	CHECK_EQ(reg(f, 1, 4), 0x14);
	stop(f);
}

/* The generic test knows disks only. */
TEST(random_accesses_with_cds)
{
	uint64_t x = 0x2545f4914f6cdd1dull;
	struct fake_env *f = start();
	uint8_t bytes[4096];

	for (unsigned n = 0; n < 120; n++) {
		for (unsigned i = 0; i < sizeof(bytes); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			bytes[i] = (uint8_t)(x >> 24);
		}
		fake_script(f, bytes, sizeof(bytes));
		put(f, 1, 6, 0xa0);
		put(f, 1, 7, 0x08);
		put(f, 1, 7, 0xa0); /* packets of random bytes */
		bytes[0] = (uint8_t)(n % 2 ? bytes[0] : 0xbe);
		give(f, 1, bytes, 12);
	}
	CHECK(!f->storm);
	stop(f);
}

TEST_MAIN()
