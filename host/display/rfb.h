/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * RFB server (RFC 6143, versions 3.3, 3.7 and 3.8; "VNC"): shows a struct display to
 * viewers and gives their keys and pointer to a struct input_sink.  Security type None:
 * the socket given must be a unix socket or loopback.
 *
 * Runs on the loop's thread.  Device access happens between lock() and unlock().  Nothing is
 * rendered while no viewer waits for a picture.
 */
#ifndef LODGE_HOST_DISPLAY_RFB_H
#define LODGE_HOST_DISPLAY_RFB_H

#include "host/display/display.h"

struct loop;
struct rfb;

struct rfb_env {
	struct loop *loop;
	void *ctx;
	void (*lock)(void *ctx);
	void (*unlock)(void *ctx);
	struct display *display;
	const struct input_sink *input;
	const char *name; /* the window title of viewers */
};

#define RFB_MAX_CLIENTS 8u

/* env is copied, what it points at must live on. listen_fd: a listening stream socket
 * (taken, closed by rfb_destroy), or -1. NULL + errno. */
struct rfb *rfb_create(const struct rfb_env *env, int listen_fd);
void rfb_destroy(struct rfb *r); /* accepts NULL */
/* Serves a connected stream socket (taken). -EMFILE when there are too many. */
int rfb_add_client(struct rfb *r, int fd);
unsigned rfb_clients(const struct rfb *r);

#endif
