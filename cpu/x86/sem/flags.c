/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lazy flags to EFLAGS bits and back, and the instructions on single flags. */
#include "cpu/x86/sem/int.h"

uint32_t
flags_arith(const struct cpu *c)
{
	return (flag_cf(c) ? FL_CF : 0) | (flag_pf(c) ? FL_PF : 0) | (flag_af(c) ? FL_AF : 0) |
	       (flag_zf(c) ? FL_ZF : 0) | (flag_sf(c) ? FL_SF : 0) | (flag_of(c) ? FL_OF : 0);
}

/* A result with even parity and clear sign stands for ZF; the xor bits give the rest. */
void
flags_set_arith(struct cpu *c, uint32_t v)
{
	bool cf = v & FL_CF, of = v & FL_OF;

	c->fl_res = v & FL_ZF ? 0 : 0x100;
	c->fl_aux = (uint32_t)cf << 31 | (uint32_t)(cf ^ of) << 30 | (v & FL_AF ? AUX_AF : 0) |
	            (v & FL_SF ? AUX_SD : 0) | (v & FL_PF ? 0 : 0x100);
}

static void
do_clc(struct cpu *c, const struct insn *in)
{
	flags_put_cf(c, false);
}
SEM_ONE(clc)

static void
do_stc(struct cpu *c, const struct insn *in)
{
	flags_put_cf(c, true);
}
SEM_ONE(stc)

static void
do_cmc(struct cpu *c, const struct insn *in)
{
	flags_put_cf(c, !flag_cf(c));
}
SEM_ONE(cmc)

static void
do_cld(struct cpu *c, const struct insn *in)
{
	c->eflags &= ~(uint32_t)FL_DF;
}
SEM_ONE(cld)

static void
do_std(struct cpu *c, const struct insn *in)
{
	c->eflags |= FL_DF;
}
SEM_ONE(std)

static void
do_lahf(struct cpu *c, const struct insn *in)
{
	*reg8(c, REG8_HIGH) = (uint8_t)(flags_arith(c) | FL_R1);
}
SEM_ONE(lahf)

static void
do_lahf64(struct cpu *c, const struct insn *in)
{
	do_lahf(c, in);
}
SEM_ONE(lahf64)

static void
do_sahf(struct cpu *c, const struct insn *in)
{
	flags_set_arith(c, *reg8(c, REG8_HIGH) | (flag_of(c) ? FL_OF : 0));
}
SEM_ONE(sahf)

static void
do_sahf64(struct cpu *c, const struct insn *in)
{
	do_sahf(c, in);
}
SEM_ONE(sahf64)

static void
do_salc(struct cpu *c, const struct insn *in)
{
	*reg8(c, REG_AX) = flag_cf(c) ? 0xff : 0;
}
SEM_ONE(salc)

#define SET(name, cc)                                                                              \
	static ALWAYS_INLINE void do_set##name(                                                    \
	    struct cpu *c, const struct insn *in, unsigned size, unsigned form)                    \
	{                                                                                          \
		if (form == FORM_MR)                                                               \
			insn_store(c, in, 1, flags_cond(c, cc));                                   \
		else                                                                               \
			reg_set(c, in->reg[0], 1, flags_cond(c, cc));                              \
	}                                                                                          \
	SEM_SIZES_FORMS(set##name)
CONDITIONS(SET)
