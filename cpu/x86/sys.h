/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System instructions and what the rest of the processor and vm/ need of them. */
#ifndef LODGE_CPU_SYS_H
#define LODGE_CPU_SYS_H

#include "cpu/state.h"

/* seg.c: MOV Sreg / POP Sreg / Lxx semantics with all checks; may raise. */
void seg_load(struct cpu *c, unsigned seg, uint16_t sel);
/* Real and V86 mode: base = sel << 4 (limit and rights kept in real mode, SDM 3A 20.1). */
void seg_load_real(struct cpu *c, unsigned seg, uint16_t sel);
void seg_set_null(struct cpu *c, unsigned seg, uint16_t sel);
struct desc { /* a descriptor, unpacked */
	uint64_t base;
	uint32_t limit;  /* expanded */
	uint16_t attr;   /* DESC_* */
	uint32_t lo, hi; /* raw */
	uint64_t addr;   /* linear address it came from */
};
/* Reads a GDT/LDT descriptor; raises `vector`(sel & ~3) when outside the table. */
struct desc desc_read(struct cpu *c, uint16_t sel, unsigned vector);
void desc_set_accessed(struct cpu *c, struct desc *d);
void cpu_set_cpl(struct cpu *c, unsigned cpl);
/* Loads CS (descriptor already checked) and derives mode. */
void seg_set_cs(struct cpu *c, uint16_t sel, const struct desc *d, unsigned cpl);

/* far.c */
void far_jmp(struct cpu *c, uint16_t sel, uint64_t off, unsigned size);
void far_call(struct cpu *c, uint16_t sel, uint64_t off, unsigned size);
/* task.c */
enum task_cause { TASK_JMP, TASK_CALL, TASK_INT, TASK_IRET };
void task_switch(
    struct cpu *c, uint16_t tss_sel, enum task_cause cause, bool has_error, uint32_t error);

/* cr.c: with all checks (#GP) and flushes */
void cpu_write_cr0(struct cpu *c, uint64_t v);
void cpu_write_cr3(struct cpu *c, uint64_t v);
void cpu_write_cr4(struct cpu *c, uint64_t v);
/* Applies a POPF/IRET value: `mask` says which bits may change. */
void cpu_write_eflags(struct cpu *c, uint32_t v, uint32_t mask);

/* msr.c; false = #GP */
bool msr_read(struct cpu *c, uint32_t msr, uint64_t *ret_v);
bool msr_write(struct cpu *c, uint32_t msr, uint64_t v);
/* cpuid.c */
void cpu_cpuid(struct cpu *c, uint32_t leaf, uint32_t sub, uint32_t ret_r[4]);
uint64_t cpu_rdtsc(struct cpu *c);

/* reset.c: SDM 3A table 9-1. init: keeps caches, x87/SSE, MSRs of memory types */
void cpu_reset(struct cpu *c, bool init);
/* I/O permission (io.c): raises #GP */
void io_check(struct cpu *c, uint16_t port, unsigned size);

/* debug.c: hardware breakpoints. Called by the loop and by access.c when armed. */
void debug_check_exec(struct cpu *c); /* may raise #DB fault before the instruction */
void debug_note_data(struct cpu *c, uint64_t lin, unsigned len, bool write);
void debug_note_io(struct cpu *c, uint16_t port, unsigned len);
bool debug_has_data_bp(const struct cpu *c);
bool debug_has_exec_bp(const struct cpu *c);

#endif
