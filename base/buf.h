/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bounded byte buffer: made with its maximum size; growth past it, or running
 * out of memory, sets `failed` and drops the data, so that a writer checks once
 * at the end.  Reading past the end sets `failed` and gives zeros.
 */
#ifndef LODGE_BASE_BUF_H
#define LODGE_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* owned */
	size_t len;    /* bytes written */
	size_t pos;    /* bytes read */
	size_t cap, max;
	bool failed;
};

void buf_init(struct buf *b, size_t max_bytes);
void buf_fini(struct buf *b); /* accepts a zeroed struct */
void buf_clear(struct buf *b);

void buf_put(struct buf *b, const void *p, size_t len);
void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16(struct buf *b, uint16_t v); /* little-endian */
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_str(struct buf *b, const char *s); /* u16 length + bytes */
__attribute__((format(printf, 2, 3))) void buf_printf(struct buf *b, const char *fmt, ...);
/* len writable bytes at the end, or NULL (failed) */
uint8_t *buf_reserve(struct buf *b, size_t len);

/* A reader over memory of the caller's: buf_fini() must not be called on it. */
void buf_reader(struct buf *b, const void *p, size_t len);
bool buf_get(struct buf *b, void *p, size_t len);
uint8_t buf_get_u8(struct buf *b);
uint16_t buf_get_u16(struct buf *b);
uint32_t buf_get_u32(struct buf *b);
uint64_t buf_get_u64(struct buf *b);
/* Copies a string of at most size-1 bytes; longer sets failed. */
void buf_get_str(struct buf *b, char *dst, size_t size);
const uint8_t *buf_get_ptr(struct buf *b, size_t len); /* NULL when short */

#endif
