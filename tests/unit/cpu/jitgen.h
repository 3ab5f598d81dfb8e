/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random guest programs for comparing two engines: straight runs, loops, calls, indirect
 * jumps, string instructions, floating point, faults.  Everything follows from the seed.
 */
#ifndef LODGE_TESTS_JITGEN_H
#define LODGE_TESTS_JITGEN_H

#include "cpu/x86/insn.h"

/* Linear addresses, the same as physical ones but for the device page. */
enum {
	JIT_GDT = 0x1000,
	JIT_IDT = 0x2000,
	JIT_TSS = 0x3000,
	JIT_HANDLERS = 0x4000, /* 16 bytes a vector: HLT */
	JIT_STACK0 = 0x6000,   /* of handlers, downwards */
	JIT_TABLES = 0x6000,   /* four page tables, not mapped */
	JIT_CODE = 0x10000,
	JIT_CODE_SIZE = 0x4000,
	JIT_DATA = 0x20000, /* 16 pages, some special, each behind a good one: */
	JIT_PAGE_ABSENT = 0x28000,
	JIT_PAGE_RO = 0x2a000,
	JIT_PAGE_SUPER = 0x2c000,
	JIT_PAGE_NX = 0x2e000,
	JIT_PAGE_MMIO = 0x2f000,
	JIT_STACK = 0x30000,
	JIT_STACK_SIZE = 0x4000,
	JIT_END = 0x40000,
	JIT_REAL_END = 0x110000, /* what real mode reaches */
	JIT_MMIO_GPA = 0xf00000
};
/* Selectors; S_DS.. are made for each program. */
enum {
	JS_CODE32 = 0x08,
	JS_DATA = 0x10,
	JS_CODE64 = 0x18,
	JS_TSS = 0x20, /* and 0x28 */
	JS_CS = 0x30,
	JS_DS = 0x38,
	JS_ES = 0x40,
	JS_SS = 0x48,
	JS_FS = 0x50,
	JS_GS = 0x58,
	JS_END = 0x60
};

enum jit_mode { JIT_REAL, JIT_V86, JIT_PROT16, JIT_PROT32, JIT_LONG64, JIT_NMODES };

#define JIT_MAX_INSNS 400

struct jit_insn {
	uint16_t off; /* from the program's start */
	uint8_t len;
	uint8_t defined; /* FLG_*: flags with a defined value before it */
	uint8_t live;    /* flags that are surely read before they are written */
};

struct jit_program {
	uint64_t seed, rng;
	enum jit_mode mode;
	enum cpu_bits bits;
	unsigned cpl;
	bool inexact; /* no undefined flag is ever read */
	bool flat, paging, ist;
	enum jit_mood {    /* now and then something is different for the whole program */
		JIT_TS,    /* CR0.TS: #NM */
		JIT_AC,    /* alignment checks at CPL 3 */
		JIT_WATCH, /* data breakpoint */
		JIT_BREAK, /* execution breakpoint */
		JIT_NOSSE, /* CR4.OSFXSR, OSXSAVE clear: #UD */
		JIT_NMOODS = 40
	} mood;
	uint32_t cs_base, start; /* linear start; RIP = start - cs_base */
	uint32_t data_base;      /* what a pointer register lacks: DS base */
	uint32_t seg_base[NSEG], seg_limit[NSEG];
	uint8_t code[JIT_CODE_SIZE - 0x1000];
	unsigned len;
	uint32_t end; /* offset of the final HLT */
	struct jit_insn insn[JIT_MAX_INSNS];
	unsigned n;
};

uint64_t jit_rnd(uint64_t *state);
static inline unsigned
jit_pick(uint64_t *state, unsigned n)
{
	return (unsigned)(jit_rnd(state) % n);
}
void jit_generate(struct jit_program *p, enum jit_mode mode, uint64_t seed, bool inexact);
/* The instruction that begins at this RIP, or -1. */
int jit_insn_at(const struct jit_program *p, uint64_t rip);
/* An offset that a pointer register may hold. */
uint64_t jit_pointer(const struct jit_program *p, uint64_t *rng);
void jit_print(const struct jit_program *p);

#endif
