/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A server of gdb's remote protocol on a listening socket; one debugger at a time. */
#ifndef LODGE_VM_GDB_H
#define LODGE_VM_GDB_H

struct err;
struct machine;

int gdb_create(struct machine *m, struct err *e);
void gdb_destroy(struct machine *m);
/* Main thread: a processor hit a breakpoint or has stepped; all wait. */
void gdb_stopped(struct machine *m);

#endif
