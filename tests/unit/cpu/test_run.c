/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The run loop, decoded blocks, self-modifying code, several processors. */
#include "base/buf.h"
#include "base/err.h"
#include "cpu/x86/flags.h"
#include "tests/unit/cpu/tinyvm.h"
#include "tests/unit/test.h"

#define PROG 0x1000

GUEST(loop32, ".code32\n"
	      "xor %eax, %eax\n mov $100000, %ecx\n"
	      "1: add %ecx, %eax\n dec %ecx\n jnz 1b\n hlt\n");

TEST(a_loop_computes_and_counts)
{
	struct tinyvm v;
	struct cpu *c;

	tinyvm_init(&v, 1, "pentium3");
	tinyvm_load(&v, PROG, GUEST_BYTES(loop32));
	tinyvm_flat32(&v, 0, PROG);
	c = v.set.cpu[0];
	CHECK(tinyvm_run(&v, 0));
	CHECK_EQ(c->gpr[REG_AX], 5000050000ull & 0xffffffff);
	CHECK_EQ(c->icount, 2 + 3 * 100000 + 1);
	tinyvm_fini(&v);
}

/* The store changes the immediate of the instruction right behind it, in the same block. */
GUEST(smc_next, ".code32\n"
		"0: mov $3, %ecx\n xor %ebx, %ebx\n"
		"2: incb 0x1000 + (1f - 0b) + 1\n"
		"1: mov $0x10, %al\n movzx %al, %eax\n add %eax, %ebx\n"
		"loop 2b\n hlt\n");

TEST(code_that_changes_the_next_instruction)
{
	struct tinyvm v;

	tinyvm_init(&v, 1, "pentium3");
	tinyvm_load(&v, PROG, GUEST_BYTES(smc_next));
	tinyvm_flat32(&v, 0, PROG);
	CHECK(tinyvm_run(&v, 0));
	CHECK_EQ(v.set.cpu[0]->gpr[REG_BX], 0x11 + 0x12 + 0x13);
	tinyvm_fini(&v);
}

/* REP STOSB writes NOPs over INC EAX that have run before, 100 of them. */
GUEST(smc_rep, ".code32\n"
	       "xor %eax, %eax\n call 0f\n"
	       "mov %eax, %edx\n mov $0x2000, %edi\n mov $100, %ecx\n mov $0x90, %al\n rep stosb\n"
	       "xor %eax, %eax\n call 0f\n hlt\n"
	       "0: mov $0x2000, %ebx\n jmp *%ebx\n");

TEST(code_overwritten_by_a_string_instruction)
{
	struct tinyvm v;
	uint8_t f[101];

	memset(f, 0x40, 100);
	f[100] = 0xc3;
	tinyvm_init(&v, 1, "pentium3");
	tinyvm_load(&v, PROG, GUEST_BYTES(smc_rep));
	tinyvm_load(&v, 0x2000, f, sizeof(f));
	tinyvm_flat32(&v, 0, PROG);
	CHECK(tinyvm_run(&v, 0));
	CHECK_EQ(v.set.cpu[0]->gpr[REG_DX], 100);
	CHECK_EQ(v.set.cpu[0]->gpr[REG_AX], 0);
	tinyvm_fini(&v);
}

/* A function whose MOV EAX, imm32 lies across a page boundary. */
TEST(an_instruction_across_pages_sees_both_changes)
{
	struct tinyvm v;
	static const uint8_t f[] = { 0xb8, 0x44, 0x33, 0x22, 0x11, 0xf4 }; /* mov eax; hlt */
	struct cpu *c;

	tinyvm_init(&v, 1, "pentium3");
	c = v.set.cpu[0];
	for (unsigned k = 1; k < sizeof(f); k++) {
		uint64_t at = 0x3000 - k;

		tinyvm_load(&v, at, f, sizeof(f));
		tinyvm_flat32(&v, 0, (uint32_t)at);
		CHECK(tinyvm_run(&v, 0));
		CHECK_EQ(c->gpr[REG_AX], 0x11223344);
		mem_space_write(&v.mem, at + 4, 1, 0x99); /* by DMA */
		tinyvm_flat32(&v, 0, (uint32_t)at);
		CHECK(tinyvm_run(&v, 0));
		CHECK_EQ(c->gpr[REG_AX], 0x99223344);
		mem_space_write(&v.mem, at + 1, 1, 0x77);
		tinyvm_flat32(&v, 0, (uint32_t)at);
		CHECK(tinyvm_run(&v, 0));
		CHECK_EQ(c->gpr[REG_AX], 0x99223377);
	}
	tinyvm_fini(&v);
}

/* The same bytes in 16-, 32- and 64-bit mode are three different blocks. */
TEST(one_place_many_modes)
{
	static const uint8_t f[] = { 0xb8, 0x78, 0x56, 0x34, 0x12, 0x90, 0x90, 0xf4 };
	struct tinyvm v;
	struct cpu *c;

	tinyvm_init(&v, 1, "x86-64-v2");
	c = v.set.cpu[0];
	tinyvm_load(&v, PROG, f, sizeof(f));
	tinyvm_flat64(&v, 0, PROG);
	c->gpr[REG_AX] = ~0ull;
	CHECK(tinyvm_run(&v, 0));
	CHECK_EQ(c->gpr[REG_AX], 0x12345678);
	c->long_mode = false;
	c->msr.efer = 0;
	tinyvm_real(&v, 0, 0, PROG);
	c->gpr[REG_AX] = 0;
	CHECK(tinyvm_run(&v, 0)); /* mov ax,5678; xor al,12; nop.. */
	CHECK_EQ(c->gpr[REG_AX], 0x566a);
	tinyvm_flat32(&v, 0, PROG);
	CHECK(tinyvm_run(&v, 0));
	CHECK_EQ(c->gpr[REG_AX], 0x12345678);
	tinyvm_fini(&v);
}

GUEST(locked, ".code32\n"
	      "mov $20000, %ecx\n"
	      "1: lock incl 0x5000\n lock addl $2, 0x503e\n" /* the second crosses a line */
	      "mov $1, %eax\n lock xadd %eax, 0x5080\n dec %ecx\n jnz 1b\n hlt\n");

TEST(locked_operations_on_two_processors)
{
	struct tinyvm v;

	tinyvm_init(&v, 2, "pentium3");
	tinyvm_load(&v, PROG, GUEST_BYTES(locked));
	tinyvm_flat32(&v, 0, PROG);
	tinyvm_flat32(&v, 1, PROG);
	CHECK(tinyvm_run_all(&v));
	CHECK_EQ(tinyvm_r32(&v, 0x5000), 40000);
	CHECK_EQ(tinyvm_r32(&v, 0x503e), 80000);
	CHECK_EQ(tinyvm_r32(&v, 0x5080), 40000);
	tinyvm_fini(&v);
}

/* Processor 1 patches the immediate of a function and raises a sequence number; processor
 * 0 waits for it, calls the function and answers. 2000 rounds. */
GUEST(patcher, ".code32\n"
	       "xor %ecx, %ecx\n"
	       "1: inc %ecx\n mov %ecx, 0x4001\n mov %ecx, 0x5000\n"
	       "2: cmp %ecx, 0x5040\n jne 2b\n cmp $2000, %ecx\n jne 1b\n hlt\n");
GUEST(caller, ".code32\n"
	      "xor %ecx, %ecx\n xor %esi, %esi\n"
	      "1: inc %ecx\n 2: cmp %ecx, 0x5000\n jne 2b\n"
	      "mov $0x4000, %ebx\n call *%ebx\n cmp %ecx, %eax\n je 3f\n inc %esi\n"
	      "3: mov %ecx, 0x5040\n cmp $2000, %ecx\n jne 1b\n hlt\n");

TEST(cross_modifying_code)
{
	static const uint8_t f[] = { 0xb8, 0, 0, 0, 0, 0xc3 };
	struct tinyvm v;

	tinyvm_init(&v, 2, "pentium3");
	tinyvm_load(&v, 0x4000, f, sizeof(f));
	tinyvm_load(&v, PROG, GUEST_BYTES(caller));
	tinyvm_load(&v, 0x2000, GUEST_BYTES(patcher));
	tinyvm_flat32(&v, 0, PROG);
	tinyvm_flat32(&v, 1, 0x2000);
	CHECK(tinyvm_run_all(&v));
	CHECK_EQ(v.set.cpu[0]->gpr[REG_SI], 0); /* stale immediates seen */
	tinyvm_fini(&v);
}

/* A 32-bit stack segment loaded over a 16-bit one counts at once, and so does the way back. */
GUEST(ss_size, ".code32\n mov $0x28, %ax\n mov %ax, %ss\n mov $0x12345678, %esp\n push %eax\n"
	       "mov %esp, %ebx\n mov $0x10, %ax\n mov %ax, %ss\n mov $0x8000, %esp\n"
	       "push $0x55\n pop %ecx\n mov %esp, %edx\n hlt\n");

TEST(the_stack_has_the_size_of_its_segment_at_once)
{
	struct tinyvm v;
	struct cpu *c;

	tinyvm_init(&v, 1, "pentium3");
	c = v.set.cpu[0];
	tinyvm_load(&v, PROG, GUEST_BYTES(ss_size));
	tinyvm_flat32(&v, 0, PROG);
	CHECK(tinyvm_run(&v, 0));
	CHECK_EQ(c->gpr[REG_BX], 0x12345674);
	CHECK_EQ(c->gpr[REG_CX], 0x55);
	CHECK_EQ(c->gpr[REG_DX], 0x8000);
	tinyvm_fini(&v);
}

/* Byte 8 is the immediate of the MOV. */
GUEST(many_stores, ".code32\n"
		   "xor %ebx, %ebx\n mov $200, %ecx\n"
		   "1: mov $1, %al\n movzx %al, %eax\n add %eax, %ebx\n loop 1b\n hlt\n");

TEST(a_budget_is_kept_to_a_block)
{
	struct tinyvm v;

	tinyvm_init(&v, 1, "pentium3");
	tinyvm_load(&v, PROG, GUEST_BYTES(loop32));
	tinyvm_flat32(&v, 0, PROG);
	CHECK_EQ(cpu_run(v.set.cpu[0], 1000), CPU_EXIT_BUDGET);
	CHECK(v.set.cpu[0]->icount >= 1000 && v.set.cpu[0]->icount < 1032);
	tinyvm_fini(&v);
}

/* With blocks of one instruction each a budget is kept to the instruction. */
TEST(a_block_is_as_long_as_asked_for)
{
	struct tinyvm v;
	struct cpu *c;

	tinyvm_init(&v, 1, "pentium3");
	v.set.jit_options.block_insns = 1;
	tinyvm_load(&v, PROG, GUEST_BYTES(loop32));
	tinyvm_flat32(&v, 0, PROG);
	c = v.set.cpu[0];
	for (unsigned i = 1; i <= 40; i++) {
		CHECK_EQ(cpu_run(c, 1), CPU_EXIT_BUDGET);
		CHECK_EQ(c->icount, i);
	}
	tinyvm_fini(&v);
}

/* More stores than a processor's list of them holds: then all its code is dropped. */
TEST(many_stores_by_a_device_are_seen)
{
	static const uint8_t two = 2;
	struct tinyvm v;

	tinyvm_init(&v, 1, "pentium3");
	tinyvm_load(&v, PROG, GUEST_BYTES(many_stores));
	for (unsigned run = 0; run < 2; run++) {
		tinyvm_flat32(&v, 0, PROG);
		v.set.cpu[0]->halted = false;
		CHECK(tinyvm_run(&v, 0));
		CHECK_EQ(v.set.cpu[0]->gpr[REG_BX], run ? 400 : 200);
		for (unsigned i = 0; i < 100; i++)
			CHECK(mem_space_copy_to(&v.mem, PROG + 8, &two, 1));
	}
	tinyvm_fini(&v);
}

TEST(debugger_breaks_steps_and_watches)
{
	struct tinyvm v;
	struct cpu *c;
	uint64_t lin;
	struct cpu_break b = { CPU_BREAK_EXEC, PROG + 9, 1 }; /* dec %ecx */
	struct cpu_break w = { CPU_BREAK_WRITE, 0x5000, 4 };

	tinyvm_init(&v, 1, "pentium3");
	c = v.set.cpu[0];
	tinyvm_load(&v, PROG, GUEST_BYTES(loop32));
	tinyvm_flat32(&v, 0, PROG);
	cpu_debug_set_breaks(&v.set, &b, 1);
	CHECK_EQ(cpu_run(c, UINT64_MAX), CPU_EXIT_STOP);
	CHECK_EQ(v.debug_why, CPU_DEBUG_BREAK);
	CHECK(cpu_debug_where(c, &lin) != NULL);
	CHECK_EQ(c->gpr[REG_RIP], PROG + 9);
	CHECK_EQ(c->gpr[REG_CX], 100000);
	CHECK_EQ(cpu_run(c, UINT64_MAX), CPU_EXIT_STOP);
	CHECK_EQ(c->gpr[REG_CX], 99999);
	cpu_debug_step(c, true);
	CHECK_EQ(cpu_run(c, UINT64_MAX), CPU_EXIT_STOP);
	CHECK_EQ(v.debug_why, CPU_DEBUG_STEP);
	CHECK_EQ(c->gpr[REG_RIP], PROG + 10);
	cpu_debug_step(c, false);
	cpu_debug_set_breaks(&v.set, &w, 1);
	tinyvm_load(&v, PROG, GUEST_BYTES(locked));
	tinyvm_flat32(&v, 0, PROG);
	CHECK_EQ(cpu_run(c, UINT64_MAX), CPU_EXIT_STOP);
	CHECK_EQ(v.debug_why, CPU_DEBUG_DATA);
	CHECK_EQ(tinyvm_r32(&v, 0x5000), 1);
	tinyvm_fini(&v);
}

TEST(saved_state_goes_on_where_it_was)
{
	struct tinyvm v, u;
	struct cpu *c;
	struct buf b;
	struct err e;

	tinyvm_init(&v, 1, "pentium3");
	tinyvm_load(&v, PROG, GUEST_BYTES(loop32));
	tinyvm_flat32(&v, 0, PROG);
	CHECK_EQ(cpu_run(v.set.cpu[0], 5000), CPU_EXIT_BUDGET);
	buf_init(&b, 1 << 16);
	cpu_save(v.set.cpu[0], &b);
	CHECK(!b.failed);
	tinyvm_init(&u, 1, "pentium3");
	tinyvm_load(&u, PROG, GUEST_BYTES(loop32));
	c = u.set.cpu[0];
	CHECK_EQ(cpu_load(c, &b, &e), 0);
	CHECK(tinyvm_run(&u, 0));
	CHECK_EQ(c->gpr[REG_AX], 5000050000ull & 0xffffffff);
	CHECK_EQ(c->icount, 300003);
	for (size_t cut = 0; cut < b.len; cut += 7) {
		struct buf r;

		buf_reader(&r, b.data, cut);
		CHECK(cpu_load(c, &r, &e) != 0);
	}
	buf_fini(&b);
	tinyvm_fini(&u);
	tinyvm_fini(&v);
}

TEST_MAIN()
