/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mem/space.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>

struct mem_region {
	struct mem_region *next; /* in order of adding */
	struct mem_space *space;
	const char *name;
	uint64_t addr, size;
	bool mapped;
	int priority;
	enum mem_kind kind;
	uint64_t aoff;
	const struct mem_io *io;
	void *ctx;
};

/* A buffer is never freed while the space lives: a reader without the lock may still be
 * searching it and only afterwards finds that the sequence has moved. Two alternate, so
 * a guest that remaps for ever uses no more memory. */
struct mem_view {
	struct mem_view *next;
	unsigned n, cap;
	struct mem_range r[];
};

/* ---- building the flat view ---- */

static int
compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Highest priority; among equals the one added last. */
static const struct mem_region *
winner_at(const struct mem_space *s, uint64_t addr)
{
	const struct mem_region *best = NULL;

	for (const struct mem_region *r = s->regions; r; r = r->next)
		if (r->mapped && addr >= r->addr && addr - r->addr < r->size &&
		    (!best || r->priority >= best->priority))
			best = r;
	return best;
}

static struct mem_range
range_of(const struct mem_region *r, uint64_t start, uint64_t end)
{
	return (struct mem_range){
		.start = start,
		.end = end,
		.kind = r->kind,
		.aoff = r->aoff + (start - r->addr),
		.io = r->io,
		.ctx = r->ctx,
		.off = start - r->addr,
	};
}

static bool
range_continues(const struct mem_range *a, const struct mem_range *b)
{
	uint64_t d = b->start - a->start;

	return a->end == b->start && a->kind == b->kind && a->io == b->io && a->ctx == b->ctx &&
	       a->aoff + d == b->aoff && a->off + d == b->off;
}

static struct mem_view *
spare_view(struct mem_space *s, unsigned cap)
{
	struct mem_view *v;

	for (v = s->views; v; v = v->next)
		if (v != s->view && v->cap >= cap)
			return v;
	cap = cap * 2 + 16;
	v = xalloc(sizeof(*v) + cap * sizeof(v->r[0]));
	v->cap = cap;
	v->next = s->views;
	s->views = v;
	return v;
}

static void
fill_view(struct mem_space *s, struct mem_view *v, const uint64_t *cut, unsigned cuts)
{
	v->n = 0;
	for (unsigned i = 0; i + 1 < cuts; i++) {
		const struct mem_region *r;
		struct mem_range f;

		if (cut[i] == cut[i + 1] || !(r = winner_at(s, cut[i])))
			continue;
		f = range_of(r, cut[i], cut[i + 1]);
		if (v->n && range_continues(&v->r[v->n - 1], &f))
			v->r[v->n - 1].end = f.end;
		else
			v->r[v->n++] = f;
	}
}

static void
rebuild(struct mem_space *s)
{
	unsigned n = 0, cuts = 0;
	uint64_t *cut;
	struct mem_view *v;

	for (const struct mem_region *r = s->regions; r; r = r->next)
		n += r->mapped;
	cut = xalloc((2 * n + 1) * sizeof(*cut));
	for (const struct mem_region *r = s->regions; r; r = r->next) {
		if (r->mapped) {
			cut[cuts++] = r->addr;
			cut[cuts++] = r->addr + r->size;
		}
	}
	qsort(cut, cuts, sizeof(*cut), compare_u64);

	v = spare_view(s, 2 * n + 1);
	__atomic_store_n(&s->seq, s->seq + 1, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	fill_view(s, v, cut, cuts);
	__atomic_store_n(&s->view, v, __ATOMIC_RELEASE);
	__atomic_store_n(&s->seq, s->seq + 1, __ATOMIC_RELEASE);
	mem_free(cut);
	if (s->changed)
		s->changed(s->changed_ctx);
}

static void
touch(struct mem_space *s)
{
	s->dirty = true;
	if (!s->nesting) {
		s->dirty = false;
		rebuild(s);
	}
}

void
mem_space_begin(struct mem_space *s)
{
	s->nesting++;
}

void
mem_space_commit(struct mem_space *s)
{
	if (--s->nesting == 0 && s->dirty) {
		s->dirty = false;
		rebuild(s);
	}
}

/* ---- regions ---- */

void
mem_space_init(struct mem_space *s, const char *name, struct mem_arena *a, pthread_mutex_t *lock)
{
	memset(s, 0, sizeof(*s));
	s->name = name;
	s->arena = a;
	s->lock = lock;
	s->view = spare_view(s, 0);
}

void
mem_space_fini(struct mem_space *s)
{
	while (s->regions) {
		struct mem_region *r = s->regions;

		s->regions = r->next;
		mem_free(r);
	}
	while (s->views) {
		struct mem_view *v = s->views;

		s->views = v->next;
		mem_free(v);
	}
	s->view = NULL;
}

static struct mem_region *
add_region(struct mem_space *s, const char *name, uint64_t size, int priority)
{
	struct mem_region *r = xalloc(sizeof(*r)), **at = &s->regions;

	while (*at)
		at = &(*at)->next;
	*at = r;
	r->space = s;
	r->name = name;
	r->size = size;
	r->priority = priority;
	return r;
}

struct mem_region *
mem_space_add_ram(struct mem_space *s, const char *name, uint64_t aoff, uint64_t size,
    bool writable, int priority)
{
	struct mem_region *r = add_region(s, name, size, priority);

	r->kind = writable ? MEM_RAM : MEM_ROM;
	r->aoff = aoff;
	return r;
}

struct mem_region *
mem_space_add_io(struct mem_space *s, const char *name, const struct mem_io *io, void *ctx,
    uint64_t size, int priority)
{
	struct mem_region *r = add_region(s, name, size, priority);

	r->kind = MEM_IO;
	r->io = io;
	r->ctx = ctx;
	return r;
}

void
mem_region_map(struct mem_region *r, uint64_t addr)
{
	if (r->mapped && r->addr == addr)
		return;
	r->mapped = true;
	r->addr = addr;
	if (addr + r->size < addr) /* a BAR at the very top: out of the space */
		r->mapped = false;
	touch(r->space);
}

void
mem_region_unmap(struct mem_region *r)
{
	if (!r->mapped)
		return;
	r->mapped = false;
	touch(r->space);
}

/* ---- looking up ---- */

/* Index of the first range that ends above addr. */
static unsigned
first_above(const struct mem_view *v, unsigned n, uint64_t addr)
{
	unsigned lo = 0, hi = n;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (v->r[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct mem_range
find_in(const struct mem_view *v, uint64_t addr)
{
	unsigned n = v->n < v->cap ? v->n : v->cap;
	unsigned i = first_above(v, n, addr);
	struct mem_range hole = { .kind = MEM_NONE, .end = UINT64_MAX };

	if (i < n && v->r[i].start <= addr)
		return v->r[i];
	if (i < n)
		hole.end = v->r[i].start;
	if (i > 0)
		hole.start = v->r[i - 1].end;
	return hole;
}

struct mem_range
mem_space_find(struct mem_space *s, uint64_t addr)
{
	for (;;) {
		unsigned seq = __atomic_load_n(&s->seq, __ATOMIC_ACQUIRE);
		struct mem_range f = find_in(__atomic_load_n(&s->view, __ATOMIC_ACQUIRE), addr);

		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (likely(!(seq & 1) && seq == __atomic_load_n(&s->seq, __ATOMIC_RELAXED)))
			return f;
	}
}

/* ---- register accesses ---- */

static void
lock(struct mem_space *s)
{
	if (s->lock_fn)
		s->lock_fn(s->lock_ctx);
	else if (s->lock)
		pthread_mutex_lock(s->lock);
}

static void
unlock(struct mem_space *s)
{
	if (s->unlock_fn)
		s->unlock_fn(s->lock_ctx);
	else if (s->lock)
		pthread_mutex_unlock(s->lock);
}

static uint64_t
io_read(const struct mem_range *f, uint64_t off, unsigned size)
{
	const struct mem_io *io = f->io;
	uint64_t v = 0;

	if (!io->read)
		return bits_mask(size * 8);
	if (size < io->access_min) {
		uint64_t base = ALIGN_DOWN(off, (uint64_t)io->access_min);

		return (io->read(f->ctx, base, io->access_min) >> ((off - base) * 8)) &
		       bits_mask(size * 8);
	}
	if (size <= io->access_max)
		return io->read(f->ctx, off, size) & bits_mask(size * 8);
	for (unsigned i = 0; i < size; i += io->access_max)
		v |= (io->read(f->ctx, off + i, io->access_max) & bits_mask(io->access_max * 8u))
		     << (i * 8);
	return v;
}

static void
io_write(const struct mem_range *f, uint64_t off, unsigned size, uint64_t v)
{
	const struct mem_io *io = f->io;

	if (!io->write || size < io->access_min)
		return;
	if (size <= io->access_max) {
		io->write(f->ctx, off, size, v & bits_mask(size * 8));
		return;
	}
	for (unsigned i = 0; i < size; i += io->access_max)
		io->write(f->ctx, off + i, io->access_max,
		    (v >> (i * 8)) & bits_mask(io->access_max * 8u));
}

static uint64_t
piece_read(struct mem_space *s, const struct mem_range *f, uint64_t addr, unsigned size)
{
	uint64_t v;

	switch (f->kind) {
	case MEM_RAM:
	case MEM_ROM: return get_le(s->arena->base + f->aoff + (addr - f->start), size);
	case MEM_IO:
		lock(s);
		v = io_read(f, f->off + (addr - f->start), size);
		unlock(s);
		return v;
	default: return bits_mask(size * 8);
	}
}

static void
piece_write(
    struct mem_space *s, const struct mem_range *f, uint64_t addr, unsigned size, uint64_t v)
{
	switch (f->kind) {
	case MEM_RAM: mem_arena_write(s->arena, f->aoff + (addr - f->start), &v, size); break;
	case MEM_IO:
		lock(s);
		io_write(f, f->off + (addr - f->start), size, v);
		unlock(s);
		break;
	default: break;
	}
}

uint64_t
mem_space_read(struct mem_space *s, uint64_t addr, unsigned size)
{
	struct mem_range f = mem_space_find(s, addr);
	uint64_t v = 0;

	if (likely(f.end - addr >= size))
		return piece_read(s, &f, addr, size);
	for (unsigned i = 0; i < size; i++) {
		f = mem_space_find(s, addr + i);
		v |= piece_read(s, &f, addr + i, 1) << (i * 8);
	}
	return v;
}

void
mem_space_write(struct mem_space *s, uint64_t addr, unsigned size, uint64_t v)
{
	struct mem_range f = mem_space_find(s, addr);

	if (likely(f.end - addr >= size)) {
		piece_write(s, &f, addr, size, v);
		return;
	}
	for (unsigned i = 0; i < size; i++) {
		f = mem_space_find(s, addr + i);
		piece_write(s, &f, addr + i, 1, (v >> (i * 8)) & 0xff);
	}
}

unsigned
mem_space_read_many(struct mem_space *s, uint64_t addr, unsigned size, void *dst, unsigned n)
{
	struct mem_range f = mem_space_find(s, addr);
	unsigned done;

	if (f.kind == MEM_IO && f.io->read_many && f.end - addr >= size) {
		lock(s);
		done = f.io->read_many(f.ctx, f.off + (addr - f.start), size, dst, n);
		unlock(s);
		if (done)
			return done;
	}
	put_le(dst, size, mem_space_read(s, addr, size));
	return 1;
}

unsigned
mem_space_write_many(struct mem_space *s, uint64_t addr, unsigned size, const void *src, unsigned n)
{
	struct mem_range f = mem_space_find(s, addr);
	unsigned done;

	if (f.kind == MEM_IO && f.io->write_many && f.end - addr >= size) {
		lock(s);
		done = f.io->write_many(f.ctx, f.off + (addr - f.start), size, src, n);
		unlock(s);
		if (done)
			return done;
	}
	mem_space_write(s, addr, size, get_le(src, size));
	return 1;
}

/* ---- copies ---- */

enum copy_dir { COPY_FROM, COPY_TO, COPY_LOAD };

static bool
copy_piece(
    struct mem_space *s, const struct mem_range *f, uint64_t addr, uint8_t *p, size_t len, int dir)
{
	uint64_t aoff = f->aoff + (addr - f->start);
	bool memory = f->kind == MEM_RAM || (f->kind == MEM_ROM && dir != COPY_TO);

	if (dir == COPY_FROM) {
		if (memory)
			memcpy(p, s->arena->base + aoff, len);
		else
			memset(p, 0xff, len);
	} else if (memory) {
		mem_arena_write(s->arena, aoff, p, len);
	}
	return memory;
}

static bool
copy(struct mem_space *s, uint64_t addr, uint8_t *p, size_t len, int dir)
{
	bool ok = true;

	while (len) {
		struct mem_range f = mem_space_find(s, addr);
		size_t n = f.end - addr < len ? (size_t)(f.end - addr) : len;

		if (!n) /* the very last byte of the space */
			return false;
		ok &= copy_piece(s, &f, addr, p, n, dir);
		addr += n;
		p += n;
		len -= n;
	}
	return ok;
}

bool
mem_space_copy_from(struct mem_space *s, uint64_t addr, void *dst, size_t len)
{
	return copy(s, addr, dst, len, COPY_FROM);
}

bool
mem_space_copy_to(struct mem_space *s, uint64_t addr, const void *src, size_t len)
{
	return copy(s, addr, (uint8_t *)(uintptr_t)src, len, COPY_TO);
}

bool
mem_space_load(struct mem_space *s, uint64_t addr, const void *src, size_t len)
{
	return copy(s, addr, (uint8_t *)(uintptr_t)src, len, COPY_LOAD);
}

void
mem_space_dump(struct mem_space *s, struct buf *b)
{
	static const char *const kinds[] = { "-", "ram", "rom", "io" };

	for (unsigned i = 0; i < s->view->n; i++) {
		const struct mem_range *f = &s->view->r[i];
		const struct mem_region *r = winner_at(s, f->start);

		buf_printf(b, "%016" PRIx64 "-%016" PRIx64 " %-4s %s\n", f->start, f->end - 1,
		    kinds[f->kind], r ? r->name : "?");
	}
}
