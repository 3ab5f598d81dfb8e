/* SPDX-License-Identifier: GPL-2.0-or-later */
/* x87 loads, stores, exchanges and constants; SDM 2 FLD … FXCH. */
#include "cpu/x86/sem/x87.h"

/* ---- pushes ---- */

/* v: already converted; C1 tells overflow, else 0 */
static ALWAYS_INLINE void
push_value(struct cpu *c, const union x80 *v)
{
	c->fpu.sw &= (uint16_t)~X87_C1;
	x87_push(c, v);
}
/* The register that a push would take is in use: false when nothing is left to do. */
static ALWAYS_INLINE bool
push_room(struct cpu *c)
{
	if (likely(x87_is_empty(c, 7)))
		return true;
	if (x87_stack_fault(c, true))
		x87_push(c, &X87_INDEFINITE);
	return false;
}

/* Conversions that raise nothing, on the host. */
#define HOST_LOAD(name, text, type)                                                                \
	static ALWAYS_INLINE void host_##name(union x80 *r, const void *m)                         \
	{                                                                                          \
		__asm__ volatile(text " %1\n\tfstpt %0" : "=m"(*r) : "m"(*(const type *)m));       \
	}
HOST_LOAD(flds, "flds", uint32_t)
HOST_LOAD(fldl, "fldl", uint64_t)
HOST_LOAD(filds, "filds", uint16_t)
HOST_LOAD(fildl, "fildl", uint32_t)
HOST_LOAD(fildll, "fildll", uint64_t)

/* Exceptions of loading a single or a double (SDM 1 8.5.1, 8.5.2). */
static unsigned
single_flags(uint32_t v)
{
	uint32_t frac = v & 0x7fffff, exp = v & 0x7f800000;

	if (exp == 0x7f800000 && frac && !(frac & 0x400000))
		return X87_IE;
	return !exp && frac ? X87_DE : 0;
}
static unsigned
double_flags(uint64_t v)
{
	uint64_t frac = v & 0xfffffffffffff, exp = v & 0x7ff0000000000000;

	if (exp == 0x7ff0000000000000 && frac && !(frac & 0x8000000000000))
		return X87_IE;
	return !exp && frac ? X87_DE : 0;
}

static void
load_real(struct cpu *c, const struct insn *in)
{
	uint64_t m = insn_load(c, in, in->osize == 2 ? 4 : 8);
	union x80 v;
	unsigned flags = in->osize == 2 ? single_flags((uint32_t)m) : double_flags(m);

	x87_note(c, in);
	if (!push_room(c))
		return;
	/* an unmasked denormal is loaded nevertheless */
	if (flags && !x87_flag(c, flags) && (flags & X87_IE)) {
		c->fpu.sw &= (uint16_t)~X87_C1;
		return;
	}
	if (in->osize == 2)
		host_flds(&v, &m);
	else
		host_fldl(&v, &m);
	push_value(c, &v);
}
static void
do_fld(struct cpu *c, const struct insn *in)
{
	union x80 v;

	if (!x87_ready(c))
		return;
	if (in->flags & INSN_MEM) {
		load_real(c, in);
		return;
	}
	x87_note(c, in);
	if (x87_is_empty(c, in->reg[0])) {
		if (x87_stack_fault(c, false))
			x87_push(c, &X87_INDEFINITE);
		return;
	}
	if (!push_room(c))
		return;
	v = *x87_st(c, in->reg[0]);
	push_value(c, &v);
}
SEM_ONE(fld)

static void
do_fld_m80(struct cpu *c, const struct insn *in)
{
	union x80 v = { { 0, 0 } };

	if (!x87_ready(c))
		return;
	mem_read_bytes(c, in->seg, insn_ea(c, in), v.b, 10);
	x87_note(c, in);
	if (push_room(c))
		push_value(c, &v);
}
SEM_ONE(fld_m80)

static void
do_fild(struct cpu *c, const struct insn *in)
{
	union x80 v;
	uint64_t m;

	if (!x87_ready(c))
		return;
	m = insn_load(c, in, 1u << in->osize);
	x87_note(c, in);
	if (!push_room(c))
		return;
	if (in->osize == 1)
		host_filds(&v, &m);
	else if (in->osize == 2)
		host_fildl(&v, &m);
	else
		host_fildll(&v, &m);
	push_value(c, &v);
}
SEM_ONE(fild)

static void
do_fbld(struct cpu *c, const struct insn *in)
{
	uint8_t m[16];
	union x80 v;

	if (!x87_ready(c))
		return;
	mem_read_bytes(c, in->seg, insn_ea(c, in), m, 10);
	x87_note(c, in);
	if (!push_room(c))
		return;
	__asm__ volatile("fbld %1\n\tfstpt %0" : "=m"(v) : "m"(m));
	push_value(c, &v);
}
SEM_ONE(fbld)

/* Those that are not exact are rounded as the control word says. */
#define CONSTANT(name)                                                                             \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		union x80 v;                                                                       \
                                                                                                   \
		if (!x87_ready(c))                                                                 \
			return;                                                                    \
		x87_note(c, in);                                                                   \
		if (!push_room(c))                                                                 \
			return;                                                                    \
		x87_host_begin(c);                                                                 \
		__asm__ volatile(#name ::);                                                        \
		x87_host_end();                                                                    \
		X87_STORE(v);                                                                      \
		push_value(c, &v);                                                                 \
	}                                                                                          \
	SEM_ONE(name)
CONSTANT(fld1)
CONSTANT(fldl2t)
CONSTANT(fldl2e)
CONSTANT(fldpi)
CONSTANT(fldlg2)
CONSTANT(fldln2)
CONSTANT(fldz)

/* ---- stores to memory ---- */

struct store {
	uint8_t b[16];
};
/* Converts a to `m` on the host; some pop there. */
typedef uint16_t store_fn(const struct cpu *c, struct store *m, const union x80 *a);

#define STORE_KERNEL(name, text)                                                                   \
	static ALWAYS_INLINE uint16_t k_##name(                                                    \
	    const struct cpu *c, struct store *m, const union x80 *a)                              \
	{                                                                                          \
		uint16_t sw;                                                                       \
                                                                                                   \
		x87_host_begin(c);                                                                 \
		X87_LOAD(*a);                                                                      \
		__asm__ volatile(text " %0" : "+m"(*m));                                           \
		sw = x87_host_end();                                                               \
		if (sw & X87_TOP)                                                                  \
			X87_DROP();                                                                \
		return sw;                                                                         \
	}
STORE_KERNEL(fst_m32, "fstps")
STORE_KERNEL(fst_m64, "fstpl")
STORE_KERNEL(fist_m16, "fistps")
STORE_KERNEL(fist_m32, "fistpl")
STORE_KERNEL(fist_m64, "fistpll")
STORE_KERNEL(fisttp_m16, "fisttps")
STORE_KERNEL(fisttp_m32, "fisttpl")
STORE_KERNEL(fisttp_m64, "fisttpll")
STORE_KERNEL(fbstp, "fbstp")

/* empty: what an empty ST0 stores */
static ALWAYS_INLINE void
store_mem(struct cpu *c, const struct insn *in, store_fn *k, unsigned size, bool pop,
    const struct store *empty)
{
	struct store m = { { 0 } };
	uint16_t sw = 0;
	bool fault = x87_is_empty(c, 0), ok;

	if (unlikely(fault)) {
		m = *empty;
		ok = c->fpu.cw & X87_IE;
	} else {
		sw = k(c, &m, x87_st(c, 0));
		/* all but inexact keep memory and stack as they are (SDM 1 8.5.4, 8.5.5) */
		ok = !(sw & X87_ES) || !(sw & ~c->fpu.cw & (X87_FLAGS & ~X87_PE));
	}
	if (ok) {
		if (size <= 8)
			insn_store(c, in, size, get_le64(m.b));
		else
			mem_write_bytes(c, in->seg, insn_ea(c, in), m.b, size);
	}
	x87_note(c, in);
	if (unlikely(fault))
		x87_stack_fault(c, false);
	else
		x87_commit(c, sw, X87_C1);
	if (ok && pop)
		x87_pop(c);
}

static const struct store empty_m32 = { { 0, 0, 0xc0, 0xff } };
static const struct store empty_m64 = { { 0, 0, 0, 0, 0, 0, 0xf8, 0xff } };
static const struct store empty_m80 = { { 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff } };
static const struct store empty_i16 = { { 0, 0x80 } };
static const struct store empty_i32 = { { 0, 0, 0, 0x80 } };
static const struct store empty_i64 = { { 0, 0, 0, 0, 0, 0, 0, 0x80 } };

static ALWAYS_INLINE void
store_reg(struct cpu *c, const struct insn *in, bool pop)
{
	unsigned d = in->reg[0];
	union x80 v;

	x87_note(c, in);
	if (unlikely(x87_is_empty(c, 0))) {
		if (!x87_stack_fault(c, false))
			return;
		v = X87_INDEFINITE;
	} else {
		c->fpu.sw &= (uint16_t)~X87_C1;
		v = *x87_st(c, 0);
	}
	x87_put(c, d, &v);
	if (pop)
		x87_pop(c);
}
/* D9 D8+i: when ST0 is empty no fault, only the pop. */
static void
do_fstp1(struct cpu *c, const struct insn *in)
{
	unsigned d = in->reg[0];
	union x80 v;

	if (!x87_ready(c))
		return;
	x87_note(c, in);
	c->fpu.sw &= (uint16_t)~X87_C1;
	v = *x87_st(c, 0);
	if (!x87_is_empty(c, 0))
		x87_put(c, d, &v);
	x87_pop(c);
}
SEM_ONE(fstp1)
#define FST(name, pop)                                                                             \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		if (!x87_ready(c))                                                                 \
			return;                                                                    \
		if (!(in->flags & INSN_MEM))                                                       \
			store_reg(c, in, pop);                                                     \
		else if (in->osize == 2)                                                           \
			store_mem(c, in, k_fst_m32, 4, pop, &empty_m32);                           \
		else                                                                               \
			store_mem(c, in, k_fst_m64, 8, pop, &empty_m64);                           \
	}                                                                                          \
	SEM_ONE(name)
FST(fst, false)
FST(fstp, true)

static void
do_fist(struct cpu *c, const struct insn *in)
{
	if (!x87_ready(c))
		return;
	if (in->osize == 1)
		store_mem(c, in, k_fist_m16, 2, false, &empty_i16);
	else
		store_mem(c, in, k_fist_m32, 4, false, &empty_i32);
}
SEM_ONE(fist)

#define FISTP(name, kernel)                                                                        \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		if (!x87_ready(c))                                                                 \
			return;                                                                    \
		if (in->osize == 1)                                                                \
			store_mem(c, in, kernel##_m16, 2, true, &empty_i16);                       \
		else if (in->osize == 2)                                                           \
			store_mem(c, in, kernel##_m32, 4, true, &empty_i32);                       \
		else                                                                               \
			store_mem(c, in, kernel##_m64, 8, true, &empty_i64);                       \
	}                                                                                          \
	SEM_ONE(name)
FISTP(fistp, k_fist)
FISTP(fisttp, k_fisttp)

static void
do_fbstp(struct cpu *c, const struct insn *in)
{
	/* the packed BCD indefinite has the encoding of the real one */
	if (x87_ready(c))
		store_mem(c, in, k_fbstp, 10, true, &empty_m80);
}
SEM_ONE(fbstp)

static ALWAYS_INLINE uint16_t
k_fstp_m80(const struct cpu *c, struct store *m, const union x80 *a)
{
	memcpy(m->b, a->b, 10);
	return 0;
}
static void
do_fstp_m80(struct cpu *c, const struct insn *in)
{
	if (x87_ready(c))
		store_mem(c, in, k_fstp_m80, 10, true, &empty_m80);
}
SEM_ONE(fstp_m80)

/* ---- exchange, conditional move ---- */

static void
do_fxch(struct cpu *c, const struct insn *in)
{
	unsigned i = in->modrm & 7;
	union x80 a, b;

	if (!x87_ready(c))
		return;
	x87_note(c, in);
	a = *x87_st(c, 0);
	b = *x87_st(c, i);
	if (unlikely(x87_is_empty(c, 0) || x87_is_empty(c, i))) {
		if (!x87_stack_fault(c, false))
			return;
		if (x87_is_empty(c, 0))
			a = X87_INDEFINITE;
		if (x87_is_empty(c, i))
			b = X87_INDEFINITE;
	} else {
		c->fpu.sw &= (uint16_t)~X87_C1;
	}
	x87_put(c, 0, &b);
	x87_put(c, i, &a);
}
SEM_ONE(fxch)

/* cc as in Jcc */
static ALWAYS_INLINE void
cmov(struct cpu *c, const struct insn *in, unsigned cc)
{
	unsigned i = in->modrm & 7;

	if (!x87_ready(c))
		return;
	x87_note(c, in);
	if (unlikely(x87_is_empty(c, 0) || x87_is_empty(c, i))) {
		if (x87_stack_fault(c, false))
			x87_put(c, 0, &X87_INDEFINITE);
		return;
	}
	if (flags_cond(c, cc))
		*x87_st(c, 0) = *x87_st(c, i);
}
#define FCMOV(name, cc)                                                                            \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		cmov(c, in, cc);                                                                   \
	}                                                                                          \
	SEM_ONE(name)
FCMOV(fcmovb, 2)
FCMOV(fcmovnb, 3)
FCMOV(fcmove, 4)
FCMOV(fcmovne, 5)
FCMOV(fcmovbe, 6)
FCMOV(fcmovnbe, 7)
FCMOV(fcmovu, 10)
FCMOV(fcmovnu, 11)
