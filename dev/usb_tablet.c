/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * USB HID tablet: Device Class Definition for Human Interface Devices 1.11, with the
 * usages of the HID Usage Tables.  One interface, no boot protocol, one interrupt
 * endpoint with reports of six bytes: buttons, X, Y, wheel.
 */
#include "dev/usb_tablet.h"

#include "base/bits.h"
#include "dev/dev.h"

#define REPORT_BYTES 6
#define ENDPOINT     1u
#define DESC_HID     0x21
#define DESC_REPORT  0x22
#define IDLE_UNIT_NS 4000000ll

enum hid_request {
	HID_GET_REPORT = 0x01,
	HID_GET_IDLE = 0x02,
	HID_GET_PROTOCOL = 0x03,
	HID_SET_REPORT = 0x09,
	HID_SET_IDLE = 0x0a,
	HID_SET_PROTOCOL = 0x0b,
};

/* clang-format off */
static const uint8_t report_descriptor[] = {
	0x05, 0x01,       /* Usage Page (Generic Desktop) */
	0x09, 0x02,       /* Usage (Mouse) */
	0xa1, 0x01,       /* Collection (Application) */
	0x09, 0x01,       /*   Usage (Pointer) */
	0xa1, 0x00,       /*   Collection (Physical) */
	0x05, 0x09,       /*     Usage Page (Button) */
	0x19, 0x01,       /*     Usage Minimum (1) */
	0x29, 0x03,       /*     Usage Maximum (3) */
	0x15, 0x00,       /*     Logical Minimum (0) */
	0x25, 0x01,       /*     Logical Maximum (1) */
	0x75, 0x01,       /*     Report Size (1) */
	0x95, 0x03,       /*     Report Count (3) */
	0x81, 0x02,       /*     Input (Data, Variable, Absolute) */
	0x75, 0x05,       /*     Report Size (5) */
	0x95, 0x01,       /*     Report Count (1) */
	0x81, 0x01,       /*     Input (Constant) */
	0x05, 0x01,       /*     Usage Page (Generic Desktop) */
	0x09, 0x30,       /*     Usage (X) */
	0x09, 0x31,       /*     Usage (Y) */
	0x16, 0x00, 0x00, /*     Logical Minimum (0) */
	0x26, 0xff, 0x7f, /*     Logical Maximum (32767) */
	0x36, 0x00, 0x00, /*     Physical Minimum (0) */
	0x46, 0xff, 0x7f, /*     Physical Maximum (32767) */
	0x75, 0x10,       /*     Report Size (16) */
	0x95, 0x02,       /*     Report Count (2) */
	0x81, 0x02,       /*     Input (Data, Variable, Absolute) */
	0x09, 0x38,       /*     Usage (Wheel) */
	0x15, 0x81,       /*     Logical Minimum (-127) */
	0x25, 0x7f,       /*     Logical Maximum (127) */
	0x35, 0x00,       /*     Physical Minimum (0) */
	0x45, 0x00,       /*     Physical Maximum (0) */
	0x75, 0x08,       /*     Report Size (8) */
	0x95, 0x01,       /*     Report Count (1) */
	0x81, 0x06,       /*     Input (Data, Variable, Relative) */
	0xc0,             /*   End Collection */
	0xc0,             /* End Collection */
};

static const uint8_t device_descriptor[18] = {
	18, 1,
	0x10, 0x01,       /* USB 1.1 */
	0, 0, 0,          /* class is in the interface */
	8,                /* packet size of endpoint 0 */
	0x27, 0x06, 0x01, 0x00, /* 0627:0001, which systems know as a virtual tablet */
	0x00, 0x01,
	1, 2, 3,          /* strings: manufacturer, product, serial number */
	1,
};

#define HID_DESCRIPTOR \
	9, DESC_HID, 0x11, 0x01, 0, 1, DESC_REPORT, sizeof(report_descriptor), 0

static const uint8_t hid_descriptor[] = { HID_DESCRIPTOR };

static const uint8_t config_descriptor[] = {
	9, 2, 34, 0, 1, 1, 0, 0xa0, 50,   /* bus powered, remote wake-up, 100 mA */
	9, 4, 0, 0, 1, 3, 0, 0, 0,        /* interface 0: HID, no subclass */
	HID_DESCRIPTOR,
	7, 5, 0x80 | ENDPOINT, 3, 8, 0, 10, /* interrupt IN, 8 bytes, 10 ms */
};
/* clang-format on */

_Static_assert(sizeof(config_descriptor) == 34, "wTotalLength");

static const char *const strings[] = { "Lodge", "USB Tablet", "1" };

static struct usb_tablet *
tablet_of(struct usb_device *u)
{
	return (struct usb_tablet *)u; /* its first member */
}

static int64_t
now_ns(const struct usb_tablet *t)
{
	struct dev *d = t->usb.ctx;

	return d->env->now_ns(d);
}

static unsigned
put_report(const struct usb_tablet_event *e, uint8_t *p)
{
	p[0] = e->buttons;
	put_le16(p + 1, e->x);
	put_le16(p + 3, e->y);
	p[5] = (uint8_t)e->wheel;
	return REPORT_BYTES;
}

static int
class_request(struct usb_device *u, const struct usb_setup *s, uint8_t *data)
{
	struct usb_tablet *t = tablet_of(u);

	switch (s->request_type << 8 | s->request) {
	case 0xa100 | HID_GET_REPORT: return (int)put_report(&t->now, data);
	case 0xa100 | HID_GET_IDLE: data[0] = t->idle; return 1;
	case 0xa100 | HID_GET_PROTOCOL: data[0] = t->protocol; return 1;
	case 0x2100 | HID_SET_REPORT: return 0; /* there is no output report */
	case 0x2100 | HID_SET_IDLE: t->idle = (uint8_t)(s->value >> 8); return 0;
	case 0x2100 | HID_SET_PROTOCOL: t->protocol = s->value & 1; return 0;
	default: return USB_STALL;
	}
}

static int
tablet_request(struct usb_device *u, const struct usb_setup *s, uint8_t *data)
{
	if (s->request_type & 0x60)
		return class_request(u, s, data);
	if (s->request_type != 0x81) /* GET_DESCRIPTOR to the interface */
		return USB_STALL;
	switch (s->value >> 8) {
	case DESC_HID: memcpy(data, hid_descriptor, sizeof(hid_descriptor)); return 9;
	case DESC_REPORT:
		memcpy(data, report_descriptor, sizeof(report_descriptor));
		return sizeof(report_descriptor);
	default: return USB_STALL;
	}
}

static int
tablet_in(struct usb_device *u, unsigned ep, uint8_t *data, unsigned max)
{
	struct usb_tablet *t = tablet_of(u);
	int64_t now = now_ns(t);
	uint8_t report[REPORT_BYTES];

	if (ep != ENDPOINT)
		return USB_STALL;
	if (t->count) {
		t->now = t->queue[t->first];
		t->first = (t->first + 1) % USB_TABLET_QUEUE;
		t->count--;
	} else if (t->idle && now - t->last_report_ns >= t->idle * IDLE_UNIT_NS) {
		t->now.wheel = 0;
	} else {
		return USB_NAK;
	}
	t->last_report_ns = now;
	put_report(&t->now, report);
	memcpy(data, report, max < REPORT_BYTES ? max : REPORT_BYTES);
	return REPORT_BYTES;
}

static void
tablet_reset(struct usb_device *u)
{
	struct usb_tablet *t = tablet_of(u);

	t->first = t->count = 0;
	t->idle = 0;
	t->protocol = 1;
	t->last_report_ns = 0;
	memset(&t->now, 0, sizeof(t->now));
	memset(t->queue, 0, sizeof(t->queue));
}

static const struct usb_device_type tablet_type = {
	.device_descriptor = device_descriptor,
	.config_descriptor = config_descriptor,
	.config_bytes = sizeof(config_descriptor),
	.strings = strings,
	.nstrings = ARRAY_SIZE(strings),
	.request = tablet_request,
	.in = tablet_in,
	.reset = tablet_reset,
};

void
usb_tablet_init(struct usb_tablet *t, struct dev *d)
{
	t->usb.type = &tablet_type;
	t->usb.ctx = d;
}

void
usb_tablet_loaded(struct usb_tablet *t)
{
	usb_device_loaded(&t->usb);
	t->first %= USB_TABLET_QUEUE;
	if (t->count > USB_TABLET_QUEUE)
		t->count = 0;
}

static int8_t
clamp_wheel(int wheel)
{
	if (wheel > 127)
		return 127;
	return (int8_t)(wheel < -127 ? -127 : wheel);
}

/*
 * Movement replaces movement that was not read yet; a change of buttons always gets
 * a report of its own, so that no click is lost.
 */
void
usb_tablet_move(struct usb_tablet *t, unsigned x, unsigned y, unsigned buttons, int wheel)
{
	struct usb_tablet_event e = { .x = (uint16_t)(x & 0x7fff),
		.y = (uint16_t)(y & 0x7fff),
		.buttons = (uint8_t)((buttons & 1) | (buttons >> 1 & 2) | (buttons << 1 & 4)),
		.wheel = clamp_wheel(wheel) };
	unsigned last = (t->first + t->count + USB_TABLET_QUEUE - 1) % USB_TABLET_QUEUE;
	const struct usb_tablet_event *before = t->count ? &t->queue[last] : &t->now;

	if (!t->usb.config)
		return;
	if (e.x == before->x && e.y == before->y && e.buttons == before->buttons && !e.wheel)
		return;
	if (t->count && before->buttons == e.buttons) {
		e.wheel = clamp_wheel(before->wheel + e.wheel);
	} else if (t->count < USB_TABLET_QUEUE) {
		last = (t->first + t->count++) % USB_TABLET_QUEUE;
	}
	t->queue[last] = e;
}
