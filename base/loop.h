/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One event loop a process: descriptors (epoll, level-triggered), host-time
 * timers, and calls posted from other threads.  All callbacks run on the thread
 * that calls loop_run().
 */
#ifndef LODGE_BASE_LOOP_H
#define LODGE_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct loop_fd;
struct loop_timer;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HUP = 4 /* reported always */ };

struct loop *loop_create(void); /* NULL + errno */
/* Descriptors and timers still there can be deleted, and nothing else, afterwards. */
void loop_destroy(struct loop *l);

/* The descriptor stays the caller's; delete before closing it. `events` may be 0.
 * A regular file is always ready.  NULL + errno. */
struct loop_fd *loop_add_fd(
    struct loop *l, int fd, unsigned events, void (*fn)(void *ctx, unsigned events), void *ctx);
void loop_set_events(struct loop_fd *f, unsigned events);
void loop_del_fd(struct loop_fd *f); /* safe inside callbacks; accepts NULL */

/* Host CLOCK_MONOTONIC nanoseconds; INT64_MAX disarms.  One shot. */
struct loop_timer *loop_add_timer(struct loop *l, void (*fn)(void *ctx), void *ctx);
void loop_arm(struct loop_timer *t, int64_t deadline_ns); /* loop's thread only */
void loop_del_timer(struct loop_timer *t);
int64_t loop_now_ns(void);

/* From any thread: fn(ctx) runs soon on the loop's thread.  Wakes it. */
void loop_post(struct loop *l, void (*fn)(void *ctx), void *ctx);
/* From any thread or signal handler: only wakes the loop (calls the wake hook). */
void loop_wake(struct loop *l);
void loop_set_wake_hook(struct loop *l, void (*fn)(void *ctx), void *ctx);

void loop_run(struct loop *l); /* until loop_quit() */
void loop_quit(struct loop *l);
/* One turn: waits for at most timeout_ms (-1 for ever). */
void loop_turn(struct loop *l, int timeout_ms);

#endif
