/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IBM VGA core that the video adapters of this folder are built on: registers
 * (vga_regs.c), the memory window (vga_mem.c) and scan-out (vga_render.c).  An
 * adapter embeds struct vga first in its state, puts VGA_FIELDS in its field
 * table, and sets `linear` while it shows a packed-pixel picture that the VGA's own
 * address generator knows nothing of.
 *
 * Video memory is the adapter's RAM region.  The four 64 KiB planes lie in its
 * first 256 KiB, interleaved: byte `plane_off * 4 + plane`.
 *
 * IBM Personal System/2 Hardware Interface Technical Reference, "Video Subsystem".
 */
#ifndef LODGE_DEV_VGA_H
#define LODGE_DEV_VGA_H

#include "dev/dev.h"

struct display;
struct display_text;

#define VGA_NCRTC 0x19
#define VGA_NSEQ  5
#define VGA_NGFX  9
#define VGA_NATTR 0x15

enum vga_misc {
	VGA_MISC_COLOR = 0x01, /* CRTC at 3Dx instead of 3Bx */
	VGA_MISC_RAM = 0x02,   /* the memory window answers */
	VGA_MISC_CLK28 = 0x04, /* 28.322 MHz dot clock instead of 25.175 */
};

enum vga_seq_bits {
	VGA_SR1_DOTS8 = 0x01, /* 8 dots a character, else 9 */
	VGA_SR1_HALF_CLOCK = 0x08,
	VGA_SR1_SCREEN_OFF = 0x20,
	VGA_SR4_EXT_MEMORY = 0x02,
	VGA_SR4_SEQUENTIAL = 0x04, /* clear: writes are odd/even */
	VGA_SR4_CHAIN4 = 0x08,
};

enum vga_gfx_bits {
	VGA_GR5_READ_MODE1 = 0x08,
	VGA_GR5_ODD_EVEN = 0x10,
	VGA_GR5_SHIFT_CGA = 0x20,
	VGA_GR5_SHIFT_256 = 0x40,
	VGA_GR6_GRAPHICS = 0x01,
	VGA_GR6_CHAIN_ODD_EVEN = 0x02,
};

enum vga_attr_bits {
	VGA_AR10_LINE_GRAPHICS = 0x04,
	VGA_AR10_BLINK = 0x08,
	VGA_AR10_PAN_TOP_ONLY = 0x20, /* no panning below the line compare */
	VGA_AR10_PIXEL8 = 0x40,
	VGA_AR10_P54_FROM_AR14 = 0x80,
	VGA_ATTR_PAS = 0x20, /* in attr_index: the palette feeds the screen */
};

/* A packed-pixel picture; bits 0 = none, the VGA's own scan-out is shown. */
struct vga_linear {
	uint32_t base, stride; /* bytes */
	uint32_t width, height;
	uint8_t bits; /* 4 (planar), 8, 15, 16, 24, 32 */
	uint8_t pad[3];
};

struct vga {
	uint8_t crtc[VGA_NCRTC];
	uint8_t seq[VGA_NSEQ];
	uint8_t gfx[VGA_NGFX];
	uint8_t attr[VGA_NATTR];
	uint8_t crtc_index, seq_index, gfx_index;
	uint8_t attr_index;   /* with VGA_ATTR_PAS */
	uint8_t attr_is_data; /* the flip-flop of 3C0 */
	uint8_t misc, feature, sleep;
	uint8_t dac_mask, dac_write_index, dac_read_index;
	uint8_t dac_step;    /* 0 red, 1 green, 2 blue is next */
	uint8_t dac_reading; /* 3C7 was written last */
	uint8_t dac_hold[2]; /* red and green until blue completes the entry */
	uint8_t dac[768];
	uint8_t dac_8bit;
	uint8_t latch[4];

	/* not saved */
	struct dev *dev;
	uint8_t *vram;
	uint32_t vram_size;
	uint32_t plane_mask;  /* plane offsets wrap here: ffffh, more for VBE 16-colour modes */
	uint32_t window_base; /* added to window addresses: the VBE bank, in plane bytes or bytes */
	bool window_linear;   /* the window shows packed pixels */
	bool ram_always;      /* VGA_MISC_RAM does nothing */
	bool ignore_screen_off; /* VGA_SR1_SCREEN_OFF does nothing */
	uint8_t pad[5];
	struct vga_linear linear;
};

_Static_assert(sizeof(struct vga_linear) == 20, "no hidden padding");

/* For the field table of an adapter whose state has `struct vga vga`. */
/* clang-format off */
#define VGA_FIELDS(T) \
	DEV_FIELD_ARRAY(T, vga.crtc), \
	DEV_FIELD_ARRAY(T, vga.seq), \
	DEV_FIELD_ARRAY(T, vga.gfx), \
	DEV_FIELD_ARRAY(T, vga.attr), \
	DEV_FIELD(T, vga.crtc_index), \
	DEV_FIELD(T, vga.seq_index), \
	DEV_FIELD(T, vga.gfx_index), \
	DEV_FIELD(T, vga.attr_index), \
	DEV_FIELD(T, vga.attr_is_data), \
	DEV_FIELD(T, vga.misc), \
	DEV_FIELD(T, vga.feature), \
	DEV_FIELD(T, vga.sleep), \
	DEV_FIELD(T, vga.dac_mask), \
	DEV_FIELD(T, vga.dac_write_index), \
	DEV_FIELD(T, vga.dac_read_index), \
	DEV_FIELD(T, vga.dac_step), \
	DEV_FIELD(T, vga.dac_reading), \
	DEV_FIELD_ARRAY(T, vga.dac_hold), \
	DEV_FIELD_ARRAY(T, vga.dac), \
	DEV_FIELD(T, vga.dac_8bit), \
	DEV_FIELD_ARRAY(T, vga.latch), \
	DEV_TRANSIENT(T, vga.dev), \
	DEV_TRANSIENT(T, vga.vram), \
	DEV_TRANSIENT(T, vga.vram_size), \
	DEV_TRANSIENT(T, vga.plane_mask), \
	DEV_TRANSIENT(T, vga.window_base), \
	DEV_TRANSIENT(T, vga.window_linear), \
	DEV_TRANSIENT(T, vga.ram_always), \
	DEV_TRANSIENT(T, vga.ignore_screen_off), \
	DEV_TRANSIENT(T, vga.pad), \
	DEV_TRANSIENT(T, vga.linear)
/* clang-format on */

/* vga_regs.c */
void vga_regs_reset(struct vga *v);
/* Saved indices may be anything in a damaged file: brought into range. */
void vga_regs_loaded(struct vga *v);
/* port: 3B0h..3DFh */
uint8_t vga_regs_read(struct vga *v, unsigned port);
void vga_regs_write(struct vga *v, unsigned port, uint8_t val);
/* The 10-bit vertical values and others that are spread over registers */
unsigned vga_regs_vdisplay(const struct vga *v);     /* scan lines shown */
unsigned vga_regs_line_compare(const struct vga *v); /* last line above the split */
/* Number of the picture now on the monitor, for blinking. */
uint64_t vga_regs_frame(struct vga *v);
/* Is the screen blanked by a register? */
bool vga_regs_blank(const struct vga *v);

/* vga_mem.c: off is from A0000h, 0..1FFFFh; size 1, 2, 4, 8 */
uint64_t vga_mem_read(struct vga *v, uint32_t off, unsigned size);
void vga_mem_write(struct vga *v, uint32_t off, unsigned size, uint64_t val);
/* The same for one byte at an address in the planes (after the window decoder). */
uint8_t vga_mem_plane_read(struct vga *v, uint32_t addr);
void vga_mem_plane_write(struct vga *v, uint32_t addr, uint8_t val);
/* Offset in the window that GR6 selects; false when the address is outside it. */
bool vga_mem_decode(const struct vga *v, uint32_t off, uint32_t *ret_addr);

/* vga_render.c */
void vga_render_picture(struct vga *v, struct display *d);
bool vga_render_text(struct vga *v, struct display_text *ret_text);
void vga_render_palette(const struct vga *v, uint32_t ret_rgb[256]);

#endif
