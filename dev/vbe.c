/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bochs VBE display interface (DISPI), versions B0C0h to B0C5h.
 *
 * Known from the public register list ("VBE_DISPI_*") that drivers are written to.
 * The geometry registers are open only while the extension is disabled; enabling
 * checks them against video memory and starts at the top left.
 */
#include "dev/vbe.h"

#include "base/bits.h"

#define VBE_ID_FIRST 0xb0c0
#define VBE_ID_LAST  0xb0c5

static bool
bpp_valid(unsigned bpp)
{
	return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

/* Bytes of n pixels; with 4 bits a pixel bytes of one plane. */
static uint32_t
pixels_bytes(unsigned bpp, uint32_t n)
{
	if (bpp == 4)
		return n / 8;
	return n * ((bpp + 7) / 8);
}

/* What a line may be made of: memory that all planes have. */
static uint32_t
memory_bytes(const struct vga *v, unsigned bpp)
{
	return bpp == 4 ? v->vram_size / 4 : v->vram_size;
}

static void
update(struct vbe *b, struct vga *v)
{
	const uint16_t *r = b->regs;

	v->dac_8bit = r[VBE_ENABLE] & VBE_8BIT_DAC ? 1 : 0;
	if (!(r[VBE_ENABLE] & VBE_ENABLED)) {
		v->linear.bits = 0;
		v->plane_mask = 0xffff;
		v->window_base = 0;
		v->window_linear = false;
		return;
	}

	unsigned bpp = r[VBE_BPP];

	v->linear.bits = (uint8_t)bpp;
	v->linear.width = r[VBE_XRES];
	v->linear.height = r[VBE_YRES];
	v->linear.stride = pixels_bytes(bpp, r[VBE_VIRT_WIDTH]);
	v->linear.base = r[VBE_Y_OFFSET] * v->linear.stride + pixels_bytes(bpp, r[VBE_X_OFFSET]);
	v->window_linear = bpp != 4;
	v->window_base = (uint32_t)r[VBE_BANK] << 16;
	v->plane_mask = bpp == 4 ? v->vram_size / 4 - 1 : 0xffff;
}

/* Video memory decides how many lines of this width there are. */
static void
set_virtual_width(struct vbe *b, struct vga *v, uint16_t width)
{
	uint16_t *r = b->regs;
	uint32_t lines, stride;

	if (width < r[VBE_XRES])
		width = r[VBE_XRES];
	width &= 0xfff8;
	stride = pixels_bytes(r[VBE_BPP], width);
	lines = memory_bytes(v, r[VBE_BPP]) / stride;
	if (lines < r[VBE_YRES])
		return;
	r[VBE_VIRT_WIDTH] = width;
	r[VBE_VIRT_HEIGHT] = (uint16_t)(lines > 0xffff ? 0xffff : lines);
}

/* The mode fits, or the extension stays off. */
static bool
enable(struct vbe *b, struct vga *v, uint16_t flags)
{
	uint16_t *r = b->regs;
	uint32_t bytes;

	if (!r[VBE_XRES] || !r[VBE_YRES] || !bpp_valid(r[VBE_BPP]))
		return false;
	bytes = pixels_bytes(r[VBE_BPP], r[VBE_XRES]) * r[VBE_YRES];
	if (bytes > memory_bytes(v, r[VBE_BPP]))
		return false;
	r[VBE_BANK] = 0;
	r[VBE_X_OFFSET] = r[VBE_Y_OFFSET] = 0;
	r[VBE_VIRT_WIDTH] = 0;
	set_virtual_width(b, v, r[VBE_XRES]);
	if (!(flags & VBE_NOCLEARMEM) && v->vram)
		memset(v->vram, 0, r[VBE_BPP] == 4 ? (size_t)bytes * 4 : bytes);
	return true;
}

static void
write_enable(struct vbe *b, struct vga *v, uint16_t val)
{
	uint16_t was = b->regs[VBE_ENABLE];

	val &= VBE_ENABLED | VBE_GETCAPS | VBE_8BIT_DAC | VBE_LFB | VBE_NOCLEARMEM;
	if ((val & VBE_ENABLED) && !(was & VBE_ENABLED) && !enable(b, v, val)) {
		v->dev->env->guest_error(v->dev, "vbe mode does not fit", b->regs[VBE_XRES]);
		val &= ~VBE_ENABLED;
	}
	b->regs[VBE_ENABLE] = val;
}

static void
write_geometry(struct vbe *b, unsigned index, uint16_t val)
{
	if (b->regs[VBE_ENABLE] & VBE_ENABLED)
		return;
	if (index == VBE_XRES && val <= VBE_MAX_XRES)
		b->regs[index] = val & 0xfff8;
	else if (index == VBE_YRES && val <= VBE_MAX_YRES)
		b->regs[index] = val;
	else if (index == VBE_BPP && (val == 0 || bpp_valid(val)))
		b->regs[index] = val ? val : 8; /* 0 means 8 since the first version */
}

void
vbe_write(struct vbe *b, struct vga *v, unsigned index, uint16_t val)
{
	uint16_t *r = b->regs;

	switch (index) {
	case VBE_ID:
		if (val >= VBE_ID_FIRST && val <= VBE_ID_LAST)
			r[VBE_ID] = val;
		return;
	case VBE_XRES:
	case VBE_YRES:
	case VBE_BPP: write_geometry(b, index, val); return;
	case VBE_ENABLE: write_enable(b, v, val); break;
	case VBE_BANK: r[VBE_BANK] = val & ((v->vram_size >> 16) - 1); break;
	case VBE_VIRT_WIDTH:
		if (r[VBE_ENABLE] & VBE_ENABLED)
			set_virtual_width(b, v, val);
		break;
	case VBE_X_OFFSET:
		if (val + r[VBE_XRES] <= r[VBE_VIRT_WIDTH])
			r[VBE_X_OFFSET] = val;
		break;
	case VBE_Y_OFFSET:
		if (val + r[VBE_YRES] <= r[VBE_VIRT_HEIGHT])
			r[VBE_Y_OFFSET] = val;
		break;
	default: return;
	}
	update(b, v);
}

uint16_t
vbe_read(const struct vbe *b, const struct vga *v, unsigned index)
{
	static const uint16_t caps[VBE_NREGS] = {
		[VBE_XRES] = VBE_MAX_XRES,
		[VBE_YRES] = VBE_MAX_YRES,
		[VBE_BPP] = VBE_MAX_BPP,
	};

	if (index == VBE_VIDEO_MEMORY_64K)
		return (uint16_t)(v->vram_size >> 16);
	if (index >= VBE_NREGS)
		return 0;
	if ((b->regs[VBE_ENABLE] & VBE_GETCAPS) && caps[index])
		return caps[index];
	return b->regs[index];
}

void
vbe_reset(struct vbe *b, struct vga *v)
{
	memset(b, 0, sizeof(*b));
	b->regs[VBE_ID] = VBE_ID_LAST;
	b->regs[VBE_BPP] = 8;
	update(b, v);
}

void
vbe_loaded(struct vbe *b, struct vga *v)
{
	uint16_t *r = b->regs;
	uint32_t bytes = pixels_bytes(r[VBE_BPP], r[VBE_XRES]) * r[VBE_YRES];

	r[VBE_BANK] &= (v->vram_size >> 16) - 1;
	if (r[VBE_XRES] < 8 || r[VBE_XRES] > VBE_MAX_XRES || !r[VBE_YRES] ||
	    r[VBE_YRES] > VBE_MAX_YRES || !bpp_valid(r[VBE_BPP]) ||
	    bytes > memory_bytes(v, r[VBE_BPP]))
		r[VBE_ENABLE] &= ~VBE_ENABLED;
	update(b, v);
}
