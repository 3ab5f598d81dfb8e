/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as the program and the state of a processor: mode, registers, descriptor
 * and page tables are made from the input, then it runs for some thousand instructions,
 * with an interrupt now and then.  Whatever it does, it may not crash the host, run for ever
 * or upset the sanitizers.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined …
 * Without: fuzz_main.c.
 */
#include "tests/unit/cpu/tinyvm.h"

#include "tests/fuzz/fuzz_main.h"

#include <stdio.h>
#include <stdlib.h>

#define PROG   0x1000u
#define BUDGET 3000u
#define SLICES 4u

struct input {
	const uint8_t *p;
	size_t left;
};

static uint64_t
take(struct input *in, unsigned n)
{
	uint64_t v = 0;

	n = n < in->left ? n : (unsigned)in->left;
	memcpy(&v, in->p, n);
	in->p += n;
	in->left -= n;
	return v;
}

/* Small numbers, addresses near the ends of things, and anything. */
static uint64_t
take_value(struct input *in)
{
	switch (take(in, 1) & 3) {
	case 0: return take(in, 1);
	case 1: return take(in, 2);
	case 2: return (uint64_t)(int64_t)(int32_t)take(in, 4);
	default: return take(in, 8);
	}
}

static void
enter_mode(struct tinyvm *v, uint64_t mode)
{
	switch (mode & 3) {
	case 0: tinyvm_real(v, 0, 0, PROG); break;
	case 1: tinyvm_flat32(v, 0, PROG); break;
	default: tinyvm_flat64(v, 0, PROG); break;
	}
}

static void
random_state(struct tinyvm *v, struct input *in)
{
	struct cpu *c = v->set.cpu[0];
	uint64_t twist = take(in, 1);

	for (unsigned r = REG_AX; r < REG_ZERO; r++)
		if (r != REG_SP || (twist & 1))
			c->gpr[r] = take_value(in);
	c->eflags |= take(in, 4) & 0x3f7fd5 & ~(uint64_t)(FL_VM | FL_ARITH);
	c->cr4 |= take(in, 2) & (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PSE | CR4_OSFXSR);
	c->idtr.base = twist & 2 ? take_value(in) & 0xffffffff : 0x600;
	c->idtr.limit = (uint16_t)take(in, 2);
	c->gdtr.limit = (uint16_t)(c->gdtr.limit + (twist & 4 ? take(in, 2) : 0));
	c->dr[7] = twist & 8 ? take(in, 4) & 0xffff27ff : 0x400;
	for (unsigned i = 0; i < 4; i++)
		c->dr[i] = twist & 8 ? take_value(in) : 0;
	if (twist & 16)
		c->cr0 |= CR0_AM | CR0_TS;
	c->seg[SEG_TR].base = 0x700;
	c->seg[SEG_TR].limit = (uint32_t)take(in, 1);
	for (unsigned i = 0; i < 64; i++) /* tables */
		tinyvm_w64(v, 0x600 + i * 8, take(in, 8));
	cpu_mode_derive(c);
}

static void
run(struct tinyvm *v)
{
	struct cpu *c = v->set.cpu[0];

	for (unsigned i = 0; i < SLICES; i++) {
		enum cpu_exit why = cpu_run(c, BUDGET);

		if (why == CPU_EXIT_STOP || c->shutdown)
			return;
		v->intr_vector = (int)(c->icount & 0xff);
		cpu_set_intr(c, true);
		if (why == CPU_EXIT_HALT)
			cpu_kick(c, ATT_NMI);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const models[] = { "486", "pentium3", "x86-64-v2", "default" };
	struct input in = { data, len };
	uint64_t how = take(&in, 1);
	struct tinyvm v;

	tinyvm_init(&v, 1, how & 3 ? models[how >> 2 & 3] : "default");
	/* long mode needs a model that has it */
	if ((how & 3) >= 2 && !model_has(v.set.cpu[0]->model, FEAT_LM))
		how &= ~2ull;
	enter_mode(&v, how);
	random_state(&v, &in);
	for (unsigned i = 0; i < 8 && in.left; i++)
		tinyvm_load(&v, PROG + i * 0xff0, in.p, in.left < 0xff0 ? in.left : 0xff0);
	run(&v);
	tinyvm_fini(&v);
	return 0;
}

void test_fail(const char *file, int line, const char *fmt, ...);

void
test_fail(const char *file, int line, const char *fmt, ...)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, fmt);
	abort();
}
