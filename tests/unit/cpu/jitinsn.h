/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the generator: jitgen.c has the frame, jitinsn.c the instructions. */
#ifndef LODGE_TESTS_JITINSN_H
#define LODGE_TESTS_JITINSN_H

#include "tests/unit/cpu/jitgen.h"

#define ARRAY_LEN(a)   (sizeof(a) / sizeof((a)[0]))
#define JIT_SUB_TARGET 100000 /* target of a fixup: subroutine n */

struct jit_fix { /* the last `size` bytes of an instruction are a target */
	unsigned insn, size;
	bool rel;
	int target;
};

struct jit_gen {
	struct jit_program *p;
	uint8_t defined;
	bool anchor[JIT_MAX_INSNS]; /* with .inexact only these are jumped to */
	struct jit_fix fix[JIT_MAX_INSNS];
	unsigned nfix, main_n, subs, sub_at[4];
};

bool jit_emit(struct jit_gen *g, const uint8_t *code, unsigned len);
void jit_anchor(struct jit_gen *g);
/* The last instruction goes to the one `distance` further (JIT_SUB_TARGET + n: to
 * subroutine n). */
void jit_fixup(struct jit_gen *g, unsigned size, bool rel, int distance);
/* One instruction or a few that belong together. */
void jit_random_step(struct jit_gen *g);
void jit_ret(struct jit_gen *g);

#endif
