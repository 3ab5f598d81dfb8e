/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a guest access is emitted, all of it.  The shape, with EA the complete linear address
 * (zero-extended outside 64-bit mode) in R10 or in its own register:
 *
 *	again:	mov r11, EA; shr r11, 8; and r11, pages * 16
 *		test EA, size - 1; jnz misaligned
 *	ok:	mov r11, gs:[r11 + 8 * store]
 *		test r11b, 1; jz miss
 *		… [EA + r11 - 1] …
 *	misaligned: goes to ok when the page's end is not crossed, else to the handler
 *	miss:	fills the table and goes to again, or to the handler
 *
 * The index is masked, so that no address leads outside the table, and an entry is only used
 * when it was just seen to be valid.
 */
#include "cpu/jit/tr.h"

static bool
wide(const struct tr *t)
{
	return t->bits == BITS64;
}

/* index of the pair of EA in R11 */
static void
index_code(struct emit *e, bool is_wide, unsigned ea)
{
	if (is_wide) {
		struct hmem mask = hmem_slot(CPU_SLOT(hot.index_mask));

		emit_mov(e, H_R11, ea);
		emit_rr(e, EI_W, 0xc1, 5, H_R11);
		emit8(e, 8);
		emit_rm(e, EI_W, 0x23, H_R11, &mask);
	} else {
		emit_mov32(e, H_R11, ea);
		emit_rr(e, 0, 0xc1, 5, H_R11);
		emit8(e, 8);
		emit_alu_imm(e, 0, 4, H_R11, 0xfffff0);
	}
}

/* EA is in `ea`; leaves the entry in R11. */
static void
check_code(struct tr *t, unsigned ea, unsigned size, bool write)
{
	struct hmem entry = { .base = H_R11, .index = H_NONE, .disp = write ? 8 : 0, .gs = true };
	struct tr_stub *s;
	uint32_t again = t->e.at, misaligned = 0, ok, miss;

	index_code(&t->e, wide(t), ea);
	if (size > 1) {
		emit_rr(&t->e, EI_REX8, 0xf6, 0, ea);
		emit8(&t->e, (size & -size) == size ? size - 1 : 15);
		misaligned = emit_jcc(&t->e, CC_NE, 0);
	}
	ok = t->e.at;
	emit_load(&t->e, H_R11, &entry);
	emit_rr(&t->e, EI_REX8, 0xf6, 0, H_R11);
	emit8(&t->e, 1);
	miss = emit_jcc(&t->e, CC_E, 0);
	if (misaligned && (s = tr_stub(t, STUB_ALIGN, misaligned))) {
		s->ea = (uint8_t)ea;
		s->size = (uint8_t)size;
		s->wide = wide(t);
		s->strict = t->strict;
		s->back = ok;
	}
	if ((s = tr_stub(t, STUB_MISS, miss))) {
		s->ea = (uint8_t)ea;
		s->write = write;
		s->again = again;
	}
}

void
tr_entry_code(struct tr *t, bool write)
{
	check_code(t, H_R10, 1, write);
}

static void
misaligned_stub(struct tr *t, const struct tr_stub *s)
{
	if (s->strict) {
		tr_to_handler(t, emit_jmp(&t->e, 0));
		return;
	}
	emit_mov32(&t->e, H_R11, s->ea);
	emit_alu_imm(&t->e, 0, 4, H_R11, 0xfff);
	emit_alu_imm(&t->e, 0, 7, H_R11, (int32_t)(4096 - s->size));
	tr_to_handler(t, emit_jcc(&t->e, CC_A, 0));
	index_code(&t->e, s->wide, s->ea);
	emit_jmp(&t->e, s->back);
}

void
tr_mem_stub(struct tr *t, const struct tr_stub *s)
{
	if (s->kind == STUB_ALIGN) {
		misaligned_stub(t, s);
		return;
	}
	if (s->ea != H_R10)
		emit_mov(&t->e, H_R10, s->ea);
	emit_call(&t->e, t->j->g_fill[s->write]);
	emit_jcc(&t->e, CC_NE, s->again);
	tr_to_handler(t, emit_jmp(&t->e, 0));
}

/* ---- addresses ---- */

/* In 64-bit mode with a base alone the register itself is the address. */
static unsigned
base_alone(const struct tr *t, const struct insn *in)
{
	if (!wide(t) || in->asize != 3 || in->disp || in->index != REG_ZERO || in->base >= 16 ||
	    jit_mode_seg(t->mode, in->seg) != JIT_SEG_FLAT)
		return H_NONE;
	return tr_host(in->base);
}

void
tr_ea(struct tr *t, const struct insn *in)
{
	struct hmem m = { .base = H_NONE, .index = H_NONE, .scale = in->scale };
	bool is_wide = in->asize == 3;
	int64_t disp = in->disp;

	if (in->base == REG_RIP || (in->base == REG_ZERO && in->index == REG_ZERO)) {
		uint64_t v = (uint64_t)disp + (in->base == REG_RIP ? tr_next(t) : 0);

		emit_imm(&t->e, H_R10, is_wide ? v : in->asize == 2 ? (uint32_t)v : (uint16_t)v);
		return;
	}
	if (in->base != REG_ZERO)
		m.base = (uint8_t)tr_get(t, in->base, H_R10);
	if (in->index != REG_ZERO)
		m.index = (uint8_t)tr_get(t, in->index, H_R11);
	m.disp = (int32_t)disp;
	emit_lea(&t->e, is_wide, H_R10, &m);
	if (in->asize == 1)
		emit_rr(&t->e, 0, 0x0fb7, H_R10, H_R10);
}

/* Offset in R10 → linear address. */
static void
segment_code(struct tr *t, unsigned seg, unsigned size, unsigned access)
{
	int32_t at = (int32_t)(seg * sizeof(struct seg)) + CPU_SLOT(seg);
	struct hmem base = hmem_slot(at + (int32_t)offsetof(struct seg, lbase));
	struct hmem limit = hmem_slot(at + (int32_t)offsetof(struct seg, vlimit));
	struct hmem ok = hmem_slot(at + (int32_t)offsetof(struct seg, ok));
	enum jit_seg kind = jit_mode_seg(t->mode, seg);

	if (kind == JIT_SEG_FLAT)
		return;
	if (kind == JIT_SEG_LIMITED) {
		struct hmem last = hmem_at(H_R10, (int32_t)size - 1);

		emit_rm(&t->e, 0, 0xf6, 0, &ok);
		emit8(&t->e, access & ACC_W ? SEG_OK_W : SEG_OK_R);
		tr_to_handler(t, emit_jcc(&t->e, CC_E, 0));
		emit_lea(&t->e, true, H_R11, &last);
		emit_rm(&t->e, EI_W, 0x3b, H_R11, &limit);
		tr_to_handler(t, emit_jcc(&t->e, CC_A, 0));
	}
	emit_rm(&t->e, wide(t) ? EI_W : 0, 0x03, H_R10, &base);
}

static struct hmem
checked(unsigned ea)
{
	return (struct hmem){ .base = (uint8_t)ea, .index = H_R11, .disp = -1 };
}

struct hmem
tr_mem(struct tr *t, unsigned size, unsigned access)
{
	const struct hmem offset = hmem_slot(CPU_SLOT(hot.tmp[3]));
	const struct insn *in = t->in;
	struct hmem m;
	unsigned ea;

	if (in->index == REG_ZERO && in->base < 16 && !(in->flags & INSN_FPU) &&
	    in->op != OP_XCHG && !(in->prefix & PFX_LOCK) &&
	    tr_elide(t, in->base, in->disp, size, access & ACC_W, &m))
		return m;
	tr_flags_clobber(t);
	ea = base_alone(t, in);
	if (ea == H_NONE) {
		ea = H_R10;
		tr_ea(t, in);
	}
	if (in->flags & INSN_FPU)
		emit_store(&t->e, ea, &offset); /* for FDP, once it is through */
	if (ea == H_R10)
		segment_code(t, in->seg, size, access);
	check_code(t, ea, size, access & ACC_W);
	return checked(ea);
}

struct hmem
tr_mem_stack(struct tr *t, unsigned reg, int32_t off, unsigned size, unsigned access)
{
	unsigned width = (t->mode->bits & JIT_M_STACK) >> 4;
	struct hmem m = hmem_at(reg, off), shared;
	unsigned ea = H_R10;

	if (tr_elide(t, reg == H_R9 ? REG_SP : REG_BP, off, size, access & ACC_W, &shared))
		return shared;
	tr_flags_clobber(t);
	if (width == 3 && off == 0) {
		ea = reg;
	} else {
		emit_lea(&t->e, width == 3, H_R10, &m);
		if (width == 1)
			emit_rr(&t->e, 0, 0x0fb7, H_R10, H_R10);
	}
	segment_code(t, SEG_SS, size, access);
	check_code(t, ea, size, access & ACC_W);
	return checked(ea);
}

struct hmem
tr_mem_free_r11(struct tr *t, struct hmem m)
{
	if (m.index != H_R11)
		return m;
	emit_lea(&t->e, true, H_R10, &m);
	return hmem_at(H_R10, 0);
}
