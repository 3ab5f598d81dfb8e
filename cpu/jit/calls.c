/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What translated code calls.  The guest's general registers are in cpu.gpr[], its flags in
 * hot.hf, its floating-point registers perhaps in the host's (hot.fp).  Each returns the host
 * address to go on at.
 */
#include "cpu/jit/ftab.h"
#include "cpu/jit/jit.h"
#include "cpu/jit/tr.h"

/* Sanitizers' own calls use the host's floating-point registers. */
#if defined(__SANITIZE_ADDRESS__)
#define FP_EAGER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FP_EAGER 1
#endif
#endif
#ifndef FP_EAGER
#define FP_EAGER 0
#endif

static void *
leave(struct cpu *c)
{
	return jit_host(c->jit, c->jit->g_leave);
}

/* With a budget the block's instructions were taken off at its entry. */
static void
settle_count(struct cpu *c, int64_t not_done)
{
	if (c->hot.counting)
		c->icount = c->run_limit - (uint64_t)(c->hot.left + not_done);
}

/* To the block at RIP, without a turn of the loop, when nothing speaks against it. */
static void *
go_on(struct cpu *c)
{
	struct jit_block *b;

	if (!c->jit->chain || c->hot.counting ||
	    (__atomic_load_n(&c->hot.mode, __ATOMIC_RELAXED) & HOT_POLL) || c->single ||
	    c->shadow || c->halted || cpu_wants_out(c))
		return leave(c);
	b = jit_lookup(c);
	if (!b)
		return leave(c);
	jit_gs(c);
	return jit_host(c->jit, b->xentry);
}

static void
run_handler(struct cpu *c, struct jit_site *s)
{
	if (c->hot.fp && (FP_EAGER || !tr_is_integer(s->x.in.op)))
		jit_fp_save(c);
	if (!s->no_flags)
		flags_set_arith(c, jit_hf_unpack(c->hot.hf));
	c->jit->running = s;
	c->cur_insn = &s->x;
	c->cur_block = NULL;
	c->insn_rip = s->rip;
	c->gpr[REG_RIP] = s->rip + s->x.in.len;
	c->block_end = &c->block_end; /* anything but NULL */
	s->x.fn(c, &s->x.in);
	c->cur_insn = NULL;
	c->jit->running = NULL;
	if (!s->no_flags)
		c->hot.hf = jit_hf_pack(flags_arith(c));
}

/* A handler changed the mode in the middle of its block.  With a budget the rest follows, by
 * handlers, for the interpreter looks at the budget only behind the block. */
static const struct jit_site *
finish_block(struct cpu *c, struct jit_site *s)
{
	while (c->hot.counting && c->block_end && s->index + 1u < s->block->n &&
	       c->gpr[REG_RIP] == s->rip + s->x.in.len) {
		s++;
		run_handler(c, s);
	}
	return s;
}

void *
jit_call_handler(struct cpu *c, void *arg)
{
	struct jit_site *s = arg;
	struct jit_block *b = s->block;
	uint8_t fp = c->hot.fp;

	settle_count(c, b->n);
	run_handler(c, s);
	if (!c->block_end || !s->resume || c->gpr[REG_RIP] != s->rip + s->x.in.len ||
	    ((s->x.in.flags & INSN_ENDS_BLOCK) && (c->halted || cpu_wants_out(c))) ||
	    (c->hot.dirty && jit_mode(c) != b->mode)) {
		if (c->hot.counting)
			c->icount += finish_block(c, s)->index + 1u;
		return go_on(c);
	}
	if (c->hot.counting)
		c->hot.left = (int64_t)(c->run_limit - c->icount) - b->n;
	if (unlikely(fp & ~c->hot.fp))
		jit_fp_load(c, fp & ~c->hot.fp);
	return jit_host(c->jit, s->resume);
}

void *
jit_call_link(struct cpu *c, void *arg)
{
	struct jit_link *l = arg;

	settle_count(c, 0);
	c->gpr[REG_RIP] = l->rip;
	c->jit->pending = l;
	return leave(c);
}

static bool
may_go_to(const struct cpu *c, const struct jit_block *b, uint64_t rip)
{
	return c->bits == BITS64 ? mmu_canonical(rip) : rip <= c->jit->mode[b->mode].cs_limit;
}

/* RIP is the target. One that the branch may not have raises at the branch, which is done
 * anew by its handler. */
void *
jit_call_indirect(struct cpu *c, void *arg)
{
	struct jit_site *s = arg;
	uint64_t sp = c->gpr[REG_SP];

	if (likely(may_go_to(c, s->block, c->gpr[REG_RIP]))) {
		settle_count(c, 0);
		c->jit->stat.misses++;
		return go_on(c);
	}
	stack_set_sp(c, s->sp_down ? sp + s->sp_undo : sp - s->sp_undo);
	return jit_call_handler(c, s);
}

/* Not to be entered now: somebody wants the processor, the mode or the page is another. */
void *
jit_call_miss(struct cpu *c, void *arg)
{
	const struct jit_block *b = arg;

	settle_count(c, 0);
	c->gpr[REG_RIP] = b->rip;
	return leave(c);
}

uint64_t
jit_call_fill(struct cpu *c, uint64_t lin, uint64_t write)
{
	uint8_t fp = c->hot.fp;
	bool done;

	if (FP_EAGER)
		cpu_fp_out(c);
	done = ftab_fill(c, lin, write);
	if (unlikely(fp & ~c->hot.fp)) /* the walk met a device */
		jit_fp_load(c, fp & ~c->hot.fp);
	return done;
}

/* A handler raised: what it left unfinished. Counted are the instructions before it. */
void
jit_fault(struct cpu *c)
{
	struct jit *j = c->jit;

	if (j->running) {
		if (j->running->no_flags) /* the exception's frame has them */
			flags_set_arith(c, jit_hf_unpack(c->hot.hf));
		if (c->hot.counting)
			c->icount += j->running->index;
		j->running = NULL;
	}
	cpu_fp_out(c);
}
