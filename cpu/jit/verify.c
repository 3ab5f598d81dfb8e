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
 *  - nothing of this happens on the way from `xentry` before the mode is the block's and its
 *    pages are where they were;
 *  - RSP is no operand; host pointers and what a call left behind are never used as data.
 *
 * How: a forward pass with one abstract state an instruction that may be jumped to, repeated
 * until nothing changes.  States only ever lose facts, so that what is wrong in an early pass
 * is wrong.  A fact about a register dies when the register is written.
 */
#include "cpu/jit/verify.h"

#include "base/log.h"
#include "base/mem.h"
#include "cpu/jit/verify_impl.h"

#define MAX_LOGS 8u /* failures in full */

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
	vs_flow_to(v, (unsigned)(in - v->insn), st);
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

	if (st->looked != LOOKED_ALL)
		return "leaves before it is known that the block may run";
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
	const struct vval *r10 = vs_value(st, R_10);
	const struct jit_block *b = v->b;
	uint64_t p = r10->imm;

	if (to != v->j->g.handler && to != v->j->g.indirect && to != v->j->g.link &&
	    to != v->j->g.miss)
		return "jump out of the block";
	if (to != v->j->g.miss && st->looked != LOOKED_ALL)
		return "leaves before it is known that the block may run";
	if (r10->kind != K_IMM)
		return "glue without a pointer in R10";
	if (to == v->j->g.miss)
		return p == (uint64_t)(uintptr_t)b ? NULL : "glue with another block";
	if (to != v->j->g.link)
		return verify_own_site(v, p) ? NULL : "glue with what is no site of the block";
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

	vs_learn(&taken, cc);
	vs_learn(st, cc ^ 1);
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
		vs_write_implied(st, R_CX);
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
	if (st->looked != LOOKED_ALL)
		return "call before it is known that the block may run";
	if (fill && !vs_usable(st, R_10))
		return "fill for a host address";
	st->flags = F_NONE;
	*vs_value(st, R_11) = (struct vval){ .kind = K_DEAD };
	if (!fill) {
		vs_forget(st, R_10);
		*vs_value(st, R_10) = (struct vval){ .kind = K_DEAD };
		st->z32 &= (uint16_t) ~(1u << R_10);
	}
	vs_forget(st, R_11);
	st->z32 &= (uint16_t) ~(1u << R_11);
	return NULL;
}

static const char *
step(struct verify *v, struct vstate *st, const struct vinsn *in)
{
	const char *bad;

	switch (in->op->kind) {
	case VK_LEA: st->flags = F_NONE; return verify_lea(st, in);
	case VK_JMP: return step_jmp(v, st, in);
	case VK_JCC: return step_jcc(v, st, in);
	case VK_CALL: return step_call(v, st, in);
	case VK_LOOP: return step_loop(v, st, in);
	case VK_INDIRECT:
		bad = verify_memory(v, st, in);
		st->live = false;
		return bad;
	default: return verify_plain(v, st, in);
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
		if (v->n == VERIFY_INSNS)
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
	struct vstate st = vs_of_entry();
	bool two = b->aoff2 != BLOCK_NOWHERE;

	st.looked = two ? 0 : LOOKED_SECOND;
	vs_flow_to(v, (unsigned)(insn_at(v, b->xentry) - v->insn), &st);
	/* who comes to `entry` has looked, but knows of one page only */
	st.looked = two ? 0 : LOOKED_ALL;
	vs_flow_to(v, (unsigned)(insn_at(v, b->entry) - v->insn), &st);
	st.looked = LOOKED_ALL;
	for (unsigned i = 0; i < b->nsites; i++)
		if (b->site[i].resume)
			vs_flow_to(v, (unsigned)(insn_at(v, b->site[i].resume) - v->insn), &st);
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
				vs_flow_to(v, i, &st);
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
	if (b->end <= b->code || b->end > v->j->size || b->end - b->code > VERIFY_BYTES ||
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
