/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * USB 1.1 devices as a host controller sees them: transactions in, results out.  The
 * default control pipe (Universal Serial Bus Specification 1.1, chapters 8.5.2 and 9) is done
 * here once; a device brings descriptors, class requests and its other endpoints.
 *
 * A device's state is embedded in its controller's, which saves it.  No packet is ever
 * lost, so the data toggles always agree and are not kept.
 */
#ifndef LODGE_DEV_BUS_USB_H
#define LODGE_DEV_BUS_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum usb_pid { USB_PID_OUT = 0xe1, USB_PID_IN = 0x69, USB_PID_SETUP = 0x2d };

/* Results below 0 of a transaction */
#define USB_NAK   (-1)
#define USB_STALL (-2)

#define USB_CONTROL_MAX 256u

struct usb_setup { /* 9.3 */
	uint8_t request_type, request;
	uint16_t value, index, length;
};

struct usb_device;

struct usb_device_type {
	const uint8_t *device_descriptor; /* 18 bytes */
	const uint8_t *config_descriptor; /* with all that belongs to it */
	uint16_t config_bytes;
	const char *const *strings; /* index 1 is strings[0]; ASCII */
	unsigned nstrings;
	bool low_speed;
	/* Requests other than the standard ones, and descriptors of other kinds. data is
	 * USB_CONTROL_MAX bytes: what came with the request, or room for the answer. Bytes of
	 * the answer, 0 for none, or USB_STALL. */
	int (*request)(struct usb_device *u, const struct usb_setup *s, uint8_t *data);
	/* Endpoints but 0, while configured: bytes moved, USB_NAK or USB_STALL. */
	int (*in)(struct usb_device *u, unsigned ep, uint8_t *data, unsigned max);
	int (*out)(struct usb_device *u, unsigned ep, const uint8_t *data, unsigned len);
	void (*reset)(struct usb_device *u);
};

struct usb_device {
	uint8_t addr;          /* 0 after reset */
	uint8_t next_addr;     /* takes effect after the status stage */
	uint8_t config;        /* bConfigurationValue, 0: not configured */
	uint8_t remote_wakeup; /* the host allowed it */
	uint16_t halted;       /* endpoints halted by the host, by number (IN) */
	uint8_t stage;         /* of the control transfer */
	uint8_t setup[8];
	uint8_t pad;
	uint16_t control_len, control_pos;
	uint8_t control[USB_CONTROL_MAX];

	/* not saved */
	uint8_t pad2[4];
	const struct usb_device_type *type;
	void *ctx; /* the device's own state */
};

#define USB_DEVICE_FIELDS(T, m)                                                                    \
	DEV_FIELD(T, m.addr), DEV_FIELD(T, m.next_addr), DEV_FIELD(T, m.config),                   \
	    DEV_FIELD(T, m.remote_wakeup), DEV_FIELD(T, m.halted), DEV_FIELD(T, m.stage),          \
	    DEV_FIELD_ARRAY(T, m.setup), DEV_TRANSIENT(T, m.pad), DEV_FIELD(T, m.control_len),     \
	    DEV_FIELD(T, m.control_pos), DEV_FIELD_ARRAY(T, m.control), DEV_TRANSIENT(T, m.pad2),  \
	    DEV_TRANSIENT(T, m.type), DEV_TRANSIENT(T, m.ctx)

void usb_device_reset(struct usb_device *u);
void usb_device_loaded(struct usb_device *u);
/* One transaction. data: what the host sends, or room for len bytes. Bytes moved (for IN
 * possibly more than len was asked for: babble, nothing is stored past len), or a result below 0.
 */
int usb_device_packet(
    struct usb_device *u, enum usb_pid pid, unsigned ep, uint8_t *data, unsigned len);

#endif
