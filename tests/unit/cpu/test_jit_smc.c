/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Code that changes code.  Every program computes a number that is right only when each change
 * is seen at once; each runs in real mode, in 32-bit protected mode and in 64-bit mode.
 */
#include "tests/unit/cpu/pm.h"

#include "cpu/mmu/mmu.h"

enum { PROG = 0x1000, FN = 0x6000, ALIAS = 32 << 20 };

/* The same text assembled for 16, 32 and 64 bits; B(r): r is the prefix of a native register.
 * Label 0 is the start, P(label) its address when loaded at PROG. */
#define SMC(name, B)                                                                               \
	GUEST(name##_16, ".code16\n0: " B("") "\n hlt\n");                                         \
	GUEST(name##_32, ".code32\n0: " B("e") "\n hlt\n");                                        \
	GUEST(name##_64, ".code64\n0: " B("r") "\n hlt\n")
#define P(label) "(0x1000 + " #label " - 0b)"
/* 20 turns; DX adds up what the changed instruction at label 1 loads into AL */
#define TURNS(patch, code)                                                                         \
	"mov $20, %ecx\n xor %edx, %edx\n jmp 2f\n 2: " patch "\n" code "\n movzx %al, %eax\n"     \
	"add %eax, %edx\n dec %ecx\n jnz 2b\n"
#define NEXT(patch) TURNS(patch, "1: mov $0, %al")

#define NEXT_INC(r)  NEXT("incb " P(1f) " + 1")
#define NEXT_LOCK(r) NEXT("lock incb " P(1f) " + 1")
#define NEXT_XADD(r) NEXT("mov $1, %bl\n lock xadd %bl, " P(1f) " + 1")
#define NEXT_XCHG(r) NEXT("mov %cl, %bl\n xchg %bl, " P(1f) " + 1")
#define NEXT_CMPX(r) NEXT("mov " P(1f) " + 1, %al\n lea 1(%eax), %ebx\n cmpxchg %bl, " P(1f) " + 1")
#define NEXT_BTC(r)  NEXT("btcw $9, " P(1f))
#define NEXT_STOS(r) NEXT("mov $" P(1f) " + 1, %edi\n mov %cl, %al\n stosb")
#define NEXT_FIST(r) /* the word is B0 nn */                                                       \
	NEXT("movzx %cl, %eax\n shl $8, %eax\n or $0xb0, %eax\n mov %eax, 0x5000\n"                \
	     "fninit\n fildl 0x5000\n fistps " P(1f))
#define NEXT_PUSH(r)                                                                               \
	NEXT("mov %" r "sp, %" r "bp\n mov $" P(1f) " + 2, %esp\n mov %cl, %ah\n mov $0xb0, %al\n" \
						    "pushw %ax\n mov %" r "bp, %" r "sp")
/* A dword whose first half is before the code's 64-byte granule */
#define NEXT_EDGE(r)                                                                               \
	TURNS("mov %ecx, %eax\n shl $24, %eax\n or $0xb09090, %eax\n mov %eax, " P(                \
		  1f) " - 2\n"                                                                     \
		      "jmp 1f\n .org 0b + 254\n nop\n nop",                                        \
	    "1: mov $0, %al")
SMC(next_inc, NEXT_INC);
SMC(next_lock, NEXT_LOCK);
SMC(next_xadd, NEXT_XADD);
SMC(next_xchg, NEXT_XCHG);
SMC(next_cmpx, NEXT_CMPX);
SMC(next_btc, NEXT_BTC);
SMC(next_stos, NEXT_STOS);
SMC(next_fist, NEXT_FIST);
SMC(next_push, NEXT_PUSH);
SMC(next_edge, NEXT_EDGE);

/* Behind the instruction, in the same block; and two blocks further on */
#define BEHIND(r)                                                                                  \
	"mov $20, %ecx\n xor %edx, %edx\n 2: mov $0, %al\n movzx %al, %eax\n add %eax, %edx\n"     \
	"incb " P(2b) " + 1\n dec %ecx\n jnz 2b\n"
#define BLOCKS_ON(r)                                                                               \
	TURNS("incb " P(1f) " + 1\n test $1, %cl\n jz 3f\n nop\n 3: jmp 4f\n nop\n 4: call 1f\n"   \
			    "jmp 5f\n",                                                            \
	    "1: mov $0, %al\n ret\n 5:")
/* Its own immediate: 1, 2, 4 … */
#define OWN(r)                                                                                     \
	"mov $7, %ecx\n 2: addb $1, " P(3f) " - 1\n 3: dec %ecx\n jnz 2b\n"                        \
					    "movzbl " P(3b) " - 1, %edx\n"
/* A counter beside the code, in its granule and its page */
#define BESIDE(r)                                                                                  \
	"mov $500, %ecx\n jmp 2f\n 9: .word 0\n 2: incw " P(9b) "\n dec %ecx\n jnz 2b\n"           \
								"movzwl " P(9b) ", %edx\n"
/* A loop of 2000 turns whose immediate is patched every 64th */
#define HOT(r)                                                                                     \
	"mov $2000, %ecx\n xor %edx, %edx\n 2: mov $0, %al\n movzx %al, %eax\n add %eax, %edx\n"   \
	"test $63, %cl\n jnz 3f\n incb " P(2b) " + 1\n 3: dec %ecx\n jnz 2b\n"
/* Two functions of three bytes take turns in one place */
#define MOVS(r)                                                                                    \
	TURNS("mov $" P(7f) ", %esi\n test $1, %cl\n jz 3f\n mov $" P(                             \
		  8f) ", %esi\n"                                                                   \
		      "3: mov $" P(1f) ", %edi\n mov %ecx, %ebx\n mov $3, %ecx\n rep movsb\n"      \
				       "mov %ebx, %ecx\n call 1f\n jmp 5f\n"                       \
				       "7: mov $3, %al\n ret\n 8: mov $5, %al\n ret",              \
	    "1: mov $0, %al\n ret\n 5:")
/* REP MOVSB over the instruction behind it */
#define MOVS_NEXT(r)                                                                               \
	TURNS("mov %ecx, %ebx\n mov $" P(7f) ", %esi\n mov $" P(1f) ", %edi\n mov $2, %ecx\n"      \
								    "incb " P(                     \
									7f) " + 1\n rep movsb",    \
	    "1: mov $0, %al\n mov %ebx, %ecx\n jmp 8f\n"                                           \
	    "7: mov $0, %al\n 8:")
/* Copied to 20 new places, some across a page boundary, and run there */
#define COPIED(r)                                                                                  \
	TURNS("mov %ecx, %ebx\n mov %ecx, %edi\n shl $10, %edi\n add $0x7ffe, %edi\n"              \
	      "mov %edi, %ebp\n mov $" P(7f) ", %esi\n mov $3, %ecx\n incb " P(                    \
		  7f) " + 1\n"                                                                     \
		      "rep movsb\n mov %ebx, %ecx\n call *%" r                                     \
		      "bp\n jmp 8f\n 7: mov $0, %al\n ret\n 8:",                                   \
	    "")
/* A loop's head that needs no flags becomes one that needs the carry, in the very turn in which
 * the way back to it is first translated */
#define HEAD(r)                                                                                    \
	"mov $8, %ecx\n xor %ebx, %ebx\n jmp 1f\n"                                                 \
	"8: .long 0x5000, 0x5000, 0x5000, 0x5000, 0x5000, 0x5000, " P(                             \
	    1f) ", 0x5000\n"                                                                       \
		"1: add $0, %bh\n dec %ecx\n jz 5f\n"                                              \
		"mov " P(8b) "(,%ecx,4), %edi\n movw $0x920f, (%edi)\n"                            \
			     "movb $0xc3, 2(%edi)\n stc\n jmp 1b\n 5: movzx %bl, %edx\n"
SMC(head, HEAD);
SMC(behind, BEHIND);
SMC(blocks_on, BLOCKS_ON);
SMC(own, OWN);
SMC(beside, BESIDE);
SMC(hot, HOT);
SMC(movs, MOVS);
SMC(movs_next, MOVS_NEXT);
SMC(copied, COPIED);

struct program {
	const uint8_t *code, *end;
};
struct smc {
	const char *name;
	uint16_t result; /* DX */
	struct program in[3];
};
#define ONE(n)                                                                                     \
	{                                                                                          \
		guest_##n, guest_##n##_end                                                         \
	}
#define ROW(n, result)                                                                             \
	{                                                                                          \
#n, result,                                                                        \
		{                                                                                  \
			ONE(n##_16), ONE(n##_32), ONE(n##_64)                                      \
		}                                                                                  \
	}
static const struct smc programs[] = { ROW(next_inc, 210), ROW(next_lock, 210), ROW(next_xadd, 210),
	ROW(next_xchg, 210), ROW(next_cmpx, 210), ROW(next_btc, 20), ROW(next_stos, 210),
	ROW(next_fist, 210), ROW(next_push, 210), ROW(next_edge, 210), ROW(behind, 190),
	ROW(blocks_on, 210), ROW(own, 128), ROW(beside, 500), ROW(hot, 31713), ROW(movs, 80),
	ROW(movs_next, 210), ROW(copied, 210), ROW(head, 1) };

static void
enter(struct tinyvm *v, unsigned mode, uint32_t rip)
{
	struct cpu *c = v->set.cpu[0];

	c->long_mode = false;
	c->msr.efer = 0;
	c->cr4 = CR4_OSFXSR;
	if (mode == 0)
		tinyvm_real(v, 0, 0, (uint16_t)rip);
	else if (mode == 1)
		tinyvm_flat32(v, 0, rip);
	else
		tinyvm_flat64(v, 0, rip);
	c->halted = false;
	tlb_flush_all(c);
}

/* With a budget and without: translated code is another. */
static bool
run_to_halt(struct tinyvm *v, bool counted)
{
	if (counted)
		return tinyvm_run(v, 0);
	return cpu_run(v->set.cpu[0], UINT64_MAX) == CPU_EXIT_HALT;
}

static void
changes(unsigned ncpus)
{
	static struct tinyvm v;

	for (unsigned i = 0; i < ARRAY_SIZE(programs); i++) {
		const struct smc *s = &programs[i];

		tinyvm_init(&v, ncpus, "x86-64-v2");
		for (unsigned again = 0; again < 12; again++) { /* over each other */
			const struct program *p = &s->in[again % 3];

			tinyvm_load(&v, PROG, p->code, (size_t)(p->end - p->code));
			enter(&v, again % 3, PROG);
			if (!run_to_halt(&v, again & 1) ||
			    (uint16_t)v.set.cpu[0]->gpr[REG_DX] != s->result)
				test_fail(__FILE__, __LINE__, "%s in %u bits: %u, wanted %u",
				    s->name, 16u << again % 3, (uint16_t)v.set.cpu[0]->gpr[REG_DX],
				    s->result);
		}
		tinyvm_fini(&v);
	}
}

TEST(changes_are_seen_at_once)
{
	changes(1);
}

/* Marks of code are kept and LOCK is real then. */
TEST(changes_are_seen_with_a_second_processor)
{
	changes(2);
}

/* ---- two places ---- */

/* BX, DI: two functions (or one by two names) that load EAX; SI: the byte to increment */
#define CALLS(r)                                                                                   \
	"mov $20, %ecx\n xor %edx, %edx\n 2: call *%" r "bx\n add %eax, %edx\n call *%" r "di\n"   \
	"add %eax, %edx\n incb (%esi)\n dec %ecx\n jnz 2b\n"
GUEST(calls_16, ".code16\n" CALLS("") "\n hlt");
GUEST(calls_32, ".code32\n" CALLS("e") "\n hlt");
GUEST(calls_64, ".code64\n" CALLS("r") "\n hlt");
static const struct program calls[] = { ONE(calls_16), ONE(calls_32), ONE(calls_64) };
/* MOV EAX, 00112200; RET, with its prefix in 16-bit code */
static const uint8_t load_eax[] = { 0x66, 0xb8, 0x00, 0x22, 0x11, 0x00, 0xc3 };

static uint32_t
run_calls(struct tinyvm *v, unsigned mode, uint32_t fn, uint32_t fn2, uint32_t byte)
{
	struct cpu *c = v->set.cpu[0];

	c->gpr[REG_BX] = fn;
	c->gpr[REG_DI] = fn2;
	c->gpr[REG_SI] = byte;
	if (!tinyvm_run(v, 0))
		test_fail(__FILE__, __LINE__, "%u bits: did not end", 16u << mode);
	return (uint32_t)c->gpr[REG_DX];
}

/* The instruction lies across two pages in every way, each byte of the immediate changes. */
TEST(an_instruction_across_pages)
{
	static struct tinyvm v;

	for (unsigned mode = 0; mode < 3; mode++) {
		const uint8_t *fn = load_eax + (mode > 0);
		unsigned len = sizeof(load_eax) - (mode > 0), imm = mode ? 1 : 2;

		tinyvm_init(&v, 1, "x86-64-v2");
		tinyvm_load(
		    &v, PROG, calls[mode].code, (size_t)(calls[mode].end - calls[mode].code));
		for (unsigned i = 0; i < len * 4; i++) {
			uint32_t at = FN - i / 4, n = i % 4;

			tinyvm_load(&v, at, fn, len);
			enter(&v, mode, PROG);
			CHECK_EQ(run_calls(&v, mode, at, at, at + imm + n),
			    (uint32_t)(40 * 0x112200 + (380u << 8 * n)));
		}
		tinyvm_fini(&v);
	}
}

/* One physical page by two names: run by both, written by either. */
TEST(two_mappings_of_one_page)
{
	static struct tinyvm v;
	const uint32_t pd = 0x5000;

	for (unsigned mode = 1; mode < 3; mode++) {
		tinyvm_init(&v, 1, "x86-64-v2");
		tinyvm_load(
		    &v, PROG, calls[mode].code, (size_t)(calls[mode].end - calls[mode].code));
		for (unsigned i = 0; i < 16; i++) {
			struct cpu *c = v.set.cpu[0];
			uint32_t at = i & 8 ? FN + 0x1000 - 3 : FN;

			tinyvm_load(&v, at, load_eax + 1, sizeof(load_eax) - 1);
			enter(&v, mode, PROG);
			tinyvm_w32(&v, pd, 0x83);
			tinyvm_w32(&v, pd + ALIAS / (4 << 20) * 4, 0x83);
			tinyvm_w64(&v, 0x4000 + ALIAS / (2 << 20) * 8, 0x83); /* flat64's PD */
			if (mode == 1) {
				c->cr3 = pd;
				c->cr4 = CR4_PSE;
				c->cr0 |= CR0_PG;
				cpu_mode_derive(c);
			}
			tlb_flush_all(c);
			CHECK_EQ(run_calls(&v, mode, at + (i & 1 ? ALIAS : 0),
				     at + (i & 2 ? ALIAS : 0), at + 1 + (i & 4 ? ALIAS : 0)),
			    40 * 0x112200 + 380);
		}
		tinyvm_fini(&v);
	}
}

/* ---- written while it stands ---- */

#define SPIN(r) "1: mov $0, %al\n nop\n 2: jmp 1b"
SMC(spin, SPIN);
static const struct program spin[] = { ONE(spin_16), ONE(spin_32), ONE(spin_64) };

TEST(code_written_by_dma)
{
	static struct tinyvm v;

	for (unsigned mode = 0; mode < 3; mode++) {
		struct cpu *c;

		tinyvm_init(&v, 1, "x86-64-v2");
		c = v.set.cpu[0];
		tinyvm_load(&v, PROG, spin[mode].code, (size_t)(spin[mode].end - spin[mode].code));
		enter(&v, mode, PROG);
		for (unsigned i = 0; i < 200; i++) {
			uint8_t imm = (uint8_t)(i * 7);

			CHECK(mem_space_copy_to(&v.mem, PROG + 1, &imm, 1));
			CHECK_EQ(cpu_run(c, 3 + i % 50), CPU_EXIT_BUDGET);
			CHECK_EQ(cpu_run(c, 4), CPU_EXIT_BUDGET);
			CHECK_EQ((uint8_t)c->gpr[REG_AX], imm);
		}
		tinyvm_fini(&v);
	}
}

/* ---- mappings that change below the code ---- */

/* The PTE of 0x100000 goes to and fro between two pages; reached by a direct call, by a direct
 * jump and by running into it. */
#define REMAP(way)                                                                                 \
	".code32\n 0: mov $40, %ecx\n xor %edx, %edx\n"                                            \
	"2: xorl $0x1000, 0x21000 + 0x100 * 4\n invlpg 0x100000\n" way                             \
	"\n 3: add %eax, %edx\n dec %ecx\n jnz 2b\n hlt\n"
GUEST(remap_call, REMAP("call 0b - 0xa000 + 0x100000"));
GUEST(remap_jump, REMAP("push $(3f - 0b + 0xa000)\n jmp 0b - 0xa000 + 0x100000"));
GUEST(remap_into, REMAP("push $(3f - 0b + 0xa000)\n jmp 0b - 0xa000 + 0xffffe"));
/* CR3 goes to and fro between two sets of tables instead */
GUEST(remap_cr3,
    ".code32\n 0: mov $40, %ecx\n xor %edx, %edx\n mov %cr3, %esi\n mov $0x22000, %edi\n"
    "2: xchg %esi, %edi\n mov %esi, %cr3\n call 0b - 0xa000 + 0x100000\n"
    "add %eax, %edx\n dec %ecx\n jnz 2b\n hlt\n");

/* The second page of an instruction that lies across */
GUEST(remap_second, ".code32\n 0: mov $40, %ecx\n xor %edx, %edx\n"
		    "2: xorl $0x1000, 0x21000 + 0x101 * 4\n invlpg 0x101000\n"
		    "call 0b - 0xa000 + 0x100ffe\n add %eax, %edx\n dec %ecx\n jnz 2b\n hlt\n");

TEST(the_second_page_is_mapped_elsewhere)
{
	static const uint8_t first[] = { 0xb8, 1 }, second[] = { 0, 0, 0, 0xc3 },
			     other[] = { 1, 0, 0, 0xc3 };
	static struct pm p;

	pm_init(&p, "pentium3");
	pm_paging(&p);
	tinyvm_load(&p.v, 0x100ffe, first, sizeof(first));
	tinyvm_load(&p.v, 0x30000, second, sizeof(second));
	tinyvm_load(&p.v, 0x31000, other, sizeof(other));
	pm_set_pte(&p, 0x101000, 0x30007);
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(remap_second)), -1);
	CHECK_EQ(p.c->gpr[REG_DX], 40 + 20 * 0x100);
	pm_fini(&p);
}

TEST(code_pages_are_mapped_elsewhere)
{
	static const struct program way[] = { ONE(remap_call), ONE(remap_jump), ONE(remap_into),
		ONE(remap_cr3) };
	static struct pm p;

	for (unsigned i = 0; i < ARRAY_SIZE(way); i++) {
		uint8_t fn[] = { 0xb8, 1, 0, 0, 0, 0xc3 }, nops[2] = { 0x90, 0x90 };

		pm_init(&p, "pentium3");
		pm_paging(&p);
		tinyvm_load(&p.v, 0x30000, fn, sizeof(fn));
		fn[1] = 3;
		tinyvm_load(&p.v, 0x31000, fn, sizeof(fn));
		tinyvm_load(&p.v, 0xffffe, nops, 2);
		pm_set_pte(&p, 0x100000, 0x30007);
		/* the other tables: all the same but for that page */
		for (unsigned k = 0; k < 1024; k++)
			tinyvm_w32(&p.v, 0x23000 + k * 4, k == 0x100 ? 0x31007 : k << 12 | 7);
		tinyvm_w32(&p.v, 0x22000, 0x23007);
		CHECK_EQ(pm_exec(&p, 0, way[i].code, (size_t)(way[i].end - way[i].code)), -1);
		CHECK_EQ(p.c->gpr[REG_DX], 80);
		pm_fini(&p);
	}
}

TEST_MAIN()
