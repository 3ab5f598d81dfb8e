/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of device types: a new device is a file, a line in types.h and one here. */
#include "dev/types.h"

#include "base/bits.h"

#include <string.h>

const struct dev_type *const dev_types[] = {
	&cirrus5446_type,
	&debugcon_type,
	&fw_cfg_type,
	&hpet_type,
	&i440fx_type,
	&i8042_type,
	&i82077_type,
	&i8237_type,
	&i8254_type,
	&i8259_type,
	&ide_piix3_type,
	&ioapic_type,
	&isa_debug_exit_type,
	&mc146818_type,
	&parport_type,
	&piix3_type,
	&piix4_pm_type,
	&port92_type,
	&uart16550_type,
	&uhci_type,
	&vga_type,
};
const unsigned dev_ntypes = ARRAY_SIZE(dev_types);

const struct dev_type *
dev_type_find(const char *name)
{
	for (unsigned i = 0; i < dev_ntypes; i++) {
		if (!strcmp(dev_types[i]->name, name))
			return dev_types[i];
	}
	return NULL;
}
