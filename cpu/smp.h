/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the processors of a set meet: requests, exclusive sections, waiting. */
#ifndef LODGE_CPU_SMP_H
#define LODGE_CPU_SMP_H

#include "cpu/cpu.h"

int smp_create(struct cpu_set *s);
void smp_destroy(struct cpu_set *s);

/* Around running: cpu_run() enters, and leaves on every way out. */
void smp_enter(struct cpu *c);
void smp_leave(struct cpu *c);
/* ATT_SYNC seen between instructions: let the exclusive section pass. */
void smp_sync(struct cpu *c);
/* ATT_REQUEST seen: flushes and invalidations that others asked for. */
void smp_serve_requests(struct cpu *c);

/* Something in `attention` is new: translated code leaves at its next look. */
static inline void
smp_attend(struct cpu *c, uint32_t att_bits)
{
	__atomic_or_fetch(&c->attention, att_bits, __ATOMIC_SEQ_CST);
	__atomic_or_fetch(&c->hot.mode, HOT_POLL, __ATOMIC_SEQ_CST);
}
/* Before `attention` is looked at. */
static inline void
smp_clear_poll(struct cpu *c)
{
	if (__atomic_load_n(&c->hot.mode, __ATOMIC_RELAXED) & HOT_POLL)
		__atomic_and_fetch(&c->hot.mode, ~HOT_POLL, __ATOMIC_SEQ_CST);
}

/* All but `self` (NULL: all) drop the blocks that hold these bytes before they execute another
 * block. */
void smp_post_invalidate(struct cpu_set *s, struct cpu *self, uint64_t aoff, size_t len);

/* An exclusive section open across two calls (split locked accesses). Nothing may raise
 * between them. */
void smp_exclusive_begin(struct cpu_set *s, struct cpu *self);
void smp_exclusive_end(struct cpu_set *s, struct cpu *self);

#endif
