/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the run loop and translated code. */
#include "cpu/cpu.h"
#include "cpu/jit/ftab.h"
#include "cpu/jit/hostsig.h"
#include "cpu/jit/jit.h"
#include "cpu/run.h"

static bool
is_there(const struct cpu *c, uint64_t lin, uint64_t aoff)
{
	return *ftab_exec_slot(c->jit->ftab, c->cpl == 3, lin) == ftab_exec_id(aoff);
}

/* Through the table for indirect jumps: what it names looks for itself whether it may be
 * entered, but the mode must be its own here, for a mode that is not translated has none. */
struct jit_block *
jit_lookup(struct cpu *c)
{
	struct jit *j = c->jit;
	uint64_t rip = c->bits == BITS64 ? c->gpr[REG_RIP] : (uint32_t)c->gpr[REG_RIP];
	const struct jit_xc *x;
	struct jit_block *b;

	if (c->exec_breaks || c->slow_tlb || !jit_mode(c))
		return NULL;
	x = ftab_xc(j->ftab, c->cpl == 3) + jit_xc_index(rip);
	if (x->rip != rip || !x->code)
		return NULL;
	b = jit_block_of_xentry(x->code);
	if (b->mode != j->mode_now || !is_there(c, b->lin, b->aoff) ||
	    (b->aoff2 != BLOCK_NOWHERE && !is_there(c, jit_second_page(c, b), b->aoff2)))
		return NULL;
	return b;
}

static void
enter(struct cpu *c, const struct jit_block *b)
{
	c->hot.hf = jit_hf_pack(flags_arith(c));
	if (c->hot.counting)
		c->hot.left = (int64_t)(c->run_limit - c->icount);
	jit_enter(c, b);
	cpu_fp_out(c);
	flags_set_arith(c, jit_hf_unpack(c->hot.hf));
	c->cur_insn = c->cur_block = NULL;
}

/* The mapping that fetching found is noted for the blocks' own look. */
static void
note_page(struct cpu *c, uint64_t lin, uint64_t aoff)
{
	struct mmu_result r;

	if (is_there(c, lin, aoff))
		return;
	r = mmu_walk(c, lin, MMU_EXEC, c->cpl == 3, true);
	if (!r.fault)
		ftab_set_exec(c, lin, aoff, r.global, r.page_shift);
}

static struct jit_block *
find_or_make(struct cpu *c, const struct block *gb)
{
	struct jit *j = c->jit;
	struct jit_block *b = jit_find(c, gb->aoff, gb->aoff2, c->gpr[REG_RIP]);

	if (!b) {
		struct block *counted = (struct block *)(uintptr_t)gb;

		if (gb->aoff == BLOCK_NOWHERE)
			return NULL;
		if (counted->runs < j->threshold) {
			counted->runs++;
			return NULL;
		}
		b = jit_translate(c, gb);
		if (!b && !j->flush_wanted)
			counted->runs = 0; /* not at once again: it may fail each time */
	}
	return b;
}

static struct jit_block *
prepare(struct cpu *c, const struct block *gb)
{
	struct jit *j = c->jit;
	struct jit_link *pending;
	struct jit_block *b;

	if (unlikely(j->flush_wanted))
		jit_flush(c);
	pending = j->pending;
	if (c->slow_tlb || c->exec_breaks || !jit_mode(c))
		return NULL;
	b = find_or_make(c, gb);
	j->pending = NULL;
	if (!b) {
		j->stat.interp_blocks++;
		return NULL;
	}
	note_page(c, b->lin, b->aoff);
	if (b->aoff2 != BLOCK_NOWHERE)
		note_page(c, jit_second_page(c, b), b->aoff2);
	jit_xc_put(c, b);
	if (pending)
		jit_link_to(j, pending, b);
	return b;
}

bool
jit_run(struct cpu *c, const struct block *gb)
{
	struct jit_block *b = prepare(c, gb);

	if (!b)
		return false;
	enter(c, b);
	return true;
}

bool
jit_run_known(struct cpu *c)
{
	struct jit_block *b;

	if (c->jit->pending || !(b = jit_lookup(c)))
		return false;
	enter(c, b);
	return true;
}

/* ---- host faults ---- */

/* An address that is not canonical, a misaligned SSE operand, a divide error, an unmasked
 * floating-point exception: the host's instruction faults before anything of the guest's has
 * changed. Its handler does it again and raises what the guest is to see. */
static bool
on_fault(void *ctx, struct hostsig_regs *r)
{
	struct cpu *c = ctx;
	struct jit_site *s = jit_site_at(c->jit, (const void *)(uintptr_t)r->rip);

	if (!s)
		return false;
	if (s->flags_live)
		c->hot.hf = jit_hf_pack((uint32_t)r->eflags);
	r->r10 = (uint64_t)(uintptr_t)s;
	r->rip = (uint64_t)(uintptr_t)jit_host(c->jit, c->jit->g.handler);
	return true;
}

void
jit_begin(struct cpu *c)
{
	c->jit->gs = 0; /* another processor's, if this thread ran one before */
	hostsig_enter(on_fault, c, c->jit->sigstack);
}

void
jit_end(struct cpu *c)
{
	hostsig_leave();
}
