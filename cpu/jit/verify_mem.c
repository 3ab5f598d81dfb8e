/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory operands: which are allowed, with what is known. */
#include "cpu/jit/ftab.h"
#include "cpu/jit/verify_impl.h"

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

bool
verify_own_site(const struct verify *v, uint64_t p)
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
		       verify_own_site(v, (uint64_t)(uintptr_t)v->j->meta + (uint32_t)in->imm);
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

/* gs:[R11 …] */
static const char *
check_table(struct vstate *st, const struct vinsn *in)
{
	const struct vval *r11 = vs_value(st, R_11);
	int32_t xc = -(int32_t)JIT_XC_BYTES;

	if (in->base != R_11 || in->index != R_NONE)
		return "table with another register than R11";
	if (r11->kind == K_INDEX && (in->disp == 0 || in->disp == 8) &&
	    vinsn_is(in, VMAP_1, 0x8b) && in->w && in->reg == R_11)
		return NULL;
	if (r11->kind == K_XC && in->disp == xc && vinsn_is(in, VMAP_1, 0x3b) && in->w &&
	    in->reg == R_10)
		return NULL;
	if (r11->kind == K_XC && in->disp == xc + 8 && in->op->kind == VK_INDIRECT)
		return r11->ok ? NULL : "indirect jump without a look at the tag";
	return "table with an index that is not masked";
}

static const char *
check_guest(struct vstate *st, const struct vinsn *in)
{
	const struct vval *e = vs_value(st, R_11);

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
	const struct vval *h = vs_value(st, in->base);

	if (in->index != R_NONE)
		return "host pointer with an index";
	if (in->disp < h->lo || in->disp + in->size > h->hi)
		return "access beyond a host pointer's span";
	return in->write && !h->write ? "store through a host pointer for loads" : NULL;
}

/* Which of the block's pages' exec slots it compares with the page that belongs there: bits. */
unsigned
verify_exec_slot(const struct verify *v, struct vstate *st, const struct vinsn *in)
{
	const struct vval *a = vs_value(st, in->base);
	const struct jit_block *b = v->b;
	bool user = v->mode & JIT_M_USER;
	uint64_t lin[2] = { b->lin, jit_second_page(v->j->c, b) }, aoff[2] = { b->aoff, b->aoff2 };
	unsigned found = 0;

	if (!a || a->kind != K_IMM || in->index != R_NONE || in->disp || in->write ||
	    in->size != 4 || !vinsn_is(in, VMAP_1, 0x81) || (in->reg & 7) != 7)
		return 0;
	for (unsigned i = 0; i < 2 && aoff[i] != BLOCK_NOWHERE; i++)
		if (a->imm == (uint64_t)(uintptr_t)ftab_exec_slot(v->j->ftab, user, lin[i]) &&
		    (uint32_t)in->imm == ftab_exec_id(aoff[i]))
			found |= 1u << i;
	return found;
}

const char *
verify_memory(const struct verify *v, struct vstate *st, const struct vinsn *in)
{
	if (in->base == R_SP)
		return check_slot(v, in);
	if (in->index == R_SP)
		return "RSP as an index";
	if (st->looked != LOOKED_ALL && !verify_exec_slot(v, st, in))
		return "access before it is known that the block may run";
	if (in->op->kind == VK_INDIRECT && !in->gs)
		return "indirect jump through other memory";
	if (in->gs)
		return check_table(st, in);
	if (in->base == R_NONE)
		return "access to a fixed address";
	if (vs_has_kind(st, in->base, K_HOST))
		return check_host(st, in);
	return verify_exec_slot(v, st, in) ? NULL : check_guest(st, in);
}
