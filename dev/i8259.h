/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LODGE_DEV_I8259_H
#define LODGE_DEV_I8259_H

#include "dev/dev.h"

/* Interrupt acknowledge: what the processor does when output 0 (INTR) is high. The
 * vector; a spurious IRQ 7 or 15 when the request has gone. */
uint8_t i8259_ack(struct dev *d);

/* Is the last rising edge of input `irq` still waiting to be acknowledged, and not
 * masked? Asked by the board before it raises the input again: then that edge is lost
 * and dev_env.output returns false. */
bool i8259_pending(struct dev *d, unsigned irq);

/* For the board's HLT and INTR-to-APIC decisions and for the monitor. */
bool i8259_intr(const struct dev *d);

#endif
