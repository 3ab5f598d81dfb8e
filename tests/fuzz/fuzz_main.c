/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main of a fuzz target without libFuzzer: replays the files named, or makes up
 * `--random N` inputs from `--seed S` (printed when one of them ends the program: run again
 * with --seed and N = 1 more than the last "at").
 */
#include "tests/fuzz/fuzz_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (1u << 16)
#define MADE_MAX  4096u

static int
replay(const char *path)
{
	static uint8_t data[INPUT_MAX];
	FILE *in = fopen(path, "rb");
	size_t n;

	if (!in) {
		perror(path);
		return 1;
	}
	n = fread(data, 1, sizeof(data), in);
	fclose(in);
	LLVMFuzzerTestOneInput(data, n);
	return 0;
}

/* Input k depends on seed and k only, so that one can be made again alone. */
static void
make_one(uint64_t seed, unsigned long k)
{
	static uint8_t data[MADE_MAX];
	uint64_t x = (seed + k * 0x9e3779b97f4a7c15ull) | 1;
	size_t len;

	for (int i = 0; i < 8; i++)
		x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9ull | 1;
	len = 32 + (size_t)(x >> 32) % (sizeof(data) - 32);
	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		data[i] = (uint8_t)(x >> 24);
	}
	LLVMFuzzerTestOneInput(data, len);
}

int
main(int argc, char **argv)
{
	unsigned long n = 0, first = 0;
	uint64_t seed = 1;
	int r = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--random") && i + 1 < argc)
			n = strtoul(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--first") && i + 1 < argc)
			first = strtoul(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else
			r |= replay(argv[i]);
	}
	for (unsigned long k = first; k < first + n; k++) {
		if (getenv("FUZZ_VERBOSE"))
			fprintf(stderr, "seed %llu at %lu\n", (unsigned long long)seed, k);
		make_one(seed, k);
	}
	return r;
}
