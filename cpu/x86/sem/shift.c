/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shifts and rotates.  Counts are taken modulo 32, 64 for 64-bit operands; a count of zero
 * changes no flag but still writes the destination (so that a 32-bit register's upper half
 * is cleared and a read-only page faults).
 */
#include "cpu/x86/sem/int.h"

enum shift { SH_ROL, SH_ROR, SH_RCL, SH_RCR, SH_SHL, SH_SHR, SH_SAR };

struct shifted {
	uint64_t r;
	bool cf, of;
};

/* n = 1..31 (63): in a 64-bit word narrower operands cannot lose their carry. */
static ALWAYS_INLINE struct shifted
shift_left(uint64_t a, unsigned n, unsigned size)
{
	struct shifted s;

	if (size == 8) {
		s.r = a << n;
		s.cf = a >> (64 - n) & 1;
	} else {
		s.r = a << n;
		s.cf = s.r >> SIZE_BITS(size) & 1;
	}
	s.of = (s.r >> SIZE_TOP(size) & 1) ^ s.cf;
	return s;
}

static ALWAYS_INLINE struct shifted
shift_right(uint64_t a, unsigned n, unsigned size, bool arithmetic)
{
	struct shifted s;
	int64_t v = arithmetic ? sign_extend(a, size) : 0;

	s.r = arithmetic ? (uint64_t)(v >> n) : a >> n;
	s.cf = (arithmetic ? (uint64_t)(v >> (n - 1)) : a >> (n - 1)) & 1;
	/* the two top bits differ: for SHR by 1 that is the old sign, for SAR never */
	s.of = !arithmetic && ((s.r ^ s.r << 1) >> SIZE_TOP(size) & 1);
	return s;
}

static ALWAYS_INLINE struct shifted
rotate(enum shift op, uint64_t a, unsigned n, unsigned size)
{
	unsigned bits = SIZE_BITS(size);
	struct shifted s = { .r = a };

	n %= bits;
	if (n && op == SH_ROL)
		s.r = (a << n | a >> (bits - n)) & SIZE_MASK(size);
	else if (n)
		s.r = (a >> n | a << (bits - n)) & SIZE_MASK(size);
	if (op == SH_ROL) {
		s.cf = s.r & 1;
		s.of = (s.r >> (bits - 1) & 1) ^ s.cf;
	} else {
		s.cf = s.r >> (bits - 1) & 1;
		s.of = s.cf ^ (s.r >> (bits - 2) & 1);
	}
	return s;
}

/* Through carry: a rotation of bits + 1 bits; n = 0..bits. A full turn, n = 0, changes nothing
 * but OF. */
static ALWAYS_INLINE struct shifted
rotate_carry(enum shift op, uint64_t a, unsigned n, unsigned size, bool cf)
{
	unsigned bits = SIZE_BITS(size);
	struct shifted s;

	if (op == SH_RCL) {
		s.r = a << n | (n ? (uint64_t)cf << (n - 1) : 0);
		s.r |= n > 1 ? a >> (bits + 1 - n) : 0;
		s.cf = n ? a >> (bits - n) & 1 : cf;
		s.r &= SIZE_MASK(size);
		s.of = (s.r >> (bits - 1) & 1) ^ s.cf;
	} else {
		s.r = a >> n | (n ? (uint64_t)cf << (bits - n) : 0);
		s.r |= n > 1 ? a << (bits + 1 - n) : 0;
		s.cf = n ? a >> (n - 1) & 1 : cf;
		s.r &= SIZE_MASK(size);
		s.of = (s.r >> (bits - 1) ^ s.r >> (bits - 2)) & 1;
	}
	return s;
}

static ALWAYS_INLINE struct shifted
shift_one(enum shift op, uint64_t a, unsigned n, unsigned size, bool cf)
{
	switch (op) {
	case SH_ROL:
	case SH_ROR: return rotate(op, a, n, size);
	case SH_RCL:
	case SH_RCR: return rotate_carry(op, a, size < 4 ? n % (SIZE_BITS(size) + 1) : n, size, cf);
	case SH_SHL: return shift_left(a, n, size);
	default: return shift_right(a, n, size, op == SH_SAR);
	}
}

static ALWAYS_INLINE void
shift(struct cpu *c, const struct insn *in, unsigned size, unsigned form, enum shift op)
{
	bool imm = form == FORM_RI || form == FORM_MI, cf = flag_cf(c);
	unsigned n = (unsigned)(imm ? in->imm : c->gpr[REG_CX]) & (size == 8 ? 63 : 31);
	struct shifted s;
	struct rmw t;
	uint64_t a;

	if (form_writes_mem(form)) {
		rmw_begin(c, &t, in->seg, insn_ea(c, in), size, false);
		a = rmw_load(&t, size);
		s = n ? shift_one(op, a, n, size, cf) : (struct shifted){ .r = a };
		rmw_commit(c, &t, size, a, s.r);
	} else {
		a = reg_get(c, in->reg[0], size);
		s = n ? shift_one(op, a, n, size, cf) : (struct shifted){ .r = a };
		reg_set(c, in->reg[0], size, s.r);
	}
	if (!n)
		return;
	if (op >= SH_SHL)
		flags_set_logic(c, s.r, size);
	flags_put_cf_of(c, s.cf, s.of);
}

#define SHIFT(name, op)                                                                            \
	static ALWAYS_INLINE void do_##name(                                                       \
	    struct cpu *c, const struct insn *in, unsigned size, unsigned form)                    \
	{                                                                                          \
		shift(c, in, size, form, op);                                                      \
	}                                                                                          \
	SEM_SIZES_FORMS(name)
SHIFT(rol, SH_ROL)
SHIFT(ror, SH_ROR)
SHIFT(rcl, SH_RCL)
SHIFT(rcr, SH_RCR)
SHIFT(shl, SH_SHL)
SHIFT(shr, SH_SHR)
SHIFT(sar, SH_SAR)

/* ---- SHLD, SHRD ---- */

/* 16-bit operands with counts above 16 are undefined; processors shift dst:src:dst. */
static ALWAYS_INLINE struct shifted
shift_double(bool left, uint64_t a, uint64_t b, unsigned n, unsigned size)
{
	unsigned bits = SIZE_BITS(size);
	struct shifted s;

	if (size == 2) {
		uint64_t wide = a << 32 | b << 16 | a;

		s.r = (left ? wide << n >> 32 : wide >> n) & 0xffff;
		s.cf = (left ? wide >> (48 - n) : wide >> (n - 1)) & 1;
	} else if (left) {
		s.r = (a << n | b >> (bits - n)) & SIZE_MASK(size);
		s.cf = a >> (bits - n) & 1;
	} else {
		s.r = (a >> n | b << (bits - n)) & SIZE_MASK(size);
		s.cf = a >> (n - 1) & 1;
	}
	s.of = left ? (s.r >> (bits - 1) & 1) ^ s.cf : (s.r >> (bits - 1) ^ s.r >> (bits - 2)) & 1;
	return s;
}

static ALWAYS_INLINE void
shift_double_insn(struct cpu *c, const struct insn *in, unsigned size, unsigned form, bool left)
{
	unsigned n = (unsigned)(in->kind[2] == OPD_IMM ? in->imm : c->gpr[REG_CX]);
	uint64_t b = reg_get(c, in->reg[1], size), a;
	struct shifted s;
	struct rmw t;

	n &= size == 8 ? 63 : 31;
	if (form == FORM_MR) {
		rmw_begin(c, &t, in->seg, insn_ea(c, in), size, false);
		a = rmw_load(&t, size);
		s = n ? shift_double(left, a, b, n, size) : (struct shifted){ .r = a };
		rmw_commit(c, &t, size, a, s.r);
	} else {
		a = reg_get(c, in->reg[0], size);
		s = n ? shift_double(left, a, b, n, size) : (struct shifted){ .r = a };
		reg_set(c, in->reg[0], size, s.r);
	}
	if (!n)
		return;
	flags_set_logic(c, s.r, size);
	flags_put_cf_of(c, s.cf, s.of);
}

static ALWAYS_INLINE void
do_shld(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	shift_double_insn(c, in, size, form, true);
}
SEM_SIZES_FORMS(shld)

static ALWAYS_INLINE void
do_shrd(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	shift_double_insn(c, in, size, form, false);
}
SEM_SIZES_FORMS(shrd)
