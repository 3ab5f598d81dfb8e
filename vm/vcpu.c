/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processors' threads.
 *
 * Host clock: a thread a processor, each running until it is told to stop or has
 * nothing to do.
 *
 * Instruction clock: one thread gives every processor a turn of a fixed number of
 * instructions, in order.  When a whole round finds all of them halted the clock
 * jumps to the next deadline.  Timers fire from vcpus_tick(), between blocks, at a
 * place that depends on the number of instructions only.
 */
#include "vm/vcpu.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/err.h"
#include "base/mem.h"
#include "vm/machine.h"
#include "vm/statelog.h"

#include <errno.h>
#include <time.h>

#define TURN_INSNS  5000
#define TURN_SPREAD 2003
#define DUE_ROUNDS  64
#define IDLE_NS     (10 * 1000 * 1000) /* all halted and no deadline: looks again after this */

struct vcpus {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* paused, quit, kicked, waiting */
	bool paused, quit, kicked;
	bool held;       /* somebody asked for something: nobody runs on before it is done */
	uint64_t frozen; /* bit per processor */
	unsigned nthreads, waiting;
	pthread_t thread[PROTO_MAX_CPUS];
	struct vcpu_arg {
		struct machine *m;
		struct cpu *c;
	} arg[PROTO_MAX_CPUS];
};

/* The processor whose thread this is, for vcpus_lock(). */
static _Thread_local struct cpu *self;

void
vcpus_lock(struct machine *m)
{
	if (!self) {
		machine_lock(m);
	} else if (pthread_mutex_trylock(&m->lock)) {
		/* Who holds it may want all processors to stand between instructions. */
		cpu_park(self);
		machine_lock(m);
		cpu_unpark(self);
	}
}

/* False: time to end. */
static bool
must_wait(const struct vcpus *v, uint64_t bits)
{
	return !v->quit && (v->paused || v->held || (v->frozen & bits) == bits);
}

/* bits: the processors of this thread. */
static bool
wait_while_paused(struct vcpus *v, uint64_t bits)
{
	bool quit;

	pthread_mutex_lock(&v->lock);
	if (must_wait(v, bits)) {
		v->waiting++;
		pthread_cond_broadcast(&v->changed);
		while (must_wait(v, bits))
			pthread_cond_wait(&v->changed, &v->lock);
		v->waiting--;
	}
	quit = v->quit;
	pthread_mutex_unlock(&v->lock);
	return !quit;
}

static void *
run_one(void *p)
{
	struct vcpu_arg *a = p;

	self = a->c;
	while (wait_while_paused(a->m->vcpus, 1ull << a->c->index))
		if (cpu_run(a->c, UINT64_MAX) == CPU_EXIT_HALT)
			cpu_wait(a->c);
	return NULL;
}

/* ---- instruction clock ---- */

static void
set_limit(struct machine *m, struct cpu *c)
{
	uint64_t left = clock_insns_left(&m->clock);
	/* UINT64_MAX would say that there is no instruction clock. */
	uint64_t limit = left >= UINT64_MAX - c->icount ? UINT64_MAX - 1 : c->icount + left;

	if (unlikely(m->state_log != NULL)) {
		uint64_t next = state_log_next(m->state_log, c);

		limit = next < limit ? next : limit;
	}
	c->icount_limit = limit;
	cpu_limits_changed(c);
}

/* A device that stays behind however often it fires gets its turn again after the next
 * block. */
static void
run_due(struct machine *m)
{
	for (unsigned i = 0; i < DUE_ROUNDS && clock_run_due(&m->clock); i++)
		;
}

void
vcpus_tick(void *ctx, struct cpu *c)
{
	struct machine *m = ctx;

	machine_lock(m);
	if (m->clock.running)
		run_due(m);
	if (unlikely(m->state_log != NULL))
		state_log_tick(m, c);
	set_limit(m, c);
	machine_unlock(m);
}

void
vcpus_deadline(struct machine *m)
{
	for (unsigned i = 0; i < m->cpus.n; i++)
		cpu_kick(m->cpus.cpu[i], ATT_TIMER);
}

/* All halted. False when there was no deadline either. */
static bool
skip_idle(struct machine *m)
{
	bool found = false;

	machine_lock(m);
	if (m->clock.next_ns != CLOCK_OFF) {
		clock_skip_to(&m->clock, m->clock.next_ns);
		run_due(m);
		found = true;
	}
	machine_unlock(m);
	return found;
}

/* Nothing will happen but from outside. A wake-up lost between the last look and here
 * costs one interval; there is no guest time to lose meanwhile. */
static void
wait_outside(struct vcpus *v)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += IDLE_NS;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	pthread_mutex_lock(&v->lock);
	if (!v->kicked && !v->quit)
		pthread_cond_timedwait(&v->changed, &v->lock, &t);
	v->kicked = false;
	pthread_mutex_unlock(&v->lock);
}

/* Turns of one length could end at the same place of a loop for ever, say while it holds
 * the lock that the others wait for: so they differ, by a rule that a restored machine
 * follows too. */
static uint64_t
turn_length(const struct cpu *c)
{
	uint64_t h = (c->icount + c->index) * 0x9e3779b97f4a7c15ull;

	return TURN_INSNS + (h >> 40) % TURN_SPREAD;
}

static enum cpu_exit
give_turn(struct machine *m, struct cpu *c)
{
	enum cpu_exit why;

	machine_lock(m);
	clock_turn(&m->clock, &c->icount);
	set_limit(m, c);
	machine_unlock(m);
	why = cpu_run(c, turn_length(c));
	machine_lock(m);
	clock_turn(&m->clock, NULL);
	machine_unlock(m);
	return why;
}

static void *
run_all(void *p)
{
	struct vcpu_arg *a = p;
	struct machine *m = a->m;
	unsigned next = 0, halted = 0;

	while (wait_while_paused(m->vcpus, bits_mask(m->cpus.n))) {
		struct cpu *c = m->cpus.cpu[next];
		uint64_t before = c->icount;
		bool frozen = __atomic_load_n(&m->vcpus->frozen, __ATOMIC_RELAXED) >> next & 1;
		enum cpu_exit why = frozen ? CPU_EXIT_HALT : give_turn(m, c);

		/* A stop leaves whose turn it is as it was, or runs with and without a
		 * pause would differ. */
		if (why == CPU_EXIT_STOP)
			continue;
		halted = why == CPU_EXIT_HALT && c->icount == before ? halted + 1 : 0;
		next = (next + 1) % m->cpus.n;
		if (halted < m->cpus.n)
			continue;
		halted = 0;
		if (!skip_idle(m))
			wait_outside(m->vcpus);
	}
	return NULL;
}

/* ---- life ---- */

int
vcpus_create(struct machine *m, struct err *e)
{
	struct vcpus *v = xalloc(sizeof(*v));
	bool insns = m->cfg->clock == PROTO_CLOCK_INSNS;
	unsigned n = insns ? 1 : m->cpus.n;
	pthread_condattr_t attr;

	v->paused = true;
	pthread_mutex_init(&v->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&v->changed, &attr);
	pthread_condattr_destroy(&attr);
	m->vcpus = v; /* the threads look here */
	for (unsigned i = 0; i < n; i++) {
		int r;

		v->arg[i] = (struct vcpu_arg){ m, m->cpus.cpu[i] };
		r = pthread_create(&v->thread[i], NULL, insns ? run_all : run_one, &v->arg[i]);
		if (r)
			return err_set(e, r, "cannot start a processor's thread: %s", strerror(r));
		v->nthreads++;
	}
	return 0;
}

static void
kick(struct machine *m, bool hold)
{
	struct vcpus *v = m->vcpus;

	if (!v)
		return;
	pthread_mutex_lock(&v->lock);
	v->kicked = true;
	v->held |= hold;
	pthread_cond_broadcast(&v->changed);
	pthread_mutex_unlock(&v->lock);
	for (unsigned i = 0; i < m->cpus.n; i++)
		cpu_kick(m->cpus.cpu[i], ATT_STOP);
}

void
vcpus_hold(struct machine *m)
{
	kick(m, true);
}

void
vcpus_release(struct machine *m)
{
	struct vcpus *v = m->vcpus;

	pthread_mutex_lock(&v->lock);
	v->held = false;
	pthread_cond_broadcast(&v->changed);
	pthread_mutex_unlock(&v->lock);
}

void
vcpus_destroy(struct machine *m)
{
	struct vcpus *v = m->vcpus;

	if (!v)
		return;
	pthread_mutex_lock(&v->lock);
	v->quit = true;
	pthread_cond_broadcast(&v->changed);
	pthread_mutex_unlock(&v->lock);
	kick(m, false);
	for (unsigned i = 0; i < v->nthreads; i++)
		pthread_join(v->thread[i], NULL);
	pthread_cond_destroy(&v->changed);
	pthread_mutex_destroy(&v->lock);
	mem_free(v);
	m->vcpus = NULL;
}

void
vcpus_pause(struct machine *m)
{
	struct vcpus *v = m->vcpus;

	pthread_mutex_lock(&v->lock);
	BUG_ON(v->paused);
	v->paused = true;
	pthread_mutex_unlock(&v->lock);
	kick(m, false);
	pthread_mutex_lock(&v->lock);
	while (v->waiting < v->nthreads)
		pthread_cond_wait(&v->changed, &v->lock);
	pthread_mutex_unlock(&v->lock);
}

void
vcpus_freeze(struct machine *m, uint64_t mask)
{
	struct vcpus *v = m->vcpus;

	pthread_mutex_lock(&v->lock);
	__atomic_store_n(&v->frozen, mask, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&v->changed);
	pthread_mutex_unlock(&v->lock);
}

void
vcpus_resume(struct machine *m)
{
	struct vcpus *v = m->vcpus;

	for (unsigned i = 0; i < m->cpus.n; i++)
		cpu_clear(m->cpus.cpu[i], ATT_STOP);
	pthread_mutex_lock(&v->lock);
	v->paused = false;
	pthread_cond_broadcast(&v->changed);
	pthread_mutex_unlock(&v->lock);
}
