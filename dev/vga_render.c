/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VGA scan-out: a picture computed as the monitor would show it, dot by dot, from
 * the CRTC's address generator, the shift registers, the attribute controller and the
 * look-up table.  Low-resolution modes come out doubled (mode 13h is 640x400), as on a
 * real screen.
 *
 * For each character clock the CRTC's counter is turned into an address (byte, word
 * or doubleword mode, row scan bits in A13 and A14), one byte of each plane is fetched
 * there, and eight or nine dots are made of them; every standard mode and the tweaked
 * ones (mode X, split screens, smooth scrolling) follow from that.  Packed-pixel
 * pictures of VBE and of the adapters' own modes are copied line by line instead.
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem".  Left out: the
 * overscan border and interlace.
 */
#include "dev/vga.h"

#include "base/bits.h"
#include "host/display/display.h"

enum crtc_index {
	CR_HDISPLAY_END = 0x01,
	CR_PRESET_ROW = 0x08,
	CR_MAX_SCAN = 0x09,
	CR_CURSOR_START = 0x0a,
	CR_CURSOR_END = 0x0b,
	CR_START_HIGH = 0x0c,
	CR_START_LOW = 0x0d,
	CR_CURSOR_HIGH = 0x0e,
	CR_CURSOR_LOW = 0x0f,
	CR_OFFSET = 0x13,
	CR_UNDERLINE = 0x14,
	CR_MODE = 0x17,
};

#define CR9_DOUBLE_SCAN   0x80
#define CR10_CURSOR_OFF   0x20
#define CR14_COUNT_BY_4   0x20
#define CR14_DWORD        0x40
#define CR17_A13_NOT_ROW0 0x01
#define CR17_A14_NOT_ROW1 0x02
#define CR17_COUNT_BY_2   0x08
#define CR17_WRAP_A15     0x20
#define CR17_BYTE         0x40

#define MAX_CHARS 257 /* 256 and one more to pan into view */
#define MAX_DOTS  (MAX_CHARS * 9)

/* What is the same for all lines of one picture. */
struct scan {
	const struct vga *v;
	const uint32_t *vram; /* one word = four planes */
	uint32_t rgb[256];    /* of a look-up table index */
	uint8_t palette[16];  /* attribute → look-up table index */
	uint8_t char_dots;    /* 8 or 9 */
	unsigned chars;       /* shown on a line */
	unsigned width, height;
	bool graphics;
	bool blink_off;   /* blinking things are in their dark phase */
	uint32_t font[2]; /* plane 2 offsets of maps B and A */
	unsigned cursor;  /* counter value of the cursor's cell, or ~0 */
	uint8_t cursor_first, cursor_last, cursor_skew;
};

void
vga_render_palette(const struct vga *v, uint32_t ret_rgb[256])
{
	for (unsigned i = 0; i < 256; i++) {
		const uint8_t *c = &v->dac[(i & v->dac_mask) * 3];
		uint32_t rgb = 0;

		for (unsigned k = 0; k < 3; k++) {
			unsigned level = c[k];

			if (!v->dac_8bit)
				level = (level & 0x3f) << 2 | (level & 0x3f) >> 4;
			rgb = rgb << 8 | level;
		}
		ret_rgb[i] = rgb;
	}
}

static void
attribute_palette(const struct vga *v, uint8_t ret_index[16])
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned c = v->attr[i & v->attr[0x12]];

		if (v->attr[0x10] & VGA_AR10_P54_FROM_AR14)
			c = (c & 0x0f) | (v->attr[0x14] & 3) << 4;
		ret_index[i] = (uint8_t)((c & 0x3f) | (v->attr[0x14] & 0x0c) << 4);
	}
}

/* Character map of SR3: two bits and a third one apart. */
static uint32_t
font_offset(unsigned low2, unsigned bit2)
{
	return low2 * 0x4000 + (bit2 ? 0x2000 : 0);
}

static void
scan_init(struct scan *s, struct vga *v)
{
	unsigned sr3 = v->seq[4] & VGA_SR4_EXT_MEMORY ? v->seq[3] : 0;
	unsigned half = v->seq[1] & VGA_SR1_HALF_CLOCK ? 2 : 1;
	uint64_t frame = vga_regs_frame(v);

	memset(s, 0, sizeof(*s));
	s->v = v;
	s->vram = (const uint32_t *)(const void *)v->vram;
	vga_render_palette(v, s->rgb);
	attribute_palette(v, s->palette);
	s->graphics = v->gfx[6] & VGA_GR6_GRAPHICS;
	s->char_dots = s->graphics || (v->seq[1] & VGA_SR1_DOTS8) ? 8 : 9;
	s->chars = v->crtc[CR_HDISPLAY_END] + 1u;
	s->width = s->chars * s->char_dots * half;
	if (s->width > DISPLAY_MAX_W)
		s->width = DISPLAY_MAX_W;
	s->height = vga_regs_vdisplay(v);
	s->blink_off = frame >> 4 & 1; /* characters: 16 pictures on, 16 off */
	s->font[0] = font_offset(sr3 & 3, sr3 & 0x10);
	s->font[1] = font_offset(sr3 >> 2 & 3, sr3 & 0x20);
	s->cursor = ~0u;
	if (!(v->crtc[CR_CURSOR_START] & CR10_CURSOR_OFF) && !(frame >> 3 & 1))
		s->cursor = v->crtc[CR_CURSOR_HIGH] << 8 | v->crtc[CR_CURSOR_LOW];
	s->cursor_first = v->crtc[CR_CURSOR_START] & 0x1f;
	s->cursor_last = v->crtc[CR_CURSOR_END] & 0x1f;
	s->cursor_skew = v->crtc[CR_CURSOR_END] >> 5 & 3;
}

/* The address on the memory's pins for a value of the CRTC's counter. */
static uint32_t
crtc_addr(const struct vga *v, unsigned count, unsigned row)
{
	unsigned mode = v->crtc[CR_MODE];
	uint32_t addr = count;

	if (v->crtc[CR_UNDERLINE] & CR14_DWORD)
		addr = count << 2 | (count >> 12 & 3);
	else if (!(mode & CR17_BYTE))
		addr = count << 1 | (count >> (mode & CR17_WRAP_A15 ? 15 : 13) & 1);
	if (!(mode & CR17_A13_NOT_ROW0))
		addr = (addr & ~0x2000u) | (row & 1) << 13;
	if (!(mode & CR17_A14_NOT_ROW1))
		addr = (addr & ~0x4000u) | (row >> 1 & 1) << 14;
	return addr & 0xffff;
}

/* The counter moves on every, every second or every fourth character clock. */
static unsigned
crtc_count(const struct vga *v, unsigned start, unsigned clock)
{
	if (v->crtc[CR_UNDERLINE] & CR14_COUNT_BY_4)
		return start + clock / 4;
	if (v->crtc[CR_MODE] & CR17_COUNT_BY_2)
		return start + clock / 2;
	return start + clock;
}

/* ---- eight dots of the graphics modes ---- */

static void
dots_planar(const struct scan *s, uint32_t planes, uint8_t *dots)
{
	unsigned blink = s->v->attr[0x10] & VGA_AR10_BLINK ? 8 : 0;

	for (unsigned i = 0; i < 8; i++) {
		unsigned bit = 7 - i;
		unsigned c = (planes >> bit & 1) | (planes >> (8 + bit) & 1) << 1 |
		             (planes >> (16 + bit) & 1) << 2 | (planes >> (24 + bit) & 1) << 3;

		if (blink && s->blink_off)
			c ^= c & blink;
		dots[i] = s->palette[c];
	}
}

/* CGA's packing: two bits a dot, first from planes 0 and 2, then from 1 and 3. */
static void
dots_cga(const struct scan *s, uint32_t planes, uint8_t *dots)
{
	for (unsigned i = 0; i < 8; i++) {
		unsigned shift = 6 - (i & 3) * 2;
		uint32_t pair = i < 4 ? planes : planes >> 8;
		unsigned c = (pair >> shift & 3) | (pair >> (16 + shift) & 3) << 2;

		dots[i] = s->palette[c];
	}
}

static void
dots_256(const struct scan *s, uint32_t planes, uint8_t *dots)
{
	if (s->v->attr[0x10] & VGA_AR10_PIXEL8) {
		for (unsigned i = 0; i < 8; i++)
			dots[i] = (uint8_t)(planes >> (i / 2 * 8));
		return;
	}
	/* Without pairing nibbles each is a dot of sixteen colours. */
	for (unsigned i = 0; i < 8; i++)
		dots[i] = s->palette[planes >> (i / 2 * 8 + (i & 1 ? 0 : 4)) & 0xf];
}

/* ---- text ---- */

static bool
cursor_here(const struct scan *s, unsigned count, unsigned row)
{
	return count == s->cursor + s->cursor_skew && row >= s->cursor_first &&
	       row <= s->cursor_last;
}

static void
dots_text(const struct scan *s, unsigned count, unsigned row, uint32_t planes, uint8_t *dots)
{
	const struct vga *v = s->v;
	unsigned ch = planes & 0xff, attr = planes >> 8 & 0xff;
	unsigned fg = attr & 0xf, bg = attr >> 4;
	uint32_t glyph_off = s->font[attr >> 3 & 1] + ch * 32 + row;
	unsigned glyph = s->vram[glyph_off & 0xffff] >> 16 & 0xff;
	unsigned bits = glyph << 1;

	if ((v->attr[0x10] & VGA_AR10_LINE_GRAPHICS) && (ch & 0xe0) == 0xc0)
		bits |= glyph & 1;
	if (v->attr[0x10] & VGA_AR10_BLINK) {
		if ((attr & 0x80) && s->blink_off)
			bits = 0;
		bg &= 7;
	}
	if ((attr & 0x77) == 0x01 && row == (v->crtc[CR_UNDERLINE] & 0x1f))
		bits = 0x1ff;
	if (cursor_here(s, count, row))
		bits = 0x1ff;
	for (unsigned i = 0; i < s->char_dots; i++)
		dots[i] = s->palette[bits >> (8 - i) & 1 ? fg : bg];
}

/* ---- lines ---- */

/* One line into `dots` as look-up table indices. */
static void
scan_line(const struct scan *s, unsigned start, unsigned row, uint8_t *dots)
{
	const struct vga *v = s->v;
	unsigned shift = v->gfx[5] >> 5 & 3;

	for (unsigned c = 0; c <= s->chars; c++, dots += s->char_dots) {
		unsigned count = crtc_count(v, start, c) & 0xffff;
		uint32_t planes = s->vram[crtc_addr(v, count, row)];

		if (!s->graphics)
			dots_text(s, count, row, planes, dots);
		else if (shift == 0)
			dots_planar(s, planes, dots);
		else if (shift == 1)
			dots_cga(s, planes, dots);
		else
			dots_256(s, planes, dots);
	}
}

/* Dots by which AR13 moves the picture to the left. */
static unsigned
pan_dots(const struct scan *s)
{
	unsigned pan = s->v->attr[0x13] & 0xf;

	if (s->char_dots == 9) /* 8 is "none" where characters have nine dots */
		return pan >= 8 ? 0 : pan + 1;
	return pan & 7;
}

static void
store_line(const struct scan *s, const uint8_t *dots, uint32_t *out)
{
	if (s->v->seq[1] & VGA_SR1_HALF_CLOCK)
		for (unsigned x = 0; x < s->width; x++)
			out[x] = s->rgb[dots[x / 2]];
	else
		for (unsigned x = 0; x < s->width; x++)
			out[x] = s->rgb[dots[x]];
}

static void
scan_picture(const struct scan *s, struct display *d)
{
	const struct vga *v = s->v;
	uint8_t dots[MAX_DOTS];
	unsigned byte_pan = v->crtc[CR_PRESET_ROW] >> 5 & 3;
	unsigned start = (v->crtc[CR_START_HIGH] << 8 | v->crtc[CR_START_LOW]) + byte_pan;
	unsigned row = v->crtc[CR_PRESET_ROW] & 0x1f, max_row = v->crtc[CR_MAX_SCAN] & 0x1f;
	unsigned pitch = v->crtc[CR_OFFSET] * 2u;
	unsigned split = vga_regs_line_compare(v);
	unsigned repeat = v->crtc[CR_MAX_SCAN] & CR9_DOUBLE_SCAN ? 2 : 1;
	unsigned mul = v->crtc[CR_MODE] & 0x04 ? 2 : 1;
	unsigned pan = pan_dots(s), done = 0;

	repeat *= mul;
	for (unsigned y = 0; y < s->height; y++) {
		uint32_t *out = d->pixels + (size_t)y * d->width;

		if (done && y) { /* the same line again */
			memcpy(out, out - d->width, (size_t)d->width * 4);
		} else {
			scan_line(s, start, row, dots);
			store_line(s, dots + pan, out);
		}
		if (y == split * mul) {
			start = 0;
			row = 0;
			done = 0;
			if (v->attr[0x10] & VGA_AR10_PAN_TOP_ONLY)
				pan = 0;
			continue;
		}
		if (++done < repeat)
			continue;
		done = 0;
		if (row++ == max_row) {
			row = 0;
			start += pitch;
		}
		row &= 0x1f;
	}
}

/* ---- packed pixels ---- */

static void
line_8(const uint8_t *src, uint32_t *out, unsigned n, const uint32_t *rgb)
{
	for (unsigned x = 0; x < n; x++)
		out[x] = rgb[src[x]];
}

static void
line_15(const uint8_t *src, uint32_t *out, unsigned n, const uint32_t *rgb)
{
	for (unsigned x = 0; x < n; x++) {
		unsigned p = get_le16(src + x * 2);
		unsigned r = p >> 10 & 31, g = p >> 5 & 31, b = p & 31;

		out[x] = (r << 3 | r >> 2) << 16 | (g << 3 | g >> 2) << 8 | (b << 3 | b >> 2);
	}
}

static void
line_16(const uint8_t *src, uint32_t *out, unsigned n, const uint32_t *rgb)
{
	for (unsigned x = 0; x < n; x++) {
		unsigned p = get_le16(src + x * 2);
		unsigned r = p >> 11, g = p >> 5 & 63, b = p & 31;

		out[x] = (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8 | (b << 3 | b >> 2);
	}
}

static void
line_24(const uint8_t *src, uint32_t *out, unsigned n, const uint32_t *rgb)
{
	for (unsigned x = 0; x < n; x++)
		out[x] = (uint32_t)src[x * 3 + 2] << 16 | src[x * 3 + 1] << 8 | src[x * 3];
}

static void
line_32(const uint8_t *src, uint32_t *out, unsigned n, const uint32_t *rgb)
{
	for (unsigned x = 0; x < n; x++)
		out[x] = get_le32(src + (size_t)x * 4) & 0xffffff;
}

static const struct format {
	uint8_t bits, bytes;
	void (*line)(const uint8_t *src, uint32_t *out, unsigned n, const uint32_t *rgb);
} formats[] = {
	{ 8, 1, line_8 },
	{ 15, 2, line_15 },
	{ 16, 2, line_16 },
	{ 24, 3, line_24 },
	{ 32, 4, line_32 },
};

static void
render_linear(struct vga *v, struct display *d)
{
	const struct vga_linear *l = &v->linear;
	const struct format *f = formats;
	uint32_t rgb[256];

	while (f->bits != l->bits)
		if (++f == formats + ARRAY_SIZE(formats))
			return;
	vga_render_palette(v, rgb);
	for (unsigned y = 0; y < d->height; y++) {
		uint64_t off = l->base + (uint64_t)y * l->stride;
		uint32_t *out = d->pixels + (size_t)y * d->width;

		/* Where a line runs past the end of memory nothing is shown. */
		if (off + (uint64_t)d->width * f->bytes > v->vram_size)
			memset(out, 0, (size_t)d->width * 4);
		else
			f->line(v->vram + off, out, d->width, rgb);
	}
}

/* Sixteen colours in planes that are larger than the VGA's: VBE modes 104h, 106h. */
static void
render_linear_planar(struct vga *v, struct display *d)
{
	const struct vga_linear *l = &v->linear;
	uint32_t words = v->vram_size / 4;
	struct scan s;

	scan_init(&s, v);
	for (unsigned y = 0; y < d->height; y++) {
		uint32_t *out = d->pixels + (size_t)y * d->width;
		uint64_t off = l->base + (uint64_t)y * l->stride;
		uint8_t dots[8];

		for (unsigned x = 0; x < d->width; x++) {
			if (x % 8 == 0)
				dots_planar(&s, s.vram[(off + x / 8) % words], dots);
			out[x] = s.rgb[dots[x % 8]];
		}
	}
}

static void
blank(struct display *d)
{
	if (d->width && d->height)
		memset(d->pixels, 0, (size_t)d->width * d->height * 4);
}

void
vga_render_picture(struct vga *v, struct display *d)
{
	struct scan s;

	if (v->linear.bits) {
		if (display_resize(d, v->linear.width, v->linear.height) < 0 || !v->vram)
			return;
		if (vga_regs_blank(v))
			blank(d);
		else if (v->linear.bits == 4)
			render_linear_planar(v, d);
		else
			render_linear(v, d);
		return;
	}
	scan_init(&s, v);
	if (!v->crtc[CR_HDISPLAY_END]) { /* after reset: not programmed yet */
		s.width = 640;
		s.height = 400;
	}
	if (display_resize(d, s.width, s.height) < 0 || !v->vram)
		return;
	if (vga_regs_blank(v) || !(v->crtc[CR_MODE] & 0x80) || !v->crtc[CR_HDISPLAY_END])
		blank(d);
	else
		scan_picture(&s, d);
}

static void
text_cursor(const struct scan *s, struct display_text *t, unsigned start, unsigned pitch)
{
	const uint8_t *cr = s->v->crtc;
	unsigned pos = (unsigned)(cr[CR_CURSOR_HIGH] << 8 | cr[CR_CURSOR_LOW]) - start;

	t->cursor_on = false;
	if ((cr[CR_CURSOR_START] & CR10_CURSOR_OFF) || s->cursor_first > s->cursor_last || !pitch)
		return;
	if (pos / pitch >= t->rows || pos % pitch >= t->cols)
		return;
	t->cursor_on = true;
	t->cursor_x = pos % pitch;
	t->cursor_y = pos / pitch;
}

bool
vga_render_text(struct vga *v, struct display_text *ret_text)
{
	struct scan s;
	unsigned start = v->crtc[CR_START_HIGH] << 8 | v->crtc[CR_START_LOW];
	unsigned pitch = v->crtc[CR_OFFSET] * 2u;

	if (v->linear.bits || (v->gfx[6] & VGA_GR6_GRAPHICS) || !v->crtc[CR_HDISPLAY_END] ||
	    !v->vram)
		return false;
	scan_init(&s, v);
	unsigned char_lines = (v->crtc[CR_MAX_SCAN] & 0x1f) + 1u;

	if (v->crtc[CR_MAX_SCAN] & CR9_DOUBLE_SCAN)
		char_lines *= 2;
	ret_text->cols = s.chars;
	ret_text->rows = s.height / char_lines;
	if (ret_text->rows > 128)
		ret_text->rows = 128;
	for (unsigned y = 0; y < ret_text->rows; y++) {
		for (unsigned x = 0; x < ret_text->cols; x++) {
			unsigned count = crtc_count(v, start + y * pitch, x) & 0xffff;
			uint32_t planes = s.vram[crtc_addr(v, count, 0)];

			ret_text->cells[y * ret_text->cols + x] =
			    vga_regs_blank(v) ? 0x0720 : (uint16_t)planes;
		}
	}
	text_cursor(&s, ret_text, start, pitch);
	return true;
}
