/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ATAPI CD/DVD drive: the packet transport of ATA/ATAPI-6 (chapter 9.8) around
 * the command set of scsi/mmc.c.
 */
#include "base/bits.h"
#include "dev/ide_channel.h"

#define CMD_DEVICE_RESET    0x08
#define CMD_DIAGNOSTIC      0x90
#define CMD_PACKET          0xa0
#define CMD_IDENTIFY_PACKET 0xa1
#define PACKET_BYTES        12u
#define FEATURE_DMA         0x01
#define RAW_CHUNK           (IDE_BUF / MMC_SECTOR_RAW)

static struct ide_channel *
channel(struct dev *d, unsigned c)
{
	return &((struct ide *)d->state)->ch[c];
}

static struct ide_host *
host(struct dev *d, unsigned c)
{
	return &((struct ide *)d->state)->host[c];
}

static bool
wants_dma(const struct ide_channel *ch)
{
	return ch->drive[ch->unit].feature[0] & FEATURE_DMA;
}

static void
packet_done(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[ch->unit];

	v->count[0] = ATAPI_IO | ATAPI_COD;
	ide_finish(d, c, ch->unit);
}

static void
packet_failed(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[ch->unit];

	v->count[0] = ATAPI_IO | ATAPI_COD;
	ide_fail(d, c, ch->unit, (uint8_t)(v->mmc.key << 4 | (v->mmc.key ? ATA_ERROR_ABRT : 0)));
}

/* ch->len bytes in buf are for the host. */
static void
send(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);

	if (wants_dma(ch))
		ide_dma(d, c, ch->unit, true);
	else
		ide_pio_in(d, c, ch->unit);
}

/* ---- reading sectors ---- */

static void
next_chunk(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);
	uint32_t n = ch->left < RAW_CHUNK ? ch->left : RAW_CHUNK;
	const struct block *b = host(d, c)->block[ch->unit];

	ch->chunk = n;
	ch->left -= n;
	ch->len = n * ch->cd_bytes;
	if (!b) { /* taken out between two chunks */
		mmc_read_failed(&ch->drive[ch->unit].mmc);
		packet_failed(d, c);
		return;
	}
	/* at the end of buf, so that frames can grow from its start */
	ide_io(d, c, ch->unit, BLOCK_READ, ch->lba * MMC_SECTOR, IDE_BUF - n * MMC_SECTOR,
	    n * MMC_SECTOR);
}

/* Frame i ends before user data i + 1 begin: 27 * (2352 - 2048) < 65536 - 27 * 2048. */
_Static_assert(RAW_CHUNK *(MMC_SECTOR_RAW - MMC_SECTOR) <= IDE_BUF - RAW_CHUNK * MMC_SECTOR,
    "frames would overrun the data they are made of");

static void
frame_chunk(struct ide_channel *ch)
{
	const struct mmc_io io = { .bytes = ch->cd_bytes, .fields = ch->cd_fields };
	const uint8_t *src = ch->buf + IDE_BUF - ch->chunk * MMC_SECTOR;

	for (uint32_t i = 0; i < ch->chunk; i++) {
		uint8_t data[MMC_SECTOR];

		memcpy(data, src + i * MMC_SECTOR, sizeof(data));
		mmc_frame(&io, (uint32_t)ch->lba + i, data, ch->buf + i * ch->cd_bytes);
	}
}

void
atapi_cd_io_done(struct dev *d, unsigned c, int result)
{
	struct ide_channel *ch = channel(d, c);

	if (result) {
		ch->drive[ch->unit].read_errors++;
		mmc_read_failed(&ch->drive[ch->unit].mmc);
		packet_failed(d, c);
		return;
	}
	frame_chunk(ch);
	ch->lba += ch->chunk;
	send(d, c);
}

/* ---- packets ---- */

static void
set_block(struct ide_channel *ch)
{
	const struct ide_drive *v = &ch->drive[ch->unit];
	uint32_t limit = v->lba1[0] | (uint32_t)v->lba2[0] << 8;

	if (!limit || limit == 0xffff)
		limit = 0xfffe;
	ch->block = limit > 1 ? limit & ~1u : 2; /* only the last block may be odd */
}

static void
run_packet(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[ch->unit];
	uint8_t reply[MMC_REPLY_MAX];
	struct mmc_io io;

	ch->left = ch->chunk = 0;
	ch->wants = IDE_WANT_SECTORS;
	switch (mmc_command(&v->mmc, ch->cdb, reply, &io)) {
	case MMC_GOOD: packet_done(d, c); break;
	case MMC_CHECK: packet_failed(d, c); break;
	case MMC_REPLY:
		memcpy(ch->buf, reply, io.len);
		ch->len = io.len;
		send(d, c);
		break;
	case MMC_READ:
		ch->lba = io.lba;
		ch->left = io.count;
		ch->cd_bytes = io.bytes;
		ch->cd_fields = io.fields;
		next_chunk(d, c);
		break;
	case MMC_PARAMS:
		ch->len = io.len;
		ch->wants = IDE_WANT_PARAMS;
		if (wants_dma(ch))
			ide_dma(d, c, ch->unit, false);
		else
			ide_pio_out(d, c, ch->unit, true);
		break;
	}
}

static void
params_arrived(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);

	ch->wants = IDE_WANT_SECTORS;
	if (wants_dma(ch))
		ide_dma_done(ch);
	if (mmc_params(&ch->drive[ch->unit].mmc, ch->cdb, ch->buf, ch->len) == MMC_GOOD)
		packet_done(d, c);
	else
		packet_failed(d, c);
}

void
atapi_cd_chunk_moved(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[ch->unit];

	if (v->command != CMD_PACKET) { /* identification was read */
		ch->xfer = IDE_XFER_NONE;
		v->status = ATA_STATUS_DRDY | ATA_STATUS_DSC;
		return;
	}
	if (ch->wants == IDE_WANT_PACKET) {
		memcpy(ch->cdb, ch->buf, PACKET_BYTES);
		set_block(ch);
		run_packet(d, c);
	} else if (ch->wants == IDE_WANT_PARAMS) {
		params_arrived(d, c);
	} else if (ch->left) {
		next_chunk(d, c);
	} else {
		if (wants_dma(ch))
			ide_dma_done(ch);
		packet_done(d, c);
	}
}

static void
packet(struct dev *d, unsigned c, unsigned unit)
{
	struct ide_channel *ch = channel(d, c);

	if (ch->drive[unit].feature[0] & 0x02) { /* overlapped */
		ide_fail(d, c, unit, ATA_ERROR_ABRT);
		return;
	}
	ch->wants = IDE_WANT_PACKET;
	ch->len = ch->block = PACKET_BYTES;
	ide_pio_out(d, c, unit, false);
}

static void
identify_packet(struct dev *d, unsigned c, unsigned unit)
{
	struct ide_channel *ch = channel(d, c);
	const struct ide_host *h = host(d, c);
	uint8_t *id = ch->buf;

	memset(id, 0, ATA_SECTOR);
	put_le16(id, 0x85c0); /* ATAPI, CD-ROM, removable, DRQ in 50 us, 12-byte packets */
	ata_put_string(id, 10, 10, h->serial[unit]);
	ata_put_string(id, 23, 4, LODGE_VERSION);
	ata_put_string(id, 27, 20, h->model[unit]);
	ata_identify_modes(&ch->drive[unit], id);
	put_le16(id + 2 * 80, 0x0070); /* ATA/ATAPI-4 to 6 */
	put_le16(id + 2 * 82, 0x4210); /* NOP, DEVICE RESET, packets */
	put_le16(id + 2 * 83, 0x4000);
	put_le16(id + 2 * 84, 0x4000);
	put_le16(id + 2 * 85, 0x4210);
	put_le16(id + 2 * 87, 0x4000);
	ch->len = ch->block = ATA_SECTOR;
	ch->left = ch->chunk = 0;
	ch->wants = IDE_WANT_SECTORS;
	ide_pio_in(d, c, unit);
}

static void
set_features(struct dev *d, unsigned c, unsigned unit)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];

	if (v->feature[0] == 0x03 ? ata_set_mode(v)
				  : v->feature[0] == 0x66 || v->feature[0] == 0xcc)
		ide_finish(d, c, unit);
	else
		ide_fail(d, c, unit, ATA_ERROR_ABRT);
}

void
atapi_cd_command(struct dev *d, unsigned c, unsigned unit)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];

	switch (v->command) {
	case CMD_DEVICE_RESET: /* ends without interrupt */
		atapi_cd_reset(d, c, unit, false);
		ide_set_signature(d, c, unit);
		break;
	case CMD_PACKET: packet(d, c, unit); break;
	case CMD_IDENTIFY_PACKET: identify_packet(d, c, unit); break;
	case 0xef: set_features(d, c, unit); break;
	case 0xe5: /* CHECK POWER MODE */
		v->count[0] = IDE_ACTIVE;
		ide_finish(d, c, unit);
		break;
	case 0xe0: /* STANDBY, IDLE… SLEEP: nothing turns */
	case 0xe1:
	case 0xe2:
	case 0xe3:
	case 0xe6: ide_finish(d, c, unit); break;
	case 0x20: /* READ SECTORS and */
	case 0xec: /* IDENTIFY DEVICE abort with the signature */
		ide_set_signature(d, c, unit);
		ide_fail(d, c, unit, ATA_ERROR_ABRT);
		break;
	default: ide_fail(d, c, unit, ATA_ERROR_ABRT); break;
	}
}

void
atapi_cd_reset(struct dev *d, unsigned c, unsigned unit, bool cold)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];

	v->heads = v->sectors = 1;
	if (!cold)
		return;
	v->mode = 0x22;
	mmc_reset(&v->mmc);
}
