/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is proven of a block, over every way through it:
 *
 *  - an access is to a slot of struct cpu that translated code may touch, to the flat table
 *    with a masked index, to the table for indirect jumps with a 16-bit index, to the block's
 *    own exec slots, or to the guest's memory: [EA + entry - 1] with an entry that was loaded
 *    for that very EA and seen to be valid, of the right kind, and no more bytes than are
 *    known to be in the page; or through a host pointer made of the two, inside its span;
 *  - control stays at the starts of the block's instructions, or leaves for the glue (with one
 *    of the block's own sites, links or itself in R10), for a linked block, or through the
 *    table for indirect jumps when its tag was just seen to be right;
 *  - RSP is no operand; host pointers and what a call left behind are never used as data.
 *
 * How: a forward pass with one abstract state an instruction that may be jumped to, repeated
 * until nothing changes.  States only ever lose facts, so that what is wrong in an early pass
 * is wrong.  A fact about a register dies when the register is written.
 */
#include "cpu/jit/verify.h"

#include "base/log.h"
#include "base/mem.h"
#include "cpu/jit/ftab.h"
#include "cpu/jit/verify_impl.h"

#define MAX_BYTES 65536u
#define MAX_INSNS 8192u
#define MAX_LOGS  8u /* failures in full */

/* ---- abstract state ---- */

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
enum vflags { F_NONE, F_ALIGN, F_VALID, F_OFFSET, F_TAG };

struct vstate {
	struct vval s[3];  /* R8 R10 R11 */
	uint16_t span[16]; /* so many bytes from this register's value on are in one page */
	uint16_t z32;      /* bit per register: its upper half is clear */
	uint8_t flags, freg;
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
	unsigned n, links_seen;
	bool changed;
	uint16_t at[MAX_BYTES]; /* offset → instruction + 1 */
	struct vinsn insn[MAX_INSNS];
	struct vstate state[MAX_INSNS]; /* of labels */
};

static int
scratch(unsigned reg)
{
	return reg == R_8 ? 0 : reg == R_10 ? 1 : reg == R_11 ? 2 : -1;
}

static struct vval *
value(struct vstate *st, unsigned reg)
{
	return scratch(reg) < 0 ? NULL : &st->s[scratch(reg)];
}

static bool
is_plain(const struct vval *v)
{
	return v->kind > K_DEAD && v->kind < K_ENTRY;
}

/* May it be used as data? */
static bool
usable(struct vstate *st, unsigned reg)
{
	const struct vval *v = value(st, reg);

	return reg != R_SP && (!v || is_plain(v));
}

static bool
has_kind(struct vstate *st, unsigned reg, enum vkind kind)
{
	const struct vval *v = value(st, reg);

	return v && v->kind == kind;
}

static void
demote(struct vval *v)
{
	*v = (struct vval){ .kind = is_plain(v) ? K_DATA : K_DEAD };
}

/* The register gets another value. */
static void
forget(struct vstate *st, unsigned reg)
{
	st->span[reg] = 1;
	for (unsigned i = 0; i < ARRAY_SIZE(st->s); i++) {
		struct vval *v = &st->s[i];

		if (v->reg == reg &&
		    ((v->kind >= K_COPY && v->kind <= K_OFF) || v->kind == K_ENTRY))
			demote(v);
	}
}

static struct vstate
state_of_entry(void)
{
	struct vstate st = { .live = true };

	for (unsigned i = 0; i < ARRAY_SIZE(st.span); i++)
		st.span[i] = 1;
	return st;
}

static void
meet_value(struct vval *a, const struct vval *b)
{
	bool ok = a->ok && b->ok;
	struct vval rest = *b;

	rest.ok = a->ok;
	if (memcmp(a, &rest, sizeof(*a)) == 0)
		a->ok = ok;
	else
		*a = (struct vval){ .kind = is_plain(a) && is_plain(b) ? K_DATA : K_DEAD };
}

static void
meet(struct vstate *a, const struct vstate *b)
{
	for (unsigned i = 0; i < ARRAY_SIZE(a->s); i++)
		meet_value(&a->s[i], &b->s[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(a->span); i++)
		if (b->span[i] < a->span[i])
			a->span[i] = b->span[i];
	a->z32 &= b->z32;
}

static void
flow_to(struct verify *v, unsigned i, const struct vstate *from)
{
	struct vstate *to = &v->state[i], old = *to;

	if (!to->live)
		*to = *from;
	else
		meet(to, from);
	to->flags = F_NONE;
	to->freg = 0;
	to->fval = 0;
	if (memcmp(to, &old, sizeof(old)) != 0)
		v->changed = true;
}

/* ---- slots ---- */

enum {
	S_R = 1,
	S_W = 2,
	S_COUNT = 4, /* only with a budget */
	S_SUPER = 8, /* written only by privileged code */
	S_LONG = 16, /* only by privileged 64-bit code */
	S_FLAG = 32, /* only IF changes */
	S_SITE = 64  /* numbers of own sites */
};
#define OF_CPU(f) ((int32_t)offsetof(struct cpu, f) - (int32_t)offsetof(struct cpu, gpr))
#define SLOT(f, how)                                                                               \
	{                                                                                          \
		OF_CPU(f), sizeof(((struct cpu *)0)->f), how                                       \
	}
#define SEG_SLOT(s) SLOT(seg[s].lbase, S_R), SLOT(seg[s].vlimit, S_R), SLOT(seg[s].ok, S_R)
static const struct slot {
	int32_t off;
	uint16_t size;
	uint8_t how;
} slots[] = {
	SLOT(gpr[8], S_R | S_W),
	SLOT(gpr[9], S_R | S_W),
	SLOT(gpr[10], S_R | S_W),
	SLOT(gpr[11], S_R | S_W),
	SLOT(gpr[REG_RIP], S_W),
	SLOT(hot.hf, S_R | S_W),
	SLOT(hot.mode, S_R),
	SLOT(hot.index_mask, S_R),
	SLOT(hot.tmp[2], S_R | S_W),
	SLOT(hot.tmp[3], S_R | S_W),
	SLOT(hot.fp, S_R),
	SLOT(hot.left, S_R | S_W | S_COUNT),
	SLOT(hot.x87_dp, S_W),
	SLOT(hot.x87_last, S_W | S_SITE),
	SLOT(hot.x87_mem, S_W | S_SITE),
	SLOT(eflags, S_R | S_W | S_SUPER | S_FLAG),
	SLOT(attention, S_R),
	SEG_SLOT(SEG_ES),
	SEG_SLOT(SEG_CS),
	SEG_SLOT(SEG_SS),
	SEG_SLOT(SEG_DS),
	SEG_SLOT(SEG_FS),
	SEG_SLOT(SEG_GS),
	SLOT(seg[SEG_GS].lbase, S_W | S_LONG),
	SLOT(seg[SEG_GS].base, S_R | S_W | S_LONG),
	SLOT(msr.kernel_gs_base, S_R | S_W | S_LONG),
};

static bool
own_site(const struct verify *v, uint64_t p)
{
	uint64_t off = p - (uint64_t)(uintptr_t)v->b->site;

	return off % sizeof(v->b->site[0]) == 0 && off / sizeof(v->b->site[0]) < v->b->nsites;
}

static bool
changes_if_only(const struct vinsn *in)
{
	unsigned op = in->reg & 7;

	if (in->map != VMAP_1 || in->opc != 0x81 || in->osize != 4)
		return false;
	return (op == 4 && (uint32_t)in->imm == ~(uint32_t)FL_IF) ||
	       (op == 1 && (uint32_t)in->imm == FL_IF);
}

static bool
slot_allows(const struct verify *v, const struct slot *s, const struct vinsn *in)
{
	bool super = !(v->mode & JIT_M_USER), is_long = (v->mode & JIT_M_BITS) == BITS64;

	if (in->disp < s->off || in->disp + in->size > s->off + s->size)
		return false;
	if ((in->read && !(s->how & S_R)) || (in->write && !(s->how & S_W)))
		return false;
	if ((s->how & S_COUNT) && !(v->mode & JIT_M_COUNT))
		return false;
	if ((s->how & S_LONG) && !(super && is_long))
		return false;
	if (in->write && (s->how & S_SUPER) && !super)
		return false;
	if (in->write && (s->how & S_FLAG) && !changes_if_only(in))
		return false;
	if (s->how & S_SITE) /* MOV of an immediate */
		return in->map == VMAP_1 && in->opc == 0xc7 && in->size == 4 &&
		       own_site(v, (uint64_t)(uintptr_t)v->j->meta + (uint32_t)in->imm);
	return true;
}

static const char *
check_slot(const struct verify *v, const struct vinsn *in)
{
	if (in->index != R_NONE || in->gs)
		return "slot with an index or a segment";
	for (unsigned i = 0; i < ARRAY_SIZE(slots); i++)
		if (slot_allows(v, &slots[i], in))
			return NULL;
	return "access to a slot that is not on the list";
}

/* ---- other memory ---- */

static bool
is_op(const struct vinsn *in, unsigned map, unsigned opc)
{
	return in->map == map && in->opc == opc;
}

/* gs:[R11 …] */
static const char *
check_table(struct vstate *st, const struct vinsn *in)
{
	const struct vval *r11 = value(st, R_11);
	int32_t xc = -(int32_t)JIT_XC_BYTES;

	if (in->base != R_11 || in->index != R_NONE)
		return "table with another register than R11";
	if (r11->kind == K_INDEX && (in->disp == 0 || in->disp == 8) && is_op(in, VMAP_1, 0x8b) &&
	    in->w && in->reg == R_11)
		return NULL;
	if (r11->kind == K_XC && in->disp == xc && is_op(in, VMAP_1, 0x3b) && in->w)
		return NULL;
	if (r11->kind == K_XC && in->disp == xc + 8 && in->op->kind == VK_INDIRECT)
		return r11->ok ? NULL : "indirect jump without a look at the tag";
	return "table with an index that is not masked";
}

static const char *
check_guest(struct vstate *st, const struct vinsn *in)
{
	const struct vval *e = value(st, R_11);

	if (in->index != R_11 || in->scale || in->disp != -1 || e->kind != K_ENTRY ||
	    e->reg != in->base)
		return "access without the entry of its address";
	if (!e->ok)
		return "access with an entry that was not tested";
	if (in->write && !e->write)
		return "store with an entry for loads";
	if (in->size > st->span[in->base])
		return "access beyond what was looked at";
	return NULL;
}

static const char *
check_host(struct vstate *st, const struct vinsn *in)
{
	const struct vval *h = value(st, in->base);

	if (in->index != R_NONE)
		return "host pointer with an index";
	if (in->disp < h->lo || in->disp + in->size > h->hi)
		return "access beyond a host pointer's span";
	return in->write && !h->write ? "store through a host pointer for loads" : NULL;
}

/* The block's own exec slots, which are compared with constants. */
static bool
is_exec_slot(const struct verify *v, struct vstate *st, const struct vinsn *in)
{
	const struct vval *a = value(st, in->base);
	const struct jit_block *b = v->b;
	bool user = v->mode & JIT_M_USER;
	uint64_t lin[2] = { b->lin, jit_second_page(v->j->c, b) };
	unsigned n = b->aoff2 != BLOCK_NOWHERE ? 2 : 1;

	if (!a || a->kind != K_IMM || in->index != R_NONE || in->disp || in->write ||
	    in->size != 4 || !is_op(in, VMAP_1, 0x81) || (in->reg & 7) != 7)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (a->imm == (uint64_t)(uintptr_t)ftab_exec_slot(v->j->ftab, user, lin[i]))
			return true;
	return false;
}

static const char *
check_memory(const struct verify *v, struct vstate *st, const struct vinsn *in)
{
	if (in->base == R_SP)
		return check_slot(v, in);
	if (in->index == R_SP)
		return "RSP as an index";
	if (in->op->kind == VK_INDIRECT && !in->gs)
		return "indirect jump through other memory";
	if (in->gs)
		return check_table(st, in);
	if (in->base == R_NONE)
		return "access to a fixed address";
	if (has_kind(st, in->base, K_HOST))
		return check_host(st, in);
	if (is_exec_slot(v, st, in))
		return NULL;
	return check_guest(st, in);
}

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
	    (reg_of(in) == R_SP || (((f & V_RR) || partial) && !usable(st, reg_of(in)))))
		return "RSP or a host address as an operand";
	if (rm_is_gpr(in) &&
	    (rm_of(in) == R_SP || (((f & V_RM) || partial) && !usable(st, rm_of(in)))))
		return "RSP or a host address as an operand";
	if ((f & V_OPREG) && (in->rm == R_SP || ((f & V_RR) && !usable(st, in->rm))))
		return "RSP or a host address as an operand";
	if ((f & V_VV) && !usable(st, in->vvvv))
		return "RSP or a host address as an operand";
	return NULL;
}

static void
write_register(struct vstate *st, const struct vinsn *in, unsigned reg)
{
	struct vval *v = value(st, reg);

	forget(st, reg);
	if (in->osize == 8)
		st->z32 &= (uint16_t) ~(1u << reg);
	else if (in->osize == 4 && !(in->op->flags & V_B))
		st->z32 |= (uint16_t)(1u << reg);
	if (v)
		*v = (struct vval){ .kind = K_DATA };
}

static void
write_implied(struct vstate *st, unsigned reg)
{
	forget(st, reg);
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
		write_implied(st, R_AX);
	if (f & V_DX)
		write_implied(st, R_DX);
	if (f & V_CX)
		write_implied(st, R_CX);
}

/* ---- what an instruction makes: false: nothing special ---- */

/* MOV R11, EA; MOV R11, gs:[R11 …] */
static bool
make_load(const struct verify *v, struct vstate *st, const struct vinsn *in, struct vval *ret)
{
	const struct vval *r11 = value(st, R_11);

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
	const struct vval *a = value(st, in->rm);
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
	const struct vval *a = value(st, in->reg);

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
	const struct vval *a = value(st, in->rm);

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

	for (unsigned i = 0; i < ARRAY_SIZE(makers) && !some && scratch(dest) >= 0; i++)
		if (in->map == makers[i].map && in->opc >= makers[i].first &&
		    in->opc <= makers[i].last)
			some = makers[i].fn(v, st, in, &made);
	write_registers(st, in);
	if (!some)
		return;
	if (made.reg == dest && made.kind >= K_COPY && (made.kind <= K_OFF || made.kind == K_ENTRY))
		demote(&made);
	*value(st, dest) = made;
}

/* ---- LEA ---- */

/* Host pointers are made of a tested entry and its EA, or of another host pointer. */
static bool
lea_pointer(struct vstate *st, const struct vinsn *in, struct vval *ret)
{
	const struct vval *e = value(st, R_11);

	if (!in->w || in->gs || in->base >= R_NONE)
		return false;
	if (has_kind(st, in->base, K_HOST) && in->index == R_NONE) {
		*ret = *value(st, in->base);
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

static const char *
step_lea(struct vstate *st, const struct vinsn *in)
{
	struct vval made;

	if (in->reg == R_SP || in->base == R_SP || in->index == R_SP || in->gs)
		return "LEA with RSP or a segment";
	if (lea_pointer(st, in, &made)) {
		if (scratch(in->reg) < 0)
			return "host pointer in the guest's register";
		write_registers(st, in);
		*value(st, in->reg) = made;
		return NULL;
	}
	if ((in->base != R_NONE && !usable(st, in->base)) ||
	    (in->index != R_NONE && !usable(st, in->index)) ||
	    (!is_pure_write(in) && !usable(st, in->reg)))
		return "LEA of a host address";
	write_registers(st, in);
	return NULL;
}

/* ---- flags ---- */

static bool
tests_entry(struct vstate *st, const struct vinsn *in)
{
	return is_op(in, VMAP_1, 0xf6) && !in->mem && (in->reg & 7) == 0 && in->rm == R_11 &&
	       in->imm == 1 && has_kind(st, R_11, K_ENTRY);
}

/* What the flags say after the instruction, which was seen to be allowed. */
static void
note_flags(struct vstate *st, const struct vinsn *in)
{
	unsigned op = in->reg & 7, low = (unsigned)in->imm & 0xff;
	const struct vval *a = value(st, in->rm);

	st->flags = F_NONE;
	if (is_op(in, VMAP_1, 0x3b) && in->gs && in->w && in->mem) {
		st->flags = F_TAG;
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
static void
learn(struct vstate *st, unsigned cc)
{
	struct vval *r11 = value(st, R_11);

	if (((st->flags == F_ALIGN && cc == 4) || (st->flags == F_OFFSET && cc == 6)) &&
	    st->span[st->freg] < st->fval)
		st->span[st->freg] = st->fval;
	if (st->flags == F_VALID && cc == 5)
		r11->ok = true;
	if (st->flags == F_TAG && cc == 4)
		r11->ok = true;
}

/* ---- control ---- */

static uint32_t
target_of(const struct verify *v, const struct vinsn *in)
{
	return v->b->code + in->off + in->len + (uint32_t)in->imm;
}

/* The instruction at a cache offset. */
static struct vinsn *
insn_at(struct verify *v, uint32_t at)
{
	uint32_t off = at - v->b->code;

	return off < v->bytes && v->at[off] ? &v->insn[v->at[off] - 1] : NULL;
}

static const char *
jump_to(struct verify *v, uint32_t to, const struct vstate *st)
{
	struct vinsn *in = insn_at(v, to);

	if (!in)
		return "jump to where no instruction begins";
	flow_to(v, (unsigned)(in - v->insn), st);
	return NULL;
}

static const struct jit_link *
link_at(const struct verify *v, const struct vinsn *in)
{
	for (unsigned i = 0; i < ARRAY_SIZE(v->b->link); i++)
		if (v->b->link[i].at && v->b->link[i].at == v->b->code + in->imm_at)
			return &v->b->link[i];
	return NULL;
}

static const char *
check_link(struct verify *v, const struct jit_link *l, uint32_t to, const struct vstate *st)
{
	const struct jit_block *t = l->to;
	bool near_by = !((l->rip ^ v->b->rip) >> MEM_PAGE_SHIFT);

	if (l->direct && !near_by)
		return "direct link to another page";
	if (to != l->stub) {
		if (!t || t->dead || t->mode != v->b->mode || t->rip != l->rip ||
		    to != (l->direct ? t->entry : t->xentry) ||
		    (t != v->b && jit_block_at(v->j, jit_host(v->j, t->code)) != t))
			return "link to something else than its block";
	}
	return jump_to(v, l->stub, st);
}

/* Jumps to the glue: what R10 must be. */
static const char *
check_glue(const struct verify *v, struct vstate *st, uint32_t to)
{
	const struct vval *r10 = value(st, R_10);
	const struct jit_block *b = v->b;
	uint64_t p = r10->imm;

	if (to != v->j->g.handler && to != v->j->g.indirect && to != v->j->g.link &&
	    to != v->j->g.miss)
		return "jump out of the block";
	if (r10->kind != K_IMM)
		return "glue without a pointer in R10";
	if (to == v->j->g.miss)
		return p == (uint64_t)(uintptr_t)b ? NULL : "glue with another block";
	if (to != v->j->g.link)
		return own_site(v, p) ? NULL : "glue with what is no site of the block";
	for (unsigned i = 0; i < ARRAY_SIZE(b->link); i++)
		if (b->link[i].at && p == (uint64_t)(uintptr_t)&b->link[i])
			return NULL;
	return "glue with what is no link of the block";
}

static const char *
step_jmp(struct verify *v, struct vstate *st, const struct vinsn *in)
{
	const struct jit_link *l = link_at(v, in);
	uint32_t to = target_of(v, in);
	const char *bad;

	if (l)
		bad = check_link(v, l, to, st);
	else if (insn_at(v, to))
		bad = jump_to(v, to, st);
	else
		bad = check_glue(v, st, to);
	st->live = false;
	return bad;
}

static const char *
step_jcc(struct verify *v, struct vstate *st, const struct vinsn *in)
{
	const struct jit_link *l = link_at(v, in);
	struct vstate taken = *st;
	unsigned cc = in->opc & 15;

	learn(&taken, cc);
	learn(st, cc ^ 1);
	st->flags = F_NONE;
	if (l)
		return check_link(v, l, target_of(v, in), &taken);
	return jump_to(v, target_of(v, in), &taken);
}

static const char *
step_loop(struct verify *v, struct vstate *st, const struct vinsn *in)
{
	st->flags = F_NONE;
	if (in->opc != 0xe3)
		write_implied(st, R_CX);
	return jump_to(v, target_of(v, in), st);
}

/* The fill keeps all but R11; loading floating-point registers all but R10 and R11. */
static const char *
step_call(struct verify *v, struct vstate *st, const struct vinsn *in)
{
	uint32_t to = target_of(v, in);
	const struct jit *j = v->j;
	bool fill = to == j->g_fill[0] || to == j->g_fill[1];

	if (!fill && to != j->g_fp[0] && to != j->g_fp[1])
		return "call of something else";
	if (fill && !usable(st, R_10))
		return "fill for a host address";
	st->flags = F_NONE;
	*value(st, R_11) = (struct vval){ .kind = K_DEAD };
	if (!fill) {
		forget(st, R_10);
		*value(st, R_10) = (struct vval){ .kind = K_DEAD };
		st->z32 &= (uint16_t) ~(1u << R_10);
	}
	forget(st, R_11);
	st->z32 &= (uint16_t) ~(1u << R_11);
	return NULL;
}

static const char *
step_plain(struct verify *v, struct vstate *st, const struct vinsn *in)
{
	const char *bad = in->mem ? check_memory(v, st, in) : NULL;

	if (!bad && !tests_entry(st, in))
		bad = check_registers(st, in);
	if (bad)
		return bad;
	note_flags(st, in);
	execute(v, st, in);
	return NULL;
}

static const char *
step(struct verify *v, struct vstate *st, const struct vinsn *in)
{
	const char *bad;

	switch (in->op->kind) {
	case VK_LEA: st->flags = F_NONE; return step_lea(st, in);
	case VK_JMP: return step_jmp(v, st, in);
	case VK_JCC: return step_jcc(v, st, in);
	case VK_CALL: return step_call(v, st, in);
	case VK_LOOP: return step_loop(v, st, in);
	case VK_INDIRECT:
		bad = check_memory(v, st, in);
		st->live = false;
		return bad;
	default: return step_plain(v, st, in);
	}
}

/* ---- the block ---- */

static const char *
decode_all(struct verify *v, uint32_t *ret_at)
{
	uint32_t off = 0;
	bool hole = false;

	memset(v->at, 0, v->bytes * sizeof(v->at[0]));
	v->n = 0;
	while (off < v->bytes) {
		struct vinsn *in = &v->insn[v->n];
		const char *bad;
		uint32_t end = off < v->hole ? v->hole : v->bytes;

		*ret_at = off;
		if (off == v->hole) { /* jit_block_of_xentry() */
			off += 8;
			hole = true;
			continue;
		}
		if (v->n == MAX_INSNS)
			return "too many instructions";
		in->off = off;
		if ((bad = vinsn_decode(&v->index, in, v->code + off, end - off)))
			return bad;
		in->hole = hole;
		hole = false;
		v->at[off] = (uint16_t)++v->n;
		off += in->len;
	}
	return NULL;
}

static const char *
mark(struct verify *v, uint32_t at)
{
	struct vinsn *in = insn_at(v, at);

	if (!in)
		return "way in that is no instruction";
	in->label = true;
	return NULL;
}

/* Where states meet. */
static const char *
find_labels(struct verify *v, uint32_t *ret_at)
{
	const struct jit_block *b = v->b;
	const char *bad = NULL;

	for (unsigned i = 0; i < v->n; i++) {
		const struct vinsn *in = &v->insn[i];

		if (in->op->kind >= VK_JMP && in->op->kind <= VK_LOOP &&
		    insn_at(v, target_of(v, in)))
			(void)mark(v, target_of(v, in));
	}
	*ret_at = 0;
	if ((bad = mark(v, b->entry)) || (bad = mark(v, b->xentry)))
		return bad;
	for (unsigned i = 0; i < b->nsites && !bad; i++)
		if (b->site[i].resume)
			bad = mark(v, b->site[i].resume);
	for (unsigned i = 0; i < ARRAY_SIZE(b->link) && !bad; i++)
		if (b->link[i].at)
			bad = mark(v, b->link[i].stub);
	for (unsigned i = 0; i < v->n; i++)
		if (v->insn[i].label)
			v->state[i].live = false;
	return bad;
}

static void
enter_from_outside(struct verify *v)
{
	const struct jit_block *b = v->b;
	struct vstate st = state_of_entry();

	flow_to(v, (unsigned)(insn_at(v, b->entry) - v->insn), &st);
	flow_to(v, (unsigned)(insn_at(v, b->xentry) - v->insn), &st);
	for (unsigned i = 0; i < b->nsites; i++)
		if (b->site[i].resume)
			flow_to(v, (unsigned)(insn_at(v, b->site[i].resume) - v->insn), &st);
}

static const char *
pass(struct verify *v, uint32_t *ret_at)
{
	struct vstate st = { 0 };

	for (unsigned i = 0; i < v->n; i++) {
		const struct vinsn *in = &v->insn[i];
		const char *bad;

		*ret_at = in->off;
		if (in->hole && st.live)
			return "runs into data";
		if (in->label) {
			if (st.live)
				flow_to(v, i, &st);
			st = v->state[i];
		}
		if (st.live && (bad = step(v, &st, in)))
			return bad;
	}
	return st.live ? "runs off its end" : NULL;
}

/* Links' jumps are where they say. */
static const char *
check_link_places(struct verify *v, uint32_t *ret_at)
{
	const struct jit_block *b = v->b;

	for (unsigned i = 0; i < ARRAY_SIZE(b->link); i++) {
		bool found = !b->link[i].at;

		for (unsigned k = 0; k < v->n && !found; k++)
			found = (v->insn[k].op->kind == VK_JMP || v->insn[k].op->kind == VK_JCC) &&
			        b->code + v->insn[k].imm_at == b->link[i].at;
		*ret_at = b->link[i].at - b->code;
		if (!found)
			return "link that is no jump";
	}
	return NULL;
}

static const char *
look(struct verify *v, uint32_t *ret_at)
{
	const struct jit_block *b = v->b;
	const char *bad;

	*ret_at = 0;
	if (b->end <= b->code || b->end > v->j->size || b->end - b->code > MAX_BYTES ||
	    b->code < v->j->glue_end || b->xentry < b->code + 8 || b->xentry >= b->end)
		return "bounds of the block";
	v->hole = b->xentry - 8 - b->code;
	if (get_le64(v->code + v->hole) != (uint64_t)(uintptr_t)b)
		return "another block's pointer before the entry";
	if ((bad = decode_all(v, ret_at)) || (bad = find_labels(v, ret_at)) ||
	    (bad = check_link_places(v, ret_at)))
		return bad;
	enter_from_outside(v);
	do {
		v->changed = false;
		if ((bad = pass(v, ret_at)))
			return bad;
	} while (v->changed);
	return NULL;
}

const char *
jit_verify(struct jit *j, const struct jit_block *b, uint32_t *ret_off)
{
	struct verify *v = j->verify;
	const char *bad;
	uint32_t at = 0;

	if (!v) {
		if (!(v = j->verify = try_alloc(1, sizeof(*v))))
			return "not enough memory to verify";
		vop_index_make(&v->index);
	}
	v->j = j;
	v->b = b;
	v->code = j->rw + b->code;
	v->bytes = b->end - b->code;
	v->mode = j->mode[b->mode].bits;
	bad = look(v, &at);
	if (ret_off)
		*ret_off = b->code + at;
	return bad;
}

void
jit_verify_free(struct jit *j)
{
	mem_free(j->verify);
	j->verify = NULL;
}

static void
log_bytes(const struct jit *j, const struct jit_block *b)
{
	static const char digit[] = "0123456789abcdef";

	for (uint32_t at = b->code; at < b->end; at += 32) {
		char line[3 * 32 + 1], *p = line;

		for (uint32_t i = at; i < b->end && i < at + 32; i++) {
			*p++ = digit[j->rw[i] >> 4];
			*p++ = digit[j->rw[i] & 15];
			*p++ = ' ';
		}
		*p = 0;
		log_error("  %06x: %s", at, line);
	}
}

bool
jit_verified(struct jit *j, const struct jit_block *b)
{
	uint32_t at = 0;
	const char *bad = jit_verify(j, b, &at);

	if (!bad)
		return true;
	if (j->stat.unverified++ < MAX_LOGS) {
		log_error("translated code of %llx breaks a rule at %06x: %s",
		    (unsigned long long)b->rip, at, bad);
		log_bytes(j, b);
	}
	return false;
}
