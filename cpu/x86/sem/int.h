/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the integer handlers share: operands by form, flags of additions. */
#ifndef LODGE_CPU_SEM_INT_H
#define LODGE_CPU_SEM_INT_H

#include "cpu/x86/sem.h"

/* The sixteen conditions: _(name, number) */
/* clang-format off */
#define CONDITIONS(_) \
	_(o, 0) _(no, 1) _(b, 2) _(nb, 3) _(z, 4) _(nz, 5) _(be, 6) _(nbe, 7) \
	_(s, 8) _(ns, 9) _(p, 10) _(np, 11) _(l, 12) _(nl, 13) _(le, 14) _(nle, 15)
/* clang-format on */

#define SIZE_BITS(size) ((size)*8)
#define SIZE_MASK(size) (~0ull >> (64 - SIZE_BITS(size)))
#define SIZE_TOP(size)  (SIZE_BITS(size) - 1)

/* Second operand, or the only one of a unary instruction that does not write it. */
static ALWAYS_INLINE uint64_t
source(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	switch (form) {
	case FORM_RM: return insn_load(c, in, size);
	case FORM_RI:
	case FORM_MI: return in->imm & SIZE_MASK(size);
	default: return reg_get(c, in->reg[1], size);
	}
}
/* First operand, read only. */
static ALWAYS_INLINE uint64_t
first(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	if (form == FORM_MR || form == FORM_MI)
		return insn_load(c, in, size);
	return reg_get(c, in->reg[0], size);
}
static ALWAYS_INLINE bool
form_writes_mem(unsigned form)
{
	return form == FORM_MR || form == FORM_MI;
}
/* Operand k, whatever it is. */
static ALWAYS_INLINE uint64_t
operand(struct cpu *c, const struct insn *in, unsigned k, unsigned size)
{
	return in->kind[k] == OPD_MEM ? insn_load(c, in, size) : reg_get(c, in->reg[k], size);
}

/* branch_to() for what knows its operand size: 64 bits are those of 64-bit mode, where near
 * branches have no other size. */
static ALWAYS_INLINE void
near_branch(struct cpu *c, uint64_t target, unsigned size)
{
	target &= SIZE_MASK(size);
	if (unlikely(size == 8 ? !mmu_canonical(target) : target > c->seg[SEG_CS].limit))
		cpu_raise_gp(c, 0);
	c->gpr[REG_RIP] = target;
}

/* Carries out of each bit of a + b (+ carry) = r; borrows of a - b (- borrow) = r. */
static ALWAYS_INLINE uint64_t
add_carries(uint64_t a, uint64_t b, uint64_t r)
{
	return (a & b) | ((a | b) & ~r);
}
static ALWAYS_INLINE uint64_t
sub_borrows(uint64_t a, uint64_t b, uint64_t r)
{
	return (~a & b) | ((~a | b) & r);
}
static ALWAYS_INLINE void
flags_set_sub(struct cpu *c, uint64_t a, uint64_t b, unsigned size)
{
	uint64_t r = a - b;

	flags_set_carries(c, r, sub_borrows(a, b, r), size);
}
static ALWAYS_INLINE void
flags_put_cf(struct cpu *c, bool cf)
{
	flags_put_cf_of(c, cf, flag_of(c));
}
/* As flags_set_logic() but with CF. */
static ALWAYS_INLINE void
flags_set_logic_cf(struct cpu *c, uint64_t res, unsigned size, bool cf)
{
	flags_set_logic(c, res, size);
	c->fl_aux = cf ? 0xc0000000u : 0;
}
static ALWAYS_INLINE void
flags_put_zf(struct cpu *c, bool zf)
{
	flags_set_arith(c, (flags_arith(c) & ~(uint32_t)FL_ZF) | (zf ? FL_ZF : 0));
}

#endif
