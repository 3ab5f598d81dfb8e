/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The "DISPI" registers of the Bochs VBE extension: the interface through which
 * the VGA BIOS of SeaBIOS, Linux's bochs driver and many hobby systems set modes of
 * 4 to 32 bits a pixel.
 */
#ifndef LODGE_DEV_VBE_H
#define LODGE_DEV_VBE_H

#include "dev/vga.h"

enum vbe_index {
	VBE_ID,
	VBE_XRES,
	VBE_YRES,
	VBE_BPP,
	VBE_ENABLE,
	VBE_BANK, /* 64 KiB units */
	VBE_VIRT_WIDTH,
	VBE_VIRT_HEIGHT,
	VBE_X_OFFSET,
	VBE_Y_OFFSET,
	VBE_VIDEO_MEMORY_64K,
	VBE_NREGS
};

enum vbe_enable {
	VBE_ENABLED = 0x01,
	VBE_GETCAPS = 0x02, /* XRES, YRES, BPP read as the maximum */
	VBE_8BIT_DAC = 0x20,
	VBE_LFB = 0x40,
	VBE_NOCLEARMEM = 0x80,
};

#define VBE_MAX_XRES 2560
#define VBE_MAX_YRES 2048
#define VBE_MAX_BPP  32

struct vbe {
	uint16_t index;
	uint16_t regs[VBE_NREGS];
};

void vbe_reset(struct vbe *b, struct vga *v);
uint16_t vbe_read(const struct vbe *b, const struct vga *v, unsigned index);
void vbe_write(struct vbe *b, struct vga *v, unsigned index, uint16_t val);
/* Brings registers into range and derives what struct vga has from them. */
void vbe_loaded(struct vbe *b, struct vga *v);

#endif
