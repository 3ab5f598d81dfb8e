/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of integer arithmetic, and the two instructions that machines treat specially. */
#include "bench/guest/bench.h"

#include <string.h>

/* --- loop: the shortest loops that compilers make --- */

static uint64_t
op_loop(void)
{
	uint32_t n = 10000;
	uint32_t sum = 0;

	__asm__ volatile("1: addl %0, %1\n\tdecl %0\n\tjnz 1b" : "+r"(n), "+r"(sum) : : "cc");
	return sum;
}

/* --- mix: shifts, adds, logic, compares, conditional moves --- */

static uint64_t
op_mix(void)
{
	uint32_t a = 1;
	uint32_t b = 0x12345678;
	uint32_t c = 0;

	for (uint32_t i = 0; i < 2000; i++) {
		a += (b << 3) ^ (c >> 5);
		b = (b << 7 | b >> 25) - (a & 0xff00ff);
		c ^= a + i * 9;
		if ((c & 7) == 3)
			a ^= b >> 1;
		c = (int32_t)a < (int32_t)b ? c + (b | 1) : c - (a | 2);
		HIDE(c);
	}
	return fold(fold(fold(1, a), b), c);
}

/* --- sha256: FIPS 180-4, 6.2 --- */

/* clang-format off */
static const uint32_t sha_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
/* clang-format on */

static inline uint32_t
ror(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

#define ROUND(a, b, c, d, e, f, g, h, i)                                                           \
	do {                                                                                       \
		uint32_t t = (h) + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) +                         \
		             (((e) & (f)) ^ (~(e) & (g))) + sha_k[i] + w[i];                       \
		(d) += t;                                                                          \
		(h) = t + (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) +                                  \
		      (((a) & (b)) ^ ((a) & (c)) ^ ((b) & (c)));                                   \
	} while (0)

static void
sha_block(uint32_t state[8], const uint8_t *p)
{
	uint32_t w[64];
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[i * 4] << 24 | (uint32_t)p[i * 4 + 1] << 16 |
		       (uint32_t)p[i * 4 + 2] << 8 | p[i * 4 + 3];
	for (int i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
	for (int i = 0; i < 64; i += 8) {
		ROUND(a, b, c, d, e, f, g, h, i);
		ROUND(h, a, b, c, d, e, f, g, i + 1);
		ROUND(g, h, a, b, c, d, e, f, i + 2);
		ROUND(f, g, h, a, b, c, d, e, i + 3);
		ROUND(e, f, g, h, a, b, c, d, i + 4);
		ROUND(d, e, f, g, h, a, b, c, i + 5);
		ROUND(c, d, e, f, g, h, a, b, i + 6);
		ROUND(b, c, d, e, f, g, h, a, i + 7);
	}
	state[0] += a, state[1] += b, state[2] += c, state[3] += d;
	state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

/* The first 8 bytes of the hash of 1024 bytes 0, 1, 2, ... 255, 0, ... */
static uint64_t
op_sha256(void)
{
	uint32_t state[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
		0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	uint8_t block[64];

	for (int i = 0; i < 16; i++) {
		for (int j = 0; j < 64; j++)
			block[j] = (uint8_t)(i * 64 + j);
		sha_block(state, block);
	}
	memset(block, 0, sizeof(block));
	block[0] = 0x80;
	block[62] = 1024 * 8 >> 8;
	sha_block(state, block);
	return (uint64_t)state[0] << 32 | state[1];
}

/* --- muldiv --- */

static uint64_t
op_muldiv(void)
{
	uint32_t x = 12345;
	uint64_t y = 1;
	uint64_t sum = 0;

	for (uint32_t i = 1; i <= 300; i++) {
		uint32_t d = (i & 63) * 7 + 3;
		uint64_t wide;

		HIDE(d);
		x = x * 1664525u + 1013904223u;
		wide = (uint64_t)x * (x ^ i);
		y = y * 6364136223846793005u + wide;
		sum += x / d + x % d;
		sum += (uint64_t)((int32_t)x / (int32_t)d) + (y >> 8) / (d | 0x10000);
	}
	return fold(sum, y);
}

/* --- atomic: one processor alone, lines that nobody else wants --- */

static uint64_t
op_atomic(void)
{
	static uint32_t word, other;
	static uint64_t wide;
	uint32_t old;

	word = other = 0;
	wide = 0;
	for (uint32_t i = 0; i < 500; i++) {
		old = __atomic_fetch_add(&word, i, __ATOMIC_SEQ_CST);
		__atomic_compare_exchange_n(&word, &old, i, false, __ATOMIC_SEQ_CST,
		    __ATOMIC_SEQ_CST); /* fails unless i is 0 */
		__atomic_exchange_n(&other, old, __ATOMIC_SEQ_CST);
		__atomic_fetch_or(&wide, (uint64_t)old << 16, __ATOMIC_SEQ_CST);
	}
	return fold(fold(fold(1, word), other), wide);
}

/* --- rdtsc: 1 as long as it never goes back --- */

static uint64_t
op_rdtsc(void)
{
	uint64_t last = 0;
	uint64_t good = 1;

	for (int i = 0; i < 200; i++) {
		uint64_t t = __builtin_ia32_rdtsc();

		good &= t >= last;
		last = t;
	}
	return good;
}

const struct row rows_integer[] = {
	{ "loop", "integer", op_loop, 10000, 50005000 },
	{ "mix", "integer", op_mix, 2000, 0x986bef16c6613e71 },
	{ "sha256", "integer", op_sha256, 1024, 0x785b0751fc2c53dc },
	{ "muldiv", "integer", op_muldiv, 300, 0xaf63f878d8e3e961 },
	{ "atomic", "special", op_atomic, 2000, 0x9862b5e9e93f6e71 },
	{ "rdtsc", "special", op_rdtsc, 200, 1 },
	{ NULL },
};
