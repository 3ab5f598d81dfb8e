/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port that ends the machine with a status the guest chooses, for test kernels: a
 * write of v asks for exit status v * 2 + 1, so that no guest can claim the 0 of a
 * clean power-off.  Params: "iobase" moves it (the board maps it otherwise).
 */
#include "dev/types.h"

#include "base/bits.h"

struct isa_debug_exit {
	uint32_t last; /* what was written last: for the monitor */
};

static uint64_t
isa_debug_exit_read(struct dev *d, uint32_t off, unsigned size)
{
	return 0;
}

static void
isa_debug_exit_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct isa_debug_exit *s = d->state;

	s->last = (uint32_t)val;
	d->env->request(d, DEV_REQ_EXIT, (val << 1) | 1);
}

static void
isa_debug_exit_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct isa_debug_exit *s = d->state;
	uint64_t base = d->env->param_u64(d, "iobase", DEV_UNMAPPED);

	s->last = 0;
	if (base <= 0xfffc)
		d->env->map(d, 0, base);
}

static const struct dev_region isa_debug_exit_regions[] = {
	{ "exit", DEV_REGION_PIO, 4, 1, 4, isa_debug_exit_read, isa_debug_exit_write },
};

static const struct dev_field isa_debug_exit_fields[] = {
	DEV_FIELD(struct isa_debug_exit, last),
};

const struct dev_type isa_debug_exit_type = {
	.name = "isa-debug-exit",
	.regions = isa_debug_exit_regions,
	.nregions = ARRAY_SIZE(isa_debug_exit_regions),
	.fields = isa_debug_exit_fields,
	.nfields = ARRAY_SIZE(isa_debug_exit_fields),
	.state_size = sizeof(struct isa_debug_exit),
	.state_version = 1,
	.reset = isa_debug_exit_reset,
};
