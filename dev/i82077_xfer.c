/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The execution phases of the floppy controller that move data or look for sectors
 * (82077AA, 290166-007, §5.1): a sector passes under the head (timer), is read from the
 * back end, goes to the host by DMA or byte by byte, and so on until terminal count,
 * the end of the track, or an error.
 *
 * An image has sectors of 512 bytes numbered from 1 on each track, with the track's
 * cylinder and head in their IDs, all with normal data marks.  Formatting fills the
 * sectors that fit this and ignores others.
 */
#include "dev/i82077_impl.h"

#include "base/bits.h"
#include "dev/dev.h"

#include <errno.h>
#include <string.h>

#define RETRY_NS      50000    /* DMA controller not ready */
#define OVERRUN_NS    20000000 /* for so long */
#define BUSY_RETRY_NS 100000   /* an abandoned request still under way */
#define STEP_NS       50000
#define DMA_CHANNEL   2
#define SIZE_CODE     2 /* 512 bytes */
#define SPEC_ND       0x01
#define VERIFY_EC     0x80
#define RATE_300K     1
#define RATE_250K     2
#define SCAN_CHUNK    64u

enum { LOWER = 1, HIGHER };

static void move_data(struct dev *d);

static unsigned
drive_of(const struct i82077 *s)
{
	return s->cmd[1] & 3;
}

static bool
is_scan(const struct i82077 *s)
{
	return s->op >= FDC_OP_SCAN_EQUAL && s->op <= FDC_OP_SCAN_HIGH;
}

static bool
is_write(const struct i82077 *s)
{
	return s->op == FDC_OP_WRITE || s->op == FDC_OP_FORMAT;
}

static void
wait_for(struct dev *d, enum fdc_wait wait, int64_t ns)
{
	struct i82077 *s = d->state;

	s->wait = (uint8_t)wait;
	s->exec_at = d->env->now_ns(d) + ns;
}

/* ---- the end ---- */

static void
finish(struct dev *d)
{
	struct i82077 *s = d->state;

	s->res[0] = (uint8_t)((s->st0 & 0xf8) | s->head << 2 | drive_of(s));
	s->res[1] = s->st1;
	s->res[2] = s->st2;
	s->res[3] = s->c;
	s->res[4] = s->h;
	s->res[5] = s->r;
	s->res[6] = s->n;
	fdc_result(d, 7);
}

static void
fail(struct dev *d, uint8_t st1, uint8_t st2, int64_t ns)
{
	struct i82077 *s = d->state;

	s->st0 |= ST0_IC_ABNORMAL;
	s->st1 |= st1;
	s->st2 |= st2;
	wait_for(d, FDC_WAIT_END, ns);
}

void
fdc_abort(struct dev *d)
{
	struct i82077 *s = d->state;

	s->wait = FDC_WAIT_NONE;
	s->exec_at = FDC_NEVER;
	s->orphan = s->inflight;
}

/* ---- where the head is ---- */

/* The cylinder of the disk under the head; false: between two, or past the last. */
static bool
disk_cylinder(const struct i82077 *s, unsigned drive, unsigned *ret_cyl)
{
	const struct i82077_format *f = &s->drives[drive].format;
	unsigned t = s->track[drive];

	/* A 96 tpi drive steps twice for each track of a 48 tpi disk. */
	if (s->type[drive] == I82077_1200K && f->cylinders < 60) {
		if (t & 1)
			return false;
		t /= 2;
	}
	*ret_cyl = t;
	return t < f->cylinders;
}

static bool
rate_fits(const struct i82077 *s, unsigned drive)
{
	uint8_t rate = s->drives[drive].format.rate;

	/* It turns at 360 rpm, so 250k disks come at 300k. */
	if (s->type[drive] == I82077_1200K && rate == RATE_250K)
		rate = RATE_300K;
	return s->rate == rate;
}

/* Are there readable IDs on this track? */
static bool
track_readable(const struct i82077 *s, unsigned *ret_cyl)
{
	unsigned drive = drive_of(s);

	return fdc_spinning(s, drive) && rate_fits(s, drive) && (s->cmd[0] & CMD_MFM) &&
	       s->head < s->drives[drive].format.heads && disk_cylinder(s, drive, ret_cyl);
}

/* The byte in the image; false and flags for ST1 and ST2 when no ID matches. */
static bool
find_sector(struct i82077 *s, unsigned cyl, uint64_t *ret_off, uint8_t *ret_st2)
{
	const struct i82077_format *f = &s->drives[drive_of(s)].format;

	*ret_st2 = 0;
	if (s->c != cyl && s->op != FDC_OP_READ_TRACK)
		*ret_st2 = s->c == 0xff ? ST2_WC | ST2_BC : ST2_WC;
	if (*ret_st2 || s->n != SIZE_CODE || !s->r || s->r > f->sectors ||
	    (s->h != s->head && s->op != FDC_OP_READ_TRACK))
		return false;
	*ret_off = (((uint64_t)cyl * f->heads + s->head) * f->sectors + s->r - 1u) * FDC_SECTOR;
	return true;
}

/* ---- the back end ---- */

static void sector_done(struct dev *d);

static void
io_failed(struct dev *d, int result)
{
	if (result == -EROFS)
		fail(d, ST1_NW, 0, 0);
	else
		fail(d, ST1_DE, ST2_DD, 0);
}

static void
io_done(struct block_req *r, int result)
{
	struct dev *d = r->ctx;
	struct i82077 *s = d->state;

	s->inflight = 0;
	if (s->orphan) {
		s->orphan = 0;
		return;
	}
	if (s->phase != FDC_EXEC || s->wait != FDC_WAIT_IO)
		return;
	if (result < 0) {
		io_failed(d, result);
	} else if (is_write(s) || s->op == FDC_OP_VERIFY) {
		sector_done(d);
	} else {
		s->pos = 0;
		s->need = FDC_SECTOR;
		move_data(d);
	}
	fdc_update(d);
}

static void
submit(struct dev *d, enum block_op op, uint64_t off)
{
	struct i82077 *s = d->state;
	struct block *b = s->drives[drive_of(s)].blk;

	if (off + FDC_SECTOR > b->info.size) { /* the cut-off end of an image */
		if (op == BLOCK_WRITE) {
			fail(d, ST1_DE, ST2_DD, 0);
			return;
		}
		memset(s->buf, 0, sizeof(s->buf));
		s->pos = 0;
		s->need = FDC_SECTOR;
		if (s->op == FDC_OP_VERIFY)
			sector_done(d);
		else
			move_data(d);
		return;
	}
	s->iov = (struct iovec){ s->buf, FDC_SECTOR };
	s->req = (struct block_req){ .op = op,
		.off = off,
		.len = FDC_SECTOR,
		.iov = &s->iov,
		.niov = 1,
		.done = io_done,
		.ctx = d };
	s->wait = FDC_WAIT_IO;
	s->exec_at = FDC_NEVER;
	s->inflight = 1;
	block_submit(b, &s->req);
}

/* ---- one sector ---- */

/* Sectors of the track go by; Read ID takes the one that comes. */
static void
read_id(struct dev *d, unsigned cyl)
{
	struct i82077 *s = d->state;
	unsigned sectors = s->drives[drive_of(s)].format.sectors;

	s->c = (uint8_t)cyl;
	s->h = s->head;
	s->r = (uint8_t)(d->env->now_ns(d) / FDC_SECTOR_NS % sectors + 1);
	s->n = SIZE_CODE;
	finish(d);
}

/* The next ID, and whether the command ends with this one ("Result Phase Table", 5-6). */
static bool
advance_id(struct i82077 *s)
{
	if (s->r + s->step <= s->eot) {
		s->r = (uint8_t)(s->r + s->step);
		return false;
	}
	s->r = 1;
	if ((s->cmd[0] & CMD_MT) && s->op != FDC_OP_READ_TRACK) {
		s->h ^= 1;
		s->head ^= 1;
		if (s->head)
			return false;
	}
	s->c++;
	return true;
}

/* Is the condition of a scan met? Sets ST2. */
static bool
scan_met(struct i82077 *s)
{
	s->st2 &= (uint8_t) ~(ST2_SH | ST2_SN);
	if (!s->unlike) {
		s->st2 |= ST2_SH;
		return true;
	}
	if ((s->op == FDC_OP_SCAN_LOW && s->unlike == LOWER) ||
	    (s->op == FDC_OP_SCAN_HIGH && s->unlike == HIGHER))
		return true;
	s->st2 |= ST2_SN;
	return false;
}

static void
format_next(struct dev *d)
{
	struct i82077 *s = d->state;

	s->left--;
	if (!s->left || s->tc)
		finish(d);
	else
		wait_for(d, FDC_WAIT_SECTOR, FDC_SECTOR_NS);
}

static void
sector_done(struct dev *d)
{
	struct i82077 *s = d->state;
	bool stop = s->tc, at_end;

	if (s->op == FDC_OP_FORMAT) {
		format_next(d);
		return;
	}
	if (is_scan(s) && scan_met(s)) {
		finish(d); /* the ID is that of the sector found */
		return;
	}
	/* A sector with the other kind of mark was read: the last one. */
	if (s->st2 & ST2_CM)
		stop = true;
	if (s->op == FDC_OP_VERIFY && (s->cmd[1] & VERIFY_EC) && !--s->left)
		stop = true;
	at_end = advance_id(s);
	if (at_end && !stop && s->op != FDC_OP_VERIFY && s->op != FDC_OP_READ_TRACK &&
	    !is_scan(s)) {
		s->st0 |= ST0_IC_ABNORMAL;
		s->st1 |= ST1_EN;
	}
	if (at_end || stop)
		finish(d);
	else
		wait_for(d, FDC_WAIT_SECTOR, FDC_SECTOR_NS);
}

/* A sector that Read Deleted Data skips. */
static void
skip_sector(struct dev *d)
{
	struct i82077 *s = d->state;

	s->st2 |= ST2_CM;
	if (advance_id(s)) {
		fail(d, ST1_EN, 0, 0);
	} else {
		wait_for(d, FDC_WAIT_SECTOR, FDC_SECTOR_NS);
	}
}

static void
begin_sector(struct dev *d)
{
	struct i82077 *s = d->state;
	uint64_t off;
	unsigned cyl;
	uint8_t st2;

	if (s->inflight) {
		wait_for(d, FDC_WAIT_SECTOR, BUSY_RETRY_NS);
		return;
	}
	if (!track_readable(s, &cyl)) {
		fail(d, ST1_MA, 0, FDC_NO_ID_NS);
		return;
	}
	if (s->op == FDC_OP_READ_ID) {
		read_id(d, cyl);
		return;
	}
	if (is_write(s) && s->drives[drive_of(s)].blk->info.read_only) {
		fail(d, ST1_NW, 0, 0);
		return;
	}
	s->pos = 0;
	s->unlike = 0;
	if (s->op == FDC_OP_FORMAT) {
		s->need = 4;
		move_data(d);
		return;
	}
	if (!find_sector(s, cyl, &off, &st2)) {
		fail(d, ST1_ND, st2, FDC_NO_ID_NS);
		return;
	}
	/* Read Track goes on whatever the IDs are, and says that they differed. */
	if (s->op == FDC_OP_READ_TRACK && (s->c != cyl || s->h != s->head))
		s->st1 |= ST1_ND;
	if (s->op == FDC_OP_READ_DELETED && (s->cmd[0] & CMD_SK)) {
		skip_sector(d);
	} else if (s->op == FDC_OP_WRITE) {
		s->need = FDC_SECTOR;
		move_data(d);
	} else {
		if (s->op == FDC_OP_READ_DELETED)
			s->st2 |= ST2_CM;
		submit(d, BLOCK_READ, off);
	}
}

/* ---- between the sector buffer and the host ---- */

static void
format_sector(struct dev *d)
{
	struct i82077 *s = d->state;
	uint64_t off;
	unsigned cyl;
	uint8_t st2;

	if (!track_readable(s, &cyl)) {
		fail(d, ST1_MA, 0, FDC_NO_ID_NS);
		return;
	}
	s->c = s->buf[0];
	s->h = s->buf[1];
	s->r = s->buf[2];
	s->n = s->buf[3];
	if (!find_sector(s, cyl, &off, &st2)) {
		d->env->guest_error(d, "82077: formatted sector has no place in the image", s->r);
		format_next(d);
		return;
	}
	memset(s->buf, s->cmd[5], FDC_SECTOR);
	submit(d, BLOCK_WRITE, off);
}

static void
data_moved(struct dev *d)
{
	struct i82077 *s = d->state;
	uint64_t off;
	unsigned cyl;
	uint8_t st2;

	if (s->op == FDC_OP_FORMAT) {
		if (s->pos == s->need)
			format_sector(d);
		else
			finish(d);
	} else if (s->op == FDC_OP_WRITE) {
		memset(s->buf + s->pos, 0, FDC_SECTOR - s->pos); /* after an early TC: zeros */
		if (!track_readable(s, &cyl) || !find_sector(s, cyl, &off, &st2))
			fail(d, ST1_MA, 0, FDC_NO_ID_NS);
		else
			submit(d, BLOCK_WRITE, off);
	} else {
		sector_done(d);
	}
}

/* FFh from either side matches everything (§5.1.10). */
static void
scan_bytes(struct i82077 *s, const uint8_t *host, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint8_t disk = s->buf[s->pos + i];

		if (!s->unlike && disk != host[i] && disk != 0xff && host[i] != 0xff)
			s->unlike = disk < host[i] ? LOWER : HIGHER;
	}
}

static unsigned
dma_some(struct dev *d, bool *ret_tc)
{
	struct i82077 *s = d->state;
	unsigned want = s->need - s->pos, n;
	uint8_t host[SCAN_CHUNK];

	*ret_tc = false;
	if (!(s->dor & DOR_DMAGATE))
		return 0;
	if (!is_scan(s))
		return d->env->isa_dma(d, DMA_CHANNEL, s->buf + s->pos, want, !is_write(s), ret_tc);
	if (want > SCAN_CHUNK)
		want = SCAN_CHUNK;
	n = d->env->isa_dma(d, DMA_CHANNEL, host, want, false, ret_tc);
	scan_bytes(s, host, n);
	return n;
}

static void
dma_wait(struct dev *d)
{
	struct i82077 *s = d->state;
	int64_t now = d->env->now_ns(d);

	if (s->dma_since == FDC_NEVER)
		s->dma_since = now;
	if (now - s->dma_since >= OVERRUN_NS)
		fail(d, ST1_OR, 0, 0);
	else
		wait_for(d, FDC_WAIT_DATA, RETRY_NS);
}

static void
move_data(struct dev *d)
{
	struct i82077 *s = d->state;
	bool tc = false;

	s->wait = FDC_WAIT_DATA;
	s->exec_at = FDC_NEVER;
	if (s->specify[1] & SPEC_ND)
		return; /* through the FIFO */
	while (s->pos < s->need && !tc) {
		unsigned n = dma_some(d, &tc);

		if (!n) {
			dma_wait(d);
			return;
		}
		s->dma_since = FDC_NEVER;
		s->pos = (uint16_t)(s->pos + n);
	}
	if (tc)
		s->tc = 1;
	data_moved(d);
}

bool
fdc_pio_ready(const struct i82077 *s)
{
	return s->phase == FDC_EXEC && s->wait == FDC_WAIT_DATA && (s->specify[1] & SPEC_ND) &&
	       s->pos < s->need;
}

bool
fdc_pio_to_host(const struct i82077 *s)
{
	return !is_write(s) && !is_scan(s);
}

uint8_t
fdc_pio_read(struct dev *d)
{
	struct i82077 *s = d->state;
	uint8_t v = s->buf[s->pos++];

	if (s->pos == s->need)
		data_moved(d);
	return v;
}

void
fdc_pio_write(struct dev *d, uint8_t byte)
{
	struct i82077 *s = d->state;

	if (is_scan(s))
		scan_bytes(s, &byte, 1);
	else
		s->buf[s->pos] = byte;
	s->pos++;
	if (s->pos == s->need)
		data_moved(d);
}

/* ---- start ---- */

/* Implied seek (§4.2.2): the head goes to the cylinder of the command first. */
static int64_t
implied_seek(struct i82077 *s)
{
	unsigned drive = drive_of(s);
	int steps = (int)s->c - s->pcn[drive], to = s->track[drive] + steps;

	if (!(s->config & CONFIG_EIS) || s->op == FDC_OP_READ_ID || s->op == FDC_OP_FORMAT ||
	    drive >= I82077_DRIVES || !steps)
		return 0;
	s->track[drive] = (uint8_t)(to < 0 ? 0 : to > 84 ? 84 : to);
	s->pcn[drive] = s->c;
	if (s->drives[drive].blk)
		s->changed[drive] = 0;
	return (int64_t)(steps < 0 ? -steps : steps) * STEP_NS;
}

void
fdc_start_transfer(struct dev *d, enum fdc_op op)
{
	struct i82077 *s = d->state;

	s->op = (uint8_t)op;
	s->head = s->cmd[1] >> 2 & 1;
	s->st0 = s->st1 = s->st2 = 0;
	s->tc = 0;
	s->pos = s->need = 0;
	s->step = 1;
	s->left = 0;
	s->dma_since = FDC_NEVER;
	if (op == FDC_OP_FORMAT) {
		s->n = s->cmd[2];
		s->left = s->cmd[3];
	} else if (op != FDC_OP_READ_ID) {
		s->c = s->cmd[2];
		s->h = s->cmd[3];
		s->r = op == FDC_OP_READ_TRACK ? 1 : s->cmd[4];
		s->n = s->cmd[5];
		s->eot = s->cmd[6];
	}
	if (is_scan(s) && s->cmd[8] == 2)
		s->step = 2;
	if (op == FDC_OP_VERIFY)
		s->left = s->cmd[8];
	wait_for(d, FDC_WAIT_SECTOR, FDC_START_NS + implied_seek(s));
}

void
fdc_exec_timer(struct dev *d)
{
	struct i82077 *s = d->state;

	s->exec_at = FDC_NEVER;
	if (s->phase != FDC_EXEC)
		return;
	if (s->wait == FDC_WAIT_SECTOR)
		begin_sector(d);
	else if (s->wait == FDC_WAIT_DATA)
		move_data(d);
	else if (s->wait == FDC_WAIT_END)
		finish(d);
}
