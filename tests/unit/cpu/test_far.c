/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Far jumps, calls and returns, call gates, SYSENTER/SYSCALL, mode switches. */
#include "cpu/x86/msr.h"
#include "tests/unit/cpu/pm.h"

enum { TARGET = 0xb000 };

GUEST(hlt, ".code32\n hlt");
GUEST(jmp_far, ".code32\n ljmp *(%ebx)\n hlt");
GUEST(call_far, ".code32\n lcall *(%ebx)\n hlt");

/* Runs a far transfer to sel:TARGET, where a HLT waits; -1 = got there. */
static int
go(struct pm *p, unsigned cpl, bool call, uint16_t sel)
{
	tinyvm_load(&p->v, TARGET, GUEST_BYTES(hlt));
	tinyvm_w32(&p->v, 0x1200, TARGET);
	tinyvm_w32(&p->v, 0x1204, sel);
	if (call)
		pm_start(p, cpl, GUEST_BYTES(call_far));
	else
		pm_start(p, cpl, GUEST_BYTES(jmp_far));
	p->c->gpr[REG_BX] = 0x1200;
	return pm_run(p);
}

TEST(direct_jumps_check_type_level_and_presence)
{
	static const struct {
		uint16_t sel;
		unsigned access; /* of S_SPARE */
		unsigned limit;
		int vector;
		uint32_t error;
	} row[] = {
		{ S_SPARE, 0x9b, 0xffff, -1, 0 },
		{ S_SPARE, 0x99, 0xffff, -1, 0 },     /* execute-only */
		{ S_SPARE | 3, 0x9f, 0xffff, -1, 0 }, /* conforming */
		{ 0, 0, 0, EXC_GP, 0 },
		{ S_SPARE, 0x93, 0xffff, EXC_GP, S_SPARE },
		{ S_SPARE, 0xfb, 0xffff, EXC_GP, S_SPARE },     /* DPL != CPL */
		{ S_SPARE, 0xff, 0xffff, EXC_GP, S_SPARE },     /* conforming, DPL > CPL */
		{ S_SPARE | 3, 0x9b, 0xffff, EXC_GP, S_SPARE }, /* RPL > CPL */
		{ S_SPARE, 0x1b, 0xffff, EXC_NP, S_SPARE },
		{ S_SPARE, 0x9b, TARGET - 1, EXC_GP, 0 },   /* offset beyond limit */
		{ S_SPARE, 0x8e, 0xffff, EXC_GP, S_SPARE }, /* interrupt gate */
		{ PM_NGDT, 0, 0, EXC_GP, PM_NGDT },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row) * 2; i++) {
		unsigned k = i / 2;
		struct pm p;

		pm_init(&p, "pentium3");
		pm_set_desc(&p, S_SPARE, pm_desc(0, row[k].limit, row[k].access, 0x4));
		CHECK_EQ((unsigned)go(&p, 0, i & 1, row[k].sel), (unsigned)row[k].vector);
		if (row[k].vector >= 0) {
			CHECK_EQ(pm_stack(&p, 0), row[k].error);
			CHECK_EQ(pm_stack(&p, 1), PM_CODE);
			CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0 - 16);
		} else {
			CHECK_EQ(p.c->gpr[REG_RIP], TARGET + 1);
			CHECK_EQ(p.c->seg[SEG_CS].sel, row[k].sel & ~3);
			CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0 - (i & 1 ? 8 : 0));
		}
		pm_fini(&p);
	}
}

/* ---- call gates ---- */

GUEST(push_and_call, ".code32\n push $0x11\n push $0x22\n push $0x33\n lcall $0x6b, $0\n hlt");

TEST(a_call_gate_switches_stacks_and_copies_parameters)
{
	struct pm p;

	pm_init(&p, "pentium3");
	tinyvm_load(&p.v, TARGET, GUEST_BYTES(hlt));
	pm_set_desc(&p, S_GATE, pm_gate(0xec, S_CODE0 | 3, TARGET, 3));
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(push_and_call)), -1);
	CHECK_EQ(p.c->gpr[REG_RIP], TARGET + 1);
	CHECK_EQ(p.c->cpl, 0);
	CHECK_EQ(p.c->seg[SEG_CS].sel, S_CODE0);
	CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0 - 7 * 4);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE + 13);
	CHECK_EQ(pm_stack(&p, 1), S_CODE3);
	CHECK_EQ(pm_stack(&p, 2), 0x33);
	CHECK_EQ(pm_stack(&p, 3), 0x22);
	CHECK_EQ(pm_stack(&p, 4), 0x11);
	CHECK_EQ(pm_stack(&p, 5), PM_STACK3 - 12);
	CHECK_EQ(pm_stack(&p, 6), S_DATA3);
	pm_fini(&p);
}

GUEST(retf_12, ".code32\n lret $12");

TEST(retf_with_parameters_releases_both_stacks)
{
	struct pm p;

	pm_init(&p, "pentium3");
	tinyvm_load(&p.v, TARGET, GUEST_BYTES(retf_12));
	pm_set_desc(&p, S_GATE, pm_gate(0xec, S_CODE0, TARGET, 3));
	/* back at level 3 the HLT is #GP */
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(push_and_call)), EXC_GP);
	CHECK_EQ(pm_stack(&p, 1), PM_CODE + 13);
	CHECK_EQ(pm_stack(&p, 2), S_CODE3);
	CHECK_EQ(pm_stack(&p, 4), PM_STACK3);
	CHECK_EQ(pm_stack(&p, 5), S_DATA3);
	pm_fini(&p);
}

TEST(a_16_bit_gate_and_one_to_the_same_level)
{
	struct pm p;

	pm_init(&p, "pentium3");
	tinyvm_load(&p.v, TARGET, GUEST_BYTES(hlt));
	pm_set_desc(&p, S_GATE, pm_gate(0xe4, S_CODE0, 0x50000 | TARGET, 1));
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(push_and_call)), -1);
	CHECK_EQ(p.c->gpr[REG_RIP], TARGET + 1); /* the upper half of the offset is ignored */
	CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0 - 5 * 2);
	CHECK_EQ(pm_stack(&p, 0), (PM_CODE + 13) | (uint32_t)S_CODE3 << 16);
	CHECK_EQ(pm_stack(&p, 1), 0x33 | (uint32_t)(PM_STACK3 - 12) << 16);
	/* same level: no new stack, no parameters */
	pm_set_desc(&p, S_GATE, pm_gate(0xec, S_CODE0, TARGET, 3));
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(push_and_call)), -1);
	CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0 - 5 * 4);
	/* conforming target: still at level 3, where HLT faults */
	pm_set_desc(&p, S_GATE, pm_gate(0xec, S_CONF, TARGET, 3));
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(push_and_call)), EXC_GP);
	CHECK_EQ(pm_stack(&p, 1), TARGET);
	CHECK_EQ(pm_stack(&p, 2), S_CONF | 3);
	pm_fini(&p);
}

TEST(call_gates_that_must_not_be_passed)
{
	static const struct {
		uint64_t type;
		uint16_t sel;
		int vector;
		uint32_t error;
	} row[] = {
		{ 0x8c, S_CODE0, EXC_GP, S_GATE }, /* gate DPL 0 */
		{ 0x6c, S_CODE0, EXC_NP, S_GATE },
		{ 0xec, 0, EXC_GP, 0 },
		{ 0xec, S_DATA0, EXC_GP, S_DATA0 },
		{ 0xec, S_SPARE, EXC_NP, S_SPARE },
		{ 0xec, 0x400, EXC_GP, 0x400 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;

		pm_init(&p, "pentium3");
		pm_set_desc(&p, S_SPARE, pm_desc(0, 0xffff, 0x1b, 0x4));
		pm_set_desc(&p, S_GATE, pm_gate((unsigned)row[i].type, row[i].sel, TARGET, 0));
		CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(push_and_call)), row[i].vector);
		CHECK_EQ(pm_stack(&p, 0), row[i].error);
		CHECK_EQ(pm_stack(&p, 1), PM_CODE + 6);
		pm_fini(&p);
	}
}

TEST(a_call_gate_with_a_bad_inner_stack)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_set_desc(&p, S_GATE, pm_gate(0xec, S_CODE1, TARGET, 3));
	tinyvm_w32(&p.v, PM_TSS + 16, S_DATA0); /* SS1 must have RPL = DPL = 1 */
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(push_and_call)), EXC_TS);
	CHECK_EQ(pm_stack(&p, 0), S_DATA0);
	tinyvm_w32(&p.v, PM_TSS + 16, 0);
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(push_and_call)), EXC_TS);
	CHECK_EQ(pm_stack(&p, 0), 0);
	/* too little room for seven items: #SS with the new selector */
	pm_set_desc(&p, S_SPARE, pm_desc(0, 0xffff, 0xb3, 0x4));
	tinyvm_w32(&p.v, PM_TSS + 16, S_SPARE | 1);
	tinyvm_w32(&p.v, PM_TSS + 12, 24);
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(push_and_call)), EXC_SS);
	CHECK_EQ(pm_stack(&p, 0), S_SPARE);
	pm_fini(&p);
}

/* ---- returns ---- */

GUEST(retf, ".code32\n push %eax\n push %ebx\n lret");

TEST(retf_refuses_inner_levels_and_wrong_types)
{
	static const struct {
		uint16_t sel;
		unsigned cpl;
		int vector;
		uint32_t error;
	} row[] = {
		{ S_CODE0, 0, -1, 0 }, { 0, 0, EXC_GP, 0 },
		{ S_CODE0, 3, EXC_GP, S_CODE0 }, /* RPL < CPL */
		{ S_DATA0, 0, EXC_GP, S_DATA0 },
		{ S_CODE3 & ~3, 0, EXC_GP, S_CODE3 & ~3 }, /* DPL != RPL */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;

		pm_init(&p, "pentium3");
		tinyvm_load(&p.v, TARGET, GUEST_BYTES(hlt));
		pm_start(&p, row[i].cpl, GUEST_BYTES(retf));
		p.c->gpr[REG_AX] = row[i].sel;
		p.c->gpr[REG_BX] = TARGET;
		CHECK_EQ((unsigned)pm_run(&p), (unsigned)row[i].vector);
		if (row[i].vector >= 0)
			CHECK_EQ(pm_stack(&p, 0), row[i].error);
		pm_fini(&p);
	}
}

/* ---- long mode ---- */

GUEST(long_call, ".code64\n lcall *(%rbx)\n hlt");

TEST(a_64_bit_call_gate)
{
	struct pm p;

	pm_init(&p, "x86-64-v2");
	tinyvm_load(&p.v, TARGET, GUEST_BYTES(hlt));
	tinyvm_w32(&p.v, 0x1204, S_GATE | 3);
	pm_start64(&p, 3, GUEST_BYTES(long_call));
	pm_set_desc(&p, S_GATE, pm_gate(0xec, S_CODE64, TARGET, 5));
	tinyvm_w64(&p.v, PM_GDT + S_GATE + 8, 0);
	p.c->gpr[REG_BX] = 0x1200;
	CHECK_EQ(pm_run(&p), -1);
	CHECK_EQ(p.c->cpl, 0);
	CHECK_EQ(p.c->seg[SEG_SS].sel, 0);
	CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0 - 32);
	CHECK_EQ(pm_stack(&p, 1), S_CODE64_3);
	CHECK_EQ(pm_stack(&p, 2), PM_STACK3);
	/* a type in the upper half is #GP(gate) */
	tinyvm_w64(&p.v, PM_GDT + S_GATE + 8, 0x10000000000);
	pm_start64(&p, 3, GUEST_BYTES(long_call));
	p.c->gpr[REG_BX] = 0x1200;
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(pm_stack(&p, 0), S_GATE);
	/* the target must be 64-bit code */
	tinyvm_w64(&p.v, PM_GDT + S_GATE + 8, 0);
	pm_set_desc(&p, S_GATE, pm_gate(0xec, S_CODE0, TARGET, 0));
	pm_start64(&p, 3, GUEST_BYTES(long_call));
	p.c->gpr[REG_BX] = 0x1200;
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(pm_stack(&p, 0), S_CODE0);
	pm_fini(&p);
}

/* Real mode to long mode and down to compatibility mode, all by the guest itself. */
GUEST(into_long, ".code32\n"
		 "mov %cr4, %eax\n or $0x20, %eax\n mov %eax, %cr4\n"
		 "mov $0x2000, %eax\n mov %eax, %cr3\n"
		 "mov $0xc0000080, %ecx\n rdmsr\n or $0x100, %eax\n wrmsr\n"
		 "mov %cr0, %eax\n or $0x80000000, %eax\n mov %eax, %cr0\n"
		 "rdmsr\n mov %eax, %esi\n"
		 "ljmp $0x78, $0xb000\n");
GUEST(in_long, ".code64\n movabs $0x123456789abcdef0, %rdi\n"
	       "push $0x08\n push $0xb100\n lretq\n");
GUEST(in_compat, ".code32\n mov $0xffffffff, %ebx\n inc %eax\n hlt");

TEST(the_way_into_long_mode_and_compatibility_mode)
{
	struct pm p;

	pm_init(&p, "x86-64-v2");
	tinyvm_flat64(&p.v, 0, 0); /* for its page tables only */
	p.c->cr0 = CR0_PE | CR0_ET;
	p.c->cr4 = p.c->cr3 = p.c->msr.efer = 0;
	p.c->long_mode = false;
	p.c->gdtr = (struct dtable){ PM_GDT, PM_NGDT - 1 };
	tinyvm_load(&p.v, 0xb000, GUEST_BYTES(in_long));
	tinyvm_load(&p.v, 0xb100, GUEST_BYTES(in_compat));
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(into_long)), -1);
	CHECK_EQ(p.c->gpr[REG_RIP], 0xb107);
	CHECK_EQ(p.c->gpr[REG_SI], EFER_LME | EFER_LMA);
	CHECK_EQ(p.c->gpr[REG_DI], 0x123456789abcdef0);
	CHECK_EQ(p.c->bits, BITS32);
	CHECK(p.c->long_mode);
	pm_fini(&p);
}

/* ---- fast system calls ---- */

GUEST(sysenter, ".code32\n sysenter\n hlt");
GUEST(sysexit, ".code32\n sysexit");
GUEST(ud2, ".code32\n ud2");

TEST(sysenter_and_sysexit)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(sysenter)), EXC_GP); /* SYSENTER_CS = 0 */
	CHECK(msr_write(p.c, MSR_SYSENTER_CS, S_CODE0));
	CHECK(msr_write(p.c, MSR_SYSENTER_ESP, 0xd000));
	CHECK(msr_write(p.c, MSR_SYSENTER_EIP, TARGET));
	tinyvm_load(&p.v, TARGET, GUEST_BYTES(hlt));
	pm_start(&p, 3, GUEST_BYTES(sysenter));
	p.c->eflags |= FL_IF;
	CHECK_EQ(pm_run(&p), -1);
	CHECK_EQ(p.c->cpl, 0);
	CHECK_EQ(p.c->gpr[REG_SP], 0xd000);
	CHECK_EQ(p.c->seg[SEG_SS].sel, S_CODE0 + 8);
	CHECK(!(p.c->eflags & FL_IF));
	tinyvm_load(&p.v, TARGET, GUEST_BYTES(ud2));
	pm_start(&p, 0, GUEST_BYTES(sysexit));
	p.c->gpr[REG_DX] = TARGET;
	p.c->gpr[REG_CX] = 0xf000;
	CHECK_EQ(pm_run(&p), EXC_UD);
	CHECK_EQ(pm_stack(&p, 0), TARGET);
	CHECK_EQ(pm_stack(&p, 1), (S_CODE0 + 16) | 3);
	CHECK_EQ(pm_stack(&p, 3), 0xf000);
	CHECK_EQ(pm_stack(&p, 4), (S_CODE0 + 24) | 3);
	/* SYSEXIT is for level 0 */
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(sysexit)), EXC_GP);
	pm_fini(&p);
}

GUEST(syscall, ".code64\n syscall\n ud2");
GUEST(sysret, ".code64\n sysretq");

TEST(syscall_and_sysret)
{
	struct pm p;

	pm_init(&p, "x86-64-v2");
	tinyvm_load(&p.v, TARGET, GUEST_BYTES(sysret));
	pm_start64(&p, 3, GUEST_BYTES(syscall));
	CHECK(
	    msr_write(p.c, MSR_STAR, (uint64_t)S_CODE64 << 32 | (uint64_t)(S_CODE64_3 - 16) << 48));
	CHECK(msr_write(p.c, MSR_LSTAR, TARGET));
	CHECK(msr_write(p.c, MSR_FMASK, FL_IF | FL_DF));
	CHECK(!msr_write(p.c, MSR_LSTAR, 0x800000000000));
	p.c->eflags |= FL_DF;
	flags_set_arith(p.c, FL_CF);
	CHECK_EQ(pm_run(&p), EXC_UD);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE + 2);
	CHECK_EQ(pm_stack(&p, 1), S_CODE64_3);
	CHECK_EQ(pm_stack(&p, 2) & (FL_DF | FL_CF), FL_DF | FL_CF);
	CHECK_EQ(p.c->gpr[REG_CX], PM_CODE + 2);
	CHECK_EQ(p.c->gpr[11] & (FL_DF | FL_CF), FL_DF | FL_CF);
	p.c->msr.efer &= ~(uint64_t)EFER_SCE;
	pm_start(&p, 3, GUEST_BYTES(syscall));
	p.c->seg[SEG_CS].sel = S_CODE64_3;
	p.c->seg[SEG_CS].attr = DESC_P | DESC_S | DESC_L | DESC_DPL | 0xb;
	cpu_mode_derive(p.c);
	CHECK_EQ(pm_run(&p), EXC_UD);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE);
	pm_fini(&p);
}

GUEST(swapgs, ".code64\n swapgs\n mov %gs:0, %eax\n hlt");

TEST(swapgs_changes_the_base)
{
	struct pm p;

	pm_init(&p, "x86-64-v2");
	tinyvm_w32(&p.v, 0x1300, 0xabcd);
	pm_start64(&p, 0, GUEST_BYTES(swapgs));
	CHECK(msr_write(p.c, MSR_KERNEL_GS_BASE, 0x1300));
	CHECK(msr_write(p.c, MSR_GS_BASE, 0x7777));
	CHECK_EQ(pm_run(&p), -1);
	CHECK_EQ(p.c->gpr[REG_AX], 0xabcd);
	CHECK_EQ(p.c->msr.kernel_gs_base, 0x7777);
	pm_fini(&p);
}

TEST_MAIN()
