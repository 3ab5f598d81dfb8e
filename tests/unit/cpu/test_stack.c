/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stack frames: what ENTER leaves behind, and where it faults. */
#include "tests/unit/cpu/pm.h"

GUEST(enter_16, ".code32\n mov %ax, %ss\n enter $8, $0\n hlt");

/* SS is 16 bits wide, the operand 32: EBP takes ESP whole, only SP is used as address. */
TEST(enter_keeps_the_upper_half_on_a_16_bit_stack)
{
	struct pm p;

	pm_init(&p, "486");
	pm_start(&p, 0, GUEST_BYTES(enter_16));
	p.c->gpr[REG_AX] = S_DATA16;
	p.c->gpr[REG_SP] = 0x5e000;
	p.c->gpr[REG_BP] = 0x12345678;
	CHECK_EQ(pm_run(&p), -1);
	CHECK_EQ(p.c->gpr[REG_BP], 0x5dffc);
	CHECK_EQ(p.c->gpr[REG_SP], 0x5dff4);
	CHECK_EQ(tinyvm_r32(&p.v, 0xdffc), 0x12345678);
	pm_fini(&p);
}

GUEST(enter_far_down, ".code32\n enter $0x1800, $0\n hlt");

/* The final stack pointer needs a writable page for a whole operand, though none is stored. */
TEST(enter_faults_where_the_next_push_could_not_go)
{
	static const struct {
		uint32_t final;
		uint32_t cr2; /* 0: works */
	} row[] = { { 0x50ffc, 0 }, { 0x50ffd, 0x51000 }, { 0x51000, 0x51000 },
		{ 0x51ffc, 0x51ffc }, { 0x52000, 0 } };

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;
		uint32_t sp = row[i].final + 0x1804;

		pm_init(&p, "486");
		pm_paging(&p);
		pm_set_pte(&p, 0x51000, 0x51000 | 5); /* read-only */
		p.c->cr0 |= CR0_WP;
		pm_start(&p, 3, GUEST_BYTES(enter_far_down));
		p.c->gpr[REG_SP] = sp;
		p.c->gpr[REG_BP] = 0x12345678;
		if (!row[i].cr2) {
			CHECK_EQ(pm_run(&p), EXC_GP); /* the HLT behind */
			CHECK_EQ(p.c->gpr[REG_BP], sp - 4);
		} else {
			CHECK_EQ(pm_run(&p), EXC_PF);
			CHECK_EQ(p.c->cr2, row[i].cr2);
			CHECK_EQ(p.c->gpr[REG_BP], 0x12345678);
			CHECK_EQ(pm_stack(&p, 0), 7);
			CHECK_EQ(pm_stack(&p, 1), PM_CODE);
			CHECK_EQ(pm_stack(&p, 4), sp);
		}
		pm_fini(&p);
	}
}

TEST_MAIN()
