/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one instruction needs, and what is known behind it. */
#include "cpu/jit/verify_impl.h"

/* ---- registers ---- */

/* Number of a register operand: without REX 4 to 7 are AH to BH. */
static unsigned
gpr(const struct vinsn *in, unsigned r, bool byte)
{
	return byte && !in->rex && r >= 4 && r < 8 ? r & 3 : r;
}
static unsigned
reg_of(const struct vinsn *in)
{
	return gpr(in, in->reg, in->op->flags & V_B);
}
static unsigned
rm_of(const struct vinsn *in)
{
	return gpr(in, in->rm, in->op->flags & (V_B | V_BM));
}

static bool
rm_is_gpr(const struct vinsn *in)
{
	return (in->op->flags & V_GM) && !in->mem;
}

/* Where it writes a general register; R_NONE: nowhere, or to several. */
static unsigned
destination(const struct vinsn *in)
{
	uint32_t f = in->op->flags;
	bool reg = (f & V_GR) && (f & V_WR), rm = rm_is_gpr(in) && (f & V_WM);

	if ((reg && rm) || (f & (V_AX | V_CX | V_DX | V_VV)))
		return R_NONE;
	return reg ? reg_of(in) : rm || (f & V_OPREG) ? rm_of(in) : R_NONE;
}

/* Does it look at the destination's old value? Parts of registers are kept. */
static bool
is_pure_write(const struct vinsn *in)
{
	return in->osize >= 4 && !(in->op->flags & V_B);
}

static const char *
check_registers(struct vstate *st, const struct vinsn *in)
{
	uint32_t f = in->op->flags;
	bool partial = !is_pure_write(in);

	if ((f & V_GR) &&
	    (reg_of(in) == R_SP || (((f & V_RR) || partial) && !vs_usable(st, reg_of(in)))))
		return "RSP or a host address as an operand";
	if (rm_is_gpr(in) &&
	    (rm_of(in) == R_SP || (((f & V_RM) || partial) && !vs_usable(st, rm_of(in)))))
		return "RSP or a host address as an operand";
	if ((f & V_OPREG) && (in->rm == R_SP || ((f & V_RR) && !vs_usable(st, in->rm))))
		return "RSP or a host address as an operand";
	if ((f & V_VV) && !vs_usable(st, in->vvvv))
		return "RSP or a host address as an operand";
	return NULL;
}

static void
write_register(struct vstate *st, const struct vinsn *in, unsigned reg)
{
	struct vval *v = vs_value(st, reg);

	vs_forget(st, reg);
	if (in->osize == 8)
		st->z32 &= (uint16_t) ~(1u << reg);
	else if (in->osize == 4 && !(in->op->flags & V_B))
		st->z32 |= (uint16_t)(1u << reg);
	if (v)
		*v = (struct vval){ .kind = K_DATA };
}

void
vs_write_implied(struct vstate *st, unsigned reg)
{
	vs_forget(st, reg);
	st->z32 &= (uint16_t) ~(1u << reg);
}

static void
write_registers(struct vstate *st, const struct vinsn *in)
{
	uint32_t f = in->op->flags;

	if ((f & V_GR) && (f & V_WR))
		write_register(st, in, reg_of(in));
	if (rm_is_gpr(in) && (f & V_WM))
		write_register(st, in, rm_of(in));
	if (f & V_OPREG)
		write_register(st, in, in->rm);
	if (f & V_VV)
		write_register(st, in, in->vvvv);
	if ((f & V_AX) || (in->opc == 0xdf && in->op->kind == VK_X87)) /* FNSTSW AX */
		vs_write_implied(st, R_AX);
	if (f & V_DX)
		vs_write_implied(st, R_DX);
	if (f & V_CX)
		vs_write_implied(st, R_CX);
}

/* ---- what an instruction makes: false: nothing special ---- */

/* MOV R11, EA; MOV R11, gs:[R11 …] */
static bool
make_load(const struct verify *v, struct vstate *st, const struct vinsn *in, struct vval *ret)
{
	const struct vval *r11 = vs_value(st, R_11);

	if (in->osize < 4)
		return false;
	if (!in->mem) {
		*ret = (struct vval){ .kind = K_COPY, .reg = in->rm, .wide = in->w };
		return true;
	}
	if (!in->gs || r11->kind != K_INDEX)
		return false;
	*ret = (struct vval){ .kind = K_ENTRY, .reg = r11->reg, .write = in->disp == 8 };
	return true;
}

/* SHR R11, 8; SHL R11D, 4 */
static bool
make_shift(const struct verify *v, struct vstate *st, const struct vinsn *in, struct vval *ret)
{
	const struct vval *a = vs_value(st, in->rm);
	unsigned op = in->reg & 7;

	if (in->mem || in->osize < 4)
		return false;
	if (op == 5 && in->imm == 8 && a->kind == K_COPY && a->wide == in->w) {
		*ret = *a;
		ret->kind = K_SHIFT;
		return true;
	}
	if (op == 4 && in->imm == 4 && a->kind == K_XC16 && !in->w) {
		*ret = (struct vval){ .kind = K_XC };
		return true;
	}
	return false;
}

/* AND R11, index_mask: the mask leaves 36 bits of page number, all that an address has; the
 * 16 bits above would make the host's address one that is not canonical. */
static bool
make_wide_index(const struct verify *v, struct vstate *st, const struct vinsn *in, struct vval *ret)
{
	const struct vval *a = vs_value(st, in->reg);

	if (!in->mem || in->base != R_SP || in->disp != OF_CPU(hot.index_mask) || !in->w ||
	    a->kind != K_SHIFT || !a->wide || v->j->c->hot.index_mask != bits_mask(36) << 4)
		return false;
	*ret = (struct vval){ .kind = K_INDEX, .reg = a->reg };
	return true;
}

/* AND R11D, 0xfffff0; AND R11D, 0xfff */
static bool
make_and(const struct verify *v, struct vstate *st, const struct vinsn *in, struct vval *ret)
{
	const struct vval *a = vs_value(st, in->rm);

	if (in->mem || (in->reg & 7) != 4 || in->osize != 4)
		return false;
	if (in->imm == 0xfffff0 && a->kind == K_SHIFT && !a->wide && (st->z32 >> a->reg & 1)) {
		*ret = (struct vval){ .kind = K_INDEX, .reg = a->reg };
		return true;
	}
	if (in->imm == 0xfff && a->kind == K_COPY) {
		*ret = (struct vval){ .kind = K_OFF, .reg = a->reg };
		return true;
	}
	return false;
}

static bool
make_word(const struct verify *v, struct vstate *st, const struct vinsn *in, struct vval *ret)
{
	*ret = (struct vval){ .kind = K_XC16 };
	return !in->mem && in->osize == 4;
}

static bool
make_imm(const struct verify *v, struct vstate *st, const struct vinsn *in, struct vval *ret)
{
	*ret = (struct vval){ .kind = K_IMM, .imm = (uint64_t)in->imm };
	return !in->mem && (in->opc != 0xc7 || in->w);
}

static const struct {
	uint8_t map, first, last;
	bool (*fn)(
	    const struct verify *v, struct vstate *st, const struct vinsn *in, struct vval *ret);
} makers[] = {
	{ VMAP_1, 0x8b, 0x8b, make_load },
	{ VMAP_1, 0xc1, 0xc1, make_shift },
	{ VMAP_1, 0x23, 0x23, make_wide_index },
	{ VMAP_1, 0x81, 0x81, make_and },
	{ VMAP_0F, 0xb7, 0xb7, make_word },
	{ VMAP_1, 0xb8, 0xbf, make_imm },
	{ VMAP_1, 0xc7, 0xc7, make_imm },
};

static void
execute(struct verify *v, struct vstate *st, const struct vinsn *in)
{
	unsigned dest = destination(in);
	struct vval made = { 0 };
	bool some = false;

	for (unsigned i = 0; i < ARRAY_SIZE(makers) && !some && vs_scratch(dest) >= 0; i++)
		if (in->map == makers[i].map && in->opc >= makers[i].first &&
		    in->opc <= makers[i].last)
			some = makers[i].fn(v, st, in, &made);
	write_registers(st, in);
	if (!some)
		return;
	if (made.reg == dest && made.kind >= K_COPY && (made.kind <= K_OFF || made.kind == K_ENTRY))
		vs_demote(&made);
	*vs_value(st, dest) = made;
}

/* ---- LEA ---- */

/* Host pointers are made of a tested entry and its EA, or of another host pointer. */
static bool
lea_pointer(struct vstate *st, const struct vinsn *in, struct vval *ret)
{
	const struct vval *e = vs_value(st, R_11);

	if (!in->w || in->gs || in->base >= R_NONE)
		return false;
	if (vs_has_kind(st, in->base, K_HOST) && in->index == R_NONE) {
		*ret = *vs_value(st, in->base);
		ret->lo -= in->disp;
		ret->hi -= in->disp;
		return true;
	}
	if (in->index != R_11 || in->scale || e->kind != K_ENTRY || e->reg != in->base || !e->ok)
		return false;
	*ret = (struct vval){ .kind = K_HOST, .write = e->write };
	ret->lo = -1 - (int64_t)in->disp;
	ret->hi = ret->lo + st->span[in->base];
	return true;
}

const char *
verify_lea(struct vstate *st, const struct vinsn *in)
{
	struct vval made;

	if (in->reg == R_SP || in->base == R_SP || in->index == R_SP || in->gs)
		return "LEA with RSP or a segment";
	if (lea_pointer(st, in, &made)) {
		if (vs_scratch(in->reg) < 0)
			return "host pointer in the guest's register";
		write_registers(st, in);
		*vs_value(st, in->reg) = made;
		return NULL;
	}
	if ((in->base != R_NONE && !vs_usable(st, in->base)) ||
	    (in->index != R_NONE && !vs_usable(st, in->index)) ||
	    (!is_pure_write(in) && !vs_usable(st, in->reg)))
		return "LEA of a host address";
	write_registers(st, in);
	return NULL;
}

/* ---- flags ---- */

static bool
tests_entry(struct vstate *st, const struct vinsn *in)
{
	return vinsn_is(in, VMAP_1, 0xf6) && !in->mem && (in->reg & 7) == 0 && in->rm == R_11 &&
	       in->imm == 1 && vs_has_kind(st, R_11, K_ENTRY);
}

/* CMP of hot.mode with the block's, or of an exec slot: what is looked at; 0: something else */
static unsigned
looks_at(const struct verify *v, struct vstate *st, const struct vinsn *in)
{
	if (!in->mem || !vinsn_is(in, VMAP_1, 0x81) || (in->reg & 7) != 7 || in->size != 4)
		return 0;
	if (in->base == R_SP)
		return in->disp == OF_CPU(hot.mode) && (uint32_t)in->imm == v->b->mode ? LOOKED_MODE
		                                                                       : 0;
	return verify_exec_slot(v, st, in) * LOOKED_PAGE;
}

/* What the flags say after the instruction, which was seen to be allowed. */
static void
note_flags(const struct verify *v, struct vstate *st, const struct vinsn *in)
{
	unsigned op = in->reg & 7, low = (unsigned)in->imm & 0xff;
	const struct vval *a = vs_value(st, in->rm);

	st->flags = F_NONE;
	if (vinsn_is(in, VMAP_1, 0x3b) && in->gs && in->w && in->mem) {
		st->flags = F_TAG;
	} else if (looks_at(v, st, in)) {
		st->flags = F_LOOK;
		st->fval = (uint16_t)looks_at(v, st, in);
	} else if (in->mem || in->map != VMAP_1) {
		return;
	} else if (tests_entry(st, in)) {
		st->flags = F_VALID;
	} else if (in->opc == 0xf6 && op == 0 && (low & (low + 1)) == 0 && rm_of(in) == in->rm) {
		st->flags = F_ALIGN;
		st->freg = in->rm;
		st->fval = (uint16_t)(low + 1);
	} else if (in->opc == 0x81 && op == 7 && in->osize == 4 && a && a->kind == K_OFF &&
		   in->imm >= 0 && in->imm < MEM_PAGE) {
		st->flags = F_OFFSET;
		st->freg = a->reg;
		st->fval = (uint16_t)(MEM_PAGE - in->imm);
	}
}

/* On the side of a jump where the condition that cc names holds. */
void
vs_learn(struct vstate *st, unsigned cc)
{
	struct vval *r11 = vs_value(st, R_11);

	if (((st->flags == F_ALIGN && cc == 4) || (st->flags == F_OFFSET && cc == 6)) &&
	    st->span[st->freg] < st->fval)
		st->span[st->freg] = st->fval;
	if (st->flags == F_VALID && cc == 5)
		r11->ok = true;
	if (st->flags == F_LOOK && cc == 4)
		st->looked |= (uint8_t)st->fval;
	if (st->flags == F_TAG && cc == 4)
		r11->ok = true;
}

const char *
verify_plain(struct verify *v, struct vstate *st, const struct vinsn *in)
{
	const char *bad = in->mem ? verify_memory(v, st, in) : NULL;

	if (!bad && !tests_entry(st, in))
		bad = check_registers(st, in);
	if (bad)
		return bad;
	note_flags(v, st, in);
	execute(v, st, in);
	return NULL;
}
