/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How vector instructions are written.
 *
 * A kernel is one host instruction between two 128-bit lanes in memory:
 *
 *	VEC_KERNEL(paddb)        k_paddb(d, s): d = paddb(d, s)
 *
 * and handlers for the MMX, SSE and AVX encodings are stamped out from it.  256-bit forms
 * run the kernel once a lane (nearly all of AVX2 works by lanes), so that no state of the
 * host's upper halves is ever touched and most of AVX needs no AVX of the host.  Kernels
 * read their source from memory, so that a scalar one reads only what it uses.
 *
 * Floating-point kernels run under the guest's rounding mode, DAZ and FTZ with everything
 * masked.  The flags found afterwards decide, before anything is stored, whether an
 * unmasked exception is due (fp_done).
 *
 * Requirements for whoever changes this:
 * 1. Operand sizes of memory are exact, or faults at page ends go wrong.
 * 2. Guest state changes last; #XM leaves the destination alone.
 * 3. The host's MXCSR is back to its normal value before any other C code runs.
 */
#ifndef LODGE_CPU_SIMD_H
#define LODGE_CPU_SIMD_H

#include "cpu/model.h"
#include "cpu/x86/sem/sem_fp.h"

struct lane {
	uint64_t q[2];
} __attribute__((aligned(16)));

union vec {
	struct lane l[2];
	uint8_t b[32];
	uint16_t w[16];
	uint32_t d[8];
	uint64_t q[4];
} __attribute__((aligned(32)));

typedef void vec_kernel(struct lane *d, const struct lane *s);
/* with an immediate that is only known at run time */
typedef void vec_kernel_imm(struct lane *d, const struct lane *s, unsigned imm);

#define VEC_KERNEL_AS(name, text)                                                                  \
	static ALWAYS_INLINE void k_##name(struct lane *d, const struct lane *s)                   \
	{                                                                                          \
		__asm__ volatile("movdqa %0,%%xmm0\n\t" text " %1,%%xmm0\n\t"                      \
				 "movdqa %%xmm0,%0"                                                \
				 : "+m"(*d)                                                        \
				 : "m"(*s)                                                         \
				 : "xmm0");                                                        \
	}
#define VEC_KERNEL(name) VEC_KERNEL_AS(name, #name)
/*
 * The host wants the immediate inside the instruction: `n` copies of it, 16 bytes each, and
 * a jump. imm < n.
 */
#define VEC_KERNEL_IMM(name, n)                                                                    \
	static ALWAYS_INLINE void k_##name(struct lane *d, const struct lane *s, unsigned imm)     \
	{                                                                                          \
		uint64_t t = (uint64_t)imm * 16;                                                   \
                                                                                                   \
		__asm__ volatile("movdqa %0,%%xmm0\n\t"                                            \
				 "movdqa %2,%%xmm1\n\t"                                            \
				 "leaq 1f(%%rip),%%rcx\n\t"                                        \
				 "addq %%rcx,%1\n\t"                                               \
				 "jmp *%1\n\t"                                                     \
				 ".balign 16\n"                                                    \
				 "1:\n\t"                                                          \
				 ".set .Lvec_imm, 0\n\t"                                           \
				 ".rept " #n "\n\t" #name " $.Lvec_imm,%%xmm1,%%xmm0\n\t"          \
				 "jmp 2f\n\t"                                                      \
				 ".balign 16\n\t"                                                  \
				 ".set .Lvec_imm, .Lvec_imm + 1\n\t"                               \
				 ".endr\n"                                                         \
				 "2:\tmovdqa %%xmm0,%0"                                            \
				 : "+m"(*d), "+r"(t)                                               \
				 : "m"(*s)                                                         \
				 : "xmm0", "xmm1", "rcx");                                         \
	}

/* ---- registers and memory ---- */

static ALWAYS_INLINE union vec *
vec_reg(struct cpu *c, unsigned r)
{
	return (union vec *)(void *)c->ymm[r];
}
static ALWAYS_INLINE struct lane *
xmm_reg(struct cpu *c, unsigned r)
{
	return &vec_reg(c, r)->l[0];
}

/* 16-byte operands of legacy SSE, MOVAPS, MOVNT…: #GP(0) before any page is looked at. */
static ALWAYS_INLINE void
vec_check_aligned(struct cpu *c, const struct insn *in, uint64_t ea, unsigned size)
{
	if (unlikely((c->seg[in->seg].lbase + ea) & (size - 1)))
		cpu_raise_gp(c, 0);
}
static ALWAYS_INLINE void
vec_load(struct cpu *c, const struct insn *in, void *dst, unsigned size, bool aligned)
{
	uint64_t ea = insn_ea(c, in);

	if (size < 16) {
		((uint64_t *)dst)[0] = mem_read(c, in->seg, ea, size);
		((uint64_t *)dst)[1] = 0;
		return;
	}
	if (aligned)
		vec_check_aligned(c, in, ea, size);
	mem_read_vec(c, in->seg, ea, dst, size);
}
static ALWAYS_INLINE void
vec_store(struct cpu *c, const struct insn *in, const void *src, unsigned size, bool aligned)
{
	uint64_t ea = insn_ea(c, in);

	if (size < 16) {
		mem_write(c, in->seg, ea, size, *(const uint64_t *)src);
		return;
	}
	if (aligned)
		vec_check_aligned(c, in, ea, size);
	mem_write_vec(c, in->seg, ea, src, size);
}
/* Operand k, register or memory of `size` bytes; t is room for the latter. */
static ALWAYS_INLINE const union vec *
vec_src(struct cpu *c, const struct insn *in, unsigned k, union vec *t, unsigned size, bool aligned)
{
	if (in->kind[k] != OPD_MEM)
		return vec_reg(c, in->reg[k]);
	vec_load(c, in, t, size, aligned);
	return t;
}
/* AVX: 16 or 32 bytes by the vector length, any alignment. */
static ALWAYS_INLINE const union vec *
avx_src(struct cpu *c, const struct insn *in, unsigned k, union vec *t)
{
	if (in->kind[k] != OPD_MEM)
		return vec_reg(c, in->reg[k]);
	if (in->vl)
		vec_load(c, in, t, 32, false);
	else
		vec_load(c, in, t, 16, false);
	return t;
}
/* VEX writes clear the rest of the register. */
static ALWAYS_INLINE void
avx_put128(struct cpu *c, unsigned r, const struct lane *v)
{
	union vec *d = vec_reg(c, r);

	d->l[0] = *v;
	d->l[1] = (struct lane){ { 0, 0 } };
}
/* 256-bit integer operations came with AVX2. */
static ALWAYS_INLINE void
avx_check_int(struct cpu *c, const struct insn *in)
{
	avx_check(c);
	if (in->vl && unlikely(!model_has(c->model, FEAT_AVX2)))
		cpu_raise_ud(c);
}

/* ---- handler objects ---- */

/* One function for register sources, one for memory. */
#define SEM_RR_RM_ROW(rr, rm)                                                                      \
	{                                                                                          \
		rr, rm, rr, rr, rm                                                                 \
	}
#define SEM_RR_RM(op, rr, rm)                                                                      \
	const struct sem sem_##op = { { SEM_RR_RM_ROW(rr, rm), SEM_RR_RM_ROW(rr, rm),              \
	    SEM_RR_RM_ROW(rr, rm), SEM_RR_RM_ROW(rr, rm) } };
/* Moves: register, load, store. */
#define SEM_MOVE_ROW(rr, rm, mr)                                                                   \
	{                                                                                          \
		rr, rm, mr, rr, mr                                                                 \
	}
#define SEM_MOVE(op, rr, rm, mr)                                                                   \
	const struct sem sem_##op = { { SEM_MOVE_ROW(rr, rm, mr), SEM_MOVE_ROW(rr, rm, mr),        \
	    SEM_MOVE_ROW(rr, rm, mr), SEM_MOVE_ROW(rr, rm, mr) } };
/* Another op with the same function for everything. */
#define SEM_FN(op, f)                                                                              \
	const struct sem sem_##op = { { SEM_SAME(f), SEM_SAME(f), SEM_SAME(f), SEM_SAME(f) } };

/* ---- floating point ---- */

/* Where a result may be tiny: looked at when underflow is unmasked (fp.c). */
enum fp_result { FP_NONE, FP_SS, FP_SD, FP_PS, FP_PD };

/* Runs between these: only the kernel. */
static ALWAYS_INLINE void
fp_begin(const struct cpu *c)
{
	uint32_t m = (c->mxcsr | MXCSR_MASKS) & ~(uint32_t)MXCSR_FLAGS;

	/* FTZ is only looked at while underflow is masked (SDM 1 10.2.3.3). */
	if (unlikely(!(c->mxcsr & MXCSR_UM)))
		m &= ~(uint32_t)MXCSR_FTZ;
	__asm__ volatile("ldmxcsr %0" : : "m"(m) : "memory");
}
static ALWAYS_INLINE uint32_t
fp_end(void)
{
	uint32_t m, host = MXCSR_INIT;

	__asm__ volatile("stmxcsr %0\n\tldmxcsr %1" : "=m"(m) : "m"(host) : "memory");
	return m & MXCSR_FLAGS;
}
void fp_done_slow(
    struct cpu *c, uint32_t flags, enum fp_result kind, const struct lane *r, unsigned lanes);
/* Notes the flags, or raises #XM. r: the result not stored yet. */
static ALWAYS_INLINE void
fp_done(struct cpu *c, uint32_t flags, enum fp_result kind, const struct lane *r, unsigned lanes)
{
	uint32_t m = c->mxcsr;

	if (unlikely((flags & ~(m & (m >> 7))) || !(m & MXCSR_UM)))
		fp_done_slow(c, flags, kind, r, lanes);
}

#endif
