/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pictures, the text screen in a terminal, and keys. */
#include "tests/unit/test.h"

#include "base/bits.h"
#include "base/buf.h"
#include "base/err.h"
#include "host/display/keymap.h"
#include "host/display/png.h"
#include "host/display/textdump.h"
#include "host/display/textterm.h"

#include <stdlib.h>
#include <zlib.h>

/* ---- PNG ---- */

TEST(png_decodes_to_the_picture)
{
	struct display d;
	struct buf b;
	struct err e;
	uint8_t raw[3 * (1 + 5 * 3)];
	uLongf len = sizeof(raw);

	display_init(&d);
	CHECK_EQ(display_resize(&d, 5, 3), 0);
	for (unsigned i = 0; i < 15; i++)
		d.pixels[i] = i * 0x010203;
	buf_init(&b, 65536);
	CHECK_EQ(png_write(&d, &b, &e), 0);
	CHECK(!memcmp(b.data, "\x89PNG\r\n\x1a\n", 8));
	CHECK_EQ(get_be32(b.data + 16), 5);
	CHECK_EQ(get_be32(b.data + 20), 3);
	CHECK_EQ(get_be32(b.data + 29), crc32(0, b.data + 12, 17));
	CHECK(!memcmp(b.data + 37, "IDAT", 4));
	CHECK_EQ(uncompress(raw, &len, b.data + 41, get_be32(b.data + 33)), Z_OK);
	CHECK_EQ(len, sizeof(raw));
	for (unsigned y = 0; y < 3; y++) {
		CHECK_EQ(raw[y * 16], 2);
		for (unsigned i = 0; i < 15 && y; i++)
			raw[y * 16 + 1 + i] += raw[(y - 1) * 16 + 1 + i];
	}
	CHECK_EQ(raw[2 * 16 + 1 + 4 * 3], 14);
	CHECK_EQ(raw[2 * 16 + 1 + 4 * 3 + 2], 42);
	CHECK(!memcmp(b.data + b.len - 8, "IEND\xae\x42\x60\x82", 8));
	buf_fini(&b);
	buf_init(&b, 40); /* no room */
	CHECK(png_write(&d, &b, &e) < 0);
	buf_fini(&b);
	display_fini(&d);
}

TEST(display_size_is_bounded)
{
	struct display d;

	display_init(&d);
	CHECK(display_resize(&d, DISPLAY_MAX_W + 1, 1) < 0);
	CHECK(display_resize(&d, 1, DISPLAY_MAX_H + 1) < 0);
	CHECK_EQ(display_resize(&d, DISPLAY_MAX_W, DISPLAY_MAX_H), 0);
	display_fini(&d);
}

/* ---- keys ---- */

TEST(keysyms_and_characters_become_scan_codes)
{
	unsigned mods = 9;

	CHECK_EQ(keymap_keysym('a', &mods), 0x1e);
	CHECK_EQ(mods, 0);
	CHECK_EQ(keymap_keysym('A', &mods), 0x1e);
	CHECK_EQ(mods, KEYMAP_SHIFT);
	CHECK_EQ(keymap_keysym('|', &mods), 0x2b);
	CHECK_EQ(mods, KEYMAP_SHIFT);
	CHECK_EQ(keymap_keysym('~', &mods), 0x29);
	CHECK_EQ(keymap_keysym('0', &mods), 0x0b);
	CHECK_EQ(keymap_keysym(0xff0d, &mods), 0x1c);
	CHECK_EQ(keymap_keysym(0xff8d, &mods), 0xe01c);
	CHECK_EQ(keymap_keysym(0xff52, &mods), 0xe048);
	CHECK_EQ(keymap_keysym(0xffc9, &mods), 0x58);
	CHECK_EQ(keymap_keysym(0x20ac, &mods), 0);
	CHECK_EQ(keymap_keysym(0, &mods), 0);
	CHECK_EQ(keymap_char('\n', &mods), 0x1c);
	CHECK_EQ(keymap_char('?', &mods), 0x35);
	CHECK_EQ(keymap_char(0x80, &mods), 0);
	CHECK_EQ(keymap_xt(0x1e), 0x1e);
	CHECK_EQ(keymap_xt(0x80 | 0x48), 0xe048);
	CHECK_EQ(keymap_xt(0xc6), KEYMAP_PAUSE);
	CHECK_EQ(keymap_xt(0x100), 0);
	CHECK_EQ(keymap_xt(0), 0);
}

TEST(key_names_combine)
{
	uint16_t codes[4];

	CHECK_EQ(keymap_combination("ctrl-alt-delete", codes, 4), 3);
	CHECK_EQ(codes[0], 0x1d);
	CHECK_EQ(codes[1], 0x38);
	CHECK_EQ(codes[2], 0xe053);
	CHECK_EQ(keymap_combination("f12", codes, 4), 1);
	CHECK_EQ(codes[0], 0x58);
	CHECK_EQ(keymap_combination("ctrl--", codes, 4), 2);
	CHECK_EQ(codes[1], 0x0c);
	CHECK_EQ(keymap_combination("ctrl-nokey", codes, 4), 0);
	CHECK_EQ(keymap_combination("", codes, 4), 0);
	CHECK_EQ(keymap_combination("ctrl-", codes, 4), 0);
	CHECK_EQ(keymap_combination("a-b-c-d-e", codes, 4), 0);
}

/* ---- terminal ---- */

struct typed {
	char log[512];
	unsigned char commands[8];
	unsigned ncommands;
};

static void
log_key(void *ctx, unsigned scancode, bool down)
{
	struct typed *t = ctx;
	size_t n = strlen(t->log);

	if (n < sizeof(t->log) - 16)
		snprintf(t->log + n, sizeof(t->log) - n, "%s%s%x", n ? " " : "", down ? "" : "-",
		    scancode);
}

static void
log_command(void *ctx, unsigned char c)
{
	struct typed *t = ctx;

	if (t->ncommands < sizeof(t->commands))
		t->commands[t->ncommands++] = c;
}

static const char *
type(struct textterm *t, struct typed *log, const char *bytes, int64_t now_ns)
{
	const struct textterm_sink sink = { log, log_key, log_command };

	log->log[0] = 0;
	textterm_input(t, (const uint8_t *)bytes, strlen(bytes), now_ns, &sink);
	return log->log;
}

TEST(terminal_bytes_become_keys)
{
	static struct textterm t;
	static const struct {
		const char *bytes, *keys;
	} cases[] = {
		{ "a", "1e -1e" },
		{ "B", "2a 30 -30 -2a" },
		{ "\r", "1c -1c" },
		{ "\t", "f -f" },
		{ "\x7f", "e -e" },
		{ "\x03", "1d 2e -2e -1d" },
		{ "\x1c", "1d 2b -2b -1d" },
		{ "\x1f", "1d 2a c -c -2a -1d" },
		{ "\033[A", "e048 -e048" },
		{ "\033OA", "e048 -e048" },
		{ "\033OP", "3b -3b" },
		{ "\033[[E", "3f -3f" },
		{ "\033[24~", "58 -58" },
		{ "\033[3~", "e053 -e053" },
		{ "\033[1;5C", "1d e04d -e04d -1d" },
		{ "\033[1;3P", "38 3b -3b -38" },
		{ "\033[15;4~", "38 2a 3f -3f -2a -38" },
		{ "\033[Z", "2a f -f -2a" },
		{ "\033x", "38 2d -2d -38" },
		{ "\033X", "38 2a 2d -2d -2a -38" },
		{ "\xc3\xa4z", "2c -2c" },
		{ "\033[99999999~q", "10 -10" },
	};
	struct typed log = { 0 };

	textterm_init(&t, 80, 25, 0);
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK_STR(type(&t, &log, cases[i].bytes, 0), cases[i].keys);
	/* no keyboard sends this: it must not overflow anything */
	type(&t, &log, "\033[?1;2;3;4;5;6;7;8;9;10;11;12;13;14;15;16;17;18z", 0);
	CHECK_EQ(t.npending, 0);
}

TEST(escape_alone_waits_and_prefix_commands)
{
	static struct textterm t;
	struct typed log = { 0 };
	const struct textterm_sink sink = { &log, log_key, log_command };

	textterm_init(&t, 80, 25, 0x1d);
	CHECK_STR(type(&t, &log, "\033", 1000), "");
	CHECK_EQ(t.esc_deadline_ns, 1000 + TEXTTERM_ESC_NS);
	textterm_tick(&t, 2000, &sink);
	CHECK_STR(log.log, "");
	textterm_tick(&t, 1000 + TEXTTERM_ESC_NS, &sink);
	CHECK_STR(log.log, "1 -1");
	CHECK_EQ(t.esc_deadline_ns, INT64_MAX);
	CHECK_STR(type(&t, &log, "\033\033[A", 0), "1 -1 e048 -e048");
	CHECK_STR(type(&t, &log, "\033[", 0), "");
	CHECK_STR(type(&t, &log, "B", 1000), "e050 -e050");
	CHECK_STR(type(&t, &log, "\x1dq", 0), "");
	CHECK_EQ(log.ncommands, 1);
	CHECK_EQ(log.commands[0], 'q');
	CHECK_STR(type(&t, &log, "\x1d\x1d", 0), "1d 1b -1b -1d");
}

static struct display_text screen;

static void
draw(struct textterm *t, struct buf *b)
{
	buf_clear(b);
	textterm_draw(t, &screen, 0, 0, b);
	buf_put_u8(b, 0);
}

TEST(terminal_is_updated_by_difference)
{
	static struct textterm t;
	struct buf b;
	size_t full;

	memset(&screen, 0, sizeof(screen));
	screen.cols = 80;
	screen.rows = 25;
	for (unsigned i = 0; i < 80 * 25; i++)
		screen.cells[i] = 0x0720;
	screen.cursor_on = true;
	buf_init(&b, 1 << 20);
	textterm_init(&t, 80, 25, 0);
	draw(&t, &b);
	full = b.len;
	CHECK(full > 2000);
	CHECK(strstr((char *)b.data, "\033[2J"));
	draw(&t, &b);
	CHECK_STR((char *)b.data, "");
	screen.cells[80 * 2 + 3] = 0x1f41;
	screen.cells[80 * 2 + 4] = 0x1fdb;
	draw(&t, &b);
	CHECK_STR((char *)b.data, "\033[3;4H\033[0;97;44mA\xe2\x96\x88\033[1;1H");
	screen.cursor_x = 5;
	draw(&t, &b);
	CHECK_STR((char *)b.data, "\033[1;6H");
	screen.cursor_on = false;
	draw(&t, &b);
	CHECK_STR((char *)b.data, "\033[?25l");
	/* graphics and back */
	buf_clear(&b);
	textterm_draw(&t, NULL, 640, 480, &b);
	buf_put_u8(&b, 0);
	CHECK(strstr((char *)b.data, "640x480"));
	buf_clear(&b);
	textterm_draw(&t, NULL, 640, 480, &b);
	CHECK_EQ(b.len, 0);
	draw(&t, &b);
	CHECK(b.len > 2000);
	/* a small terminal shows the part with the cursor */
	textterm_resize(&t, 40, 10);
	screen.cursor_on = true;
	screen.cursor_y = 24;
	screen.cells[80 * 24] = 0x0758;
	draw(&t, &b);
	CHECK_EQ(t.top, 15);
	CHECK(strstr((char *)b.data, "\033[10;6H"));
	CHECK(strchr((char *)b.data, 'X'));
	CHECK(!strstr((char *)b.data, "\033[11;"));
	buf_fini(&b);
}

TEST(terminal_tells_its_size)
{
	static struct textterm t;
	struct typed log = { 0 };
	struct buf b;

	buf_init(&b, 4096);
	textterm_init(&t, 80, 25, 0);
	textterm_enter(&t, &b);
	buf_put_u8(&b, 0);
	CHECK(strstr((char *)b.data, "\033[6n"));
	CHECK_STR(type(&t, &log, "\033[48;132R", 0), "");
	CHECK_EQ(t.rows, 48);
	CHECK_EQ(t.cols, 132);
	CHECK_STR(type(&t, &log, "\033[999;999R", 0), "");
	CHECK_EQ(t.rows, TEXTTERM_MAX_ROWS);
	CHECK_EQ(t.cols, TEXTTERM_MAX_COLS);
	CHECK_STR(type(&t, &log, "\033[1;2R", 0), "2a 3d -3d -2a"); /* Shift-F3 */
	buf_fini(&b);
}

TEST(text_dump_is_utf8_without_trailing_spaces)
{
	struct buf b;

	memset(&screen, 0, sizeof(screen));
	screen.cols = 4;
	screen.rows = 3;
	screen.cells[0] = 0x0748;
	screen.cells[1] = 0x0781; /* u umlaut */
	screen.cells[9] = 0x07c4;
	buf_init(&b, 1000);
	textdump_put(&b, &screen);
	buf_put_u8(&b, 0);
	CHECK_STR((char *)b.data, "H\xc3\xbc\n\n \xe2\x94\x80\n");
	buf_fini(&b);
}

TEST_MAIN()
