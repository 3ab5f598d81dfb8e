/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VGA registers: CRT controller, sequencer, graphics controller, attribute
 * controller, colour look-up table, and the retrace signals of input status 1,
 * which come from guest time and the programmed CRTC timing so that programs which
 * wait for them see the rates of the real thing.
 *
 * IBM PS/2 Hardware Interface Technical Reference, "Video Subsystem".  Left out:
 * the diagnostic bits 5-4 of input status 1 and the vertical interrupt, which no PCI
 * adapter drives.
 */
#include "dev/vga.h"

#include "base/bits.h"

enum crtc_index {
	CR_HTOTAL = 0x00,
	CR_HDISPLAY_END = 0x01,
	CR_VTOTAL = 0x06,
	CR_OVERFLOW = 0x07,
	CR_MAX_SCAN = 0x09,
	CR_CURSOR_HIGH = 0x0e,
	CR_CURSOR_LOW = 0x0f,
	CR_VRETRACE_START = 0x10,
	CR_VRETRACE_END = 0x11,
	CR_VDISPLAY_END = 0x12,
	CR_MODE = 0x17,
	CR_LINE_COMPARE = 0x18,
};

#define CR_PROTECT          0x80 /* in CR11: CR0..CR7 are read-only */
#define CR7_LINE_COMPARE_8  0x10
#define ST0_SWITCH_SENSE    0x10
#define ST1_DISPLAY_DISABLE 0x01
#define ST1_VRETRACE        0x08

/* Bits that exist; the others read 0. */
static const uint8_t seq_mask[VGA_NSEQ] = { 0x03, 0x3d, 0x0f, 0x3f, 0x0e };
static const uint8_t gfx_mask[VGA_NGFX] = { 0x0f, 0x0f, 0x0f, 0x1f, 0x03, 0x7b, 0x0f, 0x0f, 0xff };
static const uint8_t attr_mask[VGA_NATTR] = { 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f,
	0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0x3f, 0xef, 0xff, 0x3f, 0x0f, 0x0f };

/* ---- timing ---- */

struct timing { /* dots and lines of one picture */
	uint64_t dot_hz;
	unsigned htotal, hdisplay;
	unsigned vtotal, vdisplay, retrace_start, retrace_end;
};

/* A 10-bit vertical value: low byte, then bits 8 and 9 in the overflow register. */
static unsigned
vertical(const struct vga *v, unsigned low, unsigned bit8, unsigned bit9)
{
	unsigned ovf = v->crtc[CR_OVERFLOW];

	return v->crtc[low] | ((ovf >> bit8) & 1) << 8 | ((ovf >> bit9) & 1) << 9;
}

unsigned
vga_regs_vdisplay(const struct vga *v)
{
	unsigned lines = vertical(v, CR_VDISPLAY_END, 1, 6) + 1;

	/* CR17 bit 2: the vertical counter is clocked every second line. */
	return v->crtc[CR_MODE] & 0x04 ? lines * 2 : lines;
}

unsigned
vga_regs_line_compare(const struct vga *v)
{
	return v->crtc[CR_LINE_COMPARE] | ((v->crtc[CR_OVERFLOW] >> 4) & 1) << 8 |
	       ((v->crtc[CR_MAX_SCAN] >> 6) & 1) << 9;
}

/*
 * The timing of a packed-pixel picture is its own: 60 Hz with usual blanking.  The
 * VGA's comes from the CRTC; values no monitor would follow (a program that polls
 * while the CRTC is half programmed) count as 640x400 at 70 Hz, so that waiting for
 * retrace ends.
 */
static struct timing
timing_now(const struct vga *v)
{
	struct timing t;

	if (v->linear.bits) {
		t.hdisplay = v->linear.width;
		t.htotal = t.hdisplay + t.hdisplay / 4;
		t.vdisplay = v->linear.height;
		t.retrace_start = t.vdisplay + 2;
		t.retrace_end = t.vdisplay + 6;
		t.vtotal = t.vdisplay + t.vdisplay / 20 + 8;
		t.dot_hz = (uint64_t)t.htotal * t.vtotal * 60;
		return t;
	}

	unsigned dots = v->seq[1] & VGA_SR1_DOTS8 ? 8 : 9;
	unsigned mul = v->crtc[CR_MODE] & 0x04 ? 2 : 1;

	t.dot_hz = v->misc & VGA_MISC_CLK28 ? 28322000 : 25175000;
	if (v->seq[1] & VGA_SR1_HALF_CLOCK)
		t.dot_hz /= 2;
	t.htotal = (v->crtc[CR_HTOTAL] + 5u) * dots;
	t.hdisplay = (v->crtc[CR_HDISPLAY_END] + 1u) * dots;
	t.vtotal = (vertical(v, CR_VTOTAL, 0, 5) + 2) * mul;
	t.vdisplay = vga_regs_vdisplay(v);

	unsigned start = vertical(v, CR_VRETRACE_START, 2, 7);
	unsigned lines = (v->crtc[CR_VRETRACE_END] - start) & 0x0f;

	t.retrace_start = start * mul;
	t.retrace_end = (start + (lines ? lines : 16)) * mul;

	uint64_t dots_per_picture = (uint64_t)t.htotal * t.vtotal;
	uint64_t hz = t.dot_hz / dots_per_picture;

	if (hz < 20 || hz > 250 || t.retrace_start >= t.vtotal || t.hdisplay > t.htotal)
		t = (struct timing){ .dot_hz = 25175000,
			.htotal = 800,
			.hdisplay = 640,
			.vtotal = 449,
			.vdisplay = 400,
			.retrace_start = 412,
			.retrace_end = 414 };
	return t;
}

uint64_t
vga_regs_frame(struct vga *v)
{
	struct timing t = timing_now(v);
	unsigned __int128 dots =
	    (unsigned __int128)v->dev->env->now_ns(v->dev) * t.dot_hz / 1000000000;

	return (uint64_t)(dots / ((uint64_t)t.htotal * t.vtotal));
}

bool
vga_regs_blank(const struct vga *v)
{
	bool off = !v->ignore_screen_off && (v->seq[1] & VGA_SR1_SCREEN_OFF);

	return off || !(v->attr_index & VGA_ATTR_PAS);
}

static uint8_t
input_status_1(struct vga *v)
{
	struct timing t = timing_now(v);
	unsigned __int128 dots =
	    (unsigned __int128)v->dev->env->now_ns(v->dev) * t.dot_hz / 1000000000;
	uint64_t at = (uint64_t)(dots % ((uint64_t)t.htotal * t.vtotal));
	unsigned line = (unsigned)(at / t.htotal), dot = (unsigned)(at % t.htotal);
	uint8_t val = 0;

	if (line >= t.vdisplay || dot >= t.hdisplay)
		val |= ST1_DISPLAY_DISABLE;
	if (line >= t.retrace_start && line < t.retrace_end)
		val |= ST1_VRETRACE;
	return val;
}

/* ---- the ports ---- */

static uint8_t
read_attr_index(struct vga *v)
{
	return v->attr_index;
}

static uint8_t
read_attr(struct vga *v)
{
	unsigned i = v->attr_index & 0x1f;

	return i < VGA_NATTR ? v->attr[i] : 0;
}

static void
write_attr(struct vga *v, uint8_t val)
{
	unsigned i = v->attr_index & 0x1f;

	v->attr_is_data = !v->attr_is_data;
	if (v->attr_is_data) {
		v->attr_index = val & 0x3f;
		return;
	}
	/* IBM closes the palette while it feeds the screen (PAS); later chips do not. */
	if (i < VGA_NATTR)
		v->attr[i] = val & attr_mask[i];
}

static uint8_t
read_status_0(struct vga *v)
{
	return ST0_SWITCH_SENSE;
}

static void
write_misc(struct vga *v, uint8_t val)
{
	v->misc = val;
}

static uint8_t
read_misc(struct vga *v)
{
	return v->misc;
}

static uint8_t
read_sleep(struct vga *v)
{
	return v->sleep;
}

static void
write_sleep(struct vga *v, uint8_t val)
{
	v->sleep = val & 1;
}

static uint8_t
read_seq_index(struct vga *v)
{
	return v->seq_index;
}

static void
write_seq_index(struct vga *v, uint8_t val)
{
	v->seq_index = val;
}

static uint8_t
read_seq(struct vga *v)
{
	return v->seq_index < VGA_NSEQ ? v->seq[v->seq_index] : 0;
}

static void
write_seq(struct vga *v, uint8_t val)
{
	if (v->seq_index < VGA_NSEQ)
		v->seq[v->seq_index] = val & seq_mask[v->seq_index];
}

static uint8_t
read_gfx_index(struct vga *v)
{
	return v->gfx_index;
}

static void
write_gfx_index(struct vga *v, uint8_t val)
{
	v->gfx_index = val;
}

static uint8_t
read_gfx(struct vga *v)
{
	return v->gfx_index < VGA_NGFX ? v->gfx[v->gfx_index] : 0;
}

static void
write_gfx(struct vga *v, uint8_t val)
{
	if (v->gfx_index < VGA_NGFX)
		v->gfx[v->gfx_index] = val & gfx_mask[v->gfx_index];
}

static uint8_t
read_crtc_index(struct vga *v)
{
	return v->crtc_index;
}

static void
write_crtc_index(struct vga *v, uint8_t val)
{
	v->crtc_index = val;
}

static uint8_t
read_crtc(struct vga *v)
{
	return v->crtc_index < VGA_NCRTC ? v->crtc[v->crtc_index] : 0;
}

static void
write_crtc(struct vga *v, uint8_t val)
{
	unsigned i = v->crtc_index;

	if (i >= VGA_NCRTC)
		return;
	if (i <= CR_OVERFLOW && (v->crtc[CR_VRETRACE_END] & CR_PROTECT)) {
		if (i != CR_OVERFLOW)
			return;
		/* The line compare bit stays writable. */
		val = (v->crtc[i] & ~CR7_LINE_COMPARE_8) | (val & CR7_LINE_COMPARE_8);
	}
	v->crtc[i] = val;
}

static uint8_t
read_feature(struct vga *v)
{
	return v->feature;
}

static void
write_feature(struct vga *v, uint8_t val)
{
	v->feature = val & 0x08;
}

static uint8_t
read_status_1(struct vga *v)
{
	v->attr_is_data = 0;
	return input_status_1(v);
}

/* ---- colour look-up table ---- */

static uint8_t
read_dac_mask(struct vga *v)
{
	return v->dac_mask;
}

static void
write_dac_mask(struct vga *v, uint8_t val)
{
	v->dac_mask = val;
}

static uint8_t
read_dac_state(struct vga *v)
{
	return v->dac_reading ? 3 : 0;
}

static void
write_dac_read_index(struct vga *v, uint8_t val)
{
	v->dac_read_index = val;
	v->dac_step = 0;
	v->dac_reading = 1;
}

static uint8_t
read_dac_write_index(struct vga *v)
{
	return v->dac_write_index;
}

static void
write_dac_write_index(struct vga *v, uint8_t val)
{
	v->dac_write_index = val;
	v->dac_step = 0;
	v->dac_reading = 0;
}

static uint8_t
read_dac(struct vga *v)
{
	uint8_t val = v->dac[v->dac_read_index * 3 + v->dac_step];

	if (++v->dac_step == 3) {
		v->dac_step = 0;
		v->dac_read_index++;
	}
	return v->dac_8bit ? val : val & 0x3f;
}

static void
write_dac(struct vga *v, uint8_t val)
{
	if (!v->dac_8bit)
		val &= 0x3f;
	if (v->dac_step < 2) {
		v->dac_hold[v->dac_step++] = val;
		return;
	}
	/* An entry changes as a whole, with its third byte. */
	uint8_t *entry = &v->dac[v->dac_write_index * 3];

	entry[0] = v->dac_hold[0];
	entry[1] = v->dac_hold[1];
	entry[2] = val;
	v->dac_step = 0;
	v->dac_write_index++;
}

static const struct port {
	uint8_t (*read)(struct vga *v);
	void (*write)(struct vga *v, uint8_t val);
} ports[0x20] = {
	/* 3C0h + index */
	[0x00] = { read_attr_index, write_attr },
	[0x01] = { read_attr, NULL },
	[0x02] = { read_status_0, write_misc },
	[0x03] = { read_sleep, write_sleep },
	[0x04] = { read_seq_index, write_seq_index },
	[0x05] = { read_seq, write_seq },
	[0x06] = { read_dac_mask, write_dac_mask },
	[0x07] = { read_dac_state, write_dac_read_index },
	[0x08] = { read_dac_write_index, write_dac_write_index },
	[0x09] = { read_dac, write_dac },
	[0x0a] = { read_feature, NULL },
	[0x0c] = { read_misc, NULL },
	[0x0e] = { read_gfx_index, write_gfx_index },
	[0x0f] = { read_gfx, write_gfx },
	[0x14] = { read_crtc_index, write_crtc_index },
	[0x15] = { read_crtc, write_crtc },
	[0x1a] = { read_status_1, write_feature },
};

/* The CRTC and status ports answer at 3Bx or 3Dx, never at both. */
static const struct port *
port_find(const struct vga *v, unsigned port)
{
	static const struct port none;
	unsigned crtc_block = v->misc & VGA_MISC_COLOR ? 0x3d0 : 0x3b0;

	if ((port & ~0xfu) == 0x3c0)
		return &ports[port & 0xf];
	if ((port & ~0xfu) == crtc_block)
		return &ports[0x10 | (port & 0xf)];
	return &none;
}

/*
 * Firmware programs the CRTC at the address to which it will move it afterwards, and
 * resets the flip-flop at 3DAh whatever the address is.  Both are heard; but nothing is read
 * at the address not selected, and the cursor's location does not change there: that is
 * how programs look for a second adapter.
 */
static void
other_address_read(struct vga *v, unsigned port)
{
	if ((port & 0xf) == 0xa)
		v->attr_is_data = 0;
}

static void
other_address_write(struct vga *v, unsigned port, uint8_t val)
{
	if ((port & 0xf) == 0x4)
		write_crtc_index(v, val);
	else if ((port & 0xf) == 0x5 && v->crtc_index != CR_CURSOR_HIGH &&
		 v->crtc_index != CR_CURSOR_LOW)
		write_crtc(v, val);
}

uint8_t
vga_regs_read(struct vga *v, unsigned port)
{
	const struct port *p = port_find(v, port);

	if (p->read)
		return p->read(v);
	if ((port & ~0xfu) != 0x3c0)
		other_address_read(v, port);
	return 0xff;
}

void
vga_regs_write(struct vga *v, unsigned port, uint8_t val)
{
	const struct port *p = port_find(v, port);

	if (p->write)
		p->write(v, val);
	else if ((port & ~0xfu) != 0x3c0)
		other_address_write(v, port, val);
}

void
vga_regs_reset(struct vga *v)
{
	memset(v->crtc, 0, sizeof(v->crtc));
	memset(v->seq, 0, sizeof(v->seq));
	memset(v->gfx, 0, sizeof(v->gfx));
	memset(v->attr, 0, sizeof(v->attr));
	memset(v->dac, 0, sizeof(v->dac));
	memset(v->dac_hold, 0, sizeof(v->dac_hold));
	memset(v->latch, 0, sizeof(v->latch));
	v->crtc_index = v->seq_index = v->gfx_index = v->attr_index = 0;
	v->attr_is_data = v->dac_step = v->dac_reading = v->dac_8bit = 0;
	v->dac_write_index = v->dac_read_index = 0;
	v->dac_mask = 0xff;
	v->misc = VGA_MISC_COLOR;
	v->feature = 0;
	v->sleep = 1;
	v->plane_mask = 0xffff;
	v->window_base = 0;
	v->window_linear = false;
	memset(&v->linear, 0, sizeof(v->linear));
}

void
vga_regs_loaded(struct vga *v)
{
	/* Their values are used as indices: a damaged state must not reach beyond. */
	for (unsigned i = 0; i < VGA_NSEQ; i++)
		v->seq[i] &= seq_mask[i];
	for (unsigned i = 0; i < VGA_NGFX; i++)
		v->gfx[i] &= gfx_mask[i];
	for (unsigned i = 0; i < VGA_NATTR; i++)
		v->attr[i] &= attr_mask[i];
	if (v->dac_step > 2)
		v->dac_step = 0;
	v->plane_mask = 0xffff;
	v->window_base = 0;
	v->window_linear = false;
	memset(&v->linear, 0, sizeof(v->linear));
}
