/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MSRs, CPUID and models, control registers, reset and INIT, RDTSC and friends, port strings. */
#include "cpu/x86/msr.h"
#include "tests/unit/cpu/pm.h"

/* ---- MSRs ---- */

TEST(msrs_refuse_reserved_bits_and_unknown_numbers)
{
	static const struct {
		uint32_t msr;
		uint64_t v;
		bool ok;
	} row[] = {
		{ MSR_PAT, 0x0007040600070406, true },
		{ MSR_PAT, 2, false },
		{ MSR_PAT, 0x0300000000000000, false },
		{ MSR_MTRR_FIX64K, 7, false },
		{ MSR_MTRR_FIX4K + 7, 0x0606060606060606, true },
		{ MSR_MTRR_PHYSBASE0, 0x80000006, true },
		{ MSR_MTRR_PHYSBASE0, 0x80000002, false },
		{ MSR_MTRR_PHYSBASE0 + 1, 0x10000000800, false },
		{ MSR_MTRR_PHYSBASE0 + 15, 0xff80000800, true },
		{ MSR_MTRR_DEF_TYPE, 0xc06, true },
		{ MSR_MTRR_DEF_TYPE, 0x1000, false },
		{ MSR_MTRRCAP, 0, false },
		{ MSR_MC0_CTL + 1, 0, true },
		{ MSR_MC0_CTL + 1, 1, false },
		{ MSR_MC0_CTL + 16, 0, false },
		{ MSR_EFER, 1 << 1, false },
		{ MSR_EFER, EFER_SCE | EFER_NXE, true },
		{ MSR_LSTAR, 1ull << 47, false },
		{ MSR_FS_BASE, 0xffff800000000000, true },
		{ MSR_TSC_AUX, 1ull << 32, false },
		{ MSR_DEBUGCTL, 1, false },
		{ MSR_FEATURE_CONTROL, 5, false },
		{ MSR_ARCH_CAPABILITIES, 0, false },
		{ MSR_BIOS_SIGN_ID, 0, true },
		{ MSR_PRED_CMD, 1, true },
		{ 0x12345678, 0, false },
		{ 0xc0010015, 0, false },
	};
	struct pm p;
	uint64_t v;

	pm_init(&p, "x86-64-v2");
	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		if (msr_write(p.c, row[i].msr, row[i].v) != row[i].ok)
			test_fail(__FILE__, __LINE__, "msr %x", row[i].msr);
	CHECK(!msr_read(p.c, 0x12345678, &v));
	CHECK(msr_read(p.c, MSR_MTRRCAP, &v));
	CHECK_EQ(v, 0x508);
	CHECK(msr_read(p.c, MSR_MTRR_PHYSBASE0 + 15, &v));
	CHECK_EQ(v, 0xff80000800);
	CHECK(msr_read(p.c, MSR_FS_BASE, &v));
	CHECK_EQ(v, 0xffff800000000000);
	pm_fini(&p);
	/* what a model lacks is not there */
	pm_init(&p, "pentium3");
	CHECK(!msr_read(p.c, MSR_EFER, &v) && !msr_read(p.c, MSR_LSTAR, &v));
	CHECK(msr_read(p.c, MSR_SYSENTER_CS, &v));
	pm_fini(&p);
	pm_init(&p, "486");
	CHECK(!msr_read(p.c, MSR_TSC, &v) && !msr_read(p.c, MSR_APIC_BASE, &v));
	pm_fini(&p);
}

TEST(tsc_and_its_adjustment_move_together)
{
	struct pm p;
	uint64_t v;

	pm_init(&p, "x86-64-v2");
	CHECK(msr_write(p.c, MSR_TSC, 1000000));
	CHECK(msr_read(p.c, MSR_TSC, &v));
	CHECK(v >= 1000000 && v < 1001000);
	CHECK(msr_read(p.c, MSR_TSC_ADJUST, &v));
	CHECK_EQ(v, p.c->msr.tsc_offset);
	CHECK(msr_write(p.c, MSR_TSC_ADJUST, 0));
	CHECK_EQ(p.c->msr.tsc_offset, 0);
	pm_fini(&p);
}

GUEST(rdmsr, ".code32\n mov $0x12345678, %ecx\n rdmsr\n hlt");
GUEST(rdtsc, ".code32\n rdtsc\n ud2");
GUEST(rdpmc, ".code32\n xor %ecx, %ecx\n rdpmc\n hlt");

TEST(unknown_msr_and_privileged_counters_are_gp)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(rdmsr)), EXC_GP);
	CHECK_EQ(pm_stack(&p, 0), 0);
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(rdtsc)), EXC_UD);
	p.c->cr4 |= CR4_TSD;
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(rdtsc)), EXC_GP);
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(rdtsc)), EXC_UD);
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(rdpmc)), EXC_GP);
	pm_fini(&p);
}

/* ---- CPUID ---- */

TEST(cpuid_of_the_models)
{
	struct pm p;
	uint32_t r[4];

	pm_init(&p, "486");
	cpu_cpuid(p.c, 0, 0, r);
	CHECK_EQ(r[0], 1);
	CHECK(memcmp(&r[1], "Genu", 4) == 0 && memcmp(&r[3], "ineI", 4) == 0);
	cpu_cpuid(p.c, 1, 0, r);
	CHECK_EQ(r[0], 0x480);
	CHECK_EQ(r[3], 3); /* FPU, VME */
	cpu_cpuid(p.c, 0x80000000, 0, r);
	CHECK_EQ(r[0], 0x480); /* no such leaf: the highest basic one */
	pm_fini(&p);

	pm_init(&p, "pentium3");
	cpu_cpuid(p.c, 1, 0, r);
	CHECK_EQ(r[0], 0x683);
	CHECK_EQ(r[3], 0x0383fbff & ~(1u << 19 | 1u << 18));
	pm_fini(&p);

	pm_init(&p, "x86-64-v2");
	cpu_cpuid(p.c, 1, 0, r);
	CHECK_EQ(r[2] & (1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23 | 1u << 31),
	    (1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23 | 1u << 31));
	CHECK(!(r[2] & (1u << 28 | 1u << 27)));
	CHECK(r[3] & 1 << 9);
	p.c->msr.apic_base &= ~(uint64_t)APIC_BASE_EN;
	cpu_cpuid(p.c, 1, 0, r);
	CHECK(!(r[3] & 1 << 9)); /* APIC off: its bit goes */
	cpu_cpuid(p.c, 0x80000001, 0, r);
	CHECK(r[3] & 1u << 29 && !(r[3] & 1 << 11)); /* SYSCALL: in 64-bit mode only */
	cpu_cpuid(p.c, 0x80000008, 0, r);
	CHECK_EQ(r[0], 40 | 48 << 8);
	cpu_cpuid(p.c, 0x40000000, 0, r);
	CHECK(memcmp(&r[1], "LodgeLodgeVM", 12) == 0);
	cpu_cpuid(p.c, 0x40000010, 0, r);
	CHECK_EQ(r[0], 1000000);
	pm_fini(&p);
}

TEST(cpuid_topology)
{
	struct tinyvm v;
	uint32_t r[4];

	tinyvm_init(&v, 3, "x86-64-v2");
	cpu_cpuid(v.set.cpu[2], 1, 0, r);
	CHECK_EQ(r[1] >> 16, 2 << 8 | 4);
	CHECK(r[3] & 1 << 28);
	cpu_cpuid(v.set.cpu[2], 0xb, 1, r);
	CHECK_EQ(r[0], 2);
	CHECK_EQ(r[1], 3);
	CHECK_EQ(r[2], 0x201);
	CHECK_EQ(r[3], 2);
	cpu_cpuid(v.set.cpu[2], 4, 3, r);
	CHECK_EQ(r[0] >> 14 & 0xfff, 3);
	CHECK_EQ(r[0] >> 26, 3);
	cpu_cpuid(v.set.cpu[2], 4, 4, r);
	CHECK_EQ(r[0], 0);
	tinyvm_fini(&v);
}

TEST(models_by_name)
{
	const char *why = NULL;

	CHECK(cpu_model_find("pentium3", &why) != NULL);
	CHECK(cpu_model_find("default", &why) != NULL);
	CHECK(cpu_model_find("pentium9", &why) == NULL);
	CHECK(why != NULL);
	CHECK(!model_has(cpu_model_find("486", NULL), FEAT_CX8));
}

/* ---- control registers ---- */

GUEST(set_cr0, ".code32\n mov %eax, %cr0\n hlt");
GUEST(set_cr3, ".code32\n mov %eax, %cr3\n hlt");
GUEST(set_cr4, ".code32\n mov %eax, %cr4\n hlt");
GUEST(set_cr1, ".code32\n .byte 0x0f, 0x22, 0xc8\n hlt");

TEST(control_registers_check_what_they_are_given)
{
	struct pm p;

	pm_init(&p, "pentium3");
#define SET(reg, v) (pm_start(&p, 0, GUEST_BYTES(set_##reg)), p.c->gpr[REG_AX] = (v), pm_run(&p))
	CHECK_EQ(SET(cr0, 0x80000000), EXC_GP); /* PG without PE */
	CHECK_EQ(SET(cr0, 0x20000001), EXC_GP); /* NW without CD */
	CHECK_EQ(SET(cr0, 0x60000001 | CR0_TS), -1);
	CHECK_EQ(p.c->cr0, 0x60000001 | CR0_TS | CR0_ET);
	CHECK_EQ(SET(cr4, CR4_OSXSAVE), EXC_GP); /* no XSAVE in a Pentium III */
	CHECK_EQ(SET(cr4, CR4_PSE | CR4_PGE | CR4_OSFXSR), -1);
	CHECK_EQ(SET(cr1, 0), EXC_UD);
	/* PAE with a bad PDPTE: CR3 stays */
	pm_paging(&p);
	pm_set_pte(&p, 0x30000, 0x30007);
	p.c->cr0 &= ~(uint64_t)CR0_PG;
	tinyvm_w64(&p.v, 0x30000, 0x20007);
	CHECK_EQ(SET(cr4, CR4_PAE), -1);
	p.c->cr3 = 0x30000;
	CHECK_EQ(SET(cr0, 0x80000001), EXC_GP);
	CHECK_EQ(SET(cr3, 0x40000), -1); /* without paging nothing is looked at */
#undef SET
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(set_cr0)), EXC_GP);
	pm_fini(&p);
}

GUEST(lmsw, ".code32\n mov $0xe, %eax\n lmsw %ax\n smsw %ebx\n clts\n smsw %ecx\n hlt");

TEST(lmsw_cannot_clear_pe)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(lmsw)), -1);
	CHECK_EQ(p.c->gpr[REG_BX] & 0xf, 0xf);
	CHECK_EQ(p.c->gpr[REG_CX] & 0xf, 0x7);
	pm_fini(&p);
}

TEST(long_mode_rules_for_efer_and_cr4)
{
	struct pm p;

	pm_init(&p, "x86-64-v2");
	pm_start64(&p, 0, GUEST_BYTES(set_cr4));
	CHECK(!msr_write(p.c, MSR_EFER, EFER_SCE)); /* LME cannot change while paging */
	CHECK(p.c->msr.efer & EFER_LMA);
	p.c->gpr[REG_AX] = CR4_PGE; /* PAE off in long mode */
	CHECK_EQ(pm_run(&p), EXC_GP);
	pm_start64(&p, 0, GUEST_BYTES(set_cr0));
	p.c->gpr[REG_AX] = CR0_PE; /* paging off in 64-bit code */
	CHECK_EQ(pm_run(&p), EXC_GP);
	pm_start64(&p, 0, GUEST_BYTES(set_cr3));
	p.c->gpr[REG_AX] = 1ull << 40;
	CHECK_EQ(pm_run(&p), EXC_GP);
	pm_fini(&p);
}

/* ---- reset ---- */

TEST(reset_and_init_values)
{
	struct pm p;
	struct cpu *c;

	pm_init(&p, "pentium3");
	c = p.c;
	c->msr.pat = 0;
	c->fpu.cw = 0x37f;
	c->cr0 |= CR0_CD | CR0_NW;
	c->dr[7] = 0x4ff;
	cpu_reset(c, true);
	CHECK_EQ(c->gpr[REG_RIP], 0xfff0);
	CHECK_EQ(c->seg[SEG_CS].base, 0xffff0000);
	CHECK_EQ(c->gpr[REG_DX], 0x683);
	CHECK_EQ(c->cr0, 0x60000010);
	CHECK_EQ(c->dr[7], 0x400);
	CHECK_EQ(flags_get(c), 2);
	CHECK_EQ(c->msr.pat, 0); /* INIT leaves these alone */
	CHECK_EQ(c->fpu.cw, 0x37f);
	cpu_reset(c, false);
	CHECK_EQ(c->msr.pat, 0x0007040600070406);
	CHECK_EQ(c->fpu.cw, 0x40);
	CHECK_EQ(c->msr.apic_base, 0xfee00900);
	pm_fini(&p);
}

/* ---- descriptor table registers ---- */

GUEST(lgdt16, ".code16\n data32 lgdt 0x1200\n lidt 0x1200\n sgdt 0x1210\n sidt 0x1220\n hlt");

TEST(a_16_bit_lidt_takes_24_bits)
{
	struct tinyvm v;

	tinyvm_init(&v, 1, "pentium3");
	tinyvm_load(&v, 0x8000, GUEST_BYTES(lgdt16));
	tinyvm_w32(&v, 0x1200, 0x56780123);
	tinyvm_w32(&v, 0x1204, 0x9abc);
	tinyvm_real(&v, 0, 0x800, 0);
	CHECK(tinyvm_run(&v, 0));
	CHECK_EQ(v.set.cpu[0]->gdtr.base, 0x9abc5678);
	CHECK_EQ(v.set.cpu[0]->idtr.base, 0xbc5678);
	CHECK_EQ(v.set.cpu[0]->idtr.limit, 0x123);
	CHECK_EQ(tinyvm_r32(&v, 0x1210), 0x56780123);
	CHECK_EQ(tinyvm_r32(&v, 0x1224) & 0xffff, 0xbc);
	tinyvm_fini(&v);
}

/* ---- string port I/O ---- */

GUEST(rep_insb,
    ".code32\n cld\n mov $0x60, %dx\n mov $0x11ff0, %edi\n mov $0x30, %ecx\n rep insb\n hlt");
GUEST(rep_outsw,
    ".code32\n mov $0x70, %dx\n mov $0x1204, %esi\n std\n mov $3, %ecx\n rep outsw\n hlt");

TEST(string_io_moves_and_counts)
{
	struct pm p;

	pm_init(&p, "pentium3");
	p.v.port[0x60] = 0xa5;
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(rep_insb)), -1);
	CHECK_EQ(p.c->gpr[REG_CX], 0);
	CHECK_EQ(p.c->gpr[REG_DI], 0x12020);
	CHECK_EQ(tinyvm_r32(&p.v, 0x11fec), 0);
	CHECK_EQ(tinyvm_r32(&p.v, 0x11ff0), 0xa5a5a5a5);
	CHECK_EQ(tinyvm_r32(&p.v, 0x1201c), 0xa5a5a5a5);
	CHECK_EQ(tinyvm_r32(&p.v, 0x12020), 0);
	tinyvm_w32(&p.v, 0x1200, 0x22221111);
	tinyvm_w32(&p.v, 0x1204, 0x3333);
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(rep_outsw)), -1);
	CHECK_EQ(p.c->gpr[REG_SI], 0x11fe);
	CHECK_EQ(get_le16(&p.v.port[0x70]), 0x1111);
	pm_fini(&p);
}

TEST(a_page_fault_in_rep_ins_can_be_restarted)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_paging(&p);
	pm_set_pte(&p, 0x12000, 0);
	p.v.port[0x60] = 0xa5;
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(rep_insb)), EXC_PF);
	CHECK_EQ(p.c->cr2, 0x12000);
	CHECK_EQ(p.c->gpr[REG_CX], 0x20);
	CHECK_EQ(p.c->gpr[REG_DI], 0x12000);
	CHECK_EQ(pm_stack(&p, 1), PM_CODE + 15);
	pm_fini(&p);
}

/* ---- flags ---- */

GUEST(popf3, ".code32\n pushl $0x3302\n popf\n pushf\n pop %eax\n ud2");
GUEST(popf0, ".code32\n pushl $0x243202\n popf\n pushf\n pop %eax\n cli\n hlt");

TEST(popf_changes_what_the_level_allows)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_start(&p, 3, GUEST_BYTES(popf3));
	tinyvm_load(&p.v, PM_CODE + 2, "\x32", 1);
	CHECK_EQ(pm_run(&p), EXC_UD);
	CHECK_EQ(p.c->gpr[REG_AX] & (FL_IF | FL_IOPL), 0);
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(popf0)), -1);
	CHECK_EQ(p.c->gpr[REG_AX], 0x243202);
	pm_fini(&p);
}

TEST_MAIN()
