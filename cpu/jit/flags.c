/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The arithmetic flags: which are needed where, and the two places they can be in.  LAHF and
 * SETO bring them to hot.hf, ADD AL, 127 and SAHF back: a PUSHF/POPF pair costs ten times that.
 */
#include "cpu/jit/tr.h"

enum { FLG_ARITH = FLG_C | FLG_P | FLG_A | FLG_Z | FLG_S | FLG_O };

/* A shift by a constant other than 0 always writes its flags. */
static bool
shifts_surely(const struct insn *in)
{
	switch (in->op) {
	case OP_SHL:
	case OP_SHR:
	case OP_SAR: return in->kind[1] == OPD_IMM && (in->imm & (in->osize == 3 ? 63 : 31));
	case OP_SHLD:
	case OP_SHRD: return in->kind[2] == OPD_IMM && (in->imm & (in->osize == 3 ? 63 : 31));
	default: return false;
	}
}

uint8_t
tr_flags_reads(const struct insn *in)
{
	return shifts_surely(in) ? 0 : op_info[in->op].flags_read & FLG_ARITH;
}

uint8_t
tr_flags_writes(const struct insn *in)
{
	const struct op_info *o = &op_info[in->op];

	return (o->flags_written | o->flags_undefined) & FLG_ARITH;
}

void
tr_flags_liveness(struct tr *t)
{
	unsigned n = t->gb->n;

	t->live[n] = FLG_ARITH;
	for (unsigned i = n; i-- > 0;) {
		const struct insn *in = &t->gb->insn[i].in;

		/* what follows a branch is not looked at */
		if ((in->flags & (INSN_BRANCH | INSN_ENDS_BLOCK)) || t->j->exact ||
		    in->op >= OP_COUNT)
			t->live[i] = FLG_ARITH;
		else
			t->live[i] =
			    (uint8_t)((t->live[i + 1] & ~tr_flags_writes(in)) | tr_flags_reads(in));
	}
}

void
tr_flags_save_code(struct emit *e)
{
	struct hmem hf = hmem_slot(CPU_SLOT(hot.hf));

	emit_mov(e, H_R11, H_RAX);
	emit8(e, 0x9f);                   /* lahf */
	emit_bytes(e, "\x0f\x90\xc0", 3); /* seto al */
	emit_rm(e, EI_66, 0x89, H_RAX, &hf);
	emit_mov(e, H_RAX, H_R11);
}

void
tr_flags_load_code(struct emit *e)
{
	struct hmem hf = hmem_slot(CPU_SLOT(hot.hf));

	emit_mov(e, H_R11, H_RAX);
	emit_rm(e, 0, 0x0fb7, H_RAX, &hf); /* movzx eax, word */
	emit_bytes(e, "\x04\x7f\x9e", 3);  /* add al, 127; sahf */
	emit_mov(e, H_RAX, H_R11);
}

void
tr_flags_rest(struct tr *t)
{
	if (t->hf || !t->ef)
		return;
	tr_flags_save_code(&t->e);
	t->hf = true;
}

void
tr_flags_clobber(struct tr *t)
{
	if (t->live[t->i])
		tr_flags_rest(t);
	t->ef = false;
}

void
tr_flags_need(struct tr *t)
{
	if (t->ef || !t->hf)
		return;
	tr_flags_load_code(&t->e);
	t->ef = true;
}
