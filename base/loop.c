/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event loop: epoll_wait(2) over the caller's descriptors, one eventfd for
 * loop_post() and loop_wake(), and one timerfd armed for the earliest timer.
 *
 * Requirements for whoever changes this:
 *  1. Any callback may delete any descriptor or timer, itself included, and may
 *     run nested turns.  So a deleted descriptor is only marked, and freed when
 *     the outermost turn has ended: epoll's answers may still point at it.
 *  2. A timer that arms itself for the past must not keep its turn from ending:
 *     what is due is first moved to a list of its own.
 *  3. loop_wake() is async-signal-safe: one write to the eventfd.
 */
#include "base/loop.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { LOOP_BATCH = 32 };

struct loop_fd {
	struct loop *loop;
	struct loop_fd *next, **pprev; /* loop->fds or loop->dead */
	void (*fn)(void *ctx, unsigned events);
	void *ctx;
	int fd;
	unsigned events;
	bool dead;
	bool always; /* a file that epoll refuses: ready all the time, as for poll(2) */
};

struct loop_timer {
	struct loop *loop;
	struct loop_timer *next, **pprev; /* armed or due; pprev NULL = neither */
	void (*fn)(void *ctx);
	void *ctx;
	int64_t deadline_ns;
};

struct loop_call {
	struct loop_call *next;
	void (*fn)(void *ctx);
	void *ctx;
};

struct loop {
	int epoll_fd, event_fd, timer_fd;
	struct loop_fd *fds, *dead;
	struct loop_timer *armed; /* sorted by deadline */
	struct loop_timer *due;   /* taken from `armed`, not yet called */
	int64_t timer_fd_ns;      /* what timer_fd is armed for */
	unsigned nalways;         /* descriptors ready all the time */
	unsigned depth;           /* nested turns */
	_Atomic bool quit;
	void (*wake_hook)(void *ctx);
	void *wake_ctx;

	pthread_mutex_t lock; /* of the calls */
	struct loop_call *calls, **calls_end;
	size_t ncalls;
};

/* Markers for epoll_event.data.ptr; anything else is a struct loop_fd. */
#define TAG_EVENT(l) ((void *)&(l)->event_fd)
#define TAG_TIMER(l) ((void *)&(l)->timer_fd)

int64_t
loop_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static bool
epoll_add(struct loop *l, int fd, uint32_t events, void *tag)
{
	struct epoll_event ev = { .events = events, .data.ptr = tag };

	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) == 0;
}

struct loop *
loop_create(void)
{
	struct loop *l = try_alloc(1, sizeof(*l));

	if (!l) {
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	l->calls_end = &l->calls;
	l->timer_fd_ns = INT64_MAX;
	l->event_fd = l->timer_fd = -1;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll_fd >= 0)
		l->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->event_fd >= 0)
		l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->timer_fd < 0 || !epoll_add(l, l->event_fd, EPOLLIN, TAG_EVENT(l)) ||
	    !epoll_add(l, l->timer_fd, EPOLLIN, TAG_TIMER(l))) {
		int err = errno;

		loop_destroy(l);
		errno = err;
		return NULL;
	}
	return l;
}

static void
free_fds(struct loop_fd **list)
{
	while (*list) {
		struct loop_fd *f = *list;

		*list = f->next;
		mem_free(f);
	}
}

/* What the owners have not deleted is only let go: they may still do it. */
static void
let_go(struct loop *l)
{
	struct loop_timer **lists[] = { &l->armed, &l->due };

	for (struct loop_fd *f = l->fds; f; f = f->next)
		f->loop = NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(lists); i++) {
		for (struct loop_timer *t = *lists[i]; t; t = t->next)
			t->pprev = NULL;
	}
}

void
loop_destroy(struct loop *l)
{
	if (!l)
		return;
	BUG_ON(l->depth);
	free_fds(&l->dead);
	let_go(l);
	while (l->calls) {
		struct loop_call *c = l->calls;

		l->calls = c->next;
		mem_free(c);
	}
	if (l->timer_fd >= 0)
		close(l->timer_fd);
	if (l->event_fd >= 0)
		close(l->event_fd);
	if (l->epoll_fd >= 0)
		close(l->epoll_fd);
	pthread_mutex_destroy(&l->lock);
	mem_free(l);
}

/* --- descriptors --- */

static void
fd_link(struct loop_fd **list, struct loop_fd *f)
{
	f->next = *list;
	f->pprev = list;
	if (f->next)
		f->next->pprev = &f->next;
	*list = f;
}

static void
fd_unlink(struct loop_fd *f)
{
	*f->pprev = f->next;
	if (f->next)
		f->next->pprev = f->pprev;
}

static uint32_t
to_epoll(unsigned events)
{
	return (events & LOOP_READ ? EPOLLIN : 0u) | (events & LOOP_WRITE ? EPOLLOUT : 0u);
}

struct loop_fd *
loop_add_fd(
    struct loop *l, int fd, unsigned events, void (*fn)(void *ctx, unsigned events), void *ctx)
{
	struct loop_fd *f = try_alloc(1, sizeof(*f));

	if (!f) {
		errno = ENOMEM;
		return NULL;
	}
	*f = (struct loop_fd){ .loop = l, .fn = fn, .ctx = ctx, .fd = fd, .events = events };
	if (!epoll_add(l, fd, to_epoll(events), f)) {
		if (errno != EPERM) { /* EPERM: regular files and the like */
			mem_free(f);
			return NULL;
		}
		f->always = true;
		l->nalways++;
	}
	fd_link(&l->fds, f);
	return f;
}

void
loop_set_events(struct loop_fd *f, unsigned events)
{
	struct epoll_event ev = { .events = to_epoll(events), .data.ptr = f };

	if (f->events == events)
		return;
	f->events = events;
	if (!f->always)
		BUG_ON(epoll_ctl(f->loop->epoll_fd, EPOLL_CTL_MOD, f->fd, &ev) < 0);
}

void
loop_del_fd(struct loop_fd *f)
{
	if (!f || f->dead)
		return;
	if (!f->loop) { /* outlived its loop */
		mem_free(f);
		return;
	}
	f->dead = true;
	if (f->always)
		f->loop->nalways--;
	else /* fails when the caller has closed it already, which is as good */
		(void)epoll_ctl(f->loop->epoll_fd, EPOLL_CTL_DEL, f->fd, NULL);
	fd_unlink(f);
	if (f->loop->depth)
		fd_link(&f->loop->dead, f);
	else
		mem_free(f);
}

static void
fd_call(struct loop_fd *f, uint32_t got)
{
	unsigned events = 0;

	if (f->dead)
		return;
	if (got & (EPOLLIN | EPOLLPRI))
		events |= LOOP_READ;
	if (got & EPOLLOUT)
		events |= LOOP_WRITE;
	if (got & (EPOLLHUP | EPOLLERR))
		events |= LOOP_HUP;
	/* An earlier callback of this turn may have lost interest. */
	events &= f->events | LOOP_HUP;
	if (events)
		f->fn(f->ctx, events);
}

/* Collected first: the list may change under every callback. */
static void
call_always(struct loop *l)
{
	struct loop_fd *f, *batch[LOOP_BATCH];
	unsigned n = 0;

	for (f = l->fds; f && n < LOOP_BATCH; f = f->next) {
		if (f->always && f->events)
			batch[n++] = f;
	}
	for (unsigned i = 0; i < n; i++)
		fd_call(batch[i], to_epoll(batch[i]->events));
}

/* --- timers --- */

static void
timer_unlink(struct loop_timer *t)
{
	if (!t->pprev)
		return;
	*t->pprev = t->next;
	if (t->next)
		t->next->pprev = t->pprev;
	t->pprev = NULL;
}

static void
timer_link(struct loop_timer **at, struct loop_timer *t)
{
	t->next = *at;
	t->pprev = at;
	if (t->next)
		t->next->pprev = &t->next;
	*at = t;
}

struct loop_timer *
loop_add_timer(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	struct loop_timer *t = try_alloc(1, sizeof(*t));

	if (!t) {
		errno = ENOMEM;
		return NULL;
	}
	*t = (struct loop_timer){ .loop = l, .fn = fn, .ctx = ctx, .deadline_ns = INT64_MAX };
	return t;
}

void
loop_arm(struct loop_timer *t, int64_t deadline_ns)
{
	struct loop_timer **at = &t->loop->armed;

	timer_unlink(t);
	t->deadline_ns = deadline_ns;
	if (deadline_ns == INT64_MAX)
		return;
	while (*at && (*at)->deadline_ns <= deadline_ns)
		at = &(*at)->next;
	timer_link(at, t);
}

void
loop_del_timer(struct loop_timer *t)
{
	if (!t)
		return;
	timer_unlink(t);
	mem_free(t);
}

static void
call_timers(struct loop *l)
{
	struct loop_timer **end = &l->due, *t;
	int64_t now;

	if (!l->armed && !l->due)
		return;
	now = loop_now_ns();
	while (*end)
		end = &(*end)->next;
	while ((t = l->armed) && t->deadline_ns <= now) {
		timer_unlink(t);
		timer_link(end, t);
		end = &t->next;
	}
	while ((t = l->due)) {
		timer_unlink(t);
		t->deadline_ns = INT64_MAX;
		t->fn(t->ctx); /* may free t */
	}
}

static void
set_timer_fd(struct loop *l)
{
	int64_t ns = l->armed ? l->armed->deadline_ns : INT64_MAX;
	struct itimerspec its = { 0 };

	if (ns == l->timer_fd_ns)
		return;
	l->timer_fd_ns = ns;
	if (ns != INT64_MAX) {
		if (ns < 1)
			ns = 1; /* zero would disarm */
		its.it_value.tv_sec = ns / 1000000000;
		its.it_value.tv_nsec = ns % 1000000000;
	}
	BUG_ON(timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &its, NULL) < 0);
}

static void
drain(int fd)
{
	uint64_t n;

	/* Non-blocking; what it counted does not matter. */
	if (read(fd, &n, sizeof(n)) < 0)
		return;
}

/* --- calls from other threads --- */

void
loop_wake(struct loop *l)
{
	uint64_t one = 1;
	int err = errno; /* a signal handler must not change it */

	/* Fails only when the counter is full, and then it is readable anyway. */
	if (write(l->event_fd, &one, sizeof(one)) < 0)
		errno = err;
}

void
loop_set_wake_hook(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	l->wake_hook = fn;
	l->wake_ctx = ctx;
}

void
loop_post(struct loop *l, void (*fn)(void *ctx), void *ctx)
{
	struct loop_call *c = xalloc(sizeof(*c));

	c->fn = fn;
	c->ctx = ctx;
	pthread_mutex_lock(&l->lock);
	*l->calls_end = c;
	l->calls_end = &c->next;
	l->ncalls++;
	pthread_mutex_unlock(&l->lock);
	loop_wake(l);
}

static struct loop_call *
take_call(struct loop *l)
{
	struct loop_call *c;

	pthread_mutex_lock(&l->lock);
	c = l->calls;
	if (c) {
		l->calls = c->next;
		l->ncalls--;
		if (!l->calls)
			l->calls_end = &l->calls;
	}
	pthread_mutex_unlock(&l->lock);
	return c;
}

static void
woken(struct loop *l)
{
	struct loop_call *c;
	size_t n;

	drain(l->event_fd); /* before the list is looked at, or a wake would be lost */
	pthread_mutex_lock(&l->lock);
	n = l->ncalls;
	pthread_mutex_unlock(&l->lock);
	/* Only what was there at the start: a call that posts itself again waits. */
	while (n-- && (c = take_call(l))) {
		c->fn(c->ctx);
		mem_free(c);
	}
	if (l->wake_hook)
		l->wake_hook(l->wake_ctx);
}

/* --- turns --- */

static void
dispatch(struct loop *l, const struct epoll_event *ev)
{
	if (ev->data.ptr == TAG_EVENT(l)) {
		woken(l);
	} else if (ev->data.ptr == TAG_TIMER(l)) {
		drain(l->timer_fd);
		l->timer_fd_ns = INT64_MAX; /* fired: no longer armed */
	} else {
		fd_call(ev->data.ptr, ev->events);
	}
}

static bool
any_always(struct loop *l)
{
	if (!l->nalways)
		return false;
	for (struct loop_fd *f = l->fds; f; f = f->next) {
		if (f->always && f->events)
			return true;
	}
	return false;
}

void
loop_turn(struct loop *l, int timeout_ms)
{
	struct epoll_event ev[LOOP_BATCH];
	bool always = any_always(l);
	int n;

	if (l->quit || always || l->due)
		timeout_ms = 0;
	if (timeout_ms)
		set_timer_fd(l);
	n = epoll_wait(l->epoll_fd, ev, LOOP_BATCH, timeout_ms);
	BUG_ON(n < 0 && errno != EINTR);
	l->depth++;
	for (int i = 0; i < n; i++)
		dispatch(l, &ev[i]);
	if (always)
		call_always(l);
	call_timers(l);
	if (--l->depth == 0)
		free_fds(&l->dead);
}

void
loop_run(struct loop *l)
{
	while (!l->quit)
		loop_turn(l, -1);
	l->quit = false;
}

void
loop_quit(struct loop *l)
{
	l->quit = true;
	loop_wake(l);
}
