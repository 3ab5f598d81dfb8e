/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Screenshots: 8-bit RGB PNG (W3C PNG specification), and the text screen as UTF-8. */
#ifndef LODGE_HOST_DISPLAY_PNG_H
#define LODGE_HOST_DISPLAY_PNG_H

#include "host/display/display.h"

struct buf;
struct err;

/* Writes the picture in `d` (render it first) to a file or stream. A picture without
 * size becomes one black dot. */
int png_write_fd(const struct display *d, int fd, struct err *e);
/* The same into memory; -ENOMEM past the buffer's maximum. */
int png_write(const struct display *d, struct buf *b, struct err *e);

#endif
