/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/cpu/jitpair.h"

#include "base/err.h"
#include "cpu/mmu/mmu.h"
#include "cpu/x86/exc.h"
#include "cpu/x86/flags.h"
#include "tests/unit/test.h"

/* ---- machines ---- */

static uint64_t
mmio_read(void *ctx, uint64_t off, unsigned size)
{
	struct jit_side *s = ctx;

	s->mmio = (s->mmio + off * 16 + size) * 0x9e3779b97f4a7c15ull;
	return s->mmio >> 8;
}

static void
mmio_write(void *ctx, uint64_t off, unsigned size, uint64_t val)
{
	struct jit_side *s = ctx;

	s->mmio = (s->mmio ^ val) * 0x94d049bb133111ebull + off * 16 + size;
}

static const struct mem_io mmio_io = {
	.read = mmio_read, .write = mmio_write, .access_min = 1, .access_max = 8
};

bool
jit_side_init(struct jit_side *s, const struct tinyvm_engine *engine)
{
	const char *why = "", *model = cpu_model_find("x86-64-v3", &why) ? "x86-64-v3" : "default";
	struct err e = { 0 };

	if (!tinyvm_init_engine(&s->v, 1, model, engine, &e)) {
		test_fail(__FILE__, __LINE__, "%s", e.msg);
		return false;
	}
	s->c = s->v.set.cpu[0];
	mem_region_map(mem_space_add_io(&s->v.mem, "device", &mmio_io, s, 4096, 1), JIT_MMIO_GPA);
	return true;
}

void
jit_side_fini(struct jit_side *s)
{
	tinyvm_fini(&s->v);
}

/* ---- tables ---- */

static uint64_t
descriptor(uint32_t base, uint32_t limit, unsigned access, unsigned flags)
{
	if (limit > 0xfffff) {
		limit >>= 12;
		flags |= 8;
	}
	return (uint64_t)(limit & 0xffff) | (uint64_t)(base & 0xffffff) << 16 |
	       (uint64_t)access << 40 | (uint64_t)(limit >> 16 & 0xf) << 48 |
	       (uint64_t)flags << 52 | (uint64_t)(base >> 24) << 56;
}

static uint64_t
segment_descriptor(const struct jit_program *p, unsigned seg)
{
	unsigned access = 0x93u | p->cpl << 5, flags = p->bits == BITS16 ? 0 : 4;

	if (seg == SEG_CS) {
		access |= 8;
		if (p->bits == BITS64)
			flags = 2;
	}
	return descriptor(p->seg_base[seg], p->seg_limit[seg], access, flags);
}

static void
fill_gdt(const struct jit_program *p, uint8_t *gdt)
{
	const struct {
		unsigned sel;
		uint64_t d;
	} rows[] = { { JS_CODE32, descriptor(0, UINT32_MAX, 0x9b, 4) },
		{ JS_DATA, descriptor(0, UINT32_MAX, 0x93, 4) },
		{ JS_CODE64, descriptor(0, UINT32_MAX, 0x9b, 2) },
		{ JS_TSS, descriptor(JIT_TSS, 0x1ff, 0x8b, 0) },
		{ JS_CS, segment_descriptor(p, SEG_CS) }, { JS_DS, segment_descriptor(p, SEG_DS) },
		{ JS_ES, segment_descriptor(p, SEG_ES) }, { JS_SS, segment_descriptor(p, SEG_SS) },
		{ JS_FS, segment_descriptor(p, SEG_FS) },
		{ JS_GS, segment_descriptor(p, SEG_GS) } };

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		put_le(gdt + rows[i].sel, 8, rows[i].d);
}

static void
fill_idt(const struct jit_program *p, uint8_t *low)
{
	for (unsigned n = 0; n < 256; n++) {
		uint64_t at = JIT_HANDLERS + n * 16;
		uint64_t gate = (at & 0xffff) | 0x8e00ull << 32;

		low[at] = 0xf4;
		if (p->mode == JIT_REAL) {
			put_le(low + n * 4ul, 4, at);
		} else if (p->mode != JIT_LONG64) {
			put_le(low + JIT_IDT + n * 8ul, 8, gate | JS_CODE32 << 16);
		} else {
			gate |= (uint64_t)p->ist << 32 | JS_CODE64 << 16;
			put_le(low + JIT_IDT + n * 16ul, 8, gate);
		}
	}
}

static void
fill_tss(const struct jit_program *p, uint8_t *tss)
{
	put_le(tss + 4, 4, JIT_STACK0); /* ESP0, RSP0 */
	if (p->mode == JIT_LONG64)
		put_le(tss + 0x24, 4, JIT_STACK0); /* IST1 */
	else
		put_le(tss + 8, 4, JS_DATA);
	put_le(tss + 0x64, 4, 0x01ff0000);
}

static uint64_t
page_entry(unsigned page)
{
	uint64_t at = (uint64_t)page << 12;

	switch (at) {
	case JIT_TABLES:
	case JIT_TABLES + 0x1000:
	case JIT_TABLES + 0x2000:
	case JIT_TABLES + 0x3000:
	case JIT_PAGE_ABSENT: return 0;
	case JIT_PAGE_RO: return at | 5;
	case JIT_PAGE_SUPER: return at | 3;
	case JIT_PAGE_NX: return at | 7 | 1ull << 63;
	case JIT_PAGE_MMIO: return JIT_MMIO_GPA | 7;
	default: break;
	}
	if (at == JIT_STACK0 - 0x1000 || at == JIT_TSS)
		return at | 3;
	if (at < JIT_CODE)
		return at | 1; /* the system's own: read-only, supervisor */
	return at < JIT_END ? at | 7 : 0;
}

/* PAE and long mode alike: PML4, PDPT, PD, PT */
static void
fill_paging(const struct jit_program *p, uint8_t *t)
{
	bool pae = p->mode != JIT_LONG64;

	put_le(t, 8, (JIT_TABLES + 0x1000) | 7);
	put_le(t + 0x1000, 8, (JIT_TABLES + 0x2000) | (pae ? 1 : 7));
	put_le(t + 0x2000, 8, (JIT_TABLES + 0x3000) | 7);
	for (unsigned i = 0; i < 512; i++)
		put_le(t + 0x3000 + i * 8ul, 8, page_entry(i));
}

static const uint8_t *
fill_memory(const struct jit_program *p, uint64_t *rng)
{
	static uint8_t low[JIT_END];

	memset(low, 0, JIT_CODE);
	fill_gdt(p, low + JIT_GDT);
	fill_idt(p, low);
	fill_tss(p, low + JIT_TSS);
	fill_paging(p, low + JIT_TABLES);
	for (unsigned i = JIT_CODE; i < JIT_END; i += 8) {
		uint64_t v = jit_rnd(rng);

		if (v % 3 == 0) /* small numbers, and floating point that is not wild */
			v = (v >> 32 & 0x7) ? v >> 40 : 0x3ff0000000000000 | v >> 13;
		put_le(low + i, 8, v);
	}
	memcpy(low + p->start, p->code, p->len);
	return low;
}

/* ---- registers ---- */

static void
set_seg(struct cpu *c, const struct jit_program *p, unsigned s)
{
	static const uint16_t sel[] = { [SEG_ES] = JS_ES,
		[SEG_CS] = JS_CS,
		[SEG_SS] = JS_SS,
		[SEG_DS] = JS_DS,
		[SEG_FS] = JS_FS,
		[SEG_GS] = JS_GS };
	bool real = p->mode <= JIT_V86;
	uint64_t d = segment_descriptor(p, s);

	c->seg[s] = (struct seg){ .base = p->seg_base[s],
		.limit = p->seg_limit[s],
		.sel = (uint16_t)(real ? p->seg_base[s] >> 4 : sel[s] | p->cpl),
		.attr = (uint16_t)(d >> 40 & 0xf0ff) };
	if (real)
		c->seg[s].attr = DESC_P | DESC_S | DESC_W | DESC_A | (p->cpl ? DESC_DPL : 0);
}

static void
set_control(struct cpu *c, const struct jit_program *p)
{
	c->cr0 = CR0_ET | CR0_NE | CR0_MP;
	c->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE | CR4_FSGSBASE;
	c->msr.efer = EFER_NXE;
	c->xcr0 = 7;
	c->long_mode = p->mode == JIT_LONG64;
	if (p->mode != JIT_REAL)
		c->cr0 |= CR0_PE;
	if (c->long_mode)
		c->msr.efer |= EFER_LME | EFER_LMA | EFER_SCE;
	c->cr3 = JIT_TABLES + (c->long_mode ? 0 : 0x1000);
	if (p->paging) {
		c->cr0 |= CR0_PG | CR0_WP;
		c->cr4 |= CR4_PAE;
		if (!c->long_mode)
			mmu_load_pdptes(c, c->cr3);
	}
	c->gdtr = (struct dtable){ JIT_GDT, JS_END - 1 };
	c->idtr =
	    (struct dtable){ p->mode == JIT_REAL ? 0 : JIT_IDT, p->mode == JIT_REAL     ? 0x3ff
								: p->mode == JIT_LONG64 ? 0xfff
											: 0x7ff };
}

static void
set_mood(struct cpu *c, const struct jit_program *p)
{
	if (p->mood == JIT_TS)
		c->cr0 |= CR0_TS;
	if (p->mood == JIT_NOSSE)
		c->cr4 &= ~(uint64_t)(CR4_OSFXSR | CR4_OSXSAVE);
	if (p->mood == JIT_AC) {
		c->cr0 |= CR0_AM;
		c->eflags |= FL_AC;
	}
	if (p->mood == JIT_WATCH) { /* eight bytes, written; four, read or written */
		c->dr[0] = JIT_DATA + 0x1008;
		c->dr[1] = JIT_STACK + JIT_STACK_SIZE / 2 + 0x100;
		c->dr[7] = 0x400 | 1 | 4 | 9ull << 16 | 15ull << 20;
	}
	if (p->mood == JIT_BREAK) {
		c->dr[0] = p->start + p->insn[p->n / 4].off;
		c->dr[1] = p->start + p->insn[p->n / 2].off;
		c->dr[7] = 0x400 | 1 | 4;
	}
}

static void
enter(struct cpu *c, const struct jit_program *p, uint64_t rip, uint64_t *rng)
{
	static const uint8_t pointers[] = { REG_BX, REG_BP, REG_SI, REG_DI, 12, 13, 14, 15 };

	c->wait_sipi = c->halted = c->shutdown = c->shadow = c->nmi_blocked = false;
	c->dr6_pending = 0;
	cpu_clear(c, ATT_DEBUG | ATT_STOP);
	c->exc_vector = -1;
	c->exc_depth = 0;
	set_control(c, p);
	for (unsigned s = SEG_ES; s <= SEG_GS; s++)
		set_seg(c, p, s);
	c->seg[SEG_TR] =
	    (struct seg){ .sel = JS_TSS, .base = JIT_TSS, .limit = 0x1ff, .attr = DESC_P | 0xb };
	c->seg[SEG_LDTR] = (struct seg){ .attr = 0 };
	c->cpl = (uint8_t)p->cpl;
	c->eflags = FL_R1 | (p->mode == JIT_V86 ? FL_VM | FL_IOPL : 0) |
	            (jit_pick(rng, 8) ? 0 : FL_DF) | (jit_pick(rng, 4) ? 0 : FL_IOPL);
	flags_set_arith(c, (uint32_t)jit_rnd(rng));
	set_mood(c, p);
	for (unsigned i = 0; i < (p->bits == BITS64 ? 8 : 4); i++)
		c->gpr[pointers[i]] = jit_pointer(p, rng);
	c->gpr[REG_SP] =
	    JIT_STACK + JIT_STACK_SIZE / 2 + jit_pick(rng, 0x1000) - p->seg_base[SEG_SS];
	if (jit_pick(rng, 4))
		c->gpr[REG_SP] &= ~15ull;
	c->gpr[REG_RIP] = rip;
	tlb_flush_all(c);
	cpu_mode_derive(c);
}

static uint64_t
some_number(uint64_t *rng)
{
	uint64_t v = jit_rnd(rng);

	switch (jit_pick(rng, 4)) {
	case 0: return v & 0xff;
	case 1: return v % 5 - 2;
	case 2: return v >> jit_pick(rng, 64);
	default: return v;
	}
}

static void
set_numbers(struct cpu *c, const struct jit_program *p, uint64_t *rng)
{
	for (unsigned i = 0; i < 16; i++) {
		uint64_t v = some_number(rng);

		c->gpr[i] = p->bits == BITS64 ? v : i < 8 ? (uint32_t)v : 0;
	}
	memset(&c->fpu, 0, sizeof(c->fpu));
	c->fpu.cw = jit_pick(rng, 3) ? 0x37f : 0x27f;
	c->fpu.empty = jit_pick(rng, 2) ? 0xff : (uint8_t)jit_rnd(rng);
	c->fpu.top = (uint8_t)jit_pick(rng, 8);
	for (unsigned i = 0; i < 8; i++) {
		put_le(c->fpu.reg[i], 8, jit_rnd(rng) | 1ull << 63);
		put_le(c->fpu.reg[i] + 8, 2, 0x3ff8 + jit_pick(rng, 16));
	}
	c->mxcsr = 0x1f80 | jit_pick(rng, 4) << 13;
	for (unsigned i = 0; i < sizeof(c->ymm); i += 8)
		put_le(&c->ymm[i / 32][i % 32], 8,
		    jit_pick(rng, 2) ? some_number(rng) : 0x3ff0000000000000 | jit_rnd(rng) >> 12);
	c->cr2 = 0;
	memset(c->dr, 0, sizeof(c->dr));
	c->dr[6] = 0xffff0ff0;
	c->dr[7] = 0x400;
	c->msr.kernel_gs_base = 0;
	c->icount = 0;
	c->rng = 1;
}

void
jit_pair_prepare(struct jit_pair *pair, const struct jit_program *p)
{
	static const uint8_t zero[JIT_REAL_END - JIT_END];
	uint64_t rng = p->seed + 77;
	const uint8_t *low = fill_memory(p, &rng);

	pair->x87_sw = p->inexact ? (uint16_t)~0x4700u : UINT16_MAX;
	for (struct jit_side *s = &pair->a;; s = &pair->b) {
		uint64_t r = rng;

		tinyvm_load(&s->v, 0, low, JIT_END);
		if (!p->paging)
			tinyvm_load(&s->v, JIT_END, zero, sizeof(zero));
		memset(s->v.port, 0, sizeof(s->v.port));
		s->v.tsc = s->mmio = s->v.triple_faults = 0;
		set_numbers(s->c, p, &r);
		enter(s->c, p, p->start - p->cs_base, &r);
		if (s == &pair->b)
			break;
	}
}

void
jit_pair_resume(struct jit_pair *pair, const struct jit_program *p, uint64_t rip, uint64_t *rng)
{
	uint64_t r = *rng;

	/* else #MF again and again; what is undefined may not be looked at */
	pair->a.c->fpu.sw &= 0x7f00 & pair->x87_sw;
	pair->b.c->fpu.sw &= 0x7f00 & pair->x87_sw;
	pair->a.c->mxcsr &= 0x6000;
	pair->b.c->mxcsr &= 0x6000;
	pair->a.c->mxcsr |= 0x1f80;
	pair->b.c->mxcsr |= 0x1f80;
	enter(pair->a.c, p, rip, &r);
	enter(pair->b.c, p, rip, rng);
}

/* ---- where it stands ---- */

static bool
has_error(unsigned vector)
{
	return vector == EXC_DF || (vector >= EXC_TS && vector <= EXC_PF) || vector == EXC_AC;
}

struct jit_where
jit_where(const struct jit_side *s, const struct jit_program *p)
{
	static const uint8_t item[] = {
		[JIT_REAL] = 2, [JIT_V86] = 4, [JIT_PROT16] = 4, [JIT_PROT32] = 4, [JIT_LONG64] = 8
	};
	struct jit_where w = { .stop = JIT_STOP_BUDGET, .vector = -1 };
	const struct cpu *c = s->c;
	uint64_t lin = c->seg[SEG_CS].base + c->gpr[REG_RIP] - 1, sp = c->gpr[REG_SP];
	unsigned size = item[p->mode];

	if (s->why == CPU_EXIT_BUDGET)
		return w;
	w.stop = c->shutdown || s->why == CPU_EXIT_STOP ? JIT_STOP_DEAD : JIT_STOP_HLT;
	if (w.stop == JIT_STOP_DEAD || lin < JIT_HANDLERS || lin >= JIT_HANDLERS + 0x1000)
		return w;
	w.stop = JIT_STOP_FAULT;
	w.vector = (int)(lin - JIT_HANDLERS) / 16;
	sp &= c->stack_size == 1 ? 0xffff : UINT64_MAX;
	sp += c->seg[SEG_SS].lbase + (p->mode != JIT_REAL && has_error((unsigned)w.vector)) * size;
	if (sp + 3ul * size >= JIT_REAL_END)
		return w;
	w.rip = get_le(c->arena->base + sp, size);
	w.flags_gpa = sp + 2ul * size;
	return w;
}

/* ---- comparing ---- */

#define FIELD(f)                                                                                   \
	{                                                                                          \
#f, offsetof(struct cpu, f), sizeof(((struct cpu *)0)->f)                          \
	}
static const struct {
	const char *name;
	size_t off, size;
} fields[] = { FIELD(gpr), FIELD(cpl), FIELD(bits), FIELD(stack_size), FIELD(long_mode),
	FIELD(shadow), FIELD(halted), FIELD(shutdown), FIELD(gdtr.base), FIELD(gdtr.limit),
	FIELD(idtr.base), FIELD(idtr.limit), FIELD(cr0), FIELD(cr2), FIELD(cr3), FIELD(cr4),
	FIELD(dr), FIELD(msr), FIELD(fpu.cw), FIELD(fpu.top), FIELD(fpu.empty), FIELD(fpu.op),
	FIELD(fpu.ip), FIELD(fpu.dp), FIELD(fpu.cs), FIELD(fpu.ds), FIELD(mxcsr), FIELD(ymm),
	FIELD(nmi_blocked), FIELD(icount) };

static bool
differs(struct jit_pair *pair, const char *name, unsigned i, uint64_t a, uint64_t b)
{
	snprintf(pair->what, sizeof(pair->what), "%s[%u]: %llx, translator %llx", name, i,
	    (unsigned long long)a, (unsigned long long)b);
	return false;
}

static bool
same_field(struct jit_pair *pair, const char *name, const void *a, const void *b, size_t size)
{
	for (size_t i = 0; i < size; i += 8) {
		size_t n = size - i < 8 ? size - i : 8;
		uint64_t va = 0, vb = 0;

		memcpy(&va, (const char *)a + i, n);
		memcpy(&vb, (const char *)b + i, n);
		if (va != vb)
			return differs(pair, name, (unsigned)i / 8, va, vb);
	}
	return true;
}

static bool
same_segments(struct jit_pair *pair)
{
	for (unsigned i = 0; i < NSEG; i++) {
		const struct seg *a = &pair->a.c->seg[i], *b = &pair->b.c->seg[i];

		if (a->sel != b->sel)
			return differs(pair, "segment selector", i, a->sel, b->sel);
		if (a->base != b->base)
			return differs(pair, "segment base", i, a->base, b->base);
		if (a->limit != b->limit)
			return differs(pair, "segment limit", i, a->limit, b->limit);
		if (a->attr != b->attr)
			return differs(pair, "segment attributes", i, a->attr, b->attr);
	}
	return true;
}

bool
jit_pair_same_registers(struct jit_pair *pair, uint32_t flags)
{
	const struct cpu *a = pair->a.c, *b = pair->b.c;
	uint32_t fa = flags_get(a) & flags, fb = flags_get(b) & flags;

	if (pair->a.why != pair->b.why)
		return differs(pair, "exit", 0, pair->a.why, pair->b.why);
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
		if (!same_field(pair, fields[i].name, (const char *)a + fields[i].off,
			(const char *)b + fields[i].off, fields[i].size))
			return false;
	if (fa != fb)
		return differs(pair, "eflags", 0, fa, fb);
	if ((a->fpu.sw ^ b->fpu.sw) & pair->x87_sw)
		return differs(pair, "fpu.sw", 0, a->fpu.sw, b->fpu.sw);
	for (unsigned i = 0; i < 8; i++)
		if (!same_field(pair, "x87 register", a->fpu.reg[i], b->fpu.reg[i], 10))
			return false;
	return same_segments(pair);
}

/* The accessed bit of a page that an instruction would have read, had it not raised #MF: the
 * translator looks at the address first, as processors may (SDM 3A 4.8).  The dirty bit for an
 * x87 store that its own exception keeps from happening. */
static bool
may_differ(const struct jit_program *p, unsigned at, uint8_t a, uint8_t b)
{
	uint8_t may = p->inexact ? 0x60 : 0x20;

	return at >= JIT_TABLES + 0x3000 && at < JIT_TABLES + 0x4000 && !((a ^ b) & ~may);
}

bool
jit_pair_same_memory(struct jit_pair *pair, const struct jit_program *p)
{
	const uint8_t *a = pair->a.c->arena->base, *b = pair->b.c->arena->base;
	unsigned end = p->paging ? JIT_END : JIT_REAL_END;

	if (pair->a.mmio != pair->b.mmio)
		return differs(pair, "device accesses", 0, pair->a.mmio, pair->b.mmio);
	if (memcmp(pair->a.v.port, pair->b.v.port, sizeof(pair->a.v.port)) != 0)
		return differs(pair, "ports", 0, 0, 0);
	if (!memcmp(a, b, end))
		return true;
	for (unsigned i = 0; i < end; i++)
		if (a[i] != b[i] && !may_differ(p, i, a[i], b[i])) {
			snprintf(pair->what, sizeof(pair->what),
			    "memory at %x: %02x, translator %02x", i, a[i], b[i]);
			return false;
		}
	return true;
}

static void
print_side(const char *name, const struct jit_side *s)
{
	const struct cpu *c = s->c;

	printf(
	    "# %s: exit %d rip %llx eflags %x cpl %u cr2 %llx mxcsr %x fsw %x/%u fcw %x tags %02x "
	    "icount %llu\n",
	    name, s->why, (unsigned long long)c->gpr[REG_RIP], flags_get(c), c->cpl,
	    (unsigned long long)c->cr2, c->mxcsr, c->fpu.sw, c->fpu.top, c->fpu.cw, c->fpu.empty,
	    (unsigned long long)c->icount);
	for (unsigned i = 0; i < 16; i += 4)
		printf("#   r%-2u %016llx %016llx %016llx %016llx\n", i,
		    (unsigned long long)c->gpr[i], (unsigned long long)c->gpr[i + 1],
		    (unsigned long long)c->gpr[i + 2], (unsigned long long)c->gpr[i + 3]);
	for (unsigned i = 0; i < 6; i++)
		printf("#   seg%u %04x base %llx limit %x attr %x\n", i, c->seg[i].sel,
		    (unsigned long long)c->seg[i].base, c->seg[i].limit, c->seg[i].attr);
}

void
jit_pair_print(const struct jit_pair *pair)
{
	print_side("interpreter", &pair->a);
	print_side("translator", &pair->b);
}
