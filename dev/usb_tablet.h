/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pointing device with absolute coordinates (USB HID 1.11), so that a viewer's pointer
 * and the guest's are in the same place.  Embedded in its host controller.
 */
#ifndef LODGE_DEV_USB_TABLET_H
#define LODGE_DEV_USB_TABLET_H

#include "dev/bus/usb.h"

#define USB_TABLET_QUEUE 16u

struct dev;

struct usb_tablet_event {
	uint16_t x, y;   /* 0..32767 */
	uint8_t buttons; /* bit 0 left, 1 right, 2 middle: as HID numbers them */
	int8_t wheel;
};

struct usb_tablet {
	struct usb_device usb;
	struct usb_tablet_event now; /* what the last report said */
	struct usb_tablet_event queue[USB_TABLET_QUEUE];
	uint8_t first, count;
	uint8_t idle;     /* 4 ms units, 0: report changes only */
	uint8_t protocol; /* stored, there is one only */
	uint8_t pad[6];
	int64_t last_report_ns;
};

_Static_assert(sizeof(struct usb_tablet_event) == 6, "no hidden padding");

#define USB_TABLET_FIELDS(T, m)                                                                    \
	USB_DEVICE_FIELDS(T, m.usb), DEV_FIELD_BYTES(T, m.now), DEV_FIELD_BYTES(T, m.queue),       \
	    DEV_FIELD(T, m.first), DEV_FIELD(T, m.count), DEV_FIELD(T, m.idle),                    \
	    DEV_FIELD(T, m.protocol), DEV_TRANSIENT(T, m.pad), DEV_FIELD(T, m.last_report_ns)

void usb_tablet_init(struct usb_tablet *t, struct dev *d);
void usb_tablet_loaded(struct usb_tablet *t);
/* Queues a position; buttons as in struct input_sink (1 middle, 2 right). */
void usb_tablet_move(struct usb_tablet *t, unsigned x, unsigned y, unsigned buttons, int wheel);

/* dev/uhci.c: for the board. Does nothing when the controller has no tablet. */
void usb_tablet_pointer(struct dev *uhci, unsigned x, unsigned y, unsigned buttons, int wheel);
/* Has the guest configured it? Until then the PS/2 mouse is the way. */
bool usb_tablet_active(const struct dev *uhci);

#endif
