/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The wrapper around every back end: what a request must be, and that it ends once. */
#include "base/assert.h"
#include "host/block/block.h"

#include <errno.h>

#define BLOCK_ALIGN 512u /* the least any disk format works in */

static bool
iov_matches(const struct block_req *r)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < r->niov; i++) {
		if (__builtin_add_overflow(sum, r->iov[i].iov_len, &sum))
			return false;
	}
	return sum == r->len;
}

static int
check(const struct block *b, const struct block_req *r)
{
	bool writes = r->op != BLOCK_READ && r->op != BLOCK_FLUSH;

	if (r->op == BLOCK_FLUSH)
		return 0;
	if (writes && b->info.read_only)
		return -EROFS;
	if (r->op == BLOCK_DISCARD && !b->info.can_discard)
		return -EOPNOTSUPP;
	if (r->off % BLOCK_ALIGN || r->len % BLOCK_ALIGN)
		return -EINVAL;
	if (r->off > b->info.size || r->len > b->info.size - r->off)
		return -EIO;
	if ((r->op == BLOCK_READ || r->op == BLOCK_WRITE) && !iov_matches(r))
		return -EINVAL;
	return 0;
}

static void
complete_refused(void *arg)
{
	struct block_req *r = arg;

	block_complete(r, r->result);
}

void
block_submit(struct block *b, struct block_req *r)
{
	int result = check(b, r);

	r->owner = b;
	r->next = NULL;
	r->result = result;
	b->inflight++;
	if (result && b->env)
		b->env->post(b->env->ctx, complete_refused, r);
	else
		b->type->submit(b, r);
}

void
block_complete(struct block_req *r, int result)
{
	struct block *b = r->owner;

	BUG_ON(!b || !b->inflight);
	r->owner = NULL; /* a second completion is caught above */
	b->inflight--;
	r->done(r, result);
}

void
block_close(struct block *b)
{
	struct block *below;

	if (!b)
		return;
	BUG_ON(b->inflight);
	below = b->below;
	b->type->close(b);
	block_close(below);
}
