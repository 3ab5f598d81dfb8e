/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes that are thrown away: an unlinked sparse file holds what was written, at the
 * disk's own offsets, and a bitmap says which 512-byte sectors these are.  With one
 * bit a sector nothing is ever copied up.  The bitmap is made in pages of 8 MiB of
 * disk when they are first written to.
 *
 * A request is worked off in runs of equal kind; only reads have more than one.
 */
#include "base/bits.h"
#include "base/err.h"
#include "base/mem.h"
#include "host/block/fileio.h"

#include <errno.h>
#include <unistd.h>

#define SECTOR         512u
#define PAGE_SECTORS   16384u
#define PAGE_BYTES     (PAGE_SECTORS / 8)
#define SIZE_MAX_BYTES (64ull * 1024 * GIB)

struct overlay {
	struct block block;
	int fd;
	uint64_t npages;
	uint8_t **pages; /* NULL: nothing written there */
};

/* A request on its way; `sub` is the run that is now worked off. */
struct overlay_req {
	struct block_req *r;
	struct overlay *o;
	struct block_req sub;
	uint64_t pos;       /* bytes of r already done */
	struct iovec iov[]; /* room for all of r's */
};

static bool
is_written(const struct overlay *o, uint64_t sector)
{
	const uint8_t *page = o->pages[sector / PAGE_SECTORS];
	uint64_t bit = sector % PAGE_SECTORS;

	return page && (page[bit / 8] >> (bit % 8) & 1);
}

/* The pages for a range, before the write: so that marking cannot fail after it. */
static int
make_pages(struct overlay *o, uint64_t off, uint64_t len)
{
	uint64_t first = off / SECTOR / PAGE_SECTORS, last;

	if (!len)
		return 0;
	last = (off + len - 1) / SECTOR / PAGE_SECTORS;
	for (uint64_t i = first; i <= last; i++) {
		if (!o->pages[i])
			o->pages[i] = try_alloc(1, PAGE_BYTES);
		if (!o->pages[i])
			return -ENOMEM;
	}
	return 0;
}

static void
mark(struct overlay *o, uint64_t off, uint64_t len)
{
	for (uint64_t s = off / SECTOR; s < (off + len) / SECTOR; s++)
		o->pages[s / PAGE_SECTORS][s % PAGE_SECTORS / 8] |= (uint8_t)(1u << (s % 8));
}

/* The part of r's vectors from byte pos on, len bytes. */
static unsigned
slice_iov(const struct block_req *r, uint64_t pos, uint64_t len, struct iovec *out)
{
	unsigned n = 0;

	for (unsigned i = 0; i < r->niov && len; i++) {
		uint64_t have = r->iov[i].iov_len;

		if (pos >= have) {
			pos -= have;
			continue;
		}
		have -= pos;
		if (have > len)
			have = len;
		out[n].iov_base = (uint8_t *)r->iov[i].iov_base + pos;
		out[n++].iov_len = (size_t)have;
		len -= have;
		pos = 0;
	}
	return n;
}

static void overlay_step(struct overlay_req *q);

static void
finish(struct overlay_req *q, int result)
{
	struct block_req *r = q->r;

	mem_free(q);
	block_complete(r, result);
}

static void
sub_finished(struct overlay_req *q, int result)
{
	if (result) {
		finish(q, result);
		return;
	}
	if (q->sub.op != BLOCK_READ && q->sub.op != BLOCK_FLUSH)
		mark(q->o, q->sub.off, q->sub.len);
	q->pos += q->sub.len;
	if (q->pos >= q->r->len)
		finish(q, 0);
	else
		overlay_step(q);
}

static void
below_done(struct block_req *sub, int result)
{
	sub_finished(sub->ctx, result);
}

static void
own_work(void *arg)
{
	struct overlay_req *q = arg;

	q->sub.result = block_file_do(q->o->fd, false, &q->sub);
}

static void
own_done(void *arg)
{
	struct overlay_req *q = arg;

	sub_finished(q, q->sub.result);
}

/* Where the run that starts at q->pos ends. */
static uint64_t
run_length(const struct overlay_req *q, bool *ret_written)
{
	uint64_t first = (q->r->off + q->pos) / SECTOR, end = (q->r->off + q->r->len) / SECTOR;
	uint64_t s = first;
	bool written = is_written(q->o, first);

	while (s < end && is_written(q->o, s) == written)
		s++;
	*ret_written = written;
	return (s - first) * SECTOR;
}

static void
overlay_step(struct overlay_req *q)
{
	const struct block_req *r = q->r;
	const struct block_env *env = q->o->block.env;
	bool own = true;
	uint64_t len = r->len;

	if (r->op == BLOCK_READ)
		len = run_length(q, &own);
	q->sub = (struct block_req){
		.op = r->op,
		.off = r->off + q->pos,
		.len = len,
		.iov = q->iov,
		.ctx = q,
		.done = below_done,
	};
	if (r->op == BLOCK_DISCARD) /* what is below must not show through again */
		q->sub.op = BLOCK_WRITE_ZEROES;
	if (r->op == BLOCK_READ || r->op == BLOCK_WRITE)
		q->sub.niov = slice_iov(r, q->pos, len, q->iov);
	if (own)
		env->run(env->ctx, own_work, own_done, q);
	else
		block_submit(q->o->block.below, &q->sub);
}

static void
complete_nothing(void *arg)
{
	struct block_req *r = arg;

	block_complete(r, r->result);
}

static void
overlay_submit(struct block *b, struct block_req *r)
{
	struct overlay *o = b->priv;
	struct overlay_req *q = NULL;
	bool writes = r->op != BLOCK_READ && r->op != BLOCK_FLUSH;

	/* what is thrown away need not reach the medium */
	r->result = writes ? make_pages(o, r->off, r->len) : 0;
	if (!r->result && r->op != BLOCK_FLUSH && r->len) {
		q = try_alloc(1, sizeof(*q) + r->niov * sizeof(struct iovec));
		r->result = q ? 0 : -ENOMEM;
	}
	if (!q) {
		b->env->post(b->env->ctx, complete_nothing, r);
		return;
	}
	q->r = r;
	q->o = o;
	overlay_step(q);
}

static void
overlay_close(struct block *b)
{
	struct overlay *o = b->priv;

	(void)close(o->fd);
	for (uint64_t i = 0; i < o->npages; i++)
		mem_free(o->pages[i]);
	mem_free(o->pages);
	mem_free(o);
}

static const struct block_type overlay_type = {
	.name = "overlay",
	.submit = overlay_submit,
	.close = overlay_close,
};

struct block *
block_overlay_open(const struct block_env *env, struct block *below, int fd, struct err *e)
{
	struct overlay *o = NULL;
	uint64_t npages = below->info.size / SECTOR / PAGE_SECTORS + 1;

	if (below->info.size > SIZE_MAX_BYTES) {
		err_set(e, EFBIG, "a disk with thrown-away writes can have at most 64 TiB");
		goto fail;
	}
	o = try_alloc(1, sizeof(*o));
	if (o)
		o->pages = try_alloc(npages, sizeof(o->pages[0]));
	if (!o || !o->pages) {
		err_set(e, ENOMEM, "no memory for the table of written sectors");
		goto fail;
	}
	o->fd = fd;
	o->npages = npages;
	o->block = (struct block){
		.type = &overlay_type,
		.info = below->info,
		.env = env,
		.below = below,
		.priv = o,
	};
	o->block.info.read_only = false;
	o->block.info.can_discard = true;
	return &o->block;
fail:
	mem_free(o);
	(void)close(fd);
	block_close(below);
	return NULL;
}
