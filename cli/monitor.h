/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor: a line of text becomes a request to lodge-vm, its reply text for
 * whoever typed the line.  Files that a command names are opened here.
 */
#ifndef LODGE_CLI_MONITOR_H
#define LODGE_CLI_MONITOR_H

#include "vm/proto.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct loop;
struct monitor;

/* Whoever typed: say() gets text, done() comes after each command's last. */
struct monitor_client {
	void (*say)(void *ctx, const char *text, size_t len);
	void (*done)(void *ctx, int status);
	void *ctx;
};

/* ctl: the socket to lodge-vm, the caller's. snapshot: media changed later are opened so. */
struct monitor *monitor_create(struct loop *l, int ctl, bool snapshot);
void monitor_destroy(struct monitor *m);
/* One command line (is changed). Empty lines are done at once. */
void monitor_line(struct monitor *m, const struct monitor_client *cl, char *line);
void monitor_reply(struct monitor *m, const struct proto_reply *r);
/* No reply will come any more for this client's commands. */
void monitor_forget(struct monitor *m, void *client_ctx);
/* Serves the monitor on a listening unix socket (taken). */
int monitor_listen(struct monitor *m, int fd, struct err *e);

/* Words of a line: blanks separate, "…" keeps together. -EINVAL: open quote, too many. */
int monitor_split(char *line, char **ret_word, unsigned max);

#endif
