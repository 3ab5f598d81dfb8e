/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "dev/i8042.h"
#include "dev/types.h"

#define MS 1000000ll

enum { DATA, CMD };

static struct fake_env f;

static void
start(uint8_t command_byte)
{
	fake_init(&f, &i8042_type);
	fake_start(&f);
	fake_write(&f, CMD, 0, 1, 0x60);
	fake_write(&f, DATA, 0, 1, command_byte);
}

static unsigned
status(void)
{
	return (unsigned)fake_read(&f, CMD, 0, 1);
}

/* The next byte, waiting for at most 2 ms; 0x100: none; | 0x200: from the mouse. */
static unsigned
get(void)
{
	for (unsigned i = 0; i < 20; i++) {
		unsigned st = status();

		if (st & 1)
			return (unsigned)fake_read(&f, DATA, 0, 1) | (st & 0x20 ? 0x200u : 0);
		fake_advance(&f, MS / 10);
	}
	return 0x100;
}

/* Are exactly these bytes next? */
static bool
gets_bytes(const char *want, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if ((get() & 0xff) != (uint8_t)want[i])
			return false;
	}
	return get() == 0x100;
}

#define GETS(s) gets_bytes(s, sizeof(s) - 1)

static void
kbd(uint8_t b)
{
	fake_write(&f, DATA, 0, 1, b);
}

static void
aux(uint8_t b)
{
	fake_write(&f, CMD, 0, 1, 0xd4);
	fake_write(&f, DATA, 0, 1, b);
}

TEST(controller_tests_itself_and_reports_its_command_byte)
{
	start(0);
	CHECK_EQ(status() & 0x04, 0);
	fake_write(&f, CMD, 0, 1, 0xaa);
	CHECK_EQ(status() & 0x0d, 0x0d); /* there at once */
	CHECK_EQ(get(), 0x55);
	fake_write(&f, CMD, 0, 1, 0xab);
	CHECK_EQ(get(), 0x00);
	fake_write(&f, CMD, 0, 1, 0xa9);
	CHECK_EQ(get(), 0x00);
	fake_write(&f, CMD, 0, 1, 0x60);
	fake_write(&f, DATA, 0, 1, 0x47);
	CHECK_EQ(status() & 0x0c, 0x04);
	fake_write(&f, CMD, 0, 1, 0x20);
	CHECK_EQ(get(), 0x47);
	fake_write(&f, CMD, 0, 1, 0xa7);
	fake_write(&f, CMD, 0, 1, 0xad);
	fake_write(&f, CMD, 0, 1, 0x20);
	CHECK_EQ(get(), 0x77);
	fake_write(&f, CMD, 0, 1, 0xd3); /* the loop test of drivers */
	fake_write(&f, DATA, 0, 1, 0x5a);
	CHECK_EQ(get(), 0x25a);
	fake_fini(&f);
}

TEST(a20_and_reset_by_output_port)
{
	start(0);
	CHECK(f.outputs[2]);
	fake_write(&f, CMD, 0, 1, 0xd1);
	fake_write(&f, DATA, 0, 1, 0xdd);
	CHECK(!f.outputs[2]);
	fake_write(&f, CMD, 0, 1, 0xd0);
	CHECK_EQ(get() & 3, 1);
	fake_write(&f, CMD, 0, 1, 0xdf);
	CHECK(f.outputs[2]);
	fake_write(&f, CMD, 0, 1, 0xdd);
	CHECK(!f.outputs[2]);
	CHECK_EQ(f.requests[DEV_REQ_RESET], 0);
	fake_write(&f, CMD, 0, 1, 0xff);
	CHECK_EQ(f.requests[DEV_REQ_RESET], 0);
	fake_write(&f, CMD, 0, 1, 0xfe);
	CHECK_EQ(f.requests[DEV_REQ_RESET], 1);
	fake_write(&f, CMD, 0, 1, 0xd1);
	fake_write(&f, DATA, 0, 1, 0x02);
	CHECK_EQ(f.requests[DEV_REQ_RESET], 2);
	fake_fini(&f);
}

TEST(each_interrupt_announces_one_byte)
{
	start(0x41);
	i8042_key(&f.dev, 0xe048, true);
	CHECK(!f.outputs[0]);
	fake_advance(&f, MS);
	CHECK(f.outputs[0]);
	CHECK_EQ(f.rises[0], 1);
	CHECK_EQ(fake_read(&f, DATA, 0, 1), 0xe0);
	CHECK(!f.outputs[0]);
	CHECK_EQ(status() & 1, 0);
	CHECK_EQ(fake_read(&f, DATA, 0, 1), 0xe0); /* the old one again */
	fake_advance(&f, MS);
	CHECK_EQ(f.rises[0], 2);
	CHECK_EQ(fake_read(&f, DATA, 0, 1), 0x48);
	fake_advance(&f, MS);
	CHECK_EQ(f.rises[0], 2);
	fake_write(&f, CMD, 0, 1, 0xad); /* disabled: kept in the keyboard */
	i8042_key(&f.dev, 0xe048, false);
	fake_advance(&f, MS);
	CHECK_EQ(status() & 1, 0);
	fake_write(&f, CMD, 0, 1, 0xae);
	CHECK(GETS("\xe0\xc8"));
	fake_fini(&f);
}

TEST(every_key_comes_as_its_set_1_code_through_translation)
{
	start(0x40);
	for (unsigned code = 1; code < 0x7f; code++) {
		if (code == 0x55) /* has no set-2 code of its own among real keys */
			continue;
		i8042_key(&f.dev, code, true);
		CHECK_EQ(get(), code);
		i8042_key(&f.dev, code, false);
		CHECK_EQ(get(), code | 0x80);
		CHECK_EQ(get(), 0x100);
	}
	i8042_key(&f.dev, 0xe01c, true);
	CHECK(GETS("\xe0\x1c"));
	i8042_key(&f.dev, 0xe01c, false);
	CHECK(GETS("\xe0\x9c"));
	fake_fini(&f);
}

TEST(raw_sets_2_1_and_3)
{
	start(0);
	i8042_key(&f.dev, 0x1e, true);
	i8042_key(&f.dev, 0x1e, false);
	CHECK(GETS("\x1c\xf0\x1c"));
	i8042_key(&f.dev, 0xe053, true);
	i8042_key(&f.dev, 0xe053, false);
	CHECK(GETS("\xe0\x71\xe0\xf0\x71"));
	kbd(0xf0);
	CHECK(GETS("\xfa"));
	kbd(0x00);
	CHECK(GETS("\xfa\x02"));
	kbd(0xf0);
	kbd(0x01);
	CHECK(GETS("\xfa"));
	i8042_key(&f.dev, 0x1e, true);
	i8042_key(&f.dev, 0x1e, false);
	CHECK(GETS("\x1e\x9e"));
	kbd(0xf0);
	kbd(0x03);
	CHECK(GETS("\xfa"));
	i8042_key(&f.dev, 0xe053, true);
	i8042_key(&f.dev, 0xe053, false);
	CHECK(GETS("\x64\xf0\x64"));
	kbd(0xf9); /* all keys: make only */
	CHECK(GETS("\xfa"));
	i8042_key(&f.dev, 0x1e, true);
	i8042_key(&f.dev, 0x1e, false);
	CHECK(GETS("\x1c"));
	kbd(0xfc); /* this one: make and break */
	kbd(0x1c);
	CHECK(GETS("\xfa"));
	i8042_key(&f.dev, 0x1e, false);
	CHECK(get() == 0x100); /* still waits for keys or a command */
	kbd(0xf4);
	CHECK(GETS("\xfa"));
	i8042_key(&f.dev, 0x1e, false);
	CHECK(GETS("\xf0\x1c"));
	fake_fini(&f);
}

TEST(print_screen_and_pause_sequences)
{
	start(0x40);
	i8042_key(&f.dev, 0xe11d, true);
	i8042_key(&f.dev, 0xe11d, false);
	CHECK(GETS("\xe1\x1d\x45\xe1\x9d\xc5"));
	i8042_key(&f.dev, 0xe037, true);
	CHECK(GETS("\xe0\x2a\xe0\x37"));
	i8042_key(&f.dev, 0xe037, false);
	CHECK(GETS("\xe0\xb7\xe0\xaa"));
	i8042_key(&f.dev, 0x1d, true);
	i8042_key(&f.dev, 0xe037, true);
	CHECK(GETS("\x1d\xe0\x37"));
	i8042_key(&f.dev, 0xe037, false);
	i8042_key(&f.dev, 0xe11d, true); /* Ctrl+Pause = Break */
	CHECK(GETS("\xe0\xb7\xe0\x46\xe0\xc6"));
	i8042_key(&f.dev, 0x1d, false);
	i8042_key(&f.dev, 0x38, true);
	i8042_key(&f.dev, 0xe037, true); /* SysRq */
	CHECK(GETS("\x9d\x38\x54"));
	fake_fini(&f);
}

TEST(keyboard_commands)
{
	start(0);
	kbd(0xff);
	CHECK(GETS("\xfa\xaa"));
	kbd(0xf2);
	CHECK(GETS("\xfa\xab\x83"));
	kbd(0xee);
	CHECK(GETS("\xee"));
	kbd(0xed);
	CHECK(GETS("\xfa"));
	kbd(0x07);
	CHECK(GETS("\xfa"));
	CHECK_EQ(i8042_leds(&f.dev), 7);
	kbd(0xfe);
	CHECK(GETS("\xfa"));
	kbd(0x12);
	CHECK(GETS("\xfe"));
	kbd(0xf5);
	CHECK(GETS("\xfa"));
	i8042_key(&f.dev, 0x1e, true);
	CHECK(get() == 0x100);
	kbd(0xf4);
	CHECK(GETS("\xfa"));
	i8042_key(&f.dev, 0x1e, false);
	CHECK(GETS("\xf0\x1c"));
	/* A reply overtakes keys. */
	i8042_key(&f.dev, 0x1e, true);
	kbd(0xee);
	CHECK(GETS("\xee\x1c"));
	fake_fini(&f);
}

TEST(a_flood_of_keys_never_loses_a_release)
{
	start(0x40);
	for (unsigned i = 0; i < 500; i++)
		i8042_key(&f.dev, 0x1e, true);
	i8042_key(&f.dev, 0x1e, false);
	for (unsigned v = 0, last = 0;; last = v) {
		v = get();
		if (v == 0x100) {
			CHECK_EQ(last, 0x9e);
			break;
		}
	}
	fake_fini(&f);
}

TEST(mouse_identifies_and_reports)
{
	start(0x02);
	aux(0xff);
	CHECK_EQ(get(), 0x2fa);
	CHECK_EQ(get(), 0x2aa);
	CHECK_EQ(get(), 0x200);
	i8042_mouse(&f.dev, 5, 5, 1, 0);
	CHECK(get() == 0x100); /* not enabled */
	aux(0xf4);
	CHECK(GETS("\xfa\x09\x00\x00")); /* the button is news */
	i8042_mouse(&f.dev, 3, -2, 4, 0);
	fake_advance(&f, 20 * MS);
	CHECK(f.outputs[1]);
	CHECK(!f.outputs[0]);
	CHECK(GETS("\x0a\x03\x02"));
	i8042_mouse(&f.dev, -300, 1, 2, 0);
	fake_advance(&f, 20 * MS);
	CHECK_EQ(get(), 0x23c);
	CHECK_EQ(get(), 0x201);
	CHECK_EQ(get(), 0x2ff);
	fake_advance(&f, 20 * MS);
	CHECK(GETS("\x1c\xd3\x00")); /* the other 45 */
	fake_fini(&f);
}

static void
knock(const uint8_t *rates)
{
	for (unsigned i = 0; i < 3; i++) {
		aux(0xf3);
		get();
		aux(rates[i]);
		get();
	}
	aux(0xf2);
}

TEST(mouse_wheel_and_five_buttons_by_the_knock)
{
	start(0x02);
	aux(0xf2);
	CHECK(GETS("\xfa\x00"));
	knock((const uint8_t[]){ 200, 100, 80 });
	CHECK(GETS("\xfa\x03"));
	aux(0xf4);
	CHECK(GETS("\xfa"));
	i8042_mouse(&f.dev, 0, 0, 0, 1);
	fake_advance(&f, 20 * MS);
	CHECK(GETS("\x08\x00\x00\xff"));
	knock((const uint8_t[]){ 200, 200, 80 });
	CHECK(GETS("\xfa\x04"));
	i8042_mouse(&f.dev, 0, 0, 0x18, -1);
	fake_advance(&f, 20 * MS);
	CHECK(GETS("\x08\x00\x00\x31"));
	fake_fini(&f);
}

TEST(mouse_modes_status_and_errors)
{
	start(0x02);
	aux(0xe8);
	aux(0x03);
	aux(0xe7);
	CHECK(GETS("\xfa"));
	aux(0xe9);
	CHECK(GETS("\xfa\x10\x03\x64"));
	aux(0xe6);
	aux(0xf0); /* remote: asked for */
	CHECK(GETS("\xfa"));
	i8042_mouse(&f.dev, 7, 0, 0, 0);
	CHECK(get() == 0x100);
	aux(0xeb);
	CHECK(GETS("\xfa\x08\x07\x00"));
	aux(0xee);
	CHECK(GETS("\xfa"));
	aux(0x42);
	CHECK(GETS("\x42"));
	aux(0xec);
	CHECK(GETS("\xfa"));
	aux(0xf3);
	CHECK(GETS("\xfa"));
	aux(0x03); /* no such rate */
	CHECK(GETS("\xfe"));
	aux(0x28);
	CHECK(GETS("\xfa"));
	aux(0xe1);
	CHECK(GETS("\xfe"));
	fake_fini(&f);
}

TEST(mouse_movement_is_added_up_at_the_sample_rate)
{
	unsigned reports = 0;

	start(0x02);
	aux(0xf3);
	get();
	aux(40);
	get();
	aux(0xf4);
	get();
	for (unsigned i = 0; i < 1000; i++) {
		i8042_mouse(&f.dev, 1, 0, 0, 0);
		fake_advance(&f, MS);
		if (status() & 1) {
			fake_read(&f, DATA, 0, 1);
			reports++;
		}
	}
	CHECK(reports / 3 >= 39 && reports / 3 <= 41);
	fake_fini(&f);
}

TEST_MAIN()
