/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu/mmu/tlb.h"

#include "base/mem.h"
#include "cpu/cpu.h"
#include "cpu/jit/ftab.h"
#include "cpu/mmu/access.h"
#include "cpu/x86/block.h"
#include "mem/space.h"

#include <errno.h>

#define LOG_MAX (2 * TLB_SIZE)

struct tlb_meta {      /* beside each entry of the two real tables */
	uint8_t shift; /* size of the guest's mapping: INVLPG drops all of it */
	bool global, filled;
};

struct tlb_state {
	struct tlb_entry entry[2 * TLB_SIZE];
	struct tlb_entry miss[TLB_SIZE];
	struct tlb_meta meta[2 * TLB_SIZE];
	uint16_t log[LOG_MAX];
	unsigned nlog, nlarge;
};

static struct tlb_state *
state_of(struct cpu *c)
{
	return (struct tlb_state *)c->tlbs[0]; /* entry[] comes first */
}

static void
clear_entry(struct tlb_entry *e)
{
	e->tag_r = e->tag_w = e->tag_x = TLB_NONE;
}

int
tlb_create(struct cpu *c)
{
	struct tlb_state *t = try_alloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	for (unsigned i = 0; i < 2 * TLB_SIZE; i++)
		clear_entry(&t->entry[i]);
	for (unsigned i = 0; i < TLB_SIZE; i++)
		clear_entry(&t->miss[i]);
	c->tlbs[TLB_SUPER] = t->entry;
	c->tlbs[TLB_USER] = t->entry + TLB_SIZE;
	c->tlbs[TLB_MISS] = t->miss;
	c->tlb = c->tlbs[TLB_SUPER];
	return 0;
}

void
tlb_destroy(struct cpu *c)
{
	if (c->tlbs[0])
		mem_free(state_of(c));
	c->tlbs[0] = NULL;
}

static void
drop(struct tlb_state *t, unsigned i)
{
	clear_entry(&t->entry[i]);
	if (t->meta[i].shift > MEM_PAGE_SHIFT)
		t->nlarge--;
	t->meta[i] = (struct tlb_meta){ 0 };
}

static void
flush(struct tlb_state *t, bool keep_global)
{
	unsigned kept = 0;

	for (unsigned k = 0; k < t->nlog; k++) {
		unsigned i = t->log[k];

		if (!t->meta[i].filled)
			continue;
		if (keep_global && t->meta[i].global)
			t->log[kept++] = (uint16_t)i;
		else
			drop(t, i);
	}
	t->nlog = kept;
}

void
tlb_flush_all(struct cpu *c)
{
	c->fetch_gen++;
	c->stat[CPU_STAT_TLB_FLUSHES]++;
	flush(state_of(c), false);
	if (c->jit)
		ftab_flush(c, false);
}

void
tlb_flush_nonglobal(struct cpu *c)
{
	c->fetch_gen++;
	c->stat[CPU_STAT_TLB_FLUSHES]++;
	flush(state_of(c), true);
	if (c->jit)
		ftab_flush(c, true);
}

static bool
same_mapping(const struct tlb_entry *e, const struct tlb_meta *m, uint64_t lin)
{
	uint64_t tag = e->tag_r != TLB_NONE ? e->tag_r : e->tag_w != TLB_NONE ? e->tag_w : e->tag_x;

	return tag >> m->shift == lin >> m->shift;
}

void
tlb_flush_page(struct cpu *c, uint64_t lin)
{
	struct tlb_state *t = state_of(c);
	unsigned slot = (lin >> MEM_PAGE_SHIFT) & (TLB_SIZE - 1);

	c->fetch_gen++;
	if (c->jit)
		ftab_flush_page(c, lin);
	for (unsigned i = slot; i < 2 * TLB_SIZE; i += TLB_SIZE)
		if (t->meta[i].filled && same_mapping(&t->entry[i], &t->meta[i], lin))
			drop(t, i);
	for (unsigned k = 0; t->nlarge && k < t->nlog; k++) {
		unsigned i = t->log[k];

		if (t->meta[i].filled && t->meta[i].shift > MEM_PAGE_SHIFT &&
		    same_mapping(&t->entry[i], &t->meta[i], lin))
			drop(t, i);
	}
}

void
tlb_drop_writes(struct cpu *c, uint64_t aoff_page)
{
	struct tlb_state *t = state_of(c);
	uint64_t host = (uint64_t)(uintptr_t)(c->arena->base + aoff_page);

	if (c->jit)
		ftab_drop_writes(c, aoff_page);
	for (unsigned k = 0; k < t->nlog; k++) {
		struct tlb_entry *e = &t->entry[t->log[k]];

		/* only a plain write tag: one with reason bits is slow already */
		if (e->tag_w != TLB_NONE && !(e->tag_w & 0xfff) && e->tag_w + e->addend == host)
			e->tag_w |= TLB_F_CODE;
	}
}

/* ---- filling ---- */

static void
note_filled(struct tlb_state *t, unsigned i, const struct mmu_result *r)
{
	if (t->meta[i].filled && t->meta[i].shift > MEM_PAGE_SHIFT)
		t->nlarge--;
	if (!t->meta[i].filled) {
		/* A slot dropped by INVLPG and filled again is in the log twice; when the
		 * log runs over, begin a new one with what is really there. */
		if (t->nlog == LOG_MAX) {
			t->nlog = 0;
			for (unsigned k = 0; k < 2 * TLB_SIZE; k++)
				if (t->meta[k].filled)
					t->log[t->nlog++] = (uint16_t)k;
		}
		t->log[t->nlog++] = (uint16_t)i;
	}
	t->meta[i] = (struct tlb_meta){
		.shift = (uint8_t)r->page_shift, .global = r->global, .filled = true
	};
	if (r->page_shift > MEM_PAGE_SHIFT)
		t->nlarge++;
}

bool
tlb_page_memory(struct cpu *c, uint64_t gpa, struct mem_range *ret, uint64_t *ret_aoff)
{
	*ret = mem_space_find(c->space, gpa);
	*ret_aoff = ret->aoff + (gpa - ret->start);
	return ret->end - gpa >= MEM_PAGE && !tlb_is_apic_page(c, gpa) &&
	       (ret->kind == MEM_RAM || ret->kind == MEM_ROM);
}

static void
set_tags(struct cpu *c, struct tlb_entry *e, uint64_t page, const struct mmu_result *r)
{
	uint64_t gpa = r->gpa & c->a20_mask & ~0xfffull;
	struct mem_range f;
	uint64_t aoff;

	clear_entry(e);
	if (!tlb_page_memory(c, gpa, &f, &aoff)) {
		e->addend = gpa - page;
		e->tag_r = page | TLB_F_MMIO;
		if (r->writable)
			e->tag_w = page | TLB_F_MMIO;
		return;
	}
	e->addend = (uint64_t)(uintptr_t)c->arena->base + aoff - page;
	e->tag_r = page;
	if (r->executable)
		e->tag_x = page;
	if (!r->writable)
		return;
	e->tag_w = page;
	if (f.kind == MEM_ROM)
		e->tag_w |= TLB_F_ROM;
	else if (__atomic_load_n(&c->arena->code[aoff >> MEM_PAGE_SHIFT], __ATOMIC_ACQUIRE))
		e->tag_w |= TLB_F_CODE;
}

/* Stack references give #SS(0), others #GP(0) (SDM 1 3.3.7.1). Which it was is known from
 * the instruction: its memory operand, or else an implicit access near RSP. */
NORETURN static void
raise_noncanonical(struct cpu *c, uint64_t lin)
{
	const struct xinsn *x = c->cur_insn;
	bool stack = lin - c->gpr[REG_SP] + 64 < 128;

	if (x && (x->in.flags & INSN_MEM) && c->seg[x->in.seg].lbase + insn_ea(c, &x->in) == lin)
		stack = x->in.seg == SEG_SS;
	cpu_raise_err(c, stack ? EXC_SS : EXC_GP, 0);
}

struct tlb_entry *
tlb_fill(struct cpu *c, uint64_t lin, enum mmu_access access, bool user)
{
	struct tlb_state *t = state_of(c);
	unsigned i = (user ? TLB_SIZE : 0) + ((lin >> MEM_PAGE_SHIFT) & (TLB_SIZE - 1));
	struct mmu_result r;

	if (c->long_mode && !mmu_canonical(lin))
		raise_noncanonical(c, lin);
	r = mmu_walk(c, lin, access, user, true);
	if (r.fault)
		cpu_raise_pf(c, lin, r.pf_error);
	c->stat[CPU_STAT_TLB_FILLS]++;
	note_filled(t, i, &r);
	set_tags(c, &t->entry[i], lin & ~0xfffull, &r);
	return &t->entry[i];
}
