/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hardware task switch, SDM 3A 7.3.  Everything that can fault in the old task is done first:
 * checks, probes of what will be written, reading the new state.  After the commit the
 * processor is in the new task: a bad selector there faults with the new CS:EIP saved.
 */
#include "base/log.h"
#include "cpu/cpu.h"
#include "cpu/x86/transfer.h"

enum { DR6_BT = 0x8000, DR7_LOCAL = 0x155 /* L0..L3, LE */ };

/* Offsets in the TSS. */
struct tss_layout {
	uint8_t item; /* bytes of a register slot */
	uint8_t cr3, ip, flags, regs, segs, ldt, trap, end;
	uint8_t nsegs;
};
static const struct tss_layout layout16 = {
	.item = 2,
	.ip = 0x0e,
	.flags = 0x10,
	.regs = 0x12,
	.segs = 0x22,
	.ldt = 0x2a,
	.end = 0x2c,
	.nsegs = 4,
};
static const struct tss_layout layout32 = {
	.item = 4,
	.cr3 = 0x1c,
	.ip = 0x20,
	.flags = 0x24,
	.regs = 0x28,
	.segs = 0x48,
	.ldt = 0x60,
	.trap = 0x64,
	.end = 0x68,
	.nsegs = 6,
};
enum { TSS_MAX = 0x68 };

struct task {
	uint32_t ip, flags, cr3, reg[8];
	uint16_t seg[6], ldt;
	bool trap;
};

static const struct tss_layout *
layout_of(uint16_t attr)
{
	return attr & 8 ? &layout32 : &layout16;
}

/* ---- before the commit ---- */

static struct desc
check_new_tss(struct cpu *c, uint16_t sel, enum task_cause cause)
{
	unsigned vector = cause == TASK_IRET ? EXC_TS : EXC_GP;
	struct desc d;
	unsigned type;

	if (sel & 4)
		cpu_raise_err(c, vector, sel & ~3u);
	d = desc_read(c, sel, vector);
	type = desc_sys_type(d.attr);
	if (cause == TASK_IRET ? type != SYS_TSS16_BUSY && type != SYS_TSS32_BUSY
			       : type != SYS_TSS16 && type != SYS_TSS32)
		cpu_raise_err(c, vector, sel & ~3u);
	if (!(d.attr & DESC_P))
		cpu_raise_err(c, EXC_NP, sel & ~3u);
	if (d.limit < layout_of(d.attr)->end - 1u)
		cpu_raise_err(c, EXC_TS, sel & ~3u);
	return d;
}

static void
read_task(struct cpu *c, const struct desc *d, struct task *t)
{
	const struct tss_layout *l = layout_of(d->attr);
	uint8_t tss[TSS_MAX] = { 0 };

	sys_read_bytes(c, d->base, tss, l->end);
	*t = (struct task){
		.ip = (uint32_t)get_le(tss + l->ip, l->item),
		.flags = (uint32_t)get_le(tss + l->flags, l->item),
		.ldt = get_le16(tss + l->ldt),
	};
	for (unsigned i = 0; i < 8; i++)
		t->reg[i] = (uint32_t)get_le(tss + l->regs + i * l->item, l->item);
	for (unsigned i = 0; i < l->nsegs; i++)
		t->seg[i] = get_le16(tss + l->segs + i * l->item);
	if (l->item == 4) {
		t->cr3 = get_le32(tss + l->cr3);
		t->trap = tss[l->trap] & 1;
	}
}

/* Address of the descriptor that TR was loaded from. */
static struct desc
old_descriptor(struct cpu *c)
{
	struct desc d = { .addr = (c->gdtr.base + (c->seg[SEG_TR].sel & ~7u)) & 0xffffffff };

	return d;
}

static void
probe_writes(struct cpu *c, const struct desc *new, enum task_cause cause)
{
	const struct seg *tr = &c->seg[SEG_TR];
	const struct tss_layout *l = layout_of(tr->attr);

	if (!(tr->attr & DESC_P) || tr->limit < l->end - 1u)
		cpu_raise_err(c, EXC_TS, tr->sel & ~3u);
	sys_probe_write(c, (tr->base + l->ip) & 0xffffffff, l->ldt - l->ip);
	if (cause == TASK_CALL || cause == TASK_INT)
		sys_probe_write(c, new->base, 2);
	if (cause != TASK_IRET)
		sys_probe_write(c, new->addr + 5, 1);
	if (cause == TASK_JMP || cause == TASK_IRET)
		sys_probe_write(c, old_descriptor(c).addr + 5, 1);
}

static void
save_task(struct cpu *c, uint32_t flags)
{
	const struct seg *tr = &c->seg[SEG_TR];
	const struct tss_layout *l = layout_of(tr->attr);
	uint8_t tss[TSS_MAX] = { 0 };

	put_le(tss + l->ip, l->item, c->gpr[REG_RIP]);
	put_le(tss + l->flags, l->item, flags);
	for (unsigned i = 0; i < 8; i++)
		put_le(tss + l->regs + i * l->item, l->item, c->gpr[i]);
	for (unsigned i = 0; i < l->nsegs; i++)
		put_le16(tss + l->segs + i * l->item, c->seg[i].sel);
	sys_write_bytes(c, (tr->base + l->ip) & 0xffffffff, tss + l->ip, l->ldt - l->ip);
}

/* ---- after it: the new task's context ---- */

static void
load_registers(struct cpu *c, const struct desc *d, const struct task *t, uint32_t flags)
{
	enum {
		VALID = FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF | FL_VM | FL_AC | FL_VIF |
		        FL_VIP | FL_ID
	};

	for (unsigned i = 0; i < 8; i++)
		c->gpr[i] = t->reg[i];
	c->gpr[REG_RIP] = c->insn_rip = t->ip;
	flags_set_arith(c, flags);
	c->eflags = flags & VALID;
	for (unsigned i = SEG_ES; i <= SEG_GS; i++)
		seg_set_null(c, i, t->seg[i]); /* not valid until its turn comes */
	seg_set_null(c, SEG_LDTR, t->ldt);
	c->cr0 |= CR0_TS;
	c->dr[7] &= ~(uint64_t)DR7_LOCAL;
	c->cpl = flags & FL_VM ? 3 : t->seg[SEG_CS] & 3;
	if ((d->attr & 8) && (c->cr0 & CR0_PG)) {
		if ((c->cr4 & CR4_PAE) && !mmu_load_pdptes(c, t->cr3))
			cpu_raise_gp(c, 0);
		c->cr3 = t->cr3;
		tlb_flush_nonglobal(c);
	}
	cpu_mode_derive(c);
}

static void
load_ldt(struct cpu *c, uint16_t sel)
{
	struct desc d;

	if (sel_is_null(sel))
		return;
	if (sel & 4)
		cpu_raise_err(c, EXC_TS, sel & ~3u);
	d = desc_read(c, sel, EXC_TS);
	if (desc_sys_type(d.attr) != SYS_LDT || !(d.attr & DESC_P))
		cpu_raise_err(c, EXC_TS, sel & ~3u);
	seg_load_system(c, SEG_LDTR, sel, &d, 0);
}

static void
load_cs(struct cpu *c, uint16_t sel)
{
	unsigned rpl = sel & 3;
	struct desc d;

	if (sel_is_null(sel))
		cpu_raise_err(c, EXC_TS, 0);
	d = desc_read(c, sel, EXC_TS);
	if (!desc_is_code(d.attr) ||
	    (desc_is_conforming(d.attr) ? desc_dpl(d.attr) > rpl : desc_dpl(d.attr) != rpl))
		cpu_raise_err(c, EXC_TS, sel & ~3u);
	if (!(d.attr & DESC_P))
		cpu_raise_err(c, EXC_NP, sel & ~3u);
	seg_set_cs(c, sel, &d, rpl);
}

static void
load_ss(struct cpu *c, uint16_t sel)
{
	struct desc d;

	if (sel_is_null(sel))
		cpu_raise_err(c, EXC_TS, 0);
	d = seg_check_ss(c, sel, c->cpl, EXC_TS);
	seg_from_desc(&c->seg[SEG_SS], sel, &d);
}

static void
load_data(struct cpu *c, unsigned seg, uint16_t sel)
{
	struct desc d;
	unsigned dpl;

	if (sel_is_null(sel))
		return;
	d = desc_read(c, sel, EXC_TS);
	dpl = desc_dpl(d.attr);
	if (!(d.attr & DESC_S) || (d.attr & (DESC_CODE | DESC_W)) == DESC_CODE)
		cpu_raise_err(c, EXC_TS, sel & ~3u);
	if (!desc_is_conforming(d.attr) && ((sel & 3u) > dpl || c->cpl > dpl))
		cpu_raise_err(c, EXC_TS, sel & ~3u);
	if (!(d.attr & DESC_P))
		cpu_raise_err(c, EXC_NP, sel & ~3u);
	desc_set_accessed(c, &d);
	seg_from_desc(&c->seg[seg], sel, &d);
}

static void
load_segments(struct cpu *c, const struct task *t)
{
	static const uint8_t data[] = { SEG_DS, SEG_ES, SEG_FS, SEG_GS };

	load_ldt(c, t->ldt);
	if (cpu_is_v86(c)) {
		for (unsigned i = SEG_ES; i <= SEG_GS; i++)
			seg_load_v86(c, i, t->seg[i]);
	} else {
		load_cs(c, t->seg[SEG_CS]);
		load_ss(c, t->seg[SEG_SS]);
		for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
			load_data(c, data[i], t->seg[data[i]]);
	}
	cpu_mode_derive(c);
}

static void
push_error(struct cpu *c, uint32_t error, unsigned size)
{
	struct stk s;

	stk_current(c, &s);
	stk_room(c, &s, 1, size);
	stk_push(c, &s, size, error);
	stk_commit_sp(c, &s);
}

void
task_switch(struct cpu *c, uint16_t tss_sel, enum task_cause cause, bool has_error, uint32_t error)
{
	struct desc d = check_new_tss(c, tss_sel, cause);
	uint16_t old_sel = c->seg[SEG_TR].sel;
	bool nested = cause == TASK_CALL || cause == TASK_INT;
	uint32_t old_flags = flags_get(c), flags;
	struct task t;

	probe_writes(c, &d, cause);
	read_task(c, &d, &t);
	trace(TRACE_CPU, "cpu%u task %04x -> %04x cs:ip %04x:%08x", c->index, old_sel, tss_sel,
	    t.seg[SEG_CS], t.ip);

	if (cause == TASK_IRET)
		old_flags &= ~(uint32_t)FL_NT;
	save_task(c, old_flags);
	if (!nested) {
		struct desc old = old_descriptor(c);

		desc_set_type_bits(c, &old, 0, TSS_BUSY);
	}
	if (cause != TASK_IRET)
		desc_set_type_bits(c, &d, TSS_BUSY, 0);
	if (nested)
		sys_write16(c, d.base, old_sel);
	flags = nested ? t.flags | FL_NT : t.flags;
	d.attr |= TSS_BUSY;
	seg_load_system(c, SEG_TR, tss_sel, &d, 0);
	load_registers(c, &d, &t, flags);
	load_segments(c, &t);
	if (has_error)
		push_error(c, error, layout_of(d.attr)->item);
	if (t.trap) {
		c->dr6_pending |= DR6_BT;
		cpu_kick(c, ATT_DEBUG);
	}
	cpu_end_block(c);
}
