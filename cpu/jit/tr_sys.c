/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System instructions that kernels live on, where nothing can go wrong with them. */
#include "cpu/jit/tr.h"

static bool
privileged(const struct tr *t) /* CPL 0, so that IOPL does not matter */
{
	return !(t->mode->bits & JIT_M_USER);
}

/* SUB-group operation on a 32-bit slot with a full immediate */
static void
slot_imm32(struct tr *t, unsigned op, int32_t slot, uint32_t v)
{
	struct hmem m = hmem_slot(slot);

	emit_rm(&t->e, 0, 0x81, op, &m);
	emit32(&t->e, v);
}

bool
tr_cli(struct tr *t, const struct insn *in)
{
	if (!privileged(t))
		return false;
	tr_flags_clobber(t);
	slot_imm32(t, 4, CPU_SLOT(eflags), ~(uint32_t)FL_IF);
	return true;
}

/* With IF clear the next instruction belongs to STI: no interrupt comes between (SDM 2 STI).
 * Nothing looks for one inside a block, so it is enough that the next instruction is in this
 * one, and that nothing waits already. */
bool
tr_sti(struct tr *t, const struct insn *in)
{
	struct hmem flags = hmem_slot(CPU_SLOT(eflags)), wanted = hmem_slot(CPU_SLOT(attention));
	uint32_t on;

	if (!privileged(t) || t->j->exact || (t->mode->bits & JIT_M_COUNT) || t->i + 1u >= t->gb->n)
		return false;
	tr_flags_clobber(t);
	emit_rm(&t->e, 0, 0xf7, 0, &flags);
	emit32(&t->e, FL_IF);
	on = emit_jcc(&t->e, CC_NE, 0);
	emit_alu_imm_m(&t->e, 0, 7, &wanted, 0);
	tr_to_handler(t, emit_jcc(&t->e, CC_NE, 0));
	slot_imm32(t, 1, CPU_SLOT(eflags), FL_IF);
	emit_here(&t->e, on);
	return true;
}

/* PUSHF's value in R11: what is at rest, and the other bits. */
static void
flags_value(struct tr *t)
{
	struct hmem hf = hmem_slot(CPU_SLOT(hot.hf)), rest = hmem_slot(CPU_SLOT(eflags));

	emit_rm(&t->e, 0, 0x0fb7, H_R11, &hf);
	emit_mov32(&t->e, H_R10, H_R11);
	emit_rr(&t->e, 0, 0xc1, 5, H_R11);
	emit8(&t->e, 8);
	emit_alu_imm(&t->e, 0, 4, H_R11, 0xd5);
	emit_alu_imm(&t->e, 0, 4, H_R10, 1);
	emit_rr(&t->e, 0, 0xc1, 4, H_R10);
	emit8(&t->e, 11);
	emit_rr(&t->e, 0, 0x0b, H_R11, H_R10);
	emit_rm(&t->e, 0, 0x0b, H_R11, &rest);
	emit_alu_imm(&t->e, 0, 1, H_R11, FL_R1);
	emit_alu_imm(&t->e, 0, 4, H_R11, (int32_t) ~(uint32_t)(FL_RF | FL_VM));
}

bool
tr_pushf(struct tr *t, const struct insn *in)
{
	unsigned size = 1u << in->osize;
	struct hmem m;

	/* V86 mode has rules of its own */
	if (!privileged(t) && !(t->mode->bits & JIT_M_PROT))
		return false;
	tr_flags_rest(t);
	m = tr_mem_stack(t, H_R9, -(int32_t)size, size, ACC_W);
	m = tr_mem_free_r11(t, m);
	emit_lea(&t->e, true, H_R8, &m);
	flags_value(t);
	m = hmem_at(H_R8, 0);
	emit_rm(&t->e, size == 8 ? EI_W : size == 2 ? EI_66 : 0, 0x89, H_R11, &m);
	tr_move_sp(t, -(int32_t)size);
	return true;
}

bool
tr_swapgs(struct tr *t, const struct insn *in)
{
	int32_t gs = (int32_t)(SEG_GS * sizeof(struct seg)) + CPU_SLOT(seg);
	struct hmem base = hmem_slot(gs + (int32_t)offsetof(struct seg, base));
	struct hmem lbase = hmem_slot(gs + (int32_t)offsetof(struct seg, lbase));
	struct hmem other = hmem_slot(CPU_SLOT(msr.kernel_gs_base));

	if (!privileged(t))
		return false;
	emit_load(&t->e, H_R10, &base);
	emit_load(&t->e, H_R11, &other);
	emit_store(&t->e, H_R10, &other);
	emit_store(&t->e, H_R11, &base);
	emit_store(&t->e, H_R11, &lbase);
	return true;
}
