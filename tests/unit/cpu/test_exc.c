/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Exceptions and interrupts: vectors, error codes, saved state, double and triple faults. */
#include "tests/unit/cpu/pm.h"

#define RUN(p, cpl, name) pm_exec(p, cpl, GUEST_BYTES(name))

/* ---- one instruction, one exception; the saved EIP is that of label 9 ---- */

GUEST(divide, ".code32\n xor %ecx, %ecx\n div %ecx\n hlt");
GUEST(breakpoint, ".code32\n int3\n hlt");
GUEST(undefined, ".code32\n nop\n ud2\n hlt");
GUEST(bound_range, ".code32\n mov $0xa010, %ebx\n mov $5, %eax\n bound %eax, (%ebx)\n hlt\n"
		   " .org guest_bound_range + 16\n .long 0, 4");
GUEST(no_math, ".code32\n mov %cr0, %eax\n or $4, %eax\n mov %eax, %cr0\n fld1\n hlt");
GUEST(bad_data_sel, ".code32\n mov $0x1234, %ax\n mov %ax, %ds\n hlt");
GUEST(ds_is_tss, ".code32\n mov $0x38, %ax\n mov %ax, %ds\n hlt");
GUEST(null_ds_use, ".code32\n xor %eax, %eax\n mov %ax, %es\n mov %es:(%eax), %ebx\n hlt");
GUEST(int_no_gate, ".code32\n int $0x80\n hlt");

static const struct {
	const uint8_t *code, *end;
	int vector;
	uint8_t eip_off; /* saved EIP - start */
	bool has_error;
	uint32_t error;
} simple[] = {
#define ROW(name, ...)                                                                             \
	{                                                                                          \
		guest_##name, guest_##name##_end, __VA_ARGS__                                      \
	}
	ROW(divide, EXC_DE, 2, false, 0),
	ROW(breakpoint, EXC_BP, 1, false, 0),
	ROW(undefined, EXC_UD, 1, false, 0),
	ROW(bound_range, EXC_BR, 10, false, 0),
	ROW(no_math, EXC_NM, 9, false, 0),
	ROW(bad_data_sel, EXC_GP, 4, true, 0x1234),
	ROW(ds_is_tss, EXC_GP, 4, true, S_TSS),
	ROW(null_ds_use, EXC_GP, 4, true, 0),
};

TEST(each_exception_has_its_vector_error_code_and_eip)
{
	for (unsigned i = 0; i < ARRAY_SIZE(simple); i++) {
		struct pm p;
		unsigned k = simple[i].has_error;

		pm_init(&p, "pentium3");
		p.c->eflags |= FL_IF;
		CHECK_EQ(pm_exec(&p, 0, simple[i].code, (size_t)(simple[i].end - simple[i].code)),
		    simple[i].vector);
		if (simple[i].has_error)
			CHECK_EQ(pm_stack(&p, 0), simple[i].error);
		CHECK_EQ(pm_stack(&p, k), PM_CODE + simple[i].eip_off);
		CHECK_EQ(pm_stack(&p, k + 1), S_CODE0);
		CHECK(pm_stack(&p, k + 2) & FL_IF);
		/* faults push RF, traps do not (SDM 3B 17.3.1.1) */
		CHECK_EQ(!!(pm_stack(&p, k + 2) & FL_RF), simple[i].vector != EXC_BP);
		CHECK(!(p.c->eflags & (FL_IF | FL_RF)));
		CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0 - 12 - 4 * k);
		pm_fini(&p);
	}
}

TEST(an_interrupt_gate_clears_if_and_a_trap_gate_does_not)
{
	struct pm p;

	pm_init(&p, "pentium3");
	p.c->eflags |= FL_IF;
	/* the trap gate's handler runs with IF = 1: CLI before the HLT ends the run */
	tinyvm_load(&p.v, PM_HANDLERS + 3 * 16, "\x9c\xfa\xf4", 3); /* pushf cli hlt */
	pm_set_idt(&p, 3, pm_gate(0x8f, S_CODE0, PM_HANDLERS + 3 * 16, 0));
	CHECK_EQ(RUN(&p, 0, breakpoint), 3);
	CHECK(pm_stack(&p, 0) & FL_IF);
	pm_set_idt(&p, 3, pm_gate(0x8e, S_CODE0, PM_HANDLERS + 3 * 16, 0));
	p.c->eflags |= FL_IF;
	CHECK_EQ(RUN(&p, 0, breakpoint), 3);
	CHECK(!(pm_stack(&p, 0) & FL_IF));
	pm_fini(&p);
}

TEST(from_level_3_the_stack_comes_from_the_tss)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(RUN(&p, 3, divide), EXC_DE);
	CHECK_EQ(p.c->cpl, 0);
	CHECK_EQ(p.c->seg[SEG_SS].sel, S_DATA0);
	CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0 - 20);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE + 2);
	CHECK_EQ(pm_stack(&p, 1), S_CODE3);
	CHECK_EQ(pm_stack(&p, 3), PM_STACK3);
	CHECK_EQ(pm_stack(&p, 4), S_DATA3);
	pm_fini(&p);
}

TEST(a_16_bit_gate_pushes_words)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_set_idt(&p, EXC_DE, pm_gate(0x86, S_CODE0, PM_HANDLERS, 0));
	CHECK_EQ(RUN(&p, 0, divide), EXC_DE);
	CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0 - 6);
	CHECK_EQ(pm_stack(&p, 0), (PM_CODE + 2) | S_CODE0 << 16);
	pm_fini(&p);
}

/* ---- software interrupts and gates ---- */

GUEST(int_40, ".code32\n int $0x40\n hlt");
GUEST(into_taken, ".code32\n mov $0x7fffffff, %eax\n inc %eax\n into\n hlt");
GUEST(icebp, ".code32\n .byte 0xf1\n hlt");

TEST(int_n_needs_gate_dpl_but_hardware_does_not)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(RUN(&p, 3, int_40), EXC_GP);
	CHECK_EQ(pm_stack(&p, 0), 0x40 * 8 + 2); /* IDT bit, no EXT */
	CHECK_EQ(pm_stack(&p, 1), PM_CODE);      /* the INT itself */
	pm_set_idt(&p, 0x40, pm_gate(0xee, S_CODE0, PM_HANDLERS + 0x400, 0));
	CHECK_EQ(RUN(&p, 3, int_40), 0x40);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE + 2); /* behind it */
	/* INT3 and INTO are checked as INT n, INT1 is not */
	CHECK_EQ(RUN(&p, 3, breakpoint), EXC_GP);
	CHECK_EQ(pm_stack(&p, 0), 3 * 8 + 2);
	CHECK_EQ(RUN(&p, 3, into_taken), EXC_GP);
	CHECK_EQ(pm_stack(&p, 0), 4 * 8 + 2);
	CHECK_EQ(RUN(&p, 3, icebp), EXC_DB);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE + 1);
	pm_fini(&p);
}

TEST(bad_gates_report_the_idt_entry_and_ext)
{
	static const struct {
		uint64_t gate;
		int vector;
		uint32_t soft_error, hard_error;
	} row[] = {
		/* gate for vector 0x30 */
		{ 0x0000ee0000080000ull & ~0x800000000000ull, EXC_NP, 0x182, 0x183 },
		{ 0x0000f20000080000ull, EXC_GP, 0x182, 0x183 },         /* not a gate */
		{ 0x0000ee0000000000ull, EXC_GP, 0, 1 },                 /* null CS */
		{ 0x0000ee0002000000ull, EXC_GP, 0x200, 0x201 },         /* beyond the GDT */
		{ 0x0000ee0000100000ull, EXC_GP, S_DATA0, S_DATA0 | 1 }, /* data as CS */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		static const uint8_t int30[] = { 0xcd, 0x30, 0xf4 },
				     sti[] = { 0xfb, 0x90, 0x90, 0xf4 };
		struct pm p;

		pm_init(&p, "pentium3");
		pm_set_idt(&p, 0x30, row[i].gate);
		CHECK_EQ(pm_exec(&p, 3, int30, sizeof(int30)), row[i].vector);
		CHECK_EQ(pm_stack(&p, 0), row[i].soft_error);
		pm_start(&p, 0, sti, sizeof(sti));
		p.v.intr_vector = 0x30;
		cpu_set_intr(p.c, true);
		CHECK_EQ(pm_run(&p), row[i].vector);
		CHECK_EQ(pm_stack(&p, 0), row[i].hard_error);
		pm_fini(&p);
	}
}

TEST(sti_holds_interrupts_back_for_one_instruction)
{
	static const uint8_t code[] = { 0xfb, 0x40, 0x40, 0xf4 }; /* sti; inc eax; inc eax; hlt */
	struct pm p;

	pm_init(&p, "pentium3");
	p.v.intr_vector = 0x31;
	cpu_set_intr(p.c, true);
	CHECK_EQ(pm_exec(&p, 0, code, sizeof(code)), 0x31);
	CHECK_EQ(p.c->gpr[REG_AX], 1);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE + 2);
	pm_fini(&p);
}

/* ---- stack trouble on the way in ---- */

TEST(a_bad_inner_stack_is_ts_with_its_selector)
{
	static const struct {
		uint16_t ss;
		int vector;
		uint32_t error;
	} row[] = {
		{ 0, EXC_TS, 1 },                        /* null */
		{ S_DATA3, EXC_TS, (S_DATA3 & ~3) | 1 }, /* RPL */
		{ S_CODE0, EXC_TS, S_CODE0 | 1 },        /* code */
		{ 0x400, EXC_TS, 0x401 },                /* outside */
		{ S_SPARE, EXC_SS, S_SPARE | 1 },        /* absent */
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;

		pm_init(&p, "pentium3");
		pm_set_desc(&p, S_SPARE, pm_desc(0, 0xfffff, 0x13, 0xc));
		tinyvm_w32(&p.v, PM_TSS + 8, row[i].ss);
		/* #TS and #SS themselves come in by a conforming segment: no new stack */
		pm_set_idt(&p, EXC_TS, pm_gate(0x8e, S_CONF, PM_HANDLERS + EXC_TS * 16, 0));
		pm_set_idt(&p, EXC_SS, pm_gate(0x8e, S_CONF, PM_HANDLERS + EXC_SS * 16, 0));
		pm_start(&p, 3, GUEST_BYTES(undefined));
		/* they run at level 3, where HLT is #GP */
		tinyvm_load(&p.v, PM_HANDLERS + EXC_TS * 16, "\xeb\xfe", 2);
		tinyvm_load(&p.v, PM_HANDLERS + EXC_SS * 16, "\xeb\xfe", 2);
		cpu_run(p.c, 10);
		CHECK_EQ(p.c->gpr[REG_RIP], PM_HANDLERS + (unsigned)row[i].vector * 16);
		CHECK_EQ(pm_stack(&p, 0), row[i].error);
		CHECK_EQ(pm_stack(&p, 1), PM_CODE + 1);
		pm_fini(&p);
	}
}

/* ---- double and triple faults ---- */

TEST(contributory_after_contributory_is_a_double_fault)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_set_idt(&p, EXC_DE, 0); /* #GP while delivering #DE */
	CHECK_EQ(RUN(&p, 0, divide), EXC_DF);
	CHECK_EQ(pm_stack(&p, 0), 0);
	CHECK_EQ(pm_stack(&p, 1), PM_CODE + 2);
	pm_fini(&p);
}

TEST(contributory_after_benign_is_delivered_itself)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_set_idt(&p, EXC_UD, 0);
	CHECK_EQ(RUN(&p, 0, undefined), EXC_GP);
	CHECK_EQ(pm_stack(&p, 0), EXC_UD * 8 + 3);
	pm_fini(&p);
}

TEST(a_fault_in_double_fault_delivery_shuts_down)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_set_idt(&p, EXC_DE, 0);
	pm_set_idt(&p, EXC_DF, 0);
	CHECK_EQ(RUN(&p, 0, divide), -2);
	CHECK_EQ(p.v.triple_faults, 1);
	CHECK(p.c->shutdown);
	pm_fini(&p);
}

GUEST(touch_hole, ".code32\n mov 0x123456, %eax\n hlt");

TEST(page_fault_then_contributory_is_a_double_fault)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_paging(&p);
	pm_set_pte(&p, 0x123000, 0);
	CHECK_EQ(RUN(&p, 0, touch_hole), EXC_PF);
	CHECK_EQ(pm_stack(&p, 0), 0);
	CHECK_EQ(pm_stack(&p, 1), PM_CODE);
	CHECK_EQ(p.c->cr2, 0x123456);
	pm_set_idt(&p, EXC_PF, 0);
	CHECK_EQ(RUN(&p, 0, touch_hole), EXC_DF);
	pm_fini(&p);
}

TEST(page_fault_while_delivering_a_benign_or_contributory_one_is_itself)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_paging(&p);
	/* the gate of #DE lies in a page of its own that is not there */
	p.c->idtr.base = 0x30000 - EXC_PF * 8 + 8;
	tinyvm_w64(&p.v, 0x30000 + 8, 0);
	for (unsigned n = 0; n < 32; n++)
		tinyvm_w64(
		    &p.v, p.c->idtr.base + n * 8, pm_gate(0x8e, S_CODE0, PM_HANDLERS + n * 16, 0));
	pm_set_pte(&p, 0x2f000, 0); /* vectors 0..12 */
	CHECK_EQ(RUN(&p, 0, divide), EXC_PF);
	CHECK_EQ(p.c->cr2, p.c->idtr.base);
	CHECK_EQ(pm_stack(&p, 1), PM_CODE + 2);
	pm_fini(&p);
}

/* ---- IRET ---- */

TEST(iret_to_an_outer_level_drops_inner_segments)
{
	static const uint8_t spin[] = { 0xeb, 0xfe };
	static const uint8_t code[] = {
		0x6a,
		0x23, /* push SS */
		0x68,
		0x00,
		0xf0,
		0x00,
		0x00, /* push ESP */
		0x68,
		0x02,
		0x32,
		0x00,
		0x00, /* push EFLAGS: IOPL 3, IF */
		0x6a,
		0x1b, /* push CS */
		0x68,
		0x00,
		0xb0,
		0x00,
		0x00, /* push EIP */
		0x66,
		0xb8,
		0x23,
		0x00,
		0x8e,
		0xc0, /* mov es, 23 */
		0xcf,
	};
	struct pm p;

	pm_init(&p, "pentium3");
	tinyvm_load(&p.v, 0xb000, spin, sizeof(spin));
	pm_start(&p, 0, code, sizeof(code));
	cpu_run(p.c, 20);
	CHECK_EQ(p.c->gpr[REG_RIP], 0xb000);
	CHECK_EQ(p.c->cpl, 3);
	CHECK_EQ(p.c->seg[SEG_SS].sel, S_DATA3);
	CHECK_EQ(p.c->gpr[REG_SP], 0xf000);
	CHECK_EQ(p.c->eflags & (FL_IF | FL_IOPL), FL_IF | FL_IOPL);
	CHECK_EQ(p.c->seg[SEG_DS].sel, 0);
	CHECK(!(p.c->seg[SEG_DS].attr & DESC_P));
	CHECK_EQ(p.c->seg[SEG_ES].sel, S_DATA3);
	pm_fini(&p);
}

GUEST(iret_flags, ".code32\n pushl $0x3302\n pushl $0x1b\n pushl $0xb000\n iret");

TEST(iret_at_level_3_cannot_change_iopl_and_if)
{
	static const uint8_t ud[] = { 0x90, 0x0f, 0x0b };
	struct pm p;

	pm_init(&p, "pentium3");
	tinyvm_load(&p.v, 0xb000, ud, sizeof(ud));
	CHECK_EQ(RUN(&p, 3, iret_flags), EXC_DB); /* TF of the image traps after one more */
	pm_fini(&p);
	pm_init(&p, "pentium3");
	tinyvm_load(&p.v, 0xb000, ud, sizeof(ud));
	pm_start(&p, 3, GUEST_BYTES(iret_flags));
	tinyvm_load(&p.v, PM_CODE + 2, "\x32", 1); /* the image without TF */
	CHECK_EQ(pm_run(&p), EXC_UD);
	CHECK_EQ(pm_stack(&p, 2) & (FL_IOPL | FL_IF), 0);
	pm_fini(&p);
}

/* ---- real mode ---- */

GUEST(real_int,
    ".code16\n mov $0x1234, %ax\n mov %ax, %ss\n mov $0x100, %sp\n sti\n int $0x21\n hlt");

TEST(real_mode_uses_the_vector_table)
{
	struct tinyvm v;
	struct cpu *c;

	tinyvm_init(&v, 1, "486");
	tinyvm_load(&v, 0x10000, GUEST_BYTES(real_int));
	tinyvm_w32(&v, 0x21 * 4, 0x20000005);
	tinyvm_load(&v, 0x20005, "\xf4", 1);
	tinyvm_real(&v, 0, 0x1000, 0);
	c = v.set.cpu[0];
	c->idtr = (struct dtable){ 0, 0x3ff };
	CHECK(tinyvm_run(&v, 0));
	CHECK_EQ(c->seg[SEG_CS].sel, 0x2000);
	CHECK_EQ(c->gpr[REG_RIP], 6);
	CHECK_EQ(c->gpr[REG_SP], 0xfa);
	CHECK_EQ(tinyvm_r32(&v, 0x12340 + 0xfa), 0x1000000b);
	CHECK(tinyvm_r32(&v, 0x12340 + 0xfe) & FL_IF);
	CHECK(!(c->eflags & FL_IF));
	/* beyond the table's limit: #GP, and with that gone too, #DF, then shutdown */
	c->idtr.limit = 0x21 * 4 + 2;
	tinyvm_w32(&v, 13 * 4, 0x20000010);
	tinyvm_load(&v, 0x20010, "\xf4", 1);
	tinyvm_real(&v, 0, 0x1000, 0);
	CHECK(tinyvm_run(&v, 0));
	CHECK_EQ(c->gpr[REG_RIP], 0x11);
	c->idtr.limit = 3;
	tinyvm_real(&v, 0, 0x1000, 0);
	CHECK(!tinyvm_run(&v, 0));
	CHECK_EQ(v.triple_faults, 1);
	tinyvm_fini(&v);
}

/* ---- long mode ---- */

GUEST(long_ud, ".code64\n mov $0xdffb, %esp\n ud2");

TEST(long_mode_aligns_the_stack_and_pushes_five)
{
	struct pm p;

	pm_init(&p, "x86-64-v2");
	pm_start64(&p, 0, GUEST_BYTES(long_ud));
	CHECK_EQ(pm_run(&p), EXC_UD);
	CHECK_EQ(p.c->gpr[REG_SP], 0xdff0 - 40);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE + 5);
	CHECK_EQ(pm_stack(&p, 1), S_CODE64);
	CHECK_EQ(pm_stack(&p, 3), 0xdffb);
	CHECK_EQ(pm_stack(&p, 4), S_DATA0);
	pm_fini(&p);
}

TEST(long_mode_from_level_3_and_with_ist)
{
	struct pm p;

	pm_init(&p, "x86-64-v2");
	pm_start64(&p, 3, GUEST_BYTES(long_ud));
	CHECK_EQ(pm_run(&p), EXC_UD);
	CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0 - 40);
	CHECK_EQ(p.c->seg[SEG_SS].sel, 0);
	CHECK_EQ(p.c->cpl, 0);
	CHECK_EQ(pm_stack(&p, 4), S_DATA3);
	pm_start64(&p, 0, GUEST_BYTES(long_ud));
	tinyvm_w64(&p.v, PM_TSS + 0x24 + 2 * 8, 0xe80c); /* IST3 */
	tinyvm_w32(&p.v, PM_IDT + EXC_UD * 16 + 4, 0x8e03);
	CHECK_EQ(pm_run(&p), EXC_UD);
	CHECK_EQ(p.c->gpr[REG_SP], 0xe800 - 40);
	CHECK_EQ(pm_stack(&p, 4), S_DATA0);
	pm_fini(&p);
}

GUEST(long_iret,
    ".code64\n"
    "pushq $0x23\n pushq $0xf000\n pushq $0x3002\n pushq $0x8b\n pushq $0xb000\n iretq");

TEST(iretq_to_level_3_and_back_by_an_exception)
{
	struct pm p;

	pm_init(&p, "x86-64-v2");
	tinyvm_load(&p.v, 0xb000, "\x0f\x0b", 2);
	pm_start64(&p, 0, GUEST_BYTES(long_iret));
	CHECK_EQ(pm_run(&p), EXC_UD);
	CHECK_EQ(pm_stack(&p, 0), 0xb000);
	CHECK_EQ(pm_stack(&p, 1), S_CODE64_3);
	CHECK_EQ(pm_stack(&p, 3), 0xf000);
	pm_fini(&p);
}

GUEST(noncanonical, ".code64\n movabs $0x8000000000000000, %rax\n mov (%rax), %rbx\n hlt");
GUEST(noncanonical_jump, ".code64\n movabs $0x8000000000000000, %rax\n jmp *%rax");

TEST(non_canonical_addresses_are_gp)
{
	struct pm p;

	pm_init(&p, "x86-64-v2");
	pm_start64(&p, 0, GUEST_BYTES(noncanonical));
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(pm_stack(&p, 0), 0);
	CHECK_EQ(pm_stack(&p, 1), PM_CODE + 10);
	pm_start64(&p, 0, GUEST_BYTES(noncanonical_jump));
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(pm_stack(&p, 1), PM_CODE + 10);
	pm_fini(&p);
}

TEST(nmi_is_blocked_until_iret)
{
	static const uint8_t code[] = { 0x40, 0x40, 0xf4 };
	struct pm p;

	pm_init(&p, "pentium3");
	pm_start(&p, 0, code, sizeof(code));
	cpu_kick(p.c, ATT_NMI);
	CHECK_EQ(pm_run(&p), EXC_NMI);
	CHECK(p.c->nmi_blocked);
	/* a second one waits while the handler runs, and comes after its IRET */
	cpu_kick(p.c, ATT_NMI);
	tinyvm_load(&p.v, p.c->gpr[REG_RIP], "\xcf", 1);
	p.c->halted = false;
	tinyvm_load(&p.v, PM_HANDLERS + 2 * 16, "\xf4", 1);
	CHECK_EQ(pm_run(&p), EXC_NMI);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE);
	pm_fini(&p);
}

TEST_MAIN()
