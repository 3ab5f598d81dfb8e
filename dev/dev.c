/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Saving, loading and dumping of devices from their field tables.
 *
 * A blob is
 *	u32 magic, string type name, u16 state version,
 *	u32 payload bytes, u32 CRC-32 of the payload, payload;
 * the payload has the fields in the order of the table, each as
 *	string name, u8 element size, u32 count, count little-endian elements,
 * and then, for PCI functions, the 256 bytes of configuration space.
 *
 * A field newer than the blob (its `since` above the blob's version) may be
 * missing and keeps the value it had after reset; anything else that differs is
 * an error.  The blob is read into a copy of the state, so that a bad one changes
 * nothing.  It is not trusted: loaded() of each model checks values that it uses
 * as indices, and state structs have no bool (any byte may come).
 */
#include "dev/dev.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "dev/bus/pci.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#define DEV_MAGIC       0x5645444cu /* "LDEV" */
#define DEV_NAME_MAX    64
#define DEV_PAYLOAD_MAX (256u * MIB)
#define PCI_CONFIG_SIZE 256u

_Static_assert(
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "elements are stored as they are in memory");

static size_t
field_bytes(const struct dev_field *f)
{
	return (size_t)f->size * f->count;
}

static void
put_fields(const struct dev *d, struct buf *b)
{
	for (unsigned i = 0; i < d->type->nfields; i++) {
		const struct dev_field *f = &d->type->fields[i];

		if (!f->since)
			continue;
		buf_put_str(b, f->name);
		buf_put_u8(b, (uint8_t)f->size);
		buf_put_u32(b, f->count);
		buf_put(b, (const uint8_t *)d->state + f->off, field_bytes(f));
	}
	if (d->type->pci && d->pci_config)
		buf_put(b, d->pci_config, PCI_CONFIG_SIZE);
}

void
dev_save(const struct dev *d, struct buf *b)
{
	struct buf payload;

	buf_init(&payload, DEV_PAYLOAD_MAX);
	put_fields(d, &payload);
	buf_put_u32(b, DEV_MAGIC);
	buf_put_str(b, d->type->name);
	buf_put_u16(b, d->type->state_version);
	buf_put_u32(b, (uint32_t)payload.len);
	buf_put_u32(b, (uint32_t)crc32(0, payload.data, (uInt)payload.len));
	buf_put(b, payload.data, payload.len);
	if (payload.failed)
		b->failed = true;
	buf_fini(&payload);
}

/* Reads the header; the payload is what *ret_payload then reads. */
static int
get_header(const struct dev *d, struct buf *b, uint16_t *ret_version, struct buf *ret_payload,
    struct err *e)
{
	char name[DEV_NAME_MAX];
	uint32_t magic = buf_get_u32(b);
	uint32_t len, crc;
	const uint8_t *p;
	uint16_t version = 0;

	buf_get_str(b, name, sizeof(name));
	version = buf_get_u16(b);
	len = buf_get_u32(b);
	crc = buf_get_u32(b);
	if (b->failed)
		return err_set(e, EINVAL, "%s: saved state is cut short in its header", d->id);
	if (magic != DEV_MAGIC)
		return err_set(e, EINVAL, "%s: not the saved state of a device", d->id);
	if (strcmp(name, d->type->name) != 0)
		return err_set(e, EINVAL, "%s: saved state is of a '%.40s', this is a '%s'", d->id,
		    name, d->type->name);
	if (version > d->type->state_version || !version)
		return err_set(e, ENOTSUP,
		    "%s: saved state has version %u, this program knows up to %u of '%s'", d->id,
		    version, d->type->state_version, d->type->name);
	p = buf_get_ptr(b, len);
	if (!p)
		return err_set(e, EINVAL, "%s: saved state is cut short (%" PRIu32 " bytes wanted)",
		    d->id, len);
	if ((uint32_t)crc32(0, p, (uInt)len) != crc)
		return err_set(e, EINVAL, "%s: saved state is damaged (checksum differs)", d->id);
	buf_reader(ret_payload, p, len);
	*ret_version = version;
	return 0;
}

/* Takes the next stored field's bytes if it is `f`, else leaves the reader where it was. */
static int
get_field(const struct dev *d, struct buf *b, const struct dev_field *f, uint16_t version,
    uint8_t *state, struct err *e)
{
	size_t start = b->pos;
	char name[DEV_NAME_MAX];
	uint32_t count;
	unsigned size;
	bool found;

	buf_get_str(b, name, sizeof(name));
	size = buf_get_u8(b);
	count = buf_get_u32(b);
	found = !b->failed && !strcmp(name, f->name);
	if (!found) {
		if (f->since <= version)
			return err_set(
			    e, EINVAL, "%s: saved state lacks field '%s'", d->id, f->name);
		b->pos = start;
		b->failed = false;
		return 0;
	}
	if (size != f->size || count != f->count)
		return err_set(e, EINVAL,
		    "%s: field '%s' is %" PRIu32 " x %u bytes in the saved state, not %" PRIu32
		    " x %u",
		    d->id, f->name, count, size, f->count, f->size);
	if (!buf_get(b, state + f->off, field_bytes(f)))
		return err_set(
		    e, EINVAL, "%s: saved state is cut short in field '%s'", d->id, f->name);
	return 0;
}

static int
get_fields(const struct dev *d, struct buf *b, uint16_t version, uint8_t *state, uint8_t *config,
    struct err *e)
{
	for (unsigned i = 0; i < d->type->nfields; i++) {
		const struct dev_field *f = &d->type->fields[i];
		int r = f->since ? get_field(d, b, f, version, state, e) : 0;

		if (r)
			return r;
	}
	if (d->type->pci && d->pci_config && !buf_get(b, config, PCI_CONFIG_SIZE))
		return err_set(e, EINVAL, "%s: saved state lacks the PCI configuration", d->id);
	if (b->pos != b->len)
		return err_set(
		    e, EINVAL, "%s: saved state has %zu bytes too many", d->id, b->len - b->pos);
	return 0;
}

int
dev_load(struct dev *d, struct buf *b, struct err *e)
{
	uint8_t config[PCI_CONFIG_SIZE];
	struct buf payload;
	uint16_t version = 0;
	uint8_t *state;
	int r = get_header(d, b, &version, &payload, e);

	if (r)
		return r;
	state = try_alloc(1, d->type->state_size);
	if (!state)
		return err_set(e, ENOMEM, "%s: out of memory while loading", d->id);
	memcpy(state, d->state, d->type->state_size);
	r = get_fields(d, &payload, version, state, config, e);
	if (!r) {
		memcpy(d->state, state, d->type->state_size);
		if (d->type->pci && d->pci_config) {
			memcpy(d->pci_config, config, sizeof(config));
			pci_dev_loaded(d);
		}
		if (d->type->loaded)
			r = d->type->loaded(d, version, e);
	}
	mem_free(state);
	return r;
}

/* ---- text for the monitor ---- */

#define DUMP_BYTES_MAX 256u

static void
dump_value(struct buf *b, const uint8_t *p, unsigned size)
{
	switch (size) {
	case 1: buf_printf(b, "%02x", *p); break;
	case 2: buf_printf(b, "%04x", get_le16(p)); break;
	case 4: buf_printf(b, "%08" PRIx32, get_le32(p)); break;
	default: buf_printf(b, "%" PRIx64, get_le64(p)); break;
	}
}

static void
dump_field(const struct dev *d, const struct dev_field *f, struct buf *b)
{
	const uint8_t *p = (const uint8_t *)d->state + f->off;
	unsigned per_line = 32u / f->size;

	buf_printf(b, "  %-20s", f->name);
	for (uint32_t i = 0; i < f->count; i++) {
		if ((size_t)i * f->size >= DUMP_BYTES_MAX) {
			buf_printf(b, " … (%zu bytes)", field_bytes(f));
			break;
		}
		if (i && i % per_line == 0)
			buf_printf(b, "\n  %-20s", "");
		buf_put_u8(b, ' ');
		dump_value(b, p + (size_t)i * f->size, f->size);
	}
	buf_put_u8(b, '\n');
}

void
dev_dump(const struct dev *d, struct buf *b)
{
	buf_printf(b, "%s (%s, state version %u)\n", d->id, d->type->name, d->type->state_version);
	for (unsigned i = 0; i < d->type->nfields; i++) {
		if (d->type->fields[i].since)
			dump_field(d, &d->type->fields[i], b);
	}
	if (d->type->pci && d->pci_config) {
		const struct dev_field f = { "pci_config", 0, 1, PCI_CONFIG_SIZE, 1 };
		struct dev c = { .state = d->pci_config };

		dump_field(&c, &f, b);
	}
}
