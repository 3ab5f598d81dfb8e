/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exclusive sections: one party at a time; it waits until every other processor stands
 * between instructions (not "running"), and none starts again until it is through. A
 * processor that waits for its own section, is halted, or is parked does not count as
 * running, so two sections cannot wait for each other. Nobody asks for one while holding
 * the machine's lock.
 */
#include "cpu/smp.h"

#include "base/mem.h"
#include "cpu/mmu/mmu.h"
#include "cpu/x86/block.h"

#include <errno.h>

#define REQ_MAX 64

struct range {
	uint64_t aoff;
	size_t len;
};

struct per_cpu {
	bool running;
	bool flush_tlb;
	bool drop_blocks; /* the list ran over: all of them */
	unsigned nranges;
	struct range range[REQ_MAX];
	pthread_cond_t wake;
};

struct smp {
	pthread_mutex_t m;
	pthread_cond_t quiet;  /* a processor stopped running */
	pthread_cond_t resume; /* the section has ended */
	bool active;
	struct per_cpu cpu[64];
};

static struct smp *
of(const struct cpu_set *s)
{
	return s->impl;
}

int
smp_create(struct cpu_set *s)
{
	struct smp *m = try_alloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	pthread_mutex_init(&m->m, NULL);
	pthread_cond_init(&m->quiet, NULL);
	pthread_cond_init(&m->resume, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(m->cpu); i++)
		pthread_cond_init(&m->cpu[i].wake, NULL);
	s->impl = m;
	return 0;
}

void
smp_destroy(struct cpu_set *s)
{
	mem_free(s->impl);
	s->impl = NULL;
}

/* ---- running and not ---- */

static void
start_running_locked(struct smp *m, struct per_cpu *p)
{
	while (m->active)
		pthread_cond_wait(&m->resume, &m->m);
	p->running = true;
}

static void
stop_running_locked(struct smp *m, struct per_cpu *p)
{
	p->running = false;
	pthread_cond_broadcast(&m->quiet);
}

void
smp_enter(struct cpu *c)
{
	struct smp *m = of(c->set);

	pthread_mutex_lock(&m->m);
	start_running_locked(m, &m->cpu[c->index]);
	pthread_mutex_unlock(&m->m);
}

void
smp_leave(struct cpu *c)
{
	struct smp *m = of(c->set);

	pthread_mutex_lock(&m->m);
	stop_running_locked(m, &m->cpu[c->index]);
	pthread_mutex_unlock(&m->m);
}

void
cpu_park(struct cpu *c)
{
	smp_leave(c);
}

void
cpu_unpark(struct cpu *c)
{
	smp_enter(c);
}

void
smp_sync(struct cpu *c)
{
	struct smp *m = of(c->set);

	pthread_mutex_lock(&m->m);
	stop_running_locked(m, &m->cpu[c->index]);
	start_running_locked(m, &m->cpu[c->index]);
	__atomic_and_fetch(&c->attention, ~(uint32_t)ATT_SYNC, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&m->m);
}

static bool
others_running(const struct cpu_set *s, const struct cpu *self)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->cpu[i] != self && of(s)->cpu[i].running)
			return true;
	return false;
}

void
smp_exclusive_begin(struct cpu_set *s, struct cpu *self)
{
	struct smp *m = of(s);

	if (s->shared_thread || (s->n == 1 && self))
		return;
	if (self)
		cpu_fp_out(self);
	pthread_mutex_lock(&m->m);
	if (self)
		stop_running_locked(m, &m->cpu[self->index]);
	while (m->active)
		pthread_cond_wait(&m->resume, &m->m);
	m->active = true;
	for (unsigned i = 0; i < s->n; i++)
		if (s->cpu[i] != self)
			smp_attend(s->cpu[i], ATT_SYNC);
	while (others_running(s, self))
		pthread_cond_wait(&m->quiet, &m->m);
	pthread_mutex_unlock(&m->m);
}

void
smp_exclusive_end(struct cpu_set *s, struct cpu *self)
{
	struct smp *m = of(s);

	if (s->shared_thread || (s->n == 1 && self))
		return;
	pthread_mutex_lock(&m->m);
	m->active = false;
	if (self)
		m->cpu[self->index].running = true;
	pthread_cond_broadcast(&m->resume);
	pthread_mutex_unlock(&m->m);
}

void
cpu_exclusive(struct cpu_set *s, struct cpu *self, void (*fn)(void *ctx), void *ctx)
{
	smp_exclusive_begin(s, self);
	fn(ctx);
	smp_exclusive_end(s, self);
}

/* ---- attention ---- */

void
cpu_kick(struct cpu *c, uint32_t att_bits)
{
	struct smp *m = of(c->set);

	smp_attend(c, att_bits);
	pthread_mutex_lock(&m->m);
	pthread_cond_signal(&m->cpu[c->index].wake);
	pthread_mutex_unlock(&m->m);
}

void
cpu_clear(struct cpu *c, uint32_t att_bits)
{
	__atomic_and_fetch(&c->attention, ~att_bits, __ATOMIC_SEQ_CST);
}

void
cpu_set_intr(struct cpu *c, bool level)
{
	if (level)
		cpu_kick(c, ATT_INTR);
	else
		cpu_clear(c, ATT_INTR);
}

/* The 8259's line may be high while LINT0 is masked: nothing to wake for. */
static bool
worth_waking(struct cpu *c)
{
	uint32_t a = __atomic_load_n(&c->attention, __ATOMIC_ACQUIRE);

	if (!(c->eflags & FL_IF))
		a &= ~(uint32_t)(ATT_INTR | ATT_APIC);
	if ((a & ATT_INTR) && !lapic_accepts_pic(c->lapic))
		a &= ~(uint32_t)ATT_INTR;
	return a != 0;
}

void
cpu_wait(struct cpu *c)
{
	struct smp *m = of(c->set);

	pthread_mutex_lock(&m->m);
	while (!worth_waking(c))
		pthread_cond_wait(&m->cpu[c->index].wake, &m->m);
	pthread_mutex_unlock(&m->m);
}

/* ---- requests ---- */

static void
post_range_locked(struct per_cpu *p, uint64_t aoff, size_t len)
{
	if (p->nranges == REQ_MAX)
		p->drop_blocks = true;
	else
		p->range[p->nranges++] = (struct range){ aoff, len };
}

void
smp_post_invalidate(struct cpu_set *s, struct cpu *self, uint64_t aoff, size_t len)
{
	struct smp *m = of(s);

	if (self)
		cpu_fp_out(self);
	pthread_mutex_lock(&m->m);
	for (unsigned i = 0; i < s->n; i++) {
		if (s->cpu[i] == self)
			continue;
		post_range_locked(&m->cpu[i], aoff, len);
		smp_attend(s->cpu[i], ATT_REQUEST);
	}
	pthread_mutex_unlock(&m->m);
}

void
cpu_code_written(struct cpu_set *s, uint64_t aoff, size_t len)
{
	smp_post_invalidate(s, NULL, aoff, len);
}

void
cpu_flush_all(struct cpu_set *s)
{
	struct smp *m = of(s);

	pthread_mutex_lock(&m->m);
	for (unsigned i = 0; i < s->n; i++) {
		m->cpu[i].flush_tlb = true;
		smp_attend(s->cpu[i], ATT_REQUEST);
	}
	pthread_mutex_unlock(&m->m);
}

void
cpu_set_a20(struct cpu_set *s, bool on)
{
	for (unsigned i = 0; i < s->n; i++)
		__atomic_store_n(
		    &s->cpu[i]->a20_mask, on ? ~0ull : ~(1ull << 20), __ATOMIC_RELEASE);
	cpu_flush_all(s);
}

void
smp_serve_requests(struct cpu *c)
{
	struct smp *m = of(c->set);
	struct per_cpu *p = &m->cpu[c->index];
	struct range r[REQ_MAX];
	unsigned n;
	bool flush, drop;

	pthread_mutex_lock(&m->m);
	cpu_clear(c, ATT_REQUEST);
	n = p->nranges;
	memcpy(r, p->range, n * sizeof(r[0]));
	flush = p->flush_tlb;
	drop = p->drop_blocks;
	p->nranges = 0;
	p->flush_tlb = p->drop_blocks = false;
	pthread_mutex_unlock(&m->m);

	if (flush)
		tlb_flush_all(c);
	if (drop)
		block_forget_all(c);
	for (unsigned i = 0; i < n && !drop; i++)
		block_invalidate(c, r[i].aoff, r[i].len);
}
