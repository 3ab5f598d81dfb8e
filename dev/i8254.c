/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * 8254 programmable interval timer (Intel 231164-005) and port 61h, which holds the
 * gate of counter 2 (82371SB PIIX3, 290550-002, §2.5.4).
 *
 * Regions: 40h–43h; 61h.  Outputs: 0 = OUT0 (IRQ 0), 1 = OUT1 (refresh), 2 = OUT2
 * (speaker).  Params: "all_outputs" = 1 reports every edge of OUT1 and OUT2 at its time;
 * otherwise these two are brought up to date at writes only (nothing listens to them,
 * and counter 1 alone would need 66 000 timers a second).
 *
 * Counting is computed, not stepped: a counter is the tick at which its count was loaded
 * (`start`), the count `n`, and the next tick at which the count register `cr` is loaded
 * (`load_at`).  Everything read follows from these and guest time in ticks of 1 193 182 Hz.
 *
 * Ticks must not get lost (guests count time by them): IRQ 0 of a periodic counter 0 is
 * a rising edge each period, and a rising edge that was reported lost, or for which the
 * timer came more than a period late, is counted in `missed` and brought again half a
 * period after a regular one, that is at twice the rate.  At most a second's worth is
 * kept.  All of it is in guest time, which stands still while the machine is paused or
 * saved: no burst afterwards.  So that such an edge is never taken back, the line stays
 * high until just before the next edge: the interrupt controllers look at edges only.
 * Edges closer than MIN_PERIOD ticks are merged and not missed.
 */
#include "base/bits.h"
#include "dev/types.h"

#define PIT_HZ       1193182
#define NS_PER_S     1000000000
#define NEVER        INT64_MAX
#define TICK_LIMIT   (INT64_MAX / 4) /* sane range of loaded state */
#define MIN_PERIOD   24u             /* ticks: 20 µs */
#define REFRESH_TICK 18              /* counter 1 as every firmware programs it */
#define MISSED_MAX   20000u
#define NCOUNTERS    3u

#define CW_LATCH     0u
#define CW_READBACK  3u
#define RB_NO_COUNT  0x20
#define RB_NO_STATUS 0x10
#define STATUS_OUT   0x80
#define STATUS_NULL  0x40

#define P61_GATE2    0x01
#define P61_SPEAKER  0x02
#define P61_REFRESH  0x10
#define P61_OUT2     0x20
#define P61_WRITABLE 0x0f

enum { RW_LSB = 1, RW_MSB, RW_BOTH };
enum { IDLE, RUN, PAUSED }; /* PAUSED: modes 0 and 4 with the gate low */
enum { LATCHED_STATUS = 1, LATCHED_COUNT = 2 };

struct counter {
	int64_t start;   /* RUN: the tick at which the count was n */
	int64_t load_at; /* when cr becomes n, or NEVER */
	uint32_t n, cr;  /* 1..65536; cr 0: none written since the control word */
	uint32_t held;   /* PAUSED: elapsed ticks; IDLE: what the counting element shows */
	uint16_t latched;
	uint8_t mode, rw, bcd, gate;
	uint8_t state;
	uint8_t load_low; /* mode 3: the load is at the start of the low half */
	uint8_t null;     /* null count flag */
	uint8_t write_lsb, write_msb_next, read_msb_next;
	uint8_t latch; /* LATCHED_… */
	uint8_t latched_status;
	uint8_t pad[6];
};

struct i8254 {
	struct counter c[NCOUNTERS];
	int64_t done;      /* tick up to which the edges of OUT0 were delivered */
	int64_t inject_at; /* next repeated edge, or NEVER */
	uint32_t missed;
	uint8_t line; /* IRQ 0 as last driven */
	uint8_t port61;
	uint8_t all_outputs;
	uint8_t driven; /* OUT1, OUT2 as last driven: bit 1, 2 */
};

/* ---- ticks ---- */

static int64_t
ticks_of(int64_t ns)
{
	return (int64_t)((__int128)ns * PIT_HZ / NS_PER_S);
}

/* The first nanosecond of a tick. */
static int64_t
ns_of(int64_t tick)
{
	return (int64_t)(((__int128)tick * NS_PER_S + PIT_HZ - 1) / PIT_HZ);
}

static int64_t
now_ticks(struct dev *d)
{
	return ticks_of(d->env->now_ns(d));
}

/* ---- one counter at tick t, after settle() ---- */

static bool
periodic(const struct counter *c)
{
	return c->mode == 2 || c->mode == 3;
}

static bool
triggered(const struct counter *c)
{
	return c->mode == 1 || c->mode == 5;
}

static uint32_t
modulus(const struct counter *c)
{
	return c->bcd ? 10000 : 65536;
}

/* Ticks since the count was loaded. */
static int64_t
elapsed(const struct counter *c, int64_t t)
{
	if (c->state == PAUSED)
		return c->held;
	return t > c->start ? t - c->start : 0;
}

static uint32_t
high_half(uint32_t n)
{
	return (n + 1) / 2;
}

/* 231164-005, "Mode Definitions". */
static bool
out_level(const struct counter *c, int64_t t)
{
	int64_t e = elapsed(c, t);

	if (c->state == IDLE)
		return c->mode != 0;
	switch (c->mode) {
	case 0:
	case 1: return e >= c->n;
	case 2: return c->n == 1 || e % c->n != c->n - 1;
	case 3: return e % c->n < high_half(c->n);
	default: return e != c->n;
	}
}

/* The counting element, binary, 0 for the full modulus. */
static uint32_t
count_at(const struct counter *c, int64_t t)
{
	int64_t e = elapsed(c, t);
	uint32_t m = modulus(c), pos, v;

	if (c->state == IDLE)
		return c->held;
	if (c->mode == 2) {
		v = c->n - (uint32_t)(e % c->n);
	} else if (c->mode == 3) {
		pos = (uint32_t)(e % c->n);
		if (pos >= high_half(c->n))
			pos -= high_half(c->n);
		v = (c->n & ~1u) - 2 * pos;
	} else {
		v = c->n + m - (uint32_t)(e % m);
	}
	return v % m;
}

/* Carries out the load that is due by tick t. */
static void
settle(struct counter *c, int64_t t)
{
	if (t < c->load_at)
		return;
	c->n = c->cr;
	c->null = 0;
	c->start = c->load_at;
	if (c->load_low)
		c->start -= high_half(c->n);
	c->load_low = 0;
	c->load_at = NEVER;
	c->state = RUN;
	if (!c->gate && (c->mode == 0 || c->mode == 4)) {
		c->state = PAUSED;
		c->held = 0;
	}
}

/* The tick after t at which OUT changes next, or NEVER. */
static int64_t
next_change(const struct counter *c, int64_t t)
{
	int64_t e = elapsed(c, t), next = NEVER;
	uint32_t n = c->n;

	if (c->state != RUN)
		return c->load_at;
	switch (c->mode) {
	case 0:
	case 1:
		if (e < n)
			next = c->start + n;
		break;
	case 2: next = c->start + e - e % n + (e % n == n - 1 ? n : n - 1); break;
	case 3: next = c->start + e - e % n + (e % n < high_half(n) ? high_half(n) : n); break;
	default:
		if (e <= n)
			next = c->start + n + (e == n);
		break;
	}
	return c->load_at < next ? c->load_at : next;
}

/* ---- counter 0 and its interrupt ---- */

/* A new rising edge; false when the one before it was still waiting. */
static bool
raise_irq(struct dev *d)
{
	struct i8254 *s = d->state;

	if (s->line)
		d->env->output(d, 0, false);
	s->line = 1;
	return d->env->output(d, 0, true);
}

static void
add_missed(struct i8254 *s, int64_t ticks)
{
	uint32_t n = s->c[0].n;
	int64_t max = PIT_HZ / n + 1;

	if (n < MIN_PERIOD)
		return;
	if (max > MISSED_MAX)
		max = MISSED_MAX;
	s->missed = ticks > max - s->missed ? (uint32_t)max : s->missed + (uint32_t)ticks;
}

/* Rising edges of a running periodic counter in (from, to]. */
static int64_t
rises_between(const struct counter *c, int64_t from, int64_t to)
{
	if (c->state != RUN || c->n == 1 || to <= c->start)
		return 0;
	return (to - c->start) / c->n - elapsed(c, from) / c->n;
}

static void
deliver_periodic(struct dev *d, int64_t t)
{
	struct i8254 *s = d->state;
	int64_t rises = rises_between(&s->c[0], s->done, t);

	if (rises > 0) {
		add_missed(s, rises - 1);
		if (!raise_irq(d))
			add_missed(s, 1);
		s->inject_at = s->missed ? t + s->c[0].n / 2 : NEVER;
	} else if (t >= s->inject_at) {
		s->inject_at = NEVER;
		if (s->missed && raise_irq(d))
			s->missed--;
	}
}

/* OUT0 from s->done to t with no load in between. */
static void
deliver_piece(struct dev *d, int64_t t)
{
	struct i8254 *s = d->state;
	struct counter *c = &s->c[0];
	bool level = out_level(c, t);
	int64_t strobe = c->start + c->n + 1; /* its end, in modes 4 and 5 */

	if (periodic(c) && c->state == RUN) {
		deliver_periodic(d, t);
	} else if (c->mode >= 4 && c->state == RUN && s->done < strobe && strobe <= t) {
		raise_irq(d);
	} else if (level != s->line) {
		s->line = level;
		d->env->output(d, 0, level);
	}
	s->done = t;
}

static void
pit_sync(struct dev *d)
{
	struct i8254 *s = d->state;
	int64_t t = now_ticks(d);

	if (s->c[0].load_at <= t) {
		deliver_piece(d, s->c[0].load_at - 1);
		if (periodic(&s->c[0]) && s->c[0].state == RUN && !s->c[0].load_low) {
			/* Loaded at the end of a period: that is a rising edge too. */
			deliver_piece(d, s->c[0].load_at);
		}
		settle(&s->c[0], t);
		s->done = s->c[0].start > s->done ? s->c[0].start : s->done;
	}
	deliver_piece(d, t);
	settle(&s->c[1], t);
	settle(&s->c[2], t);
}

static int64_t
irq_deadline(const struct i8254 *s, int64_t t)
{
	const struct counter *c = &s->c[0];
	int64_t next;

	if (c->state != RUN || !periodic(c))
		return next_change(c, t);
	if (c->n == 1)
		return c->load_at;
	next = c->start + (elapsed(c, t) / c->n + 1) * c->n;
	if (next < t + MIN_PERIOD && c->n < MIN_PERIOD)
		next = t + MIN_PERIOD;
	if (s->inject_at < next)
		next = s->inject_at;
	return c->load_at < next ? c->load_at : next;
}

static void
arm_timers(struct dev *d)
{
	struct i8254 *s = d->state;
	int64_t t = now_ticks(d);

	for (unsigned i = 0; i < NCOUNTERS; i++) {
		int64_t next = NEVER;

		if (!i)
			next = irq_deadline(s, t);
		else if (s->all_outputs)
			next = next_change(&s->c[i], t);
		d->env->timer_arm(d, i, next == NEVER ? DEV_TIMER_OFF : ns_of(next));
	}
}

/* Call after every change, with everything settled at now. */
static void
pit_update(struct dev *d)
{
	struct i8254 *s = d->state;
	int64_t t = now_ticks(d);

	s->driven = 0;
	for (unsigned i = 1; i < NCOUNTERS; i++) {
		bool level = out_level(&s->c[i], t);

		s->driven |= (uint8_t)(level << i);
		d->env->output(d, i, level);
	}
	arm_timers(d);
}

static void
pit_timer(struct dev *d, unsigned id)
{
	pit_sync(d);
	pit_update(d);
}

/* ---- programming ---- */

static void
stop(struct counter *c, int64_t t)
{
	c->held = count_at(c, t);
	c->state = IDLE;
	c->load_at = NEVER;
	c->load_low = 0;
}

static void
forget_missed(struct i8254 *s, unsigned i)
{
	if (i)
		return;
	s->missed = 0;
	s->inject_at = NEVER;
}

/* The count register is complete: when does it become the count? */
static void
count_written(struct counter *c, uint32_t v, int64_t t)
{
	int64_t e;

	if (c->bcd)
		v = (v >> 12) * 1000 + (v >> 8 & 15) * 100 + (v >> 4 & 15) * 10 + (v & 15);
	c->cr = v ? v : modulus(c);
	c->null = 1;
	if (triggered(c))
		return; /* at the next trigger */
	if (!periodic(c)) {
		if (c->mode == 0)
			stop(c, t); /* OUT low at once */
		c->load_at = t + 1;
		return;
	}
	if (c->state != RUN) {
		if (c->gate)
			c->load_at = t + 1;
		return;
	}
	/* At the end of the period, or (mode 3) of the half period. */
	e = elapsed(c, t);
	c->load_low = 0;
	c->load_at = c->start + e - e % c->n + c->n;
	if (c->mode == 3 && e % c->n < high_half(c->n) && c->n > 1) {
		c->load_at = c->start + e - e % c->n + high_half(c->n);
		c->load_low = 1;
	}
}

static void
write_count(struct dev *d, unsigned i, uint8_t val, int64_t t)
{
	struct i8254 *s = d->state;
	struct counter *c = &s->c[i];

	if (c->rw == RW_BOTH && !c->write_msb_next) {
		c->write_lsb = val;
		c->write_msb_next = 1;
		if (c->mode == 0) /* "writing the first byte disables counting" */
			stop(c, t);
		return;
	}
	forget_missed(s, i);
	if (c->rw == RW_BOTH) {
		c->write_msb_next = 0;
		count_written(c, (uint32_t)val << 8 | c->write_lsb, t);
	} else {
		count_written(c, c->rw == RW_MSB ? (uint32_t)val << 8 : val, t);
	}
}

static uint16_t
shown_count(const struct counter *c, int64_t t)
{
	uint32_t v = count_at(c, t);

	if (c->bcd)
		v = v / 1000 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10;
	return (uint16_t)v;
}

static void
latch_count(struct counter *c, int64_t t)
{
	if (c->latch & LATCHED_COUNT)
		return; /* ignored until the first was read */
	c->latched = shown_count(c, t);
	c->latch |= LATCHED_COUNT;
}

static void
latch_status(struct counter *c, int64_t t)
{
	if (c->latch & LATCHED_STATUS)
		return;
	c->latched_status =
	    (uint8_t)((out_level(c, t) ? STATUS_OUT : 0) | (c->null ? STATUS_NULL : 0) |
		      c->rw << 4 | c->mode << 1 | c->bcd);
	c->latch |= LATCHED_STATUS;
}

static void
read_back(struct i8254 *s, uint8_t val, int64_t t)
{
	for (unsigned i = 0; i < NCOUNTERS; i++) {
		if (!(val & (2u << i)))
			continue;
		if (!(val & RB_NO_COUNT))
			latch_count(&s->c[i], t);
		if (!(val & RB_NO_STATUS))
			latch_status(&s->c[i], t);
	}
}

static void
write_control(struct i8254 *s, uint8_t val, int64_t t)
{
	unsigned i = val >> 6, rw = val >> 4 & 3;
	struct counter *c;

	if (i == CW_READBACK) {
		read_back(s, val, t);
		return;
	}
	c = &s->c[i];
	if (rw == CW_LATCH) {
		latch_count(c, t);
		return;
	}
	stop(c, t);
	forget_missed(s, i);
	c->rw = (uint8_t)rw;
	c->mode = val >> 1 & 7;
	if (c->mode > 5)
		c->mode -= 4; /* bit 2 does not matter in modes 2 and 3 */
	c->bcd = val & 1;
	c->cr = 0;
	c->held %= modulus(c);
	c->null = 1;
	c->write_msb_next = c->read_msb_next = 0;
	c->latch = 0;
}

static uint8_t
read_count(struct counter *c, int64_t t)
{
	uint16_t v = c->latch & LATCHED_COUNT ? c->latched : shown_count(c, t);
	bool msb = c->rw == RW_MSB;

	if (c->latch & LATCHED_STATUS) { /* status first, whichever came first */
		c->latch &= (uint8_t)~LATCHED_STATUS;
		return c->latched_status;
	}
	if (c->rw == RW_BOTH) {
		msb = c->read_msb_next;
		c->read_msb_next = !msb;
	}
	if (c->rw != RW_BOTH || msb)
		c->latch &= (uint8_t)~LATCHED_COUNT;
	return (uint8_t)(msb ? v >> 8 : v);
}

/* 231164-005, "Gate": what its edges do in each mode. */
static void
set_gate(struct counter *c, bool level, int64_t t)
{
	if (!!c->gate == level)
		return;
	c->gate = level;
	if (c->mode == 0 || c->mode == 4) {
		if (level && c->state == PAUSED) {
			c->start = t - c->held;
			c->state = RUN;
		} else if (!level && c->state == RUN) {
			int64_t e = elapsed(c, t);

			/* Past its end only the remainder matters; OUT must stay. */
			if (e > c->n + modulus(c))
				e = c->n + 1 + (e - c->n - 1) % modulus(c);
			c->held = (uint32_t)e;
			c->state = PAUSED;
		}
	} else if (level) { /* a trigger, once there is a count */
		if (c->cr)
			c->load_at = t + 1;
		c->load_low = 0;
	} else if (periodic(c)) {
		stop(c, t);
	}
}

/* ---- ports ---- */

/* Before a read. Guests poll these ports to wait, so between two events of counter 0
 * nothing is armed or driven again. */
static void
catch_up(struct dev *d)
{
	struct i8254 *s = d->state;
	int64_t t = now_ticks(d);

	if (t >= irq_deadline(s, s->done)) {
		pit_sync(d);
		pit_update(d);
	}
	settle(&s->c[1], t);
	settle(&s->c[2], t);
}

static uint64_t
pit_read(struct dev *d, uint32_t off, unsigned size)
{
	struct i8254 *s = d->state;

	if (off >= NCOUNTERS)
		return 0xff; /* 43h: no operation, the bus floats */
	catch_up(d);
	return read_count(&s->c[off], now_ticks(d));
}

static void
pit_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	int64_t t = now_ticks(d);

	pit_sync(d);
	if (off < NCOUNTERS)
		write_count(d, off, (uint8_t)val, t);
	else
		write_control(d->state, (uint8_t)val, t);
	pit_sync(d); /* a control word changes OUT0 at once */
	pit_update(d);
}

static uint64_t
port61_read(struct dev *d, uint32_t off, unsigned size)
{
	struct i8254 *s = d->state;
	int64_t t = now_ticks(d);
	uint8_t v = s->port61;

	catch_up(d);
	if (s->c[1].state == RUN && periodic(&s->c[1])) {
		if (elapsed(&s->c[1], t) / s->c[1].n & 1)
			v |= P61_REFRESH;
	} else if (t / REFRESH_TICK & 1) {
		v |= P61_REFRESH;
	}
	if (out_level(&s->c[2], t))
		v |= P61_OUT2;
	return v;
}

static void
port61_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct i8254 *s = d->state;

	pit_sync(d);
	s->port61 = (uint8_t)val & P61_WRITABLE;
	set_gate(&s->c[2], val & P61_GATE2, now_ticks(d));
	pit_update(d);
}

/* ---- life ---- */

static int
pit_create(struct dev *d, struct err *e)
{
	struct i8254 *s = d->state;

	s->all_outputs = !!d->env->param_u64(d, "all_outputs", 0);
	return 0;
}

/* The part has no reset pin ("undefined until programmed"): stopped, outputs high. */
static void
pit_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct i8254 *s = d->state;

	for (unsigned i = 0; i < NCOUNTERS; i++) {
		s->c[i] = (struct counter){
			.load_at = NEVER,
			.n = 65536,
			.mode = 3,
			.rw = RW_BOTH,
			.gate = i < 2,
			.null = 1,
		};
	}
	s->port61 = 0;
	s->done = now_ticks(d);
	forget_missed(s, 0);
	s->line = 1;
	d->env->output(d, 0, true);
	pit_update(d);
}

static int64_t
sane_tick(int64_t t)
{
	if (t == NEVER)
		return t;
	if (t > TICK_LIMIT || t < -TICK_LIMIT)
		return 0;
	return t;
}

static void
check_counter(struct counter *c)
{
	if (!c->n || c->n > 65536)
		c->n = 65536;
	if (c->cr > 65536)
		c->cr = 0;
	if (!c->cr && c->load_at != NEVER)
		c->load_at = NEVER;
	c->held %= 3 * 65536;
	c->start = sane_tick(c->start);
	if (c->start == NEVER)
		c->start = 0;
	c->load_at = sane_tick(c->load_at);
	c->mode %= 6;
	c->rw = c->rw & 3 ? c->rw & 3 : RW_BOTH;
	c->state %= 3;
	c->bcd &= 1;
}

static int
pit_loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct i8254 *s = d->state;

	for (unsigned i = 0; i < NCOUNTERS; i++)
		check_counter(&s->c[i]);
	s->done = sane_tick(s->done);
	if (s->done == NEVER)
		s->done = 0;
	s->inject_at = sane_tick(s->inject_at);
	if (s->missed > MISSED_MAX)
		s->missed = MISSED_MAX;
	d->env->output(d, 0, s->line);
	d->env->output(d, 1, s->driven & 2);
	d->env->output(d, 2, s->driven & 4);
	arm_timers(d);
	return 0;
}

static const struct dev_region pit_regions[] = {
	{ "pit", DEV_REGION_PIO, 4, 1, 1, pit_read, pit_write },
	{ "port61", DEV_REGION_PIO, 1, 1, 1, port61_read, port61_write },
};

static const char *const pit_outputs[] = { "out0", "out1", "out2" };

/* clang-format off */
#define COUNTER_FIELDS(i) \
	DEV_FIELD(struct i8254, c[i].start), \
	DEV_FIELD(struct i8254, c[i].load_at), \
	DEV_FIELD(struct i8254, c[i].n), \
	DEV_FIELD(struct i8254, c[i].cr), \
	DEV_FIELD(struct i8254, c[i].held), \
	DEV_FIELD(struct i8254, c[i].latched), \
	DEV_FIELD(struct i8254, c[i].mode), \
	DEV_FIELD(struct i8254, c[i].rw), \
	DEV_FIELD(struct i8254, c[i].bcd), \
	DEV_FIELD(struct i8254, c[i].gate), \
	DEV_FIELD(struct i8254, c[i].state), \
	DEV_FIELD(struct i8254, c[i].load_low), \
	DEV_FIELD(struct i8254, c[i].null), \
	DEV_FIELD(struct i8254, c[i].write_lsb), \
	DEV_FIELD(struct i8254, c[i].write_msb_next), \
	DEV_FIELD(struct i8254, c[i].read_msb_next), \
	DEV_FIELD(struct i8254, c[i].latch), \
	DEV_FIELD(struct i8254, c[i].latched_status), \
	DEV_TRANSIENT(struct i8254, c[i].pad)

static const struct dev_field pit_fields[] = {
	COUNTER_FIELDS(0),
	COUNTER_FIELDS(1),
	COUNTER_FIELDS(2),
	DEV_FIELD(struct i8254, done),
	DEV_FIELD(struct i8254, inject_at),
	DEV_FIELD(struct i8254, missed),
	DEV_FIELD(struct i8254, line),
	DEV_FIELD(struct i8254, port61),
	DEV_TRANSIENT(struct i8254, all_outputs),
	DEV_FIELD(struct i8254, driven),
};
/* clang-format on */

const struct dev_type i8254_type = {
	.name = "i8254",
	.regions = pit_regions,
	.nregions = ARRAY_SIZE(pit_regions),
	.noutputs = ARRAY_SIZE(pit_outputs),
	.output_names = pit_outputs,
	.ntimers = NCOUNTERS,
	.fields = pit_fields,
	.nfields = ARRAY_SIZE(pit_fields),
	.state_size = sizeof(struct i8254),
	.state_version = 1,
	.create = pit_create,
	.reset = pit_reset,
	.timer = pit_timer,
	.loaded = pit_loaded,
};
