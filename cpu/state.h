/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtual processor: architectural state, what is derived from it, and the
 * caches.  Only its own thread touches it while it runs; `attention` and the
 * request words are the way in for others.
 */
#ifndef LODGE_CPU_STATE_H
#define LODGE_CPU_STATE_H

#include "base/bits.h"
#include "cpu/x86/insn.h"

#include <setjmp.h>

struct cpu_env;
struct cpu_model;
struct cpu_set;
struct block_cache;
struct lapic;
struct mem_space;
struct mem_arena;

/* EFLAGS */
enum {
	FL_CF = 1,
	FL_R1 = 2,
	FL_PF = 4,
	FL_AF = 0x10,
	FL_ZF = 0x40,
	FL_SF = 0x80,
	FL_TF = 0x100,
	FL_IF = 0x200,
	FL_DF = 0x400,
	FL_OF = 0x800,
	FL_IOPL = 0x3000,
	FL_NT = 0x4000,
	FL_RF = 0x10000,
	FL_VM = 0x20000,
	FL_AC = 0x40000,
	FL_VIF = 0x80000,
	FL_VIP = 0x100000,
	FL_ID = 0x200000,
	FL_ARITH = FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF | FL_OF
};
enum {
	CR0_PE = 1,
	CR0_MP = 2,
	CR0_EM = 4,
	CR0_TS = 8,
	CR0_ET = 0x10,
	CR0_NE = 0x20,
	CR0_WP = 0x10000,
	CR0_AM = 0x40000,
	CR0_NW = 0x20000000,
	CR0_CD = 0x40000000
};
#define CR0_PG 0x80000000u
enum {
	CR4_VME = 1,
	CR4_PVI = 2,
	CR4_TSD = 4,
	CR4_DE = 8,
	CR4_PSE = 0x10,
	CR4_PAE = 0x20,
	CR4_MCE = 0x40,
	CR4_PGE = 0x80,
	CR4_PCE = 0x100,
	CR4_OSFXSR = 0x200,
	CR4_OSXMMEXCPT = 0x400,
	CR4_UMIP = 0x800,
	CR4_FSGSBASE = 0x10000,
	CR4_PCIDE = 0x20000,
	CR4_OSXSAVE = 0x40000,
	CR4_SMEP = 0x100000,
	CR4_SMAP = 0x200000
};
enum { EFER_SCE = 1, EFER_LME = 0x100, EFER_LMA = 0x400, EFER_NXE = 0x800 };

/* Descriptor attribute bits as in bits 8..15 and 20..23 of the high dword, >> 8. */
enum {
	DESC_TYPE = 0xf,
	DESC_A = 1,
	DESC_W = 2 /* data: writable; code: readable */,
	DESC_E = 4 /* data: expand-down; code: conforming */,
	DESC_CODE = 8,
	DESC_S = 0x10,
	DESC_DPL = 0x60,
	DESC_P = 0x80,
	DESC_AVL = 0x1000,
	DESC_L = 0x2000,
	DESC_DB = 0x4000,
	DESC_G = 0x8000
};

enum { SEG_OK_R = 1, SEG_OK_W = 2 };

struct seg {
	/* architectural */
	uint64_t base;
	uint32_t limit; /* in bytes, expanded by G */
	uint16_t sel;
	uint16_t attr; /* DESC_*; P clear = unusable (null) */
	/* derived by cpu_seg_derive() */
	uint64_t lbase;  /* what a linear address adds: 0 in 64-bit mode but for FS, GS */
	uint64_t vlimit; /* last valid offset for the fast check */
	uint8_t ok;      /* SEG_OK_*: fast check applies (not expand-down, not null, type allows) */
};

struct dtable {
	uint64_t base;
	uint16_t limit;
};

struct x87 {             /* as the hardware has it; registers are 80-bit, by physical number */
	uint16_t cw, sw; /* sw without TOP */
	uint8_t top;
	uint8_t empty;      /* bit per physical register: 1 = empty */
	uint16_t op;        /* FOP */
	uint64_t ip, dp;    /* FIP, FDP offsets (64-bit) */
	uint16_t cs, ds;    /* FCS, FDS selectors */
	uint8_t reg[8][16]; /* physical registers: 10 bytes used. MMn = bytes 0..7 of reg[n] */
};

struct cpu_msrs {
	uint64_t efer, star, lstar, cstar, fmask, kernel_gs_base;
	uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
	uint64_t apic_base, pat, misc_enable, tsc_offset, tsc_aux, tsc_adjust, debugctl;
	uint64_t mtrr_def, mtrr_fixed[11], mtrr_base[8], mtrr_mask[8];
	uint64_t mcg_status, mc[4 * 4], feature_control, ucode_rev, xss, spec_ctrl, smbase;
};

#define TLB_BITS 10
#define TLB_SIZE (1u << TLB_BITS)

/* A tag is a page address (bits 63..12) with reason bits in 11..0; equality with the
 * page of an access means "go": any reason bit, or TLB_NONE, sends it to the slow path. */
struct tlb_entry {
	uint64_t tag_r, tag_w, tag_x;
	uint64_t addend; /* host address - linear address; MMIO: gpa - linear address */
};
enum { TLB_F_MMIO = 1, TLB_F_CODE = 2 /* write: granules to look at */, TLB_F_ROM = 4 };
#define TLB_NONE 0xfffull /* no page has these low bits alone */

/* Why the loop should look up between blocks; bits of cpu.attention. */
enum {
	ATT_INTR = 1, /* PIC's INTR line is high */
	ATT_APIC = 2, /* the LAPIC has something deliverable */
	ATT_NMI = 4,
	ATT_SMI = 8,
	ATT_INIT = 16,
	ATT_SIPI = 32,
	ATT_REQUEST = 64, /* requests below */
	ATT_STOP = 128,   /* leave the run function */
	ATT_SYNC = 256,   /* an exclusive section waits for us */
	ATT_DEBUG = 512,  /* TF, data breakpoint hit: deliver #DB (dr6_pending) */
	ATT_TIMER = 1024, /* clock=insns: a deadline may have passed */
	ATT_A20 = 2048    /* flush translations */
};

/* Counters for the monitor, cpu.stat[]. */
enum cpu_stat {
	CPU_STAT_BLOCKS,
	CPU_STAT_FLUSHES,
	CPU_STAT_INVALIDATIONS,
	CPU_STAT_INTERRUPTS,
	CPU_STAT_EXCEPTIONS,
	CPU_STAT_TLB_FLUSHES,
	CPU_STAT_TLB_FILLS,
	CPU_STAT_HALTS
};

struct jit;

#define HOT_POLL 0x80000000u

/* What translated code finds beside the general registers: cpu/jit/jit.h explains it. */
struct jit_hot {
	uint32_t mode; /* atomic: number of the mode, HOT_POLL when the loop is wanted */
	uint16_t hf;   /* arithmetic flags at rest: OF in bit 0, SF ZF AF PF CF in 15..8 */
	uint8_t fp;    /* JIT_FP_*: which of the guest's registers the host's hold */
	bool dirty;    /* the mode must be worked out anew */
	bool counting; /* `left` is kept */
	int64_t left;  /* instructions until run_limit */
	uint64_t host_sp;
	uint64_t index_mask; /* of the flat table, 48-bit addresses */
	uint64_t tmp[4];
	uint64_t x87_dp;   /* operand offset of the last x87 instruction that had one */
	uint32_t x87_last; /* the last x87 instruction: its site, see jit_site_number() */
	uint32_t x87_mem;  /* the last one with a memory operand; 0: none since the last look */
	uint8_t stack[32]; /* below gpr[]: translated code's stack pointer is there */
};

struct cpu {
	/* --- hot --- */
	struct jit_hot hot;
	uint64_t gpr[NGPR]; /* [REG_ZERO] stays 0; [REG_RIP]: of the next instruction */
	uint64_t fl_res;    /* lazy flags, see flags.h */
	uint32_t fl_aux;
	uint32_t eflags;       /* all but the arithmetic bits, which are lazy */
	uint64_t insn_rip;     /* first byte of the instruction being executed */
	uint64_t lin_mask;     /* 32 or 64 ones */
	struct tlb_entry *tlb; /* table of the current privilege; see mmu/tlb.h */
	const void *block_end; /* the loop runs while cursor < this; NULL = leave after this insn */
	uint32_t attention;    /* atomic */
	uint8_t cpl;
	uint8_t bits;       /* enum cpu_bits of the code segment */
	uint8_t stack_size; /* log2 bytes of SP: 1, 2, 3 */
	bool long_mode;     /* EFER.LMA */
	bool shadow;        /* STI, MOV SS: one instruction without interrupts */
	bool halted;
	struct seg seg[NSEG];

	/* --- system --- */
	struct dtable gdtr, idtr;
	uint64_t cr0, cr2, cr3, cr4, xcr0;
	uint64_t dr[8];    /* 4, 5 unused */
	uint64_t pdpte[4]; /* PAE: loaded with CR3 */
	struct cpu_msrs msr;

	/* --- floating point and vectors --- */
	struct x87 fpu;
	uint32_t mxcsr;
	_Alignas(32) uint8_t ymm[16][32]; /* XMMn = bytes 0..15 */

	/* --- exceptions in flight --- */
	int exc_vector; /* being raised, -1 none */
	uint32_t exc_error;
	bool exc_has_error;
	bool exc_soft;        /* INT n, INT3, INTO */
	uint8_t exc_depth;    /* for double and triple faults: see exc.c */
	uint64_t dr6_pending; /* debug conditions to report after this instruction */
	bool shutdown;        /* after a triple fault: only a reset (or INIT) leads out */
	bool nmi_blocked, in_smm, nmi_pending, init_pending, sipi_pending, wait_sipi;
	uint8_t sipi_vector;
	jmp_buf fault; /* the run loop's */

	/* --- identity and surroundings --- */
	unsigned index; /* 0.. */
	uint32_t apic_id;
	const struct cpu_model *model;
	const struct cpu_env *env;
	struct cpu_set *set;
	struct lapic *lapic;
	struct mem_space *space; /* guest-physical memory */
	struct mem_arena *arena;
	uint64_t a20_mask;  /* and-ed to every physical address */
	uint64_t phys_mask; /* implemented physical address bits */

	/* --- caches and counters (cpu/run, cpu/mmu) --- */
	struct tlb_entry *tlbs[3]; /* supervisor, user, always-missing */
	struct block_cache *blocks;
	uint64_t fetch_gen; /* changes with every flush of translations or blocks */
	const void *cur_block, *cur_insn;
	uint64_t icount;       /* instructions retired */
	uint64_t icount_limit; /* clock=insns: look up when reached; cpu_limits_changed() */
	uint64_t run_limit;    /* the nearer of icount_limit and the budget's end */
	uint64_t stat[16];
	bool slow_tlb;    /* data breakpoints or alignment checks: use tlbs[2] */
	bool single;      /* debugger, TF, RF: one instruction a turn */
	bool exec_breaks; /* some execution breakpoint is armed */
	uint64_t rng;     /* RDRAND's generator with the instruction clock; saved */
	void *impl;       /* run.c's own */
	struct jit *jit;  /* the translator's own; NULL: the interpreter runs this processor */
};

/* ---- derived state: call after changing what it depends on ---- */
void cpu_seg_derive(struct cpu *c, unsigned seg); /* lbase, vlimit, ok of one segment */
/* After CR0, CR4, EFER, CS, CPL, EFLAGS.VM/AC/TF or DR7 changed: everything else that is
 * derived (bits, lin_mask, tlb pointer, single, slow_tlb, all segments). */
void cpu_mode_derive(struct cpu *c);
static inline bool
cpu_is_real(const struct cpu *c)
{
	return !(c->cr0 & CR0_PE);
}
static inline bool
cpu_is_v86(const struct cpu *c)
{
	return c->eflags & FL_VM;
}
static inline bool
cpu_is_prot(const struct cpu *c) /* protected, not V86 (long included) */
{
	return (c->cr0 & CR0_PE) && !(c->eflags & FL_VM);
}

/* Before code that may use the host's floating-point registers: anything outside cpu/, and
 * the C library. */
void jit_fp_save(struct cpu *c);
static inline void
cpu_fp_out(struct cpu *c)
{
	if (c->hot.fp)
		jit_fp_save(c);
}

#endif
