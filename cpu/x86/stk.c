/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stacks of far transfers and interrupts: see transfer.h. */
#include "cpu/x86/transfer.h"

enum { TSS32_ESP0 = 4, TSS16_SP0 = 2, TSS64_RSP0 = 4, TSS64_IST1 = 0x24 };

static uint64_t
sp_mask(uint16_t ss_attr)
{
	return ss_attr & DESC_DB ? 0xffffffffull : 0xffffull;
}

void
stk_current(struct cpu *c, struct stk *s)
{
	const struct seg *ss = &c->seg[SEG_SS];

	*s = (struct stk){
		.base = ss->base,
		.limit = ss->limit,
		.attr = ss->attr,
		.sel = ss->sel,
		.mask = stack_mask(c),
		.sp = c->gpr[REG_SP] & stack_mask(c),
		.sys = c->cpl != 3,
		.flat = c->bits == BITS64,
	};
	if (s->flat)
		s->base = 0;
}

/* SDM 3A 6.12.1 and 5.8.5: SS:ESP of level dpl. EXT is added by cpu_raise_err(). */
void
stk_inner(struct cpu *c, struct stk *s, unsigned dpl)
{
	const struct seg *tr = &c->seg[SEG_TR];
	bool tss32 = tr->attr & 8;
	unsigned off = tss32 ? TSS32_ESP0 + dpl * 8 : TSS16_SP0 + dpl * 4;
	uint64_t addr = tr->base + off, sp;
	uint16_t sel;

	if (off + (tss32 ? 5u : 3u) > tr->limit)
		cpu_raise_err(c, EXC_TS, tr->sel & ~3u);
	if (tss32) {
		sp = sys_read32(c, addr & sys_mask(c));
		sel = sys_read16(c, (addr + 4) & sys_mask(c));
	} else {
		sp = sys_read16(c, addr & sys_mask(c));
		sel = sys_read16(c, (addr + 2) & sys_mask(c));
	}
	if (sel_is_null(sel))
		cpu_raise_err(c, EXC_TS, 0);
	*s = (struct stk){ .d = seg_check_ss(c, sel, dpl, EXC_TS), .sel = sel, .sys = dpl != 3 };
	s->base = s->d.base;
	s->limit = s->d.limit;
	s->attr = s->d.attr;
	s->mask = sp_mask(s->attr);
	s->sp = sp & s->mask;
	s->error = sel & ~3u;
}

void
stk_inner_long(struct cpu *c, struct stk *s, unsigned dpl, unsigned ist)
{
	const struct seg *tr = &c->seg[SEG_TR];
	unsigned off = ist ? TSS64_IST1 + (ist - 1) * 8 : TSS64_RSP0 + dpl * 8;
	uint64_t sp;

	if (off + 7 > tr->limit)
		cpu_raise_err(c, EXC_TS, tr->sel & ~3u);
	sp = sys_read64(c, tr->base + off);
	if (!mmu_canonical(sp))
		cpu_raise_err(c, EXC_SS, 0);
	*s = (struct stk){
		.sp = sp,
		.mask = ~0ull,
		.sel = (uint16_t)dpl, /* null selector with the new level */
		.sys = dpl != 3,
		.flat = true,
	};
}

static bool
stk_fits(const struct stk *s, uint64_t sp, unsigned size)
{
	uint64_t last = sp + size - 1;

	if (s->attr & DESC_E) /* expand-down: above the limit, below the top (SDM 3A 3.4.5.1) */
		return sp > s->limit && last <= s->mask;
	return last <= s->limit;
}

void
stk_room(struct cpu *c, const struct stk *s, unsigned n, unsigned size)
{
	uint64_t sp = s->sp;

	if (s->flat)
		return;
	for (unsigned i = 0; i < n; i++) {
		sp = (sp - size) & s->mask;
		if (!(s->attr & DESC_P) || !stk_fits(s, sp, size))
			cpu_raise_err(c, EXC_SS, s->error);
	}
}

void
stk_push(struct cpu *c, struct stk *s, unsigned size, uint64_t v)
{
	uint64_t sp = (s->sp - size) & s->mask;

	if (!s->flat && !stk_fits(s, sp, size))
		cpu_raise_err(c, EXC_SS, s->error);
	if (s->flat && !mmu_canonical(sp))
		cpu_raise_err(c, EXC_SS, s->error);
	access_write_slow(c, (s->base + sp) & sys_mask(c), size, v, s->sys);
	s->sp = sp;
}

void
stk_commit_sp(struct cpu *c, const struct stk *s)
{
	c->gpr[REG_SP] = (c->gpr[REG_SP] & ~s->mask) | (s->sp & s->mask);
	if (s->mask == 0xffffffff)
		c->gpr[REG_SP] = (uint32_t)s->sp;
}

void
stk_commit_inner(struct cpu *c, const struct stk *s, unsigned cpl)
{
	if (s->flat)
		seg_set_null(c, SEG_SS, (uint16_t)cpl);
	else
		seg_from_desc(&c->seg[SEG_SS], s->sel, &s->d);
	cpu_seg_derive(c, SEG_SS);
	stk_commit_sp(c, s);
}
