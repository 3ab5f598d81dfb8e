/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Code page 437 and the text screen as plain UTF-8. */
#ifndef LODGE_HOST_DISPLAY_TEXTDUMP_H
#define LODGE_HOST_DISPLAY_TEXTDUMP_H

#include "host/display/display.h"

struct buf;

/* Code page 437 → Unicode, with the pictures of 01h..1Fh; 0 and FFh are spaces. */
extern const uint16_t textdump_cp437[256];

/* Appends one character, U+0000..U+FFFF. */
void textdump_put_utf8(struct buf *b, uint16_t c);
/* The screen's lines without the spaces at their ends. */
void textdump_put(struct buf *b, const struct display_text *t);

#endif
