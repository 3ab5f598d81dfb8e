/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPUID, SDM 2A table 3-8. Everything comes from the model, the topology and a few bits that
 * follow the processor's state. */
#include "cpu/cpu.h"
#include "cpu/x86/msr.h"
#include "cpu/x86/transfer.h"

enum { R_EAX, R_EBX, R_ECX, R_EDX };
enum { LEAF1_C, LEAF1_D, LEAF7_B, EXT1_C, EXT1_D, NWORDS };

static const struct {
	uint8_t feature, word, bit;
} feature_bits[] = {
	{ FEAT_FPU, LEAF1_D, 0 },
	{ FEAT_VME, LEAF1_D, 1 },
	{ FEAT_DE, LEAF1_D, 2 },
	{ FEAT_PSE, LEAF1_D, 3 },
	{ FEAT_TSC, LEAF1_D, 4 },
	{ FEAT_MSR, LEAF1_D, 5 },
	{ FEAT_PAE, LEAF1_D, 6 },
	{ FEAT_MCE, LEAF1_D, 7 },
	{ FEAT_CX8, LEAF1_D, 8 },
	{ FEAT_APIC, LEAF1_D, 9 },
	{ FEAT_SEP, LEAF1_D, 11 },
	{ FEAT_MTRR, LEAF1_D, 12 },
	{ FEAT_PGE, LEAF1_D, 13 },
	{ FEAT_MCA, LEAF1_D, 14 },
	{ FEAT_CMOV, LEAF1_D, 15 },
	{ FEAT_PAT, LEAF1_D, 16 },
	{ FEAT_PSE36, LEAF1_D, 17 },
	{ FEAT_CLFSH, LEAF1_D, 19 },
	{ FEAT_MMX, LEAF1_D, 23 },
	{ FEAT_FXSR, LEAF1_D, 24 },
	{ FEAT_SSE, LEAF1_D, 25 },
	{ FEAT_SSE2, LEAF1_D, 26 },
	{ FEAT_SSE3, LEAF1_C, 0 },
	{ FEAT_PCLMUL, LEAF1_C, 1 },
	{ FEAT_MONITOR, LEAF1_C, 3 },
	{ FEAT_SSSE3, LEAF1_C, 9 },
	{ FEAT_FMA, LEAF1_C, 12 },
	{ FEAT_CX16, LEAF1_C, 13 },
	{ FEAT_SSE41, LEAF1_C, 19 },
	{ FEAT_SSE42, LEAF1_C, 20 },
	{ FEAT_X2APIC, LEAF1_C, 21 },
	{ FEAT_MOVBE, LEAF1_C, 22 },
	{ FEAT_POPCNT, LEAF1_C, 23 },
	{ FEAT_TSCDL, LEAF1_C, 24 },
	{ FEAT_AES, LEAF1_C, 25 },
	{ FEAT_XSAVE, LEAF1_C, 26 },
	{ FEAT_AVX, LEAF1_C, 28 },
	{ FEAT_F16C, LEAF1_C, 29 },
	{ FEAT_RDRAND, LEAF1_C, 30 },
	{ FEAT_FSGSBASE, LEAF7_B, 0 },
	{ FEAT_BMI1, LEAF7_B, 3 },
	{ FEAT_AVX2, LEAF7_B, 5 },
	{ FEAT_SMEP, LEAF7_B, 7 },
	{ FEAT_BMI2, LEAF7_B, 8 },
	{ FEAT_ERMS, LEAF7_B, 9 },
	{ FEAT_INVPCID, LEAF7_B, 10 },
	{ FEAT_RDSEED, LEAF7_B, 18 },
	{ FEAT_ADX, LEAF7_B, 19 },
	{ FEAT_CLFLUSHOPT, LEAF7_B, 23 },
	{ FEAT_SHA, LEAF7_B, 29 },
	{ FEAT_LAHF, EXT1_C, 0 },
	{ FEAT_CR8LEG, EXT1_C, 4 },
	{ FEAT_ABM, EXT1_C, 5 },
	{ FEAT_PREFETCHW, EXT1_C, 8 },
	{ FEAT_SYSCALL, EXT1_D, 11 },
	{ FEAT_NX, EXT1_D, 20 },
	{ FEAT_PDPE1GB, EXT1_D, 26 },
	{ FEAT_RDTSCP, EXT1_D, 27 },
	{ FEAT_LM, EXT1_D, 29 },
};

enum {
	C_OSXSAVE = 1 << 27,
	D_APIC = 1 << 9,
	D_HTT = 1 << 28,
	D_SYSCALL = 1 << 11,
	B7_TSC_ADJUST = 1 << 1,
	D7_IBRS = 1 << 26,
	D7_ARCH_CAPS = 1 << 29,
	D7_2_BHI_CTRL = 1 << 4 /* leaf 7, subleaf 2 */
};
#define C_HYPERVISOR 0x80000000u

static uint32_t
feature_word(const struct cpu_model *m, unsigned word)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(feature_bits); i++)
		if (feature_bits[i].word == word && model_has(m, feature_bits[i].feature))
			v |= 1u << feature_bits[i].bit;
	return v;
}

static unsigned
ncpus(const struct cpu *c)
{
	return c->set && c->set->n ? c->set->n : 1;
}

/* Bits that tell `n` processors apart. */
static unsigned
id_bits(unsigned n)
{
	unsigned bits = 0;

	while (1u << bits < n)
		bits++;
	return bits;
}

static void
leaf_1(struct cpu *c, uint32_t r[4])
{
	const struct cpu_model *m = c->model;
	bool pentium3 = m->max_leaf == 2;

	r[R_EAX] = m->signature;
	r[R_ECX] = feature_word(m, LEAF1_C);
	r[R_EDX] = feature_word(m, LEAF1_D);
	if (model_has(m, FEAT_APIC)) {
		r[R_EBX] = (c->apic_id & 0xff) << 24;
		r[R_ECX] |= C_HYPERVISOR;
		if (!(c->msr.apic_base & APIC_BASE_EN))
			r[R_EDX] &= ~(uint32_t)D_APIC;
	}
	if (pentium3)
		r[R_EBX] |= 2; /* brand index: Pentium III */
	if (model_has(m, FEAT_CLFSH))
		r[R_EBX] |= 8 << 8;
	if (ncpus(c) > 1) {
		r[R_EBX] |= (1u << id_bits(ncpus(c))) << 16;
		r[R_EDX] |= D_HTT;
	}
	if (c->cr4 & CR4_OSXSAVE)
		r[R_ECX] |= C_OSXSAVE;
}

static void
leaf_2(struct cpu *c, uint32_t r[4])
{
	if (c->model->max_leaf == 2) { /* 4 KiB and 4 MiB TLBs, 16 + 16 KiB L1, 256 KiB L2 */
		r[R_EAX] = 0x03020101;
		r[R_EDX] = 0x0c040882;
	} else {
		r[R_EAX] = 0x00ff0001; /* caches: see leaf 4 */
	}
}

/* Deterministic cache parameters. */
static void
leaf_4(struct cpu *c, uint32_t sub, uint32_t r[4])
{
	static const struct {
		uint8_t type, level, ways;
		bool shared;
		uint32_t sets;
	} cache[] = {
		{ 1, 1, 8, false, 64 },    /* 32 KiB data */
		{ 2, 1, 8, false, 64 },    /* 32 KiB code */
		{ 3, 2, 16, false, 1024 }, /* 1 MiB */
		{ 3, 3, 16, true, 16384 }, /* 16 MiB */
	};
	unsigned cores = 1u << id_bits(ncpus(c));

	if (sub >= ARRAY_SIZE(cache))
		return;
	r[R_EAX] = cache[sub].type | (uint32_t)cache[sub].level << 5 | 1u << 8 |
	           (cache[sub].shared ? cores - 1 : 0) << 14 | (cores - 1) << 26;
	r[R_EBX] = 63u | (cache[sub].ways - 1u) << 22;
	r[R_ECX] = cache[sub].sets - 1;
}

static void
leaf_7(struct cpu *c, uint32_t sub, uint32_t r[4])
{
	if (c->model->max_leaf < 7)
		return;
	/* So that a guest turns branch history off by a bit, and not by a loop at each entry. */
	if (sub == 2)
		r[R_EDX] = D7_2_BHI_CTRL;
	if (sub != 0)
		return;
	r[R_EAX] = 2;
	r[R_EBX] = feature_word(c->model, LEAF7_B) | B7_TSC_ADJUST;
	r[R_EDX] = D7_IBRS | D7_ARCH_CAPS;
}

/* Extended topology: one thread a core, all cores in one package. */
static void
leaf_b(struct cpu *c, uint32_t sub, uint32_t r[4])
{
	r[R_ECX] = sub & 0xff;
	r[R_EDX] = c->apic_id;
	if (sub == 0) {
		r[R_EBX] = 1;
		r[R_ECX] |= 1 << 8;
	} else if (sub == 1) {
		r[R_EAX] = id_bits(ncpus(c));
		r[R_EBX] = ncpus(c);
		r[R_ECX] |= 2 << 8;
	}
}

/* State components: x87 and SSE in the legacy area and header (576 bytes), AVX behind. */
static void
leaf_d(struct cpu *c, uint32_t sub, uint32_t r[4])
{
	enum { LEGACY = 576, AVX = 256 };
	bool avx = model_has(c->model, FEAT_AVX);

	if (!model_has(c->model, FEAT_XSAVE))
		return;
	if (sub == 0) {
		r[R_EAX] = avx ? 7 : 3;
		r[R_EBX] = LEGACY + (c->xcr0 & 4 ? AVX : 0);
		r[R_ECX] = LEGACY + (avx ? AVX : 0);
	} else if (sub == 1) {
		r[R_EAX] = model_has(c->model, FEAT_XSAVEOPT);
	} else if (sub == 2 && avx) {
		r[R_EAX] = AVX;
		r[R_EBX] = LEGACY;
	}
}

static void
leaf_vendor(const char *text, uint32_t max, uint32_t r[4])
{
	r[R_EAX] = max;
	r[R_EBX] = get_le32(text);
	r[R_EDX] = get_le32(text + 4);
	r[R_ECX] = get_le32(text + 8);
}

static void
leaf_basic(struct cpu *c, uint32_t leaf, uint32_t sub, uint32_t r[4])
{
	switch (leaf) {
	case 0: leaf_vendor(c->model->vendor, c->model->max_leaf, r); break;
	case 1: leaf_1(c, r); break;
	case 2: leaf_2(c, r); break;
	case 4: leaf_4(c, sub, r); break;
	case 6: r[R_EAX] = 1 << 2; break; /* the APIC timer never stops */
	case 7: leaf_7(c, sub, r); break;
	case 0xb: leaf_b(c, sub, r); break;
	case 0xd: leaf_d(c, sub, r); break;
	default: break;
	}
}

/* Hypervisor leaves: a signature of our own, and the clock frequencies in kHz. */
static void
leaf_hypervisor(struct cpu *c, uint32_t leaf, uint32_t r[4])
{
	if (leaf == 0x40000000) {
		leaf_vendor("LodgeLodgeVM", 0x40000010, r);
		/* this leaf's registers go EBX, ECX, EDX */
		r[R_ECX] ^= r[R_EDX];
		r[R_EDX] ^= r[R_ECX];
		r[R_ECX] ^= r[R_EDX];
	} else if (leaf == 0x40000010) {
		r[R_EAX] = (uint32_t)(c->env->tsc_hz / 1000);
		r[R_EBX] = LAPIC_TIMER_HZ / 1000;
	}
}

static void
leaf_extended(struct cpu *c, uint32_t leaf, uint32_t r[4])
{
	const struct cpu_model *m = c->model;

	switch (leaf) {
	case 0x80000000: r[R_EAX] = m->max_ext_leaf; break;
	case 0x80000001:
		r[R_ECX] = feature_word(m, EXT1_C);
		r[R_EDX] = feature_word(m, EXT1_D);
		if (c->bits != BITS64) /* SDM: "Bit 11: SYSCALL/SYSRET (when in 64-bit mode)" */
			r[R_EDX] &= ~(uint32_t)D_SYSCALL;
		break;
	case 0x80000002:
	case 0x80000003:
	case 0x80000004:
		for (unsigned i = 0; i < 4; i++)
			r[i] = get_le32(m->brand + (leaf - 0x80000002) * 16 + i * 4);
		break;
	case 0x80000006: r[R_ECX] = 1024u << 16 | 8u << 12 | 64; break; /* L2: 16-way */
	case 0x80000007: r[R_EDX] = 1 << 8; break;                      /* constant TSC */
	case 0x80000008: r[R_EAX] = m->phys_bits | m->lin_bits << 8; break;
	default: break;
	}
}

void
cpu_cpuid(struct cpu *c, uint32_t leaf, uint32_t sub, uint32_t ret_r[4])
{
	const struct cpu_model *m = c->model;

	memset(ret_r, 0, 4 * sizeof(*ret_r));
	if (model_has(m, FEAT_APIC) && leaf - 0x40000000 <= 0x10) {
		leaf_hypervisor(c, leaf, ret_r);
		return;
	}
	if (m->max_ext_leaf && leaf - 0x80000000u <= m->max_ext_leaf - 0x80000000u) {
		leaf_extended(c, leaf, ret_r);
		return;
	}
	/* Beyond the last leaf: the data of the highest basic leaf. */
	leaf_basic(c, leaf <= m->max_leaf ? leaf : m->max_leaf, sub, ret_r);
}

static void
do_cpuid(struct cpu *c, const struct insn *in)
{
	uint32_t r[4];

	cpu_cpuid(c, (uint32_t)c->gpr[REG_AX], (uint32_t)c->gpr[REG_CX], r);
	c->gpr[REG_AX] = r[R_EAX];
	c->gpr[REG_BX] = r[R_EBX];
	c->gpr[REG_CX] = r[R_ECX];
	c->gpr[REG_DX] = r[R_EDX];
}
SEM_ONE(cpuid)
