/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Single random instructions: random opcodes with well-formed operands, kept when the
 * decoder knows them, and a few patterns that chance would rarely make.
 */
#include "tests/unit/cpu/jitinsn.h"

#include <string.h>

static unsigned
pick(struct jit_gen *g, unsigned n)
{
	return jit_pick(&g->p->rng, n);
}

/* ---- loading registers ---- */

static unsigned
put_le(uint8_t *b, uint64_t v, unsigned size)
{
	memcpy(b, &v, size);
	return size;
}

/* MOV r, imm: 16-bit in 16-bit code unless `wide`; in 64-bit code it zero-extends. */
static void
load_reg(struct jit_gen *g, unsigned reg, uint32_t v, bool wide)
{
	uint8_t b[8];
	unsigned n = 0, size = g->p->bits == BITS16 && !wide ? 2 : 4;

	if (g->p->bits == BITS16 && wide)
		b[n++] = 0x66;
	if (reg >= 8)
		b[n++] = 0x41;
	b[n++] = (uint8_t)(0xb8 + (reg & 7));
	n += put_le(b + n, v, size);
	jit_emit(g, b, n);
}

static void
load_pointer(struct jit_gen *g, unsigned reg, int64_t disp, bool wide)
{
	uint8_t b[10] = { (uint8_t)(0x48 | reg >> 3), (uint8_t)(0xb8 + (reg & 7)) };

	if (g->p->bits == BITS64 && pick(g, 150) == 0) { /* non-canonical */
		put_le(b + 2, 0x7ffffffffff8ull + pick(g, 16), 8);
		if (pick(g, 2))
			b[8] = (uint8_t)pick(g, 256);
		jit_emit(g, b, 10);
		return;
	}
	load_reg(g, reg, (uint32_t)(jit_pointer(g->p, &g->p->rng) - (uint64_t)disp), wide);
}

/* AND r, small: so that it may be an index */
static void
small_reg(struct jit_gen *g, unsigned reg, bool wide)
{
	uint8_t b[5];
	unsigned n = 0;

	if (g->p->bits == BITS16 && wide)
		b[n++] = 0x66;
	if (reg >= 8)
		b[n++] = 0x41;
	b[n++] = 0x83;
	b[n++] = (uint8_t)(0xe0 | (reg & 7));
	b[n++] = (uint8_t)(pick(g, 2) ? 0x30 : pick(g, 64));
	jit_emit(g, b, n);
}

/* ---- bytes of a random instruction ---- */

struct raw {
	uint8_t b[32];
	unsigned n, modrm; /* where ModRM stands */
	uint8_t rex;
	bool ad; /* 67 */
	int digit;
};

static void
put_prefixes(struct jit_gen *g, struct raw *r)
{
	static const uint8_t seg[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };

	if (pick(g, 5) == 0)
		r->b[r->n++] = 0x66;
	if (pick(g, 24) == 0) {
		r->b[r->n++] = 0x67;
		r->ad = true;
	}
	if (pick(g, 12) == 0)
		r->b[r->n++] = seg[pick(g, 6)];
	if (pick(g, 6) == 0)
		r->b[r->n++] = (uint8_t)(0xf2 + pick(g, 2));
	else if (pick(g, 10) == 0)
		r->b[r->n++] = 0xf0;
	if (g->p->bits == BITS64 && pick(g, 3)) {
		r->rex = (uint8_t)(0x40 + pick(g, 16));
		r->b[r->n++] = r->rex;
	}
}

static void
put_vex(struct jit_gen *g, struct raw *r)
{
	bool b64 = g->p->bits == BITS64;

	r->n = 0;
	r->rex = 0;
	r->ad = false;
	if (pick(g, 2)) { /* in 32-bit code the two high bits are set: else it is LDS */
		r->b[r->n++] = 0xc5;
		r->b[r->n++] = (uint8_t)(pick(g, 256) | (b64 ? 0 : 0xc0));
	} else {
		r->b[r->n++] = 0xc4;
		r->rex = b64 ? (uint8_t)(pick(g, 8)) : 0; /* R X B */
		r->b[r->n++] = (uint8_t)((~r->rex & 7) << 5 | (1 + pick(g, 3)));
		r->b[r->n++] = (uint8_t)(pick(g, 256) | (b64 ? 0 : 0x40));
	}
	r->b[r->n++] = (uint8_t)(pick(g, 8) ? pick(g, 256) : 0xf0 + pick(g, 8));
}

/* What chance would not give often enough: opcode and ModRM.reg, -1 any */
static const struct {
	uint8_t n, b[3];
	int16_t digit;
} favourites[] = {
	{ 2, { 0x0f, 0xc7 }, 1 },        /* CMPXCHG8B, 16B */
	{ 2, { 0x0f, 0xb0 }, -1 },       /* CMPXCHG */
	{ 2, { 0x0f, 0xb1 }, -1 },       /* CMPXCHG */
	{ 2, { 0x0f, 0xc0 }, -1 },       /* XADD */
	{ 2, { 0x0f, 0xc1 }, -1 },       /* XADD */
	{ 1, { 0xd3 }, -1 },             /* shifts by CL */
	{ 1, { 0xd2 }, -1 },             /* shifts by CL */
	{ 1, { 0xc1 }, -1 },             /* shifts */
	{ 1, { 0xd1 }, -1 },             /* shifts */
	{ 2, { 0x0f, 0xa5 }, -1 },       /* SHLD */
	{ 2, { 0x0f, 0xac }, -1 },       /* SHRD */
	{ 1, { 0xf7 }, -1 },             /* NOT NEG MUL DIV */
	{ 1, { 0xf6 }, -1 },             /* the same */
	{ 1, { 0xfe }, -1 },             /* INC DEC */
	{ 1, { 0xff }, -1 },             /* INC DEC PUSH */
	{ 1, { 0x8f }, 0 },              /* POP */
	{ 2, { 0x0f, 0xba }, -1 },       /* BT by immediate */
	{ 2, { 0x0f, 0xbc }, -1 },       /* BSF, TZCNT */
	{ 2, { 0x0f, 0xbd }, -1 },       /* BSR, LZCNT */
	{ 3, { 0x0f, 0x38, 0xf0 }, -1 }, /* MOVBE, CRC32 */
	{ 3, { 0x0f, 0x38, 0xf1 }, -1 }, /* MOVBE, CRC32 */
	{ 3, { 0x0f, 0x38, 0xf6 }, -1 }, /* ADCX, ADOX */
	{ 1, { 0x63 }, -1 },             /* MOVSXD, ARPL */
	{ 1, { 0x87 }, -1 },             /* XCHG */
	{ 1, { 0x69 }, -1 },             /* IMUL */
	{ 1, { 0x83 }, -1 },             /* arithmetic by immediate */
	{ 1, { 0x81 }, -1 },             /* the same */
	{ 1, { 0x80 }, -1 },             /* the same */
	{ 2, { 0x0f, 0x10 }, -1 },       /* MOVUPS, MOVSS … */
	{ 2, { 0x0f, 0x29 }, -1 },       /* MOVAPS store */
	{ 2, { 0x0f, 0x6f }, -1 },       /* MOVQ, MOVDQA, MOVDQU */
	{ 2, { 0x0f, 0x7f }, -1 },       /* their stores */
	{ 2, { 0x0f, 0xae }, -1 },       /* FXSAVE, LDMXCSR, fences */
};

static void
put_opcode(struct jit_gen *g, struct raw *r)
{
	unsigned what = pick(g, 32), f = pick(g, ARRAY_LEN(favourites));

	r->digit = -1;
	if (what < 4) {
		put_vex(g, r);
	} else if (what < 6) {
		r->b[r->n++] = (uint8_t)(0xd8 + pick(g, 8));
	} else if (what < 13) {
		memcpy(r->b + r->n, favourites[f].b, 3);
		r->n += favourites[f].n;
		r->digit = favourites[f].digit;
	} else if (what < 20) {
		r->b[r->n++] = 0x0f;
		r->b[r->n++] = (uint8_t)pick(g, 256);
	} else if (what < 22) {
		r->b[r->n++] = 0x0f;
		r->b[r->n++] = what == 20 ? 0x38 : 0x3a;
		r->b[r->n++] = (uint8_t)pick(g, 256);
	} else {
		r->b[r->n++] = (uint8_t)pick(g, 256);
	}
}

static uint32_t
displacement(struct jit_gen *g)
{
	return pick(g, 4) ? pick(g, 16) * 16 - 128 : pick(g, 256) - 128;
}

/* Sixteen-bit forms: SI, DI, BP and BX alone are better pointers than sums. */
static void
put_modrm16(struct jit_gen *g, struct raw *r, unsigned reg)
{
	unsigned mod = pick(g, 3), rm = pick(g, 6) ? 4 + pick(g, 4) : pick(g, 4);

	r->b[r->n++] = (uint8_t)(mod << 6 | reg << 3 | rm);
	if (mod == 0 && rm == 6)
		put_le(r->b + r->n, jit_pointer(g->p, &g->p->rng), 2);
	else
		put_le(r->b + r->n, displacement(g), 2);
	r->n += mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0;
}

static void
put_modrm32(struct jit_gen *g, struct raw *r, unsigned reg)
{
	static const uint8_t pointers[] = { 3, 5, 6, 7 };
	unsigned mod = pick(g, 3), base = pointers[pick(g, 4)];
	bool sib = pick(g, 3) == 0;

	r->b[r->n++] = (uint8_t)(mod << 6 | reg << 3 | (sib ? 4 : base));
	if (sib)
		r->b[r->n++] = (uint8_t)(pick(g, 4) << 6 | pick(g, 8) << 3 | base);
	if (mod == 0 && base == 5)
		put_le(r->b + r->n, jit_pointer(g->p, &g->p->rng), 4);
	else
		put_le(r->b + r->n, displacement(g), 4);
	r->n += mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0;
}

static void
put_modrm(struct jit_gen *g, struct raw *r)
{
	unsigned reg = r->digit >= 0 ? (unsigned)r->digit : pick(g, 8);

	r->modrm = r->n;
	if (pick(g, 5) < 2)
		r->b[r->n++] = (uint8_t)(0xc0 | reg << 3 | pick(g, 8));
	else if (g->p->bits != BITS64 && (g->p->bits == BITS16) != r->ad)
		put_modrm16(g, r, reg);
	else
		put_modrm32(g, r, reg);
	for (unsigned i = r->n; i < sizeof(r->b); i++)
		r->b[i] = (uint8_t)pick(g, 256);
	if (pick(g, 2))
		memset(r->b + r->n + 1, pick(g, 2) ? 0 : 0xff, 8); /* small immediates */
}

/* ---- which are wanted ---- */

static bool
never(const struct insn *in)
{
	static const uint16_t ops[] = { OP_LGDT, OP_LIDT, OP_LLDT, OP_LTR, OP_LMSW, OP_MOV_TO_CR,
		OP_MOV_TO_DR, OP_WRMSR, OP_XSETBV, OP_MWAIT, OP_MONITOR, OP_RSM, OP_RDRAND,
		OP_RDSEED, OP_SYSCALL, OP_SYSRET, OP_SYSENTER, OP_SYSEXIT, OP_JMP, OP_CALL, OP_RET,
		OP_RET_IMM };

	for (unsigned i = 0; i < ARRAY_LEN(ops); i++)
		if (in->op == ops[i])
			return true;
	return in->kind[0] == OPD_REL;
}

static bool
changes_sp(const struct insn *in)
{
	switch (in->op) {
	case OP_LEAVE:
	case OP_POPA: return true;
	case OP_ENTER: return (in->imm & 0xffff) > 0x40;
	case OP_MOV_TO_SREG:
	case OP_POP_SREG: return in->reg[0] == SEG_SS;
	case OP_XCHG:
	case OP_XADD: return in->reg[0] == REG_SP || in->reg[1] == REG_SP;
	default: return in->kind[0] == OPD_REG && in->reg[0] == REG_SP && in->osize;
	}
}

/* SHLD, SHRD of 16 bits by more than 16 */
static bool
has_undefined_result(const struct insn *in)
{
	if ((in->op != OP_SHLD && in->op != OP_SHRD) || in->osize != 1)
		return false;
	return in->kind[2] != OPD_IMM || (in->imm & 31) > 16;
}

static bool
wanted(struct jit_gen *g, const struct insn *in)
{
	unsigned mode = g->p->bits == BITS64 ? 4 : g->p->mode <= JIT_V86 ? 1 : 2;

	if (never(in) || (changes_sp(in) && pick(g, 16)))
		return false;
	if (g->p->inexact && has_undefined_result(in))
		return false;
	if (!(op_info[in->op].modes & mode))
		return pick(g, 40) == 0;
	if (op_info[in->op].flags & INSN_SLOW && in->op != OP_CMPXCHG8B && in->op != OP_CMPXCHG16B)
		return pick(g, 16) == 0;
	if (op_info[in->op].flags & INSN_FPU && in->op == OP_FWAIT)
		return pick(g, 4) == 0;
	return true;
}

/* ---- registers that its address needs ---- */

static bool
is_pointer(unsigned reg)
{
	return reg != REG_ZERO && reg != REG_RIP && reg != REG_SP;
}

static void
aim(struct jit_gen *g, struct raw *r, struct insn *in)
{
	bool wide = in->asize > 1, vsib = strstr(op_info[in->op].name, "gather") != NULL;
	uint64_t rip;
	int32_t disp;

	if (in->kind[0] == OPD_MOFFS || in->kind[1] == OPD_MOFFS) { /* at the end */
		rip = jit_pointer(g->p, &g->p->rng);
		memcpy(r->b + in->len - (1u << in->asize), &rip, 1u << in->asize);
	}
	if (!(in->flags & INSN_MEM) || in->kind[0] == OPD_MOFFS || in->kind[1] == OPD_MOFFS)
		return;
	if (is_pointer(in->base) && pick(g, 8))
		load_pointer(g, in->base, in->disp, wide);
	if (!vsib && is_pointer(in->index) && in->index != in->base && pick(g, 8))
		small_reg(g, in->index, wide);
	if (in->base == REG_RIP && in->len >= r->modrm + 5) {
		rip = g->p->start - g->p->cs_base + g->p->len + in->len;
		disp = (int32_t)(jit_pointer(g->p, &g->p->rng) - rip);
		memcpy(r->b + r->modrm + 1, &disp, 4);
	}
}

static void
random_insn(struct jit_gen *g)
{
	struct decode_mode m = { .bits = (uint8_t)g->p->bits };
	struct insn in;

	for (;;) {
		struct raw r = { .n = 0 };
		enum decode_status st;

		put_prefixes(g, &r);
		put_opcode(g, &r);
		put_modrm(g, &r);
		st = insn_decode(&in, &m, r.b, 15);
		if (st != DECODE_OK) {
			if (pick(g, 2000))
				continue;
			jit_emit(g, r.b, in.len ? in.len : 1);
			return;
		}
		if (!wanted(g, &in))
			continue;
		aim(g, &r, &in);
		jit_emit(g, r.b, in.len);
		return;
	}
}

/* ---- patterns ---- */

static int
distance(struct jit_gen *g)
{
	return pick(g, 3) ? 1 + (int)pick(g, 10) : -(int)pick(g, 14);
}

static void
branch(struct jit_gen *g)
{
	unsigned wide = g->p->bits == BITS16 ? 2 : 4, cc = pick(g, 16);
	uint8_t b[6] = { 0 };

	switch (pick(g, 8)) {
	case 0: /* LOOP…, JCXZ */
		load_reg(g, REG_CX, pick(g, 6), false);
		b[0] = (uint8_t)(0xe0 + pick(g, 4));
		if (jit_emit(g, b, 2))
			jit_fixup(g, 1, true, distance(g));
		break;
	case 1:
		b[0] = pick(g, 2) ? 0xeb : 0xe9;
		if (jit_emit(g, b, b[0] == 0xeb ? 2 : 1 + wide))
			jit_fixup(g, b[0] == 0xeb ? 1 : wide, true, 1 + (int)pick(g, 10));
		break;
	case 2:
	case 3:
		b[0] = 0x0f;
		b[1] = (uint8_t)(0x80 + cc);
		if (jit_emit(g, b, 2 + wide))
			jit_fixup(g, wide, true, distance(g));
		break;
	default:
		b[0] = (uint8_t)(0x70 + cc);
		if (jit_emit(g, b, 2))
			jit_fixup(g, 1, true, distance(g));
	}
}

static void
call(struct jit_gen *g)
{
	unsigned wide = g->p->bits == BITS16 ? 2 : 4;
	uint8_t b[5] = { 0xe8 };

	if (jit_emit(g, b, 1 + wide))
		jit_fixup(g, wide, true, JIT_SUB_TARGET + (int)pick(g, g->subs));
}

void
jit_ret(struct jit_gen *g)
{
	uint8_t b[3] = { 0xc3 };

	if (pick(g, 4) == 0)
		b[0] = 0xc2;
	jit_emit(g, b, b[0] == 0xc2 ? 3 : 1);
}

/* Through a register, or through memory. */
static void
indirect(struct jit_gen *g)
{
	unsigned wide = g->p->bits == BITS16 ? 2 : 4, reg = pick(g, 3) /* AX CX DX */, n = 0;
	bool is_call = pick(g, 2), mem = pick(g, 2);
	uint8_t b[8];

	load_reg(g, reg, 0, false);
	jit_fixup(g, wide, false,
	    is_call ? JIT_SUB_TARGET + (int)pick(g, g->subs) : 1 + (int)pick(g, 10));
	if (mem) { /* MOV [BX], r */
		load_reg(g, REG_BX, (uint32_t)jit_pointer(g->p, &g->p->rng), false);
		if (g->p->bits == BITS64)
			b[n++] = 0x48;
		b[n++] = 0x89;
		b[n++] = (uint8_t)(reg << 3 | (g->p->bits == BITS16 ? 7 : 3));
		jit_emit(g, b, n);
	}
	b[0] = 0xff;
	b[1] = (uint8_t)((is_call ? 2 : 4) << 3 | (!mem                      ? 0xc0 | reg
						      : g->p->bits == BITS16 ? 7
									     : 3));
	jit_emit(g, b, 2);
}

static void
string(struct jit_gen *g)
{
	static const uint8_t ops[] = { 0xa4, 0xa5, 0xa6, 0xa7, 0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf };
	uint8_t b[8], flip = (uint8_t)(0xfc + pick(g, 2));
	unsigned n = 0;

	if (pick(g, 2))
		jit_emit(g, &flip, 1); /* CLD, STD */
	load_reg(g, REG_CX, pick(g, 8) ? pick(g, 40) : pick(g, 3000), true);
	load_reg(g, REG_SI, (uint32_t)jit_pointer(g->p, &g->p->rng), true);
	load_reg(g, REG_DI, (uint32_t)jit_pointer(g->p, &g->p->rng), true);
	if (pick(g, 4) == 0)
		b[n++] = 0x66;
	if (pick(g, 16) == 0)
		b[n++] = 0x64;
	if (pick(g, 4))
		b[n++] = (uint8_t)(0xf2 + pick(g, 2));
	if (g->p->bits == BITS64 && pick(g, 3) == 0)
		b[n++] = 0x48;
	b[n] = ops[pick(g, sizeof(ops))];
	jit_emit(g, b, n + 1);
}

/* BTx [mem], r: the register reaches 4 KiB around the operand */
static void
bit_string(struct jit_gen *g)
{
	static const uint8_t ops[] = { 0xa3, 0xab, 0xb3, 0xbb };
	uint8_t b[4], op = ops[pick(g, 4)];
	unsigned n = 0;

	load_reg(g, REG_AX, pick(g, 32768) - 16384, true);
	load_reg(g, REG_BX, (uint32_t)jit_pointer(g->p, &g->p->rng), true);
	if (op != 0xa3 && pick(g, 3) == 0)
		b[n++] = 0xf0;
	b[n++] = 0x0f;
	b[n++] = op;
	b[n++] = g->p->bits == BITS16 ? 7 : 3;
	jit_emit(g, b, n);
}

/* A wide access across the end of a page; behind half of these pages is one that faults. */
static void
across(struct jit_gen *g)
{
	static const struct {
		uint8_t n, b[3]; /* with ModRM.reg last */
	} ops[] = { { 3, { 0x0f, 0x11, 3 } }, { 3, { 0x0f, 0x10, 2 } }, { 3, { 0x0f, 0x7f, 1 } },
		{ 2, { 0xdb, 7 } }, { 2, { 0xdb, 5 } }, { 2, { 0xdd, 3 } }, { 2, { 0xd9, 6 } },
		{ 3, { 0x0f, 0xc1, 2 } }, { 2, { 0x89, 2 } }, { 2, { 0x01, 1 } },
		{ 2, { 0xff, 6 } }, { 2, { 0x8f, 0 } }, { 3, { 0x0f, 0xc7, 1 } },
		{ 3, { 0xc5, 0xfc, 0x11 } }, { 3, { 0xc5, 0xfe, 0x7f } } };
	unsigned i = pick(g, ARRAY_LEN(ops)), n = 0, m = ops[i].n;
	uint32_t page = pick(g, 2) ? JIT_PAGE_ABSENT - 4096 + pick(g, 5) * 0x2000 : JIT_DATA;
	uint8_t b[8], rm = g->p->bits == BITS16 ? 7 : 3;

	load_reg(g, REG_BX, page + 4096 - 1 - pick(g, 34) - g->p->data_base, false);
	if (g->p->bits == BITS64 && ops[i].b[0] != 0xc5 && pick(g, 2))
		b[n++] = 0x48;
	memcpy(b + n, ops[i].b, m);
	if (ops[i].b[0] == 0xc5)
		b[n + m++] = (uint8_t)(pick(g, 8) << 3 | rm);
	else
		b[n + m - 1] = (uint8_t)(ops[i].b[m - 1] << 3 | rm);
	if (ops[i].b[0] == 0xc5 && g->p->mode <= JIT_V86)
		return; /* is LDS there */
	jit_emit(g, b, n + m);
}

static void
divide(struct jit_gen *g)
{
	static const uint8_t widen[] = { 0x99 }, clear[] = { 0x31, 0xd2 };
	uint8_t b[2] = { 0xf7, (uint8_t)(0xf0 | pick(g, 2) << 3 | pick(g, 8)) };

	if (pick(g, 2))
		jit_emit(g, widen, 1);
	else
		jit_emit(g, clear, 2);
	jit_emit(g, b, 2);
}

static void
load_segment(struct jit_gen *g)
{
	static const uint8_t sel[] = { JS_DS, JS_ES, JS_FS, JS_GS, JS_DS, JS_DATA, 0, JS_CS };
	static const uint8_t sreg[] = { 0, 3, 4, 5, 0, 3 };
	bool real = g->p->mode <= JIT_V86;
	uint8_t b[2] = { 0x8e, (uint8_t)(0xc0 | sreg[pick(g, 6)] << 3) };

	load_reg(g, REG_AX,
	    real ? JIT_DATA / 16 + pick(g, 0x200) : sel[pick(g, sizeof(sel))] | g->p->cpl, false);
	jit_emit(g, b, 2);
}

static void
load_stack(struct jit_gen *g)
{
	uint32_t top = JIT_STACK + JIT_STACK_SIZE / 2 + pick(g, 0x800) * 2;

	if (pick(g, 4) == 0)
		top = JIT_STACK + 0x1000 * (1 + pick(g, 3)) + pick(g, 16);
	load_reg(g, REG_SP, top - g->p->seg_base[SEG_SS], false);
}

static void
system_insn(struct jit_gen *g)
{
	static const uint8_t get[] = { 0x0f, 0x20, 0xd8 }, set[] = { 0x0f, 0x22, 0xd8 };
	static const uint8_t ones[] = { 0x9c, 0x9d, 0x9e, 0x9f, 0xf5, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc,
		0xfd };
	uint8_t page[3] = { 0x0f, 0x01, g->p->bits == BITS16 ? 0x3f : 0x3b };

	switch (pick(g, 8)) {
	case 0: /* CR3 = CR3 */
		if (g->p->mode != JIT_REAL) {
			jit_emit(g, get, 3);
			jit_emit(g, set, 3);
		}
		break;
	case 1: /* INVLPG [BX] */
		load_pointer(g, REG_BX, 0, true);
		jit_emit(g, page, 3);
		break;
	case 2: load_segment(g); break;
	case 3: load_stack(g); break;
	default: jit_emit(g, &ones[pick(g, sizeof(ones))], 1);
	}
}

static uint32_t
control_value(struct jit_gen *g, bool sse)
{
	uint32_t v = sse ? 0x1f80 | pick(g, 4) << 13 : 0x37f;

	if (sse ? pick(g, 2) : pick(g, 4) == 0)
		v ^= (sse ? 0x80u : 1u) << pick(g, 6);
	if (sse && pick(g, 8) == 0)
		v &= ~0x1000u; /* nearly everything is inexact */
	if (!sse && pick(g, 2))
		v ^= pick(g, 16) << 8; /* precision, rounding */
	if (sse && pick(g, 4) == 0)
		v |= 0x8040; /* FTZ, DAZ */
	return v;
}

/* FLDCW or LDMXCSR of a value in memory, now and then with exceptions unmasked */
static void
fp_control(struct jit_gen *g)
{
	uint8_t rm = g->p->bits == BITS16 ? 7 : 3, b[8];
	bool sse = pick(g, 2);
	unsigned n = 0;

	load_reg(g, REG_BX, (uint32_t)jit_pointer(g->p, &g->p->rng) & ~7u, false);
	if (g->p->bits == BITS16)
		b[n++] = 0x66;
	b[n++] = 0xc7; /* MOV dword [BX], v */
	b[n++] = rm;
	n += put_le(b + n, control_value(g, sse), 4);
	jit_emit(g, b, n);
	b[0] = sse ? 0x0f : 0xd9;
	b[1] = sse ? 0xae : (uint8_t)(5 << 3 | rm);
	b[2] = (uint8_t)(2 << 3 | rm);
	jit_emit(g, b, sse ? 3 : 2);
}

void
jit_random_step(struct jit_gen *g)
{
	static void (*const patterns[])(struct jit_gen * g) = { branch, branch, branch, branch,
		call, indirect, string, bit_string, across, divide, system_insn, system_insn,
		fp_control };

	if (g->p->inexact && pick(g, 5) == 0)
		jit_anchor(g);
	if (pick(g, 4) == 0)
		patterns[pick(g, ARRAY_LEN(patterns))](g);
	else
		random_insn(g);
}
