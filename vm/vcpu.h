/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The processors' threads; only machine.c uses this. */
#ifndef LODGE_VM_VCPU_H
#define LODGE_VM_VCPU_H

#include <stdint.h>

struct machine;
struct err;

/* The threads start paused. */
int vcpus_create(struct machine *m, struct err *e);
void vcpus_destroy(struct machine *m); /* ends and joins them */
/* Main thread, without the machine's lock: returns when all wait. */
void vcpus_pause(struct machine *m);
void vcpus_resume(struct machine *m);
/* From any thread: makes the processors leave cpu_run() and wait until vcpus_release(). */
void vcpus_hold(struct machine *m);
void vcpus_release(struct machine *m);
/* --clock=insns: the earliest deadline moved (machine's lock held). */
void vcpus_deadline(struct machine *m);
/* Processors with their bit set do not run although the machine does. Machine stopped. */
void vcpus_freeze(struct machine *m, uint64_t mask);
/* Takes the machine's lock; a processor's thread is parked while it waits. */
void vcpus_lock(struct machine *m);
/* cpu_env.tick */
struct cpu;
void vcpus_tick(void *ctx, struct cpu *c);

#endif
