/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between a video device and those who show it (RFB server, text terminal,
 * screenshots).  The device renders on demand into a surface owned by the display;
 * nobody renders when nobody looks.  Pixels are XRGB8888, little-endian.
 */
#ifndef LODGE_HOST_DISPLAY_DISPLAY_H
#define LODGE_HOST_DISPLAY_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISPLAY_MAX_W 2560u
#define DISPLAY_MAX_H 2048u

struct display_text { /* what a text terminal shows; valid when cols > 0 */
	unsigned cols, rows;
	unsigned cursor_x, cursor_y;
	bool cursor_on;
	/* cols*rows cells: character (code page 437) | attribute << 8 */
	uint16_t cells[256 * 128];
};

struct display {
	unsigned width, height; /* 0 = blank */
	uint32_t *pixels;       /* width * height, owned; room for the maximum is made lazily */
	/* Filled in by the video device. All are called with the machine's lock held. */
	void (*render)(
	    void *ctx, struct display *d); /* whole picture; sets size via display_resize() */
	bool (*text)(void *ctx, struct display_text *ret_text); /* false: graphics mode */
	void *ctx;
};

int display_init(struct display *d);
void display_fini(struct display *d);
/* -EINVAL beyond the maximum. Keeps pixels undefined. */
int display_resize(struct display *d, unsigned width, unsigned height);

/* Input from viewers to whichever device takes it: the board fills this in. Keys are
 * PC set-1 scan codes: E0-prefixed keys have bit 7 of the high byte: 0xE01C; Pause is 0xE11D. */
struct input_sink {
	void *ctx;
	void (*key)(void *ctx, unsigned scancode, bool down);
	/* absolute 0..32767 within the picture, buttons bit 0 left, 1 middle, 2 right;
	 * wheel: steps, + away from the user */
	void (*pointer_abs)(void *ctx, unsigned x, unsigned y, unsigned buttons, int wheel);
	void (*pointer_rel)(void *ctx, int dx, int dy, unsigned buttons, int wheel);
	bool (*wants_abs)(void *ctx);
	/* What the guest has lit: bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock. May be NULL. */
	unsigned (*leds)(void *ctx);
};

#endif
