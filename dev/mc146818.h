/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LODGE_DEV_MC146818_H
#define LODGE_DEV_MC146818_H

#include "dev/dev.h"

/* Battery-backed bytes as set-up software would have left them (memory size, boot order,
 * drives…): index 0Eh..FFh but 32h. For the board, after create() and before the start. */
void mc146818_set_cmos(struct dev *d, unsigned index, uint8_t v);

#endif
