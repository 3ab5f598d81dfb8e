/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AVX moves that touch only some elements of memory: VMASKMOV, VPMASKMOV and the gathers.
 * An element whose mask bit is clear never faults.
 */
#include "cpu/x86/sem/simd.h"

static ALWAYS_INLINE bool
mask_bit(const union vec *m, unsigned i, unsigned size)
{
	return m->b[i * size + size - 1] & 0x80;
}
static ALWAYS_INLINE uint64_t
wrap(const struct insn *in, uint64_t ea)
{
	unsigned sh = 64 - (8u << in->asize);

	return ea << sh >> sh;
}

static ALWAYS_INLINE void
masked_load(struct cpu *c, const struct insn *in, unsigned size)
{
	const union vec *m = vec_reg(c, in->reg[1]);
	union vec r = { .q = { 0 } };
	uint64_t ea = insn_ea(c, in);
	unsigned n = (in->vl ? 32 : 16) / size;

	for (unsigned i = 0; i < n; i++) {
		if (mask_bit(m, i, size))
			put_le(r.b + i * size, size,
			    mem_read(c, in->seg, wrap(in, ea + i * size), size));
	}
	*vec_reg(c, in->reg[0]) = r;
}
/* Everything is looked at before anything is stored. */
static ALWAYS_INLINE void
masked_store(struct cpu *c, const struct insn *in, unsigned size)
{
	const union vec *m = vec_reg(c, in->reg[1]), *s = vec_reg(c, in->reg[2]);
	uint64_t ea = insn_ea(c, in);
	unsigned n = (in->vl ? 32 : 16) / size;

	for (unsigned i = 0; i < n; i++) {
		if (mask_bit(m, i, size))
			mem_probe_write(c, in->seg, wrap(in, ea + i * size), size);
	}
	for (unsigned i = 0; i < n; i++) {
		if (mask_bit(m, i, size))
			mem_write(c, in->seg, wrap(in, ea + i * size), size,
			    get_le(s->b + i * size, size));
	}
}
#define MASKMOV(name, size)                                                                        \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		avx_check(c);                                                                      \
		masked_load(c, in, size);                                                          \
	}                                                                                          \
	static void do_##name##_store(struct cpu *c, const struct insn *in)                        \
	{                                                                                          \
		avx_check(c);                                                                      \
		masked_store(c, in, size);                                                         \
	}                                                                                          \
	SEM_ONE(name)                                                                              \
	SEM_ONE(name##_store)
MASKMOV(vmaskmovps, 4)
MASKMOV(vmaskmovpd, 8)
MASKMOV(vpmaskmovd, 4)
MASKMOV(vpmaskmovq, 8)

/*
 * Gathers (SDM 2 VGATHERDPS).  Elements that are done with have their mask cleared at once, so
 * that after a fault the instruction goes on where it stopped.
 */
static ALWAYS_INLINE void
gather(struct cpu *c, const struct insn *in, unsigned isize, unsigned dsize)
{
	union vec *d = vec_reg(c, in->reg[0]), *m = vec_reg(c, in->reg[2]);
	const union vec *x = vec_reg(c, in->index);
	unsigned n = (in->vl ? 32 : 16) / (isize > dsize ? isize : dsize);
	uint64_t base = c->gpr[in->base] + (uint64_t)in->disp;

	avx_check(c);
	if (in->reg[0] == in->reg[2] || in->reg[0] == in->index || in->reg[2] == in->index)
		cpu_raise_ud(c);
	for (unsigned i = 0; i < n; i++) {
		int64_t index = sign_extend(get_le(x->b + i * isize, isize), isize);

		if (mask_bit(m, i, dsize)) {
			uint64_t ea = wrap(in, base + ((uint64_t)index << in->scale));

			put_le(d->b + i * dsize, dsize, mem_read(c, in->seg, ea, dsize));
		}
		memset(m->b + i * dsize, 0, dsize);
	}
	memset(d->b + n * dsize, 0, 32 - n * dsize);
	memset(m->b, 0, 32);
}
#define GATHER(name, isize, dsize)                                                                 \
	static void do_##name(struct cpu *c, const struct insn *in)                                \
	{                                                                                          \
		gather(c, in, isize, dsize);                                                       \
	}                                                                                          \
	SEM_ONE(name)
GATHER(vpgatherdd, 4, 4)
GATHER(vpgatherdq, 4, 8)
GATHER(vpgatherqd, 8, 4)
GATHER(vpgatherqq, 8, 8)
GATHER(vgatherdps, 4, 4)
GATHER(vgatherdpd, 4, 8)
GATHER(vgatherqps, 8, 4)
GATHER(vgatherqpd, 8, 8)
