/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processors on threads of their own: locked instructions, locks made of them, code changed
 * by another processor, translations shot down, and the order of loads and stores that
 * IA-32 promises (SDM 3A 9.2).
 */
#include "tests/unit/cpu/tinyvm.h"

#include "cpu/mmu/mmu.h"
#include "tests/unit/test.h"

#include <sched.h>

enum {
	PROG = 0x1000,
	HANDLER = 0x1c00,
	PD = 0x5000,
	PT = 0x6000,
	IDT = 0x7000,
	IPI = 0x41,
	ROUNDS = 0x20f00, /* how many turns, for every program */
	OTHERS = 0x20f04  /* processors but one */
};

/* DI: the processor's number. Label 0 is the start, P(label) an address. */
#define P(label)    "(0x1000 + " #label " - 0b)"
#define TURNS(text) ".code32\n 0: mov 0x20f00, %ebp\n 1: " text "\n dec %ebp\n jnz 1b\n hlt\n"

GUEST(locked, TURNS("lock incl 0x20000\n mov $1, %eax\n lock xadd %eax, 0x20040\n"
		    "lock addb $1, 0x20080\n lock adcl $0, 0x200c0\n lock decw 0x20100"));
GUEST(cmpxchg, TURNS("mov 0x20000, %eax\n 2: lea 3(%eax), %edx\n lock cmpxchg %edx, 0x20000\n"
		     "jne 2b"));
GUEST(
    cmpxchg8b, TURNS("mov 0x20000, %eax\n mov 0x20004, %edx\n 2: mov %eax, %ebx\n mov %edx, %ecx\n"
		     "add $0x10000000, %ebx\n adc $0, %ecx\n lock cmpxchg8b 0x20000\n jne 2b"));
GUEST(split, TURNS("lock incl 0x2003e\n lock addl $2, 0x20ffe"));
GUEST(bit_lock, TURNS("2: lock btsl $5, 0x20000\n jnc 3f\n pause\n jmp 2b\n"
		      "3: incl 0x20040\n addl $2, 0x20044\n lock btrl $5, 0x20000"));
GUEST(xchg_lock, TURNS("2: mov $1, %eax\n xchg %eax, 0x20000\n test %eax, %eax\n jz 3f\n pause\n"
		       "jmp 2b\n 3: incl 0x20040\n addl $2, 0x20044\n movl $0, 0x20000"));
GUEST(ticket_lock, TURNS("mov $1, %eax\n lock xadd %eax, 0x20000\n 2: cmp %eax, 0x20080\n je 3f\n"
			 "pause\n jmp 2b\n 3: incl 0x20040\n addl $2, 0x20044\n incl 0x20080"));

/* ---- running ---- */

static void
start(struct tinyvm *v, unsigned n, const uint8_t *code, size_t len, uint32_t rounds)
{
	tinyvm_init(v, n, "x86-64-v2");
	tinyvm_load(v, PROG, code, len);
	tinyvm_w32(v, ROUNDS, rounds);
	tinyvm_w32(v, OTHERS, n - 1);
	for (unsigned i = 0; i < n; i++) {
		tinyvm_flat32(v, i, PROG);
		v->set.cpu[i]->gpr[REG_DI] = i;
	}
}

static void
run_program(struct tinyvm *v, unsigned n, const uint8_t *code, size_t len, uint32_t rounds)
{
	start(v, n, code, len, rounds);
	if (!tinyvm_run_all(v))
		test_fail(__FILE__, __LINE__, "%u processors: one did not end", n);
}

TEST(locked_instructions_lose_nothing)
{
	static struct tinyvm v;

	for (unsigned n = 2; n <= 4; n += 2) {
		run_program(&v, n, GUEST_BYTES(locked), 5000);
		CHECK_EQ(tinyvm_r32(&v, 0x20000), 5000 * n);
		CHECK_EQ(tinyvm_r32(&v, 0x20040), 5000 * n);
		CHECK_EQ((uint8_t)tinyvm_r32(&v, 0x20080), (uint8_t)(5000 * n));
		CHECK_EQ(tinyvm_r32(&v, 0x200c0), 5000 * n / 256); /* carries of the bytes */
		CHECK_EQ((uint16_t)tinyvm_r32(&v, 0x20100), (uint16_t)(0 - 5000 * n));
		tinyvm_fini(&v);
		run_program(&v, n, GUEST_BYTES(cmpxchg), 5000);
		CHECK_EQ(tinyvm_r32(&v, 0x20000), 3 * 5000 * n);
		tinyvm_fini(&v);
		run_program(&v, n, GUEST_BYTES(cmpxchg8b), 5000);
		CHECK_EQ(mem_space_read(&v.mem, 0x20000, 8), 0x10000000ull * 5000 * n);
		tinyvm_fini(&v);
		run_program(&v, n, GUEST_BYTES(split), 300);
		CHECK_EQ(tinyvm_r32(&v, 0x2003e), 300 * n);
		CHECK_EQ(tinyvm_r32(&v, 0x20ffe), 600 * n);
		tinyvm_fini(&v);
	}
}

static void
check_lock(const uint8_t *code, size_t len, uint32_t rounds)
{
	static struct tinyvm v;

	for (unsigned n = 2; n <= 4; n += 2) {
		run_program(&v, n, code, len, rounds);
		CHECK_EQ(tinyvm_r32(&v, 0x20040), rounds * n);
		CHECK_EQ(tinyvm_r32(&v, 0x20044), rounds * n * 2);
		tinyvm_fini(&v);
	}
}

TEST(locks_exclude)
{
	check_lock(GUEST_BYTES(bit_lock), 3000);
	check_lock(GUEST_BYTES(xchg_lock), 3000);
	check_lock(GUEST_BYTES(ticket_lock), 25);
}

/* ---- with the machine disturbing ---- */

static void
nothing(void *ctx)
{
	++*(unsigned *)ctx;
}

struct disturber {
	struct tinyvm *v;
	bool done;
	unsigned turns;
};

static void *
disturb(void *arg)
{
	struct disturber *d = arg;

	while (!__atomic_load_n(&d->done, __ATOMIC_ACQUIRE)) {
		cpu_flush_all(&d->v->set);
		cpu_exclusive(&d->v->set, NULL, nothing, &d->turns);
		cpu_code_written(&d->v->set, PROG, 16);
		sched_yield();
	}
	return NULL;
}

TEST(flushes_and_exclusive_sections_lose_nothing)
{
	static struct tinyvm v;
	struct disturber d = { .v = &v };
	pthread_t th;

	start(&v, 2, GUEST_BYTES(locked), 20000);
	CHECK_EQ(pthread_create(&th, NULL, disturb, &d), 0);
	CHECK(tinyvm_run_all(&v));
	__atomic_store_n(&d.done, true, __ATOMIC_RELEASE);
	pthread_join(th, NULL);
	CHECK_EQ(tinyvm_r32(&v, 0x20000), 40000);
	CHECK_EQ(tinyvm_r32(&v, 0x20040), 40000);
	tinyvm_fini(&v);
}

/* ---- code changed by another processor ---- */

/* Processor 0 writes the immediate of label 9, then the flag 20000; the others call it all
 * the time (old or new value), and after the flag and a serializing CPUID only the new one is
 * right. 20040: acknowledgements, 200c0: mistakes. */
GUEST(modify,
    ".code32\n 0: mov $1, %esi\n test %edi, %edi\n jnz 5f\n"
    "1: mov %esi, %eax\n mov %al, " P(
	9f) " + 1\n mov %esi, 0x20000\n"
	    "imul 0x20f04, %eax\n 3: cmp %eax, 0x20040\n je 4f\n pause\n jmp 3b\n"
	    "4: inc %esi\n cmp 0x20f08, %esi\n jne 1b\n hlt\n"
	    "5: call 9f\n mov %esi, %edx\n dec %edx\n sub %dl, %al\n cmp $1, %al\n jbe 6f\n"
	    "lock incl 0x200c0\n 6: pause\n cmp %esi, 0x20000\n jne 5b\n"
	    "xor %eax, %eax\n cpuid\n call 9f\n mov %esi, %edx\n cmp %dl, %al\n je 8f\n"
	    "lock incl 0x200c0\n 8: lock incl 0x20040\n inc %esi\n cmp 0x20f08, %esi\n jne 5b\n"
	    "hlt\n .org 0b + 0x200\n 9: mov $0, %al\n ret\n");

TEST(code_changed_by_another_processor)
{
	static struct tinyvm v;

	for (unsigned n = 2; n <= 4; n += 2) {
		start(&v, n, GUEST_BYTES(modify), 0);
		tinyvm_w32(&v, 0x20f08, n == 2 ? 150 : 25);
		CHECK(tinyvm_run_all(&v));
		CHECK_EQ(tinyvm_r32(&v, 0x200c0), 0);
		CHECK_EQ(tinyvm_r32(&v, 0x20040), (n == 2 ? 149 : 24) * (n - 1));
		tinyvm_fini(&v);
	}
}

/* ---- translations ---- */

/* The page at 3f0000 is one of two: data that is 7 and a function that returns 7. Processor 0
 * maps the other one, waits until all have dropped the translation, and spoils the first. */
#define SHOOT(tell)                                                                                \
	"mov $1, %esi\n"                                                                           \
	"1: mov %esi, %ebx\n and $1, %ebx\n shl $12, %ebx\n add $0x100000, %ebx\n"                 \
	"movl $7, (%ebx)\n movl $7, 17(%ebx)\n lea 7(%ebx), %edx\n mov %edx, 0x6000 + 0x3f0 * 4\n" \
	"invlpg 0x3f0000\n mov %esi, 0x20000\n" tell                                               \
	"\n mov %esi, %eax\n imul 0x20f04, %eax\n 3: cmp %eax, 0x20040\n je 4f\n pause\n jmp 3b\n" \
	"4: xor $0x1000, %ebx\n movl $0xdead, (%ebx)\n movl $0xdead, 17(%ebx)\n"                   \
	"inc %esi\n cmp 0x20f00, %esi\n jne 1b\n movl $1, 0x20080\n hlt\n"
#define READ(look)                                                                                 \
	"5: cmpl $0, 0x20080\n je 6f\n cli\n hlt\n 6: " look                                       \
	"\n cmpl $7, 0x3f0000\n jne 8f\n mov $0x3f0010, %ebx\n call *%ebx\n cmp $7, %eax\n"        \
	"jne 8f\n call 0b - 0x1000 + 0x3f0010\n cmp $7, %eax\n je 5b\n"                            \
	"8: lock incl 0x200c0\n jmp 5b\n"
GUEST(shoot_poll, ".code32\n 0: test %edi, %edi\n jnz 9f\n" SHOOT("") "9: xor %esi, %esi\n" READ(
		      "mov 0x20000, %eax\n cmp %eax, %esi\n je 7f\n"
		      "invlpg 0x3f0000\n mov %eax, %esi\n lock incl 0x20040\n"
		      "7:"));
/* x2APIC: base, SVR; ICR to all but self */
GUEST(shoot_ipi,
    ".code32\n 0: mov $0x1b, %ecx\n rdmsr\n or $0xc00, %eax\n wrmsr\n"
    "mov $0x80f, %ecx\n mov $0x1ff, %eax\n xor %edx, %edx\n wrmsr\n lock incl 0x20100\n"
    "test %edi, %edi\n jnz 9f\n 2: mov 0x20f04, %eax\n inc %eax\n cmp %eax, 0x20100\n je 2f\n "
    "pause\n"
    "jmp 2b\n 2:\n" SHOOT(
	"mov $0x830, %ecx\n mov $0xc0041, %eax\n xor %edx, %edx\n wrmsr") "9: sti\n" READ("nop"));
GUEST(shoot_handler,
    ".code32\n push %eax\n push %ecx\n push %edx\n invlpg 0x3f0000\n"
    "lock incl 0x20040\n mov $0x80b, %ecx\n xor %eax, %eax\n xor %edx, %edx\n wrmsr\n"
    "pop %edx\n pop %ecx\n pop %eax\n iret\n");

static void
paging(struct tinyvm *v)
{
	static const uint8_t page[] = { 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xb8, 7, 0,
		0, 0, 0xc3 };

	for (unsigned i = 0; i < 1024; i++)
		tinyvm_w32(v, PT + i * 4, i << 12 | 7);
	tinyvm_w32(v, PT + 0x3f0 * 4, 0x100007);
	tinyvm_w32(v, PD, PT | 7);
	tinyvm_load(v, 0x100000, page, sizeof(page));
	tinyvm_load(v, 0x101000, page, sizeof(page));
	tinyvm_load(v, HANDLER, GUEST_BYTES(shoot_handler));
	tinyvm_w64(v, IDT + IPI * 8, 0x8e0000080000ull | HANDLER);
	for (unsigned i = 0; i < v->set.n; i++) {
		struct cpu *c = v->set.cpu[i];

		c->cr3 = PD;
		c->cr0 |= CR0_PG;
		c->idtr = (struct dtable){ IDT, 0x7ff };
		tlb_flush_all(c);
		cpu_mode_derive(c);
	}
}

static void
shoot(const uint8_t *code, size_t len)
{
	static struct tinyvm v;

	for (unsigned n = 2; n <= 4; n += 2) {
		uint32_t rounds = n == 2 ? 100 : 25;

		start(&v, n, code, len, rounds);
		paging(&v);
		CHECK(tinyvm_run_all(&v));
		CHECK_EQ(tinyvm_r32(&v, 0x200c0), 0);
		CHECK_EQ(tinyvm_r32(&v, 0x20040), (rounds - 1) * (n - 1));
		tinyvm_fini(&v);
	}
}

TEST(translations_shot_down_by_a_flag)
{
	shoot(GUEST_BYTES(shoot_poll));
}

TEST(translations_shot_down_by_interrupt)
{
	shoot(GUEST_BYTES(shoot_ipi));
}

/* ---- order of loads and stores ---- */

enum { X = 0x100000, Y = 0x180000, RESULT = 0x200000, RESULTS = 0x40000, LITMUS = 120 };

/* Two processors meet, then a and b run side by side on words X[i], Y[i]; AX is noted. */
#define LIT(name, a, b)                                                                            \
	GUEST(name,                                                                                \
	    ".code32\n xor %esi, %esi\n xor %ebp, %ebp\n mov %edi, %edx\n shl $18, %edx\n"         \
	    "add $0x200000, %edx\n"                                                                \
	    "1: add $2, %ebp\n lock incl 0x20000\n 2: cmp %ebp, 0x20000\n jae 3f\n pause\n jmp "   \
	    "2b\n"                                                                                 \
	    "3: test %edi, %edi\n jnz 4f\n" a "\n jmp 5f\n 4: " b                                  \
	    "\n 5: mov %esi, %ebx\n shr $4, %ebx\n mov %eax, (%edx, %ebx)\n add $64, %esi\n"       \
	    "cmp $120 * 64, %esi\n jne 1b\n hlt\n")
#define SX   "movl $1, 0x100000(%esi)\n"
#define SY   "movl $1, 0x180000(%esi)\n"
#define LX   "mov 0x100000(%esi), %eax\n"
#define LY   "mov 0x180000(%esi), %eax\n"
#define XX   "mov $1, %eax\n xchg %eax, 0x100000(%esi)\n"
#define XY   "mov $1, %eax\n xchg %eax, 0x180000(%esi)\n"
#define BOTH "mov 0x180000(%esi), %eax\n mov 0x100000(%esi), %ecx\n lea (%eax, %ecx, 2), %eax"
LIT(message, SX SY "xor %eax, %eax", BOTH);
LIT(fenced, SX "mfence\n" LY, SY "mfence\n" LX);
LIT(exchanged, XX LY, XY LX);
LIT(loads, LX SY, LY SX);

/* forbidden: AX of processor 0, 1 (-1: any) */
static void
litmus(const uint8_t *code, size_t len, int forbidden0, int forbidden1)
{
	static struct tinyvm v;

	run_program(&v, 2, code, len, 0);
	for (unsigned i = 0; i < LITMUS; i++) {
		int r0 = (int)tinyvm_r32(&v, RESULT + i * 4);
		int r1 = (int)tinyvm_r32(&v, RESULT + RESULTS + i * 4);

		CHECK_EQ(tinyvm_r32(&v, X + i * 64), 1);
		CHECK_EQ(tinyvm_r32(&v, Y + i * 64), 1);
		CHECK(!(r1 == forbidden1 && (forbidden0 < 0 || r0 == forbidden0)));
	}
	tinyvm_fini(&v);
}

TEST(stores_are_seen_in_order)
{
	litmus(GUEST_BYTES(message), -1, 1); /* y new, x old */
}

TEST(a_fence_keeps_loads_behind_stores)
{
	litmus(GUEST_BYTES(fenced), 0, 0);
	litmus(GUEST_BYTES(exchanged), 0, 0);
}

TEST(stores_stay_behind_loads)
{
	litmus(GUEST_BYTES(loads), 1, 1);
}

TEST_MAIN()
