/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The RFB server's sockets and its refresh timer.  The picture is rendered once a
 * turn for all viewers that wait, up to 30 times a second; while nothing changes the
 * pace falls to five a second, input or a change raises it again.
 */
#include "host/display/rfb.h"

#include "base/loop.h"
#include "base/mem.h"
#include "host/display/rfb_client.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define REFRESH_FAST_NS 33000000ll
#define REFRESH_SLOW_NS 200000000ll
#define OUT_KEEP        (1024u * 1024)

struct rfb_conn {
	struct rfb *rfb;
	int fd;
	struct loop_fd *watch;
	struct rfb_client client;
	bool closing; /* what is queued goes out, then the end */
};

struct rfb {
	struct rfb_env env;
	int listen_fd;
	struct loop_fd *listen_watch;
	struct loop_timer *timer;
	int64_t interval_ns;
	bool armed;
	struct rfb_conn *conns[RFB_MAX_CLIENTS];
};

static void
close_conn(struct rfb_conn *conn)
{
	struct rfb *r = conn->rfb;

	for (unsigned i = 0; i < RFB_MAX_CLIENTS; i++) {
		if (r->conns[i] == conn)
			r->conns[i] = NULL;
	}
	loop_del_fd(conn->watch);
	close(conn->fd);
	rfb_client_fini(&conn->client);
	mem_free(conn);
}

/* false: the connection is gone */
static bool
flush(struct rfb_conn *conn)
{
	struct buf *out = &conn->client.out;

	while (out->pos < out->len) {
		ssize_t n = send(conn->fd, out->data + out->pos, out->len - out->pos,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0) {
			out->pos += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			loop_set_events(conn->watch, (conn->closing ? 0 : LOOP_READ) | LOOP_WRITE);
			return true;
		} else if (n == 0 || errno != EINTR) {
			close_conn(conn);
			return false;
		}
	}
	if (conn->closing) {
		close_conn(conn);
		return false;
	}
	buf_clear(out);
	if (out->cap > OUT_KEEP) { /* a whole picture went; most updates are small */
		buf_fini(out);
		buf_init(out, RFB_OUT_MAX);
	}
	loop_set_events(conn->watch, LOOP_READ);
	return true;
}

/* Does an update make sense now? Not while the client has not read the last one. */
static bool
wants_update(const struct rfb_conn *conn)
{
	const struct rfb_client *c = &conn->client;

	return !conn->closing && c->requested && c->out.pos == c->out.len;
}

static void
schedule(struct rfb *r, int64_t delay_ns)
{
	bool wanted = false;

	for (unsigned i = 0; i < RFB_MAX_CLIENTS; i++) {
		if (r->conns[i] && wants_update(r->conns[i]))
			wanted = true;
	}
	r->armed = wanted;
	loop_arm(r->timer, wanted ? loop_now_ns() + delay_ns : INT64_MAX);
}

static void
render(struct rfb *r)
{
	struct display *d = r->env.display;

	if (r->env.lock)
		r->env.lock(r->env.ctx);
	if (d->render)
		d->render(d->ctx, d);
	if (r->env.unlock)
		r->env.unlock(r->env.ctx);
}

static void
refresh(void *ctx)
{
	struct rfb *r = ctx;
	bool any = false;

	render(r);

	if (r->env.lock) /* for what is asked of the input devices */
		r->env.lock(r->env.ctx);
	for (unsigned i = 0; i < RFB_MAX_CLIENTS; i++) {
		bool sent;

		if (!r->conns[i] || r->conns[i]->closing)
			continue;
		if (!rfb_client_update(&r->conns[i]->client, &sent))
			r->conns[i]->closing = true;
		any |= sent;
	}
	if (r->env.unlock)
		r->env.unlock(r->env.ctx);
	for (unsigned i = 0; i < RFB_MAX_CLIENTS; i++) {
		struct rfb_conn *conn = r->conns[i];

		if (conn && conn->closing && conn->client.out.failed)
			close_conn(conn);
		else if (conn)
			flush(conn);
	}
	r->interval_ns = any ? REFRESH_FAST_NS : r->interval_ns + r->interval_ns / 4;
	if (r->interval_ns > REFRESH_SLOW_NS)
		r->interval_ns = REFRESH_SLOW_NS;
	schedule(r, r->interval_ns);
}

static void
after_input(struct rfb *r, struct rfb_conn *conn)
{
	if (conn->client.active) {
		conn->client.active = false;
		r->interval_ns = REFRESH_FAST_NS;
		if (r->armed)
			schedule(r, REFRESH_FAST_NS / 3);
	}
	if (!r->armed && wants_update(conn))
		schedule(r, REFRESH_FAST_NS / 3);
}

static void
conn_event(void *ctx, unsigned events)
{
	struct rfb_conn *conn = ctx;
	struct rfb *r = conn->rfb;
	uint8_t data[4096];
	ssize_t n;

	if (events & LOOP_WRITE) {
		if (!flush(conn))
			return;
		after_input(r, conn);
	}
	if (!(events & (LOOP_READ | LOOP_HUP)) || conn->closing)
		return;
	n = recv(conn->fd, data, sizeof(data), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_conn(conn);
		return;
	}
	conn->closing = !rfb_client_feed(&conn->client, data, (size_t)n);
	if (conn->client.out.failed)
		close_conn(conn);
	else if (flush(conn))
		after_input(r, conn);
}

int
rfb_add_client(struct rfb *r, int fd)
{
	struct rfb_conn *conn;
	unsigned i = 0;
	int one = 1;

	while (i < RFB_MAX_CLIENTS && r->conns[i])
		i++;
	conn = i < RFB_MAX_CLIENTS ? try_alloc(1, sizeof(*conn)) : NULL;
	if (!conn) {
		close(fd);
		return i < RFB_MAX_CLIENTS ? -ENOMEM : -EMFILE;
	}
	/* Fails on unix sockets, where it is not needed. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	conn->rfb = r;
	conn->fd = fd;
	rfb_client_init(&conn->client, &r->env);
	render(r); /* the size that the client is told first */
	conn->watch = loop_add_fd(r->env.loop, fd, LOOP_READ, conn_event, conn);
	if (!conn->watch) {
		int err = errno;

		rfb_client_fini(&conn->client);
		mem_free(conn);
		close(fd);
		return -err;
	}
	r->conns[i] = conn;
	flush(conn);
	return 0;
}

static void
listen_event(void *ctx, unsigned events)
{
	struct rfb *r = ctx;
	int fd = accept4(r->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		(void)rfb_add_client(r, fd);
}

struct rfb *
rfb_create(const struct rfb_env *env, int listen_fd)
{
	struct rfb *r = xalloc(sizeof(*r));

	r->env = *env;
	r->listen_fd = -1;
	r->interval_ns = REFRESH_FAST_NS;
	r->timer = loop_add_timer(env->loop, refresh, r);
	if (!r->timer) {
		mem_free(r);
		return NULL;
	}
	if (listen_fd >= 0) {
		r->listen_watch = loop_add_fd(env->loop, listen_fd, LOOP_READ, listen_event, r);
		if (!r->listen_watch) {
			loop_del_timer(r->timer);
			mem_free(r);
			return NULL;
		}
		r->listen_fd = listen_fd;
	}
	return r;
}

void
rfb_destroy(struct rfb *r)
{
	if (!r)
		return;
	for (unsigned i = 0; i < RFB_MAX_CLIENTS; i++) {
		if (r->conns[i])
			close_conn(r->conns[i]);
	}
	loop_del_fd(r->listen_watch);
	if (r->listen_fd >= 0)
		close(r->listen_fd);
	loop_del_timer(r->timer);
	mem_free(r);
}

unsigned
rfb_clients(const struct rfb *r)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RFB_MAX_CLIENTS; i++)
		n += r->conns[i] != NULL;
	return n;
}
