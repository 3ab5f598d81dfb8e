/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SMBIOS structures of a machine. */
#ifndef LODGE_VM_SMBIOS_H
#define LODGE_VM_SMBIOS_H

struct buf;
struct dev;
struct err;
struct proto_config;

/* 0 or -ENOMEM. The firmware fills in the table's address and the checksums again. */
int smbios_make(const struct proto_config *cfg, struct buf *tables, struct buf *anchor);
int smbios_add(struct dev *fw_cfg, const struct proto_config *cfg, struct err *e);

#endif
