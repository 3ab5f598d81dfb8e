/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of SSE and SSE2, in the 32-bit program too. */
#if defined(__i386__) && !defined(__SSE2__)
#pragma GCC target("sse2,fpmath=sse")
#endif
#include "bench/guest/bench.h"

#include <emmintrin.h>

/* --- scalar: a point's way under z = z * z + c, a division and a root --- */

static uint64_t
op_scalar(void)
{
	double sum = 0;

	for (int i = 0; i < 20; i++) {
		double cx = -0.7 + i * 0.01;
		double cy = 0.2;
		double x = 0;
		double y = 0;

		for (int k = 0; k < 30 && x * x + y * y < 4; k++) {
			double t = x * x - y * y + cx;

			y = 2 * x * y + cy;
			x = t;
		}
		sum += _mm_cvtsd_f64(_mm_sqrt_sd(_mm_set_sd(0), _mm_set_sd(x * x + 1))) / (2 + y);
	}
	return (uint64_t)(int64_t)(sum * 1e9);
}

/* --- packed float: a 4 x 4 matrix times vectors --- */

#define VECTORS 128

static float vectors[VECTORS][4] __attribute__((aligned(16)));
static int32_t pixels[VECTORS][4] __attribute__((aligned(16)));

static void
prepare_vectors(void)
{
	uint32_t seed = 1812433253;

	for (int i = 0; i < VECTORS; i++)
		for (int k = 0; k < 4; k++) {
			vectors[i][k] = (float)(next_random(&seed) >> 20) / 256;
			pixels[i][k] = (int32_t)next_random(&seed);
		}
}

static uint64_t
op_packed_float(void)
{
	static const float matrix[4][4] __attribute__((aligned(16))) = { { 0.5f, 0.25f, 1, 0 },
		{ -0.5f, 0.125f, 0.5f, 1 }, { 0.25f, 1, -1, 0.5f }, { 0.0625f, 0, 2, 1 } };
	__m128 least = _mm_set1_ps(1e9f);
	__m128 sum = _mm_setzero_ps();
	float out[4] __attribute__((aligned(16)));

	for (int i = 0; i < VECTORS; i++) {
		__m128 v = _mm_load_ps(vectors[i]);
		__m128 r = _mm_mul_ps(_mm_load_ps(matrix[0]), _mm_shuffle_ps(v, v, 0x00));

		r = _mm_add_ps(r, _mm_mul_ps(_mm_load_ps(matrix[1]), _mm_shuffle_ps(v, v, 0x55)));
		r = _mm_add_ps(r, _mm_mul_ps(_mm_load_ps(matrix[2]), _mm_shuffle_ps(v, v, 0xaa)));
		r = _mm_add_ps(r, _mm_mul_ps(_mm_load_ps(matrix[3]), _mm_shuffle_ps(v, v, 0xff)));
		least = _mm_min_ps(least, r);
		sum = _mm_add_ps(sum, r);
	}
	_mm_store_ps(out, _mm_add_ps(sum, least));
	return (uint64_t)(int64_t)(out[0] * 16 + out[1] * 32 + out[2] * 64 + out[3] * 128);
}

/* --- packed integer: bytes, words and double words as picture code has them --- */

static uint64_t
op_packed_int(void)
{
	__m128i sum = _mm_setzero_si128();
	__m128i most = _mm_setzero_si128();
	const __m128i zero = _mm_setzero_si128();
	uint64_t out[2] __attribute__((aligned(16)));

	for (int i = 0; i < VECTORS; i++) {
		__m128i v = _mm_load_si128((const __m128i *)pixels[i]);
		__m128i low = _mm_mullo_epi16(_mm_unpacklo_epi8(v, zero), _mm_set1_epi16(77));
		__m128i high = _mm_srli_epi16(_mm_unpackhi_epi8(v, zero), 2);
		__m128i mask = _mm_cmpgt_epi8(v, zero);

		most = _mm_max_epu8(most, _mm_packus_epi16(_mm_srli_epi16(low, 8), high));
		sum = _mm_add_epi32(sum, _mm_madd_epi16(low, _mm_set1_epi16(3)));
		sum = _mm_xor_si128(sum, _mm_and_si128(mask, _mm_slli_epi32(v, 3)));
		sum = _mm_add_epi64(sum, _mm_sad_epu8(v, most));
	}
	_mm_store_si128((__m128i *)out, _mm_xor_si128(sum, _mm_shuffle_epi32(most, 0x1b)));
	return fold(out[0], out[1]);
}

const struct row rows_sse[] = {
	{ "sse-scalar", "float", op_scalar, 20, 0x26457b8d0 },
	{ "sse-float", "float", op_packed_float, VECTORS, 0x84a8d, prepare_vectors },
	{ "sse-int", "float", op_packed_int, VECTORS, 0xe16bebab2ec59d2f, prepare_vectors },
	{ NULL },
};
