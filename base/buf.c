/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/buf.h"

#include "base/bits.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>

enum { BUF_FIRST_BYTES = 256 };

void
buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf){ .max = max_bytes };
}

void
buf_fini(struct buf *b)
{
	mem_free(b->data);
	*b = (struct buf){ 0 };
}

void
buf_clear(struct buf *b)
{
	b->len = b->pos = 0;
	b->failed = false;
}

/* Room for `extra` more bytes; false and failed when that is past the maximum. */
static bool
grow(struct buf *b, size_t extra)
{
	uint8_t *data;
	size_t cap;

	if (b->failed || b->len > b->max || extra > b->max - b->len) {
		b->failed = true;
		return false;
	}
	if (extra <= b->cap - b->len)
		return true;
	cap = b->cap > b->max / 2 ? b->max : b->cap * 2;
	if (cap < BUF_FIRST_BYTES)
		cap = b->max < BUF_FIRST_BYTES ? b->max : BUF_FIRST_BYTES;
	if (cap < b->len + extra)
		cap = b->len + extra;
	data = try_alloc(cap, 1);
	if (!data) {
		b->failed = true;
		return false;
	}
	if (b->len)
		memcpy(data, b->data, b->len);
	mem_free(b->data);
	b->data = data;
	b->cap = cap;
	return true;
}

uint8_t *
buf_reserve(struct buf *b, size_t len)
{
	uint8_t *p;

	/* One byte at least, so that a length of 0 gives a pointer too. */
	if (!grow(b, len) || (!b->data && !grow(b, 1)))
		return NULL;
	p = b->data + b->len;
	b->len += len;
	return p;
}

void
buf_put(struct buf *b, const void *p, size_t len)
{
	if (len && grow(b, len)) {
		memcpy(b->data + b->len, p, len);
		b->len += len;
	}
}

void
buf_put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
buf_put_u16(struct buf *b, uint16_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
buf_put_u32(struct buf *b, uint32_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
buf_put_u64(struct buf *b, uint64_t v)
{
	buf_put(b, &v, sizeof(v));
}

void
buf_put_str(struct buf *b, const char *s)
{
	size_t n = strlen(s);

	/* All or nothing: a length without its bytes would confuse a reader. */
	if (n > UINT16_MAX || !grow(b, n + 2)) {
		b->failed = true;
		return;
	}
	buf_put_u16(b, (uint16_t)n);
	buf_put(b, s, n);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || b->len >= b->max || !grow(b, (size_t)n)) {
		b->failed = true;
		return;
	}
	/* The terminator needs a byte that does not stay in the buffer. */
	if (b->cap - b->len <= (size_t)n) {
		char *tmp = try_alloc((size_t)n + 1, 1);

		if (!tmp) {
			b->failed = true;
			return;
		}
		va_start(ap, fmt);
		vsnprintf(tmp, (size_t)n + 1, fmt, ap);
		va_end(ap);
		buf_put(b, tmp, (size_t)n);
		mem_free(tmp);
		return;
	}
	va_start(ap, fmt);
	vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
buf_reader(struct buf *b, const void *p, size_t len)
{
	/* max stays 0: writing into a reader fails, so dropping const is safe. */
	*b = (struct buf){ .data = (uint8_t *)(uintptr_t)p, .len = len };
}

const uint8_t *
buf_get_ptr(struct buf *b, size_t len)
{
	const uint8_t *p;

	if (b->failed || len > b->len - b->pos) {
		b->failed = true;
		return NULL;
	}
	p = b->data + b->pos;
	b->pos += len;
	return p;
}

bool
buf_get(struct buf *b, void *p, size_t len)
{
	const uint8_t *src = buf_get_ptr(b, len);

	if (!src) {
		memset(p, 0, len);
		return false;
	}
	if (len)
		memcpy(p, src, len);
	return true;
}

uint8_t
buf_get_u8(struct buf *b)
{
	const uint8_t *p = buf_get_ptr(b, 1);

	return p ? *p : 0;
}

uint16_t
buf_get_u16(struct buf *b)
{
	const uint8_t *p = buf_get_ptr(b, 2);

	return p ? get_le16(p) : 0;
}

uint32_t
buf_get_u32(struct buf *b)
{
	const uint8_t *p = buf_get_ptr(b, 4);

	return p ? get_le32(p) : 0;
}

uint64_t
buf_get_u64(struct buf *b)
{
	const uint8_t *p = buf_get_ptr(b, 8);

	return p ? get_le64(p) : 0;
}

void
buf_get_str(struct buf *b, char *dst, size_t size)
{
	size_t n = buf_get_u16(b);
	const uint8_t *p = buf_get_ptr(b, n);

	dst[0] = '\0';
	/* A NUL inside would make two readers see two different strings. */
	if (!p || n >= size || (n && memchr(p, 0, n))) {
		b->failed = true;
		return;
	}
	if (n)
		memcpy(dst, p, n);
	dst[n] = '\0';
}
