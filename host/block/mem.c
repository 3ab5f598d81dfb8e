/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk in memory. */
#include "base/mem.h"
#include "base/bits.h"
#include "host/block/block.h"

struct mem_block {
	struct block block;
	uint8_t *data;
};

static void
mem_run(void *arg)
{
	struct block_req *r = arg;
	struct mem_block *m = r->owner->priv;
	uint8_t *p = m->data + r->off;

	if (r->op == BLOCK_DISCARD || r->op == BLOCK_WRITE_ZEROES)
		memset(p, 0, (size_t)r->len);
	if (r->op == BLOCK_READ || r->op == BLOCK_WRITE) {
		for (unsigned i = 0; i < r->niov; i++) {
			const struct iovec *v = &r->iov[i];

			if (r->op == BLOCK_READ)
				memcpy(v->iov_base, p, v->iov_len);
			else
				memcpy(p, v->iov_base, v->iov_len);
			p += v->iov_len;
		}
	}
	block_complete(r, 0);
}

static void
mem_submit(struct block *b, struct block_req *r)
{
	b->env->post(b->env->ctx, mem_run, r);
}

static void
mem_close(struct block *b)
{
	struct mem_block *m = b->priv;

	mem_free(m->data);
	mem_free(m);
}

static const struct block_type mem_type = {
	.name = "mem",
	.submit = mem_submit,
	.close = mem_close,
};

struct block *
block_mem_open(const struct block_env *env, const void *data, size_t size, bool read_only)
{
	struct mem_block *m = try_alloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->data = try_alloc(ALIGN_UP(size, 512) + 1, 1);
	if (!m->data) {
		mem_free(m);
		return NULL;
	}
	if (data && size)
		memcpy(m->data, data, size);
	m->block = (struct block){
		.type = &mem_type,
		.info = { .size = ALIGN_UP(size, 512),
		    .read_only = read_only,
		    .can_discard = !read_only,
		    .sector_size = 512 },
		.env = env,
		.priv = m,
	};
	return &m->block;
}
