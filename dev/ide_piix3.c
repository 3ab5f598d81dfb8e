/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82371SB (PIIX3) function 1: the IDE interface, 8086:7010.  Data sheet
 * 290550 (2.3, 2.6); bus master programming: "Programming Interface for Bus Master
 * IDE Controller", revision 1.0.
 *
 * The legacy ports follow the decode enables of IDETIM, which are set after reset
 * so that firmware that does not know the part finds its disks.  Timing registers
 * are storage.
 */
#include "dev/ide_channel.h"

#include "base/bits.h"
#include "base/err.h"
#include "dev/bus/pci.h"
#include "dev/types.h"

#include <errno.h>
#include <stdio.h>

#define IDE_COMMAND   0x04
#define IDE_IDETIM0   0x40
#define IDETIM_ENABLE 0x80 /* of the high byte */

#define BM_COMMAND 0
#define BM_STATUS  2
#define BM_TABLE   4
#define BM_START   0x01
#define BM_WRITE   0x08 /* to memory */
#define BM_ACTIVE  0x01
#define BM_ERROR   0x02
#define BM_IRQ     0x04
#define BM_KEPT    0x60 /* "drive can DMA", for software's use */
#define PRD_LAST   0x8000

static const uint16_t legacy_ports[4] = { 0x1f0, 0x3f6, 0x170, 0x376 };

/* ---- bus master ---- */

static void
dma_error(struct ide_channel *ch)
{
	ch->bm_status |= BM_ERROR;
	ch->bm_status &= (uint8_t)~BM_ACTIVE;
}

/* The next descriptor: 32-bit address, 16-bit count (0: 64 KiB), flags. The table does
 * not leave its 64 KiB. */
static bool
next_prd(struct dev *d, struct ide_channel *ch)
{
	uint8_t prd[8];

	if (ch->prd_last) { /* less memory than data: the drive waits for ever */
		ch->bm_status &= (uint8_t)~BM_ACTIVE;
		return false;
	}
	if (!d->env->dma_read(d, ch->bm_next, prd, sizeof(prd))) {
		dma_error(ch);
		return false;
	}
	ch->bm_next = (ch->bm_next & 0xffff0000u) | ((ch->bm_next + 8) & 0xffff);
	ch->prd_addr = get_le32(prd) & ~1u;
	ch->prd_left = get_le16(prd + 4) & ~1u;
	if (!ch->prd_left)
		ch->prd_left = 0x10000;
	ch->prd_last = (get_le16(prd + 6) & PRD_LAST) != 0;
	return true;
}

void
ide_dma_run(struct dev *d, unsigned c)
{
	struct ide_channel *ch = &((struct ide *)d->state)->ch[c];

	if (!ch->dma_ready || !(ch->bm_command & BM_START) || !(ch->bm_status & BM_ACTIVE))
		return;
	while (ch->pos < ch->len) {
		uint32_t n = ch->len - ch->pos;
		bool ok;

		if (!ch->prd_left && !next_prd(d, ch))
			return;
		if (n > ch->prd_left)
			n = ch->prd_left;
		if (ch->xfer == IDE_XFER_DMA_IN)
			ok = d->env->dma_write(d, ch->prd_addr, ch->buf + ch->pos, n);
		else
			ok = d->env->dma_read(d, ch->prd_addr, ch->buf + ch->pos, n);
		if (!ok) {
			dma_error(ch);
			return;
		}
		ch->prd_addr += n;
		ch->prd_left -= n;
		ch->pos += n;
	}
	ide_chunk_moved(d, c);
}

/* Active stays set when the descriptors had room for more (table 5 of the document). */
void
ide_dma_done(struct ide_channel *ch)
{
	if (!ch->prd_left && ch->prd_last)
		ch->bm_status &= (uint8_t)~BM_ACTIVE;
}

static uint64_t
bm_read(struct dev *d, uint32_t off, unsigned size)
{
	const struct ide_channel *ch = &((struct ide *)d->state)->ch[off >> 3];
	uint8_t regs[8] = { ch->bm_command, 0, ch->bm_status };

	put_le32(regs + BM_TABLE, ch->bm_table);
	return (off & 7) + size <= 8 ? get_le(regs + (off & 7), size) : bits_mask(size * 8);
}

static void
bm_write_command(struct dev *d, unsigned c, uint8_t val)
{
	struct ide_channel *ch = &((struct ide *)d->state)->ch[c];
	bool start = !(ch->bm_command & BM_START) && (val & BM_START);

	ch->bm_command = val & (BM_START | BM_WRITE);
	if (start) {
		ch->bm_next = ch->bm_table;
		ch->prd_left = 0;
		ch->prd_last = 0;
		ch->bm_status |= BM_ACTIVE;
		ide_dma_run(d, c);
	} else if (!(val & BM_START)) {
		ch->bm_status &= (uint8_t)~BM_ACTIVE;
	}
}

static void
bm_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	unsigned c = off >> 3;
	struct ide_channel *ch = &((struct ide *)d->state)->ch[c];

	for (unsigned i = off & 7; size-- && i < 8; i++, val >>= 8) {
		uint8_t v = (uint8_t)val;

		if (i == BM_COMMAND) {
			bm_write_command(d, c, v);
		} else if (i == BM_STATUS) {
			ch->bm_status = (uint8_t)((ch->bm_status & ~BM_KEPT) | (v & BM_KEPT));
			ch->bm_status &= (uint8_t) ~(v & (BM_ERROR | BM_IRQ));
		} else if (i >= BM_TABLE) {
			unsigned sh = (i - BM_TABLE) * 8;

			ch->bm_table = (ch->bm_table & ~(0xffu << sh)) | (uint32_t)v << sh;
			ch->bm_table &= ~3u;
		}
	}
}

/* ---- ports ---- */

#define CHANNEL_PORTS(c)                                                                           \
	static uint64_t cmd##c##_read(struct dev *d, uint32_t off, unsigned size)                  \
	{                                                                                          \
		return ide_cmd_read(d, c, off, size);                                              \
	}                                                                                          \
	static void cmd##c##_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)       \
	{                                                                                          \
		ide_cmd_write(d, c, off, size, val);                                               \
	}                                                                                          \
	static unsigned cmd##c##_read_many(                                                        \
	    struct dev *d, uint32_t off, unsigned size, void *dst, unsigned n)                     \
	{                                                                                          \
		return ide_data_read_many(d, c, off, size, dst, n);                                \
	}                                                                                          \
	static unsigned cmd##c##_write_many(                                                       \
	    struct dev *d, uint32_t off, unsigned size, const void *src, unsigned n)               \
	{                                                                                          \
		return ide_data_write_many(d, c, off, size, src, n);                               \
	}                                                                                          \
	static uint64_t ctl##c##_read(struct dev *d, uint32_t off, unsigned size)                  \
	{                                                                                          \
		return ide_ctl_read(d, c);                                                         \
	}                                                                                          \
	static void ctl##c##_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)       \
	{                                                                                          \
		ide_ctl_write(d, c, (uint8_t)val);                                                 \
	}
CHANNEL_PORTS(0)
CHANNEL_PORTS(1)
#undef CHANNEL_PORTS

static const struct dev_region regions[] = {
	[IDE_REGION_CMD0] = { "cmd0", DEV_REGION_PIO, 8, 1, 4, cmd0_read, cmd0_write,
	    cmd0_read_many, cmd0_write_many },
	[IDE_REGION_CTL0] = { "ctl0", DEV_REGION_PIO, 1, 1, 1, ctl0_read, ctl0_write, NULL, NULL },
	[IDE_REGION_CMD1] = { "cmd1", DEV_REGION_PIO, 8, 1, 4, cmd1_read, cmd1_write,
	    cmd1_read_many, cmd1_write_many },
	[IDE_REGION_CTL1] = { "ctl1", DEV_REGION_PIO, 1, 1, 1, ctl1_read, ctl1_write, NULL, NULL },
	[IDE_REGION_BM] = { "bm", DEV_REGION_PIO, 16, 1, 4, bm_read, bm_write, NULL, NULL },
};

/* ---- configuration space ---- */

static const uint8_t wmask[256] = {
	[0x40] = 0xff,
	[0x41] = 0xf3, /* IDETIM primary */
	[0x42] = 0xff,
	[0x43] = 0xf3, /* IDETIM secondary */
	[0x44] = 0xff, /* SIDETIM */
};

static void
map_legacy(struct dev *d)
{
	for (unsigned i = 0; i < ARRAY_SIZE(legacy_ports); i++) {
		bool on = d->pci_config[IDE_IDETIM0 + 1 + 2 * (i / 2)] & IDETIM_ENABLE;

		d->env->map(d, IDE_REGION_CMD0 + i, on ? legacy_ports[i] : DEV_UNMAPPED);
	}
}

static void
config_reset(struct dev *d, uint8_t *config)
{
	put_le16(config + 0x06, 0x0280);
	config[IDE_IDETIM0 + 1] = IDETIM_ENABLE;
	config[IDE_IDETIM0 + 3] = IDETIM_ENABLE;
}

static void
config_written(struct dev *d, unsigned off, unsigned size)
{
	d->pci_config[IDE_COMMAND] &= 0x05; /* I/O space and bus master */
	d->pci_config[IDE_COMMAND + 1] = 0;
	map_legacy(d);
}

/* ---- life ---- */

static int
attach_drive(struct dev *d, unsigned n, struct err *e)
{
	struct ide_host *h = &((struct ide *)d->state)->host[n / 2];
	unsigned u = n % 2;
	char name[32];
	const char *type;

	(void)snprintf(name, sizeof(name), "drive%u", n);
	h->block[u] = d->env->backend(d, name);
	(void)snprintf(name, sizeof(name), "drive%u_type", n);
	type = d->env->param_str(d, name, h->block[u] ? "disk" : "none");
	if (!strcmp(type, "cd"))
		h->kind[u] = IDE_CD;
	else if (!strcmp(type, "disk"))
		h->kind[u] = IDE_DISK;
	else if (strcmp(type, "none") != 0)
		return err_set(
		    e, EINVAL, "\"%s\" is not a kind of IDE drive (disk, cd, none)", type);
	if (h->kind[u] == IDE_DISK && !h->block[u])
		return err_set(e, EINVAL, "IDE disk %u has no image", n);
	if (h->kind[u] == IDE_NONE)
		h->block[u] = NULL;
	(void)snprintf(name, sizeof(name), "drive%u_cyls", n);
	h->cyls[u] = (uint32_t)d->env->param_u64(d, name, 0);
	(void)snprintf(name, sizeof(name), "drive%u_heads", n);
	h->heads[u] = (uint8_t)d->env->param_u64(d, name, 0);
	(void)snprintf(name, sizeof(name), "drive%u_sectors", n);
	h->sectors[u] = (uint8_t)d->env->param_u64(d, name, 0);
	if (h->heads[u] > 16 || h->sectors[u] > 63 || h->cyls[u] > 65535)
		return err_set(
		    e, EINVAL, "IDE disk %u: at most 65535 cylinders, 16 heads, 63 sectors", n);
	(void)snprintf(name, sizeof(name), "drive%u_serial", n);
	(void)snprintf(h->serial[u], sizeof(h->serial[u]), "%s", d->env->param_str(d, name, ""));
	if (!h->serial[u][0])
		(void)snprintf(h->serial[u], sizeof(h->serial[u]), "LD%05u", n + 1);
	(void)snprintf(name, sizeof(name), "drive%u_model", n);
	(void)snprintf(h->model[u], sizeof(h->model[u]), "%s",
	    d->env->param_str(
		d, name, h->kind[u] == IDE_CD ? "LODGE CD/DVD-ROM" : "LODGE HARDDISK"));
	return 0;
}

static int
create(struct dev *d, struct err *e)
{
	struct ide *s = d->state;

	for (unsigned n = 0; n < IDE_UNITS; n++) {
		struct ide_host *h = &s->host[n / 2];
		int r = attach_drive(d, n, e);

		if (r)
			return r;
		h->dev = d;
		s->ch[n / 2].block = ATA_SECTOR;
		s->ch[n / 2].drive[n % 2].heads = s->ch[n / 2].drive[n % 2].sectors = 1;
		if (h->kind[n % 2] == IDE_CD && h->block[n % 2])
			mmc_set_medium(&s->ch[n / 2].drive[n % 2].mmc, h->block[n % 2]->info.size);
	}
	return 0;
}

static void
reset(struct dev *d, enum dev_reset_kind kind)
{
	struct ide *s = d->state;

	for (unsigned c = 0; c < 2; c++) {
		struct ide_channel *ch = &s->ch[c];

		ch->bm_command = ch->bm_status = 0;
		ch->bm_table = ch->bm_next = 0;
		ch->prd_addr = ch->prd_left = 0;
		ch->prd_last = 0;
		ide_channel_reset(d, c, true);
	}
	map_legacy(d);
}

static bool
busy(struct dev *d)
{
	const struct ide *s = d->state;

	return s->host[0].inflight || s->host[1].inflight;
}

static int
loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct ide *s = d->state;

	for (unsigned c = 0; c < 2; c++) {
		if (!ide_channel_sane(&s->ch[c]))
			goto bad;
	}
	for (unsigned c = 0; c < 2; c++)
		d->env->output(d, c, s->ch[c].line != 0);
	map_legacy(d);
	return 0;
bad:
	reset(d, DEV_RESET_COLD); /* values that cannot be must not stay */
	for (unsigned c = 0; c < 2; c++) {
		s->ch[c].block = ATA_SECTOR;
		s->ch[c].pos = s->ch[c].len = s->ch[c].block_end = 0;
		for (unsigned u = 0; u < 2; u++)
			s->ch[c].drive[u].heads = s->ch[c].drive[u].sectors = 1;
	}
	return err_set(e, EINVAL, "%s: impossible transfer in the saved state", d->id);
}

bool
ide_media_locked(struct dev *d, unsigned unit)
{
	const struct ide *s = d->state;

	return unit < IDE_UNITS && s->ch[unit / 2].drive[unit % 2].mmc.locked;
}

int
ide_set_media(struct dev *d, unsigned unit, struct block *b)
{
	struct ide *s = d->state;
	struct ide_host *h;

	if (unit >= IDE_UNITS || s->host[unit / 2].kind[unit % 2] != IDE_CD)
		return -EINVAL;
	h = &s->host[unit / 2];
	if (h->inflight)
		return -EBUSY;
	h->block[unit % 2] = b;
	mmc_set_medium(&s->ch[unit / 2].drive[unit % 2].mmc, b ? b->info.size : 0);
	return 0;
}

static const struct pci_ident ident = {
	.vendor = 0x8086,
	.device = 0x7010,
	.sub_vendor = 0x1af4,
	.sub_device = 0x1100,
	.class_code = 0x010180, /* bus master, both channels in legacy mode */
	.irq_output = PCI_NO_OUTPUT,
	.bars = { [4] = { PCI_BAR_IO, IDE_REGION_BM } },
	.rom_region = -1,
	.config_reset = config_reset,
	.config_written = config_written,
	.wmask = wmask,
};

#define AT(name, member, size, count)                                                              \
	{                                                                                          \
		name, offsetof(struct ide, member), size, count, 1                                 \
	}
#define ONE(c, m)  AT("ch" #c "." #m, ch[c].m, sizeof(((struct ide *)0)->ch[c].m), 1)
#define MANY(c, m) AT("ch" #c "." #m, ch[c].m, 1, sizeof(((struct ide *)0)->ch[c].m))
#define DRV(c, u, m)                                                                               \
	AT("ch" #c ".drive" #u "." #m, ch[c].drive[u].m,                                           \
	    sizeof(((struct ide *)0)->ch[c].drive[u].m), 1)
#define PAIR(c, u, m) AT("ch" #c ".drive" #u "." #m, ch[c].drive[u].m, 1, 2)
#define DRIVE(c, u)                                                                                \
	PAIR(c, u, feature), PAIR(c, u, count), PAIR(c, u, lba0), PAIR(c, u, lba1),                \
	    PAIR(c, u, lba2), DRV(c, u, device), DRV(c, u, error), DRV(c, u, status),              \
	    DRV(c, u, command), DRV(c, u, irq), DRV(c, u, multiple), DRV(c, u, mode),              \
	    DRV(c, u, write_cache), DRV(c, u, look_ahead), DRV(c, u, power), DRV(c, u, smart_off), \
	    DRV(c, u, heads), DRV(c, u, sectors), DRV(c, u, pad), DRV(c, u, cyls),                 \
	    DRV(c, u, pad2), DRV(c, u, read_errors), DRV(c, u, write_errors),                      \
	    AT("ch" #c ".drive" #u ".mmc", ch[c].drive[u].mmc, 1, sizeof(struct mmc))
#define CHANNEL(c)                                                                                 \
	DRIVE(c, 0), DRIVE(c, 1), ONE(c, control), ONE(c, select), ONE(c, xfer), ONE(c, unit),     \
	    ONE(c, line), ONE(c, dma_ready), ONE(c, wants), MANY(c, cdb), ONE(c, pad),             \
	    ONE(c, pos), ONE(c, len), ONE(c, block_end), ONE(c, block), ONE(c, left),              \
	    ONE(c, chunk), ONE(c, cd_bytes), ONE(c, lba), ONE(c, cd_fields), ONE(c, bm_command),   \
	    ONE(c, bm_status), ONE(c, prd_last), ONE(c, bm_table), ONE(c, bm_next),                \
	    ONE(c, prd_addr), ONE(c, prd_left), ONE(c, pad2), MANY(c, buf)

static const struct dev_field fields[] = {
	CHANNEL(0),
	CHANNEL(1),
	DEV_TRANSIENT(struct ide, host),
};

static const char *const output_names[] = { "irq14", "irq15" };

const struct dev_type ide_piix3_type = {
	.name = "piix3_ide",
	.regions = regions,
	.nregions = ARRAY_SIZE(regions),
	.noutputs = ARRAY_SIZE(output_names),
	.output_names = output_names,
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.state_size = sizeof(struct ide),
	.state_version = 1,
	.pci = &ident,
	.create = create,
	.reset = reset,
	.busy = busy,
	.loaded = loaded,
};
