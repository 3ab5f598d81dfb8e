/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDM volume 2A, 2.1 and 2.3. The decoder has accepted the bytes. */
#include "cpu/jit/raw.h"

static bool
is_prefix(uint8_t b)
{
	return b == 0x66 || b == 0x67 || b == 0x26 || b == 0x2e || b == 0x36 || b == 0x3e ||
	       b == 0x64 || b == 0x65 || b == 0xf0 || b == 0xf2 || b == 0xf3 || (b & 0xf0) == 0x40;
}

static const uint8_t *
prefixes(struct raw *r, enum cpu_bits bits, const uint8_t *p)
{
	for (;; p++) {
		switch (*p) {
		case 0x66: r->pfx66 = true; continue;
		case 0x67:
		case 0x26:
		case 0x2e:
		case 0x36:
		case 0x3e:
		case 0x64:
		case 0x65: continue;
		case 0xf0: r->lock = true; continue;
		case 0xf2: r->f2 = true, r->f3 = false; continue; /* the last one counts */
		case 0xf3: r->f3 = true, r->f2 = false; continue;
		default: break;
		}
		/* a REX that another prefix follows does not count */
		if (bits != BITS64 || (*p & 0xf0) != 0x40 || !is_prefix(p[1]))
			return p;
	}
}

static const uint8_t *
vex(struct raw *r, const uint8_t *p, unsigned *ret_rxb)
{
	unsigned b1 = p[1], b2 = p[0] == 0xc5 ? b1 : p[2];

	r->vex = true;
	r->map = RAW_0F;
	*ret_rxb = (~b1 >> 7 & 1) << 2;
	if (p[0] == 0xc4) {
		*ret_rxb |= (~b1 >> 6 & 1) << 1 | (~b1 >> 5 & 1);
		r->map = (uint8_t)(RAW_0F + (b1 & 31) - 1);
		r->w = b2 >> 7;
	}
	r->vvvv = ~b2 >> 3 & 15;
	r->l = b2 >> 2 & 1;
	r->pp = b2 & 3;
	return p + (p[0] == 0xc5 ? 2 : 3);
}

/* A bit an opcode, a word a row of the opcode maps (SDM 2D, A.3). */
static bool
modrm_follows(const struct raw *r)
{
	static const uint16_t map_1[16] = { 0x0f0f, 0x0f0f, 0x0f0f, 0x0f0f, 0x0000, 0x0000, 0x0a0c,
		0x0000, 0xffff, 0x0000, 0x0000, 0x0000, 0x00f3, 0xff0f, 0x0000, 0xc0c0 };
	static const uint16_t map_0f[16] = { 0xf41f, 0xffff, 0xffff, 0xff00, 0xffff, 0xffff, 0xffff,
		0xff7f, 0x0000, 0xffff, 0xf8f8, 0xffff, 0x00ff, 0xffff, 0xffff, 0xffff };

	if (r->map > RAW_0F)
		return true;
	return (r->map == RAW_1 ? map_1 : map_0f)[r->opc >> 4] >> (r->opc & 15) & 1;
}

static const uint8_t *
skip_address(const struct raw *r, const struct insn *in, unsigned rm, const uint8_t *p)
{
	unsigned mod = r->mod;

	if (mod == 3)
		return p;
	if (in->asize == 1)
		return p + (mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0);
	if (rm == 4) {
		unsigned base = *p++ & 7;

		if (mod == 0 && base == 5)
			return p + 4;
	} else if (mod == 0 && rm == 5) {
		return p + 4;
	}
	return p + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

void
raw_parse(struct raw *r, const struct insn *in, enum cpu_bits bits, const uint8_t *bytes)
{
	const uint8_t *p;
	unsigned rxb = 0;

	*r = (struct raw){ .map = RAW_1 };
	p = prefixes(r, bits, bytes);
	if (bits == BITS64 && (*p & 0xf0) == 0x40) {
		r->rex = true;
		r->w = *p >> 3 & 1;
		rxb = *p++ & 7;
	}
	if (in->prefix & PFX_VEX) {
		p = vex(r, p, &rxb);
		if (bits != BITS64) { /* ignored where there are eight registers */
			rxb = 0;
			r->vvvv &= 7;
		}
	} else if (*p == 0x0f) {
		p++;
		r->map = *p == 0x38 ? RAW_0F38 : *p == 0x3a ? RAW_0F3A : RAW_0F;
		p += r->map != RAW_0F;
	}
	r->opc = *p++;
	r->has_modrm = modrm_follows(r);
	if (r->has_modrm) {
		unsigned m = *p++;

		r->mod = (uint8_t)(m >> 6);
		r->reg = (uint8_t)((m >> 3 & 7) | (rxb >> 2 & 1) << 3);
		r->rm = (uint8_t)((m & 7) | (rxb & 1) << 3);
		p = skip_address(r, in, m & 7, p);
	} else {
		r->rm = (uint8_t)((r->opc & 7) | (rxb & 1) << 3);
	}
	r->imm = p;
	r->imm_len = (uint8_t)(bytes + in->len - p);
}
