/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two machines that execute the same random program, and what must be equal afterwards. */
#ifndef LODGE_TESTS_JITPAIR_H
#define LODGE_TESTS_JITPAIR_H

#include "tests/unit/cpu/jitgen.h"
#include "tests/unit/cpu/tinyvm.h"

struct jit_side {
	struct tinyvm v;
	struct cpu *c;
	uint64_t mmio; /* a sum of all accesses to the device page */
	enum cpu_exit why;
};

struct jit_pair {
	struct jit_side a, b;
	uint16_t x87_sw; /* bits of the status word that are compared */
	char what[200];  /* the difference */
};

bool jit_side_init(struct jit_side *s, const struct tinyvm_engine *engine);
void jit_side_fini(struct jit_side *s);

/* Memory, tables and registers of the program's beginning. */
void jit_pair_prepare(struct jit_pair *pair, const struct jit_program *p);
/* Both at this RIP, the rest as it was left but for mode, segments and stack. */
void jit_pair_resume(
    struct jit_pair *pair, const struct jit_program *p, uint64_t rip, uint64_t *rng);

/* How a side stopped. */
enum jit_stop { JIT_STOP_BUDGET, JIT_STOP_FAULT, JIT_STOP_HLT, JIT_STOP_DEAD };
struct jit_where {
	enum jit_stop stop;
	int vector;         /* FAULT */
	uint64_t rip;       /* FAULT: that in the frame */
	uint64_t flags_gpa; /* FAULT: where the frame has EFLAGS, 0 unknown */
};
struct jit_where jit_where(const struct jit_side *s, const struct jit_program *p);

/* False: .what says what differs. flags: FL_* to compare. */
bool jit_pair_same_registers(struct jit_pair *pair, uint32_t flags);
bool jit_pair_same_memory(struct jit_pair *pair, const struct jit_program *p);
void jit_pair_print(const struct jit_pair *pair);

#endif
