/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every x87 encoding against the host's own x87. */
#include "fpdiff.h"
#include "tests/unit/test.h"

/* Instructions whose memory image holds the pointers, which are not compared. */
static bool
is_environment(unsigned b, unsigned reg)
{
	return (b == 0xd9 && (reg == 4 || reg == 6)) || (b == 0xdd && (reg == 4 || reg == 6));
}

static void
all(enum cpu_bits bits, unsigned trials, bool edge)
{
	struct fpdiff d = { .seed = 0x87, .trials = trials, .bits = bits, .edge = edge };
	static const char *const except[] = { "fnstenv", "fldenv", "fnsave", "frstor", "fwait",
		"fxsave/fxsave/fxsave64", "fxrstor/fxrstor/fxrstor64", NULL };
	const char *why;
	unsigned bad = 0;

	if (!fpdiff_setup(bits, &why))
		SKIP(why);
	for (unsigned b = 0xd8; b <= 0xdf; b++) {
		for (unsigned modrm = 0; modrm < 256; modrm++) {
			uint8_t code[] = { (uint8_t)b, (uint8_t)modrm };

			if (modrm < 0xc0 &&
			    ((modrm & 0xc7) != 6 || is_environment(b, modrm >> 3 & 7)))
				continue;
			bad += !fpdiff_run(&d, code, sizeof(code), INSN_FPU);
		}
	}
	printf("# %u encodings, %u instructions, %u faults\n", d.ops, d.ran, d.faults);
	CHECK_EQ(bad, 0);
	CHECK_EQ(fpdiff_unseen(INSN_FPU, except), 0);
}

TEST(x87_equals_host)
{
	all(BITS64, 150, false);
}
TEST(x87_equals_host_in_32_bit_code)
{
	all(BITS32, 20, false);
}

TEST(x87_faults_at_page_ends_like_host)
{
	all(BITS64, 6, true);
}

TEST_MAIN()
