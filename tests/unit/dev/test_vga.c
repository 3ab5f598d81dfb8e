/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VGA core and VBE, seen as a program sees them: ports, memory, picture. */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/bits.h"
#include "dev/types.h"
#include "host/display/display.h"

enum { R_VRAM, R_MMIO, R_ROM, R_PORTS, R_DISPI, R_WINDOW };

struct rig {
	struct fake_env f;
	struct display disp;
	struct display_text text;
};

static void
rig_init(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	display_init(&r->disp);
	fake_init(&r->f, &vga_type);
	fake_backend(&r->f, "display", &r->disp);
	fake_start(&r->f);
}

static void
rig_fini(struct rig *r)
{
	fake_fini(&r->f);
	display_fini(&r->disp);
}

static void
out(struct rig *r, unsigned port, unsigned val)
{
	fake_write(&r->f, R_PORTS, port - 0x3b0, 1, val);
}

static unsigned
in(struct rig *r, unsigned port)
{
	return (unsigned)fake_read(&r->f, R_PORTS, port - 0x3b0, 1);
}

static void
out_indexed(struct rig *r, unsigned port, unsigned index, unsigned val)
{
	fake_write(&r->f, R_PORTS, port - 0x3b0, 2, index | val << 8);
}

static void
poke(struct rig *r, unsigned addr, unsigned val)
{
	fake_write(&r->f, R_WINDOW, addr - 0xa0000, 1, val);
}

static unsigned
peek(struct rig *r, unsigned addr)
{
	return (unsigned)fake_read(&r->f, R_WINDOW, addr - 0xa0000, 1);
}

/* The register values of the BIOS modes, as the PS/2 reference lists them. */
struct mode {
	uint8_t misc, seq[5], crtc[25], gfx[9], attr10[5]; /* palette: identity */
};

static const struct mode mode_3 = { 0x67, { 0x03, 0x00, 0x03, 0x00, 0x02 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0, 0, 0, 0, 0x9c,
	    0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff },
	{ 0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff }, { 0x0c, 0x00, 0x0f, 0x08, 0x00 } };
static const struct mode mode_4 = { 0x63, { 0x03, 0x09, 0x03, 0x00, 0x02 },
	{ 0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e,
	    0x8f, 0x14, 0x00, 0x96, 0xb9, 0xa2, 0xff },
	{ 0, 0, 0, 0, 0, 0x30, 0x0f, 0x0f, 0xff }, { 0x01, 0x00, 0x03, 0x00, 0x00 } };
static const struct mode mode_12 = { 0xe3, { 0x03, 0x01, 0x0f, 0x00, 0x06 },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c,
	    0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff },
	{ 0, 0, 0, 0, 0, 0x00, 0x05, 0x0f, 0xff }, { 0x01, 0x00, 0x0f, 0x00, 0x00 } };
static const struct mode mode_13 = { 0x63, { 0x03, 0x01, 0x0f, 0x00, 0x0e },
	{ 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0, 0, 0, 0, 0, 0, 0x9c, 0x8e,
	    0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff },
	{ 0, 0, 0, 0, 0, 0x40, 0x05, 0x0f, 0xff }, { 0x41, 0x00, 0x0f, 0x00, 0x00 } };

static void
attr(struct rig *r, unsigned index, unsigned val)
{
	in(r, 0x3da);
	out(r, 0x3c0, index);
	out(r, 0x3c0, val);
	out(r, 0x3c0, 0x20);
}

static void
set_mode(struct rig *r, const struct mode *m)
{
	out(r, 0x3c2, m->misc);
	for (unsigned i = 0; i < 5; i++)
		out_indexed(r, 0x3c4, i, m->seq[i]);
	out_indexed(r, 0x3d4, 0x11, 0);
	for (unsigned i = 0; i < 25; i++)
		out_indexed(r, 0x3d4, i, m->crtc[i]);
	for (unsigned i = 0; i < 9; i++)
		out_indexed(r, 0x3ce, i, m->gfx[i]);
	for (unsigned i = 0; i < 16; i++)
		attr(r, i, i);
	for (unsigned i = 0; i < 5; i++)
		attr(r, 0x10 + i, m->attr10[i]);
	/* entry n of the look-up table: blue n/4 */
	out(r, 0x3c8, 0);
	for (unsigned i = 0; i < 256; i++) {
		out(r, 0x3c9, 0);
		out(r, 0x3c9, i >> 6);
		out(r, 0x3c9, i & 0x3f);
	}
}

/* Table entry of a dot, by the table above. */
static unsigned
dot(struct rig *r, unsigned x, unsigned y)
{
	uint32_t p = r->disp.pixels[y * r->disp.width + x];

	return (p & 0xff) >> 2 | (p >> 8 & 0xff) >> 2 << 6;
}

static void
render(struct rig *r)
{
	r->disp.render(r->disp.ctx, &r->disp);
}

TEST(text_shows_glyphs_attributes_and_the_cursor)
{
	struct rig r;

	rig_init(&r);
	set_mode(&r, &mode_3);
	/* glyph of 'A': rows of 81h, through the usual font access */
	out_indexed(&r, 0x3c4, 2, 4);
	out_indexed(&r, 0x3c4, 4, 6);
	out_indexed(&r, 0x3ce, 5, 0);
	out_indexed(&r, 0x3ce, 6, 4);
	for (unsigned i = 0; i < 16; i++) {
		poke(&r, 0xa0000 + 'A' * 32 + i, 0x81);
		poke(&r, 0xa0000 + 0xc4 * 32 + i, 0x01);
	}
	out_indexed(&r, 0x3c4, 2, 3);
	out_indexed(&r, 0x3c4, 4, 2);
	out_indexed(&r, 0x3ce, 5, 0x10);
	out_indexed(&r, 0x3ce, 6, 0x0e);
	fake_write(&r.f, R_WINDOW, 0x18000, 2, 0x1e41);           /* yellow on blue A */
	fake_write(&r.f, R_WINDOW, 0x18002, 2, 0x07c4);           /* a line */
	fake_write(&r.f, R_WINDOW, 0x18000 + 160 * 2, 2, 0x9c41); /* blinking, row 2 */
	CHECK_EQ(fake_read(&r.f, R_WINDOW, 0x18000, 2), 0x1e41);
	out_indexed(&r, 0x3d4, 0x0e, 0);
	out_indexed(&r, 0x3d4, 0x0f, 81);
	render(&r);
	CHECK_EQ(r.disp.width, 720);
	CHECK_EQ(r.disp.height, 400);
	CHECK_EQ(dot(&r, 0, 0), 0xe);
	CHECK_EQ(dot(&r, 1, 0), 1);
	CHECK_EQ(dot(&r, 7, 15), 0xe);
	CHECK_EQ(dot(&r, 8, 0), 1);  /* ninth dot: background */
	CHECK_EQ(dot(&r, 16, 0), 7); /* C4h: eighth and ninth dot are set */
	CHECK_EQ(dot(&r, 17, 0), 7);
	CHECK_EQ(dot(&r, 15, 0), 0);
	/* the cursor in cell 81: column 1 of row 1, lines 13 and 14 */
	CHECK_EQ(dot(&r, 9, 16 + 12), 0);
	CHECK_EQ(dot(&r, 9, 16 + 13), 0); /* the cell's attribute is 0: black on black */
	fake_write(&r.f, R_WINDOW, 0x18000 + 162, 2, 0x0f20);
	render(&r);
	CHECK_EQ(dot(&r, 9, 16 + 12), 0);
	CHECK_EQ(dot(&r, 9, 16 + 13), 0xf);
	CHECK_EQ(dot(&r, 17, 16 + 14), 0xf);
	CHECK_EQ(dot(&r, 9, 16 + 15), 0);
	/* blinking: background has three bits; dark 16 pictures later */
	CHECK_EQ(dot(&r, 0, 32), 0xc);
	CHECK_EQ(dot(&r, 1, 32), 1);
	fake_advance(&r.f, 20 * 14268000ll);
	render(&r);
	CHECK_EQ(dot(&r, 0, 32), 1);
	/* without blinking: sixteen backgrounds */
	attr(&r, 0x10, 0x04);
	render(&r);
	CHECK_EQ(dot(&r, 1, 32), 9);
	rig_fini(&r);
}

TEST(text_screen_is_given_as_cells)
{
	struct rig r;

	rig_init(&r);
	CHECK(!r.disp.text(r.disp.ctx, &r.text));
	set_mode(&r, &mode_3);
	fake_write(&r.f, R_WINDOW, 0x18000 + 2 * (80 * 24 + 79), 2, 0x4f58);
	out_indexed(&r, 0x3d4, 0x0e, 80 * 24 / 256);
	out_indexed(&r, 0x3d4, 0x0f, 80 * 24 % 256 + 5);
	CHECK(r.disp.text(r.disp.ctx, &r.text));
	CHECK_EQ(r.text.cols, 80);
	CHECK_EQ(r.text.rows, 25);
	CHECK_EQ(r.text.cells[80 * 24 + 79], 0x4f58);
	CHECK(r.text.cursor_on);
	CHECK_EQ(r.text.cursor_x, 5);
	CHECK_EQ(r.text.cursor_y, 24);
	out_indexed(&r, 0x3d4, 0x0d, 80); /* scrolled by one line */
	CHECK(r.disp.text(r.disp.ctx, &r.text));
	CHECK_EQ(r.text.cells[80 * 23 + 79], 0x4f58);
	CHECK_EQ(r.text.cursor_y, 23);
	out_indexed(&r, 0x3d4, 0x0a, 0x20);
	CHECK(r.disp.text(r.disp.ctx, &r.text));
	CHECK(!r.text.cursor_on);
	set_mode(&r, &mode_13);
	CHECK(!r.disp.text(r.disp.ctx, &r.text));
	rig_fini(&r);
}

TEST(second_font_and_underline)
{
	struct rig r;

	rig_init(&r);
	set_mode(&r, &mode_3);
	out_indexed(&r, 0x3c4, 3, 0x04 | 0x00); /* bit 3 of the attribute: map 1 at 4000h */
	r.f.region_mem[R_VRAM][(0x4000 + 'B' * 32) * 4 + 2] = 0xff;
	fake_write(&r.f, R_WINDOW, 0x18000, 2, 0x0842);
	fake_write(&r.f, R_WINDOW, 0x18002, 2, 0x0142);
	out_indexed(&r, 0x3d4, 0x14, 12);
	out_indexed(&r, 0x3d4, 0x0a, 0x20);
	render(&r);
	CHECK_EQ(dot(&r, 0, 0), 8);
	CHECK_EQ(dot(&r, 0, 1), 0);
	CHECK_EQ(dot(&r, 9, 0), 0);
	CHECK_EQ(dot(&r, 9, 12), 1);
	CHECK_EQ(dot(&r, 17, 12), 1);
	CHECK_EQ(dot(&r, 9, 13), 0);
	rig_fini(&r);
}

TEST(mode_13h_is_linear_and_doubled)
{
	struct rig r;

	rig_init(&r);
	set_mode(&r, &mode_13);
	poke(&r, 0xa0000 + 320 * 199 + 319, 0xa5);
	poke(&r, 0xa0000 + 1, 0x11);
	CHECK_EQ(peek(&r, 0xa0000 + 320 * 199 + 319), 0xa5);
	render(&r);
	CHECK_EQ(r.disp.width, 640);
	CHECK_EQ(r.disp.height, 400);
	CHECK_EQ(dot(&r, 638, 398), 0xa5);
	CHECK_EQ(dot(&r, 639, 399), 0xa5);
	CHECK_EQ(dot(&r, 637, 399), 0);
	CHECK_EQ(dot(&r, 2, 0), 0x11);
	CHECK_EQ(dot(&r, 1, 1), 0);
	out(&r, 0x3c6, 0x0f); /* pixel mask */
	render(&r);
	CHECK_EQ(dot(&r, 638, 398), 5);
	rig_fini(&r);
}

TEST(mode_x_splits_pans_and_flips)
{
	struct rig r;

	rig_init(&r);
	set_mode(&r, &mode_13);
	out_indexed(&r, 0x3c4, 4, 6);
	out_indexed(&r, 0x3d4, 0x14, 0);
	out_indexed(&r, 0x3d4, 0x17, 0xe3);
	/* the pixel at 5,0 of the page at 4000h: plane 1, offset 1 */
	out_indexed(&r, 0x3c4, 2, 2);
	poke(&r, 0xa4001, 0x42);
	out_indexed(&r, 0x3c4, 2, 1);
	poke(&r, 0xa0000, 0x37); /* pixel 0,0 of page 0 */
	render(&r);
	CHECK_EQ(dot(&r, 0, 0), 0x37);
	CHECK_EQ(dot(&r, 10, 0), 0);
	out_indexed(&r, 0x3d4, 0x0c, 0x40);
	render(&r);
	CHECK_EQ(dot(&r, 10, 0), 0x42);
	CHECK_EQ(dot(&r, 9, 0), 0);
	attr(&r, 0x13, 2); /* one pixel to the left */
	render(&r);
	CHECK_EQ(dot(&r, 8, 0), 0x42);
	/* below line 99 memory starts again at 0; panning goes on unless AR10 says no */
	out_indexed(&r, 0x3d4, 0x18, 99);
	out_indexed(&r, 0x3d4, 0x07, 0x0f);
	out_indexed(&r, 0x3d4, 0x09, 0x01);
	poke(&r, 0xa0001, 0x38);
	render(&r);
	CHECK_EQ(dot(&r, 0, 98), 0);
	CHECK_EQ(dot(&r, 0, 99), 0);
	CHECK_EQ(dot(&r, 0, 100), 0);
	CHECK_EQ(dot(&r, 6, 100), 0x38);
	attr(&r, 0x10, 0x61);
	render(&r);
	CHECK_EQ(dot(&r, 0, 100), 0x37);
	CHECK_EQ(dot(&r, 0, 102), 0);
	rig_fini(&r);
}

TEST(mode_12h_set_reset_latches_and_compare)
{
	struct rig r;

	rig_init(&r);
	set_mode(&r, &mode_12);
	/* write mode 0 with set/reset and a bit mask: one dot of colour 0ch */
	out_indexed(&r, 0x3ce, 0, 0x0c);
	out_indexed(&r, 0x3ce, 1, 0x0f);
	out_indexed(&r, 0x3ce, 8, 0x10);
	peek(&r, 0xa0000 + 80 * 479 + 79);
	poke(&r, 0xa0000 + 80 * 479 + 79, 0);
	render(&r);
	CHECK_EQ(r.disp.width, 640);
	CHECK_EQ(r.disp.height, 480);
	CHECK_EQ(dot(&r, 635, 479), 0xc);
	CHECK_EQ(dot(&r, 634, 479), 0);
	CHECK_EQ(dot(&r, 636, 479), 0);
	/* read mode 1 finds it; don't-care widens the search */
	out_indexed(&r, 0x3ce, 5, 0x08);
	out_indexed(&r, 0x3ce, 2, 0x0c);
	CHECK_EQ(peek(&r, 0xa0000 + 80 * 479 + 79), 0x10);
	out_indexed(&r, 0x3ce, 2, 0x04);
	CHECK_EQ(peek(&r, 0xa0000 + 80 * 479 + 79), 0x00);
	out_indexed(&r, 0x3ce, 7, 0x07);
	CHECK_EQ(peek(&r, 0xa0000 + 80 * 479 + 79), 0x10);
	/* write mode 1 copies all planes */
	out_indexed(&r, 0x3ce, 5, 0x01);
	poke(&r, 0xa0000, 0x55);
	render(&r);
	CHECK_EQ(dot(&r, 3, 0), 0xc);
	CHECK_EQ(dot(&r, 2, 0), 0);
	/* write mode 2: the colour is the data; xor with the latches */
	out_indexed(&r, 0x3ce, 5, 0x02);
	out_indexed(&r, 0x3ce, 3, 0x18);
	out_indexed(&r, 0x3ce, 8, 0xf0);
	peek(&r, 0xa0000);
	poke(&r, 0xa0000, 0x06);
	render(&r);
	CHECK_EQ(dot(&r, 3, 0), 0xa);
	CHECK_EQ(dot(&r, 0, 0), 6);
	CHECK_EQ(dot(&r, 4, 0), 0);
	/* write mode 3: data (rotated) and bit mask, colour from set/reset */
	out_indexed(&r, 0x3ce, 5, 0x03);
	out_indexed(&r, 0x3ce, 3, 0x01);
	out_indexed(&r, 0x3ce, 8, 0x3c);
	peek(&r, 0xa0001);
	poke(&r, 0xa0001, 0x41); /* rotated: a0h; masked: 20h */
	render(&r);
	CHECK_EQ(dot(&r, 8, 0), 0);
	CHECK_EQ(dot(&r, 10, 0), 0xc);
	CHECK_EQ(dot(&r, 11, 0), 0);
	/* map mask */
	out_indexed(&r, 0x3ce, 5, 0);
	out_indexed(&r, 0x3ce, 3, 0);
	out_indexed(&r, 0x3ce, 1, 0);
	out_indexed(&r, 0x3ce, 8, 0xff);
	out_indexed(&r, 0x3c4, 2, 0x05);
	poke(&r, 0xa0002, 0x80);
	out_indexed(&r, 0x3ce, 4, 2);
	CHECK_EQ(peek(&r, 0xa0002), 0x80);
	out_indexed(&r, 0x3ce, 4, 1);
	CHECK_EQ(peek(&r, 0xa0002), 0);
	render(&r);
	CHECK_EQ(dot(&r, 16, 0), 5);
	rig_fini(&r);
}

TEST(cga_mode_interleaves_lines_and_planes)
{
	struct rig r;

	rig_init(&r);
	set_mode(&r, &mode_4);
	poke(&r, 0xb8000, 0x1b); /* 0 1 2 3 */
	poke(&r, 0xb8001, 0xc0);
	poke(&r, 0xba000, 0x40); /* second line */
	CHECK_EQ(peek(&r, 0xb8001), 0xc0);
	render(&r);
	CHECK_EQ(r.disp.width, 640);
	CHECK_EQ(r.disp.height, 400);
	CHECK_EQ(dot(&r, 0, 0), 0);
	CHECK_EQ(dot(&r, 2, 0), 1);
	CHECK_EQ(dot(&r, 5, 1), 2);
	CHECK_EQ(dot(&r, 7, 0), 3);
	CHECK_EQ(dot(&r, 8, 1), 3);
	CHECK_EQ(dot(&r, 10, 0), 0);
	CHECK_EQ(dot(&r, 0, 2), 1);
	CHECK_EQ(dot(&r, 1, 3), 1);
	CHECK_EQ(dot(&r, 2, 2), 0);
	rig_fini(&r);
}

TEST(retrace_follows_guest_time)
{
	struct rig r;
	unsigned pictures = 0, lines = 0, was = 0;

	rig_init(&r);
	set_mode(&r, &mode_3);
	for (unsigned us = 0; us < 1000000; us += 5) {
		unsigned now = in(&r, 0x3da);

		pictures += (now & 8) && !(was & 8);
		lines += (now & 1) && !(was & 1);
		if ((now & 8) && !(now & 1)) {
			test_fail(__FILE__, __LINE__, "retrace while displaying");
			break;
		}
		was = now;
		fake_advance(&r.f, 5000);
	}
	CHECK(pictures >= 69 && pictures <= 71);
	CHECK(lines >= 69 * 400 && lines <= 72 * 401);
	/* a CRTC full of nonsense still comes to a retrace */
	for (unsigned i = 0; i < 25; i++)
		out_indexed(&r, 0x3d4, i, i == 0x11 ? 0 : 0xff);
	pictures = 0;
	for (unsigned us = 0; us < 100000; us += 5) {
		pictures += (in(&r, 0x3da) & 8) != 0;
		fake_advance(&r.f, 5000);
	}
	CHECK(pictures > 0);
	rig_fini(&r);
}

TEST(registers_read_back_and_protect)
{
	struct rig r;

	rig_init(&r);
	set_mode(&r, &mode_3);
	out_indexed(&r, 0x3d4, 0x11, 0x8e);
	out_indexed(&r, 0x3d4, 0x00, 0x12);
	CHECK_EQ(in(&r, 0x3d5), 0x5f);
	out_indexed(&r, 0x3d4, 0x07, 0x00);
	CHECK_EQ(in(&r, 0x3d5), 0x0f); /* only the line compare bit changed */
	CHECK_EQ(in(&r, 0x3cc), 0x67);
	CHECK_EQ(in(&r, 0x3b4), 0xff);
	out(&r, 0x3c2, 0x66);
	CHECK_EQ(in(&r, 0x3d4), 0xff);
	CHECK_EQ(in(&r, 0x3b4), 0x07);
	/* at the other address the CRTC hears what firmware writes before it moves it there,
	 * but a program that looks for a second adapter finds none and moves no cursor */
	out_indexed(&r, 0x3d4, 0x0f, 0x66);
	CHECK_EQ(in(&r, 0x3d5), 0xff);
	CHECK(in(&r, 0x3b5) != 0x66);
	out_indexed(&r, 0x3d4, 0x14, 0x0c);
	CHECK_EQ(in(&r, 0x3b5), 0x0c);
	out(&r, 0x3c0, 0x20);
	CHECK_EQ(in(&r, 0x3da), 0xff);
	out(&r, 0x3c0, 0x33);
	CHECK_EQ(in(&r, 0x3c0), 0x33);
	out(&r, 0x3c2, 0x67);
	in(&r, 0x3da);
	out(&r, 0x3c0, 0x33);
	CHECK_EQ(in(&r, 0x3c0), 0x33);
	CHECK_EQ(in(&r, 0x3c1), 0x08);
	/* look-up table: an entry changes with its third byte; indices step */
	out(&r, 0x3c8, 7);
	out(&r, 0x3c9, 1);
	out(&r, 0x3c9, 2);
	out(&r, 0x3c9, 0xff);
	CHECK_EQ(in(&r, 0x3c8), 8);
	CHECK_EQ(in(&r, 0x3c7), 0);
	out(&r, 0x3c7, 7);
	CHECK_EQ(in(&r, 0x3c7), 3);
	CHECK_EQ(in(&r, 0x3c9), 1);
	CHECK_EQ(in(&r, 0x3c9), 2);
	CHECK_EQ(in(&r, 0x3c9), 0x3f);
	rig_fini(&r);
}

TEST(screen_off_is_black)
{
	struct rig r;

	rig_init(&r);
	render(&r);
	CHECK(r.disp.width);
	set_mode(&r, &mode_13);
	poke(&r, 0xa0000, 5);
	out_indexed(&r, 0x3c4, 1, 0x21);
	render(&r);
	CHECK_EQ(dot(&r, 0, 0), 0);
	out_indexed(&r, 0x3c4, 1, 0x01);
	render(&r);
	CHECK_EQ(dot(&r, 0, 0), 5);
	in(&r, 0x3da);
	out(&r, 0x3c0, 0);
	render(&r);
	CHECK_EQ(dot(&r, 0, 0), 0);
	rig_fini(&r);
}

/* ---- VBE ---- */

static void
dispi(struct rig *r, unsigned index, unsigned val)
{
	fake_write(&r->f, R_DISPI, 0, 2, index);
	fake_write(&r->f, R_DISPI, 1, 2, val);
}

static unsigned
dispi_get(struct rig *r, unsigned index)
{
	fake_write(&r->f, R_DISPI, 0, 2, index);
	return (unsigned)fake_read(&r->f, R_DISPI, 1, 2);
}

static void
vbe_mode(struct rig *r, unsigned x, unsigned y, unsigned bpp, unsigned flags)
{
	dispi(r, 4, 0);
	dispi(r, 1, x);
	dispi(r, 2, y);
	dispi(r, 3, bpp);
	dispi(r, 4, 1 | flags);
}

TEST(vbe_pixel_formats)
{
	static const struct {
		unsigned bpp, bytes;
		uint32_t raw, rgb;
	} cases[] = {
		{ 8, 1, 0x55, 0x000455 },
		{ 15, 2, 0x7c1f, 0xff00ff },
		{ 16, 2, 0x07e0, 0x00ff00 },
		{ 24, 3, 0x123456, 0x123456 },
		{ 32, 4, 0xff654321, 0x654321 },
	};
	struct rig r;

	rig_init(&r);
	set_mode(&r, &mode_13);
	CHECK_EQ(dispi_get(&r, 0), 0xb0c5);
	dispi(&r, 0, 0xb0c0);
	CHECK_EQ(dispi_get(&r, 0), 0xb0c0);
	CHECK_EQ(dispi_get(&r, 0xa), 256);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *vram = r.f.region_mem[R_VRAM];

		vbe_mode(&r, 800, 600, cases[i].bpp, 0x40);
		CHECK_EQ(dispi_get(&r, 4) & 1, 1);
		memcpy(vram + (800 * 599 + 799) * cases[i].bytes, &cases[i].raw, cases[i].bytes);
		render(&r);
		CHECK_EQ(r.disp.width, 800);
		CHECK_EQ(r.disp.height, 600);
		if (cases[i].bpp == 8)
			CHECK_EQ(dot(&r, 799, 599), 0x55);
		else
			CHECK_EQ(r.disp.pixels[800 * 600 - 1], cases[i].rgb);
		CHECK_EQ(r.disp.pixels[0] & 0xffffff, 0);
	}
	rig_fini(&r);
}

TEST(vbe_banks_virtual_screens_and_limits)
{
	struct rig r;
	uint8_t *vram;

	rig_init(&r);
	set_mode(&r, &mode_13);
	vram = r.f.region_mem[R_VRAM];
	memset(vram, 0xee, 4096);
	vbe_mode(&r, 640, 480, 8, 0x80);
	CHECK_EQ(vram[0], 0xee);
	vbe_mode(&r, 640, 480, 8, 0);
	CHECK_EQ(vram[0], 0);
	dispi(&r, 5, 3);
	poke(&r, 0xa1234, 0x77);
	CHECK_EQ(vram[0x31234], 0x77);
	CHECK_EQ(peek(&r, 0xa1234), 0x77);
	dispi(&r, 6, 1024);
	CHECK_EQ(dispi_get(&r, 6), 1024);
	CHECK_EQ(dispi_get(&r, 7), 16384);
	dispi(&r, 8, 3);
	dispi(&r, 9, 10);
	vram[1024 * 10 + 3] = 0x21;
	render(&r);
	CHECK_EQ(dot(&r, 0, 0), 0x21);
	dispi(&r, 8, 500); /* past the right edge: refused */
	CHECK_EQ(dispi_get(&r, 8), 3);
	/* what does not fit stays off; capabilities */
	vbe_mode(&r, 2560, 2048, 32, 0x40);
	CHECK_EQ(dispi_get(&r, 4) & 1, 0);
	CHECK_EQ(r.f.guest_errors, 1);
	dispi(&r, 4, 2);
	CHECK_EQ(dispi_get(&r, 1), 2560);
	CHECK_EQ(dispi_get(&r, 3), 32);
	dispi(&r, 4, 0);
	CHECK_EQ(dispi_get(&r, 1), 2560);
	dispi(&r, 1, 5000);
	CHECK_EQ(dispi_get(&r, 1), 2560);
	dispi(&r, 3, 7);
	CHECK_EQ(dispi_get(&r, 3), 32);
	/* the memory-mapped copy */
	CHECK_EQ(fake_read(&r.f, R_MMIO, 0x500, 2), 0xb0c5);
	fake_write(&r.f, R_MMIO, 0x506, 2, 16);
	CHECK_EQ(dispi_get(&r, 3), 16);
	fake_write(&r.f, R_MMIO, 0x400 + 0xe, 2, 0x3408);
	CHECK_EQ(fake_read(&r.f, R_MMIO, 0x400 + 0xf, 1), 0x34);
	rig_fini(&r);
}

TEST(vbe_planar_modes_reach_beyond_the_vga)
{
	struct rig r;

	rig_init(&r);
	set_mode(&r, &mode_12);
	vbe_mode(&r, 1024, 768, 4, 0);
	dispi(&r, 5, 1);
	poke(&r, 0xa0000 + 128 * 767 + 127 - 65536, 0x01);
	out_indexed(&r, 0x3c4, 2, 9);
	poke(&r, 0xa0000 + 128 * 600 - 65536, 0x80);
	render(&r);
	CHECK_EQ(r.disp.width, 1024);
	CHECK_EQ(dot(&r, 1023, 767), 0xf);
	CHECK_EQ(dot(&r, 1022, 767), 0);
	CHECK_EQ(dot(&r, 0, 600), 9);
	CHECK_EQ(dot(&r, 1, 600), 0);
	rig_fini(&r);
}

TEST(vbe_8_bit_look_up_table)
{
	struct rig r;

	rig_init(&r);
	set_mode(&r, &mode_13);
	vbe_mode(&r, 640, 480, 8, 0x20);
	out(&r, 0x3c8, 0);
	out(&r, 0x3c9, 0x81);
	out(&r, 0x3c9, 0xff);
	out(&r, 0x3c9, 0x01);
	render(&r);
	CHECK_EQ(r.disp.pixels[0], 0x81ff01);
	rig_fini(&r);
}

TEST(legacy_addresses_are_mapped_at_reset)
{
	struct rig r;

	rig_init(&r);
	CHECK_EQ(r.f.map_addr[R_PORTS], 0x3b0);
	CHECK_EQ(r.f.map_addr[R_DISPI], 0x1ce);
	CHECK_EQ(r.f.map_addr[R_WINDOW], 0xa0000);
	rig_fini(&r);
}

TEST_MAIN()
