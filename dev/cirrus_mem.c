/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CL-GD5446: the processor's way to video memory.  Technical Reference Manual, "Extended
 * write modes", "Display memory banks", "Linear addressing".
 */
#include "dev/cirrus5446.h"

#include "base/bits.h"

#define LFB_BLT     (16u << 20)
#define LFB_MMIO    (CIRRUS_VRAM - 256) /* when SR17 puts the registers there */
#define WINDOW_MMIO 0x18000u            /* B8000h */

static void
expand_byte(struct cirrus *c, uint32_t addr, uint8_t val, bool opaque)
{
	bool wide = c->gfx[GR_EXT] & GRB_16BIT;
	uint16_t fg = (uint16_t)(c->gfx[1] | c->gfx[0x11] << 8);
	uint16_t bg = (uint16_t)(c->gfx[0] | c->gfx[0x10] << 8);
	uint8_t allowed = c->seq[2] == 0x0f ? 0xff : c->seq[2]; /* 0fh: as BIOSes leave it */

	for (unsigned i = 0; i < 8; i++) {
		unsigned bit = 0x80u >> i;
		uint16_t color = val & bit ? fg : bg;
		uint32_t at = (addr + (wide ? i * 2 : i)) & (CIRRUS_VRAM - 1);

		if (!(allowed & bit) || (!(val & bit) && !opaque))
			continue;
		c->vga.vram[at] = (uint8_t)color;
		if (wide)
			c->vga.vram[(at + 1) & (CIRRUS_VRAM - 1)] = (uint8_t)(color >> 8);
	}
}

static uint32_t
by_8(const struct cirrus *c, uint32_t addr)
{
	uint8_t ext = c->gfx[GR_EXT];

	if ((ext & (GRB_WRITE_MODES | GRB_16BIT)) == (GRB_WRITE_MODES | GRB_16BIT))
		addr <<= 4;
	else if (ext & GRB_BY_8)
		addr <<= 3;
	return addr & (CIRRUS_VRAM - 1);
}

/* A byte at an address of packed-pixel memory. */
static void
packed_write(struct cirrus *c, uint32_t addr, uint8_t val)
{
	unsigned mode = c->gfx[5] & 7;

	addr = by_8(c, addr);
	if ((c->gfx[GR_EXT] & GRB_WRITE_MODES) && (mode == 4 || mode == 5))
		expand_byte(c, addr, val, mode == 5);
	else
		c->vga.vram[addr] = val;
}

static uint32_t
banked(const struct cirrus *c, uint32_t addr)
{
	unsigned shift = c->gfx[GR_EXT] & GRB_BANK_16K ? 14 : 12, bank = GR_BANK0;

	if ((c->gfx[GR_EXT] & GRB_DUAL_BANK) && (addr & 0x8000)) {
		bank = GR_BANK1;
		addr &= 0x7fff;
	}
	return (addr & 0xffff) + ((uint32_t)c->gfx[bank] << shift);
}

static bool
window_is_mmio(const struct cirrus *c, uint32_t off)
{
	return off >= WINDOW_MMIO && off < WINDOW_MMIO + 0x100 &&
	       (c->seq[SR_CONFIG] & (SR17_MMIO | SR17_MMIO_AT_END)) == SR17_MMIO;
}

static uint8_t
window_read_byte(struct dev *d, uint32_t off)
{
	struct cirrus *c = d->state;
	uint32_t addr;

	if (window_is_mmio(c, off))
		return cirrus_mmio_read(c, off - WINDOW_MMIO);
	if (!(c->seq[SR_MODE] & SR7_EXTENDED))
		return (uint8_t)vga_mem_read(&c->vga, off, 1);
	if (!vga_mem_decode(&c->vga, off, &addr))
		return 0xff;
	if (c->blt.busy == BLT_GIVES_DATA)
		return cirrus_blt_fetch(d);
	return c->vga.vram[by_8(c, banked(c, addr))];
}

static void
window_write_byte(struct dev *d, uint32_t off, uint8_t val)
{
	struct cirrus *c = d->state;
	uint32_t addr;

	if (window_is_mmio(c, off))
		cirrus_mmio_write(d, off - WINDOW_MMIO, val);
	else if (!(c->seq[SR_MODE] & SR7_EXTENDED))
		vga_mem_write(&c->vga, off, 1, val);
	else if (!vga_mem_decode(&c->vga, off, &addr))
		return;
	else if (c->blt.busy == BLT_WAITS_DATA)
		cirrus_blt_data(d, val);
	else
		packed_write(c, banked(c, addr), val);
}

uint64_t
cirrus_mem_window_read(struct dev *d, uint32_t off, unsigned size)
{
	uint64_t val = 0;

	for (unsigned i = 0; i < size; i++)
		val |= (uint64_t)window_read_byte(d, off + i) << (8 * i);
	return val;
}

void
cirrus_mem_window_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	for (unsigned i = 0; i < size; i++)
		window_write_byte(d, off + i, (uint8_t)(val >> (8 * i)));
}

/* The second and third 4 MiB show words and doublewords with their bytes swapped. */
static uint32_t
lfb_address(uint32_t off)
{
	static const uint8_t swap[4] = { 0, 1, 3, 0 };

	return (off & (CIRRUS_VRAM - 1)) ^ swap[off / CIRRUS_VRAM & 3];
}

static bool
lfb_is_mmio(const struct cirrus *c, uint32_t addr)
{
	return addr >= LFB_MMIO && (c->seq[SR_CONFIG] & (SR17_MMIO | SR17_MMIO_AT_END)) ==
	                               (SR17_MMIO | SR17_MMIO_AT_END);
}

uint64_t
cirrus_mem_lfb_read(struct dev *d, uint32_t off, unsigned size)
{
	struct cirrus *c = d->state;
	uint64_t val = 0;

	for (unsigned i = 0; i < size; i++) {
		uint32_t addr = lfb_address(off + i);
		uint8_t byte;

		if (c->blt.busy == BLT_GIVES_DATA)
			byte = cirrus_blt_fetch(d);
		else if (off >= LFB_BLT || !c->vga.vram)
			byte = 0xff;
		else if (lfb_is_mmio(c, addr))
			byte = cirrus_mmio_read(c, addr - LFB_MMIO);
		else
			byte = c->vga.vram[by_8(c, addr)];
		val |= (uint64_t)byte << (8 * i);
	}
	return val;
}

void
cirrus_mem_lfb_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct cirrus *c = d->state;

	for (unsigned i = 0; i < size && c->vga.vram; i++) {
		uint32_t addr = lfb_address(off + i);
		uint8_t byte = (uint8_t)(val >> (8 * i));

		if (off < LFB_BLT && lfb_is_mmio(c, addr))
			cirrus_mmio_write(d, addr - LFB_MMIO, byte);
		else if (c->blt.busy == BLT_WAITS_DATA)
			cirrus_blt_data(d, byte);
		else if (off < LFB_BLT)
			packed_write(c, addr, byte);
	}
}
