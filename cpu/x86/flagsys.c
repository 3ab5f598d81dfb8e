/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The interrupt flag and the other system flags: CLI STI PUSHF POPF. */
#include "cpu/cpu.h"
#include "cpu/x86/transfer.h"

/* SDM 2B POPF, 2A IRET: in V86 mode only reached with IOPL 3. */
uint32_t
eflags_writable(const struct cpu *c, unsigned size)
{
	uint32_t mask = FL_ARITH | FL_TF | FL_DF | FL_NT;
	unsigned iopl = (c->eflags & FL_IOPL) >> 12;

	if (size > 2)
		mask |= FL_RF | FL_AC;
	if (size > 2 && model_has(c->model, FEAT_CPUID))
		mask |= FL_ID;
	if (cpu_is_real(c))
		return mask | FL_IF | FL_IOPL;
	if (c->cpl <= iopl)
		mask |= FL_IF;
	if (c->cpl == 0) {
		mask |= FL_IOPL;
		if (size > 2)
			mask |= FL_VIF | FL_VIP;
	}
	return mask;
}

void
cpu_write_eflags(struct cpu *c, uint32_t v, uint32_t mask)
{
	uint32_t old = c->eflags;

	if (mask & FL_ARITH)
		flags_set_arith(c, (v & mask) | (flags_arith(c) & ~mask));
	mask &= ~(uint32_t)FL_ARITH;
	c->eflags = (old & ~mask) | (v & mask & ~(uint32_t)FL_R1);
	if ((old ^ c->eflags) & (FL_TF | FL_VM | FL_AC | FL_RF)) {
		cpu_mode_derive(c);
		cpu_end_block(c);
	}
	if (~old & c->eflags & FL_IF)
		cpu_end_block(c); /* something may be waiting for this */
}

static void
do_pushf(struct cpu *c, const struct insn *in)
{
	uint32_t v = flags_get(c) & ~(uint32_t)(FL_VM | FL_RF);
	unsigned size = insn_size(in);

	if (cpu_is_v86(c) && (c->eflags & FL_IOPL) != FL_IOPL) {
		if (!(c->cr4 & CR4_VME) || size != 2)
			cpu_raise_gp(c, 0);
		v = (v & ~(uint32_t)FL_IF) | FL_IOPL | (c->eflags & FL_VIF ? FL_IF : 0);
	}
	stack_push(c, size, v);
}
SEM_ONE(pushf)

/* V86 mode, CR4.VME, IOPL < 3, 16-bit operand (SDM 3B 20.3.3). */
static void
popf_vme(struct cpu *c)
{
	uint32_t v = (uint32_t)stack_peek(c, 0, 2);

	if (((v & FL_IF) && (c->eflags & FL_VIP)) || (v & FL_TF))
		cpu_raise_gp(c, 0);
	stack_set_sp(c, c->gpr[REG_SP] + 2);
	v = (v & ~(uint32_t)FL_IF) | (v & FL_IF ? FL_VIF : 0);
	cpu_write_eflags(c, v, FL_ARITH | FL_TF | FL_DF | FL_NT | FL_VIF);
}

static void
do_popf(struct cpu *c, const struct insn *in)
{
	unsigned size = insn_size(in);
	uint32_t mask, v;

	if (cpu_is_v86(c) && (c->eflags & FL_IOPL) != FL_IOPL) {
		if (!(c->cr4 & CR4_VME) || size != 2)
			cpu_raise_gp(c, 0);
		popf_vme(c);
		return;
	}
	mask = eflags_writable(c, size) & ~(uint32_t)(FL_VIF | FL_VIP);
	v = (uint32_t)stack_pop(c, size) &
	    ~(uint32_t)FL_RF; /* POPF clears RF, VIP and VIF (CPL 0) */
	if (size > 2 && !cpu_is_v86(c) && c->cpl == 0)
		mask |= FL_VIF | FL_VIP;
	cpu_write_eflags(c, v & ~(uint32_t)(FL_VIF | FL_VIP), mask | FL_RF);
}
SEM_ONE(popf)

/* Which flag CLI and STI work on, or #GP: SDM 2A CLI table 3-7, STI. */
static uint32_t
interrupt_flag(struct cpu *c)
{
	unsigned iopl = (c->eflags & FL_IOPL) >> 12;

	if (cpu_is_real(c) || c->cpl <= iopl)
		return FL_IF;
	if (cpu_is_v86(c) ? c->cr4 & CR4_VME : (c->cr4 & CR4_PVI) && c->cpl == 3)
		return FL_VIF;
	cpu_raise_gp(c, 0);
}

static void
do_cli(struct cpu *c, const struct insn *in)
{
	c->eflags &= ~interrupt_flag(c);
}
SEM_ONE(cli)

static void
do_sti(struct cpu *c, const struct insn *in)
{
	uint32_t flag = interrupt_flag(c);

	if (flag == FL_VIF && (c->eflags & FL_VIP))
		cpu_raise_gp(c, 0);
	if (flag == FL_IF && !(c->eflags & FL_IF))
		cpu_shadow(c);
	c->eflags |= flag;
}
SEM_ONE(sti)
