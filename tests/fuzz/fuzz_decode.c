/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as instructions: the decoder stays inside them, gives sane fields, says the same
 * twice, and everything has text.
 */
#include "base/assert.h"
#include "base/bits.h"
#include "cpu/x86/insn.h"
#include "tests/fuzz/fuzz_main.h"

#include <string.h>

static void
check(const struct insn *in)
{
	char text[128];

	BUG_ON(in->op >= OP_COUNT || in->osize > 3 || in->form >= NFORMS || in->seg > SEG_GS);
	BUG_ON(in->asize < 1 || in->asize > 3 || in->len < 1 || in->len > 15 || in->scale > 3);
	BUG_ON(in->base >= NGPR || in->index >= NGPR);
	for (unsigned k = 0; k < 4; k++)
		BUG_ON(in->kind[k] > OPD_MOFFS || in->reg[k] > REG8_HIGH + 3);
	insn_disasm(in, 0, text, sizeof(text));
	BUG_ON(strlen(text) < 2 || strlen(text) > 100);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct decode_mode m;
	struct insn in, again;

	if (len == 0)
		return 0;
	m.bits = data[0] % 3;
	for (size_t at = 1; at < len;) {
		enum decode_status st = insn_decode(&in, &m, data + at, len - at);

		BUG_ON(insn_decode(&again, &m, data + at, len - at) != st);
		BUG_ON(memcmp(&in, &again, sizeof(in)));
		BUG_ON(in.len > len - at);
		if (st == DECODE_OK)
			check(&in);
		at += st == DECODE_OK ? in.len : 1;
	}
	return 0;
}
