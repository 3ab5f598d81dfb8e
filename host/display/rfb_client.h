/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One viewer's side of the RFB protocol without the socket: bytes in, bytes out.
 * Internal to host/display/rfb*.c, their tests and the fuzzer.
 */
#ifndef LODGE_HOST_DISPLAY_RFB_CLIENT_H
#define LODGE_HOST_DISPLAY_RFB_CLIENT_H

#include "base/buf.h"
#include "host/display/rfb.h"

#include <zlib.h>

#define RFB_IN_MAX        4112u /* longest message taken whole: 1024 encodings */
#define RFB_MAX_ENCODINGS 1024u
#define RFB_MAX_CUT_TEXT  (1024u * 1024)
#define RFB_MAX_KEYS_DOWN 32u
#define RFB_OUT_MAX       (32u * 1024 * 1024)
#define RFB_TILE          64u

enum rfb_encoding {
	RFB_ENC_RAW = 0,
	RFB_ENC_ZRLE = 16,
	RFB_ENC_DESKTOP_SIZE = -223,
	RFB_ENC_CURSOR = -239,
	RFB_ENC_POINTER_TYPE = -257, /* QEMU: relative or absolute */
	RFB_ENC_EXT_KEY = -258,      /* QEMU: key events with scan codes */
	RFB_ENC_LED_STATE = -261,
	RFB_ENC_EXT_DESKTOP_SIZE = -308,
};

/* Pseudo-encodings a client knows */
enum rfb_cap {
	RFB_CAP_DESKTOP_SIZE = 1,
	RFB_CAP_EXT_DESKTOP_SIZE = 2,
	RFB_CAP_CURSOR = 4,
	RFB_CAP_EXT_KEY = 8,
	RFB_CAP_LED_STATE = 16,
	RFB_CAP_POINTER_TYPE = 32,
};

struct rfb_format {
	uint8_t bytes;        /* of a pixel: 1, 2, 4 */
	uint8_t cpixel_bytes; /* of a ZRLE CPIXEL */
	uint8_t cpixel_skip;  /* of a pixel's bytes left out at the front */
	bool big_endian;
	uint32_t red[256], green[256], blue[256]; /* 8-bit level → its bits in the pixel */
};

enum rfb_state { RFB_VERSION, RFB_SECURITY, RFB_INIT, RFB_NORMAL };

struct rfb_client {
	const struct rfb_env *env;
	enum rfb_state state;
	unsigned minor; /* 3, 7, 8 */
	uint8_t in[RFB_IN_MAX];
	unsigned in_len;
	uint32_t skip; /* bytes of cut text still to be thrown away */
	struct buf out;
	bool active; /* keys or pointer came since last asked: refresh soon */

	struct rfb_format format;
	unsigned caps; /* enum rfb_cap */
	unsigned todo; /* caps about which the client must be told in the next update */
	int encoding;
	unsigned width, height; /* of the picture the client knows */
	uint32_t *sent;         /* width * height: what the client shows */
	bool requested;         /* an update is wanted */
	bool full;              /* all of it, changed or not */
	unsigned leds;          /* last told */
	bool relative;          /* last told */

	uint16_t keys[RFB_MAX_KEYS_DOWN]; /* scan codes down */
	unsigned nkeys;
	unsigned pointer_x, pointer_y, buttons;
	z_stream zlib;
	bool zlib_ready;
};

/* rfb_client.c */
int rfb_client_init(struct rfb_client *c, const struct rfb_env *env);
void rfb_client_fini(struct rfb_client *c); /* releases the keys held */
/* false: end the connection (what is in `out` should still be sent) */
bool rfb_client_feed(struct rfb_client *c, const uint8_t *data, size_t len);

/* rfb_update.c */
/* Puts an update into `out` if one is due: the display is freshly rendered, the device
 * locked. False when out of memory: end the connection. */
bool rfb_client_update(struct rfb_client *c, bool *ret_sent);
unsigned rfb_display_width(const struct display *d);
unsigned rfb_display_height(const struct display *d);

/* rfb_encode.c */
struct rfb_wire_format { /* as in the messages */
	uint8_t bpp, depth, big_endian, true_color;
	uint16_t red_max, green_max, blue_max;
	uint8_t red_shift, green_shift, blue_shift;
};
/* false: not a format that can be served */
bool rfb_format_set(struct rfb_format *f, const struct rfb_wire_format *w);
void rfb_encode_raw(struct rfb_client *c, unsigned x, unsigned y, unsigned w, unsigned h);
/* false: out of memory */
bool rfb_encode_zrle(struct rfb_client *c, unsigned x, unsigned y, unsigned w, unsigned h);

#endif
