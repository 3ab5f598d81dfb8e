/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors and segment registers: loading with all checks of SDM 3A chapters 3 and 5. */
#include "cpu/x86/transfer.h"

/* ---- descriptors in memory ---- */

struct desc
desc_unpack(uint64_t raw, uint64_t addr)
{
	struct desc d = { .lo = (uint32_t)raw, .hi = (uint32_t)(raw >> 32), .addr = addr };

	d.base = (d.lo >> 16) | (d.hi & 0xff) << 16 | (d.hi & 0xff000000);
	d.limit = (d.lo & 0xffff) | (d.hi & 0xf0000);
	d.attr = (uint16_t)((d.hi >> 8) & 0xf0ff);
	if (d.attr & DESC_G)
		d.limit = d.limit << 12 | 0xfff;
	return d;
}

/* Linear address of `len` bytes at the selector's slot; false when outside the table. */
static bool
desc_addr(const struct cpu *c, uint16_t sel, unsigned len, uint64_t *ret_addr)
{
	uint64_t base = c->gdtr.base;
	uint64_t limit = c->gdtr.limit;

	if (sel & 4) {
		const struct seg *ldt = &c->seg[SEG_LDTR];

		if (!(ldt->attr & DESC_P))
			return false;
		base = ldt->base;
		limit = ldt->limit;
	}
	if ((sel & ~7u) + len - 1 > limit)
		return false;
	*ret_addr = (base + (sel & ~7u)) & sys_mask(c);
	return true;
}

struct desc
desc_read(struct cpu *c, uint16_t sel, unsigned vector)
{
	uint64_t addr;

	if (!desc_addr(c, sel, 8, &addr))
		cpu_raise_err(c, vector, sel & ~3u);
	return desc_unpack(sys_read64(c, addr), addr);
}

bool
desc_try(struct cpu *c, uint16_t sel, struct desc *ret_d)
{
	uint64_t addr;

	if (sel_is_null(sel) || !desc_addr(c, sel, 8, &addr))
		return false;
	*ret_d = desc_unpack(sys_read64(c, addr), addr);
	return true;
}

uint64_t
desc_read_high(struct cpu *c, uint16_t sel, const struct desc *d, unsigned vector)
{
	uint64_t addr, high;

	if (!desc_addr(c, sel, 16, &addr))
		cpu_raise_err(c, vector, sel & ~3u);
	high = sys_read64(c, d->addr + 8);
	if (high & 0x1f0000000000ull) /* type of the upper half, SDM 3A 5.8.3.1 */
		cpu_raise_err(c, vector, sel & ~3u);
	return high << 32;
}

void
desc_set_type_bits(struct cpu *c, const struct desc *d, unsigned set, unsigned clear)
{
	struct rmw t = { .lin = d->addr + 5, .size = 1, .locked = true, .sys = true };
	uint8_t old;

	rmw_begin_slow(c, &t);
	do {
		old = (uint8_t)rmw_load(&t, 1);
	} while (!rmw_commit(c, &t, 1, old, (uint8_t)((old | set) & ~clear)));
}

void
desc_set_accessed(struct cpu *c, struct desc *d)
{
	if (d->attr & DESC_A)
		return;
	desc_set_type_bits(c, d, DESC_A, 0);
	d->attr |= DESC_A;
	d->hi |= DESC_A << 8;
}

/* ---- segment registers ---- */

void
seg_from_desc(struct seg *s, uint16_t sel, const struct desc *d)
{
	s->sel = sel;
	s->base = d->base;
	s->limit = d->limit;
	s->attr = d->attr;
}

/* The limit stays, as in processors: real mode may inherit it. */
void
seg_set_null(struct cpu *c, unsigned seg, uint16_t sel)
{
	struct seg *s = &c->seg[seg];

	s->sel = sel;
	s->base = 0;
	/* SS of 64-bit mode keeps the privilege level it was loaded for. */
	s->attr = seg == SEG_SS ? (uint16_t)((sel & 3) << DESC_DPL_SHIFT) : 0;
	cpu_seg_derive(c, seg);
}

/* SDM 3A 20.1.1: real mode changes the base; limit, B and G stay as protected mode left them
 * ("unreal" mode). The rights become those of an ordinary data segment of level 0. */
void
seg_load_real(struct cpu *c, unsigned seg, uint16_t sel)
{
	struct seg *s = &c->seg[seg];

	if (cpu_is_v86(c)) {
		seg_load_v86(c, seg, sel);
		return;
	}
	s->sel = sel;
	s->base = (uint64_t)sel << 4;
	s->attr = (s->attr & (DESC_DB | DESC_G | DESC_AVL)) | DESC_P | DESC_S | DESC_W | DESC_A;
	cpu_seg_derive(c, seg);
}

void
seg_load_v86(struct cpu *c, unsigned seg, uint16_t sel)
{
	struct seg *s = &c->seg[seg];

	s->sel = sel;
	s->base = (uint64_t)sel << 4;
	s->limit = 0xffff;
	s->attr = DESC_P | DESC_DPL | DESC_S | DESC_W | DESC_A;
	cpu_seg_derive(c, seg);
}

struct desc
seg_check_ss(struct cpu *c, uint16_t sel, unsigned cpl, unsigned vector)
{
	struct desc d = desc_read(c, sel, vector);

	if ((sel & 3) != cpl || desc_dpl(d.attr) != cpl || !desc_is_data_writable(d.attr))
		cpu_raise_err(c, vector, sel & ~3u);
	if (!(d.attr & DESC_P))
		cpu_raise_err(c, EXC_SS, sel & ~3u);
	desc_set_accessed(c, &d);
	return d;
}

static void
seg_load_ss(struct cpu *c, uint16_t sel)
{
	struct desc d;

	if (sel_is_null(sel)) {
		if (c->bits != BITS64 || c->cpl == 3 || (sel & 3) != c->cpl)
			cpu_raise_gp(c, 0);
		seg_set_null(c, SEG_SS, sel);
		return;
	}
	d = seg_check_ss(c, sel, c->cpl, EXC_GP);
	seg_from_desc(&c->seg[SEG_SS], sel, &d);
	cpu_seg_derive(c, SEG_SS);
}

void
seg_load(struct cpu *c, unsigned seg, uint16_t sel)
{
	struct desc d;
	unsigned dpl;

	if (!cpu_is_prot(c)) {
		seg_load_real(c, seg, sel);
		return;
	}
	if (seg == SEG_SS) {
		seg_load_ss(c, sel);
		return;
	}
	if (sel_is_null(sel)) {
		seg_set_null(c, seg, sel);
		return;
	}
	d = desc_read(c, sel, EXC_GP);
	dpl = desc_dpl(d.attr);
	if (!(d.attr & DESC_S) || (d.attr & (DESC_CODE | DESC_W)) == DESC_CODE)
		cpu_raise_gp(c, sel & ~3u);
	if (!desc_is_conforming(d.attr) && ((sel & 3u) > dpl || c->cpl > dpl))
		cpu_raise_gp(c, sel & ~3u);
	if (!(d.attr & DESC_P))
		cpu_raise_err(c, EXC_NP, sel & ~3u);
	desc_set_accessed(c, &d);
	seg_from_desc(&c->seg[seg], sel, &d);
	cpu_seg_derive(c, seg);
}

void
cpu_set_cpl(struct cpu *c, unsigned cpl)
{
	c->cpl = (uint8_t)cpl;
	cpu_mode_derive(c);
}

void
seg_set_cs(struct cpu *c, uint16_t sel, const struct desc *d, unsigned cpl)
{
	struct desc t = *d;

	desc_set_accessed(c, &t);
	seg_from_desc(&c->seg[SEG_CS], (uint16_t)((sel & ~3u) | cpl), &t);
	cpu_set_cpl(c, cpl);
}

void
seg_check_cs_long(struct cpu *c, uint16_t sel, const struct desc *d)
{
	if (c->long_mode && (d->attr & (DESC_L | DESC_DB)) == (DESC_L | DESC_DB))
		cpu_raise_gp(c, sel & ~3u);
}

void
seg_check_ip(struct cpu *c, const struct desc *cs, uint64_t ip)
{
	bool code64 = c->long_mode && (cs->attr & DESC_L);

	if (code64 ? !mmu_canonical(ip) : ip > cs->limit)
		cpu_raise_gp(c, 0);
}

/* CS that RET or IRET goes back to. */
struct desc
seg_check_return_cs(struct cpu *c, uint16_t sel)
{
	struct desc d;
	unsigned rpl = sel & 3;

	if (sel_is_null(sel))
		cpu_raise_gp(c, 0);
	d = desc_read(c, sel, EXC_GP);
	if (!desc_is_code(d.attr) || rpl < c->cpl)
		cpu_raise_gp(c, sel & ~3u);
	if (desc_is_conforming(d.attr) ? desc_dpl(d.attr) > rpl : desc_dpl(d.attr) != rpl)
		cpu_raise_gp(c, sel & ~3u);
	seg_check_cs_long(c, sel, &d);
	if (!(d.attr & DESC_P))
		cpu_raise_err(c, EXC_NP, sel & ~3u);
	return d;
}

/* SS that comes with it. Null only for 64-bit code of levels 0..2. */
struct desc
seg_check_return_ss(struct cpu *c, uint16_t sel, unsigned rpl, bool code64)
{
	if (!sel_is_null(sel))
		return seg_check_ss(c, sel, rpl, EXC_GP);
	if (!code64 || rpl == 3 || (sel & 3u) != rpl)
		cpu_raise_gp(c, 0);
	return (struct desc){ .attr = (uint16_t)(rpl << DESC_DPL_SHIFT) };
}

/* SDM 2A RET/IRET: a segment that the outer level could not have loaded becomes null. */
void
seg_drop_inner(struct cpu *c)
{
	static const uint8_t regs[] = { SEG_ES, SEG_DS, SEG_FS, SEG_GS };

	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++) {
		struct seg *s = &c->seg[regs[i]];

		if ((s->attr & DESC_P) && !desc_is_conforming(s->attr) &&
		    desc_dpl(s->attr) < c->cpl)
			seg_set_null(c, regs[i], 0);
	}
}

/* ---- LLDT, LTR, SLDT, STR ---- */

void
seg_load_system(struct cpu *c, unsigned seg, uint16_t sel, const struct desc *d, uint64_t high)
{
	seg_from_desc(&c->seg[seg], sel, d);
	c->seg[seg].base |= high;
	cpu_seg_derive(c, seg);
}

static uint16_t
load_ew(struct cpu *c, const struct insn *in, unsigned operand)
{
	if (in->kind[operand] == OPD_MEM)
		return (uint16_t)insn_load(c, in, 2);
	return (uint16_t)c->gpr[in->reg[operand]];
}

static void
do_lldt(struct cpu *c, const struct insn *in)
{
	uint64_t high = 0;
	uint16_t sel;
	struct desc d;

	need_cpl0(c);
	sel = load_ew(c, in, 0);
	if (sel_is_null(sel)) {
		seg_set_null(c, SEG_LDTR, sel);
		return;
	}
	if (sel & 4)
		cpu_raise_gp(c, sel & ~3u);
	d = desc_read(c, sel, EXC_GP);
	if (desc_sys_type(d.attr) != SYS_LDT)
		cpu_raise_gp(c, sel & ~3u);
	if (!(d.attr & DESC_P))
		cpu_raise_err(c, EXC_NP, sel & ~3u);
	if (c->long_mode) {
		high = desc_read_high(c, sel, &d, EXC_GP);
		if (!mmu_canonical(high | d.base))
			cpu_raise_gp(c, sel & ~3u);
	}
	seg_load_system(c, SEG_LDTR, sel, &d, high);
}
SEM_ONE(lldt)

static void
do_ltr(struct cpu *c, const struct insn *in)
{
	uint64_t high = 0;
	uint16_t sel;
	struct desc d;
	unsigned type;

	need_cpl0(c);
	sel = load_ew(c, in, 0);
	if (sel_is_null(sel))
		cpu_raise_gp(c, 0);
	if (sel & 4)
		cpu_raise_gp(c, sel & ~3u);
	d = desc_read(c, sel, EXC_GP);
	type = desc_sys_type(d.attr);
	if (type != SYS_TSS32 && (type != SYS_TSS16 || c->long_mode))
		cpu_raise_gp(c, sel & ~3u);
	if (!(d.attr & DESC_P))
		cpu_raise_err(c, EXC_NP, sel & ~3u);
	if (c->long_mode) {
		high = desc_read_high(c, sel, &d, EXC_GP);
		if (!mmu_canonical(high | d.base))
			cpu_raise_gp(c, sel & ~3u);
	}
	desc_set_type_bits(c, &d, TSS_BUSY, 0);
	d.attr |= TSS_BUSY;
	seg_load_system(c, SEG_TR, sel, &d, high);
}
SEM_ONE(ltr)

static void
store_sel(struct cpu *c, const struct insn *in, uint16_t sel)
{
	if (in->kind[0] == OPD_MEM)
		insn_store(c, in, 2, sel);
	else
		reg_set(c, in->reg[0], insn_size(in), sel);
}

static void
check_umip(struct cpu *c)
{
	if ((c->cr4 & CR4_UMIP) && c->cpl)
		cpu_raise_gp(c, 0);
}

static void
do_sldt(struct cpu *c, const struct insn *in)
{
	check_umip(c);
	store_sel(c, in, c->seg[SEG_LDTR].sel);
}
SEM_ONE(sldt)

static void
do_str(struct cpu *c, const struct insn *in)
{
	check_umip(c);
	store_sel(c, in, c->seg[SEG_TR].sel);
}
SEM_ONE(str)

/* ---- LAR LSL VERR VERW ARPL ---- */

static void
set_zf(struct cpu *c, bool zf)
{
	flags_set_arith(c, (flags_arith(c) & ~(uint32_t)FL_ZF) | (zf ? FL_ZF : 0));
}

static bool
desc_visible(const struct cpu *c, uint16_t sel, uint16_t attr)
{
	unsigned dpl = desc_dpl(attr);

	return desc_is_conforming(attr) || (c->cpl <= dpl && (sel & 3u) <= dpl);
}

/* System types that LAR and LSL accept: bit per type; legacy and long mode tables of the
 * two instructions in SDM 2A. */
enum {
	LAR_TYPES = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 12,
	LAR_TYPES_LONG = 1 << 2 | 1 << 9 | 1 << 11 | 1 << 12,
	LSL_TYPES = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11,
	LSL_TYPES_LONG = 1 << 2 | 1 << 9 | 1 << 11
};

static bool
desc_query(struct cpu *c, uint16_t sel, unsigned types, struct desc *ret_d)
{
	struct desc d;

	if (!desc_try(c, sel, &d))
		return false;
	if (!(d.attr & DESC_S) && !(types >> desc_sys_type(d.attr) & 1))
		return false;
	if (!desc_visible(c, sel, d.attr))
		return false;
	*ret_d = d;
	return true;
}

static void
do_lar(struct cpu *c, const struct insn *in)
{
	uint16_t sel = load_ew(c, in, 1);
	struct desc d;
	bool ok = desc_query(c, sel, c->long_mode ? LAR_TYPES_LONG : LAR_TYPES, &d);

	if (ok)
		reg_set(c, in->reg[0], insn_size(in), d.hi & 0x00ffff00u);
	set_zf(c, ok);
}
SEM_ONE(lar)

static void
do_lsl(struct cpu *c, const struct insn *in)
{
	uint16_t sel = load_ew(c, in, 1);
	struct desc d;
	bool ok = desc_query(c, sel, c->long_mode ? LSL_TYPES_LONG : LSL_TYPES, &d);

	if (ok)
		reg_set(c, in->reg[0], insn_size(in), d.limit);
	set_zf(c, ok);
}
SEM_ONE(lsl)

static void
do_verr(struct cpu *c, const struct insn *in)
{
	uint16_t sel = load_ew(c, in, 0);
	struct desc d;

	set_zf(c, desc_query(c, sel, 0, &d) && (d.attr & (DESC_CODE | DESC_W)) != DESC_CODE);
}
SEM_ONE(verr)

static void
do_verw(struct cpu *c, const struct insn *in)
{
	uint16_t sel = load_ew(c, in, 0);
	struct desc d;

	set_zf(c, desc_query(c, sel, 0, &d) && desc_is_data_writable(d.attr));
}
SEM_ONE(verw)

/* It stores only when it raises the level: a read-only operand that needs no change is fine. */
static void
do_arpl(struct cpu *c, const struct insn *in)
{
	unsigned rpl = c->gpr[in->reg[1]] & 3;
	uint16_t old = load_ew(c, in, 0);
	uint16_t v = (uint16_t)((old & ~3u) | rpl);
	bool raise = (old & 3u) < rpl;

	if (raise && in->kind[0] == OPD_MEM)
		mem_write16(c, in->seg, insn_ea(c, in), v);
	else if (raise)
		reg_set(c, in->reg[0], 2, v);
	set_zf(c, raise);
}
SEM_ONE(arpl)

/* ---- MOV, PUSH, POP, Lxx ---- */

static void
do_mov_to_sreg(struct cpu *c, const struct insn *in)
{
	unsigned seg = in->reg[0];

	if (seg == SEG_CS || seg > SEG_GS)
		cpu_raise_ud(c);
	seg_load(c, seg, load_ew(c, in, 1));
	if (seg == SEG_SS)
		cpu_shadow(c);
}
SEM_ONE(mov_to_sreg)

static void
do_mov_from_sreg(struct cpu *c, const struct insn *in)
{
	if (in->reg[1] > SEG_GS)
		cpu_raise_ud(c);
	store_sel(c, in, c->seg[in->reg[1]].sel);
}
SEM_ONE(mov_from_sreg)

/* With a 32-bit operand only the selector's two bytes are stored, the rest of the slot keeps
 * its contents; with 64 bits it is zero-extended (SDM 2B PUSH). */
static void
do_push_sreg(struct cpu *c, const struct insn *in)
{
	unsigned size = insn_size(in);
	uint64_t sp = (c->gpr[REG_SP] - size) & stack_mask(c);

	mem_write(c, SEG_SS, sp, size == 8 ? 8 : 2, c->seg[in->reg[0]].sel);
	stack_set_sp(c, sp);
}
SEM_ONE(push_sreg)

static void
do_pop_sreg(struct cpu *c, const struct insn *in)
{
	uint16_t sel = (uint16_t)stack_peek(c, 0, 2);
	unsigned sp_size = 1u << c->stack_size;

	seg_load(c, in->reg[0], sel);
	reg_set(c, REG_SP, sp_size, c->gpr[REG_SP] + insn_size(in));
	if (in->reg[0] == SEG_SS)
		cpu_shadow(c);
}
SEM_ONE(pop_sreg)

static void
load_far_pointer(struct cpu *c, const struct insn *in, unsigned seg)
{
	unsigned size = insn_size(in);
	unsigned sh = 64 - (8u << in->asize);
	uint64_t ea = insn_ea(c, in);
	uint64_t off = mem_read(c, in->seg, ea, size);
	uint16_t sel = mem_read16(c, in->seg, (ea + size) << sh >> sh);

	seg_load(c, seg, sel);
	reg_set(c, in->reg[0], size, off);
}

#define FAR_POINTER(op, seg)                                                                       \
	static void do_##op(struct cpu *c, const struct insn *in)                                  \
	{                                                                                          \
		load_far_pointer(c, in, seg);                                                      \
	}                                                                                          \
	SEM_ONE(op)
FAR_POINTER(les, SEG_ES)
FAR_POINTER(lds, SEG_DS)
FAR_POINTER(lss, SEG_SS)
FAR_POINTER(lfs, SEG_FS)
FAR_POINTER(lgs, SEG_GS)
