/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what people and protocols call keys to scan codes (set 1, as struct input_sink
 * wants them) of a US keyboard.
 */
#ifndef LODGE_HOST_DISPLAY_KEYMAP_H
#define LODGE_HOST_DISPLAY_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEYMAP_SHIFT 1u
#define KEYMAP_CTRL  2u
#define KEYMAP_ALT   4u
#define KEYMAP_PAUSE 0xe11du

#define KEY_LSHIFT 0x2au
#define KEY_RSHIFT 0x36u
#define KEY_CTRL   0x1du
#define KEY_ALT    0x38u

struct keymap_event {
	uint16_t scancode;
	bool down;
};

#define KEYMAP_MAX_EVENTS 8

/* X11 keysym → scan code and the modifiers it takes; 0: there is no such key. */
unsigned keymap_keysym(uint32_t keysym, unsigned *ret_mods);
/* The same for a character of ASCII, \n, \t, \b and ESC included. */
unsigned keymap_char(unsigned char c, unsigned *ret_mods);
/* Pressing and releasing a key with modifiers; how many events. */
unsigned keymap_stroke(
    unsigned scancode, unsigned mods, struct keymap_event ret_ev[KEYMAP_MAX_EVENTS]);
/* "ctrl-alt-delete", "f1", "a", "shift-tab": the scan codes in the order in which they go
 * down. How many, or 0 when a name is unknown or there are more than max. */
unsigned keymap_combination(const char *names, uint16_t *ret_codes, unsigned max);
/* The code of QEMU's extended key event (E0 prefix as bit 7) → scan code, 0: none. */
unsigned keymap_xt(uint32_t code);

#endif
