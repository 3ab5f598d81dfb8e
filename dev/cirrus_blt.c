/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BitBLT engine: CL-GD5446 Technical Reference Manual, chapter "BitBLT engine".
 *
 * A line at a time: the source line is made (copied, from the pattern, or expanded
 * from one bit a pixel) in a buffer together with a mask of the bytes to be written,
 * then combined with the destination.  Lines are at most 8 KiB and there are at most 2048 of
 * them, so an operation is bounded; addresses wrap at the end of video memory.
 */
#include "dev/cirrus_blt.h"

#include "base/bits.h"

struct line {
	uint8_t src[CIRRUS_BLT_MAX_WIDTH + 8];
	uint8_t mask[CIRRUS_BLT_MAX_WIDTH + 8]; /* ff: written */
};

static unsigned
pixel_bytes(const struct cirrus_blt *b)
{
	return ((b->mode & BLT_PIXEL) >> 4) + 1u;
}

/* ---- raster operations ---- */

/* GR32's codes as truth tables: bit (s << 1 | d) is the result. */
static unsigned
truth_table(uint8_t rop)
{
	static const struct {
		uint8_t rop, table;
	} rops[] = {
		{ 0x00, 0x0 },
		{ 0x05, 0x8 },
		{ 0x06, 0xa },
		{ 0x09, 0x4 },
		{ 0x0b, 0x5 },
		{ 0x0d, 0xc },
		{ 0x0e, 0xf },
		{ 0x50, 0x2 },
		{ 0x59, 0x6 },
		{ 0x6d, 0xe },
		{ 0x90, 0x7 },
		{ 0x95, 0x9 },
		{ 0xad, 0xd },
		{ 0xd0, 0x3 },
		{ 0xd6, 0xb },
		{ 0xda, 0x1 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rops); i++) {
		if (rops[i].rop == rop)
			return rops[i].table;
	}
	return 0xa; /* not a code of the manual: the destination stays */
}

static uint8_t
combine(unsigned table, uint8_t s, uint8_t d)
{
	uint8_t m0 = table & 1 ? 0xff : 0, m1 = table & 2 ? 0xff : 0;
	uint8_t m2 = table & 4 ? 0xff : 0, m3 = table & 8 ? 0xff : 0;

	return (uint8_t)((m0 & ~s & ~d) | (m1 & ~s & d) | (m2 & s & ~d) | (m3 & s & d));
}

/* Where the result is the transparent colour nothing is written. */
static void
mask_key(const struct cirrus_blt *b, uint8_t *mask, const uint8_t *result, unsigned n)
{
	unsigned bytes = pixel_bytes(b) >= 2 ? 2 : 1;

	for (unsigned i = 0; i + bytes <= n; i += bytes) {
		unsigned px = bytes == 2 ? get_le16(result + i) : result[i];

		if (px == (bytes == 2 ? b->key : (b->key & 0xffu)))
			memset(mask + i, 0, bytes);
	}
}

/* Combines a made line with the one at `dst` in memory. */
static void
store_line(const struct cirrus_blt *b, struct line *l, uint8_t *vram, uint32_t size, uint32_t dst)
{
	unsigned table = truth_table(b->rop), n = b->width;
	uint8_t *result = l->src;

	for (unsigned i = 0; i < n; i++) {
		if (l->mask[i])
			result[i] = combine(table, l->src[i], /* NOLINT: set wherever the mask is */
			    vram[(dst + i) & (size - 1)]);
	}
	if ((b->mode & BLT_TRANSPARENT) && !(b->mode & BLT_EXPAND))
		mask_key(b, l->mask, result, n);
	for (unsigned i = 0; i < n; i++) {
		if (l->mask[i])
			vram[(dst + i) & (size - 1)] = result[i];
	}
}

/* ---- source lines ---- */

static void
put_pixel(struct line *l, unsigned at, uint32_t color, unsigned bytes)
{
	for (unsigned k = 0; k < bytes; k++) {
		l->src[at + k] = (uint8_t)(color >> (8 * k));
		l->mask[at + k] = 0xff;
	}
}

/* Bytes at the left that GR2F leaves out, and pixels of the source that go with them. */
static unsigned
skip_bytes(const struct cirrus_blt *b)
{
	unsigned bytes = pixel_bytes(b);

	return bytes == 3 ? b->skip & 0x1fu : (b->skip & 7u) * bytes;
}

/*
 * One bit a pixel, most significant first, to colours.  Transparent: only ones are drawn, in
 * the foreground colour; inverted only zeros, in the background colour.
 */
static void
expand_line(const struct cirrus_blt *b, struct line *l, const uint8_t *bits, unsigned nbits_mask)
{
	unsigned bytes = pixel_bytes(b), at = skip_bytes(b), bit = at / bytes;
	bool transparent = b->mode & BLT_TRANSPARENT, drawn = !(b->ext & BLT_INVERT);

	memset(l->mask, 0, b->width);
	for (; at < b->width; at += bytes, bit++) {
		unsigned i = bit & nbits_mask;
		bool one = bits[i >> 3] >> (7 - (i & 7)) & 1;

		if (!transparent || one == drawn)
			put_pixel(l, at, one ? b->fg : b->bg, bytes);
	}
}

static void
solid_line(const struct cirrus_blt *b, struct line *l)
{
	unsigned bytes = pixel_bytes(b);

	memset(l->mask, 0, b->width);
	for (unsigned at = 0; at < b->width; at += bytes)
		put_pixel(l, at, b->fg, bytes);
}

/* A line of the 8x8 colour pattern: rows of 8, 16, 32 (24 used), 32 bytes. */
static void
pattern_line(const struct cirrus_blt *b, struct line *l, const uint8_t *pattern)
{
	unsigned bytes = pixel_bytes(b), used = 8 * bytes, pitch = bytes == 3 ? 32 : used;
	unsigned at = skip_bytes(b);
	const uint8_t *row = pattern + b->pattern_row * pitch;

	memset(l->mask, 0, b->width);
	memset(l->src, 0, b->width);
	for (; at < b->width; at++) {
		l->src[at] = row[at % used];
		l->mask[at] = 0xff;
	}
}

static void
fetch(uint8_t *to, const uint8_t *vram, uint32_t size, uint32_t addr, unsigned n)
{
	addr &= size - 1;
	if (addr + n <= size) {
		memcpy(to, vram + addr, n);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		to[i] = vram[(addr + i) & (size - 1)];
}

static unsigned
pattern_bytes(const struct cirrus_blt *b)
{
	if (b->mode & BLT_EXPAND)
		return 8;
	return pixel_bytes(b) == 3 ? 256 : 64 * pixel_bytes(b);
}

/* Bytes of a line of one bit a pixel. */
static unsigned
mono_bytes(const struct cirrus_blt *b)
{
	unsigned pixels = (b->width + pixel_bytes(b) - 1) / pixel_bytes(b);

	return (pixels + 7) / 8;
}

/* ---- operations ---- */

static void
run_pattern(struct cirrus_blt *b, const uint8_t *pattern, uint8_t *vram, uint32_t size)
{
	struct line l;

	for (; b->height; b->height--) {
		if (b->ext & BLT_SOLID)
			solid_line(b, &l);
		else if (b->mode & BLT_EXPAND)
			expand_line(b, &l, pattern + b->pattern_row, 7);
		else
			pattern_line(b, &l, pattern);
		store_line(b, &l, vram, size, b->dst);
		b->pattern_row = (b->pattern_row + 1) & 7;
		b->dst += b->dst_pitch;
	}
}

static void
run_expand(struct cirrus_blt *b, uint8_t *vram, uint32_t size)
{
	uint8_t bits[CIRRUS_BLT_MAX_WIDTH / 8 + 8];
	struct line l;

	for (; b->height; b->height--) {
		fetch(bits, vram, size, b->src, mono_bytes(b));
		expand_line(b, &l, bits, ~0u);
		store_line(b, &l, vram, size, b->dst);
		b->src += mono_bytes(b);
		b->dst += b->dst_pitch;
	}
}

/* Backwards the addresses are those of the last byte of the last line. */
static void
run_copy(struct cirrus_blt *b, uint8_t *vram, uint32_t size)
{
	bool back = b->mode & BLT_BACKWARD;
	uint32_t first = back ? b->width - 1 : 0;
	struct line l;

	for (; b->height; b->height--) {
		fetch(l.src, vram, size, b->src - first, b->width);
		memset(l.mask, 0xff, b->width);
		store_line(b, &l, vram, size, b->dst - first);
		b->src += back ? -b->src_pitch : b->src_pitch;
		b->dst += back ? -b->dst_pitch : b->dst_pitch;
	}
}

static unsigned
system_row_bytes(const struct cirrus_blt *b)
{
	if (b->mode & BLT_PATTERN)
		return pattern_bytes(b);
	if (!(b->mode & BLT_EXPAND) || (b->mode & BLT_TO_SYSTEM))
		return (b->width + 3) & ~3u; /* lines are padded to doublewords */
	return b->ext & BLT_DWORD_ROWS ? (mono_bytes(b) + 3) & ~3u : mono_bytes(b);
}

void
cirrus_blt_start(struct cirrus_blt *b, uint8_t *vram, uint32_t size)
{
	uint8_t pattern[256];

	b->busy = BLT_IDLE;
	b->row_pos = 0;
	b->pattern_row = b->mode & BLT_PATTERN ? b->src & 7 : 0;
	b->row_bytes = system_row_bytes(b);
	if (b->mode & BLT_FROM_SYSTEM) {
		b->busy = BLT_WAITS_DATA;
	} else if (b->mode & BLT_TO_SYSTEM) {
		b->busy = BLT_GIVES_DATA;
	} else if (b->mode & BLT_PATTERN) {
		fetch(pattern, vram, size, b->src & ~7u, pattern_bytes(b));
		run_pattern(b, pattern, vram, size);
	} else if (b->mode & BLT_EXPAND) {
		run_expand(b, vram, size);
	} else {
		run_copy(b, vram, size);
	}
}

void
cirrus_blt_put(struct cirrus_blt *b, uint8_t *vram, uint32_t size, uint8_t val)
{
	struct line l;

	if (b->busy != BLT_WAITS_DATA)
		return;
	b->buf[b->row_pos++] = val;
	if (b->row_pos < b->row_bytes)
		return;
	b->row_pos = 0;
	if (b->mode & BLT_PATTERN) {
		run_pattern(b, b->buf, vram, size);
	} else {
		if (b->mode & BLT_EXPAND) {
			expand_line(b, &l, b->buf, ~0u);
		} else {
			memcpy(l.src, b->buf, b->width);
			memset(l.mask, 0xff, b->width);
		}
		store_line(b, &l, vram, size, b->dst);
		b->dst += b->dst_pitch;
		b->height--;
	}
	if (!b->height)
		b->busy = BLT_IDLE;
}

uint8_t
cirrus_blt_get(struct cirrus_blt *b, const uint8_t *vram, uint32_t size)
{
	uint8_t val = 0;

	if (b->busy != BLT_GIVES_DATA)
		return 0xff;
	if (b->row_pos < b->width)
		val = vram[(b->src + b->row_pos) & (size - 1)];
	if (++b->row_pos < b->row_bytes)
		return val;
	b->row_pos = 0;
	b->src += b->src_pitch;
	if (!--b->height)
		b->busy = BLT_IDLE;
	return val;
}

void
cirrus_blt_check(struct cirrus_blt *b)
{
	bool ok = b->width && b->width <= CIRRUS_BLT_MAX_WIDTH && b->height && b->height <= 2048;

	if (b->busy > BLT_GIVES_DATA || !ok)
		b->busy = BLT_IDLE;
	if (b->busy == BLT_IDLE)
		return;
	b->row_bytes = system_row_bytes(b);
	if (b->row_pos >= b->row_bytes)
		b->row_pos = 0;
	b->pattern_row &= 7;
}
