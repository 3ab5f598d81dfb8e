/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One block: from decoded instructions to host code. */
#include "base/mem.h"
#include "cpu/jit/ftab.h"
#include "cpu/jit/tr.h"
#include "cpu/jit/verify.h"

#define BLOCK_ROOM (64u << 10) /* host bytes that one block may take */

/* ---- registers ---- */

unsigned
tr_host(unsigned guest)
{
	static const uint8_t map[16] = { H_RAX, H_RCX, H_RDX, H_RBX, H_R9, H_RBP, H_RSI, H_RDI,
		H_NONE, H_NONE, H_NONE, H_NONE, H_R12, H_R13, H_R14, H_R15 };

	return map[guest & 15];
}

unsigned
tr_get(struct tr *t, unsigned guest, unsigned temp)
{
	struct hmem m = tr_slot(guest);

	if (tr_host(guest) != H_NONE)
		return tr_host(guest);
	emit_load(&t->e, temp, &m);
	return temp;
}

void
tr_put(struct tr *t, unsigned guest, unsigned temp)
{
	struct hmem m = tr_slot(guest);

	if (tr_host(guest) == H_NONE)
		emit_store(&t->e, temp, &m);
}

uint64_t
tr_next(const struct tr *t)
{
	uint64_t v = t->b->rip + t->in->off + t->in->len;

	return t->bits == BITS64 ? v : (uint32_t)v;
}

bool
tr_target(const struct tr *t, const struct insn *in, uint64_t *ret)
{
	uint64_t to = (tr_next(t) + in->imm) & bits_mask(8u << in->osize);

	*ret = to;
	if (t->bits == BITS64 && in->osize == 3)
		return mmu_canonical(to);
	return to <= t->mode->cs_limit;
}

/* ---- out of line ---- */

struct tr_stub *
tr_stub(struct tr *t, enum tr_stub_kind kind, uint32_t from)
{
	struct tr_stub *s;

	if (t->nstubs == TR_MAX_STUBS) {
		t->failed = true;
		return NULL;
	}
	s = &t->stub[t->nstubs++];
	*s = (struct tr_stub){ .kind = (uint8_t)kind, .from = from, .site = (uint8_t)t->s };
	return s;
}

void
tr_to_handler(struct tr *t, uint32_t from)
{
	(void)tr_stub(t, STUB_HANDLER, from);
}

/* Not so: its handler is one that raises. */
static bool
is_bound(const struct xinsn *x)
{
	return x->in.op < OP_COUNT && x->fn == sem_table[x->in.op]->fn[x->in.osize][x->in.form];
}

/* Calls the handler from where it stands; what follows is the next instruction. */
void
tr_handler(struct tr *t)
{
	struct jit_site *s = &t->b->site[t->s];
	const struct insn *in = t->in;

	tr_flags_rest(t);
	t->ef = false;
	t->hf = true;
	t->fp = 0;
	emit_imm(&t->e, H_R10, (uint64_t)(uintptr_t)s);
	emit_jmp(&t->e, t->j->g.handler);
	/* one that ends a block and goes on behind it may have a link there */
	if (tr_in_group(t, t->i))
		; /* R8 is lost: the block is left */
	else if ((in->flags & INSN_BRANCH) || !is_bound(&s->x) ||
		 ((in->flags & INSN_ENDS_BLOCK) && (t->mode->bits & JIT_M_COUNT)))
		t->ended = true;
	else
		s->resume = t->e.at;
}

/* After a slow path's handler the flags are at rest; the way on may want them elsewhere. */
static void
handler_stub(struct tr *t, struct tr_stub *s)
{
	struct jit_site *site = &t->b->site[s->site];
	uint32_t after = t->after[s->site];

	if (t->handler_at[s->site]) {
		emit_patch(&t->e, s->from, t->handler_at[s->site]);
		return;
	}
	t->handler_at[s->site] = t->e.at;
	emit_here(&t->e, s->from);
	emit_imm(&t->e, H_R10, (uint64_t)(uintptr_t)site);
	emit_jmp(&t->e, t->j->g.handler);
	if ((site->x.in.flags & INSN_ENDS_BLOCK) || (s->site < t->gb->n && tr_in_group(t, s->site)))
		return;
	site->resume = after;
	if (t->post_ef[s->site] && t->live[site->index + 1]) {
		site->resume = t->e.at;
		tr_flags_load_code(&t->e);
		emit_jmp(&t->e, after);
	}
}

static void
fp_stub(struct tr *t, const struct tr_stub *s)
{
	emit_call(&t->e, t->j->g_fp[s->size - 1]);
	emit_jmp(&t->e, s->back);
}

static void
write_stubs(struct tr *t)
{
	for (unsigned i = 0; i < t->nstubs; i++) {
		struct tr_stub *s = &t->stub[i];

		if (s->kind == STUB_HANDLER) {
			handler_stub(t, s);
			continue;
		}
		t->s = s->site;
		t->i = t->b->site[s->site].index;
		t->in = &t->gb->insn[t->i].in;
		emit_here(&t->e, s->from);
		switch (s->kind) {
		case STUB_MISS:
		case STUB_ALIGN: tr_mem_stub(t, s); break;
		case STUB_GROUP: tr_group_stub(t, s); break;
		case STUB_FP: fp_stub(t, s); break;
		default: tr_exit_stub(t, s); break;
		}
	}
}

/* ---- floating point ---- */

/* The guest's registers are in the host's, or are brought there. */
void
tr_fp_ready(struct tr *t, unsigned which)
{
	struct hmem fp = hmem_slot(CPU_SLOT(hot.fp));

	for (unsigned bit = JIT_FP_SSE; bit <= JIT_FP_X87; bit <<= 1) {
		struct tr_stub *s;

		if (!(which & bit & ~t->fp))
			continue;
		tr_flags_clobber(t);
		emit_rm(&t->e, 0, 0xf6, 0, &fp);
		emit8(&t->e, bit);
		s = tr_stub(t, STUB_FP, emit_jcc(&t->e, CC_E, 0));
		if (s) {
			s->size = (uint8_t)bit;
			s->back = t->e.at;
		}
		t->fp |= (uint8_t)bit;
	}
}

/* ---- entries ---- */

static void
miss_code(struct tr *t)
{
	for (unsigned i = 0; i < t->nmiss; i++)
		emit_here(&t->e, t->miss[i]);
	emit_imm(&t->e, H_R10, (uint64_t)(uintptr_t)t->b);
	emit_jmp(&t->e, t->j->g.miss);
}

static void
count_code(struct tr *t)
{
	struct hmem left = hmem_slot(CPU_SLOT(hot.left));

	emit_alu_imm_m(&t->e, EI_W, 7, &left, 0);
	t->miss[t->nmiss++] = emit_jcc(&t->e, CC_LE, 0);
	emit_alu_imm_m(&t->e, EI_W, 5, &left, t->gb->n);
}

/* Is the page still where it was? */
static void
page_code(struct tr *t, uint64_t lin, uint64_t aoff)
{
	uint32_t *exec = ftab_exec_slot(t->j->ftab, t->mode->bits & JIT_M_USER, lin);
	struct hmem page = hmem_at(H_R11, 0);

	emit_imm(&t->e, H_R11, (uint64_t)(uintptr_t)exec);
	emit_rm(&t->e, 0, 0x81, 7, &page);
	emit32(&t->e, ftab_exec_id(aoff));
	t->miss[t->nmiss++] = emit_jcc(&t->e, CC_NE, 0);
}

static void
entry_code(struct tr *t)
{
	struct jit_block *b = t->b;
	bool two = b->aoff2 != BLOCK_NOWHERE;

	/* who comes from the first page knows nothing of the second */
	if (two) {
		b->entry = t->e.at;
		tr_flags_save_code(&t->e);
		emit_jmp(&t->e, t->e.at + 5 + 8);
	}
	emit64(&t->e, (uint64_t)(uintptr_t)b); /* jit_block_of_xentry() */
	b->xentry = t->e.at;
	t->nmiss = 0;
	tr_mode_compare(t);
	t->miss[t->nmiss++] = emit_jcc(&t->e, CC_NE, 0);
	page_code(t, b->lin, b->aoff);
	if (two)
		page_code(t, jit_second_page(t->c, b), b->aoff2);
	if (t->mode->bits & JIT_M_COUNT)
		count_code(t);
	if (b->flags_in)
		tr_flags_load_code(&t->e);
	if (!two)
		b->entry = t->e.at;
	t->hf = false; /* at `entry` hot.hf is old */
	t->ef = true;
}

/* ---- instructions ---- */

/* The host's choice is not the interpreter's. AND, OR, XOR and TEST clear AF in both. */
static bool
leaves_flags_undefined(const struct insn *in)
{
	return op_info[in->op].flags_undefined && in->op != OP_AND && in->op != OP_OR &&
	       in->op != OP_XOR && in->op != OP_TEST;
}

void
tr_parse(struct tr *t, unsigned i)
{
	const struct insn *in = &t->gb->insn[i].in;

	raw_parse(&t->raw, in, (enum cpu_bits)t->bits, t->bytes + in->off);
}

void
tr_one(struct tr *t)
{
	struct jit_site *s = &t->b->site[t->s];
	const struct xinsn *x = &t->gb->insn[t->i];

	t->in = &x->in;
	s->x = *x;
	s->rip = t->b->rip + x->in.off;
	if (t->bits != BITS64)
		s->rip = (uint32_t)s->rip;
	s->host = t->e.at;
	s->block = t->b;
	s->index = (uint8_t)t->i;
	s->no_flags = x->in.op < OP_COUNT && !tr_flags_reads(&x->in) && !tr_flags_writes(&x->in) &&
	              !(x->in.flags & (INSN_ENDS_BLOCK | INSN_SLOW));
	tr_parse(t, t->i);
	if (!is_bound(x) || (t->j->exact && leaves_flags_undefined(&x->in)) ||
	    !tr_find(x->in.op)(t, &x->in))
		tr_handler(t);
	t->after[t->s] = t->e.at;
	t->post_ef[t->s] = t->ef;
	t->post_hf[t->s] = t->hf;
}

static void
copy_bytes(struct tr *t)
{
	const struct jit_block *b = t->b;
	size_t room = MEM_PAGE - (b->aoff & (MEM_PAGE - 1)), n = b->bytes < room ? b->bytes : room;

	memcpy(t->bytes, t->c->arena->base + b->aoff, n);
	if (b->bytes > n)
		memcpy(t->bytes + n, t->c->arena->base + b->aoff2, b->bytes - n);
}

/* The bytes may have changed since the block was decoded (a device, another processor). */
static bool
still_the_same(const struct tr *t)
{
	struct decode_mode m = { .bits = t->bits };

	for (unsigned i = 0; i < t->gb->n; i++) {
		const struct insn *in = &t->gb->insn[i].in;
		struct insn now;

		memset(&now, 0, sizeof(now));
		if (!is_bound(&t->gb->insn[i]))
			continue; /* its handler raises */
		if (insn_decode(&now, &m, t->bytes + in->off, in->len) != DECODE_OK)
			return false;
		now.off = in->off;
		now.flags = in->flags;
		if (memcmp(&now, in, sizeof(now)) != 0)
			return false;
	}
	return true;
}

static void
finish(struct tr *t)
{
	struct jit_block *b = t->b;

	if (!t->ended)
		tr_exit_to(t, tr_next(t));
	b->cold = t->e.at;
	write_stubs(t);
	miss_code(t);
	b->end = t->e.at;
}

static struct jit_block *
begin(struct tr *t, struct cpu *c, const struct block *gb)
{
	struct jit *j = c->jit;
	struct jit_block *b;

	if (j->used + BLOCK_ROOM > j->size || !(b = jit_block_alloc(j, 2u * gb->n)))
		return NULL;
	b->aoff = gb->aoff;
	b->aoff2 = gb->aoff2;
	b->rip = c->gpr[REG_RIP];
	b->lin = (c->seg[SEG_CS].lbase + b->rip) & c->lin_mask;
	b->mode = j->mode_now;
	b->bytes = gb->bytes;
	b->n = (uint8_t)gb->n;
	b->code = j->used;
	t->c = c;
	t->j = j;
	t->gb = gb;
	t->b = b;
	t->mode = &j->mode[b->mode];
	t->bits = (uint8_t)c->bits;
	t->e = (struct emit){ .rw = j->rw, .at = j->used, .end = j->used + BLOCK_ROOM };
	return b;
}

struct jit_block *
jit_translate(struct cpu *c, const struct block *gb)
{
	struct jit *j = c->jit;
	struct tr *t = j->tr;
	struct jit_block *b;

	t->nstubs = t->nlinks = 0;
	t->failed = t->ended = false;
	t->fp = 0;
	memset(t->handler_at, 0, sizeof(t->handler_at));
	if (!(b = begin(t, c, gb))) {
		j->flush_wanted = true;
		return NULL;
	}
	copy_bytes(t);
	if (!still_the_same(t))
		return NULL;
	tr_flags_liveness(t);
	b->flags_in = t->live[0];
	entry_code(t);
	tr_elide_plan(t);
	t->alone = false;
	t->nsites = gb->n;
	for (t->i = 0; t->i < gb->n && !t->failed; t->i++) {
		t->s = t->i;
		tr_one(t);
	}
	t->i = t->s = gb->n - 1u;
	t->in = &gb->insn[t->i].in;
	finish(t);
	if (t->failed || t->e.full || gb->dead)
		return NULL;
	b->nsites = (uint8_t)t->nsites;
	if (j->verified && !jit_verified(j, b))
		return NULL;
	j->used = ALIGN_UP(t->e.at, 16u);
	jit_block_add(j, b);
	tr_close_loops(t);
	return b;
}
