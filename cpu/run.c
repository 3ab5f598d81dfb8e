/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The interpreter's loop.  Between blocks the processor looks at one word (attention) and,
 * with the instruction clock, at its instruction count; inside a block it does nothing but
 * call handlers.  Faults come here by longjmp: RIP goes back to the instruction, those before
 * it in the block have retired, and exc_deliver() builds the frame.
 *
 * One instruction at a time is executed while TF or RF is set, after STI and MOV SS
 * (interrupts stay out for just one), near the end of a segment's limit, and where an
 * execution breakpoint lies inside the block.
 */
#include "cpu/run.h"

#include "cpu/jit/jit.h"
#include "cpu/mmu/tlb.h"
#include "cpu/smp.h"
#include "cpu/x86/block.h"
#include "cpu/x86/sys.h"

enum { DR6_BS = 0x4000 };

static ALWAYS_INLINE void
execute(struct cpu *c, const struct block *b, unsigned n)
{
	const struct xinsn *x = b->insn;

	c->cur_block = b;
	c->block_end = x + n;
	do {
		c->cur_insn = x;
		c->insn_rip = c->gpr[REG_RIP];
		c->gpr[REG_RIP] = c->insn_rip + x->in.len;
		x->fn(c, &x->in);
		x++;
	} while (x < (const struct xinsn *)c->block_end);
	c->icount += (uint64_t)(x - b->insn);
}

/* Between instructions: what is raised now belongs to the instruction at RIP. */
static void
stand_at_rip(struct cpu *c)
{
	if (c->bits != BITS64)
		c->gpr[REG_RIP] &= UINT32_MAX;
	c->insn_rip = c->gpr[REG_RIP];
	c->cur_block = c->cur_insn = NULL;
}

static void
take_fault(struct cpu *c)
{
	const struct block *b = c->cur_block;

	if (c->jit)
		jit_fault(c);
	if (b)
		c->icount += (uint64_t)((const struct xinsn *)c->cur_insn - b->insn);
	c->cur_block = c->cur_insn = NULL;
	c->gpr[REG_RIP] = c->insn_rip;
	c->shadow = false;
	/* Counts like an instruction: a guest that does nothing but fault uses up its
	 * budget, and with the instruction clock its time. */
	c->icount++;
	c->stat[CPU_STAT_EXCEPTIONS]++;
	exc_deliver(c);
}

/* ---- what can be waiting between instructions ---- */

static void
take_reset_signals(struct cpu *c, uint32_t att)
{
	if (att & ATT_INIT) {
		cpu_clear(c, ATT_INIT);
		cpu_reset(c, true);
		c->wait_sipi = !(c->msr.apic_base & 0x100); /* all but the boot processor */
		c->halted = c->shutdown = false;
	}
	if (att & ATT_SIPI) {
		cpu_clear(c, ATT_SIPI);
		if (c->wait_sipi) {
			c->wait_sipi = false;
			seg_load_real(c, SEG_CS, (uint16_t)(c->sipi_vector << 8));
			c->gpr[REG_RIP] = 0;
			cpu_mode_derive(c);
		}
	}
}

static int
acknowledge(struct cpu *c, uint32_t att)
{
	int vector = -1;

	if (att & ATT_APIC) {
		c->env->lock(c->env->ctx);
		vector = lapic_ack(c->lapic);
		c->env->unlock(c->env->ctx);
	}
	if (vector < 0 && (att & ATT_INTR) && lapic_accepts_pic(c->lapic))
		vector = c->env->ack_intr(c->env->ctx);
	return vector;
}

/* Takes one interrupt if one may be taken now. */
static void
take_interrupt(struct cpu *c, uint32_t att)
{
	int vector;

	if ((att & ATT_NMI) && !c->nmi_blocked) {
		cpu_clear(c, ATT_NMI);
		c->halted = false;
		exc_interrupt(c, EXC_NMI);
		return;
	}
	if (!(c->eflags & FL_IF) || !(att & (ATT_APIC | ATT_INTR)))
		return;
	vector = acknowledge(c, att);
	if (vector < 0)
		return;
	c->halted = false;
	c->stat[CPU_STAT_INTERRUPTS]++;
	exc_interrupt(c, (unsigned)vector);
}

NORETURN static void
raise_debug_trap(struct cpu *c)
{
	cpu_clear(c, ATT_DEBUG);
	c->dr[6] |= c->dr6_pending;
	c->dr6_pending = 0;
	cpu_raise(c, EXC_DB);
}

static bool
out_of_budget(struct cpu *c, enum cpu_exit *ret_exit)
{
	if (c->icount >= run_of(c)->end) {
		*ret_exit = CPU_EXIT_BUDGET;
		return true;
	}
	if (c->icount >= c->icount_limit) {
		c->env->tick(c->env->ctx, c);
		cpu_limits_changed(c);
	}
	return false;
}

/* True: leave the loop with *ret_exit. */
static bool
service(struct cpu *c, enum cpu_exit *ret_exit)
{
	uint32_t att;

	stand_at_rip(c);
	if (unlikely(c->icount >= c->run_limit) && out_of_budget(c, ret_exit))
		return true;
	att = __atomic_load_n(&c->attention, __ATOMIC_ACQUIRE);
	if (att & ATT_SYNC)
		smp_sync(c);
	if (att & ATT_REQUEST)
		smp_serve_requests(c);
	if (att & ATT_STOP) {
		cpu_clear(c, ATT_STOP);
		*ret_exit = CPU_EXIT_STOP;
		return true;
	}
	if (att & (ATT_INIT | ATT_SIPI))
		take_reset_signals(c, att);
	if ((att & ATT_TIMER) && c->icount_limit != UINT64_MAX) { /* a nearer deadline */
		c->env->tick(c->env->ctx, c);
		cpu_limits_changed(c);
	}
	cpu_clear(c, att & (ATT_SMI | ATT_TIMER | ATT_A20));
	*ret_exit = CPU_EXIT_HALT;
	if (c->wait_sipi || c->shutdown)
		return true;
	if ((att & ATT_DEBUG) && !c->shadow)
		raise_debug_trap(c);
	if (!c->shadow)
		take_interrupt(c, att);
	return c->halted;
}

/* ---- one instruction ---- */

static bool
traps_after(const struct cpu *c, uint16_t op)
{
	switch (op) { /* these clear TF themselves on the way to their handler */
	case OP_INT:
	case OP_INT3:
	case OP_INTO:
	case OP_SYSCALL:
	case OP_SYSENTER: return c->eflags & FL_TF;
	default: return true;
	}
}

static bool
stop_for_debugger(struct cpu *c, int why)
{
	run_of(c)->resumed = true;
	run_of(c)->hit = false;
	c->env->debug_stop(c->env->ctx, c, why);
	return true;
}

static bool
exec_break(struct cpu *c, uint64_t lin)
{
	struct run *r = run_of(c);
	const struct cpu_break *b;

	if (r->resumed || !(b = run_debug_exec_at(c, lin, 1)))
		return false;
	r->hit_break = b;
	r->hit_lin = lin;
	return stop_for_debugger(c, CPU_DEBUG_BREAK);
}

static void
check_limit(struct cpu *c, const struct block *b)
{
	uint64_t last = c->gpr[REG_RIP] + b->insn[0].in.len - 1;

	if (c->bits != BITS64 && last > c->seg[SEG_CS].limit)
		cpu_raise_gp(c, 0);
}

/* True: a debugger wants the processor to stop. */
static bool
step(struct cpu *c)
{
	uint32_t before = c->eflags;
	const struct block *b;
	uint64_t lin;
	uint16_t op;

	stand_at_rip(c);
	lin = (c->seg[SEG_CS].lbase + c->gpr[REG_RIP]) & c->lin_mask;
	if (c->exec_breaks) {
		if (exec_break(c, lin))
			return true;
		if (!(before & FL_RF))
			debug_check_exec(c);
	}
	if (c->bits != BITS64 && c->gpr[REG_RIP] > c->seg[SEG_CS].limit)
		cpu_raise_gp(c, 0);
	c->shadow = false;
	b = block_lookup(c);
	check_limit(c, b);
	op = b->insn[0].in.op;
	execute(c, b, 1);
	run_of(c)->resumed = false;
	if ((before & FL_RF) && op != OP_IRET) {
		c->eflags &= ~(uint32_t)FL_RF;
		cpu_mode_derive(c);
	}
	if ((before & FL_TF) && traps_after(c, op)) {
		c->dr6_pending |= DR6_BS;
		__atomic_or_fetch(&c->attention, ATT_DEBUG, __ATOMIC_RELAXED);
	}
	if (run_of(c)->hit)
		return stop_for_debugger(c, CPU_DEBUG_DATA);
	if (run_of(c)->step) {
		run_of(c)->hit_break = NULL;
		run_of(c)->hit_lin = lin;
		return stop_for_debugger(c, CPU_DEBUG_STEP);
	}
	return false;
}

/* Must this block be run by single instructions? */
static bool
needs_care(const struct cpu *c, const struct block *b)
{
	uint64_t rip = c->gpr[REG_RIP];

	if (c->bits != BITS64 && rip + b->bytes - 1 > c->seg[SEG_CS].limit)
		return true;
	if (!c->exec_breaks)
		return false;
	return debug_has_exec_bp(c) ||
	       run_debug_exec_at(c, (c->seg[SEG_CS].lbase + rip) & c->lin_mask, b->bytes);
}

static enum cpu_exit
loop(struct cpu *c)
{
	enum cpu_exit why = CPU_EXIT_STOP;

	for (;;) {
		const struct block *b;

		smp_clear_poll(c);
		if (unlikely(cpu_wants_out(c) || c->halted || c->shutdown || c->wait_sipi ||
			     c->icount >= c->run_limit)) {
			if (service(c, &why))
				return why;
		}
		if (unlikely(c->single || c->shadow)) {
			if (step(c))
				return CPU_EXIT_STOP;
			continue;
		}
		stand_at_rip(c);
		if (c->jit && jit_run_known(c))
			continue;
		b = block_lookup(c);
		if (unlikely(needs_care(c, b))) {
			if (step(c))
				return CPU_EXIT_STOP;
			continue;
		}
		if (unlikely(c->exec_breaks))
			run_of(c)->resumed = false;
		else if (c->jit && jit_run(c, b))
			continue;
		execute(c, b, b->n);
		if (unlikely(run_of(c)->hit)) {
			stop_for_debugger(c, CPU_DEBUG_DATA);
			return CPU_EXIT_STOP;
		}
	}
}

enum cpu_exit
cpu_run(struct cpu *c, uint64_t budget)
{
	struct run *r = run_of(c);
	enum cpu_exit why;

	r->end = budget > UINT64_MAX - c->icount ? UINT64_MAX : c->icount + budget;
	cpu_limits_changed(c);
	smp_enter(c);
	if (c->jit)
		jit_begin(c);
	if (setjmp(c->fault))
		take_fault(c);
	why = loop(c);
	if (c->jit)
		jit_end(c);
	smp_leave(c);
	return why;
}

void
cpu_limits_changed(struct cpu *c)
{
	uint64_t end = run_of(c)->end;

	c->run_limit = end < c->icount_limit ? end : c->icount_limit;
	if (c->hot.counting != (c->run_limit != UINT64_MAX)) {
		c->hot.counting = !c->hot.counting;
		c->hot.dirty = true;
	}
}
