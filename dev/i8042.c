/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 8042 keyboard controller with a PS/2 keyboard and mouse (IBM PS/2 Hardware Interface
 * Technical Reference, "Keyboard and Auxiliary Device Controller"; the PC/AT's commands
 * where they differ in name only).
 *
 * Regions: 60h (data), 64h (status, command).  Outputs: 0 = IRQ 1, 1 = IRQ 12, 2 = A20 (one
 * of two sources: the board ORs it with port 92h).
 *
 * A byte from a device takes WIRE_NS to arrive, counted from when the output buffer
 * was read or the byte became available, so each interrupt announces one byte and the
 * line falls in between.  The controller's own replies are there at once, or as soon
 * as the buffer is free.
 */
#include "dev/i8042.h"

#include "base/bits.h"
#include "dev/ps2.h"
#include "dev/types.h"

#define WIRE_NS  250000
#define NEVER    INT64_MAX
#define RAM_SIZE 32u

#define ST_OBF 0x01
#define ST_SYS 0x04
#define ST_CMD 0x08
#define ST_UNL 0x10 /* not locked by the key switch */
#define ST_AUX 0x20

#define CB_KBD_INT 0x01
#define CB_AUX_INT 0x02
#define CB_SYS     0x04
#define CB_KBD_DIS 0x10
#define CB_AUX_DIS 0x20
#define CB_XLATE   0x40

#define OP_RUN     0x01 /* 0: the reset line is pulled */
#define OP_A20     0x02
#define OP_IRQ1    0x10
#define OP_IRQ12   0x20
#define OP_WIRES   0xcc
#define INPUT_PORT 0xb0 /* not locked, no manufacturing jumper, full memory */

enum { OUT_IRQ1, OUT_IRQ12, OUT_A20 };
enum { FROM_KBD, FROM_AUX, FROM_CTL };

struct i8042 {
	int64_t ready_at; /* when the next byte from a device arrives, or NEVER */
	struct ps2mouse mouse;
	struct ps2kbd kbd;
	struct ps2_queue ctl;     /* own replies: pairs of source and byte */
	uint8_t ram[RAM_SIZE];    /* [0]: command byte */
	uint8_t obuf, full, from; /* output buffer, has it a byte, whose */
	uint8_t cmd;              /* waits for its data byte; 0: none */
	uint8_t last_was_cmd;
	uint8_t outport;     /* OP_RUN and OP_A20 */
	uint8_t xlate_break; /* F0 was seen */
	uint8_t pad[10];
};

/* Set 2 → set 1, codes 00–7F; 83h and 84h are apart. */
static const uint8_t xlate[128] = {
	0xff,
	0x43,
	0x41,
	0x3f,
	0x3d,
	0x3b,
	0x3c,
	0x58,
	0x64,
	0x44,
	0x42,
	0x40,
	0x3e,
	0x0f,
	0x29,
	0x59,
	0x65,
	0x38,
	0x2a,
	0x70,
	0x1d,
	0x10,
	0x02,
	0x5a,
	0x66,
	0x71,
	0x2c,
	0x1f,
	0x1e,
	0x11,
	0x03,
	0x5b,
	0x67,
	0x2e,
	0x2d,
	0x20,
	0x12,
	0x05,
	0x04,
	0x5c,
	0x68,
	0x39,
	0x2f,
	0x21,
	0x14,
	0x13,
	0x06,
	0x5d,
	0x69,
	0x31,
	0x30,
	0x23,
	0x22,
	0x15,
	0x07,
	0x5e,
	0x6a,
	0x72,
	0x32,
	0x24,
	0x16,
	0x08,
	0x09,
	0x5f,
	0x6b,
	0x33,
	0x25,
	0x17,
	0x18,
	0x0b,
	0x0a,
	0x60,
	0x6c,
	0x34,
	0x35,
	0x26,
	0x27,
	0x19,
	0x0c,
	0x61,
	0x6d,
	0x73,
	0x28,
	0x74,
	0x1a,
	0x0d,
	0x62,
	0x6e,
	0x3a,
	0x36,
	0x1c,
	0x1b,
	0x75,
	0x2b,
	0x63,
	0x76,
	0x55,
	0x56,
	0x77,
	0x78,
	0x79,
	0x7a,
	0x0e,
	0x7b,
	0x7c,
	0x4f,
	0x7d,
	0x4b,
	0x47,
	0x7e,
	0x7f,
	0x6f,
	0x52,
	0x53,
	0x50,
	0x4c,
	0x4d,
	0x48,
	0x01,
	0x45,
	0x57,
	0x4e,
	0x51,
	0x4a,
	0x37,
	0x49,
	0x46,
	0x54,
};

/* ---- output buffer ---- */

static void
drive(struct dev *d)
{
	struct i8042 *s = d->state;
	bool aux = s->from == FROM_AUX;

	d->env->output(d, OUT_IRQ1, s->full && !aux && (s->ram[0] & CB_KBD_INT));
	d->env->output(d, OUT_IRQ12, s->full && aux && (s->ram[0] & CB_AUX_INT));
	d->env->output(d, OUT_A20, s->outport & OP_A20);
}

static void
fill(struct i8042 *s, uint8_t from, uint8_t byte)
{
	s->obuf = byte;
	s->from = from;
	s->full = 1;
}

/* A byte of the keyboard as the host sees it; false: only a prefix so far. */
static bool
translate(struct i8042 *s, uint8_t *byte)
{
	uint8_t v = *byte;

	if (!(s->ram[0] & CB_XLATE))
		return true;
	if (v == 0xf0) {
		s->xlate_break = 0x80;
		return false;
	}
	if (v < 0x80)
		v = xlate[v];
	else if (v == 0x83)
		v = 0x41;
	else if (v == 0x84)
		v = 0x54;
	*byte = v | s->xlate_break;
	s->xlate_break = 0;
	return true;
}

static bool
kbd_ready(const struct i8042 *s)
{
	return !(s->ram[0] & CB_KBD_DIS) && ps2kbd_ready(&s->kbd);
}

static bool
aux_ready(const struct i8042 *s)
{
	return !(s->ram[0] & CB_AUX_DIS) && ps2mouse_ready(&s->mouse);
}

static void
take_from_devices(struct i8042 *s)
{
	uint8_t byte;

	while (!s->full && kbd_ready(s)) {
		ps2kbd_read(&s->kbd, &byte);
		if (translate(s, &byte))
			fill(s, FROM_KBD, byte);
	}
	if (!s->full && aux_ready(s)) {
		ps2mouse_read(&s->mouse, &byte);
		fill(s, FROM_AUX, byte);
	}
}

/* Fills the buffer if it is time, arms the timer for what is next, drives the lines. */
static void
i8042_update(struct dev *d)
{
	struct i8042 *s = d->state;
	int64_t now = d->env->now_ns(d), mouse_at;
	uint8_t from, byte;

	mouse_at = ps2mouse_poll(&s->mouse, now);
	if (!s->full && ps2_queue_get(&s->ctl, &from) && ps2_queue_get(&s->ctl, &byte))
		fill(s, from, byte);
	if (s->full || (!kbd_ready(s) && !aux_ready(s)))
		s->ready_at = NEVER;
	else if (s->ready_at == NEVER)
		s->ready_at = now + WIRE_NS;
	if (now >= s->ready_at) {
		s->ready_at = NEVER;
		take_from_devices(s);
	}
	d->env->timer_arm(d, 0, s->ready_at < mouse_at ? s->ready_at : mouse_at);
	drive(d);
}

static void
i8042_timer(struct dev *d, unsigned id)
{
	i8042_update(d);
}

static void
reply(struct i8042 *s, uint8_t from, uint8_t byte)
{
	ps2_queue_put(&s->ctl, from);
	ps2_queue_put(&s->ctl, byte);
}

/* ---- commands ---- */

static void
set_outport(struct dev *d, uint8_t val)
{
	struct i8042 *s = d->state;

	s->outport = val & (OP_RUN | OP_A20);
	drive(d);
	if (!(val & OP_RUN))
		d->env->request(d, DEV_REQ_RESET, 1);
}

static void
self_test(struct i8042 *s)
{
	s->ram[0] |= CB_SYS | CB_KBD_DIS | CB_AUX_DIS;
	s->xlate_break = 0;
	reply(s, FROM_CTL, 0x55);
}

/* Writes to 64h that need nothing more; false: not one of them. */
static bool
simple_command(struct dev *d, uint8_t cmd)
{
	struct i8042 *s = d->state;
	uint8_t *cb = &s->ram[0];

	switch (cmd) {
	case 0xa4: /* is a password installed? */ reply(s, FROM_CTL, 0xf1); break;
	case 0xa7: *cb |= CB_AUX_DIS; break;
	case 0xa8: *cb &= (uint8_t)~CB_AUX_DIS; break;
	case 0xa9: /* interface tests: no fault */
	case 0xab: reply(s, FROM_CTL, 0); break;
	case 0xaa: self_test(s); break;
	case 0xad: *cb |= CB_KBD_DIS; break;
	case 0xae: *cb &= (uint8_t)~CB_KBD_DIS; break;
	case 0xc0: reply(s, FROM_CTL, INPUT_PORT); break;
	case 0xd0:
		reply(s, FROM_CTL,
		    (uint8_t)(OP_WIRES | s->outport |
			      (s->full ? s->from == FROM_AUX ? OP_IRQ12 : OP_IRQ1 : 0)));
		break;
	case 0xdd: /* many boards' short forms of D1 */
	case 0xdf: set_outport(d, (uint8_t)(OP_RUN | (cmd == 0xdf ? OP_A20 : 0))); break;
	case 0xe0: /* test inputs: both clocks high */ reply(s, FROM_CTL, 0x03); break;
	default: return false;
	}
	return true;
}

static void
command(struct dev *d, uint8_t cmd)
{
	struct i8042 *s = d->state;

	s->cmd = 0;
	if (simple_command(d, cmd))
		return;
	if (cmd >= 0x20 && cmd < 0x40) {
		reply(s, FROM_CTL, s->ram[cmd & (RAM_SIZE - 1)]);
	} else if ((cmd >= 0x60 && cmd < 0x80) || (cmd >= 0xd1 && cmd <= 0xd4)) {
		s->cmd = cmd;
	} else if (cmd >= 0xf0) { /* pulse the low output bits that are 0 here */
		if (!(cmd & OP_RUN))
			d->env->request(d, DEV_REQ_RESET, 1);
	} else {
		d->env->guest_error(d, "8042: unknown command", cmd);
	}
}

/* A byte written to 60h. */
static void
data(struct dev *d, uint8_t byte)
{
	struct i8042 *s = d->state;
	uint8_t cmd = s->cmd;

	s->cmd = 0;
	switch (cmd) {
	case 0: /* sending enables the keyboard again */
		s->ram[0] &= (uint8_t)~CB_KBD_DIS;
		s->xlate_break = 0;
		ps2kbd_write(&s->kbd, byte);
		break;
	case 0xd1: set_outport(d, byte); break;
	case 0xd2: reply(s, FROM_KBD, byte); break;
	case 0xd3: reply(s, FROM_AUX, byte); break;
	case 0xd4:
		s->ram[0] &= (uint8_t)~CB_AUX_DIS;
		ps2mouse_write(&s->mouse, byte);
		break;
	default: s->ram[cmd & (RAM_SIZE - 1)] = byte; break;
	}
}

/* ---- ports ---- */

static uint64_t
data_read(struct dev *d, uint32_t off, unsigned size)
{
	struct i8042 *s = d->state;
	uint8_t v = s->obuf;

	if (s->full) {
		s->full = 0;
		s->ready_at = NEVER;
		drive(d); /* the line falls before the next byte raises it */
		i8042_update(d);
	}
	return v;
}

static void
data_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct i8042 *s = d->state;

	s->last_was_cmd = 0;
	data(d, (uint8_t)val);
	i8042_update(d);
}

static uint64_t
status_read(struct dev *d, uint32_t off, unsigned size)
{
	struct i8042 *s = d->state;
	uint8_t v = ST_UNL;

	if (s->full)
		v |= s->from == FROM_AUX ? ST_OBF | ST_AUX : ST_OBF;
	if (s->ram[0] & CB_SYS)
		v |= ST_SYS;
	if (s->last_was_cmd)
		v |= ST_CMD;
	return v;
}

static void
command_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct i8042 *s = d->state;

	s->last_was_cmd = 1;
	command(d, (uint8_t)val);
	i8042_update(d);
}

/* ---- input ---- */

void
i8042_key(struct dev *d, unsigned set1_scancode, bool down)
{
	struct i8042 *s = d->state;

	ps2kbd_key(&s->kbd, set1_scancode, down);
	i8042_update(d);
}

void
i8042_mouse(struct dev *d, int dx, int dy, unsigned buttons, int wheel)
{
	struct i8042 *s = d->state;

	ps2mouse_move(&s->mouse, dx, dy, buttons, wheel);
	i8042_update(d);
}

unsigned
i8042_leds(const struct dev *d)
{
	const struct i8042 *s = d->state;

	return s->kbd.leds;
}

/* ---- life ---- */

static void
i8042_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct i8042 *s = d->state;

	ps2kbd_reset(&s->kbd);
	ps2mouse_reset(&s->mouse);
	s->mouse.dx = s->mouse.dy = s->mouse.dz = 0;
	s->mouse.report.count = s->mouse.report.head = 0;
	s->ctl.head = s->ctl.count = 0;
	for (unsigned i = 0; i < RAM_SIZE; i++)
		s->ram[i] = 0;
	/* As the controller's own start-up leaves it, for guests without firmware. */
	s->ram[0] = CB_KBD_INT | CB_AUX_DIS | CB_XLATE;
	s->obuf = 0;
	s->full = 0;
	s->from = FROM_CTL;
	s->cmd = 0;
	s->last_was_cmd = 0;
	s->outport = OP_RUN | OP_A20; /* port pins are high after reset */
	s->xlate_break = 0;
	s->ready_at = NEVER;
	i8042_update(d);
}

static int
i8042_loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct i8042 *s = d->state;

	ps2kbd_check(&s->kbd);
	ps2mouse_check(&s->mouse);
	ps2_queue_check(&s->ctl);
	s->xlate_break &= 0x80;
	if (s->ready_at != NEVER && (s->ready_at < 0 || s->ready_at > NEVER / 4))
		s->ready_at = 0;
	drive(d);
	d->env->timer_arm(d, 0, s->ready_at);
	if (s->ready_at == NEVER)
		i8042_update(d);
	return 0;
}

static const struct dev_region i8042_regions[] = {
	{ "data", DEV_REGION_PIO, 1, 1, 1, data_read, data_write },
	{ "command", DEV_REGION_PIO, 1, 1, 1, status_read, command_write },
};

static const char *const i8042_outputs[] = { "irq1", "irq12", "a20" };

#define QUEUE_FIELDS(q)                                                                            \
	DEV_FIELD(struct i8042, q.head), DEV_FIELD(struct i8042, q.count),                         \
	    DEV_FIELD_ARRAY(struct i8042, q.data)

static const struct dev_field i8042_fields[] = {
	DEV_FIELD(struct i8042, ready_at),
	DEV_FIELD(struct i8042, mouse.next_ns),
	DEV_FIELD(struct i8042, mouse.dx),
	DEV_FIELD(struct i8042, mouse.dy),
	DEV_FIELD(struct i8042, mouse.dz),
	QUEUE_FIELDS(mouse.replies),
	QUEUE_FIELDS(mouse.report),
	DEV_FIELD(struct i8042, mouse.cmd),
	DEV_FIELD(struct i8042, mouse.id),
	DEV_FIELD(struct i8042, mouse.rate),
	DEV_FIELD(struct i8042, mouse.resolution),
	DEV_FIELD(struct i8042, mouse.scaling2),
	DEV_FIELD(struct i8042, mouse.enabled),
	DEV_FIELD(struct i8042, mouse.remote),
	DEV_FIELD(struct i8042, mouse.wrap),
	DEV_FIELD(struct i8042, mouse.buttons),
	DEV_FIELD(struct i8042, mouse.reported),
	DEV_FIELD_ARRAY(struct i8042, mouse.rates),
	DEV_FIELD(struct i8042, mouse.last),
	DEV_TRANSIENT(struct i8042, mouse.pad),
	QUEUE_FIELDS(kbd.replies),
	QUEUE_FIELDS(kbd.keys),
	DEV_FIELD(struct i8042, kbd.cmd),
	DEV_FIELD(struct i8042, kbd.set),
	DEV_FIELD(struct i8042, kbd.scanning),
	DEV_FIELD(struct i8042, kbd.leds),
	DEV_FIELD(struct i8042, kbd.typematic),
	DEV_FIELD(struct i8042, kbd.last),
	DEV_FIELD(struct i8042, kbd.ctrl),
	DEV_FIELD(struct i8042, kbd.alt),
	DEV_FIELD(struct i8042, kbd.shift),
	DEV_FIELD_ARRAY(struct i8042, kbd.set3_types),
	QUEUE_FIELDS(ctl),
	DEV_FIELD_ARRAY(struct i8042, ram),
	DEV_FIELD(struct i8042, obuf),
	DEV_FIELD(struct i8042, full),
	DEV_FIELD(struct i8042, from),
	DEV_FIELD(struct i8042, cmd),
	DEV_FIELD(struct i8042, last_was_cmd),
	DEV_FIELD(struct i8042, outport),
	DEV_FIELD(struct i8042, xlate_break),
	DEV_TRANSIENT(struct i8042, pad),
};

const struct dev_type i8042_type = {
	.name = "i8042",
	.regions = i8042_regions,
	.nregions = ARRAY_SIZE(i8042_regions),
	.noutputs = ARRAY_SIZE(i8042_outputs),
	.output_names = i8042_outputs,
	.ntimers = 1,
	.fields = i8042_fields,
	.nfields = ARRAY_SIZE(i8042_fields),
	.state_size = sizeof(struct i8042),
	.state_version = 1,
	.reset = i8042_reset,
	.timer = i8042_timer,
	.loaded = i8042_loaded,
};
