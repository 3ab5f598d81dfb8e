/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every device type there is, one line each, in the order of dev/types.c. */
#ifndef LODGE_DEV_TYPES_H
#define LODGE_DEV_TYPES_H

#include "dev/dev.h"

extern const struct dev_type cirrus5446_type;
extern const struct dev_type debugcon_type;
extern const struct dev_type fw_cfg_type;
extern const struct dev_type hpet_type;
extern const struct dev_type i440fx_type;
extern const struct dev_type i8042_type;
extern const struct dev_type i82077_type;
extern const struct dev_type i8237_type;
extern const struct dev_type i8254_type;
extern const struct dev_type i8259_type;
extern const struct dev_type ide_piix3_type;
extern const struct dev_type ioapic_type;
extern const struct dev_type isa_debug_exit_type;
extern const struct dev_type mc146818_type;
extern const struct dev_type parport_type;
extern const struct dev_type piix3_type;
extern const struct dev_type piix4_pm_type;
extern const struct dev_type port92_type;
extern const struct dev_type uart16550_type;
extern const struct dev_type uhci_type;
extern const struct dev_type vga_type;

#endif
