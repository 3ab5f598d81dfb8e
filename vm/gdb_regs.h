/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registers that gdb sees: their order, their description, reading and writing. */
#ifndef LODGE_VM_GDB_REGS_H
#define LODGE_VM_GDB_REGS_H

#include "cpu/state.h"

struct buf;

#define GDB_REG_BYTES 16 /* the widest */

/* How many the processor's model has. */
unsigned gdb_regs_count(const struct cpu *c);
/* Bytes of register n. */
unsigned gdb_regs_size(const struct cpu *c, unsigned n);
void gdb_regs_read(const struct cpu *c, unsigned n, uint8_t ret_val[GDB_REG_BYTES]);
/* Selectors in protected mode and control registers stay as they are: loading them has
 * side effects that no debugger means. */
void gdb_regs_write(struct cpu *c, unsigned n, const uint8_t val[GDB_REG_BYTES]);
/* target.xml: i386 or amd64 by what the model is. */
void gdb_regs_xml(const struct cpu *c, struct buf *out);

#endif
