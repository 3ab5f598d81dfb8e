/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A translated block for people: guest and host code side by side.  The host's is x86-64 too,
 * so the project's own decoder reads it.  Host addresses are cache offsets, as in struct
 * jit_block.  And the map that perf reads, with real ones.
 */
#include "base/buf.h"
#include "cpu/cpu.h"
#include "cpu/jit/tr.h"

#include <inttypes.h>
#include <unistd.h>

#define ROOM 512 /* left free in the buffer for what says that it ends here */

struct list {
	const struct jit *j;
	const struct jit_block *b;
	struct buf *out;
	bool full;
};

/* ---- names ---- */

#define FIELD(field, bytes)                                                                        \
	{                                                                                          \
		CPU_SLOT(hot.field), bytes, "hot." #field                                          \
	}
static const struct {
	int32_t off;
	unsigned bytes;
	const char *name;
} fields[] = { FIELD(mode, 4), FIELD(hf, 2), FIELD(fp, 1), FIELD(left, 8), FIELD(host_sp, 8),
	FIELD(index_mask, 8), FIELD(tmp[0], 8), FIELD(tmp[1], 8), FIELD(tmp[2], 8),
	FIELD(tmp[3], 8), FIELD(x87_dp, 8), FIELD(x87_last, 4), FIELD(x87_mem, 4) };

/* What [rsp + disp] is. */
static void
name_slot(struct buf *out, int64_t disp)
{
	static const char gpr[NGPR][4] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "0", "rip" };
	static const char segs[NSEG][5] = { "es", "cs", "ss", "ds", "fs", "gs", "ldtr", "tr" };
	int64_t seg = disp - CPU_SLOT(seg);

	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		if (disp >= fields[i].off && disp < fields[i].off + (int64_t)fields[i].bytes)
			buf_printf(out, "  ; %s", fields[i].name);
	if (disp >= 0 && disp < NGPR * 8)
		buf_printf(out, "  ; guest %s", gpr[disp / 8]);
	if (seg < 0 || seg >= (int64_t)sizeof(((struct cpu *)NULL)->seg))
		return;
	buf_printf(out, "  ; %s.", segs[seg / (int64_t)sizeof(struct seg)]);
	seg %= (int64_t)sizeof(struct seg);
	buf_printf(out, "%s",
	    seg == offsetof(struct seg, lbase)    ? "lbase"
	    : seg == offsetof(struct seg, vlimit) ? "vlimit"
						  : "ok");
}

static const char *
name_glue(const struct jit *j, uint32_t off)
{
	const struct {
		uint32_t off;
		const char *name;
	} names[] = {
		{ j->g.handler, "handler" },
		{ j->g.link, "C finds the target" },
		{ j->g.indirect, "C finds the target" },
		{ j->g.miss, "back to the loop" },
		{ j->g_fill[0], "fill for a load" },
		{ j->g_fill[1], "fill for a store" },
		{ j->g_fp[JIT_FP_SSE - 1], "load the SSE registers" },
		{ j->g_fp[JIT_FP_X87 - 1], "load the x87 registers" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].off == off)
			return names[i].name;
	return "glue";
}

/* Where a jump leads that leaves the block. */
static void
name_target(const struct list *l, uint64_t off)
{
	struct jit *j = (struct jit *)(uintptr_t)l->j;
	const struct jit_block *to;

	if (off < j->glue_end) {
		buf_printf(l->out, "  ; %s", name_glue(j, (uint32_t)off));
		return;
	}
	if (off >= j->used || (off >= l->b->code && off < l->b->end))
		return;
	to = jit_block_at(j, jit_host(j, (uint32_t)off));
	if (to)
		buf_printf(
		    l->out, "  ; %s of %" PRIx64, off == to->xentry ? "xentry" : "entry", to->rip);
}

/* A pointer that is handed to C. */
static void
name_pointer(const struct list *l, uint64_t v)
{
	const struct jit_block *b = l->b;
	const uint8_t *p = (const uint8_t *)(uintptr_t)v;

	if (p == (const uint8_t *)b)
		buf_printf(l->out, "  ; this block");
	for (unsigned k = 0; k < ARRAY_SIZE(b->link); k++)
		if (p == (const uint8_t *)&b->link[k])
			buf_printf(l->out, "  ; way out %u", k + 1);
	for (unsigned i = 0; i < b->nsites; i++)
		if (p == (const uint8_t *)&b->site[i])
			buf_printf(l->out, "  ; instruction at %" PRIx64, b->site[i].rip);
}

/* ---- host code ---- */

static bool
more_fits(struct list *l)
{
	if (!l->full && l->out->max - l->out->len < ROOM) {
		l->full = true;
		buf_printf(l->out, "... the rest does not fit here\n");
	}
	return !l->full;
}

static void
hex(struct buf *out, const uint8_t *p, unsigned n, unsigned width)
{
	for (unsigned i = 0; i < n; i++)
		buf_printf(out, "%02x", p[i]);
	for (unsigned i = n; i < width; i++)
		buf_printf(out, "  ");
}

static void
host_line(struct list *l, uint32_t at, const struct insn *in, const uint8_t *p)
{
	char text[128];

	insn_disasm(in, at, text, sizeof(text));
	buf_printf(l->out, "    %06x  ", at);
	hex(l->out, p, in->len, 12);
	buf_printf(l->out, "  %s", text);
	if (in->kind[0] == OPD_REL)
		name_target(l, (uint32_t)(at + in->len + in->imm));
	else if ((in->flags & INSN_MEM) && in->base == REG_SP)
		name_slot(l->out, in->disp);
	else if (in->op == OP_MOV && in->kind[1] == OPD_IMM)
		name_pointer(l, in->imm);
	buf_printf(l->out, "\n");
}

static void
host_bytes(struct list *l, uint32_t at, unsigned n)
{
	const uint8_t *p = l->j->rw + at;

	buf_printf(l->out, "    %06x  ", at);
	hex(l->out, p, n, 12);
	buf_printf(l->out, "  .byte");
	for (unsigned i = 0; i < n; i++)
		buf_printf(l->out, "%s 0x%02x", i ? "," : "", p[i]);
	buf_printf(l->out, "\n");
}

static void
host_code(struct list *l, uint32_t from, uint32_t to)
{
	const struct decode_mode mode = { BITS64 };

	while (from < to && more_fits(l)) {
		struct insn in = { .len = 1 };

		if (from == l->b->xentry - 8 && from >= l->b->code) {
			buf_printf(
			    l->out, "    %06x  (8 bytes: address of the block's data)\n", from);
			from += 8;
			continue;
		}
		if (from == l->b->entry && from < l->b->site[0].host)
			buf_printf(l->out, "  entry\n");
		if (from == l->b->xentry)
			buf_printf(l->out, "  xentry\n");
		if (insn_decode(&in, &mode, l->j->rw + from, to - from) == DECODE_OK) {
			host_line(l, from, &in, l->j->rw + from);
			from += in.len;
		} else {
			host_bytes(l, from, 1);
			from++;
		}
	}
}

/* ---- guest code ---- */

static void
guest_line(struct list *l, const struct jit_site *s)
{
	const struct jit_block *b = l->b;
	const uint8_t *arena = l->j->c->arena->base;
	unsigned room = MEM_PAGE - (unsigned)(b->aoff & (MEM_PAGE - 1));
	uint8_t bytes[16];
	char text[128];

	for (unsigned i = 0; i < s->x.in.len && i < sizeof(bytes); i++) {
		unsigned at = s->x.in.off + i;

		bytes[i] = at < room ? arena[b->aoff + at] : arena[b->aoff2 + at - room];
	}
	insn_disasm(&s->x.in, s->rip, text, sizeof(text));
	buf_printf(l->out, "%016" PRIx64 "  ", s->rip);
	hex(l->out, bytes, s->x.in.len, 9);
	buf_printf(l->out, "  %s\n", text);
}

/* ---- the head ---- */

static void
flag_names(struct buf *out, uint8_t flags)
{
	static const char names[6][3] = { "CF", "PF", "AF", "ZF", "SF", "OF" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (flags >> i & 1)
			buf_printf(out, " %s", names[i]);
	if (!flags)
		buf_printf(out, " none");
}

static void
mode_words(struct list *l)
{
	static const char segs[6][3] = { "es", "cs", "ss", "ds", "fs", "gs" };
	const struct jit_mode *m = &l->j->mode[l->b->mode];

	buf_printf(l->out, "mode %u: %s, %u-bit code, %u-bit stack, %s", l->b->mode,
	    m->bits & JIT_M_PROT ? "protected" : "real or virtual 8086",
	    16u << (m->bits & JIT_M_BITS), 8u << ((m->bits & JIT_M_STACK) >> 4),
	    m->bits & JIT_M_USER ? "CPL 3" : "CPL 0 to 2");
	buf_printf(l->out, "%s%s%s%s\n", m->bits & JIT_M_X87 ? ", x87" : "",
	    m->bits & JIT_M_SSE ? ", SSE" : "", m->bits & JIT_M_AVX ? ", AVX" : "",
	    m->bits & JIT_M_COUNT ? ", counting" : "");
	buf_printf(
	    l->out, "CS: base %" PRIx64 ", limit %" PRIx64 "; others:", m->cs_base, m->cs_limit);
	for (unsigned s = 0; s < ARRAY_SIZE(segs); s++) {
		static const char kinds[4][12] = { "flat", "with a base", "looked at", "?" };

		if (s != SEG_CS)
			buf_printf(
			    l->out, "%s %s %s", s ? "," : "", segs[s], kinds[jit_mode_seg(m, s)]);
	}
	buf_printf(l->out, "\n");
}

static void
way_out(struct list *l, unsigned k)
{
	const struct jit_link *link = &l->b->link[k];

	if (!link->at)
		return;
	buf_printf(l->out, "way out %u: to %" PRIx64 " by %s%s, ", k + 1, link->rip,
	    link->direct ? "entry" : "xentry", link->flags_dead ? " with dead flags" : "");
	if (link->to)
		buf_printf(l->out, "linked to the block at %06x\n", link->to->code);
	else
		buf_printf(l->out, "not linked\n");
}

static void
head(struct list *l)
{
	const struct jit_block *b = l->b;
	unsigned in = 0;

	buf_printf(l->out, "block at %" PRIx64 " (linear %" PRIx64 ", arena %" PRIx64, b->rip,
	    b->lin, b->aoff);
	if (b->aoff2 != BLOCK_NOWHERE)
		buf_printf(l->out, " and %" PRIx64, b->aoff2);
	buf_printf(l->out, "): %u instructions, %u bytes\n", b->n, b->bytes);
	mode_words(l);
	buf_printf(l->out, "host code: %06x to %06x, %u bytes, at %p\n", b->code, b->end,
	    b->end - b->code, (void *)jit_host(l->j, b->code));
	buf_printf(l->out, "flags needed at entry:");
	flag_names(l->out, b->flags_in);
	for (const struct jit_link *k = b->in; k; k = k->next)
		in++;
	buf_printf(l->out, "; linked from %u place%s\n", in, in == 1 ? "" : "s");
	for (unsigned k = 0; k < ARRAY_SIZE(b->link); k++)
		way_out(l, k);
}

/* Some instructions are there once more, each with its own check. */
static void
cold_code(struct list *l)
{
	const struct jit_block *b = l->b;
	uint32_t from = b->cold;

	for (unsigned i = b->n; i < b->nsites; i++) {
		host_code(l, from, b->site[i].host);
		if (more_fits(l))
			guest_line(l, &b->site[i]);
		from = b->site[i].host;
	}
	host_code(l, from, b->end);
}

static void
list_block(struct list *l)
{
	const struct jit_block *b = l->b;

	head(l);
	host_code(l, b->code, b->site[0].host);
	if (b->entry == b->site[0].host)
		buf_printf(l->out, "  entry\n");
	for (unsigned i = 0; i < b->n && more_fits(l); i++) {
		guest_line(l, &b->site[i]);
		host_code(l, b->site[i].host, i + 1 < b->n ? b->site[i + 1].host : b->cold);
	}
	if (b->cold < b->end && more_fits(l))
		buf_printf(l->out, "out of line\n");
	cold_code(l);
}

/* ---- perf ---- */

static unsigned
put_hex(char *dst, uint64_t v)
{
	unsigned n = 1;

	while (n < 16 && v >> (4 * n))
		n++;
	for (unsigned i = 0; i < n; i++)
		dst[i] = "0123456789abcdef"[v >> (4 * (n - 1 - i)) & 15];
	return n;
}

/* START SIZE NAME, one line by one write: the processors share the file. What cannot be
 * written, or a guest that never stops making code, ends the map and nothing else. */
void
jit_perf_add(struct jit *j, const struct jit_block *b)
{
	uint32_t from = b ? b->code : 0, to = b ? b->end : j->glue_end;
	char line[80];
	unsigned n;

	if (!j->perf_fd)
		return;
	n = put_hex(line, (uint64_t)(uintptr_t)jit_host(j, from));
	line[n++] = ' ';
	n += put_hex(line + n, to - from);
	memcpy(line + n, " lodge:", 7);
	n += 7;
	if (b) {
		n += put_hex(line + n, b->rip);
	} else {
		memcpy(line + n, "glue", 4);
		n += 4;
	}
	line[n++] = '\n';
	if (j->perf_left < n || write(j->perf_fd, line, n) != (ssize_t)n) {
		j->perf_fd = 0;
		return;
	}
	j->perf_left -= n;
}

/* ---- the monitor ---- */

bool
cpu_jit_list(struct cpu *c, uint64_t lin, struct buf *b)
{
	const struct jit *j = c->jit;
	bool found = false;

	for (uint32_t i = 0; j && i < j->norder; i++) {
		struct list l = { .j = j, .b = j->order[i], .out = b };

		if (l.b->dead || l.b->lin != lin || !more_fits(&l))
			continue;
		if (found)
			buf_printf(b, "\n");
		found = true;
		list_block(&l);
	}
	return found;
}
