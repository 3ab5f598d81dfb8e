/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writing host instructions: SDM volume 2, chapter 2. */
#ifndef LODGE_CPU_JIT_EMIT_H
#define LODGE_CPU_JIT_EMIT_H

#include "base/bits.h"
#include "cpu/state.h"

enum host_reg {
	H_RAX,
	H_RCX,
	H_RDX,
	H_RBX,
	H_RSP,
	H_RBP,
	H_RSI,
	H_RDI,
	H_R8,
	H_R9,
	H_R10,
	H_R11,
	H_R12,
	H_R13,
	H_R14,
	H_R15,
	H_NONE
};
#define H_AH 4 /* AH..BH: 4..7 in an instruction without REX */

/* Condition codes as in Jcc */
enum host_cc {
	CC_O,
	CC_NO,
	CC_B,
	CC_AE,
	CC_E,
	CC_NE,
	CC_BE,
	CC_A,
	CC_S,
	CC_NS,
	CC_P,
	CC_NP,
	CC_L,
	CC_GE,
	CC_LE,
	CC_G
};

struct emit {
	uint8_t *rw;
	uint32_t at, end;
	bool full; /* ran over `end`: what was written is void */
};

struct hmem {
	uint8_t base, index, scale; /* host registers or H_NONE; scale: shift */
	int32_t disp;
	bool gs;
};

/* Attributes of an instruction */
enum { EI_W = 1, EI_66 = 2, EI_REX8 = 4 /* SPL.. and not AH.. */ };

void emit8(struct emit *e, unsigned v);
void emit16(struct emit *e, unsigned v);
void emit32(struct emit *e, uint32_t v);
void emit64(struct emit *e, uint64_t v);
void emit_bytes(struct emit *e, const void *p, unsigned n);
/* opc: 0xNN, 0x0FNN, 0x0F38NN, 0x0F3ANN */
void emit_rr(struct emit *e, unsigned attr, unsigned opc, unsigned reg, unsigned rm);
void emit_rm(struct emit *e, unsigned attr, unsigned opc, unsigned reg, const struct hmem *m);
/* ModRM, SIB, displacement alone */
void emit_modrm_mem(struct emit *e, unsigned reg, const struct hmem *m);
void emit_mov(struct emit *e, unsigned to, unsigned from);   /* 64 bit */
void emit_mov32(struct emit *e, unsigned to, unsigned from); /* clears the upper half */
void emit_imm(struct emit *e, unsigned to, uint64_t v);      /* shortest; flags stay */
void emit_load(struct emit *e, unsigned to, const struct hmem *m);
void emit_store(struct emit *e, unsigned from, const struct hmem *m);
void emit_lea(struct emit *e, bool wide, unsigned to, const struct hmem *m);
/* 80/81/83 group: op = /digit */
void emit_alu_imm(struct emit *e, unsigned attr, unsigned op, unsigned rm, int32_t v);
void emit_alu_imm_m(struct emit *e, unsigned attr, unsigned op, const struct hmem *m, int32_t v);
/* Jumps to a cache offset, or 0 for one to be patched; return the offset of the rel32. */
uint32_t emit_jmp(struct emit *e, uint32_t to);
uint32_t emit_jcc(struct emit *e, unsigned cc, uint32_t to);
uint32_t emit_call(struct emit *e, uint32_t to);
void emit_patch(struct emit *e, uint32_t rel, uint32_t to);
static inline void
emit_here(struct emit *e, uint32_t rel) /* the jump leads here */
{
	emit_patch(e, rel, e->at);
}

/* A field of struct cpu as translated code sees it: host RSP is &cpu.gpr[0] */
#define CPU_SLOT(field) ((int32_t)offsetof(struct cpu, field) - (int32_t)offsetof(struct cpu, gpr))
static inline struct hmem
hmem_slot(int32_t off)
{
	return (struct hmem){ .base = H_RSP, .index = H_NONE, .disp = off };
}
static inline struct hmem
hmem_at(unsigned base, int32_t disp)
{
	return (struct hmem){ .base = (uint8_t)base, .index = H_NONE, .disp = disp };
}

#endif
