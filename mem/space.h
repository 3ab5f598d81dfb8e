/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest-physical memory space and the port space: sorted, non-overlapping
 * flat ranges computed from a list of regions with priorities.  A region is
 * memory (a piece of the arena, writable or not) or registers (callbacks that
 * see offsets).  Changing a mapping rebuilds the flat view and tells the
 * processors to forget their translations.
 *
 * Locking: one lock a machine (`lock`), taken here around every register
 * callback and by the board around timers and completions; models have none.
 * The flat view is replaced whole under that lock while readers of memory
 * ranges use mem_space_find() under a sequence check.
 *
 * Access sizes: a region declares access_min..access_max; wider accesses are
 * split little-endian into access_max pieces, narrower ones are widened
 * (reads) or dropped with a guest error (writes) unless access_min is 1.
 * Nothing mapped: reads give all ones, writes go nowhere.
 */
#ifndef LODGE_MEM_SPACE_H
#define LODGE_MEM_SPACE_H

#include "mem/ram.h"

#include <pthread.h>

struct mem_io { /* a register region */
	uint64_t (*read)(void *ctx, uint64_t off, unsigned size);
	void (*write)(void *ctx, uint64_t off, unsigned size, uint64_t val);
	uint8_t access_min, access_max; /* bytes: 1, 2, 4, 8 */
	/* Optional batched string I/O for ports: `n` elements of `size` bytes at
	 * one offset. Returns how many were done (>= 1). */
	unsigned (*read_many)(void *ctx, uint64_t off, unsigned size, void *dst, unsigned n);
	unsigned (*write_many)(void *ctx, uint64_t off, unsigned size, const void *src, unsigned n);
};

enum mem_kind {
	MEM_NONE,
	MEM_RAM,
	MEM_ROM /* reads are memory, writes dropped or to io */,
	MEM_IO
};

struct mem_region; /* opaque: one mapping */
struct mem_view;

struct mem_range {           /* one piece of the flat view */
	uint64_t start, end; /* [start, end) */
	enum mem_kind kind;
	uint64_t aoff;           /* RAM, ROM: arena offset of `start` */
	const struct mem_io *io; /* IO; for ROM: write side or NULL */
	void *ctx;
	uint64_t off; /* IO: offset of `start` in its region */
};

struct mem_space {
	const char *name;
	struct mem_arena *arena; /* NULL for the port space */
	/* The machine's lock; recursive. The hooks are taken around register callbacks
	 * instead when set (a processor's thread parks itself while it waits). */
	pthread_mutex_t *lock;
	void (*lock_fn)(void *ctx);
	void (*unlock_fn)(void *ctx);
	void *lock_ctx;
	struct mem_region *regions;
	struct mem_view *view;  /* the flat view, sorted */
	struct mem_view *views; /* every buffer ever used; freed with the space */
	unsigned seq;           /* odd while being rebuilt */
	unsigned nesting;
	bool dirty;
	void (*changed)(void *ctx); /* after every change of the view */
	void *changed_ctx;
};

void mem_space_init(
    struct mem_space *s, const char *name, struct mem_arena *a, pthread_mutex_t *lock);
void mem_space_fini(struct mem_space *s);

/* Higher priority wins where regions overlap; equal: the later one. A region
 * starts disabled at address 0. */
struct mem_region *mem_space_add_ram(struct mem_space *s, const char *name, uint64_t aoff,
    uint64_t size, bool writable, int priority);
struct mem_region *mem_space_add_io(struct mem_space *s, const char *name, const struct mem_io *io,
    void *ctx, uint64_t size, int priority);
void mem_region_map(struct mem_region *r, uint64_t addr); /* moves and enables */
void mem_region_unmap(struct mem_region *r);
/* Several changes with one rebuild; nests. */
void mem_space_begin(struct mem_space *s);
void mem_space_commit(struct mem_space *s);

/* The piece that holds `addr`: a hole comes back as kind MEM_NONE with its
 * extent. Any thread. */
struct mem_range mem_space_find(struct mem_space *s, uint64_t addr);

/* size 1, 2, 4, 8; any alignment; take the lock for register regions. */
uint64_t mem_space_read(struct mem_space *s, uint64_t addr, unsigned size);
void mem_space_write(struct mem_space *s, uint64_t addr, unsigned size, uint64_t val);

/* Batched string I/O: n elements of `size` bytes at one address (a port). Falls back to
 * single accesses where the region has no batch callback. Returns how many were done (>= 1). */
unsigned mem_space_read_many(
    struct mem_space *s, uint64_t addr, unsigned size, void *dst, unsigned n);
unsigned mem_space_write_many(
    struct mem_space *s, uint64_t addr, unsigned size, const void *src, unsigned n);

/* Bounded copies for devices, the loader and the debugger. False when some byte
 * was not memory (those bytes read as ff, or were not written); registers are
 * never touched. Writes tell the code bitmap. */
bool mem_space_copy_from(struct mem_space *s, uint64_t addr, void *dst, size_t len);
bool mem_space_copy_to(struct mem_space *s, uint64_t addr, const void *src, size_t len);
/* As copy_to, but writes ROM too (loading). */
bool mem_space_load(struct mem_space *s, uint64_t addr, const void *src, size_t len);

/* Human-readable list of the flat view into b (monitor `info mtree`). */
struct buf;
void mem_space_dump(struct mem_space *s, struct buf *b);

#endif
