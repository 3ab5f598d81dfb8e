/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every AVX, AVX2, FMA and F16C encoding of the tables against the host's own units. */
#include "fpdiff.h"
#include "tests/unit/test.h"

struct vex {
	unsigned map, pp, w, l, opcode;
};

/* mem: 0 register, 1 [RSI], 2 [RSI + vector index * 1] */
static bool
run_vex(
    struct fpdiff *d, const struct vex *v, unsigned reg, unsigned rm, unsigned vvvv, unsigned mem)
{
	uint8_t code[16], n = 0, high = (uint8_t)(fpdiff_rand(d) >> 60);

	if (d->bits == BITS32) { /* R and X make it VEX */
		high = 3;
		rm &= 7;
	}
	code[n++] = 0xc4;
	code[n++] = (uint8_t)((high & 1 ? 0x80 : 0) | 0x40 | (mem || high & 2 ? 0x20 : 0) | v->map);
	code[n++] = (uint8_t)(v->w << 7 | (~vvvv & 15) << 3 | v->l << 2 | v->pp);
	code[n++] = (uint8_t)v->opcode;
	code[n++] = (uint8_t)(reg << 3 | (mem == 0 ? 0xc0 | rm : mem == 1 ? 6 : 4));
	if (mem == 2)
		code[n++] = (uint8_t)(rm << 3 | 6);
	code[n++] = (uint8_t)fpdiff_rand(d);
	return fpdiff_run(d, code, n, INSN_AVX);
}
/* vvvv = 0 (1111 in the code) for those that do not use it, any otherwise */
static unsigned
run_opcode(struct fpdiff *d, const struct vex *v)
{
	unsigned bad = 0;

	for (unsigned reg = 0; reg < 8; reg++) {
		for (unsigned i = 0; i < 4; i++) {
			unsigned rm = fpdiff_rand(d) >> 61, vvvv = i & 1 ? fpdiff_rand(d) >> 60 : 0;

			bad += !run_vex(d, v, reg, rm, vvvv, i >> 1);
		}
		if (v->map == 2 && v->opcode >= 0x90 && v->opcode <= 0x93) /* gathers */
			bad += !run_vex(d, v, reg, fpdiff_rand(d) >> 61, fpdiff_rand(d) >> 60, 2);
	}
	return bad;
}

static void
all(enum cpu_bits bits, unsigned trials, bool edge)
{
	struct fpdiff d = { .seed = 0xa7c, .trials = trials, .bits = bits, .edge = edge };
	static const char *const except[] = { NULL };
	const char *why;
	unsigned bad = 0;

	if (!fpdiff_setup(bits, &why))
		SKIP(why);
	for (unsigned i = 0; i < 3 * 256 * 16 && bad <= 30; i++) {
		struct vex v = { .map = i / 4096 + 1,
			.opcode = i & 255,
			.pp = i >> 8 & 3,
			.w = i >> 10 & 1,
			.l = i >> 11 & 1 };

		bad += run_opcode(&d, &v);
	}
	printf("# %u encodings, %u instructions, %u faults\n", d.ops, d.ran, d.faults);
	CHECK_EQ(bad, 0);
	CHECK_EQ(fpdiff_unseen(INSN_AVX, except), 0);
}

TEST(avx_equals_host)
{
	all(BITS64, 6, false);
}
TEST(avx_equals_host_in_32_bit_code)
{
	all(BITS32, 1, false);
}

TEST(avx_faults_at_page_ends_like_host)
{
	all(BITS64, 1, true);
}

TEST_MAIN()
