/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's text screen in a terminal (ECMA-48, as xterm and the Linux console do
 * it), and the terminal's bytes as keys of a PC.  Pure: the caller owns the terminal, sets
 * raw mode, moves bytes and tells the time.
 */
#ifndef LODGE_HOST_DISPLAY_TEXTTERM_H
#define LODGE_HOST_DISPLAY_TEXTTERM_H

#include "host/display/display.h"

struct buf;

#define TEXTTERM_MAX_COLS 256u
#define TEXTTERM_MAX_ROWS 128u
#define TEXTTERM_ESC_NS   50000000ll /* a lone ESC is the Esc key after this time */

struct textterm_sink {
	void *ctx;
	void (*key)(void *ctx, unsigned scancode, bool down);
	/* The prefix key and this character were typed. May be NULL. */
	void (*command)(void *ctx, unsigned char c);
};

struct textterm {
	unsigned cols, rows;  /* of the terminal */
	unsigned char prefix; /* control character that starts a command, 0: none */
	bool in_prefix;
	uint8_t pending[24]; /* the start of an escape sequence */
	unsigned npending;
	int64_t esc_deadline_ns; /* INT64_MAX: none */

	bool drawn;         /* `shown` is what the terminal has */
	bool graphics;      /* the notice is on the terminal */
	unsigned top, left; /* the part of the guest's screen */
	unsigned graphics_w, graphics_h;
	uint32_t shown[TEXTTERM_MAX_COLS * TEXTTERM_MAX_ROWS]; /* cell | 10000h: known */
	unsigned cursor_x, cursor_y;
	bool cursor_on;
};

void textterm_init(struct textterm *t, unsigned cols, unsigned rows, unsigned char prefix);
void textterm_resize(struct textterm *t, unsigned cols, unsigned rows);
/* Asks the terminal for its size; the answer comes as input and is taken there. */
void textterm_ask_size(struct textterm *t, struct buf *out);
/* Alternate screen on and off; asks for the size, too. */
void textterm_enter(struct textterm *t, struct buf *out);
void textterm_leave(struct textterm *t, struct buf *out);
/* What it takes to make the terminal show the screen. NULL: a graphics mode of this size. */
void textterm_draw(struct textterm *t, const struct display_text *text, unsigned width,
    unsigned height, struct buf *out);
void textterm_input(struct textterm *t, const uint8_t *data, size_t len, int64_t now_ns,
    const struct textterm_sink *sink);
/* Call at esc_deadline_ns. */
void textterm_tick(struct textterm *t, int64_t now_ns, const struct textterm_sink *sink);

#endif
