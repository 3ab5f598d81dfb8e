/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guest processor models and what each needs of the host. */
#include "cpu/model.h"

#include "base/bits.h"

#include <cpuid.h>
#include <string.h>

/* clang-format off */
#define F_486(_) _(CPUID) _(FPU) _(VME)
#define F_PENTIUM3(_)                                                                      \
	F_486(_) _(DE) _(PSE) _(TSC) _(MSR) _(PAE) _(MCE) _(CX8) _(APIC) _(SEP) _(MTRR)    \
	_(PGE) _(MCA) _(CMOV) _(PAT) _(PSE36) _(MMX) _(FXSR) _(SSE) _(P6)
#define F_V2(_)                                                                            \
	F_PENTIUM3(_) _(CLFSH) _(SSE2) _(SSE3) _(SSSE3) _(CX16) _(SSE41) _(SSE42)          \
	_(POPCNT) _(X2APIC) _(TSCDL) _(SYSCALL) _(NX) _(RDTSCP) _(LM) _(LAHF) _(ERMS)      \
	_(PREFETCHW)
#define F_V3(_)                                                                            \
	F_V2(_) _(PCLMUL) _(FMA) _(MOVBE) _(AES) _(XSAVE) _(AVX) _(F16C) _(RDRAND)         \
	_(PDPE1GB) _(ABM) _(FSGSBASE) _(BMI1) _(AVX2) _(BMI2) _(RDSEED) _(ADX)             \
	_(CLFLUSHOPT)
/* clang-format on */

#define LOW(n)  | (FEAT_##n < 64 ? 1ull << (FEAT_##n & 63) : 0)
#define HIGH(n) | (FEAT_##n >= 64 ? 1ull << (FEAT_##n & 63) : 0)
#define FEATURES(f)                                                                                \
	{                                                                                          \
		0 f(LOW), 0 f(HIGH)                                                                \
	}

_Static_assert(FEAT_COUNT <= 128, "cpu_model.features is too small");

const struct cpu_model cpu_models[] = {
	{
	    .name = "486",
	    .title = "Intel 486DX4, with CPUID",
	    .vendor = "GenuineIntel",
	    .signature = 0x480,
	    .features = FEATURES(F_486),
	    .phys_bits = 32,
	    .lin_bits = 32,
	    .max_leaf = 1,
	},
	{
	    .name = "pentium3",
	    .title = "Intel Pentium III (Coppermine)",
	    .vendor = "GenuineIntel",
	    .signature = 0x683,
	    .features = FEATURES(F_PENTIUM3),
	    .phys_bits = 36,
	    .lin_bits = 32,
	    .max_leaf = 2,
	},
	{
	    .name = "x86-64-v2",
	    .title = "64-bit processor with SSE4.2",
	    .vendor = "GenuineIntel",
	    .brand = "Lodge Virtual Processor (x86-64-v2)",
	    .signature = 0x206c2,
	    .features = FEATURES(F_V2),
	    .phys_bits = 40,
	    .lin_bits = 48,
	    .max_leaf = 0xd,
	    .max_ext_leaf = 0x80000008,
	},
	{
	    .name = "x86-64-v3",
	    .title = "64-bit processor with AVX2",
	    .vendor = "GenuineIntel",
	    .brand = "Lodge Virtual Processor (x86-64-v3)",
	    .signature = 0x306c3,
	    .features = FEATURES(F_V3),
	    .phys_bits = 40,
	    .lin_bits = 48,
	    .max_leaf = 0xd,
	    .max_ext_leaf = 0x80000008,
	},
};
const unsigned cpu_nmodels = ARRAY_SIZE(cpu_models);

/* Vector instructions run on the host's own units. */
static bool
host_has_v2(void)
{
	return __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1") &&
	       __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
}

static bool
host_has_v3(void)
{
	unsigned a, b, ecx = 0, d;

	if (!__get_cpuid(1, &a, &b, &ecx, &d))
		return false;
	return host_has_v2() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
	       (ecx & bit_F16C) && (ecx & bit_AES) && (ecx & bit_PCLMUL);
}

static const char *
missing_on_host(const struct cpu_model *m)
{
	if (model_has(m, FEAT_AVX2) && !host_has_v3())
		return "this host's processor has no AVX2, FMA, F16C, AES or PCLMUL";
	if (model_has(m, FEAT_SSE42) && !host_has_v2())
		return "this host's processor has no SSE4.2";
	return NULL;
}

const struct cpu_model *
cpu_model_find(const char *name, const char **ret_why)
{
	bool best = strcmp(name, "default") == 0;
	const char *why = "no such processor model";

	for (unsigned i = cpu_nmodels; i-- > 0;) {
		const struct cpu_model *m = &cpu_models[i];
		const char *missing;

		if (!best && strcmp(name, m->name) != 0)
			continue;
		missing = missing_on_host(m);
		if (!missing)
			return m;
		why = missing;
	}
	if (ret_why)
		*ret_why = why;
	return NULL;
}
