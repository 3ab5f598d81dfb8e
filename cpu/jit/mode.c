/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a translation depends on besides its bytes, as a small number. */
#include "cpu/jit/jit.h"

static enum jit_seg
seg_kind(const struct cpu *c, unsigned seg)
{
	const struct seg *s = &c->seg[seg];

	if (c->bits == BITS64)
		return seg >= SEG_FS ? JIT_SEG_BASED : JIT_SEG_FLAT;
	if (s->vlimit < UINT32_MAX || s->ok != (SEG_OK_R | SEG_OK_W))
		return JIT_SEG_LIMITED;
	return s->lbase ? JIT_SEG_BASED : JIT_SEG_FLAT;
}

static uint32_t
fp_bits(const struct cpu *c)
{
	uint32_t v = JIT_M_X87;

	if (c->cr0 & (CR0_EM | CR0_TS))
		return 0;
	if (c->cr4 & CR4_OSFXSR)
		v |= JIT_M_SSE;
	if ((v & JIT_M_SSE) && (c->cr4 & CR4_OSXSAVE) && (c->xcr0 & 6) == 6)
		v |= JIT_M_AVX;
	return v;
}

static struct jit_mode
mode_of(const struct cpu *c)
{
	struct jit_mode m = { .bits = c->bits };

	if (cpu_is_prot(c))
		m.bits |= JIT_M_PROT;
	if (c->cpl == 3)
		m.bits |= JIT_M_USER;
	m.bits |= (uint32_t)c->stack_size << 4 | fp_bits(c);
	if (c->hot.counting)
		m.bits |= JIT_M_COUNT;
	for (unsigned s = SEG_ES; s <= SEG_GS; s++)
		m.bits |= (uint32_t)seg_kind(c, s) << (JIT_M_SEG_SHIFT + 2 * s);
	m.cs_base = c->seg[SEG_CS].lbase;
	m.cs_limit = c->bits == BITS64 ? UINT64_MAX : c->seg[SEG_CS].limit;
	return m;
}

/* 0: the table is full, and will be emptied by the loop. */
static uint32_t
number_of(struct jit *j, const struct jit_mode *m)
{
	uint64_t h = (m->bits ^ m->cs_base << 20 ^ m->cs_limit << 40) * 0x9e3779b97f4a7c15ull;
	unsigned i = (unsigned)(h >> 32) % JIT_MODES;

	for (;; i = (i + 1) % JIT_MODES) {
		struct jit_mode *at = &j->mode[i];

		if (i && at->cs_limit && at->bits == m->bits && at->cs_base == m->cs_base &&
		    at->cs_limit == m->cs_limit)
			return i;
		if (i && !at->cs_limit) /* an empty slot: a limit of 0 is not translated */
			break;
	}
	if (j->nmodes >= JIT_MODES * 3 / 4) {
		j->flush_wanted = true;
		return 0;
	}
	j->nmodes++;
	j->mode[i] = *m;
	return i;
}

uint32_t
jit_mode(struct cpu *c)
{
	struct jit *j = c->jit;

	if (unlikely(c->hot.dirty)) {
		struct jit_mode m = mode_of(c);

		c->hot.dirty = false;
		j->mode_now = m.cs_limit ? number_of(j, &m) : 0;
		/* the poll bit stays; others may set it at any time */
		__atomic_and_fetch(&c->hot.mode, HOT_POLL, __ATOMIC_SEQ_CST);
		__atomic_or_fetch(&c->hot.mode, j->mode_now, __ATOMIC_SEQ_CST);
	}
	return j->mode_now;
}
