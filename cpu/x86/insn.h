/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One decoded instruction: plain data, no pointers, so that it can be cached,
 * compared, printed and fuzzed.  The interpreter, the disassembler and the
 * translator all work from it.
 */
#ifndef LODGE_CPU_INSN_H
#define LODGE_CPU_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "insn_ops.h" /* generated from insn.tab: enum op { OP_ADD, … OP_COUNT } */

enum {
	REG_AX,
	REG_CX,
	REG_DX,
	REG_BX,
	REG_SP,
	REG_BP,
	REG_SI,
	REG_DI,        /* R8..R15 = 8..15 */
	REG_ZERO = 16, /* always reads 0: "no base", "no index" */
	REG_RIP = 17,  /* as a base: address of the next instruction */
	NGPR = 18
};
/* 8-bit operands AH, CH, DH, BH are numbers 16+0..16+3 (see reg8 in sem.h). */
enum { REG8_HIGH = 16 };

enum { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS, SEG_LDTR, SEG_TR, NSEG };

enum insn_operand_kind {
	OPD_NONE,
	OPD_REG, /* general register */
	OPD_MEM,
	OPD_IMM,
	OPD_SREG,
	OPD_CR,
	OPD_DR,
	OPD_ST, /* x87 stack register ST(n) */
	OPD_MM,
	OPD_XMM,  /* XMM or YMM by .vl */
	OPD_REL,  /* imm = displacement from the next instruction */
	OPD_FAR,  /* imm = offset | selector << 32 */
	OPD_MOFFS /* address in disp */
};

/* Which shape the first two operands have: picks the handler variant. */
enum insn_form { FORM_RR, FORM_RM, FORM_MR, FORM_RI, FORM_MI, NFORMS };
/* Unary: register → RR, memory → MR. No operands or others: RR. A memory operand that is
 * not the first → RM; destination memory with immediate → MI. For SIMD and x87 the same
 * with "register" meaning any register class. */

enum insn_prefix {
	PFX_LOCK = 1,
	PFX_REP = 2 /* F3 */,
	PFX_REPNE = 4 /* F2 */,
	PFX_REX = 8,
	PFX_SEG = 16 /* a segment override was given */,
	PFX_VEX = 32,
	PFX_OPSIZE = 64 /* 66 */,
	PFX_ADSIZE = 128 /* 67 */
};

enum insn_flags {            /* from the table, plus what decoding found */
	INSN_ENDS_BLOCK = 1, /* branches, mode changes, anything after which the next
	                        instruction must be fetched anew */
	INSN_MEM = 2,        /* has an explicit memory operand */
	INSN_LOCK_OK = 4,
	INSN_BRANCH = 8, /* may change RIP itself */
	INSN_FPU = 16,
	INSN_MMX = 32,
	INSN_SSE = 64,
	INSN_AVX = 128, /* CR0/CR4/XCR0 checks: sem_fp.h */
	INSN_SLOW = 256 /* rare: the translator always calls the handler */
};

struct insn {
	uint64_t imm;   /* Ib, Iw zero-, others sign-extended to 64 bits; ENTER: size | level << 16;
	                   x87: D8..DF */
	int64_t disp;   /* sign-extended; MOFFS: the address */
	uint16_t op;    /* enum op */
	uint16_t flags; /* INSN_* */
	uint8_t len;    /* bytes, 1..15 */
	uint8_t osize;  /* operand size: 0 = 8 bit, 1 = 16, 2 = 32, 3 = 64 */
	uint8_t asize;  /* address size: 1, 2, 3 as above */
	uint8_t form;   /* enum insn_form */
	uint8_t seg;    /* of the memory operand: override or default (SS for BP/SP bases) */
	uint8_t base, index, scale; /* REG_ZERO when absent; scale = shift 0..3 */
	uint8_t kind[4];            /* enum insn_operand_kind, destination first */
	uint8_t reg[4];             /* register number of operand k (also VEX.vvvv, is4) */
	uint8_t prefix;             /* PFX_* */
	uint8_t vl;                 /* VEX: 0 = 128 bit, 1 = 256; else 0 */
	uint8_t off;   /* set by the block builder: offset of the first byte in its block */
	uint8_t modrm; /* the byte itself, 0 when none */
};

/* What decoding depends on besides the bytes. */
enum cpu_bits { BITS16, BITS32, BITS64 };
struct decode_mode {
	uint8_t bits; /* enum cpu_bits: CS.L / CS.D */
};

enum decode_status {
	DECODE_OK,
	DECODE_NEED_BYTES /* ran out of `avail` */,
	DECODE_UD,
	DECODE_TOO_LONG /* #GP */
};

/* Pure: never touches guest memory. On DECODE_UD ret_insn->len is the length seen so
 * far. CPUID features are not looked at (the binder does, with insn_feature()). */
enum decode_status insn_decode(
    struct insn *ret_insn, const struct decode_mode *m, const uint8_t *bytes, size_t avail);

struct op_info {
	const char *name;
	uint8_t feature; /* enum cpu_feature in cpu/model.h; 0 = always there */
	uint8_t modes;   /* bit 0: real+v86, 1: protected, 2: long 64-bit; others #UD */
	uint16_t flags;  /* INSN_* */
	uint8_t flags_read, flags_written, flags_undefined; /* O S Z A P C D I as bits: FLG_* */
};
enum {
	FLG_C = 1,
	FLG_P = 2,
	FLG_A = 4,
	FLG_Z = 8,
	FLG_S = 16,
	FLG_O = 32,
	FLG_D = 64,
	FLG_I = 128
};
extern const struct op_info op_info[OP_COUNT];

/* Intel syntax without addresses resolved; rip: of this instruction, for branch targets. */
void insn_disasm(const struct insn *in, uint64_t rip, char *dst, size_t size);

#endif
