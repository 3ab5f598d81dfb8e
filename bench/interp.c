/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest instructions a second of the processor on small loops, without a machine around
 * it: what an instruction costs, and what loads, stores and calls cost on top.
 */
#include "tests/unit/cpu/tinyvm.h"

#include <stdio.h>
#include <time.h>

#define PROG 0x1000

GUEST(alu, ".code32\n xor %eax, %eax\n mov $30000000, %ecx\n"
	   "1: add %ecx, %eax\n dec %ecx\n jnz 1b\n hlt\n");
GUEST(memory, ".code32\n mov $6000000, %ecx\n mov $0x8000, %esi\n"
	      "1: mov (%esi), %eax\n add $7, %eax\n mov %eax, 4(%esi)\n xor %edx, %eax\n"
	      "lea 4(%eax,%edx,2), %edx\n add %eax, 8(%esi)\n dec %ecx\n jnz 1b\n hlt\n");
GUEST(calls, ".code32\n mov $5000000, %ecx\n"
	     "1: push %eax\n call 2f\n pop %eax\n cmp $4, %edx\n jl 3f\n nop\n"
	     "3: dec %ecx\n jnz 1b\n hlt\n 2: test %eax, %eax\n movzbl %al, %ebx\n ret\n");
GUEST(strings, ".code32\n mov $20000, %ebx\n"
	       "1: mov $0x10000, %esi\n mov $0x20000, %edi\n mov $1024, %ecx\n rep movsl\n"
	       "dec %ebx\n jnz 1b\n hlt\n");
GUEST(code64, ".code64\n mov $10000000, %rcx\n mov $0x8000, %esi\n"
	      "1: mov (%rsi), %rax\n add %rcx, %rax\n imul $3, %rax, %rdx\n mov %rdx, 8(%rsi)\n"
	      "dec %rcx\n jnz 1b\n hlt\n");

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
measure(const char *name, const uint8_t *code, size_t len, bool wide)
{
	struct tinyvm v;
	double t;

	tinyvm_init(&v, 1, "x86-64-v2");
	tinyvm_load(&v, PROG, code, len);
	if (wide)
		tinyvm_flat64(&v, 0, PROG);
	else
		tinyvm_flat32(&v, 0, PROG);
	t = now();
	if (!tinyvm_run(&v, 0))
		printf("%-8s did not end\n", name);
	t = now() - t;
	printf("%-8s %12llu instructions %7.3f s %7.1f M/s\n", name,
	    (unsigned long long)v.set.cpu[0]->icount, t, (double)v.set.cpu[0]->icount / t / 1e6);
	tinyvm_fini(&v);
}

int
main(void)
{
	measure("alu", GUEST_BYTES(alu), false);
	measure("memory", GUEST_BYTES(memory), false);
	measure("calls", GUEST_BYTES(calls), false);
	measure("strings", GUEST_BYTES(strings), false);
	measure("code64", GUEST_BYTES(code64), true);
	return 0;
}

void test_fail(const char *file, int line, const char *fmt, ...);

void
test_fail(const char *file, int line, const char *fmt, ...)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, fmt);
}
