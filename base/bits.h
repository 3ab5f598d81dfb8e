/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small pure helpers: bit fields, sizes, little-endian loads and stores. */
#ifndef LODGE_BASE_BITS_H
#define LODGE_BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define KIB           (1024ull)
#define MIB           (1024ull * 1024)
#define GIB           (1024ull * 1024 * 1024)

/* All ones in the low `n` bits, n = 0..64. */
static inline uint64_t
bits_mask(unsigned n)
{
	return n >= 64 ? ~0ull : (1ull << n) - 1;
}

/* Bits hi..lo of v, moved down to bit 0. */
static inline uint64_t
bits_get(uint64_t v, unsigned hi, unsigned lo)
{
	return (v >> lo) & bits_mask(hi - lo + 1);
}

static inline bool
is_pow2(uint64_t v)
{
	return v && !(v & (v - 1));
}

/* a must be a power of two. In the wider of the two types: the complement of a 32-bit mask
 * would cut a 64-bit value. */
#define ALIGN_UP(v, a)   (((v) + (a)-1) & ~((__typeof__((v) + (a)))(a)-1))
#define ALIGN_DOWN(v, a) ((v) & ~((__typeof__((v) + (a)))(a)-1))

/* Sign-extends the low `bytes` (1, 2, 4, 8) bytes of v. */
static inline int64_t
sign_extend(uint64_t v, unsigned bytes)
{
	unsigned sh = 64 - bytes * 8;

	return (int64_t)(v << sh) >> sh;
}

/* Little-endian, any alignment. */
#define BITS_LE(w)                                                                                 \
	static inline uint##w##_t get_le##w(const void *p)                                         \
	{                                                                                          \
		uint##w##_t v;                                                                     \
		memcpy(&v, p, sizeof(v));                                                          \
		return v;                                                                          \
	}                                                                                          \
	static inline void put_le##w(void *p, uint##w##_t v)                                       \
	{                                                                                          \
		memcpy(p, &v, sizeof(v));                                                          \
	}                                                                                          \
	static inline uint##w##_t get_be##w(const void *p)                                         \
	{                                                                                          \
		return __builtin_bswap##w(get_le##w(p));                                           \
	}                                                                                          \
	static inline void put_be##w(void *p, uint##w##_t v)                                       \
	{                                                                                          \
		put_le##w(p, __builtin_bswap##w(v));                                               \
	}
BITS_LE(16)
BITS_LE(32)
BITS_LE(64)
#undef BITS_LE

/* Little-endian, size 1, 2, 4 or 8. */
static inline uint64_t
get_le(const void *p, unsigned size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
}

static inline void
put_le(void *p, unsigned size, uint64_t v)
{
	memcpy(p, &v, size);
}

#endif
