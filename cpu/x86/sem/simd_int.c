/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer arithmetic, logic, compares, packs and shifts in all three register files:
 * one line an operation.
 */
#include "cpu/x86/sem/mmx.h"
#include "cpu/x86/sem/simd.h"

static ALWAYS_INLINE void
sse_int_rr(struct cpu *c, const struct insn *in, vec_kernel *k)
{
	sse_check(c);
	k(xmm_reg(c, in->reg[0]), xmm_reg(c, in->reg[1]));
}
static ALWAYS_INLINE void
sse_int_rm(struct cpu *c, const struct insn *in, vec_kernel *k)
{
	struct lane t;

	sse_check(c);
	vec_load(c, in, &t, 16, true);
	k(xmm_reg(c, in->reg[0]), &t);
}
static ALWAYS_INLINE void
avx_int(struct cpu *c, const struct insn *in, vec_kernel *k)
{
	union vec t, r;
	const union vec *s;

	avx_check_int(c, in);
	s = avx_src(c, in, 2, &t);
	r.l[0] = vec_reg(c, in->reg[1])->l[0];
	k(&r.l[0], &s->l[0]);
	if (in->vl) {
		r.l[1] = vec_reg(c, in->reg[1])->l[1];
		k(&r.l[1], &s->l[1]);
	} else {
		r.l[1] = (struct lane){ { 0, 0 } };
	}
	*vec_reg(c, in->reg[0]) = r;
}
/* Logic on floating-point types exists in 256 bits since AVX. */
static ALWAYS_INLINE void
avx_logic(struct cpu *c, const struct insn *in, vec_kernel *k)
{
	union vec t, r;
	const union vec *s;

	avx_check(c);
	s = avx_src(c, in, 2, &t);
	r = *vec_reg(c, in->reg[1]);
	k(&r.l[0], &s->l[0]);
	if (in->vl)
		k(&r.l[1], &s->l[1]);
	else
		r.l[1] = (struct lane){ { 0, 0 } };
	*vec_reg(c, in->reg[0]) = r;
}

#define SSE_INT(name)                                                                              \
	VEC_KERNEL(name)                                                                           \
	static void name##_rr(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_int_rr(c, in, k_##name);                                                       \
	}                                                                                          \
	static void name##_rm(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_int_rm(c, in, k_##name);                                                       \
	}                                                                                          \
	SEM_RR_RM(name, name##_rr, name##_rm)
#define AVX_INT(name, body)                                                                        \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		body(c, in, k_##name);                                                             \
	}                                                                                          \
	SEM_ONE(v##name)

/* SSE and AVX */
#define INT(name)                                                                                  \
	SSE_INT(name)                                                                              \
	AVX_INT(name, avx_int)
/* and MMX */
#define INT_MMX(name)                                                                              \
	MMX_OP(name, 8)                                                                            \
	INT(name)
#define INT_MMX_LOW(name) /* PUNPCKL*: the MMX form reads 4 bytes */                               \
	MMX_OP(name, 4)                                                                            \
	INT(name)
#define LOGIC(name)                                                                                \
	SSE_INT(name)                                                                              \
	AVX_INT(name, avx_logic)

INT_MMX_LOW(punpcklbw)
INT_MMX_LOW(punpcklwd)
INT_MMX_LOW(punpckldq)
INT(punpcklqdq)
INT_MMX(punpckhbw)
INT_MMX(punpckhwd)
INT_MMX(punpckhdq)
INT(punpckhqdq)
INT_MMX(packsswb)
INT_MMX(packssdw)
INT_MMX(packuswb)
INT(packusdw)
INT_MMX(pcmpgtb)
INT_MMX(pcmpgtw)
INT_MMX(pcmpgtd)
INT(pcmpgtq)
INT_MMX(pcmpeqb)
INT_MMX(pcmpeqw)
INT_MMX(pcmpeqd)
INT(pcmpeqq)
INT_MMX(paddb)
INT_MMX(paddw)
INT_MMX(paddd)
INT_MMX(paddq)
INT_MMX(paddsb)
INT_MMX(paddsw)
INT_MMX(paddusb)
INT_MMX(paddusw)
INT_MMX(psubb)
INT_MMX(psubw)
INT_MMX(psubd)
INT_MMX(psubq)
INT_MMX(psubsb)
INT_MMX(psubsw)
INT_MMX(psubusb)
INT_MMX(psubusw)
INT_MMX(pmullw)
INT_MMX(pmulhw)
INT_MMX(pmulhuw)
INT_MMX(pmuludq)
INT_MMX(pmaddwd)
INT_MMX(pmulhrsw)
INT_MMX(pmaddubsw)
INT(pmuldq)
INT(pmulld)
INT_MMX(psadbw)
INT_MMX(pavgb)
INT_MMX(pavgw)
INT_MMX(pminub)
INT_MMX(pmaxub)
INT_MMX(pminsw)
INT_MMX(pmaxsw)
INT(pminsb)
INT(pminsd)
INT(pminuw)
INT(pminud)
INT(pmaxsb)
INT(pmaxsd)
INT(pmaxuw)
INT(pmaxud)
INT_MMX(pand)
INT_MMX(pandn)
INT_MMX(por)
INT_MMX(pxor)
INT_MMX(pshufb)
INT_MMX(phaddw)
INT_MMX(phaddd)
INT_MMX(phaddsw)
INT_MMX(phsubw)
INT_MMX(phsubd)
INT_MMX(phsubsw)
INT_MMX(psignb)
INT_MMX(psignw)
INT_MMX(psignd)
LOGIC(andps)
LOGIC(andpd)
LOGIC(andnps)
LOGIC(andnpd)
LOGIC(orps)
LOGIC(orpd)
LOGIC(xorps)
LOGIC(xorpd)
LOGIC(unpcklps)
LOGIC(unpcklpd)
LOGIC(unpckhps)
LOGIC(unpckhpd)

/* ---- one source: d = op(s) ---- */

static ALWAYS_INLINE void
sse_unary(struct cpu *c, const struct insn *in, vec_kernel *k)
{
	union vec t;
	const union vec *s;

	sse_check(c);
	s = vec_src(c, in, 1, &t, 16, true);
	k(xmm_reg(c, in->reg[0]), &s->l[0]);
}
static ALWAYS_INLINE void
avx_unary(struct cpu *c, const struct insn *in, vec_kernel *k)
{
	union vec t, r = { .q = { 0 } };
	const union vec *s;

	avx_check_int(c, in);
	s = avx_src(c, in, 1, &t);
	k(&r.l[0], &s->l[0]);
	if (in->vl)
		k(&r.l[1], &s->l[1]);
	*vec_reg(c, in->reg[0]) = r;
}
#define UNARY(name)                                                                                \
	VEC_KERNEL(name)                                                                           \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_unary(c, in, k_##name);                                                        \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		avx_unary(c, in, k_##name);                                                        \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)
#define UNARY_MMX(name)                                                                            \
	MMX_OP(name, 8)                                                                            \
	UNARY(name)

UNARY_MMX(pabsb)
UNARY_MMX(pabsw)
UNARY_MMX(pabsd)
UNARY(phminposuw)

/* ---- shifts: the count is the low quadword of the source for both lanes ---- */

static ALWAYS_INLINE void
avx_shift(struct cpu *c, const struct insn *in, vec_kernel *k)
{
	union vec t, r;
	const union vec *s;

	avx_check_int(c, in);
	s = vec_src(c, in, 2, &t, 16, false);
	r = *vec_reg(c, in->reg[1]);
	k(&r.l[0], &s->l[0]);
	if (in->vl)
		k(&r.l[1], &s->l[0]);
	else
		r.l[1] = (struct lane){ { 0, 0 } };
	*vec_reg(c, in->reg[0]) = r;
}
/* An immediate count acts as the same count in a register. */
static ALWAYS_INLINE void
sse_shift_imm(struct cpu *c, const struct insn *in, vec_kernel *k)
{
	struct lane n = { { (uint8_t)in->imm, 0 } };

	sse_check(c);
	k(xmm_reg(c, in->reg[0]), &n);
}
static ALWAYS_INLINE void
avx_shift_imm(struct cpu *c, const struct insn *in, vec_kernel *k)
{
	struct lane n = { { (uint8_t)in->imm, 0 } };
	union vec r;

	avx_check_int(c, in);
	r = *vec_reg(c, in->reg[1]);
	k(&r.l[0], &n);
	if (in->vl)
		k(&r.l[1], &n);
	else
		r.l[1] = (struct lane){ { 0, 0 } };
	*vec_reg(c, in->reg[0]) = r;
}
static ALWAYS_INLINE void
mmx_shift_imm(struct cpu *c, const struct insn *in, mmx_kernel *k)
{
	uint64_t n = (uint8_t)in->imm, d;

	if (!mmx_ready(c))
		return;
	d = mmx_get(c, in->reg[0]);
	k(&d, &n);
	mmx_put(c, in->reg[0], d);
}
#define SHIFT(name)                                                                                \
	MMX_OP(name, 8)                                                                            \
	SSE_INT(name)                                                                              \
	AVX_INT(name, avx_shift)                                                                   \
	static void do_mmx_##name##_i(struct cpu *c, const struct insn *in)                        \
	{                                                                                          \
		mmx_shift_imm(c, in, k_mmx_##name);                                                \
	}                                                                                          \
	static void do_##name##_i(struct cpu *c, const struct insn *in)                            \
	{                                                                                          \
		sse_shift_imm(c, in, k_##name);                                                    \
	}                                                                                          \
	static void do_v##name##_i(struct cpu *c, const struct insn *in)                           \
	{                                                                                          \
		avx_shift_imm(c, in, k_##name);                                                    \
	}                                                                                          \
	SEM_ONE(mmx_##name##_i)                                                                    \
	SEM_ONE(name##_i)                                                                          \
	SEM_ONE(v##name##_i)

SHIFT(psrlw)
SHIFT(psrld)
SHIFT(psrlq)
SHIFT(psraw)
SHIFT(psrad)
SHIFT(psllw)
SHIFT(pslld)
SHIFT(psllq)
