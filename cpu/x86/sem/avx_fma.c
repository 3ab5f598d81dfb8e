/* SPDX-License-Identifier: GPL-2.0-or-later */
/* FMA3: one host instruction a lane; a host without it has no guest with it. */
#include "cpu/x86/sem/simd.h"

/* d is the first operand, in and out. */
typedef void fma_kernel(struct lane *d, const struct lane *h, const struct lane *s);

#define FMA_KERNEL(name)                                                                           \
	static ALWAYS_INLINE void k_##name(                                                        \
	    struct lane *d, const struct lane *h, const struct lane *s)                            \
	{                                                                                          \
		__asm__ volatile("movdqa %0,%%xmm0\n\tmovdqa %1,%%xmm1\n\t" #name                  \
				 " %2,%%xmm1,%%xmm0\n\tmovdqa %%xmm0,%0"                           \
				 : "+m"(*d)                                                        \
				 : "m"(*h), "m"(*s)                                                \
				 : "xmm0", "xmm1");                                                \
	}

static ALWAYS_INLINE void
fma_packed(struct cpu *c, const struct insn *in, fma_kernel *k, enum fp_result kind)
{
	union vec t, r;
	const union vec *s, *h = vec_reg(c, in->reg[1]);
	uint32_t flags;

	avx_check(c);
	s = avx_src(c, in, 2, &t);
	r = *vec_reg(c, in->reg[0]);
	if (!in->vl)
		r.l[1] = (struct lane){ { 0, 0 } };
	fp_begin(c);
	k(&r.l[0], &h->l[0], &s->l[0]);
	if (in->vl)
		k(&r.l[1], &h->l[1], &s->l[1]);
	flags = fp_end();
	fp_done(c, flags, kind, r.l, in->vl + 1u);
	*vec_reg(c, in->reg[0]) = r;
}
static ALWAYS_INLINE void
fma_scalar(struct cpu *c, const struct insn *in, fma_kernel *k, enum fp_result kind, unsigned size)
{
	union vec t;
	const union vec *s;
	struct lane r;
	uint32_t flags;

	avx_check(c);
	s = vec_src(c, in, 2, &t, size, false);
	r = *xmm_reg(c, in->reg[0]);
	fp_begin(c);
	k(&r, xmm_reg(c, in->reg[1]), &s->l[0]);
	flags = fp_end();
	fp_done(c, flags, kind, &r, 1);
	avx_put128(c, in->reg[0], &r);
}

#define FMA_PACKED(name, kind)                                                                     \
	FMA_KERNEL(name)                                                                           \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		fma_packed(c, in, k_##name, kind);                                                 \
	}                                                                                          \
	SEM_ONE(name)
#define FMA_SCALAR(name, kind, size)                                                               \
	FMA_KERNEL(name)                                                                           \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		fma_scalar(c, in, k_##name, kind, size);                                           \
	}                                                                                          \
	SEM_ONE(name)
#define FMA_BOTH(name)                                                                             \
	FMA_PACKED(name##ps, FP_PS)                                                                \
	FMA_PACKED(name##pd, FP_PD)
#define FMA_FOUR(name)                                                                             \
	FMA_BOTH(name)                                                                             \
	FMA_SCALAR(name##ss, FP_SS, 4)                                                             \
	FMA_SCALAR(name##sd, FP_SD, 8)

FMA_FOUR(vfmadd132)
FMA_FOUR(vfmadd213)
FMA_FOUR(vfmadd231)
FMA_FOUR(vfmsub132)
FMA_FOUR(vfmsub213)
FMA_FOUR(vfmsub231)
FMA_FOUR(vfnmadd132)
FMA_FOUR(vfnmadd213)
FMA_FOUR(vfnmadd231)
FMA_FOUR(vfnmsub132)
FMA_FOUR(vfnmsub213)
FMA_FOUR(vfnmsub231)
FMA_BOTH(vfmaddsub132)
FMA_BOTH(vfmaddsub213)
FMA_BOTH(vfmaddsub231)
FMA_BOTH(vfmsubadd132)
FMA_BOTH(vfmsubadd213)
FMA_BOTH(vfmsubadd231)
