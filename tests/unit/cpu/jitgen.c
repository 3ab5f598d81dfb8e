/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frame of a random program: instructions with known borders, branches between them, and
 * which flags have a defined value where.  Single instructions come from jitinsn.c.
 */
#include "tests/unit/cpu/jitgen.h"

#include "tests/unit/cpu/jitinsn.h"

#include <stdio.h>
#include <string.h>

enum { ALL_FLAGS = FLG_C | FLG_P | FLG_A | FLG_Z | FLG_S | FLG_O };

uint64_t
jit_rnd(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint64_t
jit_pointer(const struct jit_program *p, uint64_t *rng)
{
	uint32_t pages = p->seg_limit[SEG_DS] >> 12, off = jit_pick(rng, 4096) & ~31u;
	uint32_t page = JIT_DATA + jit_pick(rng, pages > 7 ? 7 : pages) * 4096;
	unsigned how = jit_pick(rng, 32);

	if (how < 5)
		off = 4096 - 1 - jit_pick(rng, 40); /* crosses */
	if (pages > 7 && (how < 3 || how == 5 || how == 6))
		page = JIT_PAGE_ABSENT - 4096 + jit_pick(rng, 9) * 4096;
	if (how == 7)
		off = jit_pick(rng, 4096);
	if (how == 8 && jit_pick(rng, 4) == 0)
		page = JIT_CODE + jit_pick(rng, 2) * 4096;
	return (page + off - p->data_base) & (p->bits == BITS16 ? 0xffff : 0xffffffff);
}

/* ---- flags ---- */

static bool
is_shift(const struct insn *in)
{
	switch (in->op) {
	case OP_ROL:
	case OP_ROR:
	case OP_RCL:
	case OP_RCR:
	case OP_SHL:
	case OP_SHR:
	case OP_SAR:
	case OP_SHLD:
	case OP_SHRD: return true;
	default: return false;
	}
}

static bool
is_rotate(const struct insn *in)
{
	return in->op == OP_ROL || in->op == OP_ROR || in->op == OP_RCL || in->op == OP_RCR;
}

/* By counts other than 1 OF is not defined, by more than the operand has bits CF neither. */
static uint8_t
undefined_after(const struct insn *in)
{
	uint8_t bad = op_info[in->op].flags_undefined;

	/* with an unmasked invalid operand processors set the flags or not */
	if (in->op == OP_FCOMI || in->op == OP_FCOMIP || in->op == OP_FUCOMI ||
	    in->op == OP_FUCOMIP)
		return ALL_FLAGS;
	if (is_shift(in))
		bad |= FLG_O;
	if (is_shift(in) && !is_rotate(in) && in->osize < 2)
		bad |= FLG_C;
	return bad;
}

/* A count of 0 leaves the flags alone: they are as defined as they were. */
static bool
may_keep_flags(const struct insn *in)
{
	switch (in->op) {
	case OP_CMPS:
	case OP_SCAS: return in->prefix & (PFX_REP | PFX_REPNE);
	default: return is_shift(in);
	}
}

static void
note_flags(struct jit_gen *g, const struct insn *in)
{
	uint8_t bad = undefined_after(in);

	if (!may_keep_flags(in))
		g->defined |= op_info[in->op].flags_written;
	g->defined &= (uint8_t)(~bad & ALL_FLAGS);
	if (in->op == OP_CALL || in->op == OP_CALL_REL)
		g->defined = 0;
}

/* C0 to C3, most of which most instructions leave undefined */
static bool
stores_x87_status(const struct insn *in)
{
	switch (in->op) {
	case OP_FNSTSW:
	case OP_FNSTENV:
	case OP_FNSAVE:
	case OP_FXSAVE:
	case OP_XSAVE:
	case OP_XSAVEOPT: return true;
	default: return false;
	}
}

bool
jit_emit(struct jit_gen *g, const uint8_t *code, unsigned len)
{
	static const uint8_t fxam[] = { 0xd9, 0xe5 }; /* defines all four */
	struct decode_mode m = { .bits = (uint8_t)g->p->bits };
	struct jit_program *p = g->p;
	struct insn in;
	bool ok = insn_decode(&in, &m, code, len) == DECODE_OK;

	if (p->n == JIT_MAX_INSNS || p->len + len + 16 > sizeof(p->code))
		return false;
	if (ok && p->inexact && op_info[in.op].flags_read & ALL_FLAGS & ~g->defined)
		jit_anchor(g);
	if (ok && p->inexact && stores_x87_status(&in))
		jit_emit(g, fxam, sizeof(fxam));
	p->insn[p->n] = (struct jit_insn){
		.off = (uint16_t)p->len, .len = (uint8_t)len, .defined = g->defined
	};
	memcpy(p->code + p->len, code, len);
	p->len += len;
	p->n++;
	if (ok)
		note_flags(g, &in);
	return true;
}

/* CMP r8, r8: all six flags are defined behind it, and it may be jumped to. */
void
jit_anchor(struct jit_gen *g)
{
	uint8_t code[2] = { 0x38, (uint8_t)(0xc0 | jit_pick(&g->p->rng, 64)) };
	struct jit_program *p = g->p;

	g->defined = 0;
	g->anchor[p->n < JIT_MAX_INSNS ? p->n : 0] = true;
	jit_emit(g, code, 2);
}

/* By a constant that is not 0 it writes its flags in any case. */
static bool
reads_flags(const struct insn *in)
{
	unsigned count = in->op == OP_SHLD || in->op == OP_SHRD ? 2 : 1;

	return !is_shift(in) || is_rotate(in) || in->kind[count] != OPD_IMM ||
	       !(in->imm & (in->osize == 3 ? 63 : 31));
}

static void
compute_live(struct jit_program *p)
{
	struct decode_mode m = { .bits = (uint8_t)p->bits };
	struct insn in;
	uint8_t live = 0;

	for (unsigned i = p->n; i-- > 0;) {
		const struct op_info *o;

		if (insn_decode(&in, &m, p->code + p->insn[i].off, p->insn[i].len) != DECODE_OK) {
			live = 0;
			continue;
		}
		o = &op_info[in.op];
		if (o->flags & (INSN_ENDS_BLOCK | INSN_BRANCH))
			live = 0;
		live = (uint8_t)((live & ~(o->flags_written | o->flags_undefined)) |
				 (reads_flags(&in) ? o->flags_read & ALL_FLAGS : 0));
		p->insn[i].live = live;
	}
}

/* ---- branches ---- */

void
jit_fixup(struct jit_gen *g, unsigned size, bool rel, int distance)
{
	if (g->nfix < ARRAY_LEN(g->fix) && g->p->n)
		g->fix[g->nfix++] = (struct jit_fix){ .insn = g->p->n - 1,
			.size = size,
			.rel = rel,
			.target =
			    distance >= JIT_SUB_TARGET ? distance : (int)g->p->n - 1 + distance };
}

static int
snap(const struct jit_gen *g, int target, unsigned from)
{
	int last = (int)g->main_n, step = target <= (int)from ? -1 : 1;

	if (target < 0)
		target = 0;
	if (target >= (int)g->p->n)
		target = last;
	if (!g->p->inexact)
		return target;
	while (target > 0 && target < (int)g->p->n && target != last && !g->anchor[target])
		target += step;
	return target >= (int)g->p->n ? last : target;
}

static bool
put_target(struct jit_program *p, const struct jit_fix *f, int target)
{
	const struct jit_insn *at = &p->insn[f->insn];
	int64_t v = p->insn[target].off, end = at->off + at->len;

	v = f->rel ? v - end : v + p->start - p->cs_base;
	if (f->rel && f->size == 1 && v != (int8_t)v)
		return false;
	memcpy(p->code + end - f->size, &v, f->size);
	return true;
}

static void
resolve(struct jit_gen *g)
{
	for (unsigned i = 0; i < g->nfix; i++) {
		const struct jit_fix *f = &g->fix[i];
		int t = f->target;

		while (!put_target(g->p, f, snap(g, t, f->insn)) && t != (int)f->insn) {
			if (snap(g, t, f->insn) != t && g->p->inexact) { /* no anchor near */
				put_target(g->p, f, (int)f->insn + 1);
				break;
			}
			t += t < (int)f->insn ? 1 : -1;
		}
	}
}

/* ---- the whole ---- */

static void
choose_segments(struct jit_program *p)
{
	static const uint32_t base[NSEG] = { [SEG_ES] = JIT_DATA + 0x400,
		[SEG_SS] = JIT_STACK,
		[SEG_DS] = JIT_DATA,
		[SEG_FS] = JIT_DATA + 0x1010,
		[SEG_GS] = JIT_DATA + 0xfff0 };
	static const uint32_t limit[] = { 0xffff, 0xffff, 0x7fff, 0x2fff, 0x1ffe };
	bool sixteen = p->mode == JIT_REAL || p->mode == JIT_V86;

	for (unsigned s = SEG_ES; s <= SEG_GS; s++) {
		p->seg_base[s] = p->flat ? 0 : base[s];
		p->seg_limit[s] = p->flat   ? UINT32_MAX
		                  : sixteen ? 0xffff
		                            : limit[jit_pick(&p->rng, s == SEG_SS ? 2 : 5)];
	}
	p->seg_base[SEG_CS] = p->cs_base = p->flat ? 0 : JIT_CODE;
	p->seg_limit[SEG_CS] = p->flat ? UINT32_MAX : 0xffff;
	p->data_base = p->seg_base[SEG_DS];
	if (p->mode == JIT_LONG64 && jit_pick(&p->rng, 2)) {
		p->seg_base[SEG_FS] = 0x1010;
		p->seg_base[SEG_GS] = 0x8000;
	}
}

static void
choose(struct jit_program *p, enum jit_mode mode, uint64_t seed, bool inexact)
{
	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->rng = seed * JIT_NMODES + mode;
	p->mode = mode;
	p->inexact = inexact;
	p->bits = mode == JIT_LONG64 ? BITS64 : mode == JIT_PROT32 ? BITS32 : BITS16;
	p->cpl = mode == JIT_REAL ? 0 : mode == JIT_V86 || jit_pick(&p->rng, 2) ? 3 : 0;
	p->flat = mode == JIT_LONG64 || (mode == JIT_PROT32 && jit_pick(&p->rng, 2));
	p->paging = p->flat || (mode != JIT_REAL && jit_pick(&p->rng, 4));
	p->ist = jit_pick(&p->rng, 4) != 0;
	p->mood = (enum jit_mood)jit_pick(&p->rng, JIT_NMOODS);
	p->start = JIT_CODE + 0x100 + jit_pick(&p->rng, 0xf00);
	choose_segments(p);
}

void
jit_generate(struct jit_program *p, enum jit_mode mode, uint64_t seed, bool inexact)
{
	static const uint8_t hlt = 0xf4;
	struct jit_gen g = { .p = p };
	unsigned want, subs;

	choose(p, mode, seed, inexact);
	want = 8 + jit_pick(&p->rng, 90);
	subs = g.subs = 1 + jit_pick(&p->rng, 3);
	jit_anchor(&g);
	while (p->n < want)
		jit_random_step(&g);
	jit_anchor(&g);
	g.main_n = p->n;
	p->end = p->len;
	jit_emit(&g, &hlt, 1);
	for (unsigned i = 0; i < subs; i++) {
		g.sub_at[i] = p->n;
		jit_anchor(&g);
		for (want = p->n + 1 + jit_pick(&p->rng, 8); p->n < want;)
			jit_random_step(&g);
		jit_ret(&g);
	}
	for (unsigned i = 0; i < g.nfix; i++)
		if (g.fix[i].target >= JIT_SUB_TARGET)
			g.fix[i].target =
			    (int)g.sub_at[(unsigned)(g.fix[i].target - JIT_SUB_TARGET) % subs];
	resolve(&g);
	compute_live(p);
}

int
jit_insn_at(const struct jit_program *p, uint64_t rip)
{
	uint64_t off = rip + p->cs_base - p->start;

	for (unsigned i = 0; i < p->n; i++)
		if (p->insn[i].off == off)
			return (int)i;
	return -1;
}

void
jit_print(const struct jit_program *p)
{
	static const char *const names[] = { "real", "v86", "prot16", "prot32", "long64" };
	struct decode_mode m = { .bits = (uint8_t)p->bits };
	struct insn in;
	char text[128];

	printf("# %s, CPL %u, %s, paging %s, mood %u, seed %llu\n", names[p->mode], p->cpl,
	    p->flat ? "flat" : "based segments", p->paging ? "on" : "off", (unsigned)p->mood,
	    (unsigned long long)p->seed);
	for (unsigned i = 0; i < p->n; i++) {
		const struct jit_insn *at = &p->insn[i];
		uint64_t rip = p->start - p->cs_base + at->off;

		if (p->code[at->off] == 0x90) /* perhaps shrunk away */
			continue;
		if (insn_decode(&in, &m, p->code + at->off, at->len) == DECODE_OK)
			insn_disasm(&in, rip, text, sizeof(text));
		else
			snprintf(text, sizeof(text), "(undefined)");
		printf("#  %5llx  ", (unsigned long long)rip);
		for (unsigned k = 0; k < 12; k++)
			printf(k < at->len ? "%02x" : "  ", p->code[at->off + k]);
		printf(" %s\n", text);
	}
}
