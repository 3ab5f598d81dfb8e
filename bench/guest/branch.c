/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of calls, returns and branches. */
#include "bench/guest/bench.h"

#include <string.h>

/* --- sort: quicksort, small pieces by insertion --- */

#define ITEMS 2000

static uint32_t unsorted[ITEMS], items[ITEMS];

static void
prepare_sort(void)
{
	uint32_t seed = 362436069;

	for (size_t i = 0; i < ITEMS; i++)
		unsorted[i] = next_random(&seed);
}

static void
insertion(uint32_t *v, int n)
{
	for (int i = 1; i < n; i++) {
		uint32_t x = v[i];
		int j = i;

		for (; j > 0 && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

static void
quicksort(uint32_t *v, int n)
{
	while (n > 12) {
		uint32_t pivot = v[n / 2];
		int i = 0;
		int j = n - 1;

		while (i <= j) {
			while (v[i] < pivot)
				i++;
			while (v[j] > pivot)
				j--;
			if (i <= j) {
				uint32_t t = v[i];

				v[i++] = v[j];
				v[j--] = t;
			}
		}
		quicksort(v, j + 1);
		v += i;
		n -= i;
	}
	insertion(v, n);
}

static uint64_t
op_sort(void)
{
	uint64_t sum = 0;

	memcpy(items, unsorted, sizeof(items));
	quicksort(items, ITEMS);
	for (int i = 1; i < ITEMS; i++)
		if (items[i - 1] > items[i])
			return 0;
	for (int i = 0; i < ITEMS; i += 100)
		sum = fold(sum, items[i]);
	return sum;
}

/* --- fib: calls all the way down --- */

static NOINLINE uint32_t
fib(uint32_t n)
{
	uint32_t a;
	uint32_t b;

	if (n < 2)
		return n;
	a = fib(n - 1);
	b = fib(n - 2);
	HIDE(b); /* no loop in place of the second call */
	return a + b;
}

static uint64_t
op_fib(void)
{
	uint32_t n = 16;

	HIDE(n);
	return fib(n);
}

/* --- indirect: calls through a table, in an order with a long period --- */

#define TARGET(k)                                                                                  \
	static NOINLINE uint32_t target_##k(uint32_t x)                                            \
	{                                                                                          \
		return (x ^ (k * 0x9e3779b9u)) + (x >> (k + 1));                                   \
	}
TARGET(0)
TARGET(1)
TARGET(2)
TARGET(3)
TARGET(4)
TARGET(5)
TARGET(6)
TARGET(7)

static uint64_t
op_indirect(void)
{
	static uint32_t (*const table[8])(uint32_t) = { target_0, target_1, target_2, target_3,
		target_4, target_5, target_6, target_7 };
	uint32_t seed = 123456789;
	uint32_t x = 1;

	for (int i = 0; i < 1000; i++)
		x = table[next_random(&seed) >> 29](x);
	return x;
}

/* --- switch: a machine with a stack, whose program counts primes --- */

enum code {
	PUSH, /* the next byte */
	LOAD, /* a variable, named by the next byte */
	STORE,
	ADD,
	MUL,
	MOD,
	LESS,
	EQUAL,
	DUP,
	JUMP, /* to the next byte */
	JZERO,
	HALT,
};

/* clang-format off */
/* Adds up the squares of the primes below 60; the labels are offsets. */
static const uint8_t primes[] = {
	/* 0 */ PUSH, 2, STORE, 0, PUSH, 0, STORE, 2, /* a = 2, c = 0 */
	/* 8 */ LOAD, 0, PUSH, 60, LESS, JZERO, 70, PUSH, 2, STORE, 1, /* a < 60, b = 2 */
	/* 19 */ LOAD, 1, DUP, MUL, LOAD, 0, PUSH, 1, ADD, LESS, JZERO, 52, /* b * b <= a */
	/* 31 */ LOAD, 0, LOAD, 1, MOD, PUSH, 0, EQUAL, JZERO, 43, JUMP, 61, /* a % b == 0 */
	/* 43 */ LOAD, 1, PUSH, 1, ADD, STORE, 1, JUMP, 19, /* b++ */
	/* 52 */ LOAD, 0, DUP, MUL, LOAD, 2, ADD, STORE, 2, /* c += a * a */
	/* 61 */ LOAD, 0, PUSH, 1, ADD, STORE, 0, JUMP, 8, /* a++ */
	/* 70 */ HALT,
};
/* clang-format on */

static uint64_t
interpret(const uint8_t *code)
{
	uint32_t stack[16] = { 0 };
	uint32_t var[4] = { 0 };
	uint32_t *sp = stack;
	uint64_t steps = 0;

	for (const uint8_t *pc = code;; steps++) {
		switch ((enum code) * pc++) {
		case PUSH: *++sp = *pc++; break;
		case LOAD: *++sp = var[*pc++ & 3]; break;
		case STORE: var[*pc++ & 3] = *sp--; break;
		case ADD: sp--, sp[0] += sp[1]; break;
		case MUL: sp--, sp[0] *= sp[1]; break;
		case MOD: sp--, sp[0] %= sp[1]; break;
		case LESS: sp--, sp[0] = sp[0] < sp[1]; break;
		case EQUAL: sp--, sp[0] = sp[0] == sp[1]; break;
		case DUP: sp++, sp[0] = sp[-1]; break;
		case JUMP: pc = code + *pc; break;
		case JZERO: pc = *sp-- ? pc + 1 : code + *pc; break;
		case HALT: return steps << 32 | var[2];
		}
	}
}

static uint64_t
op_switch(void)
{
	return interpret(primes);
}

const struct row rows_branch[] = {
	{ "sort", "branch", op_sort, ITEMS, 0x8a4fcc0ca018bb8e, prepare_sort },
	{ "switch", "branch", op_switch, 2981, 0xba500004174 },
	{ "fib", "call", op_fib, 3193, 987 },
	{ "indirect", "call", op_indirect, 1000, 0x42756a51 },
	{ NULL },
};
