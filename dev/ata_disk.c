/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An ATA hard disk: ATA/ATAPI-6 commands (with the LBA48 ones), DATA SET MANAGEMENT
 * of ATA8-ACS, CHS translation of ATA-1 for old systems.  One table of commands.
 */
#include "base/bits.h"
#include "dev/ide_channel.h"

#include <errno.h>

#define F_EXT    0x01 /* 48-bit address and count */
#define F_WRITE  0x02
#define F_DMA    0x04
#define F_MULTI  0x08
#define F_VERIFY 0x10

#define SMART_KEY1      0x4f
#define SMART_KEY2      0xc2
#define SMART_BAD1      0xf4
#define SMART_BAD2      0x2c
#define TRIM_MAX_BLOCKS 8u
#define HOUR_NS         3600000000000ll

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

static uint64_t
total_sectors(struct dev *d, unsigned c, unsigned unit)
{
	return host(d, c)->block[unit]->info.size / ATA_SECTOR;
}

struct ata_cmd {
	void (*fn)(struct dev *d, unsigned c, unsigned unit, unsigned flags);
	uint8_t flags;
};
static const struct ata_cmd commands[256];

/* ---- addresses ---- */

/* The default translation: what BIOSes expect of a disk of this size. */
static void
default_geometry(struct dev *d, unsigned c, unsigned unit, struct ide_drive *v)
{
	const struct ide_host *h = host(d, c);
	uint64_t cyls;

	v->heads = h->heads[unit] ? h->heads[unit] : 16;
	v->sectors = h->sectors[unit] ? h->sectors[unit] : 63;
	cyls = h->cyls[unit];
	if (!cyls)
		cyls = total_sectors(d, c, unit) / ((uint64_t)v->heads * v->sectors);
	v->cyls = (uint16_t)(cyls < 1 ? 1 : cyls > 16383 ? 16383 : cyls);
}

static bool
get_lba(const struct ide_drive *v, unsigned flags, uint64_t *ret_lba)
{
	uint64_t low = v->lba0[0] | (uint64_t)v->lba1[0] << 8 | (uint64_t)v->lba2[0] << 16;
	uint32_t cyl = v->lba1[0] | (uint32_t)v->lba2[0] << 8, head = v->device & 15;

	if (flags & F_EXT) {
		*ret_lba = low | (uint64_t)v->lba0[1] << 24 | (uint64_t)v->lba1[1] << 32 |
		           (uint64_t)v->lba2[1] << 40;
		return true;
	}
	if (v->device & ATA_DEV_LBA) {
		*ret_lba = low | (uint64_t)head << 24;
		return true;
	}
	if (!v->lba0[0] || v->lba0[0] > v->sectors || head >= v->heads)
		return false;
	*ret_lba = ((uint64_t)cyl * v->heads + head) * v->sectors + v->lba0[0] - 1;
	return true;
}

static void
put_lba(struct ide_drive *v, unsigned flags, uint64_t lba)
{
	if (!(flags & F_EXT) && !(v->device & ATA_DEV_LBA)) {
		uint64_t cyl = lba / ((uint32_t)v->heads * v->sectors);

		v->device = (uint8_t)((v->device & 0xf0) | (lba / v->sectors % v->heads));
		v->lba0[0] = (uint8_t)(lba % v->sectors + 1);
		v->lba1[0] = (uint8_t)cyl;
		v->lba2[0] = (uint8_t)(cyl >> 8);
		return;
	}
	v->lba0[0] = (uint8_t)lba;
	v->lba1[0] = (uint8_t)(lba >> 8);
	v->lba2[0] = (uint8_t)(lba >> 16);
	if (flags & F_EXT) {
		v->lba0[1] = (uint8_t)(lba >> 24);
		v->lba1[1] = (uint8_t)(lba >> 32);
		v->lba2[1] = (uint8_t)(lba >> 40);
	} else {
		v->device = (uint8_t)((v->device & 0xf0) | (lba >> 24 & 15));
	}
}

static uint32_t
get_count(const struct ide_drive *v, unsigned flags)
{
	uint32_t n = v->count[0];

	if (!(flags & F_EXT))
		return n ? n : 256;
	n |= (uint32_t)v->count[1] << 8;
	return n ? n : 65536;
}

/* ---- reads and writes ---- */

static void
next_chunk(struct dev *d, unsigned c, bool first)
{
	struct ide_channel *ch = channel(d, c);
	unsigned flags = commands[ch->drive[ch->unit].command].flags;
	uint32_t n = ch->left < IDE_BUF_SECTORS ? ch->left : IDE_BUF_SECTORS;

	ch->chunk = n;
	ch->left -= n;
	ch->len = n * ATA_SECTOR;
	if (!(flags & F_WRITE))
		ide_io(d, c, ch->unit, BLOCK_READ, ch->lba * ATA_SECTOR, 0, ch->len);
	else if (flags & F_DMA)
		ide_dma(d, c, ch->unit, false);
	else
		ide_pio_out(d, c, ch->unit, !first);
}

static void
start_transfer(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[unit];
	uint32_t count = get_count(v, flags);
	uint64_t total = total_sectors(d, c, unit), lba;

	v->power = IDE_ACTIVE;
	if ((flags & F_MULTI) && !v->multiple) {
		ide_fail(d, c, unit, ATA_ERROR_ABRT);
		return;
	}
	if (!get_lba(v, flags, &lba) || lba >= total || count > total - lba) {
		ide_fail(d, c, unit, ATA_ERROR_IDNF);
		return;
	}
	if ((flags & F_WRITE) && host(d, c)->block[unit]->info.read_only) {
		ide_fail(d, c, unit, ATA_ERROR_WP | ATA_ERROR_ABRT);
		return;
	}
	ch->unit = (uint8_t)unit;
	ch->wants = IDE_WANT_SECTORS;
	ch->lba = lba;
	ch->left = count;
	ch->block = flags & F_MULTI ? v->multiple * ATA_SECTOR : ATA_SECTOR;
	next_chunk(d, c, true);
}

static void
transfer_finished(struct dev *d, unsigned c, unsigned flags)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[ch->unit];

	put_lba(v, flags, ch->lba - 1);
	v->count[0] = v->count[1] = 0;
	if (flags & F_DMA)
		ide_dma_done(ch);
	if (!(flags & (F_WRITE | F_DMA | F_VERIFY))) { /* the last block had its interrupt */
		ch->xfer = IDE_XFER_NONE;
		v->status = ATA_STATUS_DRDY | ATA_STATUS_DSC;
		return;
	}
	ide_finish(d, c, ch->unit);
}

static void
chunk_finished(struct dev *d, unsigned c, unsigned flags)
{
	struct ide_channel *ch = channel(d, c);

	ch->lba += ch->chunk;
	if (ch->left) {
		next_chunk(d, c, false);
	} else if ((flags & F_WRITE) && !ch->drive[ch->unit].write_cache && ch->chunk) {
		ch->chunk = 0; /* tells the flush from the write */
		ide_io(d, c, ch->unit, BLOCK_FLUSH, 0, 0, 0);
	} else {
		transfer_finished(d, c, flags);
	}
}

static void
transfer_failed(struct dev *d, unsigned c, unsigned flags, int result)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[ch->unit];

	if (!(flags & (F_WRITE | F_MULTI)) && ch->chunk > 1) {
		/* one by one, so that the host gets all before the bad sector and its address */
		ch->left += ch->chunk - 1;
		ch->chunk = 1;
		ch->len = ATA_SECTOR;
		ide_io(d, c, ch->unit, BLOCK_READ, ch->lba * ATA_SECTOR, 0, ch->len);
		return;
	}
	put_lba(v, flags, ch->lba);
	if (flags & F_WRITE) {
		v->write_errors++;
		ide_fail(d, c, ch->unit, ATA_ERROR_ABRT);
		v->status |= ATA_STATUS_DF;
	} else {
		v->read_errors++;
		ide_fail(d, c, ch->unit, ATA_ERROR_UNC);
	}
}

/* ---- identification ---- */

void
ata_put_string(uint8_t *id, unsigned word, unsigned words, const char *s)
{
	for (unsigned i = 0; i < words * 2; i++)
		id[(word * 2 + i) ^ 1] = *s ? (uint8_t)*s++ : ' ';
}

static void
put_word(uint8_t *id, unsigned word, uint32_t v)
{
	put_le16(id + 2 * word, (uint16_t)v);
}

/* Words 49, 53, 62..68, 88: PIO 4, multiword DMA 2, Ultra DMA 5. */
void
ata_identify_modes(const struct ide_drive *v, uint8_t *id)
{
	unsigned kind = v->mode >> 3, n = v->mode & 7;

	put_word(id, 49, 0x0f00); /* DMA, LBA, IORDY */
	put_word(id, 51, 0x0200);
	put_word(id, 53, 0x0007);
	put_word(id, 63, 0x07 | (kind == 4 ? 0x100u << n : 0));
	put_word(id, 64, 0x0003);
	for (unsigned w = 65; w <= 68; w++)
		put_word(id, w, 120); /* ns a cycle */
	put_word(id, 88, 0x3f | (kind == 8 ? 0x100u << n : 0));
	put_word(id, 93, 0x604b); /* 80-wire cable, drive 0, passed */
}

bool
ata_set_mode(struct ide_drive *v)
{
	unsigned kind = v->count[0] >> 3, n = v->count[0] & 7;
	bool ok = false;

	if (kind == 0)
		ok = n <= 1; /* default, with or without IORDY */
	else if (kind == 1)
		ok = n <= 4;
	else if (kind == 4)
		ok = n <= 2;
	else if (kind == 8)
		ok = n <= 5;
	if (ok && kind >= 4)
		v->mode = v->count[0];
	return ok;
}

static void
identify_features(const struct ide_drive *v, uint8_t *id, bool can_trim)
{
	uint16_t on = 0x4009; /* NOP, power management, SMART */

	put_word(id, 80, 0x00f0); /* ATA/ATAPI-4 to 7 */
	put_word(id, 82, 0x4069); /* with write cache and look-ahead */
	put_word(id, 83, 0x7400); /* FLUSH CACHE (EXT), LBA48 */
	put_word(id, 84, 0x4000);
	if (v->smart_off)
		on &= (uint16_t)~1u;
	on |= (uint16_t)((v->write_cache ? 0x20 : 0) | (v->look_ahead ? 0x40 : 0));
	put_word(id, 85, on);
	put_word(id, 86, 0x3400);
	put_word(id, 87, 0x4000);
	if (can_trim) {
		put_word(id, 105, TRIM_MAX_BLOCKS);
		put_word(id, 169, 1);
	}
}

static void
identify(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	struct ide_channel *ch = channel(d, c);
	const struct ide_host *h = host(d, c);
	struct ide_drive *v = &ch->drive[unit], native = *v;
	uint64_t total = total_sectors(d, c, unit);
	uint32_t lba28 = total > 0x0fffffff ? 0x0fffffff : (uint32_t)total;
	uint32_t chs;
	uint8_t *id = ch->buf;

	memset(id, 0, ATA_SECTOR);
	default_geometry(d, c, unit, &native);
	put_word(id, 0, 0x0040); /* fixed */
	put_word(id, 1, native.cyls);
	put_word(id, 3, native.heads);
	put_word(id, 4, native.sectors * ATA_SECTOR);
	put_word(id, 5, ATA_SECTOR);
	put_word(id, 6, native.sectors);
	ata_put_string(id, 10, 10, h->serial[unit]);
	put_word(id, 20, 3);
	put_word(id, 21, IDE_BUF_SECTORS);
	put_word(id, 22, 4);
	ata_put_string(id, 23, 4, LODGE_VERSION);
	ata_put_string(id, 27, 20, h->model[unit]);
	put_word(id, 47, 0x8000 | IDE_MULTIPLE_MAX);
	put_word(id, 48, 1); /* 32-bit accesses to the data port */
	ata_identify_modes(v, id);
	put_word(id, 50, 0x4000);
	put_word(id, 54, v->cyls);
	put_word(id, 55, v->heads);
	put_word(id, 56, v->sectors);
	chs = (uint32_t)v->cyls * v->heads * v->sectors;
	put_le32(id + 2 * 57, chs);
	put_word(id, 59, v->multiple ? 0x0100 | v->multiple : 0);
	put_le32(id + 2 * 60, lba28);
	identify_features(v, id, h->block[unit]->info.can_discard);
	put_le64(id + 2 * 100, total);
	ch->len = ch->block = ATA_SECTOR;
	ch->left = ch->chunk = 0;
	ide_pio_in(d, c, unit);
}

/* ---- commands without data ---- */

static void
done(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	ide_finish(d, c, unit);
}

static void
seek(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];
	uint64_t lba;

	v->power = IDE_ACTIVE;
	if (!get_lba(v, flags, &lba) || lba >= total_sectors(d, c, unit))
		ide_fail(d, c, unit, ATA_ERROR_IDNF);
	else
		ide_finish(d, c, unit);
}

static void
init_params(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];
	uint64_t cyls;

	if (!v->count[0] || v->count[0] > 63) {
		ide_fail(d, c, unit, ATA_ERROR_ABRT);
		return;
	}
	v->heads = (uint8_t)((v->device & 15) + 1);
	v->sectors = v->count[0];
	cyls = total_sectors(d, c, unit) / ((uint32_t)v->heads * v->sectors);
	v->cyls = (uint16_t)(cyls > 65535 ? 65535 : cyls);
	ide_finish(d, c, unit);
}

static void
set_multiple(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];

	if (v->count[0] > IDE_MULTIPLE_MAX || (v->count[0] & (v->count[0] - 1))) {
		v->multiple = 0;
		ide_fail(d, c, unit, ATA_ERROR_ABRT);
		return;
	}
	v->multiple = v->count[0];
	ide_finish(d, c, unit);
}

static void
set_features(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];
	bool ok = true;

	switch (v->feature[0]) {
	case 0x02: v->write_cache = 1; break;
	case 0x03: ok = ata_set_mode(v); break;
	case 0x55: v->look_ahead = 0; break;
	case 0x66: /* keep or */
	case 0xcc: /* revert settings at a soft reset: they are kept */ break;
	case 0x82: v->write_cache = 0; break;
	case 0xaa: v->look_ahead = 1; break;
	default: ok = false; break;
	}
	if (!ok)
		ide_fail(d, c, unit, ATA_ERROR_ABRT);
	else if (v->feature[0] == 0x82) /* what was cached goes out first */
		ide_io(d, c, unit, BLOCK_FLUSH, 0, 0, 0);
	else
		ide_finish(d, c, unit);
}

static void
flush(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	ide_io(d, c, unit, BLOCK_FLUSH, 0, 0, 0);
}

static void
power(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];
	unsigned cmd = v->command & 15;

	if (v->command < 0xe0) /* 94h..99h are the same as E0h..E3h, E5h, E6h */
		cmd = cmd == 8 ? 5 : cmd == 9 ? 6 : cmd - 4;
	switch (cmd) {
	case 0: /* STANDBY IMMEDIATE */
	case 2: v->power = IDE_STANDBY; break;
	case 1: /* IDLE IMMEDIATE */
	case 3: v->power = IDE_IDLE; break;
	case 5: v->count[0] = v->power == IDE_SLEEP ? IDE_STANDBY : v->power; break;
	default: v->power = IDE_SLEEP; break;
	}
	ide_finish(d, c, unit);
}

static void
read_native_max(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];
	uint64_t last = total_sectors(d, c, unit) - 1;

	if (!(v->device & ATA_DEV_LBA) && !(flags & F_EXT)) {
		ide_fail(d, c, unit, ATA_ERROR_ABRT);
		return;
	}
	if (!(flags & F_EXT) && last > 0x0ffffffe)
		last = 0x0ffffffe;
	put_lba(v, flags, last);
	ide_finish(d, c, unit);
}

/* ---- DATA SET MANAGEMENT: TRIM ---- */

static void
data_set_management(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[unit];
	uint32_t n = v->count[0] | (uint32_t)v->count[1] << 8;

	if (v->feature[0] != 1 || !n || n > TRIM_MAX_BLOCKS ||
	    !host(d, c)->block[unit]->info.can_discard) {
		ide_fail(d, c, unit, ATA_ERROR_ABRT);
		return;
	}
	ch->unit = (uint8_t)unit;
	ch->left = ch->chunk = 0;
	ch->len = n * ATA_SECTOR;
	ide_dma(d, c, unit, false);
}

/* The ranges wait in buf, 8 bytes each: 48-bit address, 16-bit length; pos is the next. */
static void
trim_next(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);
	uint64_t total = total_sectors(d, c, ch->unit);

	for (; ch->pos + 8 <= ch->len; ch->pos += 8) {
		uint64_t range = get_le64(ch->buf + ch->pos);
		uint64_t lba = range & bits_mask(48), n = range >> 48;

		if (!n)
			continue;
		if (lba >= total || n > total - lba) {
			ide_fail(d, c, ch->unit, ATA_ERROR_IDNF | ATA_ERROR_ABRT);
			return;
		}
		ch->pos += 8;
		ch->block_end = ch->len;
		ide_io(
		    d, c, ch->unit, BLOCK_DISCARD, lba * ATA_SECTOR, 0, (uint32_t)(n * ATA_SECTOR));
		return;
	}
	ide_dma_done(ch);
	ide_finish(d, c, ch->unit);
}

/* ---- SMART: what is known is real, and little ---- */

static const struct {
	uint8_t id, threshold;
	uint16_t flags;
} smart_attrs[] = {
	{ 0x01, 50, 0x000b }, /* read error rate */
	{ 0x05, 10, 0x0033 }, /* reallocated sectors: none */
	{ 0x09, 0, 0x0032 },  /* power-on hours */
	{ 0x0c, 0, 0x0032 },  /* power cycles */
	{ 0xc5, 0, 0x0032 },  /* pending sectors */
	{ 0xc6, 0, 0x0030 },  /* uncorrectable sectors */
	{ 0xc8, 50, 0x000b }, /* write error rate */
};

static uint32_t
smart_raw(struct dev *d, const struct ide_drive *v, uint8_t id)
{
	switch (id) {
	case 0x01:
	case 0xc6: return v->read_errors;
	case 0x09: return (uint32_t)(d->env->now_ns(d) / HOUR_NS);
	case 0x0c: return 1;
	case 0xc8: return v->write_errors;
	default: return 0;
	}
}

static uint8_t
smart_value(struct dev *d, const struct ide_drive *v, uint8_t id)
{
	uint32_t raw = smart_raw(d, v, id);

	if (id == 0x09 || id == 0x0c)
		return 100;
	return (uint8_t)(raw > 99 ? 1 : 100 - raw);
}

static void
smart_page(struct dev *d, unsigned c, unsigned unit, bool thresholds)
{
	struct ide_channel *ch = channel(d, c);
	const struct ide_drive *v = &ch->drive[unit];
	uint8_t *p = ch->buf, sum = 0;

	memset(p, 0, ATA_SECTOR);
	put_word(p, 0, 0x0010);
	for (unsigned i = 0; i < ARRAY_SIZE(smart_attrs); i++) {
		uint8_t *a = p + 2 + 12 * i;

		a[0] = smart_attrs[i].id;
		if (thresholds) {
			a[1] = smart_attrs[i].threshold;
			continue;
		}
		put_le16(a + 1, smart_attrs[i].flags);
		a[3] = a[4] = smart_value(d, v, a[0]);
		put_le32(a + 5, smart_raw(d, v, a[0]));
	}
	if (!thresholds)
		put_le16(p + 368, 0x0003); /* saves attributes */
	for (unsigned i = 0; i < ATA_SECTOR - 1; i++)
		sum += p[i];
	p[ATA_SECTOR - 1] = (uint8_t)-sum;
	ch->len = ch->block = ATA_SECTOR;
	ch->left = ch->chunk = 0;
	ide_pio_in(d, c, unit);
}

static bool
smart_failing(struct dev *d, const struct ide_drive *v)
{
	for (unsigned i = 0; i < ARRAY_SIZE(smart_attrs); i++) {
		if (smart_value(d, v, smart_attrs[i].id) < smart_attrs[i].threshold)
			return true;
	}
	return false;
}

static void
smart(struct dev *d, unsigned c, unsigned unit, unsigned flags)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];
	bool bad;

	if (v->lba1[0] != SMART_KEY1 || v->lba2[0] != SMART_KEY2 ||
	    (v->smart_off && v->feature[0] != 0xd8)) {
		ide_fail(d, c, unit, ATA_ERROR_ABRT);
		return;
	}
	switch (v->feature[0]) {
	case 0xd0: /* READ DATA */
	case 0xd1: smart_page(d, c, unit, v->feature[0] == 0xd1); return;
	case 0xd2:        /* autosave */
	case 0xd3: break; /* save attributes */
	case 0xd8: v->smart_off = 0; break;
	case 0xd9: v->smart_off = 1; break;
	case 0xda:
		bad = smart_failing(d, v);
		v->lba1[0] = bad ? SMART_BAD1 : SMART_KEY1;
		v->lba2[0] = bad ? SMART_BAD2 : SMART_KEY2;
		break;
	default: ide_fail(d, c, unit, ATA_ERROR_ABRT); return;
	}
	ide_finish(d, c, unit);
}

/* ---- the table ---- */

#define RW(op, f) [op] = { start_transfer, f }

static const struct ata_cmd commands[256] = {
	[0x06] = { data_set_management, F_EXT | F_DMA | F_WRITE },
	[0x10 ... 0x1f] = { done, 0 }, /* RECALIBRATE */
	RW(0x20, 0),
	RW(0x21, 0),
	RW(0x24, F_EXT),
	RW(0x25, F_EXT | F_DMA),
	[0x27] = { read_native_max, F_EXT },
	RW(0x29, F_EXT | F_MULTI),
	RW(0x30, F_WRITE),
	RW(0x31, F_WRITE),
	RW(0x34, F_WRITE | F_EXT),
	RW(0x35, F_WRITE | F_EXT | F_DMA),
	RW(0x39, F_WRITE | F_EXT | F_MULTI),
	RW(0x3c, F_WRITE), /* WRITE VERIFY */
	RW(0x40, F_VERIFY),
	RW(0x41, F_VERIFY),
	RW(0x42, F_VERIFY | F_EXT),
	[0x70 ... 0x7f] = { seek, 0 },
	[0x91] = { init_params, 0 },
	[0x94 ... 0x99] = { power, 0 },
	[0xb0] = { smart, 0 },
	RW(0xc4, F_MULTI),
	RW(0xc5, F_MULTI | F_WRITE),
	[0xc6] = { set_multiple, 0 },
	RW(0xc8, F_DMA),
	RW(0xc9, F_DMA),
	RW(0xca, F_DMA | F_WRITE),
	RW(0xcb, F_DMA | F_WRITE),
	[0xe0 ... 0xe3] = { power, 0 },
	[0xe5 ... 0xe6] = { power, 0 },
	[0xe7] = { flush, 0 },
	[0xea] = { flush, F_EXT },
	[0xec] = { identify, 0 },
	[0xef] = { set_features, 0 },
	[0xf8] = { read_native_max, 0 },
};

void
ata_disk_command(struct dev *d, unsigned c, unsigned unit)
{
	const struct ata_cmd *cmd = &commands[channel(d, c)->drive[unit].command];

	if (cmd->fn)
		cmd->fn(d, c, unit, cmd->flags);
	else
		ide_fail(d, c, unit, ATA_ERROR_ABRT);
}

/* Is the running command one that start_transfer() began? */
static bool
is_transfer(const struct ide_channel *ch)
{
	return commands[ch->drive[ch->unit].command].fn == start_transfer;
}

void
ata_disk_chunk_moved(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[ch->unit];
	unsigned flags = commands[v->command].flags;

	if (commands[v->command].fn == data_set_management) {
		ch->pos = 0;
		trim_next(d, c);
	} else if (!is_transfer(ch)) { /* a page from memory was read */
		ch->xfer = IDE_XFER_NONE;
		v->status = ATA_STATUS_DRDY | ATA_STATUS_DSC;
	} else if (flags & F_WRITE) {
		ide_io(d, c, ch->unit, BLOCK_WRITE, ch->lba * ATA_SECTOR, 0, ch->len);
	} else {
		chunk_finished(d, c, flags);
	}
}

void
ata_disk_io_done(struct dev *d, unsigned c, int result)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[ch->unit];
	unsigned flags = commands[v->command].flags;

	if (commands[v->command].fn == data_set_management && !result) {
		trim_next(d, c);
	} else if (!is_transfer(ch)) {
		if (result)
			ide_fail(d, c, ch->unit, ATA_ERROR_ABRT);
		else
			ide_finish(d, c, ch->unit);
	} else if (result) {
		transfer_failed(d, c, flags, result);
	} else if (flags & (F_WRITE | F_VERIFY)) {
		chunk_finished(d, c, flags);
	} else if (flags & F_DMA) {
		ide_dma(d, c, ch->unit, true);
	} else {
		ide_pio_in(d, c, ch->unit);
	}
}

void
ata_disk_reset(struct dev *d, unsigned c, unsigned unit, bool cold)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];

	v->power = IDE_ACTIVE;
	if (!cold) /* settings survive a soft reset */
		return;
	v->multiple = 0;
	v->mode = 0x22; /* multiword DMA 2 */
	v->write_cache = 1;
	v->look_ahead = 1;
	v->smart_off = 0;
	default_geometry(d, c, unit, v);
}
