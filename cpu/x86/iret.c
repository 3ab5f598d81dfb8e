/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IRET in all modes, SDM 2A IRET/IRETD/IRETQ and 3B 20.3 (VME). */
#include "cpu/x86/transfer.h"

struct frame {
	uint64_t ip, sp;
	uint32_t flags;
	uint16_t cs, ss;
};

static struct frame
frame_peek(struct cpu *c, unsigned size)
{
	struct frame f = { .ip = stack_peek(c, 0, size) };

	f.cs = (uint16_t)stack_peek(c, size, size);
	f.flags = (uint32_t)stack_peek(c, 2 * size, size);
	return f;
}

static void
frame_peek_stack(struct cpu *c, struct frame *f, unsigned size)
{
	f->sp = stack_peek(c, 3 * size, size);
	f->ss = (uint16_t)stack_peek(c, 4 * size, size);
}

/* Real mode, and V86 mode with IOPL 3. */
static void
iret_real(struct cpu *c, unsigned size)
{
	struct frame f = frame_peek(c, size);
	uint32_t mask = eflags_writable(c, size);

	far_load_cs_real(c, f.cs, f.ip);
	stack_set_sp(c, c->gpr[REG_SP] + 3 * size);
	cpu_write_eflags(c, f.flags, mask);
}

/* CR4.VME and IOPL < 3: IF of the image goes to VIF. */
static void
iret_vme(struct cpu *c)
{
	struct frame f = frame_peek(c, 2);
	uint32_t v = (f.flags & 0xffff & ~(uint32_t)FL_IF) | (f.flags & FL_IF ? FL_VIF : 0);

	if (((f.flags & FL_IF) && (c->eflags & FL_VIP)) || (f.flags & FL_TF))
		cpu_raise_gp(c, 0);
	far_load_cs_real(c, f.cs, f.ip);
	stack_set_sp(c, c->gpr[REG_SP] + 6);
	cpu_write_eflags(c, v, FL_ARITH | FL_TF | FL_DF | FL_NT | FL_VIF);
}

static void
iret_v86(struct cpu *c, unsigned size)
{
	if ((c->eflags & FL_IOPL) == FL_IOPL)
		iret_real(c, size);
	else if ((c->cr4 & CR4_VME) && size == 2)
		iret_vme(c);
	else
		cpu_raise_gp(c, 0);
}

/* To virtual-8086 mode: nine doublewords. */
static void
iret_to_v86(struct cpu *c, const struct frame *f)
{
	static const uint8_t order[] = { SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS };
	uint32_t esp = (uint32_t)stack_peek(c, 12, 4);
	uint16_t sel[ARRAY_SIZE(order)];

	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		sel[i] = (uint16_t)stack_peek(c, 16 + 4 * i, 4);
	if (f->ip > 0xffff)
		cpu_raise_gp(c, 0);
	c->cpl = 3;
	cpu_write_eflags(c, f->flags,
	    FL_ARITH | FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF | FL_VM | FL_AC | FL_VIF |
		FL_VIP | FL_ID);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		seg_load_v86(c, order[i], sel[i]);
	seg_load_v86(c, SEG_CS, f->cs);
	c->gpr[REG_RIP] = f->ip;
	c->gpr[REG_SP] = esp;
	cpu_mode_derive(c);
}

/* NT set: back to the task that the TSS's back link names. */
static void
iret_task(struct cpu *c)
{
	uint16_t link;

	if (c->long_mode)
		cpu_raise_gp(c, 0);
	link = sys_read16(c, c->seg[SEG_TR].base & 0xffffffff);
	task_switch(c, link, TASK_IRET, false, 0);
}

/* Protected and long mode: same or outer level; from 64-bit mode SS:RSP always comes along. */
static void
iret_protected(struct cpu *c, unsigned size)
{
	struct frame f = frame_peek(c, size);
	uint32_t mask = eflags_writable(c, size);
	bool pops_stack, code64;
	struct desc cs, ss = { 0 };
	unsigned rpl;

	if (!c->long_mode && size == 4 && c->cpl == 0 && (f.flags & FL_VM)) {
		iret_to_v86(c, &f);
		return;
	}
	cs = seg_check_return_cs(c, f.cs);
	rpl = f.cs & 3;
	code64 = c->long_mode && (cs.attr & DESC_L);
	pops_stack = rpl != c->cpl || c->bits == BITS64;
	if (pops_stack) {
		frame_peek_stack(c, &f, size);
		ss = seg_check_return_ss(c, f.ss, rpl, code64);
	}
	seg_check_ip(c, &cs, f.ip);
	desc_set_accessed(c, &cs);

	if (!pops_stack)
		stack_set_sp(c, c->gpr[REG_SP] + 3 * size);
	c->gpr[REG_RIP] = f.ip;
	if (pops_stack)
		seg_from_desc(&c->seg[SEG_SS], f.ss, &ss);
	seg_set_cs(c, f.cs, &cs, rpl);
	if (pops_stack)
		stack_set_sp(c, f.sp);
	seg_drop_inner(c);
	cpu_write_eflags(c, f.flags, mask);
}

static void
do_iret(struct cpu *c, const struct insn *in)
{
	unsigned size = insn_size(in);

	if (cpu_is_real(c))
		iret_real(c, size);
	else if (cpu_is_v86(c))
		iret_v86(c, size);
	else if (c->eflags & FL_NT)
		iret_task(c);
	else
		iret_protected(c, size);
	c->nmi_blocked = false;
	cpu_end_block(c);
}
SEM_ONE(iret)
