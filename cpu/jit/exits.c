/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways out of a block.  A direct jump inside the page goes from flags in the host's register to
 * `entry`; all others put the flags to rest and go to `xentry`, which looks whether the page is
 * still there and whether anybody wants the processor.  A loop closes without that when its
 * head needs no flags: then the look is made here.
 */
#include "cpu/jit/tr.h"

static bool
same_page(const struct tr *t, uint64_t rip)
{
	return !((rip ^ t->b->rip) >> MEM_PAGE_SHIFT);
}

/* The block at rip, if there is one that needs no flags. */
static bool
head_needs_no_flags(struct tr *t, uint64_t rip)
{
	uint64_t aoff = t->b->aoff + (rip - t->b->rip);
	struct jit_block *b;

	if (rip == t->b->rip)
		return t->live[0] == 0;
	b = jit_find(t->c, aoff, BLOCK_NOWHERE, rip);
	return b && b->flags_in == 0;
}

static struct jit_link *
new_link(struct tr *t, uint64_t rip)
{
	struct jit_link *l;

	if (t->nlinks == ARRAY_SIZE(t->b->link)) {
		t->failed = true;
		return &t->b->link[0];
	}
	l = &t->b->link[t->nlinks++];
	l->from = t->b;
	l->rip = rip;
	return l;
}

static void
link_jump(struct tr *t, struct jit_link *l, uint32_t rel)
{
	struct tr_stub *s = tr_stub(t, STUB_EXIT, rel);

	l->at = rel;
	if (s)
		s->link = l;
}

/* Is a jump from here to rip one from flags in the host's register to `entry`? */
static bool
goes_direct(const struct tr *t, uint64_t rip)
{
	return same_page(t, rip) && !(t->mode->bits & JIT_M_COUNT) && rip > t->b->rip + t->in->off;
}

void
tr_mode_compare(struct tr *t)
{
	struct hmem mode = hmem_slot(CPU_SLOT(hot.mode));

	emit_rm(&t->e, 0, 0x81, 7, &mode);
	emit32(&t->e, t->b->mode);
}

/* The way back to a loop's head whose flags are dead. It is linked as soon as the block is
 * there (tr_close_loops()), so that the block goes when the head does: a new head may need the
 * flags, which are lost here. */
static void
close_loop(struct tr *t, struct jit_link *l)
{
	struct tr_stub *s;

	l->direct = l->flags_dead = true;
	tr_mode_compare(t);
	s = tr_stub(t, STUB_EXIT, emit_jcc(&t->e, CC_NE, 0));
	if (s)
		s->link = l;
}

void
tr_close_loops(struct tr *t)
{
	for (unsigned i = 0; i < t->nlinks; i++) {
		struct jit_link *l = &t->b->link[i];
		struct jit_block *head;

		if (!l->flags_dead)
			continue;
		head = t->b;
		if (l->rip != t->b->rip)
			head = jit_find(
			    t->c, t->b->aoff + (l->rip - t->b->rip), BLOCK_NOWHERE, l->rip);
		jit_link_to(t->j, l, head);
	}
}

void
tr_exit_to(struct tr *t, uint64_t rip)
{
	struct jit_link *l = new_link(t, rip);

	t->ended = true;
	if (goes_direct(t, rip)) {
		tr_flags_need(t);
		l->direct = true;
	} else if (same_page(t, rip) && !(t->mode->bits & JIT_M_COUNT) && !t->j->exact &&
		   t->j->chain && head_needs_no_flags(t, rip)) {
		close_loop(t, l);
	} else {
		tr_flags_rest(t);
	}
	link_jump(t, l, emit_jmp(&t->e, 0));
}

void
tr_exit_cc(struct tr *t, unsigned cc, uint64_t rip)
{
	bool hf = t->hf;
	uint32_t skip;

	if (goes_direct(t, rip)) {
		struct jit_link *l = new_link(t, rip);

		l->direct = true;
		link_jump(t, l, emit_jcc(&t->e, cc, 0));
		return;
	}
	skip = emit_jcc(&t->e, cc ^ 1, 0);
	tr_exit_to(t, rip);
	t->ef = true;
	t->hf = hf;
	emit_here(&t->e, skip);
}

/* Unlinked: flags to rest, and C finds the target. */
void
tr_exit_stub(struct tr *t, const struct tr_stub *s)
{
	s->link->stub = t->e.at;
	if (s->link->direct && !s->link->flags_dead)
		tr_flags_save_code(&t->e);
	emit_imm(&t->e, H_R10, (uint64_t)(uintptr_t)s->link);
	emit_jmp(&t->e, t->j->g.link);
}

void
tr_exit_indirect(struct tr *t, unsigned sp, bool down)
{
	struct hmem tag = {
		.base = H_R11, .index = H_NONE, .disp = -(int32_t)JIT_XC_BYTES, .gs = true
	};
	struct hmem rip = hmem_slot(CPU_SLOT(gpr) + REG_RIP * 8), code = tag;
	struct jit_site *site = &t->b->site[t->s];
	uint32_t miss = 0;

	t->ended = true;
	site->sp_undo = (uint8_t)sp;
	site->sp_down = down;
	tr_flags_rest(t);
	if (t->j->chain) {
		emit_mov(&t->e, H_R11, H_R10);
		emit_rr(&t->e, EI_W, 0xc1, 5, H_R11);
		emit8(&t->e, 16);
		emit_rr(&t->e, 0, 0x33, H_R11, H_R10);
		emit_rr(&t->e, 0, 0x0fb7, H_R11, H_R11); /* JIT_XC_BITS are 16 */
		emit_rr(&t->e, 0, 0xc1, 4, H_R11);
		emit8(&t->e, 4);
		emit_rm(&t->e, EI_W, 0x3b, H_R10, &tag);
		miss = emit_jcc(&t->e, CC_NE, 0);
		code.disp += 8;
		emit_rm(&t->e, 0, 0xff, 4, &code);
		emit_here(&t->e, miss);
	}
	emit_store(&t->e, H_R10, &rip);
	emit_imm(&t->e, H_R10, (uint64_t)(uintptr_t)site);
	emit_jmp(&t->e, t->j->g.indirect);
}
