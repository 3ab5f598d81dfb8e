/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of this folder. */
#ifndef LODGE_HOST_CHAR_CHARDEV_IMPL_H
#define LODGE_HOST_CHAR_CHARDEV_IMPL_H

#include "host/char/chardev.h"

struct chardev_type {
	unsigned (*write)(struct chardev *c, const uint8_t *data, unsigned len);
	void (*kick)(struct chardev *c); /* may be NULL */
	void (*close)(struct chardev *c);
};

struct chardev { /* first member of each back end's struct */
	const struct chardev_type *type;
	struct chardev_front front;
};

/* 0 while nothing is attached. */
unsigned chardev_can_receive(const struct chardev *c);

#endif
