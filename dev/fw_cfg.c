/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The firmware configuration device of virtual machines, as QEMU's document
 * docs/specs/fw_cfg describes its registers: a 16-bit selector, a data port that
 * walks through the selected item, and a DMA register (big-endian) that takes the
 * address of a descriptor.  Past its end an item reads as zeros.
 */
#include "dev/fw_cfg.h"

#include "base/bits.h"
#include "base/log.h"
#include "base/mem.h"
#include "dev/types.h"

#include <errno.h>
#include <string.h>

#define PORT_SELECTOR  0
#define PORT_DATA      1
#define KEY_ARCH       0x8000u
#define KEY_WRITE      0x4000u /* historic write channel: ignored */
#define NKEYS          (FW_CFG_FILE_FIRST + FW_CFG_MAX_FILES)
#define NARCH          8
#define DIR_ENTRY      64 /* bytes: u32 size, u16 key, u16 zero, name[56] */
#define ID_TRADITIONAL 1
#define ID_DMA         2
#define DMA_SIGNATURE  0x51454d5520434647ull /* "QEMU CFG" */
#define DMA_ERROR      0x01
#define DMA_READ       0x02
#define DMA_SKIP       0x04
#define DMA_SELECT     0x08
#define DMA_WRITE      0x10
#define ZERO_CHUNK     4096

struct fw_cfg_item {
	const uint8_t *data;
	size_t len;
	bool owned;
};

struct fw_cfg {
	struct fw_cfg_item items[NKEYS];
	struct fw_cfg_item arch[NARCH];
	uint8_t dir[4 + FW_CFG_MAX_FILES * DIR_ENTRY];
	uint32_t nfiles;
	uint32_t key; /* selector */
	uint32_t pad;
	uint64_t off;      /* in the selected item */
	uint64_t dma_addr; /* high half waits here for the low one */
};

static struct fw_cfg_item *
find_item(struct fw_cfg *s, unsigned key)
{
	key &= ~KEY_WRITE;
	if (key < NKEYS)
		return &s->items[key];
	if (key >= KEY_ARCH && key < KEY_ARCH + NARCH)
		return &s->arch[key - KEY_ARCH];
	return NULL;
}

static void
drop_item(struct fw_cfg_item *it)
{
	if (it->owned) {
		union {
			const uint8_t *c;
			void *p;
		} u = { it->data };

		mem_free(u.p);
	}
	*it = (struct fw_cfg_item){ NULL, 0, false };
}

static int
set_item(struct fw_cfg *s, unsigned key, const void *data, size_t len, bool copy)
{
	struct fw_cfg_item *it = key & KEY_WRITE ? NULL : find_item(s, key);
	uint8_t *mine;

	if (!it)
		return -EINVAL;
	if (len > UINT32_MAX)
		return -ENOSPC;
	if (!copy) {
		drop_item(it);
		*it = (struct fw_cfg_item){ data, len, false };
		return 0;
	}
	mine = try_alloc(len ? len : 1, 1);
	if (!mine)
		return -ENOMEM;
	if (len)
		memcpy(mine, data, len);
	drop_item(it);
	*it = (struct fw_cfg_item){ mine, len, true };
	return 0;
}

static uint8_t *
find_file(struct fw_cfg *s, const char *name)
{
	for (uint32_t i = 0; i < s->nfiles; i++) {
		uint8_t *e = s->dir + 4 + (size_t)i * DIR_ENTRY;

		if (!strcmp((const char *)e + 8, name))
			return e;
	}
	return NULL;
}

static int
set_file(struct dev *d, const char *name, const void *data, size_t len, bool copy)
{
	struct fw_cfg *s = d->state;
	size_t n = strlen(name);
	uint8_t *e = find_file(s, name);
	unsigned key = e ? get_be16(e + 4) : FW_CFG_FILE_FIRST + s->nfiles;
	int r;

	if (!n || n > FW_CFG_NAME_MAX)
		return -EINVAL;
	if (!e && s->nfiles == FW_CFG_MAX_FILES)
		return -ENOSPC;
	r = set_item(s, key, data, len, copy);
	if (r)
		return r;
	if (!e) {
		e = s->dir + 4 + (size_t)s->nfiles++ * DIR_ENTRY;
		memcpy(e + 8, name, n + 1);
		put_be16(e + 4, (uint16_t)key);
		put_be32(s->dir, s->nfiles);
	}
	put_be32(e, (uint32_t)len);
	s->items[FW_CFG_FILE_DIR] =
	    (struct fw_cfg_item){ s->dir, 4 + (size_t)s->nfiles * DIR_ENTRY, false };
	return 0;
}

int
fw_cfg_add_key(struct dev *d, unsigned key, const void *data, size_t len)
{
	return set_item(d->state, key, data, len, true);
}

int
fw_cfg_add_key_u16(struct dev *d, unsigned key, uint16_t val)
{
	return fw_cfg_add_key(d, key, &val, sizeof(val));
}

int
fw_cfg_add_key_u32(struct dev *d, unsigned key, uint32_t val)
{
	return fw_cfg_add_key(d, key, &val, sizeof(val));
}

int
fw_cfg_add_key_u64(struct dev *d, unsigned key, uint64_t val)
{
	return fw_cfg_add_key(d, key, &val, sizeof(val));
}

int
fw_cfg_add_file(struct dev *d, const char *name, const void *data, size_t len)
{
	return set_file(d, name, data, len, true);
}

int
fw_cfg_add_file_u64(struct dev *d, const char *name, uint64_t val)
{
	return fw_cfg_add_file(d, name, &val, sizeof(val));
}

int
fw_cfg_add_key_ref(struct dev *d, unsigned key, const void *data, size_t len)
{
	return set_item(d->state, key, data, len, false);
}

int
fw_cfg_add_file_ref(struct dev *d, const char *name, const void *data, size_t len)
{
	return set_file(d, name, data, len, false);
}

/* ---- selector and data ---- */

static void
select_key(struct dev *d, unsigned key)
{
	struct fw_cfg *s = d->state;

	trace(TRACE_FWCFG, "select %04x", key);
	s->key = key;
	s->off = 0;
}

/* The next bytes of the selected item into dst, and zeros after its end. */
static void
take(struct fw_cfg *s, uint8_t *dst, size_t n)
{
	const struct fw_cfg_item *it = find_item(s, s->key);
	size_t have = 0;

	if (it && s->off < it->len) {
		have = it->len - (size_t)s->off;
		if (have > n)
			have = n;
		memcpy(dst, it->data + s->off, have);
		s->off += have;
	}
	memset(dst + have, 0, n - have);
}

static uint64_t
ports_read(struct dev *d, uint32_t off, unsigned size)
{
	uint8_t v[2] = { 0, 0 };

	/* the selector is write-only; a word read of the data port gives one byte */
	if (off == PORT_DATA)
		take(d->state, v, 1);
	return v[0];
}

static void
ports_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	if (off == PORT_SELECTOR && size == 2)
		select_key(d, (unsigned)val);
}

static unsigned
ports_read_many(struct dev *d, uint32_t off, unsigned size, void *dst, unsigned n)
{
	uint8_t *p = dst;

	if (off == PORT_DATA && size == 1) {
		take(d->state, p, n);
		return n;
	}
	put_le(p, size, ports_read(d, off, size));
	return 1;
}

/* ---- DMA ---- */

static bool
dma_copy_out(struct dev *d, uint64_t gpa, uint32_t len)
{
	static const uint8_t zeros[ZERO_CHUNK];
	struct fw_cfg *s = d->state;
	const struct fw_cfg_item *it = find_item(s, s->key);

	while (len) {
		const uint8_t *src = zeros;
		uint32_t n = len < ZERO_CHUNK ? len : ZERO_CHUNK;

		if (it && s->off < it->len) { /* pieces of at most 1 MiB */
			uint64_t left = it->len - s->off;

			n = len < MIB ? len : (uint32_t)MIB;
			if (n > left)
				n = (uint32_t)left;
			src = it->data + s->off;
			s->off += n;
		}
		if (!d->env->dma_write(d, gpa, src, n))
			return false;
		gpa += n;
		len -= n;
	}
	return true;
}

static void
dma_run(struct dev *d, uint64_t desc)
{
	struct fw_cfg *s = d->state;
	uint8_t raw[16];
	uint32_t control, len;
	uint64_t addr;
	bool ok = true;

	if (!d->env->dma_read(d, desc, raw, sizeof(raw))) {
		d->env->guest_error(d, "fw_cfg descriptor outside memory", desc);
		return;
	}
	control = get_be32(raw);
	len = get_be32(raw + 4);
	addr = get_be64(raw + 8);
	trace(TRACE_FWCFG, "DMA control %08x, %u bytes at %llx", control, len,
	    (unsigned long long)addr);
	if (control & DMA_SELECT)
		select_key(d, control >> 16);
	if (control & DMA_READ)
		ok = dma_copy_out(d, addr, len);
	else if (control & DMA_WRITE)
		ok = false; /* no item may be written */
	else if (control & DMA_SKIP)
		s->off += len;
	put_be32(raw, ok ? 0 : DMA_ERROR);
	d->env->dma_write(d, desc, raw, 4);
}

static uint64_t
dma_read(struct dev *d, uint32_t off, unsigned size)
{
	uint8_t sig[8];

	put_be64(sig, DMA_SIGNATURE);
	if (off + size > sizeof(sig))
		return 0;
	return get_le(sig + off, size);
}

static void
dma_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct fw_cfg *s = d->state;

	if (size == 4 && off == 0) {
		s->dma_addr = (uint64_t)__builtin_bswap32((uint32_t)val) << 32;
	} else if (size == 4 && off == 4) {
		uint64_t desc = s->dma_addr | __builtin_bswap32((uint32_t)val);

		s->dma_addr = 0;
		dma_run(d, desc);
	} else if (size == 8 && off == 0) {
		s->dma_addr = 0;
		dma_run(d, __builtin_bswap64(val));
	}
}

static const struct dev_region regions[] = {
	[FW_CFG_REGION_PORTS] = { .name = "ports",
	    .kind = DEV_REGION_PIO,
	    .size = 2,
	    .access_min = 1,
	    .access_max = 2,
	    .read = ports_read,
	    .write = ports_write,
	    .read_many = ports_read_many },
	[FW_CFG_REGION_DMA] = { .name = "dma",
	    .kind = DEV_REGION_PIO,
	    .size = 8,
	    .access_min = 1,
	    .access_max = 8,
	    .read = dma_read,
	    .write = dma_write },
};

/* ---- life ---- */

static int
create(struct dev *d, struct err *e)
{
	static const char signature[4] = { 'Q', 'E', 'M', 'U' };
	int r = fw_cfg_add_key(d, FW_CFG_SIGNATURE, signature, sizeof(signature));

	if (!r)
		r = fw_cfg_add_key_u32(d, FW_CFG_ID, ID_TRADITIONAL | ID_DMA);
	if (!r) /* an empty directory is four zero bytes */
		r = fw_cfg_add_key_ref(d, FW_CFG_FILE_DIR, ((struct fw_cfg *)d->state)->dir, 4);
	return r;
}

static void
reset(struct dev *d, enum dev_reset_kind kind)
{
	struct fw_cfg *s = d->state;

	s->key = 0;
	s->off = 0;
	s->dma_addr = 0;
}

static void
destroy(struct dev *d)
{
	struct fw_cfg *s = d->state;

	for (unsigned i = 0; i < NKEYS; i++)
		drop_item(&s->items[i]);
	for (unsigned i = 0; i < NARCH; i++)
		drop_item(&s->arch[i]);
}

/* The items come from the machine's configuration, not from its saved state. */
static const struct dev_field fields[] = {
	DEV_TRANSIENT(struct fw_cfg, items),
	DEV_TRANSIENT(struct fw_cfg, arch),
	DEV_TRANSIENT(struct fw_cfg, dir),
	DEV_TRANSIENT(struct fw_cfg, nfiles),
	DEV_FIELD(struct fw_cfg, key),
	DEV_TRANSIENT(struct fw_cfg, pad),
	DEV_FIELD(struct fw_cfg, off),
	DEV_FIELD(struct fw_cfg, dma_addr),
};

const struct dev_type fw_cfg_type = {
	.name = "fw_cfg",
	.regions = regions,
	.nregions = ARRAY_SIZE(regions),
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.state_size = sizeof(struct fw_cfg),
	.state_version = 1,
	.create = create,
	.reset = reset,
	.destroy = destroy,
};
