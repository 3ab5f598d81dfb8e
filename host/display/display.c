/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The surface that a video device renders into. */
#include "host/display/display.h"

#include "base/mem.h"

#include <errno.h>
#include <string.h>

int
display_init(struct display *d)
{
	memset(d, 0, sizeof(*d));
	return 0;
}

void
display_fini(struct display *d)
{
	mem_free(d->pixels);
	memset(d, 0, sizeof(*d));
}

int
display_resize(struct display *d, unsigned width, unsigned height)
{
	if (width > DISPLAY_MAX_W || height > DISPLAY_MAX_H)
		return -EINVAL;
	if (!d->pixels) /* the maximum at once: pages never touched cost nothing */
		d->pixels = try_alloc((size_t)DISPLAY_MAX_W * DISPLAY_MAX_H, sizeof(uint32_t));
	if (!d->pixels)
		return -ENOMEM;
	d->width = width;
	d->height = height;
	return 0;
}
