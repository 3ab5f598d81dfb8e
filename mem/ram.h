/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arena: one shared mapping that holds every byte of the machine which
 * behaves like memory: RAM, ROM images, video memory.  A guest-physical page
 * that is backed by memory is a page of the arena; the address of a page inside
 * the arena ("aoff", an offset in bytes) is its identity, whatever guest-physical
 * addresses show it (A20, PAM shadowing, moved BARs).  The code bitmap and the
 * block cache are keyed by it.
 *
 * The code bitmap has one 64-bit word a page: bit g says that decoded code may
 * exist in bytes [g*64, g*64+64) of that page.
 *
 * Threads: the bitmap is atomic; allocation happens before the processors run.
 */
#ifndef LODGE_MEM_RAM_H
#define LODGE_MEM_RAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEM_PAGE       4096u
#define MEM_PAGE_SHIFT 12
#define MEM_GRANULE    64u

struct err;

struct mem_arena {
	uint8_t *base;     /* host address, page aligned */
	size_t size, used; /* bytes */
	uint64_t *code;    /* code bitmap, a word a page */
	/* Called when something other than a processor's own store (DMA, the
	 * debugger, loading) writes to bytes with code granules set. */
	void (*code_written)(void *ctx, uint64_t aoff, size_t len);
	void *code_ctx;
};

/* fd: a memfd of at least `size` bytes passed in, or -1 for anonymous memory. */
int mem_arena_init(struct mem_arena *a, int fd, size_t size, struct err *e);
void mem_arena_fini(struct mem_arena *a);
/* Page-aligned piece of zeroed arena; -ENOMEM when full. */
int mem_arena_alloc(struct mem_arena *a, size_t size, uint64_t *ret_aoff, struct err *e);

static inline bool
mem_code_hit(const struct mem_arena *a, uint64_t aoff, size_t len)
{
	uint64_t end = aoff + len - 1;

	for (uint64_t p = aoff >> MEM_PAGE_SHIFT; p <= end >> MEM_PAGE_SHIFT; p++)
		if (__atomic_load_n(&a->code[p], __ATOMIC_RELAXED))
			return true; /* coarse; code_written looks at the granules */
	return false;
}

/* Stores by anyone but a processor. */
void mem_arena_write(struct mem_arena *a, uint64_t aoff, const void *src, size_t len);

#endif
