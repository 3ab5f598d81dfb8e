/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What bootload.c, bootload_linux.c and bootload_multiboot.c share. */
#ifndef LODGE_VM_BOOTLOAD_PLAN_H
#define LODGE_VM_BOOTLOAD_PLAN_H

#include "vm/bootload.h"

#define PLAN_MAGIC 0x3150424cu

enum plan_kind { PLAN_REAL = 1, PLAN_MULTIBOOT = 2, PLAN_REAL_IF = 3 };

void plan_begin(struct bootload *b, enum plan_kind kind, uint32_t entry);
/* The next `len` bytes of item `key` (from its start if `select`) go to addr. */
int plan_load(
    struct bootload *b, unsigned key, bool select, uint64_t addr, uint64_t len, struct err *e);
/* Zeroed memory for a part; NULL and e set. */
uint8_t *plan_part(struct bootload *b, enum bootload_part which, size_t len, struct err *e);
/* As high as possible below ceiling, not below floor; page aligned. */
int plan_initrd(struct bootload *b, const struct bootload_input *in, uint64_t floor,
    uint64_t ceiling, uint64_t *ret_addr, struct err *e);

bool bootload_is_linux(const struct bootload_input *in);
int bootload_linux(const struct bootload_input *in, struct bootload *b, struct err *e);
/* Offset of the header, or -1. */
long bootload_find_multiboot(const struct bootload_input *in);
int bootload_multiboot(const struct bootload_input *in, struct bootload *b, struct err *e);

#endif
