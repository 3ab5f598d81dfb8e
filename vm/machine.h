/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One machine: its memory, clock, processors and board, and its life.
 *
 * Threads.  The main thread runs the loop: descriptors, timers of the host clock,
 * completions, requests.  Each processor has a thread (with --clock=insns one thread
 * has them all and is the only one that fires timers).  `lock` serialises all
 * device code.  A processor's thread never waits for it without being parked.
 *
 * Changes of the whole machine (stop, reset, save, end) happen on the main thread
 * while every processor's thread waits between instructions.  Device code only
 * asks for them: machine_ask().
 */
#ifndef LODGE_VM_MACHINE_H
#define LODGE_VM_MACHINE_H

#include "cpu/cpu.h"
#include "host/block/block.h"
#include "host/char/chardev.h"
#include "host/display/display.h"
#include "mem/space.h"
#include "vm/clock.h"
#include "vm/proto.h"

#include <pthread.h>

struct board;
struct control;
struct drives;
struct err;
struct gdb;
struct hostio;
struct loop;
struct loop_fd;
struct state_log;
struct vcpus;
struct video;

/* What device code and processors ask for; bits of machine.asked. */
enum machine_ask {
	ASK_RESET = 1,
	ASK_TRIPLE_FAULT = 2,
	ASK_POWEROFF = 4,
	ASK_EXIT = 8,   /* exit_status */
	ASK_DEBUG = 16, /* a breakpoint or step */
	ASK_QUIT = 32,
	ASK_STOP = 64 /* as the monitor's stop */
};

struct machine {
	const struct proto_config *cfg;
	struct loop *loop;
	pthread_mutex_t lock; /* recursive */
	struct clock clock;
	int timer_fd;
	struct loop_fd *timer_src;
	struct clock_timer lapic_timer[PROTO_MAX_CPUS];

	struct mem_arena arena;
	struct mem_space mem, io;
	struct cpu_env cpu_env;
	struct cpu_set cpus;
	const char *engine_why; /* --engine auto: why it is the interpreter, or NULL */
	struct vcpus *vcpus;
	struct board *board;

	struct hostio *hostio;
	struct drives *drives;
	struct block_env block_env;
	struct chardev_env char_env;
	struct chardev *chars[4]; /* two serial ports, printer, debug console */
	unsigned nchars;
	struct video *video;
	struct control *control;
	int ctl_fd;
	struct gdb *gdb;
	struct state_log *state_log; /* NULL: none */

	uint32_t asked; /* atomic, enum machine_ask */
	unsigned exit_status;
	const char *exit_why;
	unsigned pauses;
	bool stopped_by_user, stopped_by_gdb;
	bool ending;
	uint64_t resets;

	/* The processor that stopped for the debugger first. */
	struct cpu *debug_cpu;
	int debug_why;
};

/* Makes everything from the configuration; the descriptors in it are taken. Nothing runs.
 * ctl_fd: the control channel, the caller's, or -1. */
int machine_create(struct machine *m, const struct proto_config *cfg, int ctl_fd, struct err *e);
void machine_destroy(struct machine *m);
/* Runs to the end of the machine; its exit status. */
int machine_main(struct machine *m);

/* From any thread, with or without the lock: what happens at the next turn of the loop. */
void machine_ask(struct machine *m, enum machine_ask what);

/* ---- main thread, without the lock ---- */
/* All processors wait and the clock stands; nests with machine_resume(). */
void machine_pause(struct machine *m);
void machine_resume(struct machine *m);
bool machine_running(const struct machine *m);
void machine_set_stopped(struct machine *m, bool by_gdb, bool stop);
void machine_reset(struct machine *m);
void machine_end(struct machine *m, unsigned status, const char *why);

static inline void
machine_lock(struct machine *m)
{
	pthread_mutex_lock(&m->lock);
}
static inline void
machine_unlock(struct machine *m)
{
	pthread_mutex_unlock(&m->lock);
}

#endif
