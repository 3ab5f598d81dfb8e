/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers of the model-specific registers, SDM volume 4 chapter 2. */
#ifndef LODGE_CPU_MSR_H
#define LODGE_CPU_MSR_H

enum {
	MSR_P5_MC_ADDR = 0x0,
	MSR_TSC = 0x10,
	MSR_PLATFORM_ID = 0x17,
	MSR_APIC_BASE = 0x1b,
	MSR_EBL_CR_POWERON = 0x2a,
	MSR_FEATURE_CONTROL = 0x3a,
	MSR_TSC_ADJUST = 0x3b,
	MSR_SPEC_CTRL = 0x48,
	MSR_PRED_CMD = 0x49,
	MSR_BIOS_UPDT_TRIG = 0x79,
	MSR_BIOS_SIGN_ID = 0x8b,
	MSR_PLATFORM_INFO = 0xce,
	MSR_MTRRCAP = 0xfe,
	MSR_ARCH_CAPABILITIES = 0x10a,
	MSR_SYSENTER_CS = 0x174,
	MSR_SYSENTER_ESP = 0x175,
	MSR_SYSENTER_EIP = 0x176,
	MSR_MCG_CAP = 0x179,
	MSR_MCG_STATUS = 0x17a,
	MSR_PERF_STATUS = 0x198,
	MSR_MISC_ENABLE = 0x1a0,
	MSR_DEBUGCTL = 0x1d9,
	MSR_MTRR_PHYSBASE0 = 0x200,
	MSR_MTRR_FIX64K = 0x250,
	MSR_MTRR_FIX16K = 0x258,
	MSR_MTRR_FIX4K = 0x268,
	MSR_PAT = 0x277,
	MSR_MTRR_DEF_TYPE = 0x2ff,
	MSR_MC0_CTL = 0x400,
	MSR_TSC_DEADLINE = 0x6e0,
	MSR_X2APIC = 0x800
};
#define MSR_EFER           0xc0000080u
#define MSR_STAR           0xc0000081u
#define MSR_LSTAR          0xc0000082u
#define MSR_CSTAR          0xc0000083u
#define MSR_FMASK          0xc0000084u
#define MSR_FS_BASE        0xc0000100u
#define MSR_GS_BASE        0xc0000101u
#define MSR_KERNEL_GS_BASE 0xc0000102u
#define MSR_TSC_AUX        0xc0000103u

enum { APIC_BASE_BSP = 0x100, APIC_BASE_X2 = 0x400, APIC_BASE_EN = 0x800 };
enum { MTRRCAP = 0x508 /* 8 variable ranges, fixed ranges, WC */, MCG_BANKS = 4 };

/* What an interpreter can say of itself truthfully: RDCL_NO, IBRS_ALL, SKIP_L1DFL_VMENTRY,
 * SSB_NO, MDS_NO, PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO, PBRSB_NO,
 * GDS_NO, RFDS_NO, ITS_NO. Guests then leave out their mitigations. */
#define ARCH_CAPS 0x400000000d10e17bull

#endif
