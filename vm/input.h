/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys and pointer from viewers, terminal and monitor to the chips: PS/2 keyboard
 * and mouse, USB tablet.  Keys go one at a time at the pace of a person who types fast, in
 * guest time, so that no keyboard buffer overflows.
 */
#ifndef LODGE_VM_INPUT_H
#define LODGE_VM_INPUT_H

#include "host/display/display.h"
#include "vm/clock.h"

#include <stdint.h>

struct dev;
struct err;
struct machine;

#define INPUT_QUEUE 4096

struct input {
	struct machine *m;
	struct input_sink sink;
	struct clock_timer timer;
	struct input_key {
		uint16_t scancode;
		bool down;
	} queue[INPUT_QUEUE];
	unsigned head, count;
	unsigned buttons; /* last of either pointer, for the monitor */
	unsigned abs_x, abs_y;
};

void input_init(struct input *in, struct machine *m);
void input_fini(struct input *in);
/* Machine's lock held. */
int input_combination(struct input *in, const char *names, struct err *e);
int input_text(struct input *in, const char *text, struct err *e);

#endif
