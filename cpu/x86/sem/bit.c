/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bit tests, bit scans, counts, BMI1, BMI2 and CRC32. */
#include "cpu/model.h"
#include "cpu/x86/sem/int.h"

/* ---- BT, BTS, BTR, BTC ---- */

enum bit_op { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

static ALWAYS_INLINE uint64_t
bit_result(enum bit_op op, uint64_t a, uint64_t mask)
{
	switch (op) {
	case BIT_SET: return a | mask;
	case BIT_RESET: return a & ~mask;
	case BIT_COMPLEMENT: return a ^ mask;
	default: return a;
	}
}

/* A register's bit offset is signed and reaches beyond the operand (SDM 2 3.1.1.9). */
static ALWAYS_INLINE uint64_t
bit_ea(struct cpu *c, const struct insn *in, uint64_t offset, unsigned size)
{
	int64_t element = sign_extend(offset, size) >> (size == 8 ? 6 : size == 4 ? 5 : 4);

	return (insn_ea(c, in) + (uint64_t)element * size) & SIZE_MASK(1u << in->asize);
}

static ALWAYS_INLINE void
bit_insn(struct cpu *c, const struct insn *in, unsigned size, unsigned form, enum bit_op op)
{
	bool imm = form == FORM_MI || form == FORM_RI;
	uint64_t offset = imm ? in->imm : reg_get(c, in->reg[1], size), a, mask, ea;
	struct rmw t;

	mask = 1ull << (offset & SIZE_TOP(size));
	if (!form_writes_mem(form)) {
		a = reg_get(c, in->reg[0], size);
		if (op != BIT_TEST)
			reg_set(c, in->reg[0], size, bit_result(op, a, mask));
	} else {
		ea = imm ? insn_ea(c, in) : bit_ea(c, in, offset, size);
		if (op == BIT_TEST) {
			a = mem_read(c, in->seg, ea, size);
		} else {
			rmw_begin(c, &t, in->seg, ea, size, in->prefix & PFX_LOCK);
			do
				a = rmw_load(&t, size);
			while (!rmw_commit(c, &t, size, a, bit_result(op, a, mask)));
		}
	}
	flags_put_cf(c, a & mask);
}

#define BIT(name, op)                                                                              \
	static ALWAYS_INLINE void do_##name(                                                       \
	    struct cpu *c, const struct insn *in, unsigned size, unsigned form)                    \
	{                                                                                          \
		bit_insn(c, in, size, form, op);                                                   \
	}                                                                                          \
	SEM_SIZES_FORMS(name)
BIT(bt, BIT_TEST)
BIT(bts, BIT_SET)
BIT(btr, BIT_RESET)
BIT(btc, BIT_COMPLEMENT)

/* ---- scans and counts ---- */

/* A zero source leaves the destination alone (AMD documents it, Intel's do it). */
static ALWAYS_INLINE void
do_bsf(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size);

	if (v)
		reg_set(c, in->reg[0], size, (uint64_t)__builtin_ctzll(v));
	flags_put_zf(c, v == 0);
}
SEM_SIZES(bsf)

static ALWAYS_INLINE void
do_bsr(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size);

	if (v)
		reg_set(c, in->reg[0], size, 63u - (unsigned)__builtin_clzll(v));
	flags_put_zf(c, v == 0);
}
SEM_SIZES(bsr)

/* A processor without TZCNT and LZCNT ignores their F3 prefix. */
static ALWAYS_INLINE void
do_tzcnt(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v, r;

	if (unlikely(!model_has(c->model, FEAT_BMI1))) {
		do_bsf(c, in, size);
		return;
	}
	v = operand(c, in, 1, size);
	r = v ? (uint64_t)__builtin_ctzll(v) : SIZE_BITS(size);
	reg_set(c, in->reg[0], size, r);
	flags_set_logic_cf(c, r, size, v == 0);
}
SEM_SIZES(tzcnt)

static ALWAYS_INLINE void
do_lzcnt(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v, r;

	if (unlikely(!model_has(c->model, FEAT_ABM))) {
		do_bsr(c, in, size);
		return;
	}
	v = operand(c, in, 1, size);
	r = v ? (unsigned)__builtin_clzll(v) - (64 - SIZE_BITS(size)) : SIZE_BITS(size);
	reg_set(c, in->reg[0], size, r);
	flags_set_logic_cf(c, r, size, v == 0);
}
SEM_SIZES(lzcnt)

/* Only ZF can be set. */
static ALWAYS_INLINE void
do_popcnt(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size);

	reg_set(c, in->reg[0], size, (uint64_t)__builtin_popcountll(v));
	flags_set_arith(c, v ? 0 : FL_ZF);
}
SEM_SIZES(popcnt)

/* ---- BMI1 ---- */

static ALWAYS_INLINE void
do_andn(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t r = ~reg_get(c, in->reg[1], size) & operand(c, in, 2, size);

	reg_set(c, in->reg[0], size, r);
	flags_set_logic(c, r, size);
}
SEM_SIZES(andn)

static ALWAYS_INLINE void
do_bextr(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size), control = reg_get(c, in->reg[2], size);
	unsigned start = control & 0xff, len = control >> 8 & 0xff;

	v = start < 64 ? v >> start & bits_mask(len) : 0;
	reg_set(c, in->reg[0], size, v);
	flags_set_logic(c, v, size);
}
SEM_SIZES(bextr)

static ALWAYS_INLINE void
do_blsr(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size), r = v & (v - 1);

	reg_set(c, in->reg[0], size, r);
	flags_set_logic_cf(c, r, size, v == 0);
}
SEM_SIZES(blsr)

static ALWAYS_INLINE void
do_blsmsk(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size), r = v ^ (v - 1);

	reg_set(c, in->reg[0], size, r);
	flags_set_logic_cf(c, r, size, v == 0);
}
SEM_SIZES(blsmsk)

static ALWAYS_INLINE void
do_blsi(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size), r = v & -v;

	reg_set(c, in->reg[0], size, r);
	flags_set_logic_cf(c, r, size, v != 0);
}
SEM_SIZES(blsi)

/* ---- BMI2 ---- */

static ALWAYS_INLINE void
do_bzhi(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size);
	unsigned n = reg_get(c, in->reg[2], size) & 0xff;

	v &= bits_mask(n);
	reg_set(c, in->reg[0], size, v);
	flags_set_logic_cf(c, v, size, n > SIZE_TOP(size));
}
SEM_SIZES(bzhi)

static ALWAYS_INLINE void
do_pdep(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = reg_get(c, in->reg[1], size), mask = operand(c, in, 2, size), r = 0;

	for (; mask; mask &= mask - 1, v >>= 1)
		r |= v & 1 ? mask & -mask : 0;
	reg_set(c, in->reg[0], size, r);
}
SEM_SIZES(pdep)

static ALWAYS_INLINE void
do_pext(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = reg_get(c, in->reg[1], size), mask = operand(c, in, 2, size), r = 0;
	unsigned k = 0;

	for (; mask; mask &= mask - 1, k++)
		r |= (uint64_t)((v & mask & -mask) != 0) << k;
	reg_set(c, in->reg[0], size, r);
}
SEM_SIZES(pext)

static ALWAYS_INLINE void
do_rorx(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size);
	unsigned n = (unsigned)in->imm & SIZE_TOP(size);

	reg_set(c, in->reg[0], size, n ? v >> n | v << (SIZE_BITS(size) - n) : v);
}
SEM_SIZES(rorx)

static ALWAYS_INLINE void
do_sarx(struct cpu *c, const struct insn *in, unsigned size)
{
	int64_t v = sign_extend(operand(c, in, 1, size), size);

	reg_set(c, in->reg[0], size, (uint64_t)(v >> (c->gpr[in->reg[2]] & SIZE_TOP(size))));
}
SEM_SIZES(sarx)

static ALWAYS_INLINE void
do_shlx(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size);

	reg_set(c, in->reg[0], size, v << (c->gpr[in->reg[2]] & SIZE_TOP(size)));
}
SEM_SIZES(shlx)

static ALWAYS_INLINE void
do_shrx(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size);

	reg_set(c, in->reg[0], size, v >> (c->gpr[in->reg[2]] & SIZE_TOP(size)));
}
SEM_SIZES(shrx)

/* ---- CRC32: polynomial 11EDC6F41h, bit-reflected; a nibble at a time ---- */

static uint32_t
crc32c_byte(uint32_t crc, uint8_t b)
{
	static const uint32_t table[16] = { 0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6,
		0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75 };

	crc ^= b;
	crc = crc >> 4 ^ table[crc & 15];
	return crc >> 4 ^ table[crc & 15];
}

static ALWAYS_INLINE void
do_crc32(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = operand(c, in, 1, size);
	uint32_t crc = (uint32_t)c->gpr[in->reg[0]];

	for (unsigned i = 0; i < size; i++)
		crc = crc32c_byte(crc, (uint8_t)(v >> i * 8));
	reg_set(c, in->reg[0], 4, crc);
}
SEM_SIZES(crc32)
