/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/cpu/pm.h"

#include "cpu/mmu/mmu.h"

#define P_DPL0 0x80
#define P_DPL3 0xe0

/* flags: bits 3..0 = G, D/B, L, AVL as in the descriptor; limit in units of it */
uint64_t
pm_desc(uint32_t base, uint32_t limit, unsigned access, unsigned flags)
{
	return (uint64_t)(limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
	       (uint64_t)access << 40 | (uint64_t)(limit >> 16 & 0xf) << 48 |
	       (uint64_t)flags << 52 | (uint64_t)(base >> 24) << 56;
}

uint64_t
pm_gate(unsigned type_dpl_p, uint16_t sel, uint32_t off, unsigned count)
{
	return (uint64_t)(off & 0xffff) | (uint64_t)sel << 16 | (uint64_t)count << 32 |
	       (uint64_t)type_dpl_p << 40 | (uint64_t)(off >> 16) << 48;
}

void
pm_set_desc(struct pm *p, uint16_t sel, uint64_t d)
{
	tinyvm_w64(&p->v, PM_GDT + (sel & ~7u), d);
}

void
pm_set_idt(struct pm *p, unsigned vector, uint64_t gate)
{
	tinyvm_w64(&p->v, PM_IDT + vector * 8, gate);
}

static void
write_gdt(struct pm *p)
{
	static const struct {
		uint16_t sel;
		uint8_t access, flags;
	} flat[] = {
		{ S_CODE0, 0x9b, 0xc },
		{ S_DATA0, 0x93, 0xc },
		{ S_CODE3, 0xfb, 0xc },
		{ S_DATA3, 0xf3, 0xc },
		{ S_CODE1, 0xbb, 0xc },
		{ S_DATA1, 0xb3, 0xc },
		{ S_CONF, 0x9f, 0xc },
		{ S_CODE64, 0x9b, 0xa },
		{ S_CODE64_3, 0xfb, 0xa },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(flat); i++)
		pm_set_desc(p, flat[i].sel, pm_desc(0, 0xfffff, flat[i].access, flat[i].flags));
	pm_set_desc(p, S_CODE16, pm_desc(0, 0xffff, 0x9b, 0));
	pm_set_desc(p, S_DATA16, pm_desc(0, 0xffff, 0x93, 0));
	pm_set_desc(p, S_TSS, pm_desc(PM_TSS, 0x1ff, 0x8b, 0)); /* busy: TR holds it */
	pm_set_desc(p, S_TSS2, pm_desc(PM_TSS2, 0x1ff, 0x89, 0));
	pm_set_desc(p, S_LDT, pm_desc(PM_LDT, 0xff, 0x82, 0));
}

/* Handler of vector n: HLT, and its own address says which. */
static void
write_idt(struct pm *p)
{
	for (unsigned n = 0; n < 256; n++) {
		uint8_t code = 0xf4;

		tinyvm_load(&p->v, PM_HANDLERS + n * 16, &code, 1);
		pm_set_idt(p, n, pm_gate(P_DPL0 | 0xe, S_CODE0, PM_HANDLERS + n * 16, 0));
	}
}

void
pm_init(struct pm *p, const char *model)
{
	tinyvm_init(&p->v, 1, model);
	p->c = p->v.set.cpu[0];
	tinyvm_flat32(&p->v, 0, PM_CODE);
	write_gdt(p);
	write_idt(p);
	tinyvm_w32(&p->v, PM_TSS + 4, PM_STACK0);
	tinyvm_w32(&p->v, PM_TSS + 8, S_DATA0);
	tinyvm_w32(&p->v, PM_TSS + 12, PM_STACK1);
	tinyvm_w32(&p->v, PM_TSS + 16, S_DATA1);
	tinyvm_w32(&p->v, PM_TSS + 0x64, 0x01ff0000); /* no I/O map inside the limit */
	p->c->gdtr = (struct dtable){ PM_GDT, PM_NGDT - 1 };
	p->c->idtr = (struct dtable){ PM_IDT, 0x7ff };
}

void
pm_fini(struct pm *p)
{
	tinyvm_fini(&p->v);
}

static void
load_flat(struct cpu *c, unsigned seg, uint16_t sel, uint16_t attr)
{
	c->seg[seg] = (struct seg){ .sel = sel, .limit = 0xffffffff, .attr = attr };
}

void
pm_start(struct pm *p, unsigned cpl, const void *code, size_t len)
{
	struct cpu *c = p->c;
	uint16_t dpl = (uint16_t)(cpl << 5), d = DESC_P | DESC_S | DESC_G | DESC_DB;

	tinyvm_load(&p->v, PM_CODE, code, len);
	load_flat(c, SEG_CS, cpl ? S_CODE3 : S_CODE0, d | 0xb | dpl);
	for (unsigned s = SEG_ES; s <= SEG_GS; s++)
		if (s != SEG_CS)
			load_flat(c, s, cpl ? S_DATA3 : S_DATA0, d | 3 | dpl);
	c->seg[SEG_TR] =
	    (struct seg){ .sel = S_TSS, .base = PM_TSS, .limit = 0x1ff, .attr = DESC_P | 0xb };
	c->seg[SEG_LDTR].attr = 0;
	c->cpl = (uint8_t)cpl;
	c->gpr[REG_SP] = cpl ? PM_STACK3 : PM_STACK0;
	c->gpr[REG_RIP] = PM_CODE;
	c->halted = false;
	cpu_mode_derive(c);
}

int
pm_run(struct pm *p)
{
	uint64_t rip;

	p->c->halted = false;
	if (!tinyvm_run(&p->v, 0))
		return -2;
	rip = p->c->seg[SEG_CS].base + p->c->gpr[REG_RIP] - 1;
	if (rip >= PM_HANDLERS && rip < PM_HANDLERS + 256 * 16)
		return (int)(rip - PM_HANDLERS) / 16;
	return -1;
}

int
pm_exec(struct pm *p, unsigned cpl, const void *code, size_t len)
{
	pm_start(p, cpl, code, len);
	return pm_run(p);
}

uint32_t
pm_stack(struct pm *p, unsigned i)
{
	struct cpu *c = p->c;
	unsigned item = c->bits == BITS64 ? 8 : 4;

	return tinyvm_r32(&p->v, c->seg[SEG_SS].lbase + c->gpr[REG_SP] + i * item);
}

void
pm_paging(struct pm *p)
{
	for (unsigned i = 0; i < 1024; i++)
		tinyvm_w32(&p->v, PM_PT + i * 4, i << 12 | 7);
	tinyvm_w32(&p->v, PM_PD, PM_PT | 7);
	p->c->cr3 = PM_PD;
	p->c->cr0 |= CR0_PG;
	tlb_flush_all(p->c);
	cpu_mode_derive(p->c);
}

void
pm_set_pte(struct pm *p, uint32_t lin, uint32_t pte)
{
	tinyvm_w32(&p->v, PM_PT + (lin >> 12) * 4, pte);
	tlb_flush_all(p->c);
}

void
pm_start64(struct pm *p, unsigned cpl, const void *code, size_t len)
{
	struct cpu *c = p->c;
	uint16_t dpl = (uint16_t)(cpl << 5);

	tinyvm_flat64(&p->v, 0, PM_CODE);
	c->gdtr = (struct dtable){ PM_GDT, PM_NGDT - 1 };
	c->idtr = (struct dtable){ PM_IDT, 0x7ff }; /* 128 gates of 16 bytes */
	for (unsigned n = 0; n < 128; n++) {
		tinyvm_w64(&p->v, PM_IDT + n * 16,
		    pm_gate(P_DPL0 | 0xe, S_CODE64, PM_HANDLERS + n * 16, 0));
		tinyvm_w64(&p->v, PM_IDT + n * 16 + 8, 0);
	}
	pm_start(p, cpl, code, len);
	load_flat(
	    c, SEG_CS, cpl ? S_CODE64_3 : S_CODE64, DESC_P | DESC_S | DESC_L | DESC_G | 0xb | dpl);
	tinyvm_w64(&p->v, PM_TSS + 4, PM_STACK0);
	cpu_mode_derive(c);
}
