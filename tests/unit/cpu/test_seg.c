/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Segment registers: every check, limits, types, system segments, LAR LSL VERR VERW ARPL. */
#include "tests/unit/cpu/pm.h"

GUEST(load_ds, ".code32\n mov %ax, %ds\n hlt");
GUEST(load_ss, ".code32\n mov %ax, %ss\n hlt");
GUEST(load_lldt, ".code32\n lldt %ax\n hlt");
GUEST(load_ltr, ".code32\n ltr %ax\n hlt");

struct load_row {
	uint16_t sel;
	unsigned access; /* of S_SPARE */
	unsigned cpl;
	int vector; /* -1: works */
	uint32_t error;
};

static int
load(struct pm *p, const struct load_row *r, const uint8_t *code, size_t len)
{
	pm_set_desc(p, S_SPARE, pm_desc(0x1000, 0xfff, r->access, 0x4));
	pm_start(p, r->cpl, code, len);
	p->c->gpr[REG_AX] = r->sel;
	return pm_run(p);
}

TEST(loading_a_data_segment_register)
{
	static const struct load_row row[] = {
		{ S_SPARE, 0x93, 0, -1, 0 },
		{ S_SPARE, 0x91, 0, -1, 0 },           /* read-only */
		{ S_SPARE, 0x9a, 0, -1, 0 },           /* readable code */
		{ S_SPARE, 0x99, 0, EXC_GP, S_SPARE }, /* execute-only */
		{ S_SPARE, 0x82, 0, EXC_GP, S_SPARE }, /* system */
		{ S_SPARE, 0x13, 0, EXC_NP, S_SPARE },
		{ S_SPARE, 0x12, 3, EXC_GP, S_SPARE },     /* rights before presence */
		{ S_SPARE | 3, 0x93, 0, EXC_GP, S_SPARE }, /* RPL > DPL */
		{ S_SPARE, 0x93, 3, EXC_GP, S_SPARE },     /* CPL > DPL */
		{ S_SPARE | 3, 0x9e, 3, -1, 0 },           /* conforming: no check */
		{ S_SPARE, 0xf3, 3, -1, 0 },
		{ PM_NGDT, 0x93, 0, EXC_GP, PM_NGDT },         /* outside the GDT */
		{ S_SPARE | 4, 0x93, 0, EXC_GP, S_SPARE | 4 }, /* no LDT */
		{ 0, 0x93, 0, -1, 0 },
		{ 3, 0x93, 3, -1, 0 },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;
		int v;

		pm_init(&p, "pentium3");
		v = load(&p, &row[i], GUEST_BYTES(load_ds));
		if (row[i].vector < 0) {
			/* at level 3 the HLT behind is what faults */
			CHECK_EQ(v, row[i].cpl ? EXC_GP : -1);
			CHECK_EQ(p.c->seg[SEG_DS].sel, row[i].sel);
			if (row[i].sel >= 4)
				CHECK(p.c->seg[SEG_DS].attr & DESC_A);
		} else {
			CHECK_EQ(v, row[i].vector);
			CHECK_EQ(pm_stack(&p, 0), row[i].error);
			CHECK_EQ(pm_stack(&p, 1), PM_CODE);
			CHECK_EQ(p.c->seg[SEG_DS].sel, row[i].cpl ? S_DATA3 : S_DATA0);
		}
		pm_fini(&p);
	}
}

TEST(loading_ss)
{
	static const struct load_row row[] = {
		{ S_SPARE, 0x93, 0, -1, 0 },
		{ 0, 0x93, 0, EXC_GP, 0 },
		{ S_SPARE | 3, 0xf3, 0, EXC_GP, S_SPARE },
		{ S_SPARE, 0xf3, 0, EXC_GP, S_SPARE },
		{ S_SPARE, 0x91, 0, EXC_GP, S_SPARE },
		{ S_SPARE, 0x9b, 0, EXC_GP, S_SPARE },
		{ S_SPARE, 0x13, 0, EXC_SS, S_SPARE },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;
		int v;

		pm_init(&p, "pentium3");
		v = load(&p, &row[i], GUEST_BYTES(load_ss));
		CHECK_EQ((unsigned)v, (unsigned)row[i].vector);
		if (v >= 0)
			CHECK_EQ(pm_stack(&p, 0), row[i].error);
		pm_fini(&p);
	}
}

TEST(loading_ldtr_and_tr)
{
	static const struct load_row ldt[] = {
		{ S_SPARE, 0x82, 0, -1, 0 },
		{ 0, 0, 0, -1, 0 },
		{ S_SPARE, 0x89, 0, EXC_GP, S_SPARE },
		{ S_SPARE, 0x02, 0, EXC_NP, S_SPARE },
		{ S_SPARE | 4, 0x82, 0, EXC_GP, S_SPARE | 4 },
		{ S_SPARE, 0x82, 3, EXC_GP, 0 },
	};
	static const struct load_row tr[] = {
		{ S_SPARE, 0x89, 0, -1, 0 },
		{ S_SPARE, 0x81, 0, -1, 0 },
		{ S_SPARE, 0x8b, 0, EXC_GP, S_SPARE },
		{ S_SPARE, 0x09, 0, EXC_NP, S_SPARE },
		{ 0, 0x89, 0, EXC_GP, 0 },
	};
	struct pm p;

	for (unsigned i = 0; i < ARRAY_SIZE(ldt); i++) {
		int v;

		pm_init(&p, "pentium3");
		v = load(&p, &ldt[i], GUEST_BYTES(load_lldt));
		CHECK_EQ((unsigned)v, (unsigned)ldt[i].vector);
		if (v >= 0)
			CHECK_EQ(pm_stack(&p, 0), ldt[i].error);
		pm_fini(&p);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(tr); i++) {
		int v;

		pm_init(&p, "pentium3");
		v = load(&p, &tr[i], GUEST_BYTES(load_ltr));
		CHECK_EQ((unsigned)v, (unsigned)tr[i].vector);
		if (v >= 0)
			CHECK_EQ(pm_stack(&p, 0), tr[i].error);
		else
			CHECK(tinyvm_r32(&p.v, PM_GDT + S_SPARE + 4) >> 9 & 1); /* busy in memory */
		pm_fini(&p);
	}
}

/* ---- limits and types of accesses ---- */

GUEST(read_es, ".code32\n mov %ax, %es\n mov %es:(%ebx), %ecx\n hlt");
GUEST(write_es, ".code32\n mov %ax, %es\n mov %ecx, %es:(%ebx)\n hlt");
GUEST(write_cs, ".code32\n mov %ecx, %cs:(%ebx)\n hlt");
GUEST(read_bp, ".code32\n mov %ax, %ss\n mov (%ebp), %ecx\n hlt");

TEST(accesses_stay_inside_limits_and_types)
{
	static const struct {
		unsigned access, limit;
		uint32_t off;
		bool write;
		bool fault;
	} row[] = {
		{ 0x93, 0xfff, 0xffc, true, false },
		{ 0x93, 0xfff, 0xffd, true, true },
		{ 0x91, 0xfff, 0, true, true },
		{ 0x91, 0xfff, 0, false, false },
		{ 0x9a, 0xfff, 0, true, true },
		/* expand-down, B = 1: limit + 1 .. FFFFFFFF */
		{ 0x97, 0xfff, 0xfff, false, true },
		{ 0x97, 0xfff, 0x1000, false, false },
		{ 0x97, 0xfff, 0xfffffffd, false, true },
		{ 0x95, 0xfff, 0x1000, true, true },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;

		pm_init(&p, "pentium3");
		pm_set_desc(&p, S_SPARE, pm_desc(0x100000, row[i].limit, row[i].access, 0x4));
		if (row[i].write)
			pm_start(&p, 0, GUEST_BYTES(write_es));
		else
			pm_start(&p, 0, GUEST_BYTES(read_es));
		p.c->gpr[REG_AX] = S_SPARE;
		p.c->gpr[REG_BX] = row[i].off;
		CHECK_EQ((unsigned)pm_run(&p), row[i].fault ? EXC_GP : -1u);
		if (row[i].fault)
			CHECK_EQ(pm_stack(&p, 0), 0);
		pm_fini(&p);
	}
}

TEST(cs_is_not_writable_and_ss_violations_are_ss_faults)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(write_cs)), EXC_GP);
	pm_set_desc(&p, S_SPARE, pm_desc(0, 0xffff, 0x93, 0x4));
	pm_set_idt(&p, EXC_SS, pm_gate(0x85, S_TSS2, 0, 0));
	pm_set_idt(&p, EXC_SS, pm_gate(0x8e, S_CODE0, PM_HANDLERS + EXC_SS * 16, 0));
	pm_start(&p, 0, GUEST_BYTES(read_bp));
	p.c->gpr[REG_AX] = S_SPARE;
	p.c->gpr[REG_BP] = 0xfffd;
	CHECK_EQ(pm_run(&p), EXC_SS);
	CHECK_EQ(pm_stack(&p, 0), 0);
	pm_fini(&p);
}

TEST(real_mode_keeps_limits_that_protected_mode_loaded)
{
	static const uint8_t code[] = {
		/* mov ax, 0x2000; mov ds, ax; mov ebx, 0x100000; mov al, [ebx] */
		0xb8, 0x00, 0x20, 0x8e, 0xd8, 0x66, 0xbb, 0x00, 0x00, 0x10, 0x00, 0x67, 0x8a, 0x03,
		0xf4
	};
	struct tinyvm v;

	tinyvm_init(&v, 1, "486");
	tinyvm_load(&v, 0x8000, code, sizeof(code));
	tinyvm_w32(&v, 0x120000, 0x55);
	tinyvm_real(&v, 0, 0x800, 0);
	v.set.cpu[0]->seg[SEG_DS].limit = 0xffffffff;
	cpu_mode_derive(v.set.cpu[0]);
	CHECK(tinyvm_run(&v, 0));
	CHECK_EQ(v.set.cpu[0]->gpr[REG_AX] & 0xff, 0x55);
	CHECK_EQ(v.set.cpu[0]->seg[SEG_DS].base, 0x20000);
	tinyvm_fini(&v);
}

/* ---- questions about descriptors ---- */

GUEST(query, ".code32\n"
	     "mov $0xdead, %ebx\n lar %eax, %ebx\n setz %cl\n"
	     "mov $0xdead, %edx\n lsl %eax, %edx\n setz %ch\n"
	     "verr %ax\n setz %al\n verw %ax\n hlt");
GUEST(verr_verw, ".code32\n verr %ax\n setz %cl\n verw %ax\n setz %ch\n hlt");

TEST(lar_lsl_verr_verw)
{
	static const struct {
		uint16_t sel;
		unsigned access;
		bool lar, lsl, verr, verw;
	} row[] = {
		{ S_SPARE, 0x93, true, true, true, true },
		{ S_SPARE, 0x91, true, true, true, false },
		{ S_SPARE, 0x9b, true, true, true, false },
		{ S_SPARE, 0x99, true, true, false, false },
		{ S_SPARE, 0x82, true, true, false, false },  /* LDT */
		{ S_SPARE, 0x8c, true, false, false, false }, /* call gate */
		{ S_SPARE, 0x85, true, false, false, false }, /* task gate */
		{ S_SPARE, 0x8e, false, false, false, false },
		{ S_SPARE, 0x80, false, false, false, false },
		{ S_SPARE | 3, 0x93, false, false, false, false },
		{ S_SPARE | 3, 0x9f, true, true, true, false }, /* conforming */
		{ 0, 0x93, false, false, false, false },
		{ 0x1000, 0x93, false, false, false, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;

		pm_init(&p, "pentium3");
		pm_set_desc(&p, S_SPARE, pm_desc(0x12345678, 0x54321, row[i].access, 0xc));
		pm_start(&p, 0, GUEST_BYTES(query));
		p.c->gpr[REG_AX] = row[i].sel;
		CHECK_EQ(pm_run(&p), -1);
		CHECK_EQ(p.c->gpr[REG_CX] & 0xff, row[i].lar);
		CHECK_EQ(p.c->gpr[REG_CX] >> 8 & 0xff, row[i].lsl);
		CHECK_EQ(p.c->gpr[REG_BX] & 0xf0ffff,
		    row[i].lar ? 0xc00000 | row[i].access << 8 : 0xdead);
		CHECK_EQ(p.c->gpr[REG_DX], row[i].lsl ? 0x54321fff : 0xdead);
		pm_start(&p, 0, GUEST_BYTES(verr_verw));
		p.c->gpr[REG_AX] = row[i].sel;
		CHECK_EQ(pm_run(&p), -1);
		CHECK_EQ(p.c->gpr[REG_CX] & 0xff, row[i].verr);
		CHECK_EQ(p.c->gpr[REG_CX] >> 8 & 0xff, row[i].verw);
		pm_fini(&p);
	}
}

GUEST(arpl, ".code32\n mov $0x10, %eax\n mov $0x23, %ecx\n arpl %cx, %ax\n setz %dl\n"
	    "arpl %cx, %ax\n setz %dh\n hlt");

TEST(arpl_raises_the_requested_level)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(arpl)), -1);
	CHECK_EQ(p.c->gpr[REG_AX], 0x13);
	CHECK_EQ(p.c->gpr[REG_DX], 1);
	pm_fini(&p);
}

GUEST(arpl_ro, ".code32\n mov %ax, %es\n mov $0x22, %ecx\n arpl %cx, %es:0x10\n setz %dl\n"
	       "inc %ecx\n arpl %cx, %es:0x10\n hlt");

TEST(arpl_stores_only_a_raised_level)
{
	struct pm p;

	pm_init(&p, "486");
	pm_set_desc(&p, S_SPARE, pm_desc(0x1000, 0xfff, 0x91, 0x4)); /* read-only data */
	tinyvm_w32(&p.v, 0x1010, 0x12);
	pm_start(&p, 0, GUEST_BYTES(arpl_ro));
	p.c->gpr[REG_AX] = S_SPARE;
	p.c->gpr[REG_DX] = 1;
	CHECK_EQ(pm_run(&p), EXC_GP); /* the second one, which would write */
	CHECK_EQ(p.c->gpr[REG_DX], 0);
	CHECK_EQ(p.c->gpr[REG_CX], 0x23);
	CHECK_EQ(tinyvm_r32(&p.v, 0x1010), 0x12);
	pm_fini(&p);
}

GUEST(lds, ".code32\n lss 0x1200, %esp\n les 0x1200, %edi\n hlt");

TEST(far_pointer_loads)
{
	struct pm p;

	pm_init(&p, "pentium3");
	tinyvm_w32(&p.v, 0x1200, 0xd000);
	tinyvm_w32(&p.v, 0x1204, S_DATA0);
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(lds)), -1);
	CHECK_EQ(p.c->gpr[REG_SP], 0xd000);
	CHECK_EQ(p.c->gpr[REG_DI], 0xd000);
	/* the selector is checked first: the register keeps its value */
	tinyvm_w32(&p.v, 0x1204, S_CODE0);
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(lds)), EXC_GP);
	CHECK_EQ(pm_stack(&p, 0), S_CODE0);
	CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0 - 16);
	pm_fini(&p);
}

GUEST(push_pop,
    ".code32\n movl $-1, 0xdffc\n push %ds\n mov 0xdffc, %eax\n pop %es\n mov %es, %ebx\n hlt");

TEST(push_of_a_segment_register_stores_two_bytes)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(push_pop)), -1);
	CHECK_EQ(p.c->gpr[REG_AX], 0xffff0000 | S_DATA0);
	CHECK_EQ(p.c->gpr[REG_BX], S_DATA0);
	CHECK_EQ(p.c->gpr[REG_SP], PM_STACK0);
	pm_fini(&p);
}

GUEST(mov_ss_shadow, ".code32\n sti\n mov %ax, %ss\n nop\n nop\n hlt");

TEST(mov_ss_holds_interrupts_back)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_start(&p, 0, GUEST_BYTES(mov_ss_shadow));
	p.c->gpr[REG_AX] = S_DATA0;
	p.v.intr_vector = 0x33;
	cpu_set_intr(p.c, true);
	CHECK_EQ(pm_run(&p), 0x33);
	CHECK_EQ(pm_stack(&p, 0), PM_CODE + 4); /* STI, MOV SS, one more */
	pm_fini(&p);
}

TEST_MAIN()
