/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The saved state of a whole machine, one stream:
 *
 *	"LODGESAV", u32 version
 *	sections: 8 bytes of name, u64 length, that many bytes
 *	the last section "end" holds the CRC-32 of everything before it
 *
 * "config" comes first: lines key=value of everything that must be the same in the
 * machine that goes on.  "memory" has the pages of the arena that are not all zeros.
 * Disk images are not part of it.
 */
#ifndef LODGE_VM_STATE_H
#define LODGE_VM_STATE_H

struct err;
struct machine;

/* Machine paused, main thread, without the lock. The descriptor stays the caller's; on
 * failure what it has is worthless. */
int state_save(struct machine *m, int fd, struct err *e);
/* A machine that has not run yet. fd: a file. On failure the machine must not run. */
int state_restore(struct machine *m, int fd, struct err *e);

#endif
