/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an x87, MMX, SSE or AVX instruction checks before it does anything, in the order of
 * the manual (SDM 3A 2.5 and tables 13-1, 13-2; SDM 1 8.7, 9.5; SDM 2A 2.4).  Whether the
 * guest's model has the instruction at all was decided when it was bound to its handler.
 */
#ifndef LODGE_CPU_SEM_FP_H
#define LODGE_CPU_SEM_FP_H

#include "cpu/x86/sem.h"

enum {
	X87_IE = 1,
	X87_DE = 2,
	X87_ZE = 4,
	X87_OE = 8,
	X87_UE = 0x10,
	X87_PE = 0x20,
	X87_SF = 0x40,
	X87_ES = 0x80,
	X87_C0 = 0x100,
	X87_C1 = 0x200,
	X87_C2 = 0x400,
	X87_TOP = 0x3800,
	X87_C3 = 0x4000,
	X87_B = 0x8000,
	X87_FLAGS = 0x3f,
	X87_PRE = X87_IE | X87_DE | X87_ZE,
	X87_CC = 0x4700
};
enum {
	MXCSR_IE = 1,
	MXCSR_DE = 2,
	MXCSR_ZE = 4,
	MXCSR_OE = 8,
	MXCSR_UE = 0x10,
	MXCSR_PE = 0x20,
	MXCSR_FLAGS = 0x3f,
	MXCSR_PRE = MXCSR_IE | MXCSR_DE | MXCSR_ZE,
	MXCSR_DAZ = 0x40,
	MXCSR_MASKS = 0x1f80,
	MXCSR_UM = 0x800,
	MXCSR_RC = 0x6000,
	MXCSR_FTZ = 0x8000,
	MXCSR_INIT = 0x1f80,
	MXCSR_VALID = 0xffff
};
enum { XCR0_X87 = 1, XCR0_SSE = 2, XCR0_AVX = 4 };

/* fp.c. False: the instruction waits for IRQ 13 and is to be started again. */
bool x87_ready_slow(struct cpu *c);
bool x87_pending(struct cpu *c); /* the same when ES was found set */
NORETURN void sse_refuse(struct cpu *c);
NORETURN void avx_refuse(struct cpu *c);
bool mmx_ready_slow(struct cpu *c);
/* Recomputes ES and B after CW or SW was replaced, and the error pin with them. */
void x87_update_es(struct cpu *c);

/* Waiting x87 instructions. */
static ALWAYS_INLINE bool
x87_ready(struct cpu *c)
{
	if (unlikely((c->cr0 & (CR0_EM | CR0_TS)) || (c->fpu.sw & X87_ES)))
		return x87_ready_slow(c);
	return true;
}
/* FNINIT and the like, which do not look at pending exceptions. */
static ALWAYS_INLINE void
x87_check_nowait(struct cpu *c)
{
	if (unlikely(c->cr0 & (CR0_EM | CR0_TS)))
		cpu_raise(c, EXC_NM);
}
static ALWAYS_INLINE bool
mmx_ready(struct cpu *c)
{
	if (unlikely((c->cr0 & (CR0_EM | CR0_TS)) || (c->fpu.sw & X87_ES)))
		return mmx_ready_slow(c);
	return true;
}
static ALWAYS_INLINE void
sse_check(struct cpu *c)
{
	if (unlikely((c->cr0 & (CR0_EM | CR0_TS)) || !(c->cr4 & CR4_OSFXSR)))
		sse_refuse(c);
}
static ALWAYS_INLINE void
avx_check(struct cpu *c)
{
	if (unlikely((c->cr0 & (CR0_PE | CR0_TS)) != CR0_PE || !(c->cr4 & CR4_OSXSAVE) ||
		     (~c->xcr0 & (XCR0_SSE | XCR0_AVX)) || (c->eflags & FL_VM)))
		avx_refuse(c);
}

#endif
