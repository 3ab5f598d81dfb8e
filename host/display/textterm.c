/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host/display/textterm.h"

#include "base/bits.h"
#include "base/buf.h"
#include "host/display/keymap.h"
#include "host/display/textdump.h"

#include <stdio.h>

#define KNOWN 0x10000u
#define ESC   0x1b

/* ---- output ---- */

void
textterm_resize(struct textterm *t, unsigned cols, unsigned rows)
{
	t->cols = cols > TEXTTERM_MAX_COLS ? TEXTTERM_MAX_COLS : cols;
	t->rows = rows > TEXTTERM_MAX_ROWS ? TEXTTERM_MAX_ROWS : rows;
	t->drawn = false;
}

void
textterm_init(struct textterm *t, unsigned cols, unsigned rows, unsigned char prefix)
{
	memset(t, 0, sizeof(*t));
	t->prefix = prefix;
	t->esc_deadline_ns = INT64_MAX;
	textterm_resize(t, cols, rows);
}

/* Every terminal tells where the cursor is; past the last corner it stays in the corner. */
void
textterm_ask_size(struct textterm *t, struct buf *out)
{
	buf_printf(out, "\0337\033[999;999H\033[6n\0338");
}

void
textterm_enter(struct textterm *t, struct buf *out)
{
	buf_printf(out, "\033[?1049h\033[0m\033[2J\033[?25l");
	textterm_ask_size(t, out);
	t->drawn = false;
}

void
textterm_leave(struct textterm *t, struct buf *out)
{
	buf_printf(out, "\033[0m\033[?25h\033[?1049l");
	t->drawn = false;
}

static void
put_attribute(struct buf *out, unsigned attr)
{
	/* the VGA counts blue, green, red; ECMA-48 red, green, blue */
	static const uint8_t color[8] = { 0, 4, 2, 6, 1, 5, 3, 7 };
	unsigned fg = color[attr & 7] + (attr & 8 ? 90 : 30);

	buf_printf(out, "\033[0;%s%u;%um", attr & 0x80 ? "5;" : "", fg, 40u + color[attr >> 4 & 7]);
}

static void
start_over(struct textterm *t, struct buf *out)
{
	buf_printf(out, "\033[0m\033[2J\033[?25l");
	memset(t->shown, 0, sizeof(t->shown));
	t->cursor_on = false;
	t->cursor_x = t->cursor_y = ~0u;
	t->drawn = true;
	t->graphics = false;
}

static void
draw_notice(struct textterm *t, unsigned width, unsigned height, struct buf *out)
{
	if (t->drawn && t->graphics && t->graphics_w == width && t->graphics_h == height)
		return;
	start_over(t, out);
	t->graphics = true;
	t->graphics_w = width;
	t->graphics_h = height;
	buf_printf(out,
	    "\033[1;1HThe machine shows graphics of %ux%u dots; see them with "
	    "--display vnc or a screenshot.",
	    width, height);
}

static void
draw_cells(struct textterm *t, const struct display_text *text, unsigned cols, unsigned rows,
    struct buf *out)
{
	unsigned attr = ~0u;

	for (unsigned y = 0; y < rows; y++) {
		const uint16_t *line = text->cells + (size_t)(y + t->top) * text->cols + t->left;
		uint32_t *shown = t->shown + (size_t)y * TEXTTERM_MAX_COLS;
		unsigned at = ~0u; /* where the terminal's cursor is */

		for (unsigned x = 0; x < cols; x++) {
			if (shown[x] == (line[x] | KNOWN))
				continue;
			if (at != x)
				buf_printf(out, "\033[%u;%uH", y + 1, x + 1);
			if (attr != line[x] >> 8u) {
				attr = line[x] >> 8;
				put_attribute(out, attr);
			}
			textdump_put_utf8(out, textdump_cp437[line[x] & 0xff]);
			shown[x] = line[x] | KNOWN;
			at = x + 1;
		}
	}
}

static void
draw_cursor(struct textterm *t, const struct display_text *text, bool moved, struct buf *out)
{
	unsigned x = text->cursor_x - t->left, y = text->cursor_y - t->top;
	bool on = text->cursor_on && x < t->cols && y < t->rows;

	if (on && (moved || x != t->cursor_x || y != t->cursor_y || !t->cursor_on))
		buf_printf(out, "\033[%u;%uH", y + 1, x + 1);
	if (on != t->cursor_on)
		buf_printf(out, on ? "\033[?25h" : "\033[?25l");
	t->cursor_on = on;
	t->cursor_x = x;
	t->cursor_y = y;
}

/* Where the terminal is smaller, the part with the cursor is shown. */
static unsigned
scroll_to(unsigned size, unsigned room, unsigned cursor, bool on)
{
	if (size <= room || !on || cursor < room)
		return 0;
	return cursor >= size ? size - room : cursor - room + 1;
}

void
textterm_draw(struct textterm *t, const struct display_text *text, unsigned width, unsigned height,
    struct buf *out)
{
	unsigned cols, rows, top, left;
	size_t before;

	if (!t->cols || !t->rows)
		return;
	if (!text || !text->cols || text->cols > TEXTTERM_MAX_COLS ||
	    text->rows > TEXTTERM_MAX_ROWS) {
		draw_notice(t, width, height, out);
		return;
	}
	cols = text->cols < t->cols ? text->cols : t->cols;
	rows = text->rows < t->rows ? text->rows : t->rows;
	top = scroll_to(text->rows, t->rows, text->cursor_y, text->cursor_on);
	left = scroll_to(text->cols, t->cols, text->cursor_x, text->cursor_on);
	/* graphics_w/h hold the size of the text screen while that is shown */
	if (!t->drawn || t->graphics || t->graphics_w != text->cols || t->graphics_h != text->rows)
		start_over(t, out);
	t->graphics_w = text->cols;
	t->graphics_h = text->rows;
	t->top = top;
	t->left = left;
	before = out->len;
	draw_cells(t, text, cols, rows, out);
	draw_cursor(t, text, out->len != before, out);
}

/* ---- input ---- */

static void
stroke(const struct textterm_sink *sink, unsigned scancode, unsigned mods)
{
	struct keymap_event ev[KEYMAP_MAX_EVENTS];
	unsigned n = keymap_stroke(scancode, mods, ev);

	for (unsigned i = 0; i < n; i++)
		sink->key(sink->ctx, ev[i].scancode, ev[i].down);
}

/* One character that is no escape sequence. */
static void
type_char(const struct textterm_sink *sink, unsigned char c, unsigned mods)
{
	unsigned own = 0, code;

	if (c == 0) { /* Ctrl-Space, Ctrl-@ */
		stroke(sink, 0x39, mods | KEYMAP_CTRL);
		return;
	}
	code = keymap_char(c, &own);
	if (!code && c < 0x20) {
		code = keymap_char(c < 0x1b ? c | 0x60 : c | 0x40, &own);
		own |= KEYMAP_CTRL;
	}
	if (code)
		stroke(sink, code, own | mods);
}

struct csi_key {
	char final;
	uint8_t number; /* for '~' */
	uint16_t scancode;
};

static const struct csi_key csi_keys[] = {
	{ 'A', 0, 0xe048 },
	{ 'B', 0, 0xe050 },
	{ 'C', 0, 0xe04d },
	{ 'D', 0, 0xe04b },
	{ 'H', 0, 0xe047 },
	{ 'F', 0, 0xe04f },
	{ 'P', 0, 0x3b },
	{ 'Q', 0, 0x3c },
	{ 'R', 0, 0x3d },
	{ 'S', 0, 0x3e },
	{ 'M', 0, 0x1c },
	{ 'E', 0, 0x4c },
	{ '~', 1, 0xe047 },
	{ '~', 2, 0xe052 },
	{ '~', 3, 0xe053 },
	{ '~', 4, 0xe04f },
	{ '~', 5, 0xe049 },
	{ '~', 6, 0xe051 },
	{ '~', 7, 0xe047 },
	{ '~', 8, 0xe04f },
	{ '~', 11, 0x3b },
	{ '~', 12, 0x3c },
	{ '~', 13, 0x3d },
	{ '~', 14, 0x3e },
	{ '~', 15, 0x3f },
	{ '~', 17, 0x40 },
	{ '~', 18, 0x41 },
	{ '~', 19, 0x42 },
	{ '~', 20, 0x43 },
	{ '~', 21, 0x44 },
	{ '~', 23, 0x57 },
	{ '~', 24, 0x58 },
	{ '~', 29, 0xe05d },
};

/* xterm's modifier parameter: 1 + (1 Shift, 2 Alt, 4 Control) */
static unsigned
csi_modifiers(unsigned param)
{
	unsigned bits = param ? param - 1 : 0;

	return (bits & 1 ? KEYMAP_SHIFT : 0) | (bits & 2 ? KEYMAP_ALT : 0) |
	       (bits & 4 ? KEYMAP_CTRL : 0);
}

/* The first two numbers between the semicolons. */
static void
csi_params(const uint8_t *p, unsigned n, unsigned param[2])
{
	unsigned at = 0;

	for (unsigned i = 0; i + 1 < n; i++) {
		if (p[i] == ';')
			at++;
		else if (p[i] >= '0' && p[i] <= '9' && at < 2 && param[at] < 1000)
			param[at] = param[at] * 10 + (p[i] - '0');
	}
}

/* p: what follows ESC [ or ESC O, up to and with the final byte. */
static void
take_csi(struct textterm *t, const struct textterm_sink *sink, const uint8_t *p, unsigned n)
{
	unsigned param[2] = { 0, 0 };
	char final = (char)p[n - 1];

	if (p[0] == '[') { /* the Linux console's F1..F5 */
		if (n == 2 && final >= 'A' && final <= 'E')
			stroke(sink, 0x3b + (unsigned)(final - 'A'), 0);
		return;
	}
	csi_params(p, n, param);
	/* The answer to textterm_ask_size(); F3 with modifiers looks alike, but for row 1. */
	if (final == 'R' && param[0] > 1 && param[1] > 1) {
		if (param[0] != t->rows || param[1] != t->cols)
			textterm_resize(t, param[1], param[0]);
		return;
	}
	if (final == 'Z') {
		stroke(sink, 0x0f, KEYMAP_SHIFT);
		return;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(csi_keys); i++) {
		const struct csi_key *k = &csi_keys[i];

		if (k->final == final && (final != '~' || k->number == param[0])) {
			stroke(sink, k->scancode, csi_modifiers(param[1]));
			return;
		}
	}
}

/* Is the sequence in `pending` whole? */
static bool
sequence_ends(const struct textterm *t)
{
	const uint8_t *p = t->pending;
	unsigned n = t->npending;

	if (n < 2)
		return false;
	if (p[1] == 'O')
		return n >= 3 && !(p[n - 1] >= '0' && p[n - 1] <= '9') && p[n - 1] != ';';
	if (p[1] != '[')
		return true;
	if (n == 3 && p[2] == '[')
		return false;
	return n >= 3 && p[n - 1] >= 0x40 && p[n - 1] <= 0x7e;
}

static void
finish_sequence(struct textterm *t, const struct textterm_sink *sink)
{
	unsigned n = t->npending;

	t->npending = 0;
	t->esc_deadline_ns = INT64_MAX;
	if (n == 1)
		type_char(sink, ESC, 0);
	else if (n == 2)
		type_char(sink, t->pending[1], KEYMAP_ALT);
	else
		take_csi(t, sink, t->pending + 2, n - 2);
}

static void
command(struct textterm *t, unsigned char c, const struct textterm_sink *sink)
{
	t->in_prefix = false;
	if (c == t->prefix)
		type_char(sink, c, 0);
	else if (sink->command)
		sink->command(sink->ctx, c);
}

static void
input_byte(struct textterm *t, uint8_t c, int64_t now_ns, const struct textterm_sink *sink)
{
	if (t->npending == 1 && c == ESC) { /* the first was the key */
		type_char(sink, ESC, 0);
		t->esc_deadline_ns = now_ns + TEXTTERM_ESC_NS;
		return;
	}
	if (t->npending) {
		t->pending[t->npending++] = c;
		if (sequence_ends(t))
			finish_sequence(t, sink);
		else if (t->npending == sizeof(t->pending))
			t->npending = 0; /* nothing that a keyboard sends */
		if (!t->npending)
			t->esc_deadline_ns = INT64_MAX;
		return;
	}
	if (t->in_prefix) {
		command(t, c, sink);
	} else if (t->prefix && c == t->prefix) {
		t->in_prefix = true;
	} else if (c == ESC) {
		t->pending[t->npending++] = c;
		t->esc_deadline_ns = now_ns + TEXTTERM_ESC_NS;
	} else if (c < 0x80) {
		type_char(sink, c, 0);
	} /* the rest are parts of characters that no US keyboard has */
}

void
textterm_input(struct textterm *t, const uint8_t *data, size_t len, int64_t now_ns,
    const struct textterm_sink *sink)
{
	textterm_tick(t, now_ns, sink);
	for (size_t i = 0; i < len; i++)
		input_byte(t, data[i], now_ns, sink);
}

void
textterm_tick(struct textterm *t, int64_t now_ns, const struct textterm_sink *sink)
{
	if (!t->npending || now_ns < t->esc_deadline_ns)
		return;
	/* ESC alone is the key; ESC [ and more that stopped was Alt and characters. */
	if (t->npending <= 2) {
		finish_sequence(t, sink);
		return;
	}
	t->npending = 0;
	t->esc_deadline_ns = INT64_MAX;
}
