/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The CPU's way to VGA memory: which of the four planes an address reaches, the
 * latches, and the graphics controller's read and write modes, all four planes at
 * a time in one 32-bit word (plane 0 in the low byte).
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Graphics Controller" and "Memory
 * Maps": in odd/even mode A0 selects between planes 0/2 and 1/3, in chain-4 mode A1-A0
 * select the plane; the address bits used up are filled from above (A16 or A15-A14) as the
 * CRTC's word and doubleword modes do (crtc_addr() in vga_render.c).
 */
#include "dev/vga.h"

#include "base/bits.h"

enum gfx_index {
	GR_SET_RESET,
	GR_ENABLE_SET_RESET,
	GR_COLOR_COMPARE,
	GR_ROTATE,
	GR_READ_MAP,
	GR_MODE,
	GR_MISC,
	GR_DONT_CARE,
	GR_BIT_MASK,
};

/* One bit a plane → ff in its byte. */
static const uint32_t plane_bits[16] = { 0x00000000, 0x000000ff, 0x0000ff00, 0x0000ffff, 0x00ff0000,
	0x00ff00ff, 0x00ffff00, 0x00ffffff, 0xff000000, 0xff0000ff, 0xff00ff00, 0xff00ffff,
	0xffff0000, 0xffff00ff, 0xffffff00, 0xffffffff };

static uint32_t
spread(uint8_t byte)
{
	return byte * 0x01010101u;
}

static uint8_t *
planes_at(const struct vga *v, uint32_t plane_off)
{
	return v->vram + (size_t)(plane_off & v->plane_mask) * 4;
}

static uint32_t
odd_even_offset(const struct vga *v, uint32_t addr)
{
	if (!(v->gfx[GR_MISC] & VGA_GR6_CHAIN_ODD_EVEN))
		return addr;
	return (addr & 0x1fffe & ~1u) | (addr >> 16 & 1);
}

static uint32_t
chain4_offset(uint32_t addr)
{
	return (addr & 0xfffc) | (addr >> 14 & 3);
}

/* ---- one byte through the graphics controller ---- */

static uint8_t
color_compare(const struct vga *v, uint32_t latch)
{
	/* 1 where all planes that care have the compared colour */
	uint32_t diff =
	    (latch ^ plane_bits[v->gfx[GR_COLOR_COMPARE]]) & plane_bits[v->gfx[GR_DONT_CARE]];

	diff |= diff >> 16;
	diff |= diff >> 8;
	return (uint8_t)~diff;
}

uint8_t
vga_mem_plane_read(struct vga *v, uint32_t addr)
{
	uint32_t plane_off = addr;
	unsigned plane = v->gfx[GR_READ_MAP];

	if (v->seq[4] & VGA_SR4_CHAIN4) {
		plane = addr & 3;
		plane_off = chain4_offset(addr);
	} else if (v->gfx[GR_MODE] & VGA_GR5_ODD_EVEN) {
		plane = (plane & 2) | (addr & 1);
		plane_off = odd_even_offset(v, addr);
	}
	memcpy(v->latch, planes_at(v, plane_off + v->window_base), 4);
	if (v->gfx[GR_MODE] & VGA_GR5_READ_MODE1)
		return color_compare(v, get_le32(v->latch));
	return v->latch[plane];
}

static uint8_t
rotated(const struct vga *v, uint8_t val)
{
	unsigned n = v->gfx[GR_ROTATE] & 7;

	return (uint8_t)(val >> n | val << (8 - n));
}

static uint32_t
combine(const struct vga *v, uint32_t data, uint32_t latch)
{
	switch (v->gfx[GR_ROTATE] >> 3 & 3) {
	case 1: return data & latch;
	case 2: return data | latch;
	case 3: return data ^ latch;
	default: return data;
	}
}

/* What the four planes would hold after the write, before the map mask. */
static uint32_t
write_data(const struct vga *v, uint8_t val)
{
	uint32_t latch = get_le32(v->latch);
	uint32_t mask = spread(v->gfx[GR_BIT_MASK]);
	uint32_t data;

	switch (v->gfx[GR_MODE] & 3) {
	case 0: {
		uint32_t enable = plane_bits[v->gfx[GR_ENABLE_SET_RESET]];

		data = spread(rotated(v, val));
		data = (data & ~enable) | (plane_bits[v->gfx[GR_SET_RESET]] & enable);
		break;
	}
	case 1: return latch;
	case 2: data = plane_bits[val & 0xf]; break;
	default:
		mask &= spread(rotated(v, val));
		data = plane_bits[v->gfx[GR_SET_RESET]];
		break;
	}
	return (combine(v, data, latch) & mask) | (latch & ~mask);
}

void
vga_mem_plane_write(struct vga *v, uint32_t addr, uint8_t val)
{
	uint32_t plane_off = addr;
	unsigned planes = v->seq[2];

	if (v->seq[4] & VGA_SR4_CHAIN4) {
		planes &= 1u << (addr & 3);
		plane_off = chain4_offset(addr);
	} else if (!(v->seq[4] & VGA_SR4_SEQUENTIAL)) {
		planes &= addr & 1 ? 0xa : 0x5;
		plane_off = odd_even_offset(v, addr);
	}

	uint8_t *p = planes_at(v, plane_off + v->window_base);
	uint32_t keep = ~plane_bits[planes];

	put_le32(p, (get_le32(p) & keep) | (write_data(v, val) & ~keep));
}

/* ---- the window ---- */

bool
vga_mem_decode(const struct vga *v, uint32_t off, uint32_t *ret_addr)
{
	static const struct {
		uint32_t start, size;
	} maps[4] = { { 0, 0x20000 }, { 0, 0x10000 }, { 0x10000, 0x8000 }, { 0x18000, 0x8000 } };
	unsigned map = v->gfx[GR_MISC] >> 2 & 3;

	if (!v->vram || !(v->ram_always || v->misc & VGA_MISC_RAM) ||
	    off - maps[map].start >= maps[map].size)
		return false;
	*ret_addr = off - maps[map].start;
	return true;
}

static uint8_t
window_read(struct vga *v, uint32_t off)
{
	uint32_t addr;

	if (!vga_mem_decode(v, off, &addr))
		return 0xff;
	if (v->window_linear)
		return v->vram[(addr + v->window_base) & (v->vram_size - 1)];
	return vga_mem_plane_read(v, addr);
}

static void
window_write(struct vga *v, uint32_t off, uint8_t val)
{
	uint32_t addr;

	if (!vga_mem_decode(v, off, &addr))
		return;
	if (v->window_linear)
		v->vram[(addr + v->window_base) & (v->vram_size - 1)] = val;
	else
		vga_mem_plane_write(v, addr, val);
}

uint64_t
vga_mem_read(struct vga *v, uint32_t off, unsigned size)
{
	uint64_t val = 0;

	for (unsigned i = 0; i < size; i++)
		val |= (uint64_t)window_read(v, off + i) << (i * 8);
	return val;
}

void
vga_mem_write(struct vga *v, uint32_t off, unsigned size, uint64_t val)
{
	for (unsigned i = 0; i < size; i++)
		window_write(v, off + i, (uint8_t)(val >> (i * 8)));
}
