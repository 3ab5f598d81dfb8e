/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "flat.h"

enum { MAX_REPEATS = 100000 };

static void
set_seg(struct seg *s, uint64_t base, uint16_t sel, uint16_t attr, uint32_t limit, uint64_t vlimit,
    uint8_t ok)
{
	*s = (struct seg){ .base = base,
		.limit = limit,
		.sel = sel,
		.attr = attr,
		.lbase = base,
		.vlimit = vlimit,
		.ok = ok };
}

void
flat_init(struct flat *f, enum cpu_bits bits, uint64_t base)
{
	static struct cpu_model all; /* every feature */
	uint32_t limit = bits == BITS16 ? 0xffff : UINT32_MAX;
	uint64_t vlimit = bits == BITS64 ? UINT64_MAX : limit;
	uint16_t db = bits == BITS16 ? 0 : DESC_DB | DESC_G;
	struct cpu *c = &f->c;

	memset(f, 0, sizeof(*f));
	memset(all.features, 0xff, sizeof(all.features));
	for (unsigned i = 0; i < TLB_SIZE; i++)
		f->tlb[i] = (struct tlb_entry){ TLB_NONE, TLB_NONE, TLB_NONE, 0 };
	c->model = &all;
	c->tlb = c->tlbs[0] = c->tlbs[1] = c->tlbs[2] = f->tlb;
	c->set = &f->set;
	f->set.n = 1;
	f->set.cpu[0] = c;
	c->bits = (uint8_t)bits;
	c->stack_size = (uint8_t)(bits + 1);
	c->cpl = 3;
	c->lin_mask = bits == BITS64 ? UINT64_MAX : UINT32_MAX;
	c->long_mode = true;
	c->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_MP | CR0_PG;
	c->cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
	c->msr.efer = EFER_LME | EFER_LMA;
	c->xcr0 = 7;
	c->eflags = FL_IF;
	c->mxcsr = 0x1f80;
	c->fpu.cw = 0x37f;
	c->fpu.empty = 0xff;
	c->exc_vector = -1;
	c->a20_mask = UINT64_MAX;
	for (unsigned i = 0; i < 6; i++)
		set_seg(&c->seg[i], base, 0x2b, DESC_P | DESC_S | DESC_DPL | DESC_W | DESC_A | db,
		    limit, vlimit, SEG_OK_R | SEG_OK_W);
	set_seg(&c->seg[SEG_CS], base, 0x23,
	    (uint16_t)(DESC_P | DESC_S | DESC_DPL | DESC_CODE | DESC_W | DESC_A |
		       (bits == BITS64 ? DESC_L | DESC_G : db)),
	    limit, vlimit, bits == BITS64 ? SEG_OK_R | SEG_OK_W : SEG_OK_R);
}

void
flat_map(struct flat *f, uint64_t lin, void *host, size_t len)
{
	for (size_t at = 0; at < len; at += 4096) {
		uint64_t page = lin + at;

		f->tlb[page >> 12 & (TLB_SIZE - 1)] =
		    (struct tlb_entry){ page, page, page, (uint64_t)(uintptr_t)host + at - page };
	}
}

int
flat_run(struct flat *f, const uint8_t *code, unsigned len)
{
	struct decode_mode m = { .bits = f->c.bits };
	struct cpu *c = &f->c;
	insn_fn *fn;

	if (insn_decode(&f->in, &m, code, len) != DECODE_OK)
		return -2;
	if (!(op_info[f->in.op].modes & (c->bits == BITS64 ? 4 : 2)))
		return EXC_UD;
	fn = sem_table[f->in.op]->fn[f->in.osize][f->in.form];
	c->exc_vector = -1;
	f->x.in = f->in;
	c->cur_insn = &f->x; /* a non-canonical address asks it for the segment */
	c->insn_rip = c->gpr[REG_RIP];
	if (setjmp(c->fault))
		return c->exc_vector;
	for (volatile int i = 0; i < MAX_REPEATS; i++) {
		c->gpr[REG_RIP] = c->insn_rip + f->in.len;
		fn(c, &f->in);
		if (c->gpr[REG_RIP] != c->insn_rip)
			break;
	}
	return -1;
}
