/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFB from the viewer's side: handshake (RFC 6143, 7.1 to 7.3) and client messages
 * (7.5), QEMU's extended key events.  Every length is checked before anything is
 * believed; what the protocol does not allow ends the connection.
 */
#include "host/display/rfb_client.h"

#include "base/bits.h"
#include "base/mem.h"
#include "host/display/keymap.h"

#include <stdio.h>

#define SECURITY_NONE   1
#define VERSION_BYTES   12u
#define MAX_SCREENS     16u
#define POINTER_CENTER  0x7fffu
#define BUTTON_WHEEL_UP 0x08u
#define BUTTON_WHEEL_DN 0x10u

static void
put_be(struct buf *b, unsigned bytes, uint32_t v)
{
	while (bytes--)
		buf_put_u8(b, (uint8_t)(v >> (bytes * 8)));
}

int
rfb_client_init(struct rfb_client *c, const struct rfb_env *env)
{
	static const struct rfb_wire_format wire = { 32, 24, 0, 1, 255, 255, 255, 16, 8, 0 };

	memset(c, 0, sizeof(*c));
	c->env = env;
	buf_init(&c->out, RFB_OUT_MAX);
	rfb_format_set(&c->format, &wire);
	c->encoding = RFB_ENC_RAW;
	buf_put(&c->out, "RFB 003.008\n", VERSION_BYTES);
	return 0;
}

/* ---- input ---- */

static void
send_key(struct rfb_client *c, unsigned scancode, bool down)
{
	const struct input_sink *in = c->env->input;
	unsigned i = 0;

	while (i < c->nkeys && c->keys[i] != scancode)
		i++;
	if (down && i == c->nkeys) {
		if (c->nkeys == RFB_MAX_KEYS_DOWN)
			return;
		c->keys[c->nkeys++] = (uint16_t)scancode;
	} else if (!down) {
		if (i == c->nkeys)
			return; /* never went down */
		c->keys[i] = c->keys[--c->nkeys];
	}
	if (in && in->key)
		in->key(in->ctx, scancode, down);
}

static bool
key_down(const struct rfb_client *c, unsigned scancode)
{
	for (unsigned i = 0; i < c->nkeys; i++) {
		if (c->keys[i] == scancode)
			return true;
	}
	return false;
}

static void
press_unshifted(struct rfb_client *c, unsigned scancode)
{
	static const uint16_t shifts[] = { KEY_LSHIFT, KEY_RSHIFT };
	bool held[ARRAY_SIZE(shifts)];

	for (unsigned i = 0; i < ARRAY_SIZE(shifts); i++) {
		held[i] = key_down(c, shifts[i]);
		if (held[i])
			send_key(c, shifts[i], false);
	}
	send_key(c, scancode, true);
	for (unsigned i = 0; i < ARRAY_SIZE(shifts); i++) {
		if (held[i])
			send_key(c, shifts[i], true);
	}
}

/*
 * A viewer that sends keysyms only: for a character the guest's US keyboard must
 * have Shift as the character needs it, whatever the viewer's keyboard needed.  A letter
 * may come from Caps Lock, which the guest has too when it shows its light.
 */
static void
keysym_event(struct rfb_client *c, uint32_t keysym, bool down)
{
	unsigned mods = 0, scancode = keymap_keysym(keysym, &mods);
	bool letter = (keysym | 0x20) >= 'a' && (keysym | 0x20) <= 'z';
	bool shifted = key_down(c, KEY_LSHIFT) || key_down(c, KEY_RSHIFT);
	bool wants_shift = mods & KEYMAP_SHIFT, fix;

	if (!scancode)
		return;
	if (letter && (c->leds & 4))
		wants_shift = !wants_shift;
	fix = down && keysym >= 0x20 && keysym < 0x7f && keysym != ' ' && wants_shift != shifted;
	if (!fix) {
		send_key(c, scancode, down);
		return;
	}
	if (wants_shift) {
		send_key(c, KEY_LSHIFT, true);
		send_key(c, scancode, true);
		send_key(c, KEY_LSHIFT, false);
	} else {
		press_unshifted(c, scancode);
	}
}

static void
key_event(struct rfb_client *c, uint32_t keysym, unsigned scancode, bool down)
{
	c->active = true;
	if (c->env->lock)
		c->env->lock(c->env->ctx);
	if (scancode)
		send_key(c, scancode, down);
	else
		keysym_event(c, keysym, down);
	if (c->env->unlock)
		c->env->unlock(c->env->ctx);
}

static unsigned
scale(unsigned pos, unsigned size)
{
	if (size < 2)
		return 0;
	return pos >= size ? 32767 : (unsigned)((uint64_t)pos * 32767 / (size - 1));
}

static void
pointer_event(struct rfb_client *c, unsigned mask, unsigned x, unsigned y)
{
	const struct input_sink *in = c->env->input;
	unsigned pressed = mask & ~c->buttons;
	/* RFB: left, middle, right, as here */
	unsigned buttons = mask & 7;
	int wheel = (pressed & BUTTON_WHEEL_UP ? 1 : 0) - (pressed & BUTTON_WHEEL_DN ? 1 : 0);

	c->active = true;
	if (!in)
		return;
	if (c->env->lock)
		c->env->lock(c->env->ctx);
	if (!in->wants_abs || in->wants_abs(in->ctx)) {
		if (in->pointer_abs)
			in->pointer_abs(
			    in->ctx, scale(x, c->width), scale(y, c->height), buttons, wheel);
	} else if (in->pointer_rel) {
		bool told = (c->caps & RFB_CAP_POINTER_TYPE) && c->relative;
		int dx = (int)x - (int)(told ? POINTER_CENTER : c->pointer_x);
		int dy = (int)y - (int)(told ? POINTER_CENTER : c->pointer_y);

		in->pointer_rel(in->ctx, dx, dy, buttons, wheel);
	}
	if (c->env->unlock)
		c->env->unlock(c->env->ctx);
	c->buttons = mask;
	c->pointer_x = x;
	c->pointer_y = y;
}

void
rfb_client_fini(struct rfb_client *c)
{
	if (c->env->lock)
		c->env->lock(c->env->ctx);
	while (c->nkeys)
		send_key(c, c->keys[0], false);
	if (c->env->unlock)
		c->env->unlock(c->env->ctx);
	if (c->zlib_ready)
		deflateEnd(&c->zlib);
	buf_fini(&c->out);
	mem_free(c->sent);
	memset(c, 0, sizeof(*c));
}

/* ---- handshake ---- */

static void
put_reason(struct rfb_client *c, const char *why)
{
	put_be(&c->out, 4, (uint32_t)strlen(why));
	buf_put(&c->out, why, strlen(why));
}

static bool
handle_version(struct rfb_client *c)
{
	unsigned minor = 0;

	if (memcmp(c->in, "RFB 003.", 8) != 0 || c->in[11] != '\n')
		return false;
	for (unsigned i = 8; i < 11; i++) {
		if (c->in[i] < '0' || c->in[i] > '9')
			return false;
		minor = minor * 10 + (c->in[i] - '0');
	}
	/* 7.1.1: other numbers count as 3.3; 3.889 and the like are newer than 3.8. */
	if (minor >= 8)
		c->minor = 8;
	else
		c->minor = minor == 7 ? 7 : 3;
	if (c->minor == 3) {
		put_be(&c->out, 4, SECURITY_NONE);
		c->state = RFB_INIT;
		return true;
	}
	buf_put_u8(&c->out, 1);
	buf_put_u8(&c->out, SECURITY_NONE);
	c->state = RFB_SECURITY;
	return true;
}

static bool
handle_security(struct rfb_client *c)
{
	if (c->in[0] != SECURITY_NONE) {
		if (c->minor >= 8) {
			put_be(&c->out, 4, 1);
			put_reason(c, "security type not offered");
		}
		return false;
	}
	if (c->minor >= 8)
		put_be(&c->out, 4, 0);
	c->state = RFB_INIT;
	return true;
}

static bool
handle_client_init(struct rfb_client *c)
{
	static const uint8_t format[16] = { 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0 };
	const char *name = c->env->name ? c->env->name : "";

	c->width = rfb_display_width(c->env->display);
	c->height = rfb_display_height(c->env->display);
	put_be(&c->out, 2, c->width);
	put_be(&c->out, 2, c->height);
	buf_put(&c->out, format, sizeof(format));
	put_reason(c, name);
	c->full = true;
	c->state = RFB_NORMAL;
	return true;
}

/* ---- messages: each has the bytes that msg_length() asked for ---- */

/* 7.5.1: colour-mapped clients get a map that makes their pixels BGR233. */
static void
put_color_map(struct rfb_client *c)
{
	put_be(&c->out, 2, 0x0100);
	put_be(&c->out, 2, 0);
	put_be(&c->out, 2, 256);
	for (unsigned i = 0; i < 256; i++) {
		put_be(&c->out, 2, (i & 7) * 65535 / 7);
		put_be(&c->out, 2, (i >> 3 & 7) * 65535 / 7);
		put_be(&c->out, 2, (i >> 6) * 65535 / 3);
	}
}

static bool
handle_set_pixel_format(struct rfb_client *c)
{
	const uint8_t *p = c->in + 4;
	struct rfb_wire_format w = { p[0], p[1], p[2], p[3], get_be16(p + 4), get_be16(p + 6),
		get_be16(p + 8), p[10], p[11], p[12] };

	if (!w.true_color) {
		if (w.bpp != 8)
			return false;
		w = (struct rfb_wire_format){ 8, 8, 0, 1, 7, 7, 3, 0, 3, 6 };
		put_color_map(c);
	}
	c->full = true;
	return rfb_format_set(&c->format, &w);
}

static bool
handle_set_encodings(struct rfb_client *c)
{
	static const struct {
		int encoding;
		unsigned cap;
	} caps[] = {
		{ RFB_ENC_DESKTOP_SIZE, RFB_CAP_DESKTOP_SIZE },
		{ RFB_ENC_EXT_DESKTOP_SIZE, RFB_CAP_EXT_DESKTOP_SIZE },
		{ RFB_ENC_CURSOR, RFB_CAP_CURSOR },
		{ RFB_ENC_EXT_KEY, RFB_CAP_EXT_KEY },
		{ RFB_ENC_LED_STATE, RFB_CAP_LED_STATE },
		{ RFB_ENC_POINTER_TYPE, RFB_CAP_POINTER_TYPE },
	};
	unsigned n = get_be16(c->in + 2), before = c->caps;
	bool chosen = false;

	c->caps = 0;
	c->encoding = RFB_ENC_RAW;
	for (unsigned i = 0; i < n; i++) {
		int enc = (int)get_be32(c->in + 4 + (size_t)i * 4);

		/* In the order of the client's preference. */
		if (!chosen && (enc == RFB_ENC_RAW || enc == RFB_ENC_ZRLE)) {
			c->encoding = enc;
			chosen = true;
		}
		for (unsigned j = 0; j < ARRAY_SIZE(caps); j++) {
			if (enc == caps[j].encoding)
				c->caps |= caps[j].cap;
		}
	}
	c->todo |= c->caps & ~before & ~(unsigned)RFB_CAP_DESKTOP_SIZE;
	return true;
}

static bool
handle_update_request(struct rfb_client *c)
{
	if (!c->in[1])
		c->full = true;
	c->requested = true;
	return true;
}

static bool
handle_key(struct rfb_client *c)
{
	key_event(c, get_be32(c->in + 4), 0, c->in[1] != 0);
	return true;
}

static bool
handle_pointer(struct rfb_client *c)
{
	pointer_event(c, c->in[1], get_be16(c->in + 2), get_be16(c->in + 4));
	return true;
}

static bool
handle_cut_text(struct rfb_client *c)
{
	uint32_t len = get_be32(c->in + 4);

	if (len > RFB_MAX_CUT_TEXT)
		return false;
	c->skip = len;
	return true;
}

/* The guest sets the size: refused ("administratively prohibited"). */
static bool
handle_set_desktop_size(struct rfb_client *c)
{
	if (!(c->caps & RFB_CAP_EXT_DESKTOP_SIZE))
		return false;
	put_be(&c->out, 4, 1);
	put_be(&c->out, 2, 1);
	put_be(&c->out, 2, 1);
	put_be(&c->out, 2, c->width);
	put_be(&c->out, 2, c->height);
	put_be(&c->out, 4, (uint32_t)RFB_ENC_EXT_DESKTOP_SIZE);
	put_be(&c->out, 4, 1u << 24);
	put_be(&c->out, 4, 0);
	put_be(&c->out, 4, 0);
	put_be(&c->out, 2, c->width);
	put_be(&c->out, 2, c->height);
	put_be(&c->out, 4, 0);
	return true;
}

static bool
handle_qemu(struct rfb_client *c)
{
	if (c->in[1] != 0) /* only key events were announced */
		return false;
	key_event(c, get_be32(c->in + 4), keymap_xt(get_be32(c->in + 8)), get_be16(c->in + 2) != 0);
	return true;
}

static const struct message {
	uint8_t type, len; /* of the fixed part */
	bool (*handle)(struct rfb_client *c);
} messages[] = {
	{ 0, 20, handle_set_pixel_format },
	{ 2, 4, handle_set_encodings },
	{ 3, 10, handle_update_request },
	{ 4, 8, handle_key },
	{ 5, 6, handle_pointer },
	{ 6, 8, handle_cut_text },
	{ 251, 8, handle_set_desktop_size },
	{ 255, 12, handle_qemu },
};

static const struct message *
find_message(uint8_t type)
{
	for (unsigned i = 0; i < ARRAY_SIZE(messages); i++) {
		if (messages[i].type == type)
			return &messages[i];
	}
	return NULL;
}

/* Bytes needed for what comes next, as far as is known; 0: not allowed. */
static unsigned
next_length(const struct rfb_client *c)
{
	const struct message *m;

	if (c->state == RFB_VERSION)
		return VERSION_BYTES;
	if (c->state != RFB_NORMAL || !c->in_len)
		return 1;
	m = find_message(c->in[0]);
	if (!m)
		return 0;
	if (c->in_len < m->len)
		return m->len;
	if (m->type == 2) {
		unsigned n = get_be16(c->in + 2);

		return n > RFB_MAX_ENCODINGS ? 0 : 4 + n * 4;
	}
	if (m->type == 251)
		return c->in[6] > MAX_SCREENS ? 0 : 8 + c->in[6] * 16u;
	return m->len;
}

static bool
handle_next(struct rfb_client *c)
{
	switch (c->state) {
	case RFB_VERSION: return handle_version(c);
	case RFB_SECURITY: return handle_security(c);
	case RFB_INIT: return handle_client_init(c);
	default: return find_message(c->in[0])->handle(c);
	}
}

bool
rfb_client_feed(struct rfb_client *c, const uint8_t *data, size_t len)
{
	for (;;) {
		unsigned need, n;

		if (c->skip) {
			size_t drop = c->skip < len ? c->skip : len;

			c->skip -= (uint32_t)drop;
			data += drop;
			len -= drop;
		}
		need = next_length(c);
		if (!need || c->out.failed)
			return false;
		if (c->in_len == need) {
			if (!handle_next(c))
				return false;
			c->in_len = 0;
			continue;
		}
		if (!len)
			return true;
		n = need - c->in_len;
		if (n > len)
			n = (unsigned)len;
		memcpy(c->in + c->in_len, data, n);
		c->in_len += n;
		data += n;
		len -= n;
	}
}
