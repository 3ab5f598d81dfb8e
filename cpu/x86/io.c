/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port input and output, SDM 1 chapter 18 and 2A IN, INS, OUT, OUTS. */
#include "cpu/cpu.h"
#include "cpu/x86/transfer.h"

enum { TSS_IOMAP = 0x66 };

/* Permission: IOPL, else the bitmap in a 32-bit (or 64-bit) TSS; V86 mode always the bitmap. */
void
io_check(struct cpu *c, uint16_t port, unsigned size)
{
	const struct seg *tr = &c->seg[SEG_TR];
	uint32_t off;
	uint16_t map;

	if (cpu_is_real(c) || (!cpu_is_v86(c) && c->cpl <= (c->eflags & FL_IOPL) >> 12))
		return;
	if (!(tr->attr & DESC_P) || !(tr->attr & 8) || tr->limit < TSS_IOMAP + 1)
		cpu_raise_gp(c, 0);
	off = sys_read16(c, (tr->base + TSS_IOMAP) & sys_mask(c)) + port / 8u;
	if (off + 1 > tr->limit)
		cpu_raise_gp(c, 0);
	map = sys_read16(c, (tr->base + off) & sys_mask(c));
	if (map >> (port & 7) & ((1u << size) - 1))
		cpu_raise_gp(c, 0);
}

static void
note_io(struct cpu *c, uint16_t port, unsigned size)
{
	if (unlikely((c->dr[7] & 0xff) && (c->cr4 & CR4_DE)))
		debug_note_io(c, port, size);
}

static uint16_t
port_operand(const struct cpu *c, const struct insn *in, unsigned operand)
{
	return (uint16_t)(in->kind[operand] == OPD_IMM ? in->imm & 0xff : c->gpr[REG_DX]);
}

static void
do_in(struct cpu *c, const struct insn *in)
{
	unsigned size = insn_size(in);
	uint16_t port = port_operand(c, in, 1);

	io_check(c, port, size);
	reg_set(c, REG_AX, size, mem_space_read(c->env->io, port, size));
	note_io(c, port, size);
}
SEM_ONE(in)

static void
do_out(struct cpu *c, const struct insn *in)
{
	unsigned size = insn_size(in);
	uint16_t port = port_operand(c, in, 0);

	io_check(c, port, size);
	mem_space_write(c->env->io, port, size, reg_get(c, REG_AX, size));
	note_io(c, port, size);
}
SEM_ONE(out)

/* ---- strings ---- */

enum { BATCH_BYTES = 4096, MAX_ELEMENTS = 4096 /* of one execution, then look for interrupts */ };

/* How many of `count` elements from ea on lie in one page, rising, inside the segment. */
static unsigned
run_length(struct cpu *c, const struct seg *s, uint64_t ea, unsigned size, uint64_t count,
    unsigned asize, unsigned need)
{
	uint64_t room = 4096 - ((s->lbase + ea) & 0xfff);
	uint64_t last = bits_mask(8u << asize);

	if ((c->eflags & FL_DF) || !(s->ok & need))
		return 1;
	if (last > s->vlimit)
		last = s->vlimit;
	if (ea > last)
		return 1;
	if (room > last - ea + 1)
		room = last - ea + 1;
	if (count > room / size)
		count = room / size;
	return count ? (unsigned)count : 1;
}

/* A batch goes through a buffer: a register callback may give way to other processors, so no
 * pointer into guest memory may be held across it. What can fault does so before the device is
 * asked: its data would be lost. */
static unsigned
ins_run(struct cpu *c, const struct insn *in, uint16_t port, uint64_t ea, uint64_t count)
{
	unsigned size = insn_size(in);
	unsigned n = run_length(c, &c->seg[SEG_ES], ea, size, count, in->asize, SEG_OK_W);
	uint8_t buf[BATCH_BYTES];

	mem_probe_write(c, SEG_ES, ea, size * n);
	if (n > 1) {
		n = mem_space_read_many(c->env->io, port, size, buf, n);
		mem_write_bytes(c, SEG_ES, ea, buf, n * size);
	} else {
		mem_write(c, SEG_ES, ea, size, mem_space_read(c->env->io, port, size));
	}
	return n;
}

static unsigned
outs_run(struct cpu *c, const struct insn *in, uint16_t port, uint64_t ea, uint64_t count)
{
	unsigned size = insn_size(in);
	const struct seg *s = &c->seg[in->seg];
	unsigned n = run_length(c, s, ea, size, count, in->asize, SEG_OK_R);
	uint8_t buf[BATCH_BYTES];

	if (n > 1) {
		mem_read_bytes(c, in->seg, ea, buf, n * size);
		return mem_space_write_many(c->env->io, port, size, buf, n);
	}
	mem_space_write(c->env->io, port, size, mem_read(c, in->seg, ea, size));
	return 1;
}

typedef unsigned string_run(
    struct cpu *c, const struct insn *in, uint16_t port, uint64_t ea, uint64_t count);

static void
string_io(struct cpu *c, const struct insn *in, unsigned index, string_run *run)
{
	unsigned size = insn_size(in), asize = 1u << in->asize;
	bool rep = in->prefix & (PFX_REP | PFX_REPNE);
	uint16_t port = (uint16_t)c->gpr[REG_DX];
	unsigned done = 0, n;
	uint64_t count;

	io_check(c, port, size);
	while ((count = rep ? reg_get(c, REG_CX, asize) : 1) != 0) {
		n = run(c, in, port, reg_get(c, index, asize), count);
		reg_set(c, index, asize,
		    c->gpr[index] + (c->eflags & FL_DF ? 0 - (uint64_t)size : (uint64_t)n * size));
		note_io(c, port, size);
		if (!rep)
			return;
		reg_set(c, REG_CX, asize, count - n);
		done += n;
		if (count > n && (done >= MAX_ELEMENTS || cpu_wants_out(c))) {
			c->gpr[REG_RIP] = c->insn_rip;
			cpu_end_block(c);
			return;
		}
	}
}

static void
do_ins(struct cpu *c, const struct insn *in)
{
	string_io(c, in, REG_DI, ins_run);
}
SEM_ONE(ins)

static void
do_outs(struct cpu *c, const struct insn *in)
{
	string_io(c, in, REG_SI, outs_run);
}
SEM_ONE(outs)
