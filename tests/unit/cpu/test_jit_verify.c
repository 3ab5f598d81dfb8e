/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verifier: takes what the translator makes, and refuses the same with one thing wrong.
 * What a row changes is found by the bytes around it.
 */
#include "cpu/jit/verify.h"

#include "base/bits.h"
#include "base/err.h"
#include "cpu/jit/emit.h"
#include "tests/unit/cpu/tinyvm.h"
#include "tests/unit/test.h"

#include <stdlib.h>

enum { PROG = 0x1000 };

GUEST(load64, ".code64\n mov $0x5000, %ebx\n mov (%rbx), %rax\n mov %rax, %r9\n mov %rbx, %rdx\n"
	      "add %r9, %rdx\n hlt\n");
GUEST(load32, ".code32\n mov $0x5000, %ebx\n mov 4(%ebx), %eax\n hlt\n");
GUEST(load16, ".code16\n mov $0x5000, %bx\n mov (%bx), %ax\n mov %al, 5(%bx)\n hlt\n");
GUEST(store64, ".code64\n mov $0x5000, %ebx\n mov %rax, (%rbx)\n hlt\n");
GUEST(dword64, ".code64\n mov $0x5000, %ebx\n mov (%rbx), %eax\n hlt\n");
GUEST(group64, ".code64\n mov $0x5000, %esi\n mov %rax, 8(%rsi)\n mov 16(%rsi), %rcx\n hlt\n");
GUEST(reads64, ".code64\n mov $0x5000, %esi\n mov 8(%rsi), %rax\n mov 16(%rsi), %rcx\n hlt\n");
GUEST(jump64, ".code64\n 0: mov $0x1000 + 1f - 0b, %eax\n jmp *%rax\n 1: hlt\n");
GUEST(system64, ".code64\n swapgs\n cli\n sti\n nop\n pushf\n pop %rax\n cli\n swapgs\n hlt\n");
GUEST(sse64, ".code64\n fninit\n mov $0x5000, %ebx\n movups (%rbx), %xmm1\n movd %xmm1, %eax\n"
	     "fldt 0x20(%rbx)\n fstpl 0x30(%rbx)\n hlt\n");
GUEST(branch64,
    ".code64\n mov $5, %ecx\n 1: add %rcx, %rax\n dec %ecx\n jnz 1b\n mov $1, %ecx\n loop 1b\n"
    "call 2f\n hlt\n 2: push %r9\n pushq $1\n pop %r10\n pop %r11\n push (%rsp)\n pop %rax\n"
    "xchg %rax, (%rsp)\n xchg %rax, (%rsp)\n lock incl 0x5000\n ret\n");
GUEST(branch32, ".code32\n mov $5, %ecx\n 1: add %ecx, %eax\n dec %ecx\n jnz 1b\n jecxz 3f\n"
		"3: call 2f\n hlt\n 2: push %eax\n pushw $1\n pop %dx\n pop %ecx\n pushl (%esp)\n"
		"pushw (%esp)\n popw %ax\n pop %ecx\n bswap %eax\n setc %dh\n mov %dh, 0x5001\n"
		"cmpxchg8b 0x5000\n mov %esp, %ebp\n leave\n hlt\n");

struct guest {
	struct tinyvm v;
	struct jit *j;
};

struct program {
	unsigned bits;
	const uint8_t *from, *to;
};
#define PROGRAM(n, bits) [n] = { bits, guest_##n, guest_##n##_end }

enum {
	load64,
	load32,
	load16,
	store64,
	dword64,
	group64,
	reads64,
	jump64,
	system64,
	sse64,
	branch64,
	branch32,
	NPROGRAMS
};
static const struct program programs[NPROGRAMS] = { PROGRAM(load64, 64), PROGRAM(load32, 32),
	PROGRAM(load16, 16), PROGRAM(store64, 64), PROGRAM(dword64, 64), PROGRAM(group64, 64),
	PROGRAM(reads64, 64), PROGRAM(jump64, 64), PROGRAM(system64, 64), PROGRAM(sse64, 64),
	PROGRAM(branch64, 64), PROGRAM(branch32, 32) };

/* NULL: no translator here */
static struct guest *
run(const struct program *p)
{
	const struct tinyvm_engine engine = { CPU_ENGINE_JIT, { .threshold = 1, .verify = true } };
	struct guest *g = calloc(1, sizeof(*g));
	struct err e = { 0 };
	struct cpu *c;

	if (!tinyvm_engine_works(&engine, &e) ||
	    !tinyvm_init_engine(&g->v, 1, "default", &engine, &e)) {
		free(g);
		return NULL;
	}
	c = g->v.set.cpu[0];
	g->j = c->jit;
	tinyvm_load(&g->v, PROG, p->from, (size_t)(p->to - p->from));
	for (unsigned turn = 0; turn < 3; turn++) {
		if (p->bits == 64)
			tinyvm_flat64(&g->v, 0, PROG);
		else if (p->bits == 32)
			tinyvm_flat32(&g->v, 0, PROG);
		else
			tinyvm_real(&g->v, 0, 0, PROG);
		c->cr0 &= ~(uint64_t)(CR0_EM | CR0_TS);
		c->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
		cpu_mode_derive(c);
		cpu_run(c, UINT64_MAX); /* no budget: nothing is counted */
	}
	return g;
}

static void
done(struct guest *g)
{
	tinyvm_fini(&g->v);
	free(g);
}

/* The first block of a program */
static struct jit_block *
first_block(const struct guest *g)
{
	for (unsigned i = 0; i < g->j->norder; i++)
		if (g->j->order[i]->rip == PROG)
			return g->j->order[i];
	return NULL;
}

TEST(what_the_translator_makes_is_taken)
{
	for (unsigned i = 0; i < NPROGRAMS; i++) {
		struct guest *g = run(&programs[i]);
		uint32_t at = 0;

		if (!g)
			SKIP("no translator here");
		CHECK(g->j->norder > 0);
		CHECK(first_block(g));
		for (unsigned k = 0; k < g->j->norder; k++) {
			const char *bad = jit_verify(g->j, g->j->order[k], &at);

			if (bad)
				test_fail(__FILE__, __LINE__, "program %u, %x: %s", i, at, bad);
		}
		done(g);
	}
}

/* ---- one byte or some are different ---- */

#define B(...)                                                                                     \
	sizeof((uint8_t[]){ __VA_ARGS__ }),                                                        \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
static const struct mutation {
	const char *name;
	unsigned program;
	const char *pattern; /* hexadecimal, ?? is anything */
	unsigned at;         /* what is replaced, from the pattern's start */
	unsigned n;
	uint8_t bytes[12];
	const char *why; /* part of the complaint; NULL: any */
} mutations[] = {
	/* the table's index */
	{ "no mask", load64, "4c235c24??", 1, B(0x0b), "not masked" },
	{ "mask from another slot", load64, "4c235c24??", 4, B(0x48), "not masked" },
	{ "mask of 32 bits", load64, "4c235c24??", 0, B(0x44), "not masked" },
	{ "another shift", load64, "49c1eb08", 3, B(0x07), "not masked" },
	{ "a shift to the left", load64, "49c1eb08", 2, B(0xe3), "not masked" },
	{ "another address in the index", load64, "4c8bdb49c1eb08", 2, B(0xd9), "entry of its" },
	{ "a 32-bit address in the index", load64, "4c8bdb49c1eb08", 0, B(0x44), "not masked" },
	{ "wider mask, 32 bit", load32, "4181e3f0ffff00", 6, B(0x01), "not masked" },
	{ "unaligned mask, 32 bit", load32, "4181e3f0ffff00", 3, B(0xf8), "not masked" },
	{ "64-bit address, 32 bit", load32, "448d5304", 0, B(0x4c), "not masked" },
	{ "64-bit shift, 32 bit", load32, "41c1eb08", 0, B(0x49), "not masked" },
	/* the entry */
	{ "no GS", load64, "654d8b1b", 0, B(0xf8), NULL },
	{ "FS", load64, "654d8b1b", 0, B(0x64), "not on the list" },
	{ "entry in another register", load64, "654d8b1b", 2, B(0x8b, 0x13), "not masked" },
	{ "table is written", load64, "654d8b1b", 2, B(0x89), "not masked" },
	{ "half of the entry", load64, "654d8b1b", 1, B(0x45), "not masked" },
	{ "entry beside the pair", store64, "654d8b5b08", 4, B(0x10), "not masked" },
	{ "another bit tested", load64, "41f6c301", 3, B(0x02), NULL },
	{ "two bits tested", load64, "41f6c301", 3, B(0x03), NULL },
	{ "another register tested", load64, "41f6c301", 2, B(0xc2), NULL },
	{ "jump when it is valid", load64, "41f6c3010f84", 5, B(0x85), "not tested" },
	{ "jump when it is below", load64, "41f6c3010f84", 5, B(0x82), "not tested" },
	/* the access */
	{ "displacement 0", load64, "4a8b441bff", 4, B(0x00), "without the entry" },
	{ "displacement -2", load64, "4a8b441bff", 4, B(0xfe), "without the entry" },
	{ "another base", load64, "4a8b441bff", 3, B(0x1a), "without the entry" },
	{ "another index", load64, "4a8b441bff", 3, B(0x0b), "without the entry" },
	{ "scaled", load64, "4a8b441bff", 3, B(0x5b), "without the entry" },
	{ "store with a load's entry", load64, "4a8b441bff", 1, B(0x89), "for loads" },
	{ "increment with a load's entry", load64, "4a8b441bff", 1, B(0xff), "for loads" },
	{ "store with the pair's first", store64, "654d8b5b08", 4, B(0x00), "for loads" },
	{ "8 bytes where 4 were looked at", dword64, "428b441bff", 0, B(0x4a), "beyond" },
	{ "4 aligned where 8 are read", load64, "40f6c307", 3, B(0x03), "beyond" },
	{ "a mask with a gap", load64, "40f6c307", 3, B(0x05), "beyond" },
	{ "another register aligned", load64, "40f6c307", 2, B(0xc2), "beyond" },
	{ "jump when aligned", load64, "40f6c3070f85", 5, B(0x84), "beyond" },
	{ "page cross of fewer bytes", load64, "4181fbf80f0000", 3, B(0xfc), "beyond" },
	{ "page cross: jump when below", load64, "4181fbf80f00000f87", 8, B(0x82), "beyond" },
	{ "page cross: another mask", load64, "4181e3ff0f0000", 3, B(0xff, 0x07), "beyond" },
	{ "16 bytes as 8", sse64, "420f104c1bff", 3, B(0x4c, 0x0b), "without the entry" },
	{ "unrelated address", load64, "4a8b441bff", 0, B(0x48, 0x8b, 0x44, 0x93, 0xff), NULL },
	{ "address relative to RIP", load64, "4c235c24??", 0, B(0x48, 0x3b, 0x05, 0, 0),
	    "relative to RIP" },
	/* shared checks */
	{ "group: before its span", group64, "49894008", 3, B(0x07), "span" },
	{ "group: behind its span", group64, "498b4810", 3, B(0x11), "span" },
	{ "group: far", group64, "498b4810", 3, B(0x70), "span" },
	{ "group: page cross of fewer", group64, "4181f8f00f0000", 3, B(0xf8), "span" },
	{ "group: not compared", group64, "4181f8f00f00000f87", 8, B(0x86), "span" },
	{ "group: pointer moved", group64, "4f8d441af7", 4, B(0xff), "span" },
	{ "group: pointer in RAX", group64, "4f8d441af7", 0, B(0x4b), "guest's register" },
	{ "group: pointer without entry", group64, "4f8d441af7", 3, B(0x0a), NULL },
	{ "group: pointer copied", group64, "498b4810", 0, B(0x49, 0x8b, 0xc8, 0xf8),
	    "host address" },
	{ "group: pointer stored", group64, "49894008", 0, B(0x4d, 0x89, 0x40, 0x08),
	    "host address" },
	{ "group: store with loads' entry", reads64, "498b4810", 1, B(0x89), "for loads" },
	/* slots */
	{ "another register's slot", load64, "4c89542448", 4, B(0x18), "slot" },
	{ "RSP's slot", load64, "4c89542448", 4, B(0x20), "slot" },
	{ "half of another slot", load64, "4c89542448", 4, B(0x44), "slot" },
	{ "slot far away", load64, "4c89542448", 4, B(0x7f), "slot" },
	{ "index mask written", load64, "4c89542448", 4, B((uint8_t)CPU_SLOT(hot.index_mask)),
	    "slot" },
	{ "host's stack pointer written", load64, "4c89542448", 4,
	    B((uint8_t)CPU_SLOT(hot.host_sp)), "slot" },
	{ "host's stack pointer read", load64, "4c89542448", 1,
	    B(0x8b, 0x54, 0x24, (uint8_t)CPU_SLOT(hot.host_sp)), "slot" },
	{ "mode written", load64, "4c89542448", 4, B((uint8_t)CPU_SLOT(hot.mode)), "slot" },
	{ "slot with an index", load64, "4c89542448", 3, B(0x04), NULL },
	{ "IOPL cleared", system64, "81a424????????fffdffff", 7, B(0xcd), "slot" },
	{ "IF toggled", system64, "81a424????????fffdffff", 1, B(0xb4), "slot" },
	/* registers */
	{ "RSP written", load64, "4889da", 2, B(0xdc), "RSP" },
	{ "RSP read", load64, "4889da", 2, B(0xe2), "RSP" },
	{ "RSP added to", load64, "4889da", 0, B(0x48, 0x01, 0xdc), "RSP" },
	{ "RSP exchanged", load64, "4889da", 0, B(0x48, 0x87, 0xdc), "RSP" },
	{ "RSP through LEA", load64, "4889da", 0, B(0x48, 0x8d, 0x23), "RSP" },
	{ "LEA of RSP", load32, "448d5304", 0, B(0x48, 0x8d, 0x14, 0x24), "RSP" },
	{ "leftover of R11", load64, "4889da", 0, B(0x4c, 0x89, 0xda), NULL },
	{ "leftover of R8", load64, "4889da", 0, B(0x4c, 0x89, 0xc2), "host address" },
	/* ways out */
	{ "jump of 1 more", load64, "0f85????????", 2, B(0x01), NULL },
	{ "jump into nowhere", load64, "0f85????????", 3, B(0x7f, 0x01), "no instruction" },
	{ "jump before the block", load64, "0f85????????", 2, B(0, 0, 0xf0, 0xff),
	    "no instruction" },
	{ "jump to another register", jump64, "6541ffa308????ff", 3, B(0xa2), NULL },
	{ "jump through other memory", jump64, "6541ffa308????ff", 0, B(0x40), NULL },
	{ "jump without GS", jump64, "6541ffa308????ff", 0, B(0xf8), NULL },
	{ "jump to the tag", jump64, "6541ffa308????ff", 4, B(0x00), "not masked" },
	{ "jump to the next entry's", jump64, "6541ffa308????ff", 4, B(0x18), "not masked" },
	{ "indirect call", jump64, "6541ffa308????ff", 3, B(0x93), NULL },
	{ "index of 17 bits", jump64, "450fb7db", 0, B(0x45, 0x8b, 0xdb, 0xf8), "not masked" },
	{ "index not by 16", jump64, "41c1e304", 3, B(0x05), "not masked" },
	{ "tag differs", jump64, "654d3b93????????0f85", 9, B(0x84), "tag" },
	{ "tag not compared", jump64, "654d3b93????????0f85", 2, B(0x8b), NULL },
	{ "glue with another pointer", load64, "49ba????????????????e9", 3, B(0x5a), "glue" },
	{ "glue without a pointer", load64, "49ba????????????????e9", 1, B(0xbf), "glue" },
	{ "glue 1 further", load64, "49ba????????????????e9????????", 11, B(0x01), NULL },
	{ "exec slot of another page", load64, "49bb????????????????41813b", 2, B(0x01), NULL },
	{ "exec slot written", load64, "49bb????????????????41813b", 12, B(0x03), NULL },
	{ "mode of another block", load64, "817c24??????????0f85", 4, B(0xff), "may run" },
	{ "jump when the mode is right", load64, "817c24??????????0f85", 9, B(0x84), "may run" },
	{ "another page is there", load64, "41813b????????0f85", 3, B(0xff), NULL },
	{ "jump when the page is there", load64, "41813b????????0f85", 8, B(0x84), "may run" },
	{ "fill elsewhere", load64, "e8????????0f85", 1, B(0x01), "call" },
};

/* Offset in the block, or -1 */
static int
find(const struct jit *j, const struct jit_block *b, const char *pattern)
{
	unsigned n = (unsigned)strlen(pattern) / 2;

	for (uint32_t at = b->xentry; at + n <= b->end; at++) {
		unsigned i = 0;

		for (; i < n; i++) {
			char hex[3] = { pattern[2 * i], pattern[2 * i + 1], 0 };

			if (hex[0] != '?' && j->rw[at + i] != strtoul(hex, NULL, 16))
				break;
		}
		if (i == n)
			return (int)at;
	}
	return -1;
}

static bool
is_refused(struct jit *j, const struct jit_block *b, uint32_t at, const uint8_t *bytes, unsigned n,
    const char *why, const char *name)
{
	const char *bad;
	uint8_t old[16];

	memcpy(old, j->rw + at, n);
	if (!memcmp(old, bytes, n)) {
		test_fail(__FILE__, __LINE__, "%s: nothing changed", name);
		return true;
	}
	memcpy(j->rw + at, bytes, n);
	bad = jit_verify(j, b, NULL);
	memcpy(j->rw + at, old, n);
	if (bad && why && !strstr(bad, why))
		test_fail(__FILE__, __LINE__, "%s: refused as \"%s\"", name, bad);
	return bad;
}

TEST(each_change_that_breaks_a_rule_is_refused)
{
	struct guest *g = NULL;

	for (unsigned i = 0; i < ARRAY_SIZE(mutations); i++) {
		const struct mutation *m = &mutations[i];
		struct jit_block *b;
		int at;

		if (!g || i == 0 || m->program != mutations[i - 1].program) {
			if (g)
				done(g);
			if (!(g = run(&programs[m->program])))
				SKIP("no translator here");
		}
		b = first_block(g);
		at = b ? find(g->j, b, m->pattern) : -1;
		if (at < 0)
			test_fail(__FILE__, __LINE__, "%s: not found", m->name);
		else if (!is_refused(
			     g->j, b, (uint32_t)at + m->at, m->bytes, m->n, m->why, m->name))
			test_fail(__FILE__, __LINE__, "%s: taken", m->name);
	}
	done(g);
}

/* ---- instructions that have no place there ---- */

static const struct {
	unsigned n;
	uint8_t bytes[8];
} forbidden[] = { { B(0x0f, 0x05) }, { B(0x0f, 0x34) }, { B(0xcd, 0x80) }, { B(0xcc) }, { B(0xf4) },
	{ B(0xfa) }, { B(0xfb) }, { B(0xfc) }, { B(0xfd) }, { B(0x50) }, { B(0x58) }, { B(0x54) },
	{ B(0x5c) }, { B(0xc3) }, { B(0xc2, 0, 0) }, { B(0xcb) }, { B(0x48, 0xcf) }, { B(0x9c) },
	{ B(0x9d) }, { B(0xa4) }, { B(0xaa) }, { B(0xf3, 0xaa) }, { B(0xec) }, { B(0xee) },
	{ B(0xe4, 0x60) }, { B(0x0f, 0x31) }, { B(0x0f, 0xa2) }, { B(0x0f, 0x0b) },
	{ B(0x0f, 0x01, 0xef) }, { B(0x0f, 0x01, 0xf9) }, { B(0x0f, 0x01, 0x13) },
	{ B(0x0f, 0x30) }, { B(0x0f, 0x20, 0xc0) }, { B(0x0f, 0x22, 0xc0) }, { B(0x8e, 0xd8) },
	{ B(0x8e, 0xe8) }, { B(0x8c, 0xd8) }, { B(0x0f, 0xa9) }, { B(0xff, 0xe0) },
	{ B(0xff, 0xd0) }, { B(0xff, 0x28) }, { B(0xff, 0x30) }, { B(0xff, 0x6b, 0x08) },
	{ B(0x0f, 0xae, 0x23) }, { B(0x0f, 0xae, 0x2b) }, { B(0x0f, 0xae, 0x13) },
	{ B(0x0f, 0xae, 0x3b) }, { B(0xf3, 0x48, 0x0f, 0xae, 0xd8) },
	{ B(0xf3, 0x48, 0x0f, 0xae, 0xd0) }, { B(0x0f, 0xc7, 0xf0) }, { B(0x0f, 0xc7, 0xf8) },
	{ B(0x0f, 0xab, 0x03) }, { B(0x0f, 0xa3, 0x03) }, { B(0x0f, 0xf7, 0xc1) }, { B(0xd7) },
	{ B(0xc8, 0, 0, 0) }, { B(0xc9) }, { B(0x64, 0x48, 0x8b, 0x03) }, { B(0x67, 0x8b, 0x03) },
	{ B(0xeb, 0x00) }, { B(0x74, 0x00) }, { B(0xd9, 0x23) }, { B(0xd9, 0x33) },
	{ B(0xdd, 0x33) }, { B(0xdb, 0xe3) }, { B(0xc5, 0xf8, 0x10, 0x03) },
	{ B(0x62, 0xf1, 0x7c, 0x48, 0x10, 0x03) }, { B(0xc4, 0xe2, 0x69, 0x92, 0x0c, 0x1b) },
	{ B(0xc4, 0xe2, 0x69, 0x2c, 0x03) }, { B(0xf0, 0x48, 0x01, 0xd8) },
	{ B(0x48, 0xa1, 0, 0, 0, 0, 0, 0) }, { B(0x8f, 0x03) }, { B(0x0f, 0x1a, 0x03) },
	{ B(0x0f, 0x1f, 0x03) }, { B(0x0f, 0x18, 0x03) }, { B(0x0f, 0xae, 0xf8) },
	{ B(0x48, 0x8b, 0x03) }, { B(0x48, 0x89, 0x03) },
	{ B(0x48, 0xc7, 0x04, 0x25, 0, 0x10, 0, 0) }, { B(0x65, 0x48, 0x8b, 0x03) } };

TEST(other_instructions_are_refused)
{
	struct guest *g = run(&programs[load64]);
	struct jit_block *b;

	if (!g)
		SKIP("no translator here");
	b = first_block(g);
	CHECK(b);
	for (unsigned i = 0; i < ARRAY_SIZE(forbidden); i++) {
		char name[40];

		snprintf(name, sizeof(name), "forbidden[%u]: %02x %02x", i, forbidden[i].bytes[0],
		    forbidden[i].bytes[1]);
		if (!is_refused(
			g->j, b, b->site[0].host, forbidden[i].bytes, forbidden[i].n, NULL, name))
			test_fail(__FILE__, __LINE__, "%s: taken", name);
	}
	done(g);
}

/* ---- what belongs to the block besides its bytes ---- */

static bool
refused_with(struct jit *j, struct jit_block *b, uint32_t *field, uint32_t v)
{
	uint32_t old = *field;
	const char *bad;

	*field = v;
	bad = jit_verify(j, b, NULL);
	*field = old;
	return bad;
}

TEST(ways_in_and_links_are_looked_at)
{
	struct guest *g = run(&programs[branch64]);
	struct jit_block *b, *other;
	struct jit_link *l;
	uint8_t out[4];

	if (!g)
		SKIP("no translator here");
	b = first_block(g);
	CHECK(b);
	CHECK(b->link[0].at);
	l = &b->link[0];
	other = g->j->order[g->j->norder - 1];
	CHECK(other != b);
	CHECK(refused_with(g->j, b, &b->entry, b->entry + 1));
	CHECK(refused_with(g->j, b, &b->xentry, b->xentry + 1));
	CHECK(refused_with(g->j, b, &b->end, b->end - 1));
	CHECK(refused_with(g->j, b, &b->end, b->site[1].host));
	CHECK(refused_with(g->j, b, &b->code, b->code + 1));
	CHECK(refused_with(g->j, b, &b->site[0].resume, b->site[0].host + 1));
	CHECK(refused_with(g->j, b, &b->site[0].resume, other->code));
	CHECK(refused_with(g->j, b, &l->at, l->at + 1));
	CHECK(refused_with(g->j, b, &l->stub, l->stub + 1));
	CHECK(refused_with(g->j, b, &l->stub, other->entry));
	put_le32(out, other->end - l->at);
	CHECK(
	    is_refused(g->j, b, b->xentry - 8, (uint8_t[]){ 8, 8 }, 2, "pointer", "another block"));
	CHECK(is_refused(g->j, b, l->at, out, 4, "link", "a link elsewhere"));
	CHECK_EQ((uintptr_t)jit_verify(g->j, b, NULL), 0);
	done(g);
}

TEST_MAIN()
