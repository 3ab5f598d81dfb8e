/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shuffles, blends, inserts and extracts with an immediate, and the widening moves.  The
 * host wants immediates as constants, so these are computed here, by lanes.
 */
#include "cpu/x86/sem/mmx.h"
#include "cpu/x86/sem/simd.h"

typedef void shuffle_fn(struct lane *d, const struct lane *s, unsigned imm);

static ALWAYS_INLINE uint32_t
get_d(const struct lane *l, unsigned i)
{
	return (uint32_t)(l->q[i >> 1] >> (i & 1) * 32);
}
static ALWAYS_INLINE uint64_t
pair(uint32_t lo, uint32_t hi)
{
	return lo | (uint64_t)hi << 32;
}
static ALWAYS_INLINE uint64_t
words4(uint64_t s, unsigned imm)
{
	uint64_t r = 0;

	for (unsigned i = 0; i < 4; i++)
		r |= (uint64_t)(uint16_t)(s >> (imm >> i * 2 & 3) * 16) << i * 16;
	return r;
}

/* ---- kernels: d is the first source and the destination ---- */

static ALWAYS_INLINE void
k_pshufd(struct lane *d, const struct lane *s, unsigned imm)
{
	uint64_t lo = pair(get_d(s, imm & 3), get_d(s, imm >> 2 & 3));

	d->q[1] = pair(get_d(s, imm >> 4 & 3), get_d(s, imm >> 6 & 3));
	d->q[0] = lo;
}
static ALWAYS_INLINE void
k_pshuflw(struct lane *d, const struct lane *s, unsigned imm)
{
	d->q[0] = words4(s->q[0], imm);
	d->q[1] = s->q[1];
}
static ALWAYS_INLINE void
k_pshufhw(struct lane *d, const struct lane *s, unsigned imm)
{
	d->q[0] = s->q[0];
	d->q[1] = words4(s->q[1], imm);
}
static ALWAYS_INLINE void
k_shufps(struct lane *d, const struct lane *s, unsigned imm)
{
	uint64_t lo = pair(get_d(d, imm & 3), get_d(d, imm >> 2 & 3));

	d->q[1] = pair(get_d(s, imm >> 4 & 3), get_d(s, imm >> 6 & 3));
	d->q[0] = lo;
}
static ALWAYS_INLINE void
k_shufpd(struct lane *d, const struct lane *s, unsigned imm)
{
	uint64_t lo = d->q[imm & 1];

	d->q[1] = s->q[imm >> 1 & 1];
	d->q[0] = lo;
}
static ALWAYS_INLINE void
k_palignr(struct lane *d, const struct lane *s, unsigned imm)
{
	uint8_t t[64] = { 0 };

	if (imm > 32)
		imm = 32;
	memcpy(t, s, 16);
	memcpy(t + 16, d, 16);
	memcpy(d, t + imm, 16);
}
static ALWAYS_INLINE void
k_pslldq(struct lane *d, const struct lane *s, unsigned imm)
{
	uint8_t t[32] = { 0 };

	memcpy(t + 16, s, 16);
	memcpy(d, t + 16 - (imm > 16 ? 16 : imm), 16);
}
static ALWAYS_INLINE void
k_psrldq(struct lane *d, const struct lane *s, unsigned imm)
{
	uint8_t t[32] = { 0 };

	memcpy(t, s, 16);
	memcpy(d, t + (imm > 16 ? 16 : imm), 16);
}
static ALWAYS_INLINE void
k_blendpd(struct lane *d, const struct lane *s, unsigned imm)
{
	if (imm & 1)
		d->q[0] = s->q[0];
	if (imm & 2)
		d->q[1] = s->q[1];
}
static ALWAYS_INLINE void
k_blendps(struct lane *d, const struct lane *s, unsigned imm)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t m = (imm >> i * 2 & 1 ? 0xffffffffull : 0) |
		             (imm >> i * 2 & 2 ? 0xffffffffull << 32 : 0);

		d->q[i] = (d->q[i] & ~m) | (s->q[i] & m);
	}
}
static ALWAYS_INLINE void
k_pblendw(struct lane *d, const struct lane *s, unsigned imm)
{
	for (unsigned i = 0; i < 8; i++) {
		if (imm >> i & 1)
			memcpy((uint8_t *)d + i * 2, (const uint8_t *)s + i * 2, 2);
	}
}
static ALWAYS_INLINE void
k_permilpd(struct lane *d, const struct lane *s, unsigned imm)
{
	*d = (struct lane){ { s->q[imm & 1], s->q[imm >> 1 & 1] } };
}

/* ---- handlers ---- */

static ALWAYS_INLINE void
sse_shuffle(struct cpu *c, const struct insn *in, shuffle_fn *k)
{
	union vec t;
	const union vec *s;

	sse_check(c);
	s = vec_src(c, in, 1, &t, 16, true);
	k(xmm_reg(c, in->reg[0]), &s->l[0], (uint8_t)in->imm);
}
/* src: number of the last source; step: immediate bits that the lower lane uses up */
static ALWAYS_INLINE void
avx_shuffle(
    struct cpu *c, const struct insn *in, shuffle_fn *k, unsigned src, unsigned step, bool is_int)
{
	union vec t, r;
	const union vec *s;

	if (is_int)
		avx_check_int(c, in);
	else
		avx_check(c);
	s = avx_src(c, in, src, &t);
	r = *vec_reg(c, in->reg[1]);
	k(&r.l[0], &s->l[0], (uint8_t)in->imm);
	if (in->vl)
		k(&r.l[1], &s->l[1], (uint8_t)in->imm >> step);
	else
		r.l[1] = (struct lane){ { 0, 0 } };
	*vec_reg(c, in->reg[0]) = r;
}
#define SHUFFLE_AVX(op, k, src, step, is_int)                                                      \
	static void do_##op(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		avx_shuffle(c, in, k, src, step, is_int);                                          \
	}                                                                                          \
	SEM_ONE(op)
#define SHUFFLE(name, src, step, is_int)                                                           \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_shuffle(c, in, k_##name);                                                      \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SHUFFLE_AVX(v##name, k_##name, src, step, is_int)

SHUFFLE(pshufd, 1, 0, true)
SHUFFLE(pshuflw, 1, 0, true)
SHUFFLE(pshufhw, 1, 0, true)
SHUFFLE(shufps, 2, 0, false)
SHUFFLE(shufpd, 2, 2, false)
SHUFFLE(palignr, 2, 0, true)
SHUFFLE(blendps, 2, 4, false)
SHUFFLE(blendpd, 2, 2, false)
SHUFFLE(pblendw, 2, 0, true)
SHUFFLE_AVX(vpblendd, k_blendps, 2, 4, true)
SHUFFLE_AVX(vpermilps_i, k_pshufd, 1, 0, false)
SHUFFLE_AVX(vpermilpd_i, k_permilpd, 1, 2, false)

/* PSLLDQ's only operand is source and destination. */
#define SHIFT_BYTES(name)                                                                          \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		struct lane *d = xmm_reg(c, in->reg[0]);                                           \
                                                                                                   \
		sse_check(c);                                                                      \
		k_##name(d, d, (uint8_t)in->imm);                                                  \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SHUFFLE_AVX(v##name, k_##name, 1, 0, true)
SHIFT_BYTES(pslldq)
SHIFT_BYTES(psrldq)

static void
do_pshufw(struct cpu *c, const struct insn *in)
{
	if (!mmx_ready(c))
		return;
	mmx_put(c, in->reg[0], words4(mmx_src(c, in, 1, 8), (uint8_t)in->imm));
}
SEM_ONE(pshufw)
static void
do_mmx_palignr(struct cpu *c, const struct insn *in)
{
	uint8_t t[32] = { 0 };
	unsigned n = in->imm > 16 ? 16 : (unsigned)in->imm;

	if (!mmx_ready(c))
		return;
	put_le64(t, mmx_src(c, in, 1, 8));
	put_le64(t + 8, mmx_get(c, in->reg[0]));
	mmx_put(c, in->reg[0], get_le64(t + n));
}
SEM_ONE(mmx_palignr)

/* ---- variable blends: the mask is XMM0, or the fourth operand with VEX ---- */

#define VARIABLE_BLEND(name)                                                                       \
	static ALWAYS_INLINE void k_##name(                                                        \
	    struct lane *d, const struct lane *s, const struct lane *m)                            \
	{                                                                                          \
		__asm__ volatile("movdqa %0,%%xmm1\n\tmovdqa %2,%%xmm0\n\t" #name                  \
				 " %%xmm0,%1,%%xmm1\n\tmovdqa %%xmm1,%0"                           \
				 : "+m"(*d)                                                        \
				 : "m"(*s), "m"(*m)                                                \
				 : "xmm0", "xmm1");                                                \
	}                                                                                          \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		union vec t;                                                                       \
		const union vec *s;                                                                \
                                                                                                   \
		sse_check(c);                                                                      \
		s = vec_src(c, in, 1, &t, 16, true);                                               \
		k_##name(xmm_reg(c, in->reg[0]), &s->l[0], xmm_reg(c, 0));                         \
	}                                                                                          \
	SEM_ONE(name)
#define AVX_VARIABLE_BLEND(name, check)                                                            \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		union vec t, r;                                                                    \
		const union vec *s, *m = vec_reg(c, in->reg[3]);                                   \
                                                                                                   \
		check;                                                                             \
		s = avx_src(c, in, 2, &t);                                                         \
		r = *vec_reg(c, in->reg[1]);                                                       \
		k_##name(&r.l[0], &s->l[0], &m->l[0]);                                             \
		if (in->vl)                                                                        \
			k_##name(&r.l[1], &s->l[1], &m->l[1]);                                     \
		else                                                                               \
			r.l[1] = (struct lane){ { 0, 0 } };                                        \
		*vec_reg(c, in->reg[0]) = r;                                                       \
	}                                                                                          \
	SEM_ONE(v##name)
VARIABLE_BLEND(pblendvb)
VARIABLE_BLEND(blendvps)
VARIABLE_BLEND(blendvpd)
AVX_VARIABLE_BLEND(pblendvb, avx_check_int(c, in))
AVX_VARIABLE_BLEND(blendvps, avx_check(c))
AVX_VARIABLE_BLEND(blendvpd, avx_check(c))

/* ---- PMOVSX, PMOVZX: from the low `from` bytes of a lane ---- */

#define WIDEN(name, from)                                                                          \
	VEC_KERNEL(name)                                                                           \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		union vec t;                                                                       \
		const union vec *s;                                                                \
                                                                                                   \
		sse_check(c);                                                                      \
		s = vec_src(c, in, 1, &t, from, false);                                            \
		k_##name(xmm_reg(c, in->reg[0]), &s->l[0]);                                        \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		union vec t, r = { .q = { 0 } };                                                   \
		const union vec *s;                                                                \
		struct lane hi = { { 0, 0 } };                                                     \
                                                                                                   \
		avx_check_int(c, in);                                                              \
		if (in->vl) {                                                                      \
			s = vec_src(c, in, 1, &t, from * 2, false);                                \
			memcpy(&hi, s->b + from, from);                                            \
			k_##name(&r.l[1], &hi);                                                    \
		} else {                                                                           \
			s = vec_src(c, in, 1, &t, from, false);                                    \
		}                                                                                  \
		k_##name(&r.l[0], &s->l[0]);                                                       \
		*vec_reg(c, in->reg[0]) = r;                                                       \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)
WIDEN(pmovsxbw, 8)
WIDEN(pmovsxbd, 4)
WIDEN(pmovsxbq, 2)
WIDEN(pmovsxwd, 8)
WIDEN(pmovsxwq, 4)
WIDEN(pmovsxdq, 8)
WIDEN(pmovzxbw, 8)
WIDEN(pmovzxbd, 4)
WIDEN(pmovzxbq, 2)
WIDEN(pmovzxwd, 8)
WIDEN(pmovzxwq, 4)
WIDEN(pmovzxdq, 8)

/* ---- inserts: element `size` from a register's low bits or memory ---- */

static ALWAYS_INLINE uint64_t
element_src(struct cpu *c, const struct insn *in, unsigned k, unsigned size)
{
	if (in->kind[k] == OPD_MEM)
		return insn_load(c, in, size);
	return c->gpr[in->reg[k]];
}
static ALWAYS_INLINE void
put_element(struct lane *d, unsigned imm, unsigned size, uint64_t v)
{
	memcpy((uint8_t *)d + (imm & (16 / size - 1)) * size, &v, size);
}
static ALWAYS_INLINE uint64_t
get_element(const struct lane *s, unsigned imm, unsigned size)
{
	return get_le((const uint8_t *)s + (imm & (16 / size - 1)) * size, size);
}
#define PINSR(name, size)                                                                          \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		uint64_t v;                                                                        \
                                                                                                   \
		sse_check(c);                                                                      \
		v = element_src(c, in, 1, size);                                                   \
		put_element(xmm_reg(c, in->reg[0]), (unsigned)in->imm, size, v);                   \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		struct lane r;                                                                     \
		uint64_t v;                                                                        \
                                                                                                   \
		avx_check(c);                                                                      \
		v = element_src(c, in, 2, size);                                                   \
		r = *xmm_reg(c, in->reg[1]);                                                       \
		put_element(&r, (unsigned)in->imm, size, v);                                       \
		avx_put128(c, in->reg[0], &r);                                                     \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)
PINSR(pinsrb, 1)
PINSR(pinsrw, 2)
PINSR(pinsrd, in->osize == 3 ? 8 : 4)

static void
do_mmx_pinsrw(struct cpu *c, const struct insn *in)
{
	uint64_t v, d;
	unsigned sh = (in->imm & 3) * 16;

	if (!mmx_ready(c))
		return;
	v = (uint16_t)element_src(c, in, 1, 2);
	d = mmx_get(c, in->reg[0]);
	mmx_put(c, in->reg[0], (d & ~(0xffffull << sh)) | v << sh);
}
SEM_ONE(mmx_pinsrw)

/* ---- extracts: zero-extended to a register, exact in memory ---- */

static ALWAYS_INLINE void
extract(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = get_element(xmm_reg(c, in->reg[1]), (unsigned)in->imm, size);

	if (in->kind[0] == OPD_MEM)
		insn_store(c, in, size, v);
	else
		c->gpr[in->reg[0]] = v;
}
#define PEXTR(name, size)                                                                          \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_check(c);                                                                      \
		extract(c, in, size);                                                              \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		avx_check(c);                                                                      \
		extract(c, in, size);                                                              \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)
PEXTR(pextrb, 1)
PEXTR(pextrw, 2)
PEXTR(pextrw_m, 2)
PEXTR(extractps, 4)
PEXTR(pextrd, in->osize == 3 ? 8 : 4)

static void
do_mmx_pextrw(struct cpu *c, const struct insn *in)
{
	if (!mmx_ready(c))
		return;
	mmx_enter(c);
	c->gpr[in->reg[0]] = (uint16_t)(mmx_get(c, in->reg[1]) >> (in->imm & 3) * 16);
}
SEM_ONE(mmx_pextrw)

/* imm: 7:6 source element (0 in memory), 5:4 destination, 3:0 elements to clear */
static ALWAYS_INLINE void
insert_single(struct cpu *c, const struct insn *in, unsigned k, struct lane *r)
{
	unsigned imm = (uint8_t)in->imm;
	uint32_t v;

	if (in->kind[k] == OPD_MEM)
		v = (uint32_t)insn_load(c, in, 4);
	else
		v = get_d(xmm_reg(c, in->reg[k]), imm >> 6);
	put_element(r, imm >> 4, 4, v);
	for (unsigned i = 0; i < 4; i++) {
		if (imm >> i & 1)
			put_element(r, i, 4, 0);
	}
}
static void
do_insertps(struct cpu *c, const struct insn *in)
{
	struct lane r;

	sse_check(c);
	r = *xmm_reg(c, in->reg[0]);
	insert_single(c, in, 1, &r);
	*xmm_reg(c, in->reg[0]) = r;
}
SEM_ONE(insertps)
static void
do_vinsertps(struct cpu *c, const struct insn *in)
{
	struct lane r;

	avx_check(c);
	r = *xmm_reg(c, in->reg[1]);
	insert_single(c, in, 2, &r);
	avx_put128(c, in->reg[0], &r);
}
SEM_ONE(vinsertps)
