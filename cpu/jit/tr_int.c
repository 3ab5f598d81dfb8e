/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integer instructions that have no ModRM byte or need more than a new encoding. */
#include "cpu/jit/tr.h"

static unsigned
attr_of(const struct insn *in)
{
	return in->osize == 3 ? EI_W : in->osize == 1 ? EI_66 : 0;
}

static void
immediate(struct tr *t, const struct insn *in)
{
	switch (in->osize) {
	case 0: emit8(&t->e, (unsigned)in->imm & 0xff); break;
	case 1: emit16(&t->e, (unsigned)in->imm & 0xffff); break;
	default: emit32(&t->e, (uint32_t)in->imm); break;
	}
}

static void
wrote_flags(struct tr *t)
{
	t->ef = true;
	t->hf = false;
}

static void
need_if_kept(struct tr *t, const struct insn *in)
{
	if (tr_flags_reads(in) || (t->live[t->i + 1] & ~tr_flags_writes(in)))
		tr_flags_need(t);
}

/* ADD … CMP, TEST with AL, rAX and an immediate */
static bool
alu_acc(struct tr *t, const struct insn *in)
{
	bool test = in->op == OP_TEST;
	unsigned digit = test ? 0 : t->raw.opc >> 3 & 7;

	if (t->raw.has_modrm)
		return tr_copy(t, in);
	need_if_kept(t, in);
	if (in->osize == 0)
		emit_rr(&t->e, 0, test ? 0xf6 : 0x80, digit, H_RAX);
	else
		emit_rr(&t->e, attr_of(in), test ? 0xf7 : 0x81, digit, H_RAX);
	immediate(t, in);
	wrote_flags(t);
	return true;
}

static bool
mov_imm(struct tr *t, const struct insn *in)
{
	unsigned g = in->reg[0], h;

	if (in->osize == 0) {
		h = g >= REG8_HIGH ? g - REG8_HIGH + H_AH : tr_get(t, g, H_R10);
		emit_rr(&t->e, g >= REG8_HIGH || h < 4 ? 0 : EI_REX8, 0xc6, 0, h);
		emit8(&t->e, (unsigned)in->imm & 0xff);
		if (g < REG8_HIGH)
			tr_put(t, g, H_R10);
		return true;
	}
	h = tr_host(g);
	if (in->osize == 1) {
		h = tr_get(t, g, H_R10);
		emit_rr(&t->e, EI_66, 0xc7, 0, h);
		emit16(&t->e, (unsigned)in->imm & 0xffff);
	} else {
		if (h == H_NONE)
			h = H_R10;
		emit_imm(&t->e, h, in->osize == 2 ? (uint32_t)in->imm : in->imm);
	}
	tr_put(t, g, H_R10);
	return true;
}

/* MOV between AL, rAX and an address in the instruction */
static bool
mov_moffs(struct tr *t, const struct insn *in)
{
	bool store = t->raw.opc >= 0xa2;
	struct hmem m = tr_mem(t, 1u << in->osize, store ? ACC_W : ACC_R);
	unsigned opc = (store ? 0x88 : 0x8a) | (in->osize != 0);

	emit_rm(&t->e, attr_of(in), opc, H_RAX, &m);
	return true;
}

static bool
tr_mov(struct tr *t, const struct insn *in)
{
	if (t->raw.has_modrm)
		return tr_copy(t, in);
	if (t->raw.opc >= 0xb0 && t->raw.opc <= 0xbf)
		return mov_imm(t, in);
	return mov_moffs(t, in);
}

static bool
tr_xchg(struct tr *t, const struct insn *in)
{
	unsigned h;

	if (t->raw.has_modrm)
		return tr_copy(t, in);
	h = tr_get(t, t->raw.rm, H_R10);
	emit_rr(&t->e, attr_of(in), 0x87, H_RAX, h);
	tr_put(t, t->raw.rm, H_R10);
	return true;
}

/* INC and DEC with the register in the opcode, which a REX prefix is in 64-bit code */
static bool
inc_dec(struct tr *t, const struct insn *in)
{
	if (t->raw.has_modrm)
		return tr_copy(t, in);
	need_if_kept(t, in);
	emit_rr(&t->e, attr_of(in), 0xff, in->op == OP_DEC, tr_get(t, t->raw.rm, H_R10));
	wrote_flags(t);
	return true;
}

static bool
tr_bswap(struct tr *t, const struct insn *in)
{
	unsigned h = tr_get(t, t->raw.rm, H_R10);

	if (in->osize == 1) /* undefined */
		return false;
	if (in->osize == 3 || h >= 8)
		emit8(&t->e, 0x40 | (in->osize == 3) << 3 | h >> 3);
	emit8(&t->e, 0x0f);
	emit8(&t->e, 0xc8 | (h & 7));
	tr_put(t, t->raw.rm, H_R10);
	return true;
}

/* CBW…, CWD…: only RAX and RDX */
static bool
sign_into(struct tr *t, const struct insn *in)
{
	if (in->osize == 1)
		emit8(&t->e, 0x66);
	if (in->osize == 3)
		emit8(&t->e, 0x48);
	emit8(&t->e, in->op == OP_CBW ? 0x98 : 0x99);
	return true;
}

/* LAHF SAHF CLC STC CMC */
static bool
flag_insn(struct tr *t, const struct insn *in)
{
	if (tr_flags_reads(in) || tr_flags_writes(in))
		need_if_kept(t, in);
	emit8(&t->e, t->raw.opc);
	if (tr_flags_writes(in))
		wrote_flags(t);
	return true;
}

static bool
tr_lea(struct tr *t, const struct insn *in)
{
	unsigned h = tr_host(in->reg[0]);
	struct hmem m = hmem_at(H_R10, 0);

	tr_ea(t, in);
	if (h == H_NONE)
		h = in->osize == 1 ? tr_get(t, in->reg[0], H_R11) : H_R11;
	emit_rm(&t->e, attr_of(in), 0x8d, h, &m);
	tr_put(t, in->reg[0], H_R11);
	return true;
}

static bool
nothing(struct tr *t, const struct insn *in)
{
	return true;
}

static bool
fence(struct tr *t, const struct insn *in)
{
	if (t->c->set->n > 1)
		emit_bytes(&t->e, "\x0f\xae\xf0", 3); /* mfence for all three */
	return true;
}

static bool
tr_pause(struct tr *t, const struct insn *in)
{
	emit_bytes(&t->e, "\xf3\x90", 2);
	tr_exit_to(t, tr_next(t));
	return true;
}

/* ---- the stack ---- */

static unsigned
stack_width(const struct tr *t)
{
	return (t->mode->bits & JIT_M_STACK) >> 4;
}

/* RSP moves; the flags stay. */
void
tr_move_sp(struct tr *t, int32_t by)
{
	struct hmem m = hmem_at(H_R9, by);

	switch (stack_width(t)) {
	case 3: emit_lea(&t->e, true, H_R9, &m); break;
	case 2: emit_lea(&t->e, false, H_R9, &m); break;
	default: emit_rm(&t->e, EI_66, 0x8d, H_R9, &m); break;
	}
}

static unsigned
size_of(const struct insn *in)
{
	return 1u << in->osize;
}

static unsigned
mov_attr(unsigned size)
{
	return size == 8 ? EI_W : size == 2 ? EI_66 : 0;
}

static void
store_imm(struct tr *t, struct hmem m, unsigned size, uint64_t v)
{
	if (size == 8 && (int64_t)v != (int32_t)v) {
		m = tr_mem_free_r11(t, m);
		emit_imm(&t->e, H_R11, v);
		emit_store(&t->e, H_R11, &m);
		return;
	}
	emit_rm(&t->e, mov_attr(size), 0xc7, 0, &m);
	if (size == 2)
		emit16(&t->e, (unsigned)v & 0xffff);
	else
		emit32(&t->e, (uint32_t)v);
}

static bool
push_mem(struct tr *t, const struct insn *in)
{
	struct hmem tmp = hmem_slot(CPU_SLOT(hot.tmp[2])), m;
	unsigned size = size_of(in);

	m = tr_mem(t, size, ACC_R);
	/* all of R11, which has a host address */
	emit_rm(&t->e, size == 8 ? EI_W : 0, size == 2 ? 0x0fb7 : 0x8b, H_R11, &m);
	emit_store(&t->e, H_R11, &tmp);
	m = tr_mem_free_r11(t, tr_mem_stack(t, H_R9, -(int32_t)size, size, ACC_W));
	emit_load(&t->e, H_R11, &tmp);
	emit_rm(&t->e, mov_attr(size), 0x89, H_R11, &m);
	tr_move_sp(t, -(int32_t)size);
	return true;
}

static bool
tr_push(struct tr *t, const struct insn *in)
{
	unsigned size = size_of(in), h;
	struct hmem m;

	if (in->kind[0] == OPD_MEM)
		return push_mem(t, in);
	m = tr_mem_stack(t, H_R9, -(int32_t)size, size, ACC_W);
	h = tr_host(in->reg[0]);
	if (h == H_NONE) {
		m = tr_mem_free_r11(t, m);
		h = tr_get(t, in->reg[0], H_R11);
	}
	emit_rm(&t->e, mov_attr(size), 0x89, h, &m);
	tr_move_sp(t, -(int32_t)size);
	return true;
}

static bool
tr_push_imm(struct tr *t, const struct insn *in)
{
	unsigned size = size_of(in);

	store_imm(t, tr_mem_stack(t, H_R9, -(int32_t)size, size, ACC_W), size, in->imm);
	tr_move_sp(t, -(int32_t)size);
	return true;
}

static bool
tr_pop(struct tr *t, const struct insn *in)
{
	unsigned size = size_of(in), h;
	struct hmem m;

	if (in->kind[0] != OPD_REG)
		return false;
	m = tr_mem_stack(t, H_R9, 0, size, ACC_R);
	if (in->reg[0] == REG_SP) { /* what was popped counts, not what POP adds */
		emit_rm(&t->e, mov_attr(size), 0x8b, H_R9, &m);
		return true;
	}
	h = tr_host(in->reg[0]);
	if (h == H_NONE) {
		m = tr_mem_free_r11(t, m);
		h = size == 2 ? tr_get(t, in->reg[0], H_R11) : H_R11;
	}
	emit_rm(&t->e, mov_attr(size), 0x8b, h, &m);
	tr_move_sp(t, (int32_t)size);
	tr_put(t, in->reg[0], H_R11);
	return true;
}

/* LEAVE: SP = BP, then BP is popped; nothing changes before the load has succeeded. */
static bool
tr_leave(struct tr *t, const struct insn *in)
{
	unsigned size = size_of(in), width = stack_width(t);
	struct hmem m, up = hmem_at(H_RBP, (int32_t)size);

	if (width == 1)
		return false;
	m = tr_mem_stack(t, H_RBP, 0, size, ACC_R);
	emit_rm(&t->e, mov_attr(size), 0x8b, H_R10, &m);
	emit_lea(&t->e, width == 3, H_R9, &up);
	emit_rr(&t->e, mov_attr(size), 0x8b, H_RBP, H_R10);
	return true;
}

/* ---- near branches ---- */

static bool
tr_jmp_rel(struct tr *t, const struct insn *in)
{
	uint64_t to;

	if (!tr_target(t, in, &to))
		return false;
	tr_exit_to(t, to);
	return true;
}

static bool
tr_jcc(struct tr *t, const struct insn *in)
{
	uint64_t to;

	if (!tr_target(t, in, &to))
		return false;
	tr_flags_need(t);
	tr_exit_cc(t, t->raw.opc & 15, to);
	tr_exit_to(t, tr_next(t));
	return true;
}

/* Both ways out begin with the flags in the same place. */
static void
exit_both(struct tr *t, uint32_t to_second, uint64_t first, uint64_t second)
{
	bool ef = t->ef, hf = t->hf;

	tr_exit_to(t, first);
	t->ef = ef;
	t->hf = hf;
	emit_here(&t->e, to_second);
	tr_exit_to(t, second);
}

/* With CX: no host instruction counts it, so the flags go to rest first. */
static bool
loop_cx(struct tr *t, const struct insn *in, uint64_t to)
{
	uint32_t out;

	if (in->op == OP_LOOPE || in->op == OP_LOOPNE)
		return false;
	tr_flags_rest(t);
	t->ef = false;
	if (in->op == OP_LOOP)
		emit_alu_imm(&t->e, EI_66, 5, H_RCX, 1);
	else
		emit_rr(&t->e, EI_66, 0x85, H_RCX, H_RCX);
	out = emit_jcc(&t->e, in->op == OP_LOOP ? CC_E : CC_NE, 0);
	exit_both(t, out, to, tr_next(t));
	return true;
}

/* LOOP and JrCXZ keep the flags: the host's own instructions do, and reach a short jump. */
static bool
tr_loop(struct tr *t, const struct insn *in)
{
	uint64_t to;
	uint32_t out;

	if (!tr_target(t, in, &to))
		return false;
	if (in->asize == 1)
		return loop_cx(t, in, to);
	tr_flags_need(t);
	if (in->asize == 2)
		emit8(&t->e, 0x67);
	emit8(&t->e, t->raw.opc); /* taken: over the jump that follows */
	emit8(&t->e, 5);
	out = emit_jmp(&t->e, 0);
	exit_both(t, out, to, tr_next(t));
	return true;
}

static bool
tr_call_rel(struct tr *t, const struct insn *in)
{
	unsigned size = size_of(in);
	uint64_t to;

	if (!tr_target(t, in, &to))
		return false;
	store_imm(t, tr_mem_stack(t, H_R9, -(int32_t)size, size, ACC_W), size, tr_next(t));
	tr_move_sp(t, -(int32_t)size);
	tr_exit_to(t, to);
	return true;
}

/* The target of an indirect branch in R10, zero-extended from the operand size. */
static void
load_target(struct tr *t, unsigned size, const struct hmem *m, unsigned h)
{
	unsigned opc = size == 2 ? 0x0fb7 : 0x8b, attr = size == 8 ? EI_W : 0;

	if (m)
		emit_rm(&t->e, attr, opc, H_R10, m);
	else
		emit_rr(&t->e, attr, opc, H_R10, h);
}

static bool
tr_jmp(struct tr *t, const struct insn *in)
{
	unsigned size = size_of(in);

	if (in->kind[0] == OPD_MEM) {
		struct hmem m = tr_mem(t, size, ACC_R);

		load_target(t, size, &m, 0);
	} else {
		load_target(t, size, NULL, tr_get(t, in->reg[0], H_R10));
	}
	tr_exit_indirect(t, 0, false);
	return true;
}

/* A CALL to where it may not go raises before it pushes anything. */
static void
check_target(struct tr *t, unsigned size)
{
	tr_flags_clobber(t);
	if (t->bits == BITS64) { /* canonical: bits 63 to 47 are the same */
		emit_mov(&t->e, H_R11, H_R10);
		emit_rr(&t->e, EI_W, 0xc1, 7, H_R11);
		emit8(&t->e, 47);
		emit_alu_imm(&t->e, EI_W, 0, H_R11, 1);
		emit_alu_imm(&t->e, EI_W, 7, H_R11, 1);
	} else if (t->mode->cs_limit < bits_mask(size * 8)) {
		emit_imm(&t->e, H_R11, t->mode->cs_limit);
		emit_rr(&t->e, EI_W, 0x3b, H_R10, H_R11);
	} else {
		return;
	}
	tr_to_handler(t, emit_jcc(&t->e, CC_A, 0));
}

static bool
tr_call(struct tr *t, const struct insn *in)
{
	struct hmem tmp = hmem_slot(CPU_SLOT(hot.tmp[2])), m;
	unsigned size = size_of(in);

	if (in->kind[0] == OPD_MEM) {
		m = tr_mem(t, size, ACC_R);
		load_target(t, size, &m, 0);
	} else {
		load_target(t, size, NULL, tr_get(t, in->reg[0], H_R10));
	}
	check_target(t, size);
	emit_store(&t->e, H_R10, &tmp);
	store_imm(t, tr_mem_stack(t, H_R9, -(int32_t)size, size, ACC_W), size, tr_next(t));
	tr_move_sp(t, -(int32_t)size);
	emit_load(&t->e, H_R10, &tmp);
	tr_exit_indirect(t, size, true);
	return true;
}

static bool
tr_ret(struct tr *t, const struct insn *in)
{
	unsigned size = size_of(in), up = size + (in->op == OP_RET_IMM ? (unsigned)in->imm : 0);
	struct hmem m;

	if (up > 127) /* jit_site.sp_undo; rare */
		return false;
	m = tr_mem_stack(t, H_R9, 0, size, ACC_R);
	load_target(t, size, &m, 0);
	tr_move_sp(t, (int32_t)up);
	tr_exit_indirect(t, up, false);
	return true;
}

static tr_fn *const table[OP_COUNT] = {
	[OP_ADD] = alu_acc,
	[OP_OR] = alu_acc,
	[OP_ADC] = alu_acc,
	[OP_SBB] = alu_acc,
	[OP_AND] = alu_acc,
	[OP_SUB] = alu_acc,
	[OP_XOR] = alu_acc,
	[OP_CMP] = alu_acc,
	[OP_TEST] = alu_acc,
	[OP_MOV] = tr_mov,
	[OP_XCHG] = tr_xchg,
	[OP_INC] = inc_dec,
	[OP_DEC] = inc_dec,
	[OP_BSWAP] = tr_bswap,
	[OP_CBW] = sign_into,
	[OP_CWD] = sign_into,
	[OP_LAHF] = flag_insn,
	[OP_LAHF64] = flag_insn,
	[OP_SAHF] = flag_insn,
	[OP_SAHF64] = flag_insn,
	[OP_CLC] = flag_insn,
	[OP_STC] = flag_insn,
	[OP_CMC] = flag_insn,
	[OP_LEA] = tr_lea,
	[OP_NOP] = nothing,
	[OP_NOP_HINT] = nothing,
	[OP_ENDBR32] = nothing,
	[OP_ENDBR64] = nothing,
	[OP_PREFETCH] = nothing,
	[OP_PREFETCHW] = nothing,
	[OP_PREFETCHNTA] = nothing,
	[OP_PREFETCHT0] = nothing,
	[OP_PREFETCHT1] = nothing,
	[OP_PREFETCHT2] = nothing,
	[OP_LFENCE] = fence,
	[OP_MFENCE] = fence,
	[OP_SFENCE] = fence,
	[OP_PAUSE] = tr_pause,
	[OP_CLI] = tr_cli,
	[OP_STI] = tr_sti,
	[OP_PUSHF] = tr_pushf,
	[OP_SWAPGS] = tr_swapgs,
	[OP_PUSH] = tr_push,
	[OP_PUSH_IMM] = tr_push_imm,
	[OP_POP] = tr_pop,
	[OP_LEAVE] = tr_leave,
	[OP_JMP_REL] = tr_jmp_rel,
	[OP_JMP] = tr_jmp,
	[OP_CALL_REL] = tr_call_rel,
	[OP_CALL] = tr_call,
	[OP_RET] = tr_ret,
	[OP_RET_IMM] = tr_ret,
	[OP_LOOP] = tr_loop,
	[OP_LOOPE] = tr_loop,
	[OP_LOOPNE] = tr_loop,
	[OP_JCXZ] = tr_loop,
	[OP_JO] = tr_jcc,
	[OP_JNO] = tr_jcc,
	[OP_JB] = tr_jcc,
	[OP_JNB] = tr_jcc,
	[OP_JZ] = tr_jcc,
	[OP_JNZ] = tr_jcc,
	[OP_JBE] = tr_jcc,
	[OP_JNBE] = tr_jcc,
	[OP_JS] = tr_jcc,
	[OP_JNS] = tr_jcc,
	[OP_JP] = tr_jcc,
	[OP_JNP] = tr_jcc,
	[OP_JL] = tr_jcc,
	[OP_JNL] = tr_jcc,
	[OP_JLE] = tr_jcc,
	[OP_JNLE] = tr_jcc,
};

tr_fn *
tr_find(unsigned op)
{
	return table[op]                                                         ? table[op]
	       : op_info[op].flags & (INSN_FPU | INSN_MMX | INSN_SSE | INSN_AVX) ? tr_copy_fp
	                                                                         : tr_copy;
}

bool
tr_is_integer(unsigned op)
{
	return op < OP_COUNT && (table[op] || tr_is_copied(op));
}
