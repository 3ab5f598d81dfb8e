/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AVX and AVX2 broadcasts, permutations, 128-bit inserts and extracts, variable shifts. */
#include "cpu/x86/sem/simd.h"

/* ---- broadcasts; from a register they came with AVX2 ---- */

static ALWAYS_INLINE void
broadcast(struct cpu *c, const struct insn *in, unsigned size)
{
	union vec t, r = { .q = { 0 } };
	const union vec *s;

	avx_check(c);
	if (in->kind[1] != OPD_MEM && unlikely(!model_has(c->model, FEAT_AVX2)))
		cpu_raise_ud(c);
	s = vec_src(c, in, 1, &t, size, false);
	for (unsigned i = 0; i < (in->vl ? 32 : 16); i += size)
		memcpy(r.b + i, s->b, size);
	*vec_reg(c, in->reg[0]) = r;
}
#define BROADCAST(name, size)                                                                      \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		broadcast(c, in, size);                                                            \
	}                                                                                          \
	SEM_ONE(name)
BROADCAST(vbroadcastss, 4)
BROADCAST(vbroadcastsd, 8)
BROADCAST(vbroadcastf128, 16)
BROADCAST(vbroadcasti128, 16)
BROADCAST(vpbroadcastb, 1)
BROADCAST(vpbroadcastw, 2)
BROADCAST(vpbroadcastd, 4)
BROADCAST(vpbroadcastq, 8)

/* ---- 128-bit halves ---- */

/* a nibble of the immediate: bits 1:0 the half, bit 3 zero */
static ALWAYS_INLINE struct lane
choose_half(const union vec *a, const union vec *b, unsigned n)
{
	if (n & 8)
		return (struct lane){ { 0, 0 } };
	return (n & 2 ? b : a)->l[n & 1];
}
static void
do_vperm2f128(struct cpu *c, const struct insn *in)
{
	union vec t, r;
	const union vec *a = vec_reg(c, in->reg[1]), *b;

	avx_check(c);
	b = avx_src(c, in, 2, &t);
	r.l[0] = choose_half(a, b, in->imm & 15);
	r.l[1] = choose_half(a, b, in->imm >> 4 & 15);
	*vec_reg(c, in->reg[0]) = r;
}
SEM_ONE(vperm2f128)
SEM_FN(vperm2i128, do_vperm2f128)

static void
do_vinsertf128(struct cpu *c, const struct insn *in)
{
	union vec t, r;
	const union vec *s;

	avx_check(c);
	s = vec_src(c, in, 2, &t, 16, false);
	r = *vec_reg(c, in->reg[1]);
	r.l[in->imm & 1] = s->l[0];
	*vec_reg(c, in->reg[0]) = r;
}
SEM_ONE(vinsertf128)
SEM_FN(vinserti128, do_vinsertf128)

static void
do_vextractf128(struct cpu *c, const struct insn *in)
{
	struct lane v;

	avx_check(c);
	v = vec_reg(c, in->reg[1])->l[in->imm & 1];
	if (in->kind[0] == OPD_MEM)
		vec_store(c, in, &v, 16, false);
	else
		avx_put128(c, in->reg[0], &v);
}
SEM_ONE(vextractf128)
SEM_FN(vextracti128, do_vextractf128)

/* ---- permutations over the whole register ---- */

static void
do_vpermd(struct cpu *c, const struct insn *in)
{
	union vec t, r;
	const union vec *x = vec_reg(c, in->reg[1]), *s;

	avx_check(c);
	s = avx_src(c, in, 2, &t);
	for (unsigned i = 0; i < 8; i++)
		r.d[i] = s->d[x->d[i] & 7];
	*vec_reg(c, in->reg[0]) = r;
}
SEM_ONE(vpermd)
SEM_FN(vpermps, do_vpermd)

static void
do_vpermq(struct cpu *c, const struct insn *in)
{
	union vec t, r;
	const union vec *s;

	avx_check(c);
	s = avx_src(c, in, 1, &t);
	for (unsigned i = 0; i < 4; i++)
		r.q[i] = s->q[in->imm >> i * 2 & 3];
	*vec_reg(c, in->reg[0]) = r;
}
SEM_ONE(vpermq)
SEM_FN(vpermpd, do_vpermq)

/* ---- element by element: r[i] = f(a, b, i) ---- */

#define ELEMENTS(name, elem, expr)                                                                 \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		union vec t, r = { .q = { 0 } };                                                   \
		const union vec *a = vec_reg(c, in->reg[1]), *b;                                   \
                                                                                                   \
		avx_check(c);                                                                      \
		b = avx_src(c, in, 2, &t);                                                         \
		for (unsigned i = 0; i < (in->vl ? 32 : 16) / sizeof(r.elem[0]); i++)              \
			r.elem[i] = expr;                                                          \
		*vec_reg(c, in->reg[0]) = r;                                                       \
	}                                                                                          \
	SEM_ONE(name)

/* inside a lane */
ELEMENTS(vpermilps, d, a->d[(i & 4) | (b->d[i] & 3)])
ELEMENTS(vpermilpd, q, a->q[(i & 2) | (b->q[i] >> 1 & 1)])
ELEMENTS(vpsllvd, d, b->d[i] > 31 ? 0 : a->d[i] << b->d[i])
ELEMENTS(vpsllvq, q, b->q[i] > 63 ? 0 : a->q[i] << b->q[i])
ELEMENTS(vpsrlvd, d, b->d[i] > 31 ? 0 : a->d[i] >> b->d[i])
ELEMENTS(vpsrlvq, q, b->q[i] > 63 ? 0 : a->q[i] >> b->q[i])
ELEMENTS(vpsravd, d, (uint32_t)((int32_t)a->d[i] >> (b->d[i] > 31 ? 31 : b->d[i])))
