/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Translation caches: one direct-mapped table for supervisor accesses, one for CPL 3, and
 * one that is always empty, which `c->tlb` points to while data breakpoints or alignment
 * checks are on, so that every access takes the slow path.
 *
 * Flushing walks a log of the entries filled since the last flush: short processes pay
 * for what they touched.  Entries of global pages survive MOV CR3.
 */
#ifndef LODGE_CPU_TLB_H
#define LODGE_CPU_TLB_H

#include "cpu/mmu/mmu.h"

enum { TLB_SUPER, TLB_USER, TLB_MISS, TLB_NTABLES };

static inline struct tlb_entry *
tlb_table(struct cpu *c, bool user)
{
	return c->tlbs[user ? TLB_USER : TLB_SUPER];
}

/* The local APIC's page, when it answers in memory: enabled, and not in x2APIC mode (SDM 3A
 * 10.4.3, 10.12.1). */
static inline bool
tlb_is_apic_page(const struct cpu *c, uint64_t gpa)
{
	return c->lapic && (c->msr.apic_base & 0xc00) == 0x800 &&
	       (gpa & ~0xfffull) == (c->msr.apic_base & c->phys_mask & ~0xfffull);
}
struct mem_range;
/* What the page at gpa (A20 applied) shows; true: all of it is RAM or ROM, at *ret_aoff. */
bool tlb_page_memory(struct cpu *c, uint64_t gpa, struct mem_range *ret, uint64_t *ret_aoff);

/* Walks and fills; raises #PF (or #GP for a non-canonical address). Never the MISS
 * table. The entry it returns is valid for the access, but may carry reason bits. */
struct tlb_entry *tlb_fill(struct cpu *c, uint64_t lin, enum mmu_access access, bool user);

#endif
