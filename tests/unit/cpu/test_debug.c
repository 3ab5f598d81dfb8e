/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug registers: breakpoints on code, data and ports, single step, GD, RF. */
#include "tests/unit/cpu/pm.h"

enum { BS = 0x4000, BD = 0x2000 };

GUEST(nops, ".code32\n nop\n nop\n nop\n hlt");
GUEST(iret, ".code32\n iret");

TEST(an_execution_breakpoint_is_a_fault_and_rf_passes_it)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_start(&p, 0, GUEST_BYTES(nops));
	p.c->dr[1] = PM_CODE + 1;
	p.c->dr[7] = 0x400 | 4; /* L1 */
	cpu_mode_derive(p.c);
	CHECK_EQ(pm_run(&p), EXC_DB);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE + 1);
	CHECK(!(pm_stack(&p, 2) & FL_RF));
	CHECK_EQ(p.c->dr[6] & 0xf, 2);
	/* the handler sets RF in the image: it goes on past the breakpoint */
	tinyvm_w32(&p.v, p.c->gpr[REG_SP] + 8, pm_stack(&p, 2) | FL_RF);
	tinyvm_load(&p.v, p.c->gpr[REG_RIP], GUEST_BYTES(iret));
	CHECK_EQ(pm_run(&p), -1);
	CHECK(!(p.c->eflags & FL_RF));
	pm_fini(&p);
}

GUEST(store, ".code32\n nop\n movw $1, 0x1203\n nop\n nop\n hlt");
GUEST(load, ".code32\n nop\n mov 0x1203, %al\n nop\n nop\n hlt");

TEST(data_breakpoints_trap_after_the_access)
{
	static const struct {
		uint32_t rw_len; /* DR7 bits 19..16 */
		bool store;
		bool hit;
	} row[] = {
		{ 0xd, true, true }, /* write, 4 bytes at 1204: bytes 1203..1204 overlap */
		{ 0x1, true, true },
		{ 0xd, false, false },
		{ 0xf, false, false }, /* the byte at 1203 is outside */
		{ 0x3, true, true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;

		pm_init(&p, "pentium3");
		if (row[i].store)
			pm_start(&p, 0, GUEST_BYTES(store));
		else
			pm_start(&p, 0, GUEST_BYTES(load));
		p.c->dr[0] = 0x1204;
		p.c->dr[7] = 0x400 | 2 | row[i].rw_len << 16;
		cpu_mode_derive(p.c);
		CHECK_EQ((unsigned)pm_run(&p), row[i].hit ? EXC_DB : -1u);
		if (row[i].hit) {
			CHECK_EQ(pm_stack(&p, 0), PM_CODE + 10);
			CHECK_EQ(p.c->dr[6] & 0xf, 1);
		}
		pm_fini(&p);
	}
}

GUEST(out, ".code32\n mov $0x80, %dx\n out %al, %dx\n nop\n hlt");

TEST(io_breakpoints_need_cr4_de)
{
	struct pm p;

	pm_init(&p, "pentium3");
	for (unsigned de = 0; de < 2; de++) {
		pm_start(&p, 0, GUEST_BYTES(out));
		p.c->cr4 = de ? CR4_DE : 0;
		p.c->dr[2] = 0x80;
		p.c->dr[7] = 0x400 | 0x20 | 2u << 24;
		cpu_mode_derive(p.c);
		CHECK_EQ((unsigned)pm_run(&p), de ? EXC_DB : -1u);
		if (de)
			CHECK_EQ(pm_stack(&p, 0), PM_CODE + 5);
	}
	pm_fini(&p);
}

GUEST(step, ".code32\n pushf\n orl $0x100, (%esp)\n popf\n nop\n nop\n hlt");

TEST(tf_traps_after_the_next_instruction)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(step)), EXC_DB);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE + 10); /* behind the first NOP */
	CHECK(p.c->dr[6] & BS);
	CHECK(pm_stack(&p, 2) & FL_TF);
	CHECK(!(p.c->eflags & FL_TF));
	pm_fini(&p);
}

GUEST(mov_dr, ".code32\n mov %dr0, %eax\n hlt");
GUEST(mov_dr4, ".code32\n mov %dr4, %eax\n hlt");
GUEST(write_dr7, ".code32\n mov $0xffffffff, %eax\n mov %eax, %dr6\n mov $0xdfff, %eax\n"
		 "mov %eax, %dr7\n mov %dr6, %ebx\n mov %dr7, %ecx\n hlt");

TEST(mov_dr_checks)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(mov_dr)), EXC_GP);
	pm_start(&p, 0, GUEST_BYTES(mov_dr4));
	CHECK_EQ(pm_run(&p), -1);
	CHECK_EQ(p.c->gpr[REG_AX], 0xffff0ff0); /* DR4 is DR6 */
	pm_start(&p, 0, GUEST_BYTES(mov_dr4));
	p.c->cr4 |= CR4_DE;
	CHECK_EQ(pm_run(&p), EXC_UD);
	/* GD: the access itself is the fault; the handler may use them (GD is cleared) */
	pm_start(&p, 0, GUEST_BYTES(mov_dr));
	p.c->dr[7] |= 0x2000;
	CHECK_EQ(pm_run(&p), EXC_DB);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE);
	CHECK(p.c->dr[6] & BD);
	CHECK(!(p.c->dr[7] & 0x2000));
	pm_start(&p, 0, GUEST_BYTES(write_dr7));
	p.c->dr[7] = 0x400;
	CHECK_EQ(pm_run(&p), -1);
	CHECK_EQ(p.c->gpr[REG_BX], 0xffffefff);
	CHECK_EQ(p.c->gpr[REG_CX], 0x7ff);
	pm_fini(&p);
}

GUEST(step_ss, ".code32\n mov $0x10, %eax\n pushf\n orl $0x100, (%esp)\n popf\n"
	       "mov %ax, %ss\n nop\n nop\n hlt");

TEST(mov_ss_puts_off_the_step_trap)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(step_ss)), EXC_DB);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE + 17); /* behind the NOP, not behind MOV SS */
	pm_fini(&p);
}

TEST_MAIN()
