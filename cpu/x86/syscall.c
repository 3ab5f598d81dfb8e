/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fast system calls and the FS/GS bases: SYSENTER SYSEXIT SYSCALL SYSRET SWAPGS xxFSGSBASE. */
#include "cpu/cpu.h"
#include "cpu/x86/transfer.h"

/* These instructions load fixed flat segments without reading descriptors. */
static void
set_flat(struct cpu *c, unsigned seg, uint16_t sel, uint16_t attr)
{
	struct seg *s = &c->seg[seg];

	s->sel = sel;
	s->base = 0;
	s->limit = 0xffffffff;
	s->attr =
	    (uint16_t)(attr | DESC_P | DESC_S | DESC_A | DESC_G | (sel & 3) << DESC_DPL_SHIFT);
}

enum {
	CODE = DESC_CODE | DESC_W,
	CODE32 = CODE | DESC_DB,
	CODE64 = CODE | DESC_L,
	STACK = DESC_W | DESC_DB
};

static void
enter(struct cpu *c, uint16_t cs, uint16_t cs_attr, uint16_t ss, uint64_t rip)
{
	set_flat(c, SEG_CS, cs, cs_attr);
	set_flat(c, SEG_SS, ss, STACK);
	c->gpr[REG_RIP] = rip;
	cpu_set_cpl(c, cs & 3);
	cpu_end_block(c);
}

static void
do_sysenter(struct cpu *c, const struct insn *in)
{
	uint16_t cs = (uint16_t)(c->msr.sysenter_cs & 0xfffc);
	uint64_t mask = c->long_mode ? ~0ull : 0xffffffffull;

	if (!cs)
		cpu_raise_gp(c, 0);
	c->eflags &= ~(uint32_t)(FL_VM | FL_IF);
	c->gpr[REG_SP] = c->msr.sysenter_esp & mask;
	enter(
	    c, cs, c->long_mode ? CODE64 : CODE32, (uint16_t)(cs + 8), c->msr.sysenter_eip & mask);
}
SEM_ONE(sysenter)

static void
do_sysexit(struct cpu *c, const struct insn *in)
{
	uint16_t cs = (uint16_t)(c->msr.sysenter_cs & 0xfffc);
	bool to64 = in->osize == 3;
	uint64_t rip = c->gpr[REG_DX], rsp = c->gpr[REG_CX];

	if (!cs || c->cpl != 0)
		cpu_raise_gp(c, 0);
	if (to64 && (!mmu_canonical(rip) || !mmu_canonical(rsp)))
		cpu_raise_gp(c, 0);
	if (!to64) {
		rip = (uint32_t)rip;
		rsp = (uint32_t)rsp;
	}
	cs = (uint16_t)((cs + (to64 ? 32 : 16)) | 3);
	c->gpr[REG_SP] = rsp;
	enter(c, cs, to64 ? CODE64 : CODE32, (uint16_t)(cs + 8), rip);
}
SEM_ONE(sysexit)

/* The table lets SYSCALL and SYSRET through in 64-bit mode only, as Intel's processors do. */
static void
do_syscall(struct cpu *c, const struct insn *in)
{
	uint16_t cs = (uint16_t)(c->msr.star >> 32 & 0xfffc);
	uint32_t flags = flags_get(c);

	if (!(c->msr.efer & EFER_SCE))
		cpu_raise_ud(c);
	c->gpr[REG_CX] = c->gpr[REG_RIP];
	c->gpr[11] = flags & ~(uint32_t)FL_RF;
	cpu_write_eflags(c, flags & ~(uint32_t)c->msr.fmask & ~(uint32_t)FL_RF, ~(uint32_t)FL_VM);
	enter(c, cs, CODE64, (uint16_t)(cs + 8), c->msr.lstar);
}
SEM_ONE(syscall)

static void
do_sysret(struct cpu *c, const struct insn *in)
{
	uint16_t base = (uint16_t)(c->msr.star >> 48);
	bool to64 = in->osize == 3;
	uint64_t rip = c->gpr[REG_CX];
	uint32_t settable =
	    FL_ARITH | FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_AC | FL_VIF | FL_VIP | FL_ID;

	if (!(c->msr.efer & EFER_SCE))
		cpu_raise_ud(c);
	if (c->cpl != 0 || (to64 && !mmu_canonical(rip)))
		cpu_raise_gp(c, 0);
	cpu_write_eflags(c, (uint32_t)c->gpr[11], settable | FL_RF);
	c->eflags &= ~(uint32_t)FL_RF;
	enter(c, (uint16_t)((base + (to64 ? 16 : 0)) | 3), to64 ? CODE64 : CODE32,
	    (uint16_t)((base + 8) | 3), to64 ? rip : (uint32_t)rip);
}
SEM_ONE(sysret)

static void
do_swapgs(struct cpu *c, const struct insn *in)
{
	uint64_t base = c->seg[SEG_GS].base;

	need_cpl0(c);
	c->seg[SEG_GS].base = c->msr.kernel_gs_base;
	c->msr.kernel_gs_base = base;
	cpu_seg_derive(c, SEG_GS);
}
SEM_ONE(swapgs)

static void
read_base(struct cpu *c, const struct insn *in, unsigned seg)
{
	if (!(c->cr4 & CR4_FSGSBASE))
		cpu_raise_ud(c);
	reg_set(c, in->reg[0], insn_size(in), c->seg[seg].base);
}

static void
write_base(struct cpu *c, const struct insn *in, unsigned seg)
{
	uint64_t v = reg_get(c, in->reg[0], insn_size(in));

	if (!(c->cr4 & CR4_FSGSBASE))
		cpu_raise_ud(c);
	if (!mmu_canonical(v))
		cpu_raise_gp(c, 0);
	c->seg[seg].base = v;
	cpu_seg_derive(c, seg);
}

#define FSGSBASE(op, fn, seg)                                                                      \
	static void do_##op(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		fn(c, in, seg);                                                                    \
	}                                                                                          \
	SEM_ONE(op)
FSGSBASE(rdfsbase, read_base, SEG_FS)
FSGSBASE(rdgsbase, read_base, SEG_GS)
FSGSBASE(wrfsbase, write_base, SEG_FS)
FSGSBASE(wrgsbase, write_base, SEG_GS)
