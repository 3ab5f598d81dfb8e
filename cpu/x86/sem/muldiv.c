/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Multiplication and division. */
#include "cpu/x86/sem/int.h"

typedef unsigned __int128 u128;
typedef __int128 s128;

/* AX, or DX:AX, EDX:EAX, RDX:RAX. */
static ALWAYS_INLINE void
put_wide(struct cpu *c, unsigned size, uint64_t lo, uint64_t hi)
{
	if (size == 1) {
		reg_set(c, REG_AX, 2, (hi & 0xff) << 8 | (lo & 0xff));
		return;
	}
	reg_set(c, REG_AX, size, lo);
	reg_set(c, REG_DX, size, hi);
}

static ALWAYS_INLINE u128
get_wide(struct cpu *c, unsigned size)
{
	if (size == 1)
		return reg_get(c, REG_AX, 2);
	return (u128)reg_get(c, REG_DX, size) << SIZE_BITS(size) | reg_get(c, REG_AX, size);
}

static ALWAYS_INLINE void
do_mul(struct cpu *c, const struct insn *in, unsigned size)
{
	u128 p = (u128)operand(c, in, 0, size) * reg_get(c, REG_AX, size);
	uint64_t hi = (uint64_t)(p >> SIZE_BITS(size));

	put_wide(c, size, (uint64_t)p, hi);
	flags_put_cf_of(c, hi != 0, hi != 0);
}
SEM_SIZES(mul)

/* One operand: all of the product. */
static ALWAYS_INLINE void
do_imul1(struct cpu *c, const struct insn *in, unsigned size)
{
	s128 p =
	    (s128)sign_extend(operand(c, in, 0, size), size) * sign_extend(c->gpr[REG_AX], size);
	bool over = p != sign_extend((uint64_t)p, size);

	put_wide(c, size, (uint64_t)p, (uint64_t)(p >> SIZE_BITS(size)));
	flags_put_cf_of(c, over, over);
}
SEM_SIZES(imul1)

static ALWAYS_INLINE void
imul_to(struct cpu *c, const struct insn *in, unsigned size, uint64_t a, uint64_t b)
{
	int64_t sa = sign_extend(a, size), sb = sign_extend(b, size), r;
	bool over = __builtin_mul_overflow(sa, sb, &r) || r != sign_extend((uint64_t)r, size);

	reg_set(c, in->reg[0], size, (uint64_t)r);
	flags_put_cf_of(c, over, over);
}

static ALWAYS_INLINE void
do_imul(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	imul_to(c, in, size, reg_get(c, in->reg[0], size), source(c, in, size, form));
}
SEM_SIZES_FORMS(imul)

static ALWAYS_INLINE void
do_imul3(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	imul_to(c, in, size, source(c, in, size, form), in->imm);
}
SEM_SIZES_FORMS(imul3)

static ALWAYS_INLINE void
do_div(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t d = operand(c, in, 0, size), q, r;
	u128 n = get_wide(c, size);

	/* the quotient fits exactly when the upper half is less than the divisor */
	if (d == 0 || (uint64_t)(n >> SIZE_BITS(size)) >= d)
		cpu_raise(c, EXC_DE);
	if (size < 8 || n >> 64 == 0) {
		q = (uint64_t)n / d;
		r = (uint64_t)n % d;
	} else {
		q = (uint64_t)(n / d);
		r = (uint64_t)(n % d);
	}
	put_wide(c, size, q, r);
}
SEM_SIZES(div)

/* Division of magnitudes, so that the most negative number over -1 is no special case. */
static ALWAYS_INLINE void
do_idiv(struct cpu *c, const struct insn *in, unsigned size)
{
	int64_t sd = sign_extend(operand(c, in, 0, size), size);
	uint64_t d = sd < 0 ? -(uint64_t)sd : (uint64_t)sd, q, r;
	unsigned unused = 128 - 2 * SIZE_BITS(size);
	u128 n = get_wide(c, size) << unused;
	bool neg = (s128)n < 0, qneg = neg != (sd < 0);

	n = (u128)((s128)n >> unused);
	n = neg ? -n : n;
	if (d == 0 || n / d > SIZE_MASK(size) / 2 + qneg)
		cpu_raise(c, EXC_DE);
	if (n >> 64 == 0) {
		q = (uint64_t)n / d;
		r = (uint64_t)n % d;
	} else {
		q = (uint64_t)(n / d);
		r = (uint64_t)(n % d);
	}
	put_wide(c, size, qneg ? -q : q, neg ? -r : r);
}
SEM_SIZES(idiv)

/* MULX: hi to the first, lo to the second operand; with one register for both the high
 * half stays (SDM 2 MULX). */
static ALWAYS_INLINE void
do_mulx(struct cpu *c, const struct insn *in, unsigned size)
{
	u128 p = (u128)operand(c, in, 2, size) * reg_get(c, REG_DX, size);

	reg_set(c, in->reg[1], size, (uint64_t)p);
	reg_set(c, in->reg[0], size, (uint64_t)(p >> SIZE_BITS(size)));
}
SEM_SIZES(mulx)
