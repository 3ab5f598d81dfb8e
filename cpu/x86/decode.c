/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes to struct insn (SDM 2 chapter 2).  Table-driven; pure.
 */
#include "base/bits.h"
#include "cpu/x86/insn_tables.h"

enum { MAX_LEN = 15 };
enum { REX_B = 1, REX_X = 2, REX_R = 4, REX_W = 8 };

/* One decoding under way. */
struct decoder {
	struct insn *in;
	const uint8_t *p;
	size_t pos, avail;
	bool out; /* wanted a byte that is not there */
	bool bad; /* an operand that does not exist: #UD */
	bool is64, opsize, adsize;
	bool has_imm; /* ENTER: the second immediate goes to bits 16.. */
	uint8_t bits;
	uint8_t rex; /* also from VEX */
	uint8_t opcode, map;
	uint8_t pp; /* 0 none, 1 66, 2 F3, 3 F2 */
	uint8_t vvvv, vl;
	bool w;
};

static inline uint8_t
take8(struct decoder *d)
{
	if (unlikely(d->pos >= d->avail)) {
		d->out = true;
		return 0;
	}
	return d->p[d->pos++];
}

/* Little-endian, 1, 2, 4 or 8 bytes; zero-extended. */
static inline uint64_t
take(struct decoder *d, unsigned size)
{
	uint64_t v;

	if (unlikely(d->avail - d->pos < size)) {
		d->pos = d->avail;
		d->out = true;
		return 0;
	}
	v = get_le(d->p + d->pos, size);
	d->pos += size;
	return v;
}

/* ---- operands ---- */

static void
put(struct decoder *d, unsigned k, enum insn_operand_kind kind, unsigned reg)
{
	d->in->kind[k] = (uint8_t)kind;
	d->in->reg[k] = (uint8_t)reg;
}

static void
put_mem(struct decoder *d, unsigned k)
{
	put(d, k, OPD_MEM, 0);
	d->in->flags |= INSN_MEM;
}

/* Without REX, byte registers 4..7 are AH CH DH BH (SDM 2 table 2-2, 3.1.1.1). */
static void
put_gpr(struct decoder *d, unsigned k, const struct opd_spec *s, unsigned reg)
{
	if (s->type == TYPE_B && reg >= 4 && reg < 8 && !(d->in->prefix & PFX_REX))
		reg += REG8_HIGH - 4;
	put(d, k, OPD_REG, reg);
}

static inline bool
is_mem(const struct decoder *d)
{
	return d->in->modrm < 0xc0;
}
static inline unsigned
modrm_reg(const struct decoder *d)
{
	return ((d->in->modrm >> 3) & 7) | (d->rex & REX_R) << 1;
}
static inline unsigned
modrm_rm(const struct decoder *d)
{
	return (d->in->modrm & 7) | (d->rex & REX_B) << 3;
}

typedef void fetch_fn(struct decoder *d, const struct opd_spec *s, unsigned k);

static void
fetch_e(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	if (is_mem(d))
		put_mem(d, k);
	else
		put_gpr(d, k, s, modrm_rm(d));
}
static void
fetch_g(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put_gpr(d, k, s, modrm_reg(d));
}
static void
fetch_r(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put_gpr(d, k, s, modrm_rm(d));
}
static void
fetch_m(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put_mem(d, k);
}
static void
fetch_z(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put_gpr(d, k, s, (d->opcode & 7) | (d->rex & REX_B) << 3);
}
static void
fetch_b(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put(d, k, OPD_REG, d->vvvv);
}
static void
fetch_s(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	unsigned r = modrm_reg(d) & 7;

	d->bad |= r > SEG_GS;
	put(d, k, OPD_SREG, r);
}
static void
fetch_c(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	unsigned r = modrm_reg(d);

	d->bad |= !((1u << r) & (1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 8));
	put(d, k, OPD_CR, r);
}
static void
fetch_d(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	unsigned r = modrm_reg(d);

	d->bad |= r > 7;
	put(d, k, OPD_DR, r);
}
static unsigned
imm_size(const struct decoder *d, unsigned type)
{
	switch (type) {
	case TYPE_B: return 1;
	case TYPE_W: return 2;
	case TYPE_V: return 1u << d->in->osize;
	default: return d->in->osize == 1 ? 2 : 4;
	}
}
static void
fetch_imm_u(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	uint64_t v = take(d, imm_size(d, s->type));

	d->in->imm |= d->has_imm ? v << 16 : v;
	d->has_imm = true;
	put(d, k, OPD_IMM, 0);
}
static void
fetch_imm_s(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	unsigned size = imm_size(d, s->type);

	d->in->imm = (uint64_t)sign_extend(take(d, size), size);
	put(d, k, OPD_IMM, 0);
}
static void
fetch_j(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	fetch_imm_s(d, s, k);
	put(d, k, OPD_REL, 0);
}
static void
fetch_a(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	uint64_t off = take(d, d->in->osize == 1 ? 2 : 4);

	d->in->imm = off | take(d, 2) << 32;
	put(d, k, OPD_FAR, 0);
}
static void
fetch_o(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	d->in->disp = (int64_t)take(d, 1u << d->in->asize);
	d->in->flags |= INSN_MEM;
	put(d, k, OPD_MOFFS, 0);
}
static void
fetch_implied(struct decoder *d, const struct opd_spec *s, unsigned k)
{
}
static void
fetch_p(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put(d, k, OPD_MM, modrm_reg(d) & 7);
}
static void
fetch_n(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put(d, k, OPD_MM, d->in->modrm & 7);
}
static void
fetch_q(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	if (is_mem(d))
		put_mem(d, k);
	else
		fetch_n(d, s, k);
}
static void
fetch_v(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put(d, k, OPD_XMM, modrm_reg(d));
}
static void
fetch_u(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put(d, k, OPD_XMM, modrm_rm(d));
}
static void
fetch_w(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	if (is_mem(d))
		put_mem(d, k);
	else
		fetch_u(d, s, k);
}
static void
fetch_h(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put(d, k, OPD_XMM, d->vvvv);
}
static void
fetch_l(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	d->in->imm = take8(d);
	put(d, k, OPD_XMM, (unsigned)(d->in->imm >> 4) & (d->is64 ? 15 : 7));
}
static void
fetch_st0(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put(d, k, OPD_ST, 0);
}
static void
fetch_sti(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put(d, k, OPD_ST, d->in->modrm & 7);
}
static void
fetch_reg(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put(d, k, OPD_REG, s->reg);
}
static void
fetch_sreg(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	put(d, k, OPD_SREG, s->reg);
}
static void
fetch_one(struct decoder *d, const struct opd_spec *s, unsigned k)
{
	d->in->imm = 1;
	put(d, k, OPD_IMM, 0);
}

static fetch_fn *const fetchers[] = { [FETCH_E] = fetch_e,
	[FETCH_G] = fetch_g,
	[FETCH_R] = fetch_r,
	[FETCH_M] = fetch_m,
	[FETCH_Z] = fetch_z,
	[FETCH_B] = fetch_b,
	[FETCH_S] = fetch_s,
	[FETCH_C] = fetch_c,
	[FETCH_D] = fetch_d,
	[FETCH_IMM_U] = fetch_imm_u,
	[FETCH_IMM_S] = fetch_imm_s,
	[FETCH_J] = fetch_j,
	[FETCH_A] = fetch_a,
	[FETCH_O] = fetch_o,
	[FETCH_IMPLIED] = fetch_implied,
	[FETCH_P] = fetch_p,
	[FETCH_Q] = fetch_q,
	[FETCH_N] = fetch_n,
	[FETCH_V] = fetch_v,
	[FETCH_W] = fetch_w,
	[FETCH_U] = fetch_u,
	[FETCH_H] = fetch_h,
	[FETCH_L] = fetch_l,
	[FETCH_K] = fetch_m,
	[FETCH_ST0] = fetch_st0,
	[FETCH_STI] = fetch_sti,
	[FETCH_REG] = fetch_reg,
	[FETCH_SREG] = fetch_sreg,
	[FETCH_ONE] = fetch_one };

static inline bool
kind_is_mem(unsigned kind)
{
	return kind == OPD_MEM || kind == OPD_MOFFS;
}

static uint8_t
form_of(const struct insn *in)
{
	if (kind_is_mem(in->kind[0]))
		return in->kind[1] == OPD_IMM ? FORM_MI : FORM_MR;
	if (in->flags & INSN_MEM)
		return FORM_RM;
	return in->kind[0] != OPD_IMM && in->kind[1] == OPD_IMM ? FORM_RI : FORM_RR;
}

/* ---- the memory operand ---- */

static void
address_16(struct decoder *d)
{
	/* SDM 2 table 2-1 */
	static const uint8_t bases[8] = { REG_BX, REG_BX, REG_BP, REG_BP, REG_SI, REG_DI, REG_BP,
		REG_BX };
	static const uint8_t indexes[8] = { REG_SI, REG_DI, REG_SI, REG_DI, REG_ZERO, REG_ZERO,
		REG_ZERO, REG_ZERO };
	struct insn *in = d->in;
	unsigned mod = in->modrm >> 6, rm = in->modrm & 7;

	if (mod == 0 && rm == 6) {
		in->disp = sign_extend(take(d, 2), 2);
		return;
	}
	in->base = bases[rm];
	in->index = indexes[rm];
	if (mod)
		in->disp = sign_extend(take(d, mod), mod);
}

static void
address_sib(struct decoder *d, bool vsib)
{
	struct insn *in = d->in;
	unsigned mod = in->modrm >> 6, sib = take8(d), base = sib & 7;
	unsigned index = ((sib >> 3) & 7) | (d->rex & REX_X) << 2;

	if (index != 4 || vsib) {
		in->index = (uint8_t)index;
		in->scale = (uint8_t)(sib >> 6);
	}
	if (base != 5 || mod != 0)
		in->base = (uint8_t)(base | (d->rex & REX_B) << 3);
	else
		in->disp = sign_extend(take(d, 4), 4);
}

static void
address_32(struct decoder *d, bool vsib)
{
	struct insn *in = d->in;
	unsigned mod = in->modrm >> 6, rm = in->modrm & 7;

	if (rm == 4) {
		address_sib(d, vsib);
	} else if (mod == 0 && rm == 5) {
		in->base = d->is64 ? REG_RIP : REG_ZERO;
		in->disp = sign_extend(take(d, 4), 4);
	} else {
		in->base = (uint8_t)(rm | (d->rex & REX_B) << 3);
	}
	if (mod == 1)
		in->disp = sign_extend(take(d, 1), 1);
	else if (mod == 2)
		in->disp = sign_extend(take(d, 4), 4);
}

static void
decode_address(struct decoder *d, const struct insn_row *row)
{
	struct insn *in = d->in;
	bool vsib = row->bits & ROW_VSIB;

	if (vsib && (in->asize == 1 || (in->modrm & 7) != 4))
		d->bad = true;
	if (in->asize == 1)
		address_16(d);
	else
		address_32(d, vsib);
	if ((in->base == REG_BP || in->base == REG_SP) && !(in->prefix & PFX_SEG))
		in->seg = SEG_SS;
}

/* ---- prefixes, opcode, row ---- */

enum {
	P_NONE,
	P_SEG,
	P_SEG_OLD /* ignored in 64-bit mode */,
	P_OPSIZE,
	P_ADSIZE,
	P_LOCK,
	P_REP,
	P_REPNE,
	P_REX
};

static const uint8_t prefix_class[256] = { [0x26] = P_SEG_OLD,
	[0x2e] = P_SEG_OLD,
	[0x36] = P_SEG_OLD,
	[0x3e] = P_SEG_OLD,
	[0x40 ... 0x4f] = P_REX,
	[0x64] = P_SEG,
	[0x65] = P_SEG,
	[0x66] = P_OPSIZE,
	[0x67] = P_ADSIZE,
	[0xf0] = P_LOCK,
	[0xf2] = P_REPNE,
	[0xf3] = P_REP };

static void
seg_prefix(struct decoder *d, uint8_t b)
{
	d->in->seg = b >= 0x64 ? b - 0x64 + SEG_FS : (b >> 3) & 3;
	d->in->prefix |= PFX_SEG;
}

static void
apply_prefix(struct decoder *d, unsigned class, uint8_t b)
{
	struct insn *in = d->in;

	switch (class) {
	case P_SEG_OLD:
		if (!d->is64)
			seg_prefix(d, b);
		break;
	case P_SEG: seg_prefix(d, b); break;
	case P_OPSIZE: in->prefix |= PFX_OPSIZE; break;
	case P_ADSIZE: in->prefix |= PFX_ADSIZE; break;
	case P_LOCK: in->prefix |= PFX_LOCK; break;
	case P_REP: in->prefix = (in->prefix & ~PFX_REPNE) | PFX_REP; break;
	default: in->prefix = (in->prefix & ~PFX_REP) | PFX_REPNE; break;
	}
}

/* Leaves the first byte that is not a prefix in d->opcode. A REX that is not the last
 * prefix has no effect (SDM 2 2.2.1). */
static void
decode_prefixes(struct decoder *d)
{
	for (;;) {
		uint8_t b = take8(d);
		unsigned class = prefix_class[b];

		d->opcode = b;
		if (class == P_NONE || (class == P_REX && !d->is64) || d->out)
			break;
		if (class == P_REX) {
			d->rex = b;
			continue;
		}
		d->rex = 0;
		apply_prefix(d, class, b);
	}
	if (d->rex)
		d->in->prefix |= PFX_REX;
	d->w = d->rex & REX_W;
	d->pp = d->in->prefix & PFX_REP      ? 2
	        : d->in->prefix & PFX_REPNE  ? 3
	        : d->in->prefix & PFX_OPSIZE ? 1
	                                     : 0;
}

/* C4 or C5 was taken (SDM 2 2.3.5). False: it is LES or LDS. */
static bool
decode_vex(struct decoder *d)
{
	uint8_t b1, b2;

	if (d->pos >= d->avail) {
		d->out = true;
		return true;
	}
	if (!d->is64 && d->p[d->pos] < 0xc0)
		return false;
	d->bad = d->in->prefix & (PFX_LOCK | PFX_OPSIZE | PFX_REP | PFX_REPNE | PFX_REX);
	b1 = take8(d);
	d->map = MAP_VEX_0F;
	d->rex = b1 & 0x80 ? 0 : REX_R;
	if (d->opcode == 0xc4) {
		d->rex |= (b1 & 0x40 ? 0 : REX_X) | (b1 & 0x20 ? 0 : REX_B);
		d->bad |= (b1 & 0x1f) < 1 || (b1 & 0x1f) > 3;
		d->map = (uint8_t)(MAP_VEX_0F + (b1 & 3) - 1);
		b2 = take8(d);
		d->w = b2 & 0x80;
	} else {
		b2 = b1;
	}
	if (!d->is64)
		d->rex = 0;
	d->vvvv = (~b2 >> 3) & 15;
	d->vl = (b2 >> 2) & 1;
	d->pp = b2 & 3;
	d->in->prefix |= PFX_VEX;
	d->opcode = take8(d);
	return true;
}

static void
decode_opcode(struct decoder *d)
{
	if ((d->opcode & 0xfe) == 0xc4 && decode_vex(d)) {
		d->map = d->bad ? MAP_VEX_0F : d->map;
		return;
	}
	if (d->opcode != 0x0f)
		return;
	d->map = MAP_0F;
	d->opcode = take8(d);
	if (d->opcode == 0x38 || d->opcode == 0x3a) {
		d->map = d->opcode == 0x38 ? MAP_0F38 : MAP_0F3A;
		d->opcode = take8(d);
	}
}

static const struct insn_row *
find_row(struct decoder *d)
{
	const struct insn_slot *slot = &insn_slots[d->map][d->opcode];
	unsigned ctx = d->pp | (d->w ? CTX_W : 0) | (d->vl ? CTX_L : 0) | (d->is64 ? CTX_64 : 0) |
	               (d->rex & REX_B ? CTX_B : 0);
	const uint16_t *list = &insn_lists[slot->index];

	if (slot->kind != SLOT_PLAIN) {
		uint8_t modrm = d->in->modrm = take8(d);

		if (slot->kind == SLOT_GROUP)
			list =
			    &insn_lists[insn_groups[slot->index][modrm >= 0xc0 ? 8 + (modrm & 63)
									       : (modrm >> 3) & 7]];
	}
	while (!(insn_rows[*list].ctx >> ctx & 1))
		list++;
	return &insn_rows[*list];
}

static uint8_t
operand_size(const struct decoder *d, unsigned rule)
{
	uint8_t v;

	if (d->is64)
		v = d->w ? 3 : d->opsize ? 1 : 2;
	else
		v = (d->bits == BITS32) != d->opsize ? 2 : 1;
	switch (rule) {
	case OSZ_V: return v;
	case OSZ_D64: return !d->is64 ? v : v == 1 ? 1 : 3;
	case OSZ_F64: return d->is64 ? 3 : v;
	case OSZ_Z: return v > 2 ? 2 : v;
	case OSZ_Y: return d->is64 && d->w ? 3 : 2;
	case OSZ_NATIVE: return d->is64 ? 3 : 2;
	default: return (uint8_t)rule;
	}
}

static uint8_t
address_size(const struct decoder *d)
{
	if (d->is64)
		return d->adsize ? 2 : 3;
	return (d->bits == BITS32) != d->adsize ? 2 : 1;
}

static void
decode_operands(struct decoder *d, const struct insn_row *row)
{
	struct insn *in = d->in;
	unsigned k = 0;

	if (row->bits & ROW_CLAIM_66)
		in->prefix &= ~PFX_OPSIZE;
	if (row->bits & ROW_CLAIM_REP)
		in->prefix &= ~(PFX_REP | PFX_REPNE);
	if (in->prefix & PFX_VEX) {
		in->vl = d->vl;
		d->bad |= d->vvvv != 0 && !(row->bits & ROW_VVVV);
		if (!d->is64)
			d->vvvv &= 7;
	}
	d->opsize = in->prefix & PFX_OPSIZE;
	in->op = row->op;
	in->flags = row->flags;
	in->osize = operand_size(d, row->osz);
	for (; k < 4 && row->opd[k]; k++) {
		const struct opd_spec *s = &insn_opd_spec[row->opd[k]];

		fetchers[s->fetch](d, s, k);
	}
	if (d->map == MAP_1 && (d->opcode & 0xf8) == 0xd8)
		in->imm = d->opcode; /* for FOP */
	in->form = form_of(in);
	if (in->prefix & PFX_LOCK && !(in->flags & INSN_LOCK_OK && in->kind[0] == OPD_MEM))
		d->bad = true;
}

enum decode_status
insn_decode(struct insn *ret_insn, const struct decode_mode *m, const uint8_t *bytes, size_t avail)
{
	struct decoder d = { .in = ret_insn, .p = bytes, .bits = m->bits };
	const struct insn_row *row;

	*ret_insn = (struct insn){ .base = REG_ZERO, .index = REG_ZERO, .seg = SEG_DS };
	d.is64 = m->bits == BITS64;
	d.avail = avail < MAX_LEN ? avail : MAX_LEN;
	decode_prefixes(&d);
	decode_opcode(&d);
	d.adsize = ret_insn->prefix & PFX_ADSIZE;
	ret_insn->asize = address_size(&d);
	row = find_row(&d);
	if (row->op == OP_COUNT)
		d.bad = true;
	if (!d.bad) {
		const struct insn_slot *slot = &insn_slots[d.map][d.opcode];

		if (slot->kind != SLOT_PLAIN && is_mem(&d) && !(row->bits & ROW_REG_ONLY))
			decode_address(&d, row);
		decode_operands(&d, row);
	}
	ret_insn->len = (uint8_t)d.pos;
	if (d.out)
		return avail < MAX_LEN ? DECODE_NEED_BYTES : DECODE_TOO_LONG;
	return d.bad ? DECODE_UD : DECODE_OK;
}
