/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The debug console of PC emulators: bytes written to one port go to the character
 * back end; reads give E9h, by which firmware and test kernels detect the port.
 * Params: "iobase" moves it (the board maps it otherwise). Back end: "chardev".
 */
#include "dev/types.h"

#include "base/bits.h"
#include "host/char/chardev.h"

#define DEBUGCON_PRESENT 0xe9

struct debugcon {
	struct chardev *chr;
	uint64_t dropped; /* bytes a slow reader missed */
};

static uint64_t
debugcon_read(struct dev *d, uint32_t off, unsigned size)
{
	return DEBUGCON_PRESENT;
}

static void
debugcon_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct debugcon *s = d->state;
	uint8_t byte = (uint8_t)val;

	if (s->chr && !chardev_write(s->chr, &byte, 1))
		s->dropped++;
}

static unsigned
debugcon_write_many(struct dev *d, uint32_t off, unsigned size, const void *src, unsigned n)
{
	struct debugcon *s = d->state;

	if (s->chr)
		s->dropped += n - chardev_write(s->chr, src, n);
	return n;
}

static int
debugcon_create(struct dev *d, struct err *e)
{
	struct debugcon *s = d->state;

	s->chr = d->env->backend(d, "chardev");
	return 0;
}

static void
debugcon_reset(struct dev *d, enum dev_reset_kind kind)
{
	uint64_t base = d->env->param_u64(d, "iobase", DEV_UNMAPPED);

	if (base <= 0xffff)
		d->env->map(d, 0, base);
}

static const struct dev_region debugcon_regions[] = {
	{ "debugcon", DEV_REGION_PIO, 1, 1, 1, debugcon_read, debugcon_write, NULL,
	    debugcon_write_many },
};

static const struct dev_field debugcon_fields[] = {
	DEV_TRANSIENT(struct debugcon, chr),
	DEV_FIELD(struct debugcon, dropped),
};

const struct dev_type debugcon_type = {
	.name = "debugcon",
	.regions = debugcon_regions,
	.nregions = ARRAY_SIZE(debugcon_regions),
	.fields = debugcon_fields,
	.nfields = ARRAY_SIZE(debugcon_fields),
	.state_size = sizeof(struct debugcon),
	.state_version = 1,
	.create = debugcon_create,
	.reset = debugcon_reset,
};
