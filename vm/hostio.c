/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs live in one table of fixed size: every device has at most a few requests under
 * way, so it never fills; if it did, the job would be done on the spot.
 */
#include "vm/hostio.h"

#include "base/bits.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "vm/machine.h"

#include <pthread.h>

#define THREADS  2
#define MAX_JOBS 256
#define INSNS_NS 100000 /* a request's time with the instruction clock */

struct job {
	struct job *next;
	void (*work)(void *arg);
	void (*done)(void *arg);
	void *arg;
	int64_t due_ns; /* instruction clock */
};

struct queue {
	struct job *first, **end;
};

struct hostio {
	struct machine *m;
	bool insns;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job jobs[MAX_JOBS];
	struct job *free;
	struct queue todo, finished;
	unsigned working; /* jobs taken by threads */
	bool quit;
	pthread_t thread[THREADS];
	unsigned nthreads;
	struct clock_timer timer;
};

static void
queue_put(struct queue *q, struct job *j)
{
	j->next = NULL;
	*q->end = j;
	q->end = &j->next;
}

static struct job *
queue_get(struct queue *q)
{
	struct job *j = q->first;

	if (j) {
		q->first = j->next;
		if (!q->first)
			q->end = &q->first;
	}
	return j;
}

static struct job *
new_job(struct hostio *h, void (*work)(void *), void (*done)(void *), void *arg)
{
	struct job *j;

	pthread_mutex_lock(&h->lock);
	j = h->free;
	if (j)
		h->free = j->next;
	pthread_mutex_unlock(&h->lock);
	if (j)
		*j = (struct job){ NULL, work, done, arg, 0 };
	return j;
}

static void
free_job(struct hostio *h, struct job *j)
{
	pthread_mutex_lock(&h->lock);
	j->next = h->free;
	h->free = j;
	pthread_mutex_unlock(&h->lock);
}

static void *
worker(void *p)
{
	struct hostio *h = p;
	struct job *j;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		while (!(j = queue_get(&h->todo)) && !h->quit)
			pthread_cond_wait(&h->changed, &h->lock);
		if (!j)
			break;
		h->working++;
		pthread_mutex_unlock(&h->lock);
		j->work(j->arg);
		pthread_mutex_lock(&h->lock);
		h->working--;
		queue_put(&h->finished, j);
		pthread_cond_broadcast(&h->changed);
		loop_wake(h->m->loop);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

/* ---- the instruction clock ---- */

static void
arm_insns(struct hostio *h)
{
	clock_arm(
	    &h->m->clock, &h->timer, h->finished.first ? h->finished.first->due_ns : CLOCK_OFF);
}

static void
finish_first(struct hostio *h)
{
	struct job *j = queue_get(&h->finished), copy = *j;

	free_job(h, j);
	copy.done(copy.arg);
}

static void
insns_due(void *ctx)
{
	struct hostio *h = ctx;

	while (h->finished.first && h->finished.first->due_ns <= clock_now(&h->m->clock))
		finish_first(h);
	arm_insns(h);
}

static void
finish_later(struct hostio *h, struct job *j)
{
	j->due_ns = clock_now(&h->m->clock) + INSNS_NS;
	queue_put(&h->finished, j);
	arm_insns(h);
}

/* ---- struct block_env ---- */

static void
env_run(void *ctx, void (*work)(void *), void (*done)(void *), void *arg)
{
	struct hostio *h = ctx;
	struct job *j = new_job(h, work, done, arg);

	if (!j) {
		work(arg);
		done(arg);
		return;
	}
	if (h->insns) {
		work(arg);
		finish_later(h, j);
		return;
	}
	pthread_mutex_lock(&h->lock);
	queue_put(&h->todo, j);
	pthread_cond_signal(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

static void
env_post(void *ctx, void (*fn)(void *), void *arg)
{
	struct hostio *h = ctx;
	struct job *j = new_job(h, NULL, fn, arg);

	if (!j) {
		fn(arg);
		return;
	}
	if (h->insns) {
		finish_later(h, j);
		return;
	}
	pthread_mutex_lock(&h->lock);
	queue_put(&h->finished, j);
	pthread_mutex_unlock(&h->lock);
	loop_wake(h->m->loop);
}

void
hostio_deliver(struct machine *m)
{
	struct hostio *h = m->hostio;
	struct job *j;

	if (!h || h->insns)
		return;
	for (;;) {
		pthread_mutex_lock(&h->lock);
		j = queue_get(&h->finished);
		pthread_mutex_unlock(&h->lock);
		if (!j)
			break;
		machine_lock(m);
		j->done(j->arg);
		machine_unlock(m);
		free_job(h, j);
	}
}

void
hostio_drain(struct machine *m)
{
	struct hostio *h = m->hostio;

	if (!h)
		return;
	if (h->insns) {
		machine_lock(m);
		while (h->finished.first)
			finish_first(h);
		arm_insns(h);
		machine_unlock(m);
		return;
	}
	for (;;) {
		bool more;

		hostio_deliver(m);
		pthread_mutex_lock(&h->lock);
		while (!h->finished.first && (h->todo.first || h->working))
			pthread_cond_wait(&h->changed, &h->lock);
		more = h->finished.first != NULL;
		pthread_mutex_unlock(&h->lock);
		if (!more)
			break;
	}
}

int
hostio_create(struct machine *m, struct err *e)
{
	struct hostio *h = xalloc(sizeof(*h));

	h->m = m;
	h->insns = m->clock.insns;
	h->todo.end = &h->todo.first;
	h->finished.end = &h->finished.first;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
	for (unsigned i = 0; i < MAX_JOBS; i++) {
		h->jobs[i].next = h->free;
		h->free = &h->jobs[i];
	}
	m->hostio = h;
	m->block_env = (struct block_env){ h, env_post, env_run };
	if (h->insns) {
		clock_add_timer(&m->clock, &h->timer, insns_due, h);
		return 0;
	}
	for (unsigned i = 0; i < THREADS; i++) {
		int r = pthread_create(&h->thread[i], NULL, worker, h);

		if (r)
			return err_set(e, r, "cannot start a thread for disk I/O: %s", strerror(r));
		h->nthreads++;
	}
	return 0;
}

void
hostio_destroy(struct machine *m)
{
	struct hostio *h = m->hostio;

	if (!h)
		return;
	hostio_drain(m);
	pthread_mutex_lock(&h->lock);
	h->quit = true;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
	for (unsigned i = 0; i < h->nthreads; i++)
		pthread_join(h->thread[i], NULL);
	if (h->insns)
		clock_del_timer(&m->clock, &h->timer);
	pthread_cond_destroy(&h->changed);
	pthread_mutex_destroy(&h->lock);
	mem_free(h);
	m->hostio = NULL;
}
