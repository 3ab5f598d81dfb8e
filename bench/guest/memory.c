/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of loads and stores. */
#include "bench/guest/bench.h"

#include <string.h>

/* --- chase: a walk in which each load waits for the one before --- */

#define LINE  64
#define STEPS 4000

struct node {
	const struct node *next;
	uint32_t place; /* in the order of the walk */
	uint8_t pad[LINE - sizeof(void *) - 4];
};

static const struct node *walk_at;
static uint32_t walk_length;

/* One cycle through all lines in an order that no prefetcher knows. */
static void
prepare_walk(size_t bytes)
{
	uint32_t n = (uint32_t)(bytes / LINE);
	struct node *node = map_pages(bytes, false);
	uint32_t *order = map_pages(n * sizeof(*order), false);
	uint32_t seed = 2463534242u;

	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n - 1; i > 0; i--) {
		uint32_t j = next_random(&seed) % (i + 1);
		uint32_t t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
	for (uint32_t i = 0; i < n; i++) {
		node[order[i]].place = i;
		node[order[i]].next = &node[order[(i + 1) % n]];
	}
	walk_at = node;
	walk_length = n;
}

static void
prepare_chase_l1(void)
{
	prepare_walk((size_t)16 << 10);
}

static void
prepare_chase_l2(void)
{
	prepare_walk((size_t)256 << 10);
}

static void
prepare_chase_ram(void)
{
	prepare_walk((size_t)64 << 20);
}

/* The walk goes on where it was; 1 when it came where it should. */
static uint64_t
op_chase(void)
{
	const struct node *p = walk_at;
	uint32_t to = (p->place + STEPS) % walk_length;

	for (int i = 0; i < STEPS / 8; i++) {
		p = p->next->next->next->next;
		p = p->next->next->next->next;
		HIDE(p);
	}
	walk_at = p;
	return p->place == to;
}

/* --- copy: a loop of loads and stores as a plain program has it --- */

#define COPY_WORDS 4096

static uint32_t copy_from[COPY_WORDS], copy_to[COPY_WORDS];

static void
prepare_copy(void)
{
	uint32_t seed = 88172645;

	for (size_t i = 0; i < COPY_WORDS; i++)
		copy_from[i] = next_random(&seed);
}

static uint64_t
op_copy(void)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < COPY_WORDS; i++) {
		uint32_t x = copy_from[i];

		HIDE(x); /* no vectors, no memcpy */
		copy_to[i] = x;
		sum += x;
	}
	return sum + copy_to[COPY_WORDS - 1];
}

/* --- memcpy: the C library's, in sizes from 8 bytes to 8 KiB --- */

static uint64_t
op_memcpy(void)
{
	uint8_t *to = (uint8_t *)copy_to;
	const uint8_t *from = (const uint8_t *)copy_from;
	uint64_t sum = 0;

	for (size_t size = 8; size <= 8192; size *= 2) {
		for (size_t at = 0; at < 8; at++) {
			size_t n = size + at;

			HIDE(n);
			memcpy(to + at, from + 3 * at, n);
			sum = fold(sum, to[at + n - 1]);
		}
	}
	return sum;
}

/* --- repmovs --- */

static void
rep_movsb(void *to, const void *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static void
rep_movsl(void *to, const void *from, size_t n)
{
	__asm__ volatile("rep movsl" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

static uint64_t
op_repmovs(void)
{
	uint64_t sum = 0;

	for (size_t n = 16; n <= 2048; n *= 2) {
		rep_movsb(copy_to, (uint8_t *)copy_from + 1, n);
		rep_movsl(copy_to + n, copy_from + 1, n / 4);
		sum = fold(sum, copy_to[n / 4 - 1] ^ copy_to[n + n / 4 - 1]);
	}
	return sum;
}

/* --- hash: open addressing with linear probing --- */

#define SLOTS 8192
#define KEYS  2000

static uint32_t hash_keys[SLOTS], hash_values[SLOTS];

static uint32_t
slot_of(uint32_t key)
{
	uint32_t h = key * 2654435769u >> 19; /* Knuth, TAOCP 3, 6.4: 13 bits of the product */

	while (hash_keys[h] && hash_keys[h] != key)
		h = (h + 1) % SLOTS;
	return h;
}

static uint64_t
op_hash(void)
{
	uint32_t seed = 521288629;
	uint64_t sum = 0;

	memset(hash_keys, 0, sizeof(hash_keys));
	for (uint32_t i = 0; i < KEYS; i++) {
		uint32_t key = next_random(&seed) | 1;
		uint32_t h = slot_of(key);

		hash_keys[h] = key;
		hash_values[h] = i;
	}
	seed = 521288629;
	for (uint32_t i = 0; i < 2 * KEYS; i++) {
		uint32_t key = next_random(&seed) | 1;
		uint32_t h = slot_of(key);

		sum += hash_keys[h] == key ? hash_values[h] : 3;
	}
	return sum;
}

const struct row rows_memory[] = {
	{ "chase-l1", "memory", op_chase, STEPS, 1, prepare_chase_l1 },
	{ "chase-l2", "memory", op_chase, STEPS, 1, prepare_chase_l2 },
	{ "chase-ram", "memory", op_chase, STEPS, 1, prepare_chase_ram },
	{ "copy", "memory", op_copy, COPY_WORDS, 0x85a7f44e, prepare_copy },
	{ "memcpy", "memory", op_memcpy, 88, 0x63f3f538e7920974, prepare_copy },
	{ "repmovs", "memory", op_repmovs, 16, 0x7fd5e785eb130ecf, prepare_copy },
	{ "hash", "memory", op_hash, 3 * KEYS, 0x1e9808 },
	{ NULL },
};
