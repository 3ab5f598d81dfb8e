/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LODGE_DEV_I8237_H
#define LODGE_DEV_I8237_H

#include "dev/dev.h"

/* What the board's dev_env.isa_dma does: the device on channel `chan` has or wants up to
 * `len` bytes (an even number is moved on channels 5–7). Returns how many were moved, 0
 * while the channel is masked; *ret_tc: terminal count was reached with the last. */
unsigned i8237_transfer(
    struct dev *d, unsigned chan, void *buf, unsigned len, bool to_memory, bool *ret_tc);

#endif
