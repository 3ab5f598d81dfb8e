/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 arithmetic with two operands, and compares; SDM 2 FADD … FUCOMIP. */
#include "cpu/x86/sem/x87.h"

bool
x87_flag(struct cpu *c, unsigned flags)
{
	c->fpu.sw |= (uint16_t)flags;
	if (flags & ~c->fpu.cw & X87_FLAGS) {
		c->fpu.sw |= X87_ES | X87_B;
		return false;
	}
	return true;
}

bool
x87_stack_fault(struct cpu *c, bool overflow)
{
	c->fpu.sw &= (uint16_t)~X87_C1;
	return x87_flag(c, X87_IE | X87_SF | (overflow ? X87_C1 : 0));
}

/*
 * An operation's kernels: a = ST0 operand, destination of r.
 * r = a op b for two registers; r = a op memory for the four memory types.
 */
typedef uint16_t arith_reg(
    const struct cpu *c, union x80 *r, const union x80 *a, const union x80 *b);
typedef uint16_t arith_mem(const struct cpu *c, union x80 *r, const union x80 *a, const void *m);

#define ARITH_REG(name, insn_text)                                                                 \
	static ALWAYS_INLINE uint16_t k_##name(                                                    \
	    const struct cpu *c, union x80 *r, const union x80 *a, const union x80 *b)             \
	{                                                                                          \
		uint16_t sw;                                                                       \
                                                                                                   \
		x87_host_begin(c);                                                                 \
		X87_LOAD(*b);                                                                      \
		X87_LOAD(*a);                                                                      \
		__asm__ volatile(insn_text " %%st(1),%%st" ::);                                    \
		sw = x87_host_end();                                                               \
		X87_STORE(*r);                                                                     \
		X87_DROP();                                                                        \
		return sw;                                                                         \
	}
#define ARITH_MEM(name, insn_text, type)                                                           \
	static ALWAYS_INLINE uint16_t k_##name(                                                    \
	    const struct cpu *c, union x80 *r, const union x80 *a, const void *m)                  \
	{                                                                                          \
		uint16_t sw;                                                                       \
                                                                                                   \
		x87_host_begin(c);                                                                 \
		X87_LOAD(*a);                                                                      \
		__asm__ volatile(insn_text " %0" : : "m"(*(const type *)m));                       \
		sw = x87_host_end();                                                               \
		X87_STORE(*r);                                                                     \
		return sw;                                                                         \
	}

/* ST(d) = ST(d) op ST(s), with pop afterwards */
static ALWAYS_INLINE void
arith_regs(struct cpu *c, const struct insn *in, arith_reg *k, bool pop)
{
	unsigned d = in->reg[0], s = in->reg[1];
	union x80 r;

	if (!x87_ready(c))
		return;
	x87_note(c, in);
	if (unlikely(x87_is_empty(c, d) || x87_is_empty(c, s))) {
		if (!x87_stack_fault(c, false))
			return;
		x87_put(c, d, &X87_INDEFINITE);
	} else {
		if (!x87_commit(c, k(c, &r, x87_st(c, d), x87_st(c, s)), X87_C1))
			return;
		x87_put(c, d, &r);
	}
	if (pop)
		x87_pop(c);
}
/* ST0 = ST0 op memory, which was read */
static ALWAYS_INLINE void
arith_value(struct cpu *c, const struct insn *in, arith_mem *k, const void *m)
{
	union x80 r;

	x87_note(c, in);
	if (unlikely(x87_is_empty(c, 0))) {
		if (x87_stack_fault(c, false))
			x87_put(c, 0, &X87_INDEFINITE);
		return;
	}
	if (x87_commit(c, k(c, &r, x87_st(c, 0), m), X87_C1))
		x87_put(c, 0, &r);
}

/* name: registers, m32, m64; p: pop; i: m16, m32 integers */
#define ARITH(name, pname, iname, insn_text, itext)                                                \
	ARITH_REG(name, insn_text)                                                                 \
	ARITH_MEM(name##_m32, insn_text "s", uint32_t)                                             \
	ARITH_MEM(name##_m64, insn_text "l", uint64_t)                                             \
	ARITH_MEM(iname##_m16, itext "s", uint16_t)                                                \
	ARITH_MEM(iname##_m32, itext "l", uint32_t)                                                \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		uint64_t m;                                                                        \
                                                                                                   \
		if (!(in->flags & INSN_MEM)) {                                                     \
			arith_regs(c, in, k_##name, false);                                        \
			return;                                                                    \
		}                                                                                  \
		if (!x87_ready(c))                                                                 \
			return;                                                                    \
		if (in->osize == 2) {                                                              \
			m = insn_load(c, in, 4);                                                   \
			arith_value(c, in, k_##name##_m32, &m);                                    \
		} else {                                                                           \
			m = insn_load(c, in, 8);                                                   \
			arith_value(c, in, k_##name##_m64, &m);                                    \
		}                                                                                  \
	}                                                                                          \
	static void do_##pname(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		arith_regs(c, in, k_##name, true);                                                 \
	}                                                                                          \
	static void do_##iname(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		uint64_t m;                                                                        \
                                                                                                   \
		if (!x87_ready(c))                                                                 \
			return;                                                                    \
		if (in->osize == 1) {                                                              \
			m = insn_load(c, in, 2);                                                   \
			arith_value(c, in, k_##iname##_m16, &m);                                   \
		} else {                                                                           \
			m = insn_load(c, in, 4);                                                   \
			arith_value(c, in, k_##iname##_m32, &m);                                   \
		}                                                                                  \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(pname)                                                                             \
	SEM_ONE(iname)

ARITH(fadd, faddp, fiadd, "fadd", "fiadd")
ARITH(fmul, fmulp, fimul, "fmul", "fimul")
ARITH(fsub, fsubp, fisub, "fsub", "fisub")
ARITH(fsubr, fsubrp, fisubr, "fsubr", "fisubr")
ARITH(fdiv, fdivp, fidiv, "fdiv", "fidiv")
ARITH(fdivr, fdivrp, fidivr, "fdivr", "fidivr")

/* ---- compares: C3 C2 C0 ---- */

#define COMPARE_REG(name)                                                                          \
	static ALWAYS_INLINE uint16_t k_##name(                                                    \
	    const struct cpu *c, union x80 *r, const union x80 *a, const union x80 *b)             \
	{                                                                                          \
		uint16_t sw;                                                                       \
                                                                                                   \
		x87_host_begin(c);                                                                 \
		X87_LOAD(*b);                                                                      \
		X87_LOAD(*a);                                                                      \
		__asm__ volatile(#name " %%st(1)" ::);                                             \
		sw = x87_host_end();                                                               \
		X87_DROP();                                                                        \
		X87_DROP();                                                                        \
		return sw;                                                                         \
	}
COMPARE_REG(fcom)
COMPARE_REG(fucom)
ARITH_MEM(fcom_m32, "fcoms", uint32_t)
ARITH_MEM(fcom_m64, "fcoml", uint64_t)
ARITH_MEM(ficom_m16, "ficoms", uint16_t)
ARITH_MEM(ficom_m32, "ficoml", uint32_t)
ARITH_MEM(ftst, "ftst #", uint8_t)

/* Empty operands compare as unordered. False: unmasked, no pop. */
static bool
compare_underflow(struct cpu *c)
{
	if (!x87_stack_fault(c, false))
		return false;
	c->fpu.sw |= X87_C0 | X87_C2 | X87_C3;
	return true;
}
static ALWAYS_INLINE bool
compare_commit(struct cpu *c, uint16_t sw)
{
	/* an unmasked exception leaves the condition codes */
	return x87_commit(c, sw, unlikely(sw & ~c->fpu.cw & X87_PRE) ? X87_C1 : (uint16_t)X87_CC);
}
static ALWAYS_INLINE void
compare_regs(struct cpu *c, const struct insn *in, unsigned i, arith_reg *k, unsigned pops)
{
	bool ok;

	if (!x87_ready(c))
		return;
	x87_note(c, in);
	if (unlikely(x87_is_empty(c, 0) || x87_is_empty(c, i)))
		ok = compare_underflow(c);
	else
		ok = compare_commit(c, k(c, NULL, x87_st(c, 0), x87_st(c, i)));
	for (; ok && pops; pops--)
		x87_pop(c);
}
static ALWAYS_INLINE void
compare_value(struct cpu *c, const struct insn *in, arith_mem *k, const void *m, bool pop)
{
	union x80 r;
	bool ok;

	x87_note(c, in);
	if (unlikely(x87_is_empty(c, 0)))
		ok = compare_underflow(c);
	else
		ok = compare_commit(c, k(c, &r, x87_st(c, 0), m));
	if (ok && pop)
		x87_pop(c);
}

#define FCOM(name, pop)                                                                            \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		uint64_t m;                                                                        \
                                                                                                   \
		if (!(in->flags & INSN_MEM)) {                                                     \
			compare_regs(c, in, in->modrm & 7, k_fcom, pop);                           \
			return;                                                                    \
		}                                                                                  \
		if (!x87_ready(c))                                                                 \
			return;                                                                    \
		if (in->osize == 2) {                                                              \
			m = insn_load(c, in, 4);                                                   \
			compare_value(c, in, k_fcom_m32, &m, pop);                                 \
		} else {                                                                           \
			m = insn_load(c, in, 8);                                                   \
			compare_value(c, in, k_fcom_m64, &m, pop);                                 \
		}                                                                                  \
	}                                                                                          \
	SEM_ONE(name)
FCOM(fcom, 0)
FCOM(fcomp, 1)

#define FICOM(name, pop)                                                                           \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		uint64_t m;                                                                        \
                                                                                                   \
		if (!x87_ready(c))                                                                 \
			return;                                                                    \
		if (in->osize == 1) {                                                              \
			m = insn_load(c, in, 2);                                                   \
			compare_value(c, in, k_ficom_m16, &m, pop);                                \
		} else {                                                                           \
			m = insn_load(c, in, 4);                                                   \
			compare_value(c, in, k_ficom_m32, &m, pop);                                \
		}                                                                                  \
	}                                                                                          \
	SEM_ONE(name)
FICOM(ficom, false)
FICOM(ficomp, true)

#define COMPARE(name, kernel, pops)                                                                \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		compare_regs(c, in, in->modrm & 7, kernel, pops);                                  \
	}                                                                                          \
	SEM_ONE(name)
COMPARE(fcompp, k_fcom, 2)
COMPARE(fucom, k_fucom, 0)
COMPARE(fucomp, k_fucom, 1)
COMPARE(fucompp, k_fucom, 2)

static void
do_ftst(struct cpu *c, const struct insn *in)
{
	uint8_t unused = 0;

	if (x87_ready(c))
		compare_value(c, in, k_ftst, &unused, false);
}
SEM_ONE(ftst)

/* ---- compares to EFLAGS: the same order in ZF PF CF, C1 cleared ---- */

static ALWAYS_INLINE void
compare_eflags(struct cpu *c, const struct insn *in, arith_reg *k, bool pop)
{
	unsigned i = in->modrm & 7;
	uint16_t cc = X87_C0 | X87_C2 | X87_C3;
	bool ok;

	if (!x87_ready(c))
		return;
	x87_note(c, in);
	if (unlikely(x87_is_empty(c, 0) || x87_is_empty(c, i))) {
		ok = x87_stack_fault(c, false);
	} else {
		uint16_t sw = k(c, NULL, x87_st(c, 0), x87_st(c, i));

		ok = x87_commit(c, sw, X87_C1);
		cc = sw;
	}
	if (!ok)
		return;
	flags_set_arith(
	    c, (cc & X87_C3 ? FL_ZF : 0) | (cc & X87_C2 ? FL_PF : 0) | (cc & X87_C0 ? FL_CF : 0));
	if (pop)
		x87_pop(c);
}
#define COMPARE_EFLAGS(name, kernel, pop)                                                          \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		compare_eflags(c, in, kernel, pop);                                                \
	}                                                                                          \
	SEM_ONE(name)
COMPARE_EFLAGS(fcomi, k_fcom, false)
COMPARE_EFLAGS(fcomip, k_fcom, true)
COMPARE_EFLAGS(fucomi, k_fucom, false)
COMPARE_EFLAGS(fucomip, k_fucom, true)
