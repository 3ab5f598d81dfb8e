/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The code cache of one processor: a memfd mapped twice, once to write and once to execute.
 * Code is laid down one block after the other; when the cache or the blocks' data are full,
 * everything is dropped, between blocks.  A block whose bytes change is unlinked at once and
 * never entered again; the processor may still be in it, and leaves it at the next look.
 */
#include "base/mem.h"
#include "cpu/jit/ftab.h"
#include "cpu/jit/hostsig.h"
#include "cpu/jit/jit.h"
#include "cpu/jit/tr.h"
#include "cpu/jit/verify.h"

#include <cpuid.h>
#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#define META_RATIO 2 /* blocks' data: so many times the code */
#define PERF_MAX   (64u << 20)

/* CPUID 80000001H, ECX bit 0: the flags' way to hot.hf. The first 64-bit processors lack it. */
static bool
has_lahf(void)
{
	unsigned a, b, cx, d;

	return __get_cpuid(0x80000001, &a, &b, &cx, &d) && (cx & 1);
}

static const char *
map_code(struct jit *j)
{
	j->fd = memfd_create("lodge-code", MFD_CLOEXEC);
	if (j->fd < 0 || ftruncate(j->fd, (off_t)j->size))
		return "no memory file for code";
	j->rw = mmap(NULL, j->size, PROT_READ | PROT_WRITE, MAP_SHARED, j->fd, 0);
	j->rx = mmap(NULL, j->size, PROT_READ | PROT_EXEC, MAP_SHARED, j->fd, 0);
	if (j->rw == MAP_FAILED)
		j->rw = NULL;
	if (j->rx == MAP_FAILED)
		j->rx = NULL;
	if (!j->rw || !j->rx)
		return "this host does not let memory be executed";
	madvise(j->rw, j->size, MADV_DONTDUMP);
	return NULL;
}

static const char *
make(struct cpu *c, struct jit *j, const struct cpu_jit_options *o)
{
	const char *why;

	j->c = c;
	j->size = (o->cache_mib ? o->cache_mib : 32) << 20;
	j->threshold = o->threshold ? o->threshold : 3;
	j->chain = !o->no_chain;
	j->exact = o->exact_flags;
	j->verified = o->verify;
	j->perf_fd = o->perf_fd;
	j->perf_left = PERF_MAX;
	j->host_avx = __builtin_cpu_supports("avx");
	j->fsgsbase = getauxval(AT_HWCAP2) & 2;
	j->meta_size = (size_t)j->size * META_RATIO;
	j->order_max = j->size / 64;
	j->by_page_bytes = ALIGN_UP(c->arena->size / MEM_PAGE * sizeof(j->by_page[0]), MEM_PAGE);
	j->fd = -1;
	if (!has_lahf())
		return "this host's processor has no LAHF in 64-bit mode";
	if ((why = map_code(j)))
		return why;
	j->meta = mem_map_lazily(j->meta_size);
	j->by_page = mem_map_lazily(j->by_page_bytes);
	j->order = mem_map_lazily(j->order_max * sizeof(j->order[0]));
	j->tr = try_alloc(1, sizeof(*j->tr));
	j->sigstack = mem_map_lazily(HOSTSIG_STACK);
	if (!j->meta || !j->by_page || !j->order || !j->tr || !j->sigstack)
		return "not enough memory";
	if (ftab_create(c, &j->ftab))
		return "the address space for its tables is refused (ulimit -v, overcommit)";
	return hostsig_init() ? "no signal handlers" : NULL;
}

int
jit_create(struct cpu *c, const struct cpu_jit_options *o, const char **ret_why)
{
	struct jit *j = try_alloc_aligned(sizeof(*j), 64);

	*ret_why = "not enough memory";
	if (!j)
		return -ENOMEM;
	c->jit = j;
	*ret_why = make(c, j, o);
	if (*ret_why) {
		jit_destroy(c);
		return -ENOTSUP;
	}
	jit_glue_make(j);
	jit_perf_add(j, NULL);
	jit_flush(c);
	j->stat.flushes = 0; /* that was the beginning */
	c->hot.dirty = true;
	return 0;
}

void
jit_destroy(struct cpu *c)
{
	struct jit *j = c->jit;

	if (!j)
		return;
	c->jit = NULL;
	ftab_destroy(j->ftab);
	if (j->rw)
		munmap(j->rw, j->size);
	if (j->rx)
		munmap(j->rx, j->size);
	if (j->fd >= 0)
		close(j->fd);
	if (j->meta)
		munmap(j->meta, j->meta_size);
	if (j->by_page)
		munmap(j->by_page, j->by_page_bytes);
	if (j->order)
		munmap(j->order, j->order_max * sizeof(j->order[0]));
	if (j->sigstack)
		munmap(j->sigstack, HOSTSIG_STACK);
	mem_free(j->tr);
	jit_verify_free(j);
	mem_free(j);
}

/* ---- finding ---- */

static unsigned
hash_of(uint64_t aoff, uint64_t rip, uint32_t mode)
{
	uint64_t h = (aoff ^ rip << 20 ^ (uint64_t)mode << 44) * 0x9e3779b97f4a7c15ull;

	return (unsigned)(h >> (64 - JIT_HASH_BITS));
}

struct jit_block *
jit_find(struct cpu *c, uint64_t aoff, uint64_t aoff2, uint64_t rip)
{
	struct jit *j = c->jit;
	struct jit_block *b = j->hash[hash_of(aoff, rip, j->mode_now)];

	while (
	    b && (b->aoff != aoff || b->rip != rip || b->mode != j->mode_now || b->aoff2 != aoff2))
		b = b->hash_next;
	return b;
}

/* Blocks lie in `order` by their addresses. */
struct jit_block *
jit_block_at(struct jit *j, const void *host)
{
	uint32_t lo = 0, hi = j->norder, off;
	struct jit_block *b;

	if ((const uint8_t *)host < j->rx || (const uint8_t *)host >= j->rx + j->size)
		return NULL;
	off = (uint32_t)((const uint8_t *)host - j->rx);
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (j->order[mid]->code <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	b = lo ? j->order[lo - 1] : NULL;
	return b && off < b->end ? b : NULL;
}

struct jit_site *
jit_site_at(struct jit *j, const void *host)
{
	struct jit_block *b = jit_block_at(j, host);
	uint32_t off;

	if (!b)
		return NULL;
	off = (uint32_t)((const uint8_t *)host - j->rx);
	for (unsigned i = b->nsites; i-- > 0;)
		if (off >= b->site[i].host)
			return &b->site[i];
	return NULL;
}

/* ---- making ---- */

struct jit_block *
jit_block_alloc(struct jit *j, unsigned n)
{
	size_t bytes = ALIGN_UP(sizeof(struct jit_block) + n * sizeof(struct jit_site), 16u);
	struct jit_block *b = (struct jit_block *)(void *)(j->meta + j->meta_used);

	if (j->meta_used + bytes > j->meta_size || j->norder == j->order_max)
		return NULL;
	memset(b, 0, bytes);
	return b;
}

/* Of the two pages' lists, the link of the one that holds aoff. */
static struct jit_block **
page_link(struct jit_block *b, uint64_t page)
{
	return &b->page_next[b->aoff >> MEM_PAGE_SHIFT != page];
}

static bool
has_second_page(const struct jit_block *b)
{
	return b->aoff2 != BLOCK_NOWHERE && (b->aoff ^ b->aoff2) >> MEM_PAGE_SHIFT;
}

static void
list(struct jit *j, struct jit_block *b, uint64_t aoff)
{
	uint64_t page = aoff >> MEM_PAGE_SHIFT;

	*page_link(b, page) = j->by_page[page];
	j->by_page[page] = b;
}

void
jit_block_add(struct jit *j, struct jit_block *b)
{
	unsigned h = hash_of(b->aoff, b->rip, b->mode);

	j->meta_used += ALIGN_UP(sizeof(*b) + b->nsites * sizeof(b->site[0]), 16u);
	j->order[j->norder++] = b;
	b->hash_next = j->hash[h];
	j->hash[h] = b;
	list(j, b, b->aoff);
	if (has_second_page(b))
		list(j, b, b->aoff2);
	j->stat.blocks++;
	jit_perf_add(j, b);
}

static void
patch(struct jit *j, struct jit_link *l, uint32_t to)
{
	put_le32(j->rw + l->at, to - (l->at + 4));
}

void
jit_link_to(struct jit *j, struct jit_link *l, struct jit_block *to)
{
	if (!j->chain || l->to || l->from->dead || to->dead || to->mode != l->from->mode ||
	    to->rip != l->rip || (l->flags_dead && to->flags_in))
		return;
	/* the same page of the arena too, not only the same address */
	if (l->direct && (to->aoff ^ l->from->aoff) >> MEM_PAGE_SHIFT)
		return;
	l->to = to;
	l->next = to->in;
	to->in = l;
	patch(j, l, l->direct ? to->entry : to->xentry);
	j->stat.chains++;
}

void
jit_xc_put(struct cpu *c, struct jit_block *b)
{
	struct jit *j = c->jit;
	struct jit_xc *x = ftab_xc(j->ftab, j->mode[b->mode].bits & JIT_M_USER);

	x += jit_xc_index(b->rip);
	x->rip = b->rip;
	x->code = (uint64_t)(uintptr_t)jit_host(j, b->xentry);
}

/* ---- dropping ---- */

static void
unlink_from_target(struct jit_link *l)
{
	struct jit_link **at = &l->to->in;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	l->to = NULL;
}

static void
xc_remove(struct jit *j, const struct jit_block *b)
{
	struct jit_xc *x = ftab_xc(j->ftab, j->mode[b->mode].bits & JIT_M_USER);

	x += jit_xc_index(b->rip);
	if (x->code == (uint64_t)(uintptr_t)jit_host(j, b->xentry))
		x->rip = b->rip ^ 1; /* whose place is elsewhere */
}

static void
unhash(struct jit *j, struct jit_block *b)
{
	struct jit_block **at = &j->hash[hash_of(b->aoff, b->rip, b->mode)];

	while (*at && *at != b)
		at = &(*at)->hash_next;
	if (*at)
		*at = b->hash_next;
}

static void
unlist(struct jit *j, struct jit_block *b, uint64_t aoff)
{
	uint64_t page = aoff >> MEM_PAGE_SHIFT;
	struct jit_block **at = &j->by_page[page];

	while (*at && *at != b)
		at = page_link(*at, page);
	if (*at)
		*at = *page_link(b, page);
}

void
jit_kill(struct jit *j, struct jit_block *b)
{
	if (b->dead)
		return;
	b->dead = true;
	unhash(j, b);
	unlist(j, b, b->aoff);
	if (has_second_page(b))
		unlist(j, b, b->aoff2);
	xc_remove(j, b);
	for (unsigned k = 0; k < ARRAY_SIZE(b->link); k++)
		if (b->link[k].to)
			unlink_from_target(&b->link[k]);
	while (b->in) {
		struct jit_link *l = b->in;

		patch(j, l, l->stub);
		unlink_from_target(l);
		/* it was made for a head without live flags; the new one may have some */
		if (l->flags_dead)
			jit_kill(j, l->from);
	}
	if (j->running && j->running->block == b)
		cpu_end_block(j->c);
	j->stat.invalidations++;
}

bool
jit_invalidate(struct cpu *c, uint64_t aoff, size_t len)
{
	struct jit *j = c->jit;
	bool dropped = false;

	for (uint64_t p = aoff >> MEM_PAGE_SHIFT; p <= (aoff + len - 1) >> MEM_PAGE_SHIFT; p++) {
		struct jit_block *b = j->by_page[p], *next;

		for (; b; b = next) {
			next = *page_link(b, p);
			if (block_overlaps(b->aoff, b->aoff2, b->bytes, aoff, len)) {
				jit_kill(j, b);
				dropped = true;
				next = j->by_page[p]; /* others may have gone with it */
			}
		}
	}
	return dropped;
}

void
jit_flush(struct cpu *c)
{
	struct jit *j = c->jit;

	memset(j->hash, 0, sizeof(j->hash));
	madvise(j->by_page, j->by_page_bytes, MADV_DONTNEED);
	for (unsigned u = 0; u < 2; u++) {
		struct jit_xc *x = ftab_xc(j->ftab, u);

		madvise(x, JIT_XC_BYTES, MADV_DONTNEED);
		x[0].rip = 1; /* an empty entry must not match address 0 */
	}
	memset(j->mode, 0, sizeof(j->mode));
	j->nmodes = 0;
	j->mode_now = 0;
	c->hot.dirty = true;
	j->used = j->glue_end;
	j->meta_used = 64; /* no site has the number 0 */
	j->norder = 0;
	j->pending = NULL;
	j->running = NULL;
	j->flush_wanted = false;
	j->stat.flushes++;
	j->stat.evictions = j->stat.blocks - j->stat.invalidations; /* none is left */
}
