/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the board needs of the IDE controller (dev/ide_piix3.c). */
#ifndef LODGE_DEV_IDE_H
#define LODGE_DEV_IDE_H

#include <stdbool.h>

struct block;
struct dev;

/*
 * Back ends "drive0".."drive3": primary master, primary slave, secondary master,
 * secondary slave.  Parameters, N the unit:
 *   driveN_type    "disk" (default when there is a back end), "cd", "none"
 *   driveN_serial, driveN_model     strings for IDENTIFY
 *   driveN_cyls, driveN_heads, driveN_sectors   default translation
 * The device maps its legacy ports itself (1F0h, 3F6h, 170h, 376h).
 */
enum {
	IDE_REGION_CMD0,
	IDE_REGION_CTL0,
	IDE_REGION_CMD1,
	IDE_REGION_CTL1,
	IDE_REGION_BM, /* BAR 4 */
};
enum { IDE_OUT_IRQ14, IDE_OUT_IRQ15 };
#define IDE_UNITS 4

/* Changes the medium of a CD drive; NULL takes it out. The old back end is the caller's
 * again. 0, -EBUSY while a read is under way (try again later), -EINVAL: not a CD drive. */
int ide_set_media(struct dev *d, unsigned unit, struct block *b);
bool ide_media_locked(struct dev *d, unsigned unit); /* the guest prevents removal */

#endif
