/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A processor without a machine: flat segments, linear memory that the test maps by hand
 * into the translation table, one instruction at a time.  Anything that would need a page
 * walk or a device is a mistake of the test.
 */
#ifndef LODGE_TESTS_FLAT_H
#define LODGE_TESTS_FLAT_H

#include "cpu/cpu.h"
#include "cpu/x86/block.h"

struct flat {
	struct cpu c;
	struct cpu_set set;
	struct tlb_entry tlb[TLB_SIZE];
	struct insn in; /* the last instruction */
	struct xinsn x; /* and as the run loop would have it */
};

/* Protected or 64-bit mode at CPL 3, all features of the best model. base: of CS, DS, ES, SS
 * (0 but for 16-bit code). */
void flat_init(struct flat *f, enum cpu_bits bits, uint64_t base);
/* Linear pages [lin, lin + len) are the host memory at host. */
void flat_map(struct flat *f, uint64_t lin, void *host, size_t len);
/* Decodes and executes the instruction at `code` as if it stood at c.gpr[REG_RIP], repeated
 * string instructions to their end. Returns the exception's vector or -1, -2 when it does
 * not decode. */
int flat_run(struct flat *f, const uint8_t *code, unsigned len);

#endif
