/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding, building and dropping decoded blocks; see block.h for the rules. */
#include "cpu/x86/block.h"

#include "base/mem.h"
#include "cpu/cpu.h"
#include "cpu/jit/jit.h"
#include "cpu/mmu/tlb.h"
#include "cpu/smp.h"
#include "mem/space.h"

#include <errno.h>
#include <sys/mman.h>

#define HASH_BITS  15
#define HASH_SIZE  (1u << HASH_BITS)
#define POOL_BYTES (32u << 20)
#define JUMP_SIZE  4096u

/* Where RIP was translated and looked up before: holds until a translation changes
 * (c->fetch_gen). */
struct jump {
	uint64_t lin;
	struct block *b;
	uint64_t gen; /* 0: empty */
	uint8_t key;  /* block_key() and whether CPL is 3 */
};

struct block_cache {
	struct jump jump[JUMP_SIZE];
	struct block *hash[HASH_SIZE];
	struct block **by_page; /* list head of each arena page */
	size_t by_page_bytes;
	uint8_t *pool;
	size_t used;
	struct { /* a block that cannot be cached: code in device memory */
		struct block b;
		struct xinsn insn[1];
	} scratch;
};

int
block_cache_create(struct cpu *c)
{
	struct block_cache *bc = try_alloc(1, sizeof(*bc));

	if (!bc)
		return -ENOMEM;
	c->blocks = bc;
	bc->by_page_bytes = ALIGN_UP(c->arena->size / MEM_PAGE * sizeof(bc->by_page[0]), MEM_PAGE);
	bc->by_page = mem_map_lazily(bc->by_page_bytes);
	bc->pool = mem_map_lazily(POOL_BYTES);
	return bc->by_page && bc->pool ? 0 : -ENOMEM;
}

void
block_cache_destroy(struct cpu *c)
{
	struct block_cache *bc = c->blocks;

	if (!bc)
		return;
	if (bc->by_page)
		munmap(bc->by_page, bc->by_page_bytes);
	if (bc->pool)
		munmap(bc->pool, POOL_BYTES);
	mem_free(bc);
	c->blocks = NULL;
}

static unsigned
hash_of(uint64_t aoff, uint8_t key)
{
	return (
	    unsigned)(((aoff ^ ((uint64_t)key << 56)) * 0x9e3779b97f4a7c15ull) >> (64 - HASH_BITS));
}

void
block_flush_all(struct cpu *c)
{
	struct block_cache *bc = c->blocks;

	memset(bc->hash, 0, sizeof(bc->hash));
	madvise(bc->by_page, bc->by_page_bytes, MADV_DONTNEED);
	bc->used = 0;
	c->fetch_gen++;
	c->cur_block = NULL;
	c->stat[CPU_STAT_FLUSHES]++;
}

void
block_forget_all(struct cpu *c)
{
	block_flush_all(c);
	if (c->jit)
		jit_flush(c);
}

/* ---- dropping ---- */

static void
unhash(struct block_cache *bc, struct block *b)
{
	struct block **at = &bc->hash[hash_of(b->aoff, b->key)];

	while (*at && *at != b)
		at = &(*at)->next;
	if (*at)
		*at = b->next;
}

static struct block **
page_link(struct block *b, uint64_t page)
{
	return &b->page_next[b->aoff >> MEM_PAGE_SHIFT != page];
}

/* The dead stay on their other page's list (marked) until that is walked. */
static bool
drop_in_page(struct cpu *c, uint64_t page, uint64_t aoff, size_t len)
{
	struct block_cache *bc = c->blocks;
	struct block **at = &bc->by_page[page];
	bool dropped = false;

	while (*at) {
		struct block *b = *at;
		struct block **link = page_link(b, page);

		if (!b->dead && !block_overlaps(b->aoff, b->aoff2, b->bytes, aoff, len)) {
			at = link;
			continue;
		}
		*at = *link;
		if (b->dead)
			continue;
		b->dead = dropped = true;
		unhash(bc, b);
		c->stat[CPU_STAT_INVALIDATIONS]++;
		if (b == c->cur_block)
			cpu_end_block(c);
	}
	return dropped;
}

bool
block_invalidate(struct cpu *c, uint64_t aoff, size_t len)
{
	bool dropped = false;

	for (uint64_t p = aoff >> MEM_PAGE_SHIFT; p <= (aoff + len - 1) >> MEM_PAGE_SHIFT; p++)
		if (c->blocks->by_page[p])
			dropped |= drop_in_page(c, p, aoff, len);
	if (c->jit)
		dropped |= jit_invalidate(c, aoff, len);
	return dropped;
}

static uint64_t
granules(uint64_t off, uint64_t end) /* offsets in a page, end exclusive */
{
	unsigned first = (unsigned)(off / MEM_GRANULE), last = (unsigned)((end - 1) / MEM_GRANULE);

	return bits_mask(last - first + 1) << first;
}

/* With one processor the marks can be taken back, so that data on a page that held code is
 * cheap again, and code that is written anew drops each granule once: the rest of what the
 * granules hold goes too. */
static void
unmark(struct cpu *c, uint64_t aoff, size_t len)
{
	uint64_t first = ALIGN_DOWN(aoff, (uint64_t)MEM_GRANULE);
	uint64_t end = ALIGN_UP(aoff + len, (uint64_t)MEM_GRANULE), off = first & (MEM_PAGE - 1);
	uint64_t *word = &c->arena->code[first >> MEM_PAGE_SHIFT];

	block_invalidate(c, first, end - first);
	__atomic_store_n(word, *word & ~granules(off, off + (end - first)), __ATOMIC_RELAXED);
}

void
block_code_stored(struct cpu *c, uint64_t aoff, size_t len)
{
	uint64_t page = aoff >> MEM_PAGE_SHIFT, off = aoff & (MEM_PAGE - 1);
	bool alone = c->set->n == 1, dropped;

	if (!alone)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (likely(!(__atomic_load_n(&c->arena->code[page], __ATOMIC_RELAXED) &
		     granules(off, off + len))))
		return;
	dropped = block_invalidate(c, aoff, len);
	if (!alone)
		smp_post_invalidate(c->set, c, aoff, len);
	else if (dropped)
		unmark(c, aoff, len);
}

/* ---- building ---- */

struct builder {
	struct cpu *c;
	uint8_t bytes[MEM_PAGE + 16]; /* the page's rest, then the next page's start */
	size_t avail;                 /* in bytes[] */
	uint64_t lin;                 /* of bytes[0] */
	uint64_t aoff, aoff2;
};

/* aoff of the byte at `lin` for execution, or BLOCK_NOWHERE when it is not memory. */
static uint64_t
fetch_aoff(struct cpu *c, uint64_t lin)
{
	struct tlb_entry *e = tlb_slot(tlb_table(c, c->cpl == 3), lin);

	if (unlikely(e->tag_x != (lin & ~0xfffull))) {
		e = tlb_fill(c, lin, MMU_EXEC, c->cpl == 3);
		if (e->tag_x != (lin & ~0xfffull))
			return BLOCK_NOWHERE;
	}
	return lin + e->addend - (uint64_t)(uintptr_t)c->arena->base;
}

static void
do_undefined(struct cpu *c, const struct insn *in)
{
	(void)in;
	cpu_raise_ud(c);
}

static void
do_too_long(struct cpu *c, const struct insn *in)
{
	(void)in;
	cpu_raise_gp(c, 0);
}

static bool
allowed(const struct cpu *c, const struct op_info *o)
{
	unsigned mode = c->bits == BITS64 ? 4 : cpu_is_prot(c) ? 2 : 1;

	return (o->modes & mode) && (!o->feature || model_has(c->model, o->feature));
}

static void
bind(const struct cpu *c, struct xinsn *x, enum decode_status st)
{
	struct insn *in = &x->in;

	if (st == DECODE_OK && allowed(c, &op_info[in->op])) {
		x->fn = sem_table[in->op]->fn[in->osize][in->form];
		if (x->fn)
			return;
	}
	x->fn = st == DECODE_TOO_LONG ? do_too_long : do_undefined;
	in->flags |= INSN_ENDS_BLOCK;
	if (!in->len)
		in->len = 1;
}

struct mark_arg {
	struct cpu_set *set;
	uint64_t aoff_page;
};

static void
drop_writes_everywhere(void *ctx)
{
	struct mark_arg *m = ctx;

	for (unsigned i = 0; i < m->set->n; i++)
		tlb_drop_writes(m->set->cpu[i], m->aoff_page);
}

/* True when some granule was not marked before: bytes read until now may be old. */
static bool
mark(struct cpu *c, uint64_t aoff, uint64_t len)
{
	uint64_t off = aoff & (MEM_PAGE - 1);
	uint64_t *word = &c->arena->code[aoff >> MEM_PAGE_SHIFT];
	uint64_t g = granules(off, off + len);
	struct mark_arg m = { c->set, ALIGN_DOWN(aoff, (uint64_t)MEM_PAGE) };

	if ((__atomic_load_n(word, __ATOMIC_ACQUIRE) & g) == g)
		return false;
	if (__atomic_fetch_or(word, g, __ATOMIC_SEQ_CST) == 0)
		cpu_exclusive(c->set, c, drop_writes_everywhere, &m);
	return true;
}

/* Decoding needs more than the page has: the next page's bytes, which may fault. */
static bool
extend(struct builder *b)
{
	struct cpu *c = b->c;
	uint64_t next = (b->lin + b->avail) & c->lin_mask;

	if (b->aoff2 != BLOCK_NOWHERE)
		return false;
	b->aoff2 = fetch_aoff(c, next);
	if (b->aoff2 == BLOCK_NOWHERE) {
		for (unsigned i = 0; i < 16; i++)
			b->bytes[b->avail + i] = 0xff; /* nothing there: the bus floats */
		b->avail += 16;
		return false;
	}
	memcpy(b->bytes + b->avail, c->arena->base + b->aoff2, 16);
	b->avail += 16;
	return true;
}

static enum decode_status
decode_one(const struct cpu *c, struct builder *b, size_t at, struct insn *in)
{
	struct decode_mode m = { .bits = c->bits };

	return insn_decode(in, &m, b->bytes + at, b->avail - at);
}

/* Fills x[] from b; returns how many. Only the very first instruction may reach into the
 * second page; a later one that would is left to the next block. */
static unsigned
decode_run(struct builder *b, struct xinsn *x, unsigned max, uint16_t *ret_bytes)
{
	struct cpu *c = b->c;
	size_t at = 0;
	unsigned n = 0;

	while (n < max) {
		enum decode_status st = decode_one(c, b, at, &x[n].in);

		if (st == DECODE_NEED_BYTES) {
			if (n)
				break;
			extend(b);
			st = decode_one(c, b, at, &x[n].in);
			if (st == DECODE_NEED_BYTES)
				st = DECODE_TOO_LONG;
			max = 1;
		}
		bind(c, &x[n], st);
		x[n].in.off = (uint8_t)at;
		at += x[n].in.len;
		n++;
		if ((x[n - 1].in.flags & INSN_ENDS_BLOCK) || at > 240 || at >= b->avail)
			break;
	}
	*ret_bytes = (uint16_t)at;
	return n;
}

static struct block *
build_uncached(struct cpu *c, struct builder *b)
{
	struct block *s = &c->blocks->scratch.b;

	/* Execution from device memory: fetch by single bytes, never cached. */
	for (unsigned i = 0; i < 16; i++) {
		struct tlb_entry *e;
		uint64_t lin = (b->lin + i) & c->lin_mask;

		e = tlb_slot(tlb_table(c, c->cpl == 3), lin);
		if ((lin & 0xfff) == 0 || i == 0)
			e = tlb_fill(c, lin, MMU_EXEC, c->cpl == 3);
		b->bytes[i] = e->tag_r & TLB_F_MMIO
		                  ? (uint8_t)mem_space_read(c->space, lin + e->addend, 1)
		                  : *(uint8_t *)(uintptr_t)(lin + e->addend);
	}
	b->avail = 16;
	b->aoff2 = 0; /* no extension */
	s->aoff = s->aoff2 = BLOCK_NOWHERE;
	s->n = (uint16_t)decode_run(b, s->insn, 1, &s->bytes);
	return s;
}

static void
link_block(struct block_cache *bc, struct block *b)
{
	unsigned h = hash_of(b->aoff, b->key);
	uint64_t page = b->aoff >> MEM_PAGE_SHIFT;

	b->next = bc->hash[h];
	bc->hash[h] = b;
	b->page_next[0] = bc->by_page[page];
	bc->by_page[page] = b;
	if (b->aoff2 != BLOCK_NOWHERE && b->aoff2 >> MEM_PAGE_SHIFT != page) {
		page = b->aoff2 >> MEM_PAGE_SHIFT;
		b->page_next[1] = bc->by_page[page];
		bc->by_page[page] = b;
	}
}

/* Decodes into blk what memory holds now. Decoding comes first, to know which granules to
 * mark, and again when some were not marked before. A store that comes later drops the
 * block, so this ends after as many turns as there are granules, whatever the others do. */
static void
decode_block(struct cpu *c, struct builder *b, struct block *blk, size_t rest)
{
	unsigned asked = c->set->jit_options.block_insns;
	unsigned max = asked && asked < BLOCK_MAX_INSNS ? asked : BLOCK_MAX_INSNS;
	size_t first;
	bool again;

	do {
		b->avail = rest < 256 ? rest : 256;
		b->aoff2 = BLOCK_NOWHERE;
		memcpy(b->bytes, c->arena->base + b->aoff, b->avail);
		blk->n = (uint16_t)decode_run(b, blk->insn, max, &blk->bytes);
		first = blk->bytes < rest ? blk->bytes : rest;
		again = mark(c, b->aoff, first);
		if (blk->bytes > rest && b->aoff2 != BLOCK_NOWHERE)
			again |= mark(c, b->aoff2, blk->bytes - rest);
	} while (again);
}

static struct block *
build(struct cpu *c, uint64_t lin, uint64_t aoff)
{
	struct block_cache *bc = c->blocks;
	struct builder b = { .c = c, .lin = lin, .aoff = aoff };
	size_t room = sizeof(struct block) + BLOCK_MAX_INSNS * sizeof(struct xinsn);
	size_t rest = MEM_PAGE - (lin & (MEM_PAGE - 1));
	struct block *blk;

	if (aoff == BLOCK_NOWHERE)
		return build_uncached(c, &b);
	if (bc->used + room > POOL_BYTES)
		block_flush_all(c);
	blk = (struct block *)(bc->pool + bc->used);
	memset(blk, 0, sizeof(*blk));
	blk->aoff = aoff;
	blk->key = block_key(c);
	decode_block(c, &b, blk, rest);
	blk->aoff2 = blk->bytes > rest ? b.aoff2 : BLOCK_NOWHERE;
	if (blk->bytes > rest && b.aoff2 == BLOCK_NOWHERE)
		return blk; /* runs into nothing: execute once, do not keep */
	bc->used += ALIGN_UP(sizeof(*blk) + blk->n * sizeof(struct xinsn), 16u);
	link_block(bc, blk);
	c->stat[CPU_STAT_BLOCKS]++;
	return blk;
}

static struct block *
find(struct cpu *c, uint64_t lin, uint64_t aoff, uint8_t key)
{
	struct block *b = c->blocks->hash[hash_of(aoff, key)];

	while (b && (b->aoff != aoff || b->key != key))
		b = b->next;
	/* The next page may have been mapped elsewhere since. */
	if (b && unlikely(b->aoff2 != BLOCK_NOWHERE) &&
	    fetch_aoff(c, ((lin | 0xfff) + 1) & c->lin_mask) != b->aoff2) {
		block_invalidate(c, b->aoff, 1);
		b = NULL;
	}
	return b;
}

static const struct block *
lookup_slow(struct cpu *c, uint64_t lin, uint8_t key, struct jump *j)
{
	uint64_t aoff = fetch_aoff(c, lin);
	struct block *b = likely(aoff != BLOCK_NOWHERE) ? find(c, lin, aoff, key) : NULL;

	if (!b)
		b = build(c, lin, aoff);
	if (b->aoff != BLOCK_NOWHERE && b->aoff2 == BLOCK_NOWHERE &&
	    b->bytes <= MEM_PAGE - (lin & 0xfff))
		*j = (struct jump){
			.lin = lin, .b = b, .gen = c->fetch_gen, .key = key | (c->cpl == 3) << 7
		};
	return b;
}

const struct block *
block_lookup(struct cpu *c)
{
	uint64_t lin = (c->seg[SEG_CS].lbase + c->gpr[REG_RIP]) & c->lin_mask;
	struct jump *j = &c->blocks->jump[(lin ^ lin >> 12) & (JUMP_SIZE - 1)];
	uint8_t key = block_key(c);

	if (likely(j->lin == lin && j->gen == c->fetch_gen &&
		   j->key == (key | (c->cpl == 3) << 7) && !j->b->dead))
		return j->b;
	return lookup_slow(c, lin, key, j);
}
