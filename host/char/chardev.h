/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character back ends: terminals, files, sockets, memory.  Output is queued up to
 * a limit; beyond it can_write() says no and the front end keeps its "transmitter
 * busy" state, or (after a second of guest time) drops: no guest blocks on a slow reader
 * for ever and no host memory fills.
 */
#ifndef LODGE_HOST_CHAR_CHARDEV_H
#define LODGE_HOST_CHAR_CHARDEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chardev;
struct loop;
struct err;

struct chardev_front {                      /* what the device gives */
	unsigned (*can_receive)(void *ctx); /* how many bytes it takes now */
	void (*receive)(void *ctx, const uint8_t *data, unsigned len);
	void (*hangup)(void *ctx, bool connected); /* peer went or came; may be NULL */
	void *ctx;
};

/* write: bytes taken (0..len). kick: the front end can receive again. */
unsigned chardev_write(struct chardev *c, const uint8_t *data, unsigned len);
void chardev_kick(struct chardev *c);
void chardev_attach(struct chardev *c, const struct chardev_front *f);
void chardev_close(struct chardev *c); /* accepts NULL */

/* fd: stream descriptor(s), taken. in = -1: output only. listen: a listening unix
 * socket, one client at a time; without one, output is dropped. Callbacks run on the
 * loop, inside lock()/unlock(). The program must ignore SIGPIPE. */
struct chardev_env {
	struct loop *loop;
	void *ctx;
	void (*lock)(void *ctx);
	void (*unlock)(void *ctx);
};
struct chardev *chardev_fd_open(const struct chardev_env *env, int in_fd, int out_fd);
struct chardev *chardev_listen_open(const struct chardev_env *env, int listen_fd);
struct chardev *chardev_null_open(void);
/* In memory, for tests: what was written so far, and a way to feed input. */
struct chardev *chardev_mem_open(size_t max_bytes);
const uint8_t *chardev_mem_data(struct chardev *c, size_t *ret_len);
unsigned chardev_mem_feed(struct chardev *c, const uint8_t *data, unsigned len);

#endif
