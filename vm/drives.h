/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disk images as back ends of the drives, and changing of media. */
#ifndef LODGE_VM_DRIVES_H
#define LODGE_VM_DRIVES_H

#include <stdbool.h>

struct buf;
struct err;
struct machine;
struct proto_drive;

/* Opens the configured images and hands them to the board as back ends. */
int drives_open(struct machine *m, struct err *e);
void drives_close(struct machine *m);
/* "cd0", "cd1", "floppy0", "floppy1". fd -1: only ejects; it is taken. Main thread, without
 * the lock. */
int drives_change(
    struct machine *m, const char *drive, int fd, bool read_only, const char *name, struct err *e);
void drives_list(struct machine *m, struct buf *out);

#endif
