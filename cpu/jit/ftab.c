/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu/jit/ftab.h"

#include "base/mem.h"
#include "cpu/mmu/tlb.h"
#include "mem/space.h"

#include <errno.h>
#include <sys/mman.h>

#define LOG_MAX     (1u << 15)
#define TOUCHED_MAX 16384u /* pages of table: 64 MiB */
#define RECENT      4096u
#define LARGE_BITS  16

struct log {
	uint64_t *page; /* guest page numbers */
	unsigned n;
};

struct side { /* one privilege */
	uint8_t *area;
	uint64_t (*pair)[2];
	uint32_t *exec;
	struct log log[2];                       /* [global] */
	uint64_t large[(1u << LARGE_BITS) / 64]; /* which addresses lie in large pages */
};

/* Where a page of the arena can be stored to: up to two guest pages, or MANY. A page that
 * becomes a code page loses its entries without a search, as code that changes itself needs. */
struct stores {
	uint64_t at[2]; /* guest page << 2 | side << 1 | 1, or 0 */
};
#define MANY UINT64_MAX

struct jit_ftab {
	struct stores *stores; /* by arena page */
	size_t stores_bytes;
	struct side side[2];
	size_t area_bytes, exec_bytes;
	uint64_t index_mask; /* of page numbers */
	uint32_t recent[RECENT];
	unsigned touched;
};

static void
advise(void *p, size_t bytes)
{
	madvise(p, bytes, MADV_NOHUGEPAGE);
	madvise(p, bytes, MADV_DONTDUMP);
}

static void *
reserve(size_t bytes)
{
	void *p = mem_map_lazily(bytes);

	if (p)
		advise(p, bytes);
	return p;
}

int
ftab_create(struct cpu *c, struct jit_ftab **ret)
{
	struct jit_ftab *t = try_alloc(1, sizeof(*t));
	unsigned bits = model_has(c->model, FEAT_LM) ? 36 : 20;

	*ret = t;
	if (!t)
		return -ENOMEM;
	t->index_mask = bits_mask(bits);
	t->area_bytes = JIT_XC_BYTES + (16ull << bits);
	t->exec_bytes = 4ull << bits;
	for (unsigned u = 0; u < 2; u++) {
		struct side *s = &t->side[u];

		s->area = reserve(t->area_bytes);
		s->exec = reserve(t->exec_bytes);
		s->log[0].page = try_alloc(LOG_MAX, sizeof(uint64_t));
		s->log[1].page = try_alloc(LOG_MAX, sizeof(uint64_t));
		if (!s->area || !s->exec || !s->log[0].page || !s->log[1].page)
			return -ENOMEM;
		s->pair = (uint64_t(*)[2])(void *)(s->area + JIT_XC_BYTES);
	}
	t->stores_bytes = ALIGN_UP(c->arena->size / MEM_PAGE * sizeof(t->stores[0]), MEM_PAGE);
	if (!(t->stores = reserve(t->stores_bytes)))
		return -ENOMEM;
	c->hot.index_mask = t->index_mask << 4;
	return 0;
}

void
ftab_destroy(struct jit_ftab *t)
{
	if (!t)
		return;
	if (t->stores)
		munmap(t->stores, t->stores_bytes);
	for (unsigned u = 0; u < 2; u++) {
		struct side *s = &t->side[u];

		if (s->area)
			munmap(s->area, t->area_bytes);
		if (s->exec)
			munmap(s->exec, t->exec_bytes);
		mem_free(s->log[0].page);
		mem_free(s->log[1].page);
	}
	mem_free(t);
}

uint64_t
ftab_gs(const struct jit_ftab *t, bool user)
{
	return (uint64_t)(uintptr_t)t->side[user].pair;
}

struct jit_xc *
ftab_xc(const struct jit_ftab *t, bool user)
{
	return (struct jit_xc *)(void *)t->side[user].area;
}

uint32_t *
ftab_exec_slot(const struct jit_ftab *t, bool user, uint64_t lin)
{
	return &t->side[user].exec[(lin >> MEM_PAGE_SHIFT) & t->index_mask];
}

/* ---- dropping ---- */

static void
drop_page(struct side *s, uint64_t page)
{
	/* what was never filled has no memory, and gets none */
	if (s->pair[page][0] | s->pair[page][1])
		s->pair[page][0] = s->pair[page][1] = 0;
	if (s->exec[page])
		s->exec[page] = 0;
}

static void
flush_log(struct side *s, bool global)
{
	struct log *l = &s->log[global];

	for (unsigned i = 0; i < l->n; i++)
		drop_page(s, l->page[i]);
	l->n = 0;
}

/* Not memset(): the guest's vector registers may be in the host's. */
static void
forget_large(struct side *s)
{
	for (unsigned i = 0; i < ARRAY_SIZE(s->large); i++)
		*(volatile uint64_t *)&s->large[i] = 0;
}

/* A new mapping in the place of the old one: its page tables go too, which are a lot when
 * addresses lie far from each other. */
static void
again(void *at, size_t bytes)
{
	void *p = mmap(at, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED) { /* the old one stays */
		madvise(at, bytes, MADV_DONTNEED);
		return;
	}
	advise(p, bytes);
}

/* Gives the tables' memory back. */
static void
trim(struct jit_ftab *t)
{
	for (unsigned u = 0; u < 2; u++) {
		struct side *s = &t->side[u];

		s->log[0].n = s->log[1].n = 0;
		again(s->pair, t->area_bytes - JIT_XC_BYTES);
		again(s->exec, t->exec_bytes);
		forget_large(s);
	}
	for (unsigned i = 0; i < RECENT; i++)
		*(volatile uint32_t *)&t->recent[i] = 0;
	t->touched = 0;
}

void
ftab_flush(struct cpu *c, bool keep_global)
{
	struct jit_ftab *t = c->jit->ftab;

	for (unsigned u = 0; u < 2; u++) {
		flush_log(&t->side[u], false);
		if (!keep_global) {
			flush_log(&t->side[u], true);
			forget_large(&t->side[u]);
		}
	}
}

static const unsigned large_shift[] = { 21, 22, 30 };

static unsigned
large_hash(uint64_t lin, unsigned shift)
{
	return (
	    unsigned)(((lin >> shift) * 64 + shift) * 0x9e3779b97f4a7c15ull >> (64 - LARGE_BITS));
}

static void
drop_region(struct jit_ftab *t, struct side *s, uint64_t lin, unsigned shift)
{
	uint64_t region = (lin >> MEM_PAGE_SHIFT & t->index_mask) >> (shift - MEM_PAGE_SHIFT);

	for (unsigned g = 0; g < 2; g++)
		for (unsigned i = 0; i < s->log[g].n; i++)
			if (s->log[g].page[i] >> (shift - MEM_PAGE_SHIFT) == region)
				drop_page(s, s->log[g].page[i]);
}

void
ftab_flush_page(struct cpu *c, uint64_t lin)
{
	struct jit_ftab *t = c->jit->ftab;

	for (unsigned u = 0; u < 2; u++) {
		struct side *s = &t->side[u];

		drop_page(s, lin >> MEM_PAGE_SHIFT & t->index_mask);
		for (unsigned k = 0; k < ARRAY_SIZE(large_shift); k++) {
			unsigned h = large_hash(lin, large_shift[k]);

			if (s->large[h / 64] >> (h % 64) & 1)
				drop_region(t, s, lin, large_shift[k]);
		}
	}
}

/* Drops the store entry of a guest page if it leads to `host`. */
static void
drop_store(struct jit_ftab *t, struct side *s, uint64_t page, uint64_t host)
{
	uint64_t *w = &s->pair[page][1];
	/* the page number lacks the copies of bit 47 */
	uint64_t lin = (uint64_t)((int64_t)(page << 28) >> 16);

	if (t->index_mask == bits_mask(20))
		lin = page << MEM_PAGE_SHIFT;
	if ((*w & 1) && *w - 1 + lin == host)
		*w = 0;
}

static void
drop_stores_everywhere(struct jit_ftab *t, uint64_t host)
{
	for (unsigned k = 0; k < 4; k++) {
		struct side *s = &t->side[k / 2];
		const struct log *l = &s->log[k % 2];

		for (unsigned i = 0; i < l->n; i++)
			drop_store(t, s, l->page[i], host);
	}
}

void
ftab_drop_writes(struct cpu *c, uint64_t aoff_page)
{
	uint64_t host = (uint64_t)(uintptr_t)(c->arena->base + aoff_page);
	struct jit_ftab *t = c->jit->ftab;
	struct stores *m = &t->stores[aoff_page >> MEM_PAGE_SHIFT];

	if (m->at[1] == MANY) {
		drop_stores_everywhere(t, host);
	} else {
		for (unsigned i = 0; i < 2; i++)
			if (m->at[i])
				drop_store(t, &t->side[m->at[i] >> 1 & 1], m->at[i] >> 2, host);
	}
	m->at[0] = m->at[1] = 0;
}

static void
note_store(struct jit_ftab *t, unsigned u, uint64_t page, uint64_t aoff)
{
	struct stores *m = &t->stores[aoff >> MEM_PAGE_SHIFT];
	uint64_t v = page << 2 | u << 1 | 1;

	if (m->at[0] == v || m->at[1] == v || m->at[1] == MANY)
		return;
	if (!m->at[0])
		m->at[0] = v;
	else if (!m->at[1])
		m->at[1] = v;
	else
		m->at[1] = MANY;
}

/* ---- filling ---- */

/* Counts pages of table that were not touched lately; may give all back. */
static void
note_touch(struct jit_ftab *t, unsigned u, uint64_t page)
{
	uint32_t id = (uint32_t)(page >> 8) * 2 + u + 1;
	uint32_t *r = &t->recent[(id ^ id >> 12) % RECENT];

	if (*r == id)
		return;
	if (++t->touched > TOUCHED_MAX)
		trim(t);
	*r = id;
}

static void
note_page(struct jit_ftab *t, unsigned u, uint64_t lin, bool global, unsigned shift)
{
	struct side *s = &t->side[u];
	uint64_t page = lin >> MEM_PAGE_SHIFT & t->index_mask;
	struct log *l = &s->log[global];

	note_touch(t, u, page);
	if (l->n == LOG_MAX)
		flush_log(s, global);
	l->page[l->n++] = page;
	if (shift > MEM_PAGE_SHIFT) {
		unsigned h = large_hash(lin, shift);

		s->large[h / 64] |= 1ull << (h % 64);
	}
}

bool
ftab_fill(struct cpu *c, uint64_t lin, bool write)
{
	struct jit_ftab *t = c->jit->ftab;
	unsigned user = c->cpl == 3;
	uint64_t page = lin >> MEM_PAGE_SHIFT & t->index_mask, gpa, aoff, entry;
	struct mmu_result r;
	struct mem_range f;

	note_touch(t, user, page); /* looking at the entry touched it, whatever comes of it */
	if (c->long_mode && !mmu_canonical(lin))
		return false;
	r = mmu_walk(c, lin, write ? MMU_WRITE : MMU_READ, user, true);
	if (r.fault)
		return false;
	gpa = r.gpa & c->a20_mask & ~0xfffull;
	if (!tlb_page_memory(c, gpa, &f, &aoff))
		return false;
	entry = (uint64_t)(uintptr_t)c->arena->base + aoff - (lin & ~0xfffull) + 1;
	note_page(t, user, lin, r.global, r.page_shift);
	t->side[user].pair[page][0] = entry;
	if (!r.writable || f.kind == MEM_ROM ||
	    __atomic_load_n(&c->arena->code[aoff >> MEM_PAGE_SHIFT], __ATOMIC_ACQUIRE)) {
		t->side[user].pair[page][1] = 0;
		return !write;
	}
	note_store(t, user, page, aoff);
	t->side[user].pair[page][1] = entry;
	return true;
}

void
ftab_set_exec(struct cpu *c, uint64_t lin, uint64_t aoff, bool global, unsigned shift)
{
	struct jit_ftab *t = c->jit->ftab;
	unsigned user = c->cpl == 3;
	uint32_t *slot = ftab_exec_slot(t, user, lin);

	if (*slot == ftab_exec_id(aoff))
		return;
	note_page(t, user, lin, global, shift);
	*slot = ftab_exec_id(aoff);
}
