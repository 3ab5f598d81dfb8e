/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page walk, SDM 3A chapter 4: 32-bit paging with PSE and PSE-36, PAE, 4-level paging
 * with 2 MiB and 1 GiB pages.  Accessed and dirty bits are set by compare-and-exchange, and
 * only once the whole walk allows the access.
 */
#include "cpu/cpu.h"
#include "cpu/mmu/mmu.h"

enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 0x20, PTE_D = 0x40, PTE_PS = 0x80, PTE_G = 0x100 };
#define PTE_NX (1ull << 63)
#define ADDR52 0x000ffffffffff000ull

struct level {
	uint64_t gpa, pte;
	uint8_t *host; /* NULL: not memory */
};

struct walk {
	struct cpu *c;
	uint64_t lin;
	enum mmu_access access;
	bool user;
	unsigned size; /* of an entry: 4 or 8 */
	unsigned n;
	struct level level[4];
	bool w, u, nx; /* rights so far, and-ed */
	struct mmu_result r;
};

/* ---- guest physical memory ---- */

static uint8_t *
pte_host(struct cpu *c, uint64_t gpa)
{
	struct mem_range f = mem_space_find(c->space, gpa);

	if ((f.kind != MEM_RAM && f.kind != MEM_ROM) || f.end - gpa < 8)
		return NULL;
	return c->arena->base + f.aoff + (gpa - f.start);
}

static uint64_t
pte_read(struct cpu *c, uint64_t gpa, unsigned size, uint8_t **ret_host)
{
	uint8_t *p;

	gpa &= c->a20_mask;
	p = pte_host(c, gpa);
	*ret_host = p;
	if (!p) {
		cpu_fp_out(c);
		return mem_space_read(c->space, gpa, size);
	}
	if (size == 4)
		return __atomic_load_n((const uint32_t *)(void *)p, __ATOMIC_RELAXED);
	return __atomic_load_n((const uint64_t *)(void *)p, __ATOMIC_RELAXED);
}

/* false: the entry has changed meanwhile, or cannot be written. */
static bool
pte_update(struct cpu *c, const struct level *l, unsigned size, uint64_t v)
{
	uint32_t old32 = (uint32_t)l->pte;
	uint64_t old = l->pte;

	if (mem_space_find(c->space, l->gpa & c->a20_mask).kind != MEM_RAM)
		return true; /* tables in ROM: the store is dropped */
	if (size == 4)
		return __atomic_compare_exchange_n((uint32_t *)(void *)l->host, &old32, (uint32_t)v,
		    false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
	return __atomic_compare_exchange_n(
	    (uint64_t *)(void *)l->host, &old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

/* ---- one level ---- */

static bool
fail(struct walk *w, uint32_t error)
{
	struct cpu *c = w->c;
	bool fetch_bit = ((c->cr4 & CR4_PAE) && (c->msr.efer & EFER_NXE)) || (c->cr4 & CR4_SMEP);

	if (w->access == MMU_WRITE)
		error |= PF_W;
	if (w->user)
		error |= PF_U;
	if (w->access == MMU_EXEC && fetch_bit)
		error |= PF_I;
	w->r = (struct mmu_result){ .fault = true, .pf_error = error };
	return false;
}

/* Reads the entry of this level and folds its rights in; reserved: bits that must be zero. */
static bool
step(struct walk *w, uint64_t gpa, uint64_t *ret_pte)
{
	struct level *l = &w->level[w->n++];

	l->gpa = gpa;
	l->pte = pte_read(w->c, gpa, w->size, &l->host);
	if (!(l->pte & PTE_P))
		return fail(w, 0);
	w->w &= (l->pte & PTE_W) != 0;
	w->u &= (l->pte & PTE_U) != 0;
	if (w->size == 8)
		w->nx |= (l->pte & PTE_NX) != 0;
	*ret_pte = l->pte;
	return true;
}

/* Bits reserved in every 8-byte entry: above the physical width, NX without EFER.NXE; PAE
 * reserves 62..52 too, which 4-level paging ignores. */
static uint64_t
reserved64(const struct cpu *c)
{
	uint64_t v = ADDR52 & ~c->phys_mask;

	if (!c->long_mode)
		v |= 0x7ff0000000000000ull;
	if (!(c->msr.efer & EFER_NXE))
		v |= PTE_NX;
	return v;
}

/* ---- the three formats: true with w->r.gpa and page_shift, false with the fault ---- */

static bool
walk32(struct walk *w)
{
	struct cpu *c = w->c;
	uint64_t pte;

	w->size = 4;
	if (!step(w, (c->cr3 & 0xfffff000) + (w->lin >> 22 & 0x3ff) * 4, &pte))
		return false;
	if ((pte & PTE_PS) && (c->cr4 & CR4_PSE)) {
		unsigned wide =
		    c->model && model_has(c->model, FEAT_PSE36) ? c->model->phys_bits : 32;
		unsigned extra = wide > 40 ? 8 : wide - 32; /* bits 39..32 in 20..13 */

		if (pte & (bits_mask(22) & ~bits_mask(13 + extra)))
			return fail(w, PF_P | PF_RSVD);
		w->r.page_shift = 22;
		w->r.gpa = (pte & 0xffc00000) | (pte >> 13 & bits_mask(extra)) << 32;
		return true;
	}
	if (!step(w, (pte & 0xfffff000) + (w->lin >> 12 & 0x3ff) * 4, &pte))
		return false;
	w->r.page_shift = 12;
	w->r.gpa = pte & 0xfffff000;
	return true;
}

/* Page directory and page table of PAE and 4-level paging; table: base of the directory. */
static bool
walk_pd(struct walk *w, uint64_t table)
{
	uint64_t reserved = reserved64(w->c), pte = 0;

	if (!step(w, table + (w->lin >> 21 & 0x1ff) * 8, &pte))
		return false;
	if (pte & PTE_PS) {
		if (pte & (reserved | (bits_mask(21) & ~bits_mask(13))))
			return fail(w, PF_P | PF_RSVD);
		w->r.page_shift = 21;
		w->r.gpa = pte & ADDR52 & ~bits_mask(21);
		return true;
	}
	if (pte & reserved)
		return fail(w, PF_P | PF_RSVD);
	if (!step(w, (pte & ADDR52) + (w->lin >> 12 & 0x1ff) * 8, &pte))
		return false;
	if (pte & reserved)
		return fail(w, PF_P | PF_RSVD);
	w->r.page_shift = 12;
	w->r.gpa = pte & ADDR52;
	return true;
}

static bool
walk_pae(struct walk *w)
{
	uint64_t pdpte = w->c->pdpte[w->lin >> 30 & 3];

	w->size = 8;
	if (!(pdpte & PTE_P))
		return fail(w, 0);
	return walk_pd(w, pdpte & ADDR52);
}

static bool
walk_long(struct walk *w)
{
	struct cpu *c = w->c;
	uint64_t reserved = reserved64(c), pte;

	w->size = 8;
	if (!step(w, (c->cr3 & ADDR52) + (w->lin >> 39 & 0x1ff) * 8, &pte))
		return false;
	if (pte & (reserved | PTE_PS))
		return fail(w, PF_P | PF_RSVD);
	if (!step(w, (pte & ADDR52) + (w->lin >> 30 & 0x1ff) * 8, &pte))
		return false;
	if (!(pte & PTE_PS)) {
		if (pte & reserved)
			return fail(w, PF_P | PF_RSVD);
		return walk_pd(w, pte & ADDR52);
	}
	if (!c->model || !model_has(c->model, FEAT_PDPE1GB))
		reserved |= PTE_PS;
	if (pte & (reserved | (bits_mask(30) & ~bits_mask(13))))
		return fail(w, PF_P | PF_RSVD);
	w->r.page_shift = 30;
	w->r.gpa = pte & ADDR52 & ~bits_mask(30);
	return true;
}

/* ---- rights ---- */

static bool
check_rights(struct walk *w)
{
	struct cpu *c = w->c;
	bool nx = w->nx && (c->msr.efer & EFER_NXE);
	bool supervisor_exec = !nx && !(w->u && (c->cr4 & CR4_SMEP));
	bool may_write = w->user ? w->w : w->w || !(c->cr0 & CR0_WP);

	w->r.user = w->u;
	w->r.writable = may_write;
	w->r.executable = w->user ? !nx : supervisor_exec;
	if (w->user && !w->u)
		return fail(w, PF_P);
	if (w->access == MMU_WRITE && !may_write)
		return fail(w, PF_P);
	if (w->access == MMU_EXEC && !w->r.executable)
		return fail(w, PF_P);
	return true;
}

/* A in every level, D in the last for a store. false: an entry changed, walk again. */
static bool
set_accessed_dirty(struct walk *w)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct level *l = &w->level[i];
		uint64_t v = l->pte | PTE_A;

		if (i == w->n - 1 && w->access == MMU_WRITE)
			v |= PTE_D;
		if (v == l->pte || !l->host)
			continue;
		if (!pte_update(w->c, l, w->size, v))
			return false;
		l->pte = v;
	}
	return true;
}

static bool
walk_once(struct walk *w)
{
	struct cpu *c = w->c;
	bool ok;

	if (c->long_mode)
		ok = walk_long(w);
	else if (c->cr4 & CR4_PAE)
		ok = walk_pae(w);
	else
		ok = walk32(w);
	return ok && check_rights(w);
}

struct mmu_result
mmu_walk(struct cpu *c, uint64_t lin, enum mmu_access access, bool user, bool set_ad)
{
	struct walk w;
	uint64_t leaf;

	if (!(c->cr0 & CR0_PG))
		return (struct mmu_result){
			.gpa = lin & 0xffffffff,
			.page_shift = 12,
			.writable = true,
			.user = true,
			.executable = true,
			.dirty = true,
		};
	do {
		w = (struct walk){
			.c = c, .lin = lin, .access = access, .user = user, .w = true, .u = true
		};
		if (!walk_once(&w))
			return w.r;
	} while (set_ad && !set_accessed_dirty(&w));

	leaf = w.level[w.n - 1].pte;
	w.r.gpa |= lin & bits_mask(w.r.page_shift);
	w.r.global = (leaf & PTE_G) && (c->cr4 & CR4_PGE);
	w.r.dirty = leaf & PTE_D;
	w.r.writable &= w.r.dirty;
	return w.r;
}

/* SDM 3A 4.4.1: P = 1 with a reserved bit refuses the load. */
bool
mmu_load_pdptes(struct cpu *c, uint64_t cr3)
{
	uint64_t reserved = 0x1e6 | ~(c->phys_mask | 0xfff), v[4];
	uint8_t *host;

	for (unsigned i = 0; i < 4; i++) {
		v[i] = pte_read(c, (cr3 & 0xffffffe0) + i * 8, 8, &host);
		if ((v[i] & PTE_P) && (v[i] & reserved))
			return false;
	}
	memcpy(c->pdpte, v, sizeof(v));
	return true;
}
