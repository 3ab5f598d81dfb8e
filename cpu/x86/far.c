/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Far JMP, CALL and RET: direct, through call gates, to tasks; SDM 3A 5.8, SDM 2A CALL, JMP. */
#include "cpu/x86/transfer.h"

void
far_load_cs_real(struct cpu *c, uint16_t sel, uint64_t ip)
{
	/* V86: every segment is 64 KiB; real mode keeps whatever limit CS has. */
	if (ip > c->seg[SEG_CS].limit)
		cpu_raise_gp(c, 0);
	seg_load_real(c, SEG_CS, sel);
	c->gpr[REG_RIP] = ip;
	cpu_mode_derive(c);
}

/* A code segment that JMP or CALL goes to without a change of level. */
static void
check_direct(struct cpu *c, uint16_t sel, const struct desc *d)
{
	unsigned dpl = desc_dpl(d->attr);

	if (desc_is_conforming(d->attr) ? dpl > c->cpl : ((sel & 3u) > c->cpl || dpl != c->cpl))
		cpu_raise_gp(c, sel & ~3u);
	seg_check_cs_long(c, sel, d);
	if (!(d->attr & DESC_P))
		cpu_raise_err(c, EXC_NP, sel & ~3u);
}

/* Call, task gates and TSS descriptors: visible to CPL and RPL. */
static void
check_system_dpl(struct cpu *c, uint16_t sel, const struct desc *d)
{
	unsigned dpl = desc_dpl(d->attr);

	if (dpl < c->cpl || dpl < (sel & 3u))
		cpu_raise_gp(c, sel & ~3u);
}

/* ---- call gates ---- */

struct call_gate {
	uint64_t off;
	uint16_t sel;
	uint8_t count; /* parameters to copy */
	uint8_t size;  /* of a stack item: 2, 4, 8 */
};

/* The gate and the code segment behind it; what JMP and CALL check alike. */
static struct desc
gate_target(struct cpu *c, uint16_t sel, const struct desc *d, struct call_gate *g)
{
	struct desc cs;

	check_system_dpl(c, sel, d);
	if (!(d->attr & DESC_P))
		cpu_raise_err(c, EXC_NP, sel & ~3u);
	g->sel = (uint16_t)(d->lo >> 16);
	g->off = (d->lo & 0xffff) | (d->hi & 0xffff0000);
	g->count = d->hi & 0x1f;
	g->size = 4;
	if (c->long_mode) {
		g->off |= desc_read_high(c, sel, d, EXC_GP);
		g->size = 8;
		g->count = 0;
	} else if (desc_sys_type(d->attr) == SYS_CALL16) {
		g->off &= 0xffff;
		g->size = 2;
	}
	if (sel_is_null(g->sel))
		cpu_raise_gp(c, 0);
	cs = desc_read(c, g->sel, EXC_GP);
	if (!desc_is_code(cs.attr) || desc_dpl(cs.attr) > c->cpl)
		cpu_raise_gp(c, g->sel & ~3u);
	if (c->long_mode && (cs.attr & (DESC_L | DESC_DB)) != DESC_L)
		cpu_raise_gp(c, g->sel & ~3u);
	if (!(cs.attr & DESC_P))
		cpu_raise_err(c, EXC_NP, g->sel & ~3u);
	return cs;
}

static void
jmp_gate(struct cpu *c, uint16_t sel, const struct desc *d)
{
	struct call_gate g;
	struct desc cs = gate_target(c, sel, d, &g);

	if (!desc_is_conforming(cs.attr) && desc_dpl(cs.attr) != c->cpl)
		cpu_raise_gp(c, g.sel & ~3u);
	seg_check_ip(c, &cs, g.off);
	seg_set_cs(c, g.sel, &cs, c->cpl);
	c->gpr[REG_RIP] = g.off;
}

static void
call_gate_same(struct cpu *c, const struct call_gate *g, const struct desc *cs)
{
	struct stk s;

	stk_current(c, &s);
	if (c->long_mode) /* the target is 64-bit code: flat */
		s = (struct stk){
			.sp = c->gpr[REG_SP], .mask = ~0ull, .sys = c->cpl != 3, .flat = true
		};
	stk_room(c, &s, 2, g->size);
	seg_check_ip(c, cs, g->off);
	stk_push(c, &s, g->size, c->seg[SEG_CS].sel);
	stk_push(c, &s, g->size, c->gpr[REG_RIP]);
	seg_set_cs(c, g->sel, cs, c->cpl);
	stk_commit_sp(c, &s);
	c->gpr[REG_RIP] = g->off;
}

/* To an inner level: new stack from the TSS, parameters copied (SDM 3A 5.8.5). */
static void
call_gate_inner(struct cpu *c, const struct call_gate *g, struct desc *cs)
{
	unsigned dpl = desc_dpl(cs->attr);
	uint32_t param[31];
	struct stk s;

	if (c->long_mode)
		stk_inner_long(c, &s, dpl, 0);
	else
		stk_inner(c, &s, dpl);
	stk_room(c, &s, 4u + g->count, g->size);
	seg_check_ip(c, cs, g->off);
	for (unsigned i = 0; i < g->count; i++)
		param[i] = (uint32_t)stack_peek(c, i * g->size, g->size);
	desc_set_accessed(c, cs);
	stk_push(c, &s, g->size, c->seg[SEG_SS].sel);
	stk_push(c, &s, g->size, c->gpr[REG_SP]);
	for (unsigned i = g->count; i-- > 0;)
		stk_push(c, &s, g->size, param[i]);
	stk_push(c, &s, g->size, c->seg[SEG_CS].sel);
	stk_push(c, &s, g->size, c->gpr[REG_RIP]);

	stk_commit_inner(c, &s, dpl);
	seg_set_cs(c, g->sel, cs, dpl);
	c->gpr[REG_RIP] = g->off;
}

static void
call_gate(struct cpu *c, uint16_t sel, const struct desc *d)
{
	struct call_gate g;
	struct desc cs = gate_target(c, sel, d, &g);

	if (!desc_is_conforming(cs.attr) && desc_dpl(cs.attr) < c->cpl)
		call_gate_inner(c, &g, &cs);
	else
		call_gate_same(c, &g, &cs);
}

/* ---- JMP and CALL ---- */

/* Gates and tasks; false: not one of them. */
static bool
far_system(struct cpu *c, uint16_t sel, const struct desc *d, bool is_call)
{
	enum task_cause cause = is_call ? TASK_CALL : TASK_JMP;

	switch (desc_sys_type(d->attr)) {
	case SYS_CALL16:
		if (c->long_mode)
			return false;
		__attribute__((fallthrough));
	case SYS_CALL32: (is_call ? call_gate : jmp_gate)(c, sel, d); return true;
	case SYS_TASK_GATE:
		if (c->long_mode)
			return false;
		check_system_dpl(c, sel, d);
		if (!(d->attr & DESC_P))
			cpu_raise_err(c, EXC_NP, sel & ~3u);
		task_switch(c, (uint16_t)(d->lo >> 16), cause, false, 0);
		return true;
	case SYS_TSS16:
	case SYS_TSS32:
		if (c->long_mode)
			return false;
		check_system_dpl(c, sel, d);
		task_switch(c, sel, cause, false, 0);
		return true;
	default: return false;
	}
}

void
far_jmp(struct cpu *c, uint16_t sel, uint64_t off, unsigned size)
{
	struct desc d;

	if (!cpu_is_prot(c)) {
		far_load_cs_real(c, sel, off);
		return;
	}
	if (sel_is_null(sel))
		cpu_raise_gp(c, 0);
	d = desc_read(c, sel, EXC_GP);
	if (!desc_is_code(d.attr)) {
		if (!far_system(c, sel, &d, false))
			cpu_raise_gp(c, sel & ~3u);
		return;
	}
	check_direct(c, sel, &d);
	seg_check_ip(c, &d, off);
	seg_set_cs(c, sel, &d, c->cpl);
	c->gpr[REG_RIP] = off;
}

void
far_call(struct cpu *c, uint16_t sel, uint64_t off, unsigned size)
{
	bool prot = cpu_is_prot(c);
	struct desc d = { 0 };
	struct stk s;

	if (prot) {
		if (sel_is_null(sel))
			cpu_raise_gp(c, 0);
		d = desc_read(c, sel, EXC_GP);
		if (!desc_is_code(d.attr)) {
			if (!far_system(c, sel, &d, true))
				cpu_raise_gp(c, sel & ~3u);
			return;
		}
		check_direct(c, sel, &d);
		desc_set_accessed(c, &d);
	}
	stk_current(c, &s);
	stk_room(c, &s, 2, size);
	if (prot)
		seg_check_ip(c, &d, off);
	else if (off > c->seg[SEG_CS].limit)
		cpu_raise_gp(c, 0);
	stk_push(c, &s, size, c->seg[SEG_CS].sel);
	stk_push(c, &s, size, c->gpr[REG_RIP]);
	if (prot) {
		seg_set_cs(c, sel, &d, c->cpl);
		c->gpr[REG_RIP] = off;
	} else {
		far_load_cs_real(c, sel, off);
	}
	/* The mask is the old stack's: SP of a 64-bit stack stays 64 bits wide. */
	stk_commit_sp(c, &s);
}

static void
far_target(struct cpu *c, const struct insn *in, uint16_t *ret_sel, uint64_t *ret_off)
{
	unsigned size = insn_size(in);

	if (in->kind[0] == OPD_FAR) {
		*ret_off = (uint32_t)in->imm;
		*ret_sel = (uint16_t)(in->imm >> 32);
	} else {
		unsigned sh = 64 - (8u << in->asize);
		uint64_t ea = insn_ea(c, in);

		*ret_off = mem_read(c, in->seg, ea, size);
		*ret_sel = mem_read16(c, in->seg, (ea + size) << sh >> sh);
	}
	if (size == 2)
		*ret_off &= 0xffff;
}

static void
do_jmpf(struct cpu *c, const struct insn *in)
{
	uint16_t sel;
	uint64_t off;

	far_target(c, in, &sel, &off);
	far_jmp(c, sel, off, insn_size(in));
	cpu_end_block(c);
}
SEM_ONE(jmpf)

static void
do_callf(struct cpu *c, const struct insn *in)
{
	uint16_t sel;
	uint64_t off;

	far_target(c, in, &sel, &off);
	far_call(c, sel, off, insn_size(in));
	cpu_end_block(c);
}
SEM_ONE(callf)

/* ---- RET ---- */

static void
retf_outer(struct cpu *c, unsigned size, unsigned extra, uint16_t sel, uint64_t ip, struct desc *cs)
{
	unsigned rpl = sel & 3;
	uint64_t sp = stack_peek(c, 2 * size + extra, size);
	uint16_t ss_sel = (uint16_t)stack_peek(c, 3 * size + extra, size);
	bool code64 = c->long_mode && (cs->attr & DESC_L);
	struct desc ss = seg_check_return_ss(c, ss_sel, rpl, code64);

	seg_check_ip(c, cs, ip);
	desc_set_accessed(c, cs);

	seg_from_desc(&c->seg[SEG_SS], ss_sel, &ss);
	c->gpr[REG_RIP] = ip;
	seg_set_cs(c, sel, cs, rpl);
	stack_set_sp(c, sp + extra); /* the parameters on the outer stack go too */
	seg_drop_inner(c);
}

static void
far_ret(struct cpu *c, unsigned size, unsigned extra)
{
	uint64_t ip = stack_peek(c, 0, size);
	uint16_t sel = (uint16_t)stack_peek(c, size, size);
	uint64_t mask, sp;
	struct desc cs;

	if (!cpu_is_prot(c)) {
		far_load_cs_real(c, sel, ip);
		stack_set_sp(c, c->gpr[REG_SP] + 2 * size + extra);
		return;
	}
	cs = seg_check_return_cs(c, sel);
	if ((sel & 3u) > c->cpl) {
		retf_outer(c, size, extra, sel, ip, &cs);
		return;
	}
	seg_check_ip(c, &cs, ip);
	mask = stack_mask(c);
	sp = (c->gpr[REG_SP] + 2 * size + extra) & mask;
	seg_set_cs(c, sel, &cs, c->cpl);
	c->gpr[REG_RIP] = ip;
	c->gpr[REG_SP] = mask == 0xffff ? (c->gpr[REG_SP] & ~mask) | sp : sp;
}

static void
do_retf(struct cpu *c, const struct insn *in)
{
	far_ret(c, insn_size(in), 0);
	cpu_end_block(c);
}
SEM_ONE(retf)

static void
do_retf_imm(struct cpu *c, const struct insn *in)
{
	far_ret(c, insn_size(in), (uint16_t)in->imm);
	cpu_end_block(c);
}
SEM_ONE(retf_imm)
