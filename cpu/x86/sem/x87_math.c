/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 instructions on ST0 (and ST1): signs, roots, remainders, transcendentals, FXAM. */
#include "cpu/x86/sem/x87.h"

/* Results left on the host's stack, uppermost first. */
struct results {
	union x80 v[2];
	unsigned n;
	uint16_t sw;
};
typedef void math_fn(
    const struct cpu *c, struct results *r, const union x80 *a, const union x80 *b);

static void
take_results(struct results *r)
{
	r->sw = x87_host_end();
	r->n = (8 - (r->sw >> 11 & 7)) & 7;
	for (unsigned i = 0; i < r->n; i++) {
		if (i < 2)
			X87_STORE(r->v[i]);
		else
			X87_DROP();
	}
}
#define MATH1(name)                                                                                \
	static void k_##name(                                                                      \
	    const struct cpu *c, struct results *r, const union x80 *a, const union x80 *b)        \
	{                                                                                          \
		x87_host_begin(c);                                                                 \
		X87_LOAD(*a);                                                                      \
		__asm__ volatile(#name ::);                                                        \
		take_results(r);                                                                   \
	}
#define MATH2(name)                                                                                \
	static void k_##name(                                                                      \
	    const struct cpu *c, struct results *r, const union x80 *a, const union x80 *b)        \
	{                                                                                          \
		x87_host_begin(c);                                                                 \
		X87_LOAD(*b);                                                                      \
		X87_LOAD(*a);                                                                      \
		__asm__ volatile(#name ::);                                                        \
		take_results(r);                                                                   \
	}

/* ---- ST0 = f(ST0), ST0 = f(ST0, ST1) ---- */

static ALWAYS_INLINE void
math_st0(struct cpu *c, const struct insn *in, math_fn *k, bool two, uint16_t cc)
{
	struct results r;

	if (!x87_ready(c))
		return;
	x87_note(c, in);
	if (unlikely(x87_is_empty(c, 0) || (two && x87_is_empty(c, 1)))) {
		c->fpu.sw &= (uint16_t) ~(cc & X87_C2);
		if (x87_stack_fault(c, false))
			x87_put(c, 0, &X87_INDEFINITE);
		return;
	}
	k(c, &r, x87_st(c, 0), x87_st(c, 1));
	/* no quotient for FPREM to report */
	if (r.sw & ~c->fpu.cw & X87_PRE || (r.v[0].se & 0x7fff) == 0x7fff)
		cc &= X87_C1 | X87_C2;
	if (x87_commit(c, r.sw, cc))
		*x87_st(c, 0) = r.v[0];
}
#define UNARY(name, cc)                                                                            \
	MATH1(name)                                                                                \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		math_st0(c, in, k_##name, false, cc);                                              \
	}                                                                                          \
	SEM_ONE(name)
#define BINARY(name, cc)                                                                           \
	MATH2(name)                                                                                \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		math_st0(c, in, k_##name, true, cc);                                               \
	}                                                                                          \
	SEM_ONE(name)

UNARY(f2xm1, X87_C1)
UNARY(frndint, X87_C1)
UNARY(fsqrt, X87_C1)
UNARY(fsin, X87_C1 | X87_C2)
UNARY(fcos, X87_C1 | X87_C2)
BINARY(fscale, X87_C1)
BINARY(fprem, X87_CC)
BINARY(fprem1, X87_CC)

static ALWAYS_INLINE void
change_sign(struct cpu *c, const struct insn *in, uint16_t keep, uint16_t flip)
{
	if (!x87_ready(c))
		return;
	x87_note(c, in);
	if (unlikely(x87_is_empty(c, 0))) {
		if (x87_stack_fault(c, false))
			x87_put(c, 0, &X87_INDEFINITE);
		return;
	}
	c->fpu.sw &= (uint16_t)~X87_C1;
	x87_st(c, 0)->se = (x87_st(c, 0)->se & keep) ^ flip;
}
static void
do_fchs(struct cpu *c, const struct insn *in)
{
	change_sign(c, in, 0xffff, 0x8000);
}
SEM_ONE(fchs)
static void
do_fabs(struct cpu *c, const struct insn *in)
{
	change_sign(c, in, 0x7fff, 0);
}
SEM_ONE(fabs)

/* ---- ST1 = f(ST0, ST1), pop ---- */

static ALWAYS_INLINE void
math_pop(struct cpu *c, const struct insn *in, math_fn *k)
{
	struct results r;

	if (!x87_ready(c))
		return;
	x87_note(c, in);
	if (unlikely(x87_is_empty(c, 0) || x87_is_empty(c, 1))) {
		if (!x87_stack_fault(c, false))
			return;
		r.v[0] = X87_INDEFINITE;
	} else {
		k(c, &r, x87_st(c, 0), x87_st(c, 1));
		if (!x87_commit(c, r.sw, X87_C1))
			return;
	}
	x87_put(c, 1, &r.v[0]);
	x87_pop(c);
}
#define POPPING(name)                                                                              \
	MATH2(name)                                                                                \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		math_pop(c, in, k_##name);                                                         \
	}                                                                                          \
	SEM_ONE(name)
POPPING(fyl2x)
POPPING(fyl2xp1)
POPPING(fpatan)

/* ---- ST0 = f(ST0), push g(ST0) ---- */

static ALWAYS_INLINE void
math_push(struct cpu *c, const struct insn *in, math_fn *k, uint16_t cc)
{
	struct results r;

	if (!x87_ready(c))
		return;
	x87_note(c, in);
	if (unlikely(x87_is_empty(c, 0) || !x87_is_empty(c, 7))) {
		c->fpu.sw &= (uint16_t) ~(cc & X87_C2);
		if (!x87_stack_fault(c, !x87_is_empty(c, 0)))
			return;
		r.v[0] = r.v[1] = X87_INDEFINITE;
	} else {
		k(c, &r, x87_st(c, 0), NULL);
		if (!x87_commit(c, r.sw, cc) || r.n != 2)
			return; /* C2: out of range, nothing was done */
	}
	x87_put(c, 0, &r.v[1]);
	x87_push(c, &r.v[0]);
}
#define PUSHING(name, cc)                                                                          \
	MATH1(name)                                                                                \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		math_push(c, in, k_##name, cc);                                                    \
	}                                                                                          \
	SEM_ONE(name)
PUSHING(fptan, X87_C1 | X87_C2)
PUSHING(fsincos, X87_C1 | X87_C2)
PUSHING(fxtract, X87_C1)

/* ---- FXAM: class of ST0 in C3 C2 C0, sign in C1; raises nothing ---- */

static uint16_t
classify(const union x80 *v)
{
	uint16_t exp = v->se & 0x7fff;
	bool integer = v->m >> 63;

	if (exp == 0)
		return v->m ? X87_C3 | X87_C2 : X87_C3; /* denormal, zero */
	if (!integer)
		return 0; /* unsupported */
	if (exp == 0x7fff)
		return v->m << 1 ? X87_C0 : X87_C2 | X87_C0; /* NaN, infinity */
	return X87_C2;
}
static void
do_fxam(struct cpu *c, const struct insn *in)
{
	const union x80 *v = x87_st(c, 0);
	uint16_t cc;

	if (!x87_ready(c))
		return;
	x87_note(c, in);
	cc = x87_is_empty(c, 0) ? X87_C3 | X87_C0 : classify(v);
	if (v->se & 0x8000)
		cc |= X87_C1;
	c->fpu.sw = (uint16_t)((c->fpu.sw & ~X87_CC) | cc);
}
SEM_ONE(fxam)
