/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual-8086 mode: entry, exits, sensitive instructions, VME and PVI, I/O permission. */
#include "tests/unit/cpu/pm.h"

enum { V86_CS = 0x1000, V86_SS = 0x2000, IOPL3 = FL_IOPL, IOMAP = 0x88 };

/* Enters V86 mode at V86_CS:0 by an IRET of the guest's own. */
GUEST(enter, ".code32\n iret");

static void
v86(struct pm *p, uint32_t flags, const void *code, size_t len)
{
	static const uint16_t seg[] = { V86_SS, 0x3000, 0x4000, 0x5000,
		0x6000 }; /* SS ES DS FS GS */
	uint32_t sp = PM_STACK0 - 36;

	tinyvm_load(&p->v, V86_CS << 4, code, len);
	pm_start(p, 0, GUEST_BYTES(enter));
	p->c->gpr[REG_SP] = sp;
	tinyvm_w32(&p->v, sp, 0);
	tinyvm_w32(&p->v, sp + 4, V86_CS);
	tinyvm_w32(&p->v, sp + 8, flags | FL_VM | FL_R1);
	tinyvm_w32(&p->v, sp + 12, 0x1000);
	for (unsigned i = 0; i < 5; i++)
		tinyvm_w32(&p->v, sp + 16 + i * 4, seg[i]);
}

/* The frame of an exception out of V86 mode; k = 1 with error code. */
#define CHECK_FRAME(p, k, ip)                                                                      \
	do {                                                                                       \
		CHECK_EQ((p)->c->gpr[REG_SP], PM_STACK0 - 36 - 4 * (k));                           \
		CHECK_EQ(pm_stack(p, k), ip);                                                      \
		CHECK_EQ(pm_stack(p, (k) + 1), V86_CS);                                            \
		CHECK(pm_stack(p, (k) + 2) & FL_VM);                                               \
		CHECK_EQ(pm_stack(p, (k) + 4), V86_SS);                                            \
		CHECK_EQ(pm_stack(p, (k) + 5), 0x3000);                                            \
		CHECK_EQ(pm_stack(p, (k) + 6), 0x4000);                                            \
		CHECK_EQ(pm_stack(p, (k) + 7), 0x5000);                                            \
		CHECK_EQ(pm_stack(p, (k) + 8), 0x6000);                                            \
		CHECK_EQ((p)->c->seg[SEG_DS].sel, 0);                                              \
		CHECK_EQ((p)->c->seg[SEG_GS].sel, 0);                                              \
		CHECK_EQ((p)->c->cpl, 0);                                                          \
	} while (0)

GUEST(divide, ".code16\n nop\n xor %cx, %cx\n div %cx");

TEST(an_exception_saves_the_data_segments)
{
	struct pm p;

	pm_init(&p, "pentium3");
	v86(&p, 0, GUEST_BYTES(divide));
	CHECK_EQ(pm_run(&p), EXC_DE);
	CHECK_FRAME(&p, 0, 3);
	pm_fini(&p);
}

TEST(a_handler_of_another_level_is_gp)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_set_idt(&p, EXC_DE, pm_gate(0x8e, S_CODE1, PM_HANDLERS, 0));
	v86(&p, 0, GUEST_BYTES(divide));
	CHECK_EQ(pm_run(&p), EXC_DF); /* #GP while delivering #DE */
	pm_set_idt(&p, 0x50, pm_gate(0xee, S_CONF, PM_HANDLERS, 0));
	v86(&p, IOPL3, "\xcd\x50", 2);
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(pm_stack(&p, 0), S_CONF);
	pm_fini(&p);
}

TEST(sensitive_instructions_need_iopl_3)
{
	static const struct {
		const char *code;
		uint8_t len;
	} row[] = {
		{ "\xfa", 1 },
		{ "\xfb", 1 },
		{ "\x9c", 1 },
		{ "\x9d", 1 },
		{ "\xcd\x50", 2 },
		{ "\xcf", 1 },
		{ "\x66\x9c", 2 },
		{ "\x66\x9d", 2 },
	};
	static const char nop_hlt[] = "\x90\xf4";

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++) {
		struct pm p;

		pm_init(&p, "pentium3");
		v86(&p, 0, row[i].code, row[i].len);
		CHECK_EQ(pm_run(&p), EXC_GP);
		CHECK_EQ(pm_stack(&p, 0), 0);
		CHECK_FRAME(&p, 1, 0);
		if (i < 4) { /* with IOPL 3 they go through; the HLT behind is #GP always */
			v86(&p, IOPL3, row[i].code, row[i].len);
			tinyvm_load(&p.v, (V86_CS << 4) + row[i].len, nop_hlt, 2);
			CHECK_EQ(pm_run(&p), EXC_GP);
			CHECK_EQ(pm_stack(&p, 1), row[i].len + 1);
		}
		pm_fini(&p);
	}
}

TEST(int_n_with_iopl_3_takes_the_gate)
{
	struct pm p;

	pm_init(&p, "pentium3");
	pm_set_idt(&p, 0x50, pm_gate(0xee, S_CODE0, PM_HANDLERS + 0x500, 0));
	v86(&p, IOPL3, "\xcd\x50", 2);
	CHECK_EQ(pm_run(&p), 0x50);
	CHECK_FRAME(&p, 0, 2);
	/* INT3 never asks for IOPL */
	pm_set_idt(&p, 3, pm_gate(0xee, S_CODE0, PM_HANDLERS + 0x30, 0));
	v86(&p, 0, "\xcc", 1);
	CHECK_EQ(pm_run(&p), 3);
	pm_fini(&p);
}

/* ---- VME ---- */

static void
with_vme(struct pm *p)
{
	pm_init(p, "pentium3");
	p->c->cr4 |= CR4_VME;
	/* I/O map at IOMAP, the 32 bytes of the redirection bitmap before it */
	tinyvm_w32(&p->v, PM_TSS + 0x64, IOMAP << 16);
	for (unsigned i = 0; i < 32; i += 4)
		tinyvm_w32(&p->v, PM_TSS + IOMAP - 32 + i, 0);
}

GUEST(int_21, ".code16\n int $0x21");
GUEST(v86_gp, ".code16\n hlt");

TEST(vme_redirects_int_n_into_the_program)
{
	for (unsigned iopl3 = 0; iopl3 < 2; iopl3++) {
		struct pm p;
		uint32_t image;

		with_vme(&p);
		tinyvm_w32(&p.v, 0x21 * 4, 0x70000010);
		tinyvm_load(&p.v, 0x70010, GUEST_BYTES(v86_gp));
		v86(&p, (iopl3 ? IOPL3 | FL_IF : FL_VIF), GUEST_BYTES(int_21));
		CHECK_EQ(pm_run(&p), EXC_GP);
		CHECK_EQ(pm_stack(&p, 1), 0x10);
		CHECK_EQ(pm_stack(&p, 2), 0x7000);
		CHECK_EQ(pm_stack(&p, 4), 0xffa);
		CHECK_EQ(tinyvm_r32(&p.v, (V86_SS << 4) + 0xffa), 2 | V86_CS << 16);
		image = tinyvm_r32(&p.v, (V86_SS << 4) + 0xffe) & 0xffff;
		/* IOPL < 3: the program sees VIF as IF and IOPL 3 */
		CHECK_EQ(image & (FL_IF | FL_IOPL), FL_IF | FL_IOPL);
		CHECK_EQ(pm_stack(&p, 3) & (FL_IF | FL_VIF), 0);
		pm_fini(&p);
	}
}

TEST(a_set_bit_in_the_redirection_bitmap_keeps_the_monitor)
{
	struct pm p;

	with_vme(&p);
	tinyvm_w32(&p.v, PM_TSS + IOMAP - 32 + 4, 1 << 1); /* vector 0x21 */
	v86(&p, 0, GUEST_BYTES(int_21));
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(pm_stack(&p, 1), 0);
	pm_set_idt(&p, 0x21, pm_gate(0xee, S_CODE0, PM_HANDLERS + 0x210, 0));
	v86(&p, IOPL3, GUEST_BYTES(int_21));
	CHECK_EQ(pm_run(&p), 0x21);
	pm_fini(&p);
}

TEST(vme_turns_cli_sti_pushf_popf_into_vif)
{
	static const uint8_t code[] = { 0xfb, 0x9c, 0x58, 0xfa, 0x9c, 0x5b, 0xf4 };
	struct pm p;

	/* sti; pushf; pop ax; cli; pushf; pop bx; hlt */
	with_vme(&p);
	v86(&p, 0, code, sizeof(code));
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(p.c->gpr[REG_AX] & (FL_IF | FL_IOPL), FL_IF | FL_IOPL);
	CHECK_EQ(p.c->gpr[REG_BX] & (FL_IF | FL_IOPL), FL_IOPL);
	CHECK(!(pm_stack(&p, 3) & (FL_IF | FL_VIF)));
	/* STI with VIP set goes to the monitor */
	v86(&p, FL_VIP, code, sizeof(code));
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(pm_stack(&p, 1), 0);
	pm_fini(&p);
}

GUEST(pvi, ".code32\n sti\n pushf\n pop %eax\n cli\n pushf\n pop %ebx\n ud2");

TEST(pvi_gives_level_3_a_virtual_interrupt_flag)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(pvi)), EXC_GP);
	p.c->cr4 |= CR4_PVI;
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(pvi)), EXC_UD);
	CHECK_EQ(p.c->gpr[REG_AX] & (FL_VIF | FL_IF), FL_VIF);
	CHECK_EQ(p.c->gpr[REG_BX] & (FL_VIF | FL_IF), 0);
	pm_fini(&p);
}

/* ---- I/O permission ---- */

GUEST(in_al, ".code16\n in $0x72, %al\n hlt");
GUEST(in_ax, ".code16\n in $0x73, %ax\n hlt");

TEST(v86_io_asks_the_bitmap_even_with_iopl_3)
{
	struct pm p;

	pm_init(&p, "pentium3");
	tinyvm_w32(&p.v, PM_TSS + 0x64, IOMAP << 16);
	for (unsigned i = 0; i < 32; i += 4)
		tinyvm_w32(&p.v, PM_TSS + IOMAP + i, 0xffffffff);
	v86(&p, IOPL3, GUEST_BYTES(in_al));
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(pm_stack(&p, 1), 0);
	p.v.port[0x72] = 0x5a;
	tinyvm_w32(&p.v, PM_TSS + IOMAP + 0x70 / 8, ~(1u << 2));
	v86(&p, IOPL3, GUEST_BYTES(in_al));
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(pm_stack(&p, 1), 2);
	CHECK_EQ(p.c->gpr[REG_AX] & 0xff, 0x5a);
	/* a word needs both ports */
	tinyvm_w32(&p.v, PM_TSS + IOMAP + 0x70 / 8, ~(1u << 3));
	v86(&p, IOPL3, GUEST_BYTES(in_ax));
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(pm_stack(&p, 1), 0);
	tinyvm_w32(&p.v, PM_TSS + IOMAP + 0x70 / 8, ~(3u << 3));
	v86(&p, IOPL3, GUEST_BYTES(in_ax));
	CHECK_EQ(pm_run(&p), EXC_GP);
	CHECK_EQ(pm_stack(&p, 1), 2);
	pm_fini(&p);
}

GUEST(in_prot, ".code32\n in $0x72, %al\n ud2");

TEST(protected_mode_io_asks_iopl_then_the_bitmap)
{
	struct pm p;

	pm_init(&p, "pentium3");
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(in_prot)), EXC_GP);
	p.c->eflags |= IOPL3;
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(in_prot)), EXC_UD);
	p.c->eflags = 0;
	tinyvm_w32(&p.v, PM_TSS + 0x64, IOMAP << 16);
	tinyvm_w32(&p.v, PM_TSS + IOMAP + 0x70 / 8, 0);
	CHECK_EQ(pm_exec(&p, 3, GUEST_BYTES(in_prot)), EXC_UD);
	/* the byte after the last one must be inside the limit too */
	pm_start(&p, 3, GUEST_BYTES(in_prot));
	p.c->seg[SEG_TR].limit = IOMAP + 0x70 / 8;
	CHECK_EQ(pm_run(&p), EXC_GP);
	pm_fini(&p);
}

TEST_MAIN()
