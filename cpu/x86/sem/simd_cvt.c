/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Conversions between integers, singles, doubles and halves; SDM 2 CVT*, VCVT*. */
#include "cpu/x86/sem/mmx.h"
#include "cpu/x86/sem/simd.h"

static ALWAYS_INLINE void
convert(struct cpu *c, struct lane *r, const struct lane *s, vec_kernel *k, enum fp_result kind,
    unsigned lanes)
{
	uint32_t flags;

	fp_begin(c);
	k(r, s);
	if (lanes == 2)
		k(r + 1, s + 1);
	flags = fp_end();
	fp_done(c, flags, kind, r, lanes);
}
static ALWAYS_INLINE void
sse_convert(struct cpu *c, const struct insn *in, vec_kernel *k, enum fp_result kind, unsigned size)
{
	union vec t;
	const union vec *s;
	struct lane r = { { 0, 0 } };

	sse_check(c);
	s = vec_src(c, in, 1, &t, size, true);
	convert(c, &r, &s->l[0], k, kind, 1);
	*xmm_reg(c, in->reg[0]) = r;
}
/* 4 or 8 elements of the same width */
static ALWAYS_INLINE void
avx_same(struct cpu *c, const struct insn *in, vec_kernel *k, enum fp_result kind)
{
	union vec t, r = { .q = { 0 } };
	const union vec *s;

	avx_check(c);
	s = avx_src(c, in, 1, &t);
	if (in->vl)
		convert(c, r.l, s->l, k, kind, 2);
	else
		convert(c, r.l, s->l, k, kind, 1);
	*vec_reg(c, in->reg[0]) = r;
}
/* half the source becomes a lane */
static ALWAYS_INLINE void
avx_widen(struct cpu *c, const struct insn *in, vec_kernel *k, enum fp_result kind)
{
	union vec t, r = { .q = { 0 } }, h = { .q = { 0 } };
	const union vec *s;

	avx_check(c);
	if (in->vl) {
		s = vec_src(c, in, 1, &t, 16, false);
		h.q[0] = s->q[0];
		h.q[2] = s->q[1];
		convert(c, r.l, h.l, k, kind, 2);
	} else {
		s = vec_src(c, in, 1, &t, 8, false);
		convert(c, r.l, s->l, k, kind, 1);
	}
	*vec_reg(c, in->reg[0]) = r;
}
/* a lane becomes 64 bits */
static ALWAYS_INLINE void
avx_narrow(struct cpu *c, const struct insn *in, vec_kernel *k, enum fp_result kind)
{
	union vec t, r = { .q = { 0 } };
	const union vec *s;

	avx_check(c);
	s = avx_src(c, in, 1, &t);
	if (in->vl)
		convert(c, r.l, s->l, k, kind, 2);
	else
		convert(c, r.l, s->l, k, kind, 1);
	avx_put128(c, in->reg[0], &(struct lane){ { r.q[0], r.q[2] } });
}

#define CONVERT(name, kind, size, avx)                                                             \
	VEC_KERNEL(name)                                                                           \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_convert(c, in, k_##name, kind, size);                                          \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		avx(c, in, k_##name, kind);                                                        \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)

CONVERT(cvtdq2ps, FP_NONE, 16, avx_same)
CONVERT(cvtps2dq, FP_NONE, 16, avx_same)
CONVERT(cvttps2dq, FP_NONE, 16, avx_same)
CONVERT(cvtps2pd, FP_NONE, 8, avx_widen)
CONVERT(cvtdq2pd, FP_NONE, 8, avx_widen)
CONVERT(cvtpd2ps, FP_PS, 16, avx_narrow)
CONVERT(cvtpd2dq, FP_NONE, 16, avx_narrow)
CONVERT(cvttpd2dq, FP_NONE, 16, avx_narrow)

/* ---- general registers ---- */

/* k: the operand; the kernels read 4 or 8 bytes of it */
static ALWAYS_INLINE struct lane
int_src(struct cpu *c, const struct insn *in, unsigned k)
{
	unsigned size = in->osize == 3 ? 8 : 4;

	if (in->kind[k] == OPD_MEM)
		return (struct lane){ { insn_load(c, in, size), 0 } };
	return (struct lane){ { c->gpr[in->reg[k]], 0 } };
}
static ALWAYS_INLINE void
from_int(struct cpu *c, const struct insn *in, struct lane *r, const struct lane *s,
    vec_kernel *k32, vec_kernel *k64)
{
	uint32_t flags;

	fp_begin(c);
	if (in->osize == 3)
		k64(r, s);
	else
		k32(r, s);
	flags = fp_end();
	fp_done(c, flags, FP_NONE, r, 1);
}
#define FROM_INT(name)                                                                             \
	VEC_KERNEL(name##l)                                                                        \
	VEC_KERNEL(name##q)                                                                        \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		struct lane s, r;                                                                  \
                                                                                                   \
		sse_check(c);                                                                      \
		s = int_src(c, in, 1);                                                             \
		r = *xmm_reg(c, in->reg[0]);                                                       \
		from_int(c, in, &r, &s, k_##name##l, k_##name##q);                                 \
		*xmm_reg(c, in->reg[0]) = r;                                                       \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		struct lane s, r;                                                                  \
                                                                                                   \
		avx_check(c);                                                                      \
		s = int_src(c, in, 2);                                                             \
		r = *xmm_reg(c, in->reg[1]);                                                       \
		from_int(c, in, &r, &s, k_##name##l, k_##name##q);                                 \
		avx_put128(c, in->reg[0], &r);                                                     \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)
FROM_INT(cvtsi2ss)
FROM_INT(cvtsi2sd)

#define TO_INT(name, size)                                                                         \
	static ALWAYS_INLINE void to_int_##name(struct cpu *c, const struct insn *in)              \
	{                                                                                          \
		union vec t;                                                                       \
		const union vec *s = vec_src(c, in, 1, &t, size, false);                           \
		uint64_t v;                                                                        \
		uint32_t flags;                                                                    \
                                                                                                   \
		fp_begin(c);                                                                       \
		if (in->osize == 3)                                                                \
			__asm__ volatile(#name " %1,%q0" : "=r"(v) : "m"(s->l[0]));                \
		else                                                                               \
			__asm__ volatile(#name " %1,%k0" : "=r"(v) : "m"(s->l[0]));                \
		flags = fp_end();                                                                  \
		fp_done(c, flags, FP_NONE, NULL, 0);                                               \
		c->gpr[in->reg[0]] = v;                                                            \
	}                                                                                          \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_check(c);                                                                      \
		to_int_##name(c, in);                                                              \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		avx_check(c);                                                                      \
		to_int_##name(c, in);                                                              \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)
TO_INT(cvtss2si, 4)
TO_INT(cvttss2si, 4)
TO_INT(cvtsd2si, 8)
TO_INT(cvttsd2si, 8)

/* ---- MMX registers: these also are MMX instructions (SDM 2 CVTPI2PS) ---- */

/* A register source makes it an MMX instruction, even if #XM follows; a memory one does not. */
static ALWAYS_INLINE void
from_mmx(struct cpu *c, const struct insn *in, vec_kernel *k)
{
	struct lane s, r;
	uint32_t flags;

	sse_check(c);
	if (!mmx_ready(c))
		return;
	s = (struct lane){ { mmx_src(c, in, 1, 8), 0 } };
	r = *xmm_reg(c, in->reg[0]);
	fp_begin(c);
	k(&r, &s);
	flags = fp_end();
	if (in->kind[1] != OPD_MEM)
		mmx_enter(c);
	fp_done(c, flags, FP_NONE, &r, 1);
	*xmm_reg(c, in->reg[0]) = r;
}
VEC_KERNEL(cvtpi2ps)
VEC_KERNEL(cvtpi2pd)
static void
do_cvtpi2ps(struct cpu *c, const struct insn *in)
{
	from_mmx(c, in, k_cvtpi2ps);
}
SEM_ONE(cvtpi2ps)
static void
do_cvtpi2pd(struct cpu *c, const struct insn *in)
{
	from_mmx(c, in, k_cvtpi2pd);
}
SEM_ONE(cvtpi2pd)

#define TO_MMX(name, size)                                                                         \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		union vec t;                                                                       \
		const union vec *s;                                                                \
		uint64_t v;                                                                        \
		uint32_t flags;                                                                    \
                                                                                                   \
		sse_check(c);                                                                      \
		if (!mmx_ready(c))                                                                 \
			return;                                                                    \
		s = vec_src(c, in, 1, &t, size, true);                                             \
		fp_begin(c);                                                                       \
		__asm__ volatile(#name " %1,%%mm0\n\tmovq %%mm0,%0\n\temms"                        \
				 : "=m"(v)                                                         \
				 : "m"(s->l[0])                                                    \
				 : "mm0");                                                         \
		flags = fp_end();                                                                  \
		mmx_enter(c); /* even if #XM follows */                                            \
		fp_done(c, flags, FP_NONE, NULL, 0);                                               \
		mmx_put(c, in->reg[0], v);                                                         \
	}                                                                                          \
	SEM_ONE(name)
TO_MMX(cvtps2pi, 8)
TO_MMX(cvttps2pi, 8)
TO_MMX(cvtpd2pi, 16)
TO_MMX(cvttpd2pi, 16)

/* ---- halves (F16C): on the host's own, which has it when the guest has ---- */

static ALWAYS_INLINE void
k_vcvtph2ps(struct lane *d, const struct lane *s)
{
	__asm__ volatile("vcvtph2ps %1,%%xmm0\n\tmovdqa %%xmm0,%0" : "=m"(*d) : "m"(*s) : "xmm0");
}
static void
do_vcvtph2ps(struct cpu *c, const struct insn *in)
{
	avx_widen(c, in, k_vcvtph2ps, FP_NONE);
}
SEM_ONE(vcvtph2ps)

#define PH_CASE(n)                                                                                 \
	case n:                                                                                    \
		__asm__ volatile("movdqa %1,%%xmm0\n\tvcvtps2ph $" #n ",%%xmm0,%%xmm0\n\t"         \
				 "movdqa %%xmm0,%0"                                                \
				 : "=m"(*d)                                                        \
				 : "m"(*s)                                                         \
				 : "xmm0");                                                        \
		break;
static void
k_vcvtps2ph(struct lane *d, const struct lane *s, unsigned imm)
{
	switch (imm & 7) {
		PH_CASE(0)
		PH_CASE(1)
		PH_CASE(2)
		PH_CASE(3)
		PH_CASE(4)
		PH_CASE(5)
		PH_CASE(6)
		PH_CASE(7)
	}
}
/* Underflow unmasked: FTZ is ignored by this instruction and a half has its own tiny range. */
static bool
tiny_half(const struct lane *l, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint16_t h = (uint16_t)(l->q[i / 4] >> (i % 4 * 16));

		if (!(h & 0x7c00) && (h & 0x3ff))
			return true;
	}
	return false;
}
static void
do_vcvtps2ph(struct cpu *c, const struct insn *in)
{
	union vec r = { .q = { 0 } };
	const union vec *s = vec_reg(c, in->reg[1]);
	struct lane v;
	uint32_t flags;

	avx_check(c);
	fp_begin(c);
	k_vcvtps2ph(&r.l[0], &s->l[0], in->imm & 7);
	if (in->vl)
		k_vcvtps2ph(&r.l[1], &s->l[1], in->imm & 7);
	flags = fp_end();
	v = (struct lane){ { r.q[0], r.q[2] } };
	if (unlikely(!(c->mxcsr & MXCSR_UM)) && tiny_half(&v, 8))
		flags |= MXCSR_UE;
	if (in->kind[0] == OPD_MEM) {
		/* a page fault comes before #XM is noted */
		mem_probe_write(c, in->seg, insn_ea(c, in), in->vl ? 16 : 8);
		fp_done(c, flags, FP_NONE, &v, 1);
		if (in->vl)
			vec_store(c, in, &v, 16, false);
		else
			vec_store(c, in, &v, 8, false);
	} else {
		fp_done(c, flags, FP_NONE, &v, 1);
		avx_put128(c, in->reg[0], &v);
	}
}
SEM_ONE(vcvtps2ph)
