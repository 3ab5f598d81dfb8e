/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every kind of memory access at every offset around a page boundary, with the second page
 * being good, absent, read-only, the supervisor's, a device's or one with code.  An access
 * that succeeds must do what it does in the middle of a page; one that faults must change
 * nothing and say so as the manual wants (SDM 3A 4.7, 4.8).
 */
#include "tests/unit/cpu/pm.h"

#include "cpu/mmu/mmu.h"

enum {
	PAGE1 = 0x100000,
	PAGE2 = 0x101000,
	MIDDLE = PAGE1 + 0x800, /* where the reference is made */
	DEVICE = 0x3f0000,
	TABLES = 0x22000, /* of long mode: PML4, PDPT, PD, two PTs */
	MAX_SIZE = 32,
	AROUND = 40, /* bytes that are looked at on both sides */
	PTE_A = 0x20,
	PTE_D = 0x40
};

enum kind { GOOD, ABSENT, READ_ONLY, SUPER, IO, CODE, NKINDS };
/* Which register has the address; SP: it is pushed to, or popped from */
enum where { BX, DI, SI, PUSH, POP };
enum { R = 1, W = 2, RW = 3, ONLY32 = 4, ONLY64 = 8, NATIVE = 16 /* 8 bytes in 64-bit mode */ };

static const struct access {
	const char *name;
	uint8_t len, code[5], size, how;
	enum where where;
} accesses[] = {
	{ "mov al, m", 2, { 0x8a, 0x03 }, 1, R, BX },
	{ "mov ax, m", 3, { 0x66, 0x8b, 0x03 }, 2, R, BX },
	{ "mov eax, m", 2, { 0x8b, 0x03 }, 4, R, BX },
	{ "mov rax, m", 3, { 0x48, 0x8b, 0x03 }, 8, R | ONLY64, BX },
	{ "movzx eax, m16", 3, { 0x0f, 0xb7, 0x03 }, 2, R, BX },
	{ "cmp m, eax", 2, { 0x39, 0x03 }, 4, R, BX },
	{ "add eax, m", 2, { 0x03, 0x03 }, 4, R, BX },
	{ "imul eax, m", 3, { 0x0f, 0xaf, 0x03 }, 4, R, BX },
	{ "cmove eax, m", 3, { 0x0f, 0x44, 0x03 }, 4, R, BX },
	{ "movq mm0, m", 3, { 0x0f, 0x6f, 0x03 }, 8, R, BX },
	{ "movss xmm0, m", 4, { 0xf3, 0x0f, 0x10, 0x03 }, 4, R, BX },
	{ "movsd xmm0, m", 4, { 0xf2, 0x0f, 0x10, 0x03 }, 8, R, BX },
	{ "movups xmm0, m", 3, { 0x0f, 0x10, 0x03 }, 16, R, BX },
	{ "vmovups ymm0, m", 4, { 0xc5, 0xfc, 0x10, 0x03 }, 32, R | ONLY64, BX },
	{ "vpaddd ymm0, ymm1, m", 4, { 0xc5, 0xf5, 0xfe, 0x03 }, 32, R | ONLY64, BX },
	{ "fld m32", 2, { 0xd9, 0x03 }, 4, R, BX },
	{ "fld m64", 2, { 0xdd, 0x03 }, 8, R, BX },
	{ "fld m80", 2, { 0xdb, 0x2b }, 10, R, BX },
	{ "lods", 1, { 0xad }, 4, R, SI },
	{ "scas", 1, { 0xaf }, 4, R, DI },
	{ "pop eax", 1, { 0x58 }, 4, R | NATIVE, POP },
	{ "popa", 1, { 0x61 }, 32, R | ONLY32, POP },
	{ "mov m, al", 2, { 0x88, 0x03 }, 1, W, BX },
	{ "mov m, ah", 2, { 0x88, 0x23 }, 1, W, BX },
	{ "mov m, ax", 3, { 0x66, 0x89, 0x03 }, 2, W, BX },
	{ "mov m, eax", 2, { 0x89, 0x03 }, 4, W, BX },
	{ "mov m, rax", 3, { 0x48, 0x89, 0x03 }, 8, W | ONLY64, BX },
	{ "movnti m, eax", 3, { 0x0f, 0xc3, 0x03 }, 4, W, BX },
	{ "sete m", 3, { 0x0f, 0x94, 0x03 }, 1, W, BX },
	{ "movq m, mm0", 3, { 0x0f, 0x7f, 0x03 }, 8, W, BX },
	{ "movss m, xmm0", 4, { 0xf3, 0x0f, 0x11, 0x03 }, 4, W, BX },
	{ "movups m, xmm0", 3, { 0x0f, 0x11, 0x03 }, 16, W, BX },
	{ "vmovups m, ymm0", 4, { 0xc5, 0xfc, 0x11, 0x03 }, 32, W | ONLY64, BX },
	{ "fst m64", 2, { 0xdd, 0x13 }, 8, W, BX },
	{ "fstp m80", 2, { 0xdb, 0x3b }, 10, W, BX },
	{ "fistp m16", 2, { 0xdf, 0x1b }, 2, W, BX },
	{ "fnstcw m", 2, { 0xd9, 0x3b }, 2, W, BX },
	{ "stos", 1, { 0xab }, 4, W, DI },
	{ "push eax", 1, { 0x50 }, 4, W | NATIVE, PUSH },
	{ "push ax", 2, { 0x66, 0x50 }, 2, W, PUSH },
	{ "pushf", 1, { 0x9c }, 4, W | NATIVE, PUSH },
	{ "call", 5, { 0xe8 }, 4, W | NATIVE, PUSH },
	{ "pusha", 1, { 0x60 }, 32, W | ONLY32, PUSH },
	{ "add m, al", 2, { 0x00, 0x03 }, 1, RW, BX },
	{ "add m, ax", 3, { 0x66, 0x01, 0x03 }, 2, RW, BX },
	{ "add m, eax", 2, { 0x01, 0x03 }, 4, RW, BX },
	{ "add m, rax", 3, { 0x48, 0x01, 0x03 }, 8, RW | ONLY64, BX },
	{ "lock add m, eax", 3, { 0xf0, 0x01, 0x03 }, 4, RW, BX },
	{ "lock add m, rax", 4, { 0xf0, 0x48, 0x01, 0x03 }, 8, RW | ONLY64, BX },
	{ "lock xadd m, eax", 4, { 0xf0, 0x0f, 0xc1, 0x03 }, 4, RW, BX },
	{ "xchg m, eax", 2, { 0x87, 0x03 }, 4, RW, BX },
	{ "cmpxchg m, ecx", 3, { 0x0f, 0xb1, 0x0b }, 4, RW, BX },
	{ "lock cmpxchg8b m", 4, { 0xf0, 0x0f, 0xc7, 0x0b }, 8, RW, BX },
	{ "inc m", 2, { 0xff, 0x03 }, 4, RW, BX },
	{ "shl m, 1", 2, { 0xd1, 0x23 }, 4, RW, BX },
	{ "not m16", 3, { 0x66, 0xf7, 0x13 }, 2, RW, BX },
	{ "bts m, edx", 3, { 0x0f, 0xab, 0x13 }, 4, RW, BX },
};

struct rig {
	struct pm p;
	unsigned bits, cpl; /* 32, 64 */
	struct seg seg[NSEG];
	uint64_t pte1, pte2; /* where */
	unsigned dev_reads, dev_writes;
	uint8_t dev[4096];
};

struct outcome {
	int vector; /* -1: done */
	uint64_t gpr[16], rip, cr2;
	uint32_t error, flags;
	struct x87 fpu;
	uint8_t ymm[2][32], mem[2 * AROUND]; /* from PAGE2 - AROUND */
	uint8_t at[MAX_SIZE];
	uint8_t ad1, ad2;
};

static uint64_t
dev_read(void *ctx, uint64_t off, unsigned size)
{
	struct rig *r = ctx;

	r->dev_reads++;
	return get_le(r->dev + off, size);
}

static void
dev_write(void *ctx, uint64_t off, unsigned size, uint64_t val)
{
	struct rig *r = ctx;

	r->dev_writes++;
	put_le(r->dev + off, size, val);
}

static const struct mem_io dev_io = {
	.read = dev_read, .write = dev_write, .access_min = 1, .access_max = 8
};

/* ---- setting up ---- */

static void
tables64(struct rig *r)
{
	struct tinyvm *v = &r->p.v;

	tinyvm_w64(v, TABLES, (TABLES + 0x1000) | 7);
	tinyvm_w64(v, TABLES + 0x1000, (TABLES + 0x2000) | 7);
	tinyvm_w64(v, TABLES + 0x2000, (TABLES + 0x3000) | 7);
	tinyvm_w64(v, TABLES + 0x2008, (TABLES + 0x4000) | 7);
	for (unsigned i = 0; i < 1024; i++)
		tinyvm_w64(v, TABLES + 0x3000 + i * 8, (uint64_t)i << 12 | 7);
	r->p.c->cr3 = TABLES;
	r->pte1 = TABLES + 0x3000 + (PAGE1 >> 12) * 8;
	r->pte2 = r->pte1 + 8;
}

static void
rig_init(struct rig *r, unsigned bits, unsigned cpl)
{
	static const uint8_t nop = 0x90;
	struct cpu *c;

	memset(r, 0, sizeof(*r));
	r->bits = bits;
	r->cpl = cpl;
	pm_init(&r->p, "default");
	c = r->p.c;
	mem_region_map(mem_space_add_io(&r->p.v.mem, "device", &dev_io, r, 4096, 1), DEVICE);
	if (bits == 64) {
		pm_start64(&r->p, cpl, &nop, 1);
		tables64(r);
	} else {
		pm_start(&r->p, cpl, &nop, 1);
		pm_paging(&r->p);
		r->pte1 = PM_PT + (PAGE1 >> 12) * 4;
		r->pte2 = r->pte1 + 4;
	}
	c->cr0 |= CR0_WP;
	c->cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_OSXSAVE;
	c->xcr0 = 7;
	tlb_flush_all(c);
	cpu_mode_derive(c);
	memcpy(r->seg, c->seg, sizeof(r->seg));
}

static uint8_t *
ram(struct rig *r, uint64_t gpa)
{
	return r->p.c->arena->base + gpa;
}

static void
map(struct rig *r, enum kind k)
{
	static const uint64_t entry[NKINDS] = { [GOOD] = PAGE2 | 7,
		[READ_ONLY] = PAGE2 | 5,
		[SUPER] = PAGE2 | 3,
		[IO] = DEVICE | 7,
		[CODE] = PAGE2 | 7 };

	tinyvm_w32(&r->p.v, r->pte1, PAGE1 | 7);
	tinyvm_w32(&r->p.v, r->pte2, (uint32_t)entry[k]);
	tlb_flush_all(r->p.c);
}

static void
set_state(struct rig *r, uint64_t rip)
{
	struct cpu *c = r->p.c;

	memcpy(c->seg, r->seg, sizeof(r->seg));
	c->cpl = (uint8_t)r->cpl;
	c->halted = false;
	c->eflags = FL_R1;
	flags_set_arith(c, FL_ZF | FL_CF);
	for (unsigned i = 0; i < 16; i++)
		c->gpr[i] = 0x1111111111111111u * i + (r->bits == 32 ? 0 : 5ull << 40);
	if (r->bits == 32)
		for (unsigned i = 0; i < 16; i++)
			c->gpr[i] = i < 8 ? (uint32_t)c->gpr[i] : 0;
	c->gpr[REG_AX] = 0x81a2c3;
	c->gpr[REG_DX] = 5;
	c->gpr[REG_SP] = r->cpl ? PM_STACK3 : PM_STACK0;
	c->gpr[REG_RIP] = rip;
	c->fpu = (struct x87){ .cw = 0x37f, .empty = 0x3f, .top = 6 };
	for (unsigned i = 0; i < 8; i++) {
		put_le(c->fpu.reg[i], 8, 0xc000000000000000u + i);
		put_le(c->fpu.reg[i] + 8, 2, 0x4003);
	}
	for (unsigned i = 0; i < sizeof(c->ymm); i++)
		c->ymm[i / 32][i % 32] = (uint8_t)(i * 3);
	c->cr2 = 0;
	cpu_mode_derive(c);
}

/* Something at PAGE2 + 30h has been executed, so that the page is one with code. */
static void
make_code(struct rig *r)
{
	static const uint8_t code[] = { 0x90, 0x90, 0x90, 0xf4 };

	tinyvm_load(&r->p.v, PAGE2 + 0x30, code, sizeof(code));
	for (unsigned i = 0; i < 4; i++) {
		set_state(r, PAGE2 + 0x30);
		(void)pm_run(&r->p);
	}
}

static unsigned
size_of(const struct rig *r, const struct access *a)
{
	return r->bits == 64 && a->how & NATIVE ? 8 : a->size;
}

static void
fill(struct rig *r, uint64_t at, unsigned size)
{
	uint8_t b[2 * AROUND];

	memset(ram(r, MIDDLE - AROUND), 0x5a, 2 * AROUND);
	memset(b, 0x5a, sizeof(b));
	memset(r->dev, 0x5a, sizeof(r->dev));
	for (unsigned i = 0; i < size; i++) {
		uint8_t v = (uint8_t)(0x3f - i * 7);

		if (at + AROUND >= PAGE2)
			b[at + i - (PAGE2 - AROUND)] = v;
		else
			*ram(r, at + i) = v;
	}
	memcpy(r->dev, b + AROUND, AROUND);
	tinyvm_load(&r->p.v, PAGE2 - AROUND, b, sizeof(b));
}

/* ---- one access ---- */

static const uint8_t address_reg[] = { REG_BX, REG_DI, REG_SI, REG_SP, REG_SP };

static void
take(struct rig *r, const struct access *a, uint64_t at, enum kind k, struct outcome *o)
{
	struct cpu *c = r->p.c;

	memcpy(o->gpr, c->gpr, sizeof(o->gpr));
	o->flags = flags_get(c);
	o->cr2 = c->cr2;
	o->fpu = c->fpu;
	memcpy(o->ymm, c->ymm, sizeof(o->ymm));
	memcpy(o->mem, ram(r, PAGE2 - AROUND), sizeof(o->mem));
	if (k == IO)
		memcpy(o->mem + AROUND, r->dev, AROUND);
	for (unsigned i = 0; i < size_of(r, a); i++)
		o->at[i] =
		    at + AROUND < PAGE2 ? *ram(r, at + i) : o->mem[at + i - (PAGE2 - AROUND)];
	o->ad1 = (uint8_t)(tinyvm_r32(&r->p.v, r->pte1) & (PTE_A | PTE_D));
	o->ad2 = (uint8_t)(tinyvm_r32(&r->p.v, r->pte2) & (PTE_A | PTE_D));
}

/* All registers before it; the address of the access is `at`. */
static void
aim(struct rig *r, const struct access *a, uint64_t at)
{
	set_state(r, PM_CODE);
	r->p.c->gpr[address_reg[a->where]] = at + (a->where == PUSH ? size_of(r, a) : 0);
}

static void
run(struct rig *r, const struct access *a, uint64_t at, enum kind k, struct outcome *o)
{
	struct cpu *c = r->p.c;

	memset(o, 0, sizeof(*o));
	aim(r, a, at);
	r->dev_reads = r->dev_writes = 0;
	o->vector = pm_run(&r->p);
	if (o->vector >= 0) {
		unsigned has = o->vector == EXC_PF || o->vector == EXC_GP;

		o->error = has ? pm_stack(&r->p, 0) : 0;
		o->rip = pm_stack(&r->p, has);
		if (r->cpl == 3 && o->vector == EXC_GP && o->rip - PM_CODE == a->len)
			o->vector = -1; /* it was the HLT */
		if (r->cpl == 3)
			c->gpr[REG_SP] = pm_stack(&r->p, has + 3);
		else
			c->gpr[REG_SP] = PM_STACK0;
	}
	take(r, a, at, k, o);
}

/* ---- what must come out ---- */

/* The error code of the page fault that is due, or -1. */
static int
due(const struct rig *r, const struct access *a, uint64_t at, enum kind k)
{
	unsigned base = (a->how & W) | (r->cpl ? PF_U : 0);

	if (at + size_of(r, a) <= PAGE2)
		return -1;
	switch (k) {
	case ABSENT: return (int)base;
	case READ_ONLY: return a->how & W ? (int)(base | PF_P) : -1;
	case SUPER: return r->cpl ? (int)(base | PF_P) : -1;
	default: return -1;
	}
}

/* PUSHA, POPA: eight accesses, in an order that is theirs */
static bool
is_many(const struct access *a)
{
	return a->code[0] == 0x60 || a->code[0] == 0x61;
}

static bool
right_cr2(const struct access *a, uint64_t at, uint64_t cr2)
{
	if (is_many(a))
		return cr2 >= PAGE2 && cr2 < at + a->size;
	return cr2 == (at < PAGE2 ? PAGE2 : at);
}

static const char *
wrong_fault(const struct access *a, const struct outcome *o, const struct outcome *before,
    uint64_t at, int error)
{
	if (o->vector != EXC_PF)
		return "no page fault";
	if (o->error != (uint32_t)error)
		return "error code";
	if (!right_cr2(a, at, o->cr2))
		return "CR2";
	if (o->rip != PM_CODE)
		return "RIP";
	if (memcmp(o->mem, before->mem, sizeof(o->mem)) != 0)
		return "memory changed";
	if (memcmp(o->gpr, before->gpr, sizeof(o->gpr)) != 0)
		return "a register changed";
	if ((o->flags ^ before->flags) & FL_ARITH)
		return "flags changed";
	if (o->fpu.top != before->fpu.top || o->fpu.empty != before->fpu.empty)
		return "x87 stack changed";
	if (memcmp(o->ymm, before->ymm, sizeof(o->ymm)) != 0)
		return "a vector register changed";
	return o->ad2 ? "A or D of the page that faulted" : NULL;
}

/* FL_* of what the instruction leaves undefined: the host's own may be another choice. */
static uint32_t
undefined_flags(const struct rig *r, const struct access *a)
{
	static const uint16_t fl[] = { FL_CF, FL_PF, FL_AF, FL_ZF, FL_SF, FL_OF };
	static const uint8_t flg[] = { FLG_C, FLG_P, FLG_A, FLG_Z, FLG_S, FLG_O };
	struct decode_mode m = { .bits = r->bits == 64 ? BITS64 : BITS32 };
	uint8_t code[16] = { 0 };
	uint32_t undefined = 0;
	struct insn in;

	memcpy(code, a->code, a->len);
	if (insn_decode(&in, &m, code, sizeof(code)) != DECODE_OK)
		return 0;
	for (unsigned i = 0; i < ARRAY_SIZE(fl); i++)
		if (op_info[in.op].flags_undefined & flg[i])
			undefined |= fl[i];
	return undefined;
}

static const char *
wrong_registers(const struct rig *r, const struct access *a, const struct outcome *o,
    const struct outcome *ref, uint64_t moved)
{
	for (unsigned i = 0; i < 16; i++)
		if (o->gpr[i] != ref->gpr[i] + (i == address_reg[a->where] ? moved : 0))
			return "registers";
	if ((o->flags ^ ref->flags) & FL_ARITH & ~undefined_flags(r, a))
		return "flags";
	for (unsigned i = 0; i < 8; i++) /* ten bytes are the register */
		if (memcmp(o->fpu.reg[i], ref->fpu.reg[i], 10) != 0)
			return "x87 registers";
	if (o->fpu.sw != ref->fpu.sw)
		return "x87 status";
	if (memcmp(o->ymm, ref->ymm, sizeof(o->ymm)) != 0)
		return "vector registers";
	return NULL;
}

static uint8_t
want_ad(const struct access *a, bool touched)
{
	return touched ? (uint8_t)(PTE_A | (a->how & W ? PTE_D : 0)) : 0;
}

static const char *
wrong_result(const struct rig *r, const struct access *a, const struct outcome *o,
    const struct outcome *ref, const struct outcome *before, uint64_t at)
{
	const uint64_t lo = PAGE2 - AROUND;
	unsigned size = size_of(r, a);

	if (o->vector != -1)
		return "a fault";
	if (wrong_registers(r, a, o, ref, at - MIDDLE))
		return wrong_registers(r, a, o, ref, at - MIDDLE);
	if (!is_many(a) /* SP is in it */ && memcmp(o->at, ref->at, size) != 0)
		return "bytes in memory";
	for (unsigned i = 0; i < 2 * AROUND; i++)
		if (o->mem[i] != before->mem[i] && (lo + i < at || lo + i >= at + size))
			return "bytes beside it changed";
	if (o->ad1 != want_ad(a, at < PAGE2) || o->ad2 != want_ad(a, at + size > PAGE2))
		return "A and D bits";
	if ((r->dev_reads && !(a->how & R)) || (r->dev_writes && !(a->how & W)))
		return "device accesses";
	return NULL;
}

static bool
check_one(
    struct rig *r, const struct access *a, uint64_t at, enum kind k, const struct outcome *ref)
{
	static const char *const kinds[] = { "good", "absent", "read-only", "supervisor", "device",
		"code" };
	struct outcome o, before;
	const char *wrong;
	int error = due(r, a, at, k);

	map(r, k == CODE ? GOOD : k);
	if (k == CODE)
		make_code(r);
	map(r, k);
	fill(r, at, size_of(r, a));
	aim(r, a, at);
	take(r, a, at, k, &before);
	run(r, a, at, k, &o);
	wrong = error >= 0 ? wrong_fault(a, &o, &before, at, error)
	                   : wrong_result(r, a, &o, ref, &before, at);
	if (wrong)
		test_fail(__FILE__, __LINE__,
		    "%u bits CPL %u: %s at boundary %+d, second page %s: %s"
		    " (vector %d error %x cr2 %llx A/D %x %x)",
		    r->bits, r->cpl, a->name, (int)(at - PAGE2), kinds[k], wrong, o.vector, o.error,
		    (unsigned long long)o.cr2, o.ad1, o.ad2);
	return !wrong;
}

static bool
applies(const struct rig *r, const struct access *a)
{
	if ((a->how & ONLY32 && r->bits == 64) || (a->how & ONLY64 && r->bits == 32))
		return false;
	if (a->code[0] == 0xc5 && !model_has(r->p.c->model, FEAT_AVX2))
		return false;
	return a->where < PUSH || r->cpl == 3; /* a frame needs a good stack */
}

static void
all_accesses(unsigned bits, unsigned cpl)
{
	static struct rig r;
	struct outcome ref;
	unsigned bad = 0;

	rig_init(&r, bits, cpl);
	for (unsigned i = 0; i < ARRAY_SIZE(accesses) && bad < 10; i++) {
		const struct access *a = &accesses[i];
		uint8_t code[6];

		if (!applies(&r, a))
			continue;
		memcpy(code, a->code, a->len);
		code[a->len] = 0xf4;
		tinyvm_load(&r.p.v, PM_CODE, code, a->len + 1u);
		map(&r, GOOD);
		fill(&r, MIDDLE, size_of(&r, a));
		run(&r, a, MIDDLE, GOOD, &ref);
		if (ref.vector != -1)
			test_fail(__FILE__, __LINE__, "%s: vector %d", a->name, ref.vector);
		for (unsigned k = GOOD; k < NKINDS; k++)
			for (uint64_t at = PAGE2 - 33; at <= PAGE2 + 1 && bad < 10; at++)
				bad += !check_one(&r, a, at, (enum kind)k, &ref);
	}
	pm_fini(&r.p);
}

TEST(at_page_boundaries_in_32_bit_mode_cpl_0)
{
	all_accesses(32, 0);
}

TEST(at_page_boundaries_in_32_bit_mode_cpl_3)
{
	all_accesses(32, 3);
}

TEST(at_page_boundaries_in_64_bit_mode_cpl_0)
{
	all_accesses(64, 0);
}

TEST(at_page_boundaries_in_64_bit_mode_cpl_3)
{
	all_accesses(64, 3);
}

TEST_MAIN()
