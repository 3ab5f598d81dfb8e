/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ACPI tables of a machine, and how its firmware puts them together. */
#ifndef LODGE_VM_ACPI_TABLES_H
#define LODGE_VM_ACPI_TABLES_H

#include <stdint.h>

struct buf;
struct dev;
struct err;
struct proto_config;

#define ACPI_MAX_CPUS 64

/* tables: etc/acpi/tables; rsdp: etc/acpi/rsdp; loader: etc/table-loader. The buffers must
 * have room. 0 or -ENOMEM, -EINVAL (number of processors). */
int acpi_tables_make(unsigned cpus, struct buf *tables, struct buf *rsdp, struct buf *loader);
/* Makes them and gives them to the firmware. */
int acpi_tables_add(struct dev *fw_cfg, const struct proto_config *cfg, struct err *e);

#endif
