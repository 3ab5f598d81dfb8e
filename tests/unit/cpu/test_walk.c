/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page walk: formats, rights, reserved bits, accessed and dirty bits, error codes. */
#include "cpu/mmu/mmu.h"
#include "tests/unit/cpu/pm.h"

enum { T0 = 0x20000, T1 = 0x21000, T2 = 0x22000, T3 = 0x23000 };
enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
#define NX (1ull << 63)

struct fix {
	struct tinyvm v;
	struct cpu *c;
};

static void
setup(struct fix *f, const char *model, uint64_t cr4, uint64_t efer, uint64_t cr3)
{
	tinyvm_init(&f->v, 1, model);
	f->c = f->v.set.cpu[0];
	f->c->cr0 = CR0_PE | CR0_PG | CR0_ET;
	f->c->cr4 = cr4;
	f->c->cr3 = cr3;
	f->c->msr.efer = efer;
	f->c->long_mode = efer & EFER_LMA;
}

static struct mmu_result
walk(struct fix *f, uint64_t lin, enum mmu_access a, bool user)
{
	return mmu_walk(f->c, lin, a, user, true);
}

TEST(two_levels_set_accessed_and_dirty_only_when_allowed)
{
	struct mmu_result r;
	struct fix f;

	setup(&f, "pentium3", 0, 0, T0 | 0x18);
	tinyvm_w32(&f.v, T0 + 4 * 3, T1 | U | W | P);
	tinyvm_w32(&f.v, T1 + 4 * 5, 0x123000 | U | P);
	r = walk(&f, 0x00c05678, MMU_WRITE, true);
	CHECK(r.fault);
	CHECK_EQ(r.pf_error, PF_P | PF_W | PF_U);
	CHECK_EQ(tinyvm_r32(&f.v, T0 + 12), T1 | U | W | P);
	r = walk(&f, 0x00c05678, MMU_READ, true);
	CHECK(!r.fault);
	CHECK_EQ(r.gpa, 0x123678);
	CHECK_EQ(r.page_shift, 12);
	CHECK(!r.writable);
	CHECK(r.user);
	CHECK_EQ(tinyvm_r32(&f.v, T0 + 12), T1 | A | U | W | P);
	CHECK_EQ(tinyvm_r32(&f.v, T1 + 20), 0x123000 | A | U | P);
	/* a supervisor may write a read-only page while CR0.WP = 0 */
	r = walk(&f, 0x00c05678, MMU_WRITE, false);
	CHECK(!r.fault && r.writable);
	CHECK_EQ(tinyvm_r32(&f.v, T1 + 20), 0x123000 | D | A | U | P);
	f.c->cr0 |= CR0_WP;
	r = walk(&f, 0x00c05678, MMU_WRITE, false);
	CHECK(r.fault);
	CHECK_EQ(r.pf_error, PF_P | PF_W);
	tinyvm_fini(&f.v);
}

TEST(a_clean_page_reports_not_writable_until_dirty)
{
	struct mmu_result r;
	struct fix f;

	setup(&f, "pentium3", 0, 0, T0);
	tinyvm_w32(&f.v, T0, T1 | W | P);
	tinyvm_w32(&f.v, T1, 0x5000 | W | P);
	r = walk(&f, 0, MMU_READ, false);
	CHECK(!r.writable && !r.dirty);
	r = mmu_walk(f.c, 0, MMU_WRITE, false, false);
	CHECK(!r.fault);
	CHECK_EQ(tinyvm_r32(&f.v, T1), 0x5000 | A | W | P);
	r = walk(&f, 0, MMU_WRITE, false);
	CHECK(r.writable && r.dirty);
	tinyvm_fini(&f.v);
}

TEST(not_present_is_told_by_error_bit_0)
{
	struct fix f;

	setup(&f, "pentium3", 0, 0, T0);
	CHECK_EQ(walk(&f, 0x1000, MMU_READ, false).pf_error, 0);
	CHECK_EQ(walk(&f, 0x1000, MMU_WRITE, true).pf_error, PF_W | PF_U);
	/* no I/D bit without NX: execution is a read */
	CHECK_EQ(walk(&f, 0x1000, MMU_EXEC, true).pf_error, PF_U);
	tinyvm_fini(&f.v);
}

TEST(pse_large_pages_and_pse36)
{
	struct mmu_result r;
	struct fix f;

	setup(&f, "pentium3", CR4_PSE | CR4_PGE, 0, T0);
	tinyvm_w32(&f.v, T0 + 4, 0x00800000 | G | PS | W | P | 0xe000 /* bits 34..32 = 7 */);
	r = walk(&f, 0x00412345, MMU_READ, false);
	CHECK_EQ(r.gpa, 0x700812345);
	CHECK_EQ(r.page_shift, 22);
	CHECK(r.global);
	/* bit 21, and address bits above 36, are reserved */
	tinyvm_w32(&f.v, T0 + 4, 0x00a00000 | PS | P);
	CHECK_EQ(walk(&f, 0x00412345, MMU_READ, false).pf_error, PF_P | PF_RSVD);
	tinyvm_w32(&f.v, T0 + 4, 0x00800000 | PS | P | 1 << 17);
	CHECK_EQ(walk(&f, 0x00412345, MMU_READ, false).pf_error, PF_P | PF_RSVD);
	/* without CR4.PSE the bit means nothing */
	f.c->cr4 = 0;
	tinyvm_w32(&f.v, T0 + 4, T1 | PS | P);
	tinyvm_w32(&f.v, T1 + 0x12 * 4, 0x9000 | G | P);
	r = walk(&f, 0x00412345, MMU_READ, false);
	CHECK_EQ(r.gpa, 0x9345);
	CHECK(!r.global);
	tinyvm_fini(&f.v);
}

TEST(pae_takes_pdptes_from_cr3_and_checks_reserved_bits)
{
	struct mmu_result r;
	struct fix f;

	setup(&f, "pentium3", CR4_PAE, 0, T0 | 0x20);
	tinyvm_w64(&f.v, T0 + 0x20 + 8 * 2, T1 | P);
	CHECK(mmu_load_pdptes(f.c, f.c->cr3));
	tinyvm_w64(&f.v, T1 + 8 * 3, T2 | U | W | P);
	tinyvm_w64(&f.v, T2 + 8 * 4, 0xabcd4000ull | U | W | P);
	r = walk(&f, 0x80604321, MMU_WRITE, true);
	CHECK(!r.fault);
	CHECK_EQ(r.gpa, 0xabcd4321);
	CHECK(r.executable && r.writable);
	CHECK_EQ(walk(&f, 0x00604321, MMU_READ, false).pf_error, 0);
	/* 2 MiB page */
	tinyvm_w64(&f.v, T1 + 8 * 3, 0x40000000 | PS | W | P);
	r = walk(&f, 0x80712345, MMU_READ, false);
	CHECK_EQ(r.gpa, 0x40112345);
	CHECK_EQ(r.page_shift, 21);
	/* reserved: address bit 36 of a 36-bit processor, NX without EFER.NXE, bits of 2 MiB */
	tinyvm_w64(&f.v, T1 + 8 * 3, 1ull << 36 | PS | P);
	CHECK_EQ(walk(&f, 0x80712345, MMU_READ, false).pf_error, PF_P | PF_RSVD);
	tinyvm_w64(&f.v, T1 + 8 * 3, NX | T2 | P);
	CHECK_EQ(walk(&f, 0x80712345, MMU_READ, true).pf_error, PF_P | PF_RSVD | PF_U);
	tinyvm_w64(&f.v, T1 + 8 * 3, 0x40002000 | PS | P);
	CHECK_EQ(walk(&f, 0x80712345, MMU_WRITE, false).pf_error, PF_P | PF_RSVD | PF_W);
	/* PDPTE with a reserved bit: the load of CR3 refuses */
	tinyvm_w64(&f.v, T0 + 0x20, T1 | U | P);
	CHECK(!mmu_load_pdptes(f.c, f.c->cr3));
	tinyvm_fini(&f.v);
}

TEST(four_levels_nx_and_every_page_size)
{
	uint64_t lin = 0xffff812345678abcull;
	struct mmu_result r;
	struct fix f;

	setup(&f, "x86-64-v2", CR4_PAE, EFER_LMA | EFER_LME | EFER_NXE, T0);
	tinyvm_w64(&f.v, T0 + (lin >> 39 & 511) * 8, T1 | U | W | P);
	tinyvm_w64(&f.v, T1 + (lin >> 30 & 511) * 8, T2 | U | W | P);
	tinyvm_w64(&f.v, T2 + (lin >> 21 & 511) * 8, T3 | U | W | P);
	tinyvm_w64(&f.v, T3 + (lin >> 12 & 511) * 8, NX | 0x5000 | U | W | P);
	r = walk(&f, lin, MMU_READ, true);
	CHECK_EQ(r.gpa, 0x5abc);
	CHECK(!r.executable);
	CHECK_EQ(walk(&f, lin, MMU_EXEC, true).pf_error, PF_P | PF_U | PF_I);
	CHECK_EQ(walk(&f, lin, MMU_EXEC, false).pf_error, PF_P | PF_I);
	/* NX anywhere above counts */
	tinyvm_w64(&f.v, T3 + (lin >> 12 & 511) * 8, 0x5000 | U | W | P);
	CHECK(!walk(&f, lin, MMU_EXEC, true).fault);
	tinyvm_w64(&f.v, T0 + (lin >> 39 & 511) * 8, NX | T1 | U | W | P);
	CHECK(walk(&f, lin, MMU_EXEC, true).fault);
	/* PS in a PML4E, bits above 40 anywhere */
	tinyvm_w64(&f.v, T0 + (lin >> 39 & 511) * 8, PS | T1 | P);
	CHECK_EQ(walk(&f, lin, MMU_READ, false).pf_error, PF_P | PF_RSVD);
	tinyvm_w64(&f.v, T0 + (lin >> 39 & 511) * 8, T1 | P | W);
	tinyvm_w64(&f.v, T2 + (lin >> 21 & 511) * 8, 1ull << 40 | T3 | P);
	CHECK_EQ(walk(&f, lin, MMU_READ, false).pf_error, PF_P | PF_RSVD);
	/* bits 62..52 are free for software here */
	tinyvm_w64(&f.v, T2 + (lin >> 21 & 511) * 8, 1ull << 55 | 0x600000 | PS | P);
	r = walk(&f, lin, MMU_READ, false);
	CHECK_EQ(r.gpa, 0x600000 | (lin & 0x1fffff));
	/* the PML4E had U cleared */
	CHECK(!r.user);
	/* 1 GiB pages are not in v2 */
	tinyvm_w64(&f.v, T1 + (lin >> 30 & 511) * 8, 0x40000000 | PS | P);
	CHECK_EQ(walk(&f, lin, MMU_READ, false).pf_error, PF_P | PF_RSVD);
	tinyvm_fini(&f.v);
}

TEST(one_gib_pages)
{
	struct mmu_result r;
	struct fix f;

	if (!cpu_model_find("x86-64-v3", NULL))
		SKIP("the host has no AVX2");
	setup(&f, "x86-64-v3", CR4_PAE, EFER_LMA | EFER_LME, T0);
	tinyvm_w64(&f.v, T0, T1 | W | P);
	tinyvm_w64(&f.v, T1 + 8, 0x40000000 | PS | W | P);
	r = walk(&f, 0x52345678, MMU_WRITE, false);
	CHECK_EQ(r.gpa, 0x52345678);
	CHECK_EQ(r.page_shift, 30);
	CHECK_EQ(tinyvm_r32(&f.v, T1 + 8), 0x40000000 | PS | W | P | A | D);
	tinyvm_w64(&f.v, T1 + 8, 0x40002000 | PS | W | P);
	CHECK_EQ(walk(&f, 0x52345678, MMU_READ, false).pf_error, PF_P | PF_RSVD);
	tinyvm_fini(&f.v);
}

TEST(smep_keeps_the_supervisor_from_user_code)
{
	struct fix f;

	setup(&f, "pentium3", CR4_SMEP, 0, T0);
	tinyvm_w32(&f.v, T0, T1 | U | P);
	tinyvm_w32(&f.v, T1, 0x5000 | U | P);
	CHECK_EQ(walk(&f, 0, MMU_EXEC, false).pf_error, PF_P | PF_I);
	CHECK(!walk(&f, 0, MMU_EXEC, true).fault);
	CHECK(!walk(&f, 0, MMU_READ, false).fault);
	tinyvm_fini(&f.v);
}

TEST(tables_outside_memory_do_no_harm)
{
	struct fix f;

	/* nothing answers: all ones, a present entry that nobody can mark */
	setup(&f, "pentium3", 0, 0, 0xfffff000);
	CHECK_EQ(walk(&f, 0x1234, MMU_WRITE, true).gpa, 0xfffff234);
	tinyvm_fini(&f.v);
	setup(&f, "x86-64-v2", CR4_PAE, EFER_LMA | EFER_LME, 0xfffffff000);
	CHECK(walk(&f, 0x1234, MMU_WRITE, true).fault);
	tinyvm_fini(&f.v);
}

/* ---- through the processor ---- */

GUEST(user_reads_super, ".code32\n mov 0x100004, %eax\n hlt");
GUEST(user_writes_ro, ".code32\n movl $1, 0x101008\n hlt");
GUEST(split_write, ".code32\n movl $-1, 0x102ffe\n hlt");

TEST(page_faults_reach_the_handler_with_cr2_and_error)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_paging(&p);
	pm_set_pte(&p, 0x100000, 0x100003);
	pm_set_pte(&p, 0x101000, 0x101005);
	pm_set_pte(&p, 0x103000, 0x103004);
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(user_reads_super)), EXC_PF);
	CHECK_EQ(p.c->cr2, 0x100004);
	CHECK_EQ(pm_stack(&p, 0), PF_P | PF_U);
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(user_writes_ro)), EXC_PF);
	CHECK_EQ(p.c->cr2, 0x101008);
	CHECK_EQ(pm_stack(&p, 0), PF_P | PF_U | PF_W);
	/* a store over a page border changes nothing when its second half faults */
	tinyvm_w32(&p.v, 0x102ffc, 0x11223344);
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(split_write)), EXC_PF);
	CHECK_EQ(p.c->cr2, 0x103000);
	CHECK_EQ(pm_stack(&p, 0), PF_U | PF_W);
	CHECK_EQ(tinyvm_r32(&p.v, 0x102ffc), 0x11223344);
	pm_fini(&p);
}

/* Fill the TLB, change the entry: seen only after INVLPG, MOV CR3 or (global) CR4.PGE. */
GUEST(tlb, ".code32\n"
	   "mov 0x100000, %eax\n"
	   "movl $0x105003, 0x21400\n"
	   "invlpg 0x100000\n mov 0x100000, %ebx\n"
	   "movl $0x106003, 0x21400\n"
	   "mov %cr3, %ecx\n mov %ecx, %cr3\n mov 0x100000, %ecx\n"
	   "hlt");

TEST(translations_are_dropped_when_the_manual_says)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_paging(&p);
	tinyvm_w32(&p.v, 0x100000, 1);
	tinyvm_w32(&p.v, 0x105000, 2);
	tinyvm_w32(&p.v, 0x106000, 3);
	CHECK_EQ(pm_exec(&p, 0, GUEST_BYTES(tlb)), -1);
	CHECK_EQ(p.c->gpr[REG_AX], 1);
	CHECK_EQ(p.c->gpr[REG_BX], 2);
	CHECK_EQ(p.c->gpr[REG_CX], 3);
	pm_fini(&p);
}

TEST_MAIN()
