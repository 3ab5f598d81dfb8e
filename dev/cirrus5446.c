/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cirrus Logic CL-GD5446 PCI graphics accelerator with 4 MiB: CL-GD5446 Technical
 * Reference Manual.  A VGA (dev/vga.h) with packed-pixel modes, banked and linear
 * access, a hardware cursor and the BitBLT engine (cirrus_blt.c).
 *
 * BAR0 is 32 MiB: four views of video memory (plain, bytes swapped in words, in
 * doublewords, plain) and from 16 MiB on the port for BitBLT data.  The whole is a
 * register region; as long as plain accesses mean plain memory, video memory itself is
 * laid over its start, which is what makes drawing through it fast.
 *
 * Left out: the video overlay, the EEPROM, the feature connector; no monitor answers
 * on the DDC lines.
 */
#include "dev/cirrus5446.h"

#include "base/bits.h"
#include "dev/bus/pci.h"
#include "dev/types.h"
#include "host/display/display.h"

/* ---- derived state ---- */

static unsigned
pixel_bits(const struct cirrus *c)
{
	switch (c->seq[SR_MODE] & 0x0e) {
	case 0x00: return 8;
	case 0x02:
	case 0x06: return (c->hidden_dac & 0x0f) == 0x01 ? 16 : 15;
	case 0x04: return 24;
	case 0x08: return 32;
	default: return 8;
	}
}

/* The packed-pixel picture that the CRTC and the extensions describe. */
static void
update_picture(struct cirrus *c)
{
	struct vga *v = &c->vga;
	unsigned ext = c->crtc[CR_EXT_DISPLAY], start, repeat;

	/* The tables of vgabios-cirrus (SeaBIOS) leave the screen off in these modes. */
	v->ignore_screen_off = c->seq[SR_MODE] & SR7_EXTENDED;
	if (!(c->seq[SR_MODE] & SR7_EXTENDED) || !(v->gfx[6] & VGA_GR6_GRAPHICS)) {
		v->linear.bits = 0;
		return;
	}
	start = v->crtc[0x0c] << 8 | v->crtc[0x0d] | (ext & 0x01) << 16 | (ext & 0x0c) << 15 |
	        (c->crtc[CR_EXT_START] & 0x80) << 12;
	repeat = ((v->crtc[9] & 0x1f) + 1) * (v->crtc[9] & 0x80 ? 2 : 1);
	v->linear.bits = (uint8_t)pixel_bits(c);
	v->linear.width = (v->crtc[1] + 1u) * 8;
	v->linear.height = vga_regs_vdisplay(v);
	if (c->crtc[CR_EXT_MISC] & 1)
		v->linear.height *= 2; /* interlaced: the CRTC counts one field */
	v->linear.height = v->linear.height >= repeat ? v->linear.height / repeat : 1;
	v->linear.stride = (v->crtc[0x13] | (ext & 0x10) << 4) * 8u;
	v->linear.base = (start * 4) & (CIRRUS_VRAM - 1);
}

static bool
extended_writes(const struct cirrus *c)
{
	if (c->gfx[GR_EXT] & GRB_BY_8)
		return true;
	return (c->gfx[GR_EXT] & GRB_WRITE_MODES) && (c->gfx[5] & 4);
}

/* Video memory lies over the linear window while that is plain memory. */
static void
update_overlay(struct dev *d)
{
	struct cirrus *c = d->state;
	uint32_t bar = get_le32(d->pci_config + 0x10) & ~(LFB_BYTES - 1);
	bool plain =
	    c->blt.busy == BLT_IDLE && !extended_writes(c) &&
	    (c->seq[SR_CONFIG] & (SR17_MMIO | SR17_MMIO_AT_END)) != (SR17_MMIO | SR17_MMIO_AT_END);
	uint64_t want = DEV_UNMAPPED;

	if (plain && (d->pci_config[4] & 2) && bar && bar != ~(LFB_BYTES - 1))
		want = bar;
	if (want == c->overlay)
		return;
	c->overlay = want;
	d->env->map(d, R_VRAM, want);
}

/* ---- BitBLT registers ---- */

static uint32_t
gfx_bytes(const struct cirrus *c, unsigned index, unsigned n)
{
	return (uint32_t)get_le(c->gfx + index, n);
}

/* Foreground (first = 1) and background (0) colours are spread over GR0..GR15h. */
static uint32_t
blt_color(const struct cirrus *c, unsigned first)
{
	return c->gfx[first] | (uint32_t)c->gfx[0x10 + first] << 8 |
	       (uint32_t)c->gfx[0x12 + first] << 16 | (uint32_t)c->gfx[0x14 + first] << 24;
}

static void
blt_status(struct cirrus *c)
{
	c->gfx[GR_BLT_STATUS] &= ~(BLT_STATUS_BUSY | BLT_STATUS_START);
	if (c->blt.busy != BLT_IDLE)
		c->gfx[GR_BLT_STATUS] |= BLT_STATUS_BUSY | BLT_STATUS_START;
}

static void
blt_start(struct dev *d)
{
	struct cirrus *c = d->state;
	struct cirrus_blt *b = &c->blt;

	if (!c->vga.vram)
		return;
	b->width = (gfx_bytes(c, GR_BLT_WIDTH, 2) & 0x1fff) + 1;
	b->height = (gfx_bytes(c, GR_BLT_HEIGHT, 2) & 0x7ff) + 1;
	b->dst_pitch = gfx_bytes(c, GR_BLT_DST_PITCH, 2) & 0x1fff;
	b->src_pitch = gfx_bytes(c, GR_BLT_SRC_PITCH, 2) & 0x1fff;
	b->dst = gfx_bytes(c, GR_BLT_DST, 3) & 0x3fffff;
	b->src = gfx_bytes(c, GR_BLT_SRC, 3) & 0x3fffff;
	b->mode = c->gfx[GR_BLT_MODE];
	b->ext = c->gfx[GR_BLT_EXT];
	b->rop = c->gfx[GR_BLT_ROP];
	b->skip = c->gfx[GR_BLT_SKIP];
	b->key = (uint16_t)gfx_bytes(c, GR_BLT_KEY, 2);
	b->fg = blt_color(c, 1);
	b->bg = blt_color(c, 0);
	/* Solid fills are pattern fills with expansion whose pattern is not looked at. */
	if ((b->mode & (BLT_PATTERN | BLT_EXPAND)) != (BLT_PATTERN | BLT_EXPAND))
		b->ext &= ~BLT_SOLID;
	cirrus_blt_start(b, c->vga.vram, CIRRUS_VRAM);
	blt_status(c);
	update_overlay(d);
}

static void
write_blt_status(struct dev *d, uint8_t val)
{
	struct cirrus *c = d->state;
	uint8_t was = c->gfx[GR_BLT_STATUS];

	c->gfx[GR_BLT_STATUS] =
	    (uint8_t)((val & ~BLT_STATUS_BUSY) | (was & (BLT_STATUS_BUSY | BLT_STATUS_START)));
	if (val & BLT_STATUS_RESET) {
		c->blt.busy = BLT_IDLE;
		blt_status(c);
		update_overlay(d);
	} else if ((val & BLT_STATUS_START) && !(was & BLT_STATUS_START)) {
		blt_start(d);
	}
}

void
cirrus_blt_data(struct dev *d, uint8_t val)
{
	struct cirrus *c = d->state;

	cirrus_blt_put(&c->blt, c->vga.vram, CIRRUS_VRAM, val);
	if (c->blt.busy == BLT_IDLE) {
		blt_status(c);
		update_overlay(d);
	}
}

uint8_t
cirrus_blt_fetch(struct dev *d)
{
	struct cirrus *c = d->state;
	uint8_t val = cirrus_blt_get(&c->blt, c->vga.vram, CIRRUS_VRAM);

	if (c->blt.busy == BLT_IDLE) {
		blt_status(c);
		update_overlay(d);
	}
	return val;
}

/* ---- sequencer ---- */

static bool
unlocked(const struct cirrus *c)
{
	return c->seq[SR_UNLOCK] == UNLOCKED;
}

/* The low bits of the cursor's position are in the index: 10h, 30h, 50h... */
static unsigned
seq_index(const struct cirrus *c)
{
	return c->vga.seq_index & 0x1f;
}

static uint8_t
read_seq(struct cirrus *c)
{
	unsigned i = seq_index(c);

	switch (i) {
	case SR_CURSOR_X: return (uint8_t)(c->cursor_x >> 3);
	case SR_CURSOR_Y: return (uint8_t)(c->cursor_y >> 3);
	case SR_DDC: /* open-drain lines that nobody else pulls */
		return (uint8_t)((c->seq[i] & 0x43) | (c->seq[i] & 1) << 2 | (c->seq[i] & 2) << 6);
	default: break;
	}
	return i < VGA_NSEQ ? vga_regs_read(&c->vga, 0x3c5) : c->seq[i];
}

static void
write_seq(struct dev *d, uint8_t val)
{
	struct cirrus *c = d->state;
	unsigned i = seq_index(c), low = c->vga.seq_index >> 5;

	if (i == SR_UNLOCK) {
		c->seq[i] = (val & 0x17) == UNLOCKED ? UNLOCKED : LOCKED;
		return;
	}
	if (i < VGA_NSEQ) {
		c->seq[i] = val; /* SR2 has eight bits for the extended write modes */
		vga_regs_write(&c->vga, 0x3c5, val);
		return;
	}
	if (!unlocked(c))
		return;
	if (i == SR_CURSOR_X)
		c->cursor_x = (uint16_t)(val << 3 | low);
	else if (i == SR_CURSOR_Y)
		c->cursor_y = (uint16_t)(val << 3 | low);
	else if (i == SR_CONFIG) /* bits 5-3: the bus strapped, PCI */
		c->seq[i] = (c->seq[i] & 0x38) | (val & 0xc7);
	else
		c->seq[i] = val;
	update_overlay(d);
}

/* ---- graphics controller ---- */

static uint8_t
read_gfx(struct cirrus *c, unsigned i)
{
	/* GR0, GR1 and GR5 have more bits than the VGA's. */
	if (i == 0 || i == 1 || i == 5)
		return c->gfx[i];
	if (i < VGA_NGFX)
		return c->vga.gfx[i];
	return i < NGFX ? c->gfx[i] : 0xff;
}

static void
write_gfx(struct dev *d, unsigned i, uint8_t val)
{
	struct cirrus *c = d->state;

	if (i < VGA_NGFX) {
		uint8_t index = c->vga.gfx_index;

		c->gfx[i] = val;
		c->vga.gfx_index = (uint8_t)i;
		vga_regs_write(&c->vga, 0x3cf, val);
		c->vga.gfx_index = index;
	} else if (i < NGFX && unlocked(c)) {
		if (i == GR_BLT_STATUS) {
			write_blt_status(d, val);
		} else {
			c->gfx[i] = val;
			if (i == GR_BLT_DST + 2 && (c->gfx[GR_BLT_STATUS] & BLT_STATUS_AUTO))
				blt_start(d);
		}
	}
	update_overlay(d);
}

/* The BitBLT registers in memory, by offset: index of the graphics register. */
static const uint8_t mmio_gfx[0x41] = {
	[0x00] = 0x00,
	[0x01] = 0x10,
	[0x02] = 0x12,
	[0x03] = 0x14,
	[0x04] = 0x01,
	[0x05] = 0x11,
	[0x06] = 0x13,
	[0x07] = 0x15,
	[0x08] = 0x20,
	[0x09] = 0x21,
	[0x0a] = 0x22,
	[0x0b] = 0x23,
	[0x0c] = 0x24,
	[0x0d] = 0x25,
	[0x0e] = 0x26,
	[0x0f] = 0x27,
	[0x10] = 0x28,
	[0x11] = 0x29,
	[0x12] = 0x2a,
	[0x14] = 0x2c,
	[0x15] = 0x2d,
	[0x16] = 0x2e,
	[0x17] = 0x2f,
	[0x18] = 0x30,
	[0x1a] = 0x32,
	[0x1b] = 0x33,
	[0x1c] = 0x34,
	[0x1d] = 0x35,
	[0x20] = 0x38,
	[0x21] = 0x39,
	[0x40] = 0x31,
};

uint8_t
cirrus_mmio_read(struct cirrus *c, unsigned off)
{
	if (off >= ARRAY_SIZE(mmio_gfx) || (off && !mmio_gfx[off]))
		return 0xff;
	return read_gfx(c, mmio_gfx[off]);
}

void
cirrus_mmio_write(struct dev *d, unsigned off, uint8_t val)
{
	if (off < ARRAY_SIZE(mmio_gfx) && (!off || mmio_gfx[off]))
		write_gfx(d, mmio_gfx[off], val);
}

/* ---- CRTC ---- */

static uint8_t
read_crtc(struct cirrus *c)
{
	unsigned i = c->vga.crtc_index;

	switch (i) {
	case 0x22: return c->vga.latch[c->vga.gfx[4] & 3];
	case 0x24: return (uint8_t)(c->vga.attr_is_data << 7);
	case 0x26: return c->vga.attr_index & 0x3f;
	case CR_ID: return ID_5446;
	default: break;
	}
	if (i < VGA_NCRTC)
		return vga_regs_read(&c->vga, c->vga.misc & VGA_MISC_COLOR ? 0x3d5 : 0x3b5);
	return i < NCRTC ? c->crtc[i] : 0xff;
}

static void
write_crtc(struct cirrus *c, unsigned port, uint8_t val)
{
	unsigned i = c->vga.crtc_index;

	if (i < VGA_NCRTC)
		vga_regs_write(&c->vga, port, val);
	else if (i < NCRTC && i != CR_ID && unlocked(c))
		c->crtc[i] = val;
}

/* ---- look-up table: the hidden register and the cursor's colours ---- */

static uint8_t *
cursor_color(struct cirrus *c, unsigned index)
{
	if (!(c->seq[SR_CURSOR] & SR12_CURSOR_COLORS) || ((index & 15) != 0 && (index & 15) != 15))
		return NULL;
	return c->cursor_color[index & 1];
}

static uint8_t
read_dac(struct cirrus *c, unsigned port)
{
	struct vga *v = &c->vga;
	uint8_t *color;

	if (port == 0x3c6) {
		if (c->hidden_dac_reads == 4) {
			c->hidden_dac_reads = 0;
			return c->hidden_dac;
		}
		c->hidden_dac_reads++;
		return vga_regs_read(v, port);
	}
	c->hidden_dac_reads = 0;
	color = port == 0x3c9 ? cursor_color(c, v->dac_read_index) : NULL;
	if (color) {
		uint8_t val = color[v->dac_step];

		(void)vga_regs_read(v, port); /* steps on */
		return val;
	}
	return vga_regs_read(v, port);
}

static void
write_dac(struct cirrus *c, unsigned port, uint8_t val)
{
	struct vga *v = &c->vga;
	uint8_t *color;

	if (port == 0x3c6 && c->hidden_dac_reads == 4) {
		c->hidden_dac = val;
		c->hidden_dac_reads = 0;
		return;
	}
	c->hidden_dac_reads = 0;
	color = port == 0x3c9 ? cursor_color(c, v->dac_write_index) : NULL;
	if (color) {
		color[v->dac_step] = val & 0x3f;
		if (++v->dac_step == 3) {
			v->dac_step = 0;
			v->dac_write_index++;
		}
		return;
	}
	vga_regs_write(v, port, val);
}

/* ---- ports ---- */

static uint8_t
port_read(struct dev *d, unsigned port)
{
	struct cirrus *c = d->state;
	bool color = c->vga.misc & VGA_MISC_COLOR;

	switch (port) {
	case 0x3c5: return read_seq(c);
	case 0x3c6:
	case 0x3c7:
	case 0x3c8:
	case 0x3c9: return read_dac(c, port);
	case 0x3cf: return read_gfx(c, c->vga.gfx_index);
	case 0x3b5:
	case 0x3d5:
		if (color == (port == 0x3d5))
			return read_crtc(c);
		return 0xff;
	default: return vga_regs_read(&c->vga, port);
	}
}

static void
port_write(struct dev *d, unsigned port, uint8_t val)
{
	struct cirrus *c = d->state;
	bool color = c->vga.misc & VGA_MISC_COLOR;

	switch (port) {
	case 0x3c5: write_seq(d, val); break;
	case 0x3c6:
	case 0x3c7:
	case 0x3c8:
	case 0x3c9: write_dac(c, port, val); break;
	case 0x3cf: write_gfx(d, c->vga.gfx_index, val); break;
	case 0x3b5:
	case 0x3d5:
		if (color == (port == 0x3d5))
			write_crtc(c, port, val);
		else
			vga_regs_write(&c->vga, port, val);
		break;
	default: vga_regs_write(&c->vga, port, val); break;
	}
	if (port & 1 || port == 0x3c6) /* the data ports, and the hidden register */
		update_picture(c);
}

static uint64_t
ports_read(struct dev *d, uint32_t off, unsigned size)
{
	return port_read(d, 0x3b0 + off);
}

static void
ports_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	port_write(d, 0x3b0 + off, (uint8_t)val);
}

/* BAR1: the VGA's registers at 0 (3C0h), BitBLT's at 100h. */
static uint64_t
mmio_read(struct dev *d, uint32_t off, unsigned size)
{
	struct cirrus *c = d->state;

	if (off >= 0x100)
		return off < 0x200 ? cirrus_mmio_read(c, off - 0x100) : 0xff;
	return off < 0x20 ? port_read(d, 0x3c0 + off) : 0xff;
}

static void
mmio_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	if (off >= 0x100 && off < 0x200)
		cirrus_mmio_write(d, off - 0x100, (uint8_t)val);
	else if (off < 0x20)
		port_write(d, 0x3c0 + off, (uint8_t)val);
}

static const struct dev_region regions[] = {
	[R_LFB] = { "lfb", DEV_REGION_MMIO, LFB_BYTES, 1, 8, cirrus_mem_lfb_read,
	    cirrus_mem_lfb_write },
	[R_MMIO] = { "mmio", DEV_REGION_MMIO, 0x1000, 1, 1, mmio_read, mmio_write },
	[R_ROM] = { .name = "rom", .kind = DEV_REGION_ROM, .size = 0 },
	[R_PORTS] = { "ports", DEV_REGION_PIO, 0x30, 1, 1, ports_read, ports_write },
	[R_WINDOW] = { "window", DEV_REGION_MMIO, 0x20000, 1, 8, cirrus_mem_window_read,
	    cirrus_mem_window_write },
	[R_VRAM] = { .name = "vram", .kind = DEV_REGION_RAM, .size = CIRRUS_VRAM },
};

/* ---- picture ---- */

static uint32_t
cursor_rgb(const struct cirrus *c, unsigned i)
{
	uint32_t rgb = 0;

	for (unsigned k = 0; k < 3; k++) {
		unsigned level = c->cursor_color[i][k] & 0x3f;

		rgb = rgb << 8 | (level << 2 | level >> 4);
	}
	return rgb;
}

/* Two planes: 0 transparent, 1 inverted, 2 background, 3 foreground. */
static void
draw_cursor(const struct cirrus *c, struct display *disp)
{
	bool big = c->seq[SR_CURSOR] & SR12_CURSOR_64;
	unsigned size = big ? 64 : 32, pattern = c->seq[SR_CURSOR_PATTERN] & (big ? 0x3c : 0x3f);
	const uint8_t *mem = c->vga.vram + CURSOR_MEMORY + pattern * 256;
	unsigned row_bytes = big ? 16 : 4, second = big ? 8 : 128;
	uint32_t rgb[2] = { cursor_rgb(c, 0), cursor_rgb(c, 1) };

	for (unsigned y = 0; y < size && c->cursor_y + y < disp->height; y++) {
		uint32_t *out = disp->pixels + (size_t)(c->cursor_y + y) * disp->width;
		const uint8_t *row = mem + y * row_bytes;

		for (unsigned x = 0; x < size && c->cursor_x + x < disp->width; x++) {
			unsigned bit = 7 - (x & 7);
			unsigned kind = (row[x / 8] >> bit & 1) | (row[second + x / 8] >> bit & 1)
			                                              << 1;

			if (kind == 1)
				out[c->cursor_x + x] ^= 0xffffff;
			else if (kind)
				out[c->cursor_x + x] = rgb[kind & 1];
		}
	}
}

static void
display_render(void *ctx, struct display *disp)
{
	struct cirrus *c = ((struct dev *)ctx)->state;

	update_picture(c);
	vga_render_picture(&c->vga, disp);
	if (c->vga.linear.bits && (c->seq[SR_CURSOR] & SR12_CURSOR_ON) && c->vga.vram &&
	    disp->pixels && disp->width == c->vga.linear.width)
		draw_cursor(c, disp);
}

static bool
display_text(void *ctx, struct display_text *ret_text)
{
	struct cirrus *c = ((struct dev *)ctx)->state;

	return vga_render_text(&c->vga, ret_text);
}

/* ---- life ---- */

static int
cirrus_create(struct dev *d, struct err *e)
{
	struct cirrus *c = d->state;
	struct display *disp = d->env->backend(d, "display");

	c->vga.dev = d;
	c->vga.vram_size = CIRRUS_VRAM;
	c->overlay = DEV_UNMAPPED;
	if (disp) {
		disp->render = display_render;
		disp->text = display_text;
		disp->ctx = d;
	}
	return 0;
}

static void
map_legacy(struct dev *d)
{
	struct cirrus *c = d->state;

	c->vga.vram = d->env->region_ptr(d, R_VRAM);
	d->env->map(d, R_PORTS, 0x3b0);
	d->env->map(d, R_WINDOW, 0xa0000);
	update_picture(c);
	update_overlay(d);
}

static void
cirrus_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct cirrus *c = d->state;

	vga_regs_reset(&c->vga);
	memset(&c->blt, 0, sizeof(c->blt));
	memset(c->seq, 0, sizeof(c->seq));
	memset(c->gfx, 0, sizeof(c->gfx));
	memset(c->crtc, 0, sizeof(c->crtc));
	memset(c->cursor_color, 0, sizeof(c->cursor_color));
	c->cursor_x = c->cursor_y = 0;
	c->hidden_dac = c->hidden_dac_reads = 0;
	c->seq[SR_UNLOCK] = LOCKED;
	c->seq[SR_DRAM] = 0x98;   /* 64-bit memory, two banks: 4 MiB */
	c->seq[SR_MEMORY] = 0x04; /* the same for later software */
	c->seq[SR_CONFIG] = 0x20; /* PCI */
	c->seq[SR_MCLK] = 0x2d;
	map_legacy(d);
}

static int
cirrus_loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct cirrus *c = d->state;

	vga_regs_loaded(&c->vga);
	cirrus_blt_check(&c->blt);
	if (c->hidden_dac_reads > 4)
		c->hidden_dac_reads = 0;
	c->cursor_x &= 0x7ff;
	c->cursor_y &= 0x7ff;
	blt_status(c);
	map_legacy(d);
	return 0;
}

static void
cirrus_config_written(struct dev *d, unsigned off, unsigned size)
{
	update_overlay(d);
}

static const struct dev_field fields[] = {
	VGA_FIELDS(struct cirrus),
	DEV_FIELD(struct cirrus, blt.dst),
	DEV_FIELD(struct cirrus, blt.src),
	DEV_FIELD(struct cirrus, blt.width),
	DEV_FIELD(struct cirrus, blt.height),
	DEV_FIELD(struct cirrus, blt.dst_pitch),
	DEV_FIELD(struct cirrus, blt.src_pitch),
	DEV_FIELD(struct cirrus, blt.fg),
	DEV_FIELD(struct cirrus, blt.bg),
	DEV_FIELD(struct cirrus, blt.row_bytes),
	DEV_FIELD(struct cirrus, blt.row_pos),
	DEV_FIELD(struct cirrus, blt.pattern_row),
	DEV_FIELD(struct cirrus, blt.key),
	DEV_FIELD(struct cirrus, blt.mode),
	DEV_FIELD(struct cirrus, blt.ext),
	DEV_FIELD(struct cirrus, blt.rop),
	DEV_FIELD(struct cirrus, blt.skip),
	DEV_FIELD(struct cirrus, blt.busy),
	DEV_TRANSIENT(struct cirrus, blt.pad),
	DEV_FIELD_ARRAY(struct cirrus, blt.buf),
	DEV_FIELD_ARRAY(struct cirrus, seq),
	DEV_FIELD_ARRAY(struct cirrus, gfx),
	DEV_FIELD_ARRAY(struct cirrus, crtc),
	DEV_FIELD(struct cirrus, hidden_dac),
	DEV_FIELD(struct cirrus, hidden_dac_reads),
	DEV_FIELD_BYTES(struct cirrus, cursor_color),
	DEV_FIELD(struct cirrus, cursor_x),
	DEV_FIELD(struct cirrus, cursor_y),
	DEV_TRANSIENT(struct cirrus, overlay),
};

static const struct pci_ident ident = {
	.vendor = 0x1013,
	.device = 0x00b8,
	.sub_vendor = 0x1af4,
	.sub_device = 0x1100,
	.class_code = 0x030000,
	.irq_output = PCI_NO_OUTPUT,
	.bars = {
		[0] = { PCI_BAR_MEM32_PREFETCH, R_LFB },
		[1] = { PCI_BAR_MEM32, R_MMIO },
	},
	.rom_region = R_ROM,
	.config_written = cirrus_config_written,
};

const struct dev_type cirrus5446_type = {
	.name = "cirrus",
	.regions = regions,
	.nregions = ARRAY_SIZE(regions),
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.state_size = sizeof(struct cirrus),
	.state_version = 1,
	.pci = &ident,
	.create = cirrus_create,
	.reset = cirrus_reset,
	.loaded = cirrus_loaded,
};
