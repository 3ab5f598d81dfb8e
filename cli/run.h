/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lodge run: one machine, from its command line to its exit status. */
#ifndef LODGE_CLI_RUN_H
#define LODGE_CLI_RUN_H

struct term_guard;

/* argv[0] is "run". The guard outlives the call: signal handlers use it. */
int run_main(int argc, char **argv, struct term_guard *g);

#endif
