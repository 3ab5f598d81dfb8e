/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random programs on the interpreter and on the translator: after every slice of a few
 * instructions, at every exception and at the end all state must be equal.  Where there is
 * no translator the interpreter plays both parts, which tests the test.
 *
 *	test_jit_random [default|single|unchained|tiny|flush|mixed|inexact] [TEST]
 *
 * LODGE_TEST_SEED is the first program's seed, LODGE_TEST_COUNT how many programs a mode.
 * LODGE_TEST_TRACE=1 names each seed before it runs, for one that never ends.
 */
#include "base/err.h"
#include "cpu/mmu/mmu.h"
#include "cpu/x86/block.h"
#include "cpu/x86/flags.h"
#include "tests/unit/cpu/jitpair.h"
#include "tests/unit/test.h"

#include <stdlib.h>

enum { DEFAULT_COUNT = 600, MAX_ICOUNT = 3000, MAX_FAULTS = 40 };

struct variant {
	const char *name, *options;
	bool flush; /* translations are dropped between slices */
	bool drop;  /* all blocks are dropped now and then */
	bool inexact;
};
static const struct variant variants[] = {
	{ .name = "default", .options = "threshold=1,exact-flags,verify" },
	{ .name = "single", .options = "threshold=1,exact-flags,block=1,verify" },
	{ .name = "unchained", .options = "threshold=1,exact-flags,chain=off,verify" },
	{ .name = "tiny", .options = "threshold=1,exact-flags,cache=1,verify", .drop = true },
	{ .name = "flush", .options = "threshold=1,exact-flags,verify", .flush = true },
	{ .name = "mixed", .options = "threshold=5,exact-flags,verify", .flush = true },
	{ .name = "inexact", .options = "threshold=1,verify", .inexact = true },
};

static const struct variant *variant = &variants[0];
static struct {
	unsigned faults[256], slices, ended, dead;
	uint64_t insns;
	bool op[OP_COUNT]; /* some program has it */
} seen;

/* ---- one program ---- */

/* FL_* of FLG_* */
static uint32_t
flag_bits(uint8_t flg)
{
	static const uint16_t bit[] = { FL_CF, FL_PF, FL_AF, FL_ZF, FL_SF, FL_OF };
	uint32_t fl = ~(uint32_t)FL_ARITH;

	for (unsigned i = 0; i < 6; i++)
		if (flg >> i & 1)
			fl |= bit[i];
	return fl;
}

static uint32_t
flags_to_compare(const struct jit_pair *pair, const struct jit_program *p, enum jit_stop stop)
{
	int i;

	if (!p->inexact)
		return UINT32_MAX;
	i = stop == JIT_STOP_BUDGET ? jit_insn_at(p, pair->a.c->gpr[REG_RIP]) : -1;
	return i < 0 ? ~(uint32_t)FL_ARITH : flag_bits(p->insn[i].defined & p->insn[i].live);
}

/* Dead flags may be anything in a frame: they are taken out on both sides. */
static void
blank_flags(struct jit_pair *pair, const struct jit_where *w)
{
	for (struct jit_side *s = &pair->a; w->flags_gpa; s = &pair->b) {
		uint8_t *at = s->c->arena->base + w->flags_gpa;

		put_le16(at, get_le16(at) & (uint16_t)~FL_ARITH);
		if (s == &pair->b)
			break;
	}
}

static void
disturb(struct jit_pair *pair, uint64_t *rng)
{
	unsigned how = jit_pick(rng, 6);
	uint64_t lin = jit_pick(rng, JIT_END);

	if (variant->flush)
		for (struct jit_side *s = &pair->a;; s = &pair->b) {
			if (how == 0)
				tlb_flush_nonglobal(s->c);
			if (how == 1)
				tlb_flush_page(s->c, lin);
			if (how == 2)
				cpu_flush_all(&s->v.set);
			if (s == &pair->b)
				break;
		}
	if (variant->drop && how == 3)
		block_flush_all(pair->b.c);
}

/* RIP to go on at after a stop, or 0: the program is over. */
static uint64_t
next_rip(const struct jit_pair *pair, const struct jit_program *p, const struct jit_where *w)
{
	uint64_t rip = w->stop == JIT_STOP_FAULT ? w->rip : pair->a.c->gpr[REG_RIP] - 1;
	int i = jit_insn_at(p, rip);

	if (i < 0 || (unsigned)i + 1 >= p->n || p->insn[i].off == p->end)
		return 0;
	return p->start - p->cs_base + p->insn[i + 1].off;
}

/* Not in its own code any more: what it executes there may read flags that are undefined. */
static bool
went_astray(const struct jit_pair *pair, const struct jit_program *p, const struct jit_where *w)
{
	if (!p->inexact || w->stop == JIT_STOP_DEAD)
		return false;
	return jit_insn_at(p, w->stop == JIT_STOP_FAULT    ? w->rip
			      : w->stop == JIT_STOP_BUDGET ? pair->a.c->gpr[REG_RIP]
							   : pair->a.c->gpr[REG_RIP] - 1) < 0;
}

static unsigned
slice(uint64_t *rng)
{
	return jit_pick(rng, 3) ? 1 + jit_pick(rng, 40) : 1 + jit_pick(rng, 400);
}

/* A third of the programs run without a budget on the second side, when the first has shown
 * that they end: the translator may take other ways then. */
static void
run_both(struct jit_pair *pair, const struct jit_program *p, uint64_t *rng)
{
	bool whole = p->seed % 3 == 0;
	uint64_t n = whole ? MAX_ICOUNT - pair->a.c->icount : slice(rng);

	pair->a.why = cpu_run(pair->a.c, n);
	pair->b.why = cpu_run(pair->b.c, whole && pair->a.why != CPU_EXIT_BUDGET ? UINT64_MAX : n);
	if (whole)
		pair->b.c->icount = pair->a.c->icount;
	seen.slices++;
}

/* False: a difference. */
static bool
run_pair(struct jit_pair *pair, const struct jit_program *p)
{
	uint64_t rng = p->seed ^ 0x5a5a, rip;
	unsigned faults = 0;

	jit_pair_prepare(pair, p);
	while (pair->a.c->icount < MAX_ICOUNT && faults < MAX_FAULTS) {
		struct jit_where w;

		run_both(pair, p, &rng);
		w = jit_where(&pair->a, p);
		if (went_astray(pair, p, &w))
			return true;
		if (!jit_pair_same_registers(pair, flags_to_compare(pair, p, w.stop)))
			return false;
		disturb(pair, &rng);
		if (w.stop == JIT_STOP_BUDGET)
			continue;
		seen.faults[w.vector & 0xff] += w.stop == JIT_STOP_FAULT;
		seen.dead += w.stop == JIT_STOP_DEAD;
		if (p->inexact)
			blank_flags(pair, &w);
		if (p->inexact && (w.stop == JIT_STOP_DEAD || w.vector == EXC_DF))
			return true; /* a half of the first frame may be left somewhere */
		if (!jit_pair_same_memory(pair, p))
			return false;
		faults++;
		rip = w.stop == JIT_STOP_DEAD ? 0 : next_rip(pair, p, &w);
		seen.ended += !rip;
		if (!rip)
			break;
		jit_pair_resume(pair, p, rip, &rng);
	}
	seen.insns += pair->a.c->icount;
	return jit_pair_same_memory(pair, p);
}

/* ---- when it differs ---- */

/* Replaces by NOPs what the difference does not need. */
static void
shrink(struct jit_pair *pair, struct jit_program *p)
{
	static struct jit_program less;

	for (unsigned step = 32; step; step /= 2)
		for (unsigned i = 0; i < p->n; i += step) {
			less = *p;
			for (unsigned k = i; k < i + step && k < p->n; k++)
				if (p->insn[k].off != p->end)
					memset(less.code + p->insn[k].off, 0x90, p->insn[k].len);
			if (!run_pair(pair, &less))
				*p = less;
		}
}

static void
report(struct jit_pair *pair, struct jit_program *p, uint64_t first, uint64_t count)
{
	const char *mode = (const char *[]){ "real_mode", "virtual_8086_mode", "protected_16_bits",
		"protected_32_bits", "long_mode" }[p->mode];

	printf("# DIFFERENCE: %s\n", pair->what);
	jit_print(p);
	jit_pair_print(pair);
	printf("# again: LODGE_TEST_SEED=%llu LODGE_TEST_COUNT=1 test_jit_random %s %s\n",
	    (unsigned long long)p->seed, variant->name, mode);
	printf("# with those before it: LODGE_TEST_SEED=%llu LODGE_TEST_COUNT=%llu\n",
	    (unsigned long long)first, (unsigned long long)count);
	if (run_pair(pair, p)) {
		printf("# the program alone does not show it again\n");
		return;
	}
	shrink(pair, p);
	if (!run_pair(pair, p))
		printf("# and with fewer instructions: %s\n", pair->what);
	jit_print(p);
	jit_pair_print(pair);
}

/* ---- many ---- */

static uint64_t
env_number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

static void
note_ops(const struct jit_program *p)
{
	struct decode_mode m = { .bits = (uint8_t)p->bits };
	struct insn in;

	for (unsigned i = 0; i < p->n; i++)
		if (insn_decode(&in, &m, p->code + p->insn[i].off, p->insn[i].len) == DECODE_OK)
			seen.op[in.op] = true;
}

static void
summary(unsigned count)
{
	unsigned ops = 0;

	for (unsigned i = 0; i < OP_COUNT; i++)
		ops += seen.op[i];
	printf("# %u programs, %u operations, %u slices, %llu instructions, %u to the end, "
	       "%u triple faults;",
	    count, ops, seen.slices, (unsigned long long)seen.insns, seen.ended, seen.dead);
	for (unsigned i = 0; i < 32; i++)
		if (seen.faults[i])
			printf(" #%u: %u", i, seen.faults[i]);
	printf("\n");
}

static bool
run_many(struct jit_pair *pair, enum jit_mode mode, unsigned count)
{
	static struct jit_program p;
	uint64_t first = env_number("LODGE_TEST_SEED", 1);

	for (unsigned i = 0; i < count; i++) {
		jit_generate(&p, mode, first + i, variant->inexact);
		note_ops(&p);
		if (getenv("LODGE_TEST_TRACE"))
			printf("# seed %llu\n", (unsigned long long)p.seed);
		if (!run_pair(pair, &p)) {
			report(pair, &p, first, i + 1);
			return false;
		}
	}
	return true;
}

static void
compare_engines(enum jit_mode mode)
{
	static struct jit_pair pair;
	struct tinyvm_engine interp, jit;
	unsigned count = (unsigned)env_number("LODGE_TEST_COUNT", DEFAULT_COUNT);
	struct err e = { 0 };
	bool there, same;

	memset(&pair, 0, sizeof(pair));
	memset(&seen, 0, sizeof(seen));
	tinyvm_engine_parse("interp", variant->options, &interp);
	tinyvm_engine_parse("jit", variant->options, &jit);
	there = tinyvm_engine_works(&jit, &e);
	CHECK(jit_side_init(&pair.a, &interp));
	CHECK(jit_side_init(&pair.b, there ? &jit : &interp));
	same = run_many(&pair, mode, count);
	summary(count);
	jit_side_fini(&pair.a);
	jit_side_fini(&pair.b);
	CHECK(same);
	CHECK(count < DEFAULT_COUNT || seen.insns > count * 50);
	if (!there)
		SKIP("the interpreter played both parts");
}

TEST(real_mode)
{
	compare_engines(JIT_REAL);
}

TEST(virtual_8086_mode)
{
	compare_engines(JIT_V86);
}

TEST(protected_16_bits)
{
	compare_engines(JIT_PROT16);
}

TEST(protected_32_bits)
{
	compare_engines(JIT_PROT32);
}

TEST(long_mode)
{
	compare_engines(JIT_LONG64);
}

int
main(int argc, char **argv)
{
	for (unsigned i = 0; argc > 1 && i < ARRAY_SIZE(variants); i++)
		if (!strcmp(argv[1], variants[i].name)) {
			variant = &variants[i];
			return test_main(argc - 1, argv + 1);
		}
	return test_main(argc, argv);
}
