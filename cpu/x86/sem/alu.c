/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Additions, subtractions, logic and compare-and-exchange. */
#include "cpu/x86/sem/int.h"

enum alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR };

static ALWAYS_INLINE uint64_t
alu_result(enum alu op, uint64_t a, uint64_t b, bool cf)
{
	switch (op) {
	case ALU_ADD: return a + b;
	case ALU_OR: return a | b;
	case ALU_ADC: return a + b + cf;
	case ALU_SBB: return a - b - cf;
	case ALU_AND: return a & b;
	case ALU_SUB: return a - b;
	default: return a ^ b;
	}
}

static ALWAYS_INLINE void
alu_flags(struct cpu *c, enum alu op, uint64_t a, uint64_t b, uint64_t r, unsigned size)
{
	switch (op) {
	case ALU_ADD:
	case ALU_ADC: flags_set_carries(c, r, add_carries(a, b, r), size); break;
	case ALU_SUB:
	case ALU_SBB: flags_set_carries(c, r, sub_borrows(a, b, r), size); break;
	default: flags_set_logic(c, r, size); break;
	}
}

static ALWAYS_INLINE void
alu(struct cpu *c, const struct insn *in, unsigned size, unsigned form, enum alu op)
{
	bool cf = (op == ALU_ADC || op == ALU_SBB) && flag_cf(c);
	uint64_t b = source(c, in, size, form), a, r;
	struct rmw t;

	if (form_writes_mem(form)) {
		rmw_begin(c, &t, in->seg, insn_ea(c, in), size, in->prefix & PFX_LOCK);
		do {
			a = rmw_load(&t, size);
			r = alu_result(op, a, b, cf);
		} while (!rmw_commit(c, &t, size, a, r));
	} else {
		a = reg_get(c, in->reg[0], size);
		r = alu_result(op, a, b, cf);
		reg_set(c, in->reg[0], size, r);
	}
	alu_flags(c, op, a, b, r, size);
}

#define ALU(name, op)                                                                              \
	static ALWAYS_INLINE void do_##name(                                                       \
	    struct cpu *c, const struct insn *in, unsigned size, unsigned form)                    \
	{                                                                                          \
		alu(c, in, size, form, op);                                                        \
	}                                                                                          \
	SEM_SIZES_FORMS(name)
ALU(add, ALU_ADD)
ALU(or, ALU_OR)
ALU(adc, ALU_ADC)
ALU(sbb, ALU_SBB)
ALU(and, ALU_AND)
ALU(sub, ALU_SUB)
ALU(xor, ALU_XOR)

static ALWAYS_INLINE void
do_cmp(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	uint64_t a = first(c, in, size, form);

	flags_set_sub(c, a, source(c, in, size, form), size);
}
SEM_SIZES_FORMS(cmp)

static ALWAYS_INLINE void
do_test(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	uint64_t a = first(c, in, size, form);

	flags_set_logic(c, a & source(c, in, size, form), size);
}
SEM_SIZES_FORMS(test)

/* ---- one operand ---- */

enum unary { UN_INC, UN_DEC, UN_NOT, UN_NEG };

static ALWAYS_INLINE uint64_t
unary_result(enum unary op, uint64_t a)
{
	switch (op) {
	case UN_INC: return a + 1;
	case UN_DEC: return a - 1;
	case UN_NOT: return ~a;
	default: return -a;
	}
}

static ALWAYS_INLINE void
unary_flags(struct cpu *c, enum unary op, uint64_t a, uint64_t r, unsigned size)
{
	uint32_t cf = c->fl_aux & AUX_CF;
	uint64_t top = 1ull << SIZE_TOP(size);
	bool of;

	switch (op) {
	case UN_NOT: return;
	case UN_NEG: flags_set_sub(c, 0, a, size); return;
	default: break;
	}
	/* INC and DEC keep CF: OF is bit 31 xor bit 30 */
	of = op == UN_INC ? (r & SIZE_MASK(size)) == top : a == top;
	c->fl_res = (uint64_t)sign_extend(r, size);
	c->fl_aux = cf | ((cf >> 1) ^ (of ? AUX_PO : 0)) |
	            ((op == UN_INC ? r & 15 : a & 15) == 0 ? AUX_AF : 0);
}

static ALWAYS_INLINE void
unary(struct cpu *c, const struct insn *in, unsigned size, unsigned form, enum unary op)
{
	uint64_t a, r;
	struct rmw t;

	if (form == FORM_MR) {
		rmw_begin(c, &t, in->seg, insn_ea(c, in), size, in->prefix & PFX_LOCK);
		do {
			a = rmw_load(&t, size);
			r = unary_result(op, a);
		} while (!rmw_commit(c, &t, size, a, r));
	} else {
		a = reg_get(c, in->reg[0], size);
		r = unary_result(op, a);
		reg_set(c, in->reg[0], size, r);
	}
	unary_flags(c, op, a, r, size);
}

#define UNARY(name, op)                                                                            \
	static ALWAYS_INLINE void do_##name(                                                       \
	    struct cpu *c, const struct insn *in, unsigned size, unsigned form)                    \
	{                                                                                          \
		unary(c, in, size, form, op);                                                      \
	}                                                                                          \
	SEM_SIZES_FORMS(name)
UNARY(inc, UN_INC)
UNARY(dec, UN_DEC)
UNARY(not, UN_NOT)
UNARY(neg, UN_NEG)

/* ---- exchange and add, compare and exchange ---- */

static ALWAYS_INLINE void
do_xadd(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	uint64_t b = reg_get(c, in->reg[1], size), a, r;
	struct rmw t;

	if (form == FORM_MR) {
		rmw_begin(c, &t, in->seg, insn_ea(c, in), size, in->prefix & PFX_LOCK);
		do {
			a = rmw_load(&t, size);
			r = a + b;
		} while (!rmw_commit(c, &t, size, a, r));
		reg_set(c, in->reg[1], size, a);
	} else {
		a = reg_get(c, in->reg[0], size);
		r = a + b;
		reg_set(c, in->reg[1], size, a);
		reg_set(c, in->reg[0], size, r);
	}
	flags_set_carries(c, r, add_carries(a, b, r), size);
}
SEM_SIZES_FORMS(xadd)

/* The destination is written in either case (SDM 2 CMPXCHG). */
static ALWAYS_INLINE void
do_cmpxchg(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	uint64_t acc = reg_get(c, REG_AX, size), b = reg_get(c, in->reg[1], size), a;
	struct rmw t;

	if (form == FORM_MR) {
		rmw_begin(c, &t, in->seg, insn_ea(c, in), size, in->prefix & PFX_LOCK);
		do
			a = rmw_load(&t, size);
		while (!rmw_commit(c, &t, size, a, a == acc ? b : a));
	} else {
		a = reg_get(c, in->reg[0], size);
		if (a == acc)
			reg_set(c, in->reg[0], size, b);
	}
	if (a != acc)
		reg_set(c, REG_AX, size, a);
	flags_set_sub(c, acc, a, size);
}
SEM_SIZES_FORMS(cmpxchg)

static void
do_cmpxchg8b(struct cpu *c, const struct insn *in)
{
	uint64_t want = c->gpr[REG_DX] << 32 | (uint32_t)c->gpr[REG_AX], a;
	uint64_t new = c->gpr[REG_CX] << 32 | (uint32_t)c->gpr[REG_BX];
	struct rmw t;

	rmw_begin(c, &t, in->seg, insn_ea(c, in), 8, in->prefix & PFX_LOCK);
	do
		a = rmw_load(&t, 8);
	while (!rmw_commit(c, &t, 8, a, a == want ? new : a));
	if (a != want) {
		reg_set(c, REG_AX, 4, (uint32_t)a);
		reg_set(c, REG_DX, 4, a >> 32);
	}
	flags_put_zf(c, a == want);
}
SEM_ONE(cmpxchg8b)

static void
do_cmpxchg16b(struct cpu *c, const struct insn *in)
{
	uint64_t old[2] = { c->gpr[REG_AX], c->gpr[REG_DX] };
	uint64_t new[2] = { c->gpr[REG_BX], c->gpr[REG_CX] }, ea = insn_ea(c, in);
	bool same;

	if (seg_linear(c, in->seg, ea, 16, SEG_OK_W) & 15)
		cpu_raise_gp(c, 0);
	same = mem_cmpxchg16(c, in->seg, ea, old, new);
	if (!same) {
		c->gpr[REG_AX] = old[0];
		c->gpr[REG_DX] = old[1];
	}
	flags_put_zf(c, same);
}
SEM_ONE(cmpxchg16b)

/* ---- ADX: two carry chains ---- */

static ALWAYS_INLINE uint64_t
add_with(uint64_t a, uint64_t b, bool carry, unsigned size, bool *ret_carry)
{
	uint64_t r = a + b + carry;

	*ret_carry = add_carries(a, b, r) >> SIZE_TOP(size) & 1;
	return r;
}

static ALWAYS_INLINE void
do_adcx(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t b = operand(c, in, 1, size);
	bool carry;

	reg_set(c, in->reg[0], size,
	    add_with(reg_get(c, in->reg[0], size), b, flag_cf(c), size, &carry));
	flags_put_cf_of(c, carry, flag_of(c));
}
SEM_SIZES(adcx)

static ALWAYS_INLINE void
do_adox(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t b = operand(c, in, 1, size);
	bool carry;

	reg_set(c, in->reg[0], size,
	    add_with(reg_get(c, in->reg[0], size), b, flag_of(c), size, &carry));
	flags_put_cf_of(c, flag_cf(c), carry);
}
SEM_SIZES(adox)
