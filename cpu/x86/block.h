/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoded blocks: straight runs of instructions inside one page (an instruction that
 * crosses into the next page makes a block of its own), found by arena offset and mode, so
 * that exec, fork and MOV CR3 never decode again.  The translator uses the same blocks.
 *
 * Self-modifying code.  Before bytes are decoded their 64-byte granules are marked in
 * the arena's code bitmap; when a page's word goes from zero to non-zero, every
 * processor's write entries for that page get TLB_F_CODE at a moment when all of them
 * stand between instructions.  A store to such a page is done first and the bitmap looked
 * at afterwards (with a fence between, when there are several processors): either the
 * store sees the mark and drops the blocks, or the decoder sees the new bytes.
 *
 * Requirements for whoever changes this
 *  1. The bytes that a block is made of were read after their granules were marked.
 *  2. Blocks stay readable until the next lookup: a handler may be in one.
 *  3. Memory is bounded: the pool is emptied whole when full.
 */
#ifndef LODGE_CPU_BLOCK_H
#define LODGE_CPU_BLOCK_H

#include "cpu/x86/sem.h"
#include "mem/ram.h"

#define BLOCK_MAX_INSNS 32

struct xinsn {
	insn_fn *fn;
	struct insn in;
};

struct block {
	uint64_t aoff;              /* first byte */
	uint64_t aoff2;             /* second page (crossing), or BLOCK_NOWHERE */
	struct block *next;         /* hash chain */
	struct block *page_next[2]; /* lists of the one or two pages */
	uint16_t bytes, n;
	uint8_t key; /* block_key() */
	bool dead;
	uint32_t runs; /* by the interpreter, for the translator's threshold */
	struct xinsn insn[];
};

#define BLOCK_NOWHERE UINT64_MAX

/* What decoding and binding depend on. */
static inline uint8_t
block_key(const struct cpu *c)
{
	return (uint8_t)(c->bits | (cpu_is_prot(c) ? 4 : 0));
}

/* Does a run of bytes that begins at aoff, and goes on at aoff2 behind its page, hold any of
 * [at, at + len)? Decoded blocks and translated ones ask. */
static inline bool
block_overlaps(uint64_t aoff, uint64_t aoff2, unsigned bytes, uint64_t at, size_t len)
{
	uint64_t room = MEM_PAGE - (aoff & (MEM_PAGE - 1)), n = bytes < room ? bytes : room;

	if (at < aoff + n && aoff < at + len)
		return true;
	return aoff2 != BLOCK_NOWHERE && at < aoff2 + (bytes - n) && aoff2 < at + len;
}

int block_cache_create(struct cpu *c);
void block_cache_destroy(struct cpu *c);
/* The block at RIP, decoding it if need be; raises what fetching raises. */
const struct block *block_lookup(struct cpu *c);
/* Drops this processor's blocks that hold any of the bytes (true: there were some); ends the
 * running block if it is one of them. */
bool block_invalidate(struct cpu *c, uint64_t aoff, size_t len);
void block_flush_all(struct cpu *c); /* the decoded ones; not from inside a block */
/* Memory may have changed anywhere: those and the translated ones. */
void block_forget_all(struct cpu *c);
/* After a store to a page with code: drops blocks here and asks the other processors to. */
void block_code_stored(struct cpu *c, uint64_t aoff, size_t len);

#endif
