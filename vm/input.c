/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/input.h"

#include "base/bits.h"
#include "base/err.h"
#include "dev/i8042.h"
#include "dev/usb_tablet.h"
#include "host/display/keymap.h"
#include "vm/board.h"
#include "vm/machine.h"

#include <errno.h>

#define KEY_NS 10000000 /* between two events: 50 keys a second */

static struct dev *
keyboard(struct input *in)
{
	return board_find(in->m->board, "kbc");
}

static struct dev *
usb(struct input *in)
{
	return board_find(in->m->board, "usb");
}

/* ---- keys ---- */

static void
next_key(void *ctx)
{
	struct input *in = ctx;
	struct input_key k;

	if (!in->count)
		return;
	k = in->queue[in->head];
	in->head = (in->head + 1) % INPUT_QUEUE;
	in->count--;
	if (keyboard(in))
		i8042_key(keyboard(in), k.scancode, k.down);
	if (in->count)
		clock_arm(&in->m->clock, &in->timer, clock_now(&in->m->clock) + KEY_NS);
}

/* Full: a key that goes down is dropped, one that comes up is never lost for long, since
 * the next press of it brings it up again. */
static void
put_key(struct input *in, unsigned scancode, bool down)
{
	if (in->count == INPUT_QUEUE)
		return;
	in->queue[(in->head + in->count) % INPUT_QUEUE] =
	    (struct input_key){ (uint16_t)scancode, down };
	if (!in->count++ && in->timer.deadline_ns == CLOCK_OFF)
		clock_arm(&in->m->clock, &in->timer, clock_now(&in->m->clock));
}

static void
sink_key(void *ctx, unsigned scancode, bool down)
{
	put_key(ctx, scancode, down);
}

int
input_combination(struct input *in, const char *names, struct err *e)
{
	uint16_t codes[8];
	unsigned n = keymap_combination(names, codes, ARRAY_SIZE(codes));

	if (!n)
		return err_set(
		    e, EINVAL, "no such keys: '%s'; as in ctrl-alt-delete, f1, a", names);
	for (unsigned i = 0; i < n; i++)
		put_key(in, codes[i], true);
	for (unsigned i = n; i--;)
		put_key(in, codes[i], false);
	return 0;
}

int
input_text(struct input *in, const char *text, struct err *e)
{
	if ((INPUT_QUEUE - in->count) / 4 < strlen(text))
		return err_set(e, EAGAIN, "too much typed at once: wait for the guest");
	for (const char *p = text; *p; p++) {
		struct keymap_event ev[KEYMAP_MAX_EVENTS];
		unsigned mods = 0, code = keymap_char((unsigned char)*p, &mods), n;

		if (!code)
			return err_set(e, EINVAL, "no key makes '%c'", *p);
		n = keymap_stroke(code, mods, ev);
		for (unsigned i = 0; i < n; i++)
			put_key(in, ev[i].scancode, ev[i].down);
	}
	return 0;
}

/* ---- pointer ---- */

static unsigned
leds(void *ctx)
{
	struct dev *d = keyboard(ctx);

	return d ? i8042_leds(d) : 0;
}

static bool
wants_abs(void *ctx)
{
	struct dev *d = usb(ctx);

	return d && usb_tablet_active(d);
}

static void
pointer_rel(void *ctx, int dx, int dy, unsigned buttons, int wheel)
{
	struct input *in = ctx;

	in->buttons = buttons;
	if (keyboard(in))
		i8042_mouse(keyboard(in), dx, dy, buttons, wheel);
}

/* Without a tablet driver the PS/2 mouse gets the difference: near enough for menus. */
static void
pointer_abs(void *ctx, unsigned x, unsigned y, unsigned buttons, int wheel)
{
	struct input *in = ctx;
	int dx = ((int)x - (int)in->abs_x) * 640 / 32768,
	    dy = ((int)y - (int)in->abs_y) * 480 / 32768;

	in->buttons = buttons;
	if (wants_abs(in)) {
		usb_tablet_pointer(usb(in), x, y, buttons, wheel);
		in->abs_x = x;
		in->abs_y = y;
		return;
	}
	/* What was too little to move stays for the next time. */
	if (dx)
		in->abs_x = x;
	if (dy)
		in->abs_y = y;
	pointer_rel(in, dx, dy, buttons, wheel);
}

void
input_init(struct input *in, struct machine *m)
{
	in->m = m;
	in->sink = (struct input_sink){ in, sink_key, pointer_abs, pointer_rel, wants_abs, leds };
	clock_add_timer(&m->clock, &in->timer, next_key, in);
}

void
input_fini(struct input *in)
{
	if (in->m)
		clock_del_timer(&in->m->clock, &in->timer);
}
