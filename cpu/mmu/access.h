/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every guest memory access of the interpreter.  The inline part is the fast path: a
 * segment check, one table entry, one host access.  All else (page walks, page crossing,
 * device memory, ROM, pages with code, watchpoints, alignment checks, expand-down
 * segments) is in access.c.  Any of these may raise and then does not return.
 *
 * seg: SEG_ES..SEG_GS with the segment's limit and rights; or linear addresses with the
 * current privilege (lin_*); or linear with supervisor rights for descriptor tables, TSS
 * and inner stacks (sys_*).
 */
#ifndef LODGE_CPU_ACCESS_H
#define LODGE_CPU_ACCESS_H

#include "cpu/mmu/mmu.h"

typedef volatile uint8_t guest_u8;
typedef volatile uint16_t __attribute__((may_alias, aligned(1))) guest_u16;
typedef volatile uint32_t __attribute__((may_alias, aligned(1))) guest_u32;
typedef volatile uint64_t __attribute__((may_alias, aligned(1))) guest_u64;

/* slow paths, access.c */
uint64_t access_seg_slow(struct cpu *c, unsigned seg, uint64_t ea, unsigned size, unsigned need);
uint64_t access_read_slow(struct cpu *c, uint64_t lin, unsigned size, bool sys);
void access_write_slow(struct cpu *c, uint64_t lin, unsigned size, uint64_t v, bool sys);

/* Segment check → linear address. need: SEG_OK_R or SEG_OK_W. #GP, or #SS for SEG_SS. */
static ALWAYS_INLINE uint64_t
seg_linear(struct cpu *c, unsigned seg, uint64_t ea, unsigned size, unsigned need)
{
	const struct seg *s = &c->seg[seg];

	if (unlikely(!(s->ok & need) || ea + (size - 1) > s->vlimit))
		return access_seg_slow(c, seg, ea, size, need);
	return (s->lbase + ea) & c->lin_mask;
}

static ALWAYS_INLINE struct tlb_entry *
tlb_slot(struct tlb_entry *t, uint64_t lin)
{
	return &t[(lin >> 12) & (TLB_SIZE - 1)];
}

#define ACCESS_DEFINE(w)                                                                           \
	static ALWAYS_INLINE uint##w##_t lin_read##w(struct cpu *c, uint64_t lin)                  \
	{                                                                                          \
		const struct tlb_entry *e = tlb_slot(c->tlb, lin);                                 \
		if (likely(e->tag_r == (lin & ~0xfffull) && (lin & 0xfff) <= 4096 - w / 8))        \
			return *(const guest_u##w *)(uintptr_t)(lin + e->addend);                  \
		return (uint##w##_t)access_read_slow(c, lin, w / 8, false);                        \
	}                                                                                          \
	static ALWAYS_INLINE void lin_write##w(struct cpu *c, uint64_t lin, uint##w##_t v)         \
	{                                                                                          \
		const struct tlb_entry *e = tlb_slot(c->tlb, lin);                                 \
		if (likely(e->tag_w == (lin & ~0xfffull) && (lin & 0xfff) <= 4096 - w / 8))        \
			*(guest_u##w *)(uintptr_t)(lin + e->addend) = v;                           \
		else                                                                               \
			access_write_slow(c, lin, w / 8, v, false);                                \
	}                                                                                          \
	static ALWAYS_INLINE uint##w##_t sys_read##w(struct cpu *c, uint64_t lin)                  \
	{                                                                                          \
		return (uint##w##_t)access_read_slow(c, lin, w / 8, true);                         \
	}                                                                                          \
	static ALWAYS_INLINE void sys_write##w(struct cpu *c, uint64_t lin, uint##w##_t v)         \
	{                                                                                          \
		access_write_slow(c, lin, w / 8, v, true);                                         \
	}                                                                                          \
	static ALWAYS_INLINE uint##w##_t mem_read##w(struct cpu *c, unsigned s, uint64_t ea)       \
	{                                                                                          \
		return lin_read##w(c, seg_linear(c, s, ea, w / 8, SEG_OK_R));                      \
	}                                                                                          \
	static ALWAYS_INLINE void mem_write##w(                                                    \
	    struct cpu *c, unsigned s, uint64_t ea, uint##w##_t v)                                 \
	{                                                                                          \
		lin_write##w(c, seg_linear(c, s, ea, w / 8, SEG_OK_W), v);                         \
	}
ACCESS_DEFINE(8)
ACCESS_DEFINE(16)
ACCESS_DEFINE(32)
ACCESS_DEFINE(64)
#undef ACCESS_DEFINE

/* By size in bytes: 1, 2, 4, 8; folds when size is constant. */
static ALWAYS_INLINE uint64_t
mem_read(struct cpu *c, unsigned seg, uint64_t ea, unsigned size)
{
	switch (size) {
	case 1: return mem_read8(c, seg, ea);
	case 2: return mem_read16(c, seg, ea);
	case 4: return mem_read32(c, seg, ea);
	default: return mem_read64(c, seg, ea);
	}
}
static ALWAYS_INLINE void
mem_write(struct cpu *c, unsigned seg, uint64_t ea, unsigned size, uint64_t v)
{
	switch (size) {
	case 1: mem_write8(c, seg, ea, (uint8_t)v); break;
	case 2: mem_write16(c, seg, ea, (uint16_t)v); break;
	case 4: mem_write32(c, seg, ea, (uint32_t)v); break;
	default: mem_write64(c, seg, ea, v); break;
	}
}

/* Blocks of bytes (10-byte reals, 16- and 32-byte vectors, FXSAVE areas up to 4096 bytes).
 * Both pages are checked before a byte is stored. */
void mem_read_bytes(struct cpu *c, unsigned seg, uint64_t ea, void *dst, unsigned len);
void mem_write_bytes(struct cpu *c, unsigned seg, uint64_t ea, const void *src, unsigned len);
/* 16 and 32 bytes (size is constant), with the fast path in line. dst and src: any alignment. */
typedef uint64_t __attribute__((vector_size(16), aligned(1), may_alias)) guest_v16;

static ALWAYS_INLINE void
mem_read_vec(struct cpu *c, unsigned seg, uint64_t ea, void *dst, unsigned size)
{
	uint64_t lin = seg_linear(c, seg, ea, size, SEG_OK_R);
	const struct tlb_entry *e = tlb_slot(c->tlb, lin);

	if (likely(e->tag_r == (lin & ~0xfffull) && (lin & 0xfff) <= 4096 - size)) {
		const volatile guest_v16 *p = (const guest_v16 *)(uintptr_t)(lin + e->addend);

		for (unsigned i = 0; i < size / 16; i++)
			((guest_v16 *)dst)[i] = p[i];
	} else {
		mem_read_bytes(c, seg, ea, dst, size);
	}
}
static ALWAYS_INLINE void
mem_write_vec(struct cpu *c, unsigned seg, uint64_t ea, const void *src, unsigned size)
{
	uint64_t lin = seg_linear(c, seg, ea, size, SEG_OK_W);
	const struct tlb_entry *e = tlb_slot(c->tlb, lin);

	if (likely(e->tag_w == (lin & ~0xfffull) && (lin & 0xfff) <= 4096 - size)) {
		volatile guest_v16 *p = (guest_v16 *)(uintptr_t)(lin + e->addend);

		for (unsigned i = 0; i < size / 16; i++)
			p[i] = ((const guest_v16 *)src)[i];
	} else {
		mem_write_bytes(c, seg, ea, src, size);
	}
}
/* Raises what a store of `len` bytes would raise; for instructions that store twice. */
void mem_probe_write(struct cpu *c, unsigned seg, uint64_t ea, unsigned len);
void sys_probe_write(struct cpu *c, uint64_t lin, unsigned len);
void sys_read_bytes(struct cpu *c, uint64_t lin, void *dst, unsigned len);
void sys_write_bytes(struct cpu *c, uint64_t lin, const void *src, unsigned len);

/*
 * Read-modify-write.  Faults as a write before anything is read.
 *
 *	struct rmw t;
 *	rmw_begin(c, &t, seg, ea, size, locked);
 *	do {
 *		old = rmw_load(&t, size);
 *		new = f(old);
 *	} while (!rmw_commit(c, &t, size, old, new));
 *	… only now change registers and flags …
 *
 * locked: another processor sees it as one step (host compare-and-exchange; a locked access
 * that crosses a line or touches a device runs with the other processors stopped). Between
 * begin and commit nothing else may access guest memory or raise; rmw_abort() ends without
 * a store (CMPXCHG8B's failing side must store the old value instead).
 */
struct rmw {
	void *host; /* direct, or NULL: value in `v` */
	uint64_t lin, v;
	uint8_t size;
	bool locked, exclusive;
	bool sys;     /* with supervisor rights, whatever CPL is */
	bool watched; /* the page holds code */
};
void rmw_begin_slow(struct cpu *c, struct rmw *t);
bool rmw_commit_slow(struct cpu *c, struct rmw *t, uint64_t old, uint64_t v);
void rmw_abort(struct cpu *c, struct rmw *t);

static ALWAYS_INLINE void
rmw_begin(struct cpu *c, struct rmw *t, unsigned seg, uint64_t ea, unsigned size, bool locked)
{
	uint64_t lin = seg_linear(c, seg, ea, size, SEG_OK_W);
	const struct tlb_entry *e = tlb_slot(c->tlb, lin);

	t->lin = lin;
	t->size = (uint8_t)size;
	t->locked = locked;
	t->exclusive = t->watched = t->sys = false;
	if (likely(e->tag_w == (lin & ~0xfffull) && (lin & 0xfff) <= 4096 - size && !locked))
		t->host = (void *)(uintptr_t)(lin + e->addend);
	else
		rmw_begin_slow(c, t);
}
static ALWAYS_INLINE uint64_t
rmw_load(const struct rmw *t, unsigned size)
{
	if (unlikely(!t->host))
		return t->v;
	switch (size) {
	case 1: return *(const guest_u8 *)t->host;
	case 2: return *(const guest_u16 *)t->host;
	case 4: return *(const guest_u32 *)t->host;
	default: return *(const guest_u64 *)t->host;
	}
}
static ALWAYS_INLINE bool
rmw_commit(struct cpu *c, struct rmw *t, unsigned size, uint64_t old, uint64_t v)
{
	if (unlikely(!t->host || t->locked))
		return rmw_commit_slow(c, t, old, v);
	switch (size) {
	case 1: *(guest_u8 *)t->host = (uint8_t)v; break;
	case 2: *(guest_u16 *)t->host = (uint16_t)v; break;
	case 4: *(guest_u32 *)t->host = (uint32_t)v; break;
	default: *(guest_u64 *)t->host = v; break;
	}
	return true;
}
/* CMPXCHG16B: aligned 16 bytes (the caller checked); true when it matched and was stored. */
bool mem_cmpxchg16(
    struct cpu *c, unsigned seg, uint64_t ea, uint64_t old[2], const uint64_t val[2]);

/* A host pointer to [lin, end of page) for REP string runs, or NULL when the page is not
 * plain memory for this access. Valid until the next access of any kind. ret_len: bytes to
 * the end of the page. */
void *access_page_ptr(struct cpu *c, uint64_t lin, enum mmu_access access, unsigned *ret_len);

#endif
