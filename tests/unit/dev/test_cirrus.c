/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The CL-GD5446: what a driver programs and what comes out. */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/bits.h"
#include "dev/types.h"
#include "host/display/display.h"

enum { R_LFB, R_MMIO, R_ROM, R_PORTS, R_WINDOW, R_VRAM };

#define W 640u

struct rig {
	struct fake_env f;
	struct display disp;
	uint8_t *vram;
};

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
seq(struct rig *r, unsigned i, unsigned val)
{
	fake_write(&r->f, R_PORTS, 0x14, 2, i | val << 8);
}

static void
gfx(struct rig *r, unsigned i, unsigned val)
{
	fake_write(&r->f, R_PORTS, 0x1e, 2, i | val << 8);
}

static void
gfx_n(struct rig *r, unsigned i, unsigned n, uint32_t val)
{
	while (n--) {
		gfx(r, i++, val & 0xff);
		val >>= 8;
	}
}

static unsigned
gfx_get(struct rig *r, unsigned i)
{
	out(r, 0x3ce, i);
	return in(r, 0x3cf);
}

static void
crtc(struct rig *r, unsigned i, unsigned val)
{
	fake_write(&r->f, R_PORTS, 0x24, 2, i | val << 8);
}

static void
hidden_dac(struct rig *r, unsigned val)
{
	for (unsigned i = 0; i < 4; i++)
		in(r, 0x3c6);
	out(r, 0x3c6, val);
}

/* 640x480; sr7 chooses the format */
static void
start(struct rig *r, unsigned sr7, unsigned stride)
{
	static const uint8_t regs[25] = { 0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00,
		0x40, 0, 0, 0, 0, 0, 0, 0xea, 0x8c, 0xdf, 0x50, 0x00, 0xe7, 0x04, 0xe3, 0xff };

	memset(r, 0, sizeof(*r));
	display_init(&r->disp);
	fake_init(&r->f, &cirrus5446_type);
	fake_backend(&r->f, "display", &r->disp);
	fake_start(&r->f);
	r->vram = r->f.region_mem[R_VRAM];
	out(r, 0x3c2, 0xe3);
	for (unsigned i = 0; i < 25; i++)
		crtc(r, i, regs[i]);
	seq(r, 1, 1);
	seq(r, 2, 0x0f);
	seq(r, 4, 0x0e);
	seq(r, 6, 0x12);
	seq(r, 7, sr7);
	gfx(r, 5, 0x40);
	gfx(r, 6, 0x05);
	gfx(r, 8, 0xff);
	crtc(r, 0x13, stride / 8 & 0xff);
	crtc(r, 0x1b, 0x02 | (stride / 8 >> 8) << 4);
	in(r, 0x3da);
	out(r, 0x3c0, 0x20);
	for (unsigned i = 0; i < 256; i++) {
		out(r, 0x3c8, i);
		out(r, 0x3c9, 0);
		out(r, 0x3c9, i >> 6);
		out(r, 0x3c9, i & 0x3f);
	}
}

static void
stop(struct rig *r)
{
	fake_fini(&r->f);
	display_fini(&r->disp);
}

static void
render(struct rig *r)
{
	r->disp.render(r->disp.ctx, &r->disp);
}

static uint32_t
pixel(struct rig *r, unsigned x, unsigned y)
{
	return r->disp.pixels[y * r->disp.width + x];
}

TEST(extensions_are_locked_and_name_the_chip)
{
	static struct rig r;

	start(&r, 1, W);
	out(&r, 0x3d4, 0x27);
	CHECK_EQ(in(&r, 0x3d5), 0xb8);
	out(&r, 0x3c4, 6);
	CHECK_EQ(in(&r, 0x3c5), 0x12);
	seq(&r, 9, 0x5a);
	out(&r, 0x3c4, 6);
	out(&r, 0x3c5, 0);
	CHECK_EQ(in(&r, 0x3c5), 0x0f);
	seq(&r, 9, 0xa5);
	out(&r, 0x3c4, 9);
	CHECK_EQ(in(&r, 0x3c5), 0x5a);
	seq(&r, 6, 0x92);
	out(&r, 0x3c4, 6);
	CHECK_EQ(in(&r, 0x3c5), 0x12);
	out(&r, 0x3c4, 0x0f);
	CHECK_EQ(in(&r, 0x3c5) & 0x98, 0x98); /* 4 MiB */
	stop(&r);
}

TEST(pixel_formats)
{
	static const struct {
		unsigned sr7, hdr, bytes;
		uint32_t raw, rgb;
	} cases[] = {
		{ 0x01, 0x00, 1, 0x41, 0x000404 },
		{ 0x07, 0xc1, 2, 0xf81f, 0xff00ff },
		{ 0x07, 0xf0, 2, 0x7fe0, 0xffff00 },
		{ 0x05, 0xc5, 3, 0x102030, 0x102030 },
		{ 0x09, 0xc5, 4, 0x405060, 0x405060 },
	};
	static struct rig r;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		unsigned stride = W * cases[i].bytes;

		start(&r, cases[i].sr7, stride);
		hidden_dac(&r, cases[i].hdr);
		for (unsigned k = 0; k < 4; k++)
			in(&r, 0x3c6);
		CHECK_EQ(in(&r, 0x3c6), cases[i].hdr);
		memcpy(r.vram + stride * 479 + 639 * cases[i].bytes, &cases[i].raw, cases[i].bytes);
		render(&r);
		CHECK_EQ(r.disp.width, 640);
		CHECK_EQ(r.disp.height, 480);
		CHECK_EQ(pixel(&r, 639, 479), cases[i].rgb);
		CHECK_EQ(pixel(&r, 638, 479), 0);
		/* start address beyond 64 KiB of doublewords */
		crtc(&r, 0x1b, 0x03 | (stride / 8 >> 8) << 4);
		memcpy(r.vram + 0x40000, &cases[i].raw, cases[i].bytes);
		render(&r);
		CHECK_EQ(pixel(&r, 0, 0), cases[i].rgb);
		stop(&r);
	}
}

TEST(screen_off_counts_in_vga_modes_only)
{
	static struct rig r;

	start(&r, 1, W);
	r.vram[0] = 0x3f;
	seq(&r, 1, 0x21);
	render(&r);
	CHECK(pixel(&r, 0, 0) != 0);
	seq(&r, 7, 0);
	render(&r);
	CHECK_EQ(pixel(&r, 0, 0), 0);
	stop(&r);
}

TEST(banks_reach_all_memory)
{
	static struct rig r;

	start(&r, 1, W);
	gfx(&r, 0x0b, 0x20); /* 16 KiB units */
	gfx(&r, 9, 0xff);
	fake_write(&r.f, R_WINDOW, 0x3fff, 1, 0x77);
	CHECK_EQ(r.vram[0x3fffff], 0x77);
	gfx(&r, 0x0b, 0x01); /* 4 KiB, two banks */
	gfx(&r, 9, 1);
	gfx(&r, 0x0a, 0x10);
	fake_write(&r.f, R_WINDOW, 0, 4, 0x11223344);
	fake_write(&r.f, R_WINDOW, 0x8000, 1, 0x55);
	CHECK_EQ(get_le32(r.vram + 0x1000), 0x11223344);
	CHECK_EQ(r.vram[0x10000], 0x55);
	CHECK_EQ(fake_read(&r.f, R_WINDOW, 0x8000, 1), 0x55);
	/* write mode 4: eight pixels from a byte, only the ones */
	gfx(&r, 0x0b, 0x06);
	gfx(&r, 9, 0);
	gfx(&r, 1, 0x99);
	gfx(&r, 0, 0x66);
	gfx(&r, 5, 0x44);
	memset(r.vram, 0, 32);
	fake_write(&r.f, R_WINDOW, 1, 1, 0xa1);
	CHECK(!memcmp(r.vram + 8, "\x99\0\x99\0\0\0\0\x99", 8));
	gfx(&r, 5, 0x45);
	fake_write(&r.f, R_WINDOW, 2, 1, 0xf0);
	CHECK(!memcmp(r.vram + 16, "\x99\x99\x99\x99\x66\x66\x66\x66", 8));
	seq(&r, 2, 0x81); /* the map mask is a pixel mask here */
	fake_write(&r.f, R_WINDOW, 3, 1, 0xff);
	CHECK(!memcmp(r.vram + 24, "\x99\0\0\0\0\0\0\x99", 8));
	stop(&r);
}

static void
map_bar(struct rig *r)
{
	put_le32(r->f.dev.pci_config + 0x10, 0xf0000008);
	r->f.dev.pci_config[4] = 2;
	r->f.dev.type->pci->config_written(&r->f.dev, 4, 1);
}

static void
blit(struct rig *r, unsigned w, unsigned h, unsigned dst_pitch, unsigned src_pitch, uint32_t dst,
    uint32_t src, unsigned mode, unsigned rop)
{
	gfx_n(r, 0x20, 2, w - 1);
	gfx_n(r, 0x22, 2, h - 1);
	gfx_n(r, 0x24, 2, dst_pitch);
	gfx_n(r, 0x26, 2, src_pitch);
	gfx_n(r, 0x28, 3, dst);
	gfx_n(r, 0x2c, 3, src);
	gfx(r, 0x30, mode);
	gfx(r, 0x32, rop);
	gfx(r, 0x31, 2);
}

TEST(blits_copy_and_combine)
{
	static const struct {
		uint8_t rop, result; /* of source 0x0c and destination 0x0a, low four bits */
	} rops[] = {
		{ 0x00, 0x0 },
		{ 0x05, 0x8 },
		{ 0x06, 0xa },
		{ 0x09, 0x4 },
		{ 0x0b, 0x5 },
		{ 0x0d, 0xc },
		{ 0x0e, 0xf },
		{ 0x50, 0x2 },
		{ 0x59, 0x6 },
		{ 0x6d, 0xe },
		{ 0x90, 0x7 },
		{ 0x95, 0x9 },
		{ 0xad, 0xd },
		{ 0xd0, 0x3 },
		{ 0xd6, 0xb },
		{ 0xda, 0x1 },
	};
	static struct rig r;

	start(&r, 1, W);
	for (unsigned i = 0; i < ARRAY_SIZE(rops); i++) {
		r.vram[0] = 0x0c;
		r.vram[100] = 0x0a;
		blit(&r, 1, 1, W, W, 100, 0, 0, rops[i].rop);
		CHECK_EQ(r.vram[100] & 0xf, rops[i].result);
	}
	CHECK_EQ(gfx_get(&r, 0x31), 0);
	for (unsigned i = 0; i < 10; i++)
		r.vram[W * 10 + i] = r.vram[W * 11 + i] = (uint8_t)(i + 1);
	blit(&r, 10, 2, W, W, W * 20 + 5, W * 10, 0, 0x0d);
	CHECK(!memcmp(r.vram + W * 21 + 5, r.vram + W * 10, 10));
	CHECK_EQ(r.vram[W * 21 + 15], 0);
	/* backwards over itself, three to the right and one line down */
	blit(&r, 10, 2, W, W, W * 12 + 3 + 9, W * 11 + 9, 1, 0x0d);
	CHECK_EQ(r.vram[W * 12 + 3], 1);
	CHECK_EQ(r.vram[W * 12 + 12], 10);
	CHECK_EQ(r.vram[W * 11 + 3], 1);
	CHECK_EQ(r.vram[W * 11 + 2], 3);
	/* at the end of memory addresses wrap */
	blit(&r, 8192, 3, 8191, 8191, 0x3ffff0, 0x3ff000, 0, 0x0e);
	CHECK_EQ(r.vram[0x3fffff], 0xff);
	CHECK_EQ(r.vram[0], 0xff);
	stop(&r);
}

TEST(fills_and_patterns)
{
	static struct rig r;

	start(&r, 1, W);
	/* solid, 16 bits a pixel */
	gfx(&r, 1, 0x34);
	gfx(&r, 0x11, 0x12);
	gfx(&r, 0x33, 4);
	blit(&r, 8, 3, W, 0, W, 0, 0xd0, 0x0d);
	CHECK_EQ(get_le32(r.vram + W), 0x12341234);
	CHECK_EQ(get_le32(r.vram + W * 3 + 4), 0x12341234);
	CHECK_EQ(get_le32(r.vram + W * 3 + 8), 0);
	CHECK_EQ(get_le32(r.vram + W * 4), 0);
	gfx(&r, 0x33, 0);
	/* 8x8 colour pattern, beginning in its third row, two pixels left out */
	for (unsigned i = 0; i < 64; i++)
		r.vram[0x10000 + i] = (uint8_t)(i + 1);
	gfx(&r, 0x2f, 2);
	blit(&r, 20, 7, W, 0, W * 10, 0x10002, 0x40, 0x0d);
	gfx(&r, 0x2f, 0);
	CHECK_EQ(r.vram[W * 10 + 1], 0);
	CHECK_EQ(r.vram[W * 10 + 2], 2 * 8 + 2 + 1);
	CHECK_EQ(r.vram[W * 10 + 8], 2 * 8 + 1);
	CHECK_EQ(r.vram[W * 16 + 9], 0 * 8 + 1 + 1);
	/* one bit a pixel pattern, transparent */
	memcpy(r.vram + 0x20000, "\x81\0\0\0\0\0\0\xff", 8);
	memset(r.vram + W * 30, 0xee, W * 2);
	gfx(&r, 1, 7);
	blit(&r, 16, 2, W, 0, W * 30, 0x20007, 0xc8, 0x0d);
	CHECK(!memcmp(r.vram + W * 30, "\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7\7\xee", 17));
	CHECK(!memcmp(r.vram + W * 31, "\7\xee\xee\xee\xee\xee\xee\7\7\xee", 10));
	stop(&r);
}

TEST(system_data_feeds_blits_and_the_overlay_makes_room)
{
	static struct rig r;

	start(&r, 1, W);
	CHECK_EQ(r.f.map_addr[R_VRAM], DEV_UNMAPPED);
	map_bar(&r);
	CHECK_EQ(r.f.map_addr[R_VRAM], 0xf0000000);
	/* 5 bytes a line, padded to 8 */
	blit(&r, 5, 2, W, 0, W * 2, 0, 0x04, 0x0d);
	CHECK(gfx_get(&r, 0x31) & 1);
	CHECK_EQ(r.f.map_addr[R_VRAM], DEV_UNMAPPED);
	fake_write(&r.f, R_LFB, 0, 4, 0x04030201);
	fake_write(&r.f, R_LFB, 4, 4, 0xffffff05);
	fake_write(&r.f, R_WINDOW, 0, 4, 0x14131211);
	CHECK(gfx_get(&r, 0x31) & 1);
	fake_write(&r.f, R_LFB, 16 << 20, 4, 0xffffff15);
	CHECK(!(gfx_get(&r, 0x31) & 1));
	CHECK_EQ(r.f.map_addr[R_VRAM], 0xf0000000);
	CHECK(!memcmp(r.vram + W * 2, "\1\2\3\4\5\0", 6));
	CHECK(!memcmp(r.vram + W * 3, "\x11\x12\x13\x14\x15\0", 6));
	/* text: 10 pixels of 32 bits, lines byte aligned, in two colours */
	gfx_n(&r, 0x00, 1, 1);
	gfx(&r, 0x01, 0x02);
	gfx(&r, 0x15, 0x99);
	blit(&r, 40, 2, W, 0, W * 6, 0, 0xb4, 0x0d);
	fake_write(&r.f, R_WINDOW, 0, 4, 0x00ff4080);
	CHECK(!(gfx_get(&r, 0x31) & 1));
	CHECK_EQ(get_le32(r.vram + W * 6), 0x99000002);
	CHECK_EQ(get_le32(r.vram + W * 6 + 4), 1);
	CHECK_EQ(get_le32(r.vram + W * 6 + 36), 0x99000002);
	CHECK_EQ(get_le32(r.vram + W * 7 + 28), 0x99000002);
	CHECK_EQ(get_le32(r.vram + W * 7 + 32), 1);
	/* reset ends what waits */
	blit(&r, 5, 2, W, 0, W * 2, 0, 0x04, 0x0d);
	gfx(&r, 0x31, 4);
	CHECK(!(gfx_get(&r, 0x31) & 1));
	CHECK_EQ(r.f.map_addr[R_VRAM], 0xf0000000);
	/* the way back */
	blit(&r, 5, 1, 0, W, 0, W * 3, 0x02, 0x0d);
	CHECK_EQ(fake_read(&r.f, R_LFB, 0, 4), 0x14131211);
	CHECK_EQ(fake_read(&r.f, R_LFB, 0, 4) & 0xff, 0x15);
	CHECK(!(gfx_get(&r, 0x31) & 1));
	stop(&r);
}

TEST(transparent_copies_leave_the_key_out)
{
	static struct rig r;

	start(&r, 1, W);
	memcpy(r.vram, "\1\2\3\2\5", 5);
	memset(r.vram + W, 9, 5);
	gfx(&r, 0x34, 2);
	blit(&r, 5, 1, W, W, W, 0, 0x08, 0x0d);
	CHECK(!memcmp(r.vram + W, "\1\11\3\11\5", 5));
	stop(&r);
}

/* Any register values: nothing outside video memory is touched (seen by the sanitizer), and
 * data that is waited for ends the operation. */
TEST(random_blits_stay_inside_memory)
{
	static struct rig r;
	uint32_t x = 99;

	start(&r, 1, W);
	for (unsigned n = 0; n < 3000; n++) {
		for (unsigned i = 0x20; i <= 0x39; i++) {
			x ^= x << 13;
			x ^= x >> 17;
			x ^= x << 5;
			if (i != 0x31)
				gfx(&r, i, i == 0x23 || (i == 0x21 && n % 16) ? 0 : x & 0xff);
		}
		gfx(&r, 0x31, 2);
		for (unsigned i = 0; i < 50000 && (gfx_get(&r, 0x31) & 1); i++) {
			if (n & 1)
				fake_write(&r.f, R_LFB, x & 0x1fffff8, 8, x);
			else
				fake_read(&r.f, R_LFB, x & 0x1fffff8, 8);
			if (i == 2000)
				gfx(&r, 0x31, 4);
		}
		CHECK(!(gfx_get(&r, 0x31) & 1));
	}
	stop(&r);
}

TEST(blit_registers_in_memory)
{
	static struct rig r;

	start(&r, 1, W);
	gfx(&r, 0x33, 4);
	fake_write(&r.f, R_MMIO, 0x104, 1, 0x5a); /* foreground */
	fake_write(&r.f, R_MMIO, 0x108, 4, 3);    /* 4 wide, 1 high */
	fake_write(&r.f, R_MMIO, 0x10c, 4, W);
	fake_write(&r.f, R_MMIO, 0x110, 4, W * 5);
	fake_write(&r.f, R_MMIO, 0x118, 1, 0xc0);
	fake_write(&r.f, R_MMIO, 0x11a, 2, 0x040d);
	fake_write(&r.f, R_MMIO, 0x140, 1, 2);
	CHECK_EQ(get_le32(r.vram + W * 5), 0x5a5a5a5a);
	CHECK_EQ(fake_read(&r.f, R_MMIO, 0x140, 1) & 1, 0);
	/* at B8000h when SR17 says so; the VGA's registers in BAR1 */
	fake_write(&r.f, R_MMIO, 4, 2, 0x0417);
	fake_write(&r.f, R_WINDOW, 0x18004, 1, 0xa5);
	fake_write(&r.f, R_WINDOW, 0x18040, 1, 2);
	CHECK_EQ(get_le32(r.vram + W * 5), 0xa5a5a5a5);
	CHECK_EQ(fake_read(&r.f, R_WINDOW, 0x18004, 1), 0xa5);
	/* or at the end of the linear window, which is then no plain memory */
	map_bar(&r);
	CHECK_EQ(r.f.map_addr[R_VRAM], 0xf0000000);
	seq(&r, 0x17, 0x44);
	CHECK_EQ(r.f.map_addr[R_VRAM], DEV_UNMAPPED);
	CHECK_EQ(fake_read(&r.f, R_LFB, (4 << 20) - 256 + 4, 1), 0xa5);
	fake_write(&r.f, R_LFB, 100, 1, 0x12);
	CHECK_EQ(r.vram[100], 0x12);
	/* swapped views */
	fake_write(&r.f, R_LFB, (4 << 20) + 200, 2, 0x1234);
	CHECK_EQ(get_le16(r.vram + 200), 0x3412);
	fake_write(&r.f, R_LFB, (8 << 20) + 204, 4, 0x12345678);
	CHECK_EQ(get_le32(r.vram + 204), 0x78563412);
	stop(&r);
}

TEST(hardware_cursor)
{
	static struct rig r;
	uint8_t *shape;

	start(&r, 1, W);
	shape = r.vram + (4 << 20) - 16384 + 2 * 256;
	seq(&r, 0x13, 2);
	seq(&r, 0x12, 2); /* the cursor's colours */
	out(&r, 0x3c8, 0x0f);
	out(&r, 0x3c9, 0x3f);
	out(&r, 0x3c9, 0);
	out(&r, 0x3c9, 0);
	out(&r, 0x3c8, 0);
	out(&r, 0x3c9, 0);
	out(&r, 0x3c9, 0);
	out(&r, 0x3c9, 0x3f);
	seq(&r, 0x12, 1);
	shape[0] = 0x50;            /* plane 0: pixels 1 and 3 */
	shape[128] = 0x30;          /* plane 1: pixels 2 and 3 */
	seq(&r, 0x10 | 5 << 5, 10); /* x = 85 */
	seq(&r, 0x11 | 3 << 5, 2);  /* y = 19 */
	render(&r);
	CHECK_EQ(pixel(&r, 85, 19), 0);
	CHECK_EQ(pixel(&r, 86, 19), 0xffffff);
	CHECK_EQ(pixel(&r, 87, 19), 0x0000ff);
	CHECK_EQ(pixel(&r, 88, 19), 0xff0000);
	CHECK_EQ(pixel(&r, 86, 20), 0);
	/* palette entry 0 was not touched */
	out(&r, 0x3c7, 0x0f);
	in(&r, 0x3c9);
	in(&r, 0x3c9);
	CHECK_EQ(in(&r, 0x3c9), 0x0f);
	/* 64x64, at the edge */
	seq(&r, 0x12, 5);
	seq(&r, 0x13, 0);
	shape = r.vram + (4 << 20) - 16384;
	shape[63 * 16 + 7] = 1;
	shape[63 * 16 + 15] = 1;
	seq(&r, 0x10, 0);
	seq(&r, 0x11, 0);
	render(&r);
	CHECK_EQ(pixel(&r, 63, 63), 0xff0000);
	seq(&r, 0x10 | 7 << 5, 0x4f);
	seq(&r, 0x11 | 7 << 5, 0x3b);
	render(&r);
	stop(&r);
}

TEST(vga_modes_still_work)
{
	static struct rig r;

	start(&r, 0, W);
	gfx(&r, 6, 5);
	gfx(&r, 5, 0x40);
	fake_write(&r.f, R_WINDOW, 5, 1, 0x42);
	CHECK_EQ(fake_read(&r.f, R_WINDOW, 5, 1), 0x42);
	CHECK_EQ(r.vram[4 * 4 + 1], 0x42); /* plane 1, offset 4 */
	render(&r);
	CHECK_EQ(r.disp.width, 640);
	stop(&r);
}

TEST_MAIN()
