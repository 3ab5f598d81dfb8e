/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's one clock: guest nanoseconds since power-on, and everything that
 * happens at a guest time.
 *
 * --clock=host: guest time is host monotonic time minus what passed while the
 * machine stood still, so a pause or a restore is no burst of ticks.  Deadlines
 * are kept by a timerfd on the main loop.
 *
 * --clock=insns: guest time is the number of retired instructions times a fixed
 * length, plus what was skipped while every processor was halted.  Deadlines are
 * looked at by the one processor thread between blocks, so a run depends on
 * nothing but its inputs.
 *
 * Locking: the machine's lock around everything but clock_now(), which any thread
 * may call.  With host time only clock_start/stop change what it reads, while no
 * processor runs.
 */
#ifndef LODGE_VM_CLOCK_H
#define LODGE_VM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_OFF INT64_MAX

/* The time-stamp counter's rate: one a nanosecond, so that it is exact. */
#define CLOCK_TSC_HZ 1000000000ull
/* --clock=insns: the length of an instruction. */
#define CLOCK_INSN_NS 10

struct clock_timer {
	int64_t deadline_ns; /* CLOCK_OFF: not armed */
	void (*fn)(void *ctx);
	void *ctx;
};

struct clock {
	bool insns, running;
	int64_t base_ns; /* host: guest time of start_host_ns; insns: time skipped */
	int64_t start_host_ns;
	uint64_t insns_others;  /* instructions of all processors but the current one */
	const uint64_t *icount; /* of the processor whose turn it is, or NULL */
	struct clock_timer **timers;
	unsigned ntimers, cap;
	int64_t next_ns; /* the earliest deadline */
	/* The earliest deadline became earlier. From any thread, with the lock. */
	void (*rearm)(void *ctx);
	void *rearm_ctx;
};

void clock_init(struct clock *c, bool insns);
void clock_fini(struct clock *c);

int64_t clock_now(const struct clock *c);
void clock_start(struct clock *c); /* host_ns as loop_now_ns() */
void clock_stop(struct clock *c);
/* Restoring: sets the time of a stopped clock. */
void clock_set(struct clock *c, int64_t now_ns);
/* The host time of a guest deadline; CLOCK_OFF when stopped or none. */
int64_t clock_host_deadline(const struct clock *c);

/* The timer is the caller's memory and must outlive the clock or be removed. Timers that
 * are due together fire in the order of their deadlines, then of being added. */
void clock_add_timer(struct clock *c, struct clock_timer *t, void (*fn)(void *ctx), void *ctx);
void clock_del_timer(struct clock *c, struct clock_timer *t);
void clock_arm(struct clock *c, struct clock_timer *t, int64_t deadline_ns);
/* Fires what is due, a bounded number; true when some is still due. */
bool clock_run_due(struct clock *c);

/* --clock=insns: whose turn it is (NULL: nobody's), and time skipped while all halt. */
void clock_turn(struct clock *c, const uint64_t *icount);
void clock_skip_to(struct clock *c, int64_t now_ns);
/* Instructions until the earliest deadline, UINT64_MAX without one. */
uint64_t clock_insns_left(const struct clock *c);

#endif
