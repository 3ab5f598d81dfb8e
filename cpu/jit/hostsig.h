/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host faults, apart from the processor's headers, whose register names the C library's
 * collide with.
 */
#ifndef LODGE_CPU_JIT_HOSTSIG_H
#define LODGE_CPU_JIT_HOSTSIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hostsig_regs {
	uint64_t rip, r10, eflags;
};
/* True: r was changed, and the thread goes on there. False: not ours. */
typedef bool hostsig_fn(void *ctx, struct hostsig_regs *r);

#define HOSTSIG_STACK (64u << 10)

/* Handlers for SIGSEGV, SIGBUS and SIGFPE, once a process; those that were there get what is
 * not ours. 0 or -ENOTSUP. */
int hostsig_init(void);
/* On this thread from now on: fn, on `stack` (HOSTSIG_STACK bytes). */
void hostsig_enter(hostsig_fn *fn, void *ctx, void *stack);
void hostsig_leave(void);

#endif
