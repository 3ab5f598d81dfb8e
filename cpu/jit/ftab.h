/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flat table of translations: for each privilege (supervisor, CPL 3) one pair of 8-byte
 * entries a guest page, in a reservation that covers the whole 48-bit space, of which only
 * what is touched has memory.  Entry 0 of a pair serves loads, entry 1 stores.
 *
 *	valid     host page - guest page + 1 (odd): the access has displacement -1
 *	invalid   0
 *
 * Beside it, 4 bytes a page say which page of the arena code was last fetched from: arena
 * page number + 1, or 0.  Entries name only the arena's pages; device memory, ROM (for
 * stores) and pages with code (for stores) are never there.
 *
 * Flushing walks a log of what was filled.  Memory is bounded: after so many new pages of
 * table everything is given back.
 */
#ifndef LODGE_CPU_JIT_FTAB_H
#define LODGE_CPU_JIT_FTAB_H

#include "cpu/jit/jit.h"

struct jit_ftab;

int ftab_create(struct cpu *c, struct jit_ftab **ret);
void ftab_destroy(struct jit_ftab *t);
/* What GS holds for this privilege: the table; the table for indirect jumps ends there. */
uint64_t ftab_gs(const struct jit_ftab *t, bool user);
struct jit_xc *ftab_xc(const struct jit_ftab *t, bool user);
/* Walks and enters the page for loads or stores at the current privilege; sets A and D.
 * False: the access must be made by its handler. */
bool ftab_fill(struct cpu *c, uint64_t lin, bool write);
/* The page of `lin` was fetched from arena offset aoff. */
void ftab_set_exec(struct cpu *c, uint64_t lin, uint64_t aoff, bool global, unsigned shift);
uint32_t *ftab_exec_slot(const struct jit_ftab *t, bool user, uint64_t lin);
static inline uint32_t
ftab_exec_id(uint64_t aoff)
{
	return (uint32_t)(aoff >> MEM_PAGE_SHIFT) + 1;
}

/* From mmu/tlb.c. */
void ftab_flush(struct cpu *c, bool keep_global);
void ftab_flush_page(struct cpu *c, uint64_t lin);
void ftab_drop_writes(struct cpu *c, uint64_t aoff_page);

#endif
