/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSE and AVX floating-point arithmetic, compares and rounding. */
#include "cpu/x86/sem/simd.h"

/* r is the old destination (or first source) in, the result out. */
static ALWAYS_INLINE void
fp_run(struct cpu *c, struct lane *r, const struct lane *s, vec_kernel *k, enum fp_result kind,
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
sse_fp(struct cpu *c, const struct insn *in, vec_kernel *k, enum fp_result kind, unsigned size)
{
	union vec t;
	const union vec *s;
	struct lane r;

	sse_check(c);
	s = vec_src(c, in, 1, &t, size, true);
	r = *xmm_reg(c, in->reg[0]);
	fp_run(c, &r, &s->l[0], k, kind, 1);
	*xmm_reg(c, in->reg[0]) = r;
}
/* src1: operand with the untouched bits; src2: the other */
static ALWAYS_INLINE void
avx_fp_scalar(
    struct cpu *c, const struct insn *in, vec_kernel *k, enum fp_result kind, unsigned size)
{
	union vec t;
	const union vec *s;
	struct lane r;

	avx_check(c);
	s = vec_src(c, in, 2, &t, size, false);
	r = *xmm_reg(c, in->reg[1]);
	fp_run(c, &r, &s->l[0], k, kind, 1);
	avx_put128(c, in->reg[0], &r);
}
static ALWAYS_INLINE void
avx_fp(struct cpu *c, const struct insn *in, vec_kernel *k, enum fp_result kind, unsigned src)
{
	union vec t, r;
	const union vec *s;

	avx_check(c);
	s = avx_src(c, in, src, &t);
	r = *vec_reg(c, in->reg[1]);
	if (in->vl) {
		fp_run(c, r.l, s->l, k, kind, 2);
	} else {
		r.l[1] = (struct lane){ { 0, 0 } };
		fp_run(c, r.l, s->l, k, kind, 1);
	}
	*vec_reg(c, in->reg[0]) = r;
}

#define FP_ANY(name, sse_call, avx_call)                                                           \
	VEC_KERNEL(name)                                                                           \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_call;                                                                          \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		avx_call;                                                                          \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)
#define FP_PACKED(name, kind)                                                                      \
	FP_ANY(name, sse_fp(c, in, k_##name, kind, 16), avx_fp(c, in, k_##name, kind, 2))
#define FP_UNARY(name, kind)                                                                       \
	FP_ANY(name, sse_fp(c, in, k_##name, kind, 16), avx_fp(c, in, k_##name, kind, 1))
#define FP_SCALAR(name, kind, size)                                                                \
	FP_ANY(                                                                                    \
	    name, sse_fp(c, in, k_##name, kind, size), avx_fp_scalar(c, in, k_##name, kind, size))
/* the four of them */
#define FP_FOUR(op, kps, kpd, kss, ksd)                                                            \
	FP_PACKED(op##ps, kps)                                                                     \
	FP_PACKED(op##pd, kpd)                                                                     \
	FP_SCALAR(op##ss, kss, 4)                                                                  \
	FP_SCALAR(op##sd, ksd, 8)

FP_FOUR(add, FP_PS, FP_PD, FP_SS, FP_SD)
FP_FOUR(sub, FP_PS, FP_PD, FP_SS, FP_SD)
FP_FOUR(mul, FP_PS, FP_PD, FP_SS, FP_SD)
FP_FOUR(div, FP_PS, FP_PD, FP_SS, FP_SD)
FP_FOUR(min, FP_NONE, FP_NONE, FP_NONE, FP_NONE)
FP_FOUR(max, FP_NONE, FP_NONE, FP_NONE, FP_NONE)
FP_PACKED(addsubps, FP_PS)
FP_PACKED(addsubpd, FP_PD)
FP_PACKED(haddps, FP_PS)
FP_PACKED(haddpd, FP_PD)
FP_PACKED(hsubps, FP_PS)
FP_PACKED(hsubpd, FP_PD)
FP_UNARY(sqrtps, FP_NONE)
FP_UNARY(sqrtpd, FP_NONE)
FP_UNARY(rcpps, FP_NONE)
FP_UNARY(rsqrtps, FP_NONE)
FP_SCALAR(sqrtss, FP_NONE, 4)
FP_SCALAR(sqrtsd, FP_NONE, 8)
FP_SCALAR(rcpss, FP_NONE, 4)
FP_SCALAR(rsqrtss, FP_NONE, 4)
/* between the two widths, scalar */
FP_SCALAR(cvtss2sd, FP_NONE, 4)
FP_SCALAR(cvtsd2ss, FP_SS, 8)

/* ---- with an immediate ---- */

static ALWAYS_INLINE void
fp_run_imm(struct cpu *c, struct lane *r, const struct lane *s, vec_kernel_imm *k, unsigned imm,
    enum fp_result kind, unsigned lanes)
{
	uint32_t flags;

	fp_begin(c);
	k(r, s, imm);
	if (lanes == 2)
		k(r + 1, s + 1, imm);
	flags = fp_end();
	fp_done(c, flags, kind, r, lanes);
}
static ALWAYS_INLINE void
sse_fp_imm(struct cpu *c, const struct insn *in, vec_kernel_imm *k, unsigned mask,
    enum fp_result kind, unsigned size)
{
	union vec t;
	const union vec *s;
	struct lane r;

	sse_check(c);
	s = vec_src(c, in, 1, &t, size, true);
	r = *xmm_reg(c, in->reg[0]);
	fp_run_imm(c, &r, &s->l[0], k, in->imm & mask, kind, 1);
	*xmm_reg(c, in->reg[0]) = r;
}
/* src: number of the second source; size: 0 = by vector length, else a scalar */
static ALWAYS_INLINE void
avx_fp_imm(struct cpu *c, const struct insn *in, vec_kernel_imm *k, unsigned mask,
    enum fp_result kind, unsigned src, unsigned size)
{
	union vec t, r;
	const union vec *s;

	avx_check(c);
	s = size ? vec_src(c, in, src, &t, size, false) : avx_src(c, in, src, &t);
	r = *vec_reg(c, in->reg[1]);
	if (!size && in->vl) {
		fp_run_imm(c, r.l, s->l, k, in->imm & mask, kind, 2);
	} else {
		r.l[1] = (struct lane){ { 0, 0 } };
		fp_run_imm(c, r.l, s->l, k, in->imm & mask, kind, 1);
	}
	*vec_reg(c, in->reg[0]) = r;
}

#define FP_IMM_SSE(name, op, n, kind, size)                                                        \
	VEC_KERNEL_IMM(name, n)                                                                    \
	static void do_##op(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		sse_fp_imm(c, in, k_##name, n - 1, kind, size);                                    \
	}                                                                                          \
	SEM_ONE(op)
#define FP_IMM_AVX(name, n, kind, src, size)                                                       \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		avx_fp_imm(c, in, k_##name, n - 1, kind, src, size);                               \
	}                                                                                          \
	SEM_ONE(v##name)

FP_IMM_SSE(roundps, roundps, 16, FP_NONE, 16)
FP_IMM_SSE(roundpd, roundpd, 16, FP_NONE, 16)
FP_IMM_SSE(roundss, roundss, 16, FP_NONE, 4)
FP_IMM_SSE(roundsd, roundsd, 16, FP_NONE, 8)
FP_IMM_AVX(roundps, 16, FP_NONE, 1, 0)
FP_IMM_AVX(roundpd, 16, FP_NONE, 1, 0)
FP_IMM_AVX(roundss, 16, FP_NONE, 2, 4)
FP_IMM_AVX(roundsd, 16, FP_NONE, 2, 8)
FP_IMM_SSE(dpps, dpps, 256, FP_PS, 16)
FP_IMM_SSE(dppd, dppd, 256, FP_PD, 16)
FP_IMM_AVX(dpps, 256, FP_PS, 2, 0)
FP_IMM_AVX(dppd, 256, FP_PD, 2, 0)
FP_IMM_SSE(cmpps, cmpps, 8, FP_NONE, 16)
FP_IMM_SSE(cmppd, cmppd, 8, FP_NONE, 16)
FP_IMM_SSE(cmpss, cmpss, 8, FP_NONE, 4)
FP_IMM_SSE(cmpsd, cmpsd_x, 8, FP_NONE, 8)

/* The 32 predicates of VEX, which only a host with AVX has (and only then a guest). */
#define VCMP(name, kind, src, size)                                                                \
	static ALWAYS_INLINE void k_v##name(struct lane *d, const struct lane *s, unsigned imm)    \
	{                                                                                          \
		uint64_t t = (uint64_t)imm * 16;                                                   \
                                                                                                   \
		__asm__ volatile("movdqa %0,%%xmm0\n\t"                                            \
				 "movdqa %2,%%xmm1\n\t"                                            \
				 "leaq 1f(%%rip),%%rcx\n\t"                                        \
				 "addq %%rcx,%1\n\t"                                               \
				 "jmp *%1\n\t"                                                     \
				 ".balign 16\n"                                                    \
				 "1:\n\t"                                                          \
				 ".set .Lvec_imm, 0\n\t"                                           \
				 ".rept 32\n\tv" #name " $.Lvec_imm,%%xmm1,%%xmm0,%%xmm0\n\t"      \
				 "jmp 2f\n\t"                                                      \
				 ".balign 16\n\t"                                                  \
				 ".set .Lvec_imm, .Lvec_imm + 1\n\t"                               \
				 ".endr\n"                                                         \
				 "2:\tmovdqa %%xmm0,%0"                                            \
				 : "+m"(*d), "+r"(t)                                               \
				 : "m"(*s)                                                         \
				 : "xmm0", "xmm1", "rcx");                                         \
	}                                                                                          \
	FP_IMM_AVX_V(name, kind, src, size)
#define FP_IMM_AVX_V(name, kind, src, size)                                                        \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		avx_fp_imm(c, in, k_v##name, 31, kind, src, size);                                 \
	}                                                                                          \
	SEM_ONE(v##name)
VCMP(cmpps, FP_NONE, 2, 0)
VCMP(cmppd, FP_NONE, 2, 0)
VCMP(cmpss, FP_NONE, 2, 4)
VCMP(cmpsd, FP_NONE, 2, 8)

/* ---- compares to EFLAGS ---- */

#define COMI(name, size)                                                                           \
	static ALWAYS_INLINE void cmp_##name(struct cpu *c, const struct insn *in)                 \
	{                                                                                          \
		union vec t;                                                                       \
		const union vec *s = vec_src(c, in, 1, &t, size, false);                           \
		bool zf, pf, cf;                                                                   \
		uint32_t flags;                                                                    \
                                                                                                   \
		fp_begin(c);                                                                       \
		__asm__ volatile("movdqa %3,%%xmm0\n\t" #name " %4,%%xmm0"                         \
				 : "=@ccz"(zf), "=@ccp"(pf), "=@ccc"(cf)                           \
				 : "m"(*xmm_reg(c, in->reg[0])), "m"(s->l[0])                      \
				 : "xmm0");                                                        \
		flags = fp_end();                                                                  \
		fp_done(c, flags, FP_NONE, NULL, 0);                                               \
		flags_set_arith(c, (zf ? FL_ZF : 0) | (pf ? FL_PF : 0) | (cf ? FL_CF : 0));        \
	}                                                                                          \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_check(c);                                                                      \
		cmp_##name(c, in);                                                                 \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		avx_check(c);                                                                      \
		cmp_##name(c, in);                                                                 \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)
COMI(comiss, 4)
COMI(comisd, 8)
COMI(ucomiss, 4)
COMI(ucomisd, 8)
