/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The refusing side of sem_fp.h's checks, and the x87 error pin. */
#include "cpu/cpu.h"
#include "cpu/x86/sem/simd.h"

static void
set_ferr(struct cpu *c, bool level)
{
	if (c->env && c->env->ferr)
		c->env->ferr(c->env->ctx, level);
}

/*
 * A waiting instruction found an unmasked exception (SDM 3A 2.5, CR0.NE; SDM 1 D.2).  With
 * NE clear the error pin asks for IRQ 13 and the processor stands still until the interrupt
 * comes: the instruction is started again with a look at interrupts in between.  Inside the
 * handler (interrupts off) the board has asserted IGNNE#: the instruction goes on, and the
 * pin must not ask once more.
 */
bool
x87_pending(struct cpu *c)
{
	if (c->cr0 & CR0_NE)
		cpu_raise(c, EXC_MF);
	if (!(c->eflags & FL_IF))
		return true;
	set_ferr(c, true);
	c->gpr[REG_RIP] = c->insn_rip;
	cpu_end_block(c);
	return false;
}

bool
x87_ready_slow(struct cpu *c)
{
	if (c->cr0 & (CR0_EM | CR0_TS))
		cpu_raise(c, EXC_NM);
	return x87_pending(c);
}

bool
mmx_ready_slow(struct cpu *c)
{
	if (c->cr0 & CR0_EM)
		cpu_raise_ud(c);
	if (c->cr0 & CR0_TS)
		cpu_raise(c, EXC_NM);
	return x87_pending(c);
}

void
sse_refuse(struct cpu *c)
{
	if ((c->cr0 & CR0_EM) || !(c->cr4 & CR4_OSFXSR))
		cpu_raise_ud(c);
	cpu_raise(c, EXC_NM);
}

void
avx_refuse(struct cpu *c)
{
	if (!(c->cr0 & CR0_PE) || (c->eflags & FL_VM) || !(c->cr4 & CR4_OSXSAVE) ||
	    (~c->xcr0 & (XCR0_SSE | XCR0_AVX)))
		cpu_raise_ud(c);
	cpu_raise(c, EXC_NM);
}

void
x87_update_es(struct cpu *c)
{
	bool was = c->fpu.sw & X87_B; /* ES may just have been replaced */

	if (c->fpu.sw & ~c->fpu.cw & X87_FLAGS) {
		c->fpu.sw |= X87_ES | X87_B;
	} else {
		c->fpu.sw &= (uint16_t) ~(X87_ES | X87_B);
		if (was && !(c->cr0 & CR0_NE))
			set_ferr(c, false);
	}
}

/* ---- SIMD floating-point exceptions, SDM 1 11.5 ---- */

static bool
tiny_single(uint32_t v)
{
	return !(v & 0x7f800000) && (v & 0x7fffff);
}
static bool
tiny_double(uint64_t v)
{
	return !(v & 0x7ff0000000000000) && (v & 0xfffffffffffff);
}

/* With underflow unmasked an exact denormal result is an exception too. */
static bool
is_tiny(enum fp_result kind, const struct lane *r, unsigned lanes)
{
	const uint64_t *q = r->q;
	unsigned n = kind == FP_SS || kind == FP_SD ? 1 : lanes * 2;
	bool tiny = false;

	for (unsigned i = 0; i < n; i++) {
		if (kind == FP_SD || kind == FP_PD)
			tiny |= tiny_double(q[i]);
		else
			tiny |= tiny_single((uint32_t)q[i]) ||
			        (kind == FP_PS && tiny_single((uint32_t)(q[i] >> 32)));
	}
	return tiny;
}

void
fp_done_slow(
    struct cpu *c, uint32_t flags, enum fp_result kind, const struct lane *r, unsigned lanes)
{
	uint32_t masked = (c->mxcsr & MXCSR_MASKS) >> 7;

	if (kind != FP_NONE && !(c->mxcsr & MXCSR_UM) && is_tiny(kind, r, lanes))
		flags |= MXCSR_UE;
	/*
	 * Known difference: with overflow or underflow unmasked, PE tells whether the scaled
	 * result is inexact (SDM 1 11.5.2.4, .5); here it tells about the masked one, so that PE
	 * may be set beside OE or UE where a processor leaves it clear.
	 */
	/* An unmasked exception of an operand keeps any result from being computed. */
	if (flags & ~masked & MXCSR_PRE)
		flags &= MXCSR_PRE;
	c->mxcsr |= flags;
	if (flags & ~masked)
		cpu_raise(c, c->cr4 & CR4_OSXMMEXCPT ? EXC_XM : EXC_UD);
}
