/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>

/* More firings than this within one fake_advance() are skipped: the rest are late. */
#define FIRE_MAX  20000u
#define STORM_MAX 1000u

static struct fake_env *
env_of(struct dev *d)
{
	return (struct fake_env *)d->env->ctx;
}

static bool
env_output(struct dev *d, unsigned line, bool level)
{
	struct fake_env *f = env_of(d);

	BUG_ON(line >= d->type->noutputs || line >= FAKE_OUTPUTS);
	if (f->outputs[line] == level)
		return true;
	f->outputs[line] = level;
	f->rises[line] += level;
	if (f->nlog < FAKE_LOG)
		f->log[f->nlog++] = (struct fake_edge){ f->now_ns, (uint16_t)line, level };
	if (f->on_output)
		f->on_output(f, line, level);
	return !(level && f->lose[line]);
}

static int64_t
env_now(struct dev *d)
{
	return env_of(d)->now_ns;
}

static void
env_timer_arm(struct dev *d, unsigned id, int64_t deadline_ns)
{
	BUG_ON(id >= d->type->ntimers || id >= FAKE_TIMERS);
	env_of(d)->deadlines[id] = deadline_ns;
}

static bool
env_dma_read(struct dev *d, uint64_t gpa, void *dst, size_t len)
{
	struct fake_env *f = env_of(d);

	memset(dst, 0xff, len);
	if (gpa > FAKE_MEM || len > FAKE_MEM - gpa) {
		f->dma_errors++;
		return false;
	}
	memcpy(dst, f->mem + gpa, len);
	return true;
}

static bool
env_dma_write(struct dev *d, uint64_t gpa, const void *src, size_t len)
{
	struct fake_env *f = env_of(d);

	if (gpa > FAKE_MEM || len > FAKE_MEM - gpa) {
		f->dma_errors++;
		return false;
	}
	memcpy(f->mem + gpa, src, len);
	return true;
}

static bool
env_msi(struct dev *d, uint64_t addr, uint32_t data)
{
	env_of(d)->msis++;
	return true;
}

static unsigned
env_isa_dma(struct dev *d, unsigned chan, void *buf, unsigned len, bool to_memory, bool *ret_tc)
{
	struct fake_env *f = env_of(d);
	unsigned n = f->dma_len - f->dma_pos;

	BUG_ON(chan >= 8);
	if (n > len)
		n = len;
	if (f->dma_chunk && n > f->dma_chunk)
		n = f->dma_chunk;
	if (to_memory)
		memcpy(f->dma_buf + f->dma_pos, buf, n);
	else
		memcpy(buf, f->dma_buf + f->dma_pos, n);
	f->dma_pos += n;
	*ret_tc = n && f->dma_pos == f->dma_len;
	return n;
}

static void
env_map(struct dev *d, unsigned region, uint64_t addr)
{
	BUG_ON(region >= d->type->nregions);
	env_of(d)->map_addr[region] = addr;
}

static uint8_t *
env_region_ptr(struct dev *d, unsigned region)
{
	struct fake_env *f = env_of(d);

	BUG_ON(region >= d->type->nregions);
	if (!f->region_mem[region])
		f->region_mem[region] = xalloc(f->region_size[region]);
	return f->region_mem[region];
}

static void
env_guest_error(struct dev *d, const char *what, uint64_t arg)
{
	env_of(d)->guest_errors++;
	env_of(d)->guest_error_what = what;
}

static void
env_request(struct dev *d, unsigned what, uint64_t arg)
{
	struct fake_env *f = env_of(d);

	BUG_ON(what >= ARRAY_SIZE(f->requests));
	f->requests[what]++;
	f->request_arg[what] = arg;
}

static const struct fake_param *
find_param(const struct fake_env *f, const char *name)
{
	for (unsigned i = f->nparams; i-- > 0;) {
		if (!strcmp(f->params[i].name, name))
			return &f->params[i];
	}
	return NULL;
}

static uint64_t
env_param_u64(struct dev *d, const char *name, uint64_t def)
{
	const struct fake_param *p = find_param(env_of(d), name);

	return p ? p->val : def;
}

static const char *
env_param_str(struct dev *d, const char *name, const char *def)
{
	const struct fake_param *p = find_param(env_of(d), name);

	return p ? p->str : def;
}

static void *
env_backend(struct dev *d, const char *name)
{
	struct fake_env *f = env_of(d);

	for (unsigned i = 0; i < f->nbackends; i++) {
		if (!strcmp(f->backends[i].name, name))
			return f->backends[i].p;
	}
	return NULL;
}

static const struct dev_env fake_services = {
	.output = env_output,
	.now_ns = env_now,
	.timer_arm = env_timer_arm,
	.dma_read = env_dma_read,
	.dma_write = env_dma_write,
	.msi = env_msi,
	.isa_dma = env_isa_dma,
	.map = env_map,
	.region_ptr = env_region_ptr,
	.guest_error = env_guest_error,
	.request = env_request,
	.param_u64 = env_param_u64,
	.param_str = env_param_str,
	.backend = env_backend,
};

/* ---- life ---- */

void
fake_init(struct fake_env *f, const struct dev_type *type)
{
	memset(f, 0, sizeof(*f));
	f->env = fake_services;
	f->env.ctx = f;
	f->mem = xalloc(FAKE_MEM);
	f->dev.type = type;
	f->dev.env = &f->env;
	f->dev.id = "dev0";
	f->dev.state = xalloc(type->state_size ? type->state_size : 1);
	pci_bus_init(&f->pci);
	for (unsigned i = 0; i < FAKE_TIMERS; i++)
		f->deadlines[i] = DEV_TIMER_OFF;
	for (unsigned i = 0; i < FAKE_REGIONS; i++)
		f->map_addr[i] = DEV_UNMAPPED;
	BUG_ON(type->nregions > FAKE_REGIONS || type->ntimers > FAKE_TIMERS);
	BUG_ON(type->noutputs > FAKE_OUTPUTS);
}

void
fake_param(struct fake_env *f, const char *name, uint64_t val)
{
	BUG_ON(f->nparams == FAKE_PARAMS);
	f->params[f->nparams++] = (struct fake_param){ name, "", val };
}

void
fake_param_str(struct fake_env *f, const char *name, const char *val)
{
	BUG_ON(f->nparams == FAKE_PARAMS);
	f->params[f->nparams++] = (struct fake_param){ name, val, 0 };
}

void
fake_backend(struct fake_env *f, const char *name, void *p)
{
	BUG_ON(f->nbackends == FAKE_BACKENDS);
	f->backends[f->nbackends].name = name;
	f->backends[f->nbackends++].p = p;
}

int
fake_start(struct fake_env *f)
{
	const struct dev_type *t = f->dev.type;
	int r = 0;

	for (unsigned i = 0; i < t->nregions; i++) {
		f->region_size[i] = t->regions[i].size;
		if (!f->region_size[i])
			f->region_size[i] = (uint32_t)env_param_u64(&f->dev, "vram_bytes", 4 * MIB);
	}
	if (t->pci)
		r = pci_bus_add(&f->pci, &f->dev, 8 << 3, NULL);
	if (!r && t->create)
		r = t->create(&f->dev, NULL);
	if (!r)
		fake_reset(f, DEV_RESET_COLD);
	f->started = !r;
	return r;
}

void
fake_fini(struct fake_env *f)
{
	/* A model is not destroyed while its requests are under way. */
	for (unsigned i = 0; i < f->nblocks; i++)
		f->blocks[i]->delay_ns = 0;
	for (unsigned i = 0; i < 1000 && f->dev.type->busy && f->dev.type->busy(&f->dev); i++)
		fake_advance(f, 1000000);
	if (f->dev.type->destroy)
		f->dev.type->destroy(&f->dev);
	for (unsigned i = 0; i < f->nblocks; i++) {
		mem_free(f->blocks[i]->data);
		mem_free(f->blocks[i]);
	}
	for (unsigned i = 0; i < FAKE_REGIONS; i++)
		mem_free(f->region_mem[i]);
	chardev_close(f->chardev);
	mem_free(f->display);
	pci_bus_fini(&f->pci);
	mem_free(f->dev.state);
	mem_free(f->mem);
}

void
fake_reset(struct fake_env *f, enum dev_reset_kind kind)
{
	if (f->dev.pci_config)
		pci_dev_reset(&f->dev);
	f->dev.type->reset(&f->dev, kind);
}

/* ---- accesses ---- */

static const struct dev_region *
region_of(const struct fake_env *f, unsigned region)
{
	BUG_ON(region >= f->dev.type->nregions);
	return &f->dev.type->regions[region];
}

/* As mem/space.h does it: wide accesses in pieces, too narrow ones widened. */
uint64_t
fake_read(struct fake_env *f, unsigned region, uint32_t off, unsigned size)
{
	const struct dev_region *r = region_of(f, region);
	uint64_t v = 0;

	if (size < r->access_min) {
		uint32_t base = off & ~(r->access_min - 1u);

		v = r->read ? r->read(&f->dev, base, r->access_min) : ~0ull;
		return (v >> (8 * (off - base))) & bits_mask(8 * size);
	}
	for (unsigned i = 0; i < size; i += r->access_max) {
		unsigned n = size < r->access_max ? size : r->access_max;
		uint64_t part = r->read ? r->read(&f->dev, off + i, n) : ~0ull;

		v |= (part & bits_mask(8 * n)) << (8 * i);
	}
	return v;
}

void
fake_write(struct fake_env *f, unsigned region, uint32_t off, unsigned size, uint64_t val)
{
	const struct dev_region *r = region_of(f, region);

	if (size < r->access_min || !r->write)
		return;
	for (unsigned i = 0; i < size; i += r->access_max) {
		unsigned n = size < r->access_max ? size : r->access_max;

		r->write(&f->dev, off + i, n, (val >> (8 * i)) & bits_mask(8 * n));
	}
}

void
fake_input(struct fake_env *f, unsigned line, bool level)
{
	BUG_ON(line >= f->dev.type->ninputs);
	f->dev.type->input(&f->dev, line, level);
}

void
fake_clear_log(struct fake_env *f)
{
	f->nlog = 0;
}

/* ---- block back end ---- */

static int
fake_block_move(struct fake_block *b, struct block_req *r)
{
	uint64_t off = r->off;

	if (b->fail)
		return b->fail;
	if (r->op != BLOCK_FLUSH &&
	    (r->off > b->block.info.size || r->len > b->block.info.size - r->off))
		return -EIO;
	if (r->op == BLOCK_WRITE_ZEROES || r->op == BLOCK_DISCARD)
		memset(b->data + off, 0, r->len);
	if (r->op != BLOCK_READ && r->op != BLOCK_WRITE)
		return 0;
	for (unsigned i = 0; i < r->niov; i++) {
		if (r->op == BLOCK_READ)
			memcpy(r->iov[i].iov_base, b->data + off, r->iov[i].iov_len);
		else
			memcpy(b->data + off, r->iov[i].iov_base, r->iov[i].iov_len);
		off += r->iov[i].iov_len;
	}
	return 0;
}

static void
fake_block_submit(struct block *block, struct block_req *r)
{
	struct fake_block *b = block->priv;
	struct block_req **p = &b->first;

	b->requests++;
	r->next = NULL;
	if (!b->first)
		b->due_ns = b->env->now_ns + b->delay_ns;
	while (*p)
		p = &(*p)->next;
	*p = r;
}

static void
fake_block_finish(struct fake_block *b)
{
	struct block_req *r = b->first;

	b->first = r->next;
	b->due_ns = b->env->now_ns + b->delay_ns;
	block_complete(r, fake_block_move(b, r));
}

static void
fake_block_close(struct block *block)
{
}

static const struct block_type fake_block_type = {
	.name = "fake",
	.submit = fake_block_submit,
	.close = fake_block_close,
};

struct fake_block *
fake_block_make(struct fake_env *f, size_t size, bool read_only)
{
	struct fake_block *b = xalloc(sizeof(*b));

	BUG_ON(f->nblocks == FAKE_BACKENDS);
	f->blocks[f->nblocks++] = b;
	b->env = f;
	b->data = xalloc(size);
	b->delay_ns = 1000;
	b->block.type = &fake_block_type;
	b->block.info.size = size;
	b->block.info.read_only = read_only;
	b->block.info.can_discard = true;
	b->block.info.sector_size = 512;
	b->block.priv = b;
	return b;
}

struct fake_block *
fake_block(struct fake_env *f, const char *name, size_t size, bool read_only)
{
	struct fake_block *b = fake_block_make(f, size, read_only);

	fake_backend(f, name, &b->block);
	return b;
}

/* ---- time ---- */

/* The next thing to happen not after `end`: its time, or end. */
static int64_t
next_event(const struct fake_env *f, int64_t end, int *ret_timer, struct fake_block **ret_block)
{
	int64_t t = INT64_MAX;

	*ret_timer = -1;
	*ret_block = NULL;
	for (unsigned i = 0; i < f->dev.type->ntimers; i++) {
		if (f->deadlines[i] != DEV_TIMER_OFF && f->deadlines[i] < t) {
			t = f->deadlines[i];
			*ret_timer = (int)i;
		}
	}
	for (unsigned i = 0; i < f->nblocks; i++) {
		if (f->blocks[i]->first && f->blocks[i]->due_ns < t) {
			t = f->blocks[i]->due_ns;
			*ret_timer = -1;
			*ret_block = f->blocks[i];
		}
	}
	if (t > end) {
		*ret_timer = -1;
		*ret_block = NULL;
		return end;
	}
	return t > f->now_ns ? t : f->now_ns;
}

void
fake_advance(struct fake_env *f, int64_t ns)
{
	int64_t end = f->now_ns + ns;
	unsigned same = 0;

	for (unsigned fired = 0; fired < FIRE_MAX; fired++) {
		struct fake_block *b;
		int timer;
		int64_t t = next_event(f, end, &timer, &b);

		same = t == f->now_ns ? same + 1 : 0;
		if (same > STORM_MAX) {
			f->storm = true;
			break;
		}
		f->now_ns = t;
		if (timer >= 0) {
			f->deadlines[timer] = DEV_TIMER_OFF;
			f->dev.type->timer(&f->dev, (unsigned)timer);
		} else if (b) {
			fake_block_finish(b);
		} else {
			return;
		}
	}
	f->now_ns = end;
}

/* ---- scripts ---- */

struct script {
	const uint8_t *p;
	size_t left;
};

static uint64_t
take(struct script *s, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes && s->left; i++, s->left--)
		v |= (uint64_t)*s->p++ << (8 * i);
	return v;
}

/* Half of the values are ones that registers like. */
static uint64_t
take_value(struct script *s)
{
	static const uint64_t liked[] = { 0, 1, 0xff, 0x80, 0xffff, 0x8000, 0xffffffff, 0x80000000,
		0x7f, 0x7fff, 0x7fffffff, 2, 4, 8, 0x10, 0x20 };
	unsigned how = (unsigned)take(s, 1);

	if (how & 0x80)
		return liked[how % ARRAY_SIZE(liked)];
	if (how & 0x40)
		return take(s, 4);
	return take(s, 1);
}

static void
script_access(struct fake_env *f, struct script *s, bool write)
{
	unsigned region, size;
	uint32_t off;

	if (!f->dev.type->nregions) {
		take(s, 4);
		return;
	}
	region = (unsigned)take(s, 1) % f->dev.type->nregions;
	size = 1u << (take(s, 1) & 3);
	if (f->dev.type->regions[region].kind == DEV_REGION_RAM ||
	    f->dev.type->regions[region].kind == DEV_REGION_ROM) {
		uint8_t *p = env_region_ptr(&f->dev, region);

		off = (uint32_t)take(s, 3) % f->region_size[region];
		if (write)
			p[off] = (uint8_t)take_value(s);
		return;
	}
	if (size > f->region_size[region])
		size = 1;
	off = (uint32_t)take(s, f->region_size[region] > 256 ? 3 : 1);
	off %= f->region_size[region] - size + 1;
	if (f->dev.type->regions[region].access_min > 1)
		off &= ~(f->dev.type->regions[region].access_min - 1u);
	if (write)
		fake_write(f, region, off, size, take_value(s));
	else
		fake_read(f, region, off, size);
}

static void
script_many(struct fake_env *f, struct script *s, bool write)
{
	const struct dev_region *r;
	uint8_t buf[512];
	unsigned size, n, region;

	if (!f->dev.type->nregions)
		return;
	region = (unsigned)take(s, 1) % f->dev.type->nregions;
	r = &f->dev.type->regions[region];
	size = 1u << (take(s, 1) & 1);
	n = 1 + (unsigned)take(s, 1) % (sizeof(buf) / 2);
	memset(buf, (int)take(s, 1), sizeof(buf));
	if (!r->size || (write ? !r->write_many : !r->read_many))
		return;
	if (size < r->access_min || size > r->access_max)
		size = r->access_min;
	if (n * size > sizeof(buf))
		n = sizeof(buf) / size;
	if (write)
		r->write_many(&f->dev, (uint32_t)take(s, 1) % r->size, size, buf, n);
	else
		r->read_many(&f->dev, (uint32_t)take(s, 1) % r->size, size, buf, n);
}

static void
script_time(struct fake_env *f, struct script *s)
{
	static const int64_t scale[] = { 1, 838, 10000, 100000, 1000000, 10000000, 100000, 1000 };
	unsigned how = (unsigned)take(s, 1);

	fake_advance(f, (int64_t)(take(s, 1) + 1) * scale[how & 7]);
}

static void
script_config(struct fake_env *f, struct script *s)
{
	unsigned off = (unsigned)take(s, 1), size = 1u << (take(s, 1) % 3);

	if (off < 0x40 && off >= 0x10) /* more often where the functions differ */
		off ^= 0x50;
	pci_config_write(&f->dev, off & ~(size - 1), size, (uint32_t)take_value(s));
}

static void
script_memory(struct fake_env *f, struct script *s)
{
	uint32_t at = (uint32_t)take(s, 3) % (FAKE_MEM - 8);

	put_le64(f->mem + at, take_value(s));
}

static void
script_rare(struct fake_env *f, struct script *s)
{
	switch (take(s, 1) & 15) {
	case 0: fake_reset(f, DEV_RESET_BUS); break;
	case 1: fake_reset(f, DEV_RESET_COLD); break;
	case 2: /* a stopped host: everything is late */ f->now_ns += 3000000000; break;
	case 3:
		for (unsigned i = 0; i < f->nblocks; i++)
			f->blocks[i]->fail = f->blocks[i]->fail ? 0 : -EIO;
		break;
	case 4: {
		uint8_t in[16];

		for (unsigned i = 0; i < sizeof(in); i++)
			in[i] = (uint8_t)take(s, 1);
		if (f->chardev)
			chardev_mem_feed(f->chardev, in, sizeof(in));
		break;
	}
	case 5:
		for (unsigned i = 0; i < f->dev.type->noutputs; i++)
			f->lose[i] = !f->lose[i];
		break;
	default:
		f->dma_pos = 0;
		f->dma_len = (unsigned)take(s, 2);
		break;
	}
}

void
fake_script(struct fake_env *f, const uint8_t *bytes, size_t len)
{
	struct script s = { bytes, len };

	while (s.left) {
		unsigned op = (unsigned)take(&s, 1);

		if (op < 0x80)
			script_access(f, &s, true);
		else if (op < 0xc0)
			script_access(f, &s, false);
		else if (op < 0xe0)
			script_time(f, &s);
		else if (op < 0xe8 && f->dev.type->ninputs)
			fake_input(
			    f, (unsigned)take(&s, 1) % f->dev.type->ninputs, take(&s, 1) & 1);
		else if (op < 0xeb && f->dev.pci_config)
			script_config(f, &s);
		else if (op < 0xf0)
			script_memory(f, &s);
		else if (op < 0xfe)
			script_many(f, &s, op & 1);
		else
			script_rare(f, &s);
	}
}

void
fake_default_backends(struct fake_env *f)
{
	static const char *const drives[] = { "drive", "drive0", "drive1" };

	f->chardev = chardev_mem_open(1 * MIB);
	fake_backend(f, "chardev", f->chardev);
	f->display = xalloc(sizeof(*f->display));
	fake_backend(f, "display", f->display);
	for (unsigned i = 0; i < ARRAY_SIZE(drives); i++) {
		struct fake_block *b = fake_block(f, drives[i], 1474560, i == 2);

		for (unsigned j = 0; j < b->block.info.size; j += 512)
			memset(b->data + j, (int)(j >> 9), 512);
	}
}
