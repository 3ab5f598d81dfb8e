/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The local APIC of one processor, SDM 3A chapter 10: xAPIC page and x2APIC registers, timer,
 * interprocessor interrupts and messages from the IOAPIC and PCI devices.  The machine's lock
 * is held in every function but lapic_accepts_pic().
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "cpu/cpu.h"
#include "cpu/x86/msr.h"
#include "cpu/x86/sys.h"

#include <errno.h>

/* Register offsets in the xAPIC page; x2APIC number = offset >> 4. */
enum {
	REG_ID = 0x020,
	REG_VERSION = 0x030,
	REG_TPR = 0x080,
	REG_APR = 0x090,
	REG_PPR = 0x0a0,
	REG_EOI = 0x0b0,
	REG_LDR = 0x0d0,
	REG_DFR = 0x0e0,
	REG_SVR = 0x0f0,
	REG_ISR = 0x100,
	REG_TMR = 0x180,
	REG_IRR = 0x200,
	REG_ESR = 0x280,
	REG_ICR = 0x300,
	REG_ICR_HI = 0x310,
	REG_LVT = 0x320,
	REG_LVT_END = 0x370,
	REG_TIMER_INIT = 0x380,
	REG_TIMER_NOW = 0x390,
	REG_DIVIDE = 0x3e0,
	REG_SELF_IPI = 0x3f0
};
enum { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, NLVT };
enum { VERSION = 0x14 | (NLVT - 1) << 16, SVR_ENABLE = 0x100, LVT_MASKED = 0x10000 };
enum { ESR_SEND_VECTOR = 0x20, ESR_RECV_VECTOR = 0x40, ESR_REGISTER = 0x80 };
enum { TIMER_ONESHOT, TIMER_PERIODIC, TIMER_DEADLINE };
enum delivery { DM_FIXED, DM_LOWEST, DM_SMI, DM_RESERVED, DM_NMI, DM_INIT, DM_SIPI, DM_EXTINT };
enum { ICR_LOGICAL = 0x800, ICR_LEVEL = 0x4000, ICR_TRIGGER = 0x8000, ICR_VALID = 0xccfff };

/* Writable bits of each LVT entry. */
static const uint32_t lvt_mask[NLVT] = { 0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff };

struct lapic {
	struct cpu *c;
	uint32_t id; /* xAPIC: as the guest wrote it */
	uint32_t tpr, ldr, dfr, svr, esr, esr_pending, icr, icr_hi;
	uint32_t lvt[NLVT];
	uint32_t divide, init_count;
	uint32_t irr[8], isr[8], tmr[8];
	int64_t start_ns;    /* of the running count */
	int64_t deadline_ns; /* INT64_MAX: timer is not armed */
	uint64_t tsc_deadline;
};

/* ---- small helpers ---- */

static bool
is_enabled(const struct lapic *l) /* globally */
{
	return l->c->msr.apic_base & APIC_BASE_EN;
}
static bool
is_x2(const struct lapic *l)
{
	return l->c->msr.apic_base & APIC_BASE_X2;
}
static int64_t
now(const struct lapic *l)
{
	return l->c->env->now_ns(l->c->env->ctx);
}
static int
highest(const uint32_t v[8])
{
	for (int i = 7; i >= 0; i--)
		if (v[i])
			return i * 32 + 31 - __builtin_clz(v[i]);
	return -1;
}
static bool
bit_get(const uint32_t v[8], unsigned n)
{
	return v[n / 32] >> (n & 31) & 1;
}
static void
bit_put(uint32_t v[8], unsigned n, bool on)
{
	if (on)
		v[n / 32] |= 1u << (n & 31);
	else
		v[n / 32] &= ~(1u << (n & 31));
}
static uint32_t
ppr(const struct lapic *l)
{
	int isr = highest(l->isr);

	if (isr < 0 || (l->tpr >> 4) >= (uint32_t)isr >> 4)
		return l->tpr;
	return (uint32_t)isr & 0xf0;
}

/* Vector to deliver now, or -1. */
static int
deliverable(const struct lapic *l)
{
	int v = is_enabled(l) ? highest(l->irr) : -1;

	return v >= 0 && (uint32_t)v >> 4 > ppr(l) >> 4 ? v : -1;
}

void
lapic_update(struct lapic *l)
{
	bool have = __atomic_load_n(&l->c->attention, __ATOMIC_ACQUIRE) & ATT_APIC;
	bool want = deliverable(l) >= 0;

	if (want && !have)
		cpu_kick(l->c, ATT_APIC);
	else if (!want && have)
		cpu_clear(l->c, ATT_APIC);
}

static bool local_event(struct lapic *l, unsigned entry);

static void
error(struct lapic *l, uint32_t bit)
{
	l->esr_pending |= bit;
	/* An error interrupt with a bad vector must not raise another. */
	if ((l->lvt[LVT_ERROR] & 0xff) >= 16)
		local_event(l, LVT_ERROR);
}

/* A fixed interrupt arrives. False: it was pending already. */
static bool
accept_vector(struct lapic *l, unsigned vector, bool level)
{
	bool fresh;

	if (!is_enabled(l) || !(l->svr & SVR_ENABLE))
		return true; /* gone: nothing to wait for */
	if (vector < 16) {
		error(l, ESR_RECV_VECTOR);
		return true;
	}
	fresh = !bit_get(l->irr, vector);
	bit_put(l->irr, vector, true);
	bit_put(l->tmr, vector, level);
	lapic_update(l);
	return fresh;
}

/* An interrupt of any delivery mode for this processor. */
static bool
accept_message(struct lapic *l, enum delivery dm, unsigned vector, bool level)
{
	switch (dm) {
	case DM_FIXED:
	case DM_LOWEST: return accept_vector(l, vector, level);
	case DM_NMI: cpu_kick(l->c, ATT_NMI); return true;
	case DM_INIT: cpu_kick(l->c, ATT_INIT); return true;
	case DM_SIPI:
		l->c->sipi_vector = (uint8_t)vector;
		cpu_kick(l->c, ATT_SIPI);
		return true;
	default: return true; /* SMI: there is no system management mode; ExtINT comes by INTR */
	}
}

/* Something the local vector table names: timer, LINTn, error. */
static bool
local_event(struct lapic *l, unsigned entry)
{
	uint32_t lvt = l->lvt[entry];
	enum delivery dm = entry == LVT_TIMER || entry == LVT_ERROR ? DM_FIXED : lvt >> 8 & 7;

	if ((lvt & LVT_MASKED) || !is_enabled(l))
		return false;
	return accept_message(l, dm, lvt & 0xff, false);
}

/* ---- timer ---- */

static unsigned
timer_shift(const struct lapic *l)
{
	unsigned v = (l->divide & 3) | (l->divide & 8) >> 1;

	return v == 7 ? 0 : v + 1;
}
static unsigned
timer_mode(const struct lapic *l)
{
	return l->lvt[LVT_TIMER] >> 17 & 3;
}
static int64_t
period_ns(const struct lapic *l)
{
	return (int64_t)((uint64_t)l->init_count << timer_shift(l)) * (1000000000 / LAPIC_TIMER_HZ);
}

static void
arm(struct lapic *l, int64_t deadline_ns)
{
	if (deadline_ns == INT64_MAX && l->deadline_ns == INT64_MAX)
		return;
	l->deadline_ns = deadline_ns;
	l->c->env->timer_arm(l->c->env->ctx, l->c->index, deadline_ns);
}

static void
timer_start(struct lapic *l)
{
	l->start_ns = now(l);
	if (!l->init_count || timer_mode(l) == TIMER_DEADLINE)
		arm(l, INT64_MAX);
	else
		arm(l, l->start_ns + period_ns(l));
}

static uint32_t
timer_count(const struct lapic *l)
{
	uint64_t ticks;

	if (!l->init_count || timer_mode(l) == TIMER_DEADLINE || l->deadline_ns == INT64_MAX)
		return 0;
	ticks = (uint64_t)(now(l) - l->start_ns) / (1000000000 / LAPIC_TIMER_HZ) >> timer_shift(l);
	if (timer_mode(l) == TIMER_PERIODIC)
		return l->init_count - (uint32_t)(ticks % l->init_count);
	return ticks >= l->init_count ? 0 : l->init_count - (uint32_t)ticks;
}

static void
deadline_start(struct lapic *l)
{
	uint64_t tsc = cpu_rdtsc(l->c), left;
	unsigned __int128 ns;

	if (!l->tsc_deadline) {
		arm(l, INT64_MAX);
		return;
	}
	left = l->tsc_deadline > tsc ? l->tsc_deadline - tsc : 0;
	ns = (unsigned __int128)left * 1000000000 / l->c->env->tsc_hz + (left != 0);
	arm(l, ns > INT64_MAX / 2 ? INT64_MAX - 1 : now(l) + (int64_t)ns);
}

void
lapic_tsc_changed(struct lapic *l)
{
	if (timer_mode(l) == TIMER_DEADLINE)
		deadline_start(l);
}

/* A periodic timer that fell far behind goes on from now instead of in a burst. */
static int64_t
next_period(struct lapic *l, int64_t t)
{
	int64_t period = period_ns(l);

	l->start_ns += period;
	if (t - l->start_ns > 16 * period)
		l->start_ns = t - (t - l->start_ns) % period;
	return l->start_ns + period;
}

void
lapic_timer(struct lapic *l)
{
	int64_t t = now(l);

	if (l->deadline_ns == INT64_MAX)
		return;
	if (t < l->deadline_ns) {
		l->c->env->timer_arm(l->c->env->ctx, l->c->index, l->deadline_ns);
		return;
	}
	if (timer_mode(l) == TIMER_PERIODIC && l->init_count) {
		arm(l, next_period(l, t));
	} else {
		l->tsc_deadline = 0;
		arm(l, INT64_MAX);
	}
	local_event(l, LVT_TIMER);
}

/* ---- destinations ---- */

static uint32_t
logical_id(const struct lapic *l)
{
	uint32_t id = l->c->apic_id;

	return is_x2(l) ? id >> 4 << 16 | 1u << (id & 15) : l->ldr;
}

static bool
matches_logical(const struct lapic *l, uint32_t dest)
{
	uint32_t ldr = logical_id(l);

	if (is_x2(l))
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	ldr >>= 24;
	dest &= 0xff;
	if (l->dfr >> 28 == 0xf) /* flat */
		return ldr & dest;
	return (dest >> 4 == 0xf || dest >> 4 == ldr >> 4) && (ldr & dest & 0xf);
}

/* wide: the destination has 32 bits (ICR of x2APIC), else 8. */
static bool
matches(const struct lapic *l, uint32_t dest, bool logical, bool wide)
{
	if (dest == (wide ? 0xffffffffu : 0xffu))
		return true;
	if (logical)
		return matches_logical(l, dest);
	return dest == (is_x2(l) ? l->c->apic_id : l->id);
}

static bool
lower_priority(const struct lapic *a, const struct lapic *b)
{
	return !b || ppr(a) < ppr(b);
}

/* To every processor of `s` for which the bit in `mask` is set. */
static bool
deliver_mask(struct cpu_set *s, uint64_t mask, enum delivery dm, unsigned vector, bool level)
{
	struct lapic *best = NULL;
	bool any = false, fresh = false;

	for (unsigned i = 0; i < s->n; i++) {
		struct lapic *l = s->cpu[i]->lapic;

		if (!(mask >> i & 1) || !is_enabled(l))
			continue;
		if (dm == DM_LOWEST) {
			if ((l->svr & SVR_ENABLE) && lower_priority(l, best))
				best = l;
			continue;
		}
		any = true;
		fresh |= accept_message(l, dm, vector, level);
	}
	if (best)
		return accept_message(best, DM_FIXED, vector, level);
	return fresh || !any;
}

static uint64_t
mask_of(struct cpu_set *s, uint32_t dest, bool logical, bool wide)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < s->n; i++)
		if (matches(s->cpu[i]->lapic, dest, logical, wide))
			mask |= 1ull << i;
	return mask;
}

/* Message address and data as PCI MSI and the IOAPIC write them, SDM 3A 10.11. */
bool
lapic_deliver(struct cpu_set *s, uint64_t addr, uint32_t data)
{
	uint64_t mask = mask_of(s, addr >> 12 & 0xff, addr & 4, false);

	return deliver_mask(s, mask, data >> 8 & 7, data & 0xff, data & ICR_TRIGGER);
}

/* The NMI line is LINT1 of every processor; without an APIC it is the pin itself. */
void
lapic_nmi(struct cpu_set *s)
{
	for (unsigned i = 0; i < s->n; i++) {
		struct lapic *l = s->cpu[i]->lapic;

		if (is_enabled(l))
			local_event(l, LVT_LINT1);
		else if (i == 0)
			cpu_kick(l->c, ATT_NMI);
	}
}

static void
send_ipi(struct lapic *l)
{
	struct cpu_set *s = l->c->set;
	uint64_t self = 1ull << l->c->index, all = bits_mask(s->n), mask;
	enum delivery dm = l->icr >> 8 & 7;
	unsigned vector = l->icr & 0xff;

	switch (l->icr >> 18 & 3) {
	case 0:
		mask = mask_of(
		    s, is_x2(l) ? l->icr_hi : l->icr_hi >> 24, l->icr & ICR_LOGICAL, is_x2(l));
		break;
	case 1: mask = self; break;
	case 2: mask = all; break;
	default: mask = all & ~self; break;
	}
	trace(TRACE_IRQ, "cpu%u icr %08x:%08x mask %llx", l->c->index, l->icr_hi, l->icr,
	    (unsigned long long)mask);
	if ((dm == DM_FIXED || dm == DM_LOWEST) && vector < 16) {
		error(l, ESR_SEND_VECTOR);
		return;
	}
	if (dm == DM_INIT && (l->icr & (ICR_TRIGGER | ICR_LEVEL)) == ICR_TRIGGER)
		return; /* INIT level de-assert: only synchronises arbitration IDs */
	deliver_mask(s, mask, dm, vector, false);
}

/* ---- registers ---- */

/* ISR, TMR, IRR: eight words each; the local vector table. */
static uint32_t
array_read(const struct lapic *l, uint32_t off)
{
	if (off >= REG_LVT && off <= REG_LVT_END)
		return l->lvt[(off - REG_LVT) >> 4];
	if (off >= REG_IRR && off < REG_ESR)
		return l->irr[off >> 4 & 7];
	if (off >= REG_TMR && off < REG_IRR)
		return l->tmr[off >> 4 & 7];
	return off >= REG_ISR && off < REG_TMR ? l->isr[off >> 4 & 7] : 0;
}

static uint32_t
register_read(struct lapic *l, uint32_t off)
{
	switch (off) {
	case REG_ID: return is_x2(l) ? l->c->apic_id : l->id << 24;
	case REG_VERSION: return VERSION;
	case REG_TPR: return l->tpr;
	case REG_APR: return 0; /* no arbitration since the Pentium 4 */
	case REG_PPR: return ppr(l);
	case REG_LDR: return logical_id(l);
	case REG_DFR: return l->dfr;
	case REG_SVR: return l->svr;
	case REG_ESR: return l->esr;
	case REG_ICR: return l->icr;
	case REG_ICR_HI: return l->icr_hi;
	case REG_TIMER_INIT: return timer_mode(l) == TIMER_DEADLINE ? 0 : l->init_count;
	case REG_TIMER_NOW: return timer_count(l);
	case REG_DIVIDE: return l->divide;
	default: return array_read(l, off);
	}
}

static void
write_lvt(struct lapic *l, unsigned entry, uint32_t v)
{
	unsigned old_mode = timer_mode(l);

	v &= lvt_mask[entry];
	if (!(l->svr & SVR_ENABLE))
		v |= LVT_MASKED;
	if (entry == LVT_TIMER && !model_has(l->c->model, FEAT_TSCDL))
		v &= ~(1u << 18);
	l->lvt[entry] = v;
	if (entry != LVT_TIMER || timer_mode(l) == old_mode)
		return;
	if (timer_mode(l) == TIMER_DEADLINE || old_mode == TIMER_DEADLINE) {
		l->init_count = 0;
		l->tsc_deadline = 0;
		arm(l, INT64_MAX);
	}
}

static void
write_svr(struct lapic *l, uint32_t v)
{
	l->svr = v & 0x3ff;
	for (unsigned i = 0; !(v & SVR_ENABLE) && i < NLVT; i++)
		l->lvt[i] |= LVT_MASKED;
	lapic_update(l);
}

static void
write_eoi(struct lapic *l)
{
	int v = highest(l->isr);

	if (v < 0)
		return;
	bit_put(l->isr, (unsigned)v, false);
	if (bit_get(l->tmr, (unsigned)v)) {
		bit_put(l->tmr, (unsigned)v, false);
		l->c->env->eoi(l->c->env->ctx, (uint8_t)v);
	}
	lapic_update(l);
}

static void
write_divide(struct lapic *l, uint32_t v)
{
	uint32_t left = timer_count(l);

	l->divide = v & 0xb;
	if (l->deadline_ns == INT64_MAX || timer_mode(l) == TIMER_DEADLINE)
		return;
	/* the count goes on from where it is, at the new rate */
	l->start_ns = now(l) - (int64_t)((uint64_t)(l->init_count - left) << timer_shift(l)) *
	                           (1000000000 / LAPIC_TIMER_HZ);
	arm(l, l->start_ns + period_ns(l));
}

static void
register_write(struct lapic *l, uint32_t off, uint32_t v)
{
	switch (off) {
	case REG_ID: l->id = v >> 24; return;
	case REG_TPR:
		l->tpr = v & 0xff;
		lapic_update(l);
		return;
	case REG_EOI: write_eoi(l); return;
	case REG_LDR: l->ldr = v & 0xff000000; return;
	case REG_DFR: l->dfr = v | 0x0fffffff; return;
	case REG_SVR: write_svr(l, v); return;
	case REG_ESR:
		l->esr = l->esr_pending;
		l->esr_pending = 0;
		return;
	case REG_ICR:
		l->icr = v & ICR_VALID & ~0x1000u;
		send_ipi(l);
		return;
	case REG_ICR_HI: l->icr_hi = v & 0xff000000; return;
	case REG_TIMER_INIT:
		if (timer_mode(l) == TIMER_DEADLINE)
			return;
		l->init_count = v;
		timer_start(l);
		return;
	case REG_DIVIDE: write_divide(l, v); return;
	default: break;
	}
	if (off >= REG_LVT && off <= REG_LVT_END)
		write_lvt(l, (off - REG_LVT) >> 4, v);
}

/* Registers by offset >> 4: is there one, may it be written; x2APIC has no DFR and ICR_HI and
 * its ID and LDR are read-only. */
enum { XR = 1, XW = 2, X2R = 4, X2W = 8, RO = XR | X2R, RW = XR | XW | X2R | X2W };
static const uint8_t register_access[64] = {
	[0x02] = RO | XW,
	[0x03] = RO,
	[0x08] = RW,
	[0x09] = XR,
	[0x0a] = RO,
	[0x0b] = XW | X2W,
	[0x0d] = RO | XW,
	[0x0e] = XR | XW,
	[0x0f] = RW,
	[0x10 ... 0x27] = RO,
	[0x28] = RW,
	[0x30] = RW,
	[0x31] = XR | XW,
	[0x32 ... 0x37] = RW,
	[0x38] = RW,
	[0x39] = RO,
	[0x3e] = RW,
	[0x3f] = X2W,
};

uint32_t
lapic_read(struct lapic *l, uint32_t off)
{
	if (!(register_access[off >> 4 & 63] & XR) || (off & 0xf)) {
		error(l, ESR_REGISTER);
		return 0;
	}
	return register_read(l, off & 0x3f0);
}

void
lapic_write(struct lapic *l, uint32_t off, uint32_t v)
{
	if (!(register_access[off >> 4 & 63] & XW) || (off & 0xf)) {
		error(l, ESR_REGISTER);
		return;
	}
	register_write(l, off & 0x3f0, v);
}

static bool
read_tsc_deadline(struct lapic *l, uint64_t *ret_v)
{
	if (!model_has(l->c->model, FEAT_TSCDL))
		return false;
	*ret_v = timer_mode(l) == TIMER_DEADLINE ? l->tsc_deadline : 0;
	return true;
}

bool
lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *ret_v)
{
	uint32_t off = (msr - MSR_X2APIC) << 4;

	if (msr == MSR_TSC_DEADLINE)
		return read_tsc_deadline(l, ret_v);
	if (!is_x2(l) || off > 0x3f0 || !(register_access[off >> 4] & X2R))
		return false;
	*ret_v = register_read(l, off);
	if (off == REG_ICR)
		*ret_v |= (uint64_t)l->icr_hi << 32;
	return true;
}

/* Bits that may be set in the x2APIC register; others are #GP. */
static uint64_t
x2_valid(const struct lapic *l, uint32_t off)
{
	switch (off) {
	case REG_EOI:
	case REG_ESR: return 0;
	case REG_TPR:
	case REG_SELF_IPI: return 0xff;
	case REG_SVR: return 0x3ff;
	case REG_ICR: return 0xffffffff000ccfffull;
	case REG_DIVIDE: return 0xb;
	default: break;
	}
	if (off >= REG_LVT && off <= REG_LVT_END)
		return lvt_mask[(off - REG_LVT) >> 4] | 0x1000;
	return 0xffffffff;
}

bool
lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t v)
{
	uint32_t off = (msr - MSR_X2APIC) << 4;

	if (msr == MSR_TSC_DEADLINE) {
		if (!model_has(l->c->model, FEAT_TSCDL))
			return false;
		if (timer_mode(l) == TIMER_DEADLINE) {
			l->tsc_deadline = v;
			deadline_start(l);
		}
		return true;
	}
	if (!is_x2(l) || off > 0x3f0 || !(register_access[off >> 4] & X2W) ||
	    (v & ~x2_valid(l, off)))
		return false;
	if (off == REG_ICR)
		l->icr_hi = v >> 32;
	if (off == REG_SELF_IPI)
		accept_vector(l, v & 0xff, false);
	else
		register_write(l, off, (uint32_t)v);
	return true;
}

uint8_t
lapic_get_cr8(struct lapic *l)
{
	return (uint8_t)(l->tpr >> 4);
}

void
lapic_set_cr8(struct lapic *l, uint8_t v)
{
	l->tpr = (uint32_t)v << 4;
	lapic_update(l);
}

int
lapic_ack(struct lapic *l)
{
	int v = deliverable(l);

	if (v >= 0) {
		bit_put(l->irr, (unsigned)v, false);
		bit_put(l->isr, (unsigned)v, true);
	}
	lapic_update(l);
	return v;
}

bool
lapic_accepts_pic(const struct lapic *l)
{
	uint32_t lint0 = l->lvt[LVT_LINT0];

	return !is_enabled(l) || (!(lint0 & LVT_MASKED) && (lint0 >> 8 & 7) == DM_EXTINT);
}

/* ---- life ---- */

void
lapic_reset(struct lapic *l, bool init)
{
	struct cpu *c = l->c;
	uint32_t id = init ? l->id : c->apic_id & 0xff;

	*l = (struct lapic){
		.c = c, .id = id, .dfr = 0xffffffff, .svr = 0xff, .deadline_ns = INT64_MAX
	};
	for (unsigned i = 0; i < NLVT; i++)
		l->lvt[i] = LVT_MASKED;
	/* Virtual wire mode of the boot processor, as a BIOS leaves it (MP 1.4, 3.6.2.2): here
	 * from the start, for firmware that knows nothing of APICs. */
	if (c->msr.apic_base & APIC_BASE_BSP) {
		l->lvt[LVT_LINT0] = DM_EXTINT << 8;
		l->lvt[LVT_LINT1] = DM_NMI << 8;
	}
	c->env->timer_arm(c->env->ctx, c->index, INT64_MAX);
	cpu_clear(c, ATT_APIC);
}

void
lapic_base_changed(struct lapic *l, uint64_t old)
{
	uint64_t v = l->c->msr.apic_base;

	if ((old & APIC_BASE_EN) && !(v & APIC_BASE_EN))
		lapic_reset(l, false);
	lapic_update(l);
}

struct lapic *
lapic_create(struct cpu *c)
{
	struct lapic *l = try_alloc(1, sizeof(*l));

	if (l) {
		l->c = c;
		l->deadline_ns = INT64_MAX;
	}
	return l;
}

void
lapic_destroy(struct lapic *l)
{
	mem_free(l);
}

/* ---- saved state: everything after the pointer, in order ---- */

/* clang-format off */
#define STATE(_)                                                                          \
	_(id) _(tpr) _(ldr) _(dfr) _(svr) _(esr) _(esr_pending) _(icr) _(icr_hi) _(lvt)   \
	_(divide) _(init_count) _(irr) _(isr) _(tmr) _(start_ns) _(deadline_ns)           \
	_(tsc_deadline)
/* clang-format on */

void
lapic_save(const struct lapic *l, struct buf *b)
{
#define PUT(f) buf_put(b, &l->f, sizeof(l->f));
	STATE(PUT)
#undef PUT
}

int
lapic_load(struct lapic *l, struct buf *b, struct err *e)
{
	struct lapic n = { .c = l->c };

#define GET(f) buf_get(b, &n.f, sizeof(n.f));
	STATE(GET)
#undef GET
	if (b->failed)
		return err_set(e, EINVAL, "local APIC state is cut short");
	n.divide &= 0xb;
	if (n.start_ns < 0 || n.start_ns > INT64_MAX / 2)
		return err_set(e, EINVAL, "local APIC timer state makes no sense");
	*l = n;
	l->c->env->timer_arm(l->c->env->ctx, l->c->index, l->deadline_ns);
	lapic_update(l);
	return 0;
}
