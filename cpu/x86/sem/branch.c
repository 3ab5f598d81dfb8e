/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Near branches inside a segment, and what does nothing at all. */
#include "cpu/x86/sem/int.h"

static ALWAYS_INLINE void
jump_rel(struct cpu *c, const struct insn *in, unsigned size)
{
	near_branch(c, c->gpr[REG_RIP] + in->imm, size);
}

#define JUMP(name, cc)                                                                             \
	static ALWAYS_INLINE void do_j##name(struct cpu *c, const struct insn *in, unsigned size)  \
	{                                                                                          \
		if (flags_cond(c, cc))                                                             \
			jump_rel(c, in, size);                                                     \
	}                                                                                          \
	SEM_SIZES(j##name)
CONDITIONS(JUMP)

static ALWAYS_INLINE void
do_jmp_rel(struct cpu *c, const struct insn *in, unsigned size)
{
	jump_rel(c, in, size);
}
SEM_SIZES(jmp_rel)

static ALWAYS_INLINE void
do_jmp(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	near_branch(c, first(c, in, size, form), size);
}
SEM_SIZES_FORMS(jmp)

/* The counter is CX, ECX or RCX by address size; it changes only if the branch does not
 * fault. */
static ALWAYS_INLINE void
loop_insn(struct cpu *c, const struct insn *in, unsigned size, bool cond)
{
	unsigned asize = 1u << in->asize;
	uint64_t n = (c->gpr[REG_CX] - 1) & SIZE_MASK(asize);

	if (n != 0 && cond)
		jump_rel(c, in, size);
	reg_set(c, REG_CX, asize, n);
}

static ALWAYS_INLINE void
do_loop(struct cpu *c, const struct insn *in, unsigned size)
{
	loop_insn(c, in, size, true);
}
SEM_SIZES(loop)

static ALWAYS_INLINE void
do_loope(struct cpu *c, const struct insn *in, unsigned size)
{
	loop_insn(c, in, size, flag_zf(c));
}
SEM_SIZES(loope)

static ALWAYS_INLINE void
do_loopne(struct cpu *c, const struct insn *in, unsigned size)
{
	loop_insn(c, in, size, !flag_zf(c));
}
SEM_SIZES(loopne)

static ALWAYS_INLINE void
do_jcxz(struct cpu *c, const struct insn *in, unsigned size)
{
	if ((c->gpr[REG_CX] & SIZE_MASK(1u << in->asize)) == 0)
		jump_rel(c, in, size);
}
SEM_SIZES(jcxz)

static ALWAYS_INLINE void
do_bound(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t ea = insn_ea(c, in);
	int64_t lower = sign_extend(mem_read(c, in->seg, ea, size), size);
	int64_t upper =
	    sign_extend(mem_read(c, in->seg, (ea + size) & SIZE_MASK(1u << in->asize), size), size);
	int64_t index = sign_extend(c->gpr[in->reg[0]], size);

	if (index < lower || index > upper)
		cpu_raise(c, EXC_BR);
}
SEM_SIZES(bound)

/* ---- nothing ---- */

static void
nothing(struct cpu *c, const struct insn *in)
{
}
#define NOTHING(name)                                                                              \
	const struct sem sem_##name = { { SEM_SAME(nothing), SEM_SAME(nothing), SEM_SAME(nothing), \
	    SEM_SAME(nothing) } };
NOTHING(nop)
NOTHING(nop_hint)
NOTHING(endbr32)
NOTHING(endbr64)
NOTHING(prefetch)
NOTHING(prefetchw)
NOTHING(prefetchnta)
NOTHING(prefetcht0)
NOTHING(prefetcht1)
NOTHING(prefetcht2)

static void
do_pause(struct cpu *c, const struct insn *in)
{
	__builtin_ia32_pause();
}
SEM_ONE(pause)

static void
do_mfence(struct cpu *c, const struct insn *in)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
SEM_ONE(mfence)

static void
do_lfence(struct cpu *c, const struct insn *in)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}
SEM_ONE(lfence)

static void
do_sfence(struct cpu *c, const struct insn *in)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST); /* weakly ordered stores are ordinary ones here */
}
SEM_ONE(sfence)

/* Caches are not modelled, but the access is checked like a load (SDM 2 CLFLUSH). */
static void
do_clflush(struct cpu *c, const struct insn *in)
{
	insn_load(c, in, 1);
}
SEM_ONE(clflush)

static void
do_clflushopt(struct cpu *c, const struct insn *in)
{
	insn_load(c, in, 1);
}
SEM_ONE(clflushopt)

static void
do_ud2(struct cpu *c, const struct insn *in)
{
	cpu_raise_ud(c);
}
SEM_ONE(ud2)

static void
do_ud1(struct cpu *c, const struct insn *in)
{
	cpu_raise_ud(c);
}
SEM_ONE(ud1)

static void
do_ud0(struct cpu *c, const struct insn *in)
{
	cpu_raise_ud(c);
}
SEM_ONE(ud0)
