/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 82077AA CHMOS single-chip floppy disk controller (Intel 290166-007; chapter numbers are
 * its): registers, command and result phases, and the commands without data.  Data
 * transfers are in i82077_xfer.c, disk formats in i82077_media.c.
 *
 * Regions: 3F0h–3F5h; 3F7h.  Output 0: IRQ 6.  DMA channel 2.  Back ends: "drive0",
 * "drive1".  Params: "type0", "type1": the drives (CMOS codes, enum i82077_drive_type); when
 * not given, by the disk inserted, else a 1.44M drive and none.
 *
 * Times have the right order and are about 30 times shorter than a real drive's, so
 * that a floppy boot takes a second or two and nothing comes before it can be awaited.
 *
 * Left out: the tape drive, precompensation and power-down bits (kept, without
 * effect), FM (no media), sectors of other sizes than 512 bytes.
 */
#include "dev/i82077_impl.h"

#include "base/bits.h"
#include "dev/types.h"

#include <string.h>

#define RESET_NS     50000
#define SEEK_BASE_NS 500000
#define STEP_NS      50000
#define TRACK_MAX    84u /* where a drive's head stops */
#define RECAL_STEPS  79u /* §5.2.5 */
#define NS_LIMIT     (INT64_MAX / 4)

enum { REG_SRA, REG_SRB, REG_DOR, REG_TDR, REG_MSR, REG_FIFO };
enum { TIMER_SEEK0, TIMER_EXEC = 4, TIMER_RESET, NTIMERS };
enum { CMD_BYTES_MAX = 9 };

#define DOR_DRIVE 0x03
#define DSR_RESET 0x80
#define MSR_RQM   0x80
#define MSR_DIO   0x40
#define MSR_NDM   0x20
#define MSR_CB    0x10
#define SPEC_ND   0x01
#define VERSION   0x90

struct fdc_command {
	uint8_t mask, value;
	uint8_t nbytes; /* with the command byte */
	void (*run)(struct dev *d);
	int8_t op; /* a transfer, else -1 */
};

static bool
drive_exists(const struct i82077 *s, unsigned drive)
{
	return drive < I82077_DRIVES && s->type[drive] != I82077_NONE;
}

bool
fdc_spinning(const struct i82077 *s, unsigned drive)
{
	return drive_exists(s, drive) && s->drives[drive].blk && (s->dor & (0x10u << drive));
}

static bool
write_protected(const struct i82077 *s, unsigned drive)
{
	/* Without a disk nothing covers the sensor's hole. */
	return drive_exists(s, drive) && s->drives[drive].blk &&
	       s->drives[drive].blk->info.read_only;
}

/* ---- interrupt and timers ---- */

void
fdc_update(struct dev *d)
{
	struct i82077 *s = d->state;
	bool irq = s->irq || s->seek_done || (fdc_pio_ready(s) && s->phase == FDC_EXEC);

	d->env->output(d, 0, irq && (s->dor & DOR_DMAGATE) && (s->dor & DOR_NRESET));
	for (unsigned i = 0; i < 4; i++)
		d->env->timer_arm(d, TIMER_SEEK0 + i, s->seek_at[i]);
	d->env->timer_arm(d, TIMER_EXEC, s->exec_at);
	d->env->timer_arm(d, TIMER_RESET, s->reset_at);
}

static void
idle(struct i82077 *s)
{
	s->phase = FDC_COMMAND;
	s->ncmd = 0;
}

void
fdc_result(struct dev *d, unsigned nres)
{
	struct i82077 *s = d->state;

	s->phase = FDC_RESULT;
	s->wait = FDC_WAIT_NONE;
	s->exec_at = FDC_NEVER;
	s->nres = (uint8_t)nres;
	s->res_pos = 0;
	s->irq = 1;
}

/* A result without interrupt: commands that have no execution phase. */
static void
quick_result(struct dev *d, unsigned nres)
{
	struct i82077 *s = d->state;

	fdc_result(d, nres);
	s->irq = 0;
}

static void
run_invalid(struct dev *d)
{
	struct i82077 *s = d->state;

	s->res[0] = ST0_INVALID;
	quick_result(d, 1);
}

/* ---- reset ---- */

/* §4.4: what both resets do; the FIFO's set-up stays when locked. */
static void
controller_reset(struct dev *d)
{
	struct i82077 *s = d->state;

	fdc_abort(d);
	idle(s);
	s->nres = s->res_pos = 0;
	s->irq = 0;
	s->seek_done = 0;
	s->reset_left = 0;
	for (unsigned i = 0; i < 4; i++) {
		s->seek_at[i] = FDC_NEVER;
		s->pcn[i] = 0;
	}
	s->perp &= 0x3c;
	if (!s->lock) {
		s->config = CONFIG_NOFIFO;
		s->pretrk = 0;
	} else {
		s->config &= (uint8_t) ~(CONFIG_EIS | CONFIG_NOPOLL);
	}
	s->reset_at = FDC_NEVER;
}

static void
leave_reset(struct dev *d)
{
	struct i82077 *s = d->state;

	s->reset_at = d->env->now_ns(d) + RESET_NS;
}

/* Drive polling finds all four drives "changed" (§5.2.7). */
static void
reset_timer(struct dev *d)
{
	struct i82077 *s = d->state;

	s->reset_at = FDC_NEVER;
	s->reset_left = 4;
	s->irq = 1;
}

/* ---- seeks ---- */

static void
seek_end(struct dev *d, unsigned drive)
{
	struct i82077 *s = d->state;

	s->seek_at[drive] = FDC_NEVER;
	s->seek_done |= (uint8_t)(1u << drive);
}

/* Moves the head by `steps`; the change line falls when there is a disk. */
static void
start_seek(struct dev *d, unsigned drive, int steps, uint8_t pcn, uint8_t st0)
{
	struct i82077 *s = d->state;
	int to = s->track[drive] + steps;

	if (drive_exists(s, drive)) {
		s->track[drive] = (uint8_t)(to < 0 ? 0 : to > (int)TRACK_MAX ? (int)TRACK_MAX : to);
		if (s->drives[drive].blk)
			s->changed[drive] = 0;
	}
	s->pcn[drive] = pcn;
	s->seek_st0[drive] = (uint8_t)(ST0_SE | st0 | drive);
	s->seek_done &= (uint8_t) ~(1u << drive);
	s->seek_at[drive] =
	    d->env->now_ns(d) + SEEK_BASE_NS + (int64_t)(steps < 0 ? -steps : steps) * STEP_NS;
	idle(s);
}

static void
run_recalibrate(struct dev *d)
{
	struct i82077 *s = d->state;
	unsigned drive = s->cmd[1] & 3, steps = s->track[drive];
	uint8_t st0 = 0;

	if (steps > RECAL_STEPS)
		steps = RECAL_STEPS;
	/* Track 0 was not found: too far away, or no drive that could say so. */
	if (steps < s->track[drive] || !drive_exists(s, drive))
		st0 = ST0_IC_ABNORMAL | ST0_EC;
	start_seek(d, drive, -(int)steps, 0, st0);
}

static void
run_seek(struct dev *d)
{
	struct i82077 *s = d->state;
	unsigned drive = s->cmd[1] & 3;

	start_seek(d, drive, (int)s->cmd[2] - s->pcn[drive], s->cmd[2], s->cmd[1] & 4);
}

static void
run_relative_seek(struct dev *d)
{
	struct i82077 *s = d->state;
	unsigned drive = s->cmd[1] & 3;
	int steps = s->cmd[0] & 0x40 ? s->cmd[2] : -(int)s->cmd[2];

	start_seek(d, drive, steps, (uint8_t)(s->pcn[drive] + steps), s->cmd[1] & 4);
}

static void
run_sense_interrupt(struct dev *d)
{
	struct i82077 *s = d->state;
	unsigned drive;

	if (s->reset_left) {
		drive = 4u - s->reset_left;
		s->reset_left--;
		s->res[0] = (uint8_t)(ST0_POLLED | drive);
		s->res[1] = s->pcn[drive];
	} else if (s->seek_done) {
		drive = (unsigned)__builtin_ctz(s->seek_done);
		s->seek_done &= (uint8_t) ~(1u << drive);
		s->res[0] = s->seek_st0[drive];
		s->res[1] = s->pcn[drive];
	} else {
		run_invalid(d);
		return;
	}
	quick_result(d, 2);
}

/* ---- other commands without data ---- */

static void
run_specify(struct dev *d)
{
	struct i82077 *s = d->state;

	s->specify[0] = s->cmd[1];
	s->specify[1] = s->cmd[2];
	idle(s);
}

static void
run_sense_drive(struct dev *d)
{
	struct i82077 *s = d->state;
	unsigned drive = s->cmd[1] & 3;

	/* §5.2.8: READY and two-sided read as ones */
	s->res[0] = (uint8_t)(0x28 | (s->cmd[1] & 7));
	if (write_protected(s, drive))
		s->res[0] |= 0x40;
	if (drive_exists(s, drive) && !s->track[drive])
		s->res[0] |= 0x10;
	quick_result(d, 1);
}

static void
run_dumpreg(struct dev *d)
{
	struct i82077 *s = d->state;

	memcpy(s->res, s->pcn, 4);
	s->res[4] = s->specify[0];
	s->res[5] = s->specify[1];
	s->res[6] = s->last_eot;
	s->res[7] = (uint8_t)((s->lock ? 0x80 : 0) | (s->perp & 0x3f));
	s->res[8] = s->config;
	s->res[9] = s->pretrk;
	quick_result(d, 10);
}

static void
run_version(struct dev *d)
{
	struct i82077 *s = d->state;

	s->res[0] = VERSION;
	quick_result(d, 1);
}

static void
run_perpendicular(struct dev *d)
{
	struct i82077 *s = d->state;

	if (s->cmd[1] & 0x80) /* OW: the drive bits are written too */
		s->perp = s->cmd[1] & 0x3f;
	else
		s->perp = (uint8_t)((s->perp & 0x3c) | (s->cmd[1] & 3));
	idle(s);
}

static void
run_configure(struct dev *d)
{
	struct i82077 *s = d->state;

	s->config = s->cmd[2] & 0x7f;
	s->pretrk = s->cmd[3];
	idle(s);
}

static void
run_lock(struct dev *d)
{
	struct i82077 *s = d->state;

	s->lock = s->cmd[0] >> 7;
	s->res[0] = (uint8_t)(s->lock << 4);
	quick_result(d, 1);
}

/* Table 5-1; MT, MFM and SK are left out of the masks where they may be set. */
static const struct fdc_command commands[] = {
	{ 0x9f, 0x02, 9, NULL, FDC_OP_READ_TRACK },
	{ 0xff, 0x03, 3, run_specify, -1 },
	{ 0xff, 0x04, 2, run_sense_drive, -1 },
	{ 0x3f, 0x05, 9, NULL, FDC_OP_WRITE },
	{ 0x1f, 0x06, 9, NULL, FDC_OP_READ },
	{ 0xff, 0x07, 2, run_recalibrate, -1 },
	{ 0xff, 0x08, 1, run_sense_interrupt, -1 },
	{ 0x3f, 0x09, 9, NULL, FDC_OP_WRITE },
	{ 0xbf, 0x0a, 2, NULL, FDC_OP_READ_ID },
	{ 0x1f, 0x0c, 9, NULL, FDC_OP_READ_DELETED },
	{ 0xbf, 0x0d, 6, NULL, FDC_OP_FORMAT },
	{ 0xff, 0x0e, 1, run_dumpreg, -1 },
	{ 0xff, 0x0f, 3, run_seek, -1 },
	{ 0xbf, 0x8f, 3, run_relative_seek, -1 },
	{ 0xff, 0x10, 1, run_version, -1 },
	{ 0x1f, 0x11, 9, NULL, FDC_OP_SCAN_EQUAL },
	{ 0xff, 0x12, 2, run_perpendicular, -1 },
	{ 0xff, 0x13, 4, run_configure, -1 },
	{ 0x7f, 0x14, 1, run_lock, -1 },
	{ 0x1f, 0x16, 9, NULL, FDC_OP_VERIFY },
	{ 0x1f, 0x19, 9, NULL, FDC_OP_SCAN_LOW },
	{ 0x1f, 0x1d, 9, NULL, FDC_OP_SCAN_HIGH },
};

static const struct fdc_command *
find_command(uint8_t byte)
{
	static const struct fdc_command invalid = { 0, 0, 1, run_invalid, -1 };

	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if ((byte & commands[i].mask) == commands[i].value)
			return &commands[i];
	}
	return &invalid;
}

static void
command_byte(struct dev *d, uint8_t byte)
{
	struct i82077 *s = d->state;
	const struct fdc_command *c;

	s->cmd[s->ncmd++] = byte;
	c = find_command(s->cmd[0]);
	if (s->ncmd < c->nbytes)
		return;
	s->irq = 0;
	/* A new command drops what Sense Interrupt was not asked for after a reset. */
	if (c->run != run_sense_interrupt)
		s->reset_left = 0;
	if (c->run) {
		c->run(d);
	} else {
		s->phase = FDC_EXEC;
		if (c->nbytes > 2)
			s->last_eot = s->cmd[c->nbytes == 9 ? 6 : 3];
		fdc_start_transfer(d, (enum fdc_op)c->op);
	}
}

/* ---- registers ---- */

static uint8_t
main_status(const struct i82077 *s)
{
	uint8_t v = 0;

	if (!(s->dor & DOR_NRESET))
		return 0;
	for (unsigned i = 0; i < 4; i++) {
		if (s->seek_at[i] != FDC_NEVER || (s->seek_done & (1u << i)))
			v |= (uint8_t)(1u << i);
	}
	if (s->phase == FDC_COMMAND)
		return v | MSR_RQM | (s->ncmd ? MSR_CB : 0);
	v |= MSR_CB;
	if (s->phase == FDC_RESULT)
		return v | MSR_RQM | MSR_DIO;
	if (s->specify[1] & SPEC_ND)
		v |= MSR_NDM;
	if (fdc_pio_ready(s))
		v |= fdc_pio_to_host(s) ? MSR_RQM | MSR_DIO : MSR_RQM;
	return v;
}

static uint8_t
fifo_read(struct dev *d)
{
	struct i82077 *s = d->state;
	uint8_t v;

	if (s->phase == FDC_EXEC && fdc_pio_ready(s) && fdc_pio_to_host(s))
		return fdc_pio_read(d);
	if (s->phase != FDC_RESULT)
		return 0xff;
	s->irq = 0;
	v = s->res[s->res_pos++];
	if (s->res_pos >= s->nres)
		idle(s);
	return v;
}

static void
fifo_write(struct dev *d, uint8_t byte)
{
	struct i82077 *s = d->state;

	if (!(s->dor & DOR_NRESET))
		return;
	if (s->phase == FDC_COMMAND)
		command_byte(d, byte);
	else if (s->phase == FDC_EXEC && fdc_pio_ready(s) && !fdc_pio_to_host(s))
		fdc_pio_write(d, byte);
	else
		d->env->guest_error(d, "82077: byte written in the wrong phase", byte);
}

static void
dor_write(struct dev *d, uint8_t val)
{
	struct i82077 *s = d->state;
	uint8_t old = s->dor;

	s->dor = val;
	if (!(val & DOR_NRESET))
		controller_reset(d);
	else if (!(old & DOR_NRESET))
		leave_reset(d);
}

static void
dsr_write(struct dev *d, uint8_t val)
{
	struct i82077 *s = d->state;

	s->rate = val & 3;
	s->precomp = val >> 2 & 7;
	if (!(val & DSR_RESET))
		return;
	controller_reset(d); /* clears itself */
	if (s->dor & DOR_NRESET)
		leave_reset(d);
}

/* PS/2 status registers A and B (§2.1.1, §2.1.2); lines are active low. */
static uint8_t
sra(const struct i82077 *s)
{
	unsigned drive = s->dor & DOR_DRIVE;
	bool irq = s->irq || s->seek_done;

	return (uint8_t)((irq ? 0x80 : 0) | (s->type[1] == I82077_NONE ? 0x40 : 0) |
			 (s->track[drive] ? 0x10 : 0) | (s->head ? 0x08 : 0) | 0x04 |
			 (write_protected(s, drive) ? 0 : 0x02));
}

static uint8_t
srb(const struct i82077 *s)
{
	return (uint8_t)(0xc0 | (s->dor & 1 ? 0x20 : 0) | (s->dor >> 4 & 3));
}

static uint64_t
fdc_read(struct dev *d, uint32_t off, unsigned size)
{
	struct i82077 *s = d->state;
	uint8_t v = 0;

	switch (off) {
	case REG_SRA: return sra(s);
	case REG_SRB: return srb(s);
	case REG_DOR: return s->dor;
	case REG_TDR: return s->tdr;
	case REG_MSR: return main_status(s);
	default:
		v = fifo_read(d);
		fdc_update(d);
		return v;
	}
}

static void
fdc_write(struct dev *d, uint32_t off, unsigned size, uint64_t val64)
{
	struct i82077 *s = d->state;
	uint8_t val = (uint8_t)val64;

	switch (off) {
	case REG_DOR: dor_write(d, val); break;
	case REG_TDR: s->tdr = val & 3; break;
	case REG_MSR: dsr_write(d, val); break;
	case REG_FIFO: fifo_write(d, val); break;
	default: /* SRA and SRB are read-only */ break;
	}
	fdc_update(d);
}

/* Digital input register: the disk change line; the other bits are the hard disk's. */
static uint64_t
dir_read(struct dev *d, uint32_t off, unsigned size)
{
	struct i82077 *s = d->state;
	unsigned drive = s->dor & DOR_DRIVE;

	return drive_exists(s, drive) && s->changed[drive] ? 0x80 : 0;
}

static void
ccr_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct i82077 *s = d->state;

	s->rate = (uint8_t)val & 3;
}

static void
fdc_timer(struct dev *d, unsigned id)
{
	if (id == TIMER_EXEC)
		fdc_exec_timer(d);
	else if (id == TIMER_RESET)
		reset_timer(d);
	else
		seek_end(d, id - TIMER_SEEK0);
	fdc_update(d);
}

/* ---- life ---- */

static uint8_t
type_for(const struct fdc_drive *drive, unsigned i)
{
	if (!drive->blk)
		return i ? I82077_NONE : I82077_1440K;
	if (drive->format.cylinders < 60)
		return I82077_360K;
	if (drive->format.rate == 3)
		return I82077_2880K;
	return drive->format.sectors == 15 ? I82077_1200K : I82077_1440K;
}

static bool
insert(struct fdc_drive *drive, struct block *b)
{
	struct i82077_format format = { 0 };

	if (b && !i82077_find_format(b->info.size, &format))
		return false;
	drive->blk = b;
	drive->format = format;
	return true;
}

bool
i82077_set_media(struct dev *d, unsigned drive, struct block *b)
{
	struct i82077 *s = d->state;

	if (drive >= I82077_DRIVES || s->type[drive] == I82077_NONE ||
	    !insert(&s->drives[drive], b))
		return false;
	s->changed[drive] = 1;
	if (s->phase == FDC_EXEC && (s->cmd[1] & 3) == drive && s->wait != FDC_WAIT_END)
		fdc_abort(d);
	if (s->phase == FDC_EXEC && s->wait == FDC_WAIT_NONE) { /* the disk went away under it */
		s->st0 = (uint8_t)(ST0_IC_ABNORMAL | (s->cmd[1] & 7));
		s->st1 = ST1_MA;
		s->wait = FDC_WAIT_END;
		s->exec_at = d->env->now_ns(d) + FDC_NO_ID_NS;
	}
	fdc_update(d);
	return true;
}

enum i82077_drive_type
i82077_drive_type(const struct dev *d, unsigned drive)
{
	const struct i82077 *s = d->state;

	return drive < I82077_DRIVES ? (enum i82077_drive_type)s->type[drive] : I82077_NONE;
}

static int
fdc_create(struct dev *d, struct err *e)
{
	static const char *const backends[] = { "drive0", "drive1" };
	static const char *const types[] = { "type0", "type1" };
	struct i82077 *s = d->state;

	for (unsigned i = 0; i < I82077_DRIVES; i++) {
		uint64_t type;

		/* A size that is no format leaves the drive empty: the board checks with
		 * i82077_find_format() and tells the user. */
		insert(&s->drives[i], d->env->backend(d, backends[i]));
		type = d->env->param_u64(d, types[i], type_for(&s->drives[i], i));
		s->type[i] = (uint8_t)(type <= I82077_2880K ? type : I82077_1440K);
		s->changed[i] = 1;
	}
	return 0;
}

static void
fdc_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct i82077 *s = d->state;

	s->lock = 0;
	s->perp = 0;
	controller_reset(d);
	s->dor = 0; /* held in reset until the DOR is written */
	s->rate = 2;
	s->precomp = 0;
	s->tdr = 0;
	s->specify[0] = s->specify[1] = 0;
	s->dma_since = FDC_NEVER;
	fdc_update(d);
}

static bool
fdc_busy(struct dev *d)
{
	struct i82077 *s = d->state;

	return s->inflight;
}

static int64_t
sane(int64_t t)
{
	return t != FDC_NEVER && (t < 0 || t > NS_LIMIT) ? 0 : t;
}

static int
fdc_loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct i82077 *s = d->state;

	for (unsigned i = 0; i < 4; i++) {
		s->seek_at[i] = sane(s->seek_at[i]);
		if (s->track[i] > TRACK_MAX)
			s->track[i] = TRACK_MAX;
	}
	s->exec_at = sane(s->exec_at);
	s->reset_at = sane(s->reset_at);
	s->dma_since = sane(s->dma_since);
	s->reset_left = s->reset_left > 4 ? 0 : s->reset_left;
	s->seek_done &= 15;
	for (unsigned i = 0; i < I82077_DRIVES; i++)
		s->type[i] = s->type[i] > I82077_2880K ? I82077_1440K : s->type[i];
	s->rate &= 3;
	s->head &= 1;
	/* Saved while nothing was under way: not in the middle of host I/O. */
	if (s->phase > FDC_RESULT || s->op >= FDC_OP_COUNT || s->wait > FDC_WAIT_END ||
	    s->wait == FDC_WAIT_IO || s->ncmd > CMD_BYTES_MAX || s->need > FDC_SECTOR ||
	    s->pos > s->need || s->nres > sizeof(s->res) || s->res_pos >= sizeof(s->res) ||
	    (s->phase == FDC_COMMAND && s->ncmd >= CMD_BYTES_MAX))
		controller_reset(d);
	fdc_update(d);
	return 0;
}

static const struct dev_region fdc_regions[] = {
	{ "fdc", DEV_REGION_PIO, 6, 1, 1, fdc_read, fdc_write },
	{ "fdc-dir", DEV_REGION_PIO, 1, 1, 1, dir_read, ccr_write },
};

static const char *const fdc_outputs[] = { "irq6" };

static const struct dev_field fdc_fields[] = {
	DEV_TRANSIENT(struct i82077, drives),
	DEV_TRANSIENT(struct i82077, req),
	DEV_TRANSIENT(struct i82077, iov),
	DEV_TRANSIENT(struct i82077, inflight),
	DEV_TRANSIENT(struct i82077, orphan),
	DEV_TRANSIENT(struct i82077, pad),
	DEV_FIELD_ARRAY(struct i82077, seek_at),
	DEV_FIELD(struct i82077, exec_at),
	DEV_FIELD(struct i82077, reset_at),
	DEV_FIELD(struct i82077, dma_since),
	DEV_FIELD(struct i82077, pos),
	DEV_FIELD(struct i82077, need),
	DEV_FIELD_ARRAY(struct i82077, type),
	DEV_FIELD(struct i82077, dor),
	DEV_FIELD(struct i82077, rate),
	DEV_FIELD(struct i82077, precomp),
	DEV_FIELD(struct i82077, tdr),
	DEV_FIELD(struct i82077, phase),
	DEV_FIELD(struct i82077, wait),
	DEV_FIELD(struct i82077, op),
	DEV_FIELD_ARRAY(struct i82077, cmd),
	DEV_FIELD(struct i82077, ncmd),
	DEV_FIELD_ARRAY(struct i82077, res),
	DEV_FIELD(struct i82077, nres),
	DEV_FIELD(struct i82077, res_pos),
	DEV_FIELD(struct i82077, st0),
	DEV_FIELD(struct i82077, st1),
	DEV_FIELD(struct i82077, st2),
	DEV_FIELD(struct i82077, irq),
	DEV_FIELD_ARRAY(struct i82077, pcn),
	DEV_FIELD_ARRAY(struct i82077, track),
	DEV_FIELD_ARRAY(struct i82077, changed),
	DEV_FIELD(struct i82077, seek_done),
	DEV_FIELD_ARRAY(struct i82077, seek_st0),
	DEV_FIELD(struct i82077, reset_left),
	DEV_FIELD_ARRAY(struct i82077, specify),
	DEV_FIELD(struct i82077, config),
	DEV_FIELD(struct i82077, pretrk),
	DEV_FIELD(struct i82077, lock),
	DEV_FIELD(struct i82077, perp),
	DEV_FIELD(struct i82077, c),
	DEV_FIELD(struct i82077, h),
	DEV_FIELD(struct i82077, r),
	DEV_FIELD(struct i82077, n),
	DEV_FIELD(struct i82077, eot),
	DEV_FIELD(struct i82077, head),
	DEV_FIELD(struct i82077, left),
	DEV_FIELD(struct i82077, tc),
	DEV_FIELD(struct i82077, step),
	DEV_FIELD(struct i82077, last_eot),
	DEV_FIELD(struct i82077, unlike),
	DEV_FIELD_ARRAY(struct i82077, buf),
	DEV_TRANSIENT(struct i82077, pad2),
};

const struct dev_type i82077_type = {
	.name = "i82077",
	.regions = fdc_regions,
	.nregions = ARRAY_SIZE(fdc_regions),
	.noutputs = ARRAY_SIZE(fdc_outputs),
	.output_names = fdc_outputs,
	.ntimers = NTIMERS,
	.fields = fdc_fields,
	.nfields = ARRAY_SIZE(fdc_fields),
	.state_size = sizeof(struct i82077),
	.state_version = 1,
	.create = fdc_create,
	.reset = fdc_reset,
	.timer = fdc_timer,
	.busy = fdc_busy,
	.loaded = fdc_loaded,
};
