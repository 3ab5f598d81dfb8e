/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raising and delivering exceptions and interrupts, SDM 3A chapter 6 and 3B chapter 20
 * (real and virtual-8086 mode).
 *
 * While an event is being delivered c->exc_depth holds its class, so that a fault raised
 * meanwhile becomes #DF or shutdown by the table of 6.15.  Registers change only after the
 * last memory access that can fault: the same event, or the one it became, is then delivered
 * from an unchanged state.
 */
#include "base/log.h"
#include "cpu/cpu.h"
#include "cpu/x86/transfer.h"

enum exc_class { CLASS_NONE, CLASS_BENIGN, CLASS_CONTRIBUTORY, CLASS_PF, CLASS_DF };
enum { DR6_BD = 0x2000, DR7_GD = 0x2000 };

#define VEC(v) (1u << (v))

static enum exc_class
exc_class(unsigned vector)
{
	if (vector == EXC_PF)
		return CLASS_PF;
	if (vector == EXC_DF)
		return CLASS_DF;
	if (vector < 32 &&
	    ((VEC(EXC_DE) | VEC(EXC_TS) | VEC(EXC_NP) | VEC(EXC_SS) | VEC(EXC_GP)) >> vector & 1))
		return CLASS_CONTRIBUTORY;
	return CLASS_BENIGN;
}

/* Faults push RF = 1 so that the instruction can go on past its own breakpoint. */
static bool
exc_is_fault(unsigned vector)
{
	return vector < 32 && !((VEC(EXC_DB) | VEC(EXC_NMI) | VEC(EXC_BP) | VEC(EXC_OF) |
				    VEC(EXC_DF) | VEC(EXC_MC)) >>
				      vector &
				  1);
}

static NORETURN void
exc_shutdown(struct cpu *c)
{
	trace(TRACE_INT, "cpu%u triple fault at %04x:%llx", c->index, c->seg[SEG_CS].sel,
	    (unsigned long long)c->insn_rip);
	c->exc_vector = -1;
	c->exc_depth = CLASS_NONE;
	c->shutdown = true;
	c->halted = true;
	c->env->triple_fault(c->env->ctx, c->index);
	longjmp(c->fault, 1);
}

static NORETURN void
exc_raise(struct cpu *c, unsigned vector, bool has_error, uint32_t error)
{
	enum exc_class second = exc_class(vector);

	if (c->exc_depth == CLASS_DF && second != CLASS_BENIGN)
		exc_shutdown(c);
	if ((c->exc_depth == CLASS_CONTRIBUTORY && second == CLASS_CONTRIBUTORY) ||
	    (c->exc_depth == CLASS_PF && second != CLASS_BENIGN)) {
		vector = EXC_DF;
		has_error = true;
		error = 0;
	}
	c->exc_vector = (int)vector;
	c->exc_has_error = has_error;
	c->exc_error = error;
	c->exc_soft = false;
	longjmp(c->fault, 1);
}

void
cpu_raise(struct cpu *c, unsigned vector)
{
	exc_raise(c, vector, false, 0);
}

/* EXT: raised while something the program did not ask for was being delivered (6.13). */
void
cpu_raise_err(struct cpu *c, unsigned vector, uint32_t error)
{
	if (c->exc_depth && !c->exc_soft && vector >= EXC_TS && vector <= EXC_GP)
		error |= ERR_EXT;
	exc_raise(c, vector, true, error);
}

void
cpu_raise_pf(struct cpu *c, uint64_t linear, uint32_t error)
{
	c->cr2 = linear;
	exc_raise(c, EXC_PF, true, error);
}

/* ---- real mode and redirected V86 interrupts ---- */

/* SDM 3B 20.3.3: clear bit = through the 8086 program's own vector table. */
bool
vme_redirected(struct cpu *c, unsigned vector)
{
	const struct seg *tr = &c->seg[SEG_TR];
	uint32_t io, off;

	if (!(tr->attr & DESC_P) || !(tr->attr & 8) || tr->limit < 0x67)
		cpu_raise_gp(c, 0);
	io = sys_read16(c, (tr->base + 0x66) & sys_mask(c));
	off = io - 32 + vector / 8;
	if (io < 32 || off > tr->limit)
		cpu_raise_gp(c, 0);
	return !(sys_read8(c, (tr->base + off) & sys_mask(c)) >> (vector & 7) & 1);
}

void
exc_deliver_real(struct cpu *c, unsigned vector, bool vme)
{
	uint32_t flags = flags_get(c);
	bool virtual_if = vme && (c->eflags & FL_IOPL) != FL_IOPL;
	struct stk s;
	uint32_t entry;

	if (vme)
		entry = lin_read32(c, vector * 4);
	else if (vector * 4 + 3 > c->idtr.limit)
		cpu_raise_gp(c, vector * 8 + ERR_IDT);
	else
		entry = sys_read32(c, (c->idtr.base + vector * 4) & 0xffffffff);
	if (virtual_if)
		flags = (flags & ~(uint32_t)FL_IF) | FL_IOPL | (c->eflags & FL_VIF ? FL_IF : 0);
	stk_current(c, &s);
	stk_room(c, &s, 3, 2);
	stk_push(c, &s, 2, flags);
	stk_push(c, &s, 2, c->seg[SEG_CS].sel);
	stk_push(c, &s, 2, c->gpr[REG_RIP]);
	stk_commit_sp(c, &s);
	c->eflags &= ~(uint32_t)(virtual_if ? FL_VIF | FL_TF : FL_IF | FL_TF);
	c->eflags &= ~(uint32_t)(FL_RF | (vme ? 0 : FL_AC));
	seg_load_real(c, SEG_CS, (uint16_t)(entry >> 16));
	c->gpr[REG_RIP] = entry & 0xffff;
	cpu_mode_derive(c);
}

/* ---- protected mode ---- */

struct event {
	unsigned vector;
	bool has_error, soft, fault;
	uint32_t error;
};
struct gate {
	uint64_t off;
	uint16_t sel, attr;
	uint8_t ist;
};

static struct gate
gate_unpack(uint64_t raw)
{
	return (struct gate){
		.off = (raw & 0xffff) | (raw >> 32 & 0xffff0000),
		.sel = (uint16_t)(raw >> 16),
		.attr = (uint16_t)(raw >> 40 & 0xff),
		.ist = raw >> 32 & 7,
	};
}

/* The checks every gate of the IDT goes through; types: bit per accepted gate type. */
static struct gate
gate_read(struct cpu *c, const struct event *ev, unsigned size, unsigned types)
{
	uint32_t error = ev->vector * 8 + ERR_IDT;
	uint64_t addr = (c->idtr.base + ev->vector * size) & sys_mask(c);
	struct gate g;

	if (ev->vector * size + size - 1 > c->idtr.limit)
		cpu_raise_gp(c, error);
	g = gate_unpack(sys_read64(c, addr));
	if (size == 16)
		g.off |= (uint64_t)sys_read32(c, addr + 8) << 32;
	if ((g.attr & DESC_S) || !(types >> (g.attr & DESC_TYPE) & 1))
		cpu_raise_gp(c, error);
	if (ev->soft && desc_dpl(g.attr) < c->cpl)
		cpu_raise_gp(c, error);
	if (!(g.attr & DESC_P))
		cpu_raise_err(c, EXC_NP, error);
	return g;
}

static struct desc
gate_code(struct cpu *c, const struct gate *g)
{
	struct desc d;

	if (sel_is_null(g->sel))
		cpu_raise_gp(c, 0);
	d = desc_read(c, g->sel, EXC_GP);
	if (!desc_is_code(d.attr) || desc_dpl(d.attr) > c->cpl)
		cpu_raise_gp(c, g->sel & ~3u);
	if (c->long_mode && (d.attr & (DESC_L | DESC_DB)) != DESC_L)
		cpu_raise_gp(c, g->sel & ~3u);
	if (!(d.attr & DESC_P))
		cpu_raise_err(c, EXC_NP, g->sel & ~3u);
	return d;
}

static void
enter_handler(struct cpu *c, const struct gate *g, const struct desc *d, unsigned cpl)
{
	c->eflags &= ~(uint32_t)(FL_TF | FL_NT | FL_RF | FL_VM);
	if (!(g->attr & 1)) /* interrupt gate */
		c->eflags &= ~(uint32_t)FL_IF;
	c->gpr[REG_RIP] = g->off;
	seg_set_cs(c, g->sel, d, cpl);
}

static void
push_frame(struct cpu *c, struct stk *s, unsigned size, const struct event *ev, bool with_stack)
{
	if (with_stack) {
		stk_push(c, s, size, c->seg[SEG_SS].sel);
		stk_push(c, s, size, c->gpr[REG_SP]);
	}
	stk_push(c, s, size, flags_get(c) | (ev->fault ? FL_RF : 0));
	stk_push(c, s, size, c->seg[SEG_CS].sel);
	stk_push(c, s, size, c->gpr[REG_RIP]);
	if (ev->has_error)
		stk_push(c, s, size, ev->error);
}

/* Interrupt and trap gates of legacy mode: same level, inner level, and from V86 mode with
 * its data segments on the stack (SDM 3B 20.3.1.1). */
static void
deliver_gate(struct cpu *c, const struct event *ev, const struct gate *g)
{
	static const uint8_t v86_segs[] = { SEG_GS, SEG_FS, SEG_DS, SEG_ES };
	struct desc d = gate_code(c, g);
	unsigned dpl = desc_dpl(d.attr), size = g->attr & 8 ? 4 : 2;
	bool v86 = cpu_is_v86(c);
	bool inner = !desc_is_conforming(d.attr) && dpl < c->cpl;
	unsigned cpl = inner ? dpl : c->cpl;
	struct gate target = *g;
	struct stk s;

	if (v86 && (!inner || dpl != 0))
		cpu_raise_gp(c, g->sel & ~3u);
	if (size == 2)
		target.off &= 0xffff;
	desc_set_accessed(c, &d);
	if (inner)
		stk_inner(c, &s, dpl);
	else
		stk_current(c, &s);
	stk_room(c, &s, 3u + ev->has_error + (inner ? 2 : 0) + (v86 ? 4 : 0), size);
	if (target.off > d.limit)
		cpu_raise_gp(c, 0);
	for (unsigned i = 0; v86 && i < ARRAY_SIZE(v86_segs); i++)
		stk_push(c, &s, size, c->seg[v86_segs[i]].sel);
	push_frame(c, &s, size, ev, inner);

	c->eflags &= ~(uint32_t)FL_VM;
	for (unsigned i = 0; v86 && i < ARRAY_SIZE(v86_segs); i++)
		seg_set_null(c, v86_segs[i], 0);
	if (inner)
		stk_commit_inner(c, &s, cpl);
	else
		stk_commit_sp(c, &s);
	enter_handler(c, &target, &d, cpl);
}

static void
deliver_protected(struct cpu *c, const struct event *ev)
{
	struct gate g = gate_read(c, ev, 8,
	    1 << SYS_TASK_GATE | 1 << SYS_INT16 | 1 << SYS_TRAP16 | 1 << SYS_INT32 |
		1 << SYS_TRAP32);

	if ((g.attr & DESC_TYPE) != SYS_TASK_GATE) {
		deliver_gate(c, ev, &g);
		return;
	}
	if (ev->fault)
		c->eflags |= FL_RF; /* saved with the old task */
	task_switch(c, g.sel, TASK_INT, ev->has_error, ev->error);
}

/* SDM 3A 6.14: always SS:RSP, aligned to 16 bytes, eight bytes an item. */
static void
deliver_long(struct cpu *c, const struct event *ev)
{
	struct gate g = gate_read(c, ev, 16, 1 << SYS_INT32 | 1 << SYS_TRAP32);
	struct desc d = gate_code(c, &g);
	unsigned dpl = desc_dpl(d.attr);
	bool inner = !desc_is_conforming(d.attr) && dpl < c->cpl;
	unsigned cpl = inner ? dpl : c->cpl;
	struct stk s;

	desc_set_accessed(c, &d);
	if (inner || g.ist)
		stk_inner_long(c, &s, cpl, g.ist);
	else
		s = (struct stk){
			.sp = c->gpr[REG_SP], .mask = ~0ull, .sys = cpl != 3, .flat = true
		};
	s.sp &= ~0xfull;
	if (!mmu_canonical(g.off))
		cpu_raise_gp(c, 0);
	push_frame(c, &s, 8, ev, true);

	if (inner)
		stk_commit_inner(c, &s, cpl);
	else
		c->gpr[REG_SP] = s.sp;
	enter_handler(c, &g, &d, cpl);
}

static void
deliver(struct cpu *c, const struct event *ev)
{
	trace(TRACE_INT, "cpu%u %s %02x error %x at %04x:%llx cpl %u sp %llx cr2 %llx", c->index,
	    ev->soft ? "int" : "event", ev->vector, ev->has_error ? ev->error : 0,
	    c->seg[SEG_CS].sel, (unsigned long long)c->gpr[REG_RIP], c->cpl,
	    (unsigned long long)c->gpr[REG_SP], (unsigned long long)c->cr2);
	c->shadow = false;
	if (cpu_is_real(c))
		exc_deliver_real(c, ev->vector, false);
	else if (c->long_mode)
		deliver_long(c, ev);
	else
		deliver_protected(c, ev);
	c->exc_depth = CLASS_NONE;
	c->exc_vector = -1;
}

void
exc_deliver(struct cpu *c)
{
	struct event ev = {
		.vector = (unsigned)c->exc_vector,
		.has_error = c->exc_has_error,
		.error = c->exc_error,
		.fault = exc_is_fault((unsigned)c->exc_vector),
	};

	if (c->exc_vector < 0)
		return;
	c->exc_depth = exc_class(ev.vector);
	c->exc_soft = false;
	if (ev.vector == EXC_DB) {
		ev.fault = c->dr6_pending & DR6_BD;
		c->dr[6] |= c->dr6_pending;
		c->dr[7] &= ~(uint64_t)DR7_GD;
		c->dr6_pending = 0;
	}
	deliver(c, &ev);
}

/* A fault while an event is delivered between instructions belongs to the next one. */
static void
begin_event(struct cpu *c, unsigned vector, bool soft)
{
	c->exc_vector = (int)vector;
	c->exc_has_error = false;
	c->exc_error = 0;
	c->exc_soft = soft;
	c->exc_depth = CLASS_BENIGN;
}

void
exc_interrupt(struct cpu *c, unsigned vector)
{
	struct event ev = { .vector = vector };

	c->halted = false;
	c->insn_rip = c->gpr[REG_RIP];
	if (vector == EXC_NMI)
		c->nmi_blocked = true;
	begin_event(c, vector, false);
	deliver(c, &ev);
}

void
exc_software(struct cpu *c, unsigned vector, bool is_int3_or_into, bool is_icebp)
{
	struct event ev = { .vector = vector, .soft = !is_icebp };

	begin_event(c, vector, !is_icebp);
	if (cpu_is_v86(c) && !is_int3_or_into && !is_icebp) {
		if ((c->cr4 & CR4_VME) && vme_redirected(c, vector)) {
			exc_deliver_real(c, vector, true);
			c->exc_depth = CLASS_NONE;
			c->exc_vector = -1;
			return;
		}
		if ((c->eflags & FL_IOPL) != FL_IOPL)
			cpu_raise_gp(c, 0);
	}
	deliver(c, &ev);
}

/* ---- INT n, INT3, INTO, INT1 ---- */

static void
do_int(struct cpu *c, const struct insn *in)
{
	exc_software(c, (uint8_t)in->imm, false, false);
}
SEM_ONE(int)

static void
do_int3(struct cpu *c, const struct insn *in)
{
	exc_software(c, EXC_BP, true, false);
}
SEM_ONE(int3)

static void
do_into(struct cpu *c, const struct insn *in)
{
	if (flag_of(c))
		exc_software(c, EXC_OF, true, false);
}
SEM_ONE(into)

static void
do_int1(struct cpu *c, const struct insn *in)
{
	exc_software(c, EXC_DB, false, true);
}
SEM_ONE(int1)
