/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Register numbers are positions in the target description, so one table makes both.
 * The features org.gnu.gdb.i386.* need the registers and the order that gdb's manual
 * gives (appendix G.5.6, "i386 Features").
 */
#include "vm/gdb_regs.h"

#include "base/bits.h"
#include "base/buf.h"
#include "cpu/model.h"
#include "cpu/x86/flags.h"
#include "cpu/x86/sys.h"

enum kind {
	K_GPR,
	K_RIP,
	K_FLAGS,
	K_SEG,
	K_ST,
	K_FPCTL,
	K_XMM,
	K_MXCSR,
	K_YMMH,
	K_BASE,
	K_CR,
	K_EFER
};
enum fpctl { FP_CW, FP_SW, FP_TAG, FP_ISEG, FP_IOFF, FP_OSEG, FP_OOFF, FP_OP };

struct reg {
	const char *name, *type;
	uint8_t bits, kind, n;
	uint8_t when;        /* W_* */
	const char *feature; /* starts here, NULL: goes on */
	const char *group;
};

/* In which descriptions a register is. */
enum { W_32 = 1, W_64 = 2, W_ALL = 3, W_AVX = 4 /* only with AVX */ };

#define CORE "org.gnu.gdb.i386.core"

/* clang-format off */
#define XMM(i, w) { "xmm" #i, "vec128", 128, K_XMM, i, w, i ? NULL : "org.gnu.gdb.i386.sse", NULL }
#define YMM(i, w) { "ymm" #i "h", "uint128", 128, K_YMMH, i, w | W_AVX, i ? NULL : "org.gnu.gdb.i386.avx", NULL }
#define ST(i)     { "st" #i, "i387_ext", 80, K_ST, i, W_ALL, NULL, NULL }
#define FP(name, i) { name, "int", 32, K_FPCTL, i, W_ALL, NULL, "float" }
#define SEG(name, i) { name, "int32", 32, K_SEG, i, W_ALL, NULL, NULL }
#define R64(name, i) { name, "int64", 64, K_GPR, i, W_64, NULL, NULL }
#define R32(name, i) { name, "int32", 32, K_GPR, i, W_32, NULL, NULL }

static const struct reg regs[] = {
	{ "eax", "int32", 32, K_GPR, REG_AX, W_32, CORE, NULL },
	R32("ecx", REG_CX), R32("edx", REG_DX), R32("ebx", REG_BX),
	{ "esp", "data_ptr", 32, K_GPR, REG_SP, W_32, NULL, NULL },
	{ "ebp", "data_ptr", 32, K_GPR, REG_BP, W_32, NULL, NULL },
	R32("esi", REG_SI), R32("edi", REG_DI),
	{ "eip", "code_ptr", 32, K_RIP, 0, W_32, NULL, NULL },
	{ "rax", "int64", 64, K_GPR, REG_AX, W_64, CORE, NULL },
	R64("rbx", REG_BX), R64("rcx", REG_CX), R64("rdx", REG_DX), R64("rsi", REG_SI), R64("rdi", REG_DI),
	{ "rbp", "data_ptr", 64, K_GPR, REG_BP, W_64, NULL, NULL },
	{ "rsp", "data_ptr", 64, K_GPR, REG_SP, W_64, NULL, NULL },
	R64("r8", 8), R64("r9", 9), R64("r10", 10), R64("r11", 11),
	R64("r12", 12), R64("r13", 13), R64("r14", 14), R64("r15", 15),
	{ "rip", "code_ptr", 64, K_RIP, 0, W_64, NULL, NULL },
	{ "eflags", "i386_eflags", 32, K_FLAGS, 0, W_ALL, NULL, NULL },
	SEG("cs", SEG_CS), SEG("ss", SEG_SS), SEG("ds", SEG_DS), SEG("es", SEG_ES), SEG("fs", SEG_FS), SEG("gs", SEG_GS),
	ST(0), ST(1), ST(2), ST(3), ST(4), ST(5), ST(6), ST(7),
	FP("fctrl", FP_CW), FP("fstat", FP_SW), FP("ftag", FP_TAG), FP("fiseg", FP_ISEG),
	FP("fioff", FP_IOFF), FP("foseg", FP_OSEG), FP("fooff", FP_OOFF), FP("fop", FP_OP),
	XMM(0, W_ALL), XMM(1, W_ALL), XMM(2, W_ALL), XMM(3, W_ALL), XMM(4, W_ALL), XMM(5, W_ALL), XMM(6, W_ALL), XMM(7, W_ALL),
	XMM(8, W_64), XMM(9, W_64), XMM(10, W_64), XMM(11, W_64), XMM(12, W_64), XMM(13, W_64), XMM(14, W_64), XMM(15, W_64),
	{ "mxcsr", "i386_mxcsr", 32, K_MXCSR, 0, W_ALL, NULL, "vector" },
	YMM(0, W_ALL), YMM(1, W_ALL), YMM(2, W_ALL), YMM(3, W_ALL), YMM(4, W_ALL), YMM(5, W_ALL), YMM(6, W_ALL), YMM(7, W_ALL),
	YMM(8, W_64), YMM(9, W_64), YMM(10, W_64), YMM(11, W_64), YMM(12, W_64), YMM(13, W_64), YMM(14, W_64), YMM(15, W_64),
	{ "fs_base", "int64", 64, K_BASE, SEG_FS, W_64, "org.gnu.gdb.i386.segments", NULL },
	{ "gs_base", "int64", 64, K_BASE, SEG_GS, W_64, NULL, NULL },
	{ "cr0", "int64", 64, K_CR, 0, W_ALL, "org.lodge.system", "system" },
	{ "cr2", "int64", 64, K_CR, 2, W_ALL, NULL, "system" },
	{ "cr3", "int64", 64, K_CR, 3, W_ALL, NULL, "system" },
	{ "cr4", "int64", 64, K_CR, 4, W_ALL, NULL, "system" },
	{ "efer", "int64", 64, K_EFER, 0, W_ALL, NULL, "system" },
};
/* clang-format on */

static bool
has(const struct cpu *c, const struct reg *r)
{
	unsigned mode = model_has(c->model, FEAT_LM) ? W_64 : W_32;

	if ((r->when & W_AVX) && !model_has(c->model, FEAT_AVX))
		return false;
	return r->when & mode;
}

static const struct reg *
find(const struct cpu *c, unsigned n)
{
	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++)
		if (has(c, &regs[i]) && n-- == 0)
			return &regs[i];
	return NULL;
}

unsigned
gdb_regs_count(const struct cpu *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++)
		n += has(c, &regs[i]);
	return n;
}

unsigned
gdb_regs_size(const struct cpu *c, unsigned n)
{
	const struct reg *r = find(c, n);

	return r ? r->bits / 8u : 0;
}

/* The tag word of FNSTENV: 0 valid, 1 zero, 2 special, 3 empty, by physical register. */
static uint16_t
tag_word(const struct x87 *f)
{
	uint16_t tags = 0;

	for (unsigned i = 0; i < 8; i++) {
		uint16_t exp = get_le16(f->reg[i] + 8) & 0x7fff;
		uint64_t frac = get_le64(f->reg[i]);
		unsigned tag = 0;

		if (f->empty >> i & 1)
			tag = 3;
		else if (!exp && !frac)
			tag = 1;
		else if (!exp || exp == 0x7fff || !(frac >> 63))
			tag = 2;
		tags |= (uint16_t)(tag << (i * 2));
	}
	return tags;
}

static uint64_t
read_fpctl(const struct x87 *f, unsigned n)
{
	switch (n) {
	case FP_CW: return f->cw;
	case FP_SW: return (f->sw & ~0x3800u) | (unsigned)(f->top & 7) << 11;
	case FP_TAG: return tag_word(f);
	case FP_ISEG: return f->cs;
	case FP_IOFF: return (uint32_t)f->ip;
	case FP_OSEG: return f->ds;
	case FP_OOFF: return (uint32_t)f->dp;
	default: return f->op;
	}
}

void
gdb_regs_read(const struct cpu *c, unsigned n, uint8_t ret_val[GDB_REG_BYTES])
{
	const struct reg *r = find(c, n);
	uint64_t v = 0;

	memset(ret_val, 0, GDB_REG_BYTES);
	if (!r)
		return;
	switch (r->kind) {
	case K_GPR: v = c->gpr[r->n]; break;
	case K_RIP: v = c->gpr[REG_RIP]; break;
	case K_FLAGS: v = flags_get(c); break;
	case K_SEG: v = c->seg[r->n].sel; break;
	case K_BASE: v = c->seg[r->n].base; break;
	case K_FPCTL: v = read_fpctl(&c->fpu, r->n); break;
	case K_MXCSR: v = c->mxcsr; break;
	case K_CR: v = r->n == 0 ? c->cr0 : r->n == 2 ? c->cr2 : r->n == 3 ? c->cr3 : c->cr4; break;
	case K_EFER: v = c->msr.efer; break;
	case K_ST: memcpy(ret_val, c->fpu.reg[(c->fpu.top + r->n) & 7], 10); return;
	case K_XMM: memcpy(ret_val, c->ymm[r->n], 16); return;
	case K_YMMH: memcpy(ret_val, c->ymm[r->n] + 16, 16); return;
	}
	put_le64(ret_val, r->bits == 32 ? (uint32_t)v : v);
}

static void
write_fpctl(struct x87 *f, unsigned n, uint64_t v)
{
	switch (n) {
	case FP_CW: f->cw = (uint16_t)v; break;
	case FP_SW:
		f->sw = (uint16_t)(v & ~0x3800u);
		f->top = v >> 11 & 7;
		break;
	case FP_TAG:
		for (unsigned i = 0; i < 8; i++)
			f->empty =
			    (uint8_t)((f->empty & ~(1u << i)) | ((v >> (i * 2) & 3) == 3) << i);
		break;
	case FP_ISEG: f->cs = (uint16_t)v; break;
	case FP_IOFF: f->ip = (uint32_t)v; break;
	case FP_OSEG: f->ds = (uint16_t)v; break;
	case FP_OOFF: f->dp = (uint32_t)v; break;
	default: f->op = (uint16_t)(v & 0x7ff); break;
	}
}

static void
write_flags(struct cpu *c, uint32_t v)
{
	const uint32_t may = FL_TF | FL_IF | FL_DF | FL_IOPL | FL_NT | FL_RF | FL_AC | FL_ID;

	c->eflags = (c->eflags & ~may) | (v & may);
	flags_set_arith(c, v);
	cpu_mode_derive(c);
}

static void
write_seg(struct cpu *c, unsigned seg, uint16_t sel)
{
	if (sel != c->seg[seg].sel && (cpu_is_real(c) || cpu_is_v86(c))) {
		seg_load_real(c, seg, sel);
		cpu_mode_derive(c);
	}
}

void
gdb_regs_write(struct cpu *c, unsigned n, const uint8_t val[GDB_REG_BYTES])
{
	const struct reg *r = find(c, n);
	uint64_t v = get_le64(val);

	if (!r)
		return;
	if (r->bits == 32)
		v = (uint32_t)v;
	switch (r->kind) {
	case K_GPR: c->gpr[r->n] = v; break;
	case K_RIP: c->gpr[REG_RIP] = v; break;
	case K_FLAGS: write_flags(c, (uint32_t)v); break;
	case K_SEG: write_seg(c, r->n, (uint16_t)v); break;
	case K_BASE:
		c->seg[r->n].base = v;
		cpu_seg_derive(c, r->n);
		break;
	case K_FPCTL: write_fpctl(&c->fpu, r->n, v); break;
	case K_MXCSR: c->mxcsr = (uint32_t)v & 0xffff; break;
	case K_ST: memcpy(c->fpu.reg[(c->fpu.top + r->n) & 7], val, 10); break;
	case K_XMM: memcpy(c->ymm[r->n], val, 16); break;
	case K_YMMH: memcpy(c->ymm[r->n] + 16, val, 16); break;
	default: break; /* control registers */
	}
}

/* ---- the description ---- */

static const char vector_types[] =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
    "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
    "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
    "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" "
    "type=\"v2d\"/>"
    "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
    "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
    "<field name=\"uint128\" type=\"uint128\"/></union>";

static void
put_bits(struct buf *out, const char *id, const char *const *names, unsigned n)
{
	buf_printf(out, "<flags id=\"%s\" size=\"4\">", id);
	for (unsigned i = 0; i < n; i++)
		if (names[i])
			buf_printf(
			    out, "<field name=\"%s\" start=\"%u\" end=\"%u\"/>", names[i], i, i);
	buf_printf(out, "</flags>");
}

static void
put_types(struct buf *out, const char *feature)
{
	static const char *const eflags[] = { "CF", "", "PF", NULL, "AF", NULL, "ZF", "SF", "TF",
		"IF", "DF", "OF", NULL, NULL, "NT", NULL, "RF", "VM", "AC", "VIF", "VIP", "ID" };
	static const char *const mxcsr[] = { "IE", "DE", "ZE", "OE", "UE", "PE", "DAZ", "IM", "DM",
		"ZM", "OM", "UM", "PM", NULL, NULL, "FZ" };

	if (!strcmp(feature, CORE))
		put_bits(out, "i386_eflags", eflags, ARRAY_SIZE(eflags));
	if (strcmp(feature, "org.gnu.gdb.i386.sse"))
		return;
	buf_printf(out, "%s", vector_types);
	put_bits(out, "i386_mxcsr", mxcsr, ARRAY_SIZE(mxcsr));
}

void
gdb_regs_xml(const struct cpu *c, struct buf *out)
{
	bool open = false;

	buf_printf(out,
	    "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
	    "<target><architecture>%s</architecture>",
	    model_has(c->model, FEAT_LM) ? "i386:x86-64" : "i386");
	for (unsigned i = 0; i < ARRAY_SIZE(regs); i++) {
		const struct reg *r = &regs[i];

		if (!has(c, r))
			continue;
		if (r->feature) {
			buf_printf(
			    out, "%s<feature name=\"%s\">", open ? "</feature>" : "", r->feature);
			put_types(out, r->feature);
			open = true;
		}
		buf_printf(
		    out, "<reg name=\"%s\" bitsize=\"%u\" type=\"%s\"", r->name, r->bits, r->type);
		if (r->group)
			buf_printf(out, " group=\"%s\"", r->group);
		buf_printf(out, "/>");
	}
	buf_printf(out, "</feature></target>");
}
