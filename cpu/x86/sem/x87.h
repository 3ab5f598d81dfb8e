/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How x87 instructions are written.
 *
 * An operation runs on the host's x87 with the guest's own control word, unmasked exceptions
 * included: the host then does exactly what the manual says about destinations, biased
 * results and condition codes, and reports an unmasked exception only at the next waiting
 * instruction, before which the status word is read and cleared.  Registers of the guest are
 * loaded and stored as 80-bit reals, which changes nothing and raises nothing.
 *
 * What the host cannot know is done here: the guest's stack (tags, over- and underflow), the
 * sticky flags, and whether a result is committed (x87_commit).
 *
 * The host's exception flags are sticky too, and clearing them costs more than everything
 * else.  So they stay while they are a subset of the guest's masked ones, where they do
 * no harm; x87_host_begin() looks.
 *
 * Requirements for whoever changes this:
 * 1. Outside of a handler the host's x87 stack is empty and its control word the normal one.
 * 2. An instruction that can run into a set unmasked flag on the host dies of SIGFPE: FNCLEX
 *    comes before the next waiting instruction whenever ES is set.
 * 3. Memory is read before the stack is looked at, and written before the guest's state is.
 */
#ifndef LODGE_CPU_X87_H
#define LODGE_CPU_X87_H

#include "cpu/x86/sem/sem_fp.h"

enum { X87_CW_HOST = 0x37f };

union x80 { /* an 80-bit real, with room to 16 bytes; anywhere in struct x87 */
	struct {
		uint64_t m;
		uint16_t se;
	} __attribute__((packed));
	uint8_t b[16];
} __attribute__((packed));
#define X87_INDEFINITE ((union x80){ { 0xc000000000000000ull, 0xffff } })

/* ---- the stack ---- */

static ALWAYS_INLINE union x80 *
x87_st(struct cpu *c, unsigned i)
{
	return (union x80 *)(void *)c->fpu.reg[(c->fpu.top + i) & 7];
}
static ALWAYS_INLINE bool
x87_is_empty(const struct cpu *c, unsigned i)
{
	return c->fpu.empty >> ((c->fpu.top + i) & 7) & 1;
}
static ALWAYS_INLINE void
x87_pop(struct cpu *c)
{
	c->fpu.empty |= (uint8_t)(1u << c->fpu.top);
	c->fpu.top = (c->fpu.top + 1) & 7;
}
static ALWAYS_INLINE void
x87_push(struct cpu *c, const union x80 *v)
{
	c->fpu.top = (c->fpu.top - 1) & 7;
	c->fpu.empty &= (uint8_t) ~(1u << c->fpu.top);
	*x87_st(c, 0) = *v;
}
static ALWAYS_INLINE void
x87_put(struct cpu *c, unsigned i, const union x80 *v)
{
	c->fpu.empty &= (uint8_t) ~(1u << ((c->fpu.top + i) & 7));
	*x87_st(c, i) = *v;
}

/* Stack fault: sets IE, SF and C1; true when masked (the indefinite is the answer). */
bool x87_stack_fault(struct cpu *c, bool overflow);
/* Exceptions found by software; true when all are masked. */
bool x87_flag(struct cpu *c, unsigned flags);

/* FIP, FDP, FOP of a non-control instruction (SDM 1 8.1.8), when nothing can fault any more. */
static ALWAYS_INLINE void
x87_note(struct cpu *c, const struct insn *in)
{
	c->fpu.ip = c->insn_rip;
	c->fpu.cs = c->seg[SEG_CS].sel;
	c->fpu.op = (uint16_t)((in->imm & 7) << 8 | in->modrm);
	if (in->flags & INSN_MEM) {
		c->fpu.dp = insn_ea(c, in);
		c->fpu.ds = c->seg[in->seg].sel;
	}
}

/* ---- running on the host ---- */

static ALWAYS_INLINE void
x87_host_begin(const struct cpu *c)
{
	uint16_t sw;

	__asm__ volatile("fnstsw %0" : "=a"(sw));
	if (unlikely(sw & ~(c->fpu.sw & c->fpu.cw) & X87_FLAGS))
		__asm__ volatile("fnclex");
	__asm__ volatile("fldcw %0" : : "m"(c->fpu.cw));
}
/* After the operation; values may still be on the host's stack. */
static ALWAYS_INLINE uint16_t
x87_host_end(void)
{
	uint16_t sw, cw = X87_CW_HOST;

	__asm__ volatile("fnstsw %0" : "=a"(sw));
	if (unlikely(sw & X87_ES))
		__asm__ volatile("fnclex");
	__asm__ volatile("fldcw %0" : : "m"(cw));
	return sw;
}
#define X87_LOAD(v)  __asm__ volatile("fldt %0" : : "m"(v))
#define X87_STORE(v) __asm__ volatile("fstpt %0" : "=m"(v))
#define X87_DROP()   __asm__ volatile("fstp %%st(0)" ::)

/*
 * Takes over flags and C1 (and with cc C0, C2, C3).  False: an exception of an operand is
 * unmasked; nothing is stored and nothing popped.
 */
static ALWAYS_INLINE bool
x87_commit(struct cpu *c, uint16_t sw, uint16_t cc)
{
	c->fpu.sw = (uint16_t)((c->fpu.sw & ~cc) | (sw & (X87_FLAGS | cc)));
	if (unlikely(sw & X87_ES)) {
		c->fpu.sw |= X87_ES | X87_B;
		return !(sw & ~c->fpu.cw & X87_PRE);
	}
	return true;
}

#endif
