/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest processor models: what CPUID says and which instructions exist. */
#ifndef LODGE_CPU_MODEL_H
#define LODGE_CPU_MODEL_H

#include <stdbool.h>
#include <stdint.h>

/* Names as in the `needs` column of insn.tab (lower case). */
/* clang-format off */
#define CPU_FEATURES(_)                                                                    \
	_(CPUID) _(FPU) _(VME) _(DE) _(PSE) _(TSC) _(MSR) _(PAE) _(MCE) _(CX8) _(APIC)     \
	_(SEP) _(MTRR) _(PGE) _(MCA) _(CMOV) _(PAT) _(PSE36) _(CLFSH) _(MMX) _(FXSR)       \
	_(SSE) _(SSE2) _(SSE3) _(PCLMUL) _(MONITOR) _(SSSE3) _(FMA) _(CX16) _(SSE41)       \
	_(SSE42) _(X2APIC) _(MOVBE) _(POPCNT) _(TSCDL) _(AES) _(XSAVE) _(AVX) _(F16C)      \
	_(RDRAND) _(SYSCALL) _(NX) _(PDPE1GB) _(RDTSCP) _(LM) _(LAHF) _(CR8LEG) _(ABM)     \
	_(PREFETCHW) _(FSGSBASE) _(BMI1) _(AVX2) _(BMI2) _(ERMS) _(INVPCID) _(RDSEED)      \
	_(ADX) _(SMEP) _(SMAP) _(XSAVEOPT) _(CLFLUSHOPT) _(SHA) _(P6) /* UD2, NOPL, FCMOV… */
/* clang-format on */

enum cpu_feature {
	FEAT_NONE,
#define X(n) FEAT_##n,
	CPU_FEATURES(X)
#undef X
	    FEAT_COUNT
};

struct cpu_model {
	const char *name; /* "486", "pentium3", "x86-64-v2", "x86-64-v3" */
	const char *title;
	char vendor[13];
	char brand[49];
	uint32_t signature;   /* CPUID 1 EAX */
	uint64_t features[2]; /* bit per enum cpu_feature */
	unsigned phys_bits, lin_bits;
	uint32_t max_leaf, max_ext_leaf;
};

static inline bool
model_has(const struct cpu_model *m, enum cpu_feature f)
{
	return (m->features[f / 64] >> (f % 64)) & 1;
}

/* NULL when unknown, or when the host cannot do it (ret_why says so). "default" is the
 * best that the host can do. */
const struct cpu_model *cpu_model_find(const char *name, const char **ret_why);
extern const struct cpu_model cpu_models[];
extern const unsigned cpu_nmodels;

#endif
