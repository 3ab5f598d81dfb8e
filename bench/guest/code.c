/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows that are hard on a translator: code that changes itself, code made a moment ago,
 * and more code than its caches like.  Encodings: Intel SDM volume 2; all of them mean the
 * same in 32-bit and in 64-bit mode.
 */
#include "bench/guest/bench.h"

#include <string.h>

typedef uint32_t (*code_fn)(void);

/* A pointer to data cannot be cast to one to code in ISO C. */
static code_fn
code_at(const uint8_t *p)
{
	code_fn fn;

	memcpy(&fn, &p, sizeof(fn));
	return fn;
}

static uint8_t *
put32(uint8_t *p, uint32_t value)
{
	memcpy(p, &value, sizeof(value));
	return p + sizeof(value);
}

/* --- smc: an instruction's operand is changed before each call --- */

static uint8_t *smc_page;

static void
prepare_smc(void)
{
	uint8_t *p = smc_page = map_pages(4096, true);

	*p++ = 0xb8; /* mov eax, imm32 */
	p = put32(p, 0);
	*p++ = 0x05; /* add eax, imm32 */
	p = put32(p, 7);
	*p = 0xc3; /* ret */
}

static uint64_t
op_smc(void)
{
	code_fn fn = code_at(smc_page);
	uint32_t sum = 0;

	for (uint32_t i = 0; i < 50; i++) {
		put32(smc_page + 1, i * i);
		__asm__ volatile("" ::: "memory");
		sum += fn();
	}
	return sum;
}

/* --- jit: functions of some 40 instructions are made, run a few times, and forgotten --- */

#define JIT_BYTES (1 << 18)

static uint8_t *jit_area;
static size_t jit_used;

static uint8_t *
emit_function(uint8_t *p, uint32_t seed)
{
	*p++ = 0xb8; /* mov eax, imm32 */
	p = put32(p, seed);
	*p++ = 0xb9; /* mov ecx, imm32 */
	p = put32(p, 3);
	for (int i = 0; i < 8; i++) {
		uint32_t r = next_random(&seed);

		*p++ = r & 1 ? 0x05 : 0x35; /* add or xor eax, imm32 */
		p = put32(p, r);
		*p++ = 0x69; /* imul eax, eax, imm32 */
		*p++ = 0xc0;
		p = put32(p, r | 1);
		*p++ = 0xc1; /* rol eax, imm8 */
		*p++ = 0xc0;
		*p++ = r >> 8 & 31;
		*p++ = 0x85; /* test eax, eax */
		*p++ = 0xc0;
		*p++ = 0x79; /* jns over */
		*p++ = 2;
		*p++ = 0x31; /* xor eax, ecx */
		*p++ = 0xc8;
	}
	*p++ = 0xc3; /* ret */
	return p;
}

static uint64_t
op_jit(void)
{
	uint64_t sum = 0;

	for (uint32_t i = 1; i <= 10; i++) {
		uint8_t *p = jit_area + jit_used;
		code_fn fn = code_at(p);
		uint8_t *end = emit_function(p, i * 7919);

		__asm__ volatile("" ::: "memory");
		for (int k = 0; k < 20; k++)
			sum = fold(sum, fn());
		jit_used += (size_t)(end - p + 15) & ~(size_t)15;
		if (jit_used > JIT_BYTES - 4096)
			jit_used = 0;
	}
	return sum;
}

/* Once over the area: code that replaces older code costs another time than the first. */
static void
prepare_jit(void)
{
	size_t last;

	jit_area = map_pages(JIT_BYTES, true);
	do {
		last = jit_used;
		op_jit();
	} while (jit_used > last);
}

/* --- large: 16384 functions of 64 bytes, 1 MiB, called in an order without a pattern --- */

#define FUNCTIONS 16384
#define STRIDE    64

/* eax comes in and goes out; each function has constants of its own. */
__asm__(".pushsection .text\n"
	".balign 64\n"
	"large_code:\n"
	".set k, 1\n"
	".rept 16384\n"
	"	addl $(k * 40503 & 0xfffffff), %eax\n"
	"	testl $(1 << (k % 31)), %eax\n"
	"	jz 1f\n"
	"	xorl $(k * 97 & 0xffffff), %eax\n"
	"	roll $(k % 29 + 1), %eax\n"
	"1:	leal 3(%eax,%eax,4), %ecx\n"
	"	cmpl %ecx, %eax\n"
	"	jl 2f\n"
	"	notl %ecx\n"
	"2:	subl %ecx, %eax\n"
	"	ret\n"
	"	.balign 64\n"
	"	.set k, k + 1\n"
	".endr\n"
	".popsection\n");

extern const uint8_t large_code[];

static uint32_t
call_large(const uint8_t *fn, uint32_t x)
{
	/* -128: calls must not write into the red zone of the 64-bit ABI */
#ifdef __x86_64__
	__asm__ volatile("add $-128, %%rsp\n\tcall *%1\n\tsub $-128, %%rsp"
			 : "+a"(x)
			 : "r"(fn)
			 : "rcx", "cc", "memory");
#else
	__asm__ volatile("call *%1" : "+a"(x) : "r"(fn) : "ecx", "cc", "memory");
#endif
	return x;
}

static uint64_t
op_large(void)
{
	uint32_t x = 1;
	uint32_t at = 0;

	for (int i = 0; i < FUNCTIONS; i++) {
		at = (at * 1664525 + 1013904223) % FUNCTIONS; /* visits all: Knuth, TAOCP 2, 3.2 */
		x = call_large(large_code + at * STRIDE, x);
	}
	return x;
}

const struct row rows_code[] = {
	{ "smc", "code", op_smc, 50, 40775, prepare_smc },
	{ "jit", "code", op_jit, 10, 0xf396d0279d4c3af6, prepare_jit },
	{ "large", "code", op_large, FUNCTIONS, 0x6bc2b494 },
	{ NULL },
};
