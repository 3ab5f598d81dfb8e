/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MMX registers are the low 64 bits of the physical x87 registers.  Every MMX instruction
 * but EMMS sets TOP to 0 and marks all registers valid; a write sets bits 64..79
 * (SDM 3A 12.2).
 */
#ifndef LODGE_CPU_MMX_H
#define LODGE_CPU_MMX_H

#include "cpu/x86/sem/sem_fp.h"

static ALWAYS_INLINE uint64_t
mmx_get(const struct cpu *c, unsigned r)
{
	return get_le64(c->fpu.reg[r]);
}
static ALWAYS_INLINE void
mmx_enter(struct cpu *c)
{
	c->fpu.top = 0;
	c->fpu.empty = 0;
}
static ALWAYS_INLINE void
mmx_put(struct cpu *c, unsigned r, uint64_t v)
{
	mmx_enter(c);
	put_le64(c->fpu.reg[r], v);
	put_le16(c->fpu.reg[r] + 8, 0xffff);
}
/* Operand k: register or `size` bytes of memory. */
static ALWAYS_INLINE uint64_t
mmx_src(struct cpu *c, const struct insn *in, unsigned k, unsigned size)
{
	if (in->kind[k] == OPD_MEM)
		return insn_load(c, in, size);
	return mmx_get(c, in->reg[k]);
}

typedef void mmx_kernel(uint64_t *d, const uint64_t *s);

/* One host instruction; the host's own x87 registers are left empty. */
#define MMX_KERNEL_AS(name, text)                                                                  \
	static ALWAYS_INLINE void k_mmx_##name(uint64_t *d, const uint64_t *s)                     \
	{                                                                                          \
		__asm__ volatile("movq %0,%%mm0\n\t" text " %1,%%mm0\n\t"                          \
				 "movq %%mm0,%0\n\temms"                                           \
				 : "+m"(*d)                                                        \
				 : "m"(*s)                                                         \
				 : "mm0");                                                         \
	}

static ALWAYS_INLINE void
mmx_op(struct cpu *c, const struct insn *in, mmx_kernel *k, unsigned size)
{
	uint64_t d, s;

	if (!mmx_ready(c))
		return;
	s = mmx_src(c, in, 1, size);
	d = mmx_get(c, in->reg[0]);
	k(&d, &s);
	mmx_put(c, in->reg[0], d);
}

/* d = op(d, s) with a source of `size` bytes when it is memory */
#define MMX_OP(name, size)                                                                         \
	MMX_KERNEL_AS(name, #name)                                                                 \
	static void do_mmx_##name(struct cpu *c, const struct insn *in)                            \
	{                                                                                          \
		mmx_op(c, in, k_mmx_##name, size);                                                 \
	}                                                                                          \
	SEM_ONE(mmx_##name)

#endif
