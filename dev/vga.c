/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The standard video adapter: a VGA with the Bochs VBE extension as PCI function
 * 1234:1111.  BAR0 is video memory, BAR2 the registers in memory: the VGA ports
 * 3C0h..3DFh at 400h, the DISPI registers at 500h.
 *
 * The legacy ports and the window at A0000h are mapped by the model itself, as a
 * VGA decodes them whatever its BARs say.
 */
#include "dev/vga.h"

#include "base/bits.h"
#include "dev/bus/pci.h"
#include "dev/types.h"
#include "dev/vbe.h"
#include "host/display/display.h"

#define VRAM_BYTES (16u << 20)
#define MMIO_VGA   0x400
#define MMIO_DISPI 0x500

enum region { R_VRAM, R_MMIO, R_ROM, R_PORTS, R_DISPI, R_WINDOW };

struct vga_std {
	struct vga vga;
	struct vbe vbe;
};

static const struct dev_field fields[] = {
	VGA_FIELDS(struct vga_std),
	DEV_FIELD(struct vga_std, vbe.index),
	DEV_FIELD_ARRAY(struct vga_std, vbe.regs),
};

/* ---- registers ---- */

static uint64_t
ports_read(struct dev *d, uint32_t off, unsigned size)
{
	struct vga_std *s = d->state;

	return vga_regs_read(&s->vga, 0x3b0 + off);
}

static void
ports_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct vga_std *s = d->state;

	vga_regs_write(&s->vga, 0x3b0 + off, (uint8_t)val);
}

/* 1CEh index, 1CFh data; 1D0h is data too, for machines that cannot do odd words. */
static uint64_t
dispi_read(struct dev *d, uint32_t off, unsigned size)
{
	struct vga_std *s = d->state;

	if (off == 0)
		return s->vbe.index;
	return vbe_read(&s->vbe, &s->vga, s->vbe.index);
}

static void
dispi_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct vga_std *s = d->state;

	if (off == 0)
		s->vbe.index = (uint16_t)val;
	else
		vbe_write(&s->vbe, &s->vga, s->vbe.index, (uint16_t)val);
}

static uint64_t
mmio_read(struct dev *d, uint32_t off, unsigned size)
{
	struct vga_std *s = d->state;

	if (off >= MMIO_VGA && off < MMIO_VGA + 0x20) {
		uint64_t val = vga_regs_read(&s->vga, 0x3c0 + off - MMIO_VGA);

		if (size == 2)
			val |= (uint64_t)vga_regs_read(&s->vga, 0x3c1 + off - MMIO_VGA) << 8;
		return val;
	}
	if (off >= MMIO_DISPI && off < MMIO_DISPI + VBE_NREGS * 2)
		return vbe_read(&s->vbe, &s->vga, (off - MMIO_DISPI) / 2);
	return 0;
}

static void
mmio_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct vga_std *s = d->state;

	if (off >= MMIO_VGA && off < MMIO_VGA + 0x20) {
		vga_regs_write(&s->vga, 0x3c0 + off - MMIO_VGA, (uint8_t)val);
		if (size == 2)
			vga_regs_write(&s->vga, 0x3c1 + off - MMIO_VGA, (uint8_t)(val >> 8));
	} else if (off >= MMIO_DISPI && off < MMIO_DISPI + VBE_NREGS * 2) {
		vbe_write(&s->vbe, &s->vga, (off - MMIO_DISPI) / 2, (uint16_t)val);
	}
}

static uint64_t
window_read(struct dev *d, uint32_t off, unsigned size)
{
	struct vga_std *s = d->state;

	return vga_mem_read(&s->vga, off, size);
}

static void
window_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct vga_std *s = d->state;

	vga_mem_write(&s->vga, off, size, val);
}

static const struct dev_region regions[] = {
	[R_VRAM] = { .name = "vram", .kind = DEV_REGION_RAM, .size = VRAM_BYTES },
	[R_MMIO] = { "mmio", DEV_REGION_MMIO, 0x1000, 1, 2, mmio_read, mmio_write },
	[R_ROM] = { .name = "rom", .kind = DEV_REGION_ROM, .size = 0 },
	[R_PORTS] = { "ports", DEV_REGION_PIO, 0x30, 1, 1, ports_read, ports_write },
	[R_DISPI] = { "dispi", DEV_REGION_PIO, 3, 1, 2, dispi_read, dispi_write },
	[R_WINDOW] = { "window", DEV_REGION_MMIO, 0x20000, 1, 8, window_read, window_write },
};

/* ---- life ---- */

static void
display_render(void *ctx, struct display *disp)
{
	struct vga_std *s = ((struct dev *)ctx)->state;

	vga_render_picture(&s->vga, disp);
}

static bool
display_text(void *ctx, struct display_text *ret_text)
{
	struct vga_std *s = ((struct dev *)ctx)->state;

	return vga_render_text(&s->vga, ret_text);
}

static int
vga_create(struct dev *d, struct err *e)
{
	struct vga_std *s = d->state;
	struct display *disp = d->env->backend(d, "display");

	s->vga.dev = d;
	s->vga.vram_size = VRAM_BYTES;
	/* This adapter's memory answers whatever Miscellaneous Output bit 1 says; GRUB's build
	 * as a firmware counts on it. */
	s->vga.ram_always = true;
	if (disp) {
		disp->render = display_render;
		disp->text = display_text;
		disp->ctx = d;
	}
	return 0;
}

static void
map_legacy(struct dev *d)
{
	struct vga_std *s = d->state;

	s->vga.vram = d->env->region_ptr(d, R_VRAM);
	d->env->map(d, R_PORTS, 0x3b0);
	d->env->map(d, R_DISPI, 0x1ce);
	d->env->map(d, R_WINDOW, 0xa0000);
}

static void
vga_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct vga_std *s = d->state;

	vga_regs_reset(&s->vga);
	vbe_reset(&s->vbe, &s->vga);
	map_legacy(d);
}

static int
vga_loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct vga_std *s = d->state;

	vga_regs_loaded(&s->vga);
	vbe_loaded(&s->vbe, &s->vga);
	map_legacy(d);
	return 0;
}

static const struct pci_ident ident = {
	.vendor = 0x1234,
	.device = 0x1111,
	.sub_vendor = 0x1af4,
	.sub_device = 0x1100,
	.class_code = 0x030000,
	.revision = 2,
	.bars = {
		[0] = { PCI_BAR_MEM32_PREFETCH, R_VRAM },
		[2] = { PCI_BAR_MEM32, R_MMIO },
	},
	.irq_output = PCI_NO_OUTPUT,
	.rom_region = R_ROM,
};

const struct dev_type vga_type = {
	.name = "vga",
	.regions = regions,
	.nregions = ARRAY_SIZE(regions),
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.state_size = sizeof(struct vga_std),
	.state_version = 1,
	.pci = &ident,
	.create = vga_create,
	.reset = vga_reset,
	.loaded = vga_loaded,
};
