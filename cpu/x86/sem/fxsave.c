/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FXSAVE, XSAVE and their kin: SDM 1 10.5 and chapter 13, standard format.  Layout of the
 * legacy region: SDM 2 FXSAVE, tables 3-43 to 3-46.  XGETBV, XSETBV and CPUID leaf 0xD are
 * elsewhere.
 */
#include "cpu/x86/sem/simd.h"
#include "cpu/x86/sem/x87.h"
#include "cpu/x86/sem/x87_env.h"

enum {
	FX_CW = 0,
	FX_SW = 2,
	FX_TW = 4,
	FX_OP = 6,
	FX_IP = 8,
	FX_CS = 12,
	FX_DP = 16,
	FX_DS = 20,
	FX_MXCSR = 24,
	FX_MXCSR_MASK = 28,
	FX_ST = 32,
	FX_XMM = 160,
	FX_XMM_END = 416,
	XS_HEADER = 512,
	XS_BV = 512,
	XS_COMP_BV = 520,
	XS_RESERVED = 528,
	XS_AVX = 576,
	XS_AVX_END = 832
};

/* DAZ came with SSE2. */
static uint32_t
mxcsr_mask(const struct cpu *c)
{
	return model_has(c->model, FEAT_SSE2) ? MXCSR_VALID : MXCSR_VALID & ~MXCSR_DAZ;
}
static unsigned
vector_count(const struct cpu *c)
{
	return c->bits == BITS64 ? 16 : 8;
}

/* ---- the parts, to and from an image of the area ---- */

static void
put_x87(const struct cpu *c, const struct insn *in, uint8_t *p)
{
	put_le16(p + FX_CW, c->fpu.cw);
	put_le16(p + FX_SW, x87_get_sw(c));
	p[FX_TW] = (uint8_t)~c->fpu.empty;
	p[FX_TW + 1] = 0;
	put_le16(p + FX_OP, c->fpu.op & 0x7ff);
	put_le64(p + FX_IP, c->fpu.ip);
	put_le64(p + FX_DP, c->fpu.dp);
	if (in->osize != 3) {
		put_le32(p + FX_CS, c->fpu.cs);
		put_le32(p + FX_DS, c->fpu.ds);
	}
	for (unsigned i = 0; i < 8; i++) {
		uint8_t *st = p + FX_ST + i * 16;

		memset(st, 0, 16);
		memcpy(st, c->fpu.reg[(c->fpu.top + i) & 7], 10);
	}
}
static void
take_x87(struct cpu *c, const struct insn *in, const uint8_t *p)
{
	x87_set_cw(c, get_le16(p + FX_CW));
	x87_set_sw(c, get_le16(p + FX_SW));
	c->fpu.empty = (uint8_t)~p[FX_TW];
	c->fpu.op = get_le16(p + FX_OP) & 0x7ff;
	if (in->osize == 3) {
		c->fpu.ip = get_le64(p + FX_IP);
		c->fpu.dp = get_le64(p + FX_DP);
	} else {
		c->fpu.ip = get_le32(p + FX_IP);
		c->fpu.cs = get_le16(p + FX_CS);
		c->fpu.dp = get_le32(p + FX_DP);
		c->fpu.ds = get_le16(p + FX_DS);
	}
	for (unsigned i = 0; i < 8; i++)
		memcpy(x87_st(c, i), p + FX_ST + i * 16, 10);
}
static void
put_xmm(const struct cpu *c, uint8_t *p)
{
	for (unsigned i = 0; i < vector_count(c); i++)
		memcpy(p + FX_XMM + i * 16, c->ymm[i], 16);
}
static void
take_xmm(struct cpu *c, const uint8_t *p)
{
	for (unsigned i = 0; i < vector_count(c); i++)
		memcpy(c->ymm[i], p + FX_XMM + i * 16, 16);
}
static void
put_mxcsr(const struct cpu *c, uint8_t *p)
{
	put_le32(p + FX_MXCSR, c->mxcsr);
	put_le32(p + FX_MXCSR_MASK, mxcsr_mask(c));
}
static uint32_t
checked_mxcsr(struct cpu *c, uint32_t v)
{
	if (v & ~mxcsr_mask(c))
		cpu_raise_gp(c, 0);
	return v;
}

/* ---- FXSAVE, FXRSTOR ---- */

static uint64_t
area_address(struct cpu *c, const struct insn *in, unsigned align)
{
	uint64_t ea = insn_ea(c, in);

	vec_check_aligned(c, in, ea, align);
	return ea;
}
static void
fx_check(struct cpu *c)
{
	if (c->cr0 & CR0_EM)
		cpu_raise_ud(c);
	if (c->cr0 & CR0_TS)
		cpu_raise(c, EXC_NM);
}
/* Bytes of the legacy region in use: XMM registers only while the system says it keeps them. */
static unsigned
fx_size(const struct cpu *c)
{
	return c->cr4 & CR4_OSFXSR ? FX_XMM + vector_count(c) * 16 : FX_XMM;
}

static void
do_fxsave(struct cpu *c, const struct insn *in)
{
	uint8_t p[FX_XMM_END];
	uint64_t ea;

	fx_check(c);
	ea = area_address(c, in, 16);
	put_x87(c, in, p);
	put_mxcsr(c, p);
	put_xmm(c, p);
	mem_write_bytes(c, in->seg, ea, p, fx_size(c));
}
SEM_ONE(fxsave)

static void
do_fxrstor(struct cpu *c, const struct insn *in)
{
	uint8_t p[FX_XMM_END];
	uint32_t mxcsr;

	fx_check(c);
	mem_read_bytes(c, in->seg, area_address(c, in, 16), p, fx_size(c));
	if (c->cr4 & CR4_OSFXSR) {
		mxcsr = checked_mxcsr(c, get_le32(p + FX_MXCSR));
		c->mxcsr = mxcsr;
		take_xmm(c, p);
	}
	take_x87(c, in, p);
}
SEM_ONE(fxrstor)

static void
do_ldmxcsr(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	c->mxcsr = checked_mxcsr(c, (uint32_t)insn_load(c, in, 4));
}
SEM_ONE(ldmxcsr)
static void
do_stmxcsr(struct cpu *c, const struct insn *in)
{
	sse_check(c);
	insn_store(c, in, 4, c->mxcsr);
}
SEM_ONE(stmxcsr)
static void
do_vldmxcsr(struct cpu *c, const struct insn *in)
{
	avx_check(c);
	c->mxcsr = checked_mxcsr(c, (uint32_t)insn_load(c, in, 4));
}
SEM_ONE(vldmxcsr)
static void
do_vstmxcsr(struct cpu *c, const struct insn *in)
{
	avx_check(c);
	insn_store(c, in, 4, c->mxcsr);
}
SEM_ONE(vstmxcsr)

/* ---- XSAVE, XSAVEOPT, XRSTOR ---- */

static void
xs_check(struct cpu *c)
{
	if (!(c->cr4 & CR4_OSXSAVE))
		cpu_raise_ud(c);
	if (c->cr0 & CR0_TS)
		cpu_raise(c, EXC_NM);
}
static uint64_t
requested(const struct cpu *c)
{
	return c->xcr0 & ((uint32_t)c->gpr[REG_AX] | c->gpr[REG_DX] << 32);
}

static bool
is_zero(const uint8_t *p, size_t n)
{
	uint8_t any = 0;

	for (size_t i = 0; i < n; i++)
		any |= p[i];
	return !any;
}
/* XINUSE (SDM 1 13.6): components that are not in their initial configuration. */
static uint64_t
in_use(const struct cpu *c)
{
	uint64_t v = 0;

	if (c->fpu.cw != 0x37f || x87_get_sw(c) || c->fpu.empty != 0xff || c->fpu.ip || c->fpu.dp ||
	    c->fpu.op || c->fpu.cs || c->fpu.ds || !is_zero(c->fpu.reg[0], sizeof(c->fpu.reg)))
		v |= XCR0_X87;
	for (unsigned i = 0; i < 16; i++) {
		if (!is_zero(c->ymm[i], 16))
			v |= XCR0_SSE;
		if (!is_zero(c->ymm[i] + 16, 16))
			v |= XCR0_AVX;
	}
	return v;
}

/* `parts` are written, the state of `rfbm` is noted in the header. */
static void
xsave(
    struct cpu *c, const struct insn *in, uint64_t ea, uint64_t rfbm, uint64_t parts, uint64_t used)
{
	uint8_t p[XS_AVX_END];
	unsigned s = in->seg, n = vector_count(c);
	uint64_t bv = mem_read64(c, s, ea + XS_BV);

	put_x87(c, in, p);
	put_mxcsr(c, p);
	put_xmm(c, p);
	for (unsigned i = 0; i < n; i++)
		memcpy(p + XS_AVX + i * 16, c->ymm[i] + 16, 16);
	mem_probe_write(c, s, ea, parts & XCR0_AVX ? XS_AVX + n * 16 : XS_AVX);
	if (parts & XCR0_X87) {
		mem_write_bytes(c, s, ea, p, FX_MXCSR);
		mem_write_bytes(c, s, ea + FX_ST, p + FX_ST, FX_XMM - FX_ST);
	}
	if (rfbm & (XCR0_SSE | XCR0_AVX))
		mem_write_bytes(c, s, ea + FX_MXCSR, p + FX_MXCSR, 8);
	if (parts & XCR0_SSE)
		mem_write_bytes(c, s, ea + FX_XMM, p + FX_XMM, n * 16);
	if (parts & XCR0_AVX)
		mem_write_bytes(c, s, ea + XS_AVX, p + XS_AVX, n * 16);
	mem_write64(c, s, ea + XS_BV, (bv & ~rfbm) | (used & rfbm));
}
static void
do_xsave(struct cpu *c, const struct insn *in)
{
	uint64_t rfbm;

	xs_check(c);
	rfbm = requested(c);
	xsave(c, in, area_address(c, in, 64), rfbm, rfbm, in_use(c));
}
SEM_ONE(xsave)
/* Leaves out what is in its initial configuration. */
static void
do_xsaveopt(struct cpu *c, const struct insn *in)
{
	uint64_t rfbm, used;

	xs_check(c);
	rfbm = requested(c);
	used = in_use(c);
	xsave(c, in, area_address(c, in, 64), rfbm, rfbm & used, used);
}
SEM_ONE(xsaveopt)

static void
restore_avx(struct cpu *c, const uint8_t *p)
{
	for (unsigned i = 0; i < vector_count(c); i++) {
		if (p)
			memcpy(c->ymm[i] + 16, p + i * 16, 16);
		else
			memset(c->ymm[i] + 16, 0, 16);
	}
}
static void
restore_x87(struct cpu *c, const struct insn *in, const uint8_t *p)
{
	if (p) {
		take_x87(c, in, p);
	} else {
		x87_init(c);
		memset(c->fpu.reg, 0, sizeof(c->fpu.reg));
	}
}
static void
do_xrstor(struct cpu *c, const struct insn *in)
{
	static const uint8_t zero[16];
	uint8_t p[XS_AVX_END];
	uint64_t ea, rfbm, bv;
	uint32_t mxcsr = c->mxcsr;

	xs_check(c);
	rfbm = requested(c);
	ea = area_address(c, in, 64);
	mem_read_bytes(c, in->seg, ea, p, XS_AVX);
	bv = get_le64(p + XS_BV);
	/* the compacted format is not there; header bytes 8..23 must be zero */
	if ((bv & ~c->xcr0) || memcmp(p + XS_COMP_BV, zero, 16))
		cpu_raise_gp(c, 0);
	if (rfbm & (XCR0_SSE | XCR0_AVX))
		mxcsr = checked_mxcsr(c, get_le32(p + FX_MXCSR));
	if (rfbm & bv & XCR0_AVX)
		mem_read_bytes(c, in->seg, ea + XS_AVX, p + XS_AVX, vector_count(c) * 16);
	c->mxcsr = mxcsr;
	if (rfbm & XCR0_X87)
		restore_x87(c, in, bv & XCR0_X87 ? p : NULL);
	if (rfbm & XCR0_SSE) {
		if (!(bv & XCR0_SSE))
			memset(p + FX_XMM, 0, FX_XMM_END - FX_XMM);
		take_xmm(c, p);
	}
	if (rfbm & XCR0_AVX)
		restore_avx(c, bv & XCR0_AVX ? p + XS_AVX : NULL);
}
SEM_ONE(xrstor)
