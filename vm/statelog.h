/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --state-log: a line for every so many instructions of a processor, with a hash of its
 * architectural state.  Two runs of one guest with the instruction clock must write the
 * same, whatever executes the instructions: tests/guest/lockstep.py compares.
 *
 *	CPU ICOUNT RIP HASH gpr=H fl=H sys=H fp=H vec=H [ram=H] [registers]
 *
 * HASH is made of the five after it (cut to 32 bits), which tell what kind of state differs.
 */
#ifndef LODGE_VM_STATELOG_H
#define LODGE_VM_STATELOG_H

#include <stdint.h>

struct cpu;
struct machine;
struct state_log;

/* Takes what the configuration says; m->state_log stays NULL without --state-log. */
void state_log_create(struct machine *m);
void state_log_destroy(struct machine *m);

/* Of the processors' thread, between blocks: the count of instructions at which it wants to
 * be called next, and the call, which does nothing when it is too early. */
uint64_t state_log_next(const struct state_log *l, const struct cpu *c);
void state_log_tick(struct machine *m, const struct cpu *c);
/* Everything is in the file afterwards. Processors stopped. */
void state_log_flush(struct state_log *l);

#endif
