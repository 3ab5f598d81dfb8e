/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CL-GD5446: what its registers (cirrus5446.c) and its memory windows (cirrus_mem.c) share. */
#ifndef LODGE_DEV_CIRRUS5446_H
#define LODGE_DEV_CIRRUS5446_H

#include "dev/cirrus_blt.h"
#include "dev/vga.h"

#define CIRRUS_VRAM   (4u << 20)
#define LFB_BYTES     (32u << 20)
#define CURSOR_MEMORY (CIRRUS_VRAM - 16384)
#define NSEQ          0x20
#define NGFX          0x40
#define NCRTC         0x28
#define ID_5446       0xb8

enum seq_index {
	SR_UNLOCK = 0x06,
	SR_MODE = 0x07,
	SR_DDC = 0x08,
	SR_DRAM = 0x0f,
	SR_CURSOR_X = 0x10,
	SR_CURSOR_Y = 0x11,
	SR_CURSOR = 0x12,
	SR_CURSOR_PATTERN = 0x13,
	SR_MEMORY = 0x15,
	SR_CONFIG = 0x17,
	SR_MCLK = 0x1f,
};

enum gfx_index {
	GR_BANK0 = 0x09,
	GR_BANK1 = 0x0a,
	GR_EXT = 0x0b,
	GR_BLT_WIDTH = 0x20,
	GR_BLT_HEIGHT = 0x22,
	GR_BLT_DST_PITCH = 0x24,
	GR_BLT_SRC_PITCH = 0x26,
	GR_BLT_DST = 0x28,
	GR_BLT_SRC = 0x2c,
	GR_BLT_SKIP = 0x2f,
	GR_BLT_MODE = 0x30,
	GR_BLT_STATUS = 0x31,
	GR_BLT_ROP = 0x32,
	GR_BLT_EXT = 0x33,
	GR_BLT_KEY = 0x34,
};

enum crtc_index { CR_EXT_MISC = 0x1a, CR_EXT_DISPLAY = 0x1b, CR_EXT_START = 0x1d, CR_ID = 0x27 };

#define UNLOCKED           0x12
#define LOCKED             0x0f
#define SR7_EXTENDED       0x01
#define SR12_CURSOR_ON     0x01
#define SR12_CURSOR_COLORS 0x02
#define SR12_CURSOR_64     0x04
#define SR17_MMIO          0x04
#define SR17_MMIO_AT_END   0x40
#define GRB_DUAL_BANK      0x01
#define GRB_BY_8           0x02
#define GRB_WRITE_MODES    0x04
#define GRB_16BIT          0x10
#define GRB_BANK_16K       0x20
#define BLT_STATUS_BUSY    0x09
#define BLT_STATUS_START   0x02
#define BLT_STATUS_RESET   0x04
#define BLT_STATUS_AUTO    0x80
#define HDR_EXTENDED       0x80

enum region { R_LFB, R_MMIO, R_ROM, R_PORTS, R_WINDOW, R_VRAM /* over R_LFB: the later wins */ };

struct cirrus {
	struct vga vga;
	struct cirrus_blt blt;
	uint8_t seq[NSEQ], gfx[NGFX], crtc[NCRTC]; /* what the VGA core does not have */
	uint8_t hidden_dac, hidden_dac_reads;
	uint8_t cursor_color[2][3];
	uint16_t cursor_x, cursor_y;
	uint64_t overlay; /* where video memory is mapped */
};

/* cirrus5446.c: the BitBLT registers in memory, and data for an operation that waits */
uint8_t cirrus_mmio_read(struct cirrus *c, unsigned off);
void cirrus_mmio_write(struct dev *d, unsigned off, uint8_t val);
void cirrus_blt_data(struct dev *d, uint8_t val);
uint8_t cirrus_blt_fetch(struct dev *d);

/* cirrus_mem.c: off from A0000h, and from the start of BAR0 */
uint64_t cirrus_mem_window_read(struct dev *d, uint32_t off, unsigned size);
void cirrus_mem_window_write(struct dev *d, uint32_t off, unsigned size, uint64_t val);
uint64_t cirrus_mem_lfb_read(struct dev *d, uint32_t off, unsigned size);
void cirrus_mem_lfb_write(struct dev *d, uint32_t off, unsigned size, uint64_t val);

#endif
