/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bit block transfer engine of the CL-GD5446, apart from its registers. */
#ifndef LODGE_DEV_CIRRUS_BLT_H
#define LODGE_DEV_CIRRUS_BLT_H

#include <stdbool.h>
#include <stdint.h>

#define CIRRUS_BLT_MAX_WIDTH 8192u /* bytes: 13 bits */
#define CIRRUS_BLT_BUF       (CIRRUS_BLT_MAX_WIDTH + 8u)

enum cirrus_blt_mode { /* GR30 */
	BLT_BACKWARD = 0x01,
	BLT_TO_SYSTEM = 0x02,
	BLT_FROM_SYSTEM = 0x04,
	BLT_TRANSPARENT = 0x08,
	BLT_PIXEL = 0x30, /* bytes of a pixel - 1, in bits 5-4 */
	BLT_PATTERN = 0x40,
	BLT_EXPAND = 0x80,
};

enum cirrus_blt_ext {          /* GR33 */
	BLT_DWORD_ROWS = 0x01, /* rows of expanded system data start at doublewords */
	BLT_INVERT = 0x02,
	BLT_SOLID = 0x04,
};

enum cirrus_blt_busy { BLT_IDLE, BLT_WAITS_DATA, BLT_GIVES_DATA };

/* An operation; what the registers said when it began, and how far it came. */
struct cirrus_blt {
	uint32_t dst, src;
	uint32_t width, height; /* bytes, lines; height counts down */
	uint32_t dst_pitch, src_pitch;
	uint32_t fg, bg;
	uint32_t row_bytes, row_pos; /* of system data */
	uint32_t pattern_row;
	uint16_t key; /* transparent color */
	uint8_t mode, ext, rop, skip;
	uint8_t busy; /* enum cirrus_blt_busy */
	uint8_t pad;
	uint8_t buf[CIRRUS_BLT_BUF]; /* a row of system data */
};

_Static_assert(sizeof(struct cirrus_blt) == 52 + CIRRUS_BLT_BUF, "no hidden padding");

/* vram_size: a power of two; every address is taken modulo it. The caller filled in all but
 * row_*, pattern_row and busy. */
void cirrus_blt_start(struct cirrus_blt *b, uint8_t *vram, uint32_t vram_size);
/* A byte from or for the processor while busy; nothing otherwise. */
void cirrus_blt_put(struct cirrus_blt *b, uint8_t *vram, uint32_t vram_size, uint8_t val);
uint8_t cirrus_blt_get(struct cirrus_blt *b, const uint8_t *vram, uint32_t vram_size);
/* After load: nothing in it may lead outside. */
void cirrus_blt_check(struct cirrus_blt *b);

#endif
