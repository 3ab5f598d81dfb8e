/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exceptions and interrupts.  cpu_raise*() do not return: they jump to the run
 * loop, which restores RIP to insn_rip and calls exc_deliver().  A handler must
 * therefore not have changed guest state it cannot take back, and nothing (lock,
 * heap, descriptor) may be owned across a call that can raise.
 */
#ifndef LODGE_CPU_EXC_H
#define LODGE_CPU_EXC_H

#include "cpu/state.h"

enum {
	EXC_DE = 0,
	EXC_DB = 1,
	EXC_NMI = 2,
	EXC_BP = 3,
	EXC_OF = 4,
	EXC_BR = 5,
	EXC_UD = 6,
	EXC_NM = 7,
	EXC_DF = 8,
	EXC_TS = 10,
	EXC_NP = 11,
	EXC_SS = 12,
	EXC_GP = 13,
	EXC_PF = 14,
	EXC_MF = 16,
	EXC_AC = 17,
	EXC_MC = 18,
	EXC_XM = 19
};

#define NORETURN __attribute__((noreturn, cold))

NORETURN void cpu_raise(struct cpu *c, unsigned vector);                     /* no error code */
NORETURN void cpu_raise_err(struct cpu *c, unsigned vector, uint32_t error); /* with one */
NORETURN void cpu_raise_pf(struct cpu *c, uint64_t linear, uint32_t error);  /* sets CR2 */
static inline NORETURN void
cpu_raise_ud(struct cpu *c)
{
	cpu_raise(c, EXC_UD);
}
static inline NORETURN void
cpu_raise_gp(struct cpu *c, uint32_t error)
{
	cpu_raise_err(c, EXC_GP, error);
}

/* Delivers the exception recorded by cpu_raise*() (c->exc_*): pushes the frame, loads the
 * handler. Faults while delivering become #DF or a triple fault by the table of the
 * manual (SDM 3A 6.15). Called by the run loop only, with RIP already set. */
void exc_deliver(struct cpu *c);
/* An external interrupt or NMI, between instructions. */
void exc_interrupt(struct cpu *c, unsigned vector);
/* INT n / INT3 / INTO / INT1 from their handlers: rip = next instruction. */
void exc_software(struct cpu *c, unsigned vector, bool is_int3_or_into, bool is_icebp);

#endif
