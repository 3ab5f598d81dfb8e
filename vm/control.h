/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control channel: requests of lodge, replies, events. Main thread, without the lock. */
#ifndef LODGE_VM_CONTROL_H
#define LODGE_VM_CONTROL_H

#include "vm/proto.h"

struct buf;
struct err;
struct machine;

int control_create(struct machine *m, struct err *e);
void control_destroy(struct machine *m);
void control_event(struct machine *m, enum proto_event_kind kind, uint64_t value, const char *text);

/* control_info.c: what can be looked at. -ENOENT with a list when the topic is unknown. */
int control_info(struct machine *m, unsigned cpu, const char *topic, const char *arg,
    struct buf *out, struct err *e);
int control_memory(struct machine *m, unsigned cpu, uint64_t addr, uint64_t count, unsigned unit,
    bool physical, struct buf *out);
int control_disasm(
    struct machine *m, unsigned cpu, uint64_t addr, uint64_t count, bool here, struct buf *out);
/* The translated block that begins at a linear address, beside the guest's code. */
int control_jit(struct machine *m, unsigned cpu, uint64_t addr, struct buf *out, struct err *e);

#endif
