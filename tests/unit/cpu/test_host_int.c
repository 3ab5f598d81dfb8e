/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Integer instructions of ours against the host processor: random instructions, registers,
 * flags and memory, the results must be equal but for what the manuals leave undefined.
 *
 * LODGE_TEST_SEED and LODGE_TEST_COUNT change the sequence and its length.
 */
#include "flat.h"
#include "native.h"
#include "tests/unit/test.h"

#include <stdlib.h>

enum { DEFAULT_COUNT = 20000, MAX_REPORTS = 12, EDGE = NATIVE_SIZE - 64 };

struct trial {
	enum cpu_bits bits;
	uint8_t code[16];
	unsigned len;
	struct insn in;
	uint64_t gpr[16];
	uint32_t flags;
	bool edge; /* operands at the end of a 16-bit segment, or non-canonical */
	uint8_t mem[NATIVE_DATA_SIZE];
};

struct outcome {
	int vector;
	bool taken;
	uint64_t gpr[16];
	uint32_t flags;
	uint8_t mem[NATIVE_DATA_SIZE], edge[64];
};

static uint64_t rng_state;

static uint64_t
rnd(void)
{
	uint64_t z = rng_state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static unsigned
pick(unsigned n)
{
	return (unsigned)(rnd() % n);
}

/* Values at which carries, signs and sizes change are as likely as any others. */
static uint64_t
interesting(void)
{
	static const uint64_t edges[] = { 0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff,
		0x10000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
		0x8000000000000000, 0xffffffffffffffff };

	switch (pick(4)) {
	case 0: return edges[pick(ARRAY_SIZE(edges))];
	case 1: return edges[pick(ARRAY_SIZE(edges))] + pick(16) - 8;
	case 2: return rnd() >> pick(64);
	default: return rnd();
	}
}

/* ---- choosing an instruction ---- */

static bool
op_is_ours(const struct insn *in)
{
	static const uint16_t not_user[] = { OP_CLI, OP_STI, OP_PUSHF, OP_POPF, OP_PUSH_SREG,
		OP_POP_SREG, OP_MOV_TO_SREG, OP_MOV_FROM_SREG, OP_FWAIT };
	static const uint16_t although_slow[] = { OP_CMPXCHG8B, OP_CMPXCHG16B };

	for (unsigned i = 0; i < ARRAY_SIZE(not_user); i++)
		if (in->op == not_user[i])
			return false;
	for (unsigned i = 0; i < ARRAY_SIZE(although_slow); i++)
		if (in->op == although_slow[i])
			return true;
	return !(op_info[in->op].flags & (INSN_SLOW | INSN_FPU | INSN_MMX | INSN_SSE | INSN_AVX));
}

/* What the manuals leave undefined and processors do differently. */
static bool
is_undefined(const struct trial *t)
{
	const struct insn *in = &t->in;
	unsigned count = (unsigned)(in->kind[2] == OPD_IMM ? in->imm : t->gpr[REG_CX]) & 31;

	switch (in->op) {
	case OP_SHLD:
	case OP_SHRD: return in->osize == 1 && count >= 16;
	case OP_LOOP:
	case OP_LOOPE:
	case OP_LOOPNE: return in->prefix & (PFX_REP | PFX_REPNE);
	case OP_NOP_HINT:
		return t->code[t->len - 2] == 0x0d; /* 0F 0D with a register: #UD on AMD */
	default: return false;
	}
}

static unsigned
random_prefixes(struct trial *t)
{
	static const uint8_t legacy[] = { 0x66, 0x66, 0x67, 0xf2, 0xf3, 0xf0, 0x2e, 0x26, 0x3e };
	unsigned n = 0;

	while (pick(3) == 0 && n < 3)
		t->code[n++] = legacy[pick(ARRAY_SIZE(legacy))];
	if (t->bits == BITS64 && pick(2))
		t->code[n++] = (uint8_t)(0x40 + pick(16));
	return n;
}

static unsigned
random_opcode(struct trial *t, unsigned n)
{
	unsigned what = pick(16);

	if (what == 0) { /* BMI */
		t->code[n++] = 0xc4;
		t->code[n++] = (uint8_t)((rnd() & 0xe0) | (pick(8) ? 2 : 3));
		t->code[n++] = (uint8_t)(rnd() & 0xfb);
		t->code[n++] = (uint8_t)(0xf0 + pick(8));
		return n;
	}
	if (what < 7)
		t->code[n++] = 0x0f;
	if (what == 1) {
		t->code[n++] = 0x38;
		t->code[n++] = (uint8_t)(0xf0 + pick(8));
		return n;
	}
	t->code[n++] = (uint8_t)rnd();
	return n;
}

/* The bytes after ModRM: random, but often an address in the scratch memory. */
static bool
random_code(struct trial *t)
{
	struct decode_mode m = { .bits = (uint8_t)t->bits };
	unsigned n = random_opcode(t, random_prefixes(t));
	uint64_t at =
	    NATIVE_DATA + 0x800 + pick(0x800) + native_seg_base(BITS16) * (t->bits != BITS16);

	for (unsigned i = n; i < sizeof(t->code); i++)
		t->code[i] = (uint8_t)rnd();
	if (pick(2))
		memcpy(t->code + n, &at, 8);
	else if (pick(4) == 0)
		memcpy(t->code + n + 1, &at, 4);
	if (insn_decode(&t->in, &m, t->code, 15) != DECODE_OK || !op_is_ours(&t->in))
		return false;
	t->len = t->in.len;
	return op_info[t->in.op].modes & (t->bits == BITS64 ? 4 : 2);
}

/* ---- making it harmless ---- */

static uint64_t
data_at(const struct trial *t, unsigned off)
{
	return NATIVE_DATA + off + (t->bits == BITS16 ? 0 : NATIVE_BASE);
}
static uint64_t
code_end(const struct trial *t)
{
	return NATIVE_CODE + t->len + (t->bits == BITS16 ? 0 : NATIVE_BASE);
}

static uint64_t
operand_address(const struct trial *t)
{
	if (t->edge && t->bits == BITS16)
		return NATIVE_SIZE - 1 - pick(20);
	if (t->edge && t->in.asize == 3 && t->in.base != REG_RIP)
		return 1ull << 63 | rnd() >> 8;
	return data_at(t, 0x800 + (pick(0x800) & (pick(2) ? ~15u : ~0u)));
}

/* The displacement follows the ModRM byte. */
static bool
aim_rip(struct trial *t, int32_t disp)
{
	struct decode_mode m = { .bits = (uint8_t)t->bits };
	uint8_t *at = memchr(t->code, t->in.modrm, t->len);
	unsigned op = t->in.op;

	if (!at || at + 5 > t->code + t->len)
		return false;
	memcpy(at + 1, &disp, 4);
	return insn_decode(&t->in, &m, t->code, 15) == DECODE_OK && t->in.op == op &&
	       t->in.disp == disp && t->in.base == REG_RIP;
}

/* Chooses base or index so that the operand lies in scratch memory; false: cannot. */
static bool
aim(struct trial *t)
{
	struct insn *in = &t->in;
	unsigned abits = 8u << in->asize;
	uint64_t ea = operand_address(t), v;

	if (!(in->flags & INSN_MEM))
		return true;
	if (in->op == OP_LEA)
		return in->base != REG_RIP;
	if (in->seg >= SEG_FS || (t->bits == BITS32 && in->asize == 1))
		return false;
	if (in->base == REG_RIP)
		return aim_rip(t, (int32_t)(ea - code_end(t)));
	if (in->base == REG_ZERO && in->index == REG_ZERO) {
		v = (uint64_t)in->disp & bits_mask(abits);
		return v >= data_at(t, 0x400) && v < data_at(t, 0x1c00);
	}
	if (in->base == in->index || (in->base == REG_ZERO && in->scale) ||
	    (in->base == REG_SP && in->index != REG_ZERO)) /* SP itself must stay in there */
		return false;
	v = ea - (uint64_t)in->disp;
	if (in->base == REG_ZERO) {
		t->gpr[in->index] =
		    (t->gpr[in->index] & ~bits_mask(abits)) | (v & bits_mask(abits));
	} else {
		v -= in->index == REG_ZERO ? 0 : t->gpr[in->index] << in->scale;
		t->gpr[in->base] = (t->gpr[in->base] & ~bits_mask(abits)) | (v & bits_mask(abits));
	}
	return true;
}

static void
put_low(uint64_t *r, unsigned bits, uint64_t v)
{
	*r = (*r & ~bits_mask(bits)) | (v & bits_mask(bits));
}

/* Registers that string, stack, division and table instructions use by themselves. */
static void
implied_registers(struct trial *t)
{
	struct insn *in = &t->in;
	unsigned abits = 8u << in->asize;

	put_low(&t->gpr[REG_SP], 64, data_at(t, 0x1000 + pick(0x100)));
	put_low(&t->gpr[REG_BP], 64, data_at(t, 0x1000 + pick(0x100)));
	if (t->edge && (in->op == OP_PUSH || in->op == OP_POP || in->op == OP_PUSH_IMM ||
			   in->op == OP_CALL_REL))
		t->gpr[REG_SP] =
		    t->bits == BITS16 ? NATIVE_SIZE - 1 - pick(10) : 1ull << 63 | rnd() >> 8;
	switch (in->op) {
	case OP_MOVS:
	case OP_CMPS:
	case OP_STOS:
	case OP_LODS:
	case OP_SCAS:
		put_low(&t->gpr[REG_SI], abits, data_at(t, 0x800 + pick(0x800)));
		put_low(&t->gpr[REG_DI], abits, data_at(t, 0x800 + pick(0x800)));
		put_low(&t->gpr[REG_CX], abits, pick(4) ? pick(40) : pick(250));
		break;
	case OP_XLAT: put_low(&t->gpr[REG_BX], abits, data_at(t, 0x800)); break;
	case OP_DIV:
	case OP_IDIV:
		if (pick(4))
			t->gpr[REG_DX] = pick(2) ? 0 : t->gpr[REG_DX] >> (40 + pick(24));
		break;
	default: break;
	}
}

static bool
is_string(const struct insn *in)
{
	return in->op == OP_MOVS || in->op == OP_CMPS || in->op == OP_STOS || in->op == OP_LODS ||
	       in->op == OP_SCAS;
}

/* Puts the displacement of a relative branch, the last `size` bytes. */
static bool
patch(struct trial *t, unsigned size, uint32_t rel)
{
	struct decode_mode m = { .bits = (uint8_t)t->bits };
	uint8_t old[16];
	struct insn in;

	memcpy(old, t->code, sizeof(old));
	memcpy(t->code + t->len - size, &rel, size);
	if (insn_decode(&in, &m, t->code, 15) == DECODE_OK && in.op == t->in.op &&
	    in.len == t->len && in.imm == rel) {
		t->in = in;
		return true;
	}
	memcpy(t->code, old, sizeof(old));
	return false;
}

/* Branch targets: where native_run() put the second exit. */
static bool
aim_branch(struct trial *t)
{
	struct insn *in = &t->in;
	uint64_t target = code_end(t) + NATIVE_TARGET;
	unsigned size = 1u << in->osize;

	if (!(in->flags & INSN_BRANCH))
		return true;
	if (in->prefix & PFX_OPSIZE && t->bits != BITS16)
		return false; /* the target would be cut to 16 bits; in 64-bit code on AMD only */
	if (in->kind[0] == OPD_REL)
		return patch(t, 1, NATIVE_TARGET) || patch(t, 2, NATIVE_TARGET) ||
		       patch(t, 4, NATIVE_TARGET);
	if (in->kind[0] == OPD_REG) {
		put_low(&t->gpr[in->reg[0]], size * 8, target);
		return in->reg[0] != REG_SP;
	} else if (in->kind[0] == OPD_MEM) {
		uint64_t ea = (in->base == REG_RIP       ? code_end(t)
				  : in->base == REG_ZERO ? 0
							 : t->gpr[in->base]) +
		              (in->index == REG_ZERO ? 0 : t->gpr[in->index] << in->scale) +
		              (uint64_t)in->disp;

		ea = (ea & bits_mask(8u << in->asize)) - data_at(t, 0);
		if (ea > NATIVE_DATA_SIZE - 8)
			return false;
		memcpy(t->mem + ea, &target, size);
	} else { /* RET */
		memcpy(t->mem + (t->gpr[REG_SP] - data_at(t, 0)), &target, size);
	}
	return true;
}

static bool
harmless(struct trial *t)
{
	struct insn *in = &t->in;

	if (is_string(in) && (in->seg >= SEG_FS || (t->bits == BITS32 && in->asize == 1)))
		return false;
	if (in->op == OP_XLAT && (in->seg >= SEG_FS || (t->bits == BITS32 && in->asize == 1)))
		return false;
	if (in->op == OP_ENTER && (in->imm & 0xffff) > 0x400)
		return false;
	implied_registers(t);
	if (in->op == OP_BT || in->op == OP_BTS || in->op == OP_BTR || in->op == OP_BTC) {
		if (in->form == FORM_MR) {
			if (t->edge || in->reg[1] == in->base || in->reg[1] == in->index)
				return false;
			t->gpr[in->reg[1]] = (uint64_t)((int64_t)pick(4096) - 2048);
		}
	}
	return aim(t) && aim_branch(t) && !is_undefined(t);
}

static bool
make_trial(struct trial *t)
{
	for (unsigned i = 0; i < 16; i++)
		t->gpr[i] = interesting();
	for (unsigned i = 0; i < sizeof(t->mem); i += 8) {
		uint64_t v = pick(2) ? rnd() : interesting();

		memcpy(t->mem + i, &v, 8);
	}
	t->edge = t->bits != BITS32 && pick(16) == 0;
	if (!random_code(t) || !harmless(t))
		return false;
	if (t->bits != BITS64)
		for (unsigned i = 0; i < 16; i++)
			t->gpr[i] = i < 8 ? (uint32_t)t->gpr[i] : 0;
	t->flags = ((uint32_t)rnd() & FL_ARITH) | FL_IF | FL_R1;
	if (is_string(&t->in) && pick(3) == 0)
		t->flags |= FL_DF;
	return true;
}

/* ---- running it twice ---- */

static void
put_memory(const struct trial *t)
{
	memcpy(native_mem(NATIVE_DATA), t->mem, sizeof(t->mem));
	memset(native_mem(EDGE), 0x5a, NATIVE_SIZE - EDGE);
}

static void
get_memory(struct outcome *o)
{
	memcpy(o->mem, native_mem(NATIVE_DATA), sizeof(o->mem));
	memcpy(o->edge, native_mem(EDGE), sizeof(o->edge));
}

static void
run_ours(const struct trial *t, struct outcome *o)
{
	static struct flat f;
	struct cpu *c = &f.c;

	flat_init(&f, t->bits, native_seg_base(t->bits));
	flat_map(&f, NATIVE_BASE, native_mem(0), NATIVE_SIZE);
	memcpy(c->gpr, t->gpr, sizeof(t->gpr));
	c->gpr[REG_RIP] = code_end(t) - t->len;
	c->eflags = t->flags & ~(uint32_t)FL_ARITH;
	flags_set_arith(c, t->flags);
	put_memory(t);
	o->vector = flat_run(&f, t->code, t->len);
	memcpy(o->gpr, c->gpr, sizeof(o->gpr));
	o->flags = flags_get(c);
	o->taken = c->gpr[REG_RIP] != code_end(t);
	if (o->vector < 0 && o->taken && c->gpr[REG_RIP] != code_end(t) + NATIVE_TARGET)
		o->vector = -3; /* somewhere else */
	get_memory(o);
}

static void
run_host(const struct trial *t, struct outcome *o)
{
	struct native_state *s = native_state();

	memcpy(s->gpr, t->gpr, sizeof(t->gpr));
	s->flags = t->flags;
	put_memory(t);
	o->vector = native_run(t->bits, t->code, t->len);
	memcpy(o->gpr, s->gpr, sizeof(o->gpr));
	o->flags = (uint32_t)s->flags;
	o->taken = s->taken;
	get_memory(o);
}

/* ---- comparing ---- */

static bool
is_shift(const struct insn *in)
{
	static const uint16_t shifts[] = { OP_ROL, OP_ROR, OP_RCL, OP_RCR, OP_SHL, OP_SHR, OP_SAR,
		OP_SHLD, OP_SHRD };

	for (unsigned i = 0; i < ARRAY_SIZE(shifts); i++)
		if (in->op == shifts[i])
			return true;
	return false;
}

static bool
host_is_amd(void)
{
#if defined(__x86_64__)
	return __builtin_cpu_is("amd");
#else
	return false;
#endif
}

static uint32_t
undefined_flags(const struct trial *t)
{
	static const uint16_t bit[] = { FL_CF, FL_PF, FL_AF, FL_ZF, FL_SF, FL_OF };
	uint32_t mask = 0;

	for (unsigned i = 0; i < 6; i++)
		if (op_info[t->in.op].flags_undefined >> i & 1)
			mask |= bit[i];
	/* OF of shifts by more than one: ours do as AMD's processors */
	if (is_shift(&t->in) && !host_is_amd())
		mask |= FL_OF;
	return mask;
}

static const char *
difference(const struct trial *t, const struct outcome *a, const struct outcome *b)
{
	uint64_t mask = t->bits == BITS64 ? UINT64_MAX : UINT32_MAX;

	if (a->vector != b->vector)
		return "vector";
	for (unsigned i = 0; i < (t->bits == BITS64 ? 16 : 8); i++)
		if ((a->gpr[i] ^ b->gpr[i]) & mask)
			return "register";
	if (a->vector < 0 && a->taken != b->taken)
		return "branch";
	if (a->vector < 0 && (a->flags ^ b->flags) & (FL_ARITH | FL_DF) & ~undefined_flags(t))
		return "flags";
	return memcmp(a->mem, b->mem, sizeof(a->mem)) || memcmp(a->edge, b->edge, sizeof(a->edge))
	           ? "memory"
	           : NULL;
}

static void
report(const struct trial *t, const struct outcome *ours, const struct outcome *host,
    const char *what, unsigned n)
{
	char text[128];

	insn_disasm(&t->in, 0, text, sizeof(text));
	printf("# trial %u, %u bits: %s differs: %s  [", n, 16u << t->bits, what, text);
	for (unsigned i = 0; i < t->len; i++)
		printf("%02x", t->code[i]);
	printf("]\n#   vector %d/%d flags %x -> %x/%x taken %d/%d\n", ours->vector, host->vector,
	    t->flags, ours->flags & 0xcd5, host->flags & 0xcd5, ours->taken, host->taken);
	for (unsigned i = 0; i < 16; i++)
		if (ours->gpr[i] != host->gpr[i] || t->gpr[i] != host->gpr[i])
			printf("#   r%u: %llx -> %llx/%llx\n", i, (unsigned long long)t->gpr[i],
			    (unsigned long long)ours->gpr[i], (unsigned long long)host->gpr[i]);
}

static uint64_t
env_number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);

	return s ? strtoull(s, NULL, 0) : otherwise;
}

static void
compare_with_host(enum cpu_bits bits)
{
	static struct trial t;
	static struct outcome ours, host;
	static uint32_t seen[OP_COUNT];
	unsigned count = (unsigned)env_number("LODGE_TEST_COUNT", DEFAULT_COUNT), done = 0, bad = 0;
	unsigned ops = 0;
	const char *why;

	if (!native_setup(bits, &why))
		SKIP(why);
	rng_state = env_number("LODGE_TEST_SEED", 1) * 4 + bits;
	memset(seen, 0, sizeof(seen));
	t.bits = bits;
	while (done < count) {
		const char *what;

		if (!make_trial(&t))
			continue;
		done++;
		seen[t.in.op]++;
		run_ours(&t, &ours);
		run_host(&t, &host);
		what = difference(&t, &ours, &host);
		if (what && ++bad <= MAX_REPORTS)
			report(&t, &ours, &host, what, done);
	}
	for (unsigned i = 0; i < OP_COUNT; i++)
		ops += seen[i] != 0;
	printf("# %u-bit: %u trials, %u operations, %u differences, seed %llu\n", 16u << bits,
	    count, ops, bad, (unsigned long long)env_number("LODGE_TEST_SEED", 1));
	CHECK_EQ(bad, 0);
	CHECK(count < DEFAULT_COUNT || ops > 120);
}

TEST(integer_instructions_equal_host_64)
{
	compare_with_host(BITS64);
}

TEST(integer_instructions_equal_host_32)
{
	compare_with_host(BITS32);
}

TEST(integer_instructions_equal_host_16)
{
	compare_with_host(BITS16);
}

TEST_MAIN()
