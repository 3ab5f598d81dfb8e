/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lazy arithmetic flags without an operation tag: a result and a vector of
 * carries are kept, and each flag is computed when somebody asks.
 *
 *	fl_res  the result, sign-extended from the operand size
 *	fl_aux  bit 31   carry out of the top bit (CF)
 *	        bit 30   carry out of the bit below it (OF = bit 31 ^ bit 30)
 *	        bit 3    carry out of bit 3 (AF)
 *	        bits 8-15  xor-ed to the low byte of fl_res before its parity is taken
 *	        bit 0    xor-ed to the sign of fl_res
 *
 * The last two exist so that any combination of flags can be represented (POPF,
 * SAHF, shifts that keep some flags).
 */
#ifndef LODGE_CPU_FLAGS_H
#define LODGE_CPU_FLAGS_H

#include "cpu/state.h"

enum { AUX_CF = 1 << 31, AUX_PO = 1 << 30, AUX_AF = 8, AUX_SD = 1, AUX_PDB = 0xff00 };

static ALWAYS_INLINE bool
flag_cf(const struct cpu *c)
{
	return c->fl_aux >> 31;
}
static ALWAYS_INLINE bool
flag_zf(const struct cpu *c)
{
	return c->fl_res == 0;
}
static ALWAYS_INLINE bool
flag_sf(const struct cpu *c)
{
	return (c->fl_res >> 63) ^ (c->fl_aux & AUX_SD);
}
static ALWAYS_INLINE bool
flag_of(const struct cpu *c)
{
	return ((c->fl_aux >> 31) ^ (c->fl_aux >> 30)) & 1;
}
static ALWAYS_INLINE bool
flag_af(const struct cpu *c)
{
	return (c->fl_aux >> 3) & 1;
}
static ALWAYS_INLINE bool
flag_pf(const struct cpu *c)
{
	return !__builtin_parity((uint8_t)(c->fl_res ^ (c->fl_aux >> 8)));
}

/* carries: bit i = carry (borrow) out of bit i of an operation of `size` bytes */
static ALWAYS_INLINE void
flags_set_carries(struct cpu *c, uint64_t res, uint64_t carries, unsigned size)
{
	unsigned top = size * 8 - 1;
	uint32_t aux = carries & AUX_AF;

	if (top <= 31)
		aux |= (uint32_t)(carries << (31 - top)) & 0xc0000000u;
	else
		aux |= (uint32_t)(carries >> (top - 31)) & 0xc0000000u;
	c->fl_res = (uint64_t)sign_extend(res, size);
	c->fl_aux = aux;
}
/* AND, OR, XOR, TEST: CF = OF = AF = 0 */
static ALWAYS_INLINE void
flags_set_logic(struct cpu *c, uint64_t res, unsigned size)
{
	c->fl_res = (uint64_t)sign_extend(res, size);
	c->fl_aux = 0;
}

/* The six arithmetic bits, or all of EFLAGS with bit 1 set. */
uint32_t flags_arith(const struct cpu *c);
static inline uint32_t
flags_get(const struct cpu *c)
{
	return c->eflags | flags_arith(c) | FL_R1;
}
/* Sets the six arithmetic bits from v (others ignored). */
void flags_set_arith(struct cpu *c, uint32_t v);
/* Changes only CF / only OF / both. */
static inline void
flags_put_cf_of(struct cpu *c, bool cf, bool of)
{
	c->fl_aux = (c->fl_aux & 0x3fffffffu) | (uint32_t)cf << 31 | (uint32_t)(cf ^ of) << 30;
}

/* Condition codes 0..15 as in Jcc's low four bits. */
static ALWAYS_INLINE bool
flags_cond(const struct cpu *c, unsigned cc)
{
	bool v;

	switch (cc >> 1) {
	case 0: v = flag_of(c); break;
	case 1: v = flag_cf(c); break;
	case 2: v = flag_zf(c); break;
	case 3: v = flag_cf(c) || flag_zf(c); break;
	case 4: v = flag_sf(c); break;
	case 5: v = flag_pf(c); break;
	case 6: v = flag_sf(c) != flag_of(c); break;
	default: v = flag_zf(c) || flag_sf(c) != flag_of(c); break;
	}
	return v ^ (cc & 1);
}

#endif
