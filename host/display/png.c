/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PNG writer: one IDAT chunk of zlib data, each line with the Up filter, which
 * suits screens (most lines equal the one above).
 */
#include "host/display/png.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <unistd.h>
#include <zlib.h>

#define PNG_MAX        (64u * 1024 * 1024)
#define COLOR_TYPE_RGB 2
#define FILTER_UP      2

static void
put_be(struct buf *b, uint32_t v)
{
	uint8_t p[4];

	put_be32(p, v);
	buf_put(b, p, sizeof(p));
}

/* The checksum covers the type and the data. */
static void
put_chunk(struct buf *b, const char *type, const uint8_t *data, size_t len)
{
	uint32_t crc = (uint32_t)crc32(0, (const uint8_t *)type, 4);

	put_be(b, (uint32_t)len);
	buf_put(b, type, 4);
	if (len) {
		buf_put(b, data, len);
		crc = (uint32_t)crc32(crc, data, (uInt)len);
	}
	put_be(b, crc);
}

static void
put_header(struct buf *b, unsigned width, unsigned height)
{
	static const uint8_t signature[8] = { 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };
	uint8_t ihdr[13] = { [8] = 8, [9] = COLOR_TYPE_RGB };

	put_be32(ihdr, width);
	put_be32(ihdr + 4, height);
	buf_put(b, signature, sizeof(signature));
	put_chunk(b, "IHDR", ihdr, sizeof(ihdr));
}

static void
filter_line(uint8_t *out, const uint32_t *line, const uint32_t *above, unsigned width)
{
	*out++ = FILTER_UP;
	for (unsigned x = 0; x < width; x++) {
		uint32_t up = above ? above[x] : 0;

		*out++ = (uint8_t)((line[x] >> 16) - (up >> 16));
		*out++ = (uint8_t)((line[x] >> 8) - (up >> 8));
		*out++ = (uint8_t)(line[x] - up);
	}
}

/* The compressed picture; NULL when memory is out. */
static uint8_t *
compress_lines(const uint32_t *pixels, unsigned width, unsigned height, size_t *ret_len)
{
	size_t line_bytes = 1 + (size_t)width * 3, raw_len = line_bytes * height;
	uLongf len = compressBound((uLong)raw_len);
	uint8_t *raw = try_alloc(raw_len, 1), *out = try_alloc(len, 1);

	for (unsigned y = 0; raw && out && y < height; y++) {
		const uint32_t *line = pixels + (size_t)y * width;

		filter_line(raw + y * line_bytes, line, y ? line - width : NULL, width);
	}
	if (!raw || !out || compress2(out, &len, raw, (uLong)raw_len, 6) != Z_OK) {
		mem_free(raw);
		mem_free(out);
		return NULL;
	}
	mem_free(raw);
	*ret_len = len;
	return out;
}

int
png_write(const struct display *d, struct buf *b, struct err *e)
{
	static const uint32_t black;
	bool empty = !d->pixels || !d->width || !d->height;
	unsigned width = empty ? 1 : d->width, height = empty ? 1 : d->height;
	size_t len;
	uint8_t *z = compress_lines(empty ? &black : d->pixels, width, height, &len);

	if (!z)
		return err_set(e, ENOMEM, "no memory for a picture of %ux%u", width, height);
	put_header(b, width, height);
	put_chunk(b, "IDAT", z, len);
	put_chunk(b, "IEND", NULL, 0);
	mem_free(z);
	if (b->failed)
		return err_set(e, ENOMEM, "no memory for a picture of %ux%u", width, height);
	return 0;
}

int
png_write_fd(const struct display *d, int fd, struct err *e)
{
	struct buf b;
	size_t done = 0;
	int r;

	buf_init(&b, PNG_MAX);
	r = png_write(d, &b, e);
	while (!r && done < b.len) {
		ssize_t n = write(fd, b.data + done, b.len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			r = err_set(e, n ? errno : EIO, "cannot write the picture: %m");
	}
	buf_fini(&b);
	return r;
}
