/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stack and near calls. */
#include "cpu/x86/sem/int.h"

static ALWAYS_INLINE void
do_push(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	stack_push(c, size, first(c, in, size, form));
}
SEM_SIZES_FORMS(push)

static ALWAYS_INLINE void
do_push_imm(struct cpu *c, const struct insn *in, unsigned size)
{
	stack_push(c, size, in->imm);
}
SEM_SIZES(push_imm)

/* A memory destination based on SP sees it incremented (SDM 2 POP). */
static ALWAYS_INLINE void
do_pop(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	uint64_t old = c->gpr[REG_SP], v = stack_pop(c, size), new = c->gpr[REG_SP], ea;

	if (form != FORM_MR) {
		reg_set(c, in->reg[0], size, v);
		return;
	}
	ea = insn_ea(c, in);
	c->gpr[REG_SP] = old;
	mem_write(c, in->seg, ea, size, v);
	c->gpr[REG_SP] = new;
}
SEM_SIZES_FORMS(pop)

/* Stores that precede a fault are harmless: the instruction starts again. */
static ALWAYS_INLINE void
do_pusha(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t sp = c->gpr[REG_SP];

	for (unsigned r = 0; r < 8; r++)
		mem_write(c, SEG_SS, (sp - (r + 1) * size) & stack_mask(c), size, c->gpr[r]);
	stack_set_sp(c, sp - 8 * size);
}
SEM_SIZES(pusha)

static ALWAYS_INLINE void
do_popa(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t v[8];

	for (unsigned i = 0; i < 8; i++)
		v[i] = i == 3 ? 0 : stack_peek(c, i * size, size);
	for (unsigned i = 0; i < 8; i++)
		if (i != 3)
			reg_set(c, 7 - i, size, v[i]);
	stack_set_sp(c, c->gpr[REG_SP] + 8 * size);
}
SEM_SIZES(popa)

/*
 * FrameTemp is SP, ESP or RSP by operand size, whatever the stack's width: on a 16-bit stack
 * a 32-bit ENTER keeps the upper half of ESP in EBP.  It faults, before anything changes, when
 * a write at the final stack pointer would (SDM 2 ENTER); processors probe an operand's width.
 */
static ALWAYS_INLINE void
do_enter(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t mask = stack_mask(c), sp = (c->gpr[REG_SP] - size) & mask;
	uint64_t frame = (c->gpr[REG_SP] & ~mask) | sp;
	unsigned level = (unsigned)(in->imm >> 16) & 31;

	mem_write(c, SEG_SS, sp, size, c->gpr[REG_BP]);
	for (unsigned i = 1; i < level; i++) {
		uint64_t up = mem_read(c, SEG_SS, (c->gpr[REG_BP] - i * size) & mask, size);

		sp = (sp - size) & mask;
		mem_write(c, SEG_SS, sp, size, up);
	}
	if (level) {
		sp = (sp - size) & mask;
		mem_write(c, SEG_SS, sp, size, frame);
	}
	sp -= (uint16_t)in->imm;
	mem_probe_write(c, SEG_SS, sp & mask, size);
	reg_set(c, REG_BP, size, frame);
	stack_set_sp(c, sp);
}
SEM_SIZES(enter)

static ALWAYS_INLINE void
do_leave(struct cpu *c, const struct insn *in, unsigned size)
{
	uint64_t bp = c->gpr[REG_BP] & stack_mask(c);
	uint64_t v = mem_read(c, SEG_SS, bp, size);

	stack_set_sp(c, bp + size);
	reg_set(c, REG_BP, size, v);
}
SEM_SIZES(leave)

/* The target is checked before the push; a fault of the push puts RIP back itself. */
static ALWAYS_INLINE void
call_to(struct cpu *c, uint64_t target, unsigned size)
{
	uint64_t back = c->gpr[REG_RIP];

	near_branch(c, target, size);
	stack_push(c, size, back);
}

static ALWAYS_INLINE void
do_call_rel(struct cpu *c, const struct insn *in, unsigned size)
{
	call_to(c, c->gpr[REG_RIP] + in->imm, size);
}
SEM_SIZES(call_rel)

static ALWAYS_INLINE void
do_call(struct cpu *c, const struct insn *in, unsigned size, unsigned form)
{
	call_to(c, first(c, in, size, form), size);
}
SEM_SIZES_FORMS(call)

static ALWAYS_INLINE void
do_ret(struct cpu *c, const struct insn *in, unsigned size)
{
	near_branch(c, stack_peek(c, 0, size), size);
	stack_set_sp(c, c->gpr[REG_SP] + size);
}
SEM_SIZES(ret)

static ALWAYS_INLINE void
do_ret_imm(struct cpu *c, const struct insn *in, unsigned size)
{
	near_branch(c, stack_peek(c, 0, size), size);
	stack_set_sp(c, c->gpr[REG_SP] + size + in->imm);
}
SEM_SIZES(ret_imm)
