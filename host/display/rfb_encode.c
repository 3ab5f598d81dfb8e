/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pixel formats and the encodings Raw (RFC 6143, 7.7.1) and ZRLE (7.7.6). Both encode
 * from the client's own copy of the picture.
 */
#include "host/display/rfb_client.h"

#include "base/bits.h"
#include "base/mem.h"

#define MAX_PALETTE 127u
#define HASH_SIZE   512u

/* ---- pixel formats ---- */

static bool
fill_levels(uint32_t levels[256], unsigned max, unsigned shift, unsigned bpp)
{
	if (!max || shift >= bpp || ((uint64_t)max << shift) >> bpp)
		return false;
	for (unsigned i = 0; i < 256; i++)
		levels[i] = (i * max + 127) / 255 << shift;
	return true;
}

bool
rfb_format_set(struct rfb_format *f, const struct rfb_wire_format *w)
{
	struct rfb_format n = { .bytes = w->bpp / 8, .big_endian = w->big_endian != 0 };
	uint32_t used;

	if (w->bpp != 8 && w->bpp != 16 && w->bpp != 32)
		return false;
	if (!fill_levels(n.red, w->red_max, w->red_shift, w->bpp) ||
	    !fill_levels(n.green, w->green_max, w->green_shift, w->bpp) ||
	    !fill_levels(n.blue, w->blue_max, w->blue_shift, w->bpp))
		return false;
	n.cpixel_bytes = n.bytes;
	used = n.red[255] | n.green[255] | n.blue[255];
	/* 7.7.5: three bytes when the colours fit in the low or the high three. */
	if (w->bpp == 32 && w->depth <= 24 && !(used >> 24)) {
		n.cpixel_bytes = 3;
		n.cpixel_skip = n.big_endian;
	} else if (w->bpp == 32 && w->depth <= 24 && !(used & 0xff)) {
		n.cpixel_bytes = 3;
		n.cpixel_skip = !n.big_endian;
	}
	*f = n;
	return true;
}

static uint32_t
convert(const struct rfb_format *f, uint32_t rgb)
{
	return f->red[rgb >> 16 & 0xff] | f->green[rgb >> 8 & 0xff] | f->blue[rgb & 0xff];
}

static void
store_pixel(const struct rfb_format *f, uint8_t *p, uint32_t pixel)
{
	switch (f->bytes) {
	case 1: p[0] = (uint8_t)pixel; break;
	case 2:
		if (f->big_endian)
			put_be16(p, (uint16_t)pixel);
		else
			put_le16(p, (uint16_t)pixel);
		break;
	default:
		if (f->big_endian)
			put_be32(p, pixel);
		else
			put_le32(p, pixel);
		break;
	}
}

void
rfb_encode_raw(struct rfb_client *c, unsigned x, unsigned y, unsigned w, unsigned h)
{
	const struct rfb_format *f = &c->format;
	uint8_t *p = buf_reserve(&c->out, (size_t)w * h * f->bytes);

	for (unsigned i = 0; p && i < h; i++) {
		const uint32_t *line = c->sent + (size_t)(y + i) * c->width + x;

		for (unsigned j = 0; j < w; j++, p += f->bytes)
			store_pixel(f, p, convert(f, line[j]));
	}
}

/* ---- ZRLE ---- */

struct tile {
	uint32_t px[RFB_TILE * RFB_TILE]; /* in the client's format */
	unsigned w, h;
	unsigned runs;       /* of equal pixels, over line ends */
	unsigned short_runs; /* of those: one pixel long */
	uint32_t palette[MAX_PALETTE];
	unsigned colors;         /* > MAX_PALETTE: too many */
	uint8_t hash[HASH_SIZE]; /* index in palette + 1 */
};

static unsigned
hash_of(uint32_t px)
{
	return (px * 2654435761u) >> 23;
}

static unsigned
palette_index(const struct tile *t, uint32_t px)
{
	unsigned h = hash_of(px);

	while (t->palette[t->hash[h] - 1] != px)
		h = (h + 1) % HASH_SIZE;
	return t->hash[h] - 1u;
}

static void
palette_add(struct tile *t, uint32_t px)
{
	unsigned h = hash_of(px);

	if (t->colors > MAX_PALETTE)
		return;
	for (; t->hash[h]; h = (h + 1) % HASH_SIZE) {
		if (t->palette[t->hash[h] - 1] == px)
			return;
	}
	if (t->colors == MAX_PALETTE) {
		t->colors++;
		return;
	}
	t->palette[t->colors++] = px;
	t->hash[h] = (uint8_t)t->colors;
}

static void
load_tile(const struct rfb_client *c, struct tile *t, unsigned x, unsigned y)
{
	unsigned n = 0, run = 0;

	t->runs = t->short_runs = t->colors = 0;
	memset(t->hash, 0, sizeof(t->hash));
	for (unsigned i = 0; i < t->h; i++) {
		const uint32_t *line = c->sent + (size_t)(y + i) * c->width + x;

		for (unsigned j = 0; j < t->w; j++, n++) {
			uint32_t px = convert(&c->format, line[j]);

			t->px[n] = px;
			if (n && px == t->px[n - 1]) {
				run++;
				continue;
			}
			t->short_runs += run == 1;
			t->runs++;
			run = 1;
			palette_add(t, px);
		}
	}
	t->short_runs += run == 1;
}

static void
put_cpixel(struct buf *b, const struct rfb_format *f, uint32_t px)
{
	uint8_t p[4];

	store_pixel(f, p, px);
	buf_put(b, p + f->cpixel_skip, f->cpixel_bytes);
}

static void
put_run_length(struct buf *b, unsigned run)
{
	for (run--; run >= 255; run -= 255)
		buf_put_u8(b, 255);
	buf_put_u8(b, (uint8_t)run);
}

static void
put_runs(struct buf *b, const struct rfb_format *f, const struct tile *t, bool palette)
{
	unsigned n = t->w * t->h;

	for (unsigned i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n && t->px[i + run] == t->px[i];)
			run++;
		if (!palette) {
			put_cpixel(b, f, t->px[i]);
			put_run_length(b, run);
		} else if (run == 1) {
			buf_put_u8(b, (uint8_t)palette_index(t, t->px[i]));
		} else {
			buf_put_u8(b, (uint8_t)(0x80 | palette_index(t, t->px[i])));
			put_run_length(b, run);
		}
	}
}

static unsigned
packed_bits(unsigned colors)
{
	if (colors <= 2)
		return 1;
	return colors <= 4 ? 2 : 4;
}

static void
put_packed(struct buf *b, const struct tile *t)
{
	unsigned bits = packed_bits(t->colors);

	for (unsigned y = 0; y < t->h; y++) {
		unsigned byte = 0, have = 0;

		for (unsigned x = 0; x < t->w; x++) {
			byte = byte << bits | palette_index(t, t->px[y * t->w + x]);
			have += bits;
			if (have == 8) {
				buf_put_u8(b, (uint8_t)byte);
				byte = have = 0;
			}
		}
		if (have)
			buf_put_u8(b, (uint8_t)(byte << (8 - have)));
	}
}

static void
put_palette(struct buf *b, const struct rfb_format *f, const struct tile *t)
{
	for (unsigned i = 0; i < t->colors; i++)
		put_cpixel(b, f, t->palette[i]);
}

/* The subencoding that takes the fewest bytes before compression. */
static void
put_tile(struct buf *b, const struct rfb_format *f, const struct tile *t)
{
	unsigned cp = f->cpixel_bytes, n = t->w * t->h;
	unsigned raw = n * cp, plain_rle = t->runs * (cp + 1), best = raw;
	unsigned pal_rle = ~0u, packed = ~0u;

	if (t->colors == 1) {
		buf_put_u8(b, 1);
		put_cpixel(b, f, t->px[0]);
		return;
	}
	if (t->colors <= MAX_PALETTE)
		pal_rle = t->colors * cp + t->runs * 2 - t->short_runs;
	if (t->colors <= 16)
		packed = t->colors * cp + (t->w * packed_bits(t->colors) + 7) / 8 * t->h;
	if (plain_rle < best)
		best = plain_rle;
	if (pal_rle < best)
		best = pal_rle;
	if (packed < best)
		best = packed;

	if (best == packed) {
		buf_put_u8(b, (uint8_t)t->colors);
		put_palette(b, f, t);
		put_packed(b, t);
	} else if (best == pal_rle) {
		buf_put_u8(b, (uint8_t)(128 + t->colors));
		put_palette(b, f, t);
		put_runs(b, f, t, true);
	} else if (best == plain_rle) {
		buf_put_u8(b, 128);
		put_runs(b, f, t, false);
	} else {
		buf_put_u8(b, 0);
		for (unsigned i = 0; i < n; i++)
			put_cpixel(b, f, t->px[i]);
	}
}

/* One zlib stream for the connection; each rectangle ends with a sync flush. */
static bool
put_compressed(struct rfb_client *c, const struct buf *plain)
{
	size_t bound = deflateBound(&c->zlib, (uLong)plain->len) + 64, at = c->out.len;
	uint8_t *p = buf_reserve(&c->out, 4 + bound);
	size_t used;

	if (!p)
		return false;
	c->zlib.next_in = plain->data;
	c->zlib.avail_in = (uInt)plain->len;
	c->zlib.next_out = p + 4;
	c->zlib.avail_out = (uInt)bound;
	if (deflate(&c->zlib, Z_SYNC_FLUSH) != Z_OK || c->zlib.avail_in || !c->zlib.avail_out)
		return false;
	used = bound - c->zlib.avail_out;
	put_be32(p, (uint32_t)used);
	c->out.len = at + 4 + used;
	return true;
}

bool
rfb_encode_zrle(struct rfb_client *c, unsigned x, unsigned y, unsigned w, unsigned h)
{
	struct tile *t = try_alloc(1, sizeof(*t));
	struct buf plain;
	bool ok;

	if (!c->zlib_ready) {
		c->zlib_ready = deflateInit(&c->zlib, 3) == Z_OK;
		if (!c->zlib_ready || !t) {
			mem_free(t);
			return false;
		}
	}
	buf_init(&plain, (size_t)w * h * 5 + 65536);
	for (unsigned ty = 0; t && ty < h; ty += RFB_TILE) {
		for (unsigned tx = 0; tx < w; tx += RFB_TILE) {
			t->w = w - tx < RFB_TILE ? w - tx : RFB_TILE;
			t->h = h - ty < RFB_TILE ? h - ty : RFB_TILE;
			load_tile(c, t, x + tx, y + ty);
			put_tile(&plain, &c->format, t);
		}
	}
	ok = t && !plain.failed && put_compressed(c, &plain);
	buf_fini(&plain);
	mem_free(t);
	return ok;
}
