/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MC146818A real-time clock with RAM (Motorola MC146818A/D, 1988), as in PC chipsets:
 * 128 bytes through 70h/71h, a second bank of 128 through 72h/73h (82371SB PIIX3,
 * 290550-002, §2.5.3), the century in byte 32h.
 *
 * Regions: 70h–71h, 72h–73h.  Outputs: 0 = IRQ 8, 1 = NMI masked (bit 7 of port 70h).
 * Params: "base_time": Unix seconds at guest time 0; "utc_offset": seconds added to it,
 * for guests whose clock shows local time.
 *
 * While the clock runs, time is guest time + an offset and registers 0..9 and 32h are
 * computed when read; while it is held (SET, or the divider off) they are plain bytes.
 * Flags of register C are brought up to date when somebody looks or an enabled
 * interrupt is due.
 *
 * Periodic ticks must not get lost (guests count time by them): a tick that comes while
 * the last is still flagged, or late by whole periods, is counted in `missed` and flagged
 * again half a period after register C was read; at most a second's worth is kept,
 * all in guest time: no burst after a pause.
 *
 * Left out: the square wave pin, and daylight saving (the bit is kept but the
 * hour is not changed: every system that knows the PC turns it off).
 */
#include "dev/mc146818.h"

#include "base/bits.h"
#include "dev/types.h"

#include <string.h>

#define NS_PER_S   1000000000ll
#define NEVER      INT64_MAX
#define NS_LIMIT   (INT64_MAX / 4)
#define S_LIMIT    400000000000 /* beyond the year 9999 */
#define RTC_HZ     32768
#define DAY_S      86400
#define UIP_NS     (244000 + 1984000) /* tBUC + tUC, Table 3 */
#define MISSED_MAX 8192u

enum {
	REG_SEC,
	REG_SEC_ALARM,
	REG_MIN,
	REG_MIN_ALARM,
	REG_HOUR,
	REG_HOUR_ALARM,
	REG_WDAY,
	REG_DAY,
	REG_MONTH,
	REG_YEAR,
	REG_A,
	REG_B,
	REG_C,
	REG_D,
	REG_CENTURY = 0x32,
};

#define A_UIP      0x80
#define A_DV       0x70
#define A_DV_ON    0x20
#define A_RS       0x0f
#define B_SET      0x80
#define B_PIE      0x40
#define B_AIE      0x20
#define B_UIE      0x10
#define B_SQWE     0x08
#define B_DM       0x04 /* binary */
#define B_24H      0x02
#define C_IRQF     0x80
#define C_PF       0x40
#define C_AF       0x20
#define C_UF       0x10
#define C_FLAGS    (C_PF | C_AF | C_UF)
#define D_VRT      0x80
#define HOUR_PM    0x80
#define ALARM_ANY  0xc0
#define INDEX_MASK 0x7f
#define NMI_MASKED 0x80

enum { OUT_IRQ8, OUT_NMI_MASK };

struct mc146818 {
	int64_t offset_s;  /* clock = guest time + these two, since 1970-01-01 */
	int64_t offset_ns; /* within a second, so that the year 9999 does not overflow */
	int64_t done_s;    /* clock second up to which UF and AF were looked at */
	int64_t done_tick; /* 1/32768 s up to which PF was looked at */
	int64_t inject_at; /* guest ns of a repeated tick, or NEVER */
	uint32_t missed;
	uint8_t index, index2; /* as written to 70h and 72h */
	uint8_t wday_shift;    /* what the guest's weekday is ahead of the calendar's */
	uint8_t pad;
	uint8_t cm[256];
};

struct rtc_time {
	int year, month, day, hour, min, sec; /* month and day from 1 */
	int wday;                             /* 0 = Sunday */
};

/* ---- calendar ---- */

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Proleptic Gregorian calendar; years begin in March, so that the leap day is last. */
static int64_t
days_of(int year, int month, int day)
{
	int64_t y = year - (month <= 2), era = floor_div(y, 400);
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void
time_of(int64_t s, struct rtc_time *ret_time)
{
	int64_t days = floor_div(s, DAY_S), z = days + 719468;
	int64_t era = floor_div(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	int sod = (int)(s - days * DAY_S);

	ret_time->day = (int)(doy - (153 * mp + 2) / 5 + 1);
	ret_time->month = (int)(mp < 10 ? mp + 3 : mp - 9);
	ret_time->year = (int)(yoe + era * 400 + (ret_time->month <= 2));
	ret_time->hour = sod / 3600;
	ret_time->min = sod / 60 % 60;
	ret_time->sec = sod % 60;
	ret_time->wday = (int)(days + 4 - floor_div(days + 4, 7) * 7);
}

static uint8_t
encode(const struct mc146818 *s, unsigned v)
{
	return (uint8_t)(s->cm[REG_B] & B_DM ? v : v / 10 % 10 << 4 | v % 10);
}

static unsigned
decode(const struct mc146818 *s, uint8_t v)
{
	return s->cm[REG_B] & B_DM ? v : (v >> 4) * 10u + (v & 15);
}

static uint8_t
encode_hour(const struct mc146818 *s, int hour)
{
	uint8_t v;

	if (s->cm[REG_B] & B_24H)
		return encode(s, (unsigned)hour);
	v = encode(s, hour % 12 ? (unsigned)hour % 12 : 12);
	return hour >= 12 ? v | HOUR_PM : v;
}

static unsigned
decode_hour(const struct mc146818 *s, uint8_t v)
{
	if (s->cm[REG_B] & B_24H)
		return decode(s, v);
	return decode(s, v & (uint8_t)~HOUR_PM) % 12 + (v & HOUR_PM ? 12 : 0);
}

/* ---- clock ---- */

static bool
divider_on(const struct mc146818 *s)
{
	return (s->cm[REG_A] & A_DV) == A_DV_ON;
}

static bool
running(const struct mc146818 *s)
{
	return divider_on(s) && !(s->cm[REG_B] & B_SET);
}

/* Guest time moved so that seconds begin where the clock's do. */
static int64_t
clock_ns(struct dev *d)
{
	const struct mc146818 *s = d->state;

	return d->env->now_ns(d) + s->offset_ns;
}

static int64_t
clock_s(struct dev *d)
{
	const struct mc146818 *s = d->state;

	return floor_div(clock_ns(d), NS_PER_S) + s->offset_s;
}

/* Nanoseconds into the current second. */
static int64_t
clock_phase(struct dev *d)
{
	int64_t ns = clock_ns(d);

	return ns - floor_div(ns, NS_PER_S) * NS_PER_S;
}

static int64_t
clock_tick(int64_t ns)
{
	int64_t s = floor_div(ns, NS_PER_S);

	return s * RTC_HZ + (ns - s * NS_PER_S) * RTC_HZ / NS_PER_S;
}

/* The first guest nanosecond at which the clock shows a tick. */
static int64_t
tick_to_guest_ns(const struct mc146818 *s, int64_t tick)
{
	int64_t sec = floor_div(tick, RTC_HZ), rest = tick - sec * RTC_HZ;

	return sec * NS_PER_S + (rest * NS_PER_S + RTC_HZ - 1) / RTC_HZ - s->offset_ns;
}

/* Writes the time into the register bytes. */
static void
time_to_regs(struct mc146818 *s, int64_t sec)
{
	struct rtc_time t;

	time_of(sec, &t);
	s->cm[REG_SEC] = encode(s, (unsigned)t.sec);
	s->cm[REG_MIN] = encode(s, (unsigned)t.min);
	s->cm[REG_HOUR] = encode_hour(s, t.hour);
	s->cm[REG_WDAY] = encode(s, (unsigned)(t.wday + s->wday_shift) % 7 + 1);
	s->cm[REG_DAY] = encode(s, (unsigned)t.day);
	s->cm[REG_MONTH] = encode(s, (unsigned)t.month);
	s->cm[REG_YEAR] = encode(s, (unsigned)(t.year % 100 + 100) % 100);
	s->cm[REG_CENTURY] = encode(s, (unsigned)(t.year / 100 + 100) % 100);
}

static unsigned
clamp(unsigned v, unsigned lo, unsigned hi)
{
	return v < lo ? lo : v > hi ? hi : v;
}

/* The second that the register bytes say; takes over their weekday. */
static int64_t
regs_to_time(struct mc146818 *s)
{
	unsigned year = clamp(decode(s, s->cm[REG_YEAR]), 0, 99);
	unsigned century = clamp(decode(s, s->cm[REG_CENTURY]), 0, 99);
	unsigned wday = clamp(decode(s, s->cm[REG_WDAY]), 1, 7) - 1;
	int64_t sec =
	    days_of((int)(century * 100 + year), (int)clamp(decode(s, s->cm[REG_MONTH]), 1, 12),
		(int)clamp(decode(s, s->cm[REG_DAY]), 1, 31));
	struct rtc_time t;

	sec = sec * DAY_S + clamp(decode_hour(s, s->cm[REG_HOUR]), 0, 23) * 3600 +
	      clamp(decode(s, s->cm[REG_MIN]), 0, 59) * 60 +
	      clamp(decode(s, s->cm[REG_SEC]), 0, 59);
	time_of(sec, &t);
	s->wday_shift = (uint8_t)((wday + 7 - (unsigned)t.wday) % 7);
	return sec;
}

/* ---- flags and interrupts ---- */

static int64_t
period_ticks(const struct mc146818 *s)
{
	unsigned rs = s->cm[REG_A] & A_RS;

	if (!rs || !divider_on(s))
		return 0;
	return rs < 3 ? 64ll << rs : 1ll << (rs - 1);
}

static bool
alarm_matches(const struct mc146818 *s, int64_t sec)
{
	static const uint8_t regs[3] = { REG_SEC_ALARM, REG_MIN_ALARM, REG_HOUR_ALARM };
	int sod = (int)(sec - floor_div(sec, DAY_S) * DAY_S);
	uint8_t want[3];

	want[0] = encode(s, (unsigned)sod % 60);
	want[1] = encode(s, (unsigned)sod / 60 % 60);
	want[2] = encode_hour(s, sod / 3600);
	for (unsigned i = 0; i < 3; i++) {
		uint8_t v = s->cm[regs[i]];

		if ((v & ALARM_ANY) != ALARM_ANY && v != want[i])
			return false;
	}
	return true;
}

static void
sync_seconds(struct dev *d)
{
	struct mc146818 *s = d->state;
	int64_t sec = clock_s(d), from = s->done_s;

	s->done_s = sec;
	if (!running(s) || sec <= from)
		return;
	s->cm[REG_C] |= C_UF;
	if (sec - from > DAY_S) /* an alarm matches at least once a day, or never */
		from = sec - DAY_S;
	while (from < sec && !(s->cm[REG_C] & C_AF)) {
		if (alarm_matches(s, ++from))
			s->cm[REG_C] |= C_AF;
	}
}

static void
add_missed(struct mc146818 *s, int64_t ticks, int64_t period)
{
	int64_t max = RTC_HZ / period;

	if (ticks + s->missed > max)
		ticks = max - s->missed;
	if (ticks > 0)
		s->missed += (uint32_t)ticks;
}

static void
sync_periodic(struct dev *d)
{
	struct mc146818 *s = d->state;
	int64_t tick = clock_tick(clock_ns(d)), period = period_ticks(s), from = s->done_tick, n;
	bool wanted = s->cm[REG_B] & B_PIE, flagged = s->cm[REG_C] & C_PF;

	s->done_tick = tick;
	if (!period)
		return;
	n = floor_div(tick, period) - floor_div(from, period);
	if (n > 0) {
		s->cm[REG_C] |= C_PF;
		if (wanted && n - !flagged > 0)
			add_missed(s, n - !flagged, period);
	}
	if (d->env->now_ns(d) >= s->inject_at) {
		s->inject_at = NEVER;
		if (wanted && s->missed && !(s->cm[REG_C] & C_PF)) {
			s->cm[REG_C] |= C_PF;
			s->missed--;
		}
	}
}

static void
rtc_sync(struct dev *d)
{
	sync_seconds(d);
	sync_periodic(d);
}

static void
rtc_arm(struct dev *d)
{
	struct mc146818 *s = d->state;
	int64_t at = NEVER, period = period_ticks(s), t;

	if (running(s) && (s->cm[REG_B] & (B_UIE | B_AIE)))
		at = (s->done_s + 1 - s->offset_s) * NS_PER_S - s->offset_ns;
	if (period && (s->cm[REG_B] & B_PIE)) {
		t = tick_to_guest_ns(s, (floor_div(s->done_tick, period) + 1) * period);
		if (t < at)
			at = t;
		if (s->inject_at < at)
			at = s->inject_at;
	}
	d->env->timer_arm(d, 0, at == NEVER ? DEV_TIMER_OFF : at);
}

static void
rtc_update(struct dev *d)
{
	struct mc146818 *s = d->state;
	bool irq = s->cm[REG_C] & s->cm[REG_B] & C_FLAGS;
	bool was = s->cm[REG_C] & C_IRQF;

	s->cm[REG_C] = (uint8_t)((s->cm[REG_C] & C_FLAGS) | (irq ? C_IRQF : 0));
	d->env->output(d, OUT_NMI_MASK, s->index & NMI_MASKED);
	/* Lost: the edge before it was never taken, though register C was read. */
	if (!d->env->output(d, OUT_IRQ8, irq) && irq && !was && (s->cm[REG_B] & B_PIE) &&
	    period_ticks(s))
		add_missed(s, 1, period_ticks(s));
	rtc_arm(d);
}

static void
rtc_timer(struct dev *d, unsigned id)
{
	rtc_sync(d);
	rtc_update(d);
}

/* ---- registers ---- */

static bool
is_time(unsigned r)
{
	return r == REG_CENTURY ||
	       (r <= REG_YEAR && r != REG_SEC_ALARM && r != REG_MIN_ALARM && r != REG_HOUR_ALARM);
}

static uint8_t
read_a(struct dev *d)
{
	struct mc146818 *s = d->state;
	bool uip = running(s) && clock_phase(d) >= NS_PER_S - UIP_NS;

	return (uint8_t)(s->cm[REG_A] | (uip ? A_UIP : 0));
}

static uint8_t
read_c(struct dev *d)
{
	struct mc146818 *s = d->state;
	int64_t period = period_ticks(s);
	uint8_t v;

	rtc_sync(d);
	rtc_update(d);
	v = s->cm[REG_C];
	s->cm[REG_C] = 0;
	if (s->missed && period)
		s->inject_at = d->env->now_ns(d) + period * NS_PER_S / RTC_HZ / 2;
	rtc_update(d);
	return v;
}

static uint8_t
cmos_read(struct dev *d, unsigned r)
{
	struct mc146818 *s = d->state;

	if (is_time(r) && running(s))
		time_to_regs(s, clock_s(d));
	if (r == REG_A)
		return read_a(d);
	if (r == REG_C)
		return read_c(d);
	return s->cm[r];
}

/* The clock shows `sec` from now on, the fraction of the second being phase_ns. */
static void
set_clock(struct dev *d, int64_t sec, int64_t phase_ns)
{
	struct mc146818 *s = d->state;

	s->offset_ns = 0;
	s->offset_ns = phase_ns - clock_phase(d);
	s->offset_s = 0;
	s->offset_s = sec - clock_s(d);
	s->done_s = sec;
	s->done_tick = clock_tick(clock_ns(d));
}

/* Registers A and B: what holds the clock, and how it reads, may change. */
static void
write_ab(struct dev *d, unsigned r, uint8_t val)
{
	struct mc146818 *s = d->state;
	int64_t sec = clock_s(d), phase = clock_phase(d);
	bool was_running = running(s), was_on = divider_on(s);

	if (was_running)
		time_to_regs(s, sec);
	if (r == REG_A) {
		s->cm[REG_A] = val & (uint8_t)~A_UIP;
	} else {
		if (val & B_SET) /* "UIE is cleared when SET goes high" */
			val &= (uint8_t)~B_UIE;
		s->cm[REG_B] = val;
	}
	s->missed = 0;
	s->inject_at = NEVER;
	if (!was_on && divider_on(s)) /* the first update comes half a second later */
		phase = NS_PER_S / 2;
	/* A running clock keeps its time when only the format changes: the
	 * registers follow. */
	if (!was_running && running(s))
		set_clock(d, regs_to_time(s), phase);
	else if (!was_on && divider_on(s))
		set_clock(d, sec, phase);
}

static void
cmos_write(struct dev *d, unsigned r, uint8_t val)
{
	struct mc146818 *s = d->state;
	int64_t sec = clock_s(d);

	rtc_sync(d);
	if (r == REG_A || r == REG_B) {
		write_ab(d, r, val);
	} else if (is_time(r) && running(s)) {
		time_to_regs(s, sec);
		s->cm[r] = val;
		set_clock(d, regs_to_time(s), clock_phase(d));
	} else if (r != REG_C && r != REG_D) {
		s->cm[r] = val;
	}
	rtc_update(d);
}

static uint64_t
rtc_read(struct dev *d, uint32_t off, unsigned size)
{
	struct mc146818 *s = d->state;

	/* The index register cannot be read back. */
	return off ? cmos_read(d, s->index & INDEX_MASK) : 0xff;
}

static void
rtc_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct mc146818 *s = d->state;

	if (off) {
		cmos_write(d, s->index & INDEX_MASK, (uint8_t)val);
	} else {
		s->index = (uint8_t)val;
		rtc_update(d);
	}
}

static uint64_t
ext_read(struct dev *d, uint32_t off, unsigned size)
{
	struct mc146818 *s = d->state;

	return off ? s->cm[0x80 | (s->index2 & INDEX_MASK)] : s->index2;
}

static void
ext_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct mc146818 *s = d->state;

	if (off)
		s->cm[0x80 | (s->index2 & INDEX_MASK)] = (uint8_t)val;
	else
		s->index2 = (uint8_t)val & INDEX_MASK;
}

void
mc146818_set_cmos(struct dev *d, unsigned index, uint8_t v)
{
	struct mc146818 *s = d->state;

	if (index > REG_D && index < sizeof(s->cm) && index != REG_CENTURY)
		s->cm[index] = v;
}

/* ---- life ---- */

/* Battery-backed: once, not at reset. */
static int
rtc_create(struct dev *d, struct err *e)
{
	struct mc146818 *s = d->state;
	int64_t base = (int64_t)d->env->param_u64(d, "base_time", 0);

	base += (int64_t)d->env->param_u64(d, "utc_offset", 0);
	s->cm[REG_A] = A_DV_ON | 6;
	s->cm[REG_B] = B_24H;
	s->cm[REG_D] = D_VRT;
	s->inject_at = NEVER;
	if (base > S_LIMIT || base < -S_LIMIT)
		base = 0;
	s->offset_s = base;
	s->done_s = clock_s(d);
	s->done_tick = clock_tick(clock_ns(d));
	return 0;
}

/* MC146818A/D, "RESET": time, RAM and rate go on. */
static void
rtc_reset(struct dev *d, enum dev_reset_kind kind)
{
	struct mc146818 *s = d->state;

	s->cm[REG_B] &= (uint8_t) ~(B_PIE | B_AIE | B_UIE | B_SQWE);
	s->cm[REG_C] = 0;
	s->missed = 0;
	s->inject_at = NEVER;
	s->index = 0;
	s->index2 = 0;
	rtc_update(d);
}

static int64_t
sane(int64_t v, int64_t limit)
{
	return v > limit || v < -limit ? 0 : v;
}

static int
rtc_loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct mc146818 *s = d->state;

	s->offset_s = sane(s->offset_s, S_LIMIT);
	s->offset_ns = sane(s->offset_ns, NS_PER_S);
	/* Not far from the clock, or deadlines would overflow. */
	s->done_s = clock_s(d) - sane(clock_s(d) - sane(s->done_s, S_LIMIT), 10 * DAY_S);
	s->done_tick = sane(s->done_tick, NS_LIMIT / NS_PER_S * RTC_HZ);
	if (s->inject_at != NEVER)
		s->inject_at = sane(s->inject_at, NS_LIMIT);
	if (s->missed > MISSED_MAX)
		s->missed = 0;
	s->wday_shift %= 7;
	rtc_update(d);
	return 0;
}

static const struct dev_region rtc_regions[] = {
	{ "rtc", DEV_REGION_PIO, 2, 1, 1, rtc_read, rtc_write },
	{ "cmos-ext", DEV_REGION_PIO, 2, 1, 1, ext_read, ext_write },
};

static const char *const rtc_outputs[] = { "irq8", "nmi-mask" };

static const struct dev_field rtc_fields[] = {
	DEV_FIELD(struct mc146818, offset_s),
	DEV_FIELD(struct mc146818, offset_ns),
	DEV_FIELD(struct mc146818, done_s),
	DEV_FIELD(struct mc146818, done_tick),
	DEV_FIELD(struct mc146818, inject_at),
	DEV_FIELD(struct mc146818, missed),
	DEV_FIELD(struct mc146818, index),
	DEV_FIELD(struct mc146818, index2),
	DEV_FIELD(struct mc146818, wday_shift),
	DEV_TRANSIENT(struct mc146818, pad),
	DEV_FIELD_ARRAY(struct mc146818, cm),
};

const struct dev_type mc146818_type = {
	.name = "mc146818",
	.regions = rtc_regions,
	.nregions = ARRAY_SIZE(rtc_regions),
	.noutputs = ARRAY_SIZE(rtc_outputs),
	.output_names = rtc_outputs,
	.ntimers = 1,
	.fields = rtc_fields,
	.nfields = ARRAY_SIZE(rtc_fields),
	.state_size = sizeof(struct mc146818),
	.state_version = 1,
	.create = rtc_create,
	.reset = rtc_reset,
	.timer = rtc_timer,
	.loaded = rtc_loaded,
};
