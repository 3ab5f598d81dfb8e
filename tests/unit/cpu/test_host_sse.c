/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every MMX and SSE encoding of the tables against the host's own units. */
#include "fpdiff.h"
#include "tests/unit/test.h"

static const uint8_t prefixes[4] = { 0, 0x66, 0xf3, 0xf2 };

/* One opcode with one prefix and REX byte: all of ModRM.reg, memory and register. */
static unsigned
run_opcode(struct fpdiff *d, uint8_t prefix, uint8_t rex, unsigned map, unsigned opcode)
{
	unsigned bad = 0;

	for (unsigned reg = 0; reg < 8; reg++) {
		for (unsigned mem = 0; mem < 2; mem++) {
			uint8_t code[16], n = 0;

			if (prefix)
				code[n++] = prefix;
			if (rex)
				code[n++] = rex;
			code[n++] = 0x0f;
			if (map)
				code[n++] = map == 1 ? 0x38 : 0x3a;
			code[n++] = (uint8_t)opcode;
			code[n++] = (uint8_t)(reg << 3 | (mem ? 6 : 0xc0 | (fpdiff_rand(d) & 7)));
			code[n++] = (uint8_t)fpdiff_rand(d);
			bad += !fpdiff_run(d, code, n, INSN_MMX | INSN_SSE);
		}
	}
	return bad;
}

static unsigned
run_prefixes(struct fpdiff *d, unsigned map, unsigned opcode)
{
	unsigned bad = 0;

	if (map == 0 && (opcode & 0xfd) == 0x38)
		return 0; /* the other maps */
	for (unsigned p = 0; p < 4; p++) {
		bad += run_opcode(d, prefixes[p], 0, map, opcode);
		if (d->bits == BITS64)
			bad += run_opcode(d, prefixes[p], 0x4d, map, opcode);
	}
	return bad;
}
static void
all(enum cpu_bits bits, unsigned trials, bool edge)
{
	struct fpdiff d = { .seed = 0x55e, .trials = trials, .bits = bits, .edge = edge };
	static const char *const except[] = { NULL };
	const char *why;
	unsigned bad = 0;

	if (!fpdiff_setup(bits, &why))
		SKIP(why);
	for (unsigned i = 0; i < 3 * 256 && bad <= 30; i++)
		bad += run_prefixes(&d, i / 256, i % 256);
	printf("# %u encodings, %u instructions, %u faults\n", d.ops, d.ran, d.faults);
	CHECK_EQ(bad, 0);
	CHECK_EQ(fpdiff_unseen(INSN_MMX | INSN_SSE, except), 0);
}

TEST(sse_equals_host)
{
	all(BITS64, 12, false);
}
TEST(sse_equals_host_in_32_bit_code)
{
	all(BITS32, 3, false);
}

TEST(sse_faults_at_page_ends_like_host)
{
	all(BITS64, 3, true);
}

TEST_MAIN()
