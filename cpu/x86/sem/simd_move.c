/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SSE to SSE3 moves of whole vectors and of parts; SDM 2 MOV*. */
#include "cpu/x86/sem/simd.h"

/* ---- whole vectors ---- */

static void
mov_rr(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	*xmm_reg(c, in->reg[0]) = *xmm_reg(c, in->reg[1]);
}
static void
mova_rm(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	vec_load(c, in, xmm_reg(c, in->reg[0]), 16, true);
}
static void
mova_mr(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	vec_store(c, in, xmm_reg(c, in->reg[1]), 16, true);
}
/* A load that crosses a page may fault half-way: into a temporary first. */
static void
movu_rm(struct cpu *c, const struct insn *in)
{
	struct lane t;

	sse_check(c);
	vec_load(c, in, &t, 16, false);
	*xmm_reg(c, in->reg[0]) = t;
}
static void
movu_mr(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	vec_store(c, in, xmm_reg(c, in->reg[1]), 16, false);
}

SEM_MOVE(movaps, mov_rr, mova_rm, mova_mr)
SEM_MOVE(movapd, mov_rr, mova_rm, mova_mr)
SEM_MOVE(movdqa, mov_rr, mova_rm, mova_mr)
SEM_MOVE(movups, mov_rr, movu_rm, movu_mr)
SEM_MOVE(movupd, mov_rr, movu_rm, movu_mr)
SEM_MOVE(movdqu, mov_rr, movu_rm, movu_mr)
SEM_MOVE(movntps, mov_rr, mova_rm, mova_mr)
SEM_MOVE(movntpd, mov_rr, mova_rm, mova_mr)
SEM_MOVE(movntdq, mov_rr, mova_rm, mova_mr)
SEM_MOVE(movntdqa, mov_rr, mova_rm, mova_mr)
SEM_MOVE(lddqu, mov_rr, movu_rm, movu_mr)

static ALWAYS_INLINE void
avx_rr(struct cpu *c, const struct insn *in)
{
	avx_check(c);
	if (in->vl)
		*vec_reg(c, in->reg[0]) = *vec_reg(c, in->reg[1]);
	else
		avx_put128(c, in->reg[0], xmm_reg(c, in->reg[1]));
}
static ALWAYS_INLINE void
avx_rm(struct cpu *c, const struct insn *in, bool aligned)
{
	union vec t;

	avx_check(c);
	if (in->vl) {
		vec_load(c, in, &t, 32, aligned);
		*vec_reg(c, in->reg[0]) = t;
	} else {
		vec_load(c, in, &t, 16, aligned);
		avx_put128(c, in->reg[0], &t.l[0]);
	}
}
static ALWAYS_INLINE void
avx_mr(struct cpu *c, const struct insn *in, bool aligned)
{
	avx_check(c);
	if (in->vl)
		vec_store(c, in, vec_reg(c, in->reg[1]), 32, aligned);
	else
		vec_store(c, in, vec_reg(c, in->reg[1]), 16, aligned);
}
static void
vmov_rr(struct cpu *c, const struct insn *in)
{
	avx_rr(c, in);
}
static void
vmova_rm(struct cpu *c, const struct insn *in)
{
	avx_rm(c, in, true);
}
static void
vmova_mr(struct cpu *c, const struct insn *in)
{
	avx_mr(c, in, true);
}
static void
vmovu_rm(struct cpu *c, const struct insn *in)
{
	avx_rm(c, in, false);
}
static void
vmovu_mr(struct cpu *c, const struct insn *in)
{
	avx_mr(c, in, false);
}
static void
vmovntdqa_rm(struct cpu *c, const struct insn *in)
{
	avx_check_int(c, in);
	avx_rm(c, in, true);
}

SEM_MOVE(vmovaps, vmov_rr, vmova_rm, vmova_mr)
SEM_MOVE(vmovapd, vmov_rr, vmova_rm, vmova_mr)
SEM_MOVE(vmovdqa, vmov_rr, vmova_rm, vmova_mr)
SEM_MOVE(vmovups, vmov_rr, vmovu_rm, vmovu_mr)
SEM_MOVE(vmovupd, vmov_rr, vmovu_rm, vmovu_mr)
SEM_MOVE(vmovdqu, vmov_rr, vmovu_rm, vmovu_mr)
SEM_MOVE(vmovntps, vmov_rr, vmova_rm, vmova_mr)
SEM_MOVE(vmovntpd, vmov_rr, vmova_rm, vmova_mr)
SEM_MOVE(vmovntdq, vmov_rr, vmova_rm, vmova_mr)
SEM_MOVE(vmovntdqa, vmov_rr, vmovntdqa_rm, vmova_mr)
SEM_MOVE(vlddqu, vmov_rr, vmovu_rm, vmovu_mr)

/* ---- scalars: loads clear the rest, register moves keep it ---- */

#define SCALAR_MOVE(op, vop, size, elem)                                                           \
	static void op##_rr(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(c);                                                                      \
		vec_reg(c, in->reg[0])->elem[0] = vec_reg(c, in->reg[1])->elem[0];                 \
	}                                                                                          \
	static void op##_rm(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(c);                                                                      \
		vec_load(c, in, xmm_reg(c, in->reg[0]), size, false);                              \
	}                                                                                          \
	static void op##_mr(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(c);                                                                      \
		vec_store(c, in, xmm_reg(c, in->reg[1]), size, false);                             \
	}                                                                                          \
	static void vop##_rm(struct cpu *c, const struct insn *in)                                 \
	{                                                                                          \
		struct lane t;                                                                     \
                                                                                                   \
		avx_check(c);                                                                      \
		vec_load(c, in, &t, size, false);                                                  \
		avx_put128(c, in->reg[0], &t);                                                     \
	}                                                                                          \
	static void vop##_mr(struct cpu *c, const struct insn *in)                                 \
	{                                                                                          \
		avx_check(c);                                                                      \
		vec_store(c, in, xmm_reg(c, in->reg[1]), size, false);                             \
	}                                                                                          \
	static void do_##vop##_r(struct cpu *c, const struct insn *in)                             \
	{                                                                                          \
		union vec t;                                                                       \
                                                                                                   \
		avx_check(c);                                                                      \
		t.l[0] = *xmm_reg(c, in->reg[1]);                                                  \
		t.elem[0] = vec_reg(c, in->reg[2])->elem[0];                                       \
		avx_put128(c, in->reg[0], &t.l[0]);                                                \
	}                                                                                          \
	SEM_MOVE(op, op##_rr, op##_rm, op##_mr)                                                    \
	SEM_MOVE(vop, vop##_rm, vop##_rm, vop##_mr)                                                \
	SEM_ONE(vop##_r)

SCALAR_MOVE(movss, vmovss, 4, d)
SCALAR_MOVE(movsd_x, vmovsd, 8, q)

static void
movq_rr(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	*xmm_reg(c, in->reg[0]) = (struct lane){ { xmm_reg(c, in->reg[1])->q[0], 0 } };
}
SEM_MOVE(movq, movq_rr, movsd_x_rm, movsd_x_mr)

static void
vmovq_rr(struct cpu *c, const struct insn *in)
{
	avx_check(c);
	avx_put128(c, in->reg[0], &(struct lane){ { xmm_reg(c, in->reg[1])->q[0], 0 } });
}
SEM_MOVE(vmovq, vmovq_rr, vmovsd_rm, vmovsd_mr)

/* ---- general registers ---- */

static ALWAYS_INLINE struct lane
gpr_or_mem(struct cpu *c, const struct insn *in, unsigned k)
{
	unsigned size = in->osize == 3 ? 8 : 4;

	if (in->kind[k] == OPD_MEM)
		return (struct lane){ { insn_load(c, in, size), 0 } };
	return (struct lane){ { reg_get(c, in->reg[k], size), 0 } };
}
static ALWAYS_INLINE void
put_gpr_or_mem(struct cpu *c, const struct insn *in, uint64_t v)
{
	unsigned size = in->osize == 3 ? 8 : 4;

	if (in->kind[0] == OPD_MEM)
		insn_store(c, in, size, v);
	else
		reg_set(c, in->reg[0], size, v);
}

static void
do_movd(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	*xmm_reg(c, in->reg[0]) = gpr_or_mem(c, in, 1);
}
SEM_ONE(movd)
static void
do_movd_store(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	put_gpr_or_mem(c, in, xmm_reg(c, in->reg[1])->q[0]);
}
SEM_ONE(movd_store)
static void
do_vmovd(struct cpu *c, const struct insn *in)
{
	struct lane t;

	avx_check(c);
	t = gpr_or_mem(c, in, 1);
	avx_put128(c, in->reg[0], &t);
}
SEM_ONE(vmovd)
static void
do_vmovd_store(struct cpu *c, const struct insn *in)
{
	avx_check(c);
	put_gpr_or_mem(c, in, xmm_reg(c, in->reg[1])->q[0]);
}
SEM_ONE(vmovd_store)

/* ---- halves ---- */

/* dst.q[to] = src.q[from]; memory is 8 bytes, always to or from that half */
#define HALF_MOVE(op, vop, half)                                                                   \
	static void op##_rm(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(c);                                                                      \
		xmm_reg(c, in->reg[0])->q[half] = insn_load(c, in, 8);                             \
	}                                                                                          \
	static void op##_mr(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(c);                                                                      \
		insn_store(c, in, 8, xmm_reg(c, in->reg[1])->q[half]);                             \
	}                                                                                          \
	static void do_##vop(struct cpu *c, const struct insn *in)                                 \
	{                                                                                          \
		struct lane t;                                                                     \
                                                                                                   \
		avx_check(c);                                                                      \
		t = *xmm_reg(c, in->reg[1]);                                                       \
		t.q[half] = insn_load(c, in, 8);                                                   \
		avx_put128(c, in->reg[0], &t);                                                     \
	}                                                                                          \
	static void do_##vop##_store(struct cpu *c, const struct insn *in)                         \
	{                                                                                          \
		avx_check(c);                                                                      \
		insn_store(c, in, 8, xmm_reg(c, in->reg[1])->q[half]);                             \
	}                                                                                          \
	SEM_MOVE(op, op##_rm, op##_rm, op##_mr)                                                    \
	SEM_ONE(vop)                                                                               \
	SEM_ONE(vop##_store)

HALF_MOVE(movlps, vmovlps, 0)
HALF_MOVE(movlpd, vmovlpd, 0)
HALF_MOVE(movhps, vmovhps, 1)
HALF_MOVE(movhpd, vmovhpd, 1)

#define HALF_REG(op, to, from)                                                                     \
	static void do_##op(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(c);                                                                      \
		xmm_reg(c, in->reg[0])->q[to] = xmm_reg(c, in->reg[1])->q[from];                   \
	}                                                                                          \
	static void do_v##op(struct cpu *c, const struct insn *in)                                 \
	{                                                                                          \
		struct lane t;                                                                     \
                                                                                                   \
		avx_check(c);                                                                      \
		t = *xmm_reg(c, in->reg[1]);                                                       \
		t.q[to] = xmm_reg(c, in->reg[2])->q[from];                                         \
		avx_put128(c, in->reg[0], &t);                                                     \
	}                                                                                          \
	SEM_ONE(op)                                                                                \
	SEM_ONE(v##op)

HALF_REG(movhlps, 0, 1)
HALF_REG(movlhps, 1, 0)

/* ---- SSE3 duplications ---- */

static ALWAYS_INLINE void
dup_singles(struct lane *d, const struct lane *s, unsigned odd)
{
	for (unsigned i = 0; i < 2; i++) {
		uint64_t v = odd ? s->q[i] >> 32 : (uint32_t)s->q[i];

		d->q[i] = v | v << 32;
	}
}
#define DUP_SINGLES(op, odd)                                                                       \
	static void do_##op(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		union vec t;                                                                       \
                                                                                                   \
		sse_check(c);                                                                      \
		dup_singles(xmm_reg(c, in->reg[0]), &vec_src(c, in, 1, &t, 16, true)->l[0], odd);  \
	}                                                                                          \
	static void do_v##op(struct cpu *c, const struct insn *in)                                 \
	{                                                                                          \
		union vec t, r = { .q = { 0 } };                                                   \
		const union vec *s;                                                                \
                                                                                                   \
		avx_check(c);                                                                      \
		s = avx_src(c, in, 1, &t);                                                         \
		dup_singles(&r.l[0], &s->l[0], odd);                                               \
		if (in->vl)                                                                        \
			dup_singles(&r.l[1], &s->l[1], odd);                                       \
		*vec_reg(c, in->reg[0]) = r;                                                       \
	}                                                                                          \
	SEM_ONE(op)                                                                                \
	SEM_ONE(v##op)

DUP_SINGLES(movsldup, 0)
DUP_SINGLES(movshdup, 1)

static void
do_movddup(struct cpu *c, const struct insn *in)
{
	union vec t;
	uint64_t v;

	sse_check(c);
	v = vec_src(c, in, 1, &t, 8, false)->q[0];
	*xmm_reg(c, in->reg[0]) = (struct lane){ { v, v } };
}
SEM_ONE(movddup)
static void
do_vmovddup(struct cpu *c, const struct insn *in)
{
	union vec t, r = { .q = { 0 } };
	const union vec *s;

	avx_check(c);
	s = in->vl ? avx_src(c, in, 1, &t) : vec_src(c, in, 1, &t, 8, false);
	r.q[0] = r.q[1] = s->q[0];
	if (in->vl)
		r.q[2] = r.q[3] = s->q[2];
	*vec_reg(c, in->reg[0]) = r;
}
SEM_ONE(vmovddup)

/* ---- sign masks to a general register ---- */

#define MOVMSK(op, insn_text)                                                                      \
	static ALWAYS_INLINE unsigned m_##op(const struct lane *s)                                 \
	{                                                                                          \
		unsigned v;                                                                        \
                                                                                                   \
		__asm__("movdqa %1,%%xmm0\n\t" insn_text " %%xmm0,%0"                              \
			: "=r"(v)                                                                  \
			: "m"(*s)                                                                  \
			: "xmm0");                                                                 \
		return v;                                                                          \
	}                                                                                          \
	static void do_##op(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		sse_check(c);                                                                      \
		c->gpr[in->reg[0]] = m_##op(xmm_reg(c, in->reg[1]));                               \
	}                                                                                          \
	SEM_ONE(op)
MOVMSK(movmskps, "movmskps")
MOVMSK(movmskpd, "movmskpd")
MOVMSK(pmovmskb, "pmovmskb")

#define VMOVMSK(op, bits, check)                                                                   \
	static void do_v##op(struct cpu *c, const struct insn *in)                                 \
	{                                                                                          \
		const union vec *s = vec_reg(c, in->reg[1]);                                       \
		unsigned v;                                                                        \
                                                                                                   \
		check;                                                                             \
		v = m_##op(&s->l[0]);                                                              \
		if (in->vl)                                                                        \
			v |= m_##op(&s->l[1]) << (bits);                                           \
		c->gpr[in->reg[0]] = v;                                                            \
	}                                                                                          \
	SEM_ONE(v##op)
VMOVMSK(movmskps, 4, avx_check(c))
VMOVMSK(movmskpd, 2, avx_check(c))
VMOVMSK(pmovmskb, 16, avx_check_int(c, in))

/* ---- byte-masked stores to DS:rDI; an all-zero mask does not touch memory ---- */

static void
masked_bytes(
    struct cpu *c, const struct insn *in, const uint8_t *src, const uint8_t *mask, unsigned n)
{
	unsigned sh = 64 - (8u << in->asize);
	uint64_t ea = c->gpr[REG_DI] << sh >> sh;
	unsigned first = n, last = 0;

	for (unsigned i = 0; i < n; i++) {
		if (mask[i] & 0x80) {
			first = first == n ? i : first;
			last = i;
		}
	}
	if (first == n)
		return;
	mem_probe_write(c, in->seg, ea + first, last - first + 1);
	for (unsigned i = first; i <= last; i++)
		if (mask[i] & 0x80)
			mem_write8(c, in->seg, (ea + i) << sh >> sh, src[i]);
}
static void
do_maskmovdqu(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	masked_bytes(c, in, c->ymm[in->reg[0]], c->ymm[in->reg[1]], 16);
}
SEM_ONE(maskmovdqu)
static void
do_vmaskmovdqu(struct cpu *c, const struct insn *in)
{
	avx_check(c);
	masked_bytes(c, in, c->ymm[in->reg[0]], c->ymm[in->reg[1]], 16);
}
SEM_ONE(vmaskmovdqu)
static void
do_maskmovq(struct cpu *c, const struct insn *in)
{
	if (!mmx_ready(c))
		return;
	masked_bytes(c, in, c->fpu.reg[in->reg[0]], c->fpu.reg[in->reg[1]], 8);
	c->fpu.top = 0;
	c->fpu.empty = 0;
}
SEM_ONE(maskmovq)
