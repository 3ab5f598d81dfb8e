/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data movement: MOV and its extending, exchanging and conditional relatives. */
#include "cpu/x86/sem/int.h"

static ALWAYS_INLINE void
do_mov(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	uint64_t v = source(c, in, size, form);

	if (form_writes_mem(form))
		insn_store(c, in, size, v);
	else
		reg_set(c, in->reg[0], size, v);
}
SEM_SIZES_FORMS(mov)

/* Narrow source of `from` bytes, register or memory. */
static ALWAYS_INLINE uint64_t
narrow(struct cpu *c, const struct insn *in, unsigned from, unsigned form)
{
	return form == FORM_RM ? insn_load(c, in, from) : reg_get(c, in->reg[1], from);
}

static ALWAYS_INLINE void
do_movzx8(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	reg_set(c, in->reg[0], size, narrow(c, in, 1, form));
}
SEM_SIZES_FORMS(movzx8)

static ALWAYS_INLINE void
do_movzx16(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	reg_set(c, in->reg[0], size, narrow(c, in, 2, form));
}
SEM_SIZES_FORMS(movzx16)

static ALWAYS_INLINE void
do_movsx8(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	reg_set(c, in->reg[0], size, (uint64_t)sign_extend(narrow(c, in, 1, form), 1));
}
SEM_SIZES_FORMS(movsx8)

static ALWAYS_INLINE void
do_movsx16(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	reg_set(c, in->reg[0], size, (uint64_t)sign_extend(narrow(c, in, 2, form), 2));
}
SEM_SIZES_FORMS(movsx16)

/* With a 16-bit operand size the source has 16 bits too (SDM 2 MOVSXD). */
static ALWAYS_INLINE void
do_movsxd(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	unsigned from = size == 2 ? 2 : 4;

	reg_set(c, in->reg[0], size, (uint64_t)sign_extend(narrow(c, in, from, form), from));
}
SEM_SIZES_FORMS(movsxd)

static ALWAYS_INLINE void
do_lea(struct cpu *c, const struct insn *in, unsigned size)
{
	reg_set(c, in->reg[0], size, insn_ea(c, in));
}
SEM_SIZES(lea)

/* With memory always locked (SDM 3A 8.1.2.1). */
static ALWAYS_INLINE void
do_xchg(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	uint64_t b = reg_get(c, in->reg[1], size), a;
	struct rmw t;

	if (form == FORM_MR) {
		rmw_begin(c, &t, in->seg, insn_ea(c, in), size, true);
		do
			a = rmw_load(&t, size);
		while (!rmw_commit(c, &t, size, a, b));
	} else {
		a = reg_get(c, in->reg[0], size);
		reg_set(c, in->reg[0], size, b);
	}
	reg_set(c, in->reg[1], size, a);
}
SEM_SIZES_FORMS(xchg)

/* Memory is read and a 32-bit destination's upper half cleared even when the condition is
 * false (SDM 2 CMOVcc). */
#define CMOV(name, cc)                                                                             \
	static ALWAYS_INLINE void do_cmov##name(                                                   \
	    struct cpu *c, const struct insn *in, unsigned size, unsigned form)                    \
	{                                                                                          \
		uint64_t v = source(c, in, size, form);                                            \
                                                                                                   \
		reg_set(                                                                           \
		    c, in->reg[0], size, flags_cond(c, cc) ? v : reg_get(c, in->reg[0], size));    \
	}                                                                                          \
	SEM_SIZES_FORMS(cmov##name)
CONDITIONS(CMOV)

static ALWAYS_INLINE uint64_t
swap_bytes(uint64_t v, unsigned size)
{
	return __builtin_bswap64(v) >> (64 - SIZE_BITS(size));
}

/* With 16 bits undefined by the manuals; processors give zero. */
static ALWAYS_INLINE void
do_bswap(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v = reg_get(c, in->reg[0], size);

	reg_set(c, in->reg[0], size, size == 2 ? 0 : swap_bytes(v, size));
}
SEM_SIZES(bswap)

static ALWAYS_INLINE void
do_movbe(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	uint64_t v = swap_bytes(source(c, in, size, form), size);

	if (form == FORM_MR)
		insn_store(c, in, size, v);
	else
		reg_set(c, in->reg[0], size, v);
}
SEM_SIZES_FORMS(movbe)

static ALWAYS_INLINE void
do_movnti(struct cpu *c, const struct insn *in, unsigned size)
{
	insn_store(c, in, size, reg_get(c, in->reg[1], size));
}
SEM_SIZES(movnti)

static void
do_xlat(struct cpu *c, const struct insn *in)
{
	uint64_t ea = (c->gpr[REG_BX] + *reg8(c, REG_AX)) & SIZE_MASK(1u << in->asize);

	*reg8(c, REG_AX) = mem_read8(c, in->seg, ea);
}
SEM_ONE(xlat)

/* CBW, CWDE, CDQE */
static ALWAYS_INLINE void
do_cbw(struct cpu *c, const struct insn *in, unsigned size)
{
	unsigned half = size > 1 ? size / 2 : 1;

	reg_set(c, REG_AX, size, (uint64_t)sign_extend(c->gpr[REG_AX], half));
}
SEM_SIZES(cbw)

/* CWD, CDQ, CQO */
static ALWAYS_INLINE void
do_cwd(struct cpu *c, const struct insn *in, unsigned size)
{
	reg_set(c, REG_DX, size, sign_extend(c->gpr[REG_AX], size) < 0 ? ~0ull : 0);
}
SEM_SIZES(cwd)
