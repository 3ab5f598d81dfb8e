/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Control registers and the modes they switch, SDM 3A 2.5, 9.8.5 (IA-32e mode). */
#include "base/log.h"
#include "cpu/cpu.h"
#include "cpu/x86/transfer.h"

#define CR0_WRITABLE                                                                               \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG)

static bool
uses_pae_pdptes(uint64_t cr0, uint64_t cr4, uint64_t efer)
{
	return (cr0 & CR0_PG) && (cr4 & CR4_PAE) && !(efer & EFER_LME);
}

static void
trace_mode(const struct cpu *c)
{
	trace(TRACE_CPU, "cpu%u cr0 %llx cr3 %llx cr4 %llx efer %llx at %04x:%llx", c->index,
	    (unsigned long long)c->cr0, (unsigned long long)c->cr3, (unsigned long long)c->cr4,
	    (unsigned long long)c->msr.efer, c->seg[SEG_CS].sel, (unsigned long long)c->insn_rip);
}

/* Turning paging on or off while EFER.LME is set switches IA-32e mode. */
static uint64_t
check_long_mode(struct cpu *c, uint64_t v)
{
	uint64_t efer = c->msr.efer;

	if ((v & CR0_PG) && !(c->cr0 & CR0_PG) && (efer & EFER_LME)) {
		unsigned tr = desc_sys_type(c->seg[SEG_TR].attr);

		if (!(c->cr4 & CR4_PAE) || (c->seg[SEG_CS].attr & DESC_L) ||
		    ((c->seg[SEG_TR].attr & DESC_P) && tr == SYS_TSS16_BUSY))
			cpu_raise_gp(c, 0);
		efer |= EFER_LMA;
	}
	if (!(v & CR0_PG) && (efer & EFER_LMA)) {
		if (c->bits == BITS64)
			cpu_raise_gp(c, 0);
		efer &= ~(uint64_t)EFER_LMA;
	}
	return efer;
}

void
cpu_write_cr0(struct cpu *c, uint64_t v)
{
	uint64_t changed, efer;

	if (v >> 32)
		cpu_raise_gp(c, 0);
	v = (v & CR0_WRITABLE) | CR0_ET;
	if ((v & (CR0_PG | CR0_PE)) == CR0_PG || (v & (CR0_NW | CR0_CD)) == CR0_NW)
		cpu_raise_gp(c, 0);
	changed = v ^ c->cr0;
	efer = check_long_mode(c, v);
	if ((changed & (CR0_PG | CR0_CD | CR0_NW)) && uses_pae_pdptes(v, c->cr4, efer) &&
	    !mmu_load_pdptes(c, c->cr3))
		cpu_raise_gp(c, 0);
	c->cr0 = v;
	c->msr.efer = efer;
	c->long_mode = efer & EFER_LMA;
	if (changed & (CR0_PG | CR0_WP | CR0_PE))
		tlb_flush_all(c);
	cpu_mode_derive(c);
	cpu_end_block(c);
	if (changed & (CR0_PG | CR0_PE))
		trace_mode(c);
}

void
cpu_write_cr3(struct cpu *c, uint64_t v)
{
	if (c->long_mode && (v & ~c->phys_mask))
		cpu_raise_gp(c, 0);
	if (uses_pae_pdptes(c->cr0, c->cr4, c->msr.efer) && !mmu_load_pdptes(c, v))
		cpu_raise_gp(c, 0);
	c->cr3 = v;
	tlb_flush_nonglobal(c);
	cpu_end_block(c);
}

/* Bits of CR4 that this model has. */
static uint64_t
cr4_writable(const struct cpu_model *m)
{
	static const struct {
		uint8_t feature;
		uint32_t bits;
	} map[] = {
		{ FEAT_VME, CR4_VME | CR4_PVI },
		{ FEAT_TSC, CR4_TSD },
		{ FEAT_DE, CR4_DE },
		{ FEAT_PSE, CR4_PSE },
		{ FEAT_PAE, CR4_PAE },
		{ FEAT_MCE, CR4_MCE },
		{ FEAT_PGE, CR4_PGE },
		{ FEAT_P6, CR4_PCE },
		{ FEAT_FXSR, CR4_OSFXSR },
		{ FEAT_SSE, CR4_OSXMMEXCPT },
		{ FEAT_FSGSBASE, CR4_FSGSBASE },
		{ FEAT_XSAVE, CR4_OSXSAVE },
		{ FEAT_SMEP, CR4_SMEP },
	};
	uint64_t v = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(map); i++)
		if (model_has(m, map[i].feature))
			v |= map[i].bits;
	return v;
}

void
cpu_write_cr4(struct cpu *c, uint64_t v)
{
	enum { PAGING = CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP };
	uint64_t changed = v ^ c->cr4;

	if (v & ~cr4_writable(c->model))
		cpu_raise_gp(c, 0);
	if (c->long_mode && !(v & CR4_PAE))
		cpu_raise_gp(c, 0);
	if ((changed & PAGING) && uses_pae_pdptes(c->cr0, v, c->msr.efer) &&
	    !mmu_load_pdptes(c, c->cr3))
		cpu_raise_gp(c, 0);
	c->cr4 = v;
	if (changed & PAGING)
		tlb_flush_all(c);
	cpu_mode_derive(c);
	cpu_end_block(c);
}

/* CR8 is the task priority register of the local APIC, SDM 3A 10.8.6. */
static uint64_t
read_cr8(struct cpu *c)
{
	uint64_t v = 0;

	c->env->lock(c->env->ctx);
	if (c->lapic)
		v = lapic_get_cr8(c->lapic);
	c->env->unlock(c->env->ctx);
	return v;
}

static void
write_cr8(struct cpu *c, uint64_t v)
{
	if (v & ~0xfull)
		cpu_raise_gp(c, 0);
	c->env->lock(c->env->ctx);
	if (c->lapic)
		lapic_set_cr8(c->lapic, (uint8_t)v);
	c->env->unlock(c->env->ctx);
}

static void
do_mov_from_cr(struct cpu *c, const struct insn *in)
{
	uint64_t v;

	switch (in->reg[1]) {
	case 0: v = c->cr0; break;
	case 2: v = c->cr2; break;
	case 3: v = c->cr3; break;
	case 4:
		if (!cr4_writable(c->model))
			cpu_raise_ud(c);
		v = c->cr4;
		break;
	case 8:
		if (c->bits != BITS64)
			cpu_raise_ud(c);
		need_cpl0(c);
		v = read_cr8(c);
		break;
	default: cpu_raise_ud(c);
	}
	need_cpl0(c);
	reg_set(c, in->reg[0], insn_size(in), v);
}
SEM_ONE(mov_from_cr)

static void
do_mov_to_cr(struct cpu *c, const struct insn *in)
{
	uint64_t v = reg_get(c, in->reg[1], insn_size(in));
	unsigned cr = in->reg[0];

	if ((cr == 1 || cr > 4) && (cr != 8 || c->bits != BITS64))
		cpu_raise_ud(c);
	if (cr == 4 && !cr4_writable(c->model))
		cpu_raise_ud(c);
	need_cpl0(c);
	switch (cr) {
	case 0: cpu_write_cr0(c, v); break;
	case 2: c->cr2 = v; break;
	case 3: cpu_write_cr3(c, v); break;
	case 4: cpu_write_cr4(c, v); break;
	default: write_cr8(c, v); break;
	}
}
SEM_ONE(mov_to_cr)

static void
do_clts(struct cpu *c, const struct insn *in)
{
	need_cpl0(c);
	c->cr0 &= ~(uint64_t)CR0_TS;
	cpu_mode_derive(c);
}
SEM_ONE(clts)

static void
do_smsw(struct cpu *c, const struct insn *in)
{
	if ((c->cr4 & CR4_UMIP) && c->cpl)
		cpu_raise_gp(c, 0);
	if (in->kind[0] == OPD_MEM)
		insn_store(c, in, 2, (uint16_t)c->cr0);
	else
		reg_set(c, in->reg[0], insn_size(in), c->cr0);
}
SEM_ONE(smsw)

/* Sets PE, MP, EM, TS; cannot clear PE. */
static void
do_lmsw(struct cpu *c, const struct insn *in)
{
	uint64_t v;

	need_cpl0(c);
	v = in->kind[0] == OPD_MEM ? insn_load(c, in, 2) : c->gpr[in->reg[0]];
	v &= CR0_PE | CR0_MP | CR0_EM | CR0_TS;
	cpu_write_cr0(c, (c->cr0 & ~(uint64_t)(CR0_MP | CR0_EM | CR0_TS)) | v);
}
SEM_ONE(lmsw)
