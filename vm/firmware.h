/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the firmware finds: its own image, the video firmware, the clock chip's memory and
 * the items of the firmware configuration device.
 */
#ifndef LODGE_VM_FIRMWARE_H
#define LODGE_VM_FIRMWARE_H

struct err;
struct machine;

/* Before the devices: maps memory and ROM, sets what devices need of it. */
int firmware_load(struct machine *m, struct err *e);
/* After them. */
int firmware_describe(struct machine *m, struct err *e);

#endif
