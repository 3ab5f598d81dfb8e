/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ATA task file (ATA/ATAPI-6 chapters 7 and 9): registers of two drives on one
 * cable, interrupts, PIO data, resets.
 *
 * A drive that is not there reads as zeros and takes no commands.
 */
#include "dev/ide_channel.h"

#include "base/bits.h"
#include "base/log.h"

#define REG_DATA         0
#define REG_ERROR        1 /* read; features written */
#define REG_COUNT        2
#define REG_LBA0         3
#define REG_LBA1         4
#define REG_LBA2         5
#define REG_DEVICE       6
#define REG_STATUS       7 /* read; command written */
#define CMD_DEVICE_RESET 0x08
#define CMD_DIAGNOSTIC   0x90
#define DEVICE_ONES      0xa0
#define BM_STATUS_IRQ    0x04

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

void
ide_update_irq(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);
	const struct ide_drive *v = &ch->drive[ch->select];
	bool line = v->irq && !(ch->control & ATA_CTL_NIEN) && host(d, c)->kind[ch->select];

	if (line && !ch->line)
		ch->bm_status |= BM_STATUS_IRQ;
	ch->line = line;
	d->env->output(d, c, line);
}

void
ide_finish(struct dev *d, unsigned c, unsigned unit)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[unit];

	ch->xfer = IDE_XFER_NONE;
	ch->dma_ready = 0;
	v->error = 0;
	v->status = ATA_STATUS_DRDY | ATA_STATUS_DSC;
	v->irq = 1;
	ide_update_irq(d, c);
}

void
ide_fail(struct dev *d, unsigned c, unsigned unit, uint8_t error)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[unit];

	trace(TRACE_IDE, "%s: %u.%u command %02x fails: %02x", d->id, c, unit, v->command, error);
	ch->xfer = IDE_XFER_NONE;
	ch->dma_ready = 0;
	v->error = error;
	v->status = ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_ERR;
	v->irq = 1;
	ide_update_irq(d, c);
}

/* ---- PIO ---- */

static void
begin_block(struct dev *d, unsigned c, bool irq)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[ch->unit];
	uint32_t n = ch->len - ch->pos;

	if (n > ch->block)
		n = ch->block;
	ch->block_end = ch->pos + n;
	if (host(d, c)->kind[ch->unit] == IDE_CD) {
		v->count[0] = ch->xfer == IDE_XFER_PIO_IN ? ATAPI_IO : 0;
		if (ch->wants == IDE_WANT_PACKET && ch->xfer == IDE_XFER_PIO_OUT) {
			v->count[0] = ATAPI_COD;
		} else {
			v->lba1[0] = (uint8_t)n;
			v->lba2[0] = (uint8_t)(n >> 8);
		}
	}
	v->status = ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_DRQ;
	if (irq)
		v->irq = 1;
	ide_update_irq(d, c);
}

void
ide_pio_in(struct dev *d, unsigned c, unsigned unit)
{
	struct ide_channel *ch = channel(d, c);

	ch->xfer = IDE_XFER_PIO_IN;
	ch->unit = (uint8_t)unit;
	ch->pos = 0;
	begin_block(d, c, true);
}

void
ide_pio_out(struct dev *d, unsigned c, unsigned unit, bool irq)
{
	struct ide_channel *ch = channel(d, c);

	ch->xfer = IDE_XFER_PIO_OUT;
	ch->unit = (uint8_t)unit;
	ch->pos = 0;
	begin_block(d, c, irq);
}

void
ide_dma(struct dev *d, unsigned c, unsigned unit, bool to_memory)
{
	struct ide_channel *ch = channel(d, c);

	ch->xfer = to_memory ? IDE_XFER_DMA_IN : IDE_XFER_DMA_OUT;
	ch->unit = (uint8_t)unit;
	ch->pos = 0;
	ch->dma_ready = 1;
	ch->drive[unit].status = ATA_STATUS_DRDY | ATA_STATUS_DSC | ATA_STATUS_DRQ;
	ide_dma_run(d, c);
}

void
ide_chunk_moved(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);

	ch->dma_ready = 0;
	ch->drive[ch->unit].status &= (uint8_t)~ATA_STATUS_DRQ;
	if (host(d, c)->kind[ch->unit] == IDE_CD)
		atapi_cd_chunk_moved(d, c);
	else
		ata_disk_chunk_moved(d, c);
}

/* How many bytes the data port can move now, in direction `xfer`. */
static uint32_t
port_room(const struct ide_channel *ch, enum ide_xfer xfer)
{
	if (ch->xfer != xfer || ch->unit != ch->select ||
	    !(ch->drive[ch->unit].status & ATA_STATUS_DRQ))
		return 0;
	return ch->block_end - ch->pos;
}

static void
port_moved(struct dev *d, unsigned c, uint32_t n)
{
	struct ide_channel *ch = channel(d, c);

	ch->pos += n;
	if (ch->pos < ch->block_end)
		return;
	if (ch->pos < ch->len)
		begin_block(d, c, true);
	else
		ide_chunk_moved(d, c);
}

unsigned
ide_data_read_many(struct dev *d, unsigned c, uint32_t off, unsigned size, void *dst, unsigned n)
{
	struct ide_channel *ch = channel(d, c);
	uint32_t room = port_room(ch, IDE_XFER_PIO_IN), want = n * size;

	if (off != REG_DATA) {
		put_le(dst, size, ide_cmd_read(d, c, off, size));
		return 1;
	}
	if (!room) {
		memset(dst, 0xff, want);
		return n;
	}
	if (want > room) { /* whole elements; the last one may be half beyond the end */
		n = (room + size - 1) / size;
		want = n * size;
		memset((uint8_t *)dst + want - size, 0, size);
	}
	if (want < room)
		room = want;
	memcpy(dst, ch->buf + ch->pos, room);
	port_moved(d, c, room);
	return n;
}

unsigned
ide_data_write_many(
    struct dev *d, unsigned c, uint32_t off, unsigned size, const void *src, unsigned n)
{
	struct ide_channel *ch = channel(d, c);
	uint32_t room = port_room(ch, IDE_XFER_PIO_OUT), want = n * size;

	if (off != REG_DATA) {
		ide_cmd_write(d, c, off, size, get_le(src, size));
		return 1;
	}
	if (!room)
		return n;
	if (want > room) {
		n = (room + size - 1) / size;
		want = n * size;
	}
	if (want < room)
		room = want;
	memcpy(ch->buf + ch->pos, src, room);
	port_moved(d, c, room);
	return n;
}

/* ---- commands and back-end requests ---- */

static void
run_command(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[ch->unit];

	v->error = 0;
	v->status = ATA_STATUS_DRDY | ATA_STATUS_DSC;
	if (host(d, c)->kind[ch->unit] == IDE_CD)
		atapi_cd_command(d, c, ch->unit);
	else
		ata_disk_command(d, c, ch->unit);
}

/* What the drives were doing is forgotten; a request under way ends unheard. */
static void
give_up(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_host *h = host(d, c);

	if (h->inflight)
		h->stale = true;
	h->deferred = false;
	ch->drive[0].status &= (uint8_t) ~(ATA_STATUS_BSY | ATA_STATUS_DRQ);
	ch->drive[1].status &= (uint8_t) ~(ATA_STATUS_BSY | ATA_STATUS_DRQ);
	ch->xfer = IDE_XFER_NONE;
	ch->dma_ready = 0;
	ch->wants = IDE_WANT_SECTORS;
}

static void
diagnostic(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_host *h = host(d, c);

	if (!h->kind[0] && !h->kind[1])
		return;
	give_up(d, c);
	ch->select = 0;
	for (unsigned u = 0; u < 2; u++) {
		ide_set_signature(d, c, u);
		ch->drive[u].irq = 1;
	}
	ide_update_irq(d, c);
}

static void
write_command(struct dev *d, unsigned c, uint8_t cmd)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_host *h = host(d, c);
	struct ide_drive *v = &ch->drive[ch->select];

	trace(TRACE_IDE, "%s: %u.%u command %02x (%02x %02x %02x %02x %02x %02x)", d->id, c,
	    ch->select, cmd, v->feature[0], v->count[0], v->lba0[0], v->lba1[0], v->lba2[0],
	    v->device);
	ch->control &= (uint8_t)~ATA_CTL_HOB;
	if (cmd == CMD_DIAGNOSTIC) {
		diagnostic(d, c);
		return;
	}
	if (!h->kind[ch->select])
		return;
	if ((v->status & ATA_STATUS_BSY) &&
	    !(cmd == CMD_DEVICE_RESET && h->kind[ch->select] == IDE_CD)) {
		d->env->guest_error(d, "command while busy", cmd);
		return;
	}
	give_up(d, c);
	v->command = cmd;
	v->irq = 0;
	ide_update_irq(d, c);
	ch->unit = ch->select;
	if (h->inflight) { /* the buffer is still in use */
		h->deferred = true;
		v->status = ATA_STATUS_BSY;
		return;
	}
	run_command(d, c);
}

static void
request_done(struct block_req *r, int result)
{
	struct ide_host *h = r->ctx;
	struct dev *d = h->dev;
	unsigned c = (unsigned)(h - ((struct ide *)d->state)->host);
	struct ide_channel *ch = channel(d, c);

	h->inflight = false;
	if (h->stale) {
		h->stale = false;
		if (h->deferred) {
			h->deferred = false;
			run_command(d, c);
		}
		return;
	}
	if (result)
		trace(TRACE_IDE, "%s: %u.%u back end: %d", d->id, c, ch->unit, result);
	if (h->kind[ch->unit] == IDE_CD)
		atapi_cd_io_done(d, c, result);
	else
		ata_disk_io_done(d, c, result);
}

void
ide_io(struct dev *d, unsigned c, unsigned unit, enum block_op op, uint64_t off, uint32_t at,
    uint32_t len)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_host *h = host(d, c);
	bool has_data = op == BLOCK_READ || op == BLOCK_WRITE;

	ch->unit = (uint8_t)unit;
	ch->drive[unit].status = ATA_STATUS_BSY;
	h->iov = (struct iovec){ ch->buf + at, len };
	h->req = (struct block_req){ .op = op,
		.off = off,
		.len = len,
		.iov = has_data ? &h->iov : NULL,
		.niov = has_data,
		.done = request_done,
		.ctx = h };
	h->inflight = true;
	block_submit(h->block[unit], &h->req);
}

/* ---- resets ---- */

/* ATA/ATAPI-6, 9.12: how software tells the kinds apart. */
void
ide_set_signature(struct dev *d, unsigned c, unsigned unit)
{
	struct ide_drive *v = &channel(d, c)->drive[unit];
	bool cd = host(d, c)->kind[unit] == IDE_CD;

	v->count[0] = v->lba0[0] = 1;
	v->lba1[0] = cd ? 0x14 : 0;
	v->lba2[0] = cd ? 0xeb : 0;
	v->device = DEVICE_ONES;
	v->error = 1; /* diagnostic code: passed */
	v->status = cd ? 0 : ATA_STATUS_DRDY | ATA_STATUS_DSC;
}

void
ide_channel_reset(struct dev *d, unsigned c, bool cold)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_host *h = host(d, c);

	give_up(d, c);
	ch->select = 0;
	if (cold)
		ch->control = 0;
	for (unsigned u = 0; u < 2; u++) {
		ch->drive[u].irq = 0;
		if (h->kind[u] == IDE_CD)
			atapi_cd_reset(d, c, u, cold);
		else if (h->kind[u] == IDE_DISK)
			ata_disk_reset(d, c, u, cold);
		ide_set_signature(d, c, u);
	}
	ide_update_irq(d, c);
}

/* ---- registers ---- */

static uint8_t
read_reg(struct dev *d, unsigned c, uint32_t off)
{
	struct ide_channel *ch = channel(d, c);
	struct ide_drive *v = &ch->drive[ch->select];
	unsigned hob = ch->control & ATA_CTL_HOB ? 1 : 0;

	if (!host(d, c)->kind[ch->select])
		return 0;
	switch (off) {
	case REG_ERROR: return hob ? v->feature[1] : v->error;
	case REG_COUNT: return v->count[hob];
	case REG_LBA0: return v->lba0[hob];
	case REG_LBA1: return v->lba1[hob];
	case REG_LBA2: return v->lba2[hob];
	case REG_DEVICE: return v->device | DEVICE_ONES;
	default: break;
	}
	v->irq = 0; /* reading the status acknowledges the interrupt */
	ide_update_irq(d, c);
	return v->status;
}

static void
push_reg(uint8_t reg[2], uint8_t val)
{
	reg[1] = reg[0];
	reg[0] = val;
}

/* Both drives hear every write; a busy one does not listen. */
static void
write_reg(struct dev *d, unsigned c, uint32_t off, uint8_t val)
{
	struct ide_channel *ch = channel(d, c);

	ch->control &= (uint8_t)~ATA_CTL_HOB;
	for (unsigned u = 0; u < 2; u++) {
		struct ide_drive *v = &ch->drive[u];

		if (v->status & ATA_STATUS_BSY)
			continue;
		switch (off) {
		case REG_ERROR: push_reg(v->feature, val); break;
		case REG_COUNT: push_reg(v->count, val); break;
		case REG_LBA0: push_reg(v->lba0, val); break;
		case REG_LBA1: push_reg(v->lba1, val); break;
		case REG_LBA2: push_reg(v->lba2, val); break;
		case REG_DEVICE: v->device = val | DEVICE_ONES; break;
		default: break;
		}
	}
	if (off == REG_DEVICE) {
		ch->select = val & ATA_DEV_SECOND ? 1 : 0;
		ide_update_irq(d, c);
	}
}

uint64_t
ide_cmd_read(struct dev *d, unsigned c, uint32_t off, unsigned size)
{
	uint64_t v = 0;

	if (off == REG_DATA) {
		uint8_t b[4];

		ide_data_read_many(d, c, off, size, b, 1);
		return get_le(b, size);
	}
	for (unsigned i = 0; i < size && off + i <= REG_STATUS; i++)
		v |= (uint64_t)read_reg(d, c, off + i) << (8 * i);
	return v;
}

void
ide_cmd_write(struct dev *d, unsigned c, uint32_t off, unsigned size, uint64_t val)
{
	if (off == REG_DATA) {
		uint8_t b[4];

		put_le(b, size, val);
		ide_data_write_many(d, c, off, size, b, 1);
		return;
	}
	for (unsigned i = 0; i < size && off + i <= REG_STATUS; i++, val >>= 8) {
		if (off + i == REG_STATUS)
			write_command(d, c, (uint8_t)val);
		else
			write_reg(d, c, off + i, (uint8_t)val);
	}
}

/* The alternate status does not acknowledge. */
uint64_t
ide_ctl_read(struct dev *d, unsigned c)
{
	struct ide_channel *ch = channel(d, c);

	return host(d, c)->kind[ch->select] ? ch->drive[ch->select].status : 0;
}

void
ide_ctl_write(struct dev *d, unsigned c, uint8_t val)
{
	struct ide_channel *ch = channel(d, c);
	uint8_t old = ch->control;

	ch->control = val & (ATA_CTL_NIEN | ATA_CTL_SRST | ATA_CTL_HOB);
	if (!(old & ATA_CTL_SRST) && (val & ATA_CTL_SRST)) {
		give_up(d, c);
		for (unsigned u = 0; u < 2; u++) {
			ch->drive[u].status = ATA_STATUS_BSY;
			ch->drive[u].irq = 0;
		}
	} else if ((old & ATA_CTL_SRST) && !(val & ATA_CTL_SRST)) {
		ide_channel_reset(d, c, false);
	}
	ide_update_irq(d, c);
}

/* Loaded values that are used as indices or divisors. */
static bool
drive_sane(const struct ide_drive *v)
{
	return v->multiple <= IDE_MULTIPLE_MAX && v->heads && v->heads <= 16 && v->sectors;
}

/* The borders of the DRQ block mean something in PIO only, and all of them only while
 * something moves. */
static bool
borders_sane(const struct ide_channel *ch)
{
	if (ch->len > IDE_BUF)
		return false;
	if (ch->xfer == IDE_XFER_PIO_IN || ch->xfer == IDE_XFER_PIO_OUT)
		return ch->pos <= ch->block_end && ch->block_end <= ch->len;
	if (ch->xfer == IDE_XFER_DMA_IN || ch->xfer == IDE_XFER_DMA_OUT)
		return ch->pos <= ch->len;
	return !ch->dma_ready;
}

static bool
transfer_sane(const struct ide_channel *ch)
{
	return borders_sane(ch) && ch->chunk <= IDE_BUF_SECTORS && ch->cd_bytes <= MMC_SECTOR_RAW &&
	       ch->block && !(ch->prd_left & ~0x1ffffu);
}

bool
ide_channel_sane(const struct ide_channel *ch)
{
	return drive_sane(&ch->drive[0]) && drive_sane(&ch->drive[1]) && transfer_sane(ch) &&
	       ch->select < 2 && ch->unit < 2 && ch->xfer <= IDE_XFER_LAST &&
	       ch->wants <= IDE_WANT_LAST;
}
