/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MOVS, CMPS, STOS, LODS, SCAS with and without REP.
 *
 * Registers are updated after every element (or run of elements that cannot fault), so a
 * fault finds them as the manual wants.  Upwards, elements are done in runs inside a page
 * through host pointers.  One call does at most one run or MAX_STEPS single elements; what
 * is left executes the instruction again, so that interrupts get in and a large count
 * cannot hold the processor.
 */
#include "cpu/x86/sem/int.h"

enum { MAX_STEPS = 1024 };

typedef uint16_t __attribute__((may_alias, aligned(1))) any_u16;
typedef uint32_t __attribute__((may_alias, aligned(1))) any_u32;
typedef uint64_t __attribute__((may_alias, aligned(1))) any_u64;

enum string { STR_MOVS, STR_CMPS, STR_STOS, STR_LODS, STR_SCAS };

static ALWAYS_INLINE bool
string_reads_si(enum string op)
{
	return op == STR_MOVS || op == STR_CMPS || op == STR_LODS;
}
static ALWAYS_INLINE bool
string_compares(enum string op)
{
	return op == STR_CMPS || op == STR_SCAS;
}

/* Moves SI, DI and CX past n elements. */
static ALWAYS_INLINE void
advance(struct cpu *c, const struct insn *in, enum string op, unsigned size, uint64_t n, bool rep)
{
	unsigned asize = 1u << in->asize;
	uint64_t delta = c->eflags & FL_DF ? -(n * size) : n * size;

	if (string_reads_si(op))
		reg_set(c, REG_SI, asize, c->gpr[REG_SI] + delta);
	if (op != STR_LODS)
		reg_set(c, REG_DI, asize, c->gpr[REG_DI] + delta);
	if (rep)
		reg_set(c, REG_CX, asize, c->gpr[REG_CX] - n);
}

/* One element; all that can raise comes before the first change. */
static ALWAYS_INLINE void
string_step(struct cpu *c, const struct insn *in, enum string op, unsigned size, bool rep)
{
	uint64_t mask = SIZE_MASK(1u << in->asize), di = c->gpr[REG_DI] & mask, v = 0, w = 0;

	if (string_reads_si(op))
		v = mem_read(c, in->seg, c->gpr[REG_SI] & mask, size);
	else
		v = reg_get(c, REG_AX, size);
	if (string_compares(op))
		w = mem_read(c, SEG_ES, di, size);
	if (op == STR_MOVS || op == STR_STOS)
		mem_write(c, SEG_ES, di, size, v);
	if (op == STR_LODS)
		reg_set(c, REG_AX, size, v);
	advance(c, in, op, size, 1, rep);
	if (string_compares(op))
		flags_set_sub(c, v, w, size);
}

/* ---- runs ---- */

/* Host address of the elements from ea on, as many as fit the page, the segment and the
 * address size; lowers *n to that. NULL: one at a time. */
static uint8_t *
run_ptr(struct cpu *c, const struct insn *in, unsigned seg, uint64_t ea, unsigned size,
    enum mmu_access access, uint64_t *n)
{
	const struct seg *s = &c->seg[seg];
	uint64_t wrap = SIZE_MASK(1u << in->asize), last = s->vlimit < wrap ? s->vlimit : wrap;
	unsigned room = 0;
	uint8_t *p;

	if (!(s->ok & (access == MMU_WRITE ? SEG_OK_W : SEG_OK_R)) || ea > last)
		return NULL;
	p = access_page_ptr(c, (s->lbase + ea) & c->lin_mask, access, &room);
	if (!p)
		return NULL;
	if (last - ea < room)
		room = (unsigned)(last - ea) + 1;
	if (room / size < *n)
		*n = room / size;
	return *n ? p : NULL;
}

static ALWAYS_INLINE uint64_t
host_get(const uint8_t *p, unsigned size)
{
	switch (size) {
	case 1: return *p;
	case 2: return *(const any_u16 *)p;
	case 4: return *(const any_u32 *)p;
	default: return *(const any_u64 *)p;
	}
}

/* Forward, element by element where the areas overlap: a pattern then spreads. Whole
 * elements are stored at once, another processor sees no half of one. */
static ALWAYS_INLINE void
run_copy(uint8_t *dst, const uint8_t *src, uint64_t n, unsigned size)
{
	if ((uintptr_t)(dst - src) >= n * size && n * size >= 64) {
		memmove(dst, src, n * size);
		return;
	}
	for (uint64_t i = 0; i < n * size; i += size) {
		switch (size) {
		case 1: *(volatile uint8_t *)(dst + i) = src[i]; break;
		case 2: *(guest_u16 *)(void *)(dst + i) = *(const any_u16 *)(src + i); break;
		case 4: *(guest_u32 *)(void *)(dst + i) = *(const any_u32 *)(src + i); break;
		default: *(guest_u64 *)(void *)(dst + i) = *(const any_u64 *)(src + i); break;
		}
	}
}

static ALWAYS_INLINE void
run_fill(uint8_t *dst, uint64_t v, uint64_t n, unsigned size)
{
	if (size == 1) {
		memset(dst, (int)v, n);
		return;
	}
	for (uint64_t i = 0; i < n; i++) {
		switch (size) {
		case 2: ((any_u16 *)(void *)dst)[i] = (uint16_t)v; break;
		case 4: ((any_u32 *)(void *)dst)[i] = (uint32_t)v; break;
		default: ((any_u64 *)(void *)dst)[i] = v; break;
		}
	}
}

/* Elements up to and with the one that ends the repetition; *ret_end when one does. */
static ALWAYS_INLINE uint64_t
run_compare(struct cpu *c, const uint8_t *src, const uint8_t *dst, uint64_t acc, uint64_t n,
    unsigned size, bool while_equal, bool *ret_end)
{
	uint64_t v = acc, w = 0, i = 0;

	*ret_end = false;
	while (i < n && !*ret_end) {
		if (src)
			v = host_get(src + i * size, size);
		w = host_get(dst + i * size, size);
		i++;
		*ret_end = (v == w) != while_equal;
	}
	flags_set_sub(c, v, w, size);
	return i;
}

/* As many elements as one page allows; returns how many were done, 0 when runs do not
 * apply. *ret_end: a comparison ended the repetition. */
static ALWAYS_INLINE uint64_t
string_run(
    struct cpu *c, const struct insn *in, enum string op, unsigned size, uint64_t n, bool *ret_end)
{
	uint64_t mask = SIZE_MASK(1u << in->asize), di = c->gpr[REG_DI] & mask;
	uint64_t si = c->gpr[REG_SI] & mask;
	enum mmu_access access = string_compares(op) ? MMU_READ : MMU_WRITE;
	uint8_t *dst, *src = NULL;

	/* the source first, as it faults first; the second look-up may have ended the first
	 * one's validity */
	if (string_reads_si(op) && !(src = run_ptr(c, in, in->seg, si, size, MMU_READ, &n)))
		return 0;
	dst = run_ptr(c, in, SEG_ES, di, size, access, &n);
	if (!dst || (src && run_ptr(c, in, in->seg, si, size, MMU_READ, &n) != src))
		return 0;
	if (op == STR_MOVS)
		run_copy(dst, src, n, size);
	else if (op == STR_STOS)
		run_fill(dst, c->gpr[REG_AX], n, size);
	else
		n = run_compare(
		    c, src, dst, reg_get(c, REG_AX, size), n, size, in->prefix & PFX_REP, ret_end);
	advance(c, in, op, size, n, true);
	return n;
}

/* A data breakpoint reports after the element (SDM 3B 17.2.4); for others a few elements more
 * do not matter: while interrupts are off they may wait for long. */
static ALWAYS_INLINE bool
must_stop(const struct cpu *c, unsigned step)
{
	uint32_t att = __atomic_load_n(&c->attention, __ATOMIC_RELAXED);

	return att & ATT_DEBUG || (att && step % 32 == 31);
}

/* Single elements until the count, the comparison, an interrupt or the bound ends it.
 * Returns true when the instruction is complete. */
static ALWAYS_INLINE bool
string_steps(struct cpu *c, const struct insn *in, enum string op, unsigned size)
{
	uint64_t mask = SIZE_MASK(1u << in->asize);

	for (unsigned i = 0; i < MAX_STEPS; i++) {
		string_step(c, in, op, size, true);
		if ((c->gpr[REG_CX] & mask) == 0)
			return true;
		if (string_compares(op) && flag_zf(c) != ((in->prefix & PFX_REP) != 0))
			return true;
		if (c->single || must_stop(c, i))
			return false;
		/* a run may do from here: the page boundary has been crossed */
		if (!(c->eflags & FL_DF) && op != STR_LODS &&
		    ((c->gpr[REG_DI] & 0xfff) < size || (c->gpr[REG_SI] & 0xfff) < size))
			return false;
	}
	return false;
}

static ALWAYS_INLINE void
string_insn(struct cpu *c, const struct insn *in, unsigned size, enum string op)
{
	uint64_t n = c->gpr[REG_CX] & SIZE_MASK(1u << in->asize);
	bool end = false;

	if (!(in->prefix & (PFX_REP | PFX_REPNE))) {
		string_step(c, in, op, size, false);
		return;
	}
	if (n == 0)
		return;
	if (n > 2 && op != STR_LODS && !(c->eflags & FL_DF) && !c->single &&
	    string_run(c, in, op, size, n, &end))
		end |= (c->gpr[REG_CX] & SIZE_MASK(1u << in->asize)) == 0;
	else
		end = string_steps(c, in, op, size);
	if (!end) {
		c->gpr[REG_RIP] = c->insn_rip;
		cpu_end_block(c);
	}
}

#define STRING(name, op)                                                                           \
	static ALWAYS_INLINE void do_##name(struct cpu *c, const struct insn *in, unsigned size)   \
	{                                                                                          \
		string_insn(c, in, size, op);                                                      \
	}                                                                                          \
	SEM_SIZES(name)
STRING(movs, STR_MOVS)
STRING(cmps, STR_CMPS)
STRING(stos, STR_STOS)
STRING(lods, STR_LODS)
STRING(scas, STR_SCAS)
