/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character back ends over descriptors: a pair of stream descriptors, or one client
 * of a listening socket.
 *
 * The front end writes from any thread with the machine's lock held; bytes go to a
 * ring and a posted call sends them from the loop's thread, which takes the lock.
 * Descriptors are non-blocking, so nothing waits under the lock.  When the ring is
 * full the front end hears "0 taken"; with no client, or after the reader went away,
 * output is taken and dropped.
 *
 * Requirements for whoever changes this:
 *  1. Descriptors and loop_fd are touched on the loop's thread only, the ring and
 *     `posted` under the lock only.
 *  2. A posted call cannot be taken back: close() leaves the struct to it.
 *  3. Where the process did not ignore SIGPIPE, a closed pipe ends it: sockets are
 *     written with MSG_NOSIGNAL, for pipes the program must ignore the signal.
 */
#include "host/char/chardev_impl.h"

#include "base/loop.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define STREAM_RING 65536u /* power of two */
#define STREAM_READ 1024u
#define DRAIN_TRIES 20 /* × 10 ms: how long close() waits for a reader */
#define DRAIN_MS    10

struct stream {
	struct chardev c;
	struct chardev_env env;
	int in_fd, out_fd, listen_fd; /* -1 = none; in_fd may equal out_fd */
	int in_flags, out_flags;      /* as they were given to us */
	bool is_socket;
	struct loop_fd *in, *out, *listen; /* out is NULL when it equals in */
	bool in_ready;                     /* told the loop to watch for input */
	bool out_blocked;
	bool posted, closed;
	uint32_t head, tail; /* ring: tail..head, free-running */
	uint8_t ring[STREAM_RING];
};

static void stream_service(void *ctx);

static struct stream *
stream_of(struct chardev *c)
{
	return (struct stream *)c;
}

static void
lock(struct stream *s)
{
	if (s->env.lock)
		s->env.lock(s->env.ctx);
}

static void
unlock(struct stream *s)
{
	if (s->env.unlock)
		s->env.unlock(s->env.ctx);
}

static void
post_service(struct stream *s)
{
	if (s->posted)
		return;
	s->posted = true;
	loop_post(s->env.loop, stream_service, s);
}

/* ---- output ---- */

static ssize_t
send_some(struct stream *s, const uint8_t *p, size_t n)
{
	ssize_t r;

	do {
		r = s->is_socket ? send(s->out_fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT)
		                 : write(s->out_fd, p, n);
	} while (r < 0 && errno == EINTR);
	return r;
}

/* Sends what goes; false when the reader has gone for good. */
static bool
send_ring(struct stream *s)
{
	s->out_blocked = false;
	while (s->tail != s->head) {
		uint32_t at = s->tail % STREAM_RING;
		uint32_t n = s->head - s->tail;
		ssize_t r;

		if (n > STREAM_RING - at)
			n = STREAM_RING - at;
		r = send_some(s, s->ring + at, n);
		if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			s->out_blocked = true;
			return true;
		}
		if (r <= 0)
			return false;
		s->tail += (uint32_t)r;
	}
	return true;
}

static unsigned
stream_write(struct chardev *c, const uint8_t *data, unsigned len)
{
	struct stream *s = stream_of(c);
	uint32_t room = STREAM_RING - (s->head - s->tail);

	if (s->out_fd < 0)
		return len;
	if (len > room)
		len = room;
	for (unsigned i = 0; i < len; i++)
		s->ring[s->head++ % STREAM_RING] = data[i];
	if (len && !s->out_blocked)
		post_service(s);
	return len;
}

/* ---- descriptors ---- */

static void
watch(struct stream *s)
{
	unsigned in = s->in_ready ? (unsigned)LOOP_READ : 0;
	unsigned out = s->out_blocked ? (unsigned)LOOP_WRITE : 0;

	if (s->in)
		loop_set_events(s->in, in | (s->in_fd == s->out_fd ? out : 0));
	if (s->out)
		loop_set_events(s->out, out);
}

static void
make_nonblocking(int fd, int flags)
{
	if (flags >= 0 && !(flags & O_NONBLOCK))
		(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

/* The flags belong to the open file, which may be the user's terminal. */
static void
restore_and_close(int fd, int flags)
{
	if (fd < 0)
		return;
	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, flags);
	close(fd);
}

static void
drop_in(struct stream *s)
{
	loop_del_fd(s->in);
	s->in = NULL;
	s->in_ready = false;
	if (s->in_fd != s->out_fd)
		restore_and_close(s->in_fd, s->in_flags);
	s->in_fd = -1;
}

static void
drop_out(struct stream *s)
{
	loop_del_fd(s->out);
	s->out = NULL;
	restore_and_close(s->out_fd, s->out_flags);
	s->out_fd = -1;
	s->out_blocked = false;
	s->tail = s->head;
}

/* The peer is gone: both directions. */
static void
disconnect(struct stream *s)
{
	bool was = s->in_fd >= 0 || s->out_fd >= 0;

	drop_in(s);
	drop_out(s);
	if (s->listen)
		loop_set_events(s->listen, LOOP_READ);
	if (was && s->c.front.hangup)
		s->c.front.hangup(s->c.front.ctx, false);
}

/* Nothing more to read. A socket's or terminal's peer is gone then; after the end of
 * an input file, output goes on. */
static void
input_ended(struct stream *s)
{
	if (s->in_fd == s->out_fd)
		disconnect(s);
	else
		drop_in(s);
}

static void
read_some(struct stream *s)
{
	uint8_t buf[STREAM_READ];
	unsigned room = chardev_can_receive(&s->c);
	ssize_t n;

	s->in_ready = room > 0;
	if (!room)
		return;
	if (room > sizeof(buf))
		room = sizeof(buf);
	do {
		n = read(s->in_fd, buf, room);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return;
	if (n <= 0) {
		input_ended(s);
		return;
	}
	s->c.front.receive(s->c.front.ctx, buf, (unsigned)n);
	s->in_ready = chardev_can_receive(&s->c) > 0;
}

static void
stream_event(void *ctx, unsigned events)
{
	struct stream *s = ctx;

	lock(s);
	if (s->in_fd >= 0 && (events & LOOP_READ))
		read_some(s);
	if (s->out_fd >= 0 && (events & LOOP_WRITE) && !send_ring(s))
		disconnect(s);
	/* A hang-up is reported for ever: what can still be read was read above,
	 * unless the front end has no room; then the rest is lost. */
	if ((events & LOOP_HUP) && !(events & LOOP_READ))
		disconnect(s);
	watch(s);
	unlock(s);
}

static void
out_event(void *ctx, unsigned events)
{
	struct stream *s = ctx;

	lock(s);
	if (s->out_fd >= 0 && ((events & LOOP_HUP) || !send_ring(s)))
		drop_out(s);
	watch(s);
	unlock(s);
}

/* Back from post_service(): the front end has written, or has room again. */
static void
stream_service(void *ctx)
{
	struct stream *s = ctx;

	if (s->closed) {
		mem_free(s);
		return;
	}
	lock(s);
	s->posted = false;
	if (s->out_fd >= 0 && !s->out_blocked && !send_ring(s))
		disconnect(s);
	if (s->in_fd >= 0)
		s->in_ready = chardev_can_receive(&s->c) > 0;
	watch(s);
	unlock(s);
}

static void
stream_kick(struct chardev *c)
{
	struct stream *s = stream_of(c);

	if (s->in_fd >= 0 && !s->in_ready)
		post_service(s);
}

/* ---- life ---- */

static void
drain_for_close(struct stream *s)
{
	if (s->out_fd < 0)
		return;
	for (int i = 0; i < DRAIN_TRIES && send_ring(s) && s->out_blocked; i++) {
		struct pollfd p = { .fd = s->out_fd, .events = POLLOUT };

		(void)poll(&p, 1, DRAIN_MS);
	}
}

static void
stream_close(struct chardev *c)
{
	struct stream *s = stream_of(c);

	drain_for_close(s);
	s->c.front = (struct chardev_front){ 0 };
	drop_in(s);
	drop_out(s);
	loop_del_fd(s->listen);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	s->closed = true;
	if (!s->posted)
		mem_free(s);
}

static const struct chardev_type stream_type = {
	.write = stream_write,
	.kick = stream_kick,
	.close = stream_close,
};

static struct stream *
stream_make(const struct chardev_env *env)
{
	struct stream *s = try_alloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->c.type = &stream_type;
	s->env = *env;
	s->in_fd = s->out_fd = s->listen_fd = -1;
	s->in_flags = s->out_flags = -1;
	return s;
}

static bool
stream_connect(struct stream *s, int in_fd, int out_fd)
{
	int type;
	socklen_t len = sizeof(type);

	s->in_fd = in_fd;
	s->out_fd = out_fd;
	/* Both first: they may be one open file. */
	s->in_flags = in_fd >= 0 ? fcntl(in_fd, F_GETFL) : -1;
	s->out_flags = fcntl(out_fd, F_GETFL);
	make_nonblocking(in_fd, s->in_flags);
	make_nonblocking(out_fd, s->out_flags);
	s->is_socket = getsockopt(out_fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
	if (in_fd >= 0) {
		s->in = loop_add_fd(s->env.loop, in_fd, 0, stream_event, s);
		if (!s->in)
			return false;
	}
	if (out_fd != in_fd) {
		s->out = loop_add_fd(s->env.loop, out_fd, 0, out_event, s);
		if (!s->out)
			return false;
	}
	s->in_ready = in_fd >= 0 && chardev_can_receive(&s->c) > 0;
	watch(s);
	return true;
}

struct chardev *
chardev_fd_open(const struct chardev_env *env, int in_fd, int out_fd)
{
	struct stream *s = stream_make(env);

	if (!s) {
		if (in_fd >= 0 && in_fd != out_fd)
			close(in_fd);
		close(out_fd);
		errno = ENOMEM;
		return NULL;
	}
	if (!stream_connect(s, in_fd, out_fd)) {
		int err = errno;

		stream_close(&s->c);
		errno = err;
		return NULL;
	}
	return &s->c;
}

static void
listen_event(void *ctx, unsigned events)
{
	struct stream *s = ctx;
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	lock(s);
	if (s->out_fd >= 0 || !stream_connect(s, fd, fd)) {
		if (s->out_fd == fd)
			disconnect(s);
		else
			close(fd);
	} else {
		/* The others wait in the backlog. */
		loop_set_events(s->listen, 0);
		if (s->c.front.hangup)
			s->c.front.hangup(s->c.front.ctx, true);
	}
	unlock(s);
}

struct chardev *
chardev_listen_open(const struct chardev_env *env, int listen_fd)
{
	struct stream *s = stream_make(env);

	if (s) {
		s->listen_fd = listen_fd;
		make_nonblocking(listen_fd, fcntl(listen_fd, F_GETFL));
		s->listen = loop_add_fd(env->loop, listen_fd, LOOP_READ, listen_event, s);
		if (s->listen)
			return &s->c;
		stream_close(&s->c);
	} else {
		close(listen_fd);
	}
	errno = ENOMEM;
	return NULL;
}
