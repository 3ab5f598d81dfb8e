/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests, strings, cryptography and the rest of the vector instructions with an SSE form. */
#include "cpu/x86/sem/simd.h"

/* ---- PTEST, VTESTPS, VTESTPD: ZF = no common bit, CF = none outside the first ---- */

static ALWAYS_INLINE void
test_bits(struct cpu *c, const union vec *a, const union vec *b, unsigned n, uint64_t mask)
{
	uint64_t and = 0, andn = 0;

	for (unsigned i = 0; i < n; i++) {
		and |= a->q[i] & b->q[i] & mask;
		andn |= ~a->q[i] & b->q[i] & mask;
	}
	flags_set_arith(c, (and? 0 : FL_ZF) | (andn ? 0 : FL_CF));
}
static void
do_ptest(struct cpu *c, const struct insn *in)
{
	union vec t;

	sse_check(c);
	test_bits(c, vec_reg(c, in->reg[0]), vec_src(c, in, 1, &t, 16, true), 2, ~0ull);
}
SEM_ONE(ptest)
#define VTEST(name, mask)                                                                          \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		union vec t;                                                                       \
                                                                                                   \
		avx_check(c);                                                                      \
		test_bits(c, vec_reg(c, in->reg[0]), avx_src(c, in, 1, &t), in->vl ? 4 : 2, mask); \
	}                                                                                          \
	SEM_ONE(name)
VTEST(vptest, ~0ull)
VTEST(vtestps, 0x8000000080000000ull)
VTEST(vtestpd, 0x8000000000000000ull)

/* ---- immediate forms without floating point ---- */

static ALWAYS_INLINE void
sse_imm(struct cpu *c, const struct insn *in, vec_kernel_imm *k, unsigned imm)
{
	union vec t;
	const union vec *s;

	sse_check(c);
	s = vec_src(c, in, 1, &t, 16, true);
	k(xmm_reg(c, in->reg[0]), &s->l[0], imm);
}
static ALWAYS_INLINE void
avx_imm(struct cpu *c, const struct insn *in, vec_kernel_imm *k, unsigned imm0, unsigned imm1)
{
	union vec t, r;
	const union vec *s;

	avx_check_int(c, in);
	s = avx_src(c, in, 2, &t);
	r = *vec_reg(c, in->reg[1]);
	k(&r.l[0], &s->l[0], imm0);
	if (in->vl)
		k(&r.l[1], &s->l[1], imm1);
	else
		r.l[1] = (struct lane){ { 0, 0 } };
	*vec_reg(c, in->reg[0]) = r;
}

VEC_KERNEL_IMM(mpsadbw, 8)
static void
do_mpsadbw(struct cpu *c, const struct insn *in)
{
	sse_imm(c, in, k_mpsadbw, in->imm & 7);
}
SEM_ONE(mpsadbw)
static void
do_vmpsadbw(struct cpu *c, const struct insn *in)
{
	avx_imm(c, in, k_mpsadbw, in->imm & 7, in->imm >> 3 & 7);
}
SEM_ONE(vmpsadbw)

/* Bits 0 and 4 choose the halves. */
static void
k_pclmul(struct lane *d, const struct lane *s, unsigned imm)
{
	struct lane a = { { d->q[imm & 1], 0 } }, b = { { s->q[imm >> 4 & 1], 0 } };

	__asm__ volatile("movdqa %1,%%xmm0\n\tpclmulqdq $0,%2,%%xmm0\n\tmovdqa %%xmm0,%0"
			 : "=m"(*d)
			 : "m"(a), "m"(b)
			 : "xmm0");
}
static void
do_pclmulqdq(struct cpu *c, const struct insn *in)
{
	sse_imm(c, in, k_pclmul, (unsigned)in->imm);
}
SEM_ONE(pclmulqdq)
static void
do_vpclmulqdq(struct cpu *c, const struct insn *in)
{
	avx_imm(c, in, k_pclmul, (unsigned)in->imm, 0);
}
SEM_ONE(vpclmulqdq)

/* ---- AES ---- */

static ALWAYS_INLINE void
sse_aes(struct cpu *c, const struct insn *in, vec_kernel *k)
{
	union vec t;
	const union vec *s;

	sse_check(c);
	s = vec_src(c, in, 1, &t, 16, true);
	k(xmm_reg(c, in->reg[0]), &s->l[0]);
}
static ALWAYS_INLINE void
avx_aes(struct cpu *c, const struct insn *in, vec_kernel *k, unsigned src)
{
	union vec t;
	const union vec *s;
	struct lane r;

	avx_check(c);
	s = vec_src(c, in, src, &t, 16, false);
	r = *xmm_reg(c, in->reg[1]);
	k(&r, &s->l[0]);
	avx_put128(c, in->reg[0], &r);
}
#define AES(name, src)                                                                             \
	VEC_KERNEL(name)                                                                           \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_aes(c, in, k_##name);                                                          \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		avx_aes(c, in, k_##name, src);                                                     \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)
AES(aesenc, 2)
AES(aesenclast, 2)
AES(aesdec, 2)
AES(aesdeclast, 2)
AES(aesimc, 1)

/* With constant 0; the real one is xor-ed to dwords 1 and 3. */
static struct lane
key_assist(const struct lane *s, uint64_t rcon)
{
	struct lane r;

	__asm__ volatile("aeskeygenassist $0,%1,%%xmm0\n\tmovdqa %%xmm0,%0"
			 : "=m"(r)
			 : "m"(*s)
			 : "xmm0");
	r.q[0] ^= rcon << 32;
	r.q[1] ^= rcon << 32;
	return r;
}
static void
do_aeskeygenassist(struct cpu *c, const struct insn *in)
{
	union vec t;
	const union vec *s;

	sse_check(c);
	s = vec_src(c, in, 1, &t, 16, true);
	*xmm_reg(c, in->reg[0]) = key_assist(&s->l[0], (uint8_t)in->imm);
}
SEM_ONE(aeskeygenassist)
static void
do_vaeskeygenassist(struct cpu *c, const struct insn *in)
{
	union vec t;
	struct lane r;

	avx_check(c);
	r = key_assist(&vec_src(c, in, 1, &t, 16, false)->l[0], (uint8_t)in->imm);
	avx_put128(c, in->reg[0], &r);
}
SEM_ONE(vaeskeygenassist)

/* ---- SHA ---- */

#define SHA(name)                                                                                  \
	VEC_KERNEL(name)                                                                           \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_aes(c, in, k_##name);                                                          \
	}                                                                                          \
	SEM_ONE(name)
SHA(sha1nexte)
SHA(sha1msg1)
SHA(sha1msg2)
SHA(sha256msg1)
SHA(sha256msg2)

VEC_KERNEL_IMM(sha1rnds4, 4)
static void
do_sha1rnds4(struct cpu *c, const struct insn *in)
{
	sse_imm(c, in, k_sha1rnds4, in->imm & 3);
}
SEM_ONE(sha1rnds4)
static void
do_sha256rnds2(struct cpu *c, const struct insn *in)
{
	union vec t;
	const union vec *s;
	struct lane *d = xmm_reg(c, in->reg[0]);

	sse_check(c);
	s = vec_src(c, in, 1, &t, 16, true);
	__asm__ volatile("movdqa %2,%%xmm0\n\tmovdqa %0,%%xmm1\n\tsha256rnds2 %1,%%xmm1\n\t"
			 "movdqa %%xmm1,%0"
			 : "+m"(*d)
			 : "m"(s->l[0]), "m"(*xmm_reg(c, 0))
			 : "xmm0", "xmm1");
}
SEM_ONE(sha256rnds2)

/* ---- PCMPxSTRx ---- */

struct string_result {
	struct lane mask;
	uint32_t index, flags;
};
/*
 * 128 copies of the host instruction (bit 7 of the immediate has no meaning), 16 bytes each.
 * la, lb: lengths in RAX and RDX for the explicit forms.
 */
#define STRING_KERNEL(name, out, store)                                                            \
	static void k_##name(struct string_result *r, const struct lane *a, const struct lane *b,  \
	    uint64_t la, uint64_t lb, unsigned imm)                                                \
	{                                                                                          \
		uint64_t t = (uint64_t)(imm & 127) * 16, cx = 0;                                   \
		bool cf, zf, sf, of;                                                               \
                                                                                                   \
		__asm__ volatile("movdqa %[a],%%xmm1\n\t"                                          \
				 "movdqa %[b],%%xmm2\n\t"                                          \
				 "leaq 1f(%%rip),%%rcx\n\t"                                        \
				 "addq %%rcx,%[t]\n\t"                                             \
				 "jmp *%[t]\n\t"                                                   \
				 ".balign 16\n"                                                    \
				 "1:\n\t"                                                          \
				 ".set .Lvec_imm, 0\n\t"                                           \
				 ".rept 128\n\t" #name " $.Lvec_imm,%%xmm2,%%xmm1\n\t"             \
				 "jmp 2f\n\t"                                                      \
				 ".balign 16\n\t"                                                  \
				 ".set .Lvec_imm, .Lvec_imm + 1\n\t"                               \
				 ".endr\n"                                                         \
				 "2:\t" store                                                      \
				 : [t] "+r"(t), "=@ccc"(cf), "=@ccz"(zf), "=@ccs"(sf),             \
				 "=@cco"(of), "=&c"(cx), [m] "=m"(r->mask)                         \
				 : [a] "m"(*a), [b] "m"(*b), "a"(la), "d"(lb)                      \
				 : "xmm0", "xmm1", "xmm2");                                        \
		r->index = (uint32_t)cx;                                                           \
		r->flags =                                                                         \
		    (cf ? FL_CF : 0) | (zf ? FL_ZF : 0) | (sf ? FL_SF : 0) | (of ? FL_OF : 0);     \
	}
STRING_KERNEL(pcmpestrm, mask, "movdqa %%xmm0,%[m]")
STRING_KERNEL(pcmpestri, index, "")
STRING_KERNEL(pcmpistrm, mask, "movdqa %%xmm0,%[m]")
STRING_KERNEL(pcmpistri, index, "")

typedef void string_fn(struct string_result *r, const struct lane *a, const struct lane *b,
    uint64_t la, uint64_t lb, unsigned imm);

/* Explicit lengths are EAX and EDX, sign-extended, or RAX and RDX with REX.W; the instruction
 * takes absolute values and saturates. */
static uint64_t
string_length(uint64_t v, bool wide)
{
	int64_t n = wide ? (int64_t)v : (int32_t)v;

	return n > 16 || n < -16 ? 16 : (uint64_t)(n < 0 ? -n : n);
}
static ALWAYS_INLINE struct string_result
compare_strings(struct cpu *c, const struct insn *in, string_fn *k)
{
	union vec t;
	const union vec *b = vec_src(c, in, 1, &t, 16, false);
	struct string_result r;
	bool wide = in->osize == 3;

	k(&r, xmm_reg(c, in->reg[0]), &b->l[0], string_length(c->gpr[REG_AX], wide),
	    string_length(c->gpr[REG_DX], wide), (unsigned)in->imm);
	flags_set_arith(c, r.flags);
	return r;
}
#define STRING_MASK(name)                                                                          \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_check(c);                                                                      \
		*xmm_reg(c, 0) = compare_strings(c, in, k_##name).mask;                            \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		struct string_result r;                                                            \
                                                                                                   \
		avx_check(c);                                                                      \
		r = compare_strings(c, in, k_##name);                                              \
		avx_put128(c, 0, &r.mask);                                                         \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)
#define STRING_INDEX(name)                                                                         \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		sse_check(c);                                                                      \
		c->gpr[REG_CX] = compare_strings(c, in, k_##name).index;                           \
	}                                                                                          \
	static void do_v##name(struct cpu *c, const struct insn *in)                               \
	{                                                                                          \
		avx_check(c);                                                                      \
		c->gpr[REG_CX] = compare_strings(c, in, k_##name).index;                           \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(v##name)
STRING_MASK(pcmpestrm)
STRING_MASK(pcmpistrm)
STRING_INDEX(pcmpestri)
STRING_INDEX(pcmpistri)

/* ---- upper halves ---- */

static void
do_vzeroupper(struct cpu *c, const struct insn *in)
{
	unsigned n = c->bits == BITS64 ? 16 : 8;

	avx_check(c);
	for (unsigned i = 0; i < n; i++)
		vec_reg(c, i)->l[1] = (struct lane){ { 0, 0 } };
}
SEM_ONE(vzeroupper)
static void
do_vzeroall(struct cpu *c, const struct insn *in)
{
	unsigned n = c->bits == BITS64 ? 16 : 8;

	avx_check(c);
	for (unsigned i = 0; i < n; i++)
		memset(c->ymm[i], 0, 32);
}
SEM_ONE(vzeroall)
