/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * US layout.  Scan codes: IBM PS/2 Hardware Interface Technical Reference, "Keyboards",
 * set 1; keysyms: X11's keysymdef.h.
 */
#include "host/display/keymap.h"

#include "base/bits.h"

#define S 0x8000 /* with Shift */

/* clang-format off */
static const uint16_t ascii[0x7f - 0x20] = {
	0x39, S | 0x02, S | 0x28, S | 0x04, S | 0x05, S | 0x06, S | 0x08, 0x28, /*  !"#$%&' */
	S | 0x0a, S | 0x0b, S | 0x09, S | 0x0d, 0x33, 0x0c, 0x34, 0x35, /* ()*+,-./ */
	0x0b, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, /* 01234567 */
	0x09, 0x0a, S | 0x27, 0x27, S | 0x33, 0x0d, S | 0x34, S | 0x35, /* 89:;<=>? */
	S | 0x03, S | 0x1e, S | 0x30, S | 0x2e, S | 0x20, S | 0x12, S | 0x21, S | 0x22, /* @ABCDEFG */
	S | 0x23, S | 0x17, S | 0x24, S | 0x25, S | 0x26, S | 0x32, S | 0x31, S | 0x18, /* HIJKLMNO */
	S | 0x19, S | 0x10, S | 0x13, S | 0x1f, S | 0x14, S | 0x16, S | 0x2f, S | 0x11, /* PQRSTUVW */
	S | 0x2d, S | 0x15, S | 0x2c, 0x1a, 0x2b, 0x1b, S | 0x07, S | 0x0c, /* XYZ[\ ]^_ */
	0x29, 0x1e, 0x30, 0x2e, 0x20, 0x12, 0x21, 0x22, /* `abcdefg */
	0x23, 0x17, 0x24, 0x25, 0x26, 0x32, 0x31, 0x18, /* hijklmno */
	0x19, 0x10, 0x13, 0x1f, 0x14, 0x16, 0x2f, 0x11, /* pqrstuvw */
	0x2d, 0x15, 0x2c, S | 0x1a, S | 0x2b, S | 0x1b, S | 0x29, /* xyz{|}~ */
};
/* clang-format on */

struct named_key {
	uint16_t keysym;
	uint16_t scancode;
	const char *name; /* NULL: has no name of its own */
};

static const struct named_key named_keys[] = {
	{ 0xff08, 0x0e, "backspace" },
	{ 0xff09, 0x0f, "tab" },
	{ 0xfe20, 0x0f, NULL },
	{ 0xff0d, 0x1c, "enter" },
	{ 0xff13, 0xe11d, "pause" },
	{ 0xff14, 0x46, "scrolllock" },
	{ 0xff15, 0x54, "sysrq" },
	{ 0xff1b, 0x01, "esc" },
	{ 0xffff, 0xe053, "delete" },
	{ 0xff50, 0xe047, "home" },
	{ 0xff51, 0xe04b, "left" },
	{ 0xff52, 0xe048, "up" },
	{ 0xff53, 0xe04d, "right" },
	{ 0xff54, 0xe050, "down" },
	{ 0xff55, 0xe049, "pageup" },
	{ 0xff56, 0xe051, "pagedown" },
	{ 0xff57, 0xe04f, "end" },
	{ 0xff61, 0xe037, "print" },
	{ 0xff63, 0xe052, "insert" },
	{ 0xff67, 0xe05d, "menu" },
	{ 0xff6b, 0xe046, "break" },
	{ 0xff7f, 0x45, "numlock" },
	{ 0xff8d, 0xe01c, "kp_enter" },
	{ 0xff95, 0x47, NULL },
	{ 0xff96, 0x4b, NULL },
	{ 0xff97, 0x48, NULL },
	{ 0xff98, 0x4d, NULL },
	{ 0xff99, 0x50, NULL },
	{ 0xff9a, 0x49, NULL },
	{ 0xff9b, 0x51, NULL },
	{ 0xff9c, 0x4f, NULL },
	{ 0xff9d, 0x4c, NULL },
	{ 0xff9e, 0x52, NULL },
	{ 0xff9f, 0x53, NULL },
	{ 0xffaa, 0x37, "kp_multiply" },
	{ 0xffab, 0x4e, "kp_add" },
	{ 0xffad, 0x4a, "kp_subtract" },
	{ 0xffae, 0x53, "kp_decimal" },
	{ 0xffaf, 0xe035, "kp_divide" },
	{ 0xffb0, 0x52, "kp_0" },
	{ 0xffb1, 0x4f, "kp_1" },
	{ 0xffb2, 0x50, "kp_2" },
	{ 0xffb3, 0x51, "kp_3" },
	{ 0xffb4, 0x4b, "kp_4" },
	{ 0xffb5, 0x4c, "kp_5" },
	{ 0xffb6, 0x4d, "kp_6" },
	{ 0xffb7, 0x47, "kp_7" },
	{ 0xffb8, 0x48, "kp_8" },
	{ 0xffb9, 0x49, "kp_9" },
	{ 0xffbe, 0x3b, "f1" },
	{ 0xffbf, 0x3c, "f2" },
	{ 0xffc0, 0x3d, "f3" },
	{ 0xffc1, 0x3e, "f4" },
	{ 0xffc2, 0x3f, "f5" },
	{ 0xffc3, 0x40, "f6" },
	{ 0xffc4, 0x41, "f7" },
	{ 0xffc5, 0x42, "f8" },
	{ 0xffc6, 0x43, "f9" },
	{ 0xffc7, 0x44, "f10" },
	{ 0xffc8, 0x57, "f11" },
	{ 0xffc9, 0x58, "f12" },
	{ 0xffe1, 0x2a, "shift" },
	{ 0xffe2, 0x36, "shift_r" },
	{ 0xffe3, 0x1d, "ctrl" },
	{ 0xffe4, 0xe01d, "ctrl_r" },
	{ 0xffe5, 0x3a, "capslock" },
	{ 0xffe7, 0x38, NULL },
	{ 0xffe8, 0xe038, NULL },
	{ 0xffe9, 0x38, "alt" },
	{ 0xffea, 0xe038, "alt_r" },
	{ 0xfe03, 0xe038, "altgr" },
	{ 0xff7e, 0xe038, NULL },
	{ 0xffeb, 0xe05b, "meta" },
	{ 0xffec, 0xe05c, "meta_r" },
	{ 0x0020, 0x39, "space" },
	{ 0x002d, 0x0c, "minus" },
	{ 0x003d, 0x0d, "equal" },
	{ 0x002e, 0x34, "dot" },
	{ 0x002c, 0x33, "comma" },
	{ 0x002f, 0x35, "slash" },
	{ 0x003c, 0x56, "less" },
	{ 0, 0xe053, "del" },
	{ 0, 0x01, "escape" },
	{ 0, 0x1c, "ret" },
	{ 0, 0x1c, "return" },
	{ 0, 0xe049, "pgup" },
	{ 0, 0xe051, "pgdn" },
	{ 0, 0x1d, "control" },
	{ 0, 0xe05b, "win" },
};

unsigned
keymap_char(unsigned char c, unsigned *ret_mods)
{
	static const struct {
		unsigned char c;
		uint8_t scancode;
	} control[] = { { '\n', 0x1c }, { '\r', 0x1c }, { '\t', 0x0f }, { '\b', 0x0e },
		{ 0x1b, 0x01 }, { 0x7f, 0x0e } };
	uint16_t key;

	for (unsigned i = 0; i < ARRAY_SIZE(control); i++) {
		if (c == control[i].c) {
			*ret_mods = 0;
			return control[i].scancode;
		}
	}
	if (c < 0x20 || c >= 0x7f)
		return 0;
	key = ascii[c - 0x20];
	*ret_mods = key & S ? KEYMAP_SHIFT : 0;
	return key & ~S;
}

unsigned
keymap_keysym(uint32_t keysym, unsigned *ret_mods)
{
	if (keysym >= 0x20 && keysym < 0x7f)
		return keymap_char((unsigned char)keysym, ret_mods);
	for (unsigned i = 0; keysym && i < ARRAY_SIZE(named_keys); i++) {
		if (named_keys[i].keysym == keysym) {
			*ret_mods = 0;
			return named_keys[i].scancode;
		}
	}
	return 0;
}

unsigned
keymap_stroke(unsigned scancode, unsigned mods, struct keymap_event ret_ev[KEYMAP_MAX_EVENTS])
{
	static const struct {
		unsigned mod;
		uint16_t scancode;
	} modifiers[] = { { KEYMAP_CTRL, KEY_CTRL }, { KEYMAP_ALT, KEY_ALT },
		{ KEYMAP_SHIFT, KEY_LSHIFT } };
	unsigned n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(modifiers); i++) {
		if (mods & modifiers[i].mod)
			ret_ev[n++] = (struct keymap_event){ modifiers[i].scancode, true };
	}
	ret_ev[n++] = (struct keymap_event){ (uint16_t)scancode, true };
	ret_ev[n++] = (struct keymap_event){ (uint16_t)scancode, false };
	for (unsigned i = ARRAY_SIZE(modifiers); i-- > 0;) {
		if (mods & modifiers[i].mod)
			ret_ev[n++] = (struct keymap_event){ modifiers[i].scancode, false };
	}
	return n;
}

static unsigned
find_name(const char *name, size_t len)
{
	unsigned mods;

	if (len == 1)
		return keymap_char((unsigned char)name[0], &mods);
	for (unsigned i = 0; i < ARRAY_SIZE(named_keys); i++) {
		const char *n = named_keys[i].name;

		if (n && strlen(n) == len && !memcmp(n, name, len))
			return named_keys[i].scancode;
	}
	return 0;
}

unsigned
keymap_combination(const char *names, uint16_t *ret_codes, unsigned max)
{
	unsigned n = 0;

	for (;;) {
		/* The first character is never a separator, so that "-" is a key. */
		size_t len = *names ? 1 + strcspn(names + 1, "-") : 0;
		unsigned code = find_name(names, len);

		if (!code || n == max)
			return 0;
		ret_codes[n++] = (uint16_t)code;
		if (!names[len])
			return n;
		names += len + 1;
	}
}

unsigned
keymap_xt(uint32_t code)
{
	switch (code) {
	case 0xc6: return KEYMAP_PAUSE; /* what clients send for Pause */
	case 0x54: return 0xe037;       /* Print */
	default: break;
	}
	if (!code || code > 0xff || code == 0x80)
		return 0;
	return code & 0x80 ? 0xe000 | (code & 0x7f) : code;
}
