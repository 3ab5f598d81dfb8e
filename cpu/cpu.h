/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processors of one machine, seen from vm/.  vm/ makes the set, gives it an
 * environment, starts one thread per processor (or, with the instruction clock, one
 * thread for all) that calls cpu_run().
 */
#ifndef LODGE_CPU_CPU_H
#define LODGE_CPU_CPU_H

#include "cpu/model.h"
#include "cpu/state.h"
#include "mem/space.h"

struct buf;

/* What a processor needs of the machine. Port and memory accesses go through the two
 * spaces, which take the machine's lock. */
struct cpu_env {
	void *ctx;
	struct mem_space *mem, *io;
	uint64_t (*tsc)(void *ctx); /* guest time stamp, before tsc_offset */
	uint64_t tsc_hz;
	int64_t (*now_ns)(void *ctx); /* guest time */
	/* Interrupt acknowledge cycle: the 8259's vector. Lock taken inside. */
	uint8_t (*ack_intr)(void *ctx);
	/* EOI of a level interrupt: to the IOAPIC. Called with the machine's lock held. */
	void (*eoi)(void *ctx, uint8_t vector);
	/* LAPIC timer of processor `index`: guest time, INT64_MAX disarms. */
	void (*timer_arm)(void *ctx, unsigned index, int64_t deadline_ns);
	void (*triple_fault)(void *ctx, unsigned index);
	void (*ferr)(void *ctx, bool level); /* x87 error pin → IRQ 13 (CR0.NE = 0) */
	void (*lock)(void *ctx);
	void (*unlock)(void *ctx);
	/* With the instruction clock: called between blocks when icount >= icount_limit. */
	void (*tick)(void *ctx, struct cpu *c);
	/* A debugger's breakpoint or step: the processor stops itself (cpu_stop_request) */
	void (*debug_stop)(void *ctx, struct cpu *c, int why);
};

/* How instructions are executed. AUTO: the translator where this host can, else the
 * interpreter. */
enum cpu_engine_kind { CPU_ENGINE_INTERP, CPU_ENGINE_JIT, CPU_ENGINE_AUTO };

/* Of the translator; 0 means the default where it says so. */
struct cpu_jit_options {
	uint32_t cache_mib;   /* host code a processor, MiB; 0: 32; 1..1024 */
	uint32_t threshold;   /* interpreted runs of a block before it is translated; 0: 3 */
	uint32_t block_insns; /* instructions a block at most, both engines; 0: 32; 1..32 */
	bool no_chain;        /* every block goes back to the loop */
	bool exact_flags;     /* arithmetic flags are right at every instruction, dead or not */
	bool verify;          /* every block is looked at by the verifier before it may run */
	int perf_fd;          /* a map of translated code for perf is written here; 0: none */
};
/* Counters of the translator over all processors of a set. */
struct cpu_jit_stats {
	/* made, exits linked, times that all were dropped for room, indirect jumps that the table
	 * did not know, blocks dropped for room, and because their bytes changed */
	uint64_t blocks, chains, flushes, misses, evictions, invalidations;
	uint64_t code_bytes;    /* host code in use */
	uint64_t interp_blocks; /* blocks run by the interpreter meanwhile */
	uint64_t unverified;    /* blocks that the verifier refused */
};

struct cpu_set {
	unsigned n;
	struct cpu *cpu[64];
	struct mem_arena *arena;
	bool shared_thread;       /* instruction clock: all on one thread */
	struct cpu_break *breaks; /* a debugger's; see below */
	unsigned nbreaks;
	void *impl; /* smp.c */
	bool jit;   /* the translator runs it */
	struct cpu_jit_options jit_options;
};

int cpu_set_create(struct cpu_set *s, unsigned n, const struct cpu_model *m,
    const struct cpu_env *env, struct err *e);
void cpu_set_destroy(struct cpu_set *s);
/* Before the first cpu_run(); o may be NULL. With AUTO the interpreter is taken without an
 * error when the translator cannot run here, and *ret_why (may be NULL) says why. -ENOTSUP
 * with the reason for JIT. */
int cpu_set_engine(struct cpu_set *s, enum cpu_engine_kind kind, const struct cpu_jit_options *o,
    const char **ret_why, struct err *e);
enum cpu_engine_kind cpu_set_engine_kind(const struct cpu_set *s); /* INTERP or JIT */
void cpu_set_jit_stats(const struct cpu_set *s, struct cpu_jit_stats *ret);
/* One block, guest and host code side by side, for the monitor: the translated block that
 * begins at linear address `lin` on this processor. Machine stopped. False: none there. */
bool cpu_jit_list(struct cpu *c, uint64_t lin, struct buf *b);

/* Why cpu_run() came back. */
enum cpu_exit {
	CPU_EXIT_STOP /* asked to */,
	CPU_EXIT_HALT /* nothing to do until attention */,
	CPU_EXIT_BUDGET
};
/* Runs until asked to stop, halted with nothing pending, or `budget` instructions have
 * retired (UINT64_MAX: no bound). Called on the processor's thread. */
enum cpu_exit cpu_run(struct cpu *c, uint64_t budget);
/* After icount_limit was changed (also from cpu_env.tick). */
void cpu_limits_changed(struct cpu *c);
/* Blocks the thread until attention is wanted (after CPU_EXIT_HALT). */
void cpu_wait(struct cpu *c);

/* From any thread. */
void cpu_kick(struct cpu *c, uint32_t att_bits); /* sets attention bits and wakes it */
void cpu_clear(struct cpu *c, uint32_t att_bits);
void cpu_set_intr(struct cpu *c, bool level); /* the 8259's INTR pin */
/* All processors stand between instructions while fn runs; no other lock may be wanted
 * inside. From a processor's thread (self != NULL) or any other. */
void cpu_exclusive(struct cpu_set *s, struct cpu *self, void (*fn)(void *ctx), void *ctx);
/* Around anything on a processor's thread that may block (the machine's lock): it counts as
 * standing between instructions meanwhile. */
void cpu_park(struct cpu *c);
void cpu_unpark(struct cpu *c);
void cpu_flush_all(struct cpu_set *s); /* memory map changed */
void cpu_set_a20(struct cpu_set *s, bool on);
/* DMA, loader or debugger wrote over code. */
void cpu_code_written(struct cpu_set *s, uint64_t aoff, size_t len);

/* Saved state of one processor with its LAPIC (machine stopped). */
void cpu_save(const struct cpu *c, struct buf *b);
int cpu_load(struct cpu *c, struct buf *b, struct err *e);

/* Debugger access on a stopped machine: translate without side effects. */
bool cpu_debug_translate(struct cpu *c, uint64_t lin, uint64_t *ret_gpa);

/* What a debugger waits for: linear addresses, for every processor of the set. An EXEC
 * breakpoint stops before the instruction, without a change to guest memory; data ones stop
 * after the access. The first instruction of a cpu_run() that follows a stop at the same
 * address is executed, so that going on makes progress. */
#define CPU_MAX_BREAKS 256
struct cpu_break {
	enum cpu_break_kind {
		CPU_BREAK_EXEC,
		CPU_BREAK_WRITE,
		CPU_BREAK_READ,
		CPU_BREAK_ACCESS
	} kind;
	uint64_t lin;
	uint32_t len; /* bytes; EXEC: 1 */
};
/* `why` of cpu_env.debug_stop; the address of BREAK (rip) and DATA (the access) is in
 * `ret_lin` of cpu_debug_where(). */
enum cpu_debug_why { CPU_DEBUG_STEP, CPU_DEBUG_BREAK, CPU_DEBUG_DATA };
/* All of them at once (copied; n <= CPU_MAX_BREAKS, 0 = none). Machine stopped. */
void cpu_debug_set_breaks(struct cpu_set *s, const struct cpu_break *list, unsigned n);
/* Stop (CPU_DEBUG_STEP) after one more instruction; repeated until turned off. An interrupt
 * taken counts as an instruction: the stop is before the handler's first one. */
void cpu_debug_step(struct cpu *c, bool on);
/* After debug_stop: which entry of the list it was (NULL for a step). */
const struct cpu_break *cpu_debug_where(const struct cpu *c, uint64_t *ret_lin);

/* ---- LAPIC, lapic.c: the machine's lock is held ---- */
struct lapic *lapic_create(struct cpu *c);
void lapic_destroy(struct lapic *l);
void lapic_reset(struct lapic *l, bool init);
uint32_t lapic_read(struct lapic *l, uint32_t off); /* xAPIC page, 32-bit registers */
void lapic_write(struct lapic *l, uint32_t off, uint32_t v);
bool lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *ret_v); /* x2APIC */
bool lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t v);
uint8_t lapic_get_cr8(struct lapic *l);
void lapic_set_cr8(struct lapic *l, uint8_t v);
int lapic_ack(struct lapic *l);                         /* vector or -1; moves IRR → ISR */
bool lapic_accepts_pic(const struct lapic *l);          /* LINT0 as ExtINT, or APIC off */
void lapic_timer(struct lapic *l);                      /* deadline reached */
void lapic_base_changed(struct lapic *l, uint64_t old); /* IA32_APIC_BASE was written */
void lapic_tsc_changed(struct lapic *l);                /* TSC offset was written */
#define LAPIC_TIMER_HZ 1000000000                       /* before the divider */
/* MSI / IOAPIC message: to whichever processors match. False: vector already pending in all. */
bool lapic_deliver(struct cpu_set *s, uint64_t addr, uint32_t data);
void lapic_nmi(struct cpu_set *s); /* NMI line via LINT1 */
void lapic_save(const struct lapic *l, struct buf *b);
int lapic_load(struct lapic *l, struct buf *b, struct err *e);
/* For the always-present fast part of the run loop: recomputes ATT_APIC. */
void lapic_update(struct lapic *l);

#endif
