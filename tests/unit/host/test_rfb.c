/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The RFB server as a viewer sees it: bytes in, bytes out, pixels decoded again. */
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/loop.h"
#include "base/mem.h"
#include "host/display/rfb_client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

struct rig {
	struct rfb_env env;
	struct display disp;
	struct input_sink input;
	struct rfb_client c;
	bool wants_abs;
	unsigned leds;
	char log[512];
	unsigned x, y, buttons;
	int dx, dy, wheel;
	/* the viewer */
	struct buf r; /* reads c.out */
	uint32_t *view;
	unsigned w, h;
	z_stream z;
	struct buf news; /* pseudo-encodings seen, 4 bytes each */
};

static void
sink_key(void *ctx, unsigned scancode, bool down)
{
	struct rig *g = ctx;
	size_t n = strlen(g->log);

	snprintf(g->log + n, sizeof(g->log) - n, "%s%s%x", n ? " " : "", down ? "" : "-", scancode);
}

static void
sink_abs(void *ctx, unsigned x, unsigned y, unsigned buttons, int wheel)
{
	struct rig *g = ctx;

	g->x = x;
	g->y = y;
	g->buttons = buttons;
	g->wheel = wheel;
}

static void
sink_rel(void *ctx, int dx, int dy, unsigned buttons, int wheel)
{
	struct rig *g = ctx;

	g->dx = dx;
	g->dy = dy;
	g->buttons = buttons;
}

static bool
sink_wants_abs(void *ctx)
{
	return ((struct rig *)ctx)->wants_abs;
}

static unsigned
sink_leds(void *ctx)
{
	return ((struct rig *)ctx)->leds;
}

static void
rig_init(struct rig *g, unsigned w, unsigned h)
{
	memset(g, 0, sizeof(*g));
	display_init(&g->disp);
	display_resize(&g->disp, w, h);
	g->wants_abs = true;
	g->input =
	    (struct input_sink){ g, sink_key, sink_abs, sink_rel, sink_wants_abs, sink_leds };
	g->env = (struct rfb_env){ .display = &g->disp, .input = &g->input, .name = "test" };
	rfb_client_init(&g->c, &g->env);
	inflateInit(&g->z);
	buf_init(&g->news, 4096);
}

static void
rig_fini(struct rig *g)
{
	rfb_client_fini(&g->c);
	display_fini(&g->disp);
	inflateEnd(&g->z);
	mem_free(g->view);
	buf_fini(&g->news);
}

static bool
feed(struct rig *g, const void *p, size_t len)
{
	return rfb_client_feed(&g->c, p, len);
}

/* What the server sent since the last time. */
static void
take(struct rig *g)
{
	buf_reader(&g->r, g->c.out.data, g->c.out.len);
	g->r.pos = g->c.out.pos;
	g->c.out.pos = g->c.out.len;
}

static unsigned
be16(struct buf *b)
{
	unsigned hi = buf_get_u8(b);

	return hi << 8 | buf_get_u8(b);
}

static uint32_t
be32(struct buf *b)
{
	uint32_t hi = be16(b);

	return hi << 16 | be16(b);
}

static void
set_view(struct rig *g, unsigned w, unsigned h)
{
	mem_free(g->view);
	g->view = try_alloc((size_t)w * h, 4);
	g->w = w;
	g->h = h;
}

static bool
connect_38(struct rig *g)
{
	char name[16] = { 0 };

	take(g);
	if (memcmp(buf_get_ptr(&g->r, 12), "RFB 003.008\n", 12) != 0)
		return false;
	if (!feed(g, "RFB 003.008\n", 12))
		return false;
	take(g);
	if (buf_get_u8(&g->r) != 1 || buf_get_u8(&g->r) != 1 || !feed(g, "\1", 1))
		return false;
	take(g);
	if (be32(&g->r) != 0 || !feed(g, "\1", 1))
		return false;
	take(g);
	unsigned w = be16(&g->r), h = be16(&g->r);

	set_view(g, w, h);
	buf_get_ptr(&g->r, 16);
	if (be32(&g->r) != 4 || !buf_get(&g->r, name, 4))
		return false;
	return !strcmp(name, "test") && g->r.pos == g->r.len;
}

static void
encodings(struct rig *g, const int *list, unsigned n)
{
	uint8_t msg[4 + 64 * 4] = { 2, 0, 0, (uint8_t)n };

	for (unsigned i = 0; i < n; i++)
		put_be32(msg + 4 + i * 4, (uint32_t)list[i]);
	feed(g, msg, 4 + n * 4);
}

static void
request(struct rig *g, bool incremental)
{
	uint8_t msg[10] = { 3, incremental, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };

	feed(g, msg, sizeof(msg));
}

static uint32_t
cpixel(struct buf *b, unsigned bytes)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint32_t)buf_get_u8(b) << (8 * i);
	return v;
}

static void
zrle_runs(struct buf *b, unsigned cp, const uint32_t *pal, uint32_t *px, unsigned n)
{
	for (unsigned i = 0; i < n;) {
		unsigned run = 1, c, code = pal ? buf_get_u8(b) : 0;
		uint32_t v = pal ? pal[code & 0x7f] : cpixel(b, cp);

		if (!pal || (code & 0x80)) {
			do {
				c = buf_get_u8(b);
				run += c;
			} while (c == 255);
		}
		if (b->failed || run > n - i) {
			b->failed = true;
			return;
		}
		while (run--)
			px[i++] = v;
	}
}

static void
zrle_tile(struct buf *b, unsigned cp, uint32_t *px, unsigned w, unsigned h)
{
	unsigned sub = buf_get_u8(b), colors = sub & 0x7f;
	uint32_t pal[128];

	for (unsigned i = 0; i < colors; i++)
		pal[i] = cpixel(b, cp);
	if (sub >= 128) {
		zrle_runs(b, cp, colors ? pal : NULL, px, w * h);
	} else if (sub == 0) {
		for (unsigned i = 0; i < w * h; i++)
			px[i] = cpixel(b, cp);
	} else if (sub == 1) {
		for (unsigned i = 0; i < w * h; i++)
			px[i] = pal[0];
	} else {
		unsigned bits = colors <= 2 ? 1 : colors <= 4 ? 2 : 4;

		for (unsigned y = 0; y < h; y++) {
			unsigned byte = 0, left = 0;

			for (unsigned x = 0; x < w; x++, left -= bits) {
				if (!left) {
					byte = buf_get_u8(b);
					left = 8;
				}
				px[y * w + x] = pal[byte >> (left - bits) & ((1u << bits) - 1)];
			}
		}
	}
}

static bool
zrle_rect(struct rig *g, unsigned x, unsigned y, unsigned w, unsigned h, unsigned cp)
{
	uint32_t len = be32(&g->r);
	size_t room = (size_t)w * h * 6 + 65536;
	uint8_t *plain = try_alloc(room, 1);
	const uint8_t *in = buf_get_ptr(&g->r, len);
	static uint32_t px[64 * 64];
	struct buf b;

	if (!in)
		return false;
	g->z.next_in = (uint8_t *)(uintptr_t)in;
	g->z.avail_in = len;
	g->z.next_out = plain;
	g->z.avail_out = (uInt)room;
	if (inflate(&g->z, Z_SYNC_FLUSH) != Z_OK)
		return false;
	buf_reader(&b, plain, room - g->z.avail_out);
	for (unsigned ty = 0; ty < h; ty += 64) {
		for (unsigned tx = 0; tx < w; tx += 64) {
			unsigned tw = w - tx < 64 ? w - tx : 64, th = h - ty < 64 ? h - ty : 64;

			zrle_tile(&b, cp, px, tw, th);
			for (unsigned i = 0; i < tw * th; i++)
				g->view[(y + ty + i / tw) * g->w + x + tx + i % tw] = px[i];
		}
	}
	mem_free(plain);
	return !b.failed && b.pos == b.len;
}

/* Reads one update; the number of pixel rectangles, or -1. bytes: of a pixel. */
static int
update(struct rig *g, unsigned bytes, unsigned cp)
{
	bool sent;
	int rects = 0;

	if (!rfb_client_update(&g->c, &sent))
		return -1;
	take(g);
	if (!sent)
		return g->r.pos == g->r.len ? 0 : -1;
	if (be16(&g->r) != 0)
		return -1;
	for (unsigned n = be16(&g->r); n; n--) {
		unsigned x = be16(&g->r), y = be16(&g->r), w = be16(&g->r), h = be16(&g->r);
		int enc = (int)be32(&g->r);

		if (enc < 0)
			buf_put_u32(&g->news, (uint32_t)enc);
		else if (x + w > g->w || y + h > g->h)
			return -1;
		rects += enc >= 0;
		if (enc == RFB_ENC_RAW) {
			for (unsigned i = 0; i < w * h; i++)
				g->view[(y + i / w) * g->w + x + i % w] = cpixel(&g->r, bytes);
		} else if (enc == RFB_ENC_ZRLE) {
			if (!zrle_rect(g, x, y, w, h, cp))
				return -1;
		} else if (enc == RFB_ENC_CURSOR) {
			buf_get_ptr(&g->r, (size_t)w * h * bytes + (w + 7) / 8 * h);
		} else if (enc == RFB_ENC_LED_STATE) {
			g->x = buf_get_u8(&g->r);
		} else if (enc == RFB_ENC_EXT_DESKTOP_SIZE || enc == RFB_ENC_DESKTOP_SIZE) {
			buf_get_ptr(&g->r, enc == RFB_ENC_DESKTOP_SIZE ? 0 : 20);
			if (!x && !y)
				set_view(g, w, h);
		} else if (enc == RFB_ENC_POINTER_TYPE) {
			g->x = x;
		}
	}
	return g->r.failed || g->r.pos != g->r.len ? -1 : rects;
}

static bool
view_equals(const struct rig *g)
{
	for (unsigned i = 0; i < g->w * g->h; i++) {
		if (g->view[i] != (g->disp.pixels[i] & 0xffffff))
			return false;
	}
	return true;
}

/* Tiles of every kind: solid, few colours, noise, runs. */
static void
paint(struct rig *g, unsigned seed)
{
	for (unsigned y = 0; y < g->disp.height; y++) {
		for (unsigned x = 0; x < g->disp.width; x++) {
			unsigned kind = (x / 64 + y / 64 + seed) % 6,
				 n = x * 7919 + y * 104729 + seed;
			uint32_t v = 0x224466;

			if (kind == 1)
				v = n % 2 ? 0xffffff : 0;
			else if (kind == 2)
				v = n % 13 * 0x010203;
			else if (kind == 3)
				v = n * 2654435761u >> 8;
			else if (kind == 4)
				v = (x / 9 + y * 3) * 0x000501 & 0xffffff;
			else if (kind == 5)
				v = x / 30 % 40 * 0x30100;
			g->disp.pixels[y * g->disp.width + x] = v;
		}
	}
}

TEST(raw_update_shows_the_picture_then_only_changes)
{
	static struct rig g;

	rig_init(&g, 200, 130);
	paint(&g, 0);
	CHECK(connect_38(&g));
	CHECK_EQ(g.w, 200);
	CHECK_EQ(update(&g, 4, 4), 0); /* not asked for */
	request(&g, false);
	CHECK(update(&g, 4, 4) > 0);
	CHECK(view_equals(&g));
	request(&g, true);
	CHECK_EQ(update(&g, 4, 4), 0);
	g.disp.pixels[129 * 200 + 199] ^= 1;
	CHECK_EQ(update(&g, 4, 4), 1);
	CHECK(view_equals(&g));
	CHECK_EQ(update(&g, 4, 4), 0);
	request(&g, false);
	CHECK(update(&g, 4, 4) >= 3);
	rig_fini(&g);
}

TEST(zrle_update_decodes_to_the_picture)
{
	static struct rig g;
	static const int list[] = { 7, RFB_ENC_ZRLE, RFB_ENC_RAW };

	rig_init(&g, 500, 333);
	CHECK(connect_38(&g));
	encodings(&g, list, 3);
	for (unsigned seed = 0; seed < 8; seed++) {
		paint(&g, seed);
		request(&g, seed > 0);
		CHECK(update(&g, 4, 3) > 0);
		CHECK(view_equals(&g));
	}
	rig_fini(&g);
}

TEST(pixel_formats_are_converted)
{
	static const struct {
		uint8_t msg[20];
		unsigned bytes;
		uint32_t white, red;
	} cases[] = {
		{ { 0, 0, 0, 0, 16, 16, 0, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0 }, 2, 0xffff, 0xf800 },
		{ { 0, 0, 0, 0, 16, 16, 1, 1, 0, 31, 0, 63, 0, 31, 11, 5, 0 }, 2, 0xffff, 0x00f8 },
		{ { 0, 0, 0, 0, 8, 8, 0, 1, 0, 7, 0, 7, 0, 3, 0, 3, 6 }, 1, 0xff, 0x07 },
		{ { 0, 0, 0, 0, 32, 24, 1, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0 }, 4, 0xffffff00,
		    0x0000ff00 },
	};
	static struct rig g;

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		rig_init(&g, 64, 64);
		CHECK(connect_38(&g));
		CHECK(feed(&g, cases[i].msg, 20));
		g.disp.pixels[0] = 0xffffff;
		g.disp.pixels[1] = 0xff0000;
		request(&g, false);
		CHECK(update(&g, cases[i].bytes, 0) > 0);
		CHECK_EQ(g.view[0], cases[i].white);
		CHECK_EQ(g.view[1], cases[i].red);
		CHECK_EQ(g.view[2], 0);
		rig_fini(&g);
	}
}

TEST(colour_maps_are_offered_to_8_bit_clients)
{
	static const uint8_t mapped[20] = { 0, 0, 0, 0, 8, 8, 0, 0 };
	static struct rig g;

	rig_init(&g, 64, 64);
	CHECK(connect_38(&g));
	CHECK(feed(&g, mapped, 20));
	take(&g);
	CHECK_EQ(be16(&g.r), 0x0100);
	CHECK_EQ(be16(&g.r), 0);
	CHECK_EQ(be16(&g.r), 256);
	CHECK_EQ(g.r.len - g.r.pos, 256 * 6);
	rig_fini(&g);
}

TEST(zrle_pixels_of_big_endian_clients)
{
	static const uint8_t format[20] = { 0, 0, 0, 0, 32, 24, 1, 1, 0, 255, 0, 255, 0, 255, 16, 8,
		0 };
	static const int list[] = { RFB_ENC_ZRLE };
	static struct rig g;

	rig_init(&g, 64, 64);
	CHECK(connect_38(&g));
	CHECK(feed(&g, format, 20));
	encodings(&g, list, 1);
	g.disp.pixels[5] = 0x123456;
	request(&g, false);
	CHECK_EQ(update(&g, 4, 3), 1);
	CHECK_EQ(g.view[5], 0x563412); /* bytes 12 34 56 */
	rig_fini(&g);
}

TEST(older_versions_connect)
{
	static struct rig g;

	rig_init(&g, 64, 64);
	CHECK(feed(&g, "RFB 003.003\n", 12));
	take(&g);
	buf_get_ptr(&g.r, 12);
	CHECK_EQ(be32(&g.r), 1);
	CHECK(feed(&g, "\0", 1));
	take(&g);
	CHECK_EQ(be16(&g.r), 64);
	rig_fini(&g);
	rig_init(&g, 64, 64);
	CHECK(feed(&g, "RFB 003.007\n\1\1", 14));
	take(&g);
	buf_get_ptr(&g.r, 12 + 2);
	CHECK_EQ(be16(&g.r), 64); /* no result in 3.7 */
	rig_fini(&g);
}

TEST(size_changes_are_told)
{
	static const int ext[] = { RFB_ENC_DESKTOP_SIZE, RFB_ENC_EXT_DESKTOP_SIZE };
	static struct rig g;

	for (unsigned n = 0; n <= 2; n++) {
		rig_init(&g, 128, 64);
		CHECK(connect_38(&g));
		encodings(&g, ext, n);
		request(&g, false);
		CHECK(update(&g, 4, 4) > 0);
		buf_clear(&g.news);
		display_resize(&g.disp, 100, 200);
		paint(&g, 3);
		request(&g, true);
		if (n) {
			CHECK_EQ(update(&g, 4, 4), 0);
			CHECK_EQ(g.news.len, 4);
			CHECK_EQ(get_le32(g.news.data), (uint32_t)ext[n - 1]);
			CHECK_EQ(g.w, 100);
			CHECK_EQ(g.h, 200);
			request(&g, true);
			CHECK(update(&g, 4, 4) > 0);
			CHECK(view_equals(&g));
		} else { /* cut, with a black border */
			CHECK(update(&g, 4, 4) > 0);
			CHECK_EQ(g.w, 128);
			CHECK_EQ(g.view[63 * 128 + 99], g.disp.pixels[63 * 100 + 99]);
			CHECK_EQ(g.view[100], 0);
		}
		rig_fini(&g);
	}
}

TEST(news_come_once)
{
	static const int list[] = { RFB_ENC_CURSOR, RFB_ENC_EXT_KEY, RFB_ENC_LED_STATE,
		RFB_ENC_POINTER_TYPE };
	static struct rig g;

	rig_init(&g, 64, 64);
	CHECK(connect_38(&g));
	encodings(&g, list, 4);
	request(&g, false);
	CHECK(update(&g, 4, 4) > 0);
	CHECK_EQ(g.news.len, 16);
	buf_clear(&g.news);
	request(&g, true);
	CHECK_EQ(update(&g, 4, 4), 0);
	CHECK_EQ(g.news.len, 0);
	g.leds = 5;
	CHECK_EQ(update(&g, 4, 4), 0);
	CHECK_EQ(g.news.len, 4);
	CHECK_EQ(g.x, 5);
	request(&g, true);
	g.wants_abs = false;
	CHECK_EQ(update(&g, 4, 4), 0);
	CHECK_EQ(g.news.len, 8);
	CHECK_EQ(g.x, 0);
	rig_fini(&g);
}

static void
key(struct rig *g, uint32_t keysym, bool down)
{
	uint8_t msg[8] = { 4, down };

	put_be32(msg + 4, keysym);
	feed(g, msg, 8);
}

TEST(keys_arrive_and_are_released_at_the_end)
{
	static struct rig g;
	uint8_t ext[12] = { 255, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0xcd };

	rig_init(&g, 64, 64);
	CHECK(connect_38(&g));
	key(&g, 'a', true);
	key(&g, 'a', false);
	CHECK_STR(g.log, "1e -1e");
	g.log[0] = 0;
	key(&g, 'A', true); /* without Shift down: it is added */
	key(&g, 'A', false);
	CHECK_STR(g.log, "2a 1e -2a -1e");
	g.log[0] = 0;
	key(&g, 0xffe1, true);
	key(&g, '!', true);
	key(&g, '!', false);
	key(&g, 0xffe1, false);
	CHECK_STR(g.log, "2a 2 -2 -2a");
	g.log[0] = 0;
	key(&g, 0xffe1, true); /* another layout has '=' on a shifted key */
	key(&g, '=', true);
	key(&g, '=', false);
	key(&g, 0xffe1, false);
	CHECK_STR(g.log, "2a -2a d 2a -d -2a");
	g.log[0] = 0;
	CHECK(feed(&g, ext, 12));
	CHECK_STR(g.log, "e04d");
	key(&g, 0x1008ff11, true); /* no such key */
	key(&g, 'z', false);       /* never went down */
	CHECK_STR(g.log, "e04d");
	rfb_client_fini(&g.c);
	CHECK_STR(g.log, "e04d -e04d");
	rfb_client_init(&g.c, &g.env);
	rig_fini(&g);
}

TEST(pointer_is_absolute_or_relative)
{
	static struct rig g;

	rig_init(&g, 101, 51);
	CHECK(connect_38(&g));
	CHECK(feed(&g, "\5\1\0\144\0\31", 6)); /* 100, 25 */
	CHECK_EQ(g.x, 32767);
	CHECK_EQ(g.y, 16383);
	CHECK_EQ(g.buttons, 1);
	CHECK(feed(&g, "\5\10\0\0\0\0", 6));
	CHECK_EQ(g.wheel, 1);
	CHECK(feed(&g, "\5\0\0\0\0\0", 6));
	CHECK_EQ(g.wheel, 0);
	CHECK(feed(&g, "\5\20\377\377\377\377", 6));
	CHECK_EQ(g.wheel, -1);
	CHECK_EQ(g.x, 32767);
	CHECK(feed(&g, "\5\0\0\12\0\12", 6));
	g.wants_abs = false;
	CHECK(feed(&g, "\5\4\0\7\0\24", 6));
	CHECK_EQ(g.dx, -3);
	CHECK_EQ(g.dy, 10);
	CHECK_EQ(g.buttons, 4);
	rig_fini(&g);
}

TEST(cut_text_is_dropped_and_bounded)
{
	static struct rig g;
	static const uint8_t zeros[5000];

	rig_init(&g, 64, 64);
	CHECK(connect_38(&g));
	CHECK(feed(&g, "\6\0\0\0\0\0\23\210", 8)); /* 5000 */
	CHECK(feed(&g, zeros, 4999));
	CHECK(feed(&g, "x", 1));
	key(&g, 'b', true);
	CHECK_STR(g.log, "30");
	CHECK(!feed(&g, "\6\0\0\0\377\377\377\377", 8));
	rig_fini(&g);
}

TEST(what_the_protocol_forbids_ends_the_connection)
{
	static const struct {
		const char *bytes;
		unsigned len;
	} bad[] = {
		{ "\7", 1 },                                                  /* no such message */
		{ "\2\0\377\377", 4 },                                        /* 65535 encodings */
		{ "\0\0\0\0\30\30\0\1\0\377\0\377\0\377\20\10\0\0\0\0", 20 }, /* 24 bits a pixel */
		{ "\0\0\0\0\20\20\0\1\0\377\0\377\0\377\20\10\0\0\0\0", 20 }, /* red outside */
		{ "\0\0\0\0\40\30\0\1\0\0\0\377\0\377\20\10\0\0\0\0", 20 },   /* no red */
		{ "\0\0\0\0\40\30\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20 },         /* mapped 32 bits */
		{ "\377\1\0\0\0\0\0\0\0\0\0\0", 12 },                         /* audio */
		{ "\373\0\0\1\0\1\1\0", 8 }, /* resizing was not announced */
		{ "\373\0\0\1\0\1\377\0", 8 },
	};
	static struct rig g;
	bool alive;

	for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
		rig_init(&g, 64, 64);
		CHECK(connect_38(&g));
		alive = feed(&g, bad[i].bytes, bad[i].len);
		if (alive)
			alive = feed(&g, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
		if (alive)
			test_fail(__FILE__, __LINE__, "case %u accepted", i);
		rig_fini(&g);
	}
	rig_init(&g, 64, 64);
	CHECK(!feed(&g, "GET / HTTP/1.1\r\n", 16));
	rig_fini(&g);
	rig_init(&g, 64, 64);
	CHECK(!feed(&g, "RFB 003.008\n\2", 13));
	CHECK(g.c.out.len > 14 + 8); /* says why */
	rig_fini(&g);
}

/* ---- the sockets ---- */

static void
render_blue(void *ctx, struct display *d)
{
	display_resize(d, 64, 64);
	for (unsigned i = 0; i < 64 * 64; i++)
		d->pixels[i] = 0xff;
}

TEST(server_serves_a_socket)
{
	struct display d;
	struct loop *l = loop_create();
	struct rfb_env env = { .loop = l, .display = &d, .name = "x" };
	struct rfb *r;
	int fds[2];
	uint8_t got[64 * 64 * 4 + 1024];
	size_t n = 0;

	display_init(&d);
	d.render = render_blue;
	CHECK(l);
	r = rfb_create(&env, -1);
	CHECK(r);
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
	CHECK_EQ(rfb_add_client(r, fds[1]), 0);
	CHECK_EQ(rfb_clients(r), 1);
	CHECK_EQ(send(fds[0], "RFB 003.008\n\1\1\3\0\0\0\0\0\0\100\0\100", 24, 0), 24);
	/* version 12, security 2, result 4, init 24 + 1, update 4 + 12 + pixels */
	for (unsigned i = 0; i < 200 && n < 12 + 2 + 4 + 25 + 4 + 12 + 64 * 64 * 4; i++) {
		ssize_t k;

		loop_turn(l, 50);
		k = recv(fds[0], got + n, sizeof(got) - n, 0);
		if (k > 0)
			n += (size_t)k;
	}
	CHECK_EQ(n, 43 + 4 + 12 + 64 * 64 * 4);
	CHECK_EQ(get_be16(got + 18), 64);
	CHECK_EQ(get_be32(got + n - 4), 0xff000000);
	close(fds[0]);
	for (unsigned i = 0; i < 20 && rfb_clients(r); i++)
		loop_turn(l, 50);
	CHECK_EQ(rfb_clients(r), 0);
	rfb_destroy(r);
	loop_destroy(l);
	display_fini(&d);
}

TEST(server_refuses_the_ninth_viewer)
{
	struct display d;
	struct loop *l = loop_create();
	struct rfb_env env = { .loop = l, .display = &d };
	struct rfb *r = rfb_create(&env, -1);
	int mine[RFB_MAX_CLIENTS + 1];

	display_init(&d);
	for (unsigned i = 0; i <= RFB_MAX_CLIENTS; i++) {
		int fds[2];

		CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds));
		mine[i] = fds[0];
		CHECK_EQ(rfb_add_client(r, fds[1]), i < RFB_MAX_CLIENTS ? 0 : -EMFILE);
	}
	rfb_destroy(r);
	loop_destroy(l);
	for (unsigned i = 0; i <= RFB_MAX_CLIENTS; i++)
		close(mine[i]);
	display_fini(&d);
}

TEST_MAIN()
