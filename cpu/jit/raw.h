/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of an instruction's encoding, which struct insn does not keep. */
#ifndef LODGE_CPU_JIT_RAW_H
#define LODGE_CPU_JIT_RAW_H

#include "cpu/x86/insn.h"

enum { RAW_1, RAW_0F, RAW_0F38, RAW_0F3A }; /* opcode maps */

struct raw {
	bool pfx66, f2, f3, lock, vex;
	bool w, l;        /* REX.W or VEX.W; VEX.L */
	bool rex;         /* some REX prefix */
	uint8_t map, opc; /* RAW_* */
	bool has_modrm;
	uint8_t mod, reg, rm; /* reg, rm (of a register): with REX's or VEX's bit */
	uint8_t vvvv, pp;
	uint8_t imm_len;
	const uint8_t *imm;
};

/* bytes: in->len of them, of which `in` was decoded. */
void raw_parse(struct raw *r, const struct insn *in, enum cpu_bits bits, const uint8_t *bytes);

#endif
