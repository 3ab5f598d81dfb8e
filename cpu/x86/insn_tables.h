/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tools/gen_insn.py makes of the tables, for decode.c and disasm.c only.
 *
 * Opcode → slot → (by ModRM byte if it matters) a list of rows, of which the first whose
 * context mask has the bit of the present context is the instruction.
 */
#ifndef LODGE_CPU_INSN_TABLES_H
#define LODGE_CPU_INSN_TABLES_H

#include "cpu/x86/insn.h"

/* Where an operand comes from; the letters of insn.tab. */
enum opd_fetch {
	FETCH_NONE,
	FETCH_E,
	FETCH_G,
	FETCH_R,
	FETCH_M,
	FETCH_Z,
	FETCH_B,
	FETCH_S,
	FETCH_C,
	FETCH_D,
	FETCH_IMM_U,
	FETCH_IMM_S,
	FETCH_J,
	FETCH_A,
	FETCH_O,
	FETCH_IMPLIED /* X, Y */,
	FETCH_P,
	FETCH_Q,
	FETCH_N,
	FETCH_V,
	FETCH_W,
	FETCH_U,
	FETCH_H,
	FETCH_L,
	FETCH_K,
	FETCH_ST0,
	FETCH_STI,
	FETCH_REG /* .reg */,
	FETCH_SREG /* .reg */,
	FETCH_ONE
};

/* How wide it is; the second letters. */
enum opd_type {
	TYPE_NONE,
	TYPE_B,
	TYPE_W,
	TYPE_D,
	TYPE_Q,
	TYPE_V,
	TYPE_Z,
	TYPE_Y,
	TYPE_T,
	TYPE_DQ,
	TYPE_QQ,
	TYPE_X,
	TYPE_P,
	TYPE_A,
	TYPE_S
};

struct opd_spec {
	uint8_t fetch, type, reg;
};

/* Rule that gives insn.osize. */
enum osize_rule {
	OSZ_8,
	OSZ_16,
	OSZ_32,
	OSZ_64,    /* fixed: the value itself */
	OSZ_V,     /* by CS.D, 66, REX.W */
	OSZ_D64,   /* 64-bit mode: 64, with 66 16 */
	OSZ_F64,   /* 64-bit mode: 64 */
	OSZ_Z,     /* as V, at most 32 */
	OSZ_Y,     /* 32, with W in 64-bit mode 64 */
	OSZ_NATIVE /* 32, in 64-bit mode 64 */
};

enum {
	ROW_VVVV = 1,     /* VEX.vvvv is an operand (else it must be 1111) */
	ROW_REG_ONLY = 2, /* ModRM.mod is ignored: always a register */
	ROW_VSIB = 4,
	ROW_CLAIM_66 = 8,
	ROW_CLAIM_REP = 16 /* F2 or F3 selected the row */
};

/* Bits of a context number 0..63. */
enum { CTX_PP = 3 /* 0 none, 1 66, 2 F3, 3 F2 */, CTX_W = 4, CTX_L = 8, CTX_64 = 16, CTX_B = 32 };

struct insn_row {
	uint64_t ctx;
	uint16_t op, flags;
	uint8_t opd[4]; /* index to insn_opd_spec */
	uint8_t osz;    /* enum osize_rule */
	uint8_t bits;   /* ROW_* */
};

/* Row 0 matches everything and stands for "no such instruction" (op = OP_COUNT). */
extern const struct insn_row insn_rows[];
extern const unsigned insn_nrows;
extern const struct opd_spec insn_opd_spec[];
extern const uint16_t insn_lists[]; /* row numbers, each list ends with 0 */

enum { SLOT_PLAIN, SLOT_MODRM, SLOT_GROUP };
struct insn_slot {
	uint16_t index; /* of insn_lists; GROUP: of insn_groups */
	uint8_t kind;
};
enum { MAP_1, MAP_0F, MAP_0F38, MAP_0F3A, MAP_VEX_0F, MAP_VEX_0F38, MAP_VEX_0F3A, NMAPS };
extern const struct insn_slot insn_slots[NMAPS][256];
/* By ModRM: 0..7 memory with /reg, 8..71 the bytes C0..FF; → insn_lists */
extern const uint16_t insn_groups[][72];

#endif
