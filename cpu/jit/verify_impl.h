/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the verifier: host instructions as it sees them. */
#ifndef LODGE_CPU_JIT_VERIFY_IMPL_H
#define LODGE_CPU_JIT_VERIFY_IMPL_H

#include "cpu/jit/jit.h"

/* Registers by number; not emit.h's names, on purpose. */
enum { R_AX, R_CX, R_DX, R_SP = 4, R_8 = 8, R_10 = 10, R_11 = 11, R_NONE = 16 };

enum { VMAP_1, VMAP_0F, VMAP_38, VMAP_3A, VMAP_VEX /* the same again with VEX */, VMAPS = 8 };

/* Prefixes that select: 66, F3, F2; in a row of the table, a mask */
enum { CL_N, CL_66, CL_F3, CL_F2, CL_66F3, CL_66F2 };
enum { P_N = 1, P_66 = 2, P_F3 = 4, P_F2 = 8, P_66F3 = 16, P_66F2 = 32, P_I = P_N | P_66 };

enum {
	V_M = 1,          /* has ModRM */
	V_I8 = 2,         /* immediate byte */
	V_IZ = 4,         /* immediate of 2 or 4 bytes by operand size */
	V_I32 = 8,        /* displacement of a jump */
	V_B = 0x10,       /* byte operands */
	V_BM = 0x20,      /* r/m alone is a byte */
	V_LK = 0x40,      /* LOCK is allowed with memory */
	V_NM = 0x80,      /* register form only */
	V_NR = 0x100,     /* memory form only */
	V_GR = 0x200,     /* ModRM.reg is a general register */
	V_GM = 0x400,     /* ModRM.rm is one, when it is a register */
	V_RR = 0x800,     /* reg is read */
	V_WR = 0x1000,    /* reg is written */
	V_RM = 0x2000,    /* r/m is read */
	V_WM = 0x4000,    /* r/m is written */
	V_VV = 0x8000,    /* VEX.vvvv is a general register */
	V_AX = 0x10000,   /* RAX is written besides */
	V_DX = 0x20000,   /* RDX */
	V_CX = 0x40000,   /* RCX */
	V_OPREG = 0x80000 /* the register is in the opcode, and written */
};

/* Bytes of a memory operand */
enum {
	SZ_O = 0xf0, /* operand size */
	SZ_W,        /* 8 with REX.W, else 4 */
	SZ_C,        /* CMPXCHG8B, 16B */
	SZ_X,        /* 16, or 32 with VEX.L */
	SZ_F         /* x87, by opcode */
};

/* What is more than its operands */
enum { VK_PLAIN, VK_LEA, VK_JMP, VK_JCC, VK_CALL, VK_LOOP, VK_INDIRECT, VK_MOVI, VK_X87 };

struct vop {
	uint8_t map, first, last;
	uint8_t prefixes; /* P_*: allowed */
	uint8_t digits;   /* of ModRM.reg, a bit each */
	uint8_t size;     /* bytes, or SZ_* */
	uint8_t kind;     /* VK_* */
	uint32_t flags;   /* V_* */
};

struct vinsn {
	uint32_t off; /* from the block's start */
	const struct vop *op;
	uint8_t len, map, opc, cls;
	bool rex, w, l, lock, gs, a32;
	bool mem, write, read; /* its memory operand */
	bool label;            /* may be reached by other ways than from before */
	bool hole;             /* what comes before is not code */
	uint8_t mod, reg, rm, vvvv;
	uint8_t base, index, scale; /* R_NONE: none */
	uint8_t size;               /* bytes of memory */
	uint8_t osize;              /* bytes of a general register operand */
	int32_t disp;
	uint32_t imm_at; /* offset of the immediate from the block's start */
	int64_t imm;
};

/* Which row of the table is first for an opcode; 0: none. */
struct vop_index {
	uint16_t head[VMAPS][256];
};
void vop_index_make(struct vop_index *x);
/* One instruction; NULL or what is wrong. in->off is set. */
const char *vinsn_decode(
    const struct vop_index *x, struct vinsn *in, const uint8_t *bytes, unsigned avail);

#define VERIFY_BYTES 65536u
#define VERIFY_INSNS 8192u

/* ---- abstract state ---- */

#define OF_CPU(f) ((int32_t)offsetof(struct cpu, f) - (int32_t)offsetof(struct cpu, gpr))

/* What R8, R10 or R11 holds; EA: the register .reg's value. */
enum vkind {
	K_DEAD, /* must not be used: unknown, or a host address */
	K_DATA, /* the guest's, or a number */
	K_IMM,
	K_COPY,  /* EA; .wide: all of it, else zero-extended 32 bits */
	K_SHIFT, /* that >> 8 */
	K_INDEX, /* of EA's pair in the flat table */
	K_OFF,   /* EA & 4095 */
	K_XC16,  /* 16 bits */
	K_XC,    /* that * 16; .ok: the entry's tag is right */
	K_ENTRY, /* EA's entry in the table; .write: for stores; .ok: valid */
	K_HOST   /* host pointer: [lo, hi) from it is there; .write: writable */
};
struct vval {
	uint8_t kind, reg;
	bool write, ok;
	uint32_t wide; /* a bool; no padding, states are compared as bytes */
	int64_t lo, hi;
	uint64_t imm;
};

/* What ZF or CF say, for a jump that follows at once. */
enum vflags { F_NONE, F_ALIGN, F_VALID, F_OFFSET, F_TAG, F_LOOK };

/* What has been looked at before the block may run. */
enum { LOOKED_MODE = 1, LOOKED_PAGE = 2, LOOKED_SECOND = 4, LOOKED_ALL = 7 };

struct vstate {
	struct vval s[3];  /* R8 R10 R11 */
	uint16_t span[16]; /* so many bytes from this register's value on are in one page */
	uint16_t z32;      /* bit per register: its upper half is clear */
	uint8_t flags, freg, looked;
	uint16_t fval;
	bool live;
};

struct verify {
	struct vop_index index;
	struct jit *j;
	const struct jit_block *b;
	const uint8_t *code; /* of the block */
	uint32_t bytes, hole;
	uint32_t mode; /* JIT_M_* */
	unsigned n;
	bool changed;
	uint16_t at[VERIFY_BYTES]; /* offset → instruction + 1 */
	struct vinsn insn[VERIFY_INSNS];
	struct vstate state[VERIFY_INSNS]; /* of labels */
};

/* The state of R8, R10 or R11; NULL: another register. */
struct vval *vs_value(struct vstate *st, unsigned reg);
int vs_scratch(unsigned reg); /* which of them, or -1 */
bool vs_has_kind(struct vstate *st, unsigned reg, enum vkind kind);
bool vs_is_plain(const struct vval *v);
bool vs_usable(struct vstate *st, unsigned reg); /* as data */
void vs_demote(struct vval *v);
void vs_forget(struct vstate *st, unsigned reg);        /* the register gets another value */
void vs_write_implied(struct vstate *st, unsigned reg); /* the same, by an implied operand */
struct vstate vs_of_entry(void);                        /* nothing is known */
void vs_flow_to(struct verify *v, unsigned i, const struct vstate *from);
/* On the side of a jump where the condition that cc names holds. */
void vs_learn(struct vstate *st, unsigned cc);

/* One instruction: NULL, or which rule is broken. */
const char *verify_memory(const struct verify *v, struct vstate *st, const struct vinsn *in);
const char *verify_lea(struct vstate *st, const struct vinsn *in);
const char *verify_plain(struct verify *v, struct vstate *st, const struct vinsn *in);
unsigned verify_exec_slot(const struct verify *v, struct vstate *st, const struct vinsn *in);
bool verify_own_site(const struct verify *v, uint64_t p);

static inline bool
vinsn_is(const struct vinsn *in, unsigned map, unsigned opc)
{
	return in->map == map && in->opc == opc;
}

#endif
