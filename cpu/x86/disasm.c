/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of a decoded instruction, Intel syntax. */
#include "base/bits.h"
#include "cpu/x86/insn_tables.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct text {
	char *p;
	size_t left;
};

__attribute__((format(printf, 2, 3))) static void
add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->p, t->left, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n >= t->left)
		n = t->left ? (int)t->left - 1 : 0;
	t->p += n;
	t->left -= (size_t)n;
}

static const char *const seg_names[] = { "es", "cs", "ss", "ds", "fs", "gs" };

/* size: log2 of the bytes */
static void
add_gpr(struct text *t, unsigned reg, unsigned size)
{
	static const char *const names[8] = { "ax", "cx", "dx", "bx", "sp", "bp", "si", "di" };
	static const char *const low[8] = { "al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil" };
	static const char *const high[4] = { "ah", "ch", "dh", "bh" };
	static const char *const pre[4] = { "", "", "e", "r" };
	static const char *const suf[4] = { "b", "w", "d", "" };

	if (size == 0 && reg >= REG8_HIGH)
		add(t, "%s", high[reg & 3]);
	else if (reg >= 8)
		add(t, "r%u%s", reg & 15, suf[size & 3]);
	else if (size == 0)
		add(t, "%s", low[reg]);
	else
		add(t, "%s%s", pre[size & 3], names[reg]);
}

/* log2 of an operand's size; 8: has none */
static unsigned
size_of(const struct insn *in, unsigned type)
{
	switch (type) {
	case TYPE_B: return 0;
	case TYPE_W: return 1;
	case TYPE_D: return 2;
	case TYPE_Q: return 3;
	case TYPE_DQ: return 4;
	case TYPE_QQ: return 5;
	case TYPE_X: return 4u + in->vl;
	case TYPE_V:
	case TYPE_Z: return in->osize;
	case TYPE_Y: return in->osize < 3 ? 2 : 3; /* CRC32: the source's size is in osize */
	case TYPE_T: return 6;
	case TYPE_P: return in->osize == 1 ? 2 : 7;
	default: return 8;
	}
}

/* ---- which row it was: for the operands' sizes ---- */

static bool
fetch_gives(unsigned fetch, unsigned kind)
{
	static const uint8_t kinds[] = { [FETCH_G] = OPD_REG,
		[FETCH_R] = OPD_REG,
		[FETCH_M] = OPD_MEM,
		[FETCH_Z] = OPD_REG,
		[FETCH_B] = OPD_REG,
		[FETCH_S] = OPD_SREG,
		[FETCH_C] = OPD_CR,
		[FETCH_D] = OPD_DR,
		[FETCH_IMM_U] = OPD_IMM,
		[FETCH_IMM_S] = OPD_IMM,
		[FETCH_J] = OPD_REL,
		[FETCH_A] = OPD_FAR,
		[FETCH_O] = OPD_MOFFS,
		[FETCH_P] = OPD_MM,
		[FETCH_N] = OPD_MM,
		[FETCH_V] = OPD_XMM,
		[FETCH_U] = OPD_XMM,
		[FETCH_H] = OPD_XMM,
		[FETCH_L] = OPD_XMM,
		[FETCH_K] = OPD_MEM,
		[FETCH_ST0] = OPD_ST,
		[FETCH_STI] = OPD_ST,
		[FETCH_REG] = OPD_REG,
		[FETCH_SREG] = OPD_SREG,
		[FETCH_ONE] = OPD_IMM };

	switch (fetch) {
	case FETCH_E: return kind == OPD_REG || kind == OPD_MEM;
	case FETCH_Q: return kind == OPD_MM || kind == OPD_MEM;
	case FETCH_W: return kind == OPD_XMM || kind == OPD_MEM;
	default: return kinds[fetch] == kind;
	}
}

static bool
row_fits(const struct insn_row *row, const struct insn *in)
{
	if (row->op != in->op || (row->osz <= OSZ_64 && row->osz != in->osize) ||
	    (row->osz > OSZ_64 && in->osize == 0))
		return false;
	for (unsigned k = 0; k < 4; k++)
		if (!fetch_gives(insn_opd_spec[row->opd[k]].fetch, in->kind[k]))
			return false;
	return true;
}

static const struct insn_row *
row_of(const struct insn *in)
{
	for (unsigned i = 1; i < insn_nrows; i++)
		if (row_fits(&insn_rows[i], in))
			return &insn_rows[i];
	return &insn_rows[0];
}

/* ---- operands ---- */

static void
add_number(struct text *t, int64_t v, bool plus)
{
	if (v < 0)
		add(t, "-0x%" PRIx64, -(uint64_t)v);
	else
		add(t, "%s0x%" PRIx64, plus ? "+" : "", (uint64_t)v);
}

static void
add_memory(struct text *t, const struct insn *in, const struct opd_spec *s)
{
	static const char *const sizes[] = { "BYTE PTR ", "WORD PTR ", "DWORD PTR ", "QWORD PTR ",
		"XMMWORD PTR ", "YMMWORD PTR ", "TBYTE PTR ", "FWORD PTR ", "" };
	bool any = false;

	add(t, "%s", sizes[size_of(in, s->type)]);
	if (in->prefix & PFX_SEG || (in->base == REG_ZERO && in->index == REG_ZERO))
		add(t, "%s:", seg_names[in->seg % 6]);
	add(t, "[");
	if (in->base == REG_RIP)
		add(t, "%s", in->asize == 3 ? "rip" : "eip");
	else if (in->base != REG_ZERO)
		add_gpr(t, in->base, in->asize);
	any = in->base != REG_ZERO;
	if (s->fetch == FETCH_K || in->index != REG_ZERO) {
		add(t, "%s", any ? "+" : "");
		if (s->fetch == FETCH_K)
			add(t, "%cmm%u", s->reg ? 'y' : 'x', in->index & 15);
		else
			add_gpr(t, in->index, in->asize);
		if (in->asize != 1)
			add(t, "*%u", 1u << (in->scale & 3));
		any = true;
	}
	if (!any)
		add(t, "0x%" PRIx64, (uint64_t)in->disp & bits_mask(8u << in->asize));
	else if (in->disp)
		add_number(t, in->disp, true);
	add(t, "]");
}

static void
add_immediate(struct text *t, const struct insn *in, const struct opd_spec *s, unsigned k)
{
	uint64_t v = in->imm;

	if (in->kind[0] == OPD_IMM && in->kind[1] == OPD_IMM) /* ENTER */
		v = k ? v >> 16 : v & 0xffff;
	else if (s->fetch == FETCH_IMM_S && in->osize < 3)
		v &= bits_mask(8u << in->osize);
	add(t, "0x%" PRIx64, v);
}

static void
add_target(struct text *t, const struct insn *in, uint64_t rip)
{
	add(t, "0x%" PRIx64, (rip + in->len + in->imm) & bits_mask(8u << in->osize));
}

static void
add_operand(
    struct text *t, const struct insn *in, const struct opd_spec *s, unsigned k, uint64_t rip)
{
	unsigned r = in->reg[k], size = size_of(in, s->type);

	switch (in->kind[k]) {
	case OPD_REG: add_gpr(t, r, size > 3 ? in->osize : size); break;
	case OPD_MEM:
	case OPD_MOFFS: add_memory(t, in, s); break;
	case OPD_IMM: add_immediate(t, in, s, k); break;
	case OPD_SREG: add(t, "%s", seg_names[r % 6]); break;
	case OPD_CR: add(t, "cr%u", r); break;
	case OPD_DR: add(t, "dr%u", r); break;
	case OPD_ST: add(t, r ? "st(%u)" : "st", r); break;
	case OPD_MM: add(t, "mm%u", r); break;
	case OPD_XMM: add(t, "%cmm%u", size == 5 ? 'y' : 'x', r); break;
	case OPD_REL: add_target(t, in, rip); break;
	case OPD_FAR: add(t, "0x%x:0x%x", (unsigned)(in->imm >> 32), (unsigned)in->imm); break;
	default: break;
	}
}

/* ---- the mnemonic ---- */

/* `a/b/c`: by operand size 16, 32, 64 */
static void
add_mnemonic(struct text *t, const struct insn *in, bool is_string)
{
	static const char jcxz[][6] = { "jcxz", "jcxz", "jecxz", "jrcxz" };
	const char *name = op_info[in->op].name;

	if (in->op == OP_JCXZ)
		name = jcxz[in->asize & 3];
	for (unsigned n = in->osize; n > 1 && strchr(name, '/'); n--)
		name = strchr(name, '/') + 1;
	add(t, "%.*s", (int)strcspn(name, "/"), name);
	if (is_string)
		add(t, "%c", "bwdq"[in->osize & 3]);
}

static void
add_prefixes(struct text *t, const struct insn *in, bool is_string)
{
	if (in->prefix & PFX_LOCK)
		add(t, "lock ");
	if (!is_string)
		return;
	if (in->prefix & PFX_REPNE)
		add(t, "repnz ");
	else if (in->prefix & PFX_REP)
		add(t, op_info[in->op].flags_written ? "repz " : "rep ");
	if (in->prefix & PFX_SEG)
		add(t, "%s ", seg_names[in->seg % 6]);
}

void
insn_disasm(const struct insn *in, uint64_t rip, char *dst, size_t size)
{
	struct text t = { dst, size };
	const struct insn_row *row;
	bool is_string, more = false;

	if (size)
		dst[0] = 0;
	if (in->op >= OP_COUNT) {
		add(&t, "(bad)");
		return;
	}
	row = row_of(in);
	is_string = insn_opd_spec[row->opd[0]].fetch == FETCH_IMPLIED;
	add_prefixes(&t, in, is_string);
	add_mnemonic(&t, in, is_string);
	for (unsigned k = 0; k < 4; k++) {
		if (in->kind[k] == OPD_NONE)
			continue;
		add(&t, "%s", more ? "," : " ");
		add_operand(&t, in, &insn_opd_spec[row->opd[k]], k, rip);
		more = true;
	}
}
