/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System instructions that need no file of their own. */
#include "cpu/cpu.h"
#include "cpu/x86/transfer.h"

#include <cpuid.h>
#include <immintrin.h>

/* ---- descriptor tables ---- */

static struct dtable
load_dtable(struct cpu *c, const struct insn *in)
{
	uint64_t ea = insn_ea(c, in);
	unsigned sh = 64 - (8u << in->asize);
	bool wide = c->bits == BITS64;
	struct dtable t;

	need_cpl0(c);
	t.limit = mem_read16(c, in->seg, ea);
	t.base = mem_read(c, in->seg, (ea + 2) << sh >> sh, wide ? 8 : 4);
	if (wide && !mmu_canonical(t.base))
		cpu_raise_gp(c, 0);
	if (!wide && in->osize == 1) /* a 16-bit operand has 24 address bits */
		t.base &= 0xffffff;
	return t;
}

static void
store_dtable(struct cpu *c, const struct insn *in, const struct dtable *t)
{
	uint64_t ea = insn_ea(c, in);
	unsigned sh = 64 - (8u << in->asize);

	if ((c->cr4 & CR4_UMIP) && c->cpl)
		cpu_raise_gp(c, 0);
	mem_probe_write(c, in->seg, ea, c->bits == BITS64 ? 10 : 6);
	mem_write16(c, in->seg, ea, t->limit);
	mem_write(c, in->seg, (ea + 2) << sh >> sh, c->bits == BITS64 ? 8 : 4, t->base);
}

static void
do_lgdt(struct cpu *c, const struct insn *in)
{
	c->gdtr = load_dtable(c, in);
}
SEM_ONE(lgdt)

static void
do_lidt(struct cpu *c, const struct insn *in)
{
	c->idtr = load_dtable(c, in);
}
SEM_ONE(lidt)

static void
do_sgdt(struct cpu *c, const struct insn *in)
{
	store_dtable(c, in, &c->gdtr);
}
SEM_ONE(sgdt)

static void
do_sidt(struct cpu *c, const struct insn *in)
{
	store_dtable(c, in, &c->idtr);
}
SEM_ONE(sidt)

/* ---- halting and caches ---- */

static void
do_hlt(struct cpu *c, const struct insn *in)
{
	need_cpl0(c);
	c->halted = true;
	cpu_end_block(c);
}
SEM_ONE(hlt)

static void
do_invlpg(struct cpu *c, const struct insn *in)
{
	uint64_t lin;

	if (in->kind[0] != OPD_MEM)
		cpu_raise_ud(c);
	need_cpl0(c);
	lin = (c->seg[in->seg].lbase + insn_ea(c, in)) & c->lin_mask;
	tlb_flush_page(c, lin);
}
SEM_ONE(invlpg)

/* Without PCIDs every type of INVPCID flushes what it names for the one context there is. */
static void
do_invpcid(struct cpu *c, const struct insn *in)
{
	uint64_t ea = insn_ea(c, in), desc[2];
	uint64_t type = reg_get(c, in->reg[0], insn_size(in));

	need_cpl0(c);
	mem_read_bytes(c, in->seg, ea, desc, sizeof(desc));
	if (type > 3 || (type < 2 && desc[0] >> 12) || (type < 2 && (desc[0] & 0xfff)) ||
	    (type == 0 && !mmu_canonical(desc[1])))
		cpu_raise_gp(c, 0);
	switch (type) {
	case 0: tlb_flush_page(c, desc[1]); break;
	case 2: tlb_flush_all(c); break;
	default: tlb_flush_nonglobal(c); break;
	}
}
SEM_ONE(invpcid)

static void
do_invd(struct cpu *c, const struct insn *in)
{
	need_cpl0(c);
}
SEM_ONE(invd)

static void
do_wbinvd(struct cpu *c, const struct insn *in)
{
	need_cpl0(c);
}
SEM_ONE(wbinvd)

/* MONITOR arms nothing and MWAIT comes back at once, which SDM 2B allows at any time; no
 * model advertises them, they are here for a guest that uses them all the same. */
static void
do_monitor(struct cpu *c, const struct insn *in)
{
	unsigned sh = 64 - (8u << in->asize);

	need_cpl0(c);
	if ((uint32_t)c->gpr[REG_CX])
		cpu_raise_gp(c, 0);
	(void)mem_read8(c, in->seg, c->gpr[REG_AX] << sh >> sh);
}
SEM_ONE(monitor)

static void
do_mwait(struct cpu *c, const struct insn *in)
{
	need_cpl0(c);
	if ((uint32_t)c->gpr[REG_CX] & ~1u)
		cpu_raise_gp(c, 0);
}
SEM_ONE(mwait)

/* SMAP is in no model: the binder makes these #UD before they get here. */
static void
do_clac(struct cpu *c, const struct insn *in)
{
	cpu_raise_ud(c);
}
SEM_ONE(clac)

static void
do_stac(struct cpu *c, const struct insn *in)
{
	cpu_raise_ud(c);
}
SEM_ONE(stac)

/* There is no system management mode (see docs/internals/cpu.md): outside it RSM is #UD. */
static void
do_rsm(struct cpu *c, const struct insn *in)
{
	cpu_raise_ud(c);
}
SEM_ONE(rsm)

/* ---- counters ---- */

static void
check_tsd(struct cpu *c)
{
	if ((c->cr4 & CR4_TSD) && c->cpl)
		cpu_raise_gp(c, 0);
}

static void
do_rdtsc(struct cpu *c, const struct insn *in)
{
	uint64_t v;

	check_tsd(c);
	v = cpu_rdtsc(c);
	c->gpr[REG_AX] = (uint32_t)v;
	c->gpr[REG_DX] = v >> 32;
}
SEM_ONE(rdtsc)

static void
do_rdtscp(struct cpu *c, const struct insn *in)
{
	do_rdtsc(c, in);
	c->gpr[REG_CX] = (uint32_t)c->msr.tsc_aux;
}
SEM_ONE(rdtscp)

/* CPUID leaf 0AH says that there are no counters: any index is out of range. */
static void
do_rdpmc(struct cpu *c, const struct insn *in)
{
	cpu_raise_gp(c, 0);
}
SEM_ONE(rdpmc)

/* ---- random numbers ---- */

__attribute__((target("rdrnd"))) static bool
host_rdrand(uint64_t *v)
{
	unsigned long long x;

	if (!_rdrand64_step(&x))
		return false;
	*v = x;
	return true;
}

static bool
host_has_rdrand(void)
{
	unsigned a, b, ecx = 0, d;

	return __get_cpuid(1, &a, &b, &ecx, &d) && (ecx & bit_RDRND);
}

/* splitmix64 */
static uint64_t
rng_next(struct cpu *c)
{
	uint64_t z = c->rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* With the instruction clock every run must see the same numbers; else the host's own, or
 * where it has none, a generator stirred by its time stamp counter. */
static bool
random_get(struct cpu *c, uint64_t *v)
{
	if (c->set && c->set->shared_thread) {
		*v = rng_next(c);
		return true;
	}
	if (host_has_rdrand())
		return host_rdrand(v);
	c->rng ^= __builtin_ia32_rdtsc();
	*v = rng_next(c);
	return true;
}

static void
random_to_reg(struct cpu *c, const struct insn *in)
{
	uint64_t v = 0;
	bool ok = random_get(c, &v);

	reg_set(c, in->reg[0], insn_size(in), ok ? v : 0);
	flags_set_arith(c, ok ? FL_CF : 0);
}

static void
do_rdrand(struct cpu *c, const struct insn *in)
{
	random_to_reg(c, in);
}
SEM_ONE(rdrand)

static void
do_rdseed(struct cpu *c, const struct insn *in)
{
	random_to_reg(c, in);
}
SEM_ONE(rdseed)

/* ---- XCR0 ---- */

static void
do_xgetbv(struct cpu *c, const struct insn *in)
{
	if (!(c->cr4 & CR4_OSXSAVE))
		cpu_raise_ud(c);
	if ((uint32_t)c->gpr[REG_CX])
		cpu_raise_gp(c, 0);
	c->gpr[REG_AX] = (uint32_t)c->xcr0;
	c->gpr[REG_DX] = c->xcr0 >> 32;
}
SEM_ONE(xgetbv)

static void
do_xsetbv(struct cpu *c, const struct insn *in)
{
	enum { X87 = 1, SSE = 2, AVX = 4 };
	uint64_t v = (uint32_t)c->gpr[REG_AX] | c->gpr[REG_DX] << 32;
	uint64_t ok = X87 | SSE | (model_has(c->model, FEAT_AVX) ? AVX : 0);

	if (!(c->cr4 & CR4_OSXSAVE))
		cpu_raise_ud(c);
	need_cpl0(c);
	if ((uint32_t)c->gpr[REG_CX] || (v & ~ok) || !(v & X87) || (v & (AVX | SSE)) == AVX)
		cpu_raise_gp(c, 0);
	c->xcr0 = v;
	cpu_mode_derive(c);
	cpu_end_block(c);
}
SEM_ONE(xsetbv)
