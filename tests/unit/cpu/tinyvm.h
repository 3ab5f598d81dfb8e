/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A machine of processors and memory only, for tests that run guest code.  Guest programs are
 * written as assembler text in the test itself:
 *
 *	GUEST(count, ".code32\n mov $10, %ecx\n 1: loop 1b\n hlt\n");
 *	…
 *	struct tinyvm v;
 *	tinyvm_init(&v, 1, "default");
 *	tinyvm_load(&v, 0x1000, GUEST_BYTES(count));
 *	tinyvm_flat32(&v, 0, 0x1000);
 *	CHECK(tinyvm_run(&v, 0));       (until HLT with IF = 0)
 */
#ifndef LODGE_TESTS_TINYVM_H
#define LODGE_TESTS_TINYVM_H

#include "cpu/cpu.h"

#define TINYVM_RAM (16u << 20)

#define GUEST(name, text)                                                                          \
	extern const uint8_t guest_##name[], guest_##name##_end[];                                 \
	__asm__(                                                                                   \
	    ".pushsection .rodata\n .globl guest_" #name ", guest_" #name "_end\n guest_" #name    \
	    ":\n" text "\n .code64\n guest_" #name "_end:\n .popsection")
#define GUEST_BYTES(name) guest_##name, (size_t)(guest_##name##_end - guest_##name)

struct tinyvm {
	struct mem_arena arena;
	struct mem_space mem, io;
	struct cpu_set set;
	struct cpu_env env;
	pthread_mutex_t lock;
	uint64_t tsc;
	unsigned triple_faults;
	int intr_vector;     /* what ack_intr() gives; lowers INTR */
	int64_t timer[64];   /* last deadline armed by each LAPIC */
	uint8_t port[65536]; /* what OUT wrote last, what IN reads */
	unsigned eois;
	int debug_why; /* last debug_stop, -1 none */
};

/* Which engine: of the environment, LODGE_TEST_ENGINE=interp|jit and LODGE_TEST_JIT="threshold=1,
 * chain=off,exact-flags,cache=1,block=1,verify", for tinyvm_init(). */
struct tinyvm_engine {
	enum cpu_engine_kind kind;
	struct cpu_jit_options options;
};
struct err;
bool tinyvm_engine_parse(const char *kind, const char *options, struct tinyvm_engine *ret);
void tinyvm_engine_env(struct tinyvm_engine *ret);
bool tinyvm_engine_works(const struct tinyvm_engine *engine, struct err *e);

void tinyvm_init(struct tinyvm *v, unsigned ncpus, const char *model);
/* False, with nothing left behind, when this engine is not there. */
bool tinyvm_init_engine(struct tinyvm *v, unsigned ncpus, const char *model,
    const struct tinyvm_engine *engine, struct err *e);
void tinyvm_fini(struct tinyvm *v);
void tinyvm_load(struct tinyvm *v, uint64_t gpa, const void *bytes, size_t len);
/* Puts processor `i` at `rip` in a flat mode, CPL 0, IF = 0, stack below 0x90000 - i * 4096.
 * GDT at 0x800: 08 code32, 10 data32, 18 code64, 20 code16, 28 data16 (64 KiB), all base 0. */
void tinyvm_real(struct tinyvm *v, unsigned i, uint16_t cs, uint16_t ip);
void tinyvm_flat32(struct tinyvm *v, unsigned i, uint32_t eip);
void tinyvm_flat64(struct tinyvm *v, unsigned i, uint64_t rip); /* identity map at 0x2000.. */
/* Runs until HLT with IF = 0 (true), or 200 M instructions, a triple fault or a stop (false). */
bool tinyvm_run(struct tinyvm *v, unsigned i);
/* All processors, one thread each; true when all halted. */
bool tinyvm_run_all(struct tinyvm *v);
uint32_t tinyvm_r32(struct tinyvm *v, uint64_t gpa);
void tinyvm_w32(struct tinyvm *v, uint64_t gpa, uint32_t val);
void tinyvm_w64(struct tinyvm *v, uint64_t gpa, uint64_t val);

#endif
