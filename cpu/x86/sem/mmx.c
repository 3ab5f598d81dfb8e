/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MMX moves; the arithmetic is stamped out beside SSE's in simd_int.c. */
#include "cpu/x86/sem/mmx.h"
#include "cpu/x86/sem/simd.h"

static void
do_mmx_movd(struct cpu *c, const struct insn *in)
{
	unsigned size = in->osize == 3 ? 8 : 4;
	uint64_t v;

	if (!mmx_ready(c))
		return;
	v = in->kind[1] == OPD_MEM ? insn_load(c, in, size) : reg_get(c, in->reg[1], size);
	mmx_put(c, in->reg[0], v);
}
SEM_ONE(mmx_movd)
static void
do_mmx_movd_store(struct cpu *c, const struct insn *in)
{
	unsigned size = in->osize == 3 ? 8 : 4;
	uint64_t v;

	if (!mmx_ready(c))
		return;
	v = mmx_get(c, in->reg[1]);
	if (in->kind[0] == OPD_MEM)
		insn_store(c, in, size, v);
	else
		reg_set(c, in->reg[0], size, v);
	mmx_enter(c);
}
SEM_ONE(mmx_movd_store)

static void
movq_load(struct cpu *c, const struct insn *in)
{
	if (mmx_ready(c))
		mmx_put(c, in->reg[0], mmx_src(c, in, 1, 8));
}
static void
movq_store(struct cpu *c, const struct insn *in)
{
	if (!mmx_ready(c))
		return;
	insn_store(c, in, 8, mmx_get(c, in->reg[1]));
	mmx_enter(c);
}
SEM_MOVE(mmx_movq, movq_load, movq_load, movq_store)
SEM_FN(movntq, movq_store)

static void
do_emms(struct cpu *c, const struct insn *in)
{
	if (!mmx_ready(c))
		return;
	c->fpu.top = 0;
	c->fpu.empty = 0xff;
}
SEM_ONE(emms)

/* ---- between the files: #UD, #NM and #MF as for both ---- */

static void
do_movq2dq(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	if (!mmx_ready(c))
		return;
	*xmm_reg(c, in->reg[0]) = (struct lane){ { mmx_get(c, in->reg[1]), 0 } };
	mmx_enter(c);
}
SEM_ONE(movq2dq)
static void
do_movdq2q(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	if (mmx_ready(c))
		mmx_put(c, in->reg[0], xmm_reg(c, in->reg[1])->q[0]);
}
SEM_ONE(movdq2q)
static void
do_mmx_pmovmskb(struct cpu *c, const struct insn *in)
{
	uint64_t v, r = 0;

	if (!mmx_ready(c))
		return;
	v = mmx_get(c, in->reg[1]);
	for (unsigned i = 0; i < 8; i++)
		r |= (v >> (i * 8 + 7) & 1) << i;
	c->gpr[in->reg[0]] = r;
	mmx_enter(c);
}
SEM_ONE(mmx_pmovmskb)
