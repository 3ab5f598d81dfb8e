/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PS/2 mouse (IBM PS/2 Hardware Interface Technical Reference, "Auxiliary Device"),
 * with the wheel and five-button extensions of Microsoft's IntelliMouse: the sample rates
 * 200, 100, 80 set in a row make it identify as 3 (wheel), 200, 200, 80 as 4.
 *
 * Movement is added up and reported at the sample rate, so nothing queues however fast
 * it comes.  The resolution is remembered only: the counts are the viewer's pixels.
 */
#include "base/bits.h"
#include "dev/ps2.h"

#include <string.h>

#define MOUSE_ACK    0xfa
#define MOUSE_RESEND 0xfe
#define MOUSE_BAT_OK 0xaa
#define NS_PER_S     1000000000ll
#define MOVE_MAX     255
#define PENDING_MAX  32767 /* counts kept at most: a slow guest does not race later */

enum {
	CMD_SCALE11 = 0xe6,
	CMD_SCALE21 = 0xe7,
	CMD_RESOLUTION = 0xe8,
	CMD_STATUS = 0xe9,
	CMD_STREAM = 0xea,
	CMD_READ = 0xeb,
	CMD_END_WRAP = 0xec,
	CMD_WRAP = 0xee,
	CMD_REMOTE = 0xf0,
	CMD_ID = 0xf2,
	CMD_RATE = 0xf3,
	CMD_ENABLE = 0xf4,
	CMD_DISABLE = 0xf5,
	CMD_DEFAULT = 0xf6,
	CMD_RESEND = 0xfe,
	CMD_RESET = 0xff,
};

static int32_t
limit(int64_t v, int32_t max)
{
	return (int32_t)(v > max ? max : v < -max ? -max : v);
}

static void
defaults(struct ps2mouse *m)
{
	m->rate = 100;
	m->resolution = 2;
	m->scaling2 = 0;
	m->enabled = 0;
	m->remote = 0;
	m->wrap = 0;
	m->dx = m->dy = m->dz = 0;
	m->report.head = m->report.count = 0;
}

void
ps2mouse_reset(struct ps2mouse *m)
{
	defaults(m);
	m->replies.head = m->replies.count = 0;
	m->cmd = 0;
	m->id = 0;
	m->rates[0] = m->rates[1] = 0;
	m->next_ns = 0;
}

/* ---- reports ---- */

/* 2:1 scaling in stream mode, from the manual's table. */
static int32_t
scale(const struct ps2mouse *m, int32_t v)
{
	static const uint8_t small[] = { 0, 1, 1, 3, 6, 9 };
	int32_t a = v < 0 ? -v : v;

	if (!m->scaling2 || m->remote)
		return v;
	a = a < (int32_t)ARRAY_SIZE(small) ? small[a] : 2 * a;
	a = limit(a, MOVE_MAX);
	return v < 0 ? -a : a;
}

/* Left, right and middle are bits 0, 1, 2 here as in the report. */
static void
make_report(struct ps2mouse *m, struct ps2_queue *q)
{
	int32_t x = limit(m->dx, MOVE_MAX), y = limit(m->dy, MOVE_MAX), z = limit(m->dz, 7);

	m->dx -= x;
	m->dy -= y;
	m->dz -= z;
	m->reported = m->buttons;
	x = scale(m, x);
	y = scale(m, y);
	ps2_queue_put(
	    q, (uint8_t)(0x08 | (m->buttons & 7) | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0)));
	ps2_queue_put(q, (uint8_t)x);
	ps2_queue_put(q, (uint8_t)y);
	if (m->id == 3)
		ps2_queue_put(q, (uint8_t)z);
	else if (m->id == 4)
		ps2_queue_put(q, (uint8_t)((z & 15) | (m->buttons & 0x18) << 1));
}

static bool
has_news(const struct ps2mouse *m)
{
	uint8_t shown = m->id == 4 ? 0x1f : 7;

	return m->dx || m->dy || (m->id && m->dz) || ((m->buttons ^ m->reported) & shown);
}

int64_t
ps2mouse_poll(struct ps2mouse *m, int64_t now_ns)
{
	if (!m->enabled || m->remote || m->wrap || m->cmd || m->report.count || !has_news(m))
		return INT64_MAX;
	if (now_ns < m->next_ns)
		return m->next_ns;
	make_report(m, &m->report);
	m->next_ns = now_ns + NS_PER_S / (m->rate ? m->rate : 100);
	return INT64_MAX;
}

void
ps2mouse_move(struct ps2mouse *m, int dx, int dy, unsigned buttons, int wheel)
{
	if (m->enabled || m->remote) {
		m->dx = limit((int64_t)m->dx + dx, PENDING_MAX);
		m->dy = limit((int64_t)m->dy - dy, PENDING_MAX);
		m->dz = limit((int64_t)m->dz - wheel, 64);
	}
	/* Callers have left, middle, right. */
	m->buttons = (uint8_t)((buttons & 0x19) | (buttons & 2) << 1 | (buttons & 4) >> 1);
}

/* ---- commands ---- */

static void
reply(struct ps2mouse *m, uint8_t byte)
{
	ps2_queue_put(&m->replies, byte);
}

static void
argument(struct ps2mouse *m, uint8_t cmd, uint8_t byte)
{
	if (cmd == CMD_RESOLUTION) {
		if (byte > 3) {
			reply(m, MOUSE_RESEND);
			m->cmd = cmd;
			return;
		}
		m->resolution = byte;
	} else {
		if (byte < 10 || byte > 200) {
			reply(m, MOUSE_RESEND);
			m->cmd = cmd;
			return;
		}
		m->rate = byte;
		if (m->rates[0] == 200 && m->rates[1] == 100 && byte == 80)
			m->id = 3;
		else if (m->rates[0] == 200 && m->rates[1] == 200 && byte == 80)
			m->id = 4;
		m->rates[0] = m->rates[1];
		m->rates[1] = byte;
	}
	reply(m, MOUSE_ACK);
}

static void
status(struct ps2mouse *m)
{
	uint8_t b = m->buttons;

	reply(m, (uint8_t)((b & 1) << 2 | (b & 4) >> 1 | (b & 2) >> 1 | (m->scaling2 ? 0x10 : 0) |
			   (m->enabled ? 0x20 : 0) | (m->remote ? 0x40 : 0)));
	reply(m, m->resolution);
	reply(m, m->rate);
}

static void
mode_command(struct ps2mouse *m, uint8_t cmd)
{
	switch (cmd) {
	case CMD_SCALE11:
	case CMD_SCALE21: m->scaling2 = cmd == CMD_SCALE21; break;
	case CMD_STREAM:
	case CMD_REMOTE:
		m->remote = cmd == CMD_REMOTE;
		m->dx = m->dy = m->dz = 0;
		break;
	case CMD_WRAP: m->wrap = 1; break;
	case CMD_ENABLE:
	case CMD_DISABLE:
		m->enabled = cmd == CMD_ENABLE;
		m->dx = m->dy = m->dz = 0;
		break;
	case CMD_DEFAULT: defaults(m); break;
	default: break;
	}
}

static void
command(struct ps2mouse *m, uint8_t cmd)
{
	if (cmd == CMD_RESEND) {
		reply(m, m->last);
		return;
	}
	if (cmd < CMD_SCALE11 || cmd == 0xed || cmd == 0xef || cmd == 0xf1 ||
	    (cmd > CMD_DEFAULT && cmd < CMD_RESEND)) {
		reply(m, MOUSE_RESEND);
		return;
	}
	reply(m, MOUSE_ACK);
	switch (cmd) {
	case CMD_RESOLUTION:
	case CMD_RATE: m->cmd = cmd; break;
	case CMD_STATUS: status(m); break;
	case CMD_READ: make_report(m, &m->replies); break;
	case CMD_ID: reply(m, m->id); break;
	case CMD_RESET:
		ps2mouse_reset(m);
		reply(m, MOUSE_ACK);
		reply(m, MOUSE_BAT_OK);
		reply(m, 0);
		break;
	default: mode_command(m, cmd); break;
	}
}

void
ps2mouse_write(struct ps2mouse *m, uint8_t byte)
{
	uint8_t cmd = m->cmd;

	m->cmd = 0;
	m->replies.head = m->replies.count = 0;
	/* A report that was begun is thrown away; the host would take its rest for
	 * the reply. */
	m->report.head = m->report.count = 0;
	if (m->wrap && byte != CMD_RESET && byte != CMD_END_WRAP) {
		reply(m, byte);
	} else if (m->wrap && byte == CMD_END_WRAP) {
		m->wrap = 0;
		reply(m, MOUSE_ACK);
	} else if (cmd && byte < CMD_SCALE11) {
		argument(m, cmd, byte);
	} else {
		command(m, byte);
	}
}

bool
ps2mouse_ready(const struct ps2mouse *m)
{
	return m->replies.count || m->report.count;
}

bool
ps2mouse_read(struct ps2mouse *m, uint8_t *ret_byte)
{
	if (!ps2_queue_get(&m->replies, ret_byte) && !ps2_queue_get(&m->report, ret_byte))
		return false;
	if (*ret_byte != MOUSE_RESEND)
		m->last = *ret_byte;
	return true;
}

void
ps2mouse_check(struct ps2mouse *m)
{
	ps2_queue_check(&m->replies);
	ps2_queue_check(&m->report);
	m->dx = limit(m->dx, PENDING_MAX);
	m->dy = limit(m->dy, PENDING_MAX);
	m->dz = limit(m->dz, 64);
	if (m->next_ns < 0 || m->next_ns > INT64_MAX / 4)
		m->next_ns = 0;
}
