/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Model-specific registers, SDM volume 4.  Most are plain storage with a mask of bits that
 * may be set: one table.  The rest have functions.  What is in neither is #GP.
 */
#include "cpu/x86/msr.h"
#include "base/log.h"
#include "cpu/cpu.h"
#include "cpu/x86/transfer.h"

enum { ANY = FEAT_NONE };
enum msr_check { CHECK_MASK, CHECK_CANONICAL, CHECK_TYPES /* eight memory types */ };

#define OFF(f) offsetof(struct cpu_msrs, f)
#define ALL64  (~0ull)
/* not: limit CPUID, XD disable */
#define MISC_ENABLE_VALID (~(1ull << 22 | 1ull << 34))

static const struct msr_plain {
	uint32_t first, n;
	uint16_t off;
	uint8_t feature, check;
	uint64_t valid; /* bits that may be set; others #GP */
} plain[] = {
	{ MSR_SYSENTER_CS, 1, OFF(sysenter_cs), FEAT_SEP, CHECK_MASK, 0xffffffff },
	{ MSR_SYSENTER_ESP, 1, OFF(sysenter_esp), FEAT_SEP, CHECK_CANONICAL, ALL64 },
	{ MSR_SYSENTER_EIP, 1, OFF(sysenter_eip), FEAT_SEP, CHECK_CANONICAL, ALL64 },
	{ MSR_MISC_ENABLE, 1, OFF(misc_enable), FEAT_P6, CHECK_MASK, MISC_ENABLE_VALID },
	{ MSR_PAT, 1, OFF(pat), FEAT_PAT, CHECK_TYPES, ALL64 },
	{ MSR_MTRR_FIX64K, 1, OFF(mtrr_fixed[0]), FEAT_MTRR, CHECK_TYPES, ALL64 },
	{ MSR_MTRR_FIX16K, 2, OFF(mtrr_fixed[1]), FEAT_MTRR, CHECK_TYPES, ALL64 },
	{ MSR_MTRR_FIX4K, 8, OFF(mtrr_fixed[3]), FEAT_MTRR, CHECK_TYPES, ALL64 },
	{ MSR_MCG_STATUS, 1, OFF(mcg_status), FEAT_MCA, CHECK_MASK, 7 },
	{ MSR_STAR, 1, OFF(star), FEAT_SYSCALL, CHECK_MASK, ALL64 },
	{ MSR_LSTAR, 1, OFF(lstar), FEAT_LM, CHECK_CANONICAL, ALL64 },
	{ MSR_CSTAR, 1, OFF(cstar), FEAT_LM, CHECK_CANONICAL, ALL64 },
	{ MSR_FMASK, 1, OFF(fmask), FEAT_SYSCALL, CHECK_MASK, 0xffffffff },
	{ MSR_KERNEL_GS_BASE, 1, OFF(kernel_gs_base), FEAT_LM, CHECK_CANONICAL, ALL64 },
	{ MSR_TSC_AUX, 1, OFF(tsc_aux), FEAT_RDTSCP, CHECK_MASK, 0xffffffff },
	/* No speculation crosses a privilege change here: IBRS, STIBP and
	 * BHI_DIS_S only store. */
	{ MSR_SPEC_CTRL, 1, OFF(spec_ctrl), FEAT_LM, CHECK_MASK, 0x403 },
};

/* Types 0, 1, 4, 5, 6; PAT also 7 (UC-). */
static bool
memory_types_ok(uint64_t v, bool pat)
{
	for (unsigned i = 0; i < 8; i++, v >>= 8) {
		unsigned t = v & 0xff;

		if (t > 7 || t == 2 || t == 3 || (t == 7 && !pat))
			return false;
	}
	return true;
}

static const struct msr_plain *
plain_find(const struct cpu *c, uint32_t msr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(plain); i++) {
		const struct msr_plain *p = &plain[i];

		if (msr - p->first < p->n)
			return p->feature == ANY || model_has(c->model, p->feature) ? p : NULL;
	}
	return NULL;
}

static uint64_t *
plain_slot(struct cpu *c, const struct msr_plain *p, uint32_t msr)
{
	return (uint64_t *)((uint8_t *)&c->msr + p->off) + (msr - p->first);
}

static bool
plain_write(struct cpu *c, const struct msr_plain *p, uint32_t msr, uint64_t v)
{
	if (v & ~p->valid)
		return false;
	if (p->check == CHECK_CANONICAL && !mmu_canonical(v))
		return false;
	if (p->check == CHECK_TYPES && !memory_types_ok(v, msr == MSR_PAT))
		return false;
	*plain_slot(c, p, msr) = v;
	return true;
}

/* ---- those with behaviour ---- */

static bool
write_efer(struct cpu *c, uint64_t v)
{
	const struct cpu_model *m = c->model;
	uint64_t ok = (model_has(m, FEAT_SYSCALL) ? EFER_SCE : 0) |
	              (model_has(m, FEAT_LM) ? EFER_LME : 0) |
	              (model_has(m, FEAT_NX) ? EFER_NXE : 0);
	uint64_t old = c->msr.efer;

	v &= ~(uint64_t)EFER_LMA; /* read-only */
	if ((v & ~ok) || (((v ^ old) & EFER_LME) && (c->cr0 & CR0_PG)))
		return false;
	c->msr.efer = v | (old & EFER_LMA);
	if ((v ^ old) & EFER_NXE)
		tlb_flush_all(c);
	cpu_mode_derive(c);
	return true;
}

/* SDM 3A 10.12.5: off → xAPIC → x2APIC → off; x2APIC cannot go back to xAPIC directly. */
static bool
write_apic_base(struct cpu *c, uint64_t v)
{
	uint64_t ok = (c->phys_mask & ~0xfffull) | APIC_BASE_EN | APIC_BASE_BSP |
	              (model_has(c->model, FEAT_X2APIC) ? APIC_BASE_X2 : 0);
	uint64_t old = c->msr.apic_base;

	if ((v & ~ok) || (v & (APIC_BASE_EN | APIC_BASE_X2)) == APIC_BASE_X2)
		return false;
	if ((old & APIC_BASE_X2) && (v & (APIC_BASE_EN | APIC_BASE_X2)) == APIC_BASE_EN)
		return false;
	if (!(old & APIC_BASE_EN) && (v & APIC_BASE_X2))
		return false;
	c->env->lock(c->env->ctx);
	c->msr.apic_base = v;
	if (c->lapic)
		lapic_base_changed(c->lapic, old);
	c->env->unlock(c->env->ctx);
	tlb_flush_all(c);
	return true;
}

static void
set_tsc(struct cpu *c, uint64_t offset)
{
	c->msr.tsc_adjust += offset - c->msr.tsc_offset;
	c->msr.tsc_offset = offset;
	if (!c->lapic)
		return;
	c->env->lock(c->env->ctx);
	lapic_tsc_changed(c->lapic);
	c->env->unlock(c->env->ctx);
}

uint64_t
cpu_rdtsc(struct cpu *c)
{
	return c->env->tsc(c->env->ctx) + c->msr.tsc_offset;
}

static bool
write_mtrr_var(struct cpu *c, uint32_t msr, uint64_t v)
{
	unsigned i = (msr - MSR_MTRR_PHYSBASE0) / 2;
	uint64_t pages = c->phys_mask & ~0xfffull;

	if (msr & 1) {
		if (v & ~(pages | 0x800))
			return false;
		c->msr.mtrr_mask[i] = v;
		return true;
	}
	if ((v & ~(pages | 0xff)) || !memory_types_ok(v & 0xff, false))
		return false;
	c->msr.mtrr_base[i] = v;
	return true;
}

/* Bank registers: CTL stores, STATUS takes only zero, ADDR and MISC too (SDM 3B 15.3.2). */
static bool
write_mc(struct cpu *c, uint32_t msr, uint64_t v)
{
	if ((msr & 3) != 0 && v != 0)
		return false;
	c->msr.mc[msr - MSR_MC0_CTL] = v;
	return true;
}

static bool
write_base(struct cpu *c, unsigned seg, uint64_t v)
{
	if (!mmu_canonical(v))
		return false;
	c->seg[seg].base = v;
	cpu_seg_derive(c, seg);
	return true;
}

static bool
is_lapic_msr(const struct cpu *c, uint32_t msr)
{
	return c->lapic && ((msr >= 0x800 && msr <= 0x8ff) || msr == MSR_TSC_DEADLINE);
}

static bool
lapic_access(struct cpu *c, uint32_t msr, uint64_t *v, bool write)
{
	bool ok;

	c->env->lock(c->env->ctx);
	ok = write ? lapic_msr_write(c->lapic, msr, *v) : lapic_msr_read(c->lapic, msr, v);
	c->env->unlock(c->env->ctx);
	return ok;
}

/* Ratio of the time stamp counter to a 100 MHz bus clock. */
static uint64_t
bus_ratio(const struct cpu *c)
{
	uint64_t r = c->env->tsc_hz / 100000000;

	return r > 255 ? 255 : r;
}

struct msr_special {
	uint32_t first, n;
	uint8_t feature;
	uint64_t (*read)(struct cpu *c, uint32_t msr);
	bool (*write)(struct cpu *c, uint32_t msr, uint64_t v);
};

#define READ(name, expr)                                                                           \
	static uint64_t rd_##name(struct cpu *c, uint32_t msr)                                     \
	{                                                                                          \
		return (expr);                                                                     \
	}
#define WRITE(name, expr)                                                                          \
	static bool wr_##name(struct cpu *c, uint32_t msr, uint64_t v)                             \
	{                                                                                          \
		return (expr);                                                                     \
	}
READ(zero, 0)
READ(tsc, cpu_rdtsc(c))
READ(tsc_adjust, c->msr.tsc_adjust)
READ(apic_base, c->msr.apic_base)
READ(feature_control, c->msr.feature_control)
READ(ucode, c->msr.ucode_rev << 32)
READ(platform_info, bus_ratio(c) << 8 | bus_ratio(c) << 40)
READ(perf_status, bus_ratio(c) << 8)
READ(arch_caps, ARCH_CAPS)
READ(mtrrcap, MTRRCAP)
READ(mtrr_var, msr & 1 ? c->msr.mtrr_mask[(msr - MSR_MTRR_PHYSBASE0) / 2]
		       : c->msr.mtrr_base[(msr - MSR_MTRR_PHYSBASE0) / 2])
READ(mtrr_def, c->msr.mtrr_def)
READ(mcg_cap, MCG_BANKS)
READ(mc, c->msr.mc[msr - MSR_MC0_CTL])
READ(efer, c->msr.efer)
READ(fs_base, c->seg[SEG_FS].base)
READ(gs_base, c->seg[SEG_GS].base)
READ(debugctl, c->msr.debugctl)
WRITE(tsc, (set_tsc(c, v - c->env->tsc(c->env->ctx)), true))
WRITE(tsc_adjust, (set_tsc(c, c->msr.tsc_offset + v - c->msr.tsc_adjust), true))
WRITE(apic_base, write_apic_base(c, v))
WRITE(feature_control,
    !(c->msr.feature_control & 1) && !(v & ~1ull) && ((c->msr.feature_control = v), true))
WRITE(ignore, true)
WRITE(pred_cmd, !(v & ~1ull))
WRITE(mtrr_var, write_mtrr_var(c, msr, v))
WRITE(
    mtrr_def, !(v & ~0xcffull) && memory_types_ok(v & 0xff, false) && ((c->msr.mtrr_def = v), true))
WRITE(mc, write_mc(c, msr, v))
WRITE(efer, write_efer(c, v))
WRITE(fs_base, write_base(c, SEG_FS, v))
WRITE(gs_base, write_base(c, SEG_GS, v))
WRITE(debugctl, v == 0) /* no branch records, no branch stepping */

static const struct msr_special special[] = {
	{ MSR_P5_MC_ADDR, 2, FEAT_MCE, rd_zero, wr_ignore },
	{ MSR_TSC, 1, FEAT_TSC, rd_tsc, wr_tsc },
	{ MSR_PLATFORM_ID, 1, FEAT_P6, rd_zero, NULL },
	{ MSR_APIC_BASE, 1, FEAT_APIC, rd_apic_base, wr_apic_base },
	{ MSR_EBL_CR_POWERON, 1, FEAT_P6, rd_zero, wr_ignore },
	{ MSR_FEATURE_CONTROL, 1, FEAT_LM, rd_feature_control, wr_feature_control },
	{ MSR_TSC_ADJUST, 1, FEAT_LM, rd_tsc_adjust, wr_tsc_adjust },
	{ MSR_PRED_CMD, 1, FEAT_LM, NULL, wr_pred_cmd },
	{ MSR_BIOS_UPDT_TRIG, 1, FEAT_P6, NULL, wr_ignore },
	{ MSR_BIOS_SIGN_ID, 1, FEAT_P6, rd_ucode, wr_ignore },
	{ MSR_PLATFORM_INFO, 1, FEAT_LM, rd_platform_info, NULL },
	{ MSR_MTRRCAP, 1, FEAT_MTRR, rd_mtrrcap, NULL },
	{ MSR_ARCH_CAPABILITIES, 1, FEAT_LM, rd_arch_caps, NULL },
	{ MSR_MCG_CAP, 1, FEAT_MCA, rd_mcg_cap, NULL },
	{ MSR_PERF_STATUS, 1, FEAT_LM, rd_perf_status, NULL },
	{ MSR_DEBUGCTL, 1, FEAT_P6, rd_debugctl, wr_debugctl },
	{ MSR_MTRR_PHYSBASE0, 16, FEAT_MTRR, rd_mtrr_var, wr_mtrr_var },
	{ MSR_MTRR_DEF_TYPE, 1, FEAT_MTRR, rd_mtrr_def, wr_mtrr_def },
	{ MSR_MC0_CTL, MCG_BANKS * 4, FEAT_MCA, rd_mc, wr_mc },
	{ MSR_EFER, 1, FEAT_NX, rd_efer, wr_efer },
	{ MSR_FS_BASE, 1, FEAT_LM, rd_fs_base, wr_fs_base },
	{ MSR_GS_BASE, 1, FEAT_LM, rd_gs_base, wr_gs_base },
};

static const struct msr_special *
special_find(const struct cpu *c, uint32_t msr)
{
	for (unsigned i = 0; i < ARRAY_SIZE(special); i++) {
		const struct msr_special *s = &special[i];

		if (msr - s->first < s->n)
			return model_has(c->model, s->feature) ? s : NULL;
	}
	return NULL;
}

bool
msr_read(struct cpu *c, uint32_t msr, uint64_t *ret_v)
{
	const struct msr_plain *p = plain_find(c, msr);
	const struct msr_special *s;

	if (p) {
		*ret_v = *plain_slot(c, p, msr);
		return true;
	}
	if (is_lapic_msr(c, msr))
		return lapic_access(c, msr, ret_v, false);
	s = special_find(c, msr);
	if (!s || !s->read) {
		trace(TRACE_CPU, "cpu%u rdmsr %x: no such register", c->index, msr);
		return false;
	}
	*ret_v = s->read(c, msr);
	return true;
}

bool
msr_write(struct cpu *c, uint32_t msr, uint64_t v)
{
	const struct msr_plain *p = plain_find(c, msr);
	const struct msr_special *s;
	bool ok;

	if (is_lapic_msr(c, msr))
		return lapic_access(c, msr, &v, true);
	s = p ? NULL : special_find(c, msr);
	ok = p ? plain_write(c, p, msr, v) : s && s->write && s->write(c, msr, v);
	if (!ok)
		trace(TRACE_CPU, "cpu%u wrmsr %x <- %llx refused", c->index, msr,
		    (unsigned long long)v);
	return ok;
}

static void
do_rdmsr(struct cpu *c, const struct insn *in)
{
	uint64_t v;

	need_cpl0(c);
	if (!msr_read(c, (uint32_t)c->gpr[REG_CX], &v))
		cpu_raise_gp(c, 0);
	c->gpr[REG_AX] = (uint32_t)v;
	c->gpr[REG_DX] = v >> 32;
}
SEM_ONE(rdmsr)

static void
do_wrmsr(struct cpu *c, const struct insn *in)
{
	need_cpl0(c);
	if (!msr_write(
		c, (uint32_t)c->gpr[REG_CX], (uint32_t)c->gpr[REG_AX] | c->gpr[REG_DX] << 32))
		cpu_raise_gp(c, 0);
	cpu_end_block(c);
}
SEM_ONE(wrmsr)
