/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls of chardev.h, and the two back ends that need no descriptor. */
#include "host/char/chardev_impl.h"

#include "base/mem.h"

#include <string.h>

unsigned
chardev_write(struct chardev *c, const uint8_t *data, unsigned len)
{
	return c->type->write(c, data, len);
}

void
chardev_kick(struct chardev *c)
{
	if (c->type->kick)
		c->type->kick(c);
}

void
chardev_attach(struct chardev *c, const struct chardev_front *f)
{
	c->front = f ? *f : (struct chardev_front){ 0 };
	chardev_kick(c);
}

void
chardev_close(struct chardev *c)
{
	if (c)
		c->type->close(c);
}

unsigned
chardev_can_receive(const struct chardev *c)
{
	return c->front.can_receive && c->front.receive ? c->front.can_receive(c->front.ctx) : 0;
}

/* ---- null: takes everything, says nothing ---- */

static unsigned
null_write(struct chardev *c, const uint8_t *data, unsigned len)
{
	return len;
}

static void
null_close(struct chardev *c)
{
	mem_free(c);
}

static const struct chardev_type null_type = { .write = null_write, .close = null_close };

struct chardev *
chardev_null_open(void)
{
	struct chardev *c = xalloc(sizeof(*c));

	c->type = &null_type;
	return c;
}

/* ---- memory ---- */

struct mem_chardev {
	struct chardev c;
	size_t len, max;
	uint8_t data[];
};

static unsigned
mem_write(struct chardev *c, const uint8_t *data, unsigned len)
{
	struct mem_chardev *m = (struct mem_chardev *)c;

	if (len > m->max - m->len)
		len = (unsigned)(m->max - m->len);
	memcpy(m->data + m->len, data, len);
	m->len += len;
	return len;
}

static const struct chardev_type mem_type = { .write = mem_write, .close = null_close };

struct chardev *
chardev_mem_open(size_t max_bytes)
{
	struct mem_chardev *m = try_alloc(1, sizeof(*m) + max_bytes);

	if (!m)
		return NULL;
	m->c.type = &mem_type;
	m->max = max_bytes;
	return &m->c;
}

const uint8_t *
chardev_mem_data(struct chardev *c, size_t *ret_len)
{
	struct mem_chardev *m = (struct mem_chardev *)c;

	*ret_len = m->len;
	return m->data;
}

unsigned
chardev_mem_feed(struct chardev *c, const uint8_t *data, unsigned len)
{
	unsigned room = chardev_can_receive(c);

	if (len > room)
		len = room;
	if (len)
		c->front.receive(c->front.ctx, data, len);
	return len;
}
