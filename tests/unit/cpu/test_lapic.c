/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The local APIC: priorities, destinations, IPIs, timer modes, x2APIC, saved state. */
#include "base/buf.h"
#include "cpu/x86/msr.h"
#include "cpu/x86/sys.h"
#include "tests/unit/cpu/tinyvm.h"
#include "tests/unit/test.h"

enum {
	ID = 0x20,
	VERSION = 0x30,
	TPR = 0x80,
	PPR = 0xa0,
	EOI = 0xb0,
	LDR = 0xd0,
	DFR = 0xe0,
	SVR = 0xf0,
	ISR = 0x100,
	TMR = 0x180,
	IRR = 0x200,
	ESR = 0x280,
	ICR = 0x300,
	ICR_HI = 0x310,
	LVT_TIMER = 0x320,
	LINT0 = 0x350,
	LINT1 = 0x360,
	LVT_ERROR = 0x370,
	INIT_COUNT = 0x380,
	COUNT = 0x390,
	DIVIDE = 0x3e0
};

struct fix {
	struct tinyvm v;
	struct lapic *l[4];
};

static void
setup(struct fix *f, unsigned n)
{
	tinyvm_init(&f->v, n, "x86-64-v2");
	for (unsigned i = 0; i < n; i++) {
		f->l[i] = f->v.set.cpu[i]->lapic;
		lapic_write(f->l[i], SVR, 0x1ff);
	}
}

static bool
wants(struct fix *f, unsigned i, uint32_t bit)
{
	return f->v.set.cpu[i]->attention & bit;
}

#define MSI(dest, logical) (0xfee00000u | (dest) << 12 | (logical) << 2)

TEST(reset_values)
{
	struct fix f;

	tinyvm_init(&f.v, 2, "x86-64-v2");
	f.l[0] = f.v.set.cpu[0]->lapic;
	f.l[1] = f.v.set.cpu[1]->lapic;
	CHECK_EQ(lapic_read(f.l[1], ID), 1u << 24);
	CHECK_EQ(lapic_read(f.l[0], VERSION), 0x00050014);
	CHECK_EQ(lapic_read(f.l[0], SVR), 0xff);
	CHECK_EQ(lapic_read(f.l[0], DFR), 0xffffffff);
	CHECK_EQ(lapic_read(f.l[1], LINT0), 0x10000);
	CHECK(lapic_accepts_pic(f.l[0]) && !lapic_accepts_pic(f.l[1]));
	/* software-disabled: entries stay masked, fixed interrupts are not taken */
	lapic_write(f.l[1], LVT_TIMER, 0x40);
	CHECK_EQ(lapic_read(f.l[1], LVT_TIMER), 0x10040);
	lapic_deliver(&f.v.set, MSI(1, 0), 0x41);
	CHECK_EQ(lapic_read(f.l[1], IRR + 0x20), 0);
	tinyvm_fini(&f.v);
}

TEST(priorities_and_end_of_interrupt)
{
	struct fix f;

	setup(&f, 1);
	CHECK(lapic_deliver(&f.v.set, MSI(0, 0), 0x61));
	CHECK(!lapic_deliver(&f.v.set, MSI(0, 0), 0x61)); /* pending already */
	CHECK(wants(&f, 0, ATT_APIC));
	CHECK_EQ(lapic_ack(f.l[0]), 0x61);
	CHECK(!wants(&f, 0, ATT_APIC));
	CHECK_EQ(lapic_read(f.l[0], PPR), 0x60);
	lapic_deliver(&f.v.set, MSI(0, 0), 0x6f); /* same class: waits */
	CHECK_EQ(lapic_ack(f.l[0]), (unsigned long long)-1);
	lapic_deliver(&f.v.set, MSI(0, 0), 0x70);
	CHECK_EQ(lapic_ack(f.l[0]), 0x70);
	lapic_write(f.l[0], EOI, 0);
	CHECK_EQ(lapic_read(f.l[0], ISR + 0x30), 1u << 1);
	CHECK_EQ(lapic_read(f.l[0], IRR + 0x30), 1u << 15);
	lapic_write(f.l[0], EOI, 0);
	CHECK_EQ(lapic_ack(f.l[0]), 0x6f);
	lapic_write(f.l[0], EOI, 0);
	/* TPR holds its class and those below back */
	lapic_write(f.l[0], TPR, 0x50);
	lapic_deliver(&f.v.set, MSI(0, 0), 0x5f);
	CHECK(!wants(&f, 0, ATT_APIC));
	CHECK_EQ(lapic_get_cr8(f.l[0]), 5);
	lapic_set_cr8(f.l[0], 4);
	CHECK(wants(&f, 0, ATT_APIC));
	tinyvm_fini(&f.v);
}

TEST(level_interrupts_tell_the_ioapic)
{
	struct fix f;

	setup(&f, 1);
	lapic_deliver(&f.v.set, MSI(0, 0), 0x8000 | 0x52);
	CHECK_EQ(lapic_ack(f.l[0]), 0x52);
	CHECK_EQ(lapic_read(f.l[0], TMR + 0x20), 1u << 18);
	lapic_write(f.l[0], EOI, 0);
	CHECK_EQ(f.v.eois, 1);
	lapic_deliver(&f.v.set, MSI(0, 0), 0x52);
	lapic_ack(f.l[0]);
	lapic_write(f.l[0], EOI, 0);
	CHECK_EQ(f.v.eois, 1);
	tinyvm_fini(&f.v);
}

static unsigned
pending_mask(struct fix *f, unsigned n, unsigned vector)
{
	unsigned m = 0;

	for (unsigned i = 0; i < n; i++)
		if (lapic_read(f->l[i], IRR + (vector / 32) * 0x10) >> (vector & 31) & 1)
			m |= 1u << i;
	return m;
}

TEST(logical_destinations_flat_and_cluster)
{
	struct fix f;

	setup(&f, 4);
	for (unsigned i = 0; i < 4; i++)
		lapic_write(f.l[i], LDR, 1u << (24 + i));
	lapic_deliver(&f.v.set, MSI(0x0a, 1), 0x40);
	CHECK_EQ(pending_mask(&f, 4, 0x40), 0xa);
	lapic_deliver(&f.v.set, MSI(0xff, 1), 0x42);
	CHECK_EQ(pending_mask(&f, 4, 0x42), 0xf);
	for (unsigned i = 0; i < 4; i++) {
		lapic_write(f.l[i], DFR, 0x0fffffff);
		lapic_write(f.l[i], LDR, (i / 2 << 4 | 1u << (i & 1)) << 24);
	}
	lapic_deliver(&f.v.set, MSI(0x13, 1), 0x43);
	CHECK_EQ(pending_mask(&f, 4, 0x43), 0xc);
	lapic_deliver(&f.v.set, MSI(0xf1, 1), 0x44); /* every cluster */
	CHECK_EQ(pending_mask(&f, 4, 0x44), 0x5);
	/* physical, and broadcast */
	lapic_deliver(&f.v.set, MSI(2, 0), 0x45);
	CHECK_EQ(pending_mask(&f, 4, 0x45), 0x4);
	lapic_deliver(&f.v.set, MSI(0xff, 0), 0x46);
	CHECK_EQ(pending_mask(&f, 4, 0x46), 0xf);
	tinyvm_fini(&f.v);
}

TEST(lowest_priority_goes_to_one)
{
	struct fix f;

	setup(&f, 3);
	for (unsigned i = 0; i < 3; i++)
		lapic_write(f.l[i], LDR, 1u << (24 + i));
	lapic_write(f.l[0], TPR, 0x30);
	lapic_write(f.l[2], TPR, 0x10);
	lapic_write(f.l[1], TPR, 0x20);
	lapic_deliver(&f.v.set, MSI(0x7, 1), 0x100 | 0x40);
	CHECK_EQ(pending_mask(&f, 3, 0x40), 4);
	tinyvm_fini(&f.v);
}

TEST(interprocessor_interrupts)
{
	struct fix f;

	setup(&f, 3);
	lapic_write(f.l[0], ICR_HI, 2u << 24);
	lapic_write(f.l[0], ICR, 0x4045);
	CHECK_EQ(pending_mask(&f, 3, 0x45), 4);
	lapic_write(f.l[0], ICR, 0x40046); /* self */
	CHECK_EQ(pending_mask(&f, 3, 0x46), 1);
	lapic_write(f.l[0], ICR, 0x80047); /* all */
	CHECK_EQ(pending_mask(&f, 3, 0x47), 7);
	lapic_write(f.l[1], ICR, 0xc0048); /* all but self */
	CHECK_EQ(pending_mask(&f, 3, 0x48), 5);
	lapic_write(f.l[0], ICR, 0xc4400); /* NMI */
	CHECK(!wants(&f, 0, ATT_NMI) && wants(&f, 1, ATT_NMI) && wants(&f, 2, ATT_NMI));
	lapic_write(f.l[0], ICR_HI, 1u << 24);
	lapic_write(f.l[0], ICR, 0x8500); /* INIT level de-assert: nothing */
	CHECK(!wants(&f, 1, ATT_INIT));
	lapic_write(f.l[0], ICR, 0x4500);
	CHECK(wants(&f, 1, ATT_INIT) && !wants(&f, 2, ATT_INIT));
	lapic_write(f.l[0], ICR, 0x4699);
	CHECK(wants(&f, 1, ATT_SIPI));
	CHECK_EQ(f.v.set.cpu[1]->sipi_vector, 0x99);
	/* an illegal vector is told by ESR after it was written */
	lapic_write(f.l[0], LVT_ERROR, 0xfe);
	lapic_write(f.l[0], ICR, 0x4000c);
	lapic_write(f.l[0], ESR, 0);
	CHECK_EQ(lapic_read(f.l[0], ESR), 0x20);
	CHECK_EQ(pending_mask(&f, 3, 0xfe), 1);
	tinyvm_fini(&f.v);
}

GUEST(ap, ".code16\n mov %cs, %ax\n mov $0x55, %bl\n cli\n hlt");

TEST(init_and_sipi_start_a_processor)
{
	struct fix f;
	struct cpu *c;

	setup(&f, 2);
	c = f.v.set.cpu[1];
	CHECK(c->wait_sipi);
	tinyvm_load(&f.v, 0x9000, GUEST_BYTES(ap));
	lapic_write(f.l[0], ICR_HI, 1u << 24);
	lapic_write(f.l[0], ICR, 0x4500);
	lapic_write(f.l[0], ICR, 0x4609);
	CHECK(tinyvm_run(&f.v, 1));
	CHECK(!c->wait_sipi);
	CHECK_EQ(c->gpr[REG_AX], 0x900);
	CHECK_EQ(c->gpr[REG_BX], 0x55);
	/* a second SIPI means nothing */
	lapic_write(f.l[0], ICR, 0x4620);
	CHECK(tinyvm_run(&f.v, 1));
	CHECK_EQ(c->seg[SEG_CS].sel, 0x900);
	tinyvm_fini(&f.v);
}

/* ---- timer: tinyvm's guest time is its tsc field ---- */

TEST(one_shot_and_periodic_timer)
{
	struct fix f;

	setup(&f, 1);
	f.v.tsc = 1000;
	lapic_write(f.l[0], DIVIDE, 0xb); /* by 1 */
	lapic_write(f.l[0], LVT_TIMER, 0x50);
	lapic_write(f.l[0], INIT_COUNT, 500);
	CHECK_EQ(f.v.timer[0], 1500);
	f.v.tsc = 1100;
	CHECK_EQ(lapic_read(f.l[0], COUNT), 400);
	lapic_timer(f.l[0]); /* too early: nothing */
	CHECK_EQ(pending_mask(&f, 1, 0x50), 0);
	f.v.tsc = 1500;
	lapic_timer(f.l[0]);
	CHECK_EQ(pending_mask(&f, 1, 0x50), 1);
	CHECK_EQ(lapic_read(f.l[0], COUNT), 0);
	CHECK_EQ(f.v.timer[0], INT64_MAX);
	/* by 16, periodic */
	lapic_ack(f.l[0]);
	lapic_write(f.l[0], EOI, 0);
	lapic_write(f.l[0], DIVIDE, 3);
	lapic_write(f.l[0], LVT_TIMER, 0x20050);
	lapic_write(f.l[0], INIT_COUNT, 100);
	CHECK_EQ(f.v.timer[0], 1500 + 1600);
	f.v.tsc = 3150;
	lapic_timer(f.l[0]);
	CHECK_EQ(f.v.timer[0], 1500 + 3200); /* no drift */
	CHECK_EQ(lapic_read(f.l[0], COUNT), 97);
	/* masked: it counts on and delivers nothing */
	lapic_ack(f.l[0]);
	lapic_write(f.l[0], LVT_TIMER, 0x30050);
	f.v.tsc = 4700;
	lapic_timer(f.l[0]);
	CHECK_EQ(pending_mask(&f, 1, 0x50), 0);
	CHECK_EQ(f.v.timer[0], 1500 + 4800);
	/* far behind: no burst */
	f.v.tsc = 1500 + 1600 * 1000 + 10;
	lapic_timer(f.l[0]);
	CHECK_EQ(f.v.timer[0], 1500 + 1600 * 1001);
	lapic_write(f.l[0], INIT_COUNT, 0);
	CHECK_EQ(f.v.timer[0], INT64_MAX);
	tinyvm_fini(&f.v);
}

TEST(tsc_deadline_timer)
{
	uint64_t v;
	struct fix f;

	setup(&f, 1);
	f.v.tsc = 0;
	CHECK(lapic_msr_write(f.l[0], MSR_TSC_DEADLINE, 5000)); /* not in that mode: ignored */
	CHECK(lapic_msr_read(f.l[0], MSR_TSC_DEADLINE, &v));
	CHECK_EQ(v, 0);
	lapic_write(f.l[0], LVT_TIMER, 0x40051);
	CHECK(lapic_msr_write(f.l[0], MSR_TSC_DEADLINE, 5000));
	CHECK(f.v.timer[0] >= 5000 && f.v.timer[0] < 5300); /* tinyvm's counter runs while read */
	f.v.tsc = 6000;
	lapic_timer(f.l[0]);
	CHECK_EQ(pending_mask(&f, 1, 0x51), 1);
	CHECK(lapic_msr_read(f.l[0], MSR_TSC_DEADLINE, &v));
	CHECK_EQ(v, 0);
	tinyvm_fini(&f.v);
}

TEST(x2apic_registers)
{
	struct fix f;
	struct cpu *c;
	uint64_t v;

	setup(&f, 2);
	c = f.v.set.cpu[1];
	CHECK(!lapic_msr_read(f.l[1], 0x802, &v)); /* not in xAPIC mode */
	CHECK(msr_write(c, MSR_APIC_BASE, c->msr.apic_base | APIC_BASE_X2));
	CHECK(!msr_write(c, MSR_APIC_BASE, c->msr.apic_base & ~(uint64_t)APIC_BASE_X2));
	CHECK(lapic_msr_read(f.l[1], 0x802, &v));
	CHECK_EQ(v, 1);
	CHECK(lapic_msr_read(f.l[1], 0x80d, &v));
	CHECK_EQ(v, 2); /* cluster 0, bit 1 */
	CHECK(!lapic_msr_write(f.l[1], 0x802, 5));
	CHECK(!lapic_msr_read(f.l[1], 0x80e, &v)); /* no DFR */
	CHECK(!lapic_msr_write(f.l[1], 0x80b, 1)); /* EOI takes 0 only */
	CHECK(!lapic_msr_write(f.l[1], 0x808, 0x100));
	CHECK(lapic_msr_write(f.l[1], 0x83f, 0x60)); /* self IPI */
	CHECK_EQ(lapic_ack(f.l[1]), 0x60);
	CHECK(lapic_msr_write(f.l[1], 0x80b, 0));
	CHECK(lapic_msr_write(f.l[1], 0x830, 0x61)); /* to physical 0 */
	CHECK_EQ(lapic_ack(f.l[0]), 0x61);
	CHECK(lapic_msr_write(f.l[1], 0x830, 0xffffffff00000062ull)); /* broadcast */
	CHECK_EQ(lapic_ack(f.l[1]), 0x62);
	tinyvm_fini(&f.v);
}

TEST(nmi_line_and_lint_modes)
{
	struct fix f;

	setup(&f, 2);
	lapic_write(f.l[0], LINT1, 0x400);
	lapic_write(f.l[1], LINT1, 0x10400);
	lapic_nmi(&f.v.set);
	CHECK(wants(&f, 0, ATT_NMI) && !wants(&f, 1, ATT_NMI));
	lapic_write(f.l[0], LINT0, 0x10700);
	CHECK(!lapic_accepts_pic(f.l[0]));
	lapic_write(f.l[0], LINT0, 0x700);
	CHECK(lapic_accepts_pic(f.l[0]));
	tinyvm_fini(&f.v);
}

TEST(saved_state_comes_back)
{
	struct fix f, g;
	struct buf b, r;

	setup(&f, 1);
	setup(&g, 1);
	lapic_write(f.l[0], LVT_TIMER, 0x20050);
	lapic_write(f.l[0], INIT_COUNT, 1000);
	lapic_deliver(&f.v.set, MSI(0, 0), 0x8061);
	buf_init(&b, 4096);
	lapic_save(f.l[0], &b);
	buf_reader(&r, b.data, b.len);
	CHECK_EQ(lapic_load(g.l[0], &r, NULL), 0);
	CHECK_EQ(g.v.timer[0], f.v.timer[0]);
	CHECK(wants(&g, 0, ATT_APIC));
	CHECK_EQ(lapic_ack(g.l[0]), 0x61);
	buf_reader(&r, b.data, b.len - 1);
	CHECK(lapic_load(g.l[0], &r, NULL) != 0);
	buf_fini(&b);
	tinyvm_fini(&f.v);
	tinyvm_fini(&g.v);
}

/* The page, as the guest sees it. */
GUEST(mmio, ".code32\n mov $0xfee00000, %ebx\n movl $0x30, 0x80(%ebx)\n mov 0x80(%ebx), %eax\n"
	    "mov 0x30(%ebx), %ecx\n hlt");

TEST(the_register_page_is_in_memory)
{
	struct fix f;

	setup(&f, 1);
	tinyvm_load(&f.v, 0x1000, GUEST_BYTES(mmio));
	tinyvm_flat32(&f.v, 0, 0x1000);
	CHECK(tinyvm_run(&f.v, 0));
	CHECK_EQ(f.v.set.cpu[0]->gpr[REG_AX], 0x30);
	CHECK_EQ(f.v.set.cpu[0]->gpr[REG_CX], 0x50014);
	tinyvm_fini(&f.v);
}

TEST_MAIN()
