/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IA-PC High Precision Event Timers, specification 1.0a: one 64-bit counter of
 * 100 MHz, three comparators, all of them able to repeat; no FSB delivery.
 *
 * Outputs: irq0 and irq8 (legacy replacement), gsi20..gsi23, and `legacy`, high
 * while the replacement is on (the board then cuts off timer and clock chip).
 *
 * Repeating comparators lose no ticks: a rising edge that was reported lost, or for
 * which the timer came more than a period late, is brought again half a period
 * after a regular one; at most a second's worth is kept.
 */
#include "base/bits.h"
#include "dev/types.h"

#define TICK_NS    10
#define PERIOD_FS  10000000ull
#define NTIMERS    3u
#define GSI_FIRST  20u
#define ROUTE_CAP  0x00f00000ull /* GSI 20..23 */
#define MIN_ARM_NS 10000         /* no callbacks closer than this */
#define MISSED_MAX 20000u

#define CAPS          (PERIOD_FS << 32 | 0x80860000u | 0x8000u | 0x2000u | (NTIMERS - 1) << 8 | 0x01)
#define CONFIG_ENABLE 0x1u
#define CONFIG_LEGACY 0x2u

#define TN_LEVEL       0x0002u
#define TN_ENABLE      0x0004u
#define TN_PERIODIC    0x0008u
#define TN_SET_VALUE   0x0040u
#define TN_32BIT       0x0100u
#define TN_ROUTE_SHIFT 9
#define TN_WRITABLE    0x3f4eu /* with the set-value bit: it acts on the next write */
#define TN_CAPS        (ROUTE_CAP << 32 | 0x0030u) /* can repeat, 64 bits */

enum { OUT_IRQ0, OUT_IRQ8, OUT_GSI, OUT_LEGACY = OUT_GSI + 4, NOUTPUTS };

struct hpet_timer {
	uint64_t config;
	uint64_t cmp;    /* next match */
	uint64_t period; /* of a repeating one */
	uint32_t missed;
	uint32_t pad;
	int64_t inject_ns; /* when a missed tick is brought again; 0: not */
};

struct hpet {
	uint32_t config, status;
	uint64_t counter; /* at base_ns; the counter itself while halted */
	int64_t base_ns;
	struct hpet_timer timers[NTIMERS];
};

static uint64_t
count(const struct hpet *s, int64_t now)
{
	if (!(s->config & CONFIG_ENABLE))
		return s->counter;
	return s->counter + (uint64_t)(now - s->base_ns) / TICK_NS;
}

static uint64_t
width(const struct hpet_timer *t)
{
	return t->config & TN_32BIT ? bits_mask(32) : ~0ull;
}

/* Ticks from now to the next match. The match at this very moment is past. */
static uint64_t
distance(const struct hpet_timer *t, uint64_t now)
{
	uint64_t diff = (t->cmp - now) & width(t);

	return diff ? diff : width(t);
}

/* Which output a comparator drives; NOUTPUTS: none. */
static unsigned
output_of(const struct hpet *s, unsigned n)
{
	unsigned route = s->timers[n].config >> TN_ROUTE_SHIFT & 31;

	if ((s->config & CONFIG_LEGACY) && n < 2)
		return n ? OUT_IRQ8 : OUT_IRQ0;
	if (route < GSI_FIRST || route >= GSI_FIRST + 4)
		return NOUTPUTS;
	return OUT_GSI + route - GSI_FIRST;
}

/* Level-triggered comparators hold their line; edges are pulses of raise(). */
static void
update_outputs(struct dev *d)
{
	const struct hpet *s = d->state;
	bool on[NOUTPUTS] = { false };

	for (unsigned n = 0; n < NTIMERS; n++) {
		const struct hpet_timer *t = &s->timers[n];
		unsigned out = output_of(s, n);

		if (out < NOUTPUTS && (t->config & TN_LEVEL) && (t->config & TN_ENABLE) &&
		    (s->status >> n & 1))
			on[out] = true;
	}
	on[OUT_LEGACY] = s->config & CONFIG_LEGACY;
	for (unsigned i = 0; i < NOUTPUTS; i++)
		d->env->output(d, i, on[i]);
}

static bool
raise(struct dev *d, unsigned n)
{
	struct hpet *s = d->state;
	unsigned out = output_of(s, n);
	bool taken;

	if (s->timers[n].config & TN_LEVEL) {
		s->status |= 1u << n;
		update_outputs(d);
		return true;
	}
	if (!(s->timers[n].config & TN_ENABLE) || out == NOUTPUTS)
		return true;
	taken = d->env->output(d, out, true);
	d->env->output(d, out, false);
	return taken;
}

static void
arm(struct dev *d, unsigned n, int64_t now)
{
	const struct hpet *s = d->state;
	const struct hpet_timer *t = &s->timers[n];
	uint64_t ticks;
	int64_t at = DEV_TIMER_OFF;

	if ((s->config & CONFIG_ENABLE) && (t->config & (TN_ENABLE | TN_LEVEL))) {
		ticks = distance(t, count(s, now));
		if (ticks < (uint64_t)(INT64_MAX / 2 / TICK_NS))
			at = now + (int64_t)ticks * TICK_NS;
		if (t->inject_ns && t->inject_ns < at)
			at = t->inject_ns;
		if (at < now + MIN_ARM_NS)
			at = now + MIN_ARM_NS;
	}
	d->env->timer_arm(d, n, at);
}

static void
arm_all(struct dev *d)
{
	int64_t now = d->env->now_ns(d);

	for (unsigned n = 0; n < NTIMERS; n++)
		arm(d, n, now);
	update_outputs(d);
}

static void
forget_missed(struct hpet_timer *t)
{
	t->missed = 0;
	t->inject_ns = 0;
}

static void
add_missed(struct hpet_timer *t, uint64_t ticks)
{
	uint64_t max = 1000000000u / TICK_NS / t->period + 1, sum;

	if (max > MISSED_MAX)
		max = MISSED_MAX;
	sum = ticks > max ? max : t->missed + ticks;
	t->missed = (uint32_t)(sum > max ? max : sum);
}

/* A repeating comparator whose time has come `late` ticks ago. */
static void
tick(struct dev *d, unsigned n, int64_t now, uint64_t late)
{
	struct hpet *s = d->state;
	struct hpet_timer *t = &s->timers[n];
	uint64_t due = late / t->period + 1;

	t->cmp = (t->cmp + due * t->period) & width(t);
	if (due > 1 && t->period * TICK_NS >= MIN_ARM_NS)
		add_missed(t, due - 1);
	if (!raise(d, n))
		add_missed(t, 1);
	t->inject_ns = t->missed ? now + (int64_t)(t->period * TICK_NS / 2) : 0;
}

static void
timer(struct dev *d, unsigned n)
{
	struct hpet *s = d->state;
	struct hpet_timer *t = &s->timers[n];
	int64_t now = d->env->now_ns(d);
	uint64_t late = (count(s, now) - t->cmp) & width(t);
	bool reached = late <= width(t) / 2;

	if (!(s->config & CONFIG_ENABLE))
		return;
	if ((t->config & TN_PERIODIC) && t->period) {
		if (reached) {
			tick(d, n, now, late);
		} else if (t->inject_ns && now >= t->inject_ns) {
			t->inject_ns = 0;
			if (t->missed && raise(d, n))
				t->missed--;
		}
	} else if (reached) {
		(void)raise(d, n);
	}
	arm(d, n, now);
}

/* ---- registers ---- */

static uint64_t
reg_read(struct dev *d, uint32_t off)
{
	const struct hpet *s = d->state;
	unsigned n = (off - 0x100) / 0x20;

	switch (off) {
	case 0x000: return CAPS;
	case 0x010: return s->config;
	case 0x020: return s->status;
	case 0x0f0: return count(s, d->env->now_ns(d));
	default: break;
	}
	if (off < 0x100 || n >= NTIMERS)
		return 0;
	switch (off & 0x1f) {
	case 0x00: return s->timers[n].config | TN_CAPS;
	case 0x08: return s->timers[n].cmp;
	default: return 0;
	}
}

static uint64_t
mmio_read(struct dev *d, uint32_t off, unsigned size)
{
	return reg_read(d, off & ~7u) >> (off & 7) * 8 & bits_mask(size * 8);
}

static void
write_config(struct dev *d, uint32_t val)
{
	struct hpet *s = d->state;
	int64_t now = d->env->now_ns(d);

	s->counter = count(s, now);
	s->base_ns = now;
	s->config = val & (CONFIG_ENABLE | CONFIG_LEGACY);
	for (unsigned n = 0; n < NTIMERS; n++)
		forget_missed(&s->timers[n]);
}

static void
write_timer_config(struct hpet_timer *t, uint64_t val)
{
	t->config = val & TN_WRITABLE;
	if (t->config & TN_32BIT) {
		t->cmp &= bits_mask(32);
		t->period &= bits_mask(32);
	}
	forget_missed(t);
}

/* 2.3.9.2.2: in periodic mode a write gives the period, and with the set-value bit also
 * the next match. mask: the bytes written. */
static void
write_comparator(struct hpet_timer *t, uint64_t val, uint64_t mask)
{
	if (!(t->config & TN_PERIODIC) || (t->config & TN_SET_VALUE))
		t->cmp = ((t->cmp & ~mask) | (val & mask)) & width(t);
	if (t->config & TN_PERIODIC)
		t->period = ((t->period & ~mask) | (val & mask)) & width(t);
	t->config &= ~(uint64_t)TN_SET_VALUE;
	forget_missed(t);
}

static void
mmio_write(struct dev *d, uint32_t off, unsigned size, uint64_t val)
{
	struct hpet *s = d->state;
	uint32_t base = off & ~7u, shift = (off & 7) * 8;
	uint64_t mask = bits_mask(size * 8) << shift, merged;
	unsigned n = (base - 0x100) / 0x20;

	val = val << shift & mask;
	merged = (reg_read(d, base) & ~mask) | val;
	if (base == 0x010) {
		write_config(d, (uint32_t)merged);
	} else if (base == 0x020) {
		s->status &= ~(uint32_t)val;
	} else if (base == 0x0f0) {
		s->counter = merged; /* meant for a halted counter */
		s->base_ns = d->env->now_ns(d);
	} else if (base >= 0x100 && n < NTIMERS) {
		if ((base & 0x1f) == 0x00)
			write_timer_config(&s->timers[n], merged);
		else if ((base & 0x1f) == 0x08)
			write_comparator(&s->timers[n], val, mask);
	}
	arm_all(d);
}

static const struct dev_region regions[] = {
	{ .name = "hpet",
	    .kind = DEV_REGION_MMIO,
	    .size = 0x400,
	    .access_min = 4,
	    .access_max = 8,
	    .read = mmio_read,
	    .write = mmio_write },
};

static void
reset(struct dev *d, enum dev_reset_kind kind)
{
	struct hpet *s = d->state;

	memset(s, 0, sizeof(*s));
	for (unsigned n = 0; n < NTIMERS; n++)
		s->timers[n].cmp = ~0ull;
	arm_all(d);
}

static int
loaded(struct dev *d, uint16_t version, struct err *e)
{
	struct hpet *s = d->state;
	int64_t now = d->env->now_ns(d);

	if (s->base_ns > now)
		s->base_ns = now;
	for (unsigned n = 0; n < NTIMERS; n++) {
		if (s->timers[n].missed > MISSED_MAX)
			s->timers[n].missed = MISSED_MAX;
	}
	arm_all(d);
	return 0;
}

#define TIMER(n, m)                                                                                \
	{                                                                                          \
		"timer" #n "." #m, offsetof(struct hpet, timers[n].m),                             \
		    sizeof(((struct hpet *)0)->timers[n].m), 1, 1                                  \
	}
#define TIMER_FIELDS(n)                                                                            \
	TIMER(n, config), TIMER(n, cmp), TIMER(n, period), TIMER(n, missed), TIMER(n, pad),        \
	    TIMER(n, inject_ns)

static const struct dev_field fields[] = {
	DEV_FIELD(struct hpet, config),
	DEV_FIELD(struct hpet, status),
	DEV_FIELD(struct hpet, counter),
	DEV_FIELD(struct hpet, base_ns),
	TIMER_FIELDS(0),
	TIMER_FIELDS(1),
	TIMER_FIELDS(2),
};

static const char *const output_names[NOUTPUTS] = { "irq0", "irq8", "gsi20", "gsi21", "gsi22",
	"gsi23", "legacy" };

const struct dev_type hpet_type = {
	.name = "hpet",
	.regions = regions,
	.nregions = ARRAY_SIZE(regions),
	.noutputs = ARRAY_SIZE(output_names),
	.output_names = output_names,
	.ntimers = NTIMERS,
	.fields = fields,
	.nfields = ARRAY_SIZE(fields),
	.state_size = sizeof(struct hpet),
	.state_version = 1,
	.reset = reset,
	.timer = timer,
	.loaded = loaded,
};
