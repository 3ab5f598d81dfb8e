/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu/jit/emit.h"

void
emit8(struct emit *e, unsigned v)
{
	if (e->at < e->end)
		e->rw[e->at++] = (uint8_t)v;
	else
		e->full = true;
}

void
emit_bytes(struct emit *e, const void *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		emit8(e, ((const uint8_t *)p)[i]);
}

void
emit16(struct emit *e, unsigned v)
{
	uint16_t le = (uint16_t)v;

	emit_bytes(e, &le, 2);
}

void
emit32(struct emit *e, uint32_t v)
{
	emit_bytes(e, &v, 4);
}

void
emit64(struct emit *e, uint64_t v)
{
	emit_bytes(e, &v, 8);
}

static void
prefixes(struct emit *e, unsigned attr, bool gs)
{
	if (gs)
		emit8(e, 0x65);
	if (attr & EI_66)
		emit8(e, 0x66);
}

static void
rex_opcode(struct emit *e, unsigned attr, unsigned opc, unsigned rxb)
{
	if (rxb || (attr & (EI_W | EI_REX8)))
		emit8(e, 0x40 | rxb | (attr & EI_W ? 8 : 0));
	if (opc > 0xffff)
		emit8(e, opc >> 16);
	if (opc > 0xff)
		emit8(e, opc >> 8 & 0xff);
	emit8(e, opc & 0xff);
}

void
emit_rr(struct emit *e, unsigned attr, unsigned opc, unsigned reg, unsigned rm)
{
	prefixes(e, attr, false);
	rex_opcode(e, attr, opc, (reg >> 3 & 1) << 2 | (rm >> 3 & 1));
	emit8(e, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

void
emit_modrm_mem(struct emit *e, unsigned reg, const struct hmem *m)
{
	unsigned base = m->base & 7, mod, r = (reg & 7) << 3;
	bool sib = m->index != H_NONE || base == 4;

	if (m->base == H_NONE) { /* [index * scale + disp32], or an absolute address */
		emit8(e, r | 4);
		emit8(e, m->scale << 6 | (m->index == H_NONE ? 4u : m->index & 7u) << 3 | 5);
		emit32(e, (uint32_t)m->disp);
		return;
	}
	mod = m->disp == 0 && base != 5 ? 0 : m->disp >= -128 && m->disp < 128 ? 1 : 2;
	emit8(e, mod << 6 | r | (sib ? 4 : base));
	if (sib)
		emit8(e, m->scale << 6 | (m->index == H_NONE ? 4u : m->index & 7u) << 3 | base);
	if (mod == 1)
		emit8(e, (uint8_t)m->disp);
	else if (mod == 2)
		emit32(e, (uint32_t)m->disp);
}

void
emit_rm(struct emit *e, unsigned attr, unsigned opc, unsigned reg, const struct hmem *m)
{
	unsigned rxb = (reg >> 3 & 1) << 2;

	if (m->index != H_NONE)
		rxb |= (m->index >> 3 & 1) << 1;
	if (m->base != H_NONE)
		rxb |= m->base >> 3 & 1;
	prefixes(e, attr, m->gs);
	rex_opcode(e, attr, opc, rxb);
	emit_modrm_mem(e, reg, m);
}

void
emit_mov(struct emit *e, unsigned to, unsigned from)
{
	emit_rr(e, EI_W, 0x8b, to, from);
}

void
emit_mov32(struct emit *e, unsigned to, unsigned from)
{
	emit_rr(e, 0, 0x8b, to, from);
}

void
emit_imm(struct emit *e, unsigned to, uint64_t v)
{
	if (v == (uint32_t)v) {
		if (to >= 8)
			emit8(e, 0x41);
		emit8(e, 0xb8 | (to & 7));
		emit32(e, (uint32_t)v);
	} else if ((int64_t)v == (int32_t)v) {
		emit_rr(e, EI_W, 0xc7, 0, to);
		emit32(e, (uint32_t)v);
	} else {
		emit8(e, to >= 8 ? 0x49 : 0x48);
		emit8(e, 0xb8 | (to & 7));
		emit64(e, v);
	}
}

void
emit_load(struct emit *e, unsigned to, const struct hmem *m)
{
	emit_rm(e, EI_W, 0x8b, to, m);
}

void
emit_store(struct emit *e, unsigned from, const struct hmem *m)
{
	emit_rm(e, EI_W, 0x89, from, m);
}

void
emit_lea(struct emit *e, bool wide, unsigned to, const struct hmem *m)
{
	emit_rm(e, wide ? EI_W : 0, 0x8d, to, m);
}

static void
alu_immediate(struct emit *e, unsigned attr, int32_t v, bool byte)
{
	if (byte)
		emit8(e, (uint8_t)v);
	else if (attr & EI_66)
		emit16(e, (uint16_t)v);
	else
		emit32(e, (uint32_t)v);
}

void
emit_alu_imm(struct emit *e, unsigned attr, unsigned op, unsigned rm, int32_t v)
{
	bool byte = v >= -128 && v < 128;

	emit_rr(e, attr, byte ? 0x83 : 0x81, op, rm);
	alu_immediate(e, attr, v, byte);
}

void
emit_alu_imm_m(struct emit *e, unsigned attr, unsigned op, const struct hmem *m, int32_t v)
{
	bool byte = v >= -128 && v < 128;

	emit_rm(e, attr, byte ? 0x83 : 0x81, op, m);
	alu_immediate(e, attr, v, byte);
}

static uint32_t
displacement(struct emit *e, uint32_t to)
{
	uint32_t at = e->at;

	emit32(e, 0);
	emit_patch(e, at, to);
	return at;
}

uint32_t
emit_jmp(struct emit *e, uint32_t to)
{
	emit8(e, 0xe9);
	return displacement(e, to);
}

uint32_t
emit_jcc(struct emit *e, unsigned cc, uint32_t to)
{
	emit8(e, 0x0f);
	emit8(e, 0x80 | cc);
	return displacement(e, to);
}

uint32_t
emit_call(struct emit *e, uint32_t to)
{
	emit8(e, 0xe8);
	return displacement(e, to);
}

void
emit_patch(struct emit *e, uint32_t rel, uint32_t to)
{
	int32_t d = (int32_t)(to - (rel + 4));

	if (!e->full)
		put_le32(e->rw + rel, (uint32_t)d);
}
