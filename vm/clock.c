/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vm/clock.h"

#include "base/assert.h"
#include "base/loop.h"
#include "base/mem.h"

#include <string.h>

/* One turn of due timers: enough for every device at once, little enough that a device
 * which falls behind leaves the lock to others in between. */
#define FIRE_MAX 64

void
clock_init(struct clock *c, bool insns)
{
	memset(c, 0, sizeof(*c));
	c->insns = insns;
	c->next_ns = CLOCK_OFF;
}

void
clock_fini(struct clock *c)
{
	mem_free(c->timers);
	memset(c, 0, sizeof(*c));
}

static int64_t
insns_now(const struct clock *c)
{
	const uint64_t *p = __atomic_load_n(&c->icount, __ATOMIC_RELAXED);
	uint64_t n = __atomic_load_n(&c->insns_others, __ATOMIC_RELAXED);

	if (p)
		n += __atomic_load_n(p, __ATOMIC_RELAXED);
	return __atomic_load_n(&c->base_ns, __ATOMIC_RELAXED) + (int64_t)n * CLOCK_INSN_NS;
}

int64_t
clock_now(const struct clock *c)
{
	if (c->insns)
		return insns_now(c);
	if (!__atomic_load_n(&c->running, __ATOMIC_ACQUIRE))
		return c->base_ns;
	return c->base_ns + (loop_now_ns() - c->start_host_ns);
}

void
clock_start(struct clock *c)
{
	if (c->running)
		return;
	c->start_host_ns = loop_now_ns();
	__atomic_store_n(&c->running, true, __ATOMIC_RELEASE);
	if (c->rearm)
		c->rearm(c->rearm_ctx);
}

void
clock_stop(struct clock *c)
{
	if (!c->running)
		return;
	if (!c->insns)
		c->base_ns = clock_now(c);
	__atomic_store_n(&c->running, false, __ATOMIC_RELEASE);
	if (c->rearm)
		c->rearm(c->rearm_ctx);
}

void
clock_set(struct clock *c, int64_t now_ns)
{
	BUG_ON(c->running);
	c->base_ns += now_ns - clock_now(c);
}

int64_t
clock_host_deadline(const struct clock *c)
{
	if (c->insns || !c->running || c->next_ns == CLOCK_OFF)
		return CLOCK_OFF;
	if (c->next_ns <= c->base_ns)
		return c->start_host_ns;
	if (c->next_ns - c->base_ns > INT64_MAX - c->start_host_ns)
		return CLOCK_OFF;
	return c->next_ns - c->base_ns + c->start_host_ns;
}

void
clock_add_timer(struct clock *c, struct clock_timer *t, void (*fn)(void *ctx), void *ctx)
{
	if (c->ntimers == c->cap) {
		unsigned cap = c->cap ? c->cap * 2 : 32;
		struct clock_timer **list = xalloc(cap * sizeof(struct clock_timer *));

		for (unsigned i = 0; i < c->ntimers; i++)
			list[i] = c->timers[i];
		mem_free(c->timers);
		c->timers = list;
		c->cap = cap;
	}
	t->deadline_ns = CLOCK_OFF;
	t->fn = fn;
	t->ctx = ctx;
	c->timers[c->ntimers++] = t;
}

static int64_t
earliest(const struct clock *c)
{
	int64_t next = CLOCK_OFF;

	for (unsigned i = 0; i < c->ntimers; i++)
		if (c->timers[i]->deadline_ns < next)
			next = c->timers[i]->deadline_ns;
	return next;
}

void
clock_del_timer(struct clock *c, struct clock_timer *t)
{
	for (unsigned i = 0; i < c->ntimers; i++) {
		if (c->timers[i] != t)
			continue;
		memmove(&c->timers[i], &c->timers[i + 1],
		    (c->ntimers - i - 1) * sizeof(struct clock_timer *));
		c->ntimers--;
		break;
	}
	c->next_ns = earliest(c);
}

void
clock_arm(struct clock *c, struct clock_timer *t, int64_t deadline_ns)
{
	int64_t was = t->deadline_ns;

	t->deadline_ns = deadline_ns;
	if (deadline_ns < c->next_ns) {
		c->next_ns = deadline_ns;
		if (c->rearm)
			c->rearm(c->rearm_ctx);
	} else if (was == c->next_ns && deadline_ns != was) {
		/* It was the earliest, or one of them: a wake-up too early does no harm,
		 * so nobody is told. */
		c->next_ns = earliest(c);
	}
}

bool
clock_run_due(struct clock *c)
{
	int64_t before = c->next_ns;

	for (unsigned n = 0; n < FIRE_MAX && c->next_ns <= clock_now(c); n++) {
		for (unsigned i = 0; i < c->ntimers; i++) {
			struct clock_timer *t = c->timers[i];

			if (t->deadline_ns != c->next_ns)
				continue;
			t->deadline_ns = CLOCK_OFF;
			c->next_ns = earliest(c);
			t->fn(t->ctx);
			break;
		}
	}
	if (c->rearm && c->next_ns != before)
		c->rearm(c->rearm_ctx);
	return c->next_ns <= clock_now(c);
}

void
clock_turn(struct clock *c, const uint64_t *icount)
{
	uint64_t n = c->insns_others;

	if (c->icount)
		n += *c->icount;
	/* The sum stays the same whoever's turn it is; a counter that starts at less than
	 * zero from the others' view wraps and comes out right. */
	__atomic_store_n(&c->icount, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&c->insns_others, icount ? n - *icount : n, __ATOMIC_RELAXED);
	__atomic_store_n(&c->icount, icount, __ATOMIC_RELAXED);
}

void
clock_skip_to(struct clock *c, int64_t now_ns)
{
	int64_t now = clock_now(c);

	if (now_ns > now)
		__atomic_store_n(&c->base_ns, c->base_ns + now_ns - now, __ATOMIC_RELAXED);
}

uint64_t
clock_insns_left(const struct clock *c)
{
	int64_t now = clock_now(c);

	if (c->next_ns == CLOCK_OFF)
		return UINT64_MAX;
	if (c->next_ns <= now)
		return 0;
	return ((uint64_t)(c->next_ns - now) + CLOCK_INSN_NS - 1) / CLOCK_INSN_NS;
}
