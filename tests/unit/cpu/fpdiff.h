/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One x87 or vector instruction with random state, on the interpreter and on the host
 * processor: registers, flags, status, memory and exception must be equal.
 */
#ifndef LODGE_TESTS_FPDIFF_H
#define LODGE_TESTS_FPDIFF_H

#include "flat.h"

enum fpdiff_values { FPDIFF_ANY, FPDIFF_SINGLE, FPDIFF_DOUBLE, FPDIFF_INT };

struct fpdiff {
	uint64_t seed;
	enum cpu_bits bits;        /* BITS64 or BITS32 */
	bool edge;                 /* memory operands at the end of mapped memory or across pages */
	unsigned trials;           /* a call of fpdiff_run() */
	unsigned ran, faults, ops; /* instructions run; of them raised; distinct encodings */
	enum decode_status status; /* of the last call */
};

/* False: this host cannot; ret_why. */
bool fpdiff_setup(enum cpu_bits bits, const char **ret_why);
/*
 * Runs d->trials random trials of the instruction if it decodes and its flags intersect
 * `want` (INSN_*). The memory operand, if any, must be [RSI + anything small]; immediates are
 * taken from the bytes. False: a difference, printed.
 */
bool fpdiff_run(struct fpdiff *d, const uint8_t *code, unsigned len, unsigned want);
/* How many operations with `want` flags never ran, but for those named (by mnemonic). */
unsigned fpdiff_unseen(unsigned want, const char *const *except);
uint64_t fpdiff_rand(struct fpdiff *d);

#endif
