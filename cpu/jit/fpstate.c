/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guest's floating-point registers between cpu.ymm[], cpu.fpu and the host's own.  Built
 * without the compiler using them.  x87 goes by FXSAVE's and FNSAVE's images (SDM 1, 8.1.10 and
 * 10.5.1).
 */
#include "cpu/jit/jit.h"

#define EACH_XMM(_)                                                                                \
	_(0) _(1) _(2) _(3) _(4) _(5) _(6) _(7) _(8) _(9) _(10) _(11) _(12) _(13) _(14) _(15)

static void
save_sse(struct cpu *c)
{
	static const uint32_t host_default = 0x1f80;
	uint8_t *p = c->ymm[0];

	__asm__ volatile("stmxcsr %0" : "=m"(c->mxcsr));
	if (c->jit->host_avx) {
#define X(n) "vmovups %%ymm" #n ", " #n "*32(%0)\n\t"
		__asm__ volatile(EACH_XMM(X) "vzeroupper" : : "r"(p) : "memory");
#undef X
	} else {
#define X(n) "movups %%xmm" #n ", " #n "*32(%0)\n\t"
		__asm__ volatile(EACH_XMM(X) : : "r"(p) : "memory");
#undef X
	}
	__asm__ volatile("ldmxcsr %0" : : "m"(host_default));
}

/* Upper halves that are all zero stay so for the host too: legacy SSE code runs faster. */
static bool
uppers_in_use(const struct cpu *c)
{
	uint64_t any = 0;

	for (unsigned i = 0; i < 16; i++)
		any |= get_le64(c->ymm[i] + 16) | get_le64(c->ymm[i] + 24);
	return any != 0;
}

static void
load_sse(struct cpu *c)
{
	const uint8_t *p = c->ymm[0];

	__asm__ volatile("ldmxcsr %0" : : "m"(c->mxcsr));
	if (c->jit->host_avx && uppers_in_use(c)) {
#define X(n) "vmovups " #n "*32(%0), %%ymm" #n "\n\t"
		__asm__ volatile(EACH_XMM(X) : : "r"(p) : "memory");
#undef X
		return;
	}
	if (c->jit->host_avx)
		__asm__ volatile("vzeroupper");
#define X(n) "movups " #n "*32(%0), %%xmm" #n "\n\t"
	__asm__ volatile(EACH_XMM(X) : : "r"(p) : "memory");
#undef X
}

/* FIP, FDP and FOP: the host's name host code, so translated code notes where it is. */
static void
note_pointers(struct cpu *c)
{
	const struct jit *j = c->jit;
	const struct jit_site *s = (const void *)(j->meta + c->hot.x87_last);

	if (c->hot.x87_last) {
		c->fpu.ip = s->rip;
		c->fpu.cs = c->seg[SEG_CS].sel;
		c->fpu.op = (uint16_t)((s->x.in.imm & 7) << 8 | s->x.in.modrm);
	}
	s = (const void *)(j->meta + c->hot.x87_mem);
	if (c->hot.x87_mem) {
		c->fpu.dp = c->hot.x87_dp;
		c->fpu.ds = c->seg[s->x.in.seg].sel;
	}
	c->hot.x87_last = c->hot.x87_mem = 0;
}

static void
save_x87(struct cpu *c)
{
	uint8_t *fx = c->jit->fx;
	struct x87 *f = &c->fpu;

	__asm__ volatile("fxsave64 %0\n\tfninit" : "=m"(*(uint8_t(*)[512])(void *)fx));
	f->cw = get_le16(fx);
	f->top = get_le16(fx + 2) >> 11 & 7;
	f->sw = get_le16(fx + 2) & (uint16_t)~0x3800u;
	f->empty = (uint8_t)~fx[4];
	for (unsigned i = 0; i < 8; i++)
		memcpy(f->reg[(f->top + i) & 7], fx + 32 + 16 * i, 10);
	note_pointers(c);
}

/* FNSAVE's tag word wants to know what a register holds; FRSTOR looks only at "empty". */
static void
load_x87(struct cpu *c)
{
	uint8_t *env = c->jit->env;
	const struct x87 *f = &c->fpu;
	unsigned tags = 0;

	for (unsigned i = 0; i < 8; i++)
		tags |= (f->empty >> i & 1 ? 3u : 0) << (2 * i);
	put_le32(env, f->cw);
	put_le32(env + 4, (uint32_t)(f->sw & ~0x3800u) | (uint32_t)f->top << 11);
	put_le32(env + 8, tags);
	for (unsigned i = 12; i < 28; i++)
		env[i] = 0;
	for (unsigned i = 0; i < 8; i++)
		memcpy(env + 28 + 10 * i, f->reg[(f->top + i) & 7], 10);
	__asm__ volatile("frstor %0" : : "m"(*(uint8_t(*)[108])(void *)env));
}

void
jit_fp_save(struct cpu *c)
{
	if (c->hot.fp & JIT_FP_SSE)
		save_sse(c);
	if (c->hot.fp & JIT_FP_X87)
		save_x87(c);
	c->hot.fp = 0;
}

void
jit_fp_load(struct cpu *c, unsigned which)
{
	if (which & JIT_FP_SSE)
		load_sse(c);
	if (which & JIT_FP_X87)
		load_x87(c);
	c->hot.fp |= (uint8_t)which;
}
