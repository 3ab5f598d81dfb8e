/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two devices behind the keyboard controller.  They are parts of its state, not
 * devices of their own: bytes go in, bytes come out of bounded queues, and the
 * controller carries them at the speed of the wire.
 */
#ifndef LODGE_DEV_PS2_H
#define LODGE_DEV_PS2_H

#include <stdbool.h>
#include <stdint.h>

#define PS2_QUEUE 128u

struct ps2_queue {
	uint8_t head, count;
	uint8_t data[PS2_QUEUE];
};

struct ps2kbd {
	struct ps2_queue replies; /* to commands: before everything else */
	struct ps2_queue keys;
	uint8_t cmd; /* waits for its argument; 0: none */
	uint8_t set; /* scan code set 1..3 */
	uint8_t scanning;
	uint8_t leds, typematic;
	uint8_t last;             /* byte sent last, for Resend */
	uint8_t ctrl, alt, shift; /* keys held: bit 0 left, bit 1 right */
	uint8_t set3_types[128];  /* by scan code: KBD_TYPE_… */
};

struct ps2mouse {
	int64_t next_ns;    /* earliest time of the next report */
	int32_t dx, dy, dz; /* not reported yet; dy up, dz towards the user */
	struct ps2_queue replies;
	struct ps2_queue report; /* at most one */
	uint8_t cmd;
	uint8_t id; /* 0 standard, 3 with wheel, 4 with five buttons */
	uint8_t rate, resolution, scaling2;
	uint8_t enabled, remote, wrap;
	uint8_t buttons;  /* bit 0 left, 1 right, 2 middle, 3 fourth, 4 fifth */
	uint8_t reported; /* buttons in the last report */
	uint8_t rates[2]; /* the last two sample rates set: the wheel's secret knock */
	uint8_t last;
	uint8_t pad[11];
};

/* False when there is none. */
bool ps2_queue_get(struct ps2_queue *q, uint8_t *ret_byte);
void ps2_queue_put(struct ps2_queue *q, uint8_t byte); /* dropped when full */
void ps2_queue_check(struct ps2_queue *q);             /* after load */

void ps2kbd_reset(struct ps2kbd *k);
void ps2kbd_write(struct ps2kbd *k, uint8_t byte);
bool ps2kbd_read(struct ps2kbd *k, uint8_t *ret_byte);
bool ps2kbd_ready(const struct ps2kbd *k);
void ps2kbd_key(struct ps2kbd *k, unsigned set1, bool down);
void ps2kbd_check(struct ps2kbd *k);

void ps2mouse_reset(struct ps2mouse *m);
void ps2mouse_write(struct ps2mouse *m, uint8_t byte);
bool ps2mouse_read(struct ps2mouse *m, uint8_t *ret_byte);
bool ps2mouse_ready(const struct ps2mouse *m);
/* Makes a report of what has happened when it is time; when to call again, or
 * INT64_MAX. */
int64_t ps2mouse_poll(struct ps2mouse *m, int64_t now_ns);
void ps2mouse_move(struct ps2mouse *m, int dx, int dy, unsigned buttons, int wheel);
void ps2mouse_check(struct ps2mouse *m);

#endif
