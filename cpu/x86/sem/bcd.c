/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Decimal adjustment (SDM 2, the instructions' pseudo-code). */
#include "cpu/x86/sem/int.h"

/* SF, ZF, PF of an 8-bit result with AF, CF. */
static void
set_flags(struct cpu *c, uint8_t res, bool af, bool cf)
{
	flags_set_logic(c, res, 1);
	c->fl_aux = (cf ? 0xc0000000u : 0) | (af ? AUX_AF : 0);
}

static void
do_daa(struct cpu *c, const struct insn *in)
{
	uint8_t *al = reg8(c, REG_AX), old = *al;
	bool af = (old & 15) > 9 || flag_af(c), cf = old > 0x99 || flag_cf(c);

	*al = (uint8_t)(old + (af ? 6 : 0) + (cf ? 0x60 : 0));
	set_flags(c, *al, af, cf);
}
SEM_ONE(daa)

static void
do_das(struct cpu *c, const struct insn *in)
{
	uint8_t *al = reg8(c, REG_AX), old = *al;
	bool af = (old & 15) > 9 || flag_af(c), high = old > 0x99 || flag_cf(c);
	bool cf = high || (af && old < 6);

	*al = (uint8_t)(old - (af ? 6 : 0) - (high ? 0x60 : 0));
	set_flags(c, *al, af, cf);
}
SEM_ONE(das)

static void
ascii_adjust(struct cpu *c, int add)
{
	uint16_t ax = (uint16_t)c->gpr[REG_AX];
	bool adjust = (ax & 15) > 9 || flag_af(c);

	if (adjust)
		ax = (uint16_t)(ax + add);
	reg_set(c, REG_AX, 2, ax & 0xff0f);
	set_flags(c, (uint8_t)(ax & 15), adjust, adjust);
}

static void
do_aaa(struct cpu *c, const struct insn *in)
{
	ascii_adjust(c, 0x106);
}
SEM_ONE(aaa)

static void
do_aas(struct cpu *c, const struct insn *in)
{
	ascii_adjust(c, -0x106);
}
SEM_ONE(aas)

static void
do_aam(struct cpu *c, const struct insn *in)
{
	uint8_t al = *reg8(c, REG_AX), base = (uint8_t)in->imm;

	if (base == 0)
		cpu_raise(c, EXC_DE);
	reg_set(c, REG_AX, 2, (uint64_t)(al / base) << 8 | al % base);
	set_flags(c, al % base, false, false);
}
SEM_ONE(aam)

static void
do_aad(struct cpu *c, const struct insn *in)
{
	uint8_t al = (uint8_t)(*reg8(c, REG_AX) + *reg8(c, REG8_HIGH) * (uint8_t)in->imm);

	reg_set(c, REG_AX, 2, al);
	set_flags(c, al, false, false);
}
SEM_ONE(aad)
