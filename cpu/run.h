/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run loop's side of a debugger (vm/gdb.c): see cpu/cpu.h for the calls. */
#ifndef LODGE_CPU_RUN_H
#define LODGE_CPU_RUN_H

#include "cpu/cpu.h"

struct run {          /* cpu.impl */
	uint64_t end; /* icount at which cpu_run()'s budget is used up */
	bool step;    /* debugger: stop after each instruction */
	bool resumed; /* first instruction after a stop: no EXEC break */
	bool hit;     /* a watchpoint was hit during this block */
	uint64_t hit_lin;
	const struct cpu_break *hit_break;
};

static inline struct run *
run_of(const struct cpu *c)
{
	return c->impl;
}
bool run_debug_step_on(const struct cpu *c);
bool run_debug_breaks(const struct cpu *c);  /* any EXEC in the list */
bool run_debug_watches(const struct cpu *c); /* any data one */
/* access.c, while slow_tlb: a debugger's watchpoint? */
void run_debug_note_data(struct cpu *c, uint64_t lin, unsigned len, bool write);
/* An EXEC entry for an instruction in [lin, lin + len), or NULL. */
const struct cpu_break *run_debug_exec_at(const struct cpu *c, uint64_t lin, unsigned len);

#endif
