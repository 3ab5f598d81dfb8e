/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Repeated string instructions: restart after faults, bounds, overlap, interrupts. */
#include "flat.h"
#include "tests/unit/test.h"

enum { BASE = 0x10000, PAGES = 8 };

static struct flat f;
static uint8_t mem[PAGES * 4096] __attribute__((aligned(4096)));

static struct cpu *
start(uint64_t si, uint64_t di, uint64_t cx)
{
	flat_init(&f, BITS32, 0);
	flat_map(&f, BASE, mem, sizeof(mem));
	for (unsigned i = 0; i < sizeof(mem); i++)
		mem[i] = (uint8_t)(i * 7 + (i >> 8));
	f.c.gpr[REG_SI] = BASE + si;
	f.c.gpr[REG_DI] = BASE + di;
	f.c.gpr[REG_CX] = cx;
	f.c.gpr[REG_RIP] = 0x500;
	return &f.c;
}

/* One call of the handler, as the run loop does it. */
static void
call_once(const char *code, unsigned len)
{
	struct decode_mode m = { .bits = BITS32 };
	struct cpu *c = &f.c;

	CHECK_EQ(insn_decode(&f.in, &m, (const uint8_t *)code, len), DECODE_OK);
	c->insn_rip = c->gpr[REG_RIP];
	c->gpr[REG_RIP] += f.in.len;
	c->block_end = mem;
	sem_table[f.in.op]->fn[f.in.osize][f.in.form](c, &f.in);
}

TEST(movs_stops_at_the_faulting_element)
{
	struct cpu *c = start(0, 0x4000, 3000);

	c->seg[SEG_ES].limit = BASE + 0x4000 + 5000 - 1; /* 1250 dwords fit */
	c->seg[SEG_ES].vlimit = c->seg[SEG_ES].limit;
	mem[0x4000 + 5000] = 0xee;
	CHECK_EQ(flat_run(&f, (const uint8_t *)"\xf3\xa5", 2), EXC_GP);
	CHECK_EQ(c->gpr[REG_CX], 3000 - 1250);
	CHECK_EQ(c->gpr[REG_SI], BASE + 5000);
	CHECK_EQ(c->gpr[REG_DI], BASE + 0x4000 + 5000);
	CHECK(memcmp(mem, mem + 0x4000, 5000) == 0);
	CHECK_EQ(mem[0x4000 + 5000], 0xee);
}

TEST(overlapping_movs_spreads_a_pattern)
{
	struct cpu *c = start(0x100, 0x103, 6000);

	CHECK_EQ(flat_run(&f, (const uint8_t *)"\xf3\xa4", 2), -1);
	for (unsigned i = 0; i < 6000; i++)
		CHECK_EQ(mem[0x103 + i], mem[0x100 + i % 3]);
	CHECK_EQ(c->gpr[REG_CX], 0);
}

TEST(movs_downwards_over_itself_keeps_the_data)
{
	static uint8_t copy[5000];
	struct cpu *c = start(0x100 + 4999, 0x180 + 4999, 5000);

	memcpy(copy, mem + 0x100, sizeof(copy));
	c->eflags |= FL_DF;
	CHECK_EQ(flat_run(&f, (const uint8_t *)"\xf3\xa4", 2), -1);
	CHECK(memcmp(mem + 0x180, copy, sizeof(copy)) == 0);
	CHECK_EQ(c->gpr[REG_SI], BASE + 0x100 - 1);
}

TEST(misaligned_elements_cross_pages)
{
	struct cpu *c = start(0xffd, 0x4ffe, 2500);

	CHECK_EQ(flat_run(&f, (const uint8_t *)"\xf3\xa5", 2), -1);
	CHECK(memcmp(mem + 0xffd, mem + 0x4ffe, 10000) == 0);
	CHECK_EQ(c->gpr[REG_DI], BASE + 0x4ffe + 10000);
}

TEST(stos_fills_every_size)
{
	static const char *const code[] = { "\xf3\xaa", "\xf3\x66\xab", "\xf3\xab" };

	for (unsigned s = 0; s < 3; s++) {
		struct cpu *c = start(0, 0x0ff1, 4000);

		c->gpr[REG_AX] = 0xa1b2c3d4;
		CHECK_EQ(flat_run(&f, (const uint8_t *)code[s], s == 1 ? 3 : 2), -1);
		for (unsigned i = 0; i < 4000u << s; i++)
			CHECK_EQ(
			    mem[0xff1 + i], (uint8_t)(0xa1b2c3d4 >> (i & ((1u << s) - 1)) * 8));
		CHECK_EQ(mem[0xff1 + (4000u << s)],
		    (uint8_t)((0xff1 + (4000u << s)) * 7 + ((0xff1 + (4000u << s)) >> 8)));
	}
}

TEST(scas_finds_and_stops_behind_the_match)
{
	struct cpu *c = start(0, 0x10, 9000);

	memset(mem, 1, sizeof(mem));
	mem[0x10 + 7000] = 0x5a;
	c->gpr[REG_AX] = 0x5a;
	CHECK_EQ(flat_run(&f, (const uint8_t *)"\xf2\xae", 2), -1);
	CHECK_EQ(c->gpr[REG_DI], BASE + 0x10 + 7001);
	CHECK_EQ(c->gpr[REG_CX], 9000 - 7001);
	CHECK(flag_zf(c) && !flag_cf(c));
}

TEST(cmps_reports_the_first_difference)
{
	struct cpu *c = start(0, 0x4000, 2000);

	memcpy(mem + 0x4000, mem, 8000);
	mem[0x4000 + 6001] ^= 0x80;
	CHECK_EQ(flat_run(&f, (const uint8_t *)"\xf3\xa7", 2), -1);
	CHECK_EQ(c->gpr[REG_SI], BASE + 6004);
	CHECK(!flag_zf(c));
}

TEST(a_call_is_bounded_and_continues)
{
	struct cpu *c = start(0, 0, 5000);

	call_once("\xf3\xac", 2); /* LODSB */
	CHECK_EQ(c->gpr[REG_RIP], 0x500);
	CHECK(c->block_end == NULL);
	CHECK(c->gpr[REG_CX] < 5000 && c->gpr[REG_CX] >= 5000 - 4096);
	CHECK_EQ(c->gpr[REG_SI], BASE + 5000 - c->gpr[REG_CX]);
}

TEST(a_pending_interrupt_gets_in)
{
	struct cpu *c = start(4999, 0x3000, 5000);

	c->eflags |= FL_DF;
	c->attention = ATT_INTR;
	call_once("\xf3\xa4", 2);
	CHECK_EQ(c->gpr[REG_RIP], 0x500);
	CHECK(c->gpr[REG_CX] >= 5000 - 64);
	c->attention = ATT_DEBUG;
	call_once("\xf3\xa4", 2);
	CHECK(c->gpr[REG_CX] >= 5000 - 65);
}

TEST(single_step_does_one_element)
{
	struct cpu *c = start(0, 0x3000, 10);

	c->single = true;
	call_once("\xf3\xa4", 2);
	CHECK_EQ(c->gpr[REG_CX], 9);
	CHECK_EQ(c->gpr[REG_RIP], 0x500);
}

TEST(sixteen_bit_offsets_wrap)
{
	struct cpu *c = start(0, 0, 4);

	c->gpr[REG_CX] = 0x12340004;
	c->gpr[REG_DI] = 0xabcdfffe;
	flat_map(&f, 0xf000, mem, 4096);
	flat_map(&f, 0, mem + 4096, 4096);
	c->gpr[REG_AX] = 0x77;
	CHECK_EQ(flat_run(&f, (const uint8_t *)"\x67\xf3\xaa", 3), -1);
	CHECK_EQ(c->gpr[REG_DI], 0xabcd0002);
	CHECK_EQ(c->gpr[REG_CX], 0x12340000);
	CHECK(mem[0xffe] == 0x77 && mem[0xfff] == 0x77 && mem[4096] == 0x77 && mem[4097] == 0x77);
}

TEST_MAIN()
