/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LODGE_DEV_I8042_H
#define LODGE_DEV_I8042_H

#include "dev/dev.h"

/* Input from viewers, with the codes and signs of struct input_sink (host/display/display.h):
 * set-1 scan codes 0x1C, 0xE01C, Pause 0xE11D; dy grows downwards, wheel away from
 * the user; buttons bit 0 left, 1 middle, 2 right, 3 and 4 the side buttons. */
void i8042_key(struct dev *d, unsigned set1_scancode, bool down);
void i8042_mouse(struct dev *d, int dx, int dy, unsigned buttons, int wheel);

/* The keyboard's lamps: bit 0 Scroll Lock, 1 Num Lock, 2 Caps Lock. */
unsigned i8042_leds(const struct dev *d);

#endif
