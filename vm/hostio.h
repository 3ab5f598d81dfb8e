/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Host I/O for block back ends (struct block_env): with the host's clock a few
 * threads do the work and the main loop brings completions home; with the
 * instruction clock the work is done at once and its completion arrives after a
 * fixed guest time, so that runs repeat.
 */
#ifndef LODGE_VM_HOSTIO_H
#define LODGE_VM_HOSTIO_H

#include "host/block/block.h"

struct err;
struct machine;

/* Fills in m->block_env. */
int hostio_create(struct machine *m, struct err *e);
void hostio_destroy(struct machine *m); /* waits for what is under way */
/* Main loop, without the lock: completions that have arrived. */
void hostio_deliver(struct machine *m);
/* A stopped machine: waits for all work and delivers it, whatever the clock says. */
void hostio_drain(struct machine *m);

#endif
