/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * x87 control: initialisation, control and status words, environments (SDM 1 8.1.10,
 * figures 8-9 to 8-12), tags and the stack pointer, WAIT.
 */
#include "cpu/x86/sem/x87_env.h"
#include "cpu/x86/sem/x87.h"

enum { CW_WRITABLE = 0x1f3f, CW_ONE = 0x40, CW_INIT = 0x37f };

void
x87_set_cw(struct cpu *c, uint16_t cw)
{
	c->fpu.cw = (cw & CW_WRITABLE) | CW_ONE;
}
uint16_t
x87_get_sw(const struct cpu *c)
{
	return (uint16_t)(c->fpu.sw | c->fpu.top << 11);
}
void
x87_set_sw(struct cpu *c, uint16_t sw)
{
	c->fpu.top = sw >> 11 & 7;
	c->fpu.sw = (uint16_t)(sw & ~(X87_TOP | X87_B)) | (c->fpu.sw & X87_B);
	x87_update_es(c);
}

void
x87_init(struct cpu *c)
{
	c->fpu.cw = CW_INIT;
	x87_set_sw(c, 0);
	c->fpu.empty = 0xff;
	c->fpu.op = 0;
	c->fpu.ip = c->fpu.dp = 0;
	c->fpu.cs = c->fpu.ds = 0;
}

/* ---- tags: two bits a physical register; all but "empty" is found from the value ---- */

static unsigned
tag_of(const uint8_t *reg)
{
	uint64_t m = get_le64(reg);
	uint16_t exp = get_le16(reg + 8) & 0x7fff;

	if (exp == 0)
		return m ? 2 : 1;
	return exp == 0x7fff || !(m >> 63) ? 2 : 0;
}
static uint16_t
tag_word(const struct cpu *c)
{
	unsigned tw = 0;

	for (unsigned i = 0; i < 8; i++)
		tw |= (c->fpu.empty >> i & 1 ? 3 : tag_of(c->fpu.reg[i])) << i * 2;
	return (uint16_t)tw;
}
static void
set_tag_word(struct cpu *c, uint16_t tw)
{
	c->fpu.empty = 0;
	for (unsigned i = 0; i < 8; i++)
		c->fpu.empty |= (uint8_t)((tw >> i * 2 & 3) == 3) << i;
}

/* ---- environments: 14 or 28 bytes ---- */

enum { ENV16 = 14, ENV32 = 28, ENV_MAX = ENV32, SAVE_MAX = ENV32 + 80 };

static bool
env_is_32(const struct insn *in)
{
	return in->osize >= 2;
}
static unsigned
env_size(const struct insn *in)
{
	return env_is_32(in) ? ENV32 : ENV16;
}
/* Real and V86 mode keep linear addresses. */
static bool
env_is_real(const struct cpu *c)
{
	return !cpu_is_prot(c);
}

static void
env_store16(const struct cpu *c, uint8_t *p)
{
	put_le16(p, c->fpu.cw);
	put_le16(p + 2, x87_get_sw(c));
	put_le16(p + 4, tag_word(c));
	if (env_is_real(c)) {
		uint32_t ip = (uint32_t)c->fpu.ip + c->fpu.cs * 16u;
		uint32_t dp = (uint32_t)c->fpu.dp + c->fpu.ds * 16u;

		put_le16(p + 6, (uint16_t)ip);
		put_le16(p + 8, (uint16_t)((ip >> 4 & 0xf000) | (c->fpu.op & 0x7ff)));
		put_le16(p + 10, (uint16_t)dp);
		put_le16(p + 12, (uint16_t)(dp >> 4 & 0xf000));
	} else {
		put_le16(p + 6, (uint16_t)c->fpu.ip);
		put_le16(p + 8, c->fpu.cs);
		put_le16(p + 10, (uint16_t)c->fpu.dp);
		put_le16(p + 12, c->fpu.ds);
	}
}
static void
env_store32(const struct cpu *c, uint8_t *p)
{
	put_le32(p, 0xffff0000u | c->fpu.cw);
	put_le32(p + 4, 0xffff0000u | x87_get_sw(c));
	put_le32(p + 8, 0xffff0000u | tag_word(c));
	if (env_is_real(c)) {
		uint32_t ip = (uint32_t)c->fpu.ip + c->fpu.cs * 16u;
		uint32_t dp = (uint32_t)c->fpu.dp + c->fpu.ds * 16u;

		put_le32(p + 12, 0xffff0000u | (ip & 0xffff));
		put_le32(p + 16, (ip >> 16) << 12 | (c->fpu.op & 0x7ff));
		put_le32(p + 20, 0xffff0000u | (dp & 0xffff));
		put_le32(p + 24, (dp >> 16) << 12);
	} else {
		put_le32(p + 12, (uint32_t)c->fpu.ip);
		put_le32(p + 16, (uint32_t)(c->fpu.op & 0x7ff) << 16 | c->fpu.cs);
		put_le32(p + 20, (uint32_t)c->fpu.dp);
		put_le32(p + 24, 0xffff0000u | c->fpu.ds);
	}
}
static void
env_store(const struct cpu *c, const struct insn *in, uint8_t *p)
{
	if (env_is_32(in))
		env_store32(c, p);
	else
		env_store16(c, p);
}

static void
env_load_pointers16(struct cpu *c, const uint8_t *p)
{
	if (env_is_real(c)) {
		c->fpu.ip = get_le16(p + 6) | (get_le16(p + 8) & 0xf000u) << 4;
		c->fpu.dp = get_le16(p + 10) | (get_le16(p + 12) & 0xf000u) << 4;
		c->fpu.op = get_le16(p + 8) & 0x7ff;
		c->fpu.cs = c->fpu.ds = 0;
	} else {
		c->fpu.ip = get_le16(p + 6);
		c->fpu.cs = get_le16(p + 8);
		c->fpu.dp = get_le16(p + 10);
		c->fpu.ds = get_le16(p + 12);
	}
}
static void
env_load_pointers32(struct cpu *c, const uint8_t *p)
{
	if (env_is_real(c)) {
		c->fpu.ip = get_le16(p + 12) | (get_le32(p + 16) >> 12 & 0xffff) << 16;
		c->fpu.dp = get_le16(p + 20) | (get_le32(p + 24) >> 12 & 0xffff) << 16;
		c->fpu.op = get_le16(p + 16) & 0x7ff;
		c->fpu.cs = c->fpu.ds = 0;
	} else {
		c->fpu.ip = get_le32(p + 12);
		c->fpu.cs = get_le16(p + 16);
		c->fpu.op = get_le16(p + 18) & 0x7ff;
		c->fpu.dp = get_le32(p + 20);
		c->fpu.ds = get_le16(p + 24);
	}
}
static void
env_load(struct cpu *c, const struct insn *in, const uint8_t *p)
{
	unsigned w = env_is_32(in) ? 4 : 2;

	x87_set_cw(c, get_le16(p));
	x87_set_sw(c, get_le16(p + w));
	set_tag_word(c, get_le16(p + 2 * w));
	if (env_is_32(in))
		env_load_pointers32(c, p);
	else
		env_load_pointers16(c, p);
}

static void
do_fnstenv(struct cpu *c, const struct insn *in)
{
	uint8_t env[ENV_MAX];

	x87_check_nowait(c);
	env_store(c, in, env);
	mem_write_bytes(c, in->seg, insn_ea(c, in), env, env_size(in));
	c->fpu.cw |= X87_FLAGS;
	x87_update_es(c);
}
SEM_ONE(fnstenv)

static void
do_fldenv(struct cpu *c, const struct insn *in)
{
	uint8_t env[ENV_MAX];

	if (!x87_ready(c))
		return;
	mem_read_bytes(c, in->seg, insn_ea(c, in), env, env_size(in));
	env_load(c, in, env);
}
SEM_ONE(fldenv)

static void
do_fnsave(struct cpu *c, const struct insn *in)
{
	uint8_t p[SAVE_MAX];
	unsigned n = env_size(in);

	x87_check_nowait(c);
	env_store(c, in, p);
	for (unsigned i = 0; i < 8; i++)
		memcpy(p + n + i * 10, x87_st(c, i), 10);
	mem_write_bytes(c, in->seg, insn_ea(c, in), p, n + 80);
	x87_init(c);
}
SEM_ONE(fnsave)

static void
do_frstor(struct cpu *c, const struct insn *in)
{
	uint8_t p[SAVE_MAX];
	unsigned n = env_size(in);

	if (!x87_ready(c))
		return;
	mem_read_bytes(c, in->seg, insn_ea(c, in), p, n + 80);
	env_load(c, in, p);
	for (unsigned i = 0; i < 8; i++)
		memcpy(x87_st(c, i), p + n + i * 10, 10);
}
SEM_ONE(frstor)

/* ---- words ---- */

static void
do_fninit(struct cpu *c, const struct insn *in)
{
	x87_check_nowait(c);
	x87_init(c);
}
SEM_ONE(fninit)

static void
do_fnclex(struct cpu *c, const struct insn *in)
{
	x87_check_nowait(c);
	c->fpu.sw &= (uint16_t) ~(X87_FLAGS | X87_SF);
	x87_update_es(c);
}
SEM_ONE(fnclex)

static void
do_fldcw(struct cpu *c, const struct insn *in)
{
	if (!x87_ready(c))
		return;
	x87_set_cw(c, (uint16_t)insn_load(c, in, 2));
	x87_update_es(c);
}
SEM_ONE(fldcw)

static void
do_fnstcw(struct cpu *c, const struct insn *in)
{
	x87_check_nowait(c);
	insn_store(c, in, 2, c->fpu.cw);
}
SEM_ONE(fnstcw)

static void
do_fnstsw(struct cpu *c, const struct insn *in)
{
	x87_check_nowait(c);
	if (in->flags & INSN_MEM)
		insn_store(c, in, 2, x87_get_sw(c));
	else
		reg_set(c, REG_AX, 2, x87_get_sw(c));
}
SEM_ONE(fnstsw)

/* ---- tags and stack pointer ---- */

static void
do_ffree(struct cpu *c, const struct insn *in)
{
	if (!x87_ready(c))
		return;
	x87_note(c, in);
	c->fpu.sw &= (uint16_t)~X87_C1;
	c->fpu.empty |= (uint8_t)(1u << ((c->fpu.top + in->reg[0]) & 7));
}
SEM_ONE(ffree)
static void
do_ffreep(struct cpu *c, const struct insn *in)
{
	if (!x87_ready(c))
		return;
	x87_note(c, in);
	c->fpu.sw &= (uint16_t)~X87_C1;
	c->fpu.empty |= (uint8_t)(1u << ((c->fpu.top + in->reg[0]) & 7));
	x87_pop(c);
}
SEM_ONE(ffreep)
static void
do_fincstp(struct cpu *c, const struct insn *in)
{
	if (!x87_ready(c))
		return;
	x87_note(c, in);
	c->fpu.sw &= (uint16_t)~X87_C1;
	c->fpu.top = (c->fpu.top + 1) & 7;
}
SEM_ONE(fincstp)
static void
do_fdecstp(struct cpu *c, const struct insn *in)
{
	if (!x87_ready(c))
		return;
	x87_note(c, in);
	c->fpu.sw &= (uint16_t)~X87_C1;
	c->fpu.top = (c->fpu.top - 1) & 7;
}
SEM_ONE(fdecstp)

static void
do_fnop(struct cpu *c, const struct insn *in)
{
	if (x87_ready(c))
		x87_note(c, in);
}
SEM_ONE(fnop)
/* FENI, FDISI (8087) and FSETPM (80287): nothing since the 80387. */
static void
do_fneni(struct cpu *c, const struct insn *in)
{
	x87_check_nowait(c);
}
SEM_ONE(fneni)

/* WAIT looks at MP instead of EM (SDM 3A table 2-2). */
static void
do_fwait(struct cpu *c, const struct insn *in)
{
	if ((c->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS))
		cpu_raise(c, EXC_NM);
	if (c->fpu.sw & X87_ES)
		x87_pending(c);
}
SEM_ONE(fwait)
