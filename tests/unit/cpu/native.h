/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs one instruction on the host processor itself, in 64-, 32- or 16-bit code, with given
 * registers, and catches its exception.  The low area holds everything at fixed addresses
 * that all three kinds of code reach: 16-bit segments have their base at NATIVE_BASE, the
 * others are flat.
 */
#ifndef LODGE_TESTS_NATIVE_H
#define LODGE_TESTS_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	NATIVE_BASE = 0x10000000,
	NATIVE_SIZE = 0x10000,
	NATIVE_CODE = 0x4000, /* offset of the instruction */
	NATIVE_TARGET = 0x40, /* a taken branch goes this far beyond its end */
	NATIVE_DATA = 0x8000, /* scratch memory */
	NATIVE_DATA_SIZE = 0x2000,
	NATIVE_XSAVE_SIZE = 832 /* x87, SSE, AVX */
};

/* Kinds of code: the values of enum cpu_bits (its header does not go with <ucontext.h>). */
enum { NATIVE_16, NATIVE_32, NATIVE_64 };

/* At NATIVE_BASE; offsets are known to the assembly in native.c. */
struct native_state {
	uint64_t gpr[16]; /* 0x00 */
	uint64_t flags;   /* 0x80 */
	uint64_t host_sp; /* 0x88 */
	uint32_t far_off; /* 0x90: where to enter */
	uint16_t far_sel, pad0;
	uint32_t exit_off; /* 0x98: far pointer to the fall-through exit */
	uint16_t exit_sel, pad1;
	uint32_t taken_off; /* 0xa0: to the branch-taken exit */
	uint16_t taken_sel, pad2;
	uint16_t ds, ss, host_ss, pad3; /* 0xa8 */
	uint32_t taken;                 /* 0xb0: which exit */
	uint32_t with_fp;               /* 0xb4: load and save x87, SSE, AVX from xsave[] */
	uint8_t pad4[0x200 - 0xb8];
	uint8_t xsave[0xc00]; /* 0x200 */
};

static inline struct native_state *
native_state(void)
{
	return (struct native_state *)(uintptr_t)NATIVE_BASE;
}
static inline uint8_t *
native_mem(unsigned off)
{
	return (uint8_t *)(uintptr_t)(NATIVE_BASE + off);
}

/* False: this host or its kernel does not let us; why says it. */
bool native_setup(unsigned bits, const char **ret_why);
/* Segment base of the code of this kind. */
uint64_t native_seg_base(unsigned bits);
/* Executes with native_state()'s registers and flags; returns the exception's vector or -1.
 * Registers and flags are left in native_state(). */
int native_run(unsigned bits, const uint8_t *code, unsigned len);

#endif
