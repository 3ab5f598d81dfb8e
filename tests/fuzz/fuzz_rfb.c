/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as what a viewer sends after a good handshake (or from the first byte on,
 * when the input's first byte is odd), with updates in between.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined -DFUZZ_NO_MAIN …
 * Without: fuzz_rfb FILE… replays files; fuzz_rfb --random N [--seed S] makes up N inputs.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "base/mem.h"
#include "host/display/rfb_client.h"

#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (64u * 1024)
#define PIECE     61u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
on_key(void *ctx, unsigned scancode, bool down)
{
	BUG_ON(!scancode || scancode > 0xe1ff);
	*(int *)ctx += down ? 1 : -1;
}

static void
on_abs(void *ctx, unsigned x, unsigned y, unsigned buttons, int wheel)
{
	BUG_ON(x > 32767 || y > 32767 || buttons > 7 || wheel < -1 || wheel > 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	int down = 0;
	struct display d;
	struct input_sink input = { .ctx = &down, .key = on_key, .pointer_abs = on_abs };
	struct rfb_env env = { .display = &d, .input = &input, .name = "fuzz" };
	struct rfb_client *c = xalloc(sizeof(*c));
	bool alive = true, sent;

	display_init(&d);
	display_resize(&d, 150, 70);
	rfb_client_init(c, &env);
	if (len && !(data[0] & 1))
		alive = rfb_client_feed(c, (const uint8_t *)"RFB 003.008\n\1\1", 14);
	for (size_t at = len ? 1 : 0; alive && at < len; at += PIECE) {
		alive = rfb_client_feed(c, data + at, len - at < PIECE ? len - at : PIECE);
		d.pixels[at % (150 * 70)] ^= 0x10101;
		if (at % 7 == 3)
			display_resize(&d, 100 + data[at] % 100, 60 + data[at] % 20);
		c->out.pos = c->out.len = 0;
		alive = alive && rfb_client_update(c, &sent);
		c->out.pos = c->out.len = 0;
	}
	rfb_client_fini(c);
	BUG_ON(down != 0);
	mem_free(c);
	display_fini(&d);
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

static uint64_t
next(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x >> 16;
}

/* Messages that are right in type and length, with wild contents. */
static size_t
message(uint8_t *p, uint64_t *x)
{
	static const uint8_t shape[][2] = { { 0, 20 }, { 2, 4 }, { 3, 10 }, { 4, 8 }, { 5, 6 },
		{ 6, 8 }, { 251, 8 }, { 255, 12 } };
	static const int encodings[] = { 0, 16, -223, -239, -257, -258, -261, -308 };
	unsigned k = next(x) % ARRAY_SIZE(shape);
	size_t len = shape[k][1];

	for (size_t i = 0; i < len; i++)
		p[i] = next(x) % 3 ? 0 : (uint8_t)next(x);
	p[0] = shape[k][0];
	if (p[0] == 0 && next(x) % 4) {
		static const uint8_t good[16] = { 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0 };

		memcpy(p + 4, good, sizeof(good));
	} else if (p[0] == 2) {
		p[2] = 0;
		p[3] &= 15;
		for (unsigned i = 0; i < p[3]; i++, len += 4)
			put_be32(p + len, (uint32_t)encodings[next(x) % ARRAY_SIZE(encodings)]);
	} else if (p[0] == 6) {
		put_be32(p + 4, next(x) % 64);
	} else if (p[0] == 255) {
		p[1] = 0;
	}
	return len;
}

static void
make_up(unsigned long inputs, uint64_t seed)
{
	uint8_t data[2048];
	uint64_t x = seed * 0x9e3779b97f4a7c15ull | 1;

	for (unsigned long n = 0; n < inputs; n++) {
		size_t len = 1;

		data[0] = (uint8_t)next(&x) & (n % 8 ? 0xfe : 0xff);
		while (len < sizeof(data) - 128 && next(&x) % 40)
			len += message(data + len, &x);
		LLVMFuzzerTestOneInput(data, len);
	}
}

int
main(int argc, char **argv)
{
	unsigned long inputs = 0;
	uint64_t seed = 1;
	int r = 0;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--random") && i + 1 < argc)
			inputs = strtoul(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else
			r |= replay(argv[i]);
	}
	make_up(inputs, seed);
	return r;
}
#endif
