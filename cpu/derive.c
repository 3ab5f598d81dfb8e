/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What follows from the architectural state, kept ready for the hot paths. */
#include "cpu/mmu/tlb.h"
#include "cpu/run.h"
#include "cpu/x86/sys.h"

static uint8_t
seg_rights(const struct cpu *c, const struct seg *s)
{
	if (!(s->attr & DESC_P))
		return 0;
	if (!cpu_is_prot(c)) /* real and V86 mode look at the limit only (SDM 3A 20.1.1) */
		return SEG_OK_R | SEG_OK_W;
	if (s->attr & DESC_CODE)
		return s->attr & DESC_W ? SEG_OK_R : 0;
	if (s->attr & DESC_E) /* expand-down: always the slow check */
		return 0;
	return s->attr & DESC_W ? SEG_OK_R | SEG_OK_W : SEG_OK_R;
}

void
cpu_seg_derive(struct cpu *c, unsigned seg)
{
	struct seg *s = &c->seg[seg];

	c->hot.dirty = true;
	if (seg == SEG_SS)
		c->stack_size = c->bits == BITS64 ? 3 : s->attr & DESC_DB ? 2 : 1;
	if (c->bits == BITS64 && seg <= SEG_GS) {
		s->lbase = seg >= SEG_FS ? s->base : 0;
		s->vlimit = UINT64_MAX;
		s->ok = SEG_OK_R | SEG_OK_W;
		return;
	}
	s->lbase = s->base;
	s->vlimit = s->limit;
	s->ok = seg_rights(c, s);
}

static uint8_t
code_bits(const struct cpu *c)
{
	if (c->long_mode && (c->seg[SEG_CS].attr & DESC_L))
		return BITS64;
	return c->seg[SEG_CS].attr & DESC_DB ? BITS32 : BITS16;
}

void
cpu_mode_derive(struct cpu *c)
{
	c->hot.dirty = true;
	c->bits = code_bits(c);
	c->lin_mask = c->bits == BITS64 ? UINT64_MAX : UINT32_MAX;
	c->single = (c->eflags & (FL_TF | FL_RF)) || run_debug_step_on(c);
	c->slow_tlb = debug_has_data_bp(c) || run_debug_watches(c) ||
	              ((c->cr0 & CR0_AM) && (c->eflags & FL_AC) && c->cpl == 3);
	c->exec_breaks = debug_has_exec_bp(c) || run_debug_breaks(c);
	c->tlb = c->slow_tlb ? c->tlbs[TLB_MISS] : tlb_table(c, c->cpl == 3);
	for (unsigned s = SEG_ES; s <= SEG_GS; s++)
		cpu_seg_derive(c, s);
	/* The rest of a block was decoded and may be bound for another mode. */
	c->block_end = NULL;
}
