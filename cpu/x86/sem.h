/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How handlers are written.  One handler variant per operand size and form, stamped out
 * from one always-inline body:
 *
 *	static ALWAYS_INLINE void
 *	do_add(struct cpu *c, const struct insn *in, unsigned size, unsigned form) { … }
 *	SEM_SIZES_FORMS(add)          → const struct sem sem_add
 *
 * The generated table `sem_table[OP_COUNT]` points to the sem_<op> objects, so that a
 * missing handler is a link error.  When a handler runs, gpr[REG_RIP] already holds the
 * address of the next instruction and insn_rip that of this one.  Handlers change guest
 * state last, after everything that can raise.
 */
#ifndef LODGE_CPU_SEM_H
#define LODGE_CPU_SEM_H

#include "cpu/mmu/access.h"
#include "cpu/x86/exc.h"
#include "cpu/x86/flags.h"

typedef void insn_fn(struct cpu *c, const struct insn *in);

struct sem {
	insn_fn *fn[4][NFORMS]; /* [osize][form] */
};
extern const struct sem *const sem_table[OP_COUNT];

#define SEM_VARIANT(op, bits, FORM)                                                                \
	static void op##_##bits##_##FORM(struct cpu *c, const struct insn *in)                     \
	{                                                                                          \
		do_##op(c, in, bits / 8, FORM_##FORM);                                             \
	}
#define SEM_ROW(op, bits)                                                                          \
	SEM_VARIANT(op, bits, RR)                                                                  \
	SEM_VARIANT(op, bits, RM)                                                                  \
	SEM_VARIANT(op, bits, MR)                                                                  \
	SEM_VARIANT(op, bits, RI)                                                                  \
	SEM_VARIANT(op, bits, MI)
#define SEM_ROW_PTRS(op, bits)                                                                     \
	{                                                                                          \
		op##_##bits##_RR, op##_##bits##_RM, op##_##bits##_MR, op##_##bits##_RI,            \
		    op##_##bits##_MI                                                               \
	}
/* do_op(c, in, size in bytes, form) for all sizes and forms */
#define SEM_SIZES_FORMS(op)                                                                        \
	SEM_ROW(op, 8)                                                                             \
	SEM_ROW(op, 16)                                                                            \
	SEM_ROW(op, 32)                                                                            \
	SEM_ROW(op, 64)                                                                            \
	const struct sem sem_##op = { { SEM_ROW_PTRS(op, 8), SEM_ROW_PTRS(op, 16),                 \
	    SEM_ROW_PTRS(op, 32), SEM_ROW_PTRS(op, 64) } };
/* do_op(c, in, size): sizes only */
#define SEM_SIZE_FN(op, bits)                                                                      \
	static void op##_##bits(struct cpu *c, const struct insn *in)                              \
	{                                                                                          \
		do_##op(c, in, bits / 8);                                                          \
	}
#define SEM_SAME(f)                                                                                \
	{                                                                                          \
		f, f, f, f, f                                                                      \
	}
#define SEM_SIZES(op)                                                                              \
	SEM_SIZE_FN(op, 8)                                                                         \
	SEM_SIZE_FN(op, 16)                                                                        \
	SEM_SIZE_FN(op, 32)                                                                        \
	SEM_SIZE_FN(op, 64)                                                                        \
	const struct sem sem_##op = { { SEM_SAME(op##_8), SEM_SAME(op##_16), SEM_SAME(op##_32),    \
	    SEM_SAME(op##_64) } };
/* do_op(c, in): one handler, looks at in-> itself */
#define SEM_ONE(op)                                                                                \
	const struct sem sem_##op = { { SEM_SAME(do_##op), SEM_SAME(do_##op), SEM_SAME(do_##op),   \
	    SEM_SAME(do_##op) } };

/* ---- operands; size in bytes, constant in variants ---- */

static ALWAYS_INLINE uint8_t *
reg8(struct cpu *c, unsigned r) /* AH.. are 16..19 */
{
	return (uint8_t *)c->gpr + (r & 15) * 8 + (r >> 4);
}
static ALWAYS_INLINE uint64_t
reg_get(struct cpu *c, unsigned r, unsigned size)
{
	switch (size) {
	case 1: return *reg8(c, r);
	case 2: return (uint16_t)c->gpr[r];
	case 4: return (uint32_t)c->gpr[r];
	default: return c->gpr[r];
	}
}
/* 32-bit writes clear the upper half, 8 and 16 keep the rest (SDM 1 3.4.1.1). */
static ALWAYS_INLINE void
reg_set(struct cpu *c, unsigned r, unsigned size, uint64_t v)
{
	switch (size) {
	case 1: *reg8(c, r) = (uint8_t)v; break;
	case 2: c->gpr[r] = (c->gpr[r] & ~0xffffull) | (uint16_t)v; break;
	case 4: c->gpr[r] = (uint32_t)v; break;
	default: c->gpr[r] = v; break;
	}
}
/* Offset of the memory operand inside its segment. */
static ALWAYS_INLINE uint64_t
insn_ea(const struct cpu *c, const struct insn *in)
{
	unsigned sh = 64 - (8u << in->asize);

	return (c->gpr[in->base] + (c->gpr[in->index] << in->scale) + (uint64_t)in->disp) << sh >>
	       sh;
}
static ALWAYS_INLINE uint64_t
insn_load(struct cpu *c, const struct insn *in, unsigned size)
{
	return mem_read(c, in->seg, insn_ea(c, in), size);
}
static ALWAYS_INLINE void
insn_store(struct cpu *c, const struct insn *in, unsigned size, uint64_t v)
{
	mem_write(c, in->seg, insn_ea(c, in), size, v);
}

/* Near branch: sets RIP with the operand size's truncation and checks the CS limit or
 * canonical form (#GP(0)) before anything changes. */
static ALWAYS_INLINE void
branch_to(struct cpu *c, uint64_t target)
{
	if (c->bits == BITS64) {
		if (unlikely(!mmu_canonical(target)))
			cpu_raise_gp(c, 0);
	} else if (unlikely(target > c->seg[SEG_CS].limit)) {
		cpu_raise_gp(c, 0);
	}
	c->gpr[REG_RIP] = target;
}

/* ---- the stack (sem/stack.c's primitives, shared by far transfers) ---- */

static ALWAYS_INLINE uint64_t
stack_mask(const struct cpu *c)
{
	return c->stack_size == 3 ? ~0ull : c->stack_size == 2 ? 0xffffffffull : 0xffffull;
}
/* Sets SP with the stack's address size: the rest of RSP stays (16 bit) or clears (32). */
static ALWAYS_INLINE void
stack_set_sp(struct cpu *c, uint64_t v)
{
	reg_set(c, REG_SP, 1u << c->stack_size, v);
}
static ALWAYS_INLINE void
stack_push(struct cpu *c, unsigned size, uint64_t v)
{
	uint64_t sp = (c->gpr[REG_SP] - size) & stack_mask(c);

	mem_write(c, SEG_SS, sp, size, v);
	stack_set_sp(c, sp);
}
static ALWAYS_INLINE uint64_t
stack_peek(struct cpu *c, unsigned off, unsigned size)
{
	return mem_read(c, SEG_SS, (c->gpr[REG_SP] + off) & stack_mask(c), size);
}
static ALWAYS_INLINE uint64_t
stack_pop(struct cpu *c, unsigned size)
{
	uint64_t v = stack_peek(c, 0, size);

	stack_set_sp(c, c->gpr[REG_SP] + size);
	return v;
}

/* ---- run loop services for handlers ---- */

/* Leave the block after this instruction (mode changed, code page written…). */
static ALWAYS_INLINE void
cpu_end_block(struct cpu *c)
{
	c->block_end = NULL;
}
/* STI, MOV SS, POP SS: no interrupt or debug trap before the next instruction is through;
 * that one runs alone. */
static ALWAYS_INLINE void
cpu_shadow(struct cpu *c)
{
	c->shadow = true;
	cpu_end_block(c);
}
/* True when something waits for the processor: REP instructions stop between iterations,
 * with RIP put back to insn_rip, so that interrupts get in. */
static ALWAYS_INLINE bool
cpu_wants_out(const struct cpu *c)
{
	uint32_t a = __atomic_load_n(&c->attention, __ATOMIC_RELAXED);

	if (!(c->eflags & FL_IF))
		a &= ~(uint32_t)(ATT_INTR | ATT_APIC);
	return a != 0;
}

#endif
