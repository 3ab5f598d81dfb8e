/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From options to the one configuration message: opens every file, socket and
 * terminal that the machine gets.  Whatever was opened is closed again on error and
 * no file has been changed; output files are emptied only when all else is right.
 */
#ifndef LODGE_CLI_SETUP_H
#define LODGE_CLI_SETUP_H

#include "cli/options.h"

#include <sys/types.h>

struct err;

#define SETUP_BIOS "/usr/share/seabios/bios-256k.bin"

struct setup {
	struct proto_config cfg;
	int term_fd;      /* lodge's end of what the terminal shows, or -1 */
	int monitor_fd;   /* listening, or -1 */
	char notice[256]; /* where to find the picture and gdb's port; "" = nothing to say */
	char *sockets[8]; /* socket files to remove at the end */
	unsigned nsockets;
};

int setup_prepare(struct setup *s, const struct options *o, struct err *e);
/* --jit perf: the map of translated code where perf looks for that of lodge-vm, pid. */
int setup_open_perf(struct setup *s, pid_t pid, struct err *e);
/* Closes what is open; the descriptors that were sent are closed too. */
void setup_close_fds(struct setup *s);
void setup_fini(struct setup *s);

#endif
