/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Character back ends of serial ports, printer and debug console. */
#ifndef LODGE_VM_CHARS_H
#define LODGE_VM_CHARS_H

struct err;
struct machine;

/* Before the devices. */
int chars_open(struct machine *m, struct err *e);
void chars_close(struct machine *m);

#endif
