/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Framebuffer updates (RFC 6143, 7.6.1): the freshly rendered picture is compared with
 * what the client was sent last, in tiles, and the tiles that differ go out.  An
 * update is made only when the client asked and took everything before, so a slow client
 * costs one update of memory.
 */
#include "host/display/rfb_client.h"

#include "base/bits.h"
#include "base/mem.h"

#define BLANK_W 640u /* shown while the machine shows nothing */
#define BLANK_H 400u

#define CURSOR_SIZE 3u

unsigned
rfb_display_width(const struct display *d)
{
	return d->pixels && d->width && d->height ? d->width : BLANK_W;
}

unsigned
rfb_display_height(const struct display *d)
{
	return d->pixels && d->width && d->height ? d->height : BLANK_H;
}

static void
put_be(struct buf *b, unsigned bytes, uint32_t v)
{
	while (bytes--)
		buf_put_u8(b, (uint8_t)(v >> (bytes * 8)));
}

static void
put_rect(struct rfb_client *c, unsigned x, unsigned y, unsigned w, unsigned h, int encoding)
{
	put_be(&c->out, 2, x);
	put_be(&c->out, 2, y);
	put_be(&c->out, 2, w);
	put_be(&c->out, 2, h);
	put_be(&c->out, 4, (uint32_t)encoding);
}

/* ---- news that are not pixels ---- */

static void
put_ext_desktop_size(struct rfb_client *c)
{
	put_rect(c, 0, 0, c->width, c->height, RFB_ENC_EXT_DESKTOP_SIZE);
	put_be(&c->out, 4, 1u << 24); /* one screen, padding */
	put_be(&c->out, 4, 0);        /* its number */
	put_be(&c->out, 4, 0);
	put_be(&c->out, 2, c->width);
	put_be(&c->out, 2, c->height);
	put_be(&c->out, 4, 0);
}

/* A dot: where the viewer's own pointer is, without hiding the guest's. */
static void
put_cursor(struct rfb_client *c)
{
	static const uint32_t picture[CURSOR_SIZE * CURSOR_SIZE] = { 0, 0, 0, 0, 0xffffff, 0, 0, 0,
		0 };
	uint32_t *sent = c->sent;
	unsigned width = c->width;

	put_rect(c, 1, 1, CURSOR_SIZE, CURSOR_SIZE, RFB_ENC_CURSOR);
	c->width = CURSOR_SIZE;
	c->sent = (uint32_t[CURSOR_SIZE * CURSOR_SIZE]){ 0 };
	memcpy(c->sent, picture, sizeof(picture));
	rfb_encode_raw(c, 0, 0, CURSOR_SIZE, CURSOR_SIZE);
	c->width = width;
	c->sent = sent;
	for (unsigned y = 0; y < CURSOR_SIZE; y++)
		buf_put_u8(&c->out, 0xe0);
}

static unsigned
leds_now(const struct rfb_client *c)
{
	const struct input_sink *in = c->env->input;

	return in && in->leds ? in->leds(in->ctx) & 7 : 0;
}

static bool
relative_now(const struct rfb_client *c)
{
	const struct input_sink *in = c->env->input;

	return in && in->wants_abs && !in->wants_abs(in->ctx);
}

/* How many pseudo-rectangles were put. */
static unsigned
put_news(struct rfb_client *c)
{
	unsigned n = 0;

	if (c->todo & RFB_CAP_EXT_KEY) {
		put_rect(c, 0, 0, c->width, c->height, RFB_ENC_EXT_KEY);
		n++;
	}
	if (c->todo & RFB_CAP_CURSOR) {
		put_cursor(c);
		n++;
	}
	if (c->todo & RFB_CAP_LED_STATE) {
		put_rect(c, 0, 0, 0, 0, RFB_ENC_LED_STATE);
		buf_put_u8(&c->out, (uint8_t)c->leds);
		n++;
	}
	if (c->todo & RFB_CAP_POINTER_TYPE) {
		put_rect(c, !c->relative, 0, c->width, c->height, RFB_ENC_POINTER_TYPE);
		n++;
	}
	if (c->todo & RFB_CAP_EXT_DESKTOP_SIZE) {
		put_ext_desktop_size(c);
		n++;
	}
	c->todo = 0;
	return n;
}

static void
watch_news(struct rfb_client *c)
{
	unsigned leds = leds_now(c);
	bool relative = relative_now(c);

	if (leds != c->leds)
		c->todo |= c->caps & RFB_CAP_LED_STATE;
	if (relative != c->relative)
		c->todo |= c->caps & RFB_CAP_POINTER_TYPE;
	c->leds = leds;
	c->relative = relative;
}

/* ---- pixels ---- */

static uint32_t
pixel_at(const struct display *d, unsigned x, unsigned y)
{
	return x < d->width && y < d->height ? d->pixels[(size_t)y * d->width + x] & 0xffffff : 0;
}

/* Takes the display's pixels of a tile over; did any differ? A client that cannot resize
 * sees the picture cut or with a black border. */
static bool
take_tile(struct rfb_client *c, unsigned x, unsigned y, unsigned w, unsigned h)
{
	const struct display *d = c->env->display;
	bool shown = d->pixels && d->width && d->height;
	bool inside = shown && x + w <= d->width && y + h <= d->height;
	bool changed = false;

	for (unsigned i = 0; i < h; i++) {
		uint32_t *to = c->sent + (size_t)(y + i) * c->width + x;

		if (inside) {
			const uint32_t *from = d->pixels + (size_t)(y + i) * d->width + x;

			if (memcmp(to, from, w * sizeof(*to)) != 0) {
				memcpy(to, from, w * sizeof(*to));
				changed = true;
			}
			continue;
		}
		for (unsigned j = 0; j < w; j++) {
			uint32_t px = shown ? pixel_at(d, x + j, y + i) : 0;

			changed |= to[j] != px;
			to[j] = px;
		}
	}
	return changed;
}

static bool
put_pixels(struct rfb_client *c, unsigned x, unsigned y, unsigned w, unsigned h)
{
	put_rect(c, x, y, w, h, c->encoding);
	if (c->encoding == RFB_ENC_ZRLE)
		return rfb_encode_zrle(c, x, y, w, h);
	rfb_encode_raw(c, x, y, w, h);
	return true;
}

/* Changed tiles side by side become one rectangle. */
static bool
put_changes(struct rfb_client *c, unsigned *n)
{
	for (unsigned y = 0; y < c->height; y += RFB_TILE) {
		unsigned h = c->height - y < RFB_TILE ? c->height - y : RFB_TILE;
		unsigned start = 0, x;
		bool open = false;

		for (x = 0; x < c->width; x += RFB_TILE) {
			unsigned w = c->width - x < RFB_TILE ? c->width - x : RFB_TILE;
			bool changed = take_tile(c, x, y, w, h) || c->full;

			if (changed && !open)
				start = x;
			if (!changed && open) {
				if (!put_pixels(c, start, y, x - start, h))
					return false;
				++*n;
			}
			open = changed;
		}
		if (open) {
			if (!put_pixels(c, start, y, c->width - start, h))
				return false;
			++*n;
		}
	}
	return true;
}

static bool
resize(struct rfb_client *c, unsigned width, unsigned height)
{
	uint32_t *sent = try_alloc((size_t)width * height, sizeof(*sent));

	if (!sent)
		return false;
	mem_free(c->sent);
	c->sent = sent;
	c->width = width;
	c->height = height;
	c->full = true;
	return true;
}

/* When the size changed: that alone, the pixels wait for the next request. */
static bool
follow_size(struct rfb_client *c, unsigned *n)
{
	const struct display *d = c->env->display;
	unsigned width = rfb_display_width(d), height = rfb_display_height(d);

	if (width == c->width && height == c->height)
		return true;
	if (!(c->caps & (RFB_CAP_DESKTOP_SIZE | RFB_CAP_EXT_DESKTOP_SIZE)))
		return true;
	if (!resize(c, width, height))
		return false;
	if (c->caps & RFB_CAP_EXT_DESKTOP_SIZE)
		put_ext_desktop_size(c);
	else
		put_rect(c, 0, 0, width, height, RFB_ENC_DESKTOP_SIZE);
	c->todo &= ~(unsigned)RFB_CAP_EXT_DESKTOP_SIZE;
	++*n;
	return true;
}

bool
rfb_client_update(struct rfb_client *c, bool *ret_sent)
{
	size_t start = c->out.len;
	unsigned n = 0;

	*ret_sent = false;
	if (c->state != RFB_NORMAL || !c->requested || c->out.pos < c->out.len)
		return true;
	watch_news(c);
	put_be(&c->out, 4, 0); /* type 0, padding, number of rectangles */
	if (!c->sent && !resize(c, c->width, c->height))
		return false;
	if (!follow_size(c, &n))
		return false;
	if (!n) {
		n += put_news(c);
		if (!put_changes(c, &n))
			return false;
		c->full = false;
	}
	if (c->out.failed)
		return false;
	if (!n) {
		c->out.len = start;
		return true;
	}
	put_be16(c->out.data + start + 2, (uint16_t)n);
	c->requested = false;
	*ret_sent = true;
	return true;
}
