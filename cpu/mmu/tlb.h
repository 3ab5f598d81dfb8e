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

/* Walks and fills; raises #PF (or #GP for a non-canonical address). Never the MISS
 * table. The entry it returns is valid for the access, but may carry reason bits. */
struct tlb_entry *tlb_fill(struct cpu *c, uint64_t lin, enum mmu_access access, bool user);

#endif
