/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LODGE_DEV_I82077_H
#define LODGE_DEV_I82077_H

#include "dev/dev.h"

struct block;

#define I82077_DRIVES 2u

/* As in CMOS byte 10h. */
enum i82077_drive_type {
	I82077_NONE,
	I82077_360K,
	I82077_1200K,
	I82077_720K,
	I82077_1440K,
	I82077_2880K,
};

/* Puts another disk in the drive (NULL: takes it out) and sets the disk change line. False,
 * and nothing changed, when no known format has the image's size or there is no drive. A command
 * under way fails; the old block may be closed once the device is not busy. */
bool i82077_set_media(struct dev *d, unsigned drive, struct block *b);

/* For the CMOS: what each drive is. */
enum i82077_drive_type i82077_drive_type(const struct dev *d, unsigned drive);

/* The format that a disk image of this size has. */
struct i82077_format {
	uint8_t cylinders, heads, sectors; /* sectors of 512 bytes per track */
	uint8_t rate;                      /* data rate code: 0 500k, 1 300k, 2 250k, 3 1M */
};
bool i82077_find_format(uint64_t bytes, struct i82077_format *ret_format);

#endif
