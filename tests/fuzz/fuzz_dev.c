/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as a life of a device: the first chooses the type, the rest is a script
 * of accesses, inputs, time, and one save and load in the middle.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined -DFUZZ_NO_MAIN …
 * Without: fuzz_dev FILE… replays files; fuzz_dev --random N [--seed S] [--type T] makes up
 * N inputs.
 */
#include "tests/unit/dev/fake_env.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/buf.h"
#include "base/mem.h"
#include "dev/types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX (256u * 1024)
#define SAVE_MAX  (64u * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
save_and_load(struct fake_env *f)
{
	struct buf b, r;

	if (f->dev.type->busy && f->dev.type->busy(&f->dev))
		return;
	buf_init(&b, SAVE_MAX);
	dev_save(&f->dev, &b);
	buf_reader(&r, b.data, b.len);
	BUG_ON(dev_load(&f->dev, &r, NULL));
	buf_fini(&b);
}

static void
run_input(const struct dev_type *type, const uint8_t *data, size_t len)
{
	struct fake_env *f = xalloc(sizeof(*f));

	fake_init(f, type);
	fake_default_backends(f);
	if (!fake_start(f)) {
		fake_script(f, data, len / 2);
		save_and_load(f);
		fake_script(f, data + len / 2, len - len / 2);
		BUG_ON(f->storm);
	}
	fake_fini(f);
	mem_free(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 2 || len > INPUT_MAX)
		return 0;
	run_input(dev_types[data[0] % dev_ntypes], data + 1, len - 1);
	return 0;
}

#ifndef FUZZ_NO_MAIN
static int
replay(const char *path)
{
	uint8_t *data = xalloc(INPUT_MAX);
	FILE *in = fopen(path, "rb");
	size_t n;

	if (!in) {
		perror(path);
		mem_free(data);
		return 1;
	}
	n = fread(data, 1, INPUT_MAX, in);
	fclose(in);
	LLVMFuzzerTestOneInput(data, n);
	mem_free(data);
	return 0;
}

static void
make_up(unsigned long inputs, uint64_t seed, const struct dev_type *only)
{
	uint8_t data[2048];
	uint64_t x = seed * 0x9e3779b97f4a7c15ull | 1;

	for (unsigned long n = 0; n < inputs; n++) {
		size_t len = 16 + (x >> 32) % (sizeof(data) - 16);

		for (size_t i = 0; i < len; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			data[i] = (uint8_t)(x >> 24);
		}
		run_input(only ? only : dev_types[n % dev_ntypes], data, len);
	}
}

int
main(int argc, char **argv)
{
	const struct dev_type *only = NULL;
	unsigned long inputs = 0;
	uint64_t seed = 1;
	int r = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--random") && i + 1 < argc)
			inputs = strtoul(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--type") && i + 1 < argc)
			only = dev_type_find(argv[++i]);
		else
			r |= replay(argv[i]);
	}
	make_up(inputs, seed, only);
	return r;
}
#endif
