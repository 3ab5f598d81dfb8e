/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pair of 8259A programmable interrupt controllers of a PC (Intel 231468-003),
 * the second one cascaded on IR2 of the first, with the edge/level control registers
 * of the 82371SB PIIX3 (290550-002, §2.6.3) instead of ICW1's LTIM.
 *
 * Regions: 20h–21h, A0h–A1h, 4D0h–4D1h.  Inputs 0..15 are IRQ 0..15 (2 is the
 * cascade and ignored); output 0 is INTR.
 *
 * An edge stays latched until it is acknowledged, also when its line has fallen again.  The
 * chip wants the line high until then (231468-003, Figure 4) and otherwise answers with a
 * spurious IR7; but here the host may keep a processor away for longer than a timer's
 * pulse lasts, which no PC does, and a tick would be lost and a stray interrupt seen.
 *
 * Left out: MCS-80/85 mode (ICW4 µPM = 0), buffered mode (no pin to drive).
 */
#include "dev/i8259.h"

#include "base/bits.h"
#include "dev/types.h"

#define ICW1_INIT 0x10
#define ICW1_SNGL 0x02
#define ICW1_IC4  0x01
#define ICW4_SFNM 0x10
#define ICW4_AEOI 0x02
#define ICW4_UPM  0x01
#define OCW3_SEL  0x08 /* with bit 4 clear: OCW3, not OCW2 */
#define OCW3_ESMM 0x40
#define OCW3_SMM  0x20
#define OCW3_POLL 0x04
#define OCW3_RR   0x02
#define OCW3_RIS  0x01

#define CASCADE_IR   2u
#define CASCADE_MASK (1u << CASCADE_IR)
#define NO_IRQ       8u

enum { MASTER, SLAVE };
enum { OUT_INTR };
/* What the next byte to the odd port is (231468-003, Figure 6). */
enum { WANT_OCW1, WANT_ICW2, WANT_ICW3, WANT_ICW4 };

struct i8259 {              /* [MASTER], [SLAVE] */
	uint8_t lines[2];   /* IR inputs as they are */
	uint8_t latch[2];   /* edge sense latches */
	uint8_t unacked[2]; /* rising edges not acknowledged yet */
	uint8_t imr[2], isr[2];
	uint8_t elcr[2]; /* 1 = level */
	uint8_t icw1[2], icw2[2], icw4[2];
	uint8_t want[2];   /* initialisation sequence */
	uint8_t lowest[2]; /* the level with the lowest priority: 7 unless rotated */
	uint8_t read_isr[2], poll[2], smm[2], rotate_aeoi[2];
};

static const uint8_t elcr_mask[2] = { 0xf8, 0xde };

static uint8_t irr(const struct i8259 *s, unsigned c);

/* Of the bits in `mask`, the level with the highest priority: its rank 0 (highest) to 7,
 * or 8 when there is none. */
static unsigned
best_rank(const struct i8259 *s, unsigned c, uint8_t mask)
{
	for (unsigned rank = 0; rank < 8; rank++) {
		if (mask & (1u << ((s->lowest[c] + 1u + rank) & 7)))
			return rank;
	}
	return 8;
}

static unsigned
level_of_rank(const struct i8259 *s, unsigned c, unsigned rank)
{
	return (s->lowest[c] + 1u + rank) & 7;
}

/*
 * The level that INT is raised for, or NO_IRQ.  A chip that has not seen its first ICW1 (whose
 * bit 4 is always set) asks for nothing: 231468-003, "before normal operation can begin".
 */
static unsigned
requested(const struct i8259 *s, unsigned c)
{
	uint8_t serving = s->isr[c];
	unsigned rank = best_rank(s, c, irr(s, c) & (uint8_t)~s->imr[c]);
	unsigned level = level_of_rank(s, c, rank), serving_rank;

	if (s->smm[c])
		serving &= (uint8_t)~s->imr[c];
	serving_rank = best_rank(s, c, serving);
	if (rank == 8 || rank > serving_rank || !(s->icw1[c] & ICW1_INIT))
		return NO_IRQ;
	/* Special fully nested mode: a slave in service may ask again, its own
	 * priority logic has decided that the new request is a higher one. */
	if (rank == serving_rank &&
	    !(c == MASTER && level == CASCADE_IR && (s->icw4[c] & ICW4_SFNM)))
		return NO_IRQ;
	return level;
}

static uint8_t
irr(const struct i8259 *s, unsigned c)
{
	uint8_t v = (s->latch[c] & (uint8_t)~s->elcr[c]) | (s->lines[c] & s->elcr[c]);

	if (c == MASTER) {
		v &= (uint8_t)~CASCADE_MASK;
		if (requested(s, SLAVE) != NO_IRQ)
			v |= CASCADE_MASK;
	}
	return v;
}

static void
i8259_update(struct dev *d)
{
	struct i8259 *s = d->state;

	d->env->output(d, OUT_INTR, requested(s, MASTER) != NO_IRQ);
}

bool
i8259_intr(const struct dev *d)
{
	return requested(d->state, MASTER) != NO_IRQ;
}

/* ---- acknowledge ---- */

static void
rotate_to(struct i8259 *s, unsigned c, unsigned level)
{
	s->lowest[c] = (uint8_t)(level & 7);
}

static void
accept(struct i8259 *s, unsigned c, unsigned level)
{
	uint8_t bit = (uint8_t)(1u << level);

	s->latch[c] &= (uint8_t)~bit;
	s->unacked[c] &= (uint8_t)~bit;
	if (!(s->icw4[c] & ICW4_AEOI))
		s->isr[c] |= bit;
	else if (s->rotate_aeoi[c])
		rotate_to(s, c, level);
}

uint8_t
i8259_ack(struct dev *d)
{
	struct i8259 *s = d->state;
	unsigned level = requested(s, MASTER);
	uint8_t vector;

	if (level == NO_IRQ) { /* "default IR7": no ISR bit is set */
		vector = s->icw2[MASTER] | 7;
	} else if (level == CASCADE_IR) {
		unsigned slave = requested(s, SLAVE);

		accept(s, MASTER, CASCADE_IR);
		if (slave != NO_IRQ)
			accept(s, SLAVE, slave);
		vector = s->icw2[SLAVE] | (slave != NO_IRQ ? slave : 7);
	} else {
		accept(s, MASTER, level);
		vector = s->icw2[MASTER] | (uint8_t)level;
	}
	i8259_update(d);
	return vector;
}

bool
i8259_pending(struct dev *d, unsigned irq)
{
	struct i8259 *s = d->state;
	unsigned c = irq >> 3 & 1;

	if (c == SLAVE && (s->imr[MASTER] & CASCADE_MASK))
		return false;
	return s->unacked[c] & ~s->imr[c] & (1u << (irq & 7));
}

static void
i8259_input(struct dev *d, unsigned line, bool level)
{
	struct i8259 *s = d->state;
	unsigned c = line >> 3 & 1;
	uint8_t bit = (uint8_t)(1u << (line & 7));

	if (line == CASCADE_IR)
		return;
	if (!level) {
		s->lines[c] &= (uint8_t)~bit;
	} else if (!(s->lines[c] & bit)) {
		s->lines[c] |= bit;
		s->latch[c] |= bit;
		if (!(s->elcr[c] & bit))
			s->unacked[c] |= bit;
	}
	i8259_update(d);
}

/* ---- command words ---- */

static void
write_icw1(struct i8259 *s, unsigned c, uint8_t val)
{
	s->icw1[c] = val;
	s->icw4[c] = 0;
	s->latch[c] = 0;
	s->unacked[c] = 0;
	s->imr[c] = 0;
	s->isr[c] = 0;
	s->lowest[c] = 7;
	s->smm[c] = 0;
	s->poll[c] = 0;
	s->read_isr[c] = 0;
	s->rotate_aeoi[c] = 0;
	s->want[c] = WANT_ICW2;
}

static void
write_icw(struct dev *d, unsigned c, uint8_t val)
{
	struct i8259 *s = d->state;

	if (s->want[c] == WANT_ICW2) {
		s->icw2[c] = val & 0xf8;
		s->want[c] = s->icw1[c] & ICW1_SNGL ? WANT_ICW4 : WANT_ICW3;
	} else if (s->want[c] == WANT_ICW3) {
		/* The cascade is wired on a PC: the value is not used. */
		s->want[c] = WANT_ICW4;
	} else {
		s->icw4[c] = val;
		s->want[c] = WANT_OCW1;
		if (!(val & ICW4_UPM))
			d->env->guest_error(d, "8259: MCS-80 mode", val);
	}
	if (s->want[c] == WANT_ICW4 && !(s->icw1[c] & ICW1_IC4))
		s->want[c] = WANT_OCW1;
}

/* 231468-003, Figure 8. */
static void
write_ocw2(struct i8259 *s, unsigned c, uint8_t val)
{
	bool rotate = val & 0x80, specific = val & 0x40, eoi = val & 0x20;
	unsigned level = val & 7;

	if (!specific && !eoi) { /* 100, 000: rotate in automatic EOI mode */
		s->rotate_aeoi[c] = rotate;
		return;
	}
	if (!specific) {
		uint8_t serving = s->isr[c];
		unsigned rank;

		/* In special mask mode masked levels are not cleared by it. */
		if (s->smm[c])
			serving &= (uint8_t)~s->imr[c];
		rank = best_rank(s, c, serving);
		if (rank == 8)
			return;
		level = level_of_rank(s, c, rank);
	}
	if (eoi)
		s->isr[c] &= (uint8_t) ~(1u << level);
	if (rotate)
		rotate_to(s, c, level);
}

static void
write_ocw3(struct i8259 *s, unsigned c, uint8_t val)
{
	if (val & OCW3_ESMM)
		s->smm[c] = !!(val & OCW3_SMM);
	s->poll[c] = !!(val & OCW3_POLL);
	if (val & OCW3_RR)
		s->read_isr[c] = val & OCW3_RIS;
}

static void
chip_write(struct dev *d, unsigned c, uint32_t off, uint8_t val)
{
	struct i8259 *s = d->state;

	if (off == 0 && (val & ICW1_INIT)) {
		write_icw1(s, c, val);
	} else if (off == 0 && (val & OCW3_SEL)) {
		write_ocw3(s, c, val);
	} else if (off == 0) {
		write_ocw2(s, c, val);
	} else if (s->want[c] != WANT_OCW1) {
		write_icw(d, c, val);
	} else {
		s->imr[c] = val;
		s->unacked[c] &= (uint8_t)~val;
	}
	i8259_update(d);
}

static uint8_t
poll_chip(struct dev *d, unsigned c)
{
	struct i8259 *s = d->state;
	unsigned level = requested(s, c);

	s->poll[c] = 0;
	if (level == NO_IRQ)
		return 7;
	accept(s, c, level);
	i8259_update(d);
	return 0x80 | (uint8_t)level;
}

static uint8_t
chip_read(struct dev *d, unsigned c, uint32_t off)
{
	struct i8259 *s = d->state;

	if (s->poll[c])
		return poll_chip(d, c);
	if (off)
		return s->imr[c];
	return s->read_isr[c] ? s->isr[c] : irr(s, c);
}

static uint64_t
master_read(struct dev *d, uint32_t off, unsigned size)
{
	return chip_read(d, MASTER, off);
}

static void
master_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	chip_write(d, MASTER, off, (uint8_t)val);
}

static uint64_t
slave_read(struct dev *d, uint32_t off, unsigned size)
{
	return chip_read(d, SLAVE, off);
}

static void
slave_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	chip_write(d, SLAVE, off, (uint8_t)val);
}

static uint64_t
elcr_read(struct dev *d, uint32_t off, unsigned size)
{
	struct i8259 *s = d->state;

	return s->elcr[off & 1];
}

static void
elcr_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct i8259 *s = d->state;

	s->elcr[off & 1] = (uint8_t)val & elcr_mask[off & 1];
	i8259_update(d);
}

/* ---- life ---- */

static void
i8259_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct i8259 *s = d->state;

	for (unsigned c = 0; c < 2; c++) {
		write_icw1(s, c, 0);
		s->want[c] = WANT_OCW1;
		s->icw2[c] = 0;
		s->elcr[c] = 0;
	}
	i8259_update(d);
}

static int
i8259_loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct i8259 *s = d->state;

	for (unsigned c = 0; c < 2; c++) {
		s->elcr[c] &= elcr_mask[c];
		s->lowest[c] &= 7;
		s->want[c] &= 3;
		s->icw2[c] &= 0xf8;
	}
	i8259_update(d);
	return 0;
}

static const struct dev_region i8259_regions[] = {
	{ "master", DEV_REGION_PIO, 2, 1, 1, master_read, master_write },
	{ "slave", DEV_REGION_PIO, 2, 1, 1, slave_read, slave_write },
	{ "elcr", DEV_REGION_PIO, 2, 1, 1, elcr_read, elcr_write },
};

static const char *const i8259_outputs[] = { "intr" };

static const struct dev_field i8259_fields[] = {
	DEV_FIELD_ARRAY(struct i8259, lines),
	DEV_FIELD_ARRAY(struct i8259, latch),
	DEV_FIELD_ARRAY(struct i8259, unacked),
	DEV_FIELD_ARRAY(struct i8259, imr),
	DEV_FIELD_ARRAY(struct i8259, isr),
	DEV_FIELD_ARRAY(struct i8259, elcr),
	DEV_FIELD_ARRAY(struct i8259, icw1),
	DEV_FIELD_ARRAY(struct i8259, icw2),
	DEV_FIELD_ARRAY(struct i8259, icw4),
	DEV_FIELD_ARRAY(struct i8259, want),
	DEV_FIELD_ARRAY(struct i8259, lowest),
	DEV_FIELD_ARRAY(struct i8259, read_isr),
	DEV_FIELD_ARRAY(struct i8259, poll),
	DEV_FIELD_ARRAY(struct i8259, smm),
	DEV_FIELD_ARRAY(struct i8259, rotate_aeoi),
};

const struct dev_type i8259_type = {
	.name = "i8259",
	.regions = i8259_regions,
	.nregions = ARRAY_SIZE(i8259_regions),
	.noutputs = ARRAY_SIZE(i8259_outputs),
	.output_names = i8259_outputs,
	.ninputs = 16,
	.fields = i8259_fields,
	.nfields = ARRAY_SIZE(i8259_fields),
	.state_size = sizeof(struct i8259),
	.state_version = 1,
	.reset = i8259_reset,
	.input = i8259_input,
	.loaded = i8259_loaded,
};
