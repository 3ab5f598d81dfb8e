/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87, MMX, SSE and AVX by the manual: what the comparison with the host cannot show
 * (control registers, real mode, images in memory, pointers, refusals).
 */
#include "cpu/x86/sem/sem_fp.h"
#include "flat.h"
#include "tests/unit/test.h"

enum { CODE = 0x400000, DATA = 0x10000 };

static struct flat f;
static _Alignas(4096) uint8_t data[8192];
static struct cpu *const c = &f.c;

static void
start(enum cpu_bits bits)
{
	flat_init(&f, bits, 0);
	flat_map(&f, DATA, data, sizeof(data));
	memset(data, 0xcc, sizeof(data));
	c->gpr[REG_SI] = DATA;
	c->gpr[REG_RIP] = CODE;
}
static int
run(const uint8_t *code, unsigned len)
{
	c->gpr[REG_RIP] = CODE;
	return flat_run(&f, code, len);
}
/* the vector, or -1 */
#define RUN(...) run((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void
put_st(unsigned i, uint16_t se, uint64_t m)
{
	unsigned r = (c->fpu.top + i) & 7;

	put_le64(c->fpu.reg[r], m);
	put_le16(c->fpu.reg[r] + 8, se);
	c->fpu.empty &= (uint8_t) ~(1u << r);
}
static uint64_t
st_m(unsigned i)
{
	return get_le64(c->fpu.reg[(c->fpu.top + i) & 7]);
}
static uint16_t
st_se(unsigned i)
{
	return get_le16(c->fpu.reg[(c->fpu.top + i) & 7] + 8);
}
#define ONE  0x3fff, 1ull << 63
#define TWO  0x4000, 1ull << 63
#define ZERO 0, 0

/* opcodes used again and again, with [RSI] or registers */
#define FLD1      0xd9, 0xe8
#define FLD_M32   0xd9, 0x06
#define FADD_ST1  0xd8, 0xc1
#define FDIV_ST1  0xd8, 0xf1
#define FNSTCW    0xd9, 0x3e
#define FNSTSW_AX 0xdf, 0xe0
#define FNCLEX    0xdb, 0xe2
#define FWAIT     0x9b
#define PADDB_MM  0x0f, 0xfc, 0xc1
#define PADDB_XMM 0x66, 0x0f, 0xfc, 0xc1
#define ADDPS     0x0f, 0x58, 0xc1
#define DIVPS     0x0f, 0x5e, 0xc1
#define VADDPS    0xc5, 0xf0, 0x58, 0xc2
#define FXSAVE    0x0f, 0xae, 0x06
#define FXSAVE64  0x48, 0x0f, 0xae, 0x06
#define FXRSTOR   0x0f, 0xae, 0x0e
#define LDMXCSR   0x0f, 0xae, 0x16
#define XSAVE     0x0f, 0xae, 0x26
#define XRSTOR    0x0f, 0xae, 0x2e
#define XSAVEOPT  0x0f, 0xae, 0x36

/* ---- refusals ---- */

TEST(x87_needs_em_and_ts_clear)
{
	start(BITS64);
	c->cr0 |= CR0_TS;
	CHECK_EQ(RUN(FLD1), EXC_NM);
	CHECK_EQ(RUN(FNSTCW), EXC_NM);
	CHECK_EQ(RUN(FWAIT), EXC_NM); /* MP is set */
	c->cr0 &= ~(uint64_t)CR0_MP;
	CHECK_EQ(RUN(FWAIT), -1);
	c->cr0 = (c->cr0 & ~(uint64_t)CR0_TS) | CR0_EM | CR0_MP;
	CHECK_EQ(RUN(FLD1), EXC_NM);
	CHECK_EQ(RUN(FNCLEX), EXC_NM);
	CHECK_EQ(RUN(FWAIT), -1);
	CHECK_EQ(c->fpu.empty, 0xff);
}

TEST(mmx_refusals_in_order)
{
	start(BITS64);
	c->cr0 |= CR0_TS | CR0_EM;
	CHECK_EQ(RUN(PADDB_MM), EXC_UD);
	c->cr0 &= ~(uint64_t)CR0_EM;
	CHECK_EQ(RUN(PADDB_MM), EXC_NM);
	c->cr0 &= ~(uint64_t)CR0_TS;
	c->fpu.sw = X87_IE | X87_ES | X87_B;
	CHECK_EQ(RUN(PADDB_MM), EXC_MF);
	c->fpu.sw = 0;
	CHECK_EQ(RUN(PADDB_MM), -1);
}

TEST(sse_refusals_in_order)
{
	start(BITS64);
	c->cr0 |= CR0_TS;
	c->cr4 &= ~(uint64_t)CR4_OSFXSR;
	CHECK_EQ(RUN(PADDB_XMM), EXC_UD);
	c->cr4 |= CR4_OSFXSR;
	CHECK_EQ(RUN(PADDB_XMM), EXC_NM);
	c->cr0 = (c->cr0 & ~(uint64_t)CR0_TS) | CR0_EM;
	CHECK_EQ(RUN(ADDPS), EXC_UD);
	c->cr0 &= ~(uint64_t)CR0_EM;
	c->fpu.sw = X87_IE | X87_ES | X87_B; /* of no interest here */
	CHECK_EQ(RUN(ADDPS), -1);
}

TEST(avx_refusals)
{
	start(BITS64);
	CHECK_EQ(RUN(VADDPS), -1);
	c->cr0 |= CR0_EM; /* not looked at */
	CHECK_EQ(RUN(VADDPS), -1);
	c->cr0 |= CR0_TS;
	CHECK_EQ(RUN(VADDPS), EXC_NM);
	c->xcr0 = 3;
	CHECK_EQ(RUN(VADDPS), EXC_UD);
	c->xcr0 = 5;
	CHECK_EQ(RUN(VADDPS), EXC_UD);
	c->xcr0 = 7;
	c->cr4 &= ~(uint64_t)CR4_OSXSAVE;
	CHECK_EQ(RUN(VADDPS), EXC_UD);
}

/* ---- x87 exceptions ---- */

TEST(unmasked_x87_exception_waits_for_the_next_instruction)
{
	start(BITS64);
	c->fpu.cw = 0x37f & ~X87_ZE;
	put_st(0, ONE);
	put_st(1, ZERO);
	CHECK_EQ(RUN(FDIV_ST1), -1);
	CHECK_EQ(c->fpu.sw, X87_ZE | X87_ES | X87_B);
	CHECK_EQ(st_m(0), 1ull << 63); /* as it was */
	CHECK_EQ(st_se(0), 0x3fff);
	CHECK_EQ(RUN(FNSTSW_AX), -1);
	CHECK_EQ(c->gpr[REG_AX] & 0xffff, X87_ZE | X87_ES | X87_B);
	CHECK_EQ(RUN(FLD1), EXC_MF);
	CHECK_EQ(RUN(FWAIT), EXC_MF);
	CHECK_EQ(RUN(FNCLEX), -1);
	CHECK_EQ(RUN(FLD1), -1);
}

static unsigned ferr_high, ferr_low;
static void
note_ferr(void *ctx, bool level)
{
	ferr_high += level;
	ferr_low += !level;
}

TEST(without_ne_the_error_pin_asks_for_irq_13)
{
	struct cpu_env env = { .ferr = note_ferr };

	start(BITS64);
	c->env = &env;
	c->cr0 &= ~(uint64_t)CR0_NE;
	c->fpu.sw = X87_IE | X87_ES | X87_B;
	c->fpu.cw = 0x37e;
	ferr_high = ferr_low = 0;
	/* stands still until the interrupt comes */
	CHECK_EQ(RUN(FLD1), -1);
	CHECK(ferr_high > 0);
	CHECK_EQ(c->gpr[REG_RIP], CODE);
	CHECK_EQ(c->fpu.empty, 0xff);
	/* in the handler, with IGNNE# */
	c->eflags &= ~(uint32_t)FL_IF;
	ferr_high = 0;
	CHECK_EQ(RUN(FLD1), -1);
	CHECK_EQ(ferr_high, 0);
	CHECK_EQ(c->fpu.top, 7);
	CHECK_EQ(RUN(FNCLEX), -1);
	CHECK_EQ(ferr_low, 1);
}

TEST(stack_overflow_and_underflow)
{
	start(BITS64);
	for (unsigned i = 0; i < 8; i++)
		CHECK_EQ(RUN(FLD1), -1);
	CHECK_EQ(c->fpu.sw, 0);
	CHECK_EQ(c->fpu.top, 0);
	CHECK_EQ(RUN(FLD1), -1);
	CHECK_EQ(c->fpu.sw, X87_IE | X87_SF | X87_C1);
	CHECK_EQ(c->fpu.top, 7);
	CHECK_EQ(st_m(0), 0xc000000000000000ull);
	CHECK_EQ(st_se(0), 0xffff);
	/* unmasked: nothing moves */
	start(BITS64);
	c->fpu.cw = 0x37e;
	CHECK_EQ(RUN(FADD_ST1), -1);
	CHECK_EQ(c->fpu.sw, X87_IE | X87_SF | X87_ES | X87_B);
	CHECK_EQ(c->fpu.empty, 0xff);
}

TEST(unmasked_overflow_keeps_memory_and_stack)
{
	start(BITS64);
	c->fpu.cw = 0x37f & ~X87_OE;
	put_st(0, 0x7000, 1ull << 63);
	CHECK_EQ(RUN(0xd9, 0x1e), -1); /* fstp m32 */
	CHECK_EQ(get_le32(data), 0xcccccccc);
	CHECK_EQ(c->fpu.top, 0);
	CHECK_EQ(c->fpu.empty, 0xfe);
	CHECK(c->fpu.sw & X87_OE);
	CHECK(c->fpu.sw & X87_ES);
	/* in a register: scaled by 2^-24576 (SDM 1 8.5.4) */
	start(BITS64);
	c->fpu.cw = 0x37f & ~X87_OE;
	put_st(0, 0x7ffe, 1ull << 63);
	put_st(1, 0x7ffe, 1ull << 63);
	CHECK_EQ(RUN(FADD_ST1), -1);
	CHECK_EQ(st_se(0), 0x7fff - 24576);
}

TEST(bcd_and_rounding_of_constants)
{
	static const uint8_t bcd[10] = { 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0, 0, 0x80 };

	start(BITS64);
	memcpy(data, bcd, 10);
	CHECK_EQ(RUN(0xdf, 0x26), -1); /* fbld */
	CHECK_EQ(st_se(0), 0xc016);
	CHECK_EQ(st_m(0), 12345678ull << 40);
	memset(data, 0, 10);
	CHECK_EQ(RUN(0xdf, 0x36), -1); /* fbstp */
	CHECK(memcmp(data, bcd, 10) == 0);
	c->fpu.cw = 0x37f;
	CHECK_EQ(RUN(0xd9, 0xeb), -1); /* fldpi */
	CHECK_EQ(st_m(0), 0xc90fdaa22168c235ull);
	c->fpu.cw = 0xf7f; /* towards zero */
	CHECK_EQ(RUN(0xd9, 0xeb), -1);
	CHECK_EQ(st_m(0), 0xc90fdaa22168c234ull);
}

/* ---- pointers and environments ---- */

TEST(pointers_name_the_last_instruction)
{
	start(BITS32);
	put_st(0, ONE);
	CHECK_EQ(RUN(0xdc, 0x4e, 0x10), -1); /* fmul m64 */
	CHECK_EQ(c->fpu.ip, CODE);
	CHECK_EQ(c->fpu.cs, c->seg[SEG_CS].sel);
	CHECK_EQ(c->fpu.op, 0x44e);
	CHECK_EQ(c->fpu.dp, DATA + 0x10);
	CHECK_EQ(c->fpu.ds, c->seg[SEG_DS].sel);
	c->fpu.ip = 0;
	CHECK_EQ(RUN(FNSTCW), -1); /* control: no trace */
	CHECK_EQ(c->fpu.ip, 0);
}

static void
prepare_env(void)
{
	c->fpu.cw = 0x27f;
	c->fpu.sw = X87_PE | X87_C3;
	c->fpu.top = 5;
	put_st(0, ONE);
	put_st(1, ZERO);
	put_st(2, 0x7fff, 1ull << 63);
	c->fpu.ip = 0x12345;
	c->fpu.cs = 0x23;
	c->fpu.op = 0x5ab;
	c->fpu.dp = 0x6789a;
	c->fpu.ds = 0x2b;
}

TEST(environment_of_protected_mode)
{
	static const uint32_t want[7] = { 0xffff027f, 0xffff6820, 0xffff93ff, 0x12345, 0x05ab0023,
		0x6789a, 0xffff002b };

	start(BITS32);
	prepare_env();
	CHECK_EQ(RUN(0xd9, 0x36), -1); /* fnstenv */
	CHECK(memcmp(data, want, 28) == 0);
	CHECK_EQ(data[28], 0xcc);
	CHECK_EQ(c->fpu.cw, 0x27f | X87_FLAGS);
	memset(&c->fpu, 0, sizeof(c->fpu));
	CHECK_EQ(RUN(0xd9, 0x26), -1); /* fldenv */
	CHECK_EQ(c->fpu.cw, 0x27f);
	CHECK_EQ(c->fpu.sw, X87_PE | X87_C3);
	CHECK_EQ(c->fpu.top, 5);
	CHECK_EQ(c->fpu.empty, 0x1f);
	CHECK_EQ(c->fpu.ip, 0x12345);
	CHECK_EQ(c->fpu.cs, 0x23);
	CHECK_EQ(c->fpu.op, 0x5ab);
	CHECK_EQ(c->fpu.dp, 0x6789a);
	CHECK_EQ(c->fpu.ds, 0x2b);
}

TEST(environment_of_protected_mode_16)
{
	static const uint16_t want[7] = { 0x27f, 0x6820, 0x93ff, 0x2345, 0x23, 0x789a, 0x2b };

	start(BITS32);
	prepare_env();
	CHECK_EQ(RUN(0x66, 0xd9, 0x36), -1);
	CHECK(memcmp(data, want, 14) == 0);
	CHECK_EQ(data[14], 0xcc);
}

TEST(environment_of_real_mode)
{
	static const uint16_t want16[7] = { 0x27f, 0x6820, 0x93ff, 0x2575, 0x15ab, 0x7b4a, 0x6000 };
	static const uint32_t want32[7] = { 0xffff027f, 0xffff6820, 0xffff93ff, 0xffff2575, 0x15ab,
		0xffff7b4a, 0x6000 };

	start(BITS32);
	c->cr0 &= ~(uint64_t)CR0_PE;
	prepare_env();
	CHECK_EQ(RUN(0x66, 0xd9, 0x36), -1);
	CHECK(memcmp(data, want16, 14) == 0);
	CHECK_EQ(data[14], 0xcc);
	c->fpu.cw = 0x27f;
	CHECK_EQ(RUN(0xd9, 0x36), -1);
	CHECK(memcmp(data, want32, 28) == 0);
	CHECK_EQ(RUN(0xd9, 0x26), -1);
	CHECK_EQ(c->fpu.ip, 0x12575);
	CHECK_EQ(c->fpu.dp, 0x67b4a);
}

TEST(fnsave_and_frstor)
{
	start(BITS32);
	prepare_env();
	CHECK_EQ(RUN(0xdd, 0x36), -1); /* fnsave */
	CHECK_EQ(c->fpu.cw, 0x37f);
	CHECK_EQ(c->fpu.sw, 0);
	CHECK_EQ(c->fpu.top, 0);
	CHECK_EQ(c->fpu.empty, 0xff);
	CHECK_EQ(c->fpu.ip, 0);
	CHECK_EQ(get_le64(data + 28), 1ull << 63); /* ST0 first */
	CHECK_EQ(get_le16(data + 36), 0x3fff);
	CHECK_EQ(get_le16(data + 56), 0x7fff); /* ST2 */
	CHECK_EQ(data[108], 0xcc);
	memset(c->fpu.reg, 0, sizeof(c->fpu.reg));
	CHECK_EQ(RUN(0xdd, 0x26), -1);
	CHECK_EQ(c->fpu.top, 5);
	CHECK_EQ(get_le16(c->fpu.reg[5] + 8), 0x3fff);
	CHECK_EQ(get_le16(c->fpu.reg[7] + 8), 0x7fff);
	CHECK_EQ(c->fpu.cw, 0x27f);
}

/* ---- MMX and x87 share registers ---- */

TEST(mmx_aliases_x87)
{
	start(BITS64);
	c->fpu.top = 3;
	put_le64(data, 0x0123456789abcdefull);
	CHECK_EQ(RUN(0x0f, 0x6f, 0x16), -1); /* movq mm2, [rsi] */
	CHECK_EQ(c->fpu.top, 0);
	CHECK_EQ(c->fpu.empty, 0);
	CHECK_EQ(get_le64(c->fpu.reg[2]), 0x0123456789abcdefull);
	CHECK_EQ(get_le16(c->fpu.reg[2] + 8), 0xffff);
	CHECK_EQ(RUN(0xd9, 0xe5), -1); /* fxam of ST0 = 0 */
	CHECK_EQ(RUN(0x0f, 0x77), -1); /* emms */
	CHECK_EQ(c->fpu.empty, 0xff);
	CHECK_EQ(get_le64(c->fpu.reg[2]), 0x0123456789abcdefull);
}

/* ---- SIMD exceptions ---- */

static void
put_singles(unsigned r, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		put_le32(c->ymm[r] + i * 4, v);
}

TEST(unmasked_simd_exception_leaves_the_destination)
{
	start(BITS64);
	put_singles(0, 0x3f800000);
	put_singles(1, 0);
	c->mxcsr = 0x1f80 & ~(MXCSR_ZE << 7);
	CHECK_EQ(RUN(DIVPS), EXC_XM);
	CHECK_EQ(c->mxcsr & MXCSR_FLAGS, MXCSR_ZE);
	CHECK_EQ(get_le32(c->ymm[0]), 0x3f800000);
	c->cr4 &= ~(uint64_t)CR4_OSXMMEXCPT;
	CHECK_EQ(RUN(DIVPS), EXC_UD);
	/* a flag that is set already raises nothing by itself */
	put_singles(1, 0x3f800000);
	CHECK_EQ(RUN(DIVPS), -1);
	c->mxcsr = 0x1f80;
	put_singles(1, 0);
	CHECK_EQ(RUN(DIVPS), -1);
	CHECK_EQ(get_le32(c->ymm[0]), 0x7f800000);
	CHECK_EQ(c->mxcsr, 0x1f80 | MXCSR_ZE);
}

TEST(unmasked_underflow_of_an_exact_result)
{
	start(BITS64);
	put_singles(0, 0x00800000);
	put_singles(1, 0x3f000000);
	CHECK_EQ(RUN(0x0f, 0x59, 0xc1), -1); /* mulps: exact denormal */
	CHECK_EQ(c->mxcsr, 0x1f80);
	put_singles(0, 0x00800000);
	c->mxcsr = 0x1f80 & ~MXCSR_UM;
	CHECK_EQ(RUN(0x0f, 0x59, 0xc1), EXC_XM);
	CHECK_EQ(c->mxcsr & MXCSR_FLAGS, MXCSR_UE);
}

/* ---- alignment ---- */

TEST(alignment_of_memory_operands)
{
	start(BITS64);
	c->gpr[REG_SI] = DATA + 8;
	CHECK_EQ(RUN(0x0f, 0x28, 0x06), EXC_GP); /* movaps */
	CHECK_EQ(c->exc_error, 0);
	CHECK_EQ(RUN(0x0f, 0x29, 0x06), EXC_GP);
	CHECK_EQ(RUN(0x66, 0x0f, 0xfc, 0x06), EXC_GP);      /* paddb */
	CHECK_EQ(RUN(0x0f, 0x58, 0x06), EXC_GP);            /* addps */
	CHECK_EQ(RUN(0x0f, 0x10, 0x06), -1);                /* movups */
	CHECK_EQ(RUN(0xf3, 0x0f, 0x58, 0x06), -1);          /* addss */
	CHECK_EQ(RUN(0x66, 0x0f, 0x3a, 0x63, 0x06, 0), -1); /* pcmpistri */
	CHECK_EQ(RUN(0xc5, 0xf1, 0xfc, 0x06), -1);          /* vpaddb */
	CHECK_EQ(RUN(0xc5, 0xf8, 0x28, 0x06), EXC_GP);      /* vmovaps xmm */
	CHECK_EQ(RUN(0x66, 0x0f, 0xe7, 0x06), EXC_GP);      /* movntdq */
	c->gpr[REG_SI] = DATA + 16;
	CHECK_EQ(RUN(0xc5, 0xf8, 0x28, 0x06), -1);
	CHECK_EQ(RUN(0xc5, 0xfc, 0x28, 0x06), EXC_GP); /* vmovaps ymm */
	CHECK_EQ(RUN(0x0f, 0xfc, 0x46, 0x03), -1);     /* paddb mm */
}

TEST(masked_off_elements_do_not_touch_memory)
{
	start(BITS64);
	c->gpr[REG_SI] = c->gpr[REG_DI] = 0x7000000; /* nothing there */
	memset(c->ymm[1], 0x7f, 32);
	CHECK_EQ(RUN(0xc4, 0xe2, 0x75, 0x2c, 0x06), -1); /* vmaskmovps ymm0, ymm1, [rsi] */
	CHECK_EQ(get_le64(c->ymm[0] + 24), 0);
	CHECK_EQ(RUN(0xc4, 0xe2, 0x75, 0x2e, 0x06), -1);
	CHECK_EQ(RUN(0x66, 0x0f, 0xf7, 0xc1), -1); /* maskmovdqu */
	CHECK_EQ(
	    RUN(0xc4, 0xe2, 0x75, 0x92, 0x04, 0x16), -1); /* vgatherdps ymm0, [rsi+ymm2], ymm1 */
	CHECK_EQ(get_le64(c->ymm[1]), 0);
	/* all three registers must differ */
	CHECK_EQ(RUN(0xc4, 0xe2, 0x75, 0x92, 0x04, 0x06), EXC_UD);
}

/* ---- FXSAVE, XSAVE ---- */

static void
prepare_state(void)
{
	prepare_env();
	c->fpu.ip = 0x123456789abc;
	for (unsigned i = 0; i < 16; i++)
		memset(c->ymm[i], (int)(0x10 + i), 32);
	c->mxcsr = 0x1fa0;
}

TEST(fxsave_image)
{
	start(BITS64);
	prepare_state();
	CHECK_EQ(RUN(FXSAVE64), -1);
	CHECK_EQ(get_le16(data), 0x27f);
	CHECK_EQ(get_le16(data + 2), 0x6820);
	CHECK_EQ(data[4], 0xe0);
	CHECK_EQ(get_le16(data + 6), 0x5ab);
	CHECK_EQ(get_le64(data + 8), 0x123456789abc);
	CHECK_EQ(get_le64(data + 16), 0x6789a);
	CHECK_EQ(get_le32(data + 24), 0x1fa0);
	CHECK_EQ(get_le32(data + 28), 0xffff);
	CHECK_EQ(get_le16(data + 40), 0x3fff); /* ST0 */
	CHECK_EQ(data[160], 0x10);
	CHECK_EQ(data[415], 0x1f);
	CHECK_EQ(data[416], 0xcc);
	CHECK_EQ(RUN(FXSAVE), -1);
	CHECK_EQ(get_le32(data + 8), 0x56789abc);
	CHECK_EQ(get_le32(data + 12), 0x23);
	CHECK_EQ(get_le32(data + 20), 0x2b);
	c->gpr[REG_SI]++;
	CHECK_EQ(RUN(FXSAVE), EXC_GP);
}

TEST(fxsave_outside_64_bit_mode_has_eight_registers)
{
	start(BITS32);
	prepare_state();
	CHECK_EQ(RUN(FXSAVE), -1);
	CHECK_EQ(data[287], 0x17);
	CHECK_EQ(data[288], 0xcc);
	c->cr0 |= CR0_TS;
	CHECK_EQ(RUN(FXSAVE), EXC_NM);
	c->cr0 |= CR0_EM;
	CHECK_EQ(RUN(FXSAVE), EXC_UD);
}

TEST(fxrstor_takes_all_or_nothing)
{
	struct x87 was;

	start(BITS64);
	prepare_state();
	CHECK_EQ(RUN(FXSAVE64), -1);
	was = c->fpu;
	memset(&c->fpu, 0, sizeof(c->fpu));
	memset(c->ymm, 0, sizeof(c->ymm));
	put_le32(data + 24, 0x10000);
	CHECK_EQ(RUN(FXRSTOR), EXC_GP);
	CHECK_EQ(c->ymm[3][0], 0);
	CHECK_EQ(c->fpu.cw, 0);
	put_le32(data + 24, 0x1f80);
	CHECK_EQ(RUN(0x48, FXRSTOR), -1);
	CHECK_EQ(c->mxcsr, 0x1f80);
	CHECK_EQ(c->ymm[15][15], 0x1f);
	CHECK_EQ(c->ymm[15][16], 0); /* upper halves are not its business */
	was.cs = was.ds = 0;         /* nor are selectors in the 64-bit image */
	CHECK_EQ(c->fpu.empty, was.empty);
	CHECK_EQ(c->fpu.top, was.top);
	CHECK_EQ(c->fpu.ip, was.ip);
	CHECK(memcmp(c->fpu.reg[5], was.reg[5], 10) == 0);
}

TEST(ldmxcsr_refuses_reserved_bits)
{
	start(BITS64);
	put_le32(data, 0x11f80);
	CHECK_EQ(RUN(LDMXCSR), EXC_GP);
	put_le32(data, 0xffff);
	CHECK_EQ(RUN(LDMXCSR), -1);
	CHECK_EQ(c->mxcsr, 0xffff);
}

TEST(xsave_writes_what_is_asked_for)
{
	start(BITS64);
	prepare_state();
	memset(data + 512, 0, 64);
	c->gpr[REG_AX] = 4;
	c->gpr[REG_DX] = 0;
	CHECK_EQ(RUN(XSAVE), -1);
	CHECK_EQ(get_le16(data), 0xcccc);
	CHECK_EQ(get_le32(data + 24), 0x1fa0); /* MXCSR goes with AVX too */
	CHECK_EQ(data[160], 0xcc);
	CHECK_EQ(get_le64(data + 512), 4);
	CHECK_EQ(data[576], 0x10);
	CHECK_EQ(data[831], 0x1f);
	CHECK_EQ(data[832], 0xcc);
	c->gpr[REG_AX] = 0xffffffff;
	CHECK_EQ(RUN(XSAVE), -1);
	CHECK_EQ(get_le64(data + 512), 7);
	CHECK_EQ(get_le16(data), 0x27f);
	CHECK_EQ(data[160], 0x10);
	c->gpr[REG_SI] += 32;
	CHECK_EQ(RUN(XSAVE), EXC_GP);
	c->cr4 &= ~(uint64_t)CR4_OSXSAVE;
	CHECK_EQ(RUN(XSAVE), EXC_UD);
}

TEST(xsaveopt_leaves_out_initial_state)
{
	start(BITS64);
	memset(data + 512, 0, 64);
	memset(c->ymm, 0, sizeof(c->ymm));
	c->ymm[2][3] = 1;
	c->gpr[REG_AX] = 7;
	CHECK_EQ(RUN(XSAVEOPT), -1);
	CHECK_EQ(get_le64(data + 512), 2);
	CHECK_EQ(get_le16(data), 0xcccc);
	CHECK_EQ(data[576], 0xcc);
	CHECK_EQ(data[195], 1);
}

TEST(xrstor_loads_or_initialises)
{
	start(BITS64);
	prepare_state();
	memset(data + 512, 0, 64);
	c->gpr[REG_AX] = 7;
	CHECK_EQ(RUN(XSAVE), -1);
	put_le64(data + 512, 4); /* only the upper halves */
	c->ymm[1][31] = 0;
	CHECK_EQ(RUN(XRSTOR), -1);
	CHECK_EQ(c->fpu.cw, 0x37f);
	CHECK_EQ(c->fpu.empty, 0xff);
	CHECK_EQ(c->mxcsr, 0x1fa0);
	CHECK_EQ(c->ymm[1][0], 0);
	CHECK_EQ(c->ymm[1][31], 0x11);
	/* not asked for: stays */
	c->gpr[REG_AX] = 3;
	put_le64(data + 512, 0);
	CHECK_EQ(RUN(XRSTOR), -1);
	CHECK_EQ(c->ymm[1][31], 0x11);
	put_le64(data + 512, 8);
	CHECK_EQ(RUN(XRSTOR), EXC_GP);
	put_le64(data + 512, 7);
	put_le64(data + 520, 1ull << 63);
	CHECK_EQ(RUN(XRSTOR), EXC_GP);
}

TEST(vzeroupper_outside_64_bit_mode)
{
	start(BITS32);
	prepare_state();
	CHECK_EQ(RUN(0xc5, 0xf8, 0x77), -1);
	CHECK_EQ(c->ymm[7][31], 0);
	CHECK_EQ(c->ymm[7][15], 0x17);
	CHECK_EQ(c->ymm[8][31], 0x18);
	CHECK_EQ(RUN(0xc5, 0xfc, 0x77), -1); /* vzeroall */
	CHECK_EQ(c->ymm[7][15], 0);
	CHECK_EQ(c->ymm[8][31], 0x18);
}

TEST_MAIN()
