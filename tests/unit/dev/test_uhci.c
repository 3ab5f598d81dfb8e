/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small driver's view of the UHCI controller and its tablet. */
#include "tests/unit/dev/fake_env.h"
#include "tests/unit/test.h"

#include "base/bits.h"
#include "dev/types.h"
#include "dev/usb_tablet.h"

enum { CMD = 0, STS = 2, INTR = 4, FRNUM = 6, BASE = 8, SOF = 12, PORT1 = 16, PORT2 = 18 };

#define MS     1000000ll
#define FRAMES 0x1000u
#define QH     0x3000u
#define TDS    0x4000u /* 32 bytes each */
#define DATA   0x8000u
#define ACTIVE (1u << 23)
#define IOC    (1u << 24)
#define SPD    (1u << 29)
#define CERR3  (3u << 27)

static unsigned
in(struct fake_env *f, unsigned reg)
{
	return (unsigned)fake_read(f, 0, reg, 2);
}

static void
out(struct fake_env *f, unsigned reg, unsigned val)
{
	fake_write(f, 0, reg, 2, val);
}

static uint32_t
peek(struct fake_env *f, uint32_t addr)
{
	return get_le32(f->mem + addr);
}

static void
poke(struct fake_env *f, uint32_t addr, uint32_t val)
{
	put_le32(f->mem + addr, val);
}

static uint32_t
td(unsigned n)
{
	return TDS + n * 32;
}

static void
make_td(struct fake_env *f, unsigned n, uint32_t link, uint32_t ctrl, unsigned pid, unsigned addr,
    unsigned ep, unsigned len, uint32_t buffer)
{
	poke(f, td(n), link);
	poke(f, td(n) + 4, ctrl | ACTIVE | CERR3);
	poke(f, td(n) + 8, pid | addr << 8 | ep << 15 | ((len - 1) & 0x7ff) << 21);
	poke(f, td(n) + 12, buffer);
}

static void
start(struct fake_env *f)
{
	fake_init(f, &uhci_type);
	fake_start(f);
	for (unsigned i = 0; i < 1024; i++)
		poke(f, FRAMES + i * 4, QH | 2);
	poke(f, QH, 1);
	poke(f, QH + 4, 1);
	out(f, BASE, FRAMES);
	out(f, BASE + 2, 0);
	out(f, INTR, 0xf);
	/* reset and enable port 1 */
	out(f, PORT1, 0x200);
	fake_advance(f, 50 * MS);
	out(f, PORT1, 0);
	out(f, PORT1, 0xe);
	out(f, CMD, 0xc1);
}

/* A control transfer; bytes of the data stage, or -1 when stalled. */
static int
control(struct fake_env *f, unsigned addr, unsigned type, unsigned req, unsigned value,
    unsigned index, unsigned len)
{
	bool to_host = type & 0x80;
	unsigned n = 1, done = 0;
	uint8_t setup[8] = { (uint8_t)type, (uint8_t)req };

	put_le16(setup + 2, (uint16_t)value);
	put_le16(setup + 4, (uint16_t)index);
	put_le16(setup + 6, (uint16_t)len);
	memcpy(f->mem + DATA - 8, setup, 8);
	make_td(f, 0, td(1) | 4, 0, 0x2d, addr, 0, 8, DATA - 8);
	for (unsigned at = 0; at < len; at += 8, n++)
		make_td(f, n, td(n + 1) | 4, 0, to_host ? 0x69 : 0xe1, addr, 0,
		    len - at < 8 ? len - at : 8, DATA + at);
	make_td(f, n, 1, IOC, len && to_host ? 0xe1 : 0x69, addr, 0, 0, 0);
	poke(f, QH + 4, td(0));
	for (unsigned i = 0; i < 100 && (peek(f, td(n) + 4) & ACTIVE); i++) {
		fake_advance(f, 2 * MS);
		for (unsigned j = 0; j <= n; j++) {
			if (peek(f, td(j) + 4) & 1u << 22)
				return -1;
		}
	}
	for (unsigned j = 1; j < n; j++)
		done += (peek(f, td(j) + 4) + 1) & 0x7ff;
	return peek(f, td(n) + 4) & ACTIVE ? -2 : (int)done;
}

TEST(registers_after_reset)
{
	static struct fake_env f;

	fake_init(&f, &uhci_type);
	CHECK_EQ(fake_start(&f), 0);
	CHECK_EQ(in(&f, CMD), 0);
	CHECK_EQ(in(&f, STS), 0x20);
	CHECK_EQ(fake_read(&f, 0, SOF, 1), 0x40);
	CHECK_EQ(in(&f, PORT1), 0x93); /* connected, changed, full speed */
	CHECK_EQ(in(&f, PORT2), 0x80);
	CHECK_EQ(in(&f, 20), 0xffff);
	out(&f, PORT1, 2);
	CHECK_EQ(in(&f, PORT1), 0x91);
	out(&f, PORT2, 4); /* nothing there to enable */
	CHECK_EQ(in(&f, PORT2), 0x80);
	out(&f, FRNUM, 0x123);
	CHECK_EQ(in(&f, FRNUM), 0x123);
	out(&f, CMD, 2);
	CHECK_EQ(in(&f, CMD), 0);
	CHECK_EQ(in(&f, FRNUM), 0);
	CHECK_EQ(f.deadlines[0], DEV_TIMER_OFF);
	fake_fini(&f);
}

TEST(frames_count_milliseconds)
{
	static struct fake_env f;
	unsigned first;

	start(&f);
	CHECK_EQ(in(&f, STS), 0);
	first = in(&f, FRNUM);
	fake_advance(&f, 10 * MS);
	CHECK_EQ(in(&f, FRNUM) - first, 10);
	fake_advance(&f, 500 * MS); /* idle by now: still right when read */
	CHECK_EQ(in(&f, FRNUM) - first, 510);
	f.now_ns += 2000 * MS; /* a stopped host */
	CHECK_EQ((in(&f, FRNUM) - first) & 0x7ff, 2510 & 0x7ff);
	out(&f, CMD, 0);
	CHECK_EQ(in(&f, STS), 0x20);
	first = in(&f, FRNUM);
	fake_advance(&f, 10 * MS);
	CHECK_EQ(in(&f, FRNUM), first);
	fake_fini(&f);
}

TEST(the_tablet_enumerates)
{
	static struct fake_env f;
	unsigned total;

	start(&f);
	CHECK_EQ(control(&f, 0, 0x80, 6, 0x100, 0, 8), 8);
	CHECK_EQ(f.mem[DATA], 18);
	CHECK_EQ(f.mem[DATA + 7], 8);
	CHECK(in(&f, STS) & 1);
	CHECK(f.outputs[0]);
	out(&f, STS, 1);
	CHECK(!f.outputs[0]);
	CHECK_EQ(control(&f, 0, 0, 5, 5, 0, 0), 0);
	CHECK_EQ(control(&f, 5, 0x80, 6, 0x100, 0, 18), 18);
	CHECK_EQ(f.mem[DATA + 17], 1);
	CHECK_EQ(control(&f, 5, 0x80, 6, 0x200, 0, 9), 9);
	total = get_le16(f.mem + DATA + 2);
	CHECK_EQ(control(&f, 5, 0x80, 6, 0x200, 0, 255), (int)total);
	CHECK_EQ(f.mem[DATA + total - 7], 7);
	CHECK_EQ(f.mem[DATA + 9 + 5], 3); /* HID */
	unsigned report = get_le16(f.mem + DATA + 18 + 7);

	CHECK_EQ(control(&f, 5, 0x81, 6, 0x2200, 0, 255), (int)report);
	CHECK_EQ(f.mem[DATA + report - 1], 0xc0);
	CHECK_EQ(control(&f, 5, 0x80, 6, 0x302, 0x409, 255), 2 + 2 * 10);
	CHECK_EQ(f.mem[DATA + 2], 'U');
	CHECK_EQ(control(&f, 5, 0x80, 6, 0x3ee, 0x409, 255), -1);
	CHECK(in(&f, STS) & 2);
	CHECK_EQ(control(&f, 5, 0, 9, 1, 0, 0), 0);
	CHECK_EQ(control(&f, 5, 0x80, 8, 0, 0, 1), 1);
	CHECK_EQ(f.mem[DATA], 1);
	CHECK_EQ(control(&f, 5, 0x21, 10, 0, 0, 0), 0); /* SET_IDLE */
	CHECK_EQ(control(&f, 5, 0x80, 0, 0, 0, 2), 2);
	CHECK_EQ(get_le16(f.mem + DATA), 0);
	CHECK_EQ(control(&f, 5, 0, 3, 1, 0, 0), 0); /* remote wake-up */
	CHECK_EQ(control(&f, 5, 0x80, 0, 0, 0, 2), 2);
	CHECK_EQ(get_le16(f.mem + DATA), 2);
	CHECK(usb_tablet_active(&f.dev));
	fake_fini(&f);
}

static void
configure(struct fake_env *f)
{
	start(f);
	control(f, 0, 0, 5, 5, 0, 0);
	control(f, 5, 0, 9, 1, 0, 0);
	out(f, STS, 0x1f);
}

static void
poll_report(struct fake_env *f, unsigned len, uint32_t flags)
{
	make_td(f, 0, 1, IOC | flags, 0x69, 5, 1, len, DATA);
	poke(f, QH + 4, td(0));
	fake_advance(f, 3 * MS);
}

TEST(reports_carry_position_buttons_and_wheel)
{
	static struct fake_env f;

	configure(&f);
	poll_report(&f, 8, 0);
	CHECK(peek(&f, td(0) + 4) & ACTIVE);
	CHECK(peek(&f, td(0) + 4) & 1u << 19); /* NAK */
	usb_tablet_pointer(&f.dev, 100, 20000, 1 | 4, -1);
	fake_advance(&f, 2 * MS);
	CHECK_EQ(peek(&f, td(0) + 4) & (ACTIVE | 0x7ff), 5);
	CHECK_EQ(f.mem[DATA], 3); /* left and right */
	CHECK_EQ(get_le16(f.mem + DATA + 1), 100);
	CHECK_EQ(get_le16(f.mem + DATA + 3), 20000);
	CHECK_EQ(f.mem[DATA + 5], 0xff);
	CHECK(f.outputs[0]);
	out(&f, STS, 1);
	/* movement is merged, clicks are kept */
	usb_tablet_pointer(&f.dev, 1, 1, 0, 0);
	usb_tablet_pointer(&f.dev, 2, 2, 0, 0);
	usb_tablet_pointer(&f.dev, 2, 2, 1, 0);
	usb_tablet_pointer(&f.dev, 2, 2, 0, 0);
	poll_report(&f, 8, 0);
	CHECK_EQ(f.mem[DATA], 0);
	CHECK_EQ(get_le16(f.mem + DATA + 1), 2);
	poll_report(&f, 8, 0);
	CHECK_EQ(f.mem[DATA], 1);
	poll_report(&f, 8, 0);
	CHECK_EQ(f.mem[DATA], 0);
	poll_report(&f, 8, 0);
	CHECK(peek(&f, td(0) + 4) & ACTIVE);
	/* input comes within a frame or two although the bus had slowed down */
	fake_advance(&f, 300 * MS);
	usb_tablet_pointer(&f.dev, 3, 3, 0, 0);
	fake_advance(&f, 2 * MS);
	CHECK(!(peek(&f, td(0) + 4) & ACTIVE));
	fake_fini(&f);
}

TEST(short_packets_stop_the_queue)
{
	static struct fake_env f;

	configure(&f);
	usb_tablet_pointer(&f.dev, 9, 9, 0, 0);
	out(&f, INTR, 8);
	make_td(&f, 0, td(1), SPD, 0x69, 5, 1, 8, DATA);
	make_td(&f, 1, 1, 0, 0x69, 5, 1, 8, DATA);
	poke(&f, QH + 4, td(0));
	fake_advance(&f, 3 * MS);
	CHECK_EQ(peek(&f, td(0) + 4) & (ACTIVE | 0x7ff), 5);
	CHECK_EQ(peek(&f, QH + 4), td(0));
	CHECK(f.outputs[0]);
	fake_fini(&f);
}

TEST(errors_are_told)
{
	static struct fake_env f;

	configure(&f);
	/* babble: the report has six bytes */
	usb_tablet_pointer(&f.dev, 9, 9, 0, 0);
	f.mem[DATA + 3] = 0xee;
	poll_report(&f, 3, 0);
	CHECK_EQ(peek(&f, td(0) + 4) & (ACTIVE | 1u << 20 | 1u << 22), 1u << 20 | 1u << 22);
	CHECK_EQ(f.mem[DATA + 3], 0xee);
	CHECK(in(&f, STS) & 2);
	out(&f, STS, 3);
	/* nobody there: three tries */
	make_td(&f, 0, 1, 0, 0x69, 77, 1, 8, DATA);
	poke(&f, QH + 4, td(0));
	fake_advance(&f, 2 * MS);
	CHECK(peek(&f, td(0) + 4) & ACTIVE);
	fake_advance(&f, 4 * MS);
	CHECK_EQ(peek(&f, td(0) + 4) & (ACTIVE | 1u << 18 | 1u << 22), 1u << 18 | 1u << 22);
	CHECK(in(&f, STS) & 2);
	out(&f, STS, 3);
	/* no such PID */
	make_td(&f, 0, 1, 0, 0x00, 5, 1, 8, DATA);
	poke(&f, QH + 4, td(0));
	fake_advance(&f, 2 * MS);
	CHECK_EQ(in(&f, STS) & 0x30, 0x30);
	CHECK(!(in(&f, CMD) & 1));
	CHECK(f.outputs[0]);
	fake_fini(&f);
	/* a frame list outside memory */
	start(&f);
	out(&f, BASE + 2, 0xffff);
	fake_advance(&f, 2 * MS);
	CHECK_EQ(in(&f, STS) & 0x28, 0x28);
	fake_fini(&f);
}

TEST(endless_schedules_end)
{
	static struct fake_env f;

	configure(&f);
	poke(&f, QH, QH | 2); /* a queue that follows itself, as for bandwidth reclamation */
	poll_report(&f, 8, 0);
	CHECK(peek(&f, td(0) + 4) & ACTIVE);
	usb_tablet_pointer(&f.dev, 5, 6, 0, 0);
	fake_advance(&f, 2 * MS);
	CHECK(!(peek(&f, td(0) + 4) & ACTIVE));
	/* descriptors in a circle, inactive and active */
	for (unsigned i = 0; i < 1024; i++)
		poke(&f, FRAMES + i * 4, td(0));
	poke(&f, td(0), td(1));
	poke(&f, td(1), td(0));
	poke(&f, td(0) + 4, 0);
	poke(&f, td(1) + 4, 0);
	fake_advance(&f, 100 * MS);
	make_td(&f, 0, td(0), 0, 0x69, 5, 1, 8, DATA);
	fake_advance(&f, 100 * MS);
	poke(&f, td(0) + 4, ACTIVE); /* nobody answers, no limit of tries */
	poke(&f, td(0) + 8, 0x69 | 9 << 8);
	fake_advance(&f, 100 * MS);
	CHECK(in(&f, CMD) & 1);
	fake_fini(&f);
}

static uint32_t
rng(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

/* Anything in the schedule: frames still end, and memory outside it stays as it was. */
TEST(random_schedules_are_survived)
{
	static const uint8_t pids[] = { 0x69, 0xe1, 0x2d, 0x69, 0xe1, 0x2d, 0x69, 0x55 };
	static struct fake_env f;
	uint32_t x = 12345;

	configure(&f);
	memset(f.mem + 0x20000, 0x5a, 0x1000);
	for (unsigned n = 0; n < 3000; n++) {
		for (unsigned i = 0; i < 64; i++) {
			poke(&f, td(i), (td(rng(&x) % 64) & ~0xfu) | (rng(&x) % 8));
			poke(&f, td(i) + 4, rng(&x) % 3 ? (rng(&x) | ACTIVE) : td(rng(&x) % 64));
			poke(&f, td(i) + 8,
			    pids[rng(&x) % 8] | (rng(&x) % 3 ? 5u : 0u) << 8 | (rng(&x) % 3) << 15 |
				(rng(&x) % 24) << 21);
			poke(&f, td(i) + 12, DATA + rng(&x) % 0x1000);
		}
		for (unsigned i = 0; i < 1024; i += 1 + rng(&x) % 8)
			poke(&f, FRAMES + i * 4, td(rng(&x) % 64) | (rng(&x) % 4));
		usb_tablet_pointer(&f.dev, n & 0x7fff, 7, n & 7, 0);
		fake_advance(&f, 3 * MS);
		out(&f, STS, 0x1f);
		out(&f, PORT1, 4);
		out(&f, CMD, 0xc1);
	}
	CHECK(!f.storm);
	for (unsigned i = 0; i < 0x1000; i++)
		CHECK_EQ(f.mem[0x20000 + i], 0x5a);
	fake_fini(&f);
}

TEST(a_suspended_bus_is_woken)
{
	static struct fake_env f;

	configure(&f);
	CHECK_EQ(control(&f, 5, 0, 3, 1, 0, 0), 0);
	out(&f, STS, 0x1f);
	out(&f, PORT1, 0x1004);
	out(&f, CMD, 0xc8); /* suspended */
	CHECK_EQ(f.deadlines[0], DEV_TIMER_OFF);
	CHECK(!f.outputs[0]);
	usb_tablet_pointer(&f.dev, 5, 5, 0, 0);
	CHECK(f.outputs[0]);
	CHECK(in(&f, STS) & 4);
	CHECK(in(&f, PORT1) & 0x40);
	out(&f, STS, 4);
	CHECK(!f.outputs[0]);
	out(&f, CMD, 0xc1);
	out(&f, PORT1, 0x0004);
	CHECK_EQ(in(&f, PORT1) & 0x1044, 4);
	poll_report(&f, 8, 0);
	CHECK_EQ(get_le16(f.mem + DATA + 1), 5);
	fake_fini(&f);
}

TEST(no_tablet_when_not_wanted)
{
	static struct fake_env f;

	fake_init(&f, &uhci_type);
	fake_param(&f, "tablet", 0);
	CHECK_EQ(fake_start(&f), 0);
	CHECK_EQ(in(&f, PORT1), 0x80);
	usb_tablet_pointer(&f.dev, 5, 5, 0, 0);
	CHECK(!usb_tablet_active(&f.dev));
	fake_fini(&f);
}

TEST_MAIN()
