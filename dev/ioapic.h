/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LODGE_DEV_IOAPIC_H
#define LODGE_DEV_IOAPIC_H

#include <stdbool.h>
#include <stdint.h>

struct dev;

#define IOAPIC_PINS 24

/* Moves an input; false when a rising edge of an edge-triggered one was lost, as its vector is
 * still pending; true while it is masked. (dev_type.input is the same without the answer.) */
bool ioapic_input(struct dev *d, unsigned pin, bool level);
/* A processor's APIC broadcasts the end of a level-triggered interrupt. */
void ioapic_eoi(struct dev *d, uint8_t vector);

#endif
