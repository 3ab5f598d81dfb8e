/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A standard parallel port (IEEE 1284-1994 compatibility mode; IBM PC/AT Technical Reference,
 * "Serial/Parallel Adapter"), with the bidirectional data register of the PS/2.  Region:
 * data, status, control, and an unused fourth port.  Output 0: IRQ 7.  Back end: "chardev"
 * gets the printed bytes; without one, the printer is off line.
 *
 * The printer takes a byte on the falling edge of STROBE, is busy for BUSY_NS and then
 * acknowledges for ACK_NS; the interrupt is the end of nACK when enabled.  A back end
 * that takes nothing keeps it busy, for at most STALL_MAX_NS of guest time each.
 *
 * Left out: EPP and ECP (no registers for them: software finds a plain port).
 */
#include "base/bits.h"
#include "dev/types.h"
#include "host/char/chardev.h"

#define BUSY_NS      5000
#define ACK_NS       5000
#define RETRY_NS     1000000
#define STALL_MAX_NS 1000000000ll
#define NS_LIMIT     (INT64_MAX / 4)

enum { REG_DATA, REG_STATUS, REG_CONTROL };
enum { IDLE, BUSY, ACK };

#define ST_NOT_BUSY  0x80
#define ST_NACK      0x40
#define ST_PAPER_OUT 0x20
#define ST_SELECT    0x10
#define ST_NERROR    0x08
#define ST_NIRQ      0x04 /* PS/2: 0 after an acknowledge until status was read */
#define ST_ONES      0x03
#define CT_STROBE    0x01
#define CT_NINIT     0x04
#define CT_IRQ       0x10
#define CT_INPUT     0x20
#define CT_ONES      0xc0

struct parport {
	struct chardev *chr;
	int64_t next_ns;     /* end of BUSY or ACK, or the next attempt */
	int64_t stall_start; /* of a byte that the back end does not take */
	uint8_t data, control;
	uint8_t phase;
	uint8_t latched;  /* the byte being printed */
	uint8_t waiting;  /* the back end has not taken it yet */
	uint8_t dropping; /* nor the one before: do not wait again */
	uint8_t acked;    /* since status was read */
	uint8_t irq;      /* the line: high from the end of nACK until a register is used */
};

static void
parport_update(struct dev *d)
{
	struct parport *s = d->state;

	d->env->output(d, 0, s->irq && (s->control & CT_IRQ));
	d->env->timer_arm(d, 0, s->phase == IDLE ? DEV_TIMER_OFF : s->next_ns);
}

/* ---- printing ---- */

static void
print_latched(struct parport *s, int64_t now)
{
	s->waiting = 0;
	if (!s->chr || chardev_write(s->chr, &s->latched, 1)) {
		s->dropping = 0;
		return;
	}
	if (s->dropping)
		return;
	if (now - s->stall_start >= STALL_MAX_NS)
		s->dropping = 1;
	else
		s->waiting = 1;
}

static void
strobe(struct dev *d)
{
	struct parport *s = d->state;
	int64_t now = d->env->now_ns(d);

	if (s->phase != IDLE || !s->chr)
		return;
	s->latched = s->data;
	s->stall_start = now;
	s->phase = BUSY;
	print_latched(s, now);
	s->next_ns = now + (s->waiting ? RETRY_NS : BUSY_NS);
}

static void
parport_sync(struct dev *d)
{
	struct parport *s = d->state;
	int64_t now = d->env->now_ns(d);

	if (s->phase == BUSY && now >= s->next_ns) {
		if (s->waiting)
			print_latched(s, now);
		if (s->waiting) {
			s->next_ns = now + RETRY_NS;
		} else {
			s->phase = ACK;
			s->next_ns += ACK_NS;
		}
	}
	if (s->phase == ACK && now >= s->next_ns) {
		s->phase = IDLE;
		s->acked = 1;
		s->irq = 1;
	}
}

static void
parport_timer(struct dev *d, unsigned id)
{
	parport_sync(d);
	parport_update(d);
}

/* ---- registers ---- */

static uint8_t
read_status(struct parport *s)
{
	uint8_t v = ST_ONES | ST_NACK | ST_NERROR | ST_NIRQ;

	if (!s->chr)
		return v | ST_PAPER_OUT; /* nothing plugged in: pulled up, busy low */
	v |= ST_SELECT;
	if (s->phase == IDLE)
		v |= ST_NOT_BUSY;
	if (s->phase == ACK)
		v &= (uint8_t)~ST_NACK;
	if (s->acked)
		v &= (uint8_t)~ST_NIRQ;
	return v;
}

static uint64_t
parport_read(struct dev *d, uint32_t off, unsigned size)
{
	struct parport *s = d->state;
	uint8_t v = 0xff;

	parport_sync(d);
	if (off == REG_DATA) {
		v = s->control & CT_INPUT ? 0xff : s->data;
	} else if (off == REG_STATUS) {
		v = read_status(s);
		s->acked = 0;
		s->irq = 0;
	} else if (off == REG_CONTROL) {
		v = s->control | CT_ONES;
	}
	parport_update(d);
	return v;
}

static void
parport_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct parport *s = d->state;
	uint8_t old = s->control;

	parport_sync(d);
	if (off == REG_DATA) {
		s->data = (uint8_t)val;
		s->irq = 0;
	} else if (off == REG_CONTROL) {
		s->control = (uint8_t)val & (uint8_t)~CT_ONES;
		if (!(val & CT_NINIT))
			s->phase = IDLE; /* the printer is reset */
		else if (~old & val & CT_STROBE)
			strobe(d);
	}
	parport_update(d);
}

/* ---- life ---- */

static int
parport_create(struct dev *d, struct err *e)
{
	struct parport *s = d->state;

	s->chr = d->env->backend(d, "chardev");
	return 0;
}

static void
parport_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct parport *s = d->state;

	s->data = 0;
	s->control = CT_NINIT | 0x08;
	s->phase = IDLE;
	s->waiting = s->dropping = s->acked = s->irq = 0;
	parport_update(d);
}

static int
parport_loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct parport *s = d->state;

	s->phase %= 3;
	if (s->next_ns < 0 || s->next_ns > NS_LIMIT)
		s->next_ns = 0;
	if (s->stall_start < 0 || s->stall_start > NS_LIMIT)
		s->stall_start = 0;
	parport_update(d);
	return 0;
}

static const struct dev_region parport_regions[] = {
	{ "parport", DEV_REGION_PIO, 4, 1, 1, parport_read, parport_write },
};

static const char *const parport_outputs[] = { "irq" };

static const struct dev_field parport_fields[] = {
	DEV_TRANSIENT(struct parport, chr),
	DEV_FIELD(struct parport, next_ns),
	DEV_FIELD(struct parport, stall_start),
	DEV_FIELD(struct parport, data),
	DEV_FIELD(struct parport, control),
	DEV_FIELD(struct parport, phase),
	DEV_FIELD(struct parport, latched),
	DEV_FIELD(struct parport, waiting),
	DEV_FIELD(struct parport, dropping),
	DEV_FIELD(struct parport, acked),
	DEV_FIELD(struct parport, irq),
};

const struct dev_type parport_type = {
	.name = "parport",
	.regions = parport_regions,
	.nregions = ARRAY_SIZE(parport_regions),
	.noutputs = ARRAY_SIZE(parport_outputs),
	.output_names = parport_outputs,
	.ntimers = 1,
	.fields = parport_fields,
	.nfields = ARRAY_SIZE(parport_fields),
	.state_size = sizeof(struct parport),
	.state_version = 1,
	.create = parport_create,
	.reset = parport_reset,
	.timer = parport_timer,
	.loaded = parport_loaded,
};
