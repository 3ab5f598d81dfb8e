/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The 101/102-key keyboard (IBM PS/2 Hardware Interface Technical Reference, "Keyboards
 * (101- and 102-Key)"): scan code sets 1, 2 and 3, its commands, Print Screen and Pause.
 *
 * Keys come in as set-1 codes (0x1C, 0xE01C; Pause 0xE11D).  Repetition is the
 * sender's: a second "down" of a held key is sent as another make code.
 *
 * Left out: the shift codes that real keyboards send around the grey cursor keys
 * while Num Lock is on; no system needs them.
 */
#include "base/bits.h"
#include "dev/ps2.h"

#include <string.h>

#define KBD_ACK    0xfa
#define KBD_RESEND 0xfe
#define KBD_BAT_OK 0xaa
#define KBD_ECHO   0xee

enum {
	CMD_LEDS = 0xed,
	CMD_ECHO = 0xee,
	CMD_SET = 0xf0,
	CMD_ID = 0xf2,
	CMD_TYPEMATIC = 0xf3,
	CMD_ENABLE = 0xf4,
	CMD_DISABLE = 0xf5,
	CMD_DEFAULT = 0xf6,
	CMD_ALL_TYPEMATIC = 0xf7,
	CMD_ALL_MAKE_BREAK = 0xf8,
	CMD_ALL_MAKE = 0xf9,
	CMD_ALL_BOTH = 0xfa,
	CMD_KEY_TYPEMATIC = 0xfb,
	CMD_KEY_MAKE_BREAK = 0xfc,
	CMD_KEY_MAKE = 0xfd,
	CMD_RESEND = 0xfe,
	CMD_RESET = 0xff,
};

enum { TYPE_BOTH, TYPE_TYPEMATIC, TYPE_MAKE_BREAK, TYPE_MAKE };

#define KEY_PRINT     0xe037u
#define KEY_PAUSE     0xe11du
#define KEY_CTRL      0x1du
#define KEY_LSHIFT    0x2au
#define KEY_RSHIFT    0x36u
#define KEY_ALT       0x38u
#define KEY_SYSRQ     0x54u
#define LONGEST_CODE  8u
#define TYPEMATIC_DEF 0x2b /* 10.9 a second after 500 ms */

/* Set-1 make code → set-2 make code; keys with an E0 prefix have it in both sets. */
static const uint8_t set2_of[128] = {
	0x00,
	0x76,
	0x16,
	0x1e,
	0x26,
	0x25,
	0x2e,
	0x36,
	0x3d,
	0x3e,
	0x46,
	0x45,
	0x4e,
	0x55,
	0x66,
	0x0d,
	0x15,
	0x1d,
	0x24,
	0x2d,
	0x2c,
	0x35,
	0x3c,
	0x43,
	0x44,
	0x4d,
	0x54,
	0x5b,
	0x5a,
	0x14,
	0x1c,
	0x1b,
	0x23,
	0x2b,
	0x34,
	0x33,
	0x3b,
	0x42,
	0x4b,
	0x4c,
	0x52,
	0x0e,
	0x12,
	0x5d,
	0x1a,
	0x22,
	0x21,
	0x2a,
	0x32,
	0x31,
	0x3a,
	0x41,
	0x49,
	0x4a,
	0x59,
	0x7c,
	0x11,
	0x29,
	0x58,
	0x05,
	0x06,
	0x04,
	0x0c,
	0x03,
	0x0b,
	0x83,
	0x0a,
	0x01,
	0x09,
	0x77,
	0x7e,
	0x6c,
	0x75,
	0x7d,
	0x7b,
	0x6b,
	0x73,
	0x74,
	0x79,
	0x69,
	0x72,
	0x7a,
	0x70,
	0x71,
	0x84,
	0x60,
	0x61,
	0x78,
	0x07,
	0x0f,
	0x17,
	0x1f,
	0x27,
	0x2f,
	0x37,
	0x3f,
	0x47,
	0x4f,
	0x56,
	0x5e,
	0x08,
	0x10,
	0x18,
	0x20,
	0x28,
	0x30,
	0x38,
	0x40,
	0x48,
	0x50,
	0x57,
	0x6f,
	0x13,
	0x19,
	0x39,
	0x51,
	0x53,
	0x5c,
	0x5f,
	0x62,
	0x63,
	0x64,
	0x65,
	0x67,
	0x68,
	0x6a,
	0x6d,
	0x6e,
};

/* Set-1 make code → set 3 ("Scan Code Set 3" of the manual), 0: no such key. */
static const uint8_t set3_of[128] = {
	0x00,
	0x08,
	0x16,
	0x1e,
	0x26,
	0x25,
	0x2e,
	0x36,
	0x3d,
	0x3e,
	0x46,
	0x45,
	0x4e,
	0x55,
	0x66,
	0x0d,
	0x15,
	0x1d,
	0x24,
	0x2d,
	0x2c,
	0x35,
	0x3c,
	0x43,
	0x44,
	0x4d,
	0x54,
	0x5b,
	0x5a,
	0x11,
	0x1c,
	0x1b,
	0x23,
	0x2b,
	0x34,
	0x33,
	0x3b,
	0x42,
	0x4b,
	0x4c,
	0x52,
	0x0e,
	0x12,
	0x5c,
	0x1a,
	0x22,
	0x21,
	0x2a,
	0x32,
	0x31,
	0x3a,
	0x41,
	0x49,
	0x4a,
	0x59,
	0x7e,
	0x19,
	0x29,
	0x14,
	0x07,
	0x0f,
	0x17,
	0x1f,
	0x27,
	0x2f,
	0x37,
	0x3f,
	0x47,
	0x4f,
	0x76,
	0x5f,
	0x6c,
	0x75,
	0x7d,
	0x84,
	0x6b,
	0x73,
	0x74,
	0x7c,
	0x69,
	0x72,
	0x7a,
	0x70,
	0x71,
	0x57,
	0x00,
	0x13,
	0x56,
	0x5e,
};

/* The same for keys with E0. */
static const struct {
	uint8_t set1, set3;
} set3_e0[] = {
	{ 0x1c, 0x79 },
	{ 0x1d, 0x58 },
	{ 0x35, 0x77 },
	{ 0x37, 0x57 },
	{ 0x38, 0x39 },
	{ 0x46, 0x62 },
	{ 0x47, 0x6e },
	{ 0x48, 0x63 },
	{ 0x49, 0x6f },
	{ 0x4b, 0x61 },
	{ 0x4d, 0x6a },
	{ 0x4f, 0x65 },
	{ 0x50, 0x60 },
	{ 0x51, 0x6d },
	{ 0x52, 0x67 },
	{ 0x53, 0x64 },
	{ 0x5b, 0x8b },
	{ 0x5c, 0x8c },
	{ 0x5d, 0x8d },
};

/* ---- queues ---- */

bool
ps2_queue_get(struct ps2_queue *q, uint8_t *ret_byte)
{
	if (!q->count)
		return false;
	*ret_byte = q->data[q->head];
	q->head = (uint8_t)((q->head + 1u) % PS2_QUEUE);
	q->count--;
	return true;
}

void
ps2_queue_put(struct ps2_queue *q, uint8_t byte)
{
	if (q->count == PS2_QUEUE)
		return;
	q->data[(q->head + q->count) % PS2_QUEUE] = byte;
	q->count++;
}

void
ps2_queue_check(struct ps2_queue *q)
{
	q->head %= PS2_QUEUE;
	if (q->count > PS2_QUEUE)
		q->count = 0;
}

static void
queue_clear(struct ps2_queue *q)
{
	q->head = q->count = 0;
}

static unsigned
queue_room(const struct ps2_queue *q)
{
	return PS2_QUEUE - q->count;
}

/* ---- keys ---- */

static void
put(struct ps2kbd *k, const char *bytes, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ps2_queue_put(&k->keys, (uint8_t)bytes[i]);
}

static void
put_set3(struct ps2kbd *k, unsigned key, bool down)
{
	uint8_t code = 0, type;

	if (key == KEY_PAUSE) {
		code = 0x62;
	} else if (key >> 8) {
		for (unsigned i = 0; i < ARRAY_SIZE(set3_e0); i++) {
			if (set3_e0[i].set1 == (key & 0x7f))
				code = set3_e0[i].set3;
		}
	} else {
		code = set3_of[key & 0x7f];
	}
	if (!code)
		return;
	type = k->set3_types[code & 0x7f];
	if (!down && (type == TYPE_TYPEMATIC || type == TYPE_MAKE))
		return;
	if (!down)
		ps2_queue_put(&k->keys, 0xf0);
	ps2_queue_put(&k->keys, code);
}

/* One code with its prefix and break mark, sets 1 and 2. */
static void
put_code(struct ps2kbd *k, bool e0, uint8_t set1, bool down)
{
	if (e0)
		ps2_queue_put(&k->keys, 0xe0);
	if (k->set == 1) {
		ps2_queue_put(&k->keys, down ? set1 : set1 | 0x80);
		return;
	}
	if (!down)
		ps2_queue_put(&k->keys, 0xf0);
	ps2_queue_put(&k->keys, set2_of[set1]);
}

static void
put_pause(struct ps2kbd *k, bool down)
{
	if (!down)
		return; /* the key has no break code of its own */
	if (k->ctrl) {
		put_code(k, true, 0x46, true);
		put_code(k, true, 0x46, false);
	} else if (k->set == 1) {
		put(k, "\xe1\x1d\x45\xe1\x9d\xc5", 6);
	} else {
		put(k, "\xe1\x14\x77\xe1\xf0\x14\xf0\x77", 8);
	}
}

static void
put_print(struct ps2kbd *k, bool down)
{
	bool plain = !k->ctrl && !k->shift;

	if (k->alt) {
		put_code(k, false, KEY_SYSRQ, down);
		return;
	}
	if (plain && down)
		put_code(k, true, KEY_LSHIFT, true);
	put_code(k, true, 0x37, down);
	if (plain && !down)
		put_code(k, true, KEY_LSHIFT, false);
}

static void
track(uint8_t *held, uint8_t bit, bool down)
{
	*held = down ? *held | bit : *held & (uint8_t)~bit;
}

static void
track_modifiers(struct ps2kbd *k, unsigned key, bool down)
{
	uint8_t side = key >> 8 ? 2 : 1;

	if (key == KEY_LSHIFT)
		track(&k->shift, 1, down);
	else if (key == KEY_RSHIFT)
		track(&k->shift, 2, down);
	else if (key != KEY_PAUSE && (key & 0x7f) == KEY_CTRL)
		track(&k->ctrl, side, down);
	else if ((key & 0x7f) == KEY_ALT)
		track(&k->alt, side, down);
}

void
ps2kbd_key(struct ps2kbd *k, unsigned set1, bool down)
{
	unsigned prefix = set1 >> 8;

	if (!(set1 & 0x7f) || (prefix && prefix != 0xe0 && set1 != KEY_PAUSE))
		return;
	set1 &= 0xff7f;
	/* Presses must not fill the queue so far that releases are lost: a key would
	 * seem to stick. */
	if (k->scanning && queue_room(&k->keys) >= (down ? PS2_QUEUE / 2 : LONGEST_CODE)) {
		if (k->set == 3)
			put_set3(k, set1, down);
		else if (set1 == KEY_PAUSE)
			put_pause(k, down);
		else if (set1 == KEY_PRINT)
			put_print(k, down);
		else
			put_code(k, prefix == 0xe0, (uint8_t)(set1 & 0x7f), down);
	}
	track_modifiers(k, set1, down);
}

/* ---- commands ---- */

static void
defaults(struct ps2kbd *k)
{
	queue_clear(&k->keys);
	k->set = 2;
	k->typematic = TYPEMATIC_DEF;
	memset(k->set3_types, TYPE_BOTH, sizeof(k->set3_types));
}

void
ps2kbd_reset(struct ps2kbd *k)
{
	queue_clear(&k->replies);
	defaults(k);
	k->cmd = 0;
	k->leds = 0;
	k->scanning = 1;
	k->ctrl = k->alt = k->shift = 0;
}

static void
reply(struct ps2kbd *k, uint8_t byte)
{
	ps2_queue_put(&k->replies, byte);
}

static void
argument(struct ps2kbd *k, uint8_t cmd, uint8_t byte)
{
	reply(k, KBD_ACK);
	if (cmd == CMD_LEDS) {
		k->leds = byte & 7;
	} else if (cmd == CMD_TYPEMATIC) {
		k->typematic = byte & 0x7f;
	} else if (cmd == CMD_SET) {
		if (byte == 0)
			reply(k, k->set);
		else if (byte <= 3)
			k->set = byte;
	} else { /* FB..FD: keys until another command comes */
		k->set3_types[byte & 0x7f] = (uint8_t)(TYPE_TYPEMATIC + cmd - CMD_KEY_TYPEMATIC);
		k->cmd = cmd;
	}
}

static void
set_all_types(struct ps2kbd *k, uint8_t cmd)
{
	static const uint8_t types[] = { TYPE_TYPEMATIC, TYPE_MAKE_BREAK, TYPE_MAKE, TYPE_BOTH };

	memset(k->set3_types, types[cmd - CMD_ALL_TYPEMATIC], sizeof(k->set3_types));
}

static void
command(struct ps2kbd *k, uint8_t cmd)
{
	if (cmd == CMD_RESEND) {
		reply(k, k->last);
		return;
	}
	if (cmd == CMD_ECHO) {
		reply(k, KBD_ECHO);
		return;
	}
	if (cmd < CMD_LEDS || cmd == 0xef || cmd == 0xf1) {
		reply(k, KBD_RESEND);
		return;
	}
	reply(k, KBD_ACK);
	switch (cmd) {
	case CMD_ID:
		reply(k, 0xab);
		reply(k, 0x83);
		break;
	case CMD_ENABLE:
		queue_clear(&k->keys);
		k->scanning = 1;
		break;
	case CMD_DISABLE:
	case CMD_DEFAULT:
		defaults(k);
		k->scanning = cmd == CMD_DEFAULT;
		break;
	case CMD_ALL_TYPEMATIC:
	case CMD_ALL_MAKE_BREAK:
	case CMD_ALL_MAKE:
	case CMD_ALL_BOTH:
		queue_clear(&k->keys);
		set_all_types(k, cmd);
		break;
	case CMD_RESET:
		ps2kbd_reset(k);
		reply(k, KBD_ACK);
		reply(k, KBD_BAT_OK);
		break;
	default: /* with an argument */ k->cmd = cmd; break;
	}
}

void
ps2kbd_write(struct ps2kbd *k, uint8_t byte)
{
	uint8_t cmd = k->cmd;

	/* A new command ends an old one, and what was not fetched of its reply. */
	k->cmd = 0;
	queue_clear(&k->replies);
	if (cmd && byte < CMD_LEDS)
		argument(k, cmd, byte);
	else
		command(k, byte);
}

bool
ps2kbd_ready(const struct ps2kbd *k)
{
	/* While an argument is awaited, nothing but replies is sent. */
	return k->replies.count || (k->keys.count && !k->cmd);
}

bool
ps2kbd_read(struct ps2kbd *k, uint8_t *ret_byte)
{
	if (!ps2kbd_ready(k))
		return false;
	if (!ps2_queue_get(&k->replies, ret_byte))
		ps2_queue_get(&k->keys, ret_byte);
	if (*ret_byte != KBD_RESEND)
		k->last = *ret_byte;
	return true;
}

void
ps2kbd_check(struct ps2kbd *k)
{
	ps2_queue_check(&k->replies);
	ps2_queue_check(&k->keys);
	if (k->set < 1 || k->set > 3)
		k->set = 2;
}
