/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intel 82093AA I/O APIC (data sheet 290566), with the EOI register of version 20h.
 *
 * Inputs are assertions: the board knows which way round its wires are, so the
 * polarity bit is kept but changes nothing.
 */
#include "dev/ioapic.h"

#include "base/bits.h"
#include "base/log.h"
#include "dev/types.h"

#define REG_SELECT  0x00
#define REG_WINDOW  0x10
#define REG_EOI     0x40
#define INDEX_ID    0x00
#define INDEX_VER   0x01
#define INDEX_ARB   0x02
#define INDEX_REDIR 0x10

#define REDIR_VECTOR     0x000000ffull
#define REDIR_MODE_SHIFT 8 /* delivery mode */
#define REDIR_LOGICAL    0x00000800ull
#define REDIR_REMOTE_IRR 0x00004000ull
#define REDIR_LEVEL      0x00008000ull
#define REDIR_MASK       0x00010000ull
#define REDIR_WRITABLE   0xff0000000001afffull
#define MODE_FIXED       0
#define MODE_LOWEST      1

#define MSI_BASE 0xfee00000u

struct ioapic {
	uint64_t redir[IOAPIC_PINS];
	uint32_t levels; /* inputs */
	uint8_t select;
	uint8_t id;
	uint8_t version;
	uint8_t pad;
};

/* The message that an MSI of the same meaning would be (SDM volume 3, 10.11). */
static bool
send(struct dev *d, uint64_t r)
{
	unsigned mode = r >> REDIR_MODE_SHIFT & 7;
	uint64_t addr = MSI_BASE | (r >> 56) << 12;
	uint32_t data = (uint32_t)(r & REDIR_VECTOR) | mode << 8;

	if (r & REDIR_LOGICAL)
		addr |= 1u << 2;
	if (mode == MODE_LOWEST)
		addr |= 1u << 3; /* redirection hint */
	if (r & REDIR_LEVEL)
		data |= 1u << 15 | 1u << 14;
	return d->env->msi(d, addr, data);
}

static bool
is_level(uint64_t r)
{
	unsigned mode = r >> REDIR_MODE_SHIFT & 7;

	/* SMI, NMI, INIT and ExtINT are edges whatever the bit says */
	return (r & REDIR_LEVEL) && (mode == MODE_FIXED || mode == MODE_LOWEST);
}

/* A level-triggered input is sent while asserted and not yet being served. */
static void
serve_level(struct dev *d, unsigned pin)
{
	struct ioapic *s = d->state;
	uint64_t r = s->redir[pin];

	if (!is_level(r) || (r & (REDIR_MASK | REDIR_REMOTE_IRR)) || !(s->levels >> pin & 1))
		return;
	s->redir[pin] |= REDIR_REMOTE_IRR;
	trace(TRACE_IRQ, "%s: pin %u, vector %02x", d->id, pin, (unsigned)(r & REDIR_VECTOR));
	(void)send(d, r);
}

bool
ioapic_input(struct dev *d, unsigned pin, bool level)
{
	struct ioapic *s = d->state;
	bool rose = level && !(s->levels >> pin & 1);
	uint64_t r;

	if (pin >= IOAPIC_PINS)
		return true;
	r = s->redir[pin];
	s->levels = (s->levels & ~(1u << pin)) | (uint32_t)level << pin;
	if (is_level(r)) {
		serve_level(d, pin);
		return true;
	}
	if (!rose)
		return true;
	if (r & REDIR_MASK) /* 3.4.2: an edge on a masked input is lost, but nobody misses it */
		return true;
	trace(TRACE_IRQ, "%s: pin %u, vector %02x", d->id, pin, (unsigned)(r & REDIR_VECTOR));
	return send(d, r);
}

static void
input(struct dev *d, unsigned line, bool level)
{
	(void)ioapic_input(d, line, level);
}

void
ioapic_eoi(struct dev *d, uint8_t vector)
{
	struct ioapic *s = d->state;

	for (unsigned i = 0; i < IOAPIC_PINS; i++) {
		uint64_t r = s->redir[i];

		if (!(r & REDIR_REMOTE_IRR) || (r & REDIR_VECTOR) != vector)
			continue;
		s->redir[i] &= ~REDIR_REMOTE_IRR;
		serve_level(d, i);
	}
}

static uint32_t
index_read(const struct ioapic *s)
{
	unsigned n = s->select - INDEX_REDIR;

	switch (s->select) {
	case INDEX_ID:
	case INDEX_ARB: return (uint32_t)s->id << 24;
	case INDEX_VER: return s->version | (IOAPIC_PINS - 1) << 16;
	default: break;
	}
	if (s->select < INDEX_REDIR || n >= 2 * IOAPIC_PINS)
		return 0;
	return (uint32_t)(s->redir[n / 2] >> (n & 1 ? 32 : 0));
}

static void
index_write(struct dev *d, uint32_t val)
{
	struct ioapic *s = d->state;
	unsigned n = s->select - INDEX_REDIR, pin = n / 2;
	uint64_t mask = n & 1 ? 0xffffffff00000000ull : 0xffffffffull;
	uint64_t *r;

	if (s->select == INDEX_ID) {
		s->id = val >> 24 & 15;
		return;
	}
	if (s->select < INDEX_REDIR || n >= 2 * IOAPIC_PINS)
		return;
	r = &s->redir[pin];
	mask &= REDIR_WRITABLE;
	*r = (*r & ~mask) | ((n & 1 ? (uint64_t)val << 32 : val) & mask);
	if (!(*r & REDIR_LEVEL)) /* how software without EOI register ends one */
		*r &= ~REDIR_REMOTE_IRR;
	serve_level(d, pin);
}

static uint64_t
read_reg(struct dev *d, uint32_t off, unsigned size)
{
	const struct ioapic *s = d->state;

	switch (off & 0xff) { /* bits 31:8 of the address are not decoded in its page */
	case REG_SELECT: return s->select;
	case REG_WINDOW: return index_read(s);
	default: return 0;
	}
}

static void
write_reg(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct ioapic *s = d->state;

	switch (off & 0xff) {
	case REG_SELECT: s->select = (uint8_t)val; break;
	case REG_WINDOW: index_write(d, (uint32_t)val); break;
	case REG_EOI:
		if (s->version >= 0x20)
			ioapic_eoi(d, (uint8_t)val);
		break;
	default: break;
	}
}

static const struct dev_region regions[] = {
	{ .name = "ioapic",
	    .kind = DEV_REGION_MMIO,
	    .size = 0x1000,
	    .access_min = 4,
	    .access_max = 4,
	    .read = read_reg,
	    .write = write_reg },
};

static int
create(struct dev *d, struct err *e)
{
	struct ioapic *s = d->state;

	s->version = (uint8_t)d->env->param_u64(d, "version", 0x20);
	return 0;
}

static void
reset(struct dev *d, enum dev_reset_kind kind)
{
	struct ioapic *s = d->state;

	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		s->redir[i] = REDIR_MASK;
	s->select = 0;
	s->id = 0;
}

/* Nothing is sent again: what was pending is in the processors' own state. */
static int
loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct ioapic *s = d->state;

	s->levels &= (1u << IOAPIC_PINS) - 1;
	return 0;
}

static const struct dev_field fields[] = {
	DEV_FIELD_ARRAY(struct ioapic, redir),
	DEV_FIELD(struct ioapic, levels),
	DEV_FIELD(struct ioapic, select),
	DEV_FIELD(struct ioapic, id),
	DEV_TRANSIENT(struct ioapic, version),
	DEV_TRANSIENT(struct ioapic, pad),
};

const struct dev_type ioapic_type = {
	.name = "ioapic",
	.regions = regions,
	.nregions = ARRAY_SIZE(regions),
	.ninputs = IOAPIC_PINS,
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.state_size = sizeof(struct ioapic),
	.state_version = 1,
	.create = create,
	.reset = reset,
	.input = input,
	.loaded = loaded,
};
