/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Debug registers and hardware breakpoints, SDM 3B chapter 17. */
#include "cpu/cpu.h"
#include "cpu/x86/transfer.h"

enum { DR6_SET = 0xe00f, DR6_BD = 0x2000, DR7_GD = 0x2000, DR7_FIXED1 = 0x400 };
#define DR6_FIXED1 0xffff0ff0u
#define DR7_SET    0xffff23ffu

enum bp_type { BP_EXEC, BP_WRITE, BP_IO, BP_ACCESS };

static bool
bp_enabled(const struct cpu *c, unsigned i)
{
	return c->dr[7] >> (i * 2) & 3;
}
static enum bp_type
bp_type(const struct cpu *c, unsigned i)
{
	return c->dr[7] >> (16 + i * 4) & 3;
}
static unsigned
bp_len(const struct cpu *c, unsigned i)
{
	static const uint8_t len[] = { 1, 2, 8, 4 };

	return len[c->dr[7] >> (18 + i * 4) & 3];
}

/* Overlap of [addr, addr + len) with breakpoint i; its address is taken aligned. */
static bool
bp_hit(const struct cpu *c, unsigned i, uint64_t addr, unsigned len)
{
	uint64_t bp = c->dr[i] & ~(uint64_t)(bp_len(c, i) - 1);

	return addr < bp + bp_len(c, i) && bp < addr + len;
}

static bool
has_bp(const struct cpu *c, unsigned types)
{
	for (unsigned i = 0; i < 4; i++)
		if (bp_enabled(c, i) && (types >> bp_type(c, i) & 1))
			return true;
	return false;
}

bool
debug_has_data_bp(const struct cpu *c)
{
	return has_bp(c, 1 << BP_WRITE | 1 << BP_ACCESS);
}

bool
debug_has_exec_bp(const struct cpu *c)
{
	return has_bp(c, 1 << BP_EXEC);
}

/* A fault, before the instruction; RF holds it back once. */
void
debug_check_exec(struct cpu *c)
{
	uint64_t lin = (c->seg[SEG_CS].lbase + c->gpr[REG_RIP]) & c->lin_mask;
	uint64_t hit = 0;

	if ((c->eflags & FL_RF) || !(c->dr[7] & 0xff))
		return;
	for (unsigned i = 0; i < 4; i++)
		if (bp_enabled(c, i) && bp_type(c, i) == BP_EXEC && c->dr[i] == lin)
			hit |= 1ull << i;
	if (!hit)
		return;
	c->dr6_pending |= hit;
	c->insn_rip = c->gpr[REG_RIP];
	cpu_raise(c, EXC_DB);
}

static void
note(struct cpu *c, uint64_t addr, unsigned len, unsigned types)
{
	for (unsigned i = 0; i < 4; i++) {
		if (!bp_enabled(c, i) || !(types >> bp_type(c, i) & 1) || !bp_hit(c, i, addr, len))
			continue;
		c->dr6_pending |= 1ull << i;
		cpu_kick(c, ATT_DEBUG);
		cpu_end_block(c);
	}
}

void
debug_note_data(struct cpu *c, uint64_t lin, unsigned len, bool write)
{
	note(c, lin, len, 1 << BP_ACCESS | (write ? 1 << BP_WRITE : 0));
}

void
debug_note_io(struct cpu *c, uint16_t port, unsigned len)
{
	if (c->cr4 & CR4_DE)
		note(c, port, len, 1 << BP_IO);
}

/* ---- MOV DR ---- */

/* DR4 and DR5 are DR6 and DR7 unless CR4.DE. */
static unsigned
dr_number(struct cpu *c, unsigned n)
{
	if (n > 7 || ((n == 4 || n == 5) && (c->cr4 & CR4_DE)))
		cpu_raise_ud(c);
	need_cpl0(c);
	if (c->dr[7] & DR7_GD) {
		c->dr6_pending |= DR6_BD;
		cpu_raise(c, EXC_DB);
	}
	return n == 4 || n == 5 ? n + 2 : n;
}

static void
do_mov_from_dr(struct cpu *c, const struct insn *in)
{
	unsigned n = dr_number(c, in->reg[1]);

	reg_set(c, in->reg[0], insn_size(in), c->dr[n]);
}
SEM_ONE(mov_from_dr)

static void
do_mov_to_dr(struct cpu *c, const struct insn *in)
{
	uint64_t v = reg_get(c, in->reg[1], insn_size(in));
	unsigned n = dr_number(c, in->reg[0]);

	if (n >= 6 && v >> 32)
		cpu_raise_gp(c, 0);
	if (n == 6)
		v = (v & DR6_SET) | DR6_FIXED1;
	else if (n == 7)
		v = (v & DR7_SET) | DR7_FIXED1;
	c->dr[n] = v;
	cpu_mode_derive(c);
	cpu_end_block(c);
}
SEM_ONE(mov_to_dr)
