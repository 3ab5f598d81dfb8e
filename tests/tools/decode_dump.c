/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decodes lines "BITS HEX" of standard input and prints for each the status, the length and
 * the text: what tests/tools/decode_objdump.py compares with another disassembler.
 */
#include "base/bits.h"
#include "cpu/x86/insn.h"

#include <stdio.h>

static size_t
parse_hex(const char *s, uint8_t *dst, size_t size)
{
	unsigned v;
	size_t n = 0;

	for (; n < size && sscanf(s, "%2x", &v) == 1; s += 2)
		dst[n++] = (uint8_t)v;
	return n;
}

int
main(void)
{
	static const char *const status[] = { "ok", "short", "ud", "long" };
	unsigned bits;
	char hex[64];

	while (scanf("%u %63s", &bits, hex) == 2) {
		struct decode_mode m = { .bits = bits == 64   ? BITS64
			                         : bits == 32 ? BITS32
			                                      : BITS16 };
		uint8_t bytes[32];
		size_t n = parse_hex(hex, bytes, sizeof(bytes));
		struct insn in;
		enum decode_status st = insn_decode(&in, &m, bytes, n);
		char text[160] = "";

		if (st == DECODE_OK)
			insn_disasm(&in, 0, text, sizeof(text));
		printf("%s %u %s\n", status[st], in.len, text);
	}
	return 0;
}
