/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The default control pipe and the standard requests: Universal Serial Bus
 * Specification 1.1, 8.5.2 (control transfers) and 9.4 (standard device requests).
 */
#include "dev/bus/usb.h"

#include "base/bits.h"
#include "dev/dev.h"

enum stage { STAGE_IDLE, STAGE_DATA_IN, STAGE_DATA_OUT, STAGE_STATUS_IN, STAGE_STALLED };

enum request {
	GET_STATUS = 0,
	CLEAR_FEATURE = 1,
	SET_FEATURE = 3,
	SET_ADDRESS = 5,
	GET_DESCRIPTOR = 6,
	GET_CONFIGURATION = 8,
	SET_CONFIGURATION = 9,
	GET_INTERFACE = 10,
	SET_INTERFACE = 11,
};

#define TYPE_DIR_IN         0x80
#define TYPE_KIND           0x60 /* 0 standard, 20h class, 40h vendor */
#define TYPE_RECIPIENT      0x1f
#define TO_DEVICE           0
#define TO_INTERFACE        1
#define TO_ENDPOINT         2
#define DESC_DEVICE         1
#define DESC_CONFIG         2
#define DESC_STRING         3
#define FEATURE_HALT        0
#define FEATURE_WAKEUP      1
#define CONFIG_ATTR_OFF     7
#define ATTR_SELF_POWERED   0x40
#define LANGUAGE_US_ENGLISH 0x0409

void
usb_device_reset(struct usb_device *u)
{
	u->addr = u->next_addr = u->config = u->remote_wakeup = 0;
	u->halted = 0;
	u->stage = STAGE_IDLE;
	u->control_len = u->control_pos = 0;
	if (u->type->reset)
		u->type->reset(u);
}

void
usb_device_loaded(struct usb_device *u)
{
	if (u->control_len > USB_CONTROL_MAX)
		u->control_len = USB_CONTROL_MAX;
	if (u->control_pos > u->control_len)
		u->control_pos = u->control_len;
	u->addr &= 0x7f;
	u->next_addr &= 0x7f;
}

static struct usb_setup
setup_of(const struct usb_device *u)
{
	return (struct usb_setup){ u->setup[0], u->setup[1], get_le16(u->setup + 2),
		get_le16(u->setup + 4), get_le16(u->setup + 6) };
}

/* ---- standard requests: bytes of the answer in `data`, or USB_STALL ---- */

static int
string_descriptor(const struct usb_device *u, unsigned index, uint8_t *data)
{
	const char *s;
	unsigned n = 2;

	data[1] = DESC_STRING;
	if (index == 0) {
		put_le16(data + 2, LANGUAGE_US_ENGLISH);
		n = 4;
	} else if (index <= u->type->nstrings) {
		for (s = u->type->strings[index - 1]; *s && n + 2 <= 254; s++, n += 2)
			put_le16(data + n, (uint8_t)*s);
	} else {
		return USB_STALL;
	}
	data[0] = (uint8_t)n;
	return (int)n;
}

static int
get_descriptor(struct usb_device *u, const struct usb_setup *s, uint8_t *data)
{
	const struct usb_device_type *t = u->type;

	switch (s->value >> 8) {
	case DESC_DEVICE: memcpy(data, t->device_descriptor, 18); return 18;
	case DESC_CONFIG:
		if (s->value & 0xff)
			return USB_STALL;
		memcpy(data, t->config_descriptor, t->config_bytes);
		return t->config_bytes;
	case DESC_STRING: return string_descriptor(u, s->value & 0xff, data);
	default: return t->request ? t->request(u, s, data) : USB_STALL;
	}
}

static int
get_status(struct usb_device *u, const struct usb_setup *s, uint8_t *data)
{
	data[0] = data[1] = 0;
	switch (s->request_type & TYPE_RECIPIENT) {
	case TO_DEVICE:
		if (u->type->config_descriptor[CONFIG_ATTR_OFF] & ATTR_SELF_POWERED)
			data[0] |= 1;
		if (u->remote_wakeup)
			data[0] |= 2;
		return 2;
	case TO_INTERFACE: return 2;
	case TO_ENDPOINT: data[0] = u->halted >> (s->index & 0xf) & 1; return 2;
	default: return USB_STALL;
	}
}

static int
change_feature(struct usb_device *u, const struct usb_setup *s, uint8_t *data)
{
	bool set = s->request == SET_FEATURE;
	uint16_t bit = (uint16_t)(1u << (s->index & 0xf));
	unsigned to = s->request_type & TYPE_RECIPIENT;

	if (to == TO_DEVICE && s->value == FEATURE_WAKEUP)
		u->remote_wakeup = set;
	else if (to == TO_ENDPOINT && s->value == FEATURE_HALT)
		u->halted = set ? u->halted | bit : u->halted & ~bit;
	else
		return USB_STALL;
	return 0;
}

static int
set_address(struct usb_device *u, const struct usb_setup *s, uint8_t *data)
{
	u->next_addr = s->value & 0x7f;
	return 0;
}

static int
get_configuration(struct usb_device *u, const struct usb_setup *s, uint8_t *data)
{
	data[0] = u->config;
	return 1;
}

static int
set_configuration(struct usb_device *u, const struct usb_setup *s, uint8_t *data)
{
	unsigned value = s->value & 0xff;

	if (value && value != u->type->config_descriptor[5])
		return USB_STALL;
	u->config = (uint8_t)value;
	u->halted = 0;
	return 0;
}

static int
get_interface(struct usb_device *u, const struct usb_setup *s, uint8_t *data)
{
	data[0] = 0;
	return u->config ? 1 : USB_STALL;
}

static int
set_interface(struct usb_device *u, const struct usb_setup *s, uint8_t *data)
{
	return u->config && !s->value ? 0 : USB_STALL;
}

static int
standard_request(struct usb_device *u, const struct usb_setup *s, uint8_t *data)
{
	static const struct {
		int (*fn)(struct usb_device *u, const struct usb_setup *s, uint8_t *data);
		bool in;
	} table[] = {
		[GET_STATUS] = { get_status, true },
		[CLEAR_FEATURE] = { change_feature, false },
		[SET_FEATURE] = { change_feature, false },
		[SET_ADDRESS] = { set_address, false },
		[GET_DESCRIPTOR] = { get_descriptor, true },
		[GET_CONFIGURATION] = { get_configuration, true },
		[SET_CONFIGURATION] = { set_configuration, false },
		[GET_INTERFACE] = { get_interface, true },
		[SET_INTERFACE] = { set_interface, false },
	};

	if (s->request >= ARRAY_SIZE(table) || !table[s->request].fn)
		return USB_STALL;
	if (table[s->request].in != !!(s->request_type & TYPE_DIR_IN))
		return USB_STALL;
	return table[s->request].fn(u, s, data);
}

static int
run_request(struct usb_device *u, const struct usb_setup *s)
{
	if (!(s->request_type & TYPE_KIND))
		return standard_request(u, s, u->control);
	return u->type->request ? u->type->request(u, s, u->control) : USB_STALL;
}

/* ---- stages ---- */

static int
control_setup(struct usb_device *u, const uint8_t *data, unsigned len)
{
	struct usb_setup s;
	int n;

	if (len != 8)
		return USB_STALL;
	memcpy(u->setup, data, 8);
	s = setup_of(u);
	u->control_pos = 0;
	u->control_len = s.length;
	if (s.length && !(s.request_type & TYPE_DIR_IN)) {
		u->stage = s.length <= USB_CONTROL_MAX ? STAGE_DATA_OUT : STAGE_STALLED;
		return 8;
	}
	n = run_request(u, &s);
	if (n < 0) {
		u->stage = STAGE_STALLED;
		u->control_len = 0;
		return 8; /* SETUP is always acknowledged; what follows is not */
	}
	u->control_len = (uint16_t)((unsigned)n < s.length ? (unsigned)n : s.length);
	u->stage = s.length ? STAGE_DATA_IN : STAGE_STATUS_IN;
	return 8;
}

static int
control_in(struct usb_device *u, uint8_t *data, unsigned len)
{
	unsigned n = u->control_len - u->control_pos, packet = u->type->device_descriptor[7];

	switch (u->stage) {
	case STAGE_DATA_IN:
		if (n > packet)
			n = packet;
		memcpy(data, u->control + u->control_pos, n < len ? n : len);
		u->control_pos += (uint16_t)n;
		return (int)n;
	case STAGE_STATUS_IN:
		u->addr = u->next_addr;
		u->stage = STAGE_IDLE;
		return 0;
	default: return USB_STALL;
	}
}

static int
control_out(struct usb_device *u, const uint8_t *data, unsigned len)
{
	unsigned room = u->control_len - u->control_pos;

	if (u->stage == STAGE_DATA_IN) { /* the status stage; it may cut the data short */
		u->stage = STAGE_IDLE;
		return (int)len;
	}
	if (u->stage != STAGE_DATA_OUT || len > room)
		return USB_STALL;
	memcpy(u->control + u->control_pos, data, len);
	u->control_pos += (uint16_t)len;
	if (u->control_pos == u->control_len) {
		struct usb_setup s = setup_of(u);

		u->stage = run_request(u, &s) < 0 ? STAGE_STALLED : STAGE_STATUS_IN;
	}
	return (int)len;
}

int
usb_device_packet(struct usb_device *u, enum usb_pid pid, unsigned ep, uint8_t *data, unsigned len)
{
	if (ep == 0) {
		if (pid == USB_PID_SETUP)
			return control_setup(u, data, len);
		return pid == USB_PID_IN ? control_in(u, data, len) : control_out(u, data, len);
	}
	if (!u->config || (u->halted >> ep & 1) || pid == USB_PID_SETUP)
		return USB_STALL;
	if (pid == USB_PID_IN)
		return u->type->in ? u->type->in(u, ep, data, len) : USB_STALL;
	return u->type->out ? u->type->out(u, ep, data, len) : USB_STALL;
}
