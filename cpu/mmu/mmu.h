/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Page walk and translation caches. */
#ifndef LODGE_CPU_MMU_H
#define LODGE_CPU_MMU_H

#include "cpu/state.h"

enum mmu_access { MMU_READ = 0, MMU_WRITE = 1, MMU_EXEC = 2 };
enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16 };

struct mmu_result {
	bool fault;
	uint32_t pf_error;   /* when fault */
	uint64_t gpa;        /* of the byte asked for (A20 not yet applied) */
	unsigned page_shift; /* 12, 21, 22, 30: size of the mapping */
	bool writable;       /* a store with the same privilege needs no further walk: W allowed
	                        and D already set */
	bool user;           /* the page is open to CPL 3 */
	bool executable;
	bool global;
	bool dirty;
};

/* The walk itself (walk.c): pure but for A/D updates in guest page tables, which are done
 * by cmpxchg and only when the access is allowed (set_ad false: never). Works from c->cr0,
 * cr3, cr4, pdpte and EFER. user: as CPL 3. Never raises. With paging off: identity.
 * Non-canonical addresses are the caller's business (fault with pf_error 0 is not used). */
struct mmu_result mmu_walk(
    struct cpu *c, uint64_t lin, enum mmu_access access, bool user, bool set_ad);
/* MOV CR3 / PAE switch: loads the four PDPTEs; false = reserved bits → #GP. */
bool mmu_load_pdptes(struct cpu *c, uint64_t cr3);

static inline bool
mmu_canonical(uint64_t lin)
{
	return (uint64_t)((int64_t)(lin << 16) >> 16) == lin;
}

/* tlb.c */
int tlb_create(struct cpu *c);
void tlb_destroy(struct cpu *c);
void tlb_flush_all(struct cpu *c);       /* also global entries: CR0/CR4/A20/map changes */
void tlb_flush_nonglobal(struct cpu *c); /* MOV CR3 */
void tlb_flush_page(struct cpu *c, uint64_t lin);
void tlb_drop_writes(struct cpu *c, uint64_t aoff_page); /* a page became a code page */

#endif
