/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hardware task switches. */
#include "tests/unit/cpu/pm.h"

enum { TASK2 = 0xb000, STACK2 = 0xd000 };

static void
fill_tss(struct pm *p, uint32_t at, uint32_t eip, uint32_t eflags)
{
	static const uint16_t seg[] = { S_DATA0, S_CODE0, S_DATA0, S_DATA0, 0, 0 };

	for (unsigned i = 0; i < 0x68; i += 4)
		tinyvm_w32(&p->v, at + i, 0);
	tinyvm_w32(&p->v, at + 0x20, eip);
	tinyvm_w32(&p->v, at + 0x24, eflags);
	for (unsigned i = 0; i < 8; i++)
		tinyvm_w32(&p->v, at + 0x28 + i * 4, 0x1000 + i);
	tinyvm_w32(&p->v, at + 0x38, STACK2);
	for (unsigned i = 0; i < 6; i++)
		tinyvm_w32(&p->v, at + 0x48 + i * 4, seg[i]);
	tinyvm_w32(&p->v, at + 0x64, 0x01ff0000);
}

static unsigned
desc_type(struct pm *p, uint16_t sel)
{
	return tinyvm_r32(&p->v, PM_GDT + (sel & ~7u) + 4) >> 8 & 0xff;
}

static void
setup(struct pm *p)
{
	pm_init(p, "pentium3");
	fill_tss(p, PM_TSS2, TASK2, 2);
	tinyvm_load(&p->v, TASK2, "\xf4", 1);
}

GUEST(jmp_tss, ".code32\n mov $0x55, %ecx\n ljmp $0x40, $0\n hlt");
GUEST(call_tss, ".code32\n mov $0x55, %ecx\n lcall $0x40, $0\n mov $0x77, %edx\n hlt");
GUEST(iret, ".code32\n mov $0x66, %eax\n iret\n hlt");

TEST(jmp_to_a_tss_saves_and_loads_everything)
{
	struct pm p;

	setup(&p);
	pm_start(&p, 0, GUEST_BYTES(jmp_tss));
	p.c->dr[7] |= 0x155 | 2;
	CHECK_EQ(pm_run(&p), -1);
	CHECK_EQ(p.c->gpr[REG_RIP], TASK2 + 1);
	CHECK_EQ(p.c->gpr[REG_CX], 0x1001);
	CHECK_EQ(p.c->gpr[REG_SP], STACK2);
	CHECK_EQ(p.c->seg[SEG_TR].sel, S_TSS2);
	CHECK_EQ(p.c->seg[SEG_FS].sel, 0);
	CHECK(p.c->cr0 & CR0_TS);
	CHECK_EQ(p.c->dr[7] & 0x3ff, 2); /* local breakpoints are off */
	CHECK(!(p.c->eflags & FL_NT));
	CHECK_EQ(desc_type(&p, S_TSS), 0x89);
	CHECK_EQ(desc_type(&p, S_TSS2), 0x8b);
	CHECK_EQ(tinyvm_r32(&p.v, PM_TSS + 0x20), PM_CODE + 12);
	CHECK_EQ(tinyvm_r32(&p.v, PM_TSS + 0x2c), 0x55);
	CHECK_EQ(tinyvm_r32(&p.v, PM_TSS + 0x38), PM_STACK0);
	CHECK_EQ(tinyvm_r32(&p.v, PM_TSS + 0x4c), S_CODE0);
	pm_fini(&p);
}

TEST(call_nests_and_iret_comes_back)
{
	struct pm p;

	setup(&p);
	tinyvm_load(&p.v, TASK2, GUEST_BYTES(iret));
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(call_tss)), -1);
	CHECK_EQ(p.c->gpr[REG_DX], 0x77);
	CHECK_EQ(p.c->gpr[REG_CX], 0x55);
	CHECK_EQ(p.c->seg[SEG_TR].sel, S_TSS);
	CHECK_EQ(desc_type(&p, S_TSS), 0x8b);
	CHECK_EQ(desc_type(&p, S_TSS2), 0x89);
	CHECK_EQ(tinyvm_r32(&p.v, PM_TSS2) & 0xffff, S_TSS);
	CHECK_EQ(tinyvm_r32(&p.v, PM_TSS2 + 0x28), 0x66); /* what IRET saved */
	CHECK(!(tinyvm_r32(&p.v, PM_TSS2 + 0x24) & FL_NT));
	CHECK_EQ(tinyvm_r32(&p.v, PM_TSS2 + 0x20), TASK2 + 6);
	pm_fini(&p);
}

GUEST(bad_sel, ".code32\n mov $0x1234, %ax\n mov %ax, %ds\n hlt");

TEST(an_exception_through_a_task_gate)
{
	struct pm p;

	setup(&p);
	pm_set_idt(&p, EXC_GP, pm_gate(0x85, S_TSS2, 0, 0));
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(bad_sel)), -1);
	CHECK_EQ(p.c->gpr[REG_RIP], TASK2 + 1);
	CHECK(p.c->eflags & FL_NT);
	CHECK_EQ(p.c->gpr[REG_SP], STACK2 - 4);
	CHECK_EQ(tinyvm_r32(&p.v, STACK2 - 4), 0x1234);
	CHECK_EQ(tinyvm_r32(&p.v, PM_TSS + 0x20), PM_CODE + 4);
	CHECK(tinyvm_r32(&p.v, PM_TSS + 0x24) & FL_RF);
	CHECK_EQ(desc_type(&p, S_TSS), 0x8b); /* both busy: nested */
	CHECK_EQ(desc_type(&p, S_TSS2), 0x8b);
	pm_fini(&p);
}

TEST(tss_descriptors_that_cannot_be_switched_to)
{
	static const struct {
		unsigned access, limit;
		int vector;
	} row[] = {
		{ 0x8b, 0x1ff, EXC_GP }, /* busy */
		{ 0x09, 0x1ff, EXC_NP },
		{ 0x89, 0x66, EXC_TS },
		{ 0x81, 0x2a, EXC_TS },
		{ 0x82, 0x1ff, EXC_GP },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;

		setup(&p);
		pm_set_desc(&p, S_TSS2, pm_desc(PM_TSS2, row[i].limit, row[i].access, 0));
		CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(jmp_tss)), row[i].vector);
		CHECK_EQ(pm_stack(&p, 0), S_TSS2);
		CHECK_EQ(pm_stack(&p, 1), PM_CODE + 5); /* still the old task */
		CHECK_EQ(p.c->seg[SEG_TR].sel, S_TSS);
		CHECK_EQ(desc_type(&p, S_TSS), 0x8b);
		pm_fini(&p);
	}
}

TEST(a_bad_selector_in_the_new_tss_faults_in_the_new_task)
{
	static const struct {
		unsigned off;
		uint16_t sel;
		int vector;
		uint32_t error;
	} row[] = {
		{ 0x4c, S_DATA0, EXC_TS, S_DATA0 },             /* CS */
		{ 0x4c, 0, EXC_TS, 0 }, { 0x50, 0, EXC_TS, 0 }, /* SS */
		{ 0x54, 0x400, EXC_TS, 0x400 },                 /* DS */
		{ 0x60, S_DATA0, EXC_TS, S_DATA0 },             /* LDT */
		{ 0x58, S_SPARE, EXC_NP, S_SPARE },             /* FS */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;
		uint32_t sp;

		setup(&p);
		pm_set_desc(&p, S_SPARE, pm_desc(0, 0xffff, 0x13, 0));
		tinyvm_w32(&p.v, PM_TSS2 + row[i].off, row[i].sel);
		/* the handler has a task of its own: the new one may have no stack */
		fill_tss(&p, 0x7400, PM_HANDLERS + (unsigned)row[i].vector * 16, 2);
		pm_set_desc(&p, S_SPARE2, pm_desc(0x7400, 0x1ff, 0x89, 0));
		pm_set_idt(&p, (unsigned)row[i].vector, pm_gate(0x85, S_SPARE2, 0, 0));
		CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(jmp_tss)), row[i].vector);
		sp = (uint32_t)p.c->gpr[REG_SP];
		CHECK_EQ(tinyvm_r32(&p.v, sp), row[i].error);
		CHECK_EQ(tinyvm_r32(&p.v, 0x7400) & 0xffff, S_TSS2);
		CHECK_EQ(tinyvm_r32(&p.v, PM_TSS2 + 0x20), TASK2);
		pm_fini(&p);
	}
}

TEST(a_16_bit_tss)
{
	struct pm p;

	setup(&p);
	pm_set_desc(&p, S_TSS2, pm_desc(PM_TSS2, 0x2b, 0x81, 0));
	for (unsigned i = 0; i < 0x2c; i += 4)
		tinyvm_w32(&p.v, PM_TSS2 + i, 0);
	tinyvm_w32(&p.v, PM_TSS2 + 0x0e, TASK2 | 2 << 16);
	tinyvm_w32(&p.v, PM_TSS2 + 0x12, 0x1111 | 0x2222u << 16);
	tinyvm_w32(&p.v, PM_TSS2 + 0x1a, STACK2);
	tinyvm_w32(&p.v, PM_TSS2 + 0x22, S_DATA0 | S_CODE0 << 16);
	tinyvm_w32(&p.v, PM_TSS2 + 0x26, S_DATA0 | S_DATA0 << 16);
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(jmp_tss)), -1);
	CHECK_EQ(p.c->gpr[REG_RIP], TASK2 + 1);
	CHECK_EQ(p.c->gpr[REG_AX] & 0xffff, 0x1111);
	CHECK_EQ(p.c->gpr[REG_CX] & 0xffff, 0x2222);
	CHECK_EQ(p.c->gpr[REG_SP] & 0xffff, STACK2);
	CHECK_EQ(desc_type(&p, S_TSS2), 0x83);
	pm_fini(&p);
}

TEST(the_t_bit_traps_before_the_first_instruction)
{
	struct pm p;

	setup(&p);
	tinyvm_w32(&p.v, PM_TSS2 + 0x64, 0x01ff0001);
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(jmp_tss)), EXC_DB);
	CHECK_EQ(pm_stack(&p, 0), TASK2);
	CHECK(p.c->dr[6] & 0x8000);
	pm_fini(&p);
}

TEST(cr3_comes_from_the_tss)
{
	struct pm p;

	setup(&p);
	pm_paging(&p);
	/* other tables that map the page of TASK2's data elsewhere */
	for (unsigned i = 0; i < 1024; i++)
		tinyvm_w32(&p.v, 0x31000 + i * 4, i << 12 | 7);
	tinyvm_w32(&p.v, 0x31000 + 0x100 * 4, 0x105007);
	tinyvm_w32(&p.v, 0x30000, 0x31007);
	tinyvm_w32(&p.v, 0x105000, 0x5678);
	tinyvm_w32(&p.v, PM_TSS2 + 0x1c, 0x30000);
	tinyvm_load(&p.v, TASK2, "\xa1\x00\x00\x10\x00\xf4", 6); /* mov eax, [100000] */
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(jmp_tss)), -1);
	CHECK_EQ(p.c->gpr[REG_AX], 0x5678);
	CHECK_EQ(p.c->cr3, 0x30000);
	pm_fini(&p);
}

TEST(iret_with_a_bad_back_link)
{
	struct pm p;

	setup(&p);
	tinyvm_load(&p.v, TASK2, GUEST_BYTES(iret));
	pm_start(&p, 0, GUEST_BYTES(iret));
	p.c->eflags |= FL_NT;
	tinyvm_w32(&p.v, PM_TSS, S_TSS2); /* available, not busy */
	CHECK_EQ(pm_run(&p), EXC_TS);
	CHECK_EQ(pm_stack(&p, 0), S_TSS2);
	CHECK_EQ(pm_stack(&p, 1), PM_CODE + 5);
	pm_fini(&p);
}

TEST(level_3_needs_a_gate)
{
	static const uint8_t code[] = { 0xea, 0, 0, 0, 0, 0x6b, 0x00 }; /* jmp 6b:0 */
	struct pm p;

	setup(&p);
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(jmp_tss)), EXC_GP);
	CHECK_EQ(pm_stack(&p, 0), S_TSS2);
	pm_set_desc(&p, S_GATE, pm_gate(0xe5, S_TSS2, 0, 0));
	CHECK_EQ(pm_exec(&p, 3, code, sizeof(code)), -1);
	CHECK_EQ(p.c->gpr[REG_RIP], TASK2 + 1);
	CHECK_EQ(p.c->cpl, 0);
	pm_fini(&p);
}

TEST_MAIN()
