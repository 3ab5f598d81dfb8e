/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port 92h, system control port A (Intel 82371SB PIIX3, 290550-002, §2.5.5 and the
 * PS/2 Technical Reference): bit 0 restarts the processors on its rising edge, bit 1 is
 * one of the two sources of A20 (the board ORs it with the keyboard controller's).
 */
#include "dev/types.h"

#include "base/bits.h"

#define PORT92_INIT 0x01
#define PORT92_A20  0x02

enum { OUT_A20 };

struct port92 {
	uint8_t reg;
};

static void
port92_update(struct dev *d)
{
	struct port92 *s = d->state;

	d->env->output(d, OUT_A20, s->reg & PORT92_A20);
}

static uint64_t
port92_read(struct dev *d, uint32_t off, unsigned size)
{
	struct port92 *s = d->state;

	return s->reg;
}

static void
port92_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct port92 *s = d->state;
	uint8_t old = s->reg;

	s->reg = (uint8_t)val;
	port92_update(d);
	if (~old & val & PORT92_INIT)
		d->env->request(d, DEV_REQ_RESET, 1);
}

static void
port92_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct port92 *s = d->state;

	s->reg = 0;
	port92_update(d);
}

static int
port92_loaded(struct dev *d, uint16_t version, struct err *e)
{
	port92_update(d);
	return 0;
}

static const struct dev_region port92_regions[] = {
	{ "port92", DEV_REGION_PIO, 1, 1, 1, port92_read, port92_write },
};

static const char *const port92_outputs[] = { "a20" };

static const struct dev_field port92_fields[] = {
	DEV_FIELD(struct port92, reg),
};

const struct dev_type port92_type = {
	.name = "port92",
	.regions = port92_regions,
	.nregions = ARRAY_SIZE(port92_regions),
	.noutputs = ARRAY_SIZE(port92_outputs),
	.output_names = port92_outputs,
	.fields = port92_fields,
	.nfields = ARRAY_SIZE(port92_fields),
	.state_size = sizeof(struct port92),
	.state_version = 1,
	.reset = port92_reset,
	.loaded = port92_loaded,
};
