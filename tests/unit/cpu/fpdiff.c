/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fpdiff.h"

#include "cpu/x86/sem/sem_fp.h"
#include "native.h"

#include <stdio.h>
#include <stdlib.h>

enum {
	X_CW = 0,
	X_SW = 2,
	X_TW = 4,
	X_MXCSR = 24,
	X_ST = 32,
	X_XMM = 160,
	X_BV = 512,
	X_YMM = 576,
	X_SIZE = 832,
	DATA = 4096,
	DATA_AT = NATIVE_SIZE - 2 * DATA, /* behind it nothing is mapped */
	AT = 0x400
};

static struct flat flat;
static bool seen[OP_COUNT];
static struct mem_space nothing; /* a page walk finds only reserved bits */
static _Alignas(4096) uint8_t data[DATA * 2], start[DATA * 2];

uint64_t
fpdiff_rand(struct fpdiff *d)
{
	/* xorshift64* */
	d->seed ^= d->seed >> 12;
	d->seed ^= d->seed << 25;
	d->seed ^= d->seed >> 27;
	return d->seed * 0x2545f4914f6cdd1dull;
}

bool
fpdiff_setup(enum cpu_bits bits, const char **ret_why)
{
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
		*ret_why = "the host has no AVX2";
		return false;
	}
	if (!nothing.view)
		mem_space_init(&nothing, "nothing", NULL, NULL);
	return native_setup(bits, ret_why);
}

/* ---- random values that hit corners ---- */

static uint32_t
rand_single(struct fpdiff *d)
{
	static const uint32_t edge[] = { 0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000,
		0xff800000, 0x7fc00000, 0x7f800001, 0xffc12345, 0xff812345, 1, 0x807fffff,
		0x00800000, 0x7f7fffff, 0x4f000000, 0xcf000000, 0x4effffff, 0x5f000000, 0x3effffff,
		0x3f000000, 0x4b000001, 0x00ffffff, 0x80800001, 0x34000000 };
	uint64_t r = fpdiff_rand(d);

	if (r % 3 == 0)
		return edge[(r >> 8) % ARRAY_SIZE(edge)];
	if (r % 3 == 1) /* exponents that meet */
		return (uint32_t)((r >> 32 & 0x807fffff) | (120 + (r >> 16) % 16) << 23);
	return (uint32_t)(r >> 32);
}
static uint64_t
rand_double(struct fpdiff *d)
{
	static const uint64_t edge[] = { 0, 1ull << 63, 0x3ff0000000000000, 0xbff0000000000000,
		0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000000, 0x7ff0000000000001,
		0xfff8123456789abc, 0xfff0123456789abc, 1, 0x800fffffffffffff, 0x0010000000000000,
		0x7fefffffffffffff, 0x41dfffffffc00000, 0x41e0000000000000, 0xc1e0000000000000,
		0x43e0000000000000, 0xc3e0000000000000, 0x3fe0000000000000, 0x3fdfffffffffffff,
		0x001fffffffffffff, 0x36a0000000000000, 0x380fffffffffffff, 0x47efffffffffffff };
	uint64_t r = fpdiff_rand(d);

	if (r % 4 == 0)
		return edge[(r >> 8) % ARRAY_SIZE(edge)];
	if (r % 4 == 1)
		return (fpdiff_rand(d) & 0x800fffffffffffff) | (1016 + (r >> 16) % 16) << 52;
	if (r % 4 == 2) /* near the ends of the single range */
		return (fpdiff_rand(d) & 0x800fffffffffffff) |
		       ((r & 0x80 ? 870 : 1145) + (r >> 16) % 12) << 52;
	return fpdiff_rand(d);
}
static uint64_t
rand_int(struct fpdiff *d)
{
	static const uint64_t edge[] = { 0, ~0ull, 0x7f7f7f7f7f7f7f7f, 0x8080808080808080,
		0x7fff7fff80008000, 0x7fffffff80000000, 0x8000000000000000, 0x7fffffffffffffff,
		0x0001000100010001, 0x0102030405060708, 3, 17, 31, 64 };
	uint64_t r = fpdiff_rand(d);

	return r % 4 == 0 ? edge[(r >> 8) % ARRAY_SIZE(edge)] : fpdiff_rand(d);
}
static void
rand_vector(struct fpdiff *d, uint8_t *p, unsigned qwords, enum fpdiff_values v)
{
	for (unsigned i = 0; i < qwords; i++, p += 8) {
		if (v == FPDIFF_SINGLE)
			put_le64(p, rand_single(d) | (uint64_t)rand_single(d) << 32);
		else if (v == FPDIFF_DOUBLE)
			put_le64(p, rand_double(d));
		else if (v == FPDIFF_INT)
			put_le64(p, rand_int(d));
		else
			put_le64(p, fpdiff_rand(d));
	}
}
static void
rand_extended(struct fpdiff *d, uint8_t *p)
{
	static const struct {
		uint64_t m;
		uint16_t se;
	} edge[] = { { 0, 0 }, { 0, 0x8000 }, { 1ull << 63, 0x3fff }, { 1ull << 63, 0xbfff },
		{ 1ull << 63, 0x7fff }, { 1ull << 63, 0xffff }, { 3ull << 62, 0x7fff },
		{ 0x8000000000000001, 0x7fff }, { 0xc000000000000000, 0xffff },
		{ 0xa000000000000000, 0xffff }, { 1, 0 }, { 0x7fffffffffffffff, 0x8000 },
		{ 1ull << 63, 0 }, { 0xc000000000000001, 0 } /* pseudo-denormal */,
		{ 1ull << 63, 1 }, { ~0ull, 0x7ffe }, { ~0ull, 0xfffe }, { 0, 0x4000 },
		{ 0x4000000000000000, 0x3fff } /* unnormal */, { 0, 0x7fff }, { 1, 0x7fff },
		{ 0xffffffffffffffff, 0x403d }, { 1ull << 63, 0x403e }, { 1ull << 63, 0xc03e },
		{ 0xfffe000000000000, 0x400d }, { 1ull << 63, 0x400e },
		{ 0x8000000000000000, 0x401e }, { 0xde0b6b3a763fffff, 0x403a },
		{ 0xde0b6b3a76400000, 0x403a } /* 10^18 */, { 1ull << 63, 0x3ffe },
		{ 0xb504f333f9de6484, 0x3ffd }, { 0xffffffffffffffff, 0x3ffe } };
	uint64_t r = fpdiff_rand(d), m = fpdiff_rand(d);
	uint16_t se;

	memset(p, 0, 16);
	if (r % 3 == 0) {
		put_le64(p, edge[(r >> 8) % ARRAY_SIZE(edge)].m);
		put_le16(p + 8, edge[(r >> 8) % ARRAY_SIZE(edge)].se);
		return;
	}
	switch ((r >> 8) % 4) {
	case 0: se = (uint16_t)(0x3ff0 + (r >> 16) % 32); break;    /* near 1 */
	case 1: se = (uint16_t)(0x3f00 + (r >> 16) % 0x200); break; /* of middle size */
	case 2: se = (uint16_t)((r & 0x800 ? 0x3f6a : 0x3bcd) + (r >> 16) % 66); break; /* tiny */
	default: se = (uint16_t)(r >> 16 & 0x7fff); break;
	}
	if (r & 0x1000)
		m &= ~0ull << (r >> 40) % 64;
	put_le64(p, m | (r & 0x6000 ? 1ull << 63 : 0));
	put_le16(p + 8, se | (r >> 63 ? 0x8000 : 0));
}

/* ---- both states from one ---- */

static void
rand_x87(struct fpdiff *d, uint8_t *x, bool quiet)
{
	uint64_t r = fpdiff_rand(d);
	uint16_t cw = (uint16_t)(0x40 | (r & 0xf00)), flags;

	if ((cw & 0x300) == 0x100)
		cw |= 0x300;
	cw |= quiet || (r & 0x3000) ? 0x3f : r >> 16 & 0x3f;
	/* nothing pending */
	flags = (uint16_t)(r >> 24 & 0x7f & (cw | 0x40));
	if (!(flags & 1))
		flags &= ~0x40;
	put_le16(x + X_CW, cw);
	put_le16(x + X_SW, flags | (r >> 32 & 0x7f00));
	x[X_TW] = r & 0x30000000000 ? 0xff : (uint8_t)(r >> 48);
	if (r & 0x4000000000000000)
		x[X_TW] &= ~(1u << (((r >> 43 & 7) + 7) & 7)); /* room for a push */
	for (unsigned i = 0; i < 8; i++)
		rand_extended(d, x + X_ST + i * 16);
}
static void
rand_state(struct fpdiff *d, struct native_state *s)
{
	uint64_t r = fpdiff_rand(d);
	enum fpdiff_values v = (enum fpdiff_values)(r & 3);
	uint8_t *x = s->xsave;

	memset(x, 0, X_SIZE);
	rand_x87(d, x, false);
	put_le32(x + X_MXCSR,
	    (uint32_t)((r & 0xe07f0000) >> 16 | (r & 0x300 ? 0x1f80 : r >> 40 & 0x1f80)));
	rand_vector(d, x + X_XMM, 32, v);
	rand_vector(d, x + X_YMM, 32, v);
	put_le64(x + X_BV, 7);
	for (unsigned i = 0; i < 16; i++)
		s->gpr[i] = rand_int(d);
	if (r & 0x400) { /* lengths for PCMPESTRx */
		s->gpr[REG_AX] = r >> 20 & 31;
		s->gpr[REG_DX] = -(r >> 25 & 31);
	}
	s->gpr[REG_SP] = NATIVE_BASE + NATIVE_DATA;
	s->gpr[REG_SI] = NATIVE_BASE + DATA_AT + AT + (r & 0x7000 ? 0 : r >> 30 & 15);
	if (d->edge)
		s->gpr[REG_SI] =
		    NATIVE_BASE + DATA_AT + (r & 0x8000 ? 2 * DATA : DATA) - (r >> 30) % 36;
	s->gpr[14] = s->gpr[REG_SI]; /* with REX.B */
	s->gpr[REG_DI] = NATIVE_BASE + DATA_AT + AT + (r >> 50 & 15);
	for (unsigned i = 0; i < 16 && d->bits == BITS32; i++)
		s->gpr[i] = (uint32_t)s->gpr[i];
	s->flags = 0x202 | (r >> 32 & FL_ARITH);
	s->with_fp = 1;
	rand_vector(
	    d, start, sizeof(start) / 8, (r & 0x800) ? v : (enum fpdiff_values)(r >> 60 & 3));
	if (!(r & 0x700))
		rand_extended(d, start + AT);
	memcpy(data, start, sizeof(data));
	memcpy(native_mem(DATA_AT), start, sizeof(start));
}

static void
to_flat(const struct native_state *s, enum cpu_bits bits)
{
	struct cpu *c = &flat.c;
	const uint8_t *x = s->xsave;

	flat_init(&flat, bits, 0);
	flat_map(&flat, NATIVE_BASE + DATA_AT, data, sizeof(data));
	memcpy(c->gpr, s->gpr, sizeof(s->gpr));
	c->gpr[REG_RIP] = NATIVE_BASE + NATIVE_CODE;
	c->space = &nothing;
	c->eflags = FL_IF;
	flags_set_arith(c, (uint32_t)s->flags);
	c->fpu.cw = get_le16(x + X_CW);
	c->fpu.sw = get_le16(x + X_SW) & ~0x3800;
	c->fpu.top = get_le16(x + X_SW) >> 11 & 7;
	c->fpu.empty = (uint8_t)~x[X_TW];
	for (unsigned i = 0; i < 8; i++)
		memcpy(c->fpu.reg[(c->fpu.top + i) & 7], x + X_ST + i * 16, 10);
	c->mxcsr = get_le32(x + X_MXCSR);
	for (unsigned i = 0; i < 16; i++) {
		memcpy(c->ymm[i], x + X_XMM + i * 16, 16);
		memcpy(c->ymm[i] + 16, x + X_YMM + i * 16, 16);
	}
}
/* What the interpreter left, in the layout of the host's. */
static void
from_flat(uint8_t *x)
{
	const struct cpu *c = &flat.c;

	memset(x, 0, X_SIZE);
	put_le16(x + X_CW, c->fpu.cw);
	put_le16(x + X_SW, (uint16_t)(c->fpu.sw | c->fpu.top << 11));
	x[X_TW] = (uint8_t)~c->fpu.empty;
	put_le32(x + X_MXCSR, c->mxcsr);
	for (unsigned i = 0; i < 8; i++)
		memcpy(x + X_ST + i * 16, c->fpu.reg[(c->fpu.top + i) & 7], 10);
	for (unsigned i = 0; i < 16; i++) {
		memcpy(x + X_XMM + i * 16, c->ymm[i], 16);
		memcpy(x + X_YMM + i * 16, c->ymm[i] + 16, 16);
	}
}
/* The host's image without what is not compared: instruction and data pointers (some hosts
 * keep them only for exceptions), and components in their initial state. */
static void
tidy_native(uint8_t *x)
{
	uint64_t bv = get_le64(x + X_BV);

	memset(x + 5, 0, X_MXCSR - 5);
	put_le32(x + X_MXCSR + 4, 0);
	if (!(bv & 1)) {
		put_le32(x, 0x37f);
		x[X_TW] = 0;
		memset(x + X_ST, 0, 128);
	}
	if (!(bv & 2))
		memset(x + X_XMM, 0, 256);
	if (!(bv & 4))
		memset(x + X_YMM, 0, 256);
	for (unsigned i = 0; i < 8; i++)
		memset(x + X_ST + i * 16 + 10, 0, 6);
	memset(x + 416, 0, X_YMM - 416);
}

/* ---- one trial ---- */

static bool
differ(const char *what, uint64_t ours, uint64_t host)
{
	if (ours == host)
		return false;
	printf("# %s: ours %llx, host %llx\n", what, (unsigned long long)ours,
	    (unsigned long long)host);
	return true;
}
static void
print_bytes(const char *what, const uint8_t *p, unsigned n)
{
	printf("# %s", what);
	for (unsigned i = n; i-- > 0;)
		printf(" %02x", p[i]);
	printf("\n");
}
static bool
name_has(const char *part)
{
	return strstr(op_info[flat.in.op].name, part) != NULL;
}
/*
 * Condition codes on which processors differ: a compare with an unmasked exception leaves
 * them (SDM 2 FCOM), AMD's set them; C1 after FFREE is undefined, after FCOMI 0 (AMD: as
 * before).
 */
static uint16_t
vague_codes(uint16_t cw, uint16_t sw)
{
	uint16_t v = 0;

	if ((name_has("com") || name_has("ftst")) && (sw & ~cw & 7))
		v |= 0x4500;
	if (name_has("ffree") || name_has("comi"))
		v |= 0x200;
	return v;
}
/* With overflow or underflow unmasked, inexact is about the result before it was scaled. */
static uint32_t
vague_inexact(uint32_t mxcsr)
{
	uint32_t raised = mxcsr & ~(mxcsr >> 7) & MXCSR_FLAGS;

	if (name_has("dpp") && raised) /* its steps after the one that raises do not happen */
		return MXCSR_FLAGS;
	return raised & (MXCSR_OE | MXCSR_UE) ? MXCSR_PE : 0;
}
static bool
compare_fp(const uint8_t *ours, const uint8_t *host, const uint8_t *before)
{
	char name[16];
	uint32_t m = get_le32(host + X_MXCSR);
	uint16_t sw = get_le16(host + X_SW), vague = vague_codes(get_le16(host), sw);
	bool bad = differ("cw", get_le16(ours), get_le16(host));

	bad |= differ("sw", get_le16(ours + X_SW) & ~vague, sw & ~vague);
	bad |= differ("tw", ours[X_TW], host[X_TW]);
	bad |= differ("mxcsr", get_le32(ours + X_MXCSR) & ~vague_inexact(m), m & ~vague_inexact(m));
	for (unsigned i = 0; i < 40; i++) {
		unsigned at = i < 8    ? X_ST + i * 16
		              : i < 24 ? X_XMM + (i - 8) * 16
		                       : X_YMM + (i - 24) * 16;

		if (memcmp(ours + at, host + at, 16) == 0)
			continue;
		bad = true;
		snprintf(name, sizeof(name), "%s%u ",
		    i < 8    ? "st"
		    : i < 24 ? "xmm"
			     : "ymmh",
		    i < 8 ? i : (i - 8) % 16);
		printf("# differs: %s\n", name);
		print_bytes("before", before + at, 16);
		print_bytes("ours  ", ours + at, 16);
		print_bytes("host  ", host + at, 16);
	}
	return bad;
}
static bool
compare(const struct native_state *s, int ours, int host, const uint8_t *before)
{
	uint8_t mine[X_SIZE], theirs[X_SIZE];
	uint64_t undef = 0;
	uint8_t u = op_info[flat.in.op].flags_undefined;
	bool bad = differ("vector", (uint64_t)ours, (uint64_t)host);

	if (ours == EXC_PF && !name_has("mask") && !name_has("gather"))
		bad |= differ("cr2", flat.c.cr2, NATIVE_BASE + NATIVE_SIZE);

	undef = (u & FLG_C ? FL_CF : 0) | (u & FLG_P ? FL_PF : 0) | (u & FLG_A ? FL_AF : 0) |
	        (u & FLG_Z ? FL_ZF : 0) | (u & FLG_S ? FL_SF : 0) | (u & FLG_O ? FL_OF : 0);
	for (unsigned i = 0; i < 16; i++)
		bad |= differ("gpr", flat.c.gpr[i], s->gpr[i]);
	if (name_has("comi") && (flat.in.flags & INSN_FPU) && (flat.c.fpu.sw & X87_ES))
		undef = FL_ARITH;
	bad |= differ("flags", flags_arith(&flat.c) & ~undef, s->flags & FL_ARITH & ~undef);
	memcpy(theirs, s->xsave, X_SIZE);
	tidy_native(theirs);
	from_flat(mine);
	bad |= compare_fp(mine, theirs, before);
	for (unsigned i = 0; i < sizeof(data); i++) {
		if (data[i] != native_mem(DATA_AT)[i]) {
			bad = differ("memory", data[i], native_mem(DATA_AT)[i]);
			printf("# at %x\n", i);
		}
	}
	return !bad;
}

/*
 * Where processors differ and the manual leaves it open, or was read for one of them: after a
 * stack fault, an unmasked exception or a fault in the middle.  The details were compared with
 * AMD's; elsewhere only whether an exception comes.
 */
static bool
beyond_the_manual(const struct native_state *s, int ours, int host)
{
	if (__builtin_cpu_is("amd"))
		return false;
	if (flat.in.flags & (INSN_FPU | INSN_MMX))
		return host >= 0 || (get_le16(s->xsave + X_SW) & (X87_SF | X87_ES)) ||
		       name_has("fcmov") || name_has("fprem") || name_has("fstp1");
	return host == EXC_PF && name_has("gather");
}
static bool
trial(struct fpdiff *d, const uint8_t *code, unsigned len)
{
	struct native_state *s = native_state();
	uint8_t before[X_SIZE];
	char text[96];
	int ours, host;

	rand_state(d, s);
	if (flat.in.index < 16 && (flat.in.flags & INSN_AVX)) /* VSIB: small indexes */
		for (unsigned i = 0; i < 4; i++) {
			uint8_t *x = s->xsave + (i < 2 ? X_XMM + i * 8 : X_YMM + (i - 2) * 8) +
			             flat.in.index * 16;

			put_le64(
			    x, get_le64(x) & (name_has("gatherd") ? 0x000000ff000000ff : 0xff));
		}
	memcpy(before, s->xsave, X_SIZE);
	to_flat(s, d->bits);
	ours = flat_run(&flat, code, len);
	host = native_run(d->bits, code, len);
	d->ran++;
	d->faults += host >= 0;
	if (!strncmp(op_info[flat.in.op].name, "sha", 3) && ours == EXC_GP)
		return true; /* AMD's processors do not want SHA's operands aligned */
	if (beyond_the_manual(s, ours, host))
		return !differ("vector", (uint64_t)ours, (uint64_t)host);
	if (compare(s, ours, host, before))
		return true;
	insn_disasm(&flat.in, NATIVE_BASE + NATIVE_CODE, text, sizeof(text));
	printf("# %s; cw %x sw %x tw %x mxcsr %x\n", text, get_le16(before), get_le16(before + 2),
	    before[4], get_le32(before + X_MXCSR));
	print_bytes("code (last first)", code, len);
	print_bytes("operand in memory", start + AT, 32);
	for (unsigned i = 0; i < 4; i++)
		if (flat.in.kind[i] == OPD_ST || flat.in.kind[i] == OPD_XMM) {
			unsigned r = flat.in.reg[i];

			print_bytes("reg",
			    before + (flat.in.kind[i] == OPD_ST ? X_ST : X_XMM) + r * 16, 16);
		}
	return false;
}

bool
fpdiff_run(struct fpdiff *d, const uint8_t *code, unsigned len, unsigned want)
{
	struct decode_mode m = { .bits = (uint8_t)d->bits };

	d->status = insn_decode(&flat.in, &m, code, len);
	if (d->status != DECODE_OK || !(flat.in.flags & want))
		return true;
	d->ops++;
	seen[flat.in.op] = true;
	for (unsigned i = 0; i < d->trials; i++) {
		insn_decode(&flat.in, &m, code, len);
		if (!trial(d, code, flat.in.len))
			return false;
	}
	return true;
}

unsigned
fpdiff_unseen(unsigned want, const char *const *except)
{
	unsigned n = 0;

	for (unsigned op = 0; op < OP_COUNT; op++) {
		bool excepted = seen[op] || !(op_info[op].flags & want);

		for (const char *const *e = except; *e && !excepted; e++)
			excepted = strcmp(*e, op_info[op].name) == 0;
		if (!excepted) {
			printf("# never run: %s\n", op_info[op].name);
			n++;
		}
	}
	return n;
}
