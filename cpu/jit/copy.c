/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Instructions that are executed as they stand: encoded anew with the host's registers and a
 * checked memory operand.  What is not on a list here goes to its handler, so that nothing
 * privileged and nothing with an unknown memory operand can slip through.
 */
#include "cpu/jit/tr.h"

/* How the r/m operand is used. */
enum {
	C_NO,
	C_RW,  /* read and written when it is the destination */
	C_W,   /* written only */
	C_CMP, /* nothing is written */
	C_X    /* both operands are written: XCHG, XADD */
};
static const uint8_t integer_ops[OP_COUNT] = {
	[OP_ADD] = C_RW,
	[OP_OR] = C_RW,
	[OP_ADC] = C_RW,
	[OP_SBB] = C_RW,
	[OP_AND] = C_RW,
	[OP_SUB] = C_RW,
	[OP_XOR] = C_RW,
	[OP_CMP] = C_CMP,
	[OP_TEST] = C_CMP,
	[OP_INC] = C_RW,
	[OP_DEC] = C_RW,
	[OP_NOT] = C_RW,
	[OP_NEG] = C_RW,
	[OP_ROL] = C_RW,
	[OP_ROR] = C_RW,
	[OP_RCL] = C_RW,
	[OP_RCR] = C_RW,
	[OP_SHL] = C_RW,
	[OP_SHR] = C_RW,
	[OP_SAR] = C_RW,
	[OP_SHLD] = C_RW,
	[OP_SHRD] = C_RW,
	[OP_MUL] = C_CMP,
	[OP_IMUL1] = C_CMP,
	[OP_DIV] = C_CMP,
	[OP_IDIV] = C_CMP,
	[OP_IMUL] = C_RW,
	[OP_IMUL3] = C_RW,
	[OP_MOV] = C_W,
	[OP_MOVZX8] = C_RW,
	[OP_MOVZX16] = C_RW,
	[OP_MOVSX8] = C_RW,
	[OP_MOVSX16] = C_RW,
	[OP_MOVSXD] = C_RW,
	[OP_MOVNTI] = C_W,
	[OP_MOVBE] = C_W,
	[OP_BT] = C_CMP,
	[OP_BTS] = C_RW,
	[OP_BTR] = C_RW,
	[OP_BTC] = C_RW,
	[OP_BSF] = C_RW,
	[OP_BSR] = C_RW,
	[OP_TZCNT] = C_RW,
	[OP_LZCNT] = C_RW,
	[OP_POPCNT] = C_RW,
	[OP_CRC32] = C_RW,
	[OP_ADCX] = C_RW,
	[OP_ADOX] = C_RW,
	[OP_XCHG] = C_X,
	[OP_XADD] = C_X,
	[OP_CMPXCHG] = C_RW,
	[OP_CMPXCHG8B] = C_RW,
	[OP_ANDN] = C_RW,
	[OP_BLSR] = C_RW,
	[OP_BLSMSK] = C_RW,
	[OP_BLSI] = C_RW,
	[OP_BZHI] = C_RW,
	[OP_PEXT] = C_RW,
	[OP_PDEP] = C_RW,
	[OP_MULX] = C_X,
	[OP_BEXTR] = C_RW,
	[OP_SHLX] = C_RW,
	[OP_SARX] = C_RW,
	[OP_SHRX] = C_RW,
	[OP_RORX] = C_RW,
	[OP_CMOVO] = C_RW,
	[OP_CMOVNO] = C_RW,
	[OP_CMOVB] = C_RW,
	[OP_CMOVNB] = C_RW,
	[OP_CMOVZ] = C_RW,
	[OP_CMOVNZ] = C_RW,
	[OP_CMOVBE] = C_RW,
	[OP_CMOVNBE] = C_RW,
	[OP_CMOVS] = C_RW,
	[OP_CMOVNS] = C_RW,
	[OP_CMOVP] = C_RW,
	[OP_CMOVNP] = C_RW,
	[OP_CMOVL] = C_RW,
	[OP_CMOVNL] = C_RW,
	[OP_CMOVLE] = C_RW,
	[OP_CMOVNLE] = C_RW,
	[OP_SETO] = C_W,
	[OP_SETNO] = C_W,
	[OP_SETB] = C_W,
	[OP_SETNB] = C_W,
	[OP_SETZ] = C_W,
	[OP_SETNZ] = C_W,
	[OP_SETBE] = C_W,
	[OP_SETNBE] = C_W,
	[OP_SETS] = C_W,
	[OP_SETNS] = C_W,
	[OP_SETP] = C_W,
	[OP_SETNP] = C_W,
	[OP_SETL] = C_W,
	[OP_SETNL] = C_W,
	[OP_SETLE] = C_W,
	[OP_SETNLE] = C_W,
};

bool
tr_is_copied(unsigned op)
{
	return integer_ops[op] != C_NO;
}

/* One instruction on its way. */
struct copy {
	struct tr *t;
	const struct insn *in;
	const struct raw *r;
	unsigned reg, rm, vvvv; /* as encoded for the host */
	bool reg_gpr, rm_gpr, vvvv_gpr;
	bool reg_out, rm_out, vvvv_out; /* written: a temporary goes back to its slot */
	bool reg_byte, rm_byte;
	bool is_mem;
	struct hmem mem;
	bool lock, w;
};

static bool
is_group(const struct raw *r)
{
	if (r->vex)
		return r->map == RAW_0F38 && r->opc == 0xf3;
	switch (r->map) {
	case RAW_1:
		return (r->opc >= 0x80 && r->opc <= 0x83) || r->opc == 0xc0 || r->opc == 0xc1 ||
		       r->opc == 0xc6 || r->opc == 0xc7 || (r->opc >= 0xd0 && r->opc <= 0xd3) ||
		       r->opc == 0xf6 || r->opc == 0xf7 || r->opc >= 0xfe;
	case RAW_0F: return (r->opc >= 0x90 && r->opc <= 0x9f) || r->opc == 0xba || r->opc == 0xc7;
	default: return false;
	}
}

/* Is ModRM.reg the destination (else ModRM.rm is)? Integer instructions only. */
static bool
reg_is_dest(const struct raw *r)
{
	unsigned o = r->opc;

	switch (r->map) {
	case RAW_1:
		return (o < 0x40 && (o & 2)) || o == 0x8a || o == 0x8b || o == 0x63 || o == 0x69 ||
		       o == 0x6b;
	case RAW_0F:
		return (o >= 0x40 && o <= 0x4f) || o == 0xaf || (o >= 0xb6 && o <= 0xb8) ||
		       (o >= 0xbc && o <= 0xbf);
	case RAW_0F38: return r->opc != 0xf1 || r->f2;
	default: return true;
	}
}

static unsigned
mem_size(const struct insn *in)
{
	switch (in->op) {
	case OP_MOVZX8:
	case OP_MOVSX8: return 1;
	case OP_MOVZX16:
	case OP_MOVSX16: return 2;
	case OP_MOVSXD: return 4;
	case OP_CMPXCHG8B: return 8;
	default: return 1u << in->osize;
	}
}

/* Whether this processor's model has what the host would do. */
static bool
model_agrees(const struct tr *t, const struct insn *in)
{
	const struct cpu_model *m = t->c->model;

	/* 16 bits and a count above 16: undefined, and hosts differ */
	if ((in->op == OP_SHLD || in->op == OP_SHRD) && in->osize == 1)
		return false;
	if (in->op == OP_TZCNT)
		return model_has(m, FEAT_BMI1);
	if (in->op == OP_LZCNT)
		return model_has(m, FEAT_ABM);
	return true;
}

static bool
integer_setup(struct copy *k, unsigned use)
{
	const struct insn *in = k->in;
	const struct raw *r = k->r;
	bool to_reg = reg_is_dest(r), group = is_group(r);

	k->w = in->osize == 3 && in->op != OP_CMPXCHG8B;
	k->reg_gpr = !group;
	k->rm_gpr = r->mod == 3;
	k->vvvv_gpr = r->vex && (in->op != OP_RORX);
	if (use != C_CMP) {
		k->reg_out = k->reg_gpr && (to_reg || use == C_X);
		k->rm_out = k->rm_gpr && !to_reg && !r->vex;
		k->vvvv_out = k->vvvv_gpr && (group || use == C_X);
	}
	k->rm_byte = in->osize == 0 || in->op == OP_MOVZX8 || in->op == OP_MOVSX8;
	k->reg_byte = in->osize == 0 && k->reg_gpr && in->op != OP_CRC32;
	if (in->op == OP_CRC32)
		k->w = r->w;
	return true;
}

/* AH..BH are only reachable without a REX prefix. */
static bool
is_high(const struct copy *k, bool byte, unsigned n)
{
	return byte && !k->r->rex && n >= 4 && n < 8;
}

static unsigned
host_of(struct copy *k, unsigned n, unsigned temp, bool byte)
{
	if (is_high(k, byte, n))
		return n; /* the same encoding */
	return tr_get(k->t, n, temp);
}

static void
opcode(struct copy *k, unsigned rxb, bool rex8)
{
	const struct raw *r = k->r;
	struct emit *e = &k->t->e;

	if (r->vex) {
		emit8(e, 0xc4);
		emit8(e, (~rxb & 7) << 5 | r->map);
		emit8(e, (unsigned)k->w << 7 | (~k->vvvv & 15) << 3 | (unsigned)r->l << 2 | r->pp);
		emit8(e, r->opc);
		return;
	}
	if (rxb || k->w || rex8)
		emit8(e, 0x40 | (unsigned)k->w << 3 | rxb);
	if (r->map != RAW_1)
		emit8(e, 0x0f);
	if (r->map == RAW_0F38)
		emit8(e, 0x38);
	if (r->map == RAW_0F3A)
		emit8(e, 0x3a);
	/* 82 is another 80, but not in 64-bit mode */
	emit8(e, r->map == RAW_1 && r->opc == 0x82 ? 0x80 : r->opc);
}

static void
legacy_prefixes(struct copy *k, bool op16, bool f2, bool f3)
{
	struct emit *e = &k->t->e;

	if (k->is_mem && k->mem.gs)
		emit8(e, 0x65);
	if (k->r->vex)
		return;
	if (k->lock)
		emit8(e, 0xf0);
	if (op16)
		emit8(e, 0x66);
	if (f2)
		emit8(e, 0xf2);
	if (f3)
		emit8(e, 0xf3);
}

/* VBLENDVPS, VBLENDVPD, VPBLENDVB */
static bool
has_register_imm(const struct raw *r)
{
	return r->vex && r->map == RAW_0F3A && r->opc >= 0x4a && r->opc <= 0x4c;
}

static void
write_out(struct copy *k, bool rex8)
{
	struct emit *e = &k->t->e;
	unsigned rxb = (k->reg >> 3 & 1) << 2;

	if (k->is_mem) {
		if (k->mem.index != H_NONE)
			rxb |= (k->mem.index >> 3 & 1) << 1;
		rxb |= k->mem.base >> 3 & 1;
		opcode(k, rxb, rex8);
		emit_modrm_mem(e, k->reg, &k->mem);
	} else {
		opcode(k, rxb | (k->rm >> 3 & 1), rex8);
		emit8(e, 0xc0 | (k->reg & 7) << 3 | (k->rm & 7));
	}
	if (has_register_imm(k->r) && k->t->bits != BITS64)
		emit8(e, k->r->imm[0] & 0x7f); /* bit 7 is ignored there */
	else
		emit_bytes(e, k->r->imm, k->r->imm_len);
}

/* The instruction itself, flags seen to before and after. */
static void
execute(struct copy *k, bool op16, bool f2, bool f3)
{
	struct tr *t = k->t;
	uint8_t writes = tr_flags_writes(k->in);
	bool rex8 = (k->reg_byte && !is_high(k, true, k->r->reg) && k->r->reg >= 4) ||
	            (k->rm_byte && !k->is_mem && !is_high(k, true, k->r->rm) && k->r->rm >= 4);

	t->b->site[t->s].flags_live = t->ef;
	legacy_prefixes(k, op16, f2, f3);
	write_out(k, rex8);
	if (writes) {
		t->ef = true;
		t->hf = false;
	}
}

/* Prefixes that select an instruction, and no others. */
static void
integer_execute(struct copy *k)
{
	unsigned op = k->in->op;
	bool f3 = op == OP_TZCNT || op == OP_LZCNT || op == OP_POPCNT || op == OP_ADOX;

	execute(k, op == OP_ADCX || (k->in->osize == 1 && op != OP_CMPXCHG8B), op == OP_CRC32, f3);
}

/* Must the host's flags be the guest's when it executes? */
static bool
wants_flags(const struct tr *t, const struct insn *in)
{
	uint8_t writes = tr_flags_writes(in);

	return tr_flags_reads(in) || (writes && (t->live[t->i + 1] & ~writes));
}

static void
put_back(struct copy *k, unsigned n, unsigned h, bool out)
{
	if (out && tr_host(n) == H_NONE)
		tr_put(k->t, n, h);
}

/* Registers only. */
static bool
integer_regs(struct copy *k)
{
	struct tr *t = k->t;
	const struct raw *r = k->r;
	bool high = is_high(k, k->reg_byte, r->reg) || is_high(k, k->rm_byte, r->rm);
	unsigned slots = (k->reg_gpr && tr_host(r->reg) == H_NONE) +
	                 (k->rm_gpr && tr_host(r->rm) == H_NONE) +
	                 (k->vvvv_gpr && tr_host(r->vvvv) == H_NONE);

	/* AH beside guest (E)SP, which is R9; three operands in slots */
	if ((high && ((k->reg_gpr && !k->reg_byte && r->reg == REG_SP) || k->w)) || slots > 2)
		return false;
	if (wants_flags(t, k->in))
		tr_flags_need(t);
	if (k->vvvv_gpr)
		k->vvvv = tr_get(t, r->vvvv, H_R11);
	k->reg = r->reg;
	if (k->reg_gpr)
		k->reg = host_of(
		    k, r->reg, k->vvvv_gpr && k->vvvv == H_R11 ? H_R10 : H_R11, k->reg_byte);
	k->rm = host_of(k, r->rm,
	    k->reg == H_R10 || (k->vvvv_gpr && k->vvvv == H_R10) ? H_R11 : H_R10, k->rm_byte);
	integer_execute(k);
	put_back(k, r->reg, k->reg, k->reg_out);
	put_back(k, r->rm, k->rm, k->rm_out);
	put_back(k, r->vvvv, k->vvvv, k->vvvv_out);
	return true;
}

/* A byte register that needs the absence of REX beside a memory operand that needs one: by
 * way of memory that does not. */
static void
high_byte_with_memory(struct copy *k, bool to_reg)
{
	struct hmem tmp = hmem_slot(CPU_SLOT(hot.tmp[2]));
	struct emit *e = &k->t->e;

	k->mem = tr_mem_free_r11(k->t, k->mem);
	if (to_reg || k->in->op == OP_CMP || k->in->op == OP_TEST) {
		emit_rm(e, 0, 0x0fb6, H_R11, &k->mem); /* movzx r11d, byte */
		emit_rm(e, EI_REX8, 0x88, H_R11, &tmp);
		k->mem = tmp;
		return;
	}
	emit_rm(e, 0, 0x88, k->reg, &tmp);
	emit_rm(e, 0, 0x0fb6, H_R11, &tmp);
	k->reg = H_R11;
}

static unsigned
access_of(const struct insn *in, unsigned use, bool to_reg)
{
	if (use == C_CMP || to_reg) /* MULX has two destinations, both registers */
		return ACC_R;
	return use == C_W ? ACC_W : ACC_R | ACC_W;
}

static bool
integer_mem(struct copy *k, unsigned use)
{
	struct tr *t = k->t;
	const struct raw *r = k->r;
	bool to_reg = reg_is_dest(r) || r->vex, high = is_high(k, k->reg_byte, r->reg);
	bool alone = t->c->set->n == 1;
	unsigned slots = (k->reg_gpr && !high && tr_host(r->reg) == H_NONE) +
	                 (k->vvvv_gpr && tr_host(r->vvvv) == H_NONE);

	if (slots > 1 || (high && use == C_X))
		return false;
	/* a bit offset in a register reaches beyond the operand */
	if ((k->in->op == OP_BT || k->in->op == OP_BTS || k->in->op == OP_BTR ||
		k->in->op == OP_BTC) &&
	    r->opc != 0xba)
		return false;
	k->is_mem = true;
	/* a locked access that is not aligned may cross a cache line: the handler knows how */
	t->strict = !alone && (r->lock || k->in->op == OP_XCHG);
	k->mem = tr_mem(t, mem_size(k->in), access_of(k->in, use, to_reg));
	t->strict = false;
	if (slots || high || wants_flags(t, k->in))
		k->mem = tr_mem_free_r11(t, k->mem);
	if (wants_flags(t, k->in))
		tr_flags_need(t);
	k->lock = r->lock && !alone;
	if (k->vvvv_gpr)
		k->vvvv = tr_get(t, r->vvvv, H_R11);
	k->reg = r->reg;
	if (k->reg_gpr)
		k->reg = host_of(k, r->reg, H_R11, k->reg_byte);
	if (high)
		high_byte_with_memory(k, to_reg);
	integer_execute(k);
	put_back(k, r->reg, k->reg, k->reg_out);
	put_back(k, r->vvvv, k->vvvv, k->vvvv_out);
	return true;
}

bool
tr_copy(struct tr *t, const struct insn *in)
{
	struct copy k = { .t = t, .in = in, .r = &t->raw };
	unsigned use = integer_ops[in->op];

	if (use == C_NO || !t->raw.has_modrm || !model_agrees(t, in))
		return false;
	integer_setup(&k, use);
	return t->raw.mod == 3 ? integer_regs(&k) : integer_mem(&k, use);
}

/* ---- x87, MMX, SSE, AVX ---- */

/* Not as they stand: implicit addresses, suppressed faults, control state, many bytes. */
static const bool denied[OP_COUNT] = {
	[OP_FLDENV] = true,
	[OP_FNSTENV] = true,
	[OP_FNSAVE] = true,
	[OP_FRSTOR] = true,
	[OP_FNENI] = true,
	[OP_FNINIT] = true, /* clears the pointers too */
	[OP_FXSAVE] = true,
	[OP_FXRSTOR] = true,
	[OP_XSAVE] = true,
	[OP_XSAVEOPT] = true,
	[OP_XRSTOR] = true,
	[OP_LDMXCSR] = true,
	[OP_STMXCSR] = true,
	[OP_VLDMXCSR] = true,
	[OP_VSTMXCSR] = true,
	[OP_MASKMOVQ] = true,
	[OP_MASKMOVDQU] = true,
	[OP_VMASKMOVDQU] = true,
	[OP_VMASKMOVPD] = true,
	[OP_VMASKMOVPD_STORE] = true,
	[OP_VMASKMOVPS] = true,
	[OP_VMASKMOVPS_STORE] = true,
	[OP_VPMASKMOVD] = true,
	[OP_VPMASKMOVD_STORE] = true,
	[OP_VPMASKMOVQ] = true,
	[OP_VPMASKMOVQ_STORE] = true,
	[OP_VGATHERDPD] = true,
	[OP_VGATHERDPS] = true,
	[OP_VGATHERQPD] = true,
	[OP_VGATHERQPS] = true,
	[OP_VPGATHERDD] = true,
	[OP_VPGATHERDQ] = true,
	[OP_VPGATHERQD] = true,
	[OP_VPGATHERQQ] = true,
	[OP_CVTPI2PS] = true,
	[OP_CVTPI2PD] = true,
	[OP_CVTPS2PI] = true,
	[OP_CVTPD2PI] = true,
	[OP_CVTTPS2PI] = true,
	[OP_CVTTPD2PI] = true,
};

/* Bytes of an x87 memory operand and whether it is written; 0: its handler. */
static unsigned
x87_size(const struct raw *r, bool *ret_write)
{
	static const uint8_t size[8][8] = { { 4, 4, 4, 4, 4, 4, 4, 4 }, { 4, 0, 4, 4, 0, 2, 0, 2 },
		{ 4, 4, 4, 4, 4, 4, 4, 4 }, { 4, 4, 4, 4, 0, 10, 0, 10 },
		{ 8, 8, 8, 8, 8, 8, 8, 8 }, { 8, 8, 8, 8, 0, 0, 0, 2 }, { 2, 2, 2, 2, 2, 2, 2, 2 },
		{ 2, 2, 2, 2, 10, 8, 10, 8 } };
	static const uint8_t writes[8] = { 0, 0x8c, 0, 0x8e, 0, 0x8e, 0, 0xce };

	*ret_write = writes[r->opc & 7] >> (r->reg & 7) & 1;
	return size[r->opc & 7][r->reg & 7];
}

/* Which mandatory prefix an instruction has, as VEX counts: none, 66, F3, F2. */
static unsigned
prefix_of(const struct raw *r)
{
	if (r->vex)
		return r->pp;
	return r->f3 ? 2 : r->f2 ? 3 : r->pfx66;
}

/* Opcodes of map 0F whose memory operand may be smaller than a register. */
enum { V_WHOLE, V_SCALAR, V_HALF, V_HALF_IF_PACKED, V_COMPARE, V_FROM_GPR, V_TO_GPR, V_MOVD };
static const uint8_t vector_kind[256] = {
	[0x10] = V_SCALAR,
	[0x11] = V_SCALAR,
	[0x12] = V_HALF_IF_PACKED,
	[0x13] = V_HALF,
	[0x16] = V_HALF_IF_PACKED,
	[0x17] = V_HALF,
	[0x2a] = V_FROM_GPR,
	[0x2c] = V_TO_GPR,
	[0x2d] = V_TO_GPR,
	[0x2e] = V_COMPARE,
	[0x2f] = V_COMPARE,
	[0x51] = V_SCALAR,
	[0x58] = V_SCALAR,
	[0x59] = V_SCALAR,
	[0x5a] = V_SCALAR,
	[0x5c] = V_SCALAR,
	[0x5d] = V_SCALAR,
	[0x5e] = V_SCALAR,
	[0x5f] = V_SCALAR,
	[0x6e] = V_MOVD,
	[0x7e] = V_MOVD,
	[0xc2] = V_SCALAR,
	[0xd6] = V_HALF,
};

/* Bytes of a vector instruction's memory operand: exact where a smaller one is common, else
 * at most what a register holds (too large is only slower). */
static unsigned
vector_size(const struct insn *in, const struct raw *r)
{
	unsigned whole = r->vex && r->l ? 32 : 16, pp = prefix_of(r);

	if ((in->flags & INSN_MMX) && !(in->flags & INSN_SSE))
		return 8;
	if (r->map != RAW_0F)
		return whole;
	switch (vector_kind[r->opc]) {
	case V_SCALAR: return pp == 2 ? 4 : pp == 3 ? 8 : whole;
	case V_HALF: return 8;
	case V_HALF_IF_PACKED: return pp < 2 ? 8 : whole;
	case V_COMPARE: return pp == 1 ? 8 : 4;
	case V_FROM_GPR: return r->w ? 8 : 4;
	case V_TO_GPR: return pp == 2 ? 4 : 8;
	case V_MOVD: return pp == 2 || r->w ? 8 : 4;
	default: return whole;
	}
}

/* Outside 64-bit mode W does not widen a general register. */
static bool
w_is_ignored(const struct raw *r)
{
	unsigned kind = r->map == RAW_0F ? vector_kind[r->opc] : V_WHOLE;

	if (kind == V_FROM_GPR || kind == V_TO_GPR || kind == V_MOVD)
		return true;
	return r->map == RAW_0F3A && !(r->vex && r->opc >= 0x40);
}

/* Which of the two fields is a general register. */
static void
vector_fields(struct copy *k)
{
	const struct raw *r = k->r;
	unsigned o = r->opc;

	if (r->map == RAW_0F) {
		k->reg_gpr = vector_kind[o] == V_TO_GPR || o == 0x50 || o == 0xd7 || o == 0xc5;
		k->rm_gpr = o == 0x2a || o == 0x6e || o == 0xc4 || (o == 0x7e && prefix_of(r) != 2);
	} else if (r->map == RAW_0F3A) {
		k->rm_gpr = (o >= 0x14 && o <= 0x17) || o == 0x20 || o == 0x22;
	}
	k->rm_gpr &= r->mod == 3;
	k->reg_out = k->reg_gpr;
	k->rm_out = k->rm_gpr && k->in->kind[0] == OPD_REG;
	k->w = r->w && (k->t->bits == BITS64 || !w_is_ignored(r));
	k->vvvv = r->vvvv;
}

/* #GP when a 16-byte operand is not aligned: SSE but for the MOVUs, VEX only for the MOVAs and
 * the non-temporal moves. */
static bool
must_align(const struct raw *r)
{
	unsigned o = r->opc;

	if (r->map == RAW_0F && (o == 0x28 || o == 0x29 || o == 0x2b || o == 0xe7))
		return true;
	if (r->map == RAW_0F && (o == 0x6f || o == 0x7f))
		return r->vex ? r->pp == 1 : r->pfx66;
	if (r->map == RAW_0F38 && o == 0x2a)
		return true;
	if (r->map == RAW_0F3A && o >= 0x60 && o <= 0x63) /* PCMPxSTRx */
		return false;
	if (r->map == RAW_0F && (o == 0x10 || o == 0x11 || o == 0xf0))
		return false;
	return !r->vex;
}

static unsigned
fp_which(const struct tr *t, const struct insn *in)
{
	unsigned which = 0;

	if (in->flags & (INSN_FPU | INSN_MMX))
		which |= JIT_FP_X87;
	if (in->flags & (INSN_SSE | INSN_AVX))
		which |= JIT_FP_SSE;
	return which;
}

static bool
fp_allowed(const struct tr *t, const struct insn *in)
{
	uint32_t m = t->mode->bits;

	if ((in->flags & (INSN_FPU | INSN_MMX)) && !(m & JIT_M_X87))
		return false;
	if ((in->flags & INSN_SSE) && !(m & JIT_M_SSE))
		return false;
	if ((in->flags & INSN_AVX) && in->vl && !model_has(t->c->model, FEAT_AVX2))
		return false;
	/* VEX is no prefix in real and V86 mode */
	return !(in->flags & INSN_AVX) ||
	       (m & (JIT_M_AVX | JIT_M_PROT)) == (JIT_M_AVX | JIT_M_PROT);
}

/* Is the memory operand the destination? */
static bool
stores(const struct insn *in)
{
	return in->kind[0] == OPD_MEM;
}

/* For FIP and FOP: control instructions leave them alone (SDM 1 8.1.8). */
static void
note_x87(struct tr *t, const struct insn *in, bool mem)
{
	uint32_t n = jit_site_number(t->j, &t->b->site[t->s]);
	struct hmem last = hmem_slot(CPU_SLOT(hot.x87_last)), at = hmem_slot(CPU_SLOT(hot.x87_mem));
	struct hmem ea = hmem_slot(CPU_SLOT(hot.tmp[3])), dp = hmem_slot(CPU_SLOT(hot.x87_dp));

	switch (in->op) {
	case OP_FLDCW:
	case OP_FNSTCW:
	case OP_FNSTSW:
	case OP_FNCLEX:
	case OP_FWAIT: return;
	default: break;
	}
	emit_rm(&t->e, 0, 0xc7, 0, &last);
	emit32(&t->e, n);
	if (mem) {
		emit_load(&t->e, H_R11, &ea);
		emit_store(&t->e, H_R11, &dp);
		emit_rm(&t->e, 0, 0xc7, 0, &at);
		emit32(&t->e, n);
	}
}

/* VZEROALL, VZEROUPPER: outside 64-bit mode they leave YMM8 to YMM15 alone. */
static bool
zero_eight(struct tr *t)
{
	tr_fp_ready(t, JIT_FP_SSE);
	for (unsigned n = 0; n < 8; n++) {
		emit8(&t->e, 0xc5);
		if (t->raw.l) { /* vpxor xmm, xmm, xmm */
			emit8(&t->e, 0x81 | (~n & 15) << 3);
			emit8(&t->e, 0xef);
		} else { /* vmovaps xmm, xmm */
			emit8(&t->e, 0xf8);
			emit8(&t->e, 0x28);
		}
		emit8(&t->e, 0xc0 | n << 3 | n);
	}
	return true;
}

/* A store that an exception keeps from happening must not make its page dirty. */
static void
wait_before_store(struct tr *t, const struct insn *in)
{
	if (in->op == OP_FNSTCW || in->op == OP_FNSTSW)
		return;
	tr_flags_clobber(t);
	emit8(&t->e, 0x9b); /* fwait: its fault is the instruction's own */
}

/* May it be executed as it stands here? */
static bool
fp_copyable(const struct tr *t, const struct insn *in)
{
	if (!(in->flags & (INSN_FPU | INSN_MMX | INSN_SSE | INSN_AVX)) || denied[in->op] ||
	    (in->prefix & PFX_LOCK) || (in->flags & INSN_SLOW))
		return false;
	/* what x87 leaves undefined (C0 to C3 above all) is the interpreter's own choice */
	if ((in->flags & INSN_FPU) && t->j->exact)
		return false;
	return fp_allowed(t, in);
}

/* FWAIT, EMMS, VZEROUPPER, VZEROALL */
static bool
fp_no_operands(struct copy *k)
{
	k->t->b->site[k->t->s].flags_live = k->t->ef;
	legacy_prefixes(k, false, false, false);
	opcode(k, 0, false);
	return true;
}

static void
fp_operands(struct copy *k, unsigned size, bool write)
{
	struct tr *t = k->t;
	const struct raw *r = k->r;

	if (size) {
		k->is_mem = true;
		t->strict = size >= 16 && must_align(r);
		k->mem = tr_mem(t, size, write ? ACC_W : ACC_R);
		t->strict = false;
	}
	if (size && (k->reg_gpr || wants_flags(t, k->in)))
		k->mem = tr_mem_free_r11(t, k->mem);
	if (wants_flags(t, k->in))
		tr_flags_need(t);
	k->reg = k->reg_gpr ? tr_get(t, r->reg, H_R11) : r->reg;
	k->rm = k->rm_gpr ? tr_get(t, r->rm, H_R10) : r->rm;
}

bool
tr_copy_fp(struct tr *t, const struct insn *in)
{
	const struct raw *r = &t->raw;
	struct copy k = { .t = t, .in = in, .r = r };
	bool x87 = in->flags & INSN_FPU, write = stores(in);
	unsigned size = 0;

	if (!fp_copyable(t, in))
		return false;
	if (r->has_modrm && r->mod != 3) {
		size = x87 ? x87_size(r, &write) : vector_size(in, r);
		if (!size || !(in->flags & INSN_MEM))
			return false;
	}
	if ((in->op == OP_VZEROALL || in->op == OP_VZEROUPPER) && t->bits != BITS64)
		return zero_eight(t);
	if (!x87)
		vector_fields(&k);
	tr_fp_ready(t, fp_which(t, in));
	if (write && (in->flags & (INSN_FPU | INSN_MMX)))
		wait_before_store(t, in);
	fp_operands(&k, size, write);
	if (!r->has_modrm)
		return fp_no_operands(&k);
	if (x87)
		k.reg &= 7, k.rm &= 7;
	execute(&k, !x87 && r->pfx66, !x87 && r->f2, !x87 && r->f3);
	if (x87)
		note_x87(t, in, size);
	put_back(&k, r->reg, k.reg, k.reg_out);
	put_back(&k, r->rm, k.rm, k.rm_out);
	return true;
}

/* ---- for elide.c ---- */

unsigned
tr_copy_operand(const struct insn *in, const struct raw *r, unsigned *ret_access)
{
	unsigned use = integer_ops[in->op];

	if (!r->has_modrm || r->mod == 3)
		return 0;
	if (use != C_NO) {
		*ret_access = access_of(in, use, reg_is_dest(r) || r->vex);
		return mem_size(in);
	}
	if (!(in->flags & (INSN_MMX | INSN_SSE | INSN_AVX)) || denied[in->op])
		return 0;
	*ret_access = stores(in) ? ACC_W : ACC_R;
	return vector_size(in, r);
}

/* Registers that are written without being operands: RAX and RDX by multiplication and its
 * like, RCX by LOOP and string comparison in SSE4.2. */
static bool
writes_implicitly(const struct insn *in, unsigned guest)
{
	switch (in->op) {
	case OP_LEAVE: return guest == REG_SP || guest == REG_BP;
	case OP_MUL:
	case OP_IMUL1:
	case OP_DIV:
	case OP_IDIV:
	case OP_CBW:
	case OP_CWD:
	case OP_LAHF:
	case OP_LAHF64:
	case OP_CMPXCHG:
	case OP_CMPXCHG8B:
	case OP_FNSTSW: return guest == REG_AX || guest == REG_DX;
	case OP_LOOP:
	case OP_LOOPE:
	case OP_LOOPNE:
	case OP_PCMPESTRI:
	case OP_PCMPISTRI:
	case OP_VPCMPESTRI:
	case OP_VPCMPISTRI: return guest == REG_CX;
	default: return false;
	}
}

bool
tr_writes_reg(const struct insn *in, unsigned guest)
{
	if (integer_ops[in->op] != C_CMP && in->op != OP_PUSH && in->op != OP_CALL &&
	    in->op != OP_JMP)
		for (unsigned k = 0; k < 4; k++) {
			unsigned r = in->reg[k] >= REG8_HIGH ? in->reg[k] - REG8_HIGH : in->reg[k];

			if (in->kind[k] == OPD_REG && r == guest &&
			    (k == 0 || integer_ops[in->op] == C_X))
				return true;
		}
	return writes_implicitly(in, guest);
}
