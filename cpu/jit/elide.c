/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks shared by base register.  Several accesses of a block at constant distances from one
 * register, which keeps its value (or, RSP, moves by constants), make a group: the first one
 * checks that all of them lie in one page that the table has, and leaves in R8 the host address
 * that belongs to the register; the others are [R8 + constant], and leave the flags alone.
 *
 * When they do not lie in one page, the same instructions are executed out of line, each with
 * its own check, and the block goes on behind the group.
 *
 * R8 does not outlive a call of C: a slow path inside a group leaves the block.
 */
#include "cpu/jit/tr.h"

#define SPAN_MAX 512

/* One access relative to a register, as it will be asked for. */
struct operand {
	unsigned reg; /* guest */
	int64_t disp;
	unsigned size;
	bool write;
};

static bool
is_stack_op(unsigned op)
{
	return op == OP_PUSH || op == OP_PUSH_IMM || op == OP_POP || op == OP_RET ||
	       op == OP_RET_IMM || op == OP_CALL_REL || op == OP_CALL;
}

static bool
pushes(unsigned op)
{
	return op == OP_PUSH || op == OP_PUSH_IMM || op == OP_CALL_REL || op == OP_CALL;
}

static unsigned
native_size(const struct tr *t)
{
	return t->bits == BITS64 ? 3 : 2;
}

static bool
stack_operand(const struct tr *t, const struct insn *in, struct operand *ret)
{
	unsigned size = 1u << in->osize;

	if (!is_stack_op(in->op) || in->kind[0] == OPD_MEM ||
	    (t->mode->bits & JIT_M_STACK) >> 4 != native_size(t) ||
	    jit_mode_seg(t->mode, SEG_SS) != JIT_SEG_FLAT)
		return false;
	*ret =
	    (struct operand){ REG_SP, pushes(in->op) ? -(int64_t)size : 0, size, pushes(in->op) };
	return true;
}

static bool
operand_of(struct tr *t, const struct insn *in, struct operand *ret)
{
	unsigned access;

	if (stack_operand(t, in, ret))
		return true;
	if (!(in->flags & INSN_MEM) || (in->flags & INSN_FPU) || in->base >= 16 ||
	    in->index != REG_ZERO || in->asize != native_size(t) || (in->prefix & PFX_LOCK) ||
	    in->op == OP_XCHG || jit_mode_seg(t->mode, in->seg) != JIT_SEG_FLAT ||
	    in->disp != (int32_t)in->disp)
		return false;
	ret->reg = in->base;
	ret->disp = in->disp;
	ret->size = tr_copy_operand(in, &t->raw, &access);
	ret->write = access & ACC_W;
	return ret->size != 0;
}

/* How far the instruction moves RSP by a constant; false: otherwise, or not known. */
static bool
sp_moves(const struct tr *t, const struct insn *in, int64_t *ret_by)
{
	struct operand o;

	*ret_by = 0;
	if (stack_operand(t, in, &o)) {
		*ret_by = pushes(in->op) ? -(int64_t)o.size : o.size;
		return in->op != OP_POP || in->reg[0] != REG_SP;
	}
	if (is_stack_op(in->op)) /* PUSH and POP with memory, and their like */
		return false;
	if ((in->op == OP_ADD || in->op == OP_SUB) && in->kind[0] == OPD_REG &&
	    in->reg[0] == REG_SP && in->kind[1] == OPD_IMM && in->osize == native_size(t)) {
		*ret_by = in->op == OP_ADD ? (int64_t)in->imm : -(int64_t)in->imm;
		return *ret_by > -4096 && *ret_by < 4096;
	}
	return !tr_writes_reg(in, REG_SP);
}

/* Does the instruction go without C, and without R8? */
static bool
keeps_r8(const struct insn *in)
{
	if (in->op >= OP_COUNT || in->op == OP_PUSHF)
		return false;
	return tr_is_integer(in->op) || (in->flags & (INSN_FPU | INSN_MMX | INSN_SSE | INSN_AVX));
}

struct range {
	int64_t lo, hi; /* relative to the register's value at the group's start */
	bool write;
	unsigned n, last;
};

static bool
widen(struct range *r, const struct operand *o, int64_t moved, unsigned i)
{
	int64_t lo = moved + o->disp, hi = lo + o->size;

	lo = r->n && r->lo < lo ? r->lo : lo;
	hi = r->n && r->hi > hi ? r->hi : hi;
	if (hi - lo > SPAN_MAX)
		return false;
	r->lo = lo;
	r->hi = hi;
	r->write |= o->write;
	r->n++;
	r->last = i;
	return true;
}

/* The accesses from instruction `first` on that share its register. */
static struct range
look_ahead(struct tr *t, unsigned first, unsigned reg)
{
	struct range r = { 0 };
	int64_t moved = 0, by;

	for (unsigned i = first; i < t->gb->n; i++) {
		const struct insn *in = &t->gb->insn[i].in;
		struct operand o;

		if (!keeps_r8(in))
			break;
		tr_parse(t, i);
		if (operand_of(t, in, &o) && o.reg == reg && !widen(&r, &o, moved, i))
			break;
		if (reg == REG_SP) {
			if (!sp_moves(t, in, &by))
				break;
			moved += by;
		} else if (tr_writes_reg(in, reg)) {
			break;
		}
		if (in->flags & INSN_ENDS_BLOCK)
			break;
	}
	return r;
}

void
tr_elide_plan(struct tr *t)
{
	memset(t->group_of, 0, sizeof(t->group_of));
	t->ngroups = 0;
	if (t->j->exact || (t->mode->bits & JIT_M_COUNT) || t->bits == BITS16)
		return;
	for (unsigned i = 0; i < t->gb->n; i++) {
		const struct insn *in = &t->gb->insn[i].in;
		struct tr_group *g = &t->group[t->ngroups + 1];
		struct operand o;
		struct range r;

		if (t->ngroups + 1 == TR_MAX_GROUPS || !keeps_r8(in))
			continue;
		tr_parse(t, i);
		if (!operand_of(t, in, &o))
			continue;
		r = look_ahead(t, i, o.reg);
		if (r.n < 2)
			continue;
		*g = (struct tr_group){ .first = (uint8_t)i,
			.last = (uint8_t)r.last,
			.reg = (uint8_t)o.reg,
			.write = r.write,
			.lo = (int32_t)r.lo,
			.hi = (int32_t)r.hi };
		t->ngroups++;
		for (unsigned k = i; k <= r.last; k++)
			t->group_of[k] = (uint8_t)t->ngroups;
		i = r.last;
	}
}

/* Host RSP's value of the group's register, as far as instruction t->i. */
static int64_t
moved_by(const struct tr *t, const struct tr_group *g)
{
	int64_t sum = 0, by;

	if (g->reg != REG_SP)
		return 0;
	for (unsigned i = g->first; i < t->i; i++) {
		(void)sp_moves(t, &t->gb->insn[i].in, &by);
		sum += by;
	}
	return sum;
}

static void
group_check(struct tr *t, struct tr_group *g)
{
	struct hmem low = hmem_at(H_R10, g->lo), host = { .base = H_R10, .index = H_R11 };
	struct tr_stub *s;
	bool wide = t->bits == BITS64;

	tr_flags_clobber(t);
	low.base = (uint8_t)tr_get(t, g->reg, H_R10);
	emit_lea(&t->e, wide, H_R10, &low);
	tr_entry_code(t, g->write);
	emit_mov32(&t->e, H_R8, H_R10);
	emit_alu_imm(&t->e, 0, 4, H_R8, 0xfff);
	emit_alu_imm(&t->e, 0, 7, H_R8, (int32_t)MEM_PAGE - (g->hi - g->lo));
	s = tr_stub(t, STUB_GROUP, emit_jcc(&t->e, CC_A, 0));
	if (s)
		s->size = t->group_of[t->i];
	g->hf = t->hf;
	g->fp = t->fp;
	host.disp = -1 - g->lo;
	emit_lea(&t->e, true, H_R8, &host);
}

bool
tr_elide(struct tr *t, unsigned reg, int64_t disp, unsigned size, bool write, struct hmem *ret)
{
	struct tr_group *g = &t->group[t->group_of[t->i]];
	int64_t at;

	if (t->alone || !t->group_of[t->i] || g->reg != reg)
		return false;
	at = moved_by(t, g) + disp;
	if (at < g->lo || at + size > g->hi || (write && !g->write))
		return false;
	if (t->i == g->first)
		group_check(t, g);
	else if (!g->checked)
		return false;
	g->checked = true;
	*ret = hmem_at(H_R8, (int32_t)at);
	return true;
}

/* Is R8 wanted behind the current instruction? Then a handler cannot come back there. */
bool
tr_in_group(const struct tr *t, unsigned i)
{
	return !t->alone && t->group_of[i] && i < t->group[t->group_of[i]].last;
}

/* Where the out-of-line instructions end, the flags must be where the group left them. */
static void
join(struct tr *t, const struct tr_group *g)
{
	if (t->ended)
		return;
	if (t->post_ef[g->last] && !t->ef && t->hf)
		tr_flags_load_code(&t->e);
	else if (t->post_hf[g->last] && !t->hf && t->ef)
		tr_flags_save_code(&t->e);
	emit_jmp(&t->e, t->after[g->last]);
}

/* The group once more, each access with its own check. */
void
tr_group_stub(struct tr *t, const struct tr_stub *s)
{
	const struct tr_group *g = &t->group[s->size];

	t->alone = true;
	t->ended = false;
	t->ef = false;
	t->hf = g->hf;
	t->fp = g->fp;
	for (t->i = g->first; t->i <= g->last && !t->failed; t->i++) {
		t->s = t->nsites++;
		tr_one(t);
	}
	join(t, g);
	t->alone = false;
}
